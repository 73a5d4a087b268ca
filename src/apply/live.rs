//! What is on the server, read in few requests: one list a kind, by the label of our sets.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use super::inventory::Inventory;
use super::plan::Member;
use super::settled::Settled;
use crate::cluster::{Class, Connection, Discovery, Failure, Resource};
use crate::labels::APPLYSET_PART_OF;
use crate::object::ObjectId;

/// Members of our sets as they are on the server.
#[derive(Debug, Default, Clone)]
pub struct Live {
    objects: HashMap<ObjectId, (Resource, Value)>,
    /// Kinds (`Thing.example.com`) that can't be read now, as what converts them does not answer.
    pub(super) unread: BTreeMap<String, Failure>,
}

impl Live {
    /// Reads the members of these inventories, all of them, in the versions that `wanted` uses, so that both can be compared.
    pub async fn read(
        connection: &Connection,
        discovery: &Discovery,
        inventories: &[&Inventory],
        wanted: &[Member],
        concurrency: usize,
    ) -> Result<Self, Failure> {
        let settled = Settled::default();
        let live = Self::read_unless(connection, discovery, inventories, wanted, concurrency, &settled).await?.0;
        match live.unread.values().next() {
            Some(failure) => Err(failure.clone()),
            None => Ok(live),
        }
    }

    /// The same, but of kinds whose members are all as they were when they were settled, only who they are.
    pub(super) async fn read_unless(
        connection: &Connection,
        discovery: &Discovery,
        inventories: &[&Inventory],
        wanted: &[Member],
        concurrency: usize,
        settled: &Settled,
    ) -> Result<(Self, HashMap<ObjectId, String>), Failure> {
        // What is missing in discovery alone is still there, and would be forgotten.
        let mut defined = Discovery::default();
        let kinds = inventories.iter().flat_map(|inventory| &inventory.group_kinds);
        let kinds = kinds.map(|group_kind| group_kind.split_once('.').unwrap_or((group_kind, "")));
        let unknown = kinds.filter(|(kind, group)| discovery.versions(group, kind).is_empty());
        defined.complete(connection, unknown.map(|(kind, group)| (group.to_owned(), kind.to_owned()))).await?;
        let ids: Vec<String> = inventories.iter().map(|inventory| inventory.id()).collect();
        let resources = resources(discovery, inventories, wanted).chain(resources(&defined, inventories, &[]));
        let lists = stream::iter(resources.map(|resource| list(connection, resource, &ids, settled)))
            .buffer_unordered(concurrency)
            .try_collect::<Vec<_>>()
            .await?;
        let versions: HashMap<&ObjectId, &String> =
            wanted.iter().map(|member| (&member.object.id, &member.resource.version)).collect();
        let (mut objects, mut as_before, mut unread) = (HashMap::new(), HashMap::new(), BTreeMap::new());
        for listed in lists {
            match listed {
                Listed::AsBefore(found) => as_before.extend(found),
                Listed::Unread(resource, failure) => drop(unread.insert(resource.group_kind(), failure)),
                Listed::Objects(resource, found) => objects.extend(
                    found
                        .into_iter()
                        .filter(|(id, _)| versions.get(id).is_none_or(|version| **version == resource.version))
                        .map(|(id, object)| (id, (resource.clone(), object))),
                ),
            }
        }
        Ok((Self { objects, unread }, as_before))
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

/// A kind's members.
enum Listed {
    /// As they are.
    Objects(Resource, Vec<(ObjectId, Value)>),
    /// All as they were when they were settled, each with its fingerprint.
    AsBefore(Vec<(ObjectId, String)>),
    /// Nobody can tell now.
    Unread(Resource, Failure),
}

async fn list(connection: &Connection, resource: &Resource, ids: &[String], settled: &Settled) -> Result<Listed, Failure> {
    let path = format!("{}?labelSelector={APPLYSET_PART_OF}%20in%20({})", resource.path(None), ids.join("%2C"));
    let nothing = || Listed::Objects(resource.clone(), Vec::new());
    if settled.has(resource) {
        match connection.read_metadata(&path).await {
            Ok(items) => {
                let as_before = items.iter().map(|item| {
                    let id = identity(resource, item);
                    settled.as_before(&id, &resource.restored(item.clone())).map(|seen| (id, seen))
                });
                if let Some(as_before) = as_before.collect() {
                    return Ok(Listed::AsBefore(as_before));
                }
            }
            // The kind went away with its definition, and its objects with it.
            Err(failure) if failure.class == Class::NoMatch => return Ok(nothing()),
            Err(failure) if failure.class == Class::WebhookNotReady => return Ok(Listed::Unread(resource.clone(), failure)),
            Err(failure) => return Err(failure),
        }
    }
    let mut body = match connection.read(&path).await {
        Ok(body) => body,
        Err(failure) if failure.class == Class::NoMatch => return Ok(nothing()),
        Err(failure) if failure.class == Class::WebhookNotReady => return Ok(Listed::Unread(resource.clone(), failure)),
        Err(failure) => return Err(failure),
    };
    let Some(Value::Array(items)) = body.get_mut("items").map(Value::take) else { return Ok(nothing()) };
    let objects = items.into_iter().map(|item| (identity(resource, &item), resource.restored(item))).collect();
    Ok(Listed::Objects(resource.clone(), objects))
}

fn identity(resource: &Resource, object: &Value) -> ObjectId {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    ObjectId {
        group: resource.group.clone(),
        kind: resource.kind.clone(),
        namespace: text("/metadata/namespace"),
        name: text("/metadata/name"),
    }
}
