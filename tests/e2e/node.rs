//! A cluster with a real node: kfctl's own control plane, and kubelet, kube-proxy, containerd, runc and CNI beside it, in the place apart.

use std::fs;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Cluster, NODE, NODE_TOKEN, Said, say};
use crate::images::PAUSE;
use crate::made::note;
use crate::process::Process;
use crate::programs::Programs;

/// The node's address, and where the API server answers besides: pods don't reach the loopback address on which it listens.
pub(crate) const ADDRESS: &str = "10.99.0.2";
const API_PORT: u16 = 6443;
const POD_NETWORK: &str = "10.244.0.0/24";

/// The cluster, and what runs on its node.
pub(crate) struct Node {
    pub(crate) cluster: Cluster,
    folder: PathBuf,
    programs: Programs,
    containerd: Process,
    kubelet: Process,
    _proxy: Process,
}

impl Node {
    /// Starts everything in the place of this folder, until the node is ready.
    pub(crate) fn start(folder: &Path) -> Self {
        let started = Instant::now();
        let cluster = Cluster::start();
        only_the_real_node(&cluster);
        lead_to(cluster.port());
        let endpoint = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"kubernetes.io/service-name": "kubernetes"}},
            "endpoints": [{"addresses": [ADDRESS], "conditions": {"ready": true}}],
            "ports": [{"name": "https", "port": API_PORT, "protocol": "TCP"}]});
        create(&cluster, folder, &endpoint);
        let programs = Programs::find_or_make();
        write_settings(folder, &cluster);
        let containerd = containerd(folder);
        for archive in &programs.images {
            import(archive);
        }
        let kubelet = kubelet(folder, &programs);
        let mut proxy = Command::new(&programs.node);
        proxy.args(["kube-proxy", "--config=proxy.yaml", "--hostname-override", NODE]);
        let proxy = Process::start("kube-proxy", folder, &mut proxy);
        let node = Self { cluster, folder: folder.to_owned(), programs, containerd, kubelet, _proxy: proxy };
        node.is_ready();
        note(&format!("the node is ready after {:.1?}", started.elapsed()));
        node
    }

    fn is_ready(&self) {
        within(Duration::from_mins(2), &format!("node {NODE} is ready: {}", self.kubelet.log()), || {
            let ready = r#"jsonpath={.status.conditions[?(@.type=="Ready")].status}"#;
            self.cluster.kubectl(&["get", "node", NODE, "-o", ready]).stdout == "True"
        });
    }

    /// Ends what runs on the node, as a reboot does, and starts it again. Containers that run go on, as they do where only kubelet and
    /// containerd start anew.
    pub(crate) fn restart(&mut self) {
        self.kubelet.end();
        self.containerd.end();
        self.containerd = containerd(&self.folder);
        self.kubelet = kubelet(&self.folder, &self.programs);
        self.is_ready();
    }

    pub(crate) fn programs(&self) -> &Programs {
        &self.programs
    }

    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Said {
        self.cluster.kubectl(arguments)
    }

    /// An object, where there is one.
    pub(crate) fn get(&self, arguments: &[&str]) -> Value {
        let said = self.kubectl(&[&["get", "--ignore-not-found", "-o", "json"], arguments].concat());
        serde_json::from_str(&said.stdout).unwrap_or_default()
    }

    /// The address of a Service.
    pub(crate) fn service(&self, namespace: &str, name: &str) -> String {
        let found = self.get(&["-n", namespace, "service", name]);
        found["spec"]["clusterIP"].as_str().unwrap_or_else(|| panic!("no Service {namespace}/{name}: {found}")).to_owned()
    }

    pub(crate) fn create(&self, object: &Value) {
        create(&self.cluster, &self.folder, object);
    }

    /// A volume of the cluster's, in a folder of the node that this returns.
    pub(crate) fn volume(&self, name: &str, size: &str) -> PathBuf {
        let path = self.folder.join("volumes").join(name);
        fs::create_dir_all(&path).expect("the folder can be written");
        let on_node = json!([{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE]}]}]);
        self.create(&json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": {
            "capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Retain",
            "local": {"path": path}, "nodeAffinity": {"required": {"nodeSelectorTerms": on_node}},
        }}));
        path
    }
}

/// Repeats a look until it is true, for as long as it may take.
#[track_caller]
pub(crate) fn within(patience: Duration, what: &str, mut look: impl FnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !look() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// Takes away the nodes on which pods only seem to run. They come back when kfctl starts the control plane anew.
pub(crate) fn only_the_real_node(cluster: &Cluster) {
    cluster.kubectl(&["delete", "nodes", "-l", "type=kwok", "--ignore-not-found"]).success();
}

fn create(cluster: &Cluster, folder: &Path, object: &Value) {
    let file = folder.join("object.json");
    fs::write(&file, object.to_string()).expect("the folder can be written");
    cluster.kubectl(&["create", "-f", file.to_str().expect("UTF-8")]).success();
}

/// Leads connections to the node's address on to the API server.
fn lead_to(port: u16) {
    let listener = TcpListener::bind((ADDRESS, API_PORT)).expect("the node has its address");
    std::thread::spawn(move || {
        for pod in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let server = TcpStream::connect(("127.0.0.1", port)).ok()?;
                let (from, to) = (pod.try_clone().ok()?, server.try_clone().ok()?);
                std::thread::spawn(move || pass(from, to));
                pass(server, pod);
                Some(())
            });
        }
    });
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

/// The files that name everything else.
fn write_settings(folder: &Path, cluster: &Cluster) {
    let write = |name: &str, text: String| fs::write(folder.join(name), text).expect("the folder can be written");
    let copy = |name: &str, from: &Path| fs::copy(from, folder.join(name)).map(drop).expect("a kubeconfig");
    copy("node.kubeconfig", &cluster.kubeconfig_by_token("node", NODE_TOKEN));
    copy("proxy.kubeconfig", cluster.kubeconfig());
    fs::create_dir_all(folder.join("cni")).expect("the folder can be written");
    let group = folder.file_name().and_then(|name| name.to_str()).expect("a name");
    // A pod's address is a route to it: no bridge, and nothing that would have to change addresses.
    let range = json!({"type": "host-local", "subnet": POD_NETWORK, "routes": [{"dst": "0.0.0.0/0"}]});
    let network = json!({"cniVersion": "1.0.0", "name": "node", "plugins": [{"type": "ptp", "ipMasq": false, "ipam": range}]});
    write("cni/10-node.conflist", network.to_string());
    write("resolv.conf", String::new());
    write(
        "containerd.toml",
        format!(
            r#"version = 2
# It would make a folder of the machine.
disabled_plugins = ["io.containerd.internal.v1.opt"]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  # A process without CAP_SYS_RESOURCE may not make itself less likely to be killed.
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{}/cni"
"#,
            folder.display()
        ),
    );
    let kubelet = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "cgroupDriver": "cgroupfs", "cgroupRoot": format!("/{group}"), "failCgroupV1": false, "failSwapOn": false, "oomScoreAdj": 0,
        "address": "0.0.0.0", "readOnlyPort": 0,
        // The API server here shows kubelet no certificate; nobody else reaches this network.
        "authentication": {"anonymous": {"enabled": true}, "webhook": {"enabled": false}}, "authorization": {"mode": "AlwaysAllow"},
        "clusterDNS": ["10.0.0.10"], "clusterDomain": "cluster.local", "resolvConf": folder.join("resolv.conf"),
        "volumePluginDir": "/run/kubelet-plugins", "makeIPTablesUtilChains": false, "maxPods": 50,
        // It looks at the kernel's settings, and never sets them.
        "protectKernelDefaults": true,
        // Images come from no registry: one that is deleted would not come back.
        "imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
    });
    write("kubelet.yaml", kubelet.to_string());
    let proxy = json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "mode": "nftables",
        "clientConnection": {"kubeconfig": folder.join("proxy.kubeconfig")}, "clusterCIDR": POD_NETWORK, "oomScoreAdj": 0,
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    });
    write("proxy.yaml", proxy.to_string());
}

fn containerd(folder: &Path) -> Process {
    let mut process = Process::start("containerd", folder, Command::new("containerd").args(["--config", "containerd.toml"]));
    process.until("it answers", || say(Command::new("ctr").arg("version")).code == 0);
    process
}

fn kubelet(folder: &Path, programs: &Programs) -> Process {
    let mut command = Command::new(&programs.node);
    command.args(["kubelet", "--config=kubelet.yaml", "--kubeconfig=node.kubeconfig", "--node-ip", ADDRESS]);
    Process::start("kubelet", folder, command.args(["--hostname-override", NODE]))
}

/// Gives containerd an image from its archive.
pub(crate) fn import(archive: &Path) {
    say(Command::new("ctr").args(["--namespace", "k8s.io", "images", "import"]).arg(archive)).success();
}
