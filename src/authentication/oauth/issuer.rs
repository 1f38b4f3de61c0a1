//! An OAuth issuer and the keys it signs with.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::signature::ACCEPTED;
use crate::authentication::Challenge;
use crate::config::is_loopback;
use crate::executor::{DocumentError, Documents};

/// How long keys are believed: what an issuer withdraws is of no use after that.
const KEYS_LIVE: Duration = Duration::from_secs(3600);

/// How often a key that is not known makes us look for new ones: anybody can name one.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// How often an issuer is asked that gave no answer.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// An issuer that the operator trusts.
pub(super) struct Issuer {
    /// Exactly as it stands in its tokens and in its metadata.
    name: String,
    address: Url,
    /// What it published last.
    keys: RwLock<Option<Arc<Keys>>>,
    /// The last failure; held while asking, so that one request asks for all.
    failed: Mutex<Option<Instant>>,
}

struct Keys {
    keys: Vec<Key>,
    read: Instant,
}

struct Key {
    id: Option<String>,
    algorithm: Option<Algorithm>,
    key: DecodingKey,
}

/// What is read of RFC 8414 and OpenID Connect Discovery metadata.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

/// Why an issuer's keys are not to be had.
#[derive(Debug, thiserror::Error)]
enum KeysError {
    #[error("{0}")]
    Document(#[from] DocumentError),
    #[error("{address} is not what it should be: {problem}")]
    Unfit { address: Url, problem: String },
    #[error("it publishes no metadata at {0}")]
    NoMetadata(String),
}

impl Issuer {
    /// The issuer at this address, whose own spelling is `name`.
    pub(super) fn new(name: String, address: Url) -> Self {
        Self { name, address, keys: RwLock::default(), failed: Mutex::default() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The key that a token claims to be signed with.
    pub(super) async fn key(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        documents: &Documents,
    ) -> Result<DecodingKey, Challenge> {
        let asked_at = Instant::now();
        if let Some(keys) = self.fresh(KEYS_LIVE)
            && let Some(key) = keys.find(id, algorithm)
        {
            return Ok(key);
        }
        let mut failed = self.failed.lock().await;
        let unknown = Challenge::Invalid("it is signed with a key that its issuer does not publish");
        // Somebody else may have asked while this waited, and nobody may ask too often.
        if let Some(keys) = self.fresh(LOOK_AGAIN.max(asked_at.elapsed())) {
            return keys.find(id, algorithm).ok_or(unknown);
        }
        if failed.is_some_and(|failed| failed.elapsed() < ASK_AGAIN) {
            return Err(Challenge::Unavailable { retry_after: ASK_AGAIN.as_secs() });
        }
        match self.read(documents).await {
            Ok(keys) => {
                *failed = None;
                let keys = Arc::new(Keys { keys, read: Instant::now() });
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&keys));
                keys.find(id, algorithm).ok_or(unknown)
            }
            Err(error) => {
                tracing::error!(target: "infra_mcp", "the keys of {} cannot be read: {error}", self.name);
                *failed = Some(Instant::now());
                Err(Challenge::Unavailable { retry_after: ASK_AGAIN.as_secs() })
            }
        }
    }

    /// The keys, if they were read no longer ago than this.
    fn fresh(&self, age: Duration) -> Option<Arc<Keys>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner).clone();
        keys.filter(|keys| keys.read.elapsed() < age)
    }

    async fn read(&self, documents: &Documents) -> Result<Vec<Key>, KeysError> {
        let address = self.keys_address(documents).await?;
        let document = documents.read(&address).await?;
        let set: KeySet = serde_json::from_slice(&document)
            .map_err(|error| KeysError::Unfit { address, problem: format!("no JSON Web Key Set: {error}") })?;
        // Keys of kinds that we do not know are none of our business (RFC 7517 section 5).
        Ok(set.keys.into_iter().filter_map(Key::read).collect())
    }

    /// Where the keys lie, as the metadata of the issuer says.
    async fn keys_address(&self, documents: &Documents) -> Result<Url, KeysError> {
        let candidates = metadata_addresses(&self.address);
        for address in &candidates {
            let document = match documents.read(address).await {
                Ok(document) => document,
                Err(DocumentError::Refused { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            let unfit = |problem| KeysError::Unfit { address: address.clone(), problem };
            let metadata: Metadata = serde_json::from_slice(&document).map_err(|error| unfit(error.to_string()))?;
            if metadata.issuer != self.name {
                // RFC 8414 section 3.3.
                return Err(unfit(format!(
                    "the issuer calls itself {:?}. If that is right, write it like this in --oauth-issuer",
                    metadata.issuer
                )));
            }
            let keys = Url::parse(&metadata.jwks_uri).ok().filter(|keys| is_safe(keys, &self.address));
            return keys.ok_or_else(|| unfit(format!("the keys lie at {:?}, which is not https", metadata.jwks_uri)));
        }
        let tried: Vec<&str> = candidates.iter().map(Url::as_str).collect();
        Err(KeysError::NoMetadata(tried.join(", ")))
    }
}

/// Whether keys from this address can be trusted: over TLS, or on this machine from an issuer on this machine.
fn is_safe(address: &Url, issuer: &Url) -> bool {
    match address.scheme() {
        "https" => true,
        "http" => issuer.scheme() == "http" && is_loopback(address),
        _ => false,
    }
}

/// Where the metadata of an issuer may lie, in the order in which clients look (RFC 8414 section 3.1, RFC 8414
/// section 5, OpenID Connect Discovery 1.0 section 4).
fn metadata_addresses(issuer: &Url) -> Vec<Url> {
    let path = issuer.path().trim_end_matches('/');
    let mut paths = vec![
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("/.well-known/openid-configuration{path}"),
        format!("{path}/.well-known/openid-configuration"),
    ];
    paths.dedup();
    let at = |path: String| {
        let mut address = issuer.clone();
        address.set_path(&path);
        address
    };
    paths.into_iter().map(at).collect()
}

impl Keys {
    /// The key with this id. Without an id it is the only one that fits, if there is only one.
    fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
        let named = |key: &&Key| id.is_none() || key.id.as_deref() == id;
        let mut fitting = self.keys.iter().filter(|key| key.suits(algorithm)).filter(named);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Some(key.key.clone()),
            _ => None,
        }
    }
}

impl Key {
    /// A key that signs, of a kind that we know.
    fn read(value: Value) -> Option<Self> {
        let id = value["kid"].as_str().map(str::to_owned);
        let algorithm = match value["alg"].as_str() {
            Some(name) => Some(name.parse().ok()?),
            None => None,
        };
        if value["use"].as_str().is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let key = DecodingKey::from_jwk(&serde_json::from_value::<Jwk>(value).ok()?).ok()?;
        ACCEPTED.iter().any(|accepted| accepted.family() == key.family()).then_some(Self { id, algorithm, key })
    }

    fn suits(&self, algorithm: Algorithm) -> bool {
        self.key.family() == algorithm.family() && self.algorithm.is_none_or(|own| own == algorithm)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::Relaxed;

    use futures_util::future::join_all;
    use serde_json::json;

    use super::*;
    use crate::executor::NetworkOptions;

    /// An issuer on this machine: what it publishes, nothing where it is down, and how often it was asked for keys.
    struct Published {
        keys: std::sync::Mutex<Option<Vec<Value>>>,
        asked: AtomicUsize,
    }

    impl Published {
        fn start(keys: &[&str]) -> (Arc<Self>, Issuer) {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let name = format!("http://{}", listener.local_addr().unwrap());
            let published = Arc::new(Self { keys: std::sync::Mutex::default(), asked: AtomicUsize::new(0) });
            published.publish(Some(keys));
            let (own, issuer) = (Arc::clone(&published), Issuer::new(name.clone(), Url::parse(&name).unwrap()));
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    let mut stream = BufReader::new(stream.unwrap());
                    let mut head = String::new();
                    while stream.read_line(&mut head).unwrap() > 2 {}
                    let (status, text) = own.answer(&name, head.split(' ').nth(1).unwrap_or_default());
                    let length = text.len();
                    let head = format!("HTTP/1.1 {status} Status\r\nConnection: close\r\nContent-Length: {length}");
                    write!(stream.get_mut(), "{head}\r\n\r\n{text}").unwrap();
                }
            });
            (published, issuer)
        }

        fn publish(&self, ids: Option<&[&str]>) {
            let key = |id: &&str| json!({ "kty": "OKP", "crv": "Ed25519", "x": X, "kid": id });
            *self.keys.lock().unwrap() = ids.map(|ids| ids.iter().map(key).collect());
        }

        fn answer(&self, name: &str, path: &str) -> (u16, String) {
            match (&*self.keys.lock().unwrap(), path) {
                (None, _) => (500, String::new()),
                (_, "/.well-known/oauth-authorization-server") => {
                    (200, json!({ "issuer": name, "jwks_uri": format!("{name}/keys") }).to_string())
                }
                (Some(keys), "/keys") => {
                    self.asked.fetch_add(1, Relaxed);
                    (200, json!({ "keys": keys }).to_string())
                }
                _ => (404, String::new()),
            }
        }
    }

    const X: &str = "11qYAPKvY6mnuQkW4nUcQZOZ4GyIJi2cpdLbLV8cYG0";

    /// Lets time pass at once.
    async fn pass(time: Duration) {
        tokio::time::pause();
        tokio::time::advance(time).await;
        tokio::time::resume();
    }

    #[tokio::test]
    async fn keys_are_read_again_when_that_can_help_and_not_too_often() {
        let documents = Documents::new(NetworkOptions::default());
        let (published, issuer) = Published::start(&["a"]);
        let key = async |id| match issuer.key(Some(id), Algorithm::EdDSA, &documents).await {
            Ok(_) => "known",
            Err(Challenge::Invalid(_)) => "unknown",
            Err(_) => "unavailable",
        };
        let asked = || published.asked.load(Relaxed);
        let all = join_all((0..20).map(|_| key("a"))).await;
        assert_eq!((all, asked()), (vec!["known"; 20], 1), "one asks for all");

        published.publish(Some(&["b"]));
        pass(LOOK_AGAIN / 2).await;
        assert_eq!((key("b").await, key("a").await, asked()), ("unknown", "known", 1));
        pass(LOOK_AGAIN / 2).await;
        assert_eq!((key("b").await, key("a").await, asked()), ("known", "unknown", 2), "the keys were rotated");

        published.publish(None);
        pass(KEYS_LIVE / 2).await;
        assert_eq!((key("b").await, key("c").await, key("b").await), ("known", "unavailable", "known"));
        pass(KEYS_LIVE / 2).await;
        assert_eq!((key("b").await, asked()), ("unavailable", 2), "what was withdrawn is of no use for ever");
        published.publish(Some(&["b"]));
        assert_eq!((key("b").await, asked()), ("unavailable", 2), "a moment of peace");
        pass(ASK_AGAIN).await;
        assert_eq!((key("b").await, asked()), ("known", 3));
    }

    #[tokio::test]
    async fn an_issuer_that_goes_by_another_name_is_not_the_one() {
        let documents = Documents::new(NetworkOptions::default());
        let (_published, issuer) = Published::start(&["a"]);
        let other = Issuer::new(format!("{}/", issuer.name()), issuer.address.clone());
        let refused = other.key(Some("a"), Algorithm::EdDSA, &documents).await.unwrap_err();
        assert!(matches!(refused, Challenge::Unavailable { .. }), "{refused:?}");
        let error = other.keys_address(&documents).await.unwrap_err().to_string();
        assert!(error.contains(&format!("calls itself {:?}", issuer.name())), "{error}");
    }

    #[test]
    fn metadata_is_looked_for_where_the_standards_say() {
        for (issuer, expected) in [
            (
                "https://auth.example.com",
                &[
                    "https://auth.example.com/.well-known/oauth-authorization-server",
                    "https://auth.example.com/.well-known/openid-configuration",
                ][..],
            ),
            (
                "https://auth.example.com/tenant/",
                &[
                    "https://auth.example.com/.well-known/oauth-authorization-server/tenant",
                    "https://auth.example.com/.well-known/openid-configuration/tenant",
                    "https://auth.example.com/tenant/.well-known/openid-configuration",
                ],
            ),
        ] {
            let addresses = metadata_addresses(&Url::parse(issuer).unwrap());
            assert_eq!(addresses.iter().map(Url::as_str).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn keys_come_from_safe_places() {
        for (keys, issuer, expected) in [
            ("https://auth.example.com/keys", "https://auth.example.com", true),
            ("https://keys.example.com/", "https://auth.example.com", true),
            ("http://auth.example.com/keys", "https://auth.example.com", false),
            ("http://127.0.0.1/keys", "https://auth.example.com", false),
            ("http://127.0.0.1/keys", "http://127.0.0.1:9", true),
            ("http://169.254.169.254/keys", "http://127.0.0.1:9", false),
            ("file:///etc/passwd", "http://127.0.0.1:9", false),
        ] {
            let safe = is_safe(&Url::parse(keys).unwrap(), &Url::parse(issuer).unwrap());
            assert_eq!(safe, expected, "{keys} {issuer}");
        }
    }

    #[test]
    fn a_key_is_found_by_its_id_or_by_being_the_only_one() {
        let okp = |id: &str| json!({ "kty": "OKP", "crv": "Ed25519", "x": X, "kid": id });
        let rsa = |id: &str, more: Value| {
            let mut key = json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": id });
            key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            key
        };
        let keys = [
            okp("a"),
            okp("b"),
            rsa("c", json!({ "alg": "RS256", "use": "sig" })),
            rsa("d", json!({ "use": "enc" })),
            rsa("e", json!({ "alg": "RSA-OAEP" })),
            json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "f" }),
            json!({ "kty": "OKP", "crv": "X25519", "x": X, "kid": "g" }),
            json!({ "kty": "AKP", "kid": "h" }),
            json!("nonsense"),
        ];
        let keys = keys.into_iter().filter_map(Key::read).collect();
        let keys = Keys { keys, read: Instant::now() };
        for (id, algorithm, expected) in [
            (Some("a"), Algorithm::EdDSA, true),
            (Some("b"), Algorithm::EdDSA, true),
            (None, Algorithm::EdDSA, false),
            (Some("a"), Algorithm::RS256, false),
            (Some("c"), Algorithm::RS256, true),
            (Some("c"), Algorithm::PS256, false),
            (None, Algorithm::RS256, true),
            (Some("d"), Algorithm::RS256, false),
            (Some("e"), Algorithm::RS256, false),
            (Some("f"), Algorithm::HS256, false),
            (Some("g"), Algorithm::EdDSA, false),
            (Some("h"), Algorithm::EdDSA, false),
            (Some("z"), Algorithm::EdDSA, false),
            (None, Algorithm::ES256, false),
        ] {
            assert_eq!(keys.find(id, algorithm).is_some(), expected, "{id:?} {algorithm:?}");
        }
    }
}
