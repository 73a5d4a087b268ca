//! `kfctl endpoint`: who may use a model. It writes two marks on the Service, with the caller's own rights, as `kubectl` could; what follows
//! from them is the controller's to make.

use http::Method;
use serde_json::{Value, json};

use super::Session;
use super::profile::{Access, segment};
use crate::api::endpoint::{self, check, declared, path, read, same, subjects, written};
use crate::api::profile::{Subject, SubjectKind};
use crate::cli::{Endpoint, Service, Subjects};
use crate::cluster::{Class, Failure};
use crate::error::{Error, ExitStatus, Result};
use crate::labels::{ENDPOINT, ENDPOINT_SUBJECTS};
use crate::object::list;
use crate::profiles::{json_of, named, text};
use crate::ui::Table;

/// How often a change that came too late is tried again.
const TRIES: usize = 5;
/// What `KServe` calls the Service of an `InferenceService`, after its name.
const PREDICTOR: &str = "-predictor";

pub(super) async fn run(session: &Session, command: &Endpoint) -> Result<ExitStatus> {
    match command {
        Endpoint::Allow { place, who, dry_run } => allow(&Access::open(session, *dry_run).await?, place, &who.read()?).await?,
        Endpoint::Revoke { place, who, dry_run, .. } => {
            revoke(&Access::open(session, *dry_run).await?, place, &who.read()?).await?;
        }
        Endpoint::List { namespace } => show(&Access::open(session, false).await?, namespace).await?,
    }
    Ok(ExitStatus::Done)
}

impl Subjects {
    fn read(&self) -> Result<Vec<Subject>> {
        let plain = |kind, name: &String| Subject { kind, api_group: None, name: name.clone(), namespace: None };
        let users = self.users.iter().map(|name| ("--user", plain(SubjectKind::User, name)));
        let groups = self.groups.iter().map(|name| ("--group", plain(SubjectKind::Group, name)));
        let accounts = self.accounts.iter().map(|account| {
            let (namespace, name) = account.split_once(['/', ':']).unwrap_or(("", account));
            let namespace = Some(namespace.to_owned());
            let kind = SubjectKind::ServiceAccount;
            ("--service-account", Subject { kind, api_group: None, name: name.to_owned(), namespace })
        });
        let checked = users.chain(groups).chain(accounts).map(|(option, subject)| match check(&subject) {
            Ok(()) => Ok(subject),
            Err(_) if option == "--service-account" => Err(Error::usage(format!("{:?} names no service account", subject.name))
                .field(option)
                .expected("NAMESPACE/NAME, such as kubeflow-bob/default-editor")),
            Err(problem) => Err(Error::usage(problem).field(option)),
        });
        checked.collect()
    }
}

/// Subjects as people name them.
fn everybody(subjects: &[Subject]) -> String {
    subjects.iter().map(|subject| named(&json_of(subject))).collect::<Vec<_>>().join(", ")
}

fn services(namespace: &str) -> Result<String> {
    Ok(format!("/api/v1/namespaces/{}/services", segment(namespace)?))
}

async fn allow(access: &Access<'_>, place: &Service, who: &[Subject]) -> Result<()> {
    let changed = change(access, place, |service| {
        let mut all = known(place, service)?;
        all.extend(who.iter().filter(|one| !all.iter().any(|other| same(one, other))).cloned().collect::<Vec<_>>());
        let marks = json!({"labels": {ENDPOINT: "true"}, "annotations": {ENDPOINT_SUBJECTS: mark(&all)}});
        let mut declared = service.clone();
        declared["metadata"]["labels"][ENDPOINT] = "true".into();
        declared["metadata"]["annotations"][ENDPOINT_SUBJECTS] = written(&all).into();
        read(&declared).map_err(|problem| {
            let name = text(service, "/metadata/name");
            Error::cluster(format!("Service {name} of namespace {} can't be an endpoint", place.namespace)).detail(problem)
        })?;
        Ok(marks)
    })
    .await?;
    let path = summary(access, place, &changed);
    access.done(&match who {
        [] => format!("{path} is open to those whose namespace {} is", place.namespace),
        who => format!("{} may use {path}", everybody(who)),
    });
    let name = text(&changed, "/metadata/name");
    access.next(&[
        (&format!("kfctl endpoint list -n {}", place.namespace), "see whether it is open"),
        (&format!("kfctl endpoint revoke {name} -n {} --all", place.namespace), "close it"),
    ]);
    Ok(())
}

async fn revoke(access: &Access<'_>, place: &Service, who: &[Subject]) -> Result<()> {
    let changed = change(access, place, |service| {
        if who.is_empty() {
            return Ok(json!({"labels": {ENDPOINT: null}, "annotations": {ENDPOINT_SUBJECTS: null}}));
        }
        let all = known(place, service)?;
        if let Some(stranger) = who.iter().find(|one| !all.iter().any(|other| same(one, other))) {
            let stranger = everybody(std::slice::from_ref(stranger));
            let error = Error::cluster(format!("{stranger} is not among those who may use {}", text(service, "/metadata/name")));
            let shown =
                if all.is_empty() { "nobody is named there".to_owned() } else { format!("named there: {}", everybody(&all)) };
            return Err(error.detail(shown).hint("whoever the namespace is shared with may use it too: `kfctl profile unshare`"));
        }
        let left: Vec<Subject> = all.into_iter().filter(|one| !who.iter().any(|other| same(one, other))).collect();
        Ok(json!({"annotations": {ENDPOINT_SUBJECTS: mark(&left)}}))
    })
    .await?;
    let path = summary(access, place, &changed);
    access.done(&match who {
        [] => format!("the gateway leads to {path} no more"),
        who => format!("{} may no longer use {path}", everybody(who)),
    });
    if !who.is_empty() {
        access
            .session
            .printer
            .note(format!("those whose namespace {} is still may; --all closes it to them too", place.namespace));
    }
    Ok(())
}

/// The annotation for a list; nobody needs none.
fn mark(subjects: &[Subject]) -> Value {
    if subjects.is_empty() { Value::Null } else { written(subjects).into() }
}

/// Who is named on a Service already.
fn known(place: &Service, service: &Value) -> Result<Vec<Subject>> {
    subjects(declared(service)).map_err(|problem| {
        let name = text(service, "/metadata/name");
        Error::cluster(format!("what Service {name} of namespace {} declares can't be read", place.namespace))
            .detail(problem)
            .hint(format!("take it away: `kubectl -n {} annotate service {name} {ENDPOINT_SUBJECTS}-`", place.namespace))
    })
}

/// Prints for programs what a Service declares; its path.
fn summary(access: &Access<'_>, place: &Service, service: &Value) -> String {
    let name = text(service, "/metadata/name");
    let path = path(&place.namespace, name);
    let subjects = subjects(declared(service)).unwrap_or_default();
    let open = endpoint::is_declared(service);
    let result = json!({"name": name, "namespace": place.namespace, "path": path, "declared": open, "subjects": subjects});
    access.session.printer.json(&result);
    path
}

/// Changes the marks of a Service; a change by somebody else in between is kept.
async fn change(access: &Access<'_>, place: &Service, marks: impl Fn(&Value) -> Result<Value>) -> Result<Value> {
    for attempt in 1.. {
        let service = find(access, place).await?;
        let mut metadata = marks(&service)?;
        metadata["resourceVersion"] = service["metadata"]["resourceVersion"].clone();
        let name = text(&service, "/metadata/name");
        let path = format!("{}/{name}", services(&place.namespace)?);
        let patch = json!({"metadata": metadata});
        match access.profiles.send(Method::PATCH, &path, Some(("application/merge-patch+json", &patch))).await {
            Ok(changed) => return Ok(changed),
            Err(failure) if failure.class == Class::Busy && attempt < TRIES => {}
            Err(failure) => return Err(explain(access, &failure, &format!("change Service {name}"), &place.namespace).await),
        }
    }
    unreachable!("the last attempt returns")
}

/// The Service of this name, or the one that `KServe` has made for an `InferenceService` of this name.
async fn find(access: &Access<'_>, place: &Service) -> Result<Value> {
    let services = services(&place.namespace)?;
    let name = segment(&place.name)?;
    for name in [name.to_owned(), format!("{name}{PREDICTOR}")] {
        match access.profiles.connection.get(&format!("{services}/{name}")).await {
            Ok(service) => return Ok(service),
            Err(failure) if failure.class == Class::NotFound => {}
            Err(failure) => return Err(explain(access, &failure, &format!("read Service {name}"), &place.namespace).await),
        }
    }
    let there = access.profiles.connection.get(&services).await.unwrap_or_default();
    let names = list(&there, "/items").iter().map(|service| text(service, "/metadata/name"));
    Err(Error::cluster(format!("there is no Service {name} in namespace {}", place.namespace)).nearest(name, names))
}

async fn explain(access: &Access<'_>, failure: &Failure, what: &str, namespace: &str) -> Error {
    match failure.class {
        Class::Forbidden | Class::Denied => {
            Error::cluster(format!("{} may not {what} of namespace {namespace}", access.user().await))
                .detail(failure.message.clone())
                .hint(format!("who owns namespace {namespace} may"))
        }
        _ => access.profiles.connection.explain(failure, &format!("{what} of namespace {namespace}")),
    }
}

async fn show(access: &Access<'_>, namespace: &str) -> Result<()> {
    let printer = &access.session.printer;
    let found = match access
        .profiles
        .connection
        .read(&format!("{}?labelSelector={}", services(namespace)?, ENDPOINT.replace('/', "%2F")))
        .await
    {
        Ok(found) => found,
        Err(failure) => return Err(explain(access, &failure, "list the Services", namespace).await),
    };
    let routes =
        access.profiles.connection.get(&format!("/apis/networking.istio.io/v1/namespaces/{namespace}/virtualservices")).await;
    let mut table = Table::new(&["NAME", "PATH", "WHO", "READY", "REASON"]);
    for service in list(&found, "/items") {
        let name = text(service, "/metadata/name");
        let path = path(namespace, name);
        let (ready, reason) = ready(service, &routes);
        let subjects = subjects(declared(service)).unwrap_or_default();
        printer.json(
            &json!({"name": name, "namespace": namespace, "path": path, "subjects": subjects, "ready": ready, "reason": reason}),
        );
        let who = if subjects.is_empty() { "the namespace's own".to_owned() } else { everybody(&subjects) };
        table.row([name, &path, &who, ready, &reason]);
    }
    if list(&found, "/items").is_empty() {
        printer.note(format!("there are no endpoints in namespace {namespace}"));
        printer.next(&[(&format!("kfctl endpoint allow NAME -n {namespace}"), "make one of a Service")]);
    } else {
        printer.table(&table);
        printer.note(format!("besides those named, whoever namespace {namespace} belongs to or is shared with may use them"));
    }
    Ok(())
}

/// Whether the gateway leads to a Service for those whom it names; else why not.
fn ready(service: &Value, routes: &Result<Value, Failure>) -> (&'static str, String) {
    let endpoint = match read(service) {
        Ok(endpoint) => endpoint,
        Err(problem) => return ("False", problem),
    };
    let routes = match routes {
        Ok(routes) => routes,
        Err(failure) if matches!(failure.class, Class::NoMatch | Class::NotFound) => {
            return ("False", "the cluster has no virtualservices.networking.istio.io: install Istio".to_owned());
        }
        Err(failure) => return ("Unknown", failure.message.clone()),
    };
    let (prefix, namespace) = (text(service, "/metadata/name"), text(service, "/metadata/namespace"));
    let prefix = path(namespace, prefix);
    let made = list(routes, "/items").iter().find(|route| text(route, "/spec/http/0/match/0/uri/prefix") == prefix);
    match made {
        Some(route) if declared(route) == written(&endpoint.subjects) => ("True", String::new()),
        Some(_) => ("False", "the controller has not taken in the last change yet".to_owned()),
        None => ("False", "the controller has not opened it: events of the Service and of the profile say why".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_ready_when_its_route_says_the_same() {
        let subjects = r#"[{"name": "bob", "kind": "User"}]"#;
        let service = json!({"metadata": {"name": "mnist", "namespace": "n", "annotations": {ENDPOINT_SUBJECTS: subjects}},
            "spec": {"selector": {"a": "b"}, "ports": [{"port": 80}]}});
        let route = |path: &str, subjects: &str| json!({"items": [{"metadata": {"annotations": {ENDPOINT_SUBJECTS: subjects}}, "spec": {"http": [{"match": [{"uri": {"prefix": path}}]}]}}]});
        let same = r#"[{"kind":"User","name":"bob"}]"#;
        for (routes, expected) in [
            (Ok(route("/models/n/mnist/", same)), "True"),
            (Ok(route("/models/n/mnist/", "[]")), "False"),
            (Ok(route("/models/n/other/", same)), "False"),
            (Ok(json!({"items": []})), "False"),
            (Err(Failure { class: Class::Forbidden, message: "forbidden".into(), retry_after: None }), "Unknown"),
            (Err(Failure { class: Class::NoMatch, message: "no".into(), retry_after: None }), "False"),
        ] {
            assert_eq!(ready(&service, &routes).0, expected, "{routes:?}");
        }
    }
}
