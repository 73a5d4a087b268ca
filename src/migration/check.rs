//! Whether file and cluster belong together, so that what is let go can come back: facts in, refusals out. Pure.

use std::collections::HashMap;

use serde_json::Value;

use super::file::Exported;
use super::look::{Theirs, is_theirs};
use crate::labels::{IMPORTED_FROM, THEIR_FINALIZER};
use crate::object::list;

/// Finalizers that the server itself puts on what is deleted with a choice of what becomes of its dependents.
const ORPHAN: &str = "orphan";

/// Why nothing may be let go; empty where all is well.
pub(super) fn refusals(exported: &[Exported], theirs: &Theirs) -> Vec<String> {
    let by_uid: HashMap<&str, &Exported> = exported.iter().map(|exported| (exported.uid.as_str(), exported)).collect();
    let going = theirs.definition["metadata"].get("deletionTimestamp").is_some();
    let mut refusals: Vec<String> =
        theirs.profiles.iter().filter_map(|profile| profile_refusal(profile, &by_uid, going)).collect();
    refusals.extend(exported.iter().filter_map(|exported| namespace_refusal(exported, theirs)));
    refusals
}

/// What is wrong with one of their profiles.
fn profile_refusal(profile: &Value, exported: &HashMap<&str, &Exported>, going: bool) -> Option<String> {
    let metadata = &profile["metadata"];
    let name = metadata["name"].as_str().unwrap_or_default();
    let refused = |why: &str| Some(format!("profile {name} {why}"));
    let Some(known) = metadata["uid"].as_str().and_then(|uid| exported.get(uid)) else {
        return refused("is in the cluster and not in the file: export the list again");
    };
    match Exported::of(profile) {
        Ok(live) if live.agrees_with(known) => {}
        _ => return refused("has another owner or quota than in the file: export the list again"),
    }
    let finalizers: Vec<&str> = list(profile, "/metadata/finalizers").iter().filter_map(Value::as_str).collect();
    // What goes with its definition is meant by nobody; what we let go ourselves leaves its dependents.
    if metadata.get("deletionTimestamp").is_some() && !going && finalizers != [ORPHAN] {
        return refused("is being deleted, and its namespace with it: let their controller end that, then export the list again");
    }
    let strange = finalizers.iter().find(|finalizer| ![THEIR_FINALIZER, ORPHAN].contains(finalizer));
    strange.and_then(|strange| {
        refused(&format!("has finalizer {strange}, which is not their controller's: find out who waits for it"))
    })
}

/// What is wrong with the namespace of a profile. It must have been that profile's: else whoever once asked for a profile of the name
/// of a namespace would be given it.
fn namespace_refusal(exported: &Exported, theirs: &Theirs) -> Option<String> {
    let Exported { name, uid, .. } = exported;
    let Some(namespace) = theirs.namespaces.get(name) else {
        return Some(format!(
            "namespace {name} is not there: delete profile {name}, which has nothing to lose, and export the list again"
        ));
    };
    if namespace["metadata"].get("deletionTimestamp").is_some() {
        return Some(format!("namespace {name} is being deleted"));
    }
    let owners = list(namespace, "/metadata/ownerReferences");
    let is_owned = owners.iter().any(|reference| is_theirs(reference) && reference["uid"] == **uid);
    let is_marked = namespace["metadata"]["annotations"][IMPORTED_FROM] == **uid;
    (!is_owned && !is_marked).then(|| {
        format!("namespace {name} is not that of profile {name}: it does not name it as its owner. If it is to be: kubectl annotate namespace {name} {IMPORTED_FROM}={uid}")
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn profile(more: &Value) -> Value {
        let mut profile = json!({"metadata": {"name": "jane", "uid": "1", "finalizers": [THEIR_FINALIZER]},
            "spec": {"owner": {"kind": "User", "name": "jane@foo.com"}, "resourceQuotaSpec": {"hard": {"cpu": "1"}}}});
        for (pointer, value) in more.as_object().unwrap() {
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            profile.pointer_mut(parent).unwrap()[field] = value.clone();
        }
        profile
    }

    fn namespace() -> Value {
        json!({"metadata": {"name": "jane", "ownerReferences": [{"apiVersion": "kubeflow.org/v1", "kind": "Profile", "name": "jane", "uid": "1"}]}})
    }

    fn refused(profiles: Vec<Value>, namespace: Option<Value>, definition: Value) -> String {
        let exported = [Exported::of(&profile(&json!({}))).unwrap()];
        let namespaces: BTreeMap<String, Value> = namespace.into_iter().map(|namespace| ("jane".to_owned(), namespace)).collect();
        let theirs = Theirs { definition, path: String::new(), profiles, controllers: Vec::new(), namespaces, owned: Vec::new() };
        refusals(&exported, &theirs).join("\n")
    }

    #[test]
    fn a_file_that_tells_less_than_the_cluster_is_refused() {
        let none = || json!({});
        for (more, says) in [
            (json!({}), ""),
            (json!({"/metadata/uid": "2"}), "is in the cluster and not in the file"),
            (json!({"/spec/owner/name": "bob@foo.com"}), "has another owner or quota than in the file"),
            (json!({"/spec/resourceQuotaSpec": null}), "has another owner or quota than in the file"),
            (json!({"/metadata/deletionTimestamp": "now"}), "is being deleted"),
            (json!({"/metadata/deletionTimestamp": "now", "/metadata/finalizers": ["orphan"]}), ""),
            (json!({"/metadata/finalizers": ["x.com/y"]}), "has finalizer x.com/y"),
        ] {
            let said = refused(vec![profile(&more)], Some(namespace()), none());
            assert!(if says.is_empty() { said.is_empty() } else { said.contains(says) }, "{more}: {said}");
        }
        // Their definition is on its way out: nobody means the profiles.
        let going = json!({"metadata": {"deletionTimestamp": "now"}});
        assert_eq!(refused(vec![profile(&json!({"/metadata/deletionTimestamp": "now"}))], Some(namespace()), going), "");
        // Gone already: the marks are what is left.
        assert_eq!(refused(Vec::new(), Some(json!({"metadata": {"annotations": {IMPORTED_FROM: "1"}}})), none()), "");
    }

    #[test]
    fn a_namespace_that_was_not_theirs_is_given_to_nobody() {
        let mut other = namespace();
        other["metadata"]["ownerReferences"][0]["uid"] = "2".into();
        let mut going = namespace();
        going["metadata"]["deletionTimestamp"] = "now".into();
        for (namespace, says) in [
            (None, "namespace jane is not there"),
            (Some(going), "namespace jane is being deleted"),
            (Some(json!({"metadata": {}})), "namespace jane is not that of profile jane"),
            (Some(other), "namespace jane is not that of profile jane"),
        ] {
            let said = refused(vec![profile(&json!({}))], namespace, json!({}));
            assert!(said.contains(says), "{said}");
        }
    }
}
