//! A release: the archive that `.ci/release` makes, fetched, verified, unpacked and run with the very lines of README.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

#[path = "../common/readme.rs"]
mod readme;

/// Makes the archive of the binary under test; returns its name.
fn release(dist: &Path) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/release");
    let output = Command::new(script).arg(env!("CARGO_BIN_EXE_kfctl")).arg(dist).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let path = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    path.rsplit('/').next().expect("a name").to_owned()
}

/// Serves the files of a folder on a port of its own, below any path. It ends with the test's process.
fn serve(folder: &Path) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let folder = folder.to_owned();
    let answer = move |mut stream: TcpStream| -> std::io::Result<()> {
        let lines = BufReader::new(stream.try_clone()?).lines();
        let head: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let name = head[0].split(' ').nth(1).and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        let (status, body) = std::fs::read(folder.join(name)).map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
        stream.write_all(&body)
    };
    std::thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(|stream| drop(answer(stream))));
    port
}

/// Types README's lines in a directory, with our server in the place of the real one.
fn install(directory: &Path, port: u16) -> std::process::Output {
    const HOST: &str = "https://github.com/";
    let lines = readme::commands("## Install");
    assert!(lines.contains(HOST), "{lines}");
    let lines = lines.replace(HOST, &format!("http://127.0.0.1:{port}/"));
    // As pasted: bash goes on after a line that failed.
    Command::new("bash").args(["-c", &lines]).current_dir(directory).output().expect("bash runs")
}

#[test]
fn readme_lines_install_a_release_and_refuse_a_changed_one() {
    let sandbox = tempfile::tempdir().expect("a temporary directory");
    let folder = |name: &str| {
        let folder = sandbox.path().join(name);
        std::fs::create_dir(&folder).expect("made");
        folder
    };
    let dist = folder("dist");
    let name = release(&dist);
    let first = std::fs::read(dist.join(&name)).expect("the archive");
    assert_eq!(release(&dist), name);
    assert!(first == std::fs::read(dist.join(&name)).expect("the archive"), "made twice, the archive differs");

    let port = serve(&dist);
    let good = folder("good");
    let output = install(&good, port);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.ends_with(concat!("kfctl ", env!("CARGO_PKG_VERSION"), "\n")), "{said}");
    let unpacked = good.join(name.trim_end_matches(".tar.gz"));
    for file in ["LICENSE", "completions/kfctl.bash", "completions/_kfctl", "completions/kfctl.fish"] {
        assert!(unpacked.join(file).is_file(), "{file} is missing");
    }

    let mut changed = first;
    *changed.last_mut().expect("bytes") ^= 1;
    std::fs::write(dist.join(&name), changed).expect("written");
    let bad = folder("bad");
    let output = install(&bad, port);
    assert!(!output.status.success(), "a changed archive was taken");
    assert!(!bad.join(unpacked.file_name().expect("a name")).exists(), "a changed archive was unpacked");
}
