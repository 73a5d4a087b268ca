//! Who else may use a profile's namespace. The owner shares by a `RoleBinding` to Role `default`, which is theirs to make; a role of
//! choice is a member in the profile, which only who may change profiles can add.

use http::Method;
use serde_json::{Value, json};

use super::{JSON, Profiles, json_of, named, owner_of, same, text};
use crate::api::profile::Subject;
use crate::cluster::{Class, Failure};
use crate::digest::sha256;
use crate::object::list;

/// Where a profile keeps its members.
pub const MEMBERS: &str = "/spec/template/spec/members";
/// How often a change that came too late is tried again.
const TRIES: usize = 5;

/// Why a share was not taken back.
#[derive(Debug)]
pub enum NotTaken {
    /// The binding of this name is for these others too.
    Together(String, Vec<String>),
    /// The server did not do it.
    Failed(Failure),
}

fn bindings(namespace: &str) -> String {
    format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings")
}

/// Whether a `RoleBinding` shares its namespace.
#[must_use]
pub fn shares(binding: &Value) -> bool {
    text(binding, "/roleRef/kind") == "Role" && text(binding, "/roleRef/name") == "default"
}

/// Whether a `RoleBinding` is for this subject.
#[must_use]
pub fn holds(binding: &Value, subject: &Value) -> bool {
    list(binding, "/subjects").iter().any(|other| same(other, subject))
}

/// The name of somebody's `RoleBinding`: readable, valid whatever their name is, and another one for each.
fn binding_name(subject: &Value) -> String {
    let readable: String =
        text(subject, "/name").chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let readable = &readable[..readable.len().min(40)];
    let identity = ["/kind", "/namespace", "/name"].map(|pointer| text(subject, pointer)).join("\n");
    format!("share-{}-{}", readable.trim_matches('-'), &sha256(identity.as_bytes())[..8])
}

impl Profiles {
    /// The `RoleBinding`s that share a namespace.
    pub async fn shares(&self, namespace: &str) -> Result<Vec<Value>, Failure> {
        let found = self.connection.get(&bindings(namespace)).await?;
        Ok(list(&found, "/items").iter().filter(|binding| shares(binding)).cloned().collect())
    }

    /// Shares a namespace with somebody with whom it is not shared yet.
    pub async fn share(&self, namespace: &str, subject: &Subject) -> Result<Value, Failure> {
        let subject = json_of(subject);
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": binding_name(&subject), "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "default"},
            "subjects": [subject],
        });
        self.send(Method::POST, &bindings(namespace), Some((JSON, &binding))).await
    }

    /// Takes back those of the `existing` bindings that are somebody's alone; their names.
    pub async fn take_back(&self, namespace: &str, subject: &Subject, existing: &[Value]) -> Result<Vec<String>, NotTaken> {
        let subject = json_of(subject);
        let theirs: Vec<&Value> = existing.iter().filter(|binding| holds(binding, &subject)).collect();
        if let Some(binding) = theirs.iter().find(|binding| list(binding, "/subjects").len() > 1) {
            let others = list(binding, "/subjects").iter().filter(|other| !same(other, &subject)).map(named).collect();
            return Err(NotTaken::Together(text(binding, "/metadata/name").to_owned(), others));
        }
        let mut taken = Vec::new();
        for binding in theirs {
            let name = text(binding, "/metadata/name");
            match self.send(Method::DELETE, &format!("{}/{}", bindings(namespace), escaped(name)), None).await {
                Ok(_) => taken.push(name.to_owned()),
                Err(failure) if failure.class == Class::NotFound => {}
                Err(failure) => return Err(NotTaken::Failed(failure)),
            }
        }
        Ok(taken)
    }

    /// Makes somebody a member of a profile with this role, whatever they were before.
    pub async fn set_member(&self, name: &str, subject: &Subject, role: &str) -> Result<Value, Failure> {
        let subject = json_of(subject);
        self.change_members(name, |members| {
            members.retain(|member| !same(&member["subject"], &subject));
            members.push(json!({"subject": subject, "role": role}));
            true
        })
        .await
    }

    /// Ends somebody's membership.
    pub async fn remove_member(&self, name: &str, subject: &Subject) -> Result<Value, Failure> {
        let subject = json_of(subject);
        self.change_members(name, |members| {
            let before = members.len();
            members.retain(|member| !same(&member["subject"], &subject));
            members.len() < before
        })
        .await
    }

    /// Changes the members of a profile; a change by somebody else in between is kept.
    async fn change_members(&self, name: &str, mut change: impl FnMut(&mut Vec<Value>) -> bool) -> Result<Value, Failure> {
        let mut tries = 0;
        loop {
            let profile = self.get(name).await?;
            let mut members = list(&profile, MEMBERS).to_vec();
            if !change(&mut members) {
                return Ok(profile);
            }
            let patch = json!({
                "metadata": {"resourceVersion": profile["metadata"]["resourceVersion"]}, "spec": {"template": {"spec": {"members": members}}},
            });
            match self.change(name, &patch).await {
                Err(failure) if failure.class == Class::Busy && tries < TRIES => tries += 1,
                result => return result,
            }
        }
    }
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
#[must_use]
pub fn access_list<'a>(profile: &Value, bindings: impl IntoIterator<Item = &'a Value>) -> Vec<[String; 3]> {
    let mut found = vec![[named(owner_of(profile)), "owner".to_owned(), "profile".to_owned()]];
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
