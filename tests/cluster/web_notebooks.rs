//! Notebooks in the web UI, on a real API server with the controller that runs them: what is typed arrives, what can't be is said and
//! writes nothing, and nobody sees or does anything of another's.

use serde_json::{Value, json};

use crate::notebooks::start;
use crate::profile_lifecycle::{BOB, JANE, Profiles};
use crate::web_notebooks_attacks::Following;
use crate::web_rig::{Issuer, Person, Web, deploy};

pub(crate) const NAMESPACE: &str = "kubeflow-jane";
pub(crate) const NEW: &str = "/jupyter/new";
pub(crate) const LIST: &str = "/jupyter?namespace=kubeflow-jane";
const IMAGE: &str = "ghcr.io/kubeflow/kubeflow/notebook-servers/jupyter-scipy:v1.10.0";

/// Jane and bob with a namespace each, and the web UI.
pub(crate) struct Rig {
    pub(crate) issuer: Issuer,
    pub(crate) web: Web,
    pub(crate) test: Profiles,
}

impl Rig {
    pub(crate) fn start() -> Self {
        let test = start();
        let issuer = Issuer::new();
        deploy(&test, &issuer);
        test.create("bob", BOB);
        let web = Web::start(&test, &[]);
        let rig = Self { issuer, web, test };
        for (email, namespace) in [(JANE, NAMESPACE), ("bob@acme.com", "kubeflow-bob")] {
            let person = rig.person(email);
            rig.test.cluster.until("their notebooks are listed", || {
                let reply = person.get("/jupyter");
                reply.status == 200 && reply.text.contains(namespace) && reply.text.contains("New notebook")
            });
        }
        rig
    }

    pub(crate) fn person(&self, email: &str) -> Person<'_> {
        Person::new(&self.web, self.issuer.token(email, &json!({})))
    }

    /// What of notebooks and volumes there is in jane's namespace.
    fn names(&self, kind: &str) -> Vec<String> {
        let found = self.test.get(&["-n", NAMESPACE, "get", kind]).unwrap_or_default();
        let items = found["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| item["metadata"]["name"].as_str().expect("a name").to_owned()).collect()
    }

    pub(crate) fn everything(&self) -> [Vec<String>; 3] {
        ["notebooks", "persistentvolumeclaims", "pods"].map(|kind| self.names(kind))
    }

    /// Waits until the page of a notebook says this.
    pub(crate) fn says(&self, person: &Person<'_>, name: &str, words: &str) -> String {
        let page = || person.get(&format!("/jupyter/{NAMESPACE}/{name}")).text;
        self.test.cluster.until(&format!("{name} says {words}: {}", page()), || page().contains(words));
        page()
    }
}

#[test]
fn e2e_the_web_spawns_what_is_typed() {
    let rig = Rig::start();
    let jane = rig.person(JANE);
    every_field_arrives(&rig, &jane);
    what_is_refused_writes_nothing(&rig, &jane);
    trouble_is_said_in_words(&rig, &jane);
    it_stops_starts_and_is_edited(&rig, &jane);
    volumes_go_by_choice(&rig, &jane);
    programs_do_the_same(&rig, &jane);
    let metrics = rig.web.metrics();
    assert!(metrics.contains("route=\"/jupyter/{namespace}/{name}\""), "{metrics}");
    assert_eq!(rig.web.terminate(), Some(0));
}

fn every_field_arrives(rig: &Rig, jane: &Person<'_>) {
    rig.test.cluster.until("the quota is counted", || jane.get(NEW).text.contains("32 free"));
    let form = jane.get(NEW).is(200).text;
    for part in [
        "New notebook",
        &IMAGE.replace('/', "&#x2f;"),
        "value=\"0.5\"",
        "value=\"1Gi\"",
        "Intel Gaudi",
        "value=\"5Gi\"",
        "What is left in kubeflow-jane",
        "32 free",
    ] {
        assert!(form.contains(part), "no {part} in {form}");
    }
    let made = jane.submit(
        NEW,
        &[
            ("namespace", NAMESPACE),
            ("name", "full"),
            ("image", IMAGE),
            ("customImage", "r.example.com/team/own:v2"),
            ("serverType", "group-one"),
            ("imagePullPolicy", "Always"),
            ("cpu", "1500m"),
            ("memory", "2GB"),
            ("cpuLimit", "3"),
            ("memoryLimit", "none"),
            ("gpus", "1"),
            ("gpuVendor", "NVIDIA"),
            ("extra", "{\"ephemeral-storage\": \"1Gi\"}"),
            ("workspace:mode", "new"),
            ("workspace:name", ""),
            ("workspace:size", "7Gi"),
            ("workspace:class", "fast"),
            ("workspace:mount", "/home/jovyan"),
            ("data1:mode", "new"),
            ("data1:name", "full-set"),
            ("data1:size", "1Gi"),
            ("data1:mount", "/data"),
            ("data2:mode", "none"),
            ("environment", "A=1\r\nB=two words"),
            ("shm", "off"),
            ("shm", "on"),
            ("private", "on"),
        ],
    );
    assert_eq!(made.is(303).header("location"), "/jupyter/kubeflow-jane/full?done=made&name=full");
    let notebook = rig.test.of_jane("notebook", "full").expect("it is made");
    let annotations = json!({"notebooks.kubeflow.org/server-type": "group-one", "notebooks.kubeflow.org/http-rewrite-uri": "/",
        "notebooks.kubeflow.org/creator": JANE, "notebooks.kubeflow.org/private": "true"});
    assert_eq!(notebook["metadata"]["annotations"], annotations);
    let spec = json!({
        "serviceAccountName": "default-editor",
        "containers": [{
            "name": "full", "image": "r.example.com/team/own:v2", "imagePullPolicy": "Always",
            "resources": {"requests": {"cpu": "1500m", "memory": "2G"}, "limits": {"cpu": "3", "nvidia.com/gpu": "1", "ephemeral-storage": "1Gi"}},
            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "two words"}],
            "volumeMounts": [{"name": "workspace", "mountPath": "/home/jovyan"}, {"name": "data1", "mountPath": "/data"}, {"name": "dshm", "mountPath": "/dev/shm"}],
        }],
        "volumes": [{"name": "workspace", "persistentVolumeClaim": {"claimName": "full-workspace"}},
            {"name": "data1", "persistentVolumeClaim": {"claimName": "full-set"}}, {"name": "dshm", "emptyDir": {"medium": "Memory"}}],
    });
    assert_eq!(notebook["spec"]["template"]["spec"], spec);
    for (name, size, class) in [("full-workspace", "7Gi", json!("fast")), ("full-set", "1Gi", Value::Null)] {
        let claim = rig.test.of_jane("persistentvolumeclaim", name).expect("it is made");
        assert_eq!(
            (&claim["spec"]["resources"]["requests"]["storage"], &claim["spec"]["storageClassName"]),
            (&json!(size), &class)
        );
        assert_eq!(claim["metadata"]["labels"]["notebook-name"], "full");
    }
    // It was jane who did it: what is written carries her name where the server knows it.
    let page = jane.get("/jupyter/kubeflow-jane/full?done=made&name=full").is(200).text;
    for part in
        ["Notebook full is made, and starts", "Made by", "who alone can open it", "full-workspace", "1 nvidia.com&#x2f;gpu"]
    {
        assert!(page.contains(part), "no {part} in {page}");
    }
}

fn what_is_refused_writes_nothing(rig: &Rig, jane: &Person<'_>) {
    // One refuses a notebook only where it is meant, and not as if; the other a pod.
    refuse(rig, "late", "kubeflow.org", "notebooks", "object.metadata.name != 'late' || request.dryRun", "too late");
    let images = "object.spec.containers.all(c, !c.image.startsWith('forbidden.example.com/'))";
    refuse(rig, "images", "", "pods", images, "images of forbidden.example.com are not for us");
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "namespace": NAMESPACE},
        "spec": {"containers": [{"name": "x", "image": "forbidden.example.com/x:1"}]}});
    let pod = rig.test.app.write("pod.json", &pod.to_string());
    rig.test.cluster.until("the policies count", || {
        rig.test.cluster.kubectl(&["create", "--dry-run=server", "-f", &pod]).stderr.contains("are not for us")
    });
    let before = rig.everything();
    let full = |more: &[(&'static str, &'static str)]| {
        [&[("namespace", NAMESPACE), ("name", "refused"), ("workspace:mode", "new"), ("workspace:size", "3Gi")], more].concat()
    };
    let submitted = |more: &[(&'static str, &'static str)]| jane.submit(NEW, &full(more));
    for (more, id, expected) in [
        // By the form.
        (vec![("cpu", "lots")], "cpu", "&quot;lots&quot; is no quantity"),
        (vec![("memory", "4")], "memory", "is 4Gi meant?"),
        (vec![("extra", "{\"nvidia.com/gpu\": }")], "extra", "this is no JSON object"),
        (vec![("environment", "<script>=1")], "environment", "can’t be a variable’s name"),
        // By what is left.
        (vec![("cpu", "64")], "cpu", "CPU: 64 asked for, and of the quota’s 32 only 30500m is left"),
        (vec![("memory", "1Ti")], "memory", "Memory: 1Ti asked for, and of the quota’s 128Gi only"),
        (
            vec![("extra", "{\"nvidia.com/gpu\": 4}")],
            "extra",
            "GPU (nvidia.com&#x2f;gpu): 4 asked for, and of the quota’s 4 only 3 is left",
        ),
        // By the server, as if.
        (vec![("name", "full"), ("workspace:mode", "none")], "name", "a notebook of this name is there already"),
        (vec![("workspace:class", "No Class")], "workspace-class", "the cluster refuses it"),
        (vec![("workspace:name", "full-workspace")], "workspace-name", "volume full-workspace is there already"),
        (vec![("customImage", "forbidden.example.com/x:1")], "", "images of forbidden.example.com are not for us"),
    ] {
        rig.test.cluster.until("the pod is counted", || jane.get(NEW).text.contains("30500m free"));
        let page = submitted(&more).is(422).text;
        let at = if id.is_empty() { "role=\"alert\"".to_owned() } else { format!("id=\"{id}-error-1\"") };
        let place = page.find(&at).unwrap_or_else(|| panic!("no {at} for {more:?} in {page}"));
        let shown = &page[place..page.len().min(place + 900)];
        assert!(shown.contains(expected), "{more:?}: {shown}");
        assert!(page.contains("Nothing is made") && page.contains("value=\"3Gi\""), "what was typed is gone: {page}");
        assert_eq!(rig.everything(), before, "{more:?}");
    }
    // What is refused in the end after all leaves no volume behind.
    assert!(submitted(&[("name", "late")]).is(422).text.contains("too late"));
    rig.test.cluster.until("its volume is taken back", || rig.everything() == before);
    rig.test.admin(&["delete", "validatingadmissionpolicybinding", "images", "late"]);
}

/// A policy of the cluster's.
fn refuse(rig: &Rig, name: &str, group: &str, plural: &str, expression: &str, message: &str) {
    let rules = json!([{"apiGroups": [group], "apiVersions": ["*"], "operations": ["CREATE"], "resources": [plural]}]);
    let policy = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {"matchConstraints": {"resourceRules": rules}, "validations": [{"expression": expression, "message": message}]}});
    let binding = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name}, "spec": {"policyName": name, "validationActions": ["Deny"]}});
    for object in [policy, binding] {
        rig.test.admin(&["create", "-f", &rig.test.app.write("policy.json", &object.to_string())]);
    }
}

fn trouble_is_said_in_words(rig: &Rig, jane: &Person<'_>) {
    // No storage class gives the volumes, so no node takes it.
    let page = rig.says(jane, "full", "no node takes it");
    assert!(page.contains("no node has what it asks for") && page.contains("What has happened"), "{page}");
    rig.says(jane, "full", "FailedScheduling");
    let list = jane.get(LIST).is(200).text;
    assert!(list.contains("no node takes it") && list.contains("own:v2") && list.contains("full-workspace"), "{list}");
    assert!(!list.contains("Connect"), "what does not run can't be opened: {list}");
}

fn it_stops_starts_and_is_edited(rig: &Rig, jane: &Person<'_>) {
    let act = |action: &str| jane.submit(&format!("/jupyter/kubeflow-jane/plain/{action}"), &[("back", "list")]);
    jane.submit(NEW, &[("namespace", NAMESPACE), ("name", "plain"), ("workspace:mode", "none")]).is(303);
    let page = rig.says(jane, "plain", "running");
    assert!(
        page.contains("It can’t be opened from here") && page.contains("kubectl port-forward"),
        "there is no mesh here: {page}"
    );
    // A page that is open hears of it.
    let mut follow = Following::of(rig, JANE, "/jupyter/changes?namespace=kubeflow-jane&name=plain");
    follow.until("event: changed");
    // It runs: a change would start it anew.
    jane.get("/jupyter/kubeflow-jane/plain/edit").is(409);
    jane.submit("/jupyter/kubeflow-jane/plain/edit", &[("cpu", "1")]).is(409);
    assert_eq!(act("stop").is(303).header("location"), "/jupyter?namespace=kubeflow-jane&done=stop&name=plain");
    follow.until("event: changed");
    rig.says(jane, "plain", "<span class=\"state\">stopped</span>");
    assert!(
        rig.test.of_jane("notebook", "plain").expect("it is there")["metadata"]["annotations"]["kubeflow-resource-stopped"]
            .is_string()
    );
    let form = jane.get("/jupyter/kubeflow-jane/plain/edit").is(200).text;
    assert!(
        form.contains("Edit plain") && form.contains("value=\"600m\"") && form.contains("name=\"version\" value=\"1\""),
        "{form}"
    );
    // What is too much is refused here as well, and changes nothing.
    let edit = |fields: &[(&str, &str)]| jane.submit("/jupyter/kubeflow-jane/plain/edit", fields);
    assert!(edit(&[("cpu", "64"), ("cpuLimit", "64")]).is(422).text.contains("CPU: 64 asked for"));
    assert!(edit(&[("image", "no image")]).is(422).text.contains("this is no image"));
    let fields = [
        ("version", "1"),
        ("cpu", "2"),
        ("cpuLimit", "none"),
        ("memory", "3Gi"),
        ("memoryLimit", ""),
        ("environment", "C=3"),
        ("shm", "off"),
    ];
    edit(&fields).is(303);
    edit(&fields).is(409);
    let container =
        rig.test.of_jane("notebook", "plain").expect("it is there")["spec"]["template"]["spec"]["containers"][0].clone();
    assert_eq!(container["resources"], json!({"requests": {"cpu": "2", "memory": "3Gi"}, "limits": {"memory": "3687Mi"}}));
    assert_eq!((&container["env"], &container["volumeMounts"]), (&json!([{"name": "C", "value": "3"}]), &json!([])));
    // It can't start where there is no room for it.
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "narrow", "namespace": NAMESPACE}, "spec": {"hard": {"requests.cpu": "1"}}});
    rig.test.admin(&["create", "-f", &rig.test.app.write("narrow.json", &quota.to_string())]);
    rig.test
        .cluster
        .until("it counts", || rig.test.of_jane("resourcequota", "narrow").is_some_and(|it| it["status"]["used"].is_object()));
    let refused = act("start").is(422).text;
    assert!(refused.contains("can’t start now") && refused.contains("of the quota’s 1 nothing is left"), "{refused}");
    assert!(
        rig.test.of_jane("notebook", "plain").expect("it is there")["metadata"]["annotations"]["kubeflow-resource-stopped"]
            .is_string()
    );
    rig.test.admin(&["-n", NAMESPACE, "delete", "resourcequota", "narrow"]);
    act("start").is(303);
    rig.says(jane, "plain", "running");
    let uid =
        || rig.test.of_jane("pod", "plain-0").unwrap_or_default()["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
    let first = uid();
    act("restart").is(303);
    rig.test.cluster.until("another pod", || !uid().is_empty() && uid() != first);
    act("explode").is(404);
}

fn volumes_go_by_choice(rig: &Rig, jane: &Person<'_>) {
    let delete = |fields: &[(&str, &str)]| jane.submit("/jupyter/kubeflow-jane/full/delete", fields);
    let before = rig.everything();
    delete(&[]).is(422);
    delete(&[("confirm", "plain")]).is(422);
    delete(&[("confirm", "full"), ("volumes:full-workspace", "on"), ("volumes:none-such", "on")]).is(422);
    let gone = |kind: &str, name: &str| {
        rig.test.cluster.until(&format!("{kind} {name} is gone"), || rig.test.of_jane(kind, name).is_none());
    };
    assert_eq!(rig.everything(), before, "nothing is deleted by halves");
    // While a notebook uses it, a volume is not deleted by itself.
    let volume = |name: &str, confirm: &str| {
        jane.submit(&format!("/jupyter/volumes/kubeflow-jane/{name}/delete"), &[("confirm", confirm)])
    };
    let page = volume("full-set", "full-set").is(409).text;
    assert!(page.contains("Notebook full uses volume full-set"), "{page}");
    delete(&[("confirm", "full"), ("volumes:full-workspace", "on")]).is(303);
    gone("notebook", "full");
    gone("persistentvolumeclaim", "full-workspace");
    let kept = rig.test.of_jane("persistentvolumeclaim", "full-set").expect("it was not chosen");
    assert!(kept["metadata"]["deletionTimestamp"].is_null());
    // What no notebook uses is listed, and goes where its name is typed.
    rig.test.cluster.until("it is listed", || jane.get(LIST).text.contains("no notebook; it was made for full"));
    volume("full-set", "full").is(422);
    volume("none-such", "none-such").is(404);
    rig.test.cluster.until("its pod is gone", || rig.test.of_jane("pod", "full-0").is_none());
    volume("full-set", "full-set").is(303);
    gone("persistentvolumeclaim", "full-set");
}

fn programs_do_the_same(rig: &Rig, jane: &Person<'_>) {
    let wish = json!({"namespace": NAMESPACE, "name": "program", "cpu": 1, "memory": "1Gi", "extra": {"nvidia.com/gpu": 2},
        "workspace": {"mode": "none"}, "environment": {"A": "1"}, "shm": false});
    let made = jane.call("POST", "/api/notebooks", &wish).is(201).json();
    assert_eq!(made["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"], "2");
    let problem =
        jane.call("POST", "/api/notebooks", &json!({"namespace": NAMESPACE, "name": "other", "cpu": "64"})).is(422).json();
    assert_eq!(problem["error"]["field"], "cpu");
    let listed = || jane.api("/api/notebooks?namespace=kubeflow-jane").is(200).json();
    rig.test
        .cluster
        .until("it is listed", || listed()["notebooks"].as_array().expect("rows").iter().any(|row| row["name"] == "program"));
    let one = jane.api("/api/notebooks/kubeflow-jane/program").is(200).json();
    assert_eq!((&one["notebook"]["cpu"], &one["notebook"]["devices"]), (&json!("1"), &json!(["2 nvidia.com/gpu"])));
    jane.call("POST", "/api/notebooks/kubeflow-jane/program/stop", &json!({})).is(200);
    jane.call("DELETE", "/api/notebooks/kubeflow-jane/program", &json!({"confirm": "other"})).is(422);
    jane.call("DELETE", "/api/notebooks/kubeflow-jane/program", &json!({"confirm": "program"})).is(200);
    rig.test.cluster.until("it is gone", || rig.test.of_jane("notebook", "program").is_none());
    todays_programs_go_on(rig, jane);
    what_is_described_is_there(jane);
}

/// What today's spawner sends, at today's paths.
fn todays_programs_go_on(rig: &Rig, jane: &Person<'_>) {
    let all = "/jupyter/api/namespaces/kubeflow-jane/notebooks";
    let wish = json!({"name": "today", "namespace": NAMESPACE, "image": IMAGE, "customImage": "", "customImageCheck": false, "imagePullPolicy": "IfNotPresent",
        "serverType": "jupyter", "cpu": "0.5", "cpuLimit": "0.6", "memory": "1.0Gi", "memoryLimit": "1.2Gi", "gpus": {"num": "none"}, "environment": "{}",
        "noWorkspace": false, "workspace": {"mount": "/home/jovyan", "newPvc": {"metadata": {"name": "{notebook-name}-volume"},
            "spec": {"resources": {"requests": {"storage": "5Gi"}}, "accessModes": ["ReadWriteOnce"]}}},
        "affinityConfig": "", "tolerationGroup": "", "datavols": [], "shm": true, "configurations": []});
    let made = jane.call("POST", all, &wish).is(200).json();
    assert_eq!((&made["success"], &made["user"]), (&json!(true), &json!(JANE)));
    assert!(rig.test.of_jane("persistentvolumeclaim", "today-volume").is_some());
    assert!(jane.api("/jupyter/api/namespaces").json()["namespaces"].as_array().expect("names").contains(&json!(NAMESPACE)));
    let listed =
        || jane.api(all).is(200).json()["notebooks"].as_array().expect("rows").iter().find(|row| row["name"] == "today").cloned();
    rig.test.cluster.until("it waits for its volume", || listed().is_some_and(|row| row["status"]["phase"] == "warning"));
    let row = listed().expect("it is there");
    assert_eq!((&row["cpu"], &row["memory"], &row["volumes"]), (&json!("0.5"), &json!("1.0Gi"), &json!(["today-volume"])));
    let one = &format!("{all}/today");
    jane.call("PATCH", one, &json!({"stopped": true})).is(200);
    rig.test.cluster.until("it is stopped", || listed().is_some_and(|row| row["status"]["phase"] == "stopped"));
    assert_eq!(jane.api(one).is(200).json()["notebook"]["metadata"]["name"], "today");
    jane.call("DELETE", one, &json!({})).is(200);
    rig.test.cluster.until("it is gone", || rig.test.of_jane("notebook", "today").is_none());
    assert!(rig.test.of_jane("persistentvolumeclaim", "today-volume").is_some(), "volumes stay, as today");
    jane.submit("/jupyter/volumes/kubeflow-jane/today-volume/delete", &[("confirm", "today-volume")]).is(303);
}

fn what_is_described_is_there(jane: &Person<'_>) {
    let description = jane.api("/api/openapi.json").is(200).json();
    let paths = description["paths"].as_object().expect("paths");
    for (path, methods) in paths {
        let target = path.replace("{namespace}", NAMESPACE).replace("{name}", "no-such-one");
        for method in methods.as_object().expect("methods").keys() {
            let reply = match method.as_str() {
                "get" => jane.api(&target),
                method => jane.call(&method.to_uppercase(), &target, &json!({})),
            };
            for missing in ["there is no such page", "this can't be asked for in this way"] {
                assert!(!reply.text.contains(missing), "{method} {path}: {reply:?}");
            }
            assert!(reply.status < 500 && reply.header("content-type") == "application/json", "{method} {path}: {reply:?}");
        }
    }
}
