//! Which objects were as wanted when a run of this user last saw them, so that the next run reads no more than their metadata.
//!
//! An object that is still the one that was seen has not drifted, and where the same is wanted of it, nothing is to be done. What
//! was seen is told by its fingerprint: its version, or for a kind whose status is written all the time, its generation, which moves
//! with its whole `spec`, and what is ours of its metadata. The record lies in the user's cache: whoever loses it pays one full
//! comparison. Secrets are left out, for a digest of a weak password tells it to whoever tries them all.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::check::Wanted;
use super::compare;
use crate::cluster::Resource;
use crate::digest::sha256;
use crate::directories::store;
use crate::object::ObjectId;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    wanted: String,
    seen: String,
}

type Entries = BTreeMap<String, Entry>;

/// Objects of this run that were as wanted.
#[derive(Debug, Default)]
pub(super) struct Settled {
    seen: HashMap<ObjectId, String>,
    kinds: HashSet<(String, String)>,
}

impl Settled {
    /// Those of `objects` of which still the same is wanted.
    pub(super) fn load(cache: Option<&Path>, cluster_uid: &str, app: &str, objects: &[Wanted]) -> Self {
        let entries = cache.map(|cache| read(&file(cache, cluster_uid, app))).unwrap_or_default();
        let mut settled = Self::default();
        for wanted in objects {
            let id = &wanted.member.object.id;
            if let Some(entry) = entries.get(&id.to_string()).filter(|entry| entry.wanted == wanted.digest) {
                settled.kinds.insert((id.group.clone(), id.kind.clone()));
                settled.seen.insert(id.clone(), entry.seen.clone());
            }
        }
        settled
    }

    /// Whether there is any of this kind.
    pub(super) fn has(&self, resource: &Resource) -> bool {
        self.kinds.contains(&(resource.group.clone(), resource.kind.clone()))
    }

    /// The fingerprint of the object, where it is the one that was seen.
    pub(super) fn as_before(&self, id: &ObjectId, object: &Value) -> Option<String> {
        fingerprint(id, object).filter(|found| self.seen.get(id) == Some(found))
    }
}

/// Notes what this run has seen as wanted. Objects of other components stay noted.
pub(super) fn note(cache: Option<&Path>, cluster_uid: &str, app: &str, objects: &[Wanted]) {
    let Some(path) = cache.map(|cache| file(cache, cluster_uid, app)) else { return };
    let before = read(&path);
    let mut entries = before.clone();
    for wanted in objects {
        let key = wanted.member.object.id.to_string();
        match wanted.seen.clone().filter(|_| !wanted.member.object.id.is("", "Secret")) {
            Some(seen) => drop(entries.insert(key, Entry { wanted: wanted.digest.clone(), seen })),
            None => drop(entries.remove(&key)),
        }
    }
    if entries != before
        && let Err(error) = store(&path, &serde_json::to_vec(&entries).expect("plain data"))
    {
        tracing::debug!("not noted: {error}");
    }
}

/// Kinds of the server's own that have only metadata beside `spec` and `status`, and a new generation with every change of `spec`.
const COUNTED: &[(&str, &str)] = &[
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("batch", "CronJob"),
    ("batch", "Job"),
    ("networking.k8s.io", "Ingress"),
    ("policy", "PodDisruptionBudget"),
];

/// What an object is known by, told from its metadata; the same as long as nothing of ours in it has changed.
pub(super) fn fingerprint(id: &ObjectId, object: &Value) -> Option<String> {
    let metadata = object.get("metadata")?;
    let text = |field: &str| metadata.get(field)?.as_str().filter(|text| !text.is_empty());
    let (uid, version) = (text("uid")?, text("resourceVersion")?);
    let counted = COUNTED.iter().any(|(group, kind)| id.is(group, kind));
    let (Some(generation), Some(owned)) = (metadata.get("generation").filter(|_| counted), compare::owned(object)) else {
        return Some(format!("{uid} {version}"));
    };
    let ours = compare::part(metadata, owned.get("f:metadata").and_then(Value::as_object)?);
    let known = json!([generation, metadata.get("deletionTimestamp"), owned, ours]);
    Some(format!("{uid} {}", sha256(known.to_string().as_bytes())))
}

fn file(cache: &Path, cluster_uid: &str, app: &str) -> PathBuf {
    cache.join("settled").join(format!("{}.json", sha256(format!("{cluster_uid} {app}").as_bytes())))
}

fn read(path: &Path) -> Entries {
    std::fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(group: &str, kind: &str, metadata: Value) -> String {
        let id = ObjectId { group: group.into(), kind: kind.into(), namespace: String::new(), name: "a".into() };
        let ours =
            |labels: Value| json!([{"manager": "kfctl", "operation": "Apply", "fieldsV1": {"f:metadata": labels, "f:spec": {}}}]);
        let mut all = json!({"uid": "u", "resourceVersion": "1", "generation": 1, "labels": {"a": "1"},
            "managedFields": ours(json!({"f:labels": {"f:a": {}}}))});
        all.as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
        if let Some(labels) = all["managedFields"].as_object().cloned() {
            all["managedFields"] = ours(labels.into());
        }
        fingerprint(&id, &json!({"metadata": all})).unwrap()
    }

    #[test]
    fn what_others_keep_moves_nothing_and_anything_of_ours_does() {
        for (group, kind) in [("apiextensions.k8s.io", "CustomResourceDefinition"), ("apps", "Deployment")] {
            let print = |metadata| print(group, kind, metadata);
            let before = print(json!({}));
            let theirs = json!({"resourceVersion": "2", "labels": {"a": "1", "b": "2"}, "annotations": {"revision": "1"}});
            assert_eq!(print(theirs), before);
            for other in [
                json!({"uid": "v"}),
                json!({"generation": 2}),
                json!({"labels": {"a": "2"}}),
                json!({"labels": {}}),
                json!({"deletionTimestamp": "T"}),
                json!({"managedFields": {}}),
                json!({"managedFields": {"f:labels": {"f:a": {}, "f:b": {}}}}),
                // Nothing of it is ours any more.
                json!({"managedFields": []}),
            ] {
                assert_ne!(print(other.clone()), before, "{other}");
            }
        }
    }

    #[test]
    fn without_a_generation_that_counts_everything_moves_it() {
        for (group, kind) in [("", "ConfigMap"), ("rbac.authorization.k8s.io", "Role"), ("scheduling.k8s.io", "PriorityClass")] {
            assert_ne!(print(group, kind, json!({"resourceVersion": "2"})), print(group, kind, json!({})));
        }
        assert_eq!(
            fingerprint(
                &ObjectId { group: String::new(), kind: "Role".into(), namespace: String::new(), name: "a".into() },
                &json!({"metadata": {"uid": "u"}})
            ),
            None
        );
    }
}
