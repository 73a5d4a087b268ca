//! `/jupyter`: the notebooks and volumes of a namespace, and what is common to the pages of notebooks. What is shown comes from the
//! caches and from requests as the visitor; nothing is listed for the whole cluster.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Site;
use super::access::Deed;
use super::answer::{Answer, Problem};
use super::cache::Kind;
use super::fields::Fields;
use super::rows::{KUBEFLOW, candidates, each, may_see, quota, role};
use super::visitor::Visitor;
use crate::cluster::{Class, Failure};
use crate::labels::{LAST_ACTIVITY, NOTEBOOK, NOTEBOOK_CREATOR, PRIVATE};
use crate::notebooks::{Notebooks, Tone, address, claims_of, is_stopped, server, state};
use crate::object::list;
use crate::profiles::{QUOTA, is_segment, text};

/// What has just been done.
const TOLD: [(&str, &str); 7] = [
    ("made", "is made, and starts"),
    ("stop", "is being stopped; its volumes stay"),
    ("start", "starts"),
    ("restart", "starts anew"),
    ("edit", "is changed; it is so when it starts"),
    ("delete", "is being deleted"),
    ("volume", "is being deleted, with all that is in it"),
];

/// The notebooks of a cluster, to be acted on as the visitor.
pub(super) fn notebooks(visitor: &Visitor) -> Notebooks {
    Notebooks { connection: visitor.connection.clone() }
}

/// Whether a visitor may do this with notebooks of a namespace.
pub(super) async fn may(site: &Site, visitor: &Visitor, verb: &'static str, namespace: &str) -> Result<bool, Failure> {
    visitor.may(site, Deed::new(verb, KUBEFLOW, "notebooks", namespace, "")).await
}

/// What is not there, and what nobody is to know of, look alike.
pub(super) fn absent() -> Problem {
    Problem::missing("there is no such notebook, or you have no part in it")
}

/// A refused request about a notebook; who may not even look is not told whether there is one.
pub(super) fn unseen(failure: &Failure, what: &str) -> Problem {
    match failure.class {
        Class::Forbidden | Class::NotFound | Class::NoMatch => absent(),
        _ => Problem::of(failure, what),
    }
}

/// The namespaces in which a visitor may see notebooks; first their own.
pub(super) async fn namespaces(site: &Site, visitor: &Visitor) -> Result<Vec<String>, Failure> {
    let found = candidates(site, visitor);
    let seen = each(found.iter().map(|namespace| may_see(site, visitor, namespace)).collect()).await?;
    let mut seen: Vec<String> = found.into_iter().zip(seen).filter(|(_, seen)| *seen).map(|(namespace, _)| namespace).collect();
    seen.sort_by_key(|namespace| role(site, visitor, namespace) != "owner");
    Ok(seen)
}

/// The namespace that is asked for, if the visitor may see its notebooks; none where they have none at all.
pub(super) async fn chosen(
    site: &Site,
    visitor: &Visitor,
    asked: &str,
    namespaces: &[String],
) -> Result<Option<String>, Problem> {
    let namespace = match (asked, namespaces.first()) {
        ("", None) => return Ok(None),
        ("", Some(first)) => first.as_str(),
        (asked, _) => asked,
    };
    if !is_segment(namespace) || !may(site, visitor, "list", namespace).await? {
        return Err(Problem::missing("there is no such namespace, or you have no part in its notebooks"));
    }
    Ok(Some(namespace.to_owned()))
}

pub(super) async fn list_all(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(query): Extension<Fields>,
) -> Result<Answer, Problem> {
    if !site.cache.has(Kind::Notebooks) {
        return Err(Problem::missing("this Kubeflow has no notebooks yet")
            .hint("an admin brings them: `kfctl component enable notebooks`, then `kfctl apply k8s`"));
    }
    let namespaces = namespaces(&site, &visitor).await?;
    let Some(namespace) = chosen(&site, &visitor, query.get("namespace"), &namespaces).await? else {
        return Ok(Answer::Page(StatusCode::OK, "notebooks.html", json!({"namespaces": [], "namespace": null, "notebooks": []})));
    };
    let deed = |verb, resource| visitor.may(&site, Deed::new(verb, "", resource, &namespace, ""));
    let (creates, changes, deletes, quotas, volumes, claims) = futures::join!(
        may(&site, &visitor, "create", &namespace),
        may(&site, &visitor, "patch", &namespace),
        may(&site, &visitor, "delete", &namespace),
        deed("list", "resourcequotas"),
        deed("delete", "persistentvolumeclaims"),
        claims(&visitor, &namespace),
    );
    let rows = rows(&site, &namespace, Timestamp::now(), &visitor.origin);
    let bars = if quotas? { quota(site.cache.one(Kind::Quotas, &namespace, QUOTA)) } else { Value::Null };
    let seen = fingerprint(&site, &namespace, None);
    let volumes_deletable = volumes?;
    Ok(Answer::Page(
        StatusCode::OK,
        "notebooks.html",
        json!({
            "namespaces": namespaces, "namespace": namespace, "notebooks": rows, "quota": bars, "seen": seen, "told": told(&query),
            "volumes": claims?.map(|claims| volumes_of(&site, &namespace, &claims, volumes_deletable)),
            "may": {"create": creates?, "change": changes?, "delete": deletes?},
        }),
    ))
}

/// The claims of a namespace; none where the visitor may not see them.
pub(super) async fn claims(visitor: &Visitor, namespace: &str) -> Result<Option<Vec<Value>>, Failure> {
    match notebooks(visitor).claims(namespace).await {
        Ok(claims) => Ok(Some(claims)),
        Err(failure) if failure.class == Class::Forbidden => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The notebooks that mount a claim.
pub(super) fn users_of(site: &Site, namespace: &str, claim: &str) -> Vec<String> {
    let notebooks = site.cache.within(Kind::Notebooks, namespace);
    let using = notebooks.iter().filter(|notebook| claims_of(notebook).contains(&claim));
    using.map(|notebook| text(notebook, "/metadata/name").to_owned()).collect()
}

fn volumes_of(site: &Site, namespace: &str, claims: &[Value], may_delete: bool) -> Vec<Value> {
    let rows = claims.iter().map(|claim| {
        let name = text(claim, "/metadata/name");
        let users = users_of(site, namespace, name);
        let made_for = claim["metadata"]["labels"][NOTEBOOK].as_str();
        let mut row = volume(claim);
        row["deletable"] = (may_delete && users.is_empty()).into();
        // Made for a notebook that is gone, or has let go of it.
        row["orphaned"] = (users.is_empty() && made_for.is_some()).into();
        row["madeFor"] = made_for.into();
        row["users"] = users.into();
        row
    });
    rows.collect()
}

/// A volume claim, as a row.
pub(super) fn volume(claim: &Value) -> Value {
    let going = claim["metadata"].get("deletionTimestamp").is_some();
    let size = match text(claim, "/status/capacity/storage") {
        "" => text(claim, "/spec/resources/requests/storage"),
        size => size,
    };
    let state = match text(claim, "/status/phase") {
        _ if going => "being deleted",
        "Bound" => "ready",
        "Lost" => "lost",
        _ => "waits for its first use",
    };
    json!({"name": text(claim, "/metadata/name"), "size": size, "class": text(claim, "/spec/storageClassName"), "state": state})
}

/// The notebooks of a namespace, as rows. Whoever shows them has asked whether they may be shown.
pub(super) fn rows(site: &Site, namespace: &str, now: Timestamp, origin: &str) -> Vec<Value> {
    site.cache.within(Kind::Notebooks, namespace).iter().map(|notebook| row(notebook, now, origin)).collect()
}

/// A notebook, as a row; `origin` is where notebooks are.
pub(super) fn row(notebook: &Value, now: Timestamp, origin: &str) -> Value {
    let container = server(notebook).1;
    let amount = |resource: &str| {
        let of = |part: &str| container["resources"][part][resource].as_str();
        of("requests").or_else(|| of("limits")).unwrap_or_default()
    };
    let limits = container["resources"]["limits"].as_object();
    let devices = limits.into_iter().flatten().filter(|(resource, _)| resource.contains('/'));
    let devices: Vec<String> = devices
        .map(|(resource, count)| format!("{} {resource}", count.as_str().map_or_else(|| count.to_string(), str::to_owned)))
        .collect();
    let state = state(notebook);
    let annotation = |name: &str| notebook["metadata"]["annotations"][name].as_str().unwrap_or_default();
    let (address, why_not) = match address(notebook) {
        Ok(address) => (Some(format!("{origin}{address}")), None),
        Err(reason) => (None, (state.tone == Tone::Good).then_some(reason)),
    };
    let image = text(container, "/image");
    let created = text(notebook, "/metadata/creationTimestamp");
    json!({
        "name": text(notebook, "/metadata/name"), "namespace": text(notebook, "/metadata/namespace"),
        "image": image, "shortImage": image.rsplit('/').next().unwrap_or_default(),
        "cpu": amount("cpu"), "memory": amount("memory"), "devices": devices,
        "state": {"word": state.word, "tone": tone(state.tone), "message": state.message},
        "address": address, "whyNot": why_not, "stopped": is_stopped(notebook),
        "created": created, "age": ago(created, now),
        "lastActivity": annotation(LAST_ACTIVITY), "idle": ago(annotation(LAST_ACTIVITY), now),
        "creator": annotation(NOTEBOOK_CREATOR), "private": annotation(PRIVATE) == "true",
    })
}

fn tone(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Calm => "calm",
        Tone::Bad => "bad",
    }
}

/// How long ago it was, in one unit; empty where it is no time.
pub(super) fn ago(time: &str, now: Timestamp) -> String {
    let Ok(then) = time.parse::<Timestamp>() else { return String::new() };
    let seconds = (now.as_second() - then.as_second()).max(0);
    let said = |count: i64, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    match seconds {
        0..60 => said(seconds, "second", "seconds"),
        60..3600 => said(seconds / 60, "minute", "minutes"),
        3600..172_800 => said(seconds / 3600, "hour", "hours"),
        _ => said(seconds / 86_400, "day", "days"),
    }
}

/// What changes where anything of it changes that is shown, but for the time that goes by.
pub(super) fn fingerprint(site: &Site, namespace: &str, name: Option<&str>) -> String {
    let mut rows = rows(site, namespace, Timestamp::UNIX_EPOCH, "");
    rows.retain(|row| name.is_none_or(|name| row["name"] == name));
    let quota = site.cache.one(Kind::Quotas, namespace, QUOTA);
    let used = quota.as_deref().filter(|_| name.is_none()).map(|quota| &quota["status"]["used"]);
    crate::digest::sha256(json!([rows, used]).to_string().as_bytes())[..16].to_owned()
}

/// What has just been done, as the address says it: by a word of ours, and a name that can be no more than a name.
pub(super) fn told(query: &Fields) -> Option<String> {
    let (done, text) = TOLD.into_iter().find(|(done, _)| *done == query.get("done"))?;
    let kind = if done == "volume" { "volume" } else { "notebook" };
    let name = Some(query.get("name")).filter(|name| is_segment(name));
    Some(name.map_or_else(|| format!("it {text}"), |name| format!("{kind} {name} {text}")))
}

/// Deletes a volume that no notebook and no pod uses; its name is typed.
pub(super) async fn delete_volume(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Answer, Problem> {
    let what = format!("delete volume {name}");
    let gone = || Problem::missing("there is no such volume, or you have no part in it");
    let found = match claims(&visitor, &namespace).await {
        Ok(Some(claims)) => claims.into_iter().find(|claim| text(claim, "/metadata/name") == name),
        Ok(None) => None,
        Err(failure) if failure.class == Class::NotFound => None,
        Err(failure) => return Err(Problem::of(&failure, &what)),
    };
    let claim = found.ok_or_else(gone)?;
    if fields.get("confirm") != name {
        return Err(Problem::field("confirm", format!("type the volume’s name to go on: {name}")));
    }
    if let Some(user) = users_of(&site, &namespace, &name).first() {
        return Err(Problem::new(StatusCode::CONFLICT, format!("notebook {user} uses volume {name}"))
            .hint("delete the notebook first, and the volume with it if you like"));
    }
    if let Some(pod) = pod_with(&visitor, &namespace, &name).await.map_err(|failure| Problem::of(&failure, &what))? {
        return Err(
            Problem::new(StatusCode::CONFLICT, format!("pod {pod} uses volume {name}")).hint("delete what made the pod first")
        );
    }
    notebooks(&visitor).delete(&claim, false).await.map_err(|failure| Problem::of(&failure, &what))?;
    tracing::info!(user = ?visitor.user, namespace, volume = name, "a volume is deleted");
    let object = json!({"namespace": namespace, "volume": name, "deleted": true});
    Ok(Answer::Changed { next: format!("/jupyter?namespace={namespace}&done=volume&name={name}"), made: false, object })
}

/// A pod that mounts a claim, as far as the visitor may see the pods; one that has ended does not.
async fn pod_with(visitor: &Visitor, namespace: &str, claim: &str) -> Result<Option<String>, Failure> {
    let pods = match notebooks(visitor).pods(namespace).await {
        Err(failure) if failure.class == Class::Forbidden => return Ok(None),
        pods => pods?,
    };
    let uses = |pod: &&Value| {
        let volumes = list(pod, "/spec/volumes").iter();
        let has_ended = matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
        !has_ended && volumes.map(|volume| text(volume, "/persistentVolumeClaim/claimName")).any(|name| name == claim)
    };
    Ok(pods.iter().find(uses).map(|pod| text(pod, "/metadata/name").to_owned()))
}

/// The address of a notebook's page.
pub(super) fn page_of(namespace: &str, name: &str) -> String {
    format!("/jupyter/{namespace}/{name}")
}

#[cfg(test)]
pub(in crate::web) mod tests {
    use super::*;
    use crate::labels::STOPPED;

    /// The pages of notebooks, with this wherever somebody may write something.
    pub(in crate::web) fn pages(evil: &str) -> Vec<(&'static str, Value)> {
        let quota = json!([{"resource": evil, "label": evil, "limit": evil, "used": evil, "free": evil, "percent": 40}]);
        let row = |tone: &str, stopped: bool, address: Option<&str>| {
            json!({"name": evil, "namespace": evil, "image": evil, "shortImage": evil, "cpu": evil, "memory": evil, "devices": [evil, evil],
                "state": {"word": evil, "tone": tone, "message": evil}, "address": address, "whyNot": evil, "stopped": stopped, "created": evil,
                "age": evil, "lastActivity": evil, "idle": evil, "creator": evil, "private": true})
        };
        let rows = [row("good", false, Some(evil)), row("bad", true, None), row("calm", true, None)];
        let may = json!({"create": true, "change": true, "delete": true});
        let listed = json!([{"name": evil, "size": evil, "class": evil, "state": evil, "users": [evil], "madeFor": evil, "deletable": true, "orphaned": false},
            {"name": evil, "size": evil, "class": evil, "state": evil, "users": [], "madeFor": evil, "deletable": true, "orphaned": true}]);
        let mounted = json!([{"name": evil, "size": evil, "class": evil, "state": evil, "mount": evil, "others": [evil]},
            {"name": evil, "size": evil, "class": evil, "state": evil, "mount": evil, "others": []}]);
        let events = json!([{"at": evil, "ago": evil, "reason": evil, "message": evil, "warning": true, "count": 2}]);
        let scalars = crate::web::notebooks_spawner::SCALARS;
        let fields: serde_json::Map<String, Value> = scalars.iter().map(|field| ((*field).to_owned(), evil.into())).collect();
        let names = ["mode", "name", "size", "class", "mount"];
        let errors = scalars.iter().map(|field| (*field).to_owned()).chain(names.map(|name| format!("workspace:{name}")));
        let errors: serde_json::Map<String, Value> =
            errors.chain([String::new(), "configurations".to_owned()]).map(|field| (field, json!([evil]))).collect();
        let part = json!({"id": "workspace", "title": "Workspace", "mode": evil, "name": evil, "size": evil, "class": evil, "mount": evil, "decided": false});
        let decided = [
            "imagePullPolicy",
            "cpu",
            "memory",
            "gpus",
            "tolerationGroup",
            "affinityConfig",
            "shm",
            "configurations",
            "environment",
        ];
        let decided: serde_json::Map<String, Value> = decided.into_iter().map(|field| (field.to_owned(), false.into())).collect();
        let groups = json!([{"key": evil, "name": evil}]);
        let form = |edit: bool| {
            json!({"edit": edit, "namespace": evil, "namespaces": [evil, evil], "quota": quota, "version": evil, "fields": fields, "errors": errors,
                "parts": [part], "images": [{"type": "jupyter", "options": [evil]}], "listed": false, "custom": true, "devices": [evil],
                "tolerationGroups": groups, "affinities": groups, "claims": [{"name": evil, "size": evil, "class": evil, "state": evil, "users": [evil]}],
                "configurations": [{"name": evil, "description": evil, "on": true}], "mounted": 1, "decided": decided, "limits": {"cpu": 1.2, "memory": null}})
        };
        vec![
            ("notebooks.html", json!({"namespaces": [], "namespace": null, "notebooks": []})),
            (
                "notebooks.html",
                json!({"namespaces": [evil], "namespace": evil, "notebooks": rows, "quota": quota, "seen": "1", "told": evil, "volumes": listed, "may": may}),
            ),
            (
                "notebook.html",
                json!({"notebook": rows[0], "events": events, "volumes": mounted, "route": {"reason": evil, "message": evil}, "seen": "1", "told": evil, "may": may}),
            ),
            (
                "notebook.html",
                json!({"notebook": rows[1], "events": null, "volumes": [], "route": {"reason": "", "message": ""}, "seen": "1", "told": null, "may": may}),
            ),
            (
                "notebook_log.html",
                json!({"notebook": rows[0], "log": evil, "trouble": null, "previous": false, "lines": 5, "seen": "1"}),
            ),
            (
                "notebook_log.html",
                json!({"notebook": rows[0], "log": "", "trouble": evil, "previous": true, "lines": 5, "seen": "1"}),
            ),
            ("notebook_form.html", form(false)),
            ("notebook_form.html", form(true)),
        ]
    }

    #[test]
    fn time_is_said_in_one_unit() {
        let now: Timestamp = "2026-01-03T00:00:00Z".parse().unwrap();
        for (then, expected) in [
            ("2026-01-02T23:59:59Z", "1 second"),
            ("2026-01-02T23:59:00Z", "1 minute"),
            ("2026-01-02T22:30:00Z", "1 hour"),
            ("2026-01-01T00:00:00Z", "2 days"),
            ("2026-01-04T00:00:00Z", "0 seconds"),
            ("", ""),
            ("<b>", ""),
        ] {
            assert_eq!(ago(then, now), expected, "{then}");
        }
    }

    #[test]
    fn what_an_address_tells_is_ours() {
        let said = |text: &str| told(&Fields::decoded(text.as_bytes()));
        assert_eq!(said("done=stop&name=first").unwrap(), "notebook first is being stopped; its volumes stay");
        assert_eq!(said("done=stop&name=call%20this%20number").unwrap(), "it is being stopped; its volumes stay");
        assert_eq!(said("done=hacked&name=first"), None);
    }

    #[test]
    fn a_row_says_what_a_notebook_has() {
        let notebook = json!({"metadata": {"name": "nb", "namespace": "n", "creationTimestamp": "2026-01-01T00:00:00Z",
                "annotations": {STOPPED: "2026-01-02T00:00:00Z", NOTEBOOK_CREATOR: "jane", PRIVATE: "true"}},
            "spec": {"template": {"spec": {"containers": [{"name": "side"}, {"name": "nb", "image": "r.io/a/jupyter:v1",
                "resources": {"requests": {"cpu": "500m"}, "limits": {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "2"}}}]}}}});
        let row = row(&notebook, "2026-01-03T00:00:00Z".parse().unwrap(), "");
        assert_eq!((&row["shortImage"], &row["cpu"], &row["memory"]), (&json!("jupyter:v1"), &json!("500m"), &json!("1Gi")));
        assert_eq!((&row["devices"], &row["age"]), (&json!(["2 nvidia.com/gpu"]), &json!("2 days")));
        assert_eq!((&row["stopped"], &row["private"], &row["address"]), (&json!(true), &json!(true), &Value::Null));
    }

    #[test]
    fn a_row_leads_to_where_notebooks_are() {
        let holds = |name: &str, reason: &str| json!({"type": name, "status": "True", "reason": reason});
        let notebook = json!({"metadata": {"name": "nb", "namespace": "n"},
            "status": {"conditions": [holds("Ready", "Running"), holds("RouteReady", "RouteReady")]}});
        let address = |origin: &str| row(&notebook, Timestamp::UNIX_EPOCH, origin)["address"].clone();
        assert_eq!(address(""), "/notebook/n/nb/");
        assert_eq!(address("https://notebooks.acme.net"), "https://notebooks.acme.net/notebook/n/nb/");
    }
}
