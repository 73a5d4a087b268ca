//! What others do to our objects from outside: `diff` names it, `apply` mends it or says whose it is, and after that nothing moves.

use std::collections::BTreeMap;

use crate::harness::{App, Cluster, Said};

/// One object of each kind that counts, with each kind of list and map.
const OBJECTS: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: drift, labels: {tier: front}, annotations: {note: ours}}
data: {colour: red, size: "10"}
---
apiVersion: v1
kind: Secret
metadata: {name: login, namespace: drift}
stringData: {password: correct-horse}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: drift}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: example.com/web:1
        args: [--one, --two]
        env:
        - {name: FIRST, value: "1"}
        - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
        ports: [{containerPort: 8080, name: http}]
        resources: {requests: {cpu: 1000m, memory: 1024Mi}, limits: {cpu: "2"}}
        livenessProbe: {httpGet: {path: /, port: http}}
      tolerations: [{key: dedicated, operator: Exists}]
      volumes: [{name: tmp, emptyDir: {}}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: drift}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}, {name: dns, port: 53, protocol: UDP}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: drift}
rules:
- {apiGroups: [""], resources: [configmaps], resourceNames: [settings], verbs: [get]}
- {apiGroups: [""], resources: [pods], verbs: [list]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: drift}
spec: {podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 8080}]}]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: drift}
webhooks:
- name: drift.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Ignore
  clientConfig: {service: {name: web, namespace: drift}}
  objectSelector: {matchLabels: {never: "true"}}
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: shapes.drift.example.com, creationTimestamp: null}
spec:
  group: drift.example.com
  names: {kind: Shape, plural: shapes}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    additionalPrinterColumns: [{name: Size, type: integer, jsonPath: .spec.size}]
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              size: {type: integer}
              mode: {type: string, default: plain}
              tags: {type: array, x-kubernetes-list-type: set, items: {type: string}}
              sides:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items: {type: object, required: [name], properties: {name: {type: string}, length: {type: integer}, unit: {type: string, default: cm}}}
              points: {type: array, items: {type: object, properties: {x: {type: integer}, y: {type: integer, default: 0}}}}
              whole: {type: object, x-kubernetes-map-type: atomic, additionalProperties: {type: string}}
              free: {type: object, x-kubernetes-preserve-unknown-fields: true}
---
apiVersion: drift.example.com/v1
kind: Shape
metadata: {name: square, namespace: drift}
spec:
  size: 4
  tags: [a, b]
  sides: [{name: top, length: 1}, {name: left, length: 2}]
  points: [{x: 1}, {x: 2}]
  whole: {a: "1"}
  free: {deep: {value: 1}, list: [1, 2]}
"#;

/// What becomes of a drift at the next apply.
#[derive(Clone, Copy, PartialEq)]
enum End {
    /// It is mended.
    Mended,
    /// Another manager keeps the field now: that is said, and nothing is changed.
    Conflict,
}
use End::{Conflict, Mended};

/// An object, what is done to it (`json` and `merge` are patches), the field that `diff` must name, and how it ends.
type Drift = (&'static str, &'static str, &'static str, End);

#[rustfmt::skip]
const DRIFTS: &[Drift] = &[
    ("configmap/settings", "label OBJECT tier-", ".metadata.labels.tier", Mended),
    ("configmap/settings", "label OBJECT --overwrite tier=back", ".metadata.labels.tier", Conflict),
    ("configmap/settings", "annotate OBJECT note-", ".metadata.annotations.note", Mended),
    ("configmap/settings", "label OBJECT applyset.kubernetes.io/part-of-", "applyset.kubernetes.io/part-of", Mended),
    ("configmap/settings", r#"merge {"data":{"colour":null}}"#, ".data.colour", Mended),
    ("configmap/settings", r#"merge {"data":{"colour":"blue"}}"#, ".data.colour", Conflict),
    ("configmap/settings", r#"merge {"data":null}"#, ".data", Mended),
    ("configmap/settings", "delete OBJECT", "created", Mended),
    ("secret/login", r#"merge {"data":{"password":"b3RoZXI="}}"#, ".data.password", Conflict),
    ("secret/login", r#"merge {"data":{"password":null}}"#, ".data", Mended),
    ("deployment/web", "label OBJECT applyset.kubernetes.io/part-of-", "applyset.kubernetes.io/part-of", Mended),
    ("deployment/web", "set env OBJECT FIRST=2", ".env", Conflict),
    ("deployment/web", "set env OBJECT FIRST-", ".env", Mended),
    ("deployment/web", "set env OBJECT NODE-", ".env", Mended),
    ("deployment/web", "set image OBJECT web=example.com/web:2", ".image", Conflict),
    ("deployment/web", "scale OBJECT --replicas=2", ".spec.replicas", Conflict),
    ("deployment/web", r#"json [{"op":"remove","path":"CONTAINER/args/0"}]"#, ".args", Conflict),
    ("deployment/web", r#"json [{"op":"remove","path":"CONTAINER/args"}]"#, ".args", Mended),
    ("deployment/web", r#"json [{"op":"remove","path":"CONTAINER/livenessProbe"}]"#, ".livenessProbe", Mended),
    ("deployment/web", r#"json [{"op":"replace","path":"CONTAINER/ports/0/name","value":"web"}]"#, ".ports", Conflict),
    ("deployment/web", r#"json [{"op":"replace","path":"CONTAINER/ports/0","value":{"containerPort":9090}}]"#, ".ports", Mended),
    ("deployment/web", r#"json [{"op":"replace","path":"CONTAINER/resources/requests/cpu","value":"1001m"}]"#, ".cpu", Conflict),
    ("deployment/web", r#"json [{"op":"add","path":"/spec/template/spec/tolerations/0/effect","value":"NoSchedule"}]"#, ".tolerations", Conflict),
    ("deployment/web", r#"json [{"op":"remove","path":"/spec/template/spec/volumes/0"}]"#, ".volumes", Mended),
    ("service/web", r#"json [{"op":"remove","path":"/spec/ports/1"}]"#, ".spec.ports", Mended),
    ("service/web", r#"json [{"op":"replace","path":"/spec/ports/0/targetPort","value":81}]"#, ".spec.ports", Conflict),
    ("service/web", r#"merge {"spec":{"selector":{"app":"other"}}}"#, ".spec.selector", Conflict),
    ("service/web", r#"merge {"spec":{"selector":{"more":"x"}}}"#, ".spec.selector", Conflict),
    ("clusterrole/drift", r#"json [{"op":"add","path":"/rules/1/verbs/-","value":"delete"}]"#, ".rules", Conflict),
    ("clusterrole/drift", r#"json [{"op":"remove","path":"/rules/0/resourceNames"}]"#, ".rules", Conflict),
    ("clusterrole/drift", r#"merge {"rules":null}"#, ".rules", Conflict),
    ("networkpolicy/web", r#"json [{"op":"replace","path":"/spec/ingress/0/ports/0/protocol","value":"UDP"}]"#, ".spec.ingress", Conflict),
    ("validatingwebhookconfiguration/drift", r#"json [{"op":"replace","path":"/webhooks/0/rules/0/operations","value":["DELETE"]}]"#, ".rules", Conflict),
    ("validatingwebhookconfiguration/drift", r#"json [{"op":"remove","path":"/webhooks/0/objectSelector"}]"#, ".objectSelector", Conflict),
    ("validatingwebhookconfiguration/drift", r#"json [{"op":"remove","path":"/webhooks/0"}]"#, ".webhooks", Mended),
    ("crd/shapes.drift.example.com", r#"json [{"op":"remove","path":"/spec/versions/0/additionalPrinterColumns"}]"#, ".spec.versions", Conflict),
    ("shape/square", r#"merge {"spec":{"size":5}}"#, ".spec.size", Conflict),
    ("shape/square", r#"merge {"spec":{"size":null}}"#, ".spec.size", Mended),
    ("shape/square", r#"merge {"spec":{"tags":["b","c"]}}"#, ".spec.tags", Mended),
    ("shape/square", r#"json [{"op":"replace","path":"/spec/sides/0/length","value":9}]"#, ".spec.sides", Conflict),
    ("shape/square", r#"json [{"op":"remove","path":"/spec/sides/0"}]"#, ".spec.sides", Mended),
    ("shape/square", r#"json [{"op":"replace","path":"/spec/points/0/y","value":7}]"#, ".spec.points", Conflict),
    ("shape/square", r#"json [{"op":"remove","path":"/spec/points/1"}]"#, ".spec.points", Conflict),
    ("shape/square", r#"merge {"spec":{"whole":{"b":"2"}}}"#, ".spec.whole", Conflict),
    ("shape/square", r#"merge {"spec":{"free":{"deep":{"value":null}}}}"#, ".spec.free.deep", Mended),
    ("shape/square", r#"merge {"spec":{"free":{"list":[1]}}}"#, ".spec.free.list", Conflict),
];

/// What others do beside our fields: no drift.
#[rustfmt::skip]
const BESIDE: &[(&str, &str)] = &[
    ("configmap/settings", "label OBJECT theirs=x"),
    ("configmap/settings", r#"merge {"data":{"more":"x"}}"#),
    ("deployment/web", "set env OBJECT OTHER=x"),
    ("deployment/web", r#"json [{"op":"add","path":"/spec/template/spec/volumes/0/emptyDir/medium","value":"Memory"}]"#),
    ("service/web", r#"merge {"spec":{"sessionAffinity":"ClientIP"}}"#),
    ("shape/square", r#"json [{"op":"add","path":"/spec/tags/-","value":"theirs"}]"#),
    ("shape/square", r#"merge {"spec":{"free":{"theirs":1},"mode":"fancy"}}"#),
];

struct Installed {
    cluster: Cluster,
    app: App,
}

impl Installed {
    fn kubectl(&self, object: &str, what: &str) {
        let mut arguments = vec!["-n", "drift"];
        let patch = what.replace("CONTAINER", "/spec/template/spec/containers/0");
        match patch.split_once(' ') {
            Some(("json", patch)) => arguments.extend(["patch", object, "--type=json", "-p", patch]),
            Some(("merge", patch)) => arguments.extend(["patch", object, "--type=merge", "-p", patch]),
            _ => arguments.extend(what.split(' ').map(|word| if word == "OBJECT" { object } else { word })),
        }
        let said = self.cluster.kubectl(&arguments);
        assert_eq!(said.code, 0, "{arguments:?}: {}", said.all());
    }

    /// Every object of the app with its version.
    fn versions(&self) -> BTreeMap<String, String> {
        let kinds =
            "configmaps,secrets,deployments,services,clusterroles,networkpolicies,validatingwebhookconfigurations,crd,shapes";
        let path = "jsonpath={range .items[*]}{.kind}/{.metadata.name}={.metadata.resourceVersion}{\"\\n\"}{end}";
        let said = self.cluster.kubectl(&["get", kinds, "-A", "-l", "applyset.kubernetes.io/part-of", "-o", path]).success();
        said.lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, version)| (name.to_owned(), version.to_owned()))
            .collect()
    }

    /// Nothing to change, nothing changed.
    fn is_settled(&self) -> Result<(), String> {
        let before = self.versions();
        let said = self.app.kfctl(&["apply", "k8s", "--no-wait"]);
        check(said.code == 0 && said.stdout.contains("0 created, 0 configured"), &said)?;
        let after = self.versions();
        // The control plane itself writes a Deployment's status.
        let moved = |name: &str| !name.starts_with("Deployment/") && before.get(name) != after.get(name);
        match after.keys().find(|name| moved(name)) {
            Some(name) => Err(format!("{name} moved")),
            None => Ok(()),
        }
    }

    /// The drift that is there is named, and ends as it should.
    fn ends(&self, field: &str, end: End) -> Result<(), String> {
        let diff = self.app.kfctl(&["diff", "-o", "json"]);
        check(!diff.all().contains("correct-horse") && !diff.all().contains("b3RoZXI"), &diff)?;
        if end == Conflict {
            check(diff.code == 1 && diff.stderr.contains(field) && diff.stderr.contains("conflict"), &diff)?;
            let apply = self.app.kfctl(&["apply", "k8s", "--no-wait"]);
            check(apply.code == 1 && apply.stderr.contains(field), &apply)?;
        }
        let diff = self.app.kfctl(&["diff", "--force-conflicts", "-o", "json"]);
        check(diff.code == 3 && diff.stdout.contains(field), &diff)?;
        // It is the server's own answer that is shown: it keeps `1000m` as `1`.
        check(!diff.stdout.contains("1000m"), &diff)?;
        let force: &[&str] = if end == Conflict { &["--force-conflicts"] } else { &[] };
        let apply = self.app.kfctl(&[&["apply", "k8s", "--no-wait"], force].concat());
        check(apply.code == 0 && apply.stdout.contains("1 c"), &apply)?;
        self.is_settled()
    }
}

fn check(good: bool, said: &Said) -> Result<(), String> {
    if good { Ok(()) } else { Err(said.all()) }
}

#[test]
fn api_every_drift_is_seen_and_mended() {
    let cluster = Cluster::start();
    let app = cluster.init("drift", &["namespaces", "profiles"]);
    let file = app.write("drift.yaml", &format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: drift}}\n---{OBJECTS}"));
    app.kfctl(&["component", "add", "drift", "--from", &file]).success();
    app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]).success();
    let installed = Installed { cluster, app };
    let mut wrong = Vec::new();
    let mut note = |what: String, result: Result<(), String>| wrong.extend(result.err().map(|error| format!("{what}: {error}")));
    note("the first apply".to_owned(), installed.is_settled());
    for (object, what, field, end) in DRIFTS {
        installed.kubectl(object, what);
        let result = installed.ends(field, *end);
        if result.is_err() {
            // It leaves as little as possible to the next one.
            installed.app.kfctl(&["apply", "k8s", "--no-wait", "--force-conflicts"]);
        }
        note(format!("{object} {what}"), result);
    }
    for (object, what) in BESIDE {
        installed.kubectl(object, what);
        note(format!("{object} {what}"), installed.is_settled());
    }
    replaced(&installed, &mut note);
    note("the last apply".to_owned(), check_clean(&installed.app));
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn check_clean(app: &App) -> Result<(), String> {
    let said = app.kfctl(&["diff"]);
    check(said.code == 0 && said.stdout.contains("nothing to change"), &said)
}

/// Whole objects from other hands, and a manifest of ours that asks for less than before.
fn replaced(installed: &Installed, note: &mut impl FnMut(String, Result<(), String>)) {
    let theirs = |colour: &str| {
        let text = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings, namespace: drift}}\ndata: {{colour: {colour}, size: '10'}}\n"
        );
        installed.app.write(&format!("{colour}.yaml"), &text)
    };
    let (red, blue) = (theirs("red"), theirs("blue"));
    let taken = "apply --server-side --force-conflicts --field-manager=other -f";
    installed.kubectl("", &format!("{taken} {blue}"));
    note("taken over".to_owned(), installed.ends(".data.colour", Conflict));
    installed.kubectl("", &format!("{taken} {red}"));
    note("shared".to_owned(), installed.is_settled());
    installed.kubectl("", &format!("replace -f {red}"));
    note("replaced".to_owned(), installed.ends(".metadata.labels.tier", Mended));
    installed.kubectl("configmap/settings", "delete OBJECT");
    installed.kubectl("", &format!("create -f {red}"));
    note("made anew by another".to_owned(), installed.ends(".metadata.labels.applyset", Mended));
    installed.kubectl("configmap/settings", "delete OBJECT");
    installed.kubectl("", &format!("create -f {blue}"));
    note("made anew with other values".to_owned(), installed.ends(".data.colour", Conflict));

    // The same fields of the same manager, so that no account of fields tells.
    let set = r"jsonpath={.metadata.labels.applyset\.kubernetes\.io/part-of}";
    let set = installed.cluster.kubectl(&["-n", "drift", "get", "deployment", "web", "-o", set]).success();
    let labels = format!("metadata:\n  labels: {{applyset.kubernetes.io/part-of: {set}}}\n");
    let older = installed.app.read("rendered/drift/deployment-drift-web.yaml").replacen("metadata:\n", &labels, 1);
    let older = installed.app.write("older.yaml", &older.replace("example.com/web:1", "example.com/web:0"));
    installed.kubectl("", &format!("apply --server-side --field-manager=kfctl -f {older}"));
    note("applied from an older directory".to_owned(), installed.ends(".image", Mended));

    let file = "components/drift/drift.yaml";
    let before = installed.app.read(file);
    let less = before.replace(" resourceNames: [settings],", "");
    assert_ne!(before, less);
    installed.app.write(file, &less);
    note(
        "a field less in an item of a list that is owned as a whole".to_owned(),
        installed.ends(".rules[0].resourceNames", Mended),
    );
    let first = "        - {name: FIRST, value: \"1\"}\n";
    assert!(before.contains(first));
    installed.app.write(file, &before.replace(first, &first.repeat(2)));
    let said = installed.app.kfctl(&["diff"]);
    note("two of one name".to_owned(), check(said.code == 1 && said.stderr.contains("duplicate entries"), &said));
    installed.app.write(file, &before);
    note("as before".to_owned(), installed.ends(".rules[0].resourceNames", Mended));
}

#[test]
fn api_a_look_writes_nothing() {
    let cluster = Cluster::start();
    // A policy of namespace default is none of the namespace that comes with the app.
    let policy = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: none-here}\nspec:\n  failurePolicy: Fail\n  matchConstraints:\n    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: default}}\n    resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]\n  validations: [{expression: 'false', message: not in default}]\n---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {name: none-here}\nspec: {policyName: none-here, validationActions: [Deny]}\n";
    let policy = cluster.app.write("policy.yaml", policy);
    cluster.kubectl(&["create", "-f", &policy]).success();
    cluster.until("the policy holds", || {
        cluster.kubectl(&["create", "configmap", "tried", "--dry-run=server"]).stderr.contains("not in default")
    });
    let app = cluster.init("look", &["namespaces", "profiles"]);
    let file = app.write("look.yaml", &format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: drift}}\n---{OBJECTS}"));
    app.kfctl(&["component", "add", "look", "--from", &file]).success();
    let before = app.read("app.yaml");
    let plan = app.kfctl(&["apply", "k8s", "--dry-run"]);
    assert_eq!(plan.code, 0, "{}", plan.all());
    insta::assert_snapshot!(plan.stdout, @"
    Step 1
      create      Namespace drift  (checked by the server)
      create      ClusterRole.rbac.authorization.k8s.io drift  (checked by the server)
      create      CustomResourceDefinition.apiextensions.k8s.io shapes.drift.example.com  (checked by the server)
    Step 2
      create      ConfigMap drift/settings  (not checked: the server can tell only when it is written)
      create      Secret drift/login  (checked by the server in namespace default; its own comes with this run)
      create      Service drift/web  (checked by the server in namespace default; its own comes with this run)
      create      NetworkPolicy.networking.k8s.io drift/web  (checked by the server in namespace default; its own comes with this run)
      wait for    CustomResourceDefinition.apiextensions.k8s.io shapes.drift.example.com, until its kinds are served
    Step 3
      create      Deployment.apps drift/web  (checked by the server in namespace default; its own comes with this run)
      create      Shape.drift.example.com drift/square  (checked against the definition that comes with this run)
    Step 4
      create      ValidatingWebhookConfiguration.admissionregistration.k8s.io drift  (checked by the server)
    Then it waits until everything is ready.

    Next:
      kfctl diff        the same field by field
      kfctl apply k8s   do it
    ");
    let json = app.kfctl(&["apply", "--dry-run", "-o", "json"]);
    let steps: Vec<serde_json::Value> = json.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let find = |kind: &str| {
        let tasks = steps.iter().flat_map(|step| step["tasks"].as_array().into_iter().flatten());
        tasks
            .clone()
            .find(|task| task["object"]["kind"] == kind)
            .unwrap_or_else(|| panic!("no {kind} in {}", json.stdout))
            .clone()
    };
    assert_eq!(find("Namespace")["check"], "dry-run");
    assert_eq!(find("ConfigMap")["check"], "at-write");
    assert_eq!(find("Secret")["check"], "stand-in");
    assert_eq!((&find("Shape")["check"], &find("Shape")["change"]), (&"schema".into(), &"created".into()));
    let diff = app.kfctl(&["diff"]);
    assert_eq!(diff.code, 3, "{}", diff.all());
    for words in ["created Namespace drift", "+  colour: red", "+  password: \"***\"", "+  size: 4"] {
        assert!(diff.stdout.contains(words), "{words}: {}", diff.all());
    }
    assert!(!diff.all().contains("correct-horse") && !diff.all().contains("Y29ycmVjdC1ob3JzZQ"), "{}", diff.all());
    let coloured = cluster.in_app("look").with("NO_COLOR", "").with("TERM", "xterm").on_terminal(&["diff"], "");
    assert!(coloured.code == 3 && coloured.stdout.contains("\u{1b}[32m+  colour: red\u{1b}[0m"), "{}", coloured.all());
    // Nothing was written, in the cluster or here.
    assert_ne!(cluster.kubectl(&["get", "namespace", "drift"]).code, 0);
    assert_ne!(cluster.kubectl(&["get", "namespace", "kubeflow-system"]).code, 0);
    assert_eq!(app.read("app.yaml"), before);
    assert!(!app.exists("rendered"));

    // What denies an object itself refuses the run: every such object is named.
    app.write("components/look/more.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: denied, namespace: default}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: bad, namespace: default}\nspec: {ports: [{port: 99999}]}\n");
    for command in [&["diff"][..], &["apply", "k8s", "--dry-run"]] {
        let said = app.kfctl(command);
        assert_eq!(said.code, 1, "{}", said.all());
        for words in ["ConfigMap default/denied", "not in default", "Service default/bad", "99999", "nothing was written"] {
            assert!(said.stderr.contains(words), "{words}: {}", said.all());
        }
    }
    app.write("components/look/more.yaml", "");
    app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]).success();
    // What leaves the app is shown; a Secret's change is told, not its values; an edit by hand stops a look too.
    let text = app.read("components/look/look.yaml");
    let text = text.replace("correct-horse", "battery-staple");
    let (secret, rest) = (text.find("apiVersion: v1\nkind: Secret"), text.find("apiVersion: apps/v1"));
    let (secret, rest) = secret.zip(rest).expect("both are there");
    app.write("components/look/look.yaml", &format!("{}{}", &text[secret..rest], &text[rest..]));
    let diff = app.kfctl(&["diff"]);
    assert_eq!(diff.code, 3, "{}", diff.all());
    for words in [
        "ConfigMap drift/settings (no longer part of the app)",
        "-  colour: red",
        "-  password: \"*** (before)\"",
        "+  password: \"*** (after)\"",
    ] {
        assert!(diff.stdout.contains(words), "{words}: {}", diff.all());
    }
    app.write("rendered/look/clusterrole-drift.yaml", "edited");
    let said = app.kfctl(&["diff"]);
    assert!(said.code == 1 && said.stderr.contains("were edited by hand"), "{}", said.all());
}
