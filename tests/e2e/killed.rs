//! A test that is killed leaves nothing behind: no process, no mount, no control group, no file.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::apart::{apart, is_possible, prepare};
use crate::harness::signal;
use crate::node::{Node, within};

/// Opens a place in a process of its own, which is killed.
const OUTER: &str = "killed::it_waits_to_be_killed";

/// No test: it starts a node, and waits for its end.
#[test]
#[ignore = "the other test runs and kills it"]
fn it_waits_to_be_killed() {
    let Some(folder) = apart(OUTER) else { return };
    let _node = Node::start(&folder);
    fs::write(folder.join("started"), "").expect("written");
    loop {
        std::thread::park();
    }
}

#[test]
fn e2e_a_killed_test_leaves_nothing() {
    if !is_possible("e2e_a_killed_test_leaves_nothing") {
        return;
    }
    prepare();
    let program = std::env::current_exe().expect("this program");
    let folders = || -> Vec<_> {
        let all = fs::read_dir(std::env::temp_dir()).expect("a folder").flatten().map(|entry| entry.path());
        all.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("kfctl-node-"))).collect()
    };
    let before = folders();
    let mut outer = std::process::Command::new(program);
    let mut outer = outer.args(["--exact", OUTER, "--nocapture", "--ignored"]).spawn().expect("it starts");
    let mine = || folders().into_iter().find(|folder| !before.contains(folder));
    within(Duration::from_mins(3), "the node is up", || mine().is_some_and(|folder| folder.join("started").exists()));
    let folder = mine().expect("it is there");
    let name = folder.file_name().and_then(|name| name.to_str()).expect("UTF-8").to_owned();
    assert!(!traces(&folder, &name).is_empty(), "what is looked for can be seen");

    signal("KILL", i32::try_from(outer.id()).expect("a pid"));
    outer.wait().expect("it is ours");
    within(Duration::from_secs(30), &format!("nothing is left: {:?}", traces(&folder, &name)), || {
        traces(&folder, &name).is_empty()
    });
}

/// What is there of a place: its folder, groups, and processes and mounts that name it.
fn traces(folder: &Path, name: &str) -> Vec<String> {
    let mut found: Vec<String> = folder.exists().then(|| folder.display().to_string()).into_iter().collect();
    let groups = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten().map(|entry| entry.path().join(name));
    found.extend(groups.filter(|group| group.exists()).map(|group| group.display().to_string()));
    for process in fs::read_dir("/proc").expect("/proc").flatten() {
        for file in ["cmdline", "environ", "mountinfo"] {
            let text = fs::read(process.path().join(file)).unwrap_or_default();
            if String::from_utf8_lossy(&text).contains(name) {
                found.push(process.path().join(file).display().to_string());
            }
        }
    }
    found
}
