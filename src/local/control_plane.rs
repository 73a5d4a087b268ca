//! The control plane: which processes, with which flags, in which order.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::binaries::Binaries;
use super::certificates::Certificates;
use super::process::{Process, ProcessStatus};
use super::state::{known_ports, lock, ports, private_directory, random_token, read};
use super::{Report, certificates, nodes};
use crate::cluster::{Connection, Target};
use crate::directories::store;
use crate::error::{Error, Result};

/// The processes, in the order in which they start.
const PROCESSES: [&str; 5] = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"];
const CLIENT_SOCKET: &str = "unix://client.sock";
const PEER_SOCKET: &str = "unix://peer.sock";
/// A process that dies is noticed at once; one that is slow is on a machine with much else to do.
const START_TIMEOUT: Duration = Duration::from_mins(5);

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
        let known = known_ports(&self.directory)?;
        let mut processes: Vec<ProcessStatus> = self.processes().iter().map(Process::status).collect::<Result<_>>()?;
        for process in processes.iter_mut().filter(|process| process.pid.is_some()) {
            // The API server has one port; of a role's three, the last is for people.
            process.address = match known.get(&process.name).map(Vec::as_slice) {
                Some([port]) => Some(format!("https://127.0.0.1:{port}")),
                Some([_, _, port]) => Some(format!("http://127.0.0.1:{port}")),
                _ => None,
            };
        }
        Ok(processes)
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

    /// One kfctl at a time starts, stops or resets. The lock lies beside the directory, which `reset` deletes.
    async fn lock(&self) -> Result<std::fs::File> {
        private_directory(&self.directory)?;
        private_directory(&self.logs())?;
        lock(&self.directory.with_extension("lock")).await
    }

    /// Starts what does not run, starts again what runs otherwise than it should, and waits until the cluster can be used.
    pub async fn start(&self, binaries: &Binaries, options: Options, report: Report<'_>) -> Result<()> {
        let _lock = self.lock().await?;
        for process in self.processes() {
            if process.status()?.state == "died" {
                report(&format!("{} had died; it is started again", process.name));
            }
        }
        let api_server = self.process("kube-apiserver");
        let [port] = ports(&self.directory, &api_server, report).await?;
        let server = format!("https://127.0.0.1:{port}");
        let certificates = certificates::ensure(&self.directory)?;
        self.prepare_files(binaries, &certificates, &server)?;
        self.process("etcd").ensure(&mut self.etcd(binaries, options), "", report).await?;
        api_server.ensure(&mut self.api_server(binaries, &certificates, port), "", report).await?;
        let deadline = Instant::now() + START_TIMEOUT;
        let connection = self.connect().await?;
        self.wait_for("the API server is ready", deadline, async || {
            let ready = http::Request::get("/readyz").body(Vec::new()).map_err(|error| error.to_string())?;
            connection.client().request_text(ready).await.map(drop).map_err(|error| error.to_string())
        })
        .await?;
        for (name, arguments) in self.clients(&certificates) {
            if binaries.has(name) {
                let mut command = self.command(binaries, name);
                command.arg("--kubeconfig").arg(self.kubeconfig()).args(arguments);
                self.process(name).ensure(&mut command, &server, report).await?;
            }
        }
        self.wait_for("the cluster can be used", deadline, async || {
            let needed = ["/api/v1/namespaces/kube-system", "/api/v1/namespaces/default/serviceaccounts/default"];
            for path in needed {
                connection.get(path).await.map_err(|failure| failure.message)?;
            }
            if binaries.has("kwok") { nodes::ensure(&connection).await.map_err(|failure| failure.message) } else { Ok(()) }
        })
        .await
    }

    /// A tool with the directory as its working directory and home, and nothing else of the user's environment: what runs is
    /// the same from whichever terminal it was started. How much memory Go gives for time may be said, by Go's own variable.
    fn command(&self, binaries: &Binaries, tool: &str) -> Command {
        let mut command = binaries.command(tool);
        command.current_dir(&self.directory).env_clear().env("HOME", &self.directory);
        command.envs(std::env::var_os("GOGC").map(|percent| ("GOGC", percent)));
        command
    }

    /// The processes that talk to the API server, each with its flags.
    fn clients(&self, certificates: &Certificates) -> [(&'static str, Vec<OsString>); 3] {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let mut manager = words(&["--leader-elect=false", "--secure-port=0", "--use-service-account-credentials"]);
        manager.extend(["--service-account-private-key-file".into(), self.directory.join("service-account.key").into()]);
        manager.extend(["--root-ca-file".into(), certificates.authority.clone().into()]);
        let kwok = words(&[
            "--manage-all-nodes=false",
            "--node-lease-duration-seconds=40",
            "--manage-nodes-with-annotation-selector",
            &nodes::selector(),
            "--config=kwok.yaml",
        ]);
        [
            ("kube-controller-manager", manager),
            ("kube-scheduler", words(&["--leader-elect=false", "--secure-port=0"])),
            ("kwok", kwok),
        ]
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

    fn prepare_files(&self, binaries: &Binaries, certificates: &Certificates, server: &str) -> Result<()> {
        let key = self.directory.join("service-account.key");
        if !key.exists() {
            let pair = rcgen::KeyPair::generate().map_err(|error| Error::environment(format!("cannot make a key: {error}")))?;
            store(&self.directory.join("service-account.pub"), pair.public_key_pem().as_bytes())?;
            store(&key, pair.serialize_pem().as_bytes())?;
        }
        let tokens = self.directory.join("tokens.csv");
        if !tokens.exists() {
            store(&tokens, format!("{},kfctl-admin,kfctl-admin,\"system:masters\"\n", random_token()?).as_bytes())?;
        }
        let admin = read(&tokens)?.unwrap_or_default();
        let token = admin.split(',').next().unwrap_or_default();
        self.write_kubeconfig(&self.kubeconfig(), certificates, "kfctl-admin", token, server)?;
        if !binaries.has("kwok") {
            return Ok(());
        }
        let stages = binaries.command("kwok-stages").output();
        let stages = stages.map_err(|error| Error::environment(format!("cannot run kwok-stages: {error}")))?;
        store(&self.directory.join("kwok.yaml"), &stages.stdout)
    }

    /// Writes a kubeconfig for a user of this cluster.
    fn write_kubeconfig(&self, path: &Path, certificates: &Certificates, user: &str, token: &str, server: &str) -> Result<()> {
        use base64::Engine;
        let authority =
            std::fs::read(&certificates.authority).map_err(|error| Error::io("read", &certificates.authority, &error))?;
        let (context, authority) = (self.context(), base64::engine::general_purpose::STANDARD.encode(authority));
        let text = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": context, "cluster": {"server": server, "certificate-authority-data": authority}}],
            "users": [{"name": user, "user": {"token": token}}],
            "contexts": [{"name": context, "context": {"cluster": context, "user": user}}],
            "current-context": context,
        });
        let text = crate::yaml::to_string(&text);
        if read(path)?.as_deref() == Some(text.as_str()) { Ok(()) } else { store(path, text.as_bytes()) }
    }

    /// A kubeconfig for a role, by its service account's token.
    pub(super) fn role_kubeconfig(&self, role: &str, user: &str, token: &str, server: &str) -> Result<PathBuf> {
        let path = self.directory.join(format!("{role}.kubeconfig"));
        self.write_kubeconfig(&path, &certificates::ensure(&self.directory)?, user, token, server)?;
        Ok(path)
    }

    /// etcd knows no users: whoever reaches it reads every Secret. So it listens on sockets in this directory, which only this
    /// user can enter. Their names are relative, for a socket's path may have no more than 107 bytes.
    fn etcd(&self, binaries: &Binaries, options: Options) -> Command {
        let mut command = self.command(binaries, "etcd");
        command.args(["--data-dir=etcd", "--listen-client-urls", CLIENT_SOCKET, "--advertise-client-urls", CLIENT_SOCKET]);
        command.args(["--listen-peer-urls", PEER_SOCKET, "--initial-advertise-peer-urls", PEER_SOCKET]);
        command.arg(format!("--initial-cluster=default={PEER_SOCKET}"));
        if options.unsafe_no_fsync {
            command.arg("--unsafe-no-fsync");
        }
        command
    }

    /// The address is advertised and not looked up, so that it starts on a machine without a network too.
    fn api_server(&self, binaries: &Binaries, certificates: &Certificates, port: u16) -> Command {
        let mut command = self.command(binaries, "kube-apiserver");
        command.arg(format!("--etcd-servers={CLIENT_SOCKET}")).arg(format!("--secure-port={port}"));
        command.args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none"]);
        command.arg("--tls-cert-file").arg(&certificates.certificate).arg("--tls-private-key-file").arg(&certificates.key);
        command
            .args(["--service-account-key-file=service-account.pub", "--service-account-signing-key-file=service-account.key"]);
        command.args(["--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.0.0.0/16"]);
        command.args(["--token-auth-file=tokens.csv", "--authorization-mode=Node,RBAC", "--allow-privileged=true"]);
        command
    }

    /// Stops everything; nothing is lost.
    pub async fn stop(&self) -> Result<()> {
        let _lock = self.lock().await?;
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
        let _lock = self.lock().await?;
        self.stop_all().await?;
        std::fs::remove_dir_all(&self.directory).map_err(|error| Error::io("delete", &self.directory, &error))
    }
}
