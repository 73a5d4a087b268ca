//! The inventories of a run: noted before its first write, looked after once it has written its last, trimmed at its end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::watch;

use super::check::{Before, Wanted};
use super::engine::Run;
use super::held::held_by;
use super::inventory::{self, Inventory};
use super::report::Report;
use super::write::retrying;
use crate::cluster::{Class, Connection, Failure, Part};
use crate::error::Result;
use crate::labels;
use crate::object::ObjectId;

/// What was written must become known even where the run itself has no more time: a namespace is on its way out about so long.
const GRACE: Duration = Duration::from_secs(30);

const WRITE_INVENTORIES: &str = "write the inventory in namespace kubeflow-system";
const NAMESPACE_PATH: &str = "/api/v1/namespaces/kubeflow-system";

/// The union of old and new, before the first member is written; its namespace first, whoever brings it.
pub(super) async fn prepare(
    run: &Run<'_>,
    objects: &mut [Wanted],
    known: &BTreeMap<String, Inventory>,
    fresh: &BTreeMap<String, Inventory>,
    deadline: Instant,
    report: &mut Report,
) -> Result<()> {
    let mut absent = false;
    let content = namespace(objects);
    let unions: Vec<Inventory> =
        fresh.iter().map(|(component, inventory)| inventory.clone().union(known.get(component))).collect();
    let attempt = async || {
        stand(run.connection, &content, &mut absent).await?;
        for union in &unions {
            union.extend(run.connection).await?;
        }
        Ok(())
    };
    let noted = retrying(&namespace_id(), deadline, &run.events, run.stop.clone(), attempt).await;
    report.wrote = true;
    if let Some(ours) = objects.iter_mut().find(|wanted| absent && is_namespace(wanted)) {
        ours.before = Before::Made;
    }
    noted.map_err(|failure| run.connection.explain(&failure, WRITE_INVENTORIES))
}

fn namespace_id() -> ObjectId {
    ObjectId { group: String::new(), kind: "Namespace".into(), namespace: String::new(), name: inventory::NAMESPACE.into() }
}

fn is_namespace(wanted: &Wanted) -> bool {
    wanted.member.object.id == namespace_id()
}

/// The namespace of the inventories where no component brings it. The label is a field of ours, by which `delete` knows who made it.
pub(super) fn bare_namespace() -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": inventory::NAMESPACE, "labels": {labels::PART_OF: labels::PART_OF_KUBEFLOW}}})
}

/// The same as the component that brings it wants it.
fn namespace(objects: &[Wanted]) -> Value {
    // One that is settled is not sent, and has no content.
    let ours = objects.iter().find(|wanted| is_namespace(wanted) && !wanted.content.is_null());
    ours.map_or_else(bare_namespace, |wanted| (*wanted.content).clone())
}

/// Makes the namespace where it is absent. One on its way out is awaited: nothing can be made in it.
pub(super) async fn stand(connection: &Connection, content: &Value, absent: &mut bool) -> Result<(), Failure> {
    match connection.read(NAMESPACE_PATH).await {
        Ok(found) => match held_by(&found) {
            Some(message) => Err(Failure { class: Class::Terminating, message, retry_after: None }),
            None => Ok(()),
        },
        Err(failure) if failure.class == Class::NotFound => {
            // Even where the answer is lost.
            *absent = true;
            let path = format!("{NAMESPACE_PATH}?fieldManager={}&fieldValidation=Strict", labels::FIELD_MANAGER);
            connection.apply(&path, content, Part::Metadata).await.map(drop)
        }
        // Whoever may not read namespaces may still be allowed to write in this one.
        Err(failure) if failure.class == Class::Forbidden => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// Another run, a delete perhaps, may have taken the inventories away under our hands, or be about to: what was written since must
/// stay known, however this run ends.
pub(super) async fn keep(
    run: &Run<'_>,
    objects: &[Wanted],
    wanted: &BTreeMap<String, Inventory>,
    deadline: Instant,
) -> Result<()> {
    let deadline = deadline.max(Instant::now() + GRACE);
    let content = namespace(objects);
    let attempt = async || {
        stand(run.connection, &content, &mut false).await?;
        let stored = inventory::inventories(run.connection, run.app).await?;
        for (component, inventory) in wanted {
            if stored.get(component).is_none_or(|stored| inventory.clone().union(Some(stored)) != *stored) {
                inventory.extend(run.connection).await?;
            }
        }
        Ok(())
    };
    retrying(&namespace_id(), deadline, &run.events, watch::channel(false).1, attempt)
        .await
        .map_err(|failure| run.connection.explain(&failure, WRITE_INVENTORIES))
}

/// Takes out of an inventory what is no longer in the app; not where another run has written to it meanwhile.
pub(super) async fn trim(run: &Run<'_>, stored: &Inventory, inventory: &Inventory, deadline: Instant) -> Result<()> {
    let replaced = async || stored.replace(run.connection, Some(inventory)).await;
    let trimmed = retrying(&inventory.object(), deadline, &run.events, run.stop.clone(), replaced).await;
    trimmed.map(drop).map_err(|failure| run.connection.explain(&failure, WRITE_INVENTORIES))
}
