//! A notebook as people use it: Jupyter's own server behind the gateway, its page, a kernel, and a cell by websocket. Whose it is not gets
//! none of them.

use crate::harness::until;
use crate::jupyter::{Jupyter, User};
use crate::mesh::Mesh;

const PREFIX: &str = "/notebook/kubeflow-jane/lab";

/// As notebook `nb` of surroundings.yaml: no pod of a simulated node answers, so the server stands in its place.
const NOTEBOOK: &str = "
apiVersion: kubeflow.org/v1
kind: Notebook
metadata:
  name: lab
  namespace: kubeflow-jane
  annotations: {sidecar.istio.io/inject: \"false\", kubeflow-resource-stopped: \"2026-01-01T00:00:00Z\"}
spec: {template: {spec: {containers: [{name: lab, image: example.com/lab}]}}}
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: lab, namespace: kubeflow-jane}
spec: {address: 127.0.0.1, ports: {http-lab: PORT}, labels: {statefulset: lab, notebook-name: lab}}
";

pub(crate) fn is_used_through_the_gateway(mesh: &Mesh) {
    let server = Jupyter::start(mesh.directory.path(), PREFIX);
    let manifest = mesh.app.write("lab.yaml", &NOTEBOOK.replace("PORT", &server.port.to_string()));
    mesh.cluster.kubectl(&["create", "-f", &manifest]).success();
    let open = |who: &str| User::open(mesh.port(), PREFIX, &mesh.client.headers(who).0);
    until("jane opens it", || open("jane").is_ok());
    let jane = open("jane").expect("she has just opened it");
    let kernel = jane.kernel();
    let channel = format!("api/kernels/{kernel}/channels");
    let mut cells = jane.channel(&channel).expect("a websocket");
    cells.cell("print('the answer is', 40 + 2)");
    cells.until("the answer is 42");
    // The server itself asks nobody who they are: the gateway does.
    let beside = User::open(server.port, PREFIX, &[]).expect("it answers");
    assert!(beside.channel(&channel).is_ok());
    for who in ["anonymous", "bob", "vic", "mia"] {
        assert_eq!(open(who).err(), Some(Some(403)), "{who}");
        let user = User::without_page(mesh.port(), PREFIX, &mesh.client.headers(who).0);
        assert_eq!(user.channel(&channel).err(), Some(403), "{who}");
    }
    // With whom it is shared.
    assert!(open("ann").expect("it is shared with her").channel(&channel).is_ok());
    mesh.cluster.kubectl(&["delete", "-f", &manifest]).success();
}
