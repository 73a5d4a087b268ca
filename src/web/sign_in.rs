//! Who sends a request: whose token it carries. No header that names somebody is believed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::Site;
use super::answer::Problem;
use super::cache::{Kind, TRUST};
use crate::identity::{KeySource, Keys, Person, Refusal, Trust, verify};
use crate::profiles::SYSTEM_NAMESPACE;

/// How long keys are used before they are fetched again.
const KEYS_LAST: Duration = Duration::from_mins(10);
/// How soon a key that is not among them makes them be fetched.
const UNKNOWN: Duration = Duration::from_secs(30);
/// How soon they are tried again that could not be had.
const RETRY: Duration = Duration::from_secs(5);
/// The longest that an issuer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest key set, in bytes.
const LARGEST: u64 = 1 << 20;

/// The issuer's keys.
#[derive(Debug, Default)]
pub(super) struct KeyRing(tokio::sync::Mutex<Option<Held>>);

#[derive(Debug)]
struct Held {
    issuer: String,
    source: KeySource,
    keys: Result<Arc<Keys>, String>,
    /// From when on they are fetched again.
    stale: Instant,
    fetched: Instant,
}

impl KeyRing {
    /// The keys; where one `is_unknown`, newer ones if there may be any. One request fetches them, and the others wait for it.
    async fn keys(&self, trust: &Trust, is_unknown: bool) -> Result<Arc<Keys>, String> {
        let mut held = self.0.lock().await;
        let before = held.as_ref().filter(|held| held.issuer == trust.issuer && held.source == trust.keys);
        let is_missing = |held: &Held| is_unknown && held.keys.is_ok() && held.fetched.elapsed() > UNKNOWN;
        if let Some(before) = before.filter(|held| Instant::now() < held.stale && !is_missing(held)) {
            return before.keys.clone();
        }
        let before = before.map(|held| held.keys.clone());
        let (keys, lasts) = match (fetch(trust).await, before) {
            (Ok(keys), _) => (Ok(Arc::new(keys)), KEYS_LAST),
            // Those of a moment ago are better than nobody's.
            (Err(problem), Some(Ok(keys))) => {
                tracing::warn!(problem, "the issuer's keys could not be fetched; those from before are used");
                (Ok(keys), UNKNOWN)
            }
            (Err(problem), _) => (Err(problem), RETRY),
        };
        let now = Instant::now();
        *held = Some(Held {
            issuer: trust.issuer.clone(),
            source: trust.keys.clone(),
            keys: keys.clone(),
            stale: now + lasts,
            fetched: now,
        });
        keys
    }
}

async fn fetch(trust: &Trust) -> Result<Keys, String> {
    if let KeySource::Here(keys) = &trust.keys {
        return Keys::parse(keys);
    }
    let trust = trust.clone();
    let fetched = tokio::task::spawn_blocking(move || {
        let address = match &trust.keys {
            KeySource::At(address) => address.clone(),
            _ => discovered(&trust.issuer)?,
        };
        Keys::parse(&download(&address)?)
    });
    fetched.await.map_err(|error| error.to_string())?
}

/// Where the issuer's own document says its keys are.
fn discovered(issuer: &str) -> Result<String, String> {
    let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let document: Value = serde_json::from_str(&download(&address)?).map_err(|error| format!("{address}: {error}"))?;
    if document["issuer"] != issuer {
        return Err(format!("{address} speaks for another issuer"));
    }
    document["jwks_uri"].as_str().map(str::to_owned).ok_or_else(|| format!("{address} names no keys"))
}

fn download(address: &str) -> Result<String, String> {
    let failed = |error: ureq::Error| format!("{address}: {error}");
    let request = ureq::get(address).config().timeout_global(Some(PATIENCE)).max_redirects(0).build();
    let mut answer = request.call().map_err(failed)?;
    answer.body_mut().with_config().limit(LARGEST).read_to_string().map_err(failed)
}

/// Somebody, and the token that proves them.
pub(super) struct SignedIn {
    pub(super) person: Person,
    pub(super) token: String,
}

/// Whose token a request carries.
pub(super) async fn sign_in(site: &Site, headers: &HeaderMap) -> Result<SignedIn, Problem> {
    let unable = |reason: String| {
        tracing::error!(reason, "nobody can be let in");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "nobody can be let in now: it is not known whose logins count")
            .hint("an admin sees why in the log of deployment kfctl-web, and whether all is in place by `kfctl doctor`")
    };
    let Some(settings) = site.cache.one(Kind::Trust, SYSTEM_NAMESPACE, TRUST) else {
        return Err(unable("ConfigMap mesh is missing: component auth makes it".to_owned()));
    };
    let trust = Trust::read(&settings).map_err(unable)?;
    let token = token(headers, &trust)?;
    let keys = site.keys.keys(&trust, false).await.map_err(unable)?;
    let now = || jiff::Timestamp::now().as_second();
    let mut person = verify(token, &keys, &trust, now());
    if person == Err(Refusal::UnknownKey) {
        let newer = site.keys.keys(&trust, true).await.map_err(unable)?;
        person = verify(token, &newer, &trust, now());
    }
    match person {
        Ok(person) => Ok(SignedIn { person, token: token.to_owned() }),
        Err(refusal) => {
            tracing::info!(%refusal, "a token was refused");
            Err(unknown(refusal.to_string()))
        }
    }
}

fn token<'a>(headers: &'a HeaderMap, trust: &Trust) -> Result<&'a str, Problem> {
    let mut values = headers.get_all(trust.header.as_str()).iter();
    let (first, more) = (values.next(), values.next());
    let Some(value) = first else { return Err(unknown("nobody is logged in")) };
    if more.is_some() {
        return Err(unknown("there are several logins at once"));
    }
    let token =
        value.to_str().ok().and_then(|value| value.get(trust.prefix.len()..).filter(|_| is_prefixed(value, &trust.prefix)));
    token.map(str::trim).ok_or_else(|| unknown("nobody is logged in"))
}

/// The name of a scheme is written as everybody likes.
fn is_prefixed(value: &str, prefix: &str) -> bool {
    value.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn unknown(message: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, message).hint("log in again, by the address under which you reach Kubeflow")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_token_is_taken_from_its_one_header() {
        let trust = |more: Value| {
            let mut data = json!({"issuer": "i"});
            data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Trust::read(&json!({"data": data})).unwrap()
        };
        let bearer = trust(json!({}));
        let found = |trust: &Trust, lines: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, value.parse().unwrap());
            }
            token(&headers, trust).map(str::to_owned).ok()
        };
        assert_eq!(found(&bearer, &[("authorization", "Bearer t")]).as_deref(), Some("t"));
        assert_eq!(found(&bearer, &[("authorization", "bearer t")]).as_deref(), Some("t"));
        for lines in [
            &[][..],
            &[("authorization", "Basic t")],
            &[("authorization", "B")],
            &[("authorization", "Bearer t"), ("authorization", "Bearer u")],
            &[("x-jwt", "t")],
            &[("kubeflow-userid", "jane@foo.com")],
        ] {
            assert_eq!(found(&bearer, lines), None, "{lines:?}");
        }
        let other = trust(json!({"jwtHeader": "X-Jwt", "jwtPrefix": ""}));
        assert_eq!(found(&other, &[("x-jwt", "t"), ("authorization", "Bearer u")]).as_deref(), Some("t"));
    }
}
