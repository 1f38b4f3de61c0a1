//! Validation of a call's arguments against the input schema of its tool.
//!
//! Covers the part of JSON Schema 2020-12 that descriptions of APIs are lowered to: all of what is
//! wrong is told at once, by argument and rule, and nothing is ever changed: a string that spells a
//! number is refused with a hint, and numbers keep their digits.
//!
//! A schema is taken apart at the first call of its tool and kept.

mod check;
mod combine;
mod explain;
mod finding;
mod format;
mod mask;
mod number;
mod path;
mod schema;
mod survey;
#[cfg(test)]
mod tests;
pub(crate) mod text;
mod value;
mod violation;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use infra_mcp_model::{Text, Tool};
use serde_json::{Map, Value};

use crate::account::Secret;
use check::Check;
use finding::Finding;
pub(crate) use number::whole_number;
use schema::Root;
pub use violation::{Violation, Violations};

/// Schemas that are kept. A program has as many tools as it has; only a catalogue that is read anew
/// over and over could exceed this, and then starts afresh.
const MOST_SCHEMAS: usize = 16_384;

/// The arguments of a call that its tool's input schema accepts.
///
/// `Debug` shows names only: a value may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Arguments(Map<String, Value>);

impl Arguments {
    /// Checks the arguments of a call and leaves them exactly as given.
    ///
    /// Arguments that the root of the schema does not describe are refused even where it is silent
    /// about them.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the schema.
    pub fn validate(tool: &Tool, given: Map<String, Value>) -> Result<Self, Violations> {
        let schema = schema_of(&tool.input_schema);
        let root = match &*schema {
            Ok(root) => root,
            Err(reason) => return Err(unusable(tool, reason)),
        };
        let given = Value::Object(given);
        let findings = Check::new(root, &tool.review.secret_arguments).run(&given);
        match given {
            Value::Object(given) if findings.is_empty() => Ok(Self(given)),
            _ => Err(Violations {
                tool: tool.name.to_string(),
                total: findings.total(),
                list: findings.into_kept().into_iter().map(Finding::into).collect(),
                accepted: root.arguments.clone(),
                explanation: None,
            }),
        }
    }

    /// The same arguments without the secrets among them, for showing alone.
    #[must_use]
    pub fn masked(&self, tool: &Tool) -> Self {
        let mut shown = self.0.clone();
        mask::mask(&mut shown, tool.review.secret_arguments.iter().map(AsRef::as_ref));
        Self(shown)
    }

    /// The secrets among the arguments, as they are and as they stand in JSON, to be looked for in what others say.
    #[must_use]
    pub fn secrets(&self, tool: &Tool) -> Vec<Secret> {
        let mut rest = self.0.clone();
        let taken = mask::mask(&mut rest, tool.review.secret_arguments.iter().map(AsRef::as_ref));
        let mut secrets = Vec::new();
        taken.iter().for_each(|value| mask::texts(value, &mut secrets));
        secrets
    }

    /// The arguments by name, in the order given.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl fmt::Debug for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Arguments ")?;
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn unusable(tool: &Tool, reason: &str) -> Violations {
    let rule = format!("cannot be checked: the input schema of this tool is unusable, {reason}");
    let violation = Violation { pointer: "arguments".to_owned(), rule };
    Violations::of(&tool.name, vec![violation])
}

type Schemas = HashMap<Text, Arc<Result<Root, String>>>;

/// The schema of this text. The text itself is the key: the address of an owned one may be used again.
fn schema_of(text: &Text) -> Arc<Result<Root, String>> {
    static SCHEMAS: LazyLock<RwLock<Schemas>> = LazyLock::new(RwLock::default);
    if let Some(schema) = SCHEMAS.read().unwrap_or_else(PoisonError::into_inner).get(&**text) {
        return Arc::clone(schema);
    }
    let schema = Arc::new(Root::read(text));
    let mut schemas = SCHEMAS.write().unwrap_or_else(PoisonError::into_inner);
    if schemas.len() >= MOST_SCHEMAS {
        schemas.clear();
    }
    schemas.insert(Cow::clone(text), Arc::clone(&schema));
    schema
}
