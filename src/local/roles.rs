//! The roles that run in a cluster elsewhere, as processes here: this same binary, with the rights of the role's own service
//! account and no more.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};

use super::Report;
use super::control_plane::ControlPlane;
use super::state::ports;
use crate::catalog::Role;
use crate::cluster::Connection;
use crate::error::{Error, Result};

/// The API server shortens what is longer than it allows.
const TOKEN_SECONDS: u64 = 365 * 24 * 3600;
const SYSTEM_NAMESPACE: &str = "kubeflow-system";
const READY_TIMEOUT: Duration = Duration::from_mins(1);

/// Starts a role, or leaves it running, and waits until it says that it is ready.
pub async fn start_role(control_plane: &ControlPlane, role: &Role, report: Report<'_>) -> Result<()> {
    let process = control_plane.process(&role.name);
    let before = process.pid()?;
    let connection = control_plane.connect().await?;
    let token = token(&connection, &role.service_account).await?;
    let kubeconfig = control_plane.role_kubeconfig(&role.name, &role.service_account, &token, &connection.server)?;
    let (probes, metrics, listen) = if role.listens {
        let [probes, metrics, listen] = ports(&control_plane.directory, &process, report).await?;
        (probes, metrics, Some(format!("127.0.0.1:{listen}")))
    } else {
        let [probes, metrics] = ports(&control_plane.directory, &process, report).await?;
        (probes, metrics, None)
    };
    let binary =
        std::env::current_exe().map_err(|error| Error::environment(format!("cannot find this program's own file: {error}")))?;
    let mut command = std::process::Command::new(binary);
    command.args(&role.arguments).arg("--probes").arg(format!("127.0.0.1:{probes}"));
    command.arg("--metrics").arg(format!("127.0.0.1:{metrics}")).env("KUBECONFIG", kubeconfig);
    if let Some(listen) = &listen {
        command.args(["--listen", listen]);
    }
    process.ensure(&mut command, &connection.server, report).await?;
    if process.pid()? == before {
        return Ok(());
    }
    let deadline = Instant::now() + READY_TIMEOUT;
    loop {
        let url = format!("http://127.0.0.1:{probes}/readyz");
        let answer =
            tokio::task::spawn_blocking(move || ureq::get(&url).call().map(|_| ()).map_err(|error| error.to_string())).await;
        let reason = match answer {
            Ok(Ok(())) => {
                let address = listen.map(|listen| format!(": http://{listen}")).unwrap_or_default();
                report(&format!("{} is ready{address}", role.name));
                return Ok(());
            }
            Ok(Err(reason)) => reason,
            Err(error) => error.to_string(),
        };
        if process.pid()?.is_none() {
            return Err(process.died());
        }
        if Instant::now() > deadline {
            return Err(Error::environment(format!("{} does not become ready", role.name))
                .detail(reason)
                .hint(format!("its log is {}", process.log().display())));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Stops a role, where it runs.
pub async fn stop_role(control_plane: &ControlPlane, role: &Role) -> Result<()> {
    control_plane.process(&role.name).stop().await
}

async fn token(connection: &Connection, service_account: &str) -> Result<String> {
    let path = format!("/api/v1/namespaces/{SYSTEM_NAMESPACE}/serviceaccounts/{service_account}/token");
    let body =
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": TOKEN_SECONDS}});
    let answer = connection
        .request(Method::POST, &path, "application/json", Some(("application/json", body.to_string().into_bytes())))
        .await
        .map_err(|failure| connection.explain(&failure, "get a token for the role's service account"))?;
    Ok(answer.body.pointer("/status/token").and_then(Value::as_str).unwrap_or_default().to_owned())
}
