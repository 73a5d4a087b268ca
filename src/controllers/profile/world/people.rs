//! The users and groups for whom the web UI may act: those that profiles name, and those that were given a part by hand. Pure.
//!
//! RBAC can't say "everybody but the system's own", so a role names each of them. A rule with no names would be one for everybody: it is
//! left out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::SYSTEM_NAMESPACE;
use super::super::desired::RBAC;
use super::super::policies::{MOST_NAMES, is_fit};
use super::World;
use crate::api::profile::{Subject, SubjectKind};
use crate::cluster::Resource;

type Names = Vec<(SubjectKind, String)>;

/// What is known besides the profiles.
#[derive(Debug, Default)]
pub(super) struct People {
    /// By namespace and name of the binding.
    bound: BTreeMap<(String, String), Names>,
    /// The role as it is, and its version; none where there is no web UI.
    role: Option<(Value, Value)>,
}

impl People {
    /// Takes in a binding, or that it is gone.
    pub(super) fn note(&mut self, resource: &Resource, namespace: &str, name: &str, binding: Option<&Value>) {
        if resource.kind == "RoleBinding" {
            let place = (namespace.to_owned(), name.to_owned());
            match binding.and_then(|binding| bound(namespace, binding)) {
                Some(names) => drop(self.bound.insert(place, names)),
                None => drop(self.bound.remove(&place)),
            }
        }
    }

    /// Takes in the role, or that it is gone.
    pub(super) fn note_role(&mut self, role: Option<&Value>) {
        self.role = role.map(|role| (role["rules"].clone(), role["metadata"]["resourceVersion"].clone()));
    }

    /// Namespace and name of all bindings that count.
    pub(super) fn known<'a>(&'a self, resource: &Resource) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let bound = (resource.kind == "RoleBinding").then_some(&self.bound).into_iter().flat_map(BTreeMap::keys);
        bound.map(|(namespace, name)| (namespace.as_str(), name.as_str()))
    }
}

/// Whom a binding gives a part in a profile's namespace, or in profiles as a whole.
fn bound(namespace: &str, binding: &Value) -> Option<Names> {
    let role = &binding["roleRef"];
    let name = role["name"].as_str()?;
    let counts = if namespace == SYSTEM_NAMESPACE {
        matches!(name, "profile-creator" | "profile-deleter" | "profile-viewer")
    } else {
        matches!(
            (role["kind"].as_str()?, name),
            ("Role", "default") | ("ClusterRole", "kubeflow-view" | "kubeflow-edit" | "kubeflow-admin")
        )
    };
    let subjects = binding["subjects"].as_array().filter(|_| counts)?;
    let person = |subject: &Value| {
        let kind = match subject["kind"].as_str()? {
            "User" => SubjectKind::User,
            "Group" => SubjectKind::Group,
            _ => return None,
        };
        Some((kind, subject["name"].as_str().filter(|_| subject["apiGroup"] == RBAC)?.to_owned()))
    };
    Some(subjects.iter().filter_map(person).collect())
}

impl World {
    /// What is to change in the role, over the version that is known; none where nothing is.
    pub(in super::super) fn people_change(&self) -> Option<Value> {
        let (rules, version) = self.people.role.as_ref()?;
        let wanted = self.people_rules();
        // What has no rules may say so in two ways.
        let is_same = *rules == wanted || rules.is_null() && wanted == json!([]);
        (!is_same).then(|| json!({"metadata": {"resourceVersion": version}, "rules": wanted}))
    }

    fn people_rules(&self) -> Value {
        let profiles = self.profiles.values().filter_map(|entry| entry.content.as_deref().ok()).map(|it| &it.spec.template.spec);
        let named = profiles.flat_map(|spec| [&spec.owner].into_iter().chain(spec.members.iter().map(|member| &member.subject)));
        let named = named.map(|Subject { kind, name, .. }| (*kind, name));
        let is_ours = |namespace: &str| {
            namespace == SYSTEM_NAMESPACE || self.namespaces.get(namespace).is_some_and(|seen| seen.profile.is_some())
        };
        let bound = self.people.bound.iter().filter(|((namespace, _), _)| is_ours(namespace));
        let bound = bound.flat_map(|((namespace, _), names)| names.iter().map(|(kind, name)| (namespace.as_str(), *kind, name)));
        let (mut users, mut groups) = (BTreeSet::new(), BTreeSet::new());
        let mut added: BTreeMap<&str, usize> = BTreeMap::new();
        let named = named.map(|(kind, name)| (SYSTEM_NAMESPACE, kind, name));
        for (namespace, kind, name) in named.chain(bound).filter(|(_, _, name)| is_fit(name)) {
            let list = match kind {
                SubjectKind::User => &mut users,
                SubjectKind::Group => &mut groups,
                SubjectKind::ServiceAccount => continue,
            };
            let added = added.entry(namespace).or_default();
            // Profiles are of admins; what an owner shares with has an end, as one role holds all names.
            if (namespace == SYSTEM_NAMESPACE || *added < MOST_NAMES) && list.insert(name) {
                *added += 1;
            }
        }
        let rules = [("users", users), ("groups", groups)].into_iter().filter(|(_, names)| !names.is_empty());
        let rule = |(resource, names): (&str, BTreeSet<&String>)| json!({"apiGroups": [""], "resources": [resource], "verbs": ["impersonate"], "resourceNames": names});
        rules.map(rule).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kube::runtime::watcher::Event;

    use super::super::super::desired;
    use super::super::Source;
    use super::*;
    use crate::labels::{PROFILE, PROFILE_UID};

    fn profile(name: &str, version: u64, owner: &Value, members: &Value) -> Value {
        json!({"apiVersion": "kubeflow.org/v1alpha1", "kind": "Profile",
            "metadata": {"name": name, "namespace": "kubeflow-system", "uid": name, "resourceVersion": version.to_string()},
            "spec": {"template": {"spec": {"owner": owner, "members": members}}}})
    }

    fn binding(namespace: &str, version: u64, role: (&str, &str), subjects: &[(&str, &str)]) -> Value {
        let subjects: Vec<Value> =
            subjects.iter().map(|(kind, name)| json!({"apiGroup": RBAC, "kind": kind, "name": name})).collect();
        json!({"metadata": {"name": format!("{}-{}", role.1, subjects.len()), "namespace": namespace, "resourceVersion": version.to_string()},
            "roleRef": {"kind": role.0, "name": role.1}, "subjects": subjects})
    }

    /// The names in the rules that are wanted: users, then groups.
    fn names(world: &World) -> Vec<String> {
        let rules = world.people_rules();
        for rule in rules.as_array().unwrap() {
            assert!(!rule["resourceNames"].as_array().unwrap().is_empty(), "a rule for everybody: {rule}");
        }
        let names = rules.as_array().unwrap().iter().flat_map(|rule| rule["resourceNames"].as_array().unwrap());
        names.map(|name| name.as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_web_ui_acts_for_those_who_have_a_part_and_for_nobody_else() {
        let bindings = Arc::clone(desired::KINDS.iter().find(|kind| kind.kind == "RoleBinding").unwrap());
        let mut world = World::default();
        let [profiles, namespaces, bound, role] =
            [Source::Profiles, Source::Namespaces, Source::Kind(bindings), Source::WebUsers].map(|source| world.watch(source));
        assert_eq!(world.people_rules(), json!([]));
        let user = |name: &str| json!({"kind": "User", "name": name});
        let members = json!([{"subject": {"kind": "Group", "name": "team"}, "role": "view"},
            {"subject": {"kind": "ServiceAccount", "name": "ci", "namespace": "x"}, "role": "edit"}]);
        world.take(profiles, Ok(Event::Apply(profile("jane", 1, &user("jane@foo.com"), &members))));
        world.take(
            namespaces,
            Ok(Event::Apply(json!({"metadata": {"name": "kubeflow-jane", "uid": "n", "resourceVersion": "2",
            "labels": {PROFILE: "jane", PROFILE_UID: "jane"}}}))),
        );
        assert_eq!(names(&world), ["jane@foo.com", "team"]);
        let default = ("Role", "default");
        for binding in [
            binding("kubeflow-jane", 3, default, &[("User", "bob@acme.com"), ("User", "system:admin"), ("User", "*")]),
            binding("kubeflow-jane", 4, ("ClusterRole", "kubeflow-view"), &[("User", "vic@foo.com")]),
            binding("kubeflow-jane", 5, ("ClusterRole", "cluster-admin"), &[("User", "root@foo.com")]),
            binding("elsewhere", 6, default, &[("User", "eve@foo.com")]),
            binding(
                "kubeflow-system",
                7,
                ("Role", "profile-creator"),
                &[("User", "ann@foo.com"), ("Group", "system:authenticated")],
            ),
            binding("kubeflow-system", 8, default, &[("User", "mal@foo.com")]),
        ] {
            world.take(bound, Ok(Event::Apply(binding)));
        }
        assert_eq!(names(&world), ["ann@foo.com", "bob@acme.com", "jane@foo.com", "vic@foo.com", "team"]);

        // Without a role there is no web UI; with it, what differs is written over the version that is known.
        assert_eq!(world.people_change(), None);
        let live = |version: &str, rules: Value| json!({"metadata": {"name": "kfctl-web-users", "resourceVersion": version}, "rules": rules});
        world.take(role, Ok(Event::Apply(live("9", json!([])))));
        let change = world.people_change().unwrap();
        assert_eq!(change["metadata"]["resourceVersion"], "9");
        world.take(role, Ok(Event::Apply(live("10", change["rules"].clone()))));
        assert_eq!(world.people_change(), None);

        // What an owner shares with has an end; who is let in by others is among them all the same.
        let people: Vec<String> = (0..MOST_NAMES + 50).map(|number| format!("p{number}@foo.com")).collect();
        let subjects: Vec<(&str, &str)> = people.iter().map(|name| ("User", name.as_str())).collect();
        world.take(bound, Ok(Event::Apply(binding("kubeflow-jane", 11, default, &subjects))));
        let all = names(&world);
        assert!(
            all.len() <= MOST_NAMES + 5 && all.contains(&"ann@foo.com".to_owned()) && all.contains(&"team".to_owned()),
            "{}",
            all.len()
        );

        // A list without the bindings, as after a broken watch; and the profile goes.
        for event in [Event::Init, Event::InitDone] {
            world.take(bound, Ok(event));
        }
        assert_eq!(names(&world), ["jane@foo.com", "team"]);
        world.take(profiles, Ok(Event::Delete(profile("jane", 12, &user("jane@foo.com"), &members))));
        assert_eq!(world.people_change().unwrap()["rules"], json!([]));
        world.take(role, Ok(Event::Apply(live("13", Value::Null))));
        assert_eq!(world.people_change(), None);
    }
}
