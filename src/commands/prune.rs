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

/// Prunes after this apply. With `-c` only those components; without, those too that the app no longer runs.
pub(super) async fn run(
    session: &Session,
    app: &App,
    catalog: &Catalog,
    preparation: &Preparation,
    report: &Report,
    arguments: &cli::Apply,
) -> Result<Pruned> {
    let everything = arguments.components.is_empty();
    let command = {
        let chosen: String = arguments.components.iter().map(|name| format!(" -c {name}")).collect();
        format!("kfctl apply k8s{chosen} --prune=yes")
    };
    let mut pruned = Pruned { command, ..Pruned::default() };
    if !everything && report.left_over.is_empty() {
        return Ok(pruned);
    }
    let connection = &preparation.connection;
    let explain = |failure| connection.explain(&failure, "read what left the app");
    let known = apply::inventories(connection, &app.file.name).await.map_err(explain)?;
    let all = app.components(catalog)?;
    let concerned = |component: &String| {
        if everything {
            !report.left_over.is_empty() || !all.contains(component)
        } else {
            arguments.components.contains(component)
        }
    };
    let inventories: Vec<&Inventory> = known.values().filter(|inventory| concerned(&inventory.component)).collect();
    if inventories.is_empty() {
        return Ok(pruned);
    }
    // What another component renders has only moved, whether it is in the cluster as that one's yet or not.
    let rendered = match app.render(catalog, &all) {
        Ok(rendered) => rendered,
        Err(error) => {
            session.printer.warn(format!("nothing is pruned, as not every component can be rendered: {error}"));
            pruned.left.clone_from(&report.left_over);
            return Ok(pruned);
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
        user_data: false,
        whole: false,
    };
    let found = apply::look(connection, &discovery, scope).await.map_err(explain)?;
    if found.is_empty() || !wanted(session, arguments, &found)? {
        pruned.left = found.going().map(|(id, _)| id.clone()).collect();
        pruned.removed.kept = found.kept;
        return Ok(pruned);
    }
    pruned.removed = removal::run(session, connection, found, arguments.timeout).await?;
    Ok(pruned)
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
