use crate::{List, Text};

/// A message that a user can have put before a model: what the tools of a provider are good for, as a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// What clients ask for, `^[A-Za-z0-9_-]{1,64}$`, of one provider alone.
    pub name: Text,
    /// Human-readable name.
    pub title: Text,
    /// What it is good for.
    pub description: Text,
    /// What can be filled in, in order.
    pub arguments: List<PromptArgument>,
    /// The message; `{name}` is the place of the argument of that name.
    pub text: Text,
    /// The tools that the message counts on.
    pub tools: List<Text>,
}

/// Something that can be filled in where a [`Prompt`] is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptArgument {
    /// What clients call it.
    pub name: Text,
    /// What it is.
    pub description: Text,
    /// What stands in its place where it is left out; where that is nothing, it has to be given.
    pub otherwise: Text,
}

impl Prompt {
    /// The message with these values in it. The error names an argument that has to be given.
    ///
    /// # Errors
    /// If one is missing.
    pub fn filled<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> Result<String, &str> {
        let mut text = String::with_capacity(self.text.len());
        let mut rest = self.text.as_ref();
        // What was filled in is not looked through again, so a value cannot stand for another.
        while let Some((before, behind)) = rest.split_once('{') {
            text.push_str(before);
            let (name, behind) = behind.split_once('}').unwrap_or((behind, ""));
            let argument = self.arguments.iter().find(|argument| argument.name == name);
            let otherwise = argument.map(|argument| argument.otherwise.as_ref()).filter(|text| !text.is_empty());
            let given = value(name).filter(|text| !text.trim().is_empty());
            match (given.or(otherwise), argument) {
                (Some(words), _) => text.push_str(words),
                (None, Some(argument)) => return Err(&argument.name),
                (None, None) => {}
            }
            rest = behind;
        }
        text.push_str(rest);
        Ok(text)
    }
}
