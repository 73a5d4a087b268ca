//! Profile: a namespace for a user or a team. The shape is the one of the project's founding document.
//!
//! What can be wrong with a profile by itself is refused here, by rules in the definition (CEL). The server estimates what a rule
//! can cost at most, and refuses dear ones: strings need a length, the keys of a map have none, so no rule walks through those;
//! a value chosen by `?:` or `.?` counts as endless, so rules ask `has()` and compare fields. `namespace` is a reserved word of CEL
//! and is written `__namespace__`.

#![allow(unreachable_pub, reason = "KubeSchema copies each struct into a function")]
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these comments")]

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, CustomResourceExt, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

const LABEL: &str = "matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')";
const SUBDOMAIN: &str = r"matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')";
const NAMED: &str = "(has(self.spec.template.metadata) && has(self.spec.template.metadata.__namespace__))";
const FIXED: &str = "the namespace of a profile can't be changed; make another profile";
const SYSTEM: &str = "this name is the system's; choose another than default, auth, kubeflow, kubeflow-system, istio-system and those that start with kube-";

/// A rule: `name` is none of the system's namespaces.
fn not_of_the_system(name: &str) -> String {
    format!("!({name} in ['default', 'auth', 'kubeflow', 'kubeflow-system', 'istio-system']) && !{name}.startsWith('kube-')")
}

/// Whether a namespace is none that a profile may have, whatever the definition let through.
#[must_use]
pub fn is_reserved(namespace: &str) -> bool {
    matches!(namespace, "" | "default" | "auth" | "kubeflow" | "kubeflow-system" | "istio-system")
        || namespace.starts_with("kube-")
}

/// What a profile asks for.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "kubeflow.org",
    version = "v1alpha1",
    kind = "Profile",
    plural = "profiles",
    shortname = "prof",
    namespaced,
    status = "ProfileStatus",
    doc = "A namespace for a user or a team, with a quota and rights of its own. It is made in namespace kubeflow-system; the controller makes the namespace and keeps what is in it.",
    printcolumn(name = "Namespace", type_ = "string", json_path = ".status.namespace"),
    printcolumn(name = "Owner", type_ = "string", json_path = ".spec.template.spec.owner.name"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new(format!("self.metadata.name.{LABEL} && size(self.metadata.name) <= 63"))
        .message("a profile is named by at most 63 lower-case letters, digits and '-', with a letter or digit at both ends"),
    validation = Rule::new(format!("{NAMED} || size(self.metadata.name) <= 54"))
        .message("the namespace is kubeflow-NAME and may have 63 characters: shorten the name to 54, or set spec.template.metadata.namespace"),
    validation = Rule::new(not_of_the_system("self.metadata.name")).message(SYSTEM),
    validation = Rule::new(format!("{NAMED} || self.metadata.name != 'system'"))
        .message("kubeflow-system is a namespace of the system; choose another name, or set spec.template.metadata.namespace")
)]
pub struct ProfileSpec {
    /// What is made: the namespace, and what is in it.
    pub template: ProfileTemplate,
}

/// What is made for a profile.
#[derive(KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[x_kube(validation = Rule::new(
    "(has(self.metadata) && has(self.metadata.__namespace__)) == (has(oldSelf.metadata) && has(oldSelf.metadata.__namespace__))"
).message(FIXED))]
pub struct ProfileTemplate {
    /// Names the namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ProfileMetadata")]
    pub metadata: Option<ProfileMetadata>,
    /// Who owns the namespace, who else may use it, and how much.
    pub spec: ProfileTemplateSpec,
}

// A transition rule on an optional field sees neither that it is set nor that it is unset: its parent's rule does.
/// Names the namespace of a profile.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ProfileMetadata {
    /// The namespace that is made; `kubeflow-NAME` where absent. It can't be changed later, and is none of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 63))]
    #[x_kube(
        validation = Rule::new("self == oldSelf").message(FIXED),
        validation = Rule::new(format!("self.{LABEL}"))
            .message("a namespace is named by lower-case letters, digits and '-', with a letter or digit at both ends"),
        validation = Rule::new(not_of_the_system("self")).message(SYSTEM)
    )]
    pub namespace: Option<String>,
}

/// Owner, members and quota of a profile.
#[derive(KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new(format!(
    "self.owner.kind != 'ServiceAccount' || !has(self.owner.__namespace__) || {}", not_of_the_system("self.owner.__namespace__")
)).message("a ServiceAccount of a system namespace can't own a profile"))]
pub struct ProfileTemplateSpec {
    /// Who owns the namespace: may do everything in it but raise its quota, and may share it.
    pub owner: Subject,
    /// A quota other than the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Quota")]
    pub resource_quota: Option<Quota>,
    /// Who else may use the namespace; at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub members: Vec<Member>,
}

/// A user, a group or a service account, as RBAC names it.
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("(self.kind == 'ServiceAccount') == has(self.__namespace__)")
        .message("a ServiceAccount has a namespace; a User or a Group has none"),
    validation = Rule::new("!has(self.apiGroup) || self.apiGroup == (self.kind == 'ServiceAccount' ? '' : 'rbac.authorization.k8s.io')")
        .message("apiGroup is rbac.authorization.k8s.io for a User or a Group, and empty for a ServiceAccount; it can be left out"),
    validation = Rule::new(format!("self.kind != 'ServiceAccount' || self.name.{SUBDOMAIN}"))
        .message("a ServiceAccount is named by lower-case letters, digits, '-' and '.', with a letter or digit at both ends of each part")
)]
pub struct Subject {
    /// User, Group or ServiceAccount.
    pub kind: SubjectKind,
    /// rbac.authorization.k8s.io for User and Group, which is taken where it is absent; empty for ServiceAccount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 63))]
    pub api_group: Option<String>,
    /// The RBAC name, letter for letter as the cluster's login gives it (`kubectl auth whoami` shows it): for a user most often the
    /// e-mail address, for a group its name or id there.
    // Policies take '*' for any text, and what can't be seen makes two names look like one.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new(r"!self.matches('[*\\pC\\pZ]') && !self.startsWith('system:')")
        .message("a name has no '*', white space, control or invisible characters, and does not start with 'system:'"))]
    pub name: String,
    /// The namespace of a ServiceAccount; absent for User and Group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 63))]
    #[x_kube(validation = Rule::new(format!("self.{LABEL}"))
        .message("a namespace is named by lower-case letters, digits and '-', with a letter or digit at both ends"))]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Quota {
    /// Limits as in a ResourceQuota, at most 15: requests.cpu, requests.memory, requests.nvidia.com/gpu, pods, count/jobs.batch and so
    /// on. What is not named here has the default.
    #[schemars(schema_with = "limits")]
    pub hard: BTreeMap<String, Limit>,
}

/// A limit, with or without quotes in YAML.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Limit {
    /// A plain number.
    Number(i64),
    /// A quantity.
    Quantity(String),
}

/// By hand, as the derived one knows neither rules on the values of a map nor numbers beside strings.
fn limits(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 15,
        "additionalProperties": {
            "description": "A quantity of at least 0 such as 100, 500m or 64Gi.",
            "x-kubernetes-int-or-string": true,
            "maxLength": 32,
            "x-kubernetes-validations": [{
                "rule": "type(self) == int ? self >= 0 : isQuantity(self) && !quantity(self).isLessThan(quantity('0'))",
                "message": "a limit is a quantity of at least 0, such as 100, 500m or 64Gi",
            }],
        },
        "x-kubernetes-validations": [{
            "rule": "self.all(key, size(key) <= 253 && (\
                     key in ['pods', 'services', 'services.loadbalancers', 'services.nodeports', 'configmaps', 'secrets', \
                     'persistentvolumeclaims', 'replicationcontrollers', 'resourcequotas', 'cpu', 'memory', 'ephemeral-storage', \
                     'limits.cpu', 'limits.memory', 'limits.ephemeral-storage'] || \
                     ['requests.', 'count/', 'hugepages-'].exists(start, key.startsWith(start) && key != start) || \
                     ['.storageclass.storage.k8s.io/requests.storage', '.storageclass.storage.k8s.io/persistentvolumeclaims', \
                     '.deviceclass.resource.k8s.io/devices'].exists(end, key.endsWith(end) && key != end)))",
            "message": "a limit is named as in a ResourceQuota: requests.cpu, requests.memory, requests.nvidia.com/gpu, pods, count/jobs.batch and so on",
        }],
    })
}

/// What the controller says of a profile.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileStatus {
    /// Ready, with the reason where it is not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// The namespace that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The generation of the profile that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// The CustomResourceDefinition. It is never pruned: with it all profiles would go.
#[must_use]
pub fn definition() -> Value {
    let mut definition = serde_json::to_value(Profile::crd()).expect("a definition is plain data");
    definition["metadata"]["annotations"][crate::labels::HELM_RESOURCE_POLICY] = "keep".into();
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

    /// The fields below `schema` that `kubectl explain` would have nothing to say of.
    fn undescribed(path: &str, schema: &Value) -> Vec<String> {
        let mut found = Vec::new();
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            found.extend(undescribed(&path, field).into_iter().chain(undescribed(&path, &field["items"])));
            if field["description"].as_str().is_none_or(str::is_empty) {
                found.push(path);
            }
        }
        found
    }

    #[test]
    fn every_field_is_described() {
        let schema = &definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        assert_eq!(undescribed("profile", schema), Vec::<String>::new());
        assert!(schema["description"].as_str().is_some_and(|text| text.starts_with("A namespace for a user or a team")));
    }

    #[test]
    fn system_namespaces_are_nobodys() {
        for name in ["kube-system", "kube-x", "default", "auth", "kubeflow", "kubeflow-system", "istio-system", ""] {
            assert!(is_reserved(name), "{name}");
        }
        assert!(!is_reserved("kubeflow-jane") && !is_reserved("kubernetes"));
    }
}
