//! README's journey and its day two, typed on a terminal as it stands there; what the terminal showed is README's capture of a real run.
//! Istio's release is the tests' small one, so that no network is needed.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::harness::{App, Cluster};
use crate::readme;
use crate::release::istio;

const CAPTURE: [&str; 2] =
    ["<!-- what follows is remade by KFCTL_UPDATE=1 cargo test --test cluster journey -->\n", "<!-- end -->\n"];

/// Objects of a run that README shows.
const SHOWN: usize = 5;

/// What a person would have seen: the terminal shows what was typed ahead before anything else. Passwords are nobody's business.
fn as_typed(shown: &str) -> String {
    let shown = shown.replace('\r', "").replacen("y\n", "", 1).replacen("[y/N] ", "[y/N] y\n", 1);
    let masked = |line: &str| match line.strip_suffix("  (shown this once)").and_then(|line| line.rsplit_once(": ")) {
        Some((what, _)) => format!("{what}: ********  (shown this once)\n"),
        None => format!("{line}\n"),
    };
    shown.lines().map(masked).collect()
}

/// The same for README: of many objects in a row the first.
fn shortened(shown: &str) -> String {
    let (mut text, mut objects) = (String::new(), 0);
    for line in shown.lines() {
        objects = if line.starts_with("  created ") { objects + 1 } else { 0 };
        match objects {
            objects if objects <= SHOWN => writeln!(text, "{line}").expect("a text grows"),
            objects if objects == SHOWN + 1 => text.push_str("  …\n"),
            _ => {}
        }
    }
    text
}

/// Lines without what differs from run to run: numbers and the space around them, and what had to be awaited.
fn stable(text: &str) -> BTreeSet<String> {
    let words = |line: &str| {
        line.split_whitespace().filter(|word| !word.contains(|c: char| c.is_ascii_digit())).collect::<Vec<_>>().join(" ")
    };
    text.lines().filter(|line| !line.starts_with("  waiting") && !line.starts_with("  …")).map(words).collect()
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
    let app = || with_tools(istio(cluster.in_app("my-kubeflow")));
    let shell = app().above();
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

    // What a real cluster has and simulated nodes have not: an address for the gateway, and a Dex that tells its keys.
    let address = r#"{"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}]}}}"#;
    let gateway = ["-n", "istio-system", "patch", "service", "istio-ingressgateway", "--subresource=status", "--type=merge"];
    cluster.kubectl(&[&gateway[..], &["-p", address]].concat()).success();
    app().kfctl(&["param", "set", "auth", "jwks", r#"{"keys":[{"kty":"oct"}]}"#]).success();
    app().kfctl(&["apply", "k8s", "-c", "auth"]).success();

    let day_two = types(&app(), "## Day two", "y\ny\n");
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
    assert_eq!(left, "namespace/istio-system\nnamespace/kubeflow-system\n", "{day_two}");

    let readme = include_str!("../../README.md");
    let [start, end] = CAPTURE.map(|mark| readme.find(mark).expect("README has the marks of the capture"));
    let start = start + CAPTURE[0].len();
    if std::env::var_os("KFCTL_UPDATE").is_some() {
        let fresh = format!("{}\n```\n{}```\n\n{}", &readme[..start], shortened(&shown), &readme[end..]);
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"), fresh).expect("written");
        return;
    }
    let capture = readme[start..end].replace("```\n", "");
    let lost: Vec<String> = stable(&capture).difference(&stable(&shown)).cloned().collect();
    assert!(lost.is_empty(), "README's capture shows what no longer comes: {lost:#?}\n{shown}");
}
