//! The controller's Deployment, and what its process tells.

use crate::harness::{App, Cluster};

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
    assert_eq!(powerless.terminate(), Some(0));

    let controller = cluster.controller("kfctl-controller");
    cluster.until("it is ready", || controller.readiness() == Some((200, "ok".to_owned())));
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
