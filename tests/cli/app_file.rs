//! What stands in app.yaml, and what is said where it can't be.

use insta::assert_snapshot;

use crate::harness::Sandbox;

fn generate(app: &str) -> String {
    let sandbox = Sandbox::with_app(app);
    let said = sandbox.kfctl(&["generate", "k8s"]);
    assert_eq!(sandbox.files(), ["app.yaml"], "nothing is rendered from a file that is wrong");
    said
}

fn whole(text: &[u8]) -> String {
    let sandbox = Sandbox::with_catalog();
    sandbox.write("app.yaml", text);
    sandbox.kfctl(&["generate", "k8s"])
}

#[test]
fn values() {
    assert_snapshot!(generate("params:\n  web:\n    memroy: 1G\n"), @r#"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/apps/app.yaml:7:13: params.web.memroy: component web has no parameter "memroy"
    hint: did you mean `memory`?
    hint: known: level, memory, replicas
    "#);
    assert_snapshot!(generate("params:\n  web:\n    memory: lots\n"), @r#"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/apps/app.yaml:7:13: params.web.memory: "lots" is no quantity; expected a quantity of Kubernetes, not negative: 100, 500m, 64Gi, 1T
    "#);
    assert_snapshot!(generate("params:\n  web:\n    memory: [1, 2]\n"), @"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/apps/app.yaml:7:13: params.web.memory: a list, a map or nothing is no value for a parameter; expected a quantity of Kubernetes, not negative: 100, 500m, 64Gi, 1T
    ");
    assert_snapshot!(generate("params:\n  wbe:\n    memory: 1G\n"), @r#"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/apps/app.yaml:7:5: params.wbe: there is no component "wbe"
    hint: did you mean `web`?
    hint: known: base, extra, web
    "#);
    assert_snapshot!(generate("components:\n  wbe: {enabled: true}\n"), @r#"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/apps/app.yaml:6:8: components.wbe: there is no component "wbe"
    hint: did you mean `web`?
    hint: known: base, extra, web
    "#);
}

#[test]
fn fields() {
    assert_snapshot!(generate("colour: red\n"), @"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/apps/app.yaml:5:1: colour: there is no such field
    hint: known: apiVersion, kind, name, platform, namespace, components, params, cluster
    ");
    assert_snapshot!(generate("params:\n  web: {memory: 1G}\n  web: {memory: 2G}\n"), @"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/apps/app.yaml:7:3: duplicate mapping key: web
    ");
    assert_snapshot!(generate("namespace: default\n"), @r#"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/apps/app.yaml:5:12: namespace: "default" can't be the namespace of Kubeflow's components; expected a name of its own, such as kubeflow; kube-*, default and kubeflow-system are taken
    "#);
    assert_snapshot!(generate("params:\n\tweb: {}\n"), @"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/apps/app.yaml:6:2: tabs disallowed within this context (block indentation)
    ");
}

#[test]
fn the_file_as_a_whole() {
    assert_snapshot!(whole(b""), @"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/apps/app.yaml: the file is empty; expected an app as `kfctl init` writes it
    ");
    assert_snapshot!(whole(b"name: shop\n"), @"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/apps/app.yaml: apiVersion: missing; expected kfctl.kubeflow.org/v1alpha1
    ");
    assert_snapshot!(whole(b"- a\n- b\n"), @"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/apps/app.yaml:1:1: no fields here; expected a map of fields
    ");
    assert_snapshot!(whole(b"apiVersion: kfctl.kubeflow.org/v2\nkind: App\nfuture: 1\n"), @r#"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/apps/app.yaml:1:13: apiVersion: "kfctl.kubeflow.org/v2" is not known here; expected kfctl.kubeflow.org/v1alpha1
    hint: the app was made by a newer kfctl: update this one
    "#);
    assert_snapshot!(whole(b"apiVersion: kfctl.kubeflow.org/v1alpha1\nkind: App\nname: \xff\n"), @"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/apps/app.yaml:3:7: not UTF-8 text; expected YAML in UTF-8
    ");
    assert_snapshot!(whole(b"apiVersion: kfctl.kubeflow.org/v1alpha1\nkind: App\nname: shop\nplatform: nnoe\n"), @r#"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/apps/app.yaml:4:11: platform: there is no platform "nnoe"
    hint: did you mean `none`?
    hint: known: none
    "#);
}

#[test]
fn outside_of_an_app() {
    for command in [["generate"].as_slice(), &["apply"], &["status"], &["param", "list"], &["component", "list"]] {
        let said = Sandbox::new().kfctl(command);
        assert!(said.starts_with("exit: 2\n--- stdout\n--- stderr\nerror: there is no app here"), "{command:?}: {said}");
    }
    assert_snapshot!(Sandbox::new().kfctl(&["generate"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: there is no app here: neither [DIR]/apps nor a directory above it has an app.yaml
    hint: make one with `kfctl init DIRECTORY`, then `cd DIRECTORY`
    ");
}
