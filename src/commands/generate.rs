//! `kfctl generate`: renders into rendered/; needs no cluster.

use super::Session;
use super::platform;
use crate::app::{App, Rendered, edits, refuse, write_all};
use crate::catalog::Catalog;
use crate::cli::Scope;
use crate::error::{ExitStatus, Result};
use crate::ui::counted;

pub(super) fn run(session: &Session, scope: Scope, discard_edits: bool) -> Result<ExitStatus> {
    let (app, catalog) = (session.app()?, session.catalog()?);
    if scope.has_platform() {
        let files = platform::render(session, &app, &catalog, discard_edits)?;
        session.printer.json(&serde_json::json!({"platform": app.file.platform, "files": files}));
        for path in &files {
            session.printer.done(format!("rendered {}", path.display()));
        }
        if app.platform(&catalog)?.files.is_empty() && !scope.has_objects() {
            session.printer.done(format!("platform {} has no files to render", app.file.platform));
        }
        if !scope.has_objects() {
            session.printer.next(&[("kfctl apply platform", "make the cluster where there is none yet")]);
        }
    }
    if scope.has_objects() {
        let names = app.components(&catalog)?;
        let rendered = refresh(session, &app, &catalog, &names, discard_edits)?;
        for component in &rendered {
            let objects = component.objects.len();
            session.printer.json(&serde_json::json!({"component": component.component, "objects": objects}));
            session.printer.done(format!("rendered/{}: {}", component.component, counted(objects, "object")));
        }
        session.printer.next(&[("kfctl apply k8s", "bring the cluster to it")]);
    }
    Ok(ExitStatus::Done)
}

/// Renders these components and brings rendered/ to it.
pub(super) fn refresh(
    session: &Session,
    app: &App,
    catalog: &Catalog,
    names: &[String],
    discard_edits: bool,
) -> Result<Vec<Rendered>> {
    let rendered = render(session, app, catalog, names)?;
    if !discard_edits {
        refuse(&edits(&app.directory, &rendered)?)?;
    }
    write_all(&app.directory, &rendered)?;
    Ok(rendered)
}

/// Renders these components as `apply` would, and leaves rendered/ as it is.
pub(super) fn look(session: &Session, app: &App, catalog: &Catalog, names: &[String]) -> Result<Vec<Rendered>> {
    let rendered = render(session, app, catalog, names)?;
    refuse(&edits(&app.directory, &rendered)?)?;
    Ok(rendered)
}

/// Says which values were taken differently from how they are written.
fn render(session: &Session, app: &App, catalog: &Catalog, names: &[String]) -> Result<Vec<Rendered>> {
    let platform = app.platform(catalog)?;
    for component in names.iter().filter_map(|name| catalog.find_component(name)) {
        for setting in app.settings(component, platform)? {
            if let Some(note) = setting.note {
                session.printer.note(format!("{}.{}: {note}", component.name, setting.parameter.name));
            }
        }
    }
    app.render(catalog, names)
}
