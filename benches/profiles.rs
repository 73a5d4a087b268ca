//! What profiles cost: from create to Ready, many at once, requests and memory; the floor (the same objects created raw) beside them.
//!
//! `cargo bench --bench profiles`; `KFCTL_BENCH_PROFILES=1000` sets how many there are at the end.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a table is its result")]
#![allow(clippy::unwrap_used, reason = "where a measurement fails there is nothing to print")]

#[path = "../tests/cluster/harness.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod harness;

use std::collections::HashMap;
use std::path::Path;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures::StreamExt;
use harness::{Cluster, Controller};
use http::Method;
use kfctl::api::profile::Profile;
use kfctl::cluster::{Connection, Target};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::mpsc;

const ONE_BY_ONE: usize = 50;
const AT_ONCE: usize = 200;
const CONCURRENCY: usize = 16;
/// Long enough to see whether something is done when nothing is to be done.
const AT_REST: Duration = Duration::from_secs(20);
const PROFILES: &str = "/apis/kubeflow.org/v1alpha1/namespaces/kubeflow-system/profiles";

struct Bench {
    connection: Connection,
    ready: mpsc::UnboundedReceiver<(String, Instant)>,
    seen: HashMap<String, Instant>,
}

impl Bench {
    async fn create(&self, name: &str) {
        let body = json!({"apiVersion": "kubeflow.org/v1alpha1", "kind": "Profile", "metadata": {"name": name},
            "spec": {"template": {"spec": {"owner": {"kind": "User", "name": format!("{name}@foo.com")}}}}});
        post(&self.connection, PROFILES, &body).await;
    }

    async fn until_ready(&mut self, name: &str) -> Instant {
        while !self.seen.contains_key(name) {
            let (name, at) = self.ready.recv().await.unwrap();
            self.seen.entry(name).or_insert(at);
        }
        self.seen[name]
    }

    /// Creates these at once, and waits for the last.
    async fn all(&mut self, names: &[String]) -> Duration {
        let started = Instant::now();
        futures::stream::iter(names).for_each_concurrent(CONCURRENCY, |name| self.create(name)).await;
        let mut last = started;
        for name in names {
            last = last.max(self.until_ready(name).await);
        }
        last - started
    }
}

async fn post(connection: &Connection, path: &str, body: &Value) {
    let content = Some(("application/json", body.to_string().into_bytes()));
    connection
        .request(Method::POST, path, "application/json", content)
        .await
        .unwrap_or_else(|failure| panic!("{path}: {failure:?}"));
}

/// The objects of a namespace that the controller has made, to be created elsewhere: path below the namespace, and content.
async fn made(connection: &Connection, namespace: &str) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let (core, rbac) = ("/api/v1", "/apis/rbac.authorization.k8s.io/v1");
    for (root, plural, kind) in [
        (core, "serviceaccounts", "ServiceAccount"),
        (core, "resourcequotas", "ResourceQuota"),
        (core, "limitranges", "LimitRange"),
        (rbac, "roles", "Role"),
        (rbac, "rolebindings", "RoleBinding"),
    ] {
        let list = connection
            .get(&format!("{root}/namespaces/{namespace}/{plural}?labelSelector=kubeflow.org/profile-uid"))
            .await
            .unwrap();
        for item in list["items"].as_array().unwrap() {
            let mut item = item.clone();
            item["apiVersion"] = root.trim_start_matches("/apis/").trim_start_matches("/api/").into();
            item["kind"] = kind.into();
            item["metadata"] = json!({"name": item["metadata"]["name"], "annotations": item["metadata"]["annotations"]});
            item.as_object_mut().unwrap().remove("status");
            found.push((format!("{root}/namespaces/NAMESPACE/{plural}"), item));
        }
    }
    found
}

async fn raw(connection: &Connection, objects: &[(String, Value)], namespaces: &[String]) -> Duration {
    let started = Instant::now();
    let each = |namespace: &String| {
        let namespace = namespace.clone();
        async move {
            let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
            post(connection, "/api/v1/namespaces", &body).await;
            let creates = objects.iter().map(|(path, body)| {
                let path = path.replace("NAMESPACE", &namespace);
                async move { post(connection, &path, body).await }
            });
            futures::future::join_all(creates).await;
        }
    };
    futures::stream::iter(namespaces).for_each_concurrent(CONCURRENCY, each).await;
    started.elapsed()
}

fn memory(controller: &Controller) -> String {
    let status = std::fs::read_to_string(format!("/proc/{}/status", controller.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    format!("{} MiB", line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024)
}

/// CPU time that a process has taken.
fn cpu(pid: i32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    Duration::from_millis(10 * (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Waits until nothing more is written for a while.
async fn settled(controller: &Controller) {
    let mut before = u32::MAX;
    while controller.requests() != before {
        before = controller.requests();
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

fn names(kind: &str, range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| format!("{kind}-{number}")).collect()
}

#[tokio::main]
async fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let total: u32 = std::env::var("KFCTL_BENCH_PROFILES").ok().and_then(|text| text.parse().ok()).unwrap_or(1000);
    let cluster = tokio::task::block_in_place(Cluster::start);
    let app = cluster.init("figures", &[]);
    app.kfctl(&["param", "set", "profiles", "deployment", "false"]).success();
    app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]).success();
    let controller = cluster.controller("kfctl-controller");
    cluster.until("it leads", || controller.number("kfctl_leader") == Some(1.0));
    let target = Target { kubeconfig: Some(Path::new(cluster.kubeconfig()).to_owned()), context: None };
    let connection = Connection::open(&target).await.unwrap();
    let (sender, ready) = mpsc::unbounded_channel();
    let api: Api<Profile> = Api::namespaced(connection.client(), "kubeflow-system");
    tokio::spawn(async move {
        let mut events = pin!(watcher(api, watcher::Config::default()).default_backoff().applied_objects());
        while let Some(profile) = events.next().await {
            let Ok(profile) = profile else { continue };
            let conditions = profile.status.iter().flat_map(|status| &status.conditions);
            if conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True") {
                let _ = sender.send((profile.name_any(), Instant::now()));
            }
        }
    });
    let mut bench = Bench { connection: connection.clone(), ready, seen: HashMap::new() };
    let row = |what: &str, value: String, floor: String| println!("| {what} | {value} | {floor} |");
    println!("| what | kfctl controller | floor: the same objects created raw |\n| --- | --- | --- |");

    let mut times = Vec::new();
    for name in names("one", 0..ONE_BY_ONE) {
        let started = Instant::now();
        bench.create(&name).await;
        times.push(bench.until_ready(&name).await - started);
    }
    let objects = made(&connection, "kubeflow-one-0").await;
    let mut floors = Vec::new();
    for name in names("floor-one", 0..ONE_BY_ONE) {
        floors.push(raw(&connection, &objects, &[name]).await);
    }
    row("create to Ready, one (median of 50)", format!("{:.1?}", median(times)), format!("{:.1?}", median(floors)));

    settled(&controller).await;
    let before = controller.requests();
    let server = cluster.pid("kube-apiserver");
    let pids = [controller.pid(), server];
    let used = pids.map(cpu);
    let many = bench.all(&names("many", 0..AT_ONCE)).await;
    settled(&controller).await;
    let used: Vec<Duration> = pids.iter().zip(used).map(|(pid, before)| cpu(*pid).saturating_sub(before)).collect();
    let floor_used = cpu(server);
    let requests = f64::from(controller.requests() - before) / f64::from(u32::try_from(AT_ONCE).unwrap());
    let floor = raw(&connection, &objects, &names("floor", 0..AT_ONCE)).await;
    row("200 at once", format!("{many:.1?}"), format!("{floor:.1?} ({:.2} times)", many.as_secs_f64() / floor.as_secs_f64()));
    let floor_used = cpu(server).saturating_sub(floor_used);
    row("CPU for them: controller + API server", format!("{:.1?} + {:.1?}", used[0], used[1]), format!("{floor_used:.1?}"));
    row("requests a profile", format!("{requests:.2}"), format!("{}", objects.len() + 1));
    let rest = usize::try_from(total).unwrap().saturating_sub(ONE_BY_ONE + AT_ONCE);
    let more = bench.all(&names("more", 0..rest)).await;
    row(&format!("{rest} at once"), format!("{more:.1?}"), "-".into());
    settled(&controller).await;
    row(&format!("memory with {total}"), memory(&controller), "-".into());
    assert_eq!(controller.terminate(), Some(0));
    let again = cluster.controller("kfctl-controller");
    cluster.until("the next one leads", || again.number("kfctl_leader") == Some(1.0));
    settled(&again).await;
    cluster.until("it has looked at all", || {
        again.number("kfctl_reconcile_duration_seconds_count").is_some_and(|count| count >= f64::from(total))
    });
    row(&format!("requests of a new controller for {total}"), again.requests().to_string(), "0".into());
    row(&format!("memory of a new controller with {total}"), memory(&again), "-".into());
    let (before, asked) = (cpu(again.pid()), again.requests());
    tokio::time::sleep(AT_REST).await;
    let used = cpu(again.pid()).saturating_sub(before);
    row(
        &format!("CPU of {} s at rest, and requests", AT_REST.as_secs()),
        format!("{used:.1?}, {}", again.requests() - asked),
        "0".into(),
    );
}
