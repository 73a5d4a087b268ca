//! `kfctl status`: what the app has in the cluster, whether it is ready, what others did to it, and whether people can come in.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::preparation::{Preparation, chosen};
use super::{Session, prune};
use crate::apply::{
    ComponentState, Difference, Drift, Edit, Events, Installation, Manager, ObjectState, Settings, State, Subject,
};
use crate::cli;
use crate::cluster::{Connection, Discovery};
use crate::doctor::{self, Finding, Level};
use crate::error::{Error, ExitStatus, Result};
use crate::mesh::GATEWAY;
use crate::object::ObjectId;
use crate::ui::{Printer, Table, reader_left};

/// Fields that are named for an object; `-v` names them all.
const FIELDS: usize = 3;

pub(super) async fn run(session: &Session, arguments: &cli::Status) -> Result<ExitStatus> {
    if let Some(name) = &arguments.app {
        let connection = Connection::open(&session.target).await?;
        connection.uid().await?;
        let discovery =
            Discovery::read(&connection).await.map_err(|failure| connection.explain(&failure, "read what it serves"))?;
        let discovery = Arc::new(discovery);
        let subject = Subject { connection: &connection, discovery, app: name, components: &arguments.components, run: None };
        return show(session, arguments, subject).await;
    }
    let app = session.app().map_err(|error| error.hint("without the directory: `kfctl status --app NAME`"))?;
    let catalog = session.catalog()?;
    // A component that left the app may still be in the cluster: only what is in neither is a mistake.
    let running = app.components(&catalog)?;
    let chosen_here: Vec<String> = running.into_iter().filter(|name| arguments.components.contains(name)).collect();
    let none_here = chosen_here.is_empty() && !arguments.components.is_empty();
    let places = if none_here { Vec::new() } else { chosen(&app, &catalog, &chosen_here)? };
    let preparation = Preparation::new(session, &app, &catalog, places, |names| app.render(&catalog, names), None).await?;
    let settings = Settings { timeout: std::time::Duration::ZERO, wait: false, force_conflicts: false };
    let run = preparation.run(session, &app.file.name, settings, Events::nowhere());
    let subject = Subject {
        connection: &preparation.connection,
        discovery: Arc::clone(&preparation.discovery),
        app: &app.file.name,
        components: &arguments.components,
        run: Some(&run),
    };
    show(session, arguments, subject).await
}

async fn show(session: &Session, arguments: &cli::Status, subject: Subject<'_>) -> Result<ExitStatus> {
    let printer = &session.printer;
    let (connection, app) = (subject.connection, subject.app);
    let known = subject.run.is_some();
    let edits = subject.run.map_or(&[][..], |run| run.edits);
    let mend = known.then_some(arguments.components.as_slice());
    let explain = |failure| connection.explain(&failure, "read what the app has there");
    let installation = Installation::read(subject).await.map_err(explain)?;
    let components = installation.components();
    for name in &arguments.components {
        if !components.iter().any(|state| state.component == *name) {
            return Err(Error::usage(format!("app {app} has no component {name:?}, neither here nor in the cluster"))
                .hint("`kfctl status` without -c shows what there is"));
        }
    }
    if installation.is_empty() && !arguments.watch {
        printer.note(format!("app {app} has nothing in {}", connection.server));
        if known {
            printer.next(&[("kfctl apply k8s", "bring the cluster to what the app says")]);
        }
    }
    if !arguments.watch {
        for component in &components {
            printer.json(component);
        }
        let findings = way_in(connection, &components, edits).await;
        if !installation.is_empty() {
            report(session, &components, &findings, mend);
        }
        return Ok(status_of(&components, &findings));
    }
    let mut shown: Vec<ComponentState> = Vec::new();
    let changed = |now: &[ComponentState]| {
        changes(session, &shown, now, mend);
        shown = now.to_vec();
    };
    let mut stop = session.stop.clone();
    tokio::select! {
        ended = installation.watch(changed, |why| printer.warn(format!("the watch broke and is tried again: {why}"))) => ended.map_err(explain)?,
        _ = stop.wait_for(|stop| *stop) => {}
        () = reader_left() => {}
    }
    Ok(status_of(&shown, &[]))
}

/// Whether people can come in, where one of these components brings the gateway.
async fn way_in(connection: &Connection, components: &[ComponentState], edits: &[Edit]) -> Vec<Finding> {
    let objects = components.iter().flat_map(|component| &component.objects);
    let gateway = objects.map(|state| &state.object).find(|id| id.is("networking.istio.io", "Gateway") && id.name == GATEWAY);
    match gateway {
        Some(gateway) => doctor::way_in(connection, &gateway.namespace, edits).await,
        None => Vec::new(),
    }
}

fn status_of(components: &[ComponentState], way_in: &[Finding]) -> ExitStatus {
    let ready = components.iter().all(|component| component.ready == component.total);
    let closed = way_in.iter().any(|finding| finding.level == Level::Fail);
    if ready && !closed { ExitStatus::Done } else { ExitStatus::NotReady }
}

/// Everything as a table, then what is not well. `mend` names the components that an apply from here would bring to order.
fn report(session: &Session, components: &[ComponentState], way_in: &[Finding], mend: Option<&[String]>) {
    let printer = &session.printer;
    let mut table = Table::new(&["COMPONENT", "READY", "CHANGED", "APPLIED BY"]);
    for state in components {
        let drifted = state.objects.iter().filter(|object| !object.drift.is_empty() || object.left_over).count();
        table.row([
            state.component.clone(),
            format!("{}/{}", state.ready, state.total),
            if drifted == 0 { "-".to_owned() } else { drifted.to_string() },
            state.version.clone().unwrap_or_else(|| "not applied yet".to_owned()),
        ]);
    }
    printer.table(&table);
    if session.verbose {
        objects(printer, components);
    }
    let fields = if session.verbose { usize::MAX } else { FIELDS };
    let section = |title: &str, of: &dyn Fn(&ObjectState) -> Option<String>| {
        let all = components.iter().flat_map(|component| component.objects.iter().map(|object| (&component.component, object)));
        let lines: Vec<String> =
            all.filter_map(|(component, object)| Some(format!("  {component}: {}: {}", object.object, of(object)?))).collect();
        if !lines.is_empty() {
            printer.line(format!("\n{title}:"));
            for line in &lines {
                printer.line(line);
            }
        }
        !lines.is_empty()
    };
    let unready = section("Not ready", &|object| (object.state != State::Ready).then(|| in_words(&object.state)));
    let is = |drift: &Drift, outdated: bool| (drift.difference == Difference::Outdated) == outdated;
    let changed = section("Changed since they were applied", &|object| {
        drifts(object.drift.iter().filter(|drift| is(drift, false)), fields)
    });
    let outdated = section("Not applied yet", &|object| drifts(object.drift.iter().filter(|drift| is(drift, true)), fields));
    let left_over = section("No longer part of the app", &|object| object.left_over.then(|| "still in the cluster".to_owned()));
    section("Others keep fields of", &|object| others(&object.managers, fields));
    if !way_in.is_empty() {
        printer.line("\nThe way in:");
        for finding in way_in {
            super::doctor::show(printer, finding);
        }
    }
    if let Some(chosen) = mend.filter(|_| changed || outdated || left_over) {
        printer.next(&[
            (&prune::command("diff", chosen), "what differs, field by field"),
            (&prune::command("apply k8s", chosen), "bring the cluster to what the app says"),
        ]);
    } else if unready {
        let watch = format!("{} --watch", prune::command("status", mend.unwrap_or_default()));
        printer.next(&[(&watch, "see it change"), ("kfctl doctor", "look for a cause in the cluster")]);
    }
}

/// Every object.
fn objects(printer: &Printer, components: &[ComponentState]) {
    let mut table = Table::new(&["COMPONENT", "OBJECT", "STATE", "IMAGES"]);
    for component in components {
        for object in &component.objects {
            let images = object.images.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            table.row([component.component.clone(), object.object.to_string(), in_words(&object.state), images]);
        }
    }
    printer.line("");
    printer.table(&table);
}

fn in_words(state: &State) -> String {
    match state {
        State::Ready => "ready".to_owned(),
        State::Missing => "it is not in the cluster, or not labelled as part of the app".to_owned(),
        State::Progressing(reason) => reason.clone(),
        State::Failed(reason) => format!("failed: {reason}"),
    }
}

fn some(all: Vec<String>, most: usize, between: &str) -> String {
    let more = all.len().saturating_sub(most);
    let shown = all.into_iter().take(most).collect::<Vec<_>>().join(between);
    if more == 0 { shown } else { format!("{shown}{between}and {more} more") }
}

fn drifts<'a>(drifts: impl Iterator<Item = &'a Drift>, most: usize) -> Option<String> {
    let lines: Vec<String> = drifts
        .map(|drift| match drift.difference {
            Difference::Taken => format!("{} was changed by {}", drift.field, drift.managers.join(" and ")),
            Difference::Missing => format!("{} is missing", drift.field),
            Difference::Outdated => format!("{} differs", drift.field),
        })
        .collect();
    (!lines.is_empty()).then(|| some(lines, most, "; "))
}

fn others(managers: &[Manager], most: usize) -> Option<String> {
    let lines: Vec<String> =
        managers.iter().map(|manager| format!("{} keeps {}", manager.name, some(manager.fields.clone(), most, ", "))).collect();
    (!lines.is_empty()).then(|| lines.join("; "))
}

/// What changed, as lines; drawn anew on a terminal.
fn changes(session: &Session, before: &[ComponentState], now: &[ComponentState], mend: Option<&[String]>) {
    let printer = &session.printer;
    for state in now.iter().filter(|state| !before.contains(state)) {
        printer.json(state);
    }
    if printer.redraw() || before.is_empty() {
        report(session, now, &[], mend);
        return;
    }
    let by_id = |states: &[ComponentState]| -> BTreeMap<ObjectId, ObjectState> {
        let objects = states.iter().flat_map(|state| &state.objects);
        objects.map(|object| (object.object.clone(), object.clone())).collect()
    };
    let (before, now) = (by_id(before), by_id(now));
    for (id, object) in &now {
        let old = before.get(id);
        if old.map(|old| &old.state) != Some(&object.state) {
            printer.line(format!("{id}: {}", in_words(&object.state)));
        }
        if let Some(drift) = drifts(object.drift.iter(), FIELDS)
            && old.is_none_or(|old| old.drift != object.drift)
        {
            printer.line(format!("{id}: {drift}"));
        }
    }
    for id in before.keys().filter(|id| !now.contains_key(id)) {
        printer.line(format!("{id}: gone"));
    }
}
