//! Where the local control plane keeps things, and which ports it has.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use super::Report;
use super::process::Process;
use crate::directories::store;
use crate::error::{Error, Result};

/// How long the port of a process that was killed may stay taken: the system closes it after the process counts as ended.
const LINGERING: Duration = Duration::from_secs(2);

const PORTS: &str = "ports.json";

/// The ports that each process has been given.
pub(super) fn known_ports(directory: &Path) -> Result<BTreeMap<String, Vec<u16>>> {
    Ok(read(&directory.join(PORTS))?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Loopback ports of a process, chosen once and remembered; others where somebody else has taken one meanwhile.
pub(super) async fn ports<const COUNT: usize>(directory: &Path, process: &Process, report: Report<'_>) -> Result<[u16; COUNT]> {
    let mut all = known_ports(directory)?;
    if let Some(ports) = all.get(&process.name).and_then(|ports| <[u16; COUNT]>::try_from(ports.as_slice()).ok()) {
        let deadline = Instant::now() + LINGERING;
        let are_free = || ports.iter().all(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
        while Instant::now() < deadline {
            if process.pid()?.is_some() || are_free() {
                return Ok(ports);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        report(&format!("another program has taken a port of {}; it gets new ones", process.name));
    }
    let ports = free_ports::<COUNT>()?;
    all.insert(process.name.clone(), ports.to_vec());
    store(&directory.join(PORTS), &serde_json::to_vec(&all).expect("plain data"))?;
    Ok(ports)
}

/// Ports that nobody listens on. All are held at once, so that they differ.
fn free_ports<const COUNT: usize>() -> Result<[u16; COUNT]> {
    let failed = |error: std::io::Error| Error::environment(format!("there is no free port on 127.0.0.1: {error}"));
    let mut ports = [0; COUNT];
    let mut held = Vec::with_capacity(COUNT);
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(failed)?;
        *port = listener.local_addr().map_err(failed)?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Makes a directory that only this user can enter, and shuts one that others could.
pub(super) fn private_directory(path: &Path) -> Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o700)))
        .map_err(|error| Error::io("create", path, &error))
}

/// Text of a file; `None` where there is none.
pub(super) fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", path, &error)),
    }
}

/// Waits until no other kfctl holds this file, and holds it until the result is dropped.
pub(super) async fn lock(path: &Path) -> Result<fs::File> {
    let file = fs::File::create(path).map_err(|error| Error::io("write", path, &error))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(fs::TryLockError::Error(error)) => return Err(Error::io("lock", path, &error)),
        }
    }
}

/// A secret of 32 random bytes, in hexadecimal.
pub(super) fn random_token() -> Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| Error::environment(format!("the system gives no random bytes: {error}")))?;
    Ok(crate::digest::hex(&bytes))
}
