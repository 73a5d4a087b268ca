//! `kfctl apply` and `kfctl status`, up to where a cluster would be needed.

use insta::assert_snapshot;

use crate::harness::Sandbox;

const KUBECONFIG: &str = r"apiVersion: v1
kind: Config
current-context: there
clusters:
- name: nobody
  cluster: {server: 'http://127.0.0.1:1'}
contexts:
- name: there
  context: {cluster: nobody, user: me}
users:
- name: me
  user: {}
";

fn with_kubeconfig() -> Sandbox {
    let sandbox = Sandbox::with_app("").env("KUBECONFIG", "[DIR]/kubeconfig");
    sandbox.write("../kubeconfig", KUBECONFIG);
    sandbox
}

#[test]
fn without_a_kubeconfig() {
    assert_snapshot!(Sandbox::with_app("").kfctl(&["apply"]), @"
    exit: 1
    --- stdout
    --- stderr
    platform none: the cluster is there already, nothing to do
    error: there is no kubeconfig; expected --kubeconfig FILE, the variable KUBECONFIG, or ~/.kube/config
    hint: no cluster yet? `kfctl quickstart` makes one on this machine
    ");
    assert_snapshot!(Sandbox::with_app("").kfctl(&["status"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: there is no kubeconfig; expected --kubeconfig FILE, the variable KUBECONFIG, or ~/.kube/config
    hint: no cluster yet? `kfctl quickstart` makes one on this machine
    ");
}

#[test]
fn a_kubeconfig_that_is_not_there() {
    assert_snapshot!(Sandbox::with_app("").kfctl(&["status", "--kubeconfig", "nowhere"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: cannot use the kubeconfig nowhere
      it is not there
    hint: name another with --kubeconfig or the variable KUBECONFIG
    ");
}

#[test]
fn a_kubeconfig_that_is_none() {
    let sandbox = with_kubeconfig();
    sandbox.write("../kubeconfig", "hello\n");
    assert_snapshot!(sandbox.kfctl(&["status"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: cannot use the kubeconfig [DIR]/kubeconfig
      it does not read as a kubeconfig from line 1, column 1 on
    hint: `kubectl config view` shows what is in it
    ");
}

#[test]
fn a_context_that_is_not_there() {
    assert_snapshot!(with_kubeconfig().kfctl(&["apply", "k8s", "--context", "theer"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: the kubeconfig has no context "theer"
    hint: did you mean `there`?
    hint: known: there
    "#);
    assert_snapshot!(with_kubeconfig().kfctl(&["status", "--context", "theer"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: the kubeconfig has no context "theer"
    hint: did you mean `there`?
    hint: known: there
    "#);
}

#[test]
fn a_server_that_does_not_answer() {
    let sandbox = with_kubeconfig();
    assert_snapshot!(sandbox.kfctl(&["apply", "k8s", "--yes"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: cannot reach the cluster at http://127.0.0.1:1 (context there)
      Connection refused (os error 111)
    hint: is it running, and is this the right one? `kubectl config get-contexts` lists what there is; choose with --context
    ");
    assert!(!sandbox.read("app.yaml").contains("cluster:"), "no cluster is recorded");
    assert_snapshot!(sandbox.kfctl(&["status", "-o", "json"]), @r#"
    exit: 1
    --- stdout
    --- stderr
    {"event":"error","exitCode":1,"hints":["is it running, and is this the right one? `kubectl config get-contexts` lists what there is; choose with --context"],"message":"cannot reach the cluster at http://127.0.0.1:1 (context there)\n  Connection refused (os error 111)"}
    "#);
}

/// What is wrong with the files is said whether the cluster answers or not.
#[test]
fn edits_and_lost_overlays_stop_apply() {
    let sandbox = with_kubeconfig();
    sandbox.ok(&["generate", "k8s"]);
    let file = "rendered/web/configmap-kubeflow-web.yaml";
    let edited = sandbox.read(file).replace("level: info", "level: debug");
    sandbox.write(file, &edited);
    for command in [&["apply", "k8s", "--yes"][..], &["apply", "k8s", "--dry-run"], &["diff"]] {
        let said = sandbox.kfctl(command);
        for words in
            ["exit: 1", "edited by hand", "-  level: info", "+  level: debug", "hint: to keep the edits: `kfctl overlay save`"]
        {
            assert!(said.contains(words), "{command:?}: {words}: {said}");
        }
        assert_eq!(sandbox.read(file), edited, "{command:?}");
    }
    sandbox.ok(&["overlay", "save"]);
    let said = sandbox.kfctl(&["apply", "k8s", "--yes"]);
    assert!(said.contains("cannot reach the cluster"), "nothing else is in the way: {said}");
    sandbox.write("overlays/web/lost.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: wbe, namespace: kubeflow}\n");
    let said = sandbox.kfctl(&["apply", "k8s", "--yes"]);
    for words in ["exit: 1", "overlays/web/lost.yaml: matches no object", "did you mean `ConfigMap kubeflow/web`?"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!sandbox.read("app.yaml").contains("cluster:"));
}

#[test]
fn doctor_without_a_cluster() {
    assert_snapshot!(with_kubeconfig().kfctl(&["doctor"]), @"
    exit: 1
    --- stdout
    fail  server        cannot reach the cluster at http://127.0.0.1:1 (context there); Connection refused (os error 111)
                        → is it running, and is this the right one? `kubectl config get-contexts` lists what there is; choose with --context
    --- stderr
    ");
    assert_snapshot!(Sandbox::new().env("KUBECONFIG", "[DIR]/nowhere").kfctl(&["doctor", "-o", "json"]), @r#"
    exit: 1
    --- stdout
    {"check":"server","level":"fail","found":"cannot use the kubeconfig [DIR]/nowhere; it is not there","toDo":"name another with --kubeconfig or the variable KUBECONFIG"}
    --- stderr
    {"event":"note","message":"there is no app here: the cluster alone is checked"}
    "#);
}

#[test]
fn words_that_can_not_be() {
    assert_snapshot!(with_kubeconfig().kfctl(&["apply", "-c", "wbe"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: component "wbe" does not run in this app
    hint: did you mean `web`?
    hint: known: base, web
    "#);
    assert_snapshot!(with_kubeconfig().kfctl(&["apply", "everything"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: invalid value 'everything' for '[SCOPE]'
      [possible values: k8s, platform, all]

    For more information, try '--help'.
    ");
    assert_snapshot!(with_kubeconfig().kfctl(&["apply", "--timeout", "soon"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: invalid value 'soon' for '--timeout <DURATION>': expected a duration such as 90s, 10m or 1h30m

    For more information, try '--help'.
    ");
}

#[test]
fn platform_kind() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["init", "shop", "--platform", "kind"]);
    assert_snapshot!(sandbox.kfctl_in("shop", &["apply", "platform"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: kind is not installed
    hint: get it from https://kind.sigs.k8s.io (and a container engine), then run the same command again
    ");
    sandbox.program("kind", "exit 0");
    assert_snapshot!(sandbox.kfctl_in("shop", &["apply", "platform"]), @"
    exit: 0
    --- stdout
    ✓ the cluster of shop is there

    Next:
      kfctl apply k8s   bring the cluster to what the app says
    --- stderr
    ");
    sandbox.program("kind", "if [ \"$1\" = create ]; then echo no engine >&2; fi; exit 1");
    assert_snapshot!(sandbox.kfctl_in("shop", &["apply", "platform"]), @"
    exit: 1
    --- stdout
    --- stderr
    running: kind create cluster --name shop --config rendered/platform/cluster.yaml --wait 5m
    no engine
    error: kind create cluster --name shop --config rendered/platform/cluster.yaml --wait 5m failed; its own words stand above
    ");
}

#[test]
fn platform_none() {
    assert_snapshot!(Sandbox::with_app("").kfctl(&["apply", "platform"]), @"
    exit: 0
    --- stdout

    Next:
      kfctl apply k8s   bring the cluster to what the app says
    --- stderr
    platform none: the cluster is there already, nothing to do
    ");
}
