//! All that a reconcile of one profile looks at. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::super::claim::NamespaceSeen;
use super::super::defaults::Defaults;
use super::super::desired::{Desired, Identity};
use super::super::endpoints::Declared;
use super::super::mesh::Mesh;
use super::super::observed::Observed;
use super::super::policies::Share;
use super::super::templates::Templates;
use super::super::{SYSTEM_NAMESPACE, quota};
use super::{Entry, Slot, World, slot};

/// All that a reconcile of one profile looks at.
#[derive(Debug, Clone)]
pub(in super::super) struct View {
    pub(in super::super) profile: Entry,
    /// The namespace that it asks for.
    pub(in super::super) namespace: Option<NamespaceSeen>,
    /// Profiles that ask for the same one, the first first; those on their way out are left out.
    pub(in super::super) claimants: Vec<String>,
    /// The name of the profile whose the namespace is, where that one exists.
    pub(in super::super) holder: Option<String>,
    pub(in super::super) objects: BTreeMap<Slot, Observed>,
    pub(in super::super) quota: Option<quota::Seen>,
    pub(in super::super) defaults: Option<Result<Arc<Defaults>, String>>,
    pub(in super::super) edit: Option<Arc<Value>>,
    pub(in super::super) templates: Option<Result<Arc<Templates>, String>>,
    /// A profile that goes before this one and whose owner's name differs by case alone: its name, and that owner.
    pub(in super::super) rival: Option<(String, String)>,
    /// How many profiles of the same creator go before this one.
    pub(in super::super) ahead: usize,
    /// The definitions of the mesh that are missing.
    pub(in super::super) mesh_missing: Vec<&'static str>,
    /// Whether it is not known what the mesh has.
    pub(in super::super) mesh_unread: bool,
    pub(in super::super) mesh: Option<Result<Arc<Mesh>, String>>,
    /// The bindings that share the namespace.
    pub(in super::super) shares: Vec<Share>,
    /// The Services that are declared to be endpoints.
    pub(in super::super) endpoints: Vec<Arc<Declared>>,
    /// Whether the cluster serves what leads to them.
    pub(in super::super) has_routes: bool,
    /// What is denied for the namespace at gateways, by their namespace.
    pub(in super::super) gateways: BTreeMap<String, Observed>,
    /// Kinds that templates have made here once and of which something may be left.
    pub(in super::super) kinds_left: BTreeSet<String>,
    /// Whether namespace kubeflow-system is on its way out, and all profiles with it.
    pub(in super::super) system_going: bool,
}

impl View {
    /// An object as it is there.
    pub(in super::super) fn there(&self, object: &Desired) -> Option<&Observed> {
        self.objects.get(&slot(&object.resource, &object.name))
    }

    /// Whether an object is to be written.
    pub(in super::super) fn needs(&self, object: &Desired) -> bool {
        self.there(object).is_none_or(|seen| !seen.deleting && !seen.is(object.digest))
    }

    /// The quota is not there any longer.
    pub(in super::super) fn forget_quota(&mut self) {
        self.quota = None;
        self.objects.retain(|(kind, name), _| (&**kind, &**name) != ("ResourceQuota", quota::NAME));
    }
}

impl World {
    /// What there is to know for a reconcile; none where the profile is gone.
    pub(in super::super) fn view(&self, name: &str) -> Option<View> {
        let profile = self.profiles.get(name)?.clone();
        let target = profile.namespace();
        let key = target.as_deref().unwrap_or_default();
        let namespace = self.namespaces.get(key).cloned();
        let named = |name: &String| self.profiles.get(name).map(|entry| (entry, name.clone()));
        let mut claimants: Vec<_> = self.claims.of(key).filter_map(named).collect();
        claimants.retain(|(entry, _)| !entry.deleting);
        claimants.sort_by(|(a, _), (b, _)| (&a.created, &a.uid).cmp(&(&b.created, &b.uid)));
        let holder = namespace
            .as_ref()
            .and_then(|seen| seen.profile.as_ref())
            .and_then(|(name, uid)| self.profiles.get(name).is_some_and(|entry| entry.uid == *uid).then(|| name.clone()));
        Some(View {
            claimants: claimants.into_iter().map(|(_, name)| name).collect(),
            holder,
            objects: self.objects.get(key).cloned().unwrap_or_default(),
            quota: self.quotas.get(key).cloned(),
            defaults: self.defaults.clone(),
            edit: self.edit.clone(),
            templates: self.templates.clone().or_else(|| {
                let name = self.templates_configmap()?;
                Some(Err(format!("ConfigMap {name} of kubeflow-system is missing, empty or not read yet")))
            }),
            rival: self.rival(name, &profile),
            ahead: self.ahead(name, &profile),
            mesh_missing: self.mesh_missing(),
            mesh_unread: !self.is_mesh_read(false),
            mesh: self.mesh.settings.clone(),
            shares: self.shares(key),
            endpoints: self.endpoints(key),
            has_routes: self.has_routes(),
            gateways: self.gateways(key),
            system_going: self.namespaces.get(SYSTEM_NAMESPACE).is_some_and(|system| system.observed.deleting),
            kinds_left: self.kinds_left(key),
            profile,
            namespace,
        })
    }

    /// Whether a profile holds the namespace that it asks for.
    fn held_by(&self, entry: &Entry) -> Option<&NamespaceSeen> {
        let seen = self.namespaces.get(&entry.namespace()?)?;
        seen.profile.as_ref().is_some_and(|(_, uid)| *uid == entry.uid).then_some(seen)
    }

    /// Those whose owner has rights already go first, then the older ones.
    fn rival(&self, name: &str, profile: &Entry) -> Option<(String, String)> {
        let owner = |entry: &Entry| entry.content.as_deref().ok().map(|profile| profile.spec.template.spec.owner.clone());
        let order = |entry: &Entry| {
            let is_settled = self.held_by(entry).is_some_and(|seen| seen.owner == owner(entry).as_ref().map(Identity::of));
            (!is_settled, entry.created.clone(), entry.uid.clone())
        };
        let others = self.rivals.by_case(&profile.traits()).filter(|other| *other != name);
        let others = others.filter_map(|other| Some((self.profiles.get(other)?, other)));
        let first = others.min_by_key(|(entry, _)| order(entry)).filter(|(entry, _)| order(entry) < order(profile));
        first.and_then(|(entry, other)| Some((other.to_owned(), owner(entry)?.name)))
    }

    /// Those that hold their namespace go first, then the older ones.
    fn ahead(&self, name: &str, profile: &Entry) -> usize {
        let order = |entry: &Entry| (self.held_by(entry).is_none(), entry.created.clone(), entry.uid.clone());
        let others = self.rivals.of_creator(&profile.traits()).filter(|other| *other != name);
        others.filter_map(|other| self.profiles.get(other)).filter(|entry| order(entry) < order(profile)).count()
    }
}
