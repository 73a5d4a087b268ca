//! `kfctl profile list` and `show`.

use serde_json::{Value, json};

use super::{Access, PROFILES, named, namespace_of, quota, ready, text};
use crate::error::Result;
use crate::object;
use crate::profiles::{access_list, owner_of, rows};
use crate::ui::Table;

fn summary(profile: &Value) -> Value {
    let [ready, reason, message] = ready(profile);
    json!({
        "name": text(profile, "/metadata/name"), "namespace": namespace_of(profile), "owner": owner_of(profile),
        "ready": ready, "reason": reason, "message": message, "created": text(profile, "/metadata/creationTimestamp"),
    })
}

pub(super) async fn list(access: &Access<'_>) -> Result<()> {
    let printer = &access.session.printer;
    let found = match access.profiles.connection.read(PROFILES).await {
        Ok(found) => found,
        Err(failure) => return Err(access.explain(&failure, "list", "").await),
    };
    let profiles = object::list(&found, "/items");
    let mut table = Table::new(&["NAME", "NAMESPACE", "OWNER", "READY", "REASON"]);
    for profile in profiles {
        printer.json(&summary(profile));
        let [ready, reason, _] = ready(profile);
        let owner = named(owner_of(profile));
        table.row([text(profile, "/metadata/name"), &namespace_of(profile), &owner, ready, reason]);
    }
    if profiles.is_empty() {
        printer.note("there are no profiles");
        printer.next(&[("kfctl profile create jane --user jane@foo.com", "make one")]);
    } else {
        printer.table(&table);
    }
    Ok(())
}

pub(super) async fn show(access: &Access<'_>, name: &str) -> Result<()> {
    let printer = &access.session.printer;
    let profile = access.profile(name).await?;
    let namespace = namespace_of(&profile);
    let [ready, reason, message] = ready(&profile);
    let (bindings, quota) =
        (access.profiles.shares(&namespace).await, access.profiles.quota(&namespace).await.map(|quota| rows(&quota)));
    let people = access_list(&profile, bindings.as_deref().unwrap_or_default());

    let mut result = summary(&profile);
    result["access"] = people.iter().map(|[who, role, by]| json!({"who": who, "role": role, "by": by})).collect();
    result["quota"] = quota.as_ref().map(|rows| quota::as_json(rows)).unwrap_or_default();
    printer.json(&result);

    let owner = named(owner_of(&profile));
    let condition = [ready, reason, message].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
    for (field, value) in [("Profile", name), ("Namespace", &namespace), ("Owner", &owner), ("Ready", &condition)] {
        printer.line(format!("{field:<10} {value}"));
    }
    let mut table = Table::new(&["WHO", "ROLE", "BY"]);
    for row in people {
        table.row(row);
    }
    printer.line("");
    printer.table(&table);
    if let Err(failure) = bindings {
        printer.note(format!("with whom {namespace} is shared can't be read: {}", failure.message));
    }
    printer.line("");
    match quota {
        Ok(rows) => printer.table(&quota::table(&rows)),
        Err(failure) => printer.note(format!("the quota of {namespace} can't be read: {}", failure.message)),
    }
    Ok(())
}
