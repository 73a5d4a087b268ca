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
    session.printer.raw(&String::from_utf8_lossy(&text));
    Ok(ExitStatus::Done)
}
