//! What was typed into the spawner, made into objects: the volumes' claims and the notebook. Every field that is wrong is said. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::choices::{Choices, Device};
use super::parts::{configurations, environment, group, image, matched, merge, whose};
use super::resources::{self, Amounts};
use super::volumes;
use super::{server, text};
use crate::api::notebook::LONGEST_NAME;
use crate::object::list;

/// What stands in the form, by field.
pub type Typed = BTreeMap<String, String>;

/// The service account of whoever may edit in a profile's namespace: a notebook's programs have its rights.
const SERVICE_ACCOUNT: &str = "default-editor";
/// In the place of a group: what the notebook has stays.
pub(super) const KEEP: &str = "(as it is)";

/// A field that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The field.
    pub field: String,
    /// Why, in a sentence without a full stop.
    pub message: String,
}

impl Wrong {
    /// One of them.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// What is known beside what was typed.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// What the admin offers.
    pub choices: &'a Choices,
    /// Who makes it, as the server knows them.
    pub user: Option<&'a str>,
    /// The `PodDefault`s of the namespace.
    pub pod_defaults: &'a [Value],
    /// The volume claims of the namespace.
    pub claims: &'a [Value],
    /// The notebook that is changed, where one is.
    pub before: Option<&'a Value>,
}

/// What is to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// The claims that are made first, each with the part of the form that asks for it.
    pub claims: Vec<(String, Value)>,
    /// The notebook.
    pub notebook: Value,
    /// The `PodDefault`s that were chosen: something in the cluster has to put them into the pod.
    pub configurations: Vec<String>,
}

/// The form as it is read.
pub(super) struct Reading<'a> {
    typed: &'a Typed,
    pub(super) context: Context<'a>,
    pub(super) wrong: Vec<Wrong>,
}

impl<'a> Reading<'a> {
    /// A field; none where it is empty.
    pub(super) fn said(&self, field: &str) -> Option<&'a str> {
        self.typed.get(field).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A switch.
    pub(super) fn is_on(&self, field: &str) -> bool {
        self.said(field).is_some_and(is_on)
    }

    /// The fields that begin like this, by the rest of their names.
    pub(super) fn under(&self, prefix: &'static str) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.typed.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }

    pub(super) fn wrong(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.wrong.push(Wrong::new(field, message));
    }
}

pub(super) fn is_on(text: &str) -> bool {
    matches!(text, "on" | "true")
}

/// Fields that programs may send in parts: one as a text, or several below its name.
const IN_PARTS: [&str; 3] = ["environment", "extra", "configurations"];

/// What is said over what holds where nothing is said.
#[must_use]
pub fn complete(mut basis: Typed, said: &Typed) -> Typed {
    for field in IN_PARTS {
        let start = format!("{field}:");
        if said.keys().any(|name| name == field || name.starts_with(&start)) {
            basis.retain(|name, _| name != field && !name.starts_with(&start));
        }
    }
    basis.extend(said.clone());
    basis
}

/// What the form has where nobody says anything: what the notebook is, or what the admin chose.
#[must_use]
pub fn basis(namespace: &str, context: Context<'_>) -> Typed {
    match context.before {
        Some(before) => typed(before, context.choices, context.pod_defaults),
        None => at_first(namespace, context.choices),
    }
}

/// Reads what is said in the form. Every wrong field is named.
pub fn wish(said: &Typed, namespace: &str, name: &str, context: Context<'_>) -> Result<Wish, Vec<Wrong>> {
    let basis = basis(namespace, context);
    let typed = complete(basis.clone(), said);
    let mut reading = Reading { typed: &typed, context, wrong: decided(context.choices, &basis, &typed) };
    let is_new = context.before.is_none();
    if is_new && !is_name(name) {
        let rule = format!(
            "a notebook is named by at most {LONGEST_NAME} lower-case letters, digits and “-”, with a letter first, such as first-steps"
        );
        reading.wrong("name", rule);
    }
    let mut notebook = context.before.cloned().unwrap_or_else(|| {
        let metadata = json!({"name": name, "namespace": namespace, "labels": {"app": name}});
        let pod = json!({"serviceAccountName": SERVICE_ACCOUNT, "containers": [{"name": name}]});
        json!({"apiVersion": "kubeflow.org/v1", "kind": "Notebook", "metadata": metadata, "spec": {"template": {"spec": pod}}})
    });
    for part in ["labels", "annotations"] {
        if !notebook["metadata"][part].is_object() {
            notebook["metadata"][part] = json!({});
        }
    }
    let place = server(&notebook).0;
    let mut pod = notebook["spec"]["template"]["spec"].take();
    let mut container = pod["containers"][place].take();

    image(&mut reading, &mut notebook, &mut container);
    let Amounts { requests, limits, node_selector } = resources::read(&mut reading);
    container["resources"] = json!({"requests": requests, "limits": limits});
    merge(&mut pod, "nodeSelector", node_selector);
    environment(&mut reading, &mut container);
    let mut claims = volumes::read(&mut reading, name, &mut pod, &mut container);
    for (_, claim) in &mut claims {
        claim["metadata"]["namespace"] = namespace.into();
    }
    let (tolerations, affinity) = (&context.choices.toleration_group, &context.choices.affinity_config);
    group(&mut reading, "tolerationGroup", tolerations, &mut pod, "tolerations");
    group(&mut reading, "affinityConfig", affinity, &mut pod, "affinity");
    let configurations = configurations(&mut reading, &mut notebook);
    if is_new {
        whose(&mut reading, &mut notebook);
    }

    pod["containers"][place] = container;
    notebook["spec"]["template"]["spec"] = pod;
    if reading.wrong.is_empty() { Ok(Wish { claims, notebook, configurations }) } else { Err(reading.wrong) }
}

/// What the admin has decided for all stays as it is.
fn decided(choices: &Choices, basis: &Typed, typed: &Typed) -> Vec<Wrong> {
    let parts: [(bool, &[&str]); 9] = [
        (choices.image_pull_policy.read_only, &["imagePullPolicy"]),
        (choices.cpu.read_only, &["cpu", "cpuLimit"]),
        (choices.memory.read_only, &["memory", "memoryLimit"]),
        (choices.gpus.read_only, &["gpus", "gpuVendor"]),
        (choices.workspace_volume.read_only, &["workspace:"]),
        (choices.data_volumes.read_only, &["data"]),
        (choices.toleration_group.read_only, &["tolerationGroup"]),
        (choices.affinity_config.read_only, &["affinityConfig"]),
        (choices.shm.read_only, &["shm"]),
    ];
    let more: [(bool, &[&str]); 2] = [
        (choices.configurations.read_only, &["configurations:"]),
        (choices.environment.read_only, &["environment", "environment:"]),
    ];
    let of = |typed: &'_ Typed, name: &str| typed.get(name).cloned().unwrap_or_default();
    let mut wrong = Vec::new();
    for (_, fields) in parts.into_iter().chain(more).filter(|(is_read_only, _)| *is_read_only) {
        let concerns = |name: &&String| {
            fields.iter().any(|field| *name == field || field.ends_with(':') && name.starts_with(field) || is_data(field, name))
        };
        let changed = typed.keys().chain(basis.keys()).filter(concerns).filter(|name| of(typed, name) != of(basis, name));
        if let Some(name) = changed.min() {
            let shown = match of(basis, name) {
                value if value.is_empty() => "nothing".to_owned(),
                value => value,
            };
            wrong.push(Wrong::new(name.clone(), format!("this is decided for all: {shown}")));
        }
    }
    wrong
}

/// Whether a field is about one of the numbered data volumes.
fn is_data(field: &str, name: &str) -> bool {
    let rest = name.strip_prefix("data").filter(|_| field == "data");
    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether this can be a notebook's name.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.len() <= LONGEST_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.chars().all(good)
}

/// What the form shows of a notebook that is there.
fn typed(notebook: &Value, choices: &Choices, pod_defaults: &[Value]) -> Typed {
    let container = server(notebook).1;
    let mut typed = resources::typed(&container["resources"]);
    let mut put = |field: &str, value: String| drop(typed.insert(field.to_owned(), value));
    put("namespace", text(notebook, "/metadata/namespace").to_owned());
    put("name", text(notebook, "/metadata/name").to_owned());
    put("image", text(container, "/image").to_owned());
    put("imagePullPolicy", text(container, "/imagePullPolicy").to_owned());
    let plain = list(container, "/env").iter().filter(|variable| variable.get("valueFrom").is_none());
    let lines: Vec<String> = plain.map(|it| format!("{}={}", text(it, "/name"), text(it, "/value"))).collect();
    put("environment", lines.join("\n"));
    let pod = &notebook["spec"]["template"]["spec"];
    for (field, part, groups) in
        [("tolerationGroup", "tolerations", &choices.toleration_group), ("affinityConfig", "affinity", &choices.affinity_config)]
    {
        let key = match pod.get(part) {
            None | Some(Value::Null) => "",
            Some(found) => groups.options.iter().find(|group| group.content == *found).map_or(KEEP, |group| &group.key),
        };
        put(field, key.to_owned());
    }
    put("shm", if volumes::has_shared_memory(pod) { "on" } else { "off" }.to_owned());
    for found in pod_defaults {
        let labels = matched(found);
        let has = |(key, value): (&String, &Value)| notebook["metadata"]["labels"].get(key) == Some(value);
        if !labels.is_empty() && labels.iter().all(has) {
            put(&format!("configurations:{}", text(found, "/metadata/name")), "on".to_owned());
        }
    }
    typed
}

/// What the form shows at first.
fn at_first(namespace: &str, choices: &Choices) -> Typed {
    let mut typed = Typed::new();
    let mut put = |field: &str, value: &str| drop(typed.insert(field.to_owned(), value.to_owned()));
    put("namespace", namespace);
    put("image", &choices.image.value);
    put("imagePullPolicy", &choices.image_pull_policy.value);
    put("cpu", &choices.cpu.value);
    put("memory", &choices.memory.value);
    let devices = &choices.gpus.value;
    put("gpus", if devices.num == "none" { "" } else { &devices.num });
    put("gpuVendor", choices.device(&devices.vendor).map_or("", |Device { ui_name, .. }| ui_name));
    put("shm", if choices.shm.value { "on" } else { "off" });
    put("tolerationGroup", &choices.toleration_group.value);
    put("affinityConfig", &choices.affinity_config.value);
    let lines: Vec<String> = choices.environment.value.iter().map(|(name, value)| format!("{name}={value}")).collect();
    put("environment", &lines.join("\n"));
    for name in &choices.configurations.value {
        put(&format!("configurations:{name}"), "on");
    }
    volumes::at_first(choices, &mut typed);
    typed
}

#[cfg(test)]
mod tests {
    use super::super::choices::tests::{CONFIG, choices};
    use super::*;

    fn said(fields: &[(&str, &str)]) -> Typed {
        fields.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect()
    }

    fn context<'a>(choices: &'a Choices, claims: &'a [Value], pod_defaults: &'a [Value]) -> Context<'a> {
        Context { choices, user: Some("jane@foo.com"), pod_defaults, claims, before: None }
    }

    /// The fields that are wrong, each with the start of why.
    fn wrong(config: &str, fields: &[(&str, &str)]) -> Vec<String> {
        let choices = choices(config).unwrap();
        let claims = [json!({"metadata": {"name": "old"}}), json!({"metadata": {"name": "going", "deletionTimestamp": "now"}})];
        let name = said(fields).get("name").cloned().unwrap_or_else(|| "nb".to_owned());
        let wrong = wish(&said(fields), "kubeflow-jane", &name, context(&choices, &claims, &[])).err().unwrap_or_default();
        wrong.into_iter().map(|Wrong { field, message }| format!("{field}: {message}")).collect()
    }

    #[test]
    fn a_name_alone_makes_what_the_admin_chose() {
        let choices = choices(CONFIG).unwrap();
        let wish = wish(&said(&[]), "kubeflow-jane", "first", context(&choices, &[], &[])).unwrap();
        let expected = json!({
            "apiVersion": "kubeflow.org/v1", "kind": "Notebook",
            "metadata": {"name": "first", "namespace": "kubeflow-jane", "labels": {"app": "first"},
                "annotations": {"notebooks.kubeflow.org/server-type": "jupyter", "notebooks.kubeflow.org/creator": "jane@foo.com"}},
            "spec": {"template": {"spec": {
                "serviceAccountName": "default-editor",
                "containers": [{"name": "first", "image": "ghcr.io/kubeflow/jupyter-scipy:v1", "imagePullPolicy": "IfNotPresent",
                    "resources": {"requests": {"cpu": "0.5", "memory": "1.0Gi"}, "limits": {"cpu": "600m"}},
                    "volumeMounts": [{"name": "workspace", "mountPath": "/home/jovyan"}, {"name": "dshm", "mountPath": "/dev/shm"}]}],
                "volumes": [{"name": "workspace", "persistentVolumeClaim": {"claimName": "first-workspace"}},
                    {"name": "dshm", "emptyDir": {"medium": "Memory"}}]}}},
        });
        assert_eq!(wish.notebook, expected);
        let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "first-workspace", "namespace": "kubeflow-jane", "labels": {"notebook-name": "first"}},
            "spec": {"resources": {"requests": {"storage": "5Gi"}}, "accessModes": ["ReadWriteOnce"]}});
        assert_eq!(wish.claims, [("workspace".to_owned(), claim)]);
    }

    #[test]
    fn every_field_arrives() {
        let choices = choices(CONFIG).unwrap();
        let pod_defaults = [json!({"metadata": {"name": "proxy"}, "spec": {"selector": {"matchLabels": {"use-proxy": "true"}}}})];
        let claims = [json!({"metadata": {"name": "old"}})];
        let fields = said(&[
            ("customImage", "r.io/team/own:v2"),
            ("serverType", "group-two"),
            ("imagePullPolicy", "Always"),
            ("cpu", "2"),
            ("cpuLimit", "none"),
            ("memory", "64GB"),
            ("memoryLimit", "65G"),
            ("gpus", "1"),
            ("gpuVendor", "A slice of an A100"),
            ("extra", "{\"example.com/fpga\": 2, \"ephemeral-storage\": \"10Gi\"}"),
            ("workspace:mode", "existing"),
            ("workspace:name", "old"),
            ("workspace:mount", "/work"),
            ("data1:mode", "new"),
            ("data1:name", "{notebook-name}-data"),
            ("data1:size", "1Ti"),
            ("data1:class", "fast"),
            ("data1:mount", "/data"),
            ("shm", "off"),
            ("environment", "A=1\r\n\r\nB = two=2 \r\n"),
            ("tolerationGroup", "big"),
            ("affinityConfig", "own"),
            ("configurations", ""),
            ("configurations:proxy", "on"),
            ("private", "on"),
        ]);
        let wish = wish(&fields, "n", "nb", context(&choices, &claims, &pod_defaults)).unwrap();
        let (metadata, pod) = (&wish.notebook["metadata"], &wish.notebook["spec"]["template"]["spec"]);
        assert_eq!(metadata["labels"], json!({"app": "nb", "use-proxy": "true"}));
        assert_eq!(wish.configurations, ["proxy"]);
        let annotations = json!({"notebooks.kubeflow.org/server-type": "group-two", "notebooks.kubeflow.org/http-rewrite-uri": "/",
            "notebooks.kubeflow.org/http-headers-request-set": "{\"X-RStudio-Root-Path\":\"/notebook/n/nb/\"}",
            "notebooks.kubeflow.org/creator": "jane@foo.com", "notebooks.kubeflow.org/private": "true"});
        assert_eq!(metadata["annotations"], annotations);
        let container = &pod["containers"][0];
        assert_eq!((&container["image"], &container["imagePullPolicy"]), (&json!("r.io/team/own:v2"), &json!("Always")));
        let limits = json!({"memory": "65G", "nvidia.com/mig-1g.5gb": "1", "example.com/fpga": "2", "ephemeral-storage": "10Gi"});
        assert_eq!(container["resources"], json!({"requests": {"cpu": "2", "memory": "64G"}, "limits": limits}));
        assert_eq!(container["env"], json!([{"name": "A", "value": "1"}, {"name": "B", "value": " two=2"}]));
        assert_eq!(
            container["volumeMounts"],
            json!([{"name": "workspace", "mountPath": "/work"}, {"name": "data1", "mountPath": "/data"}])
        );
        assert_eq!(pod["volumes"][0]["persistentVolumeClaim"]["claimName"], "old");
        assert_eq!((&pod["nodeSelector"], &pod["tolerations"][0]["key"]), (&json!({"gpu": "a100"}), &json!("dedicated")));
        assert!(pod["affinity"]["podAntiAffinity"].is_object());
        let [(part, claim)] = &wish.claims[..] else { panic!("one claim") };
        assert_eq!((part.as_str(), &claim["metadata"]["name"]), ("data1", &json!("nb-data")));
        assert_eq!(
            claim["spec"],
            json!({"resources": {"requests": {"storage": "1Ti"}}, "accessModes": ["ReadWriteOnce"], "storageClassName": "fast"})
        );
    }

    #[test]
    fn what_is_wrong_is_said_at_its_field() {
        for (field, value, expected) in [
            ("name", "", "name: a notebook is named by"),
            ("name", "First", "name: a notebook is named by"),
            ("name", "1st", "name: a notebook is named by"),
            ("name", "../x", "name: a notebook is named by"),
            ("name", &"a".repeat(53), "name: a notebook is named by"),
            ("image", "<script>", "image: this is no image"),
            ("customImage", "http://169.254.169.254/latest", "customImage: this is no image"),
            ("customImage", "a b", "customImage: this is no image"),
            ("imagePullPolicy", "Sometimes", "imagePullPolicy: it is one of"),
            ("cpu", "lots", "cpu: \"lots\" is no quantity"),
            ("cpu", "", "cpu: say how much"),
            ("cpu", "-1", "cpu: \"-1\" is no quantity"),
            ("cpu", "0", "cpu: it has to be more than 0"),
            ("memory", "4", "memory: 4 is less than a mebibyte; is 4Gi meant?"),
            ("memoryLimit", "1Mi", "memoryLimit: the limit can’t be less than the 1.0Gi"),
            ("cpuLimit", "100m", "cpuLimit: the limit can’t be less than the 0.5"),
            ("gpus", "1", "gpuVendor: say of which kind"),
            ("gpus", "half", "gpus: devices are counted"),
            ("extra", "{", "extra: this is no JSON object"),
            ("extra", "[1]", "extra: this is no JSON object"),
            ("extra", "{\"nvidia.com/gpu\": 0.5}", "extra: nvidia.com/gpu: \"0.5\" is no whole number"),
            ("extra", "{\"nvidia.com/gpu\": -1}", "extra: nvidia.com/gpu: \"-1\" is no whole number"),
            ("extra", "{\"nvidia.com/gpu\": {\"a\": 1}}", "extra: nvidia.com/gpu: \"{\\\"a\\\":1}\" is no whole number"),
            ("extra", "{\"cpu\": 1}", "extra: cpu has a field of its own"),
            ("extra", "{\"gpu\": 1}", "extra: \"gpu\" is no resource"),
            ("workspace:name", "old", "workspace:name: volume old is there already"),
            ("workspace:name", "../../x", "workspace:name: \"../../x\" can’t be a volume’s name"),
            ("workspace:size", "big", "workspace:size: \"big\" is no size"),
            ("workspace:size", "0", "workspace:size: \"0\" is no size"),
            ("workspace:mode", "maybe", "workspace:mode: a volume is new"),
            ("workspace:mount", "work", "workspace:mount: \"work\" is no place"),
            ("workspace:mount", "/a/../../etc", "workspace:mount: \"/a/../../etc\" is no place"),
            ("workspace:mount", "/dev/shm", "workspace:mount: another volume is at"),
            ("environment", "A", "environment: line 1 is not of the form"),
            ("environment", "1A=b", "environment: \"1A\" can’t be a variable’s name"),
            ("environment", "A=1\nA=2", "environment: A is there twice"),
            ("environment", "NB_PREFIX=/evil", "environment: NB_PREFIX is set by"),
            ("environment", "<b>=x", "environment: \"<b>\" can’t be"),
            ("tolerationGroup", "none-such", "tolerationGroup: there is no such group; there are: big"),
            ("affinityConfig", KEEP, "affinityConfig: there is no such group"),
            ("configurations:none-such", "on", "configurations: there is no configuration"),
        ] {
            let found = wrong(CONFIG, &[(field, value)]);
            assert!(found.len() == 1 && found[0].starts_with(expected), "{field}={value}: {found:?}");
        }
        for (name, expected) in
            [("none-such", "there is no volume"), ("", "say which volume"), ("going", "volume going is being deleted")]
        {
            let found = wrong(CONFIG, &[("data1:mode", "existing"), ("data1:name", name)]);
            assert!(found.len() == 1 && found[0].contains(expected), "{name}: {found:?}");
        }
        let both =
            [("data1:mode", "new"), ("data2:mode", "new"), ("data2:name", "nb-data1"), ("data2:mount", "/home/jovyan/data1/")];
        assert_eq!(wrong(CONFIG, &both).len(), 2, "a name and a place twice");
        assert_eq!(wrong(CONFIG, &[("cpu", "x"), ("memory", "y"), ("name", "Z")]).len(), 3, "all at once");
    }

    #[test]
    fn what_the_admin_decided_is_so_on_the_server_too() {
        let listed = CONFIG.replace("allowCustomImage: true", "allowCustomImage: false");
        for image in [("image", "evil.io/x"), ("customImage", "evil.io/x")] {
            assert!(wrong(&listed, &[image])[0].contains("only the images that are offered"), "{image:?}");
        }
        assert!(wrong(&listed, &[("image", "ghcr.io/kubeflow/codeserver:v1")]).is_empty());
        let decided =
            CONFIG.replace("cpu: {readOnly: false", "cpu: {readOnly: true").replace("gpus:\n", "gpus:\n    readOnly: true\n");
        let decided = decided.replace("workspaceVolume:\n", "workspaceVolume:\n    readOnly: true\n");
        for (field, value, expected) in [
            ("cpu", "64", "cpu: this is decided for all: 0.5"),
            ("cpuLimit", "64", "cpuLimit: this is decided for all: nothing"),
            ("gpus", "8", "gpus: this is decided for all"),
            ("extra", "{\"nvidia.com/gpu\": 8}", "extra: how many nvidia.com/gpu there are is decided for all"),
            ("extra:nvidia.com/gpu", "8", "extra: how many nvidia.com/gpu there are is decided for all"),
            ("workspace:mode", "none", "workspace:mode: this is decided for all: new"),
            ("workspace:size", "9Ti", "workspace:size: this is decided for all: 5Gi"),
        ] {
            let found = wrong(&decided, &[(field, value)]);
            assert!(found.iter().any(|found| found.starts_with(expected)), "{field}={value}: {found:?}");
        }
        assert!(wrong(&decided, &[("cpu", "0.5"), ("memory", "2Gi")]).is_empty());
    }

    #[test]
    fn an_edit_changes_what_is_said_and_nothing_else() {
        let choices = choices(CONFIG).unwrap();
        let before = json!({"apiVersion": "kubeflow.org/v1", "kind": "Notebook",
            "metadata": {"name": "nb", "namespace": "n", "uid": "u", "resourceVersion": "7", "labels": {"team": "a"}, "annotations": {"kubeflow-resource-stopped": "t"}},
            "spec": {"template": {"spec": {"hostname": "h", "tolerations": [{"key": "own"}],
                "volumes": [{"name": "workspace", "persistentVolumeClaim": {"claimName": "old"}}],
                "containers": [{"name": "side", "image": "s"}, {"name": "nb", "image": "r.io/unlisted:v1", "command": ["x"],
                    "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "2Gi", "nvidia.com/gpu": "1"}},
                    "env": [{"name": "A", "value": "1"}, {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
                    "volumeMounts": [{"name": "workspace", "mountPath": "/home/jovyan"}]}]}}}});
        let edited = |fields: &[(&str, &str)]| {
            wish(&said(fields), "n", "nb", Context { before: Some(&before), user: None, ..context(&choices, &[], &[]) })
        };
        // Nothing said: the amounts that count are written down, and all else is as it was.
        let same = edited(&[]).unwrap();
        let mut expected = before.clone();
        expected["spec"]["template"]["spec"]["containers"][1]["resources"]["requests"]["memory"] = json!("2Gi");
        expected["spec"]["template"]["spec"]["containers"][1]["env"].as_array_mut().unwrap().reverse();
        assert_eq!((same.notebook, same.claims.len()), (expected, 0));
        let fields = [
            ("memory", "4Gi"),
            ("memoryLimit", "8Gi"),
            ("environment", "B=2"),
            ("extra", ""),
            ("shm", "on"),
            ("data1:mode", "new"),
            ("data1:mount", "/data"),
            ("tolerationGroup", ""),
        ];
        let changed = edited(&fields).unwrap();
        let pod = &changed.notebook["spec"]["template"]["spec"];
        let container = &pod["containers"][1];
        assert_eq!(container["resources"], json!({"requests": {"cpu": "1", "memory": "4Gi"}, "limits": {"memory": "8Gi"}}));
        assert_eq!(container["env"][1], json!({"name": "B", "value": "2"}));
        assert!(container["env"][0]["valueFrom"].is_object() && pod.get("tolerations").is_none());
        assert_eq!(
            (&pod["hostname"], &container["command"], &pod["containers"][0]),
            (&json!("h"), &json!(["x"]), &json!({"name": "side", "image": "s"}))
        );
        assert_eq!(pod["volumes"].as_array().unwrap().len(), 3);
        assert_eq!(changed.claims[0].1["metadata"]["name"], "nb-data1");
        assert_eq!(changed.notebook["metadata"]["resourceVersion"], "7");
        assert!(edited(&[("image", "evil io")]).is_err());
    }
}
