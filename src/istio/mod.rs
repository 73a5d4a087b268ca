//! What Istio does with a request, told without asking it: whether a token is proved, and which policy decides. Pure.
//!
//! It follows what Istio turns its objects into (Envoy's filters for tokens and for policies), for the fields that policies of this project use and
//! those like them. What it does not know it says: an answer is then neither yes nor no. That it agrees with a real Envoy, `tests/mesh` shows
//! for every cell of its matrix.

mod explain;
mod path;
mod policy;
mod token;

pub use explain::{Answer, Asked, Known, Route, Step, namespace_of};
pub use path::normalized;
pub use token::Refusal;
