//! What is in the file of this machine that a call names, found before the call is judged: approval and audit are about
//! this very content, and the schema of the tool limits its size.

use serde_json::{Map, Value};

use super::Server;
use crate::call::Caller;
use crate::catalogue::Entry;
use crate::error::CallError;
use crate::executor::Fingerprint;

/// The argument with the SHA-256 of the file.
const HASH: &str = "sha256";

/// The argument with its length.
const SIZE: &str = "size_bytes";

impl Server {
    /// Puts SHA-256 and size of the file that the call names among its arguments.
    ///
    /// # Errors
    /// If the file cannot be sent away, or is another than the arguments say.
    pub(super) async fn identify_file(
        &self,
        entry: Entry,
        arguments: &mut Map<String, Value>,
        caller: &Caller,
    ) -> Result<(), CallError> {
        let Some(file) = entry.tool.file() else { return Ok(()) };
        let name = arguments.get(file.argument.as_ref()).and_then(Value::as_str).map(str::to_owned);
        // Who is refused anyway learns nothing about files, and what is no text is wrong by the schema.
        let Some(name) = name.filter(|_| caller.principal.lacking(&entry).is_none()) else { return Ok(()) };
        let wrong = |argument: &str, given: &str, problem: String| CallError::Reference {
            argument: argument.to_owned(),
            given: given.chars().take(100).collect(),
            problem,
        };
        let found = self.executor.files().fingerprint(&name, file.max_bytes).await;
        let Fingerprint { size, sha256 } = found.map_err(|problem| wrong(&file.argument, &name, problem))?;
        for (argument, found) in [(HASH, sha256.map(Value::from)), (SIZE, Some(size.into()))] {
            let Some(found) = found else { continue };
            match arguments.get(argument) {
                Some(given) if !same(given, &found) => {
                    let problem = format!("is not that of {name:?}, which has {found}");
                    return Err(wrong(argument, &given.to_string(), problem));
                }
                _ => drop(arguments.insert(argument.to_owned(), found)),
            }
        }
        Ok(())
    }
}

/// Digits of a hash mean the same in both cases.
fn same(given: &Value, found: &Value) -> bool {
    match (given.as_str(), found.as_str()) {
        (Some(given), Some(found)) => given.eq_ignore_ascii_case(found),
        _ => given == found,
    }
}
