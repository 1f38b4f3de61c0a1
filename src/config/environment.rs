//! The environment of the process together with a `.env` file. Nothing else reads either.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use infra_mcp_model::Text;

use crate::error::StartupError;

/// The file that is read in the working directory.
const FILE: &str = ".env";

/// Environment variables. Those of the process win over those of the `.env` file.
#[derive(Default)]
pub struct Environment {
    /// Stands for the process in tests; without it the process is asked, one variable at a time.
    given: Option<HashMap<String, OsString>>,
    file: HashMap<String, String>,
    warnings: Vec<String>,
}

impl Environment {
    /// Reads the variables of this process and `.env` in the working directory.
    #[must_use]
    pub fn of_process() -> Self {
        let environment = Self::default();
        match File::open(Path::new(FILE)) {
            Ok(file) => environment.with_file(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => environment,
            Err(error) => environment.warn(format!("{FILE} cannot be read and is left out: {error}.")),
        }
    }

    /// These variables and no others.
    #[must_use]
    pub fn of(variables: &[(&str, &str)]) -> Self {
        let given = variables.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value)));
        Self { given: Some(given.collect()), ..Self::default() }
    }

    /// Adds what a `.env` file says. Lines that cannot be read are left out with a warning.
    #[must_use]
    pub fn with_file(mut self, file: impl Read) -> Self {
        for (index, item) in dotenvy::Iter::new(io::BufReader::new(file)).enumerate() {
            match item {
                Ok((name, value)) => {
                    self.file.entry(name).or_insert(value);
                }
                // The text of the error repeats the line, which may hold a secret.
                Err(dotenvy::Error::LineParse(..)) => {
                    let position = index + 1;
                    self = self.warn(format!(
                        "{FILE}: entry {position} is not of the form NAME=VALUE and is left out. \
                         Put values with spaces or quotes in double quotes."
                    ));
                }
                Err(_) => return self.warn(format!("{FILE} is not readable as text; the rest of it is left out.")),
            }
        }
        self
    }

    /// The value of a variable; an empty one counts as not set.
    ///
    /// # Errors
    /// If its value is not UTF-8.
    pub fn get(&self, name: &str) -> Result<Option<String>, StartupError> {
        let value = match &self.given {
            Some(given) => given.get(name).cloned(),
            None => std::env::var_os(name),
        };
        match value.filter(|value| !value.is_empty()).map(OsString::into_string) {
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(_)) => {
                Err(StartupError::new(name, "its value is not valid UTF-8.", "Set it to plain text or unset it."))
            }
            None => Ok(self.file.get(name).filter(|value| !value.is_empty()).cloned()),
        }
    }

    /// The first of these variables that is set, with its name.
    ///
    /// # Errors
    /// If its value is not UTF-8.
    pub fn first<'n>(&self, names: &'n [Text]) -> Result<Option<(&'n str, String)>, StartupError> {
        for name in names {
            if let Some(value) = self.get(name)? {
                return Ok(Some((name, value)));
            }
        }
        Ok(None)
    }

    /// What is wrong with the `.env` file.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn warn(mut self, warning: String) -> Self {
        self.warnings.push(warning);
        self
    }
}

impl std::fmt::Debug for Environment {
    /// Values are secrets as often as not.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    #[test]
    fn the_process_wins_over_the_file_and_empty_values_fall_through() {
        let environment = Environment::of(&[("A", "process"), ("B", "")])
            .with_file("A=file\nB=file\n# a remark\nexport C='two words'\nD=\n".as_bytes());
        for (name, expected) in
            [("A", Some("process")), ("B", Some("file")), ("C", Some("two words")), ("D", None), ("E", None)]
        {
            assert_eq!(environment.get(name).unwrap().as_deref(), expected, "{name}");
        }
        let names = ["D", "E", "B", "A"].map(Cow::Borrowed);
        assert_eq!(environment.first(&names).unwrap(), Some(("B", "file".to_owned())));
        assert_eq!(environment.first(&names[..2]).unwrap(), None);
        assert!(environment.warnings().is_empty());
    }

    #[test]
    fn a_malformed_file_is_a_warning_without_its_text() {
        for text in [&b"A=1\nhush hush\nB=2\n"[..], b"A=1\nB=2\nC=hush hush\n", b"A=1\nB=2\n\xff\xfehush"] {
            let environment = Environment::of(&[]).with_file(text);
            assert_eq!(environment.get("A").unwrap().as_deref(), Some("1"));
            assert_eq!(environment.get("B").unwrap().as_deref(), Some("2"));
            let [warning] = environment.warnings() else { panic!("one warning") };
            assert!(!warning.contains("hush"), "{warning}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_no_text_is_an_error_that_names_the_variable() {
        use std::os::unix::ffi::OsStringExt;
        let given = HashMap::from([("A".to_owned(), OsString::from_vec(vec![0xff]))]);
        let environment = Environment { given: Some(given), ..Environment::default() };
        assert!(environment.get("A").unwrap_err().to_string().starts_with("A: "));
    }
}
