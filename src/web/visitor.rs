//! Somebody who is in: who they are, and the way to the cluster with their rights.

use crate::cluster::{Connection, Failure};
use crate::profiles::Profiles;

use super::Site;
use super::access::Deed;

/// Somebody who is in.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) user: String,
    /// The groups that count here.
    pub(super) groups: Vec<String>,
    /// The cluster, with their rights.
    pub(super) connection: Connection,
    /// Where what users run is for them: scheme, name and port, or nothing where it is here.
    pub(super) origin: String,
    /// Where they log out; nothing where that is no page of this Kubeflow.
    pub(super) sign_out: String,
}

impl Visitor {
    /// Their profiles, to be acted on as them.
    pub(super) fn profiles(&self) -> Profiles {
        Profiles { connection: self.connection.clone(), dry_run: false }
    }

    /// Whether they may do this.
    pub(super) async fn may(&self, site: &Site, deed: Deed) -> Result<bool, Failure> {
        site.access.may(self, deed).await
    }

    /// Whether a subject of a binding is this visitor, by name or by a group.
    pub(super) fn is(&self, kind: &str, name: &str) -> bool {
        match kind {
            "User" => self.user == name,
            "Group" => self.groups.iter().any(|group| group == name),
            _ => false,
        }
    }
}
