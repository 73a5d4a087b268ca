//! What `delete` and pruning do alike: show what goes and what stays, take it away, and say how that ended.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::unbounded_channel;

use super::Session;
use crate::apply::{self, Events, Kept, Reason, Removal, Removed};
use crate::cluster::Connection;
use crate::error::{Error, Result};
use crate::object::ObjectId;
use crate::ui::listen;

/// Takes away what was found.
pub(super) async fn run(session: &Session, connection: &Connection, removal: Removal, timeout: Duration) -> Result<Removed> {
    let (sender, receiver) = unbounded_channel();
    let listener = tokio::spawn(listen(session.printer.clone(), receiver, session.verbose));
    let removed = apply::remove(connection, removal, Instant::now() + timeout, &Events::to(sender), session.stop.clone()).await;
    // The listener ends with its sender; its last line stands before the summary.
    let _ = listener.await;
    removed.map_err(|failure| connection.explain(&failure, "delete what the app has there"))
}

/// What stays and is worth a word: what another component of the app has taken over is not.
pub(super) fn worth_a_word(kept: &[Kept]) -> impl Iterator<Item = &Kept> {
    kept.iter().filter(|kept| !matches!(kept.reason, Reason::Moved { .. }))
}

/// Shows what stays, and why.
pub(super) fn show_kept(session: &Session, kept: &[Kept]) {
    for kept in worth_a_word(kept) {
        session.printer.line(format!("  {}: {}", kept.object, kept.reason));
    }
}

/// How many objects of each component go.
pub(super) fn counts(removal: &Removal) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for (_, component) in removal.going() {
        *counts.entry(component.to_owned()).or_default() += 1;
    }
    counts
}

/// Says what was refused and what is still there.
pub(super) fn troubles(session: &Session, removed: &Removed) {
    for problem in &removed.problems {
        session.printer.error(&Error::cluster(format!("{}: {}", problem.object, problem.reason)).hint(problem.hint.clone()));
    }
    for unready in &removed.unready {
        session.printer.warn(format!("{} is not gone: {}", unready.object, unready.reason));
    }
}

/// The command that takes the finalizers off by hand.
pub(super) fn by_force(object: &ObjectId) -> String {
    let namespace = if object.namespace.is_empty() { String::new() } else { format!("-n {} ", object.namespace) };
    let kind = object.group_kind().to_lowercase();
    format!("kubectl {namespace}patch {kind} {} --type=merge -p '{{\"metadata\":{{\"finalizers\":null}}}}'", object.name)
}
