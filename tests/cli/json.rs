//! `-o json`: one JSON document a line for what every command has to say; and `--quiet`: nothing beside results and errors.

use insta::assert_snapshot;

use crate::harness::Sandbox;

#[test]
fn what_changes_app_yaml() {
    let sandbox = Sandbox::with_app("params: {web: {replicas: 4}}\n");
    assert_snapshot!(sandbox.kfctl(&["param", "unset", "web", "replicas", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"component":"web","param":"replicas","value":1}
    --- stderr
    "#);
    assert_snapshot!(sandbox.kfctl(&["component", "enable", "extra", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"component":"extra","runs":true}
    --- stderr
    "#);
    assert_snapshot!(sandbox.kfctl(&["component", "disable", "web", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"component":"web","runs":false}
    --- stderr
    {"event":"warning","message":"extra depends on web"}
    "#);
    assert_snapshot!(sandbox.kfctl(&["param", "set", "web", "memory", "1Tb", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"component":"web","param":"memory","value":"1T"}
    --- stderr
    {"event":"note","message":"1Tb is taken as 1T"}
    "#);
    sandbox.write("components/mine/a.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: mine}\n");
    assert_snapshot!(sandbox.kfctl(&["component", "remove", "mine", "-o", "json"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    {"event":"error","exitCode":2,"hints":["say it with --yes"],"message":"this needs a yes, and there is no terminal to ask on\n  Delete components/mine/ from the app?"}
    "#);
    assert_snapshot!(sandbox.kfctl(&["component", "remove", "mine", "--yes", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"component":"mine","removed":true}
    --- stderr
    "#);
}

#[test]
fn platforms() {
    let sandbox = Sandbox::with_app("");
    assert_snapshot!(sandbox.kfctl(&["generate", "platform", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"files":[],"platform":"none"}
    --- stderr
    "#);
    assert_snapshot!(sandbox.kfctl(&["generate", "platform"]), @"
    exit: 0
    --- stdout
    ✓ platform none has no files to render

    Next:
      kfctl apply platform   make the cluster where there is none yet
    --- stderr
    ");
    assert_snapshot!(sandbox.kfctl(&["apply", "platform", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"context":null,"event":"platform","platform":"none","state":"existing"}
    --- stderr
    {"event":"note","message":"platform none: the cluster is there already, nothing to do"}
    "#);
    let sandbox = Sandbox::new();
    sandbox.ok(&["init", "shop", "--platform", "kind"]);
    assert_snapshot!(sandbox.kfctl_in("shop", &["generate", "platform", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"files":["rendered/platform/cluster.yaml"],"platform":"kind"}
    --- stderr
    "#);
    sandbox.program("kind", "exit 0");
    assert_snapshot!(sandbox.kfctl_in("shop", &["apply", "platform", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"context":"kind-shop","event":"platform","platform":"kind","state":"existing"}
    --- stderr
    "#);
    // What the tool says is no part of the result.
    sandbox.program("kind", "if [ \"$1\" = create ]; then echo made it; else exit 1; fi");
    assert_snapshot!(sandbox.kfctl_in("shop", &["apply", "platform", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"context":"kind-shop","event":"platform","platform":"kind","state":"made"}
    --- stderr
    {"event":"note","message":"running: kind create cluster --name shop --config rendered/platform/cluster.yaml --wait 5m"}
    made it
    "#);
}

#[test]
fn the_local_control_plane() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["init", "shop", "--platform", "local"]);
    let local = |words: &[&str]| {
        let said = sandbox.kfctl_in("shop", &[&["local"], words].concat());
        let name = said.find("clusters/shop-").map(|at| said[at + 9..at + 22].to_owned());
        name.map_or_else(|| said.clone(), |name| said.replace(&name, "[CLUSTER]"))
    };
    assert_snapshot!(local(&["status", "-o", "json"]), @r#"
    exit: 1
    --- stdout
    {"name":"etcd","state":"stopped","pid":null,"log":"[DIR]/home/.local/state/kfctl/clusters/[CLUSTER]/logs/etcd.log","address":null}
    {"name":"kube-apiserver","state":"stopped","pid":null,"log":"[DIR]/home/.local/state/kfctl/clusters/[CLUSTER]/logs/kube-apiserver.log","address":null}
    {"name":"kube-controller-manager","state":"stopped","pid":null,"log":"[DIR]/home/.local/state/kfctl/clusters/[CLUSTER]/logs/kube-controller-manager.log","address":null}
    {"name":"kube-scheduler","state":"stopped","pid":null,"log":"[DIR]/home/.local/state/kfctl/clusters/[CLUSTER]/logs/kube-scheduler.log","address":null}
    {"name":"kwok","state":"stopped","pid":null,"log":"[DIR]/home/.local/state/kfctl/clusters/[CLUSTER]/logs/kwok.log","address":null}
    --- stderr
    "#);
    assert_snapshot!(local(&["status"]), @"
    exit: 1
    --- stdout
    PROCESS                  STATE    PID  ADDRESS  LOG
    etcd                     stopped                [DIR]/home/.local/state/kfctl/clusters/[CLUSTER]/logs/etcd.log
    kube-apiserver           stopped                [DIR]/home/.local/state/kfctl/clusters/[CLUSTER]/logs/kube-apiserver.log
    kube-controller-manager  stopped                [DIR]/home/.local/state/kfctl/clusters/[CLUSTER]/logs/kube-controller-manager.log
    kube-scheduler           stopped                [DIR]/home/.local/state/kfctl/clusters/[CLUSTER]/logs/kube-scheduler.log
    kwok                     stopped                [DIR]/home/.local/state/kfctl/clusters/[CLUSTER]/logs/kwok.log
    --- stderr
    ");
    assert_snapshot!(local(&["stop", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"app":"shop","state":"stopped"}
    --- stderr
    "#);
    assert_snapshot!(local(&["stop"]), @"
    exit: 0
    --- stdout
    ✓ stopped; all data is kept

    Next:
      kfctl local start   starts it again
    --- stderr
    ");
    assert_snapshot!(local(&["logs", "etdc"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: there is no process "etdc"
    hint: did you mean `etcd`?
    hint: known: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kwok
    "#);
    assert_snapshot!(local(&["logs", "etcd"]), @"
    exit: 0
    --- stdout
    --- stderr
    etcd has logged nothing yet
    ");
    assert_snapshot!(local(&["reset"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: this needs a yes, and there is no terminal to ask on
      Delete the cluster of shop with all that is in it?
    hint: say it with --yes
    ");
    assert_snapshot!(local(&["reset", "--yes", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"app":"shop","state":"deleted"}
    --- stderr
    "#);
    assert_snapshot!(local(&["reset", "--yes", "--quiet"]), @"
    exit: 0
    --- stdout
    --- stderr
    ");
}

#[test]
fn local_is_for_platform_local() {
    assert_snapshot!(Sandbox::with_app("").kfctl(&["local", "status"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: this app is on platform none, and `kfctl local` is for platform local
    hint: make another with `kfctl init DIRECTORY --platform local`
    ");
}

#[test]
fn completions_are_one_document() {
    let text = Sandbox::new().ok(&["completions", "fish", "-o", "json"]);
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["shell"], "fish");
    assert_eq!(document["script"], Sandbox::new().ok(&["completions", "fish"]));
}

/// Results stay, what was done and what could be next go.
#[test]
fn quiet_leaves_results() {
    let sandbox = Sandbox::with_app("");
    for words in [
        ["param", "set", "web", "memory", "1Tb"].as_slice(),
        &["param", "unset", "web", "memory"],
        &["component", "enable", "extra"],
        &["generate"],
        &["apply", "platform"],
    ] {
        let said = sandbox.kfctl(&[words, &["--quiet"]].concat());
        assert_eq!(said, "exit: 0\n--- stdout\n--- stderr\n", "{words:?}");
    }
    for words in [["param", "get", "web", "memory"].as_slice(), &["param", "list"], &["component", "list"], &["version"]] {
        assert_eq!(sandbox.kfctl(&[words, &["--quiet"]].concat()), sandbox.kfctl(words), "{words:?}");
    }
    assert_snapshot!(sandbox.kfctl(&["component", "disable", "web", "--quiet"]), @"
    exit: 0
    --- stdout
    --- stderr
    warning: extra depends on web
    ");
    assert_snapshot!(sandbox.kfctl(&["param", "get", "web", "memroy", "--quiet"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: component web has no parameter "memroy"
    hint: did you mean `memory`?
    hint: known: level, memory, replicas
    "#);
}

#[test]
fn words_that_can_not_be_understood() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.kfctl(&["-o", "json", "aply"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    {"event":"error","exitCode":2,"hints":["a similar subcommand exists: 'apply'","Usage: kfctl [OPTIONS] <COMMAND>","For more information, try '--help'."],"message":"unrecognized subcommand 'aply'"}
    "#);
    assert_snapshot!(sandbox.kfctl(&["apply", "--timeout", "soon", "--output=json"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    {"event":"error","exitCode":2,"hints":["For more information, try '--help'."],"message":"invalid value 'soon' for '--timeout <DURATION>': expected a duration such as 90s, 10m or 1h30m"}
    "#);
    assert!(sandbox.kfctl(&["apply", "--help", "-o", "json"]).starts_with("exit: 0"));
}
