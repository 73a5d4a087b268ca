//! Where this user's programs keep things, by the XDG rules, and how a file gets there whole.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
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

/// [`store_as`] for a file that only this user can read.
pub fn store(path: &Path, bytes: &[u8]) -> Result<()> {
    store_as(path, bytes, 0o600)
}

/// Writes a file in one step: nobody ever reads half of it, and neither a kill nor a loss of power leaves anything but the old one or the
/// new one.
pub fn store_as(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let (folder, name) = (path.parent().unwrap_or(Path::new(".")), path.file_name().unwrap_or_default());
    let failed = |error: std::io::Error| Error::io("write", path, &error);
    std::fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, &error))?;
    let prefix = format!(".{}.", name.to_string_lossy());
    let mut file = tempfile::Builder::new().prefix(&prefix).tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().set_permissions(PermissionsExt::from_mode(mode)).map_err(failed)?;
    // Some file systems tell only here that the disk is full.
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map(drop).map_err(|error| failed(error.error))
}
