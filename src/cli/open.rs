//! `open`.

use clap::Args;

/// `open`.
#[derive(Debug, Clone, Args)]
pub struct Open {
    /// The page
    #[arg(default_value = "/jupyter")]
    pub path: String,
    /// Print the address, and open no browser
    #[arg(long)]
    pub no_browser: bool,
    /// Print the address and nothing else; fails where only a port of this machine would lead there
    #[arg(long)]
    pub url: bool,
}
