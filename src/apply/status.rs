//! Whether one object is ready, told from the object alone. Pure.

use serde::Serialize;
use serde_json::Value;

use crate::object::ObjectId;

/// How far an object is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", content = "reason", rename_all = "kebab-case")]
pub enum Readiness {
    /// It does what it is for.
    Ready,
    /// Not yet, and why.
    Progressing(String),
    /// It gave up, and why.
    Failed(String),
}

use Readiness::{Failed, Progressing, Ready};

/// Whether objects of this kind become ready only some time after they are written.
#[must_use]
pub(super) fn becomes_ready(id: &ObjectId) -> bool {
    matches!(
        (id.group.as_str(), id.kind.as_str()),
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
            | ("batch", "Job")
            | ("", "Pod" | "Namespace")
            | ("apiregistration.k8s.io", "APIService")
    )
}

/// How far this object is. Kinds without a rule of their own are ready unless a condition `Ready` says otherwise.
#[must_use]
pub fn readiness(id: &ObjectId, object: &Value) -> Readiness {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64);
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        return Progressing("it is being deleted".into());
    }
    if let (Some(generation), Some(observed)) = (number("/metadata/generation"), number("/status/observedGeneration"))
        && observed < generation
    {
        return Progressing("its controller has not seen the change yet".into());
    }
    let count = |pointer: &str| number(pointer).unwrap_or(0);
    let wanted = number("/spec/replicas").unwrap_or(1);
    match (id.group.as_str(), id.kind.as_str()) {
        ("apps", _) if number("/status/observedGeneration").is_none() => Progressing("its controller has not seen it yet".into()),
        ("apps", "Deployment") => {
            if let Some((reason, message)) = condition(object, "Progressing", "False")
                && reason == "ProgressDeadlineExceeded"
            {
                return Failed(message);
            }
            replicas(wanted, count("/status/updatedReplicas"), count("/status/availableReplicas"), count("/status/replicas"))
        }
        ("apps", "StatefulSet") => {
            let updated = if number("/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0) > 0 {
                wanted
            } else {
                count("/status/updatedReplicas")
            };
            replicas(wanted, updated, count("/status/readyReplicas"), count("/status/replicas"))
        }
        ("apps", "ReplicaSet") => replicas(wanted, wanted, count("/status/availableReplicas"), count("/status/replicas")),
        ("apps", "DaemonSet") => {
            let wanted = count("/status/desiredNumberScheduled");
            replicas(wanted, count("/status/updatedNumberScheduled"), count("/status/numberAvailable"), wanted)
        }
        ("batch", "Job") => match (condition(object, "Failed", "True"), condition(object, "Complete", "True")) {
            (Some((_, message)), _) => Failed(message),
            (_, Some(_)) => Ready,
            _ => Progressing(format!(
                "{} of {} pods succeeded",
                count("/status/succeeded"),
                number("/spec/completions").unwrap_or(1)
            )),
        },
        ("", "Pod") => match object.pointer("/status/phase").and_then(Value::as_str) {
            Some("Succeeded") => Ready,
            Some("Failed") => Failed("the pod failed".into()),
            _ if condition(object, "Ready", "True").is_some() => Ready,
            _ => Progressing("its containers are not ready".into()),
        },
        ("", "Namespace") => match object.pointer("/status/phase").and_then(Value::as_str) {
            Some("Active") => Ready,
            _ => Progressing("it is not active".into()),
        },
        ("apiregistration.k8s.io", "APIService") => needs(object, "Available"),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => needs(object, "Established"),
        _ => match condition(object, "Ready", "False") {
            Some((reason, message)) => Progressing(format!("{reason}: {message}")),
            None => Ready,
        },
    }
}

fn replicas(wanted: i64, updated: i64, available: i64, total: i64) -> Readiness {
    if updated < wanted {
        Progressing(format!("{updated} of {wanted} replicas are updated"))
    } else if total > updated.max(wanted) {
        Progressing(format!("{} old replicas are still there", total - updated.max(wanted)))
    } else if available < wanted {
        Progressing(format!("{available} of {wanted} replicas are ready"))
    } else {
        Ready
    }
}

fn needs(object: &Value, r#type: &str) -> Readiness {
    if condition(object, r#type, "True").is_some() {
        return Ready;
    }
    let (reason, message) = condition(object, r#type, "False").unwrap_or_default();
    Progressing(if reason.is_empty() { format!("not {} yet", r#type.to_lowercase()) } else { format!("{reason}: {message}") })
}

/// Reason and message of a condition with this type and status.
fn condition(object: &Value, r#type: &str, status: &str) -> Option<(String, String)> {
    let text = |condition: &Value, field: &str| condition.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    object
        .pointer("/status/conditions")?
        .as_array()?
        .iter()
        .find(|condition| text(condition, "type") == r#type && text(condition, "status") == status)
        .map(|condition| (text(condition, "reason"), text(condition, "message")))
}

/// Why a pod does not run, in its own words; `None` where nothing is wrong with it.
#[must_use]
pub(super) fn pod_trouble(pod: &Value) -> Option<String> {
    if let Some((reason, message)) = condition(pod, "PodScheduled", "False") {
        return Some(format!("{reason}: {message}"));
    }
    let statuses = ["/status/initContainerStatuses", "/status/containerStatuses"];
    statuses.iter().filter_map(|pointer| pod.pointer(pointer)?.as_array()).flatten().find_map(|container| {
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
        let waiting = container.pointer("/state/waiting").filter(|waiting| {
            !matches!(waiting.get("reason").and_then(Value::as_str), None | Some("ContainerCreating" | "PodInitializing"))
        });
        let text = |field: &str| waiting?.get(field)?.as_str();
        let exit = container.pointer("/lastState/terminated/exitCode").and_then(Value::as_i64);
        let last = exit.map(|code| format!(", last exit code {code}")).unwrap_or_default();
        Some(format!(
            "container {name}: {}{}{last}",
            text("reason")?,
            text("message").map(|m| format!(": {m}")).unwrap_or_default()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn state(group: &str, kind: &str, object: Value) -> Readiness {
        readiness(&ObjectId { group: group.into(), kind: kind.into(), namespace: String::new(), name: "x".into() }, &object)
    }

    #[test]
    fn a_deployment_is_ready_when_its_new_replicas_are() {
        let deployment = |observed: i64, updated: i64, available: i64, total: i64| {
            state(
                "apps",
                "Deployment",
                json!({"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": {
                "observedGeneration": observed, "updatedReplicas": updated, "availableReplicas": available, "replicas": total}}),
            )
        };
        assert_eq!(deployment(2, 2, 2, 2), Ready);
        assert!(matches!(deployment(1, 2, 2, 2), Progressing(_)));
        assert_eq!(deployment(2, 1, 2, 2), Progressing("1 of 2 replicas are updated".into()));
        assert_eq!(deployment(2, 2, 2, 3), Progressing("1 old replicas are still there".into()));
        assert_eq!(deployment(2, 2, 1, 2), Progressing("1 of 2 replicas are ready".into()));
        let stuck = json!({"status": {"observedGeneration": 1, "conditions": [
            {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "too long"}]}});
        assert_eq!(state("apps", "Deployment", stuck), Failed("too long".into()));
    }

    #[test]
    fn kinds_without_a_rule_follow_their_ready_condition() {
        assert_eq!(state("", "ConfigMap", json!({})), Ready);
        let object = |status: &str| json!({"status": {"conditions": [{"type": "Ready", "status": status, "reason": "R", "message": "m"}]}});
        assert_eq!(state("x.io", "Thing", object("False")), Progressing("R: m".into()));
        assert_eq!(state("x.io", "Thing", object("True")), Ready);
    }

    #[test]
    fn a_pod_tells_its_trouble() {
        let pull = json!({"status": {"containerStatuses": [{"name": "c", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}]}});
        assert_eq!(pod_trouble(&pull), Some("container c: ImagePullBackOff: no such image".into()));
        let unschedulable = json!({"status": {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]}});
        assert_eq!(pod_trouble(&unschedulable), Some("Unschedulable: 0/1 nodes".into()));
        assert_eq!(
            pod_trouble(
                &json!({"status": {"containerStatuses": [{"name": "c", "state": {"waiting": {"reason": "ContainerCreating"}}}]}})
            ),
            None
        );
    }
}
