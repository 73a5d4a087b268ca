//! The first half of every run: what is there is read and compared, and what differs is checked. Writes nothing, so that `apply`
//! goes on from here, and `diff` and `apply --dry-run` end here.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::engine::{CONCURRENCY, Run};
use super::event::{Event, Phase};
use super::generate::{self, Recipe};
use super::guard::check_inventories;
use super::inventory::{Inventory, inventories, of_all_apps};
use super::live::Live;
use super::plan::Member;
use super::report::Problem;
use super::rights::Need;
use super::settled::{Settled, fingerprint};
use super::verify::{Check, verify};
use super::{compare, yields};
use crate::catalog::Yield;
use crate::cluster::{Failure, Part};
use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::labels;
use crate::object::ObjectId;

/// Objects that one error names.
const NAMED: usize = 5;

/// What a run knows before its first write.
pub(super) struct Checked {
    /// The app's inventories in the cluster, by component.
    pub known: BTreeMap<String, Inventory>,
    /// Those that this run's components should have.
    pub inventories: BTreeMap<String, Inventory>,
    /// Every member of the plan, in its order.
    pub objects: Vec<Wanted>,
    /// Objects of these components that are in the cluster, but no longer in the plan.
    pub left_over: Live,
    /// Everything that would be refused.
    pub problems: Vec<Problem>,
}

/// What was there of an object's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing.
    Nothing,
    /// Nothing, and this run has made it by now, for what it writes first.
    Made,
    /// Something.
    Something,
}

/// An object of the run, with what is known of it.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub member: Member,
    /// What is sent.
    pub content: Arc<Value>,
    /// What would be sent, whatever is there, as a digest.
    pub digest: String,
    /// The object as it was when last seen as wanted.
    pub seen: Option<String>,
    /// What is there, where it differs.
    pub live: Option<Value>,
    /// Whether it has to be written.
    pub pending: bool,
    /// What was there of its identity.
    pub before: Before,
    /// How it was checked, where it has to be written.
    pub check: Option<Check>,
    /// What the server would make of it, where that is kept.
    pub answer: Option<Value>,
    /// How the values come to be that it lacks.
    pub lacking: BTreeMap<String, Recipe>,
    /// Fields that its component yields to other managers.
    yields: Vec<Yield>,
    /// Whether an autoscaler of the plan keeps its replicas.
    scaled: bool,
}

impl Wanted {
    /// Everything that decides what is sent, but for what is there.
    fn digest(&self) -> String {
        let content = &self.member.object.content;
        sha256(format!("{} {:?} {} {content}", env!("CARGO_PKG_VERSION"), self.yields, self.scaled).as_bytes())
    }

    /// Takes what is there, if anything is.
    fn fill(&mut self, live: &mut Live) {
        if let Some(live) = live.take(&self.member.object.id) {
            self.meet(live);
        }
    }

    /// How much of the object an answer has to hold: what was there is compared with all of it.
    pub(super) fn needed(&self) -> Part {
        if self.live.is_some() { Part::Whole } else { Part::Metadata }
    }

    /// Takes into account what is there.
    pub(super) fn meet(&mut self, live: Value) {
        let id = &self.member.object.id;
        self.content = yields::without_yielded(id, Arc::clone(&self.content), Some(&live), &self.yields, self.scaled);
        self.before = Before::Something;
        self.lacking = generate::lacking(&self.member.object.content, Some(&live));
        self.pending = !compare::is_unchanged(&self.content, &live) || !self.lacking.is_empty();
        self.seen = fingerprint(id, &live);
        self.live = self.pending.then_some(live);
    }
}

/// Reads, compares and checks. The server's answers to the dry-runs are kept where the caller wants to show them.
pub(super) async fn check(run: &Run<'_>, keep_answers: bool) -> Result<Checked> {
    let explain = |what: &'static str| move |failure: Failure| run.connection.explain(&failure, what);
    let known =
        inventories(run.connection, run.app).await.map_err(explain("read the inventories in namespace kubeflow-system"))?;
    check_inventories(&known, run.cluster_uid)?;
    let inventory_of = |(component, order): &(String, usize)| {
        let mut inventory = Inventory::of(run.app, component, run.cluster_uid, *order, &run.plan.members);
        if let Some(aside) = run.asides.get(component) {
            inventory.aside.clone_from(&aside.object);
            run.events.send(Event::LeftOut { component: component.clone(), reason: aside.to_string() });
        }
        let edits = run.edits.iter().filter(|edit| edit.component == *component);
        inventory.entries = edits.flat_map(|edit| edit.records(run.settings.force_conflicts)).collect();
        (component.clone(), inventory)
    };
    let inventories: BTreeMap<String, Inventory> = run.components.iter().map(inventory_of).collect();

    run.events.send(Event::Phase { phase: Phase::Read, objects: run.plan.members.len() });
    let existing: Vec<&Inventory> = run.components.iter().filter_map(|(component, _)| known.get(component)).collect();
    let mut objects = alone(run);
    for wanted in &mut objects {
        wanted.digest = wanted.digest();
    }
    let (mut live, mut as_before) = Default::default();
    if !existing.is_empty() {
        let settled = Settled::load(run.cache, run.cluster_uid, run.app, &objects);
        let read = Live::read_unless(run.connection, run.discovery, &existing, &run.plan.members, CONCURRENCY, &settled);
        (live, as_before) = read.await.map_err(explain("read what is there"))?;
    }
    for wanted in &mut objects {
        match as_before.remove(&wanted.member.object.id) {
            Some(seen) => (wanted.pending, wanted.before, wanted.seen) = (false, Before::Something, Some(seen)),
            None => wanted.fill(&mut live),
        }
    }
    may_write(run, &objects)?;

    let mut problems = verify(run, &mut objects, keep_answers).await.map_err(explain("try the objects as a dry-run"))?;
    problems.extend(objects.iter().filter(|wanted| wanted.pending).filter_map(|wanted| {
        let problem = generate::problem(&wanted.member.object.content, &wanted.lacking)?;
        Some(Problem::known(&wanted.member, problem))
    }));
    for edit in run.edits {
        edit.tell(run.settings.force_conflicts, &run.events);
        problems.extend(edit.check(run.connection, run.settings.force_conflicts, &run.events).await);
    }
    if !run.settings.force_conflicts {
        belong_to_no_other(run, &objects).await?;
    }
    Ok(Checked { known, inventories, objects, left_over: live, problems })
}

/// All apps write as one field manager, so the server sees no conflict between two of them: that is said here.
async fn belong_to_no_other(run: &Run<'_>, objects: &[Wanted]) -> Result<()> {
    let set = |wanted: &Wanted| {
        let label = wanted.live.as_ref()?.pointer("/metadata/labels")?.get(labels::APPLYSET_PART_OF)?.as_str()?;
        let ours = wanted.content.pointer("/metadata/labels")?.get(labels::APPLYSET_PART_OF)?.as_str()?;
        (label != ours).then(|| label.to_owned())
    };
    let marked: Vec<(String, &ObjectId)> =
        objects.iter().filter_map(|wanted| Some((set(wanted)?, &wanted.member.object.id))).collect();
    if marked.is_empty() {
        return Ok(());
    }
    let others = of_all_apps(run.connection).await.map_err(|failure| run.connection.explain(&failure, "list the apps there"))?;
    let taken: Vec<(&str, String)> = others
        .iter()
        .filter(|inventory| inventory.app != run.app)
        .flat_map(|inventory| {
            let members = marked.iter().filter(|(set, _)| *set == inventory.id());
            members.map(|(_, id)| {
                (inventory.app.as_str(), format!("{id} (component {} of app {})", inventory.component, inventory.app))
            })
        })
        .collect();
    let Some((app, _)) = taken.first() else { return Ok(()) };
    let message = format!("another app has {} of these objects in {}; nothing was written", taken.len(), run.connection.server);
    let mut error = Error::cluster(message);
    for (_, line) in taken.iter().take(NAMED) {
        error = error.detail(line.clone());
    }
    if taken.len() > NAMED {
        error = error.detail(format!("and {} more", taken.len() - NAMED));
    }
    Err(error
        .hint(format!("`kfctl status --app {app}` shows that app; leave out of this one what that one brings: `kfctl component disable NAME`"))
        .hint("or take them over for good, from under the other app: --force-conflicts"))
}

/// What the caller may not do is said as one list, not object by object as the server refuses it.
fn may_write(run: &Run<'_>, objects: &[Wanted]) -> Result<()> {
    let Some(rights) = run.rights.filter(|rights| rights.is_certain()) else { return Ok(()) };
    // Whether an object is there without being one of the set is not known here: the dry-run tells who may not create it.
    let lacks_patch = |wanted: &&Wanted| wanted.pending && !rights.missing([Need::to_write(&wanted.member, true)]).is_empty();
    let refused = objects.iter().filter(lacks_patch);
    let missing = rights.missing(refused.map(|wanted| Need::to_write(&wanted.member, wanted.live.is_some())));
    if missing.is_empty() {
        return Ok(());
    }
    let message =
        format!("you lack rights on {} (context {}); nothing was written", run.connection.server, run.connection.context);
    let error = missing.iter().fold(Error::cluster(message), |error, right| error.detail(right.to_string()));
    Err(error.hint("ask an admin of the cluster for these rights, or choose another context with --context"))
}

/// Each member as it will be sent, beside what is there; what is no member stays in `live`.
pub(super) fn wanted(run: &Run<'_>, live: &mut Live) -> Vec<Wanted> {
    let mut objects = alone(run);
    for wanted in &mut objects {
        wanted.fill(live);
    }
    objects
}

/// The members, before it is known what is there.
fn alone(run: &Run<'_>) -> Vec<Wanted> {
    let autoscaled: HashSet<(&str, &str, &str)> = run
        .plan
        .members
        .iter()
        .filter(|member| member.object.id.is("autoscaling", "HorizontalPodAutoscaler"))
        .filter_map(|member| {
            let target = member.object.content.pointer("/spec/scaleTargetRef")?;
            Some((member.object.id.namespace.as_str(), target.get("kind")?.as_str()?, target.get("name")?.as_str()?))
        })
        .collect();
    run.plan
        .members
        .iter()
        .map(|member| {
            let id = &member.object.id;
            let yields = run.yields.get(&member.component).cloned().unwrap_or_default();
            let scaled = autoscaled.contains(&(id.namespace.as_str(), id.kind.as_str(), id.name.as_str()));
            let (live, seen, check, answer) = Default::default();
            Wanted {
                member: member.clone(),
                content: yields::without_yielded(id, Arc::clone(&member.object.content), None, &yields, scaled),
                digest: String::new(),
                seen,
                live,
                pending: true,
                lacking: generate::lacking(&member.object.content, None),
                before: Before::Nothing,
                check,
                answer,
                yields,
                scaled,
            }
        })
        .collect()
}
