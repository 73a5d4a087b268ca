//! What a profile's status says: facts in, conditions out. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::api::profile::ProfileStatus;
pub(super) use crate::controllers::verdict::Verdict;
use crate::labels::RESET_QUOTA;

/// Whether the namespace is as it should be.
pub(super) const READY: &str = "Ready";
/// Whether the mesh holds what it should.
pub(super) const MESH_READY: &str = "MeshReady";
const QUOTA_OVERRIDDEN: &str = "QuotaOverridden";
const TEMPLATES_READY: &str = "TemplatesReady";

/// What is known at the end of a reconcile.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) ready: Verdict,
    /// The namespace, where there is one.
    pub(super) namespace: Option<String>,
    /// The other conditions; they are left as they were where the namespace isn't this profile's.
    pub(super) more: Vec<(&'static str, Verdict)>,
}

/// The condition of the quota.
pub(super) fn quota(split: &super::quota::Split) -> (&'static str, Verdict) {
    let list = |pairs: &std::collections::BTreeMap<String, String>| {
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
    };
    let verdict = if split.overridden.is_empty() {
        Verdict::no("Defaults", "every limit follows the defaults and the profile")
    } else {
        let message = format!(
            "set by hand and left alone: {}; annotation {RESET_QUOTA} on the quota returns all to the defaults",
            list(&split.overridden)
        );
        Verdict::yes("Overridden", message)
    };
    (QUOTA_OVERRIDDEN, verdict)
}

/// The condition of the admin's own templates, where there are any.
pub(super) fn templates(result: Option<&Result<usize, String>>) -> Option<(&'static str, Verdict)> {
    Some((
        TEMPLATES_READY,
        match result? {
            Ok(count) => Verdict::yes("Rendered", format!("{count} objects")),
            Err(problem) => Verdict::no("TemplateInvalid", problem.clone()),
        },
    ))
}

/// The status for these facts. Time moves only where a condition turns.
pub(super) fn status(before: Option<&ProfileStatus>, generation: Option<i64>, facts: &Facts, now: &Time) -> ProfileStatus {
    let old = before.map(|status| status.conditions.as_slice()).unwrap_or_default();
    let conditions = std::iter::once((READY, &facts.ready)).chain(facts.more.iter().map(|(name, verdict)| (*name, verdict)));
    let conditions = conditions.map(|(name, verdict)| {
        let status = if verdict.holds { "True" } else { "False" };
        let same = old.iter().find(|condition| condition.type_ == name && condition.status == status);
        Condition {
            last_transition_time: same.map_or(now, |condition| &condition.last_transition_time).clone(),
            message: verdict.message.chars().take(2000).collect(),
            observed_generation: generation,
            reason: verdict.reason.clone(),
            status: status.into(),
            type_: name.into(),
        }
    });
    ProfileStatus { conditions: conditions.collect(), namespace: facts.namespace.clone(), observed_generation: generation }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_that_does_not_turn_keeps_its_time() {
        let at = |second| -> Time { serde_json::from_value(format!("2026-01-01T00:00:0{second}Z").into()).unwrap() };
        let facts = |ready: Verdict| Facts { ready, ..Facts::default() };
        let first = status(None, Some(1), &facts(Verdict::no("A", "a")), &at(1));
        let second = status(Some(&first), Some(2), &facts(Verdict::no("B", "b")), &at(2));
        assert_eq!((second.conditions[0].last_transition_time.clone(), second.conditions[0].reason.as_str()), (at(1), "B"));
        let third = status(Some(&second), Some(2), &facts(Verdict::yes("C", "c")), &at(3));
        assert_eq!(third.conditions[0].last_transition_time, at(3));
    }
}
