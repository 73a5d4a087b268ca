//! Brings the cluster to what a notebook says. With `culler` the only place that writes.
//!
//! What was made goes with the notebook, which owns it; volumes are nobody's here and are never touched. An object of that name that is
//! somebody else's is left alone: the notebook says so and waits.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::access::{self, Route};
use super::settings::Settings;
use super::status::{self, READY, ROUTE_READY};
use super::store::Key;
use super::world::{Made, Source, View};
use super::{Line, NOTEBOOKS, Shared, desired, parted, path};
use crate::api::notebook::Notebook;
use crate::cluster::{Class, Failure};
use crate::controllers::events::{Event, Recorder};
use crate::controllers::queue::{Outcome, Queue};
use crate::controllers::verdict::Verdict;
use crate::controllers::writer::Writer;
use crate::controllers::{Role, lock, observed};
use crate::digest::sha256;

/// Failures in a row that may pass by themselves before they are told.
const PASSING: u32 = 3;
/// When what somebody has to change is looked at again.
const LATER: Duration = Duration::from_secs(30);

/// Reconciles notebooks.
pub(in crate::controllers) struct Reconciler {
    shared: Arc<Shared>,
    writer: Writer,
    recorder: Recorder,
    /// The events of pods that have been told on their notebook.
    told: Mutex<HashMap<Key, HashSet<String>>>,
}

impl Role for Reconciler {
    const KIND: &'static str = "notebook";

    async fn filled(&self) {
        futures::join!(self.shared.filled(), self.shared.profiles.filled());
    }

    fn begin(&self, queue: &Queue) {
        self.shared.begin(Line::Reconcile, queue);
    }

    fn end(&self) {
        self.shared.end(Line::Reconcile);
    }

    async fn reconcile(&self, key: &str, failures: u32) -> Outcome {
        self.look(&parted(key), failures).await
    }
}

/// Why an object could not be put in its place.
enum Trouble {
    /// Somebody has to change something.
    Blocked(Verdict),
    /// It may pass by itself.
    Failed(String, Failure),
    /// The namespace, or the notebook, is going.
    Gone,
}

impl Reconciler {
    pub(in crate::controllers) fn new(shared: Arc<Shared>, writer: Writer, recorder: Recorder) -> Self {
        Self { shared, writer, recorder, told: Mutex::default() }
    }

    async fn look(&self, key: &Key, failures: u32) -> Outcome {
        let view = lock(&self.shared.world).view(key);
        let Some(view) = view.filter(|view| !view.notebook.deleting) else {
            lock(&self.told).remove(key);
            return Ok(None);
        };
        // The server's own rules let none in that can't be read; one that slipped in before them stalls nobody.
        let notebook = match &view.notebook.content {
            Ok(notebook) => Arc::clone(notebook),
            Err(problem) => {
                tracing::warn!(problem, "a notebook can't be read");
                self.tell_unreadable(key, &view.notebook.uid, problem);
                return Ok(None);
            }
        };
        self.retell(key, &view);
        let settings = match &view.settings {
            Ok(settings) => Arc::clone(settings),
            Err(problem) => {
                let verdict = Verdict::no("SettingsInvalid", format!("ConfigMap notebook-defaults: {problem}"));
                self.tell(key, &notebook, &view, &verdict, &unknown()).await?;
                return Ok(Some(LATER));
            }
        };
        let (ready, route, outcome) = match self.keep(key, &notebook, &view, &settings).await {
            Ok(route) => {
                let refused = view.events.iter().rev().find(|told| told.reason == "FailedCreate");
                (status::ready(desired::stopped(&notebook), view.pod.as_ref(), refused), route, Ok(None))
            }
            Err(Trouble::Gone) => return Ok(None),
            Err(Trouble::Blocked(verdict)) => (verdict, unknown(), Ok(Some(LATER))),
            Err(Trouble::Failed(_, failure)) if failures < PASSING => return Err(failure),
            Err(Trouble::Failed(what, failure)) => {
                (Verdict::no("Retrying", format!("{what}: {}", failure.message)), unknown(), Err(failure))
            }
        };
        self.tell(key, &notebook, &view, &ready, &route).await?;
        if let Ok(None) = outcome {
            self.replace(key, &notebook, &view).await?;
        }
        outcome
    }

    /// Puts everything in its place: first what keeps others out, last the way in.
    async fn keep(&self, key: &Key, notebook: &Notebook, view: &View, settings: &Settings) -> Result<Verdict, Trouble> {
        let (namespace, name) = key;
        let uid = view.notebook.uid.as_str();
        let put = |source, kind, at: String, content, there| self.put(source, kind, at, content, there, uid);
        let doors = self.shared.profiles.doors(namespace);
        let [routes_served, policies_served] = view.served;
        let policies = format!("/apis/security.istio.io/v1/namespaces/{namespace}/authorizationpolicies");
        let policy = format!("{policies}/{}{name}", access::PRIVATE_POLICY);
        let is_private = desired::private_to(notebook).is_some();
        let mut is_closed = !is_private;
        if let (true, Some(login)) = (policies_served, &doors.login) {
            if let Some(content) = access::policy(notebook, name, login) {
                put(Source::Policies, "AuthorizationPolicy", policy, content, view.policy.as_ref()).await?;
                is_closed = true;
            } else if let Some(made) = &view.policy {
                self.remove(Source::Policies, &policy, made, uid).await?;
            }
        }
        let route = format!(
            "/apis/networking.istio.io/v1/namespaces/{namespace}/virtualservices/{}",
            desired::route_name(namespace, name)
        );
        let close = async || match &view.route {
            Some(made) => self.remove(Source::Routes, &route, made, uid).await,
            None => Ok(()),
        };
        let services = format!("/api/v1/namespaces/{namespace}/services/{name}");
        let service = put(Source::Services, "Service", services, desired::service(notebook), view.service.as_ref()).await;
        if let Err(Trouble::Blocked(_)) = service {
            // Whoever has taken the Service decides where the route leads.
            close().await?;
        }
        service?;
        let sets = format!("/apis/apps/v1/namespaces/{namespace}/statefulsets/{name}");
        put(Source::Sets, "StatefulSet", sets, desired::statefulset(notebook, settings), view.set.as_ref()).await?;

        match access::route(notebook, &doors, routes_served, view.older) {
            Route::AsItIs(verdict) => Ok(verdict),
            Route::Open(ends) if is_closed => match desired::route(notebook, settings, &ends) {
                Ok(content) => {
                    put(Source::Routes, "VirtualService", route.clone(), content, view.route.as_ref()).await?;
                    Ok(Verdict::yes("RouteReady", format!("/notebook/{namespace}/{name}/")))
                }
                Err(problem) => {
                    close().await?;
                    Ok(Verdict::no("RouteInvalid", problem))
                }
            },
            closed => {
                close().await?;
                let verdict = match closed {
                    Route::Closed(verdict) => verdict,
                    _ => Verdict::no("NotPrivate", "no route is made: what keeps others out can't be made yet"),
                };
                Ok(verdict)
            }
        }
    }

    async fn put(
        &self,
        source: Source,
        kind: &'static str,
        path: String,
        content: Value,
        there: Option<&Made>,
        uid: &str,
    ) -> Result<(), Trouble> {
        let name = content["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let what = format!("{kind} {name}");
        let taken = || {
            let message = format!(
                "there is a {what} that is not this notebook's; it is left alone. Take it away, or give the notebook another name"
            );
            Trouble::Blocked(Verdict::no("NameTaken", message))
        };
        let sent = observed::wanted(&content);
        let plural = plural(source);
        let is_ours = match there {
            Some(made) if made.owner != uid => return Err(taken()),
            Some(made) if made.observed.is(sent) => return Ok(()),
            Some(_) => true,
            // What does not carry our label is in no cache.
            None => match self.writer.read(plural, &path).await {
                Ok(live) if Made::new(&live).owner != uid => return Err(taken()),
                Ok(_) => true,
                Err(failure) if failure.class == Class::NotFound => false,
                Err(failure) => return Err(trouble(what, failure)),
            },
        };
        match self.writer.apply(plural, &path, &content, is_ours).await {
            Ok(answer) => {
                lock(&self.shared.world).record(source, answer, sent);
                Ok(())
            }
            // Somebody was faster.
            Err(Failure { class: Class::Conflict(_), .. }) if !is_ours => Err(taken()),
            Err(failure) => Err(trouble(what, failure)),
        }
    }

    async fn remove(&self, source: Source, path: &str, made: &Made, uid: &str) -> Result<(), Trouble> {
        if made.owner != uid || made.observed.deleting {
            return Ok(());
        }
        let preconditions = json!({"resourceVersion": made.observed.version.to_string()});
        match self.writer.delete(plural(source), path, &preconditions).await {
            Err(failure) if failure.class != Class::NotFound => Err(trouble(path.to_owned(), failure)),
            _ => Ok(()),
        }
    }

    /// Ends a pod whose notebook has asked for another one; the `StatefulSet` makes it.
    async fn replace(&self, key: &Key, notebook: &Notebook, view: &View) -> Result<(), Failure> {
        let Some(pod) = view.pod.as_ref().filter(|pod| !pod.deleting && desired::stopped(notebook).is_none()) else {
            return Ok(());
        };
        let Some(why) = desired::replacement(notebook, &pod.origin) else { return Ok(()) };
        let (namespace, name) = key;
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}-0");
        match self.writer.delete("pods", &path, &json!({"uid": pod.uid})).await {
            Ok(_) => {
                self.publish(key, &view.notebook.uid, false, "Restarting", format!("the pod starts anew: {why}"));
                Ok(())
            }
            // Another one is there already.
            Err(failure) if matches!(failure.class, Class::NotFound) || failure.message.contains("Precondition failed") => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// Tells on the notebook what happened to its pod, each event once: whoever tells it again finds it told.
    fn retell(&self, key: &Key, view: &View) {
        let mut all = lock(&self.told);
        let told = all.entry(key.clone()).or_default();
        told.retain(|uid| view.events.iter().any(|event| event.uid == *uid));
        for event in &view.events {
            if told.insert(event.uid.clone()) {
                self.recorder.publish(Event {
                    regarding: regarding(key, &view.notebook.uid),
                    warning: event.warning,
                    reason: event.reason.clone(),
                    action: "Retell",
                    note: format!("Reissued from {}: {}", event.object, event.note),
                    once: Some(event.uid.clone()),
                });
            }
        }
    }

    fn publish(&self, key: &Key, uid: &str, warning: bool, reason: &str, note: String) {
        let regarding = regarding(key, uid);
        self.recorder.publish(Event { regarding, warning, reason: reason.into(), action: "Reconcile", note, once: None });
    }

    /// A notebook that does not decode (the definition was looser once) gets an event, once for each reason.
    fn tell_unreadable(&self, key: &Key, uid: &str, problem: &str) {
        self.recorder.publish(Event {
            regarding: regarding(key, uid),
            warning: true,
            reason: "Unreadable".into(),
            action: "Reconcile",
            note: format!("this notebook can't be read, and nothing is done for it: {problem}"),
            once: Some(format!("unreadable-{}", &sha256(format!("{uid} {problem}").as_bytes())[..12])),
        });
    }

    /// Writes the status where it says something new, and an event where something is to be done.
    async fn tell(&self, key: &Key, notebook: &Notebook, view: &View, ready: &Verdict, route: &Verdict) -> Result<(), Failure> {
        let status = status::status(notebook, ready, route, view.pod.as_ref(), &Time(Timestamp::now()));
        if notebook.status.as_ref() == Some(&status) {
            return Ok(());
        }
        let (namespace, name) = key;
        let content = json!({"apiVersion": "kubeflow.org/v1", "kind": "Notebook",
            "metadata": {"name": name, "namespace": namespace, "uid": view.notebook.uid}, "status": status});
        match self.writer.apply("notebooks/status", &format!("{}/status", path(key)), &content, true).await {
            Ok(answer) => lock(&self.shared.world).record(Source::Notebooks, answer, 0),
            Err(failure) if matches!(failure.class, Class::NotFound | Class::Terminating) => return Ok(()),
            Err(failure) => return Err(failure),
        }
        let before = notebook.status.iter().flat_map(|status| &status.conditions);
        let said: HashMap<&str, &str> =
            before.filter_map(|condition| Some((condition.r#type.as_str(), condition.message.as_deref()?))).collect();
        for (condition, verdict) in [(READY, ready), (ROUTE_READY, route)] {
            let is_for_people = matches!(verdict.reason.as_str(), "SpecRefused" | "NameTaken" | "RouteInvalid" | "NotPrivate");
            if is_for_people && said.get(condition) != Some(&verdict.message.as_str()) {
                self.publish(key, &view.notebook.uid, true, &verdict.reason, verdict.message.clone());
            }
        }
        Ok(())
    }
}

/// What is said of the route where nothing was tried.
fn unknown() -> Verdict {
    Verdict::no("Waiting", "it is made once the notebook is")
}

fn regarding((namespace, name): &Key, uid: &str) -> Value {
    json!({"apiVersion": "kubeflow.org/v1", "kind": "Notebook", "namespace": namespace, "name": name, "uid": uid})
}

fn plural(source: Source) -> &'static str {
    match source {
        Source::Sets => "statefulsets",
        Source::Services => "services",
        Source::Routes => "virtualservices",
        Source::Policies => "authorizationpolicies",
        _ => NOTEBOOKS,
    }
}

fn trouble(what: String, failure: Failure) -> Trouble {
    match failure.class {
        Class::Terminating | Class::NotFound => Trouble::Gone,
        Class::Invalid | Class::Denied => Trouble::Blocked(Verdict::no("SpecRefused", failure.message)),
        _ => Trouble::Failed(what, failure),
    }
}
