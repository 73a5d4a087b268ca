//! Components that leave their place to what somebody else has put there: an Istio that is used, not replaced.
//!
//! The choice is kept in the component's inventory. An Istio that is away for its own upgrade, say, is no reason to put another in its
//! place: the admin says so by the component's parameter.

use std::collections::BTreeMap;

use serde_json::Value;

use super::inventory::{self, Inventory};
use crate::catalog::StandsAside;
use crate::cluster::{Connection, Discovery, Failure};
use crate::labels::APPLYSET_PART_OF;
use crate::object::{ObjectId, list};

/// Why a component is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// The object that is there in its place, or was when the choice was made.
    pub object: String,
    /// The version of what is there, where its image tells.
    pub version: Option<String>,
    /// Whether it is there still.
    pub present: bool,
}

impl Aside {
    /// Whether it is known to be older than `least`, such as `1.24`.
    #[must_use]
    pub fn is_older_than(&self, least: &str) -> bool {
        self.version.as_deref().is_some_and(|version| is_older(version, least))
    }
}

impl std::fmt::Display for Aside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { object, version, present } = self;
        let version = version.as_deref().map(|version| format!(" (version {version})")).unwrap_or_default();
        if *present { write!(f, "{object}{version} is used") } else { write!(f, "{object} was used, and is not there any more") }
    }
}

/// What takes the place of a component here. Nothing does where the component's own is there.
pub async fn stands_aside(
    connection: &Connection,
    discovery: &Discovery,
    app: &str,
    component: &str,
    rule: &StandsAside,
) -> Result<Option<Aside>, Failure> {
    let found = workloads(connection, discovery, &rule.api_version, &rule.kind, &rule.labels).await?;
    let set = inventory::id(app, component);
    let is_ours = |object: &&Value| object["metadata"]["labels"][APPLYSET_PART_OF] == *set;
    if found.iter().any(|object| is_ours(&object)) {
        return Ok(None);
    }
    if let Some(object) = found.first() {
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
        let group = rule.api_version.split_once('/').map_or("", |(group, _)| group);
        let id = ObjectId { group: group.into(), kind: rule.kind.clone(), namespace: text("namespace"), name: text("name") };
        let version = image_version(object).map(str::to_owned);
        return Ok(Some(Aside { object: id.to_string(), version, present: true }));
    }
    let known = Inventory::load(connection, app, component).await?;
    let remembered = known.map(|inventory| inventory.aside).filter(|aside| !aside.is_empty());
    Ok(remembered.map(|object| Aside { object, version: None, present: false }))
}

/// Objects of a kind with these labels, wherever they are; none where the kind is not served.
pub(super) async fn workloads(
    connection: &Connection,
    discovery: &Discovery,
    api_version: &str,
    kind: &str,
    labels: &BTreeMap<String, String>,
) -> Result<Vec<Value>, Failure> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let served = discovery.versions(group, kind).iter().find(|resource| resource.version == version);
    let Some(resource) = served else { return Ok(Vec::new()) };
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}%3D{value}")).collect();
    let found = connection.read(&format!("{}?labelSelector={}", resource.path(None), labels.join("%2C"))).await?;
    Ok(list(&found, "/items").to_vec())
}

/// Whether a version, such as `1.23.5`, is known to be older than another. Who can't tell is not.
#[must_use]
pub fn is_older(version: &str, least: &str) -> bool {
    let numbers = |text: &str| -> Vec<u32> {
        let digits = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
        text.split('.').map_while(digits).collect()
    };
    let version = numbers(version);
    !version.is_empty() && version < numbers(least)
}

/// The tag of the image of a workload's first container, without what says how it was built.
#[must_use]
pub fn image_version(workload: &Value) -> Option<&str> {
    let image = workload.pointer("/spec/template/spec/containers/0/image")?.as_str()?;
    let file = image.rsplit('/').next()?.split('@').next()?;
    Some(file.split_once(':')?.1.trim_end_matches("-distroless"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let older = |version: Option<&str>| {
            Aside { object: String::new(), version: version.map(str::to_owned), present: true }.is_older_than("1.24")
        };
        assert!(older(Some("1.9.8")) && older(Some("1.23.5")) && older(Some("0")));
        assert!(!older(Some("1.24.0")) && !older(Some("1.29.1-rc.1")) && !older(Some("2.0")));
        assert!(!older(Some("latest")) && !older(None), "who can't tell is not refused");
    }
}
