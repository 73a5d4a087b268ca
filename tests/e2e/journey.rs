//! From an empty cluster to notebooks in pods: by the built binary, kubectl and a browser.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::apart::apart;
use crate::browser::Browser;
use crate::harness::App;
use crate::images::NOTEBOOK;
use crate::issuer::{AUDIENCE, ISSUER, Issuer};
use crate::made::note;
use crate::node::{Node, within};
use crate::server::Server;

/// How long pods may take to start, on a machine with much else to do.
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);
pub(crate) const JANE: &str = "jane@foo.com";
pub(crate) const NAMESPACE: &str = "kubeflow-jane";

/// Kubeflow on a real node.
pub(crate) struct FirstDay {
    pub(crate) node: Node,
    pub(crate) app: App,
    pub(crate) issuer: Issuer,
    pub(crate) browser: Browser,
    /// The address of the web UI.
    pub(crate) web: String,
}

#[test]
fn e2e_notebooks_run_in_pods() {
    let name = "journey::e2e_notebooks_run_in_pods";
    let Some(folder) = apart(name) else { return };
    let mut day = FirstDay::start(&folder);
    day.our_pods_are_as_deployed();
    day.our_processes_have_no_rights();
    day.jane_gets_a_namespace();
    day.a_notebook_runs();
    day.its_home_stays();
    day.each_may_do_what_its_role_says();
    day.namespaces_refuse_pods_with_rights();
    day.trouble_is_told();
    day.a_full_volume_is_told();
    day.pages_outlive_their_pods();
    day.another_controller_takes_over();
    day.an_update_that_has_no_image_is_told();
    day.the_node_restarts();
    day.the_api_server_restarts();
}

impl FirstDay {
    /// Everything is deployed, and all of it is ready.
    fn start(folder: &Path) -> Self {
        let node = Node::start(folder);
        let cluster = &node.cluster;
        cluster.outside().kfctl(&["init", "first-day", "--platform", "none"]).success();
        let app = cluster.in_app("first-day");
        for component in ["auth", "istio"] {
            app.kfctl(&["component", "disable", component]).success();
        }
        // What needs a mesh.
        for [component, parameter] in [["profiles", "mesh"], ["dashboard", "route"]] {
            app.kfctl(&["param", "set", component, parameter, "false"]).success();
        }
        // Component auth would say whose tokens count.
        let issuer = Issuer::new();
        let trusted = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mesh", "namespace": "kubeflow-system"},
            "data": {"issuer": ISSUER, "audiences": AUDIENCE, "jwks": issuer.keys()}});
        let file = app.write("issuer.yaml", &trusted.to_string());
        app.kfctl(&["component", "add", "issuer", "--from", &file]).success();
        app.kfctl(&["image", "load", "containerd"]).success();
        app.kfctl(&["generate", "k8s"]).success();
        let started = Instant::now();
        app.kfctl(&["apply", "k8s", "--yes"]).success();
        note(&format!("all of Kubeflow is ready {:.1?} after the apply", started.elapsed()));
        let status = app.kfctl(&["status"]);
        assert!(!status.all().contains("not ready"), "{}", status.all());
        let web = node.service("kubeflow-system", "kfctl-web");
        Self { node, app, issuer, browser: Browser::start("first-day"), web }
    }

    pub(crate) fn pods(&self, namespace: &str, selector: &str) -> Vec<Value> {
        self.node.get(&["-n", namespace, "pods", "-l", selector])["items"].as_array().cloned().unwrap_or_default()
    }

    fn our_pods_are_as_deployed(&self) {
        for role in ["kfctl-controller", "kfctl-web"] {
            let pods = self.pods("kubeflow-system", &format!("app.kubernetes.io/name={role}"));
            assert_eq!(pods.len(), 2, "{pods:?}");
            for pod in pods {
                assert_eq!(pod["spec"]["nodeName"], crate::harness::NODE);
                assert_eq!(pod["status"]["containerStatuses"][0]["ready"], true, "{pod}");
            }
        }
    }

    /// Opens a page of the web UI as somebody.
    pub(crate) fn open(&self, who: &str, path: &str) {
        self.browser.carry("authorization", &format!("Bearer {}", self.issuer.token(who, &json!({}))));
        self.browser.open(&format!("http://{}{path}", self.web));
    }

    /// Waits until the page that is open says so.
    #[track_caller]
    pub(crate) fn says(&self, words: &str) {
        within(PATIENCE, &format!("the page says {words}"), || self.browser.text().contains(words));
    }

    fn jane_gets_a_namespace(&self) {
        self.app.kfctl(&["profile", "create", "jane", "--user", JANE]).success();
        let ready = ["-n", "kubeflow-system", "wait", "--for=condition=Ready", "profile/jane", "--timeout=60s"];
        self.node.kubectl(&ready).success();
    }

    fn a_notebook_runs(&self) {
        self.node.volume("home", "5Gi");
        within(PATIENCE, "jane may make notebooks", || {
            self.open(JANE, "/jupyter/new");
            self.browser.text().contains("What is left in kubeflow-jane")
        });
        self.browser.fill("#name", "first");
        self.browser.picture("spawner");
        self.browser.click("form[action='/jupyter/new'] button.main");
        self.says("running");
        self.browser.picture("running");
        let pod = self.node.get(&["-n", NAMESPACE, "pod", "first-0"]);
        assert_eq!(pod["spec"]["containers"][0]["image"], NOTEBOOK);
        assert_eq!(self.first_server().run("print(6 * 7)"), "42\n");
    }

    /// The server of jane's notebook, once it answers.
    pub(crate) fn first_server(&self) -> Server {
        let (host, mut server) = (self.node.service(NAMESPACE, "first"), None);
        within(PATIENCE, "JupyterLab answers", || {
            server = Server::open(&host, "/notebook/kubeflow-jane/first");
            server.is_some()
        });
        server.expect("it answers")
    }

    /// What is in the home is there after a stop and a start.
    fn its_home_stays(&self) {
        self.first_server().run("open('/home/jovyan/kept.txt', 'w').write('by jane')");
        let act = |action: &str| {
            self.open(JANE, "/jupyter?namespace=kubeflow-jane");
            self.browser.click("#switch-first");
            self.says(action);
        };
        act("stopped");
        within(PATIENCE, "its pod is gone", || self.pods(NAMESPACE, "notebook-name=first").is_empty());
        act("running");
        assert_eq!(self.first_server().run("print(open('/home/jovyan/kept.txt').read())"), "by jane\n");
    }
}
