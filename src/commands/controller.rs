//! `kfctl controller`: the role that runs in the cluster.

use std::net::SocketAddr;

use super::Session;
use crate::cluster::Connection;
use crate::controllers;
use crate::error::{ExitStatus, Result};

pub(super) async fn run(session: &Session, probes: SocketAddr, metrics: SocketAddr) -> Result<ExitStatus> {
    let connection = Connection::open(&session.target).await?;
    controllers::run(&connection, &controllers::Settings { probes, metrics }, session.stop.clone()).await?;
    Ok(ExitStatus::Done)
}
