//! `/`: my namespaces, what is used and free in each, and who else is there.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use http::StatusCode;
use serde_json::json;

use super::Site;
use super::answer::{Answer, Problem, Wants};
use super::rows::{candidates, each, fingerprint, may_create, row};
use super::visitor::Visitor;

/// Who has no namespace yet is taken to making one, if they may.
pub(super) async fn show(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(wants): Extension<Wants>,
) -> Result<Answer, Problem> {
    let shown = candidates(&site, &visitor);
    let seen = fingerprint(&site, &visitor, &shown);
    let rows = each(shown.iter().map(|namespace| row(&site, &visitor, namespace)).collect()).await?;
    let namespaces: Vec<_> = rows.into_iter().flatten().collect();
    let may_create = may_create(&site, &visitor).await?;
    if namespaces.is_empty() && may_create && wants == Wants::Page {
        return Ok(Answer::Elsewhere("/profiles#new".to_owned()));
    }
    Ok(Answer::Page(StatusCode::OK, "home.html", json!({"namespaces": namespaces, "mayCreate": may_create, "seen": seen})))
}
