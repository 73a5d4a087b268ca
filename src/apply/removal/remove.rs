//! The deletion itself: stage by stage, each gone before the next begins; the inventories last.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Instant;

use serde_json::Value;
use tokio::sync::watch;

use super::{CONCURRENCY, Removal, Removed, Target, read_facts};
use crate::apply::event::{Event, Events, Phase};
use crate::apply::inventory::Inventory;
use crate::apply::keep;
use crate::apply::live::Live;
use crate::apply::records;
use crate::apply::report::{Outcome, Problem, Unready};
use crate::apply::settled::Settled;
use crate::apply::stage::Stage;
use crate::apply::surroundings::silent_services;
use crate::apply::vanish;
use crate::apply::write::retrying;
use crate::cluster::{Connection, Discovery, Failure};
use crate::object::ObjectId;

/// Deletes what the look found, and ends or trims the inventories.
pub async fn remove(
    connection: &Connection,
    mut removal: Removal,
    deadline: Instant,
    events: &Events,
    stop: watch::Receiver<bool>,
) -> Result<Removed, Failure> {
    let objects = removal.going.len() + usize::from(removal.system.is_some());
    events.send(Event::Phase { phase: Phase::Delete, objects });
    for kept in &removal.kept {
        events.send(Event::Kept { object: kept.object.clone(), reason: kept.reason.clone() });
    }
    let mut removed = Removed::default();
    let mut stopped = stop;
    let result = tokio::select! {
        result = remove_all(connection, &mut removal, deadline, events, &mut removed) => Some(result),
        _ = stopped.wait_for(|stop| *stop) => None,
    };
    match result {
        Some(result) => result?,
        None => removed.interrupted = true,
    }
    removed.kept.append(&mut removal.kept);
    Ok(removed)
}

async fn remove_all(
    connection: &Connection,
    removal: &mut Removal,
    deadline: Instant,
    events: &Events,
    removed: &mut Removed,
) -> Result<(), Failure> {
    let going = std::mem::take(&mut removal.going);
    let workloads: Vec<Target> = going.iter().filter(|target| target.stage == Stage::Workloads).cloned().collect();
    let stages: BTreeSet<Stage> = going.iter().map(|target| target.stage).collect();
    for stage in stages {
        let mut targets: Vec<Target> = going.iter().filter(|target| target.stage == stage).cloned().collect();
        look_again(connection, removal, &mut targets, events, removed).await?;
        vanish::vanish(connection, &targets, &workloads, &removal.facts, deadline, events, removed).await;
        if removed.outcome() != Outcome::Done {
            return Ok(());
        }
    }
    finish(connection, removal, deadline, events, removed).await
}

/// Definitions and namespaces take what is in them along, so they are looked into right before they go.
async fn look_again(
    connection: &Connection,
    removal: &mut Removal,
    targets: &mut Vec<Target>,
    events: &Events,
    removed: &mut Removed,
) -> Result<(), Failure> {
    let Some(stage) = targets.first().map(|target| target.stage) else { return Ok(()) };
    if !matches!(stage, Stage::Definitions | Stage::Namespaces) {
        return Ok(());
    }
    if stage == Stage::Namespaces {
        for (object, message) in silent_services(connection).await? {
            removed.problems.push(Problem {
                hint: format!(
                    "mend what is behind it, or delete it: `kubectl delete apiservice {}`; then run the same command again",
                    object.name
                ),
                reason: format!("nothing answers behind it, and while it is there no namespace can go: {message}"),
                object,
                component: String::new(),
                file: String::new(),
            });
        }
        if !removed.problems.is_empty() {
            targets.clear();
            return Ok(());
        }
    }
    // What is gone may have taken kinds along.
    let discovery = Discovery::read(connection).await?;
    // Nothing that was to go before is there any more; what is there now came meanwhile.
    removal.facts.going.clear();
    read_facts(connection, &discovery, targets.iter(), &mut removal.facts).await;
    let kept = removal.judge(targets);
    removed.kept.extend(kept.iter().cloned());
    for kept in kept {
        events.send(Event::Kept { object: kept.object, reason: kept.reason });
    }
    Ok(())
}

/// The inventories, and their namespace. What is kept stays recorded, so that a later run still finds it.
async fn finish(
    connection: &Connection,
    removal: &mut Removal,
    deadline: Instant,
    events: &Events,
    removed: &mut Removed,
) -> Result<(), Failure> {
    for (set, ids) in &removal.members {
        if removed.kept.iter().any(|kept| ids.contains(&kept.object)) {
            removal.facts.staying.insert(set.clone());
        }
    }
    let mut system: Vec<Target> = removal.system.take().into_iter().collect();
    look_again(connection, removal, &mut system, events, removed).await?;
    if !removed.problems.is_empty() {
        return Ok(());
    }
    // The policies that name them are gone.
    for edit in &removal.edits {
        if let Err(failure) = edit.write(connection, false, deadline, events, to_the_end()).await {
            removed.problems.push(edit.problem(&failure));
            return Ok(());
        }
    }
    let gone: HashSet<&ObjectId> = removed.deleted.iter().collect();
    let mut left = removal.members.clone();
    for ids in left.values_mut() {
        ids.retain(|id| !gone.contains(id));
    }
    let leaves = system.first().map(|target| target.component.clone());
    for inventory in &removal.inventories {
        let (set, id) = (inventory.id(), inventory.object());
        let left = left.get(&set).map(Vec::as_slice).unwrap_or_default();
        if leaves.as_ref() == Some(&inventory.component) {
            // The one that names the namespace goes with it, last of all.
            continue;
        }
        let ends = leaves.is_some() || left.is_empty() && !removal.facts.staying.contains(&set);
        let mut trimmed = (!ends).then(|| inventory.with(left));
        if let Some(trimmed) = trimmed.as_mut().filter(|_| !removal.running.contains(&set)) {
            trimmed.entries.clear();
        }
        if trimmed.as_ref() == Some(inventory) {
            continue;
        }
        let replaced = async || {
            if trimmed.is_some() {
                records::stand(connection, &records::bare_namespace(), &mut false).await?;
            }
            inventory.replace(connection, trimmed.as_ref()).await
        };
        if !retrying(&id, deadline, events, to_the_end(), replaced).await? {
            let reason = "another run of kfctl has written to it meanwhile".to_owned();
            removed.unready.push(Unready { object: id, reason });
        }
    }
    keep_known(connection, removal, &left, deadline, events, removed).await?;
    if !system.is_empty() && removed.unready.is_empty() {
        vanish::vanish(connection, &system, &[], &removal.facts, deadline, events, removed).await;
        keep_known(connection, removal, &left, deadline, events, removed).await?;
    }
    Ok(())
}

/// What an apply of the same app has made since the look would be known to nobody, so its inventory comes back. That apply looks
/// after its inventories when it has written its last object: whichever of the two is later sees what the other did.
async fn keep_known(
    connection: &Connection,
    removal: &Removal,
    left: &BTreeMap<String, Vec<ObjectId>>,
    deadline: Instant,
    events: &Events,
    removed: &mut Removed,
) -> Result<(), Failure> {
    if removal.inventories.is_empty() {
        return Ok(());
    }
    let discovery = Discovery::read(connection).await?;
    let inventories: Vec<&Inventory> = removal.inventories.iter().collect();
    // Of what converts the objects of a definition that stays, nothing may run any more.
    let nothing = Settled::default();
    let (live, _) = Live::read_unless(connection, &discovery, &inventories, &[], CONCURRENCY, &nothing).await?;
    for inventory in inventories {
        let set = inventory.id();
        let known = left.get(&set).map(Vec::as_slice).unwrap_or_default();
        let ours =
            |object: &Value| keep::set_of(object) == Some(&set) && keep::is_labelled_by_us(object) && !keep::is_owned(object);
        let made = live.iter().filter(|(id, object)| ours(object) && !known.contains(id));
        let mut made: Vec<ObjectId> = made.map(|(id, _)| id.clone()).collect();
        if made.is_empty() {
            continue;
        }
        made.sort();
        let back = inventory.with(known.iter().chain(&made));
        let extended = async || {
            records::stand(connection, &records::bare_namespace(), &mut false).await?;
            back.extend(connection).await
        };
        retrying(&inventory.object(), deadline, events, to_the_end(), extended).await?;
        // To a component that stays it belongs.
        if !removal.facts.staying.contains(&set) {
            let reason = "another run of kfctl has made it meanwhile".to_owned();
            removed.unready.extend(made.into_iter().map(|object| Unready { object, reason: reason.clone() }));
        }
    }
    Ok(())
}

/// A stop that never comes.
fn to_the_end() -> watch::Receiver<bool> {
    watch::channel(false).1
}
