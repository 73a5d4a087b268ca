//! A misbehaving way to the API server: a proxy that ends the client's TLS and does to each request what it is told. What it does
//! is a pure function of a seed and the request, so a run that showed something can be run again.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::harness::{Cluster, signal};
use crate::message::{Message, read_chunk};

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It passes, this much later.
    Late(Duration),
    /// The connection is reset, before the server saw the request or after it answered.
    Reset(When),
    /// The server's answer ends in the middle.
    Truncated,
    /// An answer of this code, in place of the server's or of the request.
    Code(u16, When),
    /// An answer of before: only of requests that the proxy has seen once already.
    Stale,
    /// The client is killed.
    Kill(When),
    /// A watch ends because its place in history is gone.
    Gone,
    /// A watch is cut in the middle of an event, after so many.
    Cut(usize),
    /// Each event of a watch comes this much later.
    Lagging(Duration),
    /// A watch that stays open and never says a word.
    Silent,
    /// The server answers as one of long ago would: its clock, and its version.
    Old,
    /// It waits until all that wait are let go, even if its client has gone meanwhile.
    Held,
    /// The times in a lease are those of a clock that goes wrong by so many seconds.
    Clock(i64),
}

/// On which side of the server's own work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Before,
    After,
}

use When::{After, Before};

/// A request as a rule sees it.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    /// The path with its query.
    pub(crate) path: &'a str,
    /// What kind of answer is wanted.
    pub(crate) accept: &'a str,
    /// How often exactly this was asked before, since the rule began.
    pub(crate) before: usize,
    /// How many requests there were in all, since the rule began.
    pub(crate) place: usize,
}

impl Asked<'_> {
    fn is_watch(&self) -> bool {
        self.path.contains("watch=true") || self.path.contains("watch=1")
    }

    /// Whether this asks what the server serves, and for no object.
    pub(crate) fn is_discovery(&self) -> bool {
        is_discovery(self.method, self.path)
    }
}

/// Whether this asks what the server serves, and for no object.
fn is_discovery(method: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    method == "GET" && (path == "/api" || path.starts_with("/apis") && path.split('/').count() <= 4)
}

type Rule = Box<dyn Fn(&Asked<'_>) -> Option<Fault> + Send>;

/// A proxy before a cluster's API server. Lives as long as the tests.
pub(crate) struct Proxy {
    shared: Arc<Shared>,
    pub(crate) kubeconfig: PathBuf,
}

struct Shared {
    server: TcpAddress,
    upstream: Arc<ClientConfig>,
    rules: Mutex<Rules>,
    /// First answers to what is asked of discovery.
    first: Mutex<HashMap<String, Message>>,
    /// Connections to the server, to be ended with the client's.
    open: Mutex<Vec<TcpStream>>,
    /// Whether those that wait may go.
    gate: (Mutex<bool>, Condvar),
}

type TcpAddress = (&'static str, u16);

struct Rules {
    rule: Rule,
    asked: HashMap<String, usize>,
    place: usize,
    victim: Receiver<i32>,
    log: Vec<String>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    /// A proxy with its own certificate, and a kubeconfig of this name that leads through it. It passes everything on.
    pub(crate) fn start(cluster: &Cluster, name: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let key = rcgen::KeyPair::generate().expect("a key");
        let parameters = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
        let certificate = parameters.self_signed(&key).expect("a certificate");
        let port = listener.local_addr().expect("bound").port();
        let kubeconfig = cluster.kubeconfig_through(name, port, &certificate.pem());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())))
            .expect("a certificate with its key");
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(cluster.authority().as_bytes()).expect("the cluster's CA"))
            .expect("a CA certificate");
        let upstream = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let shared = Arc::new(Shared {
            server: ("127.0.0.1", cluster.port()),
            upstream: Arc::new(upstream),
            rules: Mutex::new(Rules::new(Box::new(|_| None)).0),
            first: Mutex::default(),
            open: Mutex::default(),
            gate: <(Mutex<bool>, Condvar)>::default(),
        });
        let (server, state) = (Arc::new(server), Arc::clone(&shared));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (server, state) = (Arc::clone(&server), Arc::clone(&state));
                // Either side hangs up when it likes: that is no fault of the test.
                std::thread::spawn(move || state.converse(server, stream));
            }
        });
        Self { shared, kubeconfig }
    }

    /// From now on requests meet this rule. The client's pid is to be sent to the answer, where the rule kills.
    pub(crate) fn misbehave(&self, rule: impl Fn(&Asked<'_>) -> Option<Fault> + Send + 'static) -> Sender<i32> {
        for stream in lock(&self.shared.open).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        let (rules, victim) = Rules::new(Box::new(rule));
        *lock(&self.shared.rules) = rules;
        victim
    }

    /// Stops the first request like this one, and all that come after it, until it is let go.
    pub(crate) fn stop_at(&self, method: &'static str, path: &str) -> Stopped {
        let ((arrives, arrived), (go, goes)) = (channel(), channel());
        let (open, path) = (AtomicBool::new(false), path.to_owned());
        self.misbehave(move |asked| {
            if asked.method == method && asked.path.ends_with(&path) && !open.swap(true, Ordering::Relaxed) {
                // A test that has failed meanwhile waits for nothing more.
                let _ = arrives.send(());
                let _ = goes.recv();
            }
            None
        });
        Stopped { arrived, go }
    }

    /// Lets all go that wait, and will.
    pub(crate) fn let_go(&self) {
        *lock(&self.shared.gate.0) = true;
        self.shared.gate.1.notify_all();
    }

    /// How many requests came since the rule began.
    pub(crate) fn requests(&self) -> usize {
        lock(&self.shared.rules).place
    }

    /// What was done to which request since the rule began.
    pub(crate) fn log(&self) -> Vec<String> {
        lock(&self.shared.rules).log.clone()
    }
}

/// A request that waits.
pub(crate) struct Stopped {
    arrived: Receiver<()>,
    go: Sender<()>,
}

impl Stopped {
    /// Does something in the middle of it.
    pub(crate) fn meanwhile<T>(self, what: impl FnOnce() -> T) -> T {
        self.arrived.recv_timeout(Duration::from_mins(1)).expect("it comes to this request");
        let result = what();
        self.go.send(()).expect("the proxy waits");
        result
    }
}

impl Rules {
    fn new(rule: Rule) -> (Self, Sender<i32>) {
        let (sender, victim) = channel();
        (Self { rule, asked: HashMap::new(), place: 0, victim, log: Vec::new() }, sender)
    }

    fn judge(&mut self, request: &Message) -> (Option<Fault>, bool) {
        let (method, path) = (request.method(), request.path());
        let times = self.asked.entry(format!("{method} {path}")).or_default();
        let accept = request.header("accept").unwrap_or_default();
        let asked = Asked { method, path, accept, before: *times, place: self.place };
        *times += 1;
        self.place += 1;
        let fault = (self.rule)(&asked);
        if let Some(fault) = fault {
            self.log.push(format!("{fault:?} at request {}: {method} {path}", asked.place));
        }
        (fault, asked.is_watch())
    }
}

impl Shared {
    fn converse(&self, config: Arc<ServerConfig>, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let connection = ServerConnection::new(config).map_err(io::Error::other)?;
        let mut client = BufReader::new(StreamOwned::new(connection, stream));
        let mut server = None;
        while let Some(request) = Message::read_head(&mut client)? {
            let mut request = request.read_body(&mut client, false)?;
            let (fault, is_watch) = lock(&self.rules).judge(&request);
            match fault {
                Some(Fault::Late(time)) => pause(time),
                Some(Fault::Held) => drop(self.gate.1.wait_while(lock(&self.gate.0), |open| !*open)),
                Some(Fault::Clock(seconds)) => request = with_clock(request, seconds),
                Some(Fault::Reset(Before)) => return reset(&client.get_ref().sock),
                Some(Fault::Kill(Before)) => return self.kill(),
                Some(Fault::Code(code, Before)) => {
                    refusal(code).write(client.get_mut())?;
                    continue;
                }
                Some(Fault::Gone) => {
                    gone().write(client.get_mut())?;
                    continue;
                }
                Some(Fault::Silent) => {
                    Message { start: "HTTP/1.1 200 OK".into(), ..Message::default() }
                        .with("content-type", "application/json")
                        .with("transfer-encoding", "chunked")
                        .write_head(client.get_mut())?;
                    // Until the client goes away.
                    return io::copy(&mut client, &mut io::sink()).map(drop);
                }
                Some(Fault::Stale) => {
                    if let Some(first) = lock(&self.first).get(&request.key()) {
                        first.write(client.get_mut())?;
                        continue;
                    }
                }
                _ => {}
            }
            let server = match &mut server {
                Some(server) => server,
                None => server.insert(self.connect()?),
            };
            request.write(server.get_mut())?;
            let answer = Message::read_head(server)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            if is_watch && answer.header("transfer-encoding").is_some() {
                answer.write_head(client.get_mut())?;
                relay(server, client.get_mut(), fault)?;
                return reset(&client.get_ref().sock);
            }
            let answer = answer.read_body(server, true)?;
            if is_discovery(request.method(), request.path()) {
                lock(&self.first).entry(request.key()).or_insert_with(|| answer.clone());
            }
            match fault {
                Some(Fault::Reset(After)) => return reset(&client.get_ref().sock),
                Some(Fault::Kill(After)) => return self.kill(),
                Some(Fault::Code(code, After)) => refusal(code).write(client.get_mut())?,
                Some(Fault::Truncated) => {
                    let half = answer.body.len() / 2;
                    answer.write_head(client.get_mut())?;
                    client.get_mut().write_all(&answer.body[..half])?;
                    client.get_mut().flush()?;
                    return client.get_ref().sock.shutdown(Shutdown::Both);
                }
                Some(Fault::Old) => old(answer).write(client.get_mut())?,
                _ => answer.write(client.get_mut())?,
            }
        }
        Ok(())
    }

    fn connect(&self) -> io::Result<BufReader<StreamOwned<ClientConnection, TcpStream>>> {
        let stream = TcpStream::connect(self.server)?;
        stream.set_nodelay(true)?;
        lock(&self.open).push(stream.try_clone()?);
        let name = ServerName::try_from("127.0.0.1").expect("an address");
        let connection = ClientConnection::new(Arc::clone(&self.upstream), name).map_err(io::Error::other)?;
        Ok(BufReader::new(StreamOwned::new(connection, stream)))
    }

    /// Kills the client, once it is known who that is.
    fn kill(&self) -> io::Result<()> {
        let victim = lock(&self.rules).victim.recv_timeout(Duration::from_secs(10));
        victim.map(|pid| signal("KILL", pid)).map_err(io::Error::other)
    }
}

/// Passes a watch on, event by event. An event is a chunk.
fn relay(server: &mut impl BufRead, client: &mut impl Write, fault: Option<Fault>) -> io::Result<()> {
    for events in 0.. {
        let chunk = read_chunk(server)?;
        match fault {
            Some(Fault::Cut(after)) if events == after => {
                write!(client, "{:x}\r\n", chunk.len().max(1))?;
                client.write_all(&chunk[..chunk.len() / 2])?;
                return client.flush();
            }
            Some(Fault::Lagging(time)) => pause(time),
            _ => {}
        }
        write!(client, "{:x}\r\n", chunk.len())?;
        client.write_all(&chunk)?;
        client.write_all(b"\r\n")?;
        client.flush()?;
        if chunk.is_empty() {
            break;
        }
    }
    Ok(())
}

/// Time is what this fault is made of.
fn pause(time: Duration) {
    let (_sender, receiver) = channel::<()>();
    let _guard = receiver.recv_timeout(time);
}

/// Ends a connection with a reset, as a load balancer that goes away does.
fn reset(stream: &TcpStream) -> io::Result<()> {
    rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO))?;
    Ok(())
}

fn refusal(code: u16) -> Message {
    let message = Message { start: format!("HTTP/1.1 {code} Because"), ..Message::default() };
    // The server's own answers are typed; those of what stands between are not.
    match code {
        429 => message.with("retry-after", "1").with("content-type", "text/plain").body("Too many requests"),
        401 | 409 | 500 => {
            let reason = match code {
                401 => "Unauthorized",
                409 => "Conflict",
                _ => "InternalError",
            };
            let status = serde_json::json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": format!("a fault of the test: {reason}"), "reason": reason, "code": code});
            message.with("content-type", "application/json").body(&status.to_string())
        }
        _ => message.with("content-type", "text/html").body("<html><h1>upstream connect error</h1></html>"),
    }
}

fn old(mut answer: Message) -> Message {
    answer.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("date"));
    let version = serde_json::json!({"major": "1", "minor": "20", "gitVersion": "v1.20.0"}).to_string();
    answer.with("date", "Sat, 01 Jan 2022 00:00:00 GMT").body(&version)
}

/// A lease as it would have been written by a clock that goes wrong.
fn with_clock(request: Message, seconds: i64) -> Message {
    let mut lease: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    for field in ["acquireTime", "renewTime"] {
        let time: jiff::Timestamp = lease["spec"][field].as_str().and_then(|text| text.parse().ok()).expect("a time");
        let wrong = time + jiff::SignedDuration::from_secs(seconds);
        lease["spec"][field] = wrong.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string().into();
    }
    request.body(&lease.to_string())
}

fn gone() -> Message {
    let event = serde_json::json!({"type": "ERROR", "object": {"kind": "Status", "apiVersion": "v1", "metadata": {},
        "status": "Failure", "message": "too old resource version: 1 (2)", "reason": "Expired", "code": 410}});
    let message = Message { start: "HTTP/1.1 200 OK".into(), ..Message::default() };
    message.with("content-type", "application/json").body(&format!("{event}\n"))
}

/// Numbers that follow from a seed (`SplitMix64`).
#[derive(Debug, Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// Others for each text.
    pub(crate) fn of(seed: u64, text: &str) -> Self {
        // FNV-1a
        let hash =
            text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self(seed ^ hash)
    }

    /// The next number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).expect("below a usize")
    }
}

/// A fault for every few requests, by the seed. The same question passes at the fourth time, so that every run can end.
pub(crate) fn at_random(seed: u64) -> impl Fn(&Asked<'_>) -> Option<Fault> + Send + 'static {
    move |asked| {
        let mut dice = Dice::of(seed, &format!("{} {} {}", asked.method, asked.path, asked.before));
        let milliseconds = |dice: &mut Dice| Duration::from_millis(5 + dice.below(200) as u64);
        if asked.before >= 3
            || dice.below(100) >= if asked.is_watch() || is_discovery(asked.method, asked.path) { 50 } else { 15 }
        {
            return None;
        }
        if is_discovery(asked.method, asked.path) && dice.below(2) == 0 {
            return Some(Fault::Stale);
        }
        if asked.is_watch() && dice.below(3) > 0 {
            return Some(match dice.below(4) {
                0 => Fault::Gone,
                1 => Fault::Cut(dice.below(4)),
                2 => Fault::Silent,
                _ => Fault::Lagging(milliseconds(&mut dice)),
            });
        }
        let when = if dice.below(2) == 0 { Before } else { After };
        Some(match dice.below(8) {
            0 => Fault::Late(milliseconds(&mut dice)),
            1 | 2 => Fault::Reset(when),
            3 => Fault::Truncated,
            4 => Fault::Code(429, Before),
            // Whom the server does not know from the first word on is told at once.
            5 if !asked.path.ends_with("/kube-system") => Fault::Code(401, Before),
            _ => Fault::Code([500, 503, 504][dice.below(3)], when),
        })
    }
}
