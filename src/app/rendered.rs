//! rendered/COMPONENT/: one object a file, reviewable, the same bytes for the same input. `SHA256SUMS` beside them (as
//! `sha256sum -c` reads it) tells a hand's edit from ours (see `edits`).

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::object::Object;
use crate::yaml;

pub(super) const SUMS: &str = "SHA256SUMS";

/// The folder of a platform's own files, which no component can have.
const PLATFORM: &str = "platform";

/// The objects of a component with the files they are written to.
#[derive(Debug)]
pub struct Rendered {
    /// The component.
    pub component: String,
    /// Its objects; each names its file below the app directory.
    pub objects: Vec<Object>,
    pub(super) files: BTreeMap<String, String>,
}

impl Rendered {
    pub(super) fn new(component: &str, mut objects: Vec<Object>) -> Result<Self> {
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        let mut identities: BTreeMap<crate::object::ObjectId, PathBuf> = BTreeMap::new();
        for object in &mut objects {
            if let Some(first) = identities.insert(object.id.clone(), object.file.clone()) {
                return Err(Error::input(format!("component {component} has {} twice", object.id))
                    .in_file(object.file.clone())
                    .detail(format!("the first is in {}", first.display()))
                    .hint("remove one of the two"));
            }
            let mut name = object.file_name();
            let mut number = 1;
            while files.contains_key(&name) {
                number += 1;
                name = object.file_name().replace(".yaml", &format!("-{number}.yaml"));
            }
            object.file = Path::new("rendered").join(component).join(&name);
            files.insert(name, yaml::to_string(&object.content));
        }
        Ok(Self { component: component.to_owned(), objects, files })
    }

    /// A platform's own files, such as what the tool that makes the cluster reads.
    #[must_use]
    pub fn of_platform(files: BTreeMap<String, String>) -> Self {
        Self { component: PLATFORM.to_owned(), objects: Vec::new(), files }
    }

    fn sums(&self) -> String {
        self.files.iter().fold(String::new(), |mut sums, (name, text)| {
            let _ = writeln!(sums, "{}  {name}", sha256(text.as_bytes()));
            sums
        })
    }
}

/// Writes components to rendered/; hand-made edits there are lost. Returns the names of those that changed.
pub fn write_all(directory: &Path, components: &[Rendered]) -> Result<Vec<String>> {
    let mut changed = Vec::new();
    for component in components {
        if write(directory, component)? {
            changed.push(component.component.clone());
        }
    }
    Ok(changed)
}

pub(super) fn folder(directory: &Path, component: &Rendered) -> PathBuf {
    directory.join("rendered").join(&component.component)
}

/// Writes one component as a whole folder. Nothing is touched where all is there already.
fn write(directory: &Path, component: &Rendered) -> Result<bool> {
    let folder = folder(directory, component);
    let sums = component.sums();
    let same = std::fs::read_to_string(folder.join(SUMS)).is_ok_and(|found| found == sums)
        && component
            .files
            .iter()
            .all(|(name, text)| std::fs::read(folder.join(name)).is_ok_and(|found| found == text.as_bytes()));
    if same {
        return Ok(false);
    }
    let files = component.files.iter().map(|(name, text)| (PathBuf::from(name), text.clone()));
    replace_folder(directory, "rendered", &component.component, &files.chain([(SUMS.into(), sums)]).collect::<Vec<_>>())?;
    Ok(true)
}

/// A folder of the app may be a link, but not to somewhere else: what is there is not ours to replace.
pub(super) fn check_inside(directory: &Path, folder: &str) -> Result<()> {
    match directory.join(folder).canonicalize() {
        Ok(real) if !real.starts_with(directory) => {
            Err(Error::input("leads out of the app directory").in_file(folder).expected("a folder of the app itself"))
        }
        _ => Ok(()),
    }
}

/// Writes the folder `parent/name` of an app as a whole: a run that is killed, or finds the disk full, leaves the old one.
pub(super) fn replace_folder(directory: &Path, parent: &str, name: &str, files: &[(PathBuf, String)]) -> Result<()> {
    let parent_path = directory.join(parent);
    std::fs::create_dir_all(&parent_path).map_err(|error| Error::io("create", &parent_path, &error))?;
    check_inside(directory, parent)?;
    let fresh = tempfile::Builder::new()
        .prefix(&format!(".{name}."))
        .tempdir_in(&parent_path)
        .map_err(|error| Error::io("create a folder in", &parent_path, &error))?;
    let folder = parent_path.join(name);
    let failed = |what: &'static str, error: &std::io::Error| Error::io(what, &folder, error);
    for (file, text) in files {
        let path = fresh.path().join(file);
        let below = path.parent().unwrap_or(fresh.path());
        std::fs::create_dir_all(below).and_then(|()| std::fs::write(&path, text)).map_err(|error| failed("write", &error))?;
    }
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(fresh.path(), mode).map_err(|error| failed("write", &error))?;
    if folder.exists() {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        // In one step: a folder that is half gone would look like edits by hand.
        if renameat_with(CWD, fresh.path(), CWD, &folder, RenameFlags::EXCHANGE).is_ok() {
            return fresh.close().map_err(|error| failed("remove what was in", &error));
        }
        // Not every file system can do that.
        std::fs::remove_dir_all(&folder).map_err(|error| failed("replace", &error))?;
    }
    std::fs::rename(fresh.keep(), &folder).map_err(|error| failed("write", &error))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// Whoever is killed in the middle of it leaves what others see at that moment.
    #[test]
    fn a_folder_is_replaced_in_one_step() {
        let directory = tempfile::tempdir().unwrap();
        let files = |text: &str| (0..200).map(|number| (PathBuf::from(number.to_string()), text.to_owned())).collect::<Vec<_>>();
        replace_folder(directory.path(), "rendered", "web", &files("0")).unwrap();
        let done = AtomicBool::new(false);
        let looks = std::thread::scope(|scope| {
            let looker = scope.spawn(|| {
                let mut looks = 0;
                while !done.load(Ordering::Relaxed) {
                    for number in 0..200 {
                        assert!(directory.path().join(format!("rendered/web/{number}")).exists(), "{number} was away");
                    }
                    looks += 1;
                }
                looks
            });
            let replaced = (1..=50)
                .try_for_each(|round: usize| replace_folder(directory.path(), "rendered", "web", &files(&round.to_string())));
            done.store(true, Ordering::Relaxed);
            replaced.unwrap();
            looker.join().unwrap()
        });
        assert!(looks > 0);
        assert_eq!(std::fs::read_to_string(directory.path().join("rendered/web/7")).unwrap(), "50");
        assert_eq!(std::fs::read_dir(directory.path().join("rendered")).unwrap().count(), 1, "something was left behind");
    }
}
