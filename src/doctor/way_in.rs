//! What people need to come in: an address, keys by which the login's tokens are checked, and a mesh that knows the login. `doctor` and
//! `status` look at it alike.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::Finding;
use super::facts::Fact;
use crate::apply::{Edit, Standing};
use crate::cluster::{Class, Connection, Failure};
use crate::mesh::{Endpoint, Gateway, MESH, endpoint};
use crate::object::list;
use crate::sources::download_within;

/// How long whoever has the keys may take to show them.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many keys there are, or why none.
type Keys = Result<usize, Trouble>;

/// Why something can't be had.
#[derive(Debug)]
enum Trouble {
    /// The caller may not look.
    Hidden(String),
    /// It is not there.
    Missing(String),
}

impl From<Failure> for Trouble {
    fn from(Failure { class, message, .. }: Failure) -> Self {
        // What stands behind the API server may refuse as well: its own words alone are about the caller's rights.
        let own = class == Class::Forbidden && message.contains("cannot get resource");
        if own { Self::Hidden(message) } else { Self::Missing(message) }
    }
}

/// What is known of it.
#[derive(Debug)]
pub(super) struct WayIn {
    /// Where the gateway answers, or why nowhere.
    endpoint: Fact<Endpoint>,
    /// Where the keys of tokens come from, and whether they do.
    keys: (String, Keys),
}

impl WayIn {
    /// Asks, where component auth has made its configuration; `namespace` is that of the app's components.
    pub(super) async fn gather(connection: &Connection, namespace: &str) -> Option<Self> {
        let mesh = match connection.get(MESH).await {
            Ok(mesh) => mesh,
            Err(failure) if failure.class == Class::NotFound => return None,
            Err(failure) => {
                let endpoint = Err(failure.message.clone());
                return Some(Self { endpoint, keys: ("the issuer".to_owned(), Err(failure.into())) });
            }
        };
        let parts: BTreeMap<&str, &str> = mesh["data"]
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
            .collect();
        let (endpoint, keys) = futures::join!(address(connection, namespace), keys(connection, &parts));
        Some(Self { endpoint, keys })
    }

    /// The same as findings.
    pub(super) fn findings(&self) -> Vec<Finding> {
        vec![gateway(&self.endpoint), tokens(&self.keys)]
    }
}

/// Whether people can come in to the app whose components are in `namespace`; nothing where component auth is not there. `edits` are the
/// items of the app in configurations of somebody else's.
pub async fn way_in(connection: &Connection, namespace: &str, edits: &[Edit]) -> Vec<Finding> {
    let Some(facts) = WayIn::gather(connection, namespace).await else { return Vec::new() };
    let mut findings = facts.findings();
    findings.extend(provider(edits));
    findings
}

async fn address(connection: &Connection, namespace: &str) -> Fact<Endpoint> {
    endpoint(&Gateway::read(connection, namespace).await.map_err(|error| error.to_string())?)
}

/// The place of the keys that tokens are checked with, and how many there are.
async fn keys(connection: &Connection, mesh: &BTreeMap<&str, &str>) -> (String, Keys) {
    let part = |name: &str| mesh.get(name).copied().unwrap_or_default();
    if !part("jwks").is_empty() {
        let keys = serde_json::from_str::<Value>(part("jwks"));
        let keys = keys.map_err(|error| Trouble::Missing(format!("it is no JSON: {error}")));
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

fn count(keys: &Value) -> Keys {
    match list(keys, "/keys").len() {
        0 => Err(Trouble::Missing("there are no keys in it".to_owned())),
        count => Ok(count),
    }
}

/// What is at a URL: asked by the API server where it is a Service's, else from here.
async fn fetch(connection: &Connection, url: &str) -> Result<Value, Trouble> {
    let late = || Trouble::Missing(format!("no answer from {url} within {} s", PATIENCE.as_secs()));
    if let Some(path) = through_server(url) {
        return Ok(tokio::time::timeout(PATIENCE, connection.get(&path)).await.map_err(|_| late())??);
    }
    let asked = url.to_owned();
    let fetched = tokio::task::spawn_blocking(move || download_within(&asked, PATIENCE)).await;
    let bytes = fetched.map_err(|_| late())?.map_err(|error| Trouble::Missing(error.to_string().replace(url, "it")))?;
    serde_json::from_slice(&bytes).map_err(|error| Trouble::Missing(format!("{url} serves no JSON: {error}")))
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

fn gateway(endpoint: &Fact<Endpoint>) -> Finding {
    let check = "gateway";
    match endpoint {
        Ok(endpoint) => Finding::ok(check, format!("the gateway is at {}, as {} says", endpoint.url, endpoint.object)),
        Err(why) => Finding::warn(
            check,
            format!("the gateway has no address: {why}"),
            "`kfctl open` leads there from one machine; for all: a Service of type LoadBalancer or NodePort (where kfctl brings Istio: `kfctl param set istio service NodePort`), or an Ingress",
        ),
    }
}

fn tokens((place, keys): &(String, Keys)) -> Finding {
    let check = "keys";
    let own = through_server(place).is_some() || !place.contains("://");
    match keys {
        Ok(1) => Finding::ok(check, format!("tokens are checked with the key of {place}")),
        Ok(count) => Finding::ok(check, format!("tokens are checked with {count} keys of {place}")),
        Err(Trouble::Hidden(why)) => Finding::unknown(check, why),
        Err(Trouble::Missing(why)) if own => Finding::fail(
            check,
            format!("no token can be checked, so that nobody gets in: {place}: {why}"),
            "look at who issues them (Dex: `kubectl -n auth get pods`), or name another place: `kfctl param set auth jwksUri URL`",
        ),
        Err(Trouble::Missing(why)) => Finding::warn(
            check,
            format!("the keys that tokens are checked with can't be had from here: {place}: {why}"),
            "istiod fetches them itself, and needs a way there; else give them: `kfctl param set auth jwks KEYS`",
        ),
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

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

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
    fn own_keys_that_fail_lock_everybody_out_and_others_may_be_reached_by_istiod_alone() {
        let level = |place: &str| tokens(&(place.to_owned(), Err(Trouble::Missing("no".to_owned())))).level;
        assert_eq!(level("http://dex.auth.svc.cluster.local/keys"), Level::Fail);
        assert_eq!(level("parameter jwks"), Level::Fail);
        assert_eq!(level("https://id.acme.com/keys"), Level::Warn);
    }
}
