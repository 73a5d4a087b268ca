//! `cargo bench --bench peers`: one table of what kfctl takes beside kubectl, Helm and the floor, in one run, each on a fresh control plane of the
//! same kind. It measures and prints; it holds nobody to a figure.
//!
//! `KFCTL_TEST_BIG_INPUT` names the manifests, `KFCTL_BENCH_RUNS` (1) says how often all is repeated; the medians are printed.
//! `KFCTL_BENCH_HELM` names a `helm` of version 4 (`go install helm.sh/helm/v4/cmd/helm@latest`); without it that column is empty.

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

/// First install and second, unchanged one.
type Pair = (Figure, Figure);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [word, kubeconfig, manifests] = arguments.as_slice()
        && word == "floor"
    {
        return floor::apply(Path::new(kubeconfig), Path::new(manifests));
    }
    let Some(manifests) = harness::big_input() else { return };
    let runs = std::env::var("KFCTL_BENCH_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(1);
    let helm = std::env::var("KFCTL_BENCH_HELM").ok();
    let sizes = [1, 2, 4].map(|copies| input::multiplied(&manifests, copies));
    measure::machine();

    println!("\n| {} objects | first install | its peak memory | no-change second run | its peak memory |", sizes[0].1);
    println!("| --- | --- | --- | --- | --- |");
    let row = |name: &str, run: &dyn Fn() -> Pair| {
        let (first, second) = median(runs, run);
        println!("| {name} | {} | {} | {} | {} |", first.time(), first.memory(), second.time(), second.memory());
    };
    row("floor: raw concurrent server-side apply", &|| with_floor(&manifests));
    row("kfctl apply", &|| with_kfctl(&manifests, &["--no-wait"]));
    row("kubectl apply --server-side, until a pass succeeds", &|| with_kubectl(&manifests));
    if let Some(helm) = &helm {
        row("Helm 4, its definitions by kubectl first", &|| with_helm(&manifests, helm));
    }

    println!("\n| kfctl apply | first install | its peak memory | no-change second run | its peak memory |");
    println!("| --- | --- | --- | --- | --- |");
    for (manifests, objects) in &sizes {
        row(&format!("{objects} objects"), &|| with_kfctl(manifests, &["--no-wait"]));
    }

    println!("\n| without a cluster | best of 20 | peak memory |");
    println!("| --- | --- | --- |");
    let sandbox = tempfile::tempdir().unwrap();
    App::new(sandbox.path(), sandbox.path(), None).kfctl(&["init", "app", "--platform", "none"]).success();
    let app = App::new(&sandbox.path().join("app"), sandbox.path(), None);
    let version = best(20, || measure(&mut app.command(&["version"])));
    println!("| kfctl version | {} | {} |", version.time(), version.memory());
    let generate = best(20, || {
        drop(std::fs::remove_dir_all(sandbox.path().join("app/rendered")));
        measure(&mut app.command(&["generate", "k8s"]))
    });
    println!("| kfctl generate, all built-in components | {} | {} |", generate.time(), generate.memory());
}

fn median(runs: usize, run: &dyn Fn() -> Pair) -> Pair {
    let (mut first, mut second): (Vec<Figure>, Vec<Figure>) = (0..runs).map(|_| run()).unzip();
    first.sort();
    second.sort();
    (first.swap_remove(runs / 2), second.swap_remove(runs / 2))
}

fn with_kfctl(manifests: &str, flags: &[&str]) -> Pair {
    let cluster = Cluster::start();
    let app = cluster.init("big", &["namespaces", "profiles"]);
    let file = app.write("big.yaml", manifests);
    app.kfctl(&["component", "add", "big", "--from", &file]).success();
    app.kfctl(&["generate", "k8s"]).success();
    let command = || app.command(&[&["apply", "k8s", "--yes"], flags].concat());
    (measure(&mut command()), measure(&mut command()))
}

fn with_floor(manifests: &str) -> Pair {
    let cluster = Cluster::start();
    let file = cluster.app.write("big.yaml", manifests);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("floor").arg(cluster.kubeconfig()).arg(file);
    (measure(&mut command), measure(&mut command))
}

fn with_kubectl(manifests: &str) -> Pair {
    let cluster = Cluster::start();
    let file = cluster.app.write("big.yaml", manifests);
    let apply =
        || measure::until_success(|| cluster.kubectl_command(&["apply", "--server-side", "--force-conflicts", "-f", &file]));
    (apply(), apply())
}

fn with_helm(manifests: &str, helm: &str) -> Pair {
    let cluster = Cluster::start();
    let (definitions, rest) = input::for_helm(manifests);
    let definitions = cluster.app.write("definitions.yaml", &definitions);
    cluster.app.write("Chart.yaml", "apiVersion: v2\nname: big\nversion: 0.1.0\n");
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
    (first, apply() + release())
}
