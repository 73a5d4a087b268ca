//! The only door to YAML.
//!
//! Reading follows what `kubectl` reads from the same text (YAML 1.1 booleans, `0644` is octal, `1e3` is the integer 1000),
//! with duplicate keys refused and limits against documents made to exhaust memory. One difference is meant: a key is its text,
//! where kubectl turns a plain `on:` or `012:` into the key `true` or `10`. Another is not: `7_` is text here, and 7 there.
//! Writing is deterministic.

pub mod item;

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};

/// The largest text read, in bytes: five times the largest manifest known (all of Kubeflow, 13 MB).
pub const MAX_BYTES: u64 = LIMIT as u64;
const LIMIT: usize = 64 * 1024 * 1024;

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        legacy_octal_numbers: true,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_reader_input_bytes: Some(LIMIT),
            max_events: 8_000_000,
            max_nodes: 4_000_000,
            max_documents: 50_000,
            max_total_scalar_bytes: LIMIT,
        },
    }
}

fn explain(error: &serde_saphyr::Error, file: &Path) -> Error {
    use serde_saphyr::Error as Yaml;
    let problem = match error {
        Yaml::SerdeMissingField { field, .. } => Error::input("missing").field(*field),
        Yaml::SerdeUnknownField { field, expected, .. } => {
            Error::input("there is no such field").field(field).nearest(field, expected.iter().copied())
        }
        Yaml::SerdeUnknownVariant { variant, expected, .. } => {
            Error::input(format!("{variant:?} is not known here")).nearest(variant, expected.iter().copied())
        }
        Yaml::Unexpected { expected: "mapping start", .. } => Error::input("no fields here").expected("a map of fields"),
        Yaml::Unexpected { expected: "sequence start", .. } => Error::input("no list here").expected("a list"),
        _ => match first_line(error) {
            // The parser has no one variant for these.
            text if text.starts_with("budget breached") => {
                Error::input("too much for one file").expected("a smaller file, whose aliases don't multiply it")
            }
            text if text.starts_with("recursion limit") => Error::input("nested too deep"),
            text => Error::input(text),
        },
    };
    let problem = problem.in_file(file);
    match position(error) {
        Some((line, column)) => problem.at(line, column),
        None => problem,
    }
}

/// Where in the text, from 1.
pub(crate) fn position(error: &serde_saphyr::Error) -> Option<(usize, usize)> {
    error.location().map(|place| line_and_column(&place))
}

fn line_and_column(place: &serde_saphyr::Location) -> (usize, usize) {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    (number(place.line()), number(place.column()))
}

/// Line and column (from 1) of the field at `route`, or of the nearest field above it that is there. A number is a place in a list.
#[must_use]
pub fn place(text: &str, route: &[&str]) -> Option<(usize, usize)> {
    let document = yamlpath::Document::new(text.to_owned()).ok()?;
    let part = |name: &&'_ str| name.parse::<usize>().map_or_else(|_| name.to_string().into(), yamlpath::Component::from);
    (1..=route.len()).rev().find_map(|length| {
        let path = yamlpath::Route::from(route[..length].iter().map(part).collect::<Vec<_>>());
        let ((line, column), _) = document.query_exact(&path).ok()??.location.point_span;
        Some((line + 1, column + 1))
    })
}

/// The parser's words without the position, which stands in front in our form, and without advice to programmers.
fn first_line(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    let text = text.lines().next().unwrap_or_default();
    let text = text.split(", set DuplicateKeyPolicy").next().unwrap_or(text);
    text.split(" at line ").next().unwrap_or(text).trim_end_matches([':', ' ']).to_owned()
}

/// Reads one document into a typed value; `file` is named in errors.
pub fn from_str<T: DeserializeOwned>(text: &str, file: &Path) -> Result<T> {
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| explain(&error, file))
}

/// Reads every document of a text, leaving out empty ones; `file` is named in errors.
pub fn documents(text: &str, file: &Path) -> Result<Vec<Value>> {
    let mut documents: Vec<Value> =
        serde_saphyr::from_multiple_with_options(text, options()).map_err(|error| explain(&error, file))?;
    documents.retain(|document| !document.is_null());
    documents.iter_mut().for_each(integral);
    Ok(documents)
}

/// Line and column of the first document that is the one. Reads the text again: for errors.
#[must_use]
pub fn place_of_document(text: &str, is_it: impl Fn(&Value) -> bool) -> Option<(usize, usize)> {
    let documents: Vec<serde_saphyr::Spanned<Value>> = serde_saphyr::from_multiple_with_options(text, options()).ok()?;
    let found = documents.into_iter().find(|document| !document.value.is_null() && is_it(&document.value))?;
    Some(line_and_column(&found.referenced))
}

/// `1e3` and `1.0` are integers to kubectl; a float with no fraction becomes one here too.
fn integral(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            if let Some(float) = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 9e15) {
                #[allow(clippy::cast_possible_truncation, reason = "integral and below 2^53 by the filter above")]
                let integer = float as i64;
                *value = integer.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(integral),
        Value::Object(fields) => fields.values_mut().for_each(integral),
        _ => {}
    }
}

/// Writes a value as YAML: keys sorted, the same bytes for the same value.
#[must_use]
pub fn to_string(value: &Value) -> String {
    let options = serde_saphyr::ser_options! { compact_list_indent: true, min_fold_chars: usize::MAX };
    let mut text = String::new();
    serde_saphyr::to_fmt_writer_with_options(&mut text, &Written(value), options).expect("a JSON value is always YAML");
    text
}

/// A value as it is written. kubectl's parser refuses a block of text that begins with a tab: such a text goes in quotes.
struct Written<'a>(&'a Value);

impl serde::Serialize for Written<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::String(text) if text.trim_start_matches(['\n', ' ']).starts_with('\t') => {
                serde_saphyr::DoubleQuoted(text).serialize(serializer)
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Written)),
            Value::Object(fields) => serializer.collect_map(fields.iter().map(|(name, value)| (name, Written(value)))),
            other => other.serialize(serializer),
        }
    }
}

/// Reads a file as UTF-8 text within the size limit.
pub fn read(file: &Path) -> Result<String> {
    let size = std::fs::metadata(file).map_err(|error| Error::io("read", file, &error))?.len();
    if size > MAX_BYTES {
        return Err(Error::input(format!("{size} bytes are too many"))
            .in_file(file)
            .expected(format!("at most {MAX_BYTES} bytes")));
    }
    let bytes = std::fs::read(file).map_err(|error| Error::io("read", file, &error))?;
    utf8(bytes, file)
}

/// Text from bytes, or an error that names the line of the first byte that is not UTF-8.
pub fn utf8(bytes: Vec<u8>, file: &Path) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.split(|byte| *byte == b'\n').count();
        let column = good.len() - good.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1) + 1;
        Error::input("not UTF-8 text").in_file(file).at(line, column).expected("YAML in UTF-8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_one(text: &str) -> Value {
        documents(text, Path::new("t.yaml")).unwrap().remove(0)
    }

    #[test]
    fn reads_scalars_as_kubectl_does() {
        assert_eq!(
            read_one("a: yes\nb: 0644\nc: 1e3\nd: \"0644\"\ne: 2001-01-01\nf: 1.0\ng: 0.5\nh: ~\n"),
            json!({"a": true, "b": 420, "c": 1000, "d": "0644", "e": "2001-01-01", "f": 1, "g": 0.5, "h": null})
        );
    }

    #[test]
    fn leaves_out_empty_documents() {
        assert_eq!(documents("---\n# nothing\n---\na: 1\n---\n", Path::new("t")).unwrap(), [json!({"a": 1})]);
        assert!(documents("", Path::new("t")).unwrap().is_empty());
    }

    #[test]
    fn refuses_duplicate_keys_with_their_line() {
        let error = documents("a: 1\nb: 2\na: 3\n", Path::new("t.yaml")).unwrap_err();
        assert!(error.to_string().starts_with("t.yaml:3:1: duplicate mapping key"), "{error}");
    }

    #[test]
    fn refuses_a_bomb() {
        let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..12 {
            let before = format!("*a{}", level - 1);
            text.extend([format!("a{level}: &a{level} [{}]\n", vec![before; 9].join(","))]);
        }
        let started = std::time::Instant::now();
        assert!(documents(&text, Path::new("bomb.yaml")).is_err());
        assert!(started.elapsed() < std::time::Duration::from_mins(3));
    }

    #[test]
    fn writes_what_it_reads() {
        let value = json!({"a": "0644", "b": "yes", "c": "x: y", "d": "l1\n  l2\n", "e": [], "f": {}, "g": " x", "h": "12:30", "n": ["a\tb", "é", ""]});
        assert_eq!(read_one(&to_string(&value)), value);
    }

    #[test]
    fn a_place_is_found_or_the_nearest_above() {
        let text = "name: a\nparams:\n  profiles:\n    maxCpu: 10\n";
        assert_eq!(place(text, &["params", "profiles", "maxCpu"]), Some((4, 13)));
        assert_eq!(place(text, &["params", "nothing"]).map(|place| place.0), Some(3));
        assert_eq!(place(text, &["nothing"]), None);
    }

    #[test]
    fn names_the_byte_that_is_not_text() {
        let error = utf8(b"ok\nab\xff".to_vec(), Path::new("t")).unwrap_err();
        assert!(error.to_string().starts_with("t:2:3: not UTF-8"), "{error}");
    }
}
