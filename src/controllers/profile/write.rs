//! The writes of single objects: each costs the server as little as it can, and takes nothing that is somebody else's.

use std::sync::Arc;

use serde_json::json;

use super::claim::NamespaceSeen;
use super::desired::{Desired, Names};
use super::observed::{self, Observed};
use super::plan::Plan;
use super::reconcile::{NAMESPACES, Reconciler};
use super::world::{Slot, Source};
use crate::cluster::{Class, Failure, Resource};
use crate::labels::ADOPT;

/// What came of a write: where it failed, of which object, and why.
pub(super) type Written = Result<(), (String, Failure)>;

impl Reconciler {
    /// Applies the namespace itself, over the one that was seen.
    pub(super) async fn apply_namespace(&self, names: &Names, plan: &Plan, seen: &NamespaceSeen, adopted: bool) -> Written {
        let path = format!("{NAMESPACES}/{}", names.namespace);
        let what = |failure| (format!("Namespace {}", names.namespace), failure);
        if seen.observed.created {
            self.own("namespaces", &path).await.map_err(what)?;
        }
        let mut content = plan.namespace.clone();
        content["metadata"]["uid"] = seen.uid.clone().into();
        let mut answer = self.writer.apply("namespaces", &path, &content, true).await.map_err(what)?;
        if adopted {
            // Said once: a later profile of the same name must be allowed anew.
            let said = json!({"metadata": {"uid": seen.uid, "annotations": {ADOPT: null}}});
            answer = self.writer.patch("namespaces", &path, &said).await.map_err(what)?;
        }
        self.shared.record(&Source::Namespaces, answer, plan.digest);
        Ok(())
    }

    /// Creates what is not there, and applies what is: to create costs the server a third of what an apply does. In a `fresh` namespace
    /// nothing can be there that nobody knows of.
    pub(super) async fn put(&self, object: &Desired, there: Option<&Observed>, fresh: bool) -> Written {
        let what = |failure| (format!("{} {}", object.resource.kind, object.name), failure);
        let collection = object.resource.path(object.content["metadata"]["namespace"].as_str());
        let plural = object.resource.plural.as_str();
        let path = format!("{collection}/{}", object.name);
        let is_role = object.resource.kind == "Role";
        let was_there = match there {
            Some(seen) => seen.created,
            None if is_role && !fresh => false,
            None => {
                let made = if is_role {
                    // The right to write rules that one does not hold is by the role's name, which a create's path does not carry.
                    self.writer.put(plural, &path, &object.content).await
                } else {
                    self.writer.create(plural, &collection, &object.content).await
                };
                match made {
                    Ok(answer) => {
                        self.shared.record(&Source::Kind(Arc::clone(&object.resource)), answer, object.digest);
                        return Ok(());
                    }
                    Err(failure) if failure.class == Class::Exists => true,
                    Err(failure) => return Err(what(failure)),
                }
            }
        };
        if was_there {
            self.own(plural, &path).await.map_err(what)?;
        }
        self.apply(object).await
    }

    /// Makes the fields of an object that we have created those that we apply; else they would stay when an apply leaves them out.
    async fn own(&self, plural: &str, path: &str) -> Result<(), Failure> {
        let live = self.writer.read(plural, path).await?;
        let (None, Some(place)) = (observed::entry(&live, "Apply"), observed::entry(&live, "Update")) else { return Ok(()) };
        let change = json!([
            {"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
            {"op": "replace", "path": format!("/metadata/managedFields/{place}/operation"), "value": "Apply"},
        ]);
        self.writer.patch(plural, path, &change).await.map(drop)
    }

    /// Applies an object.
    pub(super) async fn apply(&self, object: &Desired) -> Written {
        let what = |failure| (format!("{} {}", object.resource.kind, object.name), failure);
        let namespace = object.content["metadata"]["namespace"].as_str();
        let path = format!("{}/{}", object.resource.path(namespace), object.name);
        let plural = object.resource.plural.as_str();
        let is_quota = object.resource.kind == "ResourceQuota";
        let mut answer = self.writer.apply(plural, &path, &object.content, !is_quota).await;
        match &answer {
            // A limit is the admin's as soon as they have set it, even if the news has not come yet.
            Err(Failure { class: Class::Conflict(conflicts), message, .. }) if is_quota => {
                if conflicts.iter().any(|conflict| conflict.field.starts_with(".spec.hard")) {
                    return Err(what(Failure::transport(message.clone())));
                }
                answer = self.writer.apply(plural, &path, &object.content, true).await;
            }
            // What a binding refers to can't be changed: somebody has put another in its place.
            Err(Failure { class: Class::Invalid, .. }) if object.resource.kind == "RoleBinding" => {
                let there = self.writer.read(plural, &path).await.map_err(what)?;
                if there["roleRef"] == object.content["roleRef"] {
                    return answer.map(drop).map_err(what);
                }
                self.writer.delete(plural, &path, &json!({"uid": there["metadata"]["uid"]})).await.map_err(what)?;
                answer = self.writer.apply(plural, &path, &object.content, true).await;
            }
            _ => {}
        }
        self.shared.record(&Source::Kind(Arc::clone(&object.resource)), answer.map_err(what)?, object.digest);
        Ok(())
    }

    /// Deletes what is wanted no more, if it is as it was seen.
    pub(super) async fn prune(&self, names: &Names, resource: &Resource, slot: &Slot, version: u64) -> Written {
        let path = format!("{}/{}", resource.path(Some(&names.namespace)), slot.1);
        match self.writer.delete(&resource.plural, &path, &json!({"resourceVersion": version.to_string()})).await {
            Err(failure) if failure.class != Class::NotFound => Err((format!("{} {}", resource.kind, slot.1), failure)),
            _ => Ok(()),
        }
    }
}
