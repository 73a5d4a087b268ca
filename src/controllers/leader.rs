//! One replica at a time writes: a Lease decides which.
//!
//! A replica believes no other's clock. It takes a lease over when it has seen the lease unchanged, by its own steady clock, for as
//! long as the lease lasts; and it stops writing, counted from the moment its last renewal was *sent*, well before another could do
//! so. Crates for this compare the lease's time stamps with the local wall clock; that trusts the clocks of all nodes.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::cluster::{Class, Connection, Failure};
use crate::labels::{CONTROLLER_FIELD_MANAGER, LEASE};

/// How long a lease lasts after its last renewal.
const LASTS: Duration = Duration::from_secs(15);
/// How long after its last renewal the leader begins new writes.
const WRITES: Duration = Duration::from_secs(10);
/// What a write that was begun in time may still take before the lease can be another's.
const MARGIN: Duration = Duration::from_secs(1);
/// Between two renewals.
const RENEW: Duration = Duration::from_secs(3);
/// Between two looks of a replica that does not lead.
const LOOK: Duration = Duration::from_secs(1);
/// The longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(3);

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/kubeflow-system/leases";

/// Whether this replica leads: when its last renewal was sent.
#[derive(Debug, Clone)]
pub(super) struct Leadership(watch::Receiver<Option<Instant>>);

impl Leadership {
    /// Waits until this replica leads.
    pub(super) async fn won(&mut self) {
        // The sender lives as long as the process.
        let _ = self.0.wait_for(|renewed| renewed.is_some_and(|renewed| renewed.elapsed() < WRITES)).await;
    }

    /// Waits until it leads no more.
    pub(super) async fn lost(&mut self) {
        loop {
            let Some(renewed) = *self.0.borrow_and_update() else { return };
            let left = WRITES.saturating_sub(renewed.elapsed());
            if left.is_zero() {
                return;
            }
            let _ = tokio::time::timeout(left, self.0.changed()).await;
        }
    }

    /// How long a write that begins now may take; none where it must not begin.
    pub(super) fn budget(&self) -> Option<Duration> {
        let renewed = (*self.0.borrow())?;
        budget(renewed.elapsed())
    }
}

fn budget(since_renewal: Duration) -> Option<Duration> {
    (since_renewal < WRITES).then(|| LASTS.saturating_sub(since_renewal + MARGIN))
}

/// What has been seen of another's lease, and since when.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    version: Value,
    since: Instant,
}

/// Takes part in the election, for as long as the process runs.
pub(super) struct Election {
    connection: Connection,
    identity: String,
    told: watch::Sender<Option<Instant>>,
    seen: Option<Seen>,
}

impl Election {
    pub(super) fn new(connection: Connection, identity: String) -> (Self, Leadership) {
        let (told, receiver) = watch::channel(None);
        (Self { connection, identity, told, seen: None }, Leadership(receiver))
    }

    /// Runs for ever.
    pub(super) async fn run(&mut self) {
        loop {
            let sent = Instant::now();
            let leads = *self.told.borrow();
            let pause = match tokio::time::timeout(PATIENCE, self.attempt()).await {
                Ok(Ok(true)) => {
                    if leads.is_none() {
                        tracing::info!(identity = self.identity, "this replica leads");
                    }
                    self.told.send_replace(Some(sent));
                    RENEW
                }
                Ok(Ok(false)) => {
                    if leads.is_some() {
                        tracing::warn!("another replica leads");
                    }
                    self.told.send_replace(None);
                    LOOK
                }
                other => {
                    let reason = other.map_or_else(
                        |_| "no answer".to_owned(),
                        |answer| answer.err().map_or_else(String::new, |failure| failure.message),
                    );
                    tracing::warn!(reason, "the lease can't be renewed");
                    if leads.is_some_and(|renewed| renewed.elapsed() > WRITES) {
                        self.told.send_replace(None);
                    }
                    LOOK
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Takes or renews the lease where that is possible, and says whether it is ours.
    async fn attempt(&mut self) -> Result<bool, Failure> {
        let path = format!("{LEASES}/{LEASE}");
        let lease = match self.connection.get(&path).await {
            Ok(lease) => lease,
            Err(failure) if failure.class == Class::NotFound => {
                let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": LEASE},
                    "spec": self.spec(&json!({}))});
                return self.write(Method::POST, LEASES, &lease).await;
            }
            Err(failure) => return Err(failure),
        };
        let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default();
        if !holder.is_empty() && holder != self.identity {
            let version = lease["metadata"]["resourceVersion"].clone();
            if self.seen.as_ref().is_none_or(|seen| seen.version != version) {
                self.seen = Some(Seen { version, since: Instant::now() });
            }
            let lasts = lease["spec"]["leaseDurationSeconds"].as_u64().map_or(LASTS, Duration::from_secs);
            if self.seen.as_ref().is_none_or(|seen| seen.since.elapsed() <= lasts) {
                return Ok(false);
            }
        }
        let mut ours = lease.clone();
        ours["spec"] = self.spec(&lease["spec"]);
        self.write(Method::PUT, &path, &ours).await
    }

    /// Writes a lease over the version that was read: whoever comes second is refused.
    async fn write(&self, method: Method, path: &str, lease: &Value) -> Result<bool, Failure> {
        let path = format!("{path}?fieldManager={CONTROLLER_FIELD_MANAGER}&timeout={}s", PATIENCE.as_secs());
        let body = ("application/json", lease.to_string().into_bytes());
        match self.connection.request(method, &path, "application/json", Some(body)).await {
            Ok(_) => Ok(true),
            Err(failure)
                if failure.message.contains("already exists") || failure.message.contains("object has been modified") =>
            {
                Ok(false)
            }
            Err(failure) => Err(failure),
        }
    }

    fn spec(&self, before: &Value) -> Value {
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
        let renewal = before["holderIdentity"] == self.identity.as_str();
        let transitions =
            before["leaseTransitions"].as_u64().unwrap_or(0) + u64::from(!renewal && !before["holderIdentity"].is_null());
        json!({
            "holderIdentity": self.identity,
            "leaseDurationSeconds": LASTS.as_secs(),
            "acquireTime": if renewal { before["acquireTime"].clone() } else { now.clone().into() },
            "renewTime": now,
            "leaseTransitions": transitions,
        })
    }

    /// Gives the lease up, so that another replica leads at once. Nothing may be written afterwards.
    pub(super) async fn release(&mut self) {
        if self.told.send_replace(None).is_none() {
            return;
        }
        let path = format!("{LEASES}/{LEASE}");
        let released = tokio::time::timeout(PATIENCE, async {
            let mut lease = self.connection.get(&path).await?;
            if lease["spec"]["holderIdentity"] != self.identity.as_str() {
                return Ok(false);
            }
            lease["spec"]["holderIdentity"] = "".into();
            self.write(Method::PUT, &path, &lease).await
        });
        match released.await {
            Ok(Ok(_)) => tracing::info!("the lease is given up"),
            Ok(Err(failure)) => {
                tracing::warn!(reason = failure.message, "the lease could not be given up; it runs out by itself");
            }
            Err(_) => tracing::warn!("the lease could not be given up in time; it runs out by itself"),
        }
    }
}

/// A name for this process that no other has.
pub(super) fn identity() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let mut random = [0_u8; 4];
    // Without random bytes the pid tells processes of one host apart.
    let _ = getrandom::fill(&mut random);
    format!("{}-{}-{}", host.trim(), std::process::id(), crate::digest::hex(&random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_write_outlives_the_lease() {
        let seconds = Duration::from_secs;
        assert_eq!(budget(seconds(0)), Some(seconds(14)));
        assert_eq!(budget(seconds(9)), Some(seconds(5)));
        assert_eq!(budget(WRITES), None);
        assert!(WRITES + MARGIN < LASTS && RENEW + PATIENCE < WRITES);
    }

    #[tokio::test]
    async fn leadership_ends_by_the_clock_even_if_nobody_says_so() {
        let long_ago = Instant::now().checked_sub(WRITES);
        let (told, receiver) = watch::channel(long_ago);
        let mut leadership = Leadership(receiver);
        leadership.lost().await;
        assert_eq!(leadership.budget(), None);
        told.send_replace(Some(Instant::now()));
        leadership.won().await;
        assert!(leadership.budget().is_some());
        told.send_replace(None);
        leadership.lost().await;
    }
}
