//! Makes ours from what was exported, and gives each its namespace as it is.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};

use super::file::Exported;
use crate::api::profile::{Member, MemberRole, Subject, SubjectKind};
use crate::cluster::{Class, Connection, Failure};
use crate::error::{Error, Kind, Result};
use crate::labels::{ADOPT, FIELD_MANAGER, IMPORTED_FROM, PROFILE, PROFILE_UID};
use crate::object::list;

const PROFILES: &str = "/apis/kubeflow.org/v1alpha1/namespaces/kubeflow-system/profiles";
const BINDINGS: &str = "/apis/rbac.authorization.k8s.io/v1/rolebindings";
const PAUSE: Duration = Duration::from_millis(300);
/// The most members that a profile takes.
const MEMBERS: usize = 100;

/// The way from freed namespaces to profiles of ours.
#[derive(Debug)]
pub struct Adoption<'a> {
    connection: &'a Connection,
    exported: &'a [Exported],
    arrivals: Vec<Arrival>,
}

/// One profile on its way.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Its name, and its namespace's.
    pub name: String,
    namespace: Value,
    /// Our profile, where there is one.
    profile: Option<Value>,
    /// Who else has rights, as today's Kubeflow bound them: the binding, and the member that it becomes.
    contributors: Vec<(Value, Member)>,
}

impl Arrival {
    /// Whether our profile holds the namespace.
    #[must_use]
    pub fn is_held(&self) -> bool {
        let labels = &self.namespace["metadata"]["labels"];
        self.profile
            .as_ref()
            .is_some_and(|profile| labels[PROFILE] == *self.name && labels[PROFILE_UID] == profile["metadata"]["uid"])
    }

    /// Whether the controller says that all is made; else why not.
    fn readiness(&self) -> Result<(), String> {
        let conditions = self.profile.as_ref().map(|profile| list(profile, "/status/conditions")).unwrap_or_default();
        match conditions.iter().find(|condition| condition["type"] == "Ready") {
            Some(ready) if ready["status"] == "True" && self.is_held() => Ok(()),
            Some(ready) if ready["status"] != "True" => Err(ready["message"].as_str().unwrap_or_default().to_owned()),
            _ => Err("the controller has not looked at it yet".to_owned()),
        }
    }

    /// Why it can't be made; none where it can.
    fn refusal(&self, exported: &Exported) -> Option<String> {
        let name = &self.name;
        let metadata = &self.namespace["metadata"];
        if self.is_held() {
            return None;
        }
        if metadata.is_null() {
            return Some(format!("namespace {name} is not there"));
        }
        if metadata.get("deletionTimestamp").is_some() {
            return Some(format!("namespace {name} is being deleted"));
        }
        let template = self.profile.as_ref().map(|profile| &profile["spec"]["template"]);
        let is_this = |template: &Value| {
            template["spec"]["owner"]["name"] == *exported.owner.name && template["metadata"]["namespace"] == **name
        };
        if !template.is_none_or(is_this) {
            return Some(format!("there is a profile {name} already, of another owner or namespace"));
        }
        if self.contributors.len() > MEMBERS {
            return Some(format!("profile {name} has {} contributors, and may have {MEMBERS} members", self.contributors.len()));
        }
        let marks = &metadata["annotations"];
        (marks[IMPORTED_FROM] != *exported.uid && marks[ADOPT] != **name).then(|| {
            format!("namespace {name} was not freed for this profile; to give it to it: kubectl annotate namespace {name} {ADOPT}={name}")
        })
    }
}

impl<'a> Adoption<'a> {
    /// Looks, and refuses before the first write what could not end well: the server checks each profile.
    pub async fn begin(connection: &'a Connection, exported: &'a [Exported]) -> Result<Self> {
        let mut adoption = Self { connection, exported, arrivals: Vec::new() };
        adoption.look().await?;
        let mut refusals: Vec<String> =
            adoption.arrivals.iter().zip(exported).filter_map(|(arrival, exported)| arrival.refusal(exported)).collect();
        for (arrival, exported) in adoption.arrivals.iter().zip(exported).filter(|(arrival, _)| arrival.profile.is_none()) {
            if let Err(failure) = adoption.create(arrival, exported, true).await {
                refusals.push(format!("profile {}: {}", arrival.name, failure.message));
            }
        }
        if refusals.is_empty() {
            return Ok(adoption);
        }
        let error =
            Error::cluster(format!("{} of {} profiles can't be made; nothing was written", refusals.len(), exported.len()));
        let error = refusals.into_iter().take(20).fold(error, Error::detail);
        Err(error.hint("mend that, or change the profile in the file; then run this again"))
    }

    async fn look(&mut self) -> Result<()> {
        let failed = |failure: &Failure| self.connection.explain(failure, "read profiles, namespaces and their bindings");
        let items = async |path: &str| self.connection.read(path).await.map(|answer| list(&answer, "/items").to_vec());
        let read =
            async { futures::try_join!(self.connection.read_metadata("/api/v1/namespaces"), items(PROFILES), items(BINDINGS)) };
        let (namespaces, profiles, bindings) = read.await.map_err(|failure| failed(&failure))?;
        let name = |object: &Value| object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let namespaces: BTreeMap<String, Value> = namespaces.into_iter().map(|it| (name(&it), it)).collect();
        let profiles: BTreeMap<String, Value> = profiles.into_iter().map(|it| (name(&it), it)).collect();
        self.arrivals = self
            .exported
            .iter()
            .map(|exported| {
                let here = bindings.iter().filter(|binding| binding["metadata"]["namespace"] == *exported.name);
                Arrival {
                    name: exported.name.clone(),
                    namespace: namespaces.get(&exported.name).cloned().unwrap_or_default(),
                    profile: profiles.get(&exported.name).cloned(),
                    contributors: here.filter_map(|binding| Some((binding.clone(), member(binding)?))).collect(),
                }
            })
            .collect();
        Ok(())
    }

    /// The profiles, as they were looked at last.
    #[must_use]
    pub fn arrivals(&self) -> &[Arrival] {
        &self.arrivals
    }

    /// How many don't hold their namespace yet, and how many bindings of contributors are left to be taken over.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let waiting = self.arrivals.iter().filter(|arrival| !arrival.is_held());
        (waiting.count(), self.arrivals.iter().map(|arrival| arrival.contributors.len()).sum())
    }

    async fn create(&self, arrival: &Arrival, exported: &Exported, dry_run: bool) -> Result<Value, Failure> {
        let members = arrival.contributors.iter().map(|(_, member)| member.clone()).collect();
        let body = serde_json::to_value(exported.profile(members)).expect("a profile is plain data");
        let dry_run = if dry_run { "&dryRun=All" } else { "" };
        self.send(Method::POST, &format!("{PROFILES}?fieldManager={FIELD_MANAGER}{dry_run}"), "application/json", &body).await
    }

    async fn send(&self, method: Method, path: &str, content_type: &str, body: &Value) -> Result<Value, Failure> {
        let body = Some((content_type, body.to_string().into_bytes()));
        Ok(self.connection.request(method, path, "application/json", body).await?.body)
    }

    /// Makes the profiles. A namespace is offered only to a profile that is there, with its owner: an offer to a mere name could be
    /// taken by whoever is first.
    pub async fn make(&mut self) -> Result<()> {
        for (arrival, exported) in self.arrivals.iter().zip(self.exported).filter(|(arrival, _)| !arrival.is_held()) {
            let failed = |failure: &Failure| {
                Error::cluster(format!("profile {} can't be made", arrival.name))
                    .detail(failure.message.clone())
                    .hint("run this again, once that is mended")
            };
            if arrival.profile.is_none() {
                self.create(arrival, exported, false).await.map_err(|failure| failed(&failure))?;
            }
            let metadata = &arrival.namespace["metadata"];
            if metadata["annotations"][ADOPT] != *arrival.name {
                let offer =
                    json!({"metadata": {"uid": metadata["uid"], "annotations": {ADOPT: arrival.name, IMPORTED_FROM: null}}});
                let path = format!("/api/v1/namespaces/{}?fieldManager={FIELD_MANAGER}", arrival.name);
                self.send(Method::PATCH, &path, "application/merge-patch+json", &offer)
                    .await
                    .map_err(|failure| failed(&failure))?;
            }
        }
        Ok(())
    }

    /// Waits until every profile holds its namespace and all in it is made.
    pub async fn arrive(&mut self, deadline: Instant) -> Result<()> {
        loop {
            self.look().await?;
            let waiting: Vec<String> = self
                .arrivals
                .iter()
                .filter_map(|arrival| Some(format!("profile {}: {}", arrival.name, arrival.readiness().err()?)))
                .collect();
            if waiting.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                let error =
                    Error::new(Kind::NotReady, format!("{} of {} profiles are not ready", waiting.len(), self.arrivals.len()));
                let error = waiting.into_iter().take(20).fold(error, Error::detail);
                return Err(error.hint("`kfctl status` says whether the controller runs; nothing is lost: run this again"));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Takes away the bindings in whose place the controller has made those of members; says how many.
    pub async fn replace_bindings(&self) -> Result<usize> {
        let mut replaced = 0;
        for (binding, _) in self.arrivals.iter().flat_map(|arrival| &arrival.contributors) {
            let text = |field: &str| binding["metadata"][field].as_str().unwrap_or_default();
            let collection = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings", text("namespace"));
            let failed = |failure: &Failure| self.connection.explain(failure, "replace the bindings of contributors");
            let there = self
                .connection
                .read(&format!("{collection}?labelSelector={PROFILE_UID}"))
                .await
                .map_err(|failure| failed(&failure))?;
            let says_the_same =
                |other: &Value| other["roleRef"] == binding["roleRef"] && other["subjects"] == binding["subjects"];
            if list(&there, "/items").iter().any(says_the_same) {
                let path = format!("{collection}/{}", text("name"));
                match self.connection.delete(&path, text("uid"), text("resourceVersion"), "Background").await {
                    Err(failure) if failure.class != Class::NotFound => return Err(failed(&failure)),
                    _ => {}
                }
                replaced += 1;
            }
        }
        Ok(replaced)
    }
}

/// The member that a binding of today's access management becomes; none where it is another's.
fn member(binding: &Value) -> Option<Member> {
    let metadata = &binding["metadata"];
    let role = metadata["annotations"]["role"].as_str()?;
    let [subject] = list(binding, "/subjects") else { return None };
    let is_theirs = metadata["labels"][PROFILE_UID].is_null()
        && metadata["name"] != "namespaceAdmin"
        && subject["kind"] == "User"
        && metadata["annotations"]["user"] == subject["name"]
        && binding["roleRef"]["kind"] == "ClusterRole"
        && binding["roleRef"]["name"] == format!("kubeflow-{role}");
    let role = match role {
        "view" => MemberRole::View,
        "edit" => MemberRole::Edit,
        "admin" => MemberRole::Admin,
        _ => return None,
    };
    let name = subject["name"].as_str()?.to_owned();
    let api_group = Some("rbac.authorization.k8s.io".to_owned());
    is_theirs.then_some(Member { subject: Subject { kind: SubjectKind::User, api_group, name, namespace: None }, role })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bindings_of_their_access_management_become_members() {
        let binding = |change: Value| {
            let mut binding = json!({"metadata": {"name": "user-bob-acme-com-clusterrole-edit", "annotations": {"user": "bob@acme.com", "role": "edit"}},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "kubeflow-edit"},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "bob@acme.com"}]});
            for (pointer, value) in change.as_object().unwrap() {
                *binding.pointer_mut(pointer).unwrap() = value.clone();
            }
            member(&binding).map(|member| (member.subject.name, member.role))
        };
        assert_eq!(binding(json!({})), Some(("bob@acme.com".to_owned(), MemberRole::Edit)));
        for change in [
            json!({"/metadata/name": "namespaceAdmin"}),
            json!({"/metadata/annotations/user": "eve@foo.com"}),
            json!({"/metadata/annotations/role": "admin"}),
            json!({"/roleRef/kind": "Role"}),
            json!({"/roleRef/name": "cluster-admin"}),
            json!({"/subjects": []}),
            json!({"/subjects/0/kind": "Group"}),
        ] {
            assert_eq!(binding(change.clone()), None, "{change}");
        }
    }
}
