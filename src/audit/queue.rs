//! Lines on their way to the audit log.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long lines are gathered before they are written together.
const GATHERING: Duration = Duration::from_millis(50);

/// As many lines are written at once, without waiting for more.
const MANY: usize = 1024;

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
}

impl Queue {
    /// Puts a line at the end.
    pub(super) fn put(&self, line: String) {
        let mut waiting = self.waiting();
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
        let few = |waiting: &mut Waiting| waiting.lines.len() < MANY && !waiting.closed;
        let waiting = self.changed.wait_while(self.waiting(), idle).unwrap_or_else(PoisonError::into_inner);
        let gathered = self.changed.wait_timeout_while(waiting, GATHERING, few);
        let (mut waiting, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        Some(std::mem::take(&mut waiting.lines)).filter(|lines| !lines.is_empty())
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
}
