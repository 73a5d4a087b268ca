//! A catalog that pins files of the tests' own in place of another project's release, and the mirror that holds them: no test needs a
//! network for what kfctl would fetch.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::definition;
use crate::harness::App;

/// What of Istio's release counts here: its control plane, the mesh configuration as one string, an autoscaler, the gateway with its
/// Service, and the CNI.
pub(crate) const ISTIO: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: 'rootNamespace: istio-system', meshNetworks: 'networks: {}'}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: istiod, namespace: istio-system, labels: {app: istiod}}
spec:
  selector: {matchLabels: {app: istiod}}
  template:
    metadata: {labels: {app: istiod}}
    spec: {containers: [{name: discovery, image: 'istio/pilot:1.29.1'}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: istiod, namespace: istio-system}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: istiod}
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: istio-ingressgateway, namespace: istio-system}
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  template:
    metadata: {labels: {app: istio-ingressgateway, istio: ingressgateway}}
    spec: {containers: [{name: istio-proxy, image: 'istio/proxyv2:1.29.1'}]}
---
apiVersion: v1
kind: Service
metadata: {name: istio-ingressgateway, namespace: istio-system}
spec:
  type: LoadBalancer
  selector: {app: istio-ingressgateway, istio: ingressgateway}
  ports: [{name: http2, port: 80, targetPort: 8080}, {name: https, port: 443, targetPort: 8443}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: istio-cni-node, namespace: kube-system, labels: {k8s-app: istio-cni-node}}
spec:
  selector: {matchLabels: {k8s-app: istio-cni-node}}
  template:
    metadata: {labels: {k8s-app: istio-cni-node}}
    spec:
      containers: [{name: install-cni, image: 'istio/install-cni:1.29.1'}]
      volumes: [{name: cni-bin-dir, hostPath: {path: /opt/cni/bin}}]
";

/// The app with that release in the place of Istio's own.
pub(crate) fn istio(app: App) -> App {
    pinned(app, "istio", &[("crd.yaml", definition::istio()), ("install.yaml", ISTIO.to_owned())])
}

/// The app with the files of `component`, each by the end of its URL.
pub(crate) fn pinned(app: App, component: &str, files: &[(&str, String)]) -> App {
    let root = app.beside("release");
    let (catalog, mirror) = (root.join("catalog"), root.join("mirror"));
    for folder in ["templates", "platforms"] {
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &catalog.join(folder));
    }
    std::fs::create_dir_all(&mirror).expect("a directory");
    let path = catalog.join("templates").join(component).join("component.yaml");
    let mut text = std::fs::read_to_string(&path).expect("the component");
    let sources: Vec<&str> = text.split("- url: ").skip(1).collect();
    assert_eq!(sources.len(), files.len(), "{text}");
    let mut pins = Vec::new();
    for source in sources {
        let (url, rest) = source.split_once('\n').expect("a sha256 follows");
        let pin = rest.trim_start().strip_prefix("sha256: ").and_then(|pin| pin.split_whitespace().next()).expect("a pin");
        let (_, content) = files.iter().find(|(end, _)| url.ends_with(end)).unwrap_or_else(|| panic!("no file for {url}"));
        let ours: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        std::fs::write(mirror.join(&ours), content).expect("written");
        pins.push((pin.to_owned(), ours));
    }
    for (theirs, ours) in pins {
        text = text.replace(&theirs, &ours);
    }
    std::fs::write(&path, text).expect("written");
    app.with("KFCTL_CATALOG", &catalog.display().to_string()).with("KFCTL_SOURCES", &mirror.display().to_string())
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory").map(|entry| entry.expect("an entry")) {
        let target = to.join(entry.file_name());
        match entry.path() {
            path if path.is_dir() => copy(&path, &target),
            path => drop(std::fs::copy(path, target).expect("copied")),
        }
    }
}
