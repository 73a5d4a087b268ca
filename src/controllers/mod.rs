//! The roles that run in the cluster: which replica leads, what it works on, and what it tells (probes, metrics, logs, events).

mod events;
mod leader;
mod listed;
mod metrics;
mod notebook;
mod observed;
mod profile;
mod queue;
mod verdict;
mod writer;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use futures::future::{AbortHandle, Abortable};
use tokio::sync::watch;
use tracing::Instrument;

use crate::cluster::Connection;
use crate::error::Result;
use crate::serving::{asked_to_end, build_info, lock, serve};
use events::Recorder;
use leader::{Election, Leadership};
use metrics::{Metrics, Work};
use profile::{Reconciler, Shared};
use queue::{Outcome, Queue};
use writer::Writer;

/// Where the role listens.
#[derive(Debug, Clone)]
pub struct Settings {
    /// /livez, /healthz and /readyz.
    pub probes: SocketAddr,
    /// /metrics.
    pub metrics: SocketAddr,
}

/// Runs until `stop` turns true or the process is asked to end.
pub async fn run(connection: &Connection, settings: &Settings, stop: watch::Receiver<bool>) -> Result<()> {
    let asked_to_end = asked_to_end(stop)?;
    let (ended, mut end) = watch::channel(false);
    let shared = Arc::new(Shared::default());
    let metrics = Arc::new(Metrics::default());
    let identity = leader::identity();
    let (mut election, leadership) = Election::new(connection.clone(), identity.clone());
    let (recorder, write_events) = Recorder::new(connection.clone(), identity, Arc::clone(&metrics));
    let writer = Writer::new(connection.clone(), leadership.clone(), Arc::clone(&metrics));
    let people = tokio::spawn(profile::keep_people(Arc::clone(&shared), writer.clone(), leadership.clone()));
    let notebooks = Arc::new(notebook::Shared::new(Arc::clone(&shared)));
    let roles = Roles {
        culler: Arc::new(notebook::Culler::new(Arc::clone(&notebooks), writer.clone(), recorder.clone())),
        notebooks: Arc::new(notebook::Reconciler::new(Arc::clone(&notebooks), writer.clone(), recorder.clone())),
        profiles: Arc::new(Profiles {
            shared: Arc::clone(&shared),
            reconciler: Reconciler::new(Arc::clone(&shared), writer, recorder),
            notebooks: Arc::clone(&notebooks),
        }),
    };
    let works = Arc::new(Works::default());
    let following = tokio::spawn({
        let (shared, notebooks, connection) = (Arc::clone(&shared), Arc::clone(&notebooks), connection.clone());
        async move { futures::join!(shared.follow(&connection), notebooks.follow(&connection)) }
    });
    let events = tokio::spawn(write_events);
    let ending = async {
        asked_to_end.await;
        ended.send_replace(true);
    };
    let leading = roles.lead(&works, &metrics, &leadership, &mut end);
    let finished = tokio::select! {
        ended = serve(settings.probes, probes(&shared)) => ended.map(|()| false),
        ended = serve(settings.metrics, numbers(&shared, &notebooks, &works, &metrics)) => ended.map(|()| false),
        () = election.run() => Ok(false),
        ((), finished) = async { futures::join!(ending, leading) } => Ok(finished),
    };
    following.abort();
    people.abort();
    // What is still under way could come after the next leader's first write: then the lease runs out by itself.
    if matches!(finished, Ok(true)) {
        election.release().await;
    }
    events.abort();
    finished.map(drop)
}

/// What a replica works on while it leads: by keys in a queue.
trait Role: Send + Sync + 'static {
    /// What a key names, for the log.
    const KIND: &'static str;

    /// Waits until all is known that a look needs: what is not known yet would be written again.
    fn filled(&self) -> impl Future<Output = ()> + Send;

    /// From now on news goes to this queue, and all keys at once.
    fn begin(&self, queue: &Queue);

    /// News goes nowhere.
    fn end(&self);

    /// One look at one key; `failures` counts those in a row before.
    fn reconcile(&self, key: &str, failures: u32) -> impl Future<Output = Outcome> + Send;
}

/// All that a leader does.
struct Roles {
    profiles: Arc<Profiles>,
    notebooks: Arc<notebook::Reconciler>,
    culler: Arc<notebook::Culler>,
}

/// The numbers of each.
#[derive(Debug, Default)]
struct Works {
    profiles: Arc<Work>,
    notebooks: Arc<Work>,
    culler: Arc<Work>,
}

impl Roles {
    /// Does it whenever this replica leads, until the end; says whether all that was under way has come to its end.
    async fn lead(&self, works: &Works, metrics: &Metrics, leadership: &Leadership, end: &mut watch::Receiver<bool>) -> bool {
        let mut ends = [end.clone(), end.clone(), end.clone()];
        let [first, second, third] = &mut ends;
        let (profiles, notebooks, culler) = futures::join!(
            lead(&self.profiles, &works.profiles, metrics, leadership.clone(), first),
            lead(&self.notebooks, &works.notebooks, metrics, leadership.clone(), second),
            lead(&self.culler, &works.culler, metrics, leadership.clone(), third),
        );
        profiles && notebooks && culler
    }
}

/// Profiles, and after each look at one its notebooks: how its namespace is closed may have changed.
struct Profiles {
    shared: Arc<Shared>,
    reconciler: Reconciler,
    notebooks: Arc<notebook::Shared>,
}

impl Role for Profiles {
    const KIND: &'static str = "profile";

    async fn filled(&self) {
        self.shared.filled().await;
    }

    fn begin(&self, queue: &Queue) {
        self.shared.begin(queue);
    }

    fn end(&self) {
        self.shared.end();
    }

    async fn reconcile(&self, key: &str, failures: u32) -> Outcome {
        let result = self.reconciler.reconcile(key, failures).await;
        if let Some(namespace) = self.shared.namespace(key) {
            self.notebooks.look_within(&namespace);
        }
        result.map(|()| None)
    }
}

/// Works on one role whenever this replica leads, until the end; says whether all that was under way has come to its end.
async fn lead<R: Role>(
    role: &Arc<R>,
    work: &Arc<Work>,
    metrics: &Metrics,
    mut leadership: Leadership,
    end: &mut watch::Receiver<bool>,
) -> bool {
    let traces = AtomicU64::new(0);
    loop {
        tokio::select! {
            () = leadership.won() => {}
            _ = end.wait_for(|end| *end) => return true,
        }
        metrics.leader.store(1, Ordering::Relaxed);
        let (queue, requests) = Queue::new();
        let mut ending = end.clone();
        let until = async {
            tokio::select! {
                () = leadership.lost() => {}
                _ = ending.wait_for(|end| *end) => {}
            }
        };
        let reconcile = |key: String, failures: u32| {
            let (role, work) = (Arc::clone(role), Arc::clone(work));
            let trace = format!("{:x}-{}", std::process::id(), traces.fetch_add(1, Ordering::Relaxed));
            let span = tracing::info_span!("reconcile", kind = R::KIND, key, trace);
            async move {
                let result = role.reconcile(&key, failures).await;
                if let Err(failure) = &result {
                    let class = format!("{:?}", failure.class);
                    let class = class.split(['(', ' ']).next().unwrap_or_default();
                    work.failed(class);
                    tracing::warn!(class, failures, reason = failure.message, "a reconcile failed; it is tried again");
                }
                result
            }
            .instrument(span)
        };
        let filled = role.filled();
        let mut until = std::pin::pin!(until);
        let filled = tokio::select! {
            () = filled => true,
            () = &mut until => false,
        };
        let mut finished = true;
        if filled {
            role.begin(&queue);
            finished = queue::work(&queue, requests, work, until, reconcile).await;
            role.end();
        }
        metrics.leader.store(0, Ordering::Relaxed);
        if *end.borrow() {
            return finished;
        }
    }
}

fn probes(shared: &Arc<Shared>) -> Router {
    let shared = Arc::clone(shared);
    let ready = move || {
        std::future::ready(match shared.readiness() {
            Ok(()) => (StatusCode::OK, "ok".to_owned()),
            Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
        })
    };
    let alive = || std::future::ready("ok");
    Router::new().route("/livez", get(alive)).route("/healthz", get(alive)).route("/readyz", get(ready))
}

fn numbers(shared: &Arc<Shared>, notebooks: &Arc<notebook::Shared>, works: &Arc<Works>, metrics: &Arc<Metrics>) -> Router {
    let (shared, notebooks) = (Arc::clone(shared), Arc::clone(notebooks));
    let (works, metrics) = (Arc::clone(works), Arc::clone(metrics));
    let numbers = move || {
        let mut text = String::new();
        build_info(&mut text);
        shared.write_metrics(&mut text);
        notebooks.write_metrics(&mut text);
        works.profiles.write(&mut text, "kfctl", "Profiles");
        works.notebooks.write(&mut text, "kfctl_notebook", "Notebooks");
        works.culler.write(&mut text, "kfctl_culling", "Looks at idle notebooks");
        metrics.write(&mut text);
        std::future::ready(crate::serving::numbers(text))
    };
    Router::new().route("/metrics", get(numbers))
}

/// Work that runs beside the caller until it is aborted.
fn spawn(work: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
    let (handle, registration) = AbortHandle::new_pair();
    drop(tokio::spawn(Abortable::new(work, registration)));
    handle
}
