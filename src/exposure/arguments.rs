//! The arguments of a call as they were given, made into those of the one tool that is meant.

use infra_mcp_model::{Alias, BodyMember, RequestBody, Tool};
use serde_json::{Map, Value};

use super::domain::{BODY, OPERATION};
use crate::arguments::{Arguments, Violation, Violations};
use crate::near::nearest;

/// The arguments of one tool, not checked yet.
#[derive(Clone, Default)]
pub struct Given {
    /// By the names that the tool has for them.
    pub arguments: Map<String, Value>,
    /// What was given at a place where it cannot be.
    misplaced: Vec<Violation>,
    /// They came as those of an operation, members of the request body together.
    pub of_operation: bool,
}

impl From<Map<String, Value>> for Given {
    fn from(arguments: Map<String, Value>) -> Self {
        Self { arguments, ..Self::default() }
    }
}

impl Given {
    /// The arguments of a call by a former name.
    #[must_use]
    pub fn renamed(alias: &Alias, mut arguments: Map<String, Value>) -> Self {
        for (former, today) in alias.arguments.iter() {
            if !arguments.contains_key(today.as_ref())
                && let Some(value) = arguments.shift_remove(former.as_ref())
            {
                arguments.insert(today.to_string(), value);
            }
        }
        Self::from(arguments)
    }

    /// The arguments of a call of an operation: all but `operation` keep their names, and what `body` holds goes where
    /// the tool has it. Members of the body that were given beside it count as well.
    #[must_use]
    pub fn for_operation(tool: &Tool, mut arguments: Map<String, Value>) -> Self {
        arguments.shift_remove(OPERATION);
        let mut given = Self { arguments, misplaced: Vec::new(), of_operation: true };
        match tool.binding.body() {
            Some(RequestBody::Whole { argument }) if argument != BODY => {
                if let Some(body) = given.arguments.shift_remove(BODY) {
                    given.arguments.insert(argument.to_string(), body);
                }
            }
            Some(RequestBody::Members { members, .. }) => given.distribute(members),
            Some(RequestBody::Whole { .. }) => {}
            None => given.without_body(tool),
        }
        given
    }

    /// Gives every member of `body` the place of its own.
    fn distribute(&mut self, members: &[BodyMember]) {
        let own = members.iter().any(|member| member.argument == BODY);
        match self.arguments.get(BODY) {
            Some(Value::Object(_)) => {}
            Some(Value::Null) if !own => drop(self.arguments.shift_remove(BODY)),
            // A member that is called `body` itself, beside which nothing was given.
            Some(_) if own => return,
            Some(_) => {
                self.arguments.shift_remove(BODY);
                return self.misplace(
                    BODY.to_owned(),
                    "must be an object that holds the members of the request body".to_owned(),
                );
            }
            None => return,
        }
        let Some(Value::Object(body)) = self.arguments.shift_remove(BODY) else { return };
        for (name, value) in body {
            let known = members.iter().find(|member| member.name == name);
            let Some(member) = known.or_else(|| members.iter().find(|member| member.argument == name)) else {
                let likely = nearest(&name, members.iter().map(|member| member.name.as_ref()));
                let hint = likely.map(|likely| format!("; did you mean `{likely}`?")).unwrap_or_default();
                self.misplace(format!("{BODY}.{name}"), format!("is not a member of the request body{hint}"));
                continue;
            };
            match self.arguments.get(member.argument.as_ref()) {
                Some(beside) if *beside != value => {
                    self.misplace(format!("{BODY}.{name}"), "is given twice, with different values".to_owned());
                }
                _ => drop(self.arguments.insert(member.argument.to_string(), value)),
            }
        }
    }

    /// An empty `body` where none is taken does no harm.
    fn without_body(&mut self, tool: &Tool) {
        let empty = |body: &Value| body.is_null() || body.as_object().is_some_and(Map::is_empty);
        if tool.takes(BODY) {
            return;
        }
        match self.arguments.shift_remove(BODY) {
            Some(body) if !empty(&body) => {
                self.misplace(BODY.to_owned(), "is not taken: this operation has no request body".to_owned());
            }
            _ => {}
        }
    }

    fn misplace(&mut self, pointer: String, rule: String) {
        let pointer = pointer.chars().take(100).collect();
        self.misplaced.push(Violation { pointer, rule });
    }

    /// Checks them. What is wrong is told by the places where it was given.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn validate(self, tool: &Tool) -> Result<Arguments, Violations> {
        let checked = Arguments::validate(tool, self.arguments);
        if !self.of_operation {
            return checked;
        }
        let members = match tool.binding.body() {
            Some(RequestBody::Members { members, .. }) => members.as_ref(),
            _ => &[],
        };
        let misplaced = self.misplaced;
        let checked = checked.map_err(|violations| {
            violations.within(BODY, |argument| {
                members.iter().find(|member| member.argument == argument).map(|member| member.name.to_string())
            })
        });
        match checked {
            Ok(arguments) if misplaced.is_empty() => Ok(arguments),
            Ok(_) => Err(Violations::of(&tool.operation_name, misplaced)),
            Err(violations) => Err(violations.after(misplaced)),
        }
    }
}
