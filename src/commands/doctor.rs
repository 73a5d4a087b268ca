//! `kfctl doctor`.
use super::Session;
use crate::error::{ExitStatus, Result};

#[allow(clippy::unused_async)]
pub(super) async fn run(_session: &Session) -> Result<ExitStatus> {
    Ok(ExitStatus::Done)
}
