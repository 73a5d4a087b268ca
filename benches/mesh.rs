//! What the mesh costs as profiles come: the time from a change of who may come in to the answer at the gateway, the time that a request
//! takes there, and what the gateway has to know. Istio's own control plane and Envoy, as the tests run them.
//!
//! `cargo bench --bench mesh`; `KFCTL_BENCH_PROFILES=0,100,1000` sets how many there are besides the tests' three, one table row for each.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a table is its result")]
#![allow(clippy::unwrap_used, reason = "where a measurement fails there is nothing to print")]
#![allow(dead_code, reason = "the tests use all of what they share")]

#[path = "../tests/mesh/backends.rs"]
mod backends;
#[path = "../tests/mesh/client.rs"]
mod client;
#[path = "../tests/cluster/harness.rs"]
mod harness;
#[path = "../tests/common/made.rs"]
mod made;
#[path = "../tests/mesh/mesh.rs"]
mod mesh;
#[path = "../tests/mesh/requests.rs"]
mod requests;
#[path = "../tests/mesh/tokens.rs"]
mod tokens;
#[path = "../tests/mesh/tools.rs"]
mod tools;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use mesh::Mesh;
use requests::{At, Cell};

const CHANGES: usize = 20;
const REQUESTS: usize = 2000;

/// A notebook of jane's behind the gateway alone.
fn cell(who: &str, status: u16) -> Cell {
    let (_, cells) = requests::read(requests::FILE);
    let own = cells
        .into_iter()
        .find(|cell| cell.at == At::Gateway && cell.backend.as_deref() == Some("jane-nb") && cell.method == "GET");
    Cell { who: who.to_owned(), status, backend: (status == 200).then(|| "jane-nb".to_owned()), ..own.unwrap() }
}

/// Makes profiles until there are so many, and waits until the gateway knows all.
fn fill(mesh: &Mesh, from: usize, to: usize) {
    let mut text = String::new();
    for number in from..to {
        writeln!(
            text,
            "---\napiVersion: kubeflow.org/v1alpha1\nkind: Profile\nmetadata: {{name: p{number}, namespace: kubeflow-system}}\nspec: {{template: {{spec: {{owner: {{kind: User, name: p{number}@foo.com}}}}}}}}"
        )
        .unwrap();
    }
    if text.is_empty() {
        return;
    }
    mesh.cluster.kubectl(&["create", "-f", &mesh.app.write("many.yaml", &text)]).success();
    let ready = ["-n", "kubeflow-system", "wait", "--for=condition=Ready", "profiles", "--all", "--timeout=600s"];
    mesh.cluster.kubectl(&ready).success();
    let deadline = Instant::now() + Duration::from_mins(10);
    while known(mesh) < to {
        assert!(Instant::now() < deadline, "the gateway never knew more than {} of {to}", known(mesh));
    }
}

/// How many of them the gateway knows.
fn known(mesh: &Mesh) -> usize {
    let text = mesh.knows();
    let numbers = text.split("/notebook/kubeflow-p").skip(1).map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    numbers.flatten().filter(|number| !number.is_empty()).collect::<BTreeSet<_>>().len()
}

/// The median time from the end of the owner's command to the other answer at the gateway.
fn change(mesh: &Mesh) -> Duration {
    let mut times: Vec<Duration> = (0..CHANGES)
        .map(|round| {
            let (verb, status) = if round % 2 == 0 { ("create", 200) } else { ("delete", 403) };
            let mut words = vec!["-n", "kubeflow-jane", verb, "rolebinding", "abe-kubeflow"];
            words.extend(["--role=default", "--user=abe@foo.com"].iter().filter(|_| verb == "create"));
            mesh.cluster.kubectl_as("jane@foo.com", &words).success();
            let (cell, started) = (cell("abe", status), Instant::now());
            harness::until("the answer changes", || mesh.wrong(&cell).is_none());
            started.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

/// One request after the other on one connection: the median and the 99th of a hundred.
fn requests(mesh: &Mesh) -> [Duration; 2] {
    let token = mesh.client.token("jane").unwrap();
    let cell = cell("jane", 200);
    let text = format!("GET {} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n\r\n", cell.target, cell.host);
    let mut stream = TcpStream::connect(("127.0.0.1", mesh.port())).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut times: Vec<Duration> = (0..REQUESTS)
        .map(|_| {
            let started = Instant::now();
            stream.write_all(text.as_bytes()).unwrap();
            let head: Vec<String> = lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            assert!(head[0].contains(" 200 "), "{head:?}");
            started.elapsed()
        })
        .collect();
    times.sort();
    [times[REQUESTS / 2], times[REQUESTS * 99 / 100]]
}

fn main() {
    let (people, _) = requests::read(requests::FILE);
    let mesh = Mesh::with_tokens(people);
    let counts = std::env::var("KFCTL_BENCH_PROFILES").unwrap_or_else(|_| "0,100,1000".to_owned());
    println!(
        "| profiles | a change at the gateway, median of {CHANGES} | a request, median | 99th of 100 | configuration of the gateway | its memory |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    let mut there = 0;
    for count in counts.split(',').map(|count| count.parse::<usize>().unwrap()) {
        fill(&mesh, there, count);
        there = there.max(count);
        harness::until("jane comes in", || mesh.wrong(&cell("jane", 200)).is_none());
        let (changed, [median, slow]) = (change(&mesh), requests(&mesh));
        let (size, memory) = (mesh.knows().len() / 1024, mesh.memory() / (1024 * 1024));
        println!("| {} | {changed:.0?} | {median:.0?} | {slow:.0?} | {size} KiB | {memory} MiB |", there + 3);
    }
}
