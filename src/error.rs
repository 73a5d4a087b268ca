//! The one error that reaches a person.
//!
//! Below the commands every fallible function returns [`Error`]: what is wrong, where it stands (file, line, field), what
//! was expected and what to do next. The exit code follows from its [`Kind`], so no other place decides it.

use std::fmt;
use std::path::{Path, PathBuf};

/// What the process says to its caller when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitStatus {
    /// Everything asked for is true.
    Done = 0,
    /// Something failed; the message says what.
    Failed = 1,
    /// The command line is not one that kfctl understands.
    Usage = 2,
    /// `diff` found something to change.
    Changes = 3,
    /// Written, but not ready within the time given.
    NotReady = 4,
    /// The cluster is not the one this app belongs to.
    WrongCluster = 5,
    /// Stopped by the user.
    Interrupted = 130,
}

/// The classes of errors, each with the exit status it ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The words of the command line are wrong.
    Usage,
    /// A file says something that can't be.
    Input,
    /// The machine or the network did not do its part.
    Environment,
    /// The cluster refused or failed.
    Cluster,
    /// Written, but not ready in time.
    NotReady,
    /// Another cluster than the one recorded.
    WrongCluster,
    /// Ctrl-C.
    Interrupted,
}

/// An error as a person should read it.
#[derive(Debug)]
pub struct Error(Box<Parts>);

#[derive(Debug)]
struct Parts {
    kind: Kind,
    message: String,
    file: Option<PathBuf>,
    position: Option<(usize, usize)>,
    field: Option<String>,
    expected: Option<String>,
    details: Vec<String>,
    hints: Vec<String>,
}

/// The result of everything below the commands.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of this kind; `message` is one plain sentence without a full stop.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            kind,
            message: message.into(),
            file: None,
            position: None,
            field: None,
            expected: None,
            details: Vec::new(),
            hints: Vec::new(),
        }))
    }

    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// A file is wrong.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(Kind::Input, message)
    }

    /// The machine did not do its part.
    pub fn environment(message: impl Into<String>) -> Self {
        Self::new(Kind::Environment, message)
    }

    /// The cluster did not do its part.
    pub fn cluster(message: impl Into<String>) -> Self {
        Self::new(Kind::Cluster, message)
    }

    /// An I/O error on `path`, while doing `what` ("read", "write", "create").
    #[must_use]
    pub fn io(what: &str, path: &Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        // tempfile adds the path of its own file, which says nothing to anybody.
        let words = error.to_string();
        let cause = words.split(" at path \"").next().unwrap_or(&words);
        let problem = Self::environment(format!("cannot {what} {}: {cause}", path.display()));
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => problem.hint("make room there, then run the same command again"),
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
                problem.hint(format!("run it as a user, and in a place, that can {what} this"))
            }
            _ => problem,
        }
    }

    /// The file it stands in. What is wrong in a file is not the command line's fault.
    #[must_use]
    pub fn in_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.0.file.get_or_insert(path.into());
        if self.0.kind == Kind::Usage {
            self.0.kind = Kind::Input;
        }
        self
    }

    /// The line and column (both from 1) in that file.
    #[must_use]
    pub fn at(mut self, line: usize, column: usize) -> Self {
        self.0.position = Some((line, column));
        self
    }

    /// The field, as a path with dots.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// What would have been right.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.0.expected = Some(expected.into());
        self
    }

    /// One more line of what happened, below the message.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.details.push(detail.into());
        self
    }

    /// What to do next: a sentence, or a command in backquotes.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hints.push(hint.into());
        self
    }

    /// A hint that names the nearest of the `known` names, where one is near.
    #[must_use]
    pub fn did_you_mean<'a>(self, wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let best = known
            .into_iter()
            .map(|name| (strsim::damerau_levenshtein(&wrong.to_lowercase(), &name.to_lowercase()), name))
            .min()
            .filter(|(distance, name)| *distance <= name.len().max(wrong.len()).div_ceil(2));
        match best {
            Some((_, name)) => self.hint(format!("did you mean `{name}`?")),
            None => self,
        }
    }

    /// The same, and all the known names.
    #[must_use]
    pub fn nearest<'a>(self, wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        let list = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        self.did_you_mean(wrong, known).hint(format!("known: {list}"))
    }

    /// The class of this error.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The field it is about.
    #[must_use]
    pub fn field_name(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// The line and column it is about.
    #[must_use]
    pub fn position(&self) -> Option<(usize, usize)> {
        self.0.position
    }

    /// The hints, in the order to try them.
    #[must_use]
    pub fn hints(&self) -> &[String] {
        &self.0.hints
    }

    /// The exit status this error ends in.
    #[must_use]
    pub fn exit_status(&self) -> ExitStatus {
        match self.0.kind {
            Kind::Usage => ExitStatus::Usage,
            Kind::Input | Kind::Environment | Kind::Cluster => ExitStatus::Failed,
            Kind::NotReady => ExitStatus::NotReady,
            Kind::WrongCluster => ExitStatus::WrongCluster,
            Kind::Interrupted => ExitStatus::Interrupted,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = &*self.0;
        if let Some(file) = &parts.file {
            write!(f, "{}", file.display())?;
            if let Some((line, column)) = parts.position {
                write!(f, ":{line}:{column}")?;
            }
            write!(f, ": ")?;
        }
        if let Some(field) = &parts.field {
            write!(f, "{field}: ")?;
        }
        write!(f, "{}", parts.message)?;
        if let Some(expected) = &parts.expected {
            write!(f, "; expected {expected}")?;
        }
        for detail in &parts.details {
            write!(f, "\n  {detail}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// A word as a shell takes it, for commands in hints: others choose names, and whoever reads a hint may type it.
#[must_use]
pub fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@%+=:,./_-".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_command_is_one_word_and_runs_nothing() {
        for plain in ["jane@foo.com", "system:admin", "a-b_c.d+e"] {
            assert_eq!(quoted(plain), plain);
        }
        for (name, word) in [("", "''"), ("a b", "'a b'"), ("$(id)@x.org", "'$(id)@x.org'"), ("o'neil;id", r"'o'\''neil;id'")] {
            assert_eq!(quoted(name), word);
        }
    }

    #[test]
    fn says_where_what_and_what_was_expected() {
        let error = Error::input("\"lots\" is no quantity")
            .in_file("app.yaml")
            .at(7, 13)
            .field("params.profiles.maxCpu")
            .expected("a number such as 100 or 500m");
        assert_eq!(
            error.to_string(),
            "app.yaml:7:13: params.profiles.maxCpu: \"lots\" is no quantity; expected a number such as 100 or 500m"
        );
        assert_eq!(error.exit_status(), ExitStatus::Failed);
    }

    #[test]
    fn names_the_nearest_match_only_when_it_is_near() {
        let near = Error::usage("no").nearest("maxcpu", ["maxGpu", "maxCpu", "maxRam"]);
        assert_eq!(near.hints()[0], "did you mean `maxCpu`?");
        let far = Error::usage("no").nearest("zzzzzzzz", ["maxGpu"]);
        assert_eq!(far.hints(), ["known: maxGpu"]);
    }
}
