//! What src/lib.rs draws holds in the source: arrows go one way, pure modules are pure, output and labels have one place each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Parts that know no client, runtime or clock as a whole. Single files say "Pure." in their module docs.
const PURE: [&str; 7] = ["api", "catalog", "digest", "labels", "object", "render", "yaml"];
const IMPURE: [&str; 10] =
    ["tokio", "futures::", "hyper", "ureq", "kube::Client", "kube::client", "kube::runtime", "Instant", "SystemTime", "jiff"];
const LONGEST: usize = 600;

/// A file of src/.
struct Source {
    /// Below src/.
    path: PathBuf,
    /// The module of the crate that it belongs to.
    module: String,
    text: String,
}

impl Source {
    /// Its lines with their numbers, without comments and unit tests.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().take_while(|(_, line)| *line != "#[cfg(test)]");
        lines.filter(|(_, line)| !line.trim_start().starts_with("//")).map(|(number, line)| (number + 1, line))
    }

    fn docs(&self) -> impl Iterator<Item = &str> {
        self.text.lines().map_while(|line| line.strip_prefix("//!"))
    }

    fn at(&self, line: usize, what: &str) -> String {
        format!("src/{}:{line}: {what}", self.path.display())
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut found, mut open) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = open.pop() {
        for path in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                open.push(path);
                continue;
            }
            // What pages are made of is no code.
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("text");
            let path = path.strip_prefix(&root).expect("it is below").to_owned();
            let module = path.iter().next().expect("a name").to_string_lossy().trim_end_matches(".rs").to_owned();
            found.push(Source { path, module, text });
        }
    }
    assert!(found.len() > 30, "the source is not where this test looks");
    found
}

/// The level of each module in the drawing of src/lib.rs: who stands further right may be used.
fn levels() -> BTreeMap<String, usize> {
    let map = include_str!("../../src/lib.rs");
    let drawing = map.split("```").find(|part| part.contains('→')).expect("a drawing").trim_start_matches("text");
    let drawing = drawing.replace("//!", "");
    let level = |(level, names): (usize, &str)| names.split(',').map(|name| (name.trim().to_owned(), level)).collect::<Vec<_>>();
    drawing.split('→').enumerate().flat_map(level).collect()
}

/// The modules of the crate that a line names.
fn used(line: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| !(c.is_alphanumeric() || c == '_');
    line.split("crate::").skip(1).chain(line.strip_prefix("use kfctl::")).filter_map(move |rest| rest.split(ends).next())
}

/// The texts in quotes of a line.
fn literals(line: &str) -> impl Iterator<Item = &str> {
    line.split('"').skip(1).step_by(2)
}

fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn arrows_go_one_way_and_the_map_is_whole() {
    let levels = levels();
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.module != "lib") {
        let Some(level) = levels.get(&source.module) else {
            wrong.push(source.at(1, "src/lib.rs does not draw it"));
            continue;
        };
        let described = include_str!("../../src/lib.rs").contains(&format!("| [`{}`]", source.module));
        if !described && source.module != "main" {
            wrong.push(source.at(1, "src/lib.rs does not say why it exists"));
        }
        for (number, line) in source.code() {
            let names = used(line).filter(|name| *name != source.module);
            let upwards = names.filter(|name| levels.get(*name).is_some_and(|other| other <= level));
            wrong.extend(upwards.map(|name| source.at(number, &format!("{} may not use {name}", source.module))));
        }
    }
    none(&wrong);
}

#[test]
fn pure_modules_know_no_client_runtime_or_clock() {
    let mut wrong = Vec::new();
    for source in sources() {
        if PURE.contains(&source.module.as_str()) || source.docs().any(|line| line.contains("Pure.")) {
            for (number, line) in source.code() {
                let words = IMPURE.iter().filter(|word| line.contains(**word));
                wrong.extend(words.map(|word| source.at(number, &format!("{word} in a pure module"))));
            }
        }
    }
    none(&wrong);
}

#[test]
fn output_has_one_place() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.module != "ui") {
        for (number, line) in source.code() {
            // The log, which is no output, is set up in main.
            let writes = ["print!(", "println!(", "io::stdout"].iter().any(|word| line.contains(word));
            if writes || line.contains("io::stderr") && source.module != "main" {
                wrong.push(source.at(number, "output goes through src/ui"));
            }
        }
    }
    none(&wrong);
}

#[test]
fn labels_annotations_and_managers_are_named_in_one_place() {
    const DOMAINS: [&str; 4] = ["kubeflow.org/", "kubernetes.io/", "x-k8s.io/", "helm.sh/"];
    let names_one = |text: &str| {
        DOMAINS.iter().filter_map(|domain| text.rsplit_once(domain)).any(|(_, name)| {
            let version = name.starts_with('v') && name.chars().nth(1).is_some_and(|c| c.is_ascii_digit());
            !name.is_empty() && !version
        })
    };
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.module != "labels") {
        for (number, line) in source.code() {
            let texts = literals(line).filter(|text| names_one(text) || *text == "kfctl-controller");
            wrong.extend(texts.map(|text| source.at(number, &format!("{text:?} belongs in src/labels.rs"))));
        }
    }
    none(&wrong);
}

#[test]
fn files_say_why_they_exist_and_stay_short() {
    let mut wrong = Vec::new();
    for source in sources() {
        if source.docs().next().is_none() {
            wrong.push(source.at(1, "no module docs"));
        }
        let lines = source.text.lines().count();
        if lines > LONGEST {
            wrong.push(source.at(lines, &format!("over {LONGEST} lines: split it")));
        }
    }
    none(&wrong);
}
