//! What happens in a run, for whoever listens: the terminal and `--output json` print the same events.

use serde::Serialize;
use tokio::sync::mpsc::UnboundedSender;

use super::keep::Reason;
use super::write::Change;
use crate::object::ObjectId;

/// The phases of a run, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// What is there is read and compared.
    Read,
    /// What will be written is tried as a dry-run.
    Check,
    /// Objects are written.
    Write,
    /// Objects become ready.
    Wait,
    /// Objects are deleted.
    Delete,
}

/// One thing that happened.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A phase begins, for this many objects.
    Phase {
        /// Which.
        phase: Phase,
        /// How many objects it concerns.
        objects: usize,
    },
    /// An object went through the dry-run, or was found unchanged.
    Checked {
        /// Which.
        object: ObjectId,
    },
    /// An object is as wanted.
    Written {
        /// Which.
        object: ObjectId,
        /// Its component.
        component: String,
        /// What that took.
        change: Change,
    },
    /// Values of a Secret were made in the cluster.
    Generated {
        /// Of which.
        object: ObjectId,
        /// The keys that hold them.
        keys: Vec<String>,
    },
    /// A request is tried again.
    Retrying {
        /// For which object.
        object: ObjectId,
        /// Why.
        reason: String,
    },
    /// Something has to be there before the next writes.
    Waiting {
        /// What is waited for.
        object: ObjectId,
        /// Why it is not there.
        reason: String,
    },
    /// An object is ready.
    Ready {
        /// Which.
        object: ObjectId,
    },
    /// An object is on its way out.
    Deleting {
        /// Which.
        object: ObjectId,
    },
    /// An object is gone.
    Deleted {
        /// Which.
        object: ObjectId,
        /// Its component.
        component: String,
    },
    /// An object is left where it is.
    Kept {
        /// Which.
        object: ObjectId,
        /// Why.
        reason: Reason,
    },
    /// A component is left out of the run.
    LeftOut {
        /// Which.
        component: String,
        /// Why.
        reason: String,
    },
    /// An object is left for the next run.
    Postponed {
        /// Which.
        object: ObjectId,
        /// Why.
        reason: String,
    },
    /// Something to know that stops nothing.
    Warning {
        /// About which object, if one.
        #[serde(skip_serializing_if = "Option::is_none")]
        object: Option<ObjectId>,
        /// What.
        message: String,
    },
}

/// Where events go. Nobody listening is fine.
#[derive(Debug, Clone)]
pub struct Events(Option<UnboundedSender<Event>>);

impl Events {
    /// Events go to this channel.
    #[must_use]
    pub fn to(sender: UnboundedSender<Event>) -> Self {
        Self(Some(sender))
    }

    /// Nobody listens.
    #[must_use]
    pub fn nowhere() -> Self {
        Self(None)
    }

    pub(super) fn send(&self, event: Event) {
        if let Some(sender) = &self.0 {
            // The listener may have gone; the run goes on.
            let _ = sender.send(event);
        }
    }
}
