//! What is watched, and how far each watch is.

use std::sync::Arc;

use super::super::listed::Listed;
use crate::cluster::Resource;

/// What a watch follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Source {
    Profiles,
    Namespaces,
    /// Objects made for profiles.
    Kind(Arc<Resource>),
    /// `ConfigMap` `profile-defaults`.
    Defaults,
    /// `ClusterRole` `kubeflow-edit`.
    Edit,
    /// The admin's own templates.
    Templates,
    /// A definition of the mesh's.
    Mesh(&'static str),
    /// `ConfigMap` `mesh`.
    MeshSettings,
    /// Services that are declared to be endpoints.
    Endpoints,
    /// `ClusterRole` `kfctl-web-users`.
    WebUsers,
}

impl Source {
    /// As a person names it.
    pub(super) fn plural(&self) -> String {
        match self {
            Self::Profiles => "profiles".into(),
            Self::Namespaces => "namespaces".into(),
            Self::Kind(resource) => resource.plural.clone(),
            Self::Defaults => "defaults of profiles".into(),
            Self::Edit => "rules of kubeflow-edit".into(),
            Self::Templates => "templates of profiles".into(),
            Self::Mesh(_) => "definitions of the mesh".into(),
            Self::MeshSettings => "settings of the mesh".into(),
            Self::Endpoints => "services that are endpoints".into(),
            Self::WebUsers => "users of the web UI".into(),
        }
    }
}

/// How far a watch is.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) source: Source,
    pub(super) synced: bool,
    /// The list that is being read.
    pub(super) listing: Listed,
    /// The newest version it has told of.
    pub(super) latest: u64,
    pub(super) error: Option<String>,
}
