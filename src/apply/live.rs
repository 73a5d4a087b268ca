//! What is on the server, read in few requests: one list a kind, by the label of our sets.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use super::inventory::Inventory;
use super::plan::Member;
use crate::cluster::{Class, Connection, Discovery, Failure, Resource};
use crate::labels::APPLYSET_PART_OF;
use crate::object::ObjectId;

/// Members of our sets as they are on the server.
#[derive(Debug, Default, Clone)]
pub struct Live {
    objects: HashMap<ObjectId, (Resource, Value)>,
}

impl Live {
    /// Reads the members of these inventories, in the versions that `wanted` uses, so that both can be compared.
    pub async fn read(
        connection: &Connection,
        discovery: &Discovery,
        inventories: &[&Inventory],
        wanted: &[Member],
        concurrency: usize,
    ) -> Result<Self, Failure> {
        // What is missing in discovery alone is still there, and would be forgotten.
        let mut defined = Discovery::default();
        let kinds = inventories.iter().flat_map(|inventory| &inventory.group_kinds);
        let kinds = kinds.map(|group_kind| group_kind.split_once('.').unwrap_or((group_kind, "")));
        let unknown = kinds.filter(|(kind, group)| discovery.versions(group, kind).is_empty());
        defined.complete(connection, unknown.map(|(kind, group)| (group.to_owned(), kind.to_owned()))).await?;
        let ids: Vec<String> = inventories.iter().map(|inventory| inventory.id()).collect();
        let resources = resources(discovery, inventories, wanted).chain(resources(&defined, inventories, &[]));
        let lists = stream::iter(resources.map(|resource| list(connection, resource, &ids)))
            .buffer_unordered(concurrency)
            .try_collect::<Vec<_>>()
            .await?;
        let versions: HashMap<&ObjectId, &String> =
            wanted.iter().map(|member| (&member.object.id, &member.resource.version)).collect();
        let mut objects = HashMap::new();
        for (id, (resource, object)) in lists.into_iter().flatten() {
            if versions.get(&id).is_none_or(|version| **version == resource.version) {
                objects.insert(id, (resource, object));
            }
        }
        Ok(Self { objects })
    }

    /// Puts in an object as it is now.
    pub(super) fn put(&mut self, resource: Resource, id: ObjectId, object: Value) {
        self.objects.insert(id, (resource, object));
    }

    /// Leaves the objects that are still there.
    pub(super) fn retain(&mut self, still_there: impl Fn(&ObjectId) -> bool) {
        self.objects.retain(|id, _| still_there(id));
    }

    /// Takes out the object of this identity.
    pub fn take(&mut self, id: &ObjectId) -> Option<Value> {
        self.objects.remove(id).map(|(_, object)| object)
    }

    /// Their identities, sorted.
    #[must_use]
    pub fn ids(&self) -> Vec<ObjectId> {
        let mut ids: Vec<ObjectId> = self.objects.keys().cloned().collect();
        ids.sort();
        ids
    }

    /// All members, each with how its kind is served.
    pub(super) fn into_members(self) -> impl Iterator<Item = (ObjectId, Resource, Value)> {
        self.objects.into_iter().map(|(id, (resource, object))| (id, resource, object))
    }

    /// All members.
    pub fn iter(&self) -> impl Iterator<Item = (&ObjectId, &Value)> {
        self.objects.iter().map(|(id, (_, object))| (id, object))
    }
}

/// The kinds of these inventories, in the versions that `wanted` uses.
pub(super) fn resources<'a>(
    discovery: &'a Discovery,
    inventories: &[&Inventory],
    wanted: &'a [Member],
) -> impl Iterator<Item = &'a Resource> {
    let kinds: BTreeSet<String> = inventories.iter().flat_map(|inventory| inventory.group_kinds.iter().cloned()).collect();
    kinds.into_iter().flat_map(|group_kind| {
        let (kind, group) = group_kind.split_once('.').unwrap_or((&group_kind, ""));
        let used = wanted.iter().filter(|member| member.served && member.object.id.is(group, kind));
        let versions: BTreeMap<&String, &Resource> = used.map(|member| (&member.resource.version, &member.resource)).collect();
        let preferred = discovery.versions(group, kind).first().filter(|_| versions.is_empty());
        versions.into_values().chain(preferred).collect::<Vec<_>>()
    })
}

async fn list(
    connection: &Connection,
    resource: &Resource,
    ids: &[String],
) -> Result<Vec<(ObjectId, (Resource, Value))>, Failure> {
    let path = format!("{}?labelSelector={APPLYSET_PART_OF}%20in%20({})", resource.path(None), ids.join("%2C"));
    let mut body = match connection.read(&path).await {
        Ok(body) => body,
        // The kind went away with its definition, and its objects with it.
        Err(failure) if failure.class == Class::NoMatch => return Ok(Vec::new()),
        Err(failure) => return Err(failure),
    };
    let Some(Value::Array(items)) = body.get_mut("items").map(Value::take) else { return Ok(Vec::new()) };
    let api_version =
        if resource.group.is_empty() { resource.version.clone() } else { format!("{}/{}", resource.group, resource.version) };
    Ok(items
        .into_iter()
        .map(|mut object| {
            let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            let id = ObjectId {
                group: resource.group.clone(),
                kind: resource.kind.clone(),
                namespace: text("/metadata/namespace"),
                name: text("/metadata/name"),
            };
            // Items of a list leave out what the list says once.
            object["apiVersion"] = api_version.clone().into();
            object["kind"] = resource.kind.clone().into();
            (id, (resource.clone(), object))
        })
        .collect())
}
