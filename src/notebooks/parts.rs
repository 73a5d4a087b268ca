//! The parts of the form that are no amounts and no volumes: image, variables, groups, configurations, and whose it is. Pure.

use serde_json::{Map, Value, json};

use super::choices::{Groups, SERVER_TYPES};
use super::form::{KEEP, Reading, is_on};
use super::text;
use crate::catalog::is_image;
use crate::labels::{NOTEBOOK_CREATOR, PRIVATE, REQUEST_HEADERS, REWRITE, SERVER_TYPE};
use crate::object::list;

/// The variable that tells a server where it is seen; the controller sets it.
const PREFIX_VARIABLE: &str = "NB_PREFIX";

pub(super) fn image(reading: &mut Reading<'_>, notebook: &mut Value, container: &mut Value) {
    let choices = reading.context.choices;
    let before = text(container, "/image").to_owned();
    let (field, image) = match reading.said("customImage") {
        Some(custom) => ("customImage", custom),
        None => ("image", reading.said("image").unwrap_or_default()),
    };
    let asked = reading.said("serverType").unwrap_or(SERVER_TYPES[0]);
    let server_type = match choices.server_type(image) {
        Some(server_type) => server_type,
        None if image == before && !before.is_empty() => "",
        None if !choices.allow_custom_image => {
            return reading.wrong(field, "only the images that are offered here may be used");
        }
        None if !is_image(image) || image.len() > 500 => {
            return reading.wrong(field, "this is no image; expected one such as registry.example.com/team/name:tag");
        }
        None => match SERVER_TYPES.into_iter().find(|known| *known == asked) {
            Some(known) => known,
            None => return reading.wrong("serverType", format!("a kind of server is one of {}", SERVER_TYPES.join(", "))),
        },
    };
    container["image"] = image.into();
    match reading.said("imagePullPolicy") {
        None => {}
        Some(known @ ("Always" | "IfNotPresent" | "Never")) => container["imagePullPolicy"] = known.into(),
        Some(_) => reading.wrong("imagePullPolicy", "it is one of Always, IfNotPresent and Never"),
    }
    if server_type.is_empty() {
        return;
    }
    let path = format!("/notebook/{}/{}/", text(notebook, "/metadata/namespace"), text(notebook, "/metadata/name"));
    let headers = json!({"X-RStudio-Root-Path": path}).to_string();
    let is_at_root = server_type != SERVER_TYPES[0];
    let annotations = [
        (SERVER_TYPE, Some(server_type.to_owned())),
        (REWRITE, is_at_root.then(|| "/".to_owned())),
        (REQUEST_HEADERS, (server_type == SERVER_TYPES[2]).then_some(headers)),
    ];
    for (name, value) in annotations {
        match value {
            Some(value) => notebook["metadata"]["annotations"][name] = value.into(),
            None => remove(&mut notebook["metadata"]["annotations"], name),
        }
    }
}

fn remove(object: &mut Value, key: &str) {
    object.as_object_mut().and_then(|object| object.remove(key));
}

/// Lines such as `NAME=value`, or fields such as `environment:NAME`. Variables whose values come from elsewhere stay.
pub(super) fn environment(reading: &mut Reading<'_>, container: &mut Value) {
    let mut variables: Vec<(&str, &str)> = reading.under("environment:").collect();
    for (number, line) in reading.said("environment").unwrap_or_default().lines().enumerate() {
        match line.trim().split_once('=') {
            _ if line.trim().is_empty() => {}
            Some((name, value)) => variables.push((name.trim(), value)),
            None => reading.wrong("environment", format!("line {} is not of the form NAME=value", number + 1)),
        }
    }
    let mut seen: Vec<&str> = Vec::new();
    for (name, _) in &variables {
        if !is_variable(name) {
            let shown: String = name.chars().take(60).collect();
            let rule = "expected letters, digits and “_”, “-” or “.”, with no digit first";
            reading.wrong("environment", format!("{shown:?} can’t be a variable’s name; {rule}"));
        } else if *name == PREFIX_VARIABLE {
            reading.wrong("environment", format!("{PREFIX_VARIABLE} is set by Kubeflow itself"));
        } else if seen.contains(name) {
            reading.wrong("environment", format!("{name} is there twice"));
        }
        seen.push(name);
    }
    let kept = list(container, "/env").iter().filter(|variable| variable.get("valueFrom").is_some()).cloned();
    let kept = kept.filter(|variable| !seen.contains(&text(variable, "/name")));
    let typed = variables.iter().map(|(name, value)| json!({"name": name, "value": value}));
    let all: Vec<Value> = kept.chain(typed).collect();
    if all.is_empty() {
        remove(container, "env");
    } else {
        container["env"] = all.into();
    }
}

fn is_variable(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    !name.is_empty()
        && name.len() <= 253
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.starts_with("..")
        && name != "."
        && name.chars().all(good)
}

/// One of the admin's groups, or none.
pub(super) fn group(reading: &mut Reading<'_>, field: &str, groups: &Groups, pod: &mut Value, part: &str) {
    let key = reading.said(field).unwrap_or_default();
    if key == KEEP && reading.context.before.is_some() {
        return;
    }
    match groups.find(key) {
        Some(group) => pod[part] = group.content.clone(),
        None if key.is_empty() => remove(pod, part),
        None => {
            let known: Vec<&str> = groups.options.iter().map(|group| group.key.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            reading.wrong(field, format!("there is no such group; there are: {known}"));
        }
    }
}

/// The labels by which `PodDefault`s find the pod; and which ones were chosen.
pub(super) fn configurations(reading: &mut Reading<'_>, notebook: &mut Value) -> Vec<String> {
    let pod_defaults = reading.context.pod_defaults;
    let (mut names, mut chosen) = (Vec::new(), Map::new());
    for (name, _) in reading.under("configurations:").filter(|(_, on)| is_on(on)) {
        match pod_defaults.iter().find(|it| text(it, "/metadata/name") == name) {
            Some(found) => {
                names.push(name.to_owned());
                chosen.extend(matched(found));
            }
            // What the admin chose at first need not be everywhere.
            None if reading.context.choices.configurations.value.iter().any(|at_first| at_first == name) => {}
            None => {
                let shown: String = name.chars().take(60).collect();
                reading.wrong("configurations", format!("there is no configuration {shown:?} in this namespace"));
            }
        }
    }
    let all: Vec<Map<String, Value>> = pod_defaults.iter().map(matched).collect();
    if let Some(own) = notebook["metadata"]["labels"].as_object_mut() {
        own.retain(|key, value| !all.iter().any(|labels| labels.get(key) == Some(value)));
        own.extend(chosen);
    }
    names
}

/// The labels of the pods that a `PodDefault` is for.
pub(super) fn matched(pod_default: &Value) -> Map<String, Value> {
    pod_default["spec"]["selector"]["matchLabels"].as_object().cloned().unwrap_or_default()
}

/// Who made it, and whether it is theirs alone.
pub(super) fn whose(reading: &mut Reading<'_>, notebook: &mut Value) {
    if let Some(user) = reading.context.user {
        notebook["metadata"]["annotations"][NOTEBOOK_CREATOR] = user.into();
    }
    if reading.is_on("private") {
        if reading.context.user.is_none() {
            reading.wrong("private", "the server does not say who you are, so it can’t be yours alone");
        }
        notebook["metadata"]["annotations"][PRIVATE] = "true".into();
    }
}

pub(super) fn merge(pod: &mut Value, part: &str, more: Map<String, Value>) {
    if more.is_empty() {
        return;
    }
    match pod[part].as_object_mut() {
        Some(there) => there.extend(more),
        None => pod[part] = Value::Object(more),
    }
}
