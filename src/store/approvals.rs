//! Approvals: asked for, given, used up.

use rusqlite::{OptionalExtension as _, Row, Transaction, named_params};

use super::{Store, StoreError, audit};

/// What an approval is for is in `binding`, a hash; what people see of it is in `preview`.
pub(super) const TABLE: &str = "
    CREATE TABLE approval (
        id TEXT PRIMARY KEY,
        secret BLOB UNIQUE CHECK (length(secret) = 32),
        binding BLOB NOT NULL CHECK (length(binding) = 32),
        principal TEXT NOT NULL,
        account TEXT NOT NULL,
        tool TEXT NOT NULL,
        preview TEXT NOT NULL,
        created INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        approved INTEGER,
        used INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX approval_binding ON approval (binding);
";

/// An approval that was asked for. Times are seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRecord {
    /// What people call it.
    pub id: String,
    /// SHA-256 of the token that proves that the call is repeated, where there is one.
    pub secret: Option<[u8; 32]>,
    /// SHA-256 over everything the approval is for: another call has another one.
    pub binding: [u8; 32],
    /// Who asked.
    pub principal: String,
    /// For which account.
    pub account: String,
    /// For which tool.
    pub tool: String,
    /// What the call would do, in words, without secrets.
    pub preview: String,
    /// When it was asked for.
    pub created: i64,
    /// From when on it is worth nothing.
    pub expires: i64,
    /// When a person approved it.
    pub approved: Option<i64>,
    /// When it was used up.
    pub used: Option<i64>,
}

/// By what an approval is found when the call is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The hash of the token that came with the call.
    Secret([u8; 32]),
    /// A person has approved it in a terminal.
    Approved,
    /// It was asked for; the call brings the exact phrase.
    Asked,
}

/// What came of asking to carry a call out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    /// It may be carried out, by this approval where it needed one.
    Given(Option<String>),
    /// It needs an approval, and there is none that is good.
    Withheld,
}

impl Store {
    /// Keeps an approval that is asked for.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn add_approval(&self, approval: &ApprovalRecord) -> Result<(), StoreError> {
        self.write(|transaction| {
            // What has expired long ago is of interest to nobody: the audit keeps what came of it.
            transaction.execute("DELETE FROM approval WHERE expires < ?1 - 86400", [approval.created])?;
            transaction.execute(
                "INSERT INTO approval (id, secret, binding, principal, account, tool, preview, created, expires)
                 VALUES (:id, :secret, :binding, :principal, :account, :tool, :preview, :created, :expires)",
                named_params! {
                    ":id": approval.id,
                    ":secret": approval.secret,
                    ":binding": approval.binding,
                    ":principal": approval.principal,
                    ":account": approval.account,
                    ":tool": approval.tool,
                    ":preview": approval.preview,
                    ":created": approval.created,
                    ":expires": approval.expires,
                },
            )?;
            Ok(())
        })
    }

    /// In one transaction: uses up the approval for exactly this call, where one is needed, and writes to the audit log
    /// what is about to happen. Of two that try at the same time, one gets the approval.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn permit(
        &self,
        needed: Option<(&[u8; 32], Proof, i64)>,
        intent: impl FnOnce(Option<&str>) -> String,
    ) -> Result<Permission, StoreError> {
        self.write(|transaction| {
            let approval = match needed {
                None => None,
                Some((binding, proof, now)) => match use_approval(transaction, binding, proof, now)? {
                    Some(id) => Some(id),
                    None => return Ok(Permission::Withheld),
                },
            };
            audit::append(transaction, &[intent(approval.as_deref())])?;
            Ok(Permission::Given(approval))
        })
    }

    /// An approval that is asked for, unused and not expired, and is for exactly this call.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn open_approval(&self, binding: &[u8; 32], now: i64) -> Result<Option<ApprovalRecord>, StoreError> {
        self.read(|reader| {
            let text = "SELECT * FROM approval
                        WHERE binding = ?1 AND used IS NULL AND expires > ?2 AND created <= ?2 LIMIT 1";
            reader.prepare_cached(text)?.query_row((binding, now), record).optional()
        })
    }

    /// The approvals that wait for a person, oldest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn waiting_approvals(&self, now: i64) -> Result<Vec<ApprovalRecord>, StoreError> {
        self.read(|reader| {
            let text =
                "SELECT * FROM approval WHERE approved IS NULL AND used IS NULL AND expires > ?1 ORDER BY created";
            reader.prepare_cached(text)?.query_map([now], record)?.collect()
        })
    }

    /// Makes the approval with this secret, a SHA-256, useless: the person did not agree.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn withdraw_approval(&self, secret: &[u8; 32]) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute("UPDATE approval SET expires = 0 WHERE secret = ?1 AND used IS NULL", [secret])?;
            Ok(())
        })
    }

    /// Notes that a person approved. False if nothing of this id waits for it any more.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn approve(&self, id: &str, now: i64) -> Result<bool, StoreError> {
        self.write(|transaction| {
            let text = "UPDATE approval SET approved = ?2
                        WHERE id = ?1 AND approved IS NULL AND used IS NULL AND expires > ?2";
            Ok(transaction.execute(text, (id, now))? == 1)
        })
    }
}

/// Uses up the approval for exactly this call. Gives its id, or nothing where there is none that is good. One that was
/// found to be out of its time is gone: it would be good again if the clock were set back.
fn use_approval(
    transaction: &Transaction<'_>,
    binding: &[u8; 32],
    proof: Proof,
    now: i64,
) -> rusqlite::Result<Option<String>> {
    let overdue = "DELETE FROM approval WHERE binding = ?1 AND used IS NULL AND (expires <= ?2 OR created > ?2)";
    transaction.prepare_cached(overdue)?.execute((binding, now))?;
    let (condition, secret) = match proof {
        Proof::Secret(secret) => ("secret = :secret", Some(secret)),
        Proof::Approved => ("approved IS NOT NULL AND :secret IS NULL", None),
        Proof::Asked => ("secret IS NULL AND :secret IS NULL", None),
    };
    let statement = format!(
        "UPDATE approval SET used = :now WHERE id = (
            SELECT id FROM approval
            WHERE binding = :binding AND used IS NULL AND {condition}
            ORDER BY created LIMIT 1
         ) RETURNING id"
    );
    let parameters = named_params! { ":now": now, ":binding": binding, ":secret": secret };
    transaction.query_row(&statement, parameters, |row| row.get(0)).optional()
}

fn record(row: &Row<'_>) -> rusqlite::Result<ApprovalRecord> {
    Ok(ApprovalRecord {
        id: row.get("id")?,
        secret: row.get("secret")?,
        binding: row.get("binding")?,
        principal: row.get("principal")?,
        account: row.get("account")?,
        tool: row.get("tool")?,
        preview: row.get("preview")?,
        created: row.get("created")?,
        expires: row.get("expires")?,
        approved: row.get("approved")?,
        used: row.get("used")?,
    })
}
