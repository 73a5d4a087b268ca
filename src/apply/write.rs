//! Server-side apply of one object: the request, and its repetition while the failure may pass.

use std::time::{Duration, Instant};

use base64::Engine;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use super::event::{Event, Events};
use super::held::held_by;
use super::plan::Member;
use crate::cluster::{Answer, Class, Connection, DOUBT, Failure, Part};
use crate::labels::{APPLYSET_PART_OF, FIELD_MANAGER};
use crate::object::ObjectId;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// What a run did to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It is new.
    Created,
    /// It was there and differed.
    Configured,
    /// It was as wanted; nothing was written.
    Unchanged,
}

/// How to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Write.
    Real,
    /// Write what a dry-run has taken. Its fields were looked at then: to do so twice costs a server a fifth of the work.
    Checked,
    /// Let the server check and answer as if.
    DryRun,
    /// As a dry-run, in a namespace that exists, because the object's own does not yet.
    StandIn,
}

/// The namespace whose existence every cluster guarantees.
const STAND_IN_NAMESPACE: &str = "default";

/// Makes the object a member of its set. A Secret's plain texts become data: the server would do the same, and then keep no account
/// of whose they are.
pub(super) fn membership(content: &mut Value, applyset: &str) {
    if let Some(labels) = map_at(content, &["metadata", "labels"]) {
        labels.insert(APPLYSET_PART_OF.to_owned(), applyset.into());
    }
    let is_secret = content["apiVersion"] == "v1" && content["kind"] == "Secret";
    if is_secret
        && let Some(Value::Object(texts)) = content.get("stringData").cloned()
        && let Some(data) = map_at(content, &["data"])
    {
        for (name, text) in texts {
            let encoded = |text: &str| base64::engine::general_purpose::STANDARD.encode(text).into();
            // What is no text is no good either; the server says so.
            let value = text.as_str().map_or(text.clone(), encoded);
            data.insert(name, value);
        }
        content.as_object_mut().map(|fields| fields.remove("stringData"));
    }
}

/// The map at this place, made where there is nothing. `None` where something else is in the way, which the server refuses.
fn map_at<'a>(value: &'a mut Value, path: &[&str]) -> Option<&'a mut serde_json::Map<String, Value>> {
    if value.is_null() {
        *value = Value::Object(serde_json::Map::new());
    }
    let fields = value.as_object_mut()?;
    match path {
        [] => Some(fields),
        [first, rest @ ..] => map_at(fields.entry(*first).or_insert(Value::Null), rest),
    }
}

/// Whether the namespace that stands in has an object of this name already.
pub(super) async fn stand_in_exists(connection: &Connection, member: &Member) -> Result<bool, Failure> {
    let id = ObjectId { namespace: STAND_IN_NAMESPACE.to_owned(), ..member.object.id.clone() };
    match connection.read(&member.resource.object_path(&id)).await {
        Ok(_) => Ok(true),
        Err(failure) if failure.class == Class::NotFound => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Sends one apply request; the answer holds so much of the object.
pub(super) async fn send(
    connection: &Connection,
    member: &Member,
    content: &Value,
    force: bool,
    mode: Mode,
    part: Part,
) -> Result<Answer, Failure> {
    let mut id = member.object.id.clone();
    let mut moved = None;
    if mode == Mode::StandIn {
        STAND_IN_NAMESPACE.clone_into(&mut id.namespace);
        let content = moved.insert(content.clone());
        content["metadata"]["namespace"] = STAND_IN_NAMESPACE.into();
    }
    let (validation, dry_run) = match mode {
        Mode::Real => ("Strict", ""),
        Mode::Checked => ("Ignore", ""),
        Mode::DryRun | Mode::StandIn => ("Strict", "&dryRun=All"),
    };
    let path = member.resource.object_path(&id);
    let path = format!("{path}?fieldManager={FIELD_MANAGER}&fieldValidation={validation}&force={force}{dry_run}");
    let answer = connection.apply(&path, moved.as_ref().unwrap_or(content), part).await;
    let answer = answer.map_err(|failure| if id.is("", "Secret") { discreet(failure, content) } else { failure })?;
    // What is on its way out takes every change, and is gone afterwards: only what comes after it counts.
    match held_by(&answer.body) {
        Some(reason) => Err(Failure { class: Class::Terminating, message: reason, retry_after: None }),
        None => Ok(answer),
    }
}

/// A refusal of a Secret without what is in it: the server quotes what it does not take.
fn discreet(mut failure: Failure, content: &Value) -> Failure {
    fn values(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => fields.values().for_each(|value| values(value, found)),
            Value::Array(items) => items.iter().for_each(|value| values(value, found)),
            Value::String(text) => found.push(text.clone()),
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => found.push(number.to_string()),
        }
    }
    // What comes here is the value in Go's own words, which may differ from ours.
    if let Some((what, _)) = failure.message.split_once(", got ") {
        failure.message = String::from(what);
    }
    let mut secrets = Vec::new();
    for field in ["data", "stringData"] {
        values(&content[field], &mut secrets);
    }
    // The longest first: it may hold others. What is shorter than this is no secret, and stands in every message.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in secrets.iter().filter(|secret| secret.len() > 3) {
        failure.message = failure.message.replace(secret, "***");
    }
    failure
}

/// Repeats `attempt` while its failure may pass by itself, until `deadline` or `halt`; the last failure is returned then.
pub(super) async fn retrying<T>(
    object: &ObjectId,
    deadline: Instant,
    events: &Events,
    mut halt: watch::Receiver<bool>,
    mut attempt: impl AsyncFnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let started = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let failure = match attempt().await {
            Ok(done) => return Ok(done),
            Err(failure) => failure,
        };
        // A missing namespace may be one that another component, or another run, is making at this moment.
        let passing = match failure.class {
            Class::NotFound => true,
            Class::Unauthorized => started.elapsed() < DOUBT,
            _ => failure.is_passing(),
        };
        let wait = failure.retry_after.map_or(pause, |asked| asked.max(pause).min(Duration::from_secs(30)));
        if !passing || Instant::now() + wait > deadline {
            return Err(failure);
        }
        if pause > Duration::from_secs(1) {
            events.send(Event::Retrying { object: object.clone(), reason: failure.message.clone() });
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            Ok(_) = halt.wait_for(|halt| *halt) => return Err(failure),
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_of_a_secret_repeats_nothing_of_it() {
        let content = json!({"data": {"a": "cGxhbnRlZA==", "b": ["hunter2hunter2"]}, "stringData": {"c": 123_456}});
        for (said, told) in [
            (r#".data.b: expected string, got &value{Value:[]interface {}{"hunter2hunter2"}}"#, ".data.b: expected string"),
            ("denied: cGxhbnRlZA== and hunter2hunter2 and 123456", "denied: *** and *** and ***"),
        ] {
            let failure = Failure { class: Class::Invalid, message: said.into(), retry_after: None };
            assert_eq!(discreet(failure, &content).message, told);
        }
    }
}
