//! The one way in which a reconcile writes: only while this replica leads, and never for longer than its lease lasts.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

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

    /// Puts an object in the place that its path names, whatever was there.
    pub(super) async fn put(&self, resource: &str, path: &str, content: &Value) -> Result<Value, Failure> {
        self.send("update", resource, Method::PUT, &format!("{path}?"), "application/json", content).await
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
        match within(budget, request).await {
            Some(answer) => Ok(answer?.body),
            None => Err(Failure::transport(format!("no answer within {} s", budget.as_secs()))),
        }
    }
}

/// The outcome of `work`, which gets no step further once its time is over. A timer alone fires when the runtime comes to it: in a
/// process that was paused meanwhile, that is after the work has gone on.
async fn within<Outcome>(time: Duration, work: impl Future<Output = Outcome>) -> Option<Outcome> {
    let end = Instant::now() + time;
    let (mut work, mut timer) = (pin!(work), pin!(tokio::time::sleep(time)));
    poll_fn(|context| {
        if Instant::now() >= end || timer.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        work.as_mut().poll(context).map(Some)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_was_paused_beyond_its_time_does_not_go_on() {
        let mut looks = 0;
        let work = poll_fn(|context| {
            looks += 1;
            // The whole process is paused, and goes on with this work first.
            std::thread::sleep(Duration::from_millis(5));
            context.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        assert_eq!(within(Duration::from_millis(1), work).await, None);
        assert_eq!(looks, 1);
        assert_eq!(within(Duration::from_mins(1), std::future::ready(7)).await, Some(7));
    }
}
