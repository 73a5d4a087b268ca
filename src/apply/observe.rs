//! An installation as it changes: driven by watches of its objects, their pods and the inventories, never by polling.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use futures::stream::{BoxStream, SelectAll, StreamExt, select_all};

use super::inspect::{ComponentState, Installation, Subject};
use super::inventory::{self, Inventory};
use super::live::resources;
use super::rules::template;
use super::watches::{Seen, watch};
use crate::cluster::{Discovery, Failure, Resource};
use crate::labels::{APP, APPLYSET_ID, APPLYSET_PART_OF};

/// Events that are taken together: what changes at once is shown at once.
const TOGETHER: usize = 256;

fn core(kind: &str, plural: &str) -> Resource {
    Resource { group: String::new(), version: "v1".into(), kind: kind.into(), plural: plural.into(), namespaced: true }
}

/// What a watch is for.
#[derive(Clone)]
enum Source {
    /// Objects of the app.
    Objects,
    /// Pods in a namespace of its workloads.
    Pods(String),
    /// Its inventories.
    Inventories,
}

impl Installation<'_> {
    /// Calls `changed` with the state now, and whenever it changes; `trouble` when a watch breaks. Ends only with a failure.
    pub async fn watch(
        mut self,
        mut changed: impl FnMut(&[ComponentState]),
        mut trouble: impl FnMut(&str),
    ) -> Result<(), Failure> {
        let mut shown: Option<Vec<ComponentState>> = None;
        let mut told = HashSet::new();
        loop {
            let mut events = self.streams().ready_chunks(TOGETHER);
            let mut stale = false;
            while !stale {
                let now = self.components();
                if shown.as_ref() != Some(&now) {
                    changed(&now);
                    shown = Some(now);
                }
                for (source, seen) in events.next().await.unwrap_or_default() {
                    match &seen {
                        Seen::Broken(why) if told.insert(why.clone()) => trouble(why),
                        Seen::All(..) => told.clear(),
                        _ => {}
                    }
                    stale |= self.take(source, seen);
                }
            }
            // Another run changed what there is to watch, and maybe what the server serves.
            drop(events);
            let discovery = Arc::new(Discovery::read(self.subject.connection).await?);
            self = Self::read(Subject { discovery, ..self.subject }).await?;
        }
    }

    fn streams(&self) -> SelectAll<BoxStream<'static, (Source, Seen)>> {
        let connection = self.subject.connection;
        let tagged = |source: Source, stream: BoxStream<'static, Seen>| stream.map(move |seen| (source.clone(), seen)).boxed();
        let all: Vec<&Inventory> = self.inventories.values().collect();
        let ids: Vec<String> = all.iter().map(|inventory| inventory.id()).collect();
        let ours = format!("{APPLYSET_PART_OF} in ({})", ids.join(","));
        let workloads = self.live.iter().filter(|(id, object)| template(id, object).is_some());
        let namespaces: BTreeSet<&str> = workloads.map(|(id, _)| id.namespace.as_str()).collect();
        let objects = resources(&self.subject.discovery, &all, self.subject.members());
        let objects = objects.map(|resource| tagged(Source::Objects, watch(connection, resource, None, &ours)));
        let pods = core("Pod", "pods");
        let pods = namespaces
            .into_iter()
            .map(|namespace| tagged(Source::Pods(namespace.to_owned()), watch(connection, &pods, Some(namespace), "")));
        let parents = format!("{APP}={},{APPLYSET_ID}", self.subject.app);
        let parents = watch(connection, &core("ConfigMap", "configmaps"), Some(inventory::NAMESPACE), &parents);
        select_all(objects.chain(pods).chain([tagged(Source::Inventories, parents)]))
    }

    /// Takes in what a watch says; true where the inventories are no longer those that are watched.
    fn take(&mut self, source: Source, seen: Seen) -> bool {
        match (source, seen) {
            (Source::Objects, Seen::Object(resource, id, object)) => self.live.put(resource, id, object),
            (Source::Objects, Seen::Gone(id)) => self.live.retain(|other| *other != id),
            (Source::Objects, Seen::All(resource, there)) => {
                self.live.retain(|id| !id.is(&resource.group, &resource.kind) || there.contains(id));
            }
            (Source::Pods(_), Seen::Object(_, id, pod)) => drop(self.pods.insert(id, pod)),
            (Source::Pods(_), Seen::Gone(id)) => drop(self.pods.remove(&id)),
            (Source::Pods(namespace), Seen::All(_, there)) => {
                self.pods.retain(|id, _| id.namespace != namespace || there.contains(id));
            }
            (Source::Inventories, Seen::Object(_, _, parent)) => {
                return Inventory::read(&parent).is_some_and(|found| {
                    self.subject.concerns(&found.component) && self.inventories.get(&found.component) != Some(&found)
                });
            }
            (Source::Inventories, Seen::Gone(id)) => return self.inventories.values().any(|known| known.name() == id.name),
            (Source::Inventories, Seen::All(_, there)) => {
                let names: HashSet<&str> = there.iter().map(|id| id.name.as_str()).collect();
                return self.inventories.values().any(|known| !names.contains(known.name().as_str()));
            }
            (_, Seen::Broken(_)) => {}
        }
        false
    }
}
