//! Who reaches what runs in a profile's namespace: profile, shares and the mesh's settings in, policies out. Pure.
//!
//! Three walls, each of which holds alone. At the gateway a policy denies the namespace's paths to everybody but those let in; at the
//! sidecars another allows those and the namespace's own pods, and what it does not allow is refused; the network lets nothing near
//! that does not come by the gateway. Names are compared letter for letter. A token that lacks the claim is in no list: the policy that
//! allows does not match it, and the one that denies "unless the claim is one of these" does.
//!
//! A notebook that is its creator's alone gets one more policy that denies, by its own controller: those that allow can't be narrowed.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};

use super::SYSTEM_NAMESPACE;
use super::desired::{self, Desired, Names, RBAC};
use super::endpoints::{self, Complaint, Open};
use super::mesh::{Mesh, VERIFIED_EMAIL};
use super::status::Verdict;
use super::world::{Slot, View, slot};
use crate::api::profile::{MemberRole, Profile, SubjectKind};
use crate::cluster::Resource;
use crate::identity::is_of_the_system;
use crate::labels::{CONTROLLER_SERVICE_ACCOUNT, NAMESPACE_NAME};

/// The policy at the sidecars, as today's Kubeflow names it.
const ALLOW: &str = "ns-owner-access-istio";
/// How tokens are proved there.
const TOKENS: &str = "kubeflow-jwt";
/// The way around the gateway, closed.
const NETWORK: &str = "kubeflow-mesh";
/// What the policies at the gateway are called, before the name of the namespace.
const AT_GATEWAY: &str = "profile-access-";
/// How many names a namespace may be shared with: all gateways know all of them, and so does the web UI, whosever namespace it is.
pub(super) const MOST_NAMES: usize = 200;
/// The longest name that is taken, in bytes.
pub(super) const LONGEST_NAME: usize = 256;
/// Names that a message tells.
const TOLD: usize = 10;

fn istio(group: &str, kind: &str, plural: &str) -> Arc<Resource> {
    Arc::new(desired::resource(group, "v1", kind, plural, true))
}

/// The kinds of the mesh, in the order of [`desired::MESH`], which are their definitions.
pub(super) static ISTIO: LazyLock<[Arc<Resource>; 3]> = LazyLock::new(|| {
    [
        istio("security.istio.io", "AuthorizationPolicy", "authorizationpolicies"),
        istio("security.istio.io", "RequestAuthentication", "requestauthentications"),
        istio("networking.istio.io", "VirtualService", "virtualservices"),
    ]
});
/// The kind that needs no mesh.
pub(super) static NETWORK_POLICY: LazyLock<Arc<Resource>> =
    LazyLock::new(|| Arc::new(desired::resource("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", true)));

/// The namespace that a policy at the gateway is about.
pub(super) fn guarded<'a>(resource: &Resource, name: &'a str) -> Option<&'a str> {
    (*resource == *ISTIO[0]).then(|| name.strip_prefix(AT_GATEWAY)).flatten()
}

/// The place of the policy at the gateway for a namespace.
pub(super) fn slot_at_gateway(namespace: &str) -> Slot {
    slot(&ISTIO[0], &format!("{AT_GATEWAY}{namespace}"))
}

/// The place of the policy at the sidecars.
pub(super) fn slot_at_sidecars() -> Slot {
    slot(&ISTIO[0], ALLOW)
}

/// Whether an object of a profile's namespace is one of those made here.
pub(super) fn is_own(place: &Slot) -> bool {
    let own = [(&ISTIO[0], ALLOW), (&ISTIO[1], TOKENS), (&*NETWORK_POLICY, NETWORK)];
    own.iter().any(|(resource, name)| *place.1 == **name && *place.0 == *resource.group_kind()) || endpoints::is_own(place)
}

/// A binding by which somebody who may has shared the namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) name: String,
    pub(super) uid: String,
    subjects: Vec<(SubjectKind, String)>,
}

impl Share {
    /// Reads a `RoleBinding`; none where it lets nobody open a notebook. To read is not to open: opening runs code.
    pub(super) fn new(binding: &Value) -> Option<Self> {
        let role = &binding["roleRef"];
        let opens = match role["kind"].as_str()? {
            "Role" => role["name"] == "default",
            _ => role["name"] == "kubeflow-edit" || role["name"] == "kubeflow-admin",
        };
        let going = binding["metadata"].get("deletionTimestamp").is_some();
        let text = |field: &str| binding["metadata"][field].as_str().unwrap_or_default().to_owned();
        let subjects = binding["subjects"].as_array().into_iter().flatten().filter(|subject| subject["apiGroup"] == RBAC);
        let subjects: Vec<_> = subjects
            .filter_map(|subject| {
                let kind = if subject["kind"] == "User" { SubjectKind::User } else { SubjectKind::Group };
                Some((kind, subject["name"].as_str()?.to_owned()))
            })
            .collect();
        let is_share = opens && !going && !subjects.is_empty();
        is_share.then(|| Self { name: text("name"), uid: text("uid"), subjects })
    }

    /// Names in it that no policy can take: `*` would stand for others too, and `system:` and `kubeadm:` are no person.
    pub(super) fn unfit(&self) -> impl Iterator<Item = &str> {
        self.subjects.iter().map(|(_, name)| name.as_str()).filter(|name| !is_fit(name))
    }
}

/// Whether a policy can take a name: `*` stands for others too, and `system:` is no person.
pub(super) fn is_fit(name: &str) -> bool {
    !name.contains('*') && name.len() <= LONGEST_NAME && !is_of_the_system(name)
}

/// What is to be there for the mesh.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) objects: Vec<Desired>,
    /// Whether what else was made for it may go; not where that is unknown: a lost setting opens no door.
    pub(super) is_all: bool,
    /// Why not all of it can be made.
    pub(super) problem: Option<Verdict>,
    /// What is wrong with endpoints.
    pub(super) complaints: Vec<Complaint>,
    /// Whom it is shared with beyond what there is room for.
    left_out: Vec<String>,
}

impl Wanted {
    /// What is to be said where all of it is made.
    pub(super) fn verdict(&self) -> Verdict {
        if self.left_out.is_empty() {
            return Verdict::yes("MeshReady", "the mesh lets in the owner, members who may edit, and whom it is shared with");
        }
        let more = self.left_out.len().saturating_sub(TOLD);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let named = self.left_out[..self.left_out.len().min(TOLD)].join(", ");
        let message = format!(
            "RoleBindings share this namespace with more than {MOST_NAMES} users and groups; the mesh keeps out {named}{more}: name a group instead"
        );
        Verdict::no("TooManyNames", message)
    }
}

/// Decides what is to be there.
pub(super) fn wanted(names: &Names, profile: &Profile, is_on: bool, view: &View) -> Wanted {
    let without = |is_all, reason: &str, message: String| Wanted {
        objects: Vec::new(),
        is_all,
        problem: Some(Verdict::no(reason, message)),
        complaints: Vec::new(),
        left_out: Vec::new(),
    };
    if !is_on {
        return without(true, "MeshOff", "the mesh is off: param mesh of component profiles".into());
    }
    let left = "what was made for it before is left as it is";
    let mesh = match &view.mesh {
        Some(Ok(mesh)) => mesh,
        Some(Err(problem)) => return without(false, "MeshInvalid", format!("ConfigMap mesh: {problem}; {left}")),
        None if view.mesh_missing.is_empty() => {
            let message = format!("ConfigMap mesh is missing; `kfctl apply k8s -c auth` makes it; {left}");
            return without(false, "MeshNotConfigured", message);
        }
        None => {
            let message = format!("{} and component auth; until then nothing limits traffic", missing(&view.mesh_missing));
            return without(false, "MeshMissing", message);
        }
    };
    let (open, complaints) = endpoints::split(&view.endpoints, mesh, view.has_routes);
    let (access, left_out) = Access::of(profile, &view.shares, mesh);
    let mut objects = objects(names, &access, mesh, &open);
    let problem = if !view.mesh_missing.is_empty() {
        let message = format!("{}; until then traffic is limited by the network alone", missing(&view.mesh_missing));
        Some(Verdict::no("MeshMissing", message))
    } else if view.mesh_unread {
        Some(Verdict::no("MeshNotRead", "the mesh's own objects are not read yet; the controller tries on"))
    } else {
        None
    };
    if problem.is_some() {
        // What opens waits for what closes.
        let stays = |object: &Desired| object.resource == *NETWORK_POLICY && object.name == NETWORK;
        objects.retain(stays);
    }
    Wanted { objects, is_all: problem.is_none(), problem, complaints, left_out }
}

fn missing(definitions: &[&str]) -> String {
    format!("the cluster has no {}: install Istio", definitions.join(" and "))
}

/// Who is let in, as tokens name them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Access {
    users: BTreeSet<String>,
    groups: BTreeSet<String>,
}

impl Access {
    /// The owner, members who may edit, and whom the namespace is shared with, in the order of the bindings' names; those for whom there
    /// is no room.
    fn of(profile: &Profile, shares: &[Share], mesh: &Mesh) -> (Self, Vec<String>) {
        let spec = &profile.spec.template.spec;
        let members = spec.members.iter().filter(|member| member.role != MemberRole::View).map(|member| &member.subject);
        let named = std::iter::once(&spec.owner).chain(members).map(|subject| (subject.kind, &subject.name));
        let shared = shares.iter().flat_map(|share| &share.subjects).map(|(kind, name)| (*kind, name));
        let mut access = Self::default();
        named.for_each(|(kind, name)| access.admit(kind, name, mesh));
        let most = access.len() + MOST_NAMES;
        let left_out: BTreeSet<&String> =
            shared.filter(|(kind, name)| !access.admit_up_to(most, *kind, name, mesh)).map(|(_, name)| name).collect();
        let left_out = left_out.into_iter().cloned().collect();
        (access, left_out)
    }

    fn len(&self) -> usize {
        self.users.len() + self.groups.len()
    }

    /// Lets somebody in whom RBAC names so, where a token can name them.
    pub(super) fn admit(&mut self, kind: SubjectKind, name: &str, mesh: &Mesh) {
        self.admit_up_to(usize::MAX, kind, name, mesh);
    }

    /// The same where not so many are in already; whether there was room.
    fn admit_up_to(&mut self, most: usize, kind: SubjectKind, name: &str, mesh: &Mesh) -> bool {
        let is_full = self.len() >= most;
        let (prefix, list) = match kind {
            SubjectKind::User => (&mesh.user_prefix, &mut self.users),
            SubjectKind::Group => (&mesh.groups_prefix, &mut self.groups),
            // No token of the login names a service account.
            SubjectKind::ServiceAccount => return true,
        };
        let claim = name.strip_prefix(prefix.as_str()).filter(|claim| !claim.is_empty() && is_fit(name));
        let Some(claim) = claim.filter(|claim| !list.contains(*claim)) else { return true };
        if !is_full {
            list.insert(claim.to_owned());
        }
        !is_full
    }

    /// These and those.
    fn and(&self, others: &Self) -> Self {
        Self { users: &self.users | &others.users, groups: &self.groups | &others.groups }
    }

    /// The rules of a policy that allows them.
    pub(super) fn rules(&self, mesh: &Mesh) -> Vec<Value> {
        // Whoever may write in this namespace could have tokens of another issuer validated too.
        let issued = json!([{"source": {"requestPrincipals": [format!("{}/*", mesh.issuer)]}}]);
        let verified = json!({"key": format!("request.headers[{VERIFIED_EMAIL}]"), "values": ["true"]});
        let rule = |(claim, values): (&String, &BTreeSet<String>)| {
            let named = json!({"key": claim, "values": values});
            let when: Vec<&Value> = std::iter::once(&named).chain(mesh.verified_email.then_some(&verified)).collect();
            json!({"from": issued, "when": when})
        };
        self.claims(mesh).map(rule).collect()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Each claim that lets somebody in, with its values.
    fn claims<'a>(&'a self, mesh: &'a Mesh) -> impl Iterator<Item = (&'a String, &'a BTreeSet<String>)> {
        let groups = mesh.groups.as_ref().map(|claim| (claim, &self.groups));
        std::iter::once((&mesh.user, &self.users)).chain(groups).filter(|(_, values)| !values.is_empty())
    }
}

/// All objects, those that the cluster can't take yet too.
fn objects(names: &Names, access: &Access, mesh: &Mesh, open: &[Open<'_>]) -> Vec<Desired> {
    let mut objects = vec![names.object(&NETWORK_POLICY, NETWORK, json!({"spec": network(&names.namespace, mesh)}))];
    if mesh.at_sidecars {
        objects.push(names.object(&ISTIO[0], ALLOW, json!({"spec": allow(&names.namespace, access, mesh)})));
    }
    let mut rule = mesh.rule.clone();
    // What runs in the notebook never sees it, wherever it is decided who comes in.
    rule["forwardOriginalToken"] = false.into();
    objects.push(names.object(&ISTIO[1], TOKENS, json!({"spec": {"jwtRules": [rule]}})));
    if mesh.at_gateway {
        let name = format!("{AT_GATEWAY}{}", names.namespace);
        let mut policy = names.object(&ISTIO[0], &name, json!({"spec": deny(&names.namespace, access, mesh, open)}));
        policy.content["metadata"]["namespace"] = mesh.gateway.namespace.clone().into();
        objects.push(policy);
    }
    objects.extend(open.iter().flat_map(|endpoint| endpoint.objects(names, mesh)));
    objects
}

/// At the sidecars: what is not allowed here is refused.
fn allow(namespace: &str, access: &Access, mesh: &Mesh) -> Value {
    let mut rules = access.rules(mesh);
    let controller = format!("cluster.local/ns/{SYSTEM_NAMESPACE}/sa/{CONTROLLER_SERVICE_ACCOUNT}");
    let gateway = format!("cluster.local/ns/{}/sa/{}", mesh.gateway.namespace, mesh.gateway.service_account);
    rules.extend([
        json!({"from": [{"source": {"namespaces": [namespace]}}]}),
        // Whether a notebook is in use.
        json!({"from": [{"source": {"principals": [controller]}}],
            "to": [{"operation": {"methods": ["GET"], "paths": ["*/api/kernels", "*/api/terminals"]}}]}),
        // Health, asked for from inside: by the gateway anybody could.
        json!({"from": [{"source": {"notPrincipals": [gateway]}}],
            "to": [{"operation": {"methods": ["GET", "HEAD"], "paths": ["/healthz", "/wait-for-drain"]}}]}),
    ]);
    json!({"action": "ALLOW", "rules": rules})
}

/// At the gateway: the conditions hold together, so that each claim alone lets in; without any, nobody is. Below an endpoint's path a rule of
/// its own holds, and the namespace's does not.
fn deny(namespace: &str, access: &Access, mesh: &Mesh, open: &[Open<'_>]) -> Value {
    let roots = [format!("/notebook/{namespace}"), format!("/models/{namespace}")];
    let paths: Vec<String> = roots.iter().flat_map(|root| [root.clone(), format!("{root}/*")]).collect();
    let rule = |operation: Value, access: &Access| {
        let mut rule = json!({"to": [{"operation": operation}]});
        let unless: Vec<Value> = access.claims(mesh).map(|(claim, values)| json!({"key": claim, "notValues": values})).collect();
        if !unless.is_empty() {
            rule["when"] = unless.into();
        }
        rule
    };
    let mut operation = json!({"paths": paths});
    if !open.is_empty() {
        operation["notPaths"] = open.iter().map(|endpoint| endpoint.below(namespace)).collect();
    }
    let mut rules = vec![rule(operation, access)];
    rules.extend(open.iter().map(|endpoint| rule(json!({"paths": [endpoint.below(namespace)]}), &access.and(&endpoint.access))));
    json!({"selector": {"matchLabels": {"istio": mesh.gateway.selector}}, "action": "DENY", "rules": rules})
}

/// Who comes near at all: the gateway's pods, the namespace's own, and the system.
fn network(namespace: &str, mesh: &Mesh) -> Value {
    let named = |name: &str| json!({"matchLabels": {NAMESPACE_NAME: name}});
    json!({
        "podSelector": {},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [
            {"namespaceSelector": named(&mesh.gateway.namespace), "podSelector": {"matchLabels": {"istio": mesh.gateway.selector}}},
            {"namespaceSelector": named(namespace)},
            {"namespaceSelector": named(SYSTEM_NAMESPACE)},
        ]}],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::profile::endpoints::Declared;
    use crate::labels::{ENDPOINT, ENDPOINT_SUBJECTS};

    fn mesh(more: &[(&str, &str)]) -> Mesh {
        let mut data = json!({"issuer": "https://dex.example.com"});
        for (key, value) in more {
            data[*key] = (*value).into();
        }
        Mesh::read(&json!({"data": data})).unwrap()
    }

    fn profile(spec: Value) -> Profile {
        serde_json::from_value(json!({"apiVersion": "kubeflow.org/v1alpha1", "kind": "Profile",
            "metadata": {"name": "jane", "uid": "1"}, "spec": {"template": {"spec": spec}}}))
        .unwrap()
    }

    fn binding(kind: &str, role: &str, subjects: &[(&str, &str)]) -> Value {
        let subject = |(kind, name): &(&str, &str)| {
            let group = if *kind == "ServiceAccount" { "" } else { RBAC };
            json!({"apiGroup": group, "kind": kind, "name": name})
        };
        json!({"metadata": {"name": "b", "uid": "u"}, "roleRef": {"apiGroup": RBAC, "kind": kind, "name": role},
            "subjects": subjects.iter().map(subject).collect::<Vec<_>>()})
    }

    fn access(spec: Value, shares: &[Value], more: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let shares: Vec<Share> = shares.iter().filter_map(Share::new).collect();
        let (access, left_out) = Access::of(&profile(spec), &shares, &mesh(more));
        assert!(left_out.is_empty(), "{left_out:?}");
        (access.users.into_iter().collect(), access.groups.into_iter().collect())
    }

    fn spec(access: &Access, more: &[(&str, &str)], name: &str) -> Option<Value> {
        let names = Names { profile: "jane".into(), uid: "1".into(), namespace: "kubeflow-jane".into() };
        let found = objects(&names, access, &mesh(more), &[]).into_iter().find(|object| object.name == name);
        found.map(|object| object.content["spec"].clone())
    }

    #[test]
    fn owner_members_who_edit_and_shares_come_in() {
        let member = |kind: &str, name: &str, role: &str| json!({"subject": {"kind": kind, "name": name}, "role": role});
        let spec = json!({"owner": {"kind": "User", "name": "Jane@foo.com"}, "members": [
            member("User", "eve", "edit"), member("Group", "admins", "admin"), member("User", "vic", "view"),
            {"subject": {"kind": "ServiceAccount", "name": "ci", "namespace": "n"}, "role": "edit"}]});
        let shares = [
            binding("Role", "default", &[("User", "bob"), ("Group", "team"), ("ServiceAccount", "robot")]),
            binding("ClusterRole", "kubeflow-edit", &[("User", "ann")]),
            binding("ClusterRole", "kubeflow-admin", &[("User", "abe")]),
            binding("ClusterRole", "kubeflow-view", &[("User", "vic")]),
            binding("ClusterRole", "default", &[("User", "mallory")]),
            binding("Role", "kubeflow-edit", &[("User", "mallory")]),
            binding("ClusterRole", "cluster-admin", &[("User", "mallory")]),
        ];
        let (users, groups) = access(spec, &shares, &[]);
        assert_eq!(users, ["Jane@foo.com", "abe", "ann", "bob", "eve"]);
        assert_eq!(groups, ["admins", "team"]);
    }

    #[test]
    fn what_would_stand_for_others_is_left_out() {
        let owner = json!({"owner": {"kind": "User", "name": "jane"}});
        let share = binding(
            "Role",
            "default",
            &[("User", "*"), ("User", "*@foo.com"), ("User", "a*b"), ("Group", "system:authenticated"), ("User", "bob")],
        );
        assert_eq!(access(owner, std::slice::from_ref(&share), &[]), (vec!["bob".into(), "jane".into()], vec![]));
        let unfit = Share::new(&share).unwrap();
        assert_eq!(unfit.unfit().collect::<Vec<_>>(), ["*", "*@foo.com", "a*b", "system:authenticated"]);
        let mut going = binding("Role", "default", &[("User", "bob")]);
        going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        assert_eq!(Share::new(&going), None);
    }

    #[test]
    fn an_owner_can_not_grow_what_everybody_s_gateway_knows_without_end() {
        let owner = json!({"owner": {"kind": "User", "name": "jane"}, "members": [{"subject": {"kind": "User", "name": "eve"}, "role": "edit"}]});
        let people: Vec<String> = (0..MOST_NAMES + 12).map(|number| format!("p{number:03}")).collect();
        let subjects: Vec<(&str, &str)> = people.iter().map(|name| ("User", name.as_str())).collect();
        // Those of the profile count no second time, and nor does who is named twice.
        let bindings = [&[("User", "jane"), ("User", "eve"), subjects[0]][..], &subjects, &subjects, &[("Group", "late")]];
        let shares: Vec<Share> =
            bindings.iter().filter_map(|subjects| Share::new(&binding("Role", "default", subjects))).collect();
        let (access, left_out) = Access::of(&profile(owner), &shares, &mesh(&[]));
        assert_eq!((access.users.len(), access.groups.len()), (MOST_NAMES + 2, 0));
        assert_eq!(left_out.len(), 13);
        let wanted = Wanted { objects: Vec::new(), is_all: true, problem: None, complaints: Vec::new(), left_out };
        let Verdict { holds, message, .. } = wanted.verdict();
        assert!(!holds && message.contains("keeps out late, p200, ") && message.contains(" and 3 more:"), "{message}");
        assert!(!is_fit(&"a".repeat(LONGEST_NAME + 1)) && is_fit(&"a".repeat(LONGEST_NAME)));
    }

    #[test]
    fn prefixes_are_of_rbac_alone() {
        let owner = json!({"owner": {"kind": "User", "name": "oidc:jane"}});
        let share = binding("Role", "default", &[("User", "bob"), ("User", "oidc:"), ("Group", "g:team"), ("Group", "team")]);
        let prefixes = [("userPrefix", "oidc:"), ("groupsPrefix", "g:")];
        assert_eq!(access(owner, &[share], &prefixes), (vec!["jane".into()], vec!["team".into()]));
    }

    #[test]
    fn both_walls_name_the_same_people() {
        let access = Access { users: ["jane".into()].into(), groups: ["team".into()].into() };
        let issued = json!([{"source": {"requestPrincipals": ["https://dex.example.com/*"]}}]);
        let allow = spec(&access, &[], ALLOW).unwrap();
        assert_eq!(allow["action"], "ALLOW");
        assert_eq!(
            allow["rules"].as_array().unwrap()[..3],
            [
                json!({"from": issued, "when": [{"key": "request.auth.claims[email]", "values": ["jane"]}]}),
                json!({"from": issued, "when": [{"key": "request.auth.claims[groups]", "values": ["team"]}]}),
                json!({"from": [{"source": {"namespaces": ["kubeflow-jane"]}}]}),
            ]
        );
        assert_eq!(
            spec(&access, &[], "profile-access-kubeflow-jane").unwrap(),
            json!({"selector": {"matchLabels": {"istio": "ingressgateway"}}, "action": "DENY", "rules": [{
                "to": [{"operation": {"paths": ["/notebook/kubeflow-jane", "/notebook/kubeflow-jane/*", "/models/kubeflow-jane", "/models/kubeflow-jane/*"]}}],
                "when": [{"key": "request.auth.claims[email]", "notValues": ["jane"]}, {"key": "request.auth.claims[groups]", "notValues": ["team"]}]}]})
        );
        let tokens = spec(&access, &[], TOKENS).unwrap();
        assert_eq!(tokens["jwtRules"][0]["forwardOriginalToken"], false);
        // With nobody to let in, all are kept out, and no claim lets in by being absent.
        let deny = spec(&Access::default(), &[], "profile-access-kubeflow-jane").unwrap();
        assert!(deny["rules"][0].get("when").is_none());
        let allow = spec(&Access::default(), &[], ALLOW).unwrap();
        assert!(!allow.to_string().contains("request"), "{allow}");
        // An address counts where it is verified; the gateway sees to that for all namespaces.
        let verified = spec(&access, &[("verifiedEmail", "true")], ALLOW).unwrap();
        for rule in &verified["rules"].as_array().unwrap()[..2] {
            assert_eq!(rule["when"][1], json!({"key": "request.headers[kubeflow-email-verified]", "values": ["true"]}));
        }
        // Groups of tokens that have none open nothing.
        assert!(!spec(&access, &[("groupsClaim", "")], ALLOW).unwrap().to_string().contains("team"));
    }

    #[test]
    fn an_endpoint_s_path_leaves_the_namespace_s_rule_and_has_its_own() {
        let service = json!({"metadata": {"name": "mnist", "labels": {ENDPOINT: ""},
            "annotations": {ENDPOINT_SUBJECTS: r#"[{"kind": "User", "name": "bob"}]"#}}, "spec": {"selector": {"a": "b"}, "ports": [{"port": 80}]}});
        let declared = [Arc::new(Declared::new(&service).unwrap())];
        let mesh = mesh(&[]);
        let (open, _) = endpoints::split(&declared, &mesh, true);
        let access = Access { users: ["jane".into()].into(), groups: ["team".into()].into() };
        let unless = |users: &[&str]| json!([{"key": "request.auth.claims[email]", "notValues": users}, {"key": "request.auth.claims[groups]", "notValues": ["team"]}]);
        assert_eq!(
            deny("kubeflow-jane", &access, &mesh, &open)["rules"],
            json!([
                {"to": [{"operation": {"paths": ["/notebook/kubeflow-jane", "/notebook/kubeflow-jane/*", "/models/kubeflow-jane", "/models/kubeflow-jane/*"],
                    "notPaths": ["/models/kubeflow-jane/mnist/*"]}}], "when": unless(&["jane"])},
                {"to": [{"operation": {"paths": ["/models/kubeflow-jane/mnist/*"]}}], "when": unless(&["bob", "jane"])},
            ])
        );
    }

    #[test]
    fn either_wall_can_be_left_out_and_never_the_network() {
        let access = Access::default();
        let there = |enforce: &str| {
            [ALLOW, TOKENS, "profile-access-kubeflow-jane", NETWORK]
                .map(|name| spec(&access, &[("enforce", enforce)], name).is_some())
        };
        assert_eq!(there("both"), [true; 4]);
        // The token ends at the sidecar all the same.
        assert_eq!(there("gateway"), [false, true, true, true]);
        assert_eq!(there("sidecar"), [true, true, false, true]);
        let network = spec(&access, &[], NETWORK).unwrap();
        assert_eq!(network["podSelector"], json!({}));
        assert_eq!(network["ingress"].as_array().map(Vec::len), Some(1), "a second entry would be another door");
        assert_eq!(network["ingress"][0]["from"].as_array().map(Vec::len), Some(3), "an empty list is everybody");
    }
}
