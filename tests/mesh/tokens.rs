//! The tokens that users come with: signed by this test's own issuer, or broken in every way that is known to have worked somewhere.

use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use crate::harness::say;

/// Who signs, and for whom.
pub(crate) const ISSUER: &str = "https://issuer.example.com";
pub(crate) const AUDIENCE: &str = "kubeflow";
const KEY_ID: &str = "one";

struct Key {
    pair: RsaKeyPair,
    /// The public half as PEM: some verifiers take it for the secret of an HMAC.
    public: String,
}

/// The issuer's key, and one that nobody here trusts.
pub(crate) struct Keys {
    ours: Key,
    foreign: Key,
}

impl Key {
    fn new(istiod: &Path) -> Self {
        let printed = say(Command::new(istiod).arg("rsa-key")).success();
        let (private, public) = printed.split_once("-----BEGIN PUBLIC KEY").expect("two keys");
        let base64: String = private.lines().filter(|line| !line.starts_with('-')).collect();
        let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(base64).expect("base64")).expect("a key");
        Self { pair, public: format!("-----BEGIN PUBLIC KEY{public}") }
    }

    fn sign(&self, text: &str) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).expect("signed");
        signature
    }
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

impl Keys {
    pub(crate) fn new(istiod: &Path) -> Self {
        Self { ours: Key::new(istiod), foreign: Key::new(istiod) }
    }

    /// What the issuer publishes.
    pub(crate) fn jwks(&self) -> String {
        let public = PublicKeyComponents::<Vec<u8>>::from(self.ours.pair.public());
        let [n, e] = [public.n, public.e].map(|number| URL_SAFE_NO_PAD.encode(number));
        json!({"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": KEY_ID, "n": n, "e": e}]}).to_string()
    }

    /// A token with these claims: `how` is an algorithm, or a way to break the signature.
    pub(crate) fn token(&self, how: &str, claims: &Value) -> String {
        let algorithm = if matches!(how, "none" | "HS256") { how } else { "RS256" };
        let text = format!("{}.{}", encoded(&json!({"alg": algorithm, "typ": "JWT", "kid": KEY_ID})), encoded(claims));
        let signature = match how {
            "RS256" => self.ours.sign(&text),
            "HS256" => {
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, self.ours.public.as_bytes());
                ring::hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
            }
            "foreign" => self.foreign.sign(&text),
            "none" | "unsigned" => Vec::new(),
            other => panic!("no token is made by {other}"),
        };
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The token with other claims below the signature that it has.
    pub(crate) fn tampered(token: &str, claims: &Value) -> String {
        let parts: Vec<&str> = token.split('.').collect();
        format!("{}.{}.{}", parts[0], encoded(claims), parts[2])
    }
}
