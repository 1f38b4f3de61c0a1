//! Reads a specs folder: one sub-folder a provider. Knows nothing of Rust names.

mod definition;
mod power_off;
mod prompt;
mod settings;

pub use definition::{Action, Definition, DefinitionFile, Facts, RelayStep, Standalone, Step, StepBody, Steps};
pub use power_off::PowerOffSetting;
pub use prompt::{PromptArgumentSetting, PromptSetting};
pub use settings::{
    AccessSetting, AuthenticationScheme, AuthenticationSetting, ExposeSetting, QueryArraysSetting, ReferenceSetting,
    ResourceSetting, RestSetting, Settings, TasksSetting, ToolsetSettings,
};

use crate::report::{Report, Severity};
use infra_mcp_model::{List, SourceFile};
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
    let name = folder.file_name()?.to_str()?;
    let files: Vec<Option<SourceFile>> = files(folder, name)
        .into_iter()
        .map(|(file, path)| read(&path, &file, report).map(|text| SourceFile { name: file.into(), text: text.into() }))
        .collect();
    let (path, file) = (folder.join("openapi.json"), format!("{name}/openapi.json"));
    let document = path.exists().then(|| read(&path, &file, report));
    let files: Vec<SourceFile> = files.into_iter().collect::<Option<_>>()?;
    let document = match &document {
        Some(text) => Some((file.as_str(), text.as_deref()?)),
        None => None,
    };
    source(name, &files, document, strict, report)
}

/// The files of a provider that has a document, that left out; none where one of them cannot be read.
#[must_use]
pub fn sources(specs: &Path, provider: &str) -> List<SourceFile> {
    let folder = specs.join(provider);
    let read = |(file, path): (String, PathBuf)| {
        let text = std::fs::read_to_string(path).ok()?;
        // What people put between the words is of no use to a program.
        let json = serde_json::from_str::<Value>(&text).ok().map(|value| value.to_string());
        Some(SourceFile { name: file.into(), text: json.unwrap_or(text).into() })
    };
    let described = folder.join("openapi.json").exists();
    described.then(|| files(&folder, provider).into_iter().map(read).collect()).flatten().unwrap_or_default()
}

/// The files of a provider folder but for the document, `provider.toml` first: relative to the specs folder, and the
/// path.
fn files(folder: &Path, provider: &str) -> Vec<(String, PathBuf)> {
    let entries = sorted_entries(&folder.join("tools")).unwrap_or_default();
    let json = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let definitions = entries.into_iter().filter(json);
    let definitions =
        definitions.filter_map(|path| Some((format!("{provider}/tools/{}", path.file_name()?.to_str()?), path)));
    let prompts = (prompts_file(provider), folder.join("prompts.json"));
    let settings = (settings_file(provider), folder.join("provider.toml"));
    std::iter::once(settings).chain(definitions).chain(prompts.1.exists().then_some(prompts)).collect()
}

fn settings_file(provider: &str) -> String {
    format!("{provider}/provider.toml")
}

fn prompts_file(provider: &str) -> String {
    format!("{provider}/prompts.json")
}

/// Makes a provider of its files and a document: the name of that, for problems, and its text. `None` when they cannot
/// be used; the report says why.
pub fn source(
    name: &str,
    files: &[SourceFile],
    document: Option<(&str, &str)>,
    strict: bool,
    report: &mut Report,
) -> Option<Source> {
    let file = settings_file(name);
    let (settings, others): (Vec<&SourceFile>, Vec<&SourceFile>) = files.iter().partition(|one| one.name == file);
    let settings: Settings = match toml::from_str(settings.first().map_or("", |settings| &settings.text)) {
        Ok(settings) => settings,
        Err(error) => {
            report.add(Severity::Error, &file, "", error.to_string().trim_end().replace('\n', " | "), "");
            return None;
        }
    };
    let document = document.map(|(file, text)| parse(text, file, report).and_then(|root| openapi(file, root, report)));
    let definitions: Vec<Option<DefinitionFile>> = others
        .iter()
        .filter(|one| one.name != prompts_file(name))
        .map(|SourceFile { name, text }| DefinitionFile::parse(name, &parse(text, name, report)?, strict, report))
        .collect();
    let prompts = others.iter().find(|one| one.name == prompts_file(name)).map(|one| prompts(one, report));
    // Without one of its files the provider would only seem to lack things.
    let definitions: Vec<DefinitionFile> = definitions.into_iter().collect::<Option<_>>()?;
    let prompts = prompts.unwrap_or_else(|| Some(Vec::new()))?;
    let document = match document {
        Some(document) => Some(document?),
        None => None,
    };
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
    Some(Source { name: name.to_owned(), settings, document, definitions, prompts })
}

fn openapi(file: &str, root: Value, report: &mut Report) -> Option<Document> {
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
    openapi(&file, root, report).map(Upstream::Document)
}

/// `None` where the file cannot be used.
fn prompts(file: &SourceFile, report: &mut Report) -> Option<Vec<PromptSetting>> {
    let value = parse(&file.text, &file.name, report)?;
    let read = serde_json::from_value(value);
    read.map_err(|error| report.add(Severity::Error, &file.name, "", error.to_string(), "")).ok()
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
