//! Endpoints on a real API server: what an owner declares on a Service, with their own rights, the controller makes, and nothing more.
//! What that does to requests, a real Envoy shows in tests/mesh.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::definition::definition;
use crate::harness::{Said, say};
use crate::profile_lifecycle::{BOB, JANE, Profiles};

const GUIDE: &str = include_str!("../../docs/endpoints.md");
const EVE: &str = "eve@foo.com";
const SUBJECTS: &str = "kubeflow.org/endpoint-subjects";

/// The commands of the guide below a heading.
fn commands(heading: &str) -> String {
    let below = GUIDE.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("the guide has no {heading:?}")).1;
    let section: String = below.split("\n## ").next().unwrap_or_default().split("```").step_by(2).collect();
    let typed: String = section.lines().filter_map(|line| line.strip_prefix("    ")).flat_map(|line| [line, "\n"]).collect();
    assert!(!typed.is_empty(), "{heading} has no commands");
    typed
}

struct Endpoints {
    test: Profiles,
    path: String,
}

impl Endpoints {
    fn start() -> Self {
        let test = Profiles::start();
        test.create("jane", JANE);
        let define = |group: &str, plural: &str, kind: &str| {
            test.admin(&["create", "-f", &test.app.write("definition.yaml", &definition(group, plural, kind))]);
        };
        define("security.istio.io", "authorizationpolicies", "AuthorizationPolicy");
        define("security.istio.io", "requestauthentications", "RequestAuthentication");
        define("networking.istio.io", "gateways", "Gateway");
        define("networking.istio.io", "envoyfilters", "EnvoyFilter");
        test.admin(&["create", "namespace", "istio-system"]);
        test.app.kfctl(&["component", "enable", "auth"]).success();
        for (key, value) in [("login", "none"), ("tls", "none"), ("jwks", r#"{"keys":[]}"#)] {
            test.app.kfctl(&["param", "set", "auth", key, value]).success();
        }
        test.app.kfctl(&["apply", "k8s", "-c", "auth", "--no-wait"]).success();
        test.cluster.until("the mesh stands", || test.condition("jane", "MeshReady").0 == "MeshReady");
        let members = json!([{"role": "view", "subject": {"kind": "User", "name": BOB}}, {"role": "edit", "subject": {"kind": "User", "name": EVE}}]);
        test.change("jane", &json!({"spec": {"template": {"spec": {"members": members}}}}).to_string());
        let tools = test.cluster.tools();
        let path = format!("{}:{}", tools.display(), std::env::var("PATH").expect("a PATH"));
        let manifest = GUIDE.split_once("```yaml\n# mnist.yaml\n").expect("a manifest").1;
        test.app.write("mnist.yaml", manifest.split("```").next().unwrap_or_default());
        Self { test, path }
    }

    /// Types commands as a user, with a token of theirs.
    fn types(&self, user: &str, commands: &str) -> Said {
        let mut shell = Command::new("bash");
        let kubeconfig = self.test.cluster.kubeconfig_by_token(user, user);
        shell.args(["-e", "-c", commands]).current_dir(self.test.app.directory().parent().expect("a directory"));
        shell.env("PATH", &self.path).env("KUBECONFIG", kubeconfig).env("NO_COLOR", "1");
        say(&mut shell)
    }

    fn jane(&self, commands: &str) -> String {
        let said = self.types(JANE, &format!("cd {}; {commands}", self.test.app.directory().display()));
        assert_eq!(said.code, 0, "{commands}: {}", said.all());
        said.stdout
    }

    fn made(&self, kind: &str, name: &str) -> Option<Value> {
        self.test.get(&["-n", "kubeflow-jane", "get", kind, &format!("kubeflow-endpoint-{name}")])
    }

    /// What the gateway denies of the endpoint mnist: to all but these users and groups; none where there is no rule of its own.
    fn at_gateway(&self) -> Option<Vec<String>> {
        let policy = self.test.get(&["-n", "istio-system", "get", "authorizationpolicy", "profile-access-kubeflow-jane"])?;
        let rules = policy["spec"]["rules"].as_array()?;
        let path = json!(["/models/kubeflow-jane/mnist/*"]);
        let own = rules.iter().find(|rule| rule["to"][0]["operation"]["paths"] == path)?;
        assert_eq!(rules[0]["to"][0]["operation"]["notPaths"], path, "the namespace's rule leaves it out");
        let lists = own["when"].as_array()?.iter().flat_map(|condition| condition["notValues"].as_array().into_iter().flatten());
        Some(lists.map(|name| name.as_str().unwrap_or_default().to_owned()).collect())
    }

    /// Whom the sidecars of mnist let in besides.
    fn at_sidecars(&self) -> Vec<String> {
        let policy = self.made("authorizationpolicy", "mnist").unwrap_or_default();
        let rules = policy["spec"]["rules"].as_array().cloned().unwrap_or_default();
        let lists = rules.iter().flat_map(|rule| {
            let (claims, accounts) = (&rule["when"][0]["values"], &rule["from"][0]["source"]["principals"]);
            [claims, accounts].into_iter().filter_map(Value::as_array).flatten().cloned().collect::<Vec<_>>()
        });
        lists.map(|name| name.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Waits until both walls let in these besides jane and eve.
    fn lets_in(&self, names: &[&str]) {
        let mut wanted: Vec<&str> = [names, &[EVE, JANE]].concat();
        wanted.sort_unstable();
        let sorted = |mut names: Vec<String>| {
            names.sort();
            names
        };
        let begun = Instant::now();
        let mut missing = Duration::ZERO;
        self.test.cluster.until(&format!("{names:?} come in: {:?}, {:?}", self.at_gateway(), self.at_sidecars()), || {
            let asked = begun.elapsed();
            let accounts = self.at_sidecars().into_iter().filter(|name| !name.contains('/'));
            let found = self.at_gateway().map(sorted).is_some_and(|found| found == wanted) && sorted(accounts.collect()) == names;
            if !found {
                missing = asked;
            }
            found
        });
        assert!(missing < Duration::from_secs(5), "{missing:?}");
    }

    fn closed(&self) {
        self.test.cluster.until("nothing is left of it", || {
            self.at_gateway().is_none()
                && ["virtualservice", "authorizationpolicy", "networkpolicy"]
                    .iter()
                    .all(|kind| self.made(kind, "mnist").is_none())
        });
    }
}

#[test]
fn e2e_an_owner_opens_a_model_and_nothing_else() {
    let test = Endpoints::start();
    test.jane(&commands("A model"));
    needs_routes(&test);
    opens_and_closes(&test);
    kubectl_does_the_same(&test);
    others_may_not(&test);
    what_leads_elsewhere_is_none(&test);
    is_kept(&test);
    a_kserve_model_is_found(&test);
    the_controller_opens_nothing_elsewhere(&test);
}

/// Without Istio's routes there is nothing to open, and it is said.
fn needs_routes(test: &Endpoints) {
    test.jane("kfctl endpoint allow mnist -n kubeflow-jane --user bob@acme.com --dry-run");
    assert!(!test.jane("kfctl endpoint list -n kubeflow-jane").contains("mnist"), "a dry-run has written");
    test.jane("kfctl endpoint allow mnist -n kubeflow-jane");
    test.test.cluster.until("it is said", || test.test.events("kubeflow-jane", "Service", "mnist").contains("install Istio"));
    let list = test.jane("kfctl endpoint list -n kubeflow-jane");
    assert!(list.contains("False") && list.contains("install Istio"), "{list}");
    let routes = definition("networking.istio.io", "virtualservices", "VirtualService");
    test.test.admin(&["create", "-f", &test.test.app.write("definition.yaml", &routes)]);
    test.test.cluster.until("it is open", || test.made("virtualservice", "mnist").is_some());
    test.jane("kfctl endpoint revoke mnist -n kubeflow-jane --all");
    test.closed();
}

fn opens_and_closes(test: &Endpoints) {
    test.jane(&commands("Let somebody use it"));
    test.lets_in(&[BOB, "data-science"]);
    let ready = || test.jane("kfctl endpoint list -n kubeflow-jane -o json");
    test.test.cluster.until("the list says so", || ready().contains(r#""ready":"True""#));
    insta::assert_snapshot!(test.jane("kfctl endpoint list -n kubeflow-jane"), @"
    NAME   PATH                          WHO                               READY  REASON
    mnist  /models/kubeflow-jane/mnist/  Group data-science, bob@acme.com  True
    ");
    let route = test.made("virtualservice", "mnist").expect("it is open");
    assert_eq!(
        route["spec"]["http"][0]["route"],
        json!([{"destination": {"host": "mnist.kubeflow-jane.svc.cluster.local", "port": {"number": 80}}}])
    );
    assert_eq!(route["spec"]["gateways"], json!(["kubeflow/kubeflow-gateway"]));
    let policy = test.made("authorizationpolicy", "mnist").expect("of the sidecars");
    assert_eq!(policy["spec"]["selector"], json!({"matchLabels": {"app": "mnist"}}));
    // Pods of another namespace come by the network to sidecars alone.
    test.jane(&commands("Let another namespace's pods use it"));
    let account = "cluster.local/ns/kubeflow-bob/sa/default-editor";
    test.test.cluster.until("a service account comes in", || test.at_sidecars().contains(&account.to_owned()));
    test.test.cluster.until("and by the network", || test.made("networkpolicy", "mnist").is_some());
    test.lets_in(&[BOB, "data-science"]);
    test.jane("kfctl endpoint revoke mnist -n kubeflow-jane --service-account kubeflow-bob/default-editor");
    test.test.cluster.until("not any longer", || {
        test.made("networkpolicy", "mnist").is_none() && !test.at_sidecars().contains(&account.to_owned())
    });
    let stranger = test.types(JANE, "kfctl endpoint revoke mnist -n kubeflow-jane --user abe@foo.com");
    assert!(stranger.code == 1 && stranger.stderr.contains("abe@foo.com is not among those"), "{}", stranger.all());
    let typed = commands("Take it back");
    let (some, all) = typed.split_once('\n').expect("two commands");
    test.jane(some);
    test.lets_in(&[BOB]);
    test.jane(all);
    test.closed();
}

fn kubectl_does_the_same(test: &Endpoints) {
    let typed = commands("The same with kubectl");
    let lines: Vec<&str> = typed.lines().collect();
    test.jane(lines[0]);
    test.test.settled();
    assert!(test.made("virtualservice", "mnist").is_none(), "the label declares");
    test.jane(lines[1]);
    test.lets_in(&[BOB]);
    test.jane(lines[2]);
    test.closed();
    test.jane(lines[3]);
}

/// To view is not to open, and to edit is not to share.
fn others_may_not(test: &Endpoints) {
    test.jane("kfctl endpoint allow mnist -n kubeflow-jane --user ann@foo.com");
    test.lets_in(&["ann@foo.com"]);
    let allow = "kfctl endpoint allow mnist -n kubeflow-jane --user bob@acme.com";
    for (user, commands) in [(BOB, allow), (BOB, "kfctl endpoint revoke mnist -n kubeflow-jane --all"), (EVE, allow)] {
        let said = test.types(user, commands);
        let told = format!("{user} may not change Service mnist of namespace kubeflow-jane");
        assert!(said.code == 1 && said.stderr.contains(&told), "{user} {commands}: {}", said.all());
    }
    let annotate = format!(
        "kubectl -n kubeflow-jane annotate --overwrite service mnist {SUBJECTS}='[{{\"kind\": \"Group\", \"name\": \"all\"}}]'"
    );
    for user in [BOB, EVE] {
        let said = test.types(user, &annotate);
        assert!(said.code != 0 && said.stderr.contains("orbidden"), "{user}: {}", said.all());
    }
    test.test.settled();
    test.lets_in(&["ann@foo.com"]);
    let closed = test.types(EVE, "kfctl endpoint revoke mnist -n kubeflow-jane --all");
    assert_eq!(closed.code, 0, "who edits may close: {}", closed.all());
    test.closed();
}

fn what_leads_elsewhere_is_none(test: &Endpoints) {
    let declare = "kubectl -n kubeflow-jane label service mnist kubeflow.org/endpoint=true";
    test.jane(declare);
    test.test.cluster.until("it is open", || test.made("virtualservice", "mnist").is_some());
    let good = test.test.get(&["-n", "kubeflow-jane", "get", "service", "mnist"]).expect("it is there")["spec"].clone();
    let addresses = json!({"spec": {"externalIPs": ["192.0.2.1"]}});
    let bare = json!({"spec": {"selector": null}});
    let other = json!({"spec": {"type": "ExternalName", "externalName": "nb.kubeflow-bob.svc.cluster.local", "clusterIP": null, "clusterIPs": null}});
    let many = json!({"metadata": {"annotations": {SUBJECTS: r#"[{"kind": "User", "name": "*@acme.com"}]"#}}});
    let broken = json!({"metadata": {"annotations": {SUBJECTS: "bob@acme.com"}}});
    for (change, says) in [
        (addresses, "externalIPs"),
        (bare, "without selector"),
        (many, "nobody's name"),
        (broken, "expected a list such as"),
        (other, "type ExternalName"),
    ] {
        // Some of it an owner may not even ask for.
        test.test.admin(&["-n", "kubeflow-jane", "patch", "service", "mnist", "--type=merge", "-p", &change.to_string()]);
        test.closed();
        for (namespace, kind, name) in [("kubeflow-jane", "Service", "mnist"), ("kubeflow-system", "Profile", "jane")] {
            test.test
                .cluster
                .until(&format!("{kind} {name} is told {says}"), || test.test.events(namespace, kind, name).contains(says));
        }
        let list = test.jane("kfctl endpoint list -n kubeflow-jane");
        assert!(list.contains("False") && list.contains(says), "{list}");
        assert_eq!(test.test.condition("jane", "MeshReady").0, "MeshReady", "one bad endpoint is not the namespace's fault");
        let fresh = json!({"metadata": {"annotations": {SUBJECTS: null}}, "spec": {"externalIPs": null, "selector": good["selector"], "type": "ClusterIP", "externalName": null}});
        test.jane(&format!("kubectl -n kubeflow-jane patch service mnist --type=merge -p '{fresh}'"));
        test.test.cluster.until("it is open again", || test.made("virtualservice", "mnist").is_some());
    }
    let refused = test.types(JANE, "kfctl endpoint allow mnist -n kubeflow-jane --user '*'");
    assert!(refused.code == 2 && refused.stderr.contains("nobody's name"), "{}", refused.all());
}

/// What was made comes back, and goes with the Service.
fn is_kept(test: &Endpoints) {
    test.jane("kfctl endpoint allow mnist -n kubeflow-jane --user bob@acme.com");
    test.lets_in(&[BOB]);
    for kind in ["virtualservice", "authorizationpolicy"] {
        let before = test.made(kind, "mnist").expect("it is there")["spec"].clone();
        test.test.admin(&["-n", "kubeflow-jane", "delete", kind, "kubeflow-endpoint-mnist"]);
        test.test.cluster.until("it comes back", || test.made(kind, "mnist").is_some_and(|made| made["spec"] == before));
    }
    test.test.settled();
    test.jane("kubectl -n kubeflow-jane delete service mnist");
    test.closed();
    let said = test.types(JANE, "kfctl endpoint allow mnits -n kubeflow-jane");
    assert!(said.code == 1 && said.stderr.contains("there is no Service mnits"), "{}", said.all());
}

fn a_kserve_model_is_found(test: &Endpoints) {
    // As KServe makes it in Standard mode.
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: iris-predictor, labels: {serving.kserve.io/inferenceservice: iris}}\nspec:\n  clusterIP: None\n  selector: {app: isvc.iris-predictor}\n  ports: [{name: iris-predictor, port: 80, targetPort: 8080, protocol: TCP}]\n";
    test.test.app.write("iris.yaml", service);
    test.jane("kubectl -n kubeflow-jane create -f iris.yaml");
    let said = test.jane("kfctl endpoint allow iris -n kubeflow-jane --group data-science");
    assert!(said.contains("/models/kubeflow-jane/iris-predictor/"), "{said}");
    test.test.cluster.until("it is open", || test.made("virtualservice", "iris-predictor").is_some());
}

/// Its rights are for every namespace; a rule on admission holds it to those of profiles.
fn the_controller_opens_nothing_elsewhere(test: &Endpoints) {
    let kubeconfig = test.test.cluster.kubeconfig_of("kubeflow-system", "kfctl-controller");
    let apply = |namespace: &str, kind: &str, name: &str, spec: &str| {
        let group = if kind == "VirtualService" { "networking" } else { "security" };
        let text = format!(
            "apiVersion: {group}.istio.io/v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n"
        );
        let file = test.test.app.write("attempt.yaml", &text);
        test.test.cluster.kubectl(&["--kubeconfig", &kubeconfig.display().to_string(), "create", "-f", &file])
    };
    for (namespace, kind, name, spec) in [
        ("kubeflow-system", "AuthorizationPolicy", "kubeflow-endpoint-x", "{rules: [{}]}"),
        ("istio-system", "AuthorizationPolicy", "profile-access-x", "{action: ALLOW, rules: [{}]}"),
        ("istio-system", "AuthorizationPolicy", "profile-access-x", "{rules: [{}]}"),
        ("default", "VirtualService", "kubeflow-endpoint-x", "{hosts: [x]}"),
    ] {
        let said = apply(namespace, kind, name, spec);
        assert!(
            said.code != 0 && said.stderr.contains("elsewhere only what denies"),
            "{namespace} {kind} {spec}: {}",
            said.all()
        );
    }
}
