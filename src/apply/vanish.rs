//! Deleting objects and seeing them go. An object that changes meanwhile is judged anew; one made anew is not touched. What does
//! not go is named, with what holds it and since when.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use serde_json::Value;

use super::event::{Event, Events};
use super::held::held_by;
use super::keep::{Facts, Kept, Reason, set_of, why_kept};
use super::removal::{Removed, Target};
use super::report::{Problem, Unready};
use super::stage::Stage;
use super::status::{Readiness, readiness};
use crate::cluster::{Class, Connection, DOUBT, Failure};
use crate::object::ObjectId;

const CONCURRENCY: usize = 24;
const FIRST_LOOK: Duration = Duration::from_millis(50);
const LONGEST_LOOK: Duration = Duration::from_secs(1);
/// Nothing to say before this, and the same again only after [`SAID_AGAIN`].
const PATIENCE: Duration = Duration::from_secs(1);
const SAID_AGAIN: Duration = Duration::from_secs(15);

enum Step {
    Gone,
    Going,
    Stays(Reason),
}

/// Deletes these objects and waits until they are gone, or `deadline`.
pub(super) async fn vanish(
    connection: &Connection,
    targets: &[Target],
    workloads: &[Target],
    facts: &Facts,
    deadline: Instant,
    events: &Events,
    removed: &mut Removed,
) {
    let mut going: Vec<&Target> = Vec::new();
    let mut steps = stream::iter(targets)
        .map(|target| async move { (target, delete(connection, target, facts, deadline, events).await) })
        .buffer_unordered(CONCURRENCY);
    while let Some((target, step)) = steps.next().await {
        match step {
            Ok(Step::Gone) => gone(target, events, removed),
            Ok(Step::Going) => {
                events.send(Event::Deleting { object: target.id.clone() });
                going.push(target);
            }
            Ok(Step::Stays(reason)) => {
                events.send(Event::Kept { object: target.id.clone(), reason: reason.clone() });
                removed.kept.push(Kept { object: target.id.clone(), reason });
            }
            Err(failure) if failure.is_passing() => {
                removed.unready.push(Unready { object: target.id.clone(), reason: failure.message });
            }
            Err(failure) => removed.problems.push(problem(target, &failure)),
        }
    }
    drop(steps);
    wait(connection, going, workloads, deadline, events, removed).await;
}

fn gone(target: &Target, events: &Events, removed: &mut Removed) {
    events.send(Event::Deleted { object: target.id.clone(), component: target.component.clone() });
    removed.deleted.push(target.id.clone());
}

fn problem(target: &Target, failure: &Failure) -> Problem {
    let hint = match failure.class {
        Class::Forbidden => "ask an admin of the cluster for this right, then run the same command again",
        _ => "mend that, then run the same command again; -v shows the requests",
    };
    Problem {
        object: target.id.clone(),
        component: target.component.clone(),
        file: String::new(),
        reason: failure.message.clone(),
        hint: hint.to_owned(),
    }
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Deletes exactly the object that was judged.
async fn delete(
    connection: &Connection,
    target: &Target,
    facts: &Facts,
    deadline: Instant,
    events: &Events,
) -> Result<Step, Failure> {
    let path = target.resource.object_path(&target.id);
    let uid = text(&target.live, "/metadata/uid");
    let mut version = text(&target.live, "/metadata/resourceVersion").to_owned();
    let started = Instant::now();
    let mut pause = FIRST_LOOK;
    if target.live.pointer("/metadata/deletionTimestamp").is_some() {
        return Ok(Step::Going);
    }
    loop {
        let failure = match connection.delete(&path, uid, &version, target.stage.propagation()).await {
            Ok(None) => return Ok(Step::Gone),
            Ok(Some(_)) => return Ok(Step::Going),
            Err(failure) if matches!(failure.class, Class::NotFound | Class::NoMatch) => return Ok(Step::Gone),
            Err(failure) => failure,
        };
        let rest = failure.retry_after.unwrap_or(pause);
        let doubted = failure.class == Class::Unauthorized && started.elapsed() < DOUBT;
        if !(failure.is_passing() || doubted) || Instant::now() + rest > deadline {
            return Err(failure);
        }
        if pause > PATIENCE {
            events.send(Event::Retrying { object: target.id.clone(), reason: failure.message });
        }
        tokio::time::sleep(rest).await;
        pause = (pause * 2).min(LONGEST_LOOK * 3);
        // It may have changed under our hands: then it is another question whether it goes.
        match connection.get(&path).await {
            Ok(live) if text(&live, "/metadata/uid") != uid => return Ok(Step::Stays(Reason::MadeAnew)),
            // Who takes the label off takes the object out of the app.
            Ok(live) if set_of(&target.live).is_some() && set_of(&live).is_none() => return Ok(Step::Stays(Reason::NotOurs)),
            Ok(live) => {
                if let Some(reason) = why_kept(&target.id, &live, facts) {
                    return Ok(Step::Stays(reason));
                }
                text(&live, "/metadata/resourceVersion").clone_into(&mut version);
            }
            Err(failure) if failure.class == Class::NotFound => return Ok(Step::Gone),
            Err(_) => {}
        }
    }
}

async fn wait(
    connection: &Connection,
    mut going: Vec<&Target>,
    workloads: &[Target],
    deadline: Instant,
    events: &Events,
    removed: &mut Removed,
) {
    let started = Instant::now();
    let mut pause = FIRST_LOOK;
    let mut told: HashMap<&ObjectId, (String, Instant)> = HashMap::new();
    while !going.is_empty() {
        let looks: Vec<(&Target, Option<String>)> = stream::iter(going)
            .map(|target| async move { (target, still_there(connection, target).await) })
            .buffer_unordered(CONCURRENCY)
            .collect()
            .await;
        let late = Instant::now() + pause > deadline;
        let controllers = if late || started.elapsed() > PATIENCE { idle(connection, workloads).await } else { Vec::new() };
        going = Vec::new();
        for (target, held) in looks {
            let Some(mut reason) = held else {
                gone(target, events, removed);
                continue;
            };
            if matches!(target.stage, Stage::Profiles | Stage::Notebooks | Stage::CustomResources)
                && let Some(note) = who_releases(target, workloads, &controllers)
            {
                reason = format!("{reason}; {note}");
            }
            let news = told.get(&target.id).is_none_or(|(before, when)| *before != reason || when.elapsed() > SAID_AGAIN);
            if news && started.elapsed() > PATIENCE {
                events.send(Event::Waiting { object: target.id.clone(), reason: reason.clone() });
                told.insert(&target.id, (reason.clone(), Instant::now()));
            }
            if late {
                removed.unready.push(Unready { object: target.id.clone(), reason });
            } else {
                going.push(target);
            }
        }
        if !going.is_empty() {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_LOOK);
        }
    }
}

/// Why the object is still there; `None` where it is not.
async fn still_there(connection: &Connection, target: &Target) -> Option<String> {
    match connection.get(&target.resource.object_path(&target.id)).await {
        Err(failure) if matches!(failure.class, Class::NotFound | Class::NoMatch) => None,
        Err(failure) => Some(failure.message),
        Ok(live) if text(&live, "/metadata/uid") != text(&target.live, "/metadata/uid") => None,
        Ok(live) => Some(held_by(&live).unwrap_or_else(|| "it is not deleted yet".to_owned())),
    }
}

/// Workloads that do nothing at the moment, and why.
async fn idle(connection: &Connection, workloads: &[Target]) -> Vec<(ObjectId, String)> {
    let mut found = Vec::new();
    for target in workloads {
        let Ok(live) = connection.get(&target.resource.object_path(&target.id)).await else {
            found.push((target.id.clone(), "it is not there".to_owned()));
            continue;
        };
        match readiness(&target.id, &live) {
            _ if live.pointer("/spec/replicas").and_then(Value::as_i64) == Some(0) => {
                found.push((target.id.clone(), "it has no replicas".to_owned()));
            }
            Readiness::Ready => {}
            Readiness::Progressing(reason) | Readiness::Failed(reason) => found.push((target.id.clone(), reason)),
        }
    }
    found
}

/// Who would have to release a custom resource, where that one does not seem to run.
fn who_releases(target: &Target, workloads: &[Target], idle: &[(ObjectId, String)]) -> Option<String> {
    let of_component = || workloads.iter().filter(|workload| workload.component == target.component);
    let mut idle = idle.iter().filter(|(id, _)| of_component().count() == 0 || of_component().any(|workload| workload.id == *id));
    match idle.next() {
        Some((id, reason)) => Some(format!("its controller may not answer: {id}: {reason}")),
        None if workloads.is_empty() => Some("no controller of the app runs in the cluster that could release it".to_owned()),
        None => None,
    }
}
