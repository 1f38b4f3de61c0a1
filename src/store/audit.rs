//! The audit log: events in segments that are chained by their hashes, so that no edit, removal or change of order
//! goes unseen.

use ring::digest::{Context, SHA256};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};

use super::{Store, StoreError};

/// Many events are one row: a row costs more than an event. The head says where the chain ends, which a removal at
/// its end would leave behind.
pub(super) const TABLE: &str = "
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY,
        first INTEGER NOT NULL,
        events TEXT NOT NULL,
        hash BLOB NOT NULL CHECK (length(hash) = 32)
    ) STRICT;
    CREATE TABLE audit_head (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        id INTEGER NOT NULL,
        next INTEGER NOT NULL,
        hash BLOB NOT NULL CHECK (length(hash) = 32)
    ) STRICT;
    CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
";

/// Events that were written together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// 1 for the first one.
    pub id: i64,
    /// The number of its first event; 1 for the first of all.
    pub first: i64,
    /// The events, a line of JSON each.
    pub events: String,
    hash: [u8; 32],
}

/// Where the audit log does not hold together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    /// A segment is missing before this one, or stands in another place.
    #[error("segment {0} does not follow on the one before it: something was removed or put in another order")]
    Order(i64),
    /// The contents of a segment are not those that were written.
    #[error("segment {0} was changed: its hash does not fit its events and the segment before it")]
    Changed(i64),
    /// The log ends before or after its head says.
    #[error("the log ends at segment {found}, and should end at {expected}: its end was removed or added to")]
    End {
        /// The last segment.
        found: i64,
        /// The one that should be.
        expected: i64,
    },
}

/// How far the audit log reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// How many events it holds.
    pub events: i64,
    /// The hash at its end: who noted it elsewhere can tell later whether this log still begins with what it held.
    pub hash: [u8; 32],
}

impl Store {
    /// Appends events, a line of JSON each without line end, so that they are on disk when this returns.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn append_audit(&self, events: &[String]) -> Result<(), StoreError> {
        self.write(|transaction| append(transaction, events))
    }

    /// Hands every segment to `visit`, oldest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn read_audit(&self, mut visit: impl FnMut(Segment)) -> Result<(), StoreError> {
        self.read(|reader| {
            let mut statement = reader.prepare("SELECT * FROM audit ORDER BY id")?;
            let segments = statement.query_map([], segment)?;
            segments.into_iter().try_for_each(|segment| segment.map(&mut visit))
        })
    }

    /// Goes through the whole chain.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn verify_audit(&self) -> Result<Result<Extent, Break>, StoreError> {
        let mut end = Head { id: 0, next: 1, hash: [0; 32] };
        let mut broken = None;
        self.read_audit(|segment| {
            if broken.is_none() {
                broken = end.follow(&segment).err();
            }
        })?;
        let head = self.read(head)?.unwrap_or(Head { id: 0, next: 1, hash: [0; 32] });
        Ok(match broken {
            Some(broken) => Err(broken),
            None if head != end => Err(Break::End { found: end.id, expected: head.id }),
            None => Ok(Extent { events: end.next - 1, hash: end.hash }),
        })
    }
}

/// Appends a segment to the chain.
pub(super) fn append(transaction: &Transaction<'_>, events: &[String]) -> rusqlite::Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let head = head(transaction)?.unwrap_or(Head { id: 0, next: 1, hash: [0; 32] });
    let text = events.join("\n");
    let next = Head {
        id: head.id + 1,
        next: head.next + i64::try_from(events.len()).unwrap_or(i64::MAX),
        hash: chained(&head.hash, head.next, &text),
    };
    let insert = "INSERT INTO audit (id, first, events, hash) VALUES (?1, ?2, ?3, ?4)";
    transaction.prepare_cached(insert)?.execute((next.id, head.next, &text, next.hash))?;
    let move_on = "INSERT INTO audit_head (one, id, next, hash) VALUES (1, ?1, ?2, ?3)
                   ON CONFLICT (one) DO UPDATE SET id = ?1, next = ?2, hash = ?3";
    transaction.prepare_cached(move_on)?.execute((next.id, next.next, next.hash)).map(drop)
}

/// The end of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    id: i64,
    /// The number of the event to come.
    next: i64,
    hash: [u8; 32],
}

impl Head {
    /// Moves on to the segment, if it is the one to come.
    fn follow(&mut self, segment: &Segment) -> Result<(), Break> {
        if segment.id != self.id + 1 || segment.first != self.next {
            return Err(Break::Order(segment.id));
        }
        if chained(&self.hash, segment.first, &segment.events) != segment.hash {
            return Err(Break::Changed(segment.id));
        }
        let count = i64::try_from(segment.events.lines().count()).unwrap_or(i64::MAX);
        *self = Self { id: segment.id, next: segment.first + count, hash: segment.hash };
        Ok(())
    }
}

fn chained(before: &[u8; 32], first: i64, events: &str) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(before);
    context.update(&first.to_be_bytes());
    context.update(events.as_bytes());
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

fn head(connection: &Connection) -> rusqlite::Result<Option<Head>> {
    let mut statement = connection.prepare_cached("SELECT id, next, hash FROM audit_head")?;
    statement.query_row([], |row| Ok(Head { id: row.get(0)?, next: row.get(1)?, hash: row.get(2)? })).optional()
}

fn segment(row: &Row<'_>) -> rusqlite::Result<Segment> {
    Ok(Segment { id: row.get("id")?, first: row.get("first")?, events: row.get("events")?, hash: row.get("hash")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::create(directory.path()).unwrap();
        (directory, store)
    }

    fn filled() -> (tempfile::TempDir, Store) {
        let (directory, store) = store();
        for events in [&["{\"a\":1}", "{\"a\":2}"][..], &["{\"a\":3}"], &["{\"a\":4}"], &[]] {
            store.append_audit(&events.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        }
        (directory, store)
    }

    #[test]
    fn what_was_appended_is_read_in_order() {
        let (_directory, store) = filled();
        let mut read = Vec::new();
        store.read_audit(|segment| read.push((segment.first, segment.events))).unwrap();
        assert_eq!(read, [(1, "{\"a\":1}\n{\"a\":2}".to_owned()), (3, "{\"a\":3}".into()), (4, "{\"a\":4}".into())]);
        assert_eq!(store.verify_audit().unwrap().unwrap().events, 4);
    }

    #[test]
    fn an_empty_log_holds_together() {
        let (_directory, store) = store();
        assert_eq!(store.verify_audit().unwrap().unwrap(), Extent { events: 0, hash: [0; 32] });
    }

    #[test]
    fn nothing_is_changed_or_removed_unseen() {
        for (forgery, expected) in [
            ("UPDATE audit SET events = '{\"a\":9}' WHERE id = 2", Break::Changed(2)),
            ("UPDATE audit SET hash = zeroblob(32) WHERE id = 3", Break::Changed(3)),
            ("DELETE FROM audit WHERE id = 2", Break::Order(3)),
            ("DELETE FROM audit WHERE id = 1", Break::Order(2)),
            ("DELETE FROM audit WHERE id = 3", Break::End { found: 2, expected: 3 }),
            ("DELETE FROM audit; DELETE FROM audit_head", Break::Order(0)),
            (
                "UPDATE audit SET id = 9 WHERE id = 2; UPDATE audit SET id = 2 WHERE id = 3; UPDATE audit SET id = 3 WHERE id = 9",
                Break::Order(2),
            ),
            ("UPDATE audit SET first = 1 WHERE id = 3", Break::Order(3)),
            ("INSERT INTO audit VALUES (4, 5, 'x', zeroblob(32))", Break::Changed(4)),
            ("UPDATE audit_head SET id = 9", Break::End { found: 3, expected: 9 }),
        ] {
            let (directory, store) = filled();
            let forger = Connection::open(directory.path().join("state.db")).unwrap();
            forger.execute_batch("DROP TRIGGER audit_stays; DROP TRIGGER audit_is_kept").unwrap();
            forger.execute_batch(forgery).unwrap();
            match (store.verify_audit().unwrap(), expected) {
                // Who can write the file can start it anew: only a hash that was noted elsewhere tells.
                (Ok(extent), Break::Order(0)) => assert_eq!(extent.events, 0),
                (got, expected) => assert_eq!(got, Err(expected), "{forgery}"),
            }
        }
    }

    #[test]
    fn the_table_itself_refuses_changes() {
        let (directory, _store) = filled();
        let other = Connection::open(directory.path().join("state.db")).unwrap();
        for statement in ["UPDATE audit SET events = 'x'", "DELETE FROM audit"] {
            let error = other.execute_batch(statement).unwrap_err().to_string();
            assert!(error.contains("append-only"), "{error}");
        }
    }

    #[test]
    fn processes_share_one_chain() {
        let (directory, store) = store();
        std::thread::scope(|scope| {
            for number in 0..4 {
                let path = directory.path();
                scope.spawn(move || {
                    let store = Store::create(path).unwrap();
                    (0..10)
                        .for_each(|count| store.append_audit(&[format!("{{\"n\":{number},\"c\":{count}}}")]).unwrap());
                });
            }
        });
        assert_eq!(store.verify_audit().unwrap().unwrap().events, 40);
    }
}
