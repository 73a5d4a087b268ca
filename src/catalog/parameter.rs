//! Parameters of components: a type, a default, a meaning and a rule each.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::quantity::Quantity;
use crate::error::{Error, Result};

/// What a parameter may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParameterType {
    /// A Kubernetes quantity, not negative: `100`, `500m`, `1T`, `64Gi`.
    Quantity,
    /// A whole number.
    Int,
    /// `true` or `false`.
    Bool,
    /// One of a list of words.
    Enum,
    /// Any text on one line.
    String,
    /// An e-mail address.
    Email,
    /// A container image reference.
    Image,
    /// A duration such as `90s`, `10m` or `1h30m`.
    Duration,
    /// A DNS host name.
    Host,
}

impl fmt::Display for ParameterType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quantity => "quantity",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::Enum => "enum",
            Self::String => "string",
            Self::Email => "email",
            Self::Image => "image",
            Self::Duration => "duration",
            Self::Host => "host",
        })
    }
}

/// A parameter as component.yaml declares it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Declaration {
    r#type: ParameterType,
    default: Value,
    description: String,
    #[serde(default)]
    values: Vec<String>,
    min: Option<i64>,
    max: Option<i64>,
    #[serde(default)]
    optional: bool,
    required: Option<String>,
}

/// A parameter of a component.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name, such as `maxCpu`.
    pub name: String,
    /// What it may hold.
    pub r#type: ParameterType,
    /// The value where nobody sets one.
    pub default: Value,
    /// What it means, in a sentence.
    pub description: String,
    values: Vec<String>,
    min: Option<i64>,
    max: Option<i64>,
    optional: bool,
    /// When it has to hold something: an expression such as `params.login == "oidc"`.
    pub required: Option<String>,
}

/// A value that passed its parameter's rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The value as templates see it: a string, integer or boolean.
    pub value: Value,
    /// What was taken differently from how it was written.
    pub note: Option<String>,
}

impl From<Value> for Parsed {
    fn from(value: Value) -> Self {
        Self { value, note: None }
    }
}

impl Parameter {
    /// What it means where it has to hold something: without what an empty one would be.
    #[must_use]
    pub fn meaning(&self) -> &str {
        self.description.split("; empty").next().unwrap_or_default()
    }

    pub(super) fn new(name: &str, declaration: Declaration) -> Result<Self> {
        let mut parameter = Self {
            name: name.to_owned(),
            r#type: declaration.r#type,
            default: Value::Null,
            description: declaration.description,
            values: declaration.values,
            min: declaration.min,
            max: declaration.max,
            optional: declaration.optional,
            required: declaration.required,
        };
        parameter.default =
            parameter.parse_value(&declaration.default).map_err(|error| error.field(format!("params.{name}.default")))?.value;
        Ok(parameter)
    }

    /// Takes a value as it stands in app.yaml.
    pub fn parse_value(&self, value: &Value) -> Result<Parsed> {
        match value {
            Value::String(text) => self.parse(text),
            Value::Number(_) | Value::Bool(_) => self.parse(&value.to_string()),
            _ => Err(Error::input("a list, a map or nothing is no value for a parameter").expected(self.expectation())),
        }
    }

    /// Takes a value as it is typed on a command line.
    pub fn parse(&self, text: &str) -> Result<Parsed> {
        let text = text.trim();
        if text.is_empty() && self.optional {
            return Ok(Value::from("").into());
        }
        self.check(text).ok_or_else(|| {
            let shown: String = text.chars().take(60).collect();
            Error::input(format!("{shown:?} is no {}", self.r#type)).expected(self.expectation())
        })
    }

    fn check(&self, text: &str) -> Option<Parsed> {
        let valid = |good: bool| good.then(|| Parsed::from(Value::from(text)));
        match self.r#type {
            ParameterType::Quantity => {
                let quantity = Quantity::parse(text)?;
                Some(Parsed { value: quantity.text.into(), note: quantity.note })
            }
            ParameterType::Int => {
                let number: i64 = text.parse().ok()?;
                let inside = self.min.is_none_or(|min| number >= min) && self.max.is_none_or(|max| number <= max);
                inside.then(|| Value::from(number).into())
            }
            ParameterType::Bool => text.parse::<bool>().ok().map(|value| Value::from(value).into()),
            ParameterType::Enum => valid(self.values.iter().any(|value| value == text)),
            ParameterType::String => valid(!text.is_empty() && !text.chars().any(char::is_control)),
            ParameterType::Email => valid(is_email(text)),
            ParameterType::Image => valid(is_image(text)),
            ParameterType::Duration => valid(parse_duration(text).is_some()),
            ParameterType::Host => valid(is_host(text)),
        }
    }

    /// What the parameter takes, in words.
    #[must_use]
    pub fn expectation(&self) -> String {
        let basic = match self.r#type {
            ParameterType::Quantity => "a quantity of Kubernetes, not negative: 100, 500m, 64Gi, 1T".to_owned(),
            ParameterType::Int => match (self.min, self.max) {
                (Some(min), Some(max)) => format!("a whole number from {min} to {max}"),
                (Some(min), None) => format!("a whole number of at least {min}"),
                (None, Some(max)) => format!("a whole number of at most {max}"),
                (None, None) => "a whole number".to_owned(),
            },
            ParameterType::Bool => "true or false".to_owned(),
            ParameterType::Enum => format!("one of {}", self.values.join(", ")),
            ParameterType::String => "text on one line".to_owned(),
            ParameterType::Email => "an e-mail address such as jane@acme.com".to_owned(),
            ParameterType::Image => "an image such as registry.example.com/team/name:tag".to_owned(),
            ParameterType::Duration => "a duration such as 90s, 10m or 1h30m".to_owned(),
            ParameterType::Host => "a host name such as kubeflow.acme.com".to_owned(),
        };
        if self.optional { format!("{basic}, or nothing") } else { basic }
    }
}

/// Whether it is an e-mail address.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '@' | '*' | ',' | ';' | '<' | '>' | '"');
    !local.is_empty() && local.len() <= 64 && !local.contains(odd) && host.contains('.') && is_host(host)
}

fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

/// Whether it is the name of an image.
#[must_use]
pub fn is_image(text: &str) -> bool {
    let (rest, digest) = text.split_once('@').map_or((text, None), |(rest, digest)| (rest, Some(digest)));
    let good_digest = digest.is_none_or(|digest| {
        digest.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.chars().all(|c| c.is_ascii_hexdigit()))
    });
    let path_start = rest.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match rest[path_start..].split_once(':') {
        Some((last, tag)) => (format!("{}{last}", &rest[..path_start]), Some(tag)),
        None => (rest.to_owned(), None),
    };
    let word = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c) || more.contains(c))
    };
    good_digest
        && tag.is_none_or(|tag| tag.len() <= 128 && word(tag, ""))
        && name.split('/').enumerate().all(|(place, part)| word(part, if place == 0 { ":" } else { "" }))
}

/// Parses `1h30m`, `90s`, `500ms`; `None` where the text is no duration or longer than the type can hold.
#[must_use]
pub fn parse_duration(text: &str) -> Option<std::time::Duration> {
    let mut rest = text;
    let mut total = std::time::Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| at + digits);
        let unit = match &rest[digits..unit_end] {
            "ms" => std::time::Duration::from_millis(number),
            "s" => std::time::Duration::from_secs(number),
            "m" => std::time::Duration::from_secs(number.checked_mul(60)?),
            "h" => std::time::Duration::from_secs(number.checked_mul(3600)?),
            _ => return None,
        };
        total = total.checked_add(unit)?;
        rest = &rest[unit_end..];
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parameter(r#type: &str, more: Value) -> Parameter {
        let mut declaration = json!({"type": r#type, "default": "", "description": "", "optional": true});
        declaration.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut parameter = Parameter::new("p", serde_json::from_value(declaration).unwrap()).unwrap();
        parameter.optional = false;
        parameter
    }

    fn takes(r#type: &str, more: Value, good: &[&str], bad: &[&str]) {
        let parameter = parameter(r#type, more);
        for text in good {
            assert!(parameter.parse(text).is_ok(), "{type} should take {text:?}");
        }
        for text in bad {
            assert!(parameter.parse(text).is_err(), "{type} should refuse {text:?}");
        }
    }

    #[test]
    fn each_type_takes_its_own() {
        takes("int", json!({"min": 0, "max": 10}), &["0", "10"], &["-1", "11", "x", "1.5", ""]);
        takes("bool", json!({}), &["true", "false"], &["yes", "1", ""]);
        takes("enum", json!({"values": ["a", "b"]}), &["a"], &["c", "A", ""]);
        takes("string", json!({}), &["x y"], &["a\nb", ""]);
        takes("email", json!({}), &["jane@foo.com", "a.b+c@x.org"], &["jane", "@foo.com", "a b@x.org", "j*@x.org", "a@b"]);
        takes(
            "image",
            json!({}),
            &[
                "nginx",
                "nginx:1",
                "localhost:5000/a/b:v1",
                "r.io/a@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            ],
            &["", "a b", "a:", "a/", "a@sha256:zz"],
        );
        takes("duration", json!({}), &["90s", "10m", "1h30m", "500ms"], &["", "10", "m", "10x", "99999999999999999999h"]);
        takes("host", json!({}), &["kubeflow.acme.com", "a"], &["", "-a", "a..b", "a_b", "a b"]);
    }

    #[test]
    fn the_error_says_what_is_expected() {
        let error = parameter("int", json!({"min": 1})).parse("0").unwrap_err();
        assert_eq!(error.to_string(), "\"0\" is no int; expected a whole number of at least 1");
    }
}
