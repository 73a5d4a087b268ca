//! What others do to the objects of an app, and what a run that can't go on leaves behind.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::harness::{App, Cluster, Said, signal};
use crate::proxy::{Fault, Proxy, When};

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

/// All members of apps, and what tells whose they are.
fn members(cluster: &Cluster) -> String {
    let kinds = "namespaces,configmaps,customresourcedefinitions";
    cluster.kubectl(&["get", kinds, "-A", "-o", "name", "-l", "applyset.kubernetes.io/part-of"]).success()
}

#[test]
fn api_an_apply_in_the_middle_of_a_delete_leaves_nothing_that_nobody_knows() {
    let cluster = Cluster::start();
    let proxy = Proxy::start(&cluster, "slow");
    let slowly = proxy.kubeconfig.display().to_string();
    let app = app_with(&cluster, "both", &(map("a") + "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: both}\n"));
    let apply = || app.kfctl(&["apply", "k8s", "--yes", "--timeout", "30s"]);
    let made = |said: &Said| said.stderr.contains("ConfigMap default/a is not gone: another run of kfctl has made it meanwhile");
    // Before the last object, before the inventory, and before the namespace of all inventories goes.
    for path in ["/namespaces/both", "/configmaps/kfctl.both.own", "/namespaces/kubeflow-system"] {
        apply().success();
        let stopped = proxy.stop_at("DELETE", path);
        let delete = app.start(&["delete", "--yes", "--kubeconfig", &slowly]);
        let applied = stopped.meanwhile(apply);
        let deleted = delete.finish();
        let context = || format!("{path}: {} {}", applied.all(), deleted.all());
        assert!(applied.code == 0 && deleted.code == 4 && made(&deleted), "{}", context());
        assert!(is_there(&cluster, &["-n", "kubeflow-system", "configmap", "kfctl.both.own"]), "{}", context());
        app.kfctl(&["delete", "--yes"]).success();
        assert_eq!(members(&cluster), "", "{}", context());
        assert!(!is_there(&cluster, &["namespace", "kubeflow-system"]), "{}", context());
    }
    // What is there is in the inventory, so that it is found without the directory too.
    let known = || members(&cluster).is_empty() || is_there(&cluster, &["-n", "kubeflow-system", "configmap", "kfctl.both.own"]);
    // The other way round: the whole delete happens in the middle of an apply, which then puts its inventory back.
    let written = "?fieldManager=kfctl&fieldValidation=Ignore&force=false";
    let [map, namespace] = ["/configmaps/a", "/namespaces/both"].map(|path| format!("{path}{written}"));
    for path in [map, namespace, "/configmaps/kfctl.both.own?fieldManager=kfctl&force=true".to_owned()] {
        let stopped = proxy.stop_at("PATCH", &path);
        let run = app.start(&["apply", "k8s", "--yes", "--timeout", "30s", "--kubeconfig", &slowly]);
        let deleted = stopped.meanwhile(|| app.kfctl(&["delete", "--yes"]));
        let applied = run.finish();
        assert!(known(), "{path}: {} {}", applied.all(), deleted.all());
        let again = app.kfctl(&["delete", "--yes"]);
        assert!(deleted.code == 0 && again.code == 0, "{path}: {} {} {}", applied.all(), deleted.all(), again.all());
        assert_eq!(members(&cluster), "", "{path}: {} {} {}", applied.all(), deleted.all(), again.all());
    }
    // Both at once, as it comes.
    for round in 0..3 {
        let delete = app.start(&["delete", "--yes"]);
        let applied = apply();
        let deleted = delete.finish();
        assert!(known(), "{round}: {} {}", applied.all(), deleted.all());
        let again = app.kfctl(&["delete", "--yes"]);
        assert_eq!(again.code, 0, "{round}: {} {} {}", applied.all(), deleted.all(), again.all());
        assert_eq!(members(&cluster), "", "{round}: {} {} {}", applied.all(), deleted.all(), again.all());
    }
}

#[test]
fn api_an_apply_killed_after_a_delete_in_its_middle_is_ended_by_the_next_run() {
    let cluster = Cluster::start();
    let proxy = Proxy::start(&cluster, "killing");
    let through = proxy.kubeconfig.display().to_string();
    // One object, so that nothing else is under way when it is killed.
    let app = app_with(&cluster, "stray", &map("a"));
    let written = "/configmaps/a?fieldManager=kfctl&fieldValidation=Ignore&force=false";
    for next in ["delete", "apply"] {
        let ((arrives, arrived), (go, goes)) = (channel(), channel());
        let victim = proxy.misbehave(move |asked| {
            (asked.method == "PATCH" && asked.path.ends_with(written)).then(|| {
                let _ = arrives.send(());
                let _ = goes.recv();
                Fault::Kill(When::After)
            })
        });
        let run = app.start(&["apply", "k8s", "--yes", "--kubeconfig", &through]);
        victim.send(run.pid()).expect("the proxy listens");
        arrived.recv_timeout(Duration::from_mins(1)).expect("it writes the object");
        // The whole delete, and then the last write of the apply, which never gets to look after its inventory.
        let deleted = app.kfctl(&["delete", "--yes"]);
        assert!(deleted.code == 0 && members(&cluster).is_empty(), "{}", deleted.all());
        go.send(()).expect("the proxy waits");
        assert_eq!(run.finish().code, -1);
        assert_eq!(members(&cluster), "configmap/a\n");
        assert!(!is_there(&cluster, &["namespace", "kubeflow-system"]), "nothing in the cluster tells of it but its label");
        if next == "apply" {
            app.kfctl(&["apply", "k8s", "--yes"]).success();
            assert!(is_there(&cluster, &["-n", "kubeflow-system", "configmap", "kfctl.stray.own"]));
        }
        let said = app.kfctl(&["delete", "--yes"]);
        assert_eq!(said.code, 0, "{next}: {}", said.all());
        assert_eq!(members(&cluster), "", "{next}: {}", said.all());
        let said = app.kfctl(&["delete", "--yes"]);
        assert!(said.stdout.contains("nothing of app stray is left to delete"), "{next}: {}", said.all());
    }
}

#[test]
fn api_pruning_beside_another_apply_forgets_nothing() {
    let cluster = Cluster::start();
    let proxy = Proxy::start(&cluster, "pruning");
    let through = proxy.kubeconfig.display().to_string();
    let secret = |name: &str| format!("---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: default}}\n");
    let app = app_with(&cluster, "beside", &(map("a") + &secret("goes")));
    let inventory = ["-n", "kubeflow-system", "configmap", "kfctl.beside.own"];
    let kinds = r"jsonpath={.metadata.annotations.applyset\.kubernetes\.io/contains-group-kinds}";
    let kinds = || cluster.kubectl(&[&["get", "-o", kinds], &inventory[..]].concat()).success();
    // Before what left goes, and before the inventory is told; the other run brings an object of the kind that leaves it.
    for (method, path) in [("DELETE", "/secrets/goes"), ("PATCH", "/configmaps/kfctl.beside.own?fieldManager=kfctl&force=true")] {
        bring(&app, &(map("a") + &secret("goes")));
        app.kfctl(&["apply", "k8s", "--yes"]).success();
        bring(&app, &map("a"));
        let stopped = proxy.stop_at(method, path);
        let run = app.start(&["apply", "k8s", "--prune=yes", "--kubeconfig", &through]);
        let other = stopped.meanwhile(|| {
            bring(&app, &(map("a") + &secret("comes")));
            app.kfctl(&["apply", "k8s", "--prune=no"])
        });
        let pruned = run.finish();
        let context = || format!("{method} {path}: {} {}", other.all(), pruned.all());
        assert!(other.code == 0 && pruned.code == 0, "{}", context());
        assert!(!is_there(&cluster, &["secret", "goes"]) && is_there(&cluster, &["secret", "comes"]), "{}", context());
        assert_eq!(kinds(), "ConfigMap,Secret", "{}", context());
        // Without its directory, so that the inventory alone can tell.
        let uid = cluster.kubectl(&["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"]).success();
        cluster.outside().kfctl(&["delete", "--app", "beside", "--cluster-uid", &uid]).success();
        assert!(!is_there(&cluster, &["secret", "comes"]) && members(&cluster).is_empty(), "{}", context());
    }
    // An apply has noted what it is about to write, and has not written it yet: that note is not overwritten.
    bring(&app, &(map("a") + &secret("goes")));
    app.kfctl(&["apply", "k8s", "--yes"]).success();
    bring(&app, &map("a"));
    let stopped = proxy.stop_at("GET", "/configmaps/kfctl.beside.own");
    let run = app.start(&["apply", "k8s", "--prune=yes", "--kubeconfig", &through]);
    let noted = "applyset.kubernetes.io/contains-group-kinds=ConfigMap,Role.rbac.authorization.k8s.io,Secret";
    stopped.meanwhile(|| cluster.kubectl(&[&["annotate", "--overwrite"], &inventory[..], &[noted]].concat()).success());
    let said = run.finish();
    assert!(said.code == 4 && said.stderr.contains("another run of kfctl has written to it meanwhile"), "{}", said.all());
    assert!(kinds().contains("Role.rbac.authorization.k8s.io"), "{}", said.all());
}

#[test]
fn api_what_changes_under_a_prune_is_judged_anew() {
    let cluster = Cluster::start();
    let proxy = Proxy::start(&cluster, "changing");
    let through = proxy.kubeconfig.display().to_string();
    let app = app_with(&cluster, "changing", &map("a"));
    // What is looked at and what is deleted are one object, or it stays.
    let changes: [(&str, &[&[&str]], &str); 3] = [
        ("marked", &[&["annotate", "configmap", "marked", "kfctl.kubeflow.org/on-remove=keep"]], "its annotation"),
        ("anew", &[&["delete", "configmap", "anew"], &["create", "configmap", "anew"]], "it was made anew meanwhile"),
        ("free", &[&["label", "configmap", "free", "applyset.kubernetes.io/part-of-"]], "kfctl did not give it the app's label"),
    ];
    for (name, commands, reason) in changes {
        bring(&app, &(map("a") + &map(name)));
        app.kfctl(&["apply", "k8s", "--yes", "--prune=no"]).success();
        bring(&app, &map("a"));
        let stopped = proxy.stop_at("DELETE", &format!("/configmaps/{name}"));
        let run = app.start(&["apply", "k8s", "--prune=yes", "--kubeconfig", &through]);
        stopped.meanwhile(|| commands.iter().for_each(|command| drop(cluster.kubectl(command).success())));
        let said = run.finish();
        assert!(said.code == 0 && is_there(&cluster, &["configmap", name]), "{name}: {}", said.all());
        assert!(said.stderr.contains(&format!("ConfigMap default/{name}: {reason}")), "{name}: {}", said.all());
    }
}

#[test]
fn api_two_applies_at_once_end_as_one() {
    let cluster = Cluster::start();
    let names: Vec<String> = (0..120).map(|n| format!("c{n}")).collect();
    let app = app_with(&cluster, "twice", &names.iter().map(|name| map(name)).collect::<String>());
    let second = app.write("second.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: second}\n");
    app.kfctl(&["component", "add", "second", "--from", &second]).success();
    let run = app.start(&["apply", "k8s", "--yes"]);
    let one = app.kfctl(&["apply", "k8s", "--yes"]);
    let other = run.finish();
    assert!(one.code == 0 && other.code == 0, "{} {}", one.all(), other.all());
    // One with new content, one of another component.
    let file = "components/own/own.yaml";
    app.write(file, &app.read(file).replace("data: {a: b}", "data: {a: c}"));
    let run = app.start(&["apply", "k8s", "-c", "own"]);
    let one = app.kfctl(&["apply", "k8s", "-c", "second"]);
    let other = run.finish();
    assert!(one.code == 0 && other.code == 0, "{} {}", one.all(), other.all());
    assert!(other.stdout.contains("120 configured") && other.stdout.contains("kfctl status -c own"), "{}", other.all());
    let same = app.kfctl(&["apply", "k8s"]);
    assert!(same.stdout.contains("0 created, 0 configured, 121 unchanged"), "{}", same.all());
    app.kfctl(&["delete", "--yes"]).success();
    assert_eq!(members(&cluster), "");
}

#[test]
fn api_a_kind_that_a_server_does_not_tell_of_yet_keeps_its_namespace() {
    let cluster = Cluster::start();
    let proxy = Proxy::start(&cluster, "lagging");
    let app = app_with(&cluster, "lag", "apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n");
    let through = ["--yes", "--kubeconfig", &proxy.kubeconfig.display().to_string()].map(str::to_owned);
    let run = |verb: &[&str]| app.kfctl(&[verb, &through.each_ref().map(String::as_str)].concat());
    run(&["apply", "k8s"]).success();
    // What a user brings after that this server never hears of.
    let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: models.lag.example.com}\nspec:\n  group: lag.example.com\n  scope: Namespaced\n  names: {kind: Model, plural: models}\n  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]\n";
    let (definition, model) = (
        app.write("definition.yaml", definition),
        app.write("model.yaml", "apiVersion: lag.example.com/v1\nkind: Model\nmetadata: {name: trained, namespace: team}\n"),
    );
    cluster.kubectl(&["create", "-f", &definition]).success();
    cluster.kubectl(&["wait", "--for=condition=Established", "crd/models.lag.example.com"]).success();
    cluster.until("it can be made", || cluster.kubectl(&["create", "-f", &model]).code == 0);
    proxy.misbehave(|asked| asked.is_discovery().then_some(Fault::Stale));
    let said = run(&["delete"]);
    let kept = "Namespace team: it holds what stays: Model.lag.example.com team/trained";
    assert!(said.code == 0 && said.stdout.contains(kept), "{}", said.all());
    assert!(is_there(&cluster, &["-n", "team", "models.lag.example.com", "trained"]), "{}", said.all());
    cluster.kubectl(&["delete", "-f", &model]).success();
    let said = run(&["delete"]);
    assert!(said.code == 0 && !is_there(&cluster, &["namespace", "team"]), "{}", said.all());
}

#[test]
fn api_an_unchanged_app_is_not_even_read() {
    let cluster = Cluster::start();
    let proxy = Proxy::start(&cluster, "counting");
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: default}\nstringData: {a: b}\n";
    let role = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r, namespace: default}\nrules: []\n";
    let app = app_with(&cluster, "same", &(map("a") + &map("b") + secret + role));
    app.kfctl(&["apply", "k8s", "--yes"]).success();
    // What was asked of the members, and how, as far as it was no question of what is served.
    let apply = |most: usize| {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let note = Arc::clone(&asked);
        proxy.misbehave(move |asked| {
            let how = if asked.accept.contains("PartialObjectMetadataList") { "metadata" } else { "all" };
            let path = asked.path.split(['?', '&']).next().unwrap_or_default();
            note.lock().expect("no panic").push(format!("{} {path} {how}", asked.method));
            None
        });
        let said = app.kfctl(&["apply", "k8s", "--kubeconfig", &proxy.kubeconfig.display().to_string()]);
        assert_eq!(said.code, 0, "{}", said.all());
        let mut asked = asked.lock().expect("no panic").clone();
        assert!(asked.len() <= most, "{asked:#?}");
        asked.retain(|line| ["configmaps", "secrets", "roles"].iter().any(|kind| line.contains(&format!("/{kind}"))));
        asked.retain(|line| !line.contains("kubeflow-system"));
        asked.sort();
        (said, asked)
    };
    let (said, asked) = apply(10);
    assert!(said.stdout.contains("0 configured, 4 unchanged"), "{}", said.all());
    let roles = "GET /apis/rbac.authorization.k8s.io/v1/roles metadata";
    // A digest of a weak password would tell it, so Secrets are compared anew.
    assert_eq!(asked, ["GET /api/v1/configmaps metadata", "GET /api/v1/secrets all", roles]);
    // Of a kind in which something moved all is read.
    cluster.kubectl(&["patch", "configmap", "b", "--type=merge", "-p", r#"{"data":{"a":null}}"#]).success();
    let (said, asked) = apply(16);
    assert!(said.stdout.contains("1 configured, 3 unchanged"), "{}", said.all());
    let maps = ["GET /api/v1/configmaps all", "GET /api/v1/configmaps metadata"];
    assert_eq!(asked[..2], maps, "{asked:#?}");
    assert!(asked.contains(&roles.to_owned()), "{asked:#?}");
}

#[test]
fn api_a_server_that_says_nothing_is_waited_for_no_longer_than_asked() {
    let cluster = Cluster::start();
    let proxy = Proxy::start(&cluster, "silent");
    let through = proxy.kubeconfig.display().to_string();
    let app = app_with(&cluster, "patient", &map("a"));
    app.kfctl(&["apply", "k8s", "--yes"]).success();
    app.write("components/own/own.yaml", &map("a").replace("a: b", "a: c"));
    // The first word, the first read, and the dry-run.
    for path in ["/api/v1/namespaces/kube-system", "/configmaps?labelSelector", "dryRun=All"] {
        proxy.misbehave(move |asked| asked.path.contains(path).then_some(Fault::Late(Duration::from_mins(2))));
        let started = std::time::Instant::now();
        let said = app.kfctl(&["apply", "k8s", "--timeout", "2s", "--kubeconfig", &through]);
        assert!(started.elapsed() < Duration::from_secs(10), "{path}: {:?} {}", started.elapsed(), said.all());
        assert_eq!(said.code, 4, "{path}: {}", said.all());
        for words in ["has not answered all questions within 2 s", "nothing was written", "--timeout 10m"] {
            assert!(said.stderr.contains(words), "{path}: {words}: {}", said.all());
        }
    }
    assert_eq!(cluster.kubectl(&["get", "configmap", "a", "-o", "jsonpath={.data.a}"]).success(), "b");
    proxy.misbehave(|asked| asked.path.contains("labelSelector").then_some(Fault::Late(Duration::from_mins(2))));
    let said = app.kfctl(&["delete", "--yes", "--timeout", "2s", "--kubeconfig", &through]);
    assert!(said.code == 4 && said.stderr.contains("has not answered all questions within 2 s"), "{}", said.all());
}

#[test]
fn api_an_autoscaler_keeps_its_replicas() {
    let cluster = Cluster::start();
    let scaled = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: default}\nspec:\n  replicas: 1\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: c, image: example.com/none}]}\n---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web, namespace: default}\nspec:\n  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n  minReplicas: 3\n  maxReplicas: 5\n  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]\n";
    let app = app_with(&cluster, "scaled", scaled);
    app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]).success();
    let replicas = || cluster.kubectl(&["get", "deployment", "web", "-o", "jsonpath={.spec.replicas}"]).success();
    cluster.until("the real autoscaler scales it", || replicas() == "3");
    let diff = app.kfctl(&["diff"]);
    assert!(diff.code == 0 && diff.stdout.contains("nothing to change"), "{}", diff.all());
    app.kfctl(&["apply", "k8s", "--no-wait"]).success();
    // A change of another field leaves it alone too.
    let file = "components/own/own.yaml";
    app.write(file, &app.read(file).replace("example.com/none", "example.com/other"));
    let said = app.kfctl(&["apply", "k8s", "--no-wait"]);
    assert!(said.stdout.contains("1 configured") && replicas() == "3", "{}", said.all());
    assert!(!app.kfctl(&["status"]).stdout.contains("spec.replicas was changed"));
}
