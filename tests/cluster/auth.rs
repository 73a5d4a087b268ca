//! What component auth makes in a cluster: its secrets come to be there once, are kept, go with it, and are told to nobody.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::harness::{App, Cluster, Said, free_port, say};
use crate::oauth2;

/// Istio's own definitions: the folder of its Go module holds them.
fn istio_definitions() -> String {
    const MODULE: &str = "istio.io/istio@v0.0.0-20260827124520-eed52ebb66ad";
    let said = say(Command::new("go").args(["mod", "download", "-json", MODULE]).current_dir("/")).success();
    let told: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    format!("{}/manifests/charts/base/files/crd-all.gen.yaml", told["Dir"].as_str().expect("a folder"))
}

struct Login {
    cluster: Cluster,
    app: App,
}

const SECRETS: [(&str, &str); 3] = [("auth", "dex-users"), ("auth", "oauth2-proxy"), ("istio-system", "kubeflow-gateway-tls")];

impl Login {
    fn start() -> Self {
        let cluster = Cluster::start();
        let app = cluster.init("shop", &["profiles"]);
        cluster.kubectl(&["create", "-f", &istio_definitions()]).success();
        cluster.kubectl(&["create", "namespace", "istio-system"]).success();
        cluster.kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"]).success();
        app.kfctl(&["component", "enable", "auth"]).success();
        Self { cluster, app }
    }

    fn get(&self, (namespace, name): (&str, &str)) -> serde_json::Value {
        let said = self.cluster.kubectl(&["-n", namespace, "get", "secret", name, "-o", "json", "--show-managed-fields"]);
        serde_json::from_str(&said.success()).expect("JSON")
    }

    /// Every value of the three, as it is in the cluster.
    fn values(&self) -> BTreeMap<String, String> {
        let of = |secret: (&str, &str)| {
            let data = self.get(secret)["data"].as_object().cloned().unwrap_or_default();
            let decoded = data.into_iter().map(move |(key, value)| {
                let bytes = STANDARD.decode(value.as_str().expect("text")).expect("base64");
                (format!("{} {key}", secret.1), String::from_utf8(bytes).expect("text"))
            });
            decoded.collect::<Vec<_>>()
        };
        SECRETS.into_iter().flat_map(of).collect()
    }

    fn apply(&self) -> Said {
        self.app.kfctl(&["apply", "k8s", "--no-wait", "-o", "json"])
    }

    /// Runs a command with a password on its standard input.
    fn with_password(&self, arguments: &[&str], password: &str) -> Said {
        let mut command = self.app.command(&[arguments, &["--password-stdin"]].concat());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        // Where it refuses the rest of its words, it has ended before it reads.
        let _ = child.stdin.take().expect("piped").write_all(format!("{password}\n").as_bytes());
        let output = child.wait_with_output().expect("it ends");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Said { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Whether it is this user's password, as Dex would see it.
    fn opens(&self, email: &str, password: &str) -> bool {
        let values = self.values();
        let users = kfctl::yaml::documents(&values["dex-users users.yaml"], std::path::Path::new("users")).expect("YAML");
        let user = users[0]["staticPasswords"].as_array().expect("a list").iter().find(|user| user["email"] == email).cloned();
        user.is_some_and(|user| bcrypt::verify(password, user["hash"].as_str().expect("a hash")).expect("bcrypt"))
    }

    /// All files of the app.
    fn files(&self) -> String {
        say(Command::new("sh").args(["-c", "find . -type f | xargs cat"]).current_dir(self.app.directory())).success()
    }
}

/// The password that a terminal was shown.
fn shown(said: &str) -> String {
    let line = said.lines().find(|line| line.contains("(shown this once)")).unwrap_or_else(|| panic!("none in {said}"));
    let after = line.split(": ").nth(1).expect("a value");
    after.split_whitespace().next().expect("a word").to_owned()
}

fn tell_nothing(values: &BTreeMap<String, String>, texts: &[(&str, &str)]) {
    for (what, text) in texts {
        assert!(!text.is_empty(), "{what} says nothing at all");
        for (key, value) in values {
            for secret in value.lines().filter(|line| line.len() > 12 && !line.contains("BEGIN") && !line.contains("END")) {
                let secret = secret.trim().trim_start_matches("hash: ").trim_matches(['"', '\'']);
                // What is public of a user stands in files too.
                if secret.contains("staticPasswords") || secret.contains("email:") || secret.contains("username:") {
                    continue;
                }
                assert!(!text.contains(secret), "{what} tells {key}");
                assert!(!text.contains(&STANDARD.encode(secret)), "{what} tells {key} as base64");
            }
            assert!(!text.contains(&STANDARD.encode(value)), "{what} tells {key} as base64");
        }
    }
}

/// Every object of the clouds' platforms passes the API server, with Istio's own definitions and Google's as they are documented.
fn clouds_are_taken(cluster: &Cluster) {
    cluster.kubectl(&["create", "-f", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/google.yaml")]).success();
    cluster.kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"]).success();
    let issuer = "auth.issuer=https://id.acme.com/tenant";
    let certificate = "auth.loadBalancerCertificate=arn:aws:acm:eu-central-1:1:certificate/a";
    for (platform, more, objects) in [
        ("gcp", &[][..], &["BackendConfig", "ManagedCertificate", "FrontendConfig", "Ingress"][..]),
        ("aws", &[issuer, "auth.clientId=a", "auth.audiences=a", certificate], &["Ingress", "Deployment.apps auth/oauth2-proxy"]),
        (
            "azure",
            &[issuer, "auth.clientId=a", "auth.audiences=a"],
            &["AuthorizationPolicy.security.istio.io istio-system/kubeflow-group-overage"],
        ),
    ] {
        let set = more.iter().chain([&"auth.host=kubeflow.acme.com"]).flat_map(|set| ["--set", set]);
        let init: Vec<&str> = ["init", platform, "--platform", platform].into_iter().chain(set).collect();
        cluster.outside().kfctl(&init).success();
        let app = cluster.in_app(platform).with("KFCTL_CLIENT_SECRET", "hunter2-hunter2");
        app.kfctl(&["component", "disable", "istio"]).success();
        let planned = app.kfctl(&["apply", "k8s", "--dry-run"]);
        assert_eq!(planned.code, 0, "{platform}: {}", planned.all());
        for object in objects {
            let line = planned.stdout.lines().find(|line| line.contains("create") && line.contains(object));
            let line = line.unwrap_or_else(|| panic!("{platform} lacks {object}: {}", planned.stdout));
            assert!(line.contains("(checked by the server"), "{line}");
        }
        if platform == "gcp" {
            std::fs::create_dir_all(app.directory().join("overlays/auth")).expect("a folder");
            app.write(
                "overlays/auth/wrong.yaml",
                "apiVersion: cloud.google.com/v1\nkind: BackendConfig\nmetadata: {name: kubeflow, namespace: istio-system}\nspec: {timeoutSeconds: 1}\n",
            );
            let refused = app.kfctl(&["apply", "k8s", "--dry-run"]);
            assert!(refused.code == 1 && refused.stderr.contains("timeoutSeconds"), "{}", refused.all());
        }
    }
}

#[test]
fn api_secrets_are_made_once_kept_and_told_to_nobody() {
    let login = Login::start();
    let Login { cluster, app } = &login;
    clouds_are_taken(cluster);
    let planned = app.kfctl(&["apply", "k8s", "--dry-run"]).success();
    assert!(
        planned.contains("Secret auth/oauth2-proxy")
            && planned.contains("would be generated in the cluster: client-secret, cookie-secret"),
        "{planned}"
    );
    assert!(cluster.kubectl(&["get", "namespace", "auth"]).code != 0, "a dry-run wrote");

    // On a terminal the password is shown, and it is the one.
    let first = app.on_terminal(&["apply", "k8s", "--yes", "--no-wait"], "");
    assert_eq!(first.code, 0, "{}", first.all());
    let password = shown(&first.stdout);
    assert!(login.opens("user@example.com", &password) && !login.opens("user@example.com", "user@example.com"));
    assert!(first.stdout.contains("kfctl auth rotate-password"), "{}", first.stdout);
    let values = login.values();
    assert_eq!(values["oauth2-proxy cookie-secret"].len(), 43, "32 bytes, as oauth2-proxy wants them");
    assert!(values["kubeflow-gateway-tls tls.crt"].contains("BEGIN CERTIFICATE"));

    // Applied again nothing moves; what somebody took away is made again, alone.
    let versions = || SECRETS.map(|secret| login.get(secret)["metadata"]["resourceVersion"].clone());
    let before = versions();
    let again = login.apply().success();
    assert!(again.contains("\"created\":0") && again.contains("\"configured\":0"), "{again}");
    assert_eq!((versions(), login.values()), (before, values.clone()));
    cluster
        .kubectl(&[
            "-n",
            "auth",
            "patch",
            "secret",
            "oauth2-proxy",
            "--type=json",
            "-p",
            r#"[{"op": "remove", "path": "/data/cookie-secret"}]"#,
        ])
        .success();
    let diff = app.kfctl(&["diff"]);
    assert!(diff.code == 3 && diff.stdout.contains("made in the cluster, and shown nowhere: cookie-secret"), "{}", diff.all());
    let mended = login.apply().success();
    assert!(mended.contains(r#""event":"generated""#) && mended.contains(r#""keys":["cookie-secret"]"#), "{mended}");
    let now = login.values();
    let changed: Vec<&String> = now.iter().filter(|(key, value)| values[*key] != **value).map(|(key, _)| key).collect();
    assert_eq!(changed, ["oauth2-proxy cookie-secret"]);

    // Gone with the app, and new ones after the next apply, which is no terminal: it tells nothing, whatever is asked for.
    let deleted = app.kfctl(&["delete", "--yes"]);
    assert_eq!(deleted.code, 0, "{}", deleted.all());
    assert!(cluster.kubectl(&["-n", "istio-system", "get", "secret", "kubeflow-gateway-tls"]).code != 0);
    let applied = app.kfctl(&["apply", "k8s", "--yes", "--no-wait", "-vv"]);
    assert_eq!(applied.code, 0, "{}", applied.all());
    let values = login.values();
    assert!(now.iter().all(|(key, value)| values[key] != *value), "a secret came back");
    assert!(applied.stderr.contains("shown on a terminal alone: `kfctl auth rotate-password`"), "{}", applied.all());
    let json = login.apply();
    let diff = app.kfctl(&["diff", "-vv"]);
    let status = app.kfctl(&["status", "-v", "-o", "json"]);
    let events = cluster.kubectl(&["get", "events", "-A", "-o", "yaml"]).success();
    let inventory = cluster.kubectl(&["-n", "kubeflow-system", "get", "configmaps", "-o", "yaml"]).success();
    tell_nothing(
        &values,
        &[
            ("apply -vv", &applied.all()),
            ("apply -o json", &json.all()),
            ("diff -vv", &diff.all()),
            ("status", &status.all()),
            ("events", &events),
            ("the inventory", &inventory),
            ("rendered/ and app.yaml", &login.files()),
        ],
    );
    // The values belong to a manager of their own, and are in no copy of the manifest.
    let managers = login.get(SECRETS[1])["metadata"]["managedFields"].clone();
    let owner = managers.as_array().expect("a list").iter().find(|entry| entry["fieldsV1"]["f:data"].is_object()).cloned();
    assert_eq!(owner.expect("somebody")["manager"], "kfctl-secrets");
}

#[test]
fn api_users_come_change_and_go() {
    let login = Login::start();
    let Login { cluster, app } = &login;
    let none = app.kfctl(&["auth", "user", "list"]);
    assert!(none.code == 1 && none.stderr.contains("kfctl component enable auth"), "{}", none.all());
    app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]).success();
    let asked_for = |said: &Said| {
        cluster
            .kubectl(&["-n", "auth", "get", "deployment", "dex", "-o", "jsonpath={.spec.template.metadata.annotations}"])
            .success()
            + &said.stdout
    };

    let refused = app.kfctl(&["auth", "user", "add", "jane@acme.com"]);
    assert!(
        refused.code == 2 && refused.stderr.contains("--password-stdin"),
        "a password that nobody sees was made: {}",
        refused.all()
    );
    let added = login.with_password(&["auth", "user", "add", "jane@acme.com", "--group", "data-science"], "correct horse");
    assert_eq!(added.code, 0, "{}", added.all());
    assert!(login.opens("jane@acme.com", "correct horse"));
    let version = login.get(SECRETS[0])["metadata"]["resourceVersion"].as_str().expect("text").to_owned();
    assert!(asked_for(&added).contains(&version), "Dex does not read the new list");
    assert!(!added.all().contains("correct horse"), "{}", added.all());
    for (again, why) in
        [("jane@acme.com", "is a user already"), ("Jane@acme.com", "is a user already"), ("jane", "no e-mail address")]
    {
        let said = login.with_password(&["auth", "user", "add", again], "correct horse");
        assert!(said.code != 0 && said.stderr.contains(why), "{again}: {}", said.all());
    }
    let short = login.with_password(&["auth", "user", "add", "bob@acme.com"], "short");
    assert!(short.code == 2 && short.stderr.contains("8 to 72 bytes"), "{}", short.all());
    let listed = app.kfctl(&["auth", "user", "list"]).success();
    assert!(listed.contains("jane@acme.com") && listed.contains("data-science") && !listed.contains("$2"), "{listed}");
    let listed = app.kfctl(&["auth", "user", "list", "-o", "json"]).success();
    assert!(listed.lines().count() == 2 && !listed.contains("$2"), "{listed}");

    let whose = login.with_password(&["auth", "rotate-password"], "another horse");
    assert!(whose.code == 2 && whose.stderr.contains("user@example.com, jane@acme.com"), "{}", whose.all());
    login.with_password(&["auth", "rotate-password", "JANE@acme.com"], "another horse").success();
    assert!(login.opens("jane@acme.com", "another horse") && !login.opens("jane@acme.com", "correct horse"));
    let rotated = app.on_terminal(&["auth", "rotate-password", "user@example.com"], "");
    assert!(login.opens("user@example.com", &shown(&rotated.stdout)), "{}", rotated.all());
    assert!(login.opens("jane@acme.com", "another horse"), "another user's password changed");

    // None of it is drift, and an apply takes none of it back.
    let values = login.values();
    let again = login.apply().success();
    assert!(again.contains("\"created\":0") && again.contains("\"configured\":0"), "{again}");
    assert_eq!(login.values(), values);
    tell_nothing(&values, &[("rendered/ and app.yaml", &login.files()), ("list", &listed), ("rotate", &rotated.stdout)]);

    let unsure = app.kfctl(&["auth", "user", "remove", "jane@acme.com"]);
    assert!(unsure.code == 2 && login.opens("jane@acme.com", "another horse"), "{}", unsure.all());
    app.kfctl(&["auth", "user", "remove", "jane@acme.com", "--yes"]).success();
    assert!(!login.opens("jane@acme.com", "another horse"));
    let gone = app.kfctl(&["auth", "user", "remove", "jane@acme.com", "--yes"]);
    assert!(gone.code == 1 && gone.stderr.contains("there is no user jane@acme.com"), "{}", gone.all());

    // An issuer elsewhere: its secret comes from the environment, before anything is written, and is told to nobody.
    for (name, value) in [
        ("login", "oidc"),
        ("issuer", "https://id.acme.com"),
        ("clientId", "kf"),
        ("audiences", "kf"),
        ("host", "kubeflow.acme.com"),
    ] {
        app.kfctl(&["param", "set", "auth", name, value]).success();
    }
    let refused = login.apply();
    assert!(refused.code == 1 && refused.all().contains("KFCTL_CLIENT_SECRET is not set"), "{}", refused.all());
    assert!(
        !cluster.kubectl(&["-n", "auth", "get", "deployment", "oauth2-proxy", "-o", "yaml"]).success().contains("id.acme.com")
    );
    let apply = |secret: &str| {
        let said = cluster.in_app("shop").with("KFCTL_CLIENT_SECRET", secret).kfctl(&[
            "apply",
            "k8s",
            "--no-wait",
            "--prune=yes",
            "-vv",
        ]);
        assert!(said.code == 0 && !said.all().contains(secret) && !login.files().contains(secret), "{}", said.all());
        login.get(SECRETS[1])["data"]["issuer-client-secret"] == STANDARD.encode(secret)
    };
    assert!(apply("hunter2-hunter2") && apply("hunter3-hunter3"), "a changed one is not taken");
    assert!(login.apply().code == 0 && apply("hunter3-hunter3"), "it is asked for again");
}

#[test]
fn oauth2_proxy_itself_takes_what_is_rendered() {
    let directory = tempfile::tempdir().expect("a directory");
    let outside = App::new(directory.path(), directory.path(), None);
    outside.kfctl(&["init", "shop"]).success();
    let app = App::new(&directory.path().join("shop"), directory.path(), None);
    app.kfctl(&["component", "disable", "istio"]).success();
    app.kfctl(&["generate", "k8s"]).success();
    let image = app.read("rendered/auth/deployment-auth-oauth2-proxy.yaml");
    assert!(image.contains("quay.io/oauth2-proxy/oauth2-proxy:v7.15.6"), "the binary of this test is another one");
    let port = free_port();
    let mut command = Command::new(oauth2::program());
    for argument in oauth2::arguments(&image) {
        let argument = argument.replace("0.0.0.0:4180", &format!("127.0.0.1:{port}"));
        command.arg(argument.replace("0.0.0.0:9180", "127.0.0.1:0"));
    }
    command.env_clear().env("OAUTH2_PROXY_CLIENT_SECRET", "a".repeat(43));
    // As long as the one that is made: 32 bytes, as base64 without padding.
    command.env("OAUTH2_PROXY_COOKIE_SECRET", "A".repeat(43));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let base = format!("http://127.0.0.1:{port}");
    let get = |path: &str, headers: &[(&str, &str)]| {
        let request =
            headers.iter().fold(ureq::get(format!("{base}{path}")), |request, (name, value)| request.header(*name, *value));
        let answer = request.config().http_status_as_error(false).max_redirects(0).build().call().ok()?;
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        Some((answer.status().as_u16(), header("location"), header("set-cookie")))
    };
    let looked = std::panic::catch_unwind(|| {
        crate::harness::until("it answers", || get("/ping", &[]).is_some_and(|(code, ..)| code == 200));
        assert_eq!(get("/ready", &[]).expect("an answer").0, 200);
        let (code, location, cookie) = get("/jupyter?ns=a", &[]).expect("an answer");
        assert_eq!(code, 302);
        for wanted in [
            "/dex/auth?",
            "client_id=kubeflow",
            "code_challenge_method=S256",
            "nonce=",
            "redirect_uri=%2Foauth2%2Fcallback",
            "offline_access",
        ] {
            assert!(location.contains(wanted), "{wanted}: {location}");
        }
        for wanted in ["__Host-kubeflow", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(wanted), "{wanted}: {cookie}");
        }
        for program in
            ["/api/namespaces", "/notebook/kubeflow-jane/nb/api/kernels", "/models/kubeflow-jane/m/v1", "/kfam/v1/bindings"]
        {
            assert_eq!(get(program, &[]).expect("an answer").0, 401, "{program}");
        }
        assert_eq!(get("/jupyter", &[("accept", "application/json")]).expect("an answer").0, 401);
        let (code, location, cookie) = get("/oauth2/sign_out", &[("cookie", "__Host-kubeflow=x")]).expect("an answer");
        assert!(code == 302 && location == "/", "{location}");
        assert!(cookie.starts_with("__Host-kubeflow=;"), "the session stays: {cookie}");
    });
    child.kill().and_then(|()| child.wait()).expect("it ends");
    if let Err(failed) = looked {
        std::panic::resume_unwind(failed);
    }
}
