//! A command line that can't be understood, told as every other error where a program reads along.

use crate::error::Error;

/// What clap says in its own words, as our error, where `arguments` ask for JSON. `None` where its words are for a person.
#[must_use]
pub fn for_programs(problem: &clap::Error, arguments: &[String]) -> Option<Error> {
    if !problem.use_stderr() || !ask_for_json(arguments) {
        return None;
    }
    let text = problem.render().to_string();
    let mut parts = text.split("\n\n").map(str::trim);
    let message = parts.next().unwrap_or_default();
    let error = Error::usage(message.strip_prefix("error: ").unwrap_or(message));
    Some(parts.flat_map(str::lines).fold(error, |error, line| {
        let line = line.trim();
        error.hint(line.strip_prefix("tip: ").unwrap_or(line))
    }))
}

/// Whether JSON is asked for, as far as that can be told of words that don't fit.
fn ask_for_json(arguments: &[String]) -> bool {
    let is_short = |word: &str| word.starts_with('-') && !word.starts_with("--");
    let in_one = arguments
        .iter()
        .any(|word| word == "--output=json" || is_short(word) && (word.ends_with("ojson") || word.ends_with("o=json")));
    let named = |word: &str| word == "--output" || is_short(word) && word.ends_with('o');
    in_one || arguments.windows(2).any(|pair| named(&pair[0]) && pair[1] == "json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ways_to_ask_for_json() {
        let asks = |line: &str| ask_for_json(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        for line in ["diff -o json", "diff -ojson", "diff -o=json", "diff -yo json", "--output json diff", "diff --output=json"] {
            assert!(asks(line), "{line}");
        }
        for line in ["diff", "diff -o yaml", "diff -o", "init json", "param set a b json"] {
            assert!(!asks(line), "{line}");
        }
    }
}
