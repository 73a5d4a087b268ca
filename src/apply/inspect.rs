//! The state of an installation: each component's objects, ready or why not, and what was done to them since they were applied.
//! Reads only: one list a kind, and one of pods for each namespace where something is not ready.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use futures::stream::{self, StreamExt};
use serde::Serialize;
use serde_json::Value;

use super::check::{Wanted, wanted};
use super::compare;
use super::drift::{self, Difference, Drift, Manager};
use super::engine::{CONCURRENCY, Run};
use super::inventory::{Inventory, inventories};
use super::live::Live;
use super::plan::Member;
use super::pods::{self, Pods};
use super::report::Unready;
use super::rules::template;
use super::status::{Readiness, readiness, waits_for_its_first_pod};
use super::write::{Mode, send};
use crate::cluster::{Connection, Discovery, Failure, Part};
use crate::labels::APPLYSET_PART_OF;
use crate::object::{ObjectId, list};

/// Objects that are asked for by a dry-run whether a value is only spelled differently. More than these differ in earnest.
const SPELLINGS: usize = 32;

/// How an object is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", content = "reason", rename_all = "kebab-case")]
pub enum State {
    /// It does what it is for.
    Ready,
    /// Not yet, and why.
    Progressing(String),
    /// It gave up, and why.
    Failed(String),
    /// It is not in the cluster, or not labelled as ours.
    Missing,
}

/// An object of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectState {
    /// The object.
    pub object: ObjectId,
    /// How it is.
    #[serde(flatten)]
    pub state: State,
    /// Fields that are not as the app wants them. Known only with the app directory.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Drift>,
    /// Who else keeps fields of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub managers: Vec<Manager>,
    /// The images of its pods.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub images: BTreeSet<String>,
    /// Whether the app has it no more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub left_over: bool,
}

/// A component of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentState {
    /// Its name.
    pub component: String,
    /// Which kfctl applied it; none where nobody has.
    pub version: Option<String>,
    /// How many of its objects are ready.
    pub ready: usize,
    /// How many there are.
    pub total: usize,
    /// The objects, sorted.
    pub objects: Vec<ObjectState>,
}

/// What to look at.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// The connection.
    pub connection: &'a Connection,
    /// What the server serves.
    pub discovery: Arc<Discovery>,
    /// Name of the app.
    pub app: &'a str,
    /// Only these components; all where it is empty.
    pub components: &'a [String],
    /// What the app wants now, where its directory is at hand.
    pub run: Option<&'a Run<'a>>,
}

/// What an app has in the cluster, as last seen.
#[derive(Debug)]
pub struct Installation<'a> {
    pub(super) subject: Subject<'a>,
    /// The app's inventories, by component.
    pub(super) inventories: BTreeMap<String, Inventory>,
    pub(super) live: Live,
    pub(super) pods: Pods,
    /// Storage classes; asked for only where a claim is not bound.
    classes: Vec<Value>,
    /// Fields that differ in their spelling only.
    spelled: HashSet<(ObjectId, String)>,
}

impl<'a> Installation<'a> {
    /// Reads it.
    pub async fn read(subject: Subject<'a>) -> Result<Self, Failure> {
        let mut inventories = inventories(subject.connection, subject.app).await?;
        inventories.retain(|component, _| subject.concerns(component));
        let all: Vec<&Inventory> = inventories.values().collect();
        let live = if all.is_empty() {
            Live::default()
        } else {
            Live::read(subject.connection, &subject.discovery, &all, subject.members(), CONCURRENCY).await?
        };
        let mut read = Self { subject, inventories, live, pods: Pods::new(), classes: Vec::new(), spelled: HashSet::new() };
        let (pods, classes, spelled) = futures::join!(read.read_pods(), read.read_classes(), read.ask_for_spellings());
        (read.pods, read.classes, read.spelled) = (pods, classes, spelled);
        Ok(read)
    }

    /// Whether the cluster has anything of the app.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inventories.is_empty()
    }

    async fn read_pods(&self) -> Pods {
        let unready = self.live.iter().filter(|(id, object)| readiness(id, object) != Readiness::Ready);
        let workloads = unready.filter(|(_, object)| pods::selector(object).is_some());
        pods::read(self.subject.connection, workloads.map(|(id, _)| id.namespace.clone()).collect()).await
    }

    async fn read_classes(&self) -> Vec<Value> {
        let is_claim =
            |(id, object): &(&ObjectId, &Value)| id.is("", "PersistentVolumeClaim") && readiness(id, object) != Readiness::Ready;
        if !self.live.iter().any(|object| is_claim(&object)) {
            return Vec::new();
        }
        // Whoever may not read them sees the claim as pending, which it is.
        let classes = self.subject.connection.get("/apis/storage.k8s.io/v1/storageclasses").await.unwrap_or_default();
        list(&classes, "/items").to_vec()
    }

    /// A value may be spelled otherwise than the server keeps it (`1000m` and `1`). The server's own dry-run tells.
    async fn ask_for_spellings(&self) -> HashSet<(ObjectId, String)> {
        let doubtful: Vec<(Wanted, Vec<Drift>)> = self
            .wanted()
            .into_iter()
            .filter_map(|wanted| {
                let drift = drift::drift(&wanted.content, wanted.live.as_ref()?);
                (!drift.is_empty() && drift.iter().all(|drift| drift.difference != Difference::Taken)).then_some((wanted, drift))
            })
            .collect();
        if doubtful.len() > SPELLINGS {
            return HashSet::new();
        }
        let connection = self.subject.connection;
        let settled = stream::iter(doubtful).map(|(wanted, drift)| async move {
            // Whoever may only read gets the answer without the server's help.
            let answer = send(connection, &wanted.member, &wanted.content, false, Mode::DryRun, Part::Whole).await.ok()?;
            let id = wanted.member.object.id;
            let same = compare::is_same_result(&answer.body, &wanted.live?);
            same.then(|| drift.into_iter().map(move |drift| (id.clone(), drift.field)).collect::<Vec<_>>())
        });
        settled.buffer_unordered(CONCURRENCY).filter_map(std::future::ready).flat_map(stream::iter).collect().await
    }

    /// What the app wants, beside what is there.
    fn wanted(&self) -> Vec<Wanted> {
        self.subject.run.map(|run| wanted(run, &mut self.live.clone())).unwrap_or_default()
    }

    /// How everything is, in the order of the app.
    #[must_use]
    pub fn components(&self) -> Vec<ComponentState> {
        let by_applyset: BTreeMap<String, &String> =
            self.inventories.iter().map(|(component, inventory)| (inventory.id(), component)).collect();
        let mut objects: BTreeMap<ObjectId, (&String, ObjectState)> = BTreeMap::new();
        for (id, object) in self.live.iter() {
            let applyset = object.pointer("/metadata/labels").and_then(|labels| labels.get(APPLYSET_PART_OF)?.as_str());
            if let Some(component) = applyset.and_then(|applyset| by_applyset.get(applyset)) {
                objects.insert(id.clone(), (component, self.object(id, object)));
            }
        }
        let wanted = self.wanted();
        for Wanted { member, content, live, .. } in &wanted {
            let id = &member.object.id;
            let missing = || (&member.component, ObjectState::missing(id.clone()));
            let (component, state) = objects.entry(id.clone()).or_insert_with(missing);
            *component = &member.component;
            state.left_over = false;
            state.drift = live.as_ref().map(|live| drift::drift(content, live)).unwrap_or_default();
            state.drift.retain(|drift| !self.spelled.contains(&(id.clone(), drift.field.clone())));
        }
        let mut components: BTreeMap<&String, Vec<ObjectState>> =
            self.inventories.keys().map(|component| (component, Vec::new())).collect();
        for (component, state) in objects.into_values() {
            components.entry(component).or_default().push(state);
        }
        let places = self.subject.run.map(|run| run.components).unwrap_or_default();
        let place = |component: &str| {
            let wanted = places.iter().find(|(name, _)| name == component).map(|(_, place)| *place);
            wanted.or_else(|| self.inventories.get(component).map(|inventory| inventory.order))
        };
        let states = components.into_iter().map(|(component, objects)| ComponentState {
            component: component.clone(),
            version: self.inventories.get(component).map(|inventory| inventory.tooling.clone()),
            ready: objects.iter().filter(|object| object.state == State::Ready).count(),
            total: objects.len(),
            objects,
        });
        let mut states: Vec<ComponentState> = states.collect();
        states.sort_by_key(|state| (place(&state.component), state.component.clone()));
        states
    }

    fn object(&self, id: &ObjectId, object: &Value) -> ObjectState {
        let told = |reason: String| pods::with_troubles(&Unready { object: id.clone(), reason }, object, &self.pods);
        let state = match readiness(id, object) {
            Readiness::Ready => State::Ready,
            Readiness::Progressing(_) if id.is("", "PersistentVolumeClaim") && waits_for_its_first_pod(object, &self.classes) => {
                State::Ready
            }
            Readiness::Progressing(reason) => State::Progressing(told(reason)),
            Readiness::Failed(reason) => State::Failed(told(reason)),
        };
        let spec = template(id, object).and_then(|template| template.get("spec"));
        let containers =
            ["/initContainers", "/containers"].into_iter().flat_map(|at| spec.map_or(&[][..], |spec| list(spec, at)));
        let images = containers.filter_map(|container| Some(container.get("image")?.as_str()?.to_owned())).collect();
        let managers = drift::managers(object);
        ObjectState { object: id.clone(), state, drift: Vec::new(), managers, images, left_over: self.subject.run.is_some() }
    }
}

impl ObjectState {
    fn missing(object: ObjectId) -> Self {
        let (drift, managers) = (Vec::new(), Vec::new());
        Self { object, state: State::Missing, drift, managers, images: BTreeSet::new(), left_over: false }
    }
}

impl Subject<'_> {
    pub(super) fn concerns(&self, component: &String) -> bool {
        self.components.is_empty() || self.components.contains(component)
    }

    pub(super) fn members(&self) -> &[Member] {
        self.run.map(|run| run.plan.members.as_slice()).unwrap_or_default()
    }
}
