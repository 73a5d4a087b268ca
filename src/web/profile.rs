//! `/profiles/NAME`: one profile, who is in it, and what can be done with it. Each change is made as the visitor, whatever the page shows.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::Site;
use super::answer::{Answer, Problem};
use super::cache::Kind;
use super::fields::Fields;
use super::profiles::{changed_limits, defaults, subject};
use super::rows::{brief, fingerprint, label, may, may_read, namespace_of_profile, people_of, row};
use super::visitor::Visitor;
use crate::api::profile::Subject;
use crate::cluster::Class;
use crate::error::quoted;
use crate::object::list;
use crate::profiles::{MEMBERS, NotTaken, SYSTEM_NAMESPACE, holds, json_of, same};

/// What has just been done.
const TOLD: [(&str, &str); 6] = [
    ("made", "it is made: this is your namespace"),
    ("share", "it is shared"),
    ("unshare", "it is shared with them no longer"),
    ("member", "they are a member now"),
    ("transfer", "it has another owner; the rights move in a moment"),
    ("quota", "the quota is changed; what is shown follows in a moment"),
];

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(query): Extension<Fields>,
    Path(name): Path<String>,
) -> Result<Answer, Problem> {
    let (namespace, row) = seen(&site, &visitor, &name).await?;
    let known = fingerprint(&site, &visitor, std::slice::from_ref(&namespace));
    let may = may(&site, &visitor, &name, &namespace).await?;
    let profile = site.cache.one(Kind::Profiles, SYSTEM_NAMESPACE, &name);
    let own = profile.as_deref().map(|profile| &profile["spec"]["template"]["spec"]["resourceQuota"]["hard"]);
    let limit = |(resource, limit): (&String, &String)| {
        let value =
            own.and_then(|own| own.get(resource)).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        json!({"resource": resource, "label": label(resource), "default": limit, "value": value.unwrap_or_default()})
    };
    // The limits of the profile itself are for those who may change it.
    let limits: Vec<Value> = if may["change"] == true { defaults(&site).iter().map(limit).collect() } else { Vec::new() };
    let told = TOLD.iter().find(|(done, _)| *done == query.get("done")).map(|(_, text)| *text);
    let data = json!({"profile": row, "may": may, "limits": limits, "told": told, "seen": known});
    Ok(Answer::Page(StatusCode::OK, "profile.html", data))
}

/// The namespace of a profile, and what a visitor may see of it. Who may see neither is not told whether there is one.
pub(super) async fn seen(site: &Site, visitor: &Visitor, name: &str) -> Result<(String, Value), Problem> {
    if let Some(namespace) = namespace_of_profile(site, name) {
        if let Some(row) = row(site, visitor, &namespace).await? {
            return Ok((namespace, row));
        }
        if may_read(site, visitor, name).await? {
            let mut row = brief(site, visitor, name, &namespace, true);
            row["quota"] = Value::Null;
            row["people"] = people_of(&site.cache.one(Kind::Profiles, SYSTEM_NAMESPACE, name).unwrap_or_default());
            return Ok((namespace, row));
        }
    }
    Err(Problem::missing("there is no such profile, or you have no part in it"))
}

/// A change: `share`, `unshare`, `member`, `transfer`, `quota` or `delete`.
pub(super) async fn act(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
    Path((name, action)): Path<(String, String)>,
) -> Result<Answer, Problem> {
    let (namespace, _) = seen(&site, &visitor, &name).await?;
    let who = || subject("who", fields.get("kind"), fields.get("who"));
    let object = match action.as_str() {
        "share" => share(&visitor, &namespace, &who()?).await?,
        "unshare" => unshare(&visitor, &name, &namespace, &who()?).await?,
        "member" => {
            let role = fields.get("role");
            if !matches!(role, "view" | "edit" | "admin") {
                return Err(Problem::field("role", "a role is one of view, edit and admin"));
            }
            let changed = visitor.profiles().set_member(&name, &who()?, role).await;
            changed.map_err(|failure| Problem::of(&failure, &format!("change the members of profile {name}")))?
        }
        "transfer" => {
            typed(&fields, &name)?;
            let owner = who()?;
            let what = format!("give profile {name} to somebody else");
            let profiles = visitor.profiles();
            let profile = profiles.get(&name).await.map_err(|failure| Problem::of(&failure, &what))?;
            profiles.transfer(&profile, &owner).await.map_err(|failure| Problem::of(&failure, &what))?
        }
        "quota" => quota(&site, &visitor, &name, &namespace, &fields).await?,
        "delete" => {
            typed(&fields, &name)?;
            return deleted(&visitor, &name, &namespace).await;
        }
        _ => return Err(Problem::missing("nothing of this name can be done with a profile")),
    };
    tracing::info!(user = ?visitor.user, profile = name, action, "done");
    Ok(Answer::Changed { next: format!("/profiles/{name}?done={action}"), made: false, object })
}

/// DELETE of a program: its address names the profile, and the body says it again.
pub(super) async fn delete(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
    Path(name): Path<String>,
) -> Result<Answer, Problem> {
    let (namespace, _) = seen(&site, &visitor, &name).await?;
    typed(&fields, &name)?;
    deleted(&visitor, &name, &namespace).await
}

/// Deletes a profile of which the visitor may know.
pub(super) async fn deleted(visitor: &Visitor, name: &str, namespace: &str) -> Result<Answer, Problem> {
    let what = format!("delete profile {name}");
    let profiles = visitor.profiles();
    let profile = profiles.get(name).await.map_err(|failure| Problem::of(&failure, &what))?;
    profiles.delete(&profile).await.map_err(|failure| Problem::of(&failure, &what))?;
    tracing::info!(user = ?visitor.user, profile = name, "deleted");
    let object = json!({"profile": name, "namespace": namespace, "deleted": true});
    Ok(Answer::Changed { next: format!("/profiles?done=deleted&name={name}"), made: false, object })
}

/// What can't be undone is typed.
fn typed(fields: &Fields, name: &str) -> Result<(), Problem> {
    if fields.get("confirm") == name {
        return Ok(());
    }
    Err(Problem::field("confirm", format!("type the profile's name to go on: {name}")))
}

pub(super) async fn share(visitor: &Visitor, namespace: &str, subject: &Subject) -> Result<Value, Problem> {
    let what = format!("share namespace {namespace}");
    let profiles = visitor.profiles();
    let existing = profiles.shares(namespace).await.map_err(|failure| Problem::of(&failure, &what))?;
    if let Some(binding) = existing.into_iter().find(|binding| holds(binding, &json_of(subject))) {
        return Ok(binding);
    }
    profiles.share(namespace, subject).await.map_err(|failure| Problem::of(&failure, &what))
}

/// Takes back what the owner has shared, and the membership where the visitor may change that.
pub(super) async fn unshare(visitor: &Visitor, name: &str, namespace: &str, subject: &Subject) -> Result<Value, Problem> {
    let what = format!("take back what is shared of namespace {namespace}");
    let failed = |failure| Problem::of(&failure, &what);
    let profiles = visitor.profiles();
    let (existing, unseen) = match profiles.shares(namespace).await {
        Ok(existing) => (existing, None),
        // Who may change the profile need not be allowed to look into its namespace.
        Err(failure) if failure.class == Class::Forbidden => (Vec::new(), Some(failure)),
        Err(failure) => return Err(failed(failure)),
    };
    let mut removed = profiles.take_back(namespace, subject, &existing).await.map_err(|problem| match problem {
        NotTaken::Failed(failure) => failed(failure),
        NotTaken::Together(binding, others) => {
            let message = format!("RoleBinding {binding} is for others too: {}", others.join(", "));
            Problem::new(StatusCode::CONFLICT, message).hint(format!(
                "share with the others by themselves, then `kubectl -n {namespace} delete rolebinding {}`",
                quoted(&binding)
            ))
        }
    })?;
    let profile = profiles.get(name).await.unwrap_or_default();
    if list(&profile, MEMBERS).iter().any(|member| same(&member["subject"], &json_of(subject))) {
        profiles.remove_member(name, subject).await.map_err(failed)?;
        removed.push("membership".to_owned());
    }
    if removed.is_empty() {
        if let Some(failure) = unseen {
            return Err(failed(failure));
        }
        return Err(Problem::field("who", "nothing that you can take back is shared with them"));
    }
    Ok(json!({"profile": name, "namespace": namespace, "subject": subject, "removed": removed}))
}

/// In the profile where the visitor may change that; else in the namespace's own object, as `kfctl profile quota` does.
async fn quota(site: &Site, visitor: &Visitor, name: &str, namespace: &str, fields: &Fields) -> Result<Value, Problem> {
    let profile = site.cache.one(Kind::Profiles, SYSTEM_NAMESPACE, name).unwrap_or_default();
    let before = &profile["spec"]["template"]["spec"]["resourceQuota"]["hard"];
    let mut hard = Map::new();
    for (resource, quantity) in changed_limits(fields.under("limits:"))? {
        // What has the default already has nothing to return from.
        if quantity.is_some() || before.get(&resource).is_some() {
            hard.insert(resource, quantity.into());
        }
    }
    if hard.is_empty() {
        return Err(Problem::field("limits", "no limit is changed"));
    }
    let what = format!("change the quota of profile {name}");
    let profiles = visitor.profiles();
    let changed = match profiles.limit(name, &hard).await {
        Err(failure) if failure.class == Class::Forbidden => profiles.limit_namespace(namespace, &hard).await,
        result => result,
    };
    changed.map_err(|failure| Problem::of(&failure, &what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cant_be_undone_is_typed() {
        let said = |text: &str| typed(&Fields::decoded(text.as_bytes()), "jane").is_ok();
        assert!(said("confirm=jane") && !said("confirm=Jane") && !said("confirm=") && !said(""));
    }
}
