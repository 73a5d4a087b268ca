//! A browser, as far as a login needs one: cookies as they are said, redirects, and a form. It believes that the gateway is reached by TLS,
//! which a load balancer before it ends.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::backends::NUMBER;

/// The name that people open.
pub(crate) const HOST: &str = "kubeflow.example.com";
/// The name under which notebooks are, where they have one of their own: of another site.
pub(crate) const NOTEBOOKS: &str = "notebooks.example.net";

fn is_the_gateways(host: &str) -> bool {
    host == HOST || host == NOTEBOOKS
}

/// A cookie, and where it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cookie {
    host: String,
    path: String,
    pub(crate) name: String,
    pub(crate) value: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) url: String,
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Whether a session, or a part of one, is set by it.
    pub(crate) fn gives_a_session(&self) -> bool {
        let set = self.headers.iter().filter(|(name, _)| name == "set-cookie");
        let mut pairs = set.filter_map(|(_, cookie)| cookie.split(';').next()?.split_once('='));
        pairs.any(|(name, value)| is_of_a_session(name) && !value.is_empty())
    }
}

/// Who opens pages.
#[derive(Clone)]
pub(crate) struct Browser {
    gateway: u16,
    pub(crate) cookies: Vec<Cookie>,
    /// Headers that it sends with every request.
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// Whether it is no cookie of a login under way, nor an application's.
fn is_of_a_session(name: &str) -> bool {
    name.starts_with("__Host-kubeflow") && !name.ends_with("_csrf")
}

/// Scheme, host with its port, and path with its query.
fn parts(url: &str) -> (&str, &str, &str) {
    let (scheme, rest) = url.split_once("://").unwrap_or_else(|| panic!("{url:?} is no URL"));
    let (host, _) = rest.split_once('/').unwrap_or((rest, ""));
    (scheme, host, if rest.len() == host.len() { "/" } else { &rest[host.len()..] })
}

/// A URL on the gateway.
pub(crate) fn at(path: &str) -> String {
    format!("https://{HOST}{path}")
}

/// Text as a form or a query carries it.
pub(crate) fn encoded(text: &str) -> String {
    let escaped = |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(escaped).collect()
}

impl Browser {
    pub(crate) fn new(gateway: u16) -> Self {
        Self { gateway, cookies: Vec::new(), headers: Vec::new() }
    }

    /// The cookies in which its session is.
    pub(crate) fn session(&self) -> Vec<&Cookie> {
        self.session_at(HOST)
    }

    pub(crate) fn session_at(&self, host: &str) -> Vec<&Cookie> {
        self.cookies.iter().filter(|cookie| cookie.host == host && is_of_a_session(&cookie.name)).collect()
    }

    fn keep(&mut self, scheme: &str, host: &str, cookie: &str) {
        let mut words = cookie.split(';').map(str::trim);
        let (name, value) = words.next().and_then(|word| word.split_once('=')).expect("NAME=VALUE");
        let attributes: Vec<(String, &str)> = words
            .map(|word| word.split_once('=').unwrap_or((word, "")))
            .map(|(name, value)| (name.to_lowercase(), value))
            .collect();
        let attribute = |name: &str| attributes.iter().find(|(found, _)| found == name).map(|(_, value)| *value);
        let path = attribute("path").unwrap_or("/").to_owned();
        // What a browser would not take is a fault of whoever sets it.
        assert!(attribute("secure").is_none() || scheme == "https", "{cookie}");
        if name.starts_with("__Host-") {
            assert!(attribute("secure").is_some() && attribute("domain").is_none() && path == "/", "{cookie}");
            assert!(attribute("httponly").is_some() && matches!(attribute("samesite"), Some("Lax" | "Strict")), "{cookie}");
        }
        self.cookies.retain(|kept| (kept.host.as_str(), kept.path.as_str(), kept.name.as_str()) != (host, path.as_str(), name));
        if !value.is_empty() {
            self.cookies.push(Cookie { host: host.to_owned(), path, name: name.to_owned(), value: value.to_owned() });
        }
    }

    /// One request, and its answer.
    pub(crate) fn send(&mut self, method: &str, url: &str, form: &[(&str, &str)]) -> Page {
        let (scheme, host, target) = parts(url);
        let path = target.split('?').next().unwrap_or_default();
        let sent = self.cookies.iter().filter(|cookie| cookie.host == host && path.starts_with(&cookie.path));
        let cookies: Vec<String> = sent.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        let body = form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&");
        let mut head =
            format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        if !cookies.is_empty() {
            head.extend(["cookie: ", &cookies.join("; "), "\r\n"]);
        }
        if !form.is_empty() {
            head += "content-type: application/x-www-form-urlencoded\r\n";
        }
        if is_the_gateways(host) {
            head += "x-forwarded-proto: https\r\n";
            head.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
        }
        let address = if is_the_gateways(host) { format!("127.0.0.1:{}", self.gateway) } else { host.to_owned() };
        let mut answer = Vec::new();
        let mut stream = TcpStream::connect(&address).unwrap_or_else(|error| panic!("{url}: {error}"));
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).expect("sent");
        stream.read_to_end(&mut answer).unwrap_or_else(|error| panic!("{url}: {error}"));
        let text = String::from_utf8_lossy(&answer);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{url}: {text:?} is no answer"));
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        let page =
            Page { url: url.to_owned(), status: status.expect("a status"), headers: headers.collect(), body: body.to_owned() };
        for (_, cookie) in page.headers.iter().filter(|(name, _)| name == "set-cookie") {
            self.keep(scheme, host, cookie);
        }
        page
    }

    /// One request for a page, by its number, under which a backend remembers it.
    pub(crate) fn get_as(&mut self, number: &str, url: &str) -> Page {
        self.headers.push((NUMBER, number.to_owned()));
        let page = self.send("GET", url, &[]);
        self.headers.pop();
        page
    }

    /// Opens a page, and follows where it leads until there is no more to follow, or a URL that holds this.
    pub(crate) fn follow(&mut self, page: Page, until: &str) -> Page {
        let mut page = page;
        for _ in 0..15 {
            let Some(location) = page.header("location").filter(|_| (300..400).contains(&page.status)) else { return page };
            let (scheme, host, _) = parts(&page.url);
            let url = if location.starts_with('/') { format!("{scheme}://{host}{location}") } else { location.to_owned() };
            if !until.is_empty() && url.contains(until) {
                return Page { url, ..page };
            }
            page = self.send("GET", &url, &[]);
        }
        panic!("{} leads in a circle", page.url);
    }

    pub(crate) fn open(&mut self, path: &str) -> Page {
        let page = self.send("GET", &at(path), &[]);
        self.follow(page, "")
    }

    /// Fills in the form of a login page, and goes on until a URL holds this.
    pub(crate) fn log_in(&mut self, page: &Page, name: &str, password: &str, until: &str) -> Page {
        assert_eq!(page.status, 200, "no login page: {} {}", page.url, page.body);
        let url = page.url.clone();
        let page = self.send("POST", &url, &[("login", name), ("password", password)]);
        self.follow(page, until)
    }
}
