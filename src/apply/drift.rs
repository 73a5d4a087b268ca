//! Which fields of an object are not as we want them, how that came about, and who else keeps fields of it. Pure.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::compare::{is_item, owned};
use crate::labels::{CONTROLLER_FIELD_MANAGER, ENTRIES_FIELD_MANAGER, FIELD_MANAGER, SECRETS_FIELD_MANAGER};
use crate::object::list;

/// How a field of ours is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Difference {
    /// Another manager keeps it, with a value of its own.
    Taken,
    /// It is not there: somebody removed it, or it was never applied.
    Missing,
    /// It is as it was applied, and that is not what is wanted now.
    Outdated,
}

/// A field that is not as wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The field, as the server names it in conflicts: `.spec.ports[port=80,protocol="TCP"].name`.
    pub field: String,
    /// How it differs.
    pub difference: Difference,
    /// Who keeps it now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub managers: Vec<String>,
}

/// The fields of `wanted` that are not so in `live`, and those of ours in `live` that are wanted no more.
#[must_use]
pub(super) fn drift(wanted: &Value, live: &Value) -> Vec<Drift> {
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
    let mut found = Vec::new();
    let nothing = nothing();
    differences(&wanted, live, owned(live).unwrap_or(&nothing), Path(None, ""), &mut |path, difference| {
        found.push(Drift { field: path.to_string(), difference, managers: Vec::new() });
    });
    if found.iter().any(|drift| drift.difference == Difference::Taken) {
        let managers = managers(live);
        for drift in &mut found {
            let keeps = |manager: &&Manager| manager.fields.iter().any(|field| covers(field, &drift.field));
            drift.managers = managers.iter().filter(keeps).map(|manager| manager.name.clone()).collect();
        }
    }
    found
}

/// A set that holds nothing; an empty one would mean that all is owned as a whole.
fn nothing() -> Map<String, Value> {
    Map::from_iter([(".".to_owned(), Value::Null)])
}

/// Whether one of the fields is the other, or a part of it.
fn covers(one: &str, other: &str) -> bool {
    let below =
        |whole: &str, part: &str| part.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    below(one, other) || below(other, one)
}

/// A place in an object: the place above, and the field set's key that leads on (`f:name`, `k:{"name":"a"}`, `v:"a"`).
#[derive(Clone, Copy)]
struct Path<'a>(Option<&'a Path<'a>>, &'a str);

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(above) = self.0 else { return Ok(()) };
        above.fmt(f)?;
        match self.1.split_once(':') {
            Some(("f", name)) => write!(f, ".{name}"),
            Some(("k", keys)) => match serde_json::from_str(keys) {
                Ok(Value::Object(keys)) => {
                    let keys: Vec<String> = keys.iter().map(|(name, value)| format!("{name}={value}")).collect();
                    write!(f, "[{}]", keys.join(","))
                }
                _ => write!(f, "[{keys}]"),
            },
            Some(("v", value)) => write!(f, "[={value}]"),
            _ => write!(f, "[{}]", self.1),
        }
    }
}

/// Reports where `owned` does not describe `wanted` exactly, or `live` does not hold its values.
fn differences(
    wanted: &Value,
    live: &Value,
    owned: &Map<String, Value>,
    path: Path<'_>,
    report: &mut dyn FnMut(Path<'_>, Difference),
) {
    // An empty set: the value is owned as a whole.
    if owned.is_empty() {
        if !holds(live, wanted) {
            report(path, Difference::Outdated);
        }
        return;
    }
    let sets = owned.iter().filter(|(key, _)| *key != ".");
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => {
            // A null that nobody owns is nothing.
            for (name, value) in
                wanted.iter().filter(|(name, value)| !value.is_null() || owned.contains_key(&format!("f:{name}")))
            {
                let key = format!("f:{name}");
                let here = Path(Some(&path), &key);
                match (owned.get(&key).and_then(Value::as_object), live.get(name)) {
                    (Some(set), Some(live)) => differences(value, live, set, here, report),
                    // None of it is ours: each of its fields tells for itself.
                    (None, Some(live @ Value::Object(_))) if value.is_object() => {
                        differences(value, live, &nothing(), here, report);
                    }
                    (None, Some(live)) if !holds(live, value) => report(here, Difference::Taken),
                    // There, with our value, and not ours.
                    (None, Some(_)) => report(here, Difference::Outdated),
                    (_, None) => report(here, Difference::Missing),
                }
            }
            for (key, _) in sets.filter(|(key, _)| key.strip_prefix("f:").is_none_or(|name| !wanted.contains_key(name))) {
                report(Path(Some(&path), key), Difference::Outdated);
            }
        }
        (Value::Array(wanted), Value::Array(live)) => {
            let mut met = vec![false; wanted.len()];
            for (key, set) in sets {
                let here = Path(Some(&path), key);
                let ours = wanted.iter().position(|item| is_item(item, key));
                let theirs = live.iter().position(|item| is_item(item, key));
                match (ours, theirs, set.as_object()) {
                    (Some(ours), Some(theirs), Some(set)) => {
                        met[ours] = true;
                        differences(&wanted[ours], &live[theirs], set, here, report);
                    }
                    (Some(ours), ..) => {
                        met[ours] = true;
                        report(here, Difference::Missing);
                    }
                    (None, ..) => report(here, Difference::Outdated),
                }
            }
            for (place, item) in wanted.iter().enumerate().filter(|(place, _)| !met[*place]) {
                let key = match item.get("name") {
                    Some(name) => format!("k:{}", json!({"name": name})),
                    None if item.is_object() => place.to_string(),
                    None => format!("v:{item}"),
                };
                let there = live.iter().any(|live| holds(live, item));
                let difference = if there { Difference::Outdated } else { Difference::Missing };
                report(Path(Some(&path), &key), difference);
            }
        }
        _ => report(path, Difference::Outdated),
    }
}

/// Who we are, whatever we write.
const OURS: [&str; 4] = [FIELD_MANAGER, CONTROLLER_FIELD_MANAGER, SECRETS_FIELD_MANAGER, ENTRIES_FIELD_MANAGER];

/// A manager of fields in an object, other than us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Manager {
    /// Its name.
    pub name: String,
    /// The fields it has set.
    pub fields: Vec<String>,
}

/// Who else keeps fields of this object, apart from its status. What the control plane itself writes beside ours is no news.
#[must_use]
pub(super) fn managers(live: &Value) -> Vec<Manager> {
    let text = |entry: &Value, field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let fields_of = |set: Option<&Map<String, Value>>| {
        let mut fields = Vec::new();
        if let Some(set) = set {
            leaves(set, Path(None, ""), &mut fields);
        }
        fields
    };
    let ours = fields_of(owned(live));
    let mut found: Vec<Manager> = Vec::new();
    for entry in list(live, "/metadata/managedFields") {
        let name = text(entry, "manager");
        if OURS.contains(&name.as_str()) || text(entry, "subresource") == "status" {
            continue;
        }
        let mut fields = fields_of(entry.get("fieldsV1").and_then(Value::as_object));
        // Before kinds had a subresource for it, status was written with the rest.
        fields.retain(|field| !covers(".status", field));
        if is_control_plane(&name) {
            fields.retain(|field| ours.iter().any(|ours| covers(ours, field)));
        }
        match found.iter_mut().find(|manager| manager.name == name) {
            Some(manager) => manager.fields.append(&mut fields),
            None if fields.is_empty() => {}
            None => found.push(Manager { name, fields }),
        }
    }
    found
}

fn is_control_plane(manager: &str) -> bool {
    manager.starts_with("kube-") || matches!(manager, "kubelet" | "clusterrole-aggregation-controller")
}

/// The fields of a set that hold no other fields.
fn leaves(set: &Map<String, Value>, path: Path<'_>, found: &mut Vec<String>) {
    for (key, below) in set.iter().filter(|(key, _)| *key != ".") {
        let here = Path(Some(&path), key);
        match below.as_object() {
            Some(below) if below.keys().any(|key| key != ".") => leaves(below, here, found),
            _ => found.push(here.to_string()),
        }
    }
}

/// Whether `live` holds all of `wanted`; defaults that the server added beside it don't count, nor do empty values it dropped.
fn holds(live: &Value, wanted: &Value) -> bool {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => {
            wanted.iter().all(|(name, value)| holds(live.get(name).unwrap_or(&Value::Null), value))
        }
        (Value::Array(wanted), Value::Array(live)) => {
            wanted.len() == live.len() && wanted.iter().zip(live).all(|(wanted, live)| holds(live, wanted))
        }
        (Value::Object(fields), Value::Null) => fields.is_empty(),
        (Value::Array(items), Value::Null) => items.is_empty(),
        _ => wanted == live,
    }
}

#[cfg(test)]
mod tests {
    use super::super::compare::tests::{live, wanted};
    use super::*;

    #[test]
    fn drift_names_each_field_and_who_keeps_it() {
        let found = |wanted: &Value, live: &Value| {
            let shown = drift(wanted, live).into_iter();
            shown.map(|drift| format!("{} {:?} {}", drift.field, drift.difference, drift.managers.join(" "))).collect::<Vec<_>>()
        };
        assert!(found(&wanted(), &live()).is_empty());
        let mut changed = live();
        changed["metadata"]["labels"].as_object_mut().unwrap().remove("a");
        changed["spec"]["ports"][0]["name"] = "web".into();
        let ours = &mut changed["metadata"]["managedFields"][1]["fieldsV1"];
        ours["f:metadata"]["f:labels"] = json!({".": {}});
        ours["f:spec"]["f:ports"]["k:{\"port\":80,\"protocol\":\"TCP\"}"].as_object_mut().unwrap().remove("f:name");
        let theirs = json!({"manager": "kubectl-edit", "operation": "Update", "fieldsV1":
            {"f:spec": {"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {"f:name": {}}}}}});
        changed["metadata"]["managedFields"].as_array_mut().unwrap().push(theirs);
        assert_eq!(
            found(&wanted(), &changed),
            [".metadata.labels.a Missing ", ".spec.ports[port=80,protocol=\"TCP\"].name Taken kubectl-edit"]
        );
        let mut newer = wanted();
        newer["spec"]["selector"]["app"] = "y".into();
        newer["spec"]["ports"] = json!([{"port": 81, "name": "more"}]);
        newer["spec"]["type"] = "NodePort".into();
        assert_eq!(
            found(&newer, &live()),
            [
                ".spec.ports[port=80,protocol=\"TCP\"] Outdated ",
                ".spec.ports[name=\"more\"] Missing ",
                ".spec.selector Outdated ",
                ".spec.type Missing ",
            ]
        );
    }

    #[test]
    fn other_managers_are_named_with_their_fields() {
        let mut object = live();
        let status =
            json!({"manager": "lb", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {"f:x": {}}}});
        let entries = object["metadata"]["managedFields"].as_array_mut().unwrap();
        entries.push(status);
        let noise = json!({"manager": "kube-controller-manager", "operation": "Update", "fieldsV1": {
            "f:metadata": {"f:annotations": {"f:deployment.kubernetes.io/revision": {}}}}});
        entries.push(noise);
        entries.push(json!({"manager": "kfctl-secrets", "operation": "Update", "fieldsV1": {"f:data": {"f:key": {}}}}));
        assert_eq!(managers(&object), [Manager { name: "someone".into(), fields: vec![".metadata.labels.theirs".into()] }]);
    }
}
