//! Tool names out of operation ids.

use infra_mcp_model::Binding;

/// The longest name that every client accepts.
pub(crate) const LONGEST: usize = 64;

/// Replaces what a tool name may not hold, `[^A-Za-z0-9_-]`, by `_`.
#[must_use]
pub fn sanitize(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' }).collect()
}

/// A name of at most 64 characters: a longer one keeps its head and ends in a hash of the whole.
pub(crate) fn shorten(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    format!("{}_{:08x}", &name[..LONGEST - 9], fnv1a(name))
}

/// What a tool is called in its toolset unless a definition says otherwise: its operation id made legal, or its name.
pub(crate) fn of_binding(name: &str, binding: &Binding) -> String {
    match binding {
        Binding::Operation(operation) => shorten(&sanitize(&operation.id)),
        Binding::Composite(_) | Binding::Relay(_) => name.to_owned(),
    }
}

/// The key of an argument: the name on the wire where every model API accepts it as one.
pub(crate) fn argument(name: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if (1..=LONGEST).contains(&name.len()) && name.chars().all(legal) {
        return name.to_owned();
    }
    let words: Vec<&str> = name.split(|c| !legal(c)).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { format!("argument_{:08x}", fnv1a(name)) } else { shorten(&words.join("_")) }
}

/// An id for an operation that has none: its method and path.
pub(crate) fn from_path(method: &str, path: &str) -> String {
    let words: Vec<String> =
        path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let words = if words.is_empty() { "root".to_owned() } else { words.join("_") };
    format!("{}_{words}", method.to_lowercase())
}

/// 32-bit FNV-1a: stable across platforms and releases, unlike the standard hasher.
fn fnv1a(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
