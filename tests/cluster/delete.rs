//! `kfctl delete` on a real control plane, looked at from outside: what goes, what stays, and what holds it up.

use std::collections::BTreeSet;
use std::path::Path;

use crate::definition::definition;
use crate::harness::{App, Cluster, Running, Said, big_input, signal};

/// Every object of the cluster, but for what comes and goes by itself.
fn listing(cluster: &Cluster) -> BTreeSet<String> {
    let kinds = cluster.kubectl(&["api-resources", "--verbs=list", "-o", "name"]).success();
    let passing =
        ["events", "leases.coordination.k8s.io", "endpoints", "endpointslices.discovery.k8s.io", "events.events.k8s.io"];
    let kinds: Vec<&str> = kinds.lines().filter(|kind| !passing.contains(kind) && !kind.contains("metrics")).collect();
    let format = "jsonpath={range .items[*]}{.kind} {.metadata.namespace}/{.metadata.name}{\"\\n\"}{end}";
    let said = cluster.kubectl(&["get", &kinds.join(","), "-A", "--ignore-not-found", "-o", format]);
    assert_eq!(said.code, 0, "{}", said.all());
    // The server makes and frees these by itself, for pods, definitions and services.
    let own = |line: &&str| !["Pod ", "APIService ", "IPAddress "].iter().any(|kind| line.starts_with(kind));
    said.stdout.lines().filter(own).map(str::to_owned).collect()
}

fn added(cluster: &Cluster, before: &BTreeSet<String>) -> Vec<String> {
    listing(cluster).difference(before).filter(|line| !line.ends_with("/kube-root-ca.crt")).cloned().collect()
}

fn is_there(cluster: &Cluster, arguments: &[&str]) -> bool {
    let said = cluster.kubectl(&[&["get", "-o", "name"], arguments].concat());
    assert!(
        said.code == 0 || said.stderr.contains("NotFound") || said.stderr.contains("doesn't have a resource"),
        "{}",
        said.all()
    );
    said.code == 0
}

fn uid(cluster: &Cluster, arguments: &[&str]) -> String {
    cluster.kubectl(&[&["get", "-o", "jsonpath={.metadata.uid}"], arguments].concat()).success()
}

/// An app with one component of its own and no other.
fn app_with(cluster: &Cluster, name: &str, manifests: &str) -> App {
    let app = cluster.init(name, &["namespaces", "profiles"]);
    let file = app.write("manifests.yaml", manifests);
    app.kfctl(&["component", "add", "own", "--from", &file]).success();
    app
}

fn until_waiting(run: &mut Running, name: &str) {
    run.until("what it waits for", |line| {
        line.contains("\"event\":\"waiting\"") && line.contains(&format!("\"name\":\"{name}\""))
    });
}

#[test]
fn api_delete_leaves_the_cluster_as_it_was_but_for_users_data() {
    let cluster = Cluster::start();
    let before = listing(&cluster);
    let app = cluster.init("corpus", &["namespaces", "profiles"]);
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").display().to_string();
    app.kfctl(&["component", "add", "corpus", "--from", &corpus]).success();
    app.kfctl(&["apply", "k8s", "--yes", "--timeout", "2m"]).success();
    let installed = listing(&cluster);

    // Without a yes, nothing.
    let refused = app.kfctl(&["delete"]);
    assert_eq!(refused.code, 2, "{}", refused.all());
    assert_eq!(listing(&cluster), installed);
    let said = app.kfctl(&["delete", "--yes"]);
    assert_eq!(said.code, 0, "{}", said.all());
    let kept = [
        "ConfigMap kubeflow-system/kfctl.corpus.corpus",
        "Namespace /corpus",
        "Namespace /kubeflow-system",
        "PersistentVolume /corpus",
        "PersistentVolumeClaim corpus/data",
        "ServiceAccount corpus/default",
        "ServiceAccount kubeflow-system/default",
    ];
    assert_eq!(added(&cluster, &before), kept, "{}", said.all());
    for words in ["Kept:", "PersistentVolumeClaim corpus/data", "kfctl delete --delete-user-data"] {
        assert!(said.stdout.contains(words), "{words}: {}", said.all());
    }
    let again = app.kfctl(&["delete", "--yes"]);
    assert!(again.code == 0 && again.stdout.contains("nothing of app corpus is left to delete"), "{}", again.all());

    // The app's name, and nothing else, takes users' data.
    for arguments in [["--yes"].as_slice(), &["--confirm-app", "kubeflow"], &["--yes", "--confirm-app", "corpu"]] {
        let said = app.kfctl(&[&["delete", "--delete-user-data"], arguments].concat());
        assert_eq!(said.code, 2, "{arguments:?} {}", said.all());
    }
    for typed in ["y\n", "yes\n", "corpora\n", "\n"] {
        let said = app.on_terminal(&["delete", "--delete-user-data", "--yes"], typed);
        assert!(said.code == 1 && said.stdout.contains("nothing was changed"), "{typed:?} {}", said.all());
    }
    assert_eq!(added(&cluster, &before), kept);
    let said = app.on_terminal(&["delete", "--delete-user-data"], "corpus\n");
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(added(&cluster, &before), [""; 0], "{}", said.all());

    // And all of it comes back.
    app.kfctl(&["apply", "k8s", "--yes", "--timeout", "2m"]).success();
    assert_eq!(added(&cluster, &installed), [""; 0]);
    app.kfctl(&["delete", "--delete-user-data", "--confirm-app", "corpus"]).success();
    assert_eq!(added(&cluster, &before), [""; 0]);
}

#[test]
fn api_users_data_survives_delete() {
    let cluster = Cluster::start();
    let before = listing(&cluster);
    let app = cluster.init("mine", &[]);
    let notebooks = app.write("notebooks.yaml", &definition("kubeflow.org", "notebooks", "Notebook"));
    app.kfctl(&["component", "add", "notebooks-by-hand", "--from", &notebooks]).success();
    app.kfctl(&["apply", "k8s", "--yes", "--timeout", "2m"]).success();
    let users = app.write(
        "users.yaml",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: kubeflow-abe, labels: {app.kubernetes.io/part-of: kubeflow-profile}}\n---\napiVersion: kubeflow.org/v1alpha1\nkind: Profile\nmetadata: {name: abe, namespace: kubeflow-system, finalizers: [kubeflow.org/test]}\nspec: {template: {metadata: {namespace: kubeflow-abe}, spec: {owner: {kind: User, apiGroup: rbac.authorization.k8s.io, name: abe@foo.com}}}}\n---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: work, namespace: kubeflow-abe}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n---\napiVersion: kubeflow.org/v1\nkind: Notebook\nmetadata: {name: book, namespace: kubeflow-abe}\n---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: stray, namespace: kubeflow}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n",
    );
    cluster.kubectl(&["create", "-f", &users]).success();
    let things: [&[&str]; 8] = [
        &["crd", "profiles.kubeflow.org"],
        &["crd", "notebooks.kubeflow.org"],
        &["namespace", "kubeflow-system"],
        &["namespace", "kubeflow-abe"],
        &["-n", "kubeflow-system", "profile", "abe"],
        &["-n", "kubeflow-abe", "notebook", "book"],
        &["-n", "kubeflow-abe", "pvc", "work"],
        &["-n", "kubeflow", "pvc", "stray"],
    ];
    let uids: Vec<String> = things.iter().map(|thing| uid(&cluster, thing)).collect();
    let still = || things.iter().map(|thing| uid(&cluster, thing)).collect::<Vec<_>>();
    let controller = ["-n", "kubeflow-system", "deployment", "kfctl-controller"];

    let said = app.kfctl(&["delete", "--yes"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(still(), uids, "{}", said.all());
    assert!(!is_there(&cluster, &controller) && !is_there(&cluster, &["clusterrole", "kubeflow-edit"]), "{}", said.all());
    for words in ["Profile.kubeflow.org kubeflow-system/abe", "profiles.kubeflow.org", "PersistentVolumeClaim kubeflow/stray"] {
        assert!(said.stdout.contains(words), "{words}: {}", said.all());
    }
    // Applied again, all is back at work with the same profiles.
    app.kfctl(&["apply", "k8s", "--timeout", "2m"]).success();
    assert!(is_there(&cluster, &controller));
    assert_eq!(still(), uids);
    // A component alone keeps the same.
    let said = app.kfctl(&["delete", "-c", "profiles", "--yes"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(still(), uids, "{}", said.all());
    assert!(!is_there(&cluster, &controller));
    app.kfctl(&["apply", "k8s", "--timeout", "2m"]).success();

    // With the name typed it goes: profiles first, while their controller is there. What holds one is named.
    cluster.kubectl(&["-n", "kubeflow-system", "scale", "deployment/kfctl-controller", "--replicas=0"]).success();
    let delete = ["delete", "--delete-user-data", "--confirm-app", "mine", "-o", "json"];
    let said = app.kfctl(&[&delete[..], &["--timeout", "15s"]].concat());
    assert_eq!(said.code, 4, "{}", said.all());
    assert!(said.stdout.contains("finalizer kubeflow.org/test holds it; deleted since 20"), "{}", said.all());
    assert!(said.stdout.contains("Deployment.apps kubeflow-system/kfctl-controller: it has no replicas"), "{}", said.all());
    assert!(is_there(&cluster, &controller) && is_there(&cluster, &["-n", "kubeflow-abe", "pvc", "work"]), "{}", said.all());
    let mut run = app.start(&delete);
    until_waiting(&mut run, "abe");
    cluster
        .kubectl(&[
            "-n",
            "kubeflow-system",
            "patch",
            "profile",
            "abe",
            "--type=merge",
            "-p",
            r#"{"metadata":{"finalizers":null}}"#,
        ])
        .success();
    let said = run.finish();
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(added(&cluster, &before), [""; 0], "{}", said.all());
}

#[test]
fn api_without_profiles_only_their_definition_stays() {
    let cluster = Cluster::start();
    let before = listing(&cluster);
    let app = cluster.init("empty", &[]);
    app.kfctl(&["apply", "k8s", "--yes", "--timeout", "2m"]).success();
    let said = app.kfctl(&["delete", "--yes", "-o", "json"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(added(&cluster, &before), ["CustomResourceDefinition /profiles.kubeflow.org"], "{}", said.all());
    let summary: serde_json::Value = serde_json::from_str(said.stdout.lines().last().expect("a summary")).expect("JSON");
    assert_eq!(summary["kept"][0]["reason"]["rule"], "users-definition", "{summary}");
    // Its inventory went with the namespace; the label still tells whose it is.
    app.kfctl(&["delete", "--delete-user-data", "--confirm-app", "empty"]).success();
    assert_eq!(added(&cluster, &before), [""; 0]);
}

#[test]
fn api_what_a_finalizer_holds_is_named() {
    let cluster = Cluster::start();
    let manifests = definition("example.com", "things", "Thing")
        + "---\n"
        + "apiVersion: v1\nkind: Namespace\nmetadata: {name: held}\n---\napiVersion: example.com/v1\nkind: Thing\nmetadata: {name: one, namespace: held, finalizers: [example.com/hold]}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: things-controller, namespace: held}\nspec:\n  selector: {matchLabels: {app: t}}\n  template:\n    metadata: {labels: {app: t}}\n    spec: {containers: [{name: c, image: example.com/none}]}\n";
    let app = app_with(&cluster, "held", &manifests);
    app.kfctl(&["apply", "k8s", "--yes", "--timeout", "2m"]).success();
    let said = app.kfctl(&["delete", "--yes", "--timeout", "3s"]);
    assert_eq!(said.code, 4, "{}", said.all());
    for words in [
        "Thing.example.com held/one is not gone: finalizer example.com/hold holds it; deleted since 20",
        "waiting     Thing.example.com held/one",
    ] {
        assert!(said.stderr.contains(words), "{words}: {}", said.all());
    }
    assert!(said.stdout.contains("kubectl -n held patch thing.example.com one --type=merge"), "{}", said.all());
    let controller = ["-n", "held", "deployment", "things-controller"];
    assert!(is_there(&cluster, &controller), "its controller went first");

    // Stopped by hand, it says so.
    let mut run = app.start(&["delete", "--yes"]);
    run.until_told("waiting     Thing.example.com held/one");
    signal("INT", run.pid());
    let said = run.finish();
    assert!(said.code == 130 && said.stdout.contains("goes on from here"), "{}", said.all());
    assert!(is_there(&cluster, &controller));

    // Something that is not ours gets into the namespace meanwhile: it is kept.
    let mut run = app.start(&["delete", "--yes", "-o", "json"]);
    until_waiting(&mut run, "one");
    cluster.kubectl(&["-n", "held", "create", "configmap", "late"]).success();
    cluster
        .kubectl(&[
            "-n",
            "held",
            "patch",
            "things.example.com",
            "one",
            "--type=merge",
            "-p",
            r#"{"metadata":{"finalizers":null}}"#,
        ])
        .success();
    let said = run.finish();
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(is_there(&cluster, &["-n", "held", "configmap", "late"]), "{}", said.all());
    assert!(!is_there(&cluster, &controller) && !is_there(&cluster, &["crd", "things.example.com"]), "{}", said.all());

    // A finalizer of somebody's in the namespace itself.
    cluster.kubectl(&["-n", "held", "delete", "configmap", "late"]).success();
    cluster
        .kubectl(&["patch", "namespace", "held", "--type=merge", "-p", r#"{"metadata":{"finalizers":["example.com/ns"]}}"#])
        .success();
    let mut run = app.start(&["delete", "--yes", "-o", "json"]);
    until_waiting(&mut run, "held");
    cluster.kubectl(&["patch", "namespace", "held", "--type=merge", "-p", r#"{"metadata":{"finalizers":null}}"#]).success();
    let said = run.finish();
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(!is_there(&cluster, &["namespace", "held"]) && !is_there(&cluster, &["namespace", "kubeflow-system"]));
}

#[test]
fn api_webhooks_and_api_services_block_nothing() {
    let cluster = Cluster::start();
    let before = listing(&cluster);
    let manifests = definition("example.com", "things", "Thing")
        + "---\n"
        + "apiVersion: v1\nkind: Namespace\nmetadata: {name: blocked}\n---\napiVersion: example.com/v1\nkind: Thing\nmetadata: {name: one, namespace: blocked}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: guarded, namespace: blocked}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: dead, namespace: blocked}\nspec: {selector: {app: nobody}, ports: [{port: 443}]}\n---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: closed}\nwebhooks:\n- name: closed.example.com\n  admissionReviewVersions: [v1]\n  sideEffects: None\n  failurePolicy: Fail\n  clientConfig: {service: {name: dead, namespace: blocked}}\n  rules: [{apiGroups: ['', example.com], apiVersions: ['*'], operations: [DELETE], resources: [configmaps, things, namespaces]}]\n---\napiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.dead.example.com}\nspec: {group: dead.example.com, version: v1, groupPriorityMinimum: 1000, versionPriority: 15, insecureSkipTLSVerify: true, service: {name: dead, namespace: blocked}}\n";
    let app = app_with(&cluster, "blocked", &manifests);
    app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]).success();
    // It does refuse, as long as it is there.
    let refused = cluster.kubectl(&["-n", "blocked", "delete", "configmap", "guarded"]);
    assert!(refused.stderr.contains("failed calling webhook"), "{}", refused.all());
    let said = app.kfctl(&["delete", "--yes", "--timeout", "1m"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(added(&cluster, &before), [""; 0], "{}", said.all());
    assert!(!is_there(&cluster, &["apiservice", "v1.dead.example.com"]));

    // Somebody else's dead service would hang every namespace: it is named instead.
    let app = app_with(&cluster, "clean", "apiVersion: v1\nkind: Namespace\nmetadata: {name: clean}\n");
    app.kfctl(&["apply", "k8s", "--yes"]).success();
    let dead = app.write("dead.yaml", "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.theirs.example.com}\nspec: {group: theirs.example.com, version: v1, groupPriorityMinimum: 1000, versionPriority: 15, insecureSkipTLSVerify: true, service: {name: dead, namespace: default}}\n");
    cluster.kubectl(&["create", "-f", &dead]).success();
    cluster.kubectl(&["wait", "--for=condition=Available=False", "apiservice/v1.theirs.example.com"]).success();
    let said = app.kfctl(&["delete", "--yes", "--timeout", "20s"]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.stderr.contains("v1.theirs.example.com") && said.stderr.contains("kubectl delete apiservice"), "{}", said.all());
    assert!(is_there(&cluster, &["namespace", "clean"]));
    cluster.kubectl(&["delete", "-f", &dead]).success();
    app.kfctl(&["delete", "--yes", "--timeout", "1m"]).success();
    assert_eq!(added(&cluster, &before), [""; 0]);
}

#[test]
fn api_delete_without_the_app_directory() {
    let cluster = Cluster::start();
    let manifests = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: own, namespace: {name}}}\n"
        )
    };
    for name in ["first", "second"] {
        app_with(&cluster, name, &manifests(name)).kfctl(&["apply", "k8s", "--yes"]).success();
    }
    let outside = cluster.outside();
    let said = outside.kfctl(&["delete"]);
    assert!(said.code == 2 && said.stderr.contains("first, second"), "{}", said.all());
    let said = outside.kfctl(&["delete", "--app", "frst"]);
    assert!(said.code == 2 && said.stderr.contains("did you mean `first`?"), "{}", said.all());
    // A name is a name, and no selector.
    let said = outside.kfctl(&["delete", "--app", "second,!nothing"]);
    assert!(said.code == 2 && said.stderr.contains("no app \"second,!nothing\""), "{}", said.all());
    // Nothing here remembers the cluster, so a yes is not enough.
    let said = outside.kfctl(&["delete", "--app", "first", "--yes"]);
    assert!(said.code == 2 && said.stderr.contains("--cluster-uid UID"), "{}", said.all());
    let there = uid(&cluster, &["namespace", "kube-system"]);
    assert!(said.stderr.contains(&there), "{}", said.all());
    let said = outside.kfctl(&["delete", "--app", "first", "--cluster-uid", "00000000-0000-0000-0000-000000000000"]);
    assert_eq!(said.code, 5, "{}", said.all());
    let said = outside.on_terminal(&["delete", "--app", "first", "--yes"], "y\n");
    assert!(said.code == 1 && said.stdout.contains("nothing was changed"), "{}", said.all());
    assert!(is_there(&cluster, &["-n", "first", "configmap", "own"]));
    let said = outside.on_terminal(&["delete", "--app", "first"], "first\n");
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(!is_there(&cluster, &["namespace", "first"]), "{}", said.all());
    // The other app is as it was, and the namespace of its inventory too.
    assert!(is_there(&cluster, &["-n", "second", "configmap", "own"]));
    assert!(is_there(&cluster, &["-n", "kubeflow-system", "configmap", "kfctl.second.own"]));
    let said = outside.kfctl(&["delete", "--app", "second", "--cluster-uid", &there]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(!is_there(&cluster, &["namespace", "second"]) && !is_there(&cluster, &["namespace", "kubeflow-system"]));
}

#[test]
fn api_killed_anywhere_the_next_delete_ends_it() {
    let cluster = Cluster::start();
    let before = listing(&cluster);
    let app = cluster.init("killed", &["profiles"]);
    let many: String = (0..100)
        .map(|n| format!("---\napiVersion: example.com/v1\nkind: Thing\nmetadata: {{name: t{n}, namespace: many}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{n}, namespace: many}}\n"))
        .collect();
    let manifests =
        definition("example.com", "things", "Thing") + "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: many}\n" + &many;
    let file = app.write("many.yaml", &manifests);
    app.kfctl(&["component", "add", "many", "--from", &file]).success();
    app.kfctl(&["apply", "k8s", "--yes"]).success();
    for lines in [0, 1, 20, 110] {
        let mut run = app.start(&["delete", "--yes", "-o", "json"]);
        let mut seen = 0;
        run.until("so many lines", |_| {
            seen += 1;
            seen > lines
        });
        signal("KILL", run.pid());
        run.finish();
    }
    let said = app.kfctl(&["delete", "--yes"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(added(&cluster, &before), [""; 0], "{}", said.all());
    let said = app.kfctl(&["delete", "--yes"]);
    assert!(said.stdout.contains("nothing of app killed is left"), "{}", said.all());
}

#[test]
fn api_the_whole_of_kubeflow_goes_again() {
    let Some(input) = big_input() else { return };
    let cluster = Cluster::start();
    let before = listing(&cluster);
    let app = cluster.init("big", &["namespaces", "profiles"]);
    let file = app.write("big.yaml", &input);
    app.kfctl(&["component", "add", "big", "--from", &file]).success();
    app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]).success();
    let started = std::time::Instant::now();
    let said = app.kfctl(&["delete", "--yes", "--timeout", "5m"]);
    assert_eq!(said.code, 0, "{}", said.all());
    eprintln!("deleted in {:.1} s", started.elapsed().as_secs_f64());
    assert_told(&cluster, &before, &said);
    let said = app.kfctl(&["delete", "--delete-user-data", "--confirm-app", "big", "--timeout", "5m"]);
    assert_eq!(said.code, 0, "{}", said.all());
    // Its definitions marked to stay do, and nothing else.
    assert_told(&cluster, &before, &said);
    let marked = |line: &String| line.starts_with("CustomResourceDefinition ");
    assert!(
        added(&cluster, &before).iter().filter(|line| !marked(line)).all(|line| line.contains("kubeflow-system")),
        "{}",
        said.all()
    );
}

/// Whatever is in the cluster now and was not before, the command named as kept.
fn assert_told(cluster: &Cluster, before: &BTreeSet<String>, said: &Said) {
    for line in added(cluster, before) {
        let words = || line.split(['/', ' ']).filter(|word| !word.is_empty());
        let told = said.stdout.lines().any(|told| words().all(|word| told.contains(word)));
        let implied = line.ends_with("/default")
            || line.starts_with("ConfigMap kubeflow-system/kfctl.big.")
            || line == "Namespace /kubeflow-system";
        assert!(told || implied, "{line} is left, and nothing says so: {}", said.all());
    }
}
