//! Brings the cluster to what a profile says. With `delete` and `owner` the only place that writes.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use futures::future::{BoxFuture, FutureExt, join_all};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::Shared;
use super::claim::{Claim, claim};
use super::defaults::Defaults;
use super::desired::{self, Desired, Names};
use super::observed::{self, Observed};
use super::policies;
use super::status::{self, Facts, Verdict};
use super::world::{Slot, Source, View, slot};
use crate::api::profile::{Profile, ProfileStatus};
use crate::cluster::{Class, Failure, Resource};
use crate::controllers::events::{Event, Recorder};
use crate::controllers::lock;
use crate::controllers::writer::Writer;
use crate::labels::{ADOPT, PROFILE_FINALIZER, RESET_QUOTA};

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
    unreadable: Mutex<HashMap<String, String>>,
    /// Of which names in which bindings it has been said that no policy can take them.
    pub(super) unfit: Told,
    /// What has been said of which endpoints.
    pub(super) complaints: Told,
}

/// What has been said of whose uid, by profile: so that it is said once.
pub(super) type Told = Mutex<HashMap<String, BTreeSet<(String, String)>>>;

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
            Ok(profile) => self.keep(profile, &view, failures).await,
            Err(problem) => self.tell_unreadable(name, &view, problem).await,
        }
    }

    async fn keep(&self, profile: &Profile, view: &View, failures: u32) -> Result<(), Failure> {
        let names = Names::of(profile);
        let name = names.profile.as_str();
        let Some((claim, defaults, edit)) = self.admitted(profile, &names, view).await? else { return Ok(()) };
        let mut seen_quota = view.quota.as_ref();
        if view.profile.annotations.contains(RESET_QUOTA) || seen_quota.is_some_and(|quota| quota.reset) {
            self.reset_quota(name, &names, view).await?;
            seen_quota = None;
        }
        let owner = &profile.spec.template.spec.owner.name;
        let split = super::quota::split(&desired::limits(profile, defaults), seen_quota);
        let mut objects = desired::objects(&names, profile, defaults, edit, seen_quota);
        let mesh = policies::wanted(&names, profile, defaults.mesh, view);
        let extra = templated(view, &names, owner, &[objects.as_slice(), &mesh.objects].concat());
        let own = objects.len();
        let counted = extra.as_ref().map(|extra| extra.as_ref().map(Vec::len).map_err(Clone::clone));
        let may_prune = extra.as_ref().is_none_or(Result::is_ok);
        objects.extend(extra.and_then(Result::ok).unwrap_or_default());
        let mut kinds = view.kinds_left.clone();
        let foreign = objects[own..].iter().map(|object| &object.resource).filter(|kind| !desired::KINDS.contains(kind));
        kinds.extend(foreign.map(|kind| kind.group_kind()));
        let mut namespace = desired::namespace_content(&names, profile, defaults, &kinds);
        let digest = observed::wanted(&namespace);
        if claim == Claim::Adopt {
            self.tell_kept(&names, &objects).await?;
        }
        let mut seen = match claim {
            Claim::Make => self.begin(&names, &namespace, digest).await?,
            _ => view.namespace.clone().unwrap_or_default(),
        };
        let reset = seen_quota.is_none() && view.quota.is_some();
        let there = |object: &Desired| {
            let seen = view.objects.get(&slot(&object.resource, &object.name));
            seen.filter(|_| !reset || object.name != super::quota::NAME)
        };
        let needs = |object: &&Desired| there(object).is_none_or(|seen| !seen.deleting && !seen.is(object.digest));
        let (mut rights, others): (Vec<_>, Vec<_>) =
            objects[..own].iter().filter(needs).partition(|object| object.resource.kind == "RoleBinding");
        let mut done = Vec::new();
        if seen.being_made {
            let work = join_all(others.iter().map(|object| self.put(object, there(object), true)));
            let (taken, made) = futures::join!(self.take_into_use(&names, &seen), work);
            (seen, done) = (taken?, made);
        } else {
            rights.extend(others);
        }
        let former = seen
            .owner
            .as_ref()
            .filter(|former| claim == Claim::Hold && **former != desired::Identity::of(&profile.spec.template.spec.owner));

        let mut work: Vec<BoxFuture<'_, Result<(), (String, Failure)>>> = Vec::new();
        let mut last = None;
        let mut noted = Ok(());
        // What templates make is found again by the kinds that the namespace names: those come first.
        let named = kinds.iter().all(|kind| seen.template_kinds.contains(kind));
        if !seen.observed.is(digest) {
            namespace["metadata"]["uid"] = seen.uid.clone().into();
            let apply = self.apply_namespace(&names, namespace, digest, seen.observed.created, claim == Claim::Adopt).boxed();
            match former {
                Some(_) => last = Some(apply),
                None if named => work.push(apply),
                None => noted = apply.await,
            }
        }
        work.extend(rights.into_iter().map(|object| self.put(object, there(object), false).boxed()));
        let mut additions: Vec<BoxFuture<'_, Result<(), (String, Failure)>>> = Vec::new();
        // Where the owner changes, the namespace is written last, and kinds it does not name yet are left to the next look.
        if noted.is_ok() && (named || former.is_none()) {
            additions.extend(objects[own..].iter().filter(needs).map(|object| self.apply(object).boxed()));
        }
        additions.extend(self.leftovers(view, &objects, may_prune).into_iter().map(|(resource, slot, version)| {
            if resource.kind == "RoleBinding" && desired::is_admins(&slot.1) {
                self.dismiss(&names, resource, slot, version, &objects).boxed()
            } else {
                self.prune(&names, resource, slot, version).boxed()
            }
        }));
        let (rest, added, (mesh, enforced)) =
            futures::join!(join_all(work), join_all(additions), self.enforce(&names, view, mesh));
        done.extend(rest);

        // Only who has no right any more can't make themselves another.
        let bound = !done.iter().filter_map(|result| result.as_ref().err()).any(|(what, _)| what.starts_with("RoleBinding"));
        let mut failed = done.into_iter().chain([noted]).find_map(Result::err);
        if let (Some(former), true) = (former, bound) {
            failed = self.hand_over(&names, former, &objects, last).await.err().or(failed);
        }
        let ready = match &failed {
            Some((_, failure)) if failure.is_passing() && failures < PASSING => return Err(failure.clone()),
            Some((what, failure)) => Verdict::no("ApplyFailed", format!("{what}: {}", failure.message)),
            None => Verdict::yes("NamespaceReady", format!("namespace {} is ready for {owner}", names.namespace)),
        };
        let added = added.into_iter().find_map(Result::err);
        let templates = match (&added, counted) {
            (Some((what, failure)), _) => Some(Err(format!("{what}: {}", failure.message))),
            (None, counted) => counted,
        };
        let mut more = vec![mesh, status::quota(&split)];
        more.extend(status::templates(templates.as_ref()));
        self.tell(name, view, Facts { ready, namespace: Some(names.namespace.clone()), more }).await?;
        failed.or(added).or(enforced.err()).map_or(Ok(()), |(_, failure)| Err(failure))
    }

    /// The claim of a profile that may have its namespace, and what holds for all; where it may not, that is told.
    async fn admitted<'a>(
        &self,
        profile: &Profile,
        names: &Names,
        view: &'a View,
    ) -> Result<Option<(Claim, &'a Defaults, &'a Value)>, Failure> {
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

    async fn apply_namespace(
        &self,
        names: &Names,
        content: Value,
        digest: u64,
        created: bool,
        adopted: bool,
    ) -> Result<(), (String, Failure)> {
        let path = format!("{NAMESPACES}/{}", names.namespace);
        let what = |failure| (format!("Namespace {}", names.namespace), failure);
        if created {
            self.own("namespaces", &path).await.map_err(what)?;
        }
        let mut answer = self.writer.apply("namespaces", &path, &content, true).await.map_err(what)?;
        if adopted {
            // Said once: a later profile of the same name must be allowed anew.
            let said = json!({"metadata": {"uid": content["metadata"]["uid"], "annotations": {ADOPT: null}}});
            answer = self.writer.patch("namespaces", &path, &said).await.map_err(what)?;
        }
        self.shared.record(&Source::Namespaces, answer, digest);
        Ok(())
    }

    /// Creates what is not there, and applies what is: to create costs the server a third of what an apply does. In a `fresh` namespace
    /// nothing can be there that nobody knows of.
    async fn put(&self, object: &Desired, there: Option<&Observed>, fresh: bool) -> Result<(), (String, Failure)> {
        let what = |failure| (format!("{} {}", object.resource.kind, object.name), failure);
        let collection = object.resource.path(object.content["metadata"]["namespace"].as_str());
        let plural = object.resource.plural.as_str();
        let path = format!("{collection}/{}", object.name);
        let is_role = object.resource.kind == "Role";
        let was_there = match there {
            Some(seen) => seen.created,
            None if is_role && !fresh => false,
            None => {
                let made = if is_role {
                    // The right to write rules that one does not hold is by the role's name, which a create's path does not carry.
                    self.writer.put(plural, &path, &object.content).await
                } else {
                    self.writer.create(plural, &collection, &object.content).await
                };
                match made {
                    Ok(answer) => {
                        self.shared.record(&Source::Kind(Arc::clone(&object.resource)), answer, object.digest);
                        return Ok(());
                    }
                    Err(failure) if failure.class == Class::Exists => true,
                    Err(failure) => return Err(what(failure)),
                }
            }
        };
        if was_there {
            self.own(plural, &path).await.map_err(what)?;
        }
        self.apply(object).await
    }

    /// Makes the fields of an object that we have created those that we apply; else they would stay when an apply leaves them out.
    async fn own(&self, plural: &str, path: &str) -> Result<(), Failure> {
        let live = self.writer.read(plural, path).await?;
        let (None, Some(place)) = (observed::entry(&live, "Apply"), observed::entry(&live, "Update")) else { return Ok(()) };
        let change = json!([
            {"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
            {"op": "replace", "path": format!("/metadata/managedFields/{place}/operation"), "value": "Apply"},
        ]);
        self.writer.patch(plural, path, &change).await.map(drop)
    }

    pub(super) async fn apply(&self, object: &Desired) -> Result<(), (String, Failure)> {
        let what = |failure| (format!("{} {}", object.resource.kind, object.name), failure);
        let namespace = object.content["metadata"]["namespace"].as_str();
        let path = format!("{}/{}", object.resource.path(namespace), object.name);
        let plural = object.resource.plural.as_str();
        let is_quota = object.resource.kind == "ResourceQuota";
        let mut answer = self.writer.apply(plural, &path, &object.content, !is_quota).await;
        match &answer {
            // A limit is the admin's as soon as they have set it, even if the news has not come yet.
            Err(Failure { class: Class::Conflict(conflicts), message, .. }) if is_quota => {
                if conflicts.iter().any(|conflict| conflict.field.starts_with(".spec.hard")) {
                    return Err(what(Failure::transport(message.clone())));
                }
                answer = self.writer.apply(plural, &path, &object.content, true).await;
            }
            // What a binding refers to can't be changed: somebody has put another in its place.
            Err(Failure { class: Class::Invalid, .. }) if object.resource.kind == "RoleBinding" => {
                let there = self.writer.read(plural, &path).await.map_err(what)?;
                if there["roleRef"] == object.content["roleRef"] {
                    return answer.map(drop).map_err(what);
                }
                self.writer.delete(plural, &path, &json!({"uid": there["metadata"]["uid"]})).await.map_err(what)?;
                answer = self.writer.apply(plural, &path, &object.content, true).await;
            }
            _ => {}
        }
        self.shared.record(&Source::Kind(Arc::clone(&object.resource)), answer.map_err(what)?, object.digest);
        Ok(())
    }

    /// What we have applied once and want no more.
    fn leftovers<'a>(&self, view: &'a View, wanted: &[Desired], all: bool) -> Vec<(Arc<Resource>, &'a Slot, u64)> {
        let wanted: BTreeSet<Slot> = wanted.iter().map(|object| slot(&object.resource, &object.name)).collect();
        let is_left = |slot: &Slot| !wanted.contains(slot) && !policies::is_own(slot) && (all || slot.1.starts_with("member-"));
        let left = view.objects.iter().filter(|(slot, seen)| seen.is_ours() && !seen.deleting && is_left(slot));
        let world = lock(&self.shared.world);
        left.filter_map(|(slot, seen)| Some((world.kind(&slot.0)?, slot, seen.version))).collect()
    }

    pub(super) async fn prune(
        &self,
        names: &Names,
        resource: Arc<Resource>,
        slot: &Slot,
        version: u64,
    ) -> Result<(), (String, Failure)> {
        let path = format!("{}/{}", resource.path(Some(&names.namespace)), slot.1);
        match self.writer.delete(&resource.plural, &path, &json!({"resourceVersion": version.to_string()})).await {
            Err(failure) if failure.class != Class::NotFound => Err((format!("{} {}", resource.kind, slot.1), failure)),
            _ => Ok(()),
        }
    }

    /// Puts a new quota in the place of the old: what others have claimed in it goes too.
    async fn reset_quota(&self, name: &str, names: &Names, view: &View) -> Result<(), Failure> {
        if view.quota.is_some() {
            let path = format!("{NAMESPACES}/{}/resourcequotas/{}", names.namespace, super::quota::NAME);
            match self.writer.delete("resourcequotas", &path, &json!({})).await {
                Err(failure) if failure.class != Class::NotFound => return Err(failure),
                _ => {}
            }
        }
        if view.profile.annotations.contains(RESET_QUOTA) {
            let patch = json!({"metadata": {"uid": view.profile.uid, "annotations": {RESET_QUOTA: null}}});
            let answer = self.writer.patch("profiles", &format!("{PROFILES}/{name}"), &patch).await?;
            self.shared.record(&Source::Profiles, answer, 0);
        }
        Ok(())
    }

    /// Writes the status where it says something new, and an event where it turns.
    pub(super) async fn tell(&self, name: &str, view: &View, facts: Facts) -> Result<(), Failure> {
        let profile = view.profile.content.as_deref().ok();
        let before = profile.and_then(|profile| profile.status.clone());
        let generation = profile.and_then(|profile| profile.metadata.generation);
        let status = status::status(before.as_ref(), generation, &facts, &Time(Timestamp::now()));
        if before.as_ref() == Some(&status) {
            return Ok(());
        }
        self.write_status(name, &view.profile.uid, &status).await?;
        let ready = |status: &ProfileStatus| {
            let found = status.conditions.iter().find(|condition| condition.type_ == status::READY);
            found.map(|condition| (condition.status.clone(), condition.reason.clone(), condition.message.clone()))
        };
        if before.as_ref().and_then(ready) != ready(&status) {
            self.publish(name, &view.profile.uid, &facts.ready);
            if let (true, Some(namespace)) = (facts.ready.holds, &facts.namespace) {
                let note = format!("made for profile {name} and ready");
                self.publish_namespace(namespace, Verdict::yes("ProfileReady", note));
            }
        }
        Ok(())
    }

    pub(super) fn publish(&self, name: &str, uid: &str, verdict: &Verdict) {
        let regarding = json!({"apiVersion": "kubeflow.org/v1alpha1", "kind": "Profile", "namespace": super::SYSTEM_NAMESPACE, "name": name, "uid": uid});
        let (reason, note) = (verdict.reason.clone(), verdict.message.clone());
        let warning = !verdict.holds && reason != "Deleting";
        self.recorder.publish(Event { regarding, warning, reason, action: "Reconcile", note, once: None });
    }

    /// Says something of a namespace.
    pub(super) fn publish_namespace(&self, namespace: &str, Verdict { holds, reason, message: note }: Verdict) {
        let regarding = json!({"apiVersion": "v1", "kind": "Namespace", "name": namespace});
        self.recorder.publish(Event { regarding, warning: !holds, reason, action: "Reconcile", note, once: None });
    }

    async fn write_status(&self, name: &str, uid: &str, status: &ProfileStatus) -> Result<(), Failure> {
        let content = json!({"apiVersion": "kubeflow.org/v1alpha1", "kind": "Profile", "metadata": {
            "name": name, "namespace": super::SYSTEM_NAMESPACE, "uid": uid}, "status": status});
        match self.writer.apply("profiles/status", &format!("{PROFILES}/{name}/status"), &content, true).await {
            Ok(answer) => self.shared.record(&Source::Profiles, answer, 0),
            Err(failure) if failure.class == Class::NotFound => {}
            Err(failure) => return Err(failure),
        }
        Ok(())
    }

    /// A profile that does not decode (the definition was looser once) gets a condition and an event, once.
    async fn tell_unreadable(&self, name: &str, view: &View, problem: &str) -> Result<(), Failure> {
        if lock(&self.unreadable).get(name).is_some_and(|said| said == problem) {
            return Ok(());
        }
        tracing::warn!(profile = name, problem, "a profile can't be read");
        let ready = Verdict::no("Unreadable", format!("this profile can't be read: {problem}"));
        self.tell(name, view, Facts { ready, ..Facts::default() }).await?;
        lock(&self.unreadable).insert(name.to_owned(), problem.to_owned());
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

/// What the admin's templates make, where there are any; none of it may be one of `taken`.
fn templated(view: &View, names: &Names, owner: &str, taken: &[Desired]) -> Option<Result<Vec<Desired>, String>> {
    let templates = view.templates.as_ref()?.as_ref();
    Some(templates.map_err(Clone::clone).and_then(|templates| templates.objects(names, owner, taken)))
}

/// What holds for all profiles: the defaults, and the rules that Role `default` copies; else what is wrong with them.
fn settings(view: &View) -> Result<(&Defaults, &Value), Verdict> {
    let missing = |what: &str| Verdict::no("Incomplete", format!("{what} is missing; `kfctl apply k8s -c profiles` makes it"));
    let defaults = match &view.defaults {
        Some(Ok(defaults)) => defaults,
        Some(Err(problem)) => return Err(Verdict::no("DefaultsInvalid", format!("ConfigMap profile-defaults: {problem}"))),
        None => return Err(missing("ConfigMap profile-defaults")),
    };
    view.edit.as_deref().map(|edit| (&**defaults, edit)).ok_or_else(|| missing("ClusterRole kubeflow-edit"))
}
