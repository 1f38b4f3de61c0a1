use serde::Deserialize;

/// One of `prompts.json`: a message for users to begin with. The format is described in `specs/README.md`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptSetting {
    /// What clients ask for.
    pub name: String,
    /// Human-readable name.
    pub title: String,
    /// What it is good for.
    pub description: String,
    /// What can be filled in.
    #[serde(default)]
    pub arguments: Vec<PromptArgumentSetting>,
    /// The message, with arguments in braces.
    pub text: String,
    /// The tools that the message counts on.
    pub tools: Vec<String>,
}

/// What can be filled in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptArgumentSetting {
    /// What clients call it.
    pub name: String,
    /// What it is.
    pub description: String,
    /// What stands in its place where it is left out.
    #[serde(default)]
    pub otherwise: String,
}
