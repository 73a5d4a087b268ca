//! Whose a namespace is. Pure.
//!
//! The namespace's own label decides: it carries the uid of the profile that it was made for. Two profiles never share one, and one
//! that was there before is taken over only where somebody who may change it has said so on it.

use serde_json::Value;

use super::desired::{Identity, Names};
use super::observed::{self, Observed};
use super::status::Verdict;
use super::world::View;
use crate::api::profile::is_reserved;
use crate::labels::{ADOPT, BEING_MADE, PROFILE, PROFILE_UID, TEMPLATE_KINDS};

/// The reasons for which a profile waits for another to go.
pub(super) const REFUSED_FOR_RIVALS: [&str; 2] = ["OwnerCaseDiffers", "TooManyProfiles"];

/// What is kept of a namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct NamespaceSeen {
    pub(super) uid: String,
    /// Name and uid of the profile that it was made for.
    pub(super) profile: Option<(String, String)>,
    /// Whether we have made it for that profile and nobody has had a right in it yet.
    pub(super) being_made: bool,
    /// The profile that may take it over.
    pub(super) adopt: Option<String>,
    /// Whose it was when we wrote last.
    pub(super) owner: Option<Identity>,
    /// The kinds that the admin's templates have made in it.
    pub(super) template_kinds: Vec<String>,
    pub(super) observed: Observed,
    /// What holds its deletion up, as the cluster says it.
    pub(super) blocked: Vec<String>,
}

impl NamespaceSeen {
    /// Reduces a namespace.
    pub(super) fn new(live: &Value) -> Self {
        let metadata = &live["metadata"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let observed = Observed::new(live);
        let conditions = live.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
        let blocked =
            conditions.filter(|condition| condition["status"] == "True").filter_map(|condition| text(&condition["message"]));
        Self {
            uid: text(&metadata["uid"]).unwrap_or_default(),
            profile: text(&metadata["labels"][PROFILE]).zip(text(&metadata["labels"][PROFILE_UID])),
            being_made: is_being_made(live),
            adopt: text(&metadata["annotations"][ADOPT]),
            owner: Identity::of_owner(&metadata["annotations"]),
            template_kinds: kinds(&metadata["annotations"][TEMPLATE_KINDS]),
            blocked: if observed.deleting { blocked.collect() } else { Vec::new() },
            observed,
        }
    }

    /// Whether nothing that matters differs.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        let meaning = |seen: &Self| Self { observed: Observed { version: 0, sent: 0, ..seen.observed.clone() }, ..seen.clone() };
        meaning(self) == meaning(other)
    }
}

/// Whether the mark of a namespace that is being made is there and was written by us.
fn is_being_made(live: &Value) -> bool {
    let metadata = &live["metadata"];
    let is_ours = || {
        let annotations = observed::owned(live)?.get("f:metadata")?.get("f:annotations")?;
        annotations.get(format!("f:{BEING_MADE}"))
    };
    let mark = &metadata["annotations"][BEING_MADE];
    mark.is_string() && *mark == metadata["labels"][PROFILE_UID] && is_ours().is_some()
}

/// Kinds out of the annotation that records them.
fn kinds(annotation: &Value) -> Vec<String> {
    annotation.as_str().into_iter().flat_map(|text| text.split(',')).filter(|kind| !kind.is_empty()).map(str::to_owned).collect()
}

/// What to do about the namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Claim {
    /// Make it.
    Make,
    /// It is this profile's.
    Hold,
    /// Take it over.
    Adopt,
    /// It was left by a profile of the same name and owner that is gone: take it over if its own binding says so too, else not.
    Return(Verdict),
    /// It is not to be had, or not yet.
    Refused(Verdict),
}

/// Decides.
pub(super) fn claim(names: &Names, view: &View) -> Claim {
    let refused = |reason: &str, message: String| Claim::Refused(Verdict::no(reason, message));
    let namespace = &names.namespace;
    if is_reserved(namespace) {
        return refused("NamespaceReserved", format!("{namespace} is a namespace of the system; make another profile"));
    }
    let taken = |by: &str| {
        refused(
            "NamespaceTaken",
            format!("namespace {namespace} is that of profile {by}; this one gets it when that one is gone"),
        )
    };
    if let Some((profile, owner)) = &view.rival {
        return refused(
            "OwnerCaseDiffers",
            format!(
                "this profile's owner differs from {owner}, who owns profile {profile}, by case alone; `kubectl auth whoami` shows them how the login spells it"
            ),
        );
    }
    let limit =
        view.defaults.as_ref().and_then(|defaults| defaults.as_ref().ok()).map_or(0, |defaults| defaults.profiles_per_creator);
    let is_held = view.namespace.as_ref().and_then(|seen| seen.profile.as_ref()).is_some_and(|(_, uid)| *uid == names.uid);
    if let Some(creator) = view.profile.creator.as_ref().filter(|_| limit > 0 && view.ahead >= limit && !is_held) {
        return refused(
            "TooManyProfiles",
            format!(
                "{creator} may have made {limit} profiles, and has; this one gets its namespace when another is deleted, or the limit raised"
            ),
        );
    }
    let first = view.claimants.first().filter(|first| **first != names.profile);
    let Some(seen) = &view.namespace else {
        return first.map_or(Claim::Make, |first| taken(first));
    };
    if seen.profile.as_ref().is_some_and(|(_, uid)| *uid == names.uid) {
        if seen.observed.deleting {
            let message = std::iter::once(format!("namespace {namespace} is being deleted; it is made again once it is gone"));
            return refused("NamespaceTerminating", message.chain(seen.blocked.clone()).collect::<Vec<_>>().join(". "));
        }
        return Claim::Hold;
    }
    if let Some(holder) = &view.holder {
        return taken(holder);
    }
    if let Some(first) = first {
        return taken(first);
    }
    if seen.observed.deleting {
        let message = format!("namespace {namespace} is being deleted; it is made again for this profile once it is gone");
        return refused("NamespaceTerminating", message);
    }
    if seen.adopt.as_ref() == Some(&names.profile) {
        return Claim::Adopt;
    }
    let exists = Verdict::no(
        "NamespaceExists",
        format!(
            "namespace {namespace} was there before; to give it to this profile: kubectl annotate namespace {namespace} {ADOPT}={}",
            names.profile
        ),
    );
    // Nobody gains what they had not: a member would.
    let spec = view.profile.content.as_deref().ok().map(|profile| &profile.spec.template.spec);
    let is_owners = spec.is_some_and(|spec| spec.members.is_empty() && seen.owner == Some(Identity::of(&spec.owner)));
    let is_left = seen.profile.as_ref().is_some_and(|(name, _)| *name == names.profile);
    if is_left && is_owners { Claim::Return(exists) } else { Claim::Refused(exists) }
}
