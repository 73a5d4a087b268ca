//! The connection to one cluster: who it is, what it serves, and requests with typed failures.

mod connection;
mod discovery;
mod failure;
mod version;

pub(crate) use connection::root_cause;
pub use connection::{Answer, Connection, Target};
pub use discovery::{Discovery, Resource};
pub use failure::{Class, Failure, FieldConflict};
pub use version::{Minor, NEWEST, OLDEST, Version};
