//! Taking away: what left the app (prune), or all of it (delete). First a look that changes nothing and says what goes and what
//! stays; then stage by stage, each gone before the next begins; the inventories last, so that a run killed anywhere is finished
//! by the next one.

mod remove;

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::entries::{self, Edit};
use super::inventory::{self, Inventory};
use super::keep::{self, Facts, Kept, Reason, why_kept};
use super::live::Live;
use super::report::{Outcome, Problem, Unready};
use super::stage::Stage;
use super::surroundings::{contents, instances, of_kind};
use crate::cluster::{Class, Connection, Discovery, Failure, Resource};
use crate::difference::Difference;
use crate::labels;
use crate::object::{ObjectId, list};

pub use remove::remove;

const CONCURRENCY: usize = 24;

/// What to take away.
#[derive(Debug)]
pub struct Scope<'a> {
    /// The inventories whose members are meant.
    pub inventories: Vec<&'a Inventory>,
    /// Kinds of theirs that they don't name.
    pub strays: Vec<Inventory>,
    /// Those of them that stay, whatever goes: components that still run.
    pub staying: HashSet<String>,
    /// What the app still renders, with the component that does.
    pub rendered: HashMap<ObjectId, String>,
    /// Whether users' data goes too.
    pub user_data: bool,
    /// Whether this is all that the app has, so that a namespace made for the inventories alone goes too.
    pub whole: bool,
}

/// An object that goes.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub id: ObjectId,
    pub resource: Resource,
    pub component: String,
    pub live: Value,
    pub stage: Stage,
    /// Place of its component; the last one installed goes first.
    order: usize,
}

/// What a look found.
#[derive(Debug)]
pub struct Removal {
    going: Vec<Target>,
    /// What stays.
    pub kept: Vec<Kept>,
    /// Items of ours in configurations of somebody else's, which go.
    edits: Vec<Edit>,
    /// The inventories of components that still run.
    running: HashSet<String>,
    /// Namespace kubeflow-system, where it goes.
    system: Option<Target>,
    facts: Facts,
    inventories: Vec<Inventory>,
    /// The members of each component, by its inventory's id.
    members: BTreeMap<String, Vec<ObjectId>>,
}

/// What was taken away.
#[derive(Debug, Default)]
pub struct Removed {
    /// What is gone.
    pub deleted: Vec<ObjectId>,
    /// What stays.
    pub kept: Vec<Kept>,
    /// What was deleted and is still there, and why.
    pub unready: Vec<Unready>,
    /// What was refused.
    pub problems: Vec<Problem>,
    /// Whether the user stopped it.
    pub interrupted: bool,
}

impl Removed {
    /// How the run ended.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        Outcome::of(&self.problems, self.interrupted, &self.unready)
    }
}

impl Removal {
    /// What somebody else's objects lose: an item of ours each.
    pub fn edits(&self) -> impl Iterator<Item = (ObjectId, &str)> {
        self.edits.iter().map(|edit| (edit.place.object(), edit.place.item.as_str()))
    }

    /// What goes: the objects of each component, in the order of deletion.
    pub fn going(&self) -> impl Iterator<Item = (&ObjectId, &str)> {
        self.going.iter().chain(&self.system).map(|target| (&target.id, target.component.as_str()))
    }

    /// What would go of each object: all of it.
    #[must_use]
    pub fn differences(&self) -> Vec<(ObjectId, Difference)> {
        let targets = self.going.iter().chain(&self.system);
        targets.map(|target| (target.id.clone(), Difference::new(Some(&target.live), None))).collect()
    }

    /// What goes although it is users' data.
    pub fn users_data(&self) -> impl Iterator<Item = &ObjectId> {
        let without = Facts { sets: self.facts.sets.clone(), ..Facts::default() };
        let is_one = move |target: &&Target| why_kept(&target.id, &target.live, &without).is_some();
        self.going.iter().filter(is_one).map(|target| &target.id)
    }

    /// Whether there is nothing to delete, and no inventory to end.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let ends = |inventory: &Inventory| {
            let id = inventory.id();
            !self.facts.staying.contains(&id) && self.members.get(&id).is_none_or(Vec::is_empty)
        };
        self.going.is_empty() && self.system.is_none() && !self.inventories.iter().any(ends)
    }
}

/// Looks at what would go and what would stay. Changes nothing.
pub async fn look(connection: &Connection, discovery: &Discovery, scope: Scope<'_>) -> Result<Removal, Failure> {
    // What can't be read would be forgotten, and stay in the cluster for good.
    let mut kinds = scope.inventories.iter().flat_map(|inventory| &inventory.group_kinds);
    if let Some(kind) = kinds.find(|kind| discovery.is_silent(kind)) {
        let message = format!("it may have objects of kind {kind}, whose API group does not answer now");
        return Err(Failure { class: Class::Other, message, retry_after: None });
    }
    let live = if scope.inventories.is_empty() {
        Live::default()
    } else {
        let named: Vec<&Inventory> = scope.inventories.iter().copied().chain(&scope.strays).collect();
        Live::read(connection, discovery, &named, &[], CONCURRENCY).await?
    };
    let by_set: HashMap<String, &Inventory> = scope.inventories.iter().map(|inventory| (inventory.id(), *inventory)).collect();
    let running = scope.staying.clone();
    let facts = Facts {
        user_data: scope.user_data,
        sets: by_set.keys().cloned().collect(),
        staying: scope.staying,
        rendered: scope.rendered,
        ..Facts::default()
    };
    let mut members: BTreeMap<String, Vec<ObjectId>> = BTreeMap::new();
    let mut targets = Vec::new();
    for (id, resource, live) in live.into_members().filter(|(.., live)| !keep::is_owned(live)) {
        let Some(inventory) = keep::set_of(&live).and_then(|set| by_set.get(set)) else { continue };
        if keep::is_labelled_by_us(&live) {
            members.entry(inventory.id()).or_default().push(id.clone());
        }
        // What a component that runs still brings is no question of this run.
        if facts.rendered.get(&id) != Some(&inventory.component) {
            targets.push(target(id, resource, live, inventory));
        }
    }
    if facts.user_data {
        let users = users_data(connection, discovery, &targets).await?;
        targets.extend(users);
    }
    let is_system = |target: &Target| keep::is_namespace(&target.id) && target.id.name == inventory::NAMESPACE;
    let ending = scope.inventories.iter().filter(|inventory| !running.contains(&inventory.id()));
    let (edits, edited) = entries::leaving(connection, ending.copied()).await?;
    let mut removal = Removal {
        going: Vec::new(),
        kept: edited,
        edits,
        running,
        system: None,
        facts,
        inventories: scope.inventories.iter().map(|inventory| (*inventory).clone()).collect(),
        members,
    };
    let kept = removal.judge(&mut targets);
    removal.kept.extend(kept);
    removal.facts.going = targets.iter().map(|target| target.id.clone()).collect();
    read_facts(connection, discovery, targets.iter().filter(|target| !is_system(target)), &mut removal.facts).await;
    // Of users' definitions only the full ones count below.
    let empty = Reason::UsersDefinition { empty: true };
    for kept in &mut removal.kept {
        if matches!(kept.reason, Reason::UsersDefinition { .. }) && is_empty(connection, &kept.object).await? {
            kept.reason = empty.clone();
        }
    }
    let system = targets.iter().position(is_system).map(|place| targets.swap_remove(place));
    let kept = removal.judge(&mut targets);
    removal.kept.extend(kept);
    // An inventory with something kept in it stays, and its namespace with it; but for definitions that nobody uses.
    for (set, ids) in &removal.members {
        let counts = |reason: &Reason| *reason != empty && !matches!(reason, Reason::Moved { .. });
        if removal.kept.iter().any(|kept| ids.contains(&kept.object) && counts(&kept.reason)) {
            removal.facts.staying.insert(set.clone());
        }
    }
    let system = match system {
        None if scope.whole => bare_system_namespace(connection).await?,
        system => system,
    };
    if let Some(target) = system {
        read_facts(connection, discovery, [&target].into_iter(), &mut removal.facts).await;
        let mut targets = vec![target];
        let kept = removal.judge(&mut targets);
        removal.kept.extend(kept);
        removal.system = targets.pop();
    }
    targets.sort_by(|a, b| (a.stage, b.order, &a.id).cmp(&(b.stage, a.order, &b.id)));
    removal.going = targets;
    removal.kept.sort_by(|a, b| a.object.cmp(&b.object));
    Ok(removal)
}

fn target(id: ObjectId, resource: Resource, live: Value, inventory: &Inventory) -> Target {
    let part_of = live.pointer("/metadata/labels").and_then(|labels| labels.get(labels::PART_OF)?.as_str());
    let stage = Stage::of(&id, part_of == Some(labels::PART_OF_PROFILE));
    Target { id, resource, component: inventory.component.clone(), live, stage, order: inventory.order }
}

/// Users' objects, where their definition goes, and the namespaces of profiles. They are in no inventory.
async fn users_data(connection: &Connection, discovery: &Discovery, targets: &[Target]) -> Result<Vec<Target>, Failure> {
    let mut found = Vec::new();
    for (group, kind, definition) in keep::USERS_KINDS {
        let Some(brought) = targets.iter().find(|target| keep::is_definition(&target.id) && target.id.name == definition) else {
            continue;
        };
        let mut resources: Vec<Resource> = discovery.versions(group, kind).first().cloned().into_iter().collect();
        if kind == "Profile" {
            resources.extend(discovery.versions("", "Namespace").first().cloned());
        }
        for resource in resources {
            for object in of_kind(connection, &resource, None).await? {
                let id = keep::identity(&object);
                let part_of = object.pointer("/metadata/labels").and_then(|labels| labels.get(labels::PART_OF)?.as_str());
                let in_profile = part_of == Some(labels::PART_OF_PROFILE);
                let known = targets.iter().any(|target| target.id == id);
                if !known && (!keep::is_namespace(&id) || in_profile) {
                    let stage = Stage::of(&id, in_profile);
                    let (component, order) = (brought.component.clone(), brought.order);
                    found.push(Target { id, resource: resource.clone(), component, live: object, stage, order });
                }
            }
        }
    }
    Ok(found)
}

/// Whether this definition has no objects, as far as that can be told.
async fn is_empty(connection: &Connection, id: &ObjectId) -> Result<bool, Failure> {
    let definition = connection.read(&format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{}", id.name)).await?;
    Ok(instances(connection, &definition).await.is_ok_and(|objects| objects.is_empty()))
}

/// What is in these definitions and namespaces.
async fn read_facts<'a>(
    connection: &Connection,
    discovery: &Discovery,
    targets: impl Iterator<Item = &'a Target>,
    facts: &mut Facts,
) {
    let undiscovered = tokio::sync::OnceCell::new();
    for target in targets {
        let found = match target.stage {
            Stage::Definitions => instances(connection, &target.live).await,
            Stage::Namespaces => match undiscovered.get_or_init(|| discovery.undiscovered(connection)).await {
                Ok(undiscovered) => contents(connection, discovery, undiscovered, &target.id.name).await,
                Err(failure) => Err(failure.message.clone()),
            },
            _ => continue,
        };
        facts.contents.insert(target.id.clone(), found);
    }
}

/// Namespace kubeflow-system where no component brings it: kfctl made it for its inventories.
async fn bare_system_namespace(connection: &Connection) -> Result<Option<Target>, Failure> {
    let live = match connection.read(&format!("/api/v1/namespaces/{}", inventory::NAMESPACE)).await {
        Ok(live) => live,
        Err(failure) if failure.class == Class::NotFound => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let managers = list(&live, "/metadata/managedFields");
    let made_by_us = managers.iter().any(|entry| entry["manager"] == labels::FIELD_MANAGER && entry["operation"] == "Apply");
    let resource = Resource {
        group: String::new(),
        version: "v1".into(),
        kind: "Namespace".into(),
        plural: "namespaces".into(),
        namespaced: false,
    };
    let id = keep::identity(&live);
    let target = Target { id, resource, component: String::new(), live, stage: Stage::Namespaces, order: 0 };
    Ok(made_by_us.then_some(target))
}

impl Removal {
    /// Takes what stays out of `targets`.
    fn judge(&self, targets: &mut Vec<Target>) -> Vec<Kept> {
        let mut kept = Vec::new();
        targets.retain(|target| match why_kept(&target.id, &target.live, &self.facts) {
            Some(reason) => {
                kept.push(Kept { object: target.id.clone(), reason });
                false
            }
            None => true,
        });
        kept
    }
}
