//! `kfctl generate`.

use insta::assert_snapshot;

use crate::harness::Sandbox;

const OVERLAY: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n  namespace: kubeflow\n";

#[test]
fn renders_one_object_a_file() {
    let sandbox = Sandbox::with_app("params: {web: {memory: 1Tb}}\n");
    assert_snapshot!(sandbox.kfctl(&["generate"]), @"
    exit: 0
    --- stdout
    ✓ rendered/base: 1 object
    ✓ rendered/web: 1 object

    Next:
      kfctl apply k8s   bring the cluster to it
    --- stderr
    web.memory: 1Tb is taken as 1T
    ");
    assert_eq!(
        sandbox.files(),
        [
            "app.yaml",
            "rendered/base/SHA256SUMS",
            "rendered/base/namespace-kubeflow.yaml",
            "rendered/web/SHA256SUMS",
            "rendered/web/configmap-kubeflow-web.yaml"
        ]
    );
    assert_snapshot!(sandbox.read("rendered/web/configmap-kubeflow-web.yaml"), @r#"
    apiVersion: v1
    data:
      app: shop
      level: info
      memory: 1T
      replicas: "1"
    kind: ConfigMap
    metadata:
      name: web
      namespace: kubeflow
    "#);
}

#[test]
fn says_so_in_json() {
    assert_snapshot!(Sandbox::with_app("").kfctl(&["generate", "k8s", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"component":"base","objects":1}
    {"component":"web","objects":1}
    --- stderr
    "#);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let bytes = |sandbox: &Sandbox, below: &str| -> Vec<(String, String)> {
        let files = sandbox.files().into_iter().filter(|file| file.starts_with(below));
        files.map(|file| (file[below.len()..].to_owned(), sandbox.read(&file))).collect()
    };
    // The catalog of the binary; two directories of the same name; a kubeconfig that leads nowhere.
    let sandbox = Sandbox::new().env("KUBECONFIG", "[DIR]/nowhere");
    for place in ["one", "two"] {
        sandbox.write(&format!("{place}/note"), "");
        sandbox.ok(&["init", &format!("{place}/shop"), "--quiet"]);
        assert!(sandbox.kfctl_in(&format!("{place}/shop"), &["component", "disable", "istio"]).starts_with("exit: 0"));
        let output = sandbox.command(&format!("{place}/shop"), &["generate", "k8s"]).output().unwrap();
        assert!(output.status.success());
    }
    let first = bytes(&sandbox, "one/shop/");
    assert!(first.len() > 2);
    assert_eq!(first, bytes(&sandbox, "two/shop/"));
    assert!(sandbox.command("one/shop", &["generate", "k8s"]).output().unwrap().status.success());
    assert_eq!(first, bytes(&sandbox, "one/shop/"));
}

#[test]
fn an_error_of_a_template_names_its_line() {
    let sandbox = Sandbox::with_app("");
    sandbox
        .write("../catalog/templates/web/web.yaml.j2", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ params.nmae }}\n");
    assert_snapshot!(sandbox.kfctl(&["generate", "k8s"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/catalog/templates/web/web.yaml.j2:4:1: undefined value: `params.nmae` is undefined
    ");
    sandbox.write("../catalog/templates/web/web.yaml.j2", "apiVersion: v1\n{% if %}\n");
    assert_snapshot!(sandbox.kfctl(&["generate", "k8s"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/catalog/templates/web/web.yaml.j2:2:1: syntax error: unexpected end of block
    ");
    assert_eq!(sandbox.files(), ["app.yaml"]);
}

#[test]
fn a_catalog_that_is_not_there() {
    let sandbox = Sandbox::with_app("").env("KFCTL_CATALOG", "[DIR]/nowhere");
    assert_snapshot!(sandbox.kfctl(&["generate"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: cannot read [DIR]/nowhere/templates/: No such file or directory (os error 2)
    ");
}

#[test]
fn overlays_are_merged() {
    let sandbox = Sandbox::with_app("");
    sandbox.write("overlays/web/more.yaml", format!("{OVERLAY}data:\n  level: null\n  colour: red\n"));
    sandbox.ok(&["generate", "k8s"]);
    assert_snapshot!(sandbox.read("rendered/web/configmap-kubeflow-web.yaml"), @r#"
    apiVersion: v1
    data:
      app: shop
      colour: red
      memory: 64Mi
      replicas: "1"
    kind: ConfigMap
    metadata:
      name: web
      namespace: kubeflow
    "#);
}

#[test]
fn an_overlay_that_matches_nothing() {
    let sandbox = Sandbox::with_app("");
    sandbox.write("overlays/web/more.yaml", OVERLAY.replace("name: web", "name: wbe"));
    assert_snapshot!(sandbox.kfctl(&["generate", "k8s"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: overlays/web/more.yaml: matches no object: there is no ConfigMap kubeflow/wbe; expected apiVersion, kind, name and namespace of a rendered object
    hint: did you mean `ConfigMap kubeflow/web`?
    hint: the files in rendered/ show what there is
    ");
}

#[test]
fn an_overlay_of_no_component() {
    let sandbox = Sandbox::with_app("");
    sandbox.write("overlays/wbe/more.yaml", OVERLAY);
    assert_snapshot!(sandbox.kfctl(&["generate", "k8s"]), @r#"
    exit: 1
    --- stdout
    --- stderr
    error: overlays/wbe: there is no component "wbe"
    hint: did you mean `web`?
    hint: known: base, extra, web
    "#);
}

#[test]
fn edits_by_hand_are_not_lost() {
    let sandbox = Sandbox::with_app("");
    sandbox.ok(&["generate", "k8s"]);
    let file = "rendered/web/configmap-kubeflow-web.yaml";
    let rendered = sandbox.read(file);
    let edited = rendered.replace("level: info", "level: debug");
    assert_ne!(rendered, edited);
    sandbox.write(file, &edited);
    assert_snapshot!(sandbox.kfctl(&["generate", "k8s"]), @r#"
    exit: 1
    --- stdout
    --- stderr
    error: files in rendered/ were edited by hand; a new rendering would lose that
      rendered/web/configmap-kubeflow-web.yaml:
      --- rendered
      +++ edited
      @@ -1,7 +1,7 @@
       apiVersion: v1
       data:
         app: shop
      -  level: info
      +  level: debug
         memory: 64Mi
         replicas: "1"
       kind: ConfigMap
    hint: to keep the edits: `kfctl overlay save` writes them to overlays/
    hint: to drop the edits: `kfctl generate k8s --discard-edits`
    "#);
    assert_eq!(sandbox.read(file), edited);
    assert_snapshot!(sandbox.kfctl(&["generate", "k8s", "--discard-edits"]), @"
    exit: 0
    --- stdout
    ✓ rendered/base: 1 object
    ✓ rendered/web: 1 object

    Next:
      kfctl apply k8s   bring the cluster to it
    --- stderr
    ");
    assert_eq!(sandbox.read(file), rendered);
    std::fs::remove_file(sandbox.path(file)).unwrap();
    assert_snapshot!(sandbox.kfctl(&["generate", "k8s"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: files in rendered/ were edited by hand; a new rendering would lose that
      rendered/web/configmap-kubeflow-web.yaml: deleted
    hint: to keep the edits: `kfctl overlay save` writes them to overlays/
    hint: to drop the edits: `kfctl generate k8s --discard-edits`
    ");
}

#[test]
fn a_link_out_of_the_app() {
    let sandbox = Sandbox::with_app("");
    sandbox.write("../secret.yaml", OVERLAY);
    sandbox.write("overlays/web/keep.txt", "");
    std::os::unix::fs::symlink("../../../secret.yaml", sandbox.path("overlays/web/link.yaml")).unwrap();
    assert_snapshot!(sandbox.kfctl(&["generate", "k8s"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: overlays/web/link.yaml: leads out of the app directory; expected files of the app itself
    ");
}

#[test]
fn two_objects_of_one_identity() {
    let sandbox = Sandbox::with_app("");
    sandbox.write("components/mine/a.yaml", OVERLAY);
    sandbox.write("components/mine/b.yaml", OVERLAY);
    assert_snapshot!(sandbox.kfctl(&["generate", "k8s"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: components/mine/b.yaml: component mine has ConfigMap kubeflow/web twice
      the first is in components/mine/a.yaml
    hint: remove one of the two
    ");
    assert!(!sandbox.path("rendered").exists());
}

#[test]
fn an_object_without_a_name() {
    let sandbox = Sandbox::with_app("");
    sandbox.write("components/mine/a.yaml", "apiVersion: v1\nkind: ConfigMap\n");
    assert_snapshot!(sandbox.kfctl(&["generate", "k8s"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: components/mine/a.yaml:1:1: metadata.name: missing in ConfigMap; expected a Kubernetes object with apiVersion, kind and metadata.name
    ");
}

#[test]
fn the_files_of_a_platform() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["init", "shop", "--platform", "kind"]);
    assert_snapshot!(sandbox.kfctl_in("shop", &["generate", "platform"]), @"
    exit: 0
    --- stdout
    ✓ rendered rendered/platform/cluster.yaml

    Next:
      kfctl apply platform   make the cluster where there is none yet
    --- stderr
    ");
    assert_snapshot!(sandbox.read("shop/rendered/platform/cluster.yaml"), @r#"
    kind: Cluster
    apiVersion: kind.x-k8s.io/v1alpha4
    name: "shop"
    nodes:
    - role: control-plane
    - role: worker
    "#);
    // No overlay could say what a hand has edited here.
    let edited = format!("{}- role: worker\n", sandbox.read("shop/rendered/platform/cluster.yaml"));
    sandbox.write("shop/rendered/platform/cluster.yaml", &edited);
    assert_snapshot!(sandbox.kfctl_in("shop", &["generate", "platform"]), @"
    exit: 0
    --- stdout

    Next:
      kfctl apply platform   make the cluster where there is none yet
    --- stderr
    rendered/platform/cluster.yaml was edited by hand and is used as it stands
    to make it anew: `kfctl generate platform --discard-edits`
    ");
    assert_eq!(sandbox.read("shop/rendered/platform/cluster.yaml"), edited);
    assert!(sandbox.kfctl_in("shop", &["generate", "platform", "--discard-edits"]).starts_with("exit: 0"));
    assert_ne!(sandbox.read("shop/rendered/platform/cluster.yaml"), edited);
}

#[test]
fn two_components_with_one_object() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["init", "shop"]);
    assert!(sandbox.kfctl_in("shop", &["component", "disable", "istio"]).starts_with("exit: 0"));
    for name in ["one", "two"] {
        let folder = format!("shop/components/{name}");
        sandbox.write(&format!("{folder}/web.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n");
    }
    assert_snapshot!(sandbox.kfctl_in("shop", &["generate", "k8s"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: components one and two both bring ConfigMap web
      rendered/one/configmap-web.yaml
      rendered/two/configmap-web.yaml
    hint: remove one of the two, or disable a component: `kfctl component disable one`
    ");
    assert!(!sandbox.files().iter().any(|file| file.contains("rendered/")), "something was written");
}

#[test]
fn one_replica_has_no_disruption_budget() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["init", "shop"]);
    for component in ["istio", "auth", "dashboard"] {
        assert!(sandbox.kfctl_in("shop", &["component", "disable", component]).starts_with("exit: 0"));
    }
    let budgets = || sandbox.files().into_iter().filter(|file| file.contains("poddisruptionbudget")).count();
    assert!(sandbox.kfctl_in("shop", &["generate", "k8s"]).starts_with("exit: 0"));
    assert_eq!(budgets(), 1);
    sandbox.kfctl_in("shop", &["param", "set", "profiles", "replicas", "1"]);
    assert!(sandbox.kfctl_in("shop", &["generate", "k8s"]).starts_with("exit: 0"));
    assert_eq!(budgets(), 0);
}
