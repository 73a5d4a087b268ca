//! Profiles on a real API server: what is admitted, what is refused, and how the definition explains itself.

use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::harness::{App, Cluster};
use crate::profile_process::{controller_tells, deployment_is_restricted};
use crate::profile_rights::{rights_in_a_profile_namespace, rights_in_the_system_namespace, rights_of_the_controller};

const JANE: &str = "{kind: User, name: jane@foo.com}";
const FIXED: &str = "the namespace of a profile can't be changed";
const OF_THE_SYSTEM: &str = "this name is the system's";
const LABEL: &str = "lower-case letters, digits and '-'";

#[test]
fn api_profiles() {
    let cluster = Cluster::start();
    let app = cluster.init("profiles", &[]);
    app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]).success();
    let admission = Admission { cluster: &cluster, app: &app };
    // In this order; one that fails hides none of the others.
    let parts: [(&str, &dyn Fn()); 11] = [
        ("names", &|| admission.names()),
        ("subjects", &|| admission.subjects()),
        ("quotas", &|| admission.quotas()),
        ("shapes", &|| admission.shapes()),
        ("changes", &|| admission.changes()),
        ("explained", &|| explained(&cluster, &app)),
        ("rights in a profile namespace", &|| rights_in_a_profile_namespace(&cluster, &app)),
        ("rights of the controller", &|| rights_of_the_controller(&cluster, &app)),
        ("rights in the system namespace", &|| rights_in_the_system_namespace(&cluster, &app)),
        ("deployment is restricted", &|| deployment_is_restricted(&cluster, &app)),
        ("controller tells", &|| controller_tells(&cluster, &app)),
    ];
    let failed: Vec<&str> =
        parts.into_iter().filter_map(|(name, part)| catch_unwind(AssertUnwindSafe(part)).is_err().then_some(name)).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

/// What the server says of profiles; nothing is stored.
struct Admission<'a> {
    cluster: &'a Cluster,
    app: &'a App,
}

impl Admission<'_> {
    /// Each row: name, what stands below `spec.template`, and a part of the message that is expected; empty where it is accepted.
    fn check(&self, rows: &[(&str, String, &str)]) {
        let mut wrong = String::new();
        for (name, template, expected) in rows {
            let text = format!(
                "apiVersion: kubeflow.org/v1alpha1\nkind: Profile\nmetadata: {{name: \"{name}\", namespace: kubeflow-system}}\nspec: {{template: {{{template}}}}}\n"
            );
            let file = self.app.write("profile.yaml", &text);
            let said = self.cluster.kubectl(&["create", "--dry-run=server", "-f", &file]);
            if (said.code == 0) != expected.is_empty() || !said.stderr.contains(expected) {
                let _ = writeln!(wrong, "{text}expected {expected:?}: {}", said.all());
            }
        }
        assert!(wrong.is_empty(), "{wrong}");
    }

    fn names(&self) {
        let (long, longer) = ("a".repeat(54), "a".repeat(55));
        let (longest, too_long) = ("b".repeat(63), "b".repeat(64));
        let rows = [
            // Without a namespace it is kubeflow-NAME.
            ("jane", "", ""),
            ("j", "", ""),
            ("jane-2", "metadata: {},", ""),
            ("jane", "metadata: null,", ""),
            ("jane", "metadata: {namespace: null},", ""),
            (&long, "", ""),
            (&longer, "", "shorten the name to 54, or set spec.template.metadata.namespace"),
            (&longer, "metadata: {},", "shorten the name to 54"),
            (&longest, "metadata: {namespace: b},", ""),
            (&too_long, "metadata: {namespace: b},", "at most 63 lower-case letters, digits and '-'"),
            ("jane.smith", "", LABEL),
            ("system", "", "kubeflow-system is a namespace of the system"),
            ("system", "metadata: {},", "kubeflow-system is a namespace of the system"),
            ("system", "metadata: {namespace: team-system},", ""),
            ("default", "", OF_THE_SYSTEM),
            ("kubeflow", "", OF_THE_SYSTEM),
            ("kubeflow-system", "", OF_THE_SYSTEM),
            ("istio-system", "", OF_THE_SYSTEM),
            ("auth", "", OF_THE_SYSTEM),
            ("kube-public", "metadata: {namespace: team},", OF_THE_SYSTEM),
            ("kubernetes", "", ""),
            // With one.
            ("jane", "metadata: {namespace: kubeflow-jane},", ""),
            ("jane", "metadata: {namespace: team-1},", ""),
            ("jane", &format!("metadata: {{namespace: {longest}}},"), ""),
            ("jane", &format!("metadata: {{namespace: {too_long}}},"), "Too long: may not be more than 63"),
            ("jane", "metadata: {namespace: \"\"},", LABEL),
            ("jane", "metadata: {namespace: Team},", LABEL),
            ("jane", "metadata: {namespace: a.b},", LABEL),
            ("jane", "metadata: {namespace: -a},", LABEL),
            ("jane", "metadata: {namespace: a-},", LABEL),
            ("jane", "metadata: {namespace: a_b},", LABEL),
            ("jane", "metadata: {namespace: default},", OF_THE_SYSTEM),
            ("jane", "metadata: {namespace: kubeflow},", OF_THE_SYSTEM),
            ("jane", "metadata: {namespace: kubeflow-system},", OF_THE_SYSTEM),
            ("jane", "metadata: {namespace: istio-system},", OF_THE_SYSTEM),
            ("jane", "metadata: {namespace: auth},", OF_THE_SYSTEM),
            ("jane", "metadata: {namespace: kube-system},", OF_THE_SYSTEM),
            ("jane", "metadata: {namespace: kube-anything},", OF_THE_SYSTEM),
        ];
        self.check(&rows.map(|(name, metadata, expected)| (name, format!("{metadata} spec: {{owner: {JANE}}}"), expected)));
        let text = format!(
            "apiVersion: kubeflow.org/v1alpha1\nkind: Profile\nmetadata: {{name: jane}}\nspec: {{template: {{spec: {{owner: {JANE}}}}}}}\n"
        );
        let file = self.app.write("profile.yaml", &text);
        let elsewhere = self.cluster.kubectl(&["-n", "default", "create", "--dry-run=server", "-f", &file]);
        assert!(elsewhere.stderr.contains("profiles are kept in namespace kubeflow-system"), "{}", elsewhere.all());
    }

    fn subjects(&self) {
        let (long, too_long) = ("a".repeat(253), "a".repeat(254));
        let named = |name: &str| format!("{{kind: User, name: \"{name}\"}}");
        let account = |name: &str, more: &str| format!("{{kind: ServiceAccount, name: \"{name}\"{more}}}");
        let odd = "no '*', white space, control or invisible characters, and does not start with 'system:'";
        let (home, group) =
            ("a ServiceAccount has a namespace; a User or a Group has none", "apiGroup is rbac.authorization.k8s.io");
        let account_name = "a ServiceAccount is named by lower-case letters";
        let mut rows = vec![
            ("{kind: User, apiGroup: rbac.authorization.k8s.io, name: jane@foo.com}".to_owned(), ""),
            ("{kind: Group, name: data scientists}".to_owned(), odd),
            ("{kind: Group, name: data-scientists}".to_owned(), ""),
            ("{kind: Group, apiGroup: rbac.authorization.k8s.io, name: \"oidc:team/a\"}".to_owned(), ""),
            ("{kind: Group, name: \"system:authenticated\"}".to_owned(), odd),
            ("{kind: Group, name: \"system:masters\"}".to_owned(), odd),
            ("{kind: Robot, name: r2d2}".to_owned(), "Unsupported value: \"Robot\""),
            ("{name: jane@foo.com}".to_owned(), "kind: Required value"),
            ("{kind: User}".to_owned(), "name: Required value"),
            ("{kind: User, apiGroup: \"\", name: jane@foo.com}".to_owned(), group),
            ("{kind: User, apiGroup: v1, name: jane@foo.com}".to_owned(), group),
            ("{kind: Group, apiGroup: apps, name: team}".to_owned(), group),
            ("{kind: User, name: jane@foo.com, namespace: team}".to_owned(), home),
            ("{kind: Group, name: team, namespace: team}".to_owned(), home),
            (account("ci", ", namespace: team"), ""),
            (account("ci", ", namespace: team, apiGroup: \"\""), ""),
            (account("ci.v2", ", namespace: team"), ""),
            (account("ci", ", namespace: team, apiGroup: rbac.authorization.k8s.io"), group),
            (account("ci", ""), home),
            (account("ci", ", namespace: \"\""), LABEL),
            (account("ci", ", namespace: Team"), LABEL),
            (account("ci", ", namespace: a.b"), LABEL),
            (account("CI", ", namespace: team"), account_name),
            (account("a..b", ", namespace: team"), account_name),
            (account("a@b", ", namespace: team"), account_name),
            (account("-a", ", namespace: team"), account_name),
            (named("Jane.O'Neil+x@foo.com"), ""),
            (named("https://issuer.example.com#1234"), ""),
            (named("jané@foo.com"), ""),
            (named("田中@foo.com"), ""),
            (named("systematic"), ""),
            (named(&long), ""),
            (named(&too_long), "Too long: may not be more than 253"),
            (named(""), "should be at least 1 chars long"),
            (named("system:admin"), odd),
            (named("system:serviceaccount:kube-system:default"), odd),
        ];
        // A star, white space of all kinds, control, zero-width, bidirectional and private characters, and a tag.
        for character in [
            "*",
            " ",
            "\\t",
            "\\n",
            "\\r",
            "\\u00a0",
            "\\u2003",
            "\\u2028",
            "\\u3000",
            "\\u0000",
            "\\u0007",
            "\\u007f",
            "\\u0085",
            "\\u00ad",
            "\\u200b",
            "\\u200d",
            "\\u2060",
            "\\ufeff",
            "\\u200e",
            "\\u202e",
            "\\u2066",
            "\\ue000",
            "\\U000e0041",
        ] {
            rows.push((named(&format!("jane{character}@foo.com")), odd));
        }
        let owners = rows.iter().map(|(subject, expected)| ("jane", format!("spec: {{owner: {subject}}}"), *expected));
        let system = "a ServiceAccount of a system namespace can't own a profile";
        let homes = ["default", "kubeflow", "kubeflow-system", "istio-system", "kube-system", "kube-x"];
        let owners_of_the_system = homes.map(|namespace| {
            ("jane", format!("spec: {{owner: {}}}", account("ci", &format!(", namespace: {namespace}"))), system)
        });
        self.check(&owners.chain(owners_of_the_system).collect::<Vec<_>>());
        let member = |member: &str, expected| ("jane", format!("spec: {{owner: {JANE}, members: [{member}]}}"), expected);
        self.check(&[
            member("{subject: {kind: User, name: bob@foo.com}, role: view}", ""),
            member("{subject: {kind: User, name: bob@foo.com}, role: edit}", ""),
            member("{subject: {kind: Group, name: team}, role: admin}", ""),
            member("{subject: {kind: ServiceAccount, name: ml-pipeline, namespace: kubeflow}, role: edit}", ""),
            member("{subject: {kind: User, name: bob@foo.com}, role: cluster-admin}", "Unsupported value: \"cluster-admin\""),
            member("{subject: {kind: User, name: bob@foo.com}}", "role: Required value"),
            member("{subject: {kind: User, name: \"*\"}, role: view}", odd),
            member("{subject: {kind: ServiceAccount, name: ci}, role: view}", home),
            member(&["{subject: {kind: User, name: bob}, role: view}"; 101].join(", "), "must have at most 100 items"),
        ]);
    }

    fn quotas(&self) {
        let (key, value) =
            ("a limit is named as in a ResourceQuota", "a limit is a quantity of at least 0, such as 100, 500m or 64Gi");
        let many = |count: usize| (0..count).map(|n| format!("count/r{n}.example.com: 1")).collect::<Vec<_>>().join(", ");
        let long = format!("count/{}: 1", "a".repeat(300));
        let (fifteen, sixteen) = (many(15), many(16));
        let rows = [
            ("", ""),
            ("requests.cpu: \"100\"", ""),
            ("requests.cpu: 100", ""),
            ("requests.cpu: 0", ""),
            ("requests.cpu: 500m, requests.memory: 1.5Gi, limits.cpu: \"1e3\", limits.memory: 1T", ""),
            ("requests.memory: 137438953472000", ""),
            ("cpu: 4, memory: 16Gi, ephemeral-storage: 1Gi, requests.ephemeral-storage: 1Gi, limits.ephemeral-storage: 2Gi", ""),
            ("requests.nvidia.com/gpu: 4, requests.habana.ai/gaudi: \"2\", requests.hugepages-2Mi: 1Gi, hugepages-1Gi: 4Gi", ""),
            ("pods: 10, services: 5, services.loadbalancers: 0, services.nodeports: 0, configmaps: 9, secrets: 9", ""),
            ("persistentvolumeclaims: 5, requests.storage: 1Ti, replicationcontrollers: 0, resourcequotas: 1", ""),
            ("count/pods: 10, count/deployments.apps: 4", ""),
            (
                "gold.storageclass.storage.k8s.io/requests.storage: 1Ti, gold.storageclass.storage.k8s.io/persistentvolumeclaims: 2",
                "",
            ),
            ("gpu.deviceclass.resource.k8s.io/devices: 2", ""),
            (&fifteen, ""),
            (&sixteen, "must have at most 15 items"),
            ("requests.cpu: \"-1\"", value),
            ("requests.cpu: -1", value),
            ("requests.cpu: \"\"", value),
            ("requests.cpu: lots", value),
            ("requests.memory: 1Tb", value),
            ("requests.memory: \"1 Gi\"", value),
            ("requests.cpu: true", "must be of type integer,string"),
            ("requests.cpu: [1]", "must be of type integer,string"),
            ("requests.cpu: \"000000000000000000000000000000000\"", "Too long: may not be more than 32"),
            ("gpu: 1", key),
            ("CPU: 1", key),
            ("\"\": 1", key),
            ("limits.nvidia.com/gpu: 1", key),
            ("nvidia.com/gpu: 1", key),
            ("requests.: 1", key),
            ("count/: 1", key),
            (&long, key),
        ];
        self.check(
            &rows.map(|(hard, expected)| {
                ("jane", format!("spec: {{owner: {JANE}, resourceQuota: {{hard: {{{hard}}}}}}}"), expected)
            }),
        );
    }

    fn shapes(&self) {
        self.check(&[
            ("jane", String::new(), "spec.template.spec: Required value"),
            ("jane", "spec: {}".to_owned(), "spec.template.spec.owner: Required value"),
            ("jane", format!("spec: {{owner: {JANE}, resourceQuota: {{}}}}"), "hard: Required value"),
            ("jane", format!("spec: {{owner: {JANE}, resourceQuota: null, members: null}}"), ""),
            ("jane", format!("spec: {{owner: {JANE}, quota: {{}}}}"), "unknown field \"spec.template.spec.quota\""),
            ("jane", format!("metadata: {{name: x}}, spec: {{owner: {JANE}}}"), "unknown field \"spec.template.metadata.name\""),
        ]);
    }

    /// Changes of stored profiles: one that names its namespace, and one that doesn't.
    fn changes(&self) {
        for (name, metadata) in [("named", "metadata: {namespace: team-named}, "), ("unnamed", "")] {
            let text = format!(
                "apiVersion: kubeflow.org/v1alpha1\nkind: Profile\nmetadata: {{name: {name}, namespace: kubeflow-system}}\nspec: {{template: {{{metadata}spec: {{owner: {JANE}}}}}}}\n"
            );
            self.cluster.kubectl(&["create", "-f", &self.app.write("profile.yaml", &text)]).success();
        }
        let template = |template: &str| format!("{{\"spec\": {{\"template\": {template}}}}}");
        let mut wrong = String::new();
        for (name, patch, expected) in [
            ("named", template("{\"metadata\": {\"namespace\": \"team-other\"}}"), FIXED),
            ("named", template("{\"metadata\": {\"namespace\": null}}"), FIXED),
            ("named", template("{\"metadata\": null}"), FIXED),
            ("named", template("{\"metadata\": {\"namespace\": \"team-named\"}}"), ""),
            ("unnamed", template("{\"metadata\": {\"namespace\": \"team-unnamed\"}}"), FIXED),
            ("unnamed", template("{\"metadata\": {\"namespace\": \"kubeflow-unnamed\"}}"), FIXED),
            ("unnamed", template("{\"metadata\": {}}"), ""),
            ("unnamed", template("{\"metadata\": {\"namespace\": null}}"), ""),
            ("unnamed", template("{\"metadata\": null}"), ""),
            ("named", template("{\"spec\": {\"owner\": {\"name\": \"bob@foo.com\"}}}"), ""),
            ("named", template("{\"spec\": {\"owner\": {\"kind\": \"Group\"}}}"), ""),
            ("named", template("{\"spec\": {\"owner\": null}}"), "owner: Required value"),
            ("named", template("{\"spec\": {\"resourceQuota\": {\"hard\": {\"pods\": 3}}}}"), ""),
            ("named", "{\"metadata\": {\"labels\": {\"team\": \"a\"}, \"finalizers\": [\"kubeflow.org/x\"]}}".to_owned(), ""),
        ] {
            let said = self.cluster.kubectl(&[
                "-n",
                "kubeflow-system",
                "patch",
                "profile",
                name,
                "--type=merge",
                "--dry-run=server",
                "-p",
                &patch,
            ]);
            if (said.code == 0) != expected.is_empty() || !said.stderr.contains(expected) {
                let _ = writeln!(wrong, "{name} {patch}: expected {expected:?}: {}", said.all());
            }
        }
        assert!(wrong.is_empty(), "{wrong}");
        // `metadata: {}` once stored is the same as none, too.
        let patch = |patch: &str| {
            self.cluster.kubectl(&["-n", "kubeflow-system", "patch", "prof", "unnamed", "--type=merge", "-p", patch])
        };
        patch(&template("{\"metadata\": {}}")).success();
        assert!(patch(&template("{\"metadata\": {\"namespace\": \"late\"}}")).stderr.contains(FIXED));
        patch(&template("{\"metadata\": null}")).success();
    }
}

/// `kubectl explain` says what a field is for, and `kubectl get` what matters.
fn explained(cluster: &Cluster, app: &App) {
    let explain = |field: &str| cluster.kubectl(&["explain", field]).success().split_whitespace().collect::<Vec<_>>().join(" ");
    for (field, expected) in [
        ("profile", "A namespace for a user or a team, with a quota and rights of its own."),
        ("profile.spec", "What is made: the namespace"),
        ("profile.spec.template.metadata", "`kubeflow-NAME` where absent"),
        ("profile.spec.template.spec", "Who else may use the namespace"),
        ("profile.spec.template.spec.owner", "The RBAC name"),
        ("profile.spec.template.spec.owner.apiGroup", "which is taken where it is absent"),
        ("profile.spec.template.spec.members.subject.name", "e-mail address"),
        ("profile.spec.template.spec.members.role", "view, edit, or admin"),
        ("profile.spec.template.spec.resourceQuota.hard", "requests.nvidia.com/gpu"),
        ("profile.status", "The namespace that was made"),
    ] {
        assert!(explain(field).contains(expected), "{field}: {}", explain(field));
    }
    for line in cluster.kubectl(&["explain", "profile", "--recursive"]).success().lines() {
        assert!(!line.contains("Auto-generated"), "{line}");
    }
    let status = "apiVersion: kubeflow.org/v1alpha1\nkind: Profile\nmetadata: {name: named, namespace: kubeflow-system}\nstatus:\n  namespace: team-named\n  conditions: [{type: Ready, status: \"False\", reason: NamespaceTaken, message: m, lastTransitionTime: \"2026-01-01T00:00:00Z\"}]\n";
    let file = app.write("status.yaml", status);
    let controller = [
        "--as=system:serviceaccount:kubeflow-system:kfctl-controller",
        "apply",
        "--server-side",
        "--field-manager=kfctl-controller",
    ];
    cluster.kubectl(&[&controller[..], &["--subresource=status", "-f", &file]].concat()).success();
    let table = cluster.kubectl(&["-n", "kubeflow-system", "get", "prof", "named"]).success();
    let words = |line: usize| table.lines().nth(line).unwrap_or_default().split_whitespace().take(6).collect::<Vec<_>>();
    assert_eq!(words(0), ["NAME", "NAMESPACE", "OWNER", "READY", "REASON", "AGE"]);
    assert_eq!(words(1)[..5], ["named", "team-named", "jane@foo.com", "False", "NamespaceTaken"]);
}
