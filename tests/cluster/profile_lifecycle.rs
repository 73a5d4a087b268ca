//! From a profile to a namespace, which is kept as it should be.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{App, Cluster, Controller, signal};

pub(crate) const BOB: &str = "bob@acme.com";
pub(crate) const ABE: &str = "abe@foo.com";
pub(crate) const JANE: &str = "jane@foo.com";

/// A cluster with profiles, and one controller.
pub(crate) struct Profiles {
    pub(crate) controller: Option<Controller>,
    pub(crate) app: App,
    pub(crate) cluster: Cluster,
}

impl Profiles {
    pub(crate) fn start() -> Self {
        let cluster = Cluster::start();
        let app = cluster.init("profiles", &[]);
        app.kfctl(&["param", "set", "profiles", "deployment", "false"]).success();
        app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]).success();
        let controller = cluster.controller("kfctl-controller");
        cluster.until("the controller leads", || controller.number("kfctl_leader") == Some(1.0));
        Self { controller: Some(controller), app, cluster }
    }

    pub(crate) fn controller(&self) -> &Controller {
        self.controller.as_ref().expect("one that runs")
    }

    /// The manifest of a profile in a file, in the seed's words.
    pub(crate) fn manifest(&self, name: &str, owner: &str, more: &str) -> String {
        let text = format!(
            "apiVersion: kubeflow.org/v1alpha1\nkind: Profile\nmetadata:\n  name: {name}\n  namespace: kubeflow-system\nspec:\n  template:\n    metadata:\n      namespace: kubeflow-{name}\n    spec:\n      owner:\n        kind: User\n        apiGroup: rbac.authorization.k8s.io\n        name: {owner}\n{more}"
        );
        self.app.write(&format!("{name}.profile.yaml"), &text)
    }

    pub(crate) fn create(&self, name: &str, owner: &str) {
        self.cluster.kubectl(&["create", "-f", &self.manifest(name, owner, "")]).success();
        self.ready(name);
    }

    pub(crate) fn ready(&self, name: &str) {
        self.reason(name, "NamespaceReady");
    }

    /// Waits for the reason of condition Ready.
    pub(crate) fn reason(&self, name: &str, reason: &str) {
        self.cluster.until(&format!("profile {name} says {reason}: {}", self.controller().log()), || {
            self.condition(name, "Ready").0 == reason
        });
    }

    /// Reason and message of a condition.
    pub(crate) fn condition(&self, name: &str, condition: &str) -> (String, String) {
        let profile = self.get(&["-n", "kubeflow-system", "get", "profile", name]).unwrap_or_default();
        let all = profile["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let found = all.iter().find(|found| found["type"] == condition).cloned().unwrap_or_default();
        let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
        (text("reason"), text("message"))
    }

    /// An object, where there is one.
    pub(crate) fn get(&self, arguments: &[&str]) -> Option<Value> {
        let said = self.cluster.kubectl(&[arguments, &["-o", "json", "--ignore-not-found"]].concat());
        serde_json::from_str(&said.stdout).ok()
    }

    pub(crate) fn admin(&self, arguments: &[&str]) -> String {
        self.cluster.kubectl(arguments).success()
    }

    /// Merges into a profile, as an admin.
    pub(crate) fn change(&self, name: &str, patch: &str) {
        self.admin(&["-n", "kubeflow-system", "patch", "profile", name, "--type=merge", "-p", patch]);
    }

    /// Waits until the controller has nothing more to do.
    pub(crate) fn settled(&self) {
        let mut before = (u32::MAX, Instant::now());
        self.cluster.until("nothing more is written", || {
            let now = self.controller().requests();
            // The look is not the wait: what is looked at is that nothing comes for a while.
            if now != before.0 {
                before = (now, Instant::now());
            }
            before.1.elapsed() > Duration::from_millis(700)
        });
    }

    pub(crate) fn events(&self, namespace: &str, kind: &str, name: &str) -> String {
        let selector = format!("regarding.kind={kind},regarding.name={name}");
        self.admin(&[
            "-n",
            namespace,
            "get",
            "events.events.k8s.io",
            "--field-selector",
            &selector,
            "-o",
            "custom-columns=R:.reason,N:.note",
        ])
    }
}

/// One request for each object, and none where nothing is to be done.
#[test]
fn e2e_nothing_to_do_costs_nothing() {
    let mut test = Profiles::start();
    test.create("abe", ABE);
    assert_eq!(test.condition("abe", "MeshReady").0, "MeshMissing");
    test.settled();
    let before = test.controller().requests();
    test.create("jane", JANE);
    test.settled();
    // One for each object, and the profile's finalizer and status; before the namespace is taken into use, a look whether the profile is
    // still there. None is sent twice.
    assert_eq!(test.controller().requests() - before, 13, "{}", test.controller().metrics().expect("it runs").2);
    // Also for a controller that starts anew.
    assert_eq!(test.controller.take().expect("it runs").terminate(), Some(0));
    let lease =
        test.admin(&["-n", "kubeflow-system", "get", "lease", "kfctl-controller", "-o", "jsonpath={.spec.holderIdentity}"]);
    assert_eq!(lease, "", "the lease was not given up");
    let controller = test.cluster.controller("kfctl-controller");
    test.cluster.until("the next one leads", || controller.number("kfctl_leader") == Some(1.0));
    test.cluster.until("it has looked at all", || {
        controller.number("kfctl_reconcile_duration_seconds_count").is_some_and(|count| count >= 2.0)
    });
    assert_eq!(controller.requests(), 0, "{}", controller.metrics().expect("it runs").2);
}

/// What is deleted or edited by hand comes back.
#[test]
fn e2e_what_is_kept_comes_back() {
    let test = Profiles::start();
    let member = "      members:\n      - {role: edit, subject: {kind: User, name: eve@foo.com}}\n      - {role: view, subject: {kind: Group, name: team}}\n";
    test.admin(&["create", "-f", &test.manifest("jane", JANE, member)]);
    test.ready("jane");
    test.settled();
    let spec = |object: &str| {
        let (kind, name) = object.split_once('/').expect("kind/name");
        let namespace = if kind == "namespace" { "default" } else { "kubeflow-jane" };
        let mut object = test.get(&["-n", namespace, "get", kind, name])?;
        for field in ["resourceVersion", "uid", "creationTimestamp", "managedFields"] {
            object["metadata"].as_object_mut()?.remove(field);
        }
        object.as_object_mut()?.remove("status");
        Some(object)
    };
    let names = test.admin(&[
        "-n",
        "kubeflow-jane",
        "get",
        "roles,rolebindings,serviceaccounts,resourcequotas,limitranges",
        "-l",
        "kubeflow.org/profile=jane",
        "-o",
        "name",
    ]);
    let objects: Vec<String> = names.lines().map(|name| name.replace(".rbac.authorization.k8s.io", "")).collect();
    assert_eq!(objects.len(), 10, "{names}");
    for object in &objects {
        let before = spec(object).expect("it is there");
        test.admin(&["-n", "kubeflow-jane", "delete", object]);
        let deleted = Instant::now();
        test.cluster.until(&format!("{object} comes back"), || spec(object).as_ref() == Some(&before));
        eprintln!("{object} is back after {:?}", deleted.elapsed());
    }
    for (object, patch) in [
        (
            "role/default",
            r#"[{"op": "replace", "path": "/rules", "value": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}]"#,
        ),
        ("role/default", r#"[{"op": "remove", "path": "/metadata/labels"}]"#),
        (
            "rolebinding/namespaceAdmin",
            r#"[{"op": "add", "path": "/subjects/-", "value": {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "mallory"}}]"#,
        ),
        ("rolebinding/namespaceAdmin", r#"[{"op": "replace", "path": "/metadata/annotations/role", "value": "view"}]"#),
        (
            "rolebinding/default-editor",
            r#"[{"op": "replace", "path": "/metadata/labels/kubeflow.org~1profile", "value": "bob"}]"#,
        ),
        ("limitrange/kf-limits", r#"[{"op": "replace", "path": "/spec/limits", "value": []}]"#),
        ("serviceaccount/default-editor", r#"[{"op": "remove", "path": "/metadata/labels/kubeflow.org~1profile-uid"}]"#),
        (
            "namespace/kubeflow-jane",
            r#"[{"op": "replace", "path": "/metadata/labels/pod-security.kubernetes.io~1enforce", "value": "privileged"}]"#,
        ),
        ("namespace/kubeflow-jane", r#"[{"op": "replace", "path": "/metadata/annotations/owner", "value": "mallory"}]"#),
        ("namespace/kubeflow-jane", r#"[{"op": "remove", "path": "/metadata/labels/app.kubernetes.io~1part-of"}]"#),
    ] {
        let before = spec(object).expect("it is there");
        test.admin(&["-n", "kubeflow-jane", "patch", object, "--type=json", "-p", patch]);
        test.cluster.until(&format!("{object} is as before {patch}"), || spec(object).as_ref() == Some(&before));
    }
    // Another binding in the place of ours: what it refers to can't be changed.
    test.settled();
    let before = spec("rolebinding/namespaceAdmin").expect("it is there");
    signal("STOP", test.controller().pid());
    test.admin(&["-n", "kubeflow-jane", "delete", "rolebinding", "namespaceAdmin"]);
    test.admin(&["-n", "kubeflow-jane", "create", "rolebinding", "namespaceAdmin", "--clusterrole=view", "--user=mallory"]);
    signal("CONT", test.controller().pid());
    test.cluster.until("the owner's binding is as before", || spec("rolebinding/namespaceAdmin").as_ref() == Some(&before));
    // What others add beside ours stays.
    test.admin(&["label", "namespace", "kubeflow-jane", "team=a"]);
    test.admin(&["-n", "kubeflow-jane", "create", "rolebinding", "extra", "--clusterrole=view", "--user=ann@foo.com"]);
    // A component adds to edit: it reaches what is shared.
    let rule = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: addition\n  labels: {rbac.authorization.kubeflow.org/aggregate-to-kubeflow-edit: \"true\"}\nrules:\n- {apiGroups: [example.com], resources: [jobs], verbs: [create]}\n";
    test.admin(&["apply", "-f", &test.app.write("addition.yaml", rule)]);
    test.cluster.until("Role default follows kubeflow-edit", || {
        spec("role/default").is_some_and(|role| role["rules"].to_string().contains("example.com"))
    });
    // The namespace itself: it is made again once it is gone.
    test.admin(&["delete", "namespace", "kubeflow-jane", "--timeout=60s"]);
    test.cluster.until("the namespace is made again", || {
        spec("rolebinding/namespaceAdmin").as_ref() == Some(&before) && test.condition("jane", "Ready").0 == "NamespaceReady"
    });
    // Members go with the profile's word.
    test.admin(&[
        "-n",
        "kubeflow-system",
        "patch",
        "profile",
        "jane",
        "--type=json",
        "-p",
        r#"[{"op": "remove", "path": "/spec/template/spec/members"}]"#,
    ]);
    test.cluster.until("the members are out", || {
        !test.admin(&["-n", "kubeflow-jane", "get", "rolebindings", "-o", "name"]).contains("member-")
    });
}
