//! Writes what the mesh is to hold for a namespace, and takes it away again. The namespace is ready without it.

use std::collections::BTreeSet;

use futures::future::{BoxFuture, FutureExt, join_all};
use serde_json::json;

use super::desired::Names;
use super::endpoints::{self, Complaint, is_route};
use super::policies::{self, LONGEST_NAME, Share, Wanted};
use super::reconcile::{NAMESPACES, Reconciler, Told};
use super::status::{MESH_READY, Verdict};
use super::world::{Slot, View, slot};
use super::write::Written;
use crate::cluster::{Class, Failure};
use crate::controllers::events::Event;
use crate::controllers::lock;

impl Reconciler {
    /// Brings the mesh's objects to what is wanted; what its condition says, and what went wrong.
    pub(super) async fn enforce(&self, names: &Names, view: &View, wanted: &Wanted) -> ((&'static str, Verdict), Written) {
        let written = self.write_mesh(names, view, wanted).await;
        let verdict = match (&wanted.problem, &written) {
            (_, Err((what, failure))) => Verdict::no("MeshFailed", format!("{what}: {}", failure.message)),
            (Some(problem), Ok(())) => problem.clone(),
            (None, Ok(())) => wanted.verdict(),
        };
        ((MESH_READY, verdict), written)
    }

    async fn write_mesh(&self, names: &Names, view: &View, wanted: &Wanted) -> Written {
        self.tell_unfit(names, &view.shares);
        self.tell_complaints(names, &wanted.complaints);
        let (mut work, mut routes): (Vec<BoxFuture<'_, Written>>, Vec<BoxFuture<'_, Written>>) = (Vec::new(), Vec::new());
        let mut kept: BTreeSet<(&str, Slot)> = BTreeSet::new();
        for object in &wanted.objects {
            let namespace = object.content["metadata"]["namespace"].as_str().unwrap_or_default();
            let place = slot(&object.resource, &object.name);
            let seen = if namespace == names.namespace { view.objects.get(&place) } else { view.gateways.get(namespace) };
            if seen.is_none_or(|seen| !seen.deleting && !seen.is(object.digest)) {
                let list = if is_route(object) { &mut routes } else { &mut work };
                list.push(self.apply(object).boxed());
            }
            kept.insert((namespace, place));
        }
        // What lets somebody in goes, whatever else can't be written.
        let open = view.objects.iter().filter(|(place, seen)| endpoints::is_own(place) && seen.is_ours() && !seen.deleting);
        let closed = open.filter(|(place, _)| wanted.is_all && !kept.contains(&(names.namespace.as_str(), (*place).clone())));
        work.extend(closed.map(|(place, seen)| self.take_away(&names.namespace, place.clone(), seen.version).boxed()));
        join_all(work).await.into_iter().collect::<Written>()?;
        join_all(routes).await.into_iter().collect::<Written>()?;
        if !wanted.is_all {
            return Ok(());
        }
        let is_own = |place: &Slot| policies::is_own(place) && !endpoints::is_own(place);
        let own = view.objects.iter().filter(|(place, seen)| is_own(place) && seen.is_ours() && !seen.deleting);
        let own = own.map(|(place, seen)| (names.namespace.as_str(), place.clone(), seen.version));
        let at_gateway = policies::slot_at_gateway(&names.namespace);
        let denied = view.gateways.iter().filter(|(_, seen)| !seen.deleting);
        let denied = denied.map(|(gateway, seen)| (gateway.as_str(), at_gateway.clone(), seen.version));
        let left = own.chain(denied).filter(|(namespace, place, _)| !kept.contains(&(*namespace, place.clone())));
        let gone = left.map(|(namespace, place, version)| self.take_away(namespace, place, version));
        join_all(gone).await.into_iter().collect()
    }

    async fn take_away(&self, namespace: &str, place: Slot, version: u64) -> Written {
        let Some(resource) = lock(&self.shared.world).kind(&place.0) else { return Ok(()) };
        let path = format!("{}/{}", resource.path(Some(namespace)), place.1);
        match self.writer.delete(&resource.plural, &path, &json!({"resourceVersion": version.to_string()})).await {
            Err(failure) if failure.class != Class::NotFound => Err((format!("{} {}", resource.kind, place.1), failure)),
            _ => Ok(()),
        }
    }

    /// Takes away what is denied at gateways for a namespace, once there is no such namespace: the door is the last to go.
    pub(super) async fn open_gateways(&self, namespace: &str) -> Result<(), Failure> {
        let gateways = lock(&self.shared.world).gateways(namespace);
        if gateways.is_empty() {
            return Ok(());
        }
        match self.writer.read("namespaces", &format!("{NAMESPACES}/{namespace}")).await {
            Ok(_) => return Ok(()),
            Err(failure) if failure.class != Class::NotFound => return Err(failure),
            Err(_) => {}
        }
        for (gateway, seen) in gateways {
            match self.take_away(&gateway, policies::slot_at_gateway(namespace), seen.version).await {
                // A profile does not wait for ever for a right that somebody has taken from us.
                Err((what, failure)) if failure.class == Class::Forbidden => {
                    tracing::warn!(namespace = gateway, reason = failure.message, "{what} is left: delete it by hand");
                }
                result => result.map_err(|(_, failure)| failure)?,
            }
        }
        Ok(())
    }

    /// Takes away what a profile that is gone has left at gateways.
    pub(super) async fn sweep(&self, profile: &str) -> Result<(), Failure> {
        let left: BTreeSet<String> = {
            let world = lock(&self.shared.world);
            world.left_guards().filter(|(_, of)| *of == profile).map(|(namespace, _)| namespace.clone()).collect()
        };
        for namespace in left {
            self.open_gateways(&namespace).await?;
        }
        Ok(())
    }

    /// Says once of each binding which of its names no policy can take.
    fn tell_unfit(&self, names: &Names, shares: &[Share]) {
        let named: Vec<(&Share, &str)> = shares.iter().flat_map(|share| share.unfit().map(move |name| (share, name))).collect();
        let unfit: BTreeSet<(String, String)> =
            named.iter().map(|(share, name)| (share.uid.clone(), (*name).to_owned())).collect();
        let before = exchange(&self.unfit, &names.profile, unfit);
        let is_told = |share: &Share, name: &str| before.contains(&(share.uid.clone(), name.to_owned()));
        for (share, name) in named.into_iter().filter(|(share, name)| !is_told(share, name)) {
            let regarding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "namespace": names.namespace,
                "name": share.name, "uid": share.uid});
            let note = format!(
                "{:?} opens no notebook: '*' would stand for others too, 'system:' for no login, and no name is longer than {LONGEST_NAME} bytes; name each user or group",
                name.chars().take(LONGEST_NAME).collect::<String>()
            );
            self.recorder.publish(Event {
                regarding,
                warning: true,
                reason: "NameNotTaken".into(),
                action: "Share",
                note,
                once: None,
            });
        }
    }

    /// Says once of each endpoint what is wrong with it: there, and at the profile, for whoever looks after that.
    fn tell_complaints(&self, names: &Names, complaints: &[Complaint]) {
        let now = complaints.iter().map(|complaint| (complaint.uid.clone(), complaint.note.clone())).collect();
        let before = exchange(&self.complaints, &names.profile, now);
        for Complaint { name, uid, note } in complaints {
            if before.contains(&(uid.clone(), note.clone())) {
                continue;
            }
            let regarding =
                json!({"apiVersion": "v1", "kind": "Service", "namespace": names.namespace, "name": name, "uid": uid});
            let reason = "EndpointNotTaken";
            self.recorder.publish(Event {
                regarding,
                warning: true,
                reason: reason.into(),
                action: "Open",
                note: note.clone(),
                once: None,
            });
            self.publish(&names.profile, &names.uid, &Verdict::no(reason, format!("Service {}/{name}: {note}", names.namespace)));
        }
    }
}

/// Notes what is said of a profile's now; what has been said before.
fn exchange(told: &Told, profile: &str, now: BTreeSet<(String, String)>) -> BTreeSet<(String, String)> {
    let mut told = lock(told);
    let before = if now.is_empty() { told.remove(profile) } else { told.insert(profile.to_owned(), now) };
    before.unwrap_or_default()
}
