//! Platform local: what runs on the machine, what it listens on, and that nothing ends it but who started it.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use kfctl::directories::cache_directory;

use crate::harness::{App, Cluster, answer, binaries, signal};

const TOOLS: [&str; 6] = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "kwok-stages"];

/// Addresses on which a process listens, as /proc/net prints them: 0100007F is 127.0.0.1.
fn listens(pid: i32) -> Vec<String> {
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs");
    let sockets: BTreeSet<String> = descriptors
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok()?.to_str()?.strip_prefix("socket:[").map(str::to_owned))
        .map(|socket| socket.trim_end_matches(']').to_owned())
        .collect();
    let table = |name: &str| std::fs::read_to_string(format!("/proc/net/{name}")).unwrap_or_default();
    let text = table("tcp") + &table("tcp6");
    let listening = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).filter(|fields| {
        const LISTEN: &str = "0A";
        fields.get(3) == Some(&LISTEN) && sockets.contains(fields[9])
    });
    listening.map(|fields| fields[1].to_owned()).collect()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

/// The files below a folder, whoever removes some of them meanwhile.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.flat_map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { vec![entry.path()] }).collect()
}

#[test]
fn api_local_control_plane_survives() {
    let cluster = Cluster::start();
    // etcd knows no users. Nobody else may reach it.
    assert!(listens(cluster.pid("etcd")).is_empty(), "{:?}", listens(cluster.pid("etcd")));
    assert!(!listens(cluster.pid("kube-apiserver")).is_empty(), "the look itself sees nothing");
    let directory = cluster.directory();
    assert_eq!(mode(&directory), 0o700);
    let secret = |path: &Path| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        ["PRIVATE KEY", "the-admin", "token:"].iter().any(|word| text.contains(word))
    };
    let secrets: Vec<_> = files(&directory).into_iter().filter(|path| secret(path)).collect();
    assert!(secrets.iter().any(|path| path.ends_with("kubeconfig")) && secrets.len() > 3, "{secrets:?}");
    for path in secrets {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    for process in ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"] {
        for address in listens(cluster.pid(process)) {
            assert!(address.starts_with("0100007F:"), "{process} listens on {address}");
        }
    }

    cluster.kubectl(&["create", "configmap", "kept", "--from-literal=a=b"]).success();
    cluster.kubectl(&["create", "deployment", "d", "--image=example.com/none", "--replicas=2"]).success();
    cluster.kubectl(&["wait", "--for=condition=Available", "deployment/d", "--timeout=60s"]).success();
    let kept = || cluster.kubectl(&["get", "configmap", "kept", "-o", "jsonpath={.data.a}"]).success();
    signal("KILL", cluster.pid("etcd"));
    cluster.until("etcd is named as dead", || cluster.app.kfctl(&["local", "status"]).stderr.contains("etcd died"));
    let again = cluster.app.kfctl(&["local", "start"]);
    assert!(again.stderr.contains("etcd had died"), "{}", again.all());
    assert_eq!(kept(), "b");

    // The terminal in which it was started is closed.
    cluster.app.kfctl(&["local", "stop"]).success();
    assert_ne!(cluster.app.kfctl(&["local", "status"]).code, 0);
    cluster.app.on_terminal(&["local", "start"], "").success();
    cluster.app.kfctl(&["local", "status"]).success();
    assert_eq!(kept(), "b");

    // Another program takes its port while it rests: what talked to the old port follows.
    cluster.app.kfctl(&["local", "stop"]).success();
    let port = cluster.port();
    let taken = TcpListener::bind(("127.0.0.1", port)).expect("the port is free now");
    let moved = cluster.app.kfctl(&["local", "start"]);
    assert!(moved.stderr.contains("taken a port of kube-apiserver"), "{}", moved.all());
    assert_ne!(cluster.port(), port);
    assert_eq!(kept(), "b");
    cluster.kubectl(&["scale", "deployment/d", "--replicas=3"]).success();
    cluster.kubectl(&["wait", "--for=jsonpath={.status.readyReplicas}=3", "deployment/d", "--timeout=60s"]).success();
    drop(taken);
}

/// The role of profiles runs with its own account's rights, and is started again when another binary takes its place.
#[test]
fn api_quickstart_from_nothing_and_again() {
    binaries();
    let sandbox = tempfile::tempdir().expect("a temporary directory");
    let caches = cache_directory().expect("a cache").parent().expect("the user's caches").display().to_string();
    let decoy = sandbox.path().join("decoy.kubeconfig");
    std::fs::write(&decoy, "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\nusers: []\ncontexts: [{name: c, context: {cluster: c, user: ''}}]\ncurrent-context: c\n").expect("written");
    let at = |directory: &Path| {
        let app = App::new(directory, &sandbox.path().join("state"), Some(&decoy)).with("XDG_CACHE_HOME", &caches);
        app.with("HOME", &sandbox.path().display().to_string())
    };
    let outside = at(sandbox.path());
    let first = outside.kfctl(&["quickstart", "start"]);
    let app = at(&sandbox.path().join("start"));
    let ended = scopeguard(|| drop(app.kfctl(&["local", "reset", "--yes"])));
    assert_eq!(first.code, 0, "{}", first.all());
    for process in ["etcd", "kube-apiserver", "kube-controller-manager", "controller", "web"] {
        assert!(first.stdout.lines().any(|line| line.contains(process) && line.contains("running")), "{}", first.all());
    }
    assert!(first.stdout.contains("export KUBECONFIG="), "{}", first.all());
    let folder = Path::new(env!("CARGO_BIN_EXE_kfctl")).parent().expect("a program has a folder");
    assert!(first.stdout.contains(&format!("export PATH={}:$PATH", folder.display())), "{}", first.all());
    let pids = || app.kfctl(&["local", "status"]).success();
    let before = pids();
    let opened = app.kfctl(&["open", "/identity", "--url"]).success();
    let page = answer(opened.trim(), &[]).filter(|(code, page)| *code == 200 && page.contains("Kubeflow"));
    assert!(page.is_some() && before.contains(opened.trim().trim_end_matches("/identity")), "{opened}{before}");
    let again = outside.kfctl(&["quickstart", "start"]);
    assert_eq!(again.code, 0, "{}", again.all());
    assert!(again.stdout.contains("0 created, 0 configured"), "{}", again.all());
    assert_eq!(pids(), before, "a process was started again");
    assert!(!sandbox.path().join(".kube").exists(), "a kubeconfig of the user's was written");
    drop(ended);
}

/// An app on platform local is brought to another cluster: nothing of the app's own is started beside it.
#[test]
fn api_another_cluster_gets_no_local_roles() {
    let cluster = Cluster::start();
    let kubeconfig = cluster.directory().join("kubeconfig").display().to_string();
    let sandbox = tempfile::tempdir().expect("a temporary directory");
    let at = |directory: &Path| App::new(directory, &sandbox.path().join("state"), None);
    at(sandbox.path()).kfctl(&["init", "guest", "--platform", "local"]).success();
    let guest = at(&sandbox.path().join("guest"));
    let said = guest.kfctl(&["apply", "--yes", "--no-wait", "--kubeconfig", &kubeconfig]);
    assert!(said.code == 0 && said.stderr.contains("platform local is left as it is"), "{}", said.all());
    cluster.kubectl(&["get", "namespace", "kubeflow"]).success();
    assert!(!sandbox.path().join("state").exists(), "something of the app's own was started");
}

#[test]
fn api_assets_in_place_of_a_build() {
    let binaries = binaries();
    let sandbox = tempfile::tempdir().expect("a temporary directory");
    let folder = |name: &str, tools: &[&str]| {
        let folder = sandbox.path().join(name);
        std::fs::create_dir(&folder).expect("made");
        for tool in tools {
            symlink(binaries.multi_call(), folder.join(tool)).expect("a link");
        }
        folder.display().to_string()
    };
    let app = |name: &str, assets: &str| {
        let at = |directory: &Path| {
            App::new(directory, &sandbox.path().join("state"), None)
                .with("KUBEBUILDER_ASSETS", assets)
                .with("XDG_CACHE_HOME", &sandbox.path().join("no-cache").display().to_string())
                .with("PATH", "/nonexistent")
        };
        at(sandbox.path()).kfctl(&["init", name, "--platform", "local"]).success();
        at(&sandbox.path().join(name))
    };
    // All of it: nothing is missing.
    let whole = app("whole", &folder("all", &TOOLS));
    let _end_whole = scopeguard(|| drop(whole.kfctl(&["local", "reset", "--yes"])));
    let said = whole.kfctl(&["apply", "platform"]);
    assert!(said.code == 0 && !said.stderr.contains("Go"), "{}", said.all());
    whole.kfctl(&["local", "status"]).success();
    // What a cluster can't be without: it runs, and says what it lacks.
    let core = app("core", &folder("core-tools", &TOOLS[..3]));
    let _end_core = scopeguard(|| drop(core.kfctl(&["local", "reset", "--yes"])));
    let said = core.kfctl(&["apply", "platform"]);
    assert!(said.code == 0 && said.stderr.contains("no nodes"), "{}", said.all());
    // As envtest has it, without the controller manager: that would have to be built, and there is no Go.
    let envtest = app("envtest", &folder("envtest-tools", &TOOLS[..2]));
    let said = envtest.kfctl(&["apply", "platform"]);
    assert!(said.code == 1 && said.stderr.contains("there is no Go") && said.stderr.contains("install Go"), "{}", said.all());
}

/// Runs at the end of the scope, also where the test fails before.
fn scopeguard<F: FnMut()>(end: F) -> impl Drop {
    struct Guard<F: FnMut()>(F);
    impl<F: FnMut()> Drop for Guard<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    Guard(end)
}
