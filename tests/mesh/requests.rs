//! Reads requests.txt and settings.txt: people, and cells of who, by which method, where, with the answer that is right.

use std::collections::BTreeMap;

/// Whom a request is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    Gateway,
    Sidecar,
}

/// How somebody's requests are made: the words of their line, by name.
pub(crate) type Who = BTreeMap<String, String>;

/// A request, and the answer that is right.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) file: &'static str,
    pub(crate) line: usize,
    pub(crate) at: At,
    pub(crate) protocol: String,
    pub(crate) method: String,
    pub(crate) who: String,
    pub(crate) host: String,
    pub(crate) target: String,
    pub(crate) status: u16,
    /// The backend that is reached; `None` where none may be.
    pub(crate) backend: Option<String>,
}

/// What is asked for by a name: host and path.
type Destinations = BTreeMap<String, (String, String)>;

/// The files as they are in this repository.
pub(crate) const FILE: &str = include_str!("requests.txt");
const SETTINGS: &str = include_str!("settings.txt");

/// Parameters of component auth, and what holds where they are set so.
pub(crate) struct Setting {
    pub(crate) parameters: Vec<(&'static str, &'static str)>,
    pub(crate) people: BTreeMap<String, Who>,
    pub(crate) cells: Vec<Cell>,
}

/// All of settings.txt. People and places of requests.txt are known there.
pub(crate) fn settings() -> Vec<Setting> {
    let mut base = Table::default();
    base.read("requests.txt", 0, FILE);
    base.cells.clear();
    let lines: Vec<&str> = SETTINGS.lines().collect();
    let first = |line: &'static str| line.strip_prefix("[setting ").and_then(|line| line.strip_suffix(']'));
    let starts: Vec<usize> = (0..lines.len()).filter(|line| first(lines[*line]).is_some()).chain([lines.len()]).collect();
    let read = |block: &[usize]| {
        let set = first(lines[block[0]]).expect("a setting").split(' ');
        let mut table = base.clone();
        table.read("settings.txt", block[0] + 1, &lines[block[0] + 1..block[1]].join("\n"));
        let parameters = set.map(|set| set.split_once('=').expect("PARAMETER=VALUE")).collect();
        Setting { parameters, people: table.people, cells: table.cells }
    };
    starts.windows(2).map(read).collect()
}

/// Backends that serve several destinations.
fn backend_of(at: At, destination: &str) -> String {
    match (at, destination) {
        (At::Sidecar, _) | (_, "jane-served") => "jane-guarded",
        (_, "jupyter" | "profiles" | "home") => "pages",
        (_, own) => own,
    }
    .to_owned()
}

/// The people and the cells.
pub(crate) fn read(text: &str) -> (BTreeMap<String, Who>, Vec<Cell>) {
    let mut table = Table::default();
    table.read("requests.txt", 0, text);
    (table.people, table.cells)
}

/// What has been read.
#[derive(Clone, Default)]
struct Table {
    people: BTreeMap<String, Who>,
    destinations: Destinations,
    cells: Vec<Cell>,
}

impl Table {
    /// Reads on, in a text that begins below so many lines of its file.
    fn read(&mut self, file: &'static str, above: usize, text: &str) {
        let Self { people, destinations, cells } = self;
        let (mut section, mut columns): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
        for (number, line) in text.lines().enumerate().map(|(number, line)| (above + number + 1, line)) {
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                (section, columns) = (name.split_whitespace().collect(), Vec::new());
                continue;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            let cell = |who: &str, host: &str, target: &str, expected: &str, own: String| {
                let (status, backend) =
                    expected.split_once(':').map_or((expected, own), |(status, name)| (status, name.to_owned()));
                let status: u16 = status.parse().unwrap_or_else(|_| panic!("line {number}: {expected:?} is no status"));
                Cell {
                    file,
                    line: number,
                    at: if section.contains(&"sidecar") { At::Sidecar } else { At::Gateway },
                    protocol: "1.1".to_owned(),
                    method: "GET".to_owned(),
                    who: who.to_owned(),
                    host: host.to_owned(),
                    target: target.to_owned(),
                    status,
                    backend: (status == 200).then_some(backend),
                }
            };
            match section[..] {
                ["who"] => {
                    let word = |word: &&str| {
                        let (name, value) = word.split_once('=').unwrap_or_else(|| panic!("line {number}: {word:?}"));
                        (name.to_owned(), value.replace('~', " "))
                    };
                    people.insert(words[0].to_owned(), words[1..].iter().map(word).collect());
                }
                ["to"] => {
                    destinations.insert(words[0].to_owned(), (words[1].to_owned(), words[2].to_owned()));
                }
                _ if columns.is_empty() => columns = words,
                ["spellings", ..] => {
                    assert_eq!(words.len(), columns.len() + 3, "line {number}");
                    for (who, expected) in columns.iter().zip(&words[3..]) {
                        cells.push(Cell {
                            protocol: words[0].to_owned(),
                            ..cell(who, words[1], words[2], expected, String::new())
                        });
                    }
                }
                [place @ ("gateway" | "sidecar"), ref methods @ ..] => {
                    assert_eq!(words.len(), columns.len() + 1, "line {number}");
                    let at = if place == "sidecar" { At::Sidecar } else { At::Gateway };
                    for (to, expected) in columns.iter().zip(&words[1..]).filter(|(_, expected)| **expected != "-") {
                        let (host, path) = destinations.get(*to).unwrap_or_else(|| panic!("line {number}: {to:?} is nowhere"));
                        let cell = cell(words[0], host, path, expected, backend_of(at, to));
                        cells.extend(methods.iter().map(|method| Cell { method: (*method).to_owned(), ..cell.clone() }));
                    }
                }
                _ => panic!("line {number}: section {section:?}"),
            }
        }
        for cell in cells {
            assert!(people.contains_key(&cell.who), "line {}: nobody is {:?}", cell.line, cell.who);
        }
    }
}

#[test]
fn the_table_is_whole() {
    let (people, cells) = read(FILE);
    assert!(cells.len() >= 300, "{} cells", cells.len());
    for name in people.keys() {
        // An answer for one place alone would be no matrix.
        assert!(cells.iter().filter(|cell| cell.who == *name).count() >= 5, "{name} asks for next to nothing");
    }
    for status in [200, 400, 401, 403] {
        assert!(cells.iter().any(|cell| cell.status == status), "no cell expects {status}");
    }
}
