//! Which task of an order may run now: one whose predecessors are done, the most urgent first. Pure.

use std::collections::BTreeSet;

use super::order::{Order, TaskId};

/// What of an order is open, and what still waits for what.
#[derive(Debug)]
pub(super) struct Schedule {
    /// The tasks right behind each task.
    behind: Vec<Vec<TaskId>>,
    /// How many tasks each one waits for.
    blocked: Vec<usize>,
    /// A small number is urgent.
    urgency: Vec<u8>,
    open: BTreeSet<(u8, TaskId)>,
}

impl Schedule {
    /// All of this order. How urgent a task is may depend on what is right behind it.
    pub(super) fn new(order: &Order, urgency: impl Fn(TaskId, &[TaskId]) -> u8) -> Self {
        let behind = order.behind();
        let blocked: Vec<usize> = order.after.iter().map(BTreeSet::len).collect();
        let urgency: Vec<u8> = behind.iter().enumerate().map(|(task, behind)| urgency(task, behind)).collect();
        let open = (0..blocked.len()).filter(|task| blocked[*task] == 0).map(|task| (urgency[task], task)).collect();
        Self { behind, blocked, urgency, open }
    }

    /// The tasks right behind this one.
    pub(super) fn behind(&self, task: TaskId) -> &[TaskId] {
        &self.behind[task]
    }

    /// Takes out the most urgent task that may run.
    pub(super) fn next(&mut self) -> Option<TaskId> {
        self.open.pop_first().map(|(_, task)| task)
    }

    /// Opens what waited for nothing but this task.
    pub(super) fn done(&mut self, task: TaskId) {
        for next in &self.behind[task] {
            self.blocked[*next] -= 1;
            if self.blocked[*next] == 0 {
                self.open.insert((self.urgency[*next], *next));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::order::Task;

    #[test]
    fn what_is_urgent_comes_first_and_nothing_before_what_it_waits_for() {
        let after = [vec![], vec![0], vec![0], vec![1, 2], vec![]].map(BTreeSet::from_iter);
        let order = Order { tasks: (0..after.len()).map(Task::Write).collect(), after: after.into() };
        let mut schedule = Schedule::new(&order, |task, behind| u8::from(task != 2 && behind.len() != 2));
        assert_eq!(schedule.behind(0), [1, 2]);
        assert_eq!([schedule.next(), schedule.next(), schedule.next()], [Some(0), Some(4), None]);
        schedule.done(0);
        assert_eq!([schedule.next(), schedule.next(), schedule.next()], [Some(2), Some(1), None]);
        schedule.done(2);
        assert_eq!(schedule.next(), None, "it waits for task 1 too");
        schedule.done(1);
        assert_eq!(schedule.next(), Some(3));
    }
}
