//! The state directory and the file in it: nobody else's business.

use std::fs;
use std::path::Path;

use super::{StoreError, private};

/// Makes the directory, open to this user alone, and its parents.
pub(super) fn make_directory(directory: &Path) -> Result<(), StoreError> {
    private::make_directory(directory).map_err(|error| StoreError::io(directory, "cannot be made", &error))
}

/// Makes the file where it does not exist, and sees that nobody else can read it or put another one in its place.
/// SQLite gives the files beside it the same mode.
pub(super) fn make_private(path: &Path) -> Result<(), StoreError> {
    let file =
        private::existing_or_new_file(path).map_err(|error| StoreError::io(path, "cannot be written", &error))?;
    close_to_others(path, &file)
}

#[cfg(unix)]
fn close_to_others(path: &Path, file: &fs::File) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt as _;
    let private = |metadata: fs::Metadata| -> std::io::Result<()> {
        match metadata.permissions().mode() & 0o077 {
            0 => Ok(()),
            _ => file.set_permissions(fs::Permissions::from_mode(0o600)),
        }
    };
    file.metadata().and_then(private).map_err(|error| StoreError::io(path, "cannot be kept private", &error))?;
    let directory = path.parent().unwrap_or(Path::new("."));
    let metadata = fs::metadata(directory).map_err(|error| StoreError::io(directory, "cannot be read", &error))?;
    if metadata.permissions().mode() & 0o022 == 0 {
        return Ok(());
    }
    Err(StoreError {
        path: directory.to_owned(),
        problem: "can be written to by other users, who could put tokens of their own there".to_owned(),
        fix: "Take that away with chmod 700, or name another directory with --state-dir.",
    })
}

#[cfg(not(unix))]
fn close_to_others(_: &Path, _: &fs::File) -> Result<(), StoreError> {
    Ok(())
}
