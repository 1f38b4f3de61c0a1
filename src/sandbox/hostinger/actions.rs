//! Work on a machine that goes on after the answer.

use super::machine::{Machine, State};
use crate::sandbox::clock::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// How long one action takes.
pub(super) const DURATION: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Progress {
    /// Waits for an earlier action of the same machine.
    Delayed,
    /// Being carried out.
    Sent,
    Success,
}

/// An action as the provider reports it, with the work that is still to be done.
#[derive(Serialize)]
pub(super) struct Action {
    pub(super) id: u64,
    name: &'static str,
    #[serde(rename = "state")]
    progress: Progress,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip)]
    task: Option<Task>,
    #[serde(skip)]
    phases: &'static [State],
}

/// What an action does: the way of the machine's state, and an effect when it is over.
pub(super) struct Task {
    name: &'static str,
    transition: Transition,
    effect: Effect,
}

type Effect = Box<dyn FnOnce(&mut Machine, Timestamp) + Send>;

impl Task {
    /// A task that has no effect but the transition.
    pub(super) fn new(name: &'static str, transition: Transition) -> Self {
        Self { name, transition, effect: Box::new(|_, _| {}) }
    }

    /// A task that leaves the state of the machine alone.
    pub(super) fn change(name: &'static str, effect: impl FnOnce(&mut Machine, Timestamp) + Send + 'static) -> Self {
        Self::new(name, Transition::Keep).then(effect)
    }

    /// The same task with an effect; it receives the moment of completion.
    pub(super) fn then(self, effect: impl FnOnce(&mut Machine, Timestamp) + Send + 'static) -> Self {
        Self { effect: Box::new(effect), ..self }
    }
}

/// The way that the state of a machine takes during an action.
#[derive(Debug, Clone, Copy)]
pub(super) enum Transition {
    Keep,
    Start,
    Stop,
    Restart,
    Create,
    Recreate,
    Restore,
    EnterRecovery,
    LeaveRecovery,
}

impl Transition {
    /// The states passed through; the last one remains. Empty leaves the state as it is.
    fn phases(self, from: State) -> &'static [State] {
        use State::{
            Creating, Recovery, Recreating, Restoring, Running, Starting, Stopped, Stopping, StoppingRecovery,
        };
        match (self, from) {
            (Self::Keep, _) | (Self::Start, Running) | (Self::Stop, Stopped) => &[],
            (Self::Restart, Running) => &[Stopping, Starting, Running],
            (Self::Start | Self::Restart, _) => &[Starting, Running],
            (Self::Stop, _) => &[Stopping, Stopped],
            (Self::Create, _) => &[Creating, Running],
            (Self::Recreate, _) => &[Recreating, Running],
            (Self::Restore, _) => &[Restoring, Running],
            (Self::EnterRecovery, Running) => &[Stopping, Starting, Recovery],
            (Self::EnterRecovery, _) => &[Starting, Recovery],
            (Self::LeaveRecovery, _) => &[StoppingRecovery, Running],
        }
    }
}

impl Machine {
    /// Puts `task` at the end of the machine's queue and starts it if nothing else is under way.
    pub(super) fn order(&mut self, id: u64, task: Task, now: Timestamp) -> &Action {
        let action = Action {
            id,
            name: task.name,
            progress: Progress::Delayed,
            created_at: now,
            updated_at: now,
            task: Some(task),
            phases: &[],
        };
        let place = self.actions.len();
        self.actions.push(action);
        if self.current_action() == Some(place) {
            self.begin(place, now);
        }
        &self.actions[place]
    }

    /// Whether an action is under way or waits.
    pub(super) fn is_locked(&self) -> bool {
        self.current_action().is_some()
    }

    /// Finishes what is due at `now`, begins what waited for it, and shows the state of what is under way.
    pub(super) fn advance(&mut self, now: Timestamp) {
        while let Some(place) = self.current_action() {
            let begun = self.actions[place].updated_at;
            if now.since(begun) < DURATION {
                self.show_phase(place, now.since(begun));
                return;
            }
            let end = begun + DURATION;
            self.finish(place, end);
            if let Some(next) = self.current_action() {
                self.begin(next, end);
            }
        }
    }

    fn current_action(&self) -> Option<usize> {
        self.actions.iter().position(|action| action.task.is_some())
    }

    fn begin(&mut self, place: usize, now: Timestamp) {
        let action = &mut self.actions[place];
        if let Some(task) = &action.task {
            action.phases = task.transition.phases(self.state);
        }
        action.progress = Progress::Sent;
        action.updated_at = now;
        self.show_phase(place, Duration::ZERO);
    }

    /// The phases before the last one share the duration equally.
    fn show_phase(&mut self, place: usize, elapsed: Duration) {
        let phases = self.actions[place].phases;
        let passing = phases.len().saturating_sub(1) as u128;
        let phase = usize::try_from(elapsed.as_millis() * passing / DURATION.as_millis()).unwrap_or(0);
        if let Some(state) = phases.get(phase) {
            self.state = *state;
        }
    }

    fn finish(&mut self, place: usize, end: Timestamp) {
        let action = &mut self.actions[place];
        action.progress = Progress::Success;
        action.updated_at = end;
        let task = action.task.take();
        if let Some(state) = action.phases.last() {
            self.state = *state;
        }
        if let Some(task) = task {
            (task.effect)(self, end);
        }
    }
}
