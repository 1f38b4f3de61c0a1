//! A call on its way: which tool, with what, for whom.

use std::fmt;
use std::sync::Arc;

use crate::account::Account;
use crate::arguments::Arguments;
use crate::catalogue::Entry;

/// A call of a tool with valid arguments. Policy has yet to judge it.
pub struct Call {
    /// The tool and its provider.
    pub entry: Entry,
    /// The arguments, already validated against the tool.
    pub arguments: Arguments,
    /// The account that carries it out.
    pub account: Arc<Account>,
    /// What the connected client calls itself.
    pub client_name: Option<String>,
}

impl fmt::Debug for Call {
    /// Leaves the arguments out: they can hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("tool", &self.entry.tool.name)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}
