//! One file a verb: settings in, exit status out. Nothing below knows of clap; nothing here talks to a server by itself.

mod access;
mod apply;
mod auth;
mod completions;
mod component;
mod controller;
mod delete;
mod diff;
mod doctor;
mod endpoint;
mod generate;
mod image;
mod init;
mod local;
mod open;
mod overlay;
mod param;
mod platform;
mod preparation;
mod profile;
mod prune;
mod quickstart;
mod removal;
mod sources;
mod status;
mod version;
mod web;

use std::path::{Path, PathBuf};

use tokio::sync::watch;

use crate::app::App;
use crate::catalog::Catalog;
use crate::cli::{Cli, Command, Overlay, Scope};
use crate::cluster::Target;
use crate::error::{Error, ExitStatus, Result};
use crate::ui::Printer;

/// What every command has at hand.
#[derive(Debug, Clone)]
pub struct Session {
    /// Where output goes.
    pub printer: Printer,
    /// The cluster named on the command line.
    pub target: Target,
    /// Whether to say more.
    pub verbose: bool,
    /// A mirror of other projects' manifests that the command line names.
    pub sources: Option<PathBuf>,
    /// Turns true when the user wants to stop.
    pub stop: watch::Receiver<bool>,
}

#[allow(clippy::unused_self, reason = "every command asks its session, wherever the answer comes from")]
impl Session {
    fn app(&self) -> Result<App> {
        App::find(Path::new("."))
    }

    /// Whether the command line names a cluster, in place of the app's own.
    fn names_a_cluster(&self) -> bool {
        self.target.kubeconfig.is_some() || self.target.context.is_some()
    }

    fn catalog(&self) -> Result<Catalog> {
        let directory = |variable: &str| std::env::var_os(variable).map(PathBuf::from);
        let mut catalog = Catalog::load(directory("KFCTL_CATALOG").as_deref())?;
        catalog.sources.mirror = self.sources.clone().or_else(|| directory("KFCTL_SOURCES"));
        Ok(catalog)
    }
}

/// Runs the command.
pub async fn run(cli: Cli, mut session: Session) -> Result<ExitStatus> {
    match cli.command {
        Command::Init { directory, platform, namespace, name, set } => {
            init::run(&session, &init::Settings { directory, platform, namespace, name, set })
        }
        Command::Generate { scope, discard_edits, sources } => {
            session.sources = sources;
            generate::run(&session, scope, discard_edits)
        }
        Command::Apply(arguments) => {
            session.sources.clone_from(&arguments.sources);
            apply::run(&session, &arguments).await
        }
        Command::Diff(arguments) => {
            session.sources.clone_from(&arguments.sources);
            diff::run(&session, &arguments).await
        }
        Command::Overlay(Overlay::Save { components, sources }) => {
            session.sources = sources;
            overlay::save(&session, &components)
        }
        Command::Param(command) => param::run(&session, &command),
        Command::Component(command) => component::run(&session, &command).await,
        Command::Delete(arguments) => delete::run(&session, &arguments).await,
        Command::Status(arguments) => status::run(&session, &arguments).await,
        Command::Doctor => doctor::run(&session).await,
        Command::Completions { shell } => completions::run(&session, shell),
        Command::Version => version::run(&session),
        Command::Quickstart { directory } => quickstart::run(&session, &directory).await,
        Command::Sources(command) => sources::run(&session, &command),
        Command::Open(arguments) => open::run(&session, &arguments).await,
        Command::Local(command) => local::run(&session, &command).await,
        Command::Auth(command) => auth::run(&session, &command).await,
        Command::Endpoint(command) => endpoint::run(&session, &command).await,
        Command::Profile(command) => profile::run(&session, &command).await,
        Command::Image(arguments) => image::run(&session, &arguments).await,
        Command::Controller { probes, metrics } => controller::run(&session, probes, metrics).await,
        Command::Web(arguments) => web::run(&session, &arguments).await,
    }
}

/// A path as a shell takes it.
fn pasted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+:@%,=".contains(c);
    let dash = if text.starts_with('-') { "./" } else { "" };
    if text.chars().all(plain) { format!("{dash}{text}") } else { format!("{dash}'{}'", text.replace('\'', r"'\''")) }
}

impl crate::cli::Apply {
    fn settings(&self) -> crate::apply::Settings {
        crate::apply::Settings { timeout: self.timeout, wait: !self.no_wait, force_conflicts: self.force_conflicts }
    }
}

impl Scope {
    fn has_objects(self) -> bool {
        matches!(self, Self::K8s | Self::All)
    }

    fn has_platform(self) -> bool {
        matches!(self, Self::Platform | Self::All)
    }
}

/// `component` must be one that runs.
fn one_of<'a>(names: &'a [String], component: &str) -> Result<&'a String> {
    names.iter().find(|name| *name == component).ok_or_else(|| {
        Error::usage(format!("component {component:?} does not run in this app"))
            .nearest(component, names.iter().map(String::as_str))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_can_be_pasted_into_a_shell() {
        for path in ["my-kubeflow", "/a/b.c", "my k", "it's", "-x", "$HOME", "a*"] {
            let script = format!("printf %s {}", pasted(Path::new(path)));
            let said = std::process::Command::new("sh").args(["-c", &script]).output().expect("sh runs");
            let said = String::from_utf8(said.stdout).expect("text");
            assert_eq!(said.strip_prefix("./-").map_or(said.clone(), |rest| format!("-{rest}")), path, "{script}");
        }
    }
}
