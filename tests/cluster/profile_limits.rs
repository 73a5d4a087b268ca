//! Who may make how many profiles, and which: by people with tokens of their own.

use crate::profile_lifecycle::{BOB, JANE, Profiles};

/// A profile as somebody makes it, with more metadata or spec.
fn manifest(test: &Profiles, name: &str, owner: &str, creator: &str) -> String {
    let text = format!(
        "apiVersion: kubeflow.org/v1alpha1\nkind: Profile\nmetadata: {{name: {name}, namespace: kubeflow-system{creator}}}\nspec: {{template: {{spec: {{owner: {{kind: User, name: {owner}}}}}}}}}\n"
    );
    test.app.write("limited.yaml", &text)
}

fn says(creator: &str) -> String {
    format!(", annotations: {{kubeflow.org/creator: {creator}}}")
}

#[test]
fn e2e_creators_and_users_make_no_more_than_they_may() {
    let test = Profiles::start();
    let create = |user: &str, name: &str, owner: &str, creator: &str| {
        test.cluster.kubectl_as(user, &["create", "-f", &manifest(&test, name, owner, creator)])
    };
    let refused = |user: &str, name: &str, owner: &str, creator: &str, says: &str| {
        let said = create(user, name, owner, creator);
        assert!(said.code != 0 && said.stderr.contains(says), "{user} {name} {owner} {creator}: {}", said.all());
    };
    let apply = |param: &str, value: &str| {
        test.app.kfctl(&["param", "set", "profiles", param, value]).success();
        test.app.kfctl(&["apply", "k8s", "-c", "profiles", "--no-wait"]).success();
    };

    // Nobody signs with another's name, whatever the limit.
    test.admin(&[
        "-n",
        "kubeflow-system",
        "create",
        "rolebinding",
        "bob-creator",
        "--role=profile-creator",
        "--user=bob@acme.com",
    ]);
    test.cluster.until("bob may create", || create(BOB, "free", JANE, "").code == 0);
    // Nor has another namespace than one that starts as it should.
    let file = manifest(&test, "stray", JANE, "");
    let text = test.app.read("limited.yaml").replace("template: {", "template: {metadata: {namespace: team-x}, ");
    std::fs::write(&file, text).expect("the file can be written");
    let said = test.cluster.kubectl_as(BOB, &["create", "-f", &file]);
    assert!(said.stderr.contains("the namespace of a profile starts with kubeflow-"), "{}", said.all());
    refused(BOB, "forged", JANE, &says(JANE), "annotation kubeflow.org/creator names who asks for the profile: bob@acme.com");

    apply("profilesPerCreator", "2");
    test.cluster.until("bob has to sign", || {
        let said = create(BOB, "unsigned", JANE, "");
        test.cluster.kubectl(&["-n", "kubeflow-system", "delete", "profile", "unsigned", "--ignore-not-found"]).success();
        said.stderr.contains("each creator may make 2 profiles; say that this one is yours")
    });
    for name in ["first", "second", "third"] {
        create(BOB, name, JANE, &says(BOB)).success();
    }
    for name in ["first", "second"] {
        test.ready(name);
    }
    test.reason("third", "TooManyProfiles");
    assert!(
        test.condition("third", "Ready").1.contains("bob@acme.com may have made 2 profiles"),
        "{:?}",
        test.condition("third", "Ready")
    );
    assert!(test.get(&["get", "namespace", "kubeflow-third"]).is_none());
    test.cluster.until("an event tells", || {
        test.admin(&["-n", "kubeflow-system", "get", "events.events.k8s.io", "-o", "jsonpath={.items[*].reason}"])
            .contains("TooManyProfiles")
    });
    // An admin, and one that counts for nobody.
    test.create("admins", JANE);
    // One goes: the next is made. The limit raised does the same.
    test.admin(&["-n", "kubeflow-system", "delete", "profile", "first", "--timeout=60s"]);
    test.ready("third");
    create(BOB, "fourth", JANE, &says(BOB)).success();
    test.reason("fourth", "TooManyProfiles");
    apply("profilesPerCreator", "3");
    test.ready("fourth");
    // A lower limit takes nothing away.
    apply("profilesPerCreator", "1");
    create(BOB, "fifth", JANE, &says(BOB)).success();
    test.reason("fifth", "TooManyProfiles");
    test.settled();
    for name in ["second", "third", "fourth"] {
        assert_eq!(test.condition(name, "Ready").0, "NamespaceReady", "{name}");
    }
    // The command signs by itself.
    let kubeconfig = test.cluster.kubeconfig_as(BOB).display().to_string();
    test.app.kfctl(&["--kubeconfig", &kubeconfig, "profile", "create", "sixth", "--user", JANE]).success();
    test.reason("sixth", "TooManyProfiles");

    // Self-service: off, nobody makes a profile that was not let; on, everybody one, their own.
    refused(JANE, "jane-foo-com", JANE, "", "cannot create resource \"profiles\"");
    apply("profilesPerCreator", "0");
    apply("selfService", "true");
    let own = "you may make one profile, your own: its name is jane-foo-com, its namespace kubeflow-jane-foo-com, and its owner User jane@foo.com";
    test.cluster.until("jane is told what she may", || create(JANE, "another", JANE, "").stderr.contains(own));
    refused(JANE, "jane-foo-com", BOB, "", own);
    refused(JANE, "bob-acme-com", JANE, "", own);
    refused(JANE, "bob-acme-com", BOB, "", own);
    // The server hears of each changed rule a moment later, and of one before the other.
    test.cluster.until("she makes it", || create(JANE, "jane-foo-com", JANE, "").code == 0);
    test.ready("jane-foo-com");
    test.cluster.until("jane works in it", || {
        test.cluster.kubectl_as(JANE, &["-n", "kubeflow-jane-foo-com", "create", "configmap", "a"]).code == 0
    });
    refused(JANE, "jane-foo-com", JANE, "", "already exists");
    // What a creator was granted, they have still.
    create(BOB, "seventh", "abe@foo.com", "").success();
    test.ready("seventh");
    // A group, or a namespace of another name, is nobody's own.
    let text = test.app.read("limited.yaml").replace("seventh", "eve-foo-com").replace("abe@foo.com", "eve@foo.com");
    for (from, to) in [("kind: User", "kind: Group"), ("template: {", "template: {metadata: {namespace: kubeflow-x}, ")] {
        let file = test.app.write("other.yaml", &text.replace(from, to));
        let said = test.cluster.kubectl_as("eve@foo.com", &["create", "-f", &file]);
        assert!(said.stderr.contains("you may make one profile, your own: its name is eve-foo-com"), "{}", said.all());
    }
    apply("selfService", "false");
    test.cluster.until("nobody may any longer", || {
        create("eve@foo.com", "eve-foo-com", "eve@foo.com", "").stderr.contains("cannot create")
    });
    names_that_differ_by_case_alone(&test);
}

fn names_that_differ_by_case_alone(test: &Profiles) {
    // A profile's name and its namespace's have no upper case.
    let said = test.cluster.kubectl(&["create", "-f", &manifest(test, "Case", JANE, "")]);
    assert!(said.stderr.contains("lower-case letters"), "{}", said.all());
    test.create("one", "case@foo.com");
    test.admin(&["create", "-f", &manifest(test, "other", "Case@foo.com", "")]);
    test.reason("other", "OwnerCaseDiffers");
    assert!(test.condition("other", "Ready").1.contains("differs from case@foo.com, who owns profile one, by case alone"));
    assert!(test.get(&["get", "namespace", "kubeflow-other"]).is_none());
    test.cluster.until("an event tells", || {
        test.admin(&["-n", "kubeflow-system", "get", "events.events.k8s.io", "-o", "jsonpath={.items[*].reason}"])
            .contains("OwnerCaseDiffers")
    });
    // Nor is one that is there given to such a name: the owner it has stays.
    test.create("mine", "eve@foo.com");
    let give = |name: &str, owner: &str| {
        let patch = format!(r#"{{"spec": {{"template": {{"spec": {{"owner": {{"name": "{owner}"}}}}}}}}}}"#);
        test.admin(&["-n", "kubeflow-system", "patch", "profile", name, "--type=merge", "-p", &patch]);
    };
    give("mine", "CASE@foo.com");
    test.reason("mine", "OwnerCaseDiffers");
    assert_eq!(test.condition("one", "Ready").0, "NamespaceReady");
    let owner = ["-n", "kubeflow-mine", "get", "rolebinding", "namespaceAdmin", "-o", "jsonpath={.subjects[0].name}"];
    assert_eq!(test.admin(&owner), "eve@foo.com");
    // Spelled right, they are made; several of one owner are no clash.
    give("mine", "case@foo.com");
    give("other", "case@foo.com");
    test.ready("mine");
    test.ready("other");
}
