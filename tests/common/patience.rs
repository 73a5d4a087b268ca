//! A program that never ends fails its test, which says what it had said by then.

use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

/// Longer than anything takes here, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_mins(8);

/// What a command says until it ends.
pub(crate) fn output_of(command: &mut Command) -> Output {
    output_within(PATIENCE, command)
}

/// The same for one that may take another time.
pub(crate) fn output_within(patience: Duration, command: &mut Command) -> Output {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program can be started");
    let pid = child.id();
    let (sender, output) = channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    let ended = output.recv_timeout(patience).unwrap_or_else(|_| {
        // It is ours and not waited for yet, so its number is its own.
        let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        let said = output.recv().map(Result::ok);
        panic!("{command:?} did not end within {patience:?} ({killed:?}): {said:?}")
    });
    ended.expect("it can be waited for")
}
