//! What a condition says of an object: whether it holds, why, and what a person can do about it. Pure.

/// What a condition says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) holds: bool,
    /// A word in `PascalCase`.
    pub(super) reason: String,
    /// A sentence that a person can act on.
    pub(super) message: String,
}

impl Verdict {
    pub(super) fn yes(reason: &str, message: impl Into<String>) -> Self {
        Self { holds: true, reason: reason.into(), message: message.into() }
    }

    pub(super) fn no(reason: &str, message: impl Into<String>) -> Self {
        Self { holds: false, reason: reason.into(), message: message.into() }
    }
}
