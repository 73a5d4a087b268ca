//! What a cluster says of its gateway: who it is for, and what leads there.

use serde_json::{Value, json};

use crate::cluster::{Class, Connection, Failure};
use crate::error::{Error, Result};
use crate::object::list;

/// The gateway of component auth.
pub const GATEWAY: &str = "kubeflow-gateway";
/// Where components are when no app says otherwise.
pub const NAMESPACE: &str = "kubeflow";
/// The path of the `ConfigMap` by which component auth tells where that gateway is.
pub const MESH: &str = "/api/v1/namespaces/kubeflow-system/configmaps/mesh";

/// All that is known of it.
#[derive(Debug, Default)]
pub struct Gateway {
    /// The Gateway itself.
    pub object: Value,
    /// The namespace of its pods.
    pub namespace: String,
    /// The label of its pods.
    pub selector: (String, String),
    /// Services that lead to its pods, the nearest to the outside first.
    pub services: Vec<Value>,
    /// Ingresses that lead to those.
    pub ingresses: Vec<Value>,
    /// Nodes, where they may be read.
    pub nodes: Vec<Value>,
    /// The name under which what users run is, where it has one of its own.
    pub content: Option<String>,
    /// Why its Service has no address, as an event tells.
    pub trouble: Option<String>,
}

impl std::fmt::Display for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |field: &str| self.object["metadata"][field].as_str().unwrap_or_default();
        write!(f, "Gateway.networking.istio.io {}/{}", text("namespace"), text("name"))
    }
}

impl Gateway {
    /// Asks the cluster; `namespace` is that of the app's components.
    pub async fn read(connection: &Connection, namespace: &str) -> Result<Self> {
        let explain = |failure: Failure| connection.explain(&failure, "read what leads to the gateway");
        let path = format!("/apis/networking.istio.io/v1/namespaces/{namespace}/gateways/{GATEWAY}");
        let object = connection.read(&path).await.map_err(|failure| match failure.class {
            Class::NoMatch => Error::cluster(format!("there is no Istio in {}: it knows no gateways", connection.server))
                .hint("bring one: `kfctl component enable istio`, `kfctl component enable auth` and `kfctl apply k8s`"),
            Class::NotFound => Error::cluster(format!("there is no gateway {namespace}/{GATEWAY} in {}", connection.server))
                .hint("component auth brings it: `kfctl component enable auth` and `kfctl apply k8s`"),
            _ => explain(failure),
        })?;
        let selector = object["spec"]["selector"].as_object().and_then(|labels| labels.iter().next());
        let selector = selector.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
        let mesh = match connection.read(MESH).await {
            Ok(mesh) => mesh,
            Err(failure) if failure.class == Class::NotFound => json!({}),
            Err(failure) => return Err(explain(failure)),
        };
        let pods_in = mesh["data"]["gatewayNamespace"].as_str().unwrap_or("istio-system").to_owned();
        let content = mesh["data"]["notebookHost"].as_str().filter(|host| !host.is_empty()).map(str::to_owned);
        let selector = selector.unwrap_or_default();
        let mut gateway = Self { object, namespace: pods_in, selector, content, ..Self::default() };
        gateway.surroundings(connection).await.map_err(explain)?;
        Ok(gateway)
    }

    async fn surroundings(&mut self, connection: &Connection) -> Result<(), Failure> {
        let items = async |path: String| connection.read(&path).await.map(|answer| list(&answer, "/items").to_vec());
        let namespace = &self.namespace;
        let (services, ingresses, nodes) = futures::join!(
            items(format!("/api/v1/namespaces/{namespace}/services")),
            items(format!("/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses")),
            items("/api/v1/nodes".to_owned()),
        );
        let (label, value) = &self.selector;
        self.services = services?;
        self.services.retain(|service| service["spec"]["selector"][label.as_str()] == value.as_str());
        let near =
            |service: &Value| ["LoadBalancer", "NodePort"].iter().position(|kind| service["spec"]["type"] == *kind).unwrap_or(2);
        self.services.sort_by_key(near);
        let names: Vec<&Value> = self.services.iter().map(|service| &service["metadata"]["name"]).collect();
        let leads = |backend: &Value| !backend.is_null() && names.contains(&&backend["service"]["name"]);
        let leads_there = |ingress: &Value| {
            let rules = list(ingress, "/spec/rules").iter().flat_map(|rule| list(rule, "/http/paths"));
            leads(&ingress["spec"]["defaultBackend"]) || rules.map(|path| &path["backend"]).any(leads)
        };
        // Who may read neither of these may still have an address.
        let mut ingresses = ingresses.unwrap_or_default();
        ingresses.retain(leads_there);
        (self.ingresses, self.nodes) = (ingresses, nodes.unwrap_or_default());
        if let Some(name) = self.services.first().and_then(|service| service["metadata"]["name"].as_str()) {
            let of_it = format!("involvedObject.kind%3DService,involvedObject.name%3D{name},type%3DWarning");
            let events = items(format!("/api/v1/namespaces/{namespace}/events?fieldSelector={of_it}")).await.unwrap_or_default();
            self.trouble = events.last().and_then(|event| event["message"].as_str()).map(str::to_owned);
        }
        Ok(())
    }

    fn servers(&self) -> &[Value] {
        list(&self.object, "/spec/servers")
    }

    /// `https`, unless nothing of it is encrypted.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        let is_encrypted = self.servers().iter().any(|server| server["port"]["protocol"] == "HTTPS");
        if is_encrypted { "https" } else { "http" }
    }

    /// The name that it is for, where it is not for all.
    pub(super) fn host(&self) -> Option<String> {
        let hosts = self.servers().iter().flat_map(|server| list(server, "/hosts")).filter_map(Value::as_str);
        let mut hosts = hosts.map(|host| host.rsplit('/').next().unwrap_or(host));
        hosts.find(|host| !host.starts_with('*')).map(str::to_owned)
    }

    /// The URL of a path at an endpoint: what users run may be under a name of its own.
    #[must_use]
    pub fn url(&self, endpoint: &str, path: &str) -> String {
        let is_content = ["/notebook/", "/models/"].iter().any(|start| path.starts_with(start));
        match self.content.as_ref().filter(|_| is_content) {
            Some(host) => format!("{}://{host}{path}", self.scheme()),
            None => format!("{endpoint}{path}"),
        }
    }

    /// The port of a Service that speaks the gateway's scheme.
    pub(super) fn port<'a>(&self, service: &'a Value) -> Option<&'a Value> {
        let (names, number): (&[&str], i64) = if self.scheme() == "https" { (&["https"], 443) } else { (&["http2", "http"], 80) };
        let ports = list(service, "/spec/ports");
        let named = |port: &&Value| port["name"].as_str().is_some_and(|name| names.contains(&name));
        ports.iter().find(named).or_else(|| ports.iter().find(|port| port["port"] == number))
    }

    /// The port of a pod behind it: the one that its Service leads to, else the one that Istio's own gateway has.
    pub(super) fn target(&self, pod: &Value) -> u16 {
        let named = |name: &str| {
            let mut ports = list(pod, "/spec/containers").iter().flat_map(|container| list(container, "/ports"));
            ports.find(|port| port["name"] == name)?["containerPort"].as_u64()
        };
        let target = self.services.iter().find_map(|service| {
            let port = self.port(service)?;
            match &port["targetPort"] {
                Value::String(name) => named(name),
                number => number.as_u64().or_else(|| port["port"].as_u64()),
            }
        });
        let own = if self.scheme() == "https" { 8443 } else { 8080 };
        target.and_then(|port| u16::try_from(port).ok()).unwrap_or(own)
    }
}
