//! What a run would do, told without doing it: object by object for `diff`, step by step for `apply --dry-run`.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use super::check::{Checked, Wanted, check};
use super::compare;
use super::engine::{Run, is_needed};
use super::generate;
use super::order::{Task, TaskId};
use super::report::Problem;
use super::verify::Check;
use super::write::Change;
use crate::difference::{Difference, only_in};
use crate::error::{Error, Kind, Result};
use crate::object::ObjectId;

/// What a run would do.
#[derive(Debug)]
pub struct Preview {
    /// What would be done to each object of the plan that nothing refuses, in the plan's order.
    pub objects: Vec<Planned>,
    /// Objects of these components that are in the cluster, but no longer in the app.
    pub left_over: Vec<ObjectId>,
    /// Everything that would be refused.
    pub problems: Vec<Problem>,
    /// The steps, each of which needs only those before it.
    pub steps: Vec<Vec<Step>>,
}

/// What a run would do to one object.
#[derive(Debug, Clone, Serialize)]
pub struct Planned {
    /// The object.
    pub object: ObjectId,
    /// Its component.
    pub component: String,
    /// What would be done.
    pub change: Change,
    /// How it was checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<Check>,
    /// Keys of a Secret whose values would be made in the cluster.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub generated: Vec<String>,
    /// What would differ.
    #[serde(skip)]
    pub difference: Difference,
    /// Fields that would become ours with the value they have.
    #[serde(skip)]
    pub taken: Vec<String>,
    /// Fields that would be left to the others who keep them too.
    #[serde(skip)]
    pub left: Vec<String>,
}

/// One thing done in a step.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "task", rename_all = "kebab-case")]
pub enum Step {
    /// An object is written, or found unchanged.
    Write(Planned),
    /// An object would be refused.
    Refused {
        /// Which.
        object: ObjectId,
    },
    /// The next steps wait for an object.
    Wait {
        /// Which.
        object: ObjectId,
        /// For what.
        until: &'static str,
    },
}

/// Looks, and writes nothing.
pub async fn preview(run: &Run<'_>) -> Result<Preview> {
    let mut stop = run.stop.clone();
    let checked = tokio::select! {
        checked = check(run, true) => checked?,
        _ = stop.wait_for(|stop| *stop) => return Err(Error::new(Kind::Interrupted, "interrupted; nothing was written")),
    };
    let Checked { mut objects, left_over, problems, .. } = checked;
    let refused: HashSet<&ObjectId> = problems.iter().map(|problem| &problem.object).collect();
    let planned: HashMap<TaskId, Planned> = objects
        .iter_mut()
        .enumerate()
        .filter(|(_, wanted)| !refused.contains(&wanted.member.object.id))
        .map(|(index, wanted)| (index, plan(wanted)))
        .collect();
    let mut steps = steps(run, &objects, &planned);
    let edits = |wanted: bool| {
        let edits = run.edits.iter().filter(move |edit| edit.item.is_some() == wanted);
        let planned = edits.filter_map(|edit| edit.planned(run.settings.force_conflicts));
        planned.filter(|planned| !refused.contains(&planned.object)).collect::<Vec<_>>()
    };
    let (first, last) = (edits(true), edits(false));
    let step = |edits: &[Planned]| edits.iter().cloned().map(Step::Write).collect::<Vec<_>>();
    steps.insert(0, step(&first));
    steps.push(step(&last));
    steps.retain(|step| !step.is_empty());
    let mut planned: Vec<(TaskId, Planned)> = planned.into_iter().collect();
    planned.sort_by_key(|(index, _)| *index);
    let objects = first.into_iter().chain(planned.into_iter().map(|(_, planned)| planned)).chain(last).collect();
    Ok(Preview { objects, left_over: left_over.ids(), problems, steps })
}

fn plan(wanted: &mut Wanted) -> Planned {
    let (live, answer) = (wanted.live.take(), wanted.answer.take());
    let change = match (wanted.pending, &live) {
        (false, _) => Change::Unchanged,
        (true, None) => Change::Created,
        (true, Some(_)) => Change::Configured,
    };
    // The answer of a dry-run elsewhere names the place where it was tried.
    let answer = answer.filter(|_| wanted.check == Some(Check::DryRun));
    let after =
        answer.or_else(|| Some(live.as_ref().map_or_else(|| Value::clone(&wanted.content), |live| over(live, &wanted.content))));
    let difference = Difference::new(live.as_ref(), after.as_ref().filter(|_| wanted.pending));
    let sets = (live.as_ref().and_then(compare::owned), after.as_ref().and_then(compare::owned));
    let (taken, left) = match sets {
        (before, Some(after)) if change == Change::Configured && difference.is_empty() => {
            (only_in(after, before), before.map(|before| only_in(before, Some(after))).unwrap_or_default())
        }
        _ => Default::default(),
    };
    let member = &wanted.member;
    let check = wanted.check.filter(|_| wanted.pending);
    let (object, component, generated) = (member.object.id.clone(), member.component.clone(), generate::names(&wanted.lacking));
    Planned { object, component, change, check, generated, difference, taken, left }
}

/// What we would send laid over what is there: as near as one comes to the server's answer without asking.
fn over(live: &Value, sent: &Value) -> Value {
    match (live, sent) {
        (Value::Object(live), Value::Object(sent)) => {
            let mut result = live.clone();
            for (name, value) in sent {
                let value = over(live.get(name).unwrap_or(&Value::Null), value);
                result.insert(name.clone(), value);
            }
            Value::Object(result)
        }
        (Value::Array(live), Value::Array(sent)) if live.len() == sent.len() => {
            live.iter().zip(sent).map(|(live, sent)| over(live, sent)).collect()
        }
        _ => sent.clone(),
    }
}

fn steps(run: &Run<'_>, objects: &[Wanted], planned: &HashMap<TaskId, Planned>) -> Vec<Vec<Step>> {
    let order = &run.plan.order;
    let behind = order.behind();
    let step = |task: TaskId| match &order.tasks[task] {
        Task::Write(index) => Some(match planned.get(index) {
            Some(planned) => Step::Write(planned.clone()),
            None => Step::Refused { object: objects[*index].member.object.id.clone() },
        }),
        Task::Gate(gate) => is_needed(run, objects, gate, &behind[task])
            .then(|| Step::Wait { object: gate.object().clone(), until: gate.until() }),
        Task::Join => None,
    };
    let levels = order.levels().into_iter().map(|level| level.into_iter().filter_map(step).collect::<Vec<_>>());
    levels.filter(|level| !level.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_sent_is_laid_over_what_is_there() {
        let live = json!({"spec": {"replicas": 1, "containers": [{"name": "a", "policy": "Always"}], "args": ["x"]}});
        let sent = json!({"spec": {"containers": [{"name": "a", "image": "b"}], "args": []}});
        assert_eq!(
            over(&live, &sent),
            json!({"spec": {"replicas": 1, "containers": [{"name": "a", "policy": "Always", "image": "b"}], "args": []}})
        );
    }
}
