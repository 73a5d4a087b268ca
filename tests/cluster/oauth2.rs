//! oauth2-proxy's own binary, and the arguments that its container is given.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::compile;

/// The binary, built from its Go module where it is not there.
pub(crate) fn program() -> PathBuf {
    const MODULE: &str = "github.com/oauth2-proxy/oauth2-proxy/v7@v7.15.6";
    let folder = kfctl::directories::cache_directory().expect("a cache").join("oauth2-proxy-v7.15.6");
    let program = folder.join("oauth2-proxy");
    if !program.exists() {
        let building = folder.with_extension("building");
        compile(Command::new("go").args(["install", MODULE]).env("GOBIN", &building).current_dir("/")).success();
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::rename(building.join("oauth2-proxy"), &program).expect("it was built");
    }
    program
}

/// The arguments of the first container in what is rendered.
pub(crate) fn arguments(rendered: &str) -> Vec<String> {
    let deployment = kfctl::yaml::documents(rendered, Path::new("deployment")).expect("YAML").remove(0);
    let arguments = deployment.pointer("/spec/template/spec/containers/0/args").and_then(|list| list.as_array()).expect("a list");
    arguments.iter().map(|argument| argument.as_str().expect("text").to_owned()).collect()
}
