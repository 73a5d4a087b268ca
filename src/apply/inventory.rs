//! What belongs to an app in the cluster, by the `ApplySet` specification (KEP-3659): one parent `ConfigMap` for each component,
//! and a label on each member. The parent names the members' kinds and namespaces, so that a list by label finds them all,
//! with no app directory at hand. It is written before the first member, as the union of old and new.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::entries::Record;
use super::plan::Member;
use crate::cluster::{Class, Connection, Failure, Part};
use crate::labels;
use crate::object::{ObjectId, list};

/// The namespace of all inventories.
pub(super) const NAMESPACE: &str = "kubeflow-system";
const TOOLING: &str = concat!("kfctl/", env!("CARGO_PKG_VERSION"));
const COLLECTION: &str = "/api/v1/namespaces/kubeflow-system/configmaps";

/// The inventory of one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// The app.
    pub app: String,
    /// The component.
    pub component: String,
    /// UID of the cluster it was written in.
    pub cluster_uid: String,
    /// Place of the component in the app's order.
    pub order: usize,
    /// Which kfctl wrote it.
    pub tooling: String,
    /// Kinds of members: `Deployment.apps`.
    pub group_kinds: BTreeSet<String>,
    /// Namespaces of members, but for the parent's own.
    pub namespaces: BTreeSet<String>,
    /// Somebody else's object that the component has left its place to; empty where it has not.
    pub aside: String,
    /// Items of ours in configurations of somebody else's.
    pub entries: BTreeSet<Record>,
}

impl Inventory {
    /// What `members` of `component` need.
    #[must_use]
    pub fn of<'a>(app: &str, component: &str, uid: &str, order: usize, members: impl IntoIterator<Item = &'a Member>) -> Self {
        let mut inventory = Self {
            app: app.to_owned(),
            component: component.to_owned(),
            cluster_uid: uid.to_owned(),
            order,
            tooling: TOOLING.to_owned(),
            group_kinds: BTreeSet::new(),
            namespaces: BTreeSet::new(),
            aside: String::new(),
            entries: BTreeSet::new(),
        };
        for member in members.into_iter().filter(|member| member.component == component) {
            inventory.add(&member.object.id);
        }
        inventory
    }

    /// The same parent, for these members.
    #[must_use]
    pub(super) fn with<'a>(&self, members: impl IntoIterator<Item = &'a ObjectId>) -> Self {
        let mut inventory = Self { group_kinds: BTreeSet::new(), namespaces: BTreeSet::new(), ..self.clone() };
        for id in members {
            inventory.add(id);
        }
        inventory
    }

    fn add(&mut self, id: &ObjectId) {
        self.group_kinds.insert(id.group_kind());
        // The parent's own namespace counts without being named.
        if !id.namespace.is_empty() && id.namespace != NAMESPACE {
            self.namespaces.insert(id.namespace.clone());
        }
    }

    /// The same with what `other` names.
    #[must_use]
    pub fn union(mut self, other: Option<&Self>) -> Self {
        if let Some(other) = other {
            self.group_kinds.extend(other.group_kinds.iter().cloned());
            self.namespaces.extend(other.namespaces.iter().cloned());
            self.entries.extend(other.entries.iter().cloned());
        }
        self
    }

    /// The parent's name. Dots keep apart what dashes could not: app `a-b` with component `c`, and `a` with `b-c`.
    #[must_use]
    pub fn name(&self) -> String {
        name(&self.app, &self.component)
    }

    /// The id of the set.
    #[must_use]
    pub fn id(&self) -> String {
        id(&self.app, &self.component)
    }

    fn content(&self) -> Value {
        let join = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(",");
        let mut content = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": self.name(),
                "namespace": NAMESPACE,
                "labels": { labels::APPLYSET_ID: self.id(), labels::APP: self.app, labels::COMPONENT: self.component },
                "annotations": {
                    labels::APPLYSET_TOOLING: self.tooling,
                    labels::APPLYSET_GROUP_KINDS: join(&self.group_kinds),
                    labels::APPLYSET_NAMESPACES: join(&self.namespaces),
                },
            },
            "data": { "app": self.app, "component": self.component, "clusterUid": self.cluster_uid, "order": self.order.to_string() },
        });
        if !self.aside.is_empty() {
            content["data"]["aside"] = self.aside.clone().into();
        }
        if !self.entries.is_empty() {
            content["data"]["entries"] = json!(self.entries).to_string().into();
        }
        content
    }

    pub(super) fn read(parent: &Value) -> Option<Self> {
        let text = |pointer: &str| parent.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let annotation =
            |name: &str| parent.pointer("/metadata/annotations").and_then(|all| all.get(name)).and_then(Value::as_str);
        let set = |name: &str| -> BTreeSet<String> {
            annotation(name).unwrap_or_default().split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        let inventory = Self {
            tooling: annotation(labels::APPLYSET_TOOLING).unwrap_or_default().to_owned(),
            app: text("/data/app"),
            component: text("/data/component"),
            cluster_uid: text("/data/clusterUid"),
            order: text("/data/order").parse().unwrap_or(0),
            group_kinds: set(labels::APPLYSET_GROUP_KINDS),
            namespaces: set(labels::APPLYSET_NAMESPACES),
            aside: text("/data/aside"),
            entries: serde_json::from_str(&text("/data/entries")).unwrap_or_default(),
        };
        (!inventory.app.is_empty() && text("/metadata/name") == inventory.name()).then_some(inventory)
    }

    /// Writes the parent: this, and what is in it by now. Two runs at once forget nothing of each other.
    pub async fn extend(&self, connection: &Connection) -> Result<(), Failure> {
        let parent = self.parent(connection).await?;
        let stored = parent.as_ref().and_then(Self::read);
        self.clone().union(stored.as_ref()).write(connection, parent.as_ref()).await
    }

    /// Puts `next` in its place, or nothing; can be repeated. False, and all as it was, where another run has written to it meanwhile.
    pub(super) async fn replace(&self, connection: &Connection, next: Option<&Self>) -> Result<bool, Failure> {
        let parent = self.parent(connection).await?;
        let changed = match (parent.as_ref().map(Self::read), next) {
            // An attempt before this one came through, and only its answer was lost.
            (Some(stored), Some(next)) if stored.as_ref() == Some(next) => return Ok(true),
            (Some(stored), _) if stored.as_ref() != Some(self) => return Ok(false),
            (None, None) => return Ok(true),
            (_, Some(next)) => next.write(connection, parent.as_ref()).await,
            (Some(_), None) => {
                let version =
                    |name: &str| parent.as_ref().and_then(|parent| parent["metadata"][name].as_str()).unwrap_or_default();
                let path = format!("{COLLECTION}/{}", self.name());
                connection.delete(&path, version("uid"), version("resourceVersion"), "Background").await.map(drop)
            }
        };
        match changed {
            Ok(()) => Ok(true),
            Err(failure) if next.is_none() && failure.class == Class::NotFound => Ok(true),
            Err(failure) => Err(failure),
        }
    }

    async fn parent(&self, connection: &Connection) -> Result<Option<Value>, Failure> {
        parent(connection, &self.name()).await
    }

    /// The inventory of a component, where it has one.
    pub(super) async fn load(connection: &Connection, app: &str, component: &str) -> Result<Option<Self>, Failure> {
        Ok(parent(connection, &name(app, component)).await?.as_ref().and_then(Self::read))
    }

    /// It is ours alone, so nobody's fields are in the way; but not if it changes after `parent` was read.
    async fn write(&self, connection: &Connection, parent: Option<&Value>) -> Result<(), Failure> {
        let path = format!("{COLLECTION}/{}?fieldManager={}&force=true", self.name(), labels::FIELD_MANAGER);
        let mut content = self.content();
        if let Some(parent) = parent {
            content["metadata"]["resourceVersion"] = parent["metadata"]["resourceVersion"].clone();
        }
        connection.apply(&path, &content, Part::Metadata).await.map(drop)
    }

    /// The parent's identity.
    pub(super) fn object(&self) -> ObjectId {
        ObjectId { group: String::new(), kind: "ConfigMap".into(), namespace: NAMESPACE.into(), name: self.name() }
    }
}

async fn parent(connection: &Connection, name: &str) -> Result<Option<Value>, Failure> {
    match connection.read(&format!("{COLLECTION}/{name}")).await {
        Ok(parent) => Ok(Some(parent)),
        Err(failure) if failure.class == Class::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn name(app: &str, component: &str) -> String {
    format!("kfctl.{app}.{component}")
}

/// The id of a component's set: the specification's hash of the parent's identity.
pub(super) fn id(app: &str, component: &str) -> String {
    let identity = format!("{}.{NAMESPACE}.ConfigMap.", name(app, component));
    let hash = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Sha256::digest(identity));
    format!("applyset-{hash}-v1")
}

/// The inventories of an app, by component. None where its namespace does not exist yet.
pub async fn inventories(connection: &Connection, app: &str) -> Result<BTreeMap<String, Inventory>, Failure> {
    let parents = connection.read(&format!("{COLLECTION}?labelSelector={}%3D{app}", labels::APP)).await?;
    let items = list(&parents, "/items");
    // A name with more in it than a name would select others' too.
    let own = items.iter().filter_map(Inventory::read).filter(|inventory| inventory.app == app);
    Ok(own.map(|inventory| (inventory.component.clone(), inventory)).collect())
}

/// Inventories for definitions of users' objects that stayed when everything else of the app went, its inventories too: the label
/// still says whose they are.
pub async fn orphans<'a>(
    connection: &Connection,
    app: &str,
    uid: &str,
    components: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeMap<String, Inventory>, Failure> {
    let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions?labelSelector={}", labels::APPLYSET_PART_OF);
    let definitions = connection.read_metadata(&path).await?;
    let label = |object: &Value| Some(object.pointer("/metadata/labels")?.get(labels::APPLYSET_PART_OF)?.as_str()?.to_owned());
    let sets: BTreeSet<String> = definitions.iter().filter_map(label).collect();
    let mut found = BTreeMap::new();
    for (order, component) in components.into_iter().enumerate() {
        let mut inventory = Inventory::of(app, component, uid, order, []);
        if sets.contains(&inventory.id()) {
            inventory.group_kinds.insert("CustomResourceDefinition.apiextensions.k8s.io".to_owned());
            found.insert(component.to_owned(), inventory);
        }
    }
    Ok(found)
}

/// The names of all apps with an inventory in this cluster.
pub async fn apps(connection: &Connection) -> Result<BTreeSet<String>, Failure> {
    Ok(of_all_apps(connection).await?.into_iter().map(|inventory| inventory.app).collect())
}

/// The inventories of all apps in this cluster.
pub(super) async fn of_all_apps(connection: &Connection) -> Result<Vec<Inventory>, Failure> {
    let parents = connection.read(&format!("{COLLECTION}?labelSelector={}", labels::APP)).await?;
    Ok(list(&parents, "/items").iter().filter_map(Inventory::read).collect())
}

#[cfg(test)]
mod tests {
    use super::super::entries::Place;
    use super::*;

    fn inventory(component: &str) -> Inventory {
        Inventory::of("my-app", component, "uid", 2, [])
    }

    #[test]
    fn reads_what_it_writes() {
        let id = |namespace: &str| ObjectId {
            group: "apps".into(),
            kind: "Deployment".into(),
            namespace: namespace.into(),
            name: "a".into(),
        };
        let mut before = inventory("profiles").with(&[id(NAMESPACE), id("kubeflow")]);
        before.group_kinds.insert("Service".to_owned());
        before.aside = "Deployment.apps istio-system/istiod".to_owned();
        let [namespace, config_map, key, list, item] = ["istio-system", "istio", "mesh", "providers", "ours"].map(str::to_owned);
        before.entries.insert(Record { place: Place { namespace, config_map, key, list, item }, sha256: "00".into() });
        assert_eq!(Inventory::read(&before.content()), Some(before));
    }

    #[test]
    fn ids_follow_the_specification() {
        // printf kfctl.my-app.profiles.kubeflow-system.ConfigMap. | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | tr -d =
        assert_eq!(inventory("profiles").id(), "applyset-4f37wLb8zU5dcwp19dWU26vsLGZYiAaIHUZgVSmk6bA-v1");
    }

    #[test]
    fn a_union_forgets_nothing() {
        let mut old = inventory("c");
        old.group_kinds.insert("Job.batch".into());
        let mut new = inventory("c");
        new.group_kinds.insert("Service".into());
        assert_eq!(new.union(Some(&old)).group_kinds, BTreeSet::from(["Job.batch".to_owned(), "Service".to_owned()]));
    }
}
