//! A port of this machine that leads to the gateway's pods, by the API server. Each connection finds a pod of its own, so that one that
//! goes takes nothing with it but the connections that it had.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedSender;

use super::endpoint::url;
use super::gateway::Gateway;
use crate::cluster::{Connection, root_cause};
use crate::error::{Error, Result};
use crate::object::list;

/// A port that is open.
#[derive(Debug)]
pub struct Forwarded {
    listener: TcpListener,
    connection: Connection,
    gateway: Arc<Gateway>,
    /// Scheme and address, with no path.
    pub url: String,
    /// The pod that the next connection would go to.
    pub pod: String,
}

/// Opens a free port of the loopback address, where there is a pod to lead to.
pub async fn forward(connection: &Connection, gateway: Gateway) -> Result<Forwarded> {
    let (pod, _) = ready_pod(connection, &gateway).await.map_err(|why| {
        let (label, value) = &gateway.selector;
        Error::cluster(format!("the gateway does not run: {why}"))
            .hint(format!("look at its pods: `kubectl -n {} get pods -l {label}={value}`", gateway.namespace))
    })?;
    let failed = |error: std::io::Error| Error::environment(format!("no port of this machine can be opened: {error}"));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let url = url(gateway.scheme(), "localhost", Some(port.into()));
    Ok(Forwarded { listener, connection: connection.clone(), gateway: Arc::new(gateway), url, pod })
}

impl Forwarded {
    /// Serves it until the caller lets go. What goes wrong with one connection is told, and ends no other.
    pub async fn serve(self, troubles: UnboundedSender<String>) -> std::io::Result<()> {
        loop {
            let (client, _) = self.listener.accept().await?;
            let (connection, gateway, troubles) = (self.connection.clone(), Arc::clone(&self.gateway), troubles.clone());
            tokio::spawn(async move {
                if let Err(why) = lead(&connection, &gateway, client).await {
                    // Nobody listens any more where the command ends.
                    let _ = troubles.send(why);
                }
            });
        }
    }
}

async fn lead(connection: &Connection, gateway: &Gateway, client: TcpStream) -> Result<(), String> {
    let (pod, port) = ready_pod(connection, gateway).await?;
    let pods: Api<Pod> = Api::namespaced(connection.client(), &gateway.namespace);
    let refused = |error: kube::Error| format!("no way to pod {pod}: {}", root_cause(&error));
    let mut forwarder = pods.portforward(&pod, &[port]).await.map_err(refused)?;
    let stream = forwarder.take_stream(port).ok_or_else(|| format!("no way to pod {pod}"))?;
    let said = forwarder.take_error(port);
    join(client, stream).await;
    forwarder.abort();
    match said {
        Some(said) => said.await.map_or(Ok(()), |why| Err(format!("pod {pod}: {why}"))),
        None => Ok(()),
    }
}

/// Hands over what each side says until both have ended. A side that breaks off ends the other, as a wire would.
async fn join(mut client: impl AsyncRead + AsyncWrite + Unpin, mut server: impl AsyncRead + AsyncWrite + Unpin) {
    let _ = copy_bidirectional(&mut client, &mut server).await;
}

/// A pod of the gateway that takes connections, and its port.
async fn ready_pod(connection: &Connection, gateway: &Gateway) -> Result<(String, u16), String> {
    let (label, value) = &gateway.selector;
    let path = format!("/api/v1/namespaces/{}/pods?labelSelector={label}%3D{value}", gateway.namespace);
    let pods = connection.read(&path).await.map_err(|failure| failure.message)?;
    let pods = list(&pods, "/items");
    let pod = pods.iter().find(|pod| is_ready(pod)).ok_or_else(|| match pods.len() {
        0 => format!("there is no pod with label {label}={value} in namespace {}", gateway.namespace),
        count => format!("none of its {count} pods is ready"),
    })?;
    Ok((pod["metadata"]["name"].as_str().unwrap_or_default().to_owned(), gateway.target(pod)))
}

fn is_ready(pod: &Value) -> bool {
    let ready = |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
    pod["metadata"]["deletionTimestamp"].is_null() && list(pod, "/status/conditions").iter().any(ready)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test]
    async fn both_ways_are_handed_over_to_the_last_byte() {
        let (mut browser, client) = duplex(64);
        let (server, mut pod) = duplex(64);
        let joined = tokio::spawn(join(client, server));
        // More than fits in between, both ways at once.
        let answer = vec![b'a'; 10_000];
        let (sent, mut asked) = (answer.clone(), Vec::new());
        let serving = tokio::spawn(async move {
            let mut head = [0; 5];
            pod.read_exact(&mut head).await.unwrap();
            pod.write_all(&sent).await.unwrap();
            pod.shutdown().await.unwrap();
            pod.read_to_end(&mut asked).await.unwrap();
            [head.to_vec(), asked].concat()
        });
        browser.write_all(b"hello world").await.unwrap();
        let mut got = Vec::new();
        browser.read_to_end(&mut got).await.unwrap();
        browser.shutdown().await.unwrap();
        joined.await.unwrap();
        assert_eq!((got, serving.await.unwrap()), (answer, b"hello world".to_vec()));
    }

    #[test]
    fn the_port_is_the_one_that_the_service_leads_to() {
        let pod = json!({"spec": {"containers": [{"ports": [{"name": "secure", "containerPort": 9443}]}]}});
        let target = |target: Value| {
            let service = json!({"spec": {"ports": [{"name": "https", "port": 443, "targetPort": target}]}});
            let object = json!({"spec": {"servers": [{"port": {"protocol": "HTTPS"}}]}});
            Gateway { object, services: vec![service], ..Gateway::default() }.target(&pod)
        };
        assert_eq!([json!(8443), json!("secure"), json!(null)].map(target), [8443, 9443, 443]);
        assert_eq!(Gateway::default().target(&pod), 8080, "Istio's own");
    }

    #[test]
    fn a_pod_that_goes_takes_no_connection() {
        let pod = |goes: Value| json!({"metadata": {"deletionTimestamp": goes}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        assert!(is_ready(&pod(json!(null))) && !is_ready(&pod(json!("2026-01-01T00:00:00Z"))) && !is_ready(&json!({})));
    }
}
