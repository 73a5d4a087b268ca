//! Processes that outlive kfctl. A pid file names the process by pid, start time and boot, so that a recycled pid is never
//! taken for it: nothing that kfctl did not start is ever signalled.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use super::Report;
use super::state::read;
use crate::digest::sha256;
use crate::directories::store;
use crate::error::{Error, Result};

/// How long a process may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(15);
/// Bytes of a log beyond which the next start begins a new one; one older one is kept.
const LONGEST_LOG: u64 = 32 << 20;

/// A process that kfctl keeps.
#[derive(Debug, Clone)]
pub(super) struct Process {
    /// Its name, such as `etcd`.
    pub name: String,
    directory: PathBuf,
}

/// What a pid file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    /// Absent while it is being started: a kfctl killed right then leaves a process that its environment names.
    pid: Option<i32>,
    /// Clock ticks since boot at which it started.
    start: u64,
    boot: String,
    /// Digest of what it was started with.
    fingerprint: String,
}

/// The environment variable that holds the path of a process's own pid file.
const MARK: &str = "KFCTL_PROCESS";

/// How a process is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessStatus {
    /// Its name.
    pub name: String,
    /// `running`, `stopped`, or `died`: it was started, was not stopped by kfctl, and is gone.
    pub state: &'static str,
    /// Its pid, while it runs.
    pub pid: Option<i32>,
    /// Its log.
    pub log: PathBuf,
    /// Where it answers, while it runs: an URL of this machine.
    pub address: Option<String>,
}

fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// Start time of a process that has not ended; `None` where there is none. A zombie has ended.
fn start_of(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command's name, in parentheses, may hold anything; what follows the last one is regular.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    (*fields.first()? != "Z").then(|| fields.get(19)?.parse().ok())?
}

/// Pid and start time of the process whose environment holds this entry.
fn marked(entry: &str) -> Option<(i32, u64)> {
    let pids = fs::read_dir("/proc").into_iter().flatten().filter_map(|found| found.ok()?.file_name().to_str()?.parse().ok());
    let mut found = pids.filter(|pid: &i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|it| it == entry.as_bytes())
    });
    found.find_map(|pid| Some((pid, start_of(pid)?)))
}

/// Digest of what a command would run: the program as it is on disk, and its arguments.
fn fingerprint(command: &Command, depends_on: &str) -> String {
    let program = fs::metadata(command.get_program()).map(|file| (file.len(), file.modified().ok())).ok();
    sha256(format!("{command:?} {program:?} {depends_on}").as_bytes())
}

impl Process {
    pub(super) fn new(directory: &Path, name: &str) -> Self {
        Self { name: name.to_owned(), directory: directory.to_owned() }
    }

    fn pid_file(&self) -> PathBuf {
        self.directory.join(format!("{}.pid", self.name))
    }

    pub(super) fn log(&self) -> PathBuf {
        self.directory.join("logs").join(format!("{}.log", self.name))
    }

    fn mark(&self) -> String {
        format!("{MARK}={}", self.pid_file().display())
    }

    fn identity(&self) -> Result<Option<Identity>> {
        let Some(text) = read(&self.pid_file())? else { return Ok(None) };
        let mut identity: Identity = serde_json::from_str(&text).map_err(|error| {
            Error::environment(format!("{} does not say which process {} is: {error}", self.pid_file().display(), self.name))
                .hint("end that process yourself if it runs, delete this file, and run the same command again")
        })?;
        if identity.pid.is_none()
            && let Some((pid, start)) = marked(&self.mark())
        {
            (identity.pid, identity.start) = (Some(pid), start);
        }
        Ok(Some(identity))
    }

    fn running(&self) -> Result<Option<(i32, Identity)>> {
        let running = |identity: Identity| {
            let pid = identity.pid?;
            (identity.boot == boot() && start_of(pid) == Some(identity.start)).then_some((pid, identity))
        };
        Ok(self.identity()?.and_then(running))
    }

    /// Its pid, while it runs.
    pub(super) fn pid(&self) -> Result<Option<i32>> {
        Ok(self.running()?.map(|(pid, _)| pid))
    }

    pub(super) fn status(&self) -> Result<ProcessStatus> {
        let pid = self.pid()?;
        let state = match (pid, self.pid_file().exists()) {
            (Some(_), _) => "running",
            (None, true) => "died",
            (None, false) => "stopped",
        };
        Ok(ProcessStatus { name: self.name.clone(), state, pid, log: self.log(), address: None })
    }

    /// Lets it run by this command: starts it, or starts it again where it runs by another command, another program, or on
    /// what has changed since (`depends_on`).
    pub(super) async fn ensure(&self, command: &mut Command, depends_on: &str, report: Report<'_>) -> Result<()> {
        let wanted = fingerprint(command, depends_on);
        if let Some((_, running)) = self.running()? {
            if running.fingerprint == wanted {
                return Ok(());
            }
            report(&format!("{} runs with other settings or another version; it is started again", self.name));
            self.stop().await?;
        }
        self.start(command, wanted)
    }

    /// Starts it in the background, in a process group of its own, so that neither Ctrl-C nor the end of the terminal reaches it.
    fn start(&self, command: &mut Command, fingerprint: String) -> Result<()> {
        let log = self.log();
        if fs::metadata(&log).is_ok_and(|log| log.len() > LONGEST_LOG) {
            fs::rename(&log, log.with_extension("log.1")).map_err(|error| Error::io("rename", &log, &error))?;
        }
        let open = || {
            fs::OpenOptions::new()
                .create(true)
                .append(true)
                .mode(0o600)
                .open(&log)
                .map_err(|error| Error::io("write", &log, &error))
        };
        let mut identity = Identity { pid: None, start: 0, boot: boot(), fingerprint };
        let write = |identity: &Identity| store(&self.pid_file(), &serde_json::to_vec(identity).expect("plain data"));
        write(&identity)?;
        let child = command
            .env(MARK, self.pid_file())
            .stdin(Stdio::null())
            .stdout(open()?)
            .stderr(open()?)
            .process_group(0)
            .spawn()
            .map_err(|error| Error::environment(format!("cannot start {}: {error}", self.name)))?;
        let pid = i32::try_from(child.id()).map_err(|error| Error::environment(error.to_string()))?;
        (identity.pid, identity.start) = (Some(pid), start_of(pid).unwrap_or_default());
        write(&identity)
    }

    /// Sends a signal to it, and to no other that may have its pid by now: what is looked at is what is signalled.
    fn signal(&self, pid: i32, signal: Signal) -> Result<()> {
        let descriptor = Pid::from_raw(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        if let Some(descriptor) = descriptor
            && self.pid()? == Some(pid)
        {
            // It may end between the look and the signal.
            let _ = pidfd_send_signal(descriptor, signal);
        }
        Ok(())
    }

    /// Ends it: asks first, and kills where that is not heeded.
    pub(super) async fn stop(&self) -> Result<()> {
        for signal in [Signal::TERM, Signal::KILL] {
            let Some(pid) = self.pid()? else { break };
            self.signal(pid, signal)?;
            let deadline = Instant::now() + PATIENCE;
            while self.pid()?.is_some() && Instant::now() < deadline {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        if let Some(pid) = self.pid()? {
            return Err(Error::environment(format!("{} (pid {pid}) does not end, even when killed", self.name)));
        }
        match fs::remove_file(self.pid_file()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("delete", &self.pid_file(), &error)),
            _ => Ok(()),
        }
    }

    /// The last lines of its log.
    pub(super) fn last_lines(&self, count: usize) -> Vec<String> {
        let tail = || -> std::io::Result<String> {
            let mut file = fs::File::open(self.log())?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(64 * 1024)))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        let text = tail().unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(count)..].iter().map(|line| (*line).to_owned()).collect()
    }

    /// An error that says it has died, with the end of its log.
    pub(super) fn died(&self) -> Error {
        let error = Error::environment(format!("{} died", self.name));
        self.last_lines(5).into_iter().fold(error, Error::detail).hint(format!("its whole log is {}", self.log().display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(process: &Process, identity: &Identity) {
        store(&process.pid_file(), &serde_json::to_vec(identity).unwrap()).unwrap();
    }

    async fn sleeper(directory: &Path) -> (Process, i32) {
        fs::create_dir_all(directory.join("logs")).unwrap();
        let process = Process::new(directory, "sleeper");
        process.ensure(Command::new("sleep").arg("60"), "", &|_| ()).await.unwrap();
        let pid = process.pid().unwrap().expect("it runs");
        (process, pid)
    }

    #[tokio::test]
    async fn a_killed_process_is_told_from_a_stopped_one() {
        let directory = tempfile::tempdir().unwrap();
        let (process, pid) = sleeper(directory.path()).await;
        process.signal(pid, Signal::KILL).unwrap();
        while process.pid().unwrap().is_some() {
            tokio::task::yield_now().await;
        }
        assert_eq!(process.status().unwrap().state, "died");
        process.stop().await.unwrap();
        assert_eq!(process.status().unwrap().state, "stopped");
    }

    #[tokio::test]
    async fn a_recycled_pid_is_not_hit() {
        let directory = tempfile::tempdir().unwrap();
        let (process, pid) = sleeper(directory.path()).await;
        let ours = process.identity().unwrap().unwrap();
        // The pid file of a process that has gone, whose pid another has now.
        let recycled = Identity { start: ours.start + 1, ..ours.clone() };
        for other in [recycled, Identity { boot: "another".into(), ..ours.clone() }] {
            write(&process, &other);
            process.stop().await.unwrap();
            assert_eq!(start_of(pid), Some(ours.start), "a process that is not ours was ended");
        }
        write(&process, &ours);
        process.stop().await.unwrap();
        assert_eq!(start_of(pid), None);
    }

    #[tokio::test]
    async fn a_process_whose_start_was_cut_off_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let (process, pid) = sleeper(directory.path()).await;
        let ours = process.identity().unwrap().unwrap();
        write(&process, &Identity { pid: None, start: 0, ..ours });
        assert_eq!(process.pid().unwrap(), Some(pid));
        process.stop().await.unwrap();
        assert_eq!(start_of(pid), None);
    }

    #[tokio::test]
    async fn what_runs_otherwise_than_wanted_is_started_again() {
        let directory = tempfile::tempdir().unwrap();
        let (process, first) = sleeper(directory.path()).await;
        process.ensure(Command::new("sleep").arg("60"), "", &|_| ()).await.unwrap();
        assert_eq!(process.pid().unwrap(), Some(first));
        process.ensure(Command::new("sleep").arg("60"), "another port", &|_| ()).await.unwrap();
        assert_ne!(process.pid().unwrap(), Some(first));
        assert_eq!(start_of(first), None);
        process.stop().await.unwrap();
    }

    #[tokio::test]
    async fn a_pid_file_that_says_nothing_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let process = Process::new(directory.path(), "sleeper");
        fs::write(process.pid_file(), "").unwrap();
        let error = process.stop().await.unwrap_err().to_string();
        assert!(error.contains("does not say which process sleeper is"), "{error}");
        assert!(process.pid_file().exists());
    }
}
