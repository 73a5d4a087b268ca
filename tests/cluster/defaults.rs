//! What a platform brings by itself: a Kubeflow that many people share, with a login, from `init` to a notebook, on a cluster that is there.
//! Istio's release is the tests' small one.

use crate::harness::{App, Cluster};
use crate::release::istio;

const NOTEBOOK: &str = "apiVersion: kubeflow.org/v1
kind: Notebook
metadata: {name: first}
spec: {template: {spec: {containers: [{name: first, image: 'example.com/jupyter:1'}]}}}
";

/// What a release brings that differs between platforms.
#[test]
fn the_gateway_and_the_cni_are_what_the_platform_says() {
    let directory = tempfile::tempdir().expect("a directory");
    for (platform, service, binaries) in [
        ("none", "LoadBalancer", "/opt/cni/bin"),
        ("kind", "ClusterIP", "/opt/cni/bin"),
        ("gcp", "ClusterIP", "/home/kubernetes/bin"),
    ] {
        let outside = App::new(directory.path(), directory.path(), None);
        outside.kfctl(&["init", platform, "--platform", platform, "--set", "auth.host=kubeflow.acme.com"]).success();
        let app = istio(App::new(&directory.path().join(platform), directory.path(), None));
        let said = app.kfctl(&["generate", "k8s"]).success();
        for component in ["namespaces", "istio", "auth", "profiles", "notebooks", "dashboard"] {
            assert!(said.contains(&format!("rendered/{component}: ")), "{component}: {said}");
        }
        let gateway = app.read("rendered/istio/service-istio-system-istio-ingressgateway.yaml");
        assert!(gateway.contains(&format!("type: {service}\n")) && gateway.contains("targetPort: 8443"), "{platform}: {gateway}");
        let cni = app.read("rendered/istio/daemonset-kube-system-istio-cni-node.yaml");
        assert!(cni.contains(&format!("path: {binaries}\n")), "{platform}: {cni}");
    }
}

#[test]
fn e2e_the_defaults_are_a_kubeflow_for_many() {
    let cluster = Cluster::start();
    cluster.outside().kfctl(&["init", "shared", "--platform", "kind"]).success();
    // This cluster stands in the place of the one that kind would make.
    let at = cluster.kubeconfig().display().to_string();
    let app = istio(cluster.in_app("shared"));
    let apply = |more: &[&str]| app.kfctl(&[&["apply", "k8s", "--kubeconfig", &at], more].concat());
    app.kfctl(&["param", "set", "auth", "jwks", r#"{"keys":[{"kty":"oct","k":"YQ"}]}"#]).success();

    // All becomes ready, and the password is shown once, where somebody sees it.
    let said = app.on_terminal(&["apply", "k8s", "--kubeconfig", &at, "--yes"], "");
    assert!(said.code == 0 && said.stdout.contains("password of user@example.com: "), "{}", said.all());
    let again = apply(&[]);
    assert!(again.code == 0 && again.stdout.contains("0 created, 0 configured"), "{}", again.all());
    let status = app.kfctl(&["status", "--kubeconfig", &at]);
    assert_eq!(status.code, 0, "{}", status.all());
    for component in ["namespaces", "istio", "auth", "profiles", "notebooks", "dashboard"] {
        assert!(status.stdout.lines().any(|line| line.starts_with(&format!("{component} "))), "{}", status.all());
    }
    assert!(status.stdout.contains("the gateway has no address") && status.stdout.contains("`kfctl open`"), "{}", status.all());

    // A profile has its walls, a notebook its route, and nobody else a way in. Nothing runs in a simulated pod: the controller is here.
    let controller = cluster.controller("kfctl-controller");
    cluster.until("the controller leads", || controller.number("kfctl_leader") == Some(1.0));
    let said = app.kfctl(&["profile", "create", "jane", "--user", "jane@foo.com", "--kubeconfig", &at]);
    assert_eq!(said.code, 0, "{}", said.all());
    let of_jane = |kind: &str, name: &str| cluster.kubectl(&["-n", "kubeflow-jane", "get", kind, name]).code == 0;
    cluster.until("her namespace is closed to others", || {
        of_jane("authorizationpolicy", "ns-owner-access-istio") && of_jane("requestauthentication", "kubeflow-jwt")
    });
    let notebook = app.write("notebook.yaml", NOTEBOOK);
    let create = |who: &str| cluster.kubectl_as(who, &["-n", "kubeflow-jane", "create", "-f", &notebook]);
    cluster.until("jane may make notebooks", || create("jane@foo.com").code == 0);
    let refused = create("bob@acme.com");
    assert!(refused.code != 0 && refused.stderr.contains("forbidden"), "{}", refused.all());
    cluster.until("a route leads to it", || of_jane("virtualservice", "notebook-kubeflow-jane-first"));
    let ready = ["-n", "kubeflow-jane", "wait", "--for=condition=Ready", "notebook/first", "--timeout=60s"];
    cluster.kubectl(&ready).success();

    // It goes again; what is jane's stays, and what keeps others out of it.
    let said = app.kfctl(&["delete", "--yes", "--kubeconfig", &at]);
    assert_eq!(said.code, 0, "{}", said.all());
    let gone = |arguments: &[&str]| cluster.kubectl(&[&["get"], arguments].concat()).code != 0;
    assert!(gone(&["namespace", "auth"]) && gone(&["-n", "istio-system", "deployment", "istiod"]), "{}", said.all());
    assert!(gone(&["crd", "gateways.networking.istio.io"]), "the door stays: {}", said.all());
    assert!(of_jane("notebook", "first") && of_jane("authorizationpolicy", "ns-owner-access-istio"), "{}", said.all());
}
