//! The spawner: the form that makes a notebook, and the same for one that is stopped. Everything is judged before anything is written:
//! by the form's own rules, by what the quotas leave, and by the server at a dry-run of claims, pod and notebook. What is wrong stands
//! at its field, and what was typed stays.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use futures::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};

use super::Site;
use super::access::Deed;
use super::answer::{Answer, Problem, Wants};
use super::cache::Kind;
use super::csrf;
use super::fields::Fields;
use super::notebooks::{chosen, claims, may, namespaces, notebooks, page_of, users_of, volume};
use super::rows::{label, quota};
use super::visitor::Visitor;
use crate::cluster::{Class, Failure};
use crate::labels::POD_DEFAULT_APPLIED;
use crate::notebooks::{
    Choices, Context, Groups, SPAWNER, TooMuch, Typed, Wish, Wrong, basis, complete, is_stopped, pod, too_much, wish,
};
use crate::object::list;
use crate::profiles::{QUOTA, SYSTEM_NAMESPACE, text};

/// The fields that are one text each.
pub(super) const SCALARS: [&str; 18] = [
    "namespace",
    "name",
    "image",
    "customImage",
    "serverType",
    "imagePullPolicy",
    "cpu",
    "memory",
    "cpuLimit",
    "memoryLimit",
    "gpus",
    "gpuVendor",
    "extra",
    "environment",
    "tolerationGroup",
    "affinityConfig",
    "shm",
    "private",
];
/// The parts about a volume each, on the page.
const PARTS: [(&str, &str); 4] =
    [("workspace", "Workspace"), ("data1", "Data volume 1"), ("data2", "Data volume 2"), ("data3", "Data volume 3")];

/// Where the server's words about a pod belong in the form: the first that they have.
const PLACES: [(&str, &str); 13] = [
    ("applying poddefaults", "configurations"),
    ("requested: requests.cpu", "cpu"),
    ("requested: requests.memory", "memory"),
    ("exceeded quota", "extra"),
    ("resources.limits[cpu]", "cpuLimit"),
    ("resources.limits[memory]", "memoryLimit"),
    ("resources.requests[cpu]", "cpu"),
    ("resources.requests[memory]", "memory"),
    (".resources", "extra"),
    (".image", "image"),
    (".env", "environment"),
    ("olerations", "tolerationGroup"),
    ("ffinity", "affinityConfig"),
];

/// What is known of a namespace before a form of it is shown or read.
struct Known<'a> {
    namespace: String,
    /// Those among which the visitor may choose, and the notebook as it is; of these the one or the other is there.
    namespaces: Vec<String>,
    before: Option<&'a Value>,
    choices: Choices,
    claims: Vec<Value>,
    pod_defaults: Vec<Value>,
}

impl<'a> Known<'a> {
    /// For a new notebook, in one of these namespaces.
    async fn of_new(site: &Site, visitor: &Visitor, asked: &str) -> Result<Self, Problem> {
        let (namespace, namespaces) = place(site, visitor, asked).await?;
        Ok(Self { namespaces, ..Self::read(site, visitor, &namespace).await? })
    }

    /// For one that is there, and stopped.
    async fn of(site: &Site, visitor: &Visitor, notebook: &'a Value) -> Result<Self, Problem> {
        Ok(Self { before: Some(notebook), ..Self::read(site, visitor, text(notebook, "/metadata/namespace")).await? })
    }

    async fn read(site: &Site, visitor: &Visitor, namespace: &str) -> Result<Self, Problem> {
        let settings = site.cache.one(Kind::Spawner, SYSTEM_NAMESPACE, SPAWNER).ok_or_else(|| {
            Problem::missing("this Kubeflow makes no notebooks yet")
                .hint("an admin brings them: `kfctl component enable notebooks`, then `kfctl apply k8s`")
        })?;
        let choices = Choices::read(&settings).map_err(|reason| {
            tracing::error!(reason, "ConfigMap notebook-spawner can't be read");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "what can be chosen for notebooks can’t be read")
                .detail(format!("ConfigMap {SPAWNER}: {reason}"))
                .hint("an admin puts it right in component notebooks, then `kfctl apply k8s -c notebooks`")
        })?;
        let own = notebooks(visitor);
        let (claims, pod_defaults) = futures::join!(claims(visitor, namespace), own.pod_defaults(namespace));
        let pod_defaults = match pod_defaults {
            Err(failure) if failure.class == Class::Forbidden => Vec::new(),
            found => found?,
        };
        Ok(Self {
            namespace: namespace.to_owned(),
            namespaces: Vec::new(),
            before: None,
            choices,
            claims: claims?.unwrap_or_default(),
            pod_defaults,
        })
    }

    fn context<'b>(&'b self, user: Option<&'b str>) -> Context<'b> {
        Context { choices: &self.choices, user, pod_defaults: &self.pod_defaults, claims: &self.claims, before: self.before }
    }
}

/// The namespace in which a notebook is to be made, if the visitor may make some there.
async fn place(site: &Site, visitor: &Visitor, asked: &str) -> Result<(String, Vec<String>), Problem> {
    let namespaces = namespaces(site, visitor).await?;
    let Some(namespace) = chosen(site, visitor, asked, &namespaces).await? else {
        return Err(Problem::new(StatusCode::FORBIDDEN, "you have no namespace to make notebooks in")
            .hint("somebody who has one can share it with you, or make one on the page of profiles"));
    };
    if !may(site, visitor, "create", &namespace).await? {
        return Err(Problem::new(StatusCode::FORBIDDEN, format!("you may not make notebooks in namespace {namespace}"))
            .hint("who owns the namespace can give you the role edit"));
    }
    Ok((namespace, namespaces))
}

pub(super) async fn form(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(query): Extension<Fields>,
) -> Result<Answer, Problem> {
    let known = Known::of_new(&site, &visitor, query.get("namespace")).await?;
    let data = shown(&site, &visitor, &known, &basis(&known.namespace, known.context(None)), &[]).await?;
    Ok(Answer::Page(StatusCode::OK, "notebook_form.html", data))
}

pub(super) async fn create(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(wants): Extension<Wants>,
    Extension(fields): Extension<Fields>,
) -> Result<Answer, Problem> {
    spawn(&site, &visitor, wants, fields.get("namespace"), &said(&fields)).await
}

/// Makes a notebook of what is said.
pub(super) async fn spawn(site: &Site, visitor: &Visitor, wants: Wants, asked: &str, said: &Typed) -> Result<Answer, Problem> {
    let known = Known::of_new(site, visitor, asked).await?;
    let namespace = known.namespace.as_str();
    let name = said.get("name").map_or("", String::as_str);
    let user = visitor.profiles().user().await;
    let wrong = match wish(said, namespace, name, known.context(user.as_deref())) {
        Err(mut wrong) => {
            if site.cache.one(Kind::Notebooks, namespace, name).is_some() {
                wrong.push(taken());
            }
            wrong
        }
        Ok(wish) => match made(site, visitor, &wish, Write::Make).await? {
            Ok(object) => {
                tracing::info!(user = ?visitor.user, namespace, notebook = name, "a notebook is made");
                let next = format!("{}?done=made&name={name}", page_of(namespace, name));
                return Ok(Answer::Changed { next, made: true, object });
            }
            Err(wrong) => wrong,
        },
    };
    answered(site, visitor, wants, &known, said, &wrong).await
}

pub(super) async fn edit_form(site: &Site, visitor: &Visitor, notebook: &Value) -> Result<Answer, Problem> {
    stopped(notebook)?;
    let known = Known::of(site, visitor, notebook).await?;
    let data = shown(site, visitor, &known, &basis(&known.namespace, known.context(None)), &[]).await?;
    Ok(Answer::Page(StatusCode::OK, "notebook_form.html", data))
}

/// Changes a notebook that is stopped.
pub(super) async fn edit(
    site: &Site,
    visitor: &Visitor,
    wants: Wants,
    fields: &Fields,
    notebook: &Value,
) -> Result<Answer, Problem> {
    stopped(notebook)?;
    // Its status changes while nobody does anything; its generation does not.
    let generation = notebook["metadata"]["generation"].to_string();
    if fields.find("version").is_some_and(|version| version != generation) {
        return Err(Problem::new(StatusCode::CONFLICT, "somebody has changed this notebook since the page was loaded")
            .hint("load the page anew, and look at it again"));
    }
    let known = Known::of(site, visitor, notebook).await?;
    let (namespace, name) = (known.namespace.as_str(), text(notebook, "/metadata/name"));
    let said = said(fields);
    let wrong = match wish(&said, namespace, name, known.context(None)) {
        Err(wrong) => wrong,
        Ok(wish) => match made(site, visitor, &wish, Write::Replace).await? {
            Ok(object) => {
                tracing::info!(user = ?visitor.user, namespace, notebook = name, "a notebook is changed");
                let next = format!("{}?done=edit&name={name}", page_of(namespace, name));
                return Ok(Answer::Changed { next, made: false, object });
            }
            Err(wrong) => wrong,
        },
    };
    answered(site, visitor, wants, &known, &said, &wrong).await
}

fn stopped(notebook: &Value) -> Result<(), Problem> {
    if is_stopped(notebook) {
        return Ok(());
    }
    let name = text(notebook, "/metadata/name");
    Err(Problem::new(StatusCode::CONFLICT, format!("notebook {name} is not stopped"))
        .hint("stop it first: a change would start it anew"))
}

/// What was typed, without what only the page itself needs.
fn said(fields: &Fields) -> Typed {
    let own = |name: &str| matches!(name, csrf::FIELD | "version" | "back");
    fields.under("").filter(|(name, _)| !own(name)).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    Make,
    Replace,
}

/// Writes the claims and the notebook after nothing of it was refused; or says what is wrong, with nothing written.
async fn made(site: &Site, visitor: &Visitor, wish: &Wish, write: Write) -> Result<Result<Value, Vec<Wrong>>, Problem> {
    let own = notebooks(visitor);
    let put = async |dry_run| match write {
        Write::Make => own.make(&wish.notebook, dry_run).await,
        Write::Replace => own.replace(&wish.notebook, dry_run).await,
    };
    let (judged, as_if) = futures::join!(judged(site, visitor, wish), put(true));
    let mut wrong = judged?;
    if let Err(failure) = as_if {
        wrong.push(about_notebook(&failure)?);
    }
    if !wrong.is_empty() {
        return Ok(Err(wrong));
    }
    let mut claims = Vec::new();
    for (part, claim) in &wish.claims {
        match own.make(claim, false).await {
            Ok(claim) => claims.push(claim),
            Err(failure) => {
                take_back(visitor, &claims).await;
                return Ok(Err(vec![about_claim(part, &failure)?]));
            }
        }
    }
    match put(false).await {
        Ok(object) => Ok(Ok(object)),
        Err(failure) => {
            take_back(visitor, &claims).await;
            Ok(Err(vec![about_notebook(&failure)?]))
        }
    }
}

/// Takes back the claims of this request, in which nothing is yet, where the notebook was not to be.
async fn take_back(visitor: &Visitor, claims: &[Value]) {
    for claim in claims {
        if let Err(failure) = notebooks(visitor).delete(claim, false).await {
            let name = text(claim, "/metadata/name");
            tracing::warn!(volume = name, error = failure.message, "a volume without its notebook could not be taken back");
        }
    }
}

/// What speaks against claims and pod: the quotas' rest, and the server's answer to both as if.
pub(super) async fn judged(site: &Site, visitor: &Visitor, wish: &Wish) -> Result<Vec<Wrong>, Problem> {
    let own = notebooks(visitor);
    let namespace = text(&wish.notebook, "/metadata/namespace");
    let quotas = match own.quotas(namespace).await {
        Err(failure) if failure.class == Class::Forbidden => Vec::new(),
        found => found?,
    };
    let over: Vec<Wrong> = too_much(&quotas, wish).iter().map(in_words).collect();
    if !over.is_empty() {
        return Ok(over);
    }
    let mut wrong = Vec::new();
    let answers = join_all(wish.claims.iter().map(|(part, claim)| {
        let own = &own;
        async move { own.make(claim, true).await.err().map(|failure| about_claim(part, &failure)) }
    }));
    for answer in answers.await.into_iter().flatten() {
        wrong.push(answer?);
    }
    // Who may not make pods still has notebooks: the controller makes theirs.
    if visitor.may(site, Deed::new("create", "", "pods", namespace, "")).await? {
        match own.make(&pod(&wish.notebook), true).await {
            Ok(pod) => wrong.extend(left_out(&pod, &wish.configurations)),
            Err(failure) => match failure.class {
                // The pod of before is on its way out; or what would look at it does not look as if.
                Class::Exists | Class::NoDryRun => {}
                Class::Forbidden | Class::Denied | Class::Invalid => {
                    let found = PLACES.into_iter().find(|(words, _)| failure.message.contains(words));
                    wrong.push(Wrong::new(
                        found.map_or("", |(_, field)| field),
                        format!("the cluster refuses it: {}", failure.message),
                    ));
                }
                _ => return Err(Problem::of(&failure, "try whether the notebook would start")),
            },
        }
    }
    Ok(wrong)
}

/// Configurations that would not be in the pod. Today's webhook puts them there, and says so on the pod: where it does not run, a choice
/// would be nothing but a label.
fn left_out(pod: &Value, configurations: &[String]) -> Option<Wrong> {
    let is_in = |name: &&String| pod["metadata"]["annotations"].get(format!("{POD_DEFAULT_APPLIED}{name}")).is_some();
    let left_out: Vec<&str> = configurations.iter().filter(|name| !is_in(name)).map(String::as_str).collect();
    (!left_out.is_empty()).then(|| {
        let message = format!(
            "nothing in this cluster would put {} into the server’s pod: do without, or ask an admin for the webhook of PodDefaults",
            left_out.join(", ")
        );
        Wrong::new("configurations", message)
    })
}

fn in_words(over: &TooMuch) -> Wrong {
    let TooMuch { resource, field, asked, left, hard } = over;
    let rest = match left.as_str() {
        all if all == hard => format!("the quota is {hard}"),
        "0" => format!("of the quota’s {hard} nothing is left"),
        over if over.starts_with('-') => format!("of the quota’s {hard} nothing is left"),
        left => format!("of the quota’s {hard} only {left} is left"),
    };
    Wrong::new(field.clone(), format!("{}: {asked} asked for, and {rest}", label(resource)))
}

fn about_claim(part: &str, failure: &Failure) -> Result<Wrong, Problem> {
    let field = |name: &str| format!("{part}:{name}");
    match failure.class {
        Class::Exists => {
            Ok(Wrong::new(field("name"), "a volume of this name is there already; choose it as an existing one, or another name"))
        }
        Class::Forbidden if failure.message.contains("exceeded quota") => {
            Ok(Wrong::new(field("size"), format!("the quota leaves no room for it: {}", failure.message)))
        }
        Class::Forbidden => Ok(Wrong::new(field("mode"), format!("you may not make this volume: {}", failure.message))),
        Class::Denied | Class::Invalid => {
            let name = if failure.message.contains("storageClassName") { "class" } else { "name" };
            Ok(Wrong::new(field(name), format!("the cluster refuses it: {}", failure.message)))
        }
        _ => Err(Problem::of(failure, "make the notebook’s volume")),
    }
}

fn taken() -> Wrong {
    Wrong::new("name", "a notebook of this name is there already; choose another name")
}

fn about_notebook(failure: &Failure) -> Result<Wrong, Problem> {
    match failure.class {
        Class::Exists => Ok(taken()),
        Class::Forbidden if !failure.message.contains("cannot create resource") => Ok(Wrong::new("", failure.message.clone())),
        Class::Denied | Class::Invalid => Ok(Wrong::new("", format!("the cluster refuses it: {}", failure.message))),
        _ => Err(Problem::of(failure, "make the notebook")),
    }
}

/// The form again with what is wrong, or for programs the first of it with all as details.
async fn answered(
    site: &Site,
    visitor: &Visitor,
    wants: Wants,
    known: &Known<'_>,
    said: &Typed,
    wrong: &[Wrong],
) -> Result<Answer, Problem> {
    if wants == Wants::Json {
        return Err(as_problem(wrong));
    }
    let typed = complete(basis(&known.namespace, known.context(None)), said);
    let data = shown(site, visitor, known, &typed, wrong).await?;
    Ok(Answer::Page(StatusCode::UNPROCESSABLE_ENTITY, "notebook_form.html", data))
}

fn as_problem(wrong: &[Wrong]) -> Problem {
    let first = wrong.first().cloned().unwrap_or_else(|| Wrong::new("", "this can’t be"));
    let start = first.field.split(':').next().unwrap_or_default();
    let known = SCALARS.into_iter().chain(PARTS.map(|(part, _)| part)).chain(["configurations"]);
    let problem = match known.into_iter().find(|field| *field == start) {
        Some(field) => Problem::field(field, first.message),
        None => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, first.message),
    };
    wrong.iter().fold(problem, |problem, Wrong { field, message }| problem.detail(format!("{field}: {message}")))
}

/// Everything that the form's page shows.
async fn shown(site: &Site, visitor: &Visitor, known: &Known<'_>, typed: &Typed, wrong: &[Wrong]) -> Result<Value, Problem> {
    let Known { namespace, namespaces, before, choices, claims, pod_defaults } = known;
    let of = |field: &str| typed.get(field).map_or("", String::as_str);
    let quotas = visitor.may(site, Deed::new("list", "", "resourcequotas", namespace, "")).await?;
    let bars = if quotas { quota(site.cache.one(Kind::Quotas, namespace, QUOTA)) } else { Value::Null };
    let fields: BTreeMap<&str, &str> = SCALARS.into_iter().map(|field| (field, of(field))).collect();
    let parts: Vec<Value> = PARTS
        .iter()
        .map(|(part, title)| {
            let mut row = json!({"id": part, "title": title});
            for name in ["mode", "name", "size", "class", "mount"] {
                row[name] = of(&format!("{part}:{name}")).into();
            }
            row["decided"] =
                if *part == "workspace" { choices.workspace_volume.read_only } else { choices.data_volumes.read_only }.into();
            row
        })
        .collect();
    let mut errors: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for Wrong { field, message } in wrong {
        errors.entry(field).or_default().push(message);
    }
    let images = choices.images().into_iter().filter(|(_, images)| !images.options.is_empty());
    let images: Vec<Value> =
        images.map(|(server_type, images)| json!({"type": server_type, "options": images.options})).collect();
    let is_listed = choices.server_type(of("image")).is_some();
    let groups = |groups: &Groups| -> Vec<Value> {
        groups.options.iter().map(|group| json!({"key": group.key, "name": group.display_name})).collect()
    };
    let existing = |claim: &Value| {
        let mut row = volume(claim);
        row["users"] = users_of(site, namespace, text(claim, "/metadata/name")).into();
        row
    };
    let configurations = pod_defaults.iter().map(|found| {
        let name = text(found, "/metadata/name");
        json!({"name": name, "description": text(found, "/spec/desc"), "on": of(&format!("configurations:{name}")) == "on"})
    });
    Ok(json!({
        "edit": before.is_some(), "namespace": namespace, "namespaces": namespaces, "quota": bars,
        "version": before.map(|before| before["metadata"]["generation"].clone()),
        "fields": fields, "errors": errors, "parts": parts, "images": images, "listed": is_listed,
        "custom": choices.allow_custom_image,
        "devices": choices.gpus.value.vendors.iter().map(|device| device.ui_name.as_str()).collect::<Vec<_>>(),
        "tolerationGroups": groups(&choices.toleration_group), "affinities": groups(&choices.affinity_config),
        "claims": claims.iter().map(existing).collect::<Vec<_>>(), "configurations": configurations.collect::<Vec<_>>(),
        "mounted": before.map(|before| list(before, "/spec/template/spec/volumes").len()),
        "decided": {"imagePullPolicy": choices.image_pull_policy.read_only, "cpu": choices.cpu.read_only, "memory": choices.memory.read_only,
            "gpus": choices.gpus.read_only, "tolerationGroup": choices.toleration_group.read_only, "affinityConfig": choices.affinity_config.read_only,
            "shm": choices.shm.read_only, "configurations": choices.configurations.read_only, "environment": choices.environment.read_only},
        "limits": {"cpu": choices.cpu.factor(), "memory": choices.memory.factor()},
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_said_with_what_is_left() {
        let over = |left: &str| TooMuch {
            resource: "requests.cpu".into(),
            field: "cpu".into(),
            asked: "64".into(),
            left: left.into(),
            hard: "32".into(),
        };
        assert_eq!(in_words(&over("31500m")).message, "CPU: 64 asked for, and of the quota’s 32 only 31500m is left");
        assert_eq!(in_words(&over("32")).message, "CPU: 64 asked for, and the quota is 32");
        assert_eq!(in_words(&over("-1")).message, "CPU: 64 asked for, and of the quota’s 32 nothing is left");
    }

    #[test]
    fn programs_get_all_that_is_wrong() {
        let problem = as_problem(&[Wrong::new("workspace:size", "no size"), Wrong::new("cpu", "no quantity")]).json();
        assert_eq!((&problem["field"], &problem["message"]), (&json!("workspace"), &json!("no size")));
        assert_eq!(problem["details"], json!(["workspace:size: no size", "cpu: no quantity"]));
    }
}
