//! The big input, in the shapes that the measurements need.

use std::collections::BTreeSet;
use std::path::Path;

use kfctl::yaml;
use serde_json::Value;

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn is_definition(object: &Value) -> bool {
    text(object, "/kind") == "CustomResourceDefinition"
}

fn group(object: &Value) -> &str {
    text(object, "/apiVersion").split_once('/').map_or("", |(group, _)| group)
}

fn written<'a>(objects: impl IntoIterator<Item = &'a Value>) -> String {
    objects.into_iter().map(yaml::to_string).collect::<Vec<_>>().join("---\n")
}

/// So many copies of all objects, and how many objects that is. Each copy has namespaces, names and API groups of its own.
pub(crate) fn multiplied(manifests: &str, copies: usize) -> (String, usize) {
    let objects = yaml::documents(manifests, Path::new("big input")).expect("YAML");
    if copies == 1 {
        return (manifests.to_owned(), objects.len());
    }
    let groups: BTreeSet<&str> =
        objects.iter().filter(|object| is_definition(object)).map(|object| text(object, "/spec/group")).collect();
    let namespaces: BTreeSet<&str> = objects
        .iter()
        .filter(|object| text(object, "/kind") == "Namespace")
        .map(|object| text(object, "/metadata/name"))
        .collect();
    let mut all = objects.clone();
    for number in 2..=copies {
        for object in objects.iter().filter(|object| text(object, "/kind") != "APIService") {
            let mut copy = object.clone();
            if is_definition(object) {
                let group = format!("c{number}.{}", text(object, "/spec/group"));
                copy["metadata"]["name"] = format!("{}.{group}", text(object, "/spec/names/plural")).into();
                copy["spec"]["group"] = group.into();
            } else {
                copy["metadata"]["name"] = format!("{}-c{number}", text(object, "/metadata/name")).into();
            }
            if groups.contains(group(object)) {
                copy["apiVersion"] = format!("c{number}.{}", text(object, "/apiVersion")).into();
            }
            let namespace = text(object, "/metadata/namespace");
            if namespaces.contains(namespace) {
                copy["metadata"]["namespace"] = format!("{namespace}-c{number}").into();
            }
            all.push(copy);
        }
    }
    (written(&all), all.len())
}

/// The definitions apart from the rest, which is escaped as a chart's template.
pub(crate) fn for_helm(manifests: &str) -> (String, String) {
    let objects = yaml::documents(manifests, Path::new("big input")).expect("YAML");
    let (definitions, rest): (Vec<&Value>, Vec<&Value>) = objects.iter().partition(|object| is_definition(object));
    (written(definitions), written(rest).replace("{{", "{{ \"{{\" }}"))
}
