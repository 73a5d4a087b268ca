//! KFAPP, the app directory: what the admin decides (app.yaml), brings (components/, overlays/) and reviews (rendered/).
//! Safe to commit to git: no secret is ever written here.

mod definitions;
mod edit;
mod edits;
mod file;
mod rendered;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub use edits::{Edit, Saved, SavedOverlay, edits, refuse};
pub use file::{AppFile, ClusterRecord, ComponentEntry};
pub use rendered::{Rendered, write_all};

use definitions::Definitions;
use edit::replace;

use crate::catalog::{Catalog, Component, Entry, Parameter, Platform, StandsAside};
use crate::error::{Error, Result};
use crate::object::{self, Object};
use crate::render::{self, Context};
use crate::sources::Source;
use crate::yaml;

/// Name of the file that makes a directory an app directory.
pub const APP_FILE: &str = "app.yaml";

/// An app directory.
#[derive(Debug, Clone)]
pub struct App {
    /// The directory.
    pub directory: PathBuf,
    /// What app.yaml says.
    pub file: AppFile,
    /// The text of app.yaml.
    text: String,
}

/// A parameter as it will be used.
#[derive(Debug)]
pub struct Setting<'a> {
    /// Its declaration.
    pub parameter: &'a crate::catalog::Parameter,
    /// Its value.
    pub value: serde_json::Value,
    /// Where the value comes from.
    pub origin: Origin,
    /// What was taken differently from how it is written.
    pub note: Option<String>,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The component's own default.
    Default,
    /// The platform.
    Platform,
    /// app.yaml.
    App,
}

impl App {
    /// The app of this directory or the nearest one above it.
    pub fn find(start: &Path) -> Result<Self> {
        let start = start.canonicalize().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::usage(
                "the directory that you are in is gone: it was deleted, or made anew, as `generate` does with rendered/",
            )
            .hint("go to the app again: `cd` to its full path"),
            _ => Error::io("read", start, &error),
        })?;
        for directory in start.ancestors() {
            if directory.join(APP_FILE).is_file() {
                return Self::load(directory);
            }
        }
        Err(Error::usage(format!("there is no app here: neither {} nor a directory above it has an {APP_FILE}", start.display()))
            .hint("make one with `kfctl init DIRECTORY`, then `cd DIRECTORY`"))
    }

    /// The app of this directory.
    pub fn load(directory: &Path) -> Result<Self> {
        let path = directory.join(APP_FILE);
        let text = yaml::read(&path)?;
        let file = AppFile::parse(&text, &path)?;
        Ok(Self { directory: directory.to_owned(), file, text })
    }

    /// Makes an app directory. One that holds anything already is refused.
    pub fn create(directory: &Path, file: &AppFile) -> Result<Self> {
        if let Ok(entries) = std::fs::read_dir(directory) {
            let mut found: Vec<String> =
                entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect();
            found.sort();
            if !found.is_empty() {
                let shown = found.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
                let more = if found.len() > 5 { format!(" and {} more", found.len() - 5) } else { String::new() };
                let error = Error::usage(format!("{} is not empty: it holds {shown}{more}", directory.display()));
                return Err(if found.iter().any(|name| name == APP_FILE) {
                    error.hint(format!("it is an app already: `cd {}` and go on with `kfctl generate k8s`", directory.display()))
                } else {
                    error.hint("name a directory that is empty, or does not exist yet")
                });
            }
        }
        std::fs::create_dir_all(directory).map_err(|error| Error::io("create", directory, &error))?;
        let app = Self { directory: directory.to_owned(), file: file.clone(), text: file.to_text() };
        replace(&app.path(), &app.text)?;
        // The same name for it wherever it is called from.
        Self::load(&directory.canonicalize().map_err(|error| Error::io("read", directory, &error))?)
    }

    /// Writes the folder `parent/name` with these files, as a whole or not at all.
    pub fn write_folder(&self, parent: &str, name: &str, files: &[(PathBuf, String)]) -> Result<()> {
        rendered::replace_folder(&self.directory, parent, name, files)
    }

    /// Deletes the folder `parent/name`, where it is there.
    pub fn remove_folder(&self, parent: &str, name: &str) -> Result<()> {
        rendered::check_inside(&self.directory, parent)?;
        let folder = self.directory.join(parent).join(name);
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("delete", &folder, &error)),
            _ => Ok(()),
        }
    }

    /// Path of app.yaml.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.join(APP_FILE)
    }

    /// The platform it is on.
    pub fn platform<'a>(&self, catalog: &'a Catalog) -> Result<&'a Platform> {
        catalog.platform(&self.file.platform).map_err(|error| self.locate(error, &["platform"]))
    }

    /// The components that run, in dependency order.
    pub fn components(&self, catalog: &Catalog) -> Result<Vec<String>> {
        let platform = self.platform(catalog)?;
        let own = self.own_components()?;
        for name in self.file.components.keys() {
            if !own.contains(name) {
                catalog.component(name).map_err(|error| self.locate(error, &["components", name]))?;
            }
        }
        let enabled = |name: &String| self.file.components.get(name).and_then(|entry| entry.enabled);
        let mut names: Vec<String> = platform.components.iter().filter(|name| enabled(name) != Some(false)).cloned().collect();
        names.extend(own.into_iter().filter(|name| enabled(name) != Some(false)));
        names.extend(self.file.components.keys().filter(|name| enabled(name) == Some(true)).cloned());
        names.sort();
        names.dedup();
        Ok(catalog.in_order(&names))
    }

    /// Names of the admin's own components: the folders of components/.
    pub fn own_components(&self) -> Result<Vec<String>> {
        let names = self.folders("components")?;
        for name in &names {
            file::check_component_name(name).map_err(|error| error.in_file(Path::new("components").join(name)))?;
        }
        Ok(names)
    }

    /// The folders of a folder of the app, sorted; none where that is not there.
    fn folders(&self, name: &str) -> Result<Vec<String>> {
        let folder = self.directory.join(name);
        rendered::check_inside(&self.directory, name)?;
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io("read", &folder, &error)),
        };
        let mut names: Vec<String> = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.path().is_dir())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        Ok(names)
    }

    /// The parameters of a component with the values that hold, each checked.
    pub fn settings<'a>(&self, component: &'a Component, platform: &Platform) -> Result<Vec<Setting<'a>>> {
        let ours = self.file.params.get(&component.name);
        for name in ours.into_iter().flat_map(BTreeMap::keys) {
            component.parameter(name).map_err(|error| self.locate(error, &["params", &component.name, name]))?;
        }
        component
            .parameters
            .iter()
            .map(|parameter| {
                let name = &parameter.name;
                if let Some(value) = ours.and_then(|ours| ours.get(name)) {
                    let parsed =
                        parameter.parse_value(value).map_err(|error| self.locate(error, &["params", &component.name, name]))?;
                    return Ok(Setting { parameter, value: parsed.value, origin: Origin::App, note: parsed.note });
                }
                match platform.params.get(&component.name).and_then(|params| params.get(name)) {
                    Some(value) => Ok(Setting {
                        parameter,
                        value: parameter.parse_value(value)?.value,
                        origin: Origin::Platform,
                        note: None,
                    }),
                    None => Ok(Setting { parameter, value: parameter.default.clone(), origin: Origin::Default, note: None }),
                }
            })
            .collect()
    }

    /// What templates of a component can use.
    #[must_use]
    pub fn context(&self, settings: &[Setting<'_>]) -> Context {
        Context {
            app: self.file.name.clone(),
            platform: self.file.platform.clone(),
            namespace: self.file.namespace.clone(),
            version: env!("CARGO_PKG_VERSION"),
            params: settings.iter().map(|setting| (setting.parameter.name.clone(), setting.value.clone())).collect(),
        }
    }

    /// What a component leaves its place to, where something of somebody else's can take it.
    pub fn stands_aside<'a>(&self, catalog: &'a Catalog, name: &str) -> Result<Option<&'a StandsAside>> {
        let Some(component) = catalog.find_component(name).filter(|component| component.stands_aside.is_some()) else {
            return Ok(None);
        };
        render::stands_aside(component, &self.context(&self.settings(component, self.platform(catalog)?)?))
    }

    /// The items that a component wants in configurations of somebody else's.
    pub fn entries<'a>(&self, catalog: &'a Catalog, name: &str) -> Result<Vec<&'a Entry>> {
        let Some(component) = catalog.find_component(name).filter(|component| !component.entries.is_empty()) else {
            return Ok(Vec::new());
        };
        render::entries(component, &self.context(&self.settings(component, self.platform(catalog)?)?))
    }

    /// Renders these components, in this order. Needs no cluster and writes nothing.
    pub fn render(&self, catalog: &Catalog, names: &[String]) -> Result<Vec<Rendered>> {
        self.render_with(catalog, names, &BTreeMap::new())
    }

    /// The same as if these overlays, by their paths, were there too.
    fn render_with(&self, catalog: &Catalog, names: &[String], more: &BTreeMap<PathBuf, String>) -> Result<Vec<Rendered>> {
        let platform = self.platform(catalog)?;
        for name in self.file.params.keys() {
            catalog.component(name).map_err(|error| self.locate(error, &["params", name]))?;
        }
        let own = self.own_components()?;
        // An overlay of no component would be lost in silence.
        for name in self.folders("overlays")?.iter().filter(|name| !own.contains(name)) {
            catalog.component(name).map_err(|error| error.in_file(Path::new("overlays").join(name)))?;
        }
        let mut built_in = BTreeMap::new();
        let mut sources: Vec<(&str, &Source)> = Vec::new();
        for name in names.iter().filter(|name| !own.contains(name)) {
            let component = catalog.component(name)?;
            let context = self.context(&self.settings(component, platform)?);
            sources.extend(render::sources(component, &context)?.into_iter().map(|source| (component.name.as_str(), source)));
            built_in.insert(name, (component, context));
        }
        self.meets(platform, built_in.values())?;
        let sources = Self::sources(catalog, &sources)?;
        let rendered: Vec<Rendered> = names
            .iter()
            .map(|name| {
                let mut found = match built_in.get(name) {
                    Some((component, context)) => render::component(component, platform, context, &sources)?,
                    None => self.read_objects(name)?,
                };
                let folder = Path::new("overlays").join(name);
                let mut overlays: BTreeMap<PathBuf, String> = self.manifests(&folder)?.into_iter().collect();
                overlays.extend(
                    more.iter().filter(|(path, _)| path.starts_with(&folder)).map(|(path, text)| (path.clone(), text.clone())),
                );
                for (path, text) in overlays {
                    render::merge_overlay(&mut found, yaml::documents(&text, &path)?, &path)?;
                }
                Rendered::new(name, found)
            })
            .collect::<Result<_>>()?;
        object::unique(
            rendered.iter().flat_map(|component| component.objects.iter().map(|object| (component.component.as_str(), object))),
        )?;
        Ok(rendered)
    }

    /// Manifests of others' releases. Where some can't be had, the components that want them are named: the app can do without.
    fn sources(catalog: &Catalog, wanted: &[(&str, &Source)]) -> Result<BTreeMap<String, String>> {
        let all: Vec<&Source> = wanted.iter().map(|(_, source)| *source).collect();
        catalog.sources.read(&all).map_err(|error| {
            let lacking = wanted.iter().filter(|(_, source)| catalog.sources.place(source).is_none());
            let components: BTreeSet<&str> = lacking.map(|(component, _)| *component).collect();
            components.into_iter().fold(error, |error, name| {
                error.hint(format!("where {name} is there already, or not wanted: `kfctl component disable {name}`"))
            })
        })
    }

    /// Parameters that have to be set before anything can be rendered, and are not: each with its component.
    pub fn lacking<'a>(&self, catalog: &'a Catalog) -> Result<Vec<(&'a str, &'a Parameter)>> {
        let (platform, own) = (self.platform(catalog)?, self.own_components()?);
        let mut lacking = Vec::new();
        for name in self.components(catalog)?.iter().filter(|name| !own.contains(name)) {
            let component = catalog.component(name)?;
            let (missing, _) = render::demands(component, platform, &self.context(&self.settings(component, platform)?))?;
            lacking.extend(missing.into_iter().map(|parameter| (component.name.as_str(), parameter)));
        }
        Ok(lacking)
    }

    /// All that is missing or can't be used is named at once.
    fn meets<'a>(&self, platform: &Platform, components: impl Iterator<Item = &'a (&'a Component, Context)>) -> Result<()> {
        let (mut lacking, mut wrong) = (Vec::new(), Vec::new());
        for (component, context) in components {
            let (missing, refused) = render::demands(component, platform, context)?;
            lacking.extend(missing.into_iter().map(|parameter| (&component.name, parameter)));
            wrong.extend(refused);
        }
        if lacking.is_empty() && wrong.is_empty() {
            return Ok(());
        }
        let count = lacking.len() + wrong.len();
        let what = if count == 1 { "one thing is" } else { "some things are" };
        let mut error = Error::input(format!("{what} missing or can't be used on platform {}", self.file.platform));
        error = error.in_file(self.path());
        for (component, parameter) in &lacking {
            error = error.detail(format!("{component}.{} is not set: {}", parameter.name, parameter.meaning()));
        }
        error = wrong.iter().fold(error, |error, because| error.detail(*because));
        let set = lacking.iter().map(|(component, parameter)| format!("`kfctl param set {component} {} …`", parameter.name));
        Err(set.fold(error, Error::hint))
    }

    /// The objects of one of the admin's own components.
    fn read_objects(&self, component: &str) -> Result<Vec<Object>> {
        let mut found = Vec::new();
        let mut definitions = Definitions::load(&format!("{}.{component}", self.file.name));
        for (path, text) in self.manifests(&Path::new("components").join(component))? {
            found.extend(definitions.parse(&text, &path)?);
        }
        definitions.keep();
        Ok(found)
    }

    /// The YAML files below a folder of the app, sorted, with paths relative to the app directory.
    fn manifests(&self, folder: &Path) -> Result<Vec<(PathBuf, String)>> {
        let mut found = Vec::new();
        let mut open = vec![folder.to_owned()];
        while let Some(folder) = open.pop() {
            let absolute = self.directory.join(&folder);
            let entries = match std::fs::read_dir(&absolute) {
                Ok(entries) => entries,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::io("read", &absolute, &error)),
            };
            for entry in entries {
                let entry = entry.map_err(|error| Error::io("read", &absolute, &error))?;
                let path = folder.join(entry.file_name());
                let inside = entry.path().canonicalize().is_ok_and(|real| real.starts_with(&self.directory));
                if !inside {
                    return Err(Error::input("leads out of the app directory").in_file(path).expected("files of the app itself"));
                }
                let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
                if entry.path().is_dir() {
                    if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                        return Err(Error::input("a link to a folder could lead in a circle").in_file(path).expected("a folder"));
                    }
                    open.push(path);
                } else if is_yaml {
                    let text = yaml::read(&entry.path()).map_err(|error| error.in_file(&path))?;
                    found.push((path, text));
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// The error with the place of `route` in app.yaml.
    pub(crate) fn locate(&self, error: Error, route: &[&str]) -> Error {
        let error = error.in_file(self.path()).field(route.join("."));
        match yaml::place(&self.text, route) {
            Some((line, column)) => error.at(line, column),
            None => error,
        }
    }
}
