//! What the web UI's pages cost: how long each takes while many people ask at once, beside raw requests for the same; how long it is from
//! the click on the spawner to the `StatefulSet`; and memory.
//!
//! `cargo bench --bench web`; `KFCTL_BENCH_NAMESPACES=1000` sets how many there are, with ten notebooks each. Notebooks are objects alone:
//! no pod runs.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a table is its result")]
#![allow(clippy::unwrap_used, reason = "where a measurement fails there is nothing to print")]

#[path = "../tests/cluster/harness.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod harness;
#[path = "../tests/cluster/profile_lifecycle.rs"]
#[allow(dead_code, unused_imports, reason = "the tests use all of it")]
mod profile_lifecycle;
#[path = "../tests/cluster/web_rig.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod web_rig;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt;
use http::Method;
use kfctl::cluster::{Connection, Target};
use profile_lifecycle::Profiles;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use web_rig::{Issuer, Person, Web, bearer, deploy, grant, people};

const NOTEBOOKS: usize = 10;
/// People who ask at the same time.
const AT_ONCE: usize = 16;
/// Requests for each page.
const ASKED: usize = 1000;
const SPAWNED: usize = 30;
/// How many are created at the same time.
const CREATED: usize = 16;
const ADMIN: &str = "ann@foo.com";

/// A page, its address for a namespace, and what a raw request asks for in its place.
type Row = (&'static str, fn(&str) -> String, &'static [&'static str]);

fn user(number: usize) -> String {
    format!("user-{number}@foo.com")
}

fn namespace(number: usize) -> String {
    format!("kubeflow-user-{number}")
}

fn profile(number: usize) -> (String, Value) {
    let owner = json!({"kind": "User", "name": user(number)});
    let body = json!({"apiVersion": "kubeflow.org/v1alpha1", "kind": "Profile", "metadata": {"name": format!("user-{number}")},
        "spec": {"template": {"spec": {"owner": owner}}}});
    ("/apis/kubeflow.org/v1alpha1/namespaces/kubeflow-system/profiles".to_owned(), body)
}

fn notebook(namespace: &str, name: &str) -> (String, Value) {
    let container = json!({"name": name, "image": "ghcr.io/kubeflow/kubeflow/notebook-servers/jupyter-scipy:v1.10.0",
        "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}});
    let body = json!({"apiVersion": "kubeflow.org/v1", "kind": "Notebook", "metadata": {"name": name},
        "spec": {"template": {"spec": {"containers": [container]}}}});
    (format!("/apis/kubeflow.org/v1/namespaces/{namespace}/notebooks"), body)
}

async fn post(connection: &Connection, (path, body): (String, Value)) {
    let content = Some(("application/json", body.to_string().into_bytes()));
    let sent = connection.request(Method::POST, &path, "application/json", content).await;
    sent.unwrap_or_else(|failure| panic!("{path}: {failure:?}"));
}

async fn create(connection: &Connection, objects: impl Iterator<Item = (String, Value)>) {
    futures::stream::iter(objects).for_each_concurrent(CREATED, |object| post(connection, object)).await;
}

/// How long each of many takes, of which some are asked for at once.
struct Times(Vec<Duration>);

impl Times {
    fn of(count: usize, ask: impl Fn(usize) + Sync) -> Self {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut times = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return times;
                }
                let began = Instant::now();
                ask(number);
                times.push(began.elapsed());
            }
        };
        let mut all: Vec<Duration> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
        });
        all.sort();
        Self(all)
    }

    fn told(&self) -> String {
        let at = |hundredths: usize| self.0[(self.0.len() * hundredths / 100).min(self.0.len() - 1)];
        format!("{:.1?} | {:.1?}", at(50), at(99))
    }
}

fn memory(pid: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    };
    format!("{} MiB (at most {} MiB)", of("VmRSS:"), of("VmHWM:"))
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap().split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// From the click to the `StatefulSet`, by the web and by a raw request for the notebook, in turns.
fn spawns(runtime: &Runtime, web: &Web, issuer: &Issuer, connection: &Connection) {
    let timed = |name: &str, make: &dyn Fn(&str)| {
        let path = format!("/apis/apps/v1/namespaces/{}/statefulsets/{name}", namespace(0));
        let began = Instant::now();
        make(name);
        while runtime.block_on(connection.get(&path)).is_err() {
            assert!(began.elapsed() < Duration::from_mins(2), "{name} gets no StatefulSet");
        }
        began.elapsed()
    };
    let person = Person::new(web, issuer.token(&user(0), &json!({})));
    let csrf = person.csrf();
    let headers = [("content-type", "application/json"), ("x-csrf-token", csrf.as_str())];
    let wish = |name: &str| json!({"namespace": namespace(0), "name": name, "cpu": "1m", "memory": "1Mi", "workspace": {"mode": "none"}});
    let (mut by_web, mut raw) = (Vec::new(), Vec::new());
    for number in 0..SPAWNED {
        by_web.push(timed(&format!("web-{number}"), &|name| {
            drop(person.raw("POST", "/api/notebooks", &headers, wish(name).to_string().as_bytes()).is(201));
        }));
        raw.push(timed(&format!("raw-{number}"), &|name| runtime.block_on(post(connection, notebook(&namespace(0), name)))));
    }
    let told = |mut times: Vec<Duration>| {
        times.sort();
        Times(times).told()
    };
    println!("| spawn: click to StatefulSet (one by one, aim < 150 ms) | {} | {} |", told(by_web), told(raw));
}

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let count: usize = std::env::var("KFCTL_BENCH_NAMESPACES").ok().and_then(|text| text.parse().ok()).unwrap_or(1000);
    eprintln!("load before: {}", load());
    let runtime = Runtime::new().unwrap();
    let mut test = Profiles::start();
    test.app.kfctl(&["component", "enable", "notebooks"]).success();
    test.app.kfctl(&["apply", "k8s", "--no-wait"]).success();
    let issuer = Issuer::new();
    deploy(&test, &issuer);
    grant(&test, ADMIN, &["profile-viewer"]);
    let target = Target { kubeconfig: Some(Path::new(test.cluster.kubeconfig()).to_owned()), context: None };
    let connection = runtime.block_on(Connection::open(&target)).unwrap();
    runtime.block_on(create(&connection, (0..count).map(profile)));
    let deadline = Instant::now() + Duration::from_mins(15);
    while people(&test).len() < count + 1 {
        assert!(Instant::now() < deadline, "the profiles are never made");
        std::thread::sleep(Duration::from_secs(1));
    }
    // Nobody's notebook is to wait for the last of these.
    test.settled();
    let web = Web::start(&test, &[]);
    println!("| page, {count} namespaces, {AT_ONCE} people at once | p50 | p99 | raw: p50 | p99 |");
    println!("| --- | --- | --- | --- | --- |");
    spawns(&runtime, &web, &issuer, &connection);
    // Ten thousand StatefulSets are no part of what is measured.
    assert_eq!(test.controller.take().unwrap().terminate(), Some(0));
    let all = (0..count * NOTEBOOKS).map(|number| notebook(&namespace(number % count), &format!("nb-{}", number / count)));
    runtime.block_on(create(&connection, all));
    let tokens: Vec<String> = (0..count).map(|number| bearer(&issuer.token(&user(number), &json!({})))).collect();
    let ask = |target: &str, token: &str| {
        let reply = web.send("GET", target, &[("authorization", token), ("accept", "text/html")], b"");
        assert_eq!(reply.status, 200, "{target}: {reply:?}");
        reply
    };
    let last = format!("/jupyter?namespace={}", namespace(count - 1));
    test.cluster.until("all are seen", || ask(&last, &tokens[count - 1]).text.contains("nb-9"));
    eprintln!("memory before the load: {}", memory(web.pid()));
    let raw = |number: usize, paths: &[String]| {
        let acting = connection.acting_as(&user(number), &[]).unwrap();
        let requests = paths.iter().map(|path| acting.get(path));
        for answer in runtime.block_on(futures::future::join_all(requests)) {
            answer.unwrap();
        }
    };
    let within = |number: usize, kind: &str| {
        let group = match kind.split('/').next() {
            Some("notebooks") => "apis/kubeflow.org/v1",
            Some("rolebindings") => "apis/rbac.authorization.k8s.io/v1",
            _ => "api/v1",
        };
        format!("/{group}/namespaces/{}/{kind}", namespace(number))
    };
    let rows: [Row; 5] = [
        ("/", |_| "/".to_owned(), &["notebooks", "resourcequotas", "rolebindings"]),
        ("/jupyter", |of| format!("/jupyter?namespace={of}"), &["notebooks", "resourcequotas", "persistentvolumeclaims"]),
        ("/jupyter/new", |of| format!("/jupyter/new?namespace={of}"), &["resourcequotas", "persistentvolumeclaims"]),
        ("/jupyter/NAMESPACE/NAME", |of| format!("/jupyter/{of}/nb-3"), &["notebooks/nb-3", "events", "persistentvolumeclaims"]),
        ("/profiles", |_| "/profiles".to_owned(), &["rolebindings"]),
    ];
    for (page, target, kinds) in rows {
        let times = Times::of(ASKED, |number| drop(ask(&target(&namespace(number % count)), &tokens[number % count])));
        let raw = Times::of(ASKED, |number| {
            let number = number % count;
            raw(number, &kinds.iter().map(|kind| within(number, kind)).collect::<Vec<_>>());
        });
        println!("| `{page}` | {} | {} |", times.told(), raw.told());
        eprintln!("memory after {page}: {}", memory(web.pid()));
    }
    let admin = Person::new(&web, issuer.token(ADMIN, &json!({})));
    let mut times: Vec<Duration> = (0..50)
        .map(|_| {
            let began = Instant::now();
            admin.get("/profiles").is(200);
            began.elapsed()
        })
        .collect();
    times.sort();
    println!("| `/profiles` of an admin, all {count}, one by one | {} | - | - |", Times(times).told());
    println!("| memory after all of it | {} | | | |", memory(web.pid()));
    eprintln!("load after: {}", load());
}
