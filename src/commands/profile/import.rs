//! `kfctl profile import`: first theirs go, then ours come; between the two is an `apply`.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::super::{Session, pasted};
use super::Access;
use crate::error::{Error, ExitStatus, Result};
use crate::migration::{self, Adoption, Definition, Exported, Release};
use crate::{apply, yaml};

/// The definition's name, to be typed before it goes.
const NAME: &str = "profiles.kubeflow.org";

/// What the command line says.
pub(super) struct Settings<'a> {
    pub(super) file: &'a Path,
    /// The definition's name, said beforehand.
    pub(super) confirmed: Option<&'a str>,
    pub(super) timeout: Duration,
    pub(super) dry_run: bool,
}

pub(super) async fn run(session: &Session, settings: &Settings<'_>) -> Result<ExitStatus> {
    let Settings { file, confirmed, .. } = *settings;
    if let Some(other) = confirmed.filter(|confirmed| *confirmed != NAME) {
        return Err(Error::usage(format!("--confirm-definition says {other:?}, and the definition is {NAME:?}")));
    }
    let exported = migration::read(&yaml::read(file)?, file)?;
    let access = &Access::open(session, settings.dry_run).await?;
    if let Ok(app) = session.app() {
        apply::check_cluster(&access.profiles.connection, app.file.cluster.as_ref()).await?;
    }
    for lossy in exported.iter().filter(|exported| !exported.lost.is_empty()) {
        session.printer.warn(format!("profile {}: {} has no place in ours and stays behind", lossy.name, lossy.lost.join(", ")));
    }
    let deadline = Instant::now() + settings.timeout;
    let again = format!("kfctl profile import {}", pasted(file));
    match migration::definition(&access.profiles.connection).await? {
        Definition::Theirs(definition) => {
            let release = Release::begin(&access.profiles.connection, &exported, definition, deadline).await?;
            release_theirs(access, release, confirmed, &again).await
        }
        Definition::None => Err(Error::cluster("upstream's definition of profiles is gone, and ours is not there yet")
            .hint("deploy it, in the app's directory: `kfctl apply k8s --force-conflicts`")
            .hint(format!("then, to make the profiles: `{again}`"))),
        Definition::Ours => make_ours(access, &exported, deadline, &again).await,
    }
}

async fn release_theirs(
    access: &Access<'_>,
    mut release: Release<'_>,
    confirmed: Option<&str>,
    again: &str,
) -> Result<ExitStatus> {
    let printer = &access.session.printer;
    let (profiles, owned) = release.theirs().counts();
    let running = release.theirs().running().join(", ");
    let question = format!(
        "Now upstream's profiles and their definition can go, and ours can come. {profiles} profiles are then in the file alone: keep it. Type {NAME} to remove them:"
    );
    let otherwise = format!("say it: `{again} --confirm-definition {NAME}`");
    let is_free = release.is_free();
    if !is_free {
        release.rehearse().await?;
        printer.note(format!("{} has {profiles} profiles of upstream's:", access.profiles.connection.server));
        let stops =
            if running.is_empty() { "has stopped already".to_owned() } else { format!("is stopped: {running}, to 0 replicas") };
        printer.note(format!("  their controller {stops}"));
        printer.note(format!(
            "  {owned} objects are freed, the users' namespaces among them, which would be deleted with those profiles"
        ));
        printer.note("  everything is read again, and you are asked before upstream's definition of profiles is removed");
    }
    if access.profiles.dry_run {
        printer.json(&json!({"profiles": profiles, "owned": owned, "controllers": running, "dryRun": true}));
        access.done("the server takes every change");
        return Ok(ExitStatus::Done);
    }
    if confirmed.is_none() {
        printer.can_type(&question, NAME, &otherwise)?;
    }
    if !is_free {
        if !printer.confirm("Go on?")? {
            return Ok(ExitStatus::Interrupted);
        }
        release.free(&|text| printer.note(text)).await?;
    }
    printer.done(format!("nothing hangs on upstream's {profiles} profiles any longer: their namespaces stay without them"));
    if confirmed.is_none() && !printer.typed(&question, NAME, &otherwise)? {
        printer.note("upstream's profiles and their definition are still there, and its controller is stopped");
        printer.next(&[
            (again, "goes on from here"),
            ("kubectl -n kubeflow scale deployment profiles-deployment --replicas=1", "back to upstream's"),
        ]);
        return Ok(ExitStatus::Interrupted);
    }
    release.let_go(&|text| printer.note(text)).await?;
    printer.json(&json!({"profiles": profiles, "freed": owned, "definition": "removed"}));
    printer.done("upstream's profiles are gone; their namespaces are as they were");
    printer.next(&[
        ("kfctl apply k8s --force-conflicts", "ours comes in the place of upstream's, in the app's directory"),
        (again, "then: makes the profiles"),
    ]);
    Ok(ExitStatus::Done)
}

async fn make_ours(access: &Access<'_>, exported: &[Exported], deadline: Instant, again: &str) -> Result<ExitStatus> {
    let printer = &access.session.printer;
    let mut adoption = Adoption::begin(&access.profiles.connection, exported).await?;
    let (waiting, contributors) = adoption.counts();
    if access.profiles.dry_run {
        printer.json(&json!({"profiles": exported.len(), "waiting": waiting, "contributors": contributors, "dryRun": true}));
        access.done(&format!("{waiting} profiles would take over their namespaces, and {contributors} contributors as members"));
        return Ok(ExitStatus::Done);
    }
    if waiting > 0 && !printer.confirm(&format!("make {waiting} profiles, and give them their namespaces as they are?"))? {
        return Ok(ExitStatus::Interrupted);
    }
    adoption.make().await?;
    if waiting + contributors > 0 {
        adoption.arrive(deadline).await?;
    }
    let replaced = adoption.replace_bindings().await?;
    printer.json(&json!({"profiles": exported.len(), "made": waiting, "contributors": replaced}));
    printer.done(format!(
        "{} profiles hold their namespaces ({waiting} now); {replaced} contributors became members",
        exported.len()
    ));
    if contributors > replaced {
        printer.warn(format!(
            "{} bindings of contributors stay as they are: no member of the profile is in their place",
            contributors - replaced
        ));
    }
    printer.next(&[("kfctl profile list", "who owns what"), (again, "again, at any time: nothing is left to do")]);
    Ok(ExitStatus::Done)
}
