//! `kfctl profile share` and `unshare`. The owner shares by a `RoleBinding` to Role `default`, which is theirs to make; a role of choice
//! is a member in the profile, which only who may change profiles can add.

use serde_json::{Value, json};

use super::{Access, named, segment, text};
use crate::cli::{Place, Role, Who};
use crate::cluster::{Class, Failure};
use crate::error::{Error, Result, quoted};
use crate::object::list;
use crate::profiles::{MEMBERS, NotTaken, holds, json_of, same};

pub(super) async fn share(access: &Access<'_>, place: &Place, who: &Who) -> Result<()> {
    let subject = who.subject()?;
    let as_json = json_of(&subject);
    let (name, who) = (&place.name, named(&as_json));
    let namespace = access.namespace(place).await?;
    let failed = |failure| in_namespace(access, failure, "share", name, &namespace);
    let existing = match access.profiles.shares(&namespace).await {
        Ok(existing) => existing,
        Err(failure) => return Err(failed(failure).await),
    };
    if let Some(binding) = existing.iter().find(|binding| holds(binding, &as_json)) {
        access.session.printer.json(binding);
        access.done(&format!("{who} may use namespace {namespace} already, by RoleBinding {}", text(binding, "/metadata/name")));
        return Ok(());
    }
    let made = match access.profiles.share(&namespace, &subject).await {
        Ok(made) => made,
        Err(failure) => return Err(failed(failure).await),
    };
    access.session.printer.json(&made);
    access.done(&format!("{who} may use namespace {namespace}, by RoleBinding {}", text(&made, "/metadata/name")));
    access.next(&[(&unshare_command(name, &as_json), "take it back")]);
    Ok(())
}

pub(super) async fn member(access: &Access<'_>, name: &str, who: &Who, role: Role) -> Result<()> {
    let subject = who.subject()?;
    let role = format!("{role:?}").to_lowercase();
    let changed = match access.profiles.set_member(segment(name)?, &subject, &role).await {
        Ok(changed) => changed,
        Err(failure) => {
            let hint = format!("the owner can share without a role: leave out --role={role}");
            return Err(access.explain(&failure, "change", name).await.hint(hint));
        }
    };
    let subject = json_of(&subject);
    access.session.printer.json(&changed);
    access.done(&format!("{} is a member of profile {name} with role {role}", named(&subject)));
    access.next(&[(&unshare_command(name, &subject), "take it back")]);
    Ok(())
}

pub(super) async fn unshare(access: &Access<'_>, place: &Place, who: &Who) -> Result<()> {
    let subject = who.subject()?;
    let as_json = json_of(&subject);
    let (name, who) = (&place.name, named(&as_json));
    let namespace = access.namespace(place).await?;
    let failed = |failure| in_namespace(access, failure, "unshare", name, &namespace);
    let existing = match access.profiles.shares(&namespace).await {
        Ok(existing) => existing,
        Err(failure) => return Err(failed(failure).await),
    };
    let taken = match access.profiles.take_back(&namespace, &subject, &existing).await {
        Ok(taken) => taken,
        Err(NotTaken::Failed(failure)) => return Err(failed(failure).await),
        Err(NotTaken::Together(binding, others)) => {
            return Err(Error::cluster(format!("RoleBinding {binding} in {namespace} is for {who} and for others: {}", others.join(", ")))
                .hint(format!("share with the others by themselves (`kfctl profile share {name} --user NAME`), then `kubectl -n {namespace} delete rolebinding {}`", quoted(&binding))));
        }
    };
    let mut taken: Vec<String> = taken.iter().map(|binding| format!("RoleBinding {binding}")).collect();
    // Who may not read the profile may not change it either: the rest is said, not done.
    let profile = access.profiles.get(segment(name)?).await.unwrap_or_default();
    if list(&profile, MEMBERS).iter().any(|member| same(&member["subject"], &as_json)) {
        if let Err(failure) = access.profiles.remove_member(name, &subject).await {
            return Err(access.explain(&failure, "change", name).await);
        }
        taken.push("membership".to_owned());
    }
    access.session.printer.json(&json!({"profile": name, "namespace": namespace, "subject": as_json, "removed": taken}));
    if taken.is_empty() {
        let shown: Vec<String> = existing.iter().flat_map(|binding| list(binding, "/subjects")).map(named).collect();
        access.done(&format!("nothing of namespace {namespace} is shared with {who}"));
        if !shown.is_empty() {
            access.session.printer.note(format!("it is shared with {}", shown.join(", ")));
        }
        return Ok(());
    }
    access.done(&format!("{who} may no longer use namespace {namespace}: {} removed", taken.join(", ")));
    Ok(())
}

/// A failed request in a profile's namespace.
async fn in_namespace(access: &Access<'_>, failure: Failure, verb: &str, name: &str, namespace: &str) -> Error {
    match failure.class {
        Class::Forbidden => Error::cluster(format!("{} may not {verb} namespace {namespace}", access.user().await))
            .detail(failure.message)
            .hint(format!("its owner may; is {namespace} the namespace of profile {name}? --namespace names another")),
        Class::NotFound => {
            Error::cluster(format!("namespace {namespace} of profile {name} has no Role default yet, or is not there"))
                .detail(failure.message)
                .hint(format!("see whether it is ready: `kfctl profile show {name}`"))
        }
        Class::Invalid => Error::cluster("the server refuses the RoleBinding").detail(failure.message),
        _ => access.profiles.connection.explain(&failure, &format!("{verb} namespace {namespace}")),
    }
}

fn unshare_command(name: &str, subject: &Value) -> String {
    let who = match text(subject, "/kind") {
        "ServiceAccount" => format!("--serviceaccount {}:{}", text(subject, "/namespace"), text(subject, "/name")),
        kind => format!("--{} {}", kind.to_lowercase(), text(subject, "/name")),
    };
    format!("kfctl profile unshare {name} {who}")
}
