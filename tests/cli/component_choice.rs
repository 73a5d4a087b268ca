//! `kfctl component list`, `show`, `enable` and `disable`.

use insta::assert_snapshot;

use crate::harness::Sandbox;

#[test]
fn lists_and_shows() {
    let sandbox = Sandbox::with_app("");
    assert_snapshot!(sandbox.kfctl(&["component", "list"]), @"
    exit: 0
    --- stdout
    COMPONENT  RUNS  ORIGIN    DESCRIPTION
    base       yes   built-in  The namespace
    web        yes   built-in  A web server
    extra      no    built-in  Not for everybody
    --- stderr
    ");
    assert_snapshot!(sandbox.kfctl(&["component", "list", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"component":"base","description":"The namespace","origin":"built-in","runs":true}
    {"component":"web","description":"A web server","origin":"built-in","runs":true}
    {"component":"extra","description":"Not for everybody","origin":"built-in","runs":false}
    --- stderr
    "#);
    assert_snapshot!(sandbox.kfctl(&["component", "show", "web"]), @"
    exit: 0
    --- stdout
    web: A web server
    runs: yes
    depends on: base
    objects: 1
      ConfigMap kubeflow/web
    --- stderr
    ");
    assert_snapshot!(sandbox.kfctl(&["component", "show", "web", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"component":"web","dependsOn":["base"],"from":null,"objects":[{"kind":"ConfigMap","name":"web","namespace":"kubeflow"}],"runs":true}
    --- stderr
    "#);
    assert_snapshot!(sandbox.kfctl(&["component", "show", "wbe"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: there is no component "wbe"
    hint: did you mean `web`?
    hint: known: base, extra, web
    "#);
}

#[test]
fn enables_and_disables() {
    let sandbox = Sandbox::with_app("# ours\n");
    assert_snapshot!(sandbox.kfctl(&["component", "enable", "extra"]), @"
    exit: 0
    --- stdout
    ✓ component extra runs

    Next:
      kfctl apply k8s -c extra   bring it to the cluster
    --- stderr
    ");
    assert_snapshot!(sandbox.kfctl(&["component", "disable", "web"]), @"
    exit: 0
    --- stdout
    ✓ component web does not run

    Next:
      kfctl apply k8s   bring the cluster to it; what is there already stays
    --- stderr
    warning: extra depends on web
    ");
    assert_snapshot!(sandbox.read("app.yaml"), @"
    apiVersion: kfctl.kubeflow.org/v1alpha1
    kind: App
    name: shop
    platform: none
    # ours
    components:
      extra:
        enabled: true
      web:
        enabled: false
    ");
    sandbox.ok(&["component", "enable", "web"]);
    sandbox.ok(&["component", "disable", "extra"]);
    assert!(!sandbox.read("app.yaml").contains("components"));
    assert_snapshot!(sandbox.kfctl(&["component", "enable", "wbe"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: there is no component "wbe"
    hint: did you mean `web`?
    hint: known: base, extra, web
    "#);
}
