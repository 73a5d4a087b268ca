//! Which objects were as wanted when a run of this user last saw them, so that the next run reads no more than their metadata.
//!
//! An object that is still the one that was seen has not drifted, and where the same is wanted of it, nothing is to be done. What
//! was seen is told by its fingerprint: its version, or for a definition, whose status the server itself writes, its generation,
//! which moves with its whole `spec`, and the rest of its metadata. The record lies in the user's cache: whoever loses it pays one
//! full comparison. Secrets are left out, for a digest of a weak password tells it to whoever tries them all.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::check::Wanted;
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
        fingerprint(object).filter(|found| self.seen.get(id) == Some(found))
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

/// What an object is known by; the same as long as nothing of it has changed but what the server itself writes.
pub(super) fn fingerprint(object: &Value) -> Option<String> {
    let metadata = object.get("metadata")?.as_object()?;
    let text = |field: &str| metadata.get(field)?.as_str().filter(|text| !text.is_empty());
    let (uid, version) = (text("uid")?, text("resourceVersion")?);
    let is_definition = object["kind"] == "CustomResourceDefinition" && metadata.contains_key("generation");
    if !is_definition {
        return Some(format!("{uid} {version}"));
    }
    let mut metadata = metadata.clone();
    metadata.remove("resourceVersion");
    if let Some(managers) = metadata.get_mut("managedFields").and_then(Value::as_array_mut) {
        managers.retain(|manager| manager.get("subresource").is_none());
    }
    Some(format!("{uid} {}", sha256(Value::from(metadata).to_string().as_bytes())))
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
    use serde_json::json;

    #[test]
    fn a_status_moves_no_definition_and_anything_else_does() {
        let with = |metadata: Value, kind: &str| {
            let mut all = json!({"uid": "u", "resourceVersion": "1", "generation": 1, "labels": {"a": "1"},
                "managedFields": [{"manager": "kfctl", "time": "T"}]});
            all.as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
            fingerprint(&json!({"kind": kind, "metadata": all})).unwrap()
        };
        let managers = json!([{"manager": "kfctl", "time": "T"}, {"manager": "kube-apiserver", "subresource": "status"}]);
        let definition = |metadata| with(metadata, "CustomResourceDefinition");
        assert_eq!(definition(json!({"resourceVersion": "2", "managedFields": managers})), definition(json!({})));
        for other in [
            json!({"uid": "v"}),
            json!({"generation": 2}),
            json!({"labels": {"a": "2"}}),
            json!({"annotations": {"a": "1"}}),
            json!({"deletionTimestamp": "T"}),
            json!({"managedFields": [{"manager": "kfctl", "time": "U"}]}),
        ] {
            assert_ne!(definition(other.clone()), definition(json!({})), "{other}");
        }
        assert_ne!(with(json!({"resourceVersion": "2"}), "Role"), with(json!({}), "Role"));
        assert_eq!(fingerprint(&json!({"kind": "Role", "metadata": {"uid": "u"}})), None);
    }
}
