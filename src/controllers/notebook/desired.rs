//! What is made for a notebook: the notebook and the admin's settings in, objects out. Pure.
//!
//! The pod's template may change at any time, and no pod starts anew for it: the `StatefulSet` replaces pods only when they are deleted, and
//! the pod says from which generation of the notebook it was made. Only a newer one, or the annotation that asks for it, is a reason.

use std::collections::BTreeSet;

use kube::ResourceExt;
use serde_json::{Map, Value, json};

use super::settings::Settings;
use crate::api::notebook::Notebook;
use crate::labels::{
    NOTEBOOK, NOTEBOOK_CREATOR, NOTEBOOK_GENERATION, PRIVATE, REQUEST_HEADERS, RESTART, REWRITE, SIDECAR_INJECT, STATEFUL_SET,
    STOPPED,
};

/// Where a server listens that does not say.
const PORT: u64 = 8888;

/// The value of an annotation.
pub(super) fn annotation<'a>(notebook: &'a Notebook, name: &str) -> Option<&'a str> {
    notebook.annotations().get(name).map(String::as_str)
}

/// Since when it is stopped, where it is.
pub(super) fn stopped(notebook: &Notebook) -> Option<&str> {
    annotation(notebook, STOPPED)
}

/// Whose alone it is, where it is somebody's; an empty name is nobody's.
pub(super) fn private_to(notebook: &Notebook) -> Option<&str> {
    (annotation(notebook, PRIVATE)? == "true").then(|| annotation(notebook, NOTEBOOK_CREATOR).unwrap_or_default())
}

fn namespace(notebook: &Notebook) -> String {
    notebook.namespace().unwrap_or_default()
}

/// An object made for the notebook, which goes with it.
pub(super) fn object(notebook: &Notebook, api_version: &str, kind: &str, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": namespace(notebook),
            "labels": {NOTEBOOK: notebook.name_any()},
            "ownerReferences": [{"apiVersion": "kubeflow.org/v1", "kind": "Notebook", "name": notebook.name_any(),
                "uid": notebook.uid(), "controller": true, "blockOwnerDeletion": true}],
        },
        "spec": spec,
    })
}

/// The pod, by way of a `StatefulSet` of one or none.
pub(super) fn statefulset(notebook: &Notebook, settings: &Settings) -> Value {
    let name = notebook.name_any();
    let spec = json!({
        "replicas": i32::from(stopped(notebook).is_none()),
        "selector": {"matchLabels": {STATEFUL_SET: name}},
        "updateStrategy": {"type": "OnDelete"},
        "template": {"metadata": template_metadata(notebook), "spec": pod(notebook, settings)},
    });
    object(notebook, "apps/v1", "StatefulSet", &name, spec)
}

fn template_metadata(notebook: &Notebook) -> Value {
    let name = notebook.name_any();
    let mut labels = notebook.labels().clone();
    labels.insert(STATEFUL_SET.into(), name.clone());
    labels.insert(NOTEBOOK.into(), name);
    // Those of tools, and of the notebook's own life, are none of the pod's.
    let is_pods = |key: &str| key != STOPPED && !key.contains("kubectl") && !key.contains("notebook");
    let mut annotations = notebook.annotations().clone();
    annotations.retain(|key, _| is_pods(key));
    annotations.insert(NOTEBOOK_GENERATION.into(), notebook.metadata.generation.unwrap_or_default().to_string());
    if let Some(value) = annotation(notebook, RESTART) {
        annotations.insert(RESTART.into(), value.to_owned());
    }
    json!({"labels": labels, "annotations": annotations})
}

fn pod(notebook: &Notebook, settings: &Settings) -> Value {
    let mut pod = Value::Object(notebook.spec.template.spec.clone());
    if settings.add_fs_group && pod.get("securityContext").is_none_or(Value::is_null) {
        pod["securityContext"] = json!({"fsGroup": 100});
    }
    let prefix = json!({"name": "NB_PREFIX", "value": format!("/notebook/{}/{}", namespace(notebook), notebook.name_any())});
    for (place, container) in pod.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten().enumerate() {
        let Some(container) = container.as_object_mut() else { continue };
        if place == 0 {
            container.entry("workingDir").or_insert_with(|| "/home/jovyan".into());
            let ports = json!([{"name": "notebook-port", "containerPort": PORT, "protocol": "TCP"}]);
            container.entry("ports").or_insert(ports);
            let variables = container.entry("env").or_insert_with(|| json!([]));
            if let Some(variables) = variables.as_array_mut() {
                variables.push(prefix.clone());
            }
        }
        if let Some(Value::Array(variables)) = container.get_mut("env") {
            *variables = last_of_each(variables);
        }
    }
    pod
}

/// Of variables named twice the last one counts, as in a pod: an apply takes each name once only.
fn last_of_each(variables: &[Value]) -> Vec<Value> {
    let is_last =
        |(place, variable): &(usize, &Value)| !variables[place + 1..].iter().any(|later| later["name"] == variable["name"]);
    variables.iter().enumerate().filter(is_last).map(|(_, variable)| variable.clone()).collect()
}

/// The Service, at whose port 80 the server is.
pub(super) fn service(notebook: &Notebook) -> Value {
    let name = notebook.name_any();
    let containers = notebook.spec.template.spec.get("containers");
    let port = containers.and_then(|containers| containers.pointer("/0/ports/0/containerPort")).and_then(Value::as_u64);
    let spec = json!({
        "type": "ClusterIP",
        "selector": {STATEFUL_SET: name},
        // Istio tells the protocol by the name.
        "ports": [{"name": format!("http-{name}"), "port": 80, "targetPort": port.unwrap_or(PORT), "protocol": "TCP"}],
    });
    object(notebook, "v1", "Service", &name, spec)
}

/// The name of the route.
pub(super) fn route_name(namespace: &str, name: &str) -> String {
    format!("notebook-{namespace}-{name}")
}

/// The route from the gateway, at which some headers end; an error says what is wrong with an annotation.
pub(super) fn route(notebook: &Notebook, settings: &Settings, ends: &BTreeSet<String>) -> Result<Value, String> {
    let (namespace, name) = (namespace(notebook), notebook.name_any());
    let prefix = format!("/notebook/{namespace}/{name}/");
    let rewrite = annotation(notebook, REWRITE).filter(|path| !path.is_empty()).unwrap_or(&prefix);
    let is_path = |c: char| c.is_ascii_alphanumeric() || "/._~-".contains(c);
    if !rewrite.starts_with('/') || !rewrite.chars().all(is_path) {
        return Err(format!(
            "annotation {REWRITE}: {rewrite:?} is no path; expected one such as /, of letters, digits and / . _ ~ -"
        ));
    }
    let headers: Map<String, Value> = match annotation(notebook, REQUEST_HEADERS).filter(|text| !text.is_empty()) {
        Some(text) => serde_json::from_str(text)
            .ok()
            .filter(|headers: &Map<String, Value>| headers.values().all(Value::is_string))
            .ok_or_else(|| {
                format!("annotation {REQUEST_HEADERS} is no JSON object of texts, such as {{\"X-RStudio-Root-Path\": \"/\"}}")
            })?,
        None => Map::new(),
    };
    if let Some((name, value)) = headers.iter().find(|(name, value)| !is_plain(name, value, ends)) {
        return Err(format!(
            "annotation {REQUEST_HEADERS}: {name}: {value} can't be set; expected a header of the server's own, without % in its value"
        ));
    }
    let mut http = json!({
        "match": [{"uri": {"prefix": prefix}}],
        "rewrite": {"uri": rewrite},
        "route": [{"destination": {"host": format!("{name}.{namespace}.svc.{}", settings.cluster_domain), "port": {"number": 80}}}],
    });
    if !headers.is_empty() {
        http["headers"]["request"]["set"] = headers.into();
    }
    if !ends.is_empty() {
        http["headers"]["request"]["remove"] = json!(ends);
    }
    let spec = json!({"hosts": [settings.host], "gateways": [settings.gateway], "http": [http]});
    Ok(object(notebook, "networking.istio.io/v1", "VirtualService", &route_name(&namespace, &name), spec))
}

/// Whether a header may be set at the gateway: none by which somebody is known or a request finds its way, and nothing that the gateway
/// would put another header's value into, or refuse together with everybody's routes.
fn is_plain(name: &str, value: &Value, ends: &BTreeSet<String>) -> bool {
    const OTHERS: [&str; 6] = ["authorization", "cookie", "host", "connection", "transfer-encoding", "content-length"];
    const BEGIN: [&str; 4] = ["kubeflow-", "x-forwarded-", "x-envoy-", "x-auth-request-"];
    let name = name.to_ascii_lowercase();
    let is_named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_others = OTHERS.contains(&name.as_str()) || BEGIN.iter().any(|begin| name.starts_with(begin)) || ends.contains(&name);
    let is_text = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'%');
    is_named && !is_others && value.as_str().is_some_and(is_text)
}

/// Whether the mesh's sidecar stands before the server, as far as the notebook says.
pub(super) fn has_sidecar(notebook: &Notebook) -> bool {
    let evades = |(key, value): (&String, &String)| {
        key == SIDECAR_INJECT && value != "true"
            || key != SIDECAR_INJECT && key.contains("sidecar.istio.io/")
            || key.starts_with("inject.istio.io/")
            || key.starts_with("proxy.istio.io/")
    };
    // Istio puts containers of these names into the place of its own.
    let is_own =
        |container: &Value| matches!(container["name"].as_str(), Some("istio-proxy" | "istio-init" | "istio-validation"));
    let pod = &notebook.spec.template.spec;
    let mut containers = ["containers", "initContainers"].iter().filter_map(|list| pod.get(*list)?.as_array()).flatten();
    let on_host = pod.get("hostNetwork").is_some_and(|value| value == true);
    !on_host && !containers.any(is_own) && !notebook.labels().iter().chain(notebook.annotations()).any(evades)
}

/// What a pod says it was made from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) generation: Option<i64>,
    pub(super) restart: Option<String>,
}

/// Why a pod is to be replaced by one of the notebook as it is now; none where nobody asked for it.
pub(super) fn replacement(notebook: &Notebook, pod: &Origin) -> Option<&'static str> {
    // A pod that does not say was not made here.
    let made_from = pod.generation?;
    if notebook.metadata.generation.is_some_and(|generation| made_from < generation) {
        return Some("the notebook has changed");
    }
    let asked = annotation(notebook, RESTART)?;
    (pod.restart.as_deref() != Some(asked)).then_some("a restart is asked for")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A notebook with these metadata and this pod.
    pub(in super::super) fn notebook(metadata: Value, pod: Value) -> Notebook {
        let mut value = json!({"apiVersion": "kubeflow.org/v1", "kind": "Notebook",
            "metadata": {"name": "nb", "namespace": "kubeflow-jane", "uid": "u", "generation": 3}, "spec": {"template": {"spec": pod}}});
        value["metadata"].as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
        serde_json::from_value(value).unwrap()
    }

    pub(in super::super) fn settings(data: Value) -> Settings {
        Settings::read(&json!({"data": data})).unwrap()
    }

    fn plain() -> Value {
        json!({"containers": [{"name": "nb", "image": "jupyter"}]})
    }

    #[test]
    fn a_plain_notebook_is_made_as_today() {
        let notebook = notebook(
            json!({"labels": {"app": "x", "statefulset": "another"}, "annotations": {"kubeflow-resource-stopped": "t"}}),
            plain(),
        );
        let made = statefulset(&notebook, &settings(json!({})));
        assert_eq!(made["spec"]["replicas"], 0);
        let template = &made["spec"]["template"];
        assert_eq!(template["metadata"]["labels"], json!({"app": "x", "statefulset": "nb", "notebook-name": "nb"}));
        assert_eq!(template["metadata"]["annotations"], json!({"notebooks.kubeflow.org/generation": "3"}));
        assert_eq!(
            template["spec"],
            json!({"securityContext": {"fsGroup": 100}, "containers": [{"name": "nb", "image": "jupyter", "workingDir": "/home/jovyan",
                "ports": [{"name": "notebook-port", "containerPort": 8888, "protocol": "TCP"}],
                "env": [{"name": "NB_PREFIX", "value": "/notebook/kubeflow-jane/nb"}]}]})
        );
        assert_eq!(
            service(&notebook)["spec"]["ports"],
            json!([{"name": "http-nb", "port": 80, "targetPort": 8888, "protocol": "TCP"}])
        );
        let route = route(&notebook, &settings(json!({})), &BTreeSet::new()).unwrap();
        assert_eq!(route["metadata"]["name"], "notebook-kubeflow-jane-nb");
        assert_eq!(
            route["spec"],
            json!({"hosts": ["*"], "gateways": ["kubeflow/kubeflow-gateway"], "http": [{"match": [{"uri": {"prefix": "/notebook/kubeflow-jane/nb/"}}],
                "rewrite": {"uri": "/notebook/kubeflow-jane/nb/"},
                "route": [{"destination": {"host": "nb.kubeflow-jane.svc.cluster.local", "port": {"number": 80}}}]}]})
        );
    }

    #[test]
    fn what_the_notebook_says_counts() {
        let pod = json!({"securityContext": {}, "containers": [{"name": "nb", "workingDir": "/w", "ports": [{"containerPort": 80}],
            "env": [{"name": "A", "value": "1"}, {"name": "NB_PREFIX", "value": "/mine"}, {"name": "A", "value": "2"}]}]});
        let annotations = json!({"annotations": {"notebooks.kubeflow.org/http-rewrite-uri": "/",
            "notebooks.kubeflow.org/http-headers-request-set": "{\"X-Root\": \"/\"}", "a/b": "c"}});
        let notebook = notebook(annotations, pod);
        let made = statefulset(&notebook, &settings(json!({})));
        let container = &made["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(
            container["env"],
            json!([{"name": "A", "value": "2"}, {"name": "NB_PREFIX", "value": "/notebook/kubeflow-jane/nb"}])
        );
        assert_eq!((&container["workingDir"], &made["spec"]["template"]["spec"]["securityContext"]), (&json!("/w"), &json!({})));
        assert_eq!(made["spec"]["template"]["metadata"]["annotations"]["a/b"], "c");
        assert_eq!(service(&notebook)["spec"]["ports"][0]["targetPort"], 80);
        let route = route(&notebook, &settings(json!({})), &BTreeSet::from(["authorization".to_owned()])).unwrap();
        assert_eq!(route["spec"]["http"][0]["rewrite"]["uri"], "/");
        assert_eq!(
            route["spec"]["http"][0]["headers"],
            json!({"request": {"set": {"X-Root": "/"}, "remove": ["authorization"]}})
        );
    }

    #[test]
    fn an_annotation_that_makes_no_sense_is_said() {
        for (name, value) in [
            ("http-rewrite-uri", "x"),
            ("http-rewrite-uri", "/\n"),
            ("http-rewrite-uri", "/%2e%2e"),
            ("http-headers-request-set", "{\"a\": 1}"),
            ("http-headers-request-set", "["),
            ("http-headers-request-set", "{\"X-A\": \"%REQ(authorization)%\"}"),
            ("http-headers-request-set", "{\"X-A\": \"a\\nb\"}"),
            ("http-headers-request-set", "{\"Authorization\": \"x\"}"),
            ("http-headers-request-set", "{\"kubeflow-userid\": \"bob\"}"),
            ("http-headers-request-set", "{\":path\": \"/\"}"),
        ] {
            let name = format!("notebooks.kubeflow.org/{name}");
            let notebook = notebook(json!({"annotations": {name.clone(): value}}), plain());
            assert!(route(&notebook, &settings(json!({})), &BTreeSet::new()).unwrap_err().contains(&name));
        }
    }

    #[test]
    fn a_pod_is_replaced_only_where_somebody_asks() {
        let origin = |generation, restart: Option<&str>| Origin { generation, restart: restart.map(str::to_owned) };
        let plain_one = notebook(json!({}), plain());
        assert_eq!(replacement(&plain_one, &origin(Some(3), None)), None);
        assert_eq!(replacement(&plain_one, &origin(Some(4), Some("old"))), None);
        assert_eq!(replacement(&plain_one, &origin(None, None)), None, "made by another controller");
        assert!(replacement(&plain_one, &origin(Some(2), None)).is_some());
        let asked = notebook(json!({"annotations": {"notebooks.kubeflow.org/restart": "now"}}), plain());
        assert!(replacement(&asked, &origin(Some(3), None)).is_some());
        assert_eq!(replacement(&asked, &origin(Some(3), Some("now"))), None);
        // What the admin decides changes the template, and no pod for it.
        let before = statefulset(&plain_one, &settings(json!({})));
        let after = statefulset(&plain_one, &settings(json!({"addFsGroup": "false"})));
        assert_ne!(before, after);
        assert_eq!(before["spec"]["template"]["metadata"], after["spec"]["template"]["metadata"]);
    }

    #[test]
    fn a_notebook_without_a_sidecar_is_known() {
        assert!(has_sidecar(&notebook(json!({"labels": {"sidecar.istio.io/inject": "true"}}), plain())));
        for metadata in [
            json!({"labels": {"sidecar.istio.io/inject": "false"}}),
            json!({"annotations": {"sidecar.istio.io/inject": "no"}}),
            json!({"annotations": {"traffic.sidecar.istio.io/excludeInboundPorts": "8888"}}),
            json!({"annotations": {"sidecar.istio.io/proxyImage": "mine"}}),
            json!({"annotations": {"proxy.istio.io/config": "{}"}}),
        ] {
            assert!(!has_sidecar(&notebook(metadata, plain())));
        }
        for pod in [
            json!({"hostNetwork": true, "containers": []}),
            json!({"containers": [{"name": "nb"}, {"name": "istio-proxy"}]}),
            json!({"containers": [{"name": "nb"}], "initContainers": [{"name": "istio-proxy"}]}),
        ] {
            assert!(!has_sidecar(&notebook(json!({}), pod)));
        }
    }
}
