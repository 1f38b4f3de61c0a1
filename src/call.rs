//! A call on its way: which tool, with what, for whom.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use infra_mcp_model::{Location, Operation, Segment, Step};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::account::{Account, without};
use crate::arguments::Arguments;
use crate::catalogue::Entry;
use crate::principal::Principal;

/// A call of a tool with valid arguments. Policy has yet to judge it.
pub struct Call {
    /// The tool and its provider.
    pub entry: Entry,
    /// The arguments, already validated against the tool.
    pub arguments: Arguments,
    /// The account that carries it out.
    pub account: Arc<Account>,
    /// Who calls, and from where.
    pub caller: Caller,
}

impl Call {
    /// The same call without the secrets among its arguments, for showing alone.
    #[must_use]
    pub fn masked(&self) -> Self {
        Self {
            entry: self.entry,
            arguments: self.arguments.masked(self.entry.tool),
            account: Arc::clone(&self.account),
            caller: self.caller.clone(),
        }
    }

    /// The text without the secrets of this call: the credentials of its account, and those among its arguments.
    #[must_use]
    pub(crate) fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        without(self.account.mask(text), &self.arguments.secrets(self.entry.tool))
    }

    /// Provider, address and name of the account, as approvals and audit name it.
    #[must_use]
    pub fn account_name(&self) -> String {
        [&self.entry.provider.name, " ", self.account.place()].concat()
    }

    /// What the call acts on: the values of the path parameters in order, or of the arguments in its resource.
    #[must_use]
    pub fn path_values(&self) -> Vec<String> {
        let Some(operation) = self.entry.tool.operation() else {
            let names = self.entry.tool.resource().filter_map(|step| match step {
                Step::Argument(name) => Some(name),
                Step::Word(_) => None,
            });
            return names.filter_map(|name| self.value(name)).collect();
        };
        let names = operation.path.0.iter().filter_map(|segment| match segment {
            Segment::Parameter(name) => Some(name),
            Segment::Literal(_) => None,
        });
        names.filter_map(|name| self.path_value(operation, name)).collect()
    }

    fn path_value(&self, operation: &Operation, name: &str) -> Option<String> {
        let mut parameters = operation.parameters.iter();
        let parameter = parameters.find(|known| known.location == Location::Path && known.name == name)?;
        self.value(&parameter.argument)
    }

    fn step(&self, step: Step<'_>) -> Option<String> {
        match step {
            Step::Word(word) => Some(word.to_owned()),
            Step::Argument(name) => self.value(name),
        }
    }

    fn value(&self, argument: &str) -> Option<String> {
        let value = self.arguments.as_map().get(argument)?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    /// What the call acts on: account and resource, or path up to the first parameter, filled in. None where neither
    /// says.
    #[must_use]
    pub fn resource(&self) -> Option<String> {
        let Some(operation) = self.entry.tool.operation() else {
            let steps: Option<Vec<String>> = self.entry.tool.resource().map(|step| self.step(step)).collect();
            let steps = steps.filter(|steps| !steps.is_empty())?;
            return Some([self.account.place(), " ", &steps.join("/")].concat());
        };
        let segments = operation.path.0.as_ref();
        let first = segments.iter().position(|segment| matches!(segment, Segment::Parameter(_)))?;
        let mut path = [self.account.place(), " "].concat();
        for segment in &segments[..=first] {
            match segment {
                Segment::Literal(text) => path.push_str(text),
                Segment::Parameter(name) => path.push_str(&self.path_value(operation, name)?),
            }
        }
        Some(path)
    }
}

impl fmt::Debug for Call {
    /// Leaves the arguments out: they can hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("tool", &self.entry.tool.name)
            .field("account", &self.account)
            .field("caller", &self.caller)
            .finish_non_exhaustive()
    }
}

/// The network address of a client, as far as it can be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// How far a call is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// How much is done, in units of its own; it only grows.
    pub done: f64,
    /// How much there is to do, where that is known.
    pub total: Option<f64>,
    /// What happens, for people.
    pub message: String,
}

/// Hears how far a call is.
#[derive(Debug, Clone)]
pub struct Listener(UnboundedSender<Progress>);

impl Listener {
    /// A listener, and where it is heard.
    #[must_use]
    pub fn new() -> (Self, UnboundedReceiver<Progress>) {
        let (sender, receiver) = unbounded_channel();
        (Self(sender), receiver)
    }

    /// Says how far the call is. Whether anybody still hears it does not matter.
    pub fn tell(&self, progress: Progress) {
        let _ = self.0.send(progress);
    }
}

/// Who makes a call, and from where.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who calls.
    pub principal: Arc<Principal>,
    /// What the connected client calls itself.
    pub client_name: Option<String>,
    /// The network address of the client, where there is one.
    pub address: Option<IpAddr>,
    /// The session that the call belongs to, where it belongs to one.
    pub session: Option<String>,
    /// Whether the person in front of the client can be asked, and what they answered.
    pub asking: Asking,
    /// Who hears how far the call is, if anybody wants to.
    pub listener: Option<Listener>,
}

/// Whether the person in front of the client can be asked about this call (MCP elicitation), and what they answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Asking {
    /// The client cannot ask anybody.
    #[default]
    Impossible,
    /// Nobody was asked so far.
    Possible,
    /// The person agreed to the question with this token.
    Agreed(String),
    /// The person did not agree to the question with this token.
    Declined(String),
}

impl Caller {
    /// The user of this process, by a client of this name.
    #[must_use]
    pub fn local(client_name: Option<String>) -> Self {
        Self {
            principal: Arc::new(Principal::local()),
            client_name,
            address: None,
            session: None,
            asking: Asking::Impossible,
            listener: None,
        }
    }
}
