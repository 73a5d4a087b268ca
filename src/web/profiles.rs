//! `/profiles`: those that a visitor may see, and the form that makes one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use http::StatusCode;
use serde_json::{Value, json};

use super::Site;
use super::answer::{Answer, Problem, Wants};
use super::cache::{DEFAULTS, Kind};
use super::fields::Fields;
use super::rows::{brief, candidates, each, label, may_create, may_read, may_see, profile_of};
use super::visitor::Visitor;
use crate::api::profile::{Limit, Subject, SubjectKind};
use crate::catalog::Quantity;
use crate::cluster::{Class, Failure};
use crate::error::quoted;
use crate::profiles::{SYSTEM_NAMESPACE, is_segment, namespace_of, owner_of, person, service_account, text};

/// Profiles on one page.
const PAGE: usize = 100;
/// How long who makes a profile waits for its namespace, and how often it is looked for.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(50);

pub(super) async fn list(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(query): Extension<Fields>,
) -> Result<Answer, Problem> {
    let data = listed(&site, &visitor, &query).await?;
    Ok(Answer::Page(StatusCode::OK, "profiles.html", data))
}

async fn listed(site: &Site, visitor: &Visitor, query: &Fields) -> Result<Value, Failure> {
    let all = may_read(site, visitor, "").await?;
    let wanted = query.get("q").to_lowercase();
    let mut found: Vec<(String, String)> = if all {
        let profile = |profile: &Arc<Value>| Some((text(profile, "/metadata/name").to_owned(), namespace_of(profile)));
        site.cache.choose(Kind::Profiles, profile)
    } else {
        let candidates = candidates(site, visitor);
        let seen = each(candidates.iter().map(|namespace| may_see(site, visitor, namespace)).collect()).await?;
        let seen = candidates.into_iter().zip(seen).filter(|(_, seen)| *seen).map(|(namespace, _)| namespace);
        let named = |namespace: String| {
            let live = site.cache.one(Kind::Namespaces, "", &namespace)?;
            Some((profile_of(&live).to_owned(), namespace))
        };
        seen.filter_map(named).collect()
    };
    found.sort();
    let mut rows: Vec<Value> = found.iter().map(|(name, namespace)| brief(site, visitor, name, namespace, all)).collect();
    let matches =
        |row: &Value| ["/name", "/namespace", "/owner"].iter().any(|field| text(row, field).to_lowercase().contains(&wanted));
    rows.retain(matches);
    let (count, pages) = (rows.len(), rows.len().div_ceil(PAGE).max(1));
    let page = query.get("page").parse().unwrap_or(1).clamp(1, pages);
    let shown: Vec<Value> = rows.into_iter().skip((page - 1) * PAGE).take(PAGE).collect();
    let may_create = may_create(site, visitor).await?;
    let defaults = if may_create || all { defaults(site) } else { BTreeMap::new() };
    let as_json =
        |(resource, limit): (&String, &String)| json!({"resource": resource, "label": label(resource), "default": limit});
    Ok(json!({
        "profiles": shown, "count": count, "page": page, "pages": pages, "query": query.get("q"),
        "search": form_urlencoded::byte_serialize(query.get("q").as_bytes()).collect::<String>(), "all": all, "mayCreate": may_create,
        "defaults": defaults.iter().map(as_json).collect::<Vec<_>>(), "told": told(query),
        "form": {"name": "", "namespace": "", "kind": "User", "owner": visitor.user},
        "limits": defaults.iter().map(|(resource, limit)| json!({"resource": resource, "label": label(resource), "default": limit, "value": ""})).collect::<Vec<_>>(),
    }))
}

/// The limits that a profile has by default.
pub(super) fn defaults(site: &Site) -> BTreeMap<String, String> {
    let configmap = site.cache.one(Kind::Defaults, SYSTEM_NAMESPACE, DEFAULTS).unwrap_or_default();
    let value = |key: &str| configmap["data"][key].as_str().unwrap_or_default().to_owned();
    let devices = value("gpuResource");
    let devices = devices.split(',').map(str::trim).filter(|device| !device.is_empty());
    let mut limits: BTreeMap<String, String> = devices.map(|device| (device.to_owned(), value("maxGpu"))).collect();
    limits.extend([("requests.cpu", "maxCpu"), ("requests.memory", "maxRam")].map(|(name, key)| (name.to_owned(), value(key))));
    limits
}

pub(super) async fn create(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(wants): Extension<Wants>,
    Extension(fields): Extension<Fields>,
) -> Result<Answer, Problem> {
    let attempt = async {
        let owner = match (fields.get("kind"), fields.get("owner")) {
            ("" | "User", "") => person(SubjectKind::User, &visitor.user),
            (kind, owner) => subject("owner", kind, owner)?,
        };
        made(&visitor, fields.get("name"), owner, fields.get("namespace"), fields.under("limits:")).await
    };
    let problem = match attempt.await {
        Ok(object) => {
            tracing::info!(user = ?visitor.user, profile = fields.get("name"), "a profile is made");
            let (name, namespace) = (fields.get("name"), namespace_of(&object));
            let owner = owner_of(&object);
            let is_theirs = wants == Wants::Page && visitor.is(text(owner, "/kind"), text(owner, "/name"));
            let next = if is_theirs && arrives(&site, &visitor, &namespace).await {
                format!("/profiles/{name}?done=made")
            } else {
                format!("/profiles?done=made&name={name}")
            };
            return Ok(Answer::Changed { next, made: true, object });
        }
        Err(problem) => problem,
    };
    if wants == Wants::Json {
        return Err(problem);
    }
    // What was typed is still there, beside what is wrong with it.
    let mut data = listed(&site, &visitor, &Fields::default()).await?;
    data["problem"] = problem.json();
    let typed = |field: &str| fields.get(field);
    data["form"] =
        json!({"name": typed("name"), "namespace": typed("namespace"), "kind": typed("kind"), "owner": typed("owner")});
    for limit in data["limits"].as_array_mut().into_iter().flatten() {
        limit["value"] = fields.get(&format!("limits:{}", text(limit, "/resource"))).into();
    }
    Ok(Answer::Page(problem.status, "profiles.html", data))
}

/// Waits a moment for the namespace of somebody who made it for themselves: whether they may look into it by then.
async fn arrives(site: &Site, visitor: &Visitor, namespace: &str) -> bool {
    let arrived = async {
        loop {
            if candidates(site, visitor).iter().any(|it| it == namespace) {
                if may_see(site, visitor, namespace).await.is_ok_and(|seen| seen) {
                    return;
                }
                site.access.forget(&visitor.user);
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(PATIENCE, arrived).await.is_ok()
}

/// Makes a profile as the visitor; an empty namespace is the usual one. `limits` are those other than the default ones.
pub(super) async fn made<'a>(
    visitor: &Visitor,
    name: &str,
    owner: Subject,
    namespace: &str,
    limits: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Value, Problem> {
    if !is_segment(name) {
        return Err(Problem::field("name", "a profile is named by lower-case letters, digits and '-', such as jane"));
    }
    let namespace = Some(namespace).filter(|namespace| !namespace.is_empty());
    let mut hard = BTreeMap::new();
    for (resource, quantity) in changed_limits(limits)? {
        hard.extend(quantity.map(|quantity| (resource, Limit::Quantity(quantity))));
    }
    let profiles = visitor.profiles();
    profiles.create(name, owner, namespace, hard).await.map_err(|failure| match failure.class {
        Class::Forbidden => Problem::of(&failure, &format!("make profile {name}")).hint(format!(
            "an admin can allow it: `kubectl -n {SYSTEM_NAMESPACE} create rolebinding NAME --role=profile-creator --user={}`",
            quoted(&visitor.user)
        )),
        Class::Exists => Problem::field("name", format!("profile {name} exists already; choose another name")),
        _ => Problem::of(&failure, &format!("make profile {name}")),
    })
}

/// The limits that are said; none where the default is to hold.
pub(super) fn changed_limits<'a>(
    said: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<(String, Option<String>)>, Problem> {
    let limit = |(resource, quantity): (&str, &str)| match quantity {
        "" => Ok((resource.to_owned(), None)),
        text => match Quantity::parse(text) {
            Some(quantity) => Ok((resource.to_owned(), Some(quantity.text))),
            None => Err(Problem::field(
                "limits",
                format!("{resource}: {text:?} is no quantity; expected one such as 100, 500m or 64Gi"),
            )),
        },
    };
    said.map(limit).collect()
}

/// Somebody, from the fields that name them.
pub(super) fn subject(field: &'static str, kind: &str, name: &str) -> Result<Subject, Problem> {
    if name.is_empty() {
        return Err(Problem::field(field, "nobody is named: a user or a group is, letter for letter as the login names them"));
    }
    match kind {
        "" | "User" => Ok(person(SubjectKind::User, name)),
        "Group" => Ok(person(SubjectKind::Group, name)),
        "ServiceAccount" => service_account(name)
            .ok_or_else(|| Problem::field(field, format!("{name:?} names no service account; expected NAMESPACE:NAME"))),
        other => Err(Problem::field("kind", format!("{other:?} is none of User, Group and ServiceAccount"))),
    }
}

/// What has just been done, as the address says it: by a word of ours, and a name that can be no more than a name.
pub(super) fn told(query: &Fields) -> Option<String> {
    let name = Some(query.get("name")).filter(|name| is_segment(name)).unwrap_or("it");
    let words = [("made", "is made; its namespace is ready in a moment"), ("deleted", "is being deleted, with its namespace")];
    let (_, text) = words.into_iter().find(|(done, _)| *done == query.get("done"))?;
    Some(format!("{name} {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_address_tells_is_ours() {
        let said = |text: &str| told(&Fields::decoded(text.as_bytes()));
        assert_eq!(said("done=made&name=jane").unwrap(), "jane is made; its namespace is ready in a moment");
        assert_eq!(said("done=made&name=call%20this%20number").unwrap(), "it is made; its namespace is ready in a moment");
        assert_eq!(said("done=hacked&name=jane"), None);
    }

    #[test]
    fn limits_and_people_are_read_from_fields() {
        let fields = |text: &str| Fields::decoded(text.as_bytes());
        let limits = |text: &str| changed_limits(fields(text).under("limits:"));
        let said = limits("limits:requests.cpu=4&limits:requests.memory=1Tb&limits:pods=").unwrap();
        let expected = [("pods", None), ("requests.cpu", Some("4")), ("requests.memory", Some("1T"))];
        assert_eq!(said, expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))));
        assert!(limits("limits:pods=lots").is_err());
        assert_eq!(subject("who", "Group", "team").unwrap().kind, SubjectKind::Group);
        assert_eq!(subject("who", "ServiceAccount", "a:b").unwrap().namespace.as_deref(), Some("a"));
        for (kind, name) in [("User", ""), ("ServiceAccount", "ci"), ("Robot", "r")] {
            assert!(subject("who", kind, name).is_err(), "{kind} {name}");
        }
    }
}
