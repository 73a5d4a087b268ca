//! Components and platforms: what can be deployed, as data.
//!
//! Both are folders of files (`templates/NAME/`, `platforms/NAME/`) that are part of the binary; `KFCTL_CATALOG` names a
//! directory that holds both and is used instead, for development. A new component or platform needs no Rust.

mod component;
mod parameter;
mod platform;
mod quantity;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

pub use component::{Component, Entry, Reader, StandsAside, Template, Yield};
pub use parameter::{Parameter, ParameterType, Parsed, is_email, is_image, parse_duration};
pub use platform::{Platform, Provision, Refusal, Role};
pub use quantity::{Quantity, value as quantity_value};

use crate::error::{Error, Result};
use crate::sources::Sources;
use crate::yaml;

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");
static PLATFORMS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/platforms");

/// All components and platforms.
#[derive(Debug)]
pub struct Catalog {
    /// Where the manifests that components bring from elsewhere are found.
    pub sources: Sources,
    components: BTreeMap<String, Component>,
    platforms: BTreeMap<String, Platform>,
}

impl Catalog {
    /// Reads the catalog: of the binary, or of `directory` with folders `templates` and `platforms`.
    pub fn load(directory: Option<&Path>) -> Result<Self> {
        let mut catalog = Self { sources: Sources::default(), components: BTreeMap::new(), platforms: BTreeMap::new() };
        for (name, files) in folders(directory, "templates", &TEMPLATES)? {
            catalog.components.insert(name.clone(), Component::read(&name, &files)?);
        }
        for (name, files) in folders(directory, "platforms", &PLATFORMS)? {
            catalog.platforms.insert(name.clone(), Platform::read(&name, &files)?);
        }
        Ok(catalog)
    }

    /// A built-in component, or an error that names the nearest.
    pub fn component(&self, name: &str) -> Result<&Component> {
        self.components.get(name).ok_or_else(|| {
            Error::usage(format!("there is no component {name:?}")).nearest(name, self.components.keys().map(String::as_str))
        })
    }

    /// A built-in component, where there is one.
    #[must_use]
    pub fn find_component(&self, name: &str) -> Option<&Component> {
        self.components.get(name)
    }

    /// A platform, or an error that names the nearest.
    pub fn platform(&self, name: &str) -> Result<&Platform> {
        self.platforms.get(name).ok_or_else(|| {
            Error::usage(format!("there is no platform {name:?}")).nearest(name, self.platforms.keys().map(String::as_str))
        })
    }

    /// All built-in components, by name.
    pub fn components(&self) -> impl Iterator<Item = &Component> {
        self.components.values()
    }

    /// All platforms, by name.
    pub fn platforms(&self) -> impl Iterator<Item = &Platform> {
        self.platforms.values()
    }

    /// `names` in dependency order: a component after those it depends on, alphabetically otherwise.
    #[must_use]
    pub fn in_order(&self, names: &[String]) -> Vec<String> {
        let mut pending: Vec<&String> = names.iter().collect();
        pending.sort();
        let mut ordered: Vec<String> = Vec::with_capacity(pending.len());
        while !pending.is_empty() {
            let waits = |name: &str| {
                let needs = self.components.get(name).map(|component| component.depends_on.as_slice()).unwrap_or_default();
                needs.iter().any(|need| names.contains(need) && !ordered.contains(need))
            };
            // A cycle would be a defect of the catalog (a test looks for one); the first name then breaks it.
            let next = pending.iter().position(|name| !waits(name)).unwrap_or(0);
            ordered.push(pending.remove(next).clone());
        }
        ordered
    }
}

/// The files of one folder: path below it → text, and the path to name in errors.
#[derive(Debug, Default)]
struct Files(BTreeMap<String, (PathBuf, String)>);

impl Files {
    fn required(&self, name: &str, folder: &str) -> Result<(&Path, &str)> {
        let (path, text) =
            self.0.get(name).ok_or_else(|| Error::input(format!("{folder} has no {name}")).in_file(PathBuf::from(folder)))?;
        Ok((path, text))
    }

    /// Files whose path begins with `prefix` and ends with `suffix`: (path below the prefix, path, text).
    fn under<'a>(&'a self, prefix: &'a str, suffix: &'a str) -> impl Iterator<Item = (&'a str, &'a Path, &'a str)> {
        self.0.iter().filter_map(move |(name, (path, text))| {
            let below = name.strip_prefix(prefix)?;
            below.ends_with(suffix).then_some((below, path.as_path(), text.as_str()))
        })
    }
}

fn folders(directory: Option<&Path>, name: &str, embedded: &'static Dir<'static>) -> Result<BTreeMap<String, Files>> {
    let mut found: BTreeMap<String, Files> = BTreeMap::new();
    let mut add = |relative: &Path, bytes: Vec<u8>| -> Result<()> {
        let relative_text = relative.to_string_lossy();
        let Some((folder, below)) = relative_text.split_once('/') else { return Ok(()) };
        // The sources of the local control plane are no templates.
        if !(below.ends_with(".yaml") || below.ends_with(".j2")) {
            return Ok(());
        }
        let path = directory.map_or_else(|| PathBuf::from(name), |root| root.join(name)).join(relative);
        let text = yaml::utf8(bytes, &path)?;
        found.entry(folder.to_owned()).or_default().0.insert(below.to_owned(), (path, text));
        Ok(())
    };
    match directory {
        None => walk_embedded(embedded, &mut add)?,
        Some(root) => walk_directory(&root.join(name), Path::new(""), &mut add)?,
    }
    Ok(found)
}

type Add<'a> = dyn FnMut(&Path, Vec<u8>) -> Result<()> + 'a;

fn walk_embedded(folder: &Dir<'_>, add: &mut Add<'_>) -> Result<()> {
    folder.files().try_for_each(|file| add(file.path(), file.contents().to_vec()))?;
    folder.dirs().try_for_each(|below| walk_embedded(below, add))
}

fn walk_directory(root: &Path, relative: &Path, add: &mut Add<'_>) -> Result<()> {
    let folder = root.join(relative);
    for entry in std::fs::read_dir(&folder).map_err(|error| Error::io("read", &folder, &error))? {
        let entry = entry.map_err(|error| Error::io("read", &folder, &error))?;
        let below = relative.join(entry.file_name());
        if entry.path().is_dir() {
            walk_directory(root, &below, add)?;
        } else {
            add(&below, std::fs::read(entry.path()).map_err(|error| Error::io("read", &entry.path(), &error))?)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_catalog_is_sound() {
        let catalog = Catalog::load(None).unwrap();
        for component in catalog.components.values() {
            for need in &component.depends_on {
                assert!(catalog.components.contains_key(need), "{} depends on unknown {need}", component.name);
            }
        }
        for platform in catalog.platforms() {
            let ordered = catalog.in_order(&platform.components);
            for (place, name) in ordered.iter().enumerate() {
                let component = catalog.component(name).unwrap();
                let late = component.depends_on.iter().find(|need| ordered[place..].contains(need));
                assert_eq!(late, None, "{name} stands before what it depends on: a cycle");
            }
            for (component, parameters) in &platform.params {
                for (name, value) in parameters {
                    let parameter = catalog.component(component).unwrap().parameter(name).unwrap();
                    parameter.parse_value(value).unwrap_or_else(|error| panic!("{}: {component}.{name}: {error}", platform.name));
                }
            }
        }
    }

    #[test]
    fn the_image_is_of_this_version() {
        let catalog = Catalog::load(None).unwrap();
        for component in ["profiles", "dashboard"] {
            let image = &catalog.component(component).unwrap().parameter("image").unwrap().default;
            assert_eq!(image, concat!("ghcr.io/kubeflow/kfctl:", env!("CARGO_PKG_VERSION")));
        }
    }

    #[test]
    fn a_directory_takes_the_place_of_the_built_in_catalog() {
        let catalog = Catalog::load(Some(Path::new(env!("CARGO_MANIFEST_DIR")))).unwrap();
        assert!(catalog.find_component("profiles").is_some());
        assert!(catalog.platform("local").is_ok());
    }
}
