//! `kfctl overlay`: edits of rendered files, kept.

use insta::assert_snapshot;

use crate::harness::Sandbox;

const WEB: &str = "rendered/web/configmap-kubeflow-web.yaml";

/// An app whose component `web` is rendered, with its file changed by a hand.
fn edited(change: impl FnOnce(&str) -> String) -> Sandbox {
    let sandbox = Sandbox::with_app("");
    sandbox.ok(&["generate", "k8s"]);
    let before = sandbox.read(WEB);
    let after = change(&before);
    assert_ne!(before, after, "the edit does something");
    sandbox.write(WEB, after);
    sandbox
}

#[test]
fn an_edit_becomes_the_least_overlay() {
    let sandbox = edited(|text| {
        let text = text.replace("  level: info\n", "").replace("memory: 64Mi", "memory: 128Mi");
        text.replace("metadata:\n", "metadata:\n  labels:\n    team: red\n")
    });
    let meant = sandbox.read(WEB);
    assert_snapshot!(sandbox.kfctl(&["overlay", "save"]), @"
    exit: 0
    --- stdout
    ✓ overlays/web/configmap-kubeflow-web.yaml keeps the edit of rendered/web/configmap-kubeflow-web.yaml

    Next:
      kfctl diff        what it changes in the cluster
      kfctl apply k8s   bring the cluster to it
    --- stderr
    ");
    assert_snapshot!(sandbox.read("overlays/web/configmap-kubeflow-web.yaml"), @"
    apiVersion: v1
    data:
      level: null
      memory: 128Mi
    kind: ConfigMap
    metadata:
      labels:
        team: red
      name: web
      namespace: kubeflow
    ");
    // The next rendering is the edit, and keeps it when parameters change.
    sandbox.ok(&["generate", "k8s"]);
    assert_eq!(sandbox.read(WEB), meant);
    sandbox.ok(&["param", "set", "web", "replicas", "3"]);
    sandbox.ok(&["generate", "k8s"]);
    assert_eq!(sandbox.read(WEB), meant.replace("replicas: \"1\"", "replicas: \"3\""));
}

#[test]
fn a_second_edit_joins_the_first() {
    let sandbox = edited(|text| text.replace("level: info", "level: debug"));
    sandbox.ok(&["overlay", "save", "-c", "web"]);
    sandbox.write(WEB, sandbox.read(WEB).replace("  level: debug\n", "  colour: red\n"));
    sandbox.ok(&["overlay", "save"]);
    assert_snapshot!(sandbox.read("overlays/web/configmap-kubeflow-web.yaml"), @"
    apiVersion: v1
    data:
      colour: red
      level: null
    kind: ConfigMap
    metadata:
      name: web
      namespace: kubeflow
    ");
    // One that a hand has written keeps its comments.
    let by_hand = "# Why red: see the wiki.\n".to_owned() + &sandbox.read("overlays/web/configmap-kubeflow-web.yaml");
    sandbox.write("overlays/web/configmap-kubeflow-web.yaml", &by_hand);
    sandbox.write(WEB, sandbox.read(WEB).replace("colour: red", "colour: blue"));
    sandbox.ok(&["overlay", "save"]);
    assert_snapshot!(sandbox.read("overlays/web/configmap-kubeflow-web.yaml"), @"
    # Why red: see the wiki.
    apiVersion: v1
    data:
      colour: red
      level: null
    kind: ConfigMap
    metadata:
      name: web
      namespace: kubeflow
    ---
    apiVersion: v1
    data:
      colour: blue
    kind: ConfigMap
    metadata:
      name: web
      namespace: kubeflow
    ");
    assert!(sandbox.read(WEB).contains("colour: blue"));
}

#[test]
fn what_is_no_overlay_says_why_and_changes_nothing() {
    let refused = |sandbox: &Sandbox| {
        let before: Vec<(String, String)> = sandbox.files().into_iter().map(|file| (file.clone(), sandbox.read(&file))).collect();
        let said = sandbox.kfctl(&["overlay", "save"]);
        let after: Vec<(String, String)> = sandbox.files().into_iter().map(|file| (file.clone(), sandbox.read(&file))).collect();
        assert_eq!(before, after);
        said
    };
    assert_snapshot!(refused(&edited(|text| text.replace("name: web", "name: other"))), @"
    exit: 1
    --- stdout
    --- stderr
    error: rendered/web/configmap-kubeflow-web.yaml: ConfigMap kubeflow/web became ConfigMap kubeflow/other: an overlay can't give an object another identity
    hint: to have both, bring the new one as a component of your own: `kfctl component add NAME --from FILE`
    ");
    assert_snapshot!(refused(&edited(|text| format!("{text}status: {{}}\n"))), @"
    exit: 1
    --- stdout
    --- stderr
    error: rendered/web/configmap-kubeflow-web.yaml: status: a status is the cluster's own to write; it can't be kept
    ");
    assert_snapshot!(refused(&edited(|text| format!("{text}---\n{text}"))), @"
    exit: 1
    --- stdout
    --- stderr
    error: rendered/web/configmap-kubeflow-web.yaml: 2 documents; expected one object a file
    ");
    assert_snapshot!(refused(&edited(|text| text.replace("level: info", "level: {a: [1, 2"))), @"
    exit: 1
    --- stdout
    --- stderr
    error: rendered/web/configmap-kubeflow-web.yaml:5:9: illegal placement of ':' indicator
    ");
    assert_snapshot!(refused(&edited(|text| text.replace("level: info", "level: null"))), @"
    exit: 1
    --- stdout
    --- stderr
    error: rendered/web/configmap-kubeflow-web.yaml: this edit can't be kept by an overlay
      .data.level: null, or nothing, can't be put there
    hint: edit the overlay that is there, or write one by hand; nothing was changed
    ");
    // The app changed since.
    let sandbox = edited(|text| text.replace("level: info", "level: debug"));
    sandbox.ok(&["param", "set", "web", "replicas", "3"]);
    assert_snapshot!(refused(&sandbox), @"
    exit: 1
    --- stdout
    --- stderr
    error: rendered/web/configmap-kubeflow-web.yaml: rendered before the app changed, so the edit can't be told from that change
    hint: undo the change (of a parameter, an overlay or kfctl itself), run this again, and make the change anew
    hint: or write the overlay by hand to overlays/web/, and drop the edit: `kfctl generate k8s --discard-edits`
    ");
    // Another overlay, merged later, says otherwise.
    let sandbox = Sandbox::with_app("");
    sandbox.write(
        "overlays/web/zz.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: kubeflow}\ndata: {level: info}\n",
    );
    sandbox.ok(&["generate", "k8s"]);
    sandbox.write(WEB, sandbox.read(WEB).replace("level: info", "level: debug"));
    assert_snapshot!(refused(&sandbox), @"
    exit: 1
    --- stdout
    --- stderr
    error: rendered/web/configmap-kubeflow-web.yaml: this edit can't be kept by an overlay
      .data.level: another overlay of overlays/web/ sets it too
    hint: edit the overlay that is there, or write one by hand; nothing was changed
    ");
    // Objects that were removed, and added.
    let sandbox = Sandbox::with_app("");
    sandbox.ok(&["generate", "k8s"]);
    sandbox.write("rendered/web/mine.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: mine}\n");
    assert_snapshot!(refused(&sandbox), @"
    exit: 1
    --- stdout
    --- stderr
    error: rendered/web/mine.yaml: not one of the component's objects: an overlay can't add one
    hint: bring it as a component of your own: `kfctl component add NAME --from FILE`, with the file moved out of rendered/
    ");
    std::fs::remove_file(sandbox.path("rendered/web/mine.yaml")).unwrap();
    std::fs::remove_file(sandbox.path(WEB)).unwrap();
    assert_snapshot!(refused(&sandbox), @"
    exit: 1
    --- stdout
    --- stderr
    error: rendered/web/configmap-kubeflow-web.yaml: deleted: an overlay can't remove an object
    hint: bring it back: `kfctl generate k8s --discard-edits`
    ");
}

#[test]
fn only_the_text_was_edited() {
    let sandbox = edited(|text| format!("# a note\n{text}"));
    assert_snapshot!(sandbox.kfctl(&["overlay", "save"]), @"
    exit: 0
    --- stdout
    --- stderr
    rendered/web/configmap-kubeflow-web.yaml: nothing but layout or comments was edited; it is rendered as before
    ");
    assert!(!sandbox.path("overlays").exists());
    assert_snapshot!(sandbox.kfctl(&["overlay", "save"]), @"
    exit: 0
    --- stdout
    --- stderr
    there is no edit in rendered/ to keep
    ");
}

#[test]
fn values_of_secrets_are_not_shown() {
    let sandbox = Sandbox::with_app("");
    let secret =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: login}\nstringData: {password: rendered-word, other: kept-word}\n";
    sandbox.write("components/mine/secret.yaml", secret);
    sandbox.ok(&["generate", "k8s"]);
    let file = "rendered/mine/secret-login.yaml";
    sandbox.write(file, sandbox.read(file).replace("rendered-word", "edited-word"));
    let said = sandbox.kfctl(&["generate", "k8s"]);
    assert!(!said.contains("-word"), "{said}");
    assert_snapshot!(said, @r#"
    exit: 1
    --- stdout
    --- stderr
    error: files in rendered/ were edited by hand; a new rendering would lose that
      rendered/mine/secret-login.yaml:
      --- rendered
      +++ edited
      @@ -4,4 +4,4 @@
         name: login
       stringData:
         other: "***"
      -  password: "*** (before)"
      +  password: "*** (after)"
    hint: to keep the edits: `kfctl overlay save` writes them to overlays/
    hint: to drop the edits: `kfctl generate k8s --discard-edits`
    "#);
    assert_snapshot!(sandbox.kfctl(&["overlay", "save", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"file":"rendered/mine/secret-login.yaml","overlay":"overlays/mine/secret-login.yaml"}
    --- stderr
    {"event":"warning","message":"overlays/mine/secret-login.yaml holds a value of a Secret: don't commit it to git"}
    "#);
    sandbox.write(file, sandbox.read(file).replace("edited-word", "'typed-word"));
    let said = sandbox.kfctl(&["generate", "k8s"]);
    assert!(!said.contains("-word"), "{said}");
    // What the user typed, and no more.
    let overlay = sandbox.read("overlays/mine/secret-login.yaml");
    assert!(overlay.contains("edited-word") && !overlay.contains("kept-word"), "{overlay}");
}
