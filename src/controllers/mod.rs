//! The roles that run in the cluster: probes, metrics, and the watches their reconcilers will stand on.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use futures::StreamExt;
use kube::core::DeserializeGuard;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::api::profile::Profile;
use crate::cluster::{Connection, root_cause};
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

/// What is known of the profiles: for probes and metrics.
#[derive(Debug, Default)]
struct State {
    /// Each profile's name, and whether it decodes; nothing until they have been read once.
    profiles: Option<BTreeMap<String, bool>>,
    /// The list that is being read.
    listing: BTreeMap<String, bool>,
    watch_errors: u64,
    last_error: Option<String>,
}

/// Runs until `stop` turns true or the process is asked to end.
pub async fn run(connection: &Connection, settings: &Settings, mut stop: watch::Receiver<bool>) -> Result<()> {
    let state = Arc::new(Mutex::new(State::default()));
    let (probes, metrics) = (Arc::clone(&state), Arc::clone(&state));
    let ready = move || {
        let readiness = lock(&probes).readiness();
        std::future::ready(match readiness {
            Ok(()) => (StatusCode::OK, "ok".to_owned()),
            Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
        })
    };
    let numbers = move || std::future::ready(([(CONTENT_TYPE, "text/plain; version=0.0.4")], lock(&metrics).exposition()));
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

/// A panic elsewhere leaves numbers as good as before.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A profile, or what could be read of one: the definition may have been looser once, and one bad object must not stall the others.
type Guarded = DeserializeGuard<Profile>;

/// Follows the profiles. A broken watch repairs itself, with growing pauses.
async fn follow(connection: &Connection, state: &Mutex<State>) {
    let api: Api<Guarded> = Api::namespaced(connection.client(), SYSTEM_NAMESPACE);
    let mut events = pin!(watcher(api, watcher::Config::default()).default_backoff());
    while let Some(event) = events.next().await {
        match &event {
            Ok(
                watcher::Event::Apply(DeserializeGuard(Err(invalid))) | watcher::Event::InitApply(DeserializeGuard(Err(invalid))),
            ) => {
                tracing::warn!(profile = invalid.metadata.name, error = invalid.error, "a profile does not decode");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(error = root_cause(error), "the watch of profiles broke"),
        }
        lock(state).take(event.map_err(|error| root_cause(&error)));
    }
}

impl State {
    fn take(&mut self, event: Result<watcher::Event<Guarded>, String>) {
        let entry = |profile: Guarded| (profile.name_any(), profile.0.is_ok());
        match event {
            Ok(watcher::Event::Init) => self.listing.clear(),
            Ok(watcher::Event::InitApply(profile)) => self.listing.extend([entry(profile)]),
            Ok(watcher::Event::InitDone) => self.profiles = Some(std::mem::take(&mut self.listing)),
            Ok(watcher::Event::Apply(profile)) => self.profiles.get_or_insert_default().extend([entry(profile)]),
            Ok(watcher::Event::Delete(profile)) => {
                self.profiles.get_or_insert_default().remove(&profile.name_any());
            }
            Err(error) => {
                self.watch_errors += 1;
                self.last_error = Some(error);
            }
        }
    }

    fn readiness(&self) -> Result<(), String> {
        match (&self.profiles, &self.last_error) {
            (Some(_), _) => Ok(()),
            (None, None) => Err("the profiles are not read yet".to_owned()),
            (None, Some(error)) => Err(format!("the profiles can't be read: {error}")),
        }
    }

    fn exposition(&self) -> String {
        let profiles = self.profiles.iter().flatten();
        let undecodable = profiles.clone().filter(|(_, decodes)| !**decodes).count();
        format!(
            "# HELP kfctl_build_info The version that runs.\n# TYPE kfctl_build_info gauge\nkfctl_build_info{{version=\"{}\"}} 1\n\
             # HELP kfctl_profiles Profiles there are.\n# TYPE kfctl_profiles gauge\nkfctl_profiles {}\n\
             # HELP kfctl_profiles_undecodable Profiles that can't be read.\n# TYPE kfctl_profiles_undecodable gauge\nkfctl_profiles_undecodable {undecodable}\n\
             # HELP kfctl_watch_errors_total Watches that broke.\n# TYPE kfctl_watch_errors_total counter\nkfctl_watch_errors_total {}\n",
            env!("CARGO_PKG_VERSION"),
            profiles.count(),
            self.watch_errors
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn profile(name: &str, kind: &str) -> Guarded {
        serde_json::from_value(json!({
            "apiVersion": "kubeflow.org/v1alpha1", "kind": "Profile", "metadata": {"name": name},
            "spec": {"template": {"spec": {"owner": {"kind": kind, "name": "jane@foo.com"}}}},
        }))
        .expect("metadata decodes")
    }

    fn numbers(state: &State) -> Vec<String> {
        let text = state.exposition();
        text.lines().filter(|line| line.starts_with("kfctl_profiles")).map(str::to_owned).collect()
    }

    #[test]
    fn profiles_are_counted_as_they_come_and_go() {
        let mut state = State::default();
        assert_eq!(state.readiness(), Err("the profiles are not read yet".to_owned()));
        state.take(Err("forbidden".to_owned()));
        assert_eq!(state.readiness(), Err("the profiles can't be read: forbidden".to_owned()));
        for event in [watcher::Event::Init, watcher::Event::InitApply(profile("jane", "User")), watcher::Event::InitDone] {
            state.take(Ok(event));
        }
        assert_eq!(state.readiness(), Ok(()));
        state.take(Ok(watcher::Event::Apply(profile("bob", "Robot"))));
        state.take(Ok(watcher::Event::Apply(profile("bob", "Robot"))));
        assert_eq!(numbers(&state), ["kfctl_profiles 2", "kfctl_profiles_undecodable 1"]);
        state.take(Ok(watcher::Event::Delete(profile("jane", "User"))));
        assert_eq!(numbers(&state), ["kfctl_profiles 1", "kfctl_profiles_undecodable 1"]);
        // A new list takes the place of the old one, and not before it is whole.
        state.take(Ok(watcher::Event::Init));
        state.take(Ok(watcher::Event::InitApply(profile("bob", "User"))));
        assert_eq!(numbers(&state), ["kfctl_profiles 1", "kfctl_profiles_undecodable 1"]);
        state.take(Ok(watcher::Event::InitDone));
        assert_eq!(numbers(&state), ["kfctl_profiles 1", "kfctl_profiles_undecodable 0"]);
    }
}
