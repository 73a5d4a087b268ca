//! Profiles that may stand in each other's way: those whose owners' names differ by case alone, and those of one creator. Pure.

use std::collections::BTreeSet;

use super::groups::Groups;
use crate::api::profile::{Subject, SubjectKind};

/// What a profile shares with others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Traits {
    /// The owner's name without its case, after the kind; and as it is written.
    owner: Option<(String, String)>,
    creator: Option<String>,
}

impl Traits {
    pub(super) fn new(owner: Option<&Subject>, creator: Option<&String>) -> Self {
        // The server lets no service account's name have upper case.
        let owner = owner.filter(|owner| owner.kind != SubjectKind::ServiceAccount);
        let owner = owner.map(|owner| (format!("{:?} {}", owner.kind, owner.name.to_lowercase()), owner.name.clone()));
        Self { owner, creator: creator.cloned() }
    }
}

/// Names of profiles by what they share.
#[derive(Debug, Default)]
pub(super) struct Rivals {
    /// By the owner's name without its case: the name as it is written, and the profile's.
    owners: Groups<(String, String)>,
    creators: Groups<String>,
}

impl Rivals {
    pub(super) fn add(&mut self, name: &str, traits: &Traits) {
        if let Some((folded, exact)) = &traits.owner {
            self.owners.insert(folded.clone(), (exact.clone(), name.to_owned()));
        }
        if let Some(creator) = &traits.creator {
            self.creators.insert(creator.clone(), name.to_owned());
        }
    }

    /// Takes one out, and names the others that shared something with it.
    pub(super) fn remove(&mut self, name: &str, traits: &Traits) -> BTreeSet<String> {
        let others: BTreeSet<String> = self.by_case(traits).chain(self.of_creator(traits)).map(str::to_owned).collect();
        if let Some((folded, exact)) = &traits.owner {
            self.owners.remove(folded.clone(), (exact.clone(), name.to_owned()));
        }
        if let Some(creator) = &traits.creator {
            self.creators.remove(creator.clone(), name.to_owned());
        }
        others
    }

    /// Those whose owner is spelled otherwise, and differs by case alone.
    pub(super) fn by_case<'a>(&'a self, traits: &Traits) -> impl Iterator<Item = &'a str> + use<'a> {
        let (folded, exact) = traits.owner.clone().unwrap_or_default();
        self.owners.of(&folded).filter(move |(other, _)| *other != exact).map(|(_, name)| name.as_str())
    }

    /// Those of the same creator.
    pub(super) fn of_creator<'a>(&'a self, traits: &Traits) -> impl Iterator<Item = &'a str> + use<'a> {
        let creator = traits.creator.as_ref().map(|creator| self.creators.of(creator));
        creator.into_iter().flatten().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traits(owner: &str) -> Traits {
        let owner = Subject { kind: SubjectKind::User, api_group: None, name: owner.to_owned(), namespace: None };
        Traits::new(Some(&owner), Some(&"bob".to_owned()))
    }

    #[test]
    fn case_alone_makes_rivals_and_nothing_is_kept_of_who_leaves() {
        let mut rivals = Rivals::default();
        for (name, owner) in [("a", "jane@foo.com"), ("b", "Jane@Foo.com"), ("c", "jane@foo.com"), ("d", "bob@foo.com")] {
            rivals.add(name, &traits(owner));
        }
        let by_case = |rivals: &Rivals, owner: &str| rivals.by_case(&traits(owner)).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(by_case(&rivals, "jane@foo.com"), ["b"]);
        assert_eq!(by_case(&rivals, "Jane@Foo.com"), ["a", "c"]);
        assert_eq!(by_case(&rivals, "bob@foo.com"), [""; 0]);
        assert_eq!(rivals.of_creator(&traits("x")).count(), 4);
        for (name, owner) in [("a", "jane@foo.com"), ("b", "Jane@Foo.com"), ("c", "jane@foo.com"), ("d", "bob@foo.com")] {
            rivals.remove(name, &traits(owner));
        }
        assert!(rivals.owners.is_empty() && rivals.creators.is_empty());
    }
}
