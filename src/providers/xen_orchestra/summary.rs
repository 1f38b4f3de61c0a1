//! Pools, hosts and machines on one page.

use std::fmt::Write as _;

use serde_json::Value;

use super::Answer;
use crate::executor::Steps;
use crate::generated::composites::xen_orchestra::GetInfrastructureSummary;
use crate::generated::composites::xen_orchestra::requests::{ReadHosts, ReadPools, ReadVms};

/// How many objects of a kind are counted.
const MOST_COUNTED: usize = 1_000;

/// How many of them are shown.
const MOST_SHOWN: usize = 50;

/// A part of the page.
struct Part {
    title: &'static str,
    /// Where the rest is to be had.
    more: &'static str,
    fields: &'static [&'static str],
}

const POOLS: Part =
    Part { title: "Pools", more: "GetPools", fields: &["id", "name_label", "HA_enabled", "auto_poweron"] };
const HOSTS: Part = Part {
    title: "Hosts",
    more: "GetHosts",
    fields: &["id", "name_label", "power_state", "enabled", "productBrand", "version"],
};
const MACHINES: Part =
    Part { title: "Virtual machines", more: "GetVms", fields: &["id", "name_label", "power_state", "CPUs", "memory"] };

pub(super) async fn get_infrastructure_summary(
    _: GetInfrastructureSummary,
    steps: Steps<'_, GetInfrastructureSummary>,
) -> Answer {
    let fields = |part: &Part| Value::from(part.fields.join(","));
    let (pools, hosts, machines) = tokio::try_join!(
        steps.ask(ReadPools { fields: fields(&POOLS), limit: MOST_COUNTED.into() }),
        steps.ask(ReadHosts { fields: fields(&HOSTS), limit: MOST_COUNTED.into() }),
        steps.ask(ReadVms { fields: fields(&MACHINES), limit: MOST_COUNTED.into() }),
    )?;
    let parts = [(POOLS, pools), (HOSTS, hosts), (MACHINES, machines)];
    let sections = parts.iter().map(|(part, objects)| part.section(objects.as_array().map_or(&[], Vec::as_slice)));
    Ok(sections.collect::<Vec<_>>().join("\n").into())
}

impl Part {
    fn section(&self, objects: &[Value]) -> String {
        let mut text = format!("## {}\n\n{}\n", self.title, self.count(objects));
        if objects.is_empty() {
            return text;
        }
        // Writing to a string does not fail.
        let _ = write!(text, "\n| {} |\n|{}\n", self.fields.join(" | "), " - |".repeat(self.fields.len()));
        for object in objects.iter().take(MOST_SHOWN) {
            let cells: Vec<String> = self.fields.iter().map(|field| cell(field, &object[*field])).collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        if objects.len() > MOST_SHOWN {
            let _ = writeln!(text, "\nThe first {MOST_SHOWN} of them; {} lists them all.", self.more);
        }
        text
    }

    /// `6: 4 Running, 2 Halted`, as far as counted.
    fn count(&self, objects: &[Value]) -> String {
        let more = if objects.len() >= MOST_COUNTED { " or more" } else { "" };
        let mut states: Vec<(&str, usize)> = Vec::new();
        for state in objects.iter().filter_map(|object| object["power_state"].as_str()) {
            match states.iter_mut().find(|(known, _)| *known == state) {
                Some((_, count)) => *count += 1,
                None => states.push((state, 1)),
            }
        }
        let states: Vec<String> = states.iter().map(|(state, count)| format!("{count} {state}")).collect();
        let states = if states.is_empty() { String::new() } else { format!(" ({})", states.join(", ")) };
        format!("{}{more}{states}.", objects.len())
    }
}

/// A value as a cell of a table. Memory is shown in GiB, the number of processors alone.
fn cell(field: &str, value: &Value) -> String {
    const GIB: f64 = 1_073_741_824.0;
    let plain = match (field, value) {
        ("memory", value) => match value.get("size").unwrap_or(value).as_f64() {
            Some(bytes) => format!("{:.1} GiB", bytes / GIB),
            None => String::new(),
        },
        ("CPUs", Value::Object(processors)) => {
            processors.get("number").map_or_else(String::new, |number| cell("", number))
        }
        (_, Value::Null) => String::new(),
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    };
    plain.replace('|', "\\|").replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_section_counts_shows_and_says_what_it_leaves_out() {
        let vm = |state: &str| {
            json!({"id": "1", "name_label": "a|b\nc", "power_state": state, "CPUs": {"max": 4, "number": 2},
                   "memory": {"size": 2_147_483_648_u64}})
        };
        let text = MACHINES.section(&[vm("Running"), vm("Halted"), vm("Running")]);
        assert!(text.starts_with("## Virtual machines\n\n3 (2 Running, 1 Halted).\n"), "{text}");
        assert!(text.contains("\n| 1 | a\\|b c | Running | 2 | 2.0 GiB |\n"), "{text}");
        let many = vec![vm("Running"); MOST_COUNTED];
        let text = MACHINES.section(&many);
        assert!(text.contains("1000 or more (1000 Running)") && text.contains("The first 50 of them"), "{text}");
        assert_eq!(POOLS.section(&[]), "## Pools\n\n0.\n");
    }
}
