//! The one printer. Colour and questions only on a terminal; untrusted text loses its control characters first.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the place they are banned for")]

use std::io::{BufRead, IsTerminal, Write};

use serde::Serialize;

use crate::error::{Error, Result};

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For programs: one JSON document a line.
    Json,
    /// For programs and people: YAML documents.
    Yaml,
}

/// Prints.
#[allow(clippy::struct_excessive_bools, reason = "each is one setting of the terminal, and they don't exclude each other")]
#[derive(Debug, Clone)]
pub struct Printer {
    /// How results are printed.
    pub output: Output,
    quiet: bool,
    /// Whether it says what to type next.
    leads: bool,
    color: bool,
    /// Whether results go to a terminal that can be drawn on.
    screen: bool,
    /// Whether someone sits at a terminal and can see progress.
    pub terminal: bool,
    /// Whether they see results there too, be it drawn on or not.
    seen: bool,
    can_answer: bool,
    yes: bool,
}

const BOLD: &str = "1";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const RED: &str = "31";
const CYAN: &str = "36";

impl Printer {
    /// A printer for this process.
    #[must_use]
    pub fn new(output: Output, quiet: bool, yes: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let results = std::io::stdout().is_terminal();
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        let plain = dumb || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            output,
            quiet,
            leads: true,
            screen: results && !dumb && output == Output::Text,
            color: terminal && results && !plain && output == Output::Text,
            terminal: terminal && !quiet && output == Output::Text,
            seen: terminal && results && !quiet && output == Output::Text,
            can_answer: std::io::stdin().is_terminal() && terminal,
            yes,
        }
    }

    /// The same for a part of a command, which has no last word.
    #[must_use]
    pub fn without_next(self) -> Self {
        Self { leads: false, ..self }
    }

    fn paint(&self, style: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{style}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn is_text(&self) -> bool {
        self.output == Output::Text
    }

    /// A line of the result.
    pub fn line(&self, text: impl AsRef<str>) {
        if self.is_text() {
            out(&clean(text.as_ref()));
        }
    }

    /// A line above a part of the result.
    pub fn heading(&self, text: impl AsRef<str>) {
        if self.is_text() {
            out(&self.paint(BOLD, &clean(text.as_ref())));
        }
    }

    /// A unified diff.
    pub fn diff(&self, text: &str) {
        if !self.is_text() {
            return;
        }
        for line in text.lines() {
            let style = match line.as_bytes().first() {
                Some(b'+') => GREEN,
                Some(b'-') => RED,
                Some(b'@') => CYAN,
                _ => "",
            };
            let line = clean(line);
            out(&if style.is_empty() { line } else { self.paint(style, &line) });
        }
    }

    /// Text of the result, as it is: generated files.
    pub fn raw(&self, text: &str) {
        if self.is_text() {
            let _ = std::io::stdout().lock().write_all(text.as_bytes());
        }
    }

    /// Something done.
    pub fn done(&self, text: impl AsRef<str>) {
        if self.is_text() && !self.quiet {
            out(&format!("{} {}", self.paint(GREEN, "✓"), clean(text.as_ref())));
        }
    }

    /// Something happening.
    pub fn note(&self, text: impl AsRef<str>) {
        if self.quiet {
            return;
        }
        match self.output {
            Output::Text | Output::Yaml => err(&clean(text.as_ref())),
            Output::Json => err(&serde_json::json!({"event": "note", "message": text.as_ref()}).to_string()),
        }
    }

    /// Whether [`Printer::secret`] would reach somebody.
    #[must_use]
    pub fn can_show_secrets(&self) -> bool {
        self.is_seen()
    }

    /// Whether somebody sits at a terminal and sees the results there.
    #[must_use]
    pub fn is_seen(&self) -> bool {
        self.seen
    }

    /// Something for the eyes of who sits at the terminal: it goes there or nowhere. False where it went nowhere.
    #[must_use]
    pub fn secret(&self, what: &str, value: &str) -> bool {
        if self.can_show_secrets() {
            err(&format!("{}: {}  (shown this once)", clean(what), self.paint(BOLD, &clean(value))));
        }
        self.can_show_secrets()
    }

    /// Something to know.
    pub fn warn(&self, text: impl AsRef<str>) {
        match self.output {
            Output::Text | Output::Yaml => err(&format!("{} {}", self.paint(YELLOW, "warning:"), clean(text.as_ref()))),
            Output::Json => err(&serde_json::json!({"event": "warning", "message": text.as_ref()}).to_string()),
        }
    }

    /// The next commands to type.
    pub fn next(&self, commands: &[(&str, &str)]) {
        if !self.is_text() || self.quiet || !self.leads || commands.is_empty() {
            return;
        }
        out("");
        out("Next:");
        let width = commands.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
        for (command, why) in commands {
            let padding = " ".repeat(width - command.chars().count());
            out(format!("  {}{padding}   {why}", self.paint(CYAN, command)).trim_end());
        }
    }

    /// A table of the result.
    pub fn table(&self, table: &Table) {
        if self.is_text() {
            table
                .lines()
                .iter()
                .enumerate()
                .for_each(|(place, line)| out(&if place == 0 { self.paint(BOLD, line) } else { line.clone() }));
        }
    }

    /// Clears the screen for a newer result; false where results go elsewhere.
    #[must_use]
    pub fn redraw(&self) -> bool {
        if self.screen {
            self.raw("\u{1b}[2J\u{1b}[H");
        }
        self.screen
    }

    /// What a check found: a word for how it went, the check, what it found and what to do.
    pub fn verdict(&self, went: &str, check: &str, found: &str, to_do: Option<&str>) {
        if self.is_text() {
            let style = match went {
                "ok" => GREEN,
                "warn" => YELLOW,
                _ => RED,
            };
            out(&format!(
                "{}{}  {check:<14}{}",
                self.paint(style, went),
                " ".repeat(4_usize.saturating_sub(went.len())),
                clean(found)
            ));
            if let Some(to_do) = to_do {
                out(&format!("{}{} {}", " ".repeat(20), self.paint(CYAN, "→"), clean(to_do)));
            }
        }
    }

    /// A result for programs.
    pub fn json(&self, value: &impl Serialize) {
        match self.output {
            Output::Text => {}
            Output::Json => out(&serde_json::to_string(value).expect("results are plain data")),
            Output::Yaml => {
                let value = serde_json::to_value(value).expect("results are plain data");
                out(format!("---\n{}", crate::yaml::to_string(&value)).trim_end());
            }
        }
    }

    /// An error, with what to do.
    pub fn error(&self, error: &Error) {
        if self.output == Output::Json {
            err(&serde_json::json!({"event": "error", "message": error.to_string(), "hints": error.hints(), "exitCode": error.exit_status() as u8}).to_string());
            return;
        }
        err(&format!("{} {}", self.paint(RED, "error:"), clean(&error.to_string())));
        for hint in error.hints() {
            err(&format!("{} {}", self.paint(CYAN, "hint:"), clean(hint)));
        }
    }

    /// Whether a question would find an answer.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        self.yes || self.can_answer && self.is_text()
    }

    /// Whether somebody could type words that are asked for; else an error, for which `otherwise` says what to do.
    pub fn can_type(&self, question: &str, expected: &str, otherwise: &str) -> Result<()> {
        if self.can_answer && self.is_text() {
            Ok(())
        } else {
            Err(Error::usage(format!("this needs {expected:?} typed, and there is no terminal to ask on"))
                .detail(question.to_owned())
                .hint(otherwise.to_owned()))
        }
    }

    /// Asks for these very words on a terminal. `--yes` is no answer to it.
    pub fn typed(&self, question: &str, expected: &str, otherwise: &str) -> Result<bool> {
        self.can_type(question, expected, otherwise)?;
        Ok(ask(question) == expected)
    }

    /// Asks on a terminal; `--yes` answers yes. Without either it is an error, not a guess.
    pub fn confirm(&self, question: &str) -> Result<bool> {
        if self.yes {
            return Ok(true);
        }
        if !self.can_answer || !self.is_text() {
            return Err(Error::usage("this needs a yes, and there is no terminal to ask on")
                .detail(question.to_owned())
                .hint("say it with --yes"));
        }
        Ok(matches!(ask(&format!("{question} [y/N]")).to_lowercase().as_str(), "y" | "yes"))
    }
}

/// What comes by standard input, without the line's end.
pub fn typed_in() -> std::io::Result<String> {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut std::io::stdin().lock(), &mut text)?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

/// So many of these.
#[must_use]
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Where a tool's own words go: what happens meanwhile is no result.
#[must_use]
pub fn meanwhile() -> std::process::Stdio {
    std::io::stderr().into()
}

fn ask(question: &str) -> String {
    let _ = write!(std::io::stderr(), "{} ", clean(question));
    let mut answer = String::new();
    let _ = std::io::stdin().lock().read_line(&mut answer);
    answer.trim().to_owned()
}

/// A closed pipe is a reader that has enough, not a failure.
fn out(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn err(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Text without the control characters that could drive a terminal; line breaks and tabs stay.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// Columns of text.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    #[must_use]
    pub fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|heading| (*heading).to_owned()).collect()] }
    }

    /// Adds a row.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(|cell| clean(&cell.into()).replace('\n', " ")).collect());
    }

    /// The lines: columns as wide as their widest cell, two spaces between.
    fn lines(&self) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        self.rows
            .iter()
            .map(|row| {
                let cells =
                    row.iter().zip(&widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.chars().count())));
                cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&["NAME", "X"]);
        table.row(["a", "1"]);
        table.row(["longer", "2"]);
        assert_eq!(table.lines(), ["NAME    X", "a       1", "longer  2"]);
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "object")), ["0 objects", "1 object", "2 objects"]);
    }

    #[test]
    fn text_from_elsewhere_can_not_drive_the_terminal() {
        assert_eq!(clean("a\u{1b}[31mb\u{7}\tc\n"), "a[31mb\tc\n");
    }
}
