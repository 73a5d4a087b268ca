//! Endpoint: a Service of a profile's namespace to which the gateway leads, at `/models/NAMESPACE/NAME/`. No kind of its own: its owner
//! declares it on the Service, by a label, and names by an annotation who may use it besides those whose the namespace is.
//!
//! Two marks, as a label can be watched for and can't hold names: Services without it cost the controller nothing.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::profile::{Subject, SubjectKind};
use crate::labels::{ENDPOINT, ENDPOINT_SUBJECTS};
use crate::object::list;
use crate::yaml;

/// How many subjects an endpoint may name.
pub const MOST: usize = 100;
/// The longest list that is read, in bytes.
const LONGEST: usize = 32 * 1024;

/// What is declared on a Service, and can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The labels of the pods behind it.
    pub selector: BTreeMap<String, String>,
    /// The port that speaks HTTP.
    pub port: u64,
    /// Who may use it besides those whose the namespace is.
    pub subjects: Vec<Subject>,
}

/// Whether a Service is declared to be an endpoint.
#[must_use]
pub fn is_declared(service: &Value) -> bool {
    service["metadata"]["labels"].get(ENDPOINT).is_some()
}

/// Where the gateway leads to it.
#[must_use]
pub fn path(namespace: &str, name: &str) -> String {
    format!("/models/{namespace}/{name}/")
}

/// Reads what a Service declares; an error says what is wrong and what was expected.
pub fn read(service: &Value) -> Result<Endpoint, String> {
    let spec = &service["spec"];
    let kind = spec["type"].as_str().unwrap_or("ClusterIP");
    if kind != "ClusterIP" {
        return Err(format!("a Service of type {kind} leads past the gateway or elsewhere; expected type ClusterIP"));
    }
    if !list(spec, "/externalIPs").is_empty() {
        return Err("a Service with externalIPs leads past the gateway; expected none".to_owned());
    }
    let selector: BTreeMap<String, String> = serde_json::from_value(spec["selector"].clone()).unwrap_or_default();
    if selector.is_empty() {
        return Err("a Service without selector may stand for anything; expected spec.selector with labels of the model's pods"
            .to_owned());
    }
    Ok(Endpoint { selector, port: port(list(spec, "/ports"))?, subjects: subjects(declared(service))? })
}

/// The list as it stands on a Service; empty where there is none.
#[must_use]
pub fn declared(service: &Value) -> &str {
    service["metadata"]["annotations"][ENDPOINT_SUBJECTS].as_str().unwrap_or_default()
}

/// Port 80, or the one that says by its name that it speaks HTTP, or the only one.
fn port(ports: &[Value]) -> Result<u64, String> {
    let ports: Vec<&Value> = ports.iter().filter(|port| port["protocol"].as_str().unwrap_or("TCP") == "TCP").collect();
    let says_http = |port: &Value| {
        let name = port["name"].as_str().unwrap_or_default();
        name == "http" || name.starts_with("http-") || port["appProtocol"] == "http"
    };
    let found = ports.iter().find(|port| port["port"] == 80).or_else(|| ports.iter().find(|port| says_http(port)));
    let only = || (ports.len() == 1).then(|| &ports[0]);
    found
        .or_else(only)
        .and_then(|port| port["port"].as_u64())
        .ok_or_else(|| format!("{} ports, and none that speaks HTTP for sure; expected one that is called http", ports.len()))
}

/// Reads a list of subjects, as JSON or YAML.
pub fn subjects(text: &str) -> Result<Vec<Subject>, String> {
    let wrong = |problem: String| format!("annotation {ENDPOINT_SUBJECTS}: {problem}");
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    if text.len() > LONGEST {
        return Err(wrong(format!("{} bytes; expected at most {LONGEST}", text.len())));
    }
    let example = r#"expected a list such as [{"kind": "User", "name": "bob@acme.com"}]"#;
    let items: Vec<serde_json::Map<String, Value>> = yaml::from_str(text, Path::new("it"))
        .map_err(|error| wrong(format!("{}; {example}", error.to_string().trim_start_matches("it:"))))?;
    if items.len() > MOST {
        return Err(wrong(format!("{} subjects; expected at most {MOST}: name a group", items.len())));
    }
    let mut subjects: Vec<Subject> = Vec::new();
    for (place, item) in items.into_iter().enumerate() {
        let at = |problem: String| wrong(format!("subject {}: {problem}", place + 1));
        if let Some(field) = item.keys().find(|key| !["kind", "apiGroup", "name", "namespace"].contains(&key.as_str())) {
            return Err(at(format!("there is no field {field:?}; expected kind, name and, for a ServiceAccount, namespace")));
        }
        let subject: Subject = serde_json::from_value(Value::Object(item)).map_err(|error| at(format!("{error}; {example}")))?;
        check(&subject).map_err(at)?;
        if !subjects.iter().any(|other| same(other, &subject)) {
            subjects.push(subject);
        }
    }
    Ok(subjects)
}

/// Whether two subjects are one; the group of their API need not be written.
#[must_use]
pub fn same(one: &Subject, other: &Subject) -> bool {
    (one.kind, &one.namespace, &one.name) == (other.kind, &other.namespace, &other.name)
}

/// A list as it is written on a Service: the same for the same people.
#[must_use]
pub fn written(subjects: &[Subject]) -> String {
    let mut items: Vec<Value> = subjects
        .iter()
        .map(|subject| match &subject.namespace {
            Some(namespace) => serde_json::json!({"kind": subject.kind, "name": subject.name, "namespace": namespace}),
            None => serde_json::json!({"kind": subject.kind, "name": subject.name}),
        })
        .collect();
    items.sort_by_key(ToString::to_string);
    Value::Array(items).to_string()
}

/// The rules that hold for subjects of a profile, by its definition; here no server holds them.
pub fn check(subject: &Subject) -> Result<(), String> {
    let Subject { kind, name, namespace, .. } = subject;
    let unseen = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '*' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}')
    };
    if name.is_empty() || name.len() > 253 || name.contains(unseen) || name.starts_with("system:") {
        return Err(format!(
            "{name:?} is nobody's name; expected the RBAC name, without '*', white space or invisible characters, and none of 'system:'"
        ));
    }
    let is_label = |part: &str| {
        let plain = part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        !part.is_empty() && part.len() <= 63 && plain && !part.starts_with('-') && !part.ends_with('-')
    };
    match (kind, namespace) {
        (SubjectKind::ServiceAccount, Some(namespace)) if is_label(namespace) && name.split('.').all(is_label) => Ok(()),
        (SubjectKind::ServiceAccount, _) => {
            Err(format!("ServiceAccount {name} has no namespace, or no name that one can have; expected both, in lower case"))
        }
        (_, Some(_)) => Err(format!("{name} has a namespace; expected one for a ServiceAccount alone")),
        (_, None) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn service(spec: Value) -> Value {
        json!({"metadata": {"name": "mnist", "namespace": "kubeflow-jane", "labels": {ENDPOINT: ""}}, "spec": spec})
    }

    fn plain() -> Value {
        service(json!({"type": "ClusterIP", "selector": {"app": "mnist"}, "ports": [{"port": 8080, "protocol": "TCP"}]}))
    }

    #[test]
    fn a_plain_service_is_an_endpoint() {
        let mut service = plain();
        assert!(is_declared(&service));
        assert_eq!(
            read(&service),
            Ok(Endpoint { selector: [("app".into(), "mnist".into())].into(), port: 8080, subjects: vec![] })
        );
        service["metadata"]["annotations"][ENDPOINT_SUBJECTS] =
            "- {kind: User, name: bob@acme.com, apiGroup: rbac.authorization.k8s.io}\n- {kind: Group, name: team}\n- kind: User\n  name: bob@acme.com\n- {kind: ServiceAccount, name: ci, namespace: kubeflow-bob}\n".into();
        let subjects = read(&service).unwrap().subjects;
        assert_eq!(
            written(&subjects),
            r#"[{"kind":"Group","name":"team"},{"kind":"ServiceAccount","name":"ci","namespace":"kubeflow-bob"},{"kind":"User","name":"bob@acme.com"}]"#
        );
        assert_eq!(super::subjects(&written(&subjects)).map(|again| written(&again)), Ok(written(&subjects)));
    }

    #[test]
    fn what_would_lead_elsewhere_is_none() {
        for (field, value, says) in [
            ("type", json!("ExternalName"), "type ExternalName"),
            ("type", json!("LoadBalancer"), "type LoadBalancer"),
            ("type", json!("NodePort"), "type NodePort"),
            ("externalIPs", json!(["192.0.2.1"]), "externalIPs"),
            ("selector", json!({}), "without selector"),
            ("selector", Value::Null, "without selector"),
            ("ports", json!([]), "0 ports"),
            ("ports", json!([{"port": 1}, {"port": 2}]), "2 ports"),
        ] {
            let mut service = plain();
            service["spec"][field] = value;
            let problem = read(&service).unwrap_err();
            assert!(problem.contains(says) && problem.contains("expected"), "{field}: {problem}");
        }
    }

    #[test]
    fn the_port_is_the_one_of_http() {
        for (ports, expected) in [
            (json!([{"port": 9000}, {"port": 80}]), 80),
            (json!([{"port": 9000, "name": "grpc"}, {"port": 8080, "name": "http-predict"}]), 8080),
            (json!([{"port": 9000}, {"port": 8080, "appProtocol": "http"}]), 8080),
            (json!([{"port": 53, "protocol": "UDP"}, {"port": 8501}]), 8501),
        ] {
            let mut service = plain();
            service["spec"]["ports"] = ports;
            assert_eq!(read(&service).map(|endpoint| endpoint.port), Ok(expected));
        }
    }

    #[test]
    fn what_names_nobody_opens_nothing() {
        let many = format!("[{}]", vec![r#"{"kind": "User", "name": "a"}"#; MOST + 1].join(","));
        for (text, says) in [
            (r#"[{"kind": "User", "name": "*"}]"#, "nobody's name"),
            (r#"[{"kind": "User", "name": "*@acme.com"}]"#, "nobody's name"),
            (r#"[{"kind": "User", "name": "bob\u200b"}]"#, "nobody's name"),
            (r#"[{"kind": "User", "name": "bob eve"}]"#, "nobody's name"),
            (r#"[{"kind": "User", "name": ""}]"#, "nobody's name"),
            (r#"[{"kind": "Group", "name": "system:authenticated"}]"#, "nobody's name"),
            (r#"[{"kind": "Everybody", "name": "x"}]"#, "subject 1"),
            (r#"[{"kind": "User", "name": "bob"}, {"kind": "User", "name": "bob", "namespace": "n"}]"#, "subject 2"),
            (r#"[{"kind": "ServiceAccount", "name": "ci"}]"#, "no namespace"),
            (r#"[{"kind": "ServiceAccount", "name": "ci/x", "namespace": "n"}]"#, "no name"),
            (r#"[{"kind": "User", "name": "bob", "nam": "x"}]"#, "\"nam\""),
            ("bob@acme.com", "expected a list such as"),
            ("[bob@acme.com]", "expected a list such as"),
            (many.as_str(), "at most 100"),
        ] {
            let problem = subjects(text).unwrap_err();
            assert!(
                problem.starts_with("annotation kubeflow.org/endpoint-subjects: ") && problem.contains(says),
                "{text}: {problem}"
            );
        }
        assert_eq!(subjects(" ").map(|subjects| subjects.len()), Ok(0));
    }
}
