//! The exported list: `kubectl get profiles -o yaml`. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::api::profile::{
    Limit, Member, Profile, ProfileMetadata, ProfileSpec, ProfileTemplate, ProfileTemplateSpec, Quota, Subject, SubjectKind,
    is_reserved,
};
use crate::error::{Error, Result};
use crate::object::{self, Object};
use crate::yaml;

/// Versions of theirs; all have one shape.
const VERSIONS: [&str; 2] = ["v1", "v1beta1"];

/// One of today's profiles, as far as ours can say the same. Its namespace has its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Exported {
    /// Its name.
    pub name: String,
    /// The server's identity of it: what tells that a file and a cluster belong together.
    pub uid: String,
    /// Its owner.
    pub owner: Subject,
    /// The limits of its quota.
    pub hard: BTreeMap<String, Limit>,
    /// What ours can't say, as paths of fields.
    pub lost: Vec<&'static str>,
}

/// Reads the file. An error names the place in it.
pub fn read(text: &str, file: &Path) -> Result<Vec<Exported>> {
    let objects = object::parse(text, file)?;
    if objects.is_empty() {
        return Err(expected(Error::input("there is no profile in it")).in_file(file));
    }
    let is_list = text.contains("\nitems:") || text.contains("\"items\":");
    let mut names = BTreeSet::new();
    objects
        .iter()
        .enumerate()
        .map(|(place, object)| {
            let exported = Exported::new(object).and_then(|exported| {
                if names.insert(exported.name.clone()) {
                    Ok(exported)
                } else {
                    Err(Error::input("it is there twice").field("metadata.name"))
                }
            });
            exported.map_err(|error| placed(error, object, text, is_list.then_some(place)).in_file(file))
        })
        .collect()
}

fn expected(error: Error) -> Error {
    error.expected("a list of today's profiles, as `kubectl get profiles -o yaml` prints it")
}

/// The error with its object's name and its line, where the file is one list.
fn placed(error: Error, object: &Object, text: &str, item: Option<usize>) -> Error {
    let field = error.field_name().unwrap_or_default().to_owned();
    let index = item.map(|item| item.to_string());
    let route: Vec<&str> = index.iter().flat_map(|index| ["items", index]).chain(field.split('.')).collect();
    let error = error.detail(format!("in {}", object.id));
    match yaml::place(text, &route) {
        Some((line, column)) => error.at(line, column),
        None => error,
    }
}

impl Exported {
    fn new(object: &Object) -> Result<Self> {
        let id = &object.id;
        if !id.is("kubeflow.org", "Profile") || !VERSIONS.contains(&object.version.as_str()) {
            let error = Error::input(format!("{} {} is none of today's profiles", object.api_version(), id.kind)).field("kind");
            return Err(expected(error));
        }
        let exported = Self::of(&object.content)?;
        let name = &exported.name;
        let is_label = name.len() <= 63
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !name.starts_with('-')
            && !name.ends_with('-');
        if !is_label || is_reserved(name) {
            return Err(Error::input(format!("{name:?} can't be a profile's namespace"))
                .field("metadata.name")
                .expected("at most 63 lower-case letters, digits and '-', and no namespace of the system"));
        }
        if exported.uid.is_empty() {
            return Err(expected(Error::input("missing").field("metadata.uid")));
        }
        Ok(exported)
    }

    /// One of theirs, in the file or in the cluster.
    pub(super) fn of(content: &Value) -> Result<Self> {
        let text = |pointer: &str| content.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let owner = &content["spec"]["owner"];
        let mut owner: Subject = serde_json::from_value(owner.clone()).map_err(|error| {
            Error::input(error.to_string()).field("spec.owner").expected("kind (User, Group or ServiceAccount) and name")
        })?;
        let is_account = owner.kind == SubjectKind::ServiceAccount;
        owner.api_group = (!is_account).then(|| "rbac.authorization.k8s.io".to_owned());
        owner.namespace = owner.namespace.filter(|_| is_account);
        let quota = content["spec"].get("resourceQuotaSpec").cloned().unwrap_or_default();
        let hard = match quota.get("hard") {
            Some(hard) if !hard.is_null() => serde_json::from_value(hard.clone()).map_err(|error| {
                Error::input(error.to_string())
                    .field("spec.resourceQuotaSpec.hard")
                    .expected("limits as in a ResourceQuota, such as requests.cpu: \"8\"")
            })?,
            _ => BTreeMap::new(),
        };
        let says = |value: Option<&Value>| value.is_some_and(|value| !value.is_null() && *value != Value::Array(Vec::new()));
        let mut lost = Vec::new();
        for (there, field) in [
            (quota.get("scopes"), "spec.resourceQuotaSpec.scopes"),
            (quota.get("scopeSelector"), "spec.resourceQuotaSpec.scopeSelector"),
            (content["spec"].get("plugins"), "spec.plugins"),
        ] {
            if says(there) {
                lost.push(field);
            }
        }
        Ok(Self { name: text("/metadata/name"), uid: text("/metadata/uid"), owner, hard, lost })
    }

    /// Whether both say the same of one profile.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        let text = |limit: &Limit| match limit {
            Limit::Number(number) => number.to_string(),
            Limit::Quantity(text) => text.clone(),
        };
        let hard = |exported: &Self| exported.hard.iter().map(|(name, limit)| (name.clone(), text(limit))).collect::<Vec<_>>();
        (&self.uid, &self.owner, hard(self)) == (&other.uid, &other.owner, hard(other))
    }

    /// What it becomes.
    pub(super) fn profile(&self, members: Vec<Member>) -> Profile {
        let resource_quota = (!self.hard.is_empty()).then(|| Quota { hard: self.hard.clone() });
        let template = ProfileTemplate {
            metadata: Some(ProfileMetadata { namespace: Some(self.name.clone()) }),
            spec: ProfileTemplateSpec { owner: self.owner.clone(), resource_quota, members },
        };
        let mut profile = Profile::new(&self.name, ProfileSpec { template });
        profile.metadata.namespace = Some("kubeflow-system".to_owned());
        profile
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: &str) -> String {
        format!("apiVersion: v1\nkind: List\nitems:\n{items}")
    }

    fn item(name: &str, spec: &str) -> String {
        format!(
            "- apiVersion: kubeflow.org/v1\n  kind: Profile\n  metadata: {{name: {name}, uid: u-{name}}}\n  spec:\n    {spec}\n"
        )
    }

    #[test]
    fn a_list_becomes_profiles_that_say_the_same() {
        let text = list(
            &(item(
                "jane",
                "owner: {kind: User, name: jane@foo.com}\n    resourceQuotaSpec: {hard: {cpu: 8, requests.memory: 1Gi}}",
            ) + &item(
                "ci",
                "owner: {kind: ServiceAccount, name: bot, namespace: team, apiGroup: \"\"}\n    plugins: [{kind: AwsIamForServiceAccount}]",
            )),
        );
        let found = read(&text, Path::new("profiles.yaml")).unwrap();
        assert_eq!(
            (found[0].name.as_str(), found[0].uid.as_str(), found[1].lost.as_slice()),
            ("jane", "u-jane", &["spec.plugins"][..])
        );
        let ours = serde_json::to_value(found[0].profile(Vec::new())).unwrap();
        let template = serde_json::json!({"metadata": {"namespace": "jane"}, "spec": {
            "owner": {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "jane@foo.com"},
            "resourceQuota": {"hard": {"cpu": 8, "requests.memory": "1Gi"}}}});
        assert_eq!(ours["spec"]["template"], template);
        assert_eq!(found[1].owner.namespace.as_deref(), Some("team"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_field() {
        let good = item("a", "owner: {kind: User, name: a}");
        for (text, says) in [
            (
                list(&(good.clone() + &item("b", "owner: {kind: Robot, name: b}"))),
                "p.yaml:13:12: spec.owner: unknown variant `Robot`",
            ),
            (list(&(good.clone() + &good)), "p.yaml:11:20: metadata.name: it is there twice"),
            (
                list(&item("kube-x", "owner: {kind: User, name: b}")),
                "p.yaml:6:20: metadata.name: \"kube-x\" can't be a profile's namespace",
            ),
            (list(&good.replace(", uid: u-a", "")), "p.yaml:6:13: metadata.uid: missing"),
            (
                list(&good.replace("kubeflow.org/v1", "kubeflow.org/v1alpha1")),
                "p.yaml:5:9: kind: kubeflow.org/v1alpha1 Profile is none of today's profiles",
            ),
            (list("[]").replace("items:\n", "items: "), "p.yaml: there is no profile in it"),
            (
                "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n".to_owned(),
                "p.yaml:1:7: kind: v1 ConfigMap is none of today's",
            ),
        ] {
            let error = read(&text, Path::new("p.yaml")).unwrap_err().to_string();
            assert!(error.starts_with(says), "{text}\n{error}");
        }
    }
}
