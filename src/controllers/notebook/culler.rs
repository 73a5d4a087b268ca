//! Asks servers whether they are in use, and stops notebooks whose server is not. A slow or hostile server costs one of these looks its
//! time, and reconciles none.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::culling::{Answer, Decision, Limits, Memory, Use, decide, limit, usage};
use super::settings::Settings;
use super::store::Key;
use super::world::{Source, View};
use super::{Line, NOTEBOOKS, Shared, desired, parted, path};
use crate::api::notebook::Notebook;
use crate::cluster::{Class, Failure};
use crate::controllers::events::{Event, Recorder};
use crate::controllers::queue::{Outcome, Queue};
use crate::controllers::writer::Writer;
use crate::controllers::{Role, lock};
use crate::labels::{IDLE_TIME, LAST_ACTIVITY, SERVER_TYPE, STOPPED};

/// The longest wait for a server's answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer that is read.
const LARGEST: u64 = 1 << 20;
/// How much of the idle time the last activity on a notebook may lag behind, so that it is not written at each look.
const GRAIN: u32 = 48;

/// Stops notebooks that nobody uses.
pub(in crate::controllers) struct Culler {
    shared: Arc<Shared>,
    writer: Writer,
    recorder: Recorder,
    seen: Mutex<HashMap<Key, Seen>>,
}

/// What is remembered of a notebook's pod.
struct Seen {
    pod: String,
    since: Instant,
    asked: Option<Instant>,
    memory: Memory,
    /// What has been said of an annotation that makes no sense.
    problem: Option<String>,
}

impl Role for Culler {
    const KIND: &'static str = "culling";

    async fn filled(&self) {
        self.shared.filled().await;
    }

    fn begin(&self, queue: &Queue) {
        // What another replica saw meanwhile is not known.
        lock(&self.seen).clear();
        self.shared.begin(Line::Cull, queue);
    }

    fn end(&self) {
        self.shared.end(Line::Cull);
    }

    async fn reconcile(&self, key: &str, _failures: u32) -> Outcome {
        self.look(&parted(key)).await
    }
}

impl Culler {
    pub(in crate::controllers) fn new(shared: Arc<Shared>, writer: Writer, recorder: Recorder) -> Self {
        Self { shared, writer, recorder, seen: Mutex::default() }
    }

    async fn look(&self, key: &Key) -> Outcome {
        let view = lock(&self.shared.world).view(key);
        let Some((view, notebook, settings, age)) = view.and_then(running) else {
            lock(&self.seen).remove(key);
            return Ok(None);
        };
        let pod = view.pod.as_ref().map(|pod| pod.uid.clone()).unwrap_or_default();
        let annotation = |name| desired::annotation(&notebook, name);
        let limited = limit(&settings, annotation(IDLE_TIME), annotation(SERVER_TYPE));
        let wait = {
            let mut all = lock(&self.seen);
            let fresh =
                || Seen { pod: pod.clone(), since: Instant::now(), asked: None, memory: Memory::default(), problem: None };
            let seen = all.entry(key.clone()).or_insert_with(fresh);
            if seen.pod != pod {
                *seen = fresh();
            }
            if let Err(problem) = &limited
                && seen.problem.as_ref() != Some(problem)
            {
                seen.problem = Some(problem.clone());
                self.publish(key, &view, true, "IdleTimeInvalid", format!("annotation {IDLE_TIME}: {problem}"));
            }
            seen.asked.map(|asked| settings.check_period.saturating_sub(asked.elapsed())).unwrap_or_default()
        };
        let Ok(Some(idle_time)) = limited else { return Ok(None) };
        // News of the notebook is no reason to ask earlier.
        if !wait.is_zero() {
            return Ok(Some(wait));
        }
        let usage = ask(&settings, key).await;
        if let Use::Unknown(reason) = &usage {
            tracing::debug!(reason, "whether a notebook is in use is not known");
        }
        let limits = Limits { idle_time, warn_before: settings.warn_before, age };
        let (idle, decision) = {
            let mut all = lock(&self.seen);
            let Some(seen) = all.get_mut(key).filter(|seen| seen.pod == pod) else { return Ok(None) };
            seen.asked = Some(Instant::now());
            decide(&usage, limits, seen.since.elapsed(), &mut seen.memory)
        };
        match decision {
            Decision::Stop => return self.stop(key, &view, idle).await.map(|()| None),
            Decision::Warn => {
                let note = format!(
                    "nobody has used this notebook for {}; it is stopped after {}, and its volumes stay. Annotation {IDLE_TIME} of the notebook says otherwise",
                    spoken(idle),
                    spoken(idle_time)
                );
                self.publish(key, &view, true, "IdleSoonStopped", note);
            }
            Decision::Nothing => {}
        }
        if !matches!(usage, Use::Unknown(_)) {
            self.note_activity(key, &notebook, &view, idle, idle_time).await?;
        }
        Ok(Some(settings.check_period))
    }

    async fn stop(&self, key: &Key, view: &View, idle: Duration) -> Result<(), Failure> {
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        self.annotate(key, view, STOPPED, &now).await?;
        lock(&self.seen).remove(key);
        let note = format!(
            "stopped, as nobody has used it for {}; its volumes stay. Take annotation {STOPPED} away to start it again",
            spoken(idle)
        );
        self.publish(key, view, false, "Culled", note);
        Ok(())
    }

    /// Writes the last activity on the notebook, for people, where it has moved noticeably.
    async fn note_activity(
        &self,
        key: &Key,
        notebook: &Notebook,
        view: &View,
        idle: Duration,
        idle_time: Duration,
    ) -> Result<(), Failure> {
        let used = Timestamp::now() - SignedDuration::try_from(idle).unwrap_or_default();
        let said: Option<Timestamp> = desired::annotation(notebook, LAST_ACTIVITY).and_then(|text| text.parse().ok());
        let grain = (idle_time / GRAIN).max(Duration::from_secs(1));
        let has_moved = said.is_none_or(|said| used.duration_since(said).unsigned_abs() > grain);
        if has_moved {
            self.annotate(key, view, LAST_ACTIVITY, &used.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).await?;
        }
        Ok(())
    }

    async fn annotate(&self, key: &Key, view: &View, name: &str, value: &str) -> Result<(), Failure> {
        let patch = json!({"metadata": {"uid": view.notebook.uid, "annotations": {name: value}}});
        match self.writer.patch(NOTEBOOKS, &path(key), &patch).await {
            Ok(answer) => lock(&self.shared.world).record(Source::Notebooks, answer, 0),
            Err(failure) if failure.class == Class::NotFound => {}
            Err(failure) => return Err(failure),
        }
        // What a write of our own changes is no news by itself.
        self.shared.enqueue(std::slice::from_ref(key), false);
        Ok(())
    }

    fn publish(&self, (namespace, name): &Key, view: &View, warning: bool, reason: &str, note: String) {
        let regarding = json!({"apiVersion": "kubeflow.org/v1", "kind": "Notebook", "namespace": namespace, "name": name, "uid": view.notebook.uid});
        self.recorder.publish(Event { regarding, warning, reason: reason.into(), action: "Cull", note, once: None });
    }
}

/// What a look needs, where the notebook's server runs; with it how long its pod has been ready.
fn running(view: View) -> Option<(View, Arc<Notebook>, Arc<Settings>, Duration)> {
    let notebook = view.notebook.content.as_ref().ok().map(Arc::clone)?;
    let settings = view.settings.as_ref().ok().map(Arc::clone)?;
    let pod = view.pod.as_ref().filter(|pod| pod.ready && !pod.deleting)?;
    if view.notebook.deleting || desired::stopped(&notebook).is_some() {
        return None;
    }
    let since = pod.conditions.iter().filter_map(|condition| condition.last_transition_time.as_ref()).map(|time| time.0).min()?;
    let age = Duration::try_from(Timestamp::now().duration_since(since)).unwrap_or_default();
    Some((view, notebook, settings, age))
}

/// Asks a server about kernels and terminals.
async fn ask(settings: &Settings, (namespace, name): &Key) -> Use {
    let [kernels, terminals] = ["kernels", "terminals"].map(|what| {
        let url = settings.question(namespace, name, what);
        tokio::task::spawn_blocking(move || fetch(&url))
    });
    let answered =
        |answer: Result<Result<Answer, String>, tokio::task::JoinError>| answer.unwrap_or_else(|error| Err(error.to_string()));
    let (kernels, terminals) = futures::join!(kernels, terminals);
    usage(&answered(kernels), &answered(terminals))
}

/// One answer. The server is somebody's own: it leads nowhere else, and neither size nor patience is without end.
fn fetch(url: &str) -> Result<Answer, String> {
    let request = ureq::get(url).config().timeout_global(Some(PATIENCE)).max_redirects(0).http_status_as_error(false).build();
    let mut answer = request.call().map_err(|error| error.to_string())?;
    let date = answer.headers().get(http::header::DATE).and_then(|date| date.to_str().ok()).map(str::to_owned);
    let mut body = Vec::new();
    answer.body_mut().as_reader().take(LARGEST).read_to_end(&mut body).map_err(|error| error.to_string())?;
    Ok(Answer { code: answer.status().as_u16(), date, body })
}

/// A duration as people say it.
fn spoken(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}
