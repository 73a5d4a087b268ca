//! How far a token is proved by the rules of `RequestAuthentication`s, as Envoy does it. Pure.

use serde_json::Value;

use crate::identity::{Keys, Refusal as Why, Token};
use crate::object::list;

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

impl From<Why> for Refusal {
    fn from(why: Why) -> Self {
        invalid(match why {
            Why::Malformed => {
                "it is no token: expected three parts in base64 with dots between, the first two of them JSON".to_owned()
            }
            Why::Algorithm => "it is not signed, or in a way that is not accepted".to_owned(),
            Why::UnknownKey => "the issuer has no key for it".to_owned(),
            Why::Signature => "its signature is of another key, or what it says was changed since".to_owned(),
            Why::Expired => "it has expired".to_owned(),
            Why::Early => "it is not valid yet (claim nbf)".to_owned(),
            other => other.to_string(),
        })
    }
}

impl Token {
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
    token.is_timely(now)?;
    let wanted: Vec<&str> = list(rule, "/audiences").iter().filter_map(Value::as_str).collect();
    let keys = keys(rule);
    let signed = keys.as_ref().map(|keys| token.is_signed_by(keys)).transpose()?;
    // Envoy looks at the signature first, and answers 403 only to a token that is valid.
    if !token.is_for(wanted.iter().copied()) {
        let audiences = token.audiences();
        let own = if audiences.is_empty() { "nobody".to_owned() } else { audiences.join(", ") };
        return Err(Refusal { status: 403, why: format!("it is for {own}; expected {}", wanted.join(" or ")) });
    }
    match signed {
        Some(()) => Ok(Proof::Signed),
        None if token.header["alg"].as_str().is_none_or(|alg| alg == "none") => Err(Why::Algorithm.into()),
        None => Ok(Proof::Unchecked("the issuer's keys are not at hand".to_owned())),
    }
}

/// The keys that a rule has in it.
fn keys(rule: &Value) -> Option<Keys> {
    Keys::parse(rule["jwks"].as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
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
        let keys =
            json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": URL_SAFE_NO_PAD.encode(pair().public_key())}]});
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
            (with("exp", json!(100)), 401, "it has expired"),
            (with("nbf", json!(5000)), 401, "not valid yet"),
            (with("aud", json!("other")), 403, "it is for other; expected kubeflow"),
            (parts.join("."), 401, "changed since"),
            (token(json!({"alg": "none"}), claims()), 401, "not signed"),
            (token(json!({"alg": "HS256", "kid": "a"}), claims()), 401, "not signed, or in a way"),
            (token(json!({"alg": "EdDSA", "kid": "b"}), claims()), 401, "no key for it"),
        ] {
            let refusal = prove(&Token::read(&text).unwrap(), &rules(), 900).unwrap_err();
            assert!(refusal.status == status && refusal.why.contains(says), "{says}: {refusal:?}");
        }
        for text in ["", "a.b", "not.a.token", "e30.e30"] {
            assert!(Refusal::from(Token::read(text).unwrap_err()).why.starts_with("it is no token"), "{text}");
        }
    }
}
