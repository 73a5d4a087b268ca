//! A Kubernetes object as data, and the names it is known by. No I/O.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::yaml;

/// The identity of an object: what stays the same whichever version of its API is used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectId {
    /// API group; empty for the core group.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Kind, such as `Deployment`.
    pub kind: String,
    /// Namespace; empty for objects of the cluster.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl fmt::Display for ObjectId {
    /// `Deployment.apps kubeflow-system/kfctl-controller`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.group_kind())?;
        f.write_str(" ")?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

/// Refuses an object that two components bring, or one of them twice.
pub fn unique<'a>(objects: impl IntoIterator<Item = (&'a str, &'a Object)>) -> Result<()> {
    let mut first: BTreeMap<&ObjectId, (&str, &Object)> = BTreeMap::new();
    for (component, object) in objects {
        if let Some((other, before)) = first.insert(&object.id, (component, object)) {
            let message = if other == component {
                format!("component {component} has {} twice", object.id)
            } else {
                format!("components {other} and {component} both bring {}", object.id)
            };
            return Err(Error::input(message)
                .detail(before.file.display().to_string())
                .detail(object.file.display().to_string())
                .hint(format!("remove one of the two, or disable a component: `kfctl component disable {other}`")));
        }
    }
    Ok(())
}

impl ObjectId {
    /// `Deployment.apps`, or `Service` for the core group: the form the `ApplySet` specification uses.
    #[must_use]
    pub fn group_kind(&self) -> String {
        if self.group.is_empty() { self.kind.clone() } else { format!("{}.{}", self.kind, self.group) }
    }

    /// Whether this is `kind` of `group`.
    #[must_use]
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.group == group && self.kind == kind
    }
}

/// An object to be applied: its content and where that came from.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its identity.
    pub id: ObjectId,
    /// API version without the group, such as `v1`.
    pub version: String,
    /// Its content, without `status`.
    pub content: Arc<Value>,
    /// The file it was rendered to or read from.
    pub file: PathBuf,
}

impl Object {
    /// Takes a document apart. Lists (`kind: List`) must have been unpacked before.
    pub fn new(mut content: Value, file: impl Into<PathBuf>) -> Result<Self> {
        let file = file.into();
        let text = |pointer: &str| content.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let api_version = text("/apiVersion");
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", &api_version));
        let id = ObjectId {
            group: group.to_owned(),
            kind: text("/kind"),
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
        };
        let version = version.to_owned();
        for (field, value) in [("apiVersion", &version), ("kind", &id.kind), ("metadata.name", &id.name)] {
            if value.is_empty() {
                let found = if id.kind.is_empty() { String::new() } else { format!(" in {} {}", id.kind, id.name) };
                let wrong = content.pointer(&format!("/{}", field.replace('.', "/"))).is_some_and(|value| !value.is_null());
                let what = if wrong { "no name" } else { "missing" };
                let error = Error::input(format!("{what}{}", found.trim_end()))
                    .in_file(file)
                    .field(field)
                    .expected("a Kubernetes object with apiVersion, kind and metadata.name");
                let generated = field == "metadata.name" && content.pointer("/metadata/generateName").is_some();
                let hint = "give it a name of its own: with metadata.generateName every apply would make another one";
                return Err(if generated { error.hint(hint) } else { error });
            }
        }
        for name in [&id.name, &id.namespace] {
            if name.contains(['/', '%', '\0']) || matches!(name.as_str(), "." | "..") {
                return Err(Error::input(format!("{name:?} can't be a name in Kubernetes"))
                    .in_file(file)
                    .field("metadata.name")
                    .expected("no '/' or '%', and neither '.' nor '..'"));
            }
        }
        // A status in a manifest would take conditions from the cluster's own controllers.
        if let Some(fields) = content.as_object_mut() {
            fields.remove("status");
        }
        Ok(Self { id, version, content: Arc::new(content), file })
    }

    /// `apps/v1`, or `v1` for the core group.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.id.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.id.group, self.version) }
    }

    /// A file name for this object, unlike that of any other in most cases: `deployment-kubeflow-controller.yaml`.
    #[must_use]
    pub fn file_name(&self) -> String {
        let parts = [&self.id.kind.to_lowercase(), &self.id.namespace, &self.id.name];
        let joined = parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("-");
        let safe: String =
            joined.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') { c } else { '_' }).collect();
        format!("{}.yaml", &safe[..safe.len().min(200)])
    }
}

/// The list at a JSON pointer; empty where there is none.
#[must_use]
pub fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The objects of a text in YAML, with every `List` unpacked. An error names the line where its document starts.
pub fn parse(text: &str, file: &std::path::Path) -> Result<Vec<Object>> {
    objects(yaml::documents(text, file)?, file).map_err(|error| {
        match yaml::place_of_document(text, |document| objects(vec![document.clone()], file).is_err()) {
            Some((line, column)) => error.at(line, column),
            None => error,
        }
    })
}

/// Objects out of documents, with every `List` unpacked.
pub fn objects(documents: Vec<Value>, file: &std::path::Path) -> Result<Vec<Object>> {
    let mut found = Vec::with_capacity(documents.len());
    for mut document in documents {
        let is_list = document.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
        match document.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) if is_list => found.extend(objects(items, file)?),
            _ => found.push(Object::new(document, file)?),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn takes_an_object_apart_and_drops_its_status() {
        let object = Object::new(
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a:b", "namespace": "n"}, "status": {}}),
            "f.yaml",
        )
        .unwrap();
        assert_eq!(object.id.to_string(), "Deployment.apps n/a:b");
        assert_eq!(object.api_version(), "apps/v1");
        assert_eq!(object.file_name(), "deployment-n-a_b.yaml");
        assert!(object.content.get("status").is_none());
    }

    #[test]
    fn names_the_missing_field() {
        let error = Object::new(json!({"apiVersion": "v1", "kind": "Secret"}), "f.yaml").unwrap_err();
        assert!(error.to_string().starts_with("f.yaml: metadata.name: missing in Secret; expected"), "{error}");
    }

    #[test]
    fn refuses_names_that_leave_their_place() {
        let error = Object::new(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "../x"}}), "f").unwrap_err();
        assert!(error.to_string().contains("can't be a name"), "{error}");
    }

    #[test]
    fn unpacks_lists() {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}},
            {"apiVersion": "v1", "kind": "SecretList", "items": [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "b"}}]}]});
        let names: Vec<String> =
            objects(vec![list], std::path::Path::new("f")).unwrap().into_iter().map(|object| object.id.name).collect();
        assert_eq!(names, ["a", "b"]);
    }
}
