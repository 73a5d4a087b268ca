//! What is known of the mesh: its definitions and settings, whom namespaces are shared with, and what is denied at gateways. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::super::desired;
use super::super::endpoints::Declared;
use super::super::mesh::Mesh;
use super::super::observed::Observed;
use super::super::policies::{ISTIO, Share, guarded, is_fit, slot_at_gateway, slot_at_sidecars};
use super::{Source, Watch, World, owned};
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
    /// By namespace and name of the Service.
    endpoints: HashMap<String, BTreeMap<String, Arc<Declared>>>,
}

/// How a namespace is closed to all but those whose it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::controllers) struct Doors {
    /// Whether the gateway denies its paths to others.
    pub(in crate::controllers) at_gateway: bool,
    /// Whether its sidecars refuse others.
    pub(in crate::controllers) at_sidecars: bool,
    /// How tokens name people, where that is known.
    pub(in crate::controllers) login: Option<Login>,
}

/// How tokens name people, and by whom requests come in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::controllers) struct Login {
    /// Whose tokens count.
    pub(in crate::controllers) issuer: String,
    /// The condition of a policy on the user's claim.
    pub(in crate::controllers) claim: String,
    /// What RBAC puts before a user's name.
    pub(in crate::controllers) prefix: String,
    /// The headers in which a token may be, in lower case.
    pub(in crate::controllers) token_headers: BTreeSet<String>,
    /// The principal of the gateway.
    pub(in crate::controllers) gateway: String,
}

impl Login {
    /// What the claim of a user is; none where no policy can say it.
    pub(in crate::controllers) fn claim_of<'a>(&self, user: &'a str) -> Option<&'a str> {
        user.strip_prefix(self.prefix.as_str()).filter(|claim| !claim.is_empty() && is_fit(claim) && is_fit(user))
    }
}

impl World {
    /// How a namespace is closed now.
    pub(in super::super) fn doors(&self, namespace: &str) -> Doors {
        let settings = self.mesh.settings.as_ref().and_then(|settings| settings.as_ref().ok());
        let allow = self.objects.get(namespace).and_then(|objects| objects.get(&slot_at_sidecars()));
        let gateway = settings.map(|mesh| mesh.gateway.namespace.as_str()).unwrap_or_default();
        Doors {
            at_gateway: self.gateways(namespace).get(gateway).is_some_and(|seen| !seen.deleting),
            at_sidecars: allow.is_some_and(|seen| seen.is_ours() && !seen.deleting),
            login: settings.map(|mesh| Login {
                issuer: mesh.issuer.clone(),
                claim: mesh.user.clone(),
                prefix: mesh.user_prefix.clone(),
                token_headers: mesh.token_headers.clone(),
                gateway: format!("cluster.local/ns/{gateway}/sa/{}", mesh.gateway.service_account),
            }),
        }
    }

    /// The namespace that a profile asks for.
    pub(in super::super) fn namespace(&self, profile: &str) -> Option<String> {
        self.profiles.get(profile)?.namespace()
    }

    /// Whether the cluster serves a kind of the mesh.
    pub(in super::super) fn is_served(&self, definition: &str) -> bool {
        self.mesh.definitions.contains(definition)
    }

    /// The definitions of the mesh that are missing.
    pub(super) fn mesh_missing(&self) -> Vec<&'static str> {
        desired::MESH[..2].iter().filter(|name| !self.is_served(name)).copied().collect()
    }

    /// Whether the cluster serves what leads to endpoints.
    pub(super) fn has_routes(&self) -> bool {
        self.is_served(desired::MESH[2])
    }

    /// Whether there is a mesh to lead anywhere.
    pub(in super::super) fn has_mesh_settings(&self) -> bool {
        self.mesh.settings.is_some()
    }

    /// Takes in what a Service declares, or that it does not any longer.
    pub(super) fn set_endpoint(&mut self, namespace: &str, name: &str, endpoint: Option<Declared>) -> BTreeSet<String> {
        let endpoints = self.mesh.endpoints.entry(namespace.to_owned()).or_default();
        let is_news = endpoints.get(name).map(AsRef::as_ref) != endpoint.as_ref();
        match endpoint {
            Some(endpoint) if is_news => drop(endpoints.insert(name.to_owned(), Arc::new(endpoint))),
            Some(_) => {}
            None => drop(endpoints.remove(name)),
        }
        if endpoints.is_empty() {
            self.mesh.endpoints.remove(namespace);
        }
        let holder = self.namespaces.get(namespace).and_then(|seen| seen.profile.as_ref());
        holder.filter(|_| is_news).map(|(profile, _)| profile.clone()).into_iter().collect()
    }

    /// The endpoints of a namespace.
    pub(super) fn endpoints(&self, namespace: &str) -> Vec<Arc<Declared>> {
        self.mesh.endpoints.get(namespace).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// Namespace and name of all endpoints.
    pub(super) fn known_endpoints(&self) -> impl Iterator<Item = (&str, &str)> {
        let endpoints = self.mesh.endpoints.iter();
        endpoints.flat_map(|(namespace, endpoints)| endpoints.keys().map(|name| (namespace.as_str(), name.as_str())))
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
        for (namespace, name) in self.known(&source).map(owned).collect::<Vec<_>>() {
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
    pub(super) fn known_shares<'a>(&'a self, resource: &Resource) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let shares = (resource.kind == "RoleBinding").then_some(&self.mesh.shares).into_iter().flatten();
        shares.flat_map(|(namespace, shares)| shares.keys().map(|name| (namespace.as_str(), name.as_str())))
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
    pub(in super::super) fn left_guards(&self) -> impl Iterator<Item = (&String, &String)> {
        let gone = |namespace: &String| !self.namespaces.contains_key(namespace) && self.claims.of(namespace).next().is_none();
        let left = self.mesh.gateways.iter().filter(move |(namespace, _)| gone(namespace));
        left.flat_map(|(namespace, places)| places.values().map(move |profile| (namespace, profile)))
    }

    /// The profiles that policies at gateways say a namespace was for.
    pub(super) fn guards(&self, namespace: &str) -> BTreeSet<String> {
        self.mesh.gateways.get(namespace).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use kube::runtime::watcher::Event;
    use serde_json::json;

    use super::*;
    use crate::labels::PROFILE_UID;

    /// A world with profile jane and its namespace, and a watch on a kind.
    fn world(resource: &Arc<Resource>) -> (World, usize) {
        let mut world = World::default();
        let profiles = world.watch(Source::Profiles);
        let namespaces = world.watch(Source::Namespaces);
        let watch = world.watch(Source::Kind(Arc::clone(resource)));
        let profile = json!({"apiVersion": "kubeflow.org/v1alpha1", "kind": "Profile", "metadata": {"name": "jane", "namespace": "kubeflow-system", "uid": "1", "resourceVersion": "1"},
            "spec": {"template": {"spec": {"owner": {"kind": "User", "name": "jane@foo.com"}}}}});
        world.take(profiles, Ok(Event::Apply(profile)));
        world.take(namespaces, Ok(Event::Apply(namespace())));
        (world, watch)
    }

    fn namespace() -> Value {
        json!({"metadata": {"name": "kubeflow-jane", "uid": "n", "resourceVersion": "2", "labels": {PROFILE: "jane", PROFILE_UID: "1"}}})
    }

    fn object(namespace: &str, name: &str, version: u64, more: Value) -> Value {
        let mut object = json!({"metadata": {"name": name, "namespace": namespace, "resourceVersion": version.to_string()}});
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    }

    /// What the controller has written: labels, and the field manager's entry.
    fn made(mut object: Value, operation: &str) -> Value {
        object["metadata"]["managedFields"] =
            json!([{"manager": "kfctl-controller", "operation": operation, "fieldsV1": {"f:subjects": {}, "f:spec": {}}}]);
        object
    }

    #[test]
    fn a_share_is_news_of_its_namespace_s_profile() {
        let bindings = desired::KINDS.iter().find(|kind| kind.kind == "RoleBinding").unwrap();
        let (mut world, watch) = world(bindings);
        let jane = BTreeSet::from(["jane".to_owned()]);
        let share = |version, user: &str| {
            let more = json!({"roleRef": {"kind": "Role", "name": "default"}, "subjects": [{"apiGroup": desired::RBAC, "kind": "User", "name": user}]});
            object("kubeflow-jane", "share", version, more)
        };
        assert_eq!(world.take(watch, Ok(Event::Apply(share(3, "bob")))), jane);
        assert_eq!(world.shares("kubeflow-jane").len(), 1);
        assert!(world.take(watch, Ok(Event::Apply(share(4, "bob")))).is_empty(), "the same is no news");
        // We have taken a subject out of it: that makes it none of ours, which would be pruned.
        assert_eq!(world.take(watch, Ok(Event::Apply(made(share(5, "eve"), "Update")))), jane);
        assert!(world.view("jane").unwrap().objects.is_empty());
        assert_eq!(world.shares("kubeflow-jane").len(), 1);
        // A list without it, as after a broken watch.
        world.take(watch, Ok(Event::Init));
        assert_eq!(world.take(watch, Ok(Event::InitDone)), jane);
        assert!(world.shares("kubeflow-jane").is_empty());
        // Our own follows from the profile.
        let mut own = made(share(7, "jane"), "Apply");
        own["metadata"]["labels"] = json!({PROFILE: "jane", PROFILE_UID: "1"});
        world.take(watch, Ok(Event::Apply(own)));
        assert!(world.shares("kubeflow-jane").is_empty());
        assert_eq!(world.view("jane").unwrap().objects.len(), 1);
    }

    #[test]
    fn what_is_denied_at_a_gateway_is_found_by_the_namespace_it_is_about() {
        let (mut world, watch) = world(&ISTIO[0]);
        let jane = BTreeSet::from(["jane".to_owned()]);
        let policy = |gateway: &str, version| {
            let mut policy = made(object(gateway, "profile-access-kubeflow-jane", version, json!({"spec": {}})), "Apply");
            policy["metadata"]["labels"] = json!({PROFILE: "jane", PROFILE_UID: "1"});
            policy
        };
        assert_eq!(world.take(watch, Ok(Event::Apply(policy("istio-system", 3)))), jane);
        // One that a user makes in a namespace of theirs is nothing to us.
        world.take(watch, Ok(Event::Apply(policy("kubeflow-jane", 4))));
        assert_eq!(world.view("jane").unwrap().gateways.keys().collect::<Vec<_>>(), ["istio-system"]);
        world.take(watch, Ok(Event::Delete(policy("kubeflow-jane", 5))));
        assert_eq!(world.left_guards().count(), 0);
        // Profile and namespace go: the policy is left, and told of.
        let profile = json!({"metadata": {"name": "jane", "namespace": "kubeflow-system", "resourceVersion": "5"}});
        world.take(0, Ok(Event::Delete(profile)));
        assert_eq!(world.left_guards().count(), 0, "the namespace is still there");
        let mut gone = namespace();
        gone["metadata"]["resourceVersion"] = "6".into();
        assert_eq!(world.take(1, Ok(Event::Delete(gone))), jane);
        assert!(world.left_guards().any(|left| left == (&"kubeflow-jane".to_owned(), &"jane".to_owned())));
        assert!(world.names().contains("jane"), "whoever leads next looks at it");
        world.take(watch, Ok(Event::Delete(policy("istio-system", 7))));
        assert!(world.gateways("kubeflow-jane").is_empty());
    }

    #[test]
    fn what_a_service_declares_is_news_of_its_namespace_s_profile() {
        let (mut world, _) = world(&ISTIO[0]);
        let watch = world.watch(Source::Endpoints);
        let jane = BTreeSet::from(["jane".to_owned()]);
        let service = |version, labels: Value, port: u64| {
            let mut service =
                object("kubeflow-jane", "mnist", version, json!({"spec": {"selector": {"a": "b"}, "ports": [{"port": port}]}}));
            service["metadata"]["labels"] = labels;
            service
        };
        let declared = json!({crate::labels::ENDPOINT: ""});
        assert_eq!(world.take(watch, Ok(Event::Apply(service(3, declared.clone(), 80)))), jane);
        assert_eq!(world.view("jane").unwrap().endpoints.len(), 1);
        assert!(world.take(watch, Ok(Event::Apply(service(4, declared.clone(), 80)))).is_empty(), "the same is no news");
        assert_eq!(world.take(watch, Ok(Event::Apply(service(5, declared.clone(), 81)))), jane);
        assert_eq!(world.take(watch, Ok(Event::Delete(service(6, declared.clone(), 81)))), jane);
        assert!(world.view("jane").unwrap().endpoints.is_empty());
        // A list without it, as after a broken watch.
        world.take(watch, Ok(Event::Apply(service(7, declared, 80))));
        world.take(watch, Ok(Event::Init));
        assert_eq!(world.take(watch, Ok(Event::InitDone)), jane);
        assert!(world.view("jane").unwrap().endpoints.is_empty());
        // Of somebody else's namespace it concerns nobody.
        let elsewhere = object("elsewhere", "x", 9, json!({}));
        assert!(world.take(watch, Ok(Event::Apply(elsewhere))).is_empty());
    }

    #[test]
    fn a_kind_that_is_served_is_waited_for() {
        let (mut world, watch) = world(&ISTIO[0]);
        assert!(world.is_mesh_read(false), "nothing is served");
        world.set_mesh(desired::MESH[0], true);
        assert_eq!(world.mesh_missing(), [desired::MESH[1]], "routes are no need of every profile");
        assert!(!world.has_routes());
        assert!(!world.is_mesh_read(true));
        world.take(watch, Err("forbidden".into()));
        assert!(world.is_mesh_read(true) && !world.is_mesh_read(false));
        world.take(watch, Ok(Event::Init));
        assert_eq!(world.take(watch, Ok(Event::InitDone)).len(), 1, "all profiles wait for it");
        assert!(world.is_mesh_read(false));
    }
}
