//! Whether one object is ready, told from the object alone. Pure.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::pods::pod_trouble;
use crate::labels::DEFAULT_STORAGE_CLASS;
use crate::object::{ObjectId, list};

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

/// How far this object is.
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
    match (id.group.as_str(), id.kind.as_str()) {
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("", "ReplicationController") => {
            workload(&id.kind, object)
        }
        ("batch", "Job") => job(object),
        ("", "Pod") => pod(object),
        ("", "Namespace") => phase(object, &["Active"]),
        ("", "PersistentVolumeClaim") => phase(object, &["Bound"]),
        ("", "PersistentVolume") => phase(object, &["Available", "Bound", "Released"]),
        ("", "Service") if object.pointer("/spec/type").and_then(Value::as_str) == Some("LoadBalancer") => {
            address(object, "no load balancer has given it an address")
        }
        ("networking.k8s.io", "Ingress") => address(object, "no ingress controller has given it an address"),
        ("policy", "PodDisruptionBudget") => {
            let (healthy, wanted) = (number("/status/currentHealthy"), number("/status/desiredHealthy"));
            match (healthy.unwrap_or(0), wanted.unwrap_or(0)) {
                (healthy, wanted) if healthy < wanted => Progressing(format!("{healthy} of {wanted} pods are healthy")),
                _ => conditions(object, &["SyncFailed"]),
            }
        }
        ("autoscaling", "HorizontalPodAutoscaler") => match condition(object, "AbleToScale", "False")
            .or_else(|| condition(object, "ScalingActive", "False"))
            // Where nothing measures pods, replicas stay as they are: no harm, and `doctor` tells.
            .filter(|found| found.reason != "ScalingDisabled" && !found.reason.ends_with("Metric"))
        {
            Some(found) => Progressing(found.to_string()),
            None => Ready,
        },
        ("apiregistration.k8s.io", "APIService") => needs(object, "Available"),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => match condition(object, "NamesAccepted", "False") {
            Some(found) => Progressing(found.to_string()),
            None => needs(object, "Established"),
        },
        _ => conditions(object, &[]),
    }
}

/// Whether a claim waits for its first pod, as its class (one of `classes`) wants it: then it is as far as it can be.
#[must_use]
pub(super) fn waits_for_its_first_pod(claim: &Value, classes: &[Value]) -> bool {
    let text = |object: &Value, pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let chosen = text(claim, "/spec/storageClassName");
    text(claim, "/status/phase") == "Pending"
        && classes.iter().any(|class| {
            let named = if chosen.is_empty() { is_default_class(class) } else { text(class, "/metadata/name") == chosen };
            named && text(class, "/volumeBindingMode") == "WaitForFirstConsumer"
        })
}

/// Whether claims that name no class get this one.
#[must_use]
pub fn is_default_class(class: &Value) -> bool {
    let annotations = class.pointer("/metadata/annotations");
    annotations.and_then(|all| all.get(DEFAULT_STORAGE_CLASS)?.as_str()) == Some("true")
}

fn workload(kind: &str, object: &Value) -> Readiness {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64);
    let count = |field: &str| number(&format!("/status/{field}")).unwrap_or(0);
    if number("/status/observedGeneration").is_none() {
        return Progressing("its controller has not seen it yet".into());
    }
    if let Some(found) = condition(object, "Progressing", "False")
        && found.reason == "ProgressDeadlineExceeded"
    {
        return Failed(found.message);
    }
    let on_delete =
        ["/spec/updateStrategy/type"].map(|field| object.pointer(field).and_then(Value::as_str)) == [Some("OnDelete")];
    let wanted = number("/spec/replicas").unwrap_or(1);
    let state = match kind {
        "Deployment" => replicas(wanted, wanted, count("updatedReplicas"), count("availableReplicas"), count("replicas")),
        "StatefulSet" => {
            // Pods below the partition, or all until somebody deletes them, stay as they were.
            let partition = number("/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
            let new = if on_delete { 0 } else { (wanted - partition).max(0) };
            let ready = number("/status/availableReplicas").unwrap_or_else(|| count("readyReplicas"));
            replicas(wanted, new, count("updatedReplicas"), ready, count("replicas"))
        }
        "DaemonSet" => {
            let wanted = count("desiredNumberScheduled");
            let updated = if on_delete { wanted } else { count("updatedNumberScheduled") };
            replicas(wanted, wanted, updated, count("numberAvailable"), wanted)
        }
        _ => replicas(wanted, wanted, wanted, count("availableReplicas"), count("replicas")),
    };
    // Pods that are refused (by a quota, or by pod security) leave no pod behind that could tell.
    match (state, condition(object, "ReplicaFailure", "True")) {
        (Progressing(reason), Some(refused)) => Progressing(format!("{reason} ({refused})")),
        (state, _) => state,
    }
}

/// `new` of the `wanted` replicas have to be updated ones.
fn replicas(wanted: i64, new: i64, updated: i64, available: i64, total: i64) -> Readiness {
    if updated < new {
        Progressing(format!("{updated} of {new} replicas are updated"))
    } else if total > updated.max(wanted) {
        Progressing(format!("{} old replicas are still there", total - updated.max(wanted)))
    } else if available < wanted {
        Progressing(format!("{available} of {wanted} replicas are ready"))
    } else {
        Ready
    }
}

fn job(object: &Value) -> Readiness {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64);
    if let Some(failed) = condition(object, "Failed", "True") {
        return Failed(failed.to_string());
    }
    let suspended = object.pointer("/spec/suspend").and_then(Value::as_bool) == Some(true);
    if suspended || condition(object, "Complete", "True").is_some() {
        return Ready;
    }
    let succeeded = number("/status/succeeded").unwrap_or(0);
    Progressing(format!("{succeeded} of {} pods succeeded", number("/spec/completions").unwrap_or(1)))
}

fn pod(object: &Value) -> Readiness {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let why = |otherwise: &str| pod_trouble(object).unwrap_or_else(|| otherwise.to_owned());
    match text("/status/phase") {
        Some("Succeeded") => Ready,
        Some("Failed") => Failed(text("/status/message").map_or_else(|| why("the pod failed"), str::to_owned)),
        _ if condition(object, "Ready", "True").is_some() => Ready,
        _ => Progressing(why("its containers are not ready")),
    }
}

fn phase(object: &Value, good: &[&str]) -> Readiness {
    match object.pointer("/status/phase").and_then(Value::as_str) {
        Some(phase) if good.contains(&phase) => Ready,
        Some(phase @ ("Failed" | "Lost")) => Failed(format!("it is {phase}")),
        Some(phase) => Progressing(format!("it is {phase}")),
        None => Progressing("its controller has not seen it yet".into()),
    }
}

fn address(object: &Value, without: &str) -> Readiness {
    if list(object, "/status/loadBalancer/ingress").is_empty() { Progressing(without.to_owned()) } else { Ready }
}

/// What the common conditions say: Stalled, Reconciling, Ready and Available, by the conventions that most controllers keep.
/// `bad` are further types that should not be true. Without any of them an object is what it is.
fn conditions(object: &Value, bad: &[&str]) -> Readiness {
    if let Some(found) = condition(object, "Stalled", "True") {
        return Failed(found.to_string());
    }
    let generation = object.pointer("/metadata/generation").and_then(Value::as_i64);
    for found in list(object, "/status/conditions") {
        let text = |field: &str| found.get(field).and_then(Value::as_str).unwrap_or_default();
        let (kind, status) = (text("type"), text("status"));
        let observed = found.get("observedGeneration").and_then(Value::as_i64);
        if kind == "Ready" && observed.zip(generation).is_some_and(|(observed, generation)| observed < generation) {
            return Progressing("its controller has not seen the change yet".into());
        }
        let is_bad = kind == "Reconciling" || bad.contains(&kind);
        if is_bad && status == "True" || matches!(kind, "Ready" | "Available") && matches!(status, "False" | "Unknown") {
            return Progressing(Condition::of(found).to_string());
        }
    }
    Ready
}

fn needs(object: &Value, r#type: &str) -> Readiness {
    if condition(object, r#type, "True").is_some() {
        return Ready;
    }
    Progressing(
        condition(object, r#type, "False").map_or_else(|| format!("not {} yet", r#type.to_lowercase()), |c| c.to_string()),
    )
}

/// What a condition says.
pub(super) struct Condition {
    reason: String,
    message: String,
}

impl Condition {
    fn of(condition: &Value) -> Self {
        let text = |field: &str| condition.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let reason = Some(text("reason")).filter(|reason| !reason.is_empty());
        Self { reason: reason.unwrap_or_else(|| format!("{} is {}", text("type"), text("status"))), message: text("message") }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}

/// The condition with this type and status.
pub(super) fn condition(object: &Value, r#type: &str, status: &str) -> Option<Condition> {
    let is = |condition: &Value, field: &str, value: &str| condition.get(field).and_then(Value::as_str) == Some(value);
    let conditions = list(object, "/status/conditions");
    conditions.iter().find(|condition| is(condition, "type", r#type) && is(condition, "status", status)).map(Condition::of)
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
    fn stateful_and_daemon_sets_keep_old_pods_where_they_are_told_to() {
        let set = |strategy: Value, updated: i64, replicas: i64| {
            let object = json!({"spec": {"replicas": 3, "updateStrategy": strategy}, "status": {"observedGeneration": 1,
                "updatedReplicas": updated, "readyReplicas": 3, "replicas": replicas}});
            state("apps", "StatefulSet", object)
        };
        assert_eq!(set(json!({}), 3, 3), Ready);
        assert_eq!(set(json!({}), 1, 3), Progressing("1 of 3 replicas are updated".into()));
        assert_eq!(set(json!({"rollingUpdate": {"partition": 2}}), 1, 3), Ready);
        assert_eq!(set(json!({"type": "OnDelete"}), 0, 3), Ready);
        let daemon = |strategy: &str| {
            let object = json!({"spec": {"updateStrategy": {"type": strategy}}, "status": {"observedGeneration": 1,
                "desiredNumberScheduled": 2, "updatedNumberScheduled": 1, "numberAvailable": 2}});
            state("apps", "DaemonSet", object)
        };
        assert_eq!(daemon("OnDelete"), Ready);
        assert_eq!(daemon("RollingUpdate"), Progressing("1 of 2 replicas are updated".into()));
    }

    #[test]
    fn pods_that_are_refused_are_told_by_their_workload() {
        let refused = json!({"spec": {"replicas": 1}, "status": {"observedGeneration": 1, "conditions": [
            {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "violates PodSecurity"}]}});
        let reason = "0 of 1 replicas are ready (FailedCreate: violates PodSecurity)";
        assert_eq!(state("apps", "ReplicaSet", refused), Progressing(reason.into()));
    }

    #[test]
    fn each_kind_has_its_rule() {
        let condition = |kind: &str, status: &str, reason: &str| json!({"status": {"conditions": [{"type": kind, "status": status, "reason": reason, "message": "m"}]}});
        let waits = |reason: &str| Progressing(reason.to_owned());
        let cases = [
            ("batch", "Job", json!({}), waits("0 of 1 pods succeeded")),
            ("batch", "Job", json!({"spec": {"suspend": true}}), Ready),
            ("batch", "Job", condition("Complete", "True", "R"), Ready),
            ("batch", "Job", condition("Failed", "True", "BackoffLimitExceeded"), Failed("BackoffLimitExceeded: m".into())),
            ("batch", "CronJob", json!({"spec": {"suspend": true}}), Ready),
            ("", "Pod", json!({"status": {"phase": "Failed", "message": "evicted"}}), Failed("evicted".into())),
            ("", "Pod", json!({"status": {"phase": "Running"}}), waits("its containers are not ready")),
            ("", "Namespace", json!({"status": {"phase": "Terminating"}}), waits("it is Terminating")),
            ("", "Namespace", json!({"status": {"phase": "Active"}}), Ready),
            ("", "PersistentVolumeClaim", json!({"status": {"phase": "Bound"}}), Ready),
            ("", "PersistentVolumeClaim", json!({"status": {"phase": "Lost"}}), Failed("it is Lost".into())),
            ("", "PersistentVolumeClaim", json!({"status": {"phase": "Pending"}}), waits("it is Pending")),
            ("", "Service", json!({"spec": {"type": "ClusterIP"}}), Ready),
            ("", "Service", json!({"spec": {"type": "LoadBalancer"}}), waits("no load balancer has given it an address")),
            (
                "",
                "Service",
                json!({"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {"ingress": [{"ip": "1"}]}}}),
                Ready,
            ),
            ("networking.k8s.io", "Ingress", json!({}), waits("no ingress controller has given it an address")),
            (
                "policy",
                "PodDisruptionBudget",
                json!({"status": {"currentHealthy": 1, "desiredHealthy": 2}}),
                waits("1 of 2 pods are healthy"),
            ),
            ("policy", "PodDisruptionBudget", json!({"status": {"currentHealthy": 2, "desiredHealthy": 2}}), Ready),
            (
                "autoscaling",
                "HorizontalPodAutoscaler",
                condition("AbleToScale", "False", "FailedGetScale"),
                waits("FailedGetScale: m"),
            ),
            ("autoscaling", "HorizontalPodAutoscaler", condition("ScalingActive", "False", "FailedGetResourceMetric"), Ready),
            ("autoscaling", "HorizontalPodAutoscaler", condition("ScalingActive", "False", "ScalingDisabled"), Ready),
            (
                "apiextensions.k8s.io",
                "CustomResourceDefinition",
                condition("NamesAccepted", "False", "ListKindConflict"),
                waits("ListKindConflict: m"),
            ),
            ("apiextensions.k8s.io", "CustomResourceDefinition", json!({}), waits("not established yet")),
            ("apiextensions.k8s.io", "CustomResourceDefinition", condition("Established", "True", "R"), Ready),
            (
                "apiregistration.k8s.io",
                "APIService",
                condition("Available", "False", "MissingEndpoints"),
                waits("MissingEndpoints: m"),
            ),
            ("apps", "ControllerRevision", json!({}), Ready),
            ("x.io", "Thing", condition("Stalled", "True", "R"), Failed("R: m".into())),
            ("x.io", "Thing", condition("Reconciling", "True", "R"), waits("R: m")),
            ("x.io", "Thing", condition("Available", "False", "R"), waits("R: m")),
            ("x.io", "Thing", condition("Ready", "Unknown", ""), waits("Ready is Unknown: m")),
        ];
        for (group, kind, object, expected) in cases {
            assert_eq!(state(group, kind, object.clone()), expected, "{kind}: {object}");
        }
    }

    #[test]
    fn a_condition_of_an_older_generation_says_nothing_yet() {
        let object = json!({"metadata": {"generation": 2}, "status": {"conditions": [{"type": "Ready", "status": "True", "observedGeneration": 1}]}});
        assert_eq!(state("x.io", "Thing", object), Progressing("its controller has not seen the change yet".into()));
    }

    #[test]
    fn a_claim_may_wait_for_its_first_pod() {
        let class = |name: &str, mode: &str, default: &str| json!({"metadata": {"name": name, "annotations": {"storageclass.kubernetes.io/is-default-class": default}}, "volumeBindingMode": mode});
        let classes = [class("late", "WaitForFirstConsumer", "true"), class("now", "Immediate", "false")];
        let claim = |class: Option<&str>, phase: &str| json!({"spec": {"storageClassName": class}, "status": {"phase": phase}});
        assert!(waits_for_its_first_pod(&claim(Some("late"), "Pending"), &classes));
        assert!(waits_for_its_first_pod(&claim(None, "Pending"), &classes));
        assert!(!waits_for_its_first_pod(&claim(Some("now"), "Pending"), &classes));
        assert!(!waits_for_its_first_pod(&claim(Some("late"), "Lost"), &classes));
        assert!(!waits_for_its_first_pod(&claim(None, "Pending"), &classes[1..]));
    }
}
