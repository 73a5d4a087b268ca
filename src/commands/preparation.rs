//! What `apply`, `diff` and `apply --dry-run` do alike before the engine runs: the plan, and the cluster it is for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{Session, one_of, platform};
use crate::app::{App, ClusterRecord, Rendered};
use crate::apply::{self, Aside, Edit, Events, Plan, Rights, Run, Settings};
use crate::catalog::{Catalog, Yield};
use crate::cluster::{Connection, Discovery, Failure, Version};
use crate::directories::cache_directory;
use crate::doctor::{self, Fact};
use crate::error::{Error, Result};
use crate::object::Object;

/// Components of a run with their place in the app's order.
pub(super) fn chosen(app: &App, catalog: &Catalog, named: &[String]) -> Result<Vec<(String, usize)>> {
    let all = app.components(catalog)?;
    for name in named {
        one_of(&all, name)?;
    }
    let places = all.into_iter().enumerate().map(|(place, name)| (name, place));
    Ok(places.filter(|(name, _)| named.is_empty() || named.contains(name)).collect())
}

/// A run before it starts.
pub(super) struct Preparation {
    pub connection: Connection,
    pub uid: String,
    /// Number of objects by component, in order.
    pub counts: Vec<(String, usize)>,
    pub discovery: Arc<Discovery>,
    pub rights: Option<Rights>,
    pub plan: Plan,
    /// Components that are left out, and why.
    pub asides: BTreeMap<String, Aside>,
    /// Items of ours in configurations of somebody else's.
    pub edits: Vec<Edit>,
    version: Fact<Version>,
    places: Vec<(String, usize)>,
    yields: BTreeMap<String, Vec<Yield>>,
    cache: Option<PathBuf>,
}

/// What a cluster tells about itself, whatever is to be done there.
struct Told {
    connection: Connection,
    uid: String,
    discovery: Result<Discovery, Failure>,
    version: Result<Version, Failure>,
    unlimited: Result<bool, Failure>,
}

impl Told {
    async fn by(connection: Result<Connection>, recorded: Option<ClusterRecord>) -> Result<Self> {
        let connection = connection?;
        // Where nobody answers, the first word tells, and the others are not waited for.
        let (uid, (discovery, version, unlimited)) =
            futures::future::try_join(apply::check_cluster(&connection, recorded.as_ref()), async {
                Ok(futures::join!(Discovery::read(&connection), Version::read(&connection), Rights::is_unlimited(&connection)))
            })
            .await?;
        Ok(Self { connection, uid, discovery, version, unlimited })
    }
}

impl Preparation {
    /// Renders these components, connects to the app's cluster, and to no other, and plans for what it serves. Writes nothing there. A
    /// server that says nothing is given up after `patience`.
    pub(super) async fn new(
        session: &Session,
        app: &App,
        catalog: &Catalog,
        places: Vec<(String, usize)>,
        render: impl FnOnce(&[String]) -> Result<Vec<Rendered>>,
        patience: Option<Duration>,
    ) -> Result<Self> {
        let connection = match platform::target(session, app, catalog) {
            Ok(target) => Connection::open(&target).await,
            Err(error) => Err(error),
        };
        let server = connection.as_ref().map(|connection| connection.server.clone()).unwrap_or_default();
        // The cluster is asked meanwhile; what is wrong with the files comes first.
        let told = tokio::spawn(Told::by(connection, app.file.cluster.clone()));
        let rendered = render(&places.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>())?;
        let planned = async { Self::plan(told.await.expect("it ends by itself")?, app, catalog, places, rendered).await };
        match patience {
            None => planned.await,
            Some(patience) => {
                tokio::time::timeout(patience, planned).await.unwrap_or_else(|_| Err(apply::too_late(&server, patience)))
            }
        }
    }

    async fn plan(
        told: Told,
        app: &App,
        catalog: &Catalog,
        places: Vec<(String, usize)>,
        rendered: Vec<Rendered>,
    ) -> Result<Self> {
        let Told { connection, uid, discovery, version, unlimited } = told;
        let explain = |failure: Failure| connection.explain(&failure, "read what it serves");
        let mut discovery = discovery.map_err(explain)?;
        let mut components: Vec<(String, Vec<Object>)> =
            rendered.into_iter().map(|rendered| (rendered.component, rendered.objects)).collect();
        let asides = Self::asides(&connection, &discovery, app, catalog, &places).await?;
        for (_, objects) in components.iter_mut().filter(|(component, _)| asides.contains_key(component)) {
            objects.clear();
        }
        let kinds = components.iter().flat_map(|(_, objects)| objects).map(|object| &object.id);
        discovery.complete(&connection, kinds.map(|id| (id.group.clone(), id.kind.clone()))).await.map_err(explain)?;
        let counts = components.iter().map(|(component, objects)| (component.clone(), objects.len())).collect();
        let plan = apply::plan(&app.file.name, components, &discovery, &app.file.namespace)?;
        let mut entries = BTreeMap::new();
        for (name, _) in &places {
            if catalog.find_component(name).is_some_and(|component| !component.entries.is_empty()) {
                entries.insert(name.clone(), app.entries(catalog, name)?);
            }
        }
        let edits = apply::edits(&connection, &discovery, &app.file.name, &plan, &entries).await;
        let edits = edits.map_err(|failure| connection.explain(&failure, "read what holds an item of ours"))?;
        // What can't be asked is found out by the dry-run.
        let rights = match unlimited {
            Ok(true) => Some(Rights::All),
            Ok(false) => {
                let namespaces = plan.members.iter().map(|member| member.object.id.namespace.clone()).collect();
                Rights::read(&connection, namespaces).await.ok()
            }
            Err(_) => None,
        };
        let version = version.map_err(|failure| failure.message);
        let yields = places
            .iter()
            .filter_map(|(name, _)| catalog.find_component(name))
            .map(|component| (component.name.clone(), component.yields.clone()))
            .collect();
        Ok(Self {
            connection,
            uid,
            counts,
            discovery: Arc::new(discovery),
            version,
            rights,
            places,
            plan,
            asides,
            edits,
            yields,
            cache: cache_directory().ok(),
        })
    }

    /// Components whose place somebody else's object has taken.
    async fn asides(
        connection: &Connection,
        discovery: &Discovery,
        app: &App,
        catalog: &Catalog,
        places: &[(String, usize)],
    ) -> Result<BTreeMap<String, Aside>> {
        let mut found = BTreeMap::new();
        for (component, _) in places {
            let Some(rule) = app.stands_aside(catalog, component)? else { continue };
            let aside = apply::stands_aside(connection, discovery, &app.file.name, component, rule).await;
            let aside = aside.map_err(|failure| connection.explain(&failure, "look for what may be there already"))?;
            let Some(aside) = aside else { continue };
            if let Some(least) = rule.at_least.as_deref().filter(|least| aside.is_older_than(least)) {
                return Err(Error::cluster(format!("component {component} would leave its place to what is there, but {aside}"))
                    .expected(format!("version {least} or newer"))
                    .detail("nothing was written")
                    .hint("upgrade what is there, and run this again"));
            }
            found.insert(component.clone(), aside);
        }
        Ok(found)
    }

    /// What is known to be fatal is said before anything is written.
    pub(super) fn check_fatal(&self) -> Result<()> {
        doctor::fatal(self.version.as_ref().map_err(Clone::clone), &self.discovery, &self.plan.members)
    }

    /// The run for the engine.
    pub(super) fn run<'a>(&'a self, session: &Session, app: &'a str, settings: Settings, events: Events) -> Run<'a> {
        Run {
            connection: &self.connection,
            discovery: &self.discovery,
            app,
            cluster_uid: &self.uid,
            components: &self.places,
            plan: &self.plan,
            asides: &self.asides,
            edits: &self.edits,
            yields: &self.yields,
            cache: self.cache.as_deref(),
            rights: self.rights.as_ref(),
            settings,
            events,
            stop: session.stop.clone(),
        }
    }
}
