//! Whose tokens count, and what in them names somebody: `ConfigMap` `mesh`, which the parameters of component `auth` fill. Pure.

use serde_json::Value;

/// How a token proves somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// The claim `iss`, letter for letter.
    pub issuer: String,
    /// Of the claim `aud` one has to be among these; empty takes any.
    pub audiences: Vec<String>,
    /// Where the issuer's keys are.
    pub keys: KeySource,
    /// The header that carries the token, in lower case, and what stands before it there.
    pub header: String,
    /// See `header`.
    pub prefix: String,
    /// The claims that name the user and their groups, each as a path.
    pub user_claim: Vec<String>,
    /// Whether an address counts only where the token says that it is verified; where it says that it is not, it never counts.
    pub verified_email: bool,
    /// See `user_claim`; none where tokens name no groups.
    pub groups_claim: Option<Vec<String>>,
    /// What RBAC puts before a user's name.
    pub user_prefix: String,
    /// What RBAC puts before a group's name.
    pub groups_prefix: String,
}

/// Where an issuer's keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A key set.
    Here(String),
    /// The address of one.
    At(String),
    /// Where the issuer's discovery document says.
    Discovery,
}

impl Trust {
    /// Reads the `ConfigMap`; an error names the key and what was expected.
    pub fn read(configmap: &Value) -> Result<Self, String> {
        let raw = |key: &str| configmap["data"][key].as_str();
        let text = |key: &str| raw(key).map(str::trim).filter(|value| !value.is_empty());
        let plain = |key: &str, default: &str| text(key).unwrap_or(default).to_owned();
        let path = |claim: &str| claim.trim_matches(['[', ']']).split("][").map(str::to_owned).collect();
        let groups = raw("groupsClaim").unwrap_or("groups").trim();
        let audiences = text("audiences").into_iter().flat_map(|list| list.split(',')).map(str::trim);
        Ok(Self {
            issuer: text("issuer").ok_or("issuer: is missing; expected the address that tokens name as theirs")?.to_owned(),
            audiences: audiences.filter(|audience| !audience.is_empty()).map(str::to_owned).collect(),
            keys: match (text("jwks"), text("jwksUri")) {
                (Some(keys), _) => KeySource::Here(keys.to_owned()),
                (None, Some(address)) => KeySource::At(address.to_owned()),
                (None, None) => KeySource::Discovery,
            },
            header: plain("jwtHeader", "Authorization").to_lowercase(),
            // Its space at the end counts.
            prefix: raw("jwtPrefix").unwrap_or("Bearer ").to_owned(),
            user_claim: path(text("userClaim").unwrap_or("email")),
            verified_email: text("verifiedEmail") == Some("true"),
            groups_claim: (!groups.is_empty()).then(|| path(groups)),
            user_prefix: plain("userPrefix", ""),
            groups_prefix: plain("groupsPrefix", ""),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_settings_of_the_mesh_say_whose_tokens_count() {
        let trust = Trust::read(&json!({"data": {"issuer": "https://i", "audiences": "a, b,", "jwksUri": "http://keys",
            "jwtHeader": "X-Jwt", "jwtPrefix": "", "userClaim": "sub", "groupsClaim": "[realm_access][roles]", "userPrefix": "oidc:"}}))
        .unwrap();
        assert_eq!((trust.header.as_str(), trust.prefix.as_str()), ("x-jwt", ""));
        assert_eq!(trust.audiences, ["a", "b"]);
        assert_eq!(trust.keys, KeySource::At("http://keys".into()));
        assert_eq!(trust.groups_claim.unwrap(), ["realm_access", "roles"]);
        assert_eq!((trust.user_claim, trust.user_prefix), (vec!["sub".to_owned()], "oidc:".to_owned()));
        let least = Trust::read(&json!({"data": {"issuer": "i", "groupsClaim": ""}})).unwrap();
        assert_eq!((least.keys, least.prefix.as_str(), least.groups_claim), (KeySource::Discovery, "Bearer ", None));
        assert!(Trust::read(&json!({"data": {}})).unwrap_err().starts_with("issuer: "));
    }
}
