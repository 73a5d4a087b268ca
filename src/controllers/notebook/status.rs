//! What a notebook's status says: facts in, conditions out. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::world::{Pod, Told};
use crate::api::notebook::{Notebook, NotebookCondition, NotebookStatus};
use crate::controllers::verdict::Verdict;
use crate::notebooks::RUNS;

/// Whether the server can be used.
pub(super) const READY: &str = "Ready";
/// Whether a route leads to it.
pub(super) const ROUTE_READY: &str = "RouteReady";

/// Whether the server can be used, by what its pod says, or by why it has none.
pub(super) fn ready(stopped: Option<&str>, pod: Option<&Pod>, refused: Option<&Told>) -> Verdict {
    match (stopped, pod) {
        (Some(since), None) => Verdict::no(
            "Stopped",
            format!("stopped since {since}; it starts when annotation kubeflow-resource-stopped is taken away"),
        ),
        (Some(_), Some(_)) => Verdict::no("Stopping", "its pod is ending"),
        (None, None) => match refused {
            Some(told) if told.note.contains("exceeded quota") => Verdict::no("QuotaExceeded", told.note.clone()),
            Some(told) => Verdict::no("PodRefused", told.note.clone()),
            None => Verdict::no("Starting", "its pod is being made"),
        },
        (None, Some(pod)) if pod.deleting => Verdict::no("Restarting", "its pod is ending, and another one follows"),
        (None, Some(pod)) if pod.ready => Verdict::yes("Running", pod.ended.clone().unwrap_or_else(|| RUNS.to_owned())),
        (None, Some(pod)) => match &pod.trouble {
            Some(trouble) => Verdict::no(word(trouble), trouble.clone()),
            None => Verdict::no("Starting", "its pod is there, and the server starts"),
        },
    }
}

/// The reason in a pod's own words, where it is one of those that people look for.
fn word(trouble: &str) -> &'static str {
    const KNOWN: [(&str, &str); 5] = [
        ("Unschedulable", "Unschedulable"),
        ("ImagePull", "ImagePullFailed"),
        ("InvalidImageName", "ImagePullFailed"),
        ("CrashLoop", "Crashing"),
        ("OOMKilled", "OutOfMemory"),
    ];
    KNOWN.iter().find(|(part, _)| trouble.contains(part)).map_or("NotReady", |(_, word)| word)
}

/// The status for these facts. Time moves only where a condition turns.
pub(super) fn status(notebook: &Notebook, ready: &Verdict, route: &Verdict, pod: Option<&Pod>, now: &Time) -> NotebookStatus {
    let old = notebook.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let own = [(READY, ready), (ROUTE_READY, route)].map(|(name, verdict)| {
        let status = if verdict.holds { "True" } else { "False" };
        let same = old.iter().find(|condition| condition.r#type == name && condition.status == status);
        NotebookCondition {
            r#type: name.into(),
            status: status.into(),
            reason: Some(verdict.reason.clone()),
            message: Some(verdict.message.chars().take(2000).collect()),
            last_probe_time: None,
            last_transition_time: Some(
                same.and_then(|condition| condition.last_transition_time.clone()).unwrap_or_else(|| now.clone()),
            ),
        }
    });
    let pods = pod.iter().flat_map(|pod| &pod.conditions).filter(|condition| condition.r#type != READY).cloned();
    NotebookStatus {
        conditions: own.into_iter().chain(pods).collect(),
        container_state: pod.map(|pod| pod.state.clone()).unwrap_or_default(),
        ready_replicas: i32::from(ready.holds),
        observed_generation: notebook.metadata.generation,
    }
}

#[cfg(test)]
mod tests {
    use super::super::desired::tests::notebook;
    use super::*;
    use serde_json::json;

    fn pod(status: serde_json::Value) -> Pod {
        Pod::new("nb", &json!({"metadata": {"name": "nb-0", "uid": "p"}, "status": status}))
    }

    #[test]
    fn the_reason_is_the_pods_own() {
        let waiting =
            |reason: &str| pod(json!({"containerStatuses": [{"name": "nb", "state": {"waiting": {"reason": reason}}}]}));
        let refused = Told { note: "pods \"nb-0\" is forbidden: exceeded quota: kf-resource-quota".into(), ..Told::default() };
        let running = pod(json!({"conditions": [{"type": "Ready", "status": "True"}]}));
        let again = json!({"name": "nb", "restartCount": 2, "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}});
        let again = pod(json!({"conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [again]}));
        let verdict = ready(None, Some(&again), None);
        let told = "the server runs again after it has ended 2 times, the last time with exit code 1 (Error); its log says why";
        assert_eq!((verdict.holds, verdict.reason.as_str(), verdict.message.as_str()), (true, "Running", told));
        let unschedulable = pod(
            json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1"}]}),
        );
        let rows = [
            (ready(Some("t"), None, Some(&refused)), false, "Stopped"),
            (ready(Some("t"), Some(&running), None), false, "Stopping"),
            (ready(None, None, None), false, "Starting"),
            (ready(None, None, Some(&refused)), false, "QuotaExceeded"),
            (ready(None, None, Some(&Told::default())), false, "PodRefused"),
            // What was refused before does not count once there is a pod.
            (ready(None, Some(&running), Some(&refused)), true, "Running"),
            (ready(None, Some(&waiting("ContainerCreating")), None), false, "Starting"),
            (ready(None, Some(&waiting("ImagePullBackOff")), None), false, "ImagePullFailed"),
            (ready(None, Some(&waiting("CrashLoopBackOff")), None), false, "Crashing"),
            (ready(None, Some(&unschedulable), None), false, "Unschedulable"),
        ];
        for (verdict, holds, reason) in rows {
            assert_eq!((verdict.holds, verdict.reason.as_str()), (holds, reason), "{}", verdict.message);
        }
    }

    #[test]
    fn the_pods_conditions_and_the_servers_state_are_shown_as_they_are() {
        let at = |second| -> Time { serde_json::from_value(format!("2026-01-01T00:00:0{second}Z").into()).unwrap() };
        let pod = pod(
            json!({"conditions": [{"type": "Ready", "status": "True"}, {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-01T00:00:09Z", "observedGeneration": 1}],
            "containerStatuses": [{"name": "side", "state": {"waiting": {}}}, {"name": "nb", "state": {"running": {"startedAt": "t"}}}]}),
        );
        let mut notebook = notebook(json!({}), json!({"containers": [{"name": "nb"}]}));
        let (yes, no) = (Verdict::yes("Running", ""), Verdict::no("MeshMissing", ""));
        let first = status(&notebook, &yes, &no, Some(&pod), &at(1));
        assert_eq!(
            first.conditions.iter().map(|found| found.r#type.as_str()).collect::<Vec<_>>(),
            [READY, ROUTE_READY, "PodScheduled"]
        );
        assert_eq!(first.conditions[2].last_transition_time, Some(at(9)));
        assert_eq!((json!(first.container_state), first.ready_replicas), (json!({"running": {"startedAt": "t"}}), 1));
        notebook.status = Some(first.clone());
        assert_eq!(status(&notebook, &yes, &no, Some(&pod), &at(2)), first, "nothing has turned");
        let stopped = status(&notebook, &no, &no, None, &at(2));
        assert_eq!(stopped.conditions[0].last_transition_time, Some(at(2)));
        assert_eq!((stopped.container_state.len(), stopped.ready_replicas, stopped.conditions.len()), (0, 0, 2));
    }
}
