//! `delete`.

use std::time::Duration;

use clap::Args;

/// `delete`.
#[derive(Debug, Clone, Args)]
pub struct Delete {
    /// Only this component; may be given several times
    #[arg(long = "component", short = 'c', value_name = "COMPONENT")]
    pub components: Vec<String>,
    /// Delete the app of this name, from what the cluster itself knows; the app directory is not needed
    #[arg(long, value_name = "NAME")]
    pub app: Option<String>,
    /// UID of namespace kube-system there: says that this is the right cluster, where no app directory does
    #[arg(long, value_name = "UID")]
    pub cluster_uid: Option<String>,
    /// Delete users' data too: Profiles, Notebooks, their definitions and namespaces, volumes. Asks for the app's name
    #[arg(long)]
    pub delete_user_data: bool,
    /// The app's name, which --delete-user-data asks for
    #[arg(long, value_name = "NAME", requires = "delete_user_data")]
    pub confirm_app: Option<String>,
    /// How long to wait for everything to be gone
    #[arg(long, default_value = "10m", value_name = "DURATION", value_parser = super::duration)]
    pub timeout: Duration,
}
