//! `kfctl web`: the role that serves the web UI.

use super::Session;
use crate::cli::Web;
use crate::cluster::Connection;
use crate::error::{ExitStatus, Result};
use crate::web;

pub(super) async fn run(session: &Session, arguments: &Web) -> Result<ExitStatus> {
    let connection = Connection::open(&session.target).await?;
    let bare = if arguments.tokens { Some(Connection::open_without_credentials(&session.target).await?) } else { None };
    let Web { listen, probes, metrics, trial, .. } = *arguments;
    web::run(&connection, bare, &web::Settings { listen, probes, metrics, trial }, session.stop.clone()).await?;
    Ok(ExitStatus::Done)
}
