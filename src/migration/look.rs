//! What the cluster holds of today's profiles: their definition, the profiles, who runs their controller, and what names them as owner.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};

use super::file::Exported;
use crate::cluster::{Class, Connection, Discovery, Failure, Resource};
use crate::error::{Error, Result};
use crate::object::{ObjectId, list};

/// The path of the definition, theirs or ours.
pub const DEFINITION: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/profiles.kubeflow.org";
/// Where their controller runs, and what it is called.
const CONTROLLER: (&str, &str) = ("kubeflow", "profiles-deployment");
/// The last part of its image's name.
const CONTROLLER_IMAGE: &str = "profile-controller";
const CONCURRENCY: usize = 16;

/// Whose definition of profiles stands in the cluster.
#[derive(Debug, Clone)]
pub enum Definition {
    /// Nobody's.
    None,
    /// Today's: profiles of the whole cluster.
    Theirs(Value),
    /// Ours: profiles in kubeflow-system.
    Ours,
}

/// Looks whose it is.
pub async fn definition(connection: &Connection) -> Result<Definition> {
    match connection.read(DEFINITION).await {
        Ok(definition) if definition["spec"]["scope"] == "Namespaced" => Ok(Definition::Ours),
        Ok(definition) => Ok(Definition::Theirs(definition)),
        Err(failure) if failure.class == Class::NotFound => Ok(Definition::None),
        Err(failure) => Err(connection.explain(&failure, "read the definition of profiles")),
    }
}

/// All there is of theirs.
#[derive(Debug, Clone)]
pub struct Theirs {
    pub(super) definition: Value,
    /// Where their profiles are.
    pub(super) path: String,
    pub(super) profiles: Vec<Value>,
    /// Deployments that run their controller.
    pub(super) controllers: Vec<Value>,
    pub(super) namespaces: BTreeMap<String, Value>,
    /// What would be deleted with one of their profiles.
    pub(super) owned: Vec<Owned>,
}

/// An object that names one of their profiles as its owner.
#[derive(Debug, Clone)]
pub(super) struct Owned {
    pub(super) id: ObjectId,
    pub(super) path: String,
    pub(super) metadata: Value,
}

/// Whether an owner reference is to one of their profiles. Ours are never owners of anything.
pub(super) fn is_theirs(reference: &Value) -> bool {
    let of_group = reference["apiVersion"].as_str().is_some_and(|version| version.starts_with("kubeflow.org/"));
    of_group && reference["kind"] == "Profile"
}

impl Theirs {
    /// Reads everything anew.
    pub async fn look(connection: &Connection, definition: Value) -> Result<Self> {
        let explain = |failure: &Failure| connection.explain(failure, "read what belongs to the profiles there");
        let version = list(&definition, "/spec/versions").iter().find(|version| version["served"] == true);
        let version = version.and_then(|version| version["name"].as_str()).unwrap_or_default();
        let path = Resource::from_definition(&definition, Some(version))
            .map(|resource| resource.path(None))
            .ok_or_else(|| Error::cluster("the definition of profiles serves no version"))?;
        let items = async |path: &str| connection.read(path).await.map(|answer| list(&answer, "/items").to_vec());
        let profiles = async || match items(&path).await {
            // Gone with their definition.
            Err(failure) if matches!(failure.class, Class::NoMatch | Class::NotFound) => Ok(Vec::new()),
            answer => answer,
        };
        let discovery = Discovery::read(connection).await.map_err(|failure| explain(&failure))?;
        if !discovery.stale.is_empty() {
            return Err(Error::cluster(format!("what these API groups hold can't be read now: {}", discovery.stale.join(", ")))
                .hint("`kubectl get apiservices` says why; mend or delete them, then run this again"));
        }
        let read = async {
            futures::try_join!(
                profiles(),
                items("/apis/apps/v1/deployments"),
                connection.read_metadata("/api/v1/namespaces"),
                owned(connection, &discovery)
            )
        };
        let (profiles, deployments, namespaces, owned) = read.await.map_err(|failure| explain(&failure))?;
        let controllers = deployments.into_iter().filter(runs_their_controller).collect();
        let named = |namespace: Value| (namespace["metadata"]["name"].as_str().unwrap_or_default().to_owned(), namespace);
        let namespaces = namespaces.into_iter().map(named).collect();
        Ok(Self { definition, path, profiles, controllers, namespaces, owned })
    }

    /// Whether nothing hangs on their profiles any longer, and nobody can change that.
    pub(super) fn is_free(&self) -> bool {
        self.owned.is_empty()
            && self.controllers.iter().all(|controller| controller["spec"]["replicas"] == 0)
            && self
                .profiles
                .iter()
                .all(|profile| !list(profile, "/metadata/finalizers").iter().any(|name| name == crate::labels::THEIR_FINALIZER))
    }

    /// How many there are: profiles, and objects that hang on them.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.profiles.len(), self.owned.len())
    }

    /// The Deployments that run their controller now.
    #[must_use]
    pub fn running(&self) -> Vec<String> {
        let running = self.controllers.iter().filter(|controller| controller["spec"]["replicas"] != 0);
        let text = |controller: &Value, field: &str| controller["metadata"][field].as_str().unwrap_or_default().to_owned();
        running.map(|controller| format!("Deployment {}/{}", text(controller, "namespace"), text(controller, "name"))).collect()
    }

    /// The file's profiles whose namespace doesn't say yet that it was freed for them.
    pub(super) fn unmarked<'a>(&self, exported: &'a [Exported]) -> Vec<&'a Exported> {
        let is_marked = |exported: &&Exported| {
            let namespace = self.namespaces.get(&exported.name);
            namespace.is_some_and(|namespace| namespace["metadata"]["annotations"][crate::labels::IMPORTED_FROM] == *exported.uid)
        };
        exported.iter().filter(|exported| !is_marked(exported)).collect()
    }
}

fn runs_their_controller(deployment: &Value) -> bool {
    let metadata = &deployment["metadata"];
    let is_image = |container: &Value| {
        let image = container["image"].as_str().unwrap_or_default();
        let name = image.rsplit('/').next().unwrap_or_default();
        name.split([':', '@']).next() == Some(CONTROLLER_IMAGE)
    };
    metadata["namespace"] == CONTROLLER.0 && metadata["name"] == CONTROLLER.1
        || list(deployment, "/spec/template/spec/containers").iter().any(is_image)
}

/// Everything of any kind that names one of their profiles as its owner.
async fn owned(connection: &Connection, discovery: &Discovery) -> Result<Vec<Owned>, Failure> {
    let reads = discovery.collections().iter().map(|resource| async move {
        match connection.read_metadata(&resource.path(None)).await {
            // The kind went away with its definition.
            Err(failure) if failure.class == Class::NoMatch => Ok(Vec::new()),
            Err(failure) => Err(failure),
            Ok(items) => Ok(items.into_iter().filter_map(|item| Owned::new(resource, item)).collect()),
        }
    });
    let found: Vec<Vec<Owned>> = stream::iter(reads).buffer_unordered(CONCURRENCY).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

impl Owned {
    fn new(resource: &Resource, mut item: Value) -> Option<Self> {
        if !list(&item, "/metadata/ownerReferences").iter().any(is_theirs) {
            return None;
        }
        let metadata = item["metadata"].take();
        let text = |field: &str| metadata[field].as_str().unwrap_or_default().to_owned();
        let id = ObjectId {
            group: resource.group.clone(),
            kind: resource.kind.clone(),
            namespace: text("namespace"),
            name: text("name"),
        };
        Some(Self { path: resource.object_path(&id), id, metadata })
    }

    /// The change that takes the references away, and nothing else: of this very version of it.
    pub(super) fn change(&self) -> Value {
        let kept: Vec<&Value> =
            list(&self.metadata, "/ownerReferences").iter().filter(|reference| !is_theirs(reference)).collect();
        let kept = if kept.is_empty() { Value::Null } else { json!(kept) };
        json!({"metadata": {
            "uid": self.metadata["uid"], "resourceVersion": self.metadata["resourceVersion"], "ownerReferences": kept}})
    }

    /// The uids of their profiles that own it.
    pub(super) fn owners(&self) -> impl Iterator<Item = &str> {
        list(&self.metadata, "/ownerReferences")
            .iter()
            .filter(|reference| is_theirs(reference))
            .filter_map(|reference| reference["uid"].as_str())
    }
}
