//! Istio's own validation of what is rendered for every platform, and of what the controller makes: the code behind istiod's webhook.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::App;
use crate::mesh::Mesh;
use crate::tools::{Tools, note};

/// Warnings that are meant to be, by kind. There is no other way to take off one cookie of several; and what is no HTTP brings no token, so
/// that it is to be denied.
const MEANT: [(&str, &str); 2] = [
    (
        "EnvoyFilter",
        "EnvoyFilter exposes internal implementation details that may change at any time. Prefer other APIs if possible, and exercise \
         extreme caution, especially around upgrades.",
    ),
    (
        "AuthorizationPolicy",
        "configured AuthorizationPolicy will deny all traffic to TCP ports under its scope due to the use of only HTTP attributes in a \
         DENY rule; it is recommended to explicitly specify the port",
    ),
];

/// What istiod has to say of those that are Istio's.
fn faults(tools: &Tools, objects: &[Value]) -> Vec<String> {
    let of_istio = |object: &&Value| object["apiVersion"].as_str().is_some_and(|version| version.contains("istio.io/"));
    let objects: Vec<&Value> = objects.iter().filter(of_istio).collect();
    let lines: String = objects.iter().map(|object| format!("{object}\n")).collect();
    let mut istiod = Command::new(&tools.istiod);
    let mut child =
        istiod.arg("validate").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("istiod starts");
    let mut input = child.stdin.take().expect("piped");
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("it reads");
    let answers: Vec<Value> =
        String::from_utf8(output.stdout).expect("text").lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(!objects.is_empty() && answers.len() == objects.len(), "{} answers to {} objects", answers.len(), objects.len());
    let fault = |(object, answer): (&&Value, &Value)| {
        let response = &answer["response"];
        let is_meant = |warning: &Value| MEANT.iter().any(|(kind, text)| object["kind"] == *kind && warning == text);
        let taken = response["allowed"] == true && response["warnings"].as_array().into_iter().flatten().all(is_meant);
        (!taken).then(|| format!("{} {}: {response}", object["kind"], object["metadata"]["name"]))
    };
    objects.iter().zip(&answers).filter_map(fault).collect()
}

/// Everything of Istio's in a cluster.
pub(crate) fn what_stands_is_taken(mesh: &Mesh) {
    let kinds = "authorizationpolicies,requestauthentications,envoyfilters,virtualservices,gateways.networking.istio.io";
    let said = mesh.cluster.kubectl(&["get", kinds, "--all-namespaces", "-o", "json"]).success();
    let list: Value = serde_json::from_str(&said).expect("JSON");
    let objects = list["items"].as_array().expect("a list");
    let wrong = faults(&Tools::find_or_make(), objects);
    note(&format!("istiod's validation: {} objects stand, {} not taken", objects.len(), wrong.len()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each platform with what it requires, and the ways of login and of TLS.
const APPS: [(&str, &[&str]); 10] = [
    ("none", &[]),
    ("none", &["host=kubeflow.acme.com", "tls=cert-manager", "certificateIssuer=acme", "notebookHost=notebooks.acme.net"]),
    ("none", &["login=none", "tls=none", "loginPaths=", "strippedHeaders=", "strippedCookies=", "issuer=https://id.acme.com"]),
    ("kind", &["login=oidc", "issuer=https://id.acme.com", "clientId=a", "audiences=a,b", "host=kubeflow.acme.com"]),
    ("minikube", &["userClaim=[a][b]", "groupsClaim=[realm_access][roles]", "enforce=gateway"]),
    ("gcp", &["host=kubeflow.acme.com"]),
    ("gcp", &["host=kubeflow.acme.com", "notebookHost=notebooks.acme.net"]),
    ("gcp", &["host=kubeflow.acme.com", "verifiedEmail=true", "jwtPrefix=a"]),
    (
        "aws",
        &[
            "host=kubeflow.acme.com",
            "issuer=https://id.acme.com",
            "clientId=a",
            "audiences=a",
            "loadBalancerCertificate=arn:aws:acm:eu-central-1:1:certificate/a",
        ],
    ),
    ("azure", &["host=kubeflow.acme.com", "issuer=https://login.microsoftonline.com/8a7e/v2.0", "clientId=a", "audiences=a"]),
];

/// All objects that an app has rendered.
fn rendered(app: &App) -> Vec<Value> {
    let mut objects = Vec::new();
    for folder in std::fs::read_dir(app.directory().join("rendered")).expect("it was rendered").flatten() {
        for file in std::fs::read_dir(folder.path()).into_iter().flatten().flatten().map(|file| file.path()) {
            if file.extension().is_some_and(|extension| extension == "yaml") {
                let text = std::fs::read_to_string(&file).expect("a file");
                objects.extend(kfctl::yaml::documents(&text, Path::new(&file)).expect("YAML"));
            }
        }
    }
    objects
}

#[test]
fn istiod_takes_every_object_of_every_platform() {
    let tools = Tools::find_or_make();
    let directory = tempfile::tempdir().expect("a directory");
    let outside = App::new(directory.path(), directory.path(), None);
    for (number, (platform, set)) in APPS.iter().enumerate() {
        let name = format!("{platform}-{number}");
        let set: Vec<String> = set.iter().map(|set| format!("--set=auth.{set}")).collect();
        let init: Vec<&str> = ["init", &name, "--platform", platform].into_iter().chain(set.iter().map(String::as_str)).collect();
        outside.kfctl(&init).success();
        let app = App::new(&directory.path().join(&name), directory.path(), None);
        app.kfctl(&["component", "enable", "auth"]).success();
        app.kfctl(&["component", "disable", "istio"]).success();
        app.kfctl(&["generate", "k8s"]).success();
        let wrong = faults(&tools, &rendered(&app));
        assert!(wrong.is_empty(), "{name}: {}", wrong.join("\n"));
    }
    // It does refuse.
    let policy = |spec: Value| serde_json::json!({"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": {"name": "a", "namespace": "b"}, "spec": spec});
    let objects = [
        policy(serde_json::json!({"action": "DENY", "rules": [{"when": [{"key": "request.nothing", "values": ["a"]}]}]})),
        policy(serde_json::json!({"action": "ALLOW"})),
    ];
    assert_eq!(faults(&tools, &objects).len(), 1, "{:?}", faults(&tools, &objects));
}
