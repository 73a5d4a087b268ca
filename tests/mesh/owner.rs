//! What an owner may try with kubectl: owner.yaml, each refused as it says there, or made without any effect.

use crate::mesh::Mesh;
use crate::tools::note;

/// The manifests: what holds each, why, and its text.
fn attempts() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    include_str!("owner.yaml").split("\n---\n# ").skip(1).map(|document| {
        let (first, manifest) = document.split_once('\n').expect("a first line");
        let (holds, why) = first.split_once(": ").expect("what holds it, and why");
        (holds, why, manifest)
    })
}

/// Tries them all as jane. What is made stays, for the cells that come afterwards.
pub(crate) fn tries(mesh: &Mesh) {
    let mut wrong = Vec::new();
    let mut counts = [0, 0];
    for (holds, why, manifest) in attempts() {
        let file = mesh.app.write("attempt.yaml", manifest);
        let said = mesh.cluster.kubectl_as("jane@foo.com", &["create", "-f", &file]);
        let refused = said.stderr.contains("(Forbidden)") || said.stderr.contains("is forbidden");
        let as_it_says = match holds {
            "forbidden" => said.code != 0 && refused,
            "no effect" => said.code == 0,
            other => panic!("{other:?} holds nothing"),
        };
        counts[usize::from(holds == "no effect")] += 1;
        if !as_it_says {
            wrong.push(format!("not {holds}: {why}: {}", said.all()));
        }
    }
    note(&format!("an owner's attempts: {} forbidden, {} to be without effect", counts[0], counts[1]));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
