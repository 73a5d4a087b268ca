//! Culling as Jupyter's own server sees it: what runs in a kernel or a terminal keeps a notebook, and nothing else does.

use serde_json::json;

use crate::jupyter::{Jupyter, User};
use crate::notebook_culling::{manifest, set};
use crate::notebooks::{NAMESPACE, start};

/// Longer than any of these notebooks may be idle.
const LOOKS: f64 = 16.0;

#[test]
fn e2e_jupyters_own_server_says_whether_it_is_used() {
    let test = start();
    let directory = tempfile::tempdir().expect("a directory");
    let prefix = format!("/notebook/{NAMESPACE}/real");
    let server = Jupyter::start(directory.path(), &prefix);
    let user = User::open(server.port, &prefix, &[]).expect("it answers");
    test.spawn(&manifest("real", &json!({})));
    test.notebook_says("real", "Running");

    // A cell that runs for as long as nobody stops it.
    let kernel = user.kernel();
    let mut cells = user.channel(&format!("api/kernels/{kernel}/channels")).expect("a websocket");
    cells.cell("import time\nprint('it' + ' runs')\nwhile True: time.sleep(0.1)");
    cells.until("it runs");
    let address = format!("http://127.0.0.1:{}", server.port);
    set(
        &test,
        &[("culling", "true"), ("idleTime", "4s"), ("checkPeriod", "500ms"), ("warnBefore", "1s"), ("serverAddress", &address)],
    );
    let stays = |why: &str| {
        let looks = || test.controller().number("kfctl_culling_reconcile_duration_seconds_count").unwrap_or_default();
        let before = looks();
        test.cluster.until("it is looked at often", || looks() > before + LOOKS);
        let annotations = test.of_jane("notebook", "real").expect("it is there")["metadata"]["annotations"].clone();
        assert!(annotations["kubeflow-resource-stopped"].is_null(), "stopped, though {why}: {annotations}");
        assert!(annotations["notebooks.kubeflow.org/last-activity"].is_string(), "what it says is not understood: {annotations}");
        assert!(!test.events(NAMESPACE, "Notebook", "real").contains("IdleSoonStopped"), "warned, though {why}");
    };
    stays("a cell runs");

    // A terminal that says something now and then; the kernel is idle.
    let terminal = user.ask("POST", "api/terminals", &json!({}))["name"].as_str().expect("a name").to_owned();
    let mut shell = user.channel(&format!("terminals/websocket/{terminal}")).expect("a websocket");
    let end = directory.path().join("end");
    shell.say(&json!(["stdin", format!("until [ -e {} ]; do sleep 0.5; echo still $((40 + 2)); done\r", end.display())]));
    shell.until("still 42");
    user.ask("POST", &format!("api/kernels/{kernel}/interrupt"), &json!({}));
    cells.until("KeyboardInterrupt");
    stays("something runs in a terminal");

    // It ends: both are open still, and nobody uses them.
    std::fs::write(&end, "").expect("written");
    test.notebook_says("real", "Stopped");
    let events = || test.events(NAMESPACE, "Notebook", "real");
    test.cluster.until("it was warned, and told", || events().contains("IdleSoonStopped") && events().contains("Culled"));
    assert_eq!(user.ask("GET", "api/kernels", &json!({}))[0]["execution_state"], "idle");
}
