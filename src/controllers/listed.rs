//! Which objects a list has named so far, so that its end tells what is gone. Pure.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// The places of a list that is being read: a digest of each, for the texts of thousands would leave holes in the memory when they go.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// Nobody can find two names of one digest that does not know it.
    key: RandomState,
    digests: HashSet<u64>,
}

impl Listed {
    pub(super) fn insert(&mut self, namespace: &str, name: &str) {
        self.digests.insert(self.key.hash_one((namespace, name)));
    }

    pub(super) fn contains(&self, namespace: &str, name: &str) -> bool {
        self.digests.contains(&self.key.hash_one((namespace, name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_namespace_and_name() {
        let mut listed = Listed::default();
        listed.insert("ab", "c");
        assert!(listed.contains("ab", "c"));
        assert!(!listed.contains("a", "bc") && !listed.contains("c", "ab") && !listed.contains("", "abc"));
    }
}
