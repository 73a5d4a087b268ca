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
        post(&self.connection, PROFILES, &profile(name)).await;
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

fn profile(name: &str) -> Value {
    json!({"apiVersion": "kubeflow.org/v1alpha1", "kind": "Profile", "metadata": {"name": name},
        "spec": {"template": {"spec": {"owner": {"kind": "User", "name": format!("{name}@foo.com")}}}}})
}

async fn post(connection: &Connection, path: &str, body: &Value) {
    send(connection, Method::POST, path, "application/json", body).await;
}

async fn send(connection: &Connection, method: Method, path: &str, content_type: &str, body: &Value) {
    let content = Some((content_type, body.to_string().into_bytes()));
    connection.request(method, path, "application/json", content).await.unwrap_or_else(|failure| panic!("{path}: {failure:?}"));
}

/// What the controller has made for a profile, to be created elsewhere.
struct Made {
    /// Path below the namespace, and content.
    objects: Vec<(String, Value)>,
    status: Value,
    /// Of the profile, and of its namespace.
    events: Vec<Value>,
}

async fn made(connection: &Connection, profile: &str) -> Made {
    let status = json!({"status": connection.get(&format!("{PROFILES}/{profile}")).await.unwrap()["status"]});
    let regarding = |event: &&Value| event["regarding"]["name"].as_str().is_some_and(|name| name.ends_with(profile));
    let mut events = Vec::new();
    for event in
        connection.get("/apis/events.k8s.io/v1/events").await.unwrap()["items"].as_array().unwrap().iter().filter(regarding)
    {
        let mut event = event.clone();
        event["metadata"] = json!({"generateName": "floor-", "namespace": event["metadata"]["namespace"]});
        events.push(event);
    }
    assert_eq!(events.len(), 2, "one of the profile, one of its namespace");
    Made { objects: content(connection, &format!("kubeflow-{profile}")).await, status, events }
}

async fn content(connection: &Connection, namespace: &str) -> Vec<(String, Value)> {
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

/// What is created raw.
#[derive(Clone, Copy, PartialEq)]
enum Floor {
    /// The namespace and what is in it.
    Namespace,
    /// The profile too, with its finalizer, its status and the events.
    Whole,
}

const FLOORS: [(Floor, &str); 2] = [(Floor::Whole, "whole"), (Floor::Namespace, "bare")];

async fn raw(connection: &Connection, made: &Made, floor: Floor, names: &[String]) -> Duration {
    let started = Instant::now();
    let each = |name: &String| {
        let name = name.clone();
        async move {
            if floor == Floor::Whole {
                let mut profile = profile(&name);
                profile["metadata"]["finalizers"] = json!(["kubeflow.org/floor"]);
                post(connection, PROFILES, &profile).await;
            }
            let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            post(connection, "/api/v1/namespaces", &body).await;
            let creates = made.objects.iter().map(|(path, body)| {
                let path = path.replace("NAMESPACE", &name);
                async move { post(connection, &path, body).await }
            });
            futures::future::join_all(creates).await;
            if floor == Floor::Whole {
                let path = format!("{PROFILES}/{name}/status");
                send(connection, Method::PATCH, &path, "application/merge-patch+json", &made.status).await;
                let events = made.events.iter().map(|event| {
                    let namespace = event["metadata"]["namespace"].as_str().unwrap();
                    let path = format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events");
                    async move { post(connection, &path, event).await }
                });
                futures::future::join_all(events).await;
            }
        }
    };
    futures::stream::iter(names).for_each_concurrent(CONCURRENCY, each).await;
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

fn target(cluster: &Cluster) -> Target {
    Target { kubeconfig: Some(Path::new(cluster.kubeconfig()).to_owned()), context: None }
}

/// A cluster with kfctl's components, and no controller yet.
fn installed() -> Cluster {
    let cluster = Cluster::start();
    let app = cluster.init("figures", &[]);
    app.kfctl(&["param", "set", "profiles", "deployment", "false"]).success();
    app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]).success();
    cluster
}

#[tokio::main]
async fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let total: u32 = std::env::var("KFCTL_BENCH_PROFILES").ok().and_then(|text| text.parse().ok()).unwrap_or(1000);
    // The floor has a cluster of its own, where no controller takes the profiles on.
    let [cluster, raw_cluster] = [(); 2].map(|()| tokio::task::block_in_place(installed));
    let floor_connection = Connection::open(&target(&raw_cluster)).await.unwrap();
    let controller = cluster.controller("kfctl-controller");
    cluster.until("it leads", || controller.number("kfctl_leader") == Some(1.0));
    let connection = Connection::open(&target(&cluster)).await.unwrap();
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
    let row =
        |what: &str, value: String, [whole, namespace]: [String; 2]| println!("| {what} | {value} | {whole} | {namespace} |");
    let none = || ["-".to_owned(), "-".to_owned()];
    println!("| what | kfctl controller | floor: the same created raw | the namespace and its content alone, raw |");
    println!("| --- | --- | --- | --- |");

    let mut times = Vec::new();
    for name in names("one", 0..ONE_BY_ONE) {
        let started = Instant::now();
        bench.create(&name).await;
        times.push(bench.until_ready(&name).await - started);
    }
    settled(&controller).await;
    let made = made(&connection, "one-0").await;
    let mut floors = Vec::new();
    for (floor, kind) in FLOORS {
        let mut times = Vec::new();
        for name in names(&format!("{kind}-one"), 0..ONE_BY_ONE) {
            times.push(raw(&floor_connection, &made, floor, &[name]).await);
        }
        floors.push(format!("{:.1?}", median(times)));
    }
    row("create to Ready, one (median of 50)", format!("{:.1?}", median(times)), floors.try_into().unwrap());

    let before = controller.requests();
    let pids = [controller.pid(), cluster.pid("kube-apiserver")];
    let used = pids.map(cpu);
    let many = bench.all(&names("many", 0..AT_ONCE)).await;
    settled(&controller).await;
    let used: Vec<Duration> = pids.iter().zip(used).map(|(pid, before)| cpu(*pid).saturating_sub(before)).collect();
    let requests = f64::from(controller.requests() - before) / f64::from(u32::try_from(AT_ONCE).unwrap());
    let (mut floors, mut floors_used) = (Vec::new(), Vec::new());
    let floor_server = raw_cluster.pid("kube-apiserver");
    for (floor, kind) in FLOORS {
        let before = cpu(floor_server);
        let time = raw(&floor_connection, &made, floor, &names(kind, 0..AT_ONCE)).await;
        floors.push(format!("{time:.1?} (kfctl: {:.2} times)", many.as_secs_f64() / time.as_secs_f64()));
        floors_used.push(format!("{:.1?}", cpu(floor_server).saturating_sub(before)));
    }
    row("200 at once", format!("{many:.1?}"), floors.try_into().unwrap());
    let what = "CPU for them: controller + API server";
    row(what, format!("{:.1?} + {:.1?}", used[0], used[1]), floors_used.try_into().unwrap());
    let (whole, namespace) = (made.objects.len() + 5, made.objects.len() + 1);
    // The profile's own creation is the client's.
    row("requests a profile", format!("{requests:.2} and its creation"), [whole, namespace].map(|count| count.to_string()));
    let rest = usize::try_from(total).unwrap().saturating_sub(ONE_BY_ONE + AT_ONCE);
    let more = bench.all(&names("more", 0..rest)).await;
    row(&format!("{rest} at once"), format!("{more:.1?}"), none());
    settled(&controller).await;
    row(&format!("memory with {total}"), memory(&controller), none());
    assert_eq!(controller.terminate(), Some(0));
    let again = cluster.controller("kfctl-controller");
    cluster.until("the next one leads", || again.number("kfctl_leader") == Some(1.0));
    settled(&again).await;
    cluster.until("it has looked at all", || {
        again.number("kfctl_reconcile_duration_seconds_count").is_some_and(|count| count >= f64::from(total))
    });
    row(&format!("requests of a new controller for {total}"), again.requests().to_string(), none());
    row(&format!("memory of a new controller with {total}"), memory(&again), none());
    let (before, asked) = (cpu(again.pid()), again.requests());
    tokio::time::sleep(AT_REST).await;
    let used = cpu(again.pid()).saturating_sub(before);
    row(
        &format!("CPU of {} s at rest, and requests", AT_REST.as_secs()),
        format!("{used:.1?}, {}", again.requests() - asked),
        none(),
    );
}
