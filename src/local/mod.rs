//! Platform `local`: a real control plane on this machine, started and kept by kfctl. It never touches a kubeconfig of yours.

mod binaries;
mod certificates;
mod control_plane;
mod nodes;
mod process;
mod roles;
mod state;

pub use binaries::Binaries;
pub use control_plane::{ControlPlane, Options};
pub use process::ProcessStatus;
pub use roles::{start_role, stop_role};

/// Says what happens, in plain sentences.
pub type Report<'a> = &'a (dyn Fn(&str) + Sync);
