//! A control plane for one test, and the real binary against it.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kfctl::local::{Binaries, cache_directory};

/// What a command said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    pub(crate) fn all(&self) -> String {
        format!("exit {}\n{}\n{}", self.code, self.stdout, self.stderr)
    }

    pub(crate) fn success(self) -> String {
        assert_eq!(self.code, 0, "{}", self.all());
        self.stdout
    }
}

fn say(command: &mut Command) -> Said {
    let output = command.stdin(Stdio::null()).output().expect("the program can be started");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Said { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// An app directory.
pub(crate) struct App {
    directory: PathBuf,
    state: PathBuf,
    kubeconfig: Option<PathBuf>,
}

impl App {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kfctl"));
        command.args(arguments).current_dir(&self.directory).env("XDG_STATE_HOME", &self.state);
        command.env("KFCTL_LOCAL_NO_FSYNC", "1").env("NO_COLOR", "1").env_remove("KUBECONFIG");
        if let Some(kubeconfig) = &self.kubeconfig {
            command.env("KUBECONFIG", kubeconfig);
        }
        command
    }

    pub(crate) fn kfctl(&self, arguments: &[&str]) -> Said {
        say(&mut self.command(arguments))
    }

    /// Kills kfctl with SIGKILL once it has printed this many lines.
    pub(crate) fn kill_after_lines(&self, arguments: &[&str], lines: usize) {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("kfctl starts");
        let mut reader = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        for _ in 0..lines {
            line.clear();
            if reader.read_line(&mut line).expect("text") == 0 {
                break;
            }
        }
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.directory.join(name);
        std::fs::write(&path, text).expect("the app directory can be written");
        path.display().to_string()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.directory.join(name)).expect("the file is there")
    }
}

/// A control plane, ended with the test.
pub(crate) struct Cluster {
    root: tempfile::TempDir,
    pub(crate) app: App,
    kubeconfig: PathBuf,
    binaries: Binaries,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let binaries = Binaries::find_or_build(&cache_directory().expect("a cache"), &|text| eprintln!("{text}"))
            .expect("the control plane's binaries");
        let root = tempfile::tempdir().expect("a temporary directory");
        let outside = App { directory: root.path().to_owned(), state: root.path().join("state"), kubeconfig: None };
        outside.kfctl(&["init", "cluster", "--platform", "local"]).success();
        let app = App { directory: root.path().join("cluster"), ..outside };
        let said = app.kfctl(&["apply", "platform"]).success();
        let kubeconfig =
            said.lines().find_map(|line| line.trim().strip_prefix("export KUBECONFIG=")).expect("it says how to use it");
        Self { kubeconfig: PathBuf::from(kubeconfig), root, app, binaries }
    }

    /// An app on platform none, for this cluster, without some of the components.
    pub(crate) fn init(&self, name: &str, without: &[&str]) -> App {
        let at = |directory: &Path| App {
            directory: directory.to_owned(),
            state: self.root.path().join("state"),
            kubeconfig: Some(self.kubeconfig.clone()),
        };
        at(self.root.path()).kfctl(&["init", name, "--platform", "none"]).success();
        let app = at(&self.root.path().join(name));
        for component in without {
            app.kfctl(&["component", "disable", component]).success();
        }
        app
    }

    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Said {
        say(self.binaries.command("kubectl").arg("--kubeconfig").arg(&self.kubeconfig).args(arguments))
    }

    /// A kubeconfig with the token of a service account of kubeflow-system.
    fn kubeconfig_of(&self, service_account: &str) -> PathBuf {
        let token = self.kubectl(&["-n", "kubeflow-system", "create", "token", service_account]).success();
        let copy = self.root.path().join(format!("{service_account}.kubeconfig"));
        std::fs::copy(&self.kubeconfig, &copy).expect("the kubeconfig can be copied");
        let config = |arguments: &[&str]| {
            say(self.binaries.command("kubectl").arg("--kubeconfig").arg(&copy).arg("config").args(arguments)).success()
        };
        config(&["set-credentials", "role", &format!("--token={}", token.trim())]);
        config(&["set-context", "--current", "--user=role"]);
        copy
    }

    /// `kfctl controller` with the rights of a service account.
    pub(crate) fn controller(&self, service_account: &str) -> Controller {
        let mut command = self.app.command(&["controller"]);
        let [probes, metrics] = [(); 2]
            .map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"))
            .map(|listener| listener.local_addr().expect("an address").to_string());
        command.args(["--probes", &probes, "--metrics", &metrics]).env("KUBECONFIG", self.kubeconfig_of(service_account));
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("kfctl starts");
        Controller { child, probes, metrics }
    }

    pub(crate) fn pid(&self, process: &str) -> i32 {
        let status = self.app.kfctl(&["local", "status", "-o", "json"]);
        let found = status.stdout.lines().find_map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).ok()?;
            (value["name"] == process).then(|| value["pid"].as_i64())?
        });
        i32::try_from(found.unwrap_or_else(|| panic!("no {process} in {}", status.all()))).expect("a pid")
    }

    /// Repeats a look until it is true.
    pub(crate) fn until(&self, what: &str, look: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !look() {
            assert!(Instant::now() < deadline, "never: {what}");
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // A test that failed leaves nothing running either.
        let _ = self.app.kfctl(&["local", "reset", "--yes"]);
    }
}

/// A controller that runs; killed with the test.
pub(crate) struct Controller {
    child: Child,
    probes: String,
    metrics: String,
}

impl Controller {
    /// Code, content type and text of an answer; `None` while nobody listens.
    fn get(url: &str) -> Option<(u16, String, String)> {
        let mut answer = ureq::get(url).config().http_status_as_error(false).build().call().ok()?;
        let content_type = answer.headers().get("content-type")?.to_str().ok()?.to_owned();
        Some((answer.status().as_u16(), content_type, answer.body_mut().read_to_string().ok()?))
    }

    pub(crate) fn readiness(&self) -> Option<(u16, String)> {
        Self::get(&format!("http://{}/readyz", self.probes)).map(|(code, _, text)| (code, text))
    }

    pub(crate) fn metrics(&self) -> Option<(u16, String, String)> {
        Self::get(&format!("http://{}/metrics", self.metrics))
    }

    /// Asks it to end, and returns its exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).expect("a pid"));
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("it runs");
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All of Kubeflow without its webhook configurations; `None`, said aloud, where the machine has no such file.
pub(crate) fn big_input() -> Option<String> {
    let path = std::env::var("KFCTL_TEST_BIG_INPUT").unwrap_or_else(|_| "../shared/data/kubeflow-full.yaml.gz".to_owned());
    let Ok(file) = std::fs::File::open(&path) else {
        eprintln!("SKIPPED: {path} is not there; KFCTL_TEST_BIG_INPUT names another place");
        return None;
    };
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzip");
    let kept: Vec<&str> = text
        .split("\n---\n")
        .filter(|document| !document.lines().any(|line| line.starts_with("kind: ") && line.ends_with("WebhookConfiguration")))
        .collect();
    Some(kept.join("\n---\n"))
}
