//! Today's profiles become ours: with the real garbage collector, which would take the users' namespaces along.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::Value;

use crate::harness::{App, Cluster, Controller, Said, big_input};
use crate::proxy::{Asked, Fault, Proxy, When};
use crate::readme;

const JANE: &str = "jane@foo.com";
const BOB: &str = "bob@acme.com";
/// Names of upstream's, in manifests of all of Kubeflow.
const THEIRS: [(&str, &str); 8] = [
    ("CustomResourceDefinition", "profiles.kubeflow.org"),
    ("Deployment", "profiles-deployment"),
    ("ServiceAccount", "profiles-controller-service-account"),
    ("ClusterRole", "kubeflow-admin"),
    ("ClusterRole", "kubeflow-edit"),
    ("ClusterRole", "kubeflow-view"),
    ("ClusterRole", "kubeflow-kubernetes-admin"),
    ("ClusterRole", "kubeflow-kubernetes-edit"),
];
/// As much of it as matters, where the machine has no such manifests.
const LIKE_THEIRS: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: profiles.kubeflow.org}
spec:
  group: kubeflow.org
  scope: Cluster
  names: {kind: Profile, plural: profiles}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: profiles-deployment, namespace: kubeflow}
spec:
  selector: {matchLabels: {kustomize.component: profiles}}
  template:
    metadata: {labels: {kustomize.component: profiles}}
    spec: {containers: [{name: manager, image: example.com/profile-controller:v1}]}
";

/// A cluster with today's Kubeflow, and two users' data in it.
struct Migration {
    cluster: Cluster,
    app: App,
    controller: Option<Controller>,
}

impl Migration {
    fn start() -> Self {
        let cluster = Cluster::start();
        let path = format!("{}:{}", cluster.tools().display(), std::env::var("PATH").expect("a PATH"));
        let app = cluster.init("migration", &[]).with("PATH", &path).with("TERM", "dumb");
        app.kfctl(&["param", "set", "profiles", "deployment", "false"]).success();
        cluster.kubectl(&["create", "namespace", "kubeflow"]).success();
        let test = Self { cluster, app, controller: None };
        test.install();
        // The garbage collector learns a new kind within half a minute: it knows it once it deletes by it.
        test.profile("probe", JANE, "");
        let owned =
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: probe, namespace: kubeflow, {}}}\n", test.owned("probe"));
        test.create(&owned);
        test.kubectl(&["patch", "profile", "probe", "--type=merge", "-p", r#"{"metadata": {"finalizers": null}}"#]);
        test.kubectl(&["delete", "profile", "probe"]);
        test.kubectl(&["-n", "kubeflow", "wait", "--for=delete", "configmap/probe", "--timeout=120s"]);
        test
    }

    fn kubectl(&self, arguments: &[&str]) -> String {
        self.cluster.kubectl(arguments).success()
    }

    fn create(&self, text: &str) {
        self.kubectl(&["create", "-f", &self.app.write("created.yaml", text)]);
    }

    /// Upstream's definition, controller and roles.
    fn install(&self) {
        let all = big_input();
        let named = |document: &&str| {
            let value = document.lines().find_map(|line| line.strip_prefix("kind: ")).unwrap_or_default();
            let name = document.lines().find_map(|line| line.strip_prefix("  name: ")).unwrap_or_default();
            THEIRS.contains(&(value, name))
        };
        let theirs: Vec<&str> =
            all.as_deref().map_or_else(|| vec![LIKE_THEIRS], |all| all.split("\n---\n").filter(named).collect());
        assert!(theirs.len() == 1 || theirs.len() == THEIRS.len(), "{} of upstream's", theirs.len());
        self.kubectl(&["apply", "-f", &self.app.write("theirs.yaml", &theirs.join("\n---\n"))]);
        self.kubectl(&["wait", "--for=condition=Established", "crd/profiles.kubeflow.org"]);
        self.kubectl(&["-n", "kubeflow", "rollout", "status", "deployment/profiles-deployment", "--timeout=60s"]);
    }

    fn profile(&self, name: &str, owner: &str, more: &str) {
        let text = format!(
            "apiVersion: kubeflow.org/v1\nkind: Profile\nmetadata: {{name: {name}, finalizers: [profile-finalizer]}}\nspec:\n  owner: {{kind: User, name: {owner}}}\n{more}"
        );
        self.cluster.until("profiles of upstream's can be made", || {
            self.cluster.kubectl(&["apply", "-f", &self.app.write("profile.yaml", &text)]).code == 0
        });
    }

    /// The owner reference that upstream's controller writes.
    fn owned(&self, profile: &str) -> String {
        let uid = self.kubectl(&["get", "profiles.v1.kubeflow.org", profile, "-o", "jsonpath={.metadata.uid}"]);
        format!(
            "ownerReferences: [{{apiVersion: kubeflow.org/v1, kind: Profile, name: {profile}, uid: {uid}, controller: true, blockOwnerDeletion: true}}]"
        )
    }

    /// What upstream's controller makes for a profile, and what its user has put there.
    fn user(&self, name: &str, owner: &str, quota: &str, contributor: Option<&str>) {
        self.profile(name, owner, quota);
        let owned = self.owned(name);
        let mut text = format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, annotations: {{owner: {owner}}}, labels: {{istio-injection: enabled}}, {owned}}}\n"
        );
        let mut add = |kind: &str, object: &str, metadata: &str, more: &str| {
            let version = if kind.starts_with("Role") { "rbac.authorization.k8s.io/v1" } else { "v1" };
            let _ = write!(
                text,
                "---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: {object}, namespace: {name}, {metadata}}}\n{more}\n"
            );
        };
        let binding = |role: &str, user: &str| {
            format!(
                "roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: kubeflow-{role}}}\nsubjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: {user}}}]"
            )
        };
        let marks = |role: &str, user: &str| format!("annotations: {{user: {user}, role: {role}}}");
        add("RoleBinding", "namespaceAdmin", &format!("{}, {owned}", marks("admin", owner)), &binding("admin", owner));
        add("ServiceAccount", "default-editor", &owned, "");
        if !quota.is_empty() {
            add("ResourceQuota", "kf-resource-quota", &owned, "spec: {hard: {requests.cpu: \"8\"}}");
        }
        add("ConfigMap", "data", "", "data: {a: b}");
        add("ConfigMap", "shared-data", &owned, "data: {a: b}");
        add(
            "PersistentVolumeClaim",
            "work",
            &owned,
            "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}",
        );
        if let Some(user) = contributor {
            add("RoleBinding", "user-contributor-clusterrole-edit", &marks("edit", user), &binding("edit", user));
        }
        self.create(&text);
    }

    fn two_users(&self) {
        self.user("jane", JANE, "  resourceQuotaSpec: {hard: {requests.cpu: \"8\"}}\n", Some(BOB));
        self.user("bob", BOB, "", None);
    }

    /// The uids of everything that is the users'.
    fn uids(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for kinds in ["namespaces", "configmaps,persistentvolumeclaims,serviceaccounts,rolebindings"] {
            let text = self.kubectl(&["get", kinds, "-A", "-o", "json"]);
            let list: Value = serde_json::from_str(&text).expect("JSON");
            for item in list["items"].as_array().expect("a list") {
                let text = |field: &str| item["metadata"][field].as_str().unwrap_or_default();
                let place = if text("namespace").is_empty() { text("name") } else { text("namespace") };
                if matches!(place, "jane" | "bob" | "eve") {
                    assert!(item["metadata"]["deletionTimestamp"].is_null(), "{item}");
                    found.insert(format!("{} {place}/{}", item["kind"], text("name")), text("uid").to_owned());
                }
            }
        }
        found
    }

    /// All that was there is there, but for the contributor's binding, which may have become a member's.
    fn nothing_is_lost(&self, before: &BTreeMap<String, String>) {
        let now = self.uids();
        let lost: Vec<_> =
            before.iter().filter(|(object, uid)| now.get(*object) != Some(*uid) && !object.contains("contributor")).collect();
        assert!(lost.is_empty(), "lost: {lost:#?}");
    }

    fn run_controller(&mut self) {
        let controller = self.cluster.controller("kfctl-controller");
        self.cluster.until("the controller leads", || controller.number("kfctl_leader") == Some(1.0));
        self.controller = Some(controller);
    }

    /// What the users have at the end.
    fn all_is_ours(&self) {
        for (name, owner, quota) in [("jane", JANE, "8"), ("bob", BOB, "32")] {
            let path =
                "jsonpath={.spec.template.spec.owner.name} {.status.conditions[?(@.type==\"Ready\")].reason} {.status.namespace}";
            assert_eq!(
                self.kubectl(&["-n", "kubeflow-system", "get", "profiles.v1alpha1.kubeflow.org", name, "-o", path]),
                format!("{owner} NamespaceReady {name}")
            );
            let cpu = self.kubectl(&[
                "-n",
                name,
                "get",
                "resourcequota",
                "kf-resource-quota",
                "-o",
                "jsonpath={.spec.hard.requests\\.cpu}",
            ]);
            assert_eq!(cpu, quota, "{name}");
            let left = self.kubectl(&[
                "-n",
                name,
                "get",
                "configmaps,serviceaccounts,rolebindings,resourcequotas,pvc",
                "-o",
                "jsonpath={.items[*].metadata.ownerReferences}",
            ]);
            assert_eq!(left, "", "{name}");
            self.cluster.kubectl_as(owner, &["-n", name, "get", "configmap", "data"]).success();
            self.cluster.kubectl_as(owner, &["-n", name, "create", "configmap", "more"]).success();
        }
        self.cluster.kubectl_as(BOB, &["-n", "jane", "create", "configmap", "bobs"]).success();
        assert!(self.cluster.kubectl_as(JANE, &["-n", "bob", "get", "configmaps"]).stderr.contains("forbidden"));
        let members = self.kubectl(&[
            "-n",
            "kubeflow-system",
            "get",
            "profiles.v1alpha1.kubeflow.org",
            "jane",
            "-o",
            "jsonpath={range .spec.template.spec.members[*]}{.subject.name} {.role};{end}",
        ]);
        assert_eq!(members, "bob@acme.com edit;");
        let bindings = self.kubectl(&["-n", "jane", "get", "rolebindings", "-o", "name"]);
        assert!(bindings.contains("/member-edit-") && !bindings.contains("contributor"), "{bindings}");
        // Who is taken out of the profile is out.
        self.app.kfctl(&["profile", "unshare", "jane", "--user", BOB]).success();
        self.cluster.until("bob is out", || {
            self.cluster.kubectl_as(BOB, &["-n", "jane", "get", "configmaps"]).stderr.contains("forbidden")
        });
    }
}

fn is_write(asked: &Asked<'_>) -> bool {
    asked.method != "GET" && !asked.path.contains("dryRun=All")
}

#[test]
fn e2e_profiles_of_todays_kubeflow_are_taken_over() {
    let mut test = Migration::start();
    // What happens without it: whoever deletes the definition deletes the users.
    test.user("lost", "eve@foo.com", "", None);
    let clear = ["patch", "profile", "lost", "--type=merge", "-p", r#"{"metadata": {"finalizers": null}}"#];
    test.kubectl(&clear);
    test.kubectl(&["delete", "crd", "profiles.kubeflow.org", "--timeout=60s"]);
    test.kubectl(&["wait", "--for=delete", "namespace/lost", "--timeout=120s"]);
    test.install();

    test.two_users();
    let before = test.uids();
    let proxy = Proxy::start(&test.cluster, "watched");
    let app = App::new(&test.cluster.directory(), &test.cluster.directory(), Some(&proxy.kubeconfig));
    let export = test.kubectl(&["get", "profiles.v1.kubeflow.org", "-o", "yaml"]);
    // Each run, and how many writes it made.
    let import = |text: &str, more: &[&str]| -> (Said, usize) {
        let file = test.app.write("profiles.yaml", text);
        let writes = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&writes);
        proxy.misbehave(move |asked| {
            counter.fetch_add(usize::from(is_write(asked)), Ordering::SeqCst);
            None
        });
        let said = app.kfctl(&[&["profile", "import", &file][..], more].concat());
        (said, writes.load(Ordering::SeqCst))
    };
    let refused = |text: &str, says: &str| {
        let (said, writes) = import(text, &["--yes"]);
        assert!(said.code == 1 && writes == 0 && said.stderr.contains(says), "{writes} writes: {}", said.all());
    };
    // What could lose something is refused, and nothing is written.
    refused(&export.replace(JANE, "mallory@foo.com"), "profile jane has another owner or quota than in the file");
    let uid = test.kubectl(&["get", "profiles.v1.kubeflow.org", "bob", "-o", "jsonpath={.metadata.uid}"]);
    refused(&export.replace(&uid, "00000000-0000-0000-0000-000000000000"), "profile bob is in the cluster and not in the file");
    refused(&export.replace("name: bob\n", "name: kube-system\n"), "\"kube-system\" can't be a profile's namespace");
    // A profile that upstream's controller refused, as the namespace is somebody else's.
    test.kubectl(&["create", "namespace", "monitoring"]);
    test.profile("monitoring", "mallory@foo.com", "");
    refused(
        &test.kubectl(&["get", "profiles.v1.kubeflow.org", "-o", "yaml"]),
        "namespace monitoring is not that of profile monitoring",
    );
    test.kubectl(&["patch", "profile", "monitoring", "--type=merge", "-p", r#"{"metadata": {"finalizers": null}}"#]);
    test.kubectl(&["delete", "profile", "monitoring"]);
    // A look, a question without an answer, and the wrong word.
    let (dry, writes) = import(&export, &["--dry-run"]);
    assert!(
        dry.code == 0
            && writes == 0
            && dry.stderr.contains("their controller is stopped: Deployment kubeflow/profiles-deployment, to 0 replicas"),
        "{writes} writes: {}",
        dry.all()
    );
    let (asked, writes) = import(&export, &[]);
    assert!(asked.code == 2 && writes == 0, "{writes} writes: {}", asked.all());
    let (asked, writes) = import(&export, &["--yes"]);
    let says = "--confirm-definition profiles.kubeflow.org";
    assert!(asked.code == 2 && writes == 0 && asked.stderr.contains(says), "{writes} writes: {}", asked.all());
    test.nothing_is_lost(&before);

    // README's commands, on a terminal; the definition's name is typed.
    for line in readme::commands("## From today's Kubeflow").lines() {
        let line = line.split("   #").next().unwrap_or_default().trim();
        if line.contains("apply") {
            let between = test.app.kfctl(&["profile", "import", "profiles.yaml", "--yes"]);
            assert!(between.code == 1 && between.stderr.contains("kfctl apply k8s --force-conflicts"), "{}", between.all());
        }
        if line.contains("import") && test.cluster.kubectl(&["get", "namespace", "kubeflow-system"]).code == 0 {
            test.run_controller();
        }
        let said = test.app.types(line, "y\nprofiles.kubeflow.org\n");
        assert_eq!(said.code, 0, "{line}: {}", said.all());
        test.nothing_is_lost(&before);
    }
    test.all_is_ours();
    // Again: nothing is written.
    let file = test.app.write("profiles.yaml", &export);
    let writes = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&writes);
    proxy.misbehave(move |asked| {
        counter.fetch_add(usize::from(is_write(asked)), Ordering::SeqCst);
        None
    });
    let said = app.kfctl(&["profile", "import", &file]).success();
    assert!(said.contains("2 profiles hold their namespaces (0 now)"), "{said}");
    assert_eq!(writes.load(Ordering::SeqCst), 0);
}

/// Each run is killed after its first write: so there is a run from each state between two writes.
#[test]
fn e2e_an_import_that_is_killed_after_each_write_is_finished_by_the_next_run() {
    let mut test = Migration::start();
    // Somebody has deleted the definition already, and only the finalizers hold it: nobody is lost yet.
    test.user("eve", "eve@foo.com", "", None);
    let before = test.uids();
    let export = || test.kubectl(&["get", "profiles.v1.kubeflow.org", "-o", "yaml"]);
    let file = test.app.write("rescued.yaml", &export());
    test.kubectl(&["delete", "crd", "profiles.kubeflow.org", "--wait=false"]);
    test.cluster.until("the profile is going", || export().contains("deletionTimestamp"));
    test.app.kfctl(&["profile", "import", &file, "--yes", "--confirm-definition", "profiles.kubeflow.org"]).success();
    test.kubectl(&["wait", "--for=delete", "crd/profiles.kubeflow.org", "--timeout=60s"]);
    test.nothing_is_lost(&before);
    test.install();

    test.two_users();
    let before = test.uids();
    let file = test.app.write("profiles.yaml", &test.kubectl(&["get", "profiles.v1.kubeflow.org", "-o", "yaml"]));
    let proxy = Proxy::start(&test.cluster, "killing");
    let app = App::new(&test.cluster.directory(), &test.cluster.directory(), Some(&proxy.kubeconfig));
    let mut killed = 0;
    loop {
        let is_first = AtomicBool::new(true);
        let victim = proxy.misbehave(move |asked| {
            // The others that come at the same time never arrive.
            is_write(asked).then(|| {
                if is_first.swap(false, Ordering::SeqCst) { Fault::Kill(When::After) } else { Fault::Reset(When::Before) }
            })
        });
        let run = app.start(&[
            "profile",
            "import",
            &file,
            "--yes",
            "--confirm-definition",
            "profiles.kubeflow.org",
            "--timeout",
            "120s",
        ]);
        victim.send(run.pid()).expect("the proxy listens");
        let said = run.finish();
        test.nothing_is_lost(&before);
        match said.code {
            -1 => killed += 1,
            0 => break,
            _ if said.stderr.contains("ours is not there yet") => {
                test.app.kfctl(&["apply", "k8s", "--yes", "--no-wait", "--force-conflicts"]).success();
                test.run_controller();
            }
            _ => panic!("{}", said.all()),
        }
        assert!(killed < 60, "it never ends: {:?}", proxy.log());
    }
    // The controller's scale, what is owned (6 and 5), two finalizers, two profiles, the definition; then two profiles and two
    // namespaces, and one contributor.
    // Two of them may be under way at once, and then are one.
    let writes = 1 + 11 + 2 + 2 + 1 + 2 + 2 + 1;
    assert!((writes - 4..=writes).contains(&killed), "{killed}: {:?}", proxy.log());
    test.all_is_ours();
}
