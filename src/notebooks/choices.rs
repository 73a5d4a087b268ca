//! What the admin offers to who spawns a notebook: `ConfigMap` `notebook-spawner`, in the words of today's `spawner_ui_config.yaml`. Pure.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::catalog::Quantity;
use crate::yaml;

/// The `ConfigMap`, which component `notebooks` brings.
pub const SPAWNER: &str = "notebook-spawner";
/// Its one key.
const KEY: &str = "spawner_ui_config.yaml";

/// The kinds of servers, as annotation `notebooks.kubeflow.org/server-type` names them.
pub const SERVER_TYPES: [&str; 3] = ["jupyter", "group-one", "group-two"];

/// What is offered.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Choices {
    /// Whether other images than the listed ones may be named.
    pub allow_custom_image: bool,
    /// When a node fetches the image.
    pub image_pull_policy: Choice<String>,
    /// Images of Jupyter.
    pub image: Images,
    /// Images of servers such as code-server, which live at `/`.
    pub image_group_one: Images,
    /// Images of servers such as `RStudio`, which live at `/` and are told by a header where they are seen.
    pub image_group_two: Images,
    /// CPU.
    pub cpu: Amount,
    /// Memory.
    pub memory: Amount,
    /// Devices.
    pub gpus: Choice<Devices>,
    /// The volume for the user's own work.
    pub workspace_volume: Choice<Option<Volume>>,
    /// Further volumes.
    pub data_volumes: Choice<Vec<Volume>>,
    /// Where its pod may run.
    pub affinity_config: Groups,
    /// Which nodes that keep others out let it in.
    pub toleration_group: Groups,
    /// Whether it has memory to share.
    pub shm: Choice<bool>,
    /// `PodDefault`s that are chosen at first.
    pub configurations: Choice<Vec<String>>,
    /// Variables.
    pub environment: Choice<BTreeMap<String, String>>,
}

/// A value at first, which the admin may have decided for good.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, bound = "Chosen: Deserialize<'de> + Default")]
pub struct Choice<Chosen> {
    /// Whether it is decided.
    pub read_only: bool,
    /// The value.
    pub value: Chosen,
}

/// Images of one kind of server.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Images {
    /// The one that is chosen at first.
    pub value: String,
    /// All of them.
    pub options: Vec<String>,
}

/// An amount at first, and what the limit is where nobody says it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Amount {
    /// Whether it is decided.
    pub read_only: bool,
    /// The amount that is requested.
    #[serde(deserialize_with = "plain")]
    pub value: String,
    /// How many times the request is the limit; `none` for no limit.
    #[serde(deserialize_with = "plain")]
    limit_factor: String,
}

/// The devices that are offered.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Devices {
    /// The kind that is chosen at first.
    pub vendor: String,
    /// All kinds.
    pub vendors: Vec<Device>,
    /// How many at first.
    #[serde(deserialize_with = "plain")]
    pub num: String,
}

/// A kind of device. Several may be of one resource, and differ by the nodes that have them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Device {
    /// The resource, such as `nvidia.com/gpu`.
    pub limits_key: String,
    /// As people call it.
    pub ui_name: String,
    /// The nodes that have it.
    pub node_selector: Map<String, Value>,
}

/// A volume: a claim that is made, or one that is there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Volume {
    /// Where it is seen.
    pub mount: String,
    /// The claim to make.
    pub new_pvc: Option<Value>,
    /// What is there.
    pub existing_source: Option<Value>,
}

/// Groups of which one is chosen.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Groups {
    /// Whether it is decided.
    pub read_only: bool,
    /// The one that is chosen at first.
    pub value: String,
    /// All of them.
    pub options: Vec<Group>,
}

/// A group of tolerations, or an affinity.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Group {
    /// Its name among the groups.
    #[serde(alias = "groupKey", alias = "configKey")]
    pub key: String,
    /// As people call it.
    pub display_name: String,
    /// What it puts into the pod.
    #[serde(alias = "tolerations", alias = "affinity")]
    pub content: Value,
}

/// A text, which YAML may hold as a number.
fn plain<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    })
}

impl Choices {
    /// Reads the `ConfigMap`; an error says what is wrong in it.
    pub fn read(configmap: &Value) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct File {
            spawner_form_defaults: Choices,
        }
        let text = configmap["data"][KEY].as_str().ok_or_else(|| format!("it has no key {KEY}"))?;
        let file: File = yaml::from_str(text, Path::new(KEY)).map_err(|error| error.to_string())?;
        let choices = file.spawner_form_defaults;
        for (key, amount) in [("cpu", &choices.cpu), ("memory", &choices.memory)] {
            if Quantity::parse(&amount.value).is_none() {
                return Err(format!("{KEY}: {key}.value: {:?} is no quantity; expected one such as 500m or 1Gi", amount.value));
            }
            if !amount.has_no_limit() && amount.factor().is_none() {
                let factor = &amount.limit_factor;
                return Err(format!("{KEY}: {key}.limitFactor: {factor:?} is neither none nor a number of at least 1"));
            }
        }
        Ok(choices)
    }

    /// The images, by the kind of server that they are.
    #[must_use]
    pub fn images(&self) -> [(&'static str, &Images); 3] {
        let [jupyter, one, two] = SERVER_TYPES;
        [(jupyter, &self.image), (one, &self.image_group_one), (two, &self.image_group_two)]
    }

    /// The kind of server that a listed image is.
    #[must_use]
    pub fn server_type(&self, image: &str) -> Option<&'static str> {
        let lists = |images: &Images| images.value == image || images.options.iter().any(|listed| listed == image);
        self.images().into_iter().find(|(_, images)| !image.is_empty() && lists(images)).map(|(server_type, _)| server_type)
    }

    /// The device that is meant by its name, or by its resource.
    #[must_use]
    pub fn device(&self, name: &str) -> Option<&Device> {
        let all = &self.gpus.value.vendors;
        all.iter().find(|device| device.ui_name == name).or_else(|| all.iter().find(|device| device.limits_key == name))
    }
}

impl Amount {
    fn has_no_limit(&self) -> bool {
        matches!(self.limit_factor.as_str(), "" | "none")
    }

    /// How many times the request is the limit; none for no limit.
    #[must_use]
    pub fn factor(&self) -> Option<f64> {
        self.limit_factor.parse().ok().filter(|factor: &f64| (1.0..=1000.0).contains(factor))
    }
}

impl Groups {
    /// One of them.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<&Group> {
        self.options.iter().find(|group| group.key == key)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    /// As an admin of today's Kubeflow may have it.
    pub(crate) const CONFIG: &str = r#"
spawnerFormDefaults:
  allowCustomImage: true
  hideRegistry: true
  imagePullPolicy: {readOnly: false, value: IfNotPresent}
  image:
    value: ghcr.io/kubeflow/jupyter-scipy:v1
    options: [ghcr.io/kubeflow/jupyter-scipy:v1, ghcr.io/kubeflow/jupyter-pytorch:v1]
  imageGroupOne: {value: ghcr.io/kubeflow/codeserver:v1, options: [ghcr.io/kubeflow/codeserver:v1]}
  imageGroupTwo: {value: ghcr.io/kubeflow/rstudio:v1, options: [ghcr.io/kubeflow/rstudio:v1]}
  cpu: {readOnly: false, value: 0.5, limitFactor: "1.2"}
  memory: {readOnly: false, value: 1.0Gi, limitFactor: none}
  gpus:
    value:
      vendor: ""
      vendors:
      - {limitsKey: nvidia.com/gpu, uiName: NVIDIA}
      - {limitsKey: nvidia.com/mig-1g.5gb, uiName: A slice of an A100, nodeSelector: {gpu: a100}}
      num: none
  workspaceVolume:
    value:
      mount: /home/jovyan
      newPvc:
        metadata: {name: "{notebook-name}-workspace"}
        spec: {resources: {requests: {storage: 5Gi}}, accessModes: [ReadWriteOnce]}
  dataVolumes: {value: []}
  affinityConfig:
    value: ""
    options: [{configKey: own, displayName: A node of its own, affinity: {podAntiAffinity: {}}}]
  tolerationGroup:
    value: ""
    options: [{groupKey: big, displayName: Big nodes, tolerations: [{key: dedicated, operator: Exists}]}]
  shm: {value: true}
  configurations: {value: []}
"#;

    pub(crate) fn choices(config: &str) -> Result<Choices, String> {
        Choices::read(&json!({"data": {KEY: config}}))
    }

    #[test]
    fn todays_file_is_read_as_it_is() {
        let choices = choices(CONFIG).unwrap();
        assert_eq!((choices.cpu.value.as_str(), choices.cpu.factor()), ("0.5", Some(1.2)));
        assert_eq!((choices.memory.value.as_str(), choices.memory.factor()), ("1.0Gi", None));
        assert_eq!(choices.server_type("ghcr.io/kubeflow/codeserver:v1"), Some("group-one"));
        assert_eq!((choices.server_type("evil"), choices.server_type("")), (None, None));
        assert_eq!(choices.device("nvidia.com/gpu").unwrap().ui_name, "NVIDIA");
        assert_eq!(choices.device("A slice of an A100").unwrap().limits_key, "nvidia.com/mig-1g.5gb");
        assert_eq!(choices.toleration_group.find("big").unwrap().content[0]["key"], "dedicated");
        assert_eq!(choices.affinity_config.find("own").unwrap().display_name, "A node of its own");
        assert!(choices.shm.value && choices.workspace_volume.value.unwrap().new_pvc.is_some());
    }

    #[test]
    fn what_is_wrong_in_it_is_named() {
        assert!(Choices::read(&json!({"data": {}})).unwrap_err().contains(KEY));
        assert!(choices("spawnerFormDefaults: [").is_err());
        assert!(choices(&CONFIG.replace("0.5", "lots")).unwrap_err().contains("cpu.value: \"lots\""));
        assert!(choices(&CONFIG.replace("\"1.2\"", "0.1")).unwrap_err().contains("cpu.limitFactor: \"0.1\""));
    }
}
