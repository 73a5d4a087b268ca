//! `auth`.

use clap::Subcommand;

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
