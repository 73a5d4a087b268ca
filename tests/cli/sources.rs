//! Manifests of other projects' releases: from a mirror, the cache or the network, and never other than pinned.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use insta::assert_snapshot;

use crate::harness::Sandbox;

const RELEASE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: theirs, namespace: kubeflow}\ndata: {a: b}\n";
const RELEASE_SHA256: &str = "04eec36f84c6e75d9ed97955a87ce22d050290125b2fa01031d3d5fbe91258e2";

/// Serves one text at every path, and counts how often it was asked.
fn serve(body: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/release.yaml", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let (mut request, mut buffer) = (Vec::new(), [0; 1024]);
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                let read = stream.read(&mut buffer).unwrap();
                request.extend_from_slice(&buffer[..read]);
            }
            count.fetch_add(1, Ordering::SeqCst);
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        }
    });
    (url, asked)
}

fn sandbox(url: &str, sha256: &str) -> Sandbox {
    let sandbox = Sandbox::with_app("");
    let component = format!(
        "description: A web server\nparams:\n  install: {{type: enum, values: [always, never], default: always, description: Whether}}\n\
         sources:\n- {{url: '{url}', sha256: {sha256}, when: params.install != 'never'}}\n"
    );
    sandbox.write("../catalog/templates/web/component.yaml", component);
    sandbox.write("../catalog/templates/web/web.yaml.j2", "");
    sandbox.write(
        "../catalog/templates/web/patches/ours.yaml.j2",
        "{% if params.install != 'never' %}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: theirs, namespace: {{ namespace }}}\ndata: {ours: {{ app }}}\n{% endif %}\n",
    );
    sandbox
}

#[test]
fn are_fetched_once_verified_and_patched() {
    let (url, asked) = serve(RELEASE);
    let sandbox = sandbox(&url, RELEASE_SHA256);
    sandbox.ok(&["generate", "k8s"]);
    assert_eq!(
        sandbox.read("rendered/web/configmap-kubeflow-theirs.yaml"),
        "apiVersion: v1\ndata:\n  a: b\n  ours: shop\nkind: ConfigMap\nmetadata:\n  name: theirs\n  namespace: kubeflow\n"
    );
    sandbox.ok(&["generate", "k8s"]);
    assert_eq!(asked.load(Ordering::SeqCst), 1, "the cache was not used");
    assert!(sandbox.ok(&["sources", "list"]).contains("home/.cache/kfctl/sources"));
    // A file of the cache that was torn is no longer what it is named for.
    sandbox.write(&format!("../home/.cache/kfctl/sources/{RELEASE_SHA256}"), "apiVersion");
    sandbox.ok(&["generate", "k8s"]);
    assert_eq!(asked.load(Ordering::SeqCst), 2, "half a file was used");
    // Where the parameters don't ask for it, nobody fetches it.
    std::fs::remove_dir_all(sandbox.path("../home/.cache")).unwrap();
    sandbox.ok(&["param", "set", "web", "install", "never"]);
    sandbox.ok(&["generate", "k8s"]);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert!(!sandbox.path("rendered/web/configmap-kubeflow-theirs.yaml").exists());
}

#[test]
fn come_from_a_mirror_without_a_network() {
    let (url, asked) = serve(RELEASE);
    let sandbox = sandbox(&url, RELEASE_SHA256);
    let said = sandbox.ok(&["sources", "fetch", "mirror"]);
    assert!(said.contains("1 files are in mirror") && said.contains("kfctl generate k8s --sources mirror"), "{said}");
    assert_eq!(sandbox.read(&format!("mirror/{RELEASE_SHA256}")), RELEASE);
    std::fs::remove_dir_all(sandbox.path("../home/.cache")).unwrap();
    sandbox.ok(&["generate", "k8s", "--sources", "mirror"]);
    sandbox.ok(&["generate", "k8s"]);
    let sandbox = sandbox.env("KFCTL_SOURCES", "[DIR]/apps/mirror");
    sandbox.ok(&["generate", "k8s"]);
    assert_eq!(asked.load(Ordering::SeqCst), 1, "the network was used beside the mirror");
    sandbox.write(&format!("mirror/{RELEASE_SHA256}"), "another");
    let said = sandbox.kfctl(&["generate", "k8s"]);
    assert!(said.starts_with("exit: 1") && said.contains("is not the file that its name says"), "{said}");
}

#[test]
fn are_refused_where_they_are_not_what_is_pinned() {
    let (url, _) = serve("apiVersion: v1\nkind: Secret\nmetadata: {name: evil}\n");
    let sandbox = sandbox(&url, RELEASE_SHA256);
    let said = sandbox.kfctl(&["generate", "k8s"]);
    assert!(said.starts_with("exit: 1") && said.contains("another file") && said.contains(&url), "{said}");
    assert!(!sandbox.path("rendered").exists() && !sandbox.path("../home/.cache/kfctl/sources").exists());
}

/// What an admin meets first on a machine without a network: no proxy answers there.
#[test]
fn without_a_network_the_way_on_is_told() {
    let sandbox = Sandbox::new().env("HTTPS_PROXY", "http://127.0.0.1:1");
    sandbox.ok(&["init", "shop"]);
    assert_snapshot!(sandbox.kfctl_in("shop", &["generate", "k8s"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: manifests of other projects' releases are missing
      https://raw.githubusercontent.com/kubeflow/manifests/009c88084074904c7743384ff50d3bd70012ef55/common/istio/istio-install/base/install.yaml
        sha256 [SHA256]
        cannot download it: io: Connection refused (os error 111)
      https://raw.githubusercontent.com/kubeflow/manifests/009c88084074904c7743384ff50d3bd70012ef55/common/istio/istio-crds/base/crd.yaml
        sha256 [SHA256]
        cannot download it: io: Connection refused (os error 111)
    hint: without a network: fill a directory elsewhere by `kfctl sources fetch DIRECTORY`, bring it here, and name it with --sources or KFCTL_SOURCES
    hint: where istio is there already, or not wanted: `kfctl component disable istio`
    ");
    assert_eq!(sandbox.kfctl_in("shop", &["apply", "k8s"]), sandbox.kfctl_in("shop", &["generate", "k8s"]));
    assert_snapshot!(sandbox.kfctl_in("shop", &["component", "disable", "istio"]), @"
    exit: 0
    --- stdout
    ✓ component istio does not run

    Next:
      kfctl apply k8s   bring the cluster to it; what is there already stays
    --- stderr
    warning: auth depends on istio
    ");
    assert!(sandbox.kfctl_in("shop", &["generate", "k8s"]).starts_with("exit: 0"));
    // A mirror that was filled for something else.
    std::fs::create_dir(sandbox.path("mirror")).unwrap();
    let sandbox = sandbox.env("KFCTL_SOURCES", "[DIR]/apps/mirror");
    sandbox.kfctl_in("shop", &["component", "enable", "istio"]);
    let said = sandbox.kfctl_in("shop", &["generate", "k8s"]);
    assert!(said.starts_with("exit: 1") && said.contains("hint: [DIR]/apps/mirror does not hold them: fill"), "{said}");
    // What is no good is no reason to go on without.
    sandbox.write("mirror/84d5a174e99074f88aec0eb577f59690bc4ad28b7bddaee064642cca775e434a", "another");
    sandbox.write("mirror/5647c934957842082ecfa4e7536a1879d9f33f12430e0dc397a41b450b6c40ef", "another");
    let said = sandbox.kfctl_in("shop", &["generate", "k8s"]);
    assert!(said.contains("is not the file that its name says") && !said.contains("component disable"), "{said}");
}

#[test]
fn that_are_missing_are_all_named() {
    let sandbox = sandbox("http://127.0.0.1:1/one.yaml", RELEASE_SHA256);
    let component = sandbox.read("../catalog/templates/web/component.yaml");
    sandbox.write(
        "../catalog/templates/web/component.yaml",
        format!("{component}- {{url: 'http://127.0.0.1:1/two.yaml', sha256: {}}}\n", RELEASE_SHA256.replace('8', "9")),
    );
    let said = sandbox.kfctl(&["generate", "k8s"]);
    for words in [
        "exit: 1",
        "127.0.0.1:1/one.yaml",
        "127.0.0.1:1/two.yaml",
        "kfctl sources fetch DIRECTORY",
        "kfctl component disable web",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!sandbox.path("rendered").exists());
}
