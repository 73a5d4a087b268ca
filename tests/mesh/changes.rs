//! What is shared, taken away or handed over changes the answers, at the gateway and at the sidecar, within a second.

use std::time::{Duration, Instant};

use crate::harness::until;
use crate::mesh::Mesh;
use crate::requests::{At, Cell};
use crate::tools::note;

/// Who types which command, and who gets in (or no longer) by it.
const CHANGES: [(&str, &str, &str, u16); 8] = [
    ("jane@foo.com", "create rolebinding abe-kubeflow --role=default --user=abe@foo.com", "abe", 200),
    ("jane@foo.com", "delete rolebinding abe-kubeflow", "abe", 403),
    ("jane@foo.com", "create rolebinding team-kubeflow --clusterrole=kubeflow-edit --group=ml-team", "gus", 200),
    ("jane@foo.com", "delete rolebinding team-kubeflow", "gus", 403),
    (
        ADMIN,
        r#"patch profile jane --type=json -p=[{"op":"replace","path":"/spec/template/spec/members/1/role","value":"edit"}]"#,
        "vic",
        200,
    ),
    (
        ADMIN,
        r#"patch profile jane --type=json -p=[{"op":"replace","path":"/spec/template/spec/members/1/role","value":"view"}]"#,
        "vic",
        403,
    ),
    (
        ADMIN,
        r#"patch profile jane --type=merge -p={"spec":{"template":{"spec":{"owner":{"name":"bob@acme.com"}}}}}"#,
        "jane",
        403,
    ),
    (
        ADMIN,
        r#"patch profile jane --type=merge -p={"spec":{"template":{"spec":{"owner":{"name":"jane@foo.com"}}}}}"#,
        "jane",
        200,
    ),
];
const ADMIN: &str = "the admin";

/// The cell of a table, with another answer.
fn expecting(cells: &[Cell], at: At, who: &str, status: u16) -> Cell {
    let backend = if at == At::Gateway { "jane-nb" } else { "jane-guarded" };
    let place = |cell: &&Cell| cell.at == at && cell.backend.as_deref() == Some(backend) && cell.method == "GET";
    let cell = cells.iter().find(place).expect("a cell").clone();
    Cell { who: who.to_owned(), status, backend: (status == 200).then(|| backend.to_owned()), ..cell }
}

/// Prints the times. The slowest of the median change counts: the machine may be busy with something else for a moment.
pub(crate) fn within_a_second(mesh: &Mesh, cells: &[Cell]) {
    let mut times = Vec::new();
    for (user, command, who, status) in CHANGES {
        let words: Vec<&str> = command.split(' ').collect();
        let said = if user == ADMIN {
            mesh.cluster.kubectl(&[&["-n", "kubeflow-system"], &words[..]].concat())
        } else {
            mesh.cluster.kubectl_as(user, &[&["-n", "kubeflow-jane"], &words[..]].concat())
        };
        said.success();
        let started = Instant::now();
        let took = [At::Gateway, At::Sidecar].map(|at| {
            let cell = expecting(cells, at, who, status);
            until(&format!("{command}: {who} gets {status} at the {at:?}"), || mesh.wrong(&cell).is_none());
            started.elapsed()
        });
        note(&format!("{who} gets {status} after {took:?} at gateway and sidecar: {command}"));
        times.push(took[0].max(took[1]));
    }
    times.sort();
    assert!(times[times.len() / 2] < Duration::from_secs(1), "{times:?}");
}
