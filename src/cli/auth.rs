//! `auth`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `auth`.
#[derive(Debug, Subcommand)]
pub enum Auth {
    /// Give a user a new password
    #[command(
        after_help = "Examples:\n  kfctl auth rotate-password\n  kfctl auth rotate-password jane@acme.com\n  pass show kubeflow | kfctl auth rotate-password jane@acme.com --password-stdin\n\nThe new password is shown once, on a terminal; only its hash is kept. Who is logged in stays so until the login ends."
    )]
    RotatePassword {
        /// Whose [default: the user, where there is one alone]
        email: Option<String>,
        /// Take the password from standard input, and show none
        #[arg(long)]
        password_stdin: bool,
    },
    /// Tell whether a request with a token is let in, which policy decides, and why; sends nothing to the gateway
    #[command(
        after_help = "Examples:\n  kfctl auth test --token-file token --path /notebook/kubeflow-jane/nb/\n  kfctl auth test --token-file token --path /models/kubeflow-jane/mnist/v1/models/mnist --method POST -o json\n\nThe token is never printed. It takes the right to read the policies of the gateway's namespace and of the namespace asked for.\n\nExit codes: 0 allowed, 1 refused, or it can't be told."
    )]
    Test(AuthTest),
    /// Add, list and remove users
    #[command(
        subcommand,
        after_help = "Examples:\n  kfctl auth user add jane@acme.com\n  kfctl auth user list\n  kfctl auth user remove jane@acme.com"
    )]
    User(AuthUser),
}

/// `auth user`.
#[derive(Debug, Subcommand)]
pub enum AuthUser {
    /// Let somebody log in
    #[command(
        after_help = "Examples:\n  kfctl auth user add jane@acme.com\n  kfctl auth user add jane@acme.com --group data-science\n  pass show kubeflow | kfctl auth user add jane@acme.com --password-stdin\n\nThe password is shown once, on a terminal; only its hash is kept."
    )]
    Add {
        /// E-mail address, letter for letter as profiles name the user
        email: String,
        /// A group that the user is in; may be given several times
        #[arg(long = "group", value_name = "NAME")]
        groups: Vec<String>,
        /// Take the password from standard input, and show none
        #[arg(long)]
        password_stdin: bool,
    },
    /// List who may log in
    #[command(after_help = "Examples:\n  kfctl auth user list\n  kfctl auth user list -o json")]
    List,
    /// Let somebody log in no more; their profile and its data stay
    #[command(after_help = "Examples:\n  kfctl auth user remove jane@acme.com")]
    Remove {
        /// E-mail address
        email: String,
    },
}

/// `auth test`.
#[derive(Clone, Args)]
pub struct AuthTest {
    /// The token; better a file, as others may see the command line. Neither: nobody is logged in
    #[arg(long, value_name = "TOKEN", conflicts_with = "token_file")]
    pub token: Option<String>,
    /// A file with the token
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Path that is asked for
    #[arg(long)]
    pub path: String,
    /// Method
    #[arg(long, default_value = "GET")]
    pub method: String,
    /// Host that is asked for; the one where the path is, unless said
    #[arg(long, value_name = "NAME")]
    pub host: Option<String>,
}

/// The token is in no log.
impl std::fmt::Debug for AuthTest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthTest").field("path", &self.path).field("method", &self.method).finish_non_exhaustive()
    }
}
