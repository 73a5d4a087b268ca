//! Programs that run beside a test, and end with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::harness::until;

/// A process of this test; ended with it. Where the test has failed, the end of its log is shown.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    pub(crate) fn start(name: &'static str, directory: &Path, command: &mut Command) -> Self {
        let log = directory.join(format!("{name}.log"));
        let file = fs::File::create(&log).expect("a log");
        let output = file.try_clone().expect("a log");
        let child = command.current_dir(directory).stdin(Stdio::null()).stdout(output).stderr(file).spawn();
        Self { name, child: child.unwrap_or_else(|error| panic!("{name} does not start: {error}")), log }
    }

    /// Ends it before the test does.
    pub(crate) fn end(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).expect("it ends");
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Looks until it is so; a process that has ended will never do it.
    pub(crate) fn until(&mut self, what: &str, mut look: impl FnMut() -> bool) {
        until(&format!("{}: {what}", self.name), || {
            let ended = self.child.try_wait().expect("a child");
            assert!(ended.is_none(), "{} has ended: {}", self.name, self.log());
            look()
        });
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("{} said at last:\n{}", self.name, lines[lines.len().saturating_sub(40)..].join("\n"));
        }
    }
}
