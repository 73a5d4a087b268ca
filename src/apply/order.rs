//! The order of writes, as a graph: each task names the tasks it comes after. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::object::ObjectId;

/// Index of a task in its [`Order`].
pub type TaskId = usize;

/// What is awaited between writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gate {
    /// A definition's kinds are served: (group, version, plural).
    Served(ObjectId, Vec<(String, String, String)>),
    /// A workload is ready.
    Ready(ObjectId),
    /// A webhook configuration has its CA and something behind it.
    WebhookAnswers(ObjectId),
    /// An `APIService` is available.
    Available(ObjectId),
}

impl Gate {
    /// The object that is waited for.
    #[must_use]
    pub fn object(&self) -> &ObjectId {
        match self {
            Self::Served(id, _) | Self::Ready(id) | Self::WebhookAnswers(id) | Self::Available(id) => id,
        }
    }

    /// What is waited for.
    #[must_use]
    pub fn until(&self) -> &'static str {
        match self {
            Self::Served(..) => "its kinds are served",
            Self::Ready(_) => "it is ready",
            Self::WebhookAnswers(_) => "it answers",
            Self::Available(_) => "it is available",
        }
    }

    /// Whether `--no-wait` leaves it in: without it the next writes can't succeed.
    #[must_use]
    pub fn is_necessary(&self) -> bool {
        matches!(self, Self::Served(..))
    }
}

/// One step of the run.
#[derive(Debug, Clone)]
pub enum Task {
    /// Write the member of this index.
    Write(usize),
    /// Wait.
    Gate(Gate),
    /// Nothing to do: it stands for all that it comes after, where many come after the same many.
    Join,
}

/// Tasks and what each comes after.
#[derive(Debug, Default)]
pub struct Order {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// For each task the tasks it comes after.
    pub after: Vec<BTreeSet<TaskId>>,
}

impl Order {
    pub(super) fn add(&mut self, task: Task, after: BTreeSet<TaskId>) -> TaskId {
        self.tasks.push(task);
        self.after.push(after);
        self.tasks.len() - 1
    }

    /// The tasks right behind each task.
    pub(super) fn behind(&self) -> Vec<Vec<TaskId>> {
        let mut behind = vec![Vec::new(); self.after.len()];
        for (task, after) in self.after.iter().enumerate() {
            for before in after {
                behind[*before].push(task);
            }
        }
        behind
    }

    /// The tasks in levels: each level needs only those before it; a join is no step of its own. Tasks of a cycle come last, together.
    #[must_use]
    pub fn levels(&self) -> Vec<Vec<TaskId>> {
        let mut level: Vec<Option<usize>> = vec![None; self.tasks.len()];
        loop {
            let mut changed = false;
            for task in 0..self.tasks.len() {
                if level[task].is_none() && self.after[task].iter().all(|before| level[*before].is_some()) {
                    let step = usize::from(!matches!(self.tasks[task], Task::Join));
                    level[task] =
                        Some(self.after[task].iter().filter_map(|before| level[*before]).max().map_or(0, |max| max + step));
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        let last = level.iter().flatten().max().map_or(0, |max| max + 1);
        let mut levels: BTreeMap<usize, Vec<TaskId>> = BTreeMap::new();
        for (task, level) in level.into_iter().enumerate() {
            levels.entry(level.unwrap_or(last)).or_default().push(task);
        }
        levels.into_values().collect()
    }

    /// Takes out edges that would close a circle, so that every task is reached.
    pub(super) fn break_cycles(&mut self) {
        loop {
            let mut done = vec![false; self.tasks.len()];
            loop {
                let next: Vec<TaskId> = (0..self.tasks.len())
                    .filter(|task| !done[*task] && self.after[*task].iter().all(|before| done[*before]))
                    .collect();
                if next.is_empty() {
                    break;
                }
                for task in next {
                    done[task] = true;
                }
            }
            // The first write that is stuck goes ahead: the server's own retries settle the rest.
            let stuck = (0..self.tasks.len()).find(|task| !done[*task] && matches!(self.tasks[*task], Task::Write(_)));
            match stuck.or_else(|| done.iter().position(|done| !done)) {
                Some(task) => {
                    let (mut kept, stuck): (BTreeSet<TaskId>, BTreeSet<TaskId>) =
                        self.after[task].iter().partition(|before| done[**before]);
                    // Of a join, what is stuck alone is let go.
                    let joined = stuck.iter().filter(|before| matches!(self.tasks[**before], Task::Join));
                    kept.extend(joined.flat_map(|join| &self.after[*join]).filter(|before| done[**before]));
                    self.after[task] = kept;
                }
                None => return,
            }
        }
    }
}
