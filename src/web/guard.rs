//! What every request passes: its size and time, who sends it, how often, and whether it may change anything; and what every answer gets.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, LOCATION, REFERRER_POLICY, RETRY_AFTER,
    SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use super::answer::{Answer, Problem, Wants};
use super::cache::{Kind, TRUST};
use super::contract::Operation;
use super::fields::Fields;
use super::page::Page;
use super::rate::Place;
use super::visitor::Visitor;
use super::{Site, csrf, not_this_way, sign_in, trial};
use crate::error::quoted;
use crate::identity::Person;
use crate::profiles::{SYSTEM_NAMESPACE, text};

/// The largest body, in bytes: forms are small.
const LARGEST: usize = 64 * 1024;
/// The longest path and query.
const LONGEST: usize = 4096;
/// Requests of one user that are answered at the same time.
pub(super) const MOST: usize = 16;
/// How long a body may take to come, and an answer to be made.
const BODY: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(30);

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Lets a request through to its handler, and makes the answer a page or JSON.
pub(super) async fn guard(State(site): State<Arc<Site>>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let path = request.uri().path().to_owned();
    let headers = request.headers().clone();
    let is_for_programs = path == "/api" || ["/api/", "/jupyter/api/", "/kfam/"].iter().any(|start| path.starts_with(start));
    let wants = if is_for_programs || prefers_json(&headers) { Wants::Json } else { Wants::Page };
    request.extensions_mut().insert(wants);
    let is_new = csrf::token(&headers).is_none();
    let token = csrf::token(&headers).map_or_else(fresh_token, str::to_owned);

    // What no path of ours leads to is told so below.
    let described = if is_for_programs && route != "none" { described(&site, &route, &request).map(Some) } else { Ok(None) };
    let admitted = match described {
        Ok(operation) => admit(&site, &mut request, wants, operation).await.map_err(IntoResponse::into_response),
        Err(response) => Err(*response),
    };
    let (visitor, mut response) = match admitted {
        Err(response) => (None, response),
        // The place is left once there is an answer.
        Ok((visitor, _place)) => {
            let late = |_| too_late().into_response();
            let mut response = tokio::time::timeout(ANSWER, next.run(request)).await.unwrap_or_else(late);
            if response.status().is_client_error() {
                // Not an answer of ours, which has its status within: a part of the path is no text.
                response = Problem::new(response.status(), "the address can't be read").into_response();
            }
            (visitor, response)
        }
    };
    if let Some(answer) = response.extensions_mut().remove::<Answer>() {
        let said = std::mem::take(response.headers_mut());
        let page = Page { visitor: visitor.as_ref(), csrf: &token, path: &path, trial: site.trial };
        response = shown(&site, answer, wants, &page);
        response.headers_mut().extend(said);
    }
    if let (true, Ok(cookie)) = (is_new, HeaderValue::try_from(csrf::cookie(&headers, &token))) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    if let (true, Ok(token)) = (wants == Wants::Json, HeaderValue::try_from(token.as_str())) {
        response.headers_mut().insert(HeaderName::from_static(csrf::HEADER), token);
    }
    site.numbers.answered(&route, &method, response.status(), began.elapsed());
    response
}

/// What every answer says to the browser.
pub(super) async fn secured(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_FRAME_OPTIONS, "DENY"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: browsers would send forms with the origin `null`.
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// What a program may ask for, by the description that is served.
fn described<'a>(site: &'a Site, route: &str, request: &Request) -> Result<Operation<'a>, Box<Response>> {
    let Some(path) = site.contract.find(route, request.uri().path()) else {
        return Err(Box::new(Problem::missing("there is no such page").into_response()));
    };
    path.operation(request.method()).ok_or_else(|| {
        let mut response = not_this_way().into_response();
        if let Ok(methods) = HeaderValue::try_from(path.methods()) {
            response.headers_mut().insert(ALLOW, methods);
        }
        Box::new(response)
    })
}

/// Who comes in, and with what; none where nobody has said yet who they are, and may do so.
async fn admit(
    site: &Site,
    request: &mut Request,
    wants: Wants,
    operation: Option<Operation<'_>>,
) -> Result<(Option<Visitor>, Option<Place>), Answer> {
    let problem = |status, message: &str| Answer::Problem(Problem::new(status, message));
    if request.uri().to_string().len() > LONGEST {
        return Err(problem(StatusCode::URI_TOO_LONG, "the address is too long"));
    }
    if site.trial && !is_this_machine(request.headers()) {
        // Another site's name can be made to mean this machine.
        return Err(problem(
            StatusCode::MISDIRECTED_REQUEST,
            "this is for trying out, and answers under localhost and 127.0.0.1 only",
        ));
    }
    let chooses = site.trial && request.uri().path() == "/identity";
    let visitor = match identify(site, request.headers()).await {
        Ok(visitor) => Some(visitor),
        Err(_) if chooses => None,
        Err(problem) if site.trial && wants == Wants::Page && problem.status == StatusCode::UNAUTHORIZED => {
            return Err(Answer::Elsewhere("/identity".to_owned()));
        }
        Err(problem) => return Err(Answer::Problem(problem)),
    };
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let mut place = None;
    if let Some(visitor) = &visitor {
        if let Err(wait) = site.rate.count(&visitor.user) {
            let seconds = wait.as_secs() + 1;
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "you ask more often than is good for the others");
            return Err(Answer::Problem(problem.hint(format!("wait {seconds} s"))));
        }
        place = site.answers.take(&visitor.user);
        if place.is_none() {
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "you ask for more at once than is good for the others");
            return Err(Answer::Problem(problem.hint("wait for the answers that are on their way")));
        }
        request.extensions_mut().insert(visitor.clone());
    }
    if let Some(operation) = operation {
        operation.check_query(request.uri().query().unwrap_or_default()).map_err(Answer::Problem)?;
    }
    if changes {
        let content_type =
            request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let body = read(std::mem::take(request.body_mut())).await.map_err(Answer::Problem)?;
        let fields = match operation {
            Some(operation) => operation.read_body(&content_type, &body).and_then(Fields::of),
            None => Fields::read(&content_type, &body),
        };
        let fields = fields.map_err(Answer::Problem)?;
        if !csrf::is_ours(request.headers(), fields.find(csrf::FIELD)) {
            let problem = Problem::new(StatusCode::FORBIDDEN, "this was not sent by a page of ours, or the page is too old");
            return Err(Answer::Problem(problem.hint("go back, load the page anew, and send it again").hint(format!(
                "a program sends header {} with what an answer to GET has there, and the cookie that comes with it",
                csrf::HEADER
            ))));
        }
        if let Some(visitor) = &visitor {
            tracing::info!(user = ?visitor.user, method = %request.method(), path = ?request.uri().path(), "a change is asked for");
            // What they may see changes with what they do.
            site.access.forget(&visitor.user);
        }
        request.extensions_mut().insert(fields);
    } else {
        let query = Fields::decoded(request.uri().query().unwrap_or_default().as_bytes());
        request.extensions_mut().insert(query);
    }
    Ok((visitor, place))
}

async fn read(body: Body) -> Result<Bytes, Problem> {
    let too_large = |_| {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {} KiB, or was cut off", LARGEST / 1024))
    };
    match tokio::time::timeout(BODY, to_bytes(body, LARGEST)).await {
        Ok(body) => body.map_err(too_large),
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
    }
}

fn too_late() -> Problem {
    Problem::new(StatusCode::GATEWAY_TIMEOUT, "the cluster does not answer in time").hint("try again in a moment")
}

/// Who it is, if the web may act for them.
async fn identify(site: &Site, headers: &HeaderMap) -> Result<Visitor, Problem> {
    let (person, token) = if site.trial {
        (Person { user: trial::chosen(headers)?, groups: Vec::new() }, None)
    } else {
        let signed_in = sign_in::sign_in(site, headers).await?;
        (signed_in.person, Some(signed_in.token))
    };
    let Person { user, mut groups } = person;
    let connection = if let (Some(bare), Some(token)) = (&site.bare, &token) {
        bare.with_token(token)
    } else {
        if !site.cache.knows("users", &user) {
            return Err(not_let_in(&user, site.trial));
        }
        groups.retain(|group| site.cache.knows("groups", group));
        site.connection.acting_as(&user, &groups)
    };
    let connection = connection.map_err(|failure| Problem::of(&failure, "let you in"))?;
    let settings = site.cache.one(Kind::Trust, SYSTEM_NAMESPACE, TRUST);
    let setting = |field: &str| settings.as_deref().map_or("", |settings| text(settings, field));
    let origin = origin(setting("/data/notebookHost"), headers);
    let sign_out = if site.trial { String::new() } else { sign_out(setting("/data/signOut"), &origin) };
    Ok(Visitor { user, groups, connection, origin, sign_out })
}

/// Where what users run is, under a name of its own: the visitor comes to it as they came here. Nothing where it has none.
fn origin(host: &str, headers: &HeaderMap) -> String {
    if host.is_empty() {
        return String::new();
    }
    let scheme = if csrf::is_secure(headers) { "https" } else { "http" };
    let here = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_port = |port: &&str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = here.rsplit_once(':').map(|(_, port)| port).filter(is_port).map(|port| format!(":{port}")).unwrap_or_default();
    format!("{scheme}://{host}{port}")
}

/// Where a visitor logs out. What users run has a session of its own under a name of its own: the login sends them there next.
fn sign_out(path: &str, origin: &str) -> String {
    if path.is_empty() || origin.is_empty() {
        return path.to_owned();
    }
    let next: String = form_urlencoded::byte_serialize(format!("{origin}{path}").as_bytes()).collect();
    format!("{path}?rd={next}")
}

fn not_let_in(user: &str, trial: bool) -> Problem {
    let status = if trial { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN };
    let problem = Problem::new(status, format!("you are logged in as {user}, and nobody has let you in yet"));
    let user = quoted(user);
    problem
        .hint(format!("who has a namespace can share it with you: `kfctl profile share PROFILE --user {user}`"))
        .hint(format!(
            "an admin can let you make one: `kubectl -n kubeflow-system create rolebinding NAME --role=profile-creator --user={user}`"
        ))
        .hint(format!("or make one for you: `kfctl profile create NAME --user {user}`"))
        .hint("being in a group is not enough here: name the user as well")
}

fn is_this_machine(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let name = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(name, _)| name);
    hosts.next().is_none() && matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

fn prefers_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').next().unwrap_or_default().trim().starts_with("application/json")
}

fn fresh_token() -> String {
    let mut bytes = [0_u8; 32];
    // Without random bytes no form is accepted: this is none that a cookie may hold.
    if getrandom::fill(&mut bytes).is_err() { String::new() } else { crate::digest::hex(&bytes) }
}

/// An answer as a page, or as JSON.
fn shown(site: &Site, answer: Answer, wants: Wants, page: &Page<'_>) -> Response {
    let as_json = |status: StatusCode, value: &Value| typed(status, "application/json", value.to_string());
    let rendered = |status, template: &str, data: Value| match site.pages.render(template, page, &data) {
        Ok(text) => typed(status, "text/html; charset=utf-8", text),
        Err(error) => {
            tracing::error!(template, %error, "a page can't be made");
            typed(StatusCode::INTERNAL_SERVER_ERROR, "text/plain; charset=utf-8", "this page can't be made".to_owned())
        }
    };
    match (answer, wants) {
        (Answer::Page(status, _, data), Wants::Json) => as_json(status, &data),
        (Answer::Page(status, template, data), Wants::Page) => rendered(status, template, data),
        (Answer::Changed { made, object, .. }, Wants::Json) => {
            as_json(if made { StatusCode::CREATED } else { StatusCode::OK }, &object)
        }
        (Answer::Changed { next, .. } | Answer::Elsewhere(next), _) => {
            let mut response = typed(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", String::new());
            if let Ok(next) = HeaderValue::try_from(next) {
                response.headers_mut().insert(LOCATION, next);
            }
            response
        }
        (Answer::Problem(problem), wants) => {
            let data = problem.json();
            let mut response = match wants {
                Wants::Json => as_json(problem.status, &json!({"error": data})),
                Wants::Page => {
                    rendered(problem.status, "problem.html", json!({"problem": data, "hints": problem.hints_in_parts()}))
                }
            };
            if problem.status == StatusCode::TOO_MANY_REQUESTS {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            response
        }
    }
}

fn typed(status: StatusCode, content_type: &'static str, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_users_run_is_reached_as_the_pages_are() {
        let asked = |host: &str, lines: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, value.parse().unwrap());
            }
            origin(host, &headers)
        };
        let https = ("x-forwarded-proto", "https");
        assert_eq!(asked("", &[("host", "kubeflow.acme.com"), https]), "");
        assert_eq!(asked("notebooks.acme.net", &[("host", "kubeflow.acme.com"), https]), "https://notebooks.acme.net");
        assert_eq!(asked("notebooks.acme.net", &[("host", "kubeflow.acme.com:8443"), https]), "https://notebooks.acme.net:8443");
        assert_eq!(asked("notebooks.acme.net", &[("host", "kubeflow.acme.com:a@evil.example")]), "http://notebooks.acme.net");
    }

    #[test]
    fn who_logs_out_is_out_everywhere() {
        assert_eq!([sign_out("", "https://n.acme.net"), sign_out("/out", "")], ["", "/out"]);
        assert_eq!(sign_out("/out", "https://n.acme.net:8443"), "/out?rd=https%3A%2F%2Fn.acme.net%3A8443%2Fout");
    }

    #[test]
    fn for_trying_out_other_names_of_this_machine_do_not_count() {
        let asked = |hosts: &[&str]| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, host.parse().unwrap());
            }
            is_this_machine(&headers)
        };
        for host in ["localhost", "localhost:8082", "127.0.0.1:8082", "[::1]:8082", "[::1]"] {
            assert!(asked(&[host]), "{host}");
        }
        for host in ["evil.example.com", "localhost.evil.com:8082", "127.0.0.1.nip.io", "localhost:evil", "", "::1"] {
            assert!(!asked(&[host]), "{host}");
        }
        assert!(!asked(&[]) && !asked(&["localhost", "evil.example.com"]));
    }
}
