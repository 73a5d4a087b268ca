//! `kfctl component add` and `remove`.

use std::io::{Read, Write};

use insta::assert_snapshot;

use crate::harness::Sandbox;

const MANIFEST: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: b}\n";
const SHA256: &str = "0361d9724f23572ad94d66fcc7593e5e4e8b1f920144d4a7bb8f209459f78fb1";

fn add(sandbox: &Sandbox, from: &str, more: &[&str]) -> String {
    let words: Vec<&str> = ["component", "add", "mine", "--from", from].iter().chain(more).copied().collect();
    sandbox.kfctl(&words)
}

/// Where nothing may have been added.
fn refused(sandbox: &Sandbox, from: &str, more: &[&str]) -> String {
    let before = sandbox.read("app.yaml");
    let said = add(sandbox, from, more);
    assert_eq!(sandbox.read("app.yaml"), before);
    assert!(!sandbox.path("components").exists());
    said
}

fn with_manifest() -> Sandbox {
    let sandbox = Sandbox::with_app("");
    sandbox.write("in/m.yaml", MANIFEST);
    sandbox
}

#[test]
fn adds_a_file() {
    let sandbox = with_manifest();
    assert_snapshot!(add(&sandbox, "in/m.yaml", &[]), @"
    exit: 0
    --- stdout
    ✓ component mine: 2 objects in components/mine/

    Next:
      kfctl generate k8s        render it, to look at
      kfctl apply k8s -c mine   bring it to the cluster
    --- stderr
    ");
    assert_eq!(sandbox.read("components/mine/m.yaml"), MANIFEST);
    assert_snapshot!(sandbox.kfctl(&["component", "show", "mine"]), @"
    exit: 0
    --- stdout
    mine: your own manifests
    runs: yes
    from: in/m.yaml
    objects: 2
      ConfigMap a
      Secret b
    --- stderr
    ");
    assert_snapshot!(add(&sandbox, "in/m.yaml", &[]), @"
    exit: 2
    --- stdout
    --- stderr
    error: there is a component mine already
    hint: choose another name, or `kfctl component remove` the old one first
    ");
}

#[test]
fn adds_a_compressed_file_and_a_directory() {
    let sandbox = with_manifest();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(MANIFEST.as_bytes()).unwrap();
    sandbox.write("m.yaml.gz", packed.finish().unwrap());
    sandbox.write("in/below/n.yml", MANIFEST.replace("name: ", "name: c"));
    sandbox.write("in/README", "no manifest");
    assert_snapshot!(add(&sandbox, "m.yaml.gz", &[]), @"
    exit: 0
    --- stdout
    ✓ component mine: 2 objects in components/mine/

    Next:
      kfctl generate k8s        render it, to look at
      kfctl apply k8s -c mine   bring it to the cluster
    --- stderr
    ");
    assert_eq!(sandbox.read("components/mine/m.yaml"), MANIFEST);
    assert_snapshot!(sandbox.kfctl(&["component", "add", "dir", "--from", "in", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"component":"dir","from":"in","objects":4,"sha256":null}
    --- stderr
    "#);
    assert_eq!(sandbox.files().iter().filter(|file| file.starts_with("components/dir/")).count(), 2);
    sandbox.write("bad.gz", "not packed");
    assert_snapshot!(sandbox.kfctl(&["component", "add", "bad", "--from", "bad.gz"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: bad.gz: is no gzip file: invalid gzip header
    ");
}

#[test]
fn the_sha256_must_match() {
    let sandbox = with_manifest();
    assert_snapshot!(refused(&sandbox, "in/m.yaml", &["--sha256", &"0".repeat(64)]), @"
    exit: 1
    --- stdout
    --- stderr
    error: in/m.yaml: has sha256 [SHA256]; expected [SHA256]
    hint: it is not the file you mean, or it was changed; nothing was added
    ");
    assert_snapshot!(refused(&sandbox, "in", &["--sha256", SHA256]), @"
    exit: 2
    --- stdout
    --- stderr
    error: --sha256 is for a file or a URL, and this is a directory
    ");
    let said = add(&sandbox, "in/m.yaml", &["--sha256", &SHA256.to_uppercase()]);
    assert!(said.starts_with("exit: 0"), "{said}");
}

#[test]
fn adds_a_kustomization() {
    let sandbox = with_manifest();
    sandbox.write("in/kustomization.yaml", "resources: [m.yaml]\n");
    assert_snapshot!(refused(&sandbox, "in", &[]), @"
    exit: 1
    --- stdout
    --- stderr
    error: in is a kustomization, and neither kustomize nor kubectl is installed
    hint: install kubectl, or name the output of `kustomize build` with --from FILE
    ");
    sandbox.program("kubectl", "echo \"error: no such resource\" >&2; exit 1");
    assert_snapshot!(refused(&sandbox, "in", &[]), @"
    exit: 1
    --- stdout
    --- stderr
    error: in: kubectl refuses it: error: no such resource
    ");
    sandbox.program("kubectl", "echo 'apiVersion: v1'; echo 'kind: Namespace'; echo 'metadata: {name: own}'");
    assert_snapshot!(add(&sandbox, "in", &[]), @"
    exit: 0
    --- stdout
    ✓ component mine: 1 object in components/mine/

    Next:
      kfctl generate k8s        render it, to look at
      kfctl apply k8s -c mine   bring it to the cluster
    --- stderr
    ");
    assert_eq!(sandbox.files().iter().filter(|file| file.starts_with("components/")).count(), 1);
}

/// Answers one request.
fn serve(status: &'static str, body: &'static str) -> (u16, std::thread::JoinHandle<()>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut request, mut buffer) = (Vec::new(), [0; 1024]);
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            let read = stream.read(&mut buffer).unwrap();
            request.extend_from_slice(&buffer[..read]);
        }
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).unwrap();
    });
    (port, server)
}

#[test]
fn adds_what_a_url_serves() {
    let sandbox = Sandbox::with_app("");
    let (port, server) = serve("200 OK", MANIFEST);
    let said = add(&sandbox, &format!("http://127.0.0.1:{port}/v1/m.yaml?x=1"), &["--sha256", SHA256]);
    server.join().unwrap();
    assert_snapshot!(said.replace(&port.to_string(), "[PORT]"), @"
    exit: 0
    --- stdout
    ✓ component mine: 2 objects in components/mine/

    Next:
      kfctl generate k8s        render it, to look at
      kfctl apply k8s -c mine   bring it to the cluster
    --- stderr
    ");
    assert_eq!(sandbox.read("components/mine/m.yaml"), MANIFEST);
    assert_snapshot!(sandbox.read("app.yaml").replace(&port.to_string(), "[PORT]"), @"
    apiVersion: kfctl.kubeflow.org/v1alpha1
    kind: App
    name: shop
    platform: none
    components:
      mine:
        from: http://127.0.0.1:[PORT]/v1/m.yaml?x=1
        sha256: 0361d9724f23572ad94d66fcc7593e5e4e8b1f920144d4a7bb8f209459f78fb1
    ");
}

#[test]
fn a_url_that_serves_nothing() {
    let sandbox = Sandbox::with_app("");
    let (port, server) = serve("404 Not Found", "");
    let said = refused(&sandbox, &format!("http://127.0.0.1:{port}/m.yaml"), &[]);
    server.join().unwrap();
    assert_snapshot!(said.replace(&port.to_string(), "[PORT]"), @"
    exit: 1
    --- stdout
    --- stderr
    error: cannot download http://127.0.0.1:[PORT]/m.yaml: http status: 404
    ");
    assert_snapshot!(refused(&sandbox, "http://127.0.0.1:1/m.yaml", &[]), @"
    exit: 1
    --- stdout
    --- stderr
    error: cannot download http://127.0.0.1:1/m.yaml: io: Connection refused (os error 111)
    ");
}

#[test]
fn what_can_not_be_added() {
    let sandbox = Sandbox::with_app("");
    sandbox.write("bad.yaml", "a: 1\n b: 2\n");
    sandbox.write("empty.yaml", "# nothing\n---\n");
    sandbox.write("none.yaml", "just: data\n");
    sandbox.write("latin.yaml", b"a: \xe9\n");
    assert_snapshot!(refused(&sandbox, "nowhere.yaml", &[]), @"
    exit: 1
    --- stdout
    --- stderr
    error: cannot read nowhere.yaml: No such file or directory (os error 2)
    ");
    assert_snapshot!(refused(&sandbox, "bad.yaml", &[]), @"
    exit: 1
    --- stdout
    --- stderr
    error: bad.yaml:2:3: mapping values are not allowed in this context
    ");
    assert_snapshot!(refused(&sandbox, "empty.yaml", &[]), @"
    exit: 1
    --- stdout
    --- stderr
    error: empty.yaml: there is no Kubernetes object in it; expected manifests in YAML
    ");
    assert_snapshot!(refused(&sandbox, "none.yaml", &[]), @"
    exit: 1
    --- stdout
    --- stderr
    error: none.yaml:1:1: apiVersion: missing; expected a Kubernetes object with apiVersion, kind and metadata.name
    ");
    assert_snapshot!(refused(&sandbox, "latin.yaml", &[]), @"
    exit: 1
    --- stdout
    --- stderr
    error: latin.yaml:1:4: not UTF-8 text; expected YAML in UTF-8
    ");
}

#[test]
fn names_that_can_not_be_added() {
    let sandbox = with_manifest();
    for name in ["web", "platform", "My_Own", "../up"] {
        let said = sandbox.kfctl(&["component", "add", name, "--from", "in/m.yaml"]);
        assert!(said.starts_with("exit: 2"), "{name}: {said}");
        assert!(!sandbox.path("components").exists());
    }
    assert_snapshot!(sandbox.kfctl(&["component", "add", "web", "--from", "in/m.yaml"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: there is a component web already
    hint: choose another name, or `kfctl component remove` the old one first
    ");
    assert_snapshot!(sandbox.kfctl(&["component", "add", "../up", "--from", "in/m.yaml"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: "../up" can't be the name of a component; expected lower-case letters, digits and '-', such as my-operator
    "#);
    assert_snapshot!(sandbox.kfctl(&["component", "add", "platform", "--from", "in/m.yaml"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: a component can't be named platform: rendered/platform/ is the platform's own
    hint: choose another name, such as my-platform
    ");
}

#[test]
fn removes_only_with_a_yes() {
    let sandbox = with_manifest();
    add(&sandbox, "in/m.yaml", &[]);
    sandbox.ok(&["generate", "k8s"]);
    assert_snapshot!(sandbox.kfctl(&["component", "remove", "mine"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: this needs a yes, and there is no terminal to ask on
      Delete components/mine/ from the app?
    hint: say it with --yes
    ");
    assert!(sandbox.path("components/mine/m.yaml").exists());
    assert_snapshot!(sandbox.kfctl(&["component", "remove", "mine", "--yes"]), @"
    exit: 0
    --- stdout
    ✓ removed component mine from the app; the cluster is as it was

    Next:
      kfctl apply k8s   takes it out of the cluster too; asks first
    --- stderr
    ");
    assert!(!sandbox.path("components/mine").exists() && !sandbox.path("rendered/mine").exists());
    assert!(!sandbox.read("app.yaml").contains("mine"));
    assert_snapshot!(sandbox.kfctl(&["component", "remove", "web", "--yes"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: "web" is no component of your own
    hint: known: none
    hint: a built-in one can be disabled: `kfctl component disable NAME`
    "#);
}

#[test]
fn a_component_takes_its_overlays_along() {
    let sandbox = with_manifest();
    add(&sandbox, "in/m.yaml", &[]);
    sandbox.write("overlays/mine/o.yaml", "");
    let said = sandbox.kfctl(&["component", "remove", "mine"]);
    assert!(said.contains("Delete components/mine/ and overlays/mine/ from the app?"), "{said}");
    sandbox.ok(&["component", "remove", "mine", "--yes"]);
    assert!(!sandbox.path("overlays/mine").exists());
    sandbox.ok(&["generate", "k8s"]);
}
