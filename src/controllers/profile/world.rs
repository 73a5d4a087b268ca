//! What the watches have told, reduced to what a reconcile needs, and which profile each piece of news is about. No I/O.
//!
//! A write's answer is taken in too, so that a reconcile reads its own writes: without that, the news of each write would make the
//! next reconcile write again.

mod entry;
mod kinds;
mod mesh;
mod news;
mod people;
mod source;
mod view;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use kube::runtime::watcher;
use serde_json::Value;

use super::claim::NamespaceSeen;
use super::defaults::Defaults;
use super::groups::Groups;
use super::listed::Listed;
use super::observed::{Observed, version};
use super::rivals::Rivals;
use super::templates::Templates;
use super::{desired, quota};
use crate::cluster::Resource;
pub(super) use entry::Entry;
pub(in crate::controllers) use mesh::{Doors, Login};
pub(super) use source::Source;
use source::Watch;
pub(super) use view::View;

/// An object's place among those of its namespace.
pub(super) type Slot = (Arc<str>, Box<str>);

/// Everything that is known.
#[derive(Debug, Default)]
pub(super) struct World {
    profiles: BTreeMap<String, Entry>,
    /// Each namespace that profiles ask for, and their names.
    claims: Groups<String>,
    namespaces: HashMap<String, NamespaceSeen>,
    objects: HashMap<String, BTreeMap<Slot, Observed>>,
    /// The first part of every slot, so that all of a kind share one text.
    kinds: HashSet<Arc<str>>,
    quotas: HashMap<String, quota::Seen>,
    defaults: Option<Result<Arc<Defaults>, String>>,
    edit: Option<Arc<Value>>,
    templates: Option<Result<Arc<Templates>, String>>,
    mesh: mesh::Known,
    rivals: Rivals,
    people: people::People,
    /// Namespaces that are being made, and the name of the profile of each.
    being_made: BTreeMap<String, String>,
    /// Profiles that were deleted past our finalizer: the uid of each, its name and its namespace.
    slipped: BTreeMap<String, (String, String)>,
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
        self.watches.push(Watch { source, synced: false, listing: Listed::default(), latest: 0, error: None });
        self.watches.len() - 1
    }

    /// Why this replica can't work yet.
    pub(super) fn readiness(&self) -> Result<(), String> {
        // What an admin adds may be missing or forbidden; that is a condition of the profiles, and no reason to stand still.
        let is_needed = |watch: &&Watch| match &watch.source {
            Source::Kind(resource) => desired::KINDS.contains(resource),
            source => !matches!(source, Source::Templates | Source::MeshSettings | Source::Endpoints | Source::WebUsers),
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
        let has_endpoints = !self.has_mesh_settings() || self.watches.iter().any(|watch| watch.source == Source::Endpoints);
        self.readiness().is_ok() && has_templates && has_endpoints && self.is_mesh_read(true) && self.watches.iter().all(is_read)
    }

    /// The names of all profiles, also of those that are gone and may have left something.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let slipped = self.slipped.values().map(|(name, _)| name);
        let guarded = self.left_guards().map(|(_, profile)| profile);
        self.profiles.keys().chain(self.being_made.values()).chain(slipped).chain(guarded).cloned().collect()
    }

    /// The namespaces whose profile of this name seems to be gone without having taken them along, and the uid of each profile.
    pub(super) fn orphans(&self, profile: &str) -> BTreeMap<String, String> {
        let today = self.profiles.get(profile).map(|entry| &entry.uid);
        let slipped = self.slipped.values().filter(|(name, _)| name == profile).map(|(_, namespace)| namespace);
        let begun = self.being_made.iter().filter(|(_, name)| *name == profile).map(|(namespace, _)| namespace);
        let orphan = |namespace: &String| {
            let seen = self.namespaces.get(namespace).filter(|seen| !seen.observed.deleting)?;
            let (_, uid) = seen.profile.as_ref().filter(|(name, uid)| name == profile && Some(uid) != today)?;
            (seen.being_made || self.has_slipped(uid)).then(|| (namespace.clone(), uid.clone()))
        };
        begun.chain(slipped).filter_map(orphan).collect()
    }

    /// Whether a profile was deleted past our finalizer.
    pub(super) fn has_slipped(&self, uid: &str) -> bool {
        self.slipped.contains_key(uid)
    }

    /// The stored profiles, for numbers.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.profiles.values()
    }

    /// The admin's `ConfigMap` of templates, where there is one.
    pub(super) fn templates_configmap(&self) -> Option<&str> {
        self.defaults.as_ref()?.as_ref().ok()?.templates.as_deref()
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
            Ok(watcher::Event::Init) => self.watches[watch].listing = Listed::default(),
            Ok(watcher::Event::InitApply(value)) => {
                let (namespace, name) = identity(&value);
                self.watches[watch].listing.insert(&namespace, &name);
                affected = self.apply(watch, &source, value);
            }
            Ok(watcher::Event::InitDone) => {
                affected = self.awaited(watch);
                let listed = std::mem::take(&mut self.watches[watch].listing);
                let gone = self.known(&source).filter(|(namespace, name)| !listed.contains(namespace, name)).map(owned);
                for (namespace, name) in gone.collect::<Vec<_>>() {
                    affected.extend(self.remove(&source, &namespace, &name, u64::MAX));
                }
                self.watches[watch].synced = true;
                self.watches[watch].error = None;
            }
            Ok(watcher::Event::Apply(value)) => affected = self.apply(watch, &source, value),
            Ok(watcher::Event::Delete(value)) => {
                let (namespace, name) = identity(&value);
                let version = version(&value);
                self.watches[watch].latest = self.watches[watch].latest.max(version);
                if source == Source::Profiles {
                    self.note_end(&name, value);
                }
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
}

/// The slot of an object.
pub(super) fn slot(resource: &Resource, name: &str) -> Slot {
    (resource.group_kind().into(), name.into())
}

fn owned((namespace, name): (&str, &str)) -> (String, String) {
    (namespace.to_owned(), name.to_owned())
}

fn identity(value: &Value) -> (String, String) {
    let text = |field: &str| value["metadata"][field].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::PROFILE;
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
    fn a_profile_that_slips_past_the_finalizer_leaves_its_namespace_to_be_taken_back() {
        let last = |finalizers: Value, more: (&str, Value)| {
            let mut profile = json!({"metadata": {"name": "jane", "uid": "1", "resourceVersion": "2", "finalizers": finalizers},
                "spec": {"template": {"spec": {"owner": {"kind": "User", "name": "jane@foo.com"}}}}});
            profile["metadata"][more.0] = more.1;
            profile
        };
        let ours = || json!([crate::labels::PROFILE_FINALIZER]);
        let rows = [
            (last(ours(), ("labels", json!({}))), vec![("kubeflow-jane".to_owned(), "1".to_owned())]),
            (last(json!([]), ("labels", json!({}))), vec![]),
            (last(ours(), ("deletionTimestamp", json!("2026-01-01T00:00:00Z"))), vec![]),
            (last(ours(), ("annotations", json!({crate::labels::KEEP_DATA: ""}))), vec![]),
        ];
        for (last, expected) in rows {
            let (mut world, _, _) = world();
            let namespaces = world.watch(Source::Namespaces);
            let namespace = json!({"metadata": {"name": "kubeflow-jane", "uid": "n", "resourceVersion": "3",
                "labels": {PROFILE: "jane", crate::labels::PROFILE_UID: "1"}}});
            world.take(namespaces, Ok(watcher::Event::Apply(namespace)));
            assert!(world.orphans("jane").is_empty());
            world.take(0, Ok(watcher::Event::Delete(last)));
            assert_eq!(world.orphans("jane").into_iter().collect::<Vec<_>>(), expected);
        }
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
