//! The state of a notebook in words that say what is the matter, and what to do. Pure.

use serde_json::Value;

use super::text;
use crate::labels::STOPPED;
use crate::object::list;

/// How it is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It can be used.
    Good,
    /// It is on its way, or rests: nobody has to do anything.
    Calm,
    /// Somebody has to do something.
    Bad,
}

/// The state of a notebook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// In a word or two.
    pub word: &'static str,
    /// How it is going.
    pub tone: Tone,
    /// Why, and what to do about it; empty where the word says all.
    pub message: String,
}

/// What a notebook's controller says of a server of which there is nothing more to say.
pub const RUNS: &str = "the server runs";

/// Whether somebody, or idleness, has stopped a notebook.
#[must_use]
pub fn is_stopped(notebook: &Value) -> bool {
    notebook["metadata"]["annotations"].get(STOPPED).is_some_and(|since| !since.is_null())
}

/// The state of a notebook, by what its controller has said and what has been asked of it since.
#[must_use]
pub fn state(notebook: &Value) -> State {
    let [status, reason, message] = condition(notebook, "Ready");
    let said = |word, tone, message: String| State { word, tone, message };
    let calm = |word| said(word, Tone::Calm, String::new());
    if notebook["metadata"].get("deletionTimestamp").is_some() {
        return calm("being deleted");
    }
    match (is_stopped(notebook), reason) {
        (true, "Stopped") => return calm("stopped"),
        (true, _) => return calm("stopping"),
        (false, "" | "Stopped" | "Stopping") => return calm("starting"),
        _ => {}
    }
    let bad = |word, advice: &str| said(word, Tone::Bad, [advice, message].join(": ").trim_matches([':', ' ']).to_owned());
    match reason {
        "Running" if status == "True" && message == RUNS => said("running", Tone::Good, String::new()),
        "Running" if status == "True" => said("running", Tone::Good, message.to_owned()),
        "Starting" => said("starting", Tone::Calm, waiting(notebook)),
        "Restarting" => said("restarting", Tone::Calm, message.to_owned()),
        "QuotaExceeded" => {
            bad("over the quota", "the namespace’s quota leaves no room for it; stop another notebook, or ask for less")
        }
        "Unschedulable" => bad("no node takes it", "no node has what it asks for; it starts as soon as one does"),
        "ImagePullFailed" => bad("no image", "its image can’t be fetched; is the name right, and may the cluster read it?"),
        "Crashing" => bad("crashing", "its server ends as soon as it starts; the log says why"),
        "OutOfMemory" => bad("out of memory", "it needed more memory than its limit; stop it, give it more, and start it again"),
        "SpecRefused" | "PodRefused" => bad("refused", "the cluster does not take its pod"),
        "NameTaken" => bad("name is taken", ""),
        "SettingsInvalid" => bad("held up", "an admin has to put the settings right"),
        _ => bad("not ready", ""),
    }
}

/// What its container waits for, where it says so.
fn waiting(notebook: &Value) -> String {
    match text(notebook, "/status/containerState/waiting/reason") {
        "" | "PodInitializing" => String::new(),
        "ContainerCreating" => "its image is fetched, and its volumes are attached".to_owned(),
        reason => reason.to_owned(),
    }
}

/// Status, reason and message of a condition; empty where there is none.
#[must_use]
pub fn condition<'a>(notebook: &'a Value, name: &str) -> [&'a str; 3] {
    let found = list(notebook, "/status/conditions").iter().find(|condition| text(condition, "/type") == name);
    found.map_or([""; 3], |condition| ["/status", "/reason", "/message"].map(|pointer| text(condition, pointer)))
}

/// Where a notebook is opened; an error says why it can't be now.
pub fn address(notebook: &Value) -> Result<String, String> {
    let [namespace, name] = ["/metadata/namespace", "/metadata/name"].map(|pointer| text(notebook, pointer));
    if state(notebook).tone != Tone::Good {
        return Err("it does not run".to_owned());
    }
    match condition(notebook, "RouteReady") {
        ["True", ..] => Ok(format!("/notebook/{namespace}/{name}/")),
        ["", ..] => Err("the way to it is being made".to_owned()),
        [_, _, message] => Err(message.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn notebook(stopped: bool, reason: &str, message: &str) -> Value {
        let status = if reason == "Running" { "True" } else { "False" };
        let annotations = if stopped { json!({STOPPED: "2026-01-01T00:00:00Z"}) } else { json!({}) };
        json!({"metadata": {"name": "nb", "namespace": "kubeflow-jane", "annotations": annotations},
            "status": {"conditions": [{"type": "Ready", "status": status, "reason": reason, "message": message}]}})
    }

    #[test]
    fn every_reason_of_the_controller_has_words() {
        for (stopped, reason, word, tone) in [
            (false, "Running", "running", Tone::Good),
            (false, "Starting", "starting", Tone::Calm),
            (false, "Restarting", "restarting", Tone::Calm),
            (true, "Running", "stopping", Tone::Calm),
            (true, "Stopping", "stopping", Tone::Calm),
            (true, "Stopped", "stopped", Tone::Calm),
            // Started again, and not looked at yet.
            (false, "Stopped", "starting", Tone::Calm),
            (false, "QuotaExceeded", "over the quota", Tone::Bad),
            (false, "Unschedulable", "no node takes it", Tone::Bad),
            (false, "ImagePullFailed", "no image", Tone::Bad),
            (false, "Crashing", "crashing", Tone::Bad),
            (false, "OutOfMemory", "out of memory", Tone::Bad),
            (false, "SpecRefused", "refused", Tone::Bad),
            (false, "PodRefused", "refused", Tone::Bad),
            (false, "NameTaken", "name is taken", Tone::Bad),
            (false, "SettingsInvalid", "held up", Tone::Bad),
            (false, "NotReady", "not ready", Tone::Bad),
        ] {
            let state = state(&notebook(stopped, reason, "0/2 nodes"));
            assert_eq!((state.word, state.tone), (word, tone), "{stopped} {reason}");
            assert_eq!(
                state.message.ends_with("0/2 nodes"),
                tone == Tone::Bad || ["restarting", "running"].contains(&word),
                "{reason}: {}",
                state.message
            );
        }
        assert_eq!(state(&notebook(false, "Running", RUNS)).message, "", "the word says all");
        assert_eq!(state(&json!({"metadata": {"name": "nb"}})).word, "starting");
        assert_eq!(state(&json!({"metadata": {"deletionTimestamp": "now"}})).word, "being deleted");
    }

    #[test]
    fn it_is_opened_only_where_a_route_leads_to_it() {
        let with = |reason: &str, route: Value| {
            let mut notebook = notebook(false, reason, "");
            notebook["status"]["conditions"].as_array_mut().unwrap().push(route);
            address(&notebook)
        };
        let route = |status: &str, message: &str| json!({"type": "RouteReady", "status": status, "message": message});
        assert_eq!(with("Running", route("True", "")).unwrap(), "/notebook/kubeflow-jane/nb/");
        assert_eq!(with("Running", route("False", "no walls")).unwrap_err(), "no walls");
        assert!(with("Running", json!({})).is_err() && with("Starting", route("True", "")).is_err());
    }
}
