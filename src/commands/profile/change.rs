//! `kfctl profile create`, `transfer` and `delete`.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Access, named, namespace_of, quota, segment};
use crate::api::profile::Limit;
use crate::cli::Who;
use crate::error::{ExitStatus, Result};
use crate::profiles::{Held, json_of, owner_of};

pub(super) async fn create(
    access: &Access<'_>,
    name: &str,
    owner: &Who,
    namespace: Option<&str>,
    limits: &[String],
) -> Result<()> {
    segment(name)?;
    let mut hard = BTreeMap::new();
    for (resource, quantity) in quota::changes(&access.session.printer, limits)? {
        hard.extend(quantity.map(|quantity| (resource, Limit::Quantity(quantity))));
    }
    let made = match access.profiles.create(name, owner.subject()?, namespace, hard).await {
        Ok(made) => made,
        Err(failure) => return Err(access.explain(&failure, "create", name).await),
    };
    access.session.printer.json(&made);
    access.done(&format!("profile {name} made for {}; its namespace is {}", named(owner_of(&made)), namespace_of(&made)));
    access.next(&[
        (&format!("kfctl profile show {name}"), "see it become ready"),
        (&format!("kfctl profile share {name} --user NAME"), "as its owner, let somebody else in"),
    ]);
    Ok(())
}

pub(super) async fn transfer(access: &Access<'_>, name: &str, owner: &Who) -> Result<ExitStatus> {
    let printer = &access.session.printer;
    let owner = owner.subject()?;
    let old = access.profile(name).await?;
    let (old_owner, new_owner) = (named(owner_of(&old)), named(&json_of(&owner)));
    if old_owner == new_owner {
        printer.json(&old);
        access.done(&format!("profile {name} belongs to {new_owner} already"));
        return Ok(ExitStatus::Done);
    }
    let question =
        format!("give profile {name} (namespace {}) to {new_owner}? {old_owner} loses every right there", namespace_of(&old));
    if !access.profiles.dry_run && !printer.confirm(&question)? {
        return Ok(ExitStatus::Interrupted);
    }
    let changed = match access.profiles.transfer(&old, &owner).await {
        Ok(changed) => changed,
        Err(failure) => return Err(access.explain(&failure, "change", name).await),
    };
    printer.json(&changed);
    access.done(&format!("profile {name} belongs to {new_owner}; before, to {old_owner}"));
    access.next(&[(&format!("kfctl profile show {name}"), "see the rights move")]);
    Ok(ExitStatus::Done)
}

pub(super) async fn delete(access: &Access<'_>, name: &str) -> Result<ExitStatus> {
    let printer = &access.session.printer;
    let profile = access.profile(name).await?;
    let namespace = namespace_of(&profile);
    let content = access.profiles.content(&namespace).await.iter().map(held).collect::<Vec<_>>().join(", ");
    let question = format!(
        "delete profile {name} of {}, and with it namespace {namespace} and everything in it: {content}? It can't be brought back",
        named(owner_of(&profile))
    );
    if access.profiles.dry_run {
        printer.note(format!("namespace {namespace} would go, with {content}"));
    } else if !printer.confirm(&question)? {
        return Ok(ExitStatus::Interrupted);
    }
    if let Err(failure) = access.profiles.delete(&profile).await {
        return Err(access.explain(&failure, "delete", name).await);
    }
    printer.json(&json!({"profile": name, "namespace": namespace, "deleted": !access.profiles.dry_run}));
    access.done(&format!("profile {name} is being deleted, and namespace {namespace} with it"));
    access.next(&[(&format!("kfctl profile show {name}"), "while it is there: what holds it up")]);
    Ok(ExitStatus::Done)
}

/// How many of a kind a namespace holds, and which.
fn held(Held { kind, names }: &Held) -> String {
    match names.as_deref() {
        None => format!("{kind}s that you may not see"),
        Some([]) => format!("no {kind}"),
        Some([name]) => format!("1 {kind} ({name})"),
        Some(names) => format!(
            "{} {kind}s ({}{})",
            names.len(),
            names[..names.len().min(5)].join(", "),
            if names.len() > 5 { ", …" } else { "" }
        ),
    }
}
