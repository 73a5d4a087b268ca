//! Fields that somebody else keeps once the object exists. Pure.
//!
//! A yielded field is sent until another manager has taken it over; from then on it is left out, so that it is neither fought
//! over nor taken for drift. Leaving it out earlier would delete it, as nobody else owns it yet.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::compare::owned;
use crate::catalog::Yield;
use crate::object::ObjectId;

fn built_in() -> impl Iterator<Item = Yield> {
    let webhooks = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"].into_iter().flat_map(|kind| {
        ["/webhooks/*/clientConfig/caBundle", "/webhooks/*/failurePolicy"]
            .map(|field| ("admissionregistration.k8s.io", kind, field))
    });
    let others = [
        ("apiextensions.k8s.io", "CustomResourceDefinition", "/spec/conversion/webhook/clientConfig/caBundle"),
        ("apiregistration.k8s.io", "APIService", "/spec/caBundle"),
    ];
    webhooks.chain(others).map(|(group, kind, field)| Yield {
        group: group.into(),
        kind: kind.into(),
        name: None,
        field: field.into(),
    })
}

/// `wanted` without the fields that another manager keeps in `live`. Without any such it is not copied.
#[must_use]
pub(super) fn without_yielded(
    id: &ObjectId,
    mut wanted: Arc<Value>,
    live: Option<&Value>,
    declared: &[Yield],
    autoscaled: bool,
) -> Arc<Value> {
    // The aggregation controller replaces the whole list at once; what a manifest says there never holds.
    if id.is("rbac.authorization.k8s.io", "ClusterRole")
        && wanted.get("aggregationRule").is_some_and(|rule| !rule.is_null())
        && wanted.get("rules").is_some()
        && let Some(fields) = Arc::make_mut(&mut wanted).as_object_mut()
    {
        fields.remove("rules");
    }
    let Some((live, owned)) = live.and_then(|live| Some((live, owned(live)?))) else { return wanted };
    let concerned = |rule: &Yield| id.is(&rule.group, &rule.kind) && rule.name.as_ref().is_none_or(|name| *name == id.name);
    let fields = built_in().chain(declared.iter().cloned()).filter(concerned).map(|rule| rule.field);
    for field in fields.chain(autoscaled.then(|| "/spec/replicas".to_owned())) {
        let path = segments(&field);
        if has(&wanted, &path) {
            remove(Arc::make_mut(&mut wanted), &path, Some(live), Some(owned));
        }
    }
    wanted
}

fn segments(field: &str) -> Vec<&str> {
    field.split('/').filter(|segment| !segment.is_empty()).collect()
}

/// Whether there is anything at `path`.
fn has(value: &Value, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    match value {
        Value::Object(fields) => fields.get(*first).is_some_and(|below| has(below, rest)),
        Value::Array(items) => *first == "*" && items.iter().any(|item| has(item, rest)),
        _ => false,
    }
}

/// Removes the field at `path` from `value` where it is in `live`, and `owned`, the set of our fields at this place, does not hold it.
fn remove(value: &mut Value, path: &[&str], live: Option<&Value>, owned: Option<&Map<String, Value>>) {
    let Some((first, rest)) = path.split_first() else { return };
    match value {
        Value::Object(fields) => {
            let key = format!("f:{first}");
            let set = owned.and_then(|owned| owned.get(&key)).and_then(Value::as_object);
            let live = live.and_then(|live| live.get(first));
            if rest.is_empty() {
                if set.is_none() && live.is_some() {
                    fields.remove(*first);
                }
            } else if let Some(below) = fields.get_mut(*first) {
                remove(below, rest, live, set);
            }
        }
        Value::Array(items) if *first == "*" => {
            for item in items {
                let set = owned.and_then(|owned| {
                    owned.iter().find_map(|(key, set)| {
                        let Ok(Value::Object(keys)) = serde_json::from_str(key.strip_prefix("k:")?) else { return None };
                        keys.iter().all(|(name, value)| item.get(name) == Some(value)).then(|| set.as_object())?
                    })
                });
                let is_same = |other: &&Value| other.get("name").is_some() && other.get("name") == item.get("name");
                let there = live.and_then(Value::as_array).and_then(|items| items.iter().find(is_same));
                remove(item, rest, there, set);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn webhook(ca: &str) -> Value {
        json!({"webhooks": [{"name": "w", "clientConfig": {"caBundle": ca}, "failurePolicy": "Ignore"}]})
    }

    fn left(id: &ObjectId, wanted: Value, live: Option<&Value>) -> Value {
        Arc::unwrap_or_clone(without_yielded(id, wanted.into(), live, &[], false))
    }

    fn live(fields: Value) -> Value {
        let mut live = webhook("theirs");
        live["metadata"] = json!({"managedFields": [{"manager": "kfctl", "operation": "Apply", "fieldsV1": {
            "f:webhooks": {"k:{\"name\":\"w\"}": fields}}}]});
        live
    }

    fn id() -> ObjectId {
        ObjectId {
            group: "admissionregistration.k8s.io".into(),
            kind: "ValidatingWebhookConfiguration".into(),
            namespace: String::new(),
            name: "w".into(),
        }
    }

    #[test]
    fn a_field_is_sent_until_somebody_takes_it() {
        assert_eq!(left(&id(), webhook("x"), None), webhook("x"));
        let ours = live(json!({"f:name": {}, "f:failurePolicy": {}, "f:clientConfig": {"f:caBundle": {}}}));
        assert_eq!(left(&id(), webhook("x"), Some(&ours)), webhook("x"));
        let taken = live(json!({"f:name": {}, "f:failurePolicy": {}}));
        assert_eq!(
            left(&id(), webhook("x"), Some(&taken)),
            json!({"webhooks": [{"name": "w", "clientConfig": {}, "failurePolicy": "Ignore"}]})
        );
        // What nobody has yet is not somebody else's: in a webhook that comes later, too.
        let mut two = webhook("x");
        two["webhooks"].as_array_mut().unwrap().push(json!({"name": "new", "failurePolicy": "Ignore"}));
        let later = left(&id(), two, Some(&taken));
        assert_eq!(later["webhooks"][1]["failurePolicy"], "Ignore");
        let mut bare = taken.clone();
        bare["webhooks"][0]["clientConfig"] = json!({});
        assert_eq!(left(&id(), webhook("x"), Some(&bare)), webhook("x"));
    }

    #[test]
    fn rules_of_an_aggregated_role_are_never_sent() {
        let role = ObjectId {
            group: "rbac.authorization.k8s.io".into(),
            kind: "ClusterRole".into(),
            namespace: String::new(),
            name: "r".into(),
        };
        let wanted = json!({"aggregationRule": {"clusterRoleSelectors": []}, "rules": []});
        assert_eq!(left(&role, wanted, None), json!({"aggregationRule": {"clusterRoleSelectors": []}}));
        assert_eq!(left(&role, json!({"rules": []}), None), json!({"rules": []}));
    }
}
