//! A place apart for a test that has a node: mounts, network, processes, names and control groups of its own. The test runs itself there once
//! more, so that it reaches pods and Services as a program on the node does; outside it makes what needs a network, and waits.

use std::io::PipeWriter;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use crate::harness::{binaries, say};
use crate::made::note;
use crate::programs::Programs;

/// Names the folder of the place to the test that is inside.
const INSIDE: &str = "KFCTL_TEST_APART";

/// What a node is made of besides what the tests build, and whence it comes.
const NEEDED: [(&str, &str); 8] = [
    ("containerd", "containerd"),
    ("ctr", "containerd"),
    ("runc", "runc"),
    ("/usr/lib/cni/ptp", "containernetworking-plugins"),
    ("nft", "nftables"),
    ("ip", "iproute2"),
    ("unshare", "util-linux"),
    ("cc", "gcc libc6-dev"),
];

/// The folder of the place, to the test inside. Outside this runs the whole test inside, to its end; then there is none.
pub(crate) fn apart(test: &str) -> Option<PathBuf> {
    if let Some(folder) = inside() {
        return Some(folder);
    }
    if !is_possible(test) {
        return None;
    }
    prepare();
    let mut place = Place::open(test);
    let status = place.process.wait().expect("it can be waited for");
    assert!(status.success(), "{test} failed inside: {status}");
    None
}

/// Whether a node can run here; where it can't, that is said aloud.
pub(crate) fn is_possible(test: &str) -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        assert!(std::env::var_os("CI").is_none(), "{test} needs root, and CI is to run all tests");
        note(&format!("SKIPPED: {test} runs a node, for which it has to be root"));
    }
    is_root
}

/// The folder of the place, inside.
fn inside() -> Option<PathBuf> {
    std::env::var_os(INSIDE).map(PathBuf::from)
}

/// Makes all that is made once; inside there is no network to make it from.
pub(crate) fn prepare() {
    for (program, package) in NEEDED {
        let found = say(Command::new("sh").args(["-c", &format!("command -v {program}")]));
        assert_eq!(found.code, 0, "{program} is missing: `apt-get install {package}`, or tests/run, which does it");
    }
    binaries();
    Programs::find_or_make();
    crate::browser::axe();
}

/// A place, as those outside see it. It is gone soon after this process, however that ends.
struct Place {
    process: Child,
    _life: PipeWriter,
}

impl Place {
    /// Opens one, and runs a test of this binary in it.
    fn open(test: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("kfctl-node-").tempdir().expect("a temporary directory").keep();
        let (input, life) = std::io::pipe().expect("a pipe");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/node/apart.sh");
        let mut command = Command::new("bash");
        command.arg(script).arg(&folder).arg(std::env::current_exe().expect("this program"));
        command.args(["--exact", test, "--nocapture", "--include-ignored"]).env(INSIDE, &folder);
        // A signal to the test's group is not for those who clear up after it.
        let process = command.stdin(input).process_group(0).spawn().expect("bash starts");
        Self { process, _life: life }
    }
}
