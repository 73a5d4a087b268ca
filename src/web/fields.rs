//! What a form or a program says, as names and texts. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::answer::Problem;
use http::StatusCode;

/// The longest name of a field.
const LONGEST: usize = 512;
/// More fields than any of our forms has.
const MOST: usize = 500;

/// Fields and their values; of one that is said twice the last counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields(BTreeMap<String, String>);

impl Fields {
    /// Reads a body, by its content type. In JSON, `{"limits": {"pods": 5}}` is field `limits:pods`, and `{"names": ["a"]}` is `names:0`.
    pub(super) fn read(content_type: &str, body: &[u8]) -> Result<Self, Problem> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        match content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "application/x-www-form-urlencoded" => Ok(Self::decoded(body)),
            "application/json" => match serde_json::from_slice(body) {
                Ok(object) => Self::of(object),
                Err(_) => Err(Problem::new(StatusCode::BAD_REQUEST, "the body is no JSON object")),
            },
            _ => Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a body is a form or JSON")),
        }
    }

    /// Reads a form, or what stands behind the `?` of an address.
    pub(super) fn decoded(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).map(|(name, value)| (name.into_owned(), value.trim().to_owned())).collect())
    }

    /// The fields of a JSON object.
    pub(super) fn of(object: Map<String, Value>) -> Result<Self, Problem> {
        let mut fields = BTreeMap::new();
        let flattened = object.into_iter().try_for_each(|(name, value)| flatten(name, value, &mut fields));
        let too_many = || Problem::new(StatusCode::BAD_REQUEST, "the names in the body are too long or too many");
        flattened.map(|()| Self(fields)).ok_or_else(too_many)
    }

    /// The value of a field; empty where there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Whether a field is there at all.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The fields that begin like this, by the rest of their names.
    pub(super) fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }
}

/// None where a name gets longer than any of ours, or there are more: names are repeated for each item, and would become many times the
/// body.
fn flatten(name: String, value: Value, fields: &mut BTreeMap<String, String>) -> Option<()> {
    if name.len() > LONGEST || fields.len() > MOST {
        return None;
    }
    match value {
        Value::Null => drop(fields.insert(name, String::new())),
        Value::String(text) => drop(fields.insert(name, text.trim().to_owned())),
        Value::Bool(_) | Value::Number(_) => drop(fields.insert(name, value.to_string())),
        Value::Array(items) => {
            for (place, item) in items.into_iter().enumerate() {
                flatten(format!("{name}:{place}"), item, fields)?;
            }
        }
        Value::Object(inner) => {
            for (key, value) in inner {
                flatten(format!("{name}:{key}"), value, fields)?;
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn forms_and_json_say_the_same() {
        let form =
            Fields::read("application/x-www-form-urlencoded; charset=utf-8", b"name=jane&limits%3Apods=5&a=%3Cb%3E+x").unwrap();
        let json = Fields::read("application/json", br#"{"name": "jane ", "limits": {"pods": 5}, "a": "<b> x"}"#).unwrap();
        assert_eq!(form, json);
        let deep = Fields::read("application/json", br#"{"a": [{"b": 1}, "x"]}"#).unwrap();
        assert_eq!((deep.get("a:0:b"), deep.get("a:1")), ("1", "x"));
        let long = format!("{{\"{}\": [1, 2]}}", "a".repeat(600));
        assert!(Fields::read("application/json", long.as_bytes()).is_err());
        let many = json!({"a": vec![0; 600]}).to_string();
        assert!(Fields::read("application/json", many.as_bytes()).is_err());
        assert_eq!(form.under("limits:").collect::<Vec<_>>(), [("pods", "5")]);
        for (content_type, body) in
            [("application/json", "[]"), ("application/json", "{\"a\": "), ("text/plain", "a=b"), ("", "a=b")]
        {
            assert!(Fields::read(content_type, body.as_bytes()).is_err(), "{content_type} {body}");
        }
    }
}
