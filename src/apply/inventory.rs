//! What belongs to an app in the cluster, by the `ApplySet` specification (KEP-3659): one parent `ConfigMap` for each component,
//! and a label on each member. The parent names the members' kinds and namespaces, so that a list by label finds them all,
//! with no app directory at hand. It is written before the first member, as the union of old and new.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::plan::Member;
use crate::cluster::{Connection, Failure};
use crate::labels;
use crate::object::list;

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
    /// Namespaces of members.
    pub namespaces: BTreeSet<String>,
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
        };
        for member in members.into_iter().filter(|member| member.component == component) {
            inventory.group_kinds.insert(member.object.id.group_kind());
            if !member.object.id.namespace.is_empty() {
                inventory.namespaces.insert(member.object.id.namespace.clone());
            }
        }
        inventory
    }

    /// The same with the kinds and namespaces of `other`.
    #[must_use]
    pub fn union(mut self, other: Option<&Self>) -> Self {
        if let Some(other) = other {
            self.group_kinds.extend(other.group_kinds.iter().cloned());
            self.namespaces.extend(other.namespaces.iter().cloned());
        }
        self
    }

    /// The parent's name. Dots keep apart what dashes could not: app `a-b` with component `c`, and `a` with `b-c`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("kfctl.{}.{}", self.app, self.component)
    }

    /// The id of the set: the specification's hash of the parent's identity.
    #[must_use]
    pub fn id(&self) -> String {
        let identity = format!("{}.{NAMESPACE}.ConfigMap.", self.name());
        let hash = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Sha256::digest(identity));
        format!("applyset-{hash}-v1")
    }

    fn content(&self) -> Value {
        let join = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(",");
        let outside: BTreeSet<String> = self.namespaces.iter().filter(|namespace| *namespace != NAMESPACE).cloned().collect();
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": self.name(),
                "namespace": NAMESPACE,
                "labels": { labels::APPLYSET_ID: self.id(), labels::APP: self.app, labels::COMPONENT: self.component },
                "annotations": {
                    labels::APPLYSET_TOOLING: self.tooling,
                    labels::APPLYSET_GROUP_KINDS: join(&self.group_kinds),
                    labels::APPLYSET_NAMESPACES: join(&outside),
                },
            },
            "data": { "app": self.app, "component": self.component, "clusterUid": self.cluster_uid, "order": self.order.to_string() },
        })
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
        };
        (!inventory.app.is_empty() && text("/metadata/name") == inventory.name()).then_some(inventory)
    }

    /// Writes the parent. It is ours alone, so nobody's fields are in the way.
    pub async fn write(&self, connection: &Connection) -> Result<(), Failure> {
        let path = format!("{COLLECTION}/{}?fieldManager={}&force=true", self.name(), labels::FIELD_MANAGER);
        connection.apply(&path, &self.content()).await.map(drop)
    }
}

/// The inventories of an app, by component. None where its namespace does not exist yet.
pub async fn inventories(connection: &Connection, app: &str) -> Result<BTreeMap<String, Inventory>, Failure> {
    let parents = connection.read(&format!("{COLLECTION}?labelSelector={}%3D{app}", labels::APP)).await?;
    let items = list(&parents, "/items");
    Ok(items.iter().filter_map(Inventory::read).map(|inventory| (inventory.component.clone(), inventory)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory(component: &str) -> Inventory {
        Inventory::of("my-app", component, "uid", 2, [])
    }

    #[test]
    fn reads_what_it_writes() {
        let mut before = inventory("profiles");
        before.group_kinds.extend(["Service".to_owned(), "Deployment.apps".to_owned()]);
        before.namespaces.insert("kubeflow".to_owned());
        assert_eq!(Inventory::read(&before.content()), Some(before));
    }

    #[test]
    fn ids_follow_the_specification() {
        // sha256("kfctl.my-app.profiles.kubeflow-system.ConfigMap."), unpadded base64 for URLs
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
