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
    #[serde(default)]
    kind: String,
    /// Name of the app: part of names in the cluster.
    #[serde(default)]
    pub name: String,
    /// Name of the platform.
    #[serde(default)]
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
        file.check().map_err(|error| match error.field_name() {
            Some("name") => {
                error.hint("the directory's name is taken unless you give another: `kfctl init DIRECTORY --name NAME`")
            }
            _ => error,
        })?;
        Ok(file)
    }

    /// The app that a text says; `path` is named in errors.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        if text.trim().is_empty() {
            return Err(Error::input("the file is empty").in_file(path).expected("an app as `kfctl init` writes it"));
        }
        // Of a version of its own first: another version may have other fields.
        let version: Version = yaml::from_str(text, path)?;
        version.check().map_err(|error| located(error, text, path))?;
        let file: Self = yaml::from_str(text, path)?;
        file.check().map_err(|error| located(error, text, path))?;
        Ok(file)
    }

    /// What is missing is an empty text here, so that it is told like any other wrong value.
    fn check(&self) -> Result<()> {
        if self.kind != "App" {
            return Err(wrong("kind", &self.kind, "is no app", "App"));
        }
        if !is_label(&self.name) || self.name.len() > 40 {
            let expected = "at most 40 lower-case letters, digits and '-', such as my-kubeflow";
            return Err(wrong("name", &self.name, "can't be the name of an app", expected));
        }
        if self.platform.is_empty() {
            return Err(wrong("platform", "", "", "where Kubeflow runs, such as none: a cluster that is there"));
        }
        let reserved = ["default", "kubeflow-system"].contains(&self.namespace.as_str()) || self.namespace.starts_with("kube-");
        if !is_label(&self.namespace) || reserved {
            let expected = "a name of its own, such as kubeflow; kube-*, default and kubeflow-system are taken";
            return Err(wrong("namespace", &self.namespace, "can't be the namespace of Kubeflow's components", expected));
        }
        Ok(())
    }

    /// app.yaml of a new app.
    #[must_use]
    pub fn to_text(&self) -> String {
        // A name such as `null` or `1e3` needs quotes.
        let field = |name: &str, value: &str| yaml::to_string(&serde_json::json!({ name: value }));
        let (name, platform) = (field("name", &self.name), field("platform", &self.platform));
        let namespace = field("namespace", &self.namespace);
        format!(
            "# What this Kubeflow is made of. Edit it by hand, or with `kfctl param` and `kfctl component`,\n\
             # which keep comments and order; then `kfctl apply k8s`.\n\
             apiVersion: {API_VERSION}\n\
             kind: App\n\
             {name}\
             {platform}\
             # Namespace of Kubeflow's components; profiles and their controller live in kubeflow-system.\n\
             {namespace}"
        )
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    #[serde(default)]
    api_version: String,
}

impl Version {
    fn check(&self) -> Result<()> {
        if self.api_version == API_VERSION {
            return Ok(());
        }
        let error = wrong("apiVersion", &self.api_version, "is not known here", API_VERSION);
        Err(if self.api_version.starts_with("kfctl.kubeflow.org/") {
            error.hint("the app was made by a newer kfctl: update this one")
        } else {
            error
        })
    }
}

fn wrong(field: &str, value: &str, why: &str, expected: &str) -> Error {
    let message = if value.is_empty() { "missing".to_owned() } else { format!("{value:?} {why}") };
    Error::usage(message).field(field).expected(expected)
}

/// The error with the place of its field.
fn located(error: Error, text: &str, path: &Path) -> Error {
    let place = error.field_name().and_then(|field| yaml::place(text, &[field]));
    let error = error.in_file(path);
    match place {
        Some((line, column)) => error.at(line, column),
        None => error,
    }
}

/// Whether a component of the admin's own can have this name.
pub(super) fn check_component_name(name: &str) -> Result<()> {
    if !is_label(name) {
        return Err(Error::usage(format!("{name:?} can't be the name of a component"))
            .expected("lower-case letters, digits and '-', such as my-operator"));
    }
    // rendered/platform/ holds the platform's own files.
    if name == "platform" {
        return Err(Error::usage("a component can't be named platform: rendered/platform/ is the platform's own")
            .hint("choose another name, such as my-platform"));
    }
    Ok(())
}

/// A DNS label.
fn is_label(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&name.len()) && name.chars().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}
