//! The paths under which today's Kubeflow serves access management to programs: `/kfam/v1`. Each request goes the way of the pages of
//! profiles, with the rights of whoever asks; nothing is told of namespaces in which they have no part.
//!
//! A namespace's owner shares it with role edit, which is a `RoleBinding` to Role `default`; the roles view and admin are members of the
//! profile, which only who may change that can make.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use http::StatusCode;
use serde_json::{Value, json};

use super::Site;
use super::access::Deed;
use super::answer::{Answer, Problem};
use super::cache::Kind;
use super::fields::Fields;
use super::profile::{deleted, seen, share, unshare};
use super::profiles::{made, subject};
use super::rows::{KUBEFLOW, RBAC, candidates, each, may_read, may_see, people, people_of, profile_of, role};
use super::visitor::Visitor;
use crate::api::profile::Subject;
use crate::cluster::{Class, Failure};
use crate::object::list;
use crate::profiles::{MEMBERS, SYSTEM_NAMESPACE, is_segment, json_of, same, text};

/// Who has which role where: of one namespace, or of all that the visitor has a part in, or may see as an admin.
pub(super) async fn bindings(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(query): Extension<Fields>,
) -> Result<Answer, Problem> {
    let mut found = match query.get("namespace") {
        "" => everywhere(&site, &visitor).await?,
        namespace => within(&site, &visitor, namespace).await?.ok_or_else(absent)?,
    };
    let is_asked = |wanted: &str, said: &Value| wanted.is_empty() || said == wanted;
    found.retain(|it| is_asked(query.get("user"), &it["user"]["name"]) && is_asked(query.get("role"), &it["RoleRef"]["name"]));
    Ok(Answer::Page(StatusCode::OK, "", json!({"bindings": found})))
}

fn absent() -> Problem {
    Problem::missing("there is no such namespace, or you have no part in it")
}

async fn everywhere(site: &Site, visitor: &Visitor) -> Result<Vec<Value>, Failure> {
    let mine = candidates(site, visitor);
    let of_mine = each(mine.iter().map(|namespace| within(site, visitor, namespace)).collect()).await?;
    let mut found: Vec<Value> = of_mine.into_iter().flatten().flatten().collect();
    if may_read(site, visitor, "").await? {
        // Of each of the others as much as may be seen of all: nothing is asked for each.
        let binds = visitor.may(site, Deed::new("list", RBAC, "rolebindings", "", "")).await?;
        let others = site.cache.choose(Kind::Namespaces, |namespace| {
            let name = text(namespace, "/metadata/name");
            (!mine.iter().any(|it| it == name)).then(|| (name.to_owned(), profile_of(namespace).to_owned()))
        });
        for (namespace, profile) in others {
            let people = if binds { people(&site.cache.within(Kind::Bindings, &namespace)) } else { members(site, &profile) };
            found.extend(as_today(&namespace, &people));
        }
    }
    Ok(found)
}

/// The bindings of a namespace, as far as the visitor may see them; none where they may not look into it.
async fn within(site: &Site, visitor: &Visitor, namespace: &str) -> Result<Option<Vec<Value>>, Failure> {
    let Some(live) = site.cache.one(Kind::Namespaces, "", namespace) else { return Ok(None) };
    let profile = profile_of(&live);
    let (sees, binds, reads) = futures::join!(
        may_see(site, visitor, namespace),
        visitor.may(site, Deed::new("list", RBAC, "rolebindings", namespace, "")),
        may_read(site, visitor, profile),
    );
    let people = match (sees?, binds?, reads?) {
        (true, true, _) => people(&site.cache.within(Kind::Bindings, namespace)),
        (_, _, true) => members(site, profile),
        (true, ..) => json!([{"kind": "User", "name": visitor.user, "role": role(site, visitor, namespace)}]),
        _ => return Ok(None),
    };
    Ok(Some(as_today(namespace, &people).collect()))
}

fn members(site: &Site, profile: &str) -> Value {
    people_of(&site.cache.one(Kind::Profiles, SYSTEM_NAMESPACE, profile).unwrap_or_default())
}

/// The people of a namespace as today's list has them; a role that is none of today's is left out.
fn as_today(namespace: &str, people: &Value) -> impl Iterator<Item = Value> {
    let binding = |person: &Value| {
        let role = match text(person, "/role") {
            "owner" | "admin" => "admin",
            "default" | "edit" => "edit",
            "view" => "view",
            _ => return None,
        };
        Some(json!({"user": {"kind": person["kind"], "name": person["name"]}, "referredNamespace": namespace,
            "RoleRef": {"kind": "ClusterRole", "name": role}}))
    };
    list(people, "").iter().filter_map(binding).collect::<Vec<_>>().into_iter()
}

/// What a binding of today's says.
struct Binding {
    profile: String,
    namespace: String,
    who: Subject,
    role: &'static str,
}

impl Binding {
    async fn read(site: &Site, visitor: &Visitor, fields: &Fields) -> Result<Self, Problem> {
        let namespace = fields.get("referredNamespace");
        let live = Some(namespace).filter(|namespace| is_segment(namespace));
        let live = live.and_then(|namespace| site.cache.one(Kind::Namespaces, "", namespace)).ok_or_else(absent)?;
        let profile = profile_of(&live).to_owned();
        // Who has no part in it is not told that it is there.
        let (namespace, _) = seen(site, visitor, &profile).await.map_err(|_| absent())?;
        let name = fields.find("RoleRef:name").unwrap_or_else(|| fields.get("roleRef:name"));
        let role = ["view", "edit", "admin"].into_iter().find(|role| name.strip_prefix("kubeflow-").unwrap_or(name) == *role);
        let role = role.ok_or_else(|| Problem::field("RoleRef", "a role is one of view, edit and admin"))?;
        Ok(Self { profile, namespace, who: somebody(fields, "user")?, role })
    }
}

/// Somebody, as today's objects name them.
fn somebody(fields: &Fields, field: &'static str) -> Result<Subject, Problem> {
    let part = |part: &str| fields.get(&format!("{field}:{part}"));
    let (kind, mut name) = (part("kind"), part("name").to_owned());
    if kind == "ServiceAccount" {
        name = format!("{}:{name}", part("namespace"));
    }
    subject(field, kind, &name)
}

pub(super) async fn bind(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
) -> Result<Answer, Problem> {
    let Binding { profile, namespace, who, role } = Binding::read(&site, &visitor, &fields).await?;
    let object = match visitor.profiles().set_member(&profile, &who, role).await {
        Ok(object) => object,
        Err(failure) if failure.class == Class::Forbidden && role == "edit" => share(&visitor, &namespace, &who).await?,
        Err(failure) => {
            let problem = Problem::of(&failure, &format!("change the members of profile {profile}"));
            return Err(problem.hint("who owns the namespace can share it with role edit"));
        }
    };
    tracing::info!(user = ?visitor.user, profile, role, "somebody is let in");
    Ok(Answer::Page(StatusCode::OK, "", object))
}

/// Takes back the role that is named, and no other.
pub(super) async fn unbind(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
) -> Result<Answer, Problem> {
    let Binding { profile, namespace, who, role } = Binding::read(&site, &visitor, &fields).await?;
    // Who may not read the profile may not change its members either, and takes back what is shared alone.
    let read = visitor.profiles().get(&profile).await.unwrap_or_default();
    let member = list(&read, MEMBERS).iter().find(|member| same(&member["subject"], &json_of(&who)));
    let held = member.map_or("edit", |member| text(member, "/role"));
    if held != role {
        return Err(Problem::field("RoleRef", format!("they have no binding of role {role} that you can take back")));
    }
    let object = unshare(&visitor, &profile, &namespace, &who).await?;
    tracing::info!(user = ?visitor.user, profile, role, "what somebody had is taken back");
    Ok(Answer::Page(StatusCode::OK, "", object))
}

/// Makes a profile. Its namespace is named as every profile's is: the bindings tell it.
pub(super) async fn create(
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
) -> Result<Answer, Problem> {
    let owner = somebody(&fields, "spec:owner")?;
    let name = fields.get("metadata:name");
    let limits = fields.under("spec:resourceQuotaSpec:hard:");
    let object = made(&visitor, name, owner, "", limits).await?;
    tracing::info!(user = ?visitor.user, profile = name, "a profile is made");
    Ok(Answer::Page(StatusCode::OK, "", object))
}

/// Deletes a profile, with its namespace. As today, its name is not said twice.
pub(super) async fn delete(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<Answer, Problem> {
    let (namespace, _) = seen(&site, &visitor, &name).await?;
    deleted(&visitor, &name, &namespace).await
}

/// Whether the visitor may do everything with all profiles.
pub(super) async fn is_admin(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(query): Extension<Fields>,
) -> Result<Answer, Problem> {
    let asked = query.get("user");
    if !asked.is_empty() && asked != visitor.user {
        return Err(Problem::new(StatusCode::FORBIDDEN, "whether others are admins is not told"));
    }
    let may = |verb| visitor.may(&site, Deed::new(verb, KUBEFLOW, "profiles", SYSTEM_NAMESPACE, ""));
    let (lists, changes, deletes) = futures::join!(may("list"), may("patch"), may("delete"));
    Ok(Answer::Page(StatusCode::OK, "", (lists? && changes? && deletes?).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_as_today() {
        let person = |name: &str, role: &str| json!({"kind": "User", "name": name, "role": role});
        let people =
            json!([person("jane", "owner"), person("bob", "default"), person("eve", "view"), person("ci", "pod-reader")]);
        let told: Vec<Value> = as_today("kubeflow-jane", &people).collect();
        let roles: Vec<String> =
            told.iter().map(|it| format!("{} {}", text(it, "/user/name"), text(it, "/RoleRef/name"))).collect();
        assert_eq!(roles, ["jane admin", "bob edit", "eve view"]);
        assert_eq!(told[0]["referredNamespace"], "kubeflow-jane");
    }

    #[test]
    fn a_service_account_is_named_with_its_namespace() {
        let fields = |text: &str| Fields::decoded(text.as_bytes());
        let account = somebody(&fields("user:kind=ServiceAccount&user:namespace=a&user:name=b"), "user").unwrap();
        assert_eq!((account.namespace.as_deref(), account.name.as_str()), (Some("a"), "b"));
        assert!(somebody(&fields("user:kind=ServiceAccount&user:name=b"), "user").is_err());
        assert!(somebody(&fields("user:kind=User"), "user").is_err());
    }
}
