//! What a profile says of itself: its status, and events on it and on its namespace.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use serde_json::json;

use super::SYSTEM_NAMESPACE;
use super::reconcile::{PROFILES, Reconciler};
use super::status::{self, Facts, Verdict};
use super::world::{Source, View};
use crate::api::profile::ProfileStatus;
use crate::cluster::{Class, Failure};
use crate::controllers::events::Event;
use crate::controllers::lock;

impl Reconciler {
    /// Writes the status where it says something new, and an event where it turns.
    pub(super) async fn tell(&self, name: &str, view: &View, facts: Facts) -> Result<(), Failure> {
        let profile = view.profile.content.as_deref().ok();
        let before = profile.and_then(|profile| profile.status.clone());
        let generation = profile.and_then(|profile| profile.metadata.generation);
        let status = status::status(before.as_ref(), generation, &facts, &Time(Timestamp::now()));
        if before.as_ref() == Some(&status) {
            return Ok(());
        }
        self.write_status(name, &view.profile.uid, &status).await?;
        let ready = |status: &ProfileStatus| {
            let found = status.conditions.iter().find(|condition| condition.type_ == status::READY);
            found.map(|condition| (condition.status.clone(), condition.reason.clone(), condition.message.clone()))
        };
        if before.as_ref().and_then(ready) != ready(&status) {
            self.publish(name, &view.profile.uid, &facts.ready);
            if let (true, Some(namespace)) = (facts.ready.holds, &facts.namespace) {
                let note = format!("made for profile {name} and ready");
                self.publish_namespace(namespace, Verdict::yes("ProfileReady", note));
            }
        }
        Ok(())
    }

    pub(super) fn publish(&self, name: &str, uid: &str, verdict: &Verdict) {
        let regarding = json!({"apiVersion": "kubeflow.org/v1alpha1", "kind": "Profile", "namespace": SYSTEM_NAMESPACE, "name": name, "uid": uid});
        let (reason, note) = (verdict.reason.clone(), verdict.message.clone());
        let warning = !verdict.holds && reason != "Deleting";
        self.recorder.publish(Event { regarding, warning, reason, action: "Reconcile", note, once: None });
    }

    /// Says something of a namespace.
    pub(super) fn publish_namespace(&self, namespace: &str, Verdict { holds, reason, message: note }: Verdict) {
        let regarding = json!({"apiVersion": "v1", "kind": "Namespace", "name": namespace});
        self.recorder.publish(Event { regarding, warning: !holds, reason, action: "Reconcile", note, once: None });
    }

    async fn write_status(&self, name: &str, uid: &str, status: &ProfileStatus) -> Result<(), Failure> {
        let content = json!({"apiVersion": "kubeflow.org/v1alpha1", "kind": "Profile", "metadata": {
            "name": name, "namespace": SYSTEM_NAMESPACE, "uid": uid}, "status": status});
        match self.writer.apply("profiles/status", &format!("{PROFILES}/{name}/status"), &content, true).await {
            Ok(answer) => self.shared.record(&Source::Profiles, answer, 0),
            Err(failure) if failure.class == Class::NotFound => {}
            Err(failure) => return Err(failure),
        }
        Ok(())
    }

    /// A profile that does not decode (the definition was looser once) gets a condition and an event, once.
    pub(super) async fn tell_unreadable(&self, name: &str, view: &View, problem: &str) -> Result<(), Failure> {
        if lock(&self.unreadable).get(name).is_some_and(|said| said == problem) {
            return Ok(());
        }
        tracing::warn!(profile = name, problem, "a profile can't be read");
        let ready = Verdict::no("Unreadable", format!("this profile can't be read: {problem}"));
        self.tell(name, view, Facts { ready, ..Facts::default() }).await?;
        lock(&self.unreadable).insert(name.to_owned(), problem.to_owned());
        Ok(())
    }
}
