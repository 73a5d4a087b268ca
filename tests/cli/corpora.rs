//! Every file of the fuzzers' corpora goes the way it goes there: what a fuzzer has found stays found.

#[path = "../../fuzz/entries.rs"]
mod entries;

fn each(folder: &str, entry: fn(&str)) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(folder);
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() > 3, "a corpus of {} files", files.len());
    for file in files {
        // As the fuzzer's own: what is no text never gets there.
        let Ok(text) = String::from_utf8(std::fs::read(&file).unwrap()) else { continue };
        assert!(std::panic::catch_unwind(|| entry(&text)).is_ok(), "{} does not hold", file.display());
    }
}

#[test]
fn apps() {
    each("app_file", entries::app_file);
}

#[test]
fn manifests() {
    each("manifests", entries::manifests);
}

#[test]
fn components() {
    each("component", entries::component);
}
