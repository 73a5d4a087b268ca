//! The image of the binary under test, at a real registry and in a real containerd.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use kfctl::directories::cache_directory;

use crate::harness::{App, Cluster, Said, answer, compile, free_port, say, until};

/// The registry of the distribution project, from its Go module.
const REGISTRY: &str = "v3.0.0";

/// A registry of one test: user `jane` with password `U*U` may push.
struct Registry {
    process: Child,
    host: String,
    root: tempfile::TempDir,
}

impl Registry {
    fn start() -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        let port = free_port();
        let host = format!("127.0.0.1:{port}");
        let at = |name: &str| root.path().join(name);
        // bcrypt, its cheapest cost.
        std::fs::write(at("htpasswd"), "jane:$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n").expect("written");
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: {host}}}\nauth: {{htpasswd: {{realm: test, path: {}}}}}\n",
            at("data").display(),
            at("htpasswd").display()
        );
        std::fs::write(at("config.yml"), config).expect("written");
        let mut command = Command::new(registry());
        command.arg("serve").arg(at("config.yml")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let registry = Self { process: command.spawn().expect("the registry starts"), host, root };
        until("the registry answers", || answer(&format!("http://{}/v2/", registry.host), &[]).is_some());
        registry
    }

    fn get(&self, path: &str) -> String {
        let headers = [("Authorization", "Basic amFuZTpVKlU="), ("Accept", "application/vnd.oci.image.manifest.v1+json")];
        let (code, text) = answer(&format!("http://{}/v2/kfctl/{path}", self.host), &headers).expect("an answer");
        assert_eq!(code, 200, "{path}: {text}");
        text
    }

    /// A kfctl whose docker configuration is this one.
    fn app(&self, docker: &str) -> App {
        let folder = self.root.path().join("docker");
        std::fs::create_dir_all(&folder).expect("made");
        std::fs::write(folder.join("config.json"), docker).expect("written");
        App::new(self.root.path(), self.root.path(), None).with("DOCKER_CONFIG", &folder.display().to_string())
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Builds the registry where it is not built yet.
fn registry() -> PathBuf {
    let folder = cache_directory().expect("a cache").join("registry").join(REGISTRY);
    let program = folder.join("registry");
    if !program.is_file() {
        eprintln!("building the registry of the distribution project, once");
        let mut go = Command::new("go");
        go.args(["install", &format!("github.com/distribution/distribution/v3/cmd/registry@{REGISTRY}")]);
        let said = compile(go.env("GOBIN", &folder));
        assert_eq!(said.code, 0, "{}", said.all());
    }
    program
}

#[test]
fn image_is_pushed_to_a_real_registry() {
    let registry = Registry::start();
    let name = format!("{}/kfctl:1.0", registry.host);
    let push = |docker: &str| registry.app(docker).kfctl(&["image", "push", &name, "-o", "json"]);
    let password = |auth: &str| format!(r#"{{"auths": {{"{}": {{"auth": "{auth}"}}}}}}"#, registry.host);

    for docker in ["{}", &password("amFuZTp3cm9uZw==")] {
        let refused = push(docker);
        assert_eq!(refused.code, 1, "{}", refused.all());
        assert!(refused.stderr.contains(&format!("docker login {}", registry.host)), "{}", refused.all());
    }

    let said: serde_json::Value = serde_json::from_str(&push(&password("amFuZTpVKlU=")).success()).expect("JSON");
    let digest = said["digest"].as_str().expect("a digest");
    let manifest = registry.get("manifests/1.0");
    assert_eq!(digest, format!("sha256:{}", kfctl::digest::sha256(manifest.as_bytes())));
    assert_eq!(registry.get(&format!("manifests/{digest}")), manifest);
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let config = registry.get(&format!("blobs/{}", manifest["config"]["digest"].as_str().expect("a digest")));
    assert!(config.contains(r#""User":"65532:65532""#), "{config}");
    let layer = manifest["layers"][0]["digest"].as_str().expect("a digest").trim_start_matches("sha256:");
    let stored = registry.root.path().join(format!("data/docker/registry/v2/blobs/sha256/{}/{layer}/data", &layer[..2]));
    assert_eq!(manifest["layers"][0]["size"], std::fs::metadata(stored).expect("the layer is stored").len());

    // Again, by the password of a helper.
    let helper = registry.root.path().join("docker-credential-test");
    let script = r#"read server; echo "{\"ServerURL\": \"$server\", \"Username\": \"jane\", \"Secret\": \"U*U\"}""#;
    std::fs::write(&helper, format!("#!/bin/sh\n{script}\n")).expect("written");
    assert_eq!(say(Command::new("chmod").arg("755").arg(&helper)).code, 0);
    let path = format!("{}:{}", registry.root.path().display(), std::env::var("PATH").expect("a PATH"));
    let app = registry.app(&format!(r#"{{"credHelpers": {{"{}": "test"}}}}"#, registry.host)).with("PATH", &path);
    let again: serde_json::Value =
        serde_json::from_str(&app.kfctl(&["image", "push", &name, "-o", "json"]).success()).expect("JSON");
    assert_eq!(again["digest"], digest);
}

/// A containerd of one test, in namespaces of its own: nothing of it is left when its first process is killed.
struct Containerd {
    process: Child,
    root: tempfile::TempDir,
    cgroup: String,
}

impl Containerd {
    /// `None`, said aloud, where it can't run.
    fn start() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("SKIPPED: containerd needs root");
            return None;
        }
        for program in ["containerd", "ctr", "runc"] {
            let found = say(Command::new("sh").args(["-c", &format!("command -v {program}")]));
            assert_eq!(found.code, 0, "{program} is missing: `apt-get install containerd runc`, or tests/run, which does it");
        }
        let root = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| root.path().join(name);
        let config = format!(
            "version = 2\nroot = \"{}\"\nstate = \"{}\"\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\naddress = \"{}\"\n[ttrpc]\naddress = \"{}\"\n",
            at("root").display(),
            at("state").display(),
            at("socket").display(),
            at("ttrpc").display()
        );
        std::fs::write(at("config.toml"), config).expect("written");
        // The shims put their sockets below /run, whatever the configuration says.
        let inside = "mount -t tmpfs tmpfs /run && exec containerd --config \"$0\"";
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["sh", "-c", inside])
            .arg(at("config.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(at("containerd.log")).expect("a log"));
        let cgroup = format!("kfctl-test-{}", std::process::id());
        let containerd = Self { process: command.spawn().expect("containerd starts"), root, cgroup };
        until("containerd answers", || containerd.ctr(&["version"]).code == 0);
        Some(containerd)
    }

    fn socket(&self) -> String {
        self.root.path().join("socket").display().to_string()
    }

    fn ctr(&self, arguments: &[&str]) -> Said {
        say(Command::new("ctr").args(["--address", &self.socket(), "--namespace", "k8s.io"]).args(arguments))
    }

    /// The state of a process as those inside see it.
    fn status_of(&self, pid: &str) -> String {
        let unshare = self.process.id();
        let children = std::fs::read_to_string(format!("/proc/{unshare}/task/{unshare}/children")).expect("its children");
        let mut command = Command::new("nsenter");
        command.args(["--target", children.trim(), "--mount", "--pid", "cat", &format!("/proc/{pid}/status")]);
        say(&mut command).success()
    }

    fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.root.path().join(name)).unwrap_or_default()
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // Everything inside dies with the first process, and empty groups can be removed; version 1 has one for each controller.
        let folders = std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten().map(|entry| entry.path());
        for folder in folders.chain([PathBuf::from("/sys/fs/cgroup")]) {
            let group = folder.join(&self.cgroup);
            if group.is_dir() {
                until("its cgroup is empty", || std::fs::remove_dir(&group).is_ok());
            }
        }
    }
}

/// As kubelet would start it: the token and certificate where pods have them, no root, nothing to write to.
#[test]
fn image_runs_the_controller_in_a_real_containerd() {
    let Some(containerd) = Containerd::start() else { return };
    let cluster = Cluster::start();
    let app = cluster.init("image", &[]);
    app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]).success();
    app.kfctl(&["image", "load", "containerd", "--address", &containerd.socket()]).success();
    let image = cluster
        .kubectl(&[
            "-n",
            "kubeflow-system",
            "get",
            "deployment",
            "kfctl-controller",
            "-o",
            "jsonpath={.spec.template.spec.containers[0].image}",
        ])
        .success();

    let secrets = containerd.root.path().join("serviceaccount");
    account(&cluster, &secrets, "kfctl-controller");
    let [probes, metrics] = [(); 2].map(|()| format!("127.0.0.1:{}", free_port()));
    let mount = format!("type=bind,src={},dst=/var/run/secrets/kubernetes.io/serviceaccount,options=rbind:ro", secrets.display());
    let port = format!("KUBERNETES_SERVICE_PORT={}", cluster.port());
    let log = format!("file://{}", containerd.root.path().join("controller.log").display());
    let started = containerd.ctr(&[
        "run",
        "--detach",
        "--net-host",
        "--read-only",
        "--seccomp",
        "--cgroup",
        &format!("/{}", containerd.cgroup),
        "--log-uri",
        &log,
        "--mount",
        &mount,
        "--env",
        "KUBERNETES_SERVICE_HOST=127.0.0.1",
        "--env",
        &port,
        &image,
        "controller",
        // ctr leaves out the entrypoint where there are arguments.
        "/usr/local/bin/kfctl",
        "controller",
        "--probes",
        &probes,
        "--metrics",
        &metrics,
    ]);
    assert_eq!(started.code, 0, "{}\n{}", started.all(), containerd.log("containerd.log"));
    let ready = || answer(&format!("http://{probes}/readyz"), &[]);
    let is_ready = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        until("the controller is ready", || ready() == Some((200, "ok".to_owned())));
    }));
    assert!(is_ready.is_ok(), "{:?}\n{}\n{}", ready(), containerd.log("controller.log"), containerd.log("containerd.log"));

    let tasks = containerd.ctr(&["tasks", "list"]).success();
    let pid = tasks.lines().find_map(|line| line.strip_prefix("controller")).and_then(|line| line.split_whitespace().next());
    let status = containerd.status_of(pid.unwrap_or_else(|| panic!("no pid in {tasks}")));
    for line in
        ["Uid:\t65532\t65532\t65532\t65532", "Gid:\t65532\t65532\t65532\t65532", "CapEff:\t0000000000000000", "Seccomp:\t2"]
    {
        assert!(status.lines().any(|found| found == line), "{line}: {status}");
    }
    // It does its work by the rights of its token, and ends when it is asked to.
    let (code, text) = answer(&format!("http://{metrics}/metrics"), &[]).expect("numbers");
    assert!(code == 200 && text.contains("# TYPE kfctl_profiles gauge"), "{text}");
    let ready = r#"jsonpath={.status.conditions[?(@.type=="Ready")].status}"#;
    app.kfctl(&["profile", "create", "jane", "--user", "jane@foo.com"]).success();
    cluster.until("jane's profile is ready", || {
        cluster.kubectl(&["-n", "kubeflow-system", "get", "profile", "jane", "-o", ready]).stdout == "True"
    });
    cluster.kubectl(&["-n", "kubeflow-jane", "get", "role", "default"]).success();
    containerd.ctr(&["tasks", "kill", "--signal", "SIGTERM", "controller"]).success();
    until("it has ended", || containerd.ctr(&["tasks", "list"]).stdout.contains("STOPPED"));
    assert_eq!(containerd.ctr(&["tasks", "delete", "controller"]).code, 0, "{}", containerd.log("controller.log"));
}

/// What a pod of this service account would find in its file system.
fn account(cluster: &Cluster, folder: &Path, name: &str) {
    std::fs::create_dir(folder).expect("made");
    let write = |file: &str, text: &str| std::fs::write(folder.join(file), text).expect("written");
    write("token", cluster.kubectl(&["-n", "kubeflow-system", "create", "token", name]).success().trim());
    write("namespace", "kubeflow-system");
    let root = ["-n", "kubeflow-system", "get", "configmap", "kube-root-ca.crt", "-o", r"jsonpath={.data.ca\.crt}"];
    until("the cluster's certificate is in its namespace", || cluster.kubectl(&root).stdout.starts_with("-----BEGIN"));
    write("ca.crt", &cluster.kubectl(&root).success());
}
