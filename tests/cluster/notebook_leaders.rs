//! Notebooks with two controllers: whichever leads goes on with all of them, and one that can't be read stalls nobody.

use serde_json::{Value, json};

use crate::harness::signal;
use crate::notebooks::{NAMESPACE, annotations, sample, start};
use crate::profile_lifecycle::Profiles;

#[test]
fn e2e_the_next_leader_goes_on_with_notebooks() {
    let mut test = start();
    test.spawn(&sample("v1", "before"));
    test.notebook_says("before", "Running");
    // One of no profile's namespace, which nobody looks at for the profile's sake.
    test.admin(&["create", "namespace", "apart"]);
    test.admin(&["-n", "apart", "create", "-f", &test.app.write("apart.yaml", &sample("v1", "apart"))]);
    let replicas =
        |test: &Profiles| test.get(&["-n", "apart", "get", "statefulset", "apart"]).map(|set| set["spec"]["replicas"].clone());
    test.cluster.until("it is kept as well", || replicas(&test) == Some(json!(1)));
    let second = test.cluster.controller("kfctl-controller");
    test.cluster.until("the second is ready", || second.readiness().is_some_and(|(code, _)| code == 200));

    // A definition that was looser once lets in what does not decode.
    let loose = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let loosen: Vec<Value> = [0, 1]
        .map(|version| json!({"op": "replace", "path": format!("/spec/versions/{version}/schema/openAPIV3Schema"), "value": loose}))
        .into();
    let loosen = Value::from(loosen).to_string();
    test.admin(&["patch", "customresourcedefinition", "notebooks.kubeflow.org", "--type=json", "-p", &loosen]);
    let unreadable = "apiVersion: kubeflow.org/v1\nkind: Notebook\nmetadata: {name: odd}\nspec: {template: 5}\n";
    let file = test.app.write("odd.yaml", unreadable);
    test.cluster.until("it is let in", || test.cluster.kubectl(&["-n", NAMESPACE, "create", "-f", &file]).code == 0);
    let told = |test: &Profiles| test.events(NAMESPACE, "Notebook", "odd");
    test.cluster
        .until("its namespace is told", || told(&test).contains("this notebook can't be read, and nothing is done for it"));
    test.spawn(&sample("v1", "beside"));
    test.notebook_says("beside", "Running");
    let uid = test.pod_uid("beside");

    // The leader dies, and things change while nobody leads.
    assert_eq!(second.number("kfctl_leader"), Some(0.0));
    signal("KILL", test.controller().pid());
    test.edit("before", &annotations(json!({"kubeflow-resource-stopped": "2026-01-01T00:00:00Z"})));
    test.admin(&["-n", "apart", "annotate", "notebook", "apart", "kubeflow-resource-stopped=2026-01-01T00:00:00Z"]);
    test.spawn(&sample("v1", "after"));
    test.controller = Some(second);
    test.cluster.until("the second leads", || test.controller().number("kfctl_leader") == Some(1.0));
    test.notebook_says("after", "Running");
    test.notebook_says("before", "Stopped");
    test.cluster.until("it is stopped as well", || replicas(&test) == Some(json!(0)));
    assert_eq!(test.pod_uid("beside"), uid, "what ran runs on");
    test.settled();
    assert_eq!(told(&test).matches("Unreadable").count(), 1, "{}", told(&test));
}
