//! The volumes of a notebook: claims that are made with it, claims that are there, and memory to share. Pure.

use serde_json::{Value, json};

use super::choices::{Choices, Volume};
use super::form::{Reading, Typed};
use super::text;
use crate::catalog::{Quantity, quantity_value};
use crate::labels::NOTEBOOK;
use crate::object::list;

/// The part of the form about the volume for the user's own work.
const WORKSPACE: &str = "workspace";
/// The most further volumes that one form brings.
const MOST: usize = 9;
/// What stands in the admin's names for the notebook's.
const NAME: &str = "{notebook-name}";
/// Memory to share: the volume, as today's Kubeflow names it, and where programs look for it.
const SHARED_MEMORY: (&str, &str) = ("dshm", "/dev/shm");

/// Reads what is said of volumes, and puts them into the pod; the claims that are to be made, each with its part of the form.
pub(super) fn read(reading: &mut Reading<'_>, name: &str, pod: &mut Value, container: &mut Value) -> Vec<(String, Value)> {
    let choices = reading.context.choices;
    let further = (1..=MOST).map(|number| (format!("data{number}"), choices.data_volumes.value.get(number - 1)));
    let parts = std::iter::once((WORKSPACE.to_owned(), choices.workspace_volume.value.as_ref())).chain(further);
    let mut claims: Vec<(String, Value)> = Vec::new();
    for (part, offered) in parts {
        let field = |name: &str| format!("{part}:{name}");
        let claim = match reading.said(&field("mode")) {
            None | Some("none") => continue,
            Some("existing") => existing(reading, &part),
            Some("new") => new(reading, &part, name, offered, &claims),
            Some(_) => {
                reading.wrong(field("mode"), "a volume is new, existing, or none");
                continue;
            }
        };
        let at_first = offered.map(|offered| offered.mount.clone()).filter(|mount| !mount.is_empty());
        let mount = reading.said(&field("mount")).map(str::to_owned).or(at_first);
        let mount = mount.unwrap_or_else(|| format!("/home/jovyan/{part}"));
        if let Some(problem) = unmountable(&mount, container) {
            reading.wrong(field("mount"), problem);
        }
        let Some(claim) = claim else { continue };
        let claim_name = match &claim {
            Claim::New(claim) => text(claim, "/metadata/name").to_owned(),
            Claim::Existing(claim) => claim.clone(),
        };
        let volume = free_name(&part, pod);
        push(pod, "volumes", json!({"name": volume, "persistentVolumeClaim": {"claimName": claim_name}}));
        push(container, "volumeMounts", json!({"name": volume, "mountPath": mount}));
        if let Claim::New(claim) = claim {
            claims.push((part, claim));
        }
    }
    shared_memory(reading.is_on("shm"), pod, container);
    claims
}

enum Claim {
    New(Value),
    Existing(String),
}

fn existing(reading: &mut Reading<'_>, part: &str) -> Option<Claim> {
    let field = format!("{part}:name");
    let name = reading.said(&field).unwrap_or_default();
    match reading.context.claims.iter().find(|claim| text(claim, "/metadata/name") == name) {
        Some(claim) if claim["metadata"].get("deletionTimestamp").is_some() => {
            reading.wrong(field, format!("volume {name} is being deleted"));
        }
        Some(_) => return Some(Claim::Existing(name.to_owned())),
        None if name.is_empty() => reading.wrong(field, "say which volume"),
        None => {
            let shown: String = name.chars().take(60).collect();
            reading.wrong(field, format!("there is no volume {shown:?} in this namespace"));
        }
    }
    None
}

fn new(
    reading: &mut Reading<'_>,
    part: &str,
    notebook: &str,
    offered: Option<&Volume>,
    before: &[(String, Value)],
) -> Option<Claim> {
    let field = |name: &str| format!("{part}:{name}");
    let wrong = reading.wrong.len();
    let mut claim = offered.and_then(|offered| offered.new_pvc.clone()).unwrap_or_else(|| json!({}));
    let template = match text(&claim, "/metadata/name") {
        "" => format!("{NAME}-{part}"),
        template => template.to_owned(),
    };
    let name = reading.said(&field("name")).unwrap_or(&template).replace(NAME, notebook);
    let shown: String = name.chars().take(80).collect();
    if !is_claim_name(&name) && reading.said(&field("name")).is_none() {
        // The notebook's own name is wrong, and said to be.
        return None;
    }
    if !is_claim_name(&name) {
        let rule = "a volume is named by at most 63 lower-case letters, digits and “-”";
        reading.wrong(field("name"), format!("{shown:?} can’t be a volume’s name: {rule}"));
    } else if reading.context.claims.iter().any(|claim| text(claim, "/metadata/name") == name) {
        let next = "to have what is in it, choose it as an existing one, or give the new one another name";
        reading.wrong(field("name"), format!("volume {name} is there already: {next}"));
    } else if before.iter().any(|(_, claim)| text(claim, "/metadata/name") == name) {
        reading.wrong(field("name"), format!("two new volumes are called {name}"));
    }
    let at_first = match text(&claim, "/spec/resources/requests/storage") {
        "" => "5Gi",
        size => size,
    };
    let said = reading.said(&field("size")).unwrap_or(at_first).to_owned();
    let size = Quantity::parse(&said).map(|size| size.text).filter(|size| quantity_value(size).is_some_and(|value| value > 0.0));
    if size.is_none() {
        let shown: String = said.chars().take(60).collect();
        reading.wrong(field("size"), format!("{shown:?} is no size; expected one such as 10Gi"));
    }
    let class = reading.said(&field("class")).map(str::to_owned);
    if reading.wrong.len() > wrong {
        return None;
    }
    claim["apiVersion"] = "v1".into();
    claim["kind"] = "PersistentVolumeClaim".into();
    claim["metadata"]["name"] = name.into();
    claim["metadata"]["labels"][NOTEBOOK] = notebook.into();
    claim["spec"]["resources"]["requests"]["storage"] = size.unwrap_or_default().into();
    if list(&claim, "/spec/accessModes").is_empty() {
        claim["spec"]["accessModes"] = json!(["ReadWriteOnce"]);
    }
    if let Some(class) = class {
        claim["spec"]["storageClassName"] = class.into();
    }
    Some(Claim::New(claim))
}

fn is_claim_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&name.len()) && !name.starts_with('-') && !name.ends_with('-') && name.chars().all(good)
}

/// Why nothing can be mounted there.
fn unmountable(mount: &str, container: &Value) -> Option<String> {
    let shown: String = mount.chars().take(80).collect();
    let is_path = mount.starts_with('/') && mount.len() > 1 && mount.len() < 1000;
    if !is_path || mount.contains([':', '\\']) || mount.chars().any(char::is_control) || mount.split('/').any(|part| part == "..")
    {
        return Some(format!("{shown:?} is no place for a volume; expected a path such as /home/jovyan/data"));
    }
    let trimmed = mount.trim_end_matches('/');
    let is_taken = list(container, "/volumeMounts").iter().any(|it| text(it, "/mountPath").trim_end_matches('/') == trimmed);
    (is_taken || trimmed == SHARED_MEMORY.1).then(|| format!("another volume is at {shown} already"))
}

/// A name for a volume in the pod that none of the others has.
fn free_name(part: &str, pod: &Value) -> String {
    let is_free = |name: &String| !list(pod, "/volumes").iter().any(|volume| text(volume, "/name") == name);
    let more = (2..).map(|number| format!("{part}-{number}"));
    std::iter::once(part.to_owned()).chain(more).find(is_free).unwrap_or_default()
}

fn push(object: &mut Value, part: &str, item: Value) {
    match object[part].as_array_mut() {
        Some(items) => items.push(item),
        None => object[part] = json!([item]),
    }
}

fn is_shared_memory(volume: &Value) -> bool {
    text(volume, "/name") == SHARED_MEMORY.0 && text(volume, "/emptyDir/medium") == "Memory"
}

/// Whether a pod has memory to share.
pub(super) fn has_shared_memory(pod: &Value) -> bool {
    list(pod, "/volumes").iter().any(is_shared_memory)
}

fn shared_memory(is_wanted: bool, pod: &mut Value, container: &mut Value) {
    let (name, mount) = SHARED_MEMORY;
    match (has_shared_memory(pod), is_wanted) {
        (false, true) => {
            push(pod, "volumes", json!({"name": name, "emptyDir": {"medium": "Memory"}}));
            push(container, "volumeMounts", json!({"name": name, "mountPath": mount}));
        }
        (true, false) => {
            retain(pod, "volumes", |volume| !is_shared_memory(volume));
            retain(container, "volumeMounts", |it| text(it, "/name") != name);
        }
        _ => {}
    }
}

fn retain(object: &mut Value, part: &str, keep: impl Fn(&Value) -> bool) {
    if let Some(items) = object[part].as_array_mut() {
        items.retain(keep);
    }
}

/// What the form shows at first.
pub(super) fn at_first(choices: &Choices, typed: &mut Typed) {
    let further = choices.data_volumes.value.iter().take(MOST).enumerate();
    let further = further.map(|(place, volume)| (format!("data{}", place + 1), volume));
    let all = choices.workspace_volume.value.iter().map(|volume| (WORKSPACE.to_owned(), volume)).chain(further);
    for (part, volume) in all {
        let mut put = |name: &str, value: &str| drop(typed.insert(format!("{part}:{name}"), value.to_owned()));
        put("mount", &volume.mount);
        if let Some(source) = &volume.existing_source {
            put("mode", "existing");
            put("name", text(source, "/persistentVolumeClaim/claimName"));
        } else if let Some(claim) = &volume.new_pvc {
            put("mode", "new");
            put("size", text(claim, "/spec/resources/requests/storage"));
            put("class", text(claim, "/spec/storageClassName"));
        }
    }
}

/// The claims that a notebook mounts.
#[must_use]
pub fn claims_of(notebook: &Value) -> Vec<&str> {
    let volumes = list(notebook, "/spec/template/spec/volumes").iter();
    let mut claims: Vec<&str> =
        volumes.map(|volume| text(volume, "/persistentVolumeClaim/claimName")).filter(|name| !name.is_empty()).collect();
    claims.sort_unstable();
    claims.dedup();
    claims
}
