//! What else is there: the contents of a namespace, the objects of a definition, and API groups that don't answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use crate::cluster::{Class, Connection, Discovery, Failure, Resource};
use crate::object::{ObjectId, list};

const CONCURRENCY: usize = 24;

/// How far a server may lag behind what is stored.
const LAG: Duration = Duration::from_secs(2);

/// Everything in a namespace that can be listed, by its metadata. What a server says of itself may be older than the definition of
/// a kind: those that it leaves out come as `undiscovered`.
pub(super) async fn contents(
    connection: &Connection,
    discovery: &Discovery,
    undiscovered: &[Value],
    namespace: &str,
) -> Result<Vec<Value>, String> {
    // A pod's figures are listed like pods, and are none.
    let resources =
        discovery.collections().iter().filter(|resource| resource.namespaced && !resource.group.ends_with("metrics.k8s.io"));
    let within: Arc<str> = namespace.into();
    let reads = resources.map(|resource| {
        let (resource, namespace) = (resource.clone(), Arc::clone(&within));
        async move {
            match of_kind(connection, &resource, Some(&namespace)).await {
                // The kind went away with its definition.
                Err(failure) if failure.class == Class::NoMatch => Ok(Vec::new()),
                answer => answer.map_err(|failure| failure.message),
            }
        }
    });
    let mut found: Vec<Vec<Value>> = stream::iter(reads).buffer_unordered(CONCURRENCY).try_collect().await?;
    for definition in undiscovered {
        let mut objects = instances(connection, definition).await?;
        objects.retain(|object| object["metadata"]["namespace"] == *namespace);
        found.push(objects);
    }
    Ok(found.into_iter().flatten().collect())
}

/// The objects of a definition, by their metadata.
pub(super) async fn instances(connection: &Connection, definition: &Value) -> Result<Vec<Value>, String> {
    let versions = list(definition, "/spec/versions");
    let says = |version: &Value, field: &str| version.get(field).and_then(Value::as_bool) == Some(true);
    let served = || versions.iter().filter(|version| says(version, "served"));
    let version = served().find(|version| says(version, "storage")).or_else(|| served().next());
    let name = version.and_then(|version| version.get("name")?.as_str());
    let Some(resource) = name.and_then(|name| Resource::from_definition(definition, Some(name))) else {
        return Err("no version of it is served".into());
    };
    let conditions = list(definition, "/status/conditions");
    let established = conditions.iter().any(|condition| condition["type"] == "Established" && condition["status"] == "True");
    let started = Instant::now();
    loop {
        let failure = match of_kind(connection, &resource, None).await {
            Ok(objects) => return Ok(objects),
            // One that was never established has no objects.
            Err(failure) if failure.class == Class::NoMatch && !established => return Ok(Vec::new()),
            Err(failure) => failure,
        };
        let name = definition.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}");
        let is_gone = async || connection.read(&path).await.is_err_and(|failure| failure.class == Class::NotFound);
        match failure.class {
            Class::NoMatch if is_gone().await => return Ok(Vec::new()),
            // A server hears of a definition a moment after it was made.
            Class::NoMatch if started.elapsed() < LAG => tokio::time::sleep(LAG / 20).await,
            _ => return Err(failure.message),
        }
    }
}

/// The objects of a kind, each with its kind, which a list of metadata leaves out.
pub(super) async fn of_kind(
    connection: &Connection,
    resource: &Resource,
    namespace: Option<&str>,
) -> Result<Vec<Value>, Failure> {
    let mut items = connection.read_metadata(&resource.path(namespace)).await?;
    let api_version =
        if resource.group.is_empty() { resource.version.clone() } else { format!("{}/{}", resource.group, resource.version) };
    for item in &mut items {
        item["apiVersion"] = api_version.clone().into();
        item["kind"] = resource.kind.clone().into();
    }
    Ok(items)
}

/// `APIService`s with nothing that answers behind them. While one is there, no namespace can be deleted.
pub(super) async fn silent_services(connection: &Connection) -> Result<Vec<(ObjectId, String)>, Failure> {
    let services = connection.read("/apis/apiregistration.k8s.io/v1/apiservices").await?;
    let silent = list(&services, "/items").iter().filter_map(|service| {
        let name = service.pointer("/metadata/name")?.as_str()?;
        service.pointer("/spec/service").filter(|backend| !backend.is_null())?;
        let conditions = list(service, "/status/conditions");
        let available = conditions.iter().find(|condition| condition["type"] == "Available")?;
        let message = available.get("message").and_then(Value::as_str).unwrap_or_default();
        let id = ObjectId {
            group: "apiregistration.k8s.io".into(),
            kind: "APIService".into(),
            namespace: String::new(),
            name: name.to_owned(),
        };
        (available["status"] != "True" && service.pointer("/metadata/deletionTimestamp").is_none())
            .then(|| (id, message.to_owned()))
    });
    Ok(silent.collect())
}
