//! Waiting: for gates between writes, and for what was written to become ready. Says why something does not.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::pin::pin;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use serde_json::Value;

use super::event::{Event, Events};
use super::order::Gate;
use super::plan::Member;
use super::pods::explain;
use super::report::Unready;
use super::status::{Readiness, becomes_ready, readiness};
use super::watches::{Seen, watch};
use super::webhooks::backends;
use crate::cluster::{Class, Connection, Failure};
use crate::labels::{APPLYSET_PART_OF, SERVICE_NAME};
use crate::object::{ObjectId, list};

/// A pause between two looks at the same thing, growing up to the longest. Whether a kind is served is asked more often: it is told
/// from memory, soon true, and writes wait for it.
const FIRST_LOOK: Duration = Duration::from_millis(50);
const LONGEST_LOOK: Duration = Duration::from_secs(1);
const LONGEST_LOOK_FOR_A_KIND: Duration = Duration::from_millis(200);

/// How long something is waited for before it is said.
const SILENCE: Duration = Duration::from_secs(1);

/// Waits until the gate opens; at `deadline` the reason why it did not.
pub(super) async fn gate(
    connection: &Connection,
    gate: &Gate,
    members: &[Member],
    deadline: Instant,
    events: &Events,
) -> Result<(), Unready> {
    let longest = if gate.is_necessary() { LONGEST_LOOK_FOR_A_KIND } else { LONGEST_LOOK };
    let started = Instant::now();
    let mut pause = FIRST_LOOK;
    let mut told = String::new();
    loop {
        let reason = match look(connection, gate, members).await {
            Ok(None) => return Ok(()),
            Ok(Some(reason)) => reason,
            Err(failure) => failure.message,
        };
        if Instant::now() + pause > deadline {
            let unready = vec![Unready { object: gate.object().clone(), reason }];
            let mut told = explain(connection, unready, |unready| content(&unready.object, members)).await;
            return Err(told.remove(0));
        }
        if started.elapsed() > SILENCE && told != reason {
            events.send(Event::Waiting { object: gate.object().clone(), reason: reason.clone() });
            told = reason;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
}

/// `None` where the gate is open, else why not.
async fn look(connection: &Connection, gate: &Gate, members: &[Member]) -> Result<Option<String>, Failure> {
    match gate {
        Gate::Served(_, served) => {
            for (group, version, plural) in served {
                let served_kinds = match connection.get(&format!("/apis/{group}/{version}")).await {
                    Ok(kinds) => kinds,
                    Err(failure) if matches!(failure.class, Class::NoMatch | Class::NotFound) => Value::Null,
                    Err(failure) => return Err(failure),
                };
                let resources = list(&served_kinds, "/resources");
                if !resources.iter().any(|resource| resource.get("name").and_then(Value::as_str) == Some(plural)) {
                    return Ok(Some(format!("{plural}.{group}/{version} is not served yet")));
                }
            }
            Ok(None)
        }
        Gate::Ready(id) | Gate::Available(id) => {
            let object = connection.get(&path_of(id, members)).await?;
            Ok(match readiness(id, &object) {
                Readiness::Ready => None,
                Readiness::Progressing(reason) | Readiness::Failed(reason) => Some(reason),
            })
        }
        Gate::WebhookAnswers(id) => {
            let configuration = connection.get(&path_of(id, members)).await?;
            let webhooks = list(&configuration, "/webhooks");
            let without_ca = webhooks.iter().find(|webhook| {
                webhook.pointer("/clientConfig/service").is_some()
                    && webhook.pointer("/clientConfig/caBundle").and_then(Value::as_str).unwrap_or_default().is_empty()
            });
            if let Some(webhook) = without_ca {
                return Ok(Some(format!("webhook {} has no caBundle yet", webhook["name"].as_str().unwrap_or_default())));
            }
            for (namespace, name) in backends(&configuration) {
                if !has_endpoints(connection, &namespace, &name).await? {
                    return Ok(Some(format!("service {namespace}/{name} has nothing ready behind it")));
                }
            }
            Ok(None)
        }
    }
}

async fn has_endpoints(connection: &Connection, namespace: &str, service: &str) -> Result<bool, Failure> {
    let path =
        format!("/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices?labelSelector={SERVICE_NAME}%3D{service}");
    let slices = connection.get(&path).await?;
    Ok(list(&slices, "/items")
        .iter()
        .flat_map(|slice| list(slice, "/endpoints"))
        .any(|endpoint| endpoint.pointer("/conditions/ready").and_then(Value::as_bool).unwrap_or(true)))
}

fn path_of(id: &ObjectId, members: &[Member]) -> String {
    members.iter().find(|member| member.object.id == *id).map_or_else(String::new, |member| member.resource.object_path(id))
}

/// Waits until all members are ready; returns those that are not at `deadline`, each with the reason.
pub(super) async fn ready(
    connection: &Connection,
    members: &[Member],
    applysets: &BTreeSet<String>,
    written: &HashSet<ObjectId>,
    deadline: Instant,
    events: &Events,
) -> Vec<Unready> {
    // Kinds of our own definitions may say Ready too, but only objects just written are asked: others' state is not this run's.
    let watched = |member: &&Member| {
        becomes_ready(&member.object.id) || written.contains(&member.object.id) && is_custom(&member.object.id)
    };
    let mut waiting: BTreeMap<ObjectId, String> =
        members.iter().filter(watched).map(|member| (member.object.id.clone(), "not seen yet".to_owned())).collect();
    let mut unready: Vec<Unready> = Vec::new();
    let kinds: BTreeMap<(String, String), &Member> = members
        .iter()
        .filter(watched)
        .map(|member| ((member.object.id.group.clone(), member.object.id.kind.clone()), member))
        .collect();
    let selector = format!("{APPLYSET_PART_OF} in ({})", applysets.iter().cloned().collect::<Vec<_>>().join(","));
    let streams = kinds.values().map(|member| watch(connection, &member.resource, None, &selector));
    let mut changes = pin!(stream::select_all(streams));
    while !waiting.is_empty() {
        let Ok(change) = tokio::time::timeout_at(deadline.into(), changes.next()).await else { break };
        // A broken watch repairs itself; the deadline bounds it.
        let (id, object) = match change {
            Some(Seen::Object(_, id, object)) => (id, object),
            Some(_) => continue,
            None => break,
        };
        let Some(reason) = waiting.get_mut(&id) else { continue };
        match readiness(&id, &object) {
            Readiness::Ready => {
                waiting.remove(&id);
                events.send(Event::Ready { object: id });
            }
            Readiness::Failed(why) => {
                waiting.remove(&id);
                unready.push(Unready { object: id, reason: why });
            }
            Readiness::Progressing(why) => {
                if *reason != why {
                    events.send(Event::Waiting { object: id.clone(), reason: why.clone() });
                }
                *reason = why;
            }
        }
    }
    unready.extend(waiting.into_iter().map(|(object, reason)| Unready { object, reason }));
    explain(connection, unready, |unready| content(&unready.object, members)).await
}

fn content<'a>(id: &ObjectId, members: &'a [Member]) -> Option<&'a Value> {
    members.iter().find(|member| member.object.id == *id).map(|member| &*member.object.content)
}

fn is_custom(id: &ObjectId) -> bool {
    id.group.contains('.') && !id.group.ends_with(".k8s.io")
}
