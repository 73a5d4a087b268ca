//! Values by what they have in common, where most have nothing in common with any other. Pure.
//!
//! A map of sets would hold a set's whole node for each: five hundred bytes, for thousands of profiles.

use std::collections::BTreeSet;

/// Sets of values, each by its key.
#[derive(Debug)]
pub(super) struct Groups<Value>(BTreeSet<(String, Value)>);

impl<Value: Ord> Default for Groups<Value> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<Value: Ord + Default> Groups<Value> {
    pub(super) fn insert(&mut self, key: String, value: Value) {
        self.0.insert((key, value));
    }

    pub(super) fn remove(&mut self, key: String, value: Value) {
        self.0.remove(&(key, value));
    }

    /// Those of a key, in order.
    pub(super) fn of<'a>(&'a self, key: &str) -> impl Iterator<Item = &'a Value> + use<'a, Value> {
        let key = key.to_owned();
        self.0.range((key.clone(), Value::default())..).take_while(move |(of, _)| *of == key).map(|(_, value)| value)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
