//! What a profile's namespace holds: profile and defaults in, objects out. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, LazyLock};

use kube::ResourceExt;
use serde_json::{Map, Value, json};

use super::defaults::Defaults;
use super::{observed, quota};
use crate::api::profile::{Limit, MemberRole, Profile, Subject, SubjectKind};
use crate::cluster::Resource;
use crate::digest::sha256;
use crate::labels::{
    NAMESPACE_NAME, OWNER_IDENTITY, PART_OF, PART_OF_PROFILE, POD_SECURITY, PROFILE, PROFILE_UID, TEMPLATE_KINDS,
};

/// The API group of roles and their bindings.
pub(super) const RBAC: &str = "rbac.authorization.k8s.io";
/// The `ClusterRole` whose rules Role `default` copies.
pub(super) const EDIT: &str = "kubeflow-edit";

/// The definitions of the mesh that are followed; every profile needs all but the last, which endpoints need.
pub(super) const MESH: [&str; 3] = [
    "authorizationpolicies.security.istio.io",
    "requestauthentications.security.istio.io",
    "virtualservices.networking.istio.io",
];

/// The kinds that are always kept, besides the namespace itself.
pub(super) static KINDS: LazyLock<[Arc<Resource>; 5]> = LazyLock::new(|| {
    [
        ("", "v1", "ServiceAccount", "serviceaccounts"),
        ("", "v1", "ResourceQuota", "resourcequotas"),
        ("", "v1", "LimitRange", "limitranges"),
        (RBAC, "v1", "Role", "roles"),
        (RBAC, "v1", "RoleBinding", "rolebindings"),
    ]
    .map(|(group, version, kind, plural)| Arc::new(resource(group, version, kind, plural, true)))
});

/// A kind that is known without asking the server.
pub(in crate::controllers) fn resource(group: &str, version: &str, kind: &str, plural: &str, namespaced: bool) -> Resource {
    Resource { group: group.into(), version: version.into(), kind: kind.into(), plural: plural.into(), namespaced }
}

fn kind(kind: &str) -> &'static Arc<Resource> {
    KINDS.iter().find(|resource| resource.kind == kind).expect("one of the kinds above")
}

/// An object that should be there.
#[derive(Debug, Clone)]
pub(super) struct Desired {
    pub(super) resource: Arc<Resource>,
    pub(super) name: String,
    pub(super) content: Value,
    pub(super) digest: u64,
}

impl Desired {
    pub(super) fn new(resource: &Arc<Resource>, name: &str, content: Value) -> Self {
        Self { resource: Arc::clone(resource), name: name.to_owned(), digest: observed::wanted(&content), content }
    }
}

/// The names that a profile goes by, in everything made for it.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) profile: String,
    pub(super) uid: String,
    pub(super) namespace: String,
}

impl Names {
    pub(super) fn of(profile: &Profile) -> Self {
        Self { profile: profile.name_any(), uid: profile.uid().unwrap_or_default(), namespace: namespace(profile) }
    }

    /// The labels of an object made for the profile.
    pub(super) fn labels(&self) -> Map<String, Value> {
        let mut labels = Map::new();
        labels.insert(PROFILE.into(), self.profile.clone().into());
        labels.insert(PROFILE_UID.into(), self.uid.clone().into());
        labels
    }

    pub(super) fn object(&self, resource: &'static Arc<Resource>, name: &str, body: Value) -> Desired {
        let api_version = if resource.group.is_empty() { "v1".to_owned() } else { format!("{}/v1", resource.group) };
        let mut content = body;
        content["apiVersion"] = api_version.into();
        content["kind"] = resource.kind.clone().into();
        content["metadata"]["name"] = name.into();
        content["metadata"]["namespace"] = self.namespace.clone().into();
        content["metadata"]["labels"] = self.labels().into();
        Desired::new(resource, name, content)
    }
}

/// The namespace that a profile asks for.
pub(super) fn namespace(profile: &Profile) -> String {
    let named = profile.spec.template.metadata.as_ref().and_then(|metadata| metadata.namespace.clone());
    named.unwrap_or_else(|| format!("kubeflow-{}", profile.name_any()))
}

/// The namespace itself. `kinds` are those that only templates make in it, or have made: what is left of them is found by that.
pub(super) fn namespace_content(names: &Names, profile: &Profile, defaults: &Defaults, kinds: &BTreeSet<String>) -> Value {
    let mut labels = names.labels();
    labels.insert(PART_OF.into(), PART_OF_PROFILE.into());
    // The server's own; with it, what is created is what is applied later.
    labels.insert(NAMESPACE_NAME.into(), names.namespace.clone().into());
    labels.insert(POD_SECURITY.into(), defaults.pod_security.clone().into());
    if defaults.mesh {
        labels.insert("istio-injection".into(), "enabled".into());
    }
    let owner = &profile.spec.template.spec.owner;
    let mut annotations = json!({"owner": owner.name});
    if owner.kind != SubjectKind::User {
        annotations[OWNER_IDENTITY] = Identity::of(owner).to_string().into();
    }
    if !kinds.is_empty() {
        annotations[TEMPLATE_KINDS] = kinds.iter().cloned().collect::<Vec<_>>().join(",").into();
    }
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": names.namespace, "labels": labels, "annotations": annotations}})
}

/// All that is in the namespace. `edit` are the rules of `kubeflow-edit`.
pub(super) fn objects(
    names: &Names,
    profile: &Profile,
    defaults: &Defaults,
    edit: &Value,
    seen: Option<&quota::Seen>,
) -> Vec<Desired> {
    let spec = &profile.spec.template.spec;
    let account = |name: &str| json!([{"kind": "ServiceAccount", "name": name, "namespace": names.namespace}]);
    let mut objects = vec![
        names.binding("namespaceAdmin", "admin", &spec.owner),
        names.object(kind("Role"), "default", json!({"rules": shared_rules(edit)})),
        names.object(kind("ServiceAccount"), "default-editor", json!({})),
        names.object(kind("ServiceAccount"), "default-viewer", json!({})),
        names.object(
            kind("RoleBinding"),
            "default-editor",
            json!({"roleRef": role_ref("edit"), "subjects": account("default-editor")}),
        ),
        names.object(
            kind("RoleBinding"),
            "default-viewer",
            json!({"roleRef": role_ref("view"), "subjects": account("default-viewer")}),
        ),
        names.object(
            kind("ResourceQuota"),
            quota::NAME,
            json!({"spec": {"hard": quota::split(&limits(profile, defaults), seen).hard}}),
        ),
    ];
    let members: BTreeMap<String, Desired> = spec
        .members
        .iter()
        .map(|member| {
            let role = match member.role {
                MemberRole::View => "view",
                MemberRole::Edit => "edit",
                MemberRole::Admin => "admin",
            };
            let name = member_name(&member.subject, role);
            (name.clone(), names.binding(&name, role, &member.subject))
        })
        .collect();
    objects.extend(members.into_values());
    if let Some(containers) = &defaults.containers {
        let mut limit = json!({"type": "Container"});
        for (field, amounts) in [("defaultRequest", &containers.requests), ("default", &containers.limits)] {
            if !amounts.is_empty() {
                limit[field] = json!(amounts);
            }
        }
        objects.push(names.object(kind("LimitRange"), "kf-limits", json!({"spec": {"limits": [limit]}})));
    }
    objects
}

/// The limits that hold where nobody overrides them: the defaults, and what the profile says instead.
pub(super) fn limits(profile: &Profile, defaults: &Defaults) -> BTreeMap<String, String> {
    let mut limits = defaults.quota.clone();
    for (name, limit) in profile.spec.template.spec.resource_quota.iter().flat_map(|quota| &quota.hard) {
        let value = match limit {
            Limit::Number(number) => number.to_string(),
            Limit::Quantity(text) => text.clone(),
        };
        limits.insert(name.clone(), value);
    }
    limits
}

impl Names {
    /// A binding of one subject to one of the three roles, as today's Kubeflow marks it.
    fn binding(&self, name: &str, role: &str, subject: &Subject) -> Desired {
        let body = json!({
            "metadata": {"annotations": {"user": subject.name, "role": role}},
            "roleRef": role_ref(role),
            "subjects": [rbac_subject(subject)],
        });
        self.object(kind("RoleBinding"), name, body)
    }
}

fn role_ref(role: &str) -> Value {
    json!({"apiGroup": RBAC, "kind": "ClusterRole", "name": format!("kubeflow-{role}")})
}

/// A subject as RBAC stores it.
pub(super) fn rbac_subject(subject: &Subject) -> Value {
    match subject.kind {
        SubjectKind::ServiceAccount => json!({"kind": "ServiceAccount", "name": subject.name, "namespace": subject.namespace}),
        SubjectKind::User => json!({"apiGroup": RBAC, "kind": "User", "name": subject.name}),
        SubjectKind::Group => json!({"apiGroup": RBAC, "kind": "Group", "name": subject.name}),
    }
}

/// Whom the server takes a subject for: to it, a service account is a user of a long name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    kind: String,
    pub(super) name: String,
}

impl Identity {
    pub(super) fn of(subject: &Subject) -> Self {
        Self::bound(&rbac_subject(subject), "")
    }

    /// Out of a binding in this namespace, which is that of a service account where none is named, and says nothing of users and groups.
    pub(super) fn bound(subject: &Value, namespace: &str) -> Self {
        let text = |field: &str| subject[field].as_str().unwrap_or_default();
        match text("kind") {
            "ServiceAccount" => {
                let home = Some(text("namespace")).filter(|home| !home.is_empty()).unwrap_or(namespace);
                Self { kind: "User".into(), name: format!("system:serviceaccount:{home}:{}", text("name")) }
            }
            kind => Self { kind: kind.into(), name: text("name").into() },
        }
    }

    /// The owner out of the annotations of a namespace.
    pub(super) fn of_owner(annotations: &Value) -> Option<Self> {
        let (kind, name) = match annotations[OWNER_IDENTITY].as_str() {
            Some(identity) => identity.split_once(' ')?,
            None => ("User", annotations["owner"].as_str()?),
        };
        Some(Self { kind: kind.into(), name: name.into() })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} {}", self.kind, self.name)
    }
}

/// The name of a member's binding. A digest: `a.b@x` and `a-b@x` are two people.
fn member_name(subject: &Subject, role: &str) -> String {
    let identity = json!([subject.kind, subject.namespace, subject.name]).to_string();
    format!("member-{role}-{}", &sha256(identity.as_bytes())[..16])
}

/// Whether a binding of this name is that of a member of role admin.
pub(super) fn is_admins(binding: &str) -> bool {
    binding.starts_with("member-admin-")
}

/// Role `default`: what edit may do, but not hand on.
fn shared_rules(edit: &Value) -> Value {
    let rules = edit.as_array().into_iter().flatten().filter_map(|rule| {
        let mut rule = rule.clone();
        let in_rbac = rule["apiGroups"].as_array()?.iter().any(|group| group == RBAC || group == "*");
        let resources = rule.get_mut("resources")?.as_array_mut()?;
        if in_rbac {
            resources.retain(|resource| {
                let resource = resource.as_str().unwrap_or_default();
                let plain = resource.split('/').next().unwrap_or_default();
                !matches!(plain, "roles" | "rolebindings" | "*")
            });
        }
        if resources.is_empty() {
            return None;
        }
        rule.as_object_mut()?.remove("nonResourceURLs");
        Some(rule)
    });
    rules.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(spec: Value) -> Profile {
        serde_json::from_value(json!({"apiVersion": "kubeflow.org/v1alpha1", "kind": "Profile",
            "metadata": {"name": "jane", "uid": "1234"}, "spec": {"template": {"spec": spec}}}))
        .unwrap()
    }

    fn defaults() -> Defaults {
        Defaults::read(&json!({"data": {"maxCpu": "4", "maxRam": "8Gi", "maxGpu": "1", "containerCpu": "100m"}})).unwrap()
    }

    fn find<'a>(objects: &'a [Desired], kind: &str, name: &str) -> &'a Value {
        let found = objects.iter().find(|object| object.resource.kind == kind && object.name == name);
        &found.unwrap_or_else(|| panic!("no {kind} {name}")).content
    }

    #[test]
    fn everything_of_a_plain_profile() {
        let profile = profile(json!({"owner": {"kind": "User", "name": "jane@foo.com"}}));
        let names = Names::of(&profile);
        let objects = objects(&names, &profile, &defaults(), &json!([]), None);
        let named: Vec<String> = objects.iter().map(|object| format!("{} {}", object.resource.kind, object.name)).collect();
        assert_eq!(
            named,
            [
                "RoleBinding namespaceAdmin",
                "Role default",
                "ServiceAccount default-editor",
                "ServiceAccount default-viewer",
                "RoleBinding default-editor",
                "RoleBinding default-viewer",
                "ResourceQuota kf-resource-quota",
                "LimitRange kf-limits"
            ]
        );
        let binding = find(&objects, "RoleBinding", "namespaceAdmin");
        assert_eq!(binding["subjects"], json!([{"apiGroup": RBAC, "kind": "User", "name": "jane@foo.com"}]));
        assert_eq!(binding["metadata"]["annotations"], json!({"user": "jane@foo.com", "role": "admin"}));
        assert_eq!(binding["metadata"]["namespace"], "kubeflow-jane");
        assert_eq!(
            find(&objects, "ResourceQuota", "kf-resource-quota")["spec"]["hard"],
            json!({"requests.cpu": "4", "requests.memory": "8Gi", "requests.nvidia.com/gpu": "1"})
        );
    }

    #[test]
    fn members_that_look_alike_get_bindings_of_their_own() {
        let member = |name: &str, role: &str| json!({"subject": {"kind": "User", "name": name}, "role": role});
        let profile = profile(
            json!({"owner": {"kind": "Group", "name": "team"}, "resourceQuota": {"hard": {"pods": 3, "requests.cpu": "2"}},
            "members": [member("a.b@x", "view"), member("a-b@x", "view"), member("a.b@x", "edit"), member("a.b@x", "view")]}),
        );
        let objects = objects(&Names::of(&profile), &profile, &defaults(), &json!([]), None);
        let names: std::collections::BTreeSet<&str> =
            objects.iter().map(|object| object.name.as_str()).filter(|name| name.starts_with("member-")).collect();
        assert_eq!(names.len(), 3, "{names:?}");
        assert_eq!(
            find(&objects, "ResourceQuota", "kf-resource-quota")["spec"]["hard"],
            json!({"pods": "3", "requests.cpu": "2", "requests.memory": "8Gi", "requests.nvidia.com/gpu": "1"})
        );
    }

    #[test]
    fn each_kind_of_subject_gets_the_role_that_it_has() {
        let profile = profile(json!({"owner": {"kind": "ServiceAccount", "name": "ci", "namespace": "team"}, "members": [
            {"role": "view", "subject": {"kind": "User", "name": "vic"}},
            {"role": "edit", "subject": {"kind": "Group", "name": "team"}},
            {"role": "admin", "subject": {"kind": "ServiceAccount", "name": "ci", "namespace": "other"}}]}));
        let objects = objects(&Names::of(&profile), &profile, &defaults(), &json!([]), None);
        let bindings = objects.iter().map(|object| &object.content);
        let bindings = bindings.filter(|content| content["metadata"]["annotations"]["user"].is_string());
        let bound: Vec<(&str, &Value)> =
            bindings.map(|binding| (binding["roleRef"]["name"].as_str().unwrap_or_default(), &binding["subjects"])).collect();
        let account = |namespace: &str| json!([{"kind": "ServiceAccount", "name": "ci", "namespace": namespace}]);
        let named = |kind: &str, name: &str| json!([{"apiGroup": RBAC, "kind": kind, "name": name}]);
        assert_eq!(
            bound,
            [
                ("kubeflow-admin", &account("team")),
                ("kubeflow-admin", &account("other")),
                ("kubeflow-edit", &named("Group", "team")),
                ("kubeflow-view", &named("User", "vic")),
            ]
        );
    }

    #[test]
    fn a_subject_is_whom_the_server_takes_it_for() {
        let identity = |subject: &Value| Identity::bound(subject, "here").to_string();
        let user = json!({"kind": "User", "name": "team", "namespace": "ignored", "apiGroup": RBAC});
        let account = "User system:serviceaccount:here:team";
        for (subject, expected) in [
            (user, "User team"),
            (json!({"kind": "Group", "name": "team"}), "Group team"),
            (json!({"kind": "ServiceAccount", "name": "team", "namespace": "here"}), account),
            (json!({"kind": "ServiceAccount", "name": "team"}), account),
            (json!({"kind": "ServiceAccount", "name": "team", "namespace": "there"}), "User system:serviceaccount:there:team"),
            (json!({"kind": "User", "name": "system:serviceaccount:here:team"}), account),
        ] {
            assert_eq!(identity(&subject), expected);
        }
        // The namespace says which of them owns it.
        for owner in [
            json!({"kind": "User", "name": "team"}),
            json!({"kind": "Group", "name": "team"}),
            json!({"kind": "ServiceAccount", "name": "team", "namespace": "there"}),
        ] {
            let profile = profile(json!({"owner": owner}));
            let namespace = namespace_content(&Names::of(&profile), &profile, &defaults(), &BTreeSet::new());
            let annotations = &namespace["metadata"]["annotations"];
            assert_eq!(annotations["owner"], "team");
            assert_eq!(Identity::of_owner(annotations), Some(Identity::of(&profile.spec.template.spec.owner)));
        }
        assert_eq!(Identity::of_owner(&json!({})), None);
    }

    #[test]
    fn who_was_shared_with_cannot_share_on() {
        let edit = json!([
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["*"]},
            {"apiGroups": [RBAC], "resources": ["roles", "rolebindings"], "verbs": ["get"]},
            {"apiGroups": ["*"], "resources": ["rolebindings/x", "jobs", "*"], "verbs": ["get"]},
            {"apiGroups": ["", RBAC], "resources": ["roles", "secrets"], "verbs": ["get"]},
            {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
        ]);
        assert_eq!(
            shared_rules(&edit),
            json!([
                {"apiGroups": [""], "resources": ["pods"], "verbs": ["*"]},
                {"apiGroups": ["*"], "resources": ["jobs"], "verbs": ["get"]},
                {"apiGroups": ["", RBAC], "resources": ["secrets"], "verbs": ["get"]},
            ])
        );
    }
}
