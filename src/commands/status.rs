//! `kfctl status`: what the app has in the cluster, and whether it is ready.

use super::{Session, platform};
use crate::apply::{self, Live, Readiness, readiness};
use crate::cluster::{Connection, Discovery};
use crate::error::{ExitStatus, Result};
use crate::ui::Table;

pub(super) async fn run(session: &Session) -> Result<ExitStatus> {
    let (app, catalog) = (session.app()?, session.catalog()?);
    let connection = Connection::open(&platform::target(session, &app, &catalog)?).await?;
    apply::check_cluster(&connection, app.file.cluster.as_ref()).await?;
    let explain = |failure| connection.explain(&failure, "read what the app has there");
    let known = apply::inventories(&connection, &app.file.name).await.map_err(explain)?;
    let discovery = Discovery::read(&connection).await.map_err(explain)?;
    let mut table = Table::new(&["COMPONENT", "OBJECTS", "READY", "NOT READY"]);
    let mut inventories: Vec<_> = known.values().collect();
    inventories.sort_by_key(|inventory| inventory.order);
    let mut all_ready = true;
    for inventory in inventories {
        let live = Live::read(&connection, &discovery, &[inventory], &[], 8).await.map_err(explain)?;
        let unready: Vec<(String, String)> = live
            .iter()
            .filter_map(|(id, object)| match readiness(id, object) {
                Readiness::Ready => None,
                Readiness::Progressing(reason) | Readiness::Failed(reason) => Some((id.to_string(), reason)),
            })
            .collect();
        let total = live.iter().count();
        session.printer.json(&serde_json::json!({
            "component": inventory.component, "objects": total, "ready": total - unready.len(),
            "unready": unready.iter().map(|(id, reason)| serde_json::json!({"object": id, "reason": reason})).collect::<Vec<_>>()}));
        all_ready &= unready.is_empty();
        let why: Vec<String> = unready.into_iter().map(|(id, reason)| format!("{id}: {reason}")).collect();
        table.row([inventory.component.clone(), total.to_string(), (total - why.len()).to_string(), why.join("; ")]);
    }
    if known.is_empty() {
        session.printer.note(format!("app {} has nothing in {}", app.file.name, connection.server));
        session.printer.next(&[("kfctl apply k8s", "bring the cluster to what the app says")]);
    } else {
        session.printer.table(&table);
    }
    Ok(if all_ready { ExitStatus::Done } else { ExitStatus::NotReady })
}
