//! The apply engine: the one way to write to a cluster.
//!
//! ```text
//! objects → plan (pure) → read live → compare (pure) → dry-run → inventory → write in order, gates between → wait
//! what left the app → look (what stays, and why) → delete in stages, each gone before the next → inventory
//! ```
//!
//! `diff` and `apply --dry-run` go the same way up to the dry-run, and end there ([`preview`]).
//! It never prints: what happens goes as [`Event`]s to whoever listens.

mod aside;
mod check;
mod compare;
mod drift;
mod engine;
mod entries;
mod event;
mod generate;
mod guard;
mod held;
mod inspect;
mod inventory;
mod keep;
mod live;
mod observe;
mod order;
mod plan;
mod pods;
mod preview;
mod records;
mod removal;
mod report;
mod rights;
mod rules;
mod schedule;
mod schema;
mod settled;
mod stage;
mod status;
mod strays;
mod surroundings;
mod vanish;
mod verify;
mod wait;
mod watches;
mod webhooks;
mod write;
mod yields;

pub use aside::{Aside, image_version, is_older, stands_aside};
pub use drift::{Difference, Drift, Manager};
pub use engine::{Run, Settings, apply, too_late};
pub use entries::{Edit, Place, Record, Standing, edits};
pub use event::{Event, Events, Phase};
pub use generate::{Password, identity};
pub use guard::{check_cluster, check_inventories};
pub use inspect::{ComponentState, Installation, ObjectState, State, Subject};
pub use inventory::{Inventory, apps, inventories, orphans};
pub use keep::{Kept, Reason};
pub use live::Live;
pub use order::{Gate, Order, Task, TaskId};
pub use plan::{Member, Plan, identities, plan};
pub(crate) use pods::pod_trouble;
pub use preview::{Planned, Preview, Step, preview};
pub use removal::{Removal, Removed, Scope, look, remove};
pub use report::{Outcome, Problem, Report, Unready};
pub use rights::{MissingRight, Need, Rights};
pub use status::{Readiness, is_default_class, readiness};
pub use strays::strays;
pub use verify::Check;
pub use write::Change;
