//! `cargo bench --bench peers`: tables of what kfctl takes beside kubectl, Helm and the floor, in one run, each on a fresh control plane
//! of the same kind, and beside what was aimed at. It measures and prints; it holds nobody to a figure.
//!
//! `KFCTL_TEST_BIG_INPUT` names the manifests, `KFCTL_BENCH_RUNS` (1) says how often all is repeated; the medians are printed, and at 0
//! no more than the second table.
//! `KFCTL_BENCH_HELM` names a `helm` of version 4 (`go install helm.sh/helm/v4/cmd/helm@latest`); without it that row is left out.
//! `KFCTL_BENCH_SIZES` (`1 2 4`) says how many times the objects the second table has; empty leaves that table out.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a table is its result")]
#![allow(clippy::unwrap_used, reason = "where a measurement fails there is nothing to print")]

mod floor;
#[path = "../../tests/cluster/harness.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod harness;
mod input;
mod measure;

use std::path::Path;
use std::process::Command;

use harness::{App, Cluster};
use measure::{Figure, best, measure};

/// First install, an unchanged one right after it, and another once the server is at rest.
type Runs = [Figure; 3];

/// Something that is measured, by its name.
type Row<'a> = (String, Box<dyn Fn() -> Runs + 'a>);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [word, kubeconfig, manifests] = arguments.as_slice()
        && word.starts_with("floor")
    {
        return floor::apply(Path::new(kubeconfig), Path::new(manifests), word == "floor-with-dry-run");
    }
    let Some(manifests) = harness::big_input() else { return };
    let variable = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let runs = variable("KFCTL_BENCH_RUNS", "1").parse().expect("a number in KFCTL_BENCH_RUNS");
    let helm = std::env::var("KFCTL_BENCH_HELM").ok();
    measure::machine();

    let (_, objects) = input::multiplied(&manifests, 1);
    let mut rows: Vec<Row<'_>> = vec![
        ("floor: raw concurrent server-side apply".into(), Box::new(|| with_floor(&manifests, "floor"))),
        ("floor with the dry-run that comes first".into(), Box::new(|| with_floor(&manifests, "floor-with-dry-run"))),
        ("kfctl apply".into(), Box::new(|| with_kfctl(&manifests))),
        ("kubectl apply --server-side, until a pass succeeds".into(), Box::new(|| with_kubectl(&manifests))),
    ];
    if let Some(helm) = &helm {
        rows.push(("Helm 4, its definitions by kubectl first".into(), Box::new(|| with_helm(&manifests, helm))));
    }
    let found = if runs == 0 { Vec::new() } else { table(&format!("{objects} objects"), runs, &rows) };

    let sizes: Vec<usize> = variable("KFCTL_BENCH_SIZES", "1 2 4").split(' ').filter_map(|size| size.parse().ok()).collect();
    let multiplied: Vec<(String, usize)> = sizes.iter().map(|copies| input::multiplied(&manifests, *copies)).collect();
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (manifests, objects) in &multiplied {
        rows.push((format!("floor, {objects} objects"), Box::new(|| with_floor(manifests, "floor"))));
        rows.push((format!("kfctl apply, {objects} objects"), Box::new(|| with_kfctl(manifests))));
    }
    if !rows.is_empty() {
        table("more objects", 1, &rows);
    }

    println!("\n| without a cluster | best of 20 | peak memory |");
    println!("| --- | --- | --- |");
    let sandbox = tempfile::tempdir().unwrap();
    App::new(sandbox.path(), sandbox.path(), None).kfctl(&["init", "app", "--platform", "none"]).success();
    let app = App::new(&sandbox.path().join("app"), sandbox.path(), None);
    // Its manifests are another project's, and most of the work would be to read them.
    app.kfctl(&["component", "disable", "istio"]).success();
    let version = best(20, || measure(&mut app.command(&["version"])));
    println!("| kfctl version | {} | {} |", version.time(), version.memory());
    let generate = best(20, || {
        drop(std::fs::remove_dir_all(sandbox.path().join("app/rendered")));
        measure(&mut app.command(&["generate", "k8s"]))
    });
    println!("| kfctl generate, the default components but istio | {} | {} |", generate.time(), generate.memory());
    goals(&found, version, generate);
}

/// Measures the rows one after the other, again and again, so that what else the machine does meets all of them; prints the medians.
fn table(title: &str, runs: usize, rows: &[Row<'_>]) -> Vec<Runs> {
    let mut found: Vec<[Vec<Figure>; 3]> = rows.iter().map(|_| Default::default()).collect();
    for _ in 0..runs {
        for ((name, run), figures) in rows.iter().zip(&mut found) {
            let measured = run();
            eprintln!("{name}: {}; load {}", measured.map(Figure::time).join(", then "), measure::load());
            figures.iter_mut().zip(measured).for_each(|(figures, figure)| figures.push(figure));
        }
    }
    println!(
        "\n| {title} | first install | its own CPU | peak memory | no-change run right after | no-change run, server at rest | its own CPU | peak memory |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let medians = rows.iter().zip(found).map(|((name, _), figures)| {
        let medians @ [first, after, at_rest] = figures.map(|mut figures| {
            figures.sort();
            figures[runs / 2]
        });
        let whole = |figure: Figure| format!("{} | {} | {}", figure.time(), figure.cpu(), figure.memory());
        println!("| {name} | {} | {} | {} |", whole(first), after.time(), whole(at_rest));
        medians
    });
    let medians = medians.collect();
    println!("\nMedians of {runs}; load afterwards {}", measure::load());
    medians
}

/// What was aimed at, and what came of it.
fn goals(found: &[Runs], version: Figure, generate: Figure) {
    let [floor, with_dry_run, kfctl, kubectl, peers @ ..] = found else { return };
    let times = |one: Figure, other: Figure| format!("{:.2}×", one.seconds() / other.seconds());
    println!("\n| kfctl | aimed at | found |");
    println!("| --- | --- | --- |");
    let goal = |what: &str, aim: &str, found: String| println!("| {what} | {aim} | {found} |");
    goal("first install, faster than kubectl", "≥ 2×", times(kubectl[0], kfctl[0]));
    goal("first install, of the floor's time", "≤ 1.15×", times(kfctl[0], floor[0]));
    goal("first install, of the floor's time with the dry-run", "≤ 1.15×", times(kfctl[0], with_dry_run[0]));
    for (run, when) in [(1, "right after the install"), (2, "server at rest")] {
        goal(&format!("no-change apply, faster than kubectl, {when}"), "≥ 15×", times(kubectl[run], kfctl[run]));
        if let Some(peer) = peers.iter().map(|peer| peer[run]).filter(|peer| !peer.failed()).min() {
            goal(&format!("no-change apply, faster than Helm, {when}"), "≥ 10×", times(peer, kfctl[run]));
        }
        goal(&format!("no-change apply, {when}"), "< 1.2 s", kfctl[run].time());
    }
    goal("peak memory", "< 150 MB", kfctl[0].memory());
    goal("version", "< 10 ms", version.time());
    goal("generate, the default components but istio", "< 50 ms", generate.time());
}

fn thrice(mut run: impl FnMut() -> Figure) -> Runs {
    [run(), run(), at_rest(run)]
}

/// What an install leaves behind keeps a server busy for a while: garbage, caches and controllers of its own.
fn at_rest(run: impl FnOnce() -> Figure) -> Figure {
    measure::until_at_rest();
    run()
}

fn with_kfctl(manifests: &str) -> Runs {
    let cluster = Cluster::start();
    let app = cluster.init("big", &["namespaces", "profiles"]);
    let file = app.write("big.yaml", manifests);
    app.kfctl(&["component", "add", "big", "--from", &file]).success();
    app.kfctl(&["generate", "k8s"]).success();
    let command = || app.command(&["apply", "k8s", "--yes", "--no-wait"]);
    thrice(|| measure(&mut command()))
}

fn with_floor(manifests: &str, which: &str) -> Runs {
    let cluster = Cluster::start();
    let file = cluster.app.write("big.yaml", manifests);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg(which).arg(cluster.kubeconfig()).arg(file);
    thrice(|| measure(&mut command))
}

fn with_kubectl(manifests: &str) -> Runs {
    let cluster = Cluster::start();
    let file = cluster.app.write("big.yaml", manifests);
    thrice(|| measure::until_success(|| cluster.kubectl_command(&["apply", "--server-side", "--force-conflicts", "-f", &file])))
}

fn with_helm(manifests: &str, helm: &str) -> Runs {
    let cluster = Cluster::start();
    let (definitions, rest) = input::for_helm(manifests);
    let definitions = cluster.app.write("definitions.yaml", &definitions);
    cluster.app.write("Chart.yaml", "apiVersion: v2\nname: big\nversion: 0.1.0\n");
    // A release keeps every file of its chart in one Secret, which has room for the templates alone.
    cluster.app.write(".helmignore", "definitions.yaml\n");
    std::fs::create_dir(Path::new(&definitions).with_file_name("templates")).unwrap();
    cluster.app.write("templates/big.yaml", &rest);
    let chart = Path::new(&definitions).parent().unwrap().to_owned();
    let release = || {
        let mut command = Command::new(helm);
        command.args(["upgrade", "--install", "big", ".", "--server-side=true", "--force-conflicts", "--kubeconfig"]);
        command.arg(cluster.kubeconfig()).current_dir(&chart).env("HELM_CACHE_HOME", &chart).env("HELM_CONFIG_HOME", &chart);
        measure(&mut command)
    };
    let by_kubectl = |arguments: &[&str]| measure(&mut cluster.kubectl_command(arguments));
    let apply = || by_kubectl(&["apply", "--server-side", "--force-conflicts", "-f", &definitions]);
    let established = ["wait", "--for=condition=Established", "--timeout=120s", "crd", "--all"];
    let first = apply() + by_kubectl(&established) + release();
    [first, apply() + release(), at_rest(|| apply() + release())]
}
