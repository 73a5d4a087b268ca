//! Brings the cluster to what a profile says: in the order that `plan` decides.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use futures::future::{BoxFuture, FutureExt, join_all};
use serde_json::{Value, json};

use super::Shared;
use super::claim::{Claim, claim};
use super::defaults::Defaults;
use super::desired::{self, Names};
use super::plan::{Leftover, Plan, Turn};
use super::status::{self, Facts, Verdict};
use super::world::{Source, View};
use super::write::Written;
use crate::api::profile::Profile;
use crate::cluster::{Class, Failure};
use crate::controllers::events::Recorder;
use crate::controllers::lock;
use crate::controllers::writer::Writer;
use crate::labels::{PROFILE_FINALIZER, RESET_QUOTA};

pub(super) const PROFILES: &str = "/apis/kubeflow.org/v1alpha1/namespaces/kubeflow-system/profiles";
pub(super) const NAMESPACES: &str = "/api/v1/namespaces";
/// Failures in a row that may pass by themselves before they are told.
const PASSING: u32 = 3;

/// Reconciles profiles.
pub(in crate::controllers) struct Reconciler {
    pub(super) shared: Arc<Shared>,
    pub(super) writer: Writer,
    pub(super) recorder: Recorder,
    /// What has been said of profiles that can't be read.
    pub(super) unreadable: Mutex<HashMap<String, String>>,
    /// Of which names in which bindings it has been said that no policy can take them.
    pub(super) unfit: Told,
    /// What has been said of which endpoints.
    pub(super) complaints: Told,
}

/// What has been said of whose uid, by profile: so that it is said once.
pub(super) type Told = Mutex<HashMap<String, BTreeSet<(String, String)>>>;

/// What the writes of one look came to.
struct Outcome {
    /// What went wrong with what is always kept, and with rights that are to go.
    failed: Option<(String, Failure)>,
    /// The same of what the admin's templates make, and have made.
    added: Option<(String, Failure)>,
    /// The mesh's condition.
    mesh: (&'static str, Verdict),
    enforced: Written,
}

impl Reconciler {
    pub(in crate::controllers) fn new(shared: Arc<Shared>, writer: Writer, recorder: Recorder) -> Self {
        Self { shared, writer, recorder, unreadable: Mutex::default(), unfit: Mutex::default(), complaints: Mutex::default() }
    }

    /// One look at one profile; `failures` counts those in a row before.
    pub(in crate::controllers) async fn reconcile(&self, name: &str, failures: u32) -> Result<(), Failure> {
        let (view, orphans) = {
            let world = lock(&self.shared.world);
            (world.view(name), world.orphans(name))
        };
        for (namespace, uid) in orphans {
            self.take_back(name, &namespace, &uid).await?;
        }
        let Some(view) = view else {
            lock(&self.unreadable).remove(name);
            lock(&self.unfit).remove(name);
            lock(&self.complaints).remove(name);
            return self.sweep(name).await;
        };
        if view.profile.deleting {
            return self.delete(name, &view).await;
        }
        if view.system_going {
            return self.leave(name, &view, "namespace kubeflow-system").await;
        }
        match &view.profile.content {
            Ok(profile) => self.keep(&Arc::clone(profile), view, failures).await,
            Err(problem) => self.tell_unreadable(name, &view, problem).await,
        }
    }

    async fn keep(&self, profile: &Profile, mut view: View, failures: u32) -> Result<(), Failure> {
        let names = Names::of(profile);
        let Some((claim, defaults, edit)) = self.admitted(profile, &names, &view).await? else { return Ok(()) };
        if view.profile.annotations.contains(RESET_QUOTA) || view.quota.as_ref().is_some_and(|quota| quota.reset) {
            self.reset_quota(&names, &view).await?;
            view.forget_quota();
        }
        let plan = Plan::new(&names, profile, &defaults, &edit, &view);
        if claim == Claim::Adopt {
            self.tell_kept(&names, &plan.objects).await?;
        }
        let Outcome { failed, added, mesh, enforced } = self.bring_about(&names, &view, &plan, &claim).await?;
        let ready = match &failed {
            Some((_, failure)) if failure.is_passing() && failures < PASSING => return Err(failure.clone()),
            Some((what, failure)) => Verdict::no("ApplyFailed", format!("{what}: {}", failure.message)),
            None => {
                let owner = &profile.spec.template.spec.owner.name;
                Verdict::yes("NamespaceReady", format!("namespace {} is ready for {owner}", names.namespace))
            }
        };
        let templates = match &added {
            Some((what, failure)) => Some(Err(format!("{what}: {}", failure.message))),
            None => plan.templates,
        };
        let more = [mesh, status::quota(&plan.quota)].into_iter().chain(status::templates(templates.as_ref())).collect();
        self.tell(&names.profile, &view, Facts { ready, namespace: Some(names.namespace), more }).await?;
        failed.or(added).or(enforced.err()).map_or(Ok(()), |(_, failure)| Err(failure))
    }

    /// Writes all that is due, in the order that the plan says.
    async fn bring_about(&self, names: &Names, view: &View, plan: &Plan, claim: &Claim) -> Result<Outcome, Failure> {
        let mut namespace = match claim {
            Claim::Make => self.begin(names, &plan.namespace, plan.digest).await?,
            _ => view.namespace.clone().unwrap_or_default(),
        };
        let (mut due, others) = plan.due(view);
        let mut done = Vec::new();
        if namespace.being_made {
            let work = join_all(others.into_iter().map(|object| self.put(object, view.there(object), true)));
            let (taken, made) = futures::join!(self.take_into_use(names, &namespace), work);
            (namespace, done) = (taken?, made);
        } else {
            due.extend(others);
        }
        let former = plan.former(claim, &namespace);
        let turn = plan.turn(&namespace, former);
        let write_namespace = || self.apply_namespace(names, plan, &namespace, *claim == Claim::Adopt);
        let noted = if turn == Turn::First { write_namespace().await } else { Ok(()) };

        let mut work: Vec<BoxFuture<'_, Written>> = Vec::new();
        if turn == Turn::Beside {
            work.push(write_namespace().boxed());
        }
        work.extend(due.into_iter().map(|object| self.put(object, view.there(object), false).boxed()));
        let (rights_left, others_left) = plan.leftovers(view);
        let take_off = |left| self.take_off(names, plan, left).boxed();
        work.extend(rights_left.into_iter().map(take_off));
        let templated = if noted.is_ok() { plan.due_templated(view, &namespace, turn) } else { Vec::new() };
        let mut additions: Vec<BoxFuture<'_, Written>> = templated.into_iter().map(|object| self.apply(object).boxed()).collect();
        additions.extend(others_left.into_iter().map(take_off));
        let (rest, added, (mesh, enforced)) =
            futures::join!(join_all(work), join_all(additions), self.enforce(names, view, &plan.mesh));
        done.extend(rest.into_iter().chain([noted]));

        // Only who has no right any more can't make themselves another.
        let is_bound = !done.iter().filter_map(|written| written.as_ref().err()).any(|(what, _)| what.starts_with("RoleBinding"));
        let mut failed = done.into_iter().find_map(Result::err);
        if let (Some(former), true) = (former, is_bound) {
            let handed_over = match self.get_out(names, former, &plan.objects).await {
                Ok(()) if turn == Turn::Last => write_namespace().await,
                other => other,
            };
            failed = handed_over.err().or(failed);
        }
        Ok(Outcome { failed, added: added.into_iter().find_map(Result::err), mesh, enforced })
    }

    /// Takes away what is wanted no more: a member of role admin leaves with what they have given themselves.
    async fn take_off(&self, names: &Names, plan: &Plan, (place, version): Leftover<'_>) -> Written {
        let Some(resource) = lock(&self.shared.world).kind(&place.0) else { return Ok(()) };
        if resource.kind == "RoleBinding" && desired::is_admins(&place.1) {
            return self.dismiss(names, &resource, place, version, &plan.objects).await;
        }
        self.prune(names, &resource, place, version).await
    }

    /// The claim of a profile that may have its namespace, and what holds for all; where it may not, that is told.
    async fn admitted(
        &self,
        profile: &Profile,
        names: &Names,
        view: &View,
    ) -> Result<Option<(Claim, Arc<Defaults>, Arc<Value>)>, Failure> {
        let name = names.profile.as_str();
        let blocked =
            |ready: Verdict, namespace: Option<&String>| Facts { ready, namespace: namespace.cloned(), more: Vec::new() };
        let claim = match claim(names, view) {
            Claim::Return(_) if self.was_owners(profile, names, view.namespace.as_ref()).await? => Claim::Adopt,
            Claim::Return(verdict) => Claim::Refused(verdict),
            other => other,
        };
        if let Claim::Refused(verdict) = claim {
            let holder = view.namespace.as_ref().and_then(|seen| seen.profile.as_ref());
            let kept = holder.is_some_and(|(_, uid)| *uid == names.uid).then_some(&names.namespace);
            return self.tell(name, view, blocked(verdict, kept)).await.map(|()| None);
        }
        let held = (claim == Claim::Hold).then_some(&names.namespace);
        let (defaults, edit) = match settings(view) {
            Ok(settings) => settings,
            Err(verdict) => return self.tell(name, view, blocked(verdict, held)).await.map(|()| None),
        };
        let is_there = self.ensure_finalizer(name, view, claim == Claim::Make).await?;
        Ok(is_there.then_some((claim, defaults, edit)))
    }

    /// Whether the profile is there to be kept. Before its namespace is made, the server is asked: what a new leader remembers may be
    /// of a profile that its predecessor has deleted, namespace and all.
    async fn ensure_finalizer(&self, name: &str, view: &View, ask: bool) -> Result<bool, Failure> {
        if !ask && view.profile.finalizers.iter().any(|finalizer| finalizer == PROFILE_FINALIZER) {
            return Ok(true);
        }
        let content = json!({"apiVersion": "kubeflow.org/v1alpha1", "kind": "Profile", "metadata": {
            "name": name, "namespace": super::SYSTEM_NAMESPACE, "uid": view.profile.uid, "finalizers": [PROFILE_FINALIZER]}});
        let answer = self.writer.apply("profiles", &format!("{PROFILES}/{name}"), &content, true).await?;
        let going = !answer["metadata"]["deletionTimestamp"].is_null();
        self.shared.record(&Source::Profiles, answer, 0);
        Ok(!going)
    }

    /// Puts a new quota in the place of the old: what others have claimed in it goes too.
    async fn reset_quota(&self, names: &Names, view: &View) -> Result<(), Failure> {
        if view.quota.is_some() {
            let path = format!("{NAMESPACES}/{}/resourcequotas/{}", names.namespace, super::quota::NAME);
            match self.writer.delete("resourcequotas", &path, &json!({})).await {
                Err(failure) if failure.class != Class::NotFound => return Err(failure),
                _ => {}
            }
        }
        if view.profile.annotations.contains(RESET_QUOTA) {
            let patch = json!({"metadata": {"uid": view.profile.uid, "annotations": {RESET_QUOTA: null}}});
            let answer = self.writer.patch("profiles", &format!("{PROFILES}/{}", names.profile), &patch).await?;
            self.shared.record(&Source::Profiles, answer, 0);
        }
        Ok(())
    }

    /// Takes the finalizer off: the profile may go.
    pub(super) async fn release(&self, name: &str, view: &View) -> Result<(), Failure> {
        let Some(place) = view.profile.finalizers.iter().position(|finalizer| finalizer == PROFILE_FINALIZER) else {
            return Ok(());
        };
        let finalizer = format!("/metadata/finalizers/{place}");
        let patch = json!([
            {"op": "test", "path": "/metadata/uid", "value": view.profile.uid},
            {"op": "test", "path": finalizer, "value": PROFILE_FINALIZER},
            {"op": "remove", "path": finalizer},
        ]);
        match self.writer.patch("profiles", &format!("{PROFILES}/{name}"), &patch).await {
            Err(failure) if failure.class != Class::NotFound => Err(failure),
            _ => Ok(()),
        }
    }
}

/// What holds for all profiles: the defaults, and the rules that Role `default` copies; else what is wrong with them.
fn settings(view: &View) -> Result<(Arc<Defaults>, Arc<Value>), Verdict> {
    let missing = |what: &str| Verdict::no("Incomplete", format!("{what} is missing; `kfctl apply k8s -c profiles` makes it"));
    let defaults = match &view.defaults {
        Some(Ok(defaults)) => defaults,
        Some(Err(problem)) => return Err(Verdict::no("DefaultsInvalid", format!("ConfigMap profile-defaults: {problem}"))),
        None => return Err(missing("ConfigMap profile-defaults")),
    };
    view.edit.clone().map(|edit| (Arc::clone(defaults), edit)).ok_or_else(|| missing("ClusterRole kubeflow-edit"))
}
