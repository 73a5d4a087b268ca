//! Where a gateway answers, from what the cluster says of it. Pure.

use serde::Serialize;
use serde_json::Value;

use super::gateway::Gateway;
use crate::object::list;

/// How one gets there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// The name that the gateway is set to.
    Host,
    /// A load balancer of the gateway's Service.
    LoadBalancer,
    /// An Ingress before it.
    Ingress,
    /// A port of each node.
    NodePort,
    /// A port of this machine, while kfctl runs.
    PortForward,
    /// A process of this machine.
    Process,
}

/// An address that leads to the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    /// Scheme and address, with no path.
    pub url: String,
    /// How one gets there.
    pub way: Way,
    /// The object that says so.
    pub object: String,
}

/// The best address there is; without one, why.
pub fn endpoint(gateway: &Gateway) -> Result<Endpoint, String> {
    let scheme = gateway.scheme();
    let found =
        |way: Way, object: String, address: &str, port: Option<i64>| Endpoint { url: url(scheme, address, port), way, object };
    if let Some(host) = gateway.host() {
        return Ok(found(Way::Host, gateway.to_string(), &host, None));
    }
    for service in &gateway.services {
        if let Some(address) = balanced(service) {
            return Ok(found(Way::LoadBalancer, name("Service", service), &address, number(gateway.port(service), "port")));
        }
    }
    for ingress in &gateway.ingresses {
        let hosts = list(ingress, "/spec/rules").iter().filter_map(|rule| rule["host"].as_str());
        if let Some(host) = hosts.map(str::to_owned).next().or_else(|| balanced(ingress)) {
            return Ok(found(Way::Ingress, name("Ingress.networking.k8s.io", ingress), &host, None));
        }
    }
    for service in gateway.services.iter().filter(|service| service["spec"]["type"] == "NodePort") {
        if let Some(port) = number(gateway.port(service), "nodePort")
            && let Some(address) = gateway.nodes.iter().filter(|node| is_ready(node)).find_map(address)
        {
            return Ok(found(Way::NodePort, name("Service", service), &address, Some(port)));
        }
    }
    Err(why_not(gateway))
}

fn why_not(gateway: &Gateway) -> String {
    let Some(service) = gateway.services.first() else {
        return format!(
            "no Service of namespace {} leads to pods with label {}={}",
            gateway.namespace, gateway.selector.0, gateway.selector.1
        );
    };
    let of_it = name("Service", service);
    match service["spec"]["type"].as_str() {
        Some("LoadBalancer") => match gateway.trouble.as_deref() {
            Some(trouble) => format!("no load balancer has taken {of_it}: {trouble}"),
            None => format!("{of_it} waits for a load balancer: nothing in this cluster has given it an address so far"),
        },
        Some("NodePort") => format!("{of_it} has a port on each node, and no node that is ready has an address"),
        _ => format!("{of_it} is reached inside the cluster alone"),
    }
}

/// What a load balancer has given an object, be it a name or a number.
fn balanced(object: &Value) -> Option<String> {
    let given = list(object, "/status/loadBalancer/ingress");
    given.iter().find_map(|one| one["hostname"].as_str().or_else(|| one["ip"].as_str())).map(str::to_owned)
}

/// The address of a node: from outside, where it has one.
fn address(node: &Value) -> Option<String> {
    let addresses = list(node, "/status/addresses");
    let of_type = |wanted: &str| addresses.iter().find(|address| address["type"] == wanted)?["address"].as_str();
    ["ExternalIP", "ExternalDNS", "InternalIP"].into_iter().find_map(of_type).map(str::to_owned)
}

fn is_ready(node: &Value) -> bool {
    list(node, "/status/conditions").iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

fn number(port: Option<&Value>, field: &str) -> Option<i64> {
    port?[field].as_i64()
}

fn name(kind: &str, object: &Value) -> String {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
    format!("{kind} {}/{}", text("namespace"), text("name"))
}

/// Scheme, address and port, as a browser takes them.
pub(super) fn url(scheme: &str, address: &str, port: Option<i64>) -> String {
    let address = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
    match port {
        Some(port) if (scheme, port) != ("https", 443) && (scheme, port) != ("http", 80) => {
            format!("{scheme}://{address}:{port}")
        }
        _ => format!("{scheme}://{address}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn gateway(hosts: Value, service: Value) -> Gateway {
        let object = json!({"metadata": {"name": "g", "namespace": "kubeflow"}, "spec": {"servers": [
            {"hosts": hosts, "port": {"number": 80, "protocol": "HTTP"}, "tls": {"httpsRedirect": true}},
            {"hosts": ["*"], "port": {"number": 443, "protocol": "HTTPS"}}]}});
        let ready = json!([{"type": "Ready", "status": "True"}]);
        let node = json!({"status": {"conditions": ready, "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}});
        Gateway {
            object,
            namespace: "istio-system".into(),
            selector: ("istio".into(), "gw".into()),
            services: vec![service],
            nodes: vec![node],
            ..Gateway::default()
        }
    }

    fn service(kind: &str, addresses: Value) -> Value {
        json!({"metadata": {"name": "gw", "namespace": "istio-system"}, "status": {"loadBalancer": {"ingress": addresses}},
            "spec": {"type": kind, "ports": [{"name": "https", "port": 443, "nodePort": 30443}]}})
    }

    #[test]
    fn the_nearest_way_is_taken() {
        let found = |gateway: &Gateway| endpoint(gateway).map(|endpoint| (endpoint.url, endpoint.way));
        let any = || json!(["*"]);
        let balancer = service("LoadBalancer", json!([{"ip": "203.0.113.7"}]));
        let host = gateway(json!(["kubeflow.acme.com"]), balancer.clone());
        assert_eq!(found(&host), Ok(("https://kubeflow.acme.com".into(), Way::Host)));
        assert_eq!(found(&gateway(any(), balancer)), Ok(("https://203.0.113.7".into(), Way::LoadBalancer)));
        let named = service("LoadBalancer", json!([{"hostname": "lb.example.com"}]));
        assert_eq!(found(&gateway(any(), named)), Ok(("https://lb.example.com".into(), Way::LoadBalancer)));
        let node_port = gateway(any(), service("NodePort", json!(null)));
        assert_eq!(found(&node_port), Ok(("https://10.0.0.1:30443".into(), Way::NodePort)));
        let mut behind = gateway(any(), service("ClusterIP", json!(null)));
        assert_eq!(found(&behind), Err("Service istio-system/gw is reached inside the cluster alone".into()));
        behind.ingresses =
            vec![json!({"metadata": {"name": "i", "namespace": "n"}, "spec": {"rules": [{"host": "i.example.com"}]}})];
        assert_eq!(found(&behind), Ok(("https://i.example.com".into(), Way::Ingress)));
        let mut waiting = gateway(any(), service("LoadBalancer", json!(null)));
        assert!(endpoint(&waiting).unwrap_err().contains("waits for a load balancer"));
        waiting.trouble = Some("quota exceeded".into());
        assert!(endpoint(&waiting).unwrap_err().ends_with("gw: quota exceeded"));
    }

    #[test]
    fn what_users_run_may_have_a_name_of_its_own() {
        let mut gateway = gateway(json!(["kubeflow.acme.com", "notebooks.acme.com"]), service("ClusterIP", json!(null)));
        let url = |gateway: &Gateway, path: &str| gateway.url(&endpoint(gateway).unwrap().url, path);
        assert_eq!(url(&gateway, "/notebook/n/nb/"), "https://kubeflow.acme.com/notebook/n/nb/");
        gateway.content = Some("notebooks.acme.com".into());
        assert_eq!(url(&gateway, "/notebook/n/nb/"), "https://notebooks.acme.com/notebook/n/nb/");
        assert_eq!(url(&gateway, "/models/n/m/"), "https://notebooks.acme.com/models/n/m/");
        assert_eq!(url(&gateway, "/jupyter"), "https://kubeflow.acme.com/jupyter");
    }

    #[test]
    fn ports_and_addresses_are_written_as_browsers_take_them() {
        assert_eq!(url("https", "::1", Some(8443)), "https://[::1]:8443");
        assert_eq!(url("http", "a", Some(80)), "http://a");
        assert_eq!(url("http", "a", Some(443)), "http://a:443");
    }
}
