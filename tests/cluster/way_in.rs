//! Whether people can come in, as `kfctl status` and `kfctl doctor` tell it: the gateway's address, the keys of the login's tokens, a mesh
//! that knows the login, and policies that istiod takes.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::harness::{App, Cluster, Said};
use crate::release::istio;

const KEY: &str = r#"{"kty":"oct","k":"YQ"}"#;

/// What istiod registers to check what is written. Nothing here is of the kind that it asks for.
const VALIDATOR: &str = "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: istio-validator-istio-system}
webhooks:
- name: rev.validation.istio.io
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Ignore
  clientConfig: {service: {namespace: istio-system, name: istiod}}
  rules: [{apiGroups: [telemetry.istio.io], apiVersions: ['*'], operations: [CREATE], resources: ['*']}]
";

/// An issuer that shows two keys, wherever it is asked; its URL.
fn issuer() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/keys", listener.local_addr().expect("an address"));
    let body = format!("{{\"keys\":[{KEY},{KEY}]}}");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let head = BufReader::new(stream.try_clone().expect("a stream")).lines();
            head.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
            // Who asked may be gone.
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        }
    });
    url
}

/// Level and words of each finding on the way in, by check.
fn findings(said: &Said) -> Vec<(String, String)> {
    let documents = said.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON lines"));
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap_or_default().to_owned();
    let of_mesh = ["gateway", "keys", "provider", "policies", "origin"];
    let findings = documents.filter(|document| of_mesh.iter().any(|check| document["check"] == *check));
    findings.map(|found| (text(&found, "check"), format!("{} | {}", text(&found, "level"), text(&found, "found")))).collect()
}

#[track_caller]
fn assert_finds(app: &App, arguments: &[&str], code: i32, expected: &[(&str, &str)]) {
    let said = app.kfctl(&[arguments, &["-o", "json"]].concat());
    let found = findings(&said);
    assert_eq!(said.code, code, "{}", said.all());
    assert_eq!(found.len(), expected.len(), "{}", said.all());
    for ((check, words), (wanted, start)) in found.iter().zip(expected) {
        assert!(check == wanted && words.starts_with(start), "{wanted} {start}: {}", said.all());
    }
}

#[test]
fn api_status_and_doctor_tell_whether_people_can_come_in() {
    let cluster = Cluster::start();
    let app = istio(cluster.init("open", &["profiles"]));
    let set = |component: &str, parameter: &str, value: &str| {
        app.kfctl(&["param", "set", component, parameter, value]).success();
    };
    let apply = || app.kfctl(&["apply", "k8s", "--yes"]).success();
    apply();
    assert_finds(&app, &["status"], 0, &[]);
    for component in ["istio", "auth"] {
        app.kfctl(&["component", "enable", component]).success();
    }
    set("istio", "service", "ClusterIP");
    assert_finds(&app, &["status"], 4, &[]);
    apply();

    // No Dex answers in simulated nodes: whoever comes gets no further.
    let inside =
        "warn | the gateway has no address: Service istio-system/istio-ingressgateway is reached inside the cluster alone";
    let known = ("provider", "ok | ConfigMap istio-system/istio knows kubeflow-oauth2-proxy");
    let no_dex =
        ("keys", "fail | no token can be checked, so that nobody gets in: http://dex.auth.svc.cluster.local:5556/dex/keys: ");
    assert_finds(&app, &["status"], 4, &[("gateway", inside), no_dex, known]);
    let said = app.kfctl(&["status"]);
    for words in ["\nThe way in:\nwarn  gateway       the gateway has no address", "→ look at who issues them", "ok    provider"]
    {
        assert!(said.stdout.contains(words), "{words}: {}", said.all());
    }
    assert!(!said.stdout.contains("Not ready:"), "{}", said.all());
    // Where the app is elsewhere, nobody knows what it wants of the mesh; without the gateway nothing is said of it.
    assert_finds(&cluster.outside(), &["status", "--app", "open"], 4, &[("gateway", inside), no_dex]);
    assert_finds(&app, &["status", "-c", "namespaces"], 0, &[]);
    // Who may not ask Dex can't tell.
    cluster.kubectl(&["create", "clusterrolebinding", "reader", "--clusterrole=view", "--user=eve@foo.com"]).success();
    let reader = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: view-mesh, labels: {rbac.authorization.k8s.io/aggregate-to-view: 'true'}}\nrules: [{apiGroups: ['*'], resources: ['*'], verbs: [list, watch]}, {apiGroups: [networking.istio.io, ''], resources: [gateways, configmaps, namespaces, services], verbs: [get]}]\n";
    cluster.kubectl(&["create", "-f", &app.write("reader.yaml", reader)]).success();
    let eve = cluster.kubeconfig_by_token("eve", "eve@foo.com").display().to_string();
    cluster.until("eve may read", || cluster.kubectl_as("eve@foo.com", &["get", "gateways.networking.istio.io", "-A"]).code == 0);
    assert_finds(
        &cluster.outside(),
        &["status", "--app", "open", "--kubeconfig", &eve],
        0,
        &[("gateway", inside), ("keys", "warn | can't be looked at: ")],
    );

    // All as it should be.
    set("auth", "jwks", &format!("{{\"keys\":[{KEY}]}}"));
    set("istio", "service", "LoadBalancer");
    apply();
    let address = json!({"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}]}}}).to_string();
    let gateway = ["-n", "istio-system", "patch", "service", "istio-ingressgateway", "--subresource=status", "--type=merge"];
    cluster.kubectl(&[&gateway[..], &["-p", &address]].concat()).success();
    let open = ("gateway", "ok | the gateway is at https://203.0.113.7, as Service istio-system/istio-ingressgateway says");
    let inline = ("keys", "ok | tokens are checked with the key of parameter jwks");
    assert_finds(&app, &["status"], 0, &[open, inline, known]);
    let unchecked = ("policies", "warn | of ");
    assert_finds(&app, &["doctor"], 0, &[open, inline, unchecked, known]);
    // Notebooks are where the pages of Kubeflow are, until they have a name of their own.
    app.kfctl(&["component", "enable", "notebooks"]).success();
    let shared = ("origin", "warn | notebooks share their origin with the pages of Kubeflow");
    assert_finds(&app, &["doctor"], 0, &[open, inline, unchecked, known, shared]);
    for (parameter, host) in [("host", "kubeflow.acme.com"), ("notebookHost", "notebooks.acme.net")] {
        set("auth", parameter, host);
    }
    let apart = ("origin", "ok | notebooks have an origin of their own: notebooks.acme.net");
    assert_finds(&app, &["doctor"], 0, &[open, inline, unchecked, known, apart]);
    for parameter in ["host", "notebookHost"] {
        app.kfctl(&["param", "unset", "auth", parameter]).success();
    }
    app.kfctl(&["component", "disable", "notebooks"]).success();
    cluster.kubectl(&["create", "-f", &app.write("validator.yaml", VALIDATOR)]).success();
    let taken = ("policies", "ok | istiod complains of none of ");
    let said = app.kfctl(&["doctor", "-o", "json"]);
    let found = findings(&said);
    assert!(found.iter().any(|(check, words)| check == taken.0 && words.starts_with(taken.1)), "{}", said.all());
    // Nothing measures pods here, as in many a small cluster: that is told, and no reason not to be ready.
    let unmeasured = ["-n", "istio-system", "wait", "--for=condition=ScalingActive=False", "hpa/istiod", "--timeout=60s"];
    cluster.kubectl(&unmeasured).success();
    assert!(
        said.stdout.contains("nothing measures what pods use, so that the autoscalers of the app (1) leave replicas"),
        "{}",
        said.all()
    );

    // An issuer elsewhere, as seen from here.
    let keys = issuer();
    app.kfctl(&["param", "unset", "auth", "jwks"]).success();
    set("auth", "jwksUri", &keys);
    apply();
    let two = format!("ok | tokens are checked with 2 keys of {keys}");
    assert_finds(&app, &["status"], 0, &[open, ("keys", &two), known]);
    set("auth", "jwksUri", "http://127.0.0.1:1/keys");
    apply();
    let away = ("keys", "warn | the keys that tokens are checked with can't be had from here: http://127.0.0.1:1/keys: ");
    assert_finds(&app, &["status"], 0, &[open, away, known]);

    // A mesh that does not know the login refuses everybody without a token.
    let patch = json!({"data": {"mesh": "rootNamespace: istio-system"}}).to_string();
    let mesh = ["-n", "istio-system", "patch", "configmap", "istio", "--type=merge", "--field-manager=upgrade", "-p", &patch];
    cluster.kubectl(&mesh).success();
    let unknown = ("provider", "fail | ConfigMap istio-system/istio does not know kubeflow-oauth2-proxy as it is now");
    assert_finds(&app, &["status"], 4, &[open, away, unknown]);
}
