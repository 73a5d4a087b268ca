//! A token (RFC 7515, 7519): what is in it, how far it holds, and why it is refused. It is never shown: whoever has it is its user. Pure.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::Keys;
use super::keys::is_known;

/// The longest token that is looked at: more than a header may carry anyway.
const LONGEST: usize = 16 * 1024;
/// How far the clocks of issuer and server may differ, in seconds.
const LEEWAY: i64 = 60;

/// A token taken apart. What it claims counts for nothing before `is_signed_by` holds.
#[derive(Clone)]
pub struct Token {
    pub(crate) header: Value,
    /// What it says.
    pub claims: Value,
    signed: String,
    signature: Vec<u8>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("header", &self.header).finish_non_exhaustive()
    }
}

/// Why a token proves nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It is none.
    Malformed,
    /// It is signed in a way that proves nothing, or that is not known.
    Algorithm,
    /// No key of the issuer has its id: the issuer may have new ones.
    UnknownKey,
    /// The signature is not the issuer's.
    Signature,
    /// It is another issuer's.
    Issuer,
    /// It is for another audience.
    Audience,
    /// Its time is over, or it says no time.
    Expired,
    /// Its time has not come.
    Early,
    /// It does not name anybody by this claim.
    Claim(String),
    /// It names somebody who can't be let in.
    Name,
    /// It names no groups, because they are too many.
    TooManyGroups,
}

impl Token {
    /// Takes a token apart.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(Refusal::Malformed);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Refusal::Malformed)?;
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed);
        let object = |part: &str| {
            let value: Option<Value> = serde_json::from_slice(&bytes(part)?).ok();
            value.filter(Value::is_object).ok_or(Refusal::Malformed)
        };
        Ok(Self { header: object(header)?, claims: object(claims)?, signature: bytes(signature)?, signed: signed.to_owned() })
    }

    /// Whether one of these keys has signed it.
    pub fn is_signed_by(&self, keys: &Keys) -> Result<(), Refusal> {
        let algorithm = self.header["alg"].as_str().unwrap_or_default();
        // What must be understood is not.
        if !is_known(algorithm) || self.header.get("crit").is_some() {
            return Err(Refusal::Algorithm);
        }
        let mut candidates = keys.candidates(self.header["kid"].as_str()).peekable();
        if candidates.peek().is_none() {
            return Err(Refusal::UnknownKey);
        }
        let is_by = |key: &super::keys::Key| key.has_signed(algorithm, self.signed.as_bytes(), &self.signature);
        if candidates.any(is_by) { Ok(()) } else { Err(Refusal::Signature) }
    }

    /// Whether its time is now, in seconds since 1970. Without a time it is good for ever; a time that is no number is over.
    pub fn is_timely(&self, now: i64) -> Result<(), Refusal> {
        let time = |claim: &str| self.claims.get(claim).filter(|time| !time.is_null()).map(seconds);
        if time("exp").is_some_and(|end| end.is_none_or(|end| end.saturating_add(LEEWAY) <= now)) {
            return Err(Refusal::Expired);
        }
        if time("nbf").is_some_and(|start| start.is_none_or(|start| start > now.saturating_add(LEEWAY))) {
            return Err(Refusal::Early);
        }
        Ok(())
    }

    /// Whether it is for one of these. As Envoy has it, neither the scheme nor a slash at the end counts, and where none is wanted any will do.
    pub fn is_for<'a>(&self, wanted: impl IntoIterator<Item = &'a str>) -> bool {
        let plain = |audience: &str| {
            let audience = audience.strip_prefix("https://").or_else(|| audience.strip_prefix("http://")).unwrap_or(audience);
            audience.trim_end_matches('/').to_owned()
        };
        let own: Vec<String> = match &self.claims["aud"] {
            Value::String(one) => vec![plain(one)],
            Value::Array(all) => all.iter().filter_map(Value::as_str).map(plain).collect(),
            _ => Vec::new(),
        };
        let mut wanted = wanted.into_iter().map(plain).peekable();
        wanted.peek().is_none() || wanted.any(|audience| own.contains(&audience))
    }
}

/// Whole seconds; issuers may write fractions.
fn seconds(value: &Value) -> Option<i64> {
    #[allow(clippy::cast_possible_truncation, reason = "a time beyond all times is beyond all times")]
    value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("the login's token is none"),
            Self::Algorithm => f.write_str("the login's token is signed in a way that is not accepted"),
            Self::UnknownKey => f.write_str("the login's token is signed with a key that its issuer does not have"),
            Self::Signature => f.write_str("the login's token is not signed by its issuer"),
            Self::Issuer => f.write_str("the login's token is of another issuer"),
            Self::Audience => f.write_str("the login's token is for another application"),
            Self::Expired => f.write_str("the login has expired"),
            Self::Early => f.write_str("the login's token is not valid yet"),
            Self::Claim(claim) => write!(f, "the login's token names nobody: its claim {claim} is missing or not verified"),
            Self::Name => f.write_str("the login's token names somebody whom nobody can be"),
            Self::TooManyGroups => f.write_str("the login's token names no groups, because you are in too many"),
        }
    }
}
