//! `kfctl param`.

use insta::assert_snapshot;

use crate::harness::Sandbox;

#[test]
fn sets_what_people_write() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["init", "shop"]);
    assert_snapshot!(sandbox.kfctl_in("shop", &["param", "set", "profiles", "maxCpu", "100"]), @"
    exit: 0
    --- stdout
    ✓ profiles.maxCpu = 100

    Next:
      kfctl apply k8s -c profiles   bring the cluster to it
    --- stderr
    ");
}

#[test]
fn keeps_comments_and_says_how_a_value_was_taken() {
    let sandbox =
        Sandbox::with_app("# ours\nparams:\n  web:\n    # enough for a year\n    memory: 1G   # was 512M\nnamespace: kubeflow\n");
    assert_snapshot!(sandbox.kfctl(&["param", "set", "web", "memory", "1Tb"]), @"
    exit: 0
    --- stdout
    ✓ web.memory = 1T

    Next:
      kfctl apply k8s -c web   bring the cluster to it
    --- stderr
    1Tb is taken as 1T
    ");
    assert_snapshot!(sandbox.kfctl(&["param", "set", "web", "replicas", "2", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"component":"web","param":"replicas","value":2}
    --- stderr
    "#);
    assert_snapshot!(sandbox.read("app.yaml"), @"
    apiVersion: kfctl.kubeflow.org/v1alpha1
    kind: App
    name: shop
    platform: none
    # ours
    params:
      web:
        # enough for a year
        memory: 1T   # was 512M
        replicas: 2
    namespace: kubeflow
    ");
}

#[test]
fn gets_lists_and_unsets() {
    let sandbox = Sandbox::with_app("params: {web: {replicas: 4}}\n");
    assert_snapshot!(sandbox.kfctl(&["param", "get", "web", "replicas"]), @"
    exit: 0
    --- stdout
    4
    --- stderr
    ");
    assert_snapshot!(sandbox.kfctl(&["param", "get", "web", "replicas", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"component":"web","param":"replicas","value":4}
    --- stderr
    "#);
    assert_snapshot!(sandbox.kfctl(&["param", "list"]), @"
    exit: 0
    --- stdout
    PARAM         VALUE  DEFAULT  TYPE      MEANING
    web.level     info   info     enum      What is logged
    web.memory    64Mi   64Mi     quantity  Memory of each
    web.replicas  4      1        int       How many
    --- stderr
    ");
    assert_snapshot!(sandbox.kfctl(&["param", "list", "web", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"component":"web","default":"info","description":"What is logged","origin":"default","param":"level","type":"enum","value":"info"}
    {"component":"web","default":"64Mi","description":"Memory of each","origin":"default","param":"memory","type":"quantity","value":"64Mi"}
    {"component":"web","default":1,"description":"How many","origin":"app","param":"replicas","type":"int","value":4}
    --- stderr
    "#);
    assert_snapshot!(sandbox.kfctl(&["param", "unset", "web", "replicas"]), @"
    exit: 0
    --- stdout
    ✓ web.replicas is back at its default, 1

    Next:
      kfctl apply k8s -c web   bring the cluster to it
    --- stderr
    ");
    assert_snapshot!(sandbox.kfctl(&["param", "unset", "web", "replicas"]), @"
    exit: 0
    --- stdout
    ✓ web.replicas is back at its default, 1

    Next:
      kfctl apply k8s -c web   bring the cluster to it
    --- stderr
    ");
    assert!(!sandbox.read("app.yaml").contains("params"));
}

#[test]
fn the_error_names_what_is_known() {
    let sandbox = Sandbox::with_app("");
    let before = sandbox.read("app.yaml");
    assert_snapshot!(sandbox.kfctl(&["param", "set", "wbe", "memory", "1G"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: there is no component "wbe"
    hint: did you mean `web`?
    hint: known: base, extra, web
    "#);
    assert_snapshot!(sandbox.kfctl(&["param", "set", "web", "memroy", "1G"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: component web has no parameter "memroy"
    hint: did you mean `memory`?
    hint: known: level, memory, replicas
    "#);
    assert_snapshot!(sandbox.kfctl(&["param", "set", "web", "memory", "lots"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: web.memory: "lots" is no quantity; expected a quantity of Kubernetes, not negative: 100, 500m, 64Gi, 1T
    "#);
    assert_snapshot!(sandbox.kfctl(&["param", "set", "web", "memory", "64mb"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: web.memory: "64mb" is no quantity; expected a quantity of Kubernetes, not negative: 100, 500m, 64Gi, 1T
    "#);
    assert_snapshot!(sandbox.kfctl(&["param", "set", "web", "replicas", "-1"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: web.replicas: "-1" is no int; expected a whole number from 1 to 10
    "#);
    assert_snapshot!(sandbox.kfctl(&["param", "set", "web", "level", "loud"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: web.level: "loud" is no enum; expected one of info, debug
    "#);
    assert_snapshot!(sandbox.kfctl(&["param", "get", "web", "memroy"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: component web has no parameter "memroy"
    hint: did you mean `memory`?
    hint: known: level, memory, replicas
    "#);
    assert_snapshot!(sandbox.kfctl(&["param", "list", "extra"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: component "extra" does not run in this app
    hint: known: base, web
    "#);
    assert_eq!(sandbox.read("app.yaml"), before);
}

#[test]
fn a_component_of_ones_own_has_none() {
    let sandbox = Sandbox::with_app("");
    sandbox.write("components/mine/a.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: mine}\n");
    assert_snapshot!(sandbox.kfctl(&["param", "set", "mine", "size", "1"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: component mine is your own: it has manifests and no parameters
    hint: edit components/mine/, or put partial objects in overlays/mine/
    ");
}
