//! Tokens: what is in one, and whether it is proved. The token itself is never shown: whoever has it is its user. Pure.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::Value;

use crate::object::list;

/// Seconds by which clocks may differ.
const SKEW: i64 = 60;

/// A token taken apart.
pub struct Token {
    header: Value,
    /// What it says.
    pub claims: Value,
    signed: String,
    signature: Vec<u8>,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("header", &self.header).finish_non_exhaustive()
    }
}

/// How far a token is proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proof {
    /// By a key of its issuer.
    Signed,
    /// All but the signature, and why that is not.
    Unchecked(String),
}

/// Why a token is worth nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The answer that Envoy gives.
    pub status: u16,
    /// In plain words.
    pub why: String,
}

fn invalid(why: impl Into<String>) -> Refusal {
    Refusal { status: 401, why: why.into() }
}

impl Token {
    /// Takes a token apart. An error quotes nothing of it.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        let shape = || invalid("it is no token: expected three parts in base64 with dots between, the first two of them JSON");
        let (signed, signature) = text.trim().rsplit_once('.').ok_or_else(shape)?;
        let (header, claims) = signed.split_once('.').ok_or_else(shape)?;
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| shape());
        let json = |part: &str| serde_json::from_slice::<Value>(&bytes(part)?).ok().filter(Value::is_object).ok_or_else(shape);
        Ok(Self { header: json(header)?, claims: json(claims)?, signature: bytes(signature)?, signed: signed.to_owned() })
    }

    fn text(&self, claim: &str) -> &str {
        self.claims[claim].as_str().unwrap_or_default()
    }

    /// What a principal is called in policies: issuer and subject.
    #[must_use]
    pub fn principal(&self) -> Option<String> {
        let (issuer, subject) = (self.text("iss"), self.text("sub"));
        (!issuer.is_empty() && !subject.is_empty()).then(|| format!("{issuer}/{subject}"))
    }

    /// The values of a claim, one inside another by several names; none where there is no such claim.
    #[must_use]
    pub fn values(&self, names: &[&str]) -> Vec<String> {
        let found = names.iter().try_fold(&self.claims, |value, name| value.get(name));
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match found {
            // Istio takes these for lists.
            Some(Value::String(words)) if matches!(names, ["scope" | "permission"]) => {
                words.split(' ').map(str::to_owned).collect()
            }
            Some(Value::Array(items)) => items.iter().filter_map(text).collect(),
            Some(other) => text(other).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// For whom it is.
    #[must_use]
    pub fn audiences(&self) -> Vec<String> {
        self.values(&["aud"])
    }

    fn verified(&self, keys: &Value) -> Result<(), Refusal> {
        let algorithm = self.header["alg"].as_str().unwrap_or_default();
        let kid = self.header["kid"].as_str();
        let is_named = |key: &&Value| kid.is_none() || key.get("kid").is_none() || key["kid"].as_str() == kid;
        let candidates = list(keys, "/keys").iter().filter(is_named);
        let of_algorithm = |key: &&Value| key.get("alg").is_none_or(|alg| alg == algorithm);
        let mut tried = 0;
        for key in candidates.filter(of_algorithm) {
            tried += 1;
            if self.is_by(algorithm, key).unwrap_or(false) {
                return Ok(());
            }
        }
        Err(invalid(match (algorithm, tried) {
            ("none" | "", _) => "it is not signed".to_owned(),
            (_, 0) => format!("the issuer has no key for it (algorithm {algorithm:?}, key {:?})", kid.unwrap_or_default()),
            _ => "its signature is of another key, or what it says was changed since".to_owned(),
        }))
    }

    fn is_by(&self, algorithm: &str, key: &Value) -> Option<bool> {
        let part = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str()?.trim_end_matches('=')).ok();
        let (message, signature) = (self.signed.as_bytes(), self.signature.as_slice());
        let rsa = |parameters| {
            let components = RsaPublicKeyComponents { n: part("n")?, e: part("e")? };
            Some(components.verify(parameters, message, signature).is_ok())
        };
        let point = || Some([vec![4], part("x")?, part("y")?].concat());
        match (key["kty"].as_str()?, algorithm) {
            ("RSA", "RS256") => rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
            ("RSA", "RS384") => rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
            ("RSA", "RS512") => rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
            ("RSA", "PS256") => rsa(&signature::RSA_PSS_2048_8192_SHA256),
            ("RSA", "PS384") => rsa(&signature::RSA_PSS_2048_8192_SHA384),
            ("RSA", "PS512") => rsa(&signature::RSA_PSS_2048_8192_SHA512),
            ("EC", "ES256") => {
                Some(UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point()?).verify(message, signature).is_ok())
            }
            ("EC", "ES384") => {
                Some(UnparsedPublicKey::new(&signature::ECDSA_P384_SHA384_FIXED, point()?).verify(message, signature).is_ok())
            }
            ("OKP", "EdDSA") => Some(UnparsedPublicKey::new(&signature::ED25519, part("x")?).verify(message, signature).is_ok()),
            _ => None,
        }
    }
}

/// Looks at a token as Envoy does by these rules of `RequestAuthentication`s, at a time in seconds since 1970. A rule without `jwks` has keys that
/// are not at hand.
pub(super) fn prove(token: &Token, rules: &[Value], now: i64) -> Result<Proof, Refusal> {
    let issuer = token.text("iss");
    let rule = rules.iter().find(|rule| rule["issuer"] == issuer);
    let Some(rule) = rule else {
        let known: Vec<&str> = rules.iter().filter_map(|rule| rule["issuer"].as_str()).collect();
        return Err(invalid(format!("its issuer is {issuer:?}; expected {}", known.join(" or "))));
    };
    let time = |claim: &str| {
        token.claims[claim].as_f64().map(|seconds| {
            #[allow(clippy::cast_possible_truncation, reason = "seconds of any year fit")]
            let seconds = seconds as i64;
            seconds
        })
    };
    if time("nbf").is_some_and(|start| start > now.saturating_add(SKEW)) {
        return Err(invalid("it is not valid yet (claim nbf)"));
    }
    if let Some(end) = time("exp").filter(|end| end.saturating_add(SKEW) < now) {
        return Err(invalid(format!("it expired {} s ago", now.saturating_sub(end))));
    }
    let wanted = list(rule, "/audiences");
    let plain = |audience: &str| {
        let audience = audience.strip_prefix("https://").or_else(|| audience.strip_prefix("http://")).unwrap_or(audience);
        audience.trim_end_matches('/').to_owned()
    };
    let audiences = token.audiences();
    if !wanted.is_empty()
        && !wanted.iter().filter_map(Value::as_str).any(|one| audiences.iter().any(|other| plain(one) == plain(other)))
    {
        let wanted: Vec<&str> = wanted.iter().filter_map(Value::as_str).collect();
        // Envoy looks at the signature first, and answers 403 only to a token that is valid.
        if let Some(keys) = keys(rule) {
            token.verified(&keys)?;
        }
        let why = format!(
            "it is for {}; expected {}",
            if audiences.is_empty() { "nobody".to_owned() } else { audiences.join(", ") },
            wanted.join(" or ")
        );
        return Err(Refusal { status: 403, why });
    }
    match keys(rule) {
        Some(keys) => token.verified(&keys).map(|()| Proof::Signed),
        None if token.header["alg"].as_str().is_none_or(|alg| alg == "none") => Err(invalid("it is not signed")),
        None => Ok(Proof::Unchecked("the issuer's keys are not at hand".to_owned())),
    }
}

/// The keys that a rule has in it.
fn keys(rule: &Value) -> Option<Value> {
    serde_json::from_str(rule["jwks"].as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{Ed25519KeyPair, KeyPair};
    use serde_json::json;

    fn pair() -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
    }

    fn token(header: Value, claims: Value) -> String {
        let signed = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(pair().sign(signed.as_bytes())))
    }

    fn rules() -> Vec<Value> {
        let keys = json!({"keys": [{"kty": "OKP", "kid": "a", "x": URL_SAFE_NO_PAD.encode(pair().public_key())}]});
        vec![json!({"issuer": "https://dex", "audiences": ["kubeflow"], "jwks": keys.to_string()})]
    }

    fn claims() -> Value {
        json!({"iss": "https://dex", "sub": "1", "aud": ["x", "https://kubeflow/"], "exp": 1000, "email": "jane", "a": {"b": ["c"]}})
    }

    #[test]
    fn a_good_token_is_proved_and_read() {
        let token = Token::read(&token(json!({"alg": "EdDSA", "kid": "a"}), claims())).unwrap();
        assert_eq!(prove(&token, &rules(), 900), Ok(Proof::Signed));
        assert_eq!(token.principal().as_deref(), Some("https://dex/1"));
        assert_eq!(
            (token.values(&["a", "b"]), token.values(&["email"]), token.values(&["x"])),
            (vec!["c".into()], vec!["jane".into()], vec![])
        );
        assert!(!format!("{token:?}").contains("jane"));
        let mut remote = rules();
        remote[0].as_object_mut().unwrap().remove("jwks");
        assert!(matches!(prove(&token, &remote, 900), Ok(Proof::Unchecked(_))));
    }

    #[test]
    fn a_bad_one_is_worth_nothing_and_says_why() {
        let header = || json!({"alg": "EdDSA", "kid": "a"});
        let with = |claim: &str, value: Value| {
            let mut claims = claims();
            claims[claim] = value;
            token(header(), claims)
        };
        let good = token(header(), claims());
        let mut parts: Vec<&str> = good.split('.').collect();
        let other =
            URL_SAFE_NO_PAD.encode(json!({"iss": "https://dex", "aud": "kubeflow", "sub": "2", "email": "bob"}).to_string());
        parts[1] = &other;
        for (text, status, says) in [
            (with("iss", json!("https://evil")), 401, "its issuer is"),
            (with("exp", json!(100)), 401, "expired 800 s ago"),
            (with("nbf", json!(5000)), 401, "not valid yet"),
            (with("aud", json!("other")), 403, "it is for other; expected kubeflow"),
            (parts.join("."), 401, "changed since"),
            (token(json!({"alg": "none"}), claims()), 401, "not signed"),
            (token(json!({"alg": "HS256", "kid": "a"}), claims()), 401, "of another key"),
            (token(json!({"alg": "EdDSA", "kid": "b"}), claims()), 401, "no key for it"),
        ] {
            let refusal = prove(&Token::read(&text).unwrap(), &rules(), 900).unwrap_err();
            assert!(refusal.status == status && refusal.why.contains(says), "{says}: {refusal:?}");
        }
        for text in ["", "a.b", "not.a.token", "e30.e30"] {
            assert!(Token::read(text).unwrap_err().why.starts_with("it is no token"), "{text}");
        }
    }
}
