//! Today's profiles, which belong to the whole cluster, taken over with their namespaces as they are.
//!
//! Their definition and ours have one name, so ours can come only once theirs is gone; and the garbage collector deletes whatever
//! names one of their profiles as its owner as soon as that one is gone: the users' namespaces. Hence the order:
//!
//! ```text
//! theirs: check → stop their controller → free what they own → read everything again → let the profiles go, then their definition
//! ours:   check → make each profile → give it its namespace → wait until it holds it → take over who else has rights there
//! ```
//!
//! What is done stands in the cluster, in marks on the namespaces, and what is wanted in the exported file. So a run that was killed
//! anywhere is gone on with by the next, and one with nothing left to do writes nothing.

mod adopt;
mod check;
mod file;
mod look;
mod release;

pub use adopt::{Adoption, Arrival};
pub use file::{Exported, read};
pub use look::{DEFINITION, Definition, Theirs, definition};
pub use release::Release;
