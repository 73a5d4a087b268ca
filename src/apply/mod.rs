//! The apply engine: the one way to write to a cluster.
//!
//! ```text
//! objects → plan (pure) → read live → compare (pure) → dry-run → inventory → write in order, gates between → wait
//! ```
//!
//! It never prints: what happens goes as [`Event`]s to whoever listens.

mod check;
mod compare;
mod drift;
mod engine;
mod event;
mod guard;
mod inspect;
mod inventory;
mod live;
mod observe;
mod order;
mod plan;
mod pods;
mod report;
mod rights;
mod schema;
mod status;
mod verify;
mod wait;
mod watches;
mod webhooks;
mod write;
mod yields;

pub use drift::{Difference, Drift, Manager};
pub use engine::{Run, Settings, apply};
pub use event::{Event, Events, Phase};
pub use guard::check_cluster;
pub use inspect::{ComponentState, Installation, ObjectState, State, Subject};
pub use inventory::{Inventory, inventories};
pub use live::Live;
pub use order::{Gate, Order, Task, TaskId};
pub use plan::{Member, Plan, plan};
pub use report::{Outcome, Problem, Report, Unready};
pub use rights::{MissingRight, Need, Rights};
pub use status::{Readiness, is_default_class, readiness};
pub use write::Change;
