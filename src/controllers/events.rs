//! Events (events.k8s.io) on the objects that a role works for: what happened, in a sentence. They are written behind the work, never
//! in its way; where the server can't keep up some are left out and counted.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::metrics::Metrics;
use crate::cluster::{Class, Connection};
use crate::labels::CONTROLLER_FIELD_MANAGER;

/// How many may wait.
const WAITING: usize = 1000;
/// The longest note that the API takes, in bytes.
const NOTE: usize = 1000;

/// What happened.
#[derive(Debug)]
pub(super) struct Event {
    /// The object: apiVersion, kind, namespace (empty for objects of the cluster), name, uid.
    pub(super) regarding: Value,
    pub(super) warning: bool,
    /// A word in `PascalCase`.
    pub(super) reason: String,
    /// What was being done, in `PascalCase`.
    pub(super) action: &'static str,
    pub(super) note: String,
    /// What the event's name ends with, where the same one must not be there twice.
    pub(super) once: Option<String>,
}

/// Takes events without waiting.
#[derive(Debug, Clone)]
pub(super) struct Recorder {
    sender: mpsc::Sender<Event>,
    metrics: Arc<Metrics>,
}

impl Recorder {
    /// A recorder, and the work that writes what it takes.
    pub(super) fn new(connection: Connection, identity: String, metrics: Arc<Metrics>) -> (Self, impl Future<Output = ()>) {
        let (sender, mut receiver) = mpsc::channel(WAITING);
        let counted = Arc::clone(&metrics);
        let writing = async move {
            let mut number = 0_u64;
            while let Some(event) = receiver.recv().await {
                number += 1;
                if let Err(reason) = write(&connection, &identity, number, event).await {
                    counted.dropped_events.fetch_add(1, Ordering::Relaxed);
                    tracing::debug!(reason, "an event was not written");
                }
            }
        };
        (Self { sender, metrics }, writing)
    }

    /// Takes an event.
    pub(super) fn publish(&self, event: Event) {
        if self.sender.try_send(event).is_err() {
            self.metrics.dropped_events.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn write(connection: &Connection, identity: &str, number: u64, event: Event) -> Result<(), String> {
    // Events about objects of the cluster live in namespace default.
    let namespace =
        event.regarding["namespace"].as_str().filter(|namespace| !namespace.is_empty()).unwrap_or("default").to_owned();
    let now = jiff::Timestamp::now();
    let name = event.regarding["name"].as_str().unwrap_or("kfctl");
    let suffix = event.once.unwrap_or_else(|| format!("{:x}{number:x}", now.as_nanosecond()));
    let body = json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": format!("{name}.{suffix}"), "namespace": namespace},
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string(),
        "reportingController": CONTROLLER_FIELD_MANAGER,
        "reportingInstance": identity,
        "action": event.action,
        "reason": event.reason,
        "regarding": event.regarding,
        "note": event.note[..event.note.floor_char_boundary(NOTE)],
        "type": if event.warning { "Warning" } else { "Normal" },
    });
    let path = format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events");
    let body = ("application/json", body.to_string().into_bytes());
    match connection.request(Method::POST, &path, "application/json", Some(body)).await {
        Err(failure) if failure.class != Class::Exists => Err(failure.message),
        _ => Ok(()),
    }
}
