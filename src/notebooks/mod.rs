//! What people do with notebooks, with their own rights: the spawner's form and what is made of it, whether it fits, and the state of
//! what is there in words.

mod choices;
mod fit;
mod form;
mod parts;
mod resources;
mod state;
mod volumes;

use futures::Stream;
use http::Method;
use serde_json::{Value, json};

pub use choices::{Choices, Device, Group, Groups, SERVER_TYPES, SPAWNER, Volume};
pub use fit::{TooMuch, too_much};
pub use form::{Context, Typed, Wish, Wrong, basis, complete, is_name, wish};
pub use state::{RUNS, State, Tone, address, condition, is_stopped, state};
pub use volumes::claims_of;

use crate::cluster::{Class, Connection, Failure};
use crate::labels::{FIELD_MANAGER, RESTART, STOPPED};
use crate::object::list;

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";

/// A text in an object; empty where there is none.
fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The container of the server, and its place: the one of the notebook's name, or the first.
#[must_use]
pub fn server(notebook: &Value) -> (usize, &Value) {
    let containers = list(notebook, "/spec/template/spec/containers");
    let name = text(notebook, "/metadata/name");
    let place = containers.iter().position(|container| text(container, "/name") == name).unwrap_or_default();
    (place, containers.get(place).unwrap_or(&Value::Null))
}

/// What is asked of a notebook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// Its pod ends; its volumes stay.
    Stop,
    /// It gets a pod.
    Start,
    /// It gets another pod.
    Restart,
}

/// Which lines of a log.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lines {
    /// Of the run before the one of now.
    pub previous: bool,
    /// Those to come, too.
    pub follow: bool,
    /// How many of those that are there.
    pub tail: u32,
}

/// The notebooks of a cluster, for one who acts on them.
#[derive(Debug, Clone)]
pub struct Notebooks {
    /// The way to the cluster, with the rights of whoever acts.
    pub connection: Connection,
}

impl Notebooks {
    /// One notebook.
    pub async fn get(&self, namespace: &str, name: &str) -> Result<Value, Failure> {
        self.connection.get(&notebook(namespace, name)?).await
    }

    /// Objects of a namespace; none where the cluster does not have their kind.
    async fn all(&self, path: String) -> Result<Vec<Value>, Failure> {
        match self.connection.get(&path).await {
            Ok(found) => Ok(list(&found, "/items").to_vec()),
            Err(failure) if failure.class == Class::NoMatch => Ok(Vec::new()),
            Err(failure) => Err(failure),
        }
    }

    /// The volume claims of a namespace.
    pub async fn claims(&self, namespace: &str) -> Result<Vec<Value>, Failure> {
        self.all(core(namespace, "persistentvolumeclaims")?).await
    }

    /// The quotas of a namespace.
    pub async fn quotas(&self, namespace: &str) -> Result<Vec<Value>, Failure> {
        self.all(core(namespace, "resourcequotas")?).await
    }

    /// The pods of a namespace.
    pub async fn pods(&self, namespace: &str) -> Result<Vec<Value>, Failure> {
        self.all(core(namespace, "pods")?).await
    }

    /// The `PodDefault`s of a namespace.
    pub async fn pod_defaults(&self, namespace: &str) -> Result<Vec<Value>, Failure> {
        self.all(format!("/apis/kubeflow.org/v1alpha1/namespaces/{}/poddefaults", segment(namespace)?)).await
    }

    /// What has happened to a notebook, the newest first. The controller tells there what happened to its pod.
    pub async fn events(&self, namespace: &str, name: &str) -> Result<Vec<Value>, Failure> {
        let selector = format!("involvedObject.kind%3DNotebook%2CinvolvedObject.name%3D{}", segment(name)?);
        let mut events = self.all(format!("{}?fieldSelector={selector}", core(namespace, "events")?)).await?;
        let at = |event: &Value| {
            let times =
                ["/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"].map(|pointer| text(event, pointer).to_owned());
            times.into_iter().find(|time| !time.is_empty()).unwrap_or_default()
        };
        events.sort_by_key(|event| std::cmp::Reverse(at(event)));
        Ok(events)
    }

    /// Makes an object at the collection of its kind, or lets the server answer as if.
    pub async fn make(&self, object: &Value, dry_run: bool) -> Result<Value, Failure> {
        let namespace = text(object, "/metadata/namespace");
        let collection = match text(object, "/kind") {
            "Notebook" => notebooks(namespace)?,
            "PersistentVolumeClaim" => core(namespace, "persistentvolumeclaims")?,
            _ => core(namespace, "pods")?,
        };
        self.send(Method::POST, &collection, JSON, object, dry_run).await
    }

    /// Puts a changed notebook in its place. Nobody's change in between is overwritten: it carries the version that was read.
    pub async fn replace(&self, changed: &Value, dry_run: bool) -> Result<Value, Failure> {
        let path = notebook(text(changed, "/metadata/namespace"), text(changed, "/metadata/name"))?;
        self.send(Method::PUT, &path, JSON, changed, dry_run).await
    }

    /// Stops, starts or restarts a notebook.
    pub async fn ask(&self, namespace: &str, name: &str, request: Request) -> Result<Value, Failure> {
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let annotations = match request {
            Request::Stop => json!({STOPPED: now}),
            Request::Start => json!({STOPPED: null}),
            Request::Restart => json!({RESTART: now}),
        };
        let patch = json!({"metadata": {"annotations": annotations}});
        self.send(Method::PATCH, &notebook(namespace, name)?, MERGE, &patch, false).await
    }

    /// Deletes the notebook or the claim that was read, and no other of its name; or lets the server answer as if.
    pub async fn delete(&self, object: &Value, dry_run: bool) -> Result<(), Failure> {
        let [namespace, name] = ["/metadata/namespace", "/metadata/name"].map(|pointer| text(object, pointer));
        let path = match text(object, "/kind") {
            "Notebook" => notebook(namespace, name)?,
            _ => format!("{}/{}", core(namespace, "persistentvolumeclaims")?, segment(name)?),
        };
        // Where a delete has a body, the server does not look at the query.
        let as_if: &[&str] = if dry_run { &["All"] } else { &[] };
        let preconditions = json!({"uid": object["metadata"]["uid"]});
        let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions, "dryRun": as_if});
        self.send(Method::DELETE, &path, JSON, &options, dry_run).await.map(drop)
    }

    async fn send(&self, method: Method, path: &str, content_type: &str, body: &Value, dry_run: bool) -> Result<Value, Failure> {
        let as_if = if dry_run { "&dryRun=All" } else { "" };
        let path = format!("{path}?fieldManager={FIELD_MANAGER}&fieldValidation=Strict{as_if}");
        Ok(self.connection.request(method, &path, JSON, Some((content_type, body.to_string().into_bytes()))).await?.body)
    }

    /// The log of a notebook's server.
    pub async fn log(
        &self,
        namespace: &str,
        name: &str,
        container: &str,
        lines: Lines,
    ) -> Result<impl Stream<Item = Result<Vec<u8>, Failure>> + Send + use<>, Failure> {
        let pod = format!("{}/{}-0", core(namespace, "pods")?, segment(name)?);
        let Lines { previous, follow, tail } = lines;
        let which = format!("container={}&tailLines={tail}&previous={previous}&follow={follow}", segment(container)?);
        self.connection.stream(&format!("{pod}/log?{which}")).await
    }
}

/// The pod that the controller makes of a notebook, as far as the server judges it: what may be in it, and whether there is room.
#[must_use]
pub fn pod(notebook: &Value) -> Value {
    let name = text(notebook, "/metadata/name");
    let mut labels = notebook["metadata"]["labels"].as_object().cloned().unwrap_or_default();
    labels.insert(crate::labels::NOTEBOOK.to_owned(), name.into());
    labels.insert(crate::labels::STATEFUL_SET.to_owned(), name.into());
    let metadata = json!({"name": format!("{name}-0"), "namespace": notebook["metadata"]["namespace"], "labels": labels});
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": notebook["spec"]["template"]["spec"]})
}

fn notebooks(namespace: &str) -> Result<String, Failure> {
    Ok(format!("/apis/kubeflow.org/v1/namespaces/{}/notebooks", segment(namespace)?))
}

fn notebook(namespace: &str, name: &str) -> Result<String, Failure> {
    Ok(format!("{}/{}", notebooks(namespace)?, segment(name)?))
}

fn core(namespace: &str, plural: &str) -> Result<String, Failure> {
    Ok(format!("/api/v1/namespaces/{}/{plural}", segment(namespace)?))
}

/// A name that stays in its place in a path.
fn segment(name: &str) -> Result<&str, Failure> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    if !name.is_empty() && name.chars().all(is_good) && !matches!(name, "." | "..") {
        return Ok(name);
    }
    Err(Failure { class: Class::NotFound, message: format!("{name:?} is no name"), retry_after: None })
}
