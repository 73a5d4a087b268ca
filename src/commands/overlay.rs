//! `kfctl overlay`: keeps what a hand has edited in rendered/.

use super::Session;
use super::preparation::chosen;
use crate::error::{ExitStatus, Result};

pub(super) fn save(session: &Session, components: &[String]) -> Result<ExitStatus> {
    let (app, catalog) = (session.app()?, session.catalog()?);
    let names: Vec<String> = chosen(&app, &catalog, components)?.into_iter().map(|(name, _)| name).collect();
    let saved = app.save_edits(&catalog, &names)?;
    let printer = &session.printer;
    for overlay in &saved.overlays {
        printer.json(&serde_json::json!({"file": overlay.edit, "overlay": overlay.file}));
        printer.done(format!("{} keeps the edit of {}", overlay.file.display(), overlay.edit.display()));
        if overlay.holds_secret {
            printer.warn(format!("{} holds a value of a Secret: don't commit it to git", overlay.file.display()));
        }
    }
    for file in &saved.text_only {
        printer.note(format!("{}: nothing but layout or comments was edited; it is rendered as before", file.display()));
    }
    if saved.overlays.is_empty() && saved.text_only.is_empty() {
        printer.note("there is no edit in rendered/ to keep");
    }
    if !saved.overlays.is_empty() {
        printer.next(&[("kfctl diff", "what it changes in the cluster"), ("kfctl apply k8s", "bring the cluster to it")]);
    }
    Ok(ExitStatus::Done)
}
