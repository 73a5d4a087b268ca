//! `platforms/NAME/platform.yaml`: where Kubeflow runs, and what differs there.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use super::Files;
use super::component::Template;
use crate::error::Result;
use crate::yaml;

/// A platform.
#[derive(Debug)]
pub struct Platform {
    /// Its name: the folder's.
    pub name: String,
    /// One sentence for help and errors.
    pub description: String,
    /// The components that run here unless the app says otherwise.
    pub components: Vec<String>,
    /// Defaults that differ here: component → parameter → value.
    pub params: BTreeMap<String, BTreeMap<String, Value>>,
    /// Parameters that have to be set here: component → parameters.
    pub required: BTreeMap<String, Vec<String>>,
    /// What must not hold here: component → refusals.
    pub refused: BTreeMap<String, Vec<Refusal>>,
    /// How the cluster comes to exist.
    pub provision: Provision,
    /// Files rendered by `generate platform` into rendered/platform/, for the provisioning tool.
    pub files: Vec<Template>,
    /// Templates added to components: component → templates.
    pub templates: BTreeMap<String, Vec<Template>>,
    /// Overlays over the objects of components: (component, file, text).
    pub overlays: Vec<(String, PathBuf, String)>,
}

/// Values that can't be used, on a platform or at all.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// An expression such as `params.userClaim == "email"`.
    pub when: String,
    /// Why not, as a sentence.
    pub because: String,
}

/// How the cluster of a platform comes to exist.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Provision {
    /// The admin has one.
    Existing,
    /// kfctl runs a control plane on this machine, and these roles as processes beside it.
    Local(Vec<Role>),
    /// A tool makes one.
    Tool(Tool),
}

/// A role that runs in a cluster elsewhere, and as a process on platform `local`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Role {
    /// Name of the process.
    pub name: String,
    /// The component that brings its rights.
    pub component: String,
    /// The service account whose rights it has, in kubeflow-system.
    pub service_account: String,
    /// Arguments of kfctl.
    pub arguments: Vec<String>,
    /// Whether it serves people too, at an address of its own.
    #[serde(default)]
    pub listens: bool,
}

/// A tool that makes clusters. Each word may be a template of `app`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Where to get it: said when it is missing.
    pub install: String,
    /// Succeeds where the cluster is there already.
    pub exists: Vec<String>,
    /// Makes the cluster.
    pub create: Vec<String>,
    /// The kubeconfig context it leaves behind.
    pub context: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    description: String,
    components: Vec<String>,
    #[serde(default)]
    params: BTreeMap<String, BTreeMap<String, Value>>,
    #[serde(default)]
    required: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    refused: BTreeMap<String, Vec<Refusal>>,
    provision: Provision,
}

impl Platform {
    pub(super) fn read(name: &str, files: &Files) -> Result<Self> {
        let (path, text) = files.required("platform.yaml", &format!("platforms/{name}"))?;
        let file: File = yaml::from_str(text, path)?;
        let template = |below: &str, path: &std::path::Path, text: &str| Template {
            name: format!("platforms/{name}/{below}"),
            path: path.to_owned(),
            source: text.to_owned(),
        };
        let mut templates: BTreeMap<String, Vec<Template>> = BTreeMap::new();
        for (below, path, text) in files.under("templates/", ".yaml.j2") {
            if let Some((component, _)) = below.split_once('/') {
                templates.entry(component.to_owned()).or_default().push(template(below, path, text));
            }
        }
        let overlays = files
            .under("overlays/", ".yaml")
            .filter_map(|(below, path, text)| Some((below.split_once('/')?.0.to_owned(), path.to_owned(), text.to_owned())))
            .collect();
        Ok(Self {
            name: name.to_owned(),
            description: file.description,
            components: file.components,
            params: file.params,
            required: file.required,
            refused: file.refused,
            provision: file.provision,
            files: files.under("files/", ".j2").map(|(below, path, text)| template(below, path, text)).collect(),
            templates,
            overlays,
        })
    }
}
