//! `kfctl endpoint` where no cluster is asked: what is wrong with a command line is said before anything is sent.

use crate::harness::Sandbox;

#[test]
fn nobody_is_refused_before_a_cluster_is_asked() {
    let sandbox = Sandbox::new();
    for (words, says) in [
        (vec!["allow", "mnist"], "--namespace <NAMESPACE>"),
        (vec!["revoke", "mnist", "-n", "kubeflow-jane"], "--all"),
        (vec!["revoke", "mnist", "-n", "kubeflow-jane", "--all", "--user", "bob"], "cannot be used with"),
        (vec!["list"], "--namespace <NAMESPACE>"),
    ] {
        let said = sandbox.kfctl(&[&["endpoint"], &words[..]].concat());
        assert!(said.contains("exit: 2") && said.contains(says), "{words:?}: {said}");
    }
}
