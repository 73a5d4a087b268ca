//! What others do to the objects of an app, and what a run that can't go on leaves behind.

use crate::harness::{App, Cluster, signal};

fn app_with(cluster: &Cluster, name: &str, manifests: &str) -> App {
    let app = cluster.init(name, &["namespaces", "profiles"]);
    bring(&app, manifests);
    app
}

fn bring(app: &App, manifests: &str) {
    app.kfctl(&["component", "remove", "own", "--yes"]);
    let file = app.write("own.yaml", manifests);
    app.kfctl(&["component", "add", "own", "--from", &file]).success();
}

fn map(name: &str) -> String {
    format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: default}}\ndata: {{a: b}}\n")
}

fn is_there(cluster: &Cluster, arguments: &[&str]) -> bool {
    cluster.kubectl(&[&["get", "-o", "name"], arguments].concat()).code == 0
}

#[test]
fn api_a_copy_of_an_object_stays_whatever_its_labels_say() {
    let cluster = Cluster::start();
    let app = app_with(&cluster, "copied", &(map("a") + &map("b")));
    app.kfctl(&["apply", "k8s", "--yes"]).success();
    // As people copy things: all labels come along.
    cluster.kubectl(&["create", "namespace", "team"]).success();
    let yaml = cluster.kubectl(&["get", "configmap", "b", "-o", "yaml"]).success();
    let copy = app.write("copy.yaml", &yaml.replace("namespace: default", "namespace: team"));
    cluster.kubectl(&["create", "-f", &copy]).success();
    let set = cluster
        .kubectl(&["get", "configmap", "b", "-o", r"jsonpath={.metadata.labels.applyset\.kubernetes\.io/part-of}"])
        .success();
    let label = format!("applyset.kubernetes.io/part-of={set}");
    cluster.kubectl(&["-n", "team", "create", "configmap", "labelled"]).success();
    cluster.kubectl(&["-n", "team", "label", "configmap", "labelled", &label]).success();

    bring(&app, &map("a"));
    let said = app.kfctl(&["apply", "k8s", "--prune=yes"]);
    assert!(said.code == 0 && !is_there(&cluster, &["configmap", "b"]), "{}", said.all());
    let theirs = || is_there(&cluster, &["-n", "team", "configmap", "b", "labelled"]);
    assert!(theirs(), "{}", said.all());
    assert!(said.stderr.contains("ConfigMap team/b: kfctl did not give it the app's label"), "{}", said.all());

    let said = app.kfctl(&["delete", "--yes"]);
    assert!(said.code == 0 && !is_there(&cluster, &["configmap", "a"]) && theirs(), "{}", said.all());
    assert!(!is_there(&cluster, &["namespace", "kubeflow-system"]), "a copy holds nothing of ours: {}", said.all());
}

#[test]
fn api_a_first_apply_that_is_refused_binds_the_app_to_no_cluster() {
    let cluster = Cluster::start();
    let app = app_with(
        &cluster,
        "refused",
        "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: default}\nspec: {ports: [{port: 99999}]}\n",
    );
    let said = app.kfctl(&["apply", "k8s", "--yes"]);
    assert!(said.code == 1 && said.stderr.contains("nothing was written"), "{}", said.all());
    assert!(!app.read("app.yaml").contains("uid:"), "{}", app.read("app.yaml"));
    // The server quotes what it does not take, and a Secret is not to be quoted.
    bring(
        &app,
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: default}\nstringData: {password: [hunter2hunter2]}\n",
    );
    let said = app.kfctl(&["apply", "k8s", "--yes", "-v"]);
    assert!(said.code == 1 && said.stderr.contains(".data.password"), "{}", said.all());
    assert!(!said.all().contains("hunter2"), "{}", said.all());
    bring(&app, &map("a"));
    app.kfctl(&["apply", "k8s", "--yes"]).success();
    assert!(app.read("app.yaml").contains("uid:"), "{}", app.read("app.yaml"));
}

#[test]
fn api_what_is_being_deleted_is_not_there() {
    let cluster = Cluster::start();
    let app = app_with(&cluster, "dying", &map("held"));
    app.kfctl(&["apply", "k8s", "--yes"]).success();
    let finalizers = |text: &str| {
        let patch = format!(r#"{{"metadata":{{"finalizers":{text}}}}}"#);
        cluster.kubectl(&["patch", "configmap", "held", "--type=merge", "-p", &patch]).success();
    };
    finalizers(r#"["example.com/hold"]"#);
    cluster.kubectl(&["delete", "configmap", "held", "--wait=false"]).success();
    let said = app.kfctl(&["apply", "k8s", "--timeout", "3s"]);
    assert_eq!(said.code, 4, "{}", said.all());
    assert!(said.stderr.contains("finalizer example.com/hold holds it; deleted since 20"), "{}", said.all());

    // Once it is gone, it is made anew.
    let mut run = app.start(&["apply", "k8s"]);
    run.until_told("finalizer example.com/hold holds it");
    finalizers("null");
    let said = run.finish();
    assert!(said.code == 0 && said.stdout.contains("1 created"), "{}", said.all());
    assert!(is_there(&cluster, &["configmap", "held"]), "{}", said.all());
}

#[test]
fn api_the_first_interruption_ends_what_only_waits() {
    let cluster = Cluster::start();
    let guarded = "apiVersion: v1\nkind: Service\nmetadata: {name: dead, namespace: default}\nspec: {selector: {app: nobody}, ports: [{port: 443}]}\n---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: closed}\nwebhooks:\n- name: closed.example.com\n  admissionReviewVersions: [v1]\n  sideEffects: None\n  clientConfig: {service: {name: dead, namespace: default}, caBundle: ''}\n  rules: [{apiGroups: [''], apiVersions: ['*'], operations: [CREATE], resources: [secrets]}]\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: guarded, namespace: default}\n";
    let app = app_with(&cluster, "waits", guarded);
    let mut run = app.start(&["apply", "k8s", "--yes", "--timeout", "1m"]);
    run.until_told("ValidatingWebhookConfiguration.admissionregistration.k8s.io closed");
    let asked = std::time::Instant::now();
    signal("INT", run.pid());
    let said = run.finish();
    assert!(said.code == 130 && asked.elapsed().as_secs() < 20, "{:?} {}", asked.elapsed(), said.all());
}

#[test]
fn api_what_can_not_be_read_now_is_not_forgotten() {
    let cluster = Cluster::start();
    let app = app_with(&cluster, "silent", &map("a"));
    app.kfctl(&["apply", "k8s", "--yes"]).success();
    let service = app.write("service.yaml", "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.silent.example.com}\nspec: {group: silent.example.com, version: v1, groupPriorityMinimum: 1000, versionPriority: 15, insecureSkipTLSVerify: true, service: {name: nobody, namespace: default}}\n");
    cluster.kubectl(&["create", "-f", &service]).success();
    let inventory = ["-n", "kubeflow-system", "configmap", "kfctl.silent.own"];
    let kinds = "applyset.kubernetes.io/contains-group-kinds=ConfigMap,Thing.silent.example.com";
    let annotate = [&["annotate", "--overwrite"], &inventory[..], &[kinds]].concat();
    cluster.kubectl(&annotate).success();
    cluster.until("the group is known to be silent", || app.kfctl(&["doctor"]).all().contains("silent.example.com"));
    let said = app.kfctl(&["delete", "--yes"]);
    assert!(said.code == 1 && said.stderr.contains("kind Thing.silent.example.com"), "{}", said.all());
    app.kfctl(&["apply", "k8s"]).success();
    let stored = cluster.kubectl(&[&["get", "-o", "yaml"], &inventory[..]].concat()).success();
    assert!(stored.contains("Thing.silent.example.com"), "{stored}");
    cluster.kubectl(&["delete", "apiservice", "v1.silent.example.com"]).success();
    let gone = || app.kfctl(&["delete", "--yes"]).code == 0;
    cluster.until("it answers again", gone);
    assert!(!is_there(&cluster, &inventory));
}
