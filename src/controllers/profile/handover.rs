//! A profile that gets a new owner: the former one is out, by every door that they kept.

use serde_json::{Value, json};

use super::desired::{Desired, RBAC};
use super::reconcile::Reconciler;
use crate::cluster::{Class, Failure};

impl Reconciler {
    /// Takes from a former owner what they, or others for them, had shared: the rights that profiles hand out. What an admin of the
    /// cluster has bound otherwise is theirs.
    pub(super) async fn revoke(&self, namespace: &str, former: &str, wanted: &[Desired]) -> Result<(), Failure> {
        let path = format!("/apis/{RBAC}/v1/namespaces/{namespace}/rolebindings");
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
