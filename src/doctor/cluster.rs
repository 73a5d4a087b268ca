//! Checks of the cluster itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::facts::{Fact, Facts, Service, backend, converter};
use super::{Finding, Level};
use crate::apply::{image_version, is_default_class, is_older};
use crate::catalog::quantity_value;
use crate::cluster::{NEWEST, OLDEST, Version};
use crate::labels::DEFAULT_STORAGE_CLASS;
use crate::object::list;

/// Seconds that clocks may differ before it is worth a word, and before tokens and certificates are refused.
const SKEW: (i64, i64) = (10, 300);

/// The oldest Istio that component istio leaves its place to.
const OLDEST_ISTIO: &str = "1.24";

/// What an accelerator is called among a node's resources.
const ACCELERATORS: [&str; 7] = [
    "nvidia.com/gpu",
    "nvidia.com/mig-",
    "amd.com/gpu",
    "habana.ai/gaudi",
    "gpu.intel.com/",
    "google.com/tpu",
    "aws.amazon.com/neuron",
];

pub(super) fn version(version: Fact<&Version>) -> Finding {
    let check = "version";
    let version = match version {
        Ok(version) => version,
        Err(why) => return Finding::unknown(check, &why),
    };
    let shown = |(major, minor): (u32, u32)| format!("{major}.{minor}");
    let range = format!("{} to {}", shown(OLDEST), shown(NEWEST));
    match version.minor {
        None => Finding::warn(
            check,
            format!("the server names no version that kfctl understands: {version}"),
            format!("kfctl is tested with Kubernetes {range}"),
        ),
        Some(minor) if minor < OLDEST => Finding::fail(
            check,
            format!("the server is Kubernetes {version}, and kfctl needs {} or newer", shown(OLDEST)),
            "upgrade the cluster, or choose another with --context",
        ),
        Some(minor) if minor > NEWEST => Finding::warn(
            check,
            format!("the server is Kubernetes {version}, newer than what this kfctl is tested with ({range})"),
            "a newer kfctl may know it",
        ),
        Some(_) => Finding::ok(check, format!("Kubernetes {version}")),
    }
}

pub(super) fn clock(facts: &Facts) -> Finding {
    match &facts.clock {
        Ok((server, ours)) => skew(*server, *ours),
        Err(why) => Finding::unknown("clock", why),
    }
}

/// The server's time is cut to whole seconds, and was taken somewhere between our two.
fn skew(server: Timestamp, [before, after]: [Timestamp; 2]) -> Finding {
    let server = server.as_second();
    let (behind, ahead) = (before.as_second() - server, server - after.as_second());
    let (seconds, how) = if behind > ahead { (behind, "behind") } else { (ahead, "ahead of") };
    let found = format!("the server's clock is {seconds} s {how} this machine's");
    let to_do = "set both by NTP: tokens and certificates are valid by the clock";
    match seconds {
        seconds if seconds >= SKEW.1 => Finding::fail("clock", found, to_do),
        seconds if seconds >= SKEW.0 => Finding::warn("clock", found, to_do),
        _ => Finding::ok("clock", "the server's clock is this machine's"),
    }
}

/// Groups whose own server does not answer: kinds of theirs are unknown, and no namespace can be deleted meanwhile.
pub(super) fn api_groups(facts: &Facts) -> Vec<Finding> {
    let check = "api-groups";
    let mut silent: BTreeMap<String, String> = BTreeMap::new();
    let text = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    match (&facts.discovery, &facts.api_services) {
        (Err(why), Err(_)) => return vec![Finding::unknown(check, why)],
        (discovery, services) => {
            for group in discovery.iter().flat_map(|discovery| &discovery.stale) {
                silent.insert(group.clone(), "it does not answer".to_owned());
            }
            for service in services.iter().flatten().filter(|service| service.pointer("/spec/service").is_some()) {
                let conditions = list(service, "/status/conditions");
                let available = conditions.iter().find(|condition| text(condition, "/type") == "Available");
                if available.is_none_or(|condition| text(condition, "/status") != "True") {
                    let name = format!("{}/{}", text(service, "/spec/group"), text(service, "/spec/version"));
                    let why = available.map(|condition| text(condition, "/message")).unwrap_or_default();
                    silent.insert(name, why);
                }
            }
        }
    }
    if silent.is_empty() {
        return vec![Finding::ok(check, "every API group answers")];
    }
    let to_do = |name: &str| {
        let (group, version) = name.split_once('/').unwrap_or((name, ""));
        format!(
            "look at what serves it: `kubectl describe apiservice {version}.{group}`; until it answers, no namespace can be deleted"
        )
    };
    silent
        .into_iter()
        .map(|(name, why)| Finding::warn(check, format!("API group {name} is not available: {why}"), to_do(&name)))
        .collect()
}

/// Webhooks with nothing behind them. Those that fail closed stop every write that they watch.
pub(super) fn webhooks(facts: &Facts) -> Vec<Finding> {
    let check = "webhooks";
    let configurations = match &facts.webhooks {
        Ok(configurations) => configurations,
        Err(why) => return vec![Finding::unknown(check, why)],
    };
    let text = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut findings = Vec::new();
    for configuration in configurations {
        let mut dead: BTreeMap<(String, String), (&str, bool, Vec<String>)> = BTreeMap::new();
        for webhook in list(configuration, "/webhooks") {
            let Some(service) = backend(webhook) else { continue };
            let Some(what) = trouble(facts, &service) else { continue };
            let closed = webhook.get("failurePolicy").and_then(Value::as_str) != Some("Ignore");
            let entry = dead.entry(service).or_insert((what, false, Vec::new()));
            entry.1 |= closed;
            entry.2.push(text(webhook, "/name"));
        }
        let name = text(configuration, "/metadata/name");
        for ((namespace, service), (what, closed, webhooks)) in dead {
            let effect = if closed { "every write that it watches is refused" } else { "it is skipped" };
            findings.push(Finding {
                check,
                level: if closed { Level::Fail } else { Level::Warn },
                found: format!(
                    "service {namespace}/{service} {what}, and webhook configuration {name} ({}) calls it: {effect}",
                    webhooks.join(", ")
                ),
                to_do: Some(format!("{}; if its program is gone for good, the configuration should go too", look_at(&namespace))),
            });
        }
    }
    if findings.is_empty() {
        findings
            .push(Finding::ok(check, format!("{} webhook configurations, each with something behind it", configurations.len())));
    }
    findings
}

/// Definitions whose objects nothing converts.
pub(super) fn converters(facts: &Facts) -> Vec<Finding> {
    let check = "converters";
    let definitions = match &facts.converted {
        Ok(definitions) => definitions,
        Err(why) => return vec![Finding::unknown(check, why)],
    };
    let dead = definitions.iter().filter_map(|definition| {
        let service = converter(definition)?;
        let what = trouble(facts, &service)?;
        let name = definition.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let (namespace, service) = service;
        let found = format!(
            "service {namespace}/{service} {what}, and converts the objects of {name}: one that is stored in another version than asked for can't be read, and its namespace can't go"
        );
        Some(Finding::fail(check, found, format!("{}; what converts has to run as long as there are such objects", look_at(&namespace))))
    });
    let dead: Vec<Finding> = dead.collect();
    if dead.is_empty() {
        let found = format!("{} definitions have their objects converted, each by something that runs", definitions.len());
        return vec![Finding::ok(check, found)];
    }
    dead
}

/// What is wrong with a service that the API server calls.
fn trouble(facts: &Facts, service: &(String, String)) -> Option<&'static str> {
    facts.services.get(service).copied().and_then(Service::trouble)
}

fn look_at(namespace: &str) -> String {
    format!("look at its pods: `kubectl -n {namespace} get pods,endpointslices`")
}

pub(super) fn storage(classes: &Fact<Vec<Value>>) -> Finding {
    let check = "storage";
    let classes = match classes {
        Ok(classes) => classes,
        Err(why) => return Finding::unknown(check, why),
    };
    let name = |class: &Value| class.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let defaults: Vec<String> = classes.iter().filter(|class| is_default_class(class)).map(name).collect();
    let mark =
        |class: &str, value: bool| format!("`kubectl annotate --overwrite storageclass {class} {DEFAULT_STORAGE_CLASS}={value}`");
    match (defaults.as_slice(), classes.first()) {
        ([one], _) => Finding::ok(check, format!("volumes come from StorageClass {one} by default")),
        ([], None) => Finding::warn(
            check,
            "there is no StorageClass: volumes of notebooks would stay pending",
            "install a storage provisioner, and mark its class as the default",
        ),
        ([], Some(class)) => Finding::warn(
            check,
            "no StorageClass is the default: volumes that name none, as those of notebooks, stay pending",
            format!("mark one: {}", mark(&name(class), true)),
        ),
        ([first, ..], _) => Finding::warn(
            check,
            format!("{} StorageClasses are the default: {}; the newest is taken", defaults.len(), defaults.join(", ")),
            format!("leave one: {}", mark(first, false)),
        ),
    }
}

pub(super) fn nodes(nodes: &Fact<Vec<Value>>) -> Finding {
    let check = "nodes";
    let nodes = match nodes {
        Ok(nodes) => nodes,
        Err(why) => return Finding::unknown(check, why),
    };
    let is_ready = |node: &&Value| {
        let ready = |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
        list(node, "/status/conditions").iter().any(ready)
            && node.pointer("/spec/unschedulable").and_then(Value::as_bool) != Some(true)
    };
    let ready: Vec<&Value> = nodes.iter().filter(is_ready).collect();
    let sum = |resource: &str| -> f64 {
        let amounts =
            ready.iter().filter_map(|node| node.pointer("/status/allocatable")?.get(resource)?.as_str().and_then(quantity_value));
        amounts.sum()
    };
    let mut accelerators: Vec<String> = ready
        .iter()
        .filter_map(|node| node.pointer("/status/allocatable")?.as_object())
        .flat_map(|resources| resources.keys())
        .filter(|name| ACCELERATORS.iter().any(|known| name.starts_with(known)))
        .cloned()
        .collect();
    accelerators.sort();
    accelerators.dedup();
    let gpus: Vec<String> =
        accelerators.iter().map(|name| format!("{} {name}", sum(name))).filter(|shown| !shown.starts_with("0 ")).collect();
    let found = format!(
        "{} of {} nodes take pods: {} CPU, {:.0} GiB of memory, {}",
        ready.len(),
        nodes.len(),
        sum("cpu"),
        sum("memory") / 1024_f64.powi(3),
        if gpus.is_empty() { "no GPU".to_owned() } else { gpus.join(", ") }
    );
    match (ready.len(), nodes.len()) {
        (0, _) => Finding::fail(check, found, "nothing can run: `kubectl get nodes` says why, or add nodes"),
        (ready, all) if ready < all => {
            Finding::warn(check, found, "`kubectl get nodes` names those that are not ready or cordoned")
        }
        _ => Finding::ok(check, found),
    }
}

pub(super) fn istio(facts: &Facts) -> Vec<Finding> {
    let check = "istio";
    let istiods = match &facts.istiods {
        Ok(istiods) => istiods,
        Err(why) => return vec![Finding::unknown(check, why)],
    };
    let policy = facts.discovery.iter().flat_map(|discovery| discovery.versions("security.istio.io", "AuthorizationPolicy"));
    let served: Vec<&str> = policy.map(|resource| resource.version.as_str()).collect();
    if istiods.is_empty() {
        return vec![if served.is_empty() {
            Finding::ok(check, "there is no Istio here: profiles get no mesh policies until there is one")
        } else {
            Finding::warn(
                check,
                "Istio's definitions are here, and no istiod runs: mesh policies have no effect",
                "start istiod, or install Istio again",
            )
        }];
    }
    let mut findings: Vec<Finding> = istiods.iter().map(|istiod| control_plane(istiod, &served, facts.mesh.is_some())).collect();
    if facts.istio_cni == Ok(false) {
        findings.push(Finding::warn(
            check,
            "Istio's CNI does not run: its init containers need rights that pod security baseline, which profile namespaces enforce, refuses",
            "install Istio with its CNI (`components.cni.enabled=true`)",
        ));
    }
    findings
}

/// `is_used` says whether the login of Kubeflow hangs on it.
fn control_plane(istiod: &Value, served: &[&str], is_used: bool) -> Finding {
    let text = |pointer: &str| istiod.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let count = |pointer: &str| istiod.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
    let version = image_version(istiod).unwrap_or("of unknown version");
    let place = format!("{}/{}", text("/metadata/namespace"), text("/metadata/name"));
    let found = format!("Istio {version} ({place})");
    if served.is_empty() {
        return Finding::warn(
            "istio",
            format!("{found} runs without its definitions"),
            "install Istio's custom resource definitions: its chart `base`",
        );
    }
    if count("/status/availableReplicas") == 0 {
        return Finding::fail(
            "istio",
            format!("{found} is not ready"),
            format!("look at its pods: `kubectl -n {} get pods`", text("/metadata/namespace")),
        );
    }
    if is_older(version, OLDEST_ISTIO) {
        let to_do = "upgrade it: the policies of the login need a newer one";
        let level = if is_used { Level::Fail } else { Level::Warn };
        return Finding { level, ..Finding::fail("istio", format!("{found} is older than {OLDEST_ISTIO}"), to_do) };
    }
    if served.contains(&"v1") {
        Finding::ok("istio", found)
    } else {
        Finding::warn(
            "istio",
            format!("{found} serves security.istio.io in {} only", served.join(", ")),
            "upgrade Istio to 1.22 or newer",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn versions_have_a_range() {
        let level = |minor: u32| version(Ok(&Version { text: format!("v1.{minor}.0"), minor: Some((1, minor)) })).level;
        assert_eq!([32, 33, 37, 38].map(level), [Level::Fail, Level::Ok, Level::Ok, Level::Warn]);
        assert_eq!(version(Ok(&Version { text: "x".into(), minor: None })).level, Level::Warn);
    }

    #[test]
    fn clocks_may_differ_a_little() {
        let at =
            |second: i64, millisecond: i64| Timestamp::from_millisecond(1_000_000_000_000 + second * 1000 + millisecond).unwrap();
        // Asked from 0.1 s to 2.5 s: an answer within is right, cut to whole seconds as it is.
        let found = |server: i64| skew(at(server, 0), [at(0, 100), at(2, 500)]);
        for server in [-9, 0, 1, 2, 11] {
            assert_eq!(found(server).level, Level::Ok, "{server}");
        }
        assert_eq!(found(-10).level, Level::Warn);
        assert_eq!(found(-10).found, "the server's clock is 10 s behind this machine's");
        assert_eq!(found(12).found, "the server's clock is 10 s ahead of this machine's");
        assert_eq!(found(302).level, Level::Fail);
    }

    #[test]
    fn one_storage_class_is_the_default() {
        let class = |name: &str, default: &str| json!({"metadata": {"name": name, "annotations": {"storageclass.kubernetes.io/is-default-class": default}}});
        let level = |classes: &[Value]| storage(&Ok(classes.to_vec())).level;
        assert_eq!(level(&[class("a", "true"), class("b", "false")]), Level::Ok);
        assert_eq!(level(&[]), Level::Warn);
        assert_eq!(level(&[class("a", "true"), class("b", "true")]), Level::Warn);
        let none = storage(&Ok(vec![class("a", "false")]));
        assert!(none.to_do.is_some_and(|to_do| to_do.contains("kubectl annotate --overwrite storageclass a ")));
        assert_eq!(storage(&Err("forbidden".into())).level, Level::Warn);
    }

    #[test]
    fn nodes_are_summed() {
        let node = |ready: &str, allocatable: Value| json!({"status": {"conditions": [{"type": "Ready", "status": ready}], "allocatable": allocatable}});
        let small = node("True", json!({"cpu": "3500m", "memory": "8Gi"}));
        let gpus = node("True", json!({"cpu": "500m", "memory": "8388608Ki", "nvidia.com/gpu": "4", "amd.com/gpu": "0"}));
        let away = node("False", json!({"cpu": "64", "memory": "1Ti"}));
        let found = nodes(&Ok(vec![small.clone(), gpus]));
        assert_eq!(found.found, "2 of 2 nodes take pods: 4 CPU, 16 GiB of memory, 4 nvidia.com/gpu");
        assert_eq!(nodes(&Ok(vec![small, away.clone()])).level, Level::Warn);
        assert_eq!(nodes(&Ok(vec![away])).level, Level::Fail);
    }

    #[test]
    fn istio_is_known_by_its_image() {
        let istiod = |image: &str, available: i64| {
            json!({"metadata": {"name": "istiod", "namespace": "istio-system"},
            "spec": {"template": {"spec": {"containers": [{"image": image}]}}}, "status": {"availableReplicas": available}})
        };
        let found = |image: &str, available: i64, served: &[&str]| control_plane(&istiod(image, available), served, false);
        let new = found("docker.io:443/istio/pilot:1.27.1-distroless", 1, &["v1", "v1beta1"]);
        assert_eq!((new.level, new.found.as_str()), (Level::Ok, "Istio 1.27.1 (istio-system/istiod)"));
        let old = found("pilot:1.19.0", 1, &["v1beta1"]);
        assert_eq!((old.level, old.found.as_str()), (Level::Warn, "Istio 1.19.0 (istio-system/istiod) is older than 1.24"));
        assert_eq!(control_plane(&istiod("pilot:1.23.5", 1), &["v1"], true).level, Level::Fail, "the login hangs on it");
        assert_eq!(found("pilot:1.24.0", 1, &["v1beta1"]).level, Level::Warn);
        assert_eq!(found("pilot:1.27.0", 0, &["v1"]).level, Level::Fail);
        assert_eq!(found("pilot@sha256:abc", 1, &["v1"]).found, "Istio of unknown version (istio-system/istiod)");
    }
}
