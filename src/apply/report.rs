//! What a run did, and how each refusal reads to a person.

use serde::Serialize;

use super::generate::Password;
use super::plan::Member;
use super::write::Change;
use crate::cluster::{Class, Failure};
use crate::error::{ExitStatus, quoted};
use crate::object::ObjectId;

/// A final refusal of one object.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The object.
    pub object: ObjectId,
    /// Its component.
    pub component: String,
    /// The file it comes from.
    pub file: String,
    /// What was refused, in the server's words.
    pub reason: String,
    /// What to do.
    pub hint: String,
}

impl Problem {
    /// One that needs no server to be known.
    pub(super) fn known(member: &Member, (reason, hint): (String, String)) -> Self {
        Self {
            object: member.object.id.clone(),
            component: member.component.clone(),
            file: member.object.file.display().to_string(),
            reason,
            hint,
        }
    }

    pub(super) fn new(member: &Member, failure: &Failure) -> Self {
        let id = &member.object.id;
        let (reason, hint) = match &failure.class {
            Class::Conflict(fields) => {
                let owners: Vec<String> =
                    fields.iter().map(|conflict| format!("{} is kept by {}", conflict.field, conflict.manager)).collect();
                (
                    format!("conflict: {}", owners.join("; ")),
                    "let the other manager give the field up, leave the field out here, or take it over once with --force-conflicts".to_owned(),
                )
            }
            Class::Forbidden => (
                failure.message.clone(),
                "ask an admin of the cluster for this right, then run the same command again".to_owned(),
            ),
            Class::Denied => (
                failure.message.clone(),
                "a policy of this cluster refuses it: change the object, or ask those who keep the policy".to_owned(),
            ),
            Class::Invalid if failure.message.contains("immutable") => {
                let namespace = if id.namespace.is_empty() { String::new() } else { format!(" -n {}", id.namespace) };
                (
                    failure.message.clone(),
                    format!(
                        "this field can't be changed: change it back, or, if losing the object is all right, delete it first: `kubectl delete{namespace} {} {}`",
                        id.group_kind(),
                        quoted(&id.name)
                    ),
                )
            }
            Class::Invalid => {
                (failure.message.clone(), "correct the object where it comes from, then run the same command again".to_owned())
            }
            Class::WebhookNotReady => {
                (failure.message.clone(), "look at the pods behind the webhook, then run the same command again".to_owned())
            }
            _ => (failure.message.clone(), "run the same command again; -vv shows the requests".to_owned()),
        };
        Self::known(member, (reason, hint))
    }
}

/// An object that is not ready, and why.
#[derive(Debug, Clone, Serialize)]
pub struct Unready {
    /// The object.
    pub object: ObjectId,
    /// Why.
    pub reason: String,
}

/// What a run did.
#[derive(Debug, Default)]
pub struct Report {
    /// Every object of the run that is as wanted now, and what that took.
    pub changes: Vec<(ObjectId, Change)>,
    /// Objects refused. Where one was refused before the first write, nothing was written.
    pub problems: Vec<Problem>,
    /// Objects not ready in time.
    pub unready: Vec<Unready>,
    /// Objects left for the next run.
    pub postponed: Vec<Unready>,
    /// Objects of the app that are in the cluster, but no longer in the app.
    pub left_over: Vec<ObjectId>,
    /// Passwords that were made, to be shown to who asked for the run.
    pub passwords: Vec<Password>,
    /// Whether anything was written.
    pub wrote: bool,
    /// Whether the user stopped it.
    pub interrupted: bool,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All is as wanted.
    Done,
    /// Something was refused.
    Refused,
    /// Written, but not all of it is ready.
    NotReady,
    /// Stopped by the user.
    Interrupted,
}

impl Outcome {
    /// What is worst decides.
    pub(super) fn of(problems: &[Problem], interrupted: bool, unready: &[Unready]) -> Self {
        if !problems.is_empty() {
            Self::Refused
        } else if interrupted {
            Self::Interrupted
        } else if !unready.is_empty() {
            Self::NotReady
        } else {
            Self::Done
        }
    }
}

impl Report {
    /// How the run ended.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        Outcome::of(&self.problems, self.interrupted, &self.unready)
    }

    /// How many objects went through `change`.
    #[must_use]
    pub fn count(&self, change: Change) -> usize {
        self.changes.iter().filter(|(_, made)| *made == change).count()
    }
}

impl From<Outcome> for ExitStatus {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::Done,
            Outcome::Refused => Self::Failed,
            Outcome::NotReady => Self::NotReady,
            Outcome::Interrupted => Self::Interrupted,
        }
    }
}
