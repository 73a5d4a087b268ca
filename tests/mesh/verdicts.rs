//! `kfctl auth test` says what Envoy does: its evaluator is asked about every cell of requests.txt, whose answers Envoy has just given, by the
//! objects that are in the cluster; and the command itself about some of them.

use std::time::{SystemTime, UNIX_EPOCH};

use kfctl::istio::{Asked, Known, Step, normalized};
use serde_json::{Value, json};

use crate::mesh::Mesh;
use crate::requests::{At, Cell};
use crate::tools::note;

fn known(mesh: &Mesh) -> Known {
    let all = |kind: &str| -> Vec<Value> {
        let text = mesh.cluster.kubectl(&["get", kind, "--all-namespaces", "-o", "json"]).success();
        let list: Value = serde_json::from_str(&text).expect("JSON");
        list["items"].as_array().expect("a list").clone()
    };
    Known {
        gateway_namespace: "istio-system".into(),
        gateway_labels: json!({"istio": "ingressgateway"}),
        gateway_principal: "cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account".into(),
        root_namespace: "istio-system".into(),
        policies: all("authorizationpolicies.security.istio.io"),
        authentications: all("requestauthentications.security.istio.io"),
        routes: all("virtualservices.networking.istio.io"),
        services: all("services"),
        now: i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()).expect("a time"),
    }
}

/// Path and query of a target, also of an absolute one.
fn origin(target: &str) -> &str {
    let after = target.strip_prefix("http://").and_then(|rest| rest.find('/').map(|slash| &rest[slash..]));
    after.unwrap_or(target)
}

/// What the evaluator says of a cell.
fn said(known: &Known, cell: &Cell, headers: &[(String, String)], tokens: &[String]) -> Step {
    let asked = Asked {
        method: &cell.method,
        host: &cell.host,
        target: origin(&cell.target),
        tokens: tokens.iter().map(String::as_str).collect(),
        headers: headers.to_vec(),
    };
    if cell.at == At::Gateway {
        return known.answer(&asked).steps.pop().expect("a step");
    }
    let path = normalized(asked.target).expect("a path");
    known.at("sidecar", "kubeflow-jane", &json!({"notebook-name": "guarded"}), &asked, &path, None)
}

pub(crate) fn agree_with_envoy(mesh: &Mesh, cells: &[Cell]) {
    let known = known(mesh);
    // What Envoy says of the protocol, whoever asks, is no verdict.
    let asked: Vec<&Cell> = cells.iter().filter(|cell| cell.status != 426).collect();
    let mut wrong = Vec::new();
    for cell in &asked {
        let (headers, tokens) = mesh.client.headers(&cell.who);
        let step = said(&known, cell, &headers, &tokens);
        let status = if step.allowed == Some(true) { Some(200) } else { step.status };
        if status != Some(cell.status) {
            wrong.push(format!(
                "requests.txt:{} {:?} {} {} as {}: Envoy {}, we {step:?}",
                cell.line, cell.at, cell.method, cell.target, cell.who, cell.status
            ));
        }
    }
    note(&format!("verdicts without asking Envoy: {} of {} cells agree with it", asked.len() - wrong.len(), asked.len()));
    assert!(wrong.is_empty(), "{} cells differ:\n{}", wrong.len(), wrong.join("\n"));
    the_command_says_it(mesh, cells);
}

/// The command by itself: each person's first GET at the gateway that their own token or none decides.
fn the_command_says_it(mesh: &Mesh, cells: &[Cell]) {
    let file = mesh.app.directory().join("token");
    for (who, path) in [
        ("anonymous", "/notebook/kubeflow-jane/nb/lab"),
        ("jane", "/notebook/kubeflow-jane/guarded/lab"),
        ("bob", "/notebook/kubeflow-jane/nb/lab"),
        ("bob", "/models/kubeflow-jane/open/predict"),
        ("mia", "/models/kubeflow-jane/served/predict"),
        ("gus", "/notebook/kubeflow-team/nb/lab"),
        ("expired", "/jupyter"),
        ("wrong-audience", "/jupyter"),
        ("tampered", "/notebook/kubeflow-jane/nb/lab"),
        ("jane", "/jupyter"),
    ] {
        let cell = cells.iter().find(|cell| cell.who == who && cell.target == path && cell.method == "GET").expect("a cell");
        let (_, tokens) = mesh.client.headers(who);
        let mut words = vec!["auth", "test", "--path", path, "-o", "json"];
        let file = file.display().to_string();
        if let Some(token) = tokens.first() {
            std::fs::write(&file, token).expect("written");
            words.extend(["--token-file", &file]);
        }
        let said = mesh.app.kfctl(&words);
        assert_eq!(said.code, i32::from(cell.status != 200), "{who} {path}: {}", said.all());
        let answer: Value = serde_json::from_str(&said.stdout).expect("JSON");
        let last = answer["steps"].as_array().and_then(|steps| steps.last()).expect("a step");
        assert_eq!(
            (answer["allowed"] == true, last["status"].as_u64().unwrap_or(200)),
            (cell.status == 200, u64::from(cell.status)),
            "{answer}"
        );
        let shown = mesh.app.kfctl(&words.iter().map(|word| if *word == "json" { "text" } else { word }).collect::<Vec<_>>());
        note(&format!("{who}:\n{}", shown.stdout));
        for token in &tokens {
            let signature = token.rsplit('.').next().expect("a signature");
            let all = said.all() + &shown.all();
            assert!(!all.contains(token.as_str()) && (signature.is_empty() || !all.contains(signature)), "the token is shown");
        }
    }
    std::fs::remove_file(file).expect("it was written");
}
