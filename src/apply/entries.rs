//! One item of ours in a configuration of somebody else's: the login in the mesh of an Istio that was there.
//!
//! Such a configuration is one text in a `ConfigMap`, so server-side apply can't share it: it is read, changed in that one place, and
//! written only if nobody has written to it meanwhile. An inventory records what was written where, before it is written; what somebody
//! has changed since is theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::aside::workloads;
use super::event::{Event, Events};
use super::inventory::{Inventory, inventories};
use super::keep::{Kept, Reason};
use super::plan::Plan;
use super::preview::Planned;
use super::report::Problem;
use super::verify::Check;
use super::write::{Change, retrying};
use crate::catalog::{Entry, Reader};
use crate::cluster::{Class, Connection, Discovery, Failure};
use crate::difference::Difference;
use crate::digest::sha256;
use crate::error::Error;
use crate::labels::{APPLYSET_PART_OF, ENTRIES_FIELD_MANAGER};
use crate::object::ObjectId;
use crate::yaml::item;

/// How long a dry-run may take that somebody else's writes get in the way of.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where an item is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// Namespace of the `ConfigMap`.
    pub namespace: String,
    /// Its name.
    pub config_map: String,
    /// The key that holds the text.
    pub key: String,
    /// The list in the text.
    pub list: String,
    /// The item's name.
    pub item: String,
}

impl Place {
    /// The `ConfigMap`.
    #[must_use]
    pub fn object(&self) -> ObjectId {
        let (namespace, name) = (self.namespace.clone(), self.config_map.clone());
        ObjectId { group: String::new(), kind: "ConfigMap".into(), namespace, name }
    }

    fn path(&self) -> String {
        format!("/api/v1/namespaces/{}/configmaps/{}", self.namespace, self.config_map)
    }

    async fn read(&self, connection: &Connection) -> Result<Option<Value>, Failure> {
        match connection.read(&self.path()).await {
            Ok(found) => Ok(Some(found)),
            Err(failure) if failure.class == Class::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    fn text<'a>(&self, live: &'a Value) -> &'a str {
        live["data"][self.key.as_str()].as_str().unwrap_or_default()
    }

    /// What errors name.
    fn file(&self) -> String {
        format!("{} key {}", self.object(), self.key)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "item {} of {} in {}", self.item, self.list, self.file())
    }
}

/// What an inventory records of an item: where it is, and a digest of what was written there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Record {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// Of what.
    pub sha256: String,
}

fn digest(item: &Value) -> String {
    sha256(item.to_string().as_bytes())
}

/// An item that a run cares about.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The component that wants it, or did.
    pub component: String,
    /// Where it is.
    pub place: Place,
    /// What it is to be; none where it goes.
    pub item: Option<Value>,
    /// Whether an object of ours brings the whole configuration.
    pub rendered: bool,
    /// Digests of what was written there.
    ours: BTreeSet<String>,
    /// The `ConfigMap` as it was at the look.
    live: Option<Value>,
}

/// How an item stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// As wanted.
    AsWanted,
    /// The text has to become this one.
    Differs(String),
    /// Somebody has written or changed it.
    Theirs,
    /// There is no such configuration.
    Nowhere,
}

/// Everything that these components want in configurations of others, and what they wanted once.
pub async fn edits(
    connection: &Connection,
    discovery: &Discovery,
    app: &str,
    plan: &Plan,
    wanted: &BTreeMap<String, Vec<&Entry>>,
) -> Result<Vec<Edit>, Failure> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let known = inventories(connection, app).await?;
    let sets: BTreeSet<String> = known.values().map(Inventory::id).collect();
    let mut found: Vec<Edit> = Vec::new();
    for (component, entries) in wanted {
        let records = || known.get(component).into_iter().flat_map(|inventory| &inventory.entries);
        let edit = |place: Place, item: Option<Value>| {
            let ours = records().filter(|record| record.place == place).map(|record| record.sha256.clone()).collect();
            Edit { component: component.clone(), place, item, rendered: false, ours, live: None }
        };
        for entry in entries {
            let mut places = places(connection, discovery, entry).await?;
            // Who reads it may be away for a while.
            if places.is_empty() {
                let same = |place: &&Place| {
                    (&place.key, &place.list, Some(place.item.as_str())) == (&entry.key, &entry.list, entry.item["name"].as_str())
                };
                places = records().map(|record| &record.place).filter(same).cloned().collect();
            }
            found.extend(places.into_iter().map(|place| edit(place, Some(entry.item.clone()))));
        }
        let gone: BTreeSet<&Place> =
            records().map(|record| &record.place).filter(|place| found.iter().all(|edit| edit.place != **place)).collect();
        found.extend(gone.into_iter().map(|place| edit(place.clone(), None)));
    }
    for edit in &mut found {
        edit.live = edit.place.read(connection).await?;
        let set = edit.live.as_ref().and_then(|live| live["metadata"]["labels"][APPLYSET_PART_OF].as_str());
        edit.rendered = set.is_some_and(|set| sets.contains(set))
            || plan.members.iter().any(|member| member.object.id == edit.place.object());
    }
    Ok(found)
}

/// The places of an item: one for each revision of who reads it.
async fn places(connection: &Connection, discovery: &Discovery, entry: &Entry) -> Result<BTreeSet<Place>, Failure> {
    let Reader { api_version, kind, labels, revision } = &entry.reader;
    let readers = workloads(connection, discovery, api_version, kind, labels).await?;
    Ok(readers.iter().map(|reader| place(reader, revision, entry)).collect())
}

fn place(reader: &Value, revision: &str, entry: &Entry) -> Place {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let config_map = match reader["metadata"]["labels"][revision].as_str() {
        None | Some("" | "default") => entry.config_map.clone(),
        Some(revision) => format!("{}-{revision}", entry.config_map),
    };
    let (namespace, item) = (text(&reader["metadata"]["namespace"]), text(&entry.item["name"]));
    Place { namespace, config_map, key: entry.key.clone(), list: entry.list.clone(), item }
}

impl Edit {
    /// How it stood at the look.
    pub fn standing(&self, force: bool) -> Result<Standing, Error> {
        self.standing_in(self.live.as_ref(), force)
    }

    fn standing_in(&self, live: Option<&Value>, force: bool) -> Result<Standing, Error> {
        let Some(live) = live else { return Ok(Standing::Nowhere) };
        let Place { list, item: name, .. } = &self.place;
        let (text, file) = (self.place.text(live), self.place.file());
        let file = Path::new(&file);
        let there = item::find(text, list, name, file)?;
        let is_ours = there.as_ref().is_none_or(|there| self.ours.contains(&digest(there)));
        match &self.item {
            wanted if *wanted == there => Ok(Standing::AsWanted),
            Some(item) if is_ours || force => item::put(text, list, item, file).map(Standing::Differs),
            None if is_ours => item::take_out(text, list, name, file).map(Standing::Differs),
            _ => Ok(Standing::Theirs),
        }
    }

    /// What the inventory has to say of it before it is written. What somebody else put there as it is wanted is not ours.
    pub(super) fn records(&self, force: bool) -> Vec<Record> {
        let record = |sha256: String| Record { place: self.place.clone(), sha256 };
        let wanted = self.item.as_ref().filter(|_| !self.rendered).map(digest);
        match (wanted, self.standing(force)) {
            (Some(wanted), Ok(Standing::Differs(_))) => vec![record(wanted)],
            (Some(wanted), Ok(Standing::AsWanted)) => self.ours.contains(&wanted).then(|| record(wanted)).into_iter().collect(),
            // Its fate is told at the end, too.
            (Some(_), _) => self.ours.iter().cloned().map(record).collect(),
            (None, _) => Vec::new(),
        }
    }

    /// Whether a run writes it.
    #[must_use]
    pub fn is_written(&self, force: bool) -> bool {
        !self.rendered && matches!(self.standing(force), Ok(Standing::Differs(_)))
    }

    /// Whether this run writes it, and which change that is for who reads the plan.
    pub(super) fn planned(&self, force: bool) -> Option<Planned> {
        let Ok(Standing::Differs(text)) = self.standing(force) else { return None };
        let live = self.live.as_ref().filter(|_| !self.rendered)?;
        let mut after = live.clone();
        after["data"][self.place.key.as_str()] = text.into();
        Some(Planned {
            object: self.place.object(),
            component: self.component.clone(),
            change: Change::Configured,
            check: Some(Check::DryRun),
            generated: Vec::new(),
            difference: Difference::new(Some(live), Some(&after)),
            taken: Vec::new(),
            left: Vec::new(),
        })
    }

    /// Says what is left as it is.
    pub(super) fn tell(&self, force: bool, events: &Events) {
        if self.rendered {
            return;
        }
        let message = match self.standing(force) {
            Ok(Standing::Theirs) => format!("its {} is not as kfctl wrote it, and is left as it is", self.place.short()),
            Ok(Standing::Nowhere) if self.item.is_some() => {
                format!("it is not there, so that nothing knows {}", self.place.item)
            }
            _ => return,
        };
        events.send(Event::Warning { object: Some(self.place.object()), message });
    }

    /// Tries it, as the server would take it.
    pub(super) async fn check(&self, connection: &Connection, force: bool, events: &Events) -> Option<Problem> {
        if self.rendered {
            return None;
        }
        let deadline = Instant::now() + PATIENCE;
        match self.standing(force) {
            Ok(Standing::Differs(_)) => {
                let tried = self.send(connection, force, true, deadline, events, watch::channel(false).1).await;
                tried.err().map(|failure| self.problem(&failure))
            }
            Ok(_) => None,
            Err(error) => Some(self.problem(&invalid(&error))),
        }
    }

    pub(super) fn problem(&self, failure: &Failure) -> Problem {
        let hint = match failure.class {
            Class::Forbidden => "ask an admin of the cluster for this right, then run the same command again".to_owned(),
            _ => "mend what is said here, or put the item there by hand, as docs/login.md shows; then run the same command again"
                .to_owned(),
        };
        Problem {
            object: self.place.object(),
            component: self.component.clone(),
            file: "component.yaml, field entries".to_owned(),
            reason: format!("{}: {}", self.place.short(), failure.message),
            hint,
        }
    }

    /// Writes it, whatever has become of the rest meanwhile; tells whether that took a write.
    pub(super) async fn write(
        &self,
        connection: &Connection,
        force: bool,
        deadline: Instant,
        events: &Events,
        stop: watch::Receiver<bool>,
    ) -> Result<bool, Failure> {
        let written = self.send(connection, force, false, deadline, events, stop).await?;
        if written {
            let (object, component) = (self.place.object(), self.component.clone());
            events.send(Event::Written { object, component, change: Change::Configured });
        }
        Ok(written)
    }

    async fn send(
        &self,
        connection: &Connection,
        force: bool,
        dry_run: bool,
        deadline: Instant,
        events: &Events,
        stop: watch::Receiver<bool>,
    ) -> Result<bool, Failure> {
        let mut sent = false;
        // A conflict is a failure that passes: the next attempt reads what the other has written.
        retrying(&self.place.object(), deadline, events, stop, async || {
            let live = self.place.read(connection).await?;
            let standing = self.standing_in(live.as_ref(), force).map_err(|error| invalid(&error))?;
            let (Some(live), Standing::Differs(text)) = (live, standing) else { return Ok(sent) };
            let changes = json!({
                "metadata": {"resourceVersion": live["metadata"]["resourceVersion"]},
                "data": {self.place.key.as_str(): text},
            });
            let dry_run = if dry_run { "&dryRun=All" } else { "" };
            let path = format!("{}?fieldManager={ENTRIES_FIELD_MANAGER}{dry_run}", self.place.path());
            // Even where the answer is lost.
            sent = true;
            let body = ("application/merge-patch+json", changes.to_string().into_bytes());
            connection.request(Method::PATCH, &path, "application/json", Some(body)).await.map(|_| true)
        })
        .await
    }
}

impl Place {
    fn short(&self) -> String {
        format!("item {} of {}", self.item, self.list)
    }
}

fn invalid(error: &Error) -> Failure {
    Failure { class: Class::Invalid, message: error.to_string(), retry_after: None }
}

/// What components that end have written into configurations of others: what goes, and what stays as somebody has changed it.
pub(super) async fn leaving<'a>(
    connection: &Connection,
    ending: impl Iterator<Item = &'a Inventory>,
) -> Result<(Vec<Edit>, Vec<Kept>), Failure> {
    let mut found: Vec<Edit> = Vec::new();
    for (component, record) in
        ending.flat_map(|inventory| inventory.entries.iter().map(move |record| (&inventory.component, record)))
    {
        if let Some(edit) = found.iter_mut().find(|edit| edit.place == record.place) {
            edit.ours.insert(record.sha256.clone());
            continue;
        }
        let live = record.place.read(connection).await?;
        let (component, place, ours) = (component.clone(), record.place.clone(), BTreeSet::from([record.sha256.clone()]));
        found.push(Edit { component, place, item: None, rendered: false, ours, live });
    }
    let mut kept = Vec::new();
    found.retain(|edit| match edit.standing(false) {
        Ok(Standing::Differs(_)) => true,
        Ok(Standing::AsWanted | Standing::Nowhere) => false,
        Ok(Standing::Theirs) | Err(_) => {
            let reason = Reason::Edited { item: edit.place.item.clone() };
            kept.push(Kept { object: edit.place.object(), reason });
            false
        }
    });
    Ok((found, kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        serde_json::from_value(json!({
            "reader": {"apiVersion": "apps/v1", "kind": "Deployment", "labels": {"app": "istiod"}, "revision": "rev"},
            "configMap": "istio", "key": "mesh", "list": "providers", "item": {"name": "ours", "port": 80}}))
        .unwrap()
    }

    fn edit(item: Option<Value>, ours: &[Value], text: &str) -> Edit {
        let reader = json!({"metadata": {"namespace": "n", "labels": {}}});
        let live = json!({"metadata": {"name": "istio"}, "data": {"mesh": text}});
        let ours = ours.iter().map(digest).collect();
        let place = place(&reader, "rev", &entry());
        Edit { component: "c".into(), place, item, rendered: false, ours, live: Some(live) }
    }

    #[test]
    fn each_revision_has_a_configuration_of_its_own() {
        let name = |labels: Value| place(&json!({"metadata": {"namespace": "n", "labels": labels}}), "rev", &entry()).config_map;
        assert_eq!([json!({}), json!({"rev": "default"}), json!({"rev": "1-29"})].map(name), ["istio", "istio", "istio-1-29"]);
    }

    #[test]
    fn what_somebody_changed_is_theirs() {
        let [wanted, older, edited] = [80, 79, 1].map(|port| json!({"name": "ours", "port": port}));
        let with = |item: &Value| item::put("a: 1\n", "providers", item, Path::new("t")).unwrap();
        let standing = |item: Option<&Value>, ours: &[Value], text: &str, force: bool| {
            edit(item.cloned(), ours, text).standing(force).unwrap()
        };
        let recorded = [older.clone(), wanted.clone()];
        assert_eq!(standing(Some(&wanted), &[], "a: 1\n", false), Standing::Differs(with(&wanted)));
        assert_eq!(standing(Some(&wanted), &recorded, &with(&older), false), Standing::Differs(with(&wanted)), "ours of before");
        assert_eq!(standing(Some(&wanted), &recorded, &with(&edited), false), Standing::Theirs);
        assert_eq!(standing(Some(&wanted), &recorded, &with(&edited), true), Standing::Differs(with(&wanted)));
        assert_eq!(standing(None, &recorded, &with(&wanted), false), Standing::Differs("a: 1\n".into()));
        assert_eq!(standing(None, &recorded, &with(&edited), true), Standing::Theirs, "force takes nothing away");
        assert_eq!(standing(None, &recorded, "a: 1\n", false), Standing::AsWanted);
    }

    #[test]
    fn what_somebody_else_put_there_is_not_recorded_as_ours() {
        let wanted = json!({"name": "ours", "port": 80});
        let with = item::put("", "providers", &wanted, Path::new("t")).unwrap();
        assert!(edit(Some(wanted.clone()), &[], &with).records(false).is_empty());
        assert_eq!(edit(Some(wanted.clone()), std::slice::from_ref(&wanted), &with).records(false).len(), 1);
        assert_eq!(edit(Some(wanted.clone()), &[], "").records(false).len(), 1, "recorded before it is written");
        assert!(edit(None, &[wanted], &with).records(false).is_empty());
    }
}
