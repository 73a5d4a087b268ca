//! The login in the mesh configuration of an Istio that was there: one item of ours, in a text that is somebody else's.

use crate::definition;
use crate::harness::{App, Cluster, Said, signal};
use crate::proxy::Proxy;

const THEIRS: &str = "# kept by the platform team
accessLogFile: /dev/stdout   # to the console
rootNamespace: istio-system
";

/// With providers of its own, as they were typed.
const OTHERS: &str = "extensionProviders:
# traces
- name:   zipkin
  zipkin: {service: zipkin.istio-system.svc.cluster.local, port: 9411}
rootNamespace: istio-system # the default
";

const OURS: &str = "- envoyExtAuthzHttp:
    failOpen: false
    headersToDownstreamOnAllow:
    - set-cookie
    headersToDownstreamOnDeny:
    - content-type
    - location
    - set-cookie
    - cache-control
    headersToUpstreamOnAllow:
    - authorization
    includeRequestHeadersInCheck:
    - authorization
    - cookie
    - accept
    - x-requested-with
    port: 80
    service: oauth2-proxy.auth.svc.cluster.local
    timeout: 5s
  name: kubeflow-oauth2-proxy
";

/// An istiod, of a revision where one is named, with its configuration.
fn istiod(revision: &str, mesh: &str) -> String {
    let suffix = if revision.is_empty() { String::new() } else { format!("-{revision}") };
    let label = if revision.is_empty() { "default" } else { revision };
    let mesh: String = mesh.lines().map(|line| format!("    {line}\n")).collect();
    format!(
        "apiVersion: v1
kind: ConfigMap
metadata: {{name: istio{suffix}, namespace: istio-system}}
data:
  meshNetworks: 'networks: {{}}'
  mesh: |
{mesh}---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: istiod{suffix}, namespace: istio-system, labels: {{app: istiod, istio.io/rev: '{label}'}}}}
spec:
  selector: {{matchLabels: {{app: istiod}}}}
  template:
    metadata: {{labels: {{app: istiod}}}}
    spec: {{containers: [{{name: discovery, image: 'istio/pilot:1.27.0'}}]}}
---
"
    )
}

struct Mesh {
    cluster: Cluster,
    app: App,
}

impl Mesh {
    fn start() -> Self {
        let cluster = Cluster::start();
        let app = cluster.init("meshed", &["profiles"]);
        let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: istio-system}\n---\n";
        let all = [namespace, &istiod("", THEIRS), &istiod("1-28", OTHERS), &definition::istio()].concat();
        let file = cluster.app.write("istio.yaml", &all);
        cluster.kubectl(&["create", "-f", &file]).success();
        cluster.kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"]).success();
        app.kfctl(&["component", "enable", "auth"]).success();
        Self { cluster, app }
    }

    fn get(&self, name: &str, path: &str) -> String {
        self.cluster.kubectl(&["-n", "istio-system", "get", "configmap", name, "-o", &format!("jsonpath={{{path}}}")]).success()
    }

    fn mesh(&self, name: &str) -> String {
        self.get(name, ".data.mesh")
    }

    /// Somebody else writes the text.
    fn write(&self, name: &str, mesh: &str) {
        let patch = serde_json::json!({"data": {"mesh": mesh}}).to_string();
        self.cluster.kubectl(&["-n", "istio-system", "patch", "configmap", name, "--type=merge", "-p", &patch]).success();
    }

    fn apply(&self, more: &[&str]) -> Said {
        let said = self.app.kfctl(&[&["apply", "k8s", "--yes", "--no-wait"], more].concat());
        assert_eq!(said.code, 0, "{}", said.all());
        said
    }

    /// The lines of doctor's check of the login in the mesh.
    fn doctor(&self) -> String {
        self.checked("provider")
    }

    /// The lines of one of doctor's checks.
    fn checked(&self, check: &str) -> String {
        let said = self.app.kfctl(&["doctor"]);
        said.stdout.lines().filter(|line| line.contains(&format!("  {check} "))).collect::<Vec<_>>().join("\n")
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "one story on one cluster")]
fn api_login_enters_and_leaves_the_configuration_of_an_istio_that_was_there() {
    let mesh = Mesh::start();
    let both = || (mesh.mesh("istio"), mesh.mesh("istio-1-28"));
    let [alone, beside] = [format!("{THEIRS}extensionProviders:\n{OURS}"), OTHERS.replace("9411}\n", &format!("9411}}\n{OURS}"))];

    // What it would do is said, and not done.
    let said = mesh.app.kfctl(&["apply", "k8s", "--dry-run"]);
    let [planned, refused] = ["configure   ConfigMap istio-system/istio", "refused"].map(|words| said.stdout.contains(words));
    assert!(said.code == 0 && planned && !refused, "{}", said.all());
    let said = mesh.app.kfctl(&["diff", "-c", "auth"]);
    assert!(said.code == 3 && said.stdout.contains("+    - envoyExtAuthzHttp:"), "{}", said.all());
    assert!(!said.stdout.contains("-    rootNamespace"), "more than an item would change: {}", said.all());
    assert_eq!(both(), (THEIRS.to_owned(), OTHERS.to_owned()));

    // Every revision gets it, and nothing else of the texts moves.
    let said = mesh.apply(&[]);
    assert!(
        said.stderr.contains("item kubeflow-oauth2-proxy of extensionProviders in ConfigMap istio-system/istio-1-28"),
        "{}",
        said.all()
    );
    assert_eq!(both(), (alone.clone(), beside.clone()));
    assert_eq!(mesh.get("istio", ".data.meshNetworks"), "networks: {}");
    assert!(mesh.doctor().contains("ConfigMap istio-system/istio-1-28 knows kubeflow-oauth2-proxy"), "{}", mesh.doctor());
    // What else stands between a browser and a notebook: no gateway runs here, and no Dex.
    let gateway = mesh.checked("gateway");
    assert!(gateway.contains("warn") && gateway.contains("no Service of namespace istio-system leads to pods"), "{gateway}");
    let keys = mesh.checked("keys");
    assert!(keys.contains("fail") && keys.contains("http://dex.auth.svc.cluster.local:5556/dex/keys"), "{keys}");
    let policies = mesh.checked("policies");
    assert!(policies.contains("warn") && policies.contains("its validating webhook is not there"), "{policies}");
    let refused = r#"{"status": {"validationMessages": [{"level": "ERROR", "type": {"name": "ReferencedResourceNotFound", "code": "IST0101"}}]}}"#;
    let route = ["-n", "auth", "patch", "virtualservice", "dex", "--type=merge", "-p", refused];
    mesh.cluster.kubectl(&route).success();
    let policies = mesh.checked("policies");
    let words = "istiod does not take VirtualService auth/dex: ReferencedResourceNotFound (IST0101)";
    assert!(policies.contains("fail") && policies.contains(words), "{policies}");
    mesh.cluster.kubectl(&[&route[..7], &[r#"{"status": null}"#]].concat()).success();
    let version = mesh.get("istio", ".metadata.resourceVersion");
    assert!(mesh.apply(&[]).stdout.contains("0 created, 0 configured"));
    assert_eq!(mesh.get("istio", ".metadata.resourceVersion"), version, "unchanged, and written");

    // An upgrade of Istio writes the text anew. While apply mends that, somebody else writes too; then it is killed in the middle.
    mesh.write("istio", THEIRS);
    let lacks = mesh.doctor();
    assert!(lacks.contains("fail") && lacks.contains("istio-system/istio does not know kubeflow-oauth2-proxy"), "{lacks}");
    let proxy = Proxy::start(&mesh.cluster, "mesh");
    let through = proxy.kubeconfig.display().to_string();
    let again = ["apply", "k8s", "-c", "auth", "--no-wait", "--yes", "--kubeconfig", &through];
    let write = "/configmaps/istio?fieldManager=kfctl-entries";
    let stopped = proxy.stop_at("PATCH", write);
    let run = mesh.app.start(&again);
    let newer = THEIRS.replace("to the console", "to the log");
    stopped.meanwhile(|| mesh.write("istio", &newer));
    let said = run.finish();
    assert!(said.code == 0 && said.stdout.contains("0 created, 1 configured"), "{}", said.all());
    assert_eq!(mesh.mesh("istio"), alone.replace("to the console", "to the log"), "a write of somebody else was lost");
    mesh.write("istio", THEIRS);
    let stopped = proxy.stop_at("PATCH", write);
    let run = mesh.app.start(&again);
    stopped.meanwhile(|| signal("KILL", run.pid()));
    run.finish();
    mesh.apply(&["-c", "auth"]);
    assert_eq!(both(), (alone.clone(), beside.clone()));

    // What somebody has changed is theirs, until told otherwise.
    let edited = alone.replace("timeout: 5s", "timeout: 9s # slow network");
    mesh.write("istio", &edited);
    let said = mesh.apply(&[]);
    assert!(said.stderr.contains("is not as kfctl wrote it, and is left as it is"), "{}", said.all());
    assert_eq!(mesh.mesh("istio"), edited);
    assert!(mesh.doctor().contains("has another kubeflow-oauth2-proxy than kfctl would write"), "{}", mesh.doctor());
    mesh.apply(&["--force-conflicts"]);
    assert_eq!(mesh.mesh("istio"), alone);

    // A text in which nothing can be changed alone is refused before anything is written.
    mesh.write("istio", "{rootNamespace: istio-system}");
    let said = mesh.app.kfctl(&["apply", "k8s", "--no-wait"]);
    assert!(said.code == 1 && said.stderr.contains("nothing was written"), "{}", said.all());
    assert!(said.stderr.contains("can't be changed without touching others"), "{}", said.all());
    mesh.write("istio", &alone);

    // Without a login nobody is asked.
    mesh.app.kfctl(&["param", "set", "auth", "login", "none"]).success();
    mesh.apply(&["--prune", "yes"]);
    mesh.apply(&[]);
    assert_eq!(both(), (THEIRS.to_owned(), OTHERS.to_owned()));
    mesh.app.kfctl(&["param", "unset", "auth", "login"]).success();
    mesh.apply(&[]);
    assert_eq!(both(), (alone, beside.clone()));

    // It goes with the component; where somebody has changed it, it stays and is named.
    mesh.write("istio-1-28", &beside.replace("timeout: 5s", "timeout: 9s"));
    let said = mesh.app.kfctl(&["delete", "-c", "auth", "--yes"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(
        said.stderr.contains("item kubeflow-oauth2-proxy of ConfigMap istio-system/istio, whose rest stays"),
        "{}",
        said.all()
    );
    let kept = "ConfigMap istio-system/istio-1-28: its item kubeflow-oauth2-proxy is not as kfctl wrote it, and stays";
    assert!(said.stdout.contains(kept), "{}", said.all());
    assert_eq!(both(), (THEIRS.to_owned(), beside.replace("timeout: 5s", "timeout: 9s")));
    let managers = mesh.get("istio", ".metadata.managedFields[*].manager");
    assert!(managers.contains("kfctl-entries"), "{managers}");
}

/// What three places say is one thing: the component, the Istio that kfctl installs, and the documentation.
#[test]
fn the_login_of_the_mesh_is_the_same_wherever_it_is_written() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).expect("it is there");
    let yaml = |text: &str| kfctl::yaml::documents(text, std::path::Path::new("text")).expect("YAML").remove(0);
    let component = yaml(&read("templates/auth/component.yaml"))["entries"][0]["item"].clone();
    assert_eq!(component["name"], "kubeflow-oauth2-proxy");
    let patch = read("templates/istio/patches/mesh.yaml.j2");
    let text =
        patch.split("    extensionProviders:\n").nth(1).and_then(|rest| rest.split("{% endif %}").next()).expect("the item");
    assert_eq!(yaml(text)[0], component, "templates/istio/patches/mesh.yaml.j2");
    let page = read("docs/login.md");
    let text = page.split("```yaml\nextensionProviders:\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the item");
    assert_eq!(yaml(text)[0], component, "docs/login.md");
}
