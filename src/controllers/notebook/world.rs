//! What the watches have told of notebooks, and which notebook each piece of news is about. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::access::{MOST, PRIVATE_POLICY};
use super::desired::Origin;
use super::settings::{CONFIGMAP, Settings};
use super::store::{Key, Reduced, Store};
use crate::api::notebook::{Notebook, NotebookCondition};
use crate::apply::pod_trouble;
use crate::cluster::News;
use crate::controllers::observed::Observed;
use crate::labels::{NOTEBOOK_GENERATION, RESTART};

/// The definitions of the mesh that notebooks need.
pub(super) const MESH: [&str; 2] = ["virtualservices.networking.istio.io", "authorizationpolicies.security.istio.io"];

/// What a watch follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Settings,
    /// A definition of the mesh's.
    Definition(&'static str),
    Notebooks,
    Sets,
    Services,
    Routes,
    Policies,
    Pods,
    /// What happened to pods, and to what makes them.
    PodEvents,
    SetEvents,
}

/// Everything that is known.
#[derive(Debug, Default)]
pub(super) struct World {
    settings: Store<Decided>,
    /// Those of [`MESH`].
    definitions: [Store<Definition>; MESH.len()],
    pub(super) notebooks: Store<Entry>,
    sets: Store<Made>,
    services: Store<Made>,
    routes: Store<Made>,
    policies: Store<Made>,
    pods: Store<Pod>,
    events: [Store<Told>; 2],
    pub(super) watch_errors: u64,
}

/// All that a reconcile of one notebook looks at.
#[derive(Debug)]
pub(super) struct View {
    pub(super) notebook: Entry,
    /// How many others of its namespace were made before it.
    pub(super) older: usize,
    pub(super) settings: Result<Arc<Settings>, String>,
    /// Whether the cluster serves what [`MESH`] names, and it has been read.
    pub(super) served: [bool; 2],
    pub(super) set: Option<Made>,
    pub(super) service: Option<Made>,
    pub(super) route: Option<Made>,
    pub(super) policy: Option<Made>,
    pub(super) pod: Option<Pod>,
    /// What has happened to its pods since it is there.
    pub(super) events: Vec<Told>,
}

impl World {
    /// Takes in what a watch tells, and says which notebooks to look at.
    pub(super) fn take(&mut self, source: Source, news: News) -> Vec<Key> {
        self.watch_errors += u64::from(news.is_err());
        let all = |notebooks: &Store<Entry>, changed: Vec<Key>| {
            if changed.is_empty() { Vec::new() } else { notebooks.iter().map(|(key, _)| key.clone()).collect() }
        };
        match source {
            Source::Settings => all(&self.notebooks, self.settings.take(news)),
            Source::Definition(name) => all(&self.notebooks, self.definitions[usize::from(name == MESH[1])].take(news)),
            Source::Notebooks => {
                let mut changed = self.notebooks.take(news);
                let gone: BTreeSet<String> = changed
                    .iter()
                    .filter(|key| self.notebooks.get(key).is_none())
                    .map(|(namespace, _)| namespace.clone())
                    .collect();
                // Their routes are those of others now.
                changed.extend(gone.iter().map(|namespace| self.within(namespace)).filter(|all| all.len() >= MOST).flatten());
                changed
            }
            Source::Sets => self.sets.take(news),
            Source::Services => self.services.take(news),
            Source::Routes => news_or_all(&mut self.routes, news, &self.notebooks),
            Source::Policies => news_or_all(&mut self.policies, news, &self.notebooks),
            Source::Pods => self.pods.take(news),
            Source::PodEvents | Source::SetEvents => {
                let changed = self.events[usize::from(source == Source::SetEvents)].take(news);
                let about = |(namespace, place): Key| (namespace, place.split('/').next().unwrap_or_default().to_owned());
                changed.into_iter().map(about).collect()
            }
        }
    }

    /// Takes in the answer to a write of ours. `sent` is the digest of what was sent.
    pub(super) fn record(&mut self, source: Source, answer: Value, sent: u64) {
        match source {
            Source::Notebooks => self.notebooks.record(answer, |_| {}),
            Source::Sets => self.sets.record(answer, |made| made.observed.sent = sent),
            Source::Services => self.services.record(answer, |made| made.observed.sent = sent),
            Source::Routes => self.routes.record(answer, |made| made.observed.sent = sent),
            Source::Policies => self.policies.record(answer, |made| made.observed.sent = sent),
            _ => {}
        }
    }

    /// What the admin decided; none where notebooks are not kept here.
    pub(super) fn settings(&self) -> Option<Result<Arc<Settings>, String>> {
        self.settings.iter().next().map(|(_, decided)| decided.0.clone())
    }

    /// Whether the cluster serves a definition of the mesh.
    pub(super) fn is_served(&self, definition: &str) -> bool {
        self.definitions[usize::from(definition == MESH[1])].iter().next().is_some()
    }

    /// Whether all that can be known is known: what is not known yet would be written again.
    pub(super) fn is_filled(&self) -> bool {
        let read = |is_served: bool, store: &Store<Made>| !is_served || store.synced || store.error.is_some();
        let [routes, policies] = MESH.map(|name| self.is_served(name));
        self.settings().is_some()
            && self.notebooks.synced
            && [&self.sets, &self.services].iter().all(|store| store.synced)
            && self.pods.synced
            && self.definitions.iter().all(|store| store.synced || store.error.is_some())
            && read(routes, &self.routes)
            && read(policies, &self.policies)
    }

    /// What there is to know for a reconcile; none where the notebook is gone, or notebooks are not kept here.
    pub(super) fn view(&self, key: &Key) -> Option<View> {
        let notebook = self.notebooks.get(key)?;
        let came_before = |other: &&Entry| (&other.created, &other.name) < (&notebook.created, &notebook.name);
        Some(View {
            notebook: notebook.clone(),
            older: self.notebooks.beginning(&key.0, "").filter(came_before).count(),
            settings: self.settings()?,
            served: [self.is_served(MESH[0]) && self.routes.synced, self.is_served(MESH[1]) && self.policies.synced],
            set: self.sets.get(key).cloned(),
            service: self.services.get(key).cloned(),
            route: self.routes.get(key).cloned(),
            policy: self.policies.get(key).cloned(),
            pod: self.pods.get(key).cloned(),
            events: self.events_of(key),
        })
    }

    fn events_of(&self, (namespace, name): &Key) -> Vec<Told> {
        let created =
            self.notebooks.get(&(namespace.clone(), name.clone())).map(|entry| entry.created.clone()).unwrap_or_default();
        let start = format!("{name}/");
        let all = self.events.iter().flat_map(|store| store.beginning(namespace, &start));
        let mut found: Vec<Told> = all.filter(|told| told.created >= created).cloned().collect();
        found.sort_by(|a, b| (&a.created, &a.uid).cmp(&(&b.created, &b.uid)));
        found
    }

    /// The notebooks of a namespace.
    pub(super) fn within(&self, namespace: &str) -> Vec<Key> {
        let found = self.notebooks.beginning(namespace, "");
        found.map(|entry| (namespace.to_owned(), entry.name.clone())).collect()
    }

    /// How many notebooks there are, of which ready ones.
    pub(super) fn count(&self) -> (usize, usize) {
        let ready = self.notebooks.iter().filter(|(key, _)| self.pods.get(key).is_some_and(|pod| pod.ready)).count();
        (self.notebooks.iter().count(), ready)
    }

    /// Notebooks are not kept here any longer.
    pub(super) fn forget_all(&mut self) {
        *self = Self { settings: std::mem::take(&mut self.settings), watch_errors: self.watch_errors, ..Self::default() };
    }

    /// A kind of the mesh is gone with its definition.
    pub(super) fn forget(&mut self, definition: &str) {
        let store = if definition == MESH[0] { &mut self.routes } else { &mut self.policies };
        *store = Store::default();
    }
}

/// What a list of a kind of the mesh tells when it is read to its end for the first time, all have waited for.
fn news_or_all(store: &mut Store<Made>, news: News, notebooks: &Store<Entry>) -> Vec<Key> {
    let was_synced = store.synced;
    let changed = store.take(news);
    if store.synced && !was_synced { notebooks.iter().map(|(key, _)| key.clone()).collect() } else { changed }
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn place(value: &Value) -> Key {
    (text(value, "/metadata/namespace"), text(value, "/metadata/name"))
}

/// A notebook as it is stored.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) uid: String,
    /// Creation time, as text that sorts.
    pub(super) created: String,
    pub(super) deleting: bool,
    /// The notebook, or why it can't be read.
    pub(super) content: Result<Arc<Notebook>, String>,
}

impl Reduced for Entry {
    fn reduce(mut value: Value) -> Option<(Key, Self)> {
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
            if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
                annotations.remove(crate::labels::LAST_APPLIED);
            }
        }
        let key = place(&value);
        let entry = Self {
            name: key.1.clone(),
            uid: text(&value, "/metadata/uid"),
            created: text(&value, "/metadata/creationTimestamp"),
            deleting: value.pointer("/metadata/deletionTimestamp").is_some(),
            content: serde_json::from_value(value).map(Arc::new).map_err(|error| error.to_string()),
        };
        Some((key, entry))
    }
}

/// What was made for a notebook, or is in its place.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) observed: Observed,
    /// The uid of whose it is.
    pub(super) owner: String,
}

impl Made {
    pub(super) fn new(live: &Value) -> Self {
        let mut owners = live.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten();
        let owner = owners.find(|owner| owner["controller"] == true).map(|owner| text(owner, "/uid"));
        Self { observed: Observed::new(live), owner: owner.unwrap_or_default() }
    }
}

impl Reduced for Made {
    fn reduce(value: Value) -> Option<(Key, Self)> {
        let (namespace, name) = place(&value);
        let start = format!("notebook-{namespace}-");
        let notebook = match value["kind"].as_str() {
            Some("VirtualService") => name.strip_prefix(&start)?.to_owned(),
            Some("AuthorizationPolicy") => name.strip_prefix(PRIVATE_POLICY)?.to_owned(),
            _ => name,
        };
        Some(((namespace, notebook), Self::new(&value)))
    }

    fn keep(&mut self, before: &Self) {
        if self.observed.digest == before.observed.digest {
            self.observed.sent = before.observed.sent;
        }
    }
}

/// A notebook's pod.
#[derive(Debug, Clone, Default)]
pub(super) struct Pod {
    pub(super) uid: String,
    pub(super) deleting: bool,
    pub(super) ready: bool,
    pub(super) origin: Origin,
    pub(super) conditions: Vec<NotebookCondition>,
    /// The state of the server's container.
    pub(super) state: Map<String, Value>,
    /// Why it does not run.
    pub(super) trouble: Option<String>,
    /// What is to be known of a server that runs, and has ended before.
    pub(super) ended: Option<String>,
}

impl Pod {
    pub(super) fn new(notebook: &str, pod: &Value) -> Self {
        let list = |pointer: &str| pod.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
        let conditions = list("/status/conditions").into_iter().filter_map(|found| serde_json::from_value(found).ok());
        let conditions: Vec<NotebookCondition> = conditions.collect();
        let containers = list("/status/containerStatuses");
        let server = containers.iter().find(|container| container["name"] == notebook).or(containers.first());
        let annotation = |name: &str| pod["metadata"]["annotations"][name].as_str();
        Self {
            uid: text(pod, "/metadata/uid"),
            deleting: pod.pointer("/metadata/deletionTimestamp").is_some(),
            ready: conditions.iter().any(|condition| condition.r#type == "Ready" && condition.status == "True"),
            origin: Origin {
                generation: annotation(NOTEBOOK_GENERATION).and_then(|generation| generation.parse().ok()),
                restart: annotation(RESTART).map(str::to_owned),
            },
            conditions,
            state: server.and_then(|server| server["state"].as_object()).cloned().unwrap_or_default(),
            trouble: pod_trouble(pod),
            ended: server.and_then(ended),
        }
    }
}

/// How often a container has ended by itself, and how the last time. A server that ends soon after each start is ready in between.
fn ended(container: &Value) -> Option<String> {
    let times = container["restartCount"].as_u64().filter(|times| *times > 0)?;
    let last = &container["lastState"]["terminated"];
    let reason = last["reason"].as_str().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let code = last["exitCode"].as_i64().map(|code| format!(", the last time with exit code {code}{reason}")).unwrap_or_default();
    let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
    Some(format!("the server runs again after it has ended {times}{code}; its log says why"))
}

impl Reduced for Pod {
    fn reduce(value: Value) -> Option<(Key, Self)> {
        let (namespace, name) = place(&value);
        let notebook = name.strip_suffix("-0")?.to_owned();
        let pod = Self::new(&notebook, &value);
        Some(((namespace, notebook), pod))
    }
}

/// Something that happened to a notebook's pod, or to what makes it.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    pub(super) uid: String,
    pub(super) created: String,
    /// `pod/nb-0`, as it is told.
    pub(super) object: String,
    pub(super) reason: String,
    pub(super) note: String,
    pub(super) warning: bool,
}

impl Reduced for Told {
    fn reduce(value: Value) -> Option<(Key, Self)> {
        let about = &value["involvedObject"];
        let (kind, name) = (about["kind"].as_str()?.to_lowercase(), about["name"].as_str()?);
        let notebook = if kind == "pod" { name.strip_suffix("-0")? } else { name };
        let told = Self {
            uid: text(&value, "/metadata/uid"),
            created: text(&value, "/metadata/creationTimestamp"),
            object: format!("{kind}/{name}"),
            reason: text(&value, "/reason"),
            note: text(&value, "/message"),
            warning: value["type"] == "Warning",
        };
        Some(((about["namespace"].as_str()?.to_owned(), format!("{notebook}/{}", told.uid)), told))
    }
}

/// What the admin decided.
#[derive(Debug)]
struct Decided(Result<Arc<Settings>, String>);

impl Reduced for Decided {
    fn reduce(value: Value) -> Option<(Key, Self)> {
        let key = place(&value);
        (key.1 == CONFIGMAP).then(|| (key, Self(Settings::read(&value).map(Arc::new))))
    }
}

/// A definition that is served.
#[derive(Debug)]
struct Definition;

impl Reduced for Definition {
    fn reduce(value: Value) -> Option<(Key, Self)> {
        Some((place(&value), Self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::runtime::watcher::Event;
    use serde_json::json;

    fn key() -> Key {
        ("n".to_owned(), "nb".to_owned())
    }

    fn world() -> World {
        let mut world = World::default();
        let settings =
            json!({"metadata": {"name": CONFIGMAP, "namespace": "kubeflow-system", "resourceVersion": "1"}, "data": {}});
        world.take(Source::Settings, Ok(Event::Apply(settings)));
        let notebook = json!({"apiVersion": "kubeflow.org/v1", "kind": "Notebook", "metadata": {"name": "nb", "namespace": "n", "uid": "u",
            "creationTimestamp": "2026-01-01T00:00:05Z", "resourceVersion": "2"}, "spec": {"template": {"spec": {"containers": []}}}});
        assert_eq!(world.take(Source::Notebooks, Ok(Event::Apply(notebook))), [key()]);
        world
    }

    #[test]
    fn news_is_about_the_notebook_that_it_was_made_for() {
        let mut world = world();
        let object = |kind: &str, name: &str| {
            json!({"kind": kind, "metadata": {"name": name, "namespace": "n", "resourceVersion": "3",
            "ownerReferences": [{"uid": "u", "controller": true}]}})
        };
        for (source, kind, name) in [
            (Source::Sets, "StatefulSet", "nb"),
            (Source::Services, "Service", "nb"),
            (Source::Routes, "VirtualService", "notebook-n-nb"),
            (Source::Policies, "AuthorizationPolicy", "notebook-private-nb"),
            (Source::Pods, "Pod", "nb-0"),
        ] {
            assert_eq!(world.take(source, Ok(Event::Apply(object(kind, name)))), [key()], "{kind}");
        }
        assert!(world.take(Source::Pods, Ok(Event::Apply(object("Pod", "nb-1")))).is_empty());
        let view = world.view(&key()).expect("it is known");
        assert_eq!(view.set.map(|made| made.owner), Some("u".to_owned()));
        assert!(view.route.is_some() && view.policy.is_some() && view.service.is_some() && view.pod.is_some());
    }

    #[test]
    fn what_happened_to_an_earlier_notebook_of_the_name_is_not_told() {
        let mut world = world();
        let event = |uid: &str, second: u32, name: &str| {
            json!({"metadata": {"uid": uid, "name": uid, "namespace": "n", "resourceVersion": "9",
            "creationTimestamp": format!("2026-01-01T00:00:0{second}Z")}, "involvedObject": {"kind": "Pod", "namespace": "n", "name": name},
            "reason": "Pulled", "message": "m", "type": "Normal"})
        };
        for (uid, second, name) in [("a", 4, "nb-0"), ("b", 6, "nb-0"), ("c", 6, "nb-2-0"), ("d", 6, "nb")] {
            world.take(Source::PodEvents, Ok(Event::Apply(event(uid, second, name))));
        }
        let told: Vec<String> = world.view(&key()).expect("it is known").events.into_iter().map(|told| told.uid).collect();
        assert_eq!(told, ["b"]);
    }

    #[test]
    fn the_oldest_come_first_and_leave_their_place_to_others() {
        let mut world = world();
        let notebook = |number: usize| {
            json!({"apiVersion": "kubeflow.org/v1", "kind": "Notebook", "metadata": {"name": format!("nb-{number}"), "namespace": "n",
                "uid": number.to_string(), "creationTimestamp": "2026-01-01T00:00:06Z", "resourceVersion": (number + 10).to_string()},
                "spec": {"template": {"spec": {"containers": []}}}})
        };
        for number in 100..200 {
            world.take(Source::Notebooks, Ok(Event::Apply(notebook(number))));
        }
        let older = |world: &World, name: &str| world.view(&("n".into(), name.into())).expect("it is known").older;
        assert_eq!((older(&world, "nb"), older(&world, "nb-100"), older(&world, "nb-199")), (0, 1, MOST));
        let gone = world.take(Source::Notebooks, Ok(Event::Delete(notebook(150))));
        assert!(gone.len() == MOST + 1 && gone.contains(&("n".into(), "nb-199".into())), "{gone:?}");
        assert_eq!(older(&world, "nb-199"), MOST - 1);
        assert_eq!(world.take(Source::Notebooks, Ok(Event::Delete(notebook(151)))).len(), 1, "nobody waits any more");
    }

    #[test]
    fn a_notebook_that_can_t_be_read_is_one_of_its_own() {
        let mut world = world();
        let bad =
            json!({"metadata": {"name": "bad", "namespace": "n", "uid": "v", "resourceVersion": "3"}, "spec": {"template": 7}});
        world.take(Source::Notebooks, Ok(Event::Apply(bad)));
        assert!(world.view(&("n".into(), "bad".into())).is_some_and(|view| view.notebook.content.is_err()));
        assert!(world.view(&key()).is_some_and(|view| view.notebook.content.is_ok()));
        assert_eq!(world.within("n").len(), 2);
    }
}
