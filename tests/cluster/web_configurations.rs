//! Configurations of the spawner, which are today's `PodDefault`s: what is chosen is in the pod, or the form says that it would not be.
//! Their definition and their webhook come with today's Kubeflow; here the test plays them.

use serde_json::json;

use crate::profile_lifecycle::JANE;
use crate::web_notebooks::{NAMESPACE, NEW, Rig};
use crate::webhook::Webhook;

/// The definition and the rights that come with today's webhook, and what jane has of them.
const SURROUNDINGS: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: poddefaults.kubeflow.org}
spec:
  group: kubeflow.org
  scope: Namespaced
  names: {kind: PodDefault, plural: poddefaults, singular: poddefault}
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: poddefaults-view, labels: {rbac.authorization.kubeflow.org/aggregate-to-kubeflow-view: 'true'}}
rules: [{apiGroups: [kubeflow.org], resources: [poddefaults], verbs: [get, list, watch]}]
";
const PROXY: &str = "
apiVersion: kubeflow.org/v1alpha1
kind: PodDefault
metadata: {name: proxy, namespace: kubeflow-jane}
spec: {desc: the way out, selector: {matchLabels: {use-proxy: 'true'}}, env: [{name: PROXY, value: proxy.example.com}]}
";

#[test]
fn e2e_a_configuration_is_in_the_pod_or_said_not_to_be() {
    let rig = Rig::start();
    let jane = rig.person(JANE);
    rig.test.admin(&["apply", "-f", &rig.test.app.write("surroundings.yaml", SURROUNDINGS)]);
    let proxy = rig.test.app.write("proxy.yaml", PROXY);
    rig.test.cluster.until("the kind is served", || rig.test.cluster.kubectl(&["apply", "-f", &proxy]).code == 0);
    rig.test.cluster.until("the form offers it", || jane.get(NEW).text.contains("the way out"));
    let submit = |name: &str, more: &[(&str, &str)]| {
        let fields = [("namespace", NAMESPACE), ("name", name), ("workspace:mode", "none"), ("configurations", "")];
        jane.submit(NEW, &[&fields[..], more].concat())
    };
    let chosen = ("configurations:proxy", "on");

    // Nothing runs that would put it in.
    let before = rig.everything();
    let page = submit("out", &[chosen]).is(422).text;
    let place = page.find("id=\"configurations-error-1\"").unwrap_or_else(|| panic!("{page}"));
    let shown = &page[place..page.len().min(place + 400)];
    assert!(shown.contains("nothing in this cluster would put proxy into the server’s pod"), "{shown}");
    let wish = json!({"namespace": NAMESPACE, "name": "out", "workspace": {"mode": "none"}, "configurations": {"proxy": true}});
    assert_eq!(jane.call("POST", "/api/notebooks", &wish).is(422).json()["error"]["field"], "configurations");
    assert_eq!(rig.everything(), before);
    submit("without", &[]).is(303);

    // Something does.
    let webhook = Webhook::new();
    webhook.answer();
    rig.test.admin(&["apply", "-f", &rig.test.app.write("webhook.yaml", &webhook.of_pods())]);
    rig.test.cluster.until("it is asked", || submit("in", &[chosen]).status == 303);
    let notebook = rig.test.of_jane("notebook", "in").expect("it is made");
    assert_eq!(notebook["metadata"]["labels"]["use-proxy"], "true");
    rig.test.cluster.until("its pod has it", || {
        let pod = rig.test.of_jane("pod", "in-0").unwrap_or_default();
        pod["spec"]["containers"][0]["env"].to_string().contains("proxy.example.com")
    });
    // What speaks against it is said at its place, and not by a pod that never comes.
    let page = submit("twice", &[chosen, ("environment", "PROXY=other")]).is(422).text;
    let place = page.find("id=\"configurations-error-1\"").unwrap_or_else(|| panic!("{page}"));
    assert!(page[place..].contains("has a conflict on PROXY"), "{page}");
    assert!(rig.test.of_jane("notebook", "twice").is_none());
}
