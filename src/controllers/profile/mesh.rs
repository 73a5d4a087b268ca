//! What the admin decided about the mesh: `ConfigMap` `mesh`, which the parameters of component `auth` fill. Pure.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// Its name.
pub(super) const CONFIGMAP: &str = "mesh";

/// The header that says `true` where the token's e-mail address is verified: policies read no claim that is true or false.
pub(super) const VERIFIED_EMAIL: &str = "kubeflow-email-verified";

/// How logins are proved, and where the rules hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mesh {
    /// How a token is validated: the rule of a `RequestAuthentication`.
    pub(super) rule: Value,
    /// The headers in which it may be, in lower case: where it is looked for, and where programs bring theirs.
    pub(super) token_headers: BTreeSet<String>,
    /// Whose tokens count.
    pub(super) issuer: String,
    /// What names the user in a token, and the groups where it names any: conditions of a policy.
    pub(super) user: String,
    pub(super) groups: Option<String>,
    /// What RBAC puts before a user's name and a group's.
    pub(super) user_prefix: String,
    pub(super) groups_prefix: String,
    /// Whether a token counts only where its e-mail address is verified.
    pub(super) verified_email: bool,
    pub(super) gateway: Gateway,
    /// Whether the rules hold at the gateway, and at the sidecars.
    pub(super) at_gateway: bool,
    pub(super) at_sidecars: bool,
}

/// The pods by which traffic comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gateway {
    /// Its own object of kind Gateway, which routes name: namespace and name.
    pub(super) name: String,
    pub(super) namespace: String,
    /// The value of their label `istio`.
    pub(super) selector: String,
    pub(super) service_account: String,
}

impl Mesh {
    /// Reads the `ConfigMap`; an error names the key and what was expected.
    pub(super) fn read(configmap: &Value) -> Result<Self, String> {
        let raw = |key: &str| configmap.get("data").and_then(|data| data.get(key)).and_then(Value::as_str);
        let text = |key: &str| raw(key).map(str::trim).filter(|value| !value.is_empty());
        let plain = |key: &str, default: &str| text(key).unwrap_or(default).to_owned();
        let word = |key: &str, default: &str| {
            let value = plain(key, default);
            let is_word = value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
            if is_word { Ok(value) } else { Err(format!("{key}: {value:?} is no name; expected one such as {default}")) }
        };
        let issuer = text("issuer").ok_or("issuer: is missing; expected the address that tokens name as theirs")?;
        if issuer.contains(|c: char| c == '*' || c.is_whitespace()) {
            return Err(format!("issuer: {issuer:?} has a '*' or white space; expected the address that tokens name as theirs"));
        }
        let user_claim = plain("userClaim", "email");
        let groups_claim = raw("groupsClaim").unwrap_or("groups").trim();
        let header = word("jwtHeader", "Authorization")?;
        let mut rule = json!({"issuer": issuer, "fromHeaders": [{"name": header}]});
        // Its space at the end counts.
        let prefix = raw("jwtPrefix").unwrap_or("Bearer ");
        if !prefix.is_empty() {
            rule["fromHeaders"][0]["prefix"] = prefix.into();
        }
        match (text("jwks"), text("jwksUri")) {
            (Some(keys), _) => {
                let parsed: Option<Value> = serde_json::from_str(keys).ok();
                if !parsed.is_some_and(|keys| keys["keys"].is_array()) {
                    return Err("jwks: is no key set; expected {\"keys\": [...]}".to_owned());
                }
                rule["jwks"] = keys.into();
            }
            (None, Some(uri)) if uri.starts_with("https://") || uri.starts_with("http://") => rule["jwksUri"] = uri.into(),
            (None, Some(uri)) => return Err(format!("jwksUri: {uri:?} is no address; expected https://…")),
            (None, None) => {}
        }
        let audiences: Vec<&str> = text("audiences").into_iter().flat_map(|list| list.split(',')).map(str::trim).collect();
        if audiences.iter().any(|audience| !audience.is_empty()) {
            rule["audiences"] = audiences.into_iter().filter(|audience| !audience.is_empty()).collect();
        }
        // A header named here is taken off first, so it is named where there are no groups too.
        let groups = if groups_claim.is_empty() { "kubeflow-none".to_owned() } else { dotted(groups_claim) };
        rule["outputClaimToHeaders"] = json!([
            {"header": "kubeflow-userid", "claim": dotted(&user_claim)},
            {"header": VERIFIED_EMAIL, "claim": "email_verified"},
            {"header": "kubeflow-groups", "claim": groups},
        ]);
        let gateway = plain("gateway", "kubeflow/kubeflow-gateway");
        let is_word =
            |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
        if !gateway.split_once('/').is_some_and(|(namespace, name)| is_word(namespace) && is_word(name)) {
            return Err(format!("gateway: {gateway:?} is no gateway; expected NAMESPACE/NAME such as kubeflow/kubeflow-gateway"));
        }
        let enforce = plain("enforce", "both");
        if !matches!(enforce.as_str(), "both" | "gateway" | "sidecar") {
            return Err(format!("enforce: {enforce:?} is none of both, gateway and sidecar"));
        }
        Ok(Self {
            rule,
            token_headers: BTreeSet::from(["authorization".to_owned(), header.to_lowercase()]),
            issuer: issuer.to_owned(),
            user: condition("userClaim", &user_claim)?,
            groups: (!groups_claim.is_empty()).then(|| condition("groupsClaim", groups_claim)).transpose()?,
            user_prefix: plain("userPrefix", ""),
            groups_prefix: plain("groupsPrefix", ""),
            verified_email: plain("verifiedEmail", "false") == "true",
            gateway: Gateway {
                name: gateway,
                namespace: word("gatewayNamespace", "istio-system")?,
                selector: word("gatewaySelector", "ingressgateway")?,
                service_account: word("gatewayServiceAccount", "istio-ingressgateway-service-account")?,
            },
            at_gateway: enforce != "sidecar",
            at_sidecars: enforce != "gateway",
        })
    }
}

/// The condition that asks for a claim: `email`, or `[realm_access][roles]` for one inside another.
fn condition(key: &str, claim: &str) -> Result<String, String> {
    let inner = claim.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(claim);
    let is_name = |name: &str| !name.is_empty() && !name.contains(|c: char| matches!(c, '[' | ']' | '*') || c.is_whitespace());
    if !inner.split("][").all(is_name) {
        return Err(format!("{key}: {claim:?} is no claim; expected one such as email, or [realm_access][roles]"));
    }
    Ok(format!("request.auth.claims[{inner}]"))
}

/// The same claim as the header's rule writes it.
fn dotted(claim: &str) -> String {
    claim.trim_matches(['[', ']']).replace("][", ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_that_is_said_is_enough() {
        let mesh = Mesh::read(&json!({"data": {"issuer": "https://dex.example.com/"}})).unwrap();
        assert_eq!(
            mesh.rule,
            json!({"issuer": "https://dex.example.com/", "fromHeaders": [{"name": "Authorization", "prefix": "Bearer "}],
                "outputClaimToHeaders": [{"header": "kubeflow-userid", "claim": "email"},
                    {"header": "kubeflow-email-verified", "claim": "email_verified"}, {"header": "kubeflow-groups", "claim": "groups"}]})
        );
        assert_eq!(mesh.gateway.namespace, "istio-system");
        assert!(mesh.at_gateway && mesh.at_sidecars);
        assert_eq!(Vec::from_iter(mesh.token_headers), ["authorization"]);
    }

    #[test]
    fn everything_that_can_be_said_is_taken() {
        let mesh = Mesh::read(&json!({"data": {"issuer": "i", "jwks": "{\"keys\": []}", "jwksUri": "https://x", "audiences": "a, b,",
            "jwtHeader": "x-jwt", "jwtPrefix": "", "userClaim": "sub", "groupsClaim": "[realm_access][roles]", "enforce": "gateway"}}))
        .unwrap();
        assert_eq!(
            mesh.rule,
            json!({"issuer": "i", "jwks": "{\"keys\": []}", "audiences": ["a", "b"], "fromHeaders": [{"name": "x-jwt"}],
                "outputClaimToHeaders": [{"header": "kubeflow-userid", "claim": "sub"},
                    {"header": "kubeflow-email-verified", "claim": "email_verified"}, {"header": "kubeflow-groups", "claim": "realm_access.roles"}]})
        );
        assert_eq!(mesh.user, "request.auth.claims[sub]");
        assert_eq!(mesh.groups.as_deref(), Some("request.auth.claims[realm_access][roles]"));
        assert!(mesh.at_gateway && !mesh.at_sidecars);
        assert_eq!(Vec::from_iter(mesh.token_headers), ["authorization", "x-jwt"]);
        let no_groups = Mesh::read(&json!({"data": {"issuer": "i", "groupsClaim": ""}})).unwrap();
        assert_eq!(no_groups.groups, None);
        assert_eq!(no_groups.rule["outputClaimToHeaders"][2], json!({"header": "kubeflow-groups", "claim": "kubeflow-none"}));
    }

    #[test]
    fn a_bad_value_names_its_key() {
        for (key, value) in [
            ("issuer", ""),
            ("issuer", "https://*"),
            ("jwks", "none"),
            ("jwksUri", "ftp://x"),
            ("userClaim", "[a]]"),
            ("groupsClaim", "a*"),
            ("enforce", "none"),
            ("gatewayNamespace", "a b"),
            ("gateway", "kubeflow-gateway"),
            ("gateway", "a/*"),
        ] {
            let mut data = json!({"issuer": "i"});
            data[key] = value.into();
            let problem = Mesh::read(&json!({"data": data})).unwrap_err();
            assert!(problem.starts_with(&format!("{key}: ")), "{key}={value}: {problem}");
        }
    }
}
