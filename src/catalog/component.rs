//! `templates/NAME/component.yaml` and the templates beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::Files;
use super::parameter::{Declaration, Parameter};
use super::platform::Refusal;
use crate::error::{Error, Result};
use crate::sources::Source;
use crate::yaml;

/// A component: what it is, what it needs, what can be set, and the templates of its objects.
#[derive(Debug)]
pub struct Component {
    /// Its name: the folder's.
    pub name: String,
    /// One sentence for `component list`.
    pub description: String,
    /// Components that have to be there before.
    pub depends_on: Vec<String>,
    /// What can be set, in the order of the file.
    pub parameters: Vec<Parameter>,
    /// Values that can't be used together.
    pub refused: Vec<Refusal>,
    /// Fields left to somebody else once the object exists.
    pub yields: Vec<Yield>,
    /// Manifests of somebody else's release that it brings.
    pub sources: Vec<Source>,
    /// What of somebody else's takes its place.
    pub stands_aside: Option<StandsAside>,
    /// Items of its own in configurations of somebody else's.
    pub entries: Vec<Entry>,
    /// Partial objects merged over those of the sources: templates in `patches/`.
    pub patches: Vec<Template>,
    /// Its templates, by name.
    pub templates: Vec<Template>,
}

/// A template of one or more objects.
#[derive(Debug, Clone)]
pub struct Template {
    /// Name, unique in the catalog: the path below `templates/`.
    pub name: String,
    /// The file, for errors.
    pub path: PathBuf,
    /// minijinja source.
    pub source: String,
}

/// Fields that another manager keeps: set when the object is created, left out afterwards, and no drift.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Yield {
    /// API group; empty for the core group.
    #[serde(default)]
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Name; absent for every object of the kind.
    pub name: Option<String>,
    /// The field, as a JSON pointer; `*` stands for every item of a list.
    pub field: String,
}

/// A component is left out where somebody else's object like this is there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct StandsAside {
    /// An expression of the component's template context; absent where it always does.
    pub when: Option<String>,
    /// API version of the object.
    pub api_version: String,
    /// Kind of the object.
    pub kind: String,
    /// Labels by which it is known.
    pub labels: BTreeMap<String, String>,
    /// The oldest version that will do, as `1.24`: that of the image of the object's pods.
    pub at_least: Option<String>,
}

/// One item of a list in a configuration of somebody else's: a text in a `ConfigMap`, of which nothing else is touched.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Entry {
    /// An expression of the component's template context; absent where it always is wanted.
    pub when: Option<String>,
    /// Who reads the configuration, in whose namespace it is.
    pub reader: Reader,
    /// Name of the `ConfigMap`; behind it stands the reader's revision, where it has one.
    pub config_map: String,
    /// The key that holds the text.
    pub key: String,
    /// The list in it.
    pub list: String,
    /// The item, known by its `name`.
    pub item: Value,
}

/// A workload that reads a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Reader {
    /// API version of the workload.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Labels by which it is known.
    pub labels: BTreeMap<String, String>,
    /// The label that names its revision; `default` is none.
    pub revision: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct File {
    description: String,
    #[serde(default)]
    depends_on: Vec<String>,
    #[serde(default)]
    params: BTreeMap<String, Declaration>,
    #[serde(default)]
    refused: Vec<Refusal>,
    #[serde(default)]
    yields: Vec<Yield>,
    #[serde(default)]
    sources: Vec<Source>,
    stands_aside: Option<StandsAside>,
    #[serde(default)]
    entries: Vec<Entry>,
}

impl Component {
    pub(super) fn read(name: &str, files: &Files) -> Result<Self> {
        let (path, text) = files.required("component.yaml", &format!("templates/{name}"))?;
        let mut component = Self::parse(name, text, path)?;
        let templates = files.under("", ".yaml.j2").map(|(below, path, text)| Template {
            name: format!("{name}/{below}"),
            path: path.to_owned(),
            source: text.to_owned(),
        });
        let is_patch = |template: &Template| template.name.starts_with(&format!("{name}/patches/"));
        (component.patches, component.templates) = templates.partition(is_patch);
        Ok(component)
    }

    /// What a component.yaml says, without the templates beside it; `path` is named in errors.
    pub fn parse(name: &str, text: &str, path: &Path) -> Result<Self> {
        let file: File = yaml::from_str(text, path)?;
        let mut parameters = Vec::with_capacity(file.params.len());
        for (parameter, declaration) in file.params {
            let located = |error: Error| match yaml::place(text, &["params", &parameter, "default"]) {
                Some((line, column)) => error.in_file(path).at(line, column),
                None => error.in_file(path),
            };
            parameters.push(Parameter::new(&parameter, declaration).map_err(located)?);
        }
        Ok(Self {
            name: name.to_owned(),
            description: file.description,
            depends_on: file.depends_on,
            parameters,
            refused: file.refused,
            yields: file.yields,
            sources: file.sources,
            stands_aside: file.stands_aside,
            entries: file.entries,
            patches: Vec::new(),
            templates: Vec::new(),
        })
    }

    /// The parameter of this name, or an error that names the nearest.
    pub fn parameter(&self, name: &str) -> Result<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name).ok_or_else(|| {
            Error::usage(format!("component {} has no parameter {name:?}", self.name))
                .nearest(name, self.parameters.iter().map(|parameter| parameter.name.as_str()))
        })
    }
}
