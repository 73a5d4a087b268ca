//! `profile`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

/// `profile`.
#[derive(Debug, Subcommand)]
pub enum Profile {
    /// Make a profile: a namespace with an owner and a quota
    #[command(
        after_help = "Examples:\n  kfctl profile create jane --user jane@foo.com\n  kfctl profile create team-a --group data-science --namespace team-a\n  kfctl profile create jane --user jane@foo.com --quota requests.cpu=8 --dry-run -o yaml"
    )]
    Create {
        /// Name of the profile
        name: String,
        /// The owner
        #[command(flatten)]
        owner: Who,
        /// The namespace that is made [default: kubeflow-NAME]
        #[arg(long)]
        namespace: Option<String>,
        /// A limit other than the default one; may be given several times
        #[arg(long, value_name = "RESOURCE=QUANTITY")]
        quota: Vec<String>,
        /// Let the server check it, and write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// List profiles
    #[command(after_help = "Examples:\n  kfctl profile list\n  kfctl profile list -o yaml")]
    List,
    /// Show a profile: its namespace, who may use it, and its quota
    #[command(after_help = "Examples:\n  kfctl profile show jane")]
    Show {
        /// Name of the profile
        name: String,
    },
    /// Let somebody else use the namespace
    #[command(
        after_help = "Examples:\n  kfctl profile share jane --user bob@acme.com               as the owner: a RoleBinding to Role default\n  kfctl profile share jane --user bob@acme.com --role view   as an admin of profiles: a member in the profile"
    )]
    Share {
        /// Which profile
        #[command(flatten)]
        place: Place,
        /// With whom
        #[command(flatten)]
        who: Who,
        /// Make them a member of the profile with this role instead; needs the right to change profiles
        #[arg(long, value_enum)]
        role: Option<Role>,
        /// Let the server check it, and write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Take back what was shared
    #[command(after_help = "Examples:\n  kfctl profile unshare jane --user bob@acme.com")]
    Unshare {
        /// Which profile
        #[command(flatten)]
        place: Place,
        /// From whom
        #[command(flatten)]
        who: Who,
        /// Let the server check it, and write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Give a profile another owner; the old one loses their rights
    #[command(after_help = "Examples:\n  kfctl profile transfer jane --user bob@acme.com")]
    Transfer {
        /// Name of the profile
        name: String,
        /// The new owner
        #[command(flatten)]
        owner: Who,
        /// Let the server check it, and write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Delete a profile, its namespace and everything in it
    #[command(after_help = "Examples:\n  kfctl profile delete bob\n  kfctl profile delete bob --dry-run")]
    Delete {
        /// Name of the profile
        name: String,
        /// Let the server check it, and delete nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Take over the profiles of today's Kubeflow, with their namespaces as they are
    #[command(
        after_help = "Examples:\n  kfctl profile import profiles.yaml --dry-run    what would be done, checked by the server\n  kfctl profile import profiles.yaml              with upstream's definition there: frees the namespaces, then asks\n  kfctl apply k8s --force-conflicts               ours comes in its place\n  kfctl profile import profiles.yaml              with ours there: makes the profiles\n\nThe list comes from `kubectl get profiles -o yaml`. It can be stopped and run again at any time; with nothing left to do it\nwrites nothing."
    )]
    Import {
        /// The exported list
        file: PathBuf,
        /// Remove upstream's definition without a question; its name is the answer
        #[arg(long, value_name = "NAME")]
        confirm_definition: Option<String>,
        /// How long to wait for upstream's controller to stop, and for profiles to be ready
        #[arg(long, default_value = "10m", value_parser = super::duration)]
        timeout: Duration,
        /// Let the server check it, and write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Show or change a profile's quota
    #[command(
        after_help = "Examples:\n  kfctl profile quota jane\n  kfctl profile quota jane requests.cpu=64 requests.memory=256Gi\n  kfctl profile quota jane requests.cpu-          back to the default"
    )]
    Quota {
        /// Which profile
        #[command(flatten)]
        place: Place,
        /// Limits to set, or with '-' at the end to return to the default
        #[arg(value_name = "RESOURCE=QUANTITY|RESOURCE-")]
        changes: Vec<String>,
        /// Let the server check it, and write nothing
        #[arg(long)]
        dry_run: bool,
    },
}

/// A profile, named by somebody who need not be allowed to read it.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// Name of the profile
    pub name: String,
    /// Its namespace, where you may not read the profile and it isn't kubeflow-NAME
    #[arg(long)]
    pub namespace: Option<String>,
}

/// A user, a group or a service account.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct Who {
    /// A user, letter for letter as `kubectl auth whoami` shows them
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// A group
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
    /// A service account
    #[arg(long, value_name = "NAMESPACE:NAME")]
    pub serviceaccount: Option<String>,
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Read
    View,
    /// Read and change
    Edit,
    /// The same as the owner
    Admin,
}
