//! What becomes of the credentials that an answer hands out.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use infra_mcp_model::{Text, Tool};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::Value;

use crate::executor::{Media, Reply};
use crate::principal::{Principal, SECRETS_READ};
use crate::store::private;

/// What stands in the place of a credential.
const WITHHELD: &str = "[withheld]";

/// The folder in the state directory.
const FOLDER: &str = "secrets";

/// Where credentials go that the caller may not see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Secrets {
    /// Nowhere.
    #[default]
    Withheld,
    /// Into a new file of this directory, which only the user of this process can read.
    Kept(PathBuf),
}

impl Secrets {
    /// Into files of this state directory.
    #[must_use]
    pub fn kept_in(state: &Path) -> Self {
        Self::Kept(state.join(FOLDER))
    }

    /// What will become of the credentials in the answer to `tool`, for the preview of a call.
    pub(crate) fn outlook(&self, tool: &Tool, principal: &Principal) -> Option<&'static str> {
        if !tool.review.secret() {
            None
        } else if principal.reads_secrets() {
            Some("the answer shows it")
        } else if let Self::Kept(_) = self {
            Some("the answer names a file that holds it")
        } else {
            Some("withheld from the answer; --secrets file keeps it in a file, the scope secrets:read shows it")
        }
    }

    /// The reply without the credentials that `principal` may not see, and a note on what became of them.
    pub(crate) fn settle(&self, tool: &Tool, principal: &Principal, reply: Reply) -> Reply {
        if !tool.review.secret() || principal.reads_secrets() || reply.media == Media::Empty {
            return reply;
        }
        let (body, found) = without(&tool.review.secret_results, &reply);
        if found.is_empty() {
            return reply;
        }
        let names = found.join(", ");
        let note = match self {
            Self::Withheld => format!(
                "Withheld: {names}. Credentials are shown only to callers with the scope {SECRETS_READ}; \
                 a server started with --secrets file writes them to a file instead."
            ),
            Self::Kept(directory) => match keep(directory, &tool.name, &reply.body) {
                Ok(path) => format!(
                    "Withheld: {names}. The whole answer is in {}, which only the user of this server can read.",
                    path.display()
                ),
                Err(error) => {
                    tracing::error!(target: "infra_mcp", %error, "an answer with a credential could not be kept");
                    format!("Withheld: {names}. The file that was to keep the answer could not be written.")
                }
            },
        };
        let mut notes = reply.notes;
        notes.push(note);
        Reply { body, notes, ..reply }
    }
}

/// The body without credentials, and the names of what was taken out.
///
/// A member of such a name is a credential at whatever depth it stands: answers wrap what their description shows
/// bare. A body that is no JSON is one as a whole.
fn without(paths: &[Text], reply: &Reply) -> (String, Vec<String>) {
    let Some(mut value) = matches!(reply.media, Media::Json | Media::Structured)
        .then(|| serde_json::from_str(&reply.body).ok())
        .flatten()
    else {
        return (WITHHELD.to_owned(), vec!["the answer".to_owned()]);
    };
    let names: Vec<&str> = paths.iter().map(|path| last_step(path)).collect();
    let mut found = Vec::new();
    cover(&mut value, &names, &mut found);
    (value.to_string(), found)
}

fn last_step(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path).trim_end_matches("[]")
}

fn cover(value: &mut Value, names: &[&str], found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if !names.contains(&name.as_str()) {
                    cover(member, names, found);
                } else if !member.is_null() {
                    *member = WITHHELD.into();
                    if !found.contains(name) {
                        found.push(name.clone());
                    }
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| cover(element, names, found)),
        _ => {}
    }
}

/// Writes a new file that nobody else can read.
fn keep(directory: &Path, tool: &str, body: &str) -> std::io::Result<PathBuf> {
    private::make_directory(directory)?;
    let mut random = [0; 8];
    SystemRandom::new().fill(&mut random).map_err(|_| std::io::Error::other("the system gives no random numbers"))?;
    let path = directory.join(format!("{tool}-{:016x}", u64::from_be_bytes(random)));
    let mut file = private::new_file(&path)?;
    file.write_all(body.as_bytes())?;
    file.sync_all()?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use infra_mcp_model::{Effect, Method, Review};

    use super::*;
    use crate::executor::fixture;
    use crate::principal::Grant;

    fn tool(paths: &[&'static str]) -> Tool {
        let secret_results = paths.iter().map(|path| (*path).into()).collect();
        let review = Review { secret_results, ..fixture::review(Effect::Read) };
        Tool { review, ..fixture::tool("TOOL_key", fixture::operation(Method::Get, "/key", vec![], None)) }
    }

    fn reply(body: &str, media: Media) -> Reply {
        Reply::new(200, body, media)
    }

    #[test]
    fn credentials_are_taken_out_wherever_they_stand() {
        for (paths, body, media, expected) in [
            (&["token"][..], r#"{"token":"x","n":1.10}"#, Media::Json, r#"{"token":"[withheld]","n":1.10}"#),
            (&["token"], r#"{"data":[{"token":"x"}]}"#, Media::Json, r#"{"data":[{"token":"[withheld]"}]}"#),
            (&["data.url"], r#"{"url":{"a":"x"}}"#, Media::Json, r#"{"url":"[withheld]"}"#),
            (
                &["e[].v", "k[]"],
                r#"{"e":[{"v":"x"}],"k":["x"]}"#,
                Media::Json,
                r#"{"e":[{"v":"[withheld]"}],"k":"[withheld]"}"#,
            ),
            (&["token"], r#"{"token":null}"#, Media::Json, r#"{"token":null}"#),
            (&["token"], "x", Media::Text, "[withheld]"),
            (&[], r#"{"token":"x"}"#, Media::Json, r#"{"token":"x"}"#),
        ] {
            let settled = Secrets::Withheld.settle(&tool(paths), &Principal::local(), reply(body, media));
            assert_eq!(settled.body, expected);
            assert_eq!(settled.notes.len(), usize::from(expected != body), "{body}");
        }
    }

    #[test]
    fn only_the_scope_itself_shows_them() {
        for (scopes, shown) in [
            (None, false),
            (Some(&["*"][..]), false),
            (Some(&["secrets:*"]), false),
            (Some(&["*", "secrets:read"]), true),
        ] {
            let scopes = scopes.map(|scopes| scopes.iter().map(ToString::to_string).collect());
            let principal = Principal::new("somebody", Grant { scopes, ..Grant::default() });
            let settled =
                Secrets::Withheld.settle(&tool(&["token"]), &principal, reply(r#"{"token":"x"}"#, Media::Json));
            assert_eq!(settled.body.contains('x'), shown);
        }
    }

    #[test]
    fn a_file_keeps_the_whole_answer_for_the_user_alone() {
        let state = tempfile::tempdir().unwrap();
        let secrets = Secrets::kept_in(state.path());
        for _ in 0..2 {
            let settled =
                secrets.settle(&tool(&["token"]), &Principal::local(), reply(r#"{"token":"x"}"#, Media::Json));
            assert!(!settled.body.contains('x'));
            let path = settled.notes[0].split_whitespace().find(|word| word.starts_with('/')).unwrap();
            let path = path.trim_end_matches(',');
            assert_eq!(fs::read_to_string(path).unwrap(), r#"{"token":"x"}"#);
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
            }
        }
        assert_eq!(fs::read_dir(state.path().join(FOLDER)).unwrap().count(), 2);
    }
}
