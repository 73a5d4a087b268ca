//! Input that is wrong, hostile or odd: file, line, field and what was expected are named, and nothing is changed.
//! What stands in app.yaml and on the command line has files of its own.

use std::fmt::Write;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use insta::assert_snapshot;

use crate::harness::Sandbox;

const MANIFEST: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n  namespace: kubeflow\n";

/// `generate` with this manifest as a component of one's own. Nothing is rendered.
fn refused(manifest: impl AsRef<[u8]>) -> String {
    let sandbox = Sandbox::with_app("");
    sandbox.write("components/mine/a.yaml", manifest);
    let started = Instant::now();
    let said = sandbox.kfctl(&["generate"]);
    // What is multiplied out takes hours, and a busy machine a minute.
    assert!(started.elapsed() < Duration::from_mins(3), "it takes too long");
    assert!(said.starts_with("exit: 1"), "{said}");
    assert_eq!(sandbox.files(), ["app.yaml", "components/mine/a.yaml"], "{said}");
    said
}

fn bomb() -> String {
    let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{}", level - 1);
        let _ = writeln!(text, "a{level}: &a{level} [{}]", vec![before; 9].join(","));
    }
    text
}

#[test]
fn manifests() {
    assert_snapshot!(refused(format!("{MANIFEST}data:\n  a: b\n  a: c\n")), @"
    exit: 1
    --- stdout
    --- stderr
    error: components/mine/a.yaml:8:3: duplicate mapping key: a
    ");
    assert_snapshot!(refused(format!("{MANIFEST}data:\n\ta: b\n")), @"
    exit: 1
    --- stdout
    --- stderr
    error: components/mine/a.yaml:7:2: tabs disallowed within this context (block indentation)
    ");
    assert_snapshot!(refused(b"apiVersion: v1\nkind: \xfe\n"), @"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/apps/components/mine/a.yaml:2:7: not UTF-8 text; expected YAML in UTF-8
    ");
    assert_snapshot!(refused(format!("{MANIFEST}data: {{a: \"b}}\n")), @"
    exit: 1
    --- stdout
    --- stderr
    error: components/mine/a.yaml:6:11: unclosed quote
    ");
    assert_snapshot!(refused(format!("{MANIFEST}data: *nothing\n")), @"
    exit: 1
    --- stdout
    --- stderr
    error: components/mine/a.yaml:6:7: alias references unknown anchor
    ");
    assert_snapshot!(refused(MANIFEST.replace("name: web", "name: ../../web")), @r#"
    exit: 1
    --- stdout
    --- stderr
    error: components/mine/a.yaml:1:1: metadata.name: "../../web" can't be a name in Kubernetes; expected no '/' or '%', and neither '.' nor '..'
    "#);
    assert_snapshot!(refused("- a\n- b\n"), @"
    exit: 1
    --- stdout
    --- stderr
    error: components/mine/a.yaml:1:1: apiVersion: missing; expected a Kubernetes object with apiVersion, kind and metadata.name
    ");
    assert_snapshot!(refused("just text\n"), @"
    exit: 1
    --- stdout
    --- stderr
    error: components/mine/a.yaml:1:1: apiVersion: missing; expected a Kubernetes object with apiVersion, kind and metadata.name
    ");
    assert_snapshot!(refused("apiVersion: v1\nkind: [ConfigMap]\nmetadata: {name: a}\n"), @"
    exit: 1
    --- stdout
    --- stderr
    error: components/mine/a.yaml:1:1: kind: no name; expected a Kubernetes object with apiVersion, kind and metadata.name
    ");
    assert_snapshot!(refused("apiVersion: v1\nkind: List\nitems:\n- kind: ConfigMap\n"), @"
    exit: 1
    --- stdout
    --- stderr
    error: components/mine/a.yaml:1:1: apiVersion: missing in ConfigMap; expected a Kubernetes object with apiVersion, kind and metadata.name
    ");
}

#[test]
fn lists_and_names_to_be_made_up() {
    assert_snapshot!(refused("apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: once-}\n"), @"
    exit: 1
    --- stdout
    --- stderr
    error: components/mine/a.yaml:1:1: metadata.name: missing in Job; expected a Kubernetes object with apiVersion, kind and metadata.name
    hint: give it a name of its own: with metadata.generateName every apply would make another one
    ");
    // As `kubectl get -o yaml` and the API itself write lists.
    let sandbox = Sandbox::with_app("");
    let item = |name: &str| format!("- apiVersion: v1\n  kind: ConfigMap\n  metadata: {{name: {name}, namespace: kubeflow}}\n");
    sandbox.write("components/mine/a.yaml", format!("apiVersion: v1\nkind: List\nitems:\n{}{}", item("a"), item("b")));
    sandbox.write("components/mine/b.yaml", format!("apiVersion: v1\nkind: ConfigMapList\nitems:\n{}", item("c")));
    sandbox.write("components/mine/c.yaml", "apiVersion: v1\nkind: List\nitems: []\n");
    sandbox.ok(&["generate"]);
    let rendered = sandbox.files();
    for name in ["a", "b", "c"] {
        assert!(rendered.contains(&format!("rendered/mine/configmap-kubeflow-{name}.yaml")), "{rendered:?}");
    }
    sandbox.write("components/mine/c.yaml", format!("apiVersion: v1\nkind: List\nitems:\n{}", item("a")));
    let said = sandbox.kfctl(&["generate"]);
    assert!(said.starts_with("exit: 1") && said.contains("ConfigMap kubeflow/a"), "{said}");
}

#[test]
fn bombs() {
    assert_snapshot!(refused(bomb()), @"
    exit: 1
    --- stdout
    --- stderr
    error: components/mine/a.yaml:7:10: too much for one file; expected a smaller file, whose aliases don't multiply it
    ");
    assert_snapshot!(refused(format!("{MANIFEST}data: {}{}\n", "[".repeat(100_000), "]".repeat(100_000))), @"
    exit: 1
    --- stdout
    --- stderr
    error: components/mine/a.yaml:6:262: nested too deep
    ");
    let sandbox = Sandbox::with_app(&bomb());
    assert_snapshot!(sandbox.kfctl(&["generate"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/apps/app.yaml:11:10: too much for one file; expected a smaller file, whose aliases don't multiply it
    ");
    assert_eq!(sandbox.files(), ["app.yaml"]);
}

#[test]
fn a_line_of_a_megabyte() {
    let sandbox = Sandbox::with_app("");
    let long = "x".repeat(1 << 20);
    sandbox.write("components/mine/a.yaml", format!("{}data:\n  a: {long}\n", MANIFEST.replace("web", "mine")));
    sandbox.ok(&["generate"]);
    assert!(sandbox.read("rendered/mine/configmap-kubeflow-mine.yaml").contains(&long));
    // Where it is wrong, it is not repeated.
    for text in [format!("{MANIFEST}data: {long}: x: y\n"), format!("{long}\n"), format!("{MANIFEST}{long}: [\n")] {
        let said = refused(&text);
        assert!(said.len() < 1000, "{} bytes are said of it", said.len());
    }
    let sandbox = Sandbox::with_app(&format!("params: {{web: {{memory: {long}}}}}\n"));
    let said = sandbox.kfctl(&["generate"]);
    assert!(said.starts_with("exit: 1") && said.len() < 1000, "{} bytes are said of it", said.len());
    let sandbox = Sandbox::with_app(&format!("{long}: 1\n"));
    let said = sandbox.kfctl(&["generate"]);
    assert!(said.starts_with("exit: 1") && said.len() < 1000, "{} bytes are said of it", said.len());
}

/// Empty files and empty documents are no objects and no error.
#[test]
fn empty_files() {
    let sandbox = Sandbox::with_app("");
    sandbox.write("components/mine/a.yaml", "");
    sandbox.write("components/mine/b.yaml", "# nothing\n---\n---\n");
    sandbox.write("components/mine/c.yaml", MANIFEST.replace("web", "mine"));
    sandbox.ok(&["generate"]);
    assert_eq!(sandbox.files().iter().filter(|file| file.starts_with("rendered/mine/")).count(), 2);
}

#[test]
fn overlays() {
    let sandbox = Sandbox::with_app("");
    sandbox.write("overlays/web/a.yaml", format!("{MANIFEST}data: {{a: 1, a: 2}}\n"));
    assert_snapshot!(sandbox.kfctl(&["generate"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: overlays/web/a.yaml:6:14: duplicate mapping key: a
    ");
    sandbox.write("overlays/web/a.yaml", "kind: ConfigMap\nmetadata: {name: web}\n");
    assert_snapshot!(sandbox.kfctl(&["generate"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: overlays/web/a.yaml: apiVersion: missing in ConfigMap web; expected a Kubernetes object with apiVersion, kind and metadata.name
    ");
    assert!(!sandbox.path("rendered").exists());
}

#[test]
fn folders_with_names_that_can_not_be() {
    for (folder, expected) in [("My Own", "lower-case letters"), ("platform", "rendered/platform/"), ("-x", "lower-case letters")]
    {
        let sandbox = Sandbox::with_app("");
        sandbox.write(&format!("components/{folder}/a.yaml"), MANIFEST);
        let said = sandbox.kfctl(&["generate"]);
        assert!(
            said.starts_with("exit: 1") && said.contains(&format!("components/{folder}")) && said.contains(expected),
            "{said}"
        );
        assert!(!sandbox.path("rendered").exists());
    }
}

#[test]
fn names_that_lead_elsewhere() {
    let sandbox = Sandbox::with_app("");
    sandbox.write("../elsewhere/a.yaml", MANIFEST);
    for words in [
        ["component", "show", "../elsewhere"].as_slice(),
        &["component", "enable", "../elsewhere"],
        &["component", "disable", "../elsewhere"],
        &["component", "remove", "../../elsewhere", "--yes"],
        &["param", "set", "../elsewhere", "a", "b"],
        &["apply", "-c", "../elsewhere"],
        &["init", "new", "--name", "../elsewhere"],
        &["init", "new", "--namespace", "../elsewhere"],
        &["init", "new", "--platform", "../elsewhere"],
    ] {
        let said = sandbox.kfctl(words);
        assert!(said.starts_with("exit: 2"), "{words:?}: {said}");
    }
    assert!(sandbox.path("../elsewhere/a.yaml").exists());
    assert_eq!(sandbox.files(), ["app.yaml"]);
    for field in
        ["name: ../x", "platform: ../x", "namespace: ../x", "components: {../x: {enabled: true}}", "params: {../x: {a: b}}"]
    {
        let name = if field.starts_with("name:") { "" } else { "name: shop\n" };
        let platform = if field.starts_with("platform:") { "" } else { "platform: none\n" };
        sandbox.write("app.yaml", format!("apiVersion: kfctl.kubeflow.org/v1alpha1\nkind: App\n{name}{platform}{field}\n"));
        let said = sandbox.kfctl(&["generate"]);
        assert!(said.starts_with("exit: 1") && said.contains("app.yaml:") && said.contains("../x"), "{field}: {said}");
    }
    assert_eq!(sandbox.files(), ["app.yaml"]);
}

#[test]
fn links_out_of_the_app() {
    let sandbox = Sandbox::with_app("");
    sandbox.write("../elsewhere/mine/a.yaml", MANIFEST);
    let elsewhere = || std::fs::read_dir(sandbox.path("../elsewhere")).unwrap().count();
    symlink("../elsewhere", sandbox.path("rendered")).unwrap();
    assert_snapshot!(sandbox.kfctl(&["generate"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: rendered: leads out of the app directory; expected a folder of the app itself
    ");
    assert_eq!(elsewhere(), 1);
    std::fs::remove_file(sandbox.path("rendered")).unwrap();
    symlink("../elsewhere", sandbox.path("components")).unwrap();
    assert_snapshot!(sandbox.kfctl(&["generate"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: components: leads out of the app directory; expected a folder of the app itself
    ");
    assert_snapshot!(sandbox.kfctl(&["component", "remove", "mine", "--yes"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: components: leads out of the app directory; expected a folder of the app itself
    ");
    assert_eq!(elsewhere(), 1);
    assert!(sandbox.path("../elsewhere/mine/a.yaml").exists(), "a folder of somebody else was deleted");
    assert_snapshot!(sandbox.kfctl(&["component", "add", "new", "--from", "../elsewhere/mine/a.yaml"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: components: leads out of the app directory; expected a folder of the app itself
    ");
    assert_eq!(elsewhere(), 1);
}

#[test]
fn links_in_a_circle() {
    let sandbox = Sandbox::with_app("");
    sandbox.write("components/mine/a.yaml", MANIFEST);
    for name in ["one", "two"] {
        symlink(".", sandbox.path(format!("components/mine/{name}"))).unwrap();
    }
    assert_snapshot!(sandbox.kfctl(&["generate"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: components/mine/one: a link to a folder could lead in a circle; expected a folder
    ");
    sandbox.write("in/a.yaml", MANIFEST.replace("name: web", "name: own"));
    symlink(".", sandbox.path("in/again")).unwrap();
    std::fs::remove_dir_all(sandbox.path("components")).unwrap();
    sandbox.ok(&["component", "add", "mine", "--from", "in"]);
    assert_eq!(sandbox.files().iter().filter(|file| file.starts_with("components/")).count(), 1);
}

#[test]
fn an_app_yaml_that_is_a_link() {
    let sandbox = Sandbox::with_app("");
    std::fs::rename(sandbox.path("app.yaml"), sandbox.path("kept.yaml")).unwrap();
    symlink("kept.yaml", sandbox.path("app.yaml")).unwrap();
    assert_snapshot!(sandbox.kfctl(&["param", "set", "web", "replicas", "3"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/apps/app.yaml: is a link, and an edit would put a file in its place
    hint: edit the file that it leads to, or put that file here
    ");
    assert!(sandbox.path("app.yaml").is_symlink());
}

/// What a template renders to is wrong: the line is of that text, so the text stands beside it.
#[test]
fn a_template_that_renders_to_no_yaml() {
    let sandbox = Sandbox::with_app("");
    sandbox.write(
        "../catalog/templates/web/web.yaml.j2",
        "{% for name in [\"a\", \"b\"] %}\nkind: x\n{% endfor %}\nmetadata:\n  name: {{ app }}: {{ namespace }}\n",
    );
    assert_snapshot!(sandbox.kfctl(&["generate"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/catalog/templates/web/web.yaml.j2:2:1: duplicate mapping key: kind
      line 2 of what the template renders to: kind: x
    ");
    sandbox.write("../catalog/templates/web/web.yaml.j2", "metadata:\n  name: {{ app }}: {{ namespace }}\n");
    assert_snapshot!(sandbox.kfctl(&["generate"]), @r#"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/catalog/templates/web/web.yaml.j2:2:15: mapping values are not allowed in this context
      line 2 of what the template renders to: name: "shop": "kubeflow"
    "#);
}

#[test]
fn a_component_yaml_that_is_wrong() {
    let sandbox = Sandbox::with_app("");
    let said = |text: &str| {
        sandbox.write("../catalog/templates/web/component.yaml", text);
        sandbox.kfctl(&["generate"])
    };
    assert_snapshot!(said("dependsOn: [base]\n"), @"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/catalog/templates/web/component.yaml:1:1: description: missing
    ");
    assert_snapshot!(said("description: x\ndependson: [base]\n"), @"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/catalog/templates/web/component.yaml:2:1: dependson: there is no such field
    hint: did you mean `dependsOn`?
    hint: known: description, dependsOn, params, refused, yields, sources, standsAside, entries
    ");
    assert_snapshot!(said("description: x\nparams:\n  size: {type: quantum, default: 1, description: y}\n"), @r#"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/catalog/templates/web/component.yaml:3:16: "quantum" is not known here
    hint: did you mean `quantity`?
    hint: known: quantity, int, bool, enum, string, email, image, duration, host
    "#);
    assert_snapshot!(said("description: x\nparams:\n  size: {type: quantity, default: lots, description: y}\n"), @r#"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/catalog/templates/web/component.yaml:3:35: params.size.default: "lots" is no quantity; expected a quantity of Kubernetes, not negative: 100, 500m, 64Gi, 1T
    "#);
    assert_snapshot!(said("description: x\nparams: [size]\n"), @"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/catalog/templates/web/component.yaml:2:9: no fields here; expected a map of fields
    ");
    assert_snapshot!(said("description: x\ndependsOn: base\n"), @"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/catalog/templates/web/component.yaml:2:12: no list here; expected a list
    ");
}

/// Words that YAML would read as something else.
#[test]
fn an_app_with_an_odd_name() {
    for name in ["null", "true", "123", "1e3", "on", "y"] {
        let sandbox = Sandbox::with_catalog();
        sandbox.ok(&["init", name]);
        let said = sandbox.kfctl_in(name, &["generate"]);
        assert!(said.starts_with("exit: 0"), "{name}: {said}");
        assert!(sandbox.read(&format!("{name}/rendered/web/configmap-kubeflow-web.yaml")).contains(name), "{name}");
    }
}

/// What is to be imported is read before any cluster is asked.
#[test]
fn lists_of_profiles() {
    let sandbox = Sandbox::new();
    sandbox.write("own.yaml", "apiVersion: kubeflow.org/v1alpha1\nkind: Profile\nmetadata: {name: jane, uid: a}\n");
    let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: kubeflow.org/v1\n  kind: Profile\n  metadata: {name: jane, uid: a}\n  spec:\n    owner: {kind: User}\n";
    sandbox.write("list.yaml", list);
    assert_snapshot!(sandbox.kfctl(&["profile", "import", "own.yaml"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: own.yaml:2:7: kind: kubeflow.org/v1alpha1 Profile is none of today's profiles; expected a list of today's profiles, as `kubectl get profiles -o yaml` prints it
      in Profile.kubeflow.org jane
    ");
    assert_snapshot!(sandbox.kfctl(&["profile", "import", "list.yaml"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: list.yaml:8:12: spec.owner: missing field `name`; expected kind (User, Group or ServiceAccount) and name
      in Profile.kubeflow.org jane
    ");
    assert_snapshot!(sandbox.kfctl(&["profile", "import", "list.yaml", "--confirm-definition", "profiles"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: --confirm-definition says "profiles", and the definition is "profiles.kubeflow.org"
    "#);
}
