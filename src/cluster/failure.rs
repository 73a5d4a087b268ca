//! What an API server's refusal means: to be tried again, or final, and why. Decided from codes and typed causes; the text is
//! read only where the API has no type for it (webhooks that don't answer).

use std::time::Duration;

use serde::Deserialize;

/// A request that did not succeed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What it means.
    pub class: Class,
    /// The server's own words.
    pub message: String,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
}

/// What a failure means for the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// The server, or the way to it, is busy or away.
    Busy,
    /// An admission webhook has nothing behind it, or does not answer in time.
    WebhookNotReady,
    /// An admission webhook can't take part in a dry-run.
    NoDryRun,
    /// The kind is not served (yet).
    NoMatch,
    /// There is no such object, or its namespace is missing.
    NotFound,
    /// There is an object of this name already.
    Exists,
    /// The object, or its namespace, is on its way out.
    Terminating,
    /// The server's certificate is not to be trusted, or the server does not trust the caller's.
    Certificate,
    /// The caller's credentials are not accepted.
    Unauthorized,
    /// The caller may not do this.
    Forbidden,
    /// An admission webhook or policy refuses it.
    Denied,
    /// The object is not valid, or changes what can't be changed.
    Invalid,
    /// Other managers own fields with other values.
    Conflict(Vec<FieldConflict>),
    /// Anything else.
    Other,
}

/// A field that another manager owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldConflict {
    /// The field, such as `.spec.replicas`.
    pub field: String,
    /// Who owns it, as the server names it: `"kubectl" using apps/v1`.
    pub manager: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    message: String,
    reason: String,
    details: Details,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    name: String,
    kind: String,
    causes: Vec<Cause>,
    retry_after_seconds: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cause {
    reason: String,
    message: String,
    field: String,
}

impl Failure {
    /// No answer came: the connection failed or was cut.
    #[must_use]
    pub fn transport(message: impl Into<String>) -> Self {
        Self { class: Class::Busy, message: message.into(), retry_after: None }
    }

    /// An answer that is no success.
    #[must_use]
    pub fn from_answer(code: u16, body: &[u8], retry_after: Option<Duration>) -> Self {
        let status: Status = serde_json::from_slice(body).unwrap_or_else(|_| Status {
            message: String::from_utf8_lossy(&body[..body.len().min(300)]).trim().to_owned(),
            ..Status::default()
        });
        let retry_after = retry_after.or(status.details.retry_after_seconds.map(Duration::from_secs));
        let message = if status.message.is_empty() { format!("HTTP {code}") } else { status.message.clone() };
        Self { class: classify(code, &status), message, retry_after }
    }

    /// Whether the same request can succeed later with nobody changing it.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        // One that exists was made in between: the next apply finds it.
        matches!(self.class, Class::Busy | Class::Exists | Class::WebhookNotReady | Class::NoMatch | Class::Terminating)
    }
}

/// How the store says that an object is too large for it: itself, and its client.
const TOO_LARGE: [&str; 2] = ["request is too large", "trying to send message larger than max"];

fn classify(code: u16, status: &Status) -> Class {
    let has_cause = |reason: &str| status.details.causes.iter().any(|cause| cause.reason == reason);
    match code {
        _ if has_cause("NamespaceTerminating") => Class::Terminating,
        // The API server has no typed reason for a webhook that can't be called.
        _ if status.message.contains("failed calling webhook")
            || status.message.contains("failed to call webhook")
            // One that converts between the versions of a definition.
            || status.message.contains("conversion webhook for") =>
        {
            Class::WebhookNotReady
        }
        // Nor has it one for what admission refuses: webhooks choose any code they like.
        _ if status.message.contains("denied the request") || status.message.contains("denied request:") => Class::Denied,
        // Two items of one key in a list: the server calls it an error of its own, and will for ever.
        500 if status.message.contains("failed to create typed patch object") => Class::Invalid,
        // What is too large for the store is so for ever. A dry-run does not get there.
        500 if TOO_LARGE.iter().any(|words| status.message.contains(words)) => Class::Invalid,
        400 if status.message.contains("does not support dry run") => Class::NoDryRun,
        401 => Class::Unauthorized,
        403 => Class::Forbidden,
        // The kind's endpoint is missing where the answer names no object.
        404 if status.details.name.is_empty() && status.details.kind.is_empty() => Class::NoMatch,
        404 => Class::NotFound,
        409 if has_cause("FieldManagerConflict") => Class::Conflict(
            status
                .details
                .causes
                .iter()
                .filter(|cause| cause.reason == "FieldManagerConflict")
                .map(|cause| FieldConflict {
                    field: cause.field.clone(),
                    manager: cause.message.trim_start_matches("conflict with ").to_owned(),
                })
                .collect(),
        ),
        409 if status.reason == "AlreadyExists" => Class::Exists,
        // Two writers at once: the next try reads the newer object.
        408 | 409 | 429 | 500 | 502 | 503 | 504 => match status.reason.as_str() {
            "Invalid" => Class::Invalid,
            _ => Class::Busy,
        },
        400 | 405 | 413 | 415 | 422 => Class::Invalid,
        _ => Class::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn class(code: u16, body: serde_json::Value) -> Class {
        Failure::from_answer(code, body.to_string().as_bytes(), None).class
    }

    #[test]
    fn conflicts_name_field_and_manager() {
        let body = json!({"reason": "Conflict", "details": {"name": "d", "kind": "deployments", "causes": [
            {"reason": "FieldManagerConflict", "message": "conflict with \"kubectl\" using apps/v1", "field": ".spec.replicas"}]}});
        assert_eq!(
            class(409, body),
            Class::Conflict(vec![FieldConflict { field: ".spec.replicas".into(), manager: "\"kubectl\" using apps/v1".into() }])
        );
    }

    #[test]
    fn a_missing_endpoint_is_not_a_missing_object() {
        assert_eq!(
            class(404, json!({"message": "the server could not find the requested resource", "details": {}})),
            Class::NoMatch
        );
        assert_eq!(class(404, json!({"details": {"name": "x", "kind": "namespaces"}})), Class::NotFound);
        assert_eq!(Failure::from_answer(404, b"404 page not found\n", None).class, Class::NoMatch);
    }

    #[test]
    fn passing_failures_are_told_from_final_ones() {
        assert_eq!(class(429, json!({})), Class::Busy);
        assert_eq!(class(500, json!({"message": "failed calling webhook \"x\": connection refused"})), Class::WebhookNotReady);
        let conversion =
            "conversion webhook for x.io/v2, Kind=Thing failed: Post \"https://c.n.svc:443/\": service \"c\" not found";
        assert_eq!(class(500, json!({"message": conversion})), Class::WebhookNotReady);
        for too_large in ["etcdserver: request is too large", "trying to send message larger than max (3 vs. 2)"] {
            assert_eq!(class(500, json!({"message": too_large})), Class::Invalid, "{too_large}");
        }
        assert_eq!(class(403, json!({"details": {"causes": [{"reason": "NamespaceTerminating"}]}})), Class::Terminating);
        assert_eq!(class(403, json!({"message": "bob may not"})), Class::Forbidden);
        assert_eq!(class(409, json!({"reason": "AlreadyExists"})), Class::Exists);
        assert_eq!(class(422, json!({"reason": "Invalid"})), Class::Invalid);
        assert_eq!(class(400, json!({"message": "admission webhook \"w\" denied the request: no"})), Class::Denied);
        assert_eq!(
            class(500, json!({"message": "failed to create typed patch object (n/d): .env: duplicate entries"})),
            Class::Invalid
        );
        let policy = "configmaps \"c\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no";
        assert_eq!(class(422, json!({"reason": "Invalid", "message": policy})), Class::Denied);
        assert_eq!(Failure::from_answer(503, b"apiserver not ready", None).message, "apiserver not ready");
    }
}
