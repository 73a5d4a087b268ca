//! Keeps the names of those for whom the web UI may act, where there is one.

use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::world::Source;
use crate::controllers::leader::Leadership;
use crate::controllers::lock;
use crate::controllers::writer::Writer;
use crate::labels::WEB_USERS;

/// News that comes together is answered by one write.
const TOGETHER: Duration = Duration::from_millis(100);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Runs for ever; writes while this replica leads. What comes too late is refused: each write is over the version that it was made from.
pub(in crate::controllers) async fn keep(shared: Arc<Shared>, writer: Writer, mut leadership: Leadership) {
    let path = format!("/apis/rbac.authorization.k8s.io/v1/clusterroles/{WEB_USERS}");
    let mut pause = FIRST_PAUSE;
    loop {
        leadership.won().await;
        let change = {
            let world = lock(&shared.world);
            world.is_filled().then(|| world.people_change()).flatten()
        };
        let Some(change) = change else {
            shared.people.notified().await;
            tokio::time::sleep(TOGETHER).await;
            continue;
        };
        match writer.patch("clusterroles", &path, &change).await {
            Ok(answer) => {
                shared.record(&Source::WebUsers, answer, 0);
                pause = FIRST_PAUSE;
            }
            Err(failure) => {
                tracing::warn!(reason = failure.message, "for whom the web UI may act can't be written; it is tried again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}
