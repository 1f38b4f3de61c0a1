//! Bearer tokens that the operator makes: how they look, how long they live, how one is recognised.
//!
//! A token holds 256 random bits, so its SHA-256 cannot be turned back by guessing and needs neither salt nor a slow
//! hash. That hash is all that is kept.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};
use subtle::ConstantTimeEq as _;

use super::Challenge;
use crate::account::Secret;
use crate::principal::{Grant, Principal};
use crate::store::{Store, TokenRecord};

/// What every token begins with, so that scanners for leaked secrets and people know what it is.
pub(super) const PREFIX: &str = "imcp_";

/// Random bytes in a token.
const RANDOM: usize = 32;

/// After this time without use a token is taken for forgotten, in seconds.
const IDLE: i64 = 90 * 86_400;

/// How exactly the last use is kept, in seconds: a write for every request would cost more than the request.
const USE_PRECISION: u64 = 3600;

/// The longest name of a token.
const LONGEST_NAME: usize = 64;

/// Makes a token and its hash.
///
/// # Errors
/// If the system has no random numbers.
pub fn make() -> Result<(Secret, [u8; 32]), ring::error::Unspecified> {
    let mut random = [0; RANDOM];
    SystemRandom::new().fill(&mut random)?;
    let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    let hash = hash(&token);
    Ok((Secret::new(token), hash))
}

/// Whether a token can have this name: it becomes part of logs and of the names of principals.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
    (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(legal)
}

/// What a token is good for at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenState {
    /// It is accepted.
    Active,
    /// The operator has revoked it.
    Revoked,
    /// The time it was made for is over.
    Expired,
    /// Nobody has used it for 90 days.
    Unused,
}

impl TokenState {
    /// The state at `now`, in seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn of(record: &TokenRecord, now: i64) -> Self {
        let used = record.used.unwrap_or(record.created).max(record.created);
        if record.revoked.is_some() {
            Self::Revoked
        } else if record.expires.is_some_and(|expires| now >= expires) {
            Self::Expired
        } else if now.saturating_sub(used) >= IDLE {
            Self::Unused
        } else {
            Self::Active
        }
    }

    /// One word for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Unused => "unused for 90 days",
        }
    }
}

/// The tokens of a store, as requests are checked against them.
pub struct Tokens {
    store: Arc<Store>,
    /// When the use of a token, by its name, was last about to be noted. Keeps requests from all writing the same, and
    /// from trying again and again where nothing can be written.
    noted: Mutex<HashMap<String, i64>>,
}

impl Tokens {
    /// The tokens of this store.
    #[must_use]
    pub fn new(store: Arc<Store>) -> Self {
        Self { store, noted: Mutex::default() }
    }

    /// Whose token it is, at `now` in seconds since 1970-01-01T00:00:00Z. Must be called within a tokio runtime.
    pub(super) fn principal(&self, token: &str, now: i64) -> Result<Arc<Principal>, Challenge> {
        let hash = hash(token);
        // How long the look-up takes says something of hashes, which whoever tries tokens cannot choose.
        let found = self.store.token_by_hash(&hash).map_err(|error| {
            tracing::error!(target: "infra_mcp", "tokens cannot be checked: {error}");
            Challenge::Unavailable { retry_after: 5 }
        })?;
        let Some(record) = found.filter(|record| record.hash.ct_eq(&hash).into()) else {
            return Err(Challenge::Invalid("it is not known here"));
        };
        match TokenState::of(&record, now) {
            TokenState::Active => {}
            TokenState::Revoked => return Err(Challenge::Invalid("it has been revoked")),
            TokenState::Expired => return Err(Challenge::Invalid("it has expired")),
            TokenState::Unused => return Err(Challenge::Invalid("it was not used for 90 days and has expired")),
        }
        if is_due(record.used, now) {
            self.note_use(&record.name, now);
        }
        let TokenRecord { name, toolsets, scopes, accounts, read_only, .. } = record;
        Ok(Arc::new(Principal::new(format!("token:{name}"), Grant { toolsets, scopes, accounts, read_only })))
    }

    fn note_use(&self, name: &str, now: i64) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_due(noted.get(name).copied(), now) {
            return;
        }
        noted.insert(name.to_owned(), now);
        let (store, name) = (Arc::clone(&self.store), name.to_owned());
        // A token is good although its use cannot be noted: on a full disk reading goes on.
        tokio::task::spawn_blocking(move || {
            if let Err(error) = store.note_use(&name, now) {
                tracing::warn!(target: "infra_mcp", "the use of token {name} cannot be noted: {error}");
            }
        });
    }
}

/// Whether a use at `now` is far enough from the last one to be noted, also where the clock was set back.
fn is_due(last: Option<i64>, now: i64) -> bool {
    last.is_none_or(|last| now.abs_diff(last) >= USE_PRECISION)
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("store", &self.store).finish_non_exhaustive()
    }
}

fn hash(token: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::store::Revocation;

    const NOW: i64 = 1_800_000_000;
    const DAY: i64 = 86_400;

    fn record(name: &str, hash: [u8; 32]) -> TokenRecord {
        TokenRecord {
            name: name.to_owned(),
            hash,
            toolsets: None,
            scopes: Some(vec!["vms:*".into()]),
            accounts: None,
            read_only: true,
            created: NOW,
            expires: None,
            used: None,
            revoked: None,
        }
    }

    #[test]
    fn tokens_are_long_and_never_the_same() {
        let (one, hash_of_one) = make().unwrap();
        let (other, _) = make().unwrap();
        assert_ne!(one.expose(), other.expose());
        assert_eq!(one.expose().len(), PREFIX.len() + 43);
        assert!(one.expose().starts_with(PREFIX));
        assert_eq!(hash(one.expose()), hash_of_one);
    }

    #[test]
    fn names_are_fit_for_logs() {
        for name in ["a", "ci-2", "alice@example.com", "A_b.c"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "a b", "a\n", "a#b", "ä", &"a".repeat(65)] {
            assert!(!is_name(name), "{name:?}");
        }
    }

    #[test]
    fn the_state_follows_the_clock() {
        let blank = || record("a", [0; 32]);
        for (record, now, expected) in [
            (blank(), NOW, TokenState::Active),
            (blank(), NOW + 90 * DAY - 1, TokenState::Active),
            (blank(), NOW + 90 * DAY, TokenState::Unused),
            (TokenRecord { used: Some(NOW + 80 * DAY), ..blank() }, NOW + 90 * DAY, TokenState::Active),
            (TokenRecord { expires: Some(NOW + 5), ..blank() }, NOW + 4, TokenState::Active),
            (TokenRecord { expires: Some(NOW + 5), ..blank() }, NOW + 5, TokenState::Expired),
            (TokenRecord { expires: Some(NOW), revoked: Some(NOW), ..blank() }, NOW, TokenState::Revoked),
            // The clock was set back: nothing is lost.
            (blank(), NOW - 1000 * DAY, TokenState::Active),
            (blank(), i64::MIN, TokenState::Active),
        ] {
            assert_eq!(TokenState::of(&record, now), expected, "{record:?} at {now}");
        }
    }

    #[tokio::test]
    async fn a_token_is_recognised_until_it_is_revoked_elsewhere() {
        let folder = TempDir::new().unwrap();
        let elsewhere = Store::create(folder.path()).unwrap();
        let tokens = Tokens::new(Arc::new(Store::create(folder.path()).unwrap()));
        let (token, hash) = make().unwrap();
        let unknown = Challenge::Invalid("it is not known here");
        assert_eq!(tokens.principal(token.expose(), NOW).unwrap_err(), unknown);

        elsewhere.add_token(&record("alice", hash)).unwrap();
        let principal = tokens.principal(token.expose(), NOW).unwrap();
        assert_eq!(principal.id(), "token:alice");
        assert_eq!(principal.grant().scopes, Some(vec!["vms:*".to_owned()]));
        assert!(principal.grant().read_only);
        for wrong in ["", PREFIX, &token.expose()[..47], &token.expose().to_uppercase()] {
            assert_eq!(tokens.principal(wrong, NOW).unwrap_err(), unknown, "{wrong}");
        }
        assert!(tokens.principal(token.expose(), NOW + 90 * DAY).is_err());

        assert_eq!(elsewhere.revoke_token("alice", NOW).unwrap(), Revocation::Done);
        let refused = tokens.principal(token.expose(), NOW).unwrap_err();
        assert_eq!(refused, Challenge::Invalid("it has been revoked"));
    }

    #[tokio::test]
    async fn use_is_noted_once_an_hour() {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(Store::create(folder.path()).unwrap());
        let (token, hash) = make().unwrap();
        store.add_token(&record("a", hash)).unwrap();
        let tokens = Tokens::new(Arc::clone(&store));
        let used = || store.tokens().unwrap()[0].used;
        let noted = async |expected| {
            while used() != Some(expected) {
                tokio::task::yield_now().await;
            }
        };
        for (now, expected) in [
            (NOW, NOW),
            (NOW + 1, NOW),
            (NOW + 3599, NOW),
            (NOW + 3600, NOW + 3600),
            // The clock was set back.
            (NOW + 1, NOW + 3600),
            (NOW, NOW),
        ] {
            tokens.principal(token.expose(), now).unwrap();
            noted(expected).await;
        }
    }

    #[tokio::test]
    async fn a_store_that_cannot_be_read_lets_nobody_pass() {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(Store::create(folder.path()).unwrap());
        let (token, hash) = make().unwrap();
        store.add_token(&record("a", hash)).unwrap();
        let tokens = Tokens::new(Arc::clone(&store));
        assert!(tokens.principal(token.expose(), NOW).is_ok());
        store.break_table();
        let refused = tokens.principal(token.expose(), NOW).unwrap_err();
        assert!(matches!(refused, Challenge::Unavailable { .. }), "{refused:?}");
    }
}
