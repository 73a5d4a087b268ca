//! What admission webhooks ask of the order: a webhook comes with its workload, and before the objects it guards it has to answer.
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::order::{Gate, Order, Task, TaskId};
use super::plan::Member;
use super::rules::pod_template;
use crate::labels::NAMESPACE_NAME;
use crate::object::{ObjectId, list};

fn is_webhook(id: &ObjectId) -> bool {
    id.group == "admissionregistration.k8s.io" && id.kind.ends_with("WebhookConfiguration")
}

/// The services (namespace, name) that a webhook configuration, an `APIService` or a definition with a converter sends to.
pub(super) fn backends(content: &Value) -> BTreeSet<(String, String)> {
    let webhooks = list(content, "/webhooks");
    let of_webhooks = webhooks.iter().filter_map(|webhook| webhook.pointer("/clientConfig/service"));
    of_webhooks
        .chain(content.pointer("/spec/service"))
        .chain(content.pointer("/spec/conversion/webhook/clientConfig/service"))
        .filter_map(|service| Some((service.get("namespace")?.as_str()?.to_owned(), service.get("name")?.as_str()?.to_owned())))
        .collect()
}

/// The plan's workloads behind these services, by the services' selectors.
pub(super) fn workloads_behind(services: &BTreeSet<(String, String)>, members: &[Member]) -> Vec<usize> {
    let selectors: Vec<(&str, &serde_json::Map<String, Value>)> = members
        .iter()
        .filter(|member| member.object.id.is("", "Service"))
        .filter(|member| services.contains(&(member.object.id.namespace.clone(), member.object.id.name.clone())))
        .filter_map(|member| {
            let selector = member.object.content.pointer("/spec/selector")?.as_object()?;
            (!selector.is_empty()).then_some((member.object.id.namespace.as_str(), selector))
        })
        .collect();
    let behind = |member: &Member| {
        let Some(labels) = pod_template(member).and_then(|template| template.pointer("/metadata/labels")) else { return false };
        selectors.iter().any(|(namespace, selector)| {
            member.object.id.namespace == *namespace && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
        })
    };
    members.iter().enumerate().filter(|(_, member)| behind(member)).map(|(index, _)| index).collect()
}

/// Whether a webhook's rules name this group and resource.
fn catches(webhook: &Value, group: &str, plural: &str) -> bool {
    let rules = list(webhook, "/rules");
    let names = |rule: &Value, field: &str, wanted: &str| {
        rule.get(field)
            .and_then(Value::as_array)
            .is_some_and(|list| list.iter().filter_map(Value::as_str).any(|name| name == "*" || name == "*/*" || name == wanted))
    };
    let creates_or_updates = |rule: &Value| ["CREATE", "UPDATE"].iter().any(|operation| names(rule, "operations", operation));
    rules.iter().any(|rule| names(rule, "apiGroups", group) && names(rule, "resources", plural) && creates_or_updates(rule))
}

/// Whether a label selector selects these labels. What is written against the specification selects nothing.
pub(super) fn selects(selector: &Value, labels: &Map<String, Value>) -> bool {
    let has = |key: &Value, value: &Value| key.as_str().and_then(|key| labels.get(key)) == Some(value);
    let exact = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    let expressions = list(selector, "/matchExpressions");
    exact.into_iter().all(|(key, value)| labels.get(key) == Some(value))
        && expressions.iter().all(|expression| {
            let key = &expression["key"];
            let one_of = || list(expression, "/values").iter().any(|value| has(key, value));
            let exists = key.as_str().is_some_and(|key| labels.contains_key(key));
            match expression["operator"].as_str() {
                Some("In") => one_of(),
                Some("NotIn") => !one_of(),
                Some("Exists") => exists,
                Some("DoesNotExist") => !exists,
                _ => false,
            }
        })
}

fn labels(metadata_holder: &Value) -> Map<String, Value> {
    metadata_holder.pointer("/metadata/labels").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Labels of the plan's namespaces, by name.
type Namespaces = BTreeMap<String, Map<String, Value>>;

fn namespaces(members: &[Member]) -> Namespaces {
    let namespaces = members.iter().map(|member| &member.object).filter(|object| object.id.is("", "Namespace"));
    namespaces
        .map(|object| {
            let mut labels = labels(&object.content);
            labels.insert(NAMESPACE_NAME.into(), object.id.name.clone().into());
            (object.id.name.clone(), labels)
        })
        .collect()
}

/// Whether a write of this member, or of its pods, would go through one of the webhooks. A namespace that the plan does not bring
/// may have any labels.
fn catches_member(configuration: &Value, member: &Member, namespaces: &Namespaces) -> bool {
    let chosen = |webhook: &Value, field: &str, labels: &Map<String, Value>| {
        webhook.get(field).is_none_or(|selector| selects(selector, labels))
    };
    let namespace = namespaces.get(&member.object.id.namespace);
    list(configuration, "/webhooks").iter().any(|webhook| {
        let object = catches(webhook, &member.resource.group, &member.resource.plural)
            && chosen(webhook, "objectSelector", &labels(&member.object.content));
        let pods = pod_template(member)
            .is_some_and(|template| catches(webhook, "", "pods") && chosen(webhook, "objectSelector", &labels(template)));
        (object || pods) && namespace.is_none_or(|labels| chosen(webhook, "namespaceSelector", labels))
    })
}

pub(super) fn after_webhooks(order: &mut Order, members: &[Member]) {
    let namespaces = namespaces(members);
    for (index, member) in members.iter().enumerate().filter(|(_, member)| is_webhook(&member.object.id)) {
        let behind = workloads_behind(&backends(&member.object.content), members);
        for workload in &behind {
            // One that would catch its own backend's pods must not be there before they run.
            let before = if catches_member(&member.object.content, &members[*workload], &namespaces) {
                order.add(Task::Gate(Gate::Ready(members[*workload].object.id.clone())), BTreeSet::from([*workload]))
            } else {
                *workload
            };
            order.after[index].insert(before);
        }
        let needed = needed_by(order, &behind);
        let guarded: Vec<TaskId> = members
            .iter()
            .enumerate()
            .filter(|(other, guarded)| {
                *other != index
                    && !needed.contains(other)
                    && !is_webhook(&guarded.object.id)
                    && catches_member(&member.object.content, guarded, &namespaces)
            })
            .map(|(other, _)| other)
            .collect();
        if !guarded.is_empty() {
            let gate = order.add(Task::Gate(Gate::WebhookAnswers(member.object.id.clone())), BTreeSet::from([index]));
            for object in guarded {
                order.after[object].insert(gate);
            }
        }
    }
}

/// These tasks and all that they come after.
pub(super) fn needed_by(order: &Order, tasks: &[TaskId]) -> BTreeSet<TaskId> {
    let mut needed = BTreeSet::new();
    let mut open: Vec<TaskId> = tasks.to_vec();
    while let Some(task) = open.pop() {
        if needed.insert(task) {
            open.extend(&order.after[task]);
        }
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_select_by_the_specification() {
        let labels = json!({"app": "web", "tier": "front"});
        let labels = labels.as_object().unwrap();
        let cases = [
            (json!({}), true),
            (json!({"matchLabels": {"app": "web"}}), true),
            (json!({"matchLabels": {"app": "web", "gone": "x"}}), false),
            (json!({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["back", "front"]}]}), true),
            (json!({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["front"]}]}), false),
            (json!({"matchExpressions": [{"key": "gone", "operator": "NotIn", "values": ["x"]}]}), true),
            (json!({"matchExpressions": [{"key": "app", "operator": "Exists"}]}), true),
            (json!({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}), false),
            (json!({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "gone", "operator": "Exists"}]}), false),
        ];
        for (selector, expected) in cases {
            assert_eq!(selects(&selector, labels), expected, "{selector}");
        }
    }
}
