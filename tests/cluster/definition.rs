//! Definitions of the tests' own.

/// One that takes every object of its kind, in version v1; Istio has one kind that is in none.
pub(crate) fn definition(group: &str, plural: &str, kind: &str) -> String {
    let version = if kind == "EnvoyFilter" { "v1alpha3" } else { "v1" };
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: {plural}.{group}}}\nspec:\n  group: {group}\n  scope: Namespaced\n  names: {{kind: {kind}, plural: {plural}}}\n  versions:\n  - {{name: {version}, served: true, storage: true, schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}}}\n"
    )
}

/// Those of the kinds of Istio's that kfctl writes.
pub(crate) fn istio() -> String {
    let kinds = [
        ("networking.istio.io", "gateways", "Gateway"),
        ("networking.istio.io", "virtualservices", "VirtualService"),
        ("networking.istio.io", "envoyfilters", "EnvoyFilter"),
        ("security.istio.io", "authorizationpolicies", "AuthorizationPolicy"),
        ("security.istio.io", "requestauthentications", "RequestAuthentication"),
    ];
    kinds.map(|(group, plural, kind)| definition(group, plural, kind)).join("---\n")
}
