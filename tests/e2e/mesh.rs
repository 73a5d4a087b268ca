//! A mesh and a login with pods: Istio's control plane, Envoy as the gateway and oauth2-proxy run in theirs. Beside the node stand what is
//! outside of a cluster too: a provider who knows people, and a load balancer that ends TLS before the gateway.
//!
//! What this leaves unproven: Istio's own agent and build of Envoy, with the certificates that pods show each other; sidecars; and names that
//! pods ask a server for, as no pod here has to (istiod knows all Services, and the provider is known by its address).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kfctl::image::{Config, Files, Program};
use serde_json::{Value, json};

use crate::harness::answer;
use crate::images::archive;
use crate::made::note;
use crate::node::{ADDRESS, Node};
use crate::process::Process;
use crate::{oauth2, openid};

/// The objects of an Istio that is there already.
const ISTIO: &str = include_str!("istio.yaml");
const PILOT: &str = "docker.io/istio/pilot:1.29.1";
const PROXY: &str = "docker.io/istio/proxyv2:1.29.1";
const LOGIN: &str = "quay.io/oauth2-proxy/oauth2-proxy:v7.15.6";

/// The name that people open.
pub(crate) const HOST: &str = "kubeflow.example.com";
pub(crate) const PASSWORD: &str = "correct horse & battery";
pub(crate) const CLIENT_SECRET: &str = "secret of the client";
const PROVIDER_PORT: u16 = 9400;

/// What is made once.
pub(crate) struct Parts {
    images: Vec<PathBuf>,
    envoy: PathBuf,
    definitions: String,
}

impl Parts {
    pub(crate) fn find_or_make(cache: &Path) -> Self {
        let tools = crate::tools::Tools::find_or_make();
        openid::provider(Path::new("settings"));
        let images = [(PILOT, &tools.istiod), (PROXY, &tools.envoy), (LOGIN, &oauth2::program())];
        let images = images.map(|(name, program)| image(cache, name, program)).into();
        Self { images, envoy: tools.envoy, definitions: tools.definitions }
    }
}

/// The archive of an image that is one program.
fn image(cache: &Path, name: &str, program: &Path) -> PathBuf {
    // The path of a program names what it was made from.
    archive(cache, name, &format!("{} {}", program.display(), include_str!("mesh.rs")), || {
        note(&format!("packing {name}: once"));
        let program = Program::read(program).expect("a program");
        let mut files = Files::default();
        files.file("/program", 0o755, program.binary);
        for (path, content) in program.libraries {
            files.file(&path, 0o755, content);
        }
        files.directory("/tmp", 0o1777);
        let config = Config {
            architecture: program.architecture.to_owned(),
            entrypoint: vec!["/program".to_owned()],
            user: "65532:65532".to_owned(),
            ..Config::default()
        };
        (files, config)
    })
}

/// What stands outside of the cluster.
pub(crate) struct Outside {
    _provider: Process,
    _load_balancer: Process,
}

/// Where the provider answers.
pub(crate) fn issuer() -> String {
    format!("http://{ADDRESS}:{PROVIDER_PORT}")
}

/// Installs the mesh, and starts what is outside.
pub(crate) fn install(node: &Node, folder: &Path) -> Outside {
    let parts = &node.programs().mesh;
    parts.images.iter().for_each(|archive| crate::node::import(archive));
    let apply = |name: &str, text: &str| {
        let file = folder.join(name);
        fs::write(&file, text).expect("the folder can be written");
        node.kubectl(&["create", "-f", file.to_str().expect("UTF-8")]).success();
    };
    apply("definitions.yaml", &parts.definitions);
    apply("istio.yaml", ISTIO);
    Outside {
        _provider: provider(folder),
        _load_balancer: load_balancer(&parts.envoy, folder, &node.service("istio-system", "istio-ingressgateway")),
    }
}

fn provider(folder: &Path) -> Process {
    let account = |email: &str| json!({"password": PASSWORD, "claims": {"email": email, "email_verified": true}});
    let client = json!({"client_id": "kubeflow", "client_secret": CLIENT_SECRET, "redirect_uris": [format!("https://{HOST}/oauth2/callback")],
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"]});
    let said = json!({"host": ADDRESS, "port": PROVIDER_PORT, "client": client,
        "accounts": {"jane": account("jane@foo.com"), "bob": account("bob@acme.com")}});
    let file = folder.join("provider.json");
    fs::write(&file, said.to_string()).expect("the folder can be written");
    let mut provider = Process::start("provider", folder, &mut openid::provider(&file));
    let discovery = format!("{}/.well-known/openid-configuration", issuer());
    provider.until("it tells about itself", || answer(&discovery, &[]).is_some_and(|(code, _)| code == 200));
    provider
}

/// Ends TLS at the node's address, under the name that people open.
fn load_balancer(envoy: &Path, folder: &Path, gateway: &str) -> Process {
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate = rcgen::CertificateParams::new([HOST.to_owned()]).and_then(|parameters| parameters.self_signed(&key));
    let write = |name: &str, text: String| fs::write(folder.join(name), text).expect("the folder can be written");
    let address = |address: &str, port: u16| json!({"socket_address": {"address": address, "port_value": port}});
    let extension = |name: &str| format!("type.googleapis.com/envoy.extensions.{name}");
    let tls: Value = json!({"name": "tls", "typed_config": {
        "@type": extension("transport_sockets.tls.v3.DownstreamTlsContext"),
        "common_tls_context": {"tls_certificates": [{
            "certificate_chain": {"inline_string": certificate.expect("a certificate").pem()},
            "private_key": {"inline_string": key.serialize_pem()},
        }]},
    }});
    let onward = json!({"name": "tcp", "typed_config":
        {"@type": extension("filters.network.tcp_proxy.v3.TcpProxy"), "stat_prefix": "gateway", "cluster": "gateway"}});
    let settings = json!({"static_resources": {
        "listeners": [{"name": "https", "address": address(ADDRESS, 443),
            "filter_chains": [{"transport_socket": tls, "filters": [onward]}]}],
        "clusters": [{"name": "gateway", "type": "STATIC", "connect_timeout": "5s", "load_assignment": {"cluster_name": "gateway",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(gateway, 80)}}]}]}}],
    }});
    write("load-balancer.json", settings.to_string());
    write("hosts", format!("127.0.0.1 localhost\n{ADDRESS} node-0 {HOST}\n"));
    let mut command = Command::new(envoy);
    command.args(["-c", "load-balancer.json", "--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"]);
    let mut process = Process::start("load-balancer", folder, &mut command);
    process.until("it listens", || std::net::TcpStream::connect((ADDRESS, 443)).is_ok());
    process
}
