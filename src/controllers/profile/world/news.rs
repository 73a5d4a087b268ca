//! What each piece of news changes, and whom it concerns. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::super::claim::{NamespaceSeen, REFUSED_FOR_RIVALS};
use super::super::defaults::{self, Defaults};
use super::super::endpoints::Declared;
use super::super::mesh::{self, Mesh};
use super::super::observed::{Observed, version};
use super::super::policies::Share;
use super::super::rivals::Traits;
use super::super::{SYSTEM_NAMESPACE, desired, quota};
use super::{Entry, Source, World, identity, slot};
use crate::cluster::Resource;
use crate::labels::{KEEP_DATA, PROFILE, PROFILE_FINALIZER, PROFILE_UID, WEB_USERS};

impl World {
    pub(super) fn apply(&mut self, watch: usize, source: &Source, value: Value) -> BTreeSet<String> {
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
            Source::MeshSettings => self.set_mesh_settings(Some(Mesh::read(&value))),
            Source::Endpoints => self.set_endpoint(&namespace, &name, Declared::new(&value)),
            Source::WebUsers => {
                self.people.note_role(Some(&value));
                BTreeSet::new()
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
            self.claims.insert(namespace, name.to_owned());
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
        let Some(namespace) = self.profiles.get(name).and_then(Entry::namespace) else { return BTreeSet::new() };
        self.claims.remove(namespace.clone(), name.to_owned());
        self.claimants(&namespace)
    }

    fn claimants(&self, namespace: &str) -> BTreeSet<String> {
        self.claims.of(namespace).cloned().collect()
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
            if name == SYSTEM_NAMESPACE {
                affected.extend(self.profiles.keys().cloned());
            }
        }
        match &seen.profile {
            Some((profile, _)) if seen.being_made => drop(self.being_made.insert(name.to_owned(), profile.clone())),
            _ => drop(self.being_made.remove(name)),
        }
        self.namespaces.insert(name.to_owned(), seen);
        affected
    }

    fn apply_object(&mut self, resource: &Arc<Resource>, namespace: &str, name: &str, value: &Value) -> BTreeSet<String> {
        let mut observed = Observed::new(value);
        let slot = slot(resource, name);
        let is_older = |before: &Observed| before.version > observed.version;
        if self.objects.get(namespace).and_then(|objects| objects.get(&slot)).is_some_and(is_older) {
            return BTreeSet::new();
        }
        let marked = value["metadata"]["labels"].get(PROFILE_UID).is_some();
        // Of what we bind the profile itself names the people.
        self.people.note(resource, namespace, name, Some(value).filter(|_| !marked || !observed.is_ours()));
        // What we bind follows from the profile itself.
        let share = (!marked || !observed.is_ours()).then(|| Share::new(value)).flatten();
        let shared = self.set_share(resource, namespace, name, share);
        // Of bindings all are followed; those without the mark are no object of the profile, even where we have taken a subject out.
        if resource.kind == "RoleBinding" && !marked {
            let was_marked = self.remove_object(resource, namespace, name, observed.version);
            return if shared || was_marked { self.holder(namespace, value) } else { BTreeSet::new() };
        }
        let before = self.objects.get(namespace).and_then(|objects| objects.get(&slot));
        let mut changed =
            shared || before.is_none_or(|before| (before.digest, before.deleting) != (observed.digest, observed.deleting));
        if let Some(before) = before {
            keep_sent(before, &mut observed);
        }
        if is_quota(resource, name) {
            let seen = quota::Seen::new(value);
            changed |= self.quotas.get(namespace) != Some(&seen);
            self.quotas.insert(namespace.to_owned(), seen);
        }
        let (kind, place) = slot;
        let kind = self.kinds.get(&kind).cloned().unwrap_or(kind);
        self.kinds.insert(Arc::clone(&kind));
        self.objects.entry(namespace.to_owned()).or_default().insert((kind, place), observed);
        let about = self.note_gateway(resource, namespace, name, Some(value));
        if changed { self.holder(about, value) } else { BTreeSet::new() }
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

    /// Namespace and name of all that is known from a source.
    pub(super) fn known<'a>(&'a self, source: &'a Source) -> Box<dyn Iterator<Item = (&'a str, &'a str)> + 'a> {
        let one = |namespace, name| Box::new(std::iter::once((namespace, name)));
        match source {
            Source::Profiles => Box::new(self.profiles.keys().map(|name| (SYSTEM_NAMESPACE, name.as_str()))),
            Source::Namespaces => Box::new(self.namespaces.keys().map(|name| ("", name.as_str()))),
            Source::Kind(resource) => {
                let kind = resource.group_kind();
                let objects =
                    self.objects.iter().flat_map(|(namespace, objects)| objects.keys().map(move |slot| (namespace, slot)));
                let objects = objects.filter(move |(_, slot)| *slot.0 == *kind);
                let objects = objects.map(|(namespace, slot)| (namespace.as_str(), &*slot.1));
                Box::new(objects.chain(self.known_shares(resource)).chain(self.people.known(resource)))
            }
            // Each is one object, and its list tells that it is missing.
            Source::Defaults => one(SYSTEM_NAMESPACE, defaults::CONFIGMAP),
            Source::Edit => one("", desired::EDIT),
            Source::Mesh(name) => one("", *name),
            Source::MeshSettings => one(SYSTEM_NAMESPACE, mesh::CONFIGMAP),
            Source::Endpoints => Box::new(self.known_endpoints()),
            Source::WebUsers => one("", WEB_USERS),
            Source::Templates => Box::new(self.templates_configmap().into_iter().map(|name| (SYSTEM_NAMESPACE, name))),
        }
    }

    /// Keeps in mind a profile that has ended with our finalizer on it and without ever having been on its way out.
    pub(super) fn note_end(&mut self, name: &str, last: Value) {
        let entry = Entry::new(last);
        let has_ours = entry.finalizers.iter().any(|finalizer| finalizer == PROFILE_FINALIZER);
        if let (Some(namespace), true, false) =
            (entry.namespace(), has_ours, entry.deleting || entry.annotations.contains(KEEP_DATA))
        {
            self.slipped.insert(entry.uid, (name.to_owned(), namespace));
        }
    }

    /// Takes out what is gone since `version`.
    pub(super) fn remove(&mut self, source: &Source, namespace: &str, name: &str, version: u64) -> BTreeSet<String> {
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
                self.being_made.remove(name);
                affected.extend(self.namespaces.remove(name).and_then(|seen| seen.profile).map(|(name, _)| name));
                affected.extend(self.guards(name));
                affected
            }
            Source::Kind(resource) => {
                let shared = self.set_share(resource, namespace, name, None);
                self.people.note(resource, namespace, name, None);
                if !self.remove_object(resource, namespace, name, version) && !shared {
                    return BTreeSet::new();
                }
                let about = self.note_gateway(resource, namespace, name, None);
                let mut affected = self.holder(about, &Value::Null);
                if about != namespace {
                    affected.extend(self.claimants(about));
                }
                affected
            }
            Source::Defaults => self.set_defaults(None),
            Source::Edit => self.set_edit(None),
            Source::Mesh(name) => self.set_mesh(name, false),
            Source::MeshSettings => self.set_mesh_settings(None),
            Source::Endpoints => self.set_endpoint(namespace, name, None),
            Source::WebUsers => {
                self.people.note_role(None);
                BTreeSet::new()
            }
            Source::Templates => {
                self.sources.clear();
                BTreeSet::new()
            }
        }
    }

    /// Whether it was there.
    fn remove_object(&mut self, resource: &Resource, namespace: &str, name: &str, version: u64) -> bool {
        let Some(objects) = self.objects.get_mut(namespace) else { return false };
        let slot = slot(resource, name);
        if objects.get(&slot).is_none_or(|observed| observed.version > version) {
            return false;
        }
        objects.remove(&slot);
        if objects.is_empty() {
            self.objects.remove(namespace);
        }
        if is_quota(resource, name) {
            self.quotas.remove(namespace);
        }
        true
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
