//! Everything that can be refused is refused before the first write: each object that will be written goes through a dry-run on
//! the server, or, where the server can't do one yet, through what comes closest.

use std::collections::HashSet;

use futures::stream::{self, StreamExt};
use serde_json::Value;

use super::check::Wanted;
use super::compare;
use super::event::{Event, Events};
use super::report::Problem;
use super::schema;
use super::write::{self, Mode};
use crate::cluster::{Answer, Class, Connection, Failure};
use crate::object::ObjectId;

/// What stands for a dry-run of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// A dry-run of the object itself.
    DryRun,
    /// A dry-run in a namespace that exists: the object's own comes with this run.
    StandIn,
    /// The schema of the definition that comes with this run.
    Schema,
}

/// Which check an object gets.
pub(super) fn check_for(wanted: &Wanted, namespaces: &HashSet<String>) -> Check {
    let id = &wanted.member.object.id;
    if !wanted.member.served {
        Check::Schema
    } else if id.namespace.is_empty() || namespaces.contains(&id.namespace) {
        Check::DryRun
    } else {
        Check::StandIn
    }
}

/// The verdict on one object.
enum Verdict {
    /// It may be written.
    Good,
    /// It may be written; it was there without being a member of the set, or no longer was one.
    Met(Value),
    /// It is there already, as wanted.
    Unchanged,
    /// It is refused.
    Bad(Problem),
}

/// Checks all objects that would be written. Marks those that turn out unchanged; returns every problem, not the first alone.
pub(super) async fn verify(
    connection: &Connection,
    objects: &mut [Wanted],
    namespaces: &HashSet<String>,
    force: bool,
    concurrency: usize,
    events: &Events,
) -> Result<Vec<Problem>, Failure> {
    let definitions: Vec<&Wanted> =
        objects.iter().filter(|wanted| wanted.member.object.id.is("apiextensions.k8s.io", "CustomResourceDefinition")).collect();
    let verdicts: Vec<Result<(usize, Verdict), Failure>> =
        stream::iter(objects.iter().enumerate().filter(|(_, wanted)| wanted.pending))
            .map(|(index, wanted)| {
                let definitions = &definitions;
                async move {
                    let verdict = match check_for(wanted, namespaces) {
                        Check::Schema => by_schema(wanted, definitions),
                        check => by_server(connection, wanted, check, force, events).await?,
                    };
                    events.send(Event::Checked { object: wanted.member.object.id.clone() });
                    Ok((index, verdict))
                }
            })
            .buffer_unordered(concurrency)
            .collect()
            .await;
    let mut problems = Vec::new();
    for verdict in verdicts {
        match verdict? {
            (_, Verdict::Good) => {}
            (index, Verdict::Met(live)) => objects[index].meet(live),
            (index, Verdict::Unchanged) => objects[index].pending = false,
            (_, Verdict::Bad(problem)) => problems.push(problem),
        }
    }
    problems.sort_by(|one, other| one.object.cmp(&other.object));
    Ok(problems)
}

fn by_schema(wanted: &Wanted, definitions: &[&Wanted]) -> Verdict {
    let object = &wanted.member.object;
    let defines = |definition: &&&Wanted| {
        let text = |pointer: &str| definition.content.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        text("/spec/group") == object.id.group && text("/spec/names/kind") == object.id.kind
    };
    let Some(definition) = definitions.iter().find(defines) else { return Verdict::Good };
    let violations = schema::violations(&definition.content, &object.version, &wanted.content);
    if violations.is_empty() {
        return Verdict::Good;
    }
    let lines: Vec<String> = violations.into_iter().map(|(field, what)| format!("{field}: {what}")).collect();
    Verdict::Bad(Problem::new(&wanted.member, &Failure { class: Class::Invalid, message: lines.join("; "), retry_after: None }))
}

async fn by_server(
    connection: &Connection,
    wanted: &Wanted,
    check: Check,
    force: bool,
    events: &Events,
) -> Result<Verdict, Failure> {
    let answer = dry_run(connection, wanted, check, force, events).await;
    let was_there = match &answer {
        Ok(Some(answer)) => !answer.created,
        Err(failure) => matches!(failure.class, Class::Conflict(_)),
        Ok(None) => false,
    };
    // What others keep in an object is known only once it is read, and only members of the set have been.
    if check == Check::DryRun && was_there && wanted.live.is_none() {
        let live = connection.read(&wanted.member.resource.object_path(&wanted.member.object.id)).await?;
        let mut met = wanted.clone();
        met.meet(live.clone());
        return Ok(match verdict(&met, dry_run(connection, &met, check, force, events).await)? {
            Verdict::Good => Verdict::Met(live),
            other => other,
        });
    }
    verdict(wanted, answer)
}

/// The server's answer to a dry-run; `None` where it can't tell now, and the write will.
async fn dry_run(
    connection: &Connection,
    wanted: &Wanted,
    check: Check,
    force: bool,
    events: &Events,
) -> Result<Option<Answer>, Failure> {
    let member = &wanted.member;
    let mode = if check == Check::StandIn { Mode::StandIn } else { Mode::DryRun };
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    write::retrying(&member.object.id, deadline, events, async || {
        match write::send(connection, member, &wanted.content, force, mode).await {
            // Nothing behind a webhook: that is what the run may be about to mend.
            Err(failure) if matches!(failure.class, Class::WebhookNotReady | Class::NoDryRun | Class::NamespaceTerminating) => {
                Ok(None)
            }
            // The kind vanished since discovery, or the namespace: the write will tell.
            Err(failure) if matches!(failure.class, Class::NoMatch | Class::NotFound) => Ok(None),
            // In a namespace that isn't its own these say nothing about the object.
            Err(failure) if check == Check::StandIn && matches!(failure.class, Class::Forbidden | Class::Conflict(_)) => Ok(None),
            Err(failure) if check == Check::StandIn && failure.message.contains("immutable") => Ok(None),
            answer => answer.map(Some),
        }
    })
    .await
}

fn verdict(wanted: &Wanted, answer: Result<Option<Answer>, Failure>) -> Result<Verdict, Failure> {
    match answer {
        Ok(answer) => {
            let unchanged = |answer: &Value| wanted.live.as_ref().is_some_and(|live| compare::is_same_result(answer, live));
            Ok(if answer.is_some_and(|answer| unchanged(&answer.body)) { Verdict::Unchanged } else { Verdict::Good })
        }
        Err(failure) if matches!(failure.class, Class::Busy | Class::Unauthorized) => Err(failure),
        Err(failure) => Ok(Verdict::Bad(Problem::new(&wanted.member, &failure))),
    }
}

/// The namespaces among `wanted` that exist. Only those that matter are asked for.
pub(super) async fn existing_namespaces(
    connection: &Connection,
    wanted: impl Iterator<Item = ObjectId>,
    concurrency: usize,
) -> Result<HashSet<String>, Failure> {
    let names: HashSet<String> = wanted.map(|id| id.namespace).filter(|namespace| !namespace.is_empty()).collect();
    let answers: Vec<Result<Option<String>, Failure>> = stream::iter(names)
        .map(|name| async move {
            match connection.read(&format!("/api/v1/namespaces/{name}")).await {
                Ok(_) => Ok(Some(name)),
                Err(failure) if failure.class == Class::NotFound => Ok(None),
                // Whoever may not read namespaces may still be allowed to write in this one.
                Err(failure) if failure.class == Class::Forbidden => Ok(Some(name)),
                Err(failure) => Err(failure),
            }
        })
        .buffer_unordered(concurrency)
        .collect()
        .await;
    answers.into_iter().filter_map(Result::transpose).collect()
}
