//! Images as a registry would give them, made by the code of `kfctl image`: the pause of every pod, and a notebook server. Archives lie in
//! this user's cache, named by what they were made from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kfctl::digest::sha256;
use kfctl::image::{Config, Files, Image, Program, reference};

use crate::harness::say;
use crate::made::{note, once, wheel};

/// What holds the namespaces of every pod.
pub(crate) const PAUSE: &str = "registry.k8s.io/pause:3.10.1";
/// The image that the spawner offers first.
pub(crate) const NOTEBOOK: &str = "ghcr.io/kubeflow/kubeflow/notebook-servers/jupyter-scipy:v1.10.0";

/// It takes in processes whose parents have gone, and ends when it is asked to.
const PAUSE_SOURCE: &str = r"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static void end(int signal) { _exit(0); }
static void reap(int signal) { while (waitpid(-1, 0, WNOHANG) > 0) {} }
int main(void) {
  signal(SIGINT, end);
  signal(SIGTERM, end);
  signal(SIGCHLD, reap);
  for (;;) pause();
}
";

/// `JupyterLab` with all that it needs, as `pip` takes it. `uv pip compile --generate-hashes --python-version 3.11 --python-platform linux`
/// of jupyterlab and ipykernel made it.
const REQUIREMENTS: &str = include_str!("notebook.txt");
/// Where it lies in the image.
const SITE: &str = "/opt/notebook";
/// As the images of today's Kubeflow start theirs.
const SETTINGS: &str = r#"import os
c.ServerApp.base_url = os.environ.get("NB_PREFIX", "/")
c.ServerApp.ip = "0.0.0.0"
c.ServerApp.port = 8888
c.ServerApp.open_browser = False
c.IdentityProvider.token = ""
c.PasswordIdentityProvider.hashed_password = ""
c.ServerApp.allow_origin = "*"
"#;

/// The archive of the pause.
pub(crate) fn pause(cache: &Path) -> PathBuf {
    let folder = cache.join("images").join(&sha256(PAUSE_SOURCE.as_bytes())[..16]);
    once(&folder, "pause.tar", |archive| {
        let (source, program) = (folder.join("pause.c"), folder.join("pause"));
        fs::write(&source, PAUSE_SOURCE).expect("the cache can be written");
        say(Command::new("cc").args(["-Os", "-static", "-o"]).arg(&program).arg(&source)).success();
        let program = Program::read(&program).expect("it was just made");
        let mut files = Files::default();
        files.file("/pause", 0o755, program.binary);
        let config = Config {
            architecture: program.architecture.to_owned(),
            entrypoint: vec!["/pause".to_owned()],
            user: "65535:65535".to_owned(),
            ..Config::default()
        };
        save(archive, PAUSE, &files, &config);
    })
}

/// The archive of the notebook server: the machine's own Python, and `JupyterLab` from Python's package index.
pub(crate) fn notebook(cache: &Path) -> PathBuf {
    let python = Python::find();
    let made_from = format!("{python:?} {REQUIREMENTS} {}", include_str!("images.rs"));
    let folder = cache.join("images").join(&sha256(made_from.as_bytes())[..16]);
    once(&folder, "notebook.tar", |archive| {
        let site = wheel(cache, "jupyterlab", REQUIREMENTS, "jupyterlab/__init__.py");
        note("packing the image of a notebook server: once");
        let site = site.parent().and_then(Path::parent).expect("it is two below");
        let library = folder.join("library");
        copy(&python.library, &library);
        let mut files = Files::default();
        for (from, to) in [(library.as_path(), python.library.to_str().expect("UTF-8")), (site, SITE)] {
            // In the image every file is of one time, so what is compiled may not depend on the source's.
            let compile = ["-m", "compileall", "-q", "-f", "-j", "0", "--invalidation-mode", "unchecked-hash"];
            let _ = say(Command::new(&python.program).args(compile).arg(from));
            add(&mut files, from, to);
        }
        let program = Program::read(&python.program).expect("Python is a program");
        files.file(python.program.to_str().expect("UTF-8"), 0o755, program.binary);
        for (path, content) in program.libraries {
            files.file(&path, 0o755, content);
        }
        for (path, content) in [library.as_path(), site].into_iter().flat_map(libraries) {
            files.file(&path, 0o755, content);
        }
        files.file("/etc/jupyter/jupyter_server_config.py", 0o644, SETTINGS);
        files.file(
            "/etc/passwd",
            0o644,
            "root:x:0:0:root:/:/sbin/nologin\njovyan:x:1000:100:jovyan:/home/jovyan:/sbin/nologin\n",
        );
        files.file("/etc/group", 0o644, "root:x:0:\nusers:x:100:\n");
        files.directory("/tmp", 0o1777);
        files.directory("/home/jovyan", 0o777);
        let share = |variable: &str, place: &str| format!("{variable}={SITE}/{place}");
        let config = Config {
            architecture: program.architecture.to_owned(),
            entrypoint: vec![python.program.display().to_string(), "-m".to_owned(), "jupyterlab".to_owned()],
            environment: vec![
                format!("PYTHONPATH={SITE}"),
                "HOME=/home/jovyan".to_owned(),
                share("JUPYTER_PATH", "share/jupyter"),
                share("JUPYTERLAB_DIR", "share/jupyter/lab"),
                share("JUPYTER_CONFIG_PATH", "etc/jupyter"),
            ],
            user: "1000:100".to_owned(),
            ..Config::default()
        };
        save(archive, NOTEBOOK, &files, &config);
    })
}

/// The archive of an image that is made of what `content` gives; `made_from` tells one content from another.
pub(crate) fn archive(cache: &Path, name: &str, made_from: &str, content: impl FnOnce() -> (Files, Config)) -> PathBuf {
    let folder = cache.join("images").join(&sha256(format!("{name} {made_from}").as_bytes())[..16]);
    once(&folder, "image.tar", |archive| {
        let (files, config) = content();
        save(archive, name, &files, &config);
    })
}

fn save(archive: &Path, name: &str, files: &Files, config: &Config) {
    let image = Image::new(files, config).expect("an image");
    let fresh = archive.with_extension("new");
    fs::write(&fresh, image.archive(&reference(name).expect("a name"))).expect("the cache can be written");
    fs::rename(&fresh, archive).expect("the cache can be written");
}

/// The machine's Python.
#[derive(Debug)]
struct Python {
    program: PathBuf,
    /// Its standard library.
    library: PathBuf,
}

impl Python {
    fn find() -> Self {
        let ask = "import os, sys, sysconfig; print(os.path.realpath(sys.executable)); print(sysconfig.get_path('stdlib'))";
        let said = say(Command::new("python3").args(["-c", ask])).success();
        let (program, library) = said.trim().split_once('\n').expect("two lines");
        Self { program: program.into(), library: library.into() }
    }
}

/// Where Python is in the image of the notebook server.
pub(crate) fn python() -> PathBuf {
    Python::find().program
}

/// What a standard library has besides, and no server needs.
fn is_left_out(name: &str) -> bool {
    ["site-packages", "dist-packages", "test", "idlelib", "ensurepip", "__pycache__"].contains(&name)
        || name.starts_with("config-")
}

/// Copies the standard library, to compile it where it is ours.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the cache can be written");
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if is_left_out(&entry.file_name().to_string_lossy()) {
            continue;
        }
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).expect("the cache can be written");
        }
    }
}

/// All files of a folder.
fn add(files: &mut Files, folder: &Path, to: &str) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let (path, to) = (entry.path(), format!("{to}/{}", entry.file_name().to_str().expect("UTF-8")));
        if path.is_dir() {
            add(files, &path, &to);
        } else {
            files.file(&to, 0o644, fs::read(&path).expect("a file"));
        }
    }
}

/// The machine's libraries that Python's own need, by their path.
fn libraries(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let find = r#"find "$0" -name '*.so*' -not -path '*/test*' -exec ldd {} + 2>/dev/null | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | sort -u"#;
    let said = say(Command::new("sh").args(["-c", find]).arg(folder)).success();
    let outside = said.lines().filter(|path| !path.starts_with(folder.to_str().expect("UTF-8")));
    outside.map(|path| (path.to_owned(), fs::read(path).expect("a library"))).collect()
}
