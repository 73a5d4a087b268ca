//! What the admin decided for all profiles: `ConfigMap` `profile-defaults`, which the component's parameters fill. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::catalog::Quantity;

/// Its name.
pub(super) const CONFIGMAP: &str = "profile-defaults";

/// What holds for every profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Defaults {
    /// Limits of the quota.
    pub(super) quota: BTreeMap<String, String>,
    /// What a container requests and may use where it says nothing; none: no `LimitRange`.
    pub(super) containers: Option<Containers>,
    /// The Pod Security Standard that is enforced.
    pub(super) pod_security: String,
    /// Whether pods join the mesh.
    pub(super) mesh: bool,
    /// How many profiles one creator may make; 0 is no limit.
    pub(super) profiles_per_creator: usize,
    /// A `ConfigMap` with more manifests for each namespace.
    pub(super) templates: Option<String>,
}

/// What a container requests and may use where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Containers {
    pub(super) requests: BTreeMap<String, String>,
    pub(super) limits: BTreeMap<String, String>,
}

impl Defaults {
    /// Reads the `ConfigMap`; an error names the key and what was expected.
    pub(super) fn read(configmap: &Value) -> Result<Self, String> {
        let text = |key: &str| {
            let value = configmap.get("data").and_then(|data| data.get(key)).and_then(Value::as_str);
            value.map(str::trim).filter(|value| !value.is_empty())
        };
        let quantity = |key: &str, value: &str| {
            let quantity = Quantity::parse(value).map(|quantity| quantity.text);
            quantity.ok_or_else(|| format!("{key}: {value:?} is no quantity; expected one such as 100, 500m or 64Gi"))
        };
        let switch = |key: &str| match text(key) {
            None | Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => Err(format!("{key}: {other:?} is neither true nor false")),
        };
        let mut quota = BTreeMap::new();
        let gpus = text("gpuResource").unwrap_or("requests.nvidia.com/gpu");
        for (key, names) in [("maxCpu", "requests.cpu"), ("maxRam", "requests.memory"), ("maxGpu", gpus)] {
            let Some(value) = text(key) else { continue };
            for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                quota.insert(name.to_owned(), quantity(key, value)?);
            }
        }
        let amounts = |cpu: &str, memory: &str| {
            let named = [("cpu", cpu), ("memory", memory)].into_iter().filter_map(|(name, key)| Some((name, key, text(key)?)));
            named
                .map(|(name, key, value)| Ok((name.to_owned(), quantity(key, value)?)))
                .collect::<Result<BTreeMap<_, _>, String>>()
        };
        let containers = Containers {
            requests: amounts("containerCpu", "containerRam")?,
            limits: amounts("containerCpuLimit", "containerRamLimit")?,
        };
        let profiles_per_creator = text("profilesPerCreator").unwrap_or("0");
        Ok(Self {
            quota,
            profiles_per_creator: profiles_per_creator
                .parse()
                .map_err(|_| format!("profilesPerCreator: {profiles_per_creator:?} is no number; 0 is no limit"))?,
            containers: (switch("limitRange")? && containers != Containers::default()).then_some(containers),
            pod_security: text("podSecurity").unwrap_or("baseline").to_owned(),
            mesh: switch("mesh")?,
            templates: text("templates").map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn several_vendors_count_as_one_limit() {
        let data = json!({"data": {"maxCpu": "4", "maxRam": "1Ti", "maxGpu": "2", "gpuResource": "requests.nvidia.com/gpu, requests.amd.com/gpu"}});
        let quota = Defaults::read(&data).unwrap().quota;
        let pairs: Vec<String> = quota.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(pairs, ["requests.amd.com/gpu=2", "requests.cpu=4", "requests.memory=1Ti", "requests.nvidia.com/gpu=2"]);
    }

    #[test]
    fn a_bad_value_names_its_key() {
        assert_eq!(
            Defaults::read(&json!({"data": {"maxCpu": "lots"}})).unwrap_err(),
            "maxCpu: \"lots\" is no quantity; expected one such as 100, 500m or 64Gi"
        );
        assert_eq!(Defaults::read(&json!({"data": {"mesh": "on"}})).unwrap_err(), "mesh: \"on\" is neither true nor false");
    }

    #[test]
    fn the_limit_range_can_be_off() {
        let data = |switch: &str| json!({"data": {"limitRange": switch, "containerCpu": "100m"}});
        assert_eq!(Defaults::read(&data("true")).unwrap().containers.unwrap().requests["cpu"], "100m");
        assert_eq!(Defaults::read(&data("false")).unwrap().containers, None);
    }
}
