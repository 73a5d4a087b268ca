//! Whether an object on the server is what we want, told from the object alone. Pure.
//!
//! The server keeps, for each manager, the set of fields that it owns (`metadata.managedFields`). An object is unchanged when
//! our set is exactly the fields we want and each holds our value: then an apply would do nothing, so none is sent. Where a
//! value is spelled differently (`1000m` and `1`) the answer is "changed", and the server's own dry-run settles it.

use serde_json::{Map, Value};

use crate::labels::FIELD_MANAGER;

/// The fields that we own in `live`, as the server wrote them down.
#[must_use]
pub(super) fn owned(live: &Value) -> Option<&Map<String, Value>> {
    live.pointer("/metadata/managedFields")?
        .as_array()?
        .iter()
        .find(|entry| {
            entry.get("manager").and_then(Value::as_str) == Some(FIELD_MANAGER)
                && entry.get("operation").and_then(Value::as_str) == Some("Apply")
                && entry.get("subresource").is_none()
        })?
        .get("fieldsV1")?
        .as_object()
}

/// Whether applying `wanted` over `live` would change nothing.
#[must_use]
pub(super) fn is_unchanged(wanted: &Value, live: &Value) -> bool {
    let same = |field: &str| wanted.get(field) == live.get(field);
    if !same("apiVersion") || !same("kind") || live.pointer("/metadata/deletionTimestamp").is_some() {
        return false;
    }
    let Some(owned) = owned(live) else { return false };
    let mut wanted = wanted.clone();
    if let Some(fields) = wanted.as_object_mut() {
        // Identity is in no field set.
        fields.remove("apiVersion");
        fields.remove("kind");
        if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("name");
            metadata.remove("namespace");
        }
        if fields.get("metadata").and_then(Value::as_object).is_some_and(Map::is_empty) {
            fields.remove("metadata");
        }
    }
    matches(&wanted, live, owned)
}

/// `owned` describes `wanted` exactly, and `live` holds its values.
fn matches(wanted: &Value, live: &Value, owned: &Map<String, Value>) -> bool {
    // An empty set: the value is owned as a whole.
    if owned.is_empty() {
        return contains(live, wanted);
    }
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => {
            let fields = owned.keys().filter(|key| *key != ".").count();
            fields == wanted.len()
                && wanted.iter().all(|(name, value)| {
                    let set = owned.get(&format!("f:{name}")).and_then(Value::as_object);
                    set.zip(live.get(name)).is_some_and(|(set, live)| matches(value, live, set))
                })
        }
        (Value::Array(wanted), Value::Array(live)) => {
            let items: Vec<(&String, &Value)> = owned.iter().filter(|(key, _)| *key != ".").collect();
            items.len() == wanted.len()
                && items.iter().all(|(key, set)| {
                    let Some(set) = set.as_object() else { return false };
                    let found = |list: &[Value]| list.iter().position(|item| is_item(item, key));
                    match (found(wanted), found(live)) {
                        (Some(ours), Some(theirs)) => matches(&wanted[ours], &live[theirs], set),
                        _ => false,
                    }
                })
        }
        _ => false,
    }
}

/// Whether a list's item is the one that a field set's key names: `k:{"name":"a"}` or `v:"a"`.
pub(super) fn is_item(item: &Value, key: &str) -> bool {
    if let Some(value) = key.strip_prefix("v:") {
        return serde_json::from_str::<Value>(value).is_ok_and(|value| value == *item);
    }
    let Some(Ok(Value::Object(keys))) = key.strip_prefix("k:").map(serde_json::from_str::<Value>) else { return false };
    keys.iter().all(|(name, value)| match item.get(name) {
        Some(found) => found == value,
        // The one key with a default among the built-in kinds.
        None => name == "protocol" && value == "TCP",
    })
}

/// Whether `live` holds all of `wanted`; defaults that the server added beside it don't count.
fn contains(live: &Value, wanted: &Value) -> bool {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => {
            wanted.iter().all(|(name, value)| live.get(name).is_some_and(|live| contains(live, value)))
        }
        (Value::Array(wanted), Value::Array(live)) => {
            wanted.len() == live.len() && wanted.iter().zip(live).all(|(wanted, live)| contains(live, wanted))
        }
        _ => wanted == live,
    }
}

/// Whether the answer to an apply is what was there, as far as an apply goes: our fields are the same ones, with the same values.
/// What controllers write beside them, and when, says nothing.
#[must_use]
pub(super) fn is_same_result(answer: &Value, live: &Value) -> bool {
    let (Some(owned), Some(before)) = (owned(answer), owned(live)) else { return false };
    owned == before && are_same(answer, live, owned)
}

/// Whether both hold the same values where the field set goes.
fn are_same(one: &Value, other: &Value, owned: &Map<String, Value>) -> bool {
    if owned.is_empty() {
        return one == other;
    }
    owned.iter().filter(|(key, _)| *key != ".").all(|(key, set)| match (at(one, key), at(other, key), set.as_object()) {
        (Some(one), Some(other), Some(set)) => are_same(one, other, set),
        _ => false,
    })
}

/// The field or list item that a field set's key names.
fn at<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match key.strip_prefix("f:") {
        Some(name) => value.get(name),
        None => value.as_array()?.iter().find(|item| is_item(item, key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn live() -> Value {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "n", "uid": "u", "labels": {"a": "1", "theirs": "x"},
            "managedFields": [
                {"manager": "someone", "operation": "Update", "fieldsV1": {"f:metadata": {"f:labels": {"f:theirs": {}}}}},
                {"manager": "kfctl", "operation": "Apply", "fieldsV1": {
                    "f:metadata": {"f:labels": {"f:a": {}}},
                    "f:spec": {"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}, "f:name": {}}}, "f:selector": {}}}}]},
            "spec": {"clusterIP": "10.0.0.1", "selector": {"app": "x"}, "ports": [{"port": 80, "protocol": "TCP", "name": "http", "targetPort": 80}]}})
    }

    fn wanted() -> Value {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "n", "labels": {"a": "1"}},
            "spec": {"selector": {"app": "x"}, "ports": [{"port": 80, "name": "http"}]}})
    }

    #[test]
    fn what_the_server_added_is_no_change() {
        assert!(is_unchanged(&wanted(), &live()));
    }

    #[test]
    fn every_kind_of_drift_is_seen() {
        let drifts: [(&str, Value); 5] = [
            ("/metadata/labels/a", json!("2")),
            ("/spec/ports/0/name", json!("web")),
            ("/spec/selector", json!({"app": "y"})),
            ("/spec/ports", json!([])),
            ("/metadata/labels", json!({})),
        ];
        for (pointer, value) in drifts {
            let mut live = live();
            *live.pointer_mut(pointer).unwrap() = value;
            assert!(!is_unchanged(&wanted(), &live), "{pointer}");
        }
    }

    #[test]
    fn a_field_taken_over_or_given_up_is_seen() {
        let mut taken = live();
        taken["metadata"]["managedFields"][1]["fieldsV1"]["f:spec"].as_object_mut().unwrap().remove("f:selector");
        assert!(!is_unchanged(&wanted(), &taken));
        let mut shorter = wanted();
        shorter["spec"].as_object_mut().unwrap().remove("selector");
        assert!(!is_unchanged(&shorter, &live()));
        let mut longer = wanted();
        longer["spec"]["type"] = "ClusterIP".into();
        assert!(!is_unchanged(&longer, &live()));
    }

    #[test]
    fn what_controllers_write_meanwhile_is_no_change() {
        let mut answer = live();
        answer["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": "1"});
        answer["metadata"]["resourceVersion"] = "7".into();
        answer["metadata"]["managedFields"][1]["time"] = "2026-01-01T00:00:00Z".into();
        answer["status"] = json!({"ready": true});
        assert!(is_same_result(&answer, &live()));
        let mut other = answer.clone();
        other["metadata"]["managedFields"][1]["fieldsV1"]["f:spec"]["f:type"] = json!({});
        assert!(!is_same_result(&other, &live()), "a field is ours that was not");
        answer["metadata"]["labels"]["a"] = "2".into();
        assert!(!is_same_result(&answer, &live()), "a value of ours differs");
    }

    #[test]
    fn an_object_on_its_way_out_is_changed() {
        let mut going = live();
        going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        assert!(!is_unchanged(&wanted(), &going));
    }
}
