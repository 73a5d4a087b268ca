//! Manifests of somebody else's release, pinned by their sha256: taken from a mirror, the cache or the network, and never used
//! unless they are the very bytes. Nothing of theirs is part of this program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::digest::sha256;
use crate::directories::{cache_directory, store};
use crate::error::{Error, Result};
use crate::yaml;

/// A file of a release.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Where it is.
    pub url: String,
    /// What it is.
    pub sha256: String,
    /// An expression of the component's template context; absent where it is always needed.
    pub when: Option<String>,
}

/// Where sources are looked for before the network is asked.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A directory of files named by their sha256.
    pub mirror: Option<PathBuf>,
}

/// How long a server may take to answer at all, and for a whole file.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const DOWNLOAD_TIMEOUT: Duration = Duration::from_mins(5);

impl Sources {
    /// The texts of these sources by sha256; an error that lists all that can't be had.
    pub fn read(&self, wanted: &[&Source]) -> Result<BTreeMap<String, String>> {
        let mut unique: BTreeMap<&str, &Source> = BTreeMap::new();
        unique.extend(wanted.iter().map(|source| (source.sha256.as_str(), *source)));
        let cache = if unique.is_empty() { PathBuf::new() } else { cache_directory()?.join("sources") };
        let (mut found, mut missing) = (BTreeMap::new(), Vec::new());
        std::thread::scope(|scope| {
            let cache = &cache;
            let readers: Vec<_> =
                unique.into_values().map(|source| (source, scope.spawn(move || self.one(source, cache)))).collect();
            for (source, reader) in readers {
                match reader.join().expect("a reader does not panic") {
                    Ok(text) => drop(found.insert(source.sha256.clone(), text)),
                    Err(reason) => missing.push((source, reason)),
                }
            }
        });
        if missing.is_empty() { Ok(found) } else { Err(self.missing(&missing)) }
    }

    fn missing(&self, missing: &[(&Source, Error)]) -> Error {
        let error = Error::environment("manifests of other projects' releases are missing");
        let error = missing.iter().fold(error, |error, (source, reason)| {
            let reason = reason.to_string().replace(&source.url, "it");
            error.detail(&source.url).detail(format!("  sha256 {}", source.sha256)).detail(format!("  {reason}"))
        });
        let fill = "fill a directory elsewhere by `kfctl sources fetch DIRECTORY`, bring it here, and name it with --sources or KFCTL_SOURCES";
        match &self.mirror {
            Some(mirror) => error.hint(format!("{} does not hold them: {fill}", mirror.display())),
            None => error.hint(format!("without a network: {fill}")),
        }
    }

    /// The file of a source in the mirror or the cache, where there is one.
    #[must_use]
    pub fn place(&self, source: &Source) -> Option<PathBuf> {
        let cache = cache_directory().ok().map(|cache| cache.join("sources"));
        self.mirror.clone().into_iter().chain(cache).map(|folder| folder.join(&source.sha256)).find(|path| path.is_file())
    }

    fn one(&self, source: &Source, cache: &Path) -> Result<String> {
        let Source { url, sha256: wanted, .. } = source;
        let cached = cache.join(wanted);
        for place in self.mirror.iter().map(|mirror| mirror.join(wanted)).chain([cached.clone()]) {
            match std::fs::read(&place) {
                Ok(bytes) if sha256(&bytes) == *wanted => {
                    if place != cached {
                        // The next command may name no mirror.
                        store(&cached, &bytes)?;
                    }
                    return yaml::utf8(bytes, &place);
                }
                // A mirror that lies is said; a torn file of our own cache is fetched again.
                Ok(_) if place != cached => {
                    return Err(Error::input("is not the file that its name says").in_file(place).expected("that sha256"));
                }
                _ => {}
            }
        }
        let bytes = download(url)?;
        let found = sha256(&bytes);
        if found != *wanted {
            return Err(Error::input(format!("the server has another file there, with sha256 {found}; it is not used")));
        }
        store(&cached, &bytes)?;
        yaml::utf8(bytes, &cached)
    }
}

/// What a URL serves, up to the size limit of manifests.
pub fn download(url: &str) -> Result<Vec<u8>> {
    download_within(url, DOWNLOAD_TIMEOUT)
}

/// The same from a server that is given less time.
pub fn download_within(url: &str, patience: Duration) -> Result<Vec<u8>> {
    let failed = |error: &dyn std::fmt::Display| Error::environment(format!("cannot download {url}: {error}"));
    let request = ureq::get(url).config().timeout_connect(Some(CONNECT_TIMEOUT)).timeout_global(Some(patience)).build();
    let mut response = request.call().map_err(|error| failed(&error))?;
    response.body_mut().with_config().limit(yaml::MAX_BYTES).read_to_vec().map_err(|error| failed(&error))
}
