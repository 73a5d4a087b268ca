//! What programs may send: the description that is served to them is what their requests are held to, so that the two can't differ. A path
//! or method that it does not have is not answered; an unknown field, one that is missing, or one of another type is named. Pure.

use http::{Method, StatusCode};
use serde_json::{Map, Value};

use super::answer::Problem;
use crate::object::list;

/// The description, as `OpenAPI` has it.
pub(super) const DESCRIPTION: &str = include_str!("assets/openapi.json");

/// The methods that a path may have.
const METHODS: [&str; 4] = ["get", "post", "patch", "delete"];

/// The description, read.
pub(super) struct Contract(Value);

/// A path of it.
#[derive(Clone, Copy)]
pub(super) struct Described<'a> {
    contract: &'a Contract,
    path: &'a Value,
}

/// What can be done there.
#[derive(Clone, Copy)]
pub(super) struct Operation<'a> {
    contract: &'a Contract,
    operation: &'a Value,
}

impl Contract {
    pub(super) fn new() -> Self {
        Self(serde_json::from_str(DESCRIPTION).expect("a test reads it"))
    }

    /// What is described of a route. Where that ends with an action, each action has a description of its own.
    pub(super) fn find(&self, route: &str, path: &str) -> Option<Described<'_>> {
        let action = path.rsplit('/').next().unwrap_or_default();
        let route = route.strip_suffix("{action}").map_or_else(|| route.to_owned(), |start| format!("{start}{action}"));
        self.0["paths"].get(&route).map(|path| Described { contract: self, path })
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(place) => self.0.pointer(place.trim_start_matches('#')).unwrap_or(&Value::Null),
            None => value,
        }
    }

    /// Holds a value to a schema; `at` is its place, by the names of the fields that lead there.
    fn check(&self, schema: &Value, value: &Value, at: &str) -> Result<(), Problem> {
        let schema = self.resolved(schema);
        list(schema, "/allOf").iter().try_for_each(|part| self.check(part, value, at))?;
        let types = match &schema["type"] {
            Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
            one => Vec::from_iter(one.as_str()),
        };
        if !types.is_empty() && !types.iter().any(|kind| is(kind, value)) {
            return Err(Problem::malformed(
                at,
                &format!("expected {}", types.iter().map(|kind| named(kind)).collect::<Vec<_>>().join(" or ")),
            ));
        }
        let choices = list(schema, "/enum");
        if !choices.is_empty() && !choices.contains(value) {
            let choices: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
            return Err(Problem::malformed(at, &format!("expected one of {}", choices.join(", "))));
        }
        if value == "" && schema["minLength"].is_u64() {
            return Err(Problem::malformed(at, "it is empty"));
        }
        for (place, item) in list(value, "").iter().enumerate() {
            self.check(&schema["items"], item, &below(at, &place.to_string()))?;
        }
        value.as_object().map_or(Ok(()), |fields| self.check_fields(schema, fields, at))
    }

    fn check_fields(&self, schema: &Value, fields: &Map<String, Value>, at: &str) -> Result<(), Problem> {
        let required = list(schema, "/required").iter().filter_map(Value::as_str);
        if let Some(missing) = required.into_iter().find(|name| !fields.contains_key(*name)) {
            return Err(Problem::malformed(&below(at, missing), "it is missing"));
        }
        for (name, value) in fields {
            match (schema["properties"].get(name), &schema["additionalProperties"]) {
                (None, Value::Bool(false)) => {
                    let known = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str());
                    let known: Vec<&str> = known.collect();
                    let hint =
                        if known.is_empty() { "nothing is expected here".into() } else { format!("known: {}", known.join(", ")) };
                    return Err(Problem::malformed(&below(at, name), "there is no such field").hint(hint));
                }
                (Some(schema), _) | (None, schema) => self.check(schema, value, &below(at, name))?,
            }
        }
        Ok(())
    }
}

impl<'a> Described<'a> {
    /// What a method does here.
    pub(super) fn operation(self, method: &Method) -> Option<Operation<'a>> {
        let method = if method == Method::HEAD { "get".to_owned() } else { method.as_str().to_lowercase() };
        let operation = self.path.get(method)?;
        Some(Operation { contract: self.contract, operation })
    }

    /// The methods that there are, as an answer names them.
    pub(super) fn methods(self) -> String {
        let methods = METHODS.into_iter().filter(|method| self.path.get(method).is_some());
        methods.map(str::to_uppercase).collect::<Vec<_>>().join(", ")
    }
}

impl Operation<'_> {
    /// Holds what stands behind the `?` of an address to the description.
    pub(super) fn check_query(self, query: &str) -> Result<(), Problem> {
        let parameters = list(self.operation, "/parameters").iter().map(|parameter| self.contract.resolved(parameter));
        let known: Vec<&Value> = parameters.filter(|parameter| parameter["in"] == "query").collect();
        let mut said = Vec::new();
        for (name, text) in form_urlencoded::parse(query.as_bytes()) {
            let Some(parameter) = known.iter().find(|parameter| parameter["name"] == *name) else {
                return Err(Problem::malformed(&name, "there is no such parameter"));
            };
            if said.contains(&name) {
                return Err(Problem::malformed(&name, "it is said twice"));
            }
            let schema = self.contract.resolved(&parameter["schema"]);
            let value = match schema["type"].as_str() {
                Some("integer" | "boolean") => serde_json::from_str(&text).unwrap_or_else(|_| text.as_ref().into()),
                _ => text.as_ref().into(),
            };
            self.contract.check(schema, &value, &name)?;
            said.push(name);
        }
        Ok(())
    }

    /// Reads a body, and holds it to the description. None is an object without fields.
    pub(super) fn read_body(self, content_type: &str, body: &[u8]) -> Result<Map<String, Value>, Problem> {
        let malformed = |message: &str| Problem::new(StatusCode::BAD_REQUEST, message);
        let fields: Map<String, Value> = if body.is_empty() {
            Map::new()
        } else if content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
            serde_json::from_slice(body).map_err(|error| malformed("the body is no JSON object").detail(error.to_string()))?
        } else {
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a body is JSON here"));
        };
        let value = Value::Object(fields);
        match self.operation.pointer("/requestBody/content/application~1json/schema") {
            Some(schema) => self.contract.check(schema, &value, "")?,
            None if value.as_object().is_some_and(|fields| !fields.is_empty()) => {
                return Err(malformed("no fields are expected here"));
            }
            None => {}
        }
        match value {
            Value::Object(fields) => Ok(fields),
            _ => Ok(Map::new()),
        }
    }
}

/// The place of a field within another.
fn below(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}:{name}") }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        // To a schema 1.0 is a whole number as well.
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => false,
    }
}

/// A type as people call it.
fn named(kind: &str) -> &str {
    match kind {
        "object" => "an object",
        "array" => "a list",
        "string" => "a text",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn operation<'a>(contract: &'a Contract, method: &Method, route: &str, path: &str) -> Operation<'a> {
        contract.find(route, path).and_then(|it| it.operation(method)).unwrap_or_else(|| panic!("{method} {route}"))
    }

    #[test]
    fn what_is_sent_is_held_to_what_is_described() {
        let contract = Contract::new();
        let said = |method: Method, route: &str, body: Value| {
            let path = route.replace("{name}", "x");
            let operation = operation(&contract, &method, route, &path);
            operation.read_body("application/json; charset=utf-8", body.to_string().as_bytes()).map_err(|problem| problem.json())
        };
        let wish = json!({"name": "nb", "cpu": 1, "memory": null, "workspace": {"mode": "none"}, "environment": {"A": "1"}, "shm": false});
        assert_eq!(said(Method::POST, "/api/notebooks", wish.clone()).unwrap(), *wish.as_object().unwrap());
        for (route, body, field, message) in [
            ("/api/notebooks", json!({}), "name", "it is missing"),
            ("/api/notebooks", json!({"name": "nb", "cpus": 1}), "cpus", "there is no such field"),
            ("/api/notebooks", json!({"name": 5}), "name", "expected a text"),
            ("/api/notebooks", json!({"name": "nb", "cpu": [1]}), "cpu", "expected a text or a number or null"),
            (
                "/api/notebooks",
                json!({"name": "nb", "workspace": {"mode": "some"}}),
                "workspace:mode",
                "expected one of none, new, existing",
            ),
            ("/api/notebooks", json!({"name": "nb", "environment": {"A": 1}}), "environment:A", "expected a text"),
            ("/api/profiles/{name}/share", json!({"who": ""}), "who", "it is empty"),
            ("/kfam/v1/profiles", json!({"metadata": {"name": "a"}, "spec": {}}), "spec:owner", "it is missing"),
        ] {
            let problem = said(Method::POST, route, body.clone()).unwrap_err();
            assert_eq!((&problem["field"], &problem["status"]), (&json!(field), &json!(400)), "{body}: {problem}");
            assert_eq!(problem["message"], format!("{field}: {message}"), "{body}");
        }
        let list = said(Method::POST, "/api/notebooks", json!([])).unwrap_err();
        assert_eq!(list["message"], "the body is no JSON object");
    }

    #[test]
    fn so_is_an_address() {
        let contract = Contract::new();
        let said = |query: &str| {
            let profiles = operation(&contract, &Method::GET, "/api/profiles", "/api/profiles");
            profiles.check_query(query).map_err(|problem| problem.json()["message"].as_str().unwrap_or_default().to_owned())
        };
        assert_eq!(said("q=5&page=2"), Ok(()));
        assert_eq!(said("page=two").unwrap_err(), "page: expected a whole number");
        assert_eq!(said("page=1&page=2").unwrap_err(), "page: it is said twice");
        assert_eq!(said("pages=1").unwrap_err(), "pages: there is no such parameter");
        let one = "/api/profiles/{name}/{action}";
        assert!(
            contract.find(one, "/api/profiles/jane/share").is_some() && contract.find(one, "/api/profiles/jane/seize").is_none()
        );
        let profiles = contract.find("/api/profiles", "/api/profiles").unwrap();
        assert_eq!(profiles.methods(), "GET, POST");
        assert!(profiles.operation(&Method::HEAD).is_some() && profiles.operation(&Method::PUT).is_none());
    }

    /// A word of JSON Schema that is not looked at here would hold nobody to anything.
    #[test]
    fn nothing_is_described_that_is_not_looked_at() {
        fn look(contract: &Contract, schema: &Value, at: &str) {
            let schema = schema.as_object().unwrap_or_else(|| panic!("{at}: {schema}"));
            for (word, value) in schema {
                match word.as_str() {
                    "type" | "enum" | "required" | "description" | "minLength" => {}
                    "$ref" => assert!(contract.resolved(&json!({"$ref": value})).is_object(), "{at}: {value}"),
                    "allOf" => list(value, "").iter().for_each(|part| look(contract, part, at)),
                    "properties" => {
                        value.as_object().unwrap().iter().for_each(|(name, part)| look(contract, part, &below(at, name)));
                    }
                    "additionalProperties" if value.is_boolean() => {}
                    "items" | "additionalProperties" => look(contract, value, at),
                    other => panic!("{at}: {other}"),
                }
            }
        }
        let contract = Contract::new();
        for (name, schema) in contract.0["components"]["schemas"].as_object().unwrap() {
            look(&contract, schema, name);
        }
        for (path, item) in contract.0["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                assert!(METHODS.contains(&method.as_str()), "{method} {path}");
                if let Some(schema) = operation.pointer("/requestBody/content/application~1json/schema") {
                    look(&contract, schema, path);
                }
            }
        }
    }
}
