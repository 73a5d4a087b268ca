//! Secrets whose values are made in the cluster. An annotation of the manifest says how each value comes to be; the value itself is
//! in no file, plan, difference, event or log. It is made once, where it is missing, and kept for as long as the Secret is there.
//!
//! The values belong to a field manager of their own, so that what kfctl applies, which is the manifest, takes none of them away.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::plan::Member;
use crate::cluster::{Class, Connection, Failure};
use crate::labels::{GENERATE, SECRETS_FIELD_MANAGER};
use crate::yaml;

/// How a value comes to be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) enum Recipe {
    /// So many random bytes, as base64 fit for URLs.
    Random(usize),
    /// What this variable of the environment holds; where it is set to something else later, that is taken.
    Environment(String),
    /// A certificate for these names, signed by its own key, which comes beside it as tls.key.
    SelfSigned(Vec<String>),
    /// A password, of which only the hash is kept: a text with `{hash}` and `{id}`, an identity of the user.
    Password {
        /// Whose it is.
        user: String,
        /// What is stored.
        text: String,
    },
}

/// A value that may be shown to the person who asked for it, and nowhere else.
#[derive(Clone)]
pub struct Password {
    /// Whose it is.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Password").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Password {
    /// A new one: a hundred random bits, in letters and digits that can't be mistaken for others.
    pub fn make(user: &str) -> Result<Self, String> {
        const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let letters: Vec<char> =
            random(20)?.into_iter().map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()])).collect();
        let groups: Vec<String> = letters.chunks(5).map(|group| group.iter().collect()).collect();
        Ok(Self { user: user.to_owned(), password: groups.join("-") })
    }

    /// What is kept of it.
    pub fn hash(&self) -> Result<String, String> {
        const COST: u32 = 12;
        bcrypt::hash(&self.password, COST).map_err(|error| format!("cannot hash a password: {error}"))
    }
}

/// Text that nobody can guess.
pub fn identity() -> Result<String, String> {
    Ok(random(16)?.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn random(bytes: usize) -> Result<Vec<u8>, String> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(|error| format!("the machine has no random bytes: {error}"))?;
    Ok(random)
}

type Recipes = BTreeMap<String, Recipe>;
type Values = BTreeMap<String, Vec<u8>>;

/// The recipes of a manifest; none where it is no Secret.
fn recipes(content: &Value) -> Result<Recipes, String> {
    let is_secret = content["apiVersion"] == "v1" && content["kind"] == "Secret";
    let text = content.pointer("/metadata/annotations").and_then(|annotations| annotations.get(GENERATE)?.as_str());
    let Some(text) = text.filter(|_| is_secret) else { return Ok(Recipes::new()) };
    yaml::from_str(text, std::path::Path::new(GENERATE)).map_err(|error| error.to_string())
}

/// Those of the recipes whose values `live` lacks.
pub(super) fn lacking(content: &Value, live: Option<&Value>) -> Recipes {
    let held = |key: &str| live?.get("data")?.get(key)?.as_str();
    let mut recipes = recipes(content).unwrap_or_default();
    recipes.retain(|key, recipe| match (recipe, held(key)) {
        (_, None) => true,
        (Recipe::Environment(variable), Some(held)) => value_of(variable).is_some_and(|value| STANDARD.encode(value) != held),
        (Recipe::SelfSigned(_), Some(_)) => held("tls.key").is_none(),
        _ => false,
    });
    recipes
}

/// Why these can't be followed, where that is known before anything is written: what is wrong, and what to do.
pub(super) fn problem(content: &Value, lacking: &Recipes) -> Option<(String, String)> {
    if let Err(error) = recipes(content) {
        return Some((error, "correct the annotation where the manifest comes from".to_owned()));
    }
    lacking.iter().find_map(|(key, recipe)| match recipe {
        Recipe::Environment(variable) if value_of(variable).is_none() => Some((
            format!("its key {key} comes from the environment, where {variable} is not set"),
            format!("set it for this one run, from where no history keeps it: `read -rs {variable} && export {variable}`"),
        )),
        _ => None,
    })
}

fn value_of(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}

/// Makes what the Secret of this member lacks by now. Two runs at once make it once: whoever comes second finds it.
pub(super) async fn fill(connection: &Connection, member: &Member) -> Result<(Vec<String>, Vec<Password>), Failure> {
    let path = member.resource.object_path(&member.object.id);
    let live = connection.read(&path).await?;
    let lacking = lacking(&member.object.content, Some(&live));
    let (data, passwords) = make(&lacking).map_err(|message| Failure { class: Class::Other, message, retry_after: None })?;
    if data.is_empty() {
        return Ok(Default::default());
    }
    let keys = data.keys().cloned().collect();
    let data: BTreeMap<String, String> = data.into_iter().map(|(key, value)| (key, STANDARD.encode(value))).collect();
    let patch = json!({"metadata": {"resourceVersion": live["metadata"]["resourceVersion"]}, "data": data});
    merge(connection, &path, &patch).await?;
    Ok((keys, passwords))
}

/// Changes an object as who keeps the values of Secrets. What the server says of a refusal may quote them.
async fn merge(connection: &Connection, path: &str, patch: &Value) -> Result<(), Failure> {
    let path = format!("{path}?fieldManager={SECRETS_FIELD_MANAGER}");
    let body = ("application/merge-patch+json", patch.to_string().into_bytes());
    match connection.request(Method::PATCH, &path, "application/json", Some(body)).await {
        Ok(_) => Ok(()),
        Err(failure) if failure.class == Class::Invalid => {
            Err(Failure { message: "the server refuses the values".to_owned(), ..failure })
        }
        Err(failure) => Err(failure),
    }
}

fn make(recipes: &Recipes) -> Result<(Values, Vec<Password>), String> {
    let (mut data, mut passwords) = (Values::new(), Vec::new());
    for (key, recipe) in recipes {
        let value = match recipe {
            Recipe::Random(bytes) => URL_SAFE_NO_PAD.encode(random(*bytes)?),
            Recipe::Environment(variable) => value_of(variable).ok_or_else(|| format!("{variable} is not set"))?,
            Recipe::SelfSigned(names) => {
                let (certificate, private) =
                    self_signed(names).map_err(|error| format!("cannot make a certificate for {}: {error}", names.join(", ")))?;
                data.insert("tls.key".to_owned(), private.into_bytes());
                certificate
            }
            Recipe::Password { user, text } => {
                let password = Password::make(user)?;
                let stored = text.replace("{hash}", &password.hash()?).replace("{id}", &identity()?);
                passwords.push(password);
                stored
            }
        };
        data.insert(key.clone(), value.into_bytes());
    }
    Ok((data, passwords))
}

/// PEM of a certificate and its key. It does not expire: nobody is there to renew it, and nobody trusts it by a date.
fn self_signed(names: &[String]) -> Result<(String, String), rcgen::Error> {
    use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
    let mut certificate = CertificateParams::new(names)?;
    certificate.distinguished_name.push(DnType::CommonName, "Kubeflow");
    certificate.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    certificate.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    Ok((certificate.self_signed(&key)?.pem(), key.serialize_pem()))
}

/// The names of the keys that would be made.
pub(super) fn names(lacking: &Recipes) -> Vec<String> {
    let beside = |recipe: &Recipe| matches!(recipe, Recipe::SelfSigned(_)).then(|| "tls.key".to_owned());
    lacking.iter().flat_map(|(key, recipe)| std::iter::once(key.clone()).chain(beside(recipe))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(recipes: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "annotations": {GENERATE: recipes}}})
    }

    #[test]
    fn what_is_there_is_not_made_again() {
        let content = secret("a: {random: 32}\nb: {random: 16}\ntls.crt: {selfSigned: [localhost]}");
        assert_eq!(names(&lacking(&content, None)), ["a", "b", "tls.crt", "tls.key"]);
        let live = json!({"data": {"a": "eA==", "tls.crt": "eA==", "tls.key": "eA=="}});
        assert_eq!(names(&lacking(&content, Some(&live))), ["b"]);
        let half = json!({"data": {"a": "eA==", "b": "eA==", "tls.crt": "eA=="}});
        assert_eq!(names(&lacking(&content, Some(&half))), ["tls.crt", "tls.key"], "one half of a pair is worth nothing");
    }

    #[test]
    fn each_recipe_makes_its_own_value() {
        let content = secret(
            "r: {random: 32}\ntls.crt: {selfSigned: [kubeflow.acme.com]}\nu: {password: {user: jane@acme.com, text: \"{id} {hash}\"}}",
        );
        let recipes = lacking(&content, None);
        let (one, passwords) = make(&recipes).unwrap();
        let (other, _) = make(&recipes).unwrap();
        assert!(one.iter().all(|(key, value)| other[key] != *value), "made twice, it is the same");
        assert_eq!(URL_SAFE_NO_PAD.decode(&one["r"]).unwrap().len(), 32);
        assert!(one["tls.crt"].starts_with(b"-----BEGIN CERTIFICATE") && one["tls.key"].starts_with(b"-----BEGIN PRIVATE KEY"));
        let stored = String::from_utf8(one["u"].clone()).unwrap();
        let (id, hash) = stored.split_once(' ').unwrap();
        assert_eq!((id.len(), passwords.len(), passwords[0].user.as_str()), (32, 1, "jane@acme.com"));
        assert!(bcrypt::verify(&passwords[0].password, hash).unwrap() && !stored.contains(&passwords[0].password));
        assert!(!format!("{passwords:?}").contains(&passwords[0].password));
    }

    #[test]
    fn what_can_not_be_made_is_known_before() {
        let content = secret("k: {environment: KFCTL_TEST_NEVER_SET}");
        let (what, to_do) = problem(&content, &lacking(&content, None)).unwrap();
        assert_eq!(what, "its key k comes from the environment, where KFCTL_TEST_NEVER_SET is not set");
        assert!(to_do.contains("KFCTL_TEST_NEVER_SET"));
        assert_eq!(problem(&content, &lacking(&content, Some(&json!({"data": {"k": "eA=="}})))), None);
        let wrong = secret("k: {magic: 1}");
        assert!(problem(&wrong, &lacking(&wrong, None)).unwrap().0.contains("magic"));
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"annotations": {GENERATE: "k: {random: 8}"}}});
        assert!(lacking(&map, None).is_empty(), "a ConfigMap is no place for it");
    }
}
