use serde::Deserialize;

/// `power_off` of a definition: how a call waits for a machine to be off.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PowerOffSetting {
    /// The member of what the reader shows that tells the state.
    pub member: String,
    /// The state of a machine that is off.
    pub off: String,
    /// The tool that cuts the power, where there is one.
    #[serde(default)]
    pub force: String,
}
