//! Every label, annotation and field manager that kfctl reads or writes, named once.

/// The field manager of the CLI.
pub const FIELD_MANAGER: &str = "kfctl";
/// The field manager of the in-cluster controllers.
pub const CONTROLLER_FIELD_MANAGER: &str = "kfctl-controller";
/// The service account of the in-cluster controllers.
pub const CONTROLLER_SERVICE_ACCOUNT: &str = "kfctl-controller";

/// The field manager of values that are made in the cluster, and of what they make start again.
pub const SECRETS_FIELD_MANAGER: &str = "kfctl-secrets";

/// The field manager of single items in configurations of somebody else's.
pub const ENTRIES_FIELD_MANAGER: &str = "kfctl-entries";

/// On a Secret: how each of its values comes to be.
pub const GENERATE: &str = "kfctl.kubeflow.org/generate";
/// On pods of Dex: the version of the Secret with its users that they are to read.
pub const USERS_VERSION: &str = "kfctl.kubeflow.org/users-version";

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

/// On a pod, before the name of a `PodDefault`: today's webhook has put that into it.
pub const POD_DEFAULT_APPLIED: &str = "poddefault.admission.kubeflow.org/poddefault-";

/// On an inventory: the app it belongs to.
pub const APP: &str = "kfctl.kubeflow.org/app";
/// On an inventory: the component it belongs to.
pub const COMPONENT: &str = "kfctl.kubeflow.org/component";

/// On everything made for a profile: the profile's name.
pub const PROFILE: &str = "kubeflow.org/profile";
/// On everything made for a profile: the profile's uid. A namespace belongs to the profile whose uid it carries.
pub const PROFILE_UID: &str = "kubeflow.org/profile-uid";
/// On a namespace, set by someone who may change it: the profile that may take it over.
pub const ADOPT: &str = "kubeflow.org/adopt";
/// On a namespace, from its creation until just before the first right in it is given: the uid of the profile it is made for.
pub const BEING_MADE: &str = "kubeflow.org/being-made";
/// On a namespace: the uid of the profile of today's Kubeflow that it was freed from, to be taken over.
pub const IMPORTED_FROM: &str = "kubeflow.org/imported-from";
/// The finalizer of the controller of today's Kubeflow on its profiles.
pub const THEIR_FINALIZER: &str = "profile-finalizer";
/// On a profile: it can't be deleted.
pub const KEEP_DATA: &str = "kubeflow.org/keep-data";
/// On a profile: who asked for it. Admission lets nobody but them say so.
pub const CREATOR: &str = "kubeflow.org/creator";
/// On a namespace whose owner is no user: whom the server takes them for, kind and name.
pub const OWNER_IDENTITY: &str = "kubeflow.org/owner-identity";
/// On a profile's namespace: the kinds that the admin's templates have made in it.
pub const TEMPLATE_KINDS: &str = "kubeflow.org/template-kinds";
/// On a profile or its quota: every limit returns to its default, once.
pub const RESET_QUOTA: &str = "kubeflow.org/reset-quota";
/// On a Service, set by someone who may change it: the gateway is to lead to it.
pub const ENDPOINT: &str = "kubeflow.org/endpoint";
/// On such a Service: who may use it besides those whose the namespace is, as a list of RBAC's subjects. On the route made for it: for whom
/// it stands open.
pub const ENDPOINT_SUBJECTS: &str = "kubeflow.org/endpoint-subjects";
/// On a pod, by Istio: that its sidecar speaks for it.
pub const SIDECAR: (&str, &str) = ("security.istio.io/tlsMode", "istio");
/// On a namespace: the Pod Security Standard that is enforced.
pub const POD_SECURITY: &str = "pod-security.kubernetes.io/enforce";
/// The role by which the web UI acts for people: their names, which the controller keeps in it.
pub const WEB_USERS: &str = "kfctl-web-users";
/// The lease by which one replica of the controller leads.
pub const LEASE: &str = "kfctl-controller";
/// The finalizer that lets a profile's namespace go before the profile.
pub const PROFILE_FINALIZER: &str = "kubeflow.org/profile";

/// On what is made for a notebook, its pod too: the notebook's name.
pub const NOTEBOOK: &str = "notebook-name";
/// On a notebook's pod, as today's Kubeflow selects it: the notebook's name.
pub const STATEFUL_SET: &str = "statefulset";
/// On a notebook: it is stopped, since when.
pub const STOPPED: &str = "kubeflow-resource-stopped";
/// On a notebook, and on its pod: another value than the pod's asks for a restart.
pub const RESTART: &str = "notebooks.kubeflow.org/restart";
/// On a notebook's pod: the generation of the notebook that it was made from.
pub const NOTEBOOK_GENERATION: &str = "notebooks.kubeflow.org/generation";
/// On a notebook: who made it. Admission lets nobody but them say so.
pub const NOTEBOOK_CREATOR: &str = "notebooks.kubeflow.org/creator";
/// On a notebook: `true` where it is its creator's alone.
pub const PRIVATE: &str = "notebooks.kubeflow.org/private";
/// On a notebook: when it was used last.
pub const LAST_ACTIVITY: &str = "notebooks.kubeflow.org/last-activity";
/// On a notebook: how long it may be idle; `never` where it is not stopped.
pub const IDLE_TIME: &str = "notebooks.kubeflow.org/idle-time";
/// On a notebook: what kind of server it is; absent or `jupyter` for Jupyter.
pub const SERVER_TYPE: &str = "notebooks.kubeflow.org/server-type";
/// On a notebook: the path that its server gets instead of the notebook's own.
pub const REWRITE: &str = "notebooks.kubeflow.org/http-rewrite-uri";
/// On a notebook: headers that its server gets, as a JSON object.
pub const REQUEST_HEADERS: &str = "notebooks.kubeflow.org/http-headers-request-set";
/// On a pod, as label or annotation: `false` where the mesh leaves it out.
pub const SIDECAR_INJECT: &str = "sidecar.istio.io/inject";

/// On a CRD and others: whether Helm, and we, leave it there when its set goes.
pub const HELM_RESOURCE_POLICY: &str = "helm.sh/resource-policy";

/// On what `kubectl apply` has written: a copy of the object, values and all.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

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

/// On namespaces: what they are part of.
pub const PART_OF: &str = "app.kubernetes.io/part-of";
/// The value of [`PART_OF`] on Kubeflow's own namespaces.
pub const PART_OF_KUBEFLOW: &str = "kubeflow";
/// The value of [`PART_OF`] on the namespace of a profile.
pub const PART_OF_PROFILE: &str = "kubeflow-profile";

/// Annotations, with the values, that keep an object from being deleted: ours first, then those of other tools.
pub const KEEP: &[(&str, &str)] = &[
    ("kfctl.kubeflow.org/on-remove", "keep"),
    (HELM_RESOURCE_POLICY, "keep"),
    ("cli-utils.sigs.k8s.io/on-remove", "keep"),
    ("client.lifecycle.config.k8s.io/deletion", "detach"),
];
/// Marks that other tools leave on what they manage: labels or annotations, the key, the tool.
pub const OTHER_TOOLS: &[(&str, &str, &str)] = &[
    ("annotations", "meta.helm.sh/release-name", "Helm"),
    ("annotations", "argocd.argoproj.io/tracking-id", "Argo CD"),
    ("labels", "argocd.argoproj.io/instance", "Argo CD"),
    ("labels", "kustomize.toolkit.fluxcd.io/name", "Flux"),
    ("labels", "helm.toolkit.fluxcd.io/name", "Flux"),
];

/// The finalizer on a volume's claim while a pod uses it.
pub const PVC_PROTECTION: &str = "kubernetes.io/pvc-protection";
/// On the Secret of a token that the server made: the service account's UID.
pub const SERVICE_ACCOUNT_UID: &str = "kubernetes.io/service-account.uid";
/// On a `StorageClass`: `true` where claims that name no class get it.
pub const DEFAULT_STORAGE_CLASS: &str = "storageclass.kubernetes.io/is-default-class";
