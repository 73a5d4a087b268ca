//! Checks of the mesh: what stands between a browser and a notebook. Only where component auth runs.

use serde_json::Value;

use super::facts::Fact;
use super::way_in::WayIn;
use super::{Finding, Level};
use crate::cluster::{Class, Connection};
use crate::object::list;

/// Policies that are named.
const NAMED: usize = 5;

/// What istiod judges.
const JUDGED: [&str; 4] = [
    "/apis/security.istio.io/v1/authorizationpolicies",
    "/apis/security.istio.io/v1/requestauthentications",
    "/apis/networking.istio.io/v1/gateways",
    "/apis/networking.istio.io/v1/virtualservices",
];

/// What is known of the mesh.
#[derive(Debug)]
pub struct MeshFacts {
    /// How people come in.
    way_in: WayIn,
    /// Objects that istiod judges, with its words on those that it does not take.
    policies: Fact<(usize, Vec<String>)>,
}

impl MeshFacts {
    /// Asks, where component auth has made its configuration; `namespace` is that of the app's components.
    pub(super) async fn gather(connection: &Connection, namespace: &str) -> Option<Self> {
        let (way_in, policies) = futures::join!(WayIn::gather(connection, namespace), judged(connection));
        Some(Self { way_in: way_in?, policies })
    }
}

async fn judged(connection: &Connection) -> Fact<(usize, Vec<String>)> {
    let (mut all, mut refused) = (0, Vec::new());
    for path in JUDGED {
        let found = match connection.get(path).await {
            Ok(found) => found,
            // Who has no such kind has no such object.
            Err(failure) if failure.class == Class::NoMatch => continue,
            Err(failure) => return Err(failure.message),
        };
        let kind = found["kind"].as_str().unwrap_or_default().trim_end_matches("List").to_owned();
        for object in list(&found, "/items") {
            all += 1;
            refused.extend(verdict(&kind, object));
        }
    }
    Ok((all, refused))
}

/// What istiod has written into the status of an object that it does not take.
fn verdict(kind: &str, object: &Value) -> Option<String> {
    let messages = list(object, "/status/validationMessages").iter().filter(|message| message["level"] != "INFO");
    let messages = messages.map(|message| {
        let name = message["type"]["name"].as_str().unwrap_or("refused");
        let code = message["type"]["code"].as_str().map(|code| format!(" ({code})")).unwrap_or_default();
        format!("{name}{code}")
    });
    let untrue = list(object, "/status/conditions").iter().filter(|condition| condition["status"] == "False");
    let untrue = untrue.filter_map(|condition| condition["message"].as_str().filter(|text| !text.is_empty()).map(str::to_owned));
    let said: Vec<String> = messages.chain(untrue).collect();
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
    (!said.is_empty()).then(|| format!("{kind} {}/{}: {}", text("namespace"), text("name"), said.join(", ")))
}

/// All that is known of the mesh, as findings.
pub(super) fn mesh(facts: &MeshFacts, webhooks: &Fact<Vec<Value>>) -> Vec<Finding> {
    let mut findings = facts.way_in.findings();
    findings.push(policies(&facts.policies, webhooks));
    findings
}

fn policies(policies: &Fact<(usize, Vec<String>)>, webhooks: &Fact<Vec<Value>>) -> Finding {
    let check = "policies";
    let (all, refused) = match policies {
        Ok((all, refused)) => (all, refused),
        Err(why) => return Finding::unknown(check, why),
    };
    if !refused.is_empty() {
        let more = refused.len().saturating_sub(NAMED);
        let more = if more == 0 { String::new() } else { format!("; and {more} more") };
        let named = refused.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
        return Finding::fail(
            check,
            format!("istiod does not take {named}{more}"),
            "correct what is yours; what kfctl made, `kfctl apply k8s` puts right",
        );
    }
    let is_istiods =
        |webhook: &Value| webhook["clientConfig"]["service"]["name"].as_str().is_some_and(|name| name.starts_with("istiod"));
    // The other one of Istio puts sidecars into pods.
    let validates = |configuration: &Value| {
        let name = configuration["metadata"]["name"].as_str().unwrap_or_default();
        name.contains("validat") && list(configuration, "/webhooks").iter().any(is_istiods)
    };
    match webhooks {
        Ok(webhooks) if !webhooks.iter().any(validates) => Finding::warn(
            check,
            format!(
                "of {all} policies and routes istiod complains of none, but it checks nothing when it is written: its validating webhook is not there"
            ),
            "install Istio with its validation (its chart `base` brings the webhook)",
        ),
        _ => Finding::ok(check, format!("istiod complains of none of {all} policies and routes")),
    }
}

/// Where users' content has its origin.
pub(super) fn origin(host: Option<&str>) -> Option<Finding> {
    let check = "origin";
    match host? {
        "" => Some(Finding::warn(
            check,
            "notebooks share their origin with the pages of Kubeflow: what runs in one can act as whoever opens it",
            "give them a name of their own, beside that of Kubeflow: `kfctl param set auth notebookHost NAME` (docs/web.md)",
        )),
        host => Some(Finding {
            check,
            level: Level::Ok,
            found: format!("notebooks have an origin of their own: {host}"),
            to_do: None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn istiods_words_are_told() {
        let object = |status: Value| json!({"metadata": {"namespace": "n", "name": "a"}, "status": status});
        let message = json!({"level": "ERROR", "type": {"code": "IST0101", "name": "ReferencedResourceNotFound"}});
        let said = verdict("VirtualService", &object(json!({"validationMessages": [message, {"level": "INFO"}]})));
        assert_eq!(said.as_deref(), Some("VirtualService n/a: ReferencedResourceNotFound (IST0101)"));
        let condition = json!({"type": "Accepted", "status": "False", "message": "no such provider"});
        assert_eq!(verdict("X", &object(json!({"conditions": [condition]}))).as_deref(), Some("X n/a: no such provider"));
        assert_eq!(verdict("X", &object(json!({}))), None);
    }

    #[test]
    fn a_shared_origin_is_warned_of_where_it_can_be_helped() {
        assert_eq!(origin(None), None);
        assert_eq!(origin(Some("")).map(|finding| finding.level), Some(Level::Warn));
        assert_eq!(origin(Some("user.acme.com")).map(|finding| finding.level), Some(Level::Ok));
    }
}
