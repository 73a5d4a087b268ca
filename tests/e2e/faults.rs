//! What goes wrong in the middle of it, and what people are told.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{answer, say, signal};
use crate::images::NOTEBOOK;
use crate::journey::{FirstDay, JANE, NAMESPACE, PATIENCE};
use crate::made::note;
use crate::node::{only_the_real_node, within};
use crate::rights::process_of;

/// The longest time for which no page may come.
const LONGEST: Duration = Duration::from_secs(5);

/// Asks for a page again and again, until it is asked for its result: the longest time without one.
struct Asking {
    ends: Arc<AtomicBool>,
    longest: Arc<Mutex<Duration>>,
    thread: std::thread::JoinHandle<()>,
}

impl Asking {
    fn start(url: String, token: String) -> Self {
        let (ends, longest) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Duration::ZERO)));
        let (end, most) = (Arc::clone(&ends), Arc::clone(&longest));
        let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(2))).build().into();
        let thread = std::thread::spawn(move || {
            let mut last = Instant::now();
            while !end.load(Ordering::Relaxed) {
                // What is asked too often is an answer as well.
                let heard = match agent.get(&url).header("authorization", &token).header("accept", "text/html").call() {
                    Ok(_) | Err(ureq::Error::StatusCode(429)) => true,
                    Err(_) => false,
                };
                if heard {
                    let mut most = most.lock().expect("no panic");
                    *most = (*most).max(last.elapsed());
                    last = Instant::now();
                }
                std::thread::park_timeout(Duration::from_millis(100));
            }
            let mut most = most.lock().expect("no panic");
            *most = (*most).max(last.elapsed());
        });
        Self { ends, longest, thread }
    }

    fn end(self) -> Duration {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.join().expect("it ends");
        *self.longest.lock().expect("no panic")
    }
}

fn kill(pod: &Value) {
    let process = process_of(pod);
    let pid = process.file_name().and_then(|pid| pid.to_str()?.parse().ok()).expect("a pid");
    signal("KILL", pid);
}

impl FirstDay {
    fn token_of(&self, who: &str) -> String {
        format!("Bearer {}", self.issuer.token(who, &json!({})))
    }

    fn all_ready(&self, role: &str) -> bool {
        let pods = self.pods("kubeflow-system", &format!("app.kubernetes.io/name={role}"));
        pods.len() == 2 && pods.iter().all(|pod| pod["status"]["containerStatuses"][0]["ready"] == true)
    }

    /// One web pod's process is killed, the other pod deleted: pages keep coming.
    pub(crate) fn pages_outlive_their_pods(&self) {
        let url = format!("http://{}/", self.web);
        assert!(answer(&url, &[("authorization", &self.token_of(JANE))]).is_some_and(|(code, _)| code == 200));
        let asking = Asking::start(url, self.token_of(JANE));
        let pods = self.pods("kubeflow-system", "app.kubernetes.io/name=kfctl-web");
        let restarts = |pod: &Value| pod["status"]["containerStatuses"][0]["restartCount"].as_u64();
        kill(&pods[0]);
        within(PATIENCE, "the killed one is back", || {
            let now = self.pods("kubeflow-system", "app.kubernetes.io/name=kfctl-web");
            now.iter().any(|pod| restarts(pod) >= Some(1)) && self.all_ready("kfctl-web")
        });
        let name = pods[1]["metadata"]["name"].as_str().expect("a name");
        self.node.kubectl(&["-n", "kubeflow-system", "delete", "pod", name]).success();
        within(PATIENCE, "both are there again", || self.all_ready("kfctl-web"));
        let longest = asking.end();
        note(&format!("web pods killed and deleted: no page for at most {longest:.1?}"));
        assert!(longest <= LONGEST, "no page for {longest:.1?}");
    }

    /// The controller that leads is killed: another one takes over, and profiles are made.
    pub(crate) fn another_controller_takes_over(&self) {
        let holder = || {
            let lease = self.node.get(&["-n", "kubeflow-system", "lease", "kfctl-controller"]);
            lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
        };
        let before = holder();
        let pods = self.pods("kubeflow-system", "app.kubernetes.io/name=kfctl-controller");
        let name = |pod: &Value| pod["metadata"]["name"].as_str().expect("a name").to_owned();
        let leader = pods.iter().find(|pod| before.starts_with(&name(pod))).unwrap_or_else(|| panic!("{before} is no pod"));
        // It has no time to say good-bye, so its lease has to run out.
        kill(leader);
        let started = Instant::now();
        self.app.kfctl(&["profile", "create", "abe", "--user", "abe@foo.com"]).success();
        let ready = ["-n", "kubeflow-system", "wait", "--for=condition=Ready", "profile/abe", "--timeout=60s"];
        self.node.kubectl(&ready).success();
        note(&format!("the leading controller killed: a profile is ready {:.1?} later", started.elapsed()));
        assert_ne!(holder(), before, "the one that was killed leads");
        within(PATIENCE, "both are there again", || self.all_ready("kfctl-controller"));
    }

    /// kubelet and containerd are killed and started again: pods go on.
    pub(crate) fn the_node_restarts(&mut self) {
        let uids = |day: &Self| -> Vec<Value> {
            day.pods("kubeflow-system", "")
                .iter()
                .chain(&day.pods(NAMESPACE, ""))
                .map(|pod| pod["metadata"]["uid"].clone())
                .collect()
        };
        // None of an update that is only just done.
        within(PATIENCE, "what ends has ended", || self.all_ready("kfctl-web") && self.all_ready("kfctl-controller"));
        let before = uids(self);
        self.node.restart();
        assert_eq!(uids(self), before, "pods were replaced");
        self.first_server().run("print(1)");
        self.open(JANE, "/jupyter?namespace=kubeflow-jane");
        self.says("running");
    }

    /// The API server is killed and started again: the pages say what is the matter, and come back.
    pub(crate) fn the_api_server_restarts(&self) {
        let (cluster, server) = (&self.node.cluster, self.first_server());
        signal("KILL", cluster.pid("kube-apiserver"));
        within(Duration::from_secs(30), "the page says what is the matter", || {
            self.open(JANE, "/profiles");
            self.browser.text().contains("the cluster does not answer")
        });
        self.browser.picture("no-api-server");
        assert_eq!(server.run("print('it needs no API server')"), "it needs no API server\n");
        cluster.app.kfctl(&["apply", "platform"]).success();
        only_the_real_node(cluster);
        within(PATIENCE, "pages are back", || {
            self.open(JANE, "/jupyter?namespace=kubeflow-jane");
            self.browser.text().contains("running")
        });
    }

    /// Notebooks that can't run, each with what their page says, and what an admin is told.
    pub(crate) fn trouble_is_told(&self) {
        let notebook = |name: &str, mut container: Value| {
            container["name"] = name.into();
            let object = json!({"apiVersion": "kubeflow.org/v1", "kind": "Notebook", "metadata": {"name": name, "namespace": NAMESPACE},
                "spec": {"template": {"spec": {"containers": [container]}}}});
            self.node.create(&object);
        };
        notebook("unknown", json!({"image": "registry.example.com/nobody/nothing:1"}));
        notebook("crashing", json!({"image": NOTEBOOK, "args": ["--ServerApp.port=no-number"]}));
        for (name, words) in [("unknown", "its image can’t be fetched"), ("crashing", "log says why")] {
            self.open(JANE, &format!("/jupyter/{NAMESPACE}/{name}"));
            self.says(words);
            self.browser.picture(name);
        }
        self.open(JANE, &format!("/jupyter/{NAMESPACE}/crashing/log"));
        self.says("no-number");
        self.node.kubectl(&["-n", NAMESPACE, "delete", "notebooks", "unknown", "crashing"]).success();
    }

    /// The volume of a notebook is full.
    pub(crate) fn a_full_volume_is_told(&self) {
        let home = self.node.volume("full", "1Gi");
        say(Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&home)).success();
        let filled = std::fs::write(home.join("data"), vec![0; 2 << 20]).expect_err("it has an end");
        assert_eq!(filled.kind(), std::io::ErrorKind::StorageFull);
        self.node.create(
            &json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "full", "namespace": NAMESPACE},
            "spec": {"volumeName": "full", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}),
        );
        let container =
            json!({"name": "full", "image": NOTEBOOK, "volumeMounts": [{"name": "home", "mountPath": "/home/jovyan"}]});
        let pod =
            json!({"containers": [container], "volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": "full"}}]});
        self.node.create(
            &json!({"apiVersion": "kubeflow.org/v1", "kind": "Notebook", "metadata": {"name": "full", "namespace": NAMESPACE},
            "spec": {"template": {"spec": pod}}}),
        );
        self.open(JANE, &format!("/jupyter/{NAMESPACE}/full"));
        // It is crashing, or runs again for a while.
        self.says("log says why");
        self.open(JANE, &format!("/jupyter/{NAMESPACE}/full/log"));
        self.says("No space left on device");
        self.browser.picture("full");
        self.node.kubectl(&["-n", NAMESPACE, "delete", "notebook", "full"]).success();
    }

    /// An image of kfctl's own that can't be fetched: the admin is told which and why, and what ran goes on.
    pub(crate) fn an_update_that_has_no_image_is_told(&self) {
        let set = |image: &str| self.app.kfctl(&["param", "set", "dashboard", "image", image]).success();
        let now = self.node.get(&["-n", "kubeflow-system", "deployment", "kfctl-web"]);
        let image = now["spec"]["template"]["spec"]["containers"][0]["image"].as_str().expect("an image").to_owned();
        set("registry.example.com/nobody/nothing:1");
        let applied = self.app.kfctl(&["apply", "k8s", "-c", "dashboard", "--timeout", "20s"]);
        let status = self.app.kfctl(&["status"]);
        for said in [&applied, &status] {
            assert_eq!(said.code, 4, "{}", said.all());
            let told = said.all();
            assert!(
                told.contains("kfctl-web")
                    && told.contains("ImagePull")
                    && told.contains("registry.example.com/nobody/nothing:1"),
                "{told}"
            );
        }
        self.open(JANE, "/");
        self.says(NAMESPACE);
        set(&image);
        self.app.kfctl(&["apply", "k8s", "-c", "dashboard"]).success();
    }
}
