//! The right cluster: an app belongs to one, known by the UID of its namespace kube-system.

use std::collections::BTreeMap;

use super::inventory::Inventory;
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

/// An error where one of these inventories was written for another cluster than this.
pub fn check_inventories(known: &BTreeMap<String, Inventory>, uid: &str) -> Result<()> {
    let Some(other) = known.values().find(|inventory| inventory.cluster_uid != uid) else { return Ok(()) };
    Err(Error::new(
        Kind::WrongCluster,
        format!("the inventory {} in this cluster was written for another cluster", other.name()),
    )
    .detail(format!("it names {}, this cluster is {uid}", other.cluster_uid))
    .hint("was this cluster restored from another's backup? Then delete that ConfigMap in namespace kubeflow-system and run again"))
}
