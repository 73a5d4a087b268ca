//! Requests exactly as they are written: no client library puts a path or a header right on the way.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::backends::NUMBER;
use crate::harness::say;
use crate::requests::{Cell, Who};
use crate::tokens::{AUDIENCE, ISSUER, Keys};

/// Makes requests as people make them.
pub(crate) struct Client {
    people: BTreeMap<String, Who>,
    keys: Keys,
    count: AtomicUsize,
}

/// Headers and what is added to the path.
type Credentials = (Vec<(String, String)>, String);

impl Client {
    pub(crate) fn new(people: BTreeMap<String, Who>, keys: Keys) -> Self {
        Self { people, keys, count: AtomicUsize::default() }
    }

    /// What somebody's line says, where it says it.
    pub(crate) fn word(&self, who: &str, name: &str) -> Option<&str> {
        self.people[who].get(name).map(String::as_str)
    }

    /// What the token of one of them says.
    pub(crate) fn claims(&self, who: &str) -> Option<Value> {
        let who = &self.people[who];
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let word = |name: &str| who.get(name).map(String::as_str);
        let email = word("email")?;
        let seconds = |name: &str| word(name).map(|text| now.saturating_add_signed(text.parse().expect("seconds")));
        let mut claims = json!({"sub": format!("sub-{email}"), "email": email, "email_verified": true, "iat": now});
        claims["iss"] = word("iss").unwrap_or(ISSUER).into();
        claims["aud"] = word("aud").unwrap_or(AUDIENCE).into();
        claims["exp"] = seconds("exp").unwrap_or(now + 3600).into();
        if let Some(time) = seconds("nbf") {
            claims["nbf"] = time.into();
        }
        for (name, value) in who {
            if let Some(claim) = name.strip_prefix("claim.") {
                claims[claim] = serde_json::from_str(value).unwrap_or_else(|_| value.as_str().into());
            }
        }
        if let Some(groups) = word("groups") {
            claims["groups"] = groups.split(',').map(Value::from).collect();
        }
        // null is no claim at all.
        claims.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
        Some(claims)
    }

    /// The token of one of them.
    pub(crate) fn token(&self, who: &str) -> Option<String> {
        let mut claims = self.claims(who)?;
        let word = |name: &str| self.people[who].get(name).map(String::as_str);
        let token = self.keys.token(word("alg").unwrap_or("RS256"), &claims);
        let Some(other) = word("becomes") else { return Some(token) };
        claims["email"] = other.into();
        Some(Keys::tampered(&token, &claims))
    }

    /// Somebody's headers, and the tokens in those that are called `Authorization`.
    pub(crate) fn headers(&self, who: &str) -> (Vec<(String, String)>, Vec<String>) {
        let (headers, _) = self.credentials(who);
        let values =
            headers.iter().filter(|(name, _)| name == "authorization").filter_map(|(_, value)| value.strip_prefix("Bearer "));
        let tokens = values.map(str::to_owned).collect();
        (headers, tokens)
    }

    fn credentials(&self, who: &str) -> Credentials {
        let words = &self.people[who];
        let (mut headers, mut query) = (Vec::new(), String::new());
        let mut add = |name: &str, value: String| headers.push((name.to_owned(), value));
        let bearer = |who: &str| format!("Bearer {}", self.token(who).expect("somebody with a token"));
        if let Some(other) = words.get("before") {
            add("authorization", bearer(other));
        }
        if let Some(token) = self.token(who) {
            match words.get("in").map_or("Bearer", String::as_str) {
                "cookie" => add("cookie", format!("_oauth2_proxy={token}; session={token}; Authorization={token}")),
                "query" => query = format!("access_token={token}"),
                scheme => add("authorization", format!("{scheme} {token}")),
            }
        }
        if let Some(other) = words.get("after") {
            add("authorization", bearer(other));
        }
        for (name, value) in words {
            if let Some(name) = name.strip_prefix("header.") {
                add(name, value.clone());
            }
        }
        (headers, query)
    }

    /// Sends the request of a cell to a port. Its number, its status (0 without an answer), the backend that answered, and all cookies that
    /// are set.
    pub(crate) fn send(&self, cell: &Cell, port: u16) -> (String, u16, Option<String>, Vec<String>) {
        let number = self.count.fetch_add(1, Ordering::Relaxed).to_string();
        let (mut headers, query) = self.credentials(&cell.who);
        headers.push((NUMBER.to_owned(), number.clone()));
        let mark = if query.is_empty() { "" } else { "?" };
        let target = format!("{}{mark}{query}", cell.target);
        let head =
            if cell.protocol == "2" { second(cell, &target, &headers, port) } else { first(cell, &target, &headers, port) };
        let status = head.split(' ').nth(1).and_then(|status| status.trim().parse().ok()).unwrap_or(0);
        let backend = head.lines().find_map(|line| line.strip_prefix("x-backend: ")).map(str::to_owned);
        let cookies = head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")).map(str::to_owned).collect();
        (number, status, backend, cookies)
    }
}

/// By HTTP/1, as bytes. The head of the answer.
fn first(cell: &Cell, target: &str, headers: &[(String, String)], port: u16) -> String {
    let mut text = format!("{} {target} HTTP/{}\r\nhost: {}\r\n", cell.method, cell.protocol, cell.host);
    let upgrades = headers.iter().any(|(name, _)| name == "connection");
    text.extend(headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
    text += if upgrades { "\r\n" } else { "connection: close\r\ncontent-length: 0\r\n\r\n" };
    let answer = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(text.as_bytes())?;
        let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
        while !answer.windows(4).any(|four| four == b"\r\n\r\n") {
            match stream.read(&mut buffer)? {
                0 => break,
                count => answer.extend(&buffer[..count]),
            }
        }
        Ok(answer)
    };
    answer().map(|bytes| String::from_utf8_lossy(&bytes).replace("\r\n", "\n")).unwrap_or_default()
}

/// By HTTP/2 without TLS: curl speaks it.
fn second(cell: &Cell, target: &str, headers: &[(String, String)], port: u16) -> String {
    let mut command = Command::new("curl");
    command.args([
        "--silent",
        "--http2-prior-knowledge",
        "--path-as-is",
        "--globoff",
        "--max-time",
        "10",
        "--output",
        "/dev/null",
    ]);
    command.args(["--dump-header", "-", "--request", &cell.method, "--header", &format!("host: {}", cell.host)]);
    command.args(headers.iter().flat_map(|(name, value)| ["--header".to_owned(), format!("{name}: {value}")]));
    say(command.arg(format!("http://127.0.0.1:{port}{target}"))).stdout.replace("\r\n", "\n")
}
