//! `kfctl version`.

use super::Session;
use crate::error::{ExitStatus, Result};

#[allow(clippy::unnecessary_wraps, reason = "the shape of every command")]
pub(super) fn run(session: &Session) -> Result<ExitStatus> {
    let version = env!("CARGO_PKG_VERSION");
    session.printer.json(&serde_json::json!({"version": version}));
    session.printer.line(format!("kfctl {version}"));
    Ok(ExitStatus::Done)
}
