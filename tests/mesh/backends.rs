//! What stands behind the mesh: servers that say their name and what they were asked, and remember it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The header that tells requests apart.
pub(crate) const NUMBER: &str = "x-request-number";

/// What they set: one cookie of their own, that of Kubeflow's pages, and such as would log somebody in as another.
const COOKIES: [&str; 4] =
    [OWN_COOKIE, PAGES_COOKIE, "kubeflow=planted; Path=/", "__Host-kubeflow_0=planted; Path=/; Secure; HttpOnly; SameSite=Lax"];
const OWN_COOKIE: &str = "theme=dark; Path=/";
const PAGES_COOKIE: &str = "__Host-kfctl-csrf=planted; Path=/; Secure; HttpOnly; SameSite=Strict";

/// Of what a backend sets, what may reach a browser. Where what users run is, nobody sets the cookie of Kubeflow's pages, they themselves
/// not excepted.
pub(crate) fn may_set(backend: &str, target: &str) -> &'static [&'static str] {
    let is_of_users = ["/notebook/", "/models/"].iter().any(|start| target.starts_with(start));
    if backend == "pages" && !is_of_users { &[OWN_COOKIE, PAGES_COOKIE] } else { &[OWN_COOKIE] }
}

/// A request as it reached a backend. Names of headers in lower case.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) backend: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Seen {
    /// All values of a header.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str()).collect()
    }
}

/// What reached any of them, by number.
#[derive(Clone, Default)]
pub(crate) struct Backends(Arc<Mutex<HashMap<String, Seen>>>);

impl Backends {
    /// Starts one on a port of its own.
    pub(crate) fn start(&self, name: &str) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (backends, name) = (self.clone(), name.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (backends, name) = (backends.clone(), name.clone());
                std::thread::spawn(move || backends.answer(&name, stream));
            }
        });
        port
    }

    fn answer(&self, name: &str, stream: TcpStream) -> Option<()> {
        let mut lines = BufReader::new(stream.try_clone().ok()?).lines().map_while(Result::ok);
        lines.next()?;
        let head = lines.take_while(|line| !line.is_empty());
        let headers: Vec<(String, String)> =
            head.filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()))).collect();
        let seen = Seen { backend: name.to_owned(), headers };
        if let [number] = seen.header(NUMBER)[..] {
            self.0.lock().expect("no panic").insert(number.to_owned(), seen.clone());
        }
        let cookies: String = COOKIES.iter().map(|cookie| format!("set-cookie: {cookie}\r\n")).collect();
        let text = format!("HTTP/1.1 200 OK\r\nx-backend: {name}\r\n{cookies}connection: close\r\ncontent-length: 0\r\n\r\n");
        (&stream).write_all(text.as_bytes()).ok()
    }

    /// The request of this number, where it came through.
    pub(crate) fn seen(&self, number: &str) -> Option<Seen> {
        self.0.lock().expect("no panic").get(number).cloned()
    }
}
