//! Files of a layer or an archive, and the tar they become: sorted, owned by root, all of one time. Pure.

use std::collections::BTreeMap;

use tar::{Builder, EntryType, Header};

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A directory.
    Directory,
    /// A file with these bytes.
    File(Vec<u8>),
    /// A symbolic link to this path.
    Link(String),
}

/// What stands at a path, and who may do what with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The content.
    pub content: Content,
    /// The permissions.
    pub mode: u32,
}

/// Files by their path; the directories above them come by themselves.
#[derive(Debug, Clone, Default)]
pub struct Files(BTreeMap<String, Entry>);

impl Files {
    /// Adds a file.
    pub fn file(&mut self, path: &str, mode: u32, bytes: impl Into<Vec<u8>>) {
        self.add(path, mode, Content::File(bytes.into()));
    }

    /// Adds a directory.
    pub fn directory(&mut self, path: &str, mode: u32) {
        self.add(path, mode, Content::Directory);
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: &str, target: &str) {
        self.add(path, 0o777, Content::Link(target.to_owned()));
    }

    fn add(&mut self, path: &str, mode: u32, content: Content) {
        let path = path.trim_matches('/');
        for (end, _) in path.match_indices('/') {
            self.0.entry(path[..end].to_owned()).or_insert(Entry { content: Content::Directory, mode: 0o755 });
        }
        self.0.insert(path.to_owned(), Entry { content, mode });
    }

    /// All of them, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// The tar of them all, each changed last at `time` (seconds since 1970).
    #[must_use]
    pub fn tar(&self, time: u64) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (path, entry) in self.iter() {
            let mut header = Header::new_gnu();
            header.set_mode(entry.mode);
            header.set_mtime(time);
            header.set_uid(0);
            header.set_gid(0);
            let bytes: &[u8] = if let Content::File(bytes) = &entry.content { bytes } else { &[] };
            header.set_size(bytes.len() as u64);
            let written = match &entry.content {
                Content::Directory => {
                    header.set_entry_type(EntryType::Directory);
                    builder.append_data(&mut header, format!("{path}/"), bytes)
                }
                Content::File(_) => builder.append_data(&mut header, path, bytes),
                Content::Link(target) => {
                    header.set_entry_type(EntryType::Symlink);
                    builder.append_link(&mut header, path, target)
                }
            };
            written.expect("memory takes what is written, and paths are relative");
        }
        builder.into_inner().expect("memory takes what is written")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tar_is_sorted_owned_by_root_and_of_one_time() {
        let mut files = Files::default();
        files.file("/usr/bin/b", 0o755, "b");
        files.file("etc/a", 0o600, "a");
        files.directory("/tmp/", 0o1777);
        let long = format!("{}/file", "a".repeat(120));
        files.file(&long, 0o644, "");
        let bytes = files.tar(7);
        let mut archive = tar::Archive::new(&bytes[..]);
        let listed: Vec<(String, u32)> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let header = entry.header();
                assert_eq!((header.mtime().unwrap(), header.uid().unwrap(), header.gid().unwrap()), (7, 0, 0));
                (entry.path().unwrap().display().to_string(), header.mode().unwrap())
            })
            .collect();
        let listed: Vec<(&str, u32)> = listed.iter().map(|(path, mode)| (path.as_str(), *mode)).collect();
        let folder = format!("{}/", "a".repeat(120));
        let (bin, etc) = (("usr/bin/", 0o755), ("etc/", 0o755));
        assert_eq!(
            listed,
            [
                (folder.as_str(), 0o755),
                (&long, 0o644),
                etc,
                ("etc/a", 0o600),
                ("tmp/", 0o1777),
                ("usr/", 0o755),
                bin,
                ("usr/bin/b", 0o755)
            ]
        );
    }
}
