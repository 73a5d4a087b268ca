//! Pruning on a real control plane: what left the app goes after a look, and nothing else does.

use std::fmt::Write;

use crate::harness::{App, Cluster, signal};

fn is_there(cluster: &Cluster, arguments: &[&str]) -> bool {
    cluster.kubectl(&[&["get", "-o", "name"], arguments].concat()).code == 0
}

fn uid(cluster: &Cluster, arguments: &[&str]) -> String {
    cluster.kubectl(&[&["get", "-o", "jsonpath={.metadata.uid}"], arguments].concat()).success()
}

/// Objects of these names in namespace default.
fn maps(names: &[&str]) -> String {
    names.iter().fold(String::new(), |mut text, name| {
        let _ = write!(
            text,
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: default}}\ndata: {{a: b}}\n"
        );
        text
    })
}

/// Gives a component of the app this content.
fn bring(app: &App, component: &str, manifests: &str) {
    app.kfctl(&["component", "remove", component, "--yes"]);
    let file = app.write(&format!("{component}.yaml"), manifests);
    app.kfctl(&["component", "add", component, "--from", &file]).success();
}

fn app_with(cluster: &Cluster, name: &str, components: &[(&str, &str)]) -> App {
    let app = cluster.init(name, &["namespaces", "profiles"]);
    for (component, manifests) in components {
        bring(&app, component, manifests);
    }
    app.kfctl(&["apply", "k8s", "--yes"]).success();
    app
}

#[test]
fn api_what_left_the_app_goes_after_a_look() {
    let cluster = Cluster::start();
    let app = app_with(&cluster, "look", &[("one", &maps(&["a", "b"])), ("two", &maps(&["c", "d"]))]);
    bring(&app, "one", &maps(&["a"]));
    bring(&app, "two", &maps(&["c"]));
    // Nobody to ask: nothing goes, and the command is named.
    let said = app.kfctl(&["apply", "k8s"]);
    assert!(said.code == 0 && said.stderr.contains("ConfigMap default/b is no longer part of the app"), "{}", said.all());
    assert!(said.stdout.contains("kfctl apply k8s --prune=yes"), "{}", said.all());
    let said = app.kfctl(&["apply", "k8s", "--prune=no", "--yes"]);
    assert!(said.code == 0 && is_there(&cluster, &["configmap", "b"]), "{}", said.all());
    // A no is a no.
    let said = app.on_terminal(&["apply", "k8s"], "n\n");
    assert!(said.code == 0 && said.stdout.contains("ConfigMap default/b (component one)"), "{}", said.all());
    assert!(is_there(&cluster, &["configmap", "b"]) && is_there(&cluster, &["configmap", "d"]));
    // A component prunes only its own.
    let said = app.kfctl(&["apply", "k8s", "-c", "one", "--prune=yes", "-o", "json"]);
    assert_eq!(said.code, 0, "{}", said.all());
    let summary: serde_json::Value = serde_json::from_str(said.stdout.lines().last().expect("a summary")).expect("JSON");
    assert_eq!(summary["pruned"]["deleted"][0]["name"], "b", "{summary}");
    assert!(!is_there(&cluster, &["configmap", "b"]) && is_there(&cluster, &["configmap", "d"]), "{}", said.all());
    let said = app.on_terminal(&["apply", "k8s"], "y\n");
    assert!(said.code == 0 && said.stdout.contains("1 deleted"), "{}", said.all());
    assert!(!is_there(&cluster, &["configmap", "d"]), "{}", said.all());
    assert!(is_there(&cluster, &["configmap", "a"]) && is_there(&cluster, &["configmap", "c"]));
    let again = app.kfctl(&["apply", "k8s"]);
    assert!(again.stdout.contains("2 unchanged") && !again.stderr.contains("no longer"), "{}", again.all());
    // Nor does a delete of one component take another's, even where no directory tells what that one has.
    let uid = uid(&cluster, &["namespace", "kube-system"]);
    let said = cluster.outside().kfctl(&["delete", "--app", "look", "-c", "one", "--cluster-uid", &uid]);
    assert!(said.code == 0 && !is_there(&cluster, &["configmap", "a"]), "{}", said.all());
    assert!(is_there(&cluster, &["configmap", "c"]), "{}", said.all());
}

#[test]
fn api_an_object_that_moves_is_never_deleted() {
    let cluster = Cluster::start();
    let app = app_with(&cluster, "moves", &[("one", &maps(&["a", "moves"])), ("two", &maps(&["b"]))]);
    let before = uid(&cluster, &["configmap", "moves"]);
    bring(&app, "one", &maps(&["a"]));
    bring(&app, "two", &maps(&["b", "moves"]));
    // The old component first: the new one has not been applied yet.
    let said = app.kfctl(&["apply", "k8s", "-c", "one", "--yes"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(uid(&cluster, &["configmap", "moves"]), before);
    let said = app.kfctl(&["delete", "-c", "one", "--yes"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(!is_there(&cluster, &["configmap", "a"]) && is_there(&cluster, &["configmap", "b"]), "{}", said.all());
    assert_eq!(uid(&cluster, &["configmap", "moves"]), before);
    for components in [["-c", "two"], ["-c", "one"]] {
        app.kfctl(&[&["apply", "k8s", "--yes"], &components[..]].concat()).success();
        assert_eq!(uid(&cluster, &["configmap", "moves"]), before);
    }
    // And back, the new one first.
    bring(&app, "one", &maps(&["a", "moves"]));
    bring(&app, "two", &maps(&["b"]));
    for components in [["-c", "one"], ["-c", "two"]] {
        app.kfctl(&[&["apply", "k8s", "--yes"], &components[..]].concat()).success();
        assert_eq!(uid(&cluster, &["configmap", "moves"]), before);
    }
    // The old component goes altogether.
    app.kfctl(&["component", "remove", "one", "--yes"]).success();
    bring(&app, "two", &maps(&["b", "moves"]));
    app.kfctl(&["apply", "k8s", "--yes"]).success();
    assert_eq!(uid(&cluster, &["configmap", "moves"]), before);
    assert!(!is_there(&cluster, &["configmap", "a"]));
    assert!(!is_there(&cluster, &["-n", "kubeflow-system", "configmap", "kfctl.moves.one"]));
}

#[test]
fn api_components_that_no_longer_run_are_pruned() {
    let cluster = Cluster::start();
    let app = app_with(&cluster, "gone", &[("stays", &maps(&["a"])), ("goes", &maps(&["b"])), ("off", &maps(&["c"]))]);
    app.kfctl(&["component", "remove", "goes", "--yes"]).success();
    app.kfctl(&["component", "disable", "off"]).success();
    let parents = |names: &[&str]| {
        names.iter().all(|name| is_there(&cluster, &["-n", "kubeflow-system", "configmap", &format!("kfctl.gone.{name}")]))
    };
    // With -c nothing of others is looked at.
    app.kfctl(&["apply", "k8s", "-c", "stays", "--yes"]).success();
    assert!(parents(&["stays", "goes", "off"]) && is_there(&cluster, &["configmap", "b"]));
    let said = app.kfctl(&["apply", "k8s"]);
    assert!(said.stderr.contains("ConfigMap default/b is no longer part of the app"), "{}", said.all());
    let said = app.kfctl(&["diff"]);
    assert!(said.code == 3 && said.stdout.contains("pruned ConfigMap default/b"), "{}", said.all());
    assert!(said.stdout.contains("kfctl apply k8s --prune=yes"), "{}", said.all());
    // Killed right after the first is gone, the next run ends it.
    let mut run = app.start(&["apply", "k8s", "--prune=yes", "-o", "json"]);
    run.until("that one is gone", |line| line.contains("\"event\":\"deleted\""));
    signal("KILL", run.pid());
    run.finish();
    app.kfctl(&["apply", "k8s", "--prune=yes"]).success();
    assert!(!is_there(&cluster, &["configmap", "b"]) && !is_there(&cluster, &["configmap", "c"]));
    assert!(parents(&["stays"]) && !parents(&["goes"]) && !parents(&["off"]));
    assert!(is_there(&cluster, &["configmap", "a"]));
}

#[test]
fn api_what_may_not_go_stays() {
    let cluster = Cluster::start();
    let things = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.com}\nspec:\n  group: example.com\n  scope: Namespaced\n  names: {kind: Thing, plural: things}\n  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]\n---\n";
    let kept = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shared}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: inside, namespace: shared}\n---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: claim, namespace: default}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: marked, namespace: default, annotations: {kfctl.kubeflow.org/on-remove: keep}}\n";
    let app = app_with(&cluster, "keeps", &[("one", &(things.to_owned() + &maps(&["a", "taken", "helm"]) + kept))]);
    // Others come in: an object of the definition, a secret in the namespace, another ApplySet, another tool.
    let theirs =
        app.write("theirs.yaml", "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: theirs, namespace: default}\n");
    cluster.kubectl(&["create", "-f", &theirs]).success();
    cluster.kubectl(&["-n", "shared", "create", "secret", "generic", "theirs"]).success();
    cluster
        .kubectl(&["label", "configmap", "taken", "--overwrite", "applyset.kubernetes.io/part-of=applyset-theirs-v1"])
        .success();
    cluster.kubectl(&["annotate", "configmap", "helm", "meta.helm.sh/release-name=theirs"]).success();
    bring(&app, "one", &maps(&["a"]));
    // diff knows what stays, by the same rules.
    let said = app.kfctl(&["diff"]);
    assert_eq!(said.code, 3, "{}", said.all());
    let kept = "kept ConfigMap default/helm (no longer part of the app): Helm manages it";
    assert!(said.stdout.contains(kept) && said.stdout.contains("pruned ConfigMap shared/inside"), "{}", said.all());
    assert!(!said.stdout.contains("pruned PersistentVolumeClaim") && said.stderr.contains(", 5 kept"), "{}", said.all());
    let said = app.kfctl(&["diff", "-o", "json"]);
    let lines: Vec<serde_json::Value> =
        said.stdout.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    let of = |name: &str| lines.iter().find(|line| line["object"]["name"] == name).unwrap_or_else(|| panic!("{}", said.all()));
    assert_eq!((&of("claim")["change"], &of("claim")["reason"]["rule"]), (&"kept".into(), &"volume".into()));
    assert_eq!(of("inside")["change"], "pruned");
    let said = app.kfctl(&["apply", "k8s", "--prune=yes"]);
    assert_eq!(said.code, 0, "{}", said.all());
    for stays in [
        ["crd", "things.example.com"].as_slice(),
        &["things", "theirs"],
        &["namespace", "shared"],
        &["-n", "shared", "secret", "theirs"],
        &["pvc", "claim"],
        &["configmap", "marked"],
        &["configmap", "taken"],
        &["configmap", "helm"],
        &["configmap", "a"],
    ] {
        assert!(is_there(&cluster, stays), "{stays:?} {}", said.all());
    }
    assert!(!is_there(&cluster, &["-n", "shared", "configmap", "inside"]), "{}", said.all());
    for words in [
        "things.example.com: objects of it stay: Thing.example.com default/theirs",
        "Namespace shared: it holds what stays: Secret shared/theirs",
        "PersistentVolumeClaim default/claim: it may hold users' data",
        "ConfigMap default/marked: its annotation kfctl.kubeflow.org/on-remove: keep says so",
        "ConfigMap default/helm: Helm manages it",
    ] {
        assert!(said.stderr.contains(words), "{words}: {}", said.all());
    }
    // Once what held them is gone, so are they.
    cluster.kubectl(&["delete", "-f", &theirs]).success();
    cluster.kubectl(&["-n", "shared", "delete", "secret", "theirs"]).success();
    app.kfctl(&["apply", "k8s", "--prune=yes"]).success();
    assert!(!is_there(&cluster, &["crd", "things.example.com"]) && is_there(&cluster, &["pvc", "claim"]));
}

#[test]
fn api_what_another_app_has_is_not_taken() {
    let cluster = Cluster::start();
    let one = app_with(&cluster, "one", &[("mine", &maps(&["a", "b"]))]);
    let two = cluster.init("two", &["namespaces", "profiles"]);
    bring(&two, "theirs", &maps(&["b", "c"]));
    let owner = |name: &str| cluster.kubectl(&["get", "configmap", name, "-o", "jsonpath={.metadata.labels}"]).success();
    let before = owner("b");
    for arguments in [["apply", "k8s", "--yes"].as_slice(), &["diff"]] {
        let said = two.kfctl(arguments);
        assert_eq!(said.code, 1, "{}", said.all());
        for words in
            ["another app has 1 of these objects", "ConfigMap default/b (component mine of app one)", "--force-conflicts"]
        {
            assert!(said.stderr.contains(words), "{words}: {}", said.all());
        }
    }
    assert_eq!(owner("b"), before);
    assert!(!is_there(&cluster, &["configmap", "c"]));
    // Where it is asked for, it moves over, and the app that had it leaves it alone.
    two.kfctl(&["apply", "k8s", "--yes", "--force-conflicts"]).success();
    assert_ne!(owner("b"), before);
    one.kfctl(&["delete", "--yes"]).success();
    assert!(is_there(&cluster, &["configmap", "b"]) && !is_there(&cluster, &["configmap", "a"]));
}
