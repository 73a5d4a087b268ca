//! A webhook of the tests' own: a real HTTPS server on loopback that, once it answers, lets everything pass, and converts between
//! versions by changing nothing else.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

pub(crate) struct Webhook {
    pub(crate) port: u16,
    certificate: rcgen::Certificate,
    stopped: Arc<AtomicBool>,
    key: rcgen::KeyPair,
}

impl Webhook {
    /// Nothing listens yet.
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let key = rcgen::KeyPair::generate().expect("a key");
        let parameters = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
        let certificate = parameters.self_signed(&key).expect("a certificate");
        let port = listener.local_addr().expect("bound").port();
        Self { port, certificate, stopped: Arc::default(), key }
    }

    /// A configuration that guards the config maps labelled `guarded`.
    pub(crate) fn configuration(&self) -> String {
        format!(
            "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {{name: guard}}\nwebhooks:\n- name: guard.example.com\n  admissionReviewVersions: [v1]\n  sideEffects: None\n  clientConfig: {}\n  objectSelector: {{matchLabels: {{guarded: 'yes'}}}}\n  rules: [{{apiGroups: [''], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}}]\n",
            self.client()
        )
    }

    /// A configuration that is asked, patiently, before a profile is deleted; without an answer it may be.
    pub(crate) fn before_profiles_end(&self) -> String {
        format!(
            "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {{name: guard}}\nwebhooks:\n- name: guard.example.com\n  admissionReviewVersions: [v1]\n  sideEffects: None\n  failurePolicy: Ignore\n  timeoutSeconds: 30\n  clientConfig: {}\n  rules: [{{apiGroups: [kubeflow.org], apiVersions: ['*'], operations: [DELETE], resources: [profiles]}}]\n",
            self.client()
        )
    }

    /// How the server gets to it.
    pub(crate) fn client(&self) -> String {
        let authority = base64::engine::general_purpose::STANDARD.encode(self.certificate.pem());
        format!("{{url: 'https://127.0.0.1:{}/', caBundle: {authority}}}", self.port)
    }

    /// Takes connections, and never says a word.
    pub(crate) fn hang(&self) -> TcpListener {
        TcpListener::bind(("127.0.0.1", self.port)).expect("its port is still free")
    }

    /// Answers nobody any more.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Answers from now on, until the test ends or stops it.
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
        let (config, stopped) = (Arc::new(config), Arc::clone(&self.stopped));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(stream), config, stopped) = (stream, Arc::clone(&config), Arc::clone(&stopped)) else { continue };
                std::thread::spawn(move || {
                    let connection = ServerConnection::new(config).expect("a connection");
                    // The server hangs up when it has enough.
                    let _ = serve(StreamOwned::new(connection, stream), &stopped);
                });
            }
        });
    }
}

fn serve(stream: StreamOwned<ServerConnection, std::net::TcpStream>, stopped: &AtomicBool) -> std::io::Result<()> {
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
        if stopped.load(Ordering::Relaxed) {
            return Ok(());
        }
        let review: serde_json::Value = serde_json::from_slice(&body)?;
        let request = &review["request"];
        let mut response = serde_json::json!({"uid": request["uid"], "allowed": true});
        if let Some(objects) = request["objects"].as_array() {
            let mut objects = objects.clone();
            for object in &mut objects {
                object["apiVersion"] = request["desiredAPIVersion"].clone();
            }
            response = serde_json::json!({"uid": request["uid"], "result": {"status": "Success"}, "convertedObjects": objects});
        }
        let answer = serde_json::json!({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response});
        let answer = answer.to_string();
        let stream = reader.get_mut();
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{answer}", answer.len())?;
        stream.flush()?;
    }
}
