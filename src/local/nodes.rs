//! Simulated nodes: they exist in the API only, and kwok plays their kubelet, so that Deployments become ready.

use serde_json::{Value, json};

use crate::cluster::{Connection, Failure};

const COUNT: usize = 2;
/// kwok keeps the nodes that carry this annotation.
pub(super) const SELECTOR: &str = "kwok.x-k8s.io/node=fake";

fn node(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {
                "type": "kwok",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "node.kubernetes.io/exclude-from-external-load-balancers": "true",
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
            let path =
                format!("/api/v1/nodes/simulated-{number}{subresource}?fieldManager={}&force=true", crate::labels::FIELD_MANAGER);
            connection.apply(&path, &node).await?;
        }
    }
    Ok(())
}
