//! One connection for all requests of a run. Requests are made by hand, not through typed APIs, because the engine needs what
//! those leave out: the answer's code (created or changed), `Retry-After`, and the server's typed causes.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures::{Stream, StreamExt};
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::BodyExt;
use kube::client::{AuthError, Body};
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use serde_json::Value;

use super::failure::{Class, Failure};
use crate::error::{Error, Kind, Result};

/// Longest wait for one answer; admission webhooks may take 30 s of it.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

/// Servers behind an `APIService` may know no metadata lists; the whole objects tell the same.
const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

/// The same for a single object.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

/// How long a server that was there may be away.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long one may be away that was not heard of yet: long enough for a slip on the way, short enough for a wrong address.
const FIRST_PATIENCE: Duration = Duration::from_secs(3);

/// How long credentials may be refused that were accepted a moment ago: servers that start can't check all of them yet.
pub(crate) const DOUBT: Duration = Duration::from_secs(3);

/// Which cluster to talk to.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// A kubeconfig file; else KUBECONFIG, else ~/.kube/config, else the pod's service account.
    pub kubeconfig: Option<PathBuf>,
    /// A context in it; else its current one.
    pub context: Option<String>,
}

/// A connection to an API server.
#[derive(Clone)]
pub struct Connection {
    client: kube::Client,
    /// What says on whose behalf requests are made, where it is not the connection's own user's.
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The server's address.
    pub server: String,
    /// The kubeconfig's context, or `in-cluster`.
    pub context: String,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("server", &self.server).field("context", &self.context).finish_non_exhaustive()
    }
}

/// How much of an object is to be in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// Its metadata, where the server knows how; large objects need not come back then.
    Metadata,
}

/// A successful answer.
#[derive(Debug)]
pub struct Answer {
    /// The body.
    pub body: Value,
    /// Whether the object is new.
    pub created: bool,
    /// What the server warns of.
    pub warnings: Vec<String>,
    /// The server's clock, as its header says it.
    pub date: Option<String>,
}

impl Connection {
    /// Reads the kubeconfig and builds a client. Nothing is sent yet.
    pub async fn open(target: &Target) -> Result<Self> {
        Self::of(target, configuration(target).await?)
    }

    /// The same without the credentials: for those of others.
    pub async fn open_without_credentials(target: &Target) -> Result<Self> {
        let (mut config, context) = configuration(target).await?;
        config.auth_info = kube::config::AuthInfo::default();
        Self::of(target, (config, context))
    }

    fn of(target: &Target, (mut config, context): (kube::Config, String)) -> Result<Self> {
        // The engine retries by the class of the failure; a second, blind retry below it would hide what happens.
        config.default_retry = false;
        config.read_timeout = None;
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let client = kube::Client::try_from(config).map_err(|error| unusable(target).detail(root_cause(&error)).hint(SHOW))?;
        Ok(Self { client, headers: Vec::new(), server, context })
    }

    /// The same connection, on which every request is made as this user in these groups. The server asks whether this one's user may.
    pub fn acting_as(&self, user: &str, groups: &[String]) -> Result<Self, Failure> {
        let groups = groups.iter().map(|group| (HeaderName::from_static("impersonate-group"), group.as_str()));
        self.with([(HeaderName::from_static("impersonate-user"), user)].into_iter().chain(groups))
    }

    /// The same connection, on which every request carries this token.
    pub fn with_token(&self, token: &str) -> Result<Self, Failure> {
        self.with([(AUTHORIZATION, format!("Bearer {token}").as_str())])
    }

    fn with<'a>(&self, headers: impl IntoIterator<Item = (HeaderName, &'a str)>) -> Result<Self, Failure> {
        let mut connection = self.clone();
        for (name, value) in headers {
            let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| Failure {
                class: Class::Invalid,
                message: format!("what is to be said by header {name} has characters that no header has"),
                retry_after: None,
            })?;
            value.set_sensitive(name == AUTHORIZATION);
            connection.headers.push((name, value));
        }
        Ok(connection)
    }

    /// One that leads to no cluster.
    #[cfg(test)]
    pub(crate) fn nowhere() -> Self {
        let config = kube::Config::new("http://127.0.0.1:1".parse().expect("an address"));
        let client = kube::Client::try_from(config).expect("nothing is sent yet");
        Self { client, headers: Vec::new(), server: String::new(), context: String::new() }
    }

    /// The client, for watches.
    #[must_use]
    pub fn client(&self) -> kube::Client {
        self.client.clone()
    }

    /// GET `path`.
    pub async fn get(&self, path: &str) -> Result<Value, Failure> {
        Ok(self.request(Method::GET, path, "application/json", None).await?.body)
    }

    /// GET `path` from a server that has answered before: where it is busy or away, it gets half a minute to come back.
    pub async fn read(&self, path: &str) -> Result<Value, Failure> {
        self.read_as(path, "application/json").await
    }

    /// The items of a list, each with its metadata alone.
    pub async fn read_metadata(&self, path: &str) -> Result<Vec<Value>, Failure> {
        let mut list = self.read_as(path, METADATA_LIST).await?;
        Ok(list.get_mut("items").map(Value::take).and_then(|items| serde_json::from_value(items).ok()).unwrap_or_default())
    }

    pub(super) async fn read_as(&self, path: &str, accept: &str) -> Result<Value, Failure> {
        self.read_within(path, accept, PATIENCE, DOUBT).await
    }

    async fn read_within(&self, path: &str, accept: &str, patience: Duration, doubt: Duration) -> Result<Value, Failure> {
        let started = Instant::now();
        let mut pause = Duration::from_millis(100);
        loop {
            let failure = match self.request(Method::GET, path, accept, None).await {
                Ok(answer) => return Ok(answer.body),
                Err(failure) => failure,
            };
            let limit = match failure.class {
                Class::Busy => patience,
                Class::Unauthorized => doubt,
                _ => return Err(failure),
            };
            if started.elapsed() + pause > limit {
                return Err(failure);
            }
            tokio::time::sleep(failure.retry_after.unwrap_or(pause).min(limit)).await;
            pause = (pause * 2).min(Duration::from_secs(3));
        }
    }

    /// Server-side apply of `content` at `path`, which carries the field manager and other options.
    pub async fn apply(&self, path: &str, content: &Value, answer: Part) -> Result<Answer, Failure> {
        let body = ("application/apply-patch+yaml", content.to_string().into_bytes());
        let accept = match answer {
            Part::Whole => "application/json",
            Part::Metadata => METADATA,
        };
        self.request(Method::PATCH, path, accept, Some(body)).await
    }

    /// Deletes the object at `path` if it is still the one of these preconditions. `None` where it is gone at once.
    pub async fn delete(
        &self,
        path: &str,
        uid: &str,
        resource_version: &str,
        propagation: &str,
    ) -> Result<Option<Value>, Failure> {
        let options = serde_json::json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation,
            "preconditions": {"uid": uid, "resourceVersion": resource_version},
        });
        let body = ("application/json", options.to_string().into_bytes());
        let answer = self.request(Method::DELETE, path, "application/json", Some(body)).await?.body;
        // The server answers with a Status where nothing is left to be done, else with the object.
        Ok(answer.pointer("/metadata/uid").is_some().then_some(answer))
    }

    /// Sends one request and reads its answer.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Answer, Failure> {
        let request = self.prepared(method, path, accept, body)?;
        let exchange = async {
            let response = self.client.send(request).await.map_err(|error| unsent(&error))?;
            let (head, body) = response.into_parts();
            let bytes = body.collect().await.map_err(|error| Failure::transport(error.to_string()))?.to_bytes();
            Ok::<_, Failure>((head, bytes))
        };
        let (head, bytes) = tokio::time::timeout(REQUEST_TIMEOUT, exchange)
            .await
            .map_err(|_| Failure::transport(format!("no answer within {} s", REQUEST_TIMEOUT.as_secs())))??;
        if !head.status.is_success() {
            return Err(refused(&head, &bytes));
        }
        let body = serde_json::from_slice(&bytes)
            .map_err(|error| Failure::transport(format!("the answer was cut off or is no JSON: {error}")))?;
        let date = head.headers.get(http::header::DATE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let warnings = head
            .headers
            .get_all(http::header::WARNING)
            .iter()
            .filter_map(|value| Some(value.to_str().ok()?.split_once('"')?.1.trim_end_matches('"').replace("\\\"", "\"")))
            .collect();
        Ok(Answer { body, created: head.status == http::StatusCode::CREATED, warnings, date })
    }

    /// GET `path`, whose answer comes bit by bit, such as a log that is followed.
    pub async fn stream(&self, path: &str) -> Result<impl Stream<Item = Result<Vec<u8>, Failure>> + Send + use<>, Failure> {
        let request = self.prepared(Method::GET, path, "*/*", None)?;
        let response = tokio::time::timeout(REQUEST_TIMEOUT, self.client.send(request))
            .await
            .map_err(|_| Failure::transport(format!("no answer within {} s", REQUEST_TIMEOUT.as_secs())))?
            .map_err(|error| unsent(&error))?;
        let (head, body) = response.into_parts();
        if !head.status.is_success() {
            let bytes = body.collect().await.map_err(|error| Failure::transport(error.to_string()))?.to_bytes();
            return Err(refused(&head, &bytes));
        }
        let parts = body.into_data_stream();
        Ok(parts.map(|part| part.map(|part| part.to_vec()).map_err(|error| Failure::transport(error.to_string()))))
    }

    fn prepared(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Request<Body>, Failure> {
        let mut request = Request::builder().method(method).uri(path).header(http::header::ACCEPT, accept);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let bytes = match body {
            Some((content_type, bytes)) => {
                request = request.header(http::header::CONTENT_TYPE, content_type);
                bytes
            }
            None => Vec::new(),
        };
        request.body(Body::from(bytes)).map_err(|error| Failure {
            class: Class::Invalid,
            message: format!("{path} is no path for a request: {error}"),
            retry_after: None,
        })
    }

    /// The UID of namespace kube-system: the cluster's identity.
    pub async fn uid(&self) -> Result<String> {
        let namespace = self
            .read_within("/api/v1/namespaces/kube-system", "application/json", FIRST_PATIENCE, Duration::ZERO)
            .await
            .map_err(|failure| self.explain(&failure, "read namespace kube-system"))?;
        namespace
            .pointer("/metadata/uid")
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| Error::cluster(format!("{} answers, but not like a Kubernetes API server", self.server)))
    }

    /// A failure of a request for the cluster itself, as an error; `what` says what was being done.
    #[must_use]
    pub fn explain(&self, failure: &Failure, what: &str) -> Error {
        let error = |message: String| Error::new(Kind::Cluster, message).detail(failure.message.clone());
        match failure.class {
            Class::Busy => error(format!("cannot reach the cluster at {} (context {})", self.server, self.context))
                .hint("is it running, and is this the right one? `kubectl config get-contexts` lists what there is; choose with --context"),
            Class::Certificate => error(format!("{} and this machine don't trust each other (context {})", self.server, self.context))
                .hint("a certificate has expired or is of another cluster: get a fresh kubeconfig from who runs the cluster"),
            Class::Unauthorized => error(format!("{} does not accept your credentials (context {})", self.server, self.context))
                .hint("log in again, or choose another user's context with --context"),
            Class::Forbidden => error(format!("you may not {what} on {} (context {})", self.server, self.context))
                .hint("ask an admin of the cluster for the right, or choose another context with --context"),
            Class::WebhookNotReady => error(format!("{} can't {what}, as something that it calls for that does not answer", self.server))
                .hint("bring that back first; where the app has it, `kfctl apply k8s` does"),
            _ => error(format!("{}: cannot {what}", self.server))
                .hint("is that the address of a Kubernetes API server? `kubectl cluster-info` shows which one the kubeconfig names"),
        }
    }
}

/// An answer that is no success.
fn refused(head: &http::response::Parts, bytes: &[u8]) -> Failure {
    let seconds = head.headers.get(http::header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Failure::from_answer(head.status.as_u16(), bytes, seconds.map(Duration::from_secs))
}

async fn configuration(target: &Target) -> Result<(kube::Config, String)> {
    let options = KubeConfigOptions { context: target.context.clone(), ..KubeConfigOptions::default() };
    let explicit = target.kubeconfig.is_some() || target.context.is_some() || kubeconfig_variable().is_some();
    if !explicit && !default_kubeconfig().is_some_and(|path| path.exists()) {
        let config = kube::Config::incluster().map_err(|_| {
            Error::environment("there is no kubeconfig")
                .expected("--kubeconfig FILE, the variable KUBECONFIG, or ~/.kube/config")
                .hint("no cluster yet? `kfctl quickstart` makes one on this machine")
        })?;
        return Ok((config, "in-cluster".to_owned()));
    }
    let kubeconfig = match &target.kubeconfig {
        Some(file) => Kubeconfig::read_from(file),
        None => Kubeconfig::read(),
    }
    .map_err(|error| unreadable(target, &error))?;
    let context = target.context.clone().or_else(|| kubeconfig.current_context.clone()).unwrap_or_default();
    let known: Vec<String> = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
    if !known.contains(&context) {
        let shown = if context.is_empty() {
            "the kubeconfig names no current context".to_owned()
        } else {
            format!("the kubeconfig has no context {context:?}")
        };
        return Err(Error::usage(shown).nearest(&context, known.iter().map(String::as_str)));
    }
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| unreadable(target, &error))?;
    Ok((config, context))
}

fn default_kubeconfig() -> Option<PathBuf> {
    Some(Path::new(&std::env::var_os("HOME")?).join(".kube/config"))
}

/// The variable KUBECONFIG; empty counts as unset, as for kubectl.
fn kubeconfig_variable() -> Option<String> {
    std::env::var("KUBECONFIG").ok().filter(|files| !files.is_empty())
}

fn unusable(target: &Target) -> Error {
    let file = target
        .kubeconfig
        .as_ref()
        .map_or_else(|| kubeconfig_variable().unwrap_or_else(|| "~/.kube/config".to_owned()), |file| file.display().to_string());
    Error::environment(format!("cannot use the kubeconfig {file}"))
}

/// A kubeconfig holds secrets, and the parser's words quote what they are about: only the place is told.
fn unreadable(target: &Target, error: &KubeconfigError) -> Error {
    let problem = unusable(target);
    match error {
        KubeconfigError::ReadConfig(error, _) if error.kind() == std::io::ErrorKind::NotFound => {
            problem.detail("it is not there").hint("name another with --kubeconfig or the variable KUBECONFIG")
        }
        KubeconfigError::Parse(error) => {
            let place = crate::yaml::position(error).map(|(line, column)| format!(" from line {line}, column {column} on"));
            problem.detail(format!("it does not read as a kubeconfig{}", place.unwrap_or_default())).hint(SHOW)
        }
        error => problem.detail(root_cause(error)).hint(SHOW),
    }
}

const SHOW: &str = "`kubectl config view` shows what is in it";

/// A request that got no answer.
fn unsent(error: &kube::Error) -> Failure {
    let failure = Failure::transport(root_cause(error));
    // An I/O error keeps what it wraps out of the chain of sources.
    let mut cause = innermost(error);
    while let Some(wrapped) = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        cause = wrapped;
    }
    match cause.downcast_ref::<rustls::Error>() {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_)) => {
            Failure { class: Class::Certificate, ..failure }
        }
        _ => failure,
    }
}

/// The innermost cause: the layers above it repeat each other.
pub(crate) fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut causes = std::iter::successors(Some(error), |cause| cause.source());
    match causes.find_map(|cause| cause.downcast_ref::<AuthError>()) {
        Some(AuthError::AuthExecStart(error)) => format!("its login program can't be started: {error}"),
        // These would repeat the program's arguments and what it printed: credentials.
        Some(AuthError::AuthExecRun { out, .. }) => format!("its login program failed ({})", out.status),
        Some(AuthError::AuthExecParse(_)) => "its login program prints no ExecCredential".to_owned(),
        _ => innermost(error).to_string(),
    }
}

fn innermost<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    std::iter::successors(Some(error), |cause| cause.source()).last().unwrap_or(error)
}
