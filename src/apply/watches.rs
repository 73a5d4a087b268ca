//! Watches of single kinds, as a stream of what is there. A watch that breaks repairs itself.

use std::collections::HashSet;

use futures::stream::{BoxStream, StreamExt};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::Value;

use crate::cluster::{Connection, Resource, root_cause};
use crate::object::ObjectId;

/// Seconds after which a watch is begun anew: one may stay open with nothing coming through.
const LONGEST_WATCH: u32 = 10;

/// What a watch says.
pub(super) enum Seen {
    /// An object is there, as it is now.
    Object(Resource, ObjectId, Value),
    /// An object is gone.
    Gone(ObjectId),
    /// All objects of the kind that are there: a broken watch may have missed that others went.
    All(Resource, HashSet<ObjectId>),
    /// The watch broke; it is tried again.
    Broken(String),
}

/// Watches the objects of a kind that the label selector selects, in one namespace or in all.
pub(super) fn watch(
    connection: &Connection,
    resource: &Resource,
    namespace: Option<&str>,
    selector: &str,
) -> BoxStream<'static, Seen> {
    let gvk = GroupVersionKind::gvk(&resource.group, &resource.version, &resource.kind);
    let kind = ApiResource::from_gvk_with_plural(&gvk, &resource.plural);
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(connection.client(), namespace, &kind),
        None => Api::all_with(connection.client(), &kind),
    };
    let resource = resource.clone();
    let id_of = move |resource: &Resource, object: &DynamicObject| ObjectId {
        group: resource.group.clone(),
        kind: resource.kind.clone(),
        namespace: object.metadata.namespace.clone().unwrap_or_default(),
        name: object.metadata.name.clone().unwrap_or_default(),
    };
    let mut listed = HashSet::new();
    watcher(api, watcher::Config::default().labels(selector).timeout(LONGEST_WATCH))
        .default_backoff()
        .filter_map(move |event| {
            let mut there = |object: DynamicObject| {
                let id = id_of(&resource, &object);
                listed.insert(id.clone());
                serde_json::to_value(object).ok().map(|object| Seen::Object(resource.clone(), id, object))
            };
            std::future::ready(match event {
                Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) => there(object),
                Ok(watcher::Event::Delete(object)) => Some(Seen::Gone(id_of(&resource, &object))),
                Ok(watcher::Event::Init) => {
                    listed.clear();
                    None
                }
                Ok(watcher::Event::InitDone) => Some(Seen::All(resource.clone(), std::mem::take(&mut listed))),
                Err(error) => Some(Seen::Broken(root_cause(&error))),
            })
        })
        .boxed()
}
