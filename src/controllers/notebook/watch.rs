//! The watches behind what is known of notebooks. They begin when the admin's settings are there, and end with them: a cluster whose
//! notebooks another controller keeps is left alone.

use std::sync::Arc;

use futures::future::AbortHandle;
use kube::runtime::watcher::Config;

use super::Shared;
use super::settings::CONFIGMAP;
use super::world::{MESH, Source};
use crate::cluster::{Connection, Resource, follow};
use crate::controllers::profile::resource;
use crate::controllers::{lock, spawn};
use crate::labels::NOTEBOOK;

/// Follows everything that notebooks depend on, for ever.
pub(super) async fn follow_all(shared: &Arc<Shared>, connection: &Connection) {
    let named = |name: &str| Config::default().fields(&format!("metadata.name={name}"));
    let settings =
        one(shared, connection, Source::Settings, resource("", "v1", "ConfigMap", "configmaps", true), named(CONFIGMAP));
    futures::join!(settings, follow_notebooks(shared, connection), follow_mesh(shared, connection));
}

/// Follows notebooks and what is made for them while the settings are there.
async fn follow_notebooks(shared: &Arc<Shared>, connection: &Connection) {
    let mut running: Vec<AbortHandle> = Vec::new();
    loop {
        shared.settings.notified().await;
        let is_wanted = lock(&shared.world).settings().is_some();
        if is_wanted && running.is_empty() {
            let made = || Config::default().labels(NOTEBOOK);
            let about = |kind: &str| Config::default().fields(&format!("involvedObject.kind={kind}"));
            let events = || resource("", "v1", "Event", "events", true);
            let definitions =
                || resource("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", false);
            let named = |name: &str| Config::default().fields(&format!("metadata.name={name}"));
            let mut watches = vec![
                (Source::Notebooks, resource("kubeflow.org", "v1", "Notebook", "notebooks", true), Config::default()),
                (Source::Sets, resource("apps", "v1", "StatefulSet", "statefulsets", true), made()),
                (Source::Services, resource("", "v1", "Service", "services", true), made()),
                (Source::Pods, resource("", "v1", "Pod", "pods", true), made()),
                (Source::PodEvents, events(), about("Pod")),
                (Source::SetEvents, events(), about("StatefulSet")),
            ];
            watches.extend(MESH.map(|name| (Source::Definition(name), definitions(), named(name))));
            let begin = |(source, resource, config)| {
                let (shared, connection) = (Arc::clone(shared), connection.clone());
                spawn(async move { one(&shared, &connection, source, resource, config).await })
            };
            running = watches.into_iter().map(begin).collect();
        } else if !is_wanted && !running.is_empty() {
            running.drain(..).for_each(|task| task.abort());
            lock(&shared.world).forget_all();
            shared.mesh.notify_one();
        }
    }
}

/// Follows the kinds of the mesh for as long as the cluster serves them.
async fn follow_mesh(shared: &Arc<Shared>, connection: &Connection) {
    let kinds = [
        (Source::Routes, resource("networking.istio.io", "v1", "VirtualService", "virtualservices", true)),
        (Source::Policies, resource("security.istio.io", "v1", "AuthorizationPolicy", "authorizationpolicies", true)),
    ];
    let mut following: [Option<AbortHandle>; MESH.len()] = [None, None];
    loop {
        shared.mesh.notified().await;
        for ((definition, (source, resource)), following) in MESH.iter().zip(&kinds).zip(&mut following) {
            let is_served = lock(&shared.world).is_served(definition);
            if is_served && following.is_none() {
                let (shared, connection, source, resource) = (Arc::clone(shared), connection.clone(), *source, resource.clone());
                let config = Config::default().labels(NOTEBOOK);
                *following = Some(spawn(async move { one(&shared, &connection, source, resource, config).await }));
            } else if let (false, Some(task)) = (is_served, following.take_if(|_| !is_served)) {
                task.abort();
                lock(&shared.world).forget(definition);
            }
        }
    }
}

async fn one(shared: &Arc<Shared>, connection: &Connection, source: Source, resource: Resource, config: Config) {
    let namespace = (source == Source::Settings).then_some("kubeflow-system");
    follow(connection.client(), resource, namespace, config, |news| shared.take(source, news)).await;
}
