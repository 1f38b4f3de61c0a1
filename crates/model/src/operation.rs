use crate::{List, Text};

/// One HTTP operation: everything the executor needs to turn valid arguments into a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The operation id of the description, before it was made into a tool name.
    pub id: Text,
    /// The HTTP method.
    pub method: Method,
    /// Path below the base URL.
    pub path: PathTemplate,
    /// Path, query and header parameters in declared order.
    pub parameters: List<Parameter>,
    /// The JSON request body, where the operation has one.
    pub body: Option<RequestBody>,
    /// What a success carries.
    pub answer: Answer,
    /// What is sent for arguments that a call leaves out.
    pub defaults: List<RequestDefault>,
    /// How many values of a series are passed on: of an array of numbers in the answer, evenly picked. 0 is all.
    pub points: u32,
    /// The description marks the operation as deprecated.
    pub deprecated: bool,
}

/// What is sent for a query parameter that a call leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestDefault {
    /// The key in the arguments of a call.
    pub argument: Text,
    /// The value, as JSON text.
    pub value: Text,
    /// It is the number of rows that the answer may have, so an answer of as many may lack some.
    pub bounds_rows: bool,
}

impl Operation {
    /// Whether a call takes an argument of this name.
    #[must_use]
    pub fn takes(&self, argument: &str) -> bool {
        let in_body = match &self.body {
            Some(RequestBody::Whole { argument: body }) => body == argument,
            Some(RequestBody::Members { members, .. }) => members.iter().any(|member| member.argument == argument),
            None => false,
        };
        in_body || self.parameters.iter().any(|parameter| parameter.argument == argument)
    }
}

/// An HTTP request method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// RFC 9110 section 9.3.1
    Get,
    /// RFC 9110 section 9.3.2
    Head,
    /// RFC 9110 section 9.3.3
    Post,
    /// RFC 9110 section 9.3.4
    Put,
    /// RFC 9110 section 9.3.5
    Delete,
    /// RFC 5789
    Patch,
    /// RFC 9110 section 9.3.7
    Options,
}

impl Method {
    /// The method as it stands in a request line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Patch => "PATCH",
            Self::Options => "OPTIONS",
        }
    }
}

/// A path template such as `/api/vps/v1/virtual-machines/{virtualMachineId}/start`, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathTemplate(pub List<Segment>);

/// A piece of a [`PathTemplate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Text that is sent as it is, slashes included.
    Literal(Text),
    /// The place of the path parameter with this name.
    Parameter(Text),
}

impl std::fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|segment| match segment {
            Segment::Literal(text) => f.write_str(text),
            Segment::Parameter(name) => write!(f, "{{{name}}}"),
        })
    }
}

/// A parameter outside the request body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The name on the wire.
    pub name: Text,
    /// The key in the arguments of a call. Differs from `name` where two names collide, and where a
    /// name holds what clients refuse in a property key.
    pub argument: Text,
    /// Where the value goes.
    pub location: Location,
    /// How arrays and objects are written.
    pub style: Style,
    /// Whether each element or property becomes a parameter of its own (OpenAPI `explode`).
    pub explode: bool,
}

/// Where a parameter goes (OpenAPI `in`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Location {
    /// In the path.
    Path,
    /// In the query string.
    Query,
    /// In a request header.
    Header,
}

/// How a parameter value is written (OpenAPI `style`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Style {
    /// Comma-separated, for path and header.
    Simple,
    /// `name=value`, for the query.
    Form,
    /// Space-separated array in the query.
    SpaceDelimited,
    /// Pipe-separated array in the query.
    PipeDelimited,
    /// `name[key]=value` in the query.
    DeepObject,
    /// `;name=value` in the path.
    Matrix,
    /// `.value` in the path.
    Label,
}

/// How a JSON request body is made from the arguments of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestBody {
    /// The body is an object and each of these arguments is one member of it. An empty object is
    /// sent when none is given and the body is required.
    Members {
        /// Whether a body is sent even when no member is given.
        required: bool,
        /// Members in declared order.
        members: List<BodyMember>,
        /// Send the members as query parameters instead, as `name[0][key]=value`.
        as_query: bool,
    },
    /// The body is the value of this one argument.
    Whole {
        /// The key in the arguments of a call.
        argument: Text,
    },
}

/// A member of an object body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyMember {
    /// The property name on the wire.
    pub name: Text,
    /// The key in the arguments of a call.
    pub argument: Text,
}

/// What the answer to a successful call carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    /// JSON.
    Json,
    /// Text of another media type.
    Text,
    /// Nothing: a status alone says it all.
    Empty,
    /// Depends on the status: JSON or nothing.
    JsonOrEmpty,
}
