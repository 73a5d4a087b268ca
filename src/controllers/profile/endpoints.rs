//! Endpoints of a namespace: what Services declare in, routes and policies out. Pure.
//!
//! The owner may write neither routes nor policies, for those are everybody's; so the owner declares and this makes. At the gateway an
//! endpoint's path leaves the rule of its namespace and gets one of its own, in the same policy: one write opens it, one closes it, and
//! nothing in between is seen. At the sidecars a policy lets the same people in to the pods behind the Service, and to no others.
//!
//! Pods that another Service leads to as well are the same pods, and a sidecar can't tell by which Service somebody came. The gateway
//! can: there the path decides, so that other Service stays as closed as it was.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::desired::{Desired, Names};
use super::mesh::Mesh;
use super::policies::{Access, ISTIO, NETWORK_POLICY};
use super::world::Slot;
use crate::api::endpoint::{self, Endpoint};
use crate::api::profile::SubjectKind;
use crate::labels::{ENDPOINT_SUBJECTS, NAMESPACE_NAME, SIDECAR};

/// What everything made for an endpoint is called, before the name of its Service.
const PREFIX: &str = "kubeflow-endpoint-";

/// How many a namespace may have: each is a rule at everybody's gateway.
const MOST: usize = 50;

/// A Service that is declared to be an endpoint, reduced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) uid: String,
    /// What it declares, or what is wrong with that.
    content: Result<Endpoint, String>,
}

impl Declared {
    /// Reads a Service; none where it is no endpoint, or none any longer.
    pub(super) fn new(service: &Value) -> Option<Self> {
        let metadata = &service["metadata"];
        let text = |field: &str| metadata[field].as_str().unwrap_or_default().to_owned();
        let is_one = endpoint::is_declared(service) && metadata.get("deletionTimestamp").is_none();
        is_one.then(|| Self { name: text("name"), uid: text("uid"), content: endpoint::read(service) })
    }
}

/// What is to be said of a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) note: String,
}

/// An endpoint that is to be open.
#[derive(Debug)]
pub(super) struct Open<'a> {
    name: &'a str,
    endpoint: &'a Endpoint,
    /// Whom it lets in besides those whose the namespace is.
    pub(super) access: Access,
}

/// Which of them are to be open, and what is to be said of the others. `is_served` is whether the cluster knows routes.
pub(super) fn split<'a>(declared: &'a [Arc<Declared>], mesh: &Mesh, is_served: bool) -> (Vec<Open<'a>>, Vec<Complaint>) {
    let (mut open, mut complaints) = (Vec::new(), Vec::new());
    for Declared { name, uid, content } in declared.iter().map(AsRef::as_ref) {
        let mut complain = |note: String| complaints.push(Complaint { name: name.clone(), uid: uid.clone(), note });
        let endpoint = match content {
            Err(problem) => {
                complain(format!("no endpoint, and open to nobody: {problem}"));
                continue;
            }
            Ok(_) if !is_served => {
                complain("no endpoint: the cluster has no virtualservices.networking.istio.io: install Istio".to_owned());
                continue;
            }
            Ok(_) if open.len() == MOST => {
                complain(format!("no endpoint: a namespace may have {MOST}, and there are as many whose names come before"));
                continue;
            }
            Ok(endpoint) => endpoint,
        };
        let accounts = endpoint.subjects.iter().any(|subject| subject.kind == SubjectKind::ServiceAccount);
        if accounts && !mesh.at_sidecars {
            complain(
                "service accounts are not let in: sidecars know them, and parameter enforce of auth leaves those out".to_owned(),
            );
        }
        let mut access = Access::default();
        endpoint.subjects.iter().for_each(|subject| access.admit(subject.kind, &subject.name, mesh));
        open.push(Open { name, endpoint, access });
    }
    (open, complaints)
}

/// Whether an object of a profile's namespace is made for an endpoint.
pub(super) fn is_own(place: &Slot) -> bool {
    let kinds = [&ISTIO[0], &ISTIO[2], &*NETWORK_POLICY];
    place.1.starts_with(PREFIX) && kinds.iter().any(|resource| *place.0 == *resource.group_kind())
}

/// Whether it leads somewhere: it comes last, when what guards it stands.
pub(super) fn is_route(object: &Desired) -> bool {
    object.resource == ISTIO[2]
}

impl Open<'_> {
    /// All that is below its path.
    pub(super) fn below(&self, namespace: &str) -> String {
        format!("{}*", endpoint::path(namespace, self.name))
    }

    /// What is made for it in its namespace.
    pub(super) fn objects(&self, names: &Names, mesh: &Mesh) -> Vec<Desired> {
        let name = format!("{PREFIX}{}", self.name);
        let mut objects = vec![names.object(&ISTIO[2], &name, self.route(&names.namespace, mesh))];
        if mesh.at_sidecars {
            objects.extend(self.allow(mesh).map(|spec| names.object(&ISTIO[0], &name, json!({"spec": spec}))));
            objects
                .extend(self.network(&names.namespace).map(|spec| names.object(&NETWORK_POLICY, &name, json!({"spec": spec}))));
        }
        objects
    }

    /// Model servers know nothing of the path before theirs. Where no sidecar has to prove the token, it ends here.
    fn route(&self, namespace: &str, mesh: &Mesh) -> Value {
        let host = format!("{}.{namespace}.svc.cluster.local", self.name);
        let mut http = json!({
            "match": [{"uri": {"prefix": endpoint::path(namespace, self.name)}}],
            "rewrite": {"uri": "/"},
            "route": [{"destination": {"host": host, "port": {"number": self.endpoint.port}}}],
        });
        if !mesh.at_sidecars {
            http["headers"] = json!({"request": {"remove": mesh.token_headers}});
        }
        json!({
            "metadata": {"annotations": {ENDPOINT_SUBJECTS: endpoint::written(&self.endpoint.subjects)}},
            "spec": {"gateways": [mesh.gateway.name], "hosts": ["*"], "http": [http]},
        })
    }

    fn accounts(&self) -> impl Iterator<Item = (&str, &str)> {
        let subjects = self.endpoint.subjects.iter().filter(|subject| subject.kind == SubjectKind::ServiceAccount);
        subjects.filter_map(|subject| Some((subject.namespace.as_deref()?, subject.name.as_str())))
    }

    /// At the sidecars of the pods behind it; the namespace's own policy holds there too.
    fn allow(&self, mesh: &Mesh) -> Option<Value> {
        let mut rules = self.access.rules(mesh);
        let principals: BTreeSet<String> =
            self.accounts().map(|(namespace, name)| format!("cluster.local/ns/{namespace}/sa/{name}")).collect();
        if !principals.is_empty() {
            rules.push(json!({"from": [{"source": {"principals": principals}}]}));
        }
        (!rules.is_empty())
            .then(|| json!({"selector": {"matchLabels": self.endpoint.selector}, "action": "ALLOW", "rules": rules}))
    }

    /// A service account comes from its namespace. The network can't tell it from others there, so the way leads to sidecars alone, which can.
    fn network(&self, own: &str) -> Option<Value> {
        let namespaces: BTreeSet<&str> =
            self.accounts().map(|(namespace, _)| namespace).filter(|namespace| *namespace != own).collect();
        let mut pods = json!({"matchLabels": self.endpoint.selector});
        pods["matchLabels"][SIDECAR.0] = SIDECAR.1.into();
        let from =
            json!({"namespaceSelector": {"matchExpressions": [{"key": NAMESPACE_NAME, "operator": "In", "values": namespaces}]}});
        (!namespaces.is_empty()).then(|| json!({"podSelector": pods, "policyTypes": ["Ingress"], "ingress": [{"from": [from]}]}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::ENDPOINT;

    fn mesh(more: &[(&str, &str)]) -> Mesh {
        let mut data = json!({"issuer": "https://dex.example.com"});
        for (key, value) in more {
            data[*key] = (*value).into();
        }
        Mesh::read(&json!({"data": data})).unwrap()
    }

    fn declared(subjects: &str) -> Arc<Declared> {
        let service = json!({"metadata": {"name": "mnist", "uid": "s", "labels": {ENDPOINT: ""}, "annotations": {ENDPOINT_SUBJECTS: subjects}},
            "spec": {"selector": {"model": "mnist"}, "ports": [{"port": 80}]}});
        Arc::new(Declared::new(&service).unwrap())
    }

    fn objects(subjects: &str, more: &[(&str, &str)]) -> Vec<Value> {
        let names = Names { profile: "jane".into(), uid: "1".into(), namespace: "kubeflow-jane".into() };
        let (declared, mesh) = ([declared(subjects)], mesh(more));
        let (open, complaints) = split(&declared, &mesh, true);
        assert_eq!(complaints, []);
        open[0].objects(&names, &mesh).into_iter().map(|object| object.content).collect()
    }

    const BOB: &str = r#"[{"kind": "User", "name": "bob"}, {"kind": "Group", "name": "team"}]"#;
    const ROBOT: &str = r#"[{"kind": "ServiceAccount", "name": "ci", "namespace": "kubeflow-bob"}, {"kind": "ServiceAccount", "name": "x", "namespace": "kubeflow-jane"}]"#;

    #[test]
    fn a_route_leads_to_the_service_and_nowhere_else() {
        let made = objects("", &[("gateway", "shop/kubeflow-gateway")]);
        assert_eq!(made.len(), 1, "those whose the namespace is are let in by its own policy: {made:?}");
        assert_eq!((&made[0]["apiVersion"], &made[0]["kind"]), (&json!("networking.istio.io/v1"), &json!("VirtualService")));
        assert_eq!(made[0]["metadata"]["name"], "kubeflow-endpoint-mnist");
        assert_eq!(
            made[0]["spec"],
            json!({"gateways": ["shop/kubeflow-gateway"], "hosts": ["*"], "http": [{
                "match": [{"uri": {"prefix": "/models/kubeflow-jane/mnist/"}}], "rewrite": {"uri": "/"},
                "route": [{"destination": {"host": "mnist.kubeflow-jane.svc.cluster.local", "port": {"number": 80}}}]}]})
        );
    }

    #[test]
    fn those_named_come_in_to_the_pods_behind_it() {
        let issued = json!([{"source": {"requestPrincipals": ["https://dex.example.com/*"]}}]);
        assert_eq!(
            objects(BOB, &[])[1]["spec"],
            json!({"selector": {"matchLabels": {"model": "mnist"}}, "action": "ALLOW", "rules": [
                {"from": issued, "when": [{"key": "request.auth.claims[email]", "values": ["bob"]}]},
                {"from": issued, "when": [{"key": "request.auth.claims[groups]", "values": ["team"]}]}]})
        );
        let made = objects(BOB, &[("enforce", "gateway"), ("jwtHeader", "X-Token")]);
        assert_eq!(made.len(), 1, "without sidecars the gateway alone decides");
        assert_eq!(made[0]["spec"]["http"][0]["headers"], json!({"request": {"remove": ["authorization", "x-token"]}}));
    }

    #[test]
    fn a_service_account_comes_by_a_sidecar_or_not_at_all() {
        let made = objects(ROBOT, &[]);
        assert_eq!(
            made[1]["spec"]["rules"],
            json!([{"from": [{"source": {"principals": ["cluster.local/ns/kubeflow-bob/sa/ci", "cluster.local/ns/kubeflow-jane/sa/x"]}}]}])
        );
        assert_eq!(
            made[2]["spec"]["podSelector"],
            json!({"matchLabels": {"model": "mnist", "security.istio.io/tlsMode": "istio"}})
        );
        assert_eq!(made[2]["spec"]["ingress"].as_array().map(Vec::len), Some(1));
        assert_eq!(
            made[2]["spec"]["ingress"][0]["from"],
            json!([{"namespaceSelector": {"matchExpressions": [{"key": NAMESPACE_NAME, "operator": "In", "values": ["kubeflow-bob"]}]}}])
        );
        let (declared, mesh) = ([declared(ROBOT)], mesh(&[("enforce", "gateway")]));
        let (open, complaints) = split(&declared, &mesh, true);
        assert!(open[0].access.is_empty() && complaints[0].note.contains("service accounts are not let in"));
    }

    #[test]
    fn what_can_not_be_opened_is_said_and_stays_closed() {
        for (subjects, is_served, says) in [
            (r#"[{"kind": "User", "name": "*"}]"#, true, "nobody's name"),
            ("{", true, "expected a list"),
            (BOB, false, "install Istio"),
        ] {
            let (declared, mesh) = ([declared(subjects)], mesh(&[]));
            let (open, complaints) = split(&declared, &mesh, is_served);
            assert!(open.is_empty() && complaints.len() == 1 && complaints[0].note.contains(says), "{complaints:?}");
        }
        let many: Vec<Arc<Declared>> = std::iter::repeat_with(|| declared(BOB)).take(MOST + 1).collect();
        let mesh = mesh(&[]);
        let (open, complaints) = split(&many, &mesh, true);
        assert!(open.len() == MOST && complaints.len() == 1 && complaints[0].note.contains("may have 50"), "{complaints:?}");
        let going = json!({"metadata": {"labels": {ENDPOINT: ""}, "deletionTimestamp": "now"}});
        assert_eq!(Declared::new(&going), None);
        assert_eq!(Declared::new(&json!({"metadata": {"annotations": {ENDPOINT_SUBJECTS: BOB}}})), None, "the label declares");
    }
}
