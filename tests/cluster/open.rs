//! `kfctl open`: the address of the gateway by every way there is, and a port of this machine where there is none.

use std::io::Read;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use crate::definition::definition;
use crate::harness::{App, Cluster, Said, signal, until};

const GATEWAY: &str = "apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: kubeflow-gateway, namespace: kubeflow}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {hosts: ['*'], port: {number: 80, name: http, protocol: HTTP}, tls: {httpsRedirect: true}}
  - {hosts: ['*'], port: {number: 443, name: https, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: tls}}
";

const SERVICE: &str = "apiVersion: v1
kind: Service
metadata: {name: istio-ingressgateway, namespace: istio-system}
spec:
  selector: {app: istio-ingressgateway, istio: ingressgateway}
  ports:
  - {name: http2, port: 80, targetPort: 8080}
  - {name: https, port: 443, targetPort: 8443}
";

const INGRESS: &str = "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: way-in, namespace: istio-system}
spec:
  rules:
  - {host: kubeflow.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: istio-ingressgateway, port: {number: 80}}}}]}}
";

const EVENT: &str = "apiVersion: v1
kind: Event
metadata: {name: no-balancer, namespace: istio-system}
involvedObject: {kind: Service, name: istio-ingressgateway, namespace: istio-system}
type: Warning
reason: SyncLoadBalancerFailed
message: 'quota of addresses exceeded'
";

/// Takes whatever connects to it, as Istio's gateway would; nothing runs behind it here.
const POD: &str = "apiVersion: v1
kind: Pod
metadata: {name: NAME, namespace: istio-system, labels: {app: istio-ingressgateway, istio: ingressgateway}}
spec: {containers: [{name: istio-proxy, image: 'istio/proxyv2:1.29.1'}]}
";

struct Place {
    cluster: Cluster,
    app: App,
}

impl Place {
    fn create(&self, manifest: &str) {
        let file = self.cluster.app.write("manifest.yaml", manifest);
        self.cluster.kubectl(&["create", "-f", &file]).success();
    }

    fn patch(&self, kind: &str, patch: &str, more: &[&str]) {
        let (namespace, name) = match kind {
            "service" => ("istio-system", "istio-ingressgateway"),
            _ => ("kubeflow", "kubeflow-gateway"),
        };
        self.cluster.kubectl(&[&["-n", namespace, "patch", kind, name, "--type=merge", "-p", patch], more].concat()).success();
    }

    fn url(&self) -> Said {
        self.app.kfctl(&["open", "--url"])
    }

    #[track_caller]
    fn fails(&self, words: &[&str]) {
        let said = self.url();
        assert!(said.code == 1 && said.stdout.is_empty(), "{}", said.all());
        assert!(words.iter().all(|words| said.stderr.contains(words)), "{words:?}: {}", said.all());
    }

    #[track_caller]
    fn leads(&self, url: &str) {
        let said = self.url();
        assert_eq!((said.code, said.stdout.as_str()), (0, format!("{url}\n").as_str()), "{}", said.all());
    }
}

#[test]
fn api_open_finds_the_gateway_by_every_way() {
    let cluster = Cluster::start();
    let said = cluster.app.kfctl(&["open"]);
    assert!(said.code == 2 && said.stderr.contains("platform local has no Istio and no login"), "{}", said.all());
    let app = cluster.init("opened", &[]);
    let place = Place { cluster, app };
    place.fails(&["there is no Istio in https://127.0.0.1:", "kfctl component enable istio"]);
    place.create(&definition("networking.istio.io", "gateways", "Gateway"));
    place.cluster.kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"]).success();
    place.fails(&["there is no gateway kubeflow/kubeflow-gateway", "kfctl component enable auth"]);
    for namespace in ["kubeflow", "istio-system"] {
        place.cluster.kubectl(&["create", "namespace", namespace]).success();
    }
    place.create(GATEWAY);
    place.fails(&["no Service of namespace istio-system leads to pods with label istio=ingressgateway"]);
    let said = place.app.kfctl(&["open"]);
    assert!(said.code == 1 && said.stderr.contains("there is no pod with label istio=ingressgateway"), "{}", said.all());

    place.create(SERVICE);
    place.fails(&["Service istio-system/istio-ingressgateway is reached inside the cluster alone", "`kfctl open` leads there"]);
    place.create(INGRESS);
    place.leads("https://kubeflow.example.com/jupyter");
    place.cluster.kubectl(&["-n", "istio-system", "delete", "ingress", "way-in"]).success();

    place.patch("service", r#"{"spec": {"type": "NodePort"}}"#, &[]);
    let of = |arguments: &[&str]| place.cluster.kubectl(arguments).success();
    let port = of(&["-n", "istio-system", "get", "service", "istio-ingressgateway", "-o", "jsonpath={.spec.ports[1].nodePort}"]);
    place.fails(&["has a port on each node, and no node that is ready has an address"]);
    let node = of(&["get", "nodes", "-o", "jsonpath={.items[0].metadata.name}"]);
    let address = r#"{"status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.7"}]}}"#;
    of(&["patch", "node", &node, "--subresource=status", "-p", address]);
    place.leads(&format!("https://192.0.2.7:{port}/jupyter"));

    place.patch("service", r#"{"spec": {"type": "LoadBalancer"}}"#, &[]);
    place.fails(&["waits for a load balancer: nothing in this cluster has given it an address"]);
    place.create(EVENT);
    place.fails(&["no load balancer has taken Service istio-system/istio-ingressgateway: quota of addresses exceeded"]);
    let given = r#"{"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}]}}}"#;
    place.patch("service", given, &["--subresource=status"]);
    place.leads("https://203.0.113.7/jupyter");
    let said = place.app.kfctl(&["open", "profiles", "-o", "json"]);
    let told: serde_json::Value = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{}", said.all()));
    let object = "Service istio-system/istio-ingressgateway";
    assert_eq!(told, serde_json::json!({"url": "https://203.0.113.7/profiles", "way": "load-balancer", "object": object}));
    assert_eq!(place.app.kfctl(&["open", "https://elsewhere.example.com"]).code, 2);

    // A browser is opened for who sits at a terminal, and for nobody else.
    let opened = place.app.beside("opened-url");
    let folder = place.app.beside("browser");
    std::fs::create_dir(&folder).expect("made");
    let browser = folder.join("xdg-open");
    std::fs::write(&browser, format!("#!/bin/sh\necho \"$1\" > {}\n", opened.display())).expect("written");
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).expect("a program");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    let at_terminal = place.cluster.in_app("opened").with("PATH", &path);
    at_terminal.on_terminal(&["open", "--no-browser"], "").success();
    at_terminal.kfctl(&["open"]).success();
    assert!(!opened.exists(), "a browser was opened");
    let said = at_terminal.on_terminal(&["open"], "").success();
    assert!(said.contains("https://203.0.113.7/jupyter"), "{said}");
    assert_eq!(std::fs::read_to_string(&opened).expect("a browser was opened"), "https://203.0.113.7/jupyter\n");

    place.patch(
        "gateways.networking.istio.io",
        r#"{"spec": {"servers": [{"hosts": ["kubeflow.acme.com"], "port": {"protocol": "HTTP"}}]}}"#,
        &[],
    );
    place.leads("http://kubeflow.acme.com/jupyter");
}

/// The nodes here are simulated, so nothing answers behind the port: what a kubelet makes of it is not shown.
#[test]
fn api_open_forwards_a_port_of_its_own_where_nothing_exposes_the_gateway() {
    let cluster = Cluster::start();
    let app = cluster.init("opened", &[]);
    let place = Place { cluster, app };
    place.create(&definition("networking.istio.io", "gateways", "Gateway"));
    place.cluster.kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"]).success();
    for namespace in ["kubeflow", "istio-system"] {
        place.cluster.kubectl(&["create", "namespace", namespace]).success();
    }
    until("a service account", || place.cluster.kubectl(&["-n", "istio-system", "get", "serviceaccount", "default"]).code == 0);
    place.create(&[GATEWAY, SERVICE, &POD.replace("NAME", "first")].join("---\n"));
    place.cluster.kubectl(&["-n", "istio-system", "wait", "--for=condition=Ready", "pod/first", "--timeout=60s"]).success();

    let mut open = place.app.start(&["open", "/profiles"]);
    let mut url = String::new();
    open.until("an address", |line| {
        line.clone_into(&mut url);
        line.starts_with("https://localhost:")
    });
    let port: u16 = url
        .strip_prefix("https://localhost:")
        .and_then(|rest| rest.strip_suffix("/profiles"))
        .expect("a port")
        .parse()
        .expect("a number");
    open.until_told("until Ctrl-C");
    let connect = || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the port is open");
        let _ = stream.read(&mut [0]);
    };
    connect();
    open.until_told("no way to pod first");
    // The next connection goes to the pod that has come in its place.
    place.create(&POD.replace("NAME", "second"));
    place.cluster.kubectl(&["-n", "istio-system", "wait", "--for=condition=Ready", "pod/second", "--timeout=60s"]).success();
    place.cluster.kubectl(&["-n", "istio-system", "delete", "pod", "first", "--now", "--wait"]).success();
    connect();
    open.until_told("no way to pod second");
    signal("INT", open.pid());
    let said = open.finish();
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "the port is still open");
}
