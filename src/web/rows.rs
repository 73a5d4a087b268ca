//! What a visitor may see of a namespace: a row is there only after the API server has said so, and so is each part of it.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

use super::Site;
use super::access::Deed;
use super::cache::Kind;
use super::visitor::Visitor;
use crate::catalog::quantity_value;
use crate::cluster::Failure;
use crate::digest::sha256;
use crate::labels::{PROFILE, PROFILE_UID};
use crate::notebooks::state as state_of_notebook;
use crate::object::list;
use crate::profiles::{MEMBERS, QUOTA, SYSTEM_NAMESPACE, named, namespace_of, owner_of, ready, rows, text};

pub(super) const RBAC: &str = "rbac.authorization.k8s.io";
pub(super) const KUBEFLOW: &str = "kubeflow.org";

/// Namespaces that are asked about at the same time.
const AT_ONCE: usize = 16;

/// Right to left: the stronger.
const ROLES: [&str; 5] = ["view", "default", "edit", "admin", "owner"];

/// The namespaces that bindings give a visitor a part in, as the caches know them. What is shown of them is asked first.
pub(super) fn candidates(site: &Site, visitor: &Visitor) -> Vec<String> {
    let mut found = site.cache.namespaces_of("User", &visitor.user);
    found.extend(visitor.groups.iter().flat_map(|group| site.cache.namespaces_of("Group", group)));
    found.retain(|namespace| site.cache.one(Kind::Namespaces, "", namespace).is_some());
    found.into_iter().collect()
}

/// The profile of a namespace, by its own mark.
pub(super) fn profile_of(namespace: &Value) -> &str {
    namespace["metadata"]["labels"][PROFILE].as_str().unwrap_or_default()
}

/// The namespace of a profile: what it says itself, or where it is not known any more, the one that says so.
pub(super) fn namespace_of_profile(site: &Site, name: &str) -> Option<String> {
    if let Some(profile) = site.cache.one(Kind::Profiles, SYSTEM_NAMESPACE, name) {
        return Some(namespace_of(&profile));
    }
    site.cache.choose(Kind::Namespaces, |it| (profile_of(it) == name).then(|| text(it, "/metadata/name").to_owned())).pop()
}

/// Whether a visitor may look into a namespace.
pub(super) async fn may_see(site: &Site, visitor: &Visitor, namespace: &str) -> Result<bool, Failure> {
    visitor.may(site, Deed::new("get", "", "namespaces", namespace, namespace)).await
}

/// Whether a visitor may read a profile itself; an empty name is all of them.
pub(super) async fn may_read(site: &Site, visitor: &Visitor, name: &str) -> Result<bool, Failure> {
    visitor.may(site, Deed::new(if name.is_empty() { "list" } else { "get" }, KUBEFLOW, "profiles", SYSTEM_NAMESPACE, name)).await
}

/// Whether a visitor may make profiles.
pub(super) async fn may_create(site: &Site, visitor: &Visitor) -> Result<bool, Failure> {
    visitor.may(site, Deed::new("create", KUBEFLOW, "profiles", SYSTEM_NAMESPACE, "")).await
}

/// What a visitor may do with a profile, so that no page offers what would be refused.
pub(super) async fn may(site: &Site, visitor: &Visitor, name: &str, namespace: &str) -> Result<Value, Failure> {
    let profile = |verb| visitor.may(site, Deed::new(verb, KUBEFLOW, "profiles", SYSTEM_NAMESPACE, name));
    let share = visitor.may(site, Deed::new("create", RBAC, "rolebindings", namespace, ""));
    let (share, change, delete) = futures::join!(share, profile("patch"), profile("delete"));
    Ok(json!({"share": share?, "change": change?, "delete": delete?}))
}

/// The little that a list shows.
pub(super) fn brief(site: &Site, visitor: &Visitor, name: &str, namespace: &str, reads_profile: bool) -> Value {
    let live = site.cache.one(Kind::Namespaces, "", namespace);
    let profile = site.cache.one(Kind::Profiles, SYSTEM_NAMESPACE, name).filter(|_| reads_profile);
    let owner = profile.as_deref().map(|profile| named(owner_of(profile)));
    let owner =
        owner.or_else(|| live.as_deref().map(|live| live["metadata"]["annotations"]["owner"].as_str().unwrap_or("").to_owned()));
    let (state, message) = state(live.as_deref(), profile.as_deref());
    json!({"name": name, "namespace": namespace, "owner": owner, "role": role(site, visitor, namespace), "state": state, "message": message})
}

/// In a word, and what a person can do about it.
fn state(namespace: Option<&Value>, profile: Option<&Value>) -> (&'static str, String) {
    let going = |object: Option<&Value>| object.is_some_and(|object| object["metadata"].get("deletionTimestamp").is_some());
    let told = profile.map(ready);
    let message = told.map_or("", |[_, _, message]| message).to_owned();
    match (namespace, told) {
        _ if going(namespace) || going(profile) => ("being deleted", message),
        (_, Some(["True", ..])) | (Some(_), None) => ("ready", String::new()),
        (_, Some(["False", ..])) => ("not ready", message),
        _ => ("being made", message),
    }
}

/// What is asked about each of many, some at a time: the API server has others to answer too.
pub(super) async fn each<Found>(asked: Vec<impl Future<Output = Result<Found, Failure>>>) -> Result<Vec<Found>, Failure> {
    stream::iter(asked).buffered(AT_ONCE).try_collect().await
}

/// Everything of a namespace that a visitor may see; none where they may not see it at all.
pub(super) async fn row(site: &Site, visitor: &Visitor, namespace: &str) -> Result<Option<Value>, Failure> {
    let Some(live) = site.cache.one(Kind::Namespaces, "", namespace) else { return Ok(None) };
    if !may_see(site, visitor, namespace).await? {
        return Ok(None);
    }
    let name = profile_of(&live);
    let lists = |group, resource| visitor.may(site, Deed::new("list", group, resource, namespace, ""));
    let (reads, quotas, notebooks, bindings) = futures::join!(
        may_read(site, visitor, name),
        lists("", "resourcequotas"),
        lists(KUBEFLOW, "notebooks"),
        lists(RBAC, "rolebindings"),
    );
    let mut row = brief(site, visitor, name, namespace, reads?);
    row["quota"] = if quotas? { quota(site.cache.one(Kind::Quotas, namespace, QUOTA)) } else { Value::Null };
    row["notebooks"] = if notebooks? && site.cache.has(Kind::Notebooks) {
        site.cache.within(Kind::Notebooks, namespace).iter().map(|it| notebook(it)).collect()
    } else {
        Value::Null
    };
    row["people"] = if bindings? { people(&site.cache.within(Kind::Bindings, namespace)) } else { Value::Null };
    Ok(Some(row))
}

/// A word for all that is known of some namespaces: another one says that there is something new. What that is, a row shows to whoever may
/// see it.
pub(super) fn fingerprint(site: &Site, visitor: &Visitor, namespaces: &[String]) -> String {
    let told = |namespace: &String| {
        let live = site.cache.one(Kind::Namespaces, "", namespace);
        let name = live.as_deref().map(profile_of).unwrap_or_default();
        let notebooks: Value = site.cache.within(Kind::Notebooks, namespace).iter().map(|it| notebook(it)).collect();
        let people = people(&site.cache.within(Kind::Bindings, namespace));
        json!([
            brief(site, visitor, name, namespace, true),
            quota(site.cache.one(Kind::Quotas, namespace, QUOTA)),
            notebooks,
            people
        ])
    };
    let known: Value = namespaces.iter().map(told).collect();
    sha256(known.to_string().as_bytes())[..16].to_owned()
}

/// Used, limit and free of each resource; how full, in percent.
pub(super) fn quota(quota: Option<Arc<Value>>) -> Value {
    let Some(quota) = quota else { return Value::Null };
    let bar = |[resource, limit, used, free]: [String; 4]| {
        let percent = quantity_value(&used).zip(quantity_value(&limit)).map_or(0.0, |(used, limit)| match (used, limit) {
            (used, _) if used <= 0.0 => 0.0,
            (_, limit) if limit <= 0.0 => 100.0,
            (used, limit) => (used / limit * 100.0).min(100.0),
        });
        #[allow(clippy::cast_possible_truncation, reason = "it is between 0 and 100")]
        let percent = percent.round() as i64;
        json!({"resource": resource, "label": label(&resource), "limit": limit, "used": used, "free": free, "percent": percent})
    };
    rows(&quota).into_iter().map(bar).collect()
}

/// A quota's resource as people call it.
pub(super) fn label(resource: &str) -> String {
    match resource {
        "requests.cpu" => "CPU".to_owned(),
        "requests.memory" => "Memory".to_owned(),
        "requests.storage" => "Storage".to_owned(),
        other => match other.strip_prefix("requests.") {
            Some(device) if device.contains('/') => format!("GPU ({device})"),
            _ => other.to_owned(),
        },
    }
}

fn notebook(notebook: &Value) -> Value {
    json!({"name": text(notebook, "/metadata/name"), "state": state_of_notebook(notebook).word})
}

/// Who has a part in a namespace, by which role, and by what. The service accounts that come with it are nobody.
pub(super) fn people(bindings: &[Arc<Value>]) -> Value {
    let mut found = Vec::new();
    for binding in bindings {
        let (name, role) = (text(binding, "/metadata/name"), role_of(binding));
        // What is ours follows from the profile.
        let is_ours = binding["metadata"]["labels"].get(PROFILE_UID).is_some();
        for subject in list(binding, "/subjects") {
            let kind = text(subject, "/kind");
            let is_own_account = is_ours && matches!(name, "default-editor" | "default-viewer") && kind == "ServiceAccount";
            if !is_own_account {
                let by = if is_ours { "profile".to_owned() } else { format!("RoleBinding {name}") };
                found.push(json!({"who": named(subject), "kind": kind, "name": text(subject, "/name"), "role": role, "by": by,
                    "removable": role != "owner" && kind != "ServiceAccount" && (is_ours || role == "default")}));
            }
        }
    }
    found.sort_by_key(|person| ROLES.iter().rev().position(|role| person["role"] == *role).unwrap_or(ROLES.len()));
    found.into()
}

/// The same as the profile itself says it, for those who may read that and not what is in the namespace.
pub(super) fn people_of(profile: &Value) -> Value {
    let person = |subject: &Value, role: &str| {
        let kind = text(subject, "/kind");
        json!({"who": named(subject), "kind": kind, "name": text(subject, "/name"), "role": role, "by": "profile",
            "removable": role != "owner" && kind != "ServiceAccount"})
    };
    let members = list(profile, MEMBERS).iter().map(|member| person(&member["subject"], text(member, "/role")));
    [person(owner_of(profile), "owner")].into_iter().chain(members).collect()
}

/// The role that a binding gives.
fn role_of(binding: &Value) -> &str {
    if text(binding, "/metadata/name") == "namespaceAdmin" {
        return "owner";
    }
    let role = text(binding, "/roleRef/name");
    role.strip_prefix("kubeflow-").unwrap_or(role)
}

/// The strongest role of a visitor in a namespace; empty where it is none of the known ones.
pub(super) fn role(site: &Site, visitor: &Visitor, namespace: &str) -> &'static str {
    let bindings = site.cache.within(Kind::Bindings, namespace);
    let theirs = bindings
        .iter()
        .filter(|binding| list(binding, "/subjects").iter().any(|it| visitor.is(text(it, "/kind"), text(it, "/name"))));
    let strongest = theirs.filter_map(|binding| ROLES.iter().position(|role| *role == role_of(binding))).max();
    strongest.map_or("", |place| ROLES[place])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_full_as_the_quota() {
        let live = json!({"spec": {"hard": {"requests.cpu": "4", "requests.memory": "1Gi", "requests.nvidia.com/gpu": "0", "pods": "5"}},
            "status": {"used": {"requests.cpu": "500m", "requests.memory": "2Gi", "requests.nvidia.com/gpu": "0"}}});
        let bars = quota(Some(Arc::new(live)));
        let shown: Vec<_> = list(&bars, "")
            .iter()
            .map(|bar| {
                [text(bar, "/label"), text(bar, "/used"), text(bar, "/limit"), text(bar, "/free")].join(" ")
                    + " "
                    + &bar["percent"].to_string()
            })
            .collect();
        assert_eq!(shown, ["pods ? 5 ? 0", "CPU 500m 4 3500m 13", "Memory 2Gi 1Gi -1Gi 100", "GPU (nvidia.com/gpu) 0 0 0 0"]);
        assert_eq!(quota(None), Value::Null);
    }

    #[test]
    fn who_is_in_a_namespace_is_told_with_their_role() {
        let binding = |name: &str, role: &str, ours: bool, kind: &str, who: &str| {
            let labels = if ours { json!({PROFILE_UID: "1"}) } else { json!({}) };
            Arc::new(
                json!({"metadata": {"name": name, "labels": labels}, "roleRef": {"name": role}, "subjects": [{"kind": kind, "name": who}]}),
            )
        };
        let people = people(&[
            binding("default-editor", "kubeflow-edit", true, "ServiceAccount", "default-editor"),
            binding("share-bob", "default", false, "User", "bob"),
            binding("member-view-1", "kubeflow-view", true, "Group", "team"),
            binding("namespaceAdmin", "kubeflow-admin", true, "User", "jane"),
        ]);
        let shown: Vec<_> = list(&people, "")
            .iter()
            .map(|it| format!("{} {} {} {}", text(it, "/who"), text(it, "/role"), text(it, "/by"), it["removable"]))
            .collect();
        assert_eq!(shown, ["jane owner profile false", "bob default RoleBinding share-bob true", "Group team view profile true"]);
    }

    #[test]
    fn a_state_is_said_in_a_word() {
        let profile = |status: &str| json!({"status": {"conditions": [{"type": "Ready", "status": status, "message": "why"}]}});
        let (there, going) = (json!({"metadata": {}}), json!({"metadata": {"deletionTimestamp": "now"}}));
        for (namespace, profile, expected) in [
            (Some(&there), Some(profile("True")), "ready"),
            (Some(&there), Some(profile("False")), "not ready"),
            (None, Some(json!({})), "being made"),
            (Some(&there), None, "ready"),
            (Some(&going), Some(profile("True")), "being deleted"),
        ] {
            assert_eq!(state(namespace, profile.as_ref()).0, expected);
        }
    }
}
