//! What the roles that serve have in common: listening until an end, and their numbers in the text format of Prometheus.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::error::{Error, Result};

/// Upper bounds of the buckets, in seconds.
const BUCKETS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Ends when `stop` turns true or the process is asked to end.
pub(crate) fn asked_to_end(mut stop: watch::Receiver<bool>) -> Result<impl Future<Output = ()>> {
    let mut terminate =
        signal(SignalKind::terminate()).map_err(|error| Error::environment(format!("cannot listen for signals: {error}")))?;
    Ok(async move {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Serves for ever.
pub(crate) async fn serve(address: SocketAddr, router: Router) -> Result<()> {
    serve_until(address, router, std::future::pending()).await
}

/// Serves until `end`; what is being answered then is answered.
pub(crate) async fn serve_until(
    address: SocketAddr,
    router: Router,
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let failed = |error: std::io::Error| Error::environment(format!("cannot listen on {address}: {error}"));
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    axum::serve(listener, router).with_graceful_shutdown(end).await.map_err(failed)
}

/// An answer to /metrics.
pub(crate) fn numbers(text: String) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}

/// One family: its name, type, meaning and rows of labels and value.
pub(crate) fn family(text: &mut String, name: &str, kind: &str, help: &str, rows: &[(impl AsRef<str>, impl std::fmt::Display)]) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    for (labels, value) in rows {
        let _ = writeln!(text, "{name}{} {value}", labels.as_ref());
    }
}

/// Which version runs.
pub(crate) fn build_info(text: &mut String) {
    let build = [(format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), 1)];
    family(text, "kfctl_build_info", "gauge", "The version that runs.", &build);
}

/// How long something took, how often.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Histogram {
    sum: f64,
    count: u64,
    buckets: [u64; BUCKETS.len()],
}

impl Histogram {
    /// It took this long once more.
    pub(crate) fn add(&mut self, took: Duration) {
        self.sum += took.as_secs_f64();
        self.count += 1;
        for (bound, count) in BUCKETS.iter().zip(&mut self.buckets) {
            *count += u64::from(took.as_secs_f64() <= *bound);
        }
    }

    /// Appends its rows; `labels` are those beside the bucket's, such as `route="/"`.
    pub(crate) fn write(&self, text: &mut String, name: &str, labels: &str) {
        let (comma, braces) = if labels.is_empty() { ("", String::new()) } else { (",", format!("{{{labels}}}")) };
        let bounds = BUCKETS.iter().map(f64::to_string).zip(self.buckets).chain([("+Inf".to_owned(), self.count)]);
        for (bound, count) in bounds {
            let _ = writeln!(text, "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {count}");
        }
        let _ = writeln!(text, "{name}_sum{braces} {}\n{name}_count{braces} {}", self.sum, self.count);
    }
}

/// A panic elsewhere leaves what is kept here as good as before.
pub(crate) fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
