//! `kfctl component`: which components run, and the admin's own.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::{Session, one_of};
use crate::app::{App, ComponentEntry};
use crate::catalog::Catalog;
use crate::cli::Component;
use crate::digest;
use crate::error::{Error, ExitStatus, Result};
use crate::object;
use crate::sources::download;
use crate::ui::{Table, counted};
use crate::yaml;

pub(super) async fn run(session: &Session, command: &Component) -> Result<ExitStatus> {
    let (mut app, catalog) = (session.app()?, session.catalog()?);
    match command {
        Component::List => list(session, &app, &catalog)?,
        Component::Show { name } => show(session, &app, &catalog, name)?,
        Component::Add { name, from, sha256 } => add(session, &mut app, &catalog, name, from, sha256.as_deref()).await?,
        Component::Remove { name } => return remove(session, &mut app, &catalog, name),
        Component::Enable { name } => switch(session, &mut app, &catalog, name, true)?,
        Component::Disable { name } => switch(session, &mut app, &catalog, name, false)?,
    }
    Ok(ExitStatus::Done)
}

fn list(session: &Session, app: &App, catalog: &Catalog) -> Result<()> {
    let running = app.components(catalog)?;
    let own = app.own_components()?;
    let mut table = Table::new(&["COMPONENT", "RUNS", "ORIGIN", "DESCRIPTION"]);
    let mut names: Vec<String> = running.clone();
    let others = own.iter().cloned().chain(catalog.components().map(|component| component.name.clone()));
    names.extend(others.filter(|name| !running.contains(name)).collect::<std::collections::BTreeSet<_>>());
    for name in names {
        let runs = running.contains(&name);
        let (origin, description) = match catalog.find_component(&name) {
            Some(component) if !own.contains(&name) => ("built-in", component.description.clone()),
            _ => (
                "own",
                app.file
                    .components
                    .get(&name)
                    .and_then(|entry| entry.from.clone())
                    .map(|from| format!("from {from}"))
                    .unwrap_or_default(),
            ),
        };
        session.printer.json(&serde_json::json!({"component": name, "runs": runs, "origin": origin, "description": description}));
        table.row([name.as_str(), if runs { "yes" } else { "no" }, origin, &description]);
    }
    session.printer.table(&table);
    Ok(())
}

fn show(session: &Session, app: &App, catalog: &Catalog, name: &str) -> Result<()> {
    let running = app.components(catalog)?;
    let own = app.own_components()?.iter().any(|own| own == name);
    let component = catalog.find_component(name);
    if !own && component.is_none() {
        catalog.component(name)?;
    }
    let rendered = app.render(catalog, &[name.to_owned()])?.remove(0);
    let depends_on = component.filter(|_| !own).map(|component| component.depends_on.clone()).unwrap_or_default();
    let entry = app.file.components.get(name);
    session.printer.json(&serde_json::json!({
        "component": name, "runs": running.iter().any(|running| running == name), "dependsOn": depends_on,
        "from": entry.and_then(|entry| entry.from.clone()), "objects": rendered.objects.iter().map(|object| &object.id).collect::<Vec<_>>()}));
    let printer = &session.printer;
    let description = component.filter(|_| !own).map_or("your own manifests", |component| &component.description);
    printer.line(format!("{name}: {description}"));
    printer.line(format!("runs: {}", if running.iter().any(|running| running == name) { "yes" } else { "no" }));
    if !depends_on.is_empty() {
        printer.line(format!("depends on: {}", depends_on.join(", ")));
    }
    if let Some(from) = entry.and_then(|entry| entry.from.as_ref()) {
        printer.line(format!("from: {from}"));
    }
    printer.line(format!("objects: {}", rendered.objects.len()));
    rendered.objects.iter().for_each(|object| printer.line(format!("  {}", object.id)));
    Ok(())
}

fn switch(session: &Session, app: &mut App, catalog: &Catalog, name: &str, enabled: bool) -> Result<()> {
    if !app.own_components()?.iter().any(|own| own == name) {
        catalog.component(name)?;
    }
    let by_default = app.own_components()?.iter().any(|own| own == name)
        || app.platform(catalog)?.components.iter().any(|component| component == name);
    let mut entry = app.file.components.get(name).cloned().unwrap_or_default();
    entry.enabled = (enabled != by_default).then_some(enabled);
    let running = app.components(catalog)?;
    app.set_component(name, &entry)?;
    let printer = &session.printer;
    printer.json(&serde_json::json!({"component": name, "runs": enabled}));
    if enabled {
        printer.done(format!("component {name} runs"));
        let missing = catalog.find_component(name).map(|component| component.depends_on.clone()).unwrap_or_default();
        for need in missing.iter().filter(|need| !running.contains(need)) {
            printer.warn(format!("{name} depends on {need}, which does not run"));
        }
        printer.next(&[(&format!("kfctl apply k8s -c {name}"), "bring it to the cluster")]);
    } else {
        printer.done(format!("component {name} does not run"));
        for other in running
            .iter()
            .filter_map(|other| catalog.find_component(other))
            .filter(|other| other.depends_on.iter().any(|need| need == name))
        {
            printer.warn(format!("{} depends on {name}", other.name));
        }
        printer.next(&[("kfctl apply k8s", "bring the cluster to it; what is there already stays")]);
    }
    Ok(())
}

fn remove(session: &Session, app: &mut App, catalog: &Catalog, name: &str) -> Result<ExitStatus> {
    let own = app.own_components()?;
    one_of(&own, name).map_err(|_| {
        Error::usage(format!("{name:?} is no component of your own"))
            .nearest(name, own.iter().map(String::as_str))
            .hint("a built-in one can be disabled: `kfctl component disable NAME`")
    })?;
    // Overlays of no component are an error everywhere; those of a built-in one of the same name are still wanted.
    let overlays = app.directory.join("overlays").join(name).exists() && catalog.find_component(name).is_none();
    let also = if overlays { format!(" and overlays/{name}/") } else { String::new() };
    if !session.printer.confirm(&format!("Delete components/{name}/{also} from the app?"))? {
        session.printer.note("nothing was changed");
        return Ok(ExitStatus::Failed);
    }
    // app.yaml first: a folder without an entry can be removed again, an entry without a folder would be an error.
    app.set_component(name, &ComponentEntry::default())?;
    for folder in overlays.then_some("overlays").into_iter().chain(["rendered", "components"]) {
        app.remove_folder(folder, name)?;
    }
    session.printer.json(&serde_json::json!({"component": name, "removed": true}));
    session.printer.done(format!("removed component {name} from the app; the cluster is as it was"));
    session.printer.next(&[("kfctl apply k8s", "takes it out of the cluster too; asks first")]);
    Ok(ExitStatus::Done)
}

async fn add(session: &Session, app: &mut App, catalog: &Catalog, name: &str, from: &str, sha256: Option<&str>) -> Result<()> {
    if catalog.find_component(name).is_some() || app.own_components()?.iter().any(|own| own == name) {
        return Err(Error::usage(format!("there is a component {name} already"))
            .hint("choose another name, or `kfctl component remove` the old one first"));
    }
    let manifests = fetch(from, sha256).await?;
    let mut count = 0;
    for (file, text) in &manifests.files {
        count += object::parse(text, &manifests.origin.join(file))?.len();
    }
    if count == 0 {
        return Err(Error::input("there is no Kubernetes object in it").in_file(from).expected("manifests in YAML"));
    }
    // app.yaml last: a folder without it runs all the same, an entry without a folder would be an error.
    let entry = ComponentEntry { enabled: None, from: Some(from.to_owned()), sha256: manifests.sha256.clone() };
    app.set_component(name, &ComponentEntry::default())?;
    app.write_folder("components", name, &manifests.files)?;
    app.set_component(name, &entry)?;
    session.printer.json(&serde_json::json!({"component": name, "objects": count, "from": from, "sha256": manifests.sha256}));
    session.printer.done(format!("component {name}: {} in components/{name}/", counted(count, "object")));
    session.printer.next(&[
        ("kfctl generate k8s", "render it, to look at"),
        (&format!("kfctl apply k8s -c {name}"), "bring it to the cluster"),
    ]);
    Ok(())
}

/// Manifests as they came from somewhere.
struct Manifests {
    origin: PathBuf,
    files: Vec<(PathBuf, String)>,
    sha256: Option<String>,
}

async fn fetch(from: &str, sha256: Option<&str>) -> Result<Manifests> {
    let path = Path::new(from);
    if from.starts_with("http://") || from.starts_with("https://") {
        let url = from.to_owned();
        let bytes = tokio::task::spawn_blocking(move || download(&url))
            .await
            .map_err(|error| Error::environment(error.to_string()))??;
        let name = from.rsplit('/').next().and_then(|name| name.split(['?', '#']).next()).unwrap_or_default().to_owned();
        return single(from, &name, bytes, sha256);
    }
    if !path.is_dir() {
        let bytes = std::fs::read(path).map_err(|error| Error::io("read", path, &error))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        return single(from, &name, bytes, sha256);
    }
    if sha256.is_some() {
        return Err(Error::usage("--sha256 is for a file or a URL, and this is a directory"));
    }
    if ["kustomization.yaml", "kustomization.yml", "Kustomization"].iter().any(|name| path.join(name).exists()) {
        let text = kustomize(path).await?;
        return Ok(Manifests { origin: path.to_owned(), files: vec![("kustomize.yaml".into(), text)], sha256: None });
    }
    let mut files = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        let folder = path.join(&below);
        for entry in std::fs::read_dir(&folder).map_err(|error| Error::io("read", &folder, &error))? {
            let entry = entry.map_err(|error| Error::io("read", &folder, &error))?;
            let relative = below.join(entry.file_name());
            // A link to a folder is not followed: it could lead in a circle.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(relative);
            } else if !entry.path().is_dir()
                && relative.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
            {
                files.push((relative, yaml::read(&entry.path())?));
            }
        }
    }
    files.sort();
    Ok(Manifests { origin: path.to_owned(), files, sha256: None })
}

fn single(from: &str, name: &str, bytes: Vec<u8>, wanted: Option<&str>) -> Result<Manifests> {
    let sha256 = digest::sha256(&bytes);
    if let Some(wanted) = wanted.filter(|wanted| !wanted.eq_ignore_ascii_case(&sha256)) {
        return Err(Error::input(format!("has sha256 {sha256}"))
            .in_file(from)
            .expected(wanted.to_owned())
            .hint("it is not the file you mean, or it was changed; nothing was added"));
    }
    let (name, bytes) = match name.strip_suffix(".gz") {
        Some(inner) => (inner.to_owned(), unpack(bytes, from)?),
        None => (name.to_owned(), bytes),
    };
    let text = yaml::utf8(bytes, Path::new(from))?;
    let name = if name.ends_with(".yaml") || name.ends_with(".yml") { name } else { "manifests.yaml".to_owned() };
    Ok(Manifests {
        origin: Path::new(from).parent().unwrap_or(Path::new("")).to_owned(),
        files: vec![(name.into(), text)],
        sha256: Some(sha256),
    })
}

fn unpack(bytes: Vec<u8>, from: &str) -> Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice())
        .take(yaml::MAX_BYTES + 1)
        .read_to_end(&mut unpacked)
        .map_err(|error| Error::input(format!("is no gzip file: {error}")).in_file(from))?;
    if unpacked.len() as u64 > yaml::MAX_BYTES {
        return Err(Error::input("unpacks to too much").in_file(from).expected(format!("at most {} bytes", yaml::MAX_BYTES)));
    }
    Ok(unpacked)
}

async fn kustomize(folder: &Path) -> Result<String> {
    for (program, arguments) in [("kustomize", vec!["build"]), ("kubectl", vec!["kustomize"])] {
        let output = match tokio::process::Command::new(program).args(arguments).arg(folder).output().await {
            Ok(output) => output,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::environment(format!("cannot run {program}: {error}"))),
        };
        if output.status.success() {
            return yaml::utf8(output.stdout, folder);
        }
        let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Error::input(format!("{program} refuses it: {words}")).in_file(folder));
    }
    Err(Error::environment(format!("{} is a kustomization, and neither kustomize nor kubectl is installed", folder.display()))
        .hint("install kubectl, or name the output of `kustomize build` with --from FILE"))
}
