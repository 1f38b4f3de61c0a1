//! Which requests are being carried out, and which of them are answered together.

use std::collections::HashMap;

use rmcp::model::RequestId;

/// The number of a batch.
pub(crate) type BatchId = u64;

/// How many requests may be carried out at once.
pub(crate) const MOST_CALLS: usize = 1024;

/// The requests that have been taken and not yet been answered.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    open: HashMap<RequestId, Option<BatchId>>,
    batches: HashMap<BatchId, Batch>,
    last_batch: BatchId,
}

/// The answers to a JSON-RPC batch, which leave as one array.
#[derive(Debug, Default)]
struct Batch {
    /// Members whose fate is open.
    missing: usize,
    /// The finished answers, joined by commas.
    answers: Vec<u8>,
}

impl Calls {
    /// Whether a further request may be taken.
    pub(crate) fn has_room(&self) -> bool {
        self.open.len() < MOST_CALLS
    }

    /// Whether every request has been answered.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether a request with this id is being carried out.
    pub(crate) fn contains(&self, id: &RequestId) -> bool {
        self.open.contains_key(id)
    }

    /// Takes a request.
    pub(crate) fn begin(&mut self, id: RequestId, batch: Option<BatchId>) {
        self.open.insert(id, batch);
    }

    /// Lets go of a request. The outer option tells whether it was known, the inner one its batch.
    pub(crate) fn end(&mut self, id: &RequestId) -> Option<Option<BatchId>> {
        self.open.remove(id)
    }

    /// Opens a batch of `members` messages.
    pub(crate) fn open_batch(&mut self, members: usize) -> BatchId {
        self.last_batch += 1;
        self.batches.insert(self.last_batch, Batch { missing: members, answers: Vec::new() });
        self.last_batch
    }

    /// Settles one member of a batch, with an answer or (a notification, a cancelled request)
    /// without. Gives the whole answer once no member is missing and there is anything to say.
    pub(crate) fn settle(&mut self, batch: BatchId, answer: Option<&[u8]>) -> Option<Vec<u8>> {
        let state = self.batches.get_mut(&batch)?;
        state.missing -= 1;
        if let Some(answer) = answer {
            state.answers.push(if state.answers.is_empty() { b'[' } else { b',' });
            state.answers.extend_from_slice(answer);
        }
        if state.missing > 0 {
            return None;
        }
        let mut answers = self.batches.remove(&batch)?.answers;
        if answers.is_empty() {
            return None;
        }
        answers.push(b']');
        Some(answers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_answered_when_its_last_member_is() {
        let mut calls = Calls::default();
        let batch = calls.open_batch(4);
        let other = calls.open_batch(2);
        assert_eq!(calls.settle(batch, Some(b"1")), None);
        assert_eq!(calls.settle(batch, None), None);
        assert_eq!(calls.settle(other, None), None);
        assert_eq!(calls.settle(other, None), None, "nothing is said about notifications alone");
        assert_eq!(calls.settle(batch, Some(b"{\"a\":2}")), None);
        assert_eq!(calls.settle(batch, Some(b"3")).as_deref(), Some(&b"[1,{\"a\":2},3]"[..]));
        assert_eq!(calls.settle(batch, Some(b"late")), None);
    }
}
