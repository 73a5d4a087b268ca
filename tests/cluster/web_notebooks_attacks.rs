//! What people try on notebooks that are another's, one by one: pages, guessed addresses, streams, logs, and what is written into them.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::kubelet::Kubelet;
use crate::profile_lifecycle::{BOB, JANE};
use crate::web_notebooks::{LIST, NAMESPACE, NEW, Rig};
use crate::web_rig::{Person, Reply, bearer};

#[test]
fn e2e_nothing_of_a_notebook_is_anothers() {
    let rig = Rig::start();
    let (jane, bob) = (rig.person(JANE), rig.person(BOB));
    let kubelet = Kubelet::start(&rig.test);
    kubelet.say("the secret of jane\n");
    jane.submit(NEW, &[("namespace", NAMESPACE), ("name", "secret-plan"), ("workspace:mode", "none")]).is(303);
    rig.says(&jane, "secret-plan", "running");
    logs_are_followed(&rig, &jane, &kubelet);
    bob_gets_nothing(&rig, &jane, &bob);
    a_viewer_looks_and_touches_nothing(&rig, &jane);
    what_is_written_is_escaped(&rig, &jane);
    who_loses_their_part_hears_no_more(&rig, &jane, &bob, &kubelet);
}

/// A stream of events of the web UI, as it comes.
pub(crate) struct Following {
    lines: std::io::Lines<BufReader<TcpStream>>,
    heard: Vec<String>,
}

impl Following {
    pub(crate) fn of(rig: &Rig, email: &str, target: &str) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", rig.web.port)).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time");
        let token = bearer(&rig.issuer.token(email, &json!({})));
        let request = format!(
            "GET {target} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\naccept: text/event-stream\r\nconnection: close\r\nauthorization: {token}\r\n\r\n",
            rig.web.port
        );
        stream.write_all(request.as_bytes()).expect("sent");
        let mut following = Self { lines: BufReader::new(stream).lines(), heard: Vec::new() };
        following.until("HTTP/1.1 200");
        following
    }

    /// Reads until a line has this in it.
    pub(crate) fn until(&mut self, words: &str) {
        loop {
            let Some(Ok(line)) = self.lines.next() else { panic!("it never says {words}: {:?}", self.heard) };
            self.heard.push(line.clone());
            if line.contains(words) {
                return;
            }
        }
    }

    /// Reads to its end.
    fn end(mut self) -> Vec<String> {
        for line in self.lines {
            match line {
                Ok(line) => self.heard.push(line),
                Err(error) => panic!("it does not end: {error}, {:?}", self.heard),
            }
        }
        self.heard
    }
}

fn logs_are_followed(rig: &Rig, jane: &Person<'_>, kubelet: &Kubelet) {
    kubelet.say("<script>alert(1)</script>\n");
    rig.test
        .cluster
        .until("the log is there", || jane.get("/jupyter/kubeflow-jane/secret-plan/log").text.contains("the secret of jane"));
    let page = jane.get("/jupyter/kubeflow-jane/secret-plan/log").is(200).text;
    assert!(page.contains("&lt;script&gt;alert") && !page.contains("<script>alert"), "{page}");
    let mut log = Following::of(rig, JANE, "/jupyter/kubeflow-jane/secret-plan/log/live");
    log.until("data: the secret of jane");
    kubelet.say("and more\r\nevent: changed\n");
    log.until("data: and more");
    log.until("data: event: changed");
    assert!(!log.heard.iter().any(|line| line.starts_with("event:")), "{:?}", log.heard);
}

fn bob_gets_nothing(rig: &Rig, jane: &Person<'_>, bob: &Person<'_>) {
    let before = rig.everything();
    let version = || rig.test.of_jane("notebook", "secret-plan").expect("it is there")["spec"].clone();
    let spec = version();
    let one = "/jupyter/kubeflow-jane/secret-plan";
    let gone = |reply: Reply, what: &str| {
        assert!(matches!(reply.status, 403..=405), "{what}: {reply:?}");
        assert!(!reply.text.contains("secret of jane") && !reply.text.contains("jupyter-scipy"), "{what}: {reply:?}");
    };
    for target in [
        LIST,
        "/jupyter/new?namespace=kubeflow-jane",
        one,
        "/jupyter/kubeflow-jane/secret-plan/edit",
        "/jupyter/kubeflow-jane/secret-plan/log",
        "/jupyter/kubeflow-jane/secret-plan/log?previous=true",
        "/jupyter/kubeflow-jane/secret-plan/log/live",
        "/jupyter/changes?namespace=kubeflow-jane",
        "/jupyter/changes?namespace=kubeflow-jane&name=secret-plan",
        "/changes?profile=jane",
        "/jupyter/kubeflow-bob%2f..%2fkubeflow-jane/secret-plan",
        "/jupyter/kubeflow-bob/..%2f..%2fkubeflow-jane%2fnotebooks%2fsecret-plan",
        "/jupyter?namespace=..%2fkubeflow-jane",
        "/jupyter?namespace=kubeflow-bob%3Fx",
        "/api/notebooks?namespace=kubeflow-jane",
        "/api/notebooks/kubeflow-jane/secret-plan",
        "/api/notebooks/kubeflow-jane/secret-plan/log",
    ] {
        gone(bob.get(target), target);
    }
    // Whether there is one at all is not told either.
    let absent = |name: &str| bob.get(&format!("/jupyter/kubeflow-jane/{name}")).is(404).text.replace(name, "X");
    assert_eq!(absent("secret-plan"), absent("no-such-one"));
    let none = |namespace: &str| bob.get(&format!("/jupyter?namespace={namespace}")).is(404).text.replace(namespace, "X");
    assert_eq!(none("kubeflow-jane"), none("no-such-namespace"));
    for action in ["stop", "start", "restart", "edit", "delete"] {
        let fields = [("confirm", "secret-plan"), ("image", "evil.example.com/x"), ("volumes:x", "on")];
        gone(bob.submit(&format!("{one}/{action}"), &fields), action);
    }
    let evil = [("namespace", NAMESPACE), ("name", "evil"), ("customImage", "evil.example.com/x")];
    gone(bob.submit(NEW, &evil), "spawn");
    gone(bob.call("POST", "/api/notebooks", &json!({"namespace": NAMESPACE, "name": "evil"})), "spawn by a program");
    gone(
        bob.call("DELETE", "/api/notebooks/kubeflow-jane/secret-plan", &json!({"confirm": "secret-plan"})),
        "delete by a program",
    );
    gone(bob.submit("/jupyter/volumes/kubeflow-jane/x/delete", &[("confirm", "x")]), "delete a volume");
    // A namespace of his own in the form, and another's in the path of a volume or a name.
    let astray = [("namespace", "kubeflow-bob/../kubeflow-jane"), ("name", "evil")];
    gone(bob.submit(NEW, &astray), "a namespace that is a path");
    for target in ["/jupyter", "/", "/api/namespaces", "/jupyter/new"] {
        let reply = bob.get(target);
        assert!(!reply.text.contains("secret-plan") && !reply.text.contains(NAMESPACE), "{target}: {reply:?}");
    }
    // Another site asks as jane: no token of ours, no change.
    for target in [
        "/jupyter/kubeflow-jane/secret-plan/stop",
        "/jupyter/kubeflow-jane/secret-plan/delete",
        NEW,
        "/jupyter/volumes/kubeflow-jane/x/delete",
    ] {
        let form = ("content-type", "application/x-www-form-urlencoded");
        jane.raw("POST", target, &[form, ("origin", "https://evil.example.com")], b"confirm=secret-plan&name=evil").is(403);
        jane.raw("POST", target, &[form], b"confirm=secret-plan&name=evil&namespace=kubeflow-jane").is(403);
    }
    for target in [
        "/jupyter",
        "/jupyter/new",
        LIST,
        "/changes",
        "/jupyter/changes",
        "/jupyter/kubeflow-jane/secret-plan/log/live",
        "/api/notebooks",
    ] {
        rig.web.send("GET", target, &[], b"").is(401);
    }
    jane.get("/jupyter/kubeflow-jane/secret-plan/stop").is(405);
    assert_eq!((rig.everything(), version()), (before, spec));
}

fn a_viewer_looks_and_touches_nothing(rig: &Rig, jane: &Person<'_>) {
    let member = json!({"spec": {"template": {"spec": {"members": [{"subject": {"kind": "User", "name": "vic@foo.com"}, "role": "view"}]}}}});
    rig.test.change("jane", &member.to_string());
    let vic = rig.person("vic@foo.com");
    rig.test.cluster.until("vic sees it", || vic.get(LIST).text.contains("secret-plan"));
    let page = vic.get("/jupyter/kubeflow-jane/secret-plan").is(200).text;
    for word in ["/stop", "/restart", "/delete", "/edit", "Connect"] {
        assert!(!page.contains(word), "{word} is offered: {page}");
    }
    assert!(!vic.get(LIST).text.contains("New notebook"));
    vic.get("/jupyter/new?namespace=kubeflow-jane").is(403);
    vic.submit(NEW, &[("namespace", NAMESPACE), ("name", "vics")]).is(403);
    for action in ["stop", "start", "restart", "delete"] {
        vic.submit(&format!("/jupyter/kubeflow-jane/secret-plan/{action}"), &[("confirm", "secret-plan")]).is(403);
    }
    assert!(jane.get("/jupyter/kubeflow-jane/secret-plan").text.contains("running"));
}

/// What a notebook says of itself can be almost anything.
fn what_is_written_is_escaped(rig: &Rig, jane: &Person<'_>) {
    let evil = r#"<img src=x onerror=alert(1)>"'{{1+1}}"#;
    let manifest = json!({"apiVersion": "kubeflow.org/v1", "kind": "Notebook",
        "metadata": {"name": "evil", "annotations": {"notebooks.kubeflow.org/last-activity": evil, "kubeflow-resource-stopped": evil}},
        "spec": {"template": {"spec": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": evil}}],
            "containers": [{"name": "evil", "image": evil, "env": [{"name": evil, "value": evil}], "resources": {"limits": {"evil.example.com/x\"><b>": evil}, "requests": {"cpu": evil}}}]}}}});
    rig.test.spawn(&manifest.to_string());
    rig.test.cluster.until("it is listed", || jane.get(LIST).text.contains("evil"));
    for target in [LIST, "/jupyter/kubeflow-jane/evil", "/jupyter/kubeflow-jane/evil/edit", "/jupyter/kubeflow-jane/evil/log"] {
        let page = jane.get(target).is(200).text;
        assert!(!page.contains("<img src=x") && !page.contains("\"><b>") && !page.contains("&#x27;2"), "{target}: {page}");
    }
    assert!(jane.get(LIST).text.contains("&lt;img"));
    for (name, value) in [("name", evil), ("image", evil), ("workspace:name", evil), ("environment", evil), ("extra", evil)] {
        let page = jane.submit(NEW, &[("namespace", NAMESPACE), (name, value)]).is(422).text;
        assert!(!page.contains("<img src=x") && page.contains("&lt;img"), "{name}: {page}");
    }
    for header in ["content-security-policy", "x-content-type-options", "x-frame-options"] {
        assert!(!jane.get("/assets/live.js").is(200).header(header).is_empty(), "{header}");
    }
    rig.test.admin(&["-n", NAMESPACE, "delete", "notebook", "evil"]);
}

fn who_loses_their_part_hears_no_more(rig: &Rig, jane: &Person<'_>, bob: &Person<'_>, kubelet: &Kubelet) {
    jane.submit("/profiles/jane/share", &[("kind", "User"), ("who", BOB)]).is(303);
    rig.test.cluster.until("bob sees it", || bob.get(LIST).status == 200);
    rig.test.cluster.until("bob may act", || bob.get("/jupyter/kubeflow-jane/secret-plan").text.contains("/stop"));
    let mut changes = Following::of(rig, BOB, "/jupyter/changes?namespace=kubeflow-jane");
    let mut profile = Following::of(rig, BOB, "/changes?profile=jane");
    let mut mine = Following::of(rig, BOB, "/changes");
    let mut log = Following::of(rig, BOB, "/jupyter/kubeflow-jane/secret-plan/log/live");
    for stream in [&mut changes, &mut profile, &mut mine] {
        stream.until("event: changed");
    }
    log.until("the secret of jane");
    jane.submit("/profiles/jane/unshare", &[("kind", "User"), ("who", BOB)]).is(303);
    // The API server's word is believed for five seconds, and asked for at every pulse.
    let heard = changes.end();
    assert!(heard.len() < 100, "{heard:?}");
    log.end();
    profile.end();
    mine.until("event: changed");
    kubelet.say("said too late for bob\n");
    bob.get("/jupyter/kubeflow-jane/secret-plan/log").is(404);
}
