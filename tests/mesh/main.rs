//! The mesh for real: each user reaches what is theirs and nothing else, through Istio's own control plane and Envoy.
//!
//! `requests.txt` says who asks for what and which answer is right, by rules of its own; `owner.yaml` lists what a namespace's owner may
//! try with kubectl. Both are read as they stand.

#![allow(clippy::print_stderr, reason = "a test says aloud what it skips, and prints its figures")]

mod backends;
mod browser;
mod changes;
mod client;
mod endpoint;
#[path = "../cluster/harness.rs"]
#[allow(dead_code, reason = "the tests of the cluster use all of it")]
mod harness;
#[path = "../common/jupyter.rs"]
mod jupyter;
mod lab;
mod login;
#[path = "../common/made.rs"]
mod made;
mod mesh;
#[path = "../cluster/oauth2.rs"]
mod oauth2;
mod owner;
mod programs;
mod requests;
mod settings;
mod tokens;
mod tools;
mod valid;
mod verdicts;

use mesh::{Mesh, Process};
use requests::Cell;
use tools::{note, wheel};

/// Sends every cell; what is wrong is told all at once.
fn matrix(mesh: &Mesh, cells: &[Cell], when: &str) {
    mesh.settle(cells);
    let started = std::time::Instant::now();
    let wrong: Vec<String> = cells.iter().filter_map(|cell| mesh.wrong(cell)).collect();
    note(&format!("{when}: {} cells in {:.1?}, {} wrong", cells.len(), started.elapsed(), wrong.len()));
    assert!(wrong.is_empty(), "{when}, {} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// It proves what the policies do once Istio has turned them into Envoy's own, not what they say. Where the policy at the gateway let in
/// all but those whose a namespace is, 405 cells were wrong; without the rule on Ingresses, requests for bob's notebook reached one of
/// jane's.
#[test]
fn e2e_each_user_reaches_what_is_theirs() {
    let (mut people, cells) = requests::read(requests::FILE);
    let settings = requests::settings();
    people.extend(settings.iter().flat_map(|setting| setting.people.clone()));
    let mesh = Mesh::with_tokens(people);
    matrix(&mesh, &cells, "at first");
    verdicts::agree_with_envoy(&mesh, &cells);
    lab::is_used_through_the_gateway(&mesh);
    changes::within_a_second(&mesh, &cells);
    endpoint::opens_and_closes_within_a_second(&mesh, &cells);
    settings::each_holds(&mesh, &settings);
    valid::what_stands_is_taken(&mesh);
    owner::tries(&mesh);
    matrix(&mesh, &cells, "after what the owner tried");
}
