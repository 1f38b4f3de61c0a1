//! Messages for users to begin with, which providers describe.

use infra_mcp_model::Prompt as Row;
use rmcp::ErrorData;
use rmcp::model::{GetPromptRequestParams, GetPromptResult, Prompt, PromptArgument, PromptMessage, Role};

use super::Server;
use super::listing::Form;
use crate::principal::Principal;

impl Server {
    /// Whether there is a prompt for those who see everything.
    pub(super) fn has_prompts(&self) -> bool {
        self.prompts(&Principal::local()).next().is_some()
    }

    /// The prompts whose tools the principal may see.
    pub(super) fn prompts<'s>(&'s self, principal: &'s Principal) -> impl Iterator<Item = &'static Row> + 's {
        self.catalogue.providers().iter().flat_map(move |provider| {
            let seen = move |name: &str| {
                self.catalogue.get(&provider.name, name).is_some_and(|entry| self.shows(principal, &entry))
            };
            provider.prompts.iter().filter(move |row| row.tools.iter().all(|name| seen(name)))
        })
    }

    /// The prompt that was asked for, with what is filled in.
    ///
    /// # Errors
    /// If there is none, or an argument is missing, unknown or no text.
    pub(super) fn prompt(
        &self,
        request: &GetPromptRequestParams,
        principal: &Principal,
    ) -> Result<GetPromptResult, ErrorData> {
        let wrong = |text: String| ErrorData::invalid_params(text, None);
        let Some(row) = self.prompts(principal).find(|row| row.name == request.name) else {
            return Err(wrong(format!("There is no prompt {:?}: prompts/list shows them.", short(&request.name))));
        };
        let given = request.arguments.iter().flatten();
        for (name, value) in given {
            if !row.arguments.iter().any(|argument| argument.name == *name) {
                let known: Vec<&str> = row.arguments.iter().map(|argument| argument.name.as_ref()).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(wrong(format!("{:?} is no argument of {}; it takes {known}.", short(name), row.name)));
            }
            if !value.is_string() {
                return Err(wrong(format!("The argument {name:?} must be a text.")));
            }
        }
        let value = |name: &str| request.arguments.as_ref()?.get(name)?.as_str();
        let text = row.filled(value).map_err(|name| wrong(format!("The argument {name:?} is missing.")))?;
        let mut result = GetPromptResult::default();
        result.description = Some(row.description.to_string());
        result.messages = vec![PromptMessage::new_text(Role::User, text)];
        Ok(result)
    }
}

/// A row as clients see it.
pub(super) fn listed(row: &Row, form: Form) -> Prompt {
    let arguments = row.arguments.iter().map(|argument| {
        PromptArgument::new(argument.name.as_ref())
            .with_description(argument.description.as_ref())
            .with_required(argument.otherwise.is_empty())
    });
    let prompt = Prompt::new(row.name.as_ref(), Some(row.description.as_ref()), Some(arguments.collect()));
    if form == Form::Titled { prompt.with_title(row.title.as_ref()) } else { prompt }
}

fn short(name: &str) -> String {
    name.chars().take(100).collect()
}
