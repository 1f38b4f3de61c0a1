//! The nouns that the generator and the runtime of infra-mcp share.
//!
//! Nothing here parses, does I/O or depends on another crate. JSON inside the model is text that was
//! serialised when the model was made. Every field is a [`Text`] or a [`List`], so one set of types
//! serves both the generated `static` tables (borrowed, no allocation at start) and a catalogue that
//! is lowered from a live document (owned).

mod access;
mod operation;
mod prompt;
mod provider;
mod review;
mod tool;

pub use access::{Access, Danger};
pub use operation::{
    Answer, BodyMember, Location, Method, Operation, Parameter, PathTemplate, RequestBody, RequestDefault, Segment,
    Style,
};
pub use prompt::{Prompt, PromptArgument};
pub use provider::{
    Authentication, DeviceLogin, Environment, Expose, Header, Hint, OptIn, Provider, QueryArrays, Reference,
    RemoteServer, Resource, RestRoute, Route, SessionLogin, SharedArgument, SourceFile, Tasks, Toolset,
};
pub use review::{Condition, Effect, EffectWhen, Phrase, Review};
pub use tool::{
    Alias, Binding, Composite, Listing, LocalFile, PowerOff, Relay, RelayedStep, Step, Tool, WAIT, WAIT_SECONDS, steps,
};

use std::borrow::Cow;

/// A string that is either part of the program or owned.
pub type Text = Cow<'static, str>;

/// A slice that is either part of the program or owned.
pub type List<T> = Cow<'static, [T]>;
