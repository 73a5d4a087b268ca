//! The image of the binary under test.

use insta::assert_snapshot;

use crate::harness::Sandbox;

#[test]
fn the_same_binary_gives_the_same_archive() {
    let sandbox = Sandbox::new();
    let archive = |name: &str, arguments: &[&str]| {
        sandbox.ok(&[&["image", "build", "-o", name][..], arguments].concat());
        std::fs::read(sandbox.path(name)).unwrap()
    };
    let first = archive("first.tar", &[]);
    assert!(first == archive("second.tar", &[]), "built twice, the archive differs");
    assert!(first != archive("named.tar", &["--name", "example.com/kfctl:1"]), "the name makes no difference");
    let dated = sandbox.env("SOURCE_DATE_EPOCH", "1767225600");
    dated.ok(&["image", "build", "-o", "dated.tar"]);
    assert!(first != std::fs::read(dated.path("dated.tar")).unwrap(), "the date makes no difference");
}

/// What runs in the container, and as whom.
#[test]
fn an_archive_says_what_it_holds() {
    let sandbox = Sandbox::new();
    let said = sandbox.ok(&["image", "build", "-o", "kfctl.tar", "--format", "json"]);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["image"], "ghcr.io/kubeflow/kfctl:0.1.0");
    let bytes = std::fs::read(sandbox.path("kfctl.tar")).unwrap();
    assert_eq!(said["size"], bytes.len());
    let mut archive = tar::Archive::new(&bytes[..]);
    let config = archive.entries().unwrap().map(Result::unwrap).find_map(|entry| {
        let value: serde_json::Value = serde_json::from_reader(entry).ok()?;
        value.get("rootfs").is_some().then_some(value)
    });
    let config = config.expect("a configuration")["config"].take();
    let label = |name: &str| config["Labels"][format!("org.opencontainers.image.{name}")].clone();
    assert_eq!(config["Entrypoint"], serde_json::json!(["/usr/local/bin/kfctl"]));
    assert_eq!(config["User"], "65532:65532");
    assert_eq!((label("title"), label("version")), ("kfctl".into(), env!("CARGO_PKG_VERSION").into()));
    assert_eq!((label("licenses"), label("source")), ("Apache-2.0".into(), env!("CARGO_PKG_REPOSITORY").into()));
    assert!(label("description").as_str().is_some_and(|text| text.starts_with("One binary")));
}

/// In an app, the image has the name that the app's controller runs from.
#[test]
fn an_app_names_its_image() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["init", "shop"]);
    let inside = |arguments: &[&str]| {
        let output = sandbox.command("shop", arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    inside(&["param", "set", "profiles", "image", "registry.example.com/team/kfctl:7"]);
    inside(&["component", "disable", "istio"]);
    inside(&["generate", "k8s"]);
    let deployment = "shop/rendered/profiles/deployment-kubeflow-system-kfctl-controller.yaml";
    let deployment = std::fs::read_to_string(sandbox.path(deployment)).unwrap();
    assert!(deployment.contains("image: registry.example.com/team/kfctl:7\n"), "{deployment}");
    assert_eq!(
        inside(&["image", "build"]),
        "✓ image registry.example.com/team/kfctl:7 written to kfctl.tar\n\n\
         Next:\n  kfctl image load kind                bring it to a cluster of this machine; or minikube, or containerd\n  \
         kfctl image push REGISTRY/NAME:TAG   bring it to a registry\n"
    );
}

#[test]
fn what_can_not_be_is_said_in_plain_words() {
    assert_snapshot!(Sandbox::new().kfctl(&["image", "load", "kind", "-q"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: kind is not installed
    hint: get it from https://kind.sigs.k8s.io; or write the archive with `kfctl image build` and load it where the nodes are
    ");
    assert_snapshot!(Sandbox::new().kfctl(&["image", "push", "Registry.example.com/Team/kfctl:1"]), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: "Registry.example.com/Team/kfctl:1" does not name an image: invalid reference format; expected REGISTRY/NAME:TAG, such as registry.example.com/team/kfctl:0.1.0
    "#);
    assert_snapshot!(Sandbox::new().env("SOURCE_DATE_EPOCH", "today").kfctl(&["image", "build"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: SOURCE_DATE_EPOCH=today is no time; expected whole seconds since 1970, such as 1767225600
    ");
    assert_snapshot!(Sandbox::new().kfctl(&["image", "build", "-o", "no/such/folder.tar"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: cannot write no/such/folder.tar: No such file or directory (os error 2)
    ");
}

/// The tools get their own words; what they say against it is passed on.
#[test]
fn tools_are_called_as_they_want_to_be() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["init", "shop", "--platform", "kind"]);
    for tool in ["kind", "minikube", "ctr"] {
        // The name of the temporary archive is nobody's business.
        sandbox.program(tool, r#"for word in "$@"; do case $word in /*.tar) [ -s "$word" ] && echo ARCHIVE;; *) echo "$word";; esac; done >>"$HOME/called""#);
    }
    let called = |directory: &str, arguments: &[&str]| {
        let file = sandbox.path("../home/called");
        let _ = std::fs::remove_file(&file);
        let output = sandbox.command(directory, &[&["image", "load"][..], arguments].concat()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read_to_string(file).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(called("", &["kind"]), "load image-archive ARCHIVE");
    assert_eq!(called("shop", &["kind"]), "load image-archive ARCHIVE --name shop");
    assert_eq!(called("shop", &["minikube"]), "image load ARCHIVE");
    assert_eq!(called("", &["minikube", "--cluster", "p"]), "image load ARCHIVE --profile p");
    assert_eq!(called("", &["containerd", "--address", "/s"]), "--address /s --namespace k8s.io images import ARCHIVE");
    sandbox.program("kind", "echo 'ERROR: no nodes found for cluster \"kind\"' >&2; exit 1");
    assert_snapshot!(sandbox.kfctl(&["image", "load", "kind", "-q"]), @r#"
    exit: 1
    --- stdout
    --- stderr
    error: kind did not take the image
      ERROR: no nodes found for cluster "kind"
    "#);
}
