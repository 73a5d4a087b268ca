//! A profile as it is stored, reduced. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use super::super::desired;
use super::super::observed::version;
use super::super::rivals::Traits;
use super::super::status::READY;
use crate::api::profile::Profile;
use crate::labels::CREATOR;

/// A profile as it is stored.
#[derive(Debug, Clone)]
pub(in super::super) struct Entry {
    pub(in super::super) version: u64,
    pub(in super::super) uid: String,
    /// Creation time, as text that sorts.
    pub(in super::super) created: String,
    pub(in super::super) deleting: bool,
    pub(in super::super) finalizers: Vec<String>,
    pub(in super::super) annotations: BTreeSet<String>,
    /// Who asked for it, where it says so.
    pub(in super::super) creator: Option<String>,
    /// The profile, or why it can't be read.
    pub(in super::super) content: Result<Arc<Profile>, String>,
}

impl Entry {
    pub(super) fn new(value: Value) -> Self {
        let metadata = &value["metadata"];
        let text = |field: &str| metadata[field].as_str().unwrap_or_default().to_owned();
        let finalizers = metadata["finalizers"].as_array().into_iter().flatten();
        let annotations = metadata["annotations"].as_object().into_iter().flatten();
        let mut entry = Self {
            version: version(&value),
            uid: text("uid"),
            created: text("creationTimestamp"),
            deleting: metadata.get("deletionTimestamp").is_some(),
            finalizers: finalizers.filter_map(|name| name.as_str().map(str::to_owned)).collect(),
            annotations: annotations.map(|(name, _)| name.clone()).filter(|name| name.starts_with("kubeflow.org/")).collect(),
            creator: metadata["annotations"][CREATOR].as_str().map(str::to_owned),
            content: Err(String::new()),
        };
        entry.content = serde_json::from_value::<Profile>(value).map_err(|error| error.to_string()).map(|mut profile| {
            // What else there is of it stands above, or is nobody's concern.
            let ObjectMeta { name, uid, generation, .. } = profile.metadata;
            profile.metadata = ObjectMeta { name, uid, generation, ..ObjectMeta::default() };
            Arc::new(profile)
        });
        entry
    }

    pub(super) fn namespace(&self) -> Option<String> {
        self.content.as_deref().ok().map(desired::namespace)
    }

    /// Whether its condition Ready says one of these reasons.
    pub(super) fn is_refused_for(&self, reasons: &[&str]) -> bool {
        let status = self.content.as_deref().ok().and_then(|profile| profile.status.as_ref());
        let conditions = status.map(|status| status.conditions.as_slice()).unwrap_or_default();
        conditions.iter().any(|condition| condition.type_ == READY && reasons.contains(&condition.reason.as_str()))
    }

    /// What it shares with others; nothing any longer where it is on its way out.
    pub(super) fn traits(&self) -> Traits {
        let owner = self.content.as_deref().ok().map(|profile| &profile.spec.template.spec.owner).filter(|_| !self.deleting);
        Traits::new(owner, self.creator.as_ref().filter(|_| !self.deleting))
    }
}
