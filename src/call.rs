//! A call on its way: which tool, with what, for whom.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::account::Account;
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

/// Who makes a call, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who calls.
    pub principal: Arc<Principal>,
    /// What the connected client calls itself.
    pub client_name: Option<String>,
    /// The network address of the client, where there is one.
    pub address: Option<IpAddr>,
}

impl Caller {
    /// The user of this process, by a client of this name.
    #[must_use]
    pub fn local(client_name: Option<String>) -> Self {
        Self { principal: Arc::new(Principal::local()), client_name, address: None }
    }
}
