//! Who reaches a namespace through the mesh: the controller's policies follow profiles, shares and settings, and are kept.
//!
//! What these policies do to requests, a real Envoy shows elsewhere; here it is that they are there, say the right thing, and come and go.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::definition::definition;
use crate::profile_lifecycle::{BOB, JANE, Profiles};

const KEYS: &str = r#"{"keys":[]}"#;
/// What is kept in kubeflow-jane, and the policy about it at the gateway.
const OBJECTS: [(&str, &str, &str); 4] = [
    ("kubeflow-jane", "authorizationpolicy", "ns-owner-access-istio"),
    ("kubeflow-jane", "requestauthentication", "kubeflow-jwt"),
    ("kubeflow-jane", "networkpolicy", "kubeflow-mesh"),
    ("istio-system", "authorizationpolicy", "profile-access-kubeflow-jane"),
];

impl Profiles {
    fn mesh(&self) -> String {
        self.condition("jane", "MeshReady").0
    }

    /// Waits for what the mesh's condition says; Ready doesn't depend on it.
    fn mesh_says(&self, reason: &str) {
        self.cluster.until(&format!("the mesh says {reason}: {}", self.controller().log()), || self.mesh() == reason);
        assert_eq!(self.condition("jane", "Ready").0, "NamespaceReady");
    }

    fn define(&self, plural: &str, kind: &str) {
        self.admin(&["create", "-f", &self.app.write("definition.yaml", &definition("security.istio.io", plural, kind))]);
    }

    fn spec_of(&self, (namespace, kind, name): (&str, &str, &str)) -> Option<Value> {
        self.get(&["-n", namespace, "get", kind, name]).map(|object| object["spec"].clone())
    }

    fn there(&self) -> [bool; 4] {
        OBJECTS.map(|object| self.spec_of(object).is_some())
    }

    /// Users and groups that each of the two policies lets into kubeflow-jane: they agree, or the test fails in the end.
    fn let_in(&self) -> Option<[Vec<String>; 2]> {
        let values = |rules: &Value, field: &str| {
            let conditions: Vec<&Value> =
                rules.as_array().into_iter().flatten().flat_map(|rule| rule["when"].as_array().into_iter().flatten()).collect();
            ["request.auth.claims[email]", "request.auth.claims[groups]"].map(|key| {
                let found = conditions.iter().find(|condition| condition["key"] == key);
                let values = found.and_then(|condition| condition[field].as_array()).into_iter().flatten();
                values.map(|value| value.as_str().expect("text").to_owned()).collect::<Vec<_>>()
            })
        };
        let allowed = values(&self.spec_of(OBJECTS[0])?["rules"], "values");
        let denied_but = values(&self.spec_of(OBJECTS[3])?["rules"], "notValues");
        (allowed == denied_but).then_some(allowed)
    }

    /// Waits until both policies let in exactly these, and says how long that took: well below a second, where the machine is not busy.
    fn lets_in(&self, users: &[&str], groups: &[&str]) {
        let wanted = [users, groups].map(|names| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        let (begun, mut missing) = (Instant::now(), Duration::ZERO);
        self.cluster.until(&format!("{users:?} {groups:?} come in; now {:?}", self.let_in()), || {
            let asked = begun.elapsed();
            let found = self.let_in().as_ref() == Some(&wanted);
            // Looks take their time too: it was missing for sure when the last one that did not find it began.
            if !found {
                missing = asked;
            }
            found
        });
        eprintln!("{users:?} {groups:?} come in: missing after {missing:?}, there after {:?}", begun.elapsed());
        assert!(missing < Duration::from_secs(5), "{missing:?}");
    }

    fn setting(&self, key: &str, value: &str) {
        self.app.kfctl(&["param", "set", "auth", key, value]).success();
        self.app.kfctl(&["apply", "k8s", "-c", "auth", "--no-wait"]).success();
    }

    fn share(&self, name: &str, arguments: &[&str]) {
        self.cluster.kubectl_as(JANE, &[&["-n", "kubeflow-jane", "create", "rolebinding", name], arguments].concat()).success();
    }
}

#[test]
fn e2e_the_mesh_lets_in_whose_the_namespace_is() {
    let mut test = Profiles::start();
    test.create("jane", JANE);
    comes_with_what_it_needs(&test);
    follows_shares_members_and_owner(&test);
    comes_back(&test);
    follows_its_settings(&test);
    is_left_where_settings_are_lost(&test);
    needs_its_rights_and_definitions(&test);
    goes_with_the_namespace_alone(&mut test);
}

fn comes_with_what_it_needs(test: &Profiles) {
    assert_eq!(test.mesh(), "MeshMissing");
    assert_eq!(test.there(), [false; 4]);
    test.admin(&["create", "namespace", "istio-system"]);
    test.define("authorizationpolicies", "AuthorizationPolicy");
    test.define("requestauthentications", "RequestAuthentication");
    test.mesh_says("MeshNotConfigured");
    let message = test.condition("jane", "MeshReady").1;
    assert!(message.contains("kfctl apply k8s -c auth"), "{message}");
    test.app.kfctl(&["component", "enable", "auth"]).success();
    // What brings tokens, and the way in, are others' matter.
    test.admin(&["create", "-f", &test.app.write("gateway.yaml", &definition("networking.istio.io", "gateways", "Gateway"))]);
    let filters = definition("networking.istio.io", "envoyfilters", "EnvoyFilter");
    test.admin(&["create", "-f", &test.app.write("filters.yaml", &filters)]);
    test.app.kfctl(&["param", "set", "auth", "login", "none"]).success();
    test.app.kfctl(&["param", "set", "auth", "jwks", KEYS]).success();
    test.setting("audiences", "kubeflow, other");
    test.mesh_says("MeshReady");
    assert_eq!(test.there(), [true; 4]);
    test.lets_in(&[JANE], &[]);
    // The gateway and the sidecars prove tokens the same way; at the sidecar they stop.
    let gateway = test.spec_of(("istio-system", "requestauthentication", "kubeflow-jwt")).expect("of the component");
    let mut rule = gateway["jwtRules"][0].clone();
    assert_eq!(
        (rule["forwardOriginalToken"].take(), gateway["selector"]["matchLabels"]["istio"].as_str()),
        (true.into(), Some("ingressgateway"))
    );
    rule["forwardOriginalToken"] = false.into();
    rule["outputClaimToHeaders"].as_array_mut().expect("headers").retain(|header| header["claim"] != "kubeflow-none");
    assert_eq!(test.spec_of(OBJECTS[1]).expect("it is there"), json!({"jwtRules": [rule]}));
    assert_eq!(
        rule,
        json!({"issuer": "http://dex.auth.svc.cluster.local:5556/dex", "jwks": KEYS, "audiences": ["kubeflow", "other"],
            "fromHeaders": [{"name": "Authorization", "prefix": "Bearer "}], "forwardOriginalToken": false,
            "outputClaimToHeaders": [{"header": "kubeflow-userid", "claim": "email"},
                {"header": "kubeflow-email-verified", "claim": "email_verified"}, {"header": "kubeflow-groups", "claim": "groups"}]})
    );
    let login = test.spec_of(("istio-system", "authorizationpolicy", "kubeflow-login")).expect("of the component");
    let behind = json!([{"operation": {"notPaths": ["/dex/*", "/oauth2/*"]}}]);
    assert_eq!(
        (&login["action"], &login["rules"]),
        (
            &json!("DENY"),
            &json!([{"from": [{"source": {"notRequestPrincipals": ["http://dex.auth.svc.cluster.local:5556/dex/*"]}}],
                "to": behind},
                {"when": [{"key": "request.headers[kubeflow-email-verified]", "notValues": ["true"]}], "to": behind}])
        )
    );
}

fn follows_shares_members_and_owner(test: &Profiles) {
    // The seed's own command, and its end.
    test.share("bob-kubeflow", &["--role=default", "--user=bob@acme.com"]);
    test.lets_in(&[BOB, JANE], &[]);
    test.share("team", &["--role=default", "--group=team"]);
    test.lets_in(&[BOB, JANE], &["team"]);
    test.cluster.kubectl_as(JANE, &["-n", "kubeflow-jane", "delete", "rolebinding", "bob-kubeflow"]).success();
    test.lets_in(&[JANE], &["team"]);
    test.cluster.kubectl_as(JANE, &["-n", "kubeflow-jane", "delete", "rolebinding", "team"]).success();
    test.lets_in(&[JANE], &[]);
    // To read is not to open, and one name for many is none.
    test.share("reader", &["--clusterrole=kubeflow-view", "--user=vic@foo.com"]);
    test.share(
        "many",
        &["--clusterrole=kubeflow-edit", "--user=*@acme.com", "--user=ann@foo.com", "--group=system:authenticated"],
    );
    test.lets_in(&["ann@foo.com", JANE], &[]);
    test.cluster.until("who shares is told", || {
        let told = test.events("kubeflow-jane", "RoleBinding", "many");
        told.matches("NameNotTaken").count() == 2 && told.contains("*@acme.com") && told.contains("system:authenticated")
    });
    test.admin(&["-n", "kubeflow-jane", "delete", "rolebinding", "many", "reader"]);
    test.lets_in(&[JANE], &[]);
    // Members and owner, case as it is written.
    let subject = |kind: &str, name: &str| json!({"kind": kind, "name": name});
    let members = json!([{"role": "edit", "subject": subject("User", "Eve@foo.com")}, {"role": "view", "subject": subject("User", "vic@foo.com")},
        {"role": "admin", "subject": subject("Group", "Admins")}]);
    test.change("jane", &json!({"spec": {"template": {"spec": {"members": members}}}}).to_string());
    test.lets_in(&["Eve@foo.com", JANE], &["Admins"]);
    test.change(
        "jane",
        &json!({"spec": {"template": {"spec": {"members": [], "owner": subject("User", "abe@foo.com")}}}}).to_string(),
    );
    test.lets_in(&["abe@foo.com"], &[]);
    test.change("jane", &json!({"spec": {"template": {"spec": {"owner": subject("User", JANE)}}}}).to_string());
    test.lets_in(&[JANE], &[]);
}

fn comes_back(test: &Profiles) {
    test.settled();
    let theirs = "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: theirs}\nspec: {action: DENY}\n";
    test.admin(&["-n", "kubeflow-jane", "create", "-f", &test.app.write("theirs.yaml", theirs)]);
    for object in OBJECTS {
        let (namespace, kind, name) = object;
        let before = test.spec_of(object);
        test.admin(&["-n", namespace, "delete", kind, name]);
        test.cluster.until(&format!("{name} comes back"), || test.spec_of(object) == before);
        let open = if kind == "networkpolicy" {
            r#"{"spec": {"ingress": [{}]}}"#
        } else {
            r#"{"spec": {"rules": null, "jwtRules": null}}"#
        };
        test.admin(&["-n", namespace, "patch", kind, name, "--type=merge", "-p", open]);
        test.cluster.until(&format!("{name} is as before"), || test.spec_of(object) == before);
        let bare = r#"{"metadata": {"labels": {"kubeflow.org/profile-uid": null}}}"#;
        test.admin(&["-n", namespace, "patch", kind, name, "--type=merge", "-p", bare]);
        test.cluster.until(&format!("{name} is marked again"), || {
            let label = "jsonpath={.metadata.labels.kubeflow\\.org/profile-uid}";
            !test.admin(&["-n", namespace, "get", kind, name, "-o", label]).is_empty()
        });
    }
    test.settled();
    assert!(test.spec_of(("kubeflow-jane", "authorizationpolicy", "theirs")).is_some(), "somebody's own is gone");
}

fn follows_its_settings(test: &Profiles) {
    for (value, expected) in [("gateway", [false, true, true, true]), ("sidecar", [true, true, true, false]), ("both", [true; 4])]
    {
        test.setting("enforce", value);
        test.cluster.until(&format!("{value}: {:?}", test.there()), || test.there() == expected);
        test.mesh_says("MeshReady");
    }
    // Another gateway: nothing is left at the old one.
    test.admin(&["create", "namespace", "ingress"]);
    test.setting("gatewayNamespace", "ingress");
    let moved = ("ingress", "authorizationpolicy", "profile-access-kubeflow-jane");
    test.cluster.until("the policy is at the other gateway alone", || {
        test.spec_of(moved).is_some() && test.spec_of(OBJECTS[3]).is_none()
    });
    test.setting("gatewayNamespace", "istio-system");
    test.cluster.until("and back", || test.spec_of(moved).is_none() && test.spec_of(OBJECTS[3]).is_some());
    // Profiles without the mesh.
    test.app.kfctl(&["param", "set", "profiles", "mesh", "false"]).success();
    test.app.kfctl(&["apply", "k8s", "-c", "profiles", "--no-wait"]).success();
    test.mesh_says("MeshOff");
    test.cluster.until("nothing is left of it", || test.there() == [false; 4]);
    test.app.kfctl(&["param", "unset", "profiles", "mesh"]).success();
    test.app.kfctl(&["apply", "k8s", "-c", "profiles", "--no-wait"]).success();
    test.mesh_says("MeshReady");
}

/// A lost setting opens no door, and holds no deletion up.
fn is_left_where_settings_are_lost(test: &Profiles) {
    test.create("bob", BOB);
    let about_bob = ("istio-system", "authorizationpolicy", "profile-access-kubeflow-bob");
    test.cluster.until("bob's is closed too", || test.spec_of(about_bob).is_some());
    test.admin(&["-n", "kubeflow-system", "patch", "configmap", "mesh", "-p", r#"{"data": {"enforce": "nowhere"}}"#]);
    test.mesh_says("MeshInvalid");
    assert!(test.condition("jane", "MeshReady").1.contains("enforce: \"nowhere\""));
    test.admin(&["-n", "kubeflow-system", "delete", "configmap", "mesh"]);
    test.mesh_says("MeshNotConfigured");
    test.settled();
    assert_eq!(test.there(), [true; 4]);
    test.admin(&["-n", "kubeflow-system", "delete", "profile", "bob", "--timeout=60s"]);
    assert!(test.spec_of(about_bob).is_none(), "a policy is left for a namespace that is no more");
    assert!(test.get(&["get", "namespace", "kubeflow-bob"]).is_none());
    assert_eq!(test.there(), [true; 4]);
    test.app.kfctl(&["apply", "k8s", "-c", "auth", "--no-wait"]).success();
    test.mesh_says("MeshReady");
}

fn needs_its_rights_and_definitions(test: &Profiles) {
    test.admin(&["-n", "istio-system", "delete", "rolebinding", "kfctl-controller"]);
    test.admin(&["delete", "clusterrolebinding", "kfctl-controller-endpoints"]);
    test.cluster.until("the right is gone", || {
        let as_controller = "--as=system:serviceaccount:kubeflow-system:kfctl-controller";
        test.cluster.kubectl(&[as_controller, "-n", "istio-system", "auth", "can-i", "create", "authorizationpolicies"]).code != 0
    });
    test.share("bob-kubeflow", &["--role=default", "--user=bob@acme.com"]);
    test.mesh_says("MeshFailed");
    let message = test.condition("jane", "MeshReady").1;
    assert!(message.contains("profile-access-kubeflow-jane") && message.contains("forbidden"), "{message}");
    // What it may do it does.
    let allowed = test.spec_of(OBJECTS[0]).expect("it is there");
    assert!(allowed.to_string().contains(BOB), "{allowed}");
    test.app.kfctl(&["apply", "k8s", "-c", "auth", "--no-wait"]).success();
    test.mesh_says("MeshReady");
    test.cluster.until("both agree again", || test.let_in() == Some([vec![BOB.to_owned(), JANE.to_owned()], Vec::new()]));
    // Definitions go with all that is of them, and come back.
    test.admin(&["delete", "crd", "authorizationpolicies.security.istio.io", "--timeout=60s"]);
    test.mesh_says("MeshMissing");
    assert!(test.condition("jane", "MeshReady").1.contains("install Istio"));
    test.define("authorizationpolicies", "AuthorizationPolicy");
    test.mesh_says("MeshReady");
    assert_eq!(test.there(), [true; 4]);
    test.app.kfctl(&["apply", "k8s", "-c", "auth", "--no-wait"]).success();
}

fn goes_with_the_namespace_alone(test: &mut Profiles) {
    // A controller that starts anew writes nothing.
    test.settled();
    assert_eq!(test.controller.take().expect("it runs").terminate(), Some(0));
    let start = |test: &mut Profiles| {
        let controller = test.cluster.controller("kfctl-controller");
        test.cluster.until("the controller leads", || controller.number("kfctl_leader") == Some(1.0));
        test.controller = Some(controller);
    };
    start(test);
    test.settled();
    assert_eq!(test.controller().requests(), 0, "{}", test.controller().metrics().expect("it runs").2);
    // A profile that goes without its controller's leave leaves its namespace, closed as it was; the policy goes with the namespace.
    assert_eq!(test.controller.take().expect("it runs").terminate(), Some(0));
    test.change("jane", r#"{"metadata": {"finalizers": null}}"#);
    test.admin(&["-n", "kubeflow-system", "delete", "profile", "jane", "--timeout=60s"]);
    start(test);
    test.settled();
    assert_eq!(test.there(), [true; 4]);
    test.admin(&["delete", "namespace", "kubeflow-jane", "--timeout=60s"]);
    test.cluster.until("nothing is left at the gateway", || test.spec_of(OBJECTS[3]).is_none());
    assert!(test.spec_of(("istio-system", "authorizationpolicy", "kubeflow-login")).is_some(), "what holds for all is gone");
}
