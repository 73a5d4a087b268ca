//! Istio's real control plane and two real Envoys before the real API server: one is the ingress gateway, one the sidecar of a notebook.
//!
//! What is ours comes as it does for an admin: by `kfctl apply`, and by the controller with its own rights. What this test adds by hand is
//! what a machine without nodes can't have: pods. A `WorkloadEntry` stands for each, and leads to a server in this process.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::backends::{Backends, Seen, may_set};
use crate::client::Client;
use crate::harness::{App, Cluster, Controller, answer, free_port, until};
use crate::requests::{At, Cell, Who};
use crate::tokens::{AUDIENCE, ISSUER, Keys};
use crate::tools::Tools;

pub(crate) use process::Process;

#[path = "../common/process.rs"]
mod process;

/// What other components will bring, and stand-ins for pods.
const SURROUNDINGS: &str = include_str!("surroundings.yaml");
const PROFILES: &str = include_str!("profiles.yaml");
const SETTINGS: &str = include_str!("settings.yaml");

/// What an issuer elsewhere knows of this Kubeflow.
pub(crate) const CLIENT_SECRET: &str = "secret of the client";

/// Servers behind the mesh.
const BACKENDS: [&str; 7] = ["jane-nb", "jane-guarded", "jane-model", "jane-open", "bob-nb", "team-nb", "pages"];

/// A proxy, as Istio's agent would start it.
struct Proxy {
    process: Process,
    admin: String,
    port: u16,
}

/// Who a proxy is to istiod.
struct Identity<'a> {
    kind: &'a str,
    /// An address of its own, which is no workload's.
    address: &'a str,
    pod: &'a str,
    namespace: &'a str,
    service_account: &'a str,
    labels: Value,
}

impl Proxy {
    /// Starts it; `port` is the one that it will be told to listen on.
    fn start(name: &'static str, tools: &Tools, directory: &Path, istiod: u16, identity: Identity<'_>, port: u16) -> Self {
        let Identity { kind, address, pod, namespace, service_account, labels } = identity;
        let source = json!({"ads": {}, "resource_api_version": "V3"});
        let endpoint = json!({"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": istiod}}}});
        let http2 = json!({"@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}}});
        let bootstrap = json!({
            "node": {
                "id": format!("{kind}~{address}~{pod}.{namespace}~{namespace}.svc.cluster.local"),
                "cluster": format!("{pod}.{namespace}"),
                "metadata": {"NAMESPACE": namespace, "CLUSTER_ID": "Kubernetes", "ISTIO_VERSION": "1.29.1", "INSTANCE_IPS": address,
                    "SERVICE_ACCOUNT": service_account, "LABELS": labels, "INTERCEPTION_MODE": "NONE", "UNPRIVILEGED_POD": "true"},
            },
            "dynamic_resources": {
                "lds_config": source, "cds_config": source,
                "ads_config": {"api_type": "GRPC", "transport_api_version": "V3", "set_node_on_first_message_only": true,
                    "grpc_services": [{"envoy_grpc": {"cluster_name": "istiod"}}]},
            },
            "static_resources": {"clusters": [{
                "name": "istiod", "type": "STATIC", "connect_timeout": "1s",
                "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2},
                "load_assignment": {"cluster_name": "istiod", "endpoints": [{"lb_endpoints": [endpoint]}]},
            }]},
            "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        });
        let file = |kind: &str| directory.join(format!("{name}.{kind}"));
        fs::write(file("json"), bootstrap.to_string()).expect("written");
        let mut command = Command::new(&tools.envoy);
        command.arg("-c").arg(file("json")).arg("--admin-address-path").arg(file("admin"));
        command.args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"]);
        // As Istio's agent does: a connection that is open where the rules change ends with its next answer.
        command.args(["--drain-time-s", "45", "--drain-strategy", "immediate"]);
        let mut process = Process::start(name, directory, &mut command);
        let mut admin = String::new();
        process.until("it has an admin port", || {
            admin = fs::read_to_string(file("admin")).unwrap_or_default();
            admin.contains(':')
        });
        Self { process, admin, port }
    }

    /// Waits until it has what istiod gives it.
    fn listens(&mut self) {
        let (url, wanted) = (format!("http://{}/listeners", self.admin), format!(":{}", self.port));
        self.process.until("it listens", || {
            let said = answer(&url, &[]);
            said.is_some_and(|(_, text)| text.lines().any(|line| line.ends_with(&wanted)))
        });
    }
}

/// Everything, from the cluster to the proxies.
pub(crate) struct Mesh {
    gateway: Proxy,
    sidecar: Proxy,
    _istiod: Process,
    _controller: Controller,
    /// For files of the test.
    pub(crate) directory: tempfile::TempDir,
    /// Where a token names its user and groups.
    pub(crate) claims: RefCell<[String; 2]>,
    pub(crate) app: App,
    pub(crate) cluster: Cluster,
    pub(crate) backends: Backends,
    pub(crate) client: Client,
}

/// Istio's control plane for this cluster, and the port on which it serves proxies.
fn istiod(tools: &Tools, cluster: &Cluster, directory: &Path, said: &str) -> (Process, u16) {
    let settings = directory.join("mesh.yaml");
    fs::write(&settings, said).expect("written");
    let (ready, proxies) = (format!("127.0.0.1:{}", free_port()), free_port());
    let mut command = Command::new(&tools.istiod);
    command.arg("discovery").arg("--kubeconfig").arg(cluster.kubeconfig()).arg("--meshConfig").arg(settings);
    command.args([
        "--domain",
        "cluster.local",
        "--ctrlz_port",
        "0",
        "--httpAddr",
        &ready,
        "--httpsAddr",
        "",
        "--secureGRPCAddr",
        "",
    ]);
    command.args(["--grpcAddr", &format!("127.0.0.1:{proxies}"), "--monitoringAddr", &format!("127.0.0.1:{}", free_port())]);
    let environment = [
        ("POD_NAMESPACE", "istio-system"),
        ("POD_NAME", "istiod"),
        ("CLUSTER_ID", "Kubernetes"),
        ("ENABLE_CA_SERVER", "false"),
        ("PILOT_CERT_PROVIDER", "none"),
        ("INJECT_ENABLED", "false"),
        ("VALIDATION_ENABLED", "false"),
        // Filters that Istio's own build of Envoy has and this one has not.
        ("PILOT_ENABLE_METADATA_EXCHANGE", "false"),
        ("PILOT_ENABLE_ALPN_FILTER", "false"),
        ("PILOT_DISABLE_MX_ALPN", "true"),
    ];
    let mut process = Process::start("istiod", directory, command.envs(environment));
    process.until("it is ready", || answer(&format!("http://{ready}/ready"), &[]).is_some_and(|(code, _)| code == 200));
    (process, proxies)
}

/// What is different from one mesh to another.
pub(crate) struct Plan<'a> {
    /// Istio's settings, beside those that this machine asks for.
    pub(crate) settings: &'a str,
    /// Parameters of component auth.
    pub(crate) auth: &'a [(&'a str, &'a str)],
    /// What is other in it, where something is.
    pub(crate) overlay: Option<&'a str>,
    /// What is there besides.
    pub(crate) surroundings: &'a str,
}

impl Mesh {
    /// One where everybody brings a token of the test's own issuer.
    pub(crate) fn with_tokens(people: BTreeMap<String, Who>) -> Self {
        let tools = Tools::find_or_make();
        let keys = Keys::new(&tools.istiod);
        let jwks = keys.jwks();
        // The login stands before the policies and brings tokens; here everybody brings their own.
        let auth = [("login", "none"), ("tls", "none"), ("issuer", ISSUER), ("audiences", AUDIENCE), ("jwks", &jwks)];
        Self::start(&tools, &Plan { settings: "", auth: &auth, overlay: None, surroundings: "" }, people, keys)
    }

    pub(crate) fn start(tools: &Tools, plan: &Plan<'_>, people: BTreeMap<String, Who>, keys: Keys) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let cluster = Cluster::start();
        let app = cluster.init("mesh", &[]).with("KFCTL_CLIENT_SECRET", CLIENT_SECRET);
        let backends = Backends::default();
        let [gateway_port, sidecar_port] = [(); 2].map(|()| free_port());

        let add = |name: &str, text: &str| {
            let file = app.write(&format!("{name}.yaml"), text);
            app.kfctl(&["component", "add", name, "--from", &file]).success();
        };
        add(
            "definitions",
            &format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: istio-system}}\n---\n{}", tools.definitions),
        );
        app.kfctl(&["param", "set", "profiles", "deployment", "false"]).success();
        for component in ["auth", "notebooks"] {
            app.kfctl(&["component", "enable", component]).success();
        }
        for (parameter, value) in plan.auth {
            app.kfctl(&["param", "set", "auth", parameter, value]).success();
        }
        if let Some(overlay) = plan.overlay {
            fs::create_dir_all(app.directory().join("overlays/auth")).expect("the app directory can be written");
            app.write("overlays/auth/overlay.yaml", overlay);
        }
        app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]).success();
        let controller = cluster.controller("kfctl-controller");
        let (istiod, proxies) = istiod(tools, &cluster, directory.path(), &format!("{SETTINGS}{}", plan.settings));
        cluster.kubectl(&["create", "-f", &app.write("profiles.yaml", PROFILES)]).success();
        let ready = ["wait", "--for=condition=Ready", "profiles", "--all", "--timeout=30s", "-n", "kubeflow-system"];
        cluster.kubectl(&ready).success();
        // The seed's command, as its owner types it.
        let share = ["-n", "kubeflow-jane", "create", "rolebinding", "ann-kubeflow", "--role=default", "--user=ann@foo.com"];
        until("jane may share", || cluster.kubectl_as("jane@foo.com", &share).code == 0);

        let mut surroundings = format!("{SURROUNDINGS}{}", plan.surroundings).replace("GATEWAY_PORT", &gateway_port.to_string());
        surroundings = surroundings.replace("SIDECAR_PORT", &sidecar_port.to_string());
        for name in BACKENDS {
            surroundings = surroundings.replace(&format!("PORT({name})"), &backends.start(name).to_string());
        }
        add("surroundings", &surroundings);
        app.kfctl(&["apply", "k8s", "-c", "surroundings", "--yes", "--no-wait"]).success();

        let router = Identity {
            kind: "router",
            address: "127.0.0.2",
            pod: "istio-ingressgateway-0",
            namespace: "istio-system",
            service_account: "istio-ingressgateway-service-account",
            labels: json!({"app": "istio-ingressgateway", "istio": "ingressgateway"}),
        };
        let notebook = Identity {
            kind: "sidecar",
            address: "127.0.0.3",
            pod: "guarded-0",
            namespace: "kubeflow-jane",
            service_account: "default-editor",
            labels: json!({"notebook-name": "guarded"}),
        };
        let mut gateway = Proxy::start("gateway", tools, directory.path(), proxies, router, gateway_port);
        let mut sidecar = Proxy::start("sidecar", tools, directory.path(), proxies, notebook, sidecar_port);
        gateway.listens();
        sidecar.listens();
        let client = Client::new(people, keys);
        let claims = RefCell::new(["/email", "/groups"].map(str::to_owned));
        Self { gateway, sidecar, _istiod: istiod, _controller: controller, directory, claims, app, cluster, backends, client }
    }

    /// The port of the gateway.
    pub(crate) fn port(&self) -> u16 {
        self.gateway.port
    }

    /// The configuration that the gateway has, as its Envoy tells it.
    #[allow(dead_code, reason = "of the figures")]
    pub(crate) fn knows(&self) -> String {
        answer(&format!("http://{}/config_dump", self.gateway.admin), &[]).expect("Envoy tells").1
    }

    /// How much memory its Envoy has taken, in bytes.
    #[allow(dead_code, reason = "of the figures")]
    pub(crate) fn memory(&self) -> u64 {
        let said = answer(&format!("http://{}/memory", self.gateway.admin), &[]).expect("Envoy tells").1;
        let said: Value = serde_json::from_str(&said).expect("JSON");
        said["allocated"].as_str().and_then(|bytes| bytes.parse().ok()).expect("a number")
    }

    /// Waits until the proxies have heard everything: Istio is eventually consistent. Where that never comes, the cells tell what is missing.
    pub(crate) fn settle(&self, cells: &[Cell]) {
        let usual = ["anonymous", "jane", "bob", "ann", "gus", "mia"];
        let told = |cell: &&Cell| cell.method == "GET" && (cells.len() < 300 || usual.contains(&cell.who.as_str()));
        let open: Vec<&Cell> = cells.iter().filter(told).collect();
        let deadline = Instant::now() + Duration::from_secs(20);
        while open.iter().any(|cell| self.wrong(cell).is_some()) && Instant::now() < deadline {}
    }

    /// What a backend was told that it should not have been.
    fn told(&self, seen: &Seen, who: &str) -> Vec<String> {
        let mut faults = Vec::new();
        let claims = self.client.claims(who).unwrap_or_default();
        let [user, groups] = &*self.claims.borrow();
        let users = seen.header("kubeflow-userid");
        if users != claims.pointer(user).and_then(Value::as_str).into_iter().collect::<Vec<_>>() {
            faults.push(format!("{} was told the user is {users:?}", seen.backend));
        }
        let told = seen.header("kubeflow-groups");
        if told.len() != usize::from(claims.pointer(groups).is_some()) {
            faults.push(format!("{} was told the groups are {told:?}", seen.backend));
        }
        let cookies = seen.header("cookie");
        if cookies != self.client.word(who, "keeps").into_iter().collect::<Vec<_>>() {
            faults.push(format!("{} was given the cookies {cookies:?}", seen.backend));
        }
        for name in ["x-goog-authenticated-user-email", "x-forwarded-user", "x-auth-request-email"] {
            if !seen.header(name).is_empty() {
                faults.push(format!("{} was given {name}", seen.backend));
            }
        }
        if ["jane-nb", "jane-guarded"].contains(&seen.backend.as_str()) && !seen.header("authorization").is_empty() {
            faults.push(format!("{} was given the token", seen.backend));
        }
        faults
    }

    /// What is wrong about the answer to a cell; `None` where it is right.
    pub(crate) fn wrong(&self, cell: &Cell) -> Option<String> {
        let port = if cell.at == At::Gateway { self.gateway.port } else { self.sidecar.port };
        let (number, status, answered, set) = self.client.send(cell, port);
        let seen = self.backends.seen(&number);
        let reached = seen.as_ref().map(|seen| seen.backend.clone());
        let may = reached.as_deref().map(|backend| may_set(backend, &cell.target));
        let mut faults = Vec::new();
        if (status, &answered) != (cell.status, &cell.backend) || reached != cell.backend {
            let by = |backend: &Option<String>| backend.as_ref().map(|name| format!(" by {name}")).unwrap_or_default();
            let found =
                format!("{status}{}, reached{}", by(&answered), reached.map_or(" none".to_owned(), |name| format!(" {name}")));
            faults.push(format!("expected {}{}, got {found}", cell.status, by(&cell.backend)));
        }
        if cell.at == At::Gateway && may.is_some_and(|may| set != may) {
            faults.push(format!("these cookies are set: {set:?}"));
        }
        faults.extend(seen.iter().flat_map(|seen| self.told(seen, &cell.who)));
        let Cell { file, line, at, protocol, method, who, host, target, .. } = cell;
        (!faults.is_empty())
            .then(|| format!("{file}:{line} {at:?} HTTP/{protocol} {method} {host} {target} as {who}: {}", faults.join("; ")))
    }
}
