//! What goes wrong on real clusters: things that come late, servers that go away, refusals, and users who stop it.

use std::time::{Duration, Instant};

use crate::harness::{App, Cluster, signal};
use crate::proxy::Proxy;
use crate::webhook::Webhook;

const GUARDED: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: guarded, namespace: default, labels: {guarded: 'yes'}}\ndata: {a: b}\n";

/// A definition of kind `kind`, with a short name that another may have.
fn definition(kind: &str) -> String {
    let singular = kind.to_lowercase();
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: {singular}s.example.com}}\nspec:\n  group: example.com\n  scope: Namespaced\n  names: {{kind: {kind}, plural: {singular}s, shortNames: [lt]}}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}\n"
    )
}

/// An app with one component of its own and no other.
fn app_with(cluster: &Cluster, name: &str, manifests: &str) -> App {
    let app = cluster.init(name, &["namespaces", "profiles"]);
    let file = app.write("manifests.yaml", manifests);
    app.kfctl(&["component", "add", "own", "--from", &file]).success();
    app
}

fn is_event(line: &str, event: &str, name: &str) -> bool {
    line.contains(&format!("\"event\":\"{event}\"")) && line.contains(&format!("\"name\":\"{name}\""))
}

#[test]
fn api_late_things_are_waited_for() {
    let cluster = Cluster::start();
    // Names that another definition has: it is established only once that one has gone.
    let early = cluster.app.write("early.yaml", &definition("Early"));
    cluster.kubectl(&["create", "-f", &early]).success();
    cluster.kubectl(&["wait", "--for=condition=Established", "crd/earlys.example.com"]).success();
    let late = format!(
        "{}---\napiVersion: example.com/v1\nkind: Late\nmetadata: {{name: one, namespace: default}}\n",
        definition("Late")
    );
    let app = app_with(&cluster, "late", &late);
    let said = app.kfctl(&["apply", "k8s", "--yes", "--timeout", "3s"]);
    assert_eq!(said.code, 4, "{}", said.all());
    assert!(said.stderr.contains("lates.example.com") && said.stderr.contains("not served yet"), "{}", said.all());
    let mut run = app.start(&["apply", "k8s", "-o", "json"]);
    run.until("that it waits for the definition", |line| is_event(line, "waiting", "lates.example.com"));
    cluster.kubectl(&["delete", "-f", &early]).success();
    let said = run.finish();
    assert_eq!(said.code, 0, "{}", said.all());
    cluster.kubectl(&["get", "lates.example.com", "one"]).success();

    // A webhook with nothing behind it. Without waiting, what it guards is left for the next run.
    let webhook = Webhook::new();
    let app = app_with(&cluster, "guarded", &webhook.configuration());
    app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]).success();
    let guarded = app.write("components/own/guarded.yaml", GUARDED);
    // A server asks a webhook a moment after it was told of it.
    cluster.until("the guard is asked", || cluster.kubectl(&["create", "--dry-run=server", "-f", &guarded]).code != 0);
    let said = app.kfctl(&["apply", "k8s", "--no-wait"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.stderr.contains("ConfigMap default/guarded is left for the next run"), "{}", said.all());
    assert_ne!(cluster.kubectl(&["get", "configmap", "guarded"]).code, 0);
    // The next run waits for it. It answers ten seconds after it was first asked.
    let mut run = app.start(&["apply", "k8s", "-o", "json"]);
    run.until("that it tries again", |line| is_event(line, "retrying", "guarded"));
    let asked = Instant::now();
    while let Some(rest) = Duration::from_secs(10).checked_sub(asked.elapsed()) {
        std::thread::park_timeout(rest);
    }
    webhook.answer();
    let said = run.finish();
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(cluster.kubectl(&["get", "configmap", "guarded", "-o", "jsonpath={.data.a}"]).success(), "b");
}

#[test]
fn api_a_definition_moves_on_while_nothing_converts_its_objects() {
    let cluster = Cluster::start();
    let webhook = Webhook::new();
    let object = |version: &str, name: &str| {
        format!(
            "apiVersion: example.com/{version}\nkind: Moved\nmetadata: {{name: {name}, namespace: default}}\nspec: {{by: {version}}}\n"
        )
    };
    let app = app_with(&cluster, "moves", &format!("{}---\n{}", definition("Moved"), object("v1", "one")));
    app.kfctl(&["apply", "k8s", "--yes"]).success();
    let theirs = app.write("theirs.yaml", &object("v1", "theirs"));
    cluster.kubectl(&["create", "-f", &theirs]).success();
    // The next release: stored in another version, and converted by something that does not run yet.
    let schema = "schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}";
    let both = format!(
        "  - {{name: v1, served: true, storage: false, {schema}}}\n  - {{name: v2, served: true, storage: true, {schema}}}\n  conversion: {{strategy: Webhook, webhook: {{conversionReviewVersions: [v1], clientConfig: {}}}}}\n",
        webhook.client()
    );
    let first = definition("Moved");
    let (head, _) = first.split_once("  - name: v1").expect("its only version");
    let beside = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: beside, namespace: default}\n";
    app.write("components/own/manifests.yaml", &format!("{head}{both}---\n{}---\n{beside}", object("v2", "one")));
    let said = app.kfctl(&["apply", "k8s", "--timeout", "8s"]);
    assert!(said.code != 0 && said.all().contains("conversion webhook for"), "{}", said.all());
    // Now its objects can't even be read: nothing of them is deleted or forgotten, and the rest goes on.
    let said = app.kfctl(&["delete", "--yes"]);
    assert!(said.code == 1 && said.stderr.contains("conversion webhook for"), "{}", said.all());
    cluster.kubectl(&["delete", "configmap", "beside"]).success();
    let mut run = app.start(&["apply", "k8s", "--timeout", "1m", "-o", "json"]);
    run.until("that it tries the object", |line| is_event(line, "retrying", "one"));
    cluster.until("the rest is there", || cluster.kubectl(&["get", "configmap", "beside"]).code == 0);
    webhook.answer();
    let said = run.finish();
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(cluster.kubectl(&["get", "moveds.v2.example.com", "one", "-o", "jsonpath={.spec.by}"]).success(), "v2");
    let said = app.kfctl(&["apply", "k8s"]);
    assert!(said.code == 0 && said.stdout.contains("3 unchanged"), "{}", said.all());
    // What converts goes in the middle of it, as where the app brings that too.
    let proxy = Proxy::start(&cluster, "converted");
    let stopped = proxy.stop_at("PATCH", "/configmaps/kfctl.moves.own?fieldManager=kfctl&force=true");
    let run = app.start(&["delete", "--yes", "--kubeconfig", &proxy.kubeconfig.display().to_string()]);
    stopped.meanwhile(|| webhook.stop());
    let said = run.finish();
    assert!(said.code == 0 && said.stdout.contains("objects of it stay: Moved.example.com default/theirs"), "{}", said.all());
}

#[test]
fn api_refusals_say_what_to_do() {
    let cluster = Cluster::start();
    // A user who may write ConfigMaps, and nothing for the whole cluster.
    cluster.kubectl(&["create", "clusterrole", "reader", "--verb=get,list,watch", "--resource=*.*,*"]).success();
    cluster
        .kubectl(&["create", "clusterrole", "writer", "--verb=create,patch,update", "--resource=configmaps,namespaces"])
        .success();
    for role in ["reader", "writer"] {
        cluster
            .kubectl(&[
                "create",
                "clusterrolebinding",
                role,
                &format!("--clusterrole={role}"),
                "--serviceaccount=default:default",
            ])
            .success();
    }
    let app = app_with(
        &cluster,
        "forbidden",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: allowed, namespace: default}\n---\napiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 1000\n",
    );
    let kubeconfig = cluster.kubeconfig_of("default", "default").display().to_string();
    let said = app.kfctl(&["apply", "k8s", "--yes", "--kubeconfig", &kubeconfig]);
    assert_eq!(said.code, 1, "{}", said.all());
    for words in ["create, patch priorityclasses.scheduling.k8s.io in the whole cluster (1 object)", "nothing was written"] {
        assert!(said.stderr.contains(words), "{words}: {}", said.all());
    }
    assert_ne!(cluster.kubectl(&["get", "configmap", "allowed"]).code, 0, "the half that is allowed was written");

    // What is too large for the store passes every check but the store's: it is not tried for ten minutes.
    let thing = format!(
        "{}---\napiVersion: example.com/v1\nkind: Large\nmetadata: {{name: one, namespace: default}}\ntext: {}\n",
        definition("Large"),
        "x".repeat(2_500_000)
    );
    let app = app_with(&cluster, "large", &thing);
    let started = Instant::now();
    let said = app.kfctl(&["apply", "k8s", "--yes", "--timeout", "90s"]);
    assert!(said.code == 1 && started.elapsed() < Duration::from_mins(1), "{:?} {}", started.elapsed(), said.all());
    assert!(said.stderr.contains("Large.example.com default/one") && said.all().len() < 5000, "{}", said.all());
    app.kfctl(&["delete", "--yes"]).success();

    // Who may not list a kind sees nothing of the app, and deletes nothing of it.
    let both = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: seen, namespace: default}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: unseen, namespace: default}\n";
    let app = app_with(&cluster, "blind", both);
    app.kfctl(&["apply", "k8s", "--yes"]).success();
    cluster.kubectl(&["create", "clusterrole", "blind", "--verb=*", "--resource=configmaps,namespaces"]).success();
    cluster
        .kubectl(&["create", "clusterrolebinding", "blind", "--clusterrole=blind", "--serviceaccount=kube-public:default"])
        .success();
    let kubeconfig = cluster.kubeconfig_of("kube-public", "default").display().to_string();
    for command in [&["apply", "k8s"][..], &["diff"], &["status"], &["delete", "--yes"]] {
        let said = app.kfctl(&[command, &["--kubeconfig", &kubeconfig]].concat());
        assert!(said.code == 1 && said.stderr.contains("cannot list resource \"secrets\""), "{}", said.all());
    }
    cluster.kubectl(&["get", "configmap/seen", "secret/unseen"]).success();
    app.kfctl(&["delete", "--yes"]).success();

    // What can't be changed once it is there.
    let workload = |label: &str, data: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: beside, namespace: default}}\ndata: {{a: {data}}}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: fixed, namespace: default}}\nspec:\n  selector: {{matchLabels: {{app: {label}}}}}\n  template:\n    metadata: {{labels: {{app: {label}}}}}\n    spec: {{containers: [{{name: c, image: example.com/none}}]}}\n"
        )
    };
    let app = app_with(&cluster, "fixed", &workload("one", "before"));
    app.kfctl(&["apply", "k8s", "--yes"]).success();
    app.kfctl(&["component", "remove", "own", "--yes"]).success();
    let file = app.write("changed.yaml", &workload("two", "after"));
    app.kfctl(&["component", "add", "own", "--from", &file]).success();
    let said = app.kfctl(&["apply", "k8s"]);
    assert_eq!(said.code, 1, "{}", said.all());
    for words in ["Deployment.apps default/fixed", "field is immutable", "nothing was written"] {
        assert!(said.stderr.contains(words), "{words}: {}", said.all());
    }
    assert_eq!(cluster.kubectl(&["get", "configmap", "beside", "-o", "jsonpath={.data.a}"]).success(), "before");
}

#[test]
fn api_what_does_not_get_ready_says_why_and_can_be_stopped() {
    let cluster = Cluster::start();
    let webhook = Webhook::new();
    let workload = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: huge, namespace: default}\nspec:\n  selector: {matchLabels: {app: huge}}\n  template:\n    metadata: {labels: {app: huge}}\n    spec: {containers: [{name: c, image: example.com/none, resources: {requests: {cpu: 1k}}}]}\n";
    let app = app_with(&cluster, "huge", workload).with("TERM", "xterm");
    // On a terminal the first apply asks, and a no is a no.
    let said = app.on_terminal(&["apply", "k8s"], "n\n");
    assert!(said.code == 1 && said.stdout.contains("[y/N]") && said.stdout.contains("nothing was changed"), "{}", said.all());
    assert_ne!(cluster.kubectl(&["get", "deployment", "huge"]).code, 0);
    let said = app.on_terminal(&["apply", "k8s", "--timeout", "3s"], "y\n");
    assert_eq!(said.code, 4, "{}", said.all());
    // With progress, as somebody is looking.
    for words in ["Deployment.apps default/huge", "Insufficient cpu", "0/1"] {
        assert!(said.stdout.contains(words), "{words}: {}", said.all());
    }

    // Ctrl-C while it waits.
    let mut run = app.start(&["apply", "k8s"]);
    run.until_told("Deployment.apps default/huge");
    signal("INT", run.pid());
    let said = run.finish();
    assert_eq!(said.code, 130, "{}", said.all());
    assert!(said.stderr.contains("interrupted") && said.stdout.contains("kfctl apply k8s"), "{}", said.all());
    assert!(!said.stderr.contains(['\r', '\u{1b}']), "a pipe got what is for a terminal: {}", said.all());

    // Ctrl-C while a webhook keeps the server from answering a write: the first one is heeded later, the second at once.
    let condition = "  matchConditions: [{name: real, expression: '!has(request.dryRun) || !request.dryRun'}]\n  objectSelector";
    let configuration = webhook.configuration().replace("  objectSelector", condition);
    let guarded = app_with(&cluster, "hanging", &format!("{configuration}---\n{GUARDED}"));
    let said = guarded.kfctl(&["apply", "k8s", "--yes", "--no-wait"]);
    assert_eq!(said.code, 0, "{}", said.all());
    let listener = webhook.hang();
    let mut run = guarded.start(&["apply", "k8s"]);
    let (held, _) = listener.accept().expect("the server asks the webhook");
    signal("INT", run.pid());
    run.until_told("stopping after what is under way");
    signal("INT", run.pid());
    let started = Instant::now();
    let said = run.finish();
    assert_eq!(said.code, 130, "{}", said.all());
    assert!(started.elapsed() < Duration::from_secs(5), "it waited for the server");
    drop(held);
}

#[test]
fn api_server_killed_in_the_middle() {
    let cluster = Cluster::start();
    let many: String = (0..300)
        .map(|n| format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{n}, namespace: default}}\ndata: {{a: b}}\n"))
        .collect();
    let app = app_with(&cluster, "killed", &many);
    let mut run = app.start(&["apply", "k8s", "--yes", "-o", "json"]);
    let mut written = 0;
    run.until("that it wrote a third", |line| {
        written += usize::from(line.contains("\"event\":\"written\""));
        written == 100
    });
    signal("STOP", run.pid());
    // All that may have been written is noted before the first of it: whatever ends the run now, `delete` finds it.
    let noted =
        cluster.kubectl(&["-n", "kubeflow-system", "get", "configmaps", "-l", "kfctl.kubeflow.org/app=killed", "-o", "name"]);
    assert!(noted.success().contains("configmap/"), "no inventory stands in the middle of the run");
    signal("KILL", cluster.pid("kube-apiserver"));
    signal("CONT", run.pid());
    run.until("that it misses the server", |line| line.contains("\"event\":\"retrying\""));
    cluster.app.kfctl(&["local", "start"]).success();
    let said = run.finish();
    assert_eq!(said.code, 0, "{}", said.all());
    let again = app.kfctl(&["apply", "k8s"]);
    assert!(again.stdout.contains("0 created, 0 configured, 300 unchanged"), "{}", again.all());
}
