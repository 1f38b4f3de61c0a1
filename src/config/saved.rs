//! Tokens that a login has kept: a file for each provider in the state directory, for this user alone.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use infra_mcp_model::Provider;

use crate::account::Secret;
use crate::error::StartupError;
use crate::store::private;

const FIX: &str = "Name another directory with --state-dir, or set the variable with the token instead.";

fn place(directory: &Path, provider: &Provider) -> PathBuf {
    directory.join(format!("{}.token", provider.name))
}

/// The token that was kept, if there is one.
///
/// # Errors
/// If it cannot be read.
pub(super) fn token(directory: &Path, provider: &Provider) -> Result<Option<Secret>, StartupError> {
    let file = place(directory, provider);
    match fs::read_to_string(&file) {
        Ok(text) => Ok(Some(text.trim()).filter(|text| !text.is_empty()).map(Secret::new)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StartupError::new("login", format!("{} cannot be read: {error}.", file.display()), FIX)),
    }
}

/// Keeps a token, in the place of the one before.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn keep(directory: &Path, provider: &Provider, token: &Secret) -> Result<PathBuf, StartupError> {
    let file = place(directory, provider);
    let write = || {
        private::make_directory(directory)?;
        // Made anew, so that nobody has it open and its mode is ours.
        match fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        private::new_file(&file)?.write_all(token.expose().as_bytes())
    };
    write()
        .map_err(|error| StartupError::new("login", format!("{} cannot be written: {error}.", file.display()), FIX))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::fixture;

    #[test]
    fn a_token_is_kept_for_this_user_alone() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("state");
        let provider = fixture::blank_provider(vec![]);
        assert_eq!(token(&directory, &provider).unwrap(), None);
        for text in ["first-token", "second-token"] {
            let file = keep(&directory, &provider, &Secret::new(text)).unwrap();
            assert_eq!(token(&directory, &provider).unwrap(), Some(Secret::new(text)));
            #[cfg(unix)]
            for (path, expected) in [(&file, 0o600), (&directory, 0o700)] {
                use std::os::unix::fs::PermissionsExt as _;
                assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, expected);
            }
        }
    }
}
