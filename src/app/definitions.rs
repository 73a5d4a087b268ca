//! Definitions of kinds are nearly all of the text of a large application, and reading them as YAML is nearly all of the work of an
//! apply that changes nothing. What a definition's text says is kept in the user's cache, by the text's sha256: whoever loses it
//! reads the text again. Definitions hold no secrets; nothing else is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::digest::sha256;
use crate::directories::{cache_directory, store};
use crate::error::{Error, Result};
use crate::object::{self, Object};
use crate::yaml;

/// From how many bytes on a text is worth it.
const WORTH: usize = 256 * 1024;

/// First line of the file: another version may read a text otherwise.
const HEAD: &str = concat!("kfctl ", env!("CARGO_PKG_VERSION"));

/// Definitions of one component that were read before: the sha256 of each text, and what it says, as JSON.
pub(super) struct Definitions {
    file: Option<PathBuf>,
    known: BTreeMap<String, String>,
    used: BTreeSet<String>,
    is_new: bool,
}

impl Definitions {
    /// Those that were kept under this name.
    pub(super) fn load(name: &str) -> Self {
        Self::from(cache_directory().ok().map(|cache| cache.join("definitions").join(name)))
    }

    fn from(file: Option<PathBuf>) -> Self {
        let text = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
        let lines = text.split_once('\n').filter(|(head, _)| *head == HEAD).map_or("", |(_, lines)| lines);
        let known = lines.lines().filter_map(|line| line.split_once(' '));
        let known = known.map(|(sum, json)| (sum.to_owned(), json.to_owned())).collect();
        Self { file, known, used: BTreeSet::new(), is_new: false }
    }

    /// The objects of a text, as [`object::parse`] reads them.
    pub(super) fn parse(&mut self, text: &str, file: &Path) -> Result<Vec<Object>> {
        let starts = if text.len() < WORTH { None } else { starts(text) };
        let Some(starts) = starts else { return object::parse(text, file) };
        let found = self.documents(text, &starts, file).and_then(|documents| object::objects(documents, file));
        // An error names its line in the whole text.
        found.or_else(|_| object::parse(text, file))
    }

    fn documents(&mut self, text: &str, starts: &[usize], file: &Path) -> Result<Vec<Value>> {
        let ends = starts.iter().skip(1).copied().chain([text.len()]);
        let (mut documents, mut rest) = (Vec::new(), 0);
        for (start, end) in starts.iter().copied().zip(ends).filter(|(start, end)| is_definition(&text[*start..*end])) {
            documents.extend(yaml::documents(&text[rest..start], file)?);
            documents.push(self.definition(&text[start..end], file)?);
            rest = end;
        }
        documents.extend(yaml::documents(&text[rest..], file)?);
        Ok(documents)
    }

    fn definition(&mut self, text: &str, file: &Path) -> Result<Value> {
        let sum = sha256(text.as_bytes());
        if let Some(value) = self.known.get(&sum).and_then(|json| serde_json::from_str(json).ok()) {
            self.used.insert(sum);
            return Ok(value);
        }
        let Ok([value]) = <[Value; 1]>::try_from(yaml::documents(text, file)?) else {
            return Err(Error::input("more than one document").in_file(file));
        };
        let json = value.to_string();
        // A fraction may come back as its neighbour.
        if serde_json::from_str::<Value>(&json).is_ok_and(|read| read == value) {
            self.known.insert(sum.clone(), json);
            self.used.insert(sum);
            self.is_new = true;
        }
        Ok(value)
    }

    /// Keeps what was used.
    pub(super) fn keep(mut self) {
        let Some(file) = self.file.filter(|_| self.is_new || self.used.len() < self.known.len()) else { return };
        self.known.retain(|sum, _| self.used.contains(sum));
        let lines = self.known.iter().map(|(sum, json)| format!("{sum} {json}\n"));
        let text: String = std::iter::once(format!("{HEAD}\n")).chain(lines).collect();
        if let Err(error) = store(&file, text.as_bytes()) {
            tracing::debug!("not kept: {error}");
        }
    }
}

/// Where documents start; `None` where lines alone don't tell.
fn starts(text: &str) -> Option<Vec<usize>> {
    let (mut starts, mut at) = (vec![0], 0);
    for line in text.split_inclusive('\n') {
        if line.starts_with('%') || line.starts_with("...") {
            return None;
        }
        if line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace)) {
            starts.push(at);
        }
        at += line.len();
    }
    Some(starts)
}

/// Whether a document is a definition whose text says all once: the limits against what aliases multiply hold for a whole text.
fn is_definition(document: &str) -> bool {
    document.lines().any(|line| line.trim_end() == "kind: CustomResourceDefinition")
        && !(has_token(document, '&') && has_token(document, '*'))
}

/// Whether an anchor or alias may begin anywhere. More is taken for one than is one.
fn has_token(document: &str, mark: char) -> bool {
    document.match_indices(mark).any(|(at, _)| {
        let before = document[..at].chars().next_back();
        let after = document[at + 1..].chars().next();
        before.is_none_or(|before| before.is_whitespace() || "[{,:\"'".contains(before))
            && after.is_some_and(|after| !after.is_whitespace())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(name: &str, more: &str) -> String {
        let kind = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition";
        format!("---\n{kind}\nmetadata: {{name: {name}}}\nspec:\n  text: \"{}\"\n{more}", "x".repeat(WORTH))
    }

    fn read(file: &Path, text: &str) -> Result<Vec<(String, Value)>> {
        let mut definitions = Definitions::from(Some(file.to_owned()));
        let found = definitions.parse(text, Path::new("t.yaml"))?;
        definitions.keep();
        Ok(found.into_iter().map(|object| (object.id.to_string(), Value::clone(&object.content))).collect())
    }

    #[test]
    fn what_is_kept_reads_as_the_text_does_and_follows_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("d");
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: hunter2}\n";
        let text = |more| format!("{secret}{}---\n{secret}---\n", definition("a", more)).replacen("name: s", "name: t", 1);
        for more in ["", "  a: 1\n", "  a: 0.1\n", "  b: [yes, 0644]\n"] {
            let plain: Vec<_> = object::parse(&text(more), Path::new("t.yaml")).unwrap();
            let plain: Vec<_> = plain.into_iter().map(|object| (object.id.to_string(), Value::clone(&object.content))).collect();
            assert_eq!(read(&file, &text(more)).unwrap(), plain, "read");
            assert_eq!(read(&file, &text(more)).unwrap(), plain, "remembered");
            let kept = std::fs::read_to_string(&file).unwrap();
            assert_eq!(kept.lines().count(), 2, "the one that is there, and no older one");
            assert!(!kept.contains("hunter2") && kept.contains(" {\"apiVersion\""), "{more}");
        }
        // It is what is kept that counts, as long as the text is the same.
        let kept = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, kept.replace("[true,420]", "[false,420]")).unwrap();
        assert_eq!(read(&file, &text("  b: [yes, 0644]\n")).unwrap()[1].1["spec"]["b"][0], false);
        std::fs::write(&file, kept.replace(HEAD, "kfctl of old").replace("[true,420]", "[false,420]")).unwrap();
        assert_eq!(read(&file, &text("  b: [yes, 0644]\n")).unwrap()[1].1["spec"]["b"][0], true);
    }

    #[test]
    fn errors_name_their_line_in_the_whole_text() {
        let directory = tempfile::tempdir().unwrap();
        let text = format!("{}{}", definition("a", ""), definition("b", "  c: 1\n  c: 2\n"));
        let error = read(&directory.path().join("d"), &text).unwrap_err().to_string();
        assert!(error.starts_with("t.yaml:14:3: duplicate mapping key"), "{error}");
    }

    #[test]
    fn what_could_multiply_is_read_as_a_whole() {
        for (document, is) in [
            ("", true),
            ("a: R&D & *x*\n", true),
            ("a: &b 1\n", true),
            ("a: &b 1\nc: *b\n", false),
            ("{\"a\":&b 1, c: [*b]}", false),
        ] {
            assert_eq!(is_definition(&format!("kind: CustomResourceDefinition\n{document}")), is, "{document}");
        }
        assert_eq!(starts("a: 1\n---\nb: 1\n--- {c: 1}\nd: |\n  ---\n---x: 1\n"), Some(vec![0, 5, 14]));
        assert_eq!(starts("%YAML 1.2\n---\n"), None);
    }
}
