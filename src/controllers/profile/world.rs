//! What the watches have told, reduced to what a reconcile needs, and which profile each piece of news is about. No I/O.
//!
//! A write's answer is taken in too, so that a reconcile reads its own writes: without that, the news of each write would make the
//! next reconcile write again.

mod kinds;
mod view;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use kube::runtime::watcher;
use serde_json::Value;

use super::claim::NamespaceSeen;
use super::claim::REFUSED_FOR_RIVALS;
use super::defaults::Defaults;
use super::observed::{Observed, version};
use super::rivals::{Rivals, Traits};
use super::status::READY;
use super::templates::Templates;
use super::{desired, quota};
use crate::api::profile::Profile;
use crate::cluster::Resource;
use crate::labels::{CREATOR, PROFILE};
pub(super) use view::View;

/// What a watch follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Profiles,
    Namespaces,
    /// Objects made for profiles.
    Kind(Arc<Resource>),
    /// `ConfigMap` `profile-defaults`.
    Defaults,
    /// `ClusterRole` `kubeflow-edit`.
    Edit,
    /// The admin's own templates.
    Templates,
    /// A definition of the mesh's.
    Mesh(&'static str),
}

impl Source {
    /// As a person names it.
    fn plural(&self) -> String {
        match self {
            Self::Profiles => "profiles".into(),
            Self::Namespaces => "namespaces".into(),
            Self::Kind(resource) => resource.plural.clone(),
            Self::Defaults => "defaults of profiles".into(),
            Self::Edit => "rules of kubeflow-edit".into(),
            Self::Templates => "templates of profiles".into(),
            Self::Mesh(_) => "definitions of the mesh".into(),
        }
    }
}

/// How far a watch is.
#[derive(Debug)]
struct Watch {
    source: Source,
    synced: bool,
    /// The list that is being read.
    listing: HashSet<(String, String)>,
    /// The newest version it has told of.
    latest: u64,
    error: Option<String>,
}

/// An object's place among those of its namespace.
pub(super) type Slot = (Arc<str>, Box<str>);

/// A profile as it is stored.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) version: u64,
    pub(super) uid: String,
    /// Creation time, as text that sorts.
    pub(super) created: String,
    pub(super) deleting: bool,
    pub(super) finalizers: Vec<String>,
    pub(super) annotations: BTreeSet<String>,
    /// Who asked for it, where it says so.
    pub(super) creator: Option<String>,
    /// The profile, or why it can't be read.
    pub(super) content: Result<Arc<Profile>, String>,
}

impl Entry {
    fn new(value: Value) -> Self {
        let metadata = &value["metadata"];
        let text = |field: &str| metadata[field].as_str().unwrap_or_default().to_owned();
        let finalizers = metadata["finalizers"].as_array().into_iter().flatten();
        let annotations = metadata["annotations"].as_object().into_iter().flatten();
        let mut entry = Self {
            version: version(&value),
            uid: text("uid"),
            created: text("creationTimestamp"),
            deleting: metadata.get("deletionTimestamp").is_some(),
            finalizers: finalizers.filter_map(|name| name.as_str().map(str::to_owned)).collect(),
            annotations: annotations.map(|(name, _)| name.clone()).filter(|name| name.starts_with("kubeflow.org/")).collect(),
            creator: metadata["annotations"][CREATOR].as_str().map(str::to_owned),
            content: Err(String::new()),
        };
        entry.content = serde_json::from_value::<Profile>(value).map_err(|error| error.to_string()).map(|mut profile| {
            profile.metadata.managed_fields = None;
            profile.metadata.annotations = None;
            profile.metadata.labels = None;
            Arc::new(profile)
        });
        entry
    }

    fn namespace(&self) -> Option<String> {
        self.content.as_deref().ok().map(desired::namespace)
    }

    /// Whether its condition Ready says one of these reasons.
    fn is_refused_for(&self, reasons: &[&str]) -> bool {
        let status = self.content.as_deref().ok().and_then(|profile| profile.status.as_ref());
        let conditions = status.map(|status| status.conditions.as_slice()).unwrap_or_default();
        conditions.iter().any(|condition| condition.type_ == READY && reasons.contains(&condition.reason.as_str()))
    }

    /// What it shares with others; nothing any longer where it is on its way out.
    fn traits(&self) -> Traits {
        let owner = self.content.as_deref().ok().map(|profile| &profile.spec.template.spec.owner).filter(|_| !self.deleting);
        Traits::new(owner, self.creator.as_ref().filter(|_| !self.deleting))
    }
}

/// Everything that is known.
#[derive(Debug, Default)]
pub(super) struct World {
    profiles: BTreeMap<String, Entry>,
    /// Each namespace that profiles ask for, and their names.
    claims: HashMap<String, BTreeSet<String>>,
    namespaces: HashMap<String, NamespaceSeen>,
    objects: HashMap<String, BTreeMap<Slot, Observed>>,
    quotas: HashMap<String, quota::Seen>,
    defaults: Option<Result<Arc<Defaults>, String>>,
    edit: Option<Arc<Value>>,
    templates: Option<Result<Arc<Templates>, String>>,
    /// The definitions of the mesh that are served.
    mesh: BTreeSet<&'static str>,
    rivals: Rivals,
    /// Kinds that templates have made and that are not served any longer.
    unserved: BTreeSet<String>,
    /// The admin's templates as they were written, by the name of the file.
    pub(super) sources: BTreeMap<String, String>,
    watches: Vec<Watch>,
    pub(super) watch_errors: u64,
}

impl World {
    /// Begins a watch; the result names it in [`World::take`].
    pub(super) fn watch(&mut self, source: Source) -> usize {
        self.watches.push(Watch { source, synced: false, listing: HashSet::new(), latest: 0, error: None });
        self.watches.len() - 1
    }

    /// Why this replica can't work yet.
    pub(super) fn readiness(&self) -> Result<(), String> {
        // What an admin adds may be missing or forbidden; that is a condition of the profiles, and no reason to stand still.
        let is_needed = |watch: &&Watch| match &watch.source {
            Source::Kind(resource) => desired::KINDS.contains(resource),
            source => *source != Source::Templates,
        };
        match self.watches.iter().filter(is_needed).find(|watch| !watch.synced) {
            None => Ok(()),
            Some(Watch { source, error: Some(error), .. }) => Err(format!("the {} can't be read: {error}", source.plural())),
            Some(Watch { source, .. }) => Err(format!("the {} are not read yet", source.plural())),
        }
    }

    /// Whether all that can be known is known: what is not known yet would be written again.
    pub(super) fn is_filled(&self) -> bool {
        let is_read = |watch: &Watch| watch.synced || watch.error.is_some();
        let is_missing = |watch: &Watch| watch.source == Source::Templates && is_read(watch) && self.sources.is_empty();
        let has_templates =
            self.templates_configmap().is_none() || self.templates.is_some() || self.watches.iter().any(is_missing);
        self.readiness().is_ok() && has_templates && self.watches.iter().all(is_read)
    }

    /// The names of all profiles.
    pub(super) fn names(&self) -> Vec<String> {
        self.profiles.keys().cloned().collect()
    }

    /// The stored profiles, for numbers.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.profiles.values()
    }

    /// The admin's `ConfigMap` of templates, where there is one.
    pub(super) fn templates_configmap(&self) -> Option<String> {
        self.defaults.as_ref()?.as_ref().ok()?.templates.clone()
    }

    /// The templates are ready for use, or wrong, or there are none.
    pub(super) fn set_templates(&mut self, templates: Option<Result<Arc<Templates>, String>>) {
        self.templates = templates;
    }

    /// Takes in what a watch tells, and says which profiles to look at.
    pub(super) fn take(&mut self, watch: usize, event: Result<watcher::Event<Value>, String>) -> BTreeSet<String> {
        let source = self.watches[watch].source.clone();
        let mut affected = BTreeSet::new();
        match event {
            Ok(watcher::Event::Init) => self.watches[watch].listing.clear(),
            Ok(watcher::Event::InitApply(value)) => {
                self.watches[watch].listing.insert(identity(&value));
                affected = self.apply(watch, &source, value);
            }
            Ok(watcher::Event::InitDone) => {
                let listed = std::mem::take(&mut self.watches[watch].listing);
                for (namespace, name) in self.known(&source) {
                    if !listed.contains(&(namespace.clone(), name.clone())) {
                        affected.extend(self.remove(&source, &namespace, &name, u64::MAX));
                    }
                }
                self.watches[watch].synced = true;
                self.watches[watch].error = None;
            }
            Ok(watcher::Event::Apply(value)) => affected = self.apply(watch, &source, value),
            Ok(watcher::Event::Delete(value)) => {
                let (namespace, name) = identity(&value);
                let version = version(&value);
                self.watches[watch].latest = self.watches[watch].latest.max(version);
                affected = self.remove(&source, &namespace, &name, version);
            }
            Err(error) => {
                self.watch_errors += 1;
                self.watches[watch].error = Some(error);
            }
        }
        affected
    }

    /// Takes in the answer to a write of ours. `sent` is the digest of what was sent.
    pub(super) fn record(&mut self, source: &Source, answer: Value, sent: u64) {
        let Some(watch) = self.watches.iter().position(|watch| watch.source == *source) else { return };
        let (namespace, name) = identity(&answer);
        // What the watch has told already may have been overtaken since.
        if version(&answer) > self.watches[watch].latest {
            let latest = self.watches[watch].latest;
            self.apply(watch, source, answer);
            self.watches[watch].latest = latest;
        }
        if let Source::Kind(resource) = source {
            let slot = slot(resource, &name);
            if let Some(observed) = self.objects.get_mut(&namespace).and_then(|objects| objects.get_mut(&slot)) {
                observed.sent = sent;
            }
        } else if let (Source::Namespaces, Some(seen)) = (source, self.namespaces.get_mut(&name)) {
            seen.observed.sent = sent;
        }
    }

    fn apply(&mut self, watch: usize, source: &Source, value: Value) -> BTreeSet<String> {
        self.watches[watch].latest = self.watches[watch].latest.max(version(&value));
        let (namespace, name) = identity(&value);
        match source {
            Source::Profiles => self.apply_profile(&name, Entry::new(value)),
            Source::Namespaces => self.apply_namespace(&name, NamespaceSeen::new(&value)),
            Source::Kind(resource) => self.apply_object(resource, &namespace, &name, &value),
            Source::Defaults => self.set_defaults(Some(Defaults::read(&value))),
            Source::Edit => self.set_edit(Some(value.get("rules").cloned().unwrap_or_default())),
            Source::Mesh(name) => {
                let conditions = value.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
                let is_served = conditions.into_iter().any(|it| it["type"] == "Established" && it["status"] == "True");
                self.set_mesh(name, is_served && value["metadata"].get("deletionTimestamp").is_none())
            }
            Source::Templates => {
                let data = value["data"].as_object().into_iter().flatten();
                self.sources = data.filter_map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned()))).collect();
                BTreeSet::new()
            }
        }
    }

    fn apply_profile(&mut self, name: &str, entry: Entry) -> BTreeSet<String> {
        let before = self.profiles.get(name);
        if before.is_some_and(|before| before.version > entry.version) {
            return BTreeSet::new();
        }
        let before_traits = before.map(Entry::traits);
        // News of our own status is none.
        let same = before.is_some_and(|before| {
            let generation = |entry: &Entry| entry.content.as_deref().map(|profile| profile.metadata.generation).ok().flatten();
            let told = |entry: &Entry| entry.content.as_deref().ok().and_then(|profile| profile.status.clone());
            (&before.uid, before.deleting, &before.creator, &before.annotations, &before.finalizers, before.content.is_ok())
                == (&entry.uid, entry.deleting, &entry.creator, &entry.annotations, &entry.finalizers, entry.content.is_ok())
                && generation(before) == generation(&entry)
                && told(before) == told(&entry)
        });
        let mut affected = if same { BTreeSet::new() } else { self.claim(name) };
        let (old, new) = (before_traits, entry.traits());
        if old.as_ref() != Some(&new) {
            affected.extend(self.leave_rivals(name, old));
            self.rivals.add(name, &new);
        }
        if let Some(namespace) = entry.namespace() {
            self.claims.entry(namespace).or_default().insert(name.to_owned());
        }
        let leaving = entry.deleting.then(|| entry.namespace()).flatten();
        self.profiles.insert(name.to_owned(), entry);
        if !same {
            affected.insert(name.to_owned());
            // Who waits for the namespace.
            affected.extend(leaving.iter().flat_map(|namespace| self.claimants(namespace)));
        }
        affected
    }

    /// Takes a profile out of those that stand in each other's way; whoever was refused for one of them may be next.
    fn leave_rivals(&mut self, name: &str, traits: Option<Traits>) -> BTreeSet<String> {
        let Some(traits) = traits else { return BTreeSet::new() };
        let next = self.rivals.remove(name, &traits);
        next.into_iter()
            .filter(|other| self.profiles.get(other).is_some_and(|entry| entry.is_refused_for(&REFUSED_FOR_RIVALS)))
            .collect()
    }

    /// Takes a profile's claims away; whoever asks for the same namespace may be next.
    fn claim(&mut self, name: &str) -> BTreeSet<String> {
        let mut next = BTreeSet::new();
        let Some(namespace) = self.profiles.get(name).and_then(Entry::namespace) else { return next };
        if let Some(names) = self.claims.get_mut(&namespace) {
            names.remove(name);
            if names.is_empty() {
                self.claims.remove(&namespace);
            } else {
                next.extend(names.iter().cloned());
            }
        }
        next
    }

    fn claimants(&self, namespace: &str) -> BTreeSet<String> {
        self.claims.get(namespace).cloned().unwrap_or_default()
    }

    fn apply_namespace(&mut self, name: &str, mut seen: NamespaceSeen) -> BTreeSet<String> {
        let before = self.namespaces.get(name);
        if before.is_some_and(|before| before.observed.version > seen.observed.version) {
            return BTreeSet::new();
        }
        if let Some(before) = before {
            keep_sent(&before.observed, &mut seen.observed);
        }
        let mut affected = BTreeSet::new();
        if before.is_none_or(|before| !before.says_the_same(&seen)) {
            affected = self.claimants(name);
            affected.extend(seen.profile.iter().map(|(name, _)| name.clone()));
            if name == super::SYSTEM_NAMESPACE {
                affected.extend(self.profiles.keys().cloned());
            }
        }
        self.namespaces.insert(name.to_owned(), seen);
        affected
    }

    fn apply_object(&mut self, resource: &Arc<Resource>, namespace: &str, name: &str, value: &Value) -> BTreeSet<String> {
        let mut observed = Observed::new(value);
        let slot = slot(resource, name);
        let before = self.objects.get(namespace).and_then(|objects| objects.get(&slot));
        if before.is_some_and(|before| before.version > observed.version) {
            return BTreeSet::new();
        }
        let mut changed = before.is_none_or(|before| (before.digest, before.deleting) != (observed.digest, observed.deleting));
        if let Some(before) = before {
            keep_sent(before, &mut observed);
        }
        if is_quota(resource, name) {
            let seen = quota::Seen::new(value);
            changed |= self.quotas.get(namespace) != Some(&seen);
            self.quotas.insert(namespace.to_owned(), seen);
        }
        self.objects.entry(namespace.to_owned()).or_default().insert(slot, observed);
        if changed { self.holder(namespace, value) } else { BTreeSet::new() }
    }

    /// Whose an object is: its namespace's profile, or the one that it names itself.
    fn holder(&self, namespace: &str, value: &Value) -> BTreeSet<String> {
        let holder = self.namespaces.get(namespace).and_then(|seen| seen.profile.as_ref()).map(|(name, _)| name.clone());
        let label = || value["metadata"]["labels"][PROFILE].as_str().map(str::to_owned);
        holder.or_else(label).into_iter().collect()
    }

    fn set_defaults(&mut self, defaults: Option<Result<Defaults, String>>) -> BTreeSet<String> {
        let defaults = defaults.map(|defaults| defaults.map(Arc::new));
        if self.defaults == defaults {
            return BTreeSet::new();
        }
        self.defaults = defaults;
        self.profiles.keys().cloned().collect()
    }

    fn set_edit(&mut self, rules: Option<Value>) -> BTreeSet<String> {
        let rules = rules.map(Arc::new);
        if self.edit == rules {
            return BTreeSet::new();
        }
        self.edit = rules;
        self.profiles.keys().cloned().collect()
    }

    fn set_mesh(&mut self, name: &'static str, is_served: bool) -> BTreeSet<String> {
        let changed = if is_served { self.mesh.insert(name) } else { self.mesh.remove(name) };
        if changed { self.profiles.keys().cloned().collect() } else { BTreeSet::new() }
    }

    /// Namespace and name of all that is known from a source.
    fn known(&self, source: &Source) -> Vec<(String, String)> {
        let plain = |name: &String| (String::new(), name.clone());
        match source {
            Source::Profiles => self.profiles.keys().map(|name| (super::SYSTEM_NAMESPACE.to_owned(), name.clone())).collect(),
            Source::Namespaces => self.namespaces.keys().map(plain).collect(),
            Source::Kind(resource) => {
                let kind = resource.group_kind();
                let objects =
                    self.objects.iter().flat_map(|(namespace, objects)| objects.keys().map(move |slot| (namespace, slot)));
                objects
                    .filter(|(_, slot)| *slot.0 == *kind)
                    .map(|(namespace, slot)| (namespace.clone(), slot.1.to_string()))
                    .collect()
            }
            // Each is one object, and its list tells that it is missing.
            Source::Defaults => vec![(super::SYSTEM_NAMESPACE.to_owned(), super::defaults::CONFIGMAP.to_owned())],
            Source::Edit => vec![(String::new(), desired::EDIT.to_owned())],
            Source::Mesh(name) => vec![(String::new(), (*name).to_owned())],
            Source::Templates => {
                self.templates_configmap().map(|name| (super::SYSTEM_NAMESPACE.to_owned(), name)).into_iter().collect()
            }
        }
    }

    /// Takes out what is gone since `version`.
    fn remove(&mut self, source: &Source, namespace: &str, name: &str, version: u64) -> BTreeSet<String> {
        match source {
            Source::Profiles => {
                if self.profiles.get(name).is_none_or(|entry| entry.version > version) {
                    return BTreeSet::new();
                }
                let mut affected = self.claim(name);
                let traits = self.profiles.get(name).map(Entry::traits);
                affected.extend(self.leave_rivals(name, traits));
                self.profiles.remove(name);
                affected.insert(name.to_owned());
                affected
            }
            Source::Namespaces => {
                if self.namespaces.get(name).is_none_or(|seen| seen.observed.version > version) {
                    return BTreeSet::new();
                }
                let mut affected = self.claimants(name);
                affected.extend(self.namespaces.remove(name).and_then(|seen| seen.profile).map(|(name, _)| name));
                affected
            }
            Source::Kind(resource) => {
                let Some(objects) = self.objects.get_mut(namespace) else { return BTreeSet::new() };
                let slot = slot(resource, name);
                if objects.get(&slot).is_none_or(|observed| observed.version > version) {
                    return BTreeSet::new();
                }
                objects.remove(&slot);
                if objects.is_empty() {
                    self.objects.remove(namespace);
                }
                if is_quota(resource, name) {
                    self.quotas.remove(namespace);
                }
                self.holder(namespace, &Value::Null)
            }
            Source::Defaults => self.set_defaults(None),
            Source::Edit => self.set_edit(None),
            Source::Mesh(name) => self.set_mesh(name, false),
            Source::Templates => {
                self.sources.clear();
                BTreeSet::new()
            }
        }
    }
}

fn keep_sent(before: &Observed, after: &mut Observed) {
    if before.digest == after.digest {
        after.sent = before.sent;
    }
}

fn is_quota(resource: &Resource, name: &str) -> bool {
    resource.kind == "ResourceQuota" && name == quota::NAME
}

/// The slot of an object.
pub(super) fn slot(resource: &Resource, name: &str) -> Slot {
    (resource.group_kind().into(), name.into())
}

fn identity(value: &Value) -> (String, String) {
    let text = |field: &str| value["metadata"][field].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn world() -> (World, usize, Source) {
        let source = Source::Kind(Arc::clone(&desired::KINDS[0]));
        let mut world = World::default();
        let profiles = world.watch(Source::Profiles);
        let accounts = world.watch(source.clone());
        let profile = json!({"apiVersion": "kubeflow.org/v1alpha1", "kind": "Profile", "metadata": {"name": "jane", "namespace": "kubeflow-system", "uid": "1", "resourceVersion": "1"},
            "spec": {"template": {"spec": {"owner": {"kind": "User", "name": "jane@foo.com"}}}}});
        assert_eq!(world.take(profiles, Ok(watcher::Event::Apply(profile))), BTreeSet::from(["jane".to_owned()]));
        (world, accounts, source)
    }

    fn account(version: u64, label: &str) -> Value {
        json!({"metadata": {"name": "default-editor", "namespace": "kubeflow-jane", "resourceVersion": version.to_string(), "labels": {PROFILE: label},
            "managedFields": [{"manager": "kfctl-controller", "operation": "Apply", "fieldsV1": {"f:metadata": {"f:labels": {format!("f:{PROFILE}"): {}}}}}]}})
    }

    fn seen(world: &World) -> Option<u64> {
        let view = world.view("jane").expect("a profile");
        view.objects.values().next().map(|observed| observed.version)
    }

    #[test]
    fn a_reconcile_reads_its_own_writes_and_their_news_is_none() {
        let (mut world, watch, source) = world();
        world.record(&source, account(5, "jane"), 9);
        assert_eq!(seen(&world), Some(5));
        assert!(world.take(watch, Ok(watcher::Event::Apply(account(5, "jane")))).is_empty(), "its own write makes work");
        assert!(world.view("jane").expect("a profile").objects.values().all(|observed| observed.is(9)));
        // What others do is news.
        assert_eq!(world.take(watch, Ok(watcher::Event::Apply(account(7, "bob")))), BTreeSet::from(["bob".to_owned()]));
    }

    #[test]
    fn what_comes_late_is_not_believed() {
        let (mut world, watch, source) = world();
        world.record(&source, account(5, "jane"), 0);
        // News from before the write.
        world.take(watch, Ok(watcher::Event::Delete(account(4, "jane"))));
        assert_eq!(seen(&world), Some(5));
        // An answer that comes after the news that it is gone again.
        world.take(watch, Ok(watcher::Event::Delete(account(6, "jane"))));
        world.record(&source, account(5, "jane"), 0);
        assert_eq!(seen(&world), None);
    }

    #[test]
    fn a_new_list_takes_out_what_is_gone() {
        let (mut world, watch, source) = world();
        world.record(&source, account(5, "jane"), 0);
        assert!(world.readiness().is_err());
        for event in [watcher::Event::Init, watcher::Event::InitDone] {
            world.take(watch, Ok(event));
        }
        assert_eq!(seen(&world), None);
    }
}
