//! `kfctl init`: makes an app directory.

use std::path::PathBuf;

use super::{Session, pasted};
use crate::app::{App, AppFile};
use crate::error::{Error, ExitStatus, Result};

/// What `init` was told.
#[derive(Debug)]
pub(super) struct Settings {
    /// The directory to make.
    pub directory: PathBuf,
    /// The platform.
    pub platform: String,
    /// Namespace of Kubeflow's components.
    pub namespace: String,
    /// Name of the app, where it is not the directory's.
    pub name: Option<String>,
    /// `COMPONENT.PARAM=VALUE`.
    pub set: Vec<String>,
}

pub(super) fn run(session: &Session, settings: &Settings) -> Result<ExitStatus> {
    let app = create(session, settings)?;
    let catalog = session.catalog()?;
    let (components, lacking) = (app.components(&catalog)?, app.lacking(&catalog)?);
    let names: Vec<String> = lacking.iter().map(|(component, parameter)| format!("{component}.{}", parameter.name)).collect();
    session.printer.json(&serde_json::json!({"app": app.file.name, "directory": settings.directory,
        "platform": app.file.platform, "components": components, "required": names}));
    let shown = settings.directory.display();
    let brings = components.join(", ");
    session.printer.done(format!("app {} on platform {} is in {shown}, with {brings}", app.file.name, app.file.platform));
    let change_directory = format!("cd {}", pasted(&settings.directory));
    let sets: Vec<String> =
        lacking.iter().map(|(component, parameter)| format!("kfctl param set {component} {} …", parameter.name)).collect();
    let mut next = vec![(change_directory.as_str(), "")];
    next.extend(sets.iter().zip(&lacking).map(|(set, (_, parameter))| (set.as_str(), parameter.meaning())));
    next.extend([
        ("kfctl generate k8s", "render the manifests into rendered/, to look at"),
        ("kfctl apply k8s", "bring the cluster to it"),
    ]);
    session.printer.next(&next);
    Ok(ExitStatus::Done)
}

pub(super) fn create(session: &Session, settings: &Settings) -> Result<App> {
    let catalog = session.catalog()?;
    let platform = catalog.platform(&settings.platform)?;
    let name = match &settings.name {
        Some(name) => name.clone(),
        None => directory_name(&settings.directory)?,
    };
    // All is checked before the directory is made.
    let mut values = Vec::new();
    for text in &settings.set {
        let (component, parameter, value) = split(text)?;
        let parsed = catalog
            .component(component)?
            .parameter(parameter)?
            .parse(value)
            .map_err(|error| Error::usage(error.to_string()).field(format!("{component}.{parameter}")))?;
        if let Some(note) = &parsed.note {
            session.printer.note(note);
        }
        values.push((component, parameter, parsed.value));
    }
    let mut app = App::create(&settings.directory, &AppFile::new(&name, &platform.name, &settings.namespace)?)?;
    for (component, parameter, value) in values {
        app.set_parameter(component, parameter, &value)?;
    }
    Ok(app)
}

fn split(text: &str) -> Result<(&str, &str, &str)> {
    let parts = text
        .split_once('=')
        .and_then(|(name, value)| name.split_once('.').map(|(component, parameter)| (component, parameter, value)));
    parts.ok_or_else(|| {
        Error::usage(format!("{text:?} sets nothing"))
            .field("--set")
            .expected("COMPONENT.PARAM=VALUE, such as profiles.maxCpu=100")
    })
}

fn directory_name(directory: &std::path::Path) -> Result<String> {
    let here = std::env::current_dir().map_err(|error| Error::environment(format!("there is no current directory: {error}")))?;
    let mut absolute = here;
    for part in directory.components() {
        match part {
            std::path::Component::ParentDir => {
                absolute.pop();
            }
            std::path::Component::CurDir => {}
            other => absolute.push(other),
        }
    }
    Ok(absolute.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
}
