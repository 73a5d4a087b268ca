//! The admin's own manifests for every namespace: pull secrets, policies, defaults of pods. Pure.
//!
//! Each file of the `ConfigMap` is a template, strict as those of the components, with `profile`, `namespace` and `owner`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::desired::{Desired, Names};
use super::world::slot;
use crate::cluster::Resource;
use crate::object::Object;
use crate::render;

/// What a template can use.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Variables<'a> {
    profile: &'a str,
    namespace: &'a str,
    owner: &'a str,
}

/// Templates, and the kinds that they make.
#[derive(Debug, Clone, Default)]
pub(super) struct Templates {
    sources: BTreeMap<String, String>,
    kinds: Vec<Arc<Resource>>,
}

impl Templates {
    /// Puts them together; `kinds` are those that [`Templates::kinds`] named, as the cluster serves them.
    pub(super) fn new(sources: BTreeMap<String, String>, kinds: Vec<Arc<Resource>>) -> Self {
        Self { sources, kinds }
    }

    /// What the templates make for a profile that is nobody's: the kinds are learned from it.
    pub(super) fn sample(sources: &BTreeMap<String, String>) -> Result<Vec<Object>, String> {
        rendered(sources, &Variables { profile: "sample", namespace: "kubeflow-sample", owner: "sample@example.com" })
    }

    /// The objects for a profile, none of which may be one of `taken`.
    pub(super) fn objects(&self, names: &Names, owner: &str, taken: &[Desired]) -> Result<Vec<Desired>, String> {
        let variables = Variables { profile: &names.profile, namespace: &names.namespace, owner };
        let mut objects: Vec<Desired> = Vec::new();
        for object in rendered(&self.sources, &variables)? {
            let problem = |what: &str| Err(format!("{}: {} {what}", object.file.display(), object.id));
            let resource = self
                .kinds
                .iter()
                .find(|kind| (&kind.group, &kind.version, &kind.kind) == (&object.id.group, &object.version, &object.id.kind));
            let Some(resource) = resource else { return problem("is of a kind that the cluster does not serve") };
            if !resource.namespaced {
                return problem("is an object of the cluster; a template makes objects of the profile's namespace");
            }
            if !object.id.namespace.is_empty() && object.id.namespace != names.namespace {
                return problem("names another namespace; leave metadata.namespace out");
            }
            let place = slot(resource, &object.id.name);
            if taken.iter().chain(&objects).any(|other| slot(&other.resource, &other.name) == place) {
                return problem("is there already");
            }
            let mut content = Value::clone(&object.content);
            content["metadata"]["namespace"] = names.namespace.clone().into();
            for (label, value) in names.labels() {
                content["metadata"]["labels"][label] = value;
            }
            objects.push(Desired::new(resource, &object.id.name, content));
        }
        Ok(objects)
    }
}

fn rendered(sources: &BTreeMap<String, String>, variables: &Variables<'_>) -> Result<Vec<Object>, String> {
    let mut objects = Vec::new();
    for (file, source) in sources {
        objects.extend(render::manifests(file, source, variables).map_err(|error| error.to_string())?);
    }
    Ok(objects)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(source: &str) -> Result<Vec<Value>, String> {
        let kind =
            |kind: &str, plural: &str, namespaced| Arc::new(super::super::desired::resource("", "v1", kind, plural, namespaced));
        let kinds = vec![kind("ConfigMap", "configmaps", true), kind("Node", "nodes", false)];
        let templates = Templates::new(BTreeMap::from([("pull.yaml".to_owned(), source.to_owned())]), kinds);
        let names = Names { profile: "jane".into(), uid: "1".into(), namespace: "kubeflow-jane".into() };
        let objects = templates.objects(&names, "a: \"b\"\n", &[])?;
        Ok(objects.into_iter().map(|object| object.content).collect())
    }

    fn configmap(name: &str) -> String {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")
    }

    #[test]
    fn names_are_filled_in_and_break_out_of_nothing() {
        let made =
            objects(&(configmap("{{ profile ~ '-pull' }}") + "data: {owner: {{ owner }}, in: {{ namespace }}}\n")).unwrap();
        assert_eq!(made[0]["metadata"]["name"], "jane-pull");
        assert_eq!(made[0]["data"], serde_json::json!({"owner": "a: \"b\"\n", "in": "kubeflow-jane"}));
        assert_eq!(made[0]["metadata"]["namespace"], "kubeflow-jane");
        assert_eq!(made[0]["metadata"]["labels"]["kubeflow.org/profile"], "jane");
    }

    #[test]
    fn what_cannot_be_made_is_said_with_its_file() {
        for (source, expected) in [
            (configmap("{{ user }}"), "pull.yaml:3:1: undefined value"),
            (configmap("a") + "---\n" + &configmap("a"), "pull.yaml: ConfigMap a is there already"),
            ("apiVersion: v1\nkind: Node\nmetadata: {name: one}\n".into(), "pull.yaml: Node one is an object of the cluster"),
            (
                "apiVersion: v1\nkind: Thing\nmetadata: {name: one}\n".into(),
                "pull.yaml: Thing one is of a kind that the cluster does not serve",
            ),
            (
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, namespace: kube-system}\n".into(),
                "names another namespace",
            ),
            ("a: [".into(), "pull.yaml:"),
        ] {
            let problem = objects(&source).unwrap_err();
            assert!(problem.contains(expected), "{source}: {problem}");
        }
    }
}
