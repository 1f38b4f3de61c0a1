//! What waits to be written. Messages are appended at once; one writer writes all that has gathered
//! in one go, so many calls in flight cost few system calls.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;

use super::parts::Parts;

/// Beyond this many unwritten bytes whoever sends has to wait.
const FULL: usize = 1024 * 1024;

/// As much memory is kept for the next round, in bytes.
const KEPT: usize = 256 * 1024;

/// The output queue.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    /// Wakes the writer.
    filled: Notify,
    /// Wakes whoever waits for room, for the end of the queue or for the reader to go away.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    queued: Parts,
    /// Bytes the writer has taken and not yet written.
    writing: usize,
    /// The other side has gone away.
    broken: bool,
}

impl State {
    fn unwritten(&self) -> usize {
        self.queued.len() + self.writing
    }
}

impl Outbox {
    /// Appends one message, which `write` produces, and ends its line.
    pub(crate) fn push(&self, write: impl FnOnce(&mut Parts)) {
        let mut state = self.lock();
        if !state.broken {
            write(&mut state.queued);
            state.queued.bytes().push(b'\n');
            self.filled.notify_one();
        }
    }

    /// Whether a sender may go on.
    pub(crate) async fn room(&self) {
        self.until(|state| state.broken || state.unwritten() <= FULL).await;
    }

    /// Waits until everything is written.
    pub(crate) async fn emptied(&self) {
        self.until(|state| state.broken || state.unwritten() == 0).await;
    }

    /// Waits until the other side has gone away, which may be never.
    pub(crate) async fn broken(&self) {
        self.until(|state| state.broken).await;
    }

    /// Takes nothing more. Nobody has to wait for what is left.
    pub(crate) fn close(&self) {
        self.wrote(true);
    }

    /// Writes what is pushed until the other side goes away.
    pub(crate) async fn write_to(&self, mut writer: impl AsyncWrite + Unpin) {
        let mut batch = Parts::default();
        loop {
            self.take(&mut batch);
            if batch.len() == 0 {
                self.filled.notified().await;
                continue;
            }
            let written = async {
                batch.write_to(&mut writer).await?;
                writer.flush().await
            };
            let broken = written.await.is_err();
            self.wrote(broken);
            if broken {
                return;
            }
            batch.clear(KEPT);
        }
    }

    fn take(&self, batch: &mut Parts) {
        let mut state = self.lock();
        std::mem::swap(&mut state.queued, batch);
        state.writing = batch.len();
    }

    fn wrote(&self, broken: bool) {
        let mut state = self.lock();
        state.writing = 0;
        state.broken = broken;
        drop(state);
        self.changed.notify_waiters();
    }

    async fn until(&self, reached: impl Fn(&State) -> bool) {
        loop {
            if reached(&self.lock()) {
                return;
            }
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            // Once more: the change may have come before the registration.
            if reached(&self.lock()) {
                return;
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn what_gathered_is_written_in_order() {
        let outbox = Arc::new(Outbox::default());
        let (near, mut far) = tokio::io::duplex(16);
        for message in ["one", "two", "three"] {
            outbox.push(|out| out.bytes().extend_from_slice(message.as_bytes()));
        }
        let writer = tokio::spawn({
            let outbox = Arc::clone(&outbox);
            async move { outbox.write_to(near).await }
        });
        let mut seen = vec![0; 14];
        far.read_exact(&mut seen).await.unwrap();
        assert_eq!(seen, b"one\ntwo\nthree\n");
        outbox.emptied().await;
        drop(far);
        outbox.push(|out| out.bytes().push(b'x'));
        outbox.broken().await;
        writer.await.unwrap();
        outbox.emptied().await;
    }

    #[tokio::test]
    async fn a_sender_waits_while_too_much_is_queued() {
        let outbox = Arc::new(Outbox::default());
        let (near, mut far) = tokio::io::duplex(16);
        outbox.push(|out| out.bytes().resize(FULL + 1, b'x'));
        let writing = outbox.write_to(near);
        tokio::pin!(writing);
        tokio::select! {
            () = &mut writing => panic!("the writer ended"),
            () = outbox.room() => panic!("there is no room"),
            () = tokio::task::yield_now() => {}
        }
        let mut rest = vec![0; FULL + 2];
        tokio::select! {
            () = writing => panic!("the writer ended"),
            read = far.read_exact(&mut rest) => { read.unwrap(); }
        }
    }
}
