//! Component `training`: jobs of the real definitions, in one's own namespace and in no other's. The operator can't run here, so its
//! webhook, which refuses every job while nothing answers behind it, is left out by the component's own parameter.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::definition::definition;
use crate::harness::say;
use crate::profile_lifecycle::{BOB, JANE, Profiles};
use crate::release::pinned;

/// The definitions of the operator's own module. Its last release knows no `JAXJob`.
fn definitions() -> PathBuf {
    let module = "github.com/kubeflow/training-operator@v1.8.1";
    let said = say(Command::new("go").args(["mod", "download", "-json", module]).current_dir(std::env::temp_dir())).success();
    let found: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    Path::new(found["Dir"].as_str().expect("where it is")).join("manifests/base/crds")
}

const PYTORCH_JOB: &str = "apiVersion: kubeflow.org/v1
kind: PyTorchJob
metadata: {name: mnist, namespace: kubeflow-jane}
spec:
  pytorchReplicaSpecs:
    Master:
      replicas: 1
      restartPolicy: OnFailure
      template: {spec: {containers: [{name: pytorch, image: example.com/mnist}]}}
";

#[test]
fn e2e_jobs_are_made_in_ones_own_namespace_and_count_to_its_quota() {
    let test = Profiles::start();
    let folder = definitions();
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_else(|why| panic!("{name}: {why}"));
    let mut files: Vec<(&str, String)> = [
        "kubeflow.org_tfjobs.yaml",
        "kubeflow.org_pytorchjobs.yaml",
        "kubeflow.org_mpijobs.yaml",
        "kubeflow.org_xgboostjobs.yaml",
        "kubeflow.org_paddlejobs.yaml",
    ]
    .map(|name| (name, read(name)))
    .into();
    files.push(("kubeflow.org_jaxjobs.yaml", definition("kubeflow.org", "jaxjobs", "JAXJob")));
    let app = pinned(test.cluster.in_app("profiles"), "training", &files);
    app.kfctl(&["component", "enable", "training"]).success();
    app.kfctl(&["param", "set", "training", "webhook", "false"]).success();
    let said = app.kfctl(&["apply", "k8s", "--no-wait"]);
    assert_eq!(said.code, 0, "{}", said.all());
    test.create("jane", JANE);
    test.create("bob", BOB);

    let guide = include_str!("../../docs/profiles.md").split("```yaml\n# tfjob.yaml\n").nth(1).expect("the guide has it");
    let tfjob = app.write("tfjob.yaml", guide.split("```").next().unwrap_or_default());
    let pytorch = app.write("pytorchjob.yaml", PYTORCH_JOB);
    let create =
        |user: &str, namespace: &str, file: &str| test.cluster.kubectl_as(user, &["-n", namespace, "create", "-f", file]);
    test.cluster.until("jane may make jobs", || create(JANE, "kubeflow-jane", &tfjob).code == 0);
    test.cluster.until("and of each kind", || create(JANE, "kubeflow-jane", &pytorch).code == 0);
    for (user, namespace) in [(JANE, "kubeflow-bob"), (BOB, "kubeflow-jane")] {
        let said = create(user, namespace, &tfjob);
        assert!(said.code != 0 && said.stderr.contains("cannot create resource \"tfjobs\""), "{user}: {}", said.all());
    }
    // The definitions are the real ones: a job without replicas is none.
    let empty = app.write("empty.yaml", "apiVersion: kubeflow.org/v1\nkind: TFJob\nmetadata: {name: empty}\nspec: {}\n");
    let said = create(JANE, "kubeflow-jane", &empty);
    assert!(said.code != 0 && said.stderr.contains("spec.tfReplicaSpecs"), "{}", said.all());

    // What the operator makes for a job, it makes under its own account, and the quota of the namespace holds for it.
    let kubeconfig = test.cluster.kubeconfig_of("kubeflow", "training-operator").display().to_string();
    let by_operator = |arguments: &[&str]| test.cluster.kubectl(&[&["--kubeconfig", &kubeconfig], arguments].concat());
    let worker = |name: &str, cpu: &str| {
        app.write(
            "worker.yaml",
            &format!(
                "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  namespace: kubeflow-jane\n  labels: {{training.kubeflow.org/job-name: mnist}}\nspec:\n  containers:\n  - name: tensorflow\n    image: example.com/mnist\n    resources: {{requests: {{cpu: '{cpu}'}}}}\n"
            ),
        )
    };
    let said = by_operator(&["create", "-f", &worker("mnist-worker-0", "31")]);
    assert_eq!(said.code, 0, "{}", said.all());
    test.cluster.until("the quota counts it", || {
        let quota = test.get(&["-n", "kubeflow-jane", "get", "resourcequota", "kf-resource-quota"]);
        quota.is_some_and(|quota| quota["status"]["used"]["requests.cpu"] == "31")
    });
    let said = by_operator(&["create", "-f", &worker("mnist-worker-1", "2")]);
    assert!(said.stderr.contains("exceeded quota: kf-resource-quota"), "{}", said.all());
    // It looks after jobs, not after what else is there.
    let said = by_operator(&["-n", "kubeflow-jane", "get", "secrets"]);
    assert!(said.stderr.contains("cannot list resource \"secrets\""), "{}", said.all());
}
