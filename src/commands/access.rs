//! `kfctl auth test`: whether a request is let in, which policy decides, and why. It reads what the cluster has, and asks the gateway nothing.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Session, platform};
use crate::cli::AuthTest;
use crate::cluster::{Class, Connection, Failure};
use crate::error::{Error, ExitStatus, Result};
use crate::identity::Token;
use crate::istio::{Answer, Asked, Known, Step, namespace_of, normalized};
use crate::object::list;
use crate::yaml;

const SETTINGS: &str = "/api/v1/namespaces/kubeflow-system/configmaps/mesh";
/// How long an issuer may take to say its keys.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn run(session: &Session, asked: &AuthTest) -> Result<ExitStatus> {
    let target = match session.app() {
        Ok(app) => platform::target(session, &app, &session.catalog()?)?,
        Err(_) => session.target.clone(),
    };
    let text = match (&asked.token, &asked.token_file) {
        (Some(token), _) => Some(token.clone()),
        (None, Some(file)) => Some(yaml::read(file)?),
        (None, None) => None,
    };
    let text = text.as_deref().map(|text| text.trim().trim_start_matches("Bearer ").to_owned());
    if !asked.path.starts_with('/') {
        return Err(Error::usage(format!("{:?} is no path", asked.path))
            .field("--path")
            .expected("one such as /notebook/kubeflow-jane/nb/"));
    }
    let connection = Connection::open(&target).await?;
    let settings = connection.read(SETTINGS).await.map_err(|failure| match failure.class {
        Class::NotFound => {
            Error::cluster("the cluster has no ConfigMap mesh in kubeflow-system: nothing says whose tokens count")
                .hint("it comes with component auth: `kfctl component enable auth`, then `kfctl apply k8s`")
        }
        _ => connection.explain(&failure, "read ConfigMap mesh of kubeflow-system"),
    })?;
    let known = known(&connection, &settings["data"], &asked.path).await?;
    let headers = text.iter().map(|token| ("authorization".to_owned(), format!("Bearer {token}"))).collect();
    let method = asked.method.to_uppercase();
    let own = settings["data"]["notebookHost"].as_str().filter(|host| !host.is_empty());
    let is_content = normalized(&asked.path).is_some_and(|path| namespace_of(&path).is_some());
    let host = asked.host.as_deref().or(own.filter(|_| is_content)).unwrap_or("localhost");
    let request = Asked { method: &method, host, target: &asked.path, tokens: text.as_deref().into_iter().collect(), headers };
    let answer = known.answer(&request);
    let token = text.as_deref().and_then(|text| Token::read(text).ok());
    let shown = token.as_ref().map(|token| described(token, &settings["data"]));
    let mut result = serde_json::to_value(&answer).expect("an answer is plain data");
    result["token"] = shown.clone().unwrap_or_default();
    result["method"] = method.clone().into();
    session.printer.json(&result);
    print(session, &answer, shown.as_ref(), &format!("{method} {}", asked.path));
    Ok(if answer.allowed == Some(true) { ExitStatus::Done } else { ExitStatus::Failed })
}

fn print(session: &Session, answer: &Answer, token: Option<&Value>, asked: &str) {
    let printer = &session.printer;
    let row = |name: &str, text: &str| printer.line(format!("{name:<8}  {text}"));
    let told = token.map_or_else(
        || "none".to_owned(),
        |token| {
            let said = |field: &str| token[field].as_str().unwrap_or_default().to_owned();
            let list =
                |field: &str| list(token, &format!("/{field}")).iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
            let groups = if list("groups").is_empty() { String::new() } else { format!(", groups {}", list("groups")) };
            format!("{} of {}{groups}, for {}, until {}", list("user"), said("issuer"), list("audiences"), said("until"))
        },
    );
    row("token", &told);
    for Step { at, allowed, status, by, why, notes } in &answer.steps {
        if let (&"sidecar", Some(route)) = (at, &answer.route) {
            row("route", &format!("VirtualService {} leads to {}, path {}", route.by, route.to, route.path));
        }
        let went = match (allowed, status) {
            (Some(true), _) => "goes on".to_owned(),
            (Some(false), status) => format!("refused ({})", status.unwrap_or_default()),
            (None, _) => "can't be told".to_owned(),
        };
        let by = by.as_ref().map(|by| format!(" by AuthorizationPolicy {by}")).unwrap_or_default();
        row(at, &format!("{went}{by}: {why}"));
        for note in notes {
            row("", note);
        }
    }
    if answer.allowed != Some(false) && answer.steps.len() == 1 {
        match &answer.route {
            Some(route) => {
                row("route", &format!("VirtualService {} leads to {}, whose Service can't be read", route.by, route.to));
            }
            None => row("route", "none of a profile's namespace: a page of Kubeflow answers, if any does"),
        }
    }
    match answer.allowed {
        Some(true) => printer.done(format!("{asked} is let in")),
        Some(false) => printer.warn(format!("{asked} is refused")),
        None => printer.warn(format!("whether {asked} is let in can't be told from here")),
    }
}

/// What a token says that matters; never the token.
fn described(token: &Token, settings: &Value) -> Value {
    let names = |key: &str, default: &str| {
        let claim =
            settings[key].as_str().filter(|claim| !claim.is_empty()).unwrap_or(default).trim_matches(['[', ']']).to_owned();
        token.values(&claim.split("][").collect::<Vec<_>>())
    };
    let until = token.claims["exp"].as_i64().and_then(|seconds| Timestamp::from_second(seconds).ok());
    json!({
        "issuer": token.claims["iss"], "audiences": token.audiences(), "user": names("userClaim", "email"), "groups": names("groupsClaim", "groups"),
        "until": until.map_or_else(|| "ever".to_owned(), |until| until.to_string()),
    })
}

/// Reads what a request to this path is decided by.
async fn known(connection: &Connection, settings: &Value, target: &str) -> Result<Known> {
    let setting =
        |key: &str, default: &str| settings[key].as_str().filter(|value| !value.is_empty()).unwrap_or(default).to_owned();
    let gateway = setting("gatewayNamespace", "istio-system");
    let path = normalized(target).unwrap_or_default();
    let namespace =
        namespace_of(&path).filter(|namespace| namespace.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
    let root = "istio-system";
    let mut namespaces = vec![gateway.as_str(), root];
    namespaces.extend(namespace);
    namespaces.dedup();
    let mut known = Known {
        gateway_labels: json!({"istio": setting("gatewaySelector", "ingressgateway")}),
        gateway_principal: format!(
            "cluster.local/ns/{gateway}/sa/{}",
            setting("gatewayServiceAccount", "istio-ingressgateway-service-account")
        ),
        root_namespace: root.to_owned(),
        now: Timestamp::now().as_second(),
        ..Known::default()
    };
    let failed = |failure: Failure, what: &str| match failure.class {
        Class::NoMatch | Class::NotFound => {
            Error::cluster(format!("the cluster has no {what}: install Istio")).hint("`kfctl doctor` says what else is missing")
        }
        _ => connection.explain(&failure, &format!("read {what}")),
    };
    for namespace in &namespaces {
        for (kind, plural, objects) in [
            ("AuthorizationPolicy", "authorizationpolicies", &mut known.policies),
            ("RequestAuthentication", "requestauthentications", &mut known.authentications),
        ] {
            let path = format!("/apis/security.istio.io/v1/namespaces/{namespace}/{plural}");
            let found =
                connection.read(&path).await.map_err(|failure| failed(failure, &format!("{plural} of namespace {namespace}")))?;
            objects.extend(list(&found, "/items").iter().cloned().map(|mut object| {
                object["kind"] = kind.into();
                object
            }));
        }
    }
    if let Some(namespace) = namespace {
        let routes = format!("/apis/networking.istio.io/v1/namespaces/{namespace}/virtualservices");
        let routes = connection
            .read(&routes)
            .await
            .map_err(|failure| failed(failure, &format!("virtualservices of namespace {namespace}")))?;
        known.routes = list(&routes, "/items").to_vec();
        // Without them the sidecar is not looked at, and the answer says so.
        let services = connection.read(&format!("/api/v1/namespaces/{namespace}/services")).await.unwrap_or_default();
        known.services = list(&services, "/items").to_vec();
    }
    known.gateway_namespace = gateway;
    fetch_keys(connection, &mut known.authentications).await;
    Ok(known)
}

/// Puts the issuers' keys into the rules that name where they are. Where that fails, signatures stay unchecked, and the answer says so.
async fn fetch_keys(connection: &Connection, authentications: &mut [Value]) {
    let mut had: Vec<(String, Option<String>)> = Vec::new();
    for object in authentications {
        for rule in object.pointer_mut("/spec/jwtRules").and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(uri) = rule["jwksUri"].as_str().filter(|_| rule.get("jwks").is_none()).map(str::to_owned) else { continue };
            if !had.iter().any(|(known, _)| *known == uri) {
                let keys = keys(connection, &uri).await;
                had.push((uri.clone(), keys));
            }
            if let Some((_, Some(keys))) = had.iter().find(|(known, _)| *known == uri) {
                rule["jwks"] = keys.clone().into();
            }
        }
    }
}

/// An issuer's keys: of one in the cluster by the API server, which leads to Services.
async fn keys(connection: &Connection, uri: &str) -> Option<String> {
    let keys = if let Some(path) = in_cluster(uri) {
        connection.get(&path).await.ok()?
    } else {
        let uri = uri.to_owned();
        let read =
            move || ureq::get(&uri).config().timeout_global(Some(PATIENCE)).build().call().ok()?.body_mut().read_to_string().ok();
        serde_json::from_str(&tokio::task::spawn_blocking(read).await.ok()??).ok()?
    };
    keys["keys"].is_array().then(|| keys.to_string())
}

/// The API server's way to `http://NAME.NAMESPACE.svc…:PORT/PATH`.
fn in_cluster(uri: &str) -> Option<String> {
    let (host, path) = uri.strip_prefix("http://")?.split_once('/')?;
    let (name, port) = host.split_once(':').unwrap_or((host, "80"));
    let mut parts = name.split('.');
    let (service, namespace) = (parts.next()?, parts.next()?);
    (parts.next() == Some("svc")).then(|| format!("/api/v1/namespaces/{namespace}/services/{service}:{port}/proxy/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_in_the_cluster_is_reached_by_the_api_server() {
        assert_eq!(
            in_cluster("http://dex.auth.svc.cluster.local:5556/dex/keys").as_deref(),
            Some("/api/v1/namespaces/auth/services/dex:5556/proxy/dex/keys")
        );
        assert_eq!(in_cluster("https://id.acme.com/keys"), None);
        assert_eq!(in_cluster("http://id.acme.com/keys"), None);
    }
}
