//! From a request to an answer: the gateway first, then the sidecar of the pods that a route leads to. Pure.

use serde::Serialize;
use serde_json::Value;

use super::path::normalized;
use super::policy::{Decision, Place, Request, Selected, decide, selects};
use super::token::{Proof, Refusal, prove};
use crate::identity::Token;
use crate::object::list;

/// What a cluster has of a mesh, as far as a request is concerned.
#[derive(Debug, Default)]
pub struct Known {
    /// Where the gateway's pods are.
    pub gateway_namespace: String,
    /// Their labels, as far as they are known.
    pub gateway_labels: Value,
    /// What the mesh's certificates call them.
    pub gateway_principal: String,
    /// Namespace whose policies without a selector hold everywhere.
    pub root_namespace: String,
    /// `AuthorizationPolicy` objects of all namespaces concerned.
    pub policies: Vec<Value>,
    /// `RequestAuthentication` objects of the same; `jwks` is in them where it could be had.
    pub authentications: Vec<Value>,
    /// `VirtualService` objects of the namespace asked for.
    pub routes: Vec<Value>,
    /// Its Services.
    pub services: Vec<Value>,
    /// Seconds since 1970.
    pub now: i64,
}

/// A request, as somebody sends it.
#[derive(Debug, Default)]
pub struct Asked<'a> {
    /// GET, POST and so on.
    pub method: &'a str,
    /// The host that it names.
    pub host: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// The tokens in it, where tokens are looked for.
    pub tokens: Vec<&'a str>,
    /// Other headers.
    pub headers: Vec<(String, String)>,
}

/// What happens at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// `gateway`, or `sidecar`.
    pub at: &'static str,
    /// Whether it goes on; none where that can't be told.
    pub allowed: Option<bool>,
    /// The answer where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The policy that decides, as NAMESPACE/NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// In plain words.
    pub why: String,
    /// What else is to be known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Where a request is led.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Route {
    /// The `VirtualService`, as NAMESPACE/NAME.
    pub by: String,
    /// The host that it leads to.
    pub to: String,
    /// The path as it arrives there.
    pub path: String,
}

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Whether the request reaches what is behind the mesh; none where that can't be told.
    pub allowed: Option<bool>,
    /// The path as Envoy reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where it leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<Route>,
    /// What is decided, place by place; the last one counts.
    pub steps: Vec<Step>,
}

/// The namespace of a path below /notebook/ or /models/.
#[must_use]
pub fn namespace_of(path: &str) -> Option<&str> {
    let mut parts = path.split('/').skip(1);
    matches!(parts.next()?, "notebook" | "models").then(|| parts.next())?.filter(|namespace| !namespace.is_empty())
}

/// A browser's question before a request from another site: Istio looks for no token in it.
fn is_preflight(asked: &Asked<'_>) -> bool {
    let has = |name: &str| asked.headers.iter().any(|(header, _)| header.eq_ignore_ascii_case(name));
    asked.method == "OPTIONS" && has("origin") && has("access-control-request-method")
}

/// Headers as policies see them: those that tell a claim are taken off first, and come from the token that counts alone.
fn told(headers: &[(String, String)], rules: &[Value], token: Option<&Token>) -> Vec<(String, String)> {
    let outputs = || rules.iter().flat_map(|rule| list(rule, "/outputClaimToHeaders").iter().map(move |output| (rule, output)));
    let is_output =
        |name: &str| outputs().any(|(_, output)| output["header"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(name)));
    let mut told: Vec<(String, String)> = headers.iter().filter(|(name, _)| !is_output(name)).cloned().collect();
    let Some(token) = token else { return told };
    for (_, output) in outputs().filter(|(rule, _)| rule["issuer"] == token.claims["iss"]) {
        let (Some(name), Some(claim)) = (output["header"].as_str(), output["claim"].as_str()) else { continue };
        let claim = claim.split('.').try_fold(&token.claims, |value, part| value.get(part));
        // A list is written in a way that no policy of ours reads.
        let text = claim.filter(|value| !value.is_array() && !value.is_object() && !value.is_null());
        told.extend(text.map(|value| (name.to_owned(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))));
    }
    told
}

impl Known {
    /// What happens to a request that comes by the gateway.
    #[must_use]
    pub fn answer(&self, asked: &Asked<'_>) -> Answer {
        let Some(path) = normalized(asked.target) else {
            let why = "Envoy takes no such path: it begins with '/', and has neither '#' nor %00".to_owned();
            let step = Step { at: "gateway", allowed: Some(false), status: Some(400), by: None, why, notes: Vec::new() };
            return Answer { allowed: Some(false), path: None, route: None, steps: vec![step] };
        };
        let gateway = self.at("gateway", &self.gateway_namespace, &self.gateway_labels, asked, &path, None);
        let mut answer = Answer { allowed: gateway.allowed, path: Some(path.clone()), route: None, steps: vec![gateway] };
        if answer.allowed == Some(false) {
            return answer;
        }
        answer.route = self.route(asked.host, &path);
        let Some(route) = &answer.route else { return answer };
        let Some((namespace, labels)) = self.pods(&route.to) else {
            answer.allowed = None;
            return answer;
        };
        let target = route.path.clone();
        let sidecar = self.at("sidecar", &namespace, &labels, asked, &target, Some(&self.gateway_principal));
        answer.allowed = match (answer.allowed, sidecar.allowed) {
            (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        };
        answer.steps.push(sidecar);
        answer
    }

    /// What happens at pods with these labels (and others that are not known), where `principal` sends the request in the mesh.
    #[must_use]
    pub fn at(
        &self,
        at: &'static str,
        namespace: &str,
        labels: &Value,
        asked: &Asked<'_>,
        path: &str,
        principal: Option<&str>,
    ) -> Step {
        let mut notes = Vec::new();
        let mut about = |objects: &[Value]| -> Vec<Value> {
            let mut held = Vec::new();
            for object in objects {
                let place = object["metadata"]["namespace"].as_str().unwrap_or_default();
                let everywhere = place == self.root_namespace && object["spec"].get("selector").is_none();
                if place != namespace && !everywhere {
                    continue;
                }
                match selects(object, labels, false) {
                    Selected::Yes => held.push(object.clone()),
                    Selected::No => {}
                    Selected::Unknown => notes.push(format!(
                        "{} {place}/{} is left out: whether it is about these pods can't be told from here",
                        object["kind"].as_str().unwrap_or("a policy"),
                        object["metadata"]["name"].as_str().unwrap_or_default()
                    )),
                }
            }
            held
        };
        let (policies, authentications) = (about(&self.policies), about(&self.authentications));
        let rules: Vec<Value> = authentications.iter().flat_map(|object| list(object, "/spec/jwtRules")).cloned().collect();
        let tokens = if is_preflight(asked) { &[] } else { asked.tokens.as_slice() };
        let proved = match self.proved(tokens, &rules) {
            Ok((token, more)) => {
                notes.extend(more);
                token
            }
            Err(Refusal { status, why }) => {
                let why = format!("the token does not count: {why}");
                return Step { at, allowed: Some(false), status: Some(status), by: None, why, notes };
            }
        };
        let headers = if is_preflight(asked) { asked.headers.clone() } else { told(&asked.headers, &rules, proved.as_ref()) };
        let request =
            Request { method: asked.method, host: asked.host, path, token: proved.as_ref(), principal, headers: &headers };
        let Decision { allowed, by, why, asked } = decide(&Place { policies: &policies }, &request);
        notes
            .extend(asked.into_iter().map(|provider| format!("{provider} is asked first, which may send to a login or say 401")));
        Step { at, allowed, status: (allowed == Some(false)).then_some(403), by, why, notes }
    }

    /// The token that counts, where each one that there is is proved, and what could not be looked at.
    fn proved(&self, tokens: &[&str], rules: &[Value]) -> Result<(Option<Token>, Vec<String>), Refusal> {
        let (mut first, mut notes) = (None, Vec::new());
        if rules.is_empty() && !tokens.is_empty() {
            notes.push("nothing here looks at tokens, so that none counts".to_owned());
            return Ok((None, notes));
        }
        for text in tokens {
            let token = Token::read(text)?;
            if let Proof::Unchecked(why) = prove(&token, rules, self.now)? {
                notes.push(format!("the token's signature is not checked: {why}; what follows holds if it is good"));
            }
            first = first.or(Some(token));
        }
        Ok((first, notes))
    }

    /// The route that fits best: an exact path, else the longest prefix.
    fn route(&self, host: &str, path: &str) -> Option<Route> {
        let host = host.split(':').next().unwrap_or_default();
        let fits_host = |pattern: &str| match pattern.strip_prefix('*') {
            Some(end) => host.ends_with(end),
            None => pattern.eq_ignore_ascii_case(host),
        };
        let mut found: Option<(usize, Route)> = None;
        for object in &self.routes {
            let hosts = list(object, "/spec/hosts").iter().filter_map(Value::as_str);
            if list(object, "/spec/gateways").iter().all(|gateway| gateway == "mesh") || !hosts.into_iter().any(fits_host) {
                continue;
            }
            for http in list(object, "/spec/http") {
                for uri in list(http, "/match").iter().map(|one| &one["uri"]) {
                    let prefix = uri["prefix"].as_str().filter(|prefix| path.starts_with(prefix));
                    let exact = uri["exact"].as_str().filter(|exact| path == *exact);
                    let Some(matched) = exact.or(prefix) else { continue };
                    let weight = matched.len() + usize::from(exact.is_some());
                    let Some(to) = http.pointer("/route/0/destination/host").and_then(Value::as_str) else { continue };
                    if found.as_ref().is_none_or(|(best, _)| weight > *best) {
                        let path = http
                            .pointer("/rewrite/uri")
                            .and_then(Value::as_str)
                            .map_or_else(|| path.to_owned(), |new| format!("{new}{}", &path[matched.len()..]));
                        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
                        let by = format!("{}/{}", text("namespace"), text("name"));
                        found = Some((weight, Route { by, to: to.to_owned(), path }));
                    }
                }
            }
        }
        found.map(|(_, route)| route)
    }

    /// Namespace and labels of the pods behind a host, as far as its Service tells.
    fn pods(&self, host: &str) -> Option<(String, Value)> {
        let mut parts = host.split('.');
        let (name, namespace) = (parts.next()?, parts.next()?);
        let is_it = |service: &&Value| service["metadata"]["name"] == name && service["metadata"]["namespace"] == namespace;
        let service = self.services.iter().find(is_it)?;
        Some((namespace.to_owned(), service["spec"]["selector"].clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    fn known() -> Known {
        let policy = |namespace: &str, name: &str, selector: Value, spec: Value| {
            let mut policy =
                json!({"kind": "AuthorizationPolicy", "metadata": {"namespace": namespace, "name": name}, "spec": spec});
            policy["spec"]["selector"] = json!({"matchLabels": selector});
            policy
        };
        let paths = json!([{"to": [{"operation": {"paths": ["/models/n/*"], "notPaths": ["/models/n/m/*"]}}]}]);
        let from_gateway =
            json!([{"from": [{"source": {"principals": ["gw"]}}], "to": [{"operation": {"paths": ["/predict"]}}]}]);
        Known {
            gateway_namespace: "istio-system".into(),
            gateway_labels: json!({"istio": "ingressgateway"}),
            gateway_principal: "gw".into(),
            root_namespace: "istio-system".into(),
            policies: vec![
                policy("istio-system", "deny", json!({"istio": "ingressgateway"}), json!({"action": "DENY", "rules": paths})),
                policy("n", "allow", json!({"app": "m"}), json!({"rules": from_gateway})),
                policy("n", "canary", json!({"app": "m", "track": "canary"}), json!({"action": "DENY", "rules": [{}]})),
                policy("other", "deny", json!({}), json!({"action": "DENY", "rules": [{}]})),
            ],
            routes: vec![
                json!({"metadata": {"namespace": "n", "name": "m"}, "spec": {"gateways": ["kubeflow/kubeflow-gateway"], "hosts": ["*"], "http": [
                {"match": [{"uri": {"prefix": "/models/n/m/"}}], "rewrite": {"uri": "/"}, "route": [{"destination": {"host": "m.n.svc.cluster.local"}}]}]}}),
            ],
            services: vec![json!({"metadata": {"namespace": "n", "name": "m"}, "spec": {"selector": {"app": "m"}}})],
            ..Known::default()
        }
    }

    fn ask(target: &str) -> Answer {
        known().answer(&Asked { method: "GET", host: "h", target, ..Asked::default() })
    }

    #[test]
    fn a_request_goes_by_gateway_route_and_sidecar() {
        let answer = ask("/models/n/m/predict?x");
        assert_eq!(answer.allowed, Some(true));
        let route = answer.route.expect("a route");
        assert_eq!((route.by.as_str(), route.path.as_str()), ("n/m", "/predict"));
        assert_eq!(answer.steps[1].by.as_deref(), Some("n/allow"));
        assert!(answer.steps[1].notes[0].contains("n/canary is left out"), "{:?}", answer.steps[1]);
        let refused = ask("/models/n/m/metrics");
        assert_eq!((refused.allowed, refused.steps[1].status), (Some(false), Some(403)));
        let denied = ask("/models/n/m/../x");
        assert_eq!(
            (denied.allowed, denied.steps.len(), denied.steps[0].by.as_deref()),
            (Some(false), 1, Some("istio-system/deny"))
        );
        assert_eq!(ask("/models/n/#").steps[0].status, Some(400));
        let page = ask("/jupyter");
        assert_eq!((page.allowed, page.route), (Some(true), None));
        assert_eq!((namespace_of("/models/n/m/"), namespace_of("/notebook/"), namespace_of("/x/n/")), (Some("n"), None, None));
    }

    #[test]
    fn what_a_claim_tells_comes_from_the_token_alone() {
        let rules = [
            json!({"issuer": "i", "outputClaimToHeaders": [{"header": "Verified", "claim": "email_verified"}, {"header": "role", "claim": "a.b"},
                {"header": "groups", "claim": "groups"}]}),
            json!({"issuer": "other", "outputClaimToHeaders": [{"header": "name", "claim": "email"}]}),
        ];
        let sent = ["verified", "name", "own"].map(|name| (name.to_owned(), "sent".to_owned()));
        let own = ("own".to_owned(), "sent".to_owned());
        assert_eq!(told(&sent, &rules, None), std::slice::from_ref(&own));
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = json!({"iss": "i", "email": "e", "email_verified": true, "a": {"b": "c"}, "groups": ["g"]});
        let token = Token::read(&format!("{}.{}.", part(json!({})), part(claims))).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(told(&sent, &rules, Some(&token)), [own, pair("Verified", "true"), pair("role", "c")]);
    }

    #[test]
    fn a_token_that_nothing_looks_at_does_not_count() {
        let known = known();
        let asked = Asked { method: "GET", host: "h", target: "/jupyter", tokens: vec!["not.a.token"], ..Asked::default() };
        assert!(known.answer(&asked).steps[0].notes[0].contains("none counts"));
        let mut looks = known;
        looks.authentications = vec![json!({"metadata": {"namespace": "istio-system"}, "spec": {"jwtRules": [{"issuer": "i"}]}})];
        let step = &looks.answer(&asked).steps[0];
        assert_eq!((step.allowed, step.status), (Some(false), Some(401)));
    }
}
