//! The one way in which a reconcile writes: only while this replica leads, and never for longer than its lease lasts.

use std::sync::Arc;

use http::Method;
use serde_json::Value;

use super::leader::Leadership;
use super::metrics::Metrics;
use crate::cluster::{Connection, Failure};
use crate::labels::CONTROLLER_FIELD_MANAGER;

/// Writes as the controller's field manager.
#[derive(Clone)]
pub(super) struct Writer {
    connection: Connection,
    leadership: Leadership,
    metrics: Arc<Metrics>,
}

impl Writer {
    pub(super) fn new(connection: Connection, leadership: Leadership, metrics: Arc<Metrics>) -> Self {
        Self { connection, leadership, metrics }
    }

    /// Server-side apply; `force` takes fields over from other managers.
    pub(super) async fn apply(&self, resource: &str, path: &str, content: &Value, force: bool) -> Result<Value, Failure> {
        let path = format!("{path}?force={force}&");
        self.send("apply", resource, Method::PATCH, &path, "application/apply-patch+yaml", content).await
    }

    /// Creates what must not be there yet.
    pub(super) async fn create(&self, resource: &str, path: &str, content: &Value) -> Result<Value, Failure> {
        self.send("create", resource, Method::POST, &format!("{path}?"), "application/json", content).await
    }

    /// A merge patch (RFC 7386), or a list of operations (RFC 6902).
    pub(super) async fn patch(&self, resource: &str, path: &str, change: &Value) -> Result<Value, Failure> {
        let content_type = if change.is_array() { "application/json-patch+json" } else { "application/merge-patch+json" };
        self.send("patch", resource, Method::PATCH, &format!("{path}?"), content_type, change).await
    }

    /// Deletes, if it is still the one that `preconditions` describe.
    pub(super) async fn delete(&self, resource: &str, path: &str, preconditions: &Value) -> Result<Value, Failure> {
        let options = serde_json::json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background", "preconditions": preconditions});
        self.send("delete", resource, Method::DELETE, &format!("{path}?"), "application/json", &options).await
    }

    /// Reads afresh, where a cache is not good enough.
    pub(super) async fn read(&self, resource: &str, path: &str) -> Result<Value, Failure> {
        self.metrics.requested("get", resource);
        self.connection.get(path).await
    }

    async fn send(
        &self,
        verb: &'static str,
        resource: &str,
        method: Method,
        path: &str,
        content_type: &str,
        body: &Value,
    ) -> Result<Value, Failure> {
        let Some(budget) = self.leadership.budget() else {
            return Err(Failure::transport("this replica leads no more"));
        };
        self.metrics.requested(verb, resource);
        // The server gives up in time too, so that no write of a former leader comes late.
        let manager = if verb == "delete" { String::new() } else { format!("fieldManager={CONTROLLER_FIELD_MANAGER}&") };
        let path = format!("{path}{manager}timeout={}s", budget.as_secs().max(1));
        let request =
            self.connection.request(method, &path, "application/json", Some((content_type, body.to_string().into_bytes())));
        match tokio::time::timeout(budget, request).await {
            Ok(answer) => Ok(answer?.body),
            Err(_) => Err(Failure::transport(format!("no answer within {} s", budget.as_secs()))),
        }
    }
}
