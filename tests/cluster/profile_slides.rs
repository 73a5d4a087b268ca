//! The seed's slides, from permission to sharing to deletion: the commands of docs/profiles.md as they stand there, each typed by the
//! user that the slide names, with a token of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::harness::{Said, say};
use crate::profile_lifecycle::{ABE, BOB, JANE, Profiles};

const GUIDE: &str = include_str!("../../docs/profiles.md");
const ADMIN: &str = "kfctl-admin";
const ANN: &str = "ann@foo.com";

/// A section of the guide.
fn section(heading: &str) -> &'static str {
    let below = GUIDE.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("the guide has no {heading:?}")).1;
    below.split("\n## ").next().unwrap_or_default()
}

/// The blocks of commands in a section.
fn commands(heading: &str) -> Vec<String> {
    let text: String = section(heading).split("```").step_by(2).collect();
    let mut blocks = vec![String::new()];
    for line in text.lines() {
        match line.strip_prefix("    ") {
            Some(command) => blocks.last_mut().expect("one").extend([command, "\n"]),
            None => blocks.push(String::new()),
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

type Slide = (&'static str, fn(&Slides));

struct Slides {
    test: Profiles,
    /// Where the guide's files are.
    directory: PathBuf,
    tools: PathBuf,
}

impl Slides {
    fn start() -> Self {
        let test = Profiles::start();
        let mut files = Vec::new();
        for file in GUIDE.split("```yaml\n# ").skip(1) {
            let (name, rest) = file.split_once('\n').expect("a name");
            files.push(test.app.write(name, rest.split("```").next().unwrap_or_default()));
        }
        let directory = Path::new(&files[0]).parent().expect("a directory").to_owned();
        let tools = test.cluster.tools();
        Self { test, directory, tools }
    }

    /// Types commands as a user.
    fn types(&self, user: &str, commands: &str) -> Said {
        let cluster = &self.test.cluster;
        let kubeconfig = if user == ADMIN { cluster.kubeconfig().to_owned() } else { cluster.kubeconfig_by_token(user, user) };
        let path = format!("{}:{}", self.tools.display(), std::env::var("PATH").expect("a PATH"));
        let mut shell = Command::new("bash");
        shell.args(["-e", "-c", commands]).current_dir(&self.directory).env("PATH", path).env("KUBECONFIG", kubeconfig);
        say(&mut shell)
    }

    /// Types the guide's commands once the server knows the rights that another has just given.
    fn types_soon(&self, user: &str, commands: &str) {
        let mut said = None;
        self.test.cluster.until(&format!("{user} may: {commands}"), || {
            said = Some(self.types(user, commands));
            said.as_ref().is_some_and(|said| said.code == 0 || !said.stderr.contains("forbidden"))
        });
        said.expect("it was typed").success();
    }

    fn forbidden(&self, user: &str, commands: &str) {
        let said = self.types(user, commands);
        assert!(said.code != 0 && said.stderr.to_lowercase().contains("forbidden"), "{user} may {commands}: {}", said.all());
    }

    fn admin_grants_permission(&self) {
        let create = &commands("Create a namespace for somebody")[0];
        self.forbidden(BOB, create);
        self.types(ADMIN, &commands("Let somebody create profiles")[0]).success();
        // To create and nothing else.
        let may = "kubectl -n kubeflow-system auth can-i create profiles";
        self.test.cluster.until("bob may create", || self.types(BOB, may).code == 0);
        for verb in ["get", "list", "watch", "update", "patch", "delete", "set-quota"] {
            let said = self.types(BOB, &format!("kubectl -n kubeflow-system auth can-i {verb} profiles"));
            assert_eq!(said.stdout.trim(), "no", "{verb}");
        }
        self.forbidden(ABE, create);
    }

    fn create_a_new_namespace(&self) {
        self.types_soon(BOB, &commands("Create a namespace for somebody")[0]);
        self.test.ready("abe");
        // Bob has made it, and has no right in it; abe has.
        self.forbidden(BOB, "kubectl -n kubeflow-abe get pods");
        self.types_soon(ABE, "kubectl -n kubeflow-abe get pods");
        self.forbidden(ABE, "kubectl -n kubeflow-system get profiles");
    }

    fn profile_resource_created(&self) {
        let said = self.types(ADMIN, &commands("See what was made")[0]).success();
        let row = said.lines().find(|line| line.starts_with("abe ")).expect("a row");
        let row: Vec<&str> = row.split_whitespace().take(5).collect();
        assert_eq!(row, ["abe", "kubeflow-abe", "abe@foo.com", "True", "NamespaceReady"]);
        for made in [
            "kf-resource-quota",
            "kf-limits",
            "role.rbac.authorization.k8s.io/default",
            "namespaceAdmin",
            "default-editor",
            "default-viewer",
        ] {
            assert!(said.contains(made), "{made} is missing: {said}");
        }
        let namespace = self.test.get(&["get", "namespace", "kubeflow-abe"]).expect("a namespace");
        let labels = &namespace["metadata"]["labels"];
        assert_eq!(labels["app.kubernetes.io/part-of"], "kubeflow-profile");
        assert_eq!(labels["istio-injection"], "enabled");
        assert_eq!(labels["pod-security.kubernetes.io/enforce"], "baseline");
        assert_eq!(namespace["metadata"]["annotations"]["owner"], ABE);
        assert_eq!(namespace["metadata"]["ownerReferences"], Value::Null, "the garbage collector would delete it");
        self.test.cluster.until("events tell", || {
            let said = self.test.events("kubeflow-system", "Profile", "abe");
            said.contains("namespace kubeflow-abe is ready for abe@foo.com")
                && self.test.events("default", "Namespace", "kubeflow-abe").contains("made for profile abe")
        });
    }

    fn override_default_resource_quotas(&self) {
        let override_and_reset = commands("Another quota for one namespace");
        let hard = |expected: &str| {
            self.test.cluster.until(expected, || {
                let quota = self.test.get(&["-n", "kubeflow-abe", "get", "resourcequota", "kf-resource-quota"]);
                quota.is_some_and(|quota| quota["spec"]["hard"] == serde_json::from_str::<Value>(expected).expect("JSON"))
            });
            self.test.settled();
        };
        hard(r#"{"requests.cpu":"32","requests.memory":"128Gi","requests.nvidia.com/gpu":"4"}"#);
        // Neither the owner nor who created the profile can raise it.
        self.forbidden(ABE, &override_and_reset[0]);
        self.forbidden(BOB, &override_and_reset[0]);
        self.types(ADMIN, &override_and_reset[0]).success();
        self.test.app.kfctl(&["param", "set", "profiles", "maxRam", "1Tb"]).success();
        self.test.app.kfctl(&["apply", "k8s", "-c", "profiles", "--no-wait"]).success();
        hard(r#"{"requests.cpu":"64","requests.memory":"1T","requests.nvidia.com/gpu":"4"}"#);
        self.types(ADMIN, &override_and_reset[1]).success();
        hard(r#"{"requests.cpu":"32","requests.memory":"1T","requests.nvidia.com/gpu":"4"}"#);
    }

    /// The kind as the training component will bring it, with what it adds to edit.
    fn create_tfjob(&self) {
        let component = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: tfjobs.kubeflow.org}\nspec:\n  group: kubeflow.org\n  scope: Namespaced\n  names: {kind: TFJob, plural: tfjobs, singular: tfjob}\n  versions:\n  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: training-edit\n  labels: {rbac.authorization.kubeflow.org/aggregate-to-kubeflow-edit: \"true\"}\nrules:\n- {apiGroups: [kubeflow.org], resources: [tfjobs], verbs: [get, list, watch, create, delete]}\n";
        self.test.admin(&["apply", "-f", &self.test.app.write("training.yaml", component)]);
        self.test.admin(&["wait", "--for=condition=Established", "crd/tfjobs.kubeflow.org"]);
        self.test.create("jane", JANE);
        self.test.create("bob", BOB);
        let create = &commands("Work in a namespace")[0];
        self.types_soon(JANE, create);
        self.forbidden(JANE, &create.replace("kubeflow-jane", "kubeflow-bob"));
        self.forbidden(BOB, create);
        // A pod that says nothing of its size fits the quota; one that wants the node does not pass.
        self.types_soon(JANE, "kubectl -n kubeflow-jane run plain --image=example.com/none");
        let privileged = self.types(JANE, "kubectl -n kubeflow-jane run q --image=example.com/none --privileged");
        assert!(privileged.stderr.contains("violates PodSecurity \"baseline:latest\""), "{}", privileged.all());
    }

    fn share_namespace(&self) {
        let share = commands("Share a namespace");
        self.types(JANE, &share[0]).success();
        self.types_soon(BOB, "kubectl -n kubeflow-jane delete tfjob mnist");
        self.types(BOB, &commands("Work in a namespace")[0]).success();
        // And no more.
        self.forbidden(BOB, &share[0].replace("bob-kubeflow", "onwards").replace(BOB, ABE));
        self.forbidden(BOB, &share[1]);
        self.forbidden(BOB, "kubectl -n kubeflow-jane delete role default");
        self.forbidden(BOB, "kubectl -n kubeflow-jane delete resourcequota kf-resource-quota");
        self.forbidden(BOB, "kubectl -n kubeflow-jane delete limitrange kf-limits");
        self.forbidden(BOB, "kubectl -n kubeflow-jane delete rolebinding namespaceAdmin");
        self.types(JANE, &share[1]).success();
        let look = "kubectl -n kubeflow-jane get pods";
        self.test.cluster.until("bob is out", || self.types(BOB, look).stderr.contains("Forbidden"));
    }

    fn hand_over(&self) {
        let hand_over = &commands("Hand a profile over")[0];
        self.forbidden(JANE, hand_over);
        self.types(ADMIN, hand_over).success();
        self.types_soon(ANN, "kubectl -n kubeflow-jane get pods plain");
        self.test.cluster.until("jane is out", || self.types(JANE, "kubectl -n kubeflow-jane get pods").code != 0);
    }

    fn delete_a_profile(&self) {
        let delete = &commands("Delete a profile")[0];
        self.forbidden(BOB, delete);
        self.forbidden(ABE, delete);
        self.types(ADMIN, &commands("Let somebody delete profiles")[0]).success();
        self.types_soon(BOB, delete);
        assert!(self.test.get(&["get", "namespace", "kubeflow-abe"]).is_none(), "the namespace is still there");
        assert!(self.test.get(&["get", "namespace", "kubeflow-jane"]).is_some());
        // The seed's own words.
        self.types(BOB, "kubectl -n kubeflow-system delete profiles bob").success();
        assert!(self.test.get(&["get", "namespace", "kubeflow-bob"]).is_none(), "the namespace is still there");
    }
}

#[test]
fn e2e_slides_of_the_seed() {
    let slides = Slides::start();
    let told: [Slide; 8] = [
        ("Admin grants permission to create profiles", Slides::admin_grants_permission),
        ("Create a new namespace CLI", Slides::create_a_new_namespace),
        ("Profile Resource Created", Slides::profile_resource_created),
        ("Override default resource quotas", Slides::override_default_resource_quotas),
        ("Create TFJob/PyTorch", Slides::create_tfjob),
        ("Share namespace with other users", Slides::share_namespace),
        ("Hand a profile over", Slides::hand_over),
        ("Delete a profile", Slides::delete_a_profile),
    ];
    // In this order, for one builds on the other; one that fails hides none of the others.
    let failed: Vec<&str> = told
        .into_iter()
        .filter_map(|(title, slide)| catch_unwind(AssertUnwindSafe(|| slide(&slides))).is_err().then_some(title))
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
}
