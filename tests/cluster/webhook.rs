//! A webhook of the tests' own: a real HTTPS server on loopback that, once it answers, lets everything pass, and converts between
//! versions by changing nothing else. Into pods it puts what today's webhook of `PodDefault`s would, in its words.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

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

    /// A configuration that is shown pods as they are made, but for those that the system needs.
    pub(crate) fn of_pods(&self) -> String {
        format!(
            "apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: {{name: pod-defaults}}\nwebhooks:\n- name: pod-defaults.example.com\n  admissionReviewVersions: [v1]\n  sideEffects: None\n  clientConfig: {}\n  namespaceSelector: {{matchLabels: {{app.kubernetes.io/part-of: kubeflow-profile}}}}\n  rules: [{{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}}]\n",
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
        let review: Value = serde_json::from_slice(&body)?;
        let request = &review["request"];
        let mut response = json!({"uid": request["uid"], "allowed": true});
        if let Some(objects) = request["objects"].as_array() {
            let mut objects = objects.clone();
            for object in &mut objects {
                object["apiVersion"] = request["desiredAPIVersion"].clone();
            }
            response = json!({"uid": request["uid"], "result": {"status": "Success"}, "convertedObjects": objects});
        }
        if request["resource"]["resource"] == "pods" && request["object"]["metadata"]["labels"]["use-proxy"] == "true" {
            response = with_proxy(&request["uid"], &request["object"]);
        }
        let answer = json!({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response});
        let answer = answer.to_string();
        let stream = reader.get_mut();
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{answer}", answer.len())?;
        stream.flush()?;
    }
}

/// What `PodDefault` `proxy` does to a pod with its label: a variable, which must not be there with another value.
fn with_proxy(uid: &Value, pod: &Value) -> Value {
    let container = &pod["spec"]["containers"][0];
    let mut variables = container["env"].as_array().cloned().unwrap_or_default();
    if variables.iter().any(|variable| variable["name"] == "PROXY") {
        let message = "conflict occurred while applying poddefaults: proxy on pod: merging env for proxy has a conflict on PROXY";
        return json!({"uid": uid, "allowed": false, "status": {"message": message}});
    }
    variables.push(json!({"name": "PROXY", "value": "proxy.example.com"}));
    let mut annotations = pod["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
    annotations.insert("poddefault.admission.kubeflow.org/poddefault-proxy".into(), "1".into());
    let patch = json!([
        {"op": "add", "path": "/metadata/annotations", "value": annotations},
        {"op": "add", "path": "/spec/containers/0/env", "value": variables},
    ]);
    let patch = base64::engine::general_purpose::STANDARD.encode(patch.to_string());
    json!({"uid": uid, "allowed": true, "patchType": "JSONPatch", "patch": patch})
}
