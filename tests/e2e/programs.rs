//! What a node runs and the tests make: kubelet and kube-proxy, built once with the machine's Go, and the images that a registry would give.

use std::path::PathBuf;

use kfctl::directories::cache_directory;

use crate::images;
use crate::made::go_program;
use crate::mesh::Parts;

/// The Go module, as it is in this repository.
const MODULE: [(&str, &str); 3] =
    [("main.go", include_str!("node/main.go")), ("go.mod", include_str!("node/go.mod")), ("go.sum", include_str!("node/go.sum"))];

/// Where everything is.
pub(crate) struct Programs {
    /// kubelet and kube-proxy, each behind a word of its own.
    pub(crate) node: PathBuf,
    /// Archives of images.
    pub(crate) images: Vec<PathBuf>,
    /// What a mesh is made of.
    pub(crate) mesh: Parts,
}

impl Programs {
    pub(crate) fn find_or_make() -> Self {
        let cache = cache_directory().expect("a cache");
        let node = go_program(&cache, "node", &MODULE, &[version()], "about 4 minutes on 2 cores");
        let images = vec![images::pause(&cache), images::notebook(&cache)];
        Self { node, images, mesh: Parts::find_or_make(&cache) }
    }
}

/// What both say of themselves.
fn version() -> String {
    let line = MODULE[1].1.lines().find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes "));
    format!("-X k8s.io/component-base/version.gitVersion={}", line.expect("go.mod names a version").trim())
}
