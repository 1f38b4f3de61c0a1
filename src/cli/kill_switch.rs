//! `kill-switch`: stops calls in every running process, and lets them go on.

use std::path::Path;
use std::process::ExitCode;

use super::print;
use crate::config::{Config, KillSwitch, Which};
use crate::error::StartupError;
use crate::policy::{Switch, Switches};

/// Throws or releases a switch, or says how they stand.
pub(super) fn kill_switch(config: &Config, action: KillSwitch) -> Result<ExitCode, StartupError> {
    let directory = config.gate_directory()?;
    let done = match action {
        KillSwitch::Throw { which } => Switches::throw(&directory, which.into()),
        KillSwitch::Release { which } => Switches::release(&directory, which.into()),
        KillSwitch::Status => Ok(()),
    };
    done.map_err(|error| {
        StartupError::new(
            "kill-switch",
            format!("nothing was changed: {error}."),
            "Check who may write to the state directory.",
        )
    })?;
    Ok(print(&standing(&directory)))
}

fn standing(directory: &Path) -> String {
    let switches = Switches::new(Some(directory.to_owned()));
    let line = |switch: Switch| {
        let state = if switches.is_thrown(switch) { "thrown: stops" } else { "released" };
        let what = match (switches.is_thrown(switch), switch) {
            (false, _) => "",
            (true, Switch::Everything) => " every call",
            (true, Switch::Writes) => " every call that does more than read",
        };
        format!("{switch}: {state}{what} ({})\n", directory.join(switch.file()).display())
    };
    Switch::ALL.map(line).concat()
}

impl From<Which> for Switch {
    fn from(which: Which) -> Self {
        match which {
            Which::Everything => Self::Everything,
            Which::Writes => Self::Writes,
        }
    }
}
