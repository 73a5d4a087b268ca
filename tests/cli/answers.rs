//! Clusters that don't let one in: what is said of a server of the test's own that answers as they would.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use base64::Engine;
use insta::assert_snapshot;

use crate::harness::Sandbox;

/// Reads a request and answers it.
fn answer(mut stream: impl Read + Write, status: &str, body: &str) -> std::io::Result<()> {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            read => request.extend_from_slice(&buffer[..read]),
        }
    }
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// Serves every connection until the test ends. Returns the port.
fn serve(handle: impl Fn(TcpStream) -> std::io::Result<()> + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // A client that leaves is the client's affair.
            let _ = handle(stream);
        }
    });
    port
}

/// An app and a kubeconfig for a server; `cluster` and `user` are YAML.
fn sandbox(cluster: &str, user: &str) -> Sandbox {
    let sandbox = Sandbox::with_app("").env("KUBECONFIG", "[DIR]/kubeconfig");
    sandbox.write(
        "../kubeconfig",
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: there\nclusters:\n- name: c\n  cluster: {cluster}\n\
             contexts:\n- name: there\n  context: {{cluster: c, user: me}}\nusers:\n- name: me\n  user: {user}\n"
        ),
    );
    sandbox
}

/// What `apply` says to it. `status` must say the same, and nothing may be recorded.
fn applied(sandbox: &Sandbox, port: u16) -> String {
    let before = sandbox.read("app.yaml");
    // A certificate's error names the time.
    let timeless = |said: String| match said.split_once("verification time ") {
        Some((before, after)) => format!("{before}[TIMES]{}", &after[after.find('\n').unwrap()..]),
        None => said,
    };
    let said = timeless(sandbox.kfctl(&["apply", "k8s", "--yes"]));
    assert_eq!(timeless(sandbox.kfctl(&["status"])), said);
    assert_eq!(sandbox.read("app.yaml"), before, "a cluster is recorded that nobody has seen");
    said.replace(&format!(":{port}"), ":[PORT]")
}

fn says(status: &'static str, body: &'static str) -> String {
    let port = serve(move |stream| answer(stream, status, body));
    applied(&sandbox(&format!("{{server: 'http://127.0.0.1:{port}'}}"), "{token: secret-token}"), port)
}

#[test]
fn credentials_that_have_expired() {
    let body =
        r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}"#;
    assert_snapshot!(says("401 Unauthorized", body), @"
    exit: 1
    --- stdout
    --- stderr
    error: http://127.0.0.1:[PORT] does not accept your credentials (context there)
      Unauthorized
    hint: log in again, or choose another user's context with --context
    ");
}

#[test]
fn a_right_that_is_missing() {
    let body = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"namespaces \"kube-system\" is forbidden: User \"jane\" cannot get resource \"namespaces\"","reason":"Forbidden","details":{"name":"kube-system","kind":"namespaces"},"code":403}"#;
    assert_snapshot!(says("403 Forbidden", body), @r#"
    exit: 1
    --- stdout
    --- stderr
    error: you may not read namespace kube-system on http://127.0.0.1:[PORT] (context there)
      namespaces "kube-system" is forbidden: User "jane" cannot get resource "namespaces"
    hint: ask an admin of the cluster for the right, or choose another context with --context
    "#);
}

#[test]
fn a_server_of_something_else() {
    assert_snapshot!(says("200 OK", "<html>Hello</html>"), @"
    exit: 1
    --- stdout
    --- stderr
    error: cannot reach the cluster at http://127.0.0.1:[PORT] (context there)
      the answer was cut off or is no JSON: expected value at line 1 column 1
    hint: is it running, and is this the right one? `kubectl config get-contexts` lists what there is; choose with --context
    ");
    assert_snapshot!(says("200 OK", "{}"), @"
    exit: 1
    --- stdout
    --- stderr
    error: http://127.0.0.1:[PORT] answers, but not like a Kubernetes API server
    ");
    assert_snapshot!(says("404 Not Found", "<html>no such page</html>"), @"
    exit: 1
    --- stdout
    --- stderr
    error: http://127.0.0.1:[PORT]: cannot read namespace kube-system
      <html>no such page</html>
    hint: is that the address of a Kubernetes API server? `kubectl cluster-info` shows which one the kubeconfig names
    ");
    assert_snapshot!(says("502 Bad Gateway", "<html>nobody behind me</html>"), @"
    exit: 1
    --- stdout
    --- stderr
    error: cannot reach the cluster at http://127.0.0.1:[PORT] (context there)
      <html>nobody behind me</html>
    hint: is it running, and is this the right one? `kubectl config get-contexts` lists what there is; choose with --context
    ");
}

#[test]
fn a_connection_that_is_cut() {
    let port = serve(|mut stream| stream.read(&mut [0; 4096]).map(drop));
    let said = applied(&sandbox(&format!("{{server: 'http://127.0.0.1:{port}'}}"), "{token: secret-token}"), port);
    assert!(said.contains("error: cannot reach the cluster at http://127.0.0.1:[PORT] (context there)\n"), "{said}");
}

/// A server with a certificate that ended yesterday, or that a stranger has signed.
fn with_certificate(expired: bool, trusted: bool) -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    if expired {
        parameters.not_before = rcgen::date_time_ymd(2001, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2002, 1, 1);
    }
    let certificate = parameters.self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    let config = Arc::new(config);
    let port = serve(move |stream| {
        let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        answer(rustls::StreamOwned::new(connection, stream), "200 OK", "{}")
    });
    let authority = base64::engine::general_purpose::STANDARD.encode(certificate.pem());
    let authority = if trusted { format!(", certificate-authority-data: {authority}") } else { String::new() };
    let said = applied(&sandbox(&format!("{{server: 'https://127.0.0.1:{port}'{authority}}}"), "{token: secret-token}"), port);
    assert!(!said.contains("secret-token"));
    said
}

#[test]
fn certificates() {
    assert_snapshot!(with_certificate(true, true), @"
    exit: 1
    --- stdout
    --- stderr
    error: https://127.0.0.1:[PORT] and this machine don't trust each other (context there)
      invalid peer certificate: certificate expired: [TIMES]
    hint: a certificate has expired or is of another cluster: get a fresh kubeconfig from who runs the cluster
    ");
    assert_snapshot!(with_certificate(false, false), @"
    exit: 1
    --- stdout
    --- stderr
    error: https://127.0.0.1:[PORT] and this machine don't trust each other (context there)
      invalid peer certificate: UnknownIssuer
    hint: a certificate has expired or is of another cluster: get a fresh kubeconfig from who runs the cluster
    ");
    // The same server with a good certificate is reached: what is refused above is the certificate.
    assert_snapshot!(with_certificate(false, true), @"
    exit: 1
    --- stdout
    --- stderr
    error: https://127.0.0.1:[PORT] answers, but not like a Kubernetes API server
    ");
}

/// What it prints and is called with may be credentials.
#[test]
fn a_login_program_that_fails() {
    let user =
        "{exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: login, args: [secret-token]}}";
    let sandbox = sandbox("{server: 'http://127.0.0.1:1'}", user);
    assert_snapshot!(applied(&sandbox, 1), @"
    exit: 1
    --- stdout
    --- stderr
    error: cannot use the kubeconfig [DIR]/kubeconfig
      its login program can't be started: No such file or directory (os error 2)
    hint: `kubectl config view` shows what is in it
    ");
    sandbox.program("login", "echo secret-token; echo secret-token >&2; exit 7");
    assert_snapshot!(applied(&sandbox, 1), @"
    exit: 1
    --- stdout
    --- stderr
    error: cannot use the kubeconfig [DIR]/kubeconfig
      its login program failed (exit status: 7)
    hint: `kubectl config view` shows what is in it
    ");
    sandbox.program("login", "echo '{\"kind\": [\"secret-token\"]}'");
    assert_snapshot!(applied(&sandbox, 1), @"
    exit: 1
    --- stdout
    --- stderr
    error: cannot use the kubeconfig [DIR]/kubeconfig
      its login program prints no ExecCredential
    hint: `kubectl config view` shows what is in it
    ");
}

/// The file may hold secrets: where it can't be read, nothing of it is said.
#[test]
fn a_kubeconfig_with_a_mistake() {
    for wrong in ["users: secret-token\n", "users:\n- name: me\n  user: {token: [secret-token]}\n", "users: {secret-token: \"}\n"]
    {
        let sandbox = sandbox("{server: 'http://127.0.0.1:1'}", "{token: a}");
        sandbox.write("../kubeconfig", format!("apiVersion: v1\nkind: Config\ncurrent-context: there\n{wrong}"));
        let said = sandbox.kfctl(&["status"]);
        assert!(said.starts_with("exit: 1") && said.contains("from line ") && said.lines().count() == 6, "{said}");
        assert!(!said.contains("secret-token"), "{said}");
    }
}

/// The command line's cluster is no place for the processes of platform local, which would be started for the app's own.
#[test]
fn another_cluster_than_the_platforms() {
    let port = serve(|stream| answer(stream, "401 Unauthorized", "{}"));
    let other = sandbox(&format!("{{server: 'http://127.0.0.1:{port}'}}"), "{token: a}");
    let sandbox = Sandbox::new();
    sandbox.ok(&["init", "shop", "--platform", "local"]);
    sandbox.write("kubeconfig", other.read("../kubeconfig"));
    let said = sandbox.kfctl_in("shop", &["apply", "--yes", "--kubeconfig", "../kubeconfig"]);
    assert_snapshot!(said.replace(&port.to_string(), "[PORT]"), @"
    exit: 1
    --- stdout
    --- stderr
    platform local is left as it is: the command line names a cluster
    error: http://127.0.0.1:[PORT] does not accept your credentials (context there)
      HTTP 401
    hint: log in again, or choose another user's context with --context
    ");
    assert_snapshot!(sandbox.kfctl_in("shop", &["apply", "platform", "--context", "there"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: `apply platform` makes the app's own cluster, and takes neither --kubeconfig nor --context
    hint: leave them out, or bring the objects alone to that cluster: `kfctl apply k8s`
    ");
    assert!(!sandbox.path("../home/.local").exists(), "something was started");
}
