//! app.yaml: its shape, and how a new one reads.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::yaml;

const API_VERSION: &str = "kfctl.kubeflow.org/v1alpha1";

/// What app.yaml says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AppFile {
    api_version: String,
    kind: String,
    /// Name of the app: part of names in the cluster.
    pub name: String,
    /// Name of the platform.
    pub platform: String,
    /// Namespace of Kubeflow's components.
    #[serde(default = "default_namespace")]
    pub namespace: String,
    /// What differs from the platform's choice of components.
    #[serde(default)]
    pub components: BTreeMap<String, ComponentEntry>,
    /// Values of parameters: component → parameter → value.
    #[serde(default)]
    pub params: BTreeMap<String, BTreeMap<String, Value>>,
    /// The cluster it was applied to.
    pub cluster: Option<ClusterRecord>,
}

/// What app.yaml says of a component.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComponentEntry {
    /// Whether it runs, where that differs from the platform's choice.
    pub enabled: Option<bool>,
    /// Where its manifests came from.
    pub from: Option<String>,
    /// The sha256 of what came from there.
    pub sha256: Option<String>,
}

/// The cluster that the app was applied to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterRecord {
    /// UID of namespace kube-system.
    pub uid: String,
    /// The server's address at that time.
    pub server: String,
}

fn default_namespace() -> String {
    "kubeflow".to_owned()
}

impl AppFile {
    /// A new app.
    pub fn new(name: &str, platform: &str, namespace: &str) -> Result<Self> {
        let file = Self {
            api_version: API_VERSION.to_owned(),
            kind: "App".to_owned(),
            name: name.to_owned(),
            platform: platform.to_owned(),
            namespace: namespace.to_owned(),
            components: BTreeMap::new(),
            params: BTreeMap::new(),
            cluster: None,
        };
        file.check()?;
        Ok(file)
    }

    pub(super) fn parse(text: &str, path: &Path) -> Result<Self> {
        if text.trim().is_empty() {
            return Err(Error::input("the file is empty").in_file(path).expected("an app as `kfctl init` writes it"));
        }
        let version: Version = yaml::from_str(text, path)?;
        if version.api_version != API_VERSION {
            let error = Error::input(format!("{:?} is not known here", version.api_version))
                .in_file(path)
                .field("apiVersion")
                .expected(API_VERSION);
            return Err(if version.api_version.starts_with("kfctl.kubeflow.org/") {
                error.hint("the app was made by a newer kfctl: update this one")
            } else {
                error
            });
        }
        let file: Self = yaml::from_str(text, path)?;
        file.check().map_err(|error| error.in_file(path))?;
        Ok(file)
    }

    fn check(&self) -> Result<()> {
        if self.kind != "App" {
            return Err(Error::input(format!("{:?} is no app", self.kind)).field("kind").expected("App"));
        }
        if !is_label(&self.name) || self.name.len() > 40 {
            return Err(Error::usage(format!("{:?} can't be the name of an app", self.name))
                .field("name")
                .expected("at most 40 lower-case letters, digits and '-', such as my-kubeflow")
                .hint("the directory's name is taken unless you give one with --name"));
        }
        let reserved = ["default", "kubeflow-system"].contains(&self.namespace.as_str()) || self.namespace.starts_with("kube-");
        if !is_label(&self.namespace) || reserved {
            return Err(Error::usage(format!("{:?} can't be the namespace of Kubeflow's components", self.namespace))
                .field("namespace")
                .expected("a name of its own, such as kubeflow; kube-*, default and kubeflow-system are taken"));
        }
        Ok(())
    }

    /// app.yaml of a new app.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Self { name, platform, namespace, .. } = self;
        format!(
            "# What this Kubeflow is made of. Edit it by hand, or with `kfctl param` and `kfctl component`,\n\
             # which keep comments and order; then `kfctl apply k8s`.\n\
             apiVersion: {API_VERSION}\n\
             kind: App\n\
             name: {name}\n\
             platform: {platform}\n\
             # Namespace of Kubeflow's components; profiles and their controller live in kubeflow-system.\n\
             namespace: {namespace}\n"
        )
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    api_version: String,
}

/// A DNS label.
pub(super) fn is_label(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&name.len()) && name.chars().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}
