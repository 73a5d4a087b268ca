//! Which of the policies at a place decides about a request. Pure.
//!
//! Istio's order: what denies, then what allows; with nothing that allows, everything is; else only what one of them matches. A field that is
//! not known here makes a rule neither match nor not: then the answer is open, and says which field of whose policy.

use serde_json::Value;

use crate::identity::Token;
use crate::object::list;

/// A request as policies see it.
#[derive(Debug)]
pub(super) struct Request<'a> {
    /// GET, POST and so on.
    pub method: &'a str,
    /// The host that it names.
    pub host: &'a str,
    /// Its path, normalized.
    pub path: &'a str,
    /// Whose it is by a proved token.
    pub token: Option<&'a Token>,
    /// Who sends it by the mesh's own certificates, where somebody in the mesh does.
    pub principal: Option<&'a str>,
    /// Headers that are known, in lower case.
    pub headers: &'a [(String, String)],
}

/// Where it is decided: at pods of a namespace.
#[derive(Debug)]
pub(super) struct Place<'a> {
    /// Policies whose selector is of these pods, or that have none.
    pub policies: &'a [Value],
}

/// What is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decision {
    /// Allowed, refused, or not known.
    pub allowed: Option<bool>,
    /// The policy that decides, as NAMESPACE/NAME, where one does.
    pub by: Option<String>,
    /// In plain words.
    pub why: String,
    /// External authorizers that are asked first, by the name of their provider.
    pub asked: Vec<String>,
}

/// Whether a policy is about certain pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Selected {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// That can't be told from what is known of the pods.
    Unknown,
}

/// Whether a policy is about pods with these labels; `whole` where no others are on them.
#[must_use]
pub(super) fn selects(policy: &Value, labels: &Value, whole: bool) -> Selected {
    if !list(policy, "/spec/targetRefs").is_empty() || policy.pointer("/spec/targetRef").is_some() {
        return Selected::Unknown;
    }
    let wanted = policy.pointer("/spec/selector/matchLabels").and_then(Value::as_object).into_iter().flatten();
    let mut selected = Selected::Yes;
    for (name, value) in wanted {
        match labels.get(name) {
            Some(there) if there == value => {}
            None if !whole => selected = Selected::Unknown,
            _ => return Selected::No,
        }
    }
    selected
}

/// Yes, no, or which field is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Truth {
    Yes,
    No,
    Open(String),
}

impl Truth {
    fn of(is: bool) -> Self {
        if is { Self::Yes } else { Self::No }
    }

    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            open @ Self::Open(_) => open,
        }
    }
}

/// All of them: one that is not decides, whatever is open.
fn all(truths: impl IntoIterator<Item = Truth>) -> Truth {
    let mut result = Truth::Yes;
    for truth in truths {
        match truth {
            Truth::No => return Truth::No,
            Truth::Open(_) if result == Truth::Yes => result = truth,
            _ => {}
        }
    }
    result
}

fn any(truths: impl IntoIterator<Item = Truth>) -> Truth {
    all(truths.into_iter().map(Truth::not)).not()
}

/// Decides as Istio does.
#[must_use]
pub(super) fn decide(place: &Place<'_>, request: &Request<'_>) -> Decision {
    let name = |policy: &Value| {
        let text = |field: &str| policy["metadata"][field].as_str().unwrap_or_default().to_owned();
        format!("{}/{}", text("namespace"), text("name"))
    };
    let of = |action: &'static str| {
        place.policies.iter().filter(move |policy| policy["spec"]["action"].as_str().unwrap_or("ALLOW") == action)
    };
    let rules = |policy: &Value| list(policy, "/spec/rules").to_vec();
    let matched = |policy: &Value| any(rules(policy).iter().map(|rule| matches(rule, request)));
    let asks = |policy: &&Value| matched(policy) != Truth::No;
    let provider = |policy: &Value| policy["spec"]["provider"]["name"].as_str().unwrap_or_default().to_owned();
    let asked: Vec<String> = of("CUSTOM").filter(asks).map(provider).collect();
    let decision = |allowed, by: Option<&Value>, why: String| Decision { allowed, by: by.map(name), why, asked: asked.clone() };
    let open =
        |policy: &Value, field: &str| decision(None, Some(policy), format!("it uses {field}, which can't be told from here"));
    let mut undecided = None;
    for policy in of("DENY") {
        for rule in rules(policy) {
            match matches(&rule, request) {
                Truth::Yes => {
                    return decision(Some(false), Some(policy), format!("denied: {}", reasons(&rule, request).join(", ")));
                }
                Truth::Open(field) => undecided = undecided.or_else(|| Some(open(policy, &field))),
                Truth::No => {}
            }
        }
    }
    let allows: Vec<&Value> = of("ALLOW").collect();
    let mut lets_in =
        allows.is_empty().then(|| decision(Some(true), None, "no policy denies it, and none allows others alone".to_owned()));
    let mut maybe = None;
    for policy in &allows {
        for rule in rules(policy) {
            match matches(&rule, request) {
                Truth::Yes if lets_in.is_none() => {
                    lets_in =
                        Some(decision(Some(true), Some(policy), format!("allowed: {}", reasons(&rule, request).join(", "))));
                }
                Truth::Open(field) => maybe = maybe.or_else(|| Some(open(policy, &field))),
                _ => {}
            }
        }
    }
    let names = || allows.iter().map(|policy| name(policy)).collect::<Vec<_>>().join(", ");
    match (lets_in, maybe, undecided) {
        // What might deny counts only where it would be let in otherwise.
        (Some(_), _, Some(undecided)) => undecided,
        (Some(lets_in), _, None) => lets_in,
        (None, Some(maybe), _) => maybe,
        (None, None, _) => {
            Decision { by: Some(names()), ..decision(Some(false), None, "none of their rules lets it in".to_owned()) }
        }
    }
}

fn matches(rule: &Value, request: &Request<'_>) -> Truth {
    let part = |field: &str, inner: &str, look: fn(&str, &[Value], &Request<'_>) -> Truth| {
        let items = list(rule, field);
        let one = |item: &Value| {
            let fields = item[inner].as_object().into_iter().flatten();
            all(fields.map(|(name, values)| look(name, values.as_array().map_or(&[], Vec::as_slice), request)))
        };
        if items.is_empty() { Truth::Yes } else { any(items.iter().map(one)) }
    };
    let known = ["/from", "/to", "/when"];
    let strange =
        rule.as_object().into_iter().flatten().map(|(name, _)| name).find(|name| !known.contains(&format!("/{name}").as_str()));
    let strange = strange.map_or(Truth::Yes, |name| Truth::Open(format!("field {name}")));
    let conditions = list(rule, "/when").iter().map(|condition| when(condition, request));
    all([part("/from", "source", source), part("/to", "operation", operation), all(conditions), strange])
}

/// One of the values fits what is there; nothing fits what is not.
fn fits(there: &[String], values: &[Value]) -> Truth {
    Truth::of(values.iter().filter_map(Value::as_str).any(|value| there.iter().any(|there| is_like(there, value))))
}

/// Istio's four ways to write a text: as it is, its beginning, its end, and any.
fn is_like(there: &str, value: &str) -> bool {
    match (value.strip_prefix('*'), value.strip_suffix('*')) {
        (Some(""), _) => !there.is_empty(),
        (Some(end), _) => there.ends_with(end),
        (None, Some(start)) => there.starts_with(start),
        (None, None) => there == value,
    }
}

fn principals(request: &Request<'_>) -> Vec<String> {
    request.principal.map(str::to_owned).into_iter().collect()
}

/// The namespace in `cluster.local/ns/NAMESPACE/sa/NAME`.
fn namespaces(request: &Request<'_>) -> Vec<String> {
    request.principal.and_then(|principal| principal.split('/').nth(2)).map(str::to_owned).into_iter().collect()
}

fn request_principals(request: &Request<'_>) -> Vec<String> {
    request.token.and_then(Token::principal).into_iter().collect()
}

fn source(field: &str, values: &[Value], request: &Request<'_>) -> Truth {
    match field {
        "principals" => fits(&principals(request), values),
        "notPrincipals" => fits(&principals(request), values).not(),
        "namespaces" => fits(&namespaces(request), values),
        "notNamespaces" => fits(&namespaces(request), values).not(),
        "requestPrincipals" => fits(&request_principals(request), values),
        "notRequestPrincipals" => fits(&request_principals(request), values).not(),
        other => Truth::Open(format!("source.{other}")),
    }
}

fn operation(field: &str, values: &[Value], request: &Request<'_>) -> Truth {
    let one = |text: &str| [text.to_owned()];
    let lower: Vec<Value> = values.iter().filter_map(Value::as_str).map(|value| value.to_lowercase().into()).collect();
    match field {
        // `{*}` and `{**}` are patterns of their own.
        "paths" | "notPaths" if values.iter().filter_map(Value::as_str).any(|path| path.contains('{')) => {
            Truth::Open(format!("a pattern in operation.{field}"))
        }
        "paths" => fits(&one(request.path), values),
        "notPaths" => fits(&one(request.path), values).not(),
        "methods" => fits(&one(request.method), values),
        "notMethods" => fits(&one(request.method), values).not(),
        "hosts" => fits(&one(&request.host.to_lowercase()), &lower),
        "notHosts" => fits(&one(&request.host.to_lowercase()), &lower).not(),
        other => Truth::Open(format!("operation.{other}")),
    }
}

/// The names in `request.auth.claims[a][b]`.
fn claim(key: &str) -> Option<Vec<&str>> {
    let inner = key.strip_prefix("request.auth.claims[")?.strip_suffix(']')?;
    Some(inner.split("][").collect())
}

/// What a condition's key stands for; an error names what can't be told.
fn values_of(key: &str, request: &Request<'_>) -> Result<Vec<String>, String> {
    if let Some(names) = claim(key) {
        return Ok(request.token.map(|token| token.values(&names)).unwrap_or_default());
    }
    if let Some(name) = key.strip_prefix("request.headers[").and_then(|rest| rest.strip_suffix(']')) {
        let found = request.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
        return Ok(found.map(|(_, value)| value.clone()).collect());
    }
    match key {
        "request.auth.principal" => Ok(request_principals(request)),
        "request.auth.audiences" => Ok(request.token.map(Token::audiences).unwrap_or_default()),
        "request.auth.presenter" => Ok(request.token.map(|token| token.values(&["azp"])).unwrap_or_default()),
        "source.principal" => Ok(principals(request)),
        "source.namespace" => Ok(namespaces(request)),
        other => Err(other.to_owned()),
    }
}

fn when(condition: &Value, request: &Request<'_>) -> Truth {
    let there = match values_of(condition["key"].as_str().unwrap_or_default(), request) {
        Ok(there) => there,
        Err(key) => return Truth::Open(format!("condition {key}")),
    };
    let (values, not) = (list(condition, "/values"), list(condition, "/notValues"));
    all([
        if values.is_empty() { Truth::Yes } else { fits(&there, values) },
        if not.is_empty() { Truth::Yes } else { fits(&there, not).not() },
    ])
}

/// What of a request a rule that matches it is about, in plain words.
fn reasons(rule: &Value, request: &Request<'_>) -> Vec<String> {
    let joined = |values: &[Value]| values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    let mut reasons = Vec::new();
    for (kind, inner, look) in
        [("/from", "source", source as fn(&str, &[Value], &Request<'_>) -> Truth), ("/to", "operation", operation)]
    {
        let fitting = |item: &&Value| {
            let fields = item[inner].as_object().into_iter().flatten();
            all(fields.map(|(name, values)| look(name, values.as_array().map_or(&[], Vec::as_slice), request))) == Truth::Yes
        };
        let fields = list(rule, kind).iter().find(fitting).and_then(|item| item[inner].as_object()).into_iter().flatten();
        reasons.extend(fields.filter_map(|(name, values)| {
            let values = joined(values.as_array()?);
            Some(match name.as_str() {
                "requestPrincipals" => format!("the token is of {}", values.trim_end_matches("/*")),
                "notRequestPrincipals" if request.token.is_none() => "there is no token that counts".to_owned(),
                "notRequestPrincipals" => format!("the token is none of {}", values.trim_end_matches("/*")),
                "paths" | "notPaths" => format!("path {}", request.path),
                "methods" | "notMethods" => format!("method {}", request.method),
                "hosts" | "notHosts" => format!("host {}", request.host),
                "namespaces" | "principals" => format!("it comes from {values}"),
                _ => format!("it does not come from {values}"),
            })
        }));
    }
    for condition in list(rule, "/when") {
        let key = condition["key"].as_str().unwrap_or_default();
        let name = claim(key).map_or_else(|| key.to_owned(), |names| names.join("."));
        let there = values_of(key, request).unwrap_or_default();
        let there = if there.is_empty() { "is missing".to_owned() } else { format!("is {}", there.join(", ")) };
        let not = list(condition, "/notValues");
        reasons.push(if not.is_empty() {
            format!("{name} {there}")
        } else {
            format!("{name} {there}, and none of {}", joined(not))
        });
    }
    reasons.dedup();
    if reasons.is_empty() { vec!["its rule is about every request".to_owned()] } else { reasons }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use serde_json::json;

    fn token(claims: Value) -> Token {
        let part = |value: Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
        Token::read(&format!("{}.{}.", part(json!({})), part(claims))).unwrap()
    }

    fn policy(name: &str, action: &str, rules: Value) -> Value {
        json!({"metadata": {"namespace": "n", "name": name}, "spec": {"action": action, "rules": rules}})
    }

    fn look(policies: &[Value], path: &str, token: Option<&Token>) -> Decision {
        let headers = [("authorization".to_owned(), "Bearer x".to_owned())];
        let request = Request {
            method: "GET",
            host: "Kubeflow.example.com",
            path,
            token,
            principal: Some("cluster.local/ns/a/sa/b"),
            headers: &headers,
        };
        decide(&Place { policies }, &request)
    }

    #[test]
    fn what_denies_goes_before_what_allows() {
        let jane = token(json!({"iss": "i", "sub": "s", "email": "jane"}));
        let bob = token(json!({"iss": "i", "sub": "s", "email": "bob", "groups": ["team"]}));
        let unless = json!([{"key": "request.auth.claims[email]", "notValues": ["jane"]}, {"key": "request.auth.claims[groups]", "notValues": ["ml"]}]);
        let policies = [
            policy("allow", "ALLOW", json!([{"from": [{"source": {"requestPrincipals": ["i/*"]}}]}])),
            policy("deny", "DENY", json!([{"to": [{"operation": {"paths": ["/a/*"], "notPaths": ["/a/b/*"]}}], "when": unless}])),
        ];
        assert_eq!(look(&policies, "/a/x", Some(&jane)).allowed, Some(true));
        let refused = look(&policies, "/a/x", Some(&bob));
        assert_eq!((refused.allowed, refused.by.as_deref()), (Some(false), Some("n/deny")));
        assert_eq!(refused.why, "denied: path /a/x, email is bob, and none of jane, groups is team, and none of ml");
        assert_eq!(look(&policies, "/a/b/x", Some(&bob)).allowed, Some(true));
        // A claim that is missing is in no list.
        assert_eq!(look(&policies, "/a/x", None).allowed, Some(false));
        let nobody = look(&policies, "/c", None);
        assert_eq!((nobody.allowed, nobody.why.as_str()), (Some(false), "none of their rules lets it in"));
        assert_eq!(look(&[], "/c", None).allowed, Some(true));
        assert_eq!(look(&[policy("nothing", "ALLOW", json!([]))], "/c", None).allowed, Some(false));
    }

    #[test]
    fn each_field_means_what_it_means_to_istio() {
        let jane = token(json!({"iss": "i", "sub": "s", "aud": "k", "roles": {"all": ["x", "y"]}}));
        for (rule, expected) in [
            (json!({}), Some(true)),
            (json!({"from": [{"source": {"namespaces": ["a"]}}]}), Some(true)),
            (json!({"from": [{"source": {"namespaces": ["b"]}}, {"source": {"principals": ["*/sa/b"]}}]}), Some(true)),
            (json!({"from": [{"source": {"principals": ["*"], "notNamespaces": ["a"]}}]}), Some(false)),
            (json!({"from": [{"source": {"requestPrincipals": ["i/s"]}}]}), Some(true)),
            (json!({"from": [{"source": {"notRequestPrincipals": ["*"]}}]}), Some(false)),
            (json!({"from": [{"source": {"ipBlocks": ["10.0.0.0/8"]}}]}), None),
            (json!({"from": [{"source": {"ipBlocks": ["10.0.0.0/8"], "namespaces": ["b"]}}]}), Some(false)),
            (json!({"to": [{"operation": {"hosts": ["kubeflow.EXAMPLE.com"], "methods": ["GET", "HEAD"]}}]}), Some(true)),
            (json!({"to": [{"operation": {"hosts": ["notebooks.example.net"]}}]}), Some(false)),
            (json!({"to": [{"operation": {"notHosts": ["Notebooks.Example.Net", "notebooks.example.net:*"]}}]}), Some(true)),
            (json!({"to": [{"operation": {"notHosts": ["kubeflow.example.com"]}}]}), Some(false)),
            (json!({"to": [{"operation": {"paths": ["*/x"], "notMethods": ["GET"]}}]}), Some(false)),
            (json!({"to": [{"operation": {"paths": ["/{*}/x"]}}]}), None),
            (json!({"to": [{"operation": {"ports": ["80"]}}]}), None),
            (json!({"when": [{"key": "request.auth.claims[roles][all]", "values": ["y"]}]}), Some(true)),
            (json!({"when": [{"key": "request.auth.audiences", "values": ["k"]}]}), Some(true)),
            (json!({"when": [{"key": "request.headers[authorization]", "notValues": ["Bearer *"]}]}), Some(false)),
            (json!({"when": [{"key": "remote.ip", "values": ["1.2.3.4"]}]}), None),
            (json!({"when": [{"key": "experimental.x", "values": ["1"]}]}), None),
            (json!({"never": []}), None),
        ] {
            let decision = look(&[policy("p", "ALLOW", json!([rule]))], "/a/x", Some(&jane));
            assert_eq!(decision.allowed, expected, "{rule}: {decision:?}");
            let deny = look(&[policy("p", "DENY", json!([rule]))], "/a/x", Some(&jane));
            assert_eq!(deny.allowed, expected.map(|allowed| !allowed), "{rule}: {deny:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_said_only_where_it_matters() {
        let open = policy("open", "DENY", json!([{"from": [{"source": {"ipBlocks": ["10.0.0.0/8"]}}]}]));
        let decision = look(std::slice::from_ref(&open), "/", None);
        assert_eq!(decision.why, "it uses source.ipBlocks, which can't be told from here");
        assert_eq!(look(&[open.clone(), policy("shut", "ALLOW", json!([]))], "/", None).allowed, Some(false));
        assert_eq!(look(&[open, policy("deny", "DENY", json!([{}]))], "/", None).allowed, Some(false));
        let mut custom = policy("login", "CUSTOM", json!([{}]));
        custom["spec"]["provider"]["name"] = "proxy".into();
        assert_eq!(look(&[custom], "/", None).asked, ["proxy"]);
    }

    #[test]
    fn a_policy_is_about_the_pods_that_it_selects() {
        let with = |selector: Value| json!({"spec": {"selector": {"matchLabels": selector}}});
        let labels = json!({"istio": "ingressgateway"});
        for (policy, whole, expected) in [
            (json!({"spec": {}}), true, Selected::Yes),
            (with(json!({"istio": "ingressgateway"})), false, Selected::Yes),
            (with(json!({"istio": "other", "app": "x"})), false, Selected::No),
            (with(json!({"istio": "ingressgateway", "app": "x"})), false, Selected::Unknown),
            (with(json!({"istio": "ingressgateway", "app": "x"})), true, Selected::No),
            (json!({"spec": {"targetRefs": [{"kind": "Gateway"}]}}), true, Selected::Unknown),
        ] {
            assert_eq!(selects(&policy, &labels, whole), expected, "{policy}");
        }
    }
}
