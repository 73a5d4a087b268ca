//! The control plane's binaries: taken from where there are some, else built once with the machine's Go.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest, Sha256};

use super::Report;
use crate::digest::hex;
use crate::error::{Error, Result};

/// The Go module, as it is in this repository.
const MODULE: [(&str, &str); 3] = [
    ("main.go", include_str!("../../platforms/local/controlplane/main.go")),
    ("go.mod", include_str!("../../platforms/local/controlplane/go.mod")),
    ("go.sum", include_str!("../../platforms/local/controlplane/go.sum")),
];

/// Where the binaries are.
#[derive(Debug, Clone)]
pub struct Binaries {
    /// `KUBEBUILDER_ASSETS`: counts for what it holds.
    assets: Option<PathBuf>,
    /// The binary that holds all tools, each behind a sub-command.
    all: PathBuf,
}

/// The part of go.mod that starts with `prefix`.
fn of_module(prefix: &str) -> &'static str {
    let line = MODULE[1].1.lines().map(str::trim).find_map(|line| line.strip_prefix(prefix));
    line.unwrap_or_default().trim()
}

/// The Kubernetes version that is built, such as `v1.37.2`.
#[must_use]
fn kubernetes_version() -> &'static str {
    of_module("k8s.io/kubernetes ")
}

fn linker_flags() -> String {
    let version = kubernetes_version();
    let mut numbers = version.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    let package = "k8s.io/component-base/version";
    format!("-s -w -X {package}.gitVersion={version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}")
}

impl Binaries {
    /// Finds them; builds what no place holds. `cache` is kfctl's cache directory.
    pub fn find_or_build(cache: &Path, report: Report<'_>) -> Result<Self> {
        let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from).filter(|path| path.is_dir());
        let hash = MODULE.iter().fold(Sha256::new().chain_update(linker_flags()), |hash, (_, text)| hash.chain_update(text));
        let key = hex(&hash.finalize()[..8]);
        let folder = cache.join("controlplane").join(key);
        let all = folder.join("controlplane");
        if !all.exists() {
            build(&folder, &all, report)?;
        }
        Ok(Self { assets, all })
    }

    /// A command that runs this tool.
    #[must_use]
    pub fn command(&self, tool: &str) -> Command {
        if let Some(path) = self.assets.as_ref().map(|assets| assets.join(tool)).filter(|path| path.exists()) {
            Command::new(path)
        } else {
            let mut command = Command::new(&self.all);
            command.arg(tool);
            command
        }
    }

    /// The binary that holds all tools; called by a link named like one of them, it is that tool.
    #[must_use]
    pub fn multi_call(&self) -> &Path {
        &self.all
    }
}

fn build(folder: &Path, binary: &Path, report: Report<'_>) -> Result<()> {
    let io = |what: &'static str, path: &Path| {
        let path = path.to_owned();
        move |error: std::io::Error| Error::io(what, &path, &error)
    };
    check_go()?;
    fs::create_dir_all(folder).map_err(io("create", folder))?;
    let lock_path = folder.join("lock");
    let lock = fs::File::create(&lock_path).map_err(io("write", &lock_path))?;
    let _lock = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, error)| Error::io("lock", &lock_path, &error.into()))?;
    if binary.exists() {
        // Another kfctl built it while this one waited.
        return Ok(());
    }
    let source = folder.join("source");
    fs::create_dir_all(&source).map_err(io("create", &source))?;
    for (name, text) in MODULE {
        let path = source.join(name);
        fs::write(&path, text).map_err(io("write", &path))?;
    }
    let version = kubernetes_version();
    report(&format!("building Kubernetes {version} with Go: once, about 10 minutes on 2 cores"));
    let log_path = folder.join("build.log");
    let log = fs::File::create(&log_path).map_err(io("write", &log_path))?;
    let fresh = folder.join("controlplane.new");
    let started = Instant::now();
    let mut child = Command::new("go")
        .args(["build", "-trimpath", "-ldflags", &linker_flags(), "-o"])
        .arg(&fresh)
        .arg(".")
        .current_dir(&source)
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(io("write", &log_path))?)
        .stderr(log)
        .spawn()
        .map_err(|error| Error::environment(format!("cannot run go: {error}")))?;
    let mut told = Duration::ZERO;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|error| Error::environment(format!("cannot wait for go: {error}")))? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(200));
        if started.elapsed().checked_sub(told).unwrap() >= Duration::from_secs(30) {
            told = started.elapsed();
            report(&format!("building Kubernetes {version}: {} s so far", told.as_secs()));
        }
    };
    if !status.success() {
        let mut text = String::new();
        let _ = fs::File::open(&log_path).and_then(|mut file| file.read_to_string(&mut text));
        let error = Error::environment(format!("go could not build Kubernetes {version}"));
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(8)..].iter().fold(error, |error, line| error.detail(*line));
        return Err(tail
            .hint(format!("the whole log is {}", log_path.display()))
            .hint("it needs some GB of disk and the Go module proxy"));
    }
    fs::rename(&fresh, binary).map_err(io("write", binary))?;
    report(&format!("built Kubernetes {version} in {} s", started.elapsed().as_secs()));
    Ok(())
}

/// Go has to be there, and new enough for the module.
fn check_go() -> Result<()> {
    let wanted = of_module("go ");
    let help = |error: Error| {
        error
            .hint(format!("install Go {wanted} or newer from https://go.dev/dl and run the same command again"))
            .hint("or name a directory with etcd, kube-apiserver and kube-controller-manager by KUBEBUILDER_ASSETS")
    };
    let output = Command::new("go").args(["env", "GOVERSION"]).output().map_err(|error| {
        help(Error::environment(if error.kind() == std::io::ErrorKind::NotFound {
            "platform local builds Kubernetes once, and there is no Go to do it".to_owned()
        } else {
            format!("cannot run go: {error}")
        }))
    })?;
    let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let numbers = |version: &str| -> Vec<u32> {
        let digits = version.trim_start_matches("go").split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap_or_default();
        digits.split('.').filter_map(|number| number.parse().ok()).collect()
    };
    if numbers(&found) >= numbers(wanted) {
        return Ok(());
    }
    Err(help(Error::environment(format!("platform local builds Kubernetes once with Go {wanted} or newer, and this is {found}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_from_the_module() {
        assert!(kubernetes_version().starts_with("v1."), "{}", kubernetes_version());
        assert!(of_module("go ").starts_with("1."));
        assert!(linker_flags().contains(&format!("gitVersion={}", kubernetes_version())));
    }
}
