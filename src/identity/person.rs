//! Somebody whose token is good, and the names by which RBAC knows them. Pure.

use serde_json::Value;

use super::{Keys, Refusal, Token, Trust, is_fit};

/// Somebody whose token is good, as RBAC names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The user.
    pub user: String,
    /// Their groups, as the token lists them.
    pub groups: Vec<String>,
}

/// Whose token it is at the time `now`, in seconds since 1970. No claim is looked at before the signature holds.
pub fn verify(token: &str, keys: &Keys, trust: &Trust, now: i64) -> Result<Person, Refusal> {
    let token = Token::read(token)?;
    token.is_signed_by(keys)?;
    let claims = &token.claims;
    if claims["iss"] != trust.issuer.as_str() {
        return Err(Refusal::Issuer);
    }
    if !token.is_for(trust.audiences.iter().map(String::as_str)) {
        return Err(Refusal::Audience);
    }
    if claims["exp"].is_null() {
        return Err(Refusal::Expired);
    }
    token.is_timely(now)?;
    let named = trust.user_claim.join(".");
    let user = at(claims, &trust.user_claim).and_then(Value::as_str).ok_or_else(|| Refusal::Claim(named.clone()))?;
    // As the API server does it: an address that somebody only says is theirs names nobody.
    let is_verified = claims.get("email_verified").map_or(!trust.verified_email, |verified| *verified == true);
    if named == "email" && !is_verified {
        return Err(Refusal::Claim("email_verified".to_owned()));
    }
    let user = format!("{}{user}", trust.user_prefix);
    if !is_fit(&user) {
        return Err(Refusal::Name);
    }
    Ok(Person { user, groups: groups(claims, trust)? })
}

/// The groups that are fit to be; a name that is not gives nobody anything.
fn groups(claims: &Value, trust: &Trust) -> Result<Vec<String>, Refusal> {
    let Some(path) = &trust.groups_claim else { return Ok(Vec::new()) };
    if let [name] = path.as_slice()
        && claims["_claim_names"].get(name).is_some()
    {
        return Err(Refusal::TooManyGroups);
    }
    let names: Vec<&str> = match at(claims, path) {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    Ok(names.into_iter().map(|name| format!("{}{name}", trust.groups_prefix)).filter(|name| is_fit(name)).collect())
}

fn at<'a>(claims: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(claims, |value, name| value.get(name))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    struct Issuer {
        key: EcdsaKeyPair,
        keys: Keys,
    }

    fn issuer() -> Issuer {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
        let keys = Keys::parse(&key_set(&key, &json!({"kid": "one", "use": "sig", "alg": "ES256"}))).unwrap();
        Issuer { key, keys }
    }

    fn key_set(key: &EcdsaKeyPair, more: &Value) -> String {
        let point = key.public_key().as_ref();
        let mut jwk = json!({"kty": "EC", "crv": "P-256"});
        for (field, bytes) in [("x", &point[1..33]), ("y", &point[33..])] {
            jwk[field] = URL_SAFE_NO_PAD.encode(bytes).into();
        }
        jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"keys": [jwk]}).to_string()
    }

    fn encoded(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    impl Issuer {
        fn token(&self, header: &Value, claims: &Value) -> String {
            let text = format!("{}.{}", encoded(header), encoded(claims));
            let signature = self.key.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
            format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
        }

        fn verify(&self, token: &str) -> Result<Person, Refusal> {
            verify(token, &self.keys, &trust(), NOW)
        }
    }

    fn trust() -> Trust {
        Trust::read(&json!({"data": {"issuer": "https://issuer", "audiences": "kubeflow", "groupsPrefix": "oidc:"}})).unwrap()
    }

    fn header() -> Value {
        json!({"alg": "ES256", "kid": "one"})
    }

    fn claims(more: Value) -> Value {
        let mut claims =
            json!({"iss": "https://issuer", "aud": "kubeflow", "exp": NOW + 300, "email": "jane@foo.com", "groups": ["a"]});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    }

    #[test]
    fn a_good_token_names_somebody() {
        let issuer = issuer();
        let jane = Person { user: "jane@foo.com".into(), groups: vec!["oidc:a".into()] };
        for more in
            [json!({}), json!({"aud": ["x", "kubeflow"]}), json!({"exp": NOW - 59, "nbf": NOW + 59, "email_verified": true})]
        {
            assert_eq!(issuer.verify(&issuer.token(&header(), &claims(more.clone()))), Ok(jane.clone()), "{more}");
        }
        // Without a key's id each is tried.
        assert_eq!(issuer.verify(&issuer.token(&json!({"alg": "ES256"}), &claims(json!({})))), Ok(jane));
        let odd = issuer.verify(&issuer.token(&header(), &claims(json!({"groups": ["system:masters", "a*", 7, "b"]})))).unwrap();
        assert_eq!(odd.groups, ["oidc:system:masters", "oidc:b"], "behind a prefix nothing is the system's");
    }

    #[test]
    fn claims_that_do_not_hold_are_refused() {
        let issuer = issuer();
        let rows = [
            (json!({"iss": "https://other"}), Refusal::Issuer),
            (json!({"iss": null}), Refusal::Issuer),
            (json!({"aud": "other"}), Refusal::Audience),
            (json!({"aud": ["other"]}), Refusal::Audience),
            (json!({"aud": {"kubeflow": 1}}), Refusal::Audience),
            (json!({"exp": NOW - 60}), Refusal::Expired),
            (json!({"exp": null}), Refusal::Expired),
            (json!({"exp": (NOW + 300).to_string()}), Refusal::Expired),
            (json!({"nbf": NOW + 61}), Refusal::Early),
            (json!({"nbf": "soon"}), Refusal::Early),
            (json!({"email": null}), Refusal::Claim("email".into())),
            (json!({"email": ["jane@foo.com"]}), Refusal::Claim("email".into())),
            (json!({"email_verified": false}), Refusal::Claim("email_verified".into())),
            (json!({"email_verified": "true"}), Refusal::Claim("email_verified".into())),
            (json!({"email": "system:admin"}), Refusal::Name),
            (json!({"email": "*"}), Refusal::Name),
            (json!({"email": "jane@foo.com\r\nImpersonate-Group: system:masters"}), Refusal::Name),
            (json!({"_claim_names": {"groups": "src1"}}), Refusal::TooManyGroups),
        ];
        for (more, refusal) in rows {
            assert_eq!(issuer.verify(&issuer.token(&header(), &claims(more.clone()))), Err(refusal), "{more}");
        }
        let strict = Trust { verified_email: true, ..trust() };
        let of = |more| verify(&issuer.token(&header(), &claims(more)), &issuer.keys, &strict, NOW);
        assert_eq!(of(json!({})), Err(Refusal::Claim("email_verified".into())));
        assert!(of(json!({"email_verified": true})).is_ok());
    }

    #[test]
    fn signatures_that_prove_nothing_are_refused() {
        let (issuer, other) = (issuer(), issuer());
        let good = issuer.token(&header(), &claims(json!({})));
        let [head, _, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
        let eve = encoded(&claims(json!({"email": "eve@foo.com"})));
        let rows = [
            (other.token(&header(), &claims(json!({}))), Refusal::Signature),
            (format!("{head}.{eve}.{signature}"), Refusal::Signature),
            (format!("{head}.{eve}."), Refusal::Signature),
            (format!("{}.{eve}.", encoded(&json!({"alg": "none"}))), Refusal::Algorithm),
            (format!("{}.{eve}.", encoded(&json!({"alg": "None", "kid": "one"}))), Refusal::Algorithm),
            (format!("{}.{eve}.{signature}", encoded(&json!({"alg": "HS256", "kid": "one"}))), Refusal::Algorithm),
            (format!("{}.{eve}.{signature}", encoded(&json!({"kid": "one"}))), Refusal::Algorithm),
            (issuer.token(&json!({"alg": "RS256", "kid": "one"}), &claims(json!({}))), Refusal::Signature),
            (issuer.token(&json!({"alg": "ES384", "kid": "one"}), &claims(json!({}))), Refusal::Signature),
            (issuer.token(&json!({"alg": "ES256", "kid": "one", "crit": ["exp"]}), &claims(json!({}))), Refusal::Algorithm),
            (issuer.token(&json!({"alg": "ES256", "kid": "two"}), &claims(json!({}))), Refusal::UnknownKey),
            (format!("{good}.x"), Refusal::Malformed),
            (format!("{good}="), Refusal::Malformed),
            ("a.b.c".into(), Refusal::Malformed),
            (String::new(), Refusal::Malformed),
            (format!("{head}.{}.{signature}", "A".repeat(16 * 1024)), Refusal::Malformed),
        ];
        for (token, refusal) in rows {
            assert_eq!(issuer.verify(&token), Err(refusal), "{token}");
        }
        // A key that the token brings along.
        let jwk: Value = serde_json::from_str(&key_set(&other.key, &json!({}))).unwrap();
        let own = other.token(&json!({"alg": "ES256", "kid": "one", "jwk": jwk["keys"][0]}), &claims(json!({})));
        assert_eq!(issuer.verify(&own), Err(Refusal::Signature));
    }

    #[test]
    fn a_key_is_for_what_it_says_it_is_for() {
        let issuer = issuer();
        let good = issuer.token(&json!({"alg": "ES256"}), &claims(json!({})));
        for (more, result) in [
            (json!({"alg": "ES384"}), Err(Refusal::Signature)),
            (json!({"use": "enc"}), Err(Refusal::UnknownKey)),
            (json!({"x": "AAAA"}), Err(Refusal::UnknownKey)),
            (json!({"kty": "oct", "k": "AAAA"}), Err(Refusal::UnknownKey)),
            (json!({}), Ok("jane@foo.com".to_owned())),
        ] {
            let keys = Keys::parse(&key_set(&issuer.key, &more)).unwrap();
            assert_eq!(verify(&good, &keys, &trust(), NOW).map(|person| person.user), result, "{more}");
        }
        assert!(Keys::parse("{}").is_err() && Keys::parse("no").is_err());
    }

    #[test]
    fn ed25519_counts_too() {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let key = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(key.public_key().as_ref())});
        let keys = Keys::parse(&json!({"keys": [jwk]}).to_string()).unwrap();
        let text = format!("{}.{}", encoded(&json!({"alg": "EdDSA"})), encoded(&claims(json!({}))));
        let token = format!("{text}.{}", URL_SAFE_NO_PAD.encode(key.sign(text.as_bytes())));
        assert_eq!(verify(&token, &keys, &trust(), NOW).map(|person| person.user), Ok("jane@foo.com".into()));
    }
}
