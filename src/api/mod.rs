//! The resources that kfctl brings, as Rust types. Pure: the definitions installed in a cluster are generated from here.

pub mod endpoint;
pub mod notebook;
pub mod profile;
