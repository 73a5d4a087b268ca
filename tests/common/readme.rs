//! What README tells people to type, so that tests can type it.

/// The first block of commands below a heading of README.md.
pub(crate) fn commands(heading: &str) -> String {
    let readme = include_str!("../../README.md");
    let below = readme.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("README has no {heading:?}")).1;
    let block = below.lines().skip_while(|line| !line.starts_with("    ")).map_while(|line| line.strip_prefix("    "));
    let commands: String = block.flat_map(|line| [line, "\n"]).collect();
    assert!(!commands.is_empty(), "README has no commands below {heading:?}");
    commands
}
