//! What the caches keep of an object: a digest of what is ours in it. Pure.
//!
//! The server keeps for each manager the fields that it owns. The values of ours are digested the same way as the content that we
//! want, so that equal digests mean: an apply would change nothing. A cache of digests stays small with thousands of namespaces.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value};

use crate::labels::CONTROLLER_FIELD_MANAGER;

/// What is kept of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Observed {
    /// The server's version of the object: a later one is newer.
    pub(super) version: u64,
    /// Of the fields that we own; 0 where none is ours.
    pub(super) digest: u64,
    /// Of the content that became this, where the server spells it differently.
    pub(super) sent: u64,
    /// Whether we have created it and not applied it since.
    pub(super) created: bool,
    /// Whether it is on its way out.
    pub(super) deleting: bool,
}

impl Observed {
    /// Reduces an object as the server has it.
    pub(super) fn new(live: &Value) -> Self {
        let ours = owned(live).map_or(0, |fields| digest(&project(live, fields)));
        let created = entry(live, "Apply").is_none() && entry(live, "Update").is_some();
        let deleting = live.pointer("/metadata/deletionTimestamp").is_some();
        Self { version: version(live), digest: ours, sent: 0, created, deleting }
    }

    /// Whether we have applied it, so that it may be taken away again.
    pub(super) fn is_ours(&self) -> bool {
        self.digest != 0
    }

    /// Whether applying content of this digest would change nothing.
    pub(super) fn is(&self, wanted: u64) -> bool {
        self.digest == wanted || self.sent == wanted
    }
}

/// The version of an object as a number.
pub(super) fn version(live: &Value) -> u64 {
    live.pointer("/metadata/resourceVersion").and_then(Value::as_str).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The digest of content to be applied. Identity is in no field set, so it doesn't count.
pub(super) fn wanted(content: &Value) -> u64 {
    let mut fields = content.as_object().cloned().unwrap_or_default();
    fields.remove("apiVersion");
    fields.remove("kind");
    if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
        for field in ["name", "namespace", "uid"] {
            metadata.remove(field);
        }
        if metadata.is_empty() {
            fields.remove("metadata");
        }
    }
    digest(&Value::Object(fields))
}

/// The fields that are ours: those we have applied, or created. To create costs the server a third of what an apply does.
pub(super) fn owned(live: &Value) -> Option<&Map<String, Value>> {
    let entries = live.pointer("/metadata/managedFields")?.as_array()?;
    let place = entry(live, "Apply").or_else(|| entry(live, "Update"))?;
    entries[place].get("fieldsV1")?.as_object()
}

/// The place of our fields among those of all managers, by the operation that made them ours.
pub(super) fn entry(live: &Value, operation: &str) -> Option<usize> {
    let is_ours = |entry: &Value| {
        entry["manager"] == CONTROLLER_FIELD_MANAGER && entry["operation"] == operation && entry.get("subresource").is_none()
    };
    live.pointer("/metadata/managedFields")?.as_array()?.iter().position(is_ours)
}

/// What a field set names in a value.
fn project(live: &Value, fields: &Map<String, Value>) -> Value {
    let children = || fields.iter().filter(|(key, _)| *key != ".");
    if children().next().is_none() {
        return live.clone();
    }
    let part = |value: &Value, set: &Value| set.as_object().map_or_else(|| value.clone(), |set| project(value, set));
    match live {
        Value::Object(live) => Value::Object(
            children()
                .filter_map(|(key, set)| {
                    let name = key.strip_prefix("f:")?;
                    Some((name.to_owned(), part(live.get(name)?, set)))
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(
            items
                .iter()
                .filter_map(|item| {
                    let (_, set) = children().find(|(key, _)| is_item(item, key))?;
                    Some(part(item, set))
                })
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Whether a list's item is the one that a field set's key names: `k:{"name":"a"}` or `v:"a"`.
fn is_item(item: &Value, key: &str) -> bool {
    if let Some(value) = key.strip_prefix("v:") {
        return serde_json::from_str::<Value>(value).is_ok_and(|value| value == *item);
    }
    let keys = key.strip_prefix("k:").and_then(|keys| serde_json::from_str::<Map<String, Value>>(keys).ok());
    keys.is_some_and(|keys| keys.iter().all(|(name, value)| item.get(name) == Some(value)))
}

fn digest(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    feed(value, &mut hasher);
    hasher.finish().max(1)
}

fn feed(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Object(fields) => {
            (0_u8, fields.len()).hash(hasher);
            for (name, value) in fields {
                name.hash(hasher);
                feed(value, hasher);
            }
        }
        Value::Array(items) => {
            (1_u8, items.len()).hash(hasher);
            for item in items {
                feed(item, hasher);
            }
        }
        Value::String(text) => (2_u8, text).hash(hasher),
        other => (3_u8, other.to_string()).hash(hasher),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn live() -> Value {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": "b", "namespace": "n", "uid": "u", "resourceVersion": "12", "labels": {"a": "1", "theirs": "x"},
                "managedFields": [
                    {"manager": "someone", "operation": "Update", "fieldsV1": {"f:metadata": {"f:labels": {"f:theirs": {}}}}},
                    {"manager": "kfctl-controller", "operation": "Apply", "fieldsV1": {
                        "f:metadata": {"f:labels": {"f:a": {}}}, "f:roleRef": {}, "f:subjects": {}}}]},
            "roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "User", "name": "jane"}]})
    }

    fn content() -> Value {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "b", "namespace": "n", "labels": {"a": "1"}},
            "roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "User", "name": "jane"}]})
    }

    #[test]
    fn what_we_own_is_what_we_want() {
        let observed = Observed::new(&live());
        assert_eq!((observed.version, observed.deleting), (12, false));
        assert!(observed.is(wanted(&content())));
    }

    #[test]
    fn a_changed_lost_or_missing_field_is_seen() {
        let wanted = wanted(&content());
        let mut changed = live();
        changed["subjects"][0]["name"] = "bob".into();
        let mut lost = live();
        lost["metadata"]["managedFields"][1]["fieldsV1"].as_object_mut().unwrap().remove("f:subjects");
        let mut gone = live();
        gone["metadata"]["labels"] = json!({});
        for live in [changed, lost, gone] {
            assert!(!Observed::new(&live).is(wanted), "{live}");
        }
        let mut foreign = live();
        foreign["metadata"]["managedFields"] = json!([]);
        assert!(!Observed::new(&foreign).is_ours());
    }

    #[test]
    fn lists_with_keys_are_followed() {
        let live = json!({"metadata": {"managedFields": [{"manager": "kfctl-controller", "operation": "Apply", "fieldsV1": {
            "f:imagePullSecrets": {"k:{\"name\":\"ours\"}": {".": {}, "f:name": {}}}, "f:tags": {"v:\"a\"": {}}}}]},
            "imagePullSecrets": [{"name": "theirs"}, {"name": "ours"}], "tags": ["a", "b"]});
        assert!(Observed::new(&live).is(wanted(&json!({"imagePullSecrets": [{"name": "ours"}], "tags": ["a"]}))));
    }
}
