//! Every label, annotation and field manager that kfctl reads or writes, named once.

/// The field manager of the CLI.
pub const FIELD_MANAGER: &str = "kfctl";
/// The field manager of the in-cluster controllers.
pub const CONTROLLER_FIELD_MANAGER: &str = "kfctl-controller";

/// On an `ApplySet`'s parent: the id of the set.
pub const APPLYSET_ID: &str = "applyset.kubernetes.io/id";
/// On each member of an `ApplySet`: the id of its set.
pub const APPLYSET_PART_OF: &str = "applyset.kubernetes.io/part-of";
/// On an `ApplySet`'s parent: the tool that may change it.
pub const APPLYSET_TOOLING: &str = "applyset.kubernetes.io/tooling";
/// On an `ApplySet`'s parent: the kinds of its members.
pub const APPLYSET_GROUP_KINDS: &str = "applyset.kubernetes.io/contains-group-kinds";
/// On an `ApplySet`'s parent: namespaces of members outside the parent's own.
pub const APPLYSET_NAMESPACES: &str = "applyset.kubernetes.io/additional-namespaces";

/// On an inventory: the app it belongs to.
pub const APP: &str = "kfctl.kubeflow.org/app";
/// On an inventory: the component it belongs to.
pub const COMPONENT: &str = "kfctl.kubeflow.org/component";

/// On a CRD and others: whether Helm, and we, leave it there when its set goes.
pub const HELM_RESOURCE_POLICY: &str = "helm.sh/resource-policy";

/// On each namespace, by the server: its name.
pub const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";
/// On an endpoint slice: its Service.
pub const SERVICE_NAME: &str = "kubernetes.io/service-name";
/// On a node: that no cloud's load balancer sends to it.
pub const NO_LOAD_BALANCER: &str = "node.kubernetes.io/exclude-from-external-load-balancers";
/// On a node: its host's name.
pub const HOSTNAME: &str = "kubernetes.io/hostname";
/// On a node: its operating system.
pub const OPERATING_SYSTEM: &str = "kubernetes.io/os";
/// On a node: its processor.
pub const ARCHITECTURE: &str = "kubernetes.io/arch";
/// On a node: that kwok plays its kubelet.
pub const KWOK_NODE: &str = "kwok.x-k8s.io/node";

/// On a `StorageClass`: `true` where claims that name no class get it.
pub const DEFAULT_STORAGE_CLASS: &str = "storageclass.kubernetes.io/is-default-class";
