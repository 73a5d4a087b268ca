//! What our pods may do, tried with the tokens that they have; and what their processes are, as the kernel tells it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::harness::say;
use crate::journey::{FirstDay, NAMESPACE};
use crate::made::note;

const ROLES: [&str; 2] = ["kfctl-controller", "kfctl-web"];

/// By whose token, whether it is let, and the words for kubectl.
const TRIES: [(&str, bool, &str); 21] = [
    // That the tokens count at all.
    ("kfctl-controller", true, "-n kubeflow-system get profiles"),
    ("kfctl-web", true, "get namespaces"),
    ("kfctl-web", true, "--as=jane@foo.com -n kubeflow-jane get notebooks"),
    ("default-editor", true, "-n kubeflow-jane get pods"),
    ("kfctl-controller", false, "-n kubeflow-system get secrets"),
    ("kfctl-controller", false, "-n kubeflow-jane get secrets"),
    ("kfctl-controller", false, "-n kubeflow-jane exec first-0 -- id"),
    ("kfctl-controller", false, "-n kubeflow-jane create deployment x --image=x"),
    (
        "kfctl-controller",
        false,
        "create clusterrolebinding x --clusterrole=cluster-admin --serviceaccount=kubeflow-system:kfctl-controller",
    ),
    ("kfctl-controller", false, "-n kube-system create rolebinding x --clusterrole=cluster-admin --user=jane@foo.com"),
    ("kfctl-controller", false, "--as=jane@foo.com get namespaces"),
    ("kfctl-controller", false, "-n kubeflow-system create token kfctl-web"),
    ("kfctl-web", false, "-n kubeflow-system get secrets"),
    ("kfctl-web", false, "-n kubeflow-jane get pods"),
    ("kfctl-web", false, "-n kubeflow-jane delete notebook first"),
    ("kfctl-web", false, "--as=eve@foo.com get namespaces"),
    ("kfctl-web", false, "--as=jane@foo.com --as-group=system:masters get secrets"),
    ("kfctl-web", false, "--as=system:serviceaccount:kubeflow-system:kfctl-controller get namespaces"),
    ("default-editor", false, "get namespaces"),
    ("default-editor", false, "-n kubeflow-system get profiles"),
    ("default-editor", false, "-n kubeflow-jane create rolebinding x --role=default --user=eve@foo.com"),
];

impl FirstDay {
    pub(crate) fn each_may_do_what_its_role_says(&self) {
        let one = |namespace: &str, selector: &str| self.pods(namespace, selector).remove(0);
        let tokens = [
            ("kfctl-controller", token_of(&one("kubeflow-system", "app.kubernetes.io/name=kfctl-controller"))),
            ("kfctl-web", token_of(&one("kubeflow-system", "app.kubernetes.io/name=kfctl-web"))),
            ("default-editor", token_of(&one(NAMESPACE, "notebook-name=first"))),
        ];
        let mut wrong = Vec::new();
        for (who, let_in, words) in TRIES {
            let token = tokens.iter().find(|(of, _)| *of == who).map(|(_, token)| format!("--token={token}")).expect("known");
            let said = self.node.kubectl(&[&[token.as_str()], &words.split(' ').collect::<Vec<_>>()[..]].concat());
            let as_expected = if let_in { said.code == 0 } else { said.code != 0 && said.stderr.contains("orbidden") };
            if !as_expected {
                wrong.push(format!("{who}: {words}: {}", said.all()));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// A pod that asks for more than its namespace allows is refused there, whoever makes it.
    pub(crate) fn namespaces_refuse_pods_with_rights(&self) {
        for (namespace, level, overrides) in [
            ("kubeflow-system", "restricted:latest", r#"{"spec": {"containers": [{"name": "x", "image": "x"}]}}"#),
            (NAMESPACE, "baseline:latest", r#"{"spec": {"hostPID": true, "containers": [{"name": "x", "image": "x"}]}}"#),
        ] {
            let overrides = format!("--overrides={overrides}");
            let said = self.node.kubectl(&["-n", namespace, "run", "x", "--image=x", &overrides]);
            assert!(said.code != 0 && said.stderr.contains(&format!("violates PodSecurity \"{level}\"")), "{}", said.all());
        }
    }

    /// What the kernel tells of our processes in their pods, and what they cost at rest.
    pub(crate) fn our_processes_have_no_rights(&self) {
        for role in ROLES {
            for pod in self.pods("kubeflow-system", &format!("app.kubernetes.io/name={role}")) {
                let process = process_of(&pod);
                let status = fs::read_to_string(process.join("status")).expect("it runs");
                let ids = "65532\t65532\t65532\t65532";
                for line in [
                    &format!("Uid:\t{ids}"),
                    "CapEff:\t0000000000000000",
                    "CapBnd:\t0000000000000000",
                    "NoNewPrivs:\t1",
                    "Seccomp:\t2",
                ] {
                    assert!(status.lines().any(|found| found == line), "{role}: no {line} in {status}");
                }
                let mounts = fs::read_to_string(process.join("mountinfo")).expect("it runs");
                let root = mounts.lines().find(|line| line.split(' ').nth(4) == Some("/")).expect("a root");
                assert!(root.split(' ').nth(5).is_some_and(|options| options.starts_with("ro")), "{role}: {root}");
                note(&format!("{role}: {}", cost(&process, &status)));
            }
        }
    }
}

/// The node keeps the token of a pod where the pod finds it.
fn token_of(pod: &Value) -> String {
    let uid = pod["metadata"]["uid"].as_str().expect("a uid");
    let volumes = format!("/var/lib/kubelet/pods/{uid}/volumes/kubernetes.io~projected");
    let found = fs::read_dir(volumes).expect("kubelet keeps it").flatten().map(|entry| entry.path().join("token"));
    let token = found.into_iter().find(|path| path.exists()).expect("it has a token");
    fs::read_to_string(token).expect("the token")
}

/// The kernel's folder of the process of a pod: the one in the pod's group that runs kfctl.
pub(crate) fn process_of(pod: &Value) -> PathBuf {
    let uid = pod["metadata"]["uid"].as_str().expect("a uid");
    let is_it = |process: &Path| {
        let group = fs::read_to_string(process.join("cgroup")).unwrap_or_default();
        group.contains(uid) && fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim() == "kfctl")
    };
    let processes = fs::read_dir("/proc").expect("/proc").flatten().map(|entry| entry.path());
    processes.into_iter().find(|process| is_it(process)).unwrap_or_else(|| panic!("no process of {uid}"))
}

/// What the largest process of a pod costs.
pub(crate) fn cost_of(pod: &Value) -> String {
    let uid = pod["metadata"]["uid"].as_str().expect("a uid");
    let processes = fs::read_dir("/proc").expect("/proc").flatten().map(|entry| entry.path());
    let of_pod = processes.filter(|process| fs::read_to_string(process.join("cgroup")).is_ok_and(|group| group.contains(uid)));
    let status = of_pod.filter_map(|process| Some((fs::read_to_string(process.join("status")).ok()?, process)));
    let memory = |status: &str| -> Option<u64> {
        status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().trim_end_matches(" kB").parse().ok()
    };
    let largest = status.max_by_key(|(status, _)| memory(status));
    largest.map_or_else(|| "no process".to_owned(), |(status, process)| cost(&process, &status))
}

/// Memory now and at most, and the time of a core that it has had.
fn cost(process: &Path, status: &str) -> String {
    let memory = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map_or("?", str::trim).to_owned();
    let pid = process.file_name().and_then(|pid| pid.to_str()).expect("a pid");
    let times = say(Command::new("ps").args(["-o", "cputimes=,etimes=", "-p", pid])).stdout;
    let times: Vec<&str> = times.split_whitespace().collect();
    format!("{} of memory (at most {}), {} s of CPU in {} s", memory("VmRSS:"), memory("VmHWM:"), times[0], times[1])
}
