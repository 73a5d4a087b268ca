//! `kfctl web` as a process with the rights that its component renders, an issuer whose tokens count there, and people who use it.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

pub(crate) use issuer::{AUDIENCE, ISSUER, Issuer};

use crate::harness::{answer, free_port};
use crate::profile_lifecycle::Profiles;

#[path = "../common/issuer.rs"]
mod issuer;

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(of, _)| of == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Fails where it is of another status.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }
}

/// The web UI; killed with the test.
pub(crate) struct Web {
    child: Child,
    pub(crate) port: u16,
    probes: String,
    metrics: String,
    log: std::path::PathBuf,
}

impl Web {
    /// Starts it with the rights of its own service account, and waits until it is ready.
    pub(crate) fn start(test: &Profiles, arguments: &[&str]) -> Self {
        let cluster = &test.cluster;
        let port = free_port();
        let [listen, probes, metrics] = [port, free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
        let mut command = test.app.command(&[&["web"][..], arguments].concat());
        command.args(["--listen", &listen, "--probes", &probes, "--metrics", &metrics]);
        command.env("KUBECONFIG", cluster.kubeconfig_of("kubeflow-system", "kfctl-web"));
        let log = test.app.beside(&format!("web-{port}.log"));
        let errors = std::fs::File::create(&log).expect("a log");
        let child = command.stdin(Stdio::null()).stderr(errors).spawn().expect("kfctl starts");
        let web = Self { child, port, probes, metrics, log };
        cluster.until(&format!("it is ready: {}", web.log()), || {
            answer(&format!("http://{}/readyz", web.probes), &[]) == Some((200, "ok".to_owned()))
        });
        web
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn metrics(&self) -> String {
        answer(&format!("http://{}/metrics", self.metrics), &[]).expect("it runs").1
    }

    pub(crate) fn terminate(mut self) -> Option<i32> {
        crate::harness::signal("TERM", i32::try_from(self.pid()).expect("a pid"));
        self.child.wait().expect("it ends").code()
    }

    /// Sends a request exactly as it is written: no client puts a path or a header right.
    pub(crate) fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut text = format!("{method} {target} HTTP/1.1\r\nconnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            text.extend(["host: 127.0.0.1:", &self.port.to_string(), "\r\n"]);
        }
        if !body.is_empty() {
            text.extend(["content-length: ", &body.len().to_string(), "\r\n"]);
        }
        text.extend(headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(40))).expect("a time");
        let mut answer = Vec::new();
        // It may answer before all is sent, and close.
        let _ = stream.write_all(&[text.as_bytes(), b"\r\n", body].concat());
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, text) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?} {}", self.log()));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status");
        let headers = lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        Reply { status, headers: headers.collect(), text: text.to_owned() }
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the web's log:\n{}", self.log());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The header of a token.
pub(crate) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// Somebody with a browser, or a program: a token, and the cookies that were set.
pub(crate) struct Person<'a> {
    web: &'a Web,
    token: String,
    cookies: RefCell<Vec<String>>,
}

impl<'a> Person<'a> {
    pub(crate) fn new(web: &'a Web, token: String) -> Self {
        Self { web, token, cookies: RefCell::default() }
    }

    pub(crate) fn cookie(&self) -> String {
        self.cookies.borrow().join("; ")
    }

    fn send(&self, method: &str, target: &str, more: &[(&str, &str)], body: &[u8]) -> Reply {
        let (bearer, cookie) = (bearer(&self.token), self.cookie());
        let mut headers = more.to_vec();
        if !self.token.is_empty() {
            headers.push(("authorization", &bearer));
        }
        if !cookie.is_empty() {
            headers.push(("cookie", &cookie));
        }
        let mut reply = self.web.send(method, target, &headers, body);
        // Tests ask more often than people do, and like a good client again where that was too often.
        while reply.status == 429 {
            reply = self.web.send(method, target, &headers, body);
        }
        for (name, value) in &reply.headers {
            if let (true, Some((cookie, _))) = (name == "set-cookie", value.split_once(';')) {
                let of = cookie.split('=').next().unwrap_or_default().to_owned();
                let mut cookies = self.cookies.borrow_mut();
                cookies.retain(|other| other.split('=').next() != Some(&of));
                cookies.push(cookie.to_owned());
            }
        }
        reply
    }

    /// A page.
    pub(crate) fn get(&self, target: &str) -> Reply {
        self.send("GET", target, &[("accept", "text/html")], b"")
    }

    /// What a program gets.
    pub(crate) fn api(&self, target: &str) -> Reply {
        self.send("GET", target, &[], b"")
    }

    /// The token that pages and answers carry.
    pub(crate) fn csrf(&self) -> String {
        self.api("/api/namespaces").header("x-csrf-token").to_owned()
    }

    /// Sends a form, as a browser does from a page of ours.
    pub(crate) fn submit(&self, target: &str, fields: &[(&str, &str)]) -> Reply {
        let csrf = self.csrf();
        let origin = format!("http://127.0.0.1:{}", self.web.port);
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).append_pair("csrf", &csrf).finish();
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", &origin),
            ("sec-fetch-site", "same-origin"),
            ("accept", "text/html"),
        ];
        self.send("POST", target, &headers, form.as_bytes())
    }

    /// Sends JSON, as a program does.
    pub(crate) fn call(&self, method: &str, target: &str, body: &Value) -> Reply {
        let csrf = self.csrf();
        self.send(method, target, &[("content-type", "application/json"), ("x-csrf-token", &csrf)], body.to_string().as_bytes())
    }

    /// Sends a request with headers of one's own, beside the token and the cookies.
    pub(crate) fn raw(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.send(method, target, headers, body)
    }
}

/// Where people log out.
pub(crate) const SIGN_OUT: &str = "/oauth2/sign_out";

/// Brings the web UI's component to a cluster with profiles, and whose tokens count.
pub(crate) fn deploy(test: &Profiles, issuer: &Issuer) {
    let keys = format!("--from-literal=jwks={}", issuer.keys());
    let [iss, audience] = [format!("--from-literal=issuer={ISSUER}"), format!("--from-literal=audiences={AUDIENCE}")];
    let out = format!("--from-literal=signOut={SIGN_OUT}");
    test.admin(&["-n", "kubeflow-system", "create", "configmap", "mesh", &keys, &iss, &audience, &out]);
    test.app.kfctl(&["component", "enable", "dashboard"]).success();
    for parameter in ["deployment", "route"] {
        test.app.kfctl(&["param", "set", "dashboard", parameter, "false"]).success();
    }
    test.app.kfctl(&["apply", "k8s", "-c", "dashboard", "--no-wait"]).success();
}

/// The users and groups for whom the web may act.
pub(crate) fn people(test: &Profiles) -> Vec<String> {
    let role = test.get(&["get", "clusterrole", "kfctl-web-users"]).expect("the role");
    let rules = role["rules"].as_array().into_iter().flatten();
    let names = rules.flat_map(|rule| rule["resourceNames"].as_array().into_iter().flatten());
    names.map(|name| name.as_str().expect("text").to_owned()).collect()
}

/// The role that [`make_changer`] makes.
pub(crate) const CHANGER: &str = "profile-changer";

/// A role of the admin's own, which lets people change profiles.
pub(crate) fn make_changer(test: &Profiles) {
    test.admin(&["-n", "kubeflow-system", "create", "role", CHANGER, "--verb=patch", "--resource=profiles.kubeflow.org"]);
}

/// Gives somebody roles among profiles.
pub(crate) fn grant(test: &Profiles, user: &str, roles: &[&str]) {
    let to = format!("--user={user}");
    for role in roles {
        let name = format!("{role}-{}", &user[..3]);
        test.admin(&["-n", "kubeflow-system", "create", "rolebinding", &name, &format!("--role={role}"), &to]);
    }
}
