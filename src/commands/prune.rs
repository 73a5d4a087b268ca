//! Pruning: after an apply, what left the app goes, after a look.

use std::collections::HashSet;

use super::preparation::Preparation;
use super::{Session, removal};
use crate::app::App;
use crate::apply::{self, Inventory, Kept, Removal, Removed, Report, Scope};
use crate::catalog::Catalog;
use crate::cli;
use crate::cluster::Discovery;
use crate::error::Result;
use crate::object::{Object, ObjectId};

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Pruned {
    /// What was taken away.
    pub removed: Removed,
    /// What may go and was left.
    pub left: Vec<ObjectId>,
    /// The command that prunes it.
    pub command: String,
}

/// What apply of these components prunes, and what stays of it; `None` where nothing has left the app. With `-c` only those
/// components; without, those too that the app no longer runs. `left_over` is what the run met. Changes nothing.
pub(super) async fn look(
    session: &Session,
    app: &App,
    catalog: &Catalog,
    preparation: &Preparation,
    left_over: &[ObjectId],
    chosen: &[String],
) -> Result<Option<Removal>> {
    if !chosen.is_empty() && left_over.is_empty() {
        return Ok(None);
    }
    let connection = &preparation.connection;
    let explain = |failure| connection.explain(&failure, "read what left the app");
    let known = apply::inventories(connection, &app.file.name).await.map_err(explain)?;
    let all = app.components(catalog)?;
    let concerned = |component: &String| {
        if chosen.is_empty() { !left_over.is_empty() || !all.contains(component) } else { chosen.contains(component) }
    };
    let inventories: Vec<&Inventory> = known.values().filter(|inventory| concerned(&inventory.component)).collect();
    if inventories.is_empty() {
        return Ok(None);
    }
    // What another component renders has only moved, whether it is in the cluster as that one's yet or not.
    let rendered = match app.render(catalog, &all) {
        Ok(rendered) => rendered,
        Err(error) => {
            session.printer.warn(format!("nothing is pruned, as not every component can be rendered: {error}"));
            return Ok(None);
        }
    };
    let components: Vec<(String, Vec<Object>)> =
        rendered.into_iter().map(|rendered| (rendered.component, rendered.objects)).collect();
    let discovery = Discovery::read(connection).await.map_err(explain)?;
    let scope = Scope {
        staying: inventories
            .iter()
            .filter(|inventory| all.contains(&inventory.component))
            .map(|inventory| inventory.id())
            .collect(),
        rendered: apply::identities(&components, &discovery, &app.file.namespace),
        inventories,
        strays: Vec::new(),
        user_data: false,
        whole: false,
    };
    apply::look(connection, &discovery, scope).await.map(Some).map_err(explain)
}

/// Prunes after this apply.
pub(super) async fn run(
    session: &Session,
    app: &App,
    catalog: &Catalog,
    preparation: &Preparation,
    report: &Report,
    arguments: &cli::Apply,
) -> Result<Pruned> {
    let command = format!("{} --prune=yes", self::command("apply k8s", &arguments.components));
    let mut pruned = Pruned { command, ..Pruned::default() };
    let Some(found) = look(session, app, catalog, preparation, &report.left_over, &arguments.components).await? else {
        pruned.left.clone_from(&report.left_over);
        return Ok(pruned);
    };
    if found.is_empty() || !wanted(session, arguments, &found)? {
        pruned.left = found.going().map(|(id, _)| id.clone()).collect();
        pruned.removed.kept = found.kept;
        return Ok(pruned);
    }
    pruned.removed = removal::run(session, &preparation.connection, found, arguments.timeout).await?;
    Ok(pruned)
}

/// A command for these components alone; for all where none is named.
pub(super) fn command(verb: &str, components: &[String]) -> String {
    components.iter().fold(format!("kfctl {verb}"), |command, name| format!("{command} -c {name}"))
}

/// Whether it shall go: shown first, and asked about where somebody can answer.
fn wanted(session: &Session, arguments: &cli::Apply, found: &Removal) -> Result<bool> {
    let printer = &session.printer;
    if found.going().next().is_none() {
        // An inventory with nothing in it.
        return Ok(arguments.prune != cli::Prune::No);
    }
    if arguments.prune == cli::Prune::Yes {
        return Ok(true);
    }
    if arguments.prune == cli::Prune::No || !printer.can_ask() {
        return Ok(false);
    }
    printer.note("This is no longer part of the app:");
    found.going().for_each(|(id, component)| printer.note(format!("  {id} (component {component})")));
    let kept: Vec<&Kept> = removal::worth_a_word(&found.kept).collect();
    if !kept.is_empty() {
        printer.note("This neither, and it stays:");
        for kept in kept {
            printer.note(format!("  {}: {}", kept.object, kept.reason));
        }
    }
    printer.confirm("Delete it?")
}

/// Says what was left, and why.
pub(super) fn report(session: &Session, pruned: &Pruned) {
    let printer = &session.printer;
    for id in &pruned.left {
        printer.warn(format!("{id} is no longer part of the app, and still in the cluster"));
    }
    let kept: HashSet<String> =
        removal::worth_a_word(&pruned.removed.kept).map(|kept| format!("{}: {}", kept.object, kept.reason)).collect();
    let mut kept: Vec<String> = kept.into_iter().collect();
    kept.sort();
    for kept in kept {
        printer.note(format!("  kept        {kept}"));
    }
    removal::troubles(session, &pruned.removed);
}
