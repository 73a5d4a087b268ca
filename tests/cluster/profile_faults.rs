//! What goes wrong on the way to the API server, one thing at a time: requests that come late, conflicts, watches that expire, clocks
//! that differ. All of it at once is the storm's.

use std::collections::HashSet;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::harness::{Controller, signal};
use crate::profile_lifecycle::{ABE, BOB, JANE, Profiles};
use crate::proxy::{Asked, Fault, Proxy, When};
use crate::webhook::Webhook;

const MARK: &str = "kubeflow.org/being-made";

impl Profiles {
    /// The same cluster without its controller.
    fn without_controller() -> Self {
        let mut test = Self::start();
        assert_eq!(test.controller.take().expect("it runs").terminate(), Some(0));
        test
    }

    fn through(&self, proxy: &Proxy) -> Controller {
        let controller = self.cluster.controller_through(&proxy.kubeconfig, "kfctl-controller");
        self.cluster.until("the controller leads", || controller.number("kfctl_leader") == Some(1.0));
        controller
    }

    fn namespace(&self, name: &str) -> Option<Value> {
        self.get(&["get", "namespace", name])
    }

    fn bindings(&self, namespace: &str) -> String {
        self.admin(&["-n", namespace, "get", "rolebindings", "-o", "name"])
    }
}

/// What is asked, whatever the options.
fn plain(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}

fn is_write(asked: &Asked<'_>) -> bool {
    asked.method != "GET" && !asked.path.contains("/leases") && !asked.path.contains("/events")
}

/// A replica asks for a namespace, and is gone; the profile is deleted, and only then the request arrives.
#[test]
fn e2e_a_namespace_that_comes_too_late_is_taken_back() {
    let mut test = Profiles::without_controller();
    let proxy = Proxy::start(&test.cluster, "slow");
    let is_first = AtomicBool::new(true);
    proxy.misbehave(move |asked| {
        let begins = asked.method == "POST" && plain(asked.path) == "/api/v1/namespaces";
        let takes_into_use = asked.method == "PATCH" && plain(asked.path) == "/api/v1/namespaces/kubeflow-ann";
        (takes_into_use || begins && !is_first.swap(false, Ordering::Relaxed)).then_some(Fault::Held)
    });
    let lost = test.through(&proxy);
    let held = |count: usize| test.cluster.until("requests wait", || proxy.log().len() == count);
    // Nobody has a right in a namespace that is not in use yet.
    let create = |name: &str, owner: &str| test.admin(&["create", "-f", &test.manifest(name, owner, "")]);
    create("ann", "ann@foo.com");
    held(1);
    assert!(test.namespace("kubeflow-ann").expect("it is made")["metadata"]["annotations"][MARK].is_string());
    test.cluster.until("what gives no right is made", || {
        test.get(&["-n", "kubeflow-ann", "get", "role", "default"]).is_some()
            && test.get(&["-n", "kubeflow-ann", "get", "resourcequota", "kf-resource-quota"]).is_some()
    });
    assert_eq!(test.bindings("kubeflow-ann"), "");
    let late = [("jane", JANE), ("bob", BOB), ("abe", ABE), ("eve", "eve@foo.com")];
    for (name, owner) in late {
        create(name, owner);
    }
    held(5);
    signal("KILL", lost.pid());
    test.admin(&["-n", "kubeflow-system", "delete", "lease", "kfctl-controller"]);
    // Another finishes what it had begun, and ends what is to end.
    for (name, _) in late {
        test.admin(&["-n", "kubeflow-system", "delete", "profile", name, "--wait=false"]);
    }
    test.controller = Some(test.cluster.controller("kfctl-controller"));
    test.ready("ann");
    assert!(test.namespace("kubeflow-ann").expect("it is there")["metadata"]["annotations"][MARK].is_null());
    test.cluster.until("the other profiles are gone", || {
        test.admin(&["-n", "kubeflow-system", "get", "profiles", "-o", "name"]) == "profile.kubeflow.org/ann\n"
    });

    // Now they arrive, and something happens before the controller sees them.
    signal("STOP", test.controller().pid());
    proxy.let_go();
    test.cluster.until("all have arrived", || late.iter().all(|(name, _)| test.namespace(&format!("kubeflow-{name}")).is_some()));
    let came = |name: &str| test.namespace(name).expect("it has come")["metadata"].clone();
    let jane = came("kubeflow-jane")["uid"].clone();
    assert!(came("kubeflow-jane")["annotations"][MARK].is_string());
    test.admin(&["create", "-f", &test.manifest("jane", JANE, "")]);
    test.admin(&["-n", "kubeflow-bob", "create", "rolebinding", "given", "--clusterrole=view", "--user=bob@acme.com"]);
    test.admin(&["annotate", "namespace", "kubeflow-abe", "kubeflow.org/adopt=abel"]);
    // One that somebody has restored from a copy.
    let mut copy = came("kubeflow-eve");
    copy = json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "kubeflow-copy", "labels": copy["labels"], "annotations": copy["annotations"]}});
    copy["metadata"]["labels"].as_object_mut().expect("labels").remove("kubernetes.io/metadata.name");
    test.admin(&["create", "-f", &test.app.write("copy.json", &copy.to_string())]);
    signal("CONT", test.controller().pid());

    test.cluster.until("what came too late is taken back", || test.namespace("kubeflow-eve").is_none());
    let said = || test.events("default", "Namespace", "kubeflow-eve");
    test.cluster.until("it is said", || said().contains("NamespaceTakenBack"));
    // Whoever has the name now gets a namespace of their own.
    test.ready("jane");
    assert_ne!(came("kubeflow-jane")["uid"], jane);
    // What somebody has a hand in stays.
    test.cluster.until("what stays is named", || test.events("default", "Namespace", "kubeflow-bob").contains("NamespaceLeft"));
    test.settled();
    for name in ["kubeflow-bob", "kubeflow-abe", "kubeflow-copy"] {
        assert_eq!(came(name)["deletionTimestamp"], Value::Null, "{name}");
    }
    let file = test.manifest("abel", ABE, "");
    let text = test.app.read("abel.profile.yaml").replace("kubeflow-abel", "kubeflow-abe");
    test.app.write("abel.profile.yaml", &text);
    test.admin(&["create", "-f", &file]);
    test.ready("abel");
    assert!(came("kubeflow-abe")["annotations"][MARK].is_null());
    assert!(test.bindings("kubeflow-abe").contains("namespaceAdmin"));
}

/// The server finds no finalizer on a profile that is to be deleted, and is kept waiting; meanwhile the controller puts its own on.
#[test]
fn e2e_a_profile_that_slips_past_the_finalizer_takes_its_namespace_along() {
    let test = Profiles::start();
    let webhook = Webhook::new();
    let silent = webhook.hang();
    silent.set_nonblocking(true).expect("it can");
    test.admin(&["create", "-f", &test.app.write("guard.yaml", &webhook.before_profiles_end())]);
    signal("STOP", test.controller().pid());
    test.admin(&["create", "-f", &test.manifest("jane", JANE, "")]);
    let delete = |more: &str| {
        let mut command = test.cluster.kubectl_command(&["-n", "kubeflow-system", "delete", "profile", "jane", "--wait=false"]);
        command.args(more.split_whitespace()).stdout(Stdio::null()).spawn().expect("kubectl starts")
    };
    // The server learns of the webhook in its own time.
    test.cluster.until("the webhook is asked", || {
        let mut asking = delete("--dry-run=server");
        let mut asked = None;
        while asked.is_none() && asking.try_wait().expect("it can be awaited").is_none() {
            asked = silent.accept().ok();
        }
        let _ = asking.kill();
        asking.wait().expect("it ends");
        asked.is_some()
    });
    let mut deleting = delete("");
    let mut asked = None;
    test.cluster.until("the server asks before it deletes", || {
        asked = silent.accept().ok();
        asked.is_some()
    });
    signal("CONT", test.controller().pid());
    test.ready("jane");
    drop((asked, silent));
    assert!(deleting.wait().expect("it ends").success());
    test.cluster.until("the profile is gone", || test.get(&["-n", "kubeflow-system", "get", "profile", "jane"]).is_none());
    test.cluster.until("its namespace goes", || test.namespace("kubeflow-jane").is_none());
    test.cluster.until("it is said", || test.events("default", "Namespace", "kubeflow-jane").contains("NamespaceTakenBack"));
}

/// Every object is in somebody's way once; then each watch's place in history is gone while much changes.
#[test]
fn e2e_conflicts_and_expired_watches_lose_nothing() {
    let mut test = Profiles::without_controller();
    let proxy = Proxy::start(&test.cluster, "way");
    let once = || {
        let seen = Mutex::new(HashSet::new());
        move |asked: &Asked<'_>| seen.lock().expect("no panic").insert(format!("{} {}", asked.method, plain(asked.path)))
    };
    let conflict = |is_first: bool| is_first.then_some(Fault::Code(409, When::Before));
    let first = once();
    proxy.misbehave(move |asked| conflict(is_write(asked) && first(asked)));
    test.controller = Some(test.through(&proxy));
    test.create("jane", JANE);
    // The finalizer, the namespace and its mark, one collection of each of the kinds, the Role, and the status.
    assert_eq!(proxy.log().len(), 9, "{:#?}", proxy.log());
    test.create("bob", BOB);
    test.settled();
    let owner = |name: &str| {
        let binding = test.get(&["-n", &format!("kubeflow-{name}"), "get", "rolebinding", "namespaceAdmin"])?;
        binding["subjects"][0]["name"].as_str().map(str::to_owned)
    };

    signal("STOP", test.controller().pid());
    let (expired, conflicted) = (once(), once());
    proxy.misbehave(move |asked| {
        if asked.path.contains("watch=true") {
            return expired(asked).then_some(Fault::Gone);
        }
        conflict(is_write(asked) && conflicted(asked))
    });
    test.admin(&["-n", "kubeflow-jane", "delete", "rolebinding", "namespaceAdmin"]);
    test.admin(&["-n", "kubeflow-jane", "delete", "resourcequota", "kf-resource-quota"]);
    test.admin(&["label", "namespace", "kubeflow-jane", "--overwrite", "pod-security.kubernetes.io/enforce=privileged"]);
    test.admin(&["-n", "kubeflow-system", "delete", "profile", "bob", "--wait=false"]);
    test.admin(&["create", "-f", &test.manifest("abe", ABE, "")]);
    signal("CONT", test.controller().pid());
    test.cluster.until("what was deleted is back", || {
        owner("jane").as_deref() == Some(JANE)
            && test.get(&["-n", "kubeflow-jane", "get", "resourcequota", "kf-resource-quota"]).is_some()
            && test
                .namespace("kubeflow-jane")
                .is_some_and(|namespace| namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "baseline")
    });
    test.cluster.until("what is to go is gone", || {
        test.namespace("kubeflow-bob").is_none() && test.get(&["-n", "kubeflow-system", "get", "profile", "bob"]).is_none()
    });
    test.ready("abe");
    assert_eq!(owner("abe").as_deref(), Some(ABE));
    // Two are of one kind.
    let expired = || proxy.log().iter().filter(|line| line.starts_with("Gone")).count();
    test.cluster.until("every watch has expired", || expired() == 11);

    // A right that is to go and does not: the profile is not ready.
    let is_members = |asked: &Asked<'_>| asked.method == "DELETE" && asked.path.contains("/rolebindings/member-");
    proxy.misbehave(move |asked| is_members(asked).then_some(Fault::Code(403, When::Before)));
    let members =
        |members: &Value| test.change("abe", &json!({"spec": {"template": {"spec": {"members": members}}}}).to_string());
    members(&json!([{"role": "edit", "subject": {"kind": "User", "name": "eve@foo.com"}}]));
    test.cluster.until("the member is in", || test.bindings("kubeflow-abe").contains("member-edit-"));
    members(&json!([]));
    test.reason("abe", "ApplyFailed");
    assert!(test.condition("abe", "Ready").1.starts_with("RoleBinding member-edit-"), "{:?}", test.condition("abe", "Ready"));
    proxy.misbehave(|_| None);
    test.ready("abe");
    assert!(!test.bindings("kubeflow-abe").contains("member-"), "{}", test.bindings("kubeflow-abe"));
}

/// A leader is paused in the middle of a look, and another finishes that; when the first goes on it knows what it waited for, and that it
/// leads no more.
#[test]
fn e2e_another_replica_takes_over_and_two_never_write() {
    let mut test = Profiles::without_controller();
    let proxy = Proxy::start(&test.cluster, "paused");
    let first = test.through(&proxy);
    let second = test.cluster.controller("kfctl-controller");
    test.cluster.until("a follower is ready", || second.readiness().is_some_and(|(code, _)| code == 200));
    assert_eq!((second.number("kfctl_leader"), second.requests()), (Some(0.0), 0));
    // Between two writes: the namespace is there, and the server has yet to say that the profile is.
    let has_lost = Arc::new(AtomicBool::new(false));
    let late: Arc<Mutex<Vec<String>>> = Arc::default();
    let (lost, writes) = (Arc::clone(&has_lost), Arc::clone(&late));
    proxy.misbehave(move |asked| {
        if lost.load(Ordering::Relaxed) && is_write(asked) {
            writes.lock().expect("no panic").push(format!("{} {}", asked.method, asked.path));
        }
        (asked.method == "GET" && plain(asked.path).ends_with("/profiles/abe")).then_some(Fault::Held)
    });
    test.admin(&["create", "-f", &test.manifest("abe", ABE, "")]);
    test.cluster.until("it waits", || !proxy.log().is_empty());
    test.cluster.until("what gives no right is made", || {
        test.get(&["-n", "kubeflow-abe", "get", "limitrange", "kf-limits"]).is_some()
            && test.get(&["-n", "kubeflow-abe", "get", "serviceaccount", "default-viewer"]).is_some()
            && test.get(&["-n", "kubeflow-abe", "get", "resourcequota", "kf-resource-quota"]).is_some()
            && test.get(&["-n", "kubeflow-abe", "get", "role", "default"]).is_some()
    });
    signal("STOP", first.pid());
    test.cluster.until("the second leads", || second.number("kfctl_leader") == Some(1.0));
    has_lost.store(true, Ordering::Relaxed);
    proxy.let_go();
    signal("CONT", first.pid());
    let late = || late.lock().expect("no panic").clone();
    test.cluster.until("the look has come to its end", || first.log().contains("a reconcile failed") || !late().is_empty());
    test.cluster.until("the first sees that it leads no more", || first.number("kfctl_leader") == Some(0.0));
    test.controller = Some(second);
    test.ready("abe");
    let written = first.requests();
    test.create("bob", BOB);
    assert_eq!((late(), first.requests()), (Vec::new(), written), "two write");
    assert!(first.log().contains("this replica leads no more"), "{}", first.log());
    // Killed: the other takes over again, and finishes what was begun.
    let second = test.controller.replace(first).expect("it runs");
    test.admin(&["create", "-f", &test.manifest("eve", JANE, "")]);
    signal("KILL", second.pid());
    test.cluster.until("the first leads again", || test.controller().number("kfctl_leader") == Some(1.0));
    test.ready("eve");
    drop(second);
}

/// One clock is an hour ahead, the other an hour behind: neither makes a second leader, nor keeps a dead one in office.
#[test]
fn e2e_clocks_that_differ_make_no_second_leader() {
    let mut test = Profiles::without_controller();
    let writers: Arc<Mutex<Vec<usize>>> = Arc::default();
    let renewals = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
    let proxies = [0, 1].map(|replica| Proxy::start(&test.cluster, &format!("clock-{replica}")));
    for (replica, proxy) in proxies.iter().enumerate() {
        let (writers, renewals) = (Arc::clone(&writers), Arc::clone(&renewals[replica]));
        proxy.misbehave(move |asked| {
            if asked.method != "GET" && asked.path.contains("/leases") {
                renewals.fetch_add(1, Ordering::Relaxed);
                return Some(Fault::Clock([3600, -3600][replica]));
            }
            if is_write(asked) {
                writers.lock().expect("no panic").push(replica);
            }
            None
        });
    }
    test.controller = Some(test.through(&proxies[0]));
    let ahead = test.controller().pid();
    let behind = test.cluster.controller_through(&proxies[1].kubeconfig, "kfctl-controller");
    test.create("jane", JANE);
    test.cluster.until("both are ready", || behind.readiness().is_some_and(|(code, _)| code == 200));
    assert_eq!(behind.number("kfctl_leader"), Some(0.0));
    // The lease says that it holds for an hour more, and its holder is silent.
    signal("STOP", ahead);
    test.cluster.until("the other leads", || behind.number("kfctl_leader") == Some(1.0));
    signal("CONT", ahead);
    // The lease says that it ran out an hour ago, and its holder is at work.
    let before = renewals[1].load(Ordering::Relaxed);
    test.cluster.until("the lease is renewed a few times", || {
        assert_eq!(behind.number("kfctl_leader"), Some(1.0), "the lease was taken from one at work");
        renewals[1].load(Ordering::Relaxed) >= before + 3
    });
    test.create("bob", BOB);
    let mut wrote = writers.lock().expect("no panic").clone();
    wrote.dedup();
    assert_eq!(wrote, [0, 1]);
    let lease = test.get(&["-n", "kubeflow-system", "get", "lease", "kfctl-controller"]).expect("a lease");
    let renewed: jiff::Timestamp = lease["spec"]["renewTime"].as_str().and_then(|text| text.parse().ok()).expect("a time");
    let age = jiff::Timestamp::now().duration_since(renewed).as_secs();
    assert!((3500..3700).contains(&age), "the clock was not wrong: {age} s");
}
