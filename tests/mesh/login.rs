//! A whole login, each part of it real: the gateway asks oauth2-proxy's own binary, which runs with the arguments and secrets that its
//! container is given and sends people to an `OpenID` provider; they come back with a session, which opens to them what is theirs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::backends::Seen;
use crate::browser::{Browser, HOST, NOTEBOOKS, Page, at, encoded};
use crate::harness::{answer, free_port, until};
use crate::mesh::{CLIENT_SECRET, Mesh, Plan, Process};
use crate::oauth2;
use crate::programs;
use crate::tokens::Keys;
use crate::tools::Tools;

/// What kfctl renders into the mesh's settings where it installs Istio.
const ISTIO: &str = include_str!("../../templates/istio/patches/mesh.yaml.j2");
const PASSWORD: &str = "correct horse & battery";

/// The part of it that says what Kubeflow needs.
pub(crate) fn istio_settings() -> String {
    let (_, text) = ISTIO.split_once("    # Policies compare").expect("how paths are compared");
    let (text, _) = text.split_once("{% endif %}").expect("its end");
    let lines = format!("    # Policies compare{text}");
    lines.lines().map(|line| format!("{}\n", line.strip_prefix("    ").unwrap_or(line))).collect()
}

/// Everything that a login passes.
struct Login {
    mesh: Mesh,
    /// Its port stays the same.
    proxy: Process,
    proxy_port: u16,
    issuer: String,
    _provider: Process,
    _directory: tempfile::TempDir,
    number: u32,
}

/// Who has an account: a name, and what the provider says of them.
fn accounts() -> Value {
    let account = |claims: Value| json!({"password": PASSWORD, "claims": claims});
    // So many that no cookie holds them.
    let mut groups: Vec<String> = (0..250).map(|number| format!("group-of-many-{number}")).collect();
    groups.push("ml-team".to_owned());
    json!({
        "jane": account(json!({"email": "jane@foo.com", "email_verified": true})),
        "bob": account(json!({"email": "bob@acme.com", "email_verified": true})),
        "gus": account(json!({"email": "gus@foo.com", "email_verified": true, "groups": groups})),
        "mallory": account(json!({"email": "jane@foo.com", "email_verified": false})),
        "unsure": account(json!({"email": "jane@foo.com"})),
    })
}

/// A value of a Secret in namespace auth.
pub(crate) fn secret(mesh: &Mesh, name: &str, key: &str) -> String {
    let said = mesh.cluster.kubectl(&["-n", "auth", "get", "secret", name, "-o", "json"]).success();
    let secret: Value = serde_json::from_str(&said).expect("JSON");
    let value = secret["data"][key].as_str().expect("the key is there");
    String::from_utf8(STANDARD.decode(value).expect("base64")).expect("text")
}

/// What the container's environment is, with the secrets that it names.
pub(crate) fn environment(mesh: &Mesh, deployment: &Value) -> Vec<(String, String)> {
    let of = |variable: &Value| {
        let text = |pointer: &str| variable.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let of_pod = (text("/valueFrom/fieldRef/fieldPath").as_deref() == Some("metadata.namespace")).then(|| "auth".to_owned());
        let of_secret = || {
            secret(
                mesh,
                &text("/valueFrom/secretKeyRef/name").expect("a name"),
                &text("/valueFrom/secretKeyRef/key").expect("a key"),
            )
        };
        (text("/name").expect("a name"), of_pod.unwrap_or_else(of_secret))
    };
    let variables = deployment.pointer("/spec/template/spec/containers/0/env").and_then(Value::as_array).expect("a list");
    variables.iter().map(of).collect()
}

/// oauth2-proxy as its container starts it; `elsewhere` are addresses of the cluster, and where they are on this machine.
pub(crate) fn proxy(mesh: &Mesh, port: u16, elsewhere: &[(&str, &str)]) -> Process {
    let rendered = mesh.app.read("rendered/auth/deployment-auth-oauth2-proxy.yaml");
    let deployment = kfctl::yaml::documents(&rendered, Path::new("deployment")).expect("YAML").remove(0);
    let listens =
        [("0.0.0.0:4180".to_owned(), format!("127.0.0.1:{port}")), ("0.0.0.0:9180".to_owned(), "127.0.0.1:0".to_owned())];
    let mut command = Command::new(oauth2::program());
    command.env_clear().envs(environment(mesh, &deployment));
    for argument in oauth2::arguments(&rendered) {
        let argument = listens.iter().fold(argument, |argument, (there, here)| argument.replace(there, here));
        command.arg(elsewhere.iter().fold(argument, |argument, (there, here)| argument.replace(there, here)));
    }
    let mut process = Process::start("oauth2-proxy", mesh.directory.path(), &mut command);
    process.until("it is ready", || answer(&format!("http://127.0.0.1:{port}/ready"), &[]).is_some_and(|(code, _)| code == 200));
    process
}

/// A stand-in for pods of a Service in namespace auth.
pub(crate) fn pods(name: &str, port: u16) -> String {
    format!(
        "---\napiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: {{name: {name}, namespace: auth}}\nspec: {{address: 127.0.0.1, ports: {{http: {port}}}, labels: {{app.kubernetes.io/name: {name}}}}}\n"
    )
}

/// Its own pods find no node: simulated ones would have addresses at which nobody answers.
const NOWHERE: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: oauth2-proxy, namespace: auth}
spec: {template: {spec: {nodeSelector: {on: this-machine}}}}
";

/// An Ingress such as Istio takes for routes of the gateway, where its settings let it.
const INGRESS: &str = "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: taken, namespace: kubeflow-jane, annotations: {kubernetes.io/ingress.class: istio}}
spec:
  rules:
  - host: kubeflow.example.com
    http: {paths: [{path: /taken, pathType: Prefix, backend: {service: {name: nb, port: {number: 80}}}}]}
";

impl Login {
    fn start() -> Self {
        let tools = Tools::find_or_make();
        let [provider_port, proxy_port] = [(); 2].map(|()| free_port());
        let issuer = format!("http://127.0.0.1:{provider_port}");
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("provider.json");
        let client = json!({"client_id": "kubeflow", "client_secret": CLIENT_SECRET, "redirect_uris": [at("/oauth2/callback"), beside("/oauth2/callback")],
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"]});
        let said = json!({"port": provider_port, "client": client, "accounts": accounts()});
        fs::write(&file, said.to_string()).expect("written");
        let mut provider = Process::start("provider", directory.path(), &mut programs::provider(&file));
        let discovery = format!("{issuer}/.well-known/openid-configuration");
        provider.until("it tells about itself", || answer(&discovery, &[]).is_some_and(|(code, _)| code == 200));
        let auth = [
            ("login", "oidc"),
            ("tls", "none"),
            ("behindLoadBalancer", "true"),
            ("host", HOST),
            ("issuer", &issuer),
            ("clientId", "kubeflow"),
            ("audiences", "kubeflow"),
        ];
        let surroundings = pods("oauth2-proxy", proxy_port);
        let plan = Plan { settings: &istio_settings(), auth: &auth, overlay: Some(NOWHERE), surroundings: &surroundings };
        let keys = Keys::new(&tools.istiod);
        let mesh = Mesh::start(&tools, &plan, BTreeMap::new(), keys);
        mesh.cluster.kubectl(&["create", "-f", &mesh.app.write("ingress.yaml", INGRESS)]).success();
        let proxy = proxy(&mesh, proxy_port, &[]);
        let login = Self { mesh, proxy, proxy_port, issuer, _provider: provider, _directory: directory, number: 0 };
        until("the gateway asks the proxy, which sends people to the provider", || {
            let page = login.browser().send("GET", &at("/jupyter"), &[]);
            page.status == 302 && page.header("location").is_some_and(|location| location.starts_with(&login.issuer))
        });
        login
    }

    fn browser(&self) -> Browser {
        Browser::new(self.mesh.port())
    }

    /// The login page, where a person who asks for a page is sent.
    fn sent_to_log_in(browser: &mut Browser, path: &str) -> Page {
        let page = browser.send("GET", &at(path), &[]);
        assert!(page.status == 302 && !page.gives_a_session(), "{page:?}");
        browser.follow(page, "")
    }

    /// Somebody with a session.
    fn logged_in(&self, who: &str) -> Browser {
        let mut browser = self.browser();
        let form = Self::sent_to_log_in(&mut browser, "/jupyter");
        let page = browser.log_in(&form, who, PASSWORD, "");
        assert_eq!((page.status, page.url), (200, at("/jupyter")), "{who}");
        browser
    }

    /// The way back from the provider to Kubeflow, which nobody has taken yet.
    fn callback(browser: &mut Browser, who: &str) -> String {
        let form = Self::sent_to_log_in(browser, "/jupyter");
        browser.log_in(&form, who, PASSWORD, "/oauth2/callback").url
    }

    /// Opens a page: its status, and the request as a backend saw it.
    fn open(&mut self, browser: &mut Browser, path: &str) -> (u16, Option<Seen>) {
        self.open_at(browser, &at(path))
    }

    fn open_at(&mut self, browser: &mut Browser, url: &str) -> (u16, Option<Seen>) {
        self.number += 1;
        let number = format!("login-{}", self.number);
        let page = browser.get_as(&number, url);
        (page.status, self.mesh.backends.seen(&number))
    }

    /// Whether it is still sent to the login.
    fn is_out(&mut self, browser: &mut Browser) -> bool {
        let (status, seen) = self.open(browser, "/jupyter");
        status == 302 && seen.is_none()
    }

    /// Nobody comes in by this answer.
    fn refused(&mut self, browser: &mut Browser, page: &Page, why: &str) {
        assert!((400..600).contains(&page.status) && !page.gives_a_session(), "{why}: {page:?}");
        assert!(self.is_out(browser), "{why}: they are in");
    }
}

/// A URL on the gateway, under the name that notebooks have.
fn beside(path: &str) -> String {
    format!("https://{NOTEBOOKS}{path}")
}

/// Whether a backend was given a cookie by which somebody is known; Kubeflow's own pages know their forms by one.
fn told_of_a_session(seen: &Seen) -> bool {
    let secrets: &[&str] =
        if seen.backend == "pages" { &["kubeflow_", "__Host-kubeflow"] } else { &["kubeflow_", "__Host-", "csrf"] };
    seen.headers.iter().any(|(_, value)| secrets.iter().any(|secret| value.contains(secret)))
}

/// A word of a query.
fn word(url: &str, name: &str) -> String {
    let start = url.find(&format!("{name}=")).unwrap_or_else(|| panic!("no {name} in {url}")) + name.len() + 1;
    url[start..].split('&').next().unwrap_or_default().to_owned()
}

fn with(url: &str, name: &str, value: &str) -> String {
    url.replace(&format!("{name}={}", word(url, name)), &format!("{name}={value}"))
}

fn people_come_back_to_where_they_wanted_to_go(login: &mut Login) {
    let mut jane = login.browser();
    let form = Login::sent_to_log_in(&mut jane, "/jupyter?ns=kubeflow-jane");
    let mistyped = jane.log_in(&form, "jane", "correct horse", "");
    assert_eq!(mistyped.status, 401, "{mistyped:?}");
    assert!(login.is_out(&mut jane));
    let page = jane.log_in(&form, "jane", PASSWORD, "");
    assert_eq!((page.status, page.url), (200, at("/jupyter?ns=kubeflow-jane")));
    assert_eq!(jane.session().len(), 1, "{:?}", jane.session());
    // It leads nowhere else.
    let mut led = login.logged_in("bob");
    let page = led.open("/oauth2/start?rd=https%3A%2F%2Fevil.example%2F");
    assert_eq!((page.status, page.url), (200, at("/")));
}

/// Each person, and what their session opens: a path, the answer, and the backend.
const OPENS: [(&str, &str, &str, Option<&str>); 14] = [
    ("jane", "jane@foo.com", "/jupyter", Some("pages")),
    ("jane", "jane@foo.com", "/profiles", Some("pages")),
    ("jane", "jane@foo.com", "/taken", Some("pages")),
    ("jane", "jane@foo.com", "/notebook/kubeflow-jane/nb/lab", Some("jane-nb")),
    ("jane", "jane@foo.com", "/notebook/kubeflow-jane/guarded/lab", Some("jane-guarded")),
    ("jane", "jane@foo.com", "/models/kubeflow-jane/mnist/predict", Some("jane-model")),
    ("jane", "jane@foo.com", "/notebook/kubeflow-bob/nb/lab", None),
    ("jane", "jane@foo.com", "//notebook//kubeflow-bob/nb/lab", None),
    ("bob", "bob@acme.com", "/notebook/kubeflow-bob/nb/lab", Some("bob-nb")),
    ("bob", "bob@acme.com", "/notebook/kubeflow-jane/nb/lab", None),
    ("bob", "bob@acme.com", "/notebook/kubeflow-jane/guarded/lab", None),
    ("gus", "gus@foo.com", "/notebook/kubeflow-team/nb/lab", Some("team-nb")),
    ("gus", "gus@foo.com", "/notebook/kubeflow-jane/nb/lab", None),
    ("gus", "gus@foo.com", "/jupyter", Some("pages")),
];

fn a_session_opens_what_is_theirs(login: &mut Login) {
    let mut sessions: BTreeMap<&str, Browser> =
        ["jane", "bob", "gus"].into_iter().map(|who| (who, login.logged_in(who))).collect();
    assert!(sessions["gus"].session().len() > 1, "a session that fits into one cookie proves less");
    for (who, email, path, backend) in OPENS {
        let browser = sessions.get_mut(who).expect("a session");
        let before = browser.cookies.clone();
        let (status, seen) = login.open(browser, path);
        assert_eq!(status, if backend.is_some() { 200 } else { 403 }, "{who} {path}");
        assert_eq!(seen.as_ref().map(|seen| seen.backend.as_str()), backend, "{who} {path}");
        let Some(seen) = seen else { continue };
        assert_eq!(seen.header("kubeflow-userid"), [email], "{path}");
        assert_eq!(seen.header("kubeflow-groups").len(), usize::from(who == "gus"), "{path}");
        // The session ends at the gateway, the token at the sidecar; the application's own cookie comes through, and only that.
        assert!(!told_of_a_session(&seen), "{seen:?}");
        assert!(path != "/notebook/kubeflow-jane/guarded/lab" || seen.header("authorization").is_empty(), "{seen:?}");
        let ours = |cookies: &[crate::browser::Cookie]| -> Vec<_> {
            cookies.iter().filter(|cookie| cookie.name.contains("kubeflow")).cloned().collect()
        };
        assert_eq!(ours(&browser.cookies), ours(&before), "{path} has set a session");
        assert!(browser.cookies.iter().any(|cookie| cookie.name == "theme"), "{path} has set nothing");
    }
    // The page of a notebook can ask what the gateway asks, and would be told the token.
    let asked = sessions.get_mut("jane").expect("a session").send("GET", &at("/oauth2/auth"), &[]);
    assert!(asked.status == 202 && asked.header("authorization").is_none(), "{asked:?}");
}

fn programs_are_told_and_not_sent(login: &mut Login) {
    let json = ("accept", "application/json".to_owned());
    for (path, header) in [
        ("/jupyter", Some(json)),
        ("/api/namespaces", None),
        ("/apis/v1", None),
        ("/kfam/v1/bindings", None),
        ("/models/kubeflow-jane/mnist/predict", None),
        ("/notebook/kubeflow-jane/nb/api/kernels", None),
    ] {
        let mut program = login.browser();
        program.headers.extend(header);
        let page = program.get_as("program", &at(path));
        assert!(page.status == 401 && page.header("location").is_none(), "{path}: {page:?}");
        assert!(login.mesh.backends.seen("program").is_none(), "{path}");
    }
    // A token of the provider needs no login, and one that isn't its own gets none.
    let mut jane = login.logged_in("jane");
    let (_, seen) = login.open(&mut jane, "/jupyter");
    let token = seen.expect("a page").header("authorization")[0].to_owned();
    let mut program = login.browser();
    program.headers.push(("authorization", token.clone()));
    let (status, seen) = login.open(&mut program, "/notebook/kubeflow-jane/guarded/api/kernels");
    assert_eq!((status, seen.expect("a notebook").header("kubeflow-userid")), (200, vec!["jane@foo.com"]));
    assert!(program.session().is_empty());
    assert_eq!(login.open(&mut program, "/notebook/kubeflow-bob/nb/api/kernels").0, 403);
    program.headers[0].1 = format!("{}x", &token[..token.len() - 9]);
    assert_eq!(login.open(&mut program, "/jupyter").0, 401);
}

fn what_is_stolen_or_made_up_opens_nothing(login: &mut Login) {
    // The way back of somebody else, alone and with a login of the thief's own.
    let (mut jane, mut thief) = (login.browser(), login.browser());
    let callback = Login::callback(&mut jane, "jane");
    let page = thief.send("GET", &callback, &[]);
    login.refused(&mut thief, &page, "a stolen way back");
    let own = Login::callback(&mut thief, "bob");
    let page = thief.send("GET", &with(&own, "code", &word(&callback, "code")), &[]);
    login.refused(&mut thief, &page, "a stolen code");
    // Another state than the one that the login began with; one of another login of the same browser; no login at all.
    let page = jane.clone().send("GET", &with(&callback, "state", &word(&own, "state")), &[]);
    login.refused(&mut jane, &page, "a state of another login");
    let page = jane.clone().send("GET", &with(&callback, "state", "made-up"), &[]);
    login.refused(&mut jane, &page, "a state that nobody gave out");
    let mut forgetful = jane.clone();
    forgetful.cookies.retain(|cookie| !cookie.name.contains("kubeflow"));
    let page = forgetful.send("GET", &callback, &[]);
    login.refused(&mut forgetful, &page, "a login that this browser has not begun");
    // The cookie of one login under the name of another.
    let mut mixed = jane.clone();
    let other = login.browser().send("GET", &at("/jupyter"), &[]);
    let other =
        other.header("set-cookie").and_then(|cookie| cookie.split(';').next()?.split_once('=')).expect("a cookie").1.to_owned();
    for cookie in mixed.cookies.iter_mut().filter(|cookie| cookie.name.ends_with("_csrf")) {
        cookie.value.clone_from(&other);
    }
    let page = mixed.send("GET", &callback, &[]);
    login.refused(&mut mixed, &page, "a cookie of another login");
    // All that has used nothing up; but what was used once is.
    let before = jane.clone();
    let page = jane.send("GET", &callback, &[]);
    assert!(page.gives_a_session(), "{page:?}");
    let mut again = before;
    let page = again.send("GET", &callback, &[]);
    login.refused(&mut again, &page, "a code that was used");
    // A token that was made for another login, by its nonce.
    let mut replayed = login.browser();
    let page = replayed.send("GET", &at("/jupyter"), &[]);
    let url = with(page.header("location").expect("the provider"), "nonce", "of-another-login");
    let form = replayed.send("GET", &url, &[]);
    let form = replayed.follow(form, "");
    let page = replayed.log_in(&form, "jane", PASSWORD, "");
    login.refused(&mut replayed, &page, "a token with another nonce");
    // A session that was changed on the way.
    let mut changed = login.logged_in("bob");
    let session = changed.cookies.iter_mut().find(|cookie| cookie.name == "__Host-kubeflow").expect("a session");
    let middle = session.value.len() / 3;
    let letter = if session.value.as_bytes()[middle] == b'A' { "B" } else { "A" };
    session.value.replace_range(middle..=middle, letter);
    assert!(login.is_out(&mut changed));
}

fn an_address_counts_where_it_is_verified(login: &mut Login) {
    let mut mallory = login.browser();
    let form = Login::sent_to_log_in(&mut mallory, "/jupyter");
    let page = mallory.log_in(&form, "mallory", PASSWORD, "");
    login.refused(&mut mallory, &page, "an address that is not verified");
    // Where the provider says nothing of it, there is a session, and the gateway refuses its token.
    let mut unsure = login.browser();
    let form = Login::sent_to_log_in(&mut unsure, "/jupyter");
    let page = unsure.log_in(&form, "unsure", PASSWORD, "");
    assert_eq!((page.status, page.url.as_str()), (403, at("/jupyter").as_str()));
    let (status, seen) = login.open(&mut unsure, "/notebook/kubeflow-jane/nb/lab");
    assert!(status == 403 && seen.is_none());
}

fn a_session_is_renewed_and_ends(login: &mut Login) {
    let mut jane = login.logged_in("jane");
    let (_, seen) = login.open(&mut jane, "/jupyter");
    let token = seen.expect("a page").header("authorization")[0].to_owned();
    // A proxy that starts anew, with a parameter of the admin's, knows who is logged in.
    login.mesh.app.kfctl(&["param", "set", "auth", "refreshInterval", "1s"]).success();
    login.mesh.app.kfctl(&["apply", "k8s", "-c", "auth", "--no-wait"]).success();
    login.proxy.end();
    login.proxy = proxy(&login.mesh, login.proxy_port, &[]);
    let old = jane.clone();
    until("the session is renewed", || jane.send("GET", &at("/jupyter"), &[]).gives_a_session());
    assert_ne!(jane.session(), old.session());
    let (status, seen) = login.open(&mut jane, "/jupyter");
    let seen = seen.expect("a page");
    assert_eq!((status, seen.header("kubeflow-userid")), (200, vec!["jane@foo.com"]));
    assert_ne!(seen.header("authorization"), [token], "the token is the old one");
    // The end of it.
    let page = jane.send("GET", &at("/oauth2/sign_out"), &[]);
    assert_eq!((page.status, page.header("location")), (302, Some("/")));
    assert!(jane.session().is_empty(), "{:?}", jane.session());
    assert!(login.is_out(&mut jane));
}

fn what_users_run_has_a_name_of_its_own(login: &mut Login) {
    login.mesh.app.kfctl(&["param", "unset", "auth", "refreshInterval"]).success();
    login.mesh.app.kfctl(&["param", "set", "auth", "notebookHost", NOTEBOOKS]).success();
    login.mesh.app.kfctl(&["apply", "k8s", "-c", "auth", "--no-wait"]).success();
    login.proxy.end();
    login.proxy = proxy(&login.mesh, login.proxy_port, &[]);
    let [own, shared] = ["/notebook/kubeflow-jane/nb/lab", "/notebook/kubeflow-jane/guarded/lab"].map(beside);
    let mut jane = login.logged_in("jane");
    until("the gateway knows the name", || {
        login.open_at(&mut login.browser(), &own).0 == 302 && login.open(&mut jane, "/notebook/kubeflow-jane/nb/lab").0 == 403
    });
    // The provider knows jane already and asks for nothing; each name gets a session of its own.
    assert!(jane.session_at(NOTEBOOKS).is_empty());
    let page = jane.send("GET", &own, &[]);
    let page = jane.follow(page, "");
    assert_eq!((page.status, page.url.as_str()), (200, own.as_str()));
    let sessions =
        [HOST, NOTEBOOKS].map(|host| jane.session_at(host).into_iter().map(|cookie| cookie.value.clone()).collect::<Vec<_>>());
    assert!(sessions.iter().all(|session| !session.is_empty()) && sessions[0] != sessions[1]);
    // A notebook that writes down what it is told learns no session and no cookie of Kubeflow's pages.
    for (url, backend) in [(&own, "jane-nb"), (&shared, "jane-guarded")] {
        let (status, seen) = login.open_at(&mut jane, url);
        let seen = seen.expect("a notebook");
        assert_eq!((status, seen.backend.as_str(), seen.header("kubeflow-userid")), (200, backend, vec!["jane@foo.com"]));
        assert!(!told_of_a_session(&seen) && seen.header("authorization").is_empty(), "{seen:?}");
    }
    // The page of a notebook asks, as whoever has opened it, for what else might be there.
    for (method, path) in [
        ("GET", "/api/namespaces"),
        ("POST", "/api/profiles"),
        ("GET", "/jupyter"),
        ("GET", "/"),
        ("GET", "/notebook/../api/namespaces"),
    ] {
        let page = jane.send(method, &beside(path), &[]);
        assert!(page.status == 403 && page.header("x-backend").is_none(), "{method} {path}: {page:?}");
    }
    for path in ["/notebook/kubeflow-jane/nb/lab", "/notebook/kubeflow-jane/nb", "/models/kubeflow-jane/mnist/predict"] {
        let (status, seen) = login.open(&mut jane, path);
        assert!(status == 403 && seen.is_none(), "{path} is where Kubeflow's pages are");
    }
    let mut bob = login.logged_in("bob");
    for (url, backend) in [(own.clone(), None), (shared, None), (beside("/notebook/kubeflow-bob/nb/lab"), Some("bob-nb"))] {
        let page = bob.send("GET", &url, &[]);
        bob.follow(page, "");
        let (status, seen) = login.open_at(&mut bob, &url);
        assert_eq!(
            (status, seen.as_ref().map(|seen| seen.backend.as_str())),
            (if backend.is_some() { 200 } else { 403 }, backend),
            "{url}"
        );
    }
    // One address ends both sessions, and leads nowhere else.
    let out = "/oauth2/sign_out?rd=";
    let back = format!("{out}https%3A%2F%2F{HOST}%2Fjupyter");
    let page = jane.send("GET", &at(&format!("{out}https%3A%2F%2F{NOTEBOOKS}{}", encoded(&back))), &[]);
    let page = jane.follow(page, &login.issuer);
    assert!(jane.session().is_empty() && jane.session_at(NOTEBOOKS).is_empty(), "{page:?}");
    let page = bob.send("GET", &at(&format!("{out}https%3A%2F%2Fevil.example%2F")), &[]);
    assert_eq!(page.header("location"), Some("/"));
}

#[test]
fn e2e_people_log_in_by_an_issuer_elsewhere() {
    let mut login = Login::start();
    people_come_back_to_where_they_wanted_to_go(&mut login);
    a_session_opens_what_is_theirs(&mut login);
    programs_are_told_and_not_sent(&mut login);
    what_is_stolen_or_made_up_opens_nothing(&mut login);
    an_address_counts_where_it_is_verified(&mut login);
    a_session_is_renewed_and_ends(&mut login);
    what_users_run_has_a_name_of_its_own(&mut login);
}
