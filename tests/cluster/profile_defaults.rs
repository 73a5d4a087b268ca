//! What an admin decides for all namespaces, at any time: what a container gets that says nothing, the GPUs of several vendors, and
//! manifests of their own. And what holds for owners that are no users.

use serde_json::{Value, json};

use crate::profile_lifecycle::{ABE, BOB, JANE, Profiles};

impl Profiles {
    /// Sets parameters of profiles, or takes back what was set, and applies the component.
    fn decide(&self, params: &[(&str, &str)]) {
        for (param, value) in params {
            let change = if value.is_empty() { vec!["unset", "profiles", param] } else { vec!["set", "profiles", param, value] };
            self.app.kfctl(&[&["param"], &change[..]].concat()).success();
        }
        self.app.kfctl(&["apply", "k8s", "-c", "profiles", "--no-wait"]).success();
    }

    /// Waits until it is so in both namespaces, and stays so.
    fn in_both(&self, what: &str, is_so: impl Fn(&str) -> bool) {
        for name in ["jane", "bob"] {
            self.cluster.until(&format!("{name}: {what}"), || is_so(name));
        }
        self.settled();
        assert!(is_so("jane") && is_so("bob"), "{what}: it did not stay");
    }

    /// What the server gives a container of this namespace that says nothing; none where it refuses the pod, and why.
    fn plain_container(&self, name: &str) -> Result<Value, String> {
        let namespace = format!("kubeflow-{name}");
        let pod = ["run", "plain", "--image=example.com/none", "--dry-run=server", "-o", "json"];
        let said = self.cluster.kubectl(&[&["-n", &namespace], &pod[..]].concat());
        let pod: Value = serde_json::from_str(&said.stdout).map_err(|_| said.stderr)?;
        Ok(pod["spec"]["containers"][0]["resources"].clone())
    }
}

#[test]
fn e2e_what_an_admin_decides_reaches_every_namespace() {
    let test = Profiles::start();
    test.create("jane", JANE);
    test.create("bob", BOB);
    containers_get_amounts(&test);
    gpus_of_several_vendors_count(&test);
    manifests_are_kept_in_sync(&test);
    owners_are_of_every_kind(&test);
}

fn containers_get_amounts(test: &Profiles) {
    let limits = |name: &str| {
        let found = test.get(&["-n", &format!("kubeflow-{name}"), "get", "limitrange", "kf-limits"]);
        found.map(|found| found["spec"]["limits"].clone())
    };
    let becomes = |requests: &Value, most: Option<&Value>| {
        let mut limit = json!({"type": "Container", "defaultRequest": requests});
        let mut resources = json!({"requests": requests});
        if let Some(most) = most {
            (limit["default"], resources["limits"]) = (most.clone(), most.clone());
        }
        test.in_both(&limit.to_string(), |name| limits(name) == Some(json!([limit])));
        test.in_both("a container has them", |name| test.plain_container(name).as_ref() == Ok(&resources));
    };
    becomes(&json!({"cpu": "100m", "memory": "256Mi"}), None);
    test.decide(&[("containerCpu", "200m"), ("containerRamLimit", "1Gi")]);
    becomes(&json!({"cpu": "200m", "memory": "256Mi"}), Some(&json!({"memory": "1Gi"})));
    test.decide(&[("containerRamLimit", "")]);
    becomes(&json!({"cpu": "200m", "memory": "256Mi"}), None);
    test.decide(&[("limitRange", "false")]);
    test.in_both("no limits", |name| limits(name).is_none());
    let refused = test.plain_container("jane").expect_err("the quota wants to know");
    assert!(refused.contains("must specify requests.cpu"), "{refused}");
    test.decide(&[("limitRange", "true"), ("containerCpu", "100m")]);
    becomes(&json!({"cpu": "100m", "memory": "256Mi"}), None);
}

fn gpus_of_several_vendors_count(test: &Profiles) {
    let gpus = |name: &str| {
        let quota = test.get(&["-n", &format!("kubeflow-{name}"), "get", "resourcequota", "kf-resource-quota"]);
        let hard = quota.unwrap_or_default()["spec"]["hard"].clone();
        ["nvidia", "amd"].map(|vendor| hard[format!("requests.{vendor}.com/gpu")].as_str().map(str::to_owned))
    };
    let becomes = |nvidia: Option<&str>, amd: Option<&str>| {
        let expected = [nvidia, amd].map(|count| count.map(str::to_owned));
        test.in_both(&format!("{expected:?}"), |name| gpus(name) == expected);
    };
    becomes(Some("4"), None);
    test.decide(&[("maxGpu", "2"), ("gpuResource", "requests.nvidia.com/gpu, requests.amd.com/gpu")]);
    becomes(Some("2"), Some("2"));
    // Nor may a creator ask for more of either.
    test.admin(&["-n", "kubeflow-system", "create", "rolebinding", "bob", "--role=profile-creator", "--user=bob@acme.com"]);
    let asks = |vendor: &str, count: u32| {
        let more = format!("      resourceQuota: {{hard: {{requests.{vendor}.com/gpu: {count}}}}}\n");
        test.cluster.kubectl_as(BOB, &["create", "--dry-run=server", "-f", &test.manifest("greedy", BOB, &more)])
    };
    for vendor in ["nvidia", "amd"] {
        test.cluster.until(&format!("{vendor}: 2 are given, and no more"), || {
            asks(vendor, 2).code == 0 && asks(vendor, 3).stderr.contains("a limit above the default")
        });
    }
    test.decide(&[("gpuResource", "requests.amd.com/gpu")]);
    becomes(None, Some("2"));
}

/// Two files in the `ConfigMap`: what they make follows them, the owner, and nobody's hand.
fn manifests_are_kept_in_sync(test: &Profiles) {
    let policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: {{ profile ~ '-closed' }}, annotations: {owner: {{ owner }}, in: {{ namespace }}}}\nspec: {podSelector: {}, policyTypes: [Ingress]}\n";
    let account =
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: puller}\nimagePullSecrets: [{name: {{ profile ~ '-pull' }}}]\n";
    let write = |files: &[(&str, &str)]| {
        let files: Vec<String> =
            files.iter().map(|(name, text)| format!("--from-file={name}={}", test.app.write(name, text))).collect();
        let mut command = vec!["-n", "kubeflow-system", "create", "configmap", "extra", "--dry-run=client", "-o", "yaml"];
        command.extend(files.iter().map(String::as_str));
        test.admin(&["apply", "-f", &test.app.write("extra.yaml", &test.admin(&command))]);
    };
    let find = |name: &str, kind: &str, object: &str| test.get(&["-n", &format!("kubeflow-{name}"), "get", kind, object]);
    let closed = |name: &str| find(name, "networkpolicy", &format!("{name}-closed"));
    let says = |name: &str, owner: &str, directions: &Value| {
        closed(name).is_some_and(|policy| {
            let annotations = &policy["metadata"]["annotations"];
            annotations["owner"] == owner
                && annotations["in"] == format!("kubeflow-{name}")
                && policy["spec"]["policyTypes"] == *directions
        })
    };
    let owner = |name: &str| if name == "jane" { JANE } else { BOB };
    let pulls = |name: &str| {
        let account = find(name, "serviceaccount", "puller");
        account.is_some_and(|account| account["imagePullSecrets"] == json!([{"name": format!("{name}-pull")}]))
    };
    write(&[("closed.yaml", policy), ("puller.yaml", account)]);
    test.decide(&[("templates", "extra")]);
    test.in_both("both files' are there", |name| pulls(name) && says(name, owner(name), &json!(["Ingress"])));
    assert_eq!(test.condition("jane", "TemplatesReady"), ("Rendered".to_owned(), "2 objects".to_owned()));
    // By hand, nothing of it changes.
    let patch = |kind: &str, object: &str, patch: &str| {
        test.admin(&["-n", "kubeflow-jane", "patch", kind, object, "--type=merge", "-p", patch]);
    };
    patch(
        "networkpolicy",
        "jane-closed",
        r#"{"metadata": {"annotations": {"owner": "mallory"}}, "spec": {"policyTypes": ["Egress"]}}"#,
    );
    patch("serviceaccount", "puller", r#"{"imagePullSecrets": null}"#);
    test.in_both("what was edited is as before", |name| pulls(name) && says(name, owner(name), &json!(["Ingress"])));
    // The file changes, and the owner.
    write(&[("closed.yaml", &policy.replace("[Ingress]", "[Ingress, Egress]")), ("puller.yaml", account)]);
    let both_ways = json!(["Ingress", "Egress"]);
    test.in_both("the file's change has come", |name| says(name, owner(name), &both_ways));
    test.change("jane", r#"{"spec": {"template": {"spec": {"owner": {"name": "abe@foo.com"}}}}}"#);
    test.cluster.until("the owner's change has come", || says("jane", ABE, &both_ways));
    // One who comes later has all of it; what a file made goes with it, and nothing else.
    test.create("eve", "eve@foo.com");
    test.cluster.until("who comes later has it", || pulls("eve") && says("eve", "eve@foo.com", &both_ways));
    write(&[("puller.yaml", account)]);
    test.in_both("what the file made is gone", |name| closed(name).is_none() && pulls(name));
}

fn owners_are_of_every_kind(test: &Profiles) {
    let robot = "{kind: ServiceAccount, name: ci, namespace: kubeflow-bob}";
    for (name, owner, member) in [("team", "{kind: Group, name: team}", robot), ("robots", robot, "{kind: Group, name: team}")] {
        let text = format!(
            "apiVersion: kubeflow.org/v1alpha1\nkind: Profile\nmetadata: {{name: {name}, namespace: kubeflow-system}}\nspec: {{template: {{spec: {{owner: {owner}, members: [{{role: view, subject: {member}}}, {{role: edit, subject: {{kind: User, name: vic@foo.com}}}}, {{role: admin, subject: {{kind: User, name: eve@foo.com}}}}]}}}}}}\n"
        );
        test.admin(&["create", "-f", &test.app.write("owners.yaml", &text)]);
        test.ready(name);
    }
    // Those are no changes that come back again and again.
    test.settled();
    let (team, robot) = (["--as=ann@foo.com", "--as-group=team"], ["--as=system:serviceaccount:kubeflow-bob:ci"]);
    let may = |who: &[&str], name: &str, verb: &str, resource: &str| {
        test.cluster.kubectl(&[who, &["-n", &format!("kubeflow-{name}"), "auth", "can-i", verb, resource]].concat()).code == 0
    };
    let rows: [(&[&str], &str, [bool; 3]); 8] = [
        (&team, "team", [true, true, true]),
        (&robot, "team", [false, false, true]),
        (&robot, "robots", [true, true, true]),
        (&team, "robots", [false, false, true]),
        (&["--as=vic@foo.com"], "team", [false, true, true]),
        (&["--as=eve@foo.com"], "robots", [true, true, true]),
        (&["--as=ann@foo.com"], "team", [false; 3]),
        (&["--as=system:serviceaccount:kubeflow-jane:ci"], "robots", [false; 3]),
    ];
    for (who, name, expected) in rows {
        test.cluster.until(&format!("{who:?} in {name}: {expected:?}"), || {
            let asked = [("create", "rolebindings"), ("create", "pods"), ("list", "pods")];
            asked.map(|(verb, resource)| may(who, name, verb, resource)) == expected
        });
    }
}
