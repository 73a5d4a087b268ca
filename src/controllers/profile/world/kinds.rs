//! Which kinds are watched, and which templates have made in the life of another process. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::policies;
use super::{Source, Watch, World};
use crate::cluster::Resource;

impl World {
    /// Whether a kind is watched.
    pub(in super::super) fn is_watched(&self, resource: &Resource) -> bool {
        self.watches.iter().any(|watch| matches!(&watch.source, Source::Kind(kind) if **kind == *resource))
    }

    /// The kinds that templates have made, as the namespaces say, and that nobody watches yet.
    pub(in super::super) fn forgotten_kinds(&self) -> BTreeSet<String> {
        let recorded: BTreeSet<&String> = self.namespaces.values().flat_map(|seen| &seen.template_kinds).collect();
        recorded.into_iter().filter(|kind| self.kind(kind).is_none() && !self.unserved.contains(*kind)).cloned().collect()
    }

    /// A kind is not served: nothing is left of it.
    pub(in super::super) fn set_unserved(&mut self, kind: String) {
        self.unserved.insert(kind);
    }

    /// Whether all there is of a kind is known.
    fn is_known(&self, group_kind: &str) -> bool {
        let is_synced =
            |watch: &Watch| matches!(&watch.source, Source::Kind(kind) if kind.group_kind() == group_kind) && watch.synced;
        self.unserved.contains(group_kind) || self.watches.iter().any(is_synced)
    }

    /// The kind of a slot, where it is watched.
    pub(in super::super) fn kind(&self, group_kind: &str) -> Option<Arc<Resource>> {
        self.watches.iter().find_map(|watch| match &watch.source {
            Source::Kind(resource) if resource.group_kind() == group_kind => Some(Arc::clone(resource)),
            _ => None,
        })
    }

    /// The kinds that templates have made in a namespace and of which something may be left.
    pub(super) fn kinds_left(&self, namespace: &str) -> BTreeSet<String> {
        let recorded = self.namespaces.get(namespace).map(|seen| seen.template_kinds.as_slice()).unwrap_or_default();
        let is_there = |kind: &str| {
            let objects = self.objects.get(namespace).into_iter().flat_map(BTreeMap::iter);
            objects.into_iter().any(|(slot, seen)| *slot.0 == *kind && seen.is_ours() && !policies::is_own(slot))
        };
        recorded.iter().filter(|kind| !self.is_known(kind) || is_there(kind)).cloned().collect()
    }
}
