//! `kfctl profile`: what `kubectl` can do with profiles as well, in fewer words. All of it is done with the caller's own rights.

mod change;
mod import;
mod quota;
mod read;
mod share;

use http::Method;
use serde_json::{Value, json};

use super::{Session, platform};
use crate::api::profile::{Subject, SubjectKind};
use crate::cli::{Place, Profile, Who};
use crate::cluster::{Class, Connection, Failure};
use crate::error::{Error, ExitStatus, Result};
use crate::labels::FIELD_MANAGER;
use crate::object::list;

const SYSTEM_NAMESPACE: &str = "kubeflow-system";
const PROFILES: &str = "/apis/kubeflow.org/v1alpha1/namespaces/kubeflow-system/profiles";
const MERGE: &str = "application/merge-patch+json";

pub(super) async fn run(session: &Session, command: &Profile) -> Result<ExitStatus> {
    match command {
        Profile::Create { name, owner, namespace, quota, dry_run } => {
            let access = Access::open(session, *dry_run).await?;
            change::create(&access, name, owner, namespace.as_deref(), quota).await?;
        }
        Profile::List => read::list(&Access::open(session, false).await?).await?,
        Profile::Show { name } => read::show(&Access::open(session, false).await?, name).await?,
        Profile::Share { place, who, role, dry_run } => {
            let access = Access::open(session, *dry_run).await?;
            match role {
                Some(role) => share::member(&access, &place.name, who, *role).await?,
                None => share::share(&access, place, who).await?,
            }
        }
        Profile::Unshare { place, who, dry_run } => share::unshare(&Access::open(session, *dry_run).await?, place, who).await?,
        Profile::Transfer { name, owner, dry_run } => {
            return change::transfer(&Access::open(session, *dry_run).await?, name, owner).await;
        }
        Profile::Delete { name, dry_run } => return change::delete(&Access::open(session, *dry_run).await?, name).await,
        Profile::Import { file, confirm_definition, timeout, dry_run } => {
            let settings =
                import::Settings { file, confirmed: confirm_definition.as_deref(), timeout: *timeout, dry_run: *dry_run };
            return import::run(session, &settings).await;
        }
        Profile::Quota { place, changes, dry_run } => {
            let access = Access::open(session, *dry_run).await?;
            if changes.is_empty() { quota::show(&access, place).await? } else { quota::set(&access, place, changes).await? }
        }
    }
    Ok(ExitStatus::Done)
}

/// The way to the profiles of a cluster.
pub(super) struct Access<'a> {
    pub(super) session: &'a Session,
    pub(super) connection: Connection,
    dry_run: bool,
}

impl<'a> Access<'a> {
    /// In an app's directory this is the app's cluster.
    pub(super) async fn open(session: &'a Session, dry_run: bool) -> Result<Self> {
        let target = match session.app() {
            Ok(app) => platform::target(session, &app, &session.catalog()?)?,
            Err(_) => session.target.clone(),
        };
        Ok(Self { session, connection: Connection::open(&target).await?, dry_run })
    }

    /// Sends what changes something, or lets the server answer as if.
    pub(super) async fn send(&self, method: Method, path: &str, body: Option<(&str, &Value)>) -> Result<Value, Failure> {
        let dry_run = if self.dry_run { "&dryRun=All" } else { "" };
        let path = format!("{path}?fieldManager={FIELD_MANAGER}&fieldValidation=Strict{dry_run}");
        let body = body.map(|(content_type, body)| (content_type, body.to_string().into_bytes()));
        Ok(self.connection.request(method, &path, "application/json", body).await?.body)
    }

    async fn profile(&self, name: &str) -> Result<Value> {
        match self.connection.get(&path(name)?).await {
            Ok(profile) => Ok(profile),
            Err(failure) => Err(self.explain(&failure, "read", name).await),
        }
    }

    /// Where the profile's namespace is. Its owner need not be allowed to read the profile: then it has the usual name.
    async fn namespace(&self, place: &Place) -> Result<String> {
        if let Some(namespace) = &place.namespace {
            return Ok(segment(namespace)?.to_owned());
        }
        match self.connection.get(&path(&place.name)?).await {
            Ok(profile) => Ok(namespace_of(&profile)),
            Err(failure) if failure.class == Class::Forbidden => Ok(format!("kubeflow-{}", place.name)),
            Err(failure) => Err(self.explain(&failure, "read", &place.name).await),
        }
    }

    /// What was done, said as it is: real, or as if.
    pub(super) fn done(&self, text: &str) {
        self.session.printer.done(if self.dry_run { format!("{text} (dry-run: nothing was written)") } else { text.to_owned() });
    }

    pub(super) fn next(&self, commands: &[(&str, &str)]) {
        if !self.dry_run {
            self.session.printer.next(commands);
        }
    }

    /// A failed request about a profile, and who can help.
    async fn explain(&self, failure: &Failure, verb: &str, name: &str) -> Error {
        match failure.class {
            Class::NoMatch => Error::cluster(format!(
                "the cluster at {} has no profiles: their definition is not there",
                self.connection.server
            ))
            .hint("deploy it, in the app's directory: `kfctl apply k8s -c profiles`"),
            Class::NotFound => {
                let known = self.connection.get(PROFILES).await.unwrap_or_default();
                let known: Vec<&str> = list(&known, "/items").iter().map(|item| text(item, "/metadata/name")).collect();
                Error::cluster(format!("there is no profile {name}")).nearest(name, known)
            }
            Class::Exists => {
                Error::cluster(format!("profile {name} exists already")).hint(format!("look at it: `kfctl profile show {name}`"))
            }
            Class::Forbidden => {
                let user = self.user().await;
                let error = Error::cluster(format!("{user} may not {verb} profile {name}")).detail(failure.message.clone());
                match ROLES.iter().find(|(verbs, _)| verbs.contains(&verb)) {
                    Some((_, role)) => error.hint(format!(
                        "an admin can allow it: `kubectl -n {SYSTEM_NAMESPACE} create rolebinding NAME --role={role} --user={user}`"
                    )),
                    None => error.hint("an admin of the cluster can do it"),
                }
            }
            Class::Invalid => Error::cluster(format!("the server refuses profile {name}")).detail(failure.message.clone()),
            _ => self.connection.explain(failure, &format!("{verb} profile {name}")),
        }
    }

    /// Whether the caller may change profiles; where the server does not say, they may not.
    async fn may_change_profiles(&self) -> bool {
        let attributes =
            json!({"group": "kubeflow.org", "resource": "profiles", "namespace": SYSTEM_NAMESPACE, "verb": "update"});
        let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}});
        let body = ("application/json", review.to_string().into_bytes());
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let answer = self.connection.request(Method::POST, path, "application/json", Some(body)).await;
        answer.is_ok_and(|answer| answer.body["status"]["allowed"] == true)
    }

    /// The caller, as the server knows them.
    pub(super) async fn user(&self) -> String {
        let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let body = ("application/json", review.to_string().into_bytes());
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let answer = self.connection.request(Method::POST, path, "application/json", Some(body)).await;
        answer.ok().map_or_else(|| "YOU".to_owned(), |answer| text(&answer.body, "/status/userInfo/username").to_owned())
    }
}

/// The roles in kubeflow-system that allow something.
const ROLES: [(&[&str], &str); 3] =
    [(&["create"], "profile-creator"), (&["delete"], "profile-deleter"), (&["read", "list"], "profile-viewer")];

fn path(name: &str) -> Result<String> {
    Ok(format!("{PROFILES}/{}", segment(name)?))
}

/// A name that stays in its place in a path; the server says what else is wrong with it.
pub(super) fn segment(name: &str) -> Result<&str> {
    let good = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
        && !matches!(name, "." | "..");
    if good {
        Ok(name)
    } else {
        Err(Error::usage(format!("{name:?} is no name")).expected("lower-case letters, digits and '-', such as jane"))
    }
}

/// A text in an object; empty where there is none.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The namespace that a profile has, or will have.
fn namespace_of(profile: &Value) -> String {
    match text(profile, "/spec/template/metadata/namespace") {
        "" => format!("kubeflow-{}", text(profile, "/metadata/name")),
        namespace => namespace.to_owned(),
    }
}

impl Who {
    fn subject(&self) -> Result<Subject> {
        let subject = |kind, name: &str| Subject {
            kind,
            api_group: Some("rbac.authorization.k8s.io".to_owned()),
            name: name.to_owned(),
            namespace: None,
        };
        match self {
            Self { user: Some(name), .. } => Ok(subject(SubjectKind::User, name)),
            Self { group: Some(name), .. } => Ok(subject(SubjectKind::Group, name)),
            Self { serviceaccount, .. } => {
                let account = serviceaccount.as_deref().unwrap_or_default();
                let (namespace, name) = account
                    .split_once(':')
                    .filter(|(namespace, name)| !namespace.is_empty() && !name.is_empty())
                    .ok_or_else(|| {
                        Error::usage(format!("{account:?} names no service account"))
                            .field("--serviceaccount")
                            .expected("NAMESPACE:NAME, such as team:ci")
                    })?;
                let namespace = Some(namespace.to_owned());
                Ok(Subject { kind: SubjectKind::ServiceAccount, api_group: None, name: name.to_owned(), namespace })
            }
        }
    }
}

/// A subject as people name it.
pub(super) fn named(subject: &Value) -> String {
    let name = text(subject, "/name");
    match text(subject, "/kind") {
        "User" => name.to_owned(),
        "ServiceAccount" => format!("ServiceAccount {}:{name}", text(subject, "/namespace")),
        kind => format!("{kind} {name}"),
    }
}

/// Whether two subjects are one; the group of their API need not be written.
fn same(one: &Value, other: &Value) -> bool {
    ["/kind", "/namespace", "/name"].iter().all(|pointer| text(one, pointer) == text(other, pointer))
}

pub(super) fn json_of(subject: &Subject) -> Value {
    serde_json::to_value(subject).expect("a subject is plain data")
}
