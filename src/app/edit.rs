//! Edits of app.yaml that keep its comments and order.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use yamlpatch::{Op, Patch};
use yamlpath::{Component as Segment, Document, Route};

use super::file::{AppFile, ClusterRecord, ComponentEntry, check_component_name};
use super::{APP_FILE, App};
use crate::directories::store_as;
use crate::error::{Error, Result};

const CLUSTER_COMMENT: &str = "# The cluster this app belongs to; apply refuses any other. Written by the first apply.\n";

fn path<'a>(route: &[&'a str]) -> Route<'a> {
    Route::from(route.iter().map(|name| Segment::Key((*name).into())).collect::<Vec<_>>())
}

/// The value as the YAML library of the patches knows it.
fn converted(value: &Value) -> Result<yaml_serde::Value> {
    yaml_serde::to_value(value).map_err(|error| Error::input(format!("cannot be written as YAML: {error}")))
}

fn patched(text: &str, route: Route<'_>, operation: Op<'_>) -> Result<String> {
    let failed = |error: &dyn std::fmt::Display| {
        Error::input(format!("cannot be edited without losing your layout: {error}"))
            .in_file(APP_FILE)
            .hint("make the change by hand; any editor will do")
    };
    let document = Document::new(text.to_owned()).map_err(|error| failed(&error))?;
    let result = yamlpatch::apply_yaml_patches(&document, &[Patch { route, operation }]).map_err(|error| failed(&error))?;
    Ok(result.source().to_owned())
}

/// Sets the field at `route`, making the maps above it where they are missing.
fn set(text: &str, route: &[&str], value: &Value) -> Result<String> {
    let document = Document::new(text.to_owned()).map_err(|error| Error::input(error.to_string()).in_file(APP_FILE))?;
    let there =
        (0..=route.len()).rev().find(|length| *length == 0 || document.query_exists(&path(&route[..*length]))).unwrap_or(0);
    if there == route.len() {
        let mut quoted = Quoted::default();
        let text = patched(text, path(route), Op::Replace(converted(&quoted.stand_in(value))?))?;
        return Ok(quoted.put_back(text));
    }
    let nested = route[there + 1..].iter().rev().fold(value.clone(), |below, name| serde_json::json!({ *name: below }));
    if there == 0 {
        return Ok(appended(text, "", route[0], nested));
    }
    let mut quoted = Quoted::default();
    let addition = Op::Add { key: route[there].to_owned(), value: converted(&quoted.stand_in(&nested))? };
    Ok(quoted.put_back(patched(text, path(&route[..there]), addition)?))
}

/// The library writes some texts so that they read as something else here (`yes`, `0644`). A word stands in for each while it
/// works, and then gives way to the text in quotes.
#[derive(Default)]
struct Quoted(Vec<(String, String)>);

impl Quoted {
    fn stand_in(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) if crate::yaml::to_string(value).trim_end() != text => {
                let word = format!("kfctl-stands-in-{}-for-text", self.0.len());
                self.0.push((word.clone(), value.to_string()));
                word.into()
            }
            Value::Object(fields) => {
                Value::Object(fields.iter().map(|(name, value)| (name.clone(), self.stand_in(value))).collect())
            }
            _ => value.clone(),
        }
    }

    fn put_back(&self, text: String) -> String {
        self.0.iter().fold(text, |text, (word, quoted)| text.replace(word, quoted))
    }
}

/// The text with a new field of the document at its end.
fn appended(text: &str, comment: &str, field: &str, value: Value) -> String {
    let line_break = if text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{line_break}{comment}{}", crate::yaml::to_string(&serde_json::json!({ field: value })))
}

/// Removes the field at `route`, and the maps above it that are empty then.
fn remove(text: &str, route: &[&str]) -> Result<String> {
    let document = Document::new(text.to_owned()).map_err(|error| Error::input(error.to_string()).in_file(APP_FILE))?;
    if !document.query_exists(&path(route)) {
        return Ok(text.to_owned());
    }
    let parsed: Value = crate::yaml::from_str(text, std::path::Path::new(APP_FILE))?;
    let alone = |length: usize| {
        let pointer: String = route[..length].iter().map(|name| format!("/{name}")).collect();
        parsed.pointer(&pointer).and_then(Value::as_object).is_some_and(|fields| fields.len() == 1)
    };
    let length = (1..route.len()).find(|length| (*length..route.len()).all(alone)).unwrap_or(route.len());
    patched(text, path(&route[..length]), Op::Remove)
}

impl App {
    /// Sets a parameter.
    pub fn set_parameter(&mut self, component: &str, parameter: &str, value: &Value) -> Result<()> {
        let text = set(&self.text, &["params", component, parameter], value)?;
        self.edit(text, |file| file.params.get(component).and_then(|params| params.get(parameter)) == Some(value))
    }

    /// Returns a parameter to its default.
    pub fn unset_parameter(&mut self, component: &str, parameter: &str) -> Result<()> {
        let text = remove(&self.text, &["params", component, parameter])?;
        self.edit(text, |file| file.params.get(component).and_then(|params| params.get(parameter)).is_none())
    }

    /// Says of a component what app.yaml should; nothing where `entry` says nothing.
    pub fn set_component(&mut self, name: &str, entry: &ComponentEntry) -> Result<()> {
        check_component_name(name)?;
        let mut text = remove(&self.text, &["components", name])?;
        let mut fields = serde_json::Map::new();
        if let Some(enabled) = entry.enabled {
            fields.insert("enabled".into(), enabled.into());
        }
        for (field, value) in [("from", &entry.from), ("sha256", &entry.sha256)] {
            if let Some(value) = value {
                fields.insert(field.into(), value.as_str().into());
            }
        }
        if !fields.is_empty() {
            text = set(&text, &["components", name], &Value::Object(fields))?;
        }
        self.edit(text, |file| file.components.get(name).cloned().unwrap_or_default() == *entry)
    }

    /// Records the cluster that the app belongs to.
    pub fn record_cluster(&mut self, record: &ClusterRecord) -> Result<()> {
        let value = serde_json::json!({"uid": record.uid, "server": record.server});
        let text = if self.file.cluster.is_some() {
            set(&self.text, &["cluster"], &value)?
        } else {
            appended(&self.text, CLUSTER_COMMENT, "cluster", value)
        };
        self.edit(text, |file| file.cluster.as_ref() == Some(record))
    }

    /// Forgets the cluster: it is gone.
    pub fn forget_cluster(&mut self) -> Result<()> {
        let text = remove(&self.text, &["cluster"])?.replace(CLUSTER_COMMENT, "");
        self.edit(text, |file| file.cluster.is_none())
    }

    /// Takes over an edited text once it parses and says what it should.
    fn edit(&mut self, text: String, says: impl Fn(&AppFile) -> bool) -> Result<()> {
        if text == self.text {
            return Ok(());
        }
        let file = AppFile::parse(&text, &self.path())?;
        if !says(&file) {
            return Err(Error::input("the edit did not take")
                .in_file(self.path())
                .hint("make the change by hand; any editor will do"));
        }
        // An editor may have been at it while a question was open.
        let now = crate::yaml::read(&self.path())?;
        if now != self.text {
            // Or another run of the same command.
            if let Ok(file) = AppFile::parse(&now, &self.path())
                && says(&file)
            {
                (self.text, self.file) = (now, file);
                return Ok(());
            }
            return Err(Error::input("somebody else has changed it meanwhile, and nothing is written over that")
                .in_file(self.path())
                .hint("run the same command again"));
        }
        replace(&self.path(), &text)?;
        self.file = file;
        self.text = text;
        Ok(())
    }
}

/// Replaces a file, and keeps its mode.
pub(super) fn replace(path: &Path, text: &str) -> Result<()> {
    if path.is_symlink() {
        return Err(Error::input("is a link, and an edit would put a file in its place")
            .in_file(path)
            .hint("edit the file that it leads to, or put that file here"));
    }
    let mode = std::fs::metadata(path).map_or(0o644, |found| found.permissions().mode() & 0o777);
    store_as(path, text.as_bytes(), mode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TEXT: &str = "# top\nname: a # the name\nparams:\n  profiles:\n    # why so many\n    maxCpu: 10   # cores\n    maxRam: 1T\nother: {}\n";

    #[test]
    fn comments_and_order_stay() {
        let text = set(TEXT, &["params", "profiles", "maxCpu"], &json!("100")).unwrap();
        assert_eq!(text, TEXT.replace("maxCpu: 10 ", "maxCpu: \"100\" "));
        let text = set(TEXT, &["params", "profiles", "maxGpu"], &json!(20)).unwrap();
        assert!(text.contains("    maxGpu: 20\n") && text.contains("# why so many"), "{text}");
        let text = set(TEXT, &["params", "notebooks", "image"], &json!("x:y")).unwrap();
        assert!(text.contains("  notebooks:\n    image: x:y\n"), "{text}");
        let text = set("name: a\n", &["params", "profiles", "maxCpu"], &json!("1")).unwrap();
        assert_eq!(text, "name: a\nparams:\n  profiles:\n    maxCpu: \"1\"\n");
    }

    #[test]
    fn removal_leaves_no_empty_maps() {
        let text = remove("name: a\nparams:\n  profiles:\n    maxCpu: 1\n", &["params", "profiles", "maxCpu"]).unwrap();
        assert_eq!(text.trim(), "name: a");
        let text = remove(TEXT, &["params", "profiles", "maxRam"]).unwrap();
        assert!(text.contains("maxCpu: 10") && !text.contains("maxRam"), "{text}");
    }
}
