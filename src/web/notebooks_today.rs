//! The paths under which today's Kubeflow serves notebooks to programs: `/jupyter/api/namespaces/NAMESPACE/notebooks`. What they send is
//! taken apart into the fields of the spawner, and goes the way of every other request.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Site;
use super::answer::{Answer, Problem, Wants};
use super::cache::Kind;
use super::fields::Fields;
use super::notebooks::{absent, chosen, namespaces, row};
use super::notebooks_one::{acted, deleted, read};
use super::notebooks_spawner::spawn;
use super::visitor::Visitor;
use crate::labels::SERVER_TYPE;
use crate::notebooks::{Request, Typed, claims_of};

/// An answer as today's Kubeflow gives it.
fn answered(visitor: &Visitor, more: Value) -> Answer {
    let mut data = json!({"success": true, "status": 200, "user": visitor.user});
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
    Answer::Page(StatusCode::OK, "", data)
}

pub(super) async fn all_namespaces(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Answer, Problem> {
    let namespaces = namespaces(&site, &visitor).await?;
    Ok(answered(&visitor, json!({"namespaces": namespaces})))
}

pub(super) async fn list(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Path(namespace): Path<String>,
) -> Result<Answer, Problem> {
    let namespace = chosen(&site, &visitor, &namespace, &[]).await?.ok_or_else(absent)?;
    let now = Timestamp::now();
    let notebooks = site.cache.within(Kind::Notebooks, &namespace);
    let notebooks: Vec<Value> = notebooks.iter().map(|notebook| as_today(notebook, now)).collect();
    Ok(answered(&visitor, json!({"notebooks": notebooks})))
}

pub(super) async fn show(
    Extension(visitor): Extension<Visitor>,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Answer, Problem> {
    let notebook = read(&visitor, &namespace, &name).await?;
    Ok(answered(&visitor, json!({"notebook": notebook})))
}

pub(super) async fn create(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
    Path(namespace): Path<String>,
) -> Result<Answer, Problem> {
    spawn(&site, &visitor, Wants::Json, &namespace, &fields_of(&fields)).await?;
    Ok(answered(&visitor, json!({"message": "Notebook created successfully."})))
}

/// `{"stopped": true}` or `false`.
pub(super) async fn change(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Answer, Problem> {
    let request = match fields.get("stopped") {
        "true" => Request::Stop,
        "false" => Request::Start,
        _ => return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "expected stopped: true or false")),
    };
    let notebook = read(&visitor, &namespace, &name).await?;
    acted(&site, &visitor, &notebook, request).await?;
    Ok(answered(&visitor, json!({})))
}

/// Its volumes stay, as today.
pub(super) async fn delete(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Answer, Problem> {
    let notebook = read(&visitor, &namespace, &name).await?;
    deleted(&site, &visitor, &[], &notebook).await?;
    Ok(answered(&visitor, json!({"message": format!("Notebook {name} successfully deleted.")})))
}

/// A notebook as today's list has it.
fn as_today(notebook: &Value, now: Timestamp) -> Value {
    let row = row(notebook, now, "");
    let phase = match row["state"]["word"].as_str().unwrap_or_default() {
        "running" => "ready",
        "stopped" => "stopped",
        "being deleted" => "terminating",
        "starting" | "restarting" | "stopping" => "waiting",
        _ => "warning",
    };
    let message = match row["state"]["message"].as_str().unwrap_or_default() {
        "" => row["state"]["word"].clone(),
        message => message.into(),
    };
    let devices = row["devices"].as_array().map_or(0, Vec::len);
    let server_type = notebook["metadata"]["annotations"][SERVER_TYPE].as_str().unwrap_or("jupyter");
    json!({
        "name": row["name"], "namespace": row["namespace"], "serverType": server_type, "age": row["created"],
        "last_activity": row["lastActivity"], "image": row["image"], "shortImage": row["shortImage"], "cpu": row["cpu"], "memory": row["memory"],
        "gpus": {"count": devices, "message": row["devices"].as_array().map(|all| all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))},
        "volumes": claims_of(notebook), "status": {"phase": phase, "message": message, "state": ""},
    })
}

/// What today's spawner sends, as our own form's fields.
fn fields_of(sent: &Fields) -> Typed {
    const SAME: [&str; 11] = [
        "name",
        "image",
        "imagePullPolicy",
        "serverType",
        "cpu",
        "memory",
        "cpuLimit",
        "memoryLimit",
        "tolerationGroup",
        "affinityConfig",
        "shm",
    ];
    let mut fields = Typed::new();
    let mut put = |field: &str, value: &str| drop(fields.insert(field.to_owned(), value.to_owned()));
    for field in SAME {
        if let Some(value) = sent.find(field) {
            put(field, value);
        }
    }
    if sent.get("customImageCheck") == "true" {
        put("customImage", sent.get("customImage"));
    }
    for (ours, theirs) in [("gpus", "gpus:num"), ("gpuVendor", "gpus:vendor")] {
        if let Some(value) = sent.find(theirs) {
            put(ours, value);
        }
    }
    for (_, name) in sent.under("configurations:") {
        put("configurations", "");
        put(&format!("configurations:{name}"), "on");
    }
    if let Ok(variables) = serde_json::from_str::<serde_json::Map<String, Value>>(sent.get("environment")) {
        for (name, value) in variables {
            put(&format!("environment:{name}"), &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
    }
    let parts = (0..9).map(|place| (format!("data{}", place + 1), format!("datavols:{place}")));
    for (ours, theirs) in std::iter::once(("workspace".to_owned(), "workspace".to_owned())).chain(parts) {
        let said = |field: &str| sent.find(&format!("{theirs}:{field}"));
        let is_there = sent.under(&format!("{theirs}:")).next().is_some();
        let existing = said("existingSource:persistentVolumeClaim:claimName");
        if !is_there && ours != "workspace" {
            continue;
        }
        let mut put = |field: &str, value: &str| drop(fields.insert(format!("{ours}:{field}"), value.to_owned()));
        match (is_there, existing) {
            // No workspace at all, where it says so.
            (false, _) => {
                if sent.find("workspace").is_some() {
                    put("mode", "none");
                }
                continue;
            }
            (true, Some(claim)) => {
                put("mode", "existing");
                put("name", claim);
            }
            (true, None) => put("mode", "new"),
        }
        for (field, from) in [
            ("mount", "mount"),
            ("name", "newPvc:metadata:name"),
            ("size", "newPvc:spec:resources:requests:storage"),
            ("class", "newPvc:spec:storageClassName"),
        ] {
            if let Some(value) = said(from) {
                put(field, value);
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_todays_spawner_sends_is_understood() {
        let sent = json!({"name": "nb", "namespace": "kubeflow-jane", "image": "i", "customImage": "other", "customImageCheck": false,
            "cpu": "0.5", "cpuLimit": "0.6", "memory": "1Gi", "memoryLimit": "", "gpus": {"num": "1", "vendor": "nvidia.com/gpu"},
            "tolerationGroup": "", "affinityConfig": "", "configurations": ["proxy"], "shm": true, "environment": "{\"A\": 1}",
            "workspace": {"mount": "/home/jovyan", "newPvc": {"metadata": {"name": "{notebook-name}-volume"},
                "spec": {"resources": {"requests": {"storage": "5Gi"}}, "accessModes": ["ReadWriteOnce"]}}},
            "datavols": [{"mount": "/data", "existingSource": {"persistentVolumeClaim": {"claimName": "set"}}}]});
        let sent = Fields::read("application/json", sent.to_string().as_bytes()).unwrap();
        let fields: Vec<String> = fields_of(&sent).iter().map(|(field, value)| format!("{field}={value}")).collect();
        assert_eq!(
            fields,
            [
                "affinityConfig=",
                "configurations=",
                "configurations:proxy=on",
                "cpu=0.5",
                "cpuLimit=0.6",
                "data1:mode=existing",
                "data1:mount=/data",
                "data1:name=set",
                "environment:A=1",
                "gpuVendor=nvidia.com/gpu",
                "gpus=1",
                "image=i",
                "memory=1Gi",
                "memoryLimit=",
                "name=nb",
                "shm=true",
                "tolerationGroup=",
                "workspace:mode=new",
                "workspace:mount=/home/jovyan",
                "workspace:name={notebook-name}-volume",
                "workspace:size=5Gi",
            ]
        );
        let none = Fields::read("application/json", br#"{"name": "nb", "workspace": null}"#).unwrap();
        assert_eq!(fields_of(&none).get("workspace:mode").map(String::as_str), Some("none"));
    }
}
