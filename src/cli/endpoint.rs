//! `endpoint`.

#![allow(clippy::doc_markdown, reason = "the help prints these comments")]

use clap::{Args, Subcommand};

/// `endpoint`.
#[derive(Debug, Subcommand)]
pub enum Endpoint {
    /// Let the gateway lead to a Service, and name who may use it besides those whose the namespace is
    #[command(
        after_help = "Examples:\n  kfctl endpoint allow mnist -n kubeflow-jane                     those whose the namespace is\n  kfctl endpoint allow mnist -n kubeflow-jane --user bob@acme.com --group data-science\n  kfctl endpoint allow mnist -n kubeflow-jane --service-account kubeflow-bob/default-editor\n\nIt opens https://HOST/models/NAMESPACE/NAME/, which the model sees as /. A KServe InferenceService is found by its name."
    )]
    Allow {
        /// The Service
        #[command(flatten)]
        place: Service,
        /// Who
        #[command(flatten)]
        who: Subjects,
        /// Let the server check it, and write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Take back what was allowed; with --all close the endpoint
    #[command(
        after_help = "Examples:\n  kfctl endpoint revoke mnist -n kubeflow-jane --user bob@acme.com\n  kfctl endpoint revoke mnist -n kubeflow-jane --all"
    )]
    Revoke {
        /// The Service
        #[command(flatten)]
        place: Service,
        /// From whom
        #[command(flatten)]
        who: Subjects,
        /// From everybody: the gateway leads there no more
        #[arg(long, conflicts_with_all = ["users", "groups", "accounts"], required_unless_present_any = ["users", "groups", "accounts"])]
        all: bool,
        /// Let the server check it, and write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// List endpoints: where they are, who may use them, and whether they are open
    #[command(after_help = "Examples:\n  kfctl endpoint list -n kubeflow-jane\n  kfctl endpoint list -n kubeflow-jane -o json")]
    List {
        /// The namespace
        #[arg(long, short = 'n', value_name = "NAMESPACE")]
        namespace: String,
    },
}

/// A Service of a namespace.
#[derive(Debug, Clone, Args)]
pub struct Service {
    /// Name of the Service, or of the KServe InferenceService
    pub name: String,
    /// Its namespace
    #[arg(long, short = 'n', value_name = "NAMESPACE")]
    pub namespace: String,
}

/// Users, groups and service accounts.
#[derive(Debug, Clone, Args)]
pub struct Subjects {
    /// A user, letter for letter as `kubectl auth whoami` shows them; may be given several times
    #[arg(long = "user", value_name = "NAME")]
    pub users: Vec<String>,
    /// A group; may be given several times
    #[arg(long = "group", value_name = "NAME")]
    pub groups: Vec<String>,
    /// A service account, whose pods have a sidecar; may be given several times
    #[arg(long = "service-account", value_name = "NAMESPACE/NAME")]
    pub accounts: Vec<String>,
}
