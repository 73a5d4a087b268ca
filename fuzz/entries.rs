//! Where text of a person's enters kfctl, and what holds for any text. The fuzz targets call these; so does a test of the
//! binary's suite, with every file of the corpora.

use std::path::{Component as Part, Path};

use kfctl::app::{APP_FILE, App, AppFile};
use kfctl::catalog::Component;
use kfctl::object;
use kfctl::yaml;

/// app.yaml: what parses can be edited, or says why not, and reads as edited.
pub(crate) fn app_file(text: &str) {
    if AppFile::parse(text, Path::new(APP_FILE)).is_err() {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join(APP_FILE), text).expect("written");
    let mut app = App::load(directory.path()).expect("it has parsed before");
    if app.set_parameter("web", "memory", &"1G".into()).is_ok() {
        let again = App::load(directory.path()).expect("what was edited parses");
        assert_eq!(again.file, app.file);
        assert_eq!(again.file.params["web"]["memory"], "1G");
    }
    let _ = app.unset_parameter("web", "memory");
    let _ = app.set_component("web", &kfctl::app::ComponentEntry { enabled: Some(false), from: None, sha256: None });
    App::load(directory.path()).expect("what was edited parses");
}

/// Manifests: each object is written as YAML that reads as the same, to a file of its own folder.
pub(crate) fn manifests(text: &str) {
    for object in object::parse(text, Path::new("m.yaml")).unwrap_or_default() {
        let written = yaml::to_string(&object.content);
        let read = yaml::documents(&written, Path::new("w.yaml")).expect("what is written parses");
        assert_eq!(read, [(*object.content).clone()], "{written}");
        let name = object.file_name();
        let mut parts = Path::new(&name).components();
        assert!(matches!((parts.next(), parts.next()), (Some(Part::Normal(_)), None)), "{name:?}");
    }
}

/// component.yaml: a default passes its own rule.
pub(crate) fn component(text: &str) {
    let Ok(component) = Component::parse("web", text, Path::new("component.yaml")) else { return };
    for parameter in &component.parameters {
        let parsed = parameter.parse_value(&parameter.default).expect("a default is a value");
        assert_eq!((parsed.value, parsed.note), (parameter.default.clone(), None));
    }
}
