//! The end of a profile: its namespace goes first, and only for a delete of the profile itself.
//!
//! Here users' data can be lost, so the caches are not believed: whoever deletes the definition of profiles, or namespace
//! kubeflow-system, deletes all profiles along with it and means none of them.

use serde_json::json;

use super::desired::namespace;
use super::reconcile::{NAMESPACES, Reconciler};
use super::status::{Facts, Verdict};
use super::world::{Source, View};
use crate::api::profile::is_reserved;
use crate::cluster::{Class, Failure};
use crate::labels::{KEEP_DATA, PROFILE_FINALIZER, PROFILE_UID};

const DEFINITION: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/profiles.kubeflow.org";

impl Reconciler {
    pub(super) async fn delete(&self, name: &str, view: &View) -> Result<(), Failure> {
        let profile = &view.profile;
        if !profile.finalizers.iter().any(|finalizer| finalizer == PROFILE_FINALIZER) {
            return Ok(());
        }
        let target = profile.content.as_deref().ok().map(namespace);
        if let (Some(seen), Some(target)) = (&view.namespace, &target)
            && seen.observed.deleting
            && seen.profile.as_ref().is_some_and(|(_, uid)| *uid == profile.uid)
        {
            return self.tell_progress(name, view, target, &seen.blocked).await;
        }
        let going = if view.system_going { Some("namespace kubeflow-system") } else { self.whole_system_going().await? };
        if let Some(going) = going {
            return self.leave(name, view, going).await;
        }
        if profile.annotations.contains(KEEP_DATA) {
            let message = format!(
                "annotation {KEEP_DATA} keeps this profile and its namespace; to delete both: kubectl -n kubeflow-system annotate profile {name} {KEEP_DATA}-"
            );
            return self
                .tell(name, view, Facts { ready: Verdict::no("DataKept", message), namespace: target, ..Facts::default() })
                .await;
        }
        let list = self.writer.read("namespaces", &format!("{NAMESPACES}?labelSelector={PROFILE_UID}={}", profile.uid)).await?;
        let mut left = None;
        for item in list["items"].as_array().into_iter().flatten() {
            let found = item["metadata"]["name"].as_str().unwrap_or_default();
            // The label alone gives no right over another namespace than the profile's own.
            if is_reserved(found) || target.as_deref().is_some_and(|target| target != found) {
                continue;
            }
            if item["metadata"].get("deletionTimestamp").is_none() {
                let uid = json!({"uid": item["metadata"]["uid"]});
                match self.writer.delete("namespaces", &format!("{NAMESPACES}/{found}"), &uid).await {
                    // An answer without labels is no namespace.
                    Ok(answer) if answer["kind"] == "Namespace" => self.shared.record(&Source::Namespaces, answer, 0),
                    Err(failure) if failure.class != Class::NotFound => return Err(failure),
                    _ => {}
                }
            }
            left = Some(found.to_owned());
        }
        if let Some(namespace) = left {
            return self.tell_progress(name, view, &namespace, &[]).await;
        }
        if let Some(target) = target {
            self.open_gateways(&target).await?;
        }
        self.release(name, view).await
    }

    /// Lets the profile go and leaves its namespace: whoever deletes `going` means no user. Nothing else is written, as our own rights
    /// are going too.
    pub(super) async fn leave(&self, name: &str, view: &View, going: &str) -> Result<(), Failure> {
        if view.profile.finalizers.iter().any(|finalizer| finalizer == PROFILE_FINALIZER) {
            let message =
                format!("{going} is being deleted, and with it all profiles; the namespace and what is in it are left alone");
            self.publish(name, &view.profile.uid, &Verdict::no("DataLeft", message));
        }
        self.release(name, view).await
    }

    /// Says how far the deletion is, and what holds it up in the cluster's own words.
    async fn tell_progress(&self, name: &str, view: &View, namespace: &str, blocked: &[String]) -> Result<(), Failure> {
        let verdict = if blocked.is_empty() {
            Verdict::no("Deleting", format!("namespace {namespace} and all that is in it is being deleted"))
        } else {
            Verdict::no("DeletionBlocked", format!("namespace {namespace} can't be deleted yet. {}", blocked.join(". ")))
        };
        self.tell(name, view, Facts { ready: verdict, namespace: Some(namespace.to_owned()), ..Facts::default() }).await
    }

    /// What is being deleted that takes all profiles along.
    pub(super) async fn whole_system_going(&self) -> Result<Option<&'static str>, Failure> {
        let system = format!("{NAMESPACES}/{}", super::SYSTEM_NAMESPACE);
        for (what, resource, path) in [
            ("namespace kubeflow-system", "namespaces", system.as_str()),
            ("the definition of profiles", "customresourcedefinitions", DEFINITION),
        ] {
            let there = self.writer.read(resource, path).await?;
            if there["metadata"].get("deletionTimestamp").is_some() {
                return Ok(Some(what));
            }
        }
        Ok(None)
    }
}
