//! Colour is for people who look at a terminal that has some; what reads a pipe gets plain text.

use std::process::{Command, Stdio};

use crate::harness::Sandbox;

const ESCAPE: char = '\u{1b}';

/// What a mistake looks like on a terminal of its own.
fn on_terminal(variables: &[(&str, &str)]) -> String {
    let mut terminal = Command::new("script");
    terminal.args(["--quiet", "--return", "--command", concat!(env!("CARGO_BIN_EXE_kfctl"), " param list"), "/dev/null"]);
    terminal.current_dir("/").env_remove("NO_COLOR").env("TERM", "xterm").envs(variables.iter().copied());
    let output = terminal.stdin(Stdio::null()).output().expect("`script` (util-linux) is there");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.contains("there is no app here"), "{text}");
    text
}

#[test]
fn colour_is_for_terminals() {
    assert!(on_terminal(&[]).contains(ESCAPE));
    for plain in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        assert!(!on_terminal(&[plain]).contains(ESCAPE), "{plain:?}");
    }
    let sandbox = Sandbox::new();
    let piped = sandbox.command("", &["param", "list"]).env_remove("NO_COLOR").env("TERM", "xterm").output().expect("it runs");
    assert!(!String::from_utf8_lossy(&piped.stderr).contains(ESCAPE), "{piped:?}");
}
