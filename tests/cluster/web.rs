//! The web UI on a real API server: each sees what is theirs and nothing else, and what is changed is changed as who asked for it.

use serde_json::json;

use crate::profile_lifecycle::{ABE, BOB, JANE, Profiles};
use crate::web_rig::{CHANGER, Issuer, Person, SIGN_OUT, Web, deploy, grant, make_changer, people};

const VIC: &str = "vic@foo.com";
const ANN: &str = "ann@foo.com";

#[test]
fn e2e_the_web_shows_each_what_is_theirs() {
    let test = Profiles::start();
    let issuer = Issuer::new();
    deploy(&test, &issuer);
    test.create("jane", JANE);
    test.create("bob", BOB);
    let web = Web::start(&test, &[]);
    let person = |email: &str| Person::new(&web, issuer.token(email, &json!({})));
    let (jane, bob) = (person(JANE), person(BOB));

    the_role_names_those_who_have_a_part(&test);
    each_sees_their_own(&test, &jane, &bob);
    nobody_has_let_in(&person(ABE));
    sharing_goes_and_comes_back(&test, &jane, &bob);
    a_new_user_makes_one(&test, &person(VIC));
    an_admin_sees_all(&test, &person(ANN), &jane);
    the_web_itself_may_next_to_nothing(&test);
    assert!(web.metrics().contains("kfctl_web_requests_total{route=\"/profiles/{name}\",method=\"GET\",status=\"404\"}"));
    let log = web.log();
    assert!(!log.contains(&issuer.token(JANE, &json!({}))[..40]) && log.contains("\"user\""), "{log}");
    assert_eq!(web.terminate(), Some(0));
}

fn the_role_names_those_who_have_a_part(test: &Profiles) {
    test.cluster.until("the role names both", || people(test) == [BOB, JANE]);
    // What changes nobody's part writes nothing.
    let version =
        || test.get(&["get", "clusterrole", "kfctl-web-users"]).expect("the role")["metadata"]["resourceVersion"].clone();
    let before = version();
    test.admin(&["-n", "kubeflow-system", "annotate", "profile", "jane", "note=1"]);
    test.create("abes", JANE);
    test.app.kfctl(&["apply", "k8s", "-c", "dashboard", "--no-wait"]).success();
    assert_eq!((version(), people(test)), (before, vec![BOB.to_owned(), JANE.to_owned()]), "applied again, the names stay");
    test.admin(&["-n", "kubeflow-system", "delete", "profile", "abes"]);
    // Not even an admin puts in what would be for everybody.
    for rules in [
        json!([{"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"]}]),
        json!([{"apiGroups": [""], "resources": ["groups"], "verbs": ["impersonate"], "resourceNames": ["system:masters"]}]),
        json!([{"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate", "get"], "resourceNames": ["a"]}]),
        json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["impersonate"], "resourceNames": ["a"]}]),
    ] {
        let patch = json!({"rules": rules}).to_string();
        let said = test.cluster.kubectl(&["patch", "clusterrole", "kfctl-web-users", "--type=merge", "-p", &patch]);
        assert!(said.code != 0 && said.stderr.contains("names users and groups to act as"), "{patch}: {}", said.all());
    }
}

fn namespaces(person: &Person) -> Vec<String> {
    let answer = person.api("/api/namespaces").is(200).json();
    let rows = answer["namespaces"].as_array().expect("a list");
    rows.iter().map(|row| row["namespace"].as_str().expect("a name").to_owned()).collect()
}

fn each_sees_their_own(test: &Profiles, jane: &Person, bob: &Person) {
    test.cluster.until("jane sees hers", || namespaces(jane) == ["kubeflow-jane"]);
    assert_eq!(namespaces(bob), ["kubeflow-bob"]);
    test.cluster.until("the quota is counted", || jane.get("/").text.contains("0 of 32 used, 32 free"));
    let page = jane.get("/").is(200);
    let out = format!("<a href=\"{}\">Log out</a>", SIGN_OUT.replace('/', "&#x2f;"));
    assert!(page.text.contains(&out), "{}", page.text);
    for part in ["kubeflow-jane", "<meter", "Owner: jane@foo.com", "You: owner"] {
        assert!(page.text.contains(part), "no {part} in {}", page.text);
    }
    assert!(!page.text.contains("kubeflow-bob") && !page.text.contains(BOB), "{}", page.text);
    let rows = jane.api("/api/namespaces").json();
    let row = &rows["namespaces"][0];
    let cpu = row["quota"].as_array().expect("bars").iter().find(|bar| bar["resource"] == "requests.cpu").expect("a bar");
    assert_eq!((&cpu["limit"], &cpu["used"], &cpu["percent"]), (&json!("32"), &json!("0"), &json!(0)), "{rows}");
    assert_eq!(
        row["people"],
        json!([{"who": JANE, "kind": "User", "name": JANE, "role": "owner", "by": "profile", "removable": false}])
    );
    // What is another's looks like what is not there at all.
    let absent = bob.get("/profiles/nobody").is(404).text.replace("nobody", "X");
    assert_eq!(bob.get("/profiles/jane").is(404).text.replace("jane", "X"), absent);
    for target in ["/api/profiles/jane", "/api/profiles/nobody"] {
        assert_eq!(bob.api(target).is(404).json()["error"]["message"], "there is no such profile, or you have no part in it");
    }
    for text in [bob.get("/profiles").text, bob.get("/profiles?q=jane").text, bob.get("/").text, bob.api("/api/profiles").text] {
        assert!(!text.contains("kubeflow-jane") && !text.contains(JANE), "{text}");
    }
    for action in ["share", "unshare", "member", "transfer", "quota", "delete"] {
        let fields = [("who", BOB), ("role", "admin"), ("confirm", "jane"), ("limits:pods", "1")];
        bob.submit(&format!("/profiles/jane/{action}"), &fields).is(404);
    }
    jane.get("/profiles/jane").is(200);
    jane.get("/nowhere").is(404);
}

fn nobody_has_let_in(abe: &Person) {
    let page = abe.get("/").is(403);
    assert!(page.text.contains("You are logged in as abe@foo.com, and nobody has let you in yet"), "{}", page.text);
    let command = "<code>kubectl -n kubeflow-system create rolebinding NAME --role=profile-creator --user=abe@foo.com</code>";
    assert!(page.text.contains(command), "{}", page.text);
    abe.api("/api/profiles").is(403);
}

fn sharing_goes_and_comes_back(test: &Profiles, jane: &Person, bob: &Person) {
    let shared = jane.submit("/profiles/jane/share", &[("kind", "User"), ("who", BOB)]).is(303);
    assert_eq!(shared.header("location"), "/profiles/jane?done=share");
    assert!(jane.get("/profiles/jane?done=share").text.contains("It is shared."));
    test.cluster.until("bob sees it", || namespaces(bob) == ["kubeflow-bob", "kubeflow-jane"]);
    // It was jane who did it, and the API server knows.
    let bindings = test.get(&["-n", "kubeflow-jane", "get", "rolebindings"]).expect("a list");
    assert!(bindings["items"].as_array().expect("items").iter().any(|it| it["roleRef"]["name"] == "default"));
    // Bob may use it, and no more.
    let page = bob.get("/profiles/jane").is(200);
    assert!(page.text.contains("shared with") && !page.text.contains("/profiles/jane/share"), "{}", page.text);
    for (action, fields) in [
        ("share", vec![("who", VIC)]),
        ("unshare", vec![("who", JANE)]),
        ("member", vec![("who", VIC), ("role", "admin")]),
        ("transfer", vec![("who", BOB), ("confirm", "jane")]),
        ("quota", vec![("limits:requests.cpu", "1")]),
        ("delete", vec![("confirm", "jane")]),
    ] {
        bob.submit(&format!("/profiles/jane/{action}"), &fields).is(403);
    }
    // Neither may its owner what is for those who may change profiles.
    jane.submit("/profiles/jane/member", &[("who", VIC), ("role", "admin")]).is(403);
    jane.call("POST", "/api/profiles/jane/quota", &json!({"limits": {"requests.cpu": 64}})).is(403);
    let taken = jane.call("POST", "/api/profiles/jane/unshare", &json!({"kind": "User", "who": BOB})).is(200).json();
    assert_eq!(taken["removed"].as_array().map(Vec::len), Some(1), "{taken}");
    test.cluster.until("bob sees it no longer", || namespaces(bob) == ["kubeflow-bob"]);
    // What the API server has said of him is believed for a few seconds.
    test.cluster.until("it is as if it were not there", || bob.get("/profiles/jane").status == 404);
}

fn a_new_user_makes_one(test: &Profiles, vic: &Person) {
    vic.get("/").is(403);
    grant(test, VIC, &["profile-creator"]);
    test.cluster.until("vic is taken to making one", || vic.get("/").header("location") == "/profiles#new");
    let form = vic.get("/profiles").is(200).text;
    assert!(
        form.contains("Make a profile") && form.contains("placeholder=\"32\"") && form.contains(&format!("value=\"{VIC}\"")),
        "{form}"
    );
    // What is wrong is said beside what was typed.
    for (fields, expected) in [
        (vec![("name", "Vic")], "lower-case letters"),
        (vec![("name", "../x")], "A profile is named by lower-case letters"),
        (vec![("name", "vic"), ("limits:requests.cpu", "lots")], "is no quantity"),
        (vec![("name", "vic"), ("limits:requests.cpu", "64")], "a limit above the default needs the right to set-quota"),
        (vec![("name", "vic"), ("namespace", "kube-system")], "system"),
        (vec![("name", "jane")], "Profile jane exists already"),
    ] {
        let page = vic.submit("/profiles", &fields).is(422).text;
        assert!(
            page.contains(expected) && page.contains("role=\"alert\"") && page.contains("Make a profile"),
            "{expected}: {page}"
        );
        assert!(page.contains(&format!("value=\"{}\"", fields[0].1.replace('/', "&#x2f;"))), "what was typed is gone: {page}");
    }
    let made = vic.submit("/profiles", &[("name", "vic"), ("limits:requests.cpu", "2")]).is(303);
    // They go on in what is theirs, as soon as it is there.
    assert_eq!(made.header("location"), "/profiles/vic?done=made");
    assert!(vic.get("/profiles/vic?done=made").is(200).text.contains("this is your namespace"));
    test.ready("vic");
    test.cluster.until("vic sees it", || namespaces(vic) == ["kubeflow-vic"]);
    let profile = test.get(&["-n", "kubeflow-system", "get", "profile", "vic"]).expect("a profile");
    assert_eq!(profile["spec"]["template"]["spec"]["owner"]["name"], VIC);
    assert_eq!(profile["metadata"]["annotations"]["kubeflow.org/creator"], VIC, "it says who asked for it");
    test.cluster.until("vic sees the limit", || vic.get("/").text.contains("0 of 2 used, 2 free"));
}

fn an_admin_sees_all(test: &Profiles, ann: &Person, jane: &Person) {
    make_changer(test);
    grant(test, ANN, &["profile-viewer", "profile-deleter", CHANGER]);
    let names = |person: &Person| -> Vec<String> {
        let answer = person.api("/api/profiles");
        let rows = answer.json()["profiles"].clone();
        let names = rows.as_array().into_iter().flatten().map(|row| row["name"].as_str().expect("a name").to_owned());
        names.collect()
    };
    test.cluster.until("ann sees all", || names(ann) == ["bob", "jane", "vic"]);
    assert_eq!(names(jane), ["jane"]);
    let page = ann.get("/profiles").is(200).text;
    assert!(page.contains("Defaults") && page.contains("128Gi") && page.contains("kubeflow-bob"), "{page}");
    assert_eq!(ann.api("/api/profiles?q=jane@foo").json()["count"], 1);
    // A member, another limit, another owner.
    ann.submit("/profiles/jane/member", &[("kind", "Group"), ("who", "team"), ("role", "view")]).is(303);
    let limits = [("limits:requests.cpu", "8"), ("limits:requests.memory", "")];
    ann.submit("/profiles/jane/quota", &limits).is(303);
    let spec =
        || test.get(&["-n", "kubeflow-system", "get", "profile", "jane"]).expect("a profile")["spec"]["template"]["spec"].clone();
    assert_eq!(spec()["members"][0]["subject"]["name"], "team");
    assert_eq!(spec()["resourceQuota"]["hard"], json!({"requests.cpu": "8"}));
    assert!(ann.get("/profiles/jane").text.contains("Group team"), "a member is seen by who may read the profile");
    ann.submit("/profiles/jane/unshare", &[("kind", "Group"), ("who", "team")]).is(303);
    assert_eq!(spec()["members"].as_array().map(Vec::len).unwrap_or_default(), 0);
    ann.submit("/profiles/jane/transfer", &[("who", ABE)]).is(422);
    assert_eq!(spec()["owner"]["name"], JANE, "without the name typed nothing goes");
    ann.submit("/profiles/jane/transfer", &[("who", ABE), ("confirm", "jane")]).is(303);
    test.cluster.until("jane has no part any more", || jane.get("/").status == 403);
    // Gone with its name typed, and not before.
    ann.submit("/profiles/vic/delete", &[("confirm", "bob")]).is(422);
    ann.call("DELETE", "/api/profiles/vic", &json!({})).is(400);
    ann.call("DELETE", "/api/profiles/vic", &json!({"confirm": "bob"})).is(422);
    ann.call("DELETE", "/api/profiles/vic", &json!({"confirm": "vic"})).is(200);
    test.cluster.until("vic's profile is gone", || test.get(&["-n", "kubeflow-system", "get", "profile", "vic"]).is_none());
}

fn the_web_itself_may_next_to_nothing(test: &Profiles) {
    let web = "--as=system:serviceaccount:kubeflow-system:kfctl-web";
    let may =
        |arguments: &[&str]| test.cluster.kubectl(&[&["auth", "can-i", web][..], arguments].concat()).stdout.trim() == "yes";
    for allowed in
        [&["impersonate", "users/bob@acme.com"][..], &["create", "subjectaccessreviews"], &["watch", "rolebindings", "-A"]]
    {
        assert!(may(allowed), "{allowed:?}");
    }
    for refused in [
        &["impersonate", "users"][..],
        &["impersonate", "users/kfctl-admin"],
        &["impersonate", "groups/system:masters"],
        &["impersonate", "serviceaccounts"],
        &["get", "secrets", "-A"],
        &["list", "secrets", "-n", "kubeflow-system"],
        &["get", "pods/log", "-n", "kubeflow-bob"],
        &["create", "pods/exec", "-n", "kubeflow-bob"],
        &["create", "rolebindings", "-n", "kubeflow-bob"],
        &["patch", "profiles.kubeflow.org", "-n", "kubeflow-system"],
        &["list", "configmaps", "-n", "kubeflow-system"],
        &["create", "serviceaccounts/token", "-n", "kubeflow-system"],
    ] {
        assert!(!may(refused), "{refused:?}");
    }
}
