//! One run of the engine: the only file that knows the order of its parts.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::{Duration, Instant};

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::watch;

use super::aside::Aside;
use super::check::{Before, Checked, Wanted, check};
use super::entries::Edit;
use super::event::{Event, Events, Phase};
use super::generate::{self, Password};
use super::inventory::Inventory;
use super::order::{Gate, Order, Task, TaskId};
use super::plan::{Member, Plan};
use super::report::{Outcome, Problem, Report, Unready};
use super::rights::Rights;
use super::schedule::Schedule;
use super::verify::Check;
use super::write::{Change, Mode, retrying, send};
use super::{compare, records, settled, wait};
use crate::catalog::Yield;
use crate::cluster::{Class, Connection, Discovery, Failure};
use crate::error::{Error, Kind, Result};
use crate::object::ObjectId;

/// Requests under way at once: a bound, not a rate. The server asks for less with 429 and Retry-After. Not tuned by measurement yet.
pub(super) const CONCURRENCY: usize = 24;

/// How to run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long the whole run may wait for things to come true.
    pub timeout: Duration,
    /// Whether to wait for readiness.
    pub wait: bool,
    /// Whether to take fields over from other managers.
    pub force_conflicts: bool,
}

/// A run: what to apply, and where.
#[derive(Debug)]
pub struct Run<'a> {
    /// The connection.
    pub connection: &'a Connection,
    /// What the server serves.
    pub discovery: &'a Discovery,
    /// Name of the app.
    pub app: &'a str,
    /// UID of the cluster, as checked.
    pub cluster_uid: &'a str,
    /// Components of the run with their place in the app's order.
    pub components: &'a [(String, usize)],
    /// The plan.
    pub plan: &'a Plan,
    /// Components that are left out, and why.
    pub asides: &'a BTreeMap<String, Aside>,
    /// Items of ours in configurations of somebody else's.
    pub edits: &'a [Edit],
    /// Yielded fields by component.
    pub yields: &'a BTreeMap<String, Vec<Yield>>,
    /// The user's cache, where there is one.
    pub cache: Option<&'a std::path::Path>,
    /// What the caller may do, where it is known.
    pub rights: Option<&'a Rights>,
    /// How.
    pub settings: Settings,
    /// Where events go.
    pub events: Events,
    /// Turns true when the user wants to stop.
    pub stop: watch::Receiver<bool>,
}

/// Runs it. `before_writing` is called once nothing speaks against the first write any more, and stops it with an error.
pub async fn apply(run: &Run<'_>, before_writing: impl FnOnce() -> Result<()>) -> Result<Report> {
    let deadline = Instant::now() + run.settings.timeout;
    let mut stop = run.stop.clone();
    // Nothing is written so far, so it may end in the middle.
    let checked = tokio::select! {
        checked = tokio::time::timeout_at(deadline.into(), check(run, false)) => checked,
        Ok(_) = stop.wait_for(|stop| *stop) => return Ok(Report { interrupted: true, ..Report::default() }),
    };
    let Checked { known, inventories, mut objects, left_over, problems } =
        checked.map_err(|_| too_late(&run.connection.server, run.settings.timeout))??;
    let unread = |kind: &String| run.discovery.is_silent(kind) || left_over.unread.contains_key(kind);
    let mut report = Report { problems, left_over: left_over.ids(), ..Report::default() };
    if !report.problems.is_empty() {
        return Ok(report);
    }
    before_writing()?;

    let inventories_change = inventories
        .iter()
        .any(|(component, fresh)| known.get(component).is_none_or(|known| fresh.clone().union(Some(known)) != *known));
    if inventories_change {
        records::prepare(run, &mut objects, &known, &inventories, deadline, &mut report).await?;
    }
    // Who is to ask the login knows it before anything says so.
    if !edit(run, true, deadline, &mut report).await {
        return Ok(report);
    }
    for (index, seen) in write_all(run, &objects, deadline, &mut report).await {
        objects[index].pending = false;
        objects[index].seen = seen;
    }
    // What was to be written and was not, nobody has seen as wanted.
    objects.iter_mut().filter(|wanted| wanted.pending).for_each(|wanted| wanted.seen = None);
    settled::note(run.cache, run.cluster_uid, run.app, &objects);
    if report.wrote {
        records::keep(run, &objects, &inventories, deadline).await?;
    }

    let finished = report.outcome() == Outcome::Done;
    if finished && run.settings.wait {
        let applysets: BTreeSet<String> = inventories.values().map(Inventory::id).collect();
        let written: HashSet<ObjectId> =
            report.changes.iter().filter(|(_, change)| *change != Change::Unchanged).map(|(id, _)| id.clone()).collect();
        run.events.send(Event::Phase { phase: Phase::Wait, objects: objects.len() });
        tokio::select! {
            unready = wait::ready(run.connection, &run.plan.members, &applysets, &written, deadline, &run.events) => report.unready = unready,
            _ = stop.wait_for(|stop| *stop) => report.interrupted = true,
        }
    }
    // What left the app stays in the inventory until it is pruned; with nothing left over, the inventory is what is wanted.
    if finished && report.left_over.is_empty() && edit(run, false, deadline, &mut report).await {
        for (component, inventory) in &inventories {
            let stored = inventory.clone().union(known.get(component));
            // A kind that can't be read now may have objects left over.
            if stored != *inventory && !stored.group_kinds.iter().any(unread) {
                records::trim(run, &stored, inventory, deadline).await?;
            }
        }
    }
    Ok(report)
}

/// Writes the items of ours in others' configurations: those that are wanted, or those that are not any more. False where one is refused.
async fn edit(run: &Run<'_>, wanted: bool, deadline: Instant, report: &mut Report) -> bool {
    let force = run.settings.force_conflicts;
    for edit in run.edits.iter().filter(|edit| edit.item.is_some() == wanted && edit.is_written(force)) {
        match edit.write(run.connection, force, deadline, &run.events, run.stop.clone()).await {
            Ok(true) => report.changes.push((edit.place.object(), Change::Configured)),
            Ok(false) => continue,
            Err(failure) => report.problems.push(edit.problem(&failure)),
        }
        report.wrote = true;
    }
    report.problems.is_empty()
}

/// The error where a server has not answered in time what has to be known before the first write.
#[must_use]
pub fn too_late(server: &str, timeout: Duration) -> Error {
    Error::new(Kind::NotReady, format!("{server} has not answered all questions within {} s", timeout.as_secs()))
        .detail("nothing was written")
        .hint("give it more time: the same command with --timeout 10m")
}

/// What came of one write.
struct Done {
    change: Change,
    /// The fingerprint of what became of it.
    seen: Option<String>,
    passwords: Vec<Password>,
}

enum Finished {
    Write(TaskId, usize, Result<Done, Failure>),
    Gate(TaskId, Result<(), Unready>),
}

/// Writes in order, as much at once as the order and the server allow. Stops at the first final refusal. Returns what was written,
/// each with the fingerprint of what became of it.
async fn write_all(run: &Run<'_>, objects: &[Wanted], deadline: Instant, report: &mut Report) -> Vec<(usize, Option<String>)> {
    let mut written = Vec::new();
    run.events.send(Event::Phase { phase: Phase::Write, objects: objects.len() });
    let order = &run.plan.order;
    let mut schedule = Schedule::new(order, |task, behind| urgency(objects, order, task, behind));
    let mut running = FuturesUnordered::new();
    let mut writing = 0;
    let mut stop = run.stop.clone();
    let (halt, halted) = watch::channel(false);
    loop {
        // What is under way is finished, but nothing is tried again, and no gate is waited for.
        let ends = report.interrupted || !report.problems.is_empty();
        if ends {
            halt.send_replace(true);
            if writing == 0 {
                break;
            }
        }
        while !ends && writing < CONCURRENCY {
            let Some(task) = schedule.next() else { break };
            match &order.tasks[task] {
                Task::Write(index) if objects[*index].pending => {
                    writing += 1;
                    let (index, halted) = (*index, halted.clone());
                    running.push(futures::future::Either::Left(async move {
                        Finished::Write(task, index, write_one(run, &objects[index], deadline, halted).await)
                    }));
                }
                Task::Gate(gate) if is_needed(run, objects, gate, schedule.behind(task)) => {
                    running.push(futures::future::Either::Right(async move {
                        Finished::Gate(task, wait::gate(run.connection, gate, &run.plan.members, deadline, &run.events).await)
                    }));
                }
                Task::Write(index) => {
                    record(run, report, &objects[*index].member, Change::Unchanged);
                    schedule.done(task);
                }
                Task::Gate(_) | Task::Join => schedule.done(task),
            }
        }
        let finished = tokio::select! {
            finished = running.next() => finished,
            _ = stop.wait_for(|stop| *stop), if !report.interrupted => {
                report.interrupted = true;
                continue;
            }
        };
        match finished {
            None => break,
            Some(Finished::Write(task, index, result)) => {
                writing -= 1;
                report.wrote = true;
                let member = &objects[index].member;
                match result {
                    Ok(Done { change, seen, passwords }) => {
                        record(run, report, member, change);
                        report.passwords.extend(passwords);
                        written.push((index, seen));
                        schedule.done(task);
                    }
                    Err(failure) => {
                        if note(run, report, member, failure, ends) {
                            schedule.done(task);
                        }
                    }
                }
            }
            Some(Finished::Gate(task, Ok(()))) => schedule.done(task),
            // What comes after this gate stays unwritten; the rest goes on.
            Some(Finished::Gate(_, Err(unready))) => report.unready.push(unready),
        }
    }
    written
}

/// Notes what a write was answered instead of being done. Returns whether what comes after it may be written. In a run that `ends`
/// nothing was tried again, and what passes is left to the next.
fn note(run: &Run<'_>, report: &mut Report, member: &Member, failure: Failure, ends: bool) -> bool {
    let object = member.object.id.clone();
    match failure.class {
        Class::WebhookNotReady if !run.settings.wait => {
            run.events.send(Event::Postponed { object: object.clone(), reason: failure.message.clone() });
            report.postponed.push(Unready { object, reason: failure.message });
            true
        }
        _ if ends && failure.is_passing() => false,
        Class::Terminating => {
            report.unready.push(Unready { object, reason: failure.message });
            false
        }
        _ => {
            report.problems.push(Problem::new(member, &failure));
            false
        }
    }
}

/// Definitions first, and among them those whose objects come with the run: the server takes seconds to serve a definition, one after
/// the other, and does so while the rest is written.
fn urgency(objects: &[Wanted], order: &Order, task: TaskId, behind: &[TaskId]) -> u8 {
    match &order.tasks[task] {
        Task::Gate(_) | Task::Join => 0,
        Task::Write(index) => match objects[*index].member.object.id.kind.as_str() {
            "Namespace" => 1,
            "CustomResourceDefinition" if behind.iter().any(|task| matches!(order.tasks[*task], Task::Gate(_))) => 2,
            "CustomResourceDefinition" => 3,
            _ => 4,
        },
    }
}

/// A gate matters where something behind it will be written; `--no-wait` opens all but the necessary ones.
pub(super) fn is_needed(run: &Run<'_>, objects: &[Wanted], gate: &Gate, behind: &[TaskId]) -> bool {
    let writes = |task: &TaskId| match &run.plan.order.tasks[*task] {
        Task::Write(index) => objects[*index].pending,
        Task::Gate(_) | Task::Join => true,
    };
    (run.settings.wait || gate.is_necessary()) && behind.iter().any(writes)
}

fn record(run: &Run<'_>, report: &mut Report, member: &Member, change: Change) {
    run.events.send(Event::Written { object: member.object.id.clone(), component: member.component.clone(), change });
    report.changes.push((member.object.id.clone(), change));
}

async fn write_one(run: &Run<'_>, wanted: &Wanted, deadline: Instant, halted: watch::Receiver<bool>) -> Result<Done, Failure> {
    let member = &wanted.member;
    // Without waiting, a webhook with nothing behind it is left to the next run; a short while is given to one that restarts.
    let patience = if run.settings.wait { deadline } else { deadline.min(Instant::now() + Duration::from_mins(1)) };
    let mode = match wanted.check {
        Some(Check::DryRun | Check::StandIn) => Mode::Checked,
        Some(Check::Schema | Check::AtWrite) | None => Mode::Real,
    };
    let mut lost = false;
    let answer = retrying(&member.object.id, patience, &run.events, halted.clone(), async || {
        let answer = send(run.connection, member, &wanted.content, run.settings.force_conflicts, mode, wanted.needed()).await;
        lost |= answer.as_ref().is_err_and(|failure| failure.class == Class::Busy);
        match answer {
            Err(failure) if !run.settings.wait && failure.class == Class::WebhookNotReady => Ok(Err(failure)),
            answer => answer.map(Ok),
        }
    })
    .await??;
    for message in answer.warnings {
        run.events.send(Event::Warning { object: Some(member.object.id.clone()), message });
    }
    // A kind in two versions is read in one of them: there the version of the object itself tells.
    let same = wanted.live.as_ref().is_some_and(|live| {
        live.pointer("/metadata/resourceVersion") == answer.body.pointer("/metadata/resourceVersion")
            || compare::is_same_result(&answer.body, live)
    });
    // An answer may be lost after the server did its work: the next attempt meets what this run itself created.
    let created = answer.created || wanted.before == Before::Made || lost && wanted.before == Before::Nothing;
    let change = match (created, same) {
        (true, _) => Change::Created,
        (false, true) => Change::Unchanged,
        (false, false) => Change::Configured,
    };
    let seen = settled::fingerprint(&member.object.id, &answer.body);
    if wanted.lacking.is_empty() {
        return Ok(Done { change, seen, passwords: Vec::new() });
    }
    let fill = async || generate::fill(run.connection, member).await;
    let (keys, passwords) = retrying(&member.object.id, patience, &run.events, halted, fill).await?;
    if !keys.is_empty() {
        run.events.send(Event::Generated { object: member.object.id.clone(), keys });
    }
    Ok(Done { change: if change == Change::Unchanged { Change::Configured } else { change }, seen, passwords })
}
