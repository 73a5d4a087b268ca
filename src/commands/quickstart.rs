//! `kfctl quickstart`: a Kubeflow on this machine, from nothing. Run again, it continues.

use std::path::{Path, PathBuf};

use super::{Session, apply, init, local, pasted};
use crate::app::{APP_FILE, App};
use crate::cli;
use crate::error::{Error, ExitStatus, Result};

pub(super) async fn run(session: &Session, directory: &Path) -> Result<ExitStatus> {
    // It touches only the cluster it makes, whatever the command line or the environment name.
    if session.names_a_cluster() {
        return Err(Error::usage("quickstart makes a cluster of its own and takes neither --kubeconfig nor --context")
            .hint("for a cluster that is there: `kfctl init DIRECTORY`, then `kfctl apply k8s`"));
    }
    let catalog = session.catalog()?;
    let app = if directory.join(APP_FILE).is_file() {
        session.printer.note(format!("{} is an app already; going on with it", directory.display()));
        App::load(&directory.canonicalize().map_err(|error| Error::io("read", directory, &error))?)?
    } else {
        let settings = init::Settings {
            directory: directory.to_owned(),
            platform: "local".to_owned(),
            namespace: "kubeflow".to_owned(),
            name: None,
            set: Vec::new(),
        };
        let app = init::create(session, &settings)?;
        session.printer.json(&serde_json::json!({"app": app.file.name, "directory": directory, "platform": app.file.platform}));
        session.printer.done(format!("made app {} in {}", app.file.name, directory.display()));
        app
    };
    if app.file.platform != "local" {
        return Err(Error::usage(format!("the app in {} is on platform {}", directory.display(), app.file.platform))
            .hint("quickstart is for platform local; go on there with `kfctl apply`"));
    }
    let arguments = cli::Apply {
        scope: cli::Scope::All,
        components: Vec::new(),
        no_wait: false,
        timeout: std::time::Duration::from_mins(10),
        force_conflicts: false,
        prune: cli::Prune::Ask,
        sources: None,
        dry_run: false,
    };
    // What to type next is said once, at the end, and from the directory that is typed in.
    let within = Session { printer: session.printer.clone().without_next(), ..session.clone() };
    let status = apply::app(&within, app.clone(), &catalog, &arguments).await?;
    if status != ExitStatus::Done {
        let again = format!("kfctl quickstart {}", pasted(directory));
        session.printer.next(&[(&again, "goes on from here")]);
        return Ok(status);
    }
    let control_plane = local::control_plane(&app)?;
    session.printer.line("");
    local::status(&session.printer, &control_plane)?;
    let change_directory = format!("cd {}", pasted(directory));
    let export = format!("export KUBECONFIG={}", pasted(&control_plane.kubeconfig()));
    let path = unreachable_by_name().map(|folder| format!("export PATH={}:$PATH", pasted(&folder)));
    let mut next: Vec<(&str, &str)> =
        path.iter().map(|path| (path.as_str(), "so that this kfctl is found by its name")).collect();
    next.extend([
        (change_directory.as_str(), ""),
        (&export, "so that kubectl talks to this cluster"),
        ("kubectl get namespaces", "kubeflow and kubeflow-system are there"),
        ("kfctl open", "the web UI in a browser; who you are is chosen there"),
        ("kfctl param list", "what can be set"),
        ("kfctl local stop", "stops everything; nothing is lost"),
    ]);
    session.printer.next(&next);
    Ok(ExitStatus::Done)
}

/// The folder of this very program, where PATH does not name it: as after `cargo run`.
fn unreachable_by_name() -> Option<PathBuf> {
    let folder = std::env::current_exe().ok()?.parent()?.to_owned();
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(|known| known == folder);
    (!found).then_some(folder)
}
