//! Why a workload's pods don't run, in their own words.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt};
use serde_json::Value;

use super::report::Unready;
use super::status::condition;
use super::webhooks::selects;
use crate::cluster::Connection;
use crate::object::{ObjectId, list};

/// Pods by identity.
pub(super) type Pods = BTreeMap<ObjectId, Value>;

/// The unready objects, each with what its own pods say: one list of pods a namespace. `of` finds an object's content.
pub(super) async fn explain<'a>(
    connection: &Connection,
    unready: Vec<Unready>,
    of: impl Fn(&Unready) -> Option<&'a Value>,
) -> Vec<Unready> {
    let namespaces: BTreeSet<String> = unready
        .iter()
        .filter(|unready| of(unready).is_some_and(|object| selector(object).is_some()))
        .map(|unready| unready.object.namespace.clone())
        .collect();
    let pods = read(connection, namespaces).await;
    let told = unready.into_iter().map(|unready| {
        let reason = of(&unready).map_or_else(|| unready.reason.clone(), |object| with_troubles(&unready, object, &pods));
        Unready { reason, ..unready }
    });
    told.collect()
}

/// The pods of these namespaces; those that can't be read have nothing to say.
pub(super) async fn read(connection: &Connection, namespaces: BTreeSet<String>) -> Pods {
    let lists = stream::iter(namespaces).map(|namespace| async move {
        let mut pods = connection.get(&format!("/api/v1/namespaces/{namespace}/pods")).await.ok()?;
        let Value::Array(items) = pods.get_mut("items")?.take() else { return None };
        let id = move |pod: &Value| ObjectId {
            group: String::new(),
            kind: "Pod".into(),
            namespace: namespace.clone(),
            name: pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned(),
        };
        Some(stream::iter(items.into_iter().map(move |pod| (id(&pod), pod))))
    });
    lists.buffer_unordered(8).filter_map(std::future::ready).flatten().collect().await
}

/// Only workloads select pods by labels of their own pods.
pub(super) fn selector(object: &Value) -> Option<&Value> {
    object.pointer("/spec/template/metadata")?;
    object.pointer("/spec/selector").filter(|selector| selector.get("matchLabels").or(selector.get("matchExpressions")).is_some())
}

/// The reason, with what the workload's own pods say.
pub(super) fn with_troubles(unready: &Unready, object: &Value, pods: &Pods) -> String {
    let reason = unready.reason.clone();
    let Some(selector) = selector(object) else { return reason };
    let nothing = serde_json::Map::new();
    let is_ours = |pod: &&Value| {
        let labels = pod.pointer("/metadata/labels").and_then(Value::as_object).unwrap_or(&nothing);
        selects(selector, labels)
    };
    let here = pods.iter().filter(|(id, _)| id.namespace == unready.object.namespace).map(|(_, pod)| pod);
    let troubles: BTreeSet<String> = here.filter(is_ours).filter_map(pod_trouble).collect();
    if troubles.is_empty() { reason } else { format!("{reason} ({})", troubles.into_iter().collect::<Vec<_>>().join("; ")) }
}

/// Why a pod does not run, in its own words; `None` where nothing is wrong with it.
#[must_use]
pub(crate) fn pod_trouble(pod: &Value) -> Option<String> {
    if let Some(found) = condition(pod, "PodScheduled", "False") {
        return Some(found.to_string());
    }
    let containers = || ["/status/initContainerStatuses", "/status/containerStatuses"].into_iter().flat_map(|at| list(pod, at));
    containers().find_map(container_trouble).or_else(|| containers().find_map(runs_unready))
}

fn container_trouble(container: &Value) -> Option<String> {
    let text = |pointer: &str| container.pointer(pointer).and_then(Value::as_str);
    let exit = |pointer: &str| container.pointer(pointer).and_then(Value::as_i64);
    let name = text("/name").unwrap_or_default();
    let message = |pointer: &str| text(pointer).map(|message| format!(": {message}")).unwrap_or_default();
    if let Some(code) = exit("/state/terminated/exitCode").filter(|code| *code != 0) {
        let reason = text("/state/terminated/reason").unwrap_or("ended");
        return Some(format!("container {name}: {reason}{}, exit code {code}", message("/state/terminated/message")));
    }
    let reason = text("/state/waiting/reason").filter(|reason| !matches!(*reason, "ContainerCreating" | "PodInitializing"))?;
    let last = exit("/lastState/terminated/exitCode").map(|code| format!(", last exit code {code}")).unwrap_or_default();
    Some(format!("container {name}: {reason}{}{last}", message("/state/waiting/message")))
}

fn runs_unready(container: &Value) -> Option<String> {
    let is = |field: &str, value: bool| container.get(field).and_then(Value::as_bool) == Some(value);
    container.pointer("/state/running")?;
    let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
    (is("ready", false) && is("started", true)).then(|| format!("container {name} runs, and its readiness probe says no"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with_container(status: &Value) -> Value {
        json!({"status": {"containerStatuses": [status]}})
    }

    #[test]
    fn a_pod_tells_its_trouble() {
        let unschedulable = json!({"status": {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]}});
        assert_eq!(pod_trouble(&unschedulable), Some("Unschedulable: 0/1 nodes".into()));
        let cases = [
            (json!({"name": "c", "state": {"waiting": {"reason": "ContainerCreating"}}}), None),
            (
                json!({"name": "c", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}),
                Some("container c: ImagePullBackOff: no such image"),
            ),
            (
                json!({"name": "c", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 3}}}),
                Some("container c: CrashLoopBackOff, last exit code 3"),
            ),
            (
                json!({"name": "c", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}),
                Some("container c: OOMKilled, exit code 137"),
            ),
            (json!({"name": "c", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}), None),
            (
                json!({"name": "c", "state": {"running": {}}, "ready": false, "started": true}),
                Some("container c runs, and its readiness probe says no"),
            ),
            (json!({"name": "c", "state": {"running": {}}, "ready": true, "started": true}), None),
        ];
        for (status, expected) in cases {
            assert_eq!(pod_trouble(&with_container(&status)).as_deref(), expected, "{status}");
        }
    }

    #[test]
    fn a_workload_is_explained_by_its_own_pods_alone() {
        let object = json!({"spec": {"selector": {"matchLabels": {"app": "a"}}, "template": {"metadata": {}}}});
        let pod = |app: &str| json!({"metadata": {"labels": {"app": app}}, "status": {"containerStatuses": [{"name": app, "state": {"waiting": {"reason": "ErrImagePull"}}}]}});
        let named = |name: &str| ObjectId { group: String::new(), kind: "Pod".into(), namespace: "n".into(), name: name.into() };
        let pods = Pods::from([(named("1"), pod("a")), (named("2"), pod("a")), (named("3"), pod("b"))]);
        let id = |namespace: &str| crate::object::ObjectId {
            group: "apps".into(),
            kind: "Deployment".into(),
            namespace: namespace.into(),
            name: "d".into(),
        };
        let reason = |namespace: &str| with_troubles(&Unready { object: id(namespace), reason: "r".into() }, &object, &pods);
        assert_eq!(reason("n"), "r (container a: ErrImagePull)");
        assert_eq!(reason("other"), "r");
    }
}
