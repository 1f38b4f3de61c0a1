//! Resources: what clients read by an address. A tool answers each, on the way of every call.

use infra_mcp_model::Resource;
use percent_encoding::percent_decode_str;
use rmcp::ErrorData;
use rmcp::model::{ReadResourceResult, Resource as Listed, ResourceContents, ResourceTemplate};
use serde_json::{Map, Value, json};

use super::Server;
use super::listing::Form;
use crate::arguments::text;
use crate::call::Caller;
use crate::catalogue::{Catalogue, Entry};
use crate::error::CallError;
use crate::principal::Principal;
use crate::result;

/// The resources whose tools are served.
#[derive(Debug)]
pub(super) struct Resources(Vec<Addressed>);

/// One of them, or a template of many.
#[derive(Debug)]
struct Addressed {
    row: &'static Resource,
    /// The tool that answers.
    entry: Entry,
}

/// One as it is listed.
struct Shown {
    row: &'static Resource,
    uri: String,
    name: String,
    title: String,
}

/// What stands between an address and the account that it is about, where a provider has several.
const OF_ACCOUNT: &str = "?account=";

impl Resources {
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        let rows =
            catalogue.providers().iter().flat_map(|provider| provider.resources.iter().map(move |row| (provider, row)));
        let served = rows
            .filter_map(|(provider, row)| Some(Addressed { row, entry: catalogue.get(&provider.name, &row.tool)? }));
        Self(served.collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those with one address that the principal is shown.
    pub(super) fn list(&self, server: &Server, principal: &Principal, form: Form) -> Vec<Listed> {
        let listed = self.shown(server, principal, false).map(|Shown { row, uri, name, title }| {
            let listed = Listed::new(uri, name).with_description(&*row.description).with_mime_type(&*row.mime_type);
            if form == Form::Titled { listed.with_title(title) } else { listed }
        });
        listed.collect()
    }

    /// The templates that the principal is shown.
    pub(super) fn templates(&self, server: &Server, principal: &Principal, form: Form) -> Vec<ResourceTemplate> {
        let listed = self.shown(server, principal, true).map(|Shown { row, uri, name, title }| {
            let listed =
                ResourceTemplate::new(uri, name).with_description(&*row.description).with_mime_type(&*row.mime_type);
            if form == Form::Titled { listed.with_title(title) } else { listed }
        });
        listed.collect()
    }

    /// What the principal is shown, once for each account where a provider has several.
    fn shown<'s>(
        &'s self,
        server: &'s Server,
        principal: &'s Principal,
        template: bool,
    ) -> impl Iterator<Item = Shown> + 's {
        let rows = self.0.iter().filter(move |one| one.row.is_template() == template);
        rows.filter(|one| server.shows(principal, &one.entry)).flat_map(|Addressed { row, entry }| {
            let alone =
                || Shown { row, uri: row.uri.to_string(), name: row.name.to_string(), title: row.title.to_string() };
            let of_account = |account: &String| Shown {
                row,
                uri: format!("{}{OF_ACCOUNT}{account}", row.uri),
                name: format!("{}_{account}", row.name),
                title: format!("{} ({account})", row.title),
            };
            match principal.grant().choice(&server.accounts, &entry.provider.name) {
                None => vec![alone()],
                Some(granted) => granted.names.iter().map(of_account).collect(),
            }
        })
    }

    /// Reads what is at an address.
    ///
    /// # Errors
    /// If there is nothing that the caller is shown, or its tool has no answer.
    pub(super) async fn read(
        &self,
        server: &Server,
        uri: &str,
        caller: Caller,
    ) -> Result<ReadResourceResult, ErrorData> {
        let (address, account) = match uri.split_once(OF_ACCOUNT) {
            Some((address, account)) => (address, Some(account)),
            None => (uri, None),
        };
        let found = self.find(address).filter(|(one, _)| server.shows(&caller.principal, &one.entry));
        let Some((Addressed { row, entry }, mut arguments)) = found else {
            return Err(missing(uri, "resources/list and resources/templates/list show what there is."));
        };
        match (server.accounts.choice(&entry.provider.name), account) {
            (Some(choice), Some(account)) => {
                arguments.insert(choice.argument([entry.tool]).to_owned(), account.into());
            }
            (None, Some(_)) => return Err(missing(uri, "There is one account, so the address names none.")),
            (_, None) => {}
        }
        let outcome = server.attempt_tool(*entry, arguments, caller).await;
        let outcome = outcome.map_err(|unknown| missing(uri, &unknown.to_string()))?;
        let reply = outcome.map_err(|error| failed(uri, &error))?;
        let told = result::to_result(Ok(reply), server.result_limit);
        let mut texts = told.content.iter().filter_map(|block| Some(block.as_text()?.text.as_str()));
        let mut contents =
            ResourceContents::text(texts.next().unwrap_or_default(), uri).with_mime_type(&*row.mime_type);
        // What is to be known of the text is no part of it.
        let notes: Vec<Value> = texts.map(Value::from).collect();
        let mut meta = told.meta.unwrap_or_default();
        if !notes.is_empty() {
            meta.insert(NOTES.to_owned(), notes.into());
        }
        if !meta.is_empty() {
            contents = contents.with_meta(meta);
        }
        Ok(ReadResourceResult::new(vec![contents]))
    }

    /// What is at an address, and the arguments that it gives. One of its own wins over a template.
    fn find(&self, uri: &str) -> Option<(&Addressed, Map<String, Value>)> {
        let own = self.0.iter().find(|one| !one.row.is_template() && one.row.uri == uri);
        let templates = self.0.iter().filter(|one| one.row.is_template());
        own.into_iter().chain(templates).find_map(|one| Some((one, one.arguments(uri)?)))
    }
}

impl Addressed {
    /// The arguments of the tool, if this is the address. A placeholder takes all between two slashes, and something.
    fn arguments(&self, uri: &str) -> Option<Map<String, Value>> {
        // Both texts are made by our generator.
        let schema: Value = serde_json::from_str(&self.entry.tool.input_schema).unwrap_or_default();
        let mut arguments: Map<String, Value> = serde_json::from_str(&self.row.arguments).unwrap_or_default();
        let (steps, given) = (self.row.uri.split('/'), uri.split('/'));
        if steps.clone().count() != given.clone().count() {
            return None;
        }
        for (step, given) in steps.zip(given) {
            match step.strip_prefix('{').and_then(|step| step.strip_suffix('}')) {
                Some(name) if !given.is_empty() => {
                    let given = percent_decode_str(given).decode_utf8().ok()?;
                    arguments.insert(name.to_owned(), text::value(&schema, &[name.to_owned()], &given));
                }
                None if step == given => {}
                _ => return None,
            }
        }
        Some(arguments)
    }
}

/// Where contents say what is to be known of them.
const NOTES: &str = "infra-mcp/notes";

/// The code is that of older revisions; rmcp puts the present one in its place.
fn missing(uri: &str, why: &str) -> ErrorData {
    ErrorData::resource_not_found(format!("There is no resource {uri:?}. {why}"), Some(json!({ "uri": uri })))
}

/// An address that stands for nothing is one that does not exist, all else a failure.
fn failed(uri: &str, error: &CallError) -> ErrorData {
    match error {
        CallError::Arguments(_) | CallError::Reference { .. } => missing(uri, &error.to_string()),
        CallError::Upstream(upstream) if upstream.status == 404 => missing(uri, &error.to_string()),
        error => ErrorData::internal_error(error.to_string(), Some(json!({ "uri": uri }))),
    }
}
