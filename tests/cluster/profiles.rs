//! Profiles on a real API server: what is admitted, who may do what, and the controller's skeleton.

use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::harness::{App, Cluster};

const JANE: &str = "{kind: User, name: jane@foo.com}";
const FIXED: &str = "the namespace of a profile can't be changed";
const OF_THE_SYSTEM: &str = "this name is the system's";
const LABEL: &str = "lower-case letters, digits and '-'";

/// What a namespace's owner (jane), the one it is shared with (bob), and its members (eve edits, vic views) may do.
const RIGHTS: &str = "
yes bob@acme.com kubeflow-jane create pods
yes bob@acme.com kubeflow-jane get secrets
yes bob@acme.com kubeflow-jane create jobs.example.com
yes bob@acme.com kubeflow-jane create reports.example.com
no  bob@acme.com kubeflow-jane create rolebindings.rbac.authorization.k8s.io
no  bob@acme.com kubeflow-jane bind roles.rbac.authorization.k8s.io default
no  bob@acme.com kubeflow-jane patch roles.rbac.authorization.k8s.io default
no  bob@acme.com kubeflow-jane patch resourcequotas kf-resource-quota
no  bob@acme.com kubeflow-jane delete limitranges
no  bob@acme.com kubeflow-system create pods
no  bob@acme.com default create pods
yes eve@foo.com kubeflow-jane create pods
yes eve@foo.com kubeflow-jane create jobs.example.com
yes eve@foo.com kubeflow-jane get resourcequotas
no  eve@foo.com kubeflow-jane create resourcequotas
no  eve@foo.com kubeflow-jane update resourcequotas kf-resource-quota
no  eve@foo.com kubeflow-jane patch resourcequotas kf-resource-quota
no  eve@foo.com kubeflow-jane delete resourcequotas kf-resource-quota
no  eve@foo.com kubeflow-jane create limitranges
no  eve@foo.com kubeflow-jane patch limitranges kf-limits
no  eve@foo.com kubeflow-jane delete limitranges kf-limits
no  eve@foo.com kubeflow-jane create roles.rbac.authorization.k8s.io
no  eve@foo.com kubeflow-jane patch roles.rbac.authorization.k8s.io default
no  eve@foo.com kubeflow-jane create rolebindings.rbac.authorization.k8s.io
no  eve@foo.com kubeflow-jane delete rolebindings.rbac.authorization.k8s.io namespaceAdmin
no  eve@foo.com kubeflow-jane bind roles.rbac.authorization.k8s.io default
no  eve@foo.com kubeflow-jane bind clusterroles.rbac.authorization.k8s.io kubeflow-edit
no  eve@foo.com kubeflow-jane patch namespaces kubeflow-jane
no  eve@foo.com kubeflow-jane delete namespaces kubeflow-jane
yes vic@foo.com kubeflow-jane get pods
yes vic@foo.com kubeflow-jane create reports.example.com
no  vic@foo.com kubeflow-jane create jobs.example.com
no  vic@foo.com kubeflow-jane create pods
no  vic@foo.com kubeflow-jane get secrets
no  vic@foo.com kubeflow-jane create pods/exec
no  vic@foo.com kubeflow-jane list rolebindings.rbac.authorization.k8s.io
yes jane@foo.com kubeflow-jane create pods
yes jane@foo.com kubeflow-jane create jobs.example.com
yes jane@foo.com kubeflow-jane list rolebindings.rbac.authorization.k8s.io
yes jane@foo.com kubeflow-jane delete rolebindings.rbac.authorization.k8s.io bob-kubeflow
yes jane@foo.com kubeflow-jane bind roles.rbac.authorization.k8s.io default
yes jane@foo.com kubeflow-jane get roles.rbac.authorization.k8s.io default
no  jane@foo.com kubeflow-jane bind roles.rbac.authorization.k8s.io other
no  jane@foo.com kubeflow-jane bind clusterroles.rbac.authorization.k8s.io cluster-admin
no  jane@foo.com kubeflow-jane patch rolebindings.rbac.authorization.k8s.io
no  jane@foo.com kubeflow-jane create roles.rbac.authorization.k8s.io
no  jane@foo.com kubeflow-jane update roles.rbac.authorization.k8s.io default
no  jane@foo.com kubeflow-jane patch roles.rbac.authorization.k8s.io default
no  jane@foo.com kubeflow-jane delete roles.rbac.authorization.k8s.io default
no  jane@foo.com kubeflow-jane escalate roles.rbac.authorization.k8s.io default
no  jane@foo.com kubeflow-jane patch resourcequotas kf-resource-quota
no  jane@foo.com kubeflow-jane create resourcequotas
no  jane@foo.com kubeflow-jane patch limitranges kf-limits
no  jane@foo.com kubeflow-jane patch namespaces kubeflow-jane
no  jane@foo.com kubeflow-jane delete namespaces kubeflow-jane
no  jane@foo.com kubeflow-bob create pods
no  jane@foo.com - list namespaces
";

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
            ("jane", "metadata: {namespace: kube-system},", OF_THE_SYSTEM),
            ("jane", "metadata: {namespace: kube-anything},", OF_THE_SYSTEM),
        ];
        self.check(&rows.map(|(name, metadata, expected)| (name, format!("{metadata} spec: {{owner: {JANE}}}"), expected)));
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

/// Asks the server who may do what: each line is `yes|no USER NAMESPACE VERB RESOURCE[.GROUP][/SUBRESOURCE] [NAME]`, `-` for every
/// namespace.
fn reviewed(cluster: &Cluster, app: &App, table: &str) {
    let lines: Vec<Vec<&str>> =
        table.lines().map(|line| line.split_whitespace().collect()).filter(|words: &Vec<&str>| !words.is_empty()).collect();
    let reviews: Vec<String> = lines
        .iter()
        .map(|words| {
            let user = match words[1] {
                "controller" => "system:serviceaccount:kubeflow-system:kfctl-controller",
                user => user,
            };
            let (resource, subresource) = words[4].split_once('/').unwrap_or((words[4], ""));
            let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
            let (namespace, name) = (words[2].trim_matches('-'), words.get(5).unwrap_or(&""));
            let attributes = serde_json::json!({
                "namespace": namespace, "verb": words[3], "group": group, "resource": resource, "subresource": subresource, "name": name,
            });
            format!(
                "---\napiVersion: authorization.k8s.io/v1\nkind: SubjectAccessReview\nspec: {{user: \"{user}\", resourceAttributes: {attributes}}}\n"
            )
        })
        .collect();
    let file = app.write("reviews.yaml", &reviews.concat());
    let answers = cluster.kubectl(&["create", "-f", &file, "-o", "jsonpath={.status.allowed}{\"\\n\"}"]).success();
    let answers: Vec<&str> = answers.lines().map(|line| if line == "true" { "yes" } else { "no" }).collect();
    assert_eq!(answers.len(), lines.len());
    let wrong: Vec<String> =
        lines.iter().zip(answers).filter(|(words, answer)| words[0] != *answer).map(|(words, _)| words.join(" ")).collect();
    assert!(wrong.is_empty(), "not so: {wrong:#?}");
}

/// The namespace of a profile as the controller makes it, with the controller's own rights; then what its owner, the one it is
/// shared with, and members can do there.
fn rights_in_a_profile_namespace(cluster: &Cluster, app: &App) {
    // A component adds to edit: it reaches edit and admin, and not view. Another adds to view: it reaches all.
    let addition = |feeds: &str, resource: &str| {
        format!(
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: addition-{feeds}\n  labels: {{rbac.authorization.kubeflow.org/aggregate-to-kubeflow-{feeds}: \"true\"}}\nrules:\n- {{apiGroups: [example.com], resources: [{resource}], verbs: [create]}}\n"
        )
    };
    let additions = app.write("additions.yaml", &(addition("view", "reports") + &addition("edit", "jobs")));
    cluster.kubectl(&["apply", "-f", &additions]).success();
    let edit = || {
        let text = cluster.kubectl(&["get", "clusterrole", "kubeflow-edit", "-o", "json"]).success();
        serde_json::from_str::<serde_json::Value>(&text).expect("JSON")
    };
    for (role, resources) in [("edit", ["reports", "jobs"]), ("admin", ["reports", "jobs"])] {
        cluster.until(&format!("kubeflow-{role} has what view and edit got"), || {
            let rules =
                cluster.kubectl(&["get", "clusterrole", &format!("kubeflow-{role}"), "-o", "jsonpath={.rules}"]).success();
            resources.iter().all(|resource| rules.contains(&format!("[\"{resource}\"]")))
        });
    }
    let rules = edit()["rules"].clone();
    let binding = |name: &str, kind: &str, role: &str, subject: &str| {
        format!(
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: {name}, namespace: kubeflow-jane}}\nroleRef: {{apiGroup: rbac.authorization.k8s.io, kind: {kind}, name: {role}}}\nsubjects:\n- {{apiGroup: rbac.authorization.k8s.io, kind: User, name: {subject}}}\n"
        )
    };
    let object = |kind: &str, name: &str, more: &str| {
        format!("---\nkind: {kind}\nmetadata: {{name: {name}, namespace: kubeflow-jane}}\n{more}\n")
    };
    let made = [
        "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: kubeflow-jane}\n".to_owned(),
        binding("namespaceAdmin", "ClusterRole", "kubeflow-admin", "jane@foo.com"),
        binding("member-eve", "ClusterRole", "kubeflow-edit", "eve@foo.com"),
        binding("member-vic", "ClusterRole", "kubeflow-view", "vic@foo.com"),
        object("Role", "default", &format!("apiVersion: rbac.authorization.k8s.io/v1\nrules: {rules}")),
        object("ServiceAccount", "default-editor", "apiVersion: v1"),
        object("ResourceQuota", "kf-resource-quota", "apiVersion: v1\nspec: {hard: {requests.cpu: 4}}"),
        object("LimitRange", "kf-limits", "apiVersion: v1\nspec: {limits: [{type: Container, defaultRequest: {cpu: 100m}}]}"),
        object("NetworkPolicy", "gateway-only", "apiVersion: networking.k8s.io/v1\nspec: {podSelector: {}}"),
    ];
    let file = app.write("made.yaml", &made.concat());
    let controller = "--as=system:serviceaccount:kubeflow-system:kfctl-controller";
    cluster.kubectl(&[controller, "apply", "--server-side", "--field-manager=kfctl-controller", "-f", &file]).success();

    // The seed's command.
    let share = |user: &str, arguments: &[&str]| {
        cluster.kubectl(&[&["--as", user, "-n", "kubeflow-jane", "create", "rolebinding"], arguments].concat())
    };
    cluster.until("jane's binding holds", || {
        share("jane@foo.com", &["bob-kubeflow", "--role=default", "--user=bob@acme.com"]).code == 0
    });
    reviewed(cluster, app, RIGHTS);
    // What is refused is refused as escalation too, where the verb on rolebindings itself is there.
    for role in ["cluster-admin", "admin", "system:node", "system:controller:namespace-controller"] {
        let said = share("jane@foo.com", &["more", &format!("--clusterrole={role}"), "--user=bob@acme.com"]);
        assert!(said.stderr.contains("attempting to grant RBAC permissions not currently held"), "{role}: {}", said.all());
    }
    // What they hold they may share: RBAC's own rule.
    for role in ["kubeflow-view", "kubeflow-edit", "kubeflow-admin"] {
        share("jane@foo.com", &[&format!("share-{role}"), &format!("--clusterrole={role}"), "--user=ann@foo.com"]).success();
    }
    let onwards = share("bob@acme.com", &["carl", "--role=default", "--user=carl@acme.com"]);
    assert!(onwards.stderr.contains("cannot create resource \"rolebindings\""), "{}", onwards.all());
    cluster.kubectl(&["--as=jane@foo.com", "-n", "kubeflow-jane", "delete", "rolebinding", "bob-kubeflow"]).success();
    // The controller hands out its three roles and Role default, and no more.
    for (name, kind, role) in [("c1", "ClusterRole", "cluster-admin"), ("c2", "ClusterRole", "edit"), ("c3", "Role", "other")] {
        let file = app.write("binding.yaml", &binding(name, kind, role, "bob@acme.com"));
        let said = cluster.kubectl(&[controller, "apply", "--server-side", "-f", &file]);
        assert!(said.all().contains("attempting to grant") || said.all().contains("not found"), "{role}: {}", said.all());
    }
    let other = object(
        "Role",
        "other",
        "apiVersion: rbac.authorization.k8s.io/v1\nrules: [{apiGroups: [\"\"], resources: [secrets], verbs: [get]}]",
    );
    let said = cluster.kubectl(&[controller, "apply", "--server-side", "-f", &app.write("other.yaml", &other)]);
    assert!(said.stderr.contains("attempting to grant RBAC permissions not currently held"), "{}", said.all());
}

fn rights_of_the_controller(cluster: &Cluster, app: &App) {
    let mut table = String::new();
    let mut each = |answer: &str, namespace: &str, resources: &[&str], verbs: &[&str]| {
        for (resource, verb) in resources.iter().flat_map(|resource| verbs.iter().map(move |verb| (resource, verb))) {
            let (resource, name) = resource.split_once(' ').unwrap_or((resource, ""));
            let _ = writeln!(table, "{answer} controller {namespace} {verb} {resource} {name}");
        }
    };
    let kept = [
        "namespaces",
        "serviceaccounts",
        "resourcequotas",
        "limitranges",
        "roles.rbac.authorization.k8s.io",
        "rolebindings.rbac.authorization.k8s.io",
        "networkpolicies.networking.k8s.io",
        "authorizationpolicies.security.istio.io",
        "requestauthentications.security.istio.io",
    ];
    each("yes", "-", &kept, &["get", "list", "watch", "create", "patch", "delete"]);
    each("no", "-", &kept, &["deletecollection", "impersonate"]);
    each("yes", "-", &["events.events.k8s.io"], &["create"]);
    each("no", "-", &["events.events.k8s.io"], &["get", "list", "patch", "delete"]);
    let clusterroles = "clusterroles.rbac.authorization.k8s.io";
    each("yes", "-", &[&format!("{clusterroles} kubeflow-edit")], &["list", "watch", "bind"]);
    each("yes", "-", &[&format!("{clusterroles} kubeflow-admin"), &format!("{clusterroles} kubeflow-view")], &["bind"]);
    each("yes", "kubeflow-jane", &["roles.rbac.authorization.k8s.io default"], &["bind", "escalate"]);
    let system = "kubeflow-system";
    each("yes", system, &["profiles.kubeflow.org"], &["list", "watch", "patch"]);
    each("yes", system, &["profiles.kubeflow.org/status"], &["patch"]);
    each("yes", system, &["leases.coordination.k8s.io"], &["create"]);
    each("yes", system, &["leases.coordination.k8s.io kfctl-controller"], &["get", "update"]);
    each("yes", system, &["configmaps profile-defaults"], &["list", "watch"]);
    let definitions = "customresourcedefinitions.apiextensions.k8s.io";
    each("yes", "-", &[&format!("{definitions} profiles.kubeflow.org")], &["get"]);
    each("no", "-", &[definitions], &["get", "list", "watch"]);
    each("yes", "-", &[&format!("{definitions} authorizationpolicies.security.istio.io")], &["list", "watch"]);

    let write = ["create", "update", "patch", "delete"];
    each("no", system, &["profiles.kubeflow.org"], &["get", "create", "update", "delete", "set-quota"]);
    each("no", "kubeflow-jane", &["profiles.kubeflow.org"], &["get", "create", "update", "delete"]);
    each("no", "kubeflow-jane", &["profiles.kubeflow.org/status"], &["patch"]);
    each("no", system, &["secrets", "configmaps"], &["get", "list", "watch", "create", "update", "patch", "delete"]);
    each(
        "no",
        "kubeflow-jane",
        &["secrets", "configmaps profile-defaults", "persistentvolumeclaims"],
        &["get", "list", "delete"],
    );
    each("no", system, &["leases.coordination.k8s.io"], &["get", "list", "update", "delete"]);
    each("no", "kube-system", &["leases.coordination.k8s.io kfctl-controller"], &["get", "create", "update"]);
    each("no", "-", &["pods", "pods/exec", "deployments.apps", "services", "nodes", "persistentvolumes"], &write);
    each("no", "-", &["serviceaccounts/token", "tokenreviews.authentication.k8s.io"], &["create"]);
    each("no", "-", &["namespaces/finalize", "namespaces/status"], &["update", "patch"]);
    each("no", "-", &["users", "groups", "userextras.authentication.k8s.io"], &["impersonate"]);
    each("no", "-", &["clusterrolebindings.rbac.authorization.k8s.io", "customresourcedefinitions.apiextensions.k8s.io"], &write);
    let admission = [
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    ];
    each("no", "-", &admission, &write);
    each("no", "-", &[clusterroles], &["create", "update", "patch", "delete", "escalate", "bind", "list"]);
    for role in ["cluster-admin", "admin", "edit", "kfctl-controller"] {
        each("no", "-", &[&format!("{clusterroles} {role}")], &["bind", "escalate", "get"]);
    }
    each("no", "-", &["roles.rbac.authorization.k8s.io", "roles.rbac.authorization.k8s.io other"], &["bind", "escalate"]);
    each(
        "no",
        "-",
        &["virtualservices.networking.istio.io", "gateways.networking.istio.io"],
        &["get", "create", "patch", "delete"],
    );
    reviewed(cluster, app, &table);
}

/// The seed's roles.
fn rights_in_the_system_namespace(cluster: &Cluster, app: &App) {
    for role in ["creator", "deleter", "viewer"] {
        cluster
            .kubectl(&[
                "-n",
                "kubeflow-system",
                "create",
                "rolebinding",
                role,
                &format!("--role=profile-{role}"),
                &format!("--user={role}"),
            ])
            .success();
    }
    let mut table = String::new();
    for (user, may) in [
        ("creator", &["create", "assign-owner"][..]),
        ("deleter", &["get", "list", "watch", "delete"]),
        ("viewer", &["get", "list", "watch"]),
    ] {
        for verb in ["create", "assign-owner", "get", "list", "watch", "delete", "update", "patch", "set-quota"] {
            let answer = if may.contains(&verb) { "yes" } else { "no" };
            let _ = writeln!(table, "{answer} {user} kubeflow-system {verb} profiles.kubeflow.org");
        }
    }
    reviewed(cluster, app, &table);
}

/// The namespace enforces restricted pod security: the Deployment gets its pods, and another pod is refused there.
fn deployment_is_restricted(cluster: &Cluster, app: &App) {
    cluster
        .kubectl(&["-n", "kubeflow-system", "wait", "--for=condition=Available", "deployment/kfctl-controller", "--timeout=60s"])
        .success();
    let refused = cluster.kubectl(&["-n", "kubeflow-system", "run", "plain", "--image=example.com/none", "--dry-run=server"]);
    assert!(refused.stderr.contains("violates PodSecurity \"restricted:latest\""), "{}", refused.all());
    cluster.kubectl(&["label", "namespace", "kubeflow-system", "pod-security.kubernetes.io/warn=restricted"]).success();
    let rendered = app.read("rendered/profiles/deployment-kubeflow-system-kfctl-controller.yaml");
    let other = app.write("deployment.yaml", &rendered.replace("name: kfctl-controller", "name: other"));
    let said = cluster.kubectl(&["create", "--dry-run=server", "-f", &other]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{}", said.all());
}

/// The process itself: probes, numbers, bad objects, and its end.
fn controller_tells(cluster: &Cluster, app: &App) {
    // A service account with no rights: it says so, and does not claim to be ready.
    let powerless = cluster.controller("default");
    cluster.until("it says why it is not ready", || {
        powerless.readiness().is_some_and(|(code, text)| {
            code == 503 && text.contains("the profiles can't be read") && text.contains("cannot list resource \"profiles\"")
        })
    });
    assert_eq!(powerless.terminate(), Some(0));

    let controller = cluster.controller("kfctl-controller");
    cluster.until("it is ready", || controller.readiness() == Some((200, "ok".to_owned())));
    let count = |profiles: u32, undecodable: u32| {
        cluster.until(&format!("{profiles} profiles, {undecodable} undecodable"), || {
            controller.metrics().is_some_and(|(code, content_type, text)| {
                assert_eq!((code, content_type.as_str()), (200, "text/plain; version=0.0.4"));
                let number = |state: &str| {
                    let row = format!("kfctl_profiles{{state=\"{state}\"}} ");
                    let found = text.lines().find_map(|line| line.strip_prefix(&row)?.parse::<u32>().ok());
                    found.unwrap_or_default()
                };
                let all = ["ready", "not-ready", "deleting", "unreadable"].map(number);
                all.iter().sum::<u32>() == profiles && number("unreadable") == undecodable
            })
        });
    };
    let profile = |name: &str, kind: &str| {
        let text = format!(
            "apiVersion: kubeflow.org/v1alpha1\nkind: Profile\nmetadata: {{name: {name}, namespace: kubeflow-system}}\nspec: {{template: {{spec: {{owner: {{kind: {kind}, name: r}}}}}}}}\n"
        );
        cluster.kubectl(&["create", "-f", &app.write("profile.yaml", &text)])
    };
    // The two of the tests before.
    count(2, 0);
    profile("third", "User").success();
    count(3, 0);
    // A definition that was looser once lets a profile in that does not decode.
    let loosen = r#"[{"op": "add", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/template/properties/spec/properties/owner/properties/kind/enum/-", "value": "Robot"}]"#;
    cluster.kubectl(&["patch", "customresourcedefinition", "profiles.kubeflow.org", "--type=json", "-p", loosen]).success();
    cluster.until("a robot may own a profile", || profile("robot", "Robot").code == 0);
    count(4, 1);
    // It stalls nobody: what comes after it is seen, also by a controller that finds it in its first list.
    profile("fifth", "User").success();
    count(5, 1);
    let second = cluster.controller("kfctl-controller");
    cluster.until("a new one is ready", || second.readiness().is_some_and(|(code, _)| code == 200));
    assert_eq!(second.terminate(), Some(0));
    cluster.kubectl(&["-n", "kubeflow-system", "delete", "profiles", "robot", "third"]).success();
    count(3, 0);
    assert_eq!(controller.terminate(), Some(0));
}
