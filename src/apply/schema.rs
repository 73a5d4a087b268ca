//! Checks an object against the structural schema of a `CustomResourceDefinition` that is only about to be installed, so that no
//! dry-run on the server can. Pure. What structure alone can't tell (CEL rules, patterns) the server checks when the object is
//! written.

use serde_json::Value;

use crate::object::list;

/// What is wrong with `object` by the schema of its `version` in `definition`: (field, what). Empty where nothing is.
#[must_use]
pub(super) fn violations(definition: &Value, version: &str, object: &Value) -> Vec<(String, String)> {
    let versions = list(definition, "/spec/versions");
    let entry = versions.iter().find(|entry| entry.get("name").and_then(Value::as_str) == Some(version));
    let mut found = Vec::new();
    match entry.and_then(|entry| entry.pointer("/schema/openAPIV3Schema")) {
        Some(schema) => check(schema, object, "", &mut found),
        None => found.push(("apiVersion".into(), format!("the definition has no version {version}"))),
    }
    found
}

fn flag(schema: &Value, name: &str) -> bool {
    schema.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn check(schema: &Value, value: &Value, path: &str, found: &mut Vec<(String, String)>) {
    let mut say = |what: String| found.push((path.trim_start_matches('.').to_owned(), what));
    if value.is_null() && !path.is_empty() {
        // The server prunes nulls where the schema does not take them.
        return;
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        let names: Vec<String> = allowed.iter().map(|value| value.to_string().trim_matches('"').to_owned()).collect();
        say(format!("{value} is not one of {}", names.join(", ")));
    }
    let int_or_string = flag(schema, "x-kubernetes-int-or-string");
    let fits = match schema.get("type").and_then(Value::as_str) {
        _ if int_or_string => value.is_i64() || value.is_u64() || value.is_string(),
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        _ => true,
    };
    if !fits {
        let wanted = if int_or_string { "integer or string" } else { schema["type"].as_str().unwrap_or_default() };
        say(format!("{} is no {wanted}", kind_of(value)));
        return;
    }
    match value {
        Value::Object(fields) => {
            for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
                if !fields.contains_key(name) {
                    say(format!("field {name} is missing"));
                }
            }
            let properties = schema.get("properties").and_then(Value::as_object);
            let open = flag(schema, "x-kubernetes-preserve-unknown-fields");
            let additional = schema.get("additionalProperties");
            for (name, value) in fields {
                let below = format!("{path}.{name}");
                let embedded = path.is_empty() || flag(schema, "x-kubernetes-embedded-resource");
                if embedded && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
                    continue;
                }
                match properties.and_then(|properties| properties.get(name)) {
                    Some(schema) => check(schema, value, &below, found),
                    None if additional.is_some_and(Value::is_object) => {
                        check(additional.unwrap_or(&Value::Null), value, &below, found);
                    }
                    None if open || additional.and_then(Value::as_bool).unwrap_or(false) => {}
                    None => found.push((below.trim_start_matches('.').to_owned(), "the definition has no such field".into())),
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                for (place, item) in items.iter().enumerate() {
                    check(schema, item, &format!("{path}[{place}]"), found);
                }
            }
        }
        Value::Number(number) => {
            let limit = |name: &str| schema.get(name).and_then(Value::as_f64);
            let number = number.as_f64().unwrap_or_default();
            if limit("minimum").is_some_and(|least| number < least) || limit("maximum").is_some_and(|most| number > most) {
                say(format!("{value} is outside of the limits"));
            }
        }
        _ => {}
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check_spec(spec: Value) -> Vec<String> {
        let definition = json!({"spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": {"type": "object", "properties": {
            "spec": {"type": "object", "required": ["size"], "properties": {
                "size": {"type": "integer", "minimum": 1},
                "mode": {"type": "string", "enum": ["a", "b"]},
                "port": {"x-kubernetes-int-or-string": true},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                "list": {"type": "array", "items": {"type": "string"}}}}}}}}]}});
        let object = json!({"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": spec});
        violations(&definition, "v1", &object).into_iter().map(|(field, what)| format!("{field}: {what}")).collect()
    }

    #[test]
    fn takes_what_fits() {
        let good = json!({"size": 1, "mode": "a", "port": "80", "labels": {"x": "y"}, "free": {"any": [1]}, "list": ["a"]});
        assert!(check_spec(good).is_empty());
    }

    #[test]
    fn names_field_and_fault() {
        assert_eq!(check_spec(json!({})), ["spec: field size is missing"]);
        assert_eq!(
            check_spec(json!({"size": "1", "mode": "c", "port": 1.5, "labels": {"x": 1}, "list": [2], "sizee": 1})),
            [
                "spec.labels.x: a number is no string",
                "spec.list[0]: a number is no string",
                "spec.mode: \"c\" is not one of a, b",
                "spec.port: a number is no integer or string",
                "spec.size: a string is no integer",
                "spec.sizee: the definition has no such field"
            ]
        );
    }
}
