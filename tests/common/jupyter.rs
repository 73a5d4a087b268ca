//! A notebook's server, as today's images start theirs: `JupyterLab` itself, as a process beside the test; and somebody who uses it as a browser
//! does, kernels and terminals by its API and cells by its websocket.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

use crate::harness::free_port;
use crate::{Process, wheel};

/// `JupyterLab` with all that it needs, as the image of the tests on a node has it.
const REQUIREMENTS: &str = include_str!("../e2e/notebook.txt");

/// The server.
pub(crate) struct Jupyter {
    _process: Process,
    pub(crate) port: u16,
}

impl Jupyter {
    /// Starts it, with everything that it writes in a directory of the test, and waits until it answers below `prefix`.
    pub(crate) fn start(directory: &Path, prefix: &str) -> Self {
        let cache = kfctl::directories::cache_directory().expect("a cache");
        let site = wheel(&cache, "jupyterlab", REQUIREMENTS, "jupyterlab/__init__.py");
        let site = site.parent().and_then(Path::parent).expect("it is two below");
        let port = free_port();
        let mut command = Command::new("python3");
        command.args(["-m", "jupyterlab", "--allow-root", "--no-browser", "--ip=127.0.0.1", "--ServerApp.port_retries=0"]);
        command.args(["--IdentityProvider.token=", "--ServerApp.allow_origin=*"]);
        command.args([format!("--ServerApp.base_url={prefix}"), format!("--port={port}")]);
        command.arg(format!("--ServerApp.root_dir={}", directory.display()));
        command.env("HOME", directory).env("PYTHONPATH", site).env("JUPYTER_PATH", site.join("share/jupyter"));
        command.env("JUPYTERLAB_DIR", site.join("share/jupyter/lab")).env("JUPYTER_CONFIG_PATH", site.join("etc/jupyter"));
        let mut process = Process::start("jupyter", directory, &mut command);
        process.until("it answers", || User::open(port, prefix, &[]).is_ok());
        Self { _process: process, port }
    }
}

/// Somebody who uses it, at a port that leads there, with headers of their own.
pub(crate) struct User {
    address: String,
    headers: Vec<(String, String)>,
}

impl User {
    /// Opens its first page; or the status that refuses it, and none where nothing answers.
    pub(crate) fn open(port: u16, prefix: &str, headers: &[(String, String)]) -> Result<Self, Option<u16>> {
        let mut user = Self::without_page(port, prefix, headers);
        let mut page = user.asked("GET", "lab", "").map_err(|_| None)?;
        let text = page.body_mut().read_to_string().map_err(|_| None)?;
        if page.status() != 200 || !text.contains("JupyterLab") {
            return Err(Some(page.status().as_u16()));
        }
        let cookies = page.headers().get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
        let token = cookies.into_iter().find_map(|cookie| cookie.strip_prefix("_xsrf=")?.split(';').next());
        let token = token.unwrap_or_default().to_owned();
        user.headers.extend([("cookie".to_owned(), format!("_xsrf={token}")), ("x-xsrftoken".to_owned(), token)]);
        Ok(user)
    }

    /// Somebody who has opened nothing.
    pub(crate) fn without_page(port: u16, prefix: &str, headers: &[(String, String)]) -> Self {
        Self { address: format!("127.0.0.1:{port}{prefix}"), headers: headers.to_vec() }
    }

    fn asked(&self, method: &str, path: &str, body: &str) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("http://{}/{path}", self.address));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        agent.run(request.body(body.to_owned()).expect("a request"))
    }

    /// Asks its API, and returns what it says.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut answer = self.asked(method, path, &body.to_string()).expect("it answers");
        let text = answer.body_mut().read_to_string().expect("text");
        assert!(answer.status().is_success(), "{method} {path}: {} {text}", answer.status());
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")) }
    }

    /// Starts a kernel, and returns its id.
    pub(crate) fn kernel(&self) -> String {
        self.ask("POST", "api/kernels", &json!({"name": "python3"}))["id"].as_str().expect("an id").to_owned()
    }

    /// Opens a websocket; or the status that refuses it.
    pub(crate) fn channel(&self, path: &str) -> Result<Channel, u16> {
        let mut request = format!("ws://{}/{path}", self.address).into_client_request().expect("an address");
        for (name, value) in &self.headers {
            let name = name.parse::<ureq::http::HeaderName>().expect("a name");
            request.headers_mut().insert(name, value.parse().expect("a header"));
        }
        let (host, _) = self.address.split_once('/').expect("a path");
        let stream = TcpStream::connect(host).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a time");
        match tungstenite::client(request, stream) {
            Ok((channel, _)) => Ok(Channel(channel)),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => Err(answer.status().as_u16()),
            Err(error) => panic!("no websocket: {error}"),
        }
    }
}

/// A websocket of a kernel or a terminal.
pub(crate) struct Channel(WebSocket<TcpStream>);

impl Channel {
    pub(crate) fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).expect("it is taken");
    }

    /// Has a cell run, and does not wait for it.
    pub(crate) fn cell(&mut self, code: &str) {
        self.say(&json!({
            "channel": "shell", "header": {"msg_id": "one", "msg_type": "execute_request", "session": "test", "username": "", "version": "5.3"},
            "parent_header": {}, "metadata": {}, "buffers": [],
            "content": {"code": code, "silent": false, "store_history": false, "user_expressions": {}, "allow_stdin": false},
        }));
    }

    /// Reads until something holds these words.
    pub(crate) fn until(&mut self, words: &str) {
        loop {
            match self.0.read().unwrap_or_else(|error| panic!("it never says {words:?}: {error}")) {
                Message::Text(text) if text.contains(words) => return,
                _ => {}
            }
        }
    }
}
