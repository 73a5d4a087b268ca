//! The queue of a reconciler: each key once, never two of a key at a time, failures again after growing pauses.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::{FutureExt, StreamExt};
use kube::runtime::scheduler::{ScheduleRequest, scheduler};
use tokio::task::JoinSet;

use super::metrics::Work;
use crate::cluster::Failure;

/// Reconciles that run at the same time.
const CONCURRENCY: usize = 16;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How long what is under way may take once the work is to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where keys are put in.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    sender: UnboundedSender<ScheduleRequest<String>>,
    waiting: Arc<Mutex<HashSet<String>>>,
}

/// Where they come out.
pub(super) type Requests = UnboundedReceiver<ScheduleRequest<String>>;

impl Queue {
    pub(super) fn new() -> (Self, Requests) {
        let (sender, receiver) = unbounded();
        (Self { sender, waiting: Arc::default() }, receiver)
    }

    /// Asks for a reconcile of `key` as soon as possible.
    pub(super) fn add(&self, key: String) {
        self.add_after(key, Duration::ZERO);
    }

    fn add_after(&self, message: String, pause: Duration) {
        super::lock(&self.waiting).insert(message.clone());
        // Nobody takes it where the work has ended.
        let _ = self.sender.unbounded_send(ScheduleRequest { message, run_at: tokio::time::Instant::now() + pause });
    }
}

/// What a reconcile comes to: after which time it is to be looked at again where nothing happens, or why it failed.
pub(super) type Outcome = Result<Option<Duration>, Failure>;

/// Runs reconciles until `end`; says whether all that was under way has come to its end. The second argument of `reconcile` counts
/// the failures before.
pub(super) async fn work<Reconcile, Running>(
    queue: &Queue,
    requests: Requests,
    metrics: &Arc<Work>,
    end: impl Future<Output = ()>,
    reconcile: Reconcile,
) -> bool
where
    Reconcile: Fn(String, u32) -> Running,
    Running: Future<Output = Outcome> + Send + 'static,
{
    let mut waiting = pin!(scheduler(requests));
    let mut end = pin!(end);
    let mut running: HashSet<String> = HashSet::new();
    let mut failures: HashMap<String, u32> = HashMap::new();
    let mut tasks: JoinSet<(String, Duration, Outcome)> = JoinSet::new();
    loop {
        let has_room = running.len() < CONCURRENCY;
        tokio::select! {
            biased;
            () = &mut end => break,
            Some(done) = tasks.join_next() => {
                let Ok((key, took, result)) = done else { continue };
                running.remove(&key);
                metrics.reconciled(took);
                match result {
                    Ok(again) => {
                        failures.remove(&key);
                        if let Some(pause) = again {
                            queue.add_after(key, pause);
                        }
                    }
                    Err(failure) => {
                        let count = failures.entry(key.clone()).or_default();
                        let pause = (FIRST_PAUSE * 2_u32.saturating_pow(*count)).min(LONGEST_PAUSE);
                        *count = (*count + 1).min(16);
                        queue.add_after(key, failure.retry_after.unwrap_or_default().max(pause));
                    }
                }
            }
            Some(key) = async { waiting.as_mut().hold_unless(|key| has_room && !running.contains(key)).next().await } => {
                let outcome = reconcile(key.clone(), failures.get(&key).copied().unwrap_or_default());
                running.insert(key.clone());
                super::lock(&queue.waiting).remove(&key);
                tasks.spawn(async move {
                    let started = Instant::now();
                    // A panic is a bug of one reconcile, and no reason to stop the others.
                    let result = AssertUnwindSafe(outcome).catch_unwind().await;
                    let result = result.unwrap_or_else(|_| Err(Failure::transport("a bug: the reconcile panicked")));
                    (key, started.elapsed(), result)
                });
            }
        }
        let depth = super::lock(&queue.waiting).len();
        metrics.queue_depth.store(i64::try_from(depth).unwrap_or(i64::MAX), Ordering::Relaxed);
    }
    // What waits is the next leader's.
    metrics.queue_depth.store(0, Ordering::Relaxed);
    finish(tasks, PATIENCE).await
}

/// Lets what is under way come to its end, within some time; says whether it has.
async fn finish<Done: 'static>(mut tasks: JoinSet<Done>, patience: Duration) -> bool {
    let rest = async { while tasks.join_next().await.is_some() {} };
    let finished = tokio::time::timeout(patience, rest).await.is_ok();
    tasks.abort_all();
    finished
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[tokio::test]
    async fn a_failure_comes_again_and_blocks_nobody() {
        let (queue, requests) = Queue::new();
        let metrics = Arc::new(Work::default());
        let seen: Arc<Mutex<Vec<(String, u32)>>> = Arc::default();
        let (finish, finished) = tokio::sync::oneshot::channel::<()>();
        let finish = Arc::new(Mutex::new(Some(finish)));
        for key in ["bad", "good", "good", "ugly"] {
            queue.add(key.to_owned());
        }
        let log = Arc::clone(&seen);
        let reconcile = move |key: String, failures: u32| {
            log.lock().unwrap().push((key.clone(), failures));
            let finish = Arc::clone(&finish);
            async move {
                assert!(key != "ugly" || failures > 0, "a bug");
                if key != "bad" {
                    return Ok(None);
                }
                if failures == 2 {
                    let _ = finish.lock().unwrap().take().unwrap().send(());
                    return Ok(None);
                }
                Err(Failure::transport("busy"))
            }
        };
        let end = async { finished.await.unwrap() };
        assert!(work(&queue, requests, &metrics, end, reconcile).await);
        let mut seen = seen.lock().unwrap().clone();
        seen.sort();
        let expected = [("bad", 0), ("bad", 1), ("bad", 2), ("good", 0), ("ugly", 0), ("ugly", 1)]
            .map(|(key, failures)| (key.to_owned(), failures));
        assert_eq!(seen, expected);
    }

    #[tokio::test]
    async fn what_waits_at_the_end_is_the_next_leaders() {
        let (queue, requests) = Queue::new();
        let metrics = Arc::new(Work::default());
        metrics.queue_depth.store(7, Ordering::Relaxed);
        queue.add("late".to_owned());
        let reconcile = |_: String, _: u32| -> std::future::Ready<Outcome> { unreachable!("it has ended") };
        assert!(work(&queue, requests, &metrics, std::future::ready(()), reconcile).await);
        assert_eq!(metrics.queue_depth.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn what_is_under_way_is_finished_or_said_not_to_be() {
        let (go, may_go) = tokio::sync::oneshot::channel::<()>();
        let (done, is_done) = tokio::sync::oneshot::channel::<()>();
        let mut tasks = JoinSet::new();
        tasks.spawn(async {
            may_go.await.unwrap();
            done.send(()).unwrap();
        });
        let (finished, ()) = futures::join!(finish(tasks, Duration::from_mins(1)), async { go.send(()).unwrap() });
        assert!(finished);
        is_done.await.unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(std::future::pending::<()>());
        assert!(!finish(tasks, Duration::from_millis(1)).await);
    }
}
