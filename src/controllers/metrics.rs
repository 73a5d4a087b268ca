//! The numbers of a role, in the text format of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::serving::Histogram;
pub(super) use crate::serving::family;

/// The numbers of one queue and its reconciles.
#[derive(Debug, Default)]
pub(super) struct Work {
    durations: Mutex<Histogram>,
    /// Failures by class.
    errors: Mutex<BTreeMap<String, u64>>,
    pub(super) queue_depth: AtomicI64,
}

/// Counters that only grow, and gauges of the moment.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    /// Requests to the API server by verb and resource, watches and the lease left out.
    requests: Mutex<BTreeMap<(&'static str, String), u64>>,
    pub(super) dropped_events: AtomicU64,
    pub(super) leader: AtomicI64,
}

impl Work {
    /// A reconcile has ended.
    pub(super) fn reconciled(&self, took: Duration) {
        super::lock(&self.durations).add(took);
    }

    /// A reconcile has failed.
    pub(super) fn failed(&self, class: &str) {
        *super::lock(&self.errors).entry(class.to_owned()).or_default() += 1;
    }

    /// Appends all of them, in families that begin with `prefix`.
    pub(super) fn write(&self, text: &mut String, prefix: &str, plural: &str) {
        let depth = self.queue_depth.load(Ordering::Relaxed);
        let help = format!("{plural} that wait for a reconcile.");
        family(text, &format!("{prefix}_queue_depth"), "gauge", &help, &[("", depth)]);
        let name = format!("{prefix}_reconcile_duration_seconds");
        let _ = writeln!(text, "# HELP {name} How long reconciles take.\n# TYPE {name} histogram");
        super::lock(&self.durations).write(text, &name, "");
        let errors = super::lock(&self.errors);
        let rows: Vec<_> = errors.iter().map(|(class, count)| (format!("{{class=\"{class}\"}}"), *count)).collect();
        family(text, &format!("{prefix}_reconcile_errors_total"), "counter", "Reconciles that failed, by class.", &rows);
    }
}

impl Metrics {
    /// A request is sent.
    pub(super) fn requested(&self, verb: &'static str, resource: &str) {
        *super::lock(&self.requests).entry((verb, resource.to_owned())).or_default() += 1;
    }

    /// Appends all of them.
    pub(super) fn write(&self, text: &mut String) {
        family(text, "kfctl_leader", "gauge", "Whether this replica writes.", &[("", self.leader.load(Ordering::Relaxed))]);
        let requests = super::lock(&self.requests);
        let row =
            |((verb, resource), count): (&(&str, String), &u64)| (format!("{{verb=\"{verb}\",resource=\"{resource}\"}}"), *count);
        let rows: Vec<_> = requests.iter().map(row).collect();
        family(text, "kfctl_api_requests_total", "counter", "Requests of reconciles.", &rows);
        let dropped = self.dropped_events.load(Ordering::Relaxed);
        family(text, "kfctl_events_dropped_total", "counter", "Events that were not written.", &[("", dropped)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_add_up() {
        let (metrics, work) = (Metrics::default(), Work::default());
        for milliseconds in [7, 20, 40_000] {
            work.reconciled(Duration::from_millis(milliseconds));
        }
        work.failed("Forbidden");
        metrics.requested("apply", "roles");
        let mut text = String::new();
        work.write(&mut text, "kfctl", "Profiles");
        metrics.write(&mut text);
        for line in [
            "kfctl_reconcile_duration_seconds_bucket{le=\"0.005\"} 0",
            "kfctl_reconcile_duration_seconds_bucket{le=\"0.01\"} 1",
            "kfctl_reconcile_duration_seconds_bucket{le=\"30\"} 2",
            "kfctl_reconcile_duration_seconds_bucket{le=\"+Inf\"} 3",
            "kfctl_reconcile_errors_total{class=\"Forbidden\"} 1",
            "kfctl_api_requests_total{verb=\"apply\",resource=\"roles\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "no {line} in {text}");
        }
    }
}
