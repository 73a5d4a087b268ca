//! Where this user's programs keep things, by the XDG rules, and how a file gets there whole.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A directory of this user: the variable, or its default below the home directory.
fn base(variable: &str, default: &str) -> Result<PathBuf> {
    let set = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(default));
    set.or(home).map(|path| path.join("kfctl")).ok_or_else(|| {
        Error::environment(format!("neither {variable} nor HOME is set")).hint(format!("set {variable} to a directory of yours"))
    })
}

/// Where the control planes of this user keep their data and logs.
pub fn state_directory() -> Result<PathBuf> {
    base("XDG_STATE_HOME", ".local/state")
}

/// Where built binaries and downloaded sources are kept.
pub fn cache_directory() -> Result<PathBuf> {
    base("XDG_CACHE_HOME", ".cache")
}

/// Writes a file in one step, so that nobody ever reads half of it.
pub fn store(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let failed = |error: std::io::Error| Error::io("write", path, &error);
    std::fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, &error))?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.persist(path).map(drop).map_err(|error| failed(error.error))
}
