//! The way into the mesh of a cluster: where its gateway answers, and a way of our own where it answers nowhere. Only reads.

mod endpoint;
mod forward;
mod gateway;

pub use endpoint::{Endpoint, Way, endpoint};
pub use forward::{Forwarded, forward};
pub use gateway::{GATEWAY, Gateway, MESH, NAMESPACE};
