//! The roles that run in the cluster: which replica leads, what it works on, and what it tells (probes, metrics, logs, events).

mod events;
mod leader;
mod metrics;
mod profile;
mod queue;
mod writer;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::Instrument;

use crate::cluster::Connection;
use crate::error::{Error, Result};
use events::Recorder;
use leader::{Election, Leadership};
use metrics::Metrics;
use profile::{Reconciler, Shared};
use queue::Queue;
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
pub async fn run(connection: &Connection, settings: &Settings, mut stop: watch::Receiver<bool>) -> Result<()> {
    let mut terminate =
        signal(SignalKind::terminate()).map_err(|error| Error::environment(format!("cannot listen for signals: {error}")))?;
    let asked_to_end = async move {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => {}
            _ = terminate.recv() => {}
        }
    };
    let (ended, mut end) = watch::channel(false);
    let shared = Arc::new(Shared::default());
    let metrics = Arc::new(Metrics::default());
    let identity = leader::identity();
    let (mut election, leadership) = Election::new(connection.clone(), identity.clone());
    let (recorder, write_events) = Recorder::new(connection.clone(), identity, Arc::clone(&metrics));
    let writer = Writer::new(connection.clone(), leadership.clone(), Arc::clone(&metrics));
    let reconciler = Arc::new(Reconciler::new(Arc::clone(&shared), writer, recorder));
    let following = tokio::spawn({
        let (shared, connection) = (Arc::clone(&shared), connection.clone());
        async move { shared.follow(&connection).await }
    });
    let events = tokio::spawn(write_events);
    let ending = async {
        asked_to_end.await;
        ended.send_replace(true);
    };
    let leading = lead(&shared, &reconciler, &metrics, leadership, &mut end);
    let finished = tokio::select! {
        ended = serve(settings.probes, probes(&shared)) => ended.map(|()| false),
        ended = serve(settings.metrics, numbers(&shared, &metrics)) => ended.map(|()| false),
        () = election.run() => Ok(false),
        ((), finished) = async { futures::join!(ending, leading) } => Ok(finished),
    };
    following.abort();
    // What is still under way could come after the next leader's first write: then the lease runs out by itself.
    if matches!(finished, Ok(true)) {
        election.release().await;
    }
    events.abort();
    finished.map(drop)
}

/// Works whenever this replica leads, until the end; says whether all that was under way has come to its end.
async fn lead(
    shared: &Arc<Shared>,
    reconciler: &Arc<Reconciler>,
    metrics: &Arc<Metrics>,
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
        let reconcile = |name: String, failures: u32| {
            let reconciler = Arc::clone(reconciler);
            let metrics = Arc::clone(metrics);
            let trace = format!("{:x}-{}", std::process::id(), traces.fetch_add(1, Ordering::Relaxed));
            let span = tracing::info_span!("reconcile", profile = name, trace);
            async move {
                let result = reconciler.reconcile(&name, failures).await;
                if let Err(failure) = &result {
                    let class = format!("{:?}", failure.class);
                    let class = class.split(['(', ' ']).next().unwrap_or_default();
                    metrics.failed(class);
                    tracing::warn!(class, failures, reason = failure.message, "a reconcile failed; it is tried again");
                }
                result
            }
            .instrument(span)
        };
        // Profiles are looked at once all caches are filled: what is not known yet would be written again.
        let filled = shared.filled();
        let mut until = std::pin::pin!(until);
        let filled = tokio::select! {
            () = filled => true,
            () = &mut until => false,
        };
        let mut finished = true;
        if filled {
            shared.begin(&queue);
            finished = queue::work(&queue, requests, metrics, until, reconcile).await;
            shared.end();
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

fn numbers(shared: &Arc<Shared>, metrics: &Arc<Metrics>) -> Router {
    let (shared, metrics) = (Arc::clone(shared), Arc::clone(metrics));
    let numbers = move || {
        let mut text = String::new();
        let build = [(format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), 1)];
        metrics::family(&mut text, "kfctl_build_info", "gauge", "The version that runs.", &build);
        shared.write_metrics(&mut text);
        metrics.write(&mut text);
        std::future::ready(([(CONTENT_TYPE, "text/plain; version=0.0.4")], text))
    };
    Router::new().route("/metrics", get(numbers))
}

async fn serve(address: SocketAddr, router: Router) -> Result<()> {
    let failed = |error: std::io::Error| Error::environment(format!("cannot listen on {address}: {error}"));
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    axum::serve(listener, router).await.map_err(failed)
}

/// A panic elsewhere leaves what is kept here as good as before.
fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
