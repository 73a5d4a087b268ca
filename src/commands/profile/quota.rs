//! `kfctl profile quota`: what the namespace may use, uses, and has left; and other limits than the default ones.

use serde_json::{Map, Value, json};

use super::Access;
use crate::catalog::Quantity;
use crate::cli::Place;
use crate::cluster::{Class, Failure};
use crate::error::{Error, Result};
use crate::profiles::{QUOTA, rows};
use crate::ui::{Printer, Table};

/// Resources and their new limits; none where the default is to return. What is taken differently from how it is written is said.
pub(super) fn changes(printer: &Printer, words: &[String]) -> Result<Vec<(String, Option<String>)>> {
    let change = |word: &String| match word.split_once('=') {
        Some((resource, quantity)) if !resource.is_empty() => {
            let quantity = Quantity::parse(quantity).ok_or_else(|| {
                Error::usage(format!("{quantity:?} is no quantity"))
                    .field(resource)
                    .expected("a quantity such as 100, 500m or 64Gi")
            })?;
            if let Some(note) = &quantity.note {
                printer.note(note);
            }
            Ok((resource.to_owned(), Some(quantity.text)))
        }
        None if word.len() > 1 && word.ends_with('-') => Ok((word.trim_end_matches('-').to_owned(), None)),
        _ => Err(Error::usage(format!("{word:?} says no limit"))
            .expected("RESOURCE=QUANTITY such as requests.cpu=64, or RESOURCE- to return to the default")),
    };
    words.iter().map(change).collect()
}

pub(super) fn table(rows: &[[String; 4]]) -> Table {
    let mut table = Table::new(&["RESOURCE", "LIMIT", "USED", "FREE"]);
    for row in rows {
        table.row(row.clone());
    }
    table
}

pub(super) fn as_json(rows: &[[String; 4]]) -> Value {
    rows.iter()
        .map(|[resource, limit, used, free]| (resource.clone(), json!({"limit": limit, "used": used, "free": free})))
        .collect::<Map<_, _>>()
        .into()
}

pub(super) async fn show(access: &Access<'_>, place: &Place) -> Result<()> {
    let namespace = access.namespace(place).await?;
    let rows = match access.profiles.quota(&namespace).await {
        Ok(quota) => rows(&quota),
        Err(failure) => return Err(explain(access, &failure, "read", place, &namespace).await),
    };
    let printer = &access.session.printer;
    printer.json(&json!({"profile": place.name, "namespace": namespace, "quota": as_json(&rows)}));
    printer.table(&table(&rows));
    Ok(())
}

/// The profile keeps the limits where the caller may change it: there they are seen, and outlive the namespace's own object. Who may
/// only change the namespace's `ResourceQuota` does that; the controller leaves such limits alone.
pub(super) async fn set(access: &Access<'_>, place: &Place, words: &[String]) -> Result<()> {
    let hard: Map<String, Value> =
        changes(&access.session.printer, words)?.into_iter().map(|(resource, quantity)| (resource, quantity.into())).collect();
    let namespace = access.namespace(place).await?;
    let (changed, kept) = match access.profiles.limit(super::segment(&place.name)?, &hard).await {
        Ok(changed) => (changed, format!("profile {}", place.name)),
        Err(failure) if failure.class == Class::Forbidden => match access.profiles.limit_namespace(&namespace, &hard).await {
            Ok(changed) => (changed, format!("ResourceQuota {QUOTA} of namespace {namespace}")),
            Err(failure) => return Err(explain(access, &failure, "change", place, &namespace).await),
        },
        Err(failure) => return Err(access.explain(&failure, "change", &place.name).await),
    };
    access.session.printer.json(&changed);
    for (resource, quantity) in &hard {
        access.done(&match quantity.as_str() {
            Some(quantity) => format!("{resource} of namespace {namespace} is limited to {quantity}, by {kept}"),
            None => format!("{resource} of namespace {namespace} returns to the default"),
        });
    }
    access.next(&[(&format!("kfctl profile quota {}", place.name), "see what is used and left")]);
    Ok(())
}

async fn explain(access: &Access<'_>, failure: &Failure, verb: &str, place: &Place, namespace: &str) -> Error {
    match failure.class {
        Class::Forbidden => Error::cluster(format!("{} may not {verb} the quota of namespace {namespace}", access.user().await))
            .detail(failure.message.clone())
            .hint(if verb == "read" {
                "who has a part in the namespace may; --namespace names another"
            } else {
                "an admin of the cluster may: owners can't raise their own limits"
            }),
        Class::NotFound => Error::cluster(format!("namespace {namespace} has no quota yet, or is not there"))
            .hint(format!("see whether the profile is ready: `kfctl profile show {}`", place.name)),
        Class::Invalid => Error::cluster("the server refuses the quota").detail(failure.message.clone()),
        _ => access.profiles.connection.explain(failure, &format!("{verb} the quota of namespace {namespace}")),
    }
}
