//! Bearer tokens that the operator makes: how they look, how long they live, how one is recognised.
//!
//! A token holds 256 random bits, so its SHA-256 cannot be turned back by guessing and needs neither salt nor a slow
//! hash. That hash is all that is kept.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};
use subtle::ConstantTimeEq as _;

use super::Challenge;
use crate::account::Secret;
use crate::principal::{Grant, Principal};
use crate::store::{Store, StoreError, TokenRecord};

/// What every token begins with, so that scanners for leaked secrets and people know what it is.
pub(super) const PREFIX: &str = "imcp_";

/// Random bytes in a token.
const RANDOM: usize = 32;

/// After this time without use a token is taken for forgotten, in seconds.
const IDLE: i64 = 90 * 86_400;

/// How exactly the last use is kept, in seconds: a write for every request would cost more than the request.
const USE_PRECISION: i64 = 3600;

/// The last use of a token that nobody has used yet.
const NEVER: i64 = i64::MIN;

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
        Self::with_use(record, record.used.unwrap_or(NEVER), now)
    }

    /// The same with a last use of which the record may not know yet.
    fn with_use(record: &TokenRecord, used: i64, now: i64) -> Self {
        if record.revoked.is_some() {
            Self::Revoked
        } else if record.expires.is_some_and(|expires| now >= expires) {
            Self::Expired
        } else if now.saturating_sub(used.max(record.created)) >= IDLE {
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
    known: Mutex<Known>,
}

/// What the store held when it was last read.
#[derive(Clone)]
struct Known {
    generation: i64,
    /// By the beginning of the hash: whoever tries tokens cannot choose it, so that the time of a look-up tells
    /// nothing. It takes four thousand million tokens to expect two with the same.
    tokens: Arc<HashMap<[u8; 8], Token>>,
}

struct Token {
    record: TokenRecord,
    /// The last use that is, or is about to be, in the store.
    used: AtomicI64,
    principal: Arc<Principal>,
}

impl Tokens {
    /// Reads the tokens of the store.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn new(store: Arc<Store>) -> Result<Self, StoreError> {
        let known = Mutex::new(read(&store)?);
        Ok(Self { store, known })
    }

    /// Whether no token was ever made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).tokens.is_empty()
    }

    /// Whose token it is, at `now` in seconds since 1970-01-01T00:00:00Z. Must be called within a tokio runtime.
    pub(super) fn principal(&self, token: &str, now: i64) -> Result<Arc<Principal>, Challenge> {
        let hash = hash(token);
        let known = self.known().map_err(|error| {
            tracing::error!(target: "infra_mcp", "tokens cannot be checked: {error}");
            Challenge::Unavailable { retry_after: 5 }
        })?;
        let token = known.get(&key(&hash)).filter(|token| token.record.hash.ct_eq(&hash).into());
        let Some(token) = token else { return Err(Challenge::Invalid("it is not known here")) };
        match TokenState::with_use(&token.record, token.used.load(Ordering::Relaxed), now) {
            TokenState::Active => {}
            TokenState::Revoked => return Err(Challenge::Invalid("it has been revoked")),
            TokenState::Expired => return Err(Challenge::Invalid("it has expired")),
            TokenState::Unused => return Err(Challenge::Invalid("it was not used for 90 days and has expired")),
        }
        self.note_use(token, now);
        Ok(Arc::clone(&token.principal))
    }

    /// The tokens as they are now, read again where any process has changed the store.
    fn known(&self) -> Result<Arc<HashMap<[u8; 8], Token>>, StoreError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if self.store.generation()? != known.generation {
            *known = read(&self.store)?;
        }
        Ok(Arc::clone(&known.tokens))
    }

    fn note_use(&self, token: &Token, now: i64) {
        let last = token.used.load(Ordering::Relaxed);
        let first = || token.used.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if now.saturating_sub(last) >= USE_PRECISION && first() {
            let (store, name) = (Arc::clone(&self.store), token.record.name.clone());
            // A token is good although its use cannot be noted: on a full disk reading goes on.
            tokio::task::spawn_blocking(move || {
                if let Err(error) = store.note_use(&name, now) {
                    tracing::warn!(target: "infra_mcp", "the use of token {name} cannot be noted: {error}");
                }
            });
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("store", &self.store).finish_non_exhaustive()
    }
}

/// Reads the number first: a change in between leads to one more reading, and is never missed.
fn read(store: &Store) -> Result<Known, StoreError> {
    let generation = store.generation()?;
    let tokens = store.tokens()?.into_iter().map(|record| (key(&record.hash), Token::new(record)));
    Ok(Known { generation, tokens: Arc::new(tokens.collect()) })
}

impl Token {
    fn new(record: TokenRecord) -> Self {
        let grant =
            Grant { toolsets: record.toolsets.clone(), scopes: record.scopes.clone(), read_only: record.read_only };
        let principal = Arc::new(Principal::new(format!("token:{}", record.name), grant));
        Self { used: AtomicI64::new(record.used.unwrap_or(NEVER)), principal, record }
    }
}

fn hash(token: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}

fn key(hash: &[u8; 32]) -> [u8; 8] {
    let mut key = [0; 8];
    key.copy_from_slice(&hash[..8]);
    key
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
        let tokens = Tokens::new(Arc::new(Store::create(folder.path()).unwrap())).unwrap();
        let (token, hash) = make().unwrap();
        let unknown = Challenge::Invalid("it is not known here");
        assert!(tokens.is_empty());
        assert_eq!(tokens.principal(token.expose(), NOW).unwrap_err(), unknown);

        elsewhere.add_token(&record("alice", hash)).unwrap();
        let principal = tokens.principal(token.expose(), NOW).unwrap();
        assert_eq!(principal.id(), "token:alice");
        assert_eq!(principal.grant().scopes, Some(vec!["vms:*".to_owned()]));
        assert!(principal.grant().read_only && !tokens.is_empty());
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
        let tokens = Tokens::new(Arc::clone(&store)).unwrap();
        let used = || store.tokens().unwrap()[0].used;
        let noted = async |expected| {
            while used() != Some(expected) {
                tokio::task::yield_now().await;
            }
        };
        for now in [NOW, NOW + 1, NOW + USE_PRECISION - 1] {
            tokens.principal(token.expose(), now).unwrap();
            noted(NOW).await;
        }
        // Each use that counts is waited for, so a use in between that was noted would show.
        tokens.principal(token.expose(), NOW + USE_PRECISION).unwrap();
        noted(NOW + USE_PRECISION).await;
    }

    #[tokio::test]
    async fn a_store_that_cannot_be_read_lets_nobody_pass() {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(Store::create(folder.path()).unwrap());
        let (token, hash) = make().unwrap();
        store.add_token(&record("a", hash)).unwrap();
        let tokens = Tokens::new(Arc::clone(&store)).unwrap();
        assert!(tokens.principal(token.expose(), NOW).is_ok());
        store.break_table();
        let refused = tokens.principal(token.expose(), NOW).unwrap_err();
        assert!(matches!(refused, Challenge::Unavailable { .. }), "{refused:?}");
    }
}
