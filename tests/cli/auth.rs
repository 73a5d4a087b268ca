//! Component auth and the platforms of the clouds as they are rendered, and what is refused before anything is.

use std::collections::BTreeMap;

use crate::harness::Sandbox;

/// An app on this platform, with these parameters of component auth. The release of Istio is another test's.
fn app(platform: &str, parameters: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    let set: String = parameters.iter().map(|(name, value)| format!("    {name}: {value:?}\n")).collect();
    let params = if set.is_empty() { String::new() } else { format!("params:\n  auth:\n{set}") };
    sandbox.write(
        "app.yaml",
        format!(
            "apiVersion: kfctl.kubeflow.org/v1alpha1\nkind: App\nname: shop\nplatform: {platform}\ncomponents:\n  istio: {{enabled: false}}\n{params}"
        ),
    );
    sandbox
}

const AWS: [(&str, &str); 5] = [
    ("audiences", "abc"),
    ("host", "kubeflow.acme.com"),
    ("issuer", "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc"),
    ("clientId", "abc"),
    ("loadBalancerCertificate", "arn:aws:acm:eu-central-1:1:certificate/a"),
];
const TENANT: &str = "https://login.microsoftonline.com/8a7e/v2.0";
const AZURE: [(&str, &str); 4] = [("audiences", "abc"), ("host", "kubeflow.acme.com"), ("issuer", TENANT), ("clientId", "abc")];

/// The files of component auth, by name, once rendered.
fn rendered(sandbox: &Sandbox) -> BTreeMap<String, String> {
    sandbox.ok(&["generate", "k8s"]);
    let files = sandbox.files();
    let of_auth = files.iter().filter(|file| file.starts_with("rendered/auth/") && file.ends_with(".yaml"));
    of_auth.map(|file| (file["rendered/auth/".len()..].to_owned(), sandbox.read(file))).collect()
}

#[test]
fn dex_and_its_proxy_are_rendered_with_no_secret_in_them() {
    let files = rendered(&app("none", &[]));
    for (name, text) in &files {
        assert!(!text.contains("stringData"), "{name}: {text}");
        if name.starts_with("secret-") {
            assert!(!text.contains("\ndata:"), "{name}: {text}");
        }
    }
    let secrets: Vec<&str> = files.keys().filter(|name| name.starts_with("secret-")).map(String::as_str).collect();
    assert_eq!(
        secrets,
        ["secret-auth-dex-users.yaml", "secret-auth-oauth2-proxy.yaml", "secret-istio-system-kubeflow-gateway-tls.yaml"]
    );
    // Every pod holds to the restricted standard of its namespace, and has probes.
    for name in ["deployment-auth-dex.yaml", "deployment-auth-oauth2-proxy.yaml"] {
        for wanted in [
            "runAsNonRoot: true",
            "type: RuntimeDefault",
            "allowPrivilegeEscalation: false",
            "readOnlyRootFilesystem: true",
            "livenessProbe",
            "readinessProbe",
        ] {
            assert!(files[name].contains(wanted), "{name} lacks {wanted}");
        }
    }
    assert!(files["namespace-auth.yaml"].contains("pod-security.kubernetes.io/enforce: restricted"));
    assert!(!files["role-auth-dex.yaml"].contains("customresourcedefinitions"), "Dex may make definitions");
}

#[test]
fn an_issuer_elsewhere_needs_no_dex() {
    let oidc = [("login", "oidc"), ("issuer", "https://id.acme.com"), ("clientId", "kf"), ("host", "kubeflow.acme.com")];
    let files = rendered(&app("none", &oidc));
    // A token for another client of the same issuer opens nothing, unless it is named.
    let takes = |files: &BTreeMap<String, String>, audiences: &str| {
        let [mesh, gateway] = ["configmap-kubeflow-system-mesh.yaml", "requestauthentication-istio-system-kubeflow-jwt.yaml"];
        files[mesh].contains(&format!("audiences: {audiences}\n"))
            && files[gateway].contains(&format!("audiences:\n    - {audiences}\n"))
    };
    assert!(takes(&files, "kf"), "{files:?}");
    assert!(takes(&rendered(&app("none", &[&oidc[..], &[("audiences", "other")]].concat())), "other"));
    assert!(!files.keys().any(|name| name.contains("dex")), "{:?}", files.keys());
    let proxy = &files["deployment-auth-oauth2-proxy.yaml"];
    for wanted in
        ["--oidc-issuer-url=https://id.acme.com", "--client-id=kf", "--redirect-url=https://kubeflow.acme.com/oauth2/callback"]
    {
        assert!(proxy.contains(wanted), "{wanted}: {proxy}");
    }
    assert!(files["secret-auth-oauth2-proxy.yaml"].contains("issuer-client-secret: {environment: KFCTL_CLIENT_SECRET"));
    let named = [&oidc[..], &[("clientSecretName", "mine")]].concat();
    let files = rendered(&app("none", &named));
    assert!(!files["secret-auth-oauth2-proxy.yaml"].contains("client-secret"));
    assert!(files["deployment-auth-oauth2-proxy.yaml"].contains("name: mine"));
}

#[test]
fn each_way_to_a_certificate() {
    let gateway = |parameters: &[(&str, &str)]| {
        let files = rendered(&app("none", parameters));
        let names: Vec<String> = files
            .keys()
            .filter(|name| name.contains("gateway-tls"))
            .map(|name| name.split('-').next().unwrap().to_owned())
            .collect();
        (names, files["gateway-kubeflow-kubeflow-gateway.yaml"].clone())
    };
    let (made, https) = gateway(&[]);
    assert!(
        made == ["secret"] && https.contains("httpsRedirect: true") && https.contains("credentialName: kubeflow-gateway-tls")
    );
    let (made, https) = gateway(&[("tls", "secret"), ("tlsSecret", "mine")]);
    assert!(made.is_empty() && https.contains("credentialName: mine"));
    let (made, _) = gateway(&[("tls", "cert-manager"), ("certificateIssuer", "letsencrypt"), ("host", "kubeflow.acme.com")]);
    assert_eq!(made, ["certificate"]);
    let (made, http) = gateway(&[("tls", "none")]);
    assert!(made.is_empty() && !http.contains("443"), "{http}");
}

#[test]
fn what_users_run_may_have_a_name_of_its_own() {
    const BOTH: [(&str, &str); 2] = [("host", "kubeflow.acme.com"), ("notebookHost", "notebooks.acme.net")];
    let names = serde_json::json!([BOTH[0].1, BOTH[1].1]);
    let gateway = "gateway-kubeflow-kubeflow-gateway.yaml";
    let login = "authorizationpolicy-istio-system-kubeflow-login.yaml";
    assert!(!rendered(&app("none", &BOTH[..1]))[login].contains("osts:"));
    let files = rendered(&app("none", &BOTH));
    let ways = |files: &BTreeMap<String, String>| {
        let rules = object(files, login)["spec"]["rules"].as_array().cloned().expect("rules");
        let [.., there, elsewhere] = &rules[..] else { panic!("{rules:?}") };
        let operation = |rule: &serde_json::Value| rule["to"][0]["operation"].clone();
        assert_eq!(operation(there)["hosts"], operation(elsewhere)["notHosts"]);
        assert_eq!(operation(there)["hosts"], serde_json::json!(["notebooks.acme.net", "notebooks.acme.net:*"]));
        assert!(operation(elsewhere)["paths"].to_string().contains("\"/notebook/*\""));
        operation(there)["notPaths"].clone()
    };
    assert_eq!(ways(&files), serde_json::json!(["/notebook/*", "/models/*", "/oauth2/*"]));
    for server in 0..2 {
        holds(&object(&files, gateway), &format!("/spec/servers/{server}/hosts"), &names);
    }
    let certificate = &files["secret-istio-system-kubeflow-gateway-tls.yaml"];
    assert!(certificate.contains(BOTH[0].1) && certificate.contains(BOTH[1].1), "{certificate}");
    holds(&object(&files, "virtualservice-auth-oauth2-proxy.yaml"), "/spec/hosts", &names);
    // The login's own page is where people look at its name, and where no notebook is.
    holds(&object(&files, "virtualservice-auth-dex.yaml"), "/spec/hosts", &serde_json::json!([BOTH[0].1]));
    let proxy = &files["deployment-auth-oauth2-proxy.yaml"];
    for wanted in
        ["--login-url=https://kubeflow.acme.com/dex/auth", "--redirect-url=/oauth2/callback\n", "--cookie-name=__Host-kubeflow"]
    {
        assert!(proxy.contains(wanted), "{wanted}: {proxy}");
    }
    assert!(!proxy.contains("--cookie-domain") && !proxy.contains("--relative-redirect-url"), "{proxy}");
    for (_, name) in BOTH {
        let back = format!("- \"https://{name}/oauth2/callback\"\n");
        assert!(files["deployment-auth-dex.yaml"].contains(&back), "{back}");
    }
    assert!(files["configmap-kubeflow-system-mesh.yaml"].contains("notebookHost: notebooks.acme.net"));
    let issued = [&BOTH[..], &[("tls", "cert-manager"), ("certificateIssuer", "acme")]].concat();
    let files = rendered(&app("none", &issued));
    holds(&object(&files, "certificate-istio-system-kubeflow-gateway-tls.yaml"), "/spec/dnsNames", &names);
    // The load balancers of clouds lead both to the gateway; where one logs people in, there is no way back of ours.
    let files = rendered(&app("gcp", &BOTH));
    holds(&object(&files, "managedcertificate-istio-system-kubeflow.yaml"), "/spec/domains", &names);
    assert_eq!(ways(&files), serde_json::json!(["/notebook/*", "/models/*"]));
    let aws = [&AWS[..], &BOTH[1..]].concat();
    for files in [files, rendered(&app("aws", &aws))] {
        let ingress = object(&files, "ingress-istio-system-kubeflow.yaml");
        holds(&ingress, "/spec/rules/1/host", &names[1]);
        assert_eq!(ingress["spec"]["rules"][0]["http"], ingress["spec"]["rules"][1]["http"]);
    }
    for (parameters, why) in [
        (vec![BOTH[1]], "auth.host is not set"),
        (vec![("host", "a.acme.com"), ("notebookHost", "A.acme.com")], "auth.notebookHost must be another name than auth.host"),
        ([&BOTH[..], &[("tls", "none")]].concat(), "auth.notebookHost needs TLS"),
        (vec![BOTH[0], ("notebookHost", "a b")], "is no host"),
    ] {
        let sandbox = app("none", &parameters);
        let said = sandbox.kfctl(&["generate", "k8s"]);
        assert!(said.starts_with("exit: 1") && said.contains(why), "{parameters:?}: {said}");
        assert!(!sandbox.files().iter().any(|file| file.starts_with("rendered/")), "something was rendered");
    }
}

#[test]
fn all_that_a_platform_needs_is_named_at_once() {
    insta::assert_snapshot!(app("aws", &[]).kfctl(&["generate", "k8s"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/apps/app.yaml: some things are missing or can't be used on platform aws
      auth.clientId is not set: Client by which people log in
      auth.host is not set: Name that people open
      auth.issuer is not set: Who issues the tokens that count, as their claim iss says
      auth.loadBalancerCertificate is not set: Certificate of the cloud's load balancer, as the cloud names it: on aws its ARN
    hint: `kfctl param set auth clientId …`
    hint: `kfctl param set auth host …`
    hint: `kfctl param set auth issuer …`
    hint: `kfctl param set auth loadBalancerCertificate …`
    ");
    let anybody = "https://login.microsoftonline.com/common/v2.0";
    let wrong = app("azure", &[("userClaim", "email"), ("issuer", anybody), ("host", "kubeflow.acme.com")]);
    insta::assert_snapshot!(wrong.kfctl(&["generate", "k8s"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: [DIR]/apps/app.yaml: some things are missing or can't be used on platform azure
      auth.clientId is not set: Client by which people log in
      auth.userClaim must be oid or preferred_username: whoever runs a tenant writes into its e-mail addresses what they like
      auth.issuer must be of one tenant, https://login.microsoftonline.com/TENANT-ID/v2.0, or every tenant's users come in
    hint: `kfctl param set auth clientId …`
    ");
    for (platform, parameters) in [
        ("gcp", vec![("host", "kubeflow.acme.com"), ("audiences", "")]),
        ("gcp", vec![("host", "kubeflow.acme.com"), ("login", "dex")]),
        ("aws", [&AWS[..], &[("jwtHeader", "x-amzn-oidc-data")]].concat()),
        ("azure", [&AZURE[..], &[("userClaim", "email")]].concat()),
    ] {
        let sandbox = app(platform, &parameters);
        let said = sandbox.kfctl(&["generate", "k8s"]);
        assert!(said.starts_with("exit: 1"), "{platform} {parameters:?}: {said}");
        assert!(!sandbox.files().iter().any(|file| file.starts_with("rendered/")), "something was rendered");
    }
}

/// What a schema wants of an object: a path, and whether something has to be there or must hold this.
fn holds(object: &serde_json::Value, pointer: &str, wanted: &serde_json::Value) {
    assert_eq!(object.pointer(pointer), Some(wanted), "{pointer} of {object}");
}

fn object(files: &BTreeMap<String, String>, name: &str) -> serde_json::Value {
    let text = files.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", files.keys()));
    kfctl::yaml::documents(text, std::path::Path::new(name)).expect("YAML").remove(0)
}

#[test]
fn the_load_balancer_of_each_cloud_leads_to_the_gateway() {
    use serde_json::json;
    let files = rendered(&app("gcp", &[("host", "kubeflow.acme.com")]));
    assert!(!files.keys().any(|name| name.contains("-auth-")), "{:?}", files.keys());
    let backend = object(&files, "backendconfig-istio-system-kubeflow.yaml");
    holds(&backend, "/spec/iap/enabled", &json!(true));
    holds(&backend, "/spec/healthCheck", &json!({"type": "HTTP", "port": 15021, "requestPath": "/healthz/ready"}));
    let certificate = object(&files, "managedcertificate-istio-system-kubeflow.yaml");
    holds(&certificate, "/spec/domains", &json!(["kubeflow.acme.com"]));
    let ingress = object(&files, "ingress-istio-system-kubeflow.yaml");
    let backend = json!({"service": {"name": "kubeflow-ingress", "port": {"name": "web"}}});
    holds(&ingress, "/spec/rules/0/http/paths/0/backend", &backend);
    let service = object(&files, "service-istio-system-kubeflow-ingress.yaml");
    holds(&service, "/metadata/annotations/cloud.google.com~1backend-config", &json!("{\"default\": \"kubeflow\"}"));
    holds(&service, "/spec/ports/0/targetPort", &json!(8443));
    // A load balancer that names no host in its handshake meets a server for every host.
    let gateway = object(&files, "gateway-kubeflow-kubeflow-gateway.yaml");
    holds(&gateway, "/spec/servers/1/hosts", &json!(["*"]));

    let files = rendered(&app("aws", &AWS));
    let ingress = object(&files, "ingress-istio-system-kubeflow.yaml");
    holds(&ingress, "/spec/ingressClassName", &json!("alb"));
    holds(
        &ingress,
        "/spec/rules/0/http/paths/0/backend",
        &json!({"service": {"name": "kubeflow-ingress", "port": {"name": "web"}}}),
    );
    let annotations = ingress["metadata"]["annotations"].as_object().expect("annotations");
    assert_eq!(annotations["alb.ingress.kubernetes.io/certificate-arn"], AWS[4].1);
    // Its own login would be a second one, whose word is never taken.
    assert!(!annotations.keys().any(|name| name.contains("auth-")), "{annotations:?}");
    assert!(files["deployment-auth-oauth2-proxy.yaml"].contains("--scope=openid email profile\n"));

    let files = rendered(&app("azure", &AZURE));
    let proxy = &files["deployment-auth-oauth2-proxy.yaml"];
    assert!(proxy.contains(&format!("--oidc-issuer-url={TENANT}")) && proxy.contains("--oidc-email-claim=oid"), "{proxy}");
    let overage = object(&files, "authorizationpolicy-istio-system-kubeflow-group-overage.yaml");
    holds(&overage, "/spec/rules/0/when/0/key", &json!("request.auth.claims[_claim_names][groups]"));
}
