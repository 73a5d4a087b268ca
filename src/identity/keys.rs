//! The keys of an issuer, as it publishes them (RFC 7517). Pure.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde_json::Value;

use crate::object::list;

/// More than any issuer has: what comes after is not looked at.
const MOST: usize = 50;

/// A key set.
#[derive(Debug, Clone, Default)]
pub struct Keys(Vec<Key>);

/// One of them.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) id: Option<String>,
    /// The one algorithm that it is for, where it says so.
    algorithm: Option<String>,
    material: Material,
}

#[derive(Debug, Clone)]
enum Material {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    /// The curve's name and the point.
    Curve(&'static str, Vec<u8>),
}

impl Keys {
    /// Reads a key set. Keys that are not for signatures, or of a kind that is not known, are left out.
    pub fn parse(text: &str) -> Result<Self, String> {
        let set: Value = serde_json::from_str(text).map_err(|error| format!("the key set is no JSON: {error}"))?;
        if !set["keys"].is_array() {
            return Err("the key set has no list `keys`".to_owned());
        }
        Ok(Self(list(&set, "/keys").iter().take(MOST).filter_map(Key::read).collect()))
    }

    /// Those that a token may be signed with: of this id, or without any.
    pub(super) fn candidates<'a>(&'a self, id: Option<&'a str>) -> impl Iterator<Item = &'a Key> {
        self.0.iter().filter(move |key| id.zip(key.id.as_deref()).is_none_or(|(wanted, own)| wanted == own))
    }
}

impl Key {
    fn read(key: &Value) -> Option<Self> {
        let text = |field: &str| key[field].as_str();
        let bytes = |field: &str| URL_SAFE_NO_PAD.decode(text(field)?).ok();
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let material = match (text("kty")?, text("crv")) {
            ("RSA", _) => {
                let number = |field| bytes(field).map(|bytes| bytes.into_iter().skip_while(|byte| *byte == 0).collect());
                Material::Rsa { modulus: number("n")?, exponent: number("e")? }
            }
            ("EC", Some(curve @ ("P-256" | "P-384"))) => {
                let (name, size) = if curve == "P-256" { ("P-256", 32) } else { ("P-384", 48) };
                let (x, y) = (bytes("x")?, bytes("y")?);
                if x.len() != size || y.len() != size {
                    return None;
                }
                Material::Curve(name, [vec![4], x, y].concat())
            }
            ("OKP", Some("Ed25519")) => Material::Curve("Ed25519", bytes("x")?),
            _ => return None,
        };
        Some(Self { id: text("kid").map(str::to_owned), algorithm: text("alg").map(str::to_owned), material })
    }

    /// Whether this key has signed `message` by `algorithm`.
    pub(super) fn has_signed(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        if self.algorithm.as_deref().is_some_and(|own| own != algorithm) {
            return false;
        }
        match &self.material {
            Material::Rsa { modulus, exponent } => rsa(algorithm).is_some_and(|parameters| {
                RsaPublicKeyComponents { n: modulus, e: exponent }.verify(parameters, message, signature).is_ok()
            }),
            Material::Curve(curve, point) => curve_of(algorithm)
                .filter(|(own, _)| own == curve)
                .is_some_and(|(_, algorithm)| UnparsedPublicKey::new(algorithm, point).verify(message, signature).is_ok()),
        }
    }
}

/// Whether tokens may be signed so. Neither `none` nor a shared secret is among them.
pub(super) fn is_known(algorithm: &str) -> bool {
    rsa(algorithm).is_some() || curve_of(algorithm).is_some()
}

fn rsa(algorithm: &str) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &signature::RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &signature::RSA_PSS_2048_8192_SHA256,
        "PS384" => &signature::RSA_PSS_2048_8192_SHA384,
        "PS512" => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

fn curve_of(algorithm: &str) -> Option<(&'static str, &'static dyn VerificationAlgorithm)> {
    Some(match algorithm {
        "ES256" => ("P-256", &signature::ECDSA_P256_SHA256_FIXED),
        "ES384" => ("P-384", &signature::ECDSA_P384_SHA384_FIXED),
        "EdDSA" => ("Ed25519", &signature::ED25519),
        _ => return None,
    })
}
