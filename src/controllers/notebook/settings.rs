//! What the admin decided for all notebooks: `ConfigMap` `notebook-defaults`, which the component's parameters fill. Pure.

use std::time::Duration;

use serde_json::Value;

use crate::catalog::parse_duration;

/// Its name.
pub(super) const CONFIGMAP: &str = "notebook-defaults";

/// What holds for every notebook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) culling: bool,
    pub(super) idle_time: Duration,
    pub(super) check_period: Duration,
    pub(super) warn_before: Duration,
    /// Where a server is asked, with `{namespace}` and `{name}` in it.
    server_address: String,
    pub(super) cluster_domain: String,
    pub(super) add_fs_group: bool,
    pub(super) gateway: String,
    pub(super) host: String,
}

impl Settings {
    /// Reads the `ConfigMap`; an error names the key and what was expected.
    pub(super) fn read(configmap: &Value) -> Result<Self, String> {
        let text = |key: &str, default: &str| {
            let value = configmap.get("data").and_then(|data| data.get(key)).and_then(Value::as_str).map(str::trim);
            value.filter(|value| !value.is_empty()).unwrap_or(default).to_owned()
        };
        let switch = |key: &str, default: &str| match text(key, default).as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err(format!("{key}: {other:?} is neither true nor false")),
        };
        let duration = |key: &str, default: &str| {
            let value = text(key, default);
            let duration = parse_duration(&value).filter(|duration| !duration.is_zero());
            duration.ok_or_else(|| format!("{key}: {value:?} is no duration; expected one such as 90s, 10m or 24h"))
        };
        let cluster_domain = text("clusterDomain", "cluster.local");
        Ok(Self {
            culling: switch("culling", "false")?,
            idle_time: duration("idleTime", "24h")?,
            check_period: duration("checkPeriod", "1m")?,
            warn_before: duration("warnBefore", "10m")?,
            server_address: text("serverAddress", &format!("http://{{name}}.{{namespace}}.svc.{cluster_domain}")),
            cluster_domain,
            add_fs_group: switch("addFsGroup", "true")?,
            gateway: text("gateway", "kubeflow/kubeflow-gateway"),
            host: text("host", "*"),
        })
    }

    /// The address of a notebook's server for a question about what is in use.
    pub(super) fn question(&self, namespace: &str, name: &str, what: &str) -> String {
        let server = self.server_address.replace("{namespace}", namespace).replace("{name}", name);
        format!("{}/notebook/{namespace}/{name}/api/{what}", server.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_server_is_asked_by_its_service_unless_said_otherwise() {
        let settings = Settings::read(&json!({"data": {"clusterDomain": "example.org"}})).unwrap();
        assert_eq!(settings.question("n", "a", "kernels"), "http://a.n.svc.example.org/notebook/n/a/api/kernels");
        assert!(!settings.culling && settings.add_fs_group);
        let settings = Settings::read(&json!({"data": {"serverAddress": "http://127.0.0.1:1/{namespace}.{name}/"}})).unwrap();
        assert_eq!(settings.question("n", "a", "terminals"), "http://127.0.0.1:1/n.a/notebook/n/a/api/terminals");
    }

    #[test]
    fn a_bad_value_names_its_key() {
        for (key, value) in [("culling", "maybe"), ("idleTime", "1440"), ("checkPeriod", "0s"), ("addFsGroup", "1")] {
            let problem = Settings::read(&json!({"data": {key: value}})).unwrap_err();
            assert!(problem.starts_with(&format!("{key}: ")), "{problem}");
        }
    }
}
