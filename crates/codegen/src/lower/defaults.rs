//! What is sent for query parameters that a call leaves out, and how much of a series is passed on.

use super::operation::LoweredOperation;
use crate::load::{Definition, DefinitionFile, Settings};
use crate::report::{Report, Severity};
use infra_mcp_model::{Location, RequestDefault};

/// Puts the defaults of the definition and, where it is silent, of the provider into the operation and its schema.
/// `stray` is how bad it is that a definition names a parameter that does not exist.
pub(super) fn apply(
    lowered: &mut LoweredOperation,
    settings: &Settings,
    bound: Option<(&DefinitionFile, &Definition)>,
    stray: Severity,
    report: &mut Report,
) {
    let own = bound.map(|(_, definition)| &definition.defaults);
    let mut defaults = Vec::new();
    let query = lowered.operation.parameters.iter().filter(|parameter| parameter.location == Location::Query);
    for parameter in query {
        let name = parameter.name.as_ref();
        let value = own.and_then(|own| own.get(name)).or_else(|| settings.defaults.get(name));
        let Some(value) = value.filter(|value| !value.is_null()) else { continue };
        let schema = lowered.input_schema.pointer_mut("/properties");
        if let Some(schema) = schema.and_then(|properties| properties.get_mut(parameter.argument.as_ref())) {
            schema["default"] = value.clone();
        }
        defaults.push(RequestDefault {
            argument: parameter.argument.clone(),
            value: value.to_string().into(),
            bounds_rows: settings.row_limit == name,
        });
    }
    if let Some((file, definition)) = bound {
        lowered.operation.points = definition.points;
        for name in definition.defaults.keys() {
            if !lowered
                .operation
                .parameters
                .iter()
                .any(|known| known.location == Location::Query && known.name == *name)
            {
                let what = format!("`{}` has no query parameter `{name}`, which its `defaults` name", definition.name);
                report.add(stray, &file.file, &definition.pointer, what, "");
            }
        }
    }
    lowered.operation.defaults = defaults.into();
}
