//! Checks of what the app needs.

use std::sync::Arc;

use super::facts::{AppFacts, Fact, Facts};
use super::{Finding, Level};
use crate::apply::Difference;
use crate::cluster::Discovery;

/// Objects that are named.
const NAMED: usize = 5;

/// Upstream's profiles belong to the cluster, ours to a namespace. One definition can't be both.
pub(super) fn profiles(discovery: &Fact<Arc<Discovery>>, brings_profiles: bool) -> Finding {
    match discovery {
        Ok(discovery) => profiles_of(discovery, brings_profiles),
        Err(why) => Finding::unknown("profiles", why),
    }
}

pub(super) fn profiles_of(discovery: &Discovery, brings_profiles: bool) -> Finding {
    let served = discovery.versions("kubeflow.org", "Profile");
    match served.first() {
        None => Finding::ok("profiles", "there is no other definition of profiles"),
        Some(profile) if profile.namespaced => Finding::ok("profiles", "profiles live in namespaces, as kfctl's do"),
        // Whoever removed that definition would remove every user's namespace with it: nothing here leads there.
        Some(_) => Finding {
            check: "profiles",
            level: if brings_profiles { Level::Fail } else { Level::Warn },
            found: "the cluster has upstream Kubeflow's profiles.kubeflow.org, whose profiles belong to the whole cluster; kfctl's live in a namespace, and one cluster can't have both".to_owned(),
            to_do: Some(
                "leave it as it is: its users' namespaces hang on it. `kfctl profile import --help` takes them over; else run here without profiles (`kfctl component disable profiles`), or choose another cluster with --context".to_owned(),
            ),
        },
    }
}

pub(super) fn rights(facts: &Facts) -> Finding {
    let check = "rights";
    let ask = "ask an admin of the cluster for these rights, or choose another context with --context";
    match (&facts.is_admin, facts.app.as_ref().and_then(|app| app.missing.as_ref())) {
        (Ok(true), _) => Finding::ok(check, "you may do everything in this cluster"),
        (Err(why), _) => Finding::unknown(check, why),
        (Ok(false), None) => Finding::warn(
            check,
            "you may not do everything in this cluster",
            "in the app directory, this names what the app needs",
        ),
        (Ok(false), Some((missing, _))) if missing.is_empty() => Finding::ok(check, "you may do all that the app needs"),
        (Ok(false), Some((missing, certain))) => {
            let list = missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            if *certain {
                Finding::fail(check, format!("you may not: {list}"), ask)
            } else {
                let found = format!("the server doesn't list all of your rights; among them are not: {list}");
                Finding::warn(check, found, "`kfctl apply k8s` asks for each object before it writes the first")
            }
        }
    }
}

/// Who changed fields that are ours. Others beside us are no trouble.
pub(super) fn managers(facts: &AppFacts) -> Finding {
    let objects = || facts.components.iter().flat_map(|component| &component.objects);
    let taken: Vec<String> = objects()
        .flat_map(|object| {
            let taken = object.drift.iter().filter(|drift| drift.difference == Difference::Taken);
            taken.map(|drift| format!("{}: {} by {}", object.object, drift.field, drift.managers.join(" and ")))
        })
        .collect();
    if taken.is_empty() {
        return Finding::ok("managers", "nobody has changed a field of ours");
    }
    let more = match taken.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let named = taken.into_iter().take(NAMED).collect::<Vec<_>>().join("; ");
    let found = format!("others have changed fields of ours: {named}{more}");
    Finding::warn(
        "managers",
        found,
        "leave the field out of the app, or take it over once with `kfctl apply k8s --force-conflicts`; `kfctl status -v` names all",
    )
}

/// Whether what the app scales by use is measured at all.
pub(super) fn autoscalers(facts: &AppFacts, discovery: &Fact<Arc<Discovery>>) -> Option<Finding> {
    let objects = facts.components.iter().flat_map(|component| &component.objects);
    let count = objects.filter(|object| object.object.is("autoscaling", "HorizontalPodAutoscaler")).count();
    let is_measured = discovery.as_ref().is_ok_and(|discovery| !discovery.versions("metrics.k8s.io", "PodMetrics").is_empty());
    let found =
        format!("nothing measures what pods use, so that the autoscalers of the app ({count}) leave replicas as they are");
    (count > 0 && !is_measured).then(|| Finding::warn("autoscalers", found, "install metrics-server, or leave it so"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Resource;

    fn with_profiles(namespaced: bool) -> Discovery {
        let mut discovery = Discovery::default();
        let [group, version, kind, plural] = ["kubeflow.org", "v1", "Profile", "profiles"].map(str::to_owned);
        discovery.insert(Resource { group, version, kind, plural, namespaced });
        discovery
    }

    #[test]
    fn upstreams_profiles_are_fatal_where_ours_would_come_and_never_to_be_deleted() {
        assert_eq!(profiles_of(&Discovery::default(), true).level, Level::Ok);
        assert_eq!(profiles_of(&with_profiles(true), true).level, Level::Ok);
        assert_eq!(profiles_of(&with_profiles(false), false).level, Level::Warn);
        let finding = profiles_of(&with_profiles(false), true);
        assert_eq!(finding.level, Level::Fail);
        let said = format!("{} {}", finding.found, finding.to_do.unwrap_or_default()).to_lowercase();
        assert!(!["delete", "remove", "uninstall"].iter().any(|word| said.contains(word)), "{said}");
    }
}
