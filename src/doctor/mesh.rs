//! Checks of the mesh and the login: what stands between a browser and a notebook. Only where component auth runs.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::facts::{Fact, in_words};
use super::{Finding, Level};
use crate::apply::{Edit, Standing};
use crate::cluster::{Class, Connection, Failure};
use crate::mesh::{Endpoint, Gateway, MESH, endpoint};
use crate::object::list;
use crate::sources::download;

/// Policies that are named.
const NAMED: usize = 5;

/// How long an issuer may take to show its keys.
const PATIENCE: Duration = Duration::from_secs(15);

/// What istiod judges.
const JUDGED: [&str; 4] = [
    "/apis/security.istio.io/v1/authorizationpolicies",
    "/apis/security.istio.io/v1/requestauthentications",
    "/apis/networking.istio.io/v1/gateways",
    "/apis/networking.istio.io/v1/virtualservices",
];

/// What is known of the mesh.
#[derive(Debug)]
pub struct MeshFacts {
    /// Where its gateway answers, or why nowhere.
    endpoint: Fact<Endpoint>,
    /// Where the keys of tokens come from, and whether they do.
    keys: (String, Fact<usize>),
    /// Objects that istiod judges, with its words on those that it does not take.
    policies: Fact<(usize, Vec<String>)>,
}

impl MeshFacts {
    /// Asks, where component auth has made its configuration.
    pub(super) async fn gather(connection: &Connection) -> Option<Self> {
        let mesh = match connection.get(MESH).await {
            Ok(mesh) => mesh,
            Err(failure) if failure.class == Class::NotFound => return None,
            Err(Failure { message, .. }) => {
                let keys = ("the issuer".to_owned(), Err(message.clone()));
                return Some(Self { endpoint: Err(message.clone()), keys, policies: Err(message) });
            }
        };
        let parts: BTreeMap<&str, &str> = mesh["data"]
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
            .collect();
        let (endpoint, keys, policies) = futures::join!(address(connection), keys(connection, &parts), judged(connection));
        Some(Self { endpoint, keys, policies })
    }
}

async fn address(connection: &Connection) -> Fact<Endpoint> {
    endpoint(&Gateway::read(connection, "kubeflow").await.map_err(|error| error.to_string())?)
}

/// The place of the keys that tokens are checked with, and how many there are.
async fn keys(connection: &Connection, mesh: &BTreeMap<&str, &str>) -> (String, Fact<usize>) {
    let part = |name: &str| mesh.get(name).copied().unwrap_or_default();
    if !part("jwks").is_empty() {
        let keys = serde_json::from_str::<Value>(part("jwks")).map_err(|error| format!("it is no JSON: {error}"));
        return ("parameter jwks".to_owned(), keys.and_then(|keys| count(&keys)));
    }
    let mut place = part("jwksUri").to_owned();
    if place.is_empty() {
        place = format!("{}/.well-known/openid-configuration", part("issuer").trim_end_matches('/'));
        match fetch(connection, &place).await {
            Ok(found) => found["jwks_uri"].as_str().unwrap_or_default().clone_into(&mut place),
            Err(why) => return (place, Err(why)),
        }
    }
    let found = fetch(connection, &place).await.and_then(|keys| count(&keys));
    (place, found)
}

fn count(keys: &Value) -> Fact<usize> {
    match list(keys, "/keys").len() {
        0 => Err("there are no keys in it".to_owned()),
        count => Ok(count),
    }
}

/// What is at a URL: asked by the API server where it is a Service's, else from here.
async fn fetch(connection: &Connection, url: &str) -> Fact<Value> {
    if let Some(path) = through_server(url) {
        return connection.get(&path).await.map_err(in_words);
    }
    let (url, request) = (url.to_owned(), url.to_owned());
    let fetched = tokio::task::spawn_blocking(move || download(&request));
    let bytes = match tokio::time::timeout(PATIENCE, fetched).await {
        Ok(Ok(fetched)) => fetched.map_err(|error| error.to_string())?,
        _ => return Err(format!("no answer from {url} within {} s", PATIENCE.as_secs())),
    };
    serde_json::from_slice(&bytes).map_err(|error| format!("{url} serves no JSON: {error}"))
}

/// The API server's way to a Service, where a URL names one.
fn through_server(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = authority.split_once(':').unwrap_or((authority, if scheme == "https" { "443" } else { "80" }));
    let host = host.strip_suffix(".cluster.local").unwrap_or(host);
    let (name, namespace) = host.strip_suffix(".svc")?.split_once('.')?;
    Some(format!("/api/v1/namespaces/{namespace}/services/{scheme}:{name}:{port}/proxy/{path}"))
}

async fn judged(connection: &Connection) -> Fact<(usize, Vec<String>)> {
    let (mut all, mut refused) = (0, Vec::new());
    for path in JUDGED {
        let found = match connection.get(path).await {
            Ok(found) => found,
            // Who has no such kind has no such object.
            Err(failure) if failure.class == Class::NoMatch => continue,
            Err(failure) => return Err(failure.message),
        };
        let kind = found["kind"].as_str().unwrap_or_default().trim_end_matches("List").to_owned();
        for object in list(&found, "/items") {
            all += 1;
            refused.extend(verdict(&kind, object));
        }
    }
    Ok((all, refused))
}

/// What istiod has written into the status of an object that it does not take.
fn verdict(kind: &str, object: &Value) -> Option<String> {
    let messages = list(object, "/status/validationMessages").iter().filter(|message| message["level"] != "INFO");
    let messages = messages.map(|message| {
        let name = message["type"]["name"].as_str().unwrap_or("refused");
        let code = message["type"]["code"].as_str().map(|code| format!(" ({code})")).unwrap_or_default();
        format!("{name}{code}")
    });
    let untrue = list(object, "/status/conditions").iter().filter(|condition| condition["status"] == "False");
    let untrue = untrue.filter_map(|condition| condition["message"].as_str().filter(|text| !text.is_empty()).map(str::to_owned));
    let said: Vec<String> = messages.chain(untrue).collect();
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
    (!said.is_empty()).then(|| format!("{kind} {}/{}: {}", text("namespace"), text("name"), said.join(", ")))
}

/// All that is known of the mesh, as findings.
pub(super) fn mesh(facts: &MeshFacts, webhooks: &Fact<Vec<Value>>) -> Vec<Finding> {
    vec![gateway(&facts.endpoint), tokens(&facts.keys), policies(&facts.policies, webhooks)]
}

fn gateway(endpoint: &Fact<Endpoint>) -> Finding {
    let check = "gateway";
    match endpoint {
        Ok(endpoint) => Finding::ok(check, format!("the gateway is at {}, as {} says", endpoint.url, endpoint.object)),
        Err(why) => Finding::warn(
            check,
            format!("the gateway has no address: {why}"),
            "`kfctl open` leads there from one machine; for all: a Service of type LoadBalancer or NodePort, or an Ingress",
        ),
    }
}

fn tokens((place, keys): &(String, Fact<usize>)) -> Finding {
    let check = "keys";
    let own = through_server(place).is_some() || !place.contains("://");
    match keys {
        Ok(count) => Finding::ok(check, format!("tokens are checked with {count} keys of {place}")),
        Err(why) if own => Finding::fail(
            check,
            format!("no token can be checked, so that nobody gets in: {place}: {why}"),
            "look at who issues them (Dex: `kubectl -n auth get pods`), or name another place: `kfctl param set auth jwksUri URL`",
        ),
        Err(why) => Finding::warn(
            check,
            format!("the keys that tokens are checked with can't be had from here: {place}: {why}"),
            "istiod fetches them itself, and needs a way there; else give them: `kfctl param set auth jwks KEYS`",
        ),
    }
}

fn policies(policies: &Fact<(usize, Vec<String>)>, webhooks: &Fact<Vec<Value>>) -> Finding {
    let check = "policies";
    let (all, refused) = match policies {
        Ok((all, refused)) => (all, refused),
        Err(why) => return Finding::unknown(check, why),
    };
    if !refused.is_empty() {
        let more = refused.len().saturating_sub(NAMED);
        let more = if more == 0 { String::new() } else { format!("; and {more} more") };
        let named = refused.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
        return Finding::fail(
            check,
            format!("istiod does not take {named}{more}"),
            "correct what is yours; what kfctl made, `kfctl apply k8s` puts right",
        );
    }
    let is_istiods =
        |webhook: &Value| webhook["clientConfig"]["service"]["name"].as_str().is_some_and(|name| name.starts_with("istiod"));
    // The other one of Istio puts sidecars into pods.
    let validates = |configuration: &Value| {
        let name = configuration["metadata"]["name"].as_str().unwrap_or_default();
        name.contains("validat") && list(configuration, "/webhooks").iter().any(is_istiods)
    };
    match webhooks {
        Ok(webhooks) if !webhooks.iter().any(validates) => Finding::warn(
            check,
            format!(
                "of {all} policies and routes istiod complains of none, but it checks nothing when it is written: its validating webhook is not there"
            ),
            "install Istio with its validation (its chart `base` brings the webhook)",
        ),
        _ => Finding::ok(check, format!("istiod complains of none of {all} policies and routes")),
    }
}

/// Whether the mesh knows who logs people in.
pub(super) fn provider(edits: &[Edit]) -> Vec<Finding> {
    let check = "provider";
    let wanted = edits.iter().filter(|edit| edit.item.is_some());
    wanted
        .map(|edit| {
            let (object, item) = (edit.place.object(), &edit.place.item);
            match edit.standing(false) {
                Ok(Standing::AsWanted) => Finding::ok(check, format!("{object} knows {item}")),
                Ok(Standing::Differs(_)) => Finding::fail(
                    check,
                    format!("{object} does not know {item} as it is now: every request without a token is refused"),
                    format!("`kfctl apply k8s -c {}` writes it", if edit.rendered { "istio" } else { edit.component.as_str() }),
                ),
                Ok(Standing::Theirs) if edit.rendered => Finding::warn(
                    check,
                    format!("{object} has another {item} than kfctl would write"),
                    "`kfctl diff -c istio` shows how, `kfctl apply k8s -c istio --force-conflicts` writes kfctl's",
                ),
                Ok(Standing::Theirs) => Finding::warn(
                    check,
                    format!("{object} has another {item} than kfctl would write"),
                    format!("leave it, or write kfctl's: `kfctl apply k8s -c {} --force-conflicts`", edit.component),
                ),
                Ok(Standing::Nowhere) => Finding::fail(
                    check,
                    format!("{object} is not there, so that nothing knows {item}: every request without a token is refused"),
                    "make it, as Istio's installation does, then `kfctl apply k8s`",
                ),
                Err(error) => Finding::warn(check, error.to_string(), "put the item there by hand, as docs/login.md shows"),
            }
        })
        .collect()
}

/// Where users' content has its origin.
pub(super) fn origin(host: Option<&str>) -> Option<Finding> {
    let check = "origin";
    match host? {
        "" => Some(Finding::warn(
            check,
            "notebooks share their origin with the pages of Kubeflow: what runs in one can act as whoever opens it",
            "give them a name of their own: `kfctl param set auth notebookHost NAME`",
        )),
        host => Some(Finding {
            check,
            level: Level::Ok,
            found: format!("notebooks have an origin of their own: {host}"),
            to_do: None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_services_url_goes_through_the_server() {
        assert_eq!(
            through_server("http://dex.auth.svc.cluster.local:5556/dex/keys").as_deref(),
            Some("/api/v1/namespaces/auth/services/http:dex:5556/proxy/dex/keys")
        );
        assert_eq!(through_server("https://a.b.svc").as_deref(), Some("/api/v1/namespaces/b/services/https:a:443/proxy/"));
        assert_eq!(through_server("https://id.acme.com/keys"), None);
    }

    #[test]
    fn istiods_words_are_told() {
        let object = |status: Value| json!({"metadata": {"namespace": "n", "name": "a"}, "status": status});
        let message = json!({"level": "ERROR", "type": {"code": "IST0101", "name": "ReferencedResourceNotFound"}});
        let said = verdict("VirtualService", &object(json!({"validationMessages": [message, {"level": "INFO"}]})));
        assert_eq!(said.as_deref(), Some("VirtualService n/a: ReferencedResourceNotFound (IST0101)"));
        let condition = json!({"type": "Accepted", "status": "False", "message": "no such provider"});
        assert_eq!(verdict("X", &object(json!({"conditions": [condition]}))).as_deref(), Some("X n/a: no such provider"));
        assert_eq!(verdict("X", &object(json!({}))), None);
    }

    #[test]
    fn own_keys_that_fail_lock_everybody_out_and_others_may_be_reached_by_istiod_alone() {
        let level = |place: &str| tokens(&(place.to_owned(), Err("no".to_owned()))).level;
        assert_eq!(level("http://dex.auth.svc.cluster.local/keys"), Level::Fail);
        assert_eq!(level("parameter jwks"), Level::Fail);
        assert_eq!(level("https://id.acme.com/keys"), Level::Warn);
    }

    #[test]
    fn a_shared_origin_is_warned_of_where_it_can_be_helped() {
        assert_eq!(origin(None), None);
        assert_eq!(origin(Some("")).map(|finding| finding.level), Some(Level::Warn));
        assert_eq!(origin(Some("user.acme.com")).map(|finding| finding.level), Some(Level::Ok));
    }
}
