//! What comes and goes around profiles: the mesh, templates of kinds that nobody names any longer, and the system's own namespace.

use serde_json::Value;

use crate::definition::definition;
use crate::profile_lifecycle::{BOB, JANE, Profiles};

impl Profiles {
    fn start_again(&mut self) {
        assert_eq!(self.controller.take().expect("it runs").terminate(), Some(0));
        self.start_controller();
    }

    fn start_controller(&mut self) {
        let controller = self.cluster.controller("kfctl-controller");
        self.cluster.until("the controller leads", || controller.number("kfctl_leader") == Some(1.0));
        self.controller = Some(controller);
    }

    fn templates(&self, text: &str) {
        let file = self.app.write("pull.yaml", text);
        let from = format!("--from-file={file}");
        let text =
            self.admin(&["-n", "kubeflow-system", "create", "configmap", "extra", &from, "--dry-run=client", "-o", "yaml"]);
        self.admin(&["apply", "-f", &self.app.write("extra.yaml", &text)]);
    }
}

#[test]
fn e2e_profiles_follow_what_comes_and_goes_around_them() {
    let mut test = Profiles::start();
    test.create("jane", JANE);
    the_mesh_comes_and_goes(&test);
    kinds_of_templates_are_remembered(&mut test);
    the_system_goes_and_no_user_with_it(&mut test);
}

fn the_mesh_comes_and_goes(test: &Profiles) {
    let mesh = || test.condition("jane", "MeshReady");
    assert_eq!((mesh().0.as_str(), test.condition("jane", "Ready").0.as_str()), ("MeshMissing", "NamespaceReady"));
    assert!(mesh().1.contains("authorizationpolicies.security.istio.io and requestauthentications"), "{:?}", mesh());
    for (plural, kind) in [("authorizationpolicies", "AuthorizationPolicy"), ("requestauthentications", "RequestAuthentication")]
    {
        assert_eq!(mesh().0, "MeshMissing");
        test.admin(&["create", "-f", &test.app.write("definition.yaml", &definition("security.istio.io", plural, kind))]);
    }
    test.cluster.until("the controller sees that Istio has come", || mesh().0 == "MeshNotConfigured");
    test.admin(&["delete", "crd", "requestauthentications.security.istio.io"]);
    test.cluster.until("the controller sees that a part is gone", || mesh().0 == "MeshMissing");
    assert!(!mesh().1.contains("authorizationpolicies"), "{:?}", mesh());
}

/// A template's kind leaves the `ConfigMap` while no controller runs: the next one finds what is left of it.
fn kinds_of_templates_are_remembered(test: &mut Profiles) {
    let policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: closed}\nspec: {podSelector: {}}\n";
    let limits = "apiVersion: v1\nkind: LimitRange\nmetadata: {name: more}\nspec: {limits: [{type: Pod, max: {cpu: \"4\"}}]}\n";
    test.templates(&format!("{policy}---\n{limits}"));
    test.app.kfctl(&["param", "set", "profiles", "templates", "extra"]).success();
    test.app.kfctl(&["apply", "k8s", "-c", "profiles", "--no-wait"]).success();
    let made = |test: &Profiles| test.get(&["-n", "kubeflow-jane", "get", "networkpolicy", "closed"]).is_some();
    let noted = |test: &Profiles| {
        let namespace = test.get(&["get", "namespace", "kubeflow-jane"]).expect("a namespace");
        namespace["metadata"]["annotations"]["kubeflow.org/template-kinds"].as_str().unwrap_or_default().to_owned()
    };
    test.cluster.until("the template is made", || made(test));
    assert_eq!(noted(test), "NetworkPolicy.networking.k8s.io");
    test.admin(&["-n", "kubeflow-jane", "create", "-f", &test.app.write("own.yaml", &policy.replace("closed", "of-jane"))]);
    // Steady state is none of this kind's: a controller that starts again writes nothing.
    test.settled();
    test.start_again();
    test.settled();
    assert_eq!(test.controller().requests(), 0);
    // One kind goes while nobody looks.
    assert_eq!(test.controller.take().expect("it runs").terminate(), Some(0));
    test.templates(limits);
    test.start_controller();
    test.cluster.until("what is left of it goes", || !made(test));
    test.cluster.until("it is forgotten", || noted(test).is_empty());
    assert!(test.get(&["-n", "kubeflow-jane", "get", "networkpolicy", "of-jane"]).is_some(), "somebody's own is gone");
    // And all of them.
    assert_eq!(test.controller.take().expect("it runs").terminate(), Some(0));
    test.app.kfctl(&["param", "unset", "profiles", "templates"]).success();
    test.app.kfctl(&["apply", "k8s", "-c", "profiles", "--no-wait"]).success();
    test.start_controller();
    test.cluster.until("the last goes", || test.get(&["-n", "kubeflow-jane", "get", "limitrange", "more"]).is_none());
}

/// Whoever deletes kubeflow-system by hand deletes all profiles, and no user; afterwards each gets back what was theirs.
fn the_system_goes_and_no_user_with_it(test: &mut Profiles) {
    for (name, owner) in [("bob", BOB), ("eve", "eve@foo.com"), ("abe", "abe@foo.com")] {
        test.create(name, owner);
        test.admin(&["-n", &format!("kubeflow-{name}"), "create", "configmap", "data"]);
    }
    let uids = |test: &Profiles| {
        test.admin(&["get", "namespaces", "-l", "kubeflow.org/profile", "-o", "jsonpath={.items[*].metadata.uid}"])
    };
    let before = uids(test);
    test.admin(&["delete", "namespace", "kubeflow-system", "--timeout=60s"]);
    assert_eq!(uids(test), before, "users' namespaces are gone with the system's");
    drop(test.controller.take());
    test.app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]).success();
    test.cluster.until("the token's account is there", || {
        test.cluster.kubectl(&["-n", "kubeflow-system", "get", "sa", "kfctl-controller"]).code == 0
    });
    test.start_controller();
    // The same owner gets it back.
    test.create("bob", BOB);
    assert!(test.get(&["-n", "kubeflow-bob", "get", "configmap", "data"]).is_some());
    test.cluster.kubectl_as(BOB, &["-n", "kubeflow-bob", "get", "configmap", "data"]).success();
    // Nobody else: not another owner, not a member beside the owner, not a group of the owner's name.
    let members = "      members: [{role: admin, subject: {kind: User, name: bob@acme.com}}]\n";
    test.admin(&["create", "-f", &test.manifest("jane", BOB, "")]);
    test.admin(&["create", "-f", &test.manifest("eve", "eve@foo.com", members)]);
    let group = test.manifest("abe", "abe@foo.com", "");
    let text = test.app.read("abe.profile.yaml").replace("kind: User", "kind: Group");
    test.app.write("abe.profile.yaml", &text);
    test.admin(&["create", "-f", &group]);
    for name in ["jane", "eve", "abe"] {
        test.reason(name, "NamespaceExists");
        assert!(
            test.cluster.kubectl_as(BOB, &["-n", &format!("kubeflow-{name}"), "get", "configmaps"]).stderr.contains("forbidden")
        );
    }
    assert_eq!(uids(test), before);
    assert_eq!(
        test.get(&["get", "namespace", "kubeflow-jane"]).expect("a namespace")["metadata"]["deletionTimestamp"],
        Value::Null
    );
}
