//! Who reaches a notebook: whether there is a route at all, and the policy of one that is its creator's alone. Pure.
//!
//! Policies that allow are added up and can't be narrowed, so a private notebook has one that denies: everything, unless the token is the
//! login's and its claim the creator's. Only health, asked for from inside, and the controller's question whether it is in use come
//! through, as for every notebook.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::desired::{has_sidecar, object, private_to};
use crate::api::notebook::Notebook;
use crate::controllers::profile::{Doors, Login};
use crate::controllers::verdict::Verdict;
use crate::labels::{CONTROLLER_SERVICE_ACCOUNT, STATEFUL_SET};

/// What a private notebook's policy is called, before the notebook's name.
pub(super) const PRIVATE_POLICY: &str = "notebook-private-";
const IN_USE: [&str; 2] = ["*/api/kernels", "*/api/terminals"];
const HEALTH: [&str; 2] = ["/healthz", "/wait-for-drain"];

/// How many notebooks of a namespace may have a route: each is one at everybody's gateway.
pub(super) const MOST: usize = 100;

/// Whether a notebook may have a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// There is one, at which these headers end: a token, where nothing behind has to prove it.
    Open(BTreeSet<String>),
    /// Not now, and one that is there goes.
    Closed(Verdict),
    /// One that is there stays: what decides is not known.
    AsItIs(Verdict),
}

/// Decides on the route; `is_served` says whether the cluster knows routes, `older` how many notebooks of the namespace came before this one.
pub(super) fn route(notebook: &Notebook, doors: &Doors, is_served: bool, older: usize) -> Route {
    if !is_served {
        let message = "the cluster has no virtualservices.networking.istio.io: no route leads to this notebook; `kubectl port-forward` does";
        return Route::AsItIs(Verdict::no("MeshMissing", message));
    }
    let Some(login) = &doors.login else {
        let message =
            "ConfigMap mesh is missing or wrong, so that nobody could be told from another; `kfctl apply k8s -c auth` makes it";
        return Route::AsItIs(Verdict::no("MeshNotConfigured", message));
    };
    if older >= MOST {
        let message = format!("no route is made: {MOST} notebooks of a namespace may have one, and as many are older");
        return Route::Closed(Verdict::no("TooManyRoutes", message));
    }
    let at_sidecar = doors.at_sidecars && has_sidecar(notebook);
    if private_to(notebook).is_some() && !at_sidecar {
        let message = "no route is made: only a sidecar keeps others of this namespace out, and none stands before this notebook";
        return Route::Closed(Verdict::no("NotPrivate", message));
    }
    if !at_sidecar && !doors.at_gateway {
        let message =
            "no route is made: neither the gateway nor a sidecar would keep strangers out; is this the namespace of a profile?";
        return Route::Closed(Verdict::no("NotProtected", message));
    }
    // A sidecar that decides proves the token, and hands none on.
    Route::Open(if at_sidecar { BTreeSet::new() } else { login.token_headers.clone() })
}

/// The policy of a notebook that is somebody's alone.
pub(super) fn policy(notebook: &Notebook, name: &str, login: &Login) -> Option<Value> {
    let creator = login.claim_of(private_to(notebook)?);
    let is_other: Vec<Value> = match creator {
        // A token of another issuer proves nothing, whatever it claims.
        Some(claim) => vec![
            json!({"when": [{"key": login.claim, "notValues": [claim]}]}),
            json!({"from": {"notRequestPrincipals": [format!("{}/*", login.issuer)]}}),
        ],
        None => vec![json!({})],
    };
    let controller = format!("cluster.local/ns/kubeflow-system/sa/{CONTROLLER_SERVICE_ACCOUNT}");
    let known = [IN_USE, HEALTH].concat();
    let elsewhere = json!([
        {"operation": {"notPaths": known}},
        {"operation": {"paths": IN_USE, "notMethods": ["GET"]}},
        {"operation": {"paths": HEALTH, "notMethods": ["GET", "HEAD"]}},
    ]);
    let ways = [
        (json!({}), elsewhere),
        (json!({"notPrincipals": [controller]}), json!([{"operation": {"paths": IN_USE}}])),
        (json!({"principals": [login.gateway]}), json!([{"operation": {"paths": HEALTH}}])),
    ];
    let rules = is_other.iter().flat_map(|other| ways.iter().map(move |(source, to)| rule(other, source, to)));
    let spec = json!({
        // The very pods that the Service leads to.
        "selector": {"matchLabels": {STATEFUL_SET: name}},
        "action": "DENY",
        "rules": rules.collect::<Vec<_>>(),
    });
    Some(object(notebook, "security.istio.io/v1", "AuthorizationPolicy", &format!("{PRIVATE_POLICY}{name}"), spec))
}

fn rule(other: &Value, source: &Value, to: &Value) -> Value {
    let mut rule = json!({"to": to});
    let mut from = source.clone();
    for (field, value) in other.get("from").and_then(Value::as_object).into_iter().flatten() {
        from[field] = value.clone();
    }
    if from.as_object().is_some_and(|from| !from.is_empty()) {
        rule["from"] = json!([{"source": from}]);
    }
    if let Some(when) = other.get("when") {
        rule["when"] = when.clone();
    }
    rule
}

#[cfg(test)]
mod tests {
    use super::super::desired::tests::notebook;
    use super::*;

    fn login(prefix: &str) -> Login {
        Login {
            issuer: "https://dex".into(),
            claim: "request.auth.claims[email]".into(),
            prefix: prefix.into(),
            token_headers: BTreeSet::from(["authorization".to_owned()]),
            gateway: "g".into(),
        }
    }

    fn with(annotations: Value) -> Notebook {
        notebook(json!({"annotations": annotations}), json!({"containers": [{"name": "nb"}]}))
    }

    fn private(creator: &str) -> Notebook {
        with(json!({"notebooks.kubeflow.org/private": "true", "notebooks.kubeflow.org/creator": creator}))
    }

    #[test]
    fn an_open_door_has_no_route() {
        let doors = |at_gateway, at_sidecars| Doors { at_gateway, at_sidecars, login: Some(login("")) };
        let plain = with(json!({}));
        let bare = with(json!({"sidecar.istio.io/inject": "false"}));
        let own = private("jane");
        let is_open = |notebook: &Notebook, doors: &Doors| matches!(route(notebook, doors, true, MOST - 1), Route::Open(_));
        for (at_gateway, at_sidecars, expected) in [
            (true, true, [true, true, true]),
            (true, false, [true, true, false]),
            (false, true, [true, false, true]),
            (false, false, [false, false, false]),
        ] {
            let doors = doors(at_gateway, at_sidecars);
            assert_eq!([is_open(&plain, &doors), is_open(&bare, &doors), is_open(&own, &doors)], expected);
        }
        // The token goes on to a sidecar that decides by it, and to nothing else.
        let takes_token = |notebook: &Notebook, doors| route(notebook, &doors, true, 0) == Route::Open(BTreeSet::new());
        assert!(takes_token(&plain, doors(true, true)) && takes_token(&own, doors(false, true)));
        assert!(!takes_token(&bare, doors(true, true)) && !takes_token(&plain, doors(true, false)));
        assert!(matches!(route(&plain, &Doors::default(), true, 0), Route::AsItIs(_)));
        assert!(matches!(route(&plain, &doors(true, true), false, 0), Route::AsItIs(_)));
        assert!(
            matches!(route(&plain, &doors(true, true), true, MOST), Route::Closed(verdict) if verdict.reason == "TooManyRoutes")
        );
    }

    #[test]
    fn a_private_notebook_is_its_creators_alone() {
        assert_eq!(policy(&with(json!({})), "nb", &login("")), None);
        let made = policy(&private("jane"), "nb", &login("")).unwrap();
        assert_eq!(made["metadata"]["name"], "notebook-private-nb");
        assert_eq!(
            (&made["spec"]["action"], &made["spec"]["selector"]),
            (&json!("DENY"), &json!({"matchLabels": {"statefulset": "nb"}}))
        );
        let rules = made["spec"]["rules"].as_array().unwrap();
        assert_eq!(rules.len(), 6);
        let when = json!([{"key": "request.auth.claims[email]", "notValues": ["jane"]}]);
        assert!(rules[..3].iter().all(|rule| rule["when"] == when));
        assert_eq!(
            rules[0]["to"][0],
            json!({"operation": {"notPaths": ["*/api/kernels", "*/api/terminals", "/healthz", "/wait-for-drain"]}})
        );
        assert_eq!(
            rules[1]["from"],
            json!([{"source": {"notPrincipals": ["cluster.local/ns/kubeflow-system/sa/kfctl-controller"]}}])
        );
        // A token of another issuer is denied by rules of its own.
        assert_eq!(rules[3]["from"], json!([{"source": {"notRequestPrincipals": ["https://dex/*"]}}]));
        assert!(rules[3].get("when").is_none());
    }

    #[test]
    fn a_creator_whom_no_claim_can_name_lets_nobody_in() {
        for (creator, prefix) in [("", ""), ("*", ""), ("system:x", ""), ("jane", "oidc:"), ("oidc:", "oidc:")] {
            let made = policy(&private(creator), "nb", &login(prefix)).unwrap();
            let rules = made["spec"]["rules"].as_array().unwrap();
            assert!(rules.len() == 3 && rules[0].get("when").is_none() && rules[0].get("from").is_none(), "{creator}");
        }
    }
}
