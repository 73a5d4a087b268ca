//! What is answered, before it is a page or JSON: `guard` makes it the one or the other, in one place.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use crate::cluster::{Class, Failure};

/// What whoever asks can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    Page,
    Json,
}

/// An answer.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// A page of this template, or its data alone.
    Page(StatusCode, &'static str, Value),
    /// After a change: where people go next, and the changed object for programs.
    Changed { next: String, made: bool, object: Value },
    /// Where people go instead. Always a path of ours that is written here, never one that a request brought.
    Elsewhere(String),
    /// It can't be.
    Problem(Problem),
}

/// Why something can't be, in plain words.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    /// One sentence without a full stop.
    message: String,
    /// The field that is wrong.
    field: Option<String>,
    /// What else is known, as in the server's own words.
    details: Vec<String>,
    /// What to do next; what stands in backquotes can be typed.
    hints: Vec<String>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), field: None, details: Vec::new(), hints: Vec::new() }
    }

    pub(super) fn missing(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// A field is not as it should be.
    pub(super) fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, message) }
    }

    /// A field is none that is described, or is of another type.
    pub(super) fn malformed(field: &str, message: &str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, ..Self::field(field, format!("{field}: {message}")) }
    }

    pub(super) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// What a refused request means for who asked. `what` was to be done, such as "share namespace kubeflow-jane".
    pub(super) fn of(failure: &Failure, what: &str) -> Self {
        let (status, message) = match failure.class {
            Class::Unauthorized => (StatusCode::UNAUTHORIZED, format!("the cluster does not accept your login: can't {what}")),
            Class::Forbidden => (StatusCode::FORBIDDEN, format!("you may not {what}")),
            Class::NotFound | Class::NoMatch => (StatusCode::NOT_FOUND, format!("can't {what}: it is not there")),
            Class::Exists => (StatusCode::CONFLICT, format!("can't {what}: it is there already")),
            Class::Terminating => (StatusCode::CONFLICT, format!("can't {what}: it is being deleted")),
            Class::Conflict(_) => (StatusCode::CONFLICT, format!("can't {what}: somebody else keeps a part of it")),
            Class::Denied | Class::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, format!("the cluster refuses to {what}")),
            _ => (StatusCode::SERVICE_UNAVAILABLE, format!("can't {what} now: the cluster does not answer as it should")),
        };
        let problem = Self::new(status, message);
        let told = || problem.clone().detail(failure.message.clone());
        match failure.class {
            Class::Forbidden => told().hint("who owns the namespace, or an admin of the cluster, may"),
            // Why a connection fails tells people nothing, and an admin much.
            Class::Busy => {
                tracing::warn!(reason = failure.message, what, "the cluster does not answer as it should");
                problem.hint("try again in a moment")
            }
            Class::WebhookNotReady => told().hint("try again in a moment"),
            _ => told(),
        }
    }

    /// For programs, and for the page.
    pub(super) fn json(&self) -> Value {
        json!({"status": self.status.as_u16(), "title": title(self.status), "message": self.message, "field": self.field, "details": self.details, "hints": self.hints})
    }

    /// The hints, each as its parts: text and what can be typed in turn.
    pub(super) fn hints_in_parts(&self) -> Vec<Vec<&str>> {
        self.hints.iter().map(|hint| hint.split('`').collect()).collect()
    }
}

/// What a status means, for people.
fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "Not logged in",
        403 => "Not allowed",
        404 => "Not found",
        409 | 422 => "Not done",
        500.. => "Not now",
        _ => status.canonical_reason().unwrap_or("Not done"),
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self::of(&failure, "look that up")
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        Answer::Problem(self).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_fails_is_told_in_plain_words() {
        let failure = Failure::transport("client error (Connect): received fatal alert: HandshakeFailure");
        let told = Problem::of(&failure, "list notebooks").json();
        assert_eq!(told["message"], "can't list notebooks now: the cluster does not answer as it should");
        assert_eq!((&told["details"], &told["hints"]), (&json!([]), &json!(["try again in a moment"])));
        let refused = Failure::from_answer(422, br#"{"reason": "Invalid", "message": "spec.cpu: too much"}"#, None);
        assert_eq!(Problem::of(&refused, "make it").json()["details"], json!(["spec.cpu: too much"]));
    }
}
