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
