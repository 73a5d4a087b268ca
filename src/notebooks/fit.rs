//! Whether a notebook fits into what the namespace's quotas leave, and by how much it does not. Pure.
//!
//! The server has the last word, at a dry-run of the pod; here it is said at the field that is too much, with what is left.

use serde_json::Value;

use super::form::Wish;
use crate::catalog::Quantity;
use crate::object::list;

/// What does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooMuch {
    /// The quota's name of the resource, such as `requests.cpu`.
    pub resource: String,
    /// The field that asks for it.
    pub field: String,
    /// How much is asked for.
    pub asked: String,
    /// How much is left.
    pub left: String,
    /// How much there is in all.
    pub hard: String,
}

/// What does not fit into the quotas of the namespace.
#[must_use]
pub fn too_much(quotas: &[Value], wish: &Wish) -> Vec<TooMuch> {
    // One that is for some pods only is the server's to judge.
    let plain =
        quotas.iter().filter(|quota| quota.pointer("/spec/scopes").is_none() && quota.pointer("/spec/scopeSelector").is_none());
    plain.flat_map(|quota| exceeded(quota, wish)).collect()
}

fn exceeded(quota: &Value, wish: &Wish) -> Vec<TooMuch> {
    let map = |pointer: &str| quota.pointer(pointer).and_then(Value::as_object);
    let mut found = Vec::new();
    for (resource, hard) in map("/spec/hard").into_iter().flatten() {
        let hard = plain(hard);
        let used = map("/status/used").and_then(|used| used.get(resource)).map(plain);
        let (field, amounts) = needed(resource, wish);
        let left = used.as_deref().map_or(Some(hard.clone()), |used| Quantity::difference(&hard, used));
        let (Some(left), false) = (left, amounts.is_empty()) else { continue };
        if !fits(&left, &amounts) {
            let asked = amounts.join(" + ");
            found.push(TooMuch { resource: resource.clone(), field, asked, left, hard });
        }
    }
    found
}

fn fits(left: &str, amounts: &[String]) -> bool {
    let mut left = left.to_owned();
    for amount in amounts {
        match Quantity::difference(&left, amount) {
            Some(rest) if !rest.starts_with('-') => left = rest,
            // Nothing was left, or what is asked for is no quantity.
            _ => return false,
        }
    }
    true
}

/// What a notebook needs of a resource of a quota, and the field that says so.
fn needed(resource: &str, wish: &Wish) -> (String, Vec<String>) {
    let containers = list(&wish.notebook, "/spec/template/spec/containers");
    let of = |parts: &[&str], name: &str| -> Vec<String> {
        let amount = |container: &Value| parts.iter().find_map(|part| container["resources"][*part].get(name).map(plain));
        containers
            .iter()
            .filter_map(amount)
            .filter(|amount| Quantity::difference("0", amount).is_none_or(|rest| rest != "0"))
            .collect()
    };
    let one = || vec!["1".to_owned()];
    match resource {
        "cpu" | "requests.cpu" => ("cpu".to_owned(), of(&["requests", "limits"], "cpu")),
        "memory" | "requests.memory" => ("memory".to_owned(), of(&["requests", "limits"], "memory")),
        "limits.cpu" => ("cpuLimit".to_owned(), of(&["limits"], "cpu")),
        "limits.memory" => ("memoryLimit".to_owned(), of(&["limits"], "memory")),
        "pods" | "count/pods" => ("name".to_owned(), one()),
        "requests.storage" => {
            let part = wish.claims.first().map_or("workspace", |(part, _)| part);
            let sizes = wish.claims.iter().map(|(_, claim)| plain(&claim["spec"]["resources"]["requests"]["storage"]));
            (format!("{part}:size"), sizes.collect())
        }
        "persistentvolumeclaims" | "count/persistentvolumeclaims" => {
            let part = wish.claims.first().map_or("workspace", |(part, _)| part);
            (format!("{part}:mode"), wish.claims.iter().flat_map(|_| one()).collect())
        }
        other => match other.strip_prefix("requests.") {
            Some(device) => ("extra".to_owned(), of(&["requests", "limits"], device)),
            None => (String::new(), Vec::new()),
        },
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wish(resources: Value, sizes: &[&str]) -> Wish {
        let claims = sizes
            .iter()
            .enumerate()
            .map(|(place, size)| (format!("data{}", place + 1), json!({"spec": {"resources": {"requests": {"storage": size}}}})));
        let claims = claims.collect();
        let notebook = json!({"spec": {"template": {"spec": {"containers": [{"resources": resources}]}}}});
        Wish { claims, notebook, configurations: Vec::new() }
    }

    fn quota(hard: Value, used: Value) -> Value {
        json!({"spec": {"hard": hard}, "status": {"used": used}})
    }

    fn said(found: &[TooMuch]) -> Vec<String> {
        found.iter().map(|it| format!("{}: {} of {} left at {}: {}", it.resource, it.left, it.hard, it.field, it.asked)).collect()
    }

    #[test]
    fn what_is_left_counts_and_not_what_there_is() {
        let quota = quota(
            json!({"requests.cpu": "4", "requests.memory": "8Gi", "requests.nvidia.com/gpu": "1", "limits.cpu": "10", "pods": "5"}),
            json!({"requests.cpu": "3500m", "requests.memory": "1Gi", "requests.nvidia.com/gpu": "0", "pods": "4"}),
        );
        let fitting = json!({"requests": {"cpu": "500m", "memory": "7Gi"}, "limits": {"cpu": "10", "nvidia.com/gpu": "1"}});
        assert_eq!(said(&too_much(std::slice::from_ref(&quota), &wish(fitting, &[]))), Vec::<String>::new());
        let large = json!({"requests": {"cpu": "0.6", "memory": "7500Mi"}, "limits": {"cpu": "11", "nvidia.com/gpu": 2}});
        assert_eq!(
            said(&too_much(&[quota], &wish(large, &[]))),
            [
                "limits.cpu: 10 of 10 left at cpuLimit: 11",
                "requests.cpu: 500m of 4 left at cpu: 0.6",
                "requests.memory: 7Gi of 8Gi left at memory: 7500Mi",
                "requests.nvidia.com/gpu: 1 of 1 left at extra: 2",
            ]
        );
    }

    #[test]
    fn volumes_are_added_up() {
        let quota = quota(
            json!({"requests.storage": "10Gi", "persistentvolumeclaims": "2"}),
            json!({"requests.storage": "2Gi", "persistentvolumeclaims": "1"}),
        );
        let none = json!({});
        assert!(too_much(std::slice::from_ref(&quota), &wish(none.clone(), &["8Gi"])).is_empty());
        assert_eq!(
            said(&too_much(&[quota], &wish(none, &["5Gi", "4Gi"]))),
            [
                "persistentvolumeclaims: 1 of 2 left at data1:mode: 1 + 1",
                "requests.storage: 8Gi of 10Gi left at data1:size: 5Gi + 4Gi"
            ]
        );
    }

    #[test]
    fn a_full_quota_and_one_for_some_pods_only() {
        let over = quota(json!({"cpu": "1"}), json!({"cpu": "2"}));
        let asked = wish(json!({"requests": {"cpu": "100m"}}), &[]);
        assert_eq!(said(&too_much(&[over], &asked)), ["cpu: -1 of 1 left at cpu: 100m"]);
        let some = json!({"spec": {"hard": {"pods": "0"}, "scopes": ["BestEffort"]}, "status": {}});
        assert!(too_much(&[some], &asked).is_empty());
        assert!(too_much(&[quota(json!({"cpu": "1"}), json!({}))], &asked).is_empty(), "nothing is counted yet");
    }
}
