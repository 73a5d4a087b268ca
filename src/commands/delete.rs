//! `kfctl delete`: takes an app out of its cluster. Works from the inventory there; the app directory only says which cluster.

use std::collections::{BTreeMap, HashMap};

use super::{Session, local, platform, removal};
use crate::app::{App, ClusterRecord};
use crate::apply::{self, Inventory, Kept, Outcome, Reason, Removal, Removed, Scope};
use crate::catalog::Catalog;
use crate::cli;
use crate::cluster::{Connection, Discovery, Failure, Target};
use crate::error::{Error, ExitStatus, Kind, Result};
use crate::object::{Object, ObjectId};
use crate::ui::counted;

/// The app to delete, and where it is.
struct Place {
    name: String,
    /// Its directory, where there is one.
    app: Option<App>,
    catalog: Catalog,
    connection: Connection,
    uid: String,
}

impl Place {
    fn recorded(&self) -> Option<&ClusterRecord> {
        self.app.as_ref()?.file.cluster.as_ref()
    }

    fn explain(&self, failure: &Failure) -> Error {
        self.connection.explain(failure, "read what the app has there")
    }

    /// The command with what tells the app, for hints.
    fn command(&self, more: &str) -> String {
        let app = if self.app.is_some() { String::new() } else { format!(" --app {}", self.name) };
        format!("kfctl delete{app}{more}")
    }
}

pub(super) async fn run(session: &Session, arguments: &cli::Delete) -> Result<ExitStatus> {
    let printer = &session.printer;
    let looked = tokio::time::timeout(arguments.timeout, look(session, arguments)).await;
    let (place, known, found) = looked.unwrap_or_else(|_| Err(apply::too_late("the cluster", arguments.timeout)))?;
    if found.is_empty() {
        printer.json(&serde_json::json!({"event": "summary", "exitCode": 0, "deleted": 0, "kept": found.kept}));
        printer.done(format!("nothing of app {} is left to delete in {}", place.name, place.connection.server));
        show_kept(session, &place, &Removed { kept: found.kept, ..Removed::default() });
        return Ok(ExitStatus::Done);
    }
    show(session, &place, &found, arguments);
    warn_of_dependents(session, &place, &known, &arguments.components);
    if !confirm(session, &place, arguments)? {
        printer.note("nothing was changed");
        return Ok(ExitStatus::Failed);
    }
    let removed = removal::run(session, &place.connection, found, arguments.timeout).await?;
    if removed.outcome() == Outcome::Done
        && let Some(app) = &place.app
    {
        local::stop_roles(app, &place.catalog).await?;
    }
    summary(session, &place, &removed);
    Ok(removed.outcome().into())
}

/// The place, what it knows of the app, and what would go. Changes nothing.
async fn look(session: &Session, arguments: &cli::Delete) -> Result<(Place, BTreeMap<String, Inventory>, Removal)> {
    let place = find(session, arguments).await?;
    let mut known = inventories(&place, arguments).await?;
    let discovery = Discovery::read(&place.connection).await.map_err(|failure| place.explain(&failure))?;
    let strays = strays(&place, &known, &discovery).await?;
    for (component, inventory) in &strays {
        known.entry(component.clone()).or_insert_with(|| inventory.clone());
    }
    let scope = Scope {
        inventories: chosen(&known, &arguments.components)?,
        strays: strays.into_values().collect(),
        staying: std::collections::HashSet::new(),
        rendered: rendered_elsewhere(&place, &arguments.components, &discovery)?,
        user_data: arguments.delete_user_data,
        whole: arguments.components.is_empty(),
    };
    let found = apply::look(&place.connection, &discovery, scope).await.map_err(|failure| place.explain(&failure))?;
    Ok((place, known, found))
}

/// The app that is meant, and its cluster.
async fn find(session: &Session, arguments: &cli::Delete) -> Result<Place> {
    let catalog = session.catalog()?;
    let connect = async |target: &Target| -> Result<(Connection, String)> {
        let connection = Connection::open(target).await?;
        let uid = connection.uid().await?;
        if let Some(named) = arguments.cluster_uid.as_ref().filter(|named| **named != uid) {
            return Err(Error::new(Kind::WrongCluster, format!("{} is another cluster than {named}", connection.server))
                .detail(format!("its UID is {uid} (context {})", connection.context))
                .hint(
                    "choose the right cluster with --context or --kubeconfig; `kubectl config get-contexts` lists what there is",
                ));
        }
        Ok((connection, uid))
    };
    if let Some(name) = &arguments.app {
        let (connection, uid) = connect(&session.target).await?;
        return Ok(Place { name: name.clone(), app: None, catalog, connection, uid });
    }
    match session.app() {
        Ok(app) => {
            let (connection, uid) = connect(&platform::target(session, &app, &catalog)?).await?;
            apply::check_cluster(&connection, app.file.cluster.as_ref()).await?;
            Ok(Place { name: app.file.name.clone(), app: Some(app), catalog, connection, uid })
        }
        Err(error) if error.kind() == Kind::Usage => {
            let (connection, _) = connect(&session.target).await?;
            let apps = apply::apps(&connection).await.map_err(|failure| connection.explain(&failure, "list the apps there"))?;
            let known: Vec<&str> = apps.iter().map(String::as_str).collect();
            Err(Error::usage("there is no app here, and none is named")
                .hint("go to its directory, or name it: `kfctl delete --app NAME`")
                .hint(format!(
                    "apps in {}: {}",
                    connection.server,
                    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
                )))
        }
        Err(error) => Err(error.hint("without the app directory: `kfctl delete --app NAME`")),
    }
}

/// What the cluster knows of the app.
async fn inventories(place: &Place, arguments: &cli::Delete) -> Result<BTreeMap<String, Inventory>> {
    let mut known = apply::inventories(&place.connection, &place.name).await.map_err(|failure| place.explain(&failure))?;
    apply::check_inventories(&known, &place.uid)?;
    if arguments.delete_user_data {
        let names = place.catalog.components().map(|component| component.name.as_str());
        let orphans = apply::orphans(&place.connection, &place.name, &place.uid, names);
        for (component, inventory) in orphans.await.map_err(|failure| place.explain(&failure))? {
            known.entry(component).or_insert(inventory);
        }
    }
    if known.is_empty() && place.app.is_none() {
        let apps = apply::apps(&place.connection).await.map_err(|failure| place.explain(&failure))?;
        return Err(Error::usage(format!("no app {:?} in {}", place.name, place.connection.server))
            .nearest(&place.name, apps.iter().map(String::as_str)));
    }
    Ok(known)
}

/// What no inventory names, where the app directory can tell of it.
async fn strays(
    place: &Place,
    known: &BTreeMap<String, Inventory>,
    discovery: &Discovery,
) -> Result<BTreeMap<String, Inventory>> {
    let Some(app) = &place.app else { return Ok(BTreeMap::new()) };
    let found = app.components(&place.catalog).and_then(|all| Ok((rendered(place, app, &all, discovery)?, all)));
    // What can't be rendered now is no reason to delete nothing.
    let Ok((rendered, all)) = found else { return Ok(BTreeMap::new()) };
    let strays = apply::strays(&place.connection, discovery, (&place.name, &place.uid), &all, &rendered, known).await;
    strays.map_err(|failure| place.explain(&failure))
}

fn chosen<'a>(known: &'a BTreeMap<String, Inventory>, names: &[String]) -> Result<Vec<&'a Inventory>> {
    if let Some(name) = names.iter().find(|name| !known.contains_key(*name)) {
        return Err(Error::usage(format!("the app has no component {name:?} in the cluster"))
            .nearest(name, known.keys().map(String::as_str)));
    }
    Ok(known.values().filter(|inventory| names.is_empty() || names.contains(&inventory.component)).collect())
}

/// What other components render: an object that has moved to one of them stays.
fn rendered_elsewhere(place: &Place, names: &[String], discovery: &Discovery) -> Result<HashMap<ObjectId, String>> {
    let Some(app) = place.app.as_ref().filter(|_| !names.is_empty()) else { return Ok(HashMap::new()) };
    let mut others = app.components(&place.catalog)?;
    others.retain(|name| !names.contains(name));
    rendered(place, app, &others, discovery)
}

fn rendered(place: &Place, app: &App, names: &[String], discovery: &Discovery) -> Result<HashMap<ObjectId, String>> {
    let components: Vec<(String, Vec<Object>)> =
        app.render(&place.catalog, names)?.into_iter().map(|rendered| (rendered.component, rendered.objects)).collect();
    Ok(apply::identities(&components, discovery, &app.file.namespace))
}

fn show(session: &Session, place: &Place, found: &Removal, arguments: &cli::Delete) {
    let printer = &session.printer;
    printer.note(format!("This deletes, of app {}:", place.name));
    printer.note(format!("  cluster   {} (context {}, UID {})", place.connection.server, place.connection.context, place.uid));
    for (component, objects) in removal::counts(found) {
        let component =
            if component.is_empty() { "namespace kubeflow-system".to_owned() } else { format!("component {component}") };
        printer.note(format!("  {component}: {}", counted(objects, "object")));
    }
    for (object, item) in found.edits() {
        printer.note(format!("  item {item} of {object}, whose rest stays"));
    }
    if arguments.delete_user_data {
        printer.note("and with them users' data, for good:");
        found.users_data().for_each(|id| printer.note(format!("  {id}")));
    }
    if removal::worth_a_word(&found.kept).next().is_some() {
        printer.note("This stays:");
        for kept in removal::worth_a_word(&found.kept) {
            printer.note(format!("  {}: {}", kept.object, kept.reason));
        }
    }
}

fn warn_of_dependents(session: &Session, place: &Place, known: &BTreeMap<String, Inventory>, names: &[String]) {
    for name in known.keys().filter(|name| !names.is_empty() && !names.contains(name)) {
        let needs = place.catalog.find_component(name).map(|component| component.depends_on.as_slice()).unwrap_or_default();
        for needed in needs.iter().filter(|needed| names.contains(needed)) {
            session.printer.warn(format!("component {name} stays, and needs {needed}"));
        }
    }
}

/// Users' data needs the app's name typed. So does a cluster that nothing here remembers, unless its UID is given.
fn confirm(session: &Session, place: &Place, arguments: &cli::Delete) -> Result<bool> {
    let printer = &session.printer;
    let known = place.recorded().is_some() || arguments.cluster_uid.is_some();
    if arguments.delete_user_data {
        let question = format!("Users' data will be lost for good. Type the app's name to go on ({}):", place.name);
        let otherwise =
            format!("pass it: `{}`", place.command(&format!(" --delete-user-data --confirm-app NAME{}", uid_flag(known))));
        return match &arguments.confirm_app {
            Some(name) if *name != place.name => {
                Err(Error::usage(format!("--confirm-app says {name:?}, and the app is {:?}", place.name)))
            }
            Some(_) if known => Ok(true),
            Some(_) => printer.typed(&unknown(place), &place.name, &otherwise),
            None => printer.typed(&question, &place.name, &otherwise),
        };
    }
    match (place.recorded(), &arguments.cluster_uid) {
        (Some(_), _) => printer.confirm("Go on?"),
        (None, Some(_)) => Ok(true),
        (None, None) => {
            let otherwise = format!("say which cluster: `{}`", place.command(" --cluster-uid UID"));
            printer.typed(&unknown(place), &place.name, &otherwise)
        }
    }
}

fn uid_flag(known: bool) -> &'static str {
    if known { "" } else { " --cluster-uid UID" }
}

fn unknown(place: &Place) -> String {
    format!("Nothing here remembers which cluster app {} is in. If it is this one, type the app's name:", place.name)
}

/// What was kept and why, with the commands to go on.
fn show_kept(session: &Session, place: &Place, removed: &Removed) {
    let printer = &session.printer;
    if removal::worth_a_word(&removed.kept).next().is_none() {
        return;
    }
    printer.line("Kept:");
    removal::show_kept(session, &removed.kept);
    let mut next = Vec::new();
    let users = place.command(" --delete-user-data");
    if removed.kept.iter().any(Kept::is_user_data) {
        next.push((users.as_str(), "deletes users' data too; asks for the app's name"));
    }
    let again = place.command("");
    // What somebody has made their own is theirs from here on.
    if removed.kept.iter().any(|kept| !kept.is_user_data() && !matches!(kept.reason, Reason::Edited { .. })) {
        next.push((again.as_str(), "again, once what holds the rest is gone"));
    }
    printer.next(&next);
}

fn summary(session: &Session, place: &Place, removed: &Removed) {
    let printer = &session.printer;
    let outcome = removed.outcome();
    printer.json(&serde_json::json!({
        "event": "summary",
        "exitCode": ExitStatus::from(outcome) as u8,
        "deleted": removed.deleted.len(),
        "kept": removed.kept,
        "problems": removed.problems,
        "unready": removed.unready,
    }));
    removal::troubles(session, removed);
    let deleted = format!("{} deleted", removed.deleted.len());
    let again = place.command("");
    match outcome {
        Outcome::Done => {
            printer.done(deleted);
            show_kept(session, place, removed);
        }
        Outcome::Refused => {
            printer.note(format!("stopped: {deleted}"));
            printer.next(&[(&again, "goes on from here once that is mended")]);
        }
        Outcome::NotReady => {
            printer.note(format!("{deleted}, and not all is gone"));
            let held = removed.unready.iter().find(|unready| unready.reason.contains("finalizer"));
            let force = held.map(|unready| removal::by_force(&unready.object)).unwrap_or_default();
            let mut next = vec![(again.as_str(), "waits again, and goes on from here")];
            if !force.is_empty() {
                next.push((&force, "lets it go without its controller, and without what that would clean up"));
            }
            printer.next(&next);
        }
        Outcome::Interrupted => {
            printer.note(format!("interrupted: {deleted}"));
            printer.next(&[(&again, "goes on from here")]);
        }
    }
}
