//! `kfctl sources`: the pinned releases of other projects that components bring.

use std::path::Path;

use super::Session;
use crate::catalog::Catalog;
use crate::cli::Sources;
use crate::directories::store;
use crate::error::{ExitStatus, Result};
use crate::sources::Source;
use crate::ui::Table;

pub(super) fn run(session: &Session, command: &Sources) -> Result<ExitStatus> {
    let catalog = session.catalog()?;
    match command {
        Sources::List => list(session, &catalog),
        Sources::Fetch { directory } => fetch(session, &catalog, directory)?,
    }
    Ok(ExitStatus::Done)
}

fn all(catalog: &Catalog) -> impl Iterator<Item = (&str, &Source)> {
    catalog.components().flat_map(|component| component.sources.iter().map(|source| (component.name.as_str(), source)))
}

fn list(session: &Session, catalog: &Catalog) {
    let mut table = Table::new(&["COMPONENT", "TAKEN FROM", "SHA256", "URL"]);
    for (component, source) in all(catalog) {
        let place = catalog.sources.place(source);
        let place = place.map_or_else(|| "the network".to_owned(), |path| path.parent().unwrap_or(&path).display().to_string());
        session.printer.json(
            &serde_json::json!({"component": component, "from": place, "sha256": source.sha256, "url": source.url, "when": source.when}),
        );
        table.row([component, &place, &source.sha256[..12], &source.url]);
    }
    session.printer.table(&table);
}

fn fetch(session: &Session, catalog: &Catalog, directory: &Path) -> Result<()> {
    let wanted: Vec<&Source> = all(catalog).map(|(_, source)| source).collect();
    let found = catalog.sources.read(&wanted)?;
    for (sha256, text) in &found {
        store(&directory.join(sha256), text.as_bytes())?;
    }
    session.printer.json(&serde_json::json!({"directory": directory, "files": found.len()}));
    session.printer.done(format!("{} files are in {}", found.len(), directory.display()));
    session
        .printer
        .next(&[(&format!("kfctl generate k8s --sources {}", directory.display()), "on the machine without a network")]);
    Ok(())
}
