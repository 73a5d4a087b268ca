//! Istio: installed from a mirror where there is none, and left alone where there is one. The release is a small file of the test's own,
//! pinned as the real one is.

use crate::harness::{App, Cluster};
use crate::release::{ISTIO, istio};

/// An app with component istio, whose release is the small one.
fn app(cluster: &Cluster) -> App {
    let app = istio(cluster.init("meshed", &["profiles"]));
    app.kfctl(&["component", "enable", "istio"]).success();
    app
}

fn istiod(version: &str) -> String {
    ISTIO.split("---\n").nth(1).expect("istiod").replace("1.29.1", version)
}

#[test]
fn api_istio_is_installed_where_there_is_none_and_stays_ours() {
    let cluster = Cluster::start();
    let app = app(&cluster);
    let said = app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]);
    assert_eq!(said.code, 0, "{}", said.all());
    let mesh = cluster.kubectl(&["-n", "istio-system", "get", "configmap", "istio", "-o", "jsonpath={.data}"]).success();
    for words in ["kubeflow-oauth2-proxy", "DECODE_AND_MERGE_SLASHES", r#"ingressControllerMode: \"OFF\""#, "meshNetworks"] {
        assert!(mesh.contains(words), "{words}: {mesh}");
    }
    let enforced = "jsonpath={.metadata.labels.pod-security\\.kubernetes\\.io/enforce}";
    assert_eq!(cluster.kubectl(&["get", "namespace", "istio-system", "-o", enforced]).success(), "privileged");
    let again = app.kfctl(&["apply", "k8s", "--no-wait"]);
    assert!(
        again.code == 0 && again.stdout.contains("0 created, 0 configured"),
        "our own stands in its own way: {}",
        again.all()
    );
    // Another's beside it changes nothing.
    let other = cluster.app.write("other.yaml", &istiod("1.27.0").replace("name: istiod,", "name: other,"));
    cluster.kubectl(&["create", "-f", &other]).success();
    let again = app.kfctl(&["apply", "k8s", "--no-wait", "--prune", "yes"]);
    assert!(again.code == 0 && again.stdout.contains("0 created, 0 configured, 14 unchanged"), "{}", again.all());
    cluster.kubectl(&["-n", "istio-system", "get", "deployment", "istiod"]).success();
}

#[test]
fn api_istio_that_is_there_is_used_and_not_touched() {
    let cluster = Cluster::start();
    let app = app(&cluster);
    cluster.kubectl(&["create", "namespace", "istio-system"]).success();
    let theirs = cluster.app.write("theirs.yaml", &istiod("1.23.5"));
    cluster.kubectl(&["create", "-f", &theirs]).success();
    let said = app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]);
    assert_eq!(said.code, 1, "{}", said.all());
    for words in ["Deployment.apps istio-system/istiod (version 1.23.5) is used", "version 1.24 or newer", "nothing was written"]
    {
        assert!(said.stderr.contains(words), "{words}: {}", said.all());
    }
    assert_ne!(cluster.kubectl(&["get", "namespace", "kubeflow-system"]).code, 0, "something was written");

    cluster.kubectl(&["-n", "istio-system", "set", "image", "deployment/istiod", "discovery=istio/pilot:1.24.0"]).success();
    let before = cluster.kubectl(&["get", "namespace", "istio-system", "-o", "jsonpath={.metadata.resourceVersion}"]).success();
    let said = app.kfctl(&["apply", "k8s", "--yes", "--no-wait", "-o", "json"]);
    assert_eq!(said.code, 0, "{}", said.all());
    let event = said.stdout.lines().find(|line| line.contains("\"event\":\"left-out\""));
    assert!(event.is_some_and(|line| line.contains("\"component\":\"istio\"") && line.contains("istiod")), "{}", said.all());
    assert_ne!(cluster.kubectl(&["get", "crd", "gateways.networking.istio.io"]).code, 0, "part of the release was installed");
    assert_ne!(cluster.kubectl(&["-n", "istio-system", "get", "configmap", "istio"]).code, 0);
    let after = cluster.kubectl(&["get", "namespace", "istio-system", "-o", "jsonpath={.metadata.resourceVersion}"]).success();
    assert_eq!(after, before, "their namespace was touched");

    // Away for a while, it is missed, and not replaced; until the admin says so.
    cluster.kubectl(&["-n", "istio-system", "delete", "deployment", "istiod"]).success();
    let said = app.kfctl(&["apply", "k8s", "--no-wait"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.stderr.contains("istiod was used, and is not there any more"), "{}", said.all());
    assert_ne!(cluster.kubectl(&["-n", "istio-system", "get", "deployment", "istiod"]).code, 0);
    app.kfctl(&["param", "set", "istio", "install", "always"]).success();
    app.kfctl(&["apply", "k8s", "--no-wait", "--force-conflicts"]).success();
    cluster.kubectl(&["-n", "istio-system", "get", "deployment", "istiod"]).success();
}
