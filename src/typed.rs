//! What the generated structs of [`crate::generated::types`] share.

use serde::{Serialize, Serializer};

/// The arguments of one tool as a struct.
pub trait ToolCall: Serialize {
    /// The name of the tool.
    const NAME: &'static str;
}

/// A value that may be an explicit JSON `null`, which is not the same as leaving it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nullable<T> {
    /// `null`
    #[default]
    Null,
    /// A value.
    Value(T),
}

impl<T> From<T> for Nullable<T> {
    fn from(value: T) -> Self {
        Self::Value(value)
    }
}

impl<T: Serialize> Serialize for Nullable<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Value(value) => value.serialize(serializer),
        }
    }
}
