//! A notebook's server as a browser with `JupyterLab` in it uses it: kernels by its API, cells by their websocket.

use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

/// A server at `http://HOST/PREFIX`.
pub(crate) struct Server {
    host: String,
    prefix: String,
    /// What the server gives to pages of its own, and wants back.
    token: String,
}

impl Server {
    /// Opens its first page; none while it does not answer.
    pub(crate) fn open(host: &str, prefix: &str) -> Option<Self> {
        let mut page = ureq::get(format!("http://{host}{prefix}/lab")).call().ok()?;
        let cookies = page.headers().get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
        let token = cookies.into_iter().find_map(|cookie| cookie.strip_prefix("_xsrf=")?.split(';').next());
        let token = token.unwrap_or_default().to_owned();
        assert!(page.body_mut().read_to_string().ok()?.contains("JupyterLab"), "it is no JupyterLab");
        Some(Self { host: host.to_owned(), prefix: prefix.to_owned(), token })
    }

    /// Runs a cell in a kernel of its own, and returns what it prints.
    pub(crate) fn run(&self, cell: &str) -> String {
        let url = format!("http://{}{}/api/kernels", self.host, self.prefix);
        let request = ureq::post(url).header("cookie", self.cookie()).header("x-xsrftoken", &self.token);
        let mut made = request.send(json!({"name": "python3"}).to_string()).expect("the server starts a kernel");
        let kernel: Value = serde_json::from_str(&made.body_mut().read_to_string().expect("text")).expect("JSON");
        let mut channel = self.channel(kernel["id"].as_str().expect("an id"));
        let message = json!({
            "channel": "shell", "header": {"msg_id": "one", "msg_type": "execute_request", "session": "test", "username": "", "version": "5.3"},
            "parent_header": {}, "metadata": {}, "buffers": [],
            "content": {"code": cell, "silent": false, "store_history": false, "user_expressions": {}, "allow_stdin": false},
        });
        channel.send(Message::text(message.to_string())).expect("the server takes a cell");
        let mut printed = String::new();
        loop {
            let Message::Text(text) = channel.read().expect("the kernel answers") else { continue };
            let said: Value = serde_json::from_str(&text).expect("JSON");
            let ours = said["parent_header"]["msg_id"] == "one";
            match said["msg_type"].as_str() {
                Some("stream") if ours => printed += said["content"]["text"].as_str().unwrap_or_default(),
                Some("error") if ours => panic!("{cell}: {}", said["content"]),
                Some("status") if ours && said["content"]["execution_state"] == "idle" => return printed,
                _ => {}
            }
        }
    }

    fn cookie(&self) -> String {
        format!("_xsrf={}", self.token)
    }

    fn channel(&self, kernel: &str) -> WebSocket<TcpStream> {
        let url = format!("ws://{}{}/api/kernels/{kernel}/channels", self.host, self.prefix);
        let mut request = url.into_client_request().expect("an address");
        request.headers_mut().insert("cookie", self.cookie().parse().expect("a header"));
        let stream = TcpStream::connect((self.host.as_str(), 80)).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a time");
        tungstenite::client(request, stream).expect("the server opens a websocket").0
    }
}
