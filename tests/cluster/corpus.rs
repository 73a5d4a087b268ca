//! Manifests of every shape: installed in one pass, looked at from outside object by object, and left alone afterwards.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::harness::{App, Cluster, big_input, signal};

/// kubectl's own comparison of each object with what is in the cluster, as another field manager would write it. Alone the rules
/// of these aggregated roles may differ: they are the control plane's, whatever the manifest says. kubectl reads an object and asks for
/// the merged one afterwards; what the control plane writes in between (a definition's status, say) looks like a difference, and is none
/// the next time.
fn assert_as_written(cluster: &Cluster, file: &str, aggregated: &[&str]) {
    let allowed: Vec<String> =
        aggregated.iter().map(|name| format!("rbac.authorization.k8s.io.v1.ClusterRole..{name}")).collect();
    let compared = || {
        let said = cluster.kubectl(&["diff", "--server-side", "--force-conflicts", "--field-manager=outside", "-f", file]);
        assert!(said.code < 2, "{}", said.all());
        let differs = said.stdout.lines().filter(|line| line.starts_with("diff ")).filter_map(|line| line.rsplit('/').next());
        let wrong: Vec<String> = differs.filter(|object| !allowed.iter().any(|name| name == object)).map(str::to_owned).collect();
        (wrong, said)
    };
    let (first, _) = compared();
    if first.is_empty() {
        return;
    }
    let (again, said) = compared();
    let lasting: Vec<&String> = again.iter().filter(|object| first.contains(object)).collect();
    assert!(lasting.is_empty(), "{lasting:?} {}", said.all());
}

/// Names of the aggregated roles in these manifests.
fn aggregated(manifests: &str) -> Vec<&str> {
    let roles = manifests.split("\n---\n").filter(|document| document.lines().any(|line| line.starts_with("aggregationRule:")));
    roles.filter_map(|document| document.lines().find_map(|line| line.strip_prefix("  name: "))).collect()
}

#[test]
fn api_corpus_in_one_pass() {
    let cluster = Cluster::start();
    let app = cluster.init("corpus", &["namespaces", "profiles"]);
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").display().to_string();
    app.kfctl(&["component", "add", "corpus", "--from", &corpus]).success();
    let first = app.kfctl(&["apply", "k8s", "--yes", "--timeout", "2m"]);
    assert_eq!(first.code, 0, "{}", first.all());
    assert_as_written(&cluster, &corpus, &["corpus-all"]);
    let again = app.kfctl(&["apply", "k8s"]);
    assert!(again.stdout.contains("0 created, 0 configured"), "{}", again.all());

    let diff = app.kfctl(&["diff"]);
    assert_eq!(diff.code, 0, "{}", diff.all());

    // Others write what is theirs: the aggregated rules, the autoscaler's replicas, a webhook's CA.
    let rules = cluster.kubectl(&["get", "clusterrole", "corpus-all", "-o", "jsonpath={.rules[*].resources[*]}"]).success();
    assert_eq!(rules, "recipes");
    cluster.kubectl(&["-n", "corpus", "scale", "deployment/web", "--replicas=4"]).success();
    cluster
        .kubectl(&[
            "patch",
            "mutatingwebhookconfiguration",
            "corpus",
            "--field-manager=injector",
            "--type=json",
            "-p",
            r#"[{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": "LS0tLS1CRUdJTg=="}]"#,
        ])
        .success();
    let again = app.kfctl(&["apply", "k8s"]);
    assert!(again.stdout.contains("0 created, 0 configured"), "{}", again.all());
    let kept = |kind: &str, name: &str, path: &str| {
        cluster.kubectl(&["-n", "corpus", "get", kind, name, "-o", &format!("jsonpath={path}")]).success()
    };
    assert_eq!(kept("deployment", "web", "{.spec.replicas}"), "4");
    assert_ne!(kept("mutatingwebhookconfiguration", "corpus", "{.webhooks[0].clientConfig.caBundle}"), "");
    // What is ours comes back.
    cluster.kubectl(&["-n", "corpus", "label", "deployment", "web", "applyset.kubernetes.io/part-of-"]).success();
    cluster.kubectl(&["-n", "corpus", "delete", "configmap", "settings"]).success();
    let mended = app.kfctl(&["apply", "k8s"]);
    assert!(mended.stdout.contains("1 created, 1 configured"), "{}", mended.all());
}

#[test]
fn api_the_whole_of_kubeflow_through_kills() {
    let Some(input) = big_input() else { return };
    let install = |cluster: &Cluster| -> (App, String) {
        let app = cluster.init("big", &["namespaces", "profiles"]);
        let file = app.write("big.yaml", &input);
        app.kfctl(&["component", "add", "big", "--from", &file]).success();
        app.kfctl(&["generate", "k8s"]).success();
        (app, file)
    };
    let cluster = Cluster::start();
    let (app, file) = install(&cluster);
    // Killed at several moments: while it checks, and while it writes.
    for lines in [0, 5, 60, 300, 900] {
        let mut run = app.start(&["apply", "k8s", "--yes", "--no-wait", "-o", "json"]);
        let mut seen = 0;
        run.until("so many lines", |_| {
            seen += 1;
            seen > lines
        });
        signal("KILL", run.pid());
        assert_eq!(run.finish().code, -1, "it ended before it was killed");
    }
    app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]).success();
    let again = app.kfctl(&["apply", "k8s", "--no-wait"]);
    assert!(again.stdout.contains("0 created, 0 configured, 626 unchanged"), "{}", again.all());
    assert_as_written(&cluster, &file, &aggregated(&input));
    drop(cluster);

    // Undisturbed, in one pass, and beside it what kubectl takes until a pass of its own succeeds.
    let cluster = Cluster::start();
    let (app, file) = install(&cluster);
    let started = Instant::now();
    app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]).success();
    let ours = started.elapsed();
    assert_as_written(&cluster, &file, &aggregated(&input));
    drop(cluster);
    let cluster = Cluster::start();
    let file = cluster.app.write("big.yaml", &input);
    let started = Instant::now();
    // Between its passes others take the rules of the aggregated roles: without force it would never succeed.
    let mut said = Vec::new();
    let passes = (1..=10).find(|_| {
        said.push(cluster.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", &file]));
        said.last().is_some_and(|said| said.code == 0)
    });
    let passes = passes.unwrap_or_else(|| panic!("ten passes suffice: {}", said[9].stderr));
    let theirs = started.elapsed();
    let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
    eprintln!("626 objects on a fresh cluster: kfctl {}, kubectl {} in {passes} passes", seconds(ours), seconds(theirs));
}
