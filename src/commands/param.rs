//! `kfctl param`: reads and changes parameters in app.yaml.

use serde_json::Value;

use super::{Session, one_of};
use crate::app::App;
use crate::catalog::{Catalog, Component};
use crate::cli::Param;
use crate::error::{Error, ExitStatus, Result};
use crate::ui::Table;

pub(super) fn run(session: &Session, command: &Param) -> Result<ExitStatus> {
    let (mut app, catalog) = (session.app()?, session.catalog()?);
    let printer = &session.printer;
    match command {
        Param::Set { component, parameter, value } => {
            let declared = built_in(&app, &catalog, component)?.parameter(parameter)?;
            let parsed = declared.parse(value).map_err(|error| usage(&error).field(format!("{component}.{parameter}")))?;
            if let Some(note) = &parsed.note {
                printer.note(note);
            }
            app.set_parameter(component, parameter, &parsed.value)?;
            printer.json(&serde_json::json!({"component": component, "param": parameter, "value": parsed.value}));
            printer.done(format!("{component}.{parameter} = {}", shown(&parsed.value)));
            printer.next(&[(&format!("kfctl apply k8s -c {component}"), "bring the cluster to it")]);
        }
        Param::Unset { component, parameter } => {
            let declared = built_in(&app, &catalog, component)?;
            declared.parameter(parameter)?;
            app.unset_parameter(component, parameter)?;
            let value = value(&app, &catalog, declared, parameter)?;
            printer.json(&serde_json::json!({"component": component, "param": parameter, "value": value}));
            printer.done(format!("{component}.{parameter} is back at its default, {}", shown(&value)));
            printer.next(&[(&format!("kfctl apply k8s -c {component}"), "bring the cluster to it")]);
        }
        Param::Get { component, parameter } => {
            let component = built_in(&app, &catalog, component)?;
            component.parameter(parameter)?;
            let value = value(&app, &catalog, component, parameter)?;
            printer.json(&serde_json::json!({"component": component.name, "param": parameter, "value": value}));
            printer.line(shown(&value));
        }
        Param::List { component } => list(session, &app, &catalog, component.as_deref())?,
    }
    Ok(ExitStatus::Done)
}

/// The value that holds.
fn value(app: &App, catalog: &Catalog, component: &Component, parameter: &str) -> Result<Value> {
    let settings = app.settings(component, app.platform(catalog)?)?;
    let found = settings.into_iter().find(|setting| setting.parameter.name == parameter);
    Ok(found.map(|setting| setting.value).unwrap_or_default())
}

/// A value typed on the command line is the command line's fault.
fn usage(error: &Error) -> Error {
    Error::usage(error.to_string())
}

fn built_in<'a>(app: &App, catalog: &'a Catalog, name: &str) -> Result<&'a Component> {
    if app.own_components()?.iter().any(|own| own == name) {
        return Err(Error::usage(format!("component {name} is your own: it has manifests and no parameters"))
            .hint(format!("edit components/{name}/, or put partial objects in overlays/{name}/")));
    }
    catalog.component(name)
}

fn list(session: &Session, app: &App, catalog: &Catalog, only: Option<&str>) -> Result<()> {
    let running = app.components(catalog)?;
    if let Some(name) = only {
        built_in(app, catalog, name)?;
        one_of(&running, name)?;
    }
    let platform = app.platform(catalog)?;
    let mut table = Table::new(&["PARAM", "VALUE", "DEFAULT", "TYPE", "MEANING"]);
    for component in
        running.iter().filter(|name| only.is_none_or(|only| only == *name)).filter_map(|name| catalog.find_component(name))
    {
        for setting in app.settings(component, platform)? {
            let parameter = setting.parameter;
            session.printer.json(&serde_json::json!({
                "component": component.name, "param": parameter.name, "value": setting.value, "default": parameter.default,
                "type": parameter.r#type.to_string(), "origin": setting.origin, "description": parameter.description}));
            table.row([
                format!("{}.{}", component.name, parameter.name),
                shown(&setting.value),
                shown(&parameter.default),
                parameter.r#type.to_string(),
                parameter.description.clone(),
            ]);
        }
    }
    session.printer.table(&table);
    Ok(())
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
