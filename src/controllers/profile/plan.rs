//! What one look at a profile is to bring about, and in which order: decided from what is known. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use super::claim::{Claim, NamespaceSeen};
use super::defaults::Defaults;
use super::desired::{self, Desired, Identity, Names};
use super::observed;
use super::policies::{self, Wanted};
use super::quota::{self, Split};
use super::world::{Slot, View, slot};
use crate::api::profile::Profile;

/// What is to be there.
#[derive(Debug)]
pub(super) struct Plan {
    owner: Identity,
    /// The namespace itself.
    pub(super) namespace: Value,
    /// Its digest.
    pub(super) digest: u64,
    /// What is always kept in it, and behind that what the admin's templates make.
    pub(super) objects: Vec<Desired>,
    /// How many are always kept.
    always: usize,
    /// The kinds that only templates make in it, or have made: the namespace names them.
    kinds: BTreeSet<String>,
    /// How many objects the templates make, or why they can't; none where there are no templates.
    pub(super) templates: Option<Result<usize, String>>,
    /// Whose the limits of the quota are.
    pub(super) quota: Split,
    /// What the mesh is to hold.
    pub(super) mesh: Wanted,
}

/// When the namespace itself is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is as it should be.
    Never,
    /// Before what templates make, which is found again by the kinds that it names.
    First,
    /// At the same time as all else.
    Beside,
    /// Once the former owner is out: it says until then who is to go.
    Last,
}

/// The place of what is wanted no more, and its version.
pub(super) type Leftover<'a> = (&'a Slot, u64);

impl Plan {
    /// Makes it; `edit` are the rules of `kubeflow-edit`.
    pub(super) fn new(names: &Names, profile: &Profile, defaults: &Defaults, edit: &Value, view: &View) -> Self {
        let owner = &profile.spec.template.spec.owner;
        let seen_quota = view.quota.as_ref();
        let mut objects = desired::objects(names, profile, defaults, edit, seen_quota);
        let always = objects.len();
        let mesh = policies::wanted(names, profile, defaults.mesh, view);
        let made = templated(view, names, &owner.name, &[objects.as_slice(), &mesh.objects].concat());
        let templates = made.as_ref().map(|made| made.as_ref().map(Vec::len).map_err(Clone::clone));
        objects.extend(made.and_then(Result::ok).unwrap_or_default());
        let mut kinds = view.kinds_left.clone();
        let others = objects[always..].iter().map(|object| &object.resource).filter(|kind| !desired::KINDS.contains(kind));
        kinds.extend(others.map(|kind| kind.group_kind()));
        let namespace = desired::namespace_content(names, profile, defaults, &kinds);
        let digest = observed::wanted(&namespace);
        let quota = quota::split(&desired::limits(profile, defaults), seen_quota);
        Self { owner: Identity::of(owner), namespace, digest, objects, always, kinds, templates, quota, mesh }
    }

    /// Of what is always kept, what is to be written: what gives somebody a right, and the rest.
    pub(super) fn due(&self, view: &View) -> (Vec<&Desired>, Vec<&Desired>) {
        let due = self.objects[..self.always].iter().filter(|object| view.needs(object));
        due.partition(|object| object.resource.kind == "RoleBinding")
    }

    /// The owner until now, where there is another.
    pub(super) fn former<'a>(&self, claim: &Claim, namespace: &'a NamespaceSeen) -> Option<&'a Identity> {
        namespace.owner.as_ref().filter(|owner| *claim == Claim::Hold && **owner != self.owner)
    }

    /// When the namespace is written.
    pub(super) fn turn(&self, namespace: &NamespaceSeen, former: Option<&Identity>) -> Turn {
        match former {
            _ if namespace.observed.is(self.digest) => Turn::Never,
            Some(_) => Turn::Last,
            None if self.is_named_by(namespace) => Turn::Beside,
            None => Turn::First,
        }
    }

    /// Of what the admin's templates make, what is to be written. While the namespace does not name its kinds and is written last, that is
    /// left to the next look.
    pub(super) fn due_templated(&self, view: &View, namespace: &NamespaceSeen, turn: Turn) -> Vec<&Desired> {
        let waits = turn == Turn::Last && !self.is_named_by(namespace);
        self.objects[self.always..].iter().filter(|object| !waits && view.needs(object)).collect()
    }

    /// What we have applied once and want no more, with the version of each: what gives somebody a right, and the rest.
    pub(super) fn leftovers<'a>(&self, view: &'a View) -> (Vec<Leftover<'a>>, Vec<Leftover<'a>>) {
        let wanted: BTreeSet<Slot> = self.objects.iter().map(|object| slot(&object.resource, &object.name)).collect();
        // Where the templates can't be read nobody knows what they would make; members have gone all the same.
        let is_known = |slot: &Slot| !matches!(self.templates, Some(Err(_))) || slot.1.starts_with("member-");
        let is_left = |slot: &Slot| !wanted.contains(slot) && !policies::is_own(slot) && is_known(slot);
        let left = view.objects.iter().filter(|(slot, seen)| seen.is_ours() && !seen.deleting && is_left(slot));
        left.map(|(slot, seen)| (slot, seen.version)).partition(|(slot, _)| slot.0.starts_with("RoleBinding."))
    }

    fn is_named_by(&self, namespace: &NamespaceSeen) -> bool {
        self.kinds.iter().all(|kind| namespace.template_kinds.contains(kind))
    }
}

/// What the admin's templates make, where there are any; none of it may be one of `taken`.
fn templated(view: &View, names: &Names, owner: &str, taken: &[Desired]) -> Option<Result<Vec<Desired>, String>> {
    let templates = view.templates.as_ref()?.as_ref();
    Some(templates.map_err(Clone::clone).and_then(|templates| templates.objects(names, owner, taken)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use kube::runtime::watcher::Event;
    use serde_json::json;

    use super::super::observed::Observed;
    use super::super::templates::Templates;
    use super::super::world::{Source, World};
    use super::*;
    use crate::labels::{PROFILE, PROFILE_UID};

    /// What is known of jane, whose profile names a member, and of two objects that were applied for her.
    fn view(templates: Result<&str, &str>) -> View {
        let mut world = World::default();
        let bindings = Arc::clone(desired::KINDS.iter().find(|kind| kind.kind == "RoleBinding").unwrap());
        let configmaps = Arc::new(desired::resource("", "v1", "ConfigMap", "configmaps", true));
        let sources = [Source::Profiles, Source::Kind(bindings), Source::Kind(Arc::clone(&configmaps))];
        let [profiles, bound, made] = sources.map(|source| world.watch(source));
        let profile = json!({"apiVersion": "kubeflow.org/v1alpha1", "kind": "Profile",
            "metadata": {"name": "jane", "namespace": "kubeflow-system", "uid": "1", "resourceVersion": "1"},
            "spec": {"template": {"spec": {"owner": {"kind": "User", "name": "jane@foo.com"},
                "members": [{"role": "edit", "subject": {"kind": "User", "name": "bob@foo.com"}}]}}}});
        world.take(profiles, Ok(Event::Apply(profile)));
        for (watch, name) in [(bound, "member-view-1"), (made, "made")] {
            let labels = json!({PROFILE: "jane", PROFILE_UID: "1"});
            let fields =
                json!([{"manager": "kfctl-controller", "operation": "Apply", "fieldsV1": {"f:metadata": {"f:labels": {}}}}]);
            world.take(
                watch,
                Ok(Event::Apply(json!({"metadata": {"name": name, "namespace": "kubeflow-jane",
                "resourceVersion": "7", "labels": labels, "managedFields": fields}}))),
            );
        }
        world.set_templates(Some(match templates {
            Ok(text) => Ok(Arc::new(Templates::new(BTreeMap::from([("a.yaml".to_owned(), text.to_owned())]), vec![configmaps]))),
            Err(problem) => Err(problem.to_owned()),
        }));
        world.view("jane").unwrap()
    }

    fn plan(view: &View) -> Plan {
        let profile = view.profile.content.as_deref().unwrap();
        Plan::new(&Names::of(profile), profile, &Defaults::read(&json!({})).unwrap(), &json!([]), view)
    }

    const CONFIGMAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n";

    #[test]
    fn the_namespace_names_what_templates_make_before_it_is_made_and_who_is_to_go_until_they_are_out() {
        let view = view(Ok(CONFIGMAP));
        let plan = plan(&view);
        let seen = |names_kinds: bool, owner: &str, sent: u64| NamespaceSeen {
            template_kinds: if names_kinds { vec!["ConfigMap".to_owned()] } else { Vec::new() },
            owner: Identity::of_owner(&json!({"owner": owner})),
            observed: Observed { sent, ..Observed::default() },
            ..NamespaceSeen::default()
        };
        let (jane, bob) = ("jane@foo.com", "bob@foo.com");
        for (seen, turn, templated) in [
            (seen(true, jane, plan.digest), Turn::Never, 1),
            (seen(false, jane, 0), Turn::First, 1),
            (seen(true, jane, 0), Turn::Beside, 1),
            (seen(false, bob, 0), Turn::Last, 0),
            (seen(true, bob, 0), Turn::Last, 1),
        ] {
            let former = plan.former(&Claim::Hold, &seen);
            assert_eq!(former.is_some(), turn == Turn::Last);
            assert_eq!((plan.turn(&seen, former), plan.due_templated(&view, &seen, turn).len()), (turn, templated), "{seen:?}");
            // Who takes a namespace over takes it from nobody.
            assert_eq!(plan.former(&Claim::Adopt, &seen), None);
        }
    }

    #[test]
    fn what_gives_a_right_stands_apart() {
        let view = view(Ok(CONFIGMAP));
        let plan = plan(&view);
        let (rights, others) = plan.due(&view);
        let names = |objects: Vec<&Desired>| objects.iter().map(|object| object.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(rights)[..3], ["namespaceAdmin", "default-editor", "default-viewer"]);
        assert_eq!(names(others), ["default", "default-editor", "default-viewer", "kf-resource-quota"]);
    }

    #[test]
    fn what_is_wanted_no_more_goes_and_nothing_but_members_where_templates_are_broken() {
        let left = |templates| {
            let view = view(templates);
            let plan = plan(&view);
            let (rights, others) = plan.leftovers(&view);
            [rights, others].map(|left| left.iter().map(|(slot, version)| format!("{} {version}", slot.1)).collect::<Vec<_>>())
        };
        let (member, replaced) = ("member-view-1 7".to_owned(), CONFIGMAP.replace("other", "made"));
        assert_eq!(left(Ok(CONFIGMAP)), [vec![member.clone()], vec!["made 7".to_owned()]]);
        assert_eq!(left(Ok(&replaced)), [vec![member.clone()], vec![]]);
        assert_eq!(left(Err("broken")), [vec![member], vec![]]);
    }
}
