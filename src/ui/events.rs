//! The events of a run, as progress on a terminal, plain lines elsewhere, or JSON.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc::UnboundedReceiver;

use super::printer::{Output, Printer};
use crate::apply::{Change, Event, Phase};

/// Prints events until their sender is gone.
pub async fn listen(printer: Printer, mut events: UnboundedReceiver<Event>, verbose: bool) {
    let bar = printer.terminal.then(progress);
    while let Some(event) = events.recv().await {
        if printer.output != Output::Text {
            printer.json(&event);
            continue;
        }
        if let Some(bar) = &bar {
            advance(bar, &event);
        }
        if let Some(line) = line(&event, verbose) {
            match &bar {
                Some(bar) => bar.suspend(|| printer.note(&line)),
                None => printer.note(&line),
            }
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}

fn progress() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{spinner} {prefix:8} {bar:30} {pos}/{len} {wide_msg}");
    bar.set_style(style.expect("the template is a constant"));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn title(phase: Phase) -> &'static str {
    match phase {
        Phase::Read => "reading",
        Phase::Check => "checking",
        Phase::Write => "writing",
        Phase::Wait => "waiting",
        Phase::Delete => "deleting",
    }
}

fn advance(bar: &ProgressBar, event: &Event) {
    match event {
        Event::Phase { phase, objects } => {
            bar.set_position(0);
            bar.set_length(*objects as u64);
            bar.set_prefix(title(*phase));
            bar.set_message("");
        }
        Event::Checked { object }
        | Event::Written { object, .. }
        | Event::Ready { object }
        | Event::Deleted { object, .. }
        | Event::Kept { object, .. } => {
            bar.inc(1);
            bar.set_message(object.to_string());
        }
        Event::Waiting { object, reason } => bar.set_message(format!("{object}: {reason}")),
        _ => {}
    }
}

/// The event as a line, where it deserves one.
fn line(event: &Event, verbose: bool) -> Option<String> {
    Some(match event {
        Event::Written { object, change: Change::Created, .. } => format!("  created     {object}"),
        Event::Written { object, change: Change::Configured, .. } => format!("  configured  {object}"),
        Event::Generated { object, keys } => format!("  generated   {object}: {}", keys.join(", ")),
        Event::Written { object, change: Change::Unchanged, .. } if verbose => format!("  unchanged   {object}"),
        Event::Ready { object } if verbose => format!("  ready       {object}"),
        Event::Waiting { object, reason } => format!("  waiting     {object}: {reason}"),
        Event::Deleted { object, .. } => format!("  deleted     {object}"),
        Event::Kept { object, reason } if verbose => format!("  kept        {object}: {reason}"),
        Event::Retrying { object, reason } => format!("  retrying    {object}: {reason}"),
        Event::LeftOut { component, reason } => format!("  left out    component {component}: {reason}"),
        Event::Postponed { object, reason } => format!("  postponed   {object}: {reason}"),
        Event::Warning { object: Some(object), message } => format!("  warning     {object}: {message}"),
        Event::Warning { object: None, message } => format!("  warning     {message}"),
        _ => return None,
    })
}
