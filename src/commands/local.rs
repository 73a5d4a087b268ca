//! `kfctl local`: the control plane of platform local, and `apply platform` there.

use std::collections::BTreeMap;

use super::{Session, pasted};
use crate::app::App;
use crate::apply::Inventory;
use crate::catalog::{Catalog, Provision, Role};
use crate::cli::Local;
use crate::digest::sha256;
use crate::directories::{cache_directory, state_directory};
use crate::error::{Error, ExitStatus, Result};
use crate::local::{Binaries, ControlPlane, Options, start_role, stop_role};
use crate::ui::{Printer, Table};

pub(super) async fn run(session: &Session, command: &Local) -> Result<ExitStatus> {
    let (app, catalog) = (session.app()?, session.catalog()?);
    if roles(&app, &catalog)?.is_none() {
        return Err(Error::usage(format!(
            "this app is on platform {}, and `kfctl local` is for platform local",
            app.file.platform
        ))
        .hint("make another with `kfctl init DIRECTORY --platform local`"));
    }
    let control_plane = control_plane(&app)?;
    let printer = &session.printer;
    match command {
        Local::Start => {
            start(session, &app).await?;
            start_roles(session, &app, &catalog).await?;
        }
        Local::Stop => {
            control_plane.stop().await?;
            printer.json(&serde_json::json!({"app": app.file.name, "state": "stopped"}));
            printer.done("stopped; all data is kept");
            printer.next(&[("kfctl local start", "starts it again")]);
        }
        Local::Status => return status(printer, &control_plane),
        Local::Logs { process: Some(process) } => {
            let lines = control_plane.last_lines(process, 50)?;
            if lines.is_empty() {
                printer.note(format!("{process} has logged nothing yet"));
            }
            for line in lines {
                printer.json(&serde_json::json!({"process": process, "line": line}));
                printer.line(line);
            }
        }
        Local::Logs { process: None } => status(printer, &control_plane).map(drop)?,
        Local::Reset => {
            if !printer.confirm(&format!("Delete the cluster of {} with all that is in it?", app.file.name))? {
                printer.note("nothing was changed");
                return Ok(ExitStatus::Failed);
            }
            control_plane.reset().await?;
            // The next cluster will be another one.
            let mut app = app;
            app.forget_cluster()?;
            printer.json(&serde_json::json!({"app": app.file.name, "state": "deleted"}));
            printer.done("the cluster and its data are gone; the app directory is as it was");
            printer.next(&[("kfctl apply", "makes a new one")]);
        }
    }
    Ok(ExitStatus::Done)
}

/// The roles of platform local; `None` on other platforms.
fn roles<'a>(app: &App, catalog: &'a Catalog) -> Result<Option<&'a [Role]>> {
    Ok(match &app.platform(catalog)?.provision {
        Provision::Local(roles) => Some(roles),
        _ => None,
    })
}

/// The control plane of this app: one for each app directory.
pub(super) fn control_plane(app: &App) -> Result<ControlPlane> {
    let hash = sha256(app.directory.as_os_str().as_encoded_bytes());
    Ok(ControlPlane::new(&state_directory()?, &format!("{}-{}", app.file.name, &hash[..8])))
}

/// Starts it, and says how to use it.
pub(super) async fn start(session: &Session, app: &App) -> Result<()> {
    let control_plane = control_plane(app)?;
    let printer = &session.printer;
    let report = |text: &str| printer.note(text);
    let binaries = Binaries::find_or_build(&cache_directory()?, &report).await?;
    let options = Options { unsafe_no_fsync: std::env::var_os("KFCTL_LOCAL_NO_FSYNC").is_some() };
    control_plane.start(&binaries, options, &report).await?;
    printer.json(&serde_json::json!({
        "event": "platform", "platform": app.file.platform, "state": "running",
        "kubeconfig": control_plane.kubeconfig(), "context": control_plane.context()}));
    printer.done(format!("the control plane of {} runs", app.file.name));
    printer.line(format!("  export KUBECONFIG={}", pasted(&control_plane.kubeconfig())));
    Ok(())
}

/// Starts the roles whose component is in the cluster.
pub(super) async fn start_roles(session: &Session, app: &App, catalog: &Catalog) -> Result<()> {
    let Some(roles) = roles(app, catalog)? else { return Ok(()) };
    let control_plane = control_plane(app)?;
    let deployed = inventories(&control_plane, app).await?;
    let printer = &session.printer;
    for role in roles.iter().filter(|role| runs(&deployed, role)) {
        start_role(&control_plane, role, &|text| printer.note(text)).await?;
    }
    Ok(())
}

/// A component of which only users' data is left has no service account for its role.
fn runs(deployed: &BTreeMap<String, Inventory>, role: &Role) -> bool {
    deployed.get(&role.component).is_some_and(|inventory| inventory.group_kinds.contains("ServiceAccount"))
}

/// Stops the roles whose component is no longer in the cluster.
pub(super) async fn stop_roles(app: &App, catalog: &Catalog) -> Result<()> {
    let Some(roles) = roles(app, catalog)? else { return Ok(()) };
    let control_plane = control_plane(app)?;
    let deployed = inventories(&control_plane, app).await?;
    for role in roles.iter().filter(|role| !runs(&deployed, role)) {
        stop_role(&control_plane, role).await?;
    }
    Ok(())
}

async fn inventories(control_plane: &ControlPlane, app: &App) -> Result<BTreeMap<String, Inventory>> {
    let connection = control_plane.connect().await?;
    crate::apply::inventories(&connection, &app.file.name).await.map_err(|failure| Error::cluster(failure.message))
}

/// Exit status 0 where all runs, else 1.
pub(super) fn status(printer: &Printer, control_plane: &ControlPlane) -> Result<ExitStatus> {
    let processes = control_plane.status()?;
    let mut table = Table::new(&["PROCESS", "STATE", "PID", "ADDRESS", "LOG"]);
    for process in &processes {
        printer.json(process);
        let pid = process.pid.map(|pid| pid.to_string()).unwrap_or_default();
        let address = process.address.as_deref().unwrap_or_default();
        table.row([process.name.as_str(), process.state, &pid, address, &process.log.display().to_string()]);
    }
    printer.table(&table);
    for died in processes.iter().filter(|process| process.state == "died") {
        printer.warn(format!("{} died; `kfctl local start` starts it again", died.name));
    }
    Ok(if processes.iter().all(|process| process.state == "running") { ExitStatus::Done } else { ExitStatus::Failed })
}
