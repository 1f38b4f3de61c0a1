//! Reads a specs folder: one sub-folder a provider. Knows nothing of Rust names.

mod definition;
mod prompt;
mod settings;

pub use definition::{Action, Definition, DefinitionFile, Facts, RelayStep, Standalone, Step, StepBody, Steps};
pub use prompt::{PromptArgumentSetting, PromptSetting};
pub use settings::{
    AccessSetting, AuthenticationScheme, AuthenticationSetting, ExposeSetting, QueryArraysSetting, ReferenceSetting,
    RestSetting, Settings, TasksSetting, ToolsetSettings,
};

use crate::report::{Report, Severity};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Everything one provider folder holds.
#[derive(Debug)]
pub struct Source {
    /// The folder name.
    pub name: String,
    /// `provider.toml`
    pub settings: Settings,
    /// `openapi.json`, where there is one.
    pub document: Option<Document>,
    /// `tools/*.json` in file name order.
    pub definitions: Vec<DefinitionFile>,
    /// `prompts.json`, empty where there is none.
    pub prompts: Vec<PromptSetting>,
}

/// An OpenAPI document and the file it came from.
#[derive(Debug)]
pub struct Document {
    /// Path relative to the specs folder.
    pub file: String,
    /// The document.
    pub root: Value,
}

/// Reads all providers below `specs`, in name order. `strict` makes an unknown key an error.
pub fn load(specs: &Path, strict: bool, report: &mut Report) -> Vec<Source> {
    let folders = match sorted_entries(specs) {
        Ok(entries) => entries,
        Err(error) => {
            let what = format!("cannot read {}: {error}", specs.display());
            report.add(Severity::Error, "specs", "", what, "name a folder with one sub-folder a provider");
            return Vec::new();
        }
    };
    let sources: Vec<Source> =
        folders.iter().filter(|path| path.is_dir()).filter_map(|path| load_provider(path, strict, report)).collect();
    if sources.is_empty() && !report.has_errors() {
        report.add(Severity::Error, "specs", "", "no provider found", "a provider is a folder with a provider.toml");
    }
    sources
}

/// Reads one provider folder. `None` when it cannot be used; the report says why.
pub fn load_provider(folder: &Path, strict: bool, report: &mut Report) -> Option<Source> {
    let name = folder.file_name()?.to_str()?.to_owned();
    let file = format!("{name}/provider.toml");
    let text = read(&folder.join("provider.toml"), &file, report)?;
    let settings: Settings = match toml::from_str(&text) {
        Ok(settings) => settings,
        Err(error) => {
            report.add(Severity::Error, &file, "", error.to_string().trim_end().replace('\n', " | "), "");
            return None;
        }
    };
    let document = load_document(folder, &name, report);
    let definitions = load_definitions(folder, &name, strict, report);
    let prompts = load_prompts(folder, &name, report);
    // Without one of its files the provider would only seem to lack things.
    let (document, definitions, prompts) = (document.ok()?, definitions?, prompts?);
    if document.is_none() && definitions.is_empty() {
        report.add(
            Severity::Error,
            &file,
            "",
            "the provider has neither an openapi.json nor a tools/*.json",
            "put one of them beside provider.toml",
        );
        return None;
    }
    Some(Source { name, settings, document, definitions, prompts })
}

/// `Ok(None)` where there is no document, `Err` where it cannot be used.
fn load_document(folder: &Path, provider: &str, report: &mut Report) -> Result<Option<Document>, Unusable> {
    let path = folder.join("openapi.json");
    let file = format!("{provider}/openapi.json");
    if !path.exists() {
        return Ok(None);
    }
    let text = read(&path, &file, report).ok_or(Unusable)?;
    let root = parse(&text, &file, report).ok_or(Unusable)?;
    document(&file, root, report).map(Some).ok_or(Unusable)
}

/// The report says why.
struct Unusable;

fn document(file: &str, root: Value, report: &mut Report) -> Option<Document> {
    let text = |key: &str| root.get(key).and_then(Value::as_str);
    let version = text("openapi").or_else(|| text("swagger")).unwrap_or_default();
    if !(version.starts_with("3.0") || version.starts_with("3.1")) {
        let found = if version.is_empty() { "no version".to_owned() } else { format!("version {version}") };
        report.add(
            Severity::Error,
            file,
            "/openapi",
            format!("{found}, but OpenAPI 3.0 and 3.1 are what can be read"),
            "convert the document first",
        );
        return None;
    }
    Some(Document { file: file.to_owned(), root })
}

/// What somebody else publishes about their API.
#[derive(Debug)]
pub enum Upstream {
    /// An OpenAPI document.
    Document(Document),
    /// A bare list of tools with method, path and input schema.
    Tools(DefinitionFile),
}

/// Reads an upstream description. `None` when it is neither; the report says why.
pub fn load_upstream(path: &Path, report: &mut Report) -> Option<Upstream> {
    let file = path.display().to_string();
    let root = parse(&read(path, &file, report)?, &file, report)?;
    if root.is_array() {
        return DefinitionFile::parse(&file, &root, false, report).map(Upstream::Tools);
    }
    document(&file, root, report).map(Upstream::Document)
}

/// `None` where one of the files cannot be used.
fn load_definitions(folder: &Path, provider: &str, strict: bool, report: &mut Report) -> Option<Vec<DefinitionFile>> {
    let tools = folder.join("tools");
    let entries = sorted_entries(&tools).unwrap_or_default();
    let files: Vec<Option<DefinitionFile>> = entries
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let file = format!("{provider}/tools/{}", path.file_name()?.to_str()?);
            let value = parse(&read(path, &file, report)?, &file, report)?;
            DefinitionFile::parse(&file, &value, strict, report)
        })
        .collect();
    files.into_iter().collect()
}

/// `None` where the file cannot be used.
fn load_prompts(folder: &Path, provider: &str, report: &mut Report) -> Option<Vec<PromptSetting>> {
    let path = folder.join("prompts.json");
    let file = format!("{provider}/prompts.json");
    if !path.exists() {
        return Some(Vec::new());
    }
    let value = parse(&read(&path, &file, report)?, &file, report)?;
    serde_json::from_value(value).map_err(|error| report.add(Severity::Error, &file, "", error.to_string(), "")).ok()
}

fn sorted_entries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.sort();
    Ok(paths)
}

fn read(path: &Path, file: &str, report: &mut Report) -> Option<String> {
    std::fs::read_to_string(path)
        .map_err(|error| report.add(Severity::Error, file, "", format!("cannot be read: {error}"), ""))
        .ok()
}

fn parse(text: &str, file: &str, report: &mut Report) -> Option<Value> {
    // Some vendors publish their document with a byte order mark.
    serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| report.add(Severity::Error, file, "", format!("is not JSON: {error}"), ""))
        .ok()
}
