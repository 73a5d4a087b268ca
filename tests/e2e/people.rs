//! The first day behind the login, from an admin's first command to the last: people log in by a browser at the gateway, make namespaces and
//! notebooks, share them, and no longer than they want; then Kubeflow is deleted and applied again, and everyone is back at work. A picture of
//! each step is kept in target/screenshots.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use crate::apart::apart;
use crate::browser::Browser;
use crate::harness::App;
use crate::images::{NOTEBOOK, python};
use crate::journey::PATIENCE;
use crate::made::note;
use crate::mesh::{self, CLIENT_SECRET, HOST, Outside, PASSWORD};
use crate::node::{Node, within};

const JANE: &str = "jane@foo.com";
const BOB: &str = "bob@acme.com";
const FIRST: &str = "/notebook/kubeflow-jane/first";
const MODEL: &str = "/models/kubeflow-jane/mnist/";

/// Kubeflow behind a mesh and a login, on a real node.
struct Office {
    app: App,
    node: Node,
    _outside: Outside,
}

/// Somebody at their own browser.
struct Person(Browser);

#[test]
fn e2e_people_log_in_and_share_what_is_theirs() {
    let Some(folder) = apart("people::e2e_people_log_in_and_share_what_is_theirs") else { return };
    let office = Office::start(&folder);
    office.costs("at rest");
    let [jane, bob] = ["jane", "bob"].map(Person::log_in);
    bob.makes_a_namespace();
    jane.asks_for_too_much();
    office.spawns(&jane);
    let kernel = jane.works("open('/home/jovyan/kept.txt', 'w').write('by jane'); print(6 * 7)", "42\n");
    bob.is_refused(&kernel, "before");
    jane.shares();
    bob.is_let_in(&kernel);
    jane.unshares();
    bob.is_refused(&kernel, "after");
    office.serves_a_model(&jane, &bob);
    office.costs("at work");
    office.deletes_a_profile(&bob);
    office.goes_and_comes_back();
    jane.works("print(open('/home/jovyan/kept.txt').read())", "by jane\n");
    jane.0.picture("back-at-work");
}

impl Office {
    /// Applies everything to a cluster in which an Istio is already.
    fn start(folder: &Path) -> Self {
        let node = Node::start(folder);
        let outside = mesh::install(&node, folder);
        node.cluster.outside().kfctl(&["init", "office", "--platform", "none"]).success();
        let app = node.cluster.in_app("office").with("KFCTL_CLIENT_SECRET", CLIENT_SECRET);
        // The Istio that is there is used; its release is not asked for, as there is no network to ask.
        app.kfctl(&["component", "disable", "istio"]).success();
        let issuer = mesh::issuer();
        for (parameter, value) in [
            ("login", "oidc"),
            ("issuer", issuer.as_str()),
            ("clientId", "kubeflow"),
            ("host", HOST),
            ("tls", "none"),
            ("behindLoadBalancer", "true"),
        ] {
            app.kfctl(&["param", "set", "auth", parameter, value]).success();
        }
        app.kfctl(&["image", "load", "containerd"]).success();
        app.kfctl(&["generate", "k8s"]).success();
        let started = Instant::now();
        app.kfctl(&["apply", "k8s", "--yes"]).success();
        note(&format!("all of Kubeflow, its mesh and its login are ready {:.1?} after the apply", started.elapsed()));
        // It listens once there is a Gateway, which is Kubeflow's.
        let listens = ["-n", "istio-system", "wait", "--for=condition=Available", "deployment", "--all", "--timeout=180s"];
        let said = node.kubectl(&listens);
        let log = || node.kubectl(&["-n", "istio-system", "logs", "deployment/istio-ingressgateway"]).all();
        assert_eq!(said.code, 0, "{}\n{}", said.all(), log());
        app.kfctl(&["profile", "create", "jane", "--user", JANE]).success();
        let ready = ["-n", "kubeflow-system", "wait", "--for=condition=Ready", "profiles", "--all", "--timeout=60s"];
        node.kubectl(&ready).success();
        let grant = format!("--user={BOB}");
        node.kubectl(&["-n", "kubeflow-system", "create", "rolebinding", "bob-creator", "--role=profile-creator", &grant])
            .success();
        Self { app, node, _outside: outside }
    }

    /// She makes a notebook by the spawner, and waits until it runs.
    fn spawns(&self, jane: &Person) {
        self.node.volume("home", "5Gi");
        jane.until("/jupyter/new", "What is left in kubeflow-jane");
        jane.0.fill("#name", "first");
        jane.0.click("form[action='/jupyter/new'] button.main");
        jane.says("running");
        jane.0.picture("running");
        let status = self.app.kfctl(&["status"]);
        assert_eq!(status.code, 0, "{}", status.all());
    }

    /// A Deployment and a Service of hers, opened to bob and closed again by `kfctl endpoint` with her own rights.
    fn serves_a_model(&self, jane: &Person, bob: &Person) {
        let container = json!({"name": "model", "image": NOTEBOOK, "command": [python(), "-m", "http.server", "8080"],
            "workingDir": "/etc/jupyter", "ports": [{"containerPort": 8080}]});
        let labels = json!({"app": "mnist"});
        let template = json!({"metadata": {"labels": labels}, "spec": {"containers": [container]}});
        self.node.create(
            &json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "mnist", "namespace": "kubeflow-jane"},
            "spec": {"selector": {"matchLabels": labels}, "template": template}}),
        );
        self.node
            .create(&json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "mnist", "namespace": "kubeflow-jane"},
            "spec": {"selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}}));
        let kubeconfig = self.node.cluster.kubeconfig_by_token("jane", JANE);
        let kubeconfig = kubeconfig.to_str().expect("UTF-8");
        let endpoint = |act: &str, more: &[&str]| {
            let words = ["endpoint", act, "mnist", "-n", "kubeflow-jane", "--kubeconfig", kubeconfig];
            self.app.kfctl(&[&words[..], more].concat()).success();
        };
        endpoint("allow", &[]);
        jane.until(MODEL, "jupyter_server_config.py");
        jane.0.picture("model");
        bob.until(MODEL, "access denied");
        endpoint("allow", &["--user", BOB]);
        bob.until(MODEL, "jupyter_server_config.py");
        endpoint("revoke", &["--user", BOB]);
        bob.until(MODEL, "access denied");
        bob.0.picture("model-refused");
    }

    /// What pods of ours and of the way in take of the machine.
    fn costs(&self, when: &str) {
        for namespace in ["kubeflow-system", "auth", "istio-system"] {
            let pods = self.node.get(&["-n", namespace, "pods"])["items"].take();
            for pod in pods.as_array().into_iter().flatten() {
                let name = pod["spec"]["containers"][0]["name"].as_str().expect("a name");
                note(&format!("{when}: {namespace} {name}: {}", crate::rights::cost_of(pod)));
            }
        }
    }

    fn deletes_a_profile(&self, bob: &Person) {
        self.app.kfctl(&["profile", "delete", "bob", "--yes"]).success();
        within(PATIENCE, "his namespace is gone", || self.node.get(&["namespace", "kubeflow-bob"]).is_null());
        bob.until("/profiles", "Make a profile");
        bob.0.picture("no-namespace");
    }

    /// The installation is deleted: what users have stays, and what they run goes on. It is applied again.
    fn goes_and_comes_back(&self) {
        let theirs = || -> Vec<Value> {
            let kinds = [["pod", "first-0"], ["persistentvolumeclaim", "first-workspace"], ["notebook", "first"]];
            let inside = kinds.map(|[kind, name]| self.node.get(&["-n", "kubeflow-jane", kind, name])["metadata"]["uid"].take());
            let profile = self.node.get(&["-n", "kubeflow-system", "profile", "jane"])["metadata"]["uid"].take();
            inside.into_iter().chain([profile]).collect()
        };
        let before = theirs();
        assert!(before.iter().all(Value::is_string), "{before:?}");
        self.app.kfctl(&["delete", "--yes"]).success();
        assert!(self.node.get(&["-n", "kubeflow-system", "deployment", "kfctl-web"]).is_null(), "it is still there");
        assert_eq!(theirs(), before, "what users have is other than before");
        let started = Instant::now();
        self.app.kfctl(&["apply", "k8s", "--yes"]).success();
        note(&format!("deleted and applied again: ready after {:.1?}", started.elapsed()));
        assert_eq!(theirs(), before, "what users have is other than before");
    }
}

impl Person {
    /// Whoever opens a page is sent to the provider, and comes back with a session.
    fn log_in(name: &str) -> Self {
        let person = Self(Browser::start(name));
        within(PATIENCE, "the gateway sends people to the login", || {
            person.open("/jupyter");
            person.0.address().starts_with(&mesh::issuer())
        });
        person.0.picture("login");
        person.0.fill("[name=login]", name);
        person.0.fill("[name=password]", PASSWORD);
        person.0.click("button");
        within(PATIENCE, "they are back", || person.0.address().starts_with(&format!("https://{HOST}/jupyter")));
        person.0.picture("logged-in");
        person
    }

    fn open(&self, path: &str) {
        self.0.open(&format!("https://{HOST}{path}"));
    }

    #[track_caller]
    fn says(&self, words: &str) {
        within(PATIENCE, &format!("the page says {words}"), || self.0.text().contains(words));
    }

    /// Opens a page anew until it says so.
    #[track_caller]
    fn until(&self, path: &str, words: &str) {
        within(PATIENCE, &format!("{path} says {words}"), || {
            self.open(path);
            self.0.text().contains(words)
        });
    }

    /// What they get at the notebook, whose page is open: page, API and websocket.
    fn tries(&self, cell: &str, kernel: Option<&str>) -> Value {
        self.0.script_with(include_str!("people.js"), &json!([FIRST, cell, kernel]))
    }

    /// Whoever may make one is led to the form.
    fn makes_a_namespace(&self) {
        self.open("/");
        self.says("Make a profile");
        self.0.fill("#name", "bob");
        self.0.click("form[action='/profiles'] button.main");
        self.says("It is made: this is your namespace.");
        self.0.picture("namespace");
    }

    /// The quota refuses what does not fit, in words.
    fn asks_for_too_much(&self) {
        self.until("/jupyter/new", "What is left in kubeflow-jane");
        self.0.fill("#name", "first");
        self.0.fill("#cpu", "64");
        self.0.click("form[action='/jupyter/new'] button.main");
        self.says("CPU: 64 asked for, and the quota is 32");
        self.0.picture("too-much");
    }

    /// `JupyterLab` comes up in their browser.
    fn opens_the_notebook(&self) {
        within(PATIENCE, "the notebook opens", || {
            self.open(&format!("{FIRST}/lab"));
            self.0.script("return document.title").as_str().is_some_and(|title| title.contains("JupyterLab"))
        });
        self.says("Launcher");
    }

    /// She is at her notebook, and a cell runs; returns the kernel's id.
    fn works(&self, cell: &str, printed: &str) -> String {
        self.opens_the_notebook();
        self.0.picture("notebook");
        let got = self.tries(cell, None);
        assert_eq!((&got["page"], &got["api"], &got["printed"]), (&json!(200), &json!(201), &json!(printed)), "{got}");
        got["kernel"].as_str().expect("an id").to_owned()
    }

    fn is_refused(&self, kernel: &str, when: &str) {
        self.until(&format!("{FIRST}/lab"), "access denied");
        self.0.picture(&format!("refused-{when}"));
        let got = self.tries("print(6 * 7)", Some(kernel));
        assert_eq!((&got["page"], &got["api"], &got["printed"]), (&json!(403), &json!(403), &json!("refused")), "{got}");
    }

    fn is_let_in(&self, kernel: &str) {
        self.opens_the_notebook();
        self.0.picture("let-in");
        let got = self.tries("print(6 * 7)", Some(kernel));
        assert_eq!((&got["page"], &got["api"], &got["printed"]), (&json!(200), &json!(201), &json!("42\n")), "{got}");
    }

    fn shares(&self) {
        self.open("/profiles/jane");
        self.0.click("details:has(form[action='/profiles/jane/share']) > summary");
        self.0.fill("#share-who", BOB);
        self.0.click("form[action='/profiles/jane/share'] button");
        self.says("It is shared.");
        self.0.picture("shared");
    }

    fn unshares(&self) {
        self.until("/profiles/jane", BOB);
        self.0.click(&format!("button[aria-label='Remove {BOB}']"));
        within(PATIENCE, "it is done", || self.0.address().ends_with("done=unshare"));
        self.0.picture("unshared");
    }
}
