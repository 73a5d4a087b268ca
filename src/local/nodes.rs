//! Simulated nodes: they exist in the API only, and kwok plays their kubelet, so that Deployments become ready.

use serde_json::{Value, json};

use crate::cluster::{Connection, Failure, Part};
use crate::labels;

const COUNT: usize = 2;
/// kwok keeps the nodes that carry this annotation.
pub(super) fn selector() -> String {
    format!("{}=fake", labels::KWOK_NODE)
}

fn node(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {(labels::KWOK_NODE): "fake"},
            "labels": {
                "type": "kwok",
                (labels::HOSTNAME): name,
                (labels::OPERATING_SYSTEM): "linux",
                (labels::ARCHITECTURE): "amd64",
                (labels::NO_LOAD_BALANCER): "true",
            },
        },
        "spec": {},
        "status": {
            "allocatable": {"cpu": "64", "memory": "256Gi", "pods": "250"},
            "capacity": {"cpu": "64", "memory": "256Gi", "pods": "250"},
        },
    })
}

/// Makes the nodes that are not there.
pub(super) async fn ensure(connection: &Connection) -> Result<(), Failure> {
    for number in 0..COUNT {
        let node = node(&format!("simulated-{number}"));
        for subresource in ["", "/status"] {
            let path = format!("/api/v1/nodes/simulated-{number}{subresource}?fieldManager={}&force=true", labels::FIELD_MANAGER);
            connection.apply(&path, &node, Part::Metadata).await?;
        }
    }
    Ok(())
}
