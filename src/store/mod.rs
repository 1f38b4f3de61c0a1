//! What has to outlast the process: one SQLite file in the state directory, shared by every process that uses it.
//!
//! A concern is a file of this module: its table and what is asked of it. Processes see each other's changes at
//! once: nothing of the file is kept in memory.

mod approvals;
mod audit;
mod file;
pub(crate) mod private;
#[cfg(test)]
mod tests;
mod tokens;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

pub use approvals::{ApprovalRecord, Permission, Proof};
pub use audit::{Break, Extent, Segment};
pub use tokens::{Revocation, TokenRecord};

/// The name of the file in the state directory.
const FILE: &str = "state.db";

/// How long a writer waits for another one, which may be another process.
const PATIENCE: Duration = Duration::from_secs(5);

/// Every version of the tables, each a step from the one before. Steps that were released are never changed.
const MIGRATIONS: &[&str] = &[tokens::TABLE, approvals::TABLE, audit::TABLE, tokens::ACCOUNTS];

/// The version of the tables that this program makes and understands; a new file has 0.
const VERSION: u32 = MIGRATIONS.len() as u32;

/// The embedded store.
pub struct Store {
    path: PathBuf,
    /// Only reads, so that it never waits behind a writer.
    reader: Mutex<Connection>,
    writer: Mutex<Connection>,
}

impl Store {
    /// Opens the store in this directory, and makes both where they do not exist.
    ///
    /// # Errors
    /// If directory or file cannot be made or used, or are open to other users.
    pub fn create(directory: &Path) -> Result<Self, StoreError> {
        file::make_directory(directory)?;
        Self::open(directory.join(FILE))
    }

    /// Opens the store in this directory where there is one. Makes nothing.
    ///
    /// # Errors
    /// If there is one and it cannot be used.
    pub fn existing(directory: &Path) -> Result<Option<Self>, StoreError> {
        let path = directory.join(FILE);
        match path.try_exists() {
            Ok(true) => Self::open(path).map(Some),
            Ok(false) => Ok(None),
            Err(error) => Err(StoreError::io(&path, "cannot be looked for", &error)),
        }
    }

    /// A store that ends with the process and that no other one sees.
    ///
    /// # Errors
    /// If SQLite refuses it.
    pub fn in_memory() -> Result<Self, StoreError> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        // Reader and writer share it by its name.
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        Self::connected(PathBuf::from(format!("file:state-{number}?mode=memory&cache=shared")))
    }

    fn open(path: PathBuf) -> Result<Self, StoreError> {
        file::make_private(&path)?;
        Self::connected(path)
    }

    fn connected(path: PathBuf) -> Result<Self, StoreError> {
        let failed = |error| StoreError::sqlite(&path, &error);
        let mut writer = connect(&path).map_err(failed)?;
        // What was revoked stays revoked after a loss of power.
        writer.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        migrate(&mut writer, &path)?;
        let reader = connect(&path).map_err(failed)?;
        reader.pragma_update(None, "query_only", true).map_err(failed)?;
        Ok(Self { path, reader: Mutex::new(reader), writer: Mutex::new(writer) })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves the store in a state in which tokens cannot be read.
    #[cfg(test)]
    pub(crate) fn break_table(&self) {
        lock(&self.writer).execute_batch("DROP TABLE token").expect("a table to drop");
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        work(&lock(&self.reader)).map_err(|error| StoreError::sqlite(&self.path, &error))
    }

    /// Carries out `work` whole or not at all.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let mut writer = lock(&self.writer);
        let done = (|| {
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })();
        done.map_err(|error| StoreError::sqlite(&self.path, &error))
    }
}

/// A store that is opened when it is first needed, and again for as long as that fails.
#[derive(Debug, Default)]
pub struct LazyStore {
    directory: Option<PathBuf>,
    /// Without a directory, keep it in memory.
    fleeting: bool,
    opened: Mutex<Option<Arc<Store>>>,
}

impl LazyStore {
    /// The store in this directory; none where nothing says which.
    #[must_use]
    pub fn new(directory: Option<PathBuf>) -> Self {
        Self { directory, ..Self::default() }
    }

    /// A store in memory, for what need not outlast the process.
    #[must_use]
    pub fn in_memory() -> Self {
        Self { fleeting: true, ..Self::default() }
    }

    /// The store, opened.
    ///
    /// # Errors
    /// If nothing says where it is, or it cannot be used.
    pub fn get(&self) -> Result<Arc<Store>, StoreError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = opened.as_ref() {
            return Ok(Arc::clone(store));
        }
        let store = match &self.directory {
            Some(directory) => Store::create(directory)?,
            None if self.fleeting => Store::in_memory()?,
            None => return Err(StoreError::homeless()),
        };
        let store = Arc::new(store);
        *opened = Some(Arc::clone(&store));
        Ok(store)
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.path).finish_non_exhaustive()
    }
}

fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    // A transaction that was cut short by a panic has been rolled back.
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    Ok(connection)
}

/// Brings the tables to our version.
fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let mut step = || {
        if version(connection)? == VERSION {
            return Ok(VERSION);
        }
        // Another process may be at the same work: the version counts that is found behind the lock.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = version(&transaction)?;
        for step in MIGRATIONS.iter().skip(found as usize) {
            transaction.execute_batch(step)?;
        }
        if found < VERSION {
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        transaction.commit()?;
        Ok(found)
    };
    match step().map_err(|error| StoreError::sqlite(path, &error))? {
        found if found > VERSION => Err(StoreError {
            path: path.to_owned(),
            problem: "was written by a newer version of this program".to_owned(),
            fix: "Use that version, or another --state-dir.",
        }),
        _ => Ok(()),
    }
}

fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// The time as the store keeps it: seconds since 1970-01-01T00:00:00Z.
#[must_use]
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Why the store cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} {problem}. {fix}", path.display())]
pub struct StoreError {
    path: PathBuf,
    /// The rest of a sentence about the path.
    problem: String,
    /// What to do, as a sentence.
    fix: &'static str,
}

impl StoreError {
    /// Nothing says where the store is.
    pub(crate) fn homeless() -> Self {
        let problem = "is where the state directory should be, and nothing says where that is".to_owned();
        Self { path: PathBuf::from("$HOME"), problem, fix: "Name one with --state-dir." }
    }

    fn io(path: &Path, what: &str, error: &std::io::Error) -> Self {
        let problem = format!("{what}: {error}");
        Self { path: path.to_owned(), problem, fix: "Name a directory that this user can write to with --state-dir." }
    }

    fn sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let fix = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => "Make room on the disk.",
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "Another process holds it; try again once that is done."
            }
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                "Restore it from a backup, or move it away and make new tokens."
            }
            _ => "Check the disk and the permissions of the directory, or name another one with --state-dir.",
        };
        Self { path: path.to_owned(), problem: format!("cannot be used: {error}"), fix }
    }
}
