//! README's journey and its day two, typed on a terminal as it stands there; what the terminal showed is README's capture of a real run.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::harness::{App, Cluster};
use crate::readme;

const CAPTURE: [&str; 2] =
    ["<!-- what follows is remade by KFCTL_UPDATE=1 cargo test --test cluster journey -->\n", "<!-- end -->\n"];

/// What a person would have seen: the terminal shows what was typed ahead before anything else.
fn as_typed(shown: &str) -> String {
    shown.replace('\r', "").replacen("y\n", "", 1).replacen("[y/N] ", "[y/N] y\n", 1)
}

/// Lines without what differs from run to run: numbers and the space around them, and what had to be awaited.
fn stable(text: &str) -> BTreeSet<String> {
    let words = |line: &str| {
        line.split_whitespace().filter(|word| !word.contains(|c: char| c.is_ascii_digit())).collect::<Vec<_>>().join(" ")
    };
    text.lines().filter(|line| !line.starts_with("  waiting")).map(words).collect()
}

/// Types what stands below a heading of README, and the answers. `diff` ends with 3 where it finds something.
fn types(shell: &App, heading: &str, answers: &str) -> String {
    let mut script = String::from("set -e\n");
    for line in readme::commands(heading).lines() {
        let shown = line.replace('\'', "'\\''");
        let line = line.replace("kfctl diff", "{ kfctl diff || [ $? = 3 ]; }");
        writeln!(script, "printf '$ %s\\n' '{shown}'\n{line}").expect("a text grows");
    }
    let file = shell.write("journey.sh", &script);
    shell.types(&format!("bash {file}"), answers).success()
}

#[test]
fn api_readme_journey_on_a_terminal() {
    let cluster = Cluster::start();
    let path = format!("{}:{}", cluster.tools().display(), std::env::var("PATH").expect("a PATH"));
    let with_tools = |app: App| app.with("PATH", &path).with("TERM", "dumb");
    let shell = with_tools(cluster.outside());
    let shown = as_typed(&types(&shell, "## The journey", "y\n"));

    let seen = |arguments: &[&str]| cluster.kubectl(arguments).success();
    for name in ["kubeflow", "kubeflow-system"] {
        assert_eq!(seen(&["get", "namespace", name, "-o", "jsonpath={.status.phase}"]), "Active", "{shown}");
    }
    let defaults = "jsonpath={.data.maxCpu} {.data.maxRam} {.data.maxGpu}";
    assert_eq!(seen(&["-n", "kubeflow-system", "get", "configmap", "profile-defaults", "-o", defaults]), "100 1T 20");
    assert_eq!(
        seen(&["-n", "kubeflow-system", "get", "rolebinding", "bob-creator", "-o", "jsonpath={.roleRef.name}"]),
        "profile-creator"
    );
    assert_eq!(seen(&["auth", "can-i", "create", "profiles", "-n", "kubeflow-system", "--as=bob@acme.com"]).trim(), "yes");

    let day_two = types(&with_tools(cluster.in_app("my-kubeflow")), "## Day two", "y\ny\n");
    for words in [
        "nothing to change",
        "rights        you may do everything",
        "-  replicas: 2",
        "+  replicas: 1",
        "overlays/profiles/",
        "0 created, 1 configured",
        "ConfigMap kubeflow/welcome",
        "1 deleted",
        "CustomResourceDefinition.apiextensions.k8s.io profiles.kubeflow.org: it defines users' objects, of which there are none now",
        "Namespace kubeflow-system: it holds what stays: RoleBinding.rbac.authorization.k8s.io kubeflow-system/bob-creator",
    ] {
        assert!(day_two.contains(words), "{words}: {day_two}");
    }
    let left = cluster.kubectl(&["get", "namespaces", "-o", "name", "-l", "applyset.kubernetes.io/part-of"]).success();
    assert_eq!(left, "namespace/kubeflow-system\n", "{day_two}");

    let readme = include_str!("../../README.md");
    let [start, end] = CAPTURE.map(|mark| readme.find(mark).expect("README has the marks of the capture"));
    let start = start + CAPTURE[0].len();
    if std::env::var_os("KFCTL_UPDATE").is_some() {
        let fresh = format!("{}\n```\n{}```\n\n{}", &readme[..start], shown, &readme[end..]);
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"), fresh).expect("written");
        return;
    }
    let capture = readme[start..end].replace("```\n", "");
    let lost: Vec<String> = stable(&capture).difference(&stable(&shown)).cloned().collect();
    assert!(lost.is_empty(), "README's capture shows what no longer comes: {lost:#?}\n{shown}");
}
