//! Many profiles at once, made, edited, vandalised and deleted, while controllers are killed and paused, the API server goes away and
//! the ways to it misbehave: it ends in the state that was asked for, and at no time two replicas write.
//!
//! `KFCTL_TEST_STORM` says how many profiles; `KFCTL_TEST_SEED` chooses what happens to them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use futures::StreamExt;
use http::Method;
use kfctl::cluster::{Class, Connection, Target};
use serde_json::{Value, json};

use crate::harness::{Controller, signal};
use crate::profile_lifecycle::Profiles;
use crate::proxy::{Asked, Dice, Fault, Proxy, When};

const PROFILES: &str = "/apis/kubeflow.org/v1alpha1/namespaces/kubeflow-system/profiles";
const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

/// What a profile is asked to be in the end.
#[derive(Debug, Clone)]
struct Wanted {
    owner: String,
    members: BTreeSet<String>,
    cpu: usize,
}

impl Wanted {
    fn spec(&self) -> Value {
        let subject = |name: &String| json!({"role": "edit", "subject": {"kind": "User", "name": name}});
        let quota = (self.cpu != 32).then(|| json!({"hard": {"requests.cpu": self.cpu}}));
        json!({"template": {"spec": {"owner": {"kind": "User", "name": self.owner},
            "members": self.members.iter().map(subject).collect::<Vec<_>>(), "resourceQuota": quota}}})
    }

    fn told(&self) -> String {
        format!("{} ready baseline, also {:?}, cpu {}, 3+1+2+1", self.owner, self.members, self.cpu)
    }
}

/// The admin's own way to the API server, which never misbehaves but may be away.
struct Admin(Connection);

impl Admin {
    /// Asks until there is an answer that counts.
    async fn ask(&self, method: Method, path: &str, content_type: &str, body: &Value) {
        loop {
            let content = Some((content_type, body.to_string().into_bytes()));
            match self.0.request(method.clone(), path, "application/json", content).await {
                Ok(_) => return,
                Err(failure) if failure.class == Class::Busy => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                // Made, or gone, by a request whose answer was lost.
                Err(failure) if matches!(failure.class, Class::NotFound | Class::Exists) => return,
                Err(failure) => panic!("{method} {path}: {failure:?}"),
            }
        }
    }

    async fn create(&self, name: &str, wanted: &Wanted) {
        let body =
            json!({"apiVersion": "kubeflow.org/v1alpha1", "kind": "Profile", "metadata": {"name": name}, "spec": wanted.spec()});
        self.ask(Method::POST, PROFILES, "application/json", &body).await;
    }

    async fn delete(&self, path: &str) {
        self.ask(Method::DELETE, path, "application/json", &json!({})).await;
    }

    async fn is_gone(&self, path: &str) {
        loop {
            match self.0.get(path).await {
                Err(failure) if failure.class == Class::NotFound => return,
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    async fn patch(&self, path: &str, body: &Value) {
        self.ask(Method::PATCH, path, "application/merge-patch+json", body).await;
    }

    /// What happens to one profile; the result is what it is to be.
    async fn live(&self, name: &str, seed: u64) -> Option<Wanted> {
        let mut dice = Dice::of(seed, name);
        let mut wanted = Wanted { owner: format!("{name}@foo.com"), members: BTreeSet::new(), cpu: 32 };
        let (profile, namespace) = (format!("{PROFILES}/{name}"), format!("kubeflow-{name}"));
        self.create(name, &wanted).await;
        for turn in 0..2 + dice.below(4) {
            match dice.below(9) {
                0 => wanted.owner = format!("{name}-{turn}@foo.com"),
                1 => drop(wanted.members.insert(format!("friend-{turn}@foo.com"))),
                2 => drop(wanted.members.pop_first()),
                3 => wanted.cpu = 1 + dice.below(99),
                4 => self.delete(&format!("{RBAC}/namespaces/{namespace}/rolebindings/namespaceAdmin")).await,
                5 => self.delete(&format!("{RBAC}/namespaces/{namespace}/roles/default")).await,
                6 => self.delete(&format!("/api/v1/namespaces/{namespace}/resourcequotas/kf-resource-quota")).await,
                7 => {
                    let label = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}});
                    self.patch(&format!("/api/v1/namespaces/{namespace}"), &label).await;
                }
                _ => {
                    self.delete(&profile).await;
                    if dice.below(2) == 0 {
                        return None;
                    }
                    self.is_gone(&profile).await;
                    self.create(name, &wanted).await;
                }
            }
            self.patch(&profile, &json!({"spec": wanted.spec()})).await;
        }
        Some(wanted)
    }

    /// Each profile and what became of it, and namespaces that are nobody's.
    async fn found(&self) -> Option<BTreeMap<String, String>> {
        let list = async |path: &str| -> Option<Vec<Value>> { self.0.get(path).await.ok()?["items"].as_array().cloned() };
        let of_profiles = "labelSelector=kubeflow.org/profile-uid";
        let mut inside: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for (at, root) in [
            ("rolebindings", RBAC),
            ("roles", RBAC),
            ("serviceaccounts", "/api/v1"),
            ("limitranges", "/api/v1"),
            ("resourcequotas", "/api/v1"),
        ] {
            for mut object in list(&format!("{root}/{at}?{of_profiles}")).await? {
                object["at"] = at.into();
                let namespace = object["metadata"]["namespace"].as_str()?.to_owned();
                inside.entry(namespace).or_default().push(object);
            }
        }
        let profiles = list(PROFILES).await?;
        let mut found = BTreeMap::new();
        for namespace in list(&format!("/api/v1/namespaces?{of_profiles}")).await? {
            let metadata = &namespace["metadata"];
            let (name, labels) = (metadata["name"].as_str()?, &metadata["labels"]);
            let profile = profiles.iter().find(|profile| profile["metadata"]["uid"] == labels["kubeflow.org/profile-uid"]);
            let Some(profile) = profile else {
                found.insert(format!("namespace {name}"), "nobody's".to_owned());
                continue;
            };
            let all = inside.remove(name).unwrap_or_default();
            let of = |at: &str| all.iter().filter(|object| object["at"] == at).cloned().collect::<Vec<_>>();
            let subject = |binding: &Value| binding["subjects"][0]["name"].as_str().unwrap_or_default().to_owned();
            let (bindings, quotas) = (of("rolebindings"), of("resourcequotas"));
            let is_member =
                |binding: &&Value| binding["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("member-"));
            let members: BTreeSet<String> = bindings.iter().filter(is_member).map(subject).collect();
            let owner = bindings.iter().find(|binding| binding["metadata"]["name"] == "namespaceAdmin").map(subject);
            let condition = &profile["status"]["conditions"][0];
            let is_ready = condition["status"] == "True" && condition["observedGeneration"] == profile["metadata"]["generation"];
            let has_it = owner.as_deref() == metadata["annotations"]["owner"].as_str();
            found.insert(
                profile["metadata"]["name"].as_str()?.to_owned(),
                format!(
                    "{} {} {}, also {members:?}, cpu {}, {}+{}+{}+{}",
                    owner.filter(|_| has_it).unwrap_or_default(),
                    if is_ready { "ready" } else { "not ready" },
                    labels["pod-security.kubernetes.io/enforce"].as_str().unwrap_or_default(),
                    quotas.first().and_then(|quota| quota["spec"]["hard"]["requests.cpu"].as_str()).unwrap_or_default(),
                    bindings.len() - members.len(),
                    of("roles").len(),
                    of("serviceaccounts").len(),
                    of("limitranges").len(),
                ),
            );
        }
        let lost = profiles.iter().filter_map(|profile| profile["metadata"]["name"].as_str());
        for name in lost {
            found.entry(name.to_owned()).or_insert_with(|| "no namespace".to_owned());
        }
        Some(found)
    }
}

/// Which replica wrote, in the order of the writes.
type Writers = Arc<Mutex<Vec<usize>>>;

/// Keeps a replica's writes in mind and disturbs a few of all its requests, each at most three times.
fn disturbing(seed: u64, replica: usize, writers: &Writers) -> impl Fn(&Asked<'_>) -> Option<Fault> + Send + 'static {
    let writers = Arc::clone(writers);
    move |asked| {
        let is_lease = asked.path.contains("/leases");
        if asked.method != "GET" && !is_lease && !asked.path.contains("/events") {
            writers.lock().expect("no panic").push(replica);
        }
        let mut dice = Dice::of(seed, &format!("{replica} {} {} {}", asked.method, asked.path, asked.before));
        let is_watch = asked.path.contains("watch=true");
        if asked.before >= 3 || is_lease || dice.below(100) >= if is_watch { 40 } else { 8 } {
            return None;
        }
        let time = Duration::from_millis(5 + dice.below(150) as u64);
        if is_watch {
            return Some([Fault::Gone, Fault::Cut(dice.below(4)), Fault::Lagging(time)][dice.below(3)]);
        }
        let when = [When::Before, When::After][dice.below(2)];
        Some(match dice.below(6) {
            0 => Fault::Late(time),
            1 => Fault::Reset(when),
            2 => Fault::Truncated,
            3 => Fault::Code(409, When::Before),
            4 => Fault::Code(429, When::Before),
            _ => Fault::Code([500, 503, 504][dice.below(3)], when),
        })
    }
}

impl Profiles {
    /// What is known of a namespace that should not be there.
    fn biography(&self, namespace: &str) -> String {
        let object = self.admin(&["get", "namespace", namespace, "-o", "yaml", "--show-managed-fields"]);
        let events = self.admin(&[
            "get",
            "events.events.k8s.io",
            "-A",
            "-o",
            "custom-columns=T:.eventTime,BY:.reportingInstance,R:.reason,OF:.regarding.name,N:.note",
        ]);
        let name = namespace.trim_start_matches("kubeflow-");
        let is_of = |line: &&str| line.split_whitespace().any(|word| word == name || word == namespace);
        format!("{object}{}\n", events.lines().filter(is_of).collect::<Vec<_>>().join("\n"))
    }
}

#[test]
fn e2e_a_storm_ends_in_the_state_asked_for() {
    let number = |variable: &str| std::env::var(variable).ok().map(|text| text.parse::<u64>().expect("a number"));
    let clock = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    let count = number("KFCTL_TEST_STORM").unwrap_or(40);
    let seed = number("KFCTL_TEST_SEED").unwrap_or_else(clock);
    eprintln!("{count} profiles, KFCTL_TEST_SEED={seed}");
    let mut test = Profiles::start();
    assert_eq!(test.controller.take().expect("it runs").terminate(), Some(0));
    let writers = Writers::default();
    let proxies = [0, 1].map(|replica| Proxy::start(&test.cluster, &format!("way-{replica}")));
    for (replica, proxy) in proxies.iter().enumerate() {
        proxy.misbehave(disturbing(seed, replica, &writers));
    }
    let start = |replica: usize| test.cluster.controller_through(&proxies[replica].kubeconfig, "kfctl-controller");
    let mut replicas: [Controller; 2] = [start(0), start(1)];
    let leader = |replicas: &[Controller; 2]| replicas.iter().position(|replica| replica.number("kfctl_leader") == Some(1.0));
    let leads = |replicas: &[Controller; 2]| {
        let mut found = None;
        test.cluster.until("one leads", || {
            found = leader(replicas);
            found.is_some()
        });
        found.expect("one leads")
    };
    leads(&replicas);

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let target = Target { kubeconfig: Some(test.cluster.kubeconfig().to_owned()), context: None };
    let admin = Arc::new(Admin(runtime.block_on(Connection::open(&target)).expect("a connection")));
    let started = Instant::now();
    let storm = runtime.spawn({
        let admin = Arc::clone(&admin);
        async move {
            let lives = (0..count).map(|number| {
                let (admin, name) = (Arc::clone(&admin), format!("p{number}"));
                async move { (name.clone(), admin.live(&name, seed).await) }
            });
            futures::stream::iter(lives).buffer_unordered(8).collect::<Vec<_>>().await
        }
    });
    let written = |least: usize| {
        test.cluster.until("much is written", || storm.is_finished() || writers.lock().expect("no panic").len() >= least);
    };
    // The leader is killed; what it had begun is another's to finish.
    written(100);
    let killed = leads(&replicas);
    signal("KILL", replicas[killed].pid());
    replicas[killed] = start(killed);
    // The API server goes away, and comes back.
    leads(&replicas);
    let server = test.cluster.pid("kube-apiserver");
    signal("KILL", server);
    // Until its end its port is taken.
    test.cluster.until("the API server has ended", || !Path::new(&format!("/proc/{server}/fd/0")).exists());
    test.cluster.app.kfctl(&["local", "start"]).success();
    // The leader is paused for longer than its lease, and goes on without knowing.
    let paused = leads(&replicas);
    signal("STOP", replicas[paused].pid());
    let other = 1 - paused;
    test.cluster.until("the other leads", || replicas[other].number("kfctl_leader") == Some(1.0));
    signal("CONT", replicas[paused].pid());

    let wanted = runtime.block_on(storm).expect("the storm ends");
    let expected: BTreeMap<String, String> =
        wanted.into_iter().filter_map(|(name, wanted)| Some((name, wanted?.told()))).collect();
    eprintln!("the storm took {:.1?}", started.elapsed());
    let deadline = Instant::now() + Duration::from_secs(60 + count / 4);
    loop {
        let found = runtime.block_on(admin.found()).unwrap_or_default();
        if found == expected {
            break;
        }
        let wrong = |from: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
            let lines = from.iter().filter(|(name, said)| other.get(*name) != Some(said));
            lines.map(|(name, said)| format!("{name}: {said}")).collect::<Vec<_>>().join("\n")
        };
        assert!(
            Instant::now() < deadline,
            "KFCTL_TEST_SEED={seed}\nis:\n{}\nshould be:\n{}\n{}",
            wrong(&found, &expected),
            wrong(&expected, &found),
            found.keys().filter_map(|name| name.strip_prefix("namespace ")).map(|name| test.biography(name)).collect::<String>()
        );
        std::thread::park_timeout(Duration::from_millis(200));
    }
    eprintln!("as asked for after {:.1?}: {} of {count} profiles are left", started.elapsed(), expected.len());

    // One after the other wrote, and only when the lease had changed hands. Whether it has is the seed's to say: a storm of a few may
    // have its deaths where nobody leads.
    let mut runs = writers.lock().expect("no panic").clone();
    let writes = runs.len();
    runs.dedup();
    let transitions =
        test.admin(&["-n", "kubeflow-system", "get", "lease", "kfctl-controller", "-o", "jsonpath={.spec.leaseTransitions}"]);
    eprintln!("{writes} writes by {runs:?}, {transitions} changes of the lease");
    assert!(runs.len() <= transitions.parse::<usize>().expect("a number") + 1, "two wrote: {runs:?}");
    let faults: usize = proxies.iter().map(|proxy| proxy.log().len()).sum();
    assert!(faults > usize::try_from(count).expect("a number") / 4, "too little went wrong to show anything: {faults}");
}
