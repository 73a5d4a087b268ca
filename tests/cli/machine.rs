//! A machine that does not do its part: no Go that could build, a disk that is full, a directory that can't be written.

use std::process::{Command, Stdio};

use insta::assert_snapshot;

use crate::harness::Sandbox;

fn on_platform_local() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.ok(&["init", "shop", "--platform", "local"]);
    sandbox
}

#[test]
fn a_go_that_is_too_old() {
    let sandbox = on_platform_local();
    sandbox.program("go", "echo go1.21.3");
    let said = sandbox.kfctl_in("shop", &["apply", "platform"]);
    let wanted = said.split("with Go ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().to_owned();
    assert!(wanted.starts_with("1."), "{said}");
    assert_snapshot!(said.replace(&wanted, "[WANTED]"), @"
    exit: 1
    --- stdout
    --- stderr
    error: platform local builds Kubernetes once with Go [WANTED] or newer, and this is go1.21.3
    hint: install Go [WANTED] or newer from https://go.dev/dl and run the same command again
    hint: or name a directory with etcd, kube-apiserver and kube-controller-manager by KUBEBUILDER_ASSETS
    ");
    sandbox.program("go", "echo 'go: cannot find GOROOT directory' >&2; exit 2");
    let said = sandbox.kfctl_in("shop", &["apply", "platform"]);
    assert_snapshot!(said.replace(&wanted, "[WANTED]"), @"
    exit: 1
    --- stdout
    --- stderr
    error: platform local builds Kubernetes once, and go does not run
      go: cannot find GOROOT directory
    hint: install Go [WANTED] or newer from https://go.dev/dl and run the same command again
    hint: or name a directory with etcd, kube-apiserver and kube-controller-manager by KUBEBUILDER_ASSETS
    ");
}

#[test]
fn a_go_that_can_not_build() {
    let sandbox = on_platform_local();
    sandbox.program(
        "go",
        "if [ \"$1\" = env ]; then echo go1.99.1; exit; fi\nfor line in 1 2 3 4 5 6 7 8 9; do echo \"line $line\"; done\n\
         echo 'main.go:7:2: no required module' >&2; exit 1",
    );
    let said = sandbox.kfctl_in("shop", &["apply", "platform"]);
    let version = said.split("building Kubernetes ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().to_owned();
    let hash = said.split("controlplane/").nth(1).and_then(|rest| rest.split('/').next()).unwrap().to_owned();
    assert_snapshot!(said.replace(&version, "[VERSION]").replace(&hash, "[HASH]"), @"
    exit: 1
    --- stdout
    --- stderr
    building Kubernetes [VERSION] with Go: once, about 10 minutes on 2 cores
    error: go could not build Kubernetes [VERSION]
      line 3
      line 4
      line 5
      line 6
      line 7
      line 8
      line 9
      main.go:7:2: no required module
    hint: the whole log is [DIR]/home/.cache/kfctl/controlplane/[HASH]/build.log
    hint: it needs some GB of disk and the Go module proxy
    ");
}

/// Runs kfctl in a mount namespace of its own, where `mounts` (a shell script; `$1` is the work directory) was run first.
/// Then prints what is in the work directory. `None`, said aloud, where this user may not mount.
fn mounted(sandbox: &Sandbox, mounts: &str, arguments: &[&str]) -> Option<String> {
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(sandbox.path("")).stdin(Stdio::null());
        command
    };
    if !unshare("mount -t tmpfs none \"$1\"").stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: this user may not mount, so nothing is seen of {mounts:?}");
        return None;
    }
    let kfctl = sandbox.command("", arguments);
    let script = format!("{mounts}\ncd \"$1\" && shift && \"$@\"; echo exit: $?; ls -A; cat app.yaml");
    let mut command = unshare(&script);
    command.arg(kfctl.get_program()).args(kfctl.get_args());
    command.envs(kfctl.get_envs().filter_map(|(name, value)| Some((name, value?))).filter(|(name, _)| *name != "PATH"));
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    Some(sandbox.hidden(&text))
}

const READ_ONLY: &str = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\"";
/// A disk with the app on it and no byte left.
const FULL: &str = "cp \"$1/app.yaml\" /tmp/$$ && mount -t tmpfs -o size=64k none \"$1\" && cp /tmp/$$ \"$1/app.yaml\" && rm /tmp/$$\n\
                    cat /dev/zero 2>/dev/null >\"$1/filled\"";

#[test]
fn a_directory_that_can_not_be_written() {
    let sandbox = Sandbox::with_app("");
    let Some(said) = mounted(&sandbox, READ_ONLY, &["param", "set", "web", "replicas", "3"]) else { return };
    assert_snapshot!(said, @"
    error: cannot write [DIR]/apps/app.yaml: Read-only file system (os error 30)
    hint: run it as a user, and in a place, that can write this
    exit: 1
    app.yaml
    apiVersion: kfctl.kubeflow.org/v1alpha1
    kind: App
    name: shop
    platform: none
    ");
    let said = mounted(&sandbox, READ_ONLY, &["generate"]).unwrap();
    assert_snapshot!(said, @"
    error: cannot create [DIR]/apps/rendered: Read-only file system (os error 30)
    hint: run it as a user, and in a place, that can create this
    exit: 1
    app.yaml
    apiVersion: kfctl.kubeflow.org/v1alpha1
    kind: App
    name: shop
    platform: none
    ");
    let said = mounted(&sandbox, READ_ONLY, &["init", "other"]).unwrap();
    assert_snapshot!(said, @"
    error: cannot create other: Read-only file system (os error 30)
    hint: run it as a user, and in a place, that can create this
    exit: 1
    app.yaml
    apiVersion: kfctl.kubeflow.org/v1alpha1
    kind: App
    name: shop
    platform: none
    ");
}

#[test]
fn a_disk_that_is_full() {
    let sandbox = Sandbox::with_app("");
    sandbox.write("../m.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: mine}\n");
    let Some(said) = mounted(&sandbox, FULL, &["param", "set", "web", "replicas", "3"]) else { return };
    assert_snapshot!(said, @"
    error: cannot write [DIR]/apps/app.yaml: No space left on device (os error 28)
    hint: make room there, then run the same command again
    exit: 1
    app.yaml
    filled
    apiVersion: kfctl.kubeflow.org/v1alpha1
    kind: App
    name: shop
    platform: none
    ");
    let said = mounted(&sandbox, FULL, &["generate"]).unwrap();
    assert_snapshot!(said, @"
    error: cannot write [DIR]/apps/rendered/base: No space left on device (os error 28)
    hint: make room there, then run the same command again
    exit: 1
    app.yaml
    filled
    rendered
    apiVersion: kfctl.kubeflow.org/v1alpha1
    kind: App
    name: shop
    platform: none
    ");
    let said = mounted(&sandbox, FULL, &["component", "add", "mine", "--from", "../m.yaml"]).unwrap();
    assert_snapshot!(said, @"
    error: cannot write [DIR]/apps/components/mine: No space left on device (os error 28)
    hint: make room there, then run the same command again
    exit: 1
    app.yaml
    components
    filled
    apiVersion: kfctl.kubeflow.org/v1alpha1
    kind: App
    name: shop
    platform: none
    ");
}
