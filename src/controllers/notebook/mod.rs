//! Notebooks: from each one a pod with a server, an address, a route; and an end to those that nobody uses.
//!
//! `watch` feeds `world` (what is known), `reconcile` looks at it and writes, `culler` asks the servers; the rest is pure.

mod access;
mod culler;
mod culling;
mod desired;
mod reconcile;
mod settings;
mod status;
mod store;
mod watch;
mod world;

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

pub(super) use culler::Culler;
pub(super) use reconcile::Reconciler;
use store::Key;
use world::{Source, World};

use super::lock;
use super::metrics::family;
use super::profile;
use super::queue::Queue;
use crate::cluster::Connection;
use crate::cluster::News;

const NOTEBOOKS: &str = "notebooks";

/// What is known, and where news goes.
#[derive(Debug)]
pub(super) struct Shared {
    world: Mutex<World>,
    /// The queues of this replica while it leads: of the reconciler, and of the culler.
    queues: Mutex<[Option<Queue>; 2]>,
    /// The admin's settings may have come or gone.
    settings: Notify,
    /// A definition of the mesh may have come or gone.
    mesh: Notify,
    /// A watch has told something.
    news: Notify,
    /// How each namespace is closed, the keeper of profiles knows.
    profiles: Arc<profile::Shared>,
}

/// Which of the two queues.
#[derive(Debug, Clone, Copy)]
enum Line {
    Reconcile,
    Cull,
}

impl Shared {
    pub(super) fn new(profiles: Arc<profile::Shared>) -> Self {
        Self {
            world: Mutex::default(),
            queues: Mutex::default(),
            settings: Notify::new(),
            mesh: Notify::new(),
            news: Notify::new(),
            profiles,
        }
    }

    /// Follows everything for ever.
    pub(super) async fn follow(self: &Arc<Self>, connection: &Connection) {
        watch::follow_all(self, connection).await;
    }

    /// Waits until the caches are filled, which they are only where notebooks are kept.
    async fn filled(&self) {
        // The reconciler and the culler both wait here: each asks to be told before it looks.
        loop {
            let mut news = std::pin::pin!(self.news.notified());
            news.as_mut().enable();
            if lock(&self.world).is_filled() {
                return;
            }
            news.await;
        }
    }

    fn begin(&self, line: Line, queue: &Queue) {
        lock(&self.queues)[line as usize] = Some(queue.clone());
        lock(&self.world).notebooks.iter().for_each(|(key, _)| queue.add(joined(key)));
    }

    fn end(&self, line: Line) {
        lock(&self.queues)[line as usize] = None;
    }

    fn take(&self, source: Source, news: News) {
        let keys = lock(&self.world).take(source, news);
        match source {
            Source::Settings => self.settings.notify_one(),
            Source::Definition(_) => self.mesh.notify_one(),
            _ => {}
        }
        self.news.notify_waiters();
        self.enqueue(&keys, matches!(source, Source::Settings | Source::Notebooks | Source::Pods));
    }

    fn enqueue(&self, keys: &[Key], cull: bool) {
        let queues = lock(&self.queues);
        let wanted = queues.iter().zip([true, cull]).filter(|(_, is_wanted)| *is_wanted).filter_map(|(queue, _)| queue.as_ref());
        for queue in wanted {
            for key in keys {
                queue.add(joined(key));
            }
        }
    }

    /// How a namespace is closed may have changed: its notebooks are looked at.
    pub(super) fn look_within(&self, namespace: &str) {
        let keys = lock(&self.world).within(namespace);
        self.enqueue(&keys, false);
    }

    /// Appends the numbers of notebooks.
    pub(super) fn write_metrics(&self, text: &mut String) {
        let world = lock(&self.world);
        let (all, ready) = world.count();
        let rows = [("{state=\"ready\"}", ready), ("{state=\"not-ready\"}", all - ready)];
        family(text, "kfctl_notebooks", "gauge", "Notebooks there are, by state.", &rows);
        let errors = [("", world.watch_errors)];
        family(text, "kfctl_notebook_watch_errors_total", "counter", "Watches of notebooks that broke.", &errors);
    }
}

/// A key as the queue takes it.
fn joined((namespace, name): &Key) -> String {
    format!("{namespace}/{name}")
}

fn parted(key: &str) -> Key {
    let (namespace, name) = key.split_once('/').unwrap_or_default();
    (namespace.to_owned(), name.to_owned())
}

/// The path of a notebook.
fn path((namespace, name): &Key) -> String {
    format!("/apis/kubeflow.org/v1/namespaces/{namespace}/notebooks/{name}")
}
