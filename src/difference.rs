//! Two versions of an object, side by side for a person: what the server keeps for itself is left out, and of a Secret's values
//! one sees that they differ, and nothing else. Pure.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::labels::LAST_APPLIED;
use crate::yaml;

/// An object as it stands and as it would be, fit to be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    before: Value,
    after: Value,
}

/// A field that differs. A missing side is a field that is not there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldChange {
    /// The field as the server names it, such as `.spec.replicas`.
    pub field: String,
    /// What it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What it would hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// What the server writes into each object for itself.
const NOISE: &[&str] = &["managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"];

const MASK: &str = "***";

impl Difference {
    /// Of two versions, either of which may be missing.
    #[must_use]
    pub fn new(before: Option<&Value>, after: Option<&Value>) -> Self {
        let mut before = before.map(without_noise).unwrap_or_default();
        let mut after = after.map(without_noise).unwrap_or_default();
        if is_secret(&before) || is_secret(&after) {
            for field in ["data", "stringData"] {
                mask(before.get_mut(field), after.get_mut(field));
            }
            let [before, after] = [&mut before, &mut after].map(|object| {
                let annotations = object.get_mut("metadata")?.get_mut("annotations")?;
                annotations.get_mut(LAST_APPLIED)
            });
            mask_value(before, after);
        }
        Self { before, after }
    }

    /// Whether there is nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.before == self.after
    }

    /// The fields that differ.
    #[must_use]
    pub fn fields(&self) -> Vec<FieldChange> {
        let mut found = Vec::new();
        compare("", Some(&self.before), Some(&self.after), &mut found);
        found
    }

    /// As a unified diff of YAML, with these names for the two sides. Empty where nothing differs.
    #[must_use]
    pub fn unified(&self, before: &str, after: &str) -> String {
        let text = |value: &Value| if value.is_null() { String::new() } else { yaml::to_string(value) };
        let (old, new) = (text(&self.before), text(&self.after));
        similar::TextDiff::from_lines(&old, &new).unified_diff().header(before, after).to_string()
    }
}

fn is_secret(object: &Value) -> bool {
    object.get("kind").is_some_and(|kind| kind == "Secret") && object.get("apiVersion").is_some_and(|version| version == "v1")
}

fn without_noise(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
        if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.retain(|name, _| !NOISE.contains(&name.as_str()));
        }
    }
    object
}

/// Masks the values of two maps, key by key.
fn mask(before: Option<&mut Value>, after: Option<&mut Value>) {
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            for (name, value) in before.iter_mut() {
                mask_value(Some(value), after.get_mut(name));
            }
            let missing = |name: &str| !before.contains_key(name);
            after.iter_mut().filter(|(name, _)| missing(name)).for_each(|(_, value)| mask_value(None, Some(value)));
        }
        (Some(Value::Object(values)), None) | (None, Some(Value::Object(values))) => {
            values.values_mut().for_each(|value| mask_value(None, Some(value)));
        }
        // No map of values: whatever stands there is not shown.
        (before, after) => mask_value(before, after),
    }
}

fn mask_value(before: Option<&mut Value>, after: Option<&mut Value>) {
    match (before, after) {
        (Some(before), Some(after)) if before != after => {
            *before = format!("{MASK} (before)").into();
            *after = format!("{MASK} (after)").into();
        }
        (before, after) => before.into_iter().chain(after).for_each(|value| *value = MASK.into()),
    }
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<FieldChange>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
            names.for_each(|name| compare(&format!("{path}.{name}"), before.get(name), after.get(name), found));
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) if named(before) && named(after) => {
            let find = |list: &'_ [Value], name: &Value| list.iter().position(|item| item.get("name") == Some(name));
            let names = before.iter().chain(after.iter().filter(|item| find(before, &item["name"]).is_none()));
            for name in names.map(|item| &item["name"]) {
                let at = |list: &'_ [Value]| find(list, name);
                let (old, new) = (at(before).map(|at| &before[at]), at(after).map(|at| &after[at]));
                compare(&format!("{path}[name={name}]"), old, new, found);
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) if before.len() == after.len() => {
            for (place, (before, after)) in before.iter().zip(after).enumerate() {
                compare(&format!("{path}[{place}]"), Some(before), Some(after), found);
            }
        }
        // A map that is missing on one side is a field after the other that is.
        (Some(Value::Object(fields)), None) if !path.is_empty() && !fields.is_empty() => {
            fields.iter().for_each(|(name, value)| compare(&format!("{path}.{name}"), Some(value), None, found));
        }
        (None, Some(Value::Object(fields))) if !path.is_empty() && !fields.is_empty() => {
            fields.iter().for_each(|(name, value)| compare(&format!("{path}.{name}"), None, Some(value), found));
        }
        _ => {
            let shown = |value: Option<&Value>| value.filter(|value| !value.is_null()).cloned();
            let field = if path.is_empty() { "." } else { path };
            found.push(FieldChange { field: field.to_owned(), before: shown(before), after: shown(after) });
        }
    }
}

/// Whether each item has a name of its own.
fn named(list: &[Value]) -> bool {
    let names: std::collections::BTreeSet<_> = list.iter().filter_map(|item| item.get("name")?.as_str()).collect();
    !list.is_empty() && names.len() == list.len()
}

/// The names of the fields in a field set of the server that are in no other.
#[must_use]
pub fn only_in(set: &Map<String, Value>, other: Option<&Map<String, Value>>) -> Vec<String> {
    let mut found = Vec::new();
    collect("", set, other, &mut found);
    found
}

fn collect(path: &str, set: &Map<String, Value>, other: Option<&Map<String, Value>>, found: &mut Vec<String>) {
    for (key, below) in set.iter().filter(|(key, _)| *key != ".") {
        let path = match (key.strip_prefix("f:"), key.strip_prefix("k:").or(key.strip_prefix("v:"))) {
            (Some(name), _) => format!("{path}.{name}"),
            (None, Some(item)) => format!("{path}[{item}]"),
            (None, None) => continue,
        };
        let there = other.and_then(|other| other.get(key)).map(|value| value.as_object());
        match below.as_object().filter(|below| !below.is_empty()) {
            Some(below) => collect(&path, below, there.flatten(), found),
            None if there.is_none() => found.push(path),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;
    use serde_json::json;

    fn fields(before: &Value, after: &Value) -> Vec<String> {
        let shown = |value: Option<Value>| value.map_or("nothing".to_owned(), |value| value.to_string());
        let changes = Difference::new(Some(before), Some(after)).fields();
        changes
            .into_iter()
            .map(|change| format!("{}: {} -> {}", change.field, shown(change.before), shown(change.after)))
            .collect()
    }

    #[test]
    fn fields_are_named_as_the_server_names_them() {
        let before = json!({"metadata": {"labels": {"a.io/b": "1"}}, "spec": {"args": ["a"], "env": [{"name": "A", "value": "1"}, {"name": "B"}], "ports": [1, 2]}});
        let after =
            json!({"metadata": {}, "spec": {"args": ["b"], "env": [{"name": "C"}, {"name": "A", "value": "2"}], "ports": [1]}});
        assert_eq!(
            fields(&before, &after),
            [
                ".metadata.labels.a.io/b: \"1\" -> nothing",
                ".spec.args[0]: \"a\" -> \"b\"",
                ".spec.env[name=\"A\"].value: \"1\" -> \"2\"",
                ".spec.env[name=\"B\"].name: \"B\" -> nothing",
                ".spec.env[name=\"C\"].name: nothing -> \"C\"",
                ".spec.ports: [1,2] -> [1]",
            ]
        );
    }

    #[test]
    fn what_the_server_keeps_for_itself_is_left_out() {
        let before =
            json!({"kind": "X", "metadata": {"name": "x", "uid": "1", "generation": 1, "managedFields": []}, "status": {"a": 1}});
        let after = json!({"kind": "X", "metadata": {"name": "x", "uid": "2", "resourceVersion": "9"}});
        assert!(Difference::new(Some(&before), Some(&after)).is_empty());
        assert_eq!(Difference::new(Some(&before), Some(&after)).unified("a", "b"), "");
    }

    fn secret(password: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "annotations": {
            LAST_APPLIED: format!("{{\"data\":{{\"password\":\"{password}\"}}}}"), "note": "open"}},
            "data": {"password": password, "same": "c2FtZQ=="}, "type": "Opaque"})
    }

    #[test]
    fn values_of_a_secret_are_not_shown_and_yet_told_apart() {
        let mut after = secret("bmV3");
        after["data"]["more"] = "bW9yZQ==".into();
        after["stringData"] = json!({"plain": "plain text"});
        let shown = Difference::new(Some(&secret("b2xk")), Some(&after));
        let text = shown.unified("before", "after") + &serde_json::to_string(&shown.fields()).unwrap();
        for value in ["bmV3", "b2xk", "c2FtZQ", "bW9yZQ", "plain text"] {
            assert!(!text.contains(value), "{value}: {text}");
        }
        assert_snapshot!(shown.unified("before", "after"), @r#"
        --- before
        +++ after
        @@ -1,11 +1,14 @@
         apiVersion: v1
         data:
        -  password: "*** (before)"
        +  more: "***"
        +  password: "*** (after)"
           same: "***"
         kind: Secret
         metadata:
           annotations:
        -    kubectl.kubernetes.io/last-applied-configuration: "*** (before)"
        +    kubectl.kubernetes.io/last-applied-configuration: "*** (after)"
             note: open
           name: s
        +stringData:
        +  plain: "***"
         type: Opaque
        "#);
        let created = Difference::new(None, Some(&after)).unified("before", "after");
        assert!(created.contains("password: \"***\"") && !created.contains("bmV3"), "{created}");
        let odd = json!({"apiVersion": "v1", "kind": "Secret", "data": "b2Rk"});
        assert!(!Difference::new(Some(&odd), Some(&after)).unified("a", "b").contains("b2Rk"));
    }

    #[test]
    fn field_sets_differ_by_name() {
        let one = json!({"f:spec": {"f:a": {}, "f:list": {"k:{\"name\":\"x\"}": {".": {}, "f:name": {}}}}, "f:c": {}});
        let other = json!({"f:spec": {"f:list": {}}, "f:c": {}});
        assert_eq!(only_in(one.as_object().unwrap(), other.as_object()), [".spec.a", ".spec.list[{\"name\":\"x\"}].name"]);
    }
}
