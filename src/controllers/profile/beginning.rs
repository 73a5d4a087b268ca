//! The beginning of a namespace, and the end of one whose profile ended without it.
//!
//! **A request can come late.** It may reach the server long after whoever sent it has given it up, or has lost the lease: nothing can
//! call it back. For all that changes what is there, preconditions see to it. To create a namespace has none; so it comes with a mark,
//! annotation `being-made` with the profile's uid, and is *taken into use* by a second write.
//!
//! 1. The mark comes with the creation alone. Before that is sent, the server has said that the profile of this uid is there.
//! 2. No right in the namespace is given before the server has said, in this order: the profile is still there; the mark is off.
//! 3. Who finds the mark and no profile of that uid, at the server and not in a cache, deletes the namespace: as it was read (uid and
//!    version), so that it is still the one, and nobody has written to it since.
//!
//! Uids never come twice: for a profile that is gone nothing is begun or taken into use any more, but by a write that was sent before.
//! Each of those is harmless:
//!
//! - The *creation* comes late: by 1 the namespace bears the mark, and by 3 it goes. If the profile was made anew under its name, the
//!   late namespace has the uid of the old one: it goes, and the new profile gets its own. If that is there already, the server
//!   refuses the late one.
//! - *Taking into use* comes late: where the namespace is gone, there is nothing; another of the name has another uid and is left
//!   alone. Where it is being deleted by 3, one of the two is first: the deletion, of a namespace with nothing in it; or the mark
//!   is off, the version is another, and the namespace stays.
//! - Taking into use is *lost*, or its answer: no right is given, and the next look, of whichever replica, does it again.
//! - A *right* comes late: by 2 only into a namespace that was in use. In another of the name, the profile that holds it puts it right.
//!
//! **A finalizer can come late.** The server reads a profile that is to be deleted, finds no finalizer, and asks whom it has to ask; if
//! ours is put on meanwhile, it deletes the profile all the same, by then with a namespace in use. The news of that end is unlike any
//! other: the profile has our finalizer and was never on its way out. That is a deletion of this very profile that the server has
//! accepted, and it is done for the namespace as our finalizer would have done it. Neither a finalizer taken off by hand nor the end
//! of the definition or of kubeflow-system looks so. Where that news is missed (no replica ran), the namespace stays.
//!
//! **What stays**, rather than that anything of anybody's goes: a namespace with neither the mark nor that news, whatever became of its
//! profile; one whose mark is not by our field manager, as one restored from a copy; one that may be adopted; one with the mark and a
//! binding in it, so that somebody has given rights in spite of all, which an event says; and all of them while the definition of
//! profiles or kubeflow-system is going, or can't be read. Whoever may write into every namespace of the cluster needs no right in
//! this one: what they put into it between a late creation and 3 goes with it, as it would have gone with the profile.

use serde_json::{Value, json};

use super::claim::NamespaceSeen;
use super::desired::Names;
use super::owner::bindings;
use super::reconcile::{NAMESPACES, PROFILES, Reconciler};
use super::status::Verdict;
use super::world::Source;
use crate::api::profile::is_reserved;
use crate::cluster::{Class, Failure};
use crate::controllers::lock;
use crate::labels::BEING_MADE;

impl Reconciler {
    /// Creates the namespace with the mark, unless one of this name has come meanwhile: that one would not be ours.
    pub(super) async fn begin(&self, names: &Names, content: &Value, digest: u64) -> Result<NamespaceSeen, Failure> {
        let mut marked = content.clone();
        marked["metadata"]["annotations"][BEING_MADE] = names.uid.clone().into();
        let made = self.writer.create("namespaces", NAMESPACES, &marked).await;
        let answer = match made {
            Err(failure) if failure.class == Class::Exists => {
                let there = self.writer.read("namespaces", &format!("{NAMESPACES}/{}", names.namespace)).await?;
                self.shared.record(&Source::Namespaces, there, 0);
                return Err(failure);
            }
            other => other?,
        };
        Ok(self.recorded(answer, digest))
    }

    /// Takes the mark off, if the profile is still there. Whatever gives somebody a right in the namespace comes after it.
    pub(super) async fn take_into_use(&self, names: &Names, seen: &NamespaceSeen) -> Result<NamespaceSeen, Failure> {
        if !self.is_there(&names.profile, &names.uid).await? {
            return Err(Failure::transport(format!("profile {} is gone; its namespace is taken back", names.profile)));
        }
        let change = json!({"metadata": {"uid": seen.uid, "annotations": {BEING_MADE: null}}});
        let answer = self.writer.patch("namespaces", &format!("{NAMESPACES}/{}", names.namespace), &change).await?;
        Ok(self.recorded(answer, seen.observed.sent))
    }

    fn recorded(&self, answer: Value, sent: u64) -> NamespaceSeen {
        let mut seen = NamespaceSeen::new(&answer);
        seen.observed.sent = sent;
        self.shared.record(&Source::Namespaces, answer, sent);
        seen
    }

    /// Deletes a namespace whose profile is gone and has not taken it along. No cache is believed but in what made it look here.
    pub(super) async fn take_back(&self, profile: &str, namespace: &str, uid: &str) -> Result<(), Failure> {
        let path = format!("{NAMESPACES}/{namespace}");
        let live = match self.writer.read("namespaces", &path).await {
            Err(failure) if failure.class == Class::NotFound => return Ok(()),
            other => other?,
        };
        let seen = NamespaceSeen::new(&live);
        let has_slipped = lock(&self.shared.world).has_slipped(uid);
        let is_orphan = (seen.being_made || has_slipped) && seen.profile.as_ref().is_some_and(|(_, of)| of == uid);
        if !is_orphan || is_reserved(namespace) || seen.observed.deleting || seen.adopt.is_some() {
            return Ok(());
        }
        if self.whole_system_going().await?.is_some() || self.is_there(profile, uid).await? {
            return Ok(());
        }
        if !has_slipped && self.has_rights(namespace).await? {
            let note = format!(
                "made for profile {profile}, which is gone; it stays, as somebody has been given rights in it: look, and delete it if nobody needs it"
            );
            self.publish_namespace(namespace, Verdict::no("NamespaceLeft", note));
            return Ok(());
        }
        let as_it_was_read = json!({"uid": seen.uid, "resourceVersion": live["metadata"]["resourceVersion"]});
        match self.writer.delete("namespaces", &path, &as_it_was_read).await {
            Err(failure) if failure.class == Class::NotFound => return Ok(()),
            Err(failure) => return Err(failure),
            // An answer without labels is no namespace.
            Ok(answer) if answer["kind"] == "Namespace" => self.shared.record(&Source::Namespaces, answer, 0),
            Ok(_) => {}
        }
        let why = if has_slipped { "was deleted while the controller took it on" } else { "was gone before it could be used" };
        let note = format!("made for profile {profile}, which {why}; it is deleted");
        self.publish_namespace(namespace, Verdict::yes("NamespaceTakenBack", note));
        Ok(())
    }

    /// Asks the server whether a profile is there. A list would be answered from the server's cache, once that is as new as the last
    /// write of any kind: up to a tenth of a second later.
    async fn is_there(&self, profile: &str, uid: &str) -> Result<bool, Failure> {
        match self.writer.read("profiles", &format!("{PROFILES}/{profile}")).await {
            Ok(found) => Ok(found["metadata"]["uid"] == uid),
            Err(failure) if failure.class == Class::NotFound => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    async fn has_rights(&self, namespace: &str) -> Result<bool, Failure> {
        let list = self.writer.read("rolebindings", &bindings(namespace)).await?;
        Ok(list["items"].as_array().is_none_or(|items| !items.is_empty()))
    }
}
