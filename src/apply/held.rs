//! Why an object that is being deleted is still there, in words. Pure.

use serde_json::Value;

use crate::labels;
use crate::object::list;

/// What holds it up and since when; `None` where it is not being deleted.
#[must_use]
pub(super) fn held_by(object: &Value) -> Option<String> {
    let since = object.pointer("/metadata/deletionTimestamp")?.as_str()?;
    let why = list(object, "/status/conditions").iter().filter_map(namespace_condition).collect::<Vec<_>>();
    let finalizers: Vec<&str> = list(object, "/metadata/finalizers").iter().filter_map(Value::as_str).collect();
    let mut reason = match finalizers.as_slice() {
        [] if why.is_empty() => "its end is under way".to_owned(),
        [] => why.join("; "),
        ["foregroundDeletion"] => "what it owns is still there, such as its pods".to_owned(),
        [labels::PVC_PROTECTION] => "a pod still uses it".to_owned(),
        [one] => format!("finalizer {one} holds it"),
        many => format!("finalizers {} hold it", many.join(", ")),
    };
    if !finalizers.is_empty() && !why.is_empty() {
        reason = format!("{reason}: {}", why.join("; "));
    }
    Some(format!("{reason}; deleted since {since}"))
}

/// What a namespace says of its own end.
fn namespace_condition(condition: &Value) -> Option<String> {
    let text = |field: &str| condition.get(field).and_then(Value::as_str).unwrap_or_default();
    let tells = text("type").starts_with("NamespaceDeletion")
        || matches!(text("type"), "NamespaceContentRemaining" | "NamespaceFinalizersRemaining" | "Terminating");
    // A definition says InstanceDeletionInProgress in a condition of its own.
    let tells = tells && !text("message").is_empty();
    (tells && text("status") == "True").then(|| text("message").trim_end_matches([',', ' ']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_finalizers_and_since_when() {
        let object =
            |finalizers: Value| json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": finalizers}});
        let held = |finalizers: Value| held_by(&object(finalizers)).unwrap();
        assert_eq!(held(json!(["x.io/hold"])), "finalizer x.io/hold holds it; deleted since 2026-01-01T00:00:00Z");
        assert_eq!(held(json!(["a", "b"])), "finalizers a, b hold it; deleted since 2026-01-01T00:00:00Z");
        assert!(held(json!(["foregroundDeletion"])).starts_with("what it owns is still there"));
        assert_eq!(held_by(&json!({"metadata": {}})), None);
    }

    #[test]
    fn a_namespace_tells_what_is_left_in_it() {
        let namespace = json!({"metadata": {"deletionTimestamp": "T"}, "status": {"conditions": [
            {"type": "NamespaceDeletionDiscoveryFailure", "status": "False", "message": "all right"},
            {"type": "NamespaceContentRemaining", "status": "True", "message": "Some resources are remaining: things.x.io has 1 resource instances"},
            {"type": "NamespaceFinalizersRemaining", "status": "True", "message": "Some content in the namespace has finalizers remaining: x.io/hold in 1 resource instances"}]}});
        assert_eq!(
            held_by(&namespace).unwrap(),
            "Some resources are remaining: things.x.io has 1 resource instances; Some content in the namespace has finalizers remaining: x.io/hold in 1 resource instances; deleted since T"
        );
    }
}
