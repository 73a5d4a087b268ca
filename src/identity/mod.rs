//! Who sends a request: a token that its issuer's keys prove, and the names by which RBAC knows its holder. Pure.
//!
//! The libraries for this bring a second TLS stack in C, or an RSA with a known leak; of `ring`, which checks the signatures of TLS here
//! anyway, all that is needed is to verify. What a token says of its own key (`jku`, `x5u`, `jwk`) is not looked at, an algorithm counts
//! only with a key of its kind, and no claim is read before the signature holds.

mod keys;
mod person;
mod token;
mod trust;

pub use keys::Keys;
pub use person::{Person, verify};
pub use token::{Refusal, Token};
pub use trust::{KeySource, Trust};

/// Whether a name is that of a person or a group of persons: `*` would stand for others too, `system:` and `kubeadm:` are Kubernetes'
/// own, and what can't be seen makes two names look like one.
#[must_use]
pub fn is_fit(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 253
        && !is_of_the_system(name)
        && !name.contains(|c: char| c == '*' || c.is_whitespace() || c.is_control())
}

/// Whether a name is Kubernetes' own, and nobody's who logs in.
#[must_use]
pub fn is_of_the_system(name: &str) -> bool {
    ["system:", "kubeadm:"].iter().any(|prefix| name.starts_with(prefix))
}
