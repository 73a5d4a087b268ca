//! What comes after what. Pure.
//!
//! | comes first | comes after |
//! | --- | --- |
//! | a Namespace | what is in it |
//! | a CustomResourceDefinition, served | its objects |
//! | rights, configuration, services | workloads of the same namespace |
//! | a workload | its autoscaler |
//! | a workload, ready | its APIService; its webhook, where that would catch the workload's own pods |
//! | a webhook, answering | the objects it guards, but for what its own backend needs |
//! | an APIService, available | the objects it serves |
//! | what converts between the versions of a definition, ready | its objects |
//! | policies, and the workloads of a component, ready | the component's way in from outside |

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::order::{Gate, Order, Task, TaskId};
use super::plan::Member;
use super::webhooks::{after_webhooks, backends, needed_by, workloads_behind};
use crate::object::{ObjectId, list};

const CONFIGURATION: &[(&str, &str)] = &[
    ("", "ServiceAccount"),
    ("", "ConfigMap"),
    ("", "Secret"),
    ("", "Service"),
    ("", "PersistentVolume"),
    ("", "PersistentVolumeClaim"),
    ("", "ResourceQuota"),
    ("", "LimitRange"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("scheduling.k8s.io", "PriorityClass"),
    ("storage.k8s.io", "StorageClass"),
];

/// Kinds whose objects make pods, with the place of the pod's template.
const WORKLOADS: &[(&str, &str, &str)] = &[
    ("apps", "Deployment", "/spec/template"),
    ("apps", "StatefulSet", "/spec/template"),
    ("apps", "DaemonSet", "/spec/template"),
    ("apps", "ReplicaSet", "/spec/template"),
    ("batch", "Job", "/spec/template"),
    ("batch", "CronJob", "/spec/jobTemplate/spec/template"),
    ("", "Pod", ""),
];

/// Whether objects of this kind make pods.
pub(super) fn is_workload(id: &ObjectId) -> bool {
    WORKLOADS.iter().any(|(group, kind, _)| id.is(group, kind))
}

pub(super) fn pod_template(member: &Member) -> Option<&Value> {
    template(&member.object.id, &member.object.content)
}

/// The template of an object's pods, where it makes any.
pub(super) fn template<'a>(id: &ObjectId, content: &'a Value) -> Option<&'a Value> {
    let (.., pointer) = WORKLOADS.iter().find(|(group, kind, _)| id.is(group, kind))?;
    content.pointer(pointer)
}

fn is_definition(id: &ObjectId) -> bool {
    id.is("apiextensions.k8s.io", "CustomResourceDefinition")
}

fn is_api_service(id: &ObjectId) -> bool {
    id.is("apiregistration.k8s.io", "APIService")
}

/// The group/version/plural names that a definition serves.
fn served_by(definition: &Value) -> Vec<(String, String, String)> {
    let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let versions = list(definition, "/spec/versions");
    versions
        .iter()
        .filter(|version| version.get("served").and_then(Value::as_bool).unwrap_or(false))
        .filter_map(|version| Some((text("/spec/group"), version.get("name")?.as_str()?.to_owned(), text("/spec/names/plural"))))
        .collect()
}

/// Makes the order.
pub(super) fn order(members: &[Member]) -> Order {
    let mut order = Order::default();
    // Task ids of writes are member indices; gates follow.
    for index in 0..members.len() {
        order.add(Task::Write(index), BTreeSet::new());
    }
    after_namespaces(&mut order, members);
    after_definitions(&mut order, members);
    workloads_after_configuration(&mut order, members);
    autoscalers_after_workloads(&mut order, members);
    after_api_services(&mut order, members);
    after_webhooks(&mut order, members);
    after_converters(&mut order, members);
    doors_last(&mut order, members);
    order.break_cycles();
    order
}

fn after_namespaces(order: &mut Order, members: &[Member]) {
    let namespaces: HashMap<&str, TaskId> = members
        .iter()
        .enumerate()
        .filter(|(_, member)| member.object.id.is("", "Namespace"))
        .map(|(index, member)| (member.object.id.name.as_str(), index))
        .collect();
    for (index, member) in members.iter().enumerate() {
        order.after[index].extend(namespaces.get(member.object.id.namespace.as_str()));
    }
}

fn after_definitions(order: &mut Order, members: &[Member]) {
    for (index, member) in members.iter().enumerate().filter(|(_, member)| is_definition(&member.object.id)) {
        let served = served_by(&member.object.content);
        let objects: Vec<TaskId> = members
            .iter()
            .enumerate()
            .filter(|(_, other)| {
                served.iter().any(|(group, _, plural)| *group == other.resource.group && *plural == other.resource.plural)
            })
            .map(|(other, _)| other)
            .collect();
        if !objects.is_empty() {
            let gate = order.add(Task::Gate(Gate::Served(member.object.id.clone(), served)), BTreeSet::from([index]));
            for object in objects {
                order.after[object].insert(gate);
            }
        }
    }
}

fn workloads_after_configuration(order: &mut Order, members: &[Member]) {
    // Of a namespace, and of the cluster for each component.
    let mut configuration: HashMap<(&str, &str), BTreeSet<TaskId>> = HashMap::new();
    for (index, member) in members.iter().enumerate() {
        let id = &member.object.id;
        if CONFIGURATION.iter().any(|(group, kind)| id.is(group, kind)) {
            let component = if id.namespace.is_empty() { member.component.as_str() } else { "" };
            configuration.entry((&id.namespace, component)).or_default().insert(index);
        }
    }
    let mut joins: HashMap<(&str, &str), TaskId> = HashMap::new();
    for (index, member) in members.iter().enumerate().filter(|(_, member)| pod_template(member).is_some()) {
        for place in [(member.object.id.namespace.as_str(), ""), ("", member.component.as_str())] {
            let Some(before) = configuration.get(&place) else { continue };
            let join = *joins.entry(place).or_insert_with(|| order.add(Task::Join, before.clone()));
            order.after[index].insert(join);
        }
    }
}

/// An autoscaler that finds nothing to scale looks again only a while later, and is not ready until then.
fn autoscalers_after_workloads(order: &mut Order, members: &[Member]) {
    let is_autoscaler = |member: &Member| member.object.id.is("autoscaling", "HorizontalPodAutoscaler");
    for (index, member) in members.iter().enumerate().filter(|(_, member)| is_autoscaler(member)) {
        let target = &member.object.content["spec"]["scaleTargetRef"];
        let scaled = members.iter().position(|other| {
            let id = &other.object.id;
            id.namespace == member.object.id.namespace && target["kind"] == *id.kind && target["name"] == *id.name
        });
        order.after[index].extend(scaled);
    }
}

fn after_api_services(order: &mut Order, members: &[Member]) {
    for (index, member) in members.iter().enumerate().filter(|(_, member)| is_api_service(&member.object.id)) {
        let services = backends(&member.object.content);
        if services.is_empty() {
            continue;
        }
        for workload in workloads_behind(&services, members) {
            let gate = order.add(Task::Gate(Gate::Ready(members[workload].object.id.clone())), BTreeSet::from([workload]));
            order.after[index].insert(gate);
        }
        let group = member.object.content.pointer("/spec/group").and_then(Value::as_str).unwrap_or_default();
        let gate = order.add(Task::Gate(Gate::Available(member.object.id.clone())), BTreeSet::from([index]));
        for (other, _) in members.iter().enumerate().filter(|(_, other)| other.resource.group == group) {
            order.after[other].insert(gate);
        }
    }
}

/// The way in from outside opens once what guards it stands: all policies, and what the component runs itself.
fn doors_last(order: &mut Order, members: &[Member]) {
    let policies: BTreeSet<TaskId> =
        members.iter().enumerate().filter(|(_, member)| is_guard(&member.object.id)).map(|(index, _)| index).collect();
    let mut guards: HashMap<&str, TaskId> = HashMap::new();
    for (door, member) in members.iter().enumerate().filter(|(_, member)| is_door(&member.object.id)) {
        let component = member.component.as_str();
        let guard = *guards.entry(component).or_insert_with(|| {
            let own = |(_, other): &(usize, &Member)| other.component == component && is_workload(&other.object.id);
            let mut before = policies.clone();
            for (workload, other) in members.iter().enumerate().filter(own) {
                before.insert(order.add(Task::Gate(Gate::Ready(other.object.id.clone())), BTreeSet::from([workload])));
            }
            order.add(Task::Join, before)
        });
        order.after[door].insert(guard);
    }
}

/// Whether objects of this kind decide what of that traffic goes on, and what of it is taken off.
fn is_guard(id: &ObjectId) -> bool {
    id.group == "security.istio.io" || id.is("networking.istio.io", "EnvoyFilter")
}

/// Whether traffic from outside comes in by objects of this kind.
pub(super) fn is_door(id: &ObjectId) -> bool {
    id.is("gateway.networking.k8s.io", "Gateway")
        || id.is("networking.istio.io", "Gateway")
        || id.is("networking.k8s.io", "Ingress")
}

fn after_converters(order: &mut Order, members: &[Member]) {
    for (index, member) in members.iter().enumerate().filter(|(_, member)| is_definition(&member.object.id)) {
        let behind = workloads_behind(&backends(&member.object.content), members);
        let needed = needed_by(order, &behind);
        let gates: Vec<TaskId> = behind
            .into_iter()
            .map(|workload| {
                let ready = Gate::Ready(members[workload].object.id.clone());
                order.add(Task::Gate(ready), BTreeSet::from([workload, index]))
            })
            .collect();
        let group_kind = |pointer| member.object.content.pointer(pointer).and_then(Value::as_str);
        let (group, kind) = (group_kind("/spec/group"), group_kind("/spec/names/kind"));
        for (other, object) in members.iter().enumerate() {
            if Some(&*object.object.id.group) == group && Some(&*object.object.id.kind) == kind && !needed.contains(&other) {
                order.after[other].extend(&gates);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Discovery;
    use crate::object::Object;
    use serde_json::json;

    fn member(content: Value, plural: &str) -> Member {
        let object = Object::new(content, "t.yaml").unwrap();
        let resource = crate::cluster::Resource {
            group: object.id.group.clone(),
            version: object.version.clone(),
            kind: object.id.kind.clone(),
            plural: plural.to_owned(),
            namespaced: !object.id.namespace.is_empty(),
        };
        Member { object, component: "c".into(), resource, served: true }
    }

    fn sample() -> Vec<Member> {
        let deployment = |name: &str| {
            member(
                json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "n"},
                    "spec": {"template": {"metadata": {"labels": {"app": name}}}}}),
                "deployments",
            )
        };
        vec![
            member(json!({"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"name": "t", "namespace": "n"}}), "things"),
            member(
                json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "w"},
                    "webhooks": [{"clientConfig": {"service": {"namespace": "n", "name": "hook"}}, "rules": [
                        {"apiGroups": ["x.io"], "resources": ["things"], "operations": ["CREATE"]},
                        {"apiGroups": [""], "resources": ["pods"], "operations": ["*"]}]}]}),
                "validatingwebhookconfigurations",
            ),
            deployment("hook"),
            deployment("other"),
            member(
                json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "hook", "namespace": "n"}, "spec": {"selector": {"app": "hook"}}}),
                "services",
            ),
            member(
                json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "things.x.io"},
                    "spec": {"group": "x.io", "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing"},
                        "versions": [{"name": "v1", "served": true, "storage": true}]}}),
                "customresourcedefinitions",
            ),
            member(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}), "namespaces"),
        ]
    }

    fn all_before(order: &Order, task: TaskId) -> BTreeSet<TaskId> {
        let mut before = needed_by(order, &[task]);
        before.remove(&task);
        before
    }

    #[test]
    fn the_way_in_opens_once_its_guards_stand() {
        let object = |version: &str, kind: &str, plural: &str| {
            member(json!({"apiVersion": version, "kind": kind, "metadata": {"name": "a", "namespace": "n"}}), plural)
        };
        let mut policy_elsewhere = object("security.istio.io/v1", "AuthorizationPolicy", "authorizationpolicies");
        policy_elsewhere.component = "other".into();
        let members = [
            object("networking.istio.io/v1", "Gateway", "gateways"),
            policy_elsewhere,
            object("apps/v1", "Deployment", "deployments"),
            object("networking.k8s.io/v1", "Ingress", "ingresses"),
            object("networking.istio.io/v1alpha3", "EnvoyFilter", "envoyfilters"),
        ];
        let order = order(&members);
        for door in [0, 3] {
            let before = all_before(&order, door);
            assert!([1, 2, 4].iter().all(|guard| before.contains(guard)), "{before:?}");
            let ready = Gate::Ready(members[2].object.id.clone());
            assert!(before.iter().any(|task| matches!(&order.tasks[*task], Task::Gate(gate) if *gate == ready)), "{before:?}");
        }
    }

    #[test]
    fn an_autoscaler_comes_after_what_it_scales() {
        let scaler = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "s", "namespace": "n"},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "other"}}});
        let members = [vec![member(scaler, "horizontalpodautoscalers")], sample()].concat();
        let before = &order(&members).after[0];
        assert!(before.contains(&4) && !before.contains(&3), "{before:?}");
    }

    #[test]
    fn a_guarded_object_comes_after_all_that_lets_it_in() {
        let members = sample();
        let order = order(&members);
        let before = all_before(&order, 0);
        for needed in [1, 2, 4, 5, 6] {
            assert!(before.contains(&needed), "the thing should come after {}", members[needed].object.id);
        }
        let gates: BTreeSet<Gate> = before
            .iter()
            .filter_map(|task| match &order.tasks[*task] {
                Task::Gate(gate) => Some(gate.clone()),
                Task::Write(_) | Task::Join => None,
            })
            .collect();
        assert!(gates.contains(&Gate::WebhookAnswers(members[1].object.id.clone())));
        assert!(gates.iter().any(|gate| matches!(gate, Gate::Served(..))));
        // The webhook catches pods, its own backend's too: that has to be ready first.
        assert!(gates.contains(&Gate::Ready(members[2].object.id.clone())));
    }

    #[test]
    fn an_object_comes_after_what_converts_it() {
        let mut members = sample();
        let definition = members[5].object.content.as_ref().clone();
        let with = |service: &str| {
            let mut content = definition.clone();
            content["spec"]["conversion"] =
                json!({"strategy": "Webhook", "webhook": {"clientConfig": {"service": {"namespace": "n", "name": service}}}});
            member(content, "customresourcedefinitions")
        };
        let is_awaited = |members: &[Member]| {
            let order = order(members);
            let ready = |task: &TaskId| matches!(&order.tasks[*task], Task::Gate(Gate::Ready(id)) if id.name == "other");
            all_before(&order, 0).iter().any(ready)
        };
        members.push(member(
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "other", "namespace": "n"}, "spec": {"selector": {"app": "other"}}}),
            "services",
        ));
        assert!(!is_awaited(&members));
        members[5] = with("other");
        assert!(is_awaited(&members));
    }

    #[test]
    fn a_webhook_does_not_hold_up_its_own_backend_but_other_workloads() {
        let members = sample();
        let order = order(&members);
        assert!(!all_before(&order, 2).contains(&1));
        assert!(all_before(&order, 3).contains(&1));
    }

    #[test]
    fn every_task_is_reached_even_when_webhooks_guard_each_other() {
        let mut members = sample();
        members.push(member(
            json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration", "metadata": {"name": "w2"},
                "webhooks": [{"clientConfig": {"service": {"namespace": "n", "name": "hook2"}}, "rules": [
                    {"apiGroups": ["*"], "resources": ["*"], "operations": ["*"]}]}]}),
            "mutatingwebhookconfigurations",
        ));
        members.push(member(
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "hook2", "namespace": "n"}, "spec": {"selector": {"app": "other"}}}),
            "services",
        ));
        let order = order(&members);
        let reached: usize = order.levels().iter().map(Vec::len).sum();
        assert_eq!(reached, order.tasks.len());
        assert!(order.levels().iter().flatten().all(|task| order.after[*task].iter().all(|before| before != task)));
    }

    #[test]
    fn the_order_of_many_objects_stays_small() {
        let mut members = Vec::new();
        for n in 0..1000 {
            let metadata = json!({"name": format!("n{n}"), "namespace": "n"});
            members.push(member(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}), "configmaps"));
            members.push(member(
                json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": {}}}),
                "deployments",
            ));
        }
        let order = order(&members);
        let edges: usize = order.after.iter().map(BTreeSet::len).sum();
        assert!(edges <= 2 * members.len(), "{edges}");
        assert!(all_before(&order, 1).contains(&1998), "a workload comes after the last of the configuration");
    }

    #[test]
    fn one_object_in_two_components_names_both() {
        let object =
            |file: &str| Object::new(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}), file).unwrap();
        let mut discovery = Discovery::default();
        discovery.insert(crate::cluster::Resource {
            group: String::new(),
            version: "v1".into(),
            kind: "Namespace".into(),
            plural: "namespaces".into(),
            namespaced: false,
        });
        let components = [("a".to_owned(), vec![object("a.yaml")]), ("b".to_owned(), vec![object("b.yaml")])];
        let error = super::super::plan("app", components.to_vec(), &discovery, "kubeflow").unwrap_err().to_string();
        assert!(error.starts_with("components a and b both bring Namespace n"), "{error}");
    }
}
