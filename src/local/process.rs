//! Processes that outlive kfctl. A pid file names the process by pid, start time and boot, so that a recycled pid is never
//! taken for it: nothing that kfctl did not start is ever signalled.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::state::{private_file, read};
use crate::error::{Error, Result};

/// How long a process may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(15);

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
    pid: i32,
    /// Clock ticks since boot at which it started.
    start: u64,
    boot: String,
}

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

    fn identity(&self) -> Result<Option<Identity>> {
        // A file that can't be read names no process of ours.
        Ok(read(&self.pid_file())?.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Its pid, while it runs.
    pub(super) fn pid(&self) -> Result<Option<i32>> {
        Ok(self
            .identity()?
            .filter(|identity| identity.boot == boot() && start_of(identity.pid) == Some(identity.start))
            .map(|it| it.pid))
    }

    pub(super) fn status(&self) -> Result<ProcessStatus> {
        let pid = self.pid()?;
        let state = match (pid, self.pid_file().exists()) {
            (Some(_), _) => "running",
            (None, true) => "died",
            (None, false) => "stopped",
        };
        Ok(ProcessStatus { name: self.name.clone(), state, pid, log: self.log() })
    }

    /// Starts it in the background, in a process group of its own, so that neither Ctrl-C nor the end of the terminal reaches it.
    pub(super) fn start(&self, command: &mut Command) -> Result<()> {
        let log = self.log();
        let open = || {
            fs::OpenOptions::new()
                .create(true)
                .append(true)
                .mode(0o600)
                .open(&log)
                .map_err(|error| Error::io("write", &log, &error))
        };
        let child = command
            .stdin(Stdio::null())
            .stdout(open()?)
            .stderr(open()?)
            .process_group(0)
            .spawn()
            .map_err(|error| Error::environment(format!("cannot start {}: {error}", self.name)))?;
        let pid = i32::try_from(child.id()).map_err(|error| Error::environment(error.to_string()))?;
        let identity = Identity { pid, start: start_of(pid).unwrap_or_default(), boot: boot() };
        private_file(&self.pid_file(), &serde_json::to_vec(&identity).expect("plain data"))
    }

    /// Ends it: asks first, and kills where that is not heeded.
    pub(super) async fn stop(&self) -> Result<()> {
        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            let Some(pid) = self.pid()? else { break };
            // It may end between the look and the signal.
            let _ = kill(Pid::from_raw(pid), signal);
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

    fn sleeper(directory: &Path) -> Process {
        fs::create_dir_all(directory.join("logs")).unwrap();
        let process = Process::new(directory, "sleeper");
        process.start(Command::new("sleep").arg("60")).unwrap();
        process
    }

    #[tokio::test]
    async fn a_killed_process_is_told_from_a_stopped_one() {
        let directory = tempfile::tempdir().unwrap();
        let process = sleeper(directory.path());
        let pid = process.pid().unwrap().expect("it runs");
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
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
        let process = sleeper(directory.path());
        let ours = process.identity().unwrap().unwrap();
        // The pid file of a process that has gone, whose pid another has now.
        let recycled = Identity { start: ours.start + 1, ..ours.clone() };
        private_file(&process.pid_file(), &serde_json::to_vec(&recycled).unwrap()).unwrap();
        process.stop().await.unwrap();
        assert_eq!(start_of(ours.pid), Some(ours.start), "a process that is not ours was ended");
        private_file(&process.pid_file(), &serde_json::to_vec(&Identity { boot: "another".into(), ..ours.clone() }).unwrap())
            .unwrap();
        process.stop().await.unwrap();
        assert_eq!(start_of(ours.pid), Some(ours.start), "a process of another boot was ended");
        private_file(&process.pid_file(), &serde_json::to_vec(&ours).unwrap()).unwrap();
        process.stop().await.unwrap();
        assert_eq!(start_of(ours.pid), None);
    }
}
