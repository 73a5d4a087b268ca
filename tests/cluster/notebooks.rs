//! Notebooks: manifests of today's Kubeflow run as they are, and nothing happens to a pod that nobody asked for.

use serde_json::{Value, json};

use crate::definition;
use crate::harness::signal;
use crate::profile_lifecycle::{BOB, JANE, Profiles};

pub(crate) const NAMESPACE: &str = "kubeflow-jane";

/// The samples of today's notebook controller, word for word but for the name.
pub(crate) fn sample(version: &str, name: &str) -> String {
    format!(
        "apiVersion: kubeflow.org/{version}\nkind: Notebook\nmetadata:\n  name: {name}\nspec:\n  template:\n    spec:\n      containers:\n        - name: {name}\n          image: kubeflownotebookswg/jupyter:latest\n"
    )
}

/// A cluster with profile jane, where notebooks are kept.
pub(crate) fn start() -> Profiles {
    let test = Profiles::start();
    test.app.kfctl(&["component", "enable", "notebooks"]).success();
    test.app.kfctl(&["apply", "k8s", "--no-wait"]).success();
    test.create("jane", JANE);
    test
}

impl Profiles {
    /// Creates a notebook as jane.
    pub(crate) fn spawn(&self, manifest: &str) {
        let file = self.app.write("notebook.yaml", manifest);
        let create = || self.cluster.kubectl_as(JANE, &["-n", NAMESPACE, "create", "-f", &file]);
        self.cluster.until("jane may make notebooks", || {
            let said = create();
            assert!(said.code == 0 || said.stderr.contains("cannot create resource"), "{}", said.all());
            said.code == 0
        });
    }

    pub(crate) fn of_jane(&self, kind: &str, name: &str) -> Option<Value> {
        self.get(&["-n", NAMESPACE, "get", kind, name])
    }

    /// Reason and message of a condition of a notebook.
    fn said(&self, name: &str, condition: &str) -> (String, String) {
        let notebook = self.of_jane("notebook", name).unwrap_or_default();
        let all = notebook["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let found = all.into_iter().find(|found| found["type"] == condition).unwrap_or_default();
        let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
        (text("reason"), text("message"))
    }

    /// Waits for the reason of condition Ready of a notebook.
    pub(crate) fn notebook_says(&self, name: &str, reason: &str) {
        self.condition_says(name, "Ready", reason);
    }

    fn condition_says(&self, name: &str, condition: &str, reason: &str) {
        let mut last = (String::new(), String::new());
        let begun = std::time::Instant::now();
        while last.0 != reason {
            assert!(
                begun.elapsed().as_secs() < 30,
                "{name} never says {condition} {reason}: {last:?}\n{}",
                self.controller().log()
            );
            last = self.said(name, condition);
        }
    }

    pub(crate) fn pod_uid(&self, name: &str) -> String {
        let pod = self.of_jane("pod", &format!("{name}-0")).unwrap_or_default();
        pod["metadata"]["uid"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits for another pod than that one, which runs.
    fn another_pod(&self, name: &str, before: &str) -> Value {
        self.cluster.until("another pod", || {
            let uid = self.pod_uid(name);
            !uid.is_empty() && uid != before
        });
        self.notebook_says(name, "Running");
        self.of_jane("pod", &format!("{name}-0")).expect("it runs")
    }

    /// Merges into a notebook, as jane.
    pub(crate) fn edit(&self, name: &str, patch: &Value) {
        let said = self
            .cluster
            .kubectl_as(JANE, &["-n", NAMESPACE, "patch", "notebook", name, "--type=merge", "-p", &patch.to_string()]);
        assert_eq!(said.code, 0, "{}", said.all());
    }

    fn image(&self, name: &str, image: &str) {
        self.edit(name, &json!({"spec": {"template": {"spec": {"containers": [{"name": name, "image": image}]}}}}));
    }
}

pub(crate) fn annotations(values: Value) -> Value {
    json!({"metadata": {"annotations": values}})
}

#[test]
fn e2e_notebooks_run_and_are_left_alone() {
    let mut test = start();
    todays_manifests_run(&test);
    names_and_creators_are_checked(&test);
    it_stops_and_starts(&test);
    it_starts_anew_where_somebody_asks(&test);
    nothing_else_starts_it_anew(&mut test);
    trouble_is_told_in_words(&test);
    what_is_somebody_elses_is_left(&test);
    a_route_needs_walls(&test);
    volumes_outlive_it(&test);
}

fn todays_manifests_run(test: &Profiles) {
    for version in ["v1", "v1beta1"] {
        let name = format!("sample-{version}");
        test.spawn(&sample(version, &name));
        test.notebook_says(&name, "Running");
        let notebook = test.of_jane("notebooks.v1.kubeflow.org", &name).expect("it is served as v1");
        assert_eq!(notebook["status"]["readyReplicas"], 1);
        assert!(notebook["status"]["containerState"]["running"].is_object(), "{}", notebook["status"]);
        let conditions = notebook["status"]["conditions"].as_array().expect("conditions");
        assert!(conditions.iter().any(|condition| condition["type"] == "PodScheduled" && condition["status"] == "True"));
        assert!(test.of_jane("notebooks.v1beta1.kubeflow.org", &name).is_some());
        let service = test.of_jane("service", &name).expect("its Service");
        assert_eq!(service["spec"]["ports"][0]["targetPort"], 8888);
        let pod = test.of_jane("pod", &format!("{name}-0")).expect("its pod");
        let variables = pod["spec"]["containers"][0]["env"].as_array().expect("variables");
        assert!(variables.iter().any(|variable| variable["value"] == format!("/notebook/{NAMESPACE}/{name}")), "{pod}");
        assert_eq!(pod["spec"]["securityContext"]["fsGroup"], 100);
        // What happened to the pod is told on the notebook, once each.
        test.cluster.until("it is told", || test.events(NAMESPACE, "Notebook", &name).contains("Reissued from pod/"));
        test.cluster.until("of the set too", || test.events(NAMESPACE, "Notebook", &name).contains("Reissued from statefulset/"));
        assert_eq!(test.said(&name, "RouteReady").0, "MeshMissing");
    }
    let listed = test.cluster.kubectl_as(JANE, &["-n", NAMESPACE, "get", "nb"]).success();
    assert!(listed.contains("sample-v1beta1") && listed.contains("Running") && listed.contains("jupyter:latest"), "{listed}");
    let said = test.cluster.kubectl_as(BOB, &["-n", NAMESPACE, "get", "notebooks"]);
    assert!(said.stderr.contains("cannot list resource \"notebooks\""), "{}", said.all());
    let explained = test.admin(&["explain", "notebook.spec.template.spec"]);
    assert!(explained.contains("NB_PREFIX"), "{explained}");
    test.settled();
    let before = test.controller().requests();
    test.edit("sample-v1", &annotations(json!({"example.com/note": "x"})));
    test.cluster.until("the annotation arrives at the template", || {
        let set = test.of_jane("statefulset", "sample-v1").unwrap_or_default();
        set["spec"]["template"]["metadata"]["annotations"]["example.com/note"] == "x"
    });
    test.settled();
    assert!(
        test.controller().requests() - before <= 2,
        "one thing has changed: {}",
        test.controller().metrics().expect("it runs").2
    );
}

fn names_and_creators_are_checked(test: &Profiles) {
    let create = |user: &str, name: &str, annotations: Value| {
        let mut notebook: Value = serde_json::to_value(json!({"apiVersion": "kubeflow.org/v1", "kind": "Notebook",
            "metadata": {"name": name, "namespace": NAMESPACE}, "spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i"}]}}}}))
        .expect("JSON");
        notebook["metadata"]["annotations"] = annotations;
        let file = test.app.write("checked.json", &notebook.to_string());
        test.cluster.kubectl_as(user, &["create", "--dry-run=server", "-f", &file])
    };
    for name in ["a".repeat(53), "1a".to_owned(), "a.b".to_owned()] {
        let said = create(JANE, &name, json!({}));
        assert!(said.stderr.contains("at most 52 lower-case letters"), "{name}: {}", said.all());
    }
    assert_eq!(create(JANE, &"a".repeat(52), json!({})).code, 0);
    let creator = |name: &str| json!({"notebooks.kubeflow.org/creator": name});
    test.cluster.until("the policy counts", || {
        create(JANE, "own", creator(BOB)).stderr.contains(&format!("names who makes the notebook: {JANE}"))
    });
    assert_eq!(create(JANE, "own", creator(JANE)).code, 0);
    let said = create(JANE, "own", json!({"notebooks.kubeflow.org/private": "true"}));
    assert!(said.stderr.contains("a private notebook is its creator's alone"), "{}", said.all());
    let patch = annotations(creator(JANE)).to_string();
    let said = test.cluster.kubectl_as(JANE, &["-n", NAMESPACE, "patch", "notebook", "sample-v1", "--type=merge", "-p", &patch]);
    assert!(said.stderr.contains("can not be changed"), "{}", said.all());
    // Where the server knows how, it writes itself who made one.
    test.app.kfctl(&["param", "set", "notebooks", "setCreator", "true"]).success();
    test.app.kfctl(&["apply", "k8s", "-c", "notebooks", "--no-wait"]).success();
    let written = || {
        let said = test.cluster.kubectl_as(
            JANE,
            &[
                "-n",
                NAMESPACE,
                "create",
                "--dry-run=server",
                "-o",
                "json",
                "-f",
                &test.app.write("own.yaml", &sample("v1", "own")),
            ],
        );
        serde_json::from_str::<Value>(&said.stdout).unwrap_or_default()["metadata"]["annotations"]["notebooks.kubeflow.org/creator"].clone()
    };
    test.cluster.until("the creator is written", || written() == JANE);
    let empty = sample("v1", "empty").split("containers").next().unwrap_or_default().to_owned() + "containers: []\n";
    let said = test.cluster.kubectl_as(JANE, &["-n", NAMESPACE, "create", "-f", &test.app.write("empty.yaml", &empty)]);
    assert!(said.stderr.contains("should have at least 1 items"), "{}", said.all());
}

fn it_stops_and_starts(test: &Profiles) {
    let name = "sample-v1";
    test.edit(name, &annotations(json!({"kubeflow-resource-stopped": "2026-01-01T00:00:00Z"})));
    test.notebook_says(name, "Stopped");
    assert!(test.of_jane("pod", "sample-v1-0").is_none());
    assert_eq!(test.of_jane("notebook", name).expect("it is there")["status"]["readyReplicas"], 0);
    // An edit of a stopped one counts when it starts.
    test.image(name, "example.com/second");
    test.cluster.until("the set knows", || {
        test.of_jane("statefulset", name).unwrap_or_default()["spec"]["template"]["spec"]["containers"][0]["image"]
            == "example.com/second"
    });
    assert!(test.of_jane("pod", "sample-v1-0").is_none());
    test.edit(name, &annotations(json!({"kubeflow-resource-stopped": null})));
    let pod = test.another_pod(name, "");
    assert_eq!(pod["spec"]["containers"][0]["image"], "example.com/second");
}

fn it_starts_anew_where_somebody_asks(test: &Profiles) {
    let name = "sample-v1";
    let first = test.pod_uid(name);
    test.image(name, "example.com/third");
    let pod = test.another_pod(name, &first);
    assert_eq!(pod["spec"]["containers"][0]["image"], "example.com/third");
    let second = test.pod_uid(name);
    test.edit(name, &annotations(json!({"notebooks.kubeflow.org/restart": "once"})));
    test.another_pod(name, &second);
    let third = test.pod_uid(name);
    test.settled();
    assert_eq!(test.pod_uid(name), third, "once asked is once done");
}

/// Neither a changed parameter nor another controller, which may be of another version, touches a pod that runs.
fn nothing_else_starts_it_anew(test: &mut Profiles) {
    let names = ["sample-v1", "sample-v1beta1"];
    let before = names.map(|name| test.pod_uid(name));
    let group = |name: &str| {
        test.of_jane("statefulset", name).unwrap_or_default()["spec"]["template"]["spec"]["securityContext"]["fsGroup"].clone()
    };
    assert_eq!(group("sample-v1"), 100);
    test.app.kfctl(&["param", "set", "notebooks", "addFsGroup", "false"]).success();
    test.app.kfctl(&["apply", "k8s", "-c", "notebooks", "--no-wait"]).success();
    test.cluster.until("the template follows", || names.iter().all(|name| group(name).is_null()));
    test.settled();
    assert_eq!(names.map(|name| test.pod_uid(name)), before);
    // A controller that dies and one that comes after it: the template made by hand in between stands for what another version makes.
    let controller = test.controller.take().expect("it runs");
    signal("KILL", controller.pid());
    drop(controller);
    let other = json!({"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 7}}}}).to_string();
    test.admin(&["-n", NAMESPACE, "patch", "statefulset", "sample-v1", "--field-manager=kfctl-controller", "-p", &other]);
    test.controller = Some(test.cluster.controller("kfctl-controller"));
    test.cluster.until("the next one has looked", || {
        test.controller().number("kfctl_notebook_reconcile_duration_seconds_count").is_some_and(|count| count >= 2.0)
    });
    test.settled();
    assert_eq!(names.map(|name| test.pod_uid(name)), before);
}

fn trouble_is_told_in_words(test: &Profiles) {
    test.spawn(
        &sample("v1", "bad")
            .replace("image: kubeflownotebookswg/jupyter:latest", "image: i\n          imagePullPolicy: Sometimes"),
    );
    test.notebook_says("bad", "SpecRefused");
    assert!(test.said("bad", "Ready").1.contains("imagePullPolicy"), "{:?}", test.said("bad", "Ready"));
    test.cluster.until("an event says so", || test.events(NAMESPACE, "Notebook", "bad").contains("SpecRefused"));
    test.settled();
    test.image("bad", "example.com/good");
    test.notebook_says("bad", "Running");
    // Same with a field that no pod has.
    test.spawn(&sample("v1", "typo").replace("image:", "imgae: x\n          image:"));
    test.notebook_says("typo", "SpecRefused");
    assert!(test.said("typo", "Ready").1.contains("imgae"), "{:?}", test.said("typo", "Ready"));

    let large = "image: i\n          resources: {requests: {cpu: '100'}}";
    test.spawn(&sample("v1", "large").replace("image: kubeflownotebookswg/jupyter:latest", large));
    test.notebook_says("large", "QuotaExceeded");
    let message = test.said("large", "Ready").1;
    assert!(message.contains("requests.cpu=100") && message.contains("kf-resource-quota"), "{message}");
    for name in ["bad", "typo", "large"] {
        test.admin(&["-n", NAMESPACE, "delete", "notebook", name]);
    }
}

fn what_is_somebody_elses_is_left(test: &Profiles) {
    let foreign = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: theirs, namespace: kubeflow-jane}\nspec:\n  replicas: 0\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec: {containers: [{name: c, image: i}]}\n";
    test.admin(&["create", "-f", &test.app.write("foreign.yaml", foreign)]);
    let before = test.of_jane("statefulset", "theirs").expect("it is there");
    test.spawn(&sample("v1", "theirs"));
    test.notebook_says("theirs", "NameTaken");
    assert!(test.said("theirs", "Ready").1.contains("StatefulSet theirs"), "{:?}", test.said("theirs", "Ready"));
    let after = test.of_jane("statefulset", "theirs").expect("it is there");
    assert_eq!((&before["spec"], &before["metadata"]), (&after["spec"], &after["metadata"]));
    test.admin(&["-n", NAMESPACE, "delete", "notebook", "theirs"]);
    test.cluster.until("its Service goes", || test.of_jane("service", "theirs").is_none());
    assert!(test.of_jane("statefulset", "theirs").is_some());
}

fn a_route_needs_walls(test: &Profiles) {
    test.admin(&["create", "namespace", "istio-system"]);
    test.admin(&["create", "-f", &test.app.write("definitions.yaml", &definition::istio())]);
    let route = |name: &str| test.of_jane("virtualservice", &format!("notebook-{NAMESPACE}-{name}"));
    test.condition_says("sample-v1", "RouteReady", "MeshNotConfigured");
    assert!(route("sample-v1").is_none());
    test.app.kfctl(&["component", "enable", "auth"]).success();
    let set = |key: &str, value: &str| test.app.kfctl(&["param", "set", "auth", key, value]).success();
    set("login", "none");
    set("jwks", "{\"keys\":[]}");
    test.app.kfctl(&["apply", "k8s", "-c", "auth", "--no-wait"]).success();
    test.condition_says("sample-v1", "RouteReady", "RouteReady");
    let made = route("sample-v1").expect("a route");
    assert_eq!(made["spec"]["http"][0]["match"][0]["uri"]["prefix"], "/notebook/kubeflow-jane/sample-v1/");
    assert_eq!(made["spec"]["gateways"], json!(["kubeflow/kubeflow-gateway"]));
    assert!(made["spec"]["http"][0].get("headers").is_none(), "the sidecar decides by the token");

    // A private one has a policy of its own; without a sidecar nothing would keep the others of the namespace out.
    let policy = || test.of_jane("authorizationpolicy", "notebook-private-own");
    let own = sample("v1", "own").replace(
        "  name: own\nspec",
        &format!(
            "  name: own\n  annotations: {{notebooks.kubeflow.org/creator: {JANE}, notebooks.kubeflow.org/private: 'true'}}\nspec"
        ),
    );
    test.spawn(&own);
    test.condition_says("own", "RouteReady", "RouteReady");
    let made = policy().expect("a policy");
    assert_eq!(made["spec"]["rules"][0]["when"][0]["notValues"], json!([JANE]));
    test.edit("own", &json!({"metadata": {"labels": {"sidecar.istio.io/inject": "false"}}}));
    test.condition_says("own", "RouteReady", "NotPrivate");
    assert!(route("own").is_none());
    test.edit("own", &json!({"metadata": {"labels": {"sidecar.istio.io/inject": null}}}));
    test.condition_says("own", "RouteReady", "RouteReady");
    test.edit("own", &annotations(json!({"notebooks.kubeflow.org/private": null})));
    test.cluster.until("the policy goes", || policy().is_none());
    // Where no sidecar decides, the token ends at the gateway: before this notebook, and before all where the gateway alone is to.
    let ends = |name: &str| {
        let headers = route(name).map(|route| route["spec"]["http"][0]["headers"].clone());
        headers == Some(json!({"request": {"remove": ["authorization"]}}))
    };
    test.edit("own", &json!({"metadata": {"labels": {"sidecar.istio.io/inject": "false"}}}));
    test.cluster.until("the token ends before it", || ends("own"));
    assert!(!ends("sample-v1"));
    set("enforce", "gateway");
    test.app.kfctl(&["apply", "k8s", "-c", "auth", "--no-wait"]).success();
    test.cluster.until("the token ends before all", || ends("sample-v1"));
    // A header that the gateway would fill with the token, and a Service that somebody has taken over, lead nobody anywhere.
    let headers = |value: Value| annotations(json!({"notebooks.kubeflow.org/http-headers-request-set": value}));
    test.edit("sample-v1", &headers(json!(r#"{"X-A": "%REQ(authorization)%"}"#)));
    test.condition_says("sample-v1", "RouteReady", "RouteInvalid");
    assert!(route("sample-v1").is_none());
    test.edit("sample-v1", &headers(Value::Null));
    test.condition_says("sample-v1", "RouteReady", "RouteReady");
    let taken = r#"{"metadata": {"ownerReferences": null}}"#;
    test.admin(&["-n", NAMESPACE, "patch", "service", "sample-v1", "--type=merge", "-p", taken]);
    test.condition_says("sample-v1", "Ready", "NameTaken");
    assert!(route("sample-v1").is_none());
    test.admin(&["-n", NAMESPACE, "delete", "service", "sample-v1"]);
    test.condition_says("sample-v1", "RouteReady", "RouteReady");
    // Where no profile's walls stand, there is no way in.
    test.admin(&["create", "namespace", "bare"]);
    test.admin(&["-n", "bare", "create", "-f", &test.app.write("bare.yaml", &sample("v1", "open"))]);
    test.cluster.until("it says so", || {
        let notebook = test.get(&["-n", "bare", "get", "notebook", "open"]).unwrap_or_default();
        notebook["status"]["conditions"].to_string().contains("NotProtected")
    });
    assert!(test.get(&["-n", "bare", "get", "virtualservice", "notebook-bare-open"]).is_none());
}

/// With a notebook goes what was made for it, and no volume. With the component goes no notebook.
fn volumes_outlive_it(test: &Profiles) {
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: work, namespace: kubeflow-jane}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n";
    test.admin(&["create", "-f", &test.app.write("claim.yaml", claim)]);
    let volumes = "      volumes: [{name: w, persistentVolumeClaim: {claimName: work}}]\n      containers:";
    test.spawn(&sample("v1", "own-work").replace("      containers:", volumes));
    test.cluster.until("its pod is made", || test.of_jane("pod", "own-work-0").is_some());
    test.cluster.kubectl_as(JANE, &["-n", NAMESPACE, "delete", "notebook", "own-work"]).success();
    test.cluster.until("all of it goes", || {
        ["statefulset", "service"].iter().all(|kind| test.of_jane(kind, "own-work").is_none())
            && test.of_jane("pod", "own-work-0").is_none()
            && test.of_jane("virtualservice", "notebook-kubeflow-jane-own-work").is_none()
    });
    assert!(test.of_jane("pvc", "work").is_some_and(|claim| claim["metadata"]["deletionTimestamp"].is_null()));

    let before = test.pod_uid("sample-v1");
    test.app.kfctl(&["component", "disable", "notebooks"]).success();
    let said = test.app.kfctl(&["apply", "k8s", "--prune=yes", "--no-wait"]);
    assert!(test.of_jane("notebook", "sample-v1").is_some(), "{}", said.all());
    test.cluster
        .until("the settings go", || test.get(&["-n", "kubeflow-system", "get", "configmap", "notebook-defaults"]).is_none());
    assert_eq!(test.pod_uid("sample-v1"), before);
    assert!(test.get(&["get", "crd", "notebooks.kubeflow.org"]).is_some());
}
