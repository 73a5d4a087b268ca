//! What an owner declares on a Service changes the answers, at the gateway and at the sidecar, within a second.

use std::time::{Duration, Instant};

use crate::harness::until;
use crate::mesh::Mesh;
use crate::requests::{At, Cell};
use crate::tools::note;

/// Who declares what of which endpoint, by which program, and what somebody is answered then. Before `open` stands the gateway alone; `served`
/// has a sidecar too.
const CHANGES: [(&str, &str, &str, &str, u16); 10] = [
    ("open", "kfctl", "endpoint allow open -n kubeflow-jane --user abe@foo.com", "abe", 200),
    ("open", "kfctl", "endpoint revoke open -n kubeflow-jane --user abe@foo.com", "abe", 403),
    ("served", "kfctl", "endpoint allow served -n kubeflow-jane --user abe@foo.com", "abe", 200),
    ("served", "kfctl", "endpoint revoke served -n kubeflow-jane --user abe@foo.com", "abe", 403),
    ("served", "kfctl", "endpoint allow served -n kubeflow-jane --group ml-team", "gus", 200),
    ("served", "kfctl", "endpoint revoke served -n kubeflow-jane --group ml-team", "gus", 403),
    (
        "open",
        "kubectl",
        r#"-n kubeflow-jane annotate --overwrite service open kubeflow.org/endpoint-subjects=[{"kind":"User","name":"abe@foo.com"}]"#,
        "abe",
        200,
    ),
    ("open", "kubectl", "-n kubeflow-jane annotate service open kubeflow.org/endpoint-subjects-", "abe", 403),
    ("served", "kfctl", "endpoint revoke served -n kubeflow-jane --all", "mia", 403),
    ("served", "kfctl", "endpoint allow served -n kubeflow-jane --user mia@foo.com", "mia", 200),
];

/// Prints the times. The median of all counts, as the machine may be busy with something else for a moment. All is as before in the end.
pub(crate) fn opens_and_closes_within_a_second(mesh: &Mesh, cells: &[Cell]) {
    let kubeconfig = mesh.cluster.kubeconfig_by_token("jane@foo.com", "jane@foo.com").display().to_string();
    let cell = |at: At, endpoint: &str, who: &str, status: u16| {
        let path = if at == At::Gateway { format!("/models/kubeflow-jane/{endpoint}/predict") } else { "/".to_owned() };
        let place = |cell: &&Cell| cell.at == at && cell.target == path && cell.method == "GET";
        let backend = if endpoint == "open" { "jane-open" } else { "jane-guarded" };
        let backend = (status == 200).then(|| backend.to_owned());
        Cell { who: who.to_owned(), status, backend, ..cells.iter().find(place).expect("a cell").clone() }
    };
    let kfctl = |words: &[&str]| mesh.app.kfctl(&[&["--kubeconfig", &kubeconfig], words].concat()).success();
    let mut times = Vec::new();
    for (endpoint, program, command, who, status) in CHANGES {
        let words: Vec<&str> = command.split(' ').collect();
        if program == "kfctl" {
            kfctl(&words);
        } else {
            mesh.cluster.kubectl_as("jane@foo.com", &words).success();
        }
        let started = Instant::now();
        let places: &[At] = if endpoint == "open" { &[At::Gateway] } else { &[At::Sidecar, At::Gateway] };
        let took: Vec<Duration> = places
            .iter()
            .map(|at| {
                let cell = cell(*at, endpoint, who, status);
                until(&format!("{command}: {who} gets {status} at the {at:?}"), || mesh.wrong(&cell).is_none());
                started.elapsed()
            })
            .collect();
        note(&format!("{who} gets {status} after {took:?} at {places:?}: {program} {command}"));
        times.push(took[took.len() - 1]);
    }
    kfctl(&["endpoint", "allow", "open", "-n", "kubeflow-jane", "--user", "bob@acme.com", "--group", "ml-team"]);
    times.sort();
    assert!(times[times.len() / 2] < Duration::from_secs(1), "{times:?}");
}
