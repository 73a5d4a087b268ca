//! Runs through a misbehaving proxy, some of them killed: they end where an undisturbed run ends. What a run meets follows from a
//! seed. `KFCTL_TEST_SEED` chooses it, `KFCTL_TEST_FAULT_RUNS` how many runs there are; run N of seed S is run 0 of seed S+N.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use kfctl::cluster::{Class, Connection, Target};
use serde_json::Value;

use crate::harness::{App, Cluster, signal};
use crate::proxy::{Asked, Dice, Fault, Proxy, When, at_random};

/// So many runs take two minutes on two busy cores; a hundred take eight.
const RUNS: u64 = 12;

/// Places to work side by side: most of a run is waiting.
const LANES: u64 = 4;

/// A small app of all that matters to the order of things, in two versions.
const MANIFESTS: &str = include_str!("disturbed.yaml");
const OBJECTS: usize = 19;
const CHANGED: usize = 4;

/// A kind that the app uses and somebody else brought.
const STRANGERS: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: strangers.LANE.example.org}\nspec:\n  group: LANE.example.org\n  scope: Namespaced\n  names: {kind: Stranger, plural: strangers}\n  versions:\n  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}\n";

/// What is looked at. Namespaced kinds are read in all namespaces.
const COLLECTIONS: &[&str] = &[
    "/api/v1/namespaces",
    "/api/v1/configmaps",
    "/api/v1/secrets",
    "/api/v1/serviceaccounts",
    "/api/v1/services",
    "/apis/apps/v1/deployments",
    "/apis/rbac.authorization.k8s.io/v1/roles",
    "/apis/rbac.authorization.k8s.io/v1/rolebindings",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
    "/apis/LANE.example.com/v1/things",
    "/apis/LANE.example.org/v1/strangers",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Install,
    Again,
    Change,
    Remove,
}

const STEPS: [Step; 4] = [Step::Install, Step::Again, Step::Change, Step::Remove];

/// What a step came to.
struct Result {
    state: State,
    /// The line that counts what was done.
    counts: String,
    /// All that was said.
    said: String,
    requests: usize,
}

/// Objects by their place, without what differs from run to run.
type State = BTreeMap<String, Value>;

/// An app in namespaces of its own, and a proxy before the cluster.
struct Lane {
    name: String,
    app: App,
    proxy: Proxy,
    runtime: tokio::runtime::Runtime,
    connection: Connection,
    faults: AtomicUsize,
    kills: AtomicUsize,
}

impl Lane {
    fn new(cluster: &Cluster, number: u64) -> Self {
        let name = format!("lane{number}");
        let proxy = Proxy::start(cluster, &name);
        let app = cluster.init(&name, &["namespaces", "profiles"]).with("KUBECONFIG", &proxy.kubeconfig.display().to_string());
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let target = Target { kubeconfig: Some(cluster.kubeconfig.clone()), context: None };
        let connection = runtime.block_on(Connection::open(&target)).expect("a connection of the test's own");
        let lane = Self { name, app, proxy, runtime, connection, faults: AtomicUsize::new(0), kills: AtomicUsize::new(0) };
        let file = lane.app.write("manifests.yaml", &lane.manifests(Step::Install));
        // Somebody else's, so that no lane takes the namespace of all inventories away from the others.
        cluster.kubectl(&["create", "namespace", "kubeflow-system"]);
        cluster.kubectl(&["-n", "kubeflow-system", "create", "configmap", "of-somebody"]);
        lane.app.kfctl(&["component", "add", "own", "--from", &file]).success();
        // The first answers that the proxy keeps are of a cluster without this kind.
        let said = lane.app.kfctl(&["apply", "k8s", "--yes"]);
        assert!(said.stderr.contains("the cluster has no such kind"), "{}", said.all());
        let strangers = lane.app.write("strangers.yaml", &STRANGERS.replace("LANE", &lane.name));
        cluster.kubectl(&["create", "-f", &strangers]).success();
        let definition = format!("crd/strangers.{}.example.org", lane.name);
        cluster.kubectl(&["wait", "--for=condition=Established", &definition]).success();
        lane
    }

    /// The manifests; a line that ends with the name of a step is of that version alone.
    fn manifests(&self, step: Step) -> String {
        let (mine, other) = if step == Step::Change { ("# second", "# first") } else { ("# first", "# second") };
        let lines = MANIFESTS.lines().filter(|line| !line.ends_with(other)).map(|line| line.trim_end_matches(mine));
        lines.collect::<Vec<_>>().join("\n").replace("LANE", &self.name)
    }

    /// Takes the step once more for each time it is killed.
    fn take(&self, step: Step, seed: Option<u64>, requests: usize) -> Result {
        self.app.write("components/own/manifests.yaml", &self.manifests(step));
        let mut dice = Dice::of(seed.unwrap_or_default(), &format!("{step:?}"));
        let is_killed = |attempt: usize| seed.is_some_and(|seed| Dice::of(seed, "kill").below(2) == 0) && attempt < 2;
        for attempt in 0.. {
            let kill = (is_killed(attempt)).then(|| {
                let when = if dice.below(2) == 0 { When::Before } else { When::After };
                (dice.below(requests * 5 / 4 + 1), when, dice.below(4) == 0)
            });
            let faults = seed.map(|seed| at_random(Dice::of(seed, &format!("{step:?} {attempt}")).0));
            let victim = self.proxy.misbehave(move |asked| match kill {
                Some((place, when, false)) if asked.place == place => Some(Fault::Kill(when)),
                _ => faults.as_ref()?(asked),
            });
            let run = self.app.start(if step == Step::Remove { REMOVE } else { APPLY });
            victim.send(run.pid()).expect("the proxy listens");
            if let Some((place, _, true)) = kill {
                std::thread::park_timeout(Duration::from_millis(5 * place as u64));
                signal("KILL", run.pid());
            }
            let said = run.finish();
            self.faults.fetch_add(self.proxy.log().len(), Ordering::Relaxed);
            if kill.is_some() && said.code == -1 {
                self.kills.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let context = || format!("{step:?} of {}:\n{}\n{}", self.name, self.proxy.log().join("\n"), said.all());
            assert_eq!(said.code, 0, "{}", context());
            let counts = said.stdout.lines().find(|line| line.contains("created")).unwrap_or_default().to_owned();
            // What was there after a kill is as it happens; an undisturbed process counts for itself.
            let counts = if attempt == 0 { counts } else { String::new() };
            return Result { state: self.state(), counts, said: said.all(), requests: self.proxy.requests() };
        }
        unreachable!("it is killed twice at most")
    }

    /// An installation that is killed and never taken up again.
    fn abandon(&self, seed: u64, requests: usize) {
        self.app.write("components/own/manifests.yaml", &self.manifests(Step::Install));
        let place = Dice::of(seed, "abandon").below(requests / 2);
        let victim = self.proxy.misbehave(move |asked| (asked.place == place).then_some(Fault::Kill(When::After)));
        let run = self.app.start(APPLY);
        victim.send(run.pid()).expect("the proxy listens");
        assert_eq!(run.finish().code, -1, "it ended before request {place}");
        self.kills.fetch_add(1, Ordering::Relaxed);
    }

    fn state(&self) -> State {
        let mut state = State::new();
        for path in COLLECTIONS {
            let list = match self.runtime.block_on(self.connection.get(&path.replace("LANE", &self.name))) {
                Ok(list) => list,
                Err(failure) if matches!(failure.class, Class::NoMatch | Class::NotFound) => continue,
                Err(failure) => panic!("{path}: {}", failure.message),
            };
            for mut object in list["items"].as_array().cloned().unwrap_or_default() {
                let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
                let (namespace, name) = (text("namespace"), text("name"));
                let is_ours = namespace.contains(&self.name) || name.contains(&self.name);
                if is_ours && object["metadata"]["ownerReferences"].is_null() {
                    normalise(&mut object);
                    state.insert(format!("{path} {namespace}/{name}"), object);
                }
            }
        }
        state
    }

    fn assert_reaches(&self, expected: &State, what: &str) {
        // Controllers write when they get to it.
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let state = self.state();
            if state == *expected {
                return;
            }
            if Instant::now() > deadline {
                let differs = |from: &State, other: &State| -> Vec<String> {
                    from.iter()
                        .filter(|(at, object)| other.get(*at) != Some(object))
                        .map(|(at, object)| format!("{at} {object}"))
                        .collect()
                };
                panic!(
                    "{what}: not as after an undisturbed run\nis:        {}\nshould be: {}\n{}",
                    differs(&state, expected).join("\n"),
                    differs(expected, &state).join("\n"),
                    self.proxy.log().join("\n")
                );
            }
        }
    }

    fn run(&self, seed: u64, undisturbed: &BTreeMap<Step, Result>) {
        if Dice::of(seed, "abandoned").below(4) == 0 {
            let expected = &undisturbed[&Step::Remove];
            self.abandon(seed, undisturbed[&Step::Install].requests);
            let said = self.take(Step::Remove, Some(seed), expected.requests).said;
            let what = format!("Remove after a kill, KFCTL_TEST_SEED={seed} KFCTL_TEST_FAULT_RUNS=1\n{said}");
            self.assert_reaches(&expected.state, &what);
        }
        for step in STEPS {
            let expected = &undisturbed[&step];
            let result = self.take(step, Some(seed), expected.requests);
            let what = format!("{step:?}, KFCTL_TEST_SEED={seed} KFCTL_TEST_FAULT_RUNS=1\n{}", result.said);
            self.assert_reaches(&expected.state, &what);
            assert!(
                result.counts.is_empty() || result.counts == expected.counts,
                "{what}: says {:?}, not {:?}\n{}",
                result.counts,
                expected.counts,
                self.proxy.log().join("\n")
            );
        }
    }
}

const APPLY: &[&str] = &["apply", "k8s", "--yes", "--timeout", "2m"];
const REMOVE: &[&str] = &["delete", "--yes", "--timeout", "2m"];

/// Leaves what an undisturbed run would write again.
fn normalise(object: &mut Value) {
    let remove = |object: &mut Value, pointer: &str, fields: &[&str]| {
        if let Some(at) = object.pointer_mut(pointer).and_then(Value::as_object_mut) {
            for field in fields {
                at.remove(*field);
            }
        }
    };
    remove(object, "", &["status"]);
    remove(object, "/metadata", &["uid", "resourceVersion", "creationTimestamp", "generation"]);
    remove(object, "/spec", &["clusterIP", "clusterIPs"]);
    if let Some(managers) = object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut) {
        managers.retain(|manager| manager["subresource"].is_null());
        for manager in managers.iter_mut() {
            remove(manager, "", &["time"]);
        }
        managers.sort_by_key(Value::to_string);
    }
}

/// A fault for the first request like this one, and for no other.
fn once(method: &'static str, path: &'static str, fault: Fault) -> impl Fn(&Asked<'_>) -> Option<Fault> + Send + 'static {
    let done = AtomicBool::new(false);
    move |asked| {
        let is_it = asked.method == method && asked.path.contains(path) && !asked.path.contains("dryRun");
        (is_it && !done.swap(true, Ordering::Relaxed)).then_some(fault)
    }
}

#[test]
fn api_each_fault_alone_changes_nothing() {
    let cluster = Cluster::start();
    let lane = Lane::new(&cluster, 9);
    cluster.kubectl(&["delete", "namespace", "kubeflow-system"]).success();
    // Killed when the namespace of inventories is there, and nothing else; then that namespace is hard to get.
    let inventories = "/api/v1/namespaces/kubeflow-system";
    let victim = lane.proxy.misbehave(once("PATCH", inventories, Fault::Kill(When::After)));
    let run = lane.app.start(APPLY);
    victim.send(run.pid()).expect("the proxy listens");
    assert_eq!(run.finish().code, -1);
    cluster.kubectl(&["get", "namespace", "kubeflow-system"]).success();
    assert_ne!(cluster.kubectl(&["get", "namespace", &lane.name]).code, 0, "something came before the inventory");
    cluster.kubectl(&["delete", "namespace", "kubeflow-system"]).success();

    let new = format!("{OBJECTS} created, 0 configured, 0 unchanged");
    let changed = format!("0 created, {CHANGED} configured, {} unchanged", OBJECTS - CHANGED);
    let same = format!("0 created, 0 configured, {OBJECTS} unchanged");
    let mut step = Step::Install;
    let mut expect = |counts: &str, method, path, fault| {
        // What is ready at once is not waited for, so its watch may have to be tempted again.
        for attempt in 0.. {
            lane.app.write("components/own/manifests.yaml", &lane.manifests(step));
            lane.proxy.misbehave(once(method, path, fault));
            let said = lane.app.kfctl(APPLY);
            step = if step == Step::Change { Step::Install } else { Step::Change };
            assert!(said.code == 0 && said.stdout.contains(counts), "{fault:?} {method} {path}: {}", said.all());
            if !lane.proxy.log().is_empty() {
                break;
            }
            assert!(attempt < 5, "{method} {path} was never asked: {}", said.all());
        }
    };
    expect(&new, "PATCH", inventories, Fault::Code(503, When::After));
    let reset = Fault::Reset(When::After);
    // The first word, and what the server serves.
    expect(&changed, "GET", "kube-system", Fault::Reset(When::Before));
    expect(&changed, "GET", "/apis", Fault::Code(503, When::Before));
    expect(&changed, "GET", "/apis", Fault::Stale);
    // The login is doubted once in the middle.
    expect(&changed, "GET", "configmaps?labelSelector", Fault::Code(401, When::Before));
    expect(&changed, "PATCH", "/deployments/web", Fault::Code(401, When::Before));
    // An answer is lost, or comes in half.
    expect(&changed, "PATCH", "/configmaps/settings", reset);
    expect(&changed, "GET", "deployments?", Fault::Truncated);
    // A watch hears nothing, or history is gone.
    expect(&changed, "GET", "deployments?&watch=true", Fault::Silent);
    expect(&changed, "GET", "deployments?&watch=true", Fault::Gone);
    lane.proxy.misbehave(|_| None);
    lane.app.kfctl(REMOVE).success();
    // What this run created it says it created, whether it heard so or not.
    lane.app.write("components/own/manifests.yaml", &lane.manifests(Step::Install));
    lane.proxy.misbehave(once("PATCH", "/configmaps/settings", reset));
    let said = lane.app.kfctl(APPLY);
    assert!(said.stdout.contains(&new), "{}", said.all());

    // An object that left the app is not forgotten because one server does not know its kind yet.
    let without = lane.manifests(Step::Install).replace("kind: Stranger", "kind: Thing").replace(".example.org", ".example.com");
    lane.app.write(
        "components/own/manifests.yaml",
        &without.replace("{name: one, namespace: lane9}\nspec: {any: thing}", "{name: new, namespace: lane9}"),
    );
    lane.proxy.misbehave(once("GET", "/apis", Fault::Stale));
    let said = lane.app.kfctl(&[APPLY, &["--prune=no"]].concat());
    assert!(said.stderr.contains("Stranger.lane9.example.org lane9/one is no longer part of the app"), "{}", said.all());
    lane.proxy.misbehave(|_| None);
    let said = lane.app.kfctl(&[APPLY, &["--prune=no"]].concat());
    assert!(said.stderr.contains("Stranger.lane9.example.org lane9/one is no longer part of the app"), "{}", said.all());
    assert!(said.stdout.contains(&same), "{}", said.all());
}

#[test]
fn api_disturbed_runs_end_as_undisturbed_ones() {
    let number = |variable: &str| std::env::var(variable).ok().map(|text| text.parse().expect("a number"));
    let clock = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    let seed: u64 = number("KFCTL_TEST_SEED").unwrap_or_else(clock);
    let runs: u64 = number("KFCTL_TEST_FAULT_RUNS").unwrap_or(RUNS);
    eprintln!("{runs} runs, KFCTL_TEST_SEED={seed}");
    let cluster = Cluster::start();
    let started = Instant::now();
    let (faults, kills) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for number in 0..LANES.min(runs) {
            let (cluster, faults, kills) = (&cluster, &faults, &kills);
            scope.spawn(move || {
                let lane = Lane::new(cluster, number);
                let undisturbed: BTreeMap<Step, Result> = STEPS.iter().map(|step| (*step, lane.take(*step, None, 0))).collect();
                for run in (number..runs).filter(|run| run % LANES == number) {
                    lane.run(seed.wrapping_add(run), &undisturbed);
                }
                faults.fetch_add(lane.faults.into_inner(), Ordering::Relaxed);
                kills.fetch_add(lane.kills.into_inner(), Ordering::Relaxed);
            });
        }
    });
    let (faults, kills) = (faults.into_inner(), kills.into_inner());
    eprintln!("{runs} runs in {:.0} s: {faults} faults, {kills} kills", started.elapsed().as_secs_f64());
    assert!(faults >= 20 * usize::try_from(runs).expect("a number"), "too little went wrong to show anything");
}
