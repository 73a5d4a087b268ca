//! What the watches have told, kept for the answers. Whoever reads here has to ask `access` before showing any of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use kube::runtime::watcher::{Config, Event};
use serde_json::Value;
use tokio::sync::watch;

use crate::cluster::{Connection, News, Resource, follow};
use crate::labels::{LAST_APPLIED, PROFILE, WEB_USERS};
use crate::notebooks::SPAWNER;
use crate::object::list;
use crate::profiles::{QUOTA, SYSTEM_NAMESPACE, text};
use crate::serving::lock;

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The namespaces of profiles.
    Namespaces,
    Profiles,
    /// The quota that the controller keeps in each.
    Quotas,
    Bindings,
    /// None where the cluster has no notebooks.
    Notebooks,
    /// What can be chosen for them.
    Spawner,
    /// For whom the web may act.
    People,
    /// Whose tokens count.
    Trust,
    /// What holds for all profiles.
    Defaults,
}

const KINDS: [Kind; 9] = [
    Kind::Namespaces,
    Kind::Profiles,
    Kind::Quotas,
    Kind::Bindings,
    Kind::Notebooks,
    Kind::Spawner,
    Kind::People,
    Kind::Trust,
    Kind::Defaults,
];
/// What open pages follow.
const SHOWN: [Kind; 5] = [Kind::Namespaces, Kind::Profiles, Kind::Quotas, Kind::Bindings, Kind::Notebooks];
/// The `ConfigMap` of component auth.
pub(super) const TRUST: &str = "mesh";
/// The `ConfigMap` of component profiles.
pub(super) const DEFAULTS: &str = "profile-defaults";

impl Kind {
    fn resource(self) -> Resource {
        let (group, version, kind, plural) = match self {
            Self::Namespaces => ("", "v1", "Namespace", "namespaces"),
            Self::Profiles => ("kubeflow.org", "v1alpha1", "Profile", "profiles"),
            Self::Quotas => ("", "v1", "ResourceQuota", "resourcequotas"),
            Self::Bindings => ("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
            Self::Notebooks => ("kubeflow.org", "v1", "Notebook", "notebooks"),
            Self::People => ("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles"),
            Self::Trust | Self::Defaults | Self::Spawner => ("", "v1", "ConfigMap", "configmaps"),
        };
        let [group, version, kind, plural] = [group, version, kind, plural].map(str::to_owned);
        Resource { group, version, kind, plural, namespaced: !matches!(self, Self::Namespaces | Self::People) }
    }

    fn namespace(self) -> Option<&'static str> {
        matches!(self, Self::Profiles | Self::Trust | Self::Defaults | Self::Spawner).then_some(SYSTEM_NAMESPACE)
    }

    fn config(self) -> Config {
        let named = |name: &str| Config::default().fields(&format!("metadata.name={name}"));
        match self {
            Self::Namespaces => Config::default().labels(PROFILE),
            Self::Quotas => named(QUOTA),
            Self::People => named(WEB_USERS),
            Self::Trust => named(TRUST),
            Self::Defaults => named(DEFAULTS),
            Self::Spawner => named(SPAWNER),
            _ => Config::default(),
        }
    }
}

type Objects = BTreeMap<(String, String), Arc<Value>>;

#[derive(Debug, Default)]
struct Kept {
    objects: Objects,
    /// The list that is being read.
    listing: Objects,
    read: bool,
    error: Option<String>,
}

/// In which namespaces bindings name a subject: its kind, its name, the namespace, and the binding. A page for one of thousands of people
/// looks at theirs alone.
#[derive(Debug, Default)]
struct Parts(BTreeSet<[String; 4]>);

impl Parts {
    fn of(binding: &Value) -> impl Iterator<Item = [String; 4]> {
        let (namespace, name) = identity(binding);
        let subjects = list(binding, "/subjects").iter();
        subjects.map(move |it| [text(it, "/kind").to_owned(), text(it, "/name").to_owned(), namespace.clone(), name.clone()])
    }

    fn change(&mut self, before: Option<Arc<Value>>, after: Option<&Value>) {
        for part in before.iter().flat_map(|binding| Self::of(binding)) {
            self.0.remove(&part);
        }
        self.0.extend(after.into_iter().flat_map(Self::of));
    }

    fn namespaces(&self, kind: &str, name: &str) -> BTreeSet<String> {
        let from = [kind.to_owned(), name.to_owned(), String::new(), String::new()];
        let theirs = self.0.range(from..).take_while(|[of, who, ..]| of == kind && who == name);
        theirs.map(|[.., namespace, _]| namespace.clone()).collect()
    }
}

/// Everything that is watched.
#[derive(Debug, Default)]
pub(super) struct Cache {
    kinds: Mutex<BTreeMap<Kind, Kept>>,
    parts: Mutex<Parts>,
    changes: watch::Sender<u64>,
}

impl Cache {
    /// Follows everything for ever.
    pub(super) async fn follow(&self, connection: &Connection) {
        let watches = KINDS.map(|kind| {
            follow(connection.client(), kind.resource(), kind.namespace(), kind.config(), move |news| self.take(kind, news))
        });
        join_all(watches).await;
    }

    fn take(&self, kind: Kind, event: News) {
        let is_news = !matches!(event, Ok(Event::Init | Event::InitApply(_)) | Err(_));
        let mut kinds = lock(&self.kinds);
        let kept = kinds.entry(kind).or_default();
        let change = |before, after| {
            if kind == Kind::Bindings {
                lock(&self.parts).change(before, after);
            }
        };
        match event {
            Ok(Event::Init) => kept.listing.clear(),
            Ok(Event::InitApply(object)) => drop(kept.listing.insert(identity(&object), reduced(object))),
            Ok(Event::InitDone) => {
                let before = std::mem::replace(&mut kept.objects, std::mem::take(&mut kept.listing));
                for binding in before.into_values() {
                    change(Some(binding), None);
                }
                for binding in kept.objects.values() {
                    change(None, Some(binding));
                }
                kept.read = true;
                kept.error = None;
            }
            Ok(Event::Apply(object)) => {
                let object = reduced(object);
                change(kept.objects.insert(identity(&object), Arc::clone(&object)), Some(&object));
            }
            Ok(Event::Delete(object)) => change(kept.objects.remove(&identity(&object)), None),
            Err(error) => kept.error = Some(error),
        }
        drop(kinds);
        if is_news && SHOWN.contains(&kind) {
            self.changes.send_modify(|count| *count += 1);
        }
    }

    /// Tells whenever something of [`SHOWN`] has changed.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Why nothing can be shown yet. A cluster may have no notebooks, and their kind may come later.
    pub(super) fn readiness(&self) -> Result<(), String> {
        let kinds = lock(&self.kinds);
        for kind in KINDS.into_iter().filter(|kind| *kind != Kind::Notebooks) {
            let plural = kind.resource().plural;
            match kinds.get(&kind) {
                Some(Kept { read: true, .. }) => {}
                Some(Kept { error: Some(error), .. }) => return Err(format!("the {plural} can't be read: {error}")),
                _ => return Err(format!("the {plural} are not read yet")),
            }
        }
        Ok(())
    }

    /// Whether there can be objects of a kind.
    pub(super) fn has(&self, kind: Kind) -> bool {
        lock(&self.kinds).get(&kind).is_some_and(|kept| kept.read)
    }

    /// One object.
    pub(super) fn one(&self, kind: Kind, namespace: &str, name: &str) -> Option<Arc<Value>> {
        lock(&self.kinds).get(&kind)?.objects.get(&(namespace.to_owned(), name.to_owned())).cloned()
    }

    /// Those of one namespace.
    pub(super) fn within(&self, kind: Kind, namespace: &str) -> Vec<Arc<Value>> {
        let kinds = lock(&self.kinds);
        let from = (namespace.to_owned(), String::new());
        let objects = kinds.get(&kind).into_iter().flat_map(|kept| kept.objects.range(from.clone()..));
        objects.take_while(|((of, _), _)| of == namespace).map(|(_, object)| Arc::clone(object)).collect()
    }

    /// The namespaces in which bindings name this subject.
    pub(super) fn namespaces_of(&self, kind: &str, name: &str) -> BTreeSet<String> {
        lock(&self.parts).namespaces(kind, name)
    }

    /// What is chosen of all of a kind.
    pub(super) fn choose<Chosen>(&self, kind: Kind, choose: impl FnMut(&Arc<Value>) -> Option<Chosen>) -> Vec<Chosen> {
        lock(&self.kinds).get(&kind).into_iter().flat_map(|kept| kept.objects.values()).filter_map(choose).collect()
    }

    /// The users, or the groups, for whom the web may act.
    pub(super) fn people(&self, resource: &str) -> Vec<String> {
        self.one(Kind::People, "", WEB_USERS).map(|role| named(&role, resource).map(str::to_owned).collect()).unwrap_or_default()
    }

    /// Whether one is among them.
    pub(super) fn knows(&self, resource: &str, name: &str) -> bool {
        self.one(Kind::People, "", WEB_USERS).is_some_and(|role| named(&role, resource).any(|known| known == name))
    }
}

/// The names that the rules about a resource have.
fn named<'a>(role: &'a Value, resource: &'a str) -> impl Iterator<Item = &'a str> {
    let rules = list(role, "/rules").iter().filter(move |rule| list(rule, "/resources").iter().any(|of| of == resource));
    rules.flat_map(|rule| list(rule, "/resourceNames")).filter_map(Value::as_str)
}

fn identity(object: &Value) -> (String, String) {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

/// What nobody looks at goes.
fn reduced(mut object: Value) -> Arc<Value> {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove(LAST_APPLIED);
        }
    }
    Arc::new(object)
}

#[cfg(test)]
impl Cache {
    /// Puts objects in as a watch does.
    pub(super) fn with(self, kind: Kind, objects: impl IntoIterator<Item = Value>) -> Self {
        self.take(kind, Ok(Event::Init));
        objects.into_iter().for_each(|object| self.take(kind, Ok(Event::InitApply(object))));
        self.take(kind, Ok(Event::InitDone));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn quota(namespace: &str) -> Value {
        json!({"metadata": {"name": QUOTA, "namespace": namespace, "managedFields": [{}], "annotations": {LAST_APPLIED: "{}"}}})
    }

    #[test]
    fn a_new_list_takes_the_place_of_the_old_one_at_once() {
        let cache = Cache::default().with(Kind::Quotas, [quota("a"), quota("b"), quota("ab")]);
        assert_eq!(cache.within(Kind::Quotas, "a").len(), 1);
        let kept = cache.one(Kind::Quotas, "a", QUOTA).unwrap();
        assert_eq!(*kept, json!({"metadata": {"name": QUOTA, "namespace": "a", "annotations": {}}}));
        cache.take(Kind::Quotas, Ok(Event::Init));
        cache.take(Kind::Quotas, Ok(Event::InitApply(quota("c"))));
        assert!(cache.one(Kind::Quotas, "a", QUOTA).is_some(), "half a list hides nothing");
        cache.take(Kind::Quotas, Ok(Event::InitDone));
        assert!(cache.one(Kind::Quotas, "a", QUOTA).is_none() && cache.one(Kind::Quotas, "c", QUOTA).is_some());
        cache.take(Kind::Quotas, Ok(Event::Delete(quota("c"))));
        assert!(cache.choose(Kind::Quotas, |_| Some(())).is_empty());
    }

    #[test]
    fn parts_follow_the_bindings() {
        let binding = |namespace: &str, name: &str, who: &[&str]| {
            let subjects: Vec<Value> = who.iter().map(|who| json!({"kind": "User", "name": who})).collect();
            json!({"metadata": {"name": name, "namespace": namespace}, "subjects": subjects})
        };
        let all = [binding("a", "one", &["jane", "bob"]), binding("a", "two", &["jane"]), binding("b", "one", &["janet"])];
        let cache = Cache::default().with(Kind::Bindings, all);
        let of = |cache: &Cache, who: &str| cache.namespaces_of("User", who).into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!([of(&cache, "jane"), of(&cache, "bob"), of(&cache, "jan")], ["a", "a", ""]);
        assert!(cache.namespaces_of("Group", "jane").is_empty());
        // One binding of two goes, one changes its subjects, one comes.
        cache.take(Kind::Bindings, Ok(Event::Delete(binding("a", "two", &["jane"]))));
        assert_eq!(of(&cache, "jane"), "a");
        cache.take(Kind::Bindings, Ok(Event::Apply(binding("a", "one", &["bob"]))));
        cache.take(Kind::Bindings, Ok(Event::Apply(binding("c", "one", &["bob"]))));
        assert_eq!([of(&cache, "jane"), of(&cache, "bob"), of(&cache, "janet")], ["", "a c", "b"]);
        // A new list is all there is.
        let cache = cache.with(Kind::Bindings, [binding("d", "one", &["jane"])]);
        assert_eq!([of(&cache, "jane"), of(&cache, "bob"), of(&cache, "janet")], ["d", "", ""]);
    }

    #[test]
    fn it_is_ready_without_notebooks_and_says_what_is_missing() {
        let mut cache = Cache::default();
        assert_eq!(cache.readiness().unwrap_err(), "the namespaces are not read yet");
        for kind in KINDS.into_iter().filter(|kind| *kind != Kind::Notebooks) {
            cache = cache.with(kind, []);
        }
        assert!(cache.readiness().is_ok() && !cache.has(Kind::Notebooks));
        let cache = Cache::default();
        cache.take(Kind::Namespaces, Err("forbidden".into()));
        assert_eq!(cache.readiness().unwrap_err(), "the namespaces can't be read: forbidden");
    }
}
