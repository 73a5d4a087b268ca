//! The cluster itself: `generate platform` and `apply platform`. What differs between platforms is data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::app::{App, Rendered, edits, write_all};
use crate::catalog::{Catalog, Provision};
use crate::cluster::Target;
use crate::error::{Error, Result};
use crate::local::ProcessStatus;
use crate::render;

use super::{Session, local};

/// Renders the platform's files into rendered/platform/. Returns their paths below the app directory. What a hand has edited there
/// is used as it stands, as no overlay could say it.
pub(super) fn render(session: &Session, app: &App, catalog: &Catalog, discard_edits: bool) -> Result<Vec<PathBuf>> {
    let context = app.context(&[]);
    let files = &app.platform(catalog)?.files;
    let texts = files.iter().map(|template| {
        let name = template.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok((name, render::text(template, &context)?))
    });
    let texts = texts.collect::<Result<BTreeMap<_, _>>>()?;
    if texts.is_empty() {
        return Ok(Vec::new());
    }
    let paths = texts.keys().map(|name| Path::new("rendered/platform").join(name)).collect();
    let rendered = [Rendered::of_platform(texts)];
    let edits = if discard_edits { Vec::new() } else { edits(&app.directory, &rendered)? };
    let kept: Vec<_> = edits.iter().filter(|edit| edit.stands()).collect();
    if kept.is_empty() {
        write_all(&app.directory, &rendered)?;
        return Ok(paths);
    }
    for edit in kept {
        let file = edit.file.display();
        session.printer.note(format!("{file} was edited by hand and is used as it stands"));
    }
    session.printer.note("to make it anew: `kfctl generate platform --discard-edits`");
    Ok(Vec::new())
}

/// Makes the cluster where the platform makes one.
pub(super) async fn apply(session: &Session, app: &App, catalog: &Catalog) -> Result<()> {
    let platform = app.platform(catalog)?;
    let told = |state: &str, context: Option<&str>| {
        let document = serde_json::json!({"event": "platform", "platform": platform.name, "state": state, "context": context});
        session.printer.json(&document);
    };
    match &platform.provision {
        Provision::Existing => {
            told("existing", None);
            session.printer.note(format!("platform {}: the cluster is there already, nothing to do", platform.name));
            Ok(())
        }
        Provision::Local(_) => local::start(session, app).await,
        Provision::Tool(tool) => {
            render(session, app, catalog, false)?;
            let context = app.context(&[]);
            let words = |command: &[String]| command.iter().map(|word| render::word(word, &context)).collect::<Result<Vec<_>>>();
            let made = render::word(&tool.context, &context)?;
            if run_tool(&words(&tool.exists)?, app, &tool.install, true).await? {
                told("existing", Some(&made));
                session.printer.done(format!("the cluster of {} is there", app.file.name));
                return Ok(());
            }
            let create = words(&tool.create)?;
            session.printer.note(format!("running: {}", create.join(" ")));
            if run_tool(&create, app, &tool.install, false).await? {
                told("made", Some(&made));
                session.printer.done(format!("made the cluster of {}", app.file.name));
                return Ok(());
            }
            Err(Error::environment(format!("{} failed; its own words stand above", create.join(" "))))
        }
    }
}

async fn run_tool(command: &[String], app: &App, install: &str, silent: bool) -> Result<bool> {
    let Some((program, arguments)) = command.split_first() else { return Ok(false) };
    let mut process = tokio::process::Command::new(program);
    process.args(arguments).current_dir(&app.directory).stdin(std::process::Stdio::null());
    process.stdout(crate::ui::meanwhile());
    if silent {
        process.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    }
    match process.status().await {
        Ok(status) => Ok(status.success()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Error::environment(format!("{program} is not installed"))
                .hint(format!("get it from {install}, then run the same command again")))
        }
        Err(error) => Err(Error::environment(format!("cannot run {program}: {error}"))),
    }
}

/// The cluster that commands of this app talk to: the command line's, else the one its platform made, else the kubeconfig's.
pub(super) fn target(session: &Session, app: &App, catalog: &Catalog) -> Result<Target> {
    let mut target = session.target.clone();
    if session.names_a_cluster() {
        return Ok(target);
    }
    match &app.platform(catalog)?.provision {
        Provision::Existing => {}
        Provision::Tool(tool) => target.context = Some(render::word(&tool.context, &app.context(&[]))?),
        Provision::Local(_) => {
            let control_plane = local::control_plane(app)?;
            let kubeconfig = control_plane.kubeconfig();
            if !kubeconfig.exists() {
                return Err(
                    Error::environment("the cluster of this app does not exist yet").hint("make it: `kfctl apply platform`")
                );
            }
            // Without these two there is no answer, only silence.
            let needed = |process: &&ProcessStatus| matches!(process.name.as_str(), "etcd" | "kube-apiserver");
            let processes = control_plane.status()?;
            if let Some(process) = processes.iter().filter(needed).find(|process| process.state != "running") {
                return Err(Error::environment(format!(
                    "the cluster of this app is down: {} {}",
                    process.name,
                    match process.state {
                        "died" => "died",
                        _ => "is stopped",
                    }
                ))
                .hint("start it, with all its data: `kfctl local start`"));
            }
            target.kubeconfig = Some(kubeconfig);
        }
    }
    Ok(target)
}
