//! What a profile's namespace may use, uses, and has left.

use http::Method;
use serde_json::{Map, Value, json};

use super::{MERGE, Profiles};
use crate::catalog::Quantity;
use crate::cluster::Failure;

/// The `ResourceQuota` that the controller keeps.
pub const QUOTA: &str = "kf-resource-quota";

fn path(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/resourcequotas/{QUOTA}")
}

/// The rows of a quota: resource, limit, used, left.
#[must_use]
pub fn rows(quota: &Value) -> Vec<[String; 4]> {
    let map = |pointer: &str| quota.pointer(pointer).and_then(Value::as_object);
    let used = map("/status/used");
    let row = |(resource, hard): (&String, &Value)| {
        let hard = hard.as_str().unwrap_or_default();
        // Nothing is counted until the quota's controller has looked.
        let used = used.and_then(|used| used.get(resource)).and_then(Value::as_str).unwrap_or("?");
        [resource.clone(), hard.to_owned(), used.to_owned(), Quantity::difference(hard, used).unwrap_or_else(|| "?".to_owned())]
    };
    map("/spec/hard").into_iter().flatten().map(row).collect()
}

impl Profiles {
    /// The quota of a namespace.
    pub async fn quota(&self, namespace: &str) -> Result<Value, Failure> {
        self.connection.get(&path(namespace)).await
    }

    /// Changes limits in the profile: there they are seen, and outlive the namespace's own object. Null returns one to the default.
    pub async fn limit(&self, name: &str, hard: &Map<String, Value>) -> Result<Value, Failure> {
        self.change(name, &json!({"spec": {"template": {"spec": {"resourceQuota": {"hard": hard}}}}})).await
    }

    /// Changes limits in the namespace's own object, which the controller then leaves alone.
    pub async fn limit_namespace(&self, namespace: &str, hard: &Map<String, Value>) -> Result<Value, Failure> {
        self.send(Method::PATCH, &path(namespace), Some((MERGE, &json!({"spec": {"hard": hard}})))).await
    }
}
