//! Which limits of a quota are the defaults' and which are the admin's. Pure.
//!
//! A limit is the admin's (an override) where somebody else has changed its value, where another server-side manager applies it,
//! or where `kubectl apply` wrote it down as its own. It is left alone for good; the others follow the defaults.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::observed::owned;
use crate::labels::{LAST_APPLIED, RESET_QUOTA};

/// Its name.
pub(super) const NAME: &str = "kf-resource-quota";

/// A quota as it is on the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    limits: Vec<(String, Limit)>,
    /// Whether we have ever applied it: one that was there before us has no fields of ours.
    applied: bool,
    /// Whether somebody asks for the defaults.
    pub(super) reset: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Limit {
    value: String,
    ours: bool,
    claimed: bool,
}

impl Seen {
    /// Reduces a quota.
    pub(super) fn new(live: &Value) -> Self {
        let has = |fields: Option<&Map<String, Value>>, name: &str| {
            let hard = fields.and_then(|fields| fields.get("f:spec")?.get("f:hard")?.as_object());
            hard.is_some_and(|hard| hard.contains_key(&format!("f:{name}")))
        };
        let ours = owned(live);
        let entries = live.pointer("/metadata/managedFields").and_then(Value::as_array);
        let others: Vec<_> = entries
            .into_iter()
            .flatten()
            .filter(|entry| entry["operation"] == "Apply")
            .filter_map(|entry| entry.get("fieldsV1")?.as_object())
            .filter(|fields| ours != Some(fields))
            .collect();
        let annotations = live.pointer("/metadata/annotations");
        let written: Option<Value> = annotations.and_then(|all| serde_json::from_str(all.get(LAST_APPLIED)?.as_str()?).ok());
        let hard = live.pointer("/spec/hard").and_then(Value::as_object);
        let limits = hard.into_iter().flatten().map(|(name, value)| {
            let written = written.as_ref().and_then(|written| written.pointer("/spec/hard")?.get(name)).is_some();
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let claimed = written || others.iter().any(|fields| has(Some(fields), name));
            (name.clone(), Limit { value, ours: has(ours, name), claimed })
        });
        Self {
            limits: limits.collect(),
            applied: ours.is_some(),
            reset: annotations.is_some_and(|all| all.get(RESET_QUOTA).is_some()),
        }
    }
}

/// What to apply, and what is left to others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Split {
    /// The limits to apply.
    pub(super) hard: BTreeMap<String, String>,
    /// The limits that are the admin's, with their values.
    pub(super) overridden: BTreeMap<String, String>,
}

/// Tells the limits apart.
pub(super) fn split(defaults: &BTreeMap<String, String>, seen: Option<&Seen>) -> Split {
    let mut split = Split { hard: defaults.clone(), overridden: BTreeMap::new() };
    let Some(seen) = seen else { return split };
    for (name, limit) in &seen.limits {
        // A quota that was there before us: what says the same as the default follows it from now on.
        let changed = !limit.ours && (seen.applied || defaults.get(name) != Some(&limit.value));
        if !limit.claimed && !changed {
            continue;
        }
        split.overridden.insert(name.clone(), limit.value.clone());
        if limit.ours {
            // Giving up a field that nobody else owns would delete it.
            split.hard.insert(name.clone(), limit.value.clone());
        } else {
            split.hard.remove(name);
        }
    }
    split
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn limits(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// A quota of cpu 4 and memory 8Gi, where `ours` lists what we own.
    fn live(ours: &[&str], others: Value, annotations: Value) -> Seen {
        let fields: Map<String, Value> = ours.iter().map(|name| (format!("f:{name}"), json!({}))).collect();
        let mut entries = vec![others];
        entries.push(json!({"manager": "kfctl-controller", "operation": "Apply", "fieldsV1": {"f:spec": {"f:hard": fields}}}));
        Seen::new(
            &json!({"metadata": {"annotations": annotations, "managedFields": entries}, "spec": {"hard": {"cpu": "4", "memory": "8Gi"}}}),
        )
    }

    fn after(seen: &Seen) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
        let split = split(&limits(&[("cpu", "16"), ("memory", "64Gi"), ("pods", "9")]), Some(seen));
        (split.hard, split.overridden)
    }

    #[test]
    fn what_is_ours_follows_the_defaults_and_what_was_deleted_returns() {
        let (hard, overridden) = after(&live(&["cpu", "memory"], json!({}), json!({})));
        assert_eq!(hard, limits(&[("cpu", "16"), ("memory", "64Gi"), ("pods", "9")]));
        assert!(overridden.is_empty());
    }

    #[test]
    fn a_changed_value_is_left_alone() {
        let edited = json!({"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:spec": {"f:hard": {"f:cpu": {}}}}});
        let (hard, overridden) = after(&live(&["memory"], edited, json!({})));
        assert_eq!(hard, limits(&[("memory", "64Gi"), ("pods", "9")]));
        assert_eq!(overridden, limits(&[("cpu", "4")]));
    }

    #[test]
    fn an_equal_value_that_apply_wrote_down_is_kept_by_us_for_them() {
        let written = json!({LAST_APPLIED: r#"{"spec":{"hard":{"cpu":"4"}}}"#});
        let (hard, overridden) = after(&live(&["cpu", "memory"], json!({}), written));
        assert_eq!(hard, limits(&[("cpu", "4"), ("memory", "64Gi"), ("pods", "9")]));
        assert_eq!(overridden, limits(&[("cpu", "4")]));
    }

    #[test]
    fn a_limit_that_another_manager_applies_too_is_theirs() {
        let applied = json!({"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:spec": {"f:hard": {"f:cpu": {}}}}});
        let (hard, overridden) = after(&live(&["memory"], applied.clone(), json!({})));
        assert_eq!(hard, limits(&[("memory", "64Gi"), ("pods", "9")]));
        assert_eq!(overridden, limits(&[("cpu", "4")]));
        assert_eq!(after(&live(&["cpu", "memory"], applied, json!({}))).1, limits(&[("cpu", "4")]));
    }

    #[test]
    fn a_quota_from_before_follows_where_it_agrees() {
        let seen = Seen::new(&json!({"metadata": {}, "spec": {"hard": {"cpu": "16", "memory": "8Gi"}}}));
        let (hard, overridden) = after(&seen);
        assert_eq!(hard, limits(&[("cpu", "16"), ("pods", "9")]));
        assert_eq!(overridden, limits(&[("memory", "8Gi")]));
    }
}
