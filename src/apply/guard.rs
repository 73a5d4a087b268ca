//! The right cluster: an app belongs to one, known by the UID of its namespace kube-system.

use crate::app::ClusterRecord;
use crate::cluster::Connection;
use crate::error::{Error, Kind, Result};

/// The UID of the connection's cluster; an error where the app belongs to another.
pub async fn check_cluster(connection: &Connection, recorded: Option<&ClusterRecord>) -> Result<String> {
    let uid = connection.uid().await?;
    match recorded {
        Some(recorded) if recorded.uid != uid => Err(Error::new(
            Kind::WrongCluster,
            format!("this app belongs to another cluster than {} (context {})", connection.server, connection.context),
        )
        .detail(format!("recorded: {} at {}", recorded.uid, recorded.server))
        .detail(format!("here:     {uid} at {}", connection.server))
        .hint("choose the right cluster with --context or --kubeconfig; `kubectl config get-contexts` lists what there is")
        .hint("to install the same on this cluster too, make an app of its own: `kfctl init OTHER_DIRECTORY`")),
        _ => Ok(uid),
    }
}
