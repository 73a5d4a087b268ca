//! What binds an owner to a namespace, read afresh: whom it is taken from, and who gets it back.

use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::claim::NamespaceSeen;
use super::desired::{self, Desired, Names};
use super::reconcile::Reconciler;
use super::status::Verdict;
use crate::api::profile::Profile;
use crate::cluster::{Class, Failure};
use crate::labels::PROFILE_UID;

/// Where the bindings of a namespace are.
pub(super) fn bindings(namespace: &str) -> String {
    format!("/apis/{}/v1/namespaces/{namespace}/rolebindings", desired::RBAC)
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
        let others = list["items"].as_array().into_iter().flatten().filter(|binding| {
            !wanted.iter().any(|object| object.resource.kind == "RoleBinding" && binding["metadata"]["name"] == object.name)
        });
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
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

    /// Gets a former owner out, and only then writes the namespace, which says until then who is to go.
    pub(super) async fn hand_over(
        &self,
        namespace: &str,
        former: &str,
        wanted: &[Desired],
        last: Option<BoxFuture<'_, Result<(), (String, Failure)>>>,
    ) -> Result<(), (String, Failure)> {
        self.revoke(namespace, former, wanted).await.map_err(|failure| (format!("rights of {former}"), failure))?;
        match last {
            Some(write) => write.await,
            None => Ok(()),
        }
    }

    /// Takes from a former owner what they, or others for them, had shared: the rights that profiles hand out. What an admin of the
    /// cluster has bound otherwise is theirs.
    async fn revoke(&self, namespace: &str, former: &str, wanted: &[Desired]) -> Result<(), Failure> {
        let path = bindings(namespace);
        let list = self.writer.read("rolebindings", &path).await?;
        for binding in list["items"].as_array().into_iter().flatten() {
            let metadata = &binding["metadata"];
            let role = binding["roleRef"]["name"].as_str().unwrap_or_default();
            let shared = role == "default" || role.starts_with("kubeflow-");
            let subjects: Vec<&Value> = binding["subjects"].as_array().into_iter().flatten().collect();
            let others: Vec<&Value> = subjects.iter().copied().filter(|subject| subject["name"] != former).collect();
            // By its name: a label is written by whoever makes the binding.
            let is_wanted = wanted.iter().any(|object| object.resource.kind == "RoleBinding" && metadata["name"] == object.name);
            if !shared || others.len() == subjects.len() || is_wanted {
                continue;
            }
            let path = format!("{path}/{}", metadata["name"].as_str().unwrap_or_default());
            let version = &metadata["resourceVersion"];
            let taken = if others.is_empty() {
                self.writer.delete("rolebindings", &path, &json!({"resourceVersion": version})).await
            } else {
                self.writer
                    .patch("rolebindings", &path, &json!({"metadata": {"resourceVersion": version}, "subjects": others}))
                    .await
            };
            match taken {
                Err(failure) if failure.class != Class::NotFound => return Err(failure),
                _ => {}
            }
        }
        Ok(())
    }
}
