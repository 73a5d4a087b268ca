//! A kubelet that has logs: what the API server asks for the log of a pod of simulated nodes.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

use crate::profile_lifecycle::Profiles;

/// What every log says: lines that are there, and come.
#[derive(Debug, Default)]
struct Said {
    lines: Mutex<Vec<u8>>,
    more: Condvar,
}

/// It runs until the test ends.
pub(crate) struct Kubelet(Arc<Said>);

impl Kubelet {
    /// Starts it, and makes it the kubelet of all nodes.
    pub(crate) fn start(test: &Profiles) -> Self {
        let key = rcgen::KeyPair::generate().expect("a key");
        let parameters = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
        let certificate = parameters.self_signed(&key).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).expect("a pair");
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let said = Arc::new(Said::default());
        let all = Arc::clone(&said);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, said) = (Arc::clone(&config), Arc::clone(&all));
                std::thread::spawn(move || answer(config, stream, &said));
            }
        });
        let status = json!({"status": {"addresses": [{"type": "InternalIP", "address": "127.0.0.1"}], "daemonEndpoints": {"kubeletEndpoint": {"Port": port}}}});
        for node in ["simulated-0", "simulated-1"] {
            test.admin(&["patch", "node", node, "--subresource=status", "--type=merge", "-p", &status.to_string()]);
        }
        Self(said)
    }

    /// Every log says this from now on.
    pub(crate) fn say(&self, text: &str) {
        self.0.lines.lock().expect("no panic").extend_from_slice(text.as_bytes());
        self.0.more.notify_all();
    }
}

/// One log: what there is, and where it is followed, what comes.
fn answer(config: Arc<ServerConfig>, stream: TcpStream, said: &Said) -> Option<()> {
    let mut reader = BufReader::new(StreamOwned::new(ServerConnection::new(config).ok()?, stream));
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        (reader.read_line(&mut request).ok()? > 0).then_some(())?;
    }
    let (target, is_followed) = (request.split(' ').nth(1)?, request.contains("follow=true"));
    let mut stream = reader.into_inner();
    if !target.starts_with("/containerLogs/") {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").ok();
    }
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n")
        .ok()?;
    let mut sent = 0;
    loop {
        let mut lines = said.lines.lock().ok()?;
        while is_followed && lines.len() == sent {
            lines = said.more.wait(lines).ok()?;
        }
        let part = lines[sent..].to_vec();
        drop(lines);
        sent += part.len();
        if !part.is_empty() {
            stream.write_all(format!("{:x}\r\n", part.len()).as_bytes()).ok()?;
            stream.write_all(&[&part[..], b"\r\n"].concat()).ok()?;
        }
        stream.flush().ok()?;
        if !is_followed {
            stream.write_all(b"0\r\n\r\n").ok()?;
            stream.conn.send_close_notify();
            return stream.flush().ok();
        }
    }
}
