//! From templates to objects: minijinja, strict, the only door to it for manifests. No I/O; the same input gives the same bytes.
//!
//! Values are quoted as JSON, which is YAML: a template writes `{{ params.maxCpu }}` with no quotes of its own, and joins text
//! inside the braces (`{{ "kfctl-" ~ app }}`).

use std::collections::BTreeMap;
use std::path::Path;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;
use serde_json::Value;

use crate::catalog::{Component, Entry, Parameter, Platform, StandsAside, Template};
use crate::error::{Error, Result};
use crate::object::{self, Object, objects};
use crate::sources::Source;
use crate::yaml;

/// What templates can use.
#[derive(Debug, Clone, Serialize)]
pub struct Context {
    /// Name of the app.
    pub app: String,
    /// Name of the platform.
    pub platform: String,
    /// Namespace of Kubeflow's components.
    pub namespace: String,
    /// Version of kfctl.
    pub version: &'static str,
    /// The component's parameters.
    pub params: BTreeMap<String, Value>,
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| if name.ends_with(".yaml.j2") { AutoEscape::Json } else { AutoEscape::None });
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the default delimiters are sound"));
    environment
}

/// Renders one template to text.
pub fn text(template: &Template, context: &Context) -> Result<String> {
    render(&template.name, &template.source, context).map_err(|error| explain(&error, &template.path))
}

/// Renders one word, such as an argument of a command, with no quoting.
pub fn word(source: &str, context: &Context) -> Result<String> {
    render("word", source, context).map_err(|error| explain(&error, Path::new("platform.yaml")).field(source))
}

/// The objects of a template that is not a component's; `context` is what it can use.
pub fn manifests(name: &str, source: &str, context: &impl Serialize) -> Result<Vec<Object>> {
    let path = Path::new(name);
    let text = render(&format!("{name}.yaml.j2"), source, context).map_err(|error| explain(&error, path))?;
    objects(yaml::documents(&text, path)?, path)
}

fn render(name: &str, source: &str, context: &impl Serialize) -> Result<String, minijinja::Error> {
    let mut environment = environment();
    environment.add_template(name, source)?;
    environment.get_template(name)?.render(minijinja::value::Serde(context))
}

fn explain(error: &minijinja::Error, path: &Path) -> Error {
    let what = error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
    let problem = Error::input(what).in_file(path);
    match error.line() {
        Some(line) => problem.at(line, 1),
        None => problem,
    }
}

/// Whether an expression such as `params.install != "never"` holds.
fn holds(expression: &str, context: &Context) -> Result<bool> {
    let environment = environment();
    let value = environment.compile_expression(expression).and_then(|it| it.eval(minijinja::value::Serde(context)));
    value.map(|value| value.is_true()).map_err(|error| explain(&error, Path::new("component.yaml")).field(expression))
}

/// Whether a condition holds; none always does.
fn is_met(when: Option<&String>, context: &Context) -> Result<bool> {
    when.map_or(Ok(true), |when| holds(when, context))
}

/// What the parameters of a component lack on a platform: those that have to hold something and don't, and what is refused, there or
/// anywhere.
pub fn demands<'a>(
    component: &'a Component,
    platform: &'a Platform,
    context: &Context,
) -> Result<(Vec<&'a Parameter>, Vec<&'a str>)> {
    let mut missing = Vec::new();
    for parameter in &component.parameters {
        let empty = context.params.get(&parameter.name).is_none_or(|value| value == "");
        let here = platform.required.get(&component.name).is_some_and(|names| names.contains(&parameter.name));
        if empty && (here || parameter.required.as_ref().map_or(Ok(false), |when| holds(when, context))?) {
            missing.push(parameter);
        }
    }
    let mut refused = Vec::new();
    for refusal in platform.refused.get(&component.name).into_iter().flatten().chain(&component.refused) {
        if holds(&refusal.when, context)? {
            refused.push(refusal.because.as_str());
        }
    }
    Ok((missing, refused))
}

/// The sources that a component needs with these parameters.
pub fn sources<'a>(component: &'a Component, context: &Context) -> Result<Vec<&'a Source>> {
    let mut needed = Vec::new();
    for source in &component.sources {
        if is_met(source.when.as_ref(), context)? {
            needed.push(source);
        }
    }
    Ok(needed)
}

/// What a component leaves its place to with these parameters.
pub fn stands_aside<'a>(component: &'a Component, context: &Context) -> Result<Option<&'a StandsAside>> {
    let Some(rule) = &component.stands_aside else { return Ok(None) };
    Ok(is_met(rule.when.as_ref(), context)?.then_some(rule))
}

/// The items that a component wants in others' configurations with these parameters.
pub fn entries<'a>(component: &'a Component, context: &Context) -> Result<Vec<&'a Entry>> {
    let mut wanted = Vec::new();
    for entry in &component.entries {
        if is_met(entry.when.as_ref(), context)? {
            wanted.push(entry);
        }
    }
    Ok(wanted)
}

/// The objects of a built-in component on a platform; `texts` holds its sources by their sha256.
pub fn component(
    component: &Component,
    platform: &Platform,
    context: &Context,
    texts: &BTreeMap<String, String>,
) -> Result<Vec<Object>> {
    let mut found = Vec::new();
    for source in sources(component, context)? {
        let path = Path::new(&source.url);
        let text = texts.get(&source.sha256).map(String::as_str).unwrap_or_default();
        found.extend(object::parse(text, path)?);
    }
    for patch in &component.patches {
        merge_overlay(&mut found, yaml::documents(&text(patch, context)?, &patch.path)?, &patch.path)?;
    }
    let added = platform.templates.get(&component.name).map(Vec::as_slice).unwrap_or_default();
    for template in component.templates.iter().chain(added) {
        let rendered = text(template, context)?;
        found.extend(object::parse(&rendered, &template.path).map_err(|error| with_line(error, &rendered))?);
    }
    for (_, path, overlay) in platform.overlays.iter().filter(|(name, ..)| *name == component.name) {
        merge_overlay(&mut found, yaml::documents(overlay, path)?, path)?;
    }
    Ok(found)
}

/// The parser counts the lines of what a template renders to, which are not the template's: the line itself tells.
fn with_line(error: Error, rendered: &str) -> Error {
    let Some((line, _)) = error.position() else { return error };
    let text: String = rendered.lines().nth(line - 1).unwrap_or_default().chars().take(120).collect();
    error.detail(format!("line {line} of what the template renders to: {}", text.trim()))
}

/// Merges partial objects over objects of the same identity (JSON merge patch, RFC 7386: lists are replaced, null deletes).
/// An overlay that matches nothing is an error: it would be lost in silence.
pub fn merge_overlay(found: &mut [Object], overlays: Vec<Value>, path: &Path) -> Result<()> {
    for overlay in objects(overlays, path)? {
        let Some(target) = found.iter_mut().find(|object| object.id == overlay.id) else {
            let known: Vec<String> = found.iter().map(|object| object.id.to_string()).collect();
            return Err(Error::input(format!("matches no object: there is no {}", overlay.id))
                .in_file(path)
                .expected("apiVersion, kind, name and namespace of a rendered object")
                .did_you_mean(&overlay.id.to_string(), known.iter().map(String::as_str))
                .hint("the files in rendered/ show what there is"));
        };
        let mut content = (*target.content).clone();
        merge(&mut content, &overlay.content);
        *target = Object::new(content, target.file.clone())?;
    }
    Ok(())
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(fields) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn context() -> Context {
        Context {
            app: "a".into(),
            platform: "none".into(),
            namespace: "kubeflow".into(),
            version: "1",
            params: BTreeMap::from([("text".to_owned(), json!("no: \"quotes\"\n"))]),
        }
    }

    fn template(source: &str) -> Template {
        Template { name: "c/t.yaml.j2".into(), path: "templates/c/t.yaml.j2".into(), source: source.into() }
    }

    #[test]
    fn no_value_breaks_out_of_its_field() {
        let rendered = text(&template("a: {{ params.text }}\n"), &context()).unwrap();
        assert_eq!(yaml::documents(&rendered, Path::new("t")).unwrap(), [json!({"a": "no: \"quotes\"\n"})]);
    }

    #[test]
    fn an_unknown_variable_names_the_line() {
        let error = text(&template("a: 1\nb: {{ params.txt }}\n"), &context()).unwrap_err();
        assert!(error.to_string().starts_with("templates/c/t.yaml.j2:2:1: undefined value"), "{error}");
    }

    #[test]
    fn overlays_merge_and_must_match() {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "labels": {"a": "1", "b": "2"}}, "list": [1, 2]});
        let mut found = vec![Object::new(object, "f").unwrap()];
        let overlay = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "labels": {"a": null, "c": "3"}}, "list": [3]});
        merge_overlay(&mut found, vec![overlay], Path::new("o.yaml")).unwrap();
        assert_eq!(found[0].content["metadata"]["labels"], json!({"b": "2", "c": "3"}));
        assert_eq!(found[0].content["list"], json!([3]));
        let lost = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}});
        assert!(
            merge_overlay(&mut found, vec![lost], Path::new("o.yaml"))
                .unwrap_err()
                .to_string()
                .starts_with("o.yaml: matches no object")
        );
    }
}
