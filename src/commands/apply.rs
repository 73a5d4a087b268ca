//! `kfctl apply`: brings the cluster to what the app says.

use tokio::sync::mpsc::unbounded_channel;

use super::preparation::{Preparation, chosen};
use super::prune::{self, Pruned};
use super::{Session, diff, generate, local, platform};
use crate::app::{App, ClusterRecord};
use crate::apply::{self, Change, Events, Outcome, Report};
use crate::catalog::{Catalog, Provision};
use crate::cli;
use crate::error::{Error, ExitStatus, Result};
use crate::ui::{counted, listen};

pub(super) async fn run(session: &Session, arguments: &cli::Apply) -> Result<ExitStatus> {
    app(session, session.app()?, &session.catalog()?, arguments).await
}

/// Applies an app: its cluster, its objects, and on platform local the processes beside them.
pub(super) async fn app(session: &Session, mut app: App, catalog: &Catalog, arguments: &cli::Apply) -> Result<ExitStatus> {
    // Whatever is wrong with the words or the files is said before anything is started.
    let places = chosen(&app, catalog, &arguments.components)?;
    if arguments.dry_run {
        return diff::dry_run(session, &app, catalog, arguments).await;
    }
    if arguments.scope.has_platform() && session.names_a_cluster() && app.platform(catalog)?.provision != Provision::Existing {
        if !arguments.scope.has_objects() {
            let what = "`apply platform` makes the app's own cluster, and takes neither --kubeconfig nor --context";
            return Err(Error::usage(what).hint("leave them out, or bring the objects alone to that cluster: `kfctl apply k8s`"));
        }
        session.printer.note(format!("platform {} is left as it is: the command line names a cluster", app.file.platform));
    } else if arguments.scope.has_platform() {
        platform::apply(session, &app, catalog).await?;
    }
    if !arguments.scope.has_objects() {
        session.printer.next(&[("kfctl apply k8s", "bring the cluster to what the app says")]);
        return Ok(ExitStatus::Done);
    }
    let status = objects(session, &mut app, catalog, places, arguments).await?;
    // Beside another cluster the roles of the own one have no place.
    if status == ExitStatus::Done && !session.names_a_cluster() {
        local::start_roles(session, &app, catalog).await?;
    }
    Ok(status)
}

/// Applies the objects of the app to its cluster.
async fn objects(
    session: &Session,
    app: &mut App,
    catalog: &Catalog,
    places: Vec<(String, usize)>,
    arguments: &cli::Apply,
) -> Result<ExitStatus> {
    let render = |names: &[String]| generate::refresh(session, app, catalog, names, false);
    let preparation = Preparation::new(session, app, catalog, places, render, Some(arguments.timeout)).await?;
    preparation.check_fatal()?;
    let is_first = app.file.cluster.is_none();
    if is_first {
        let connection = &preparation.connection;
        session.printer.note(format!("This is the first apply of app {}. It will make or change:", app.file.name));
        session.printer.note(format!("  cluster   {} (context {})", connection.server, connection.context));
        for (component, objects) in &preparation.counts {
            session.printer.note(match preparation.asides.get(component) {
                Some(aside) => format!("  component {component}: left out, as {aside}"),
                None => format!("  component {component}: {}", counted(*objects, "object")),
            });
        }
        for edit in preparation.edits.iter().filter(|edit| edit.is_written(arguments.force_conflicts)) {
            session.printer.note(format!("  component {}: {}", edit.component, edit.place));
        }
        // A cluster that this app's platform made can be no other's.
        if !made_by_us(session, app, catalog)? && !session.printer.confirm("Go on?")? {
            session.printer.note("nothing was changed");
            return Ok(ExitStatus::Failed);
        }
    }
    // Where nothing can be written, the app belongs to no cluster yet.
    let name = app.file.name.clone();
    let record = || match app.file.cluster {
        Some(_) => Ok(()),
        None => {
            app.record_cluster(&ClusterRecord { uid: preparation.uid.clone(), server: preparation.connection.server.clone() })
        }
    };
    let (sender, receiver) = unbounded_channel();
    let listener = tokio::spawn(listen(session.printer.clone(), receiver, session.verbose));
    let report = apply::apply(&preparation.run(session, &name, arguments.settings(), Events::to(sender)), record).await;
    // The listener ends with its sender; its last line stands before the summary.
    let _ = listener.await;
    let report = report?;
    let pruned = match report.outcome() {
        Outcome::Done => prune::run(session, app, catalog, &preparation, &report, arguments).await?,
        _ => Pruned { left: report.left_over.clone(), ..Pruned::default() },
    };
    let brought: Vec<&str> = preparation.counts.iter().map(|(component, _)| component.as_str()).collect();
    summary(session, arguments, &report, &pruned, if is_first { &brought } else { &[] });
    Ok(outcome(&report, &pruned).into())
}

/// Whether the cluster is the one that kfctl made for this app.
fn made_by_us(session: &Session, app: &App, catalog: &Catalog) -> Result<bool> {
    Ok(!session.names_a_cluster() && matches!(app.platform(catalog)?.provision, Provision::Local(_)))
}

/// How it ended, the pruning too.
fn outcome(report: &Report, pruned: &Pruned) -> Outcome {
    match report.outcome() {
        Outcome::Done => pruned.removed.outcome(),
        outcome => outcome,
    }
}

/// `first` are the components of a first apply: what people can do with them is said once.
fn summary(session: &Session, arguments: &cli::Apply, report: &Report, pruned: &Pruned, first: &[&str]) {
    let printer = &session.printer;
    let outcome = outcome(report, pruned);
    printer.json(&serde_json::json!({
        "event": "summary",
        "exitCode": ExitStatus::from(outcome) as u8,
        "created": report.count(Change::Created),
        "configured": report.count(Change::Configured),
        "unchanged": report.count(Change::Unchanged),
        "problems": report.problems,
        "unready": report.unready,
        "postponed": report.postponed,
        "leftOver": pruned.left,
        "passwords": report.passwords.iter().map(|password| &password.user).collect::<Vec<_>>(),
        "pruned": { "deleted": pruned.removed.deleted, "kept": pruned.removed.kept, "unready": pruned.removed.unready, "problems": pruned.removed.problems },
    }));
    let mut counts = format!(
        "{} created, {} configured, {} unchanged",
        report.count(Change::Created),
        report.count(Change::Configured),
        report.count(Change::Unchanged)
    );
    if !pruned.removed.deleted.is_empty() {
        counts = format!("{counts}, {} deleted", pruned.removed.deleted.len());
    }
    prune::report(session, pruned);
    diff::show(printer, &report.problems);
    for unready in &report.unready {
        printer.warn(format!("{} is not ready: {}", unready.object, unready.reason));
    }
    for postponed in &report.postponed {
        printer.warn(format!("{} is left for the next run: {}", postponed.object, postponed.reason));
    }
    let command = |verb: &str| prune::command(verb, &arguments.components);
    let (status, again) = (command("status"), command("apply k8s"));
    let status = (status.as_str(), "what runs, and what does not");
    let shown =
        report.passwords.iter().filter(|password| printer.secret(&format!("password of {}", password.user), &password.password));
    if shown.count() < report.passwords.len() {
        printer.note("a password was made, and is shown on a terminal alone: `kfctl auth rotate-password` makes another there");
    }
    match outcome {
        Outcome::Done => {
            printer.done(counts);
            let mut next = vec![status];
            let starts = [
                (first.contains(&"auth"), "kfctl open", "Kubeflow in a browser"),
                (!report.passwords.is_empty(), "kfctl auth user add EMAIL", "lets somebody else log in"),
                (first.contains(&"profiles"), "kfctl profile create NAME --user EMAIL", "a namespace for somebody"),
            ];
            next.extend(starts.into_iter().filter(|(is_there, ..)| *is_there).map(|(_, command, why)| (command, why)));
            if !report.passwords.is_empty() {
                next.push(("kfctl auth rotate-password", "makes another password, on a terminal"));
            }
            if !pruned.left.is_empty() {
                next.push((&pruned.command, "deletes what is no longer part of the app"));
            }
            printer.next(&next);
        }
        Outcome::Refused if !report.wrote => printer.note("nothing was written"),
        Outcome::Refused => {
            printer.note(format!("stopped: {counts}"));
            printer.next(&[(&again, "goes on from here once that is mended")]);
        }
        Outcome::NotReady => {
            printer.note(format!("written, but not all of it is ready: {counts}"));
            printer.next(&[status, (&again, "waits again")]);
        }
        Outcome::Interrupted => {
            printer.note(format!("interrupted: {counts}; nothing is half-written"));
            printer.next(&[(&again, "goes on from here")]);
        }
    }
}
