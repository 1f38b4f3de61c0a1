//! The kill switches: two files in the state directory. Who can write there can throw and release them, with the
//! command line, with `touch` and `rm`, or from a script; every process looks before every call.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use infra_mcp_model::Danger;

/// A kill switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Switch {
    /// Stops every call.
    Everything,
    /// Stops every call that does more than read.
    Writes,
}

impl Switch {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Everything, Self::Writes];

    /// The word of the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Everything => "everything",
            Self::Writes => "writes",
        }
    }

    /// The name of its file in the state directory.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::Everything => "stop-everything",
            Self::Writes => "stop-writes",
        }
    }

    fn stops(self, danger: Danger) -> bool {
        self == Self::Everything || !danger.is_none()
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The kill switches of one state directory.
#[derive(Debug, Clone)]
pub struct Switches(Option<PathBuf>);

impl Switches {
    /// The switches in this directory. Without one there are none to throw.
    #[must_use]
    pub fn new(directory: Option<PathBuf>) -> Self {
        Self(directory)
    }

    /// Whether the switch is thrown. One that cannot be looked at counts as thrown.
    #[must_use]
    pub fn is_thrown(&self, switch: Switch) -> bool {
        self.0.as_ref().is_some_and(|directory| directory.join(switch.file()).try_exists().unwrap_or(true))
    }

    /// The switch that stops a call of this danger.
    #[must_use]
    pub fn stopping(&self, danger: Danger) -> Option<Switch> {
        Switch::ALL.into_iter().find(|switch| switch.stops(danger) && self.is_thrown(*switch))
    }

    /// Throws a switch; the directory is made where it does not exist.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn throw(directory: &Path, switch: Switch) -> io::Result<()> {
        fs::create_dir_all(directory)?;
        fs::OpenOptions::new().create(true).append(true).open(directory.join(switch.file())).map(drop)
    }

    /// Releases a switch, thrown or not.
    ///
    /// # Errors
    /// If the file is there and cannot be removed.
    pub fn release(directory: &Path, switch: Switch) -> io::Result<()> {
        match fs::remove_file(directory.join(switch.file())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infra_mcp_model::Effect;

    #[test]
    fn each_switch_stops_its_kind_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let switches = Switches::new(Some(directory.path().to_owned()));
        let reads = Danger { effect: Effect::Read, money: false, exec: false, secret: false };
        let changes = Danger { effect: Effect::Write, ..reads };
        let secrets = Danger { secret: true, ..reads };
        let stopping = || [reads, changes, secrets].map(|danger| switches.stopping(danger));
        let (everything, writes) = (Some(Switch::Everything), Some(Switch::Writes));

        assert_eq!(stopping(), [None; 3]);
        Switches::throw(directory.path(), Switch::Writes).unwrap();
        assert_eq!(stopping(), [None, writes, writes]);
        Switches::throw(directory.path(), Switch::Everything).unwrap();
        assert_eq!(stopping(), [everything; 3]);
        Switches::release(directory.path(), Switch::Writes).unwrap();
        assert_eq!(stopping(), [everything; 3]);
        Switches::release(directory.path(), Switch::Everything).unwrap();
        Switches::release(directory.path(), Switch::Everything).unwrap();
        assert_eq!(stopping(), [None; 3]);
    }

    #[test]
    fn a_switch_that_cannot_be_looked_at_is_thrown() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let switches = Switches::new(Some(file));
        let reads = Danger { effect: Effect::Read, money: false, exec: false, secret: false };
        assert_eq!(switches.stopping(reads), Some(Switch::Everything));
        assert_eq!(Switches::new(None).stopping(reads), None);
    }
}
