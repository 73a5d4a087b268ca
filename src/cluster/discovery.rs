//! What the server serves, in two requests (aggregated discovery), and the paths of objects in it.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::connection::Connection;
use super::failure::{Class, Failure};
use crate::object::{Object, ObjectId, list};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

/// A kind as the API serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// API group; empty for the core group.
    pub group: String,
    /// Version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// The name in paths, such as `deployments`.
    pub plural: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

impl Resource {
    /// `Deployment.apps`, or `Service` for the core group.
    #[must_use]
    pub fn group_kind(&self) -> String {
        if self.group.is_empty() { self.kind.clone() } else { format!("{}.{}", self.kind, self.group) }
    }

    /// The path of the collection, in `namespace` where given.
    #[must_use]
    pub fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        };
        match namespace {
            Some(namespace) if self.namespaced => format!("{root}/namespaces/{namespace}/{}", self.plural),
            _ => format!("{root}/{}", self.plural),
        }
    }

    /// The path of one object.
    #[must_use]
    pub fn object_path(&self, id: &ObjectId) -> String {
        format!("{}/{}", self.path(Some(&id.namespace)), id.name)
    }

    /// An item of a list as an object of its own: what the list says once for all is said in it again.
    #[must_use]
    pub fn restored(&self, mut item: Value) -> Value {
        let group = if self.group.is_empty() { String::new() } else { format!("{}/", self.group) };
        item["apiVersion"] = format!("{group}{}", self.version).into();
        item["kind"] = self.kind.clone().into();
        item
    }

    /// The resource that a `CustomResourceDefinition` will serve in `version`, or in its storage version.
    #[must_use]
    pub fn from_definition(definition: &Value, version: Option<&str>) -> Option<Self> {
        let text = |pointer: &str| definition.pointer(pointer)?.as_str().map(str::to_owned);
        let versions = definition.pointer("/spec/versions")?.as_array()?;
        let named = |entry: &&Value| match version {
            Some(version) => entry.get("name").and_then(Value::as_str) == Some(version),
            None => entry.get("storage").and_then(Value::as_bool) == Some(true),
        };
        Some(Self {
            group: text("/spec/group")?,
            version: versions.iter().find(named)?.get("name")?.as_str()?.to_owned(),
            kind: text("/spec/names/kind")?,
            plural: text("/spec/names/plural")?,
            namespaced: text("/spec/scope")? == "Namespaced",
        })
    }
}

/// All kinds that a server serves.
#[derive(Debug, Default)]
pub struct Discovery {
    resources: HashMap<(String, String), Vec<Resource>>,
    /// What can be listed, each in the preferred version.
    collections: Vec<Resource>,
    /// Group/versions whose own server does not answer, so their kinds are unknown.
    pub stale: Vec<String>,
}

impl Discovery {
    /// Asks the server.
    pub async fn read(connection: &Connection) -> Result<Self, Failure> {
        let fetch = |path: &'static str| connection.read_as(path, AGGREGATED);
        let (core, groups) = futures::future::try_join(fetch("/api"), fetch("/apis")).await?;
        let mut discovery = Self::default();
        discovery.add(&core);
        discovery.add(&groups);
        Ok(discovery)
    }

    /// Adds those of these kinds (group and kind) that are defined in the cluster and yet missing here: what a server says of
    /// itself may be older than what is stored, where there are several servers or a definition is new.
    pub async fn complete(
        &mut self,
        connection: &Connection,
        kinds: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), Failure> {
        let missing: BTreeSet<(String, String)> =
            kinds.into_iter().filter(|(group, kind)| group.contains('.') && self.versions(group, kind).is_empty()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let definitions = match definitions(connection, |_, group| missing.iter().any(|(of, _)| of == group)).await {
            // Whoever may not read definitions has to believe what the server says of itself.
            Err(failure) if failure.class == Class::Forbidden => return Ok(()),
            definitions => definitions?,
        };
        for definition in definitions {
            let served = served(&definition).filter_map(|version| version.get("name")?.as_str());
            let resources = served.filter_map(|version| Resource::from_definition(&definition, Some(version)));
            for resource in resources.filter(|found| missing.contains(&(found.group.clone(), found.kind.clone()))) {
                self.insert(resource);
            }
        }
        Ok(())
    }

    /// Definitions of what can be listed in a namespace and is missing here, for whom that must not be.
    pub async fn undiscovered(&self, connection: &Connection) -> Result<Vec<Value>, Failure> {
        let known: HashSet<(&str, &str)> =
            self.resources.values().flatten().map(|resource| (resource.plural.as_str(), resource.group.as_str())).collect();
        let mut found = definitions(connection, |plural, group| !known.contains(&(plural, group))).await?;
        found.retain(|definition| {
            definition.pointer("/spec/scope").and_then(Value::as_str) == Some("Namespaced") && served(definition).next().is_some()
        });
        Ok(found)
    }

    fn add(&mut self, list: &Value) {
        let items = |value: &Value, field: &str| value.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
        for group in items(list, "items") {
            let group_name = group.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
            for version in items(&group, "versions") {
                let version_name = version.get("version").and_then(Value::as_str).unwrap_or_default().to_owned();
                if version.get("freshness").and_then(Value::as_str) == Some("Stale") {
                    self.stale.push(format!("{group_name}/{version_name}"));
                }
                for resource in items(&version, "resources") {
                    let text = |pointer: &str| resource.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
                    let (Some(plural), Some(kind)) = (text("/resource"), text("/responseKind/kind")) else { continue };
                    let namespaced = text("/scope").as_deref() == Some("Namespaced");
                    let found = Resource { group: group_name.clone(), version: version_name.clone(), kind, plural, namespaced };
                    let verbs = items(&resource, "verbs");
                    let known = self.versions(&found.group, &found.kind).iter().any(|other| other.plural == found.plural);
                    if !known && verbs.iter().any(|verb| verb == "list") {
                        self.collections.push(found.clone());
                    }
                    self.insert(found);
                }
            }
        }
    }

    /// Adds a kind.
    pub fn insert(&mut self, resource: Resource) {
        self.resources.entry((resource.group.clone(), resource.kind.clone())).or_default().push(resource);
    }

    /// The resource of this object, in its own version.
    #[must_use]
    pub fn resource(&self, object: &Object) -> Option<&Resource> {
        self.versions(&object.id.group, &object.id.kind).iter().find(|resource| resource.version == object.version)
    }

    /// Whether objects of a kind (`Thing.example.com`) may be there although it is not served: its group does not answer now.
    #[must_use]
    pub fn is_silent(&self, group_kind: &str) -> bool {
        let Some((kind, group)) = group_kind.split_once('.') else { return false };
        let of_group = |stale: &String| stale.rsplit_once('/').is_some_and(|(name, _)| name == group);
        self.versions(group, kind).is_empty() && self.stale.iter().any(of_group)
    }

    /// What can be listed, each in the preferred version.
    #[must_use]
    pub fn collections(&self) -> &[Resource] {
        &self.collections
    }

    /// All versions in which a kind is served, the preferred one first.
    #[must_use]
    pub fn versions(&self, group: &str, kind: &str) -> &[Resource] {
        self.resources.get(&(group.to_owned(), kind.to_owned())).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The definitions in the cluster that are chosen by their plural and group.
async fn definitions(connection: &Connection, is_one: impl Fn(&str, &str) -> bool) -> Result<Vec<Value>, Failure> {
    const PATH: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let mut found = Vec::new();
    let all = connection.read_metadata(PATH).await?;
    for name in all.iter().filter_map(|definition| definition.pointer("/metadata/name")?.as_str()) {
        if !name.split_once('.').is_some_and(|(plural, group)| is_one(plural, group)) {
            continue;
        }
        match connection.read(&format!("{PATH}/{name}")).await {
            Err(failure) if failure.class == Class::NotFound => {}
            definition => found.push(definition?),
        }
    }
    Ok(found)
}

fn served(definition: &Value) -> impl Iterator<Item = &Value> {
    list(definition, "/spec/versions").iter().filter(|version| version.get("served").and_then(Value::as_bool).unwrap_or(false))
}
