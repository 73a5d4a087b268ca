//! The journey against a real API server: each test starts a control plane of its own and ends it.

#![allow(clippy::print_stderr, reason = "a test says aloud what it skips, and prints its figures")]

mod auth;
mod browser;
mod corpus;
mod defaults;
mod definition;
mod delete;
mod disturbed;
mod doctor;
mod drift;
mod endpoint;
mod faults;
mod harness;
mod image;
mod interference;
mod istio;
mod journey;
#[path = "../common/jupyter.rs"]
mod jupyter;
mod kubelet;
mod local;
#[path = "../common/made.rs"]
#[allow(dead_code, reason = "the tests of the mesh use all of it")]
mod made;
mod message;
mod notebook_culling;
mod notebook_jupyter;
mod notebook_leaders;
mod notebooks;
mod oauth2;
mod open;
#[path = "../common/process.rs"]
#[allow(dead_code, reason = "the tests of the mesh use all of it")]
mod process;
mod profile_attacks;
mod profile_claims;
mod profile_commands;
mod profile_defaults;
mod profile_faults;
mod profile_import;
mod profile_lifecycle;
mod profile_limits;
mod profile_mesh;
mod profile_process;
mod profile_quota;
mod profile_rights;
mod profile_slides;
mod profile_storm;
mod profile_surroundings;
mod profiles;
mod provider;
mod proxy;
mod prune;
#[path = "../common/readme.rs"]
mod readme;
mod release;
mod status;
mod training;
mod way_in;
mod web;
mod web_attacks;
mod web_browser;
mod web_configurations;
mod web_notebooks;
mod web_notebooks_attacks;
mod web_notebooks_browser;
mod web_programs;
mod web_rig;
mod web_today;
mod webhook;
mod yaml;

use made::wheel;
use process::Process;

use harness::Cluster;

#[test]
fn api_seed_deploy_and_quota_defaults() {
    let cluster = Cluster::start();
    let app = cluster.init("myapp", &[]);
    app.kfctl(&["generate", "k8s"]).success();
    // The first apply asks, and without a terminal it refuses instead of guessing.
    let refused = app.kfctl(&["apply", "k8s"]);
    assert_eq!(refused.code, 2, "{}", refused.all());
    assert!(cluster.kubectl(&["get", "namespace", "kubeflow"]).code != 0, "something was written without a yes");
    app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]).success();
    let namespaces = cluster.kubectl(&["get", "namespace"]).success();
    for name in ["kubeflow ", "kubeflow-system "] {
        assert!(namespaces.lines().any(|line| line.starts_with(name) && line.contains("Active")), "{namespaces}");
    }
    let default = |key: &str| {
        cluster
            .kubectl(&[
                "-n",
                "kubeflow-system",
                "get",
                "configmap",
                "profile-defaults",
                "-o",
                &format!("jsonpath={{.data.{key}}}"),
            ])
            .success()
    };
    assert_eq!(default("maxCpu"), "32");
    app.kfctl(&["param", "set", "profiles", "maxCpu", "100"]).success();
    let ram = app.kfctl(&["param", "set", "profiles", "maxRam", "1Tb"]);
    assert!(ram.stderr.contains("1Tb is taken as 1T"), "{}", ram.all());
    app.kfctl(&["param", "set", "profiles", "maxGpu", "20"]).success();
    // -c touches its own component only: what somebody changed in another stays until that one is applied.
    let part_of = "app.kubernetes.io/part-of";
    let marked = |value: &str| {
        let label = format!("jsonpath={{.metadata.labels.{}}}", part_of.replace('.', "\\."));
        cluster.kubectl(&["get", "namespace", "kubeflow", "-o", &label]).success() == value
    };
    assert!(marked("kubeflow"), "the label is ours");
    cluster.kubectl(&["label", "namespace", "kubeflow", &format!("{part_of}=edited"), "--overwrite"]).success();
    app.kfctl(&["apply", "k8s", "-c", "profiles", "--no-wait"]).success();
    assert_eq!([default("maxCpu"), default("maxRam"), default("maxGpu")], ["100", "1T", "20"]);
    assert!(marked("edited"), "-c profiles wrote to component namespaces");
    app.kfctl(&["apply", "k8s", "-c", "namespaces", "--no-wait", "--force-conflicts"]).success();
    assert!(marked("kubeflow"), "component namespaces was not mended");

    // Applied again, no resourceVersion moves.
    let versions = || {
        cluster
            .kubectl(&[
                "get",
                "all,configmaps,roles,clusterroles,customresourcedefinitions",
                "-A",
                "-l",
                "applyset.kubernetes.io/part-of",
                "-o",
                "jsonpath={range .items[*]}{.kind}/{.metadata.name}={.metadata.resourceVersion}{\"\\n\"}{end}",
            ])
            .success()
    };
    let before = versions();
    assert!(before.lines().count() > 10, "{before}");
    let again = app.kfctl(&["apply", "k8s", "--no-wait"]);
    assert!(again.stdout.contains("0 created, 0 configured"), "{}", again.all());
    assert_eq!(versions(), before);

    // The seed's right to create, and no other: bob can make a profile, and read none.
    cluster
        .kubectl(&[
            "-n",
            "kubeflow-system",
            "create",
            "rolebinding",
            "bob-creator",
            "--role=profile-creator",
            "--user=bob@acme.com",
        ])
        .success();
    let abe = app.write("abe.profile.yaml", "apiVersion: kubeflow.org/v1alpha1\nkind: Profile\nmetadata: {name: abe, namespace: kubeflow-system}\nspec:\n  template:\n    metadata: {namespace: kubeflow-abe}\n    spec:\n      owner: {kind: User, apiGroup: rbac.authorization.k8s.io, name: abe@foo.com}\n");
    cluster.kubectl(&["--as=bob@acme.com", "-n", "kubeflow-system", "create", "-f", &abe]).success();
    assert!(cluster.kubectl(&["--as=bob@acme.com", "-n", "kubeflow-system", "get", "profiles"]).stderr.contains("forbidden"));
    let moved = cluster.kubectl(&[
        "-n",
        "kubeflow-system",
        "patch",
        "profile",
        "abe",
        "--type=merge",
        "-p",
        r#"{"spec":{"template":{"metadata":{"namespace":"kubeflow-x"}}}}"#,
    ]);
    assert!(moved.stderr.contains("can't be changed"), "{}", moved.all());
    let unset = cluster.kubectl(&[
        "-n",
        "kubeflow-system",
        "patch",
        "profile",
        "abe",
        "--type=merge",
        "-p",
        r#"{"spec":{"template":{"metadata":null}}}"#,
    ]);
    assert!(unset.stderr.contains("can't be changed"), "{}", unset.all());
}

#[test]
fn api_refusals_write_nothing() {
    let cluster = Cluster::start();
    let app = cluster.init("refused", &[]);
    app.kfctl(&["component", "disable", "profiles"]).success();
    let manifest = |name: &str, text: &str| {
        let file = app.write(&format!("{name}.yaml"), text);
        app.kfctl(&["component", "add", name, "--from", &file]).success();
    };
    // One object of forty is invalid: none of the others is written.
    let good: String = (0..40)
        .map(|n| format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{n}, namespace: fresh}}\ndata: {{a: b}}\n"))
        .collect();
    manifest(
        "mixed",
        &format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: fresh}}\n{good}---\napiVersion: v1\nkind: Service\nmetadata: {{name: s, namespace: fresh}}\nspec: {{ports: [{{port: 99999}}]}}\n"
        ),
    );
    let invalid = app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]);
    assert_eq!(invalid.code, 1, "{}", invalid.all());
    assert!(
        invalid.stderr.contains("Service fresh/s (component mixed)") && invalid.stderr.contains("nothing was written"),
        "{}",
        invalid.all()
    );
    assert_ne!(cluster.kubectl(&["get", "namespace", "fresh"]).code, 0, "a namespace was written");
    app.kfctl(&["component", "remove", "mixed", "--yes"]).success();

    // Another manager owns a field with another value.
    manifest("shared", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shared, namespace: default}\ndata: {color: red}\n");
    app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]).success();
    cluster
        .kubectl(&["patch", "configmap", "shared", "--field-manager=somebody", "-p", r#"{"data":{"color":"blue"}}"#])
        .success();
    let conflict = app.kfctl(&["apply", "k8s", "-c", "shared", "--no-wait"]);
    assert_eq!(conflict.code, 1, "{}", conflict.all());
    assert!(
        conflict.stderr.contains(".data.color")
            && conflict.stderr.contains("somebody")
            && conflict.stderr.contains("--force-conflicts"),
        "{}",
        conflict.all()
    );
    app.kfctl(&["apply", "k8s", "-c", "shared", "--no-wait", "--force-conflicts"]).success();
    assert_eq!(cluster.kubectl(&["get", "configmap", "shared", "-o", "jsonpath={.data.color}"]).success(), "red");

    // Another cluster than the one recorded.
    let text = app.read("app.yaml");
    let uid = text.lines().find(|line| line.trim_start().starts_with("uid:")).expect("a recorded cluster").to_owned();
    app.write("app.yaml", &text.replace(&uid, "  uid: 00000000-0000-0000-0000-000000000000"));
    let wrong = app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]);
    assert_eq!(wrong.code, 5, "{}", wrong.all());
}
