//! Properties that hold for any input.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kfctl::apply::{Task, plan};
use kfctl::catalog::Quantity;
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
        let plan = plan(&[("c".to_owned(), objects)], &discovery, "kubeflow").unwrap();
        let mut level = BTreeMap::new();
        for (place, tasks) in plan.order.levels().into_iter().enumerate() {
            level.extend(tasks.into_iter().map(|task| (task, place)));
        }
        prop_assert_eq!(level.len(), plan.order.tasks.len());
        for (task, after) in plan.order.after.iter().enumerate() {
            for before in after {
                prop_assert!(level[before] < level[&task]);
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
