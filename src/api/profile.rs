//! Profile: a namespace for a user or a team. The shape is the one of the project's founding document.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, CustomResourceExt, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A namespace for a user or a team, with a quota and rights of its own.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "kubeflow.org",
    version = "v1alpha1",
    kind = "Profile",
    plural = "profiles",
    shortname = "prof",
    namespaced,
    status = "ProfileStatus",
    printcolumn(name = "Namespace", type_ = "string", json_path = ".status.namespace"),
    printcolumn(name = "Owner", type_ = "string", json_path = ".spec.template.spec.owner.name"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$') && size(self.metadata.name) <= 54")
        .message("the name must be lower-case letters, digits and '-', at most 54 of them: kubeflow-NAME becomes a namespace")
)]
pub struct ProfileSpec {
    /// What is made.
    pub template: ProfileTemplate,
}

/// What is made for a profile.
#[derive(KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[x_kube(validation = Rule::new("has(self.metadata) == has(oldSelf.metadata)").message("the namespace of a profile can't be changed; make another profile"))]
pub struct ProfileTemplate {
    /// The namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ProfileMetadata")]
    pub metadata: Option<ProfileMetadata>,
    /// Who owns it, who else may use it, and how much.
    pub spec: ProfileTemplateSpec,
}

/// Names the namespace of a profile. A transition rule on an optional field misses that it is set or unset: its parent holds that.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[x_kube(validation = Rule::new("has(self.namespace) == has(oldSelf.namespace)").message("the namespace of a profile can't be changed; make another profile"))]
pub struct ProfileMetadata {
    /// The namespace that is made; `kubeflow-NAME` where absent. It can't be changed later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 63))]
    #[x_kube(
        validation = Rule::new("self == oldSelf").message("the namespace of a profile can't be changed; make another profile"),
        validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')").message("a namespace is named by lower-case letters, digits and '-'"),
        validation = Rule::new("!(self in ['default', 'kubeflow', 'kubeflow-system', 'istio-system']) && !self.startsWith('kube-')").message("this namespace belongs to the system")
    )]
    pub namespace: Option<String>,
}

/// Owner, members and quota of a profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfileTemplateSpec {
    /// Who owns the namespace: all rights in it, and the right to share it.
    pub owner: Subject,
    /// A quota other than the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_quota: Option<Quota>,
    /// Who else may use the namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub members: Vec<Member>,
}

/// A user, a group or a service account, as RBAC names it.
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(self.kind == 'ServiceAccount') == has(self.namespace)").message("a ServiceAccount has a namespace; a User or a Group has none"))]
pub struct Subject {
    /// User, Group or ServiceAccount.
    pub kind: SubjectKind,
    /// rbac.authorization.k8s.io for User and Group, which is taken where it is absent; empty for ServiceAccount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 63))]
    pub api_group: Option<String>,
    /// The name that RBAC knows: for a user the name the cluster's login gives, most often the e-mail address.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("!self.matches('[*[:space:]]') && !self.startsWith('system:')").message("a name has no '*' and no white space, and does not start with 'system:'"))]
    pub name: String,
    /// The namespace of a ServiceAccount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 63))]
    pub namespace: Option<String>,
}

/// The kinds of subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SubjectKind {
    /// A user.
    User,
    /// A group of users.
    Group,
    /// A service account.
    ServiceAccount,
}

/// Someone else who may use a profile's namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// Who.
    pub subject: Subject,
    /// What they may do: view, edit, or admin.
    pub role: MemberRole,
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MemberRole {
    /// Read.
    View,
    /// Read and change.
    Edit,
    /// The same as the owner.
    Admin,
}

/// A quota.
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Limits as in a ResourceQuota: requests.cpu, requests.memory, requests.nvidia.com/gpu and so on.
    #[schemars(schema_with = "limits")]
    #[x_kube(validation = Rule::new("self.all(key, isQuantity(self[key]))").message("each limit is a quantity such as 100, 500m or 64Gi"))]
    pub hard: BTreeMap<String, String>,
}

/// Limits by name. The sizes keep the rule within the server's budget for CEL.
fn limits(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "description": "Limits as in a ResourceQuota: requests.cpu, requests.memory, requests.nvidia.com/gpu and so on.",
        "maxProperties": 30,
        "additionalProperties": {"type": "string", "maxLength": 32},
    })
}

/// What the controller says of a profile.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfileStatus {
    /// Ready, with the reason where it is not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The generation that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// The CustomResourceDefinition. It is never pruned: with it all profiles would go.
#[must_use]
pub fn definition() -> Value {
    let mut definition = serde_json::to_value(Profile::crd()).expect("a definition is plain data");
    definition["metadata"]["annotations"]["helm.sh/resource-policy"] = "keep".into();
    definition
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_the_generated_definition() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/profiles/crd.yaml.j2");
        let text = format!(
            "# Generated from src/api/profile.rs: KFCTL_UPDATE=1 cargo test --lib generated_definition\n{{% raw %}}\n{}{{% endraw %}}\n",
            crate::yaml::to_string(&definition())
        );
        if std::env::var_os("KFCTL_UPDATE").is_some() {
            std::fs::write(path, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), text, "run it again with KFCTL_UPDATE=1");
    }
}
