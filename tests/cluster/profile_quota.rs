//! Whose a limit is: the defaults', or the admin's who has overridden it.

use crate::profile_lifecycle::{JANE, Profiles};

const QUOTA: [&str; 5] = ["-n", "kubeflow-jane", "get", "resourcequota", "kf-resource-quota"];

fn hard(test: &Profiles) -> String {
    let quota = test.get(&QUOTA).unwrap_or_default();
    let limits = quota["spec"]["hard"].as_object().cloned().unwrap_or_default();
    limits
        .iter()
        .map(|(name, value)| format!("{}={}", name.trim_start_matches("requests."), value.as_str().unwrap_or_default()))
        .collect::<Vec<_>>()
        .join(" ")
}

fn becomes(test: &Profiles, why: &str, expected: &str) {
    test.cluster.until(&format!("{why}: {expected}"), || hard(test) == expected);
    test.settled();
    assert_eq!(hard(test), expected, "{why}: it did not stay");
}

fn manifest(test: &Profiles, hard: &str) -> String {
    let text = format!(
        "apiVersion: v1\nkind: ResourceQuota\nmetadata: {{name: kf-resource-quota, namespace: kubeflow-jane}}\nspec: {{hard: {{{hard}}}}}\n"
    );
    test.app.write("quota.yaml", &text)
}

fn set_default(test: &Profiles, cpu: &str, memory: &str) {
    test.app.kfctl(&["param", "set", "profiles", "maxCpu", cpu]).success();
    test.app.kfctl(&["param", "set", "profiles", "maxRam", memory]).success();
    test.app.kfctl(&["apply", "k8s", "-c", "profiles", "--no-wait"]).success();
}

/// Every way of taking a limit over, and back.
#[test]
fn e2e_an_override_stays_while_the_rest_follows() {
    let test = Profiles::start();
    test.create("jane", JANE);
    let apply =
        |arguments: &[&str], hard: &str| test.cluster.kubectl(&[&["apply"], arguments, &["-f", &manifest(&test, hard)]].concat());
    let patch = |patch: &str| {
        test.admin(&["-n", "kubeflow-jane", "patch", "resourcequota", "kf-resource-quota", "--type=merge", "-p", patch])
    };
    let reset =
        || test.admin(&["-n", "kubeflow-jane", "annotate", "resourcequota", "kf-resource-quota", "kubeflow.org/reset-quota=now"]);
    let (default, changed) = ("cpu=32 memory=128Gi nvidia.com/gpu=4", "cpu=50 memory=128Gi nvidia.com/gpu=4");
    becomes(&test, "at first", default);
    let overridden = || test.condition("jane", "QuotaOverridden");
    assert_eq!(overridden().0, "Defaults");

    // kubectl apply -f quota.yaml, the seed's own.
    apply(&[], "requests.cpu: 50").success();
    becomes(&test, "kubectl apply", changed);
    assert!(overridden().1.contains("requests.cpu=50"), "{overridden:?}", overridden = overridden());
    set_default(&test, "40", "256Gi");
    becomes(&test, "the default changed after kubectl apply", "cpu=50 memory=256Gi nvidia.com/gpu=4");
    apply(&[], "").success();
    becomes(&test, "kubectl apply without it", "cpu=40 memory=256Gi nvidia.com/gpu=4");
    assert_eq!(overridden().0, "Defaults");

    // Written down by kubectl apply with the same value: theirs all the same.
    apply(&[], "requests.cpu: 40").success();
    test.settled();
    assert_eq!(overridden().0, "Overridden");
    set_default(&test, "32", "128Gi");
    becomes(&test, "the default changed after an equal kubectl apply", "cpu=40 memory=128Gi nvidia.com/gpu=4");
    reset();
    becomes(&test, "reset after kubectl apply", default);
    assert_eq!(overridden().0, "Defaults");

    // kubectl apply --server-side: refused at first, as it should be; and taken back by leaving it out.
    let refused = apply(&["--server-side"], "requests.cpu: 50");
    assert!(refused.stderr.contains("conflict with \"kfctl-controller\""), "{}", refused.all());
    apply(&["--server-side", "--force-conflicts"], "requests.cpu: 50").success();
    becomes(&test, "kubectl apply --server-side", changed);
    set_default(&test, "40", "128Gi");
    becomes(&test, "the default changed after a server-side apply", changed);
    apply(&["--server-side"], "").success();
    becomes(&test, "kubectl apply --server-side without it", "cpu=40 memory=128Gi nvidia.com/gpu=4");
    // An equal value beside ours: as text, for the server takes the number 40 for another value.
    apply(&["--server-side"], "requests.cpu: \"40\"").success();
    test.settled();
    assert_eq!(overridden().0, "Overridden");
    set_default(&test, "32", "128Gi");
    becomes(&test, "the default changed beside an equal server-side apply", "cpu=40 memory=128Gi nvidia.com/gpu=4");
    test.admin(&["-n", "kubeflow-system", "annotate", "profile", "jane", "kubeflow.org/reset-quota=now"]);
    becomes(&test, "reset by the profile", default);
    let annotations =
        test.get(&["-n", "kubeflow-system", "get", "profile", "jane"]).expect("a profile")["metadata"]["annotations"].clone();
    assert_eq!(annotations["kubeflow.org/reset-quota"], serde_json::Value::Null);

    // kubectl edit and patch.
    patch(r#"{"spec": {"hard": {"requests.cpu": "50"}}}"#);
    becomes(&test, "kubectl patch", changed);
    set_default(&test, "32", "256Gi");
    becomes(&test, "the default changed after a patch", "cpu=50 memory=256Gi nvidia.com/gpu=4");
    patch(r#"{"spec": {"hard": {"requests.cpu": null}}}"#);
    becomes(&test, "deleted by hand", "cpu=32 memory=256Gi nvidia.com/gpu=4");
    // A key of the admin's own.
    patch(r#"{"spec": {"hard": {"pods": "9"}}}"#);
    becomes(&test, "another key", "pods=9 cpu=32 memory=256Gi nvidia.com/gpu=4");
    reset();
    becomes(&test, "reset of another key", "cpu=32 memory=256Gi nvidia.com/gpu=4");

    // kubectl replace, as a UI's PUT: what is equal is none, what differs is one.
    let mut quota = test.get(&QUOTA).expect("a quota");
    quota["metadata"].as_object_mut().expect("metadata").remove("managedFields");
    let replace = |quota: &serde_json::Value| test.admin(&["replace", "-f", &test.app.write("put.json", &quota.to_string())]);
    replace(&quota);
    test.settled();
    assert_eq!(overridden().0, "Defaults");
    quota["spec"]["hard"]["requests.memory"] = "1Gi".into();
    quota["metadata"].as_object_mut().expect("metadata").remove("resourceVersion");
    replace(&quota);
    becomes(&test, "kubectl replace", "cpu=32 memory=1Gi nvidia.com/gpu=4");
    set_default(&test, "16", "128Gi");
    becomes(&test, "the default changed after a replace", "cpu=16 memory=1Gi nvidia.com/gpu=4");
    reset();
    becomes(&test, "reset after a replace", "cpu=16 memory=128Gi nvidia.com/gpu=4");

    // The profile's own quota stands between the two.
    let own = r#"{"spec": {"template": {"spec": {"resourceQuota": {"hard": {"requests.cpu": "1000m", "pods": 5}}}}}}"#;
    test.change("jane", own);
    becomes(&test, "the profile's own quota", "pods=5 cpu=1 memory=128Gi nvidia.com/gpu=4");
    test.change("jane", r#"{"spec": {"template": {"spec": {"resourceQuota": null}}}}"#);
    becomes(&test, "the profile's own quota is gone", "cpu=16 memory=128Gi nvidia.com/gpu=4");
}
