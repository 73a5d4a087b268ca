//! Today's paths for access management, on a real API server: what today's programs ask for is done with the rights of whoever asks, and
//! nobody learns of a namespace in which they have no part.

use serde_json::{Value, json};

use crate::profile_lifecycle::{BOB, JANE, Profiles};
use crate::web_rig::{CHANGER, Issuer, Person, Web, deploy, grant, make_changer};

const VIC: &str = "vic@foo.com";
const ANN: &str = "ann@foo.com";
const BINDINGS: &str = "/kfam/v1/bindings";
const PROFILES: &str = "/kfam/v1/profiles";

#[test]
fn e2e_todays_access_management_is_served() {
    let test = Profiles::start();
    let issuer = Issuer::new();
    deploy(&test, &issuer);
    test.create("jane", JANE);
    test.create("bob", BOB);
    make_changer(&test);
    grant(&test, ANN, &["profile-viewer", "profile-deleter", CHANGER]);
    grant(&test, VIC, &["profile-creator"]);
    let web = Web::start(&test, &[]);
    let person = |email: &str| Person::new(&web, issuer.token(email, &json!({})));
    let (jane, bob, ann, vic) = (person(JANE), person(BOB), person(ANN), person(VIC));
    test.cluster.until("all are let in", || [&jane, &bob, &ann, &vic].iter().all(|it| it.api(BINDINGS).status == 200));

    each_is_told_of_their_own(&test, &jane, &bob);
    the_owner_shares(&test, &jane, &bob);
    an_admin_sees_and_changes_all(&test, &jane, &ann);
    profiles_come_and_go(&test, &vic, &bob, &ann);
    what_is_not_described_is_refused(&jane);
}

/// Who has which role where.
fn told(person: &Person<'_>, query: &str) -> Vec<String> {
    let answer = person.api(&format!("{BINDINGS}{query}")).is(200).json();
    let row = |row: &Value| {
        let part = |pointer: &str| row.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{row}")).to_owned();
        [part("/user/name"), part("/RoleRef/name"), part("/referredNamespace")].join(" ")
    };
    answer["bindings"].as_array().expect("a list").iter().map(row).collect()
}

fn binding(who: &str, role: &str) -> Value {
    json!({"user": {"kind": "User", "name": who}, "referredNamespace": "kubeflow-jane", "RoleRef": {"kind": "ClusterRole", "name": role}})
}

fn each_is_told_of_their_own(test: &Profiles, jane: &Person<'_>, bob: &Person<'_>) {
    test.cluster.until("jane is told of hers", || told(jane, "") == ["jane@foo.com admin kubeflow-jane"]);
    assert_eq!(told(bob, ""), ["bob@acme.com admin kubeflow-bob"]);
    assert_eq!(told(jane, "?role=view"), [""; 0]);
    assert_eq!(told(jane, &format!("?user={JANE}&namespace=kubeflow-jane")).len(), 1);
    // What is another's looks like what is not there.
    let absent = bob.api(&format!("{BINDINGS}?namespace=nowhere")).is(404).text;
    assert_eq!(bob.api(&format!("{BINDINGS}?namespace=kubeflow-jane")).is(404).text, absent);
    for method in ["POST", "DELETE"] {
        bob.call(method, BINDINGS, &binding(BOB, "edit")).is(404);
    }
    bob.call("DELETE", &format!("{PROFILES}/jane"), &json!({})).is(404);
    assert_eq!(jane.api("/kfam/v1/role/clusteradmin").is(200).json(), json!(false));
    jane.api(&format!("/kfam/v1/role/clusteradmin?user={ANN}")).is(403);
}

fn the_owner_shares(test: &Profiles, jane: &Person<'_>, bob: &Person<'_>) {
    // Neither without a token of ours, nor from another site.
    let body = binding(BOB, "edit").to_string();
    let sent = |headers: &[(&str, &str)]| jane.raw("POST", BINDINGS, headers, body.as_bytes());
    let csrf = jane.csrf();
    sent(&[("content-type", "application/json")]).is(403);
    sent(&[("content-type", "application/json"), ("x-csrf-token", &csrf), ("origin", "https://evil.example.com")]).is(403);
    assert_eq!(told(jane, "").len(), 1);
    let made = jane.call("POST", BINDINGS, &binding(BOB, "edit")).is(200).json();
    assert_eq!((&made["roleRef"]["kind"], &made["roleRef"]["name"]), (&json!("Role"), &json!("default")));
    jane.call("POST", BINDINGS, &binding(BOB, "edit")).is(200);
    test.cluster
        .until("bob is told of it", || told(bob, "") == ["bob@acme.com admin kubeflow-bob", "bob@acme.com edit kubeflow-jane"]);
    test.cluster.until("jane too", || told(jane, "?role=edit") == ["bob@acme.com edit kubeflow-jane"]);
    assert!(!bob.api(BINDINGS).text.contains(JANE), "who shares with him, or with whom else, is not his to know");
    // He may use it, and no more.
    bob.call("POST", BINDINGS, &binding(VIC, "edit")).is(403);
    bob.call("DELETE", BINDINGS, &binding(BOB, "edit")).is(403);
    bob.call("DELETE", &format!("{PROFILES}/jane"), &json!({})).is(403);
    let refused = jane.call("POST", BINDINGS, &binding(VIC, "admin")).is(403).json();
    assert!(refused["error"]["hints"].to_string().contains("share it with role edit"), "{refused}");
    jane.call("DELETE", BINDINGS, &binding(BOB, "view")).is(422);
    jane.call("DELETE", BINDINGS, &binding(BOB, "edit")).is(200);
    test.cluster.until("it is taken back", || told(bob, "") == ["bob@acme.com admin kubeflow-bob"]);
    jane.call("DELETE", BINDINGS, &binding(BOB, "edit")).is(422);
}

fn an_admin_sees_and_changes_all(test: &Profiles, jane: &Person<'_>, ann: &Person<'_>) {
    assert_eq!(ann.api(&format!("/kfam/v1/role/clusteradmin?user={ANN}")).is(200).json(), json!(true));
    assert_eq!(told(ann, ""), ["bob@acme.com admin kubeflow-bob", "jane@foo.com admin kubeflow-jane"]);
    ann.call("POST", BINDINGS, &binding(VIC, "view")).is(200);
    test.cluster.until("vic is a member", || told(ann, "?role=view") == ["vic@foo.com view kubeflow-jane"]);
    test.cluster.until("jane sees it", || told(jane, "?role=view") == ["vic@foo.com view kubeflow-jane"]);
    ann.call("DELETE", BINDINGS, &binding(VIC, "edit")).is(422);
    ann.call("DELETE", BINDINGS, &binding(VIC, "view")).is(200);
    test.cluster.until("vic is none", || told(ann, "?role=view").is_empty());
}

fn profiles_come_and_go(test: &Profiles, vic: &Person<'_>, bob: &Person<'_>, ann: &Person<'_>) {
    let profile = json!({"metadata": {"name": "vic"}, "spec": {"owner": {"kind": "User", "name": VIC}, "resourceQuotaSpec": {"hard": {"requests.cpu": "2"}}}});
    bob.call("POST", PROFILES, &profile).is(403);
    vic.call("POST", PROFILES, &profile).is(200);
    let made = test.get(&["-n", "kubeflow-system", "get", "profile", "vic"]).expect("it is made");
    assert_eq!(made["spec"]["template"]["spec"]["resourceQuota"]["hard"], json!({"requests.cpu": "2"}), "the quota is no less");
    test.cluster.until("vic is told of it", || told(vic, "") == ["vic@foo.com admin kubeflow-vic"]);
    vic.call("POST", PROFILES, &profile).is(422);
    let one = format!("{PROFILES}/vic");
    vic.call("DELETE", &one, &json!({})).is(403);
    ann.call("DELETE", &one, &json!({})).is(200);
    test.cluster.until("it is gone", || test.get(&["-n", "kubeflow-system", "get", "profile", "vic"]).is_none());
}

/// What today's API would take and forget, such as a plugin, is said instead.
fn what_is_not_described_is_refused(jane: &Person<'_>) {
    let owner = json!({"kind": "User", "name": JANE});
    for (path, body, field) in [
        (PROFILES, json!({"metadata": {"name": "x"}, "spec": {"owner": owner, "plugins": []}}), "spec:plugins"),
        (PROFILES, json!({"metadata": {"name": "x"}, "spec": {}}), "spec:owner"),
        (BINDINGS, json!({"user": {"kind": "User", "name": 5}, "referredNamespace": "kubeflow-jane"}), "user:name"),
        ("/api/profiles/jane/share", json!({"who": BOB, "with": "all"}), "with"),
    ] {
        let problem = jane.call("POST", path, &body).is(400).json();
        assert_eq!(problem["error"]["field"], field, "{body}");
    }
    assert_eq!(jane.api(&format!("{BINDINGS}?users=x")).is(400).json()["error"]["field"], "users");
    let reply = jane.raw("PUT", BINDINGS, &[], b"").is(405);
    assert_eq!(reply.header("allow"), "GET, POST, DELETE");
    jane.api("/kfam/v1/nothing").is(404);
    jane.call("POST", "/api/profiles/jane/seize", &json!({})).is(404);
    // A form is for pages.
    let csrf = jane.csrf();
    let form = [("content-type", "application/x-www-form-urlencoded"), ("x-csrf-token", csrf.as_str())];
    jane.raw("POST", "/api/profiles/jane/share", &form, b"who=bob").is(415);
}
