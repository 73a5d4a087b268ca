//! What is known of a cluster: asked for all at once, and each by itself, so that one refusal hides nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::{self, StreamExt};
use jiff::Timestamp;
use serde_json::Value;

use super::mesh::MeshFacts;
use crate::apply::{ComponentState, Edit, Member, MissingRight, Rights};
use crate::cluster::{Class, Connection, Discovery, Failure, Version};
use crate::object::list;

/// Something that was asked for, or why there is no answer.
pub type Fact<T> = Result<T, String>;

/// What is behind a service's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Something ready.
    Ready,
    /// Nothing ready.
    Empty,
    /// There is no such service.
    Missing,
}

impl Service {
    /// What is wrong with it.
    pub(super) fn trouble(self) -> Option<&'static str> {
        match self {
            Self::Ready => None,
            Self::Empty => Some("has nothing ready behind it"),
            Self::Missing => Some("does not exist"),
        }
    }
}

/// All that the checks know.
#[derive(Debug)]
pub struct Facts {
    /// The server's version.
    pub version: Fact<Version>,
    /// The server's clock, and ours before and after it was asked.
    pub clock: Fact<(Timestamp, [Timestamp; 2])>,
    /// What the server serves.
    pub discovery: Fact<Arc<Discovery>>,
    /// Storage classes.
    pub classes: Fact<Vec<Value>>,
    /// Nodes.
    pub nodes: Fact<Vec<Value>>,
    /// Webhook configurations, of both kinds.
    pub webhooks: Fact<Vec<Value>>,
    /// Definitions whose objects something converts from version to version.
    pub converted: Fact<Vec<Value>>,
    /// `APIService`s.
    pub api_services: Fact<Vec<Value>>,
    /// Deployments of Istio's control plane.
    pub istiods: Fact<Vec<Value>>,
    /// Whether Istio's CNI runs.
    pub istio_cni: Fact<bool>,
    /// Services behind webhooks and converters, by namespace and name. Those that can't be looked at are left out.
    pub services: BTreeMap<(String, String), Service>,
    /// The mesh, where component auth runs.
    pub mesh: Option<MeshFacts>,
    /// Whether the caller may do everything.
    pub is_admin: Fact<bool>,
    /// What is known of the app, where there is one.
    pub app: Option<AppFacts>,
}

/// What is known of an app.
#[derive(Debug, Default)]
pub struct AppFacts {
    /// Whether it brings the definition of profiles.
    pub brings_profiles: bool,
    /// What the caller may not do, and whether that is certain.
    pub missing: Option<(Vec<MissingRight>, bool)>,
    /// Its objects in the cluster.
    pub components: Vec<ComponentState>,
    /// Items of its own in configurations of somebody else's.
    pub edits: Vec<Edit>,
    /// The name that users' content has for itself, or an empty one; nothing where there is no such content.
    pub notebook_host: Option<String>,
}

impl AppFacts {
    /// Of these members.
    #[must_use]
    pub fn of(members: &[Member], components: Vec<ComponentState>) -> Self {
        Self { brings_profiles: bring_profiles(members), components, ..Self::default() }
    }
}

/// Whether these bring the definition of profiles that live in namespaces. Manifests of upstream's own are no clash.
pub(super) fn bring_profiles(members: &[Member]) -> bool {
    members.iter().any(|member| {
        member.object.id.is("apiextensions.k8s.io", "CustomResourceDefinition")
            && member.object.id.name == "profiles.kubeflow.org"
            && member.object.content.pointer("/spec/scope").and_then(Value::as_str) == Some("Namespaced")
    })
}

impl Facts {
    /// Asks the cluster; `namespace` is that of the app's components.
    pub async fn gather(connection: &Connection, namespace: &str) -> Self {
        let items =
            async |path: &str| connection.get(path).await.map(|answer| list(&answer, "/items").to_vec()).map_err(in_words);
        let webhooks =
            async |kind: &str| items(&format!("/apis/admissionregistration.k8s.io/v1/{kind}webhookconfigurations")).await;
        let (version, discovery, classes, nodes, mutating, validating, converted, api_services, istiods, cni, is_admin, mesh) = futures::join!(
            version_and_clock(connection),
            Discovery::read(connection),
            items("/apis/storage.k8s.io/v1/storageclasses"),
            items("/api/v1/nodes"),
            webhooks("mutating"),
            webhooks("validating"),
            items("/apis/apiextensions.k8s.io/v1/customresourcedefinitions"),
            items("/apis/apiregistration.k8s.io/v1/apiservices"),
            items("/apis/apps/v1/deployments?labelSelector=app%3Distiod"),
            items("/apis/apps/v1/daemonsets?labelSelector=k8s-app%3Distio-cni-node"),
            Rights::is_unlimited(connection),
            MeshFacts::gather(connection, namespace),
        );
        let webhooks = mutating.and_then(|mutating| Ok([mutating, validating?].concat()));
        let (version, clock) = match version {
            Ok((version, clock)) => (Ok(version), clock),
            Err(why) => (Err(why.clone()), Err(why)),
        };
        let converted = converted.map(|all| all.into_iter().filter(is_converted).collect::<Vec<_>>());
        let called = webhooks.iter().flatten().flat_map(|configuration| list(configuration, "/webhooks")).filter_map(backend);
        let named = called.chain(converted.iter().flatten().filter_map(converter)).collect();
        let services = services(connection, named).await;
        Self {
            version,
            clock,
            discovery: discovery.map(Arc::new).map_err(in_words),
            classes,
            nodes,
            webhooks,
            converted,
            api_services,
            istiods,
            istio_cni: cni.map(|sets| !sets.is_empty()),
            services,
            mesh,
            is_admin: is_admin.map_err(in_words),
            app: None,
        }
    }
}

pub(super) fn in_words(failure: Failure) -> String {
    failure.message
}

async fn version_and_clock(connection: &Connection) -> Fact<(Version, Fact<(Timestamp, [Timestamp; 2])>)> {
    let before = Timestamp::now();
    let answer = connection.request(http::Method::GET, "/version", "application/json", None).await.map_err(in_words)?;
    let after = Timestamp::now();
    let date = answer.date.as_deref().and_then(|date| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
    let clock = date.map(|date| (date, [before, after])).ok_or_else(|| "the server says no time".to_owned());
    Ok((Version::of(&answer.body), clock))
}

/// The services that webhooks name.
pub(super) fn backend(webhook: &Value) -> Option<(String, String)> {
    let text = |field: &str| webhook.pointer(&format!("/clientConfig/service/{field}"))?.as_str().map(str::to_owned);
    text("namespace").zip(text("name"))
}

/// The service that converts a definition's objects.
pub(super) fn converter(definition: &Value) -> Option<(String, String)> {
    backend(definition.pointer("/spec/conversion/webhook")?)
}

/// Whether a definition's objects are converted: they are served, or were stored, in more than one version.
fn is_converted(definition: &Value) -> bool {
    let in_use = |version: &&Value| version["served"] == true || version["storage"] == true;
    let in_use = list(definition, "/spec/versions").iter().filter(in_use).filter_map(|version| version["name"].as_str());
    let stored = list(definition, "/status/storedVersions").iter().filter_map(Value::as_str);
    let versions: BTreeSet<&str> = in_use.chain(stored).collect();
    converter(definition).is_some() && versions.len() > 1
}

/// Looks behind services: two lists for each of their namespaces.
async fn services(connection: &Connection, named: BTreeSet<(String, String)>) -> BTreeMap<(String, String), Service> {
    let namespaces: BTreeSet<String> = named.iter().map(|(namespace, _)| namespace.clone()).collect();
    let looks = stream::iter(namespaces).map(|namespace| async move {
        let slices = format!("/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices");
        let services = format!("/api/v1/namespaces/{namespace}/services");
        let (services, slices) = futures::join!(connection.get(&services), connection.get(&slices));
        (namespace, services, slices)
    });
    let looks = looks.buffer_unordered(8).collect::<Vec<_>>().await;
    let mut found = BTreeMap::new();
    for (namespace, services, slices) in looks {
        let (services, slices) = match (services, slices) {
            (Ok(services), Ok(slices)) => (services, slices),
            (Err(failure), _) if failure.class == Class::NotFound => (Value::Null, Value::Null),
            _ => continue,
        };
        for service in named.iter().filter(|(other, _)| *other == namespace) {
            found.insert(service.clone(), look(&service.1, list(&services, "/items"), list(&slices, "/items")));
        }
    }
    found
}

fn look(name: &str, services: &[Value], slices: &[Value]) -> Service {
    let text = |object: &Value, pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(service) = services.iter().find(|service| text(service, "/metadata/name") == name) else { return Service::Missing };
    let of_it = slices.iter().filter(|slice| text(slice, "/metadata/labels/kubernetes.io~1service-name") == name);
    let ready = |endpoint: &Value| endpoint.pointer("/conditions/ready").and_then(Value::as_bool).unwrap_or(true);
    let is_elsewhere = text(service, "/spec/type") == "ExternalName";
    if is_elsewhere || of_it.flat_map(|slice| list(slice, "/endpoints")).any(ready) { Service::Ready } else { Service::Empty }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn looks_behind_a_service() {
        let services = [
            json!({"metadata": {"name": "a"}}),
            json!({"metadata": {"name": "b"}}),
            json!({"metadata": {"name": "c"}, "spec": {"type": "ExternalName"}}),
        ];
        let slice = |name: &str, ready: bool| json!({"metadata": {"labels": {"kubernetes.io/service-name": name}}, "endpoints": [{"conditions": {"ready": ready}}]});
        let slices = [slice("a", true), slice("b", false)];
        let all = ["a", "b", "c", "d"].map(|name| look(name, &services, &slices));
        assert_eq!(all, [Service::Ready, Service::Empty, Service::Ready, Service::Missing]);
    }

    #[test]
    fn objects_of_one_version_are_never_converted() {
        let version = |name: &str, served: bool, storage: bool| json!({"name": name, "served": served, "storage": storage});
        let definition = |versions: Value, stored: Value| {
            let webhook = json!({"clientConfig": {"service": {"namespace": "n", "name": "c"}}});
            json!({"spec": {"versions": versions, "conversion": {"strategy": "Webhook", "webhook": webhook}}, "status": {"storedVersions": stored}})
        };
        let [old, new] = [version("v1", true, false), version("v2", true, true)];
        assert!(is_converted(&definition(json!([old, new]), json!(["v2"]))));
        assert!(is_converted(&definition(json!([new]), json!(["v1", "v2"]))), "an old one may still be stored");
        assert!(!is_converted(&definition(json!([version("v1", false, false), new]), json!(["v2"]))));
        let mut none = definition(json!([old, new]), json!(["v2"]));
        none["spec"]["conversion"] = json!({"strategy": "None"});
        assert!(!is_converted(&none));
    }
}
