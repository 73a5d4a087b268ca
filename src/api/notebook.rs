//! Notebook: a server of somebody's own, such as Jupyter, in their namespace. The shape is that of today's Kubeflow, whose manifests are
//! taken as they are.
//!
//! What a pod may say is left to the server that takes the pod: its whole schema here would be nine thousand lines, and always of
//! another version than the cluster's.

#![allow(unreachable_pub, reason = "KubeSchema copies each struct into a function")]
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these comments")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, CustomResourceExt, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The longest name: what is made for a notebook adds to it, and 63 characters are the limit there.
pub const LONGEST_NAME: usize = 52;
/// The versions that are served; the first is stored.
const VERSIONS: [&str; 2] = ["v1", "v1beta1"];

/// What a notebook asks for.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "kubeflow.org",
    version = "v1",
    kind = "Notebook",
    plural = "notebooks",
    shortname = "nb",
    namespaced,
    status = "NotebookStatus",
    doc = "A server of somebody's own in their namespace, such as Jupyter. It runs as a pod; annotation kubeflow-resource-stopped stops it, and taking the annotation away starts it again.",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Image", type_ = "string", json_path = ".spec.template.spec.containers[0].image"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$') && size(self.metadata.name) <= 52")
        .message("a notebook is named by at most 52 lower-case letters, digits and '-', with a letter at the start and a letter or digit at the end")
)]
pub struct NotebookSpec {
    /// The pod that is made.
    pub template: NotebookTemplate,
}

/// The pod that is made for a notebook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotebookTemplate {
    /// The pod, as in a Pod: containers, volumes, tolerations and so on (`kubectl explain pod.spec`). The server is the container with the
    /// notebook's name, or the first; it listens on its first port, or 8888, below the path in variable NB_PREFIX.
    #[schemars(schema_with = "pod")]
    pub spec: Map<String, Value>,
}

/// By hand: what a notebook needs of a pod, and everything else as it is.
fn pod(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "required": ["containers"],
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {"containers": {
            "description": "At least one container.",
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["name"],
                "x-kubernetes-preserve-unknown-fields": true,
                "properties": {
                    "name": {"type": "string", "description": "Name of the container."},
                    "image": {"type": "string", "description": "Image of the container."},
                },
            },
        }},
    })
}

/// What the controller says of a notebook.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotebookStatus {
    /// Ready, with the reason where it is not, and what the pod says of itself.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<NotebookCondition>,
    /// The state of the server's container, as in the status of a Pod.
    #[serde(default)]
    #[schemars(schema_with = "state")]
    pub container_state: Map<String, Value>,
    /// 1 where the server is ready.
    #[serde(default)]
    pub ready_replicas: i32,
    /// The generation of the notebook that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

fn state(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

/// A condition, as today's Kubeflow writes it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotebookCondition {
    /// Its name.
    pub r#type: String,
    /// True, False or Unknown.
    pub status: String,
    /// Why, as a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it was looked at last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_probe_time: Option<Time>,
    /// When it turned last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<Time>,
}

/// The CustomResourceDefinition: every version with the same schema. It is never pruned: with it all notebooks would go.
#[must_use]
pub fn definition() -> Value {
    let mut definition = serde_json::to_value(Notebook::crd()).expect("a definition is plain data");
    definition["metadata"]["annotations"][crate::labels::HELM_RESOURCE_POLICY] = "keep".into();
    let version = definition["spec"]["versions"][0].clone();
    let versions = VERSIONS.iter().map(|name| {
        let mut version = version.clone();
        version["name"] = (*name).into();
        version["storage"] = (*name == VERSIONS[0]).into();
        version
    });
    definition["spec"]["versions"] = versions.collect();
    definition
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_the_generated_definition() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/notebooks/crd.yaml.j2");
        let text = format!(
            "# Generated from src/api/notebook.rs: KFCTL_UPDATE=1 cargo test --lib generated_definition\n{{% raw %}}\n{}{{% endraw %}}\n",
            crate::yaml::to_string(&definition())
        );
        if std::env::var_os("KFCTL_UPDATE").is_some() {
            std::fs::write(path, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), text, "run it again with KFCTL_UPDATE=1");
    }

    #[test]
    fn versions_differ_by_name_alone() {
        let definition = definition();
        let mut versions = definition["spec"]["versions"].as_array().cloned().unwrap_or_default();
        assert_eq!(versions.iter().filter(|version| version["storage"] == true).count(), 1);
        for version in &mut versions {
            version["name"] = "".into();
            version["storage"] = false.into();
        }
        assert_eq!(versions[0], versions[1]);
        let rule = &versions[0]["schema"]["openAPIV3Schema"]["x-kubernetes-validations"][0]["rule"];
        assert!(rule.as_str().is_some_and(|rule| rule.contains(&format!("<= {LONGEST_NAME}"))), "{rule}");
    }
}
