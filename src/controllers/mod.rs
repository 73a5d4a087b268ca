//! The roles that run in the cluster: probes, metrics, and the watches their reconcilers will stand on.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use futures::StreamExt;
use kube::Api;
use kube::runtime::{WatchStreamExt, watcher};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::api::profile::Profile;
use crate::cluster::Connection;
use crate::error::{Error, Result};

const SYSTEM_NAMESPACE: &str = "kubeflow-system";

/// Where the role listens.
#[derive(Debug, Clone)]
pub struct Settings {
    /// /livez and /readyz.
    pub probes: SocketAddr,
    /// /metrics.
    pub metrics: SocketAddr,
}

#[derive(Debug, Default)]
struct State {
    synced: AtomicBool,
    profiles: AtomicU64,
    watch_errors: AtomicU64,
}

/// Runs until `stop` turns true or the process is asked to end.
pub async fn run(connection: &Connection, settings: &Settings, mut stop: watch::Receiver<bool>) -> Result<()> {
    let state = Arc::new(State::default());
    let (probes, metrics) = (Arc::clone(&state), Arc::clone(&state));
    let ready = move || {
        let synced = probes.synced.load(Ordering::Relaxed);
        std::future::ready(if synced {
            (StatusCode::OK, "ok")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "profiles are not read yet")
        })
    };
    let numbers = move || std::future::ready(exposition(&metrics));
    let probes = Router::new().route("/livez", get(|| std::future::ready("ok"))).route("/readyz", get(ready));
    let metrics = Router::new().route("/metrics", get(numbers));
    let mut terminate =
        signal(SignalKind::terminate()).map_err(|error| Error::environment(format!("cannot listen for signals: {error}")))?;
    tokio::select! {
        ended = serve(settings.probes, probes) => ended,
        ended = serve(settings.metrics, metrics) => ended,
        () = follow(connection, &state) => Ok(()),
        _ = stop.wait_for(|stop| *stop) => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}

async fn serve(address: SocketAddr, router: Router) -> Result<()> {
    let failed = |error: std::io::Error| Error::environment(format!("cannot listen on {address}: {error}"));
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    axum::serve(listener, router).await.map_err(failed)
}

/// Follows the profiles. A broken watch repairs itself, with growing pauses.
async fn follow(connection: &Connection, state: &State) {
    let api: Api<Profile> = Api::namespaced(connection.client(), SYSTEM_NAMESPACE);
    let mut events = pin!(watcher(api, watcher::Config::default()).default_backoff());
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Init) => state.profiles.store(0, Ordering::Relaxed),
            Ok(watcher::Event::InitApply(_)) => {
                state.profiles.fetch_add(1, Ordering::Relaxed);
            }
            Ok(watcher::Event::InitDone) => state.synced.store(true, Ordering::Relaxed),
            Ok(watcher::Event::Apply(_) | watcher::Event::Delete(_)) => {}
            Err(error) => {
                state.watch_errors.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%error, "the watch of profiles broke");
            }
        }
    }
}

fn exposition(state: &State) -> String {
    format!(
        "# HELP kfctl_build_info The version that runs.\n# TYPE kfctl_build_info gauge\nkfctl_build_info{{version=\"{}\"}} 1\n\
         # HELP kfctl_profiles_listed Profiles found by the last full list.\n# TYPE kfctl_profiles_listed gauge\nkfctl_profiles_listed {}\n\
         # HELP kfctl_watch_errors_total Watches that broke.\n# TYPE kfctl_watch_errors_total counter\nkfctl_watch_errors_total {}\n",
        env!("CARGO_PKG_VERSION"),
        state.profiles.load(Ordering::Relaxed),
        state.watch_errors.load(Ordering::Relaxed)
    )
}
