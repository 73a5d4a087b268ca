//! The controller's Deployment, and what its process tells.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::{App, Cluster, Controller};

/// The namespace enforces restricted pod security: the Deployment gets its pods, and another pod is refused there.
pub(crate) fn deployment_is_restricted(cluster: &Cluster, app: &App) {
    cluster
        .kubectl(&["-n", "kubeflow-system", "wait", "--for=condition=Available", "deployment/kfctl-controller", "--timeout=60s"])
        .success();
    let refused = cluster.kubectl(&["-n", "kubeflow-system", "run", "plain", "--image=example.com/none", "--dry-run=server"]);
    assert!(refused.stderr.contains("violates PodSecurity \"restricted:latest\""), "{}", refused.all());
    cluster.kubectl(&["label", "namespace", "kubeflow-system", "pod-security.kubernetes.io/warn=restricted"]).success();
    let rendered = app.read("rendered/profiles/deployment-kubeflow-system-kfctl-controller.yaml");
    let other = app.write("deployment.yaml", &rendered.replace("name: kfctl-controller", "name: other"));
    let said = cluster.kubectl(&["create", "--dry-run=server", "-f", &other]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{}", said.all());
}

/// The process itself: probes, numbers, bad objects, and its end.
pub(crate) fn controller_tells(cluster: &Cluster, app: &App) {
    // A service account with no rights: it says so, and does not claim to be ready.
    let powerless = cluster.controller("default");
    cluster.until("it says why it is not ready", || {
        powerless.readiness().is_some_and(|(code, text)| {
            code == 503 && text.contains("the profiles can't be read") && text.contains("cannot list resource \"profiles\"")
        })
    });
    // It is alive all the same: to start it anew would help nobody.
    for probe in ["/healthz", "/livez"] {
        assert_eq!(powerless.probe(probe), Some((200, "ok".to_owned())), "{probe}");
    }
    assert_eq!(powerless.terminate(), Some(0));

    let controller = cluster.controller("kfctl-controller");
    cluster.until("it is ready", || controller.readiness() == Some((200, "ok".to_owned())));
    every_number_is_explained(&controller);
    let count = |profiles: u32, undecodable: u32| {
        cluster.until(&format!("{profiles} profiles, {undecodable} undecodable"), || {
            controller.metrics().is_some_and(|(code, content_type, text)| {
                assert_eq!((code, content_type.as_str()), (200, "text/plain; version=0.0.4"));
                let number = |state: &str| {
                    let row = format!("kfctl_profiles{{state=\"{state}\"}} ");
                    let found = text.lines().find_map(|line| line.strip_prefix(&row)?.parse::<u32>().ok());
                    found.unwrap_or_default()
                };
                let all = ["ready", "not-ready", "deleting", "unreadable"].map(number);
                all.iter().sum::<u32>() == profiles && number("unreadable") == undecodable
            })
        });
    };
    let profile = |name: &str, kind: &str| {
        let text = format!(
            "apiVersion: kubeflow.org/v1alpha1\nkind: Profile\nmetadata: {{name: {name}, namespace: kubeflow-system}}\nspec: {{template: {{spec: {{owner: {{kind: {kind}, name: r}}}}}}}}\n"
        );
        cluster.kubectl(&["create", "-f", &app.write("profile.yaml", &text)])
    };
    // The two of the tests before.
    count(2, 0);
    profile("third", "User").success();
    count(3, 0);
    // A definition that was looser once lets a profile in that does not decode.
    let loosen = r#"[{"op": "add", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/template/properties/spec/properties/owner/properties/kind/enum/-", "value": "Robot"}]"#;
    cluster.kubectl(&["patch", "customresourcedefinition", "profiles.kubeflow.org", "--type=json", "-p", loosen]).success();
    cluster.until("a robot may own a profile", || profile("robot", "Robot").code == 0);
    count(4, 1);
    // It stalls nobody: what comes after it is seen, also by a controller that finds it in its first list.
    profile("fifth", "User").success();
    count(5, 1);
    let second = cluster.controller("kfctl-controller");
    cluster.until("a new one is ready", || second.readiness().is_some_and(|(code, _)| code == 200));
    assert_eq!(second.terminate(), Some(0));
    cluster.kubectl(&["-n", "kubeflow-system", "delete", "profiles", "robot", "third"]).success();
    count(3, 0);
    assert_eq!(controller.terminate(), Some(0));
}

/// The families by which people look after a controller.
fn every_number_is_explained(controller: &Controller) {
    let (_, _, text) = controller.metrics().expect("it runs");
    for (family, kind) in [
        ("kfctl_build_info", "gauge"),
        ("kfctl_profiles", "gauge"),
        ("kfctl_watch_errors_total", "counter"),
        ("kfctl_queue_depth", "gauge"),
        ("kfctl_reconcile_duration_seconds", "histogram"),
        ("kfctl_reconcile_errors_total", "counter"),
        ("kfctl_leader", "gauge"),
        ("kfctl_api_requests_total", "counter"),
        ("kfctl_events_dropped_total", "counter"),
    ] {
        let of_family = text.split_once(&format!("# HELP {family} ")).map(|(_, rest)| rest);
        let explained = of_family.and_then(|rest| rest.split_once(".\n# TYPE ")).is_some_and(|(help, rest)| {
            help.len() > 10 && !help.contains('\n') && rest.starts_with(&format!("{family} {kind}\n"))
        });
        assert!(explained, "{family}, a {kind}: {text}");
    }
}

/// Of three profiles one is ready, one fails and one can't be read: numbers and log tell.
pub(crate) fn numbers_and_log_tell(cluster: &Cluster, controller: &Controller, failing: &str, unreadable: &str) {
    let is = |name: &str, expected: f64| {
        cluster.until(&format!("{name} is {expected}"), || controller.number(name) == Some(expected));
    };
    for (state, count) in [("ready", 1.0), ("not-ready", 1.0), ("deleting", 0.0), ("unreadable", 1.0)] {
        is(&format!("kfctl_profiles{{state=\"{state}\"}}"), count);
    }
    // The one that fails waits for its next try.
    is("kfctl_queue_depth", 1.0);
    let number = |name: &str| controller.number(name).unwrap_or_default();
    assert!(number("kfctl_reconcile_errors_total{class=\"Invalid\"}") >= 1.0);
    assert!(number("kfctl_api_requests_total{verb=\"apply\",resource=\"profiles/status\"}") >= 3.0);
    let [count, all, sum] =
        ["count", "bucket{le=\"+Inf\"}", "sum"].map(|part| number(&format!("kfctl_reconcile_duration_seconds_{part}")));
    assert!(count >= 3.0 && all >= count && sum > 0.0, "{count} {all} {sum}");

    // Each line is one document, and says in which reconcile of what it was written.
    let log = controller.log();
    let (whole, _) = log.rsplit_once('\n').expect("it has told something");
    let lines: Vec<Value> =
        whole.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON, {error}: {line}"))).collect();
    for line in &lines {
        for field in ["timestamp", "level", "target", "message"] {
            assert!(line[field].is_string(), "no {field}: {line}");
        }
    }
    let of = |key: &str| -> Vec<&Value> {
        let about = |line: &&Value| line["span"]["kind"] == "profile" && line["span"]["key"] == key;
        lines.iter().filter(about).collect()
    };
    let [failed, unread] = [of(failing), of(unreadable)];
    assert!(failed.len() > 1 && failed.iter().all(|line| line["class"] == "Invalid" && line["level"] == "WARN"), "{failed:#?}");
    assert!(failed[0]["reason"].as_str().is_some_and(|reason| reason.contains("requests.!")), "{failed:#?}");
    assert!(unread.len() == 1 && unread[0]["message"] == "a profile can't be read", "{unread:#?}");
    let traces: BTreeSet<&str> = failed.iter().chain(&unread).filter_map(|line| line["span"]["trace"].as_str()).collect();
    assert_eq!(traces.len(), failed.len() + 1, "each reconcile has a trace of its own: {traces:?}");
}
