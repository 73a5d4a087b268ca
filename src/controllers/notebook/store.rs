//! What one watch has told, each object reduced to what a reconcile needs. No I/O.
//!
//! A write's answer is taken in too, so that a reconcile reads its own writes.

use std::collections::BTreeMap;

use kube::runtime::watcher::Event;
use serde_json::Value;

use crate::controllers::listed::Listed;
use crate::controllers::observed::version;

/// The place of an object: namespace, and the notebook that it is about with what more tells it from others.
pub(super) type Key = (String, String);

/// What is kept of an object.
pub(super) trait Reduced: Sized {
    /// The object's place, and what is kept of it; none where it is of no concern.
    fn reduce(value: Value) -> Option<(Key, Self)>;

    /// Takes over what is known of the version before.
    fn keep(&mut self, _before: &Self) {}
}

/// All objects of one watch.
#[derive(Debug)]
pub(super) struct Store<T> {
    items: BTreeMap<Key, (u64, T)>,
    /// The list that is being read.
    listing: Listed,
    pub(super) synced: bool,
    pub(super) error: Option<String>,
}

impl<T> Default for Store<T> {
    fn default() -> Self {
        Self { items: BTreeMap::new(), listing: Listed::default(), synced: false, error: None }
    }
}

impl<T: Reduced> Store<T> {
    pub(super) fn get(&self, key: &Key) -> Option<&T> {
        self.items.get(key).map(|(_, item)| item)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &T)> {
        self.items.iter().map(|(key, (_, item))| (key, item))
    }

    /// Those in a namespace whose place begins with `start`.
    pub(super) fn beginning(&self, namespace: &str, start: &str) -> impl Iterator<Item = &T> {
        let from = (namespace.to_owned(), start.to_owned());
        let belongs = move |key: &Key| key.0 == from.0 && key.1.starts_with(&from.1);
        self.items
            .range((namespace.to_owned(), start.to_owned())..)
            .take_while(move |(key, _)| belongs(key))
            .map(|(_, (_, item))| item)
    }

    /// Takes in what the watch tells, and says what is new or gone.
    pub(super) fn take(&mut self, news: Result<Event<Value>, String>) -> Vec<Key> {
        match news {
            Ok(Event::Init) => self.listing = Listed::default(),
            Ok(Event::InitApply(value)) => {
                let version = version(&value);
                if let Some((key, item)) = T::reduce(value) {
                    self.listing.insert(&key.0, &key.1);
                    return self.put(key, version, item);
                }
            }
            Ok(Event::InitDone) => {
                let listed = std::mem::take(&mut self.listing);
                let gone: Vec<Key> =
                    self.items.keys().filter(|(namespace, name)| !listed.contains(namespace, name)).cloned().collect();
                for key in &gone {
                    self.items.remove(key);
                }
                self.synced = true;
                self.error = None;
                return gone;
            }
            Ok(Event::Apply(value)) => {
                let version = version(&value);
                if let Some((key, item)) = T::reduce(value) {
                    return self.put(key, version, item);
                }
            }
            Ok(Event::Delete(value)) => {
                let version = version(&value);
                let Some((key, _)) = T::reduce(value) else { return Vec::new() };
                if self.items.get(&key).is_some_and(|(known, _)| *known <= version) {
                    self.items.remove(&key);
                    return vec![key];
                }
            }
            Err(error) => self.error = Some(error),
        }
        Vec::new()
    }

    fn put(&mut self, key: Key, version: u64, mut item: T) -> Vec<Key> {
        if let Some((known, before)) = self.items.get(&key) {
            if *known >= version {
                return Vec::new();
            }
            item.keep(before);
        }
        self.items.insert(key.clone(), (version, item));
        vec![key]
    }

    /// Takes in the answer to a write of ours; `edit` adds what the answer does not tell.
    pub(super) fn record(&mut self, answer: Value, edit: impl FnOnce(&mut T)) {
        let version = version(&answer);
        let Some((key, item)) = T::reduce(answer) else { return };
        self.put(key.clone(), version, item);
        if let Some((known, item)) = self.items.get_mut(&key)
            && *known == version
        {
            edit(item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Name;

    impl Reduced for Name {
        fn reduce(value: Value) -> Option<(Key, Self)> {
            Some((("n".into(), value["metadata"]["name"].as_str()?.into()), Self))
        }
    }

    fn object(name: &str, version: u64) -> Value {
        json!({"metadata": {"name": name, "resourceVersion": version.to_string()}})
    }

    #[test]
    fn own_writes_are_no_news_and_what_comes_late_is_not_believed() {
        let mut store: Store<Name> = Store::default();
        store.record(object("a", 5), |_| {});
        assert!(store.take(Ok(Event::Apply(object("a", 5)))).is_empty());
        assert!(store.take(Ok(Event::Delete(object("a", 4)))).is_empty());
        assert_eq!(store.take(Ok(Event::Apply(object("a", 6)))).len(), 1);
        assert_eq!(store.take(Ok(Event::Apply(object("b", 7)))).len(), 1);
        assert_eq!(store.beginning("n", "a").count(), 1);
        // A list without one of them.
        store.take(Ok(Event::Init));
        store.take(Ok(Event::InitApply(object("b", 7))));
        assert_eq!(store.take(Ok(Event::InitDone)), [("n".to_owned(), "a".to_owned())]);
        assert!(store.synced && store.iter().count() == 1);
    }
}
