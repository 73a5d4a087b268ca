//! Who may do what: in the namespace of a profile, in the system namespace, and the controller everywhere.

use std::fmt::Write;

use crate::harness::{App, Cluster};

/// What a namespace's owner (jane), the one it is shared with (bob), and its members (eve edits, vic views) may do.
const RIGHTS: &str = "
yes bob@acme.com kubeflow-jane create pods
yes bob@acme.com kubeflow-jane get secrets
yes bob@acme.com kubeflow-jane create jobs.example.com
yes bob@acme.com kubeflow-jane create reports.example.com
no  bob@acme.com kubeflow-jane create rolebindings.rbac.authorization.k8s.io
no  bob@acme.com kubeflow-jane bind roles.rbac.authorization.k8s.io default
no  bob@acme.com kubeflow-jane patch roles.rbac.authorization.k8s.io default
no  bob@acme.com kubeflow-jane patch resourcequotas kf-resource-quota
no  bob@acme.com kubeflow-jane delete limitranges
no  bob@acme.com kubeflow-system create pods
no  bob@acme.com default create pods
yes eve@foo.com kubeflow-jane create pods
yes eve@foo.com kubeflow-jane create jobs.example.com
yes eve@foo.com kubeflow-jane get resourcequotas
no  eve@foo.com kubeflow-jane create resourcequotas
no  eve@foo.com kubeflow-jane update resourcequotas kf-resource-quota
no  eve@foo.com kubeflow-jane patch resourcequotas kf-resource-quota
no  eve@foo.com kubeflow-jane delete resourcequotas kf-resource-quota
no  eve@foo.com kubeflow-jane create limitranges
no  eve@foo.com kubeflow-jane patch limitranges kf-limits
no  eve@foo.com kubeflow-jane delete limitranges kf-limits
no  eve@foo.com kubeflow-jane create roles.rbac.authorization.k8s.io
no  eve@foo.com kubeflow-jane patch roles.rbac.authorization.k8s.io default
no  eve@foo.com kubeflow-jane create rolebindings.rbac.authorization.k8s.io
no  eve@foo.com kubeflow-jane delete rolebindings.rbac.authorization.k8s.io namespaceAdmin
no  eve@foo.com kubeflow-jane bind roles.rbac.authorization.k8s.io default
no  eve@foo.com kubeflow-jane bind clusterroles.rbac.authorization.k8s.io kubeflow-edit
no  eve@foo.com kubeflow-jane patch namespaces kubeflow-jane
no  eve@foo.com kubeflow-jane delete namespaces kubeflow-jane
yes vic@foo.com kubeflow-jane get pods
yes vic@foo.com kubeflow-jane create reports.example.com
no  vic@foo.com kubeflow-jane create jobs.example.com
no  vic@foo.com kubeflow-jane create pods
no  vic@foo.com kubeflow-jane get secrets
no  vic@foo.com kubeflow-jane create pods/exec
no  vic@foo.com kubeflow-jane list rolebindings.rbac.authorization.k8s.io
yes jane@foo.com kubeflow-jane create pods
yes jane@foo.com kubeflow-jane create jobs.example.com
yes jane@foo.com kubeflow-jane list rolebindings.rbac.authorization.k8s.io
yes jane@foo.com kubeflow-jane delete rolebindings.rbac.authorization.k8s.io bob-kubeflow
yes jane@foo.com kubeflow-jane bind roles.rbac.authorization.k8s.io default
yes jane@foo.com kubeflow-jane get roles.rbac.authorization.k8s.io default
no  jane@foo.com kubeflow-jane bind roles.rbac.authorization.k8s.io other
no  jane@foo.com kubeflow-jane bind clusterroles.rbac.authorization.k8s.io cluster-admin
no  jane@foo.com kubeflow-jane patch rolebindings.rbac.authorization.k8s.io
no  jane@foo.com kubeflow-jane create roles.rbac.authorization.k8s.io
no  jane@foo.com kubeflow-jane update roles.rbac.authorization.k8s.io default
no  jane@foo.com kubeflow-jane patch roles.rbac.authorization.k8s.io default
no  jane@foo.com kubeflow-jane delete roles.rbac.authorization.k8s.io default
no  jane@foo.com kubeflow-jane escalate roles.rbac.authorization.k8s.io default
no  jane@foo.com kubeflow-jane patch resourcequotas kf-resource-quota
no  jane@foo.com kubeflow-jane create resourcequotas
no  jane@foo.com kubeflow-jane patch limitranges kf-limits
no  jane@foo.com kubeflow-jane patch namespaces kubeflow-jane
no  jane@foo.com kubeflow-jane delete namespaces kubeflow-jane
no  jane@foo.com kubeflow-bob create pods
no  jane@foo.com - list namespaces
";

/// Asks the server who may do what: each line is `yes|no USER NAMESPACE VERB RESOURCE[.GROUP][/SUBRESOURCE] [NAME]`, `-` for every
/// namespace.
fn reviewed(cluster: &Cluster, app: &App, table: &str) {
    let lines: Vec<Vec<&str>> =
        table.lines().map(|line| line.split_whitespace().collect()).filter(|words: &Vec<&str>| !words.is_empty()).collect();
    let reviews: Vec<String> = lines
        .iter()
        .map(|words| {
            let user = match words[1] {
                "controller" => "system:serviceaccount:kubeflow-system:kfctl-controller",
                user => user,
            };
            let (resource, subresource) = words[4].split_once('/').unwrap_or((words[4], ""));
            let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
            let (namespace, name) = (words[2].trim_matches('-'), words.get(5).unwrap_or(&""));
            let attributes = serde_json::json!({
                "namespace": namespace, "verb": words[3], "group": group, "resource": resource, "subresource": subresource, "name": name,
            });
            format!(
                "---\napiVersion: authorization.k8s.io/v1\nkind: SubjectAccessReview\nspec: {{user: \"{user}\", resourceAttributes: {attributes}}}\n"
            )
        })
        .collect();
    let file = app.write("reviews.yaml", &reviews.concat());
    let answers = cluster.kubectl(&["create", "-f", &file, "-o", "jsonpath={.status.allowed}{\"\\n\"}"]).success();
    let answers: Vec<&str> = answers.lines().map(|line| if line == "true" { "yes" } else { "no" }).collect();
    assert_eq!(answers.len(), lines.len());
    let wrong: Vec<String> =
        lines.iter().zip(answers).filter(|(words, answer)| words[0] != *answer).map(|(words, _)| words.join(" ")).collect();
    assert!(wrong.is_empty(), "not so: {wrong:#?}");
}

/// The namespace of a profile as the controller makes it, with the controller's own rights; then what its owner, the one it is
/// shared with, and members can do there.
pub(crate) fn rights_in_a_profile_namespace(cluster: &Cluster, app: &App) {
    // A component adds to edit: it reaches edit and admin, and not view. Another adds to view: it reaches all.
    let addition = |feeds: &str, resource: &str| {
        format!(
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: addition-{feeds}\n  labels: {{rbac.authorization.kubeflow.org/aggregate-to-kubeflow-{feeds}: \"true\"}}\nrules:\n- {{apiGroups: [example.com], resources: [{resource}], verbs: [create]}}\n"
        )
    };
    let additions = app.write("additions.yaml", &(addition("view", "reports") + &addition("edit", "jobs")));
    cluster.kubectl(&["apply", "-f", &additions]).success();
    let edit = || {
        let text = cluster.kubectl(&["get", "clusterrole", "kubeflow-edit", "-o", "json"]).success();
        serde_json::from_str::<serde_json::Value>(&text).expect("JSON")
    };
    for (role, resources) in [("edit", ["reports", "jobs"]), ("admin", ["reports", "jobs"])] {
        cluster.until(&format!("kubeflow-{role} has what view and edit got"), || {
            let rules =
                cluster.kubectl(&["get", "clusterrole", &format!("kubeflow-{role}"), "-o", "jsonpath={.rules}"]).success();
            resources.iter().all(|resource| rules.contains(&format!("[\"{resource}\"]")))
        });
    }
    let rules = edit()["rules"].clone();
    let binding = |name: &str, kind: &str, role: &str, subject: &str| {
        format!(
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: {name}, namespace: kubeflow-jane}}\nroleRef: {{apiGroup: rbac.authorization.k8s.io, kind: {kind}, name: {role}}}\nsubjects:\n- {{apiGroup: rbac.authorization.k8s.io, kind: User, name: {subject}}}\n"
        )
    };
    let object = |kind: &str, name: &str, more: &str| {
        format!("---\nkind: {kind}\nmetadata: {{name: {name}, namespace: kubeflow-jane}}\n{more}\n")
    };
    let made = [
        "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: kubeflow-jane}\n".to_owned(),
        binding("namespaceAdmin", "ClusterRole", "kubeflow-admin", "jane@foo.com"),
        binding("member-eve", "ClusterRole", "kubeflow-edit", "eve@foo.com"),
        binding("member-vic", "ClusterRole", "kubeflow-view", "vic@foo.com"),
        object("Role", "default", &format!("apiVersion: rbac.authorization.k8s.io/v1\nrules: {rules}")),
        object("ServiceAccount", "default-editor", "apiVersion: v1"),
        object("ResourceQuota", "kf-resource-quota", "apiVersion: v1\nspec: {hard: {requests.cpu: 4}}"),
        object("LimitRange", "kf-limits", "apiVersion: v1\nspec: {limits: [{type: Container, defaultRequest: {cpu: 100m}}]}"),
        object("NetworkPolicy", "gateway-only", "apiVersion: networking.k8s.io/v1\nspec: {podSelector: {}}"),
    ];
    let file = app.write("made.yaml", &made.concat());
    let controller = "--as=system:serviceaccount:kubeflow-system:kfctl-controller";
    cluster.kubectl(&[controller, "apply", "--server-side", "--field-manager=kfctl-controller", "-f", &file]).success();

    // The seed's command.
    let share = |user: &str, arguments: &[&str]| {
        cluster.kubectl(&[&["--as", user, "-n", "kubeflow-jane", "create", "rolebinding"], arguments].concat())
    };
    cluster.until("jane's binding holds", || {
        share("jane@foo.com", &["bob-kubeflow", "--role=default", "--user=bob@acme.com"]).code == 0
    });
    reviewed(cluster, app, RIGHTS);
    // What is refused is refused as escalation too, where the verb on rolebindings itself is there.
    for role in ["cluster-admin", "admin", "system:node", "system:controller:namespace-controller"] {
        let said = share("jane@foo.com", &["more", &format!("--clusterrole={role}"), "--user=bob@acme.com"]);
        assert!(said.stderr.contains("attempting to grant RBAC permissions not currently held"), "{role}: {}", said.all());
    }
    // What they hold they may share: RBAC's own rule.
    for role in ["kubeflow-view", "kubeflow-edit", "kubeflow-admin"] {
        share("jane@foo.com", &[&format!("share-{role}"), &format!("--clusterrole={role}"), "--user=ann@foo.com"]).success();
    }
    let onwards = share("bob@acme.com", &["carl", "--role=default", "--user=carl@acme.com"]);
    assert!(onwards.stderr.contains("cannot create resource \"rolebindings\""), "{}", onwards.all());
    cluster.kubectl(&["--as=jane@foo.com", "-n", "kubeflow-jane", "delete", "rolebinding", "bob-kubeflow"]).success();
    // The controller hands out its three roles and Role default, and no more.
    for (name, kind, role) in [("c1", "ClusterRole", "cluster-admin"), ("c2", "ClusterRole", "edit"), ("c3", "Role", "other")] {
        let file = app.write("binding.yaml", &binding(name, kind, role, "bob@acme.com"));
        let said = cluster.kubectl(&[controller, "apply", "--server-side", "-f", &file]);
        assert!(said.all().contains("attempting to grant") || said.all().contains("not found"), "{role}: {}", said.all());
    }
    let other = object(
        "Role",
        "other",
        "apiVersion: rbac.authorization.k8s.io/v1\nrules: [{apiGroups: [\"\"], resources: [secrets], verbs: [get]}]",
    );
    let said = cluster.kubectl(&[controller, "apply", "--server-side", "-f", &app.write("other.yaml", &other)]);
    assert!(said.stderr.contains("attempting to grant RBAC permissions not currently held"), "{}", said.all());
}

pub(crate) fn rights_of_the_controller(cluster: &Cluster, app: &App) {
    let mut table = String::new();
    let mut each = |answer: &str, namespace: &str, resources: &[&str], verbs: &[&str]| {
        for (resource, verb) in resources.iter().flat_map(|resource| verbs.iter().map(move |verb| (resource, verb))) {
            let (resource, name) = resource.split_once(' ').unwrap_or((resource, ""));
            let _ = writeln!(table, "{answer} controller {namespace} {verb} {resource} {name}");
        }
    };
    let kept = [
        "namespaces",
        "serviceaccounts",
        "resourcequotas",
        "limitranges",
        "roles.rbac.authorization.k8s.io",
        "rolebindings.rbac.authorization.k8s.io",
        "networkpolicies.networking.k8s.io",
    ];
    each("yes", "-", &kept, &["get", "list", "watch", "create", "patch", "delete"]);
    each("no", "-", &kept, &["deletecollection", "impersonate"]);
    // Of the mesh's, those that it makes and no others.
    let (policies, tokens) = ("authorizationpolicies.security.istio.io", "requestauthentications.security.istio.io");
    each("yes", "-", &[policies, tokens], &["list", "watch"]);
    let own = [format!("{policies} ns-owner-access-istio"), format!("{tokens} kubeflow-jwt")];
    each("yes", "-", &own.each_ref().map(String::as_str), &["create", "patch", "delete"]);
    each("no", "-", &[policies, tokens, &format!("{policies} theirs")], &["create", "patch", "delete", "deletecollection"]);
    each("yes", "-", &["events.events.k8s.io"], &["create"]);
    each("no", "-", &["events.events.k8s.io"], &["get", "list", "patch", "delete"]);
    let clusterroles = "clusterroles.rbac.authorization.k8s.io";
    each("yes", "-", &[&format!("{clusterroles} kubeflow-edit")], &["list", "watch", "bind"]);
    each("yes", "-", &[&format!("{clusterroles} kubeflow-admin"), &format!("{clusterroles} kubeflow-view")], &["bind"]);
    each("yes", "kubeflow-jane", &["roles.rbac.authorization.k8s.io default"], &["bind", "escalate"]);
    let system = "kubeflow-system";
    each("yes", system, &["profiles.kubeflow.org"], &["get", "list", "watch", "patch"]);
    each("yes", system, &["profiles.kubeflow.org/status"], &["patch"]);
    each("yes", system, &["leases.coordination.k8s.io"], &["create"]);
    each("yes", system, &["leases.coordination.k8s.io kfctl-controller"], &["get", "update"]);
    each("yes", system, &["configmaps profile-defaults", "configmaps mesh"], &["list", "watch"]);
    let definitions = "customresourcedefinitions.apiextensions.k8s.io";
    each("yes", "-", &[&format!("{definitions} profiles.kubeflow.org")], &["get"]);
    each("no", "-", &[definitions], &["get", "list", "watch"]);
    each("yes", "-", &[&format!("{definitions} authorizationpolicies.security.istio.io")], &["list", "watch"]);

    let write = ["create", "update", "patch", "delete"];
    each("no", system, &["profiles.kubeflow.org"], &["create", "update", "delete", "set-quota"]);
    each("no", "kubeflow-jane", &["profiles.kubeflow.org"], &["create", "update", "delete"]);
    each("no", "kubeflow-jane", &["profiles.kubeflow.org/status"], &["patch"]);
    each("no", system, &["secrets", "configmaps"], &["get", "list", "watch", "create", "update", "patch", "delete"]);
    each(
        "no",
        "kubeflow-jane",
        &["secrets", "configmaps profile-defaults", "persistentvolumeclaims"],
        &["get", "list", "delete"],
    );
    each("no", system, &["leases.coordination.k8s.io"], &["get", "list", "update", "delete"]);
    each("no", "kube-system", &["leases.coordination.k8s.io kfctl-controller"], &["get", "create", "update"]);
    each("no", "-", &["pods", "pods/exec", "deployments.apps", "services", "nodes", "persistentvolumes"], &write);
    each("no", "-", &["serviceaccounts/token", "tokenreviews.authentication.k8s.io"], &["create"]);
    each("no", "-", &["namespaces/finalize", "namespaces/status"], &["update", "patch"]);
    each("no", "-", &["users", "groups", "userextras.authentication.k8s.io"], &["impersonate"]);
    each("no", "-", &["clusterrolebindings.rbac.authorization.k8s.io", "customresourcedefinitions.apiextensions.k8s.io"], &write);
    let admission = [
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    ];
    each("no", "-", &admission, &write);
    each("no", "-", &[clusterroles], &["create", "update", "patch", "delete", "escalate", "bind", "list"]);
    for role in ["cluster-admin", "admin", "edit", "kfctl-controller"] {
        each("no", "-", &[&format!("{clusterroles} {role}")], &["bind", "escalate", "get"]);
    }
    each("no", "-", &["roles.rbac.authorization.k8s.io", "roles.rbac.authorization.k8s.io other"], &["bind", "escalate"]);
    each(
        "no",
        "-",
        &["virtualservices.networking.istio.io", "gateways.networking.istio.io"],
        &["get", "create", "patch", "delete"],
    );
    reviewed(cluster, app, &table);
}

/// The seed's roles.
pub(crate) fn rights_in_the_system_namespace(cluster: &Cluster, app: &App) {
    for role in ["creator", "deleter", "viewer"] {
        cluster
            .kubectl(&[
                "-n",
                "kubeflow-system",
                "create",
                "rolebinding",
                role,
                &format!("--role=profile-{role}"),
                &format!("--user={role}"),
            ])
            .success();
    }
    let mut table = String::new();
    for (user, may) in [
        ("creator", &["create", "assign-owner"][..]),
        ("deleter", &["get", "list", "watch", "delete"]),
        ("viewer", &["get", "list", "watch"]),
    ] {
        for verb in ["create", "assign-owner", "get", "list", "watch", "delete", "update", "patch", "set-quota"] {
            let answer = if may.contains(&verb) { "yes" } else { "no" };
            let _ = writeln!(table, "{answer} {user} kubeflow-system {verb} profiles.kubeflow.org");
        }
    }
    reviewed(cluster, app, &table);
}
