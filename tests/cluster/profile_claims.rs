//! Whose a namespace is, and how it ends: where users' data is gained, handed over or lost.

use serde_json::{Value, json};

use crate::harness::signal;
use crate::profile_lifecycle::{ABE, BOB, JANE, Profiles};
use crate::profile_process::numbers_and_log_tell;

fn subjects(test: &Profiles, namespace: &str) -> String {
    let binding = test.get(&["-n", namespace, "get", "rolebinding", "namespaceAdmin"]).unwrap_or_default();
    binding["subjects"][0]["name"].as_str().unwrap_or_default().to_owned()
}

const ANN: &str = "ann@foo.com";

/// A profile's namespace under another name than its own.
fn claiming(test: &Profiles, name: &str, owner: &str, namespace: &str) -> String {
    let file = test.manifest(name, owner, "");
    let text = test.app.read(&format!("{name}.profile.yaml")).replace(&format!("kubeflow-{name}\n"), &format!("{namespace}\n"));
    std::fs::write(&file, text).expect("the file can be written");
    file
}

#[test]
fn e2e_two_profiles_never_share_a_namespace() {
    let test = Profiles::start();
    test.create("jane", JANE);
    // The second waits, and says for whom.
    test.admin(&["create", "-f", &claiming(&test, "second", BOB, "kubeflow-jane")]);
    test.reason("second", "NamespaceTaken");
    assert!(test.condition("second", "Ready").1.contains("is that of profile jane"), "{:?}", test.condition("second", "Ready"));
    assert_eq!(subjects(&test, "kubeflow-jane"), JANE);
    // One that was there before is nobody's.
    test.admin(&["create", "namespace", "kubeflow-old"]);
    test.admin(&["-n", "kubeflow-old", "create", "configmap", "data", "--from-literal=a=b"]);
    test.admin(&["-n", "kubeflow-old", "create", "rolebinding", "before", "--clusterrole=view", "--user=eve@foo.com"]);
    test.admin(&["create", "-f", &test.manifest("old", ABE, "")]);
    test.reason("old", "NamespaceExists");
    assert_eq!(subjects(&test, "kubeflow-old"), "");
    let said = test.condition("old", "Ready").1;
    let command = said.split("kubectl ").nth(1).expect("the command that helps").to_owned();
    // Named for another profile, it stays so. Its owner-to-be can't say it either.
    test.admin(&["annotate", "namespace", "kubeflow-old", "kubeflow.org/adopt=other"]);
    let words: Vec<&str> = command.split(' ').chain(["--overwrite"]).collect();
    assert!(test.cluster.kubectl_as(ABE, &words).stderr.contains("forbidden"));
    test.settled();
    assert_eq!(subjects(&test, "kubeflow-old"), "");
    test.admin(&words);
    test.ready("old");
    assert_eq!(subjects(&test, "kubeflow-old"), ABE);
    assert!(test.get(&["-n", "kubeflow-old", "get", "configmap", "data"]).is_some(), "the data is gone");
    // What was given in it before stays, and is named.
    assert!(test.get(&["-n", "kubeflow-old", "get", "rolebinding", "before"]).is_some());
    test.cluster.until("the rights that stay are named", || {
        let said = test.events("kubeflow-system", "Profile", "old");
        said.contains("RightsKept") && said.contains("before (view for eve@foo.com)")
    });
    let annotations = test.get(&["get", "namespace", "kubeflow-old"]).expect("a namespace")["metadata"]["annotations"].clone();
    assert_eq!(annotations["kubeflow.org/adopt"], Value::Null, "a later profile of this name could take it");
    // The first goes: the second gets a namespace of its own, empty.
    test.admin(&["-n", "kubeflow-jane", "create", "configmap", "data", "--from-literal=a=b"]);
    test.admin(&["-n", "kubeflow-system", "delete", "profile", "jane", "--timeout=60s"]);
    test.ready("second");
    assert_eq!(subjects(&test, "kubeflow-jane"), BOB);
    assert!(test.get(&["-n", "kubeflow-jane", "get", "configmap", "data"]).is_none(), "data of another");
    // A profile that waited goes, and takes nothing with it.
    test.admin(&["create", "-f", &claiming(&test, "third", ABE, "kubeflow-jane")]);
    test.reason("third", "NamespaceTaken");
    test.admin(&["-n", "kubeflow-system", "delete", "profile", "third", "--timeout=60s"]);
    assert_eq!(subjects(&test, "kubeflow-jane"), BOB);
}

#[test]
fn e2e_a_new_owner_is_in_and_the_old_one_out() {
    let test = Profiles::start();
    test.create("jane", JANE);
    let make = |user: &str, name: &str| test.cluster.kubectl_as(user, &["-n", "kubeflow-jane", "create", "configmap", name]);
    test.cluster.until("jane is in", || make(JANE, "janes").code == 0);
    // She had kept a door open for herself, alone and beside another.
    let share = |arguments: &[&str]| {
        test.cluster.kubectl_as(JANE, &[&["-n", "kubeflow-jane", "create", "rolebinding"], arguments].concat()).success()
    };
    share(&["door", "--role=default", "--user=jane@foo.com"]);
    share(&["both", "--role=default", "--user=jane@foo.com", "--user=bob@acme.com"]);
    test.change("jane", r#"{"spec": {"template": {"spec": {"owner": {"name": "abe@foo.com"}}}}}"#);
    test.cluster.until("abe owns it", || subjects(&test, "kubeflow-jane") == ABE);
    test.cluster.until("abe is in", || make(ABE, "abes").code == 0);
    test.cluster.until("jane is out", || make(JANE, "more").stderr.contains("forbidden"));
    test.cluster.until("bob still is in", || make(BOB, "bobs").code == 0);
    assert!(test.get(&["-n", "kubeflow-jane", "get", "configmap", "janes"]).is_some());
    test.settled();
    let annotations =
        || test.get(&["get", "namespace", "kubeflow-jane"]).expect("a namespace")["metadata"]["annotations"].clone();
    assert_eq!(annotations(), json!({"owner": ABE}));
    test.cluster.until("it is said what was taken", || {
        let said = test.events("kubeflow-system", "Profile", "jane");
        said.contains("RightsTaken") && said.contains("jane@foo.com had been given rights") && said.contains("door (default)")
    });

    // A group of the same name is another owner.
    let keep = |user: &str, name: &str, role: &str| {
        let words = ["-n", "kubeflow-jane", "create", "rolebinding", name, role, &format!("--user={user}")];
        test.cluster.until(&format!("{user} keeps {name}"), || test.cluster.kubectl_as(user, &words).code == 0);
    };
    keep(ABE, "abes", "--role=default");
    test.change("jane", r#"{"spec": {"template": {"spec": {"owner": {"kind": "Group"}}}}}"#);
    test.cluster.until("the user is out", || make(ABE, "more").stderr.contains("forbidden"));
    test.settled();
    assert_eq!(annotations(), json!({"owner": ABE, "kubeflow.org/owner-identity": "Group abe@foo.com"}));
    test.cluster.kubectl(&["--as=eve@foo.com", "--as-group=abe@foo.com", "-n", "kubeflow-jane", "get", "pods"]).success();

    // So is a member of role admin who leaves, whatever they gave themselves; those they shared with stay.
    let members =
        |members: &Value| test.change("jane", &json!({"spec": {"template": {"spec": {"members": members}}}}).to_string());
    members(&json!([{"role": "admin", "subject": {"kind": "User", "name": ANN}}]));
    keep(ANN, "anns", "--role=default");
    keep(ANN, "more-of-anns", "--clusterrole=edit");
    keep(ANN, "most-of-anns", "--clusterrole=kubeflow-admin");
    let share = ["-n", "kubeflow-jane", "create", "rolebinding", "eves", "--role=default", "--user=eve@foo.com"];
    test.cluster.kubectl_as(ANN, &share).success();
    members(&json!([{"role": "view", "subject": {"kind": "User", "name": ANN}}]));
    test.cluster.until("ann has no more than she is to have", || make(ANN, "anns").stderr.contains("forbidden"));
    test.settled();
    let bindings =
        test.admin(&["-n", "kubeflow-jane", "get", "rolebindings", "-o", "custom-columns=:.roleRef.name,:.subjects[*].name"]);
    let of = |name: &str| -> Vec<&str> {
        bindings.lines().filter(|line| line.contains(name)).filter_map(|line| line.split_whitespace().next()).collect()
    };
    assert_eq!((of(ANN), of("eve@foo.com"), of(BOB)), (vec!["kubeflow-view"], vec!["default"], vec!["default"]), "{bindings}");
}

#[test]
fn e2e_a_deletion_says_what_holds_it_and_loses_nothing_it_should_not() {
    let test = Profiles::start();
    test.create("jane", JANE);
    let delete = |name: &str| test.cluster.kubectl(&["-n", "kubeflow-system", "delete", "profile", name, "--wait=false"]);
    // Data that is kept.
    test.admin(&["-n", "kubeflow-system", "annotate", "profile", "jane", "kubeflow.org/keep-data="]);
    let refused = delete("jane");
    assert!(refused.stderr.contains("this profile keeps its data"), "{}", refused.all());
    // The policy is not there: the controller holds it.
    test.admin(&["delete", "validatingadmissionpolicybinding", "profile-data.kubeflow.org"]);
    test.cluster.until("nobody refuses", || delete("jane").code == 0);
    test.reason("jane", "DataKept");
    test.settled();
    assert!(test.get(&["get", "namespace", "kubeflow-jane"]).is_some());
    // A finalizer of somebody holds the namespace.
    test.admin(&["-n", "kubeflow-jane", "create", "configmap", "held"]);
    test.admin(&[
        "-n",
        "kubeflow-jane",
        "patch",
        "configmap",
        "held",
        "--type=merge",
        "-p",
        r#"{"metadata": {"finalizers": ["example.com/hold"]}}"#,
    ]);
    test.admin(&["-n", "kubeflow-system", "annotate", "profile", "jane", "kubeflow.org/keep-data-"]);
    test.reason("jane", "DeletionBlocked");
    test.cluster.until("it names what holds it", || {
        test.condition("jane", "Ready").1.contains("example.com/hold in 1 resource instances")
    });
    test.cluster.until("events tell each step", || {
        let told = test.events("kubeflow-system", "Profile", "jane");
        ["DataKept", "Deleting", "DeletionBlocked"].iter().all(|reason| told.contains(&format!("{reason} ")))
            && told.contains("example.com/hold")
    });
    assert_eq!(test.controller().number("kfctl_profiles{state=\"deleting\"}"), Some(1.0));
    test.admin(&[
        "-n",
        "kubeflow-jane",
        "patch",
        "configmap",
        "held",
        "--type=merge",
        "-p",
        r#"{"metadata": {"finalizers": null}}"#,
    ]);
    let gone = |name: &str| {
        test.cluster.until(&format!("{name} is gone"), || test.get(&["-n", "kubeflow-system", "get", "profile", name]).is_none());
    };
    gone("jane");
    assert!(test.get(&["get", "namespace", "kubeflow-jane"]).is_none());

    // The namespace is gone already, while nobody looked.
    test.create("abe", ABE);
    signal("STOP", test.controller().pid());
    test.admin(&["delete", "namespace", "kubeflow-abe", "--timeout=60s"]);
    delete("abe").success();
    signal("CONT", test.controller().pid());
    gone("abe");

    // An API that does not answer holds it.
    test.create("ann", "ann@foo.com");
    let nobody = "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.nobody.example.com}\nspec: {group: nobody.example.com, version: v1, groupPriorityMinimum: 100, versionPriority: 100, insecureSkipTLSVerify: true, service: {name: nobody, namespace: default}}\n";
    test.admin(&["create", "-f", &test.app.write("nobody.yaml", nobody)]);
    // Whether what deletes namespaces has heard of it, one that is nobody's tells.
    test.cluster.until("it is known that nobody answers", || {
        test.cluster.kubectl(&["create", "namespace", "first"]);
        test.admin(&["delete", "namespace", "first", "--wait=false", "--ignore-not-found"]);
        let first = test.get(&["get", "namespace", "first"]).unwrap_or_default();
        first["status"]["conditions"].to_string().contains("nobody.example.com/v1")
    });
    delete("ann").success();
    test.reason("ann", "DeletionBlocked");
    test.cluster.until("it names the API", || test.condition("ann", "Ready").1.contains("nobody.example.com/v1"));
    test.admin(&["delete", "apiservice", "v1.nobody.example.com"]);
    gone("ann");

    // Whoever deletes the definition of profiles means none of them.
    test.create("bob", BOB);
    test.admin(&["-n", "kubeflow-bob", "create", "configmap", "data"]);
    test.admin(&["delete", "customresourcedefinition", "profiles.kubeflow.org", "--timeout=60s"]);
    let namespace = test.get(&["get", "namespace", "kubeflow-bob"]).expect("the namespace is gone with the definition");
    assert_eq!(namespace["metadata"]["deletionTimestamp"], Value::Null);
    assert!(test.get(&["-n", "kubeflow-bob", "get", "configmap", "data"]).is_some());
}

#[test]
fn e2e_whoever_deletes_the_system_namespace_deletes_no_user() {
    let test = Profiles::start();
    test.create("jane", JANE);
    test.admin(&["-n", "kubeflow-jane", "create", "configmap", "data"]);
    // Held, so that the controller's own rights last for as long as it needs them.
    test.admin(&["delete", "namespace", "kubeflow-system", "--wait=false"]);
    test.cluster.until("the profile is gone, or held", || {
        let profile = test.get(&["-n", "kubeflow-system", "get", "profile", "jane"]);
        profile.is_none_or(|profile| profile["metadata"]["deletionTimestamp"].is_string())
    });
    let namespace = test.get(&["get", "namespace", "kubeflow-jane"]).expect("the namespace is gone with the system's");
    assert_eq!(namespace["metadata"]["deletionTimestamp"], Value::Null);
    assert!(test.get(&["-n", "kubeflow-jane", "get", "configmap", "data"]).is_some());
}

#[test]
fn e2e_a_broken_profile_stalls_nobody() {
    let test = Profiles::start();
    test.create("robot", BOB);
    let loosen = r#"[{"op": "add", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/template/properties/spec/properties/owner/properties/kind/enum/-", "value": "Robot"}]"#;
    test.admin(&["patch", "customresourcedefinition", "profiles.kubeflow.org", "--type=json", "-p", loosen]);
    let patch = r#"{"spec": {"template": {"spec": {"owner": {"kind": "Robot"}}}}}"#;
    test.cluster.until("a robot may own a profile", || {
        test.cluster.kubectl(&["-n", "kubeflow-system", "patch", "profile", "robot", "--type=merge", "-p", patch]).code == 0
    });
    test.reason("robot", "Unreadable");
    assert!(test.condition("robot", "Ready").1.contains("Robot"), "{:?}", test.condition("robot", "Ready"));
    let events = |name: &str, words: &str| {
        test.cluster.until(&format!("an event of {name} says {words}"), || {
            test.events("kubeflow-system", "Profile", name).contains(words)
        });
    };
    events("robot", "this profile can't be read");
    test.create("jane", JANE);
    test.settled();
    // A limit that the API server refuses: the profile says so, and has everything else.
    let broken = "      resourceQuota: {hard: {requests.!: 1}}\n";
    test.admin(&["create", "-f", &test.manifest("broken", BOB, broken)]);
    test.reason("broken", "ApplyFailed");
    let said = test.condition("broken", "Ready").1;
    assert!(said.contains("ResourceQuota kf-resource-quota") && said.contains("requests.!"), "{said}");
    events("broken", "ResourceQuota kf-resource-quota");
    test.admin(&["-n", "kubeflow-broken", "get", "rolebinding/namespaceAdmin", "role/default", "limitrange/kf-limits"]);
    numbers_and_log_tell(&test.cluster, test.controller(), "broken", "robot");
    test.create("ann", "ann@foo.com");
    test.admin(&["-n", "kubeflow-system", "delete", "profiles", "broken", "ann", "--timeout=60s"]);
    // It can go as others can, with its namespace.
    test.admin(&["-n", "kubeflow-system", "delete", "profile", "robot", "--timeout=60s"]);
    assert!(test.get(&["get", "namespace", "kubeflow-robot"]).is_none());
    // Bad defaults, and no defaults: everybody keeps what they have, and is told.
    let defaults =
        |data: &str| test.admin(&["-n", "kubeflow-system", "patch", "configmap", "profile-defaults", "--type=merge", "-p", data]);
    defaults(r#"{"data": {"maxCpu": "lots"}}"#);
    test.reason("jane", "DefaultsInvalid");
    assert!(test.condition("jane", "Ready").1.contains("maxCpu: \"lots\" is no quantity"));
    defaults(r#"{"data": {"maxCpu": "8"}}"#);
    test.ready("jane");
    test.cluster.until("the default has come", || {
        test.admin(&[
            "-n",
            "kubeflow-jane",
            "get",
            "resourcequota",
            "kf-resource-quota",
            "-o",
            "jsonpath={.spec.hard.requests\\.cpu}",
        ]) == "8"
    });
    // A resource that the API server refuses in a quota.
    defaults(r#"{"data": {"gpuResource": "requests.!"}}"#);
    test.reason("jane", "ApplyFailed");
    assert!(
        test.condition("jane", "Ready").1.contains("ResourceQuota kf-resource-quota"),
        "{:?}",
        test.condition("jane", "Ready")
    );
    defaults(r#"{"data": {"gpuResource": "requests.nvidia.com/gpu"}}"#);
    test.ready("jane");
    // The admin's own templates: good ones are made and kept, bad ones are a condition.
    let templates = |text: &str| {
        let file = test.app.write("pull.yaml", text);
        let text = test.admin(&[
            "-n",
            "kubeflow-system",
            "create",
            "configmap",
            "extra",
            &format!("--from-file={file}"),
            "--dry-run=client",
            "-o",
            "yaml",
        ]);
        test.admin(&["apply", "-f", &test.app.write("extra.yaml", &text)]);
    };
    let policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: {{ profile ~ '-closed' }}}\nspec: {podSelector: {}}\n";
    templates(policy);
    test.app.kfctl(&["param", "set", "profiles", "templates", "extra"]).success();
    test.app.kfctl(&["apply", "k8s", "-c", "profiles", "--no-wait", "--force-conflicts"]).success();
    let made = || test.get(&["-n", "kubeflow-jane", "get", "networkpolicy", "jane-closed"]).is_some();
    test.cluster.until("the template is made", made);
    test.admin(&["-n", "kubeflow-jane", "delete", "networkpolicy", "jane-closed"]);
    test.cluster.until("the template comes back", made);
    templates("kind: {{ nothing }}\n");
    test.cluster.until("a bad template is told", || test.condition("jane", "TemplatesReady").1.contains("pull.yaml"));
    assert_eq!(test.condition("jane", "Ready").0, "NamespaceReady");
    assert!(made(), "a bad template takes away what was there");
    test.app.kfctl(&["param", "unset", "profiles", "templates"]).success();
    test.app.kfctl(&["apply", "k8s", "-c", "profiles", "--no-wait"]).success();
    test.cluster.until("what is wanted no more goes", || !made());
}
