//! Several operations of one toolset as one tool: which they are, and how they are listed.

use std::fmt::Write as _;

use infra_mcp_model::{Danger, Effect, SharedArgument, Tool, Toolset};
use serde_json::{Value, json};

use crate::account::Choice;
use crate::catalogue::Entry;

/// The argument that says which operation is meant.
pub const OPERATION: &str = "operation";

/// The argument that stands for the request body.
pub(super) const BODY: &str = "body";

/// The longest description, in bytes: what Claude Code shows whole.
const LONGEST: usize = 2_048;

/// Which of a toolset's operations a tool stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Those that only read.
    Query,
    /// All others.
    Action,
}

impl Kind {
    /// Both of them, in listing order.
    pub const ALL: [Self; 2] = [Self::Query, Self::Action];

    /// The kind of an operation, by what it does and not by its HTTP method. One that reads a credential reads.
    #[must_use]
    pub fn of(tool: &Tool) -> Self {
        let worst = Danger::worst(&tool.review);
        if worst.effect == Effect::Read && !worst.money && !worst.exec { Self::Query } else { Self::Action }
    }

    /// The name of the tool that stands for these operations.
    #[must_use]
    pub fn name(self, toolset: &Toolset) -> String {
        match self {
            Self::Query => format!("{}_query", toolset.prefix()),
            Self::Action => format!("{}_action", toolset.prefix()),
        }
    }
}

/// Operations of one toolset that are listed as one tool.
#[derive(Debug)]
pub struct Domain {
    /// The name clients call.
    pub name: String,
    /// Which operations it stands for.
    pub kind: Kind,
    /// The toolset.
    pub toolset: &'static Toolset,
    /// The selected operations, in listing order; at least one.
    pub operations: Vec<Entry>,
}

impl Domain {
    /// The operations of this kind among those of a toolset; none where there are none.
    pub(super) fn of(name: String, kind: Kind, toolset: &'static Toolset, entries: &[Entry]) -> Option<Self> {
        let operations: Vec<Entry> = entries.iter().filter(|entry| Kind::of(entry.tool) == kind).copied().collect();
        (!operations.is_empty()).then_some(Self { name, kind, toolset, operations })
    }

    /// The operation of this name. The name of its tool does as well, and so does the id in the description of the API.
    #[must_use]
    pub fn operation(&self, name: &str) -> Option<Entry> {
        named(self.operations.iter().copied(), name)
    }

    /// The name for people.
    #[must_use]
    pub fn title(&self) -> String {
        match self.kind {
            Kind::Query => format!("{}: look", self.toolset.title),
            Kind::Action => format!("{}: act", self.toolset.title),
        }
    }

    /// What it is for and which operations it has, in as much detail as clients show.
    #[must_use]
    pub fn description(&self, visible: &[Entry]) -> String {
        let signed = |entry: &Entry| format!("{}({})", entry.tool.operation_name, entry.tool.listing.signature);
        let titled = |entry: &Entry| format!("{}: {}", signed(entry), entry.tool.title);
        let brief = |entry: &Entry| format!("{}({})", entry.tool.operation_name, entry.tool.listing.required);
        let forms: [&dyn Fn(&Entry) -> String; 3] = [&titled, &signed, &brief];
        let fitting = forms.into_iter().map(|form| self.lines(visible, form)).find(|text| text.len() <= LONGEST);
        fitting.unwrap_or_else(|| format!("{} `describe_operation` tells the arguments of each.", self.sentence()))
    }

    fn sentence(&self) -> String {
        let provider = self.operations.first().map(|entry| entry.provider.title.as_ref()).unwrap_or_default();
        match self.kind {
            Kind::Query => format!("{} of {provider}: operations that read.", self.toolset.title),
            Kind::Action => format!("{} of {provider}: operations that change something.", self.toolset.title),
        }
    }

    fn lines(&self, visible: &[Entry], line: &dyn Fn(&Entry) -> String) -> String {
        let mut text = self.sentence();
        text.push_str(match self.kind {
            Kind::Query => " `?` is optional.",
            Kind::Action => " `?` is optional, {} goes into `body`.",
        });
        for entry in visible {
            text.push('\n');
            text.push_str(&line(entry));
        }
        text
    }

    /// Its entry in `tools/list` as JSON text, with the operations that may be seen. `choice` is the account that a call
    /// has to choose, and `added` what the gate asks for besides: a further property of the input schema.
    #[must_use]
    pub fn listing(
        &self,
        visible: &[Entry],
        choice: Option<&Choice>,
        added: Option<(&str, &str)>,
        titled: bool,
    ) -> String {
        let text = |value: &str| Value::from(value).to_string();
        let names: Vec<&str> = visible.iter().map(|entry| entry.tool.operation_name.as_ref()).collect();
        let mut entry = format!("{{\"name\":{}", text(&self.name));
        // Writing to a string does not fail.
        if titled {
            let _ = write!(entry, ",\"title\":{}", text(&self.title()));
        }
        let _ = write!(entry, ",\"description\":{}", text(&self.description(visible)));
        let operation = json!({"type": "string", "enum": names});
        let _ = write!(entry, ",\"inputSchema\":{{\"type\":\"object\",\"properties\":{{\"{OPERATION}\":{operation}");
        let choice = choice.map(|choice| (text(choice.argument(visible.iter().map(|entry| entry.tool))), choice));
        if let Some((name, choice)) = &choice {
            let _ = write!(entry, ",{name}:{}", choice.schema());
        }
        let shared: Vec<&SharedArgument> = self
            .toolset
            .arguments
            .iter()
            .filter(|argument| visible.iter().any(|entry| takes(entry, argument)))
            .collect();
        for argument in &shared {
            let _ = write!(entry, ",{}:{}", text(&argument.name), argument.schema);
        }
        if let Some((_, property)) = added.filter(|(name, _)| shared.iter().all(|argument| argument.name != *name)) {
            let _ = write!(entry, ",{property}");
        }
        let worst = || visible.iter().map(|entry| Danger::worst(&entry.tool.review));
        let annotations = json!({
            "readOnlyHint": worst().all(Danger::is_none),
            "destructiveHint": worst().any(Danger::is_grave),
            "idempotentHint": visible.iter().all(|entry| entry.tool.review.idempotent),
            "openWorldHint": true,
        });
        let chosen = choice.map(|(name, _)| format!(",{name}")).unwrap_or_default();
        let _ = write!(entry, "}},\"required\":[\"{OPERATION}\"{chosen}]}},\"annotations\":{annotations}}}");
        entry
    }
}

/// The operation of this name among several of one toolset.
pub(crate) fn named(entries: impl Iterator<Item = Entry> + Clone, name: &str) -> Option<Entry> {
    let id = |entry: &Entry| entry.tool.operation().is_some_and(|operation| operation.id == name);
    let mut by_name = entries.clone().filter(|entry| entry.tool.operation_name == name);
    by_name
        .next()
        .or_else(|| entries.clone().find(|entry| entry.tool.name == name))
        .or_else(|| entries.clone().find(id))
}

fn takes(entry: &Entry, argument: &SharedArgument) -> bool {
    entry.tool.takes(&argument.name) || (argument.name == BODY && entry.tool.binding.body().is_some())
}
