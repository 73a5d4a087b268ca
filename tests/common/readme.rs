//! What README tells people to type, so that tests can type it.

/// The commands below a heading of README.md, up to the next one. What stands between fences is what was seen, and not typed.
pub(crate) fn commands(heading: &str) -> String {
    let readme = include_str!("../../README.md");
    let below = readme.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("README has no {heading:?}")).1;
    let section = below.split("\n## ").next().unwrap_or_default();
    let typed = section.split("\n```").step_by(2).flat_map(str::lines).filter_map(|line| line.strip_prefix("    "));
    let commands: String = typed.flat_map(|line| [line, "\n"]).collect();
    assert!(!commands.is_empty(), "README has no commands below {heading:?}");
    commands
}
