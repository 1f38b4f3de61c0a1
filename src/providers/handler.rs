//! What the handlers of all providers have in common.

#![allow(dead_code, unused_macros, reason = "not every build has every provider")]

use serde_json::Value;

use crate::error::CallError;

/// What a handler answers.
pub(super) type Answer = Result<Value, CallError>;

/// The handlers of a provider: a method for each of its composite tools, which its topic carries out.
macro_rules! handlers {
    ($provider:ident: $($name:ident($kind:ident) by $topic:ident;)*) => {
        impl Composites for $provider {
            $(async fn $name(&self, arguments: $kind, steps: crate::executor::Steps<'_, $kind>) -> Answer {
                $topic::$name(arguments, steps).await
            })*
        }
    };
}

/// A member as text; empty where it is none.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
