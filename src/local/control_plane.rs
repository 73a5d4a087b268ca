//! The control plane: which processes, with which flags, in which order.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};

use super::binaries::Binaries;
use super::process::{Process, ProcessStatus};
use super::state::{Ports, is_free, private_directory, private_file, random_token, read};
use super::{Report, nodes};
use crate::cluster::{Connection, Target};
use crate::error::{Error, Result};

/// The processes, in the order in which they start.
const PROCESSES: [&str; 5] = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"];
const START_TIMEOUT: Duration = Duration::from_mins(2);

/// How to start.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Leave out etcd's writes to disk: for clusters that need not outlive the machine's power.
    pub unsafe_no_fsync: bool,
}

/// A control plane on this machine.
#[derive(Debug, Clone)]
pub struct ControlPlane {
    name: String,
    pub(super) directory: PathBuf,
}

impl ControlPlane {
    /// The control plane of this name, which keeps everything in `state/clusters/NAME`.
    #[must_use]
    pub fn new(state: &Path, name: &str) -> Self {
        Self { name: name.to_owned(), directory: state.join("clusters").join(name) }
    }

    /// Its own kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.directory.join("kubeconfig")
    }

    /// The context in it.
    #[must_use]
    pub fn context(&self) -> String {
        format!("kfctl-{}", self.name)
    }

    /// Where its logs are.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.directory.join("logs")
    }

    /// A connection to it.
    pub async fn connect(&self) -> Result<Connection> {
        Connection::open(&Target { kubeconfig: Some(self.kubeconfig()), context: None }).await
    }

    pub(super) fn process(&self, name: &str) -> Process {
        Process::new(&self.directory, name)
    }

    /// Names of all processes: those of Kubernetes, and the roles that were started.
    fn processes(&self) -> Vec<Process> {
        let mut names: Vec<String> = PROCESSES.iter().map(|name| (*name).to_owned()).collect();
        let files = std::fs::read_dir(&self.directory)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut roles: Vec<String> =
            files.filter_map(|file| file.strip_suffix(".pid").map(str::to_owned)).filter(|name| !names.contains(name)).collect();
        roles.sort();
        names.extend(roles);
        names.iter().map(|name| self.process(name)).collect()
    }

    /// How each process is.
    pub fn status(&self) -> Result<Vec<ProcessStatus>> {
        self.processes().iter().map(Process::status).collect()
    }

    /// The last lines of a process's log.
    pub fn last_lines(&self, name: &str, count: usize) -> Result<Vec<String>> {
        let processes = self.processes();
        let found = processes.iter().find(|process| process.name == name);
        let process = found.ok_or_else(|| {
            Error::usage(format!("there is no process {name:?}"))
                .nearest(name, processes.iter().map(|process| process.name.as_str()))
        })?;
        Ok(process.last_lines(count))
    }

    /// One kfctl at a time starts, stops or resets.
    fn lock(&self) -> Result<Flock<std::fs::File>> {
        private_directory(&self.logs())?;
        let path = self.directory.join("lock");
        let file = std::fs::File::create(&path).map_err(|error| Error::io("write", &path, &error))?;
        Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, error)| Error::io("lock", &path, &error.into()))
    }

    /// Starts what does not run, and waits until the cluster can be used.
    pub async fn start(&self, binaries: &Binaries, options: Options, report: Report<'_>) -> Result<()> {
        let _lock = self.lock()?;
        for process in PROCESSES.iter().map(|name| self.process(name)) {
            if process.status()?.state == "died" {
                report(&format!("{} had died; it is started again", process.name));
            }
        }
        let ports = self.ports(report).await?;
        self.prepare_files(binaries)?;
        self.launch("etcd", &mut self.etcd(binaries, &ports, options))?;
        self.launch("kube-apiserver", &mut self.api_server(binaries, &ports))?;
        let deadline = Instant::now() + START_TIMEOUT;
        self.wait_for("the API server is ready", deadline, async || self.answers(&ports, "/readyz").await).await?;
        let kubeconfig = self.kubeconfig();
        let with_kubeconfig = |tool: &str, arguments: &[&str]| {
            let mut command = binaries.command(tool);
            command.arg("--kubeconfig").arg(&kubeconfig).args(arguments);
            command
        };
        let mut manager = with_kubeconfig(
            "kube-controller-manager",
            &["--leader-elect=false", "--secure-port=0", "--use-service-account-credentials"],
        );
        manager.arg("--service-account-private-key-file").arg(self.directory.join("service-account.key"));
        manager.arg("--root-ca-file").arg(self.certificate());
        self.launch("kube-controller-manager", &mut manager)?;
        self.launch("kube-scheduler", &mut with_kubeconfig("kube-scheduler", &["--leader-elect=false", "--secure-port=0"]))?;
        let mut kwok = with_kubeconfig("kwok", &["--manage-all-nodes=false", "--node-lease-duration-seconds=40"]);
        kwok.arg("--manage-nodes-with-annotation-selector")
            .arg(nodes::SELECTOR)
            .arg("--config")
            .arg(self.directory.join("kwok.yaml"));
        self.launch("kwok", &mut kwok)?;
        let connection = self.connect().await?;
        self.wait_for("the cluster can be used", deadline, async || {
            let needed = ["/api/v1/namespaces/kube-system", "/api/v1/namespaces/default/serviceaccounts/default"];
            for path in needed {
                connection.get(path).await.map_err(|failure| failure.message)?;
            }
            nodes::ensure(&connection).await.map_err(|failure| failure.message)
        })
        .await
    }

    fn launch(&self, name: &str, command: &mut Command) -> Result<()> {
        let process = self.process(name);
        if process.pid()?.is_none() {
            process.start(command)?;
        }
        Ok(())
    }

    /// Repeats `attempt` until it succeeds; ends at once where a process has died.
    async fn wait_for(&self, what: &str, deadline: Instant, attempt: impl AsyncFn() -> Result<(), String>) -> Result<()> {
        loop {
            let reason = match attempt().await {
                Ok(()) => return Ok(()),
                Err(reason) => reason,
            };
            for process in PROCESSES.iter().map(|name| self.process(name)) {
                if process.status()?.state == "died" {
                    return Err(process.died());
                }
            }
            if Instant::now() > deadline {
                return Err(Error::environment(format!("gave up waiting until {what}"))
                    .detail(reason)
                    .hint(format!("the logs are in {}", self.logs().display())));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// GET on the API server. Before its certificate is there it does not answer.
    async fn answers(&self, ports: &Ports, path: &str) -> Result<(), String> {
        self.write_kubeconfig(ports).map_err(|error| error.to_string())?;
        let connection = self.connect().await.map_err(|error| error.to_string())?;
        let answer =
            connection.client().request_text(http::Request::get(path).body(Vec::new()).map_err(|error| error.to_string())?).await;
        answer.map(|_| ()).map_err(|error| error.to_string())
    }

    /// The remembered ports. Where somebody else has taken one meanwhile, new ones, and what runs on the old ones is stopped first.
    async fn ports(&self, report: Report<'_>) -> Result<Ports> {
        let path = self.directory.join("ports.json");
        if let Some(ports) = read(&path)?.and_then(|text| serde_json::from_str::<Ports>(&text).ok()) {
            let usable = |name: &str, ports: &[u16]| -> Result<bool> {
                Ok(self.process(name).pid()?.is_some() || ports.iter().all(|port| is_free(*port)))
            };
            if usable("etcd", &[ports.etcd_client, ports.etcd_peer])? && usable("kube-apiserver", &[ports.api_server])? {
                return Ok(ports);
            }
            report("another program has taken one of its ports; it gets new ones");
            for name in PROCESSES.iter().rev() {
                self.process(name).stop().await?;
            }
        }
        let ports = Ports::choose()?;
        private_file(&path, &serde_json::to_vec(&ports).expect("plain data"))?;
        Ok(ports)
    }

    fn prepare_files(&self, binaries: &Binaries) -> Result<()> {
        let key = self.directory.join("service-account.key");
        if !key.exists() {
            let pair = rcgen::KeyPair::generate().map_err(|error| Error::environment(format!("cannot make a key: {error}")))?;
            private_file(&self.directory.join("service-account.pub"), pair.public_key_pem().as_bytes())?;
            private_file(&key, pair.serialize_pem().as_bytes())?;
        }
        let tokens = self.directory.join("tokens.csv");
        if !tokens.exists() {
            private_file(&tokens, format!("{},kfctl-admin,kfctl-admin,\"system:masters\"\n", random_token()?).as_bytes())?;
        }
        let stages = binaries
            .command("kwok-stages")
            .output()
            .map_err(|error| Error::environment(format!("cannot run kwok-stages: {error}")))?;
        private_file(&self.directory.join("kwok.yaml"), &stages.stdout)
    }

    fn certificate(&self) -> PathBuf {
        self.directory.join("certificates/apiserver.crt")
    }

    /// The certificate that the API server made for itself stands for its own authority.
    pub(super) fn write_kubeconfig_for(&self, path: &Path, user: &str, token: &str, server: &str) -> Result<()> {
        use base64::Engine;
        let certificate = std::fs::read(self.certificate()).map_err(|error| Error::io("read", &self.certificate(), &error))?;
        let (context, authority) = (self.context(), base64::engine::general_purpose::STANDARD.encode(certificate));
        let text = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": context, "cluster": {"server": server, "certificate-authority-data": authority}}],
            "users": [{"name": user, "user": {"token": token}}],
            "contexts": [{"name": context, "context": {"cluster": context, "user": user}}],
            "current-context": context,
        });
        let text = crate::yaml::to_string(&text);
        if read(path)?.as_deref() == Some(text.as_str()) { Ok(()) } else { private_file(path, text.as_bytes()) }
    }

    fn write_kubeconfig(&self, ports: &Ports) -> Result<()> {
        let tokens = read(&self.directory.join("tokens.csv"))?.unwrap_or_default();
        let token = tokens.split(',').next().unwrap_or_default();
        self.write_kubeconfig_for(&self.kubeconfig(), "kfctl-admin", token, &format!("https://127.0.0.1:{}", ports.api_server))
    }

    fn etcd(&self, binaries: &Binaries, ports: &Ports, options: Options) -> Command {
        let client = format!("http://127.0.0.1:{}", ports.etcd_client);
        let peer = format!("http://127.0.0.1:{}", ports.etcd_peer);
        let mut command = binaries.command("etcd");
        command.arg("--data-dir").arg(self.directory.join("etcd"));
        command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", &format!("default={peer}")]);
        if options.unsafe_no_fsync {
            command.arg("--unsafe-no-fsync");
        }
        command
    }

    fn api_server(&self, binaries: &Binaries, ports: &Ports) -> Command {
        let mut command = binaries.command("kube-apiserver");
        command.arg(format!("--etcd-servers=http://127.0.0.1:{}", ports.etcd_client));
        command.arg(format!("--secure-port={}", ports.api_server)).arg("--bind-address=127.0.0.1");
        command.arg("--cert-dir").arg(self.directory.join("certificates"));
        command.arg("--service-account-key-file").arg(self.directory.join("service-account.pub"));
        command.arg("--service-account-signing-key-file").arg(self.directory.join("service-account.key"));
        command.args(["--service-account-issuer=https://kubernetes.default.svc", "--authorization-mode=Node,RBAC"]);
        command.arg("--token-auth-file").arg(self.directory.join("tokens.csv"));
        command.arg("--service-cluster-ip-range=10.0.0.0/16");
        command
    }

    /// Stops everything; nothing is lost.
    pub async fn stop(&self) -> Result<()> {
        let _lock = self.lock()?;
        self.stop_all().await
    }

    async fn stop_all(&self) -> Result<()> {
        for process in self.processes().iter().rev() {
            process.stop().await?;
        }
        Ok(())
    }

    /// Stops everything and deletes all data.
    pub async fn reset(&self) -> Result<()> {
        let lock = self.lock()?;
        self.stop_all().await?;
        std::fs::remove_dir_all(&self.directory).map_err(|error| Error::io("delete", &self.directory, &error))?;
        drop(lock);
        Ok(())
    }
}
