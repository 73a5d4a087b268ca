//! Platform `local`: nobody logs in there, so people choose who they are, on this machine alone.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;

use super::Site;
use super::answer::{Answer, Problem};
use super::csrf::cookie_value;
use super::fields::Fields;

const COOKIE: &str = "kfctl-identity";

/// Whom this browser has chosen.
pub(super) fn chosen(headers: &HeaderMap) -> Result<String, Problem> {
    let encoded = cookie_value(headers, COOKIE).unwrap_or_default();
    let fields = Fields::decoded(format!("user={encoded}").as_bytes());
    let user = fields.get("user");
    if user.is_empty() { Err(Problem::new(StatusCode::UNAUTHORIZED, "say first who you are")) } else { Ok(user.to_owned()) }
}

/// Who can be chosen: all for whom the web may act.
pub(super) async fn show(State(site): State<Arc<Site>>) -> Result<Answer, Problem> {
    let users = users(&site)?;
    Ok(Answer::Page(StatusCode::OK, "identity.html", json!({"users": users})))
}

pub(super) async fn choose(State(site): State<Arc<Site>>, Extension(fields): Extension<Fields>) -> Result<Response, Problem> {
    let user = fields.get("user");
    if !user.is_empty() && !users(&site)?.iter().any(|known| known == user) {
        return Err(Problem::field("user", "nobody of this name is known here"));
    }
    let value: String = form_urlencoded::byte_serialize(user.as_bytes()).collect();
    let next = if user.is_empty() { "/identity" } else { "/" };
    let changed = Answer::Changed { next: next.to_owned(), made: false, object: json!({"user": user}) };
    let mut response = changed.into_response();
    if let Ok(cookie) = HeaderValue::try_from(format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict")) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

fn users(site: &Site) -> Result<Vec<String>, Problem> {
    if !site.trial {
        return Err(Problem::missing("there is no such page"));
    }
    let mut users = site.cache.people("users");
    users.sort();
    Ok(users)
}
