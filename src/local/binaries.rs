//! The control plane's binaries: taken from where there are some, else built once with the machine's Go.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::Report;
use super::state::lock;
use crate::digest::hex;
use crate::error::{Error, Result};

/// The Go module, as it is in this repository.
const MODULE: [(&str, &str); 3] = [
    ("main.go", include_str!("../../platforms/local/controlplane/main.go")),
    ("go.mod", include_str!("../../platforms/local/controlplane/go.mod")),
    ("go.sum", include_str!("../../platforms/local/controlplane/go.sum")),
];

/// What a cluster can't be without, and what gives it simulated nodes.
const NEEDED: [&str; 3] = ["etcd", "kube-apiserver", "kube-controller-manager"];
const SIMULATION: [&str; 3] = ["kube-scheduler", "kwok", "kwok-stages"];

/// Where the binaries are.
#[derive(Debug, Clone)]
pub struct Binaries {
    /// `KUBEBUILDER_ASSETS`: counts for what it holds.
    assets: Option<PathBuf>,
    /// The binary that holds all tools, each behind a sub-command; it need not exist where the assets hold what is needed.
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
    pub async fn find_or_build(cache: &Path, report: Report<'_>) -> Result<Self> {
        let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
        let hash = MODULE.iter().fold(Sha256::new().chain_update(linker_flags()), |hash, (_, text)| hash.chain_update(text));
        let folder = cache.join("controlplane").join(hex(&hash.finalize()[..8]));
        let binaries = Self { assets, all: folder.join("controlplane") };
        let all_of = |tools: [&str; 3]| tools.iter().all(|tool| binaries.has(tool));
        if all_of(NEEDED) && all_of(SIMULATION) {
            return Ok(binaries);
        }
        match build(&folder, &binaries.all, report).await {
            Err(BuildError::NoGo(error)) if all_of(NEEDED) => report(&format!(
                "{error}; KUBEBUILDER_ASSETS holds no scheduler and no kwok, so there are no nodes, and pods stay pending"
            )),
            Err(BuildError::NoGo(error) | BuildError::Failed(error)) => return Err(error),
            Ok(()) => {}
        }
        Ok(binaries)
    }

    fn asset(&self, tool: &str) -> Option<PathBuf> {
        self.assets.as_ref().map(|assets| assets.join(tool)).filter(|path| path.is_file())
    }

    /// Whether there is this tool.
    #[must_use]
    pub fn has(&self, tool: &str) -> bool {
        self.asset(tool).is_some() || self.all.is_file()
    }

    /// A command that runs this tool.
    #[must_use]
    pub fn command(&self, tool: &str) -> Command {
        if let Some(path) = self.asset(tool) {
            return Command::new(path);
        }
        let mut command = Command::new(&self.all);
        command.arg(tool);
        command
    }

    /// The binary that holds all tools; called by a link named like one of them, it is that tool.
    #[must_use]
    pub fn multi_call(&self) -> &Path {
        &self.all
    }
}

/// Why there was no build.
enum BuildError {
    /// There is no Go that could do it.
    NoGo(Error),
    Failed(Error),
}

impl From<Error> for BuildError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Go in this directory, whatever the user's own projects ask of it.
fn go(source: &Path) -> tokio::process::Command {
    let mut command = tokio::process::Command::new("go");
    command.current_dir(source).env("GOWORK", "off").env("GOFLAGS", "").stdin(Stdio::null()).kill_on_drop(true);
    command
}

async fn build(folder: &Path, binary: &Path, report: Report<'_>) -> Result<(), BuildError> {
    let io = |what: &'static str, path: &Path| {
        let path = path.to_owned();
        move |error: std::io::Error| Error::io(what, &path, &error)
    };
    let source = folder.join("source");
    fs::create_dir_all(&source).map_err(io("create", &source))?;
    let _lock = lock(&folder.join("lock")).await?;
    if binary.exists() {
        // Another kfctl built it while this one waited.
        return Ok(());
    }
    for (name, text) in MODULE {
        let path = source.join(name);
        fs::write(&path, text).map_err(io("write", &path))?;
    }
    check_go(&source).await.map_err(BuildError::NoGo)?;
    let version = kubernetes_version();
    report(&format!("building Kubernetes {version} with Go: once, about 10 minutes on 2 cores"));
    let log_path = folder.join("build.log");
    let log = fs::File::create(&log_path).map_err(io("write", &log_path))?;
    let fresh = folder.join("controlplane.new");
    let started = Instant::now();
    let mut child = go(&source)
        .args(["build", "-trimpath", "-ldflags", &linker_flags(), "-o"])
        .arg(&fresh)
        .arg(".")
        .stdout(log.try_clone().map_err(io("write", &log_path))?)
        .stderr(log)
        // Ctrl-C is ours to answer: dropping the child ends it.
        .process_group(0)
        .spawn()
        .map_err(|error| Error::environment(format!("cannot run go: {error}")))?;
    let mut ticks = tokio::time::interval(Duration::from_secs(30));
    ticks.tick().await;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status.map_err(|error| Error::environment(format!("cannot wait for go: {error}")))?,
            _ = ticks.tick() => report(&format!("building Kubernetes {version}: {} s so far", started.elapsed().as_secs())),
        }
    };
    if !status.success() {
        let mut text = String::new();
        let _ = fs::File::open(&log_path).and_then(|mut file| file.read_to_string(&mut text));
        let error = Error::environment(format!("go could not build Kubernetes {version}"));
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(8)..].iter().fold(error, |error, line| error.detail(*line));
        let tail = tail.hint(format!("the whole log is {}", log_path.display()));
        return Err(tail.hint("it needs some GB of disk and the Go module proxy").into());
    }
    fs::rename(&fresh, binary).map_err(io("write", binary))?;
    report(&format!("built Kubernetes {version} in {} s", started.elapsed().as_secs()));
    Ok(())
}

/// Go has to be there, and new enough for the module.
async fn check_go(source: &Path) -> Result<()> {
    let wanted = of_module("go ");
    let help = |error: Error| {
        error
            .hint(format!("install Go {wanted} or newer from https://go.dev/dl and run the same command again"))
            .hint("or name a directory with etcd, kube-apiserver and kube-controller-manager by KUBEBUILDER_ASSETS")
    };
    let output = go(source).args(["env", "GOVERSION"]).output().await.map_err(|error| {
        help(Error::environment(if error.kind() == std::io::ErrorKind::NotFound {
            "platform local builds Kubernetes once, and there is no Go to do it".to_owned()
        } else {
            format!("cannot run go: {error}")
        }))
    })?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(help(Error::environment("platform local builds Kubernetes once, and go does not run").detail(words)));
    }
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
