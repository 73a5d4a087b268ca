//! What is never deleted, and why: one rule each, with a typed reason. Pure.
//!
//! Deletion is by identity, so an object that no rule keeps takes nothing else with it; the two kinds that do, definitions and
//! namespaces, are kept while anything is in them that is not going too.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use super::compare::owned;
use crate::labels;
use crate::object::{ObjectId, list};

/// Why an object stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "rule", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Reason {
    /// Kubernetes' own namespaces.
    SystemNamespace,
    /// It is in the hands of another `ApplySet`.
    AnotherSet {
        /// The set's id.
        set: String,
    },
    /// It carries our label, and kfctl did not put it there: a copy, as a rule.
    NotOurs,
    /// Another tool manages it.
    AnotherTool {
        /// The tool.
        tool: String,
    },
    /// Another component of the app brings it now.
    Moved {
        /// That component.
        component: String,
    },
    /// It says itself that it stays.
    Marked {
        /// The annotation that says so.
        annotation: String,
    },
    /// A Profile or a Notebook.
    UsersObject,
    /// The definition of Profiles or Notebooks.
    UsersDefinition {
        /// Whether there is no object of it now. It stays all the same: nobody knows who is about to make one.
        empty: bool,
    },
    /// The namespace of a profile.
    ProfileNamespace,
    /// A volume, or a claim of one.
    Volume,
    /// A definition with objects that stay.
    DefinitionInUse {
        /// The objects.
        objects: Vec<ObjectId>,
    },
    /// A namespace with things in it that stay.
    NamespaceInUse {
        /// What no app brought.
        users: Vec<ObjectId>,
        /// What other components, apps or tools brought.
        others: Vec<ObjectId>,
        /// Whether it holds the inventory of what stays elsewhere.
        inventories: bool,
    },
    /// What depends on it could not be read.
    CanNotTell {
        /// Why.
        message: String,
    },
    /// It was deleted and made anew while this ran.
    MadeAnew,
    /// An item of ours in it is not as it was written.
    Edited {
        /// The item's name.
        item: String,
    },
}

/// An object that stays, and why.
#[derive(Debug, Clone, Serialize)]
pub struct Kept {
    /// The object.
    pub object: ObjectId,
    /// Why.
    pub reason: Reason,
}

impl Kept {
    /// Whether `--delete-user-data` would delete it.
    #[must_use]
    pub fn is_user_data(&self) -> bool {
        match &self.reason {
            Reason::UsersObject | Reason::UsersDefinition { .. } | Reason::ProfileNamespace | Reason::Volume => true,
            Reason::Marked { .. } => !is_definition(&self.object),
            Reason::NamespaceInUse { others, inventories, .. } => others.is_empty() && !inventories,
            _ => false,
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SystemNamespace => f.write_str("a namespace of Kubernetes itself"),
            Self::AnotherSet { .. } => f.write_str("another app or component has taken it over"),
            Self::NotOurs => f.write_str("kfctl did not give it the app's label; a copy of an object has it too"),
            Self::AnotherTool { tool } => write!(f, "{tool} manages it"),
            Self::Moved { component } => write!(f, "component {component} brings it now"),
            Self::Marked { annotation } => write!(f, "its annotation {annotation} says so"),
            Self::UsersObject => f.write_str("users' data"),
            Self::UsersDefinition { empty: false } => f.write_str("it defines users' objects, which would go with it"),
            Self::UsersDefinition { empty: true } => f.write_str("it defines users' objects, of which there are none now"),
            Self::ProfileNamespace => f.write_str("the namespace of a profile"),
            Self::Volume => f.write_str("it may hold users' data"),
            Self::DefinitionInUse { objects } => write!(f, "objects of it stay: {}", some(objects)),
            Self::NamespaceInUse { users, others, .. } => {
                let all: Vec<ObjectId> = users.iter().chain(others).cloned().collect();
                if all.is_empty() {
                    return f.write_str("it holds the record of what stays");
                }
                write!(f, "it holds what stays: {}", some(&all))
            }
            Self::CanNotTell { message } => write!(f, "what depends on it can't be read: {message}"),
            Self::MadeAnew => f.write_str("it was made anew meanwhile"),
            Self::Edited { item } => write!(f, "its item {item} is not as kfctl wrote it, and stays"),
        }
    }
}

/// The first few, and how many more.
fn some(objects: &[ObjectId]) -> String {
    let mut names: Vec<String> = objects.iter().take(3).map(ToString::to_string).collect();
    if objects.len() > 3 {
        names.push(format!("{} more", objects.len() - 3));
    }
    names.join(", ")
}

/// What the rules need to know beside the object.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Whether users' data goes too.
    pub user_data: bool,
    /// Ids of the sets that objects may be deleted from.
    pub sets: HashSet<String>,
    /// Those of them whose inventory stays.
    pub staying: HashSet<String>,
    /// What the app still renders, with the component that does.
    pub rendered: HashMap<ObjectId, String>,
    /// For each definition and namespace what is in it, as far as read; or why that could not be read.
    pub contents: HashMap<ObjectId, Result<Vec<Value>, String>>,
    /// What is going.
    pub going: HashSet<ObjectId>,
}

type Rule = fn(&ObjectId, &Value, &Facts) -> Option<Reason>;

const RULES: &[Rule] = &[
    system_namespace,
    another_set,
    not_ours,
    another_tool,
    moved,
    profile_namespace,
    users_object,
    users_definition,
    volume,
    marked,
    definition_in_use,
    namespace_in_use,
];

/// Why this object stays; `None` where it may go.
pub(super) fn why_kept(id: &ObjectId, live: &Value, facts: &Facts) -> Option<Reason> {
    RULES.iter().find_map(|rule| rule(id, live, facts))
}

fn text<'a>(object: &'a Value, holder: &str, key: &str) -> Option<&'a str> {
    object.pointer("/metadata")?.get(holder)?.get(key)?.as_str()
}

/// The kinds that are users' own, with the names of their definitions.
pub(super) const USERS_KINDS: [(&str, &str, &str); 2] =
    [("kubeflow.org", "Profile", "profiles.kubeflow.org"), ("kubeflow.org", "Notebook", "notebooks.kubeflow.org")];

pub(super) fn is_definition(id: &ObjectId) -> bool {
    id.is("apiextensions.k8s.io", "CustomResourceDefinition")
}

pub(super) fn is_namespace(id: &ObjectId) -> bool {
    id.is("", "Namespace")
}

pub(super) fn is_users_object(id: &ObjectId) -> bool {
    USERS_KINDS.iter().any(|(group, kind, _)| id.is(group, kind))
}

pub(super) fn is_users_definition(id: &ObjectId) -> bool {
    is_definition(id) && USERS_KINDS.iter().any(|(.., name)| id.name == *name)
}

fn system_namespace(id: &ObjectId, _: &Value, _: &Facts) -> Option<Reason> {
    (is_namespace(id) && (id.name == "default" || id.name.starts_with("kube-"))).then_some(Reason::SystemNamespace)
}

fn another_set(_: &ObjectId, live: &Value, facts: &Facts) -> Option<Reason> {
    let set = set_of(live)?;
    (!facts.sets.contains(set)).then(|| Reason::AnotherSet { set: set.to_owned() })
}

/// Anybody can set a label, and whoever copies an object copies its labels: the server alone tells whose hand it was.
fn not_ours(_: &ObjectId, live: &Value, _: &Facts) -> Option<Reason> {
    (set_of(live).is_some() && !is_labelled_by_us(live)).then_some(Reason::NotOurs)
}

/// The set that an object says it belongs to.
pub(super) fn set_of(live: &Value) -> Option<&str> {
    text(live, "labels", labels::APPLYSET_PART_OF)
}

/// Whether the label of the set is a field that our field manager has applied.
pub(super) fn is_labelled_by_us(live: &Value) -> bool {
    let label = format!("f:{}", labels::APPLYSET_PART_OF);
    owned(live).and_then(|owned| owned.get("f:metadata")?.get("f:labels")?.get(&label)).is_some()
}

fn another_tool(_: &ObjectId, live: &Value, _: &Facts) -> Option<Reason> {
    tool(live).map(|tool| Reason::AnotherTool { tool: tool.to_owned() })
}

/// The tool that an object says manages it. `app.kubernetes.io/managed-by` is no proof: rendered charts carry it too.
fn tool(live: &Value) -> Option<&'static str> {
    labels::OTHER_TOOLS
        .iter()
        .find(|(holder, key, _)| text(live, holder, key).is_some_and(|value| !value.is_empty()))
        .map(|(.., tool)| *tool)
}

fn moved(id: &ObjectId, _: &Value, facts: &Facts) -> Option<Reason> {
    facts.rendered.get(id).map(|component| Reason::Moved { component: component.clone() })
}

fn users_object(id: &ObjectId, _: &Value, facts: &Facts) -> Option<Reason> {
    (!facts.user_data && is_users_object(id)).then_some(Reason::UsersObject)
}

fn users_definition(id: &ObjectId, _: &Value, facts: &Facts) -> Option<Reason> {
    (!facts.user_data && is_users_definition(id)).then_some(Reason::UsersDefinition { empty: false })
}

fn profile_namespace(id: &ObjectId, live: &Value, facts: &Facts) -> Option<Reason> {
    let is_one = is_namespace(id) && text(live, "labels", labels::PART_OF) == Some(labels::PART_OF_PROFILE);
    (is_one && !facts.user_data).then_some(Reason::ProfileNamespace)
}

fn is_volume(id: &ObjectId) -> bool {
    id.is("", "PersistentVolumeClaim") || id.is("", "PersistentVolume")
}

fn volume(id: &ObjectId, _: &Value, facts: &Facts) -> Option<Reason> {
    (!facts.user_data && is_volume(id)).then_some(Reason::Volume)
}

/// A definition marked so stays even where users' data goes, unless it defines just that.
fn marked(id: &ObjectId, live: &Value, facts: &Facts) -> Option<Reason> {
    if facts.user_data && (!is_definition(id) || is_users_definition(id)) {
        return None;
    }
    let (key, value) =
        labels::KEEP.iter().find(|(key, value)| text(live, "annotations", key).is_some_and(|found| found.trim() == *value))?;
    Some(Reason::Marked { annotation: format!("{key}: {value}") })
}

fn definition_in_use(id: &ObjectId, _: &Value, facts: &Facts) -> Option<Reason> {
    if !is_definition(id) {
        return None;
    }
    match facts.contents.get(id)? {
        Err(message) => Some(Reason::CanNotTell { message: message.clone() }),
        Ok(objects) => {
            let objects: Vec<ObjectId> = objects.iter().map(identity).filter(|id| !facts.going.contains(id)).collect();
            (!objects.is_empty()).then_some(Reason::DefinitionInUse { objects })
        }
    }
}

fn namespace_in_use(id: &ObjectId, live: &Value, facts: &Facts) -> Option<Reason> {
    if !is_namespace(id) || text(live, "labels", labels::PART_OF) == Some(labels::PART_OF_PROFILE) {
        return None;
    }
    let contents = match facts.contents.get(id)? {
        Err(message) => return Some(Reason::CanNotTell { message: message.clone() }),
        Ok(contents) => contents,
    };
    let (mut users, mut others, mut inventories) = (Vec::new(), Vec::new(), false);
    for object in contents {
        let id = identity(object);
        if facts.going.contains(&id) || is_by_product(&id, object) {
            continue;
        }
        let label = |key| text(object, "labels", key);
        match (label(labels::APPLYSET_ID), label(labels::APPLYSET_PART_OF)) {
            // The inventory of a set that goes is the last of it to go.
            (Some(set), _) if facts.sets.contains(set) => inventories |= facts.staying.contains(set),
            (Some(_), _) => others.push(id),
            (_, Some(set)) if !facts.sets.contains(set) => others.push(id),
            _ if tool(object).is_some() => others.push(id),
            _ => users.push(id),
        }
    }
    let in_use = inventories || !others.is_empty() || !(facts.user_data || users.is_empty());
    in_use.then_some(Reason::NamespaceInUse { users, others, inventories })
}

/// The identity of an object that says its own apiVersion and kind.
pub(super) fn identity(object: &Value) -> ObjectId {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let api_version = text("/apiVersion");
    ObjectId {
        group: api_version.split_once('/').map(|(group, _)| group.to_owned()).unwrap_or_default(),
        kind: text("/kind"),
        namespace: text("/metadata/namespace"),
        name: text("/metadata/name"),
    }
}

/// Whether a controller of the cluster made this object and would make it again: it goes with what it was made for.
pub(super) fn is_by_product(id: &ObjectId, object: &Value) -> bool {
    is_owned(object)
        || object.pointer("/metadata/deletionTimestamp").is_some()
        // What is computed at each look is stored nowhere.
        || object.pointer("/metadata/uid").is_none()
        || match (id.group.as_str(), id.kind.as_str()) {
            ("" | "events.k8s.io", "Event")
            | ("", "Endpoints")
            | ("discovery.k8s.io", "EndpointSlice")
            | ("coordination.k8s.io", "Lease") => true,
            ("", "ServiceAccount") => id.name == "default",
            ("", "ConfigMap") => matches!(id.name.as_str(), "kube-root-ca.crt" | "openshift-service-ca.crt" | "istio-ca-root-cert"),
            ("", "Secret") => text(object, "annotations", labels::SERVICE_ACCOUNT_UID).is_some(),
            _ => false,
        }
}

/// Whether the garbage collector deletes it with its owner. Controllers copy labels to what they make, ours too.
pub(super) fn is_owned(object: &Value) -> bool {
    list(object, "/metadata/ownerReferences").iter().any(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(api_version: &str, kind: &str, metadata: Value) -> Value {
        let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata});
        object["metadata"]["managedFields"] = json!([{"manager": "kfctl", "operation": "Apply",
            "fieldsV1": {"f:metadata": {"f:labels": {"f:applyset.kubernetes.io/part-of": {}}}}}]);
        object["metadata"]["uid"] = "u".into();
        object
    }

    fn facts() -> Facts {
        Facts { sets: HashSet::from(["ours".to_owned()]), ..Facts::default() }
    }

    fn judge(object: &Value, facts: &Facts) -> Option<Reason> {
        why_kept(&identity(object), object, facts)
    }

    fn ours(api_version: &str, kind: &str, name: &str) -> Value {
        object(api_version, kind, json!({"name": name, "labels": {"applyset.kubernetes.io/part-of": "ours"}}))
    }

    #[test]
    fn users_data_stays_unless_it_is_asked_for() {
        let namespace =
            object("v1", "Namespace", json!({"name": "n", "labels": {"app.kubernetes.io/part-of": "kubeflow-profile"}}));
        let cases = [
            (ours("kubeflow.org/v1alpha1", "Profile", "p"), Reason::UsersObject),
            (ours("kubeflow.org/v1", "Notebook", "n"), Reason::UsersObject),
            (
                ours("apiextensions.k8s.io/v1", "CustomResourceDefinition", "profiles.kubeflow.org"),
                Reason::UsersDefinition { empty: false },
            ),
            (
                ours("apiextensions.k8s.io/v1", "CustomResourceDefinition", "notebooks.kubeflow.org"),
                Reason::UsersDefinition { empty: false },
            ),
            (
                object(
                    "apiextensions.k8s.io/v1",
                    "CustomResourceDefinition",
                    json!({"name": "profiles.kubeflow.org", "annotations": {"helm.sh/resource-policy": "keep"}}),
                ),
                Reason::UsersDefinition { empty: false },
            ),
            (ours("v1", "PersistentVolumeClaim", "c"), Reason::Volume),
            (ours("v1", "PersistentVolume", "v"), Reason::Volume),
            (namespace, Reason::ProfileNamespace),
        ];
        for (object, reason) in cases {
            assert!(Kept { object: identity(&object), reason: reason.clone() }.is_user_data());
            assert_eq!(judge(&object, &facts()), Some(reason), "{object}");
            assert_eq!(judge(&object, &Facts { user_data: true, ..facts() }), None, "{object}");
        }
        assert_eq!(judge(&ours("v1", "ConfigMap", "c"), &facts()), None);
        assert_eq!(judge(&ours("apiextensions.k8s.io/v1", "CustomResourceDefinition", "profiles.other.org"), &facts()), None);
    }

    #[test]
    fn what_others_hold_is_never_touched() {
        let everything = Facts { user_data: true, ..facts() };
        let other = object("v1", "ConfigMap", json!({"name": "c", "labels": {"applyset.kubernetes.io/part-of": "theirs"}}));
        assert_eq!(judge(&other, &everything), Some(Reason::AnotherSet { set: "theirs".into() }));
        let helm = object("v1", "ConfigMap", json!({"name": "c", "annotations": {"meta.helm.sh/release-name": "r"}}));
        assert_eq!(judge(&helm, &everything), Some(Reason::AnotherTool { tool: "Helm".into() }));
        let moved = ours("v1", "ConfigMap", "c");
        let rendered = HashMap::from([(identity(&moved), "b".to_owned())]);
        assert_eq!(judge(&moved, &Facts { rendered, ..facts() }), Some(Reason::Moved { component: "b".into() }));
        for name in ["default", "kube-system", "kube-public"] {
            assert_eq!(judge(&ours("v1", "Namespace", name), &everything), Some(Reason::SystemNamespace));
        }
    }

    #[test]
    fn a_label_of_ours_that_somebody_else_has_set_says_nothing() {
        let mut copy = ours("v1", "ConfigMap", "c");
        for (manager, operation) in [("kubectl-create", "Update"), ("kfctl", "Update"), ("kubectl", "Apply")] {
            copy["metadata"]["managedFields"][0]["manager"] = manager.into();
            copy["metadata"]["managedFields"][0]["operation"] = operation.into();
            assert_eq!(judge(&copy, &Facts { user_data: true, ..facts() }), Some(Reason::NotOurs), "{manager} {operation}");
        }
    }

    #[test]
    fn what_is_marked_stays() {
        for (key, value) in labels::KEEP {
            let mut marked = ours("v1", "ConfigMap", "c");
            marked["metadata"]["annotations"] = json!({*key: value});
            assert!(matches!(judge(&marked, &facts()), Some(Reason::Marked { .. })), "{key}");
            marked["metadata"]["annotations"] = json!({*key: "something else"});
            assert_eq!(judge(&marked, &facts()), None);
        }
        let mut definition = ours("apiextensions.k8s.io/v1", "CustomResourceDefinition", "things.x.io");
        definition["metadata"]["annotations"] = json!({"helm.sh/resource-policy": "keep"});
        assert!(matches!(judge(&definition, &Facts { user_data: true, ..facts() }), Some(Reason::Marked { .. })));
    }

    #[test]
    fn a_definition_stays_while_an_object_of_it_does() {
        let definition = ours("apiextensions.k8s.io/v1", "CustomResourceDefinition", "things.x.io");
        let thing = object("x.io/v1", "Thing", json!({"name": "t", "namespace": "n"}));
        let contents = |found| HashMap::from([(identity(&definition), found)]);
        let used = Facts { user_data: true, contents: contents(Ok(vec![thing.clone()])), ..facts() };
        assert_eq!(judge(&definition, &used), Some(Reason::DefinitionInUse { objects: vec![identity(&thing)] }));
        let going = Facts { contents: contents(Ok(vec![thing.clone()])), going: HashSet::from([identity(&thing)]), ..facts() };
        assert_eq!(judge(&definition, &going), None);
        let unknown = Facts { contents: contents(Err("no answer".into())), ..facts() };
        assert!(matches!(judge(&definition, &unknown), Some(Reason::CanNotTell { .. })));
    }

    #[test]
    fn a_namespace_stays_while_anything_does_that_the_cluster_did_not_make() {
        let namespace = ours("v1", "Namespace", "kubeflow");
        let id = identity(&namespace);
        let holding = |object: Value, user_data| {
            let facts = Facts { user_data, contents: HashMap::from([(id.clone(), Ok(vec![object]))]), ..facts() };
            judge(&namespace, &facts)
        };
        let within = |kind: &str, more: Value| {
            let mut metadata = json!({"name": "x", "namespace": "kubeflow"});
            metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            object("v1", kind, metadata)
        };
        for kind in ["PersistentVolumeClaim", "ConfigMap", "Secret", "Pod"] {
            assert!(matches!(holding(within(kind, json!({})), false), Some(Reason::NamespaceInUse { .. })), "{kind}");
            assert_eq!(holding(within(kind, json!({})), true), None, "{kind}");
        }
        let theirs = within("ConfigMap", json!({"labels": {"applyset.kubernetes.io/part-of": "theirs"}}));
        assert!(matches!(holding(theirs, true), Some(Reason::NamespaceInUse { .. })));
        let inventory = within("ConfigMap", json!({"labels": {"applyset.kubernetes.io/id": "theirs"}}));
        assert!(matches!(holding(inventory, true), Some(Reason::NamespaceInUse { .. })));
        assert_eq!(holding(within("ConfigMap", json!({"labels": {"applyset.kubernetes.io/id": "ours"}})), false), None);
        for made in [
            within("Event", json!({})),
            within("Pod", json!({"ownerReferences": [{"kind": "ReplicaSet", "controller": true}]})),
            within("ConfigMap", json!({"name": "kube-root-ca.crt"})),
            within("ServiceAccount", json!({"name": "default"})),
            within("PersistentVolumeClaim", json!({"deletionTimestamp": "2026-01-01T00:00:00Z"})),
        ] {
            assert_eq!(holding(made.clone(), false), None, "{made}");
        }
        let reason = holding(within("ConfigMap", json!({})), false).unwrap();
        assert!(Kept { object: id, reason }.is_user_data());
    }
}
