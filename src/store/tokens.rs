//! Bearer tokens: what is known of them, which is never the token itself.

use rusqlite::{OptionalExtension as _, Row, named_params};

use super::{Store, StoreError};

/// Lists of names are separated by spaces, as OAuth writes scopes; NULL stands for no limit.
pub(super) const TABLE: &str = "
    CREATE TABLE token (
        name TEXT PRIMARY KEY,
        hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
        toolsets TEXT,
        scopes TEXT,
        read_only INTEGER NOT NULL,
        created INTEGER NOT NULL,
        expires INTEGER,
        used INTEGER,
        revoked INTEGER
    ) STRICT, WITHOUT ROWID;
";

/// Later: the accounts that a token may use.
pub(super) const ACCOUNTS: &str = "ALTER TABLE token ADD COLUMN accounts TEXT;";

/// What is kept of a token. Times are seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// The name by which people know it. It stands for one token for ever, a revoked one included.
    pub name: String,
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// Only these toolsets.
    pub toolsets: Option<Vec<String>>,
    /// Only these scopes.
    pub scopes: Option<Vec<String>>,
    /// Only these accounts, as `provider/name`.
    pub accounts: Option<Vec<String>>,
    /// Only tools that change nothing.
    pub read_only: bool,
    /// When it was made.
    pub created: i64,
    /// From when on it is of no use any more.
    pub expires: Option<i64>,
    /// When it was last used, give or take an hour.
    pub used: Option<i64>,
    /// When it was revoked.
    pub revoked: Option<i64>,
}

/// What came of revoking a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// It holds from now on.
    Done,
    /// It was revoked before.
    Before,
    /// There is no token of this name.
    Unknown,
}

impl Store {
    /// Keeps a new token. False if its name is taken.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn add_token(&self, token: &TokenRecord) -> Result<bool, StoreError> {
        let list = |names: &Option<Vec<String>>| names.as_ref().map(|names| names.join(" "));
        self.write(|transaction| {
            let added = transaction.execute(
                "INSERT INTO token (name, hash, toolsets, scopes, accounts, read_only, created, expires, used, revoked)
                 VALUES (:name, :hash, :toolsets, :scopes, :accounts, :read_only, :created, :expires, :used, :revoked)
                 ON CONFLICT (name) DO NOTHING",
                named_params! {
                    ":name": token.name,
                    ":hash": token.hash,
                    ":toolsets": list(&token.toolsets),
                    ":scopes": list(&token.scopes),
                    ":accounts": list(&token.accounts),
                    ":read_only": token.read_only,
                    ":created": token.created,
                    ":expires": token.expires,
                    ":used": token.used,
                    ":revoked": token.revoked,
                },
            )?;
            Ok(added == 1)
        })
    }

    /// All tokens by name, also those that are of no use any more.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn tokens(&self) -> Result<Vec<TokenRecord>, StoreError> {
        self.read(|reader| {
            let mut statement = reader.prepare_cached("SELECT * FROM token ORDER BY name")?;
            statement.query_map([], record)?.collect()
        })
    }

    /// The token with this hash. Costs some microseconds: it is asked for by every request.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn token_by_hash(&self, hash: &[u8; 32]) -> Result<Option<TokenRecord>, StoreError> {
        self.read(|reader| {
            let mut statement = reader.prepare_cached("SELECT * FROM token WHERE hash = ?1")?;
            statement.query_row([hash], record).optional()
        })
    }

    /// Whether a token was ever made.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn has_tokens(&self) -> Result<bool, StoreError> {
        self.read(|reader| reader.query_row("SELECT EXISTS (SELECT 1 FROM token)", [], |row| row.get(0)))
    }

    /// Revokes a token: from the next request on it is refused.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn revoke_token(&self, name: &str, now: i64) -> Result<Revocation, StoreError> {
        self.write(|transaction| {
            let found = "SELECT revoked FROM token WHERE name = ?1";
            match transaction.query_row(found, [name], |row| row.get::<_, Option<i64>>(0)).optional()? {
                None => Ok(Revocation::Unknown),
                Some(Some(_)) => Ok(Revocation::Before),
                Some(None) => {
                    transaction.execute("UPDATE token SET revoked = ?2 WHERE name = ?1", (name, now))?;
                    Ok(Revocation::Done)
                }
            }
        })
    }

    /// Notes that a token was used.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn note_use(&self, name: &str, now: i64) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute("UPDATE token SET used = ?2 WHERE name = ?1", (name, now)).map(drop)
        })
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<TokenRecord> {
    let list = |name| {
        let text: Option<String> = row.get(name)?;
        Ok::<_, rusqlite::Error>(text.map(|text| text.split_whitespace().map(str::to_owned).collect()))
    };
    Ok(TokenRecord {
        name: row.get("name")?,
        hash: row.get("hash")?,
        toolsets: list("toolsets")?,
        scopes: list("scopes")?,
        accounts: list("accounts")?,
        read_only: row.get("read_only")?,
        created: row.get("created")?,
        expires: row.get("expires")?,
        used: row.get("used")?,
        revoked: row.get("revoked")?,
    })
}
