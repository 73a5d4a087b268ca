//! `kfctl profile` on a real API server, as the users of the seed. What the controller would make is made by hand: the commands need
//! the API alone.

use insta::assert_snapshot;

use crate::harness::{App, Cluster, Said};

/// jane's namespace, as the controller makes it.
const NAMESPACE: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: kubeflow-jane}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: default, namespace: kubeflow-jane}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [create]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: namespaceAdmin, namespace: kubeflow-jane}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: kubeflow-admin}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: jane@foo.com}]
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: kf-resource-quota, namespace: kubeflow-jane}
spec: {hard: {requests.cpu: "32", requests.memory: 128Gi}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: work, namespace: kubeflow-jane}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: busy, namespace: kubeflow-jane}
spec: {containers: [{name: c, image: example.com/none, resources: {requests: {cpu: 500m, memory: 1Gi}}}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: quota-keeper, namespace: kubeflow-jane}
rules: [{apiGroups: [""], resources: [resourcequotas], verbs: [patch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: quota-keeper, namespace: kubeflow-jane}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: quota-keeper}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: keeper@acme.com}]
"#;

struct Journey<'a> {
    cluster: &'a Cluster,
    app: &'a App,
}

impl Journey<'_> {
    /// `kfctl profile`, as somebody.
    fn run(&self, user: &str, arguments: &[&str]) -> Said {
        let kubeconfig = self.cluster.kubeconfig_as(user).display().to_string();
        self.app.kfctl(&[&["--kubeconfig", &kubeconfig, "profile"][..], arguments].concat())
    }

    fn admin(&self, arguments: &[&str]) -> Said {
        self.app.kfctl(&[&["profile"][..], arguments].concat())
    }

    /// What it said to somebody it refused.
    fn refused(&self, user: &str, arguments: &[&str]) -> String {
        let said = self.run(user, arguments);
        assert_ne!(said.code, 0, "{}", said.all());
        said.stderr
    }

    fn profile(&self, path: &str) -> String {
        self.cluster
            .kubectl(&["-n", "kubeflow-system", "get", "profile", "jane", "-o", &format!("jsonpath={{{path}}}")])
            .success()
    }

    fn may(&self, user: &str) -> bool {
        let said = self.cluster.kubectl(&["--as", user, "-n", "kubeflow-jane", "auth", "can-i", "create", "configmaps"]);
        said.stdout.trim() == "yes"
    }
}

#[test]
fn api_profile_commands() {
    let cluster = Cluster::start();
    let app = cluster.init("commands", &[]);
    let journey = Journey { cluster: &cluster, app: &app };
    let missing = journey.admin(&["list"]);
    assert_eq!(missing.code, 1, "{}", missing.all());
    assert!(
        missing.stderr.contains("has no profiles") && missing.stderr.contains("kfctl apply k8s -c profiles"),
        "{}",
        missing.all()
    );
    app.kfctl(&["apply", "k8s", "--yes", "--no-wait"]).success();
    assert_eq!(journey.admin(&["list"]).stderr, "there are no profiles\n");

    create_and_list(&journey);
    cluster.kubectl(&["apply", "-f", &app.write("namespace.yaml", NAMESPACE)]).success();
    share_as_the_owner(&journey);
    share_as_an_admin(&journey);
    quota(&journey);
    transfer(&journey);
    delete(&journey);
}

fn create_and_list(journey: &Journey) {
    let create = ["create", "jane", "--user", "jane@foo.com"];
    // The hint is a command that helps.
    let refused = journey.refused("bob@acme.com", &create);
    let hint = "kubectl -n kubeflow-system create rolebinding NAME --role=profile-creator --user=bob@acme.com";
    assert!(refused.contains("bob@acme.com may not create profile jane") && refused.contains(hint), "{refused}");
    let words: Vec<&str> = hint.split(' ').skip(1).map(|word| if word == "NAME" { "bob-creator" } else { word }).collect();
    journey.cluster.kubectl(&words).success();

    let dry = journey.run("bob@acme.com", &[&create[..], &["--dry-run"]].concat()).success();
    assert_eq!(dry, "✓ profile jane made for jane@foo.com; its namespace is kubeflow-jane (dry-run: nothing was written)\n");
    assert_eq!(journey.admin(&["list", "-o", "json"]).success(), "");
    assert_snapshot!(journey.run("bob@acme.com", &create).success(), @"
    ✓ profile jane made for jane@foo.com; its namespace is kubeflow-jane

    Next:
      kfctl profile show jane                see it become ready
      kfctl profile share jane --user NAME   as its owner, let somebody else in
    ");
    assert!(journey.refused("bob@acme.com", &create).contains("profile jane exists already"));
    let odd = journey.refused("bob@acme.com", &["create", "odd", "--user", "*"]);
    assert!(odd.contains("the server refuses profile odd") && odd.contains("a name has no '*'"), "{odd}");
    let quantity = journey.refused("bob@acme.com", &["create", "odd", "--user", "a", "--quota", "pods=lots"]);
    assert!(quantity.contains("pods: \"lots\" is no quantity"), "{quantity}");

    let made = journey.admin(&[
        "create",
        "team",
        "--group",
        "data-science",
        "--namespace",
        "team-a",
        "--quota",
        "requests.memory=1Tb",
        "-o",
        "yaml",
    ]);
    let yaml = made.success();
    assert!(yaml.starts_with("---\n") && yaml.contains("requests.memory: 1T\n") && yaml.contains("kind: Group"), "{yaml}");
    assert_snapshot!(journey.admin(&["list"]).success(), @"
    NAME  NAMESPACE      OWNER               READY    REASON
    jane  kubeflow-jane  jane@foo.com        Unknown
    team  team-a         Group data-science  Unknown
    ");
    let lines = journey.admin(&["list", "-o", "json"]).success();
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().expect("a line")).expect("JSON");
    assert_eq!((&last["name"], &last["namespace"], &last["owner"]["kind"]), (&"team".into(), &"team-a".into(), &"Group".into()));
    let refused = journey.refused("bob@acme.com", &["list"]);
    assert!(refused.contains("--role=profile-viewer --user=bob@acme.com"), "{refused}");
    let unknown = journey.admin(&["show", "jan"]);
    assert!(
        unknown.stderr.contains("there is no profile jan") && unknown.stderr.contains("did you mean `jane`?"),
        "{}",
        unknown.all()
    );
}

/// jane may not read her profile, and shares her namespace all the same.
fn share_as_the_owner(journey: &Journey) {
    let jane = |arguments: &[&str]| journey.run("jane@foo.com", arguments);
    assert!(!journey.may("bob@acme.com"));
    let dry = jane(&["share", "jane", "--user", "bob@acme.com", "--dry-run"]).success();
    assert!(dry.contains("nothing was written") && !journey.may("bob@acme.com"), "{dry}");
    assert_snapshot!(jane(&["share", "jane", "--user", "bob@acme.com"]).success(), @"
    ✓ bob@acme.com may use namespace kubeflow-jane, by RoleBinding share-bob-acme-com-79d0ff3d

    Next:
      kfctl profile unshare jane --user bob@acme.com   take it back
    ");
    journey.cluster.until("bob may use it", || journey.may("bob@acme.com"));
    let again = jane(&["share", "jane", "--user", "bob@acme.com"]).success();
    assert!(again.contains("bob@acme.com may use namespace kubeflow-jane already"), "{again}");
    // Shared with, and no more: bob can't share on.
    let refused = journey.refused("bob@acme.com", &["share", "jane", "--user", "eve@foo.com"]);
    assert!(refused.contains("bob@acme.com may not share namespace kubeflow-jane"), "{refused}");
    // A binding made by kubectl is taken back as well.
    journey
        .cluster
        .kubectl(&[
            "--as=jane@foo.com",
            "-n",
            "kubeflow-jane",
            "create",
            "rolebinding",
            "bob-kubeflow",
            "--role=default",
            "--user=bob@acme.com",
        ])
        .success();
    let dry = jane(&["unshare", "jane", "--user", "bob@acme.com", "--dry-run"]).success();
    assert!(dry.contains("nothing was written") && journey.may("bob@acme.com"), "{dry}");
    let taken = jane(&["unshare", "jane", "--user", "bob@acme.com"]).success();
    assert!(taken.contains("RoleBinding bob-kubeflow, RoleBinding share-bob-acme-com-"), "{taken}");
    journey.cluster.until("bob may not use it any longer", || !journey.may("bob@acme.com"));
    assert_eq!(
        jane(&["unshare", "jane", "--user", "bob@acme.com"]).success(),
        "✓ nothing of namespace kubeflow-jane is shared with bob@acme.com\n"
    );

    // One binding for two: nobody else loses anything.
    journey
        .cluster
        .kubectl(&[
            "-n",
            "kubeflow-jane",
            "create",
            "rolebinding",
            "two",
            "--role=default",
            "--user=bob@acme.com",
            "--user=eve@foo.com",
        ])
        .success();
    let refused = jane(&["unshare", "jane", "--user", "bob@acme.com"]);
    assert!(
        refused.stderr.contains("RoleBinding two in kubeflow-jane is for bob@acme.com and for others: eve@foo.com"),
        "{}",
        refused.all()
    );
    journey.cluster.kubectl(&["-n", "kubeflow-jane", "get", "rolebinding", "two"]).success();
    journey.cluster.kubectl(&["-n", "kubeflow-jane", "delete", "rolebinding", "two"]).success();
}

fn share_as_an_admin(journey: &Journey) {
    let refused = journey.refused("jane@foo.com", &["share", "jane", "--user", "vic@foo.com", "--role", "view"]);
    assert!(refused.contains("leave out --role=view"), "{refused}");
    for role in ["view", "edit"] {
        journey.admin(&["share", "jane", "--user", "vic@foo.com", "--role", role]).success();
    }
    assert_eq!(journey.profile(".spec.template.spec.members[*].role"), "edit");
    journey.admin(&["share", "jane", "--serviceaccount", "team:ci"]).success();
    assert_snapshot!(journey.admin(&["show", "jane"]).success(), @"
    Profile    jane
    Namespace  kubeflow-jane
    Owner      jane@foo.com
    Ready      Unknown, the controller has not looked at it yet

    WHO                     ROLE     BY
    jane@foo.com            owner    profile
    vic@foo.com             edit     profile
    ServiceAccount team:ci  default  RoleBinding share-ci-5717eb63

    RESOURCE         LIMIT  USED  FREE
    requests.cpu     32     500m  31500m
    requests.memory  128Gi  1Gi   127Gi
    ");
    for who in [["--user", "vic@foo.com"], ["--serviceaccount", "team:ci"]] {
        journey.admin(&["unshare", "jane", who[0], who[1]]).success();
    }
    assert_eq!(journey.profile(".spec.template.spec.members[*].role"), "");
    assert_eq!(
        journey.cluster.kubectl(&["-n", "kubeflow-jane", "get", "rolebindings", "-o", "name"]).success().lines().count(),
        2
    );
    let wrong = journey.admin(&["share", "jane", "--serviceaccount", "ci"]);
    assert_eq!((wrong.code, wrong.stderr.contains("expected NAMESPACE:NAME")), (2, true), "{}", wrong.all());
}

fn quota(journey: &Journey) {
    journey.cluster.until("the quota is counted", || journey.run("jane@foo.com", &["quota", "jane"]).stdout.contains("31500m"));
    assert_snapshot!(journey.run("jane@foo.com", &["quota", "jane"]).success(), @"
    RESOURCE         LIMIT  USED  FREE
    requests.cpu     32     500m  31500m
    requests.memory  128Gi  1Gi   127Gi
    ");
    let refused = journey.refused("jane@foo.com", &["quota", "jane", "requests.cpu=64"]);
    assert!(refused.contains("jane@foo.com may not change the quota of namespace kubeflow-jane"), "{refused}");
    // In the profile, by who may change that.
    journey.admin(&["quota", "jane", "requests.cpu=64", "pods=5"]).success();
    journey.admin(&["quota", "jane", "pods-"]).success();
    assert_eq!(journey.profile(".spec.template.spec.resourceQuota.hard"), r#"{"requests.cpu":"64"}"#);
    let bad = journey.admin(&["quota", "jane", "apples=5"]);
    assert!(bad.stderr.contains("a limit is named as in a ResourceQuota"), "{}", bad.all());
    let bad = journey.admin(&["quota", "jane", "requests.cpu"]);
    assert_eq!((bad.code, bad.stderr.contains("says no limit")), (2, true), "{}", bad.all());
    // In the namespace, by who may change only that.
    let kept = journey.run("keeper@acme.com", &["quota", "jane", "requests.memory=1Tb"]).success();
    assert!(kept.contains("limited to 1T, by ResourceQuota kf-resource-quota of namespace kubeflow-jane"), "{kept}");
    let hard = ["-n", "kubeflow-jane", "get", "resourcequota", "kf-resource-quota", "-o", "jsonpath={.spec.hard}"];
    assert_eq!(journey.cluster.kubectl(&hard).success(), r#"{"requests.cpu":"32","requests.memory":"1T"}"#);
}

fn transfer(journey: &Journey) {
    let asked = journey.admin(&["transfer", "jane", "--user", "eve@foo.com"]);
    assert_eq!(asked.code, 2, "{}", asked.all());
    assert!(
        asked.stderr.contains("give profile jane (namespace kubeflow-jane) to eve@foo.com? jane@foo.com loses every right there"),
        "{}",
        asked.all()
    );
    let dry = journey.admin(&["transfer", "jane", "--user", "eve@foo.com", "--dry-run"]).success();
    assert!(dry.contains("nothing was written"), "{dry}");
    let owner = || journey.profile(".spec.template.spec.owner");
    assert!(owner().contains("jane@foo.com"));
    // Between kinds, as what one has the other must not have.
    for (option, name, kind) in [("--serviceaccount", "team:ci", "ServiceAccount"), ("--user", "eve@foo.com", "User")] {
        journey.admin(&["transfer", "jane", option, name, "--yes"]).success();
        assert!(owner().contains(&format!(r#""kind":"{kind}""#)), "{}", owner());
    }
    assert!(journey.admin(&["transfer", "jane", "--user", "eve@foo.com"]).success().contains("belongs to eve@foo.com already"));
    let refused = journey.refused("bob@acme.com", &["transfer", "jane", "--user", "bob@acme.com", "--yes"]);
    assert!(refused.contains("bob@acme.com may not read profile jane"), "{refused}");
}

fn delete(journey: &Journey) {
    let asked = journey.admin(&["delete", "jane"]);
    assert_eq!(asked.code, 2, "{}", asked.all());
    let question = "delete profile jane of eve@foo.com, and with it namespace kubeflow-jane and everything in it: 1 volume claim (work), notebooks that you may not see? It can't be brought back";
    assert!(asked.stderr.contains(question), "{}", asked.all());
    assert_snapshot!(journey.admin(&["delete", "jane", "--dry-run"]).success(), @"✓ profile jane is being deleted, and namespace kubeflow-jane with it (dry-run: nothing was written)");
    assert_eq!(journey.profile(".metadata.name"), "jane");
    let refused = journey.refused("bob@acme.com", &["delete", "jane", "--yes"]);
    assert!(refused.contains("--role=profile-viewer"), "{refused}");
    journey
        .cluster
        .kubectl(&["-n", "kubeflow-system", "create", "rolebinding", "deleter", "--role=profile-deleter", "--user=bob@acme.com"])
        .success();
    journey.run("bob@acme.com", &["delete", "jane", "--yes"]).success();
    let gone = journey.admin(&["show", "jane"]);
    assert!(gone.stderr.contains("there is no profile jane"), "{}", gone.all());
}
