//! `kfctl profile create`, `transfer` and `delete`.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use super::{Access, MERGE, PROFILES, SYSTEM_NAMESPACE, json_of, named, namespace_of, path, quota, segment, text};
use crate::api::profile::{Limit, Profile, ProfileMetadata, ProfileSpec, ProfileTemplate, ProfileTemplateSpec, Quota};
use crate::cli::Who;
use crate::error::{ExitStatus, Result};
use crate::labels::CREATOR;
use crate::object::list;

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
    let template = ProfileTemplate {
        metadata: namespace.map(|namespace| ProfileMetadata { namespace: Some(namespace.to_owned()) }),
        spec: ProfileTemplateSpec {
            owner: owner.subject()?,
            resource_quota: (!hard.is_empty()).then_some(Quota { hard }),
            members: Vec::new(),
        },
    };
    let mut profile = Profile::new(name, ProfileSpec { template });
    profile.metadata.namespace = Some(SYSTEM_NAMESPACE.to_owned());
    let mut body = serde_json::to_value(&profile).expect("a profile is plain data");
    // Who may not change profiles may have a limited number, and says which count.
    if !access.may_change_profiles().await {
        body["metadata"]["annotations"][CREATOR] = access.user().await.into();
    }
    let made = match access.send(Method::POST, PROFILES, Some(("application/json", &body))).await {
        Ok(made) => made,
        Err(failure) => return Err(access.explain(&failure, "create", name).await),
    };
    access.session.printer.json(&made);
    access.done(&format!(
        "profile {name} made for {}; its namespace is {}",
        named(&made["spec"]["template"]["spec"]["owner"]),
        namespace_of(&made)
    ));
    access.next(&[
        (&format!("kfctl profile show {name}"), "see it become ready"),
        (&format!("kfctl profile share {name} --user NAME"), "as its owner, let somebody else in"),
    ]);
    Ok(())
}

pub(super) async fn transfer(access: &Access<'_>, name: &str, owner: &Who) -> Result<ExitStatus> {
    let printer = &access.session.printer;
    let mut owner = json_of(&owner.subject()?);
    let old = access.profile(name).await?;
    let old_owner = named(&old["spec"]["template"]["spec"]["owner"]);
    let new_owner = named(&owner);
    if old_owner == new_owner {
        printer.json(&old);
        access.done(&format!("profile {name} belongs to {new_owner} already"));
        return Ok(ExitStatus::Done);
    }
    let question =
        format!("give profile {name} (namespace {}) to {new_owner}? {old_owner} loses every right there", namespace_of(&old));
    if !access.dry_run && !printer.confirm(&question)? {
        return Ok(ExitStatus::Interrupted);
    }
    // A merge keeps what is not named: what a subject of another kind had goes.
    for field in ["apiGroup", "namespace"] {
        if owner.get(field).is_none() {
            owner[field] = Value::Null;
        }
    }
    // Nobody's change in between is overwritten.
    let patch = json!({"metadata": {"resourceVersion": old["metadata"]["resourceVersion"]}, "spec": {"template": {"spec": {"owner": owner}}}});
    let changed = match access.send(Method::PATCH, &path(name)?, Some((MERGE, &patch))).await {
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
    let mut content = Vec::new();
    for (kind, collection) in
        [("volume claim", "/api/v1/*/persistentvolumeclaims"), ("notebook", "/apis/kubeflow.org/v1/*/notebooks")]
    {
        content.push(held(access, kind, &collection.replace('*', &format!("namespaces/{namespace}"))).await);
    }
    let content = content.join(", ");
    let question = format!(
        "delete profile {name} of {}, and with it namespace {namespace} and everything in it: {content}? It can't be brought back",
        named(&profile["spec"]["template"]["spec"]["owner"])
    );
    if access.dry_run {
        printer.note(format!("namespace {namespace} would go, with {content}"));
    } else if !printer.confirm(&question)? {
        return Ok(ExitStatus::Interrupted);
    }
    // The profile that was looked at, and no other of its name. Where a delete has a body, the server does not look at the query:
    // what makes it a dry-run stands in both.
    let dry_run: &[&str] = if access.dry_run { &["All"] } else { &[] };
    let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": profile["metadata"]["uid"]}, "dryRun": dry_run});
    if let Err(failure) = access.send(Method::DELETE, &path(name)?, Some(("application/json", &options))).await {
        return Err(access.explain(&failure, "delete", name).await);
    }
    printer.json(&json!({"profile": name, "namespace": namespace, "deleted": !access.dry_run}));
    access.done(&format!("profile {name} is being deleted, and namespace {namespace} with it"));
    access.next(&[(&format!("kfctl profile show {name}"), "while it is there: what holds it up")]);
    Ok(ExitStatus::Done)
}

/// How many of a kind a namespace holds, and which.
async fn held(access: &Access<'_>, kind: &str, path: &str) -> String {
    let Ok(found) = access.connection.get(path).await else { return format!("{kind}s that you may not see") };
    let names: Vec<&str> = list(&found, "/items").iter().map(|item| text(item, "/metadata/name")).collect();
    match names.as_slice() {
        [] => format!("no {kind}"),
        [name] => format!("1 {kind} ({name})"),
        names => format!(
            "{} {kind}s ({}{})",
            names.len(),
            names[..names.len().min(5)].join(", "),
            if names.len() > 5 { ", …" } else { "" }
        ),
    }
}
