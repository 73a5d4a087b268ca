//! What people do with profiles: requests with their own rights, which the command line and the web UI make alike and tell of each in
//! its own words.

mod quota;
mod sharing;

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use crate::api::profile::{
    Limit, Profile, ProfileMetadata, ProfileSpec, ProfileTemplate, ProfileTemplateSpec, Quota, Subject, SubjectKind,
};
use crate::cluster::{Class, Connection, Failure};
use crate::labels::{CREATOR, FIELD_MANAGER};
use crate::object::list;
pub use quota::{QUOTA, rows};
pub use sharing::{MEMBERS, NotTaken, access_list, holds, shares};

/// Where profiles are.
pub const SYSTEM_NAMESPACE: &str = "kubeflow-system";
/// The collection of them.
pub const PROFILES: &str = "/apis/kubeflow.org/v1alpha1/namespaces/kubeflow-system/profiles";
const MERGE: &str = "application/merge-patch+json";
const JSON: &str = "application/json";

/// The profiles of a cluster, for one who acts on them.
#[derive(Debug, Clone)]
pub struct Profiles {
    /// The way to the cluster, with the rights of whoever acts.
    pub connection: Connection,
    /// Whether the server is only to answer as if.
    pub dry_run: bool,
}

/// How many objects of a kind a namespace holds, and which.
#[derive(Debug, Clone)]
pub struct Held {
    /// The kind, as people name one of them.
    pub kind: &'static str,
    /// The names; none where they may not be seen.
    pub names: Option<Vec<String>>,
}

impl Profiles {
    /// Sends what changes something, or lets the server answer as if.
    pub async fn send(&self, method: Method, path: &str, body: Option<(&str, &Value)>) -> Result<Value, Failure> {
        let dry_run = if self.dry_run { "&dryRun=All" } else { "" };
        let path = format!("{path}?fieldManager={FIELD_MANAGER}&fieldValidation=Strict{dry_run}");
        let body = body.map(|(content_type, body)| (content_type, body.to_string().into_bytes()));
        Ok(self.connection.request(method, &path, JSON, body).await?.body)
    }

    /// One profile.
    pub async fn get(&self, name: &str) -> Result<Value, Failure> {
        self.connection.get(&path(name)?).await
    }

    /// Makes a profile. `limits` are those other than the default ones.
    pub async fn create(
        &self,
        name: &str,
        owner: Subject,
        namespace: Option<&str>,
        limits: BTreeMap<String, Limit>,
    ) -> Result<Value, Failure> {
        let template = ProfileTemplate {
            metadata: namespace.map(|namespace| ProfileMetadata { namespace: Some(namespace.to_owned()) }),
            spec: ProfileTemplateSpec {
                owner,
                resource_quota: (!limits.is_empty()).then_some(Quota { hard: limits }),
                members: Vec::new(),
            },
        };
        let mut profile = Profile::new(name, ProfileSpec { template });
        profile.metadata.namespace = Some(SYSTEM_NAMESPACE.to_owned());
        let mut body = serde_json::to_value(&profile).expect("a profile is plain data");
        // Who may not change profiles may have a limited number, and says which count.
        if !self.may("update").await
            && let Some(user) = self.user().await
        {
            body["metadata"]["annotations"][CREATOR] = user.into();
        }
        self.send(Method::POST, PROFILES, Some((JSON, &body))).await
    }

    /// Gives a profile, as it was read, to another owner. Nobody's change in between is overwritten.
    pub async fn transfer(&self, profile: &Value, owner: &Subject) -> Result<Value, Failure> {
        let mut owner = json_of(owner);
        // A merge keeps what is not named: what a subject of another kind had goes.
        for field in ["apiGroup", "namespace"] {
            if owner.get(field).is_none() {
                owner[field] = Value::Null;
            }
        }
        let version = &profile["metadata"]["resourceVersion"];
        let patch = json!({"metadata": {"resourceVersion": version}, "spec": {"template": {"spec": {"owner": owner}}}});
        self.change(text(profile, "/metadata/name"), &patch).await
    }

    /// Deletes the profile that was read, and no other of its name.
    pub async fn delete(&self, profile: &Value) -> Result<(), Failure> {
        // Where a delete has a body, the server does not look at the query: what makes it a dry-run stands in both.
        let dry_run: &[&str] = if self.dry_run { &["All"] } else { &[] };
        let preconditions = json!({"uid": profile["metadata"]["uid"]});
        let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions, "dryRun": dry_run});
        self.send(Method::DELETE, &path(text(profile, "/metadata/name"))?, Some((JSON, &options))).await.map(drop)
    }

    /// Merges a patch into a profile.
    async fn change(&self, name: &str, patch: &Value) -> Result<Value, Failure> {
        self.send(Method::PATCH, &path(name)?, Some((MERGE, patch))).await
    }

    /// What goes with a namespace.
    pub async fn content(&self, namespace: &str) -> [Held; 2] {
        let held = async |kind, collection: &str| {
            let found = self.connection.get(&collection.replace('*', &format!("namespaces/{namespace}"))).await;
            let names = |list: Value| names_in(&list).map(str::to_owned).collect();
            Held { kind, names: found.ok().map(names) }
        };
        let claims = held("volume claim", "/api/v1/*/persistentvolumeclaims");
        futures::join!(claims, held("notebook", "/apis/kubeflow.org/v1/*/notebooks")).into()
    }

    /// Whether whoever acts may do this with profiles; where the server does not say, they may not.
    pub async fn may(&self, verb: &str) -> bool {
        let attributes = json!({"group": "kubeflow.org", "resource": "profiles", "namespace": SYSTEM_NAMESPACE, "verb": verb});
        let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}});
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        self.review(path, &review).await.is_ok_and(|answer| answer["status"]["allowed"] == true)
    }

    /// Who acts, as the server knows them.
    pub async fn user(&self) -> Option<String> {
        let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let answer = self.review("/apis/authentication.k8s.io/v1/selfsubjectreviews", &review).await.ok()?;
        answer.pointer("/status/userInfo/username")?.as_str().map(str::to_owned)
    }

    async fn review(&self, path: &str, review: &Value) -> Result<Value, Failure> {
        let body = (JSON, review.to_string().into_bytes());
        Ok(self.connection.request(Method::POST, path, JSON, Some(body)).await?.body)
    }
}

/// The names in a list.
pub fn names_in(found: &Value) -> impl Iterator<Item = &str> {
    list(found, "/items").iter().map(|item| text(item, "/metadata/name"))
}

fn path(name: &str) -> Result<String, Failure> {
    if is_segment(name) {
        return Ok(format!("{PROFILES}/{name}"));
    }
    Err(Failure { class: Class::Invalid, message: format!("{name:?} is no name"), retry_after: None })
}

/// Whether a name stays in its place in a path; the server says what else is wrong with it.
#[must_use]
pub fn is_segment(name: &str) -> bool {
    let is_short = (1..=253).contains(&name.len());
    is_short && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')) && !matches!(name, "." | "..")
}

/// A text in an object; empty where there is none.
#[must_use]
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The namespace that a profile has, or will have.
#[must_use]
pub fn namespace_of(profile: &Value) -> String {
    match text(profile, "/spec/template/metadata/namespace") {
        "" => format!("kubeflow-{}", text(profile, "/metadata/name")),
        namespace => namespace.to_owned(),
    }
}

/// The owner of a profile.
#[must_use]
pub fn owner_of(profile: &Value) -> &Value {
    &profile["spec"]["template"]["spec"]["owner"]
}

/// The condition Ready: status, reason and message; before the controller has looked, nothing.
#[must_use]
pub fn ready(profile: &Value) -> [&str; 3] {
    let conditions = list(profile, "/status/conditions");
    match conditions.iter().find(|condition| text(condition, "/type") == "Ready") {
        Some(condition) => ["/status", "/reason", "/message"].map(|pointer| text(condition, pointer)),
        None => ["Unknown", "", "the controller has not looked at it yet"],
    }
}

/// A user or a group.
#[must_use]
pub fn person(kind: SubjectKind, name: &str) -> Subject {
    let api_group = Some("rbac.authorization.k8s.io".to_owned());
    Subject { kind, api_group, name: name.to_owned(), namespace: None }
}

/// A service account, from `NAMESPACE:NAME`.
#[must_use]
pub fn service_account(account: &str) -> Option<Subject> {
    let (namespace, name) = account.split_once(':').filter(|(namespace, name)| !namespace.is_empty() && !name.is_empty())?;
    let namespace = Some(namespace.to_owned());
    Some(Subject { kind: SubjectKind::ServiceAccount, api_group: None, name: name.to_owned(), namespace })
}

/// A subject as people name it.
#[must_use]
pub fn named(subject: &Value) -> String {
    let name = text(subject, "/name");
    match text(subject, "/kind") {
        "User" => name.to_owned(),
        "ServiceAccount" => format!("ServiceAccount {}:{name}", text(subject, "/namespace")),
        kind => format!("{kind} {name}"),
    }
}

/// Whether two subjects are one; the group of their API need not be written.
#[must_use]
pub fn same(one: &Value, other: &Value) -> bool {
    ["/kind", "/namespace", "/name"].iter().all(|pointer| text(one, pointer) == text(other, pointer))
}

/// A subject as it stands in objects.
#[must_use]
pub fn json_of(subject: &Subject) -> Value {
    serde_json::to_value(subject).expect("a subject is plain data")
}
