//! Profiles: from each one a namespace of somebody's own, made and kept.
//!
//! `watch` feeds `world` (what is known); `reconcile` looks at it, and with `beginning`, `enforce`, `owner`, `delete`, `people`, `tell` and `write`
//! brings about what `plan` and the rest, which is pure, decide.

mod beginning;
mod claim;
mod defaults;
mod delete;
mod desired;
mod endpoints;
mod enforce;
mod groups;
mod mesh;
mod owner;
mod people;
mod plan;
mod policies;
mod quota;
mod reconcile;
mod rivals;
mod status;
mod tell;
mod templates;
mod watch;
mod world;
mod write;

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use kube::runtime::watcher;
use serde_json::Value;
use tokio::sync::Notify;

pub(super) use desired::resource;
pub(super) use people::keep as keep_people;
pub(super) use reconcile::Reconciler;
pub(super) use world::{Doors, Login};
use world::{Source, World};

use super::metrics::family;
use super::queue::Queue;
use super::{listed, lock, observed};
use crate::cluster::News;

/// Where profiles are.
const SYSTEM_NAMESPACE: &str = "kubeflow-system";

/// What is known, and where news goes.
#[derive(Debug, Default)]
pub(super) struct Shared {
    world: Mutex<World>,
    /// The queue of this replica while it leads.
    queue: Mutex<Option<Queue>>,
    /// The admin's templates, or their name, may have changed.
    templates: Notify,
    /// A definition of the mesh has come or gone, or its settings have.
    mesh: Notify,
    /// A watch has told something.
    news: Notify,
    /// The same, for those for whom the web UI may act.
    people: Notify,
}

impl Shared {
    /// Follows everything for ever.
    pub(super) async fn follow(self: &Arc<Self>, connection: &crate::cluster::Connection) {
        watch::follow_all(self, connection).await;
    }

    /// Whether the caches are filled; why not.
    pub(super) fn readiness(&self) -> Result<(), String> {
        lock(&self.world).readiness()
    }

    /// Waits until the caches are filled, those of the admin's own templates too, where these can be read at all.
    pub(super) async fn filled(&self) {
        // Several may wait here: each asks to be told before it looks.
        loop {
            let mut news = std::pin::pin!(self.news.notified());
            news.as_mut().enable();
            if lock(&self.world).is_filled() {
                return;
            }
            news.await;
        }
    }

    /// From now on news goes to this queue, and all profiles at once.
    pub(super) fn begin(&self, queue: &Queue) {
        *lock(&self.queue) = Some(queue.clone());
        lock(&self.world).names().into_iter().for_each(|name| queue.add(name));
    }

    /// News goes nowhere.
    pub(super) fn end(&self) {
        *lock(&self.queue) = None;
    }

    fn take(&self, watch: usize, source: &Source, event: News) {
        let is_list = matches!(event, Ok(watcher::Event::InitDone));
        let names = lock(&self.world).take(watch, event);
        // Namespaces tell of kinds that templates made in the life of another process.
        if matches!(source, Source::Defaults | Source::Templates) || is_list && *source == Source::Namespaces {
            self.templates.notify_one();
        }
        if matches!(source, Source::Mesh(_) | Source::MeshSettings) {
            self.mesh.notify_one();
        }
        self.news.notify_waiters();
        self.people.notify_one();
        self.enqueue(names);
    }

    fn enqueue(&self, names: impl IntoIterator<Item = String>) {
        if let Some(queue) = &*lock(&self.queue) {
            names.into_iter().for_each(|name| queue.add(name));
        }
    }

    /// Takes in the answer to a write.
    fn record(&self, source: &Source, answer: Value, sent: u64) {
        lock(&self.world).record(source, answer, sent);
    }

    /// The namespace that a profile asks for.
    pub(super) fn namespace(&self, profile: &str) -> Option<String> {
        lock(&self.world).namespace(profile)
    }

    /// How a namespace is closed to all but those whose it is.
    pub(super) fn doors(&self, namespace: &str) -> Doors {
        lock(&self.world).doors(namespace)
    }

    /// Appends the numbers of profiles.
    pub(super) fn write_metrics(&self, text: &mut String) {
        let world = lock(&self.world);
        let mut states = [("ready", 0), ("not-ready", 0), ("deleting", 0), ("unreadable", 0)];
        for entry in world.entries() {
            let ready = |profile: &crate::api::profile::Profile| {
                let conditions = profile.status.iter().flat_map(|status| &status.conditions);
                conditions.into_iter().any(|condition| condition.type_ == status::READY && condition.status == "True")
            };
            let state = match &entry.content {
                _ if entry.deleting => 2,
                Err(_) => 3,
                Ok(profile) => usize::from(!ready(profile)),
            };
            states[state].1 += 1;
        }
        let rows: Vec<_> = states.iter().map(|(state, count)| (format!("{{state=\"{state}\"}}"), *count)).collect();
        family(text, "kfctl_profiles", "gauge", "Profiles there are, by state.", &rows);
        let _ = writeln!(
            text,
            "# HELP kfctl_watch_errors_total Watches that broke.\n# TYPE kfctl_watch_errors_total counter\nkfctl_watch_errors_total {}",
            world.watch_errors
        );
    }
}
