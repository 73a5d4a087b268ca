//! A catalog that pins files of the tests' own in place of another project's release, and the mirror that holds them: no test needs a
//! network for what kfctl would fetch.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::harness::App;

/// The app with the files of `component`, each by the end of its URL.
pub(crate) fn pinned(app: App, component: &str, files: &[(&str, String)]) -> App {
    let root = app.beside("release");
    let (catalog, mirror) = (root.join("catalog"), root.join("mirror"));
    for folder in ["templates", "platforms"] {
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &catalog.join(folder));
    }
    std::fs::create_dir_all(&mirror).expect("a directory");
    let path = catalog.join("templates").join(component).join("component.yaml");
    let mut text = std::fs::read_to_string(&path).expect("the component");
    let sources: Vec<&str> = text.split("- url: ").skip(1).collect();
    assert_eq!(sources.len(), files.len(), "{text}");
    let mut pins = Vec::new();
    for source in sources {
        let (url, rest) = source.split_once('\n').expect("a sha256 follows");
        let pin = rest.trim_start().strip_prefix("sha256: ").and_then(|pin| pin.split_whitespace().next()).expect("a pin");
        let (_, content) = files.iter().find(|(end, _)| url.ends_with(end)).unwrap_or_else(|| panic!("no file for {url}"));
        let ours: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        std::fs::write(mirror.join(&ours), content).expect("written");
        pins.push((pin.to_owned(), ours));
    }
    for (theirs, ours) in pins {
        text = text.replace(&theirs, &ours);
    }
    std::fs::write(&path, text).expect("written");
    app.with("KFCTL_CATALOG", &catalog.display().to_string()).with("KFCTL_SOURCES", &mirror.display().to_string())
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory").map(|entry| entry.expect("an entry")) {
        let target = to.join(entry.file_name());
        match entry.path() {
            path if path.is_dir() => copy(&path, &target),
            path => drop(std::fs::copy(path, target).expect("copied")),
        }
    }
}
