//! `kfctl status` against a real API server: why something is not ready, what others did, and how it changes.

use crate::harness::{App, Cluster, signal};

/// A workload whose pods no node takes, so that the test plays their kubelet.
fn workload(name: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: default}}\nspec:\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec: {{schedulerName: none, containers: [{{name: main, image: 'example.com/{name}:1'}}]}}\n---\n"
    )
}

const SETTINGS: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: default, labels: {shown: 'yes'}}\ndata: {color: red, size: '1', shape: round}\n---\n";
const QUANTITY: &str = "apiVersion: v1\nkind: LimitRange\nmetadata: {name: spelled, namespace: default}\nspec: {limits: [{type: Container, default: {cpu: 1000m}}]}\n---\n";

fn app_with(cluster: &Cluster, name: &str, manifests: &str) -> App {
    let app = cluster.init(name, &["namespaces", "profiles"]);
    let file = app.write("manifests.yaml", manifests);
    app.kfctl(&["component", "add", "own", "--from", &file]).success();
    app
}

/// Writes the status of a workload's pods as a kubelet would.
fn play_kubelet(cluster: &Cluster, app: &str, status: &str) {
    let name = || cluster.kubectl(&["get", "pods", "-l", &format!("app={app}"), "-o", "name"]).stdout.trim().to_owned();
    cluster.until("the pod is there", || !name().is_empty());
    cluster.kubectl(&["patch", &name(), "--subresource=status", "-p", &format!("{{\"status\": {status}}}")]).success();
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text.lines().next().unwrap_or_default()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn api_status_says_why_and_what_others_did() {
    let cluster = Cluster::start();
    let names = ["pull", "crash", "full"];
    let manifests = names.map(workload).concat() + SETTINGS + QUANTITY;
    let app = app_with(&cluster, "seen", &manifests);
    // Nothing is there yet.
    let said = app.kfctl(&["status"]);
    assert_eq!(said.code, 4, "{}", said.all());
    assert!(said.stderr.contains("app seen has nothing in"), "{}", said.all());
    app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]).success();

    play_kubelet(
        &cluster,
        "pull",
        r#"{"containerStatuses": [{"name": "main", "image": "x", "imageID": "", "ready": false, "restartCount": 0, "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}]}"#,
    );
    play_kubelet(
        &cluster,
        "crash",
        r#"{"containerStatuses": [{"name": "main", "image": "x", "imageID": "", "ready": false, "restartCount": 5, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 3}}}]}"#,
    );
    play_kubelet(
        &cluster,
        "full",
        r#"{"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2 nodes are available"}]}"#,
    );
    let said = app.kfctl(&["status"]);
    assert_eq!(said.code, 4, "{}", said.all());
    for words in [
        "own        2/5    -        kfctl/",
        "own: Deployment.apps default/pull: 0 of 1 replicas are ready (container main: ImagePullBackOff: no such image)",
        "own: Deployment.apps default/crash: 0 of 1 replicas are ready (container main: CrashLoopBackOff, last exit code 3)",
        "own: Deployment.apps default/full: 0 of 1 replicas are ready (Unschedulable: 0/2 nodes are available)",
    ] {
        assert!(said.stdout.contains(words), "{words}: {}", said.all());
    }
    // Spelled otherwise than the server keeps it is no change, and what the control plane writes is no news.
    for words in ["spelled", "Others keep", "kube-controller-manager"] {
        assert!(!said.stdout.contains(words), "{words}: {}", said.all());
    }

    let patch = |manager: &str, patch: &str| {
        cluster.kubectl(&["patch", "configmap", "settings", "--type=merge", "--field-manager", manager, "-p", patch]).success();
    };
    patch("somebody", r#"{"data": {"color": "blue", "added": "x"}}"#);
    patch("somebody", r#"{"data": {"size": null}}"#);
    cluster.kubectl(&["delete", "deployment", "full"]).success();
    let file = app.read("components/own/manifests.yaml").replace("shape: round", "shape: square");
    app.write("components/own/manifests.yaml", &file);
    let said = app.kfctl(&["status", "-v"]);
    assert_eq!(said.code, 4, "{}", said.all());
    for words in [
        "own: Deployment.apps default/full: it is not in the cluster",
        ".data.color was changed by somebody; .data.size is missing",
        "own: ConfigMap default/settings: .data.shape differs",
        "own: ConfigMap default/settings: somebody keeps .data.added, .data.color",
        "example.com/pull:1",
    ] {
        assert!(said.stdout.contains(words), "{words}: {}", said.all());
    }

    // The same for programs, and with no directory at hand.
    let said = app.kfctl(&["status", "-o", "json"]);
    let own = json(&said.stdout);
    assert_eq!((own["component"].as_str(), own["ready"].as_u64(), own["total"].as_u64()), (Some("own"), Some(2), Some(5)));
    let settings = own["objects"].as_array().expect("objects").iter().find(|object| object["object"]["name"] == "settings");
    let settings = settings.expect("the ConfigMap");
    assert_eq!(settings["drift"][0]["managers"][0], "somebody", "{settings}");
    assert_eq!(settings["state"], "ready");
    let elsewhere = cluster.app.kfctl(&["status", "--app", "seen", "--kubeconfig", &cluster.kubeconfig().display().to_string()]);
    assert_eq!(elsewhere.code, 4, "{}", elsewhere.all());
    assert!(elsewhere.stdout.contains("ImagePullBackOff") && elsewhere.stdout.contains("2/4"), "{}", elsewhere.all());
    assert!(elsewhere.stdout.contains("somebody keeps .data.added"), "{}", elsewhere.all());
    let nobody = app.kfctl(&["status", "-c", "nobody"]);
    assert_eq!(nobody.code, 2, "{}", nobody.all());

    // Brought back, all is ready and nothing is changed.
    app.kfctl(&["apply", "k8s", "--no-wait", "--force-conflicts"]).success();
    app.write("components/own/manifests.yaml", &format!("{SETTINGS}{QUANTITY}"));
    let said = app.kfctl(&["status"]);
    for words in ["No longer part of the app:", "own: Deployment.apps default/pull: still in the cluster"] {
        assert!(said.stdout.contains(words), "{words}: {}", said.all());
    }
    cluster.kubectl(&["delete", "deployments", "--all", "-n", "default"]).success();
    let said = app.kfctl(&["status"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.stdout.contains("own        2/2    1        kfctl/"), "{}", said.all());
}

#[test]
fn api_status_watches_until_it_is_stopped() {
    let cluster = Cluster::start();
    let app = app_with(&cluster, "watched", &(workload("slow") + SETTINGS));
    app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]).success();
    let mut watch = app.start(&["status", "--watch"]);
    watch.until("the first state", |line| line.contains("Deployment.apps default/slow") && line.contains("0 of 1 replicas"));
    cluster
        .kubectl(&["patch", "configmap", "settings", "--field-manager=somebody", "-p", r#"{"data": {"color": "blue"}}"#])
        .success();
    watch.until("that a field changed", |line| line.contains("settings: .data.color was changed by somebody"));
    play_kubelet(
        &cluster,
        "slow",
        r#"{"containerStatuses": [{"name": "main", "image": "x", "imageID": "", "ready": false, "restartCount": 0, "state": {"waiting": {"reason": "ErrImagePull"}}}]}"#,
    );
    watch.until("what the pod says", |line| line.contains("default/slow") && line.contains("ErrImagePull"));
    // Another run adds an object of a kind that was not watched.
    let file = app.read("components/own/manifests.yaml") + QUANTITY;
    app.write("components/own/manifests.yaml", &file);
    app.kfctl(&["apply", "k8s", "--no-wait", "--force-conflicts"]).success();
    watch.until("the new object", |line| line.contains("LimitRange default/spelled: ready"));
    cluster.kubectl(&["delete", "limitrange", "spelled"]).success();
    watch.until("that it went", |line| line.contains("LimitRange default/spelled: gone"));
    signal("INT", watch.pid());
    let said = watch.finish();
    assert_eq!(said.code, 4, "{}", said.all());

    // Whoever reads it has enough, and nothing more happens.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut command = app.command(&["status", "--watch"]);
    let mut child = command.stdout(writer).stderr(std::process::Stdio::null()).spawn().expect("kfctl starts");
    drop(command);
    let mut reader = std::io::BufReader::new(reader);
    std::io::BufRead::read_line(&mut reader, &mut String::new()).expect("a line");
    drop(reader);
    cluster.until("it ends with its reader", || child.try_wait().expect("its state").is_some());

    let mut stream = app.start(&["status", "--watch", "-o", "json", "--app", "watched"]);
    stream.until("a document", |line| json(line)["component"] == "own");
    play_kubelet(
        &cluster,
        "slow",
        r#"{"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": []}"#,
    );
    stream.until("that all is ready", |line| json(line)["ready"] == json(line)["total"]);
    signal("INT", stream.pid());
    let said = stream.finish();
    assert_eq!(said.code, 0, "{}", said.all());
}
