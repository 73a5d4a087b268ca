//! YAML is read as kubectl reads it. No control plane runs for this: kubectl alone is asked.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use kfctl::yaml;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::harness::binaries;

/// What kubectl makes of documents, each an object named `thing` with its value in `spec`.
fn kubectl_reads(documents: &[String]) -> Vec<Value> {
    // One process reads them all; where it fails, the first bad one is looked for.
    try_kubectl(documents).unwrap_or_else(|| match documents {
        [one] => panic!("kubectl refuses {one}"),
        many => many.iter().flat_map(|one| kubectl_reads(std::slice::from_ref(one))).collect(),
    })
}

fn try_kubectl(documents: &[String]) -> Option<Vec<Value>> {
    let mut child = binaries()
        .command("kubectl")
        .args(["label", "--local", "-f", "-", "label=added", "-o", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("kubectl starts");
    let text = documents.join("---\n");
    child.stdin.take().expect("piped").write_all(text.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    if !output.status.success() {
        return None;
    }
    let read = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
    let read: Vec<Value> = read.map(|object| object.expect("it prints JSON")["spec"].take()).collect();
    assert_eq!(read.len(), documents.len());
    Some(read)
}

fn kfctl_reads(document: &str) -> Value {
    let mut found = yaml::documents(document, Path::new("t.yaml")).unwrap_or_else(|error| panic!("{error}\n{document}"));
    found.remove(0)["spec"].take()
}

const HEAD: &str = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: thing}\n";

/// Many values of a strategy, the same in every run: one process reads them all.
fn samples<S: Strategy>(strategy: &S, count: u32) -> Vec<S::Value> {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    (0..count).map(|_| strategy.new_tree(&mut runner).expect("a value").current()).collect()
}

#[test]
fn pure_kubectl_reads_what_is_written() {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (-1_000_000i32..1_000_000).prop_map(|number| Value::from(f64::from(number) + 0.5)),
        "[ -~\n\t]{0,24}".prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        plain().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(4, 32, 5, |inner| {
        let fields = prop::collection::btree_map(prop_oneof!["[ -~]{0,12}", plain()], inner.clone(), 0..5);
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(Value::from),
            fields.prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    });
    let values = samples(&value, 400);
    let object = |spec| json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "thing"}, "spec": spec});
    let documents: Vec<String> = values.iter().map(|value| yaml::to_string(&object(value.clone()))).collect();
    for ((value, read), document) in values.iter().zip(kubectl_reads(&documents)).zip(&documents) {
        assert_eq!(*value, read, "{document}");
    }
}

/// Words that look like something else than text.
fn plain() -> impl Strategy<Value = String> {
    let known = [
        "yes",
        "No",
        "on",
        "Off",
        "y",
        "N",
        "true",
        "False",
        "TRUE",
        "null",
        "Null",
        "~",
        "0644",
        "09",
        "0o17",
        "0x1F",
        "0b11",
        "1e3",
        "1E3",
        "1.0",
        "-0",
        "+5",
        ".5",
        "5.",
        "1_000",
        "12:30",
        "2001-01-01",
        "1.5e-3",
        "12e03",
        "0x",
        "1e",
        "0.0",
        "-.5",
    ];
    prop_oneof![prop::sample::select(known.to_vec()).prop_map(str::to_owned), "[a-z0-9][a-z0-9.:+-]{0,7}"]
}

#[test]
fn pure_scalars_are_read_as_kubectl_reads_them() {
    // A text that ends with a colon is a field; one that Go's JSON can't hold ends kubectl.
    let words = plain().prop_filter("no scalar", |word| !word.ends_with(':'));
    let styled = (words, 0..4).prop_map(|(word, style)| match style {
        0 => format!("'{word}'"),
        1 => format!("\"{word}\""),
        2 => format!("|\n  {word}\n"),
        _ => word,
    });
    let documents: Vec<String> = samples(&styled, 600).into_iter().map(|word| format!("{HEAD}spec: {word}\n")).collect();
    for (document, read) in documents.iter().zip(kubectl_reads(&documents)) {
        assert_eq!(kfctl_reads(document), read, "{document}");
    }
}
