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

/// On everything made for a profile: the profile's name.
pub const PROFILE: &str = "kubeflow.org/profile";
/// On everything made for a profile: the profile's uid. A namespace belongs to the profile whose uid it carries.
pub const PROFILE_UID: &str = "kubeflow.org/profile-uid";
/// What an object is part of.
pub const PART_OF: &str = "app.kubernetes.io/part-of";
/// On a namespace, set by someone who may change it: the profile that may take it over.
pub const ADOPT: &str = "kubeflow.org/adopt";
/// On a profile: it can't be deleted.
pub const KEEP_DATA: &str = "kubeflow.org/keep-data";
/// On a profile or its quota: every limit returns to its default, once.
pub const RESET_QUOTA: &str = "kubeflow.org/reset-quota";
/// The finalizer that lets a profile's namespace go before the profile.
pub const PROFILE_FINALIZER: &str = "kubeflow.org/profile";
/// What `kubectl apply` wrote last.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
