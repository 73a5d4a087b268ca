//! What people try on a web UI, one by one: none of it changes anything or shows anything.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::profile_lifecycle::{BOB, JANE, Profiles};
use crate::web_rig::{Issuer, Person, Reply, Web, bearer, deploy, people};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[test]
fn e2e_attacks_on_the_web() {
    let test = Profiles::start();
    let issuer = Issuer::new();
    deploy(&test, &issuer);
    test.create("jane", JANE);
    test.create("bob", BOB);
    let web = Web::start(&test, &[]);
    test.cluster.until("both are known", || people(&test).len() == 2);
    let jane = Person::new(&web, issuer.token(JANE, &json!({})));
    test.cluster.until("jane is in", || jane.get("/").status == 200);

    names_are_forged(&web, &issuer);
    another_site_asks(&test, &web, &jane);
    too_much_is_sent(&web, &issuer, &jane);
    too_much_is_sent_at_once(&test, &web, &issuer);
    paths_lead_astray(&jane);
    pages_are_written_into(&test, &web, &issuer);
    every_answer_is_guarded(&jane);
    trying_out_is_for_this_machine(&test);
}

fn names_are_forged(web: &Web, issuer: &Issuer) {
    let good = issuer.token(BOB, &json!({}));
    let [_, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let none = format!("{}.{claims}.", encoded(&json!({"alg": "none"})));
    let unsigned = format!("{}.{claims}.{signature}", encoded(&json!({"alg": "HS256", "kid": "one"})));
    for (what, headers) in [
        ("nobody", vec![]),
        ("a header that names somebody", vec![("kubeflow-userid", JANE.to_owned()), ("kubeflow-groups", "admins".to_owned())]),
        ("a header of the API server's", vec![("impersonate-user", JANE.to_owned()), ("x-remote-user", JANE.to_owned())]),
        ("alg none", vec![("authorization", bearer(&none))]),
        ("a shared secret", vec![("authorization", bearer(&unsigned))]),
        ("another's key", vec![("authorization", bearer(&Issuer::new().token(JANE, &json!({}))))]),
        ("another audience", vec![("authorization", bearer(&issuer.token(JANE, &json!({"aud": "other"}))))]),
        ("another issuer", vec![("authorization", bearer(&issuer.token(JANE, &json!({"iss": "https://evil.example.com"}))))]),
        ("an old token", vec![("authorization", bearer(&issuer.token(JANE, &json!({"exp": 1}))))]),
        ("an address nobody has proved", vec![("authorization", bearer(&issuer.token(JANE, &json!({"email_verified": false}))))]),
        ("two tokens", vec![("authorization", bearer(&good)), ("authorization", bearer(&issuer.token(JANE, &json!({}))))]),
        ("basic", vec![("authorization", "Basic amFuZTpqYW5l".to_owned())]),
    ] {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        for target in ["/", "/profiles", "/api/profiles", "/api/namespaces"] {
            let reply = web.send("GET", target, &headers, b"");
            assert_eq!(reply.status, 401, "{what} at {target}: {reply:?}");
            assert!(!reply.text.contains("kubeflow-jane"), "{what}: {reply:?}");
        }
    }
    // Names of the system are nobody's, whoever signs them; nor is somebody let in by a group of that name.
    for name in ["system:admin", "system:serviceaccount:kubeflow-system:kfctl-controller", "*"] {
        let person = Person::new(web, issuer.token(name, &json!({})));
        person.get("/").is(401);
    }
    let admin = Person::new(web, issuer.token("kfctl-admin", &json!({"groups": ["system:masters"]})));
    admin.get("/").is(403);
    let bob = Person::new(web, issuer.token(BOB, &json!({"groups": ["system:masters", "admins"]})));
    assert!(!bob.get("/profiles").is(200).text.contains("kubeflow-jane"));
    // A header beside a good token changes nothing.
    let token = bearer(&good);
    let forged = web.send(
        "GET",
        "/api/namespaces",
        &[("authorization", &token), ("kubeflow-userid", JANE), ("impersonate-user", JANE)],
        b"",
    );
    assert!(forged.is(200).text.contains("kubeflow-bob"));
}

fn another_site_asks(test: &Profiles, web: &Web, jane: &Person) {
    let csrf = jane.csrf();
    let here = format!("http://127.0.0.1:{}", web.port);
    let form = |token: &str| format!("kind=User&who=eve%40foo.com&csrf={token}");
    let share = |headers: &[(&str, &str)], body: &str| jane.raw("POST", "/profiles/jane/share", headers, body.as_bytes());
    let other = csrf.chars().rev().collect::<String>();
    for (headers, body) in [
        (vec![FORM], form("")),
        (vec![FORM], "kind=User&who=eve%40foo.com".to_owned()),
        (vec![FORM], form(&other)),
        (vec![FORM, ("origin", "https://evil.example.com")], form(&csrf)),
        (vec![FORM, ("origin", "null")], form(&csrf)),
        (vec![FORM, ("origin", &here), ("sec-fetch-site", "cross-site")], form(&csrf)),
        (vec![FORM, ("x-csrf-token", &other)], form(&csrf)),
        (vec![("content-type", "application/json")], json!({"who": "eve@foo.com"}).to_string()),
        (vec![FORM, ("host", "evil.example.com"), ("origin", &here)], form(&csrf)),
    ] {
        let reply = share(&headers, &body);
        assert_eq!(reply.status, 403, "{headers:?} {body}: {reply:?}");
    }
    // A form that a browser sends without asking: of a type that is none of ours.
    share(&[("content-type", "text/plain"), ("x-csrf-token", &csrf)], "{\"who\": \"eve@foo.com\"}").is(415);
    // Nothing is changed by what only reads.
    for target in ["/profiles/jane/share?who=eve%40foo.com", "/profiles/jane/delete?confirm=jane"] {
        jane.get(target).is(405);
    }
    let bindings = test.get(&["-n", "kubeflow-jane", "get", "rolebindings"]).expect("a list").to_string();
    assert!(!bindings.contains("eve@foo.com"), "{bindings}");
    share(&[FORM, ("origin", &here), ("sec-fetch-site", "same-origin")], &form(&csrf)).is(303);
    // The cookie is not to be read by scripts, nor sent by other sites.
    let fresh = web.send("GET", "/", &[], b"");
    let cookie = fresh.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.starts_with("kfctl-csrf="), "{cookie}");
    let secure = web.send("GET", "/", &[("x-forwarded-proto", "https")], b"");
    assert!(secure.header("set-cookie").starts_with("__Host-") && secure.header("set-cookie").ends_with("; Secure"));
}

fn too_much_is_sent(web: &Web, issuer: &Issuer, jane: &Person) {
    let csrf = jane.csrf();
    let large = vec![b'a'; 200 * 1024];
    jane.raw("POST", "/profiles", &[FORM, ("x-csrf-token", &csrf)], &large).is(413);
    let chunked = [FORM, ("x-csrf-token", &csrf), ("transfer-encoding", "chunked")];
    let chunk = format!("{:x}\r\n{}\r\n0\r\n\r\n", large.len(), "a".repeat(large.len()));
    let reply = jane.raw("POST", "/profiles", &chunked, chunk.as_bytes());
    assert!(matches!(reply.status, 400 | 413), "{reply:?}");
    jane.get(&format!("/profiles?q={}", "a".repeat(8000))).is(414);
    // Who asks too often waits; nobody else does.
    let token = bearer(&issuer.token(JANE, &json!({})));
    let replies: Vec<Reply> = (0..200).map(|_| web.send("GET", "/api/nothing", &[("authorization", &token)], b"")).collect();
    let waiting = replies.iter().find(|reply| reply.status == 429).expect("it is too often at some time");
    assert_eq!(waiting.header("retry-after"), "1");
    web.send("GET", "/", &[], b"").is(401);
    jane.get("/").is(200);
}

/// Requests that never come to their end hold places, and nobody else's.
fn too_much_is_sent_at_once(test: &Profiles, web: &Web, issuer: &Issuer) {
    let is_refused = |email: &str| {
        let token = bearer(&issuer.token(email, &json!({})));
        web.send("GET", "/api/nothing", &[("authorization", &token)], b"").text.contains("you ask for more at once")
    };
    let begin = |_| {
        let token = issuer.token(BOB, &json!({}));
        let head = format!("POST /profiles HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nauthorization: Bearer {token}\r\n", web.port);
        let mut stream = TcpStream::connect(("127.0.0.1", web.port)).expect("it listens");
        let begun = format!("{head}content-type: application/json\r\ncontent-length: 100\r\n\r\n{{");
        stream.write_all(begun.as_bytes()).expect("it reads");
        stream
    };
    assert!(!is_refused(BOB));
    let begun: Vec<TcpStream> = (0..16).map(begin).collect();
    test.cluster.until("bob has no place left", || is_refused(BOB));
    assert!(!is_refused(JANE));
    let since = Instant::now();
    drop(begun);
    test.cluster.until("bob has them back", || !is_refused(BOB));
    assert!(since.elapsed() < Duration::from_secs(5), "whoever goes leaves their place at once");
}

fn paths_lead_astray(jane: &Person) {
    for target in [
        "/assets/../../etc/passwd",
        "/assets/%2e%2e/%2e%2e/etc/passwd",
        "/assets/..%2f..%2fetc%2fpasswd",
        "/profiles/..%2f..%2fapi%2fv1%2fsecrets",
        "/profiles/%2e%2e",
        "/profiles/bob%3Fx=1",
        "/profiles/jane%00",
        "/profiles/jane%2f..%2fbob",
        "//evil.example.com/",
        "/api/../profiles/bob",
        "/api",
        "/identity",
    ] {
        let reply = jane.get(target);
        assert!(matches!(reply.status, 400 | 404), "{target}: {reply:?}");
        assert!(!reply.text.contains("root:") && !reply.text.contains("kubeflow-bob"), "{target}: {reply:?}");
    }
    // Where people are sent is ours to say.
    for target in [
        "/?next=https://evil.example.com",
        "/profiles?done=https://evil.example.com&name=//evil.example.com",
        "/profiles/jane?done=//evil.example.com",
    ] {
        let reply = jane.get(target);
        assert!(!reply.header("location").contains("evil") && !reply.text.contains("href=\"https"), "{target}: {reply:?}");
    }
}

/// A profile's owner may be named almost anything.
fn pages_are_written_into(test: &Profiles, web: &Web, issuer: &Issuer) {
    let evil = r#"<img/src=x/onerror=alert(1)>"'{{1+1}}"#;
    let manifest = json!({"apiVersion": "kubeflow.org/v1alpha1", "kind": "Profile", "metadata": {"name": "evil", "namespace": "kubeflow-system"},
        "spec": {"template": {"spec": {"owner": {"kind": "User", "name": evil}, "members": [{"subject": {"kind": "User", "name": BOB}, "role": "admin"}]}}}});
    test.admin(&["create", "-f", &test.app.write("evil.json", &manifest.to_string())]);
    test.ready("evil");
    let bob = Person::new(web, issuer.token(BOB, &json!({})));
    test.cluster.until("bob sees it", || bob.get("/").text.contains("kubeflow-evil"));
    for target in ["/", "/profiles", "/profiles/evil", "/profiles?q=%3Cimg%2Fsrc%3Dx"] {
        let page = bob.get(target).is(200).text;
        assert!(!page.contains("<img/src") && !page.contains("\"'") && !page.contains("&#x27;2"), "{target}: {page}");
    }
    assert!(bob.get("/profiles/evil").text.contains("&lt;img"));
    let reply = bob.api("/api/profiles/evil");
    assert_eq!((reply.header("content-type"), reply.header("x-content-type-options")), ("application/json", "nosniff"));
    // A name that would write a line of its own into the log.
    let csrf = bob.csrf();
    let body = "who=a%0A%7B%22level%22%3A%22FAKE%22%7D&csrf=".to_owned() + &csrf;
    bob.raw("POST", "/profiles/a%0AFAKE/share", &[FORM], body.as_bytes()).is(404);
    assert!(!web.log().lines().any(|line| line.starts_with("FAKE") || line.starts_with("{\"level\":\"FAKE\"")), "{}", web.log());
}

fn every_answer_is_guarded(jane: &Person) {
    for target in ["/", "/profiles", "/assets/style.css", "/api/profiles", "/nowhere", "/assets/nothing"] {
        let reply = jane.get(target);
        let policy = reply.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{target}: {policy}"
        );
        for (name, value) in
            [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("referrer-policy", "same-origin")]
        {
            assert_eq!(reply.header(name), value, "{target}");
        }
        assert_eq!(reply.header("cache-control") == "no-store", target != "/assets/style.css", "{target}: {reply:?}");
        assert_eq!(reply.header("access-control-allow-origin"), "", "{target}");
    }
}

fn trying_out_is_for_this_machine(test: &Profiles) {
    let refused = test.app.kfctl(&["web", "--trial", "--listen", "0.0.0.0:0"]);
    assert_eq!(refused.code, 2, "{}", refused.all());
    assert!(refused.stderr.contains("everybody chooses who they are"), "{}", refused.all());
    let web = Web::start(test, &["--trial"]);
    let person = Person::new(&web, String::new());
    assert_eq!(person.get("/").is(303).header("location"), "/identity");
    person.api("/api/namespaces").is(401);
    let page = person.get("/identity").is(200).text;
    assert!(page.contains("For trying out") && page.contains(JANE) && page.contains(BOB), "{page}");
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a token").to_owned();
    let choose = |user: &str| person.raw("POST", "/identity", &[FORM], format!("user={user}&csrf={csrf}").as_bytes());
    choose("kfctl-admin").is(422);
    choose("jane%40foo.com").is(303);
    assert!(person.get("/").is(200).text.contains("kubeflow-jane"));
    // A name of another machine that leads here is not answered.
    person.raw("GET", "/", &[("host", "evil.example.com")], b"").is(421);
    person.raw("GET", "/api/namespaces", &[("host", "evil.example.com")], b"").is(421);
    // Whom nobody knows nobody can be, whatever the cookie says.
    web.send("GET", "/api/namespaces", &[("cookie", "kfctl-identity=kfctl-admin")], b"").is(401);
}
