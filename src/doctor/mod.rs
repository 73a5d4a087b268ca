//! What is wrong with a cluster for Kubeflow, and what to do about it.
//!
//! [`Facts`] are gathered first, all at once; each check is a pure function of them. `apply` runs those that would be fatal to it.

mod app;
mod cluster;
mod facts;
mod mesh;
mod way_in;

use serde::Serialize;

pub use facts::{AppFacts, Fact, Facts, Service};
pub use mesh::MeshFacts;
pub use way_in::way_in;

use crate::apply::Member;
use crate::cluster::{Discovery, Version};
use crate::error::{Error, Result};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Works, with a but.
    Warn,
    /// Broken.
    Fail,
}

impl Level {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The check.
    pub check: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found: one plain sentence.
    pub found: String,
    /// What to do, where something is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_do: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, found: found.into(), to_do: None }
    }

    fn warn(check: &'static str, found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { check, level: Level::Warn, found: found.into(), to_do: Some(to_do.into()) }
    }

    /// Something broken.
    pub fn fail(check: &'static str, found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { check, level: Level::Fail, found: found.into(), to_do: Some(to_do.into()) }
    }

    /// An error as a finding.
    #[must_use]
    pub fn of_error(check: &'static str, error: &Error) -> Self {
        let to_do = Some(error.hints().join("; ")).filter(|hints| !hints.is_empty());
        Self { check, level: Level::Fail, found: error.to_string().replace("\n ", ";"), to_do }
    }

    fn unknown(check: &'static str, why: &str) -> Self {
        Self::warn(
            check,
            format!("can't be looked at: {why}"),
            "ask an admin of the cluster for the right to read it, or let one run this",
        )
    }
}

/// Runs every check.
#[must_use]
pub fn examine(facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![cluster::version(facts.version.as_ref().map_err(Clone::clone)), cluster::clock(facts)];
    findings.extend(cluster::api_groups(facts));
    findings.extend(cluster::webhooks(facts));
    findings.extend(cluster::converters(facts));
    findings.push(cluster::storage(&facts.classes));
    findings.push(cluster::nodes(&facts.nodes));
    findings.extend(cluster::istio(facts));
    if let Some(facts_of_mesh) = &facts.mesh {
        findings.extend(mesh::mesh(facts_of_mesh, &facts.webhooks));
    }
    if let Some(facts) = &facts.app {
        findings.extend(way_in::provider(&facts.edits));
        findings.extend(mesh::origin(facts.notebook_host.as_deref()));
    }
    findings.push(app::profiles(&facts.discovery, facts.app.as_ref().is_some_and(|app| app.brings_profiles)));
    findings.push(app::rights(facts));
    if let Some(of_app) = &facts.app {
        findings.push(app::managers(of_app));
        findings.extend(app::autoscalers(of_app, &facts.discovery));
    }
    findings
}

/// What would be fatal to an apply of these members, before anything is written.
pub fn fatal(version: Fact<&Version>, discovery: &Discovery, members: &[Member]) -> Result<()> {
    let findings = [cluster::version(version), app::profiles_of(discovery, facts::bring_profiles(members))];
    match findings.into_iter().find(|finding| finding.level == Level::Fail) {
        Some(finding) => {
            let error = Error::cluster(finding.found).detail("nothing was written");
            Err(finding.to_do.into_iter().fold(error, Error::hint))
        }
        None => Ok(()),
    }
}
