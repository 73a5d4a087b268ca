//! Attempts to gain by a profile what one could not otherwise be given. Eve may create profiles, jane owns a namespace, bob is shared
//! with; each has a token of their own, and nobody acts as somebody else. The attempts are data: who, what, and the refusal.

use std::fmt::Write;

use crate::profile_lifecycle::{ABE, BOB, JANE, Profiles};

const EVE: &str = "eve@foo.com";

const ODD: &str = "a name has no '*', white space, control or invisible characters, and does not start with 'system:'";
const OF_THE_SYSTEM: &str = "this name is the system's; choose another";
const LABEL: &str = "lower-case letters, digits and '-'";
const TOO_MUCH: &str = "a limit above the default needs the right to set-quota on profiles";
const ELSEWHERE: &str = "the namespace of a profile starts with kubeflow-";
const FORBIDDEN: &str = "is forbidden";
const ESCALATION: &str = "attempting to grant RBAC permissions not currently held";

/// Eve's profiles that are refused at the door: what stands below `metadata` and below `spec.template`, and the refusal.
const REFUSED_PROFILES: &[(&str, &str, &str)] = &[
    // Owners with the cluster's own rights.
    ("name: mine", "spec: {owner: {kind: Group, name: 'system:masters'}}", ODD),
    ("name: mine", "spec: {owner: {kind: Group, name: 'system:authenticated'}}", ODD),
    ("name: mine", "spec: {owner: {kind: User, name: 'system:admin'}}", ODD),
    ("name: mine", "spec: {owner: {kind: User, name: 'system:serviceaccount:kube-system:default'}}", ODD),
    ("name: mine", "spec: {owner: {kind: User, name: '*'}}", ODD),
    ("name: mine", "spec: {owner: {kind: User, name: '*@foo.com'}}", ODD),
    (
        "name: mine",
        "spec: {owner: {kind: ServiceAccount, name: default, namespace: kube-system}}",
        "a ServiceAccount of a system namespace can't own a profile",
    ),
    (
        "name: mine",
        "spec: {owner: {kind: ServiceAccount, name: kfctl-controller, namespace: kubeflow-system}}",
        "a ServiceAccount of a system namespace can't own a profile",
    ),
    ("name: mine", "spec: {owner: {kind: ServiceAccount, name: '*', namespace: kubeflow-mine}}", ODD),
    ("name: mine", "spec: {owner: {kind: User, apiGroup: '', name: eve@foo.com}}", "apiGroup is rbac.authorization.k8s.io"),
    // Members with them, or with another role.
    (
        "name: mine",
        "spec: {owner: {kind: User, name: eve@foo.com}, members: [{role: admin, subject: {kind: Group, name: 'system:masters'}}]}",
        ODD,
    ),
    (
        "name: mine",
        "spec: {owner: {kind: User, name: eve@foo.com}, members: [{role: cluster-admin, subject: {kind: User, name: eve@foo.com}}]}",
        "Unsupported value: \"cluster-admin\"",
    ),
    (
        "name: mine",
        "spec: {owner: {kind: User, name: eve@foo.com, roleRef: {kind: ClusterRole, name: cluster-admin}}}",
        "unknown field \"spec.template.spec.owner.roleRef\"",
    ),
    // Namespaces of the system, and those that are not for creators.
    ("name: mine", "metadata: {namespace: kube-system}, spec: {owner: {kind: User, name: eve@foo.com}}", OF_THE_SYSTEM),
    ("name: mine", "metadata: {namespace: kube-mine}, spec: {owner: {kind: User, name: eve@foo.com}}", OF_THE_SYSTEM),
    ("name: mine", "metadata: {namespace: kubeflow}, spec: {owner: {kind: User, name: eve@foo.com}}", OF_THE_SYSTEM),
    ("name: mine", "metadata: {namespace: kubeflow-system}, spec: {owner: {kind: User, name: eve@foo.com}}", OF_THE_SYSTEM),
    ("name: mine", "metadata: {namespace: default}, spec: {owner: {kind: User, name: eve@foo.com}}", OF_THE_SYSTEM),
    ("name: mine", "metadata: {namespace: istio-system}, spec: {owner: {kind: User, name: eve@foo.com}}", OF_THE_SYSTEM),
    ("name: system", "spec: {owner: {kind: User, name: eve@foo.com}}", "kubeflow-system is a namespace of the system"),
    ("generateName: kube-", "spec: {owner: {kind: User, name: eve@foo.com}}", OF_THE_SYSTEM),
    ("name: mine", "metadata: {namespace: monitoring}, spec: {owner: {kind: User, name: eve@foo.com}}", ELSEWHERE),
    ("name: mine", "metadata: {namespace: kubeflowmine}, spec: {owner: {kind: User, name: eve@foo.com}}", ELSEWHERE),
    ("name: mine", "metadata: {namespace: kubeflow-}, spec: {owner: {kind: User, name: eve@foo.com}}", LABEL),
    ("name: mine", "metadata: {namespace: Kubeflow-System}, spec: {owner: {kind: User, name: eve@foo.com}}", LABEL),
    // Names that look like another: Cyrillic letters, fullwidth ones, text from right to left, what can't be seen.
    ("name: mine", "metadata: {namespace: kubeflow-j\u{430}ne}, spec: {owner: {kind: User, name: eve@foo.com}}", LABEL),
    ("name: j\u{430}ne", "spec: {owner: {kind: User, name: eve@foo.com}}", "metadata.name: Invalid value"),
    ("name: mine", "spec: {owner: {kind: User, name: \"jane\\u200b@foo.com\"}}", ODD),
    ("name: mine", "spec: {owner: {kind: User, name: \"\\u202emoc.oof@enaj\"}}", ODD),
    ("name: mine", "spec: {owner: {kind: User, name: \"jane@foo.com\\nsystem:masters\"}}", ODD),
    // Quotas above the default, in every spelling.
    ("name: mine", "spec: {owner: {kind: User, name: eve@foo.com}, resourceQuota: {hard: {requests.cpu: '33'}}}", TOO_MUCH),
    ("name: mine", "spec: {owner: {kind: User, name: eve@foo.com}, resourceQuota: {hard: {requests.cpu: 33}}}", TOO_MUCH),
    ("name: mine", "spec: {owner: {kind: User, name: eve@foo.com}, resourceQuota: {hard: {requests.cpu: 32001m}}}", TOO_MUCH),
    ("name: mine", "spec: {owner: {kind: User, name: eve@foo.com}, resourceQuota: {hard: {requests.cpu: '1e3'}}}", TOO_MUCH),
    ("name: mine", "spec: {owner: {kind: User, name: eve@foo.com}, resourceQuota: {hard: {requests.memory: 1Pi}}}", TOO_MUCH),
    (
        "name: mine",
        "spec: {owner: {kind: User, name: eve@foo.com}, resourceQuota: {hard: {pods: 1, requests.nvidia.com/gpu: 5}}}",
        TOO_MUCH,
    ),
    (
        "name: mine",
        "spec: {owner: {kind: User, name: eve@foo.com}, resourceQuota: {hard: {requests.cpu: '-1'}}}",
        "a limit is a quantity of at least 0",
    ),
    (
        "name: mine",
        "spec: {owner: {kind: User, name: eve@foo.com}, resourceQuota: {hard: {CPU: 1}}}",
        "a limit is named as in a ResourceQuota",
    ),
];

/// Commands that are refused: whose, what, and a part of the refusal. `PROFILE` is a file with a profile of eve's.
const REFUSED_COMMANDS: &[(&str, &str, &str)] = &[
    // A creator creates, in one place, and nothing else.
    (EVE, "-n default create -f PROFILE", "cannot create resource \"profiles\""),
    (EVE, "-n kubeflow-system get profiles", FORBIDDEN),
    (EVE, "-n kubeflow-system apply -f JANES", FORBIDDEN),
    (EVE, "-n kubeflow-system apply --server-side --force-conflicts -f JANES", FORBIDDEN),
    (EVE, "-n kubeflow-system replace -f JANES", FORBIDDEN),
    (EVE, "-n kubeflow-system delete profile jane", FORBIDDEN),
    (EVE, "-n kubeflow-system delete profiles --all", FORBIDDEN),
    (EVE, "-n kubeflow-system patch profile jane --type=merge -p {\"metadata\":{\"finalizers\":null}}", FORBIDDEN),
    (EVE, "-n kubeflow-system patch profile jane --subresource=status --type=merge -p {\"status\":{}}", FORBIDDEN),
    (EVE, "-n kubeflow-system create rolebinding more --role=profile-deleter --user=eve@foo.com", FORBIDDEN),
    (EVE, "-n kubeflow-system create token kfctl-controller", FORBIDDEN),
    (EVE, "-n kubeflow-system get profiles --as=kfctl-admin", "cannot impersonate"),
    (EVE, "-n kubeflow-system get profiles --as=x --as-group=system:masters", "cannot impersonate"),
    (EVE, "annotate namespace kubeflow-jane kubeflow.org/adopt=mine", FORBIDDEN),
    (EVE, "label namespace kubeflow-jane kubeflow.org/profile=mine --overwrite", FORBIDDEN),
    (EVE, "create namespace kubeflow-early", FORBIDDEN),
    (EVE, "-n kubeflow-jane get pods", FORBIDDEN),
    // An owner can't widen what the controller made, nor give what is not theirs.
    (JANE, "-n kubeflow-jane create rolebinding x --clusterrole=cluster-admin --user=jane@foo.com", ESCALATION),
    (JANE, "-n kubeflow-jane create rolebinding x --clusterrole=admin --user=jane@foo.com", ESCALATION),
    (JANE, "-n kubeflow-jane create rolebinding x --clusterrole=kfctl-controller --user=jane@foo.com", ESCALATION),
    (JANE, "-n kubeflow-jane create rolebinding x --role=other --user=jane@foo.com", "not found"),
    (JANE, "-n kubeflow-jane create role other --verb=* --resource=pods", FORBIDDEN),
    (JANE, "-n kubeflow-jane delete role default", FORBIDDEN),
    (JANE, "-n kubeflow-jane patch role default --type=merge -p {\"rules\":[]}", FORBIDDEN),
    (JANE, "-n kubeflow-jane patch rolebinding namespaceAdmin --type=merge -p {\"subjects\":[]}", FORBIDDEN),
    (JANE, "-n kubeflow-jane delete resourcequota kf-resource-quota", FORBIDDEN),
    (JANE, "-n kubeflow-jane annotate resourcequota kf-resource-quota kubeflow.org/reset-quota=now", FORBIDDEN),
    (JANE, "-n kubeflow-jane create quota more --hard=cpu=1k", FORBIDDEN),
    (JANE, "-n kubeflow-jane delete limitrange kf-limits", FORBIDDEN),
    (JANE, "label namespace kubeflow-jane pod-security.kubernetes.io/enforce=privileged --overwrite", FORBIDDEN),
    (JANE, "annotate namespace kubeflow-jane owner=abe@foo.com --overwrite", FORBIDDEN),
    (JANE, "delete namespace kubeflow-jane", FORBIDDEN),
    (JANE, "-n kubeflow-system patch profile jane --type=merge -p {\"spec\":{}}", FORBIDDEN),
    (JANE, "-n kubeflow-old create rolebinding x --clusterrole=kubeflow-admin --user=jane@foo.com", FORBIDDEN),
    (JANE, "-n kubeflow-system create rolebinding x --role=profile-creator --user=jane@foo.com", FORBIDDEN),
    (JANE, "-n kubeflow-jane get pods --as=system:serviceaccount:kubeflow-system:kfctl-controller", "cannot impersonate"),
    (JANE, "-n kubeflow-jane run p --image=example.com/none --privileged", "violates PodSecurity \"baseline:latest\""),
    // Who is shared with can't share on, not by way of the namespace's service accounts either.
    (BOB, "-n kubeflow-jane create rolebinding x --role=default --user=eve@foo.com", FORBIDDEN),
    (BOB, "-n kubeflow-jane create rolebinding x --clusterrole=kubeflow-view --user=eve@foo.com", FORBIDDEN),
    (BOB, "-n kubeflow-jane delete rolebinding namespaceAdmin", FORBIDDEN),
    (BOB, "-n kubeflow-jane get rolebindings", FORBIDDEN),
    (BOB, "-n kubeflow-jane create role other --verb=get --resource=pods", FORBIDDEN),
    (BOB, "-n kubeflow-jane patch role default --type=merge -p {\"rules\":[]}", FORBIDDEN),
    (BOB, "-n kubeflow-jane delete limitrange kf-limits", FORBIDDEN),
    (
        BOB,
        "-n kubeflow-jane create rolebinding x --role=default --user=eve@foo.com --as=system:serviceaccount:kubeflow-jane:default-editor",
        FORBIDDEN,
    ),
    (BOB, "-n kubeflow-jane get pods --as=system:serviceaccount:kubeflow-old:default", "cannot impersonate"),
    (BOB, "-n kubeflow-old get pods", FORBIDDEN),
];

struct Attacks {
    test: Profiles,
}

impl Attacks {
    fn profile(&self, metadata: &str, template: &str) -> String {
        let text = format!(
            "apiVersion: kubeflow.org/v1alpha1\nkind: Profile\nmetadata: {{{metadata}, namespace: kubeflow-system}}\nspec: {{template: {{{template}}}}}\n"
        );
        self.test.app.write("attack.yaml", &text)
    }

    /// Nothing of what is refused gets anywhere: each refusal is the one that was expected.
    fn are_refused(&self) {
        let mut wrong = String::new();
        let mut expect = |who: &str, command: &[&str], what: &str, expected: &str| {
            let said = self.test.cluster.kubectl_as(who, command);
            if said.code == 0 || !said.all().contains(expected) {
                let _ = writeln!(wrong, "{who} {what}: expected {expected:?}: {}", said.all());
            }
        };
        for (metadata, template, expected) in REFUSED_PROFILES {
            let file = self.profile(metadata, template);
            expect(EVE, &["create", "-f", &file], &format!("{metadata} {template}"), expected);
        }
        let long = "a".repeat(253);
        for (metadata, template, expected) in [
            (format!("name: {long}"), "metadata: {namespace: kubeflow-a}, ".to_owned(), "at most 63"),
            ("name: mine".to_owned(), format!("metadata: {{namespace: {long}}}, "), "may not be more than 63"),
            (format!("name: {}", &long[..60]), String::new(), "shorten the name to 54"),
        ] {
            let file = self.profile(&metadata, &format!("{template}spec: {{owner: {{kind: User, name: eve@foo.com}}}}"));
            expect(EVE, &["create", "-f", &file], &metadata, expected);
        }
        let own = "apiVersion: kubeflow.org/v1alpha1\nkind: Profile\nmetadata: {name: mine}\nspec: {template: {spec: {owner: {kind: User, name: eve@foo.com}}}}\n";
        let files = [("PROFILE", own.to_owned()), ("JANES", own.replace("mine", "jane"))]
            .map(|(name, text)| (name, self.test.app.write(name, &text)));
        for (who, command, expected) in REFUSED_COMMANDS {
            let words =
                command.split(' ').map(|word| files.iter().find(|(name, _)| *name == word).map_or(word, |(_, file)| file));
            expect(who, &words.collect::<Vec<_>>(), command, expected);
        }
        assert!(wrong.is_empty(), "{wrong}");
        let profiles = self.test.admin(&["-n", "kubeflow-system", "get", "profiles", "-o", "name"]);
        assert_eq!(profiles, "profile.kubeflow.org/jane\n");
    }

    /// A namespace that is somebody's, or was there before, is not given away.
    fn claim_what_is_not_theirs(&self) {
        for (name, namespace, reason) in
            [("thief", "kubeflow-jane", "NamespaceTaken"), ("squatter", "kubeflow-old", "NamespaceExists")]
        {
            let template = format!("metadata: {{namespace: {namespace}}}, spec: {{owner: {{kind: User, name: eve@foo.com}}}}");
            self.eve_creates(&format!("name: {name}, annotations: {{kubeflow.org/adopt: {name}}}"), &template);
            self.test.reason(name, reason);
            self.test.settled();
            self.has_no_access(EVE, namespace);
        }
        // What a profile that waits is deleted with is not the namespace of another.
        self.test.admin(&["-n", "kubeflow-system", "delete", "profiles", "thief", "squatter", "--timeout=60s"]);
        for namespace in ["kubeflow-jane", "kubeflow-old"] {
            let there = self.test.get(&["get", "namespace", namespace]).expect("the namespace is gone");
            assert!(there["metadata"]["deletionTimestamp"].is_null(), "{namespace} goes with a profile that never had it");
        }
    }

    /// What stands on a profile besides its spec changes nothing of what is made.
    fn inject_labels_and_annotations(&self) {
        let jane = self.test.get(&["-n", "kubeflow-system", "get", "profile", "jane"]).expect("a profile");
        let uid = jane["metadata"]["uid"].as_str().expect("a uid");
        let metadata = format!(
            "name: injected, labels: {{pod-security.kubernetes.io/enforce: privileged, istio-injection: disabled, kubeflow.org/profile: jane, kubeflow.org/profile-uid: {uid}}}, annotations: {{owner: jane@foo.com, kubeflow.org/adopt: jane}}"
        );
        self.eve_creates(&metadata, "spec: {owner: {kind: User, name: eve@foo.com}}");
        self.test.ready("injected");
        let namespace = self.test.get(&["get", "namespace", "kubeflow-injected"]).expect("a namespace");
        let (labels, annotations) = (&namespace["metadata"]["labels"], &namespace["metadata"]["annotations"]);
        assert_eq!(labels["pod-security.kubernetes.io/enforce"], "baseline");
        assert_eq!(labels["istio-injection"], "enabled");
        assert_eq!(labels["kubeflow.org/profile"], "injected");
        assert_ne!(labels["kubeflow.org/profile-uid"], uid);
        assert_eq!(annotations.to_string(), r#"{"owner":"eve@foo.com"}"#);
        // Her namespace goes with her profile, and jane's does not.
        self.test.admin(&["-n", "kubeflow-system", "delete", "profile", "injected", "--timeout=60s"]);
        assert!(self.test.get(&["get", "namespace", "kubeflow-jane"]).is_some());
    }

    /// A name that looks like jane's, one as long as can be, and one that is YAML: each is that name, letter for letter.
    fn names_are_taken_letter_for_letter(&self) {
        let template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: welcome}\ndata: {owner: {{ owner }}}\n";
        self.test.admin(&["create", "clusterrole", "controller-configmaps", "--verb=*", "--resource=configmaps"]);
        self.test.admin(&[
            "create",
            "clusterrolebinding",
            "controller-configmaps",
            "--clusterrole=controller-configmaps",
            "--serviceaccount=kubeflow-system:kfctl-controller",
        ]);
        let file = self.test.app.write("welcome.yaml", template);
        self.test.admin(&["-n", "kubeflow-system", "create", "configmap", "extra", &format!("--from-file={file}")]);
        self.test.app.kfctl(&["param", "set", "profiles", "templates", "extra"]).success();
        self.test.app.kfctl(&["apply", "k8s", "-c", "profiles", "--no-wait"]).success();
        let (long, yaml) = ("a".repeat(253), r#"x"},"metadata":{"labels":{"a":"b"}},"c":{"d":"'{{7+7}}"#);
        for (name, owner) in
            [("cyrillic", "j\u{430}ne@foo.com"), ("fullwidth", "\u{ff4a}ane@foo.com"), ("long", &long), ("yaml", yaml)]
        {
            self.eve_creates(
                &format!("name: {name}"),
                &format!("spec: {{owner: {{kind: User, name: {}}}}}", serde_json::json!(owner)),
            );
            self.test.ready(name);
            let namespace = format!("kubeflow-{name}");
            let binding = self.test.get(&["-n", &namespace, "get", "rolebinding", "namespaceAdmin"]).expect("a binding");
            assert_eq!(binding["subjects"][0]["name"], owner);
            self.has_no_access(JANE, &namespace);
            self.test.cluster.until("the template is made", || {
                let made = self.test.get(&["-n", &namespace, "get", "configmap", "welcome"]).unwrap_or_default();
                made["data"]["owner"] == owner && made["metadata"]["labels"]["a"].is_null()
            });
        }
        self.has_no_access(EVE, "kubeflow-jane");
    }

    /// Whoever was owner is out, whatever they had written on the doors that they kept.
    fn keep_a_door_open(&self) {
        let binding = |name: &str, labels: &str, role: &str| {
            let text = format!(
                "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: {name}, namespace: kubeflow-jane, labels: {{{labels}}}}}\nroleRef: {{apiGroup: rbac.authorization.k8s.io, {role}}}\nsubjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: jane@foo.com}}]\n"
            );
            let file = self.test.app.write("door.yaml", &text);
            self.test.cluster.kubectl_as(JANE, &["create", "-f", &file]).success();
        };
        let profile = self.test.get(&["-n", "kubeflow-system", "get", "profile", "jane"]).expect("a profile");
        let uid = profile["metadata"]["uid"].as_str().expect("a uid");
        binding("door", "", "kind: Role, name: default");
        binding(
            "marked",
            &format!("kubeflow.org/profile: jane, kubeflow.org/profile-uid: {uid}"),
            "kind: ClusterRole, name: kubeflow-admin",
        );
        binding("other", "kubeflow.org/profile-uid: other", "kind: ClusterRole, name: kubeflow-edit");
        // Kubernetes' own roles, too: she has all the rights of this one. The controller can take nobody out of such a binding.
        binding("kubernetes", "", "kind: ClusterRole, name: edit");
        let both = [
            "-n",
            "kubeflow-jane",
            "create",
            "rolebinding",
            "both",
            "--clusterrole=view",
            "--user=jane@foo.com",
            "--user=vic@foo.com",
        ];
        self.test.cluster.kubectl_as(JANE, &both).success();
        binding(
            "member-admin-0123456789abcdef",
            &format!("kubeflow.org/profile-uid: {uid}"),
            "kind: ClusterRole, name: kubeflow-admin",
        );
        let owner = r#"{"spec": {"template": {"spec": {"owner": {"name": "abe@foo.com"}}}}}"#;
        self.test.admin(&["-n", "kubeflow-system", "patch", "profile", "jane", "--type=merge", "-p", owner]);
        let look = ["-n", "kubeflow-jane", "get", "pods"];
        self.test.cluster.until("abe is in", || self.test.cluster.kubectl_as(ABE, &look).code == 0);
        self.test.settled();
        self.test.cluster.until("jane is out", || self.test.cluster.kubectl_as(JANE, &look).code != 0);
        let bindings =
            self.test.admin(&["-n", "kubeflow-jane", "get", "rolebindings", "-o", "jsonpath={.items[*].subjects[*].name}"]);
        assert!(!bindings.contains(JANE), "{bindings}");
        // Bob, whom she had shared with, stays.
        self.test.cluster.kubectl_as(BOB, &look).success();
    }

    fn eve_creates(&self, metadata: &str, template: &str) {
        self.test.cluster.kubectl_as(EVE, &["create", "-f", &self.profile(metadata, template)]).success();
    }

    fn has_no_access(&self, who: &str, namespace: &str) {
        for resource in ["pods", "secrets", "rolebindings"] {
            let said = self.test.cluster.kubectl_as(who, &["-n", namespace, "get", resource]);
            assert!(said.stderr.contains(FORBIDDEN), "{who} sees {resource} of {namespace}: {}", said.all());
        }
    }
}

#[test]
fn e2e_a_profile_gives_nobody_more_than_their_own() {
    let attacks = Attacks { test: Profiles::start() };
    let test = &attacks.test;
    test.create("jane", JANE);
    test.admin(&["create", "namespace", "kubeflow-old"]);
    test.admin(&["-n", "kubeflow-system", "create", "rolebinding", "eve", "--role=profile-creator", "--user=eve@foo.com"]);
    let share = ["-n", "kubeflow-jane", "create", "rolebinding", "bob-kubeflow", "--role=default", "--user=bob@acme.com"];
    test.cluster.until("jane may share", || test.cluster.kubectl_as(JANE, &share).code == 0);
    test.cluster.until("bob is in", || test.cluster.kubectl_as(BOB, &["-n", "kubeflow-jane", "get", "pods"]).code == 0);
    attacks.are_refused();
    attacks.claim_what_is_not_theirs();
    attacks.inject_labels_and_annotations();
    attacks.names_are_taken_letter_for_letter();
    attacks.keep_a_door_open();
}
