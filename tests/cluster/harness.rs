//! A control plane for one test, and the real binary against it.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use kfctl::directories::cache_directory;
use kfctl::local::Binaries;

use patience::{output_of, output_within};

#[path = "../common/patience.rs"]
mod patience;

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

/// The control plane's binaries, built where they are not.
pub(crate) fn binaries() -> Binaries {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let cache = cache_directory().expect("a cache");
    runtime.block_on(Binaries::find_or_build(&cache, &|text| eprintln!("{text}"))).expect("the control plane's binaries")
}

/// Repeats a look until it is true, ever less often: what is awaited needs the processors more than the looks at it do.
pub(crate) fn until(what: &str, mut look: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(2);
    let mut pause = Duration::from_millis(10);
    while !look() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(pause);
        pause = (pause * 3 / 2).min(Duration::from_millis(250));
    }
}

/// A port of the loopback address for a program that is started with its number. It is below those that connections get from the system,
/// so that none of theirs has it when the program comes to bind it.
pub(crate) fn free_port() -> u16 {
    let random = || 20_000 + u16::try_from(RandomState::new().build_hasher().finish() % 12_000).expect("it is small");
    std::iter::repeat_with(random).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("it is found")
}

/// Code and text of an answer; `None` while nobody listens.
pub(crate) fn answer(url: &str, headers: &[(&str, &str)]) -> Option<(u16, String)> {
    let request = headers.iter().fold(ureq::get(url), |request, (name, value)| request.header(*name, *value));
    let mut answer = request.config().http_status_as_error(false).build().call().ok()?;
    Some((answer.status().as_u16(), answer.body_mut().read_to_string().ok()?))
}

pub(crate) fn say(command: &mut Command) -> Said {
    said(output_of(command.stdin(Stdio::null())))
}

/// Runs what compiles a program of many packages: minutes, and on a slow machine with much else to do half an hour.
pub(crate) fn compile(command: &mut Command) -> Said {
    said(output_within(Duration::from_mins(45), command.stdin(Stdio::null())))
}

fn said(output: Output) -> Said {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Said { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// An app directory.
pub(crate) struct App {
    directory: PathBuf,
    state: PathBuf,
    environment: Vec<(String, String)>,
}

impl App {
    pub(crate) fn new(directory: &Path, state: &Path, kubeconfig: Option<&Path>) -> Self {
        let environment = kubeconfig.map(|path| ("KUBECONFIG".to_owned(), path.display().to_string()));
        Self { directory: directory.to_owned(), state: state.to_owned(), environment: environment.into_iter().collect() }
    }

    pub(crate) fn with(mut self, variable: &str, value: &str) -> Self {
        self.environment.push((variable.to_owned(), value.to_owned()));
        self
    }

    /// The same from the directory above.
    pub(crate) fn above(mut self) -> Self {
        self.directory.pop();
        self
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kfctl"));
        command.args(arguments).current_dir(&self.directory).env("XDG_STATE_HOME", &self.state);
        command.env("KFCTL_LOCAL_NO_FSYNC", "1").env("NO_COLOR", "1").env_remove("KUBECONFIG");
        command.envs(self.environment.iter().map(|(variable, value)| (variable, value)));
        command
    }

    pub(crate) fn kfctl(&self, arguments: &[&str]) -> Said {
        say(&mut self.command(arguments))
    }

    /// Runs kfctl on a terminal of its own, which is closed afterwards. What it says comes by that terminal.
    pub(crate) fn on_terminal(&self, arguments: &[&str], typed: &str) -> Said {
        self.types(&format!("{} {}", env!("CARGO_BIN_EXE_kfctl"), arguments.join(" ")), typed)
    }

    /// The same for a line of the shell.
    pub(crate) fn types(&self, line: &str, typed: &str) -> Said {
        let script = self.command(&[]);
        let mut terminal = Command::new("script");
        terminal.args(["--quiet", "--return", "--command", line, "/dev/null"]).current_dir(&self.directory);
        terminal.envs(script.get_envs().filter_map(|(variable, value)| Some((variable, value?))));
        let mut child = terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("`script` (util-linux) is there");
        let mut input = child.stdin.take().expect("piped");
        input.write_all(typed.as_bytes()).expect("it reads");
        // The end of the input would end the terminal before its program.
        let output = child.wait_with_output().expect("it ends");
        drop(input);
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        Said { code: output.status.code().unwrap_or(-1), stdout, stderr: String::new() }
    }

    /// Starts kfctl and lets it run beside the test.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("kfctl starts");
        let lines = by_line(child.stdout.take().expect("piped"));
        let errors = by_line(child.stderr.take().expect("piped"));
        Running { child, lines, errors, stdout: String::new(), stderr: String::new() }
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.directory.join(name);
        std::fs::write(&path, text).expect("the app directory can be written");
        path.display().to_string()
    }

    /// Where it is.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.directory.join(name).exists()
    }

    /// A place beside the app directory.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.directory.with_extension(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.directory.join(name)).expect("the file is there")
    }
}

/// A kfctl that runs beside the test.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    errors: Receiver<String>,
    stdout: String,
    stderr: String,
}

/// How long it may be silent.
const PATIENCE: Duration = Duration::from_mins(3);

/// Lines as they come, so that waiting for one can have an end.
fn by_line(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || BufReader::new(stream).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    receiver
}

impl Running {
    /// Reads on until a line of its output is the one; without it, the test fails.
    pub(crate) fn until(&mut self, what: &str, mut is_it: impl FnMut(&str) -> bool) {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|why| panic!("it never said {what} ({why}): {}{}", self.stdout, self.told()));
            self.stdout += &(line.clone() + "\n");
            if is_it(&line) {
                return;
            }
        }
    }

    /// The same for what it says to people.
    pub(crate) fn until_told(&mut self, words: &str) {
        while !self.stderr.contains(words) {
            let line = self.errors.recv_timeout(PATIENCE);
            self.stderr += &(line.unwrap_or_else(|_| panic!("it never told {words:?}: {}", self.stderr)) + "\n");
        }
    }

    /// What it has said to people so far.
    fn told(&self) -> String {
        self.errors.try_iter().fold(self.stderr.clone(), |told, line| told + &line + "\n")
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a pid")
    }

    /// Reads on to its end.
    pub(crate) fn finish(mut self) -> Said {
        self.stdout.extend(self.lines.iter().map(|line| line + "\n"));
        self.stderr.extend(self.errors.iter().map(|line| line + "\n"));
        let status = self.child.wait().expect("it ends");
        Said { code: status.code().unwrap_or(-1), stdout: self.stdout, stderr: self.stderr }
    }
}

/// Sends a signal, such as INT or KILL.
pub(crate) fn signal(name: &str, pid: i32) {
    assert!(Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().expect("kill runs").success());
}

/// Who has a token of their own: it is their name.
pub(crate) const USERS: [&str; 6] = ["bob@acme.com", "abe@foo.com", "jane@foo.com", "eve@foo.com", "vic@foo.com", "ann@foo.com"];

/// A node's name, and the token of its kubelet.
pub(crate) const NODE: &str = "node-0";
pub(crate) const NODE_TOKEN: &str = "the-node";

/// Gives the users their tokens, beside the admin's and a kubelet's, before the API server reads the file.
fn write_tokens(state: &Path, app: &Path) {
    let hash = kfctl::digest::sha256(app.as_os_str().as_encoded_bytes());
    let directory = state.join("kfctl/clusters").join(format!("cluster-{}", &hash[..8]));
    std::fs::create_dir_all(&directory).expect("a directory");
    let mut tokens = "the-admin,kfctl-admin,kfctl-admin,\"system:masters\"\n".to_owned();
    tokens.extend([format!("{NODE_TOKEN},system:node:{NODE},{NODE},system:nodes\n")]);
    tokens.extend(USERS.iter().map(|user| format!("{user},{user},{user}\n")));
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(directory.join("tokens.csv"));
    file.and_then(|mut file| file.write_all(tokens.as_bytes())).expect("the file can be written");
}

/// A place for one more control plane on this machine. Tests mostly wait on a fast machine and mostly compute on a slow one, so that how
/// many run at once is not a number for all machines: two for each processor, and more while there is time and memory to spare.
struct Place;

static TAKEN: Mutex<usize> = Mutex::new(0);
/// What the other processes of one more test want.
const SPARE_MEMORY: u64 = 4 << 20;

impl Place {
    fn take() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        loop {
            let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
            // Whoever looks for spare time keeps the others waiting: together they would all see the same.
            if *taken < 2 * processors || (*taken < 6 * processors && is_spare()) {
                *taken += 1;
                return Self;
            }
            drop(taken);
            std::thread::sleep(Duration::from_millis(250));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
    }
}

/// Whether a quarter of the processors' time is to be had, and memory (in KiB).
fn is_spare() -> bool {
    let times = || {
        let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        let times: Vec<u64> =
            text.lines().next().unwrap_or_default().split_whitespace().filter_map(|time| time.parse().ok()).collect();
        (times.get(3).copied().unwrap_or_default(), times.iter().sum::<u64>())
    };
    let (idle, all) = times();
    std::thread::sleep(Duration::from_secs(1));
    let (later_idle, later_all) = times();
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available =
        memory.lines().find_map(|line| line.strip_prefix("MemAvailable:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    (later_idle - idle) * 4 > later_all - all && available.is_some_and(|available| available > SPARE_MEMORY)
}

/// A control plane, ended with the test.
pub(crate) struct Cluster {
    root: tempfile::TempDir,
    pub(crate) app: App,
    pub(crate) kubeconfig: PathBuf,
    binaries: Binaries,
    controllers: AtomicUsize,
    /// Given up once everything has ended.
    _place: Place,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let binaries = binaries();
        let place = Place::take();
        let root = tempfile::tempdir().expect("a temporary directory");
        let at = |directory: &Path| App::new(directory, &root.path().join("state"), None);
        at(root.path()).kfctl(&["init", "cluster", "--platform", "local"]).success();
        let directory = root.path().join("cluster");
        write_tokens(&root.path().join("state"), &directory);
        let app = at(&directory);
        let said = app.kfctl(&["apply", "platform"]);
        if said.code != 0 {
            // What it had started is of no use to anybody.
            app.kfctl(&["local", "reset", "--yes"]);
        }
        let said = said.success();
        let kubeconfig =
            said.lines().find_map(|line| line.trim().strip_prefix("export KUBECONFIG=")).expect("it says how to use it");
        Self { kubeconfig: PathBuf::from(kubeconfig), root, app, binaries, controllers: AtomicUsize::default(), _place: place }
    }

    /// The directory beside the apps, with the kubeconfig of this cluster.
    pub(crate) fn outside(&self) -> App {
        App::new(self.root.path(), &self.root.path().join("state"), Some(&self.kubeconfig))
    }

    /// An app that is there already.
    pub(crate) fn in_app(&self, name: &str) -> App {
        App::new(&self.root.path().join(name), &self.root.path().join("state"), Some(&self.kubeconfig))
    }

    /// A folder for PATH, with kfctl and kubectl in it.
    pub(crate) fn tools(&self) -> PathBuf {
        let folder = self.root.path().join("tools");
        std::fs::create_dir(&folder).expect("made");
        for (name, program) in [("kfctl", Path::new(env!("CARGO_BIN_EXE_kfctl"))), ("kubectl", self.binaries.multi_call())] {
            std::os::unix::fs::symlink(program, folder.join(name)).expect("a link");
        }
        folder
    }

    /// An app on platform none, for this cluster: components namespaces and profiles, without some of them. The mesh, notebooks and the
    /// web UI are enabled where a test is about them: every other would need a release of Istio, and more time.
    pub(crate) fn init(&self, name: &str, without: &[&str]) -> App {
        self.outside().kfctl(&["init", name, "--platform", "none"]).success();
        let app = self.in_app(name);
        for component in ["auth", "istio", "notebooks", "dashboard"].iter().chain(without) {
            app.kfctl(&["component", "disable", component]).success();
        }
        app
    }

    pub(crate) fn kubectl_command(&self, arguments: &[&str]) -> Command {
        let mut command = self.binaries.command("kubectl");
        command.arg("--kubeconfig").arg(&self.kubeconfig).args(arguments);
        command
    }

    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Said {
        say(&mut self.kubectl_command(arguments))
    }

    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// kubectl as one of [`USERS`], by their own token.
    pub(crate) fn kubectl_as(&self, user: &str, arguments: &[&str]) -> Said {
        assert!(USERS.contains(&user), "{user} has no token");
        self.kubectl(&[&[format!("--token={user}").as_str()], arguments].concat())
    }

    /// Where the control plane keeps everything.
    pub(crate) fn directory(&self) -> PathBuf {
        self.kubeconfig.parent().expect("a file is in a directory").to_owned()
    }

    /// The API server's port.
    pub(crate) fn port(&self) -> u16 {
        let text = std::fs::read_to_string(self.kubeconfig()).expect("its kubeconfig");
        let port = text.lines().find_map(|line| line.trim().strip_prefix("server: https://127.0.0.1:"));
        port.and_then(|port| port.parse().ok()).unwrap_or_else(|| panic!("no port in {text}"))
    }

    /// A kubeconfig with the token of a service account, and no other rights than its own.
    pub(crate) fn kubeconfig_of(&self, namespace: &str, service_account: &str) -> PathBuf {
        let token = self.kubectl(&["-n", namespace, "create", "token", service_account]).success();
        self.kubeconfig_by_token(service_account, token.trim())
    }

    /// A kubeconfig of this name for whoever has the token.
    pub(crate) fn kubeconfig_by_token(&self, name: &str, token: &str) -> PathBuf {
        self.kubeconfig_with(
            name,
            &[&["set-credentials", "role", &format!("--token={token}")], &["set-context", "--current", "--user=role"]],
        )
    }

    /// A kubeconfig that leads to another port on this machine, where a server with this certificate stands before the cluster.
    pub(crate) fn kubeconfig_through(&self, name: &str, port: u16, authority: &str) -> PathBuf {
        let file = self.root.path().join(format!("{name}.pem"));
        std::fs::write(&file, authority).expect("the certificate can be written");
        let cluster = self.kubectl(&["config", "view", "-o", "jsonpath={.clusters[0].name}"]).success();
        let (server, authority) =
            (format!("--server=https://127.0.0.1:{port}"), format!("--certificate-authority={}", file.display()));
        self.kubeconfig_with(name, &[&["set-cluster", &cluster, &server, &authority, "--embed-certs"]])
    }

    /// A copy of the kubeconfig with changes by `kubectl config`.
    fn kubeconfig_with(&self, name: &str, changes: &[&[&str]]) -> PathBuf {
        self.kubeconfig_from(&self.kubeconfig, name, changes)
    }

    fn kubeconfig_from(&self, original: &Path, name: &str, changes: &[&[&str]]) -> PathBuf {
        let copy = self.root.path().join(format!("{name}.kubeconfig"));
        std::fs::copy(original, &copy).expect("the kubeconfig can be copied");
        for change in changes {
            say(self.binaries.command("kubectl").arg("--kubeconfig").arg(&copy).arg("config").args(*change)).success();
        }
        copy
    }

    /// The certificate of the cluster's own authority, as PEM.
    pub(crate) fn authority(&self) -> String {
        let path = "jsonpath={.clusters[0].cluster.certificate-authority-data}";
        let text = self.kubectl(&["config", "view", "--raw", "-o", path]).success();
        let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim()).expect("base64");
        String::from_utf8(bytes).expect("PEM is text")
    }

    /// A kubeconfig that acts as another user.
    pub(crate) fn kubeconfig_as(&self, user: &str) -> PathBuf {
        let copy = self.root.path().join(format!("{user}.kubeconfig"));
        let text = std::fs::read_to_string(&self.kubeconfig).expect("its kubeconfig");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let token = lines.iter().position(|line| line.trim_start().starts_with("token:")).expect("the admin's token");
        let indentation = lines[token].len() - lines[token].trim_start().len();
        lines.insert(token, format!("{}as: {user}", " ".repeat(indentation)));
        std::fs::write(&copy, lines.join("\n")).expect("written");
        copy
    }

    /// `kfctl controller` with the rights of a service account.
    pub(crate) fn controller(&self, service_account: &str) -> Controller {
        self.controller_by(&self.kubeconfig_of("kubeflow-system", service_account))
    }

    /// The same on a way of its own to the API server, which a kubeconfig describes.
    pub(crate) fn controller_through(&self, way: &Path, service_account: &str) -> Controller {
        let token = self.kubectl(&["-n", "kubeflow-system", "create", "token", service_account]).success();
        let name = format!("{service_account}-{}", way.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default());
        let credentials = format!("--token={}", token.trim());
        let changes: [&[&str]; 2] = [&["set-credentials", "role", &credentials], &["set-context", "--current", "--user=role"]];
        self.controller_by(&self.kubeconfig_from(way, &name, &changes))
    }

    fn controller_by(&self, kubeconfig: &Path) -> Controller {
        let mut command = self.app.command(&["controller"]);
        let [probes, metrics] = [(); 2].map(|()| format!("127.0.0.1:{}", free_port()));
        command.args(["--probes", &probes, "--metrics", &metrics]).env("KUBECONFIG", kubeconfig);
        let number = self.controllers.fetch_add(1, Ordering::Relaxed);
        let log = self.root.path().join(format!("controller-{number}.log"));
        let errors = std::fs::File::create(&log).expect("a log");
        let child = command.stdin(Stdio::null()).stderr(errors).spawn().expect("kfctl starts");
        Controller { child, probes, metrics, log }
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
    #[allow(clippy::unused_self, reason = "it is the cluster that is awaited")]
    pub(crate) fn until(&self, what: &str, look: impl FnMut() -> bool) {
        until(what, look);
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
    log: PathBuf,
}

impl Controller {
    /// Code, content type and text of an answer; `None` while nobody listens.
    fn get(url: &str) -> Option<(u16, String, String)> {
        let mut answer = ureq::get(url).config().http_status_as_error(false).build().call().ok()?;
        let content_type = answer.headers().get("content-type")?.to_str().ok()?.to_owned();
        Some((answer.status().as_u16(), content_type, answer.body_mut().read_to_string().ok()?))
    }

    pub(crate) fn readiness(&self) -> Option<(u16, String)> {
        self.probe("/readyz")
    }

    /// What a probe at this path is answered.
    pub(crate) fn probe(&self, path: &str) -> Option<(u16, String)> {
        Self::get(&format!("http://{}{path}", self.probes)).map(|(code, _, text)| (code, text))
    }

    pub(crate) fn metrics(&self) -> Option<(u16, String, String)> {
        Self::get(&format!("http://{}/metrics", self.metrics))
    }

    /// One number of its metrics, by the name and labels it stands under.
    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        let (_, _, text) = self.metrics()?;
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// Requests that its reconciles have sent so far.
    pub(crate) fn requests(&self) -> u32 {
        let (_, _, text) = self.metrics().expect("it runs");
        let rows = text.lines().filter(|line| line.starts_with("kfctl_api_requests_total{"));
        rows.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u32>().ok()).sum()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a pid")
    }

    /// Asks it to end, and returns its exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        signal("TERM", i32::try_from(self.child.id()).expect("a pid"));
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the controller's log:\n{}", self.log());
        }
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
