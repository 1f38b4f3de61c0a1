//! The providers, and what is fixed about requests to them beyond their documents.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::document::{Entry, Way, entries};
use crate::expectation::TOKEN;

/// A provider as this test sees it.
#[derive(Clone, Copy)]
pub(crate) struct Provider {
    /// The folder in `specs/`.
    name: &'static str,
    /// How many operations of its document are served.
    pub(crate) operations: usize,
    /// The binary that serves it.
    pub(crate) binary: &'static str,
    /// How it lists its operations: `flat` or `domain`.
    pub(crate) expose: &'static str,
    /// The variable with its address.
    pub(crate) address: &'static str,
    /// The variable with its token.
    token: &'static str,
    /// What every request carries besides the credential.
    headers: &'static [(&'static str, &'static str)],
    /// What is sent for query parameters that a call leaves out, whatever the operation.
    defaults: &'static [(&'static str, &'static str)],
    /// Texts that name a machine by its id: a path and a parameter of it, or no path and a member of any body. What is
    /// no UUID would be looked up first, as a name.
    machines: &'static [(&'static str, &'static str)],
}

/// The Hostinger API 1.54.1.
pub(crate) const HOSTINGER: Provider = Provider {
    name: "hostinger",
    operations: 392,
    binary: env!("CARGO_BIN_EXE_hostinger-mcp"),
    expose: "flat",
    address: "API_BASE_URL",
    token: "HOSTINGER_API_TOKEN",
    headers: &[],
    defaults: &[],
    machines: &[],
};

/// The REST API 0.39.0 of Xen Orchestra.
pub(crate) const XEN_ORCHESTRA: Provider = Provider {
    name: "xen-orchestra",
    operations: 251,
    binary: env!("CARGO_BIN_EXE_xo-mcp"),
    expose: "flat",
    address: "XO_URL",
    token: "XO_TOKEN",
    headers: &[("x-xo-client", "mcp")],
    defaults: &[("limit", "100"), ("markdown", "true")],
    machines: &[("/vms/{id}", "id"), ("", "VM"), ("", "vmId"), ("", "vmIdsToForceMigrate")],
};

/// Every provider in every way of listing.
pub(crate) const ALL: [Provider; 4] = [HOSTINGER, XEN_ORCHESTRA, HOSTINGER.by_domain(), XEN_ORCHESTRA.by_domain()];

impl Provider {
    /// The same provider, with its operations listed by domain.
    const fn by_domain(self) -> Self {
        Self { expose: "domain", ..self }
    }

    /// Flags that make the binary serve every operation.
    pub(crate) fn flags(&self) -> [&'static str; 4] {
        ["--access", "full", "--expose", self.expose]
    }

    /// The variables that the binary needs.
    pub(crate) fn variables(&self, base_url: &str) -> [(&'static str, String); 2] {
        [(self.address, base_url.to_owned()), (self.token, TOKEN.to_owned())]
    }

    /// The operations that are served, in the order of the document.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let document: Value = self.read("openapi.json");
        let (excluded, definitions) = (self.excluded(), self.definitions());
        // A relative server says where below the address the API begins (OpenAPI 3.0.3, Server Object).
        let base = document["servers"][0]["url"].as_str().filter(|url| url.starts_with('/')).unwrap_or_default();
        let mut entries = entries(&document);
        entries.retain(|entry| !excluded.contains_key(&entry.tool()));
        for entry in &mut entries {
            let definition = &definitions[&entry.tool()];
            if self.expose == "domain" {
                entry.way = definition.among(&entry.tool());
            }
            let of_path = |(path, _): &&(&str, &str)| entry.path.starts_with(path);
            for (_, name) in self.machines.iter().filter(of_path) {
                identify(&mut entry.operation, name);
            }
            entry.path.insert_str(0, base);
            entry.headers = self.headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            let general = self.defaults.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
            entry.defaults = general.chain(definition.defaults()).collect();
        }
        entries
    }

    fn read(&self, file: &str) -> Value {
        let text = std::fs::read_to_string(self.folder().join(file)).expect("the file is part of the repository");
        serde_json::from_str(&text).expect("the file is JSON")
    }

    fn folder(&self) -> PathBuf {
        [env!("CARGO_MANIFEST_DIR"), "specs", self.name].iter().collect()
    }

    /// The tools that are left out on purpose, with the reason.
    fn excluded(&self) -> toml::Table {
        let text = std::fs::read_to_string(self.folder().join("provider.toml")).expect("settings");
        let settings: toml::Table = toml::from_str(&text).expect("TOML");
        settings.get("exclude").and_then(toml::Value::as_table).cloned().unwrap_or_default()
    }

    /// Tools that belong to no operation of the document: a handler sends several requests.
    pub(crate) fn composites(&self) -> Vec<String> {
        let composed = self.defined().into_iter().filter(|one| one.facts["composite"].is_object());
        composed.filter_map(|one| one.facts["name"].as_str().map(str::to_owned)).collect()
    }

    /// What the repository says about each operation.
    fn definitions(&self) -> BTreeMap<String, Definition> {
        let bound = self.defined().into_iter();
        bound.filter_map(|one| Some((one.facts["tool"].as_str()?.to_owned(), one))).collect()
    }

    /// What the repository says about each tool.
    fn defined(&self) -> Vec<Definition> {
        let files = std::fs::read_dir(self.folder().join("tools")).expect("definitions");
        let files = files.map(|file| file.expect("can be read").file_name().into_string().expect("UTF-8"));
        let definitions = files.flat_map(|file| {
            let file = self.read(&format!("tools/{file}"));
            let toolset = file["toolset"].as_str().expect("a toolset").to_owned();
            let tools = file["tools"].as_array().expect("a list of definitions").clone();
            tools.into_iter().map(move |facts| Definition { toolset: toolset.clone(), facts })
        });
        definitions.collect()
    }
}

/// A tool definition.
struct Definition {
    toolset: String,
    facts: Value,
}

impl Definition {
    /// How the operation is called by domain: by its `own` name unless the definition says otherwise. The tool for
    /// reading has all that never does more, by what was judged and not by the method.
    fn among(&self, own: &str) -> Way {
        let eased = self.facts["effect_when"].as_array();
        let effects = eased.into_iter().flatten().chain([&self.facts]).map(|fact| &fact["effect"]);
        let reads = effects.into_iter().all(|effect| effect == "read");
        let kind =
            if reads && self.facts["money"] == false && self.facts["exec"] == false { "query" } else { "action" };
        let operation = self.facts["operation_name"].as_str().unwrap_or(own);
        Way::Among { tool: format!("{}_{kind}", self.toolset.replace('-', "_")), operation: operation.to_owned() }
    }

    /// What is sent for query parameters that a call leaves out; null sends nothing.
    fn defaults(&self) -> Map<String, Value> {
        self.facts["defaults"].as_object().cloned().unwrap_or_default()
    }
}

/// Makes a UUID of every parameter and member of this name.
fn identify(value: &mut Value, name: &str) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("in") && fields.get("name").is_some_and(|own| own == name) {
                make_uuid(&mut fields["schema"]);
            }
            if let Some(member) = fields.get_mut("properties").and_then(|members| members.get_mut(name)) {
                make_uuid(member);
            }
            fields.values_mut().for_each(|field| identify(field, name));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| identify(item, name)),
        _ => {}
    }
}

fn make_uuid(schema: &mut Value) {
    let one = if schema["type"] == "array" { &mut schema["items"] } else { schema };
    one["format"] = "uuid".into();
}
