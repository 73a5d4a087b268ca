//! `kfctl completions`: for five shells. Copies are kept in completions/.

use clap::CommandFactory;
use clap_complete::Shell;

use super::Session;
use crate::cli::Cli;
use crate::error::{ExitStatus, Result};

#[allow(clippy::unnecessary_wraps, reason = "the shape of every command")]
pub(super) fn run(session: &Session, shell: Shell) -> Result<ExitStatus> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "kfctl", &mut text);
    let text = String::from_utf8_lossy(&text);
    session.printer.json(&serde_json::json!({"shell": shell.to_string(), "script": text}));
    session.printer.raw(&text);
    Ok(ExitStatus::Done)
}
