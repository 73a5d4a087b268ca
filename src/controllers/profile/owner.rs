//! What binds an owner to a namespace, read afresh: whom it is taken from, and who gets it back.

use std::collections::BTreeSet;
use std::slice;

use serde_json::{Value, json};

use super::claim::NamespaceSeen;
use super::desired::{self, Desired, Identity, Names};
use super::reconcile::Reconciler;
use super::status::Verdict;
use super::world::Slot;
use super::write::Written;
use crate::api::profile::Profile;
use crate::cluster::{Class, Failure, Resource};
use crate::labels::PROFILE_UID;

/// Where the bindings of a namespace are.
pub(super) fn bindings(namespace: &str) -> String {
    format!("/apis/{}/v1/namespaces/{namespace}/rolebindings", desired::RBAC)
}

/// The names of the bindings among these.
fn bindings_of(objects: &[Desired]) -> BTreeSet<&str> {
    objects.iter().filter(|object| object.resource.kind == "RoleBinding").map(|object| object.name.as_str()).collect()
}

impl Reconciler {
    /// Whether a namespace that a profile of the same name has left was this owner's: their binding from then says so. The name on the
    /// namespace alone does not tell a user from a group.
    pub(super) async fn was_owners(
        &self,
        profile: &Profile,
        names: &Names,
        seen: Option<&NamespaceSeen>,
    ) -> Result<bool, Failure> {
        let Some((_, former)) = seen.and_then(|seen| seen.profile.as_ref()) else { return Ok(false) };
        match self.writer.read("rolebindings", &format!("{}/namespaceAdmin", bindings(&names.namespace))).await {
            Ok(binding) => Ok(binding["metadata"]["labels"][PROFILE_UID] == **former
                && binding["subjects"] == json!([desired::rbac_subject(&profile.spec.template.spec.owner)])),
            Err(failure) if failure.class == Class::NotFound => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Names the rights that come with a namespace that is taken over. They stay, as all that is in it; but somebody may not have thought
    /// of them.
    pub(super) async fn tell_kept(&self, names: &Names, wanted: &[Desired]) -> Result<(), Failure> {
        let list = self.writer.read("rolebindings", &bindings(&names.namespace)).await?;
        let (text, wanted) = (|value: &Value| value.as_str().unwrap_or_default().to_owned(), bindings_of(wanted));
        let others = list["items"].as_array().into_iter().flatten();
        let others = others.filter(|binding| !wanted.contains(text(&binding["metadata"]["name"]).as_str()));
        let told: Vec<String> = others
            .map(|binding| {
                let subjects = binding["subjects"].as_array().into_iter().flatten().map(|subject| text(&subject["name"]));
                let subjects = subjects.collect::<Vec<_>>().join(", ");
                format!("{} ({} for {subjects})", text(&binding["metadata"]["name"]), text(&binding["roleRef"]["name"]))
            })
            .collect();
        if !told.is_empty() {
            let note = format!(
                "rights given in namespace {} before it was taken over stay; delete the bindings that should not: {}",
                names.namespace,
                told.join("; ")
            );
            self.publish(&names.profile, &names.uid, &Verdict::no("RightsKept", note));
        }
        Ok(())
    }

    /// Gets a former owner out.
    pub(super) async fn get_out(&self, names: &Names, former: &Identity, wanted: &[Desired]) -> Written {
        let revoked = self.revoke(names, slice::from_ref(former), &bindings_of(wanted)).await;
        revoked.map_err(|failure| (format!("rights of {}", former.name), failure))
    }

    /// Takes the binding of a member of role admin away. What they may have given themselves goes before, as nothing tells of them
    /// afterwards; and again after, as until then they may have given themselves more.
    pub(super) async fn dismiss(
        &self,
        names: &Names,
        resource: &Resource,
        place: &Slot,
        version: u64,
        wanted: &[Desired],
    ) -> Written {
        let what = |failure| (format!("RoleBinding {}", place.1), failure);
        let binding = match self.writer.read("rolebindings", &format!("{}/{}", bindings(&names.namespace), place.1)).await {
            Err(failure) if failure.class == Class::NotFound => return Ok(()),
            other => other.map_err(what)?,
        };
        let members = binding["subjects"].as_array().into_iter().flatten();
        let members: Vec<_> = members.map(|member| Identity::bound(member, &names.namespace)).collect();
        let wanted = bindings_of(wanted);
        let (own, before) = (place.1.as_ref(), wanted.iter().copied());
        self.revoke(names, &members, &before.chain([own]).collect()).await.map_err(what)?;
        self.prune(names, resource, place, version).await?;
        self.revoke(names, &members, &wanted).await.map_err(what)
    }

    /// Takes what bindings give these people in a namespace, but for those that stay: by their names, as labels are written by whoever
    /// makes a binding. Whatever the role: whoever could share the namespace could bind each that gives no more than they had,
    /// Kubernetes' own too.
    async fn revoke(&self, names: &Names, people: &[Identity], stay: &BTreeSet<&str>) -> Result<(), Failure> {
        let path = bindings(&names.namespace);
        let list = self.writer.read("rolebindings", &path).await?;
        let mut taken = Vec::new();
        for binding in list["items"].as_array().into_iter().flatten() {
            let metadata = &binding["metadata"];
            let subjects: Vec<&Value> = binding["subjects"].as_array().into_iter().flatten().collect();
            let is_theirs = |subject: &Value| people.contains(&Identity::bound(subject, &names.namespace));
            let others: Vec<&Value> = subjects.iter().copied().filter(|subject| !is_theirs(subject)).collect();
            let name = metadata["name"].as_str().unwrap_or_default();
            if others.len() == subjects.len() || stay.contains(name) {
                continue;
            }
            let answer = self.take_out(&format!("{path}/{name}"), &metadata["resourceVersion"], &others).await;
            match answer {
                Err(failure) if failure.class != Class::NotFound => return Err(failure),
                _ => taken.push(format!("{name} ({})", binding["roleRef"]["name"].as_str().unwrap_or_default())),
            }
        }
        if !taken.is_empty() {
            let people: Vec<&str> = people.iter().map(|person| person.name.as_str()).collect();
            let note = format!(
                "{} had been given rights in namespace {} besides the profile's; those are taken too: {}",
                people.join(", "),
                names.namespace,
                taken.join(", ")
            );
            self.publish(&names.profile, &names.uid, &Verdict::yes("RightsTaken", note));
        }
        Ok(())
    }

    /// Leaves only `others` in a binding. Where there are none it goes; also where its role is none that we may bind, as then the server
    /// lets us change nothing of it.
    async fn take_out(&self, path: &str, version: &Value, others: &[&Value]) -> Result<(), Failure> {
        let as_it_was_read = json!({"resourceVersion": version});
        if !others.is_empty() {
            let change = json!({"metadata": as_it_was_read, "subjects": others});
            match self.writer.patch("rolebindings", path, &change).await {
                Err(failure) if failure.class == Class::Forbidden => {}
                answer => return answer.map(drop),
            }
        }
        self.writer.delete("rolebindings", path, &as_it_was_read).await.map(drop)
    }
}
