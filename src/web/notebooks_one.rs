//! `/jupyter/NAMESPACE/NAME`: one notebook, why it is as it is, its log, and what can be done with it. All of it is read and done as the
//! visitor.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use futures::StreamExt;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Site;
use super::answer::{Answer, Problem, Wants};
use super::fields::Fields;
use super::notebooks::{ago, claims, fingerprint, may, notebooks, page_of, row, told, unseen, users_of, volume};
use super::notebooks_spawner::{self, judged};
use super::visitor::Visitor;
use crate::cluster::{Class, Failure};
use crate::notebooks::{Lines, Request, Wish, claims_of, condition, is_stopped, server};
use crate::object::list;
use crate::profiles::text;

/// Events on one page.
const EVENTS: usize = 50;
/// Lines of a log on one page.
pub(super) const LINES: u32 = 500;
/// The most of a log that one page shows, in bytes: it is held until its reader has it.
const LONGEST: usize = 128 << 10;

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(query): Extension<Fields>,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Answer, Problem> {
    let notebook = read(&visitor, &namespace, &name).await?;
    let own = notebooks(&visitor);
    let (events, claims, changes, deletes) = futures::join!(
        own.events(&namespace, &name),
        claims(&visitor, &namespace),
        may(&site, &visitor, "patch", &namespace),
        may(&site, &visitor, "delete", &namespace),
    );
    let now = Timestamp::now();
    let events = match events {
        Ok(events) => events.iter().take(EVENTS).map(|event| happened(event, now)).collect(),
        Err(failure) if failure.class == Class::Forbidden => Value::Null,
        Err(failure) => return Err(failure.into()),
    };
    let claims = claims?.unwrap_or_default();
    let volumes: Vec<Value> = claims_of(&notebook)
        .into_iter()
        .map(|mounted| {
            let claim = claims.iter().find(|claim| text(claim, "/metadata/name") == mounted);
            let missing = || json!({"name": mounted, "size": "", "class": "", "state": "missing"});
            let mut row = claim.map_or_else(missing, volume);
            row["mount"] = mount_of(&notebook, mounted).into();
            row["others"] = others(&site, &namespace, &name, mounted).into();
            row
        })
        .collect();
    let [_, reason, route] = condition(&notebook, "RouteReady");
    Ok(Answer::Page(
        StatusCode::OK,
        "notebook.html",
        json!({
            "notebook": row(&notebook, now, &visitor.origin), "events": events, "volumes": volumes, "route": {"reason": reason, "message": route},
            "seen": fingerprint(&site, &namespace, Some(&name)), "told": told(&query),
            "may": {"change": changes?, "delete": deletes?},
        }),
    ))
}

/// A notebook, if there is one and the visitor may see it.
pub(super) async fn read(visitor: &Visitor, namespace: &str, name: &str) -> Result<Value, Problem> {
    notebooks(visitor).get(namespace, name).await.map_err(|failure| unseen(&failure, "look that up"))
}

/// An event as people read it.
fn happened(event: &Value, now: Timestamp) -> Value {
    let times = ["/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"].map(|pointer| text(event, pointer));
    let at = times.into_iter().find(|time| !time.is_empty()).unwrap_or_default();
    let count = event["count"].as_i64().or_else(|| event["series"]["count"].as_i64()).unwrap_or(1);
    json!({"at": at, "ago": ago(at, now), "reason": text(event, "/reason"), "message": text(event, "/message"),
        "warning": text(event, "/type") == "Warning", "count": count})
}

/// Where a notebook's server sees a claim.
fn mount_of(notebook: &Value, claim: &str) -> String {
    let volumes = list(notebook, "/spec/template/spec/volumes");
    let volume = volumes.iter().find(|volume| text(volume, "/persistentVolumeClaim/claimName") == claim);
    let name = volume.map_or("", |volume| text(volume, "/name"));
    let mounts = list(server(notebook).1, "/volumeMounts");
    mounts
        .iter()
        .find(|mount| text(mount, "/name") == name)
        .map_or_else(String::new, |mount| text(mount, "/mountPath").to_owned())
}

/// The other notebooks that mount a claim.
fn others(site: &Site, namespace: &str, name: &str, claim: &str) -> Vec<String> {
    users_of(site, namespace, claim).into_iter().filter(|user| user != name).collect()
}

/// A change: `stop`, `start`, `restart` or `delete`.
pub(super) async fn act(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
    Path((namespace, name, action)): Path<(String, String, String)>,
) -> Result<Answer, Problem> {
    let notebook = read(&visitor, &namespace, &name).await?;
    let request = match action.as_str() {
        "stop" => Request::Stop,
        "start" => Request::Start,
        "restart" => Request::Restart,
        "delete" => {
            let chosen = confirmed(&fields, &name)?;
            return deleted(&site, &visitor, &chosen, &notebook).await;
        }
        _ => return Err(Problem::missing("nothing of this name can be done with a notebook")),
    };
    let object = acted(&site, &visitor, &notebook, request).await?;
    let back =
        if fields.get("back") == "list" { format!("/jupyter?namespace={namespace}&") } else { page_of(&namespace, &name) + "?" };
    Ok(Answer::Changed { next: format!("{back}done={action}&name={name}"), made: false, object })
}

/// Stops, starts or restarts a notebook.
pub(super) async fn acted(site: &Site, visitor: &Visitor, notebook: &Value, request: Request) -> Result<Value, Problem> {
    let [namespace, name] = ["/metadata/namespace", "/metadata/name"].map(|pointer| text(notebook, pointer));
    if request == Request::Start && is_stopped(notebook) {
        // What the server would refuse is said before anything is changed.
        let wish = Wish { claims: Vec::new(), notebook: notebook.clone(), configurations: Vec::new() };
        let wrong = judged(site, visitor, &wish).await?;
        if !wrong.is_empty() {
            let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("notebook {name} can’t start now"));
            let problem = wrong.into_iter().fold(problem, |problem, wrong| problem.detail(wrong.message));
            return Err(problem.hint("stop another notebook of this namespace, or edit this one to ask for less"));
        }
    }
    let word = match request {
        Request::Stop => "stop",
        Request::Start => "start",
        Request::Restart => "restart",
    };
    let asked = notebooks(visitor).ask(namespace, name, request).await;
    let object = asked.map_err(|failure| Problem::of(&failure, &format!("{word} notebook {name}")))?;
    tracing::info!(user = ?visitor.user, namespace, notebook = name, action = word, "done");
    Ok(object)
}

/// DELETE of a program: its address names the notebook, and the body says it again.
pub(super) async fn delete(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Answer, Problem> {
    let notebook = read(&visitor, &namespace, &name).await?;
    let chosen = confirmed(&fields, &name)?;
    deleted(&site, &visitor, &chosen, &notebook).await
}

/// The volumes that go with a notebook, once its name is typed.
fn confirmed<'a>(fields: &'a Fields, name: &str) -> Result<Vec<&'a str>, Problem> {
    if fields.get("confirm") != name {
        return Err(Problem::field("confirm", format!("type the notebook’s name to go on: {name}")));
    }
    Ok(fields.under("volumes:").filter(|(_, on)| matches!(*on, "on" | "true")).map(|(claim, _)| claim).collect())
}

/// Deletes a notebook, and those of its volumes that are chosen. Nothing is deleted where a part of it would be refused.
pub(super) async fn deleted(site: &Site, visitor: &Visitor, chosen: &[&str], notebook: &Value) -> Result<Answer, Problem> {
    let [namespace, name] = ["/metadata/namespace", "/metadata/name"].map(|pointer| text(notebook, pointer));
    let what = format!("delete notebook {name}");
    let failed = |failure: Failure| Problem::of(&failure, &what);
    let own = notebooks(visitor);
    let mounted = claims_of(notebook);
    for claim in chosen {
        if !mounted.contains(claim) {
            return Err(Problem::field("volumes", format!("the notebook has no volume {claim:?}")));
        }
        if let Some(other) = others(site, namespace, name, claim).first() {
            return Err(Problem::field("volumes", format!("notebook {other} uses volume {claim} too")));
        }
    }
    let all = if chosen.is_empty() { Vec::new() } else { own.claims(namespace).await.map_err(failed)? };
    let claims: Vec<&Value> = all.iter().filter(|claim| chosen.contains(&text(claim, "/metadata/name"))).collect();
    own.delete(notebook, true).await.map_err(failed)?;
    for claim in &claims {
        let what = format!("delete volume {}", text(claim, "/metadata/name"));
        own.delete(claim, true).await.map_err(|failure| Problem::of(&failure, &what))?;
    }
    own.delete(notebook, false).await.map_err(failed)?;
    let mut left = Vec::new();
    for claim in &claims {
        match own.delete(claim, false).await {
            Ok(()) => {}
            Err(failure) if failure.class == Class::NotFound => {}
            Err(failure) => left.push(format!("volume {}: {}", text(claim, "/metadata/name"), failure.message)),
        }
    }
    tracing::info!(user = ?visitor.user, namespace, notebook = name, volumes = ?chosen, "deleted");
    if !left.is_empty() {
        let problem =
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("notebook {name} is deleted, and not all of its volumes"));
        let problem = left.into_iter().fold(problem, Problem::detail);
        return Err(problem.hint("they are listed below the notebooks; delete them there"));
    }
    let object = json!({"namespace": namespace, "notebook": name, "deleted": true, "volumes": chosen});
    Ok(Answer::Changed { next: format!("/jupyter?namespace={namespace}&done=delete&name={name}"), made: false, object })
}

/// The end of its log, which `live` goes on with.
pub(super) async fn log(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(query): Extension<Fields>,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Answer, Problem> {
    let notebook = read(&visitor, &namespace, &name).await?;
    let previous = query.get("previous") == "true";
    let lines = Lines { previous, follow: false, tail: LINES };
    let (text, trouble) = match whole(&visitor, &notebook, lines).await {
        Ok(text) => (text, None),
        Err(failure) if failure.class == Class::Forbidden => {
            return Err(Problem::of(&failure, &format!("read the log of notebook {name}")));
        }
        Err(failure) if failure.class == Class::NotFound => (String::new(), Some("it has no pod now, and so no log".to_owned())),
        Err(failure) => (String::new(), Some(failure.message)),
    };
    let seen = fingerprint(&site, &namespace, Some(&name));
    Ok(Answer::Page(
        StatusCode::OK,
        "notebook_log.html",
        json!({"notebook": row(&notebook, Timestamp::now(), &visitor.origin), "log": text, "trouble": trouble, "previous": previous, "lines": LINES, "seen": seen}),
    ))
}

/// All of what is there of a log, as text.
async fn whole(visitor: &Visitor, notebook: &Value, lines: Lines) -> Result<String, Failure> {
    let [namespace, name] = ["/metadata/namespace", "/metadata/name"].map(|pointer| text(notebook, pointer));
    let container = text(server(notebook).1, "/name");
    let mut stream = Box::pin(notebooks(visitor).log(namespace, name, container, lines).await?);
    let mut bytes = Vec::new();
    while let Some(part) = stream.next().await {
        bytes.extend(part?);
        // Of too much, the newest.
        if bytes.len() > 2 * LONGEST {
            bytes.drain(..bytes.len() - LONGEST);
        }
    }
    let start = bytes.len().saturating_sub(LONGEST);
    Ok(String::from_utf8_lossy(&bytes[start..]).into_owned())
}

pub(super) async fn edit_form(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Answer, Problem> {
    let notebook = read(&visitor, &namespace, &name).await?;
    notebooks_spawner::edit_form(&site, &visitor, &notebook).await
}

/// Changes a notebook that is stopped.
pub(super) async fn edit(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(wants): Extension<Wants>,
    Extension(fields): Extension<Fields>,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Answer, Problem> {
    let notebook = read(&visitor, &namespace, &name).await?;
    notebooks_spawner::edit(&site, &visitor, wants, &fields, &notebook).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_where_it_is_mounted() {
        let notebook = json!({"metadata": {"name": "nb"}, "spec": {"template": {"spec": {
            "volumes": [{"name": "w", "persistentVolumeClaim": {"claimName": "work"}}],
            "containers": [{"name": "nb", "volumeMounts": [{"name": "dshm", "mountPath": "/dev/shm"}, {"name": "w", "mountPath": "/home/jovyan"}]}]}}}});
        assert_eq!(mount_of(&notebook, "work"), "/home/jovyan");
        assert_eq!(mount_of(&notebook, "other"), "");
    }

    #[test]
    fn an_event_is_told_with_its_time() {
        let event = json!({"lastTimestamp": null, "eventTime": "2026-01-01T00:00:00.000000Z", "reason": "Pulled", "message": "m", "type": "Warning", "series": {"count": 3}});
        let told = happened(&event, "2026-01-01T00:01:00Z".parse().unwrap());
        assert_eq!((&told["ago"], &told["count"], &told["warning"]), (&json!("1 minute"), &json!(3), &json!(true)));
    }
}
