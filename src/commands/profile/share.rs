//! `kfctl profile share` and `unshare`. The owner shares by a `RoleBinding` to Role `default`, which is theirs to make; a role of choice
//! is a member in the profile, which only who may change profiles can add.

use http::Method;
use serde_json::{Value, json};

use super::{Access, MERGE, json_of, named, path, same, text};
use crate::cli::{Place, Role, Who};
use crate::cluster::{Class, Failure};
use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::object::list;

const MEMBERS: &str = "/spec/template/spec/members";
/// How often a change that came too late is tried again.
const TRIES: usize = 5;

fn bindings(namespace: &str) -> String {
    format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings")
}

/// Whether a `RoleBinding` shares the namespace.
fn shares(binding: &Value) -> bool {
    text(binding, "/roleRef/kind") == "Role" && text(binding, "/roleRef/name") == "default"
}

/// The `RoleBinding`s that share a namespace.
pub(super) async fn shared(access: &Access<'_>, namespace: &str) -> Result<Vec<Value>, Failure> {
    let found = access.connection.get(&bindings(namespace)).await?;
    Ok(list(&found, "/items").iter().filter(|binding| shares(binding)).cloned().collect())
}

/// The name of somebody's `RoleBinding`: readable, valid whatever their name is, and another one for each.
fn binding_name(subject: &Value) -> String {
    let readable: String =
        text(subject, "/name").chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let readable = &readable[..readable.len().min(40)];
    let identity = ["/kind", "/namespace", "/name"].map(|pointer| text(subject, pointer)).join("\n");
    format!("share-{}-{}", readable.trim_matches('-'), &sha256(identity.as_bytes())[..8])
}

pub(super) async fn share(access: &Access<'_>, place: &Place, who: &Who) -> Result<()> {
    let subject = json_of(&who.subject()?);
    let (name, who) = (&place.name, named(&subject));
    let namespace = access.namespace(place).await?;
    let failed = |failure| in_namespace(access, failure, "share", name, &namespace);
    let existing = match shared(access, &namespace).await {
        Ok(existing) => existing,
        Err(failure) => return Err(failed(failure).await),
    };
    if let Some(binding) = existing.iter().find(|binding| list(binding, "/subjects").iter().any(|other| same(other, &subject))) {
        access.session.printer.json(binding);
        access.done(&format!("{who} may use namespace {namespace} already, by RoleBinding {}", text(binding, "/metadata/name")));
        return Ok(());
    }
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": binding_name(&subject), "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "default"},
        "subjects": [subject],
    });
    let made = match access.send(Method::POST, &bindings(&namespace), Some(("application/json", &binding))).await {
        Ok(made) => made,
        Err(failure) => return Err(failed(failure).await),
    };
    access.session.printer.json(&made);
    access.done(&format!("{who} may use namespace {namespace}, by RoleBinding {}", text(&made, "/metadata/name")));
    access.next(&[(&unshare_command(name, &subject), "take it back")]);
    Ok(())
}

pub(super) async fn member(access: &Access<'_>, name: &str, who: &Who, role: Role) -> Result<()> {
    let subject = json_of(&who.subject()?);
    let role = format!("{role:?}").to_lowercase();
    let changed = change_members(access, name, |members| {
        members.retain(|member| !same(&member["subject"], &subject));
        members.push(json!({"subject": subject, "role": role}));
        true
    })
    .await
    .map_err(|error| error.hint(format!("the owner can share without a role: leave out --role={role}")))?;
    access.session.printer.json(&changed);
    access.done(&format!("{} is a member of profile {name} with role {role}", named(&subject)));
    access.next(&[(&unshare_command(name, &subject), "take it back")]);
    Ok(())
}

pub(super) async fn unshare(access: &Access<'_>, place: &Place, who: &Who) -> Result<()> {
    let subject = json_of(&who.subject()?);
    let (name, who) = (&place.name, named(&subject));
    let namespace = access.namespace(place).await?;
    let failed = |failure| in_namespace(access, failure, "unshare", name, &namespace);
    let existing = match shared(access, &namespace).await {
        Ok(existing) => existing,
        Err(failure) => return Err(failed(failure).await),
    };
    let holds = |binding: &&Value| list(binding, "/subjects").iter().any(|other| same(other, &subject));
    let theirs: Vec<&Value> = existing.iter().filter(holds).collect();
    if let Some(binding) = theirs.iter().find(|binding| list(binding, "/subjects").len() > 1) {
        let others: Vec<String> = list(binding, "/subjects").iter().filter(|other| !same(other, &subject)).map(named).collect();
        let binding = text(binding, "/metadata/name");
        return Err(Error::cluster(format!("RoleBinding {binding} in {namespace} is for {who} and for others: {}", others.join(", ")))
            .hint(format!("share with the others by themselves (`kfctl profile share {name} --user NAME`), then `kubectl -n {namespace} delete rolebinding {binding}`")));
    }
    let mut taken = Vec::new();
    for binding in theirs {
        let binding = text(binding, "/metadata/name");
        match access.send(Method::DELETE, &format!("{}/{}", bindings(&namespace), escaped(binding)), None).await {
            Ok(_) => taken.push(format!("RoleBinding {binding}")),
            Err(failure) if failure.class == Class::NotFound => {}
            Err(failure) => return Err(failed(failure).await),
        }
    }
    // Who may not read the profile may not change it either: the rest is said, not done.
    let profile = access.connection.get(&path(name)?).await.unwrap_or_default();
    if list(&profile, MEMBERS).iter().any(|member| same(&member["subject"], &subject)) {
        change_members(access, name, |members| {
            let before = members.len();
            members.retain(|member| !same(&member["subject"], &subject));
            members.len() < before
        })
        .await?;
        taken.push("membership".to_owned());
    }
    access.session.printer.json(&json!({"profile": name, "namespace": namespace, "subject": subject, "removed": taken}));
    if taken.is_empty() {
        let shown: Vec<String> = existing.iter().flat_map(|binding| list(binding, "/subjects")).map(named).collect();
        access.done(&format!("nothing of namespace {namespace} is shared with {who}"));
        if !shown.is_empty() {
            access.session.printer.note(format!("it is shared with {}", shown.join(", ")));
        }
        return Ok(());
    }
    access.done(&format!("{who} may no longer use namespace {namespace}: {} removed", taken.join(", ")));
    Ok(())
}

/// Changes the members of a profile; a change by somebody else in between is kept.
async fn change_members(access: &Access<'_>, name: &str, mut change: impl FnMut(&mut Vec<Value>) -> bool) -> Result<Value> {
    let mut tries = 0;
    loop {
        let profile = access.profile(name).await?;
        let mut members = list(&profile, MEMBERS).to_vec();
        if !change(&mut members) {
            return Ok(profile);
        }
        let patch = json!({
            "metadata": {"resourceVersion": profile["metadata"]["resourceVersion"]}, "spec": {"template": {"spec": {"members": members}}},
        });
        match access.send(Method::PATCH, &path(name)?, Some((MERGE, &patch))).await {
            Ok(changed) => return Ok(changed),
            Err(failure) if failure.class == Class::Busy && tries < TRIES => tries += 1,
            Err(failure) => return Err(access.explain(&failure, "change", name).await),
        }
    }
}

/// A failed request in a profile's namespace.
async fn in_namespace(access: &Access<'_>, failure: Failure, verb: &str, name: &str, namespace: &str) -> Error {
    match failure.class {
        Class::Forbidden => Error::cluster(format!("{} may not {verb} namespace {namespace}", access.user().await))
            .detail(failure.message)
            .hint(format!("its owner may; is {namespace} the namespace of profile {name}? --namespace names another")),
        Class::NotFound => {
            Error::cluster(format!("namespace {namespace} of profile {name} has no Role default yet, or is not there"))
                .detail(failure.message)
                .hint(format!("see whether it is ready: `kfctl profile show {name}`"))
        }
        Class::Invalid => Error::cluster("the server refuses the RoleBinding").detail(failure.message),
        _ => access.connection.explain(&failure, &format!("{verb} namespace {namespace}")),
    }
}

fn unshare_command(name: &str, subject: &Value) -> String {
    let who = match text(subject, "/kind") {
        "ServiceAccount" => format!("--serviceaccount {}:{}", text(subject, "/namespace"), text(subject, "/name")),
        kind => format!("--{} {}", kind.to_lowercase(), text(subject, "/name")),
    };
    format!("kfctl profile unshare {name} {who}")
}

/// A `RoleBinding`'s name in a path: it may hold more than other names may.
fn escaped(name: &str) -> String {
    use std::fmt::Write;
    name.bytes().fold(String::new(), |mut path, byte| {
        match byte {
            b'-' | b'.' | b'_' | b'~' => path.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => path.push(char::from(byte)),
            byte => drop(write!(path, "%{byte:02X}")),
        }
        path
    })
}

/// Where the access of each comes from, for people and programs: who, role, and by what.
pub(super) fn access_list(profile: &Value, bindings: &[Value]) -> Vec<[String; 3]> {
    let mut found = vec![[named(&profile["spec"]["template"]["spec"]["owner"]), "owner".to_owned(), "profile".to_owned()]];
    let member = |member: &Value| [named(&member["subject"]), text(member, "/role").to_owned(), "profile".to_owned()];
    found.extend(list(profile, MEMBERS).iter().map(member));
    for binding in bindings {
        let by = format!("RoleBinding {}", text(binding, "/metadata/name"));
        found.extend(list(binding, "/subjects").iter().map(|subject| [named(subject), "default".to_owned(), by.clone()]));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bindings_have_valid_names_of_their_own() {
        let user = |name: &str| json!({"kind": "User", "name": name});
        assert_eq!(binding_name(&user("bob@acme.com")), "share-bob-acme-com-79d0ff3d");
        let names = ["bob@acme.com", "Bob@acme.com", "bob.acme.com", "bob-acme-com", "", "…", &"x".repeat(253)]
            .map(|name| binding_name(&user(name)));
        let distinct: std::collections::BTreeSet<&String> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
        for name in &names {
            assert!(name.len() <= 63 && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{name}");
        }
        assert_ne!(binding_name(&json!({"kind": "Group", "name": "bob@acme.com"})), names[0]);
    }

    #[test]
    fn a_binding_of_any_name_has_a_path() {
        assert_eq!(escaped("bob-kubeflow"), "bob-kubeflow");
        assert_eq!(escaped("a:b c?"), "a%3Ab%20c%3F");
    }
}
