//! Whether an object on the server is what we want, told from the object alone. Pure.
//!
//! The server keeps, for each manager, the set of fields that it owns (`metadata.managedFields`). An object is unchanged when
//! our set is exactly the fields we want and each holds our value: then an apply would do nothing, so none is sent. Where that can't
//! be told for sure (`1000m` and `1`, defaults of a definition inside of a field that is owned as a whole) the answer is "changed",
//! and the server's own dry-run settles it.

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
    let group =
        wanted.get("apiVersion").and_then(Value::as_str).and_then(|version| version.split_once('/')).map_or("", |pair| pair.0);
    let built_in = !group.contains('.') || group.ends_with(".k8s.io");
    matches(&identity_apart(wanted), live, owned, built_in)
}

/// The object without what is in no field set.
fn identity_apart(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("apiVersion");
        fields.remove("kind");
        if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.retain(|field, _| !matches!(field.as_str(), "name" | "namespace" | "creationTimestamp"));
        }
        if fields.get("metadata").and_then(Value::as_object).is_some_and(Map::is_empty) {
            fields.remove("metadata");
        }
    }
    object
}

/// `owned` describes `wanted` exactly, and `live` holds its values.
fn matches(wanted: &Value, live: &Value, owned: &Map<String, Value>, built_in: bool) -> bool {
    // An empty set: the value is owned as a whole. Where it is ours and not there, the server keeps none for it: another manager
    // who removes a value takes it from us too.
    if owned.is_empty() {
        return is_same(wanted, live, built_in) || live.is_null() && is_zero(wanted);
    }
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => {
            let set = |name: &str| owned.get(&format!("f:{name}")).and_then(Value::as_object);
            let fields = owned.keys().filter(|key| *key != ".").count();
            // A null is either owned as one, or nothing.
            let meant = wanted.iter().filter(|(name, value)| !value.is_null() || set(name).is_some());
            fields == meant.clone().count()
                && meant.into_iter().all(|(name, value)| {
                    set(name).is_some_and(|set| matches(value, live.get(name).unwrap_or(&Value::Null), set, built_in))
                })
        }
        (Value::Array(wanted), Value::Array(live)) => {
            let items: Vec<(&String, &Value)> = owned.iter().filter(|(key, _)| *key != ".").collect();
            items.len() == wanted.len()
                && items.iter().all(|(key, set)| {
                    let Some(set) = set.as_object() else { return false };
                    // Two items of one key: which of them is meant, the server alone can tell.
                    match (&*items_of(wanted, key), &*items_of(live, key)) {
                        ([ours], [theirs]) => matches(ours, theirs, set, built_in),
                        _ => false,
                    }
                })
        }
        _ => false,
    }
}

fn items_of<'a>(list: &'a [Value], key: &str) -> Vec<&'a Value> {
    list.iter().filter(|item| is_item(item, key)).collect()
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

/// Whether a value that is owned as a whole is the one we want, but for what the server adds to it.
fn is_same(wanted: &Value, live: &Value, built_in: bool) -> bool {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => {
            wanted.iter().all(|(name, value)| is_same(value, live.get(name).unwrap_or(&Value::Null), built_in))
                && live.iter().all(|(name, value)| wanted.contains_key(name) || built_in && is_default(name, value))
        }
        (Value::Array(wanted), Value::Array(live)) => {
            wanted.len() == live.len() && wanted.iter().zip(live).all(|(wanted, live)| is_same(wanted, live, built_in))
        }
        _ => wanted == live,
    }
}

/// Whether the server may leave such a value out when it stores the object.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(value) => value.as_f64() == Some(0.0),
        Value::String(value) => value.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

/// What the server adds inside of fields that are owned as a whole, in kinds of its own: one that was left out holds this value.
fn is_default(name: &str, value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    match name {
        // Of a fieldRef, a volume claim's template, a subject.
        "apiVersion" => text == "v1",
        "kind" => text == "PersistentVolumeClaim",
        "apiGroup" => text == "rbac.authorization.k8s.io",
        "divisor" => text == "0",
        "protocol" => text == "TCP",
        "scope" => text == "*",
        "volumeMode" => text == "Filesystem",
        "expirationSeconds" => value == 3600,
        "status" => *value == serde_json::json!({"phase": "Pending"}),
        _ => value.is_null(),
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
    owned.iter().filter(|(key, _)| *key != ".").all(|(key, set)| {
        let (ones, others) = (at(one, key), at(other, key));
        let set = set.as_object();
        ones.len() == others.len()
            && ones.iter().zip(&others).all(|(one, other)| set.is_some_and(|set| are_same(one, other, set)))
    })
}

/// What the field set names in a value.
pub(super) fn part(value: &Value, owned: &Map<String, Value>) -> Value {
    if owned.keys().all(|key| key == ".") {
        return value.clone();
    }
    let below = |(key, set): (&String, &Value)| {
        let found = at(value, key).into_iter().map(|found| set.as_object().map_or(Value::Null, |set| part(found, set)));
        (key.clone(), found.collect::<Value>())
    };
    owned.iter().filter(|(key, _)| *key != ".").map(below).collect()
}

/// The field, or the list's items, that a field set's key names.
fn at<'a>(value: &'a Value, key: &str) -> Vec<&'a Value> {
    match key.strip_prefix("f:") {
        Some(name) => value.get(name).into_iter().collect(),
        None => value.as_array().map(|items| items_of(items, key)).unwrap_or_default(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    /// A Service as the server keeps it, with a label of somebody else's.
    pub(in crate::apply) fn live() -> Value {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "n", "uid": "u", "labels": {"a": "1", "theirs": "x"},
            "managedFields": [
                {"manager": "someone", "operation": "Update", "fieldsV1": {"f:metadata": {"f:labels": {"f:theirs": {}}}}},
                {"manager": "kfctl", "operation": "Apply", "fieldsV1": {
                    "f:metadata": {"f:labels": {"f:a": {}}},
                    "f:spec": {"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}, "f:name": {}}}, "f:selector": {}}}}]},
            "spec": {"clusterIP": "10.0.0.1", "selector": {"app": "x"}, "ports": [{"port": 80, "protocol": "TCP", "name": "http", "targetPort": 80}]}})
    }

    /// The same Service as it is applied.
    pub(in crate::apply) fn wanted() -> Value {
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
        // As many as before, and another one; an item more.
        shorter["spec"]["type"] = "ClusterIP".into();
        assert!(!is_unchanged(&shorter, &live()));
        longer = wanted();
        longer["spec"]["ports"].as_array_mut().unwrap().push(json!({"port": 81}));
        assert!(!is_unchanged(&longer, &live()));
    }

    /// Of an object in `group` with one field, owned as a whole or in these parts.
    fn whole(group: &str, wanted: &Value, live: &Value, owned: &Value) -> bool {
        let object =
            |value: &Value| json!({"apiVersion": format!("{group}/v1"), "kind": "K", "metadata": {"name": "n"}, "spec": value});
        let mut live = object(live);
        live["metadata"]["managedFields"] = json!([{"manager": "kfctl", "operation": "Apply", "fieldsV1": {"f:spec": owned}}]);
        is_unchanged(&object(wanted), &live)
    }

    #[test]
    fn what_is_owned_as_a_whole_is_compared_as_a_whole() {
        let whole = |wanted, live| {
            let [built_in, custom] = ["apps", "example.com"].map(|group| whole(group, &wanted, &live, &json!({})));
            (built_in, custom)
        };
        let rule = json!([{"verbs": ["get"]}]);
        assert_eq!(whole(rule.clone(), json!([{"verbs": ["get"], "resourceNames": ["one"]}])), (false, false), "more is allowed");
        assert_eq!(whole(json!([{"verbs": ["get"], "resourceNames": ["one"]}]), rule), (false, false), "less is allowed");
        assert_eq!(whole(json!([1]), json!([1, 2])), (false, false), "an item more");
        assert_eq!(whole(json!([{"port": 1}]), json!([{"port": 1, "protocol": "TCP"}])), (true, false), "a default");
        assert_eq!(whole(json!([{"port": 1}]), json!([{"port": 1, "protocol": "UDP"}])), (false, false), "no default");
        assert_eq!(
            whole(json!([{"key": "a", "tolerationSeconds": 0}]), json!([{"key": "a"}])),
            (false, false),
            "never is not at once"
        );
        assert_eq!(whole(json!([{"podSelector": {}}]), json!([{"podSelector": {}, "namespaceSelector": {}}])), (false, false));
        assert_eq!(whole(json!(""), Value::Null), (true, true), "an empty value is not stored");
        assert_eq!(whole(json!("x"), Value::Null), (false, false));
    }

    #[test]
    fn two_items_of_one_key_are_for_the_server_to_compare() {
        let owned = json!({"k:{\"name\":\"A\"}": {".": {}, "f:name": {}, "f:value": {}}});
        let one = json!([{"name": "A", "value": "1"}]);
        let two = json!([{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]);
        assert!(whole("apps", &one, &one, &owned));
        assert!(!whole("apps", &one, &two, &owned));
        let object = |value: &Value| json!({"spec": value, "metadata": {"managedFields": [{"manager": "kfctl", "operation": "Apply", "fieldsV1": {"f:spec": owned}}]}});
        assert!(is_same_result(&object(&two), &object(&two)));
        assert!(!is_same_result(&object(&one), &object(&two)));
    }

    #[test]
    fn a_null_is_nothing_unless_it_is_owned() {
        let live = json!({"a": 1});
        assert!(whole("apps", &json!({"a": 1, "b": null}), &live, &json!({"f:a": {}})));
        assert!(whole("apps", &json!({"a": 1, "b": null}), &live, &json!({"f:a": {}, "f:b": {}})));
        assert!(!whole("apps", &json!({"a": 1, "b": null}), &json!({"a": 1, "b": 2}), &json!({"f:a": {}, "f:b": {}})));
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
