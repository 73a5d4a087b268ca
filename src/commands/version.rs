//! `kfctl version`.

use super::Session;
use crate::error::{ExitStatus, Result};

#[allow(clippy::unnecessary_wraps, reason = "the shape of every command")]
pub(super) fn run(session: &Session) -> Result<ExitStatus> {
    let version = env!("CARGO_PKG_VERSION");
    // A release is built with this variable; a build of one's own is of no commit for sure.
    let commit = option_env!("KFCTL_COMMIT").filter(|commit| !commit.is_empty());
    session.printer.json(&serde_json::json!({"version": version, "commit": commit}));
    session.printer.line(format!("kfctl {version}{}", commit.map(|commit| format!(" ({commit})")).unwrap_or_default()));
    Ok(ExitStatus::Done)
}
