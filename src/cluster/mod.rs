//! The connection to one cluster: who it is, what it serves, and requests with typed failures.

mod connection;
mod discovery;
mod failure;
mod version;
mod watch;

pub use connection::{Answer, Connection, Part, Target};
pub(crate) use connection::{DOUBT, root_cause};
pub use discovery::{Discovery, Resource};
pub use failure::{Class, Failure, FieldConflict};
pub use version::{Minor, NEWEST, OLDEST, Version};
pub(crate) use watch::{News, follow};
