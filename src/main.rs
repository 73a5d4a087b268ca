//! Parse, run, exit code.

use std::io::IsTerminal;

use clap::Parser;
use kfctl::cli::{Cli, Command, for_programs};
use kfctl::cluster::Target;
use kfctl::commands::{Session, run};
use kfctl::error::ExitStatus;
use kfctl::ui::{Output, Printer};
use tokio::runtime::Builder;
use tokio::sync::watch;

fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(problem) => return unusable(&problem),
    };
    // The controller mostly waits for the server. On one thread, all that it reads comes and goes in one pool of memory; with several,
    // each thread's own would keep what the reading of thousands of objects took.
    let mut runtime = match cli.command {
        Command::Controller { .. } => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    runtime.enable_all().build().expect("the system gives threads and timers").block_on(work(cli))
}

async fn work(cli: Cli) -> std::process::ExitCode {
    log(cli.global.verbose, matches!(cli.command, Command::Controller { .. } | Command::Web(_)));
    // One TLS provider for all clients.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let printer = Printer::new(cli.global.output, cli.global.quiet, cli.global.yes);
    let (stop, stopped) = watch::channel(false);
    let session = Session {
        printer: printer.clone(),
        target: Target { kubeconfig: cli.global.kubeconfig.clone(), context: cli.global.context.clone() },
        verbose: cli.global.verbose > 0,
        sources: None,
        stop: stopped,
    };
    let status = tokio::select! {
        result = run(cli, session) => result.unwrap_or_else(|error| {
            printer.error(&error);
            error.exit_status()
        }),
        () = interrupted(&printer, stop) => ExitStatus::Interrupted,
    };
    std::process::ExitCode::from(status as u8)
}

/// Says what is wrong with the command line, or what help it asked for.
fn unusable(problem: &clap::Error) -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    match for_programs(problem, &arguments) {
        Some(error) => Printer::new(Output::Json, false, false).error(&error),
        // Whoever does not read it to its end has read enough.
        None => drop(problem.print()),
    }
    std::process::ExitCode::from(u8::try_from(problem.exit_code()).unwrap_or(ExitStatus::Usage as u8))
}

/// Asks the run to stop at the first Ctrl-C; returns at the second.
async fn interrupted(printer: &Printer, stop: watch::Sender<bool>) {
    let _ = tokio::signal::ctrl_c().await;
    printer.note("stopping after what is under way; Ctrl-C again stops at once");
    // Nobody listens where a command has no long work: then the first one ends it.
    if stop.receiver_count() <= 1 || stop.send(true).is_err() {
        return;
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// A role tells what it does: as JSON, unless a person is looking.
fn log(verbose: u8, role: bool) {
    let level = match verbose {
        // The errors of the client reach the user as ours.
        0 | 1 if role => "info,kube_client=off",
        0 | 1 => "warn,kube_client=off",
        2 => "debug",
        _ => "trace",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("KFCTL_LOG").unwrap_or_else(|_| level.into());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if role && !std::io::stderr().is_terminal() {
        log.json().flatten_event(true).with_current_span(true).with_span_list(false).init();
    } else {
        log.init();
    }
}
