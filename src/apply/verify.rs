//! Everything that can be refused is refused before the first write: each object that will be written goes through a dry-run on
//! the server, or, where the server can't do one yet, through what comes closest.

use std::collections::HashSet;

use futures::stream::{self, StreamExt};
use serde::Serialize;
use serde_json::Value;

use super::check::Wanted;
use super::compare;
use super::engine::{CONCURRENCY, Run};
use super::event::{Event, Phase};
use super::report::Problem;
use super::schema;
use super::write::{self, Mode};
use crate::cluster::{Answer, Class, Connection, Failure, Part};
use crate::object::ObjectId;

/// What stands for a dry-run of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// A dry-run of the object itself.
    DryRun,
    /// A dry-run in a namespace that exists: the object's own comes with this run.
    StandIn,
    /// The schema of the definition that comes with this run.
    Schema,
    /// None: a webhook takes no part in dry-runs or does not answer yet, or what refused it holds elsewhere alone.
    AtWrite,
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
    Good {
        /// What was found there, where that was not known before: it was no member of the set, or no longer was one.
        met: Option<Value>,
        /// What the server would make of it.
        answer: Option<Value>,
        check: Check,
    },
    /// It is there already, as wanted.
    Unchanged,
    /// It is refused.
    Bad(Problem),
}

/// Checks all objects that would be written. Marks those that turn out unchanged; returns every problem, not the first alone.
/// The server's answers are kept where the caller wants to show them.
pub(super) async fn verify(run: &Run<'_>, objects: &mut [Wanted], keep_answers: bool) -> Result<Vec<Problem>, Failure> {
    let pending = |objects: &[Wanted]| objects.iter().filter(|wanted| wanted.pending).count();
    run.events.send(Event::Phase { phase: Phase::Check, objects: pending(objects) });
    let ids = objects.iter().filter(|wanted| wanted.pending).map(|wanted| wanted.member.object.id.clone());
    let namespaces = &existing_namespaces(run.connection, ids).await?;
    let definitions: Vec<&Wanted> =
        objects.iter().filter(|wanted| wanted.member.object.id.is("apiextensions.k8s.io", "CustomResourceDefinition")).collect();
    let definitions = &definitions;
    let verdicts: Vec<Result<(usize, Verdict), Failure>> =
        stream::iter(objects.iter().enumerate().filter(|(_, wanted)| wanted.pending))
            .map(|(index, wanted)| async move {
                let mut verdict = match check_for(wanted, namespaces) {
                    Check::Schema => by_schema(wanted, definitions),
                    check => by_server(run, wanted, check, keep_answers).await?,
                };
                if let Verdict::Good { answer, .. } = &mut verdict
                    && !keep_answers
                {
                    *answer = None;
                }
                run.events.send(Event::Checked { object: wanted.member.object.id.clone() });
                Ok((index, verdict))
            })
            .buffer_unordered(CONCURRENCY)
            .collect()
            .await;
    let mut problems = Vec::new();
    for verdict in verdicts {
        let (index, verdict) = verdict?;
        let object = &mut objects[index];
        match verdict {
            Verdict::Good { met, answer, check } => {
                (object.check, object.answer) = (Some(check), answer);
                if let Some(live) = met {
                    object.meet(live);
                }
            }
            // What is as wanted may still lack values.
            Verdict::Unchanged => object.pending = !object.lacking.is_empty(),
            Verdict::Bad(problem) => problems.push(problem),
        }
    }
    problems.sort_by(|one, other| one.object.cmp(&other.object));
    Ok(problems)
}

fn by_schema(wanted: &Wanted, definitions: &[&Wanted]) -> Verdict {
    let object = &wanted.member.object;
    let defines = |definition: &&&Wanted| {
        let text = |pointer: &str| definition.member.object.content.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        text("/spec/group") == object.id.group && text("/spec/names/kind") == object.id.kind
    };
    let good = Verdict::Good { met: None, answer: None, check: Check::Schema };
    let Some(definition) = definitions.iter().find(defines) else { return good };
    let violations = schema::violations(&definition.member.object.content, &object.version, &wanted.content);
    if violations.is_empty() {
        return good;
    }
    let lines: Vec<String> = violations.into_iter().map(|(field, what)| format!("{field}: {what}")).collect();
    Verdict::Bad(Problem::new(&wanted.member, &Failure { class: Class::Invalid, message: lines.join("; "), retry_after: None }))
}

async fn by_server(run: &Run<'_>, wanted: &Wanted, check: Check, keep_answer: bool) -> Result<Verdict, Failure> {
    let answer = dry_run(run, wanted, check, keep_answer).await;
    let was_there = match &answer {
        Ok(Some(answer)) => !answer.created,
        Err(failure) => matches!(failure.class, Class::Conflict(_)),
        Ok(None) => false,
    };
    // What others keep in an object is known only once it is read, and only members of the set have been.
    if check == Check::DryRun && was_there && wanted.live.is_none() {
        let live = run.connection.read(&wanted.member.resource.object_path(&wanted.member.object.id)).await?;
        let mut met = wanted.clone();
        met.meet(live.clone());
        return Ok(match verdict(&met, check, dry_run(run, &met, check, keep_answer).await)? {
            Verdict::Good { answer, check, .. } => Verdict::Good { met: Some(live), answer, check },
            other => other,
        });
    }
    verdict(wanted, check, answer)
}

/// The server's answer to a dry-run; `None` where it can't tell now, and the write will.
async fn dry_run(run: &Run<'_>, wanted: &Wanted, check: Check, keep_answer: bool) -> Result<Option<Answer>, Failure> {
    let member = &wanted.member;
    let part = if keep_answer { Part::Whole } else { wanted.needed() };
    let mode = if check == Check::StandIn { Mode::StandIn } else { Mode::DryRun };
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    write::retrying(&member.object.id, deadline, &run.events, run.stop.clone(), async || {
        match write::send(run.connection, member, &wanted.content, run.settings.force_conflicts, mode, part).await {
            // Nothing behind a webhook: that is what the run may be about to mend.
            Err(failure) if matches!(failure.class, Class::WebhookNotReady | Class::NoDryRun | Class::Terminating) => Ok(None),
            // The kind vanished since discovery, or the namespace: the write will tell.
            Err(failure) if matches!(failure.class, Class::NoMatch | Class::NotFound) => Ok(None),
            // In a namespace that isn't its own these say nothing about the object.
            Err(failure)
                if check == Check::StandIn && matches!(failure.class, Class::Forbidden | Class::Denied | Class::Conflict(_)) =>
            {
                Ok(None)
            }
            // Nor does a change that another object of its name, which is there by chance, can't take.
            Err(failure)
                if check == Check::StandIn
                    && failure.class == Class::Invalid
                    && write::stand_in_exists(run.connection, member).await? =>
            {
                Ok(None)
            }
            answer => answer.map(Some),
        }
    })
    .await
}

fn verdict(wanted: &Wanted, check: Check, answer: Result<Option<Answer>, Failure>) -> Result<Verdict, Failure> {
    match answer {
        Ok(None) => Ok(Verdict::Good { met: None, answer: None, check: Check::AtWrite }),
        Ok(Some(answer)) if wanted.live.as_ref().is_some_and(|live| compare::is_same_result(&answer.body, live)) => {
            Ok(Verdict::Unchanged)
        }
        Ok(Some(answer)) => Ok(Verdict::Good { met: None, answer: Some(answer.body), check }),
        Err(failure) if matches!(failure.class, Class::Busy | Class::Unauthorized) => Err(failure),
        Err(failure) => Ok(Verdict::Bad(Problem::new(&wanted.member, &failure))),
    }
}

/// The namespaces among `wanted` that exist. Only those that matter are asked for.
async fn existing_namespaces(
    connection: &Connection,
    wanted: impl Iterator<Item = ObjectId>,
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
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await;
    answers.into_iter().filter_map(Result::transpose).collect()
}
