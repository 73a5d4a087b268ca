//! `kfctl init`.

use insta::assert_snapshot;

use crate::harness::Sandbox;

#[test]
fn makes_an_app() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.kfctl(&["init", "shop"]), @"
    exit: 0
    --- stdout
    ✓ app shop on platform none is in shop, with namespaces, istio, auth, profiles, dashboard, notebooks

    Next:
      cd shop
      kfctl generate k8s   render the manifests into rendered/, to look at
      kfctl apply k8s      bring the cluster to it
    --- stderr
    ");
    assert_eq!(sandbox.files(), ["shop/app.yaml"]);
    assert_snapshot!(sandbox.read("shop/app.yaml"), @"
    # What this Kubeflow is made of. Edit it by hand, or with `kfctl param` and `kfctl component`,
    # which keep comments and order; then `kfctl apply k8s`.
    apiVersion: kfctl.kubeflow.org/v1alpha1
    kind: App
    name: shop
    platform: none
    # Namespace of Kubeflow's components; profiles and their controller live in kubeflow-system.
    namespace: kubeflow
    ");
}

#[test]
fn says_so_in_json() {
    assert_snapshot!(Sandbox::new().kfctl(&["init", "shop", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"app":"shop","components":["namespaces","istio","auth","profiles","dashboard","notebooks"],"directory":"shop","platform":"none","required":[]}
    --- stderr
    "#);
}

#[test]
fn takes_values_of_parameters() {
    let sandbox = Sandbox::with_catalog();
    assert_snapshot!(sandbox.kfctl(&["init", "shop", "--set", "web.replicas=3", "--set", "web.memory=1Tb", "--name", "other"]), @"
    exit: 0
    --- stdout
    ✓ app other on platform none is in shop, with base, web

    Next:
      cd shop
      kfctl generate k8s   render the manifests into rendered/, to look at
      kfctl apply k8s      bring the cluster to it
    --- stderr
    1Tb is taken as 1T
    ");
    assert_snapshot!(sandbox.read("shop/app.yaml"), @"
    # What this Kubeflow is made of. Edit it by hand, or with `kfctl param` and `kfctl component`,
    # which keep comments and order; then `kfctl apply k8s`.
    apiVersion: kfctl.kubeflow.org/v1alpha1
    kind: App
    name: other
    platform: none
    # Namespace of Kubeflow's components; profiles and their controller live in kubeflow-system.
    namespace: kubeflow
    params:
      web:
        replicas: 3
        memory: 1T
    ");
}

#[test]
fn names_all_that_the_platform_wants_to_be_told() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.kfctl(&["init", "shop", "--platform", "azure", "--set", "auth.host=kubeflow.acme.com"]), @"
    exit: 0
    --- stdout
    ✓ app shop on platform azure is in shop, with namespaces, istio, auth, profiles, dashboard, notebooks

    Next:
      cd shop
      kfctl param set auth clientId …   Client by which people log in
      kfctl param set auth issuer …     Who issues the tokens that count, as their claim iss says
      kfctl generate k8s                render the manifests into rendered/, to look at
      kfctl apply k8s                   bring the cluster to it
    --- stderr
    ");
    assert_snapshot!(sandbox.kfctl(&["init", "other", "--platform", "gcp", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"app":"other","components":["namespaces","istio","auth","profiles","dashboard","notebooks"],"directory":"other","platform":"gcp","required":["auth.host"]}
    --- stderr
    "#);
}

#[test]
fn quiet_says_nothing() {
    assert_snapshot!(Sandbox::new().kfctl(&["init", "shop", "--quiet"]), @"
    exit: 0
    --- stdout
    --- stderr
    ");
}

#[test]
fn an_unknown_platform_names_the_nearest() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.kfctl(&["init", "shop", "--platform", "knid"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: there is no platform "knid"
    hint: did you mean `kind`?
    hint: known: aws, azure, gcp, kind, local, minikube, none
    "#);
    assert!(!sandbox.path("shop").exists());
}

#[test]
fn an_error_in_json() {
    assert_snapshot!(Sandbox::new().kfctl(&["init", "shop", "--platform", "knid", "-o", "json"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    {"event":"error","exitCode":2,"hints":["did you mean `kind`?","known: aws, azure, gcp, kind, local, minikube, none"],"message":"there is no platform \"knid\""}
    "#);
}

#[test]
fn a_directory_that_holds_something_is_refused() {
    let sandbox = Sandbox::new();
    for file in ["a", "b", "c", "d", "e", "f"] {
        sandbox.write(&format!("shop/{file}"), "");
    }
    assert_snapshot!(sandbox.kfctl(&["init", "shop"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: shop is not empty: it holds a, b, c, d, e and 1 more
    hint: name a directory that is empty, or does not exist yet
    ");
    assert!(!sandbox.path("shop/app.yaml").exists());
}

#[test]
fn an_app_is_not_made_twice() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["init", "shop"]);
    assert_snapshot!(sandbox.kfctl(&["init", "shop"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: shop is not empty: it holds app.yaml
    hint: it is an app already: `cd shop` and go on with `kfctl generate k8s`
    ");
}

#[test]
fn a_file_is_no_directory() {
    let sandbox = Sandbox::new();
    sandbox.write("shop", "");
    assert_snapshot!(sandbox.kfctl(&["init", "shop"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: cannot create shop: File exists (os error 17)
    ");
}

#[test]
fn a_directory_whose_name_can_not_be_an_apps() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.kfctl(&["init", "My_Shop"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: name: "My_Shop" can't be the name of an app; expected at most 40 lower-case letters, digits and '-', such as my-kubeflow
    hint: the directory's name is taken unless you give another: `kfctl init DIRECTORY --name NAME`
    "#);
    assert!(!sandbox.path("My_Shop").exists());
}

#[test]
fn reserved_namespaces() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.kfctl(&["init", "shop", "--namespace", "kube-system"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: namespace: "kube-system" can't be the namespace of Kubeflow's components; expected a name of its own, such as kubeflow; kube-*, default and kubeflow-system are taken
    "#);
    assert!(!sandbox.path("shop").exists());
}

#[test]
fn values_that_can_not_be_set() {
    let sandbox = Sandbox::with_catalog();
    assert_snapshot!(sandbox.kfctl(&["init", "shop", "--set", "replicas"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: --set: "replicas" sets nothing; expected COMPONENT.PARAM=VALUE, such as profiles.maxCpu=100
    "#);
    assert_snapshot!(sandbox.kfctl(&["init", "shop", "--set", "replicas=3"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: --set: "replicas=3" sets nothing; expected COMPONENT.PARAM=VALUE, such as profiles.maxCpu=100
    "#);
    assert_snapshot!(sandbox.kfctl(&["init", "shop", "--set", "wbe.replicas=3"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: there is no component "wbe"
    hint: did you mean `web`?
    hint: known: base, extra, web
    "#);
    assert_snapshot!(sandbox.kfctl(&["init", "shop", "--set", "web.replica=3"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: component web has no parameter "replica"
    hint: did you mean `replicas`?
    hint: known: level, memory, replicas
    "#);
    assert_snapshot!(sandbox.kfctl(&["init", "shop", "--set", "web.replicas=11"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: web.replicas: "11" is no int; expected a whole number from 1 to 10
    "#);
    assert!(!sandbox.path("shop").exists(), "nothing is made where a value is wrong");
}
