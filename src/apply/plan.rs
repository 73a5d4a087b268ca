//! Which objects belong together, and that each belongs to one component. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::cluster::{Discovery, Resource};
use crate::error::{Error, Result};
use crate::object::{self, Object, ObjectId};

use super::inventory;
use super::order::Order;
use super::rules::order;
use super::write::membership;

/// An object of the plan.
#[derive(Debug, Clone)]
pub struct Member {
    /// The object, as a member of its component's set.
    pub object: Object,
    /// The component that brings it.
    pub component: String,
    /// How the API serves its kind: from discovery, or from a definition in the plan itself.
    pub resource: Resource,
    /// Whether the server serves the kind already.
    pub served: bool,
}

/// What a run will do.
#[derive(Debug)]
pub struct Plan {
    /// The objects, in the order they were given.
    pub members: Vec<Member>,
    /// In which order they are written, and what is awaited in between.
    pub order: Order,
}

/// Makes the plan of an app. `components` are in dependency order; `namespace` is for namespaced objects that name none.
pub fn plan(app: &str, components: Vec<(String, Vec<Object>)>, discovery: &Discovery, namespace: &str) -> Result<Plan> {
    let resources = resources(&components, discovery)?;
    let mut resources = resources.into_iter();
    let mut members: Vec<Member> = Vec::new();
    for (component, objects) in components {
        let applyset = inventory::id(app, &component);
        for (mut object, (resource, served)) in objects.into_iter().zip(&mut resources) {
            // All there is of the content of many objects is held once.
            let mut content = Arc::unwrap_or_clone(object.content);
            in_namespace(&mut object.id, &mut content, &resource, namespace);
            membership(&mut content, &applyset);
            object.content = content.into();
            members.push(Member { object, component: component.clone(), resource, served });
        }
    }
    object::unique(members.iter().map(|member| (member.component.as_str(), &member.object)))?;
    let order = order(&members);
    Ok(Plan { members, order })
}

/// How the API serves the kind of each object, and whether it does already.
fn resources(components: &[(String, Vec<Object>)], discovery: &Discovery) -> Result<Vec<(Resource, bool)>> {
    let mut definitions: HashMap<(String, String), &Object> = HashMap::new();
    let objects = || components.iter().flat_map(|(_, objects)| objects);
    for object in objects() {
        if object.id.is("apiextensions.k8s.io", "CustomResourceDefinition")
            && let Some(resource) = Resource::from_definition(&object.content, None)
        {
            definitions.insert((resource.group, resource.kind), object);
        }
    }
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for object in objects() {
        let defined = || {
            let definition = definitions.get(&(object.id.group.clone(), object.id.kind.clone()))?;
            Resource::from_definition(&definition.content, Some(&object.version))
        };
        match discovery.resource(object).cloned() {
            Some(resource) => found.push((resource, true)),
            None => match defined() {
                Some(resource) => found.push((resource, false)),
                None => unknown.push(object),
            },
        }
    }
    if unknown.is_empty() { Ok(found) } else { Err(unknown_kinds(&unknown, discovery)) }
}

/// The identities of these objects, with the component of each. Objects of an unknown kind are taken both ways.
#[must_use]
pub fn identities(components: &[(String, Vec<Object>)], discovery: &Discovery, namespace: &str) -> HashMap<ObjectId, String> {
    let mut found = HashMap::new();
    for (component, objects) in components {
        for object in objects {
            let mut id = object.id.clone();
            let known = discovery.versions(&id.group, &id.kind).first();
            if known.is_none_or(|resource| !resource.namespaced) {
                found.insert(ObjectId { namespace: String::new(), ..id.clone() }, component.clone());
            }
            if known.is_none_or(|resource| resource.namespaced) {
                if id.namespace.is_empty() {
                    namespace.clone_into(&mut id.namespace);
                }
                found.insert(id, component.clone());
            }
        }
    }
    found
}

/// An object of the cluster has no namespace; one of a namespace has the given one where it names none.
fn in_namespace(id: &mut ObjectId, content: &mut Value, resource: &Resource, namespace: &str) {
    let wanted = match (resource.namespaced, id.namespace.is_empty()) {
        (true, true) => namespace,
        (false, false) => "",
        _ => return,
    };
    wanted.clone_into(&mut id.namespace);
    if let Some(metadata) = content.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("namespace");
        if !wanted.is_empty() {
            metadata.insert("namespace".to_owned(), wanted.into());
        }
    }
}

fn unknown_kinds(unknown: &[&Object], discovery: &Discovery) -> Error {
    let mut error = Error::input("the cluster has no such kind, and no definition of it is being installed");
    for object in unknown.iter().take(10) {
        let served: Vec<&str> =
            discovery.versions(&object.id.group, &object.id.kind).iter().map(|resource| resource.version.as_str()).collect();
        let other = if served.is_empty() { String::new() } else { format!(" (the cluster serves {})", served.join(", ")) };
        error = error.detail(format!("{} {}: {}{other}", object.api_version(), object.id, object.file.display()));
    }
    if unknown.len() > 10 {
        error = error.detail(format!("and {} more", unknown.len() - 10));
    }
    if !discovery.stale.is_empty() {
        error = error.detail(format!("API groups that don't answer now: {}", discovery.stale.join(", ")));
    }
    error.hint("enable or add the component that brings the definition (`kfctl component list` shows which run), or correct apiVersion and kind")
}
