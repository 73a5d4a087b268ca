//! `sources`.

use std::path::PathBuf;

use clap::Subcommand;

/// `sources`.
#[derive(Debug, Subcommand)]
pub enum Sources {
    /// List them, and where each would be taken from
    #[command(after_help = "Examples:\n  kfctl sources list\n  KFCTL_SOURCES=/mnt/mirror kfctl sources list")]
    List,
    /// Fill a directory with all of them, for a machine without a network
    #[command(after_help = "Examples:\n  kfctl sources fetch mirror\n  kfctl generate k8s --sources mirror")]
    Fetch {
        /// The directory; files in it are named by their sha256
        directory: PathBuf,
    },
}
