//! Notebooks that nobody uses are stopped, and no others. Their servers are played by an HTTP server of the test that speaks Jupyter's API.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::notebooks::start;
use crate::profile_lifecycle::Profiles;

const NAMESPACE: &str = "kubeflow-jane";

/// What each server answers about kernels and about terminals: code and body.
type Answers = Arc<Mutex<HashMap<String, [(u16, String); 2]>>>;

/// Starts the servers of all notebooks on one port; asked for one it does not know, it hangs up.
fn servers(answers: &Answers) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let answers = Arc::clone(answers);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut asked = [0; 2048];
            let read = stream.read(&mut asked).unwrap_or_default();
            let head = String::from_utf8_lossy(&asked[..read]).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default();
            let parts: Vec<&str> = path.split('/').collect();
            let ["", "notebook", NAMESPACE, name, "api", what] = parts[..] else { continue };
            let found = answers.lock().expect("no panic").get(name).cloned();
            let Some([kernels, terminals]) = found else { continue };
            let (code, body) = if what == "kernels" { kernels } else { terminals };
            let now = jiff::Timestamp::now();
            let body = body.replace(NOW, &now.to_string());
            let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT");
            let head =
                format!("HTTP/1.1 {code} X\r\nDate: {date}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all((head + &body).as_bytes());
        }
    });
    port
}

/// Stands in an answer for the time of the answer.
const NOW: &str = "NOW";

pub(crate) fn manifest(name: &str, annotations: &Value) -> String {
    json!({"apiVersion": "kubeflow.org/v1", "kind": "Notebook", "metadata": {"name": name, "annotations": annotations},
        "spec": {"template": {"spec": {"containers": [{"name": name, "image": "i"}]}}}})
    .to_string()
}

pub(crate) fn set(test: &Profiles, values: &[(&str, &str)]) {
    for (key, value) in values {
        test.app.kfctl(&["param", "set", "notebooks", key, value]).success();
    }
    test.app.kfctl(&["apply", "k8s", "-c", "notebooks", "--no-wait"]).success();
}

#[test]
fn e2e_what_nobody_uses_is_stopped_and_nothing_else() {
    let test = start();
    let answers = Answers::default();
    let none = || (200, "[]".to_owned());
    let say =
        |name: &str, kernels, terminals| drop(answers.lock().expect("no panic").insert(name.to_owned(), [kernels, terminals]));
    let idle_time = |text: &str| json!({"notebooks.kubeflow.org/idle-time": text});
    let all = [
        ("quiet", json!({})),
        ("busy", json!({})),
        ("terminal", json!({})),
        ("silent", json!({})),
        ("garbage", json!({})),
        ("patient", idle_time("1h")),
        ("forever", idle_time("never")),
        ("wrong", idle_time("1440")),
        ("rstudio", json!({"notebooks.kubeflow.org/server-type": "group-two"})),
    ];
    for (name, annotations) in &all {
        test.spawn(&manifest(name, annotations));
    }
    for name in ["quiet", "patient", "forever", "wrong", "rstudio"] {
        say(name, none(), none());
    }
    let kernels = json!([{"id": "1", "execution_state": "busy", "last_activity": "2026-01-01T00:00:00Z"}]);
    say("busy", (200, kernels.to_string()), none());
    // Used all the time, by its terminal alone.
    say("terminal", none(), (200, json!([{"name": "1", "last_activity": NOW}]).to_string()));
    say("garbage", (200, "<html>".to_owned()), none());
    for (name, _) in &all {
        test.notebook_says(name, "Running");
    }
    let address = format!("http://127.0.0.1:{}", servers(&answers));
    let settings =
        [("culling", "true"), ("idleTime", "4s"), ("checkPeriod", "500ms"), ("warnBefore", "1s"), ("serverAddress", &address)];
    set(&test, &settings);
    test.cluster.until("what is quiet is stopped", || {
        test.of_jane("statefulset", "quiet").is_some_and(|set| set["spec"]["replicas"] == 0)
    });
    test.notebook_says("quiet", "Stopped");
    let events = || test.events(NAMESPACE, "Notebook", "quiet");
    test.cluster.until("it was warned, and told", || events().contains("IdleSoonStopped") && events().contains("Culled"));
    test.cluster.until("a bad duration is said", || test.events(NAMESPACE, "Notebook", "wrong").contains("IdleTimeInvalid"));
    for (name, _) in all.iter().filter(|(name, _)| *name != "quiet") {
        let notebook = test.of_jane("notebook", name).expect("it is there");
        assert!(notebook["metadata"]["annotations"]["kubeflow-resource-stopped"].is_null(), "{name} was stopped: {notebook}");
    }
    let used = |name: &str| {
        test.of_jane("notebook", name).expect("it is there")["metadata"]["annotations"]["notebooks.kubeflow.org/last-activity"]
            .clone()
    };
    assert!(used("busy").is_string());
    assert!(used("silent").is_null() && used("garbage").is_null(), "what was not seen is not said");

    // Started again, it is not stopped at once: counting begins with the pod.
    test.edit("quiet", &json!({"metadata": {"annotations": {"kubeflow-resource-stopped": null}}}));
    test.notebook_says("quiet", "Running");
    // Work that ends, with its kernel: idle from then on, and stopped in the end.
    say("busy", none(), none());
    for name in ["quiet", "busy"] {
        test.notebook_says(name, "Stopped");
    }
    // Switched off, nobody is asked any longer.
    set(&test, &[("culling", "false")]);
    let asked = || test.controller().number("kfctl_culling_reconcile_duration_seconds_count").unwrap_or_default();
    let mut last = (asked(), Instant::now());
    test.cluster.until("nobody is asked", || {
        let now = asked();
        if now > last.0 {
            last = (now, Instant::now());
        }
        last.1.elapsed() > Duration::from_secs(2)
    });
}
