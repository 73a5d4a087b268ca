//! `kfctl doctor`: what is wrong with the cluster, with your rights in it and with the app there, and what to do. Writes nothing.

use super::preparation::{Preparation, chosen};
use super::{Session, local, platform};
use crate::app::App;
use crate::apply::{Events, Installation, Need, Settings, Subject};
use crate::catalog::{Catalog, Provision};
use crate::cluster::Connection;
use crate::doctor::{AppFacts, Facts, Finding, Level, examine};
use crate::error::{ExitStatus, Kind, Result};
use crate::mesh::NAMESPACE;
use crate::ui::Printer;

pub(super) async fn run(session: &Session) -> Result<ExitStatus> {
    let printer = &session.printer;
    let app = match session.app() {
        Ok(app) => Some(app),
        Err(error) if error.kind() == Kind::Usage => {
            printer.note("there is no app here: the cluster alone is checked");
            None
        }
        Err(error) => return Err(error),
    };
    let catalog = session.catalog()?;
    let mut findings = Vec::new();
    if let Some(app) = &app {
        findings.extend(processes(app, &catalog)?);
    }
    match Box::pin(cluster(session, app.as_ref(), &catalog)).await {
        Ok(found) => findings.extend(found),
        Err(finding) => findings.push(finding),
    }
    for finding in &findings {
        show(printer, finding);
    }
    let worst = findings.iter().map(|finding| finding.level).max();
    Ok(if worst == Some(Level::Fail) { ExitStatus::Failed } else { ExitStatus::Done })
}

/// A finding, as a line and what to do.
pub(super) fn show(printer: &Printer, finding: &Finding) {
    printer.json(finding);
    printer.verdict(finding.level.word(), finding.check, &finding.found, finding.to_do.as_deref());
}

/// The control plane of platform local.
fn processes(app: &App, catalog: &Catalog) -> Result<Option<Finding>> {
    if !matches!(catalog.platform(&app.file.platform)?.provision, Provision::Local(_)) {
        return Ok(None);
    }
    let processes = local::control_plane(app)?.status()?;
    let still: Vec<String> = processes
        .iter()
        .filter(|process| process.state != "running")
        .map(|process| format!("{} ({})", process.name, process.state))
        .collect();
    Ok(Some(if still.is_empty() {
        let level = Level::Ok;
        Finding {
            check: "processes",
            level,
            found: format!("all {} processes of this machine run", processes.len()),
            to_do: None,
        }
    } else {
        let to_do = "`kfctl local start` starts them; `kfctl local logs PROCESS` says why one died";
        Finding::fail("processes", format!("not running: {}", still.join(", ")), to_do)
    }))
}

/// Checks the cluster, and the app in it; a finding as the error where there is no cluster to talk to.
async fn cluster(session: &Session, app: Option<&App>, catalog: &Catalog) -> Result<Vec<Finding>, Finding> {
    let unreachable = |error| Finding::of_error("server", &error);
    let target = match app {
        Some(app) => platform::target(session, app, catalog).map_err(unreachable)?,
        None => session.target.clone(),
    };
    let connection = Connection::open(&target).await.map_err(unreachable)?;
    connection.uid().await.map_err(unreachable)?;
    let found = format!("{} answers (context {})", connection.server, connection.context);
    let mut findings = vec![Finding { check: "server", level: Level::Ok, found, to_do: None }];
    let namespace = app.map_or(NAMESPACE, |app| &app.file.namespace);
    let mut facts = Box::pin(Facts::gather(&connection, namespace)).await;
    if let Some(app) = app {
        match app_facts(session, app, catalog).await {
            Ok(found) => facts.app = Some(found),
            Err(error) => findings.push(Finding::of_error("app", &error)),
        }
    }
    findings.extend(examine(&facts));
    Ok(findings)
}

async fn app_facts(session: &Session, app: &App, catalog: &Catalog) -> Result<AppFacts> {
    let places = chosen(app, catalog, &[])?;
    let preparation = Preparation::new(session, app, catalog, places, |names| app.render(catalog, names), None).await?;
    let settings = Settings { timeout: std::time::Duration::ZERO, wait: false, force_conflicts: false };
    let run = preparation.run(session, &app.file.name, settings, Events::nowhere());
    let connection = &preparation.connection;
    let discovery = std::sync::Arc::clone(&preparation.discovery);
    let subject = Subject { connection, discovery, app: &app.file.name, components: &[], run: Some(&run) };
    let installation =
        Installation::read(subject).await.map_err(|failure| connection.explain(&failure, "read what the app has there"))?;
    let members = &preparation.plan.members;
    let mut facts = AppFacts::of(members, installation.components());
    facts.edits.clone_from(&preparation.edits);
    facts.notebook_host = notebook_host(app, catalog)?;
    facts.missing = preparation.rights.as_ref().map(|rights| {
        let needs = members.iter().map(|member| Need::to_write(member, false)).chain([Need::inventories()]);
        (rights.missing(needs), rights.is_certain())
    });
    Ok(facts)
}

/// The name that users' content has for itself, or none; nothing where there are no notebooks, or no gateway of ours.
fn notebook_host(app: &App, catalog: &Catalog) -> Result<Option<String>> {
    let components = app.components(catalog)?;
    if !["auth", "notebooks"].iter().all(|name| components.iter().any(|component| component == name)) {
        return Ok(None);
    }
    let settings = app.settings(catalog.component("auth")?, app.platform(catalog)?)?;
    let own = settings.iter().find(|setting| setting.parameter.name == "notebookHost");
    Ok(own.map(|setting| setting.value.as_str().unwrap_or_default().to_owned()))
}
