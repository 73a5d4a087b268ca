//! The order of deletion, by kind: the reverse of installation, and what must not outlive what it needs. Pure.
//!
//! Each stage is gone before the next begins, so that a finalizer still finds its controller, and nothing that is called by the
//! server has lost what answers.

use crate::object::ObjectId;

use super::keep;
use super::rules::{is_door, is_workload};

/// The stages, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// The way in closes first: nobody gets past a login that is half gone.
    Doors,
    /// Webhooks go while their backend still answers; left behind, one that fails closed would refuse all that follows.
    Webhooks,
    /// Profiles, whose controller takes each namespace down.
    Profiles,
    /// Notebooks.
    Notebooks,
    /// Namespaces of profiles that no controller took down.
    ProfileNamespaces,
    /// Custom resources, while the controllers that release their finalizers run.
    CustomResources,
    /// Before what is behind them: with a group that does not answer, no namespace can go.
    ApiServices,
    /// What makes pods.
    Workloads,
    /// What pods and people needed: configuration, services, rights, volumes.
    Rest,
    /// Definitions, with no object left.
    Definitions,
    /// Namespaces, with nothing left in them.
    Namespaces,
}

impl Stage {
    /// The stage of an object; `in_profile` says whether it is the namespace of a profile.
    pub(super) fn of(id: &ObjectId, in_profile: bool) -> Self {
        match (id.group.as_str(), id.kind.as_str()) {
            _ if is_door(id) => Self::Doors,
            ("admissionregistration.k8s.io", kind) if kind.ends_with("WebhookConfiguration") => Self::Webhooks,
            ("kubeflow.org", "Profile") => Self::Profiles,
            ("kubeflow.org", "Notebook") => Self::Notebooks,
            ("", "Namespace") if in_profile => Self::ProfileNamespaces,
            ("", "Namespace") => Self::Namespaces,
            ("apiregistration.k8s.io", "APIService") => Self::ApiServices,
            _ if keep::is_definition(id) => Self::Definitions,
            _ if is_workload(id) => Self::Workloads,
            (group, _) if !BUILT_IN.contains(&group) => Self::CustomResources,
            _ => Self::Rest,
        }
    }

    /// How the garbage collector treats what the objects of this stage own. With a workload its pods are gone too.
    pub(super) fn propagation(self) -> &'static str {
        match self {
            Self::Workloads => "Foreground",
            _ => "Background",
        }
    }
}

/// The groups that the API server itself serves.
const BUILT_IN: &[&str] = &[
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(group: &str, kind: &str) -> Stage {
        Stage::of(&ObjectId { group: group.into(), kind: kind.into(), namespace: String::new(), name: "x".into() }, false)
    }

    #[test]
    fn what_needs_another_goes_before_it() {
        let order = [
            stage("networking.istio.io", "Gateway"),
            stage("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
            stage("kubeflow.org", "Profile"),
            stage("kubeflow.org", "Notebook"),
            stage("security.istio.io", "AuthorizationPolicy"),
            stage("apiregistration.k8s.io", "APIService"),
            stage("apps", "Deployment"),
            stage("rbac.authorization.k8s.io", "ClusterRole"),
            stage("apiextensions.k8s.io", "CustomResourceDefinition"),
            stage("", "Namespace"),
        ];
        assert!(order.is_sorted_by(|before, after| before < after), "{order:?}");
        assert_eq!(stage("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"), Stage::Rest);
        assert_eq!(stage("gateway.networking.k8s.io", "HTTPRoute"), Stage::CustomResources);
    }
}
