//! Files in rendered/ that a hand has edited: found by the sums beside them, shown, and turned into overlays.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::App;
use super::rendered::{Rendered, SUMS, folder};
use crate::catalog::Catalog;
use crate::difference::Difference;
use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::object::Object;
use crate::yaml;

/// The longest difference shown of one file, in lines.
const LINES: usize = 40;

/// A file in rendered/ that is not what kfctl wrote there.
#[derive(Debug)]
pub struct Edit {
    /// The component.
    pub component: String,
    /// The file below the app directory.
    pub file: PathBuf,
    /// What would be rendered now; `None` where nothing would.
    rendered: Option<String>,
    /// What stands there; `None` where it was deleted.
    edited: Option<String>,
    /// Whether it was rendered from another state of the app, so that the edit can't be told from what has changed since.
    outdated: bool,
}

/// The edits in these components.
pub fn edits(directory: &Path, components: &[Rendered]) -> Result<Vec<Edit>> {
    let mut found = Vec::new();
    for component in components {
        find(directory, component, &mut found)?;
    }
    Ok(found)
}

fn find(directory: &Path, component: &Rendered, found: &mut Vec<Edit>) -> Result<()> {
    let folder = folder(directory, component);
    let read = |path: &Path| match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", path, &error)),
    };
    let sums = read(&folder.join(SUMS))?.unwrap_or_default();
    let sums = String::from_utf8_lossy(&sums);
    let mut written: BTreeMap<String, Option<&str>> =
        sums.lines().filter_map(|line| line.split_once("  ")).map(|(sum, name)| (name.to_owned(), Some(sum))).collect();
    // Files that a hand has put beside ours would be lost with the folder.
    for entry in std::fs::read_dir(&folder).into_iter().flatten().filter_map(std::result::Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if Path::new(&name).extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            written.entry(name).or_insert(None);
        }
    }
    for (name, sum) in written {
        let path = folder.join(&name);
        let bytes = read(&path)?;
        let rendered = component.files.get(&name);
        // Edited so that it says what would be rendered now: nothing is lost.
        let ours = bytes.as_ref().is_some_and(|bytes| {
            rendered.is_some_and(|text| text.as_bytes() == bytes) || sum.is_some_and(|sum| sha256(bytes) == sum)
        });
        // Deleted here, and by the app too.
        if ours || bytes.is_none() && rendered.is_none() {
            continue;
        }
        let file = Path::new("rendered").join(&component.component).join(&name);
        found.push(Edit {
            component: component.component.clone(),
            edited: bytes.map(|bytes| yaml::utf8(bytes, &file)).transpose()?,
            rendered: rendered.cloned(),
            outdated: sum != rendered.map(|text| sha256(text.as_bytes())).as_deref(),
            file,
        });
    }
    Ok(())
}

/// The error that stops what would overwrite these edits; nothing where there are none.
pub fn refuse(edits: &[Edit]) -> Result<()> {
    if edits.is_empty() {
        return Ok(());
    }
    let mut error = Error::input("files in rendered/ were edited by hand; a new rendering would lose that");
    for edit in edits {
        error = error.detail(edit.shown().trim_end().replace('\n', "\n  "));
    }
    Err(error
        .hint("to keep the edits: `kfctl overlay save` writes them to overlays/")
        .hint("to drop the edits: `kfctl generate k8s --discard-edits`"))
}

fn parsed(text: &str, file: &Path) -> Result<Value> {
    match <[Value; 1]>::try_from(yaml::documents(text, file)?) {
        Ok([value]) => Ok(value),
        Err(found) => Err(Error::input(format!("{} documents", found.len())).in_file(file).expected("one object a file")),
    }
}

impl Edit {
    /// Whether the file is still there.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.edited.is_some()
    }

    /// What the edit changes, with the values of a Secret left out.
    #[must_use]
    pub fn shown(&self) -> String {
        let file = self.file.display();
        let (Some(rendered), Some(edited)) = (&self.rendered, &self.edited) else {
            let what = if self.edited.is_none() { "deleted" } else { "not one of the component's objects" };
            return format!("{file}: {what}");
        };
        let values = parsed(rendered, &self.file).and_then(|before| Ok((before, parsed(edited, &self.file)?)));
        let secret = rendered.contains("Secret") || edited.contains("Secret");
        let text = match values {
            Ok((before, after)) if secret => Difference::new(Some(&before), Some(&after)).unified("rendered", "edited"),
            Err(error) if secret => return error.to_string(),
            _ => similar::TextDiff::from_lines(rendered, edited).unified_diff().header("rendered", "edited").to_string(),
        };
        let lines: Vec<&str> = text.lines().collect();
        let more = lines.len().saturating_sub(LINES);
        let more = if more > 0 { format!("\n({more} more lines)") } else { String::new() };
        format!("{file}:\n{}{more}", lines[..lines.len().min(LINES)].join("\n"))
    }

    /// The edit as a partial object that is merged over what is rendered; `None` where it changes nothing but the text.
    fn overlay(&self) -> Result<Option<Value>> {
        let file = || self.file.clone();
        let Some(edited) = &self.edited else {
            return Err(Error::input("deleted: an overlay can't remove an object")
                .in_file(file())
                .hint("bring it back: `kfctl generate k8s --discard-edits`"));
        };
        let edited_value = parsed(edited, &self.file)?;
        let Some(rendered) = &self.rendered else {
            return Err(Error::input("not one of the component's objects: an overlay can't add one")
                .in_file(file())
                .hint("bring it as a component of your own: `kfctl component add NAME --from FILE`, with the file moved out of rendered/"));
        };
        let rendered_value = parsed(rendered, &self.file)?;
        let (before, after) = (Object::new(rendered_value.clone(), file())?, Object::new(edited_value.clone(), file())?);
        if before.id != after.id {
            return Err(Error::input(format!(
                "{} became {}: an overlay can't give an object another identity",
                before.id, after.id
            ))
            .in_file(file())
            .hint("to have both, bring the new one as a component of your own: `kfctl component add NAME --from FILE`"));
        }
        if edited_value.get("status").is_some() {
            return Err(Error::input("a status is the cluster's own to write; it can't be kept").in_file(file()).field("status"));
        }
        let Some(patch) = patch(&rendered_value, &edited_value) else { return Ok(None) };
        if self.outdated {
            return Err(Error::input("rendered before the app changed, so the edit can't be told from that change")
                .in_file(file())
                .hint("undo the change (of a parameter, an overlay or kfctl itself), run this again, and make the change anew")
                .hint(format!(
                    "or write the overlay by hand to overlays/{}/, and drop the edit: `kfctl generate k8s --discard-edits`",
                    self.component
                )));
        }
        let mut overlay = Map::new();
        overlay.insert("apiVersion".into(), after.api_version().into());
        overlay.insert("kind".into(), after.id.kind.clone().into());
        overlay.insert("metadata".into(), serde_json::json!({"name": after.id.name}));
        if !after.id.namespace.is_empty() {
            overlay["metadata"]["namespace"] = after.id.namespace.into();
        }
        let mut overlay = Value::Object(overlay);
        compose(&mut overlay, patch);
        Ok(Some(overlay))
    }
}

/// What turns `before` into `after`, as a JSON merge patch (RFC 7386); `None` where nothing does.
fn patch(before: &Value, after: &Value) -> Option<Value> {
    match (before, after) {
        _ if before == after => None,
        (Value::Object(before), Value::Object(after)) => {
            let removed = before.keys().filter(|name| !after.contains_key(*name)).map(|name| (name.clone(), Value::Null));
            let changed = after.iter().filter_map(|(name, value)| match before.get(name) {
                Some(old) => Some((name.clone(), patch(old, value)?)),
                None => Some((name.clone(), value.clone())),
            });
            Some(removed.chain(changed).collect::<Map<_, _>>().into())
        }
        _ => Some(after.clone()),
    }
}

/// One patch after another, as one.
fn compose(first: &mut Value, second: Value) {
    match (first, second) {
        (Value::Object(first), Value::Object(second)) => {
            for (name, value) in second {
                compose(first.entry(name).or_insert_with(|| Value::Object(Map::new())), value);
            }
        }
        (first, second) => *first = second,
    }
}

/// What became of edits.
#[derive(Debug, Default)]
pub struct Saved {
    /// The overlays that hold them now.
    pub overlays: Vec<SavedOverlay>,
    /// Files whose edit said nothing new, only otherwise.
    pub text_only: Vec<PathBuf>,
}

/// An overlay as it will be written.
#[derive(Debug)]
pub struct SavedOverlay {
    /// The file below the app directory.
    pub file: PathBuf,
    /// The rendered file whose edit it holds.
    pub edit: PathBuf,
    /// Whether it holds values of a Secret.
    pub holds_secret: bool,
    text: String,
}

impl App {
    /// Turns the edits in these components into overlays, and rendered/ into what they give; all of them, or none and why.
    pub fn save_edits(&self, catalog: &Catalog, names: &[String]) -> Result<Saved> {
        let rendered = self.render(catalog, names)?;
        let edits = edits(&self.directory, &rendered)?;
        let mut saved = Saved::default();
        for edit in &edits {
            match self.saved(edit)? {
                Some(overlay) => saved.overlays.push(overlay),
                None => saved.text_only.push(edit.file.clone()),
            }
        }
        let texts: BTreeMap<PathBuf, String> =
            saved.overlays.iter().map(|overlay| (overlay.file.clone(), overlay.text.clone())).collect();
        let again = self.render_with(catalog, names, &texts)?;
        for edit in &edits {
            verify(edit, &again)?;
        }
        for overlay in &saved.overlays {
            let path = self.directory.join(&overlay.file);
            super::replace(&path, &overlay.text)?;
        }
        super::write_all(&self.directory, &again)?;
        Ok(saved)
    }

    /// The overlay that holds this edit, together with what its file holds already.
    fn saved(&self, edit: &Edit) -> Result<Option<SavedOverlay>> {
        let Some(overlay) = edit.overlay()? else { return Ok(None) };
        let holds_secret = overlay["kind"] == "Secret" && (overlay.get("data").is_some() || overlay.get("stringData").is_some());
        let name = edit.file.file_name().unwrap_or_default();
        let file = Path::new("overlays").join(&edit.component).join(name);
        let path = self.directory.join(&file);
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => yaml::to_string(&overlay),
            Err(error) => return Err(Error::io("read", &path, &error)),
            Ok(before) => match <[Value; 1]>::try_from(yaml::documents(&before, &file)?) {
                // One that was saved before.
                Ok([mut whole]) if yaml::to_string(&whole) == before => {
                    compose(&mut whole, overlay);
                    yaml::to_string(&whole)
                }
                // Written by hand: its comments and its order stay.
                _ => format!("{}\n---\n{}", before.trim_end(), yaml::to_string(&overlay)),
            },
        };
        Ok(Some(SavedOverlay { file, edit: edit.file.clone(), holds_secret, text }))
    }
}

/// The new rendering says what the edit says.
fn verify(edit: &Edit, again: &[Rendered]) -> Result<()> {
    let name = edit.file.file_name().unwrap_or_default().to_string_lossy();
    let text = again
        .iter()
        .find(|rendered| rendered.component == edit.component)
        .and_then(|rendered| rendered.files.get(&*name))
        .cloned()
        .unwrap_or_default();
    let (now, meant) = (parsed(&text, &edit.file)?, parsed(edit.edited.as_deref().unwrap_or_default(), &edit.file)?);
    let difference = Difference::new(Some(&now), Some(&meant));
    if now == meant {
        return Ok(());
    }
    let mut error = Error::input("this edit can't be kept by an overlay").in_file(edit.file.clone());
    for change in difference.fields() {
        error = match change.after {
            None | Some(Value::Null) => error.detail(format!("{}: null, or nothing, can't be put there", change.field)),
            Some(_) => error.detail(format!("{}: another overlay of overlays/{}/ sets it too", change.field, edit.component)),
        };
    }
    Err(error.hint("edit the overlay that is there, or write one by hand; nothing was changed"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn patches_are_the_least_there_is() {
        let before = json!({"a": 1, "gone": {"x": 1}, "deep": {"same": 1, "less": 2}, "list": [1, 2], "was": "text"});
        let after = json!({"a": 1, "deep": {"same": 1, "more": {}}, "list": [1], "was": {"map": true}});
        assert_eq!(
            patch(&before, &after),
            Some(json!({"gone": null, "deep": {"less": null, "more": {}}, "list": [1], "was": {"map": true}}))
        );
        assert_eq!(patch(&before, &before), None);
    }

    #[test]
    fn two_patches_are_one() {
        let mut first = json!({"a": 1, "b": {"c": null, "d": 1}});
        compose(&mut first, json!({"a": null, "b": {"c": 2}, "e": {"f": 1}}));
        assert_eq!(first, json!({"a": null, "b": {"c": 2, "d": 1}, "e": {"f": 1}}));
    }
}
