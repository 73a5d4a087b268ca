//! One watch behind a cache: every object of a kind, told as it is.

use std::pin::pin;

use futures::StreamExt;
use kube::Api;
use kube::core::{ApiResource, DynamicObject};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::Value;

use super::Resource;
use super::connection::root_cause;

/// Objects in one answer: whole objects are in memory only as long as it takes to reduce them.
const PAGE: u32 = 100;

/// What a watch tells: an event, or why it broke.
pub(crate) type News = Result<watcher::Event<Value>, String>;

/// Follows one kind for ever. A broken watch repairs itself, with growing pauses.
pub(crate) async fn follow(
    client: kube::Client,
    resource: Resource,
    namespace: Option<&str>,
    config: watcher::Config,
    mut told: impl FnMut(News),
) {
    let api_version =
        if resource.group.is_empty() { resource.version.clone() } else { format!("{}/{}", resource.group, resource.version) };
    let kind = ApiResource {
        group: resource.group,
        version: resource.version,
        api_version,
        kind: resource.kind,
        plural: resource.plural,
    };
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, &kind),
        None => Api::all_with(client, &kind),
    };
    let mut events = pin!(watcher(api, config.page_size(PAGE)).default_backoff());
    while let Some(event) = events.next().await {
        let event = event.map(as_value).map_err(|error| root_cause(&error));
        if let Err(error) = &event {
            tracing::warn!(resource = kind.plural, error, "a watch broke");
        }
        told(event);
    }
}

fn as_value(event: watcher::Event<DynamicObject>) -> watcher::Event<Value> {
    let value = |object: DynamicObject| serde_json::to_value(object).unwrap_or_default();
    match event {
        watcher::Event::Init => watcher::Event::Init,
        watcher::Event::InitApply(object) => watcher::Event::InitApply(value(object)),
        watcher::Event::InitDone => watcher::Event::InitDone,
        watcher::Event::Apply(object) => watcher::Event::Apply(value(object)),
        watcher::Event::Delete(object) => watcher::Event::Delete(value(object)),
    }
}
