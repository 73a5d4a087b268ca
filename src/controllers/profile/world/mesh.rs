//! What is known of the mesh: its definitions and settings, whom namespaces are shared with, and what is denied at gateways. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::super::desired;
use super::super::mesh::Mesh;
use super::super::observed::Observed;
use super::super::policies::{ISTIO, Share, guarded, slot_at_gateway};
use super::{Source, Watch, World};
use crate::cluster::Resource;
use crate::labels::PROFILE;

/// What is known of the mesh besides the objects in profiles' namespaces.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The definitions that are served.
    definitions: BTreeSet<&'static str>,
    pub(super) settings: Option<Result<Arc<Mesh>, String>>,
    /// By namespace and name of the binding.
    shares: HashMap<String, BTreeMap<String, Share>>,
    /// For each namespace, where the gateways are that deny its paths, and the name of the profile that it was for.
    gateways: HashMap<String, BTreeMap<String, String>>,
}

impl World {
    /// Whether the cluster serves a kind of the mesh.
    pub(in super::super) fn is_served(&self, definition: &str) -> bool {
        self.mesh.definitions.contains(definition)
    }

    /// The definitions of the mesh that are missing.
    pub(super) fn mesh_missing(&self) -> Vec<&'static str> {
        desired::MESH.iter().filter(|name| !self.is_served(name)).copied().collect()
    }

    /// Whether each kind of the mesh that is served has been read, or at least tried where that will do.
    pub(super) fn is_mesh_read(&self, tried_will_do: bool) -> bool {
        let is_read = |resource: &Arc<Resource>| {
            let read = |watch: &Watch| watch.synced || tried_will_do && watch.error.is_some();
            self.watches.iter().any(|watch| matches!(&watch.source, Source::Kind(kind) if kind == resource) && read(watch))
        };
        let kinds = desired::MESH.iter().zip(ISTIO.iter());
        kinds.filter(|(definition, _)| self.is_served(definition)).all(|(_, resource)| is_read(resource))
    }

    /// What a kind of the mesh held is gone with its definition.
    pub(in super::super) fn unread(&mut self, watch: usize) {
        let source = self.watches[watch].source.clone();
        for (namespace, name) in self.known(&source) {
            self.remove(&source, &namespace, &name, u64::MAX);
        }
        self.watches[watch].synced = false;
    }

    /// Whom it concerns that a list has been read to its end for the first time: a kind of the mesh may be what all waited for.
    pub(super) fn awaited(&self, watch: usize) -> BTreeSet<String> {
        let Watch { source, synced, .. } = &self.watches[watch];
        let is_awaited = !synced && matches!(source, Source::Kind(kind) if ISTIO.contains(kind));
        if is_awaited { self.profiles.keys().cloned().collect() } else { BTreeSet::new() }
    }

    pub(super) fn set_mesh(&mut self, name: &'static str, is_served: bool) -> BTreeSet<String> {
        let definitions = &mut self.mesh.definitions;
        let changed = if is_served { definitions.insert(name) } else { definitions.remove(name) };
        if changed { self.profiles.keys().cloned().collect() } else { BTreeSet::new() }
    }

    pub(super) fn set_mesh_settings(&mut self, settings: Option<Result<Mesh, String>>) -> BTreeSet<String> {
        let settings = settings.map(|settings| settings.map(Arc::new));
        if self.mesh.settings == settings {
            return BTreeSet::new();
        }
        self.mesh.settings = settings;
        self.profiles.keys().cloned().collect()
    }

    /// Takes in whom a binding shares its namespace with. Whether that is news.
    pub(super) fn set_share(&mut self, resource: &Resource, namespace: &str, name: &str, share: Option<Share>) -> bool {
        if resource.kind != "RoleBinding" {
            return false;
        }
        let shares = &mut self.mesh.shares;
        if shares.get(namespace).and_then(|shares| shares.get(name)) == share.as_ref() {
            return false;
        }
        match (share, shares.get_mut(namespace)) {
            (Some(share), _) => drop(shares.entry(namespace.to_owned()).or_default().insert(name.to_owned(), share)),
            (None, Some(left)) => {
                left.remove(name);
                if left.is_empty() {
                    shares.remove(namespace);
                }
            }
            (None, None) => {}
        }
        true
    }

    /// The bindings that share a namespace.
    pub(super) fn shares(&self, namespace: &str) -> Vec<Share> {
        self.mesh.shares.get(namespace).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// Namespace and name of all bindings that share.
    pub(super) fn known_shares(&self, resource: &Resource) -> impl Iterator<Item = (String, String)> {
        let shares = (resource.kind == "RoleBinding").then_some(&self.mesh.shares).into_iter().flatten();
        shares.flat_map(|(namespace, shares)| shares.keys().map(move |name| (namespace.clone(), name.clone())))
    }

    /// Notes where a policy at a gateway is, or that it is gone; the namespace that it is about.
    pub(super) fn note_gateway<'a>(
        &mut self,
        resource: &Resource,
        namespace: &'a str,
        name: &'a str,
        value: Option<&Value>,
    ) -> &'a str {
        let Some(about) = guarded(resource, name) else { return namespace };
        if let Some(value) = value {
            let profile = value["metadata"]["labels"][PROFILE].as_str().unwrap_or_default().to_owned();
            self.mesh.gateways.entry(about.to_owned()).or_default().insert(namespace.to_owned(), profile);
        } else if let Some(places) = self.mesh.gateways.get_mut(about) {
            places.remove(namespace);
            if places.is_empty() {
                self.mesh.gateways.remove(about);
            }
        }
        about
    }

    /// What we have made at gateways for a namespace, by the gateway's namespace. What a user makes in their own is none of it.
    pub(in super::super) fn gateways(&self, namespace: &str) -> BTreeMap<String, Observed> {
        let place = slot_at_gateway(namespace);
        let is_users = |namespace: &String| self.namespaces.get(namespace).is_some_and(|seen| seen.profile.is_some());
        let places = self.mesh.gateways.get(namespace).into_iter().flat_map(BTreeMap::keys).filter(|place| !is_users(place));
        let seen = places.filter_map(|gateway| Some((gateway.clone(), self.objects.get(gateway)?.get(&place)?.clone())));
        seen.filter(|(_, seen)| seen.is_ours()).collect()
    }

    /// Namespaces that are gone, with no profile to make them again, and about which gateways still have policies: each with the name
    /// of the profile that it was for.
    pub(in super::super) fn orphans(&self) -> impl Iterator<Item = (&String, &String)> {
        let gone = |namespace: &String| !self.namespaces.contains_key(namespace) && !self.claims.contains_key(namespace);
        let left = self.mesh.gateways.iter().filter(move |(namespace, _)| gone(namespace));
        left.flat_map(|(namespace, places)| places.values().map(move |profile| (namespace, profile)))
    }

    /// The profiles that policies at gateways say a namespace was for.
    pub(super) fn guards(&self, namespace: &str) -> BTreeSet<String> {
        self.mesh.gateways.get(namespace).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }
}
