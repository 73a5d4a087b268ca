//! Lets today's profiles go without what hangs on them. Each step is made certain by a look of its own; the last can't be taken back.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};
use http::Method;
use serde_json::{Value, json};

use super::check::refusals;
use super::file::Exported;
use super::look::{DEFINITION, Owned, Theirs};
use crate::cluster::{Class, Connection, Failure};
use crate::error::{Error, Kind, Result};
use crate::labels::{FIELD_MANAGER, IMPORTED_FROM, THEIR_FINALIZER};
use crate::object::{ObjectId, list};

const CONCURRENCY: usize = 16;
/// How often what others change meanwhile is looked at again.
const PASSES: usize = 10;
const PAUSE: Duration = Duration::from_millis(200);

/// What an earlier run has let go is in the old file alone.
const EXPORT: &str = "keep this file; export the list again into another (`kubectl get profiles -o yaml > profiles-2.yaml`) and import that one; once ours are there, import both";

/// Where what happens is told.
pub(super) type Tell<'a> = &'a (dyn Fn(&str) + Sync);

/// The way from profiles of theirs to none.
#[derive(Debug)]
pub struct Release<'a> {
    connection: &'a Connection,
    exported: &'a [Exported],
    theirs: Theirs,
    deadline: Instant,
}

impl<'a> Release<'a> {
    /// Looks, and refuses what could lose something.
    pub async fn begin(
        connection: &'a Connection,
        exported: &'a [Exported],
        definition: Value,
        deadline: Instant,
    ) -> Result<Self> {
        let theirs = Theirs::look(connection, definition).await?;
        let release = Self { connection, exported, theirs, deadline };
        release.check()?;
        Ok(release)
    }

    fn check(&self) -> Result<()> {
        let refusals = refusals(self.exported, &self.theirs);
        if refusals.is_empty() {
            return Ok(());
        }
        let error =
            Error::cluster(format!("{} of {} profiles can't be taken over as they are", refusals.len(), self.exported.len()));
        let error = refusals.iter().take(20).fold(error, |error, refusal| error.detail(refusal.clone()));
        Err(error.hint(EXPORT))
    }

    async fn look(&mut self) -> Result<()> {
        self.theirs = Theirs::look(self.connection, self.theirs.definition.clone()).await?;
        self.check()
    }

    /// What there is.
    #[must_use]
    pub fn theirs(&self) -> &Theirs {
        &self.theirs
    }

    /// Whether nothing is left to be freed.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.theirs.is_free() && self.theirs.unmarked(self.exported).is_empty()
    }

    /// Lets the server check every change that frees something, and changes nothing.
    pub async fn rehearse(&self) -> Result<()> {
        self.scale(true).await?;
        self.free_owned(true).await?;
        self.take_finalizers(true).await
    }

    /// Stops their controller, frees what their profiles own, and reads all of it again.
    pub async fn free(&mut self, tell: Tell<'_>) -> Result<()> {
        self.scale(false).await?;
        self.stopped().await?;
        tell("upstream's controller of profiles is stopped");
        for _ in 0..PASSES {
            self.look().await?;
            if self.theirs.owned.is_empty() {
                break;
            }
            self.free_owned(false).await?;
        }
        self.owns_nothing()?;
        for _ in 0..PASSES {
            self.take_finalizers(false).await?;
            self.look().await?;
            if self.is_free() {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(Error::cluster("upstream's controller of profiles runs again, or its finalizers come back")
            .hint("something starts it anew, such as Argo CD or Flux: stop that, then run this again"))
    }

    fn owns_nothing(&self) -> Result<()> {
        let owned = &self.theirs.owned;
        if owned.is_empty() {
            return Ok(());
        }
        let error = Error::cluster(format!("{} objects name a profile as their owner again and again", owned.len()));
        let error = owned.iter().take(10).fold(error, |error, owned| error.detail(owned.id.to_string()));
        Err(error.hint("something puts the owner back: stop it, then run this again. Nothing was removed"))
    }

    /// Lets the profiles go, each alone and leaving what might still hang on it, and then their definition. All is looked at once more.
    pub async fn let_go(&mut self, tell: Tell<'_>) -> Result<()> {
        self.look().await?;
        self.owns_nothing()?;
        self.stopped().await?;
        if !self.is_free() {
            return Err(
                Error::cluster("something has changed since it was looked at: nothing was removed").hint("run this again")
            );
        }
        let count = self.theirs.profiles.len();
        loop {
            let profiles = match self.connection.read(&self.theirs.path).await {
                Ok(answer) => list(&answer, "/items").to_vec(),
                Err(failure) if matches!(failure.class, Class::NoMatch | Class::NotFound) => Vec::new(),
                Err(failure) => return Err(self.failed(&failure, "read the profiles")),
            };
            if profiles.is_empty() {
                break;
            }
            let is_known = |profile: &&Value| self.exported.iter().any(|exported| profile["metadata"]["uid"] == *exported.uid);
            if let Some(stranger) = profiles.iter().find(|profile| !is_known(profile)) {
                let name = stranger["metadata"]["name"].as_str().unwrap_or_default();
                return Err(Error::cluster(format!(
                    "profile {name} has come meanwhile: it is not in the file, and was left alone"
                ))
                .hint(EXPORT));
            }
            for profile in profiles.iter().filter(|profile| profile["metadata"].get("deletionTimestamp").is_none()) {
                let path = format!("{}/{}", self.theirs.path, profile["metadata"]["name"].as_str().unwrap_or_default());
                self.delete(&path, profile, "Orphan").await?;
            }
            self.pause("upstream's profiles are gone").await?;
        }
        tell(&format!("{count} profiles of upstream's are gone, and all that was theirs is there"));
        self.theirs.namespaces = self.namespaces().await?;
        self.check()?;
        loop {
            match self.connection.read(DEFINITION).await {
                Ok(there) if there["metadata"]["uid"] != self.theirs.definition["metadata"]["uid"] => break,
                Ok(there) if there["metadata"].get("deletionTimestamp").is_none() => {
                    self.delete(DEFINITION, &there, "Background").await?;
                }
                Ok(_) => {}
                Err(failure) if failure.class == Class::NotFound => break,
                Err(failure) => return Err(self.failed(&failure, "read the definition of profiles")),
            }
            self.pause("upstream's definition of profiles is gone").await?;
        }
        tell("upstream's definition of profiles is gone");
        Ok(())
    }

    async fn namespaces(&self) -> Result<std::collections::BTreeMap<String, Value>> {
        let found = self.connection.read_metadata("/api/v1/namespaces").await;
        let found = found.map_err(|failure| self.failed(&failure, "read the namespaces"))?;
        Ok(found
            .into_iter()
            .map(|namespace| (namespace["metadata"]["name"].as_str().unwrap_or_default().to_owned(), namespace))
            .collect())
    }

    /// Deletes this very version of an object; where it has changed meanwhile, the next look tells.
    async fn delete(&self, path: &str, object: &Value, dependents: &str) -> Result<()> {
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
        match self.connection.delete(path, text("uid"), text("resourceVersion"), dependents).await {
            Err(failure) if !matches!(failure.class, Class::NotFound | Class::Busy) => {
                Err(self.failed(&failure, &format!("delete {}", text("name"))))
            }
            _ => Ok(()),
        }
    }

    async fn pause(&self, what: &str) -> Result<()> {
        if Instant::now() > self.deadline {
            return Err(Error::new(Kind::NotReady, format!("gave up waiting until {what}"))
                .hint("nothing is lost: run this again, with a longer --timeout; the garbage collector (kube-controller-manager) has to run"));
        }
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }

    fn failed(&self, failure: &Failure, what: &str) -> Error {
        self.connection.explain(failure, what)
    }

    async fn change(&self, id: &ObjectId, path: &str, change: &Value, dry_run: bool) -> Result<()> {
        let path = format!("{path}?fieldManager={FIELD_MANAGER}{}", if dry_run { "&dryRun=All" } else { "" });
        let body = ("application/merge-patch+json", change.to_string().into_bytes());
        match self.connection.request(Method::PATCH, &path, "application/json", Some(body)).await {
            // What is gone, or was changed by somebody else in between, is for the next look to tell.
            Err(failure) if !matches!(failure.class, Class::NotFound | Class::Busy | Class::NoDryRun) => {
                Err(Error::cluster(format!("{id} can't be freed"))
                    .detail(failure.message)
                    .hint("nothing was removed: mend that, then run this again"))
            }
            _ => Ok(()),
        }
    }

    async fn scale(&self, dry_run: bool) -> Result<()> {
        for controller in self.theirs.controllers.iter().filter(|controller| controller["spec"]["replicas"] != 0) {
            let (id, path) = deployment(controller);
            self.change(&id, &format!("{path}/scale"), &json!({"spec": {"replicas": 0}}), dry_run).await?;
        }
        Ok(())
    }

    /// Waits until no pod of their controller runs any longer: one that ends could still write.
    async fn stopped(&self) -> Result<()> {
        for controller in &self.theirs.controllers {
            let labels = controller["spec"]["selector"]["matchLabels"].as_object().into_iter().flatten();
            let selector: Vec<String> =
                labels.map(|(name, value)| format!("{name}%3D{}", value.as_str().unwrap_or_default())).collect();
            let namespace = controller["metadata"]["namespace"].as_str().unwrap_or_default();
            let path = format!("/api/v1/namespaces/{namespace}/pods?labelSelector={}", selector.join("%2C"));
            loop {
                let pods = self
                    .connection
                    .read(&path)
                    .await
                    .map_err(|failure| self.failed(&failure, "read the pods of their controller"))?;
                let has_ended = |pod: &Value| matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
                if list(&pods, "/items").iter().all(has_ended) {
                    break;
                }
                self.pause("the pods of upstream's controller are gone").await?;
            }
        }
        Ok(())
    }

    async fn free_owned(&self, dry_run: bool) -> Result<()> {
        let marks: HashSet<(&str, &str)> =
            self.exported.iter().map(|exported| (exported.name.as_str(), exported.uid.as_str())).collect();
        let free = |owned: &Owned| {
            let mut change = owned.change();
            // That the namespace was this profile's must not be forgotten with the reference: both are one write.
            let owner = owned.owners().find(|uid| marks.contains(&(owned.id.name.as_str(), uid)));
            if let (true, Some(uid)) = (owned.id.is("", "Namespace"), owner) {
                change["metadata"]["annotations"][IMPORTED_FROM] = uid.into();
            }
            let (id, path) = (owned.id.clone(), owned.path.clone());
            async move { self.change(&id, &path, &change, dry_run).await }
        };
        stream::iter(self.theirs.owned.iter().map(free)).buffer_unordered(CONCURRENCY).try_collect().await
    }

    async fn take_finalizers(&self, dry_run: bool) -> Result<()> {
        for profile in &self.theirs.profiles {
            let kept: Vec<&Value> =
                list(profile, "/metadata/finalizers").iter().filter(|name| **name != THEIR_FINALIZER).collect();
            if kept.len() == list(profile, "/metadata/finalizers").len() {
                continue;
            }
            let metadata = &profile["metadata"];
            let name = metadata["name"].as_str().unwrap_or_default();
            let id =
                ObjectId { group: "kubeflow.org".into(), kind: "Profile".into(), namespace: String::new(), name: name.into() };
            let change =
                json!({"metadata": {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"], "finalizers": kept}});
            self.change(&id, &format!("{}/{name}", self.theirs.path), &change, dry_run).await?;
        }
        Ok(())
    }
}

fn deployment(controller: &Value) -> (ObjectId, String) {
    let text = |field: &str| controller["metadata"][field].as_str().unwrap_or_default().to_owned();
    let id = ObjectId { group: "apps".into(), kind: "Deployment".into(), namespace: text("namespace"), name: text("name") };
    let path = format!("/apis/apps/v1/namespaces/{}/deployments/{}", id.namespace, id.name);
    (id, path)
}
