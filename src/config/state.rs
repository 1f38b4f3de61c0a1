//! Where the state directory is.

use std::path::PathBuf;

use super::{Environment, Options};
use crate::error::StartupError;

/// The variable that names it.
pub(super) const VARIABLE: &str = "INFRA_MCP_STATE_DIR";

/// The name of ours in a directory for the state of all programs.
const NAME: &str = "infra-mcp";

/// The state directory, which need not exist: the flag, our variable, or as the XDG Base Directory Specification 0.8
/// says. None where the user has no home.
///
/// # Errors
/// If a variable is not valid text.
pub(super) fn directory(options: &Options, environment: &Environment) -> Result<Option<PathBuf>, StartupError> {
    if let Some(directory) = &options.state_dir {
        return Ok(Some(directory.clone()));
    }
    if let Some(directory) = environment.get(VARIABLE)? {
        return Ok(Some(directory.into()));
    }
    // What is not absolute does not count, says that specification.
    let absolute = |text: String| Some(PathBuf::from(text)).filter(|path| path.is_absolute());
    if let Some(directory) = environment.get("XDG_STATE_HOME")?.and_then(absolute) {
        return Ok(Some(directory.join(NAME)));
    }
    Ok(environment.get("HOME")?.and_then(absolute).map(|home| home.join(".local/state").join(NAME)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_is_set_counts() {
        let all = &[(VARIABLE, "/a"), ("XDG_STATE_HOME", "/b"), ("HOME", "/c")][..];
        for (flag, variables, expected) in [
            (Some("d"), all, Some("d")),
            (None, all, Some("/a")),
            (None, &all[1..], Some("/b/infra-mcp")),
            (None, &[("XDG_STATE_HOME", "relative"), ("HOME", "/c")], Some("/c/.local/state/infra-mcp")),
            (None, &all[2..], Some("/c/.local/state/infra-mcp")),
            (None, &[("HOME", "")], None),
            (None, &[], None),
        ] {
            let options = Options { state_dir: flag.map(PathBuf::from), ..Options::default() };
            let directory = directory(&options, &Environment::of(variables)).unwrap();
            assert_eq!(directory, expected.map(PathBuf::from), "{flag:?} {variables:?}");
        }
    }
}
