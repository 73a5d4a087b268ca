//! `kfctl doctor`, and what `apply` refuses by itself before it writes anything.

use crate::harness::{App, Cluster, Said, signal};
use crate::proxy::{Fault, Proxy};

fn apply(cluster: &Cluster, manifests: &str) {
    let file = cluster.app.write("outside.yaml", manifests);
    cluster.kubectl(&["apply", "-f", &file]).success();
}

/// The lines of one check, each with what to do.
fn lines(said: &Said, check: &str) -> Vec<String> {
    let findings = said.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON lines"));
    let of_check = findings.filter(|finding| finding["check"] == check);
    let text = |finding: &serde_json::Value, field: &str| finding[field].as_str().unwrap_or_default().to_owned();
    of_check.map(|finding| ["level", "found", "toDo"].map(|field| text(&finding, field)).join(" | ")).collect()
}

/// Asserts that a check said exactly one thing, which holds these words.
#[track_caller]
fn assert_says(app: &App, check: &str, words: &[&str]) {
    let said = app.kfctl(&["doctor", "-o", "json"]);
    let lines = lines(&said, check);
    assert!(words.iter().all(|word| lines.iter().any(|line| line.contains(word))), "{words:?}: {}", said.all());
}

const DEAD: &str = "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: closed}
webhooks:
- name: closed.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  clientConfig: {service: {namespace: default, name: nobody}}
  objectSelector: {matchLabels: {guarded: 'yes'}}
  rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]
---
apiVersion: v1
kind: Service
metadata: {name: empty, namespace: default}
spec: {selector: {app: nothing}, ports: [{port: 443}]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: open}
webhooks:
- name: open.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Ignore
  clientConfig: {service: {namespace: default, name: empty}}
  objectSelector: {matchLabels: {guarded: 'yes'}}
  rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.dead.example.com}
spec: {group: dead.example.com, version: v1, service: {namespace: default, name: nobody}, insecureSkipTLSVerify: true, groupPriorityMinimum: 1000, versionPriority: 10}
";

/// In two versions, so that its objects are converted.
const CONVERTED: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: twos.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Two, plural: twos}
  conversion: {strategy: Webhook, webhook: {conversionReviewVersions: [v1], clientConfig: {service: {namespace: default, name: nobody}}}}
  versions:
  - {name: v1, served: true, storage: false, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
  - {name: v2, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
";

const STORAGE: &str = "apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: disks}
provisioner: example.com/disks
";

const ISTIO: &str = "apiVersion: v1
kind: Namespace
metadata: {name: istio-system}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: istiod, namespace: istio-system, labels: {app: istiod}}
spec:
  selector: {matchLabels: {app: istiod}}
  template:
    metadata: {labels: {app: istiod}}
    spec: {containers: [{name: discovery, image: 'docker.io/istio/pilot:1.27.1-distroless'}]}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: authorizationpolicies.security.istio.io}
spec:
  group: security.istio.io
  scope: Namespaced
  names: {kind: AuthorizationPolicy, plural: authorizationpolicies, singular: authorizationpolicy}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
";

#[test]
fn api_doctor_names_what_is_wrong_with_a_cluster() {
    let cluster = Cluster::start();
    let app = &cluster.app;
    let said = app.kfctl(&["doctor"]);
    assert_eq!(said.code, 0, "{}", said.all());
    for words in [
        "ok    processes",
        "ok    server        https://127.0.0.1:",
        "ok    version       Kubernetes v1.3",
        "ok    clock",
        "ok    api-groups    every API group answers",
        "ok    webhooks      0 webhook configurations",
        "ok    converters    0 definitions",
        "warn  storage       there is no StorageClass",
        "ok    nodes         2 of 2 nodes take pods: 128 CPU, 512 GiB of memory, no GPU",
        "ok    istio         there is no Istio here",
        "ok    rights        you may do everything",
    ] {
        assert!(said.stdout.lines().any(|line| line.starts_with(words)), "{words}: {}", said.all());
    }

    apply(&cluster, STORAGE);
    assert_says(
        app,
        "storage",
        &[
            "warn | no StorageClass is the default",
            "`kubectl annotate --overwrite storageclass disks storageclass.kubernetes.io/is-default-class=true`",
        ],
    );
    cluster.kubectl(&["annotate", "storageclass", "disks", "storageclass.kubernetes.io/is-default-class=true"]).success();
    assert_says(app, "storage", &["ok | volumes come from StorageClass disks"]);

    apply(&cluster, ISTIO);
    cluster.kubectl(&["-n", "istio-system", "wait", "--for=condition=Available", "deployment/istiod", "--timeout=60s"]).success();
    cluster.kubectl(&["wait", "--for=condition=Established", "crd/authorizationpolicies.security.istio.io"]).success();
    cluster.until("its kind is served", || cluster.kubectl(&["get", "authorizationpolicies.security.istio.io"]).code == 0);
    assert_says(app, "istio", &["ok | Istio 1.27.1 (istio-system/istiod)", "warn | Istio's CNI does not run"]);

    apply(&cluster, DEAD);
    let available = || {
        cluster
            .kubectl(&[
                "get",
                "apiservice",
                "v1.dead.example.com",
                "-o",
                "jsonpath={.status.conditions[?(@.type=='Available')].status}",
            ])
            .stdout
    };
    cluster.until("the API server has looked at the APIService", || available() == "False");
    let said = app.kfctl(&["doctor", "-o", "json"]);
    assert_eq!(said.code, 1, "{}", said.all());
    let webhooks = lines(&said, "webhooks").join("\n");
    for words in [
        "fail | service default/nobody does not exist, and webhook configuration closed (closed.example.com) calls it: every write",
        "warn | service default/empty has nothing ready behind it, and webhook configuration open (open.example.com) calls it: it is skipped",
    ] {
        assert!(webhooks.contains(words), "{words}: {}", said.all());
    }
    assert_says(
        app,
        "api-groups",
        &["warn | API group dead.example.com/v1 is not available", "`kubectl describe apiservice v1.dead.example.com`"],
    );

    apply(&cluster, CONVERTED);
    assert_says(
        app,
        "converters",
        &[
            "fail | service default/nobody does not exist, and converts the objects of twos.example.com",
            "`kubectl -n default get pods",
        ],
    );
    cluster.kubectl(&["delete", "crd", "twos.example.com"]).success();

    let node = cluster.kubectl(&["get", "nodes", "-o", "jsonpath={.items[0].metadata.name}"]).success();
    let gpus = r#"{"status":{"capacity":{"nvidia.com/gpu":"4"},"allocatable":{"nvidia.com/gpu":"4"}}}"#;
    cluster.kubectl(&["patch", "node", &node, "--subresource=status", "-p", gpus]).success();
    assert_says(app, "nodes", &["ok | 2 of 2 nodes take pods: 128 CPU, 512 GiB of memory, 4 nvidia.com/gpu"]);
    cluster.kubectl(&["cordon", &node]).success();
    assert_says(app, "nodes", &["warn | 1 of 2 nodes take pods: 64 CPU, 256 GiB of memory, no GPU"]);

    signal("KILL", cluster.pid("kwok"));
    cluster.until("kwok is dead", || app.kfctl(&["local", "status"]).stderr.contains("kwok died"));
    assert_says(app, "processes", &["fail | not running: kwok (died) | `kfctl local start`"]);

    app.kfctl(&["local", "stop"]).success();
    let said = app.kfctl(&["doctor"]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.stdout.contains("fail  server        the cluster of this app is down: etcd is stopped"), "{}", said.all());
}

#[test]
fn api_a_server_of_long_ago_is_refused() {
    let cluster = Cluster::start();
    let proxy = Proxy::start(&cluster, "old");
    let through = proxy.kubeconfig.display().to_string();
    let app = cluster.init("old", &["profiles"]);
    proxy.misbehave(|asked| (asked.path == "/version").then_some(Fault::Old));
    let said = app.kfctl(&["doctor", "-o", "json", "--kubeconfig", &through]);
    assert_eq!(said.code, 1, "{}", said.all());
    let [version, clock] = ["version", "clock"].map(|check| lines(&said, check).join("\n"));
    assert!(
        version.starts_with("fail | the server is Kubernetes v1.20.0, and kfctl needs 1.") && version.contains("upgrade"),
        "{version}"
    );
    assert!(
        clock.starts_with("fail | the server's clock is ") && clock.contains(" s behind this machine's | set both by NTP"),
        "{clock}"
    );
    let said = app.kfctl(&["apply", "k8s", "--yes", "--kubeconfig", &through]);
    assert!(said.code == 1 && said.stderr.contains("the server is Kubernetes v1.20.0"), "{}", said.all());
    assert_ne!(cluster.kubectl(&["get", "namespace", "kubeflow-system"]).code, 0, "something was written");
}

const UPSTREAM: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: profiles.kubeflow.org}
spec:
  group: kubeflow.org
  scope: Cluster
  names: {kind: Profile, plural: profiles, singular: profile, listKind: ProfileList}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
";

#[test]
fn api_upstreams_profiles_stop_ours_before_anything_is_written() {
    let cluster = Cluster::start();
    apply(&cluster, UPSTREAM);
    cluster.kubectl(&["wait", "--for=condition=Established", "crd/profiles.kubeflow.org"]).success();
    cluster.until("its kind is served", || cluster.kubectl(&["get", "profiles.kubeflow.org"]).code == 0);
    let app = cluster.init("clash", &[]);
    let refused = app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]);
    assert_eq!(refused.code, 1, "{}", refused.all());
    assert!(refused.stderr.contains("has upstream Kubeflow's profiles.kubeflow.org"), "{}", refused.all());
    assert_ne!(cluster.kubectl(&["get", "namespace", "kubeflow-system"]).code, 0, "something was written");
    let doctor = app.kfctl(&["doctor"]);
    assert_eq!(doctor.code, 1, "{}", doctor.all());
    assert!(doctor.stdout.contains("fail  profiles      the cluster has upstream Kubeflow's"), "{}", doctor.all());
    for said in [&refused, &doctor] {
        let words = said.all().to_lowercase();
        assert!(!words.contains("delete") && words.contains("leave it as it is"), "{words}");
    }
    // Without profiles there is no clash.
    app.kfctl(&["component", "disable", "profiles"]).success();
    app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]).success();
    let doctor = app.kfctl(&["doctor"]);
    assert_eq!(doctor.code, 0, "{}", doctor.all());
    assert!(doctor.stdout.contains("warn  profiles"), "{}", doctor.all());
}

const RIGHTS: &str = "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules: [{apiGroups: ['*'], resources: ['*'], verbs: [get, list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
subjects: [{kind: ServiceAccount, name: default, namespace: default}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: writer, namespace: default}
rules: [{apiGroups: [''], resources: [configmaps], verbs: [create, patch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: writer, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: writer}
subjects: [{kind: ServiceAccount, name: default, namespace: default}]
";

#[test]
fn api_missing_rights_are_one_list() {
    let cluster = Cluster::start();
    // Someone who may read all, and write ConfigMaps in one namespace.
    apply(&cluster, RIGHTS);
    let app = cluster.init("limited", &["namespaces", "profiles"]);
    let map = |name: &str, namespace: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {namespace}}}\n---\n")
    };
    let manifests = map("mine", "default")
        + &map("a", "kube-public")
        + &map("b", "kube-public")
        + "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 1000\n";
    let file = app.write("manifests.yaml", &manifests);
    app.kfctl(&["component", "add", "own", "--from", &file]).success();
    let kubeconfig = cluster.kubeconfig_of("default", "default").display().to_string();
    let lacks = [
        "create, patch configmaps in namespace kube-public (2 objects)",
        "create, patch priorityclasses.scheduling.k8s.io in the whole cluster (1 object)",
    ];
    let refused = app.kfctl(&["apply", "k8s", "--yes", "--kubeconfig", &kubeconfig]);
    assert_eq!(refused.code, 1, "{}", refused.all());
    assert!(lacks.iter().all(|words| refused.stderr.contains(words)), "{}", refused.all());
    assert!(!refused.stderr.contains("namespace default"), "{}", refused.all());
    assert_ne!(cluster.kubectl(&["get", "configmap", "mine"]).code, 0, "what is allowed was written");
    let doctor = app.kfctl(&["doctor", "-o", "json", "--kubeconfig", &kubeconfig]);
    assert_eq!(doctor.code, 1, "{}", doctor.all());
    let rights = lines(&doctor, "rights").join("\n");
    assert!(rights.starts_with("fail | you may not: ") && lacks.iter().all(|words| rights.contains(words)), "{rights}");
    assert!(rights.contains("create, patch configmaps in namespace kubeflow-system"), "the inventories: {rights}");

    // An admin's apply, and then nothing to write: whoever may only read is not refused.
    app.kfctl(&["apply", "k8s", "--yes"]).success();
    app.kfctl(&["apply", "k8s", "--kubeconfig", &kubeconfig]).success();
    assert_says(&app, "rights", &["ok | you may do everything"]);
    assert_says(&app, "managers", &["ok | nobody"]);
    cluster.kubectl(&["patch", "configmap", "mine", "--field-manager=somebody", "-p", r#"{"data":{"a":"x"}}"#]).success();
    app.write(
        "components/own/manifests.yaml",
        &manifests.replacen("namespace: default}\n", "namespace: default}\ndata: {a: b}\n", 1),
    );
    assert_says(&app, "managers", &["warn | others have changed fields of ours: ConfigMap default/mine: .data.a by somebody"]);
}
