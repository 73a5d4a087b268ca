//! Members that no inventory names: an apply wrote them after a delete in its middle had taken its inventory away, and was killed
//! before it could look after that. What the app renders tells where to look for them; their label tells whose they are.

use std::collections::{BTreeMap, HashMap};

use super::engine::CONCURRENCY;
use super::inventory::Inventory;
use super::keep;
use super::live::Live;
use crate::cluster::{Class, Connection, Discovery, Failure};
use crate::object::ObjectId;

/// Inventories of such members, by component. `known` are those in the cluster; what they name is not asked for again.
pub async fn strays<S: std::hash::BuildHasher>(
    connection: &Connection,
    discovery: &Discovery,
    (app, cluster_uid): (&str, &str),
    components: &[String],
    rendered: &HashMap<ObjectId, String, S>,
    known: &BTreeMap<String, Inventory>,
) -> Result<BTreeMap<String, Inventory>, Failure> {
    let sought = components.iter().enumerate().map(|(order, component)| {
        let members = rendered.iter().filter(|(_, of)| *of == component).map(|(id, _)| id);
        let mut inventory = Inventory::of(app, component, cluster_uid, order, []).with(members);
        let named = |kind: &String| known.get(component).is_some_and(|known| known.group_kinds.contains(kind));
        inventory.group_kinds.retain(|kind| !named(kind));
        inventory
    });
    let sought: Vec<Inventory> = sought.filter(|inventory| !inventory.group_kinds.is_empty()).collect();
    if sought.is_empty() {
        return Ok(BTreeMap::new());
    }
    let live = match Live::read(connection, discovery, &sought.iter().collect::<Vec<_>>(), &[], CONCURRENCY).await {
        Ok(live) => live,
        // It may never have been applied: that is no reason to delete nothing.
        Err(failure) if failure.class == Class::Forbidden => return Ok(BTreeMap::new()),
        Err(failure) => return Err(failure),
    };
    let found = sought.iter().map(|inventory| {
        let set = inventory.id();
        let ours = live.iter().filter(|(_, object)| {
            keep::set_of(object) == Some(set.as_str()) && keep::is_labelled_by_us(object) && !keep::is_owned(object)
        });
        (inventory.component.clone(), inventory.with(ours.map(|(id, _)| id)))
    });
    Ok(found.filter(|(_, inventory)| !inventory.group_kinds.is_empty()).collect())
}
