//! An admission webhook of the tests' own: a real HTTPS server on loopback that lets everything pass, once it answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use base64::Engine;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

pub(crate) struct Webhook {
    pub(crate) port: u16,
    certificate: rcgen::Certificate,
    key: rcgen::KeyPair,
}

impl Webhook {
    /// Nothing listens yet.
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let key = rcgen::KeyPair::generate().expect("a key");
        let parameters = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
        let certificate = parameters.self_signed(&key).expect("a certificate");
        Self { port: listener.local_addr().expect("bound").port(), certificate, key }
    }

    /// A configuration that guards the config maps labelled `guarded`.
    pub(crate) fn configuration(&self) -> String {
        let authority = base64::engine::general_purpose::STANDARD.encode(self.certificate.pem());
        format!(
            "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {{name: guard}}\nwebhooks:\n- name: guard.example.com\n  admissionReviewVersions: [v1]\n  sideEffects: None\n  clientConfig: {{url: 'https://127.0.0.1:{}/', caBundle: {authority}}}\n  objectSelector: {{matchLabels: {{guarded: 'yes'}}}}\n  rules: [{{apiGroups: [''], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}}]\n",
            self.port
        )
    }

    /// Takes connections, and never says a word.
    pub(crate) fn hang(&self) -> TcpListener {
        TcpListener::bind(("127.0.0.1", self.port)).expect("its port is still free")
    }

    /// Answers from now on, until the test ends.
    pub(crate) fn answer(&self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).expect("its port is still free");
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], key)
            .expect("a certificate with its key");
        let config = Arc::new(config);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(stream), config) = (stream, Arc::clone(&config)) else { continue };
                std::thread::spawn(move || {
                    let connection = ServerConnection::new(config).expect("a connection");
                    // The server hangs up when it has enough.
                    let _ = serve(StreamOwned::new(connection, stream));
                });
            }
        });
    }
}

fn serve(stream: StreamOwned<ServerConnection, std::net::TcpStream>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim().to_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let review: serde_json::Value = serde_json::from_slice(&body)?;
        let answer = serde_json::json!({
            "apiVersion": review["apiVersion"],
            "kind": review["kind"],
            "response": {"uid": review["request"]["uid"], "allowed": true},
        })
        .to_string();
        let stream = reader.get_mut();
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{answer}", answer.len())?;
        stream.flush()?;
    }
}
