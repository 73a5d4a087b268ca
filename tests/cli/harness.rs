//! Runs the real binary in a directory of its own, with an environment that holds nothing of the machine's.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use patience::output_of;

#[path = "../common/patience.rs"]
mod patience;

/// A temporary directory with a home, an empty PATH and a work directory.
pub(crate) struct Sandbox {
    root: PathBuf,
    environment: Vec<(String, String)>,
    _kept: tempfile::TempDir,
}

impl Sandbox {
    /// An empty one.
    pub(crate) fn new() -> Self {
        let kept = tempfile::tempdir().expect("a temporary directory");
        let root = kept.path().canonicalize().expect("it is there");
        for folder in ["home", "bin", "apps"] {
            std::fs::create_dir(root.join(folder)).expect("a folder");
        }
        Self { root, environment: Vec::new(), _kept: kept }
    }

    /// One with the small catalog of these tests.
    pub(crate) fn with_catalog() -> Self {
        let sandbox = Self::new().env("KFCTL_CATALOG", "[DIR]/catalog");
        sandbox.write("../catalog/templates/base/component.yaml", "description: The namespace\n");
        sandbox.write(
            "../catalog/templates/base/namespace.yaml.j2",
            "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {{ namespace }}\n",
        );
        sandbox.write(
            "../catalog/templates/web/component.yaml",
            "description: A web server\ndependsOn: [base]\nparams:\n  \
             replicas: {type: int, min: 1, max: 10, default: 1, description: How many}\n  \
             memory: {type: quantity, default: 64Mi, description: Memory of each}\n  \
             level: {type: enum, values: [info, debug], default: info, description: What is logged}\n",
        );
        sandbox.write(
            "../catalog/templates/web/web.yaml.j2",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n  namespace: {{ namespace }}\ndata:\n  \
             app: {{ app }}\n  replicas: {{ params.replicas|string }}\n  memory: {{ params.memory }}\n  level: {{ params.level }}\n",
        );
        sandbox.write("../catalog/templates/extra/component.yaml", "description: Not for everybody\ndependsOn: [web]\n");
        sandbox.write(
            "../catalog/platforms/none/platform.yaml",
            "description: A cluster that is there\ncomponents: [base, web]\nprovision: existing\n",
        );
        sandbox
    }

    /// One with that catalog and an app in the work directory.
    pub(crate) fn with_app(more: &str) -> Self {
        let sandbox = Self::with_catalog();
        sandbox.app(more);
        sandbox
    }

    /// Writes app.yaml into the work directory.
    pub(crate) fn app(&self, more: &str) {
        self.write("app.yaml", format!("apiVersion: kfctl.kubeflow.org/v1alpha1\nkind: App\nname: shop\nplatform: none\n{more}"));
    }

    /// Sets a variable; `[DIR]` stands for the sandbox.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        let value = value.replace("[DIR]", &self.root.to_string_lossy());
        self.environment.push((name.to_owned(), value));
        self
    }

    /// A path below the work directory.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join("apps").join(relative)
    }

    /// Writes a file below the work directory, with its folders.
    pub(crate) fn write(&self, relative: &str, content: impl AsRef<[u8]>) {
        let path = self.path(relative);
        let folder = path.parent().expect("a file has a folder");

        std::fs::create_dir_all(folder).expect("folders");
        std::fs::write(path, content).expect("a file");
    }

    /// Reads a file below the work directory.
    pub(crate) fn read(&self, relative: &str) -> String {
        std::fs::read_to_string(self.path(relative)).unwrap_or_else(|error| panic!("{relative}: {error}"))
    }

    /// Every file below the work directory, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let (mut found, mut open) = (Vec::new(), vec![self.path("")]);
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
                if entry.is_dir() {
                    open.push(entry);
                } else {
                    let below = entry.strip_prefix(self.path("")).expect("it is below");
                    found.push(below.to_string_lossy().into_owned());
                }
            }
        }
        found.sort();
        found
    }

    /// Puts a program on the PATH that the binary sees.
    pub(crate) fn program(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        self.write(&format!("../bin/{name}"), format!("#!/bin/sh\n{script}\n"));
        std::fs::set_permissions(self.path(format!("../bin/{name}")), PermissionsExt::from_mode(0o755)).expect("a mode");
    }

    /// The command, ready to run in `directory` below the work directory.
    pub(crate) fn command(&self, directory: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kfctl"));
        command.args(arguments).current_dir(self.path(directory)).env_clear().stdin(Stdio::null());
        command.env("HOME", self.root.join("home")).env("PATH", self.root.join("bin")).env("NO_COLOR", "1");
        for (name, below) in
            [("XDG_CONFIG_HOME", "home/.config"), ("XDG_CACHE_HOME", "home/.cache"), ("XDG_DATA_HOME", "home/.local/share")]
        {
            command.env(name, self.root.join(below));
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs it in the work directory: exit code, standard output and standard error as one text.
    pub(crate) fn kfctl(&self, arguments: &[&str]) -> String {
        self.kfctl_in("", arguments)
    }

    /// Runs it in a directory below the work directory.
    pub(crate) fn kfctl_in(&self, directory: &str, arguments: &[&str]) -> String {
        let Output { status, stdout, stderr } = output_of(&mut self.command(directory, arguments));
        let text = |bytes: &[u8]| self.hidden(&String::from_utf8_lossy(bytes));
        format!("exit: {}\n--- stdout\n{}--- stderr\n{}", status.code().unwrap_or(-1), text(&stdout), text(&stderr))
    }

    /// Runs what has to succeed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = output_of(&mut self.command("", arguments));
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The text with what differs from run to run hidden.
    pub(crate) fn hidden(&self, text: &str) -> String {
        let text = text.replace(&*self.root.to_string_lossy(), "[DIR]");
        let mut result = String::new();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let hex = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
            if hex == 64 {
                result.push_str("[SHA256]");
                rest = &rest[hex..];
            } else {
                let length = if hex > 0 { hex } else { rest.chars().next().map_or(1, char::len_utf8) };
                result.push_str(&rest[..length]);
                rest = &rest[length..];
            }
        }
        result
    }
}
