//! Lines on their way to the audit log.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long lines are gathered before they are written together.
const GATHERING: Duration = Duration::from_millis(50);

/// As many lines are written at once, without waiting for more.
const MANY: usize = 1024;

/// After how long lines that could not be written are taken again.
const AGAIN: Duration = Duration::from_secs(1);

/// How many lines wait for that: some megabytes. Those that come after them are lost.
const MOST_WAITING: usize = 10_000;

/// What was put in and not yet taken. The reader is woken by the first line and by many, not by each: waking costs more
/// than a line.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<String>,
    closed: bool,
    /// Lines came back that could not be written.
    failing: bool,
    /// How many lines were lost since that was last said.
    lost: usize,
}

/// What becomes of lines that cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Setback {
    /// They are the first ones.
    pub(super) new: bool,
    /// How many are lost since the last setback.
    pub(super) lost: usize,
}

impl Queue {
    /// Puts a line at the end.
    pub(super) fn put(&self, line: String) {
        let mut waiting = self.waiting();
        if waiting.failing && waiting.lines.len() >= MOST_WAITING {
            waiting.lost += 1;
            return;
        }
        waiting.lines.push(line);
        let count = waiting.lines.len();
        drop(waiting);
        if count == 1 || count == MANY {
            self.changed.notify_one();
        }
    }

    /// Says that no line will follow.
    pub(super) fn close(&self) {
        self.waiting().closed = true;
        self.changed.notify_one();
    }

    /// Takes what was gathered, in order; waits for a first line, and a moment for others. None once the queue is closed
    /// and empty.
    pub(super) fn take(&self) -> Option<Vec<String>> {
        let idle = |waiting: &mut Waiting| waiting.lines.is_empty() && !waiting.closed;
        let few = |waiting: &mut Waiting| (waiting.failing || waiting.lines.len() < MANY) && !waiting.closed;
        let waiting = self.changed.wait_while(self.waiting(), idle).unwrap_or_else(PoisonError::into_inner);
        let time = if waiting.failing { AGAIN } else { GATHERING };
        let gathered = self.changed.wait_timeout_while(waiting, time, few);
        let (mut waiting, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        Some(std::mem::take(&mut waiting.lines)).filter(|lines| !lines.is_empty())
    }

    /// Notes that what was taken is written. True if that is a change.
    pub(super) fn recover(&self) -> bool {
        std::mem::take(&mut self.waiting().failing)
    }

    /// Puts back what was taken and could not be written, before what has come since. At the end it is lost.
    pub(super) fn put_back(&self, mut lines: Vec<String>) -> Setback {
        let mut waiting = self.waiting();
        let new = !std::mem::replace(&mut waiting.failing, true);
        if waiting.closed {
            waiting.lost += lines.len();
        } else {
            lines.append(&mut waiting.lines);
            waiting.lines = lines;
        }
        Setback { new, lost: std::mem::take(&mut waiting.lost) }
    }

    /// Whether lines wait that could not be written.
    pub(super) fn is_failing(&self) -> bool {
        self.waiting().failing
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn every_line_comes_out_once_and_in_order() {
        for lines in [0, 1, 2, MANY, 3 * MANY + 7] {
            let queue = Arc::new(Queue::default());
            let reader = {
                let queue = Arc::clone(&queue);
                thread::spawn(move || std::iter::from_fn(|| queue.take()).flatten().collect::<Vec<_>>())
            };
            (0..lines).for_each(|number| queue.put(number.to_string()));
            queue.close();
            let expected: Vec<_> = (0..lines).map(|number| number.to_string()).collect();
            assert_eq!(reader.join().unwrap(), expected);
        }
    }

    #[test]
    fn lines_that_come_back_keep_their_place_and_are_not_kept_without_end() {
        let queue = Queue::default();
        let numbers = |numbers: std::ops::Range<usize>| numbers.map(|number| number.to_string()).collect::<Vec<_>>();
        numbers(0..5).into_iter().for_each(|line| queue.put(line));
        let taken = queue.take().unwrap();
        queue.put("5".to_owned());
        assert_eq!(queue.put_back(taken), Setback { new: true, lost: 0 });
        assert!(queue.is_failing());
        numbers(6..MOST_WAITING + 3).into_iter().for_each(|line| queue.put(line));
        let taken = queue.take().unwrap();
        assert_eq!(taken, numbers(0..MOST_WAITING));
        assert_eq!(queue.put_back(taken), Setback { new: false, lost: 3 });
        let taken = queue.take().unwrap();
        assert!(queue.recover() && !queue.recover());
        queue.close();
        assert_eq!(queue.put_back(taken), Setback { new: true, lost: MOST_WAITING });
        assert_eq!(queue.take(), None);
    }
}
