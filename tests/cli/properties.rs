//! Properties that hold for any input.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kfctl::app::{APP_FILE, App};
use kfctl::apply::{Task, plan};
use kfctl::catalog::{Component, Quantity};
use kfctl::cluster::{Discovery, Resource};
use kfctl::object::Object;
use kfctl::render::merge_overlay;
use kfctl::yaml;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Any JSON value; with floats that have a fraction, as one without is an integer to YAML's readers here.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1_000_000i32..1_000_000).prop_map(|number| Value::from(f64::from(number) + 0.5)),
        "[ -~\n\t]{0,24}".prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "yes", "0644", "1e3", "~", "null", "12:30", "- a", "a: b", "#", "|", " x ", "\n", "0x1f", ".inf", "<<", "---"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[ -~]{0,12}", inner, 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn fields() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map("[a-c]", value(), 0..3).prop_map(|fields| fields.into_iter().collect())
}

fn object(data: Map<String, Value>) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data})
}

fn resource(kind: &str, plural: &str, namespaced: bool) -> Resource {
    Resource { group: String::new(), version: "v1".into(), kind: kind.into(), plural: plural.into(), namespaced }
}

/// A component with a parameter of each type.
fn every_type() -> Component {
    let text = "description: d\nparams:\n\
        \x20 quantity: {type: quantity, default: 1, description: d}\n  int: {type: int, default: 1, description: d}\n\
        \x20 bool: {type: bool, default: true, description: d}\n  enum: {type: enum, values: [a, 'no', 1e3], default: a, description: d}\n\
        \x20 string: {type: string, default: a, description: d}\n  email: {type: email, default: a@b.org, description: d}\n\
        \x20 image: {type: image, default: a, description: d}\n  duration: {type: duration, default: 1s, description: d}\n\
        \x20 host: {type: host, default: a, description: d}\n";
    Component::parse("web", text, Path::new("component.yaml")).unwrap()
}

/// Text as people type it, and text that YAML or a type could take for something else.
fn typed() -> impl Strategy<Value = String> {
    let odd = [
        "yes", "no", "null", "~", "1e3", "0644", "true", "1Tb", "10m", "a@b.org", "a:b", "a: b", "# a", "- a", "'", "\"", "{a}",
        "&a", "*a", "%", "|", "<<",
    ];
    prop_oneof![prop::sample::select(odd.to_vec()).prop_map(str::to_owned), "[0-9a-zA-Z.:@/+ -]{0,12}", "\\PC{0,12}"]
}

/// What a merge patch (RFC 7386) leaves: the overlay's values, nothing where it says null, and all it does not name.
fn is_merged(base: Option<&Value>, over: &Value, result: Option<&Value>) -> bool {
    let Value::Object(over) = over else { return result == Some(over) };
    let (Some(Value::Object(result)), nothing) = (result, Map::new()) else { return false };
    let base = base.and_then(Value::as_object).unwrap_or(&nothing);
    let named = over.iter().all(|(field, value)| match value {
        Value::Null => !result.contains_key(field),
        value => is_merged(base.get(field), value, result.get(field)),
    });
    let others = |fields: &Map<String, Value>| -> Map<String, Value> {
        fields
            .iter()
            .filter(|(field, _)| !over.contains_key(*field))
            .map(|(field, value)| (field.clone(), value.clone()))
            .collect()
    };
    named && others(base) == others(result)
}

/// Objects of kinds whose order matters, from a few numbers each.
fn objects_of(numbers: &[(usize, usize, usize)]) -> Vec<Object> {
    let mut found: BTreeMap<String, Object> = BTreeMap::new();
    for (kind, namespace, name) in numbers {
        let content = match kind {
            0 => json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": format!("n{namespace}")}}),
            1 => {
                json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": format!("things.g{name}.org")},
                "spec": {"group": format!("g{name}.org"), "scope": "Namespaced", "names": {"kind": "Thing", "plural": "things"},
                    "versions": [{"name": "v1", "served": true, "storage": true}]}})
            }
            2 => {
                json!({"apiVersion": format!("g{name}.org/v1"), "kind": "Thing", "metadata": {"name": "t", "namespace": format!("n{namespace}")}})
            }
            3 => {
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("o{name}"), "namespace": format!("n{namespace}")}})
            }
            _ => {
                json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": format!("o{name}"), "namespace": format!("n{namespace}")},
                "spec": {"template": {"spec": {"containers": []}}}})
            }
        };
        let object = Object::new(content, "f").unwrap();
        found.insert(object.id.to_string(), object);
    }
    found.into_values().collect()
}

/// What comes after what, in names that don't depend on places in a list.
fn edges(objects: &[Object]) -> BTreeSet<(String, String)> {
    let mut discovery = Discovery::default();
    for (group, version, kind, plural, namespaced) in [
        ("", "v1", "Namespace", "namespaces", false),
        ("", "v1", "ConfigMap", "configmaps", true),
        ("apps", "v1", "Deployment", "deployments", true),
        ("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", false),
        ("g0.org", "v1", "Thing", "things", true),
        ("g1.org", "v1", "Thing", "things", true),
        ("g2.org", "v1", "Thing", "things", true),
        ("g3.org", "v1", "Thing", "things", true),
    ] {
        discovery.insert(Resource {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
            plural: plural.into(),
            namespaced,
        });
    }
    let plan = plan("app", vec![("c".to_owned(), objects.to_vec())], &discovery, "kubeflow").unwrap();
    let write = |member: usize| plan.members[member].object.id.to_string();
    let name = |task: usize| match &plan.order.tasks[task] {
        Task::Write(member) => write(*member),
        Task::Gate(gate) => format!("{gate:?}"),
        // Writes bear the numbers of their members.
        Task::Join => format!("{:?}", plan.order.after[task].iter().map(|before| write(*before)).collect::<BTreeSet<_>>()),
    };
    let after = plan.order.after.iter().enumerate();
    after.flat_map(|(task, before)| before.iter().map(|before| (name(*before), name(task))).collect::<Vec<_>>()).collect()
}

proptest! {
    // Each case writes some dozens of files.
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever a parameter takes stands in app.yaml as it was taken, and is taken from there as the same.
    #[test]
    fn a_parameter_is_read_from_app_yaml_as_it_was_set(values in prop::collection::vec(typed(), 1..12)) {
        let directory = tempfile::tempdir().unwrap();
        let text = "apiVersion: kfctl.kubeflow.org/v1alpha1\nkind: App\nname: shop # ours\nplatform: none\n";
        std::fs::write(directory.path().join(APP_FILE), text).unwrap();
        let component = every_type();
        for (parameter, value) in component.parameters.iter().flat_map(|parameter| values.iter().map(move |value| (parameter, value))) {
            let Ok(parsed) = parameter.parse(value) else { continue };
            let mut app = App::load(directory.path()).unwrap();
            app.set_parameter("web", &parameter.name, &parsed.value).unwrap();
            let app = App::load(directory.path()).unwrap();
            let stands = &app.file.params["web"][&parameter.name];
            let again = parameter.parse_value(stands).unwrap();
            prop_assert_eq!((&again.value, again.note), (&parsed.value, None), "{} {:?}", parameter.name, value);
        }
        let text = std::fs::read_to_string(directory.path().join(APP_FILE)).unwrap();
        prop_assert!(text.contains("name: shop # ours\n"), "{}", text);
    }
}

proptest! {
    #[test]
    fn what_is_written_as_yaml_is_read_back(value in value().prop_filter("empty documents are left out", |value| !value.is_null())) {
        let text = yaml::to_string(&value);
        let read = yaml::documents(&text, Path::new("t.yaml"));
        prop_assert_eq!(read.unwrap_or_else(|error| panic!("{error}\n{text}")), vec![value], "{}", text);
    }

    #[test]
    fn an_overlay_merged_twice_is_an_overlay_merged_once(base in fields(), over in fields()) {
        let mut once = vec![Object::new(object(base), "b").unwrap()];
        merge_overlay(&mut once, vec![object(over.clone())], Path::new("o")).unwrap();
        let mut twice = once.clone();
        merge_overlay(&mut twice, vec![object(over)], Path::new("o")).unwrap();
        prop_assert_eq!(&once[0].content, &twice[0].content);
    }

    #[test]
    fn an_overlay_is_a_merge_patch(base in fields(), over in fields()) {
        let mut found = vec![Object::new(object(base.clone()), "b").unwrap()];
        merge_overlay(&mut found, vec![object(over.clone())], Path::new("o")).unwrap();
        prop_assert!(is_merged(Some(&object(base)), &object(over), Some(&found[0].content)), "{}", found[0].content);
    }

    #[test]
    fn the_order_of_files_does_not_matter_to_the_plan(
        (sorted, shuffled) in prop::collection::vec((0usize..5, 0usize..3, 0usize..4), 1..24)
            .prop_map(|numbers| objects_of(&numbers))
            .prop_flat_map(|objects| (Just(objects.clone()), Just(objects).prop_shuffle()))
    ) {
        prop_assert_eq!(edges(&sorted), edges(&shuffled));
    }

    #[test]
    fn a_quantity_as_taken_is_taken_as_it_is(text in "[+]?[0-9]{0,4}[.]?[0-9]{0,3}(e[0-9]|n|u|m|k|K|M|G|T|P|E|Ki|Mi|Gi)?[bB]?") {
        if let Some(quantity) = Quantity::parse(&text) {
            let again = Quantity::parse(&quantity.text);
            prop_assert_eq!(again, Some(Quantity { text: quantity.text.clone(), note: None }));
            prop_assert_eq!(quantity.note.is_some(), quantity.text != text);
        }
    }

    #[test]
    fn no_text_is_too_odd_for_a_quantity(text in "\\PC*") {
        let _ = Quantity::parse(&text);
    }

    /// Namespaces, configuration and pods in any order and number: each task can be reached after those it comes after,
    /// and what a person expects to come first does.
    #[test]
    fn every_task_comes_after_what_it_depends_on(kinds in prop::collection::vec((0usize..3, 0usize..3, 0usize..4), 1..20)) {
        let mut discovery = Discovery::default();
        for (kind, plural, namespaced) in [("Namespace", "namespaces", false), ("ConfigMap", "configmaps", true), ("Pod", "pods", true)] {
            discovery.insert(resource(kind, plural, namespaced));
        }
        let mut contents: BTreeMap<String, Value> = BTreeMap::new();
        for (kind, namespace, name) in &kinds {
            let metadata = match kind {
                0 => json!({"name": format!("n{namespace}")}),
                _ => json!({"name": format!("o{name}"), "namespace": format!("n{namespace}")}),
            };
            let kind = ["Namespace", "ConfigMap", "Pod"][*kind];
            let content = json!({"apiVersion": "v1", "kind": kind, "metadata": metadata});
            contents.insert(format!("{name}{namespace}{kind}"), content);
        }
        let mut seen = BTreeSet::new();
        let objects: Vec<Object> = contents
            .into_values()
            .map(|content| Object::new(content, "f").unwrap())
            .filter(|object| seen.insert(object.id.clone()))
            .collect();
        let plan = plan("app", vec![("c".to_owned(), objects)], &discovery, "kubeflow").unwrap();
        let mut level = BTreeMap::new();
        for (place, tasks) in plan.order.levels().into_iter().enumerate() {
            level.extend(tasks.into_iter().map(|task| (task, place)));
        }
        prop_assert_eq!(level.len(), plan.order.tasks.len());
        for (task, after) in plan.order.after.iter().enumerate() {
            for before in after {
                // A join does nothing, so it may share the step of what it stands for.
                let joins = matches!(plan.order.tasks[task], Task::Join);
                prop_assert!(level[before] < level[&task] || joins && level[before] == level[&task]);
            }
        }
        let place = |wanted: usize| {
            let task = plan.order.tasks.iter().position(|task| matches!(task, Task::Write(member) if *member == wanted));
            level[&task.expect("every member is written")]
        };
        for (first, namespace) in plan.members.iter().enumerate().filter(|(_, member)| member.object.id.kind == "Namespace") {
            for (second, member) in plan.members.iter().enumerate() {
                if member.object.id.namespace == namespace.object.id.name {
                    prop_assert!(place(first) < place(second), "{} comes first", namespace.object.id);
                }
            }
        }
    }
}
