//! The watches behind the caches.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{AbortHandle, join_all};
use kube::runtime::watcher;

use super::policies::{ISTIO, NETWORK_POLICY};
use super::templates::Templates;
use super::world::Source;
use super::{Shared, defaults, desired, mesh};
use crate::cluster::{self, Connection, Discovery, Resource};
use crate::controllers::{lock, spawn};
use crate::labels::{ENDPOINT, PROFILE_UID, WEB_USERS};

/// Before what failed is tried again.
const PAUSE: Duration = Duration::from_secs(5);

/// Follows everything that profiles depend on, for ever.
pub(super) async fn follow_all(shared: &Arc<Shared>, connection: &Connection) {
    let resource = desired::resource;
    let system = Some(super::SYSTEM_NAMESPACE);
    let named = |name: &str| watcher::Config::default().fields(&format!("metadata.name={name}"));
    let made = || watcher::Config::default().labels(PROFILE_UID);
    let clusterroles = resource(desired::RBAC, "v1", "ClusterRole", "clusterroles", false);
    let definitions = resource("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", false);
    let profiles = resource("kubeflow.org", "v1alpha1", "Profile", "profiles", true);
    let mut watches = vec![
        (Source::Profiles, profiles, system, watcher::Config::default()),
        (Source::Namespaces, resource("", "v1", "Namespace", "namespaces", false), None, watcher::Config::default()),
        (Source::Defaults, configmaps(), system, named(defaults::CONFIGMAP)),
        (Source::Edit, clusterroles.clone(), None, named(desired::EDIT)),
        (Source::WebUsers, clusterroles, None, named(WEB_USERS)),
        (Source::MeshSettings, configmaps(), system, named(mesh::CONFIGMAP)),
        (Source::Kind(Arc::clone(&NETWORK_POLICY)), Resource::clone(&NETWORK_POLICY), None, made()),
    ];
    watches.extend(desired::MESH.map(|name| (Source::Mesh(name), definitions.clone(), None, named(name))));
    // By the bindings of others, namespaces are shared.
    let kept = |kind: &Resource| if kind.kind == "RoleBinding" { watcher::Config::default() } else { made() };
    watches.extend(desired::KINDS.iter().map(|kind| (Source::Kind(Arc::clone(kind)), Resource::clone(kind), None, kept(kind))));
    // All are known before the first one is read: readiness speaks of all.
    let begun: Vec<_> = watches
        .into_iter()
        .map(|(source, resource, namespace, config)| {
            let watch = lock(&shared.world).watch(source.clone());
            follow(Arc::clone(shared), connection.client(), watch, source, resource, namespace, config)
        })
        .collect();
    futures::join!(join_all(begun), follow_templates(shared, connection), follow_mesh(shared, connection));
}

/// Follows the kinds of the mesh for as long as the cluster serves them, and endpoints from when there is a mesh.
async fn follow_mesh(shared: &Arc<Shared>, connection: &Connection) {
    let mut following: [Option<(usize, Option<AbortHandle>)>; desired::MESH.len()] = [const { None }; desired::MESH.len()];
    let mut endpoints = None;
    loop {
        shared.mesh.notified().await;
        if endpoints.is_none() && lock(&shared.world).has_mesh_settings() {
            let watch = lock(&shared.world).watch(Source::Endpoints);
            let services = desired::resource("", "v1", "Service", "services", true);
            let declared = watcher::Config::default().labels(ENDPOINT);
            let task = follow(Arc::clone(shared), connection.client(), watch, Source::Endpoints, services, None, declared);
            endpoints = Some(spawn(task));
        }
        for ((definition, resource), following) in desired::MESH.iter().zip(ISTIO.iter()).zip(&mut following) {
            let is_served = lock(&shared.world).is_served(definition);
            let source = Source::Kind(Arc::clone(resource));
            match following {
                Some((watch, task)) if !is_served => {
                    if let Some(task) = task.take() {
                        task.abort();
                        lock(&shared.world).unread(*watch);
                    }
                }
                None | Some((_, None)) if is_served => {
                    let watch = following.as_ref().map(|(watch, _)| *watch);
                    let watch = watch.unwrap_or_else(|| lock(&shared.world).watch(source.clone()));
                    let made = watcher::Config::default().labels(PROFILE_UID);
                    let task =
                        follow(Arc::clone(shared), connection.client(), watch, source, Resource::clone(resource), None, made);
                    *following = Some((watch, Some(spawn(task))));
                }
                _ => {}
            }
        }
    }
}

fn configmaps() -> Resource {
    desired::resource("", "v1", "ConfigMap", "configmaps", true)
}

/// Follows one kind, into what is known.
async fn follow(
    shared: Arc<Shared>,
    client: kube::Client,
    watch: usize,
    source: Source,
    resource: Resource,
    namespace: Option<&str>,
    config: watcher::Config,
) {
    let told = |news| shared.take(watch, &source, news);
    cluster::follow(client, resource, namespace, config, told).await;
}

/// Follows the admin's templates: the `ConfigMap` that the defaults name, and the kinds that it makes.
async fn follow_templates(shared: &Arc<Shared>, connection: &Connection) {
    let mut watch = None;
    let mut running: Option<(String, AbortHandle)> = None;
    let mut known: Option<BTreeMap<String, String>> = None;
    loop {
        shared.templates.notified().await;
        if let Err(problem) = follow_forgotten(shared, connection).await {
            tracing::warn!(problem, "what templates made before can't be looked for now");
            tokio::time::sleep(PAUSE).await;
            shared.templates.notify_one();
        }
        let wanted = lock(&shared.world).templates_configmap().map(str::to_owned);
        if wanted.as_ref() != running.as_ref().map(|(name, _)| name) {
            if let Some((_, task)) = running.take() {
                task.abort();
            }
            lock(&shared.world).sources.clear();
            if let Some(name) = wanted.clone() {
                let watch = *watch.get_or_insert_with(|| lock(&shared.world).watch(Source::Templates));
                let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
                let following = follow(
                    Arc::clone(shared),
                    connection.client(),
                    watch,
                    Source::Templates,
                    configmaps(),
                    Some(super::SYSTEM_NAMESPACE),
                    config,
                );
                running = Some((name, spawn(following)));
            }
        }
        let sources = wanted.is_some().then(|| lock(&shared.world).sources.clone());
        if sources == known {
            continue;
        }
        let templates = match &sources {
            Some(sources) if !sources.is_empty() => Some(prepare(shared, connection, sources).await.map(Arc::new)),
            _ => None,
        };
        known = sources;
        if let Some(Err(problem)) = &templates {
            tracing::warn!(problem, "the templates can't be used");
        }
        let names = {
            let mut world = lock(&shared.world);
            world.set_templates(templates);
            world.names()
        };
        shared.enqueue(names);
        shared.news.notify_waiters();
    }
}

/// Finds the kinds that templates make, and follows them too.
async fn prepare(shared: &Arc<Shared>, connection: &Connection, sources: &BTreeMap<String, String>) -> Result<Templates, String> {
    let objects = Templates::sample(sources)?;
    let discovery = Discovery::read(connection).await.map_err(|failure| failure.message)?;
    let mut kinds: Vec<Arc<Resource>> = Vec::new();
    for resource in objects.iter().filter_map(|object| discovery.resource(object)) {
        if kinds.iter().any(|kind| **kind == *resource) {
            continue;
        }
        let kind = Arc::new(resource.clone());
        kinds.push(Arc::clone(&kind));
        if kind.namespaced {
            follow_kind(shared, connection, &kind);
        }
    }
    Ok(Templates::new(sources.clone(), kinds))
}

/// Follows the kinds that templates made once and make no longer: what is left of them goes.
async fn follow_forgotten(shared: &Arc<Shared>, connection: &Connection) -> Result<(), String> {
    let forgotten = lock(&shared.world).forgotten_kinds();
    if forgotten.is_empty() {
        return Ok(());
    }
    let discovery = Discovery::read(connection).await.map_err(|failure| failure.message)?;
    for group_kind in forgotten.into_iter().filter(|kind| !discovery.is_silent(kind)) {
        let (kind, group) = group_kind.split_once('.').unwrap_or((&group_kind, ""));
        match discovery.versions(group, kind).iter().find(|resource| resource.namespaced) {
            Some(resource) => follow_kind(shared, connection, &Arc::new(resource.clone())),
            None => lock(&shared.world).set_unserved(group_kind),
        }
    }
    Ok(())
}

/// Follows the objects of a kind that are made for profiles, once.
fn follow_kind(shared: &Arc<Shared>, connection: &Connection, kind: &Arc<Resource>) {
    let source = Source::Kind(Arc::clone(kind));
    let watch = {
        let mut world = lock(&shared.world);
        if world.is_watched(kind) {
            return;
        }
        world.watch(source.clone())
    };
    let made = watcher::Config::default().labels(PROFILE_UID);
    spawn(follow(Arc::clone(shared), connection.client(), watch, source, Resource::clone(kind), None, made));
}
