//! What the caller may do, asked in few requests: whether everything, else the list of rules, one for the cluster and one for each
//! namespace that matters.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use futures::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::inventory;
use super::plan::Member;
use crate::cluster::{Connection, Failure};

/// A namespace that nobody has: rules for it are those for the whole cluster.
const NOWHERE: &str = "kfctl-asks-for-the-whole-cluster";

/// What the caller may do.
#[derive(Debug)]
pub enum Rights {
    /// Everything.
    All,
    /// What these rules say.
    Rules(Rules),
}

/// The rules that give the caller rights.
#[derive(Debug, Default)]
pub struct Rules {
    /// Whether the server could list them all. Some authorizers only answer single questions.
    pub complete: bool,
    cluster: Vec<Rule>,
    namespaces: BTreeMap<String, Vec<Rule>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Rule {
    verbs: Vec<String>,
    api_groups: Vec<String>,
    resources: Vec<String>,
    resource_names: Vec<String>,
}

impl Rule {
    fn allows(&self, verb: &str, need: &Need) -> bool {
        let has = |list: &[String], wanted: &str| list.iter().any(|entry| entry == "*" || entry == wanted);
        has(&self.verbs, verb)
            && has(&self.api_groups, &need.group)
            && has(&self.resources, &need.resource)
            && (self.resource_names.is_empty() || self.resource_names.contains(&need.name))
    }
}

/// Something that has to be allowed for one object.
#[derive(Debug, Clone)]
pub struct Need {
    group: String,
    resource: String,
    /// Empty for objects of the cluster.
    namespace: String,
    name: String,
    verbs: Vec<&'static str>,
}

impl Need {
    /// What it takes to write this member.
    #[must_use]
    pub fn to_write(member: &Member, exists: bool) -> Self {
        let id = &member.object.id;
        Self {
            group: id.group.clone(),
            resource: member.resource.plural.clone(),
            namespace: id.namespace.clone(),
            name: id.name.clone(),
            verbs: if exists { vec!["patch"] } else { vec!["create", "patch"] },
        }
    }

    /// What it takes to write and find the inventories.
    #[must_use]
    pub fn inventories() -> Self {
        Self {
            group: String::new(),
            resource: "configmaps".into(),
            namespace: inventory::NAMESPACE.into(),
            name: String::new(),
            verbs: vec!["create", "list", "patch"],
        }
    }
}

/// A right that is missing: the verbs, what for, and for how many objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingRight {
    /// The verbs.
    pub verbs: BTreeSet<&'static str>,
    /// `deployments.apps`.
    pub resource: String,
    /// Empty for objects of the cluster.
    pub namespace: String,
    /// How many objects need it.
    pub objects: usize,
}

impl fmt::Display for MissingRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verbs = self.verbs.iter().copied().collect::<Vec<_>>().join(", ");
        write!(f, "{verbs} {}", self.resource)?;
        match self.namespace.as_str() {
            "" => f.write_str(" in the whole cluster")?,
            namespace => write!(f, " in namespace {namespace}")?,
        }
        let plural = if self.objects == 1 { "" } else { "s" };
        write!(f, " ({} object{plural})", self.objects)
    }
}

impl Rights {
    /// Whether the caller may do everything: one request.
    pub async fn is_unlimited(connection: &Connection) -> Result<bool, Failure> {
        let attributes = json!({"group": "*", "resource": "*", "verb": "*"});
        let review = review(connection, "SelfSubjectAccessReview", &json!({"resourceAttributes": attributes})).await?;
        Ok(review.pointer("/status/allowed").and_then(Value::as_bool) == Some(true))
    }

    /// The caller's rights where they are limited: one request for the cluster, and one for each namespace.
    pub async fn read(connection: &Connection, namespaces: BTreeSet<String>) -> Result<Self, Failure> {
        let namespaces = namespaces.into_iter().filter(|namespace| !namespace.is_empty()).chain([NOWHERE.to_owned()]);
        let reviews: Vec<(String, Value)> = stream::iter(namespaces)
            .map(|namespace| async move {
                let review = review(connection, "SelfSubjectRulesReview", &json!({"namespace": namespace})).await?;
                Ok::<_, Failure>((namespace, review))
            })
            .buffer_unordered(8)
            .try_collect()
            .await?;
        let mut rules = Rules { complete: reviews.iter().all(|(_, review)| is_complete(review)), ..Rules::default() };
        for (namespace, mut review) in reviews {
            let found = review.pointer_mut("/status/resourceRules").map(Value::take).unwrap_or_default();
            rules.namespaces.insert(namespace, serde_json::from_value(found).unwrap_or_default());
        }
        rules.cluster = rules.namespaces.remove(NOWHERE).unwrap_or_default();
        Ok(Self::Rules(rules))
    }

    /// Whether what is missing is missing for sure.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        matches!(self, Self::All | Self::Rules(Rules { complete: true, .. }))
    }

    /// What these needs lack, one entry for each resource and namespace.
    #[must_use]
    pub fn missing(&self, needs: impl IntoIterator<Item = Need>) -> Vec<MissingRight> {
        let Self::Rules(rules) = self else { return Vec::new() };
        let mut missing: BTreeMap<(String, String), MissingRight> = BTreeMap::new();
        for need in needs {
            let here = rules.namespaces.get(&need.namespace).map(Vec::as_slice).unwrap_or_default();
            let allowed = |verb: &&str| rules.cluster.iter().chain(here).any(|rule| rule.allows(verb, &need));
            let lacking: Vec<&'static str> = need.verbs.iter().copied().filter(|verb| !allowed(verb)).collect();
            if lacking.is_empty() {
                continue;
            }
            let resource =
                if need.group.is_empty() { need.resource.clone() } else { format!("{}.{}", need.resource, need.group) };
            let entry = missing.entry((need.namespace.clone(), resource.clone())).or_insert_with(|| MissingRight {
                verbs: BTreeSet::new(),
                resource,
                namespace: need.namespace.clone(),
                objects: 0,
            });
            entry.verbs.extend(lacking);
            entry.objects += 1;
        }
        missing.into_values().collect()
    }
}

async fn review(connection: &Connection, kind: &str, spec: &Value) -> Result<Value, Failure> {
    let body = json!({"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}).to_string().into_bytes();
    let path = format!("/apis/authorization.k8s.io/v1/{}s", kind.to_lowercase());
    let answer = connection.request(http::Method::POST, &path, "application/json", Some(("application/json", body))).await?;
    Ok(answer.body)
}

/// The node authorizer never lists rules, and has none for people.
fn is_complete(review: &Value) -> bool {
    let status = |field: &str| review.pointer("/status").and_then(|status| status.get(field));
    let error = status("evaluationError").and_then(Value::as_str).unwrap_or_default();
    status("incomplete").and_then(Value::as_bool) != Some(true)
        || error == "node authorizer does not support user rule resolution"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(cluster: Value, here: Value) -> Rights {
        Rights::Rules(Rules {
            complete: true,
            cluster: serde_json::from_value(cluster).unwrap(),
            namespaces: BTreeMap::from([("n".to_owned(), serde_json::from_value(here).unwrap())]),
        })
    }

    fn need(group: &str, resource: &str, namespace: &str, name: &str) -> Need {
        let [group, resource, namespace, name] = [group, resource, namespace, name].map(str::to_owned);
        Need { group, resource, namespace, name, verbs: vec!["create", "patch"] }
    }

    fn shown(rights: &Rights, needs: Vec<Need>) -> Vec<String> {
        rights.missing(needs).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_lack_is_named_once() {
        let rights = rules(
            json!([{"verbs": ["patch"], "apiGroups": [""], "resources": ["configmaps"]}]),
            json!([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]),
        );
        let maps = |namespace| [need("", "configmaps", namespace, "a"), need("", "configmaps", namespace, "b")];
        let mut needs = [maps("n"), maps("other")].concat();
        needs.push(need("scheduling.k8s.io", "priorityclasses", "", "high"));
        assert_eq!(
            shown(&rights, needs),
            [
                "create, patch priorityclasses.scheduling.k8s.io in the whole cluster (1 object)",
                "create configmaps in namespace other (2 objects)",
            ]
        );
        assert!(Rights::All.missing([need("", "nodes", "", "x")]).is_empty());
    }

    #[test]
    fn a_rule_for_names_is_one_for_those_names() {
        let rights =
            rules(json!([{"verbs": ["*"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a"]}]), json!([]));
        assert!(shown(&rights, vec![need("", "secrets", "n", "a")]).is_empty());
        assert_eq!(shown(&rights, vec![need("", "secrets", "n", "b")]), ["create, patch secrets in namespace n (1 object)"]);
    }

    #[test]
    fn a_list_is_whole_unless_an_authorizer_of_people_kept_silent() {
        let review = |error: &str| json!({"status": {"incomplete": true, "evaluationError": error}});
        assert!(is_complete(&json!({"status": {"incomplete": false}})));
        assert!(is_complete(&review("node authorizer does not support user rule resolution")));
        assert!(!is_complete(&review("webhook authorizer does not support user rule resolution")));
    }
}
