//! One named item in a list of somebody else's YAML: found, put there and taken out. Every other line stays as it is, comments too.
//!
//! The edit is made in the text, and counts only where the text then reads as before but for that item.

use std::path::Path;

use serde_json::{Map, Value, json};
use yamlpath::{Component, Document, Route};

use crate::error::{Error, Result};

/// The item of this name in a list of the document, where it is there.
pub fn find(text: &str, list: &str, name: &str, file: &Path) -> Result<Option<Value>> {
    let document = read(text, list, file)?;
    Ok(place(&document, list, name).map(|index| document[list][index].clone()))
}

/// The text with this item in the list: in the place of the one of its name, or as the last.
pub fn put(text: &str, list: &str, item: &Value, file: &Path) -> Result<String> {
    let before = read(text, list, file)?;
    let name = item["name"].as_str().unwrap_or_default();
    let mut after = before.clone();
    let items = after.as_object_mut().map(|fields| fields.entry(list).or_insert(json!([])));
    let items = items.filter(|items| !items.is_null()).and_then(Value::as_array_mut);
    let lines = Lines(text);
    let edited = match (items, place(&before, list, name)) {
        (Some(items), Some(index)) => {
            items[index] = item.clone();
            lines.replaced(list, index, item)
        }
        (Some(items), None) => {
            items.push(item.clone());
            if items.len() == 1 {
                lines.first(list, item, before.get(list).is_some())
            } else {
                lines.pushed(list, items.len() - 2, item)
            }
        }
        (None, _) => {
            after[list] = json!([item]);
            lines.first(list, item, true)
        }
    };
    checked(edited, &after, list, file)
}

/// The text without the item of this name; without the list where that was all of it.
pub fn take_out(text: &str, list: &str, name: &str, file: &Path) -> Result<String> {
    let before = read(text, list, file)?;
    let Some(index) = place(&before, list, name) else { return Ok(text.to_owned()) };
    let mut after = before;
    let is_last = after[list].as_array_mut().is_some_and(|items| {
        items.remove(index);
        items.is_empty()
    });
    if is_last && let Some(fields) = after.as_object_mut() {
        fields.remove(list);
    }
    checked(Lines(text).removed(list, index, is_last), &after, list, file)
}

fn read(text: &str, list: &str, file: &Path) -> Result<Value> {
    match super::from_str::<Value>(text, file) {
        Ok(Value::Null) => Ok(Value::Object(Map::new())),
        Ok(document) if document.is_object() && document.get(list).is_none_or(|list| list.is_array() || list.is_null()) => {
            Ok(document)
        }
        Ok(_) => Err(Error::input("it holds something else").in_file(file).field(list).expected("a list")),
        // A text with no document in it at all.
        Err(_) if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) => {
            Ok(Value::Object(Map::new()))
        }
        Err(error) => Err(error),
    }
}

fn place(document: &Value, list: &str, name: &str) -> Option<usize> {
    document.get(list)?.as_array()?.iter().position(|item| item["name"] == name)
}

/// The edited text, where it says what it should and nothing else.
fn checked(edited: Option<String>, wanted: &Value, list: &str, file: &Path) -> Result<String> {
    let says = |text: &String| read(text, list, file).is_ok_and(|document| document == *wanted);
    edited.filter(says).ok_or_else(|| {
        Error::input("its layout is such that one item can't be changed without touching others")
            .in_file(file)
            .field(list)
            .expected("a list with each item on lines of its own")
    })
}

/// Lines as they are written.
struct Lines<'a>(&'a str);

impl Lines<'_> {
    /// Where the value at this place of the list, or the list itself, begins and ends; without what follows its last word.
    fn span(&self, list: &str, index: Option<usize>) -> Option<(usize, usize)> {
        let document = Document::new(self.0.to_owned()).ok()?;
        let parts = [Some(Component::from(list.to_owned())), index.map(Component::from)];
        let (start, end) =
            document.query_exact(&Route::from(parts.into_iter().flatten().collect::<Vec<_>>())).ok()??.location.byte_span;
        let mut end = self.0[..end].trim_end().len();
        // Comments below it count as its own for the parser.
        while self.line_start(end) > start && self.0[self.line_start(end)..end].trim_start().starts_with('#') {
            end = self.0[..self.line_start(end)].trim_end().len();
        }
        Some((start, end.max(start)))
    }

    fn line_start(&self, at: usize) -> usize {
        self.0[..at].rfind('\n').map_or(0, |line_break| line_break + 1)
    }

    /// The end of the line that holds this place, without its break.
    fn line_end(&self, at: usize) -> usize {
        self.0[at..].find('\n').map_or(self.0.len(), |length| at + length)
    }

    fn column(&self, at: usize) -> usize {
        at - self.line_start(at)
    }

    /// A list with one item, where there is none, or an empty one.
    fn first(&self, list: &str, item: &Value, is_there: bool) -> Option<String> {
        let text = super::to_string(&json!({ list: [item] }));
        if !is_there {
            let before = if self.0.trim() == "{}" { "" } else { self.0 };
            let line_break = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
            return Some(format!("{before}{line_break}{text}"));
        }
        let document = Document::new(self.0.to_owned()).ok()?;
        let (start, end) = document.query_pretty(&Route::from(vec![Component::from(list.to_owned())])).ok()?.location.byte_span;
        Some(format!("{}{}{}", &self.0[..start], text.trim_end(), &self.0[end..]))
    }

    fn pushed(&self, list: &str, last: usize, item: &Value) -> Option<String> {
        let (start, _) = self.span(list, None)?;
        let (_, end) = self.span(list, Some(last))?;
        let end = self.line_end(end);
        let text = indented(&super::to_string(&json!([item])), self.column(start));
        Some(format!("{}\n{}{text}{}", &self.0[..end], " ".repeat(self.column(start)), &self.0[end..]))
    }

    fn replaced(&self, list: &str, index: usize, item: &Value) -> Option<String> {
        let (start, end) = self.span(list, Some(index))?;
        let text = indented(&super::to_string(item), self.column(start));
        Some(format!("{}{text}{}", &self.0[..start], &self.0[end..]))
    }

    fn removed(&self, list: &str, index: usize, with_list: bool) -> Option<String> {
        let (start, end) = self.span(list, Some(index))?;
        let dash = self.0[..start].rfind('-')?;
        let start = if with_list { self.0[..dash].rfind(list)? } else { dash };
        let (start, end) = (self.line_start(start), self.line_end(end));
        Some(format!("{}{}", &self.0[..start], self.0[end..].strip_prefix('\n').unwrap_or(&self.0[end..])))
    }
}

/// All lines but the first, so far to the right.
fn indented(text: &str, column: usize) -> String {
    text.trim_end().replace('\n', &format!("\n{}", " ".repeat(column)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "extensionProviders";

    fn ours(port: u16) -> Value {
        json!({"name": "ours", "envoyExtAuthzHttp": {"port": port, "headers": ["a", "b"]}})
    }

    fn file() -> &'static Path {
        Path::new("mesh")
    }

    /// Puts it there, changes it, takes it out again; each time but for the item nothing moves.
    fn there_and_back(text: &str, expected: &str, back: &str) {
        let with = put(text, LIST, &ours(80), file()).unwrap();
        assert_eq!(with, expected);
        assert_eq!(find(&with, LIST, "ours", file()).unwrap(), Some(ours(80)));
        assert_eq!(put(&with, LIST, &ours(80), file()).unwrap(), with, "put twice");
        let changed = put(&with, LIST, &ours(81), file()).unwrap();
        assert_eq!(changed, with.replace("port: 80", "port: 81"));
        assert_eq!(take_out(&changed, LIST, "ours", file()).unwrap(), back);
        assert_eq!(take_out(back, LIST, "ours", file()).unwrap(), back, "taken out twice");
    }

    #[test]
    fn a_list_of_its_own_comes_and_goes() {
        let item = "extensionProviders:\n- envoyExtAuthzHttp:\n    headers:\n    - a\n    - b\n    port: 80\n  name: ours\n";
        let text = "# theirs\nrootNamespace: istio-system # why\n\n# the end\n";
        there_and_back(text, &format!("{text}{item}"), text);
        there_and_back("", item, "");
        there_and_back("a: 1", &format!("a: 1\n{item}"), "a: 1\n");
        there_and_back("extensionProviders: []\na: 1\n", &format!("{item}a: 1\n"), "a: 1\n");
        there_and_back("extensionProviders:\na: 1\n", &format!("{item}a: 1\n"), "a: 1\n");
    }

    #[test]
    fn in_a_list_of_others_theirs_stay_to_the_letter() {
        let item = "- envoyExtAuthzHttp:\n    headers:\n    - a\n    - b\n    port: 80\n  name: ours\n";
        let theirs = "a: 1\nextensionProviders:\n# first\n- name:   theirs   # odd\n  zipkin: {service: 'z'}\n";
        let rest = "\n# after\nz: [1,   2]\n";
        there_and_back(&format!("{theirs}{rest}"), &format!("{theirs}{item}{rest}"), &format!("{theirs}{rest}"));
        let deeper = "extensionProviders:\n  - name: theirs\n    zipkin:\n      service: z # why\nb: 2\n";
        let with = deeper.replace("b: 2\n", &format!("  {}\nb: 2\n", indented(item, 2)));
        there_and_back(deeper, &with, deeper);
        // Ours stands between others.
        let between = with.replace("b: 2\n", "  - name: last\nb: 2\n");
        assert_eq!(take_out(&between, LIST, "ours", file()).unwrap(), deeper.replace("b: 2\n", "  - name: last\nb: 2\n"));
    }

    #[test]
    fn what_can_not_be_edited_is_left_alone() {
        for text in ["{a: 1}", "extensionProviders: [{name: theirs}]\n", "extensionProviders: 7\n", "- a\n", "a: [\n"] {
            assert!(put(text, LIST, &ours(80), file()).is_err(), "{text}");
        }
        let flow = "extensionProviders: [{name: ours}, {name: theirs}]\n";
        assert!(take_out(flow, LIST, "ours", file()).is_err());
    }
}
