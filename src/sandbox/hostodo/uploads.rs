//! Files on their way into machines: slots, uploads to presigned addresses, installation.

use super::guest::Guest;
use super::refusal::{Outcome, Refusal, invalid, refuse};
use super::{hex, sha256};
use crate::sandbox::clock::Timestamp;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use ring::hmac;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How long an address works.
const LIFE: Duration = Duration::from_secs(900);

/// How long what was uploaded is kept.
const KEPT: Duration = Duration::from_secs(86_400);

/// The most bytes by purpose.
const LIMITS: [(&str, u64); 3] = [("config", 1 << 20), ("script", 5 << 20), ("file", 256 << 20)];

/// Where nothing is installed, and what is not replaced.
const DENIED: [&str; 6] = ["/proc", "/sys", "/dev", "/boot", "/run", "/etc/sudoers.d"];
const DENIED_FILES: [&str; 4] = ["/etc/shadow", "/etc/gshadow", "/etc/passwd", "/etc/sudoers"];

/// A place for one file.
pub(super) struct Slot {
    pub(super) id: String,
    pub(super) vm_id: String,
    size: u64,
    sha256: String,
    made: Timestamp,
    content: Option<Bytes>,
}

impl Slot {
    pub(super) fn reserve(
        id: String,
        vm_id: &str,
        given: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
        let size = given.get("size_bytes").and_then(Value::as_u64).unwrap_or_default();
        let most = LIMITS.iter().find(|(purpose, _)| *purpose == text("purpose")).map(|(_, most)| *most);
        match most {
            None => Err(invalid("There is no such purpose.")),
            Some(most) if size > most => Err(invalid(format!("A {} has at most {most} bytes.", text("purpose")))),
            Some(_) => Ok(Self {
                id,
                vm_id: vm_id.to_owned(),
                size,
                sha256: text("sha256").to_lowercase(),
                made: now,
                content: None,
            }),
        }
    }

    /// Where the file goes, below this address.
    pub(super) fn described(&self, base: &str, key: &hmac::Key) -> Value {
        let expires = self.made + LIFE;
        let seconds = expires.unix_seconds();
        let signature = hex(hmac::sign(key, self.signed(seconds).as_bytes()).as_ref());
        json!({
            "artifact_id": self.id, "upload_url": format!("{base}/storage/{}?expires={seconds}&signature={signature}", self.id),
            "method": "PUT", "headers": { "Content-Type": "application/octet-stream" },
            "expires_at": expires, "expires_in_seconds": LIFE.as_secs(),
        })
    }

    fn signed(&self, expires: i64) -> String {
        format!("{} {expires} {}", self.id, self.size)
    }

    /// Takes a file in, as storage does.
    pub(super) fn upload(
        &mut self,
        query: &str,
        headers: &HeaderMap,
        body: Bytes,
        key: &hmac::Key,
        now: Timestamp,
    ) -> StatusCode {
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let expires = value("expires").and_then(|text| text.parse::<i64>().ok()).unwrap_or_default();
        let signature = value("signature").unwrap_or_default();
        let right = hex(hmac::sign(key, self.signed(expires).as_bytes()).as_ref()) == signature;
        let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
        if headers.contains_key(AUTHORIZATION) {
            // Storage is somebody else's, and a token that is shown to it is lost.
            StatusCode::BAD_REQUEST
        } else if !right || now.unix_seconds() > expires {
            StatusCode::FORBIDDEN
        } else if length > self.size {
            StatusCode::PAYLOAD_TOO_LARGE
        } else if length < self.size || media != Some("application/octet-stream") {
            StatusCode::BAD_REQUEST
        } else {
            self.content = Some(body);
            StatusCode::OK
        }
    }

    /// Puts the file in its place.
    pub(super) fn install(&self, given: &Map<String, Value>, guest: &mut Guest, now: Timestamp) -> Outcome {
        let text = |name: &str, otherwise| given.get(name).and_then(Value::as_str).unwrap_or(otherwise);
        let (path, mode, owner) = (text("destination_path", ""), text("mode", "0644"), text("owner", "root"));
        if path.split('/').skip(1).any(|part| part.is_empty() || part == ".." || part == ".") || denied(path) {
            return Err(invalid(format!("Nothing is installed at {path}.")));
        }
        let kept = now.since(self.made) < KEPT;
        let Some(content) = self.content.as_ref().filter(|_| kept) else {
            return Err(refuse("artifact_not_uploaded", "The upload of this artifact is not complete."));
        };
        if let Some(missing) = guest.lacks.iter().find(|name| matches!(**name, "curl" | "sha256sum")) {
            let refused = refuse("guest_missing_dependency", "The machine lacks a program.");
            return Err(refused.with("missing", json!([missing])));
        }
        if hex(&sha256(content)) != self.sha256 {
            return Err(refuse("artifact_sha_mismatch", "The file does not have the announced SHA-256."));
        }
        guest.put(path, content.to_vec(), mode, owner);
        Ok(json!({
            "artifact_id": self.id, "vm_id": self.vm_id, "destination_path": path, "mode": mode, "owner": owner,
            "size_bytes": self.size, "sha256": self.sha256,
        }))
    }
}

fn denied(path: &str) -> bool {
    path == "/"
        || DENIED_FILES.contains(&path)
        || DENIED
            .iter()
            .any(|folder| path == *folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
}
