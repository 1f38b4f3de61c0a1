//! `tools/list` out of the finished entries of the tool tables, or of the finished parts that the operations of a
//! toolset have in common: no schema is parsed to list it.
//!
//! rmcp has no place for finished JSON. So the handler returns an empty list with a private mark, rmcp
//! completes the message around it, and the transport takes the mark off and puts the entries in. Whoever
//! brings its own transport can leave all that alone and use [`Listing::to_value`].

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use infra_mcp_model::Text;
use rmcp::model::{ListToolsResult, MetaObject, ProtocolVersion, ServerJsonRpcMessage, ServerResult};
use serde_json::Value;

use crate::account::{Accounts, Choice};
use crate::catalogue::Entry;
use crate::exposure::{Exposure, Presented};
use crate::policy::{CONFIRM_TOKEN, CONFIRMATION, Gate};
use crate::principal::Principal;

macro_rules! token {
    () => {
        r#""confirm_token":{"type":"string","description":"Only after a call without it was answered with a preview: the token from there, once the person agrees. Good for that very call, for 5 minutes, once."}"#
    };
}

macro_rules! phrase {
    () => {
        r#""confirmation":{"type":"string","description":"Only after a call without it was answered with a preview: the phrase from there, to the letter, once the person agrees. Good for that very call, for 5 minutes, once."}"#
    };
}

/// Marks a list that the transport has to fill.
const MARK: &str = "infra-mcp/listing";

/// What the entries go into the middle of. In JSON this byte sequence cannot be part of a string.
const EMPTY: &[u8] = br#""tools":[]"#;

/// What the gate asks for, as further property and as the only one.
const TOKEN: &str = concat!(",", token!());
const TOKEN_ALONE: &str = concat!(",\"properties\":{", token!(), "}");
const PHRASE: &str = concat!(",", phrase!());
const PHRASE_ALONE: &str = concat!(",\"properties\":{", phrase!(), "}");

/// Which members the entries have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// All of them.
    Titled,
    /// Without `title`, which the revisions before 2025-06-18 do not know.
    Untitled,
}

impl Form {
    /// The form for a client of this protocol version.
    #[must_use]
    pub fn of(version: Option<&ProtocolVersion>) -> Self {
        match version {
            Some(version) if version.as_str() < ProtocolVersion::V_2025_06_18.as_str() => Self::Untitled,
            _ => Self::Titled,
        }
    }
}

/// An empty list for the transport to fill.
#[must_use]
pub fn mark(form: Form) -> ListToolsResult {
    let mut meta = MetaObject::new();
    meta.insert(MARK.to_owned(), Value::Bool(form == Form::Titled));
    ListToolsResult { meta: Some(meta), ..ListToolsResult::default() }
}

/// Takes the mark off a list that is to be filled.
pub fn take_mark(result: &mut ServerResult) -> Option<Form> {
    let ServerResult::ListToolsResult(list) = result else {
        return None;
    };
    let meta = list.meta.as_mut()?;
    let titled = meta.remove(MARK)?;
    if meta.is_empty() {
        list.meta = None;
    }
    Some(if titled == Value::Bool(true) { Form::Titled } else { Form::Untitled })
}

/// What is listed for one principal.
#[derive(Debug, Clone)]
pub struct Listing {
    exposure: Arc<Exposure>,
    gate: Arc<Gate>,
    accounts: Arc<Accounts>,
    principal: Arc<Principal>,
    /// The entries in one piece, titled and untitled: made once for all who see the same.
    joined: Arc<[OnceLock<Bytes>; 2]>,
}

/// A part of an entry: of the tool tables, or made for the occasion.
pub type Piece = Cow<'static, str>;

impl Listing {
    /// What `principal` may see of `exposure`, with what `gate` asks of calls besides their arguments.
    #[must_use]
    pub fn new(exposure: Arc<Exposure>, gate: Arc<Gate>, principal: Arc<Principal>) -> Self {
        Self { exposure, gate, accounts: Arc::default(), principal, joined: Arc::default() }
    }

    /// The same, where calls have to choose among accounts of a provider that has several.
    #[must_use]
    pub fn with_accounts(self, accounts: Arc<Accounts>) -> Self {
        Self { accounts, joined: Arc::default(), ..self }
    }

    /// Whether the principal is shown the tool: it is granted, and the operator has not blocked it.
    #[must_use]
    pub fn shows(&self, entry: &Entry) -> bool {
        shows(&self.gate, &self.principal, entry)
    }

    /// The entries as a JSON array.
    ///
    /// # Errors
    /// If an entry is not valid JSON, which the generator rules out.
    pub fn to_value(&self, form: Form) -> serde_json::Result<Value> {
        let entries: String = self.pieces(form).collect();
        serde_json::from_str(&format!("[{entries}]"))
    }

    /// The entry of one tool by itself, whatever it is listed as; none where the principal is not shown it.
    #[must_use]
    pub fn alone(&self, entry: &Entry) -> Option<Value> {
        let pieces = self.shows(entry).then(|| self.tool(&entry.tool.name, *entry, true))?;
        serde_json::from_str(&pieces.concat()).ok()
    }

    /// The entries with the commas between them, in pieces.
    pub fn pieces(&self, form: Form) -> impl Iterator<Item = Piece> {
        let listed = self.exposure.presented().iter().filter_map(move |presented| self.entry(presented, form));
        listed.enumerate().flat_map(|(index, entry)| {
            let comma = if index > 0 { "," } else { "" };
            std::iter::once(Cow::Borrowed(comma)).chain(entry)
        })
    }

    /// The pieces of one entry; none where the principal may see nothing of it.
    fn entry(&self, presented: &Presented, form: Form) -> Option<[Piece; 5]> {
        let titled = form == Form::Titled;
        let made = |text: String| [text.into(), "".into(), "".into(), "".into(), "".into()];
        match presented {
            Presented::Tool { name, entry } => self.shows(entry).then(|| self.tool(name, *entry, titled)),
            Presented::Domain(domain) => {
                let visible = domain.operations.iter().filter(|entry| self.shows(entry));
                let visible: Vec<Entry> = visible.copied().collect();
                let asked = |name: &str| visible.iter().any(|entry| self.gate.asks_for(*entry, name));
                let added = [(CONFIRM_TOKEN, token!()), (CONFIRMATION, phrase!())];
                let added = added.into_iter().find(|(name, _)| asked(name));
                let choice = visible.first().and_then(|entry| self.choice(entry));
                (!visible.is_empty()).then(|| made(domain.listing(&visible, choice.as_ref(), added, titled)))
            }
            Presented::Builtin(builtin) => Some(made(builtin.listing(titled).to_string())),
        }
    }

    fn tool(&self, name: &Text, entry: Entry, titled: bool) -> [Piece; 5] {
        let listing = &entry.tool.listing;
        let head = match *name == entry.tool.name {
            true => Cow::Borrowed(listing.head.as_ref()),
            false => format!("{{\"name\":{}", Value::from(name.as_ref())).into(),
        };
        let title = if titled { listing.title.as_ref() } else { "" };
        let (added, end) = match self.choice(&entry) {
            Some(choice) => self.chosen(&choice, entry),
            None => (self.added(entry).into(), listing.end.as_ref().into()),
        };
        [head, title.into(), listing.tail.as_ref().into(), added, end]
    }

    /// The accounts that calls of the principal choose among.
    fn choice(&self, entry: &Entry) -> Option<Choice> {
        self.principal.grant().choice(&self.accounts, &entry.provider.name)
    }

    /// What is added to the input schema of a tool whose calls choose an account, and the rest of the entry, where
    /// that is among what has to be given.
    fn chosen(&self, choice: &Choice, entry: Entry) -> (Piece, Piece) {
        let tool = entry.tool;
        let (end, alone) = (tool.listing.end.as_ref(), tool.listing.takes_nothing());
        let name = Value::from(choice.argument([tool]));
        let property = format!("{name}:{}", choice.schema());
        let asked = if self.gate.asks_for(entry, CONFIRM_TOKEN) {
            TOKEN
        } else if self.gate.asks_for(entry, CONFIRMATION) {
            PHRASE
        } else {
            ""
        };
        if alone {
            let added = format!(",\"properties\":{{{property}{asked}}},\"required\":[{name}]");
            return (added.into(), end.into());
        }
        // The braces that close properties and schema, with what has to be given between them, see the generator.
        let end = match (end.strip_prefix("},\"required\":["), end.strip_prefix('}')) {
            (Some(rest), _) => format!("}},\"required\":[{name},{rest}"),
            (None, Some(rest)) => format!("}},\"required\":[{name}]{rest}"),
            (None, None) => end.to_owned(),
        };
        (format!(",{property}{asked}").into(), end.into())
    }

    /// The property that the gate adds to the input schema of a tool.
    fn added(&self, entry: Entry) -> &'static str {
        let alone = entry.tool.listing.takes_nothing();
        if self.gate.asks_for(entry, CONFIRM_TOKEN) {
            if alone { TOKEN_ALONE } else { TOKEN }
        } else if self.gate.asks_for(entry, CONFIRMATION) {
            if alone { PHRASE_ALONE } else { PHRASE }
        } else {
            ""
        }
    }

    /// The entries with the commas between them, in one piece.
    fn joined(&self, form: Form) -> Bytes {
        let make = || self.pieces(form).collect::<String>().into();
        self.joined[usize::from(form == Form::Untitled)].get_or_init(make).clone()
    }
}

/// Whether a principal is shown a tool: it is granted, and the operator has not blocked it.
pub(super) fn shows(gate: &Gate, principal: &Principal, entry: &Entry) -> bool {
    principal.admits(entry) && !gate.policy().blocks(*entry)
}

/// What comes before and after the entries in `message`, whose list had its mark taken off.
#[must_use]
pub fn around(message: &ServerJsonRpcMessage) -> (Vec<u8>, Vec<u8>) {
    // Writing to memory fails only for maps without text keys, and these types have none.
    let mut before = serde_json::to_vec(message).unwrap_or_default();
    let place = before.windows(EMPTY.len()).position(|window| window == EMPTY);
    let after = before.split_off(place.map_or(before.len(), |start| start + EMPTY.len() - 1));
    (before, after)
}

/// Fills the list in a frame of an HTTP answer: plain JSON, or an event of a stream with it. Gives the frame in pieces,
/// or nothing where it holds no list to fill.
#[must_use]
pub fn fill(frame: &[u8], listing: &Listing) -> Option<[Bytes; 3]> {
    let start = frame.windows(2).position(|window| window == b"{\"")?;
    let end = start + frame[start..].iter().position(|byte| *byte == b'\n').unwrap_or(frame.len() - start);
    let mut message: Value = serde_json::from_slice(&frame[start..end]).ok()?;
    let result = message.get_mut("result")?.as_object_mut()?;
    let meta = result.get_mut("_meta")?.as_object_mut()?;
    let form = if meta.shift_remove(MARK)? == Value::Bool(true) { Form::Titled } else { Form::Untitled };
    if meta.is_empty() {
        result.shift_remove("_meta");
    }
    let text = message.to_string().into_bytes();
    let place = text.windows(EMPTY.len()).position(|window| window == EMPTY)? + EMPTY.len() - 1;
    let before = [&frame[..start], &text[..place]].concat();
    let after = [&text[place..], &frame[end..]].concat();
    Some([before.into(), listing.joined(form), after.into()])
}

#[cfg(test)]
mod tests {
    use infra_mcp_model::Tool;
    use infra_mcp_model::{Access, Expose};
    use rmcp::model::{JsonRpcMessage, RequestId, Tool as McpTool};

    use super::*;
    use crate::catalogue::{Catalogue, Selection};
    use crate::generated::PROVIDERS;
    use crate::policy::{Policy, Way};
    use crate::principal::Grant;

    fn exposure(expose: Expose) -> Arc<Exposure> {
        let full = Selection { access: Some(Access::Full), ..Selection::default() };
        let catalogue = Catalogue::select(PROVIDERS, &full).unwrap();
        Arc::new(Exposure::new(Arc::new(catalogue), Some(expose)))
    }

    fn listing(exposure: Arc<Exposure>, way: Way, grant: Grant) -> Listing {
        let gate = Gate::new(Policy::default(), way, Arc::default());
        Listing::new(exposure, Arc::new(gate), Arc::new(Principal::new("somebody", grant)))
    }

    #[test]
    fn the_bytes_are_those_of_the_list_as_values() {
        let listing = listing(exposure(Expose::Flat), Way::None, Grant::default());
        for form in [Form::Titled, Form::Untitled] {
            let mut list = mark(form);
            list.ttl_ms = Some(5);
            let mut result = ServerResult::ListToolsResult(list);
            assert_eq!(take_mark(&mut result), Some(form));
            let id = RequestId::String(r#""tools":[]"#.into());
            let message: ServerJsonRpcMessage = JsonRpcMessage::response(result, id);

            let (before, after) = around(&message);
            let entries: String = listing.pieces(form).collect();
            let spliced = [before, entries.into_bytes(), after].concat();

            let mut expected = serde_json::to_value(&message).unwrap();
            expected["result"]["tools"] = listing.to_value(form).unwrap();
            assert_eq!(String::from_utf8(spliced).unwrap(), expected.to_string());
            let titles =
                expected["result"]["tools"].as_array().unwrap().iter().filter(|tool| tool["title"].is_string());
            assert_eq!(titles.count() > 0, form == Form::Titled);
        }
    }

    #[test]
    fn every_entry_is_a_tool_to_rmcp() {
        for expose in Expose::ALL {
            let value = listing(exposure(expose), Way::Token, Grant::default()).to_value(Form::Titled).unwrap();
            let tools: Vec<McpTool> = serde_json::from_value(value.clone()).unwrap();
            assert!(tools.iter().all(|tool| tool.title.is_some() && tool.annotations.is_some()));
            for tool in value.as_array().unwrap() {
                plain(&tool["inputSchema"], tool["name"].as_str().unwrap());
            }
        }
    }

    /// Nothing but what all clients take.
    fn plain(schema: &Value, place: &str) {
        let known = ["type", "description", "enum", "items", "properties", "required"];
        let schema = schema.as_object().unwrap();
        assert!(schema.keys().all(|key| known.contains(&key.as_str())), "{place}: {schema:?}");
        assert!(schema["type"].is_string(), "{place}");
        assert_eq!(schema["type"] == "array", schema.contains_key("items"), "{place}");
        let properties = schema.get("properties").and_then(Value::as_object);
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten() {
            assert!(properties.is_some_and(|known| known.contains_key(name.as_str().unwrap())), "{place}: {name}");
        }
        properties.into_iter().flatten().for_each(|(name, schema)| plain(schema, &format!("{place}.{name}")));
        schema.get("items").into_iter().for_each(|items| plain(items, &format!("{place}[]")));
    }

    #[test]
    fn a_tool_for_several_operations_shows_those_that_the_principal_may_call() {
        let exposure = exposure(Expose::Domain);
        let scopes = |scopes: &[&str]| Some(scopes.iter().map(ToString::to_string).collect());
        for grant in [
            Grant::default(),
            Grant { read_only: true, ..Grant::default() },
            Grant { toolsets: scopes(&["dns", "vms"]), ..Grant::default() },
            Grant { scopes: scopes(&["vms:read", "dns:write"]), ..Grant::default() },
        ] {
            let listing = listing(Arc::clone(&exposure), Way::Token, grant);
            let value = listing.to_value(Form::Titled).unwrap();
            // A toolset may be listed tool by tool all the same.
            let alone = |name: &str| {
                exposure.presented().iter().any(|one| matches!(one, Presented::Tool { name: tool, .. } if tool == name))
            };
            let listed = value.as_array().unwrap().iter();
            let mut listed = listed.filter(|tool| !alone(tool["name"].as_str().unwrap()));
            for domain in exposure.domains() {
                let visible: Vec<&Tool> =
                    domain.operations.iter().filter(|entry| listing.shows(entry)).map(|entry| entry.tool).collect();
                if visible.is_empty() {
                    continue;
                }
                let tool = listed.next().unwrap();
                assert_eq!(tool["name"], domain.name.as_str());
                let properties = tool["inputSchema"]["properties"].as_object().unwrap();
                let names: Vec<&str> = visible.iter().map(|tool| tool.operation_name.as_ref()).collect();
                assert_eq!(properties["operation"]["enum"], serde_json::json!(names));
                let ours = ["operation", "body", CONFIRM_TOKEN];
                for name in properties.keys().filter(|name| !ours.contains(&name.as_str())) {
                    assert!(visible.iter().any(|tool| tool.takes(name)), "{} {name}", domain.name);
                }
                let asked = domain.operations.iter().filter(|entry| listing.shows(entry));
                let asked = asked.clone().any(|entry| listing.gate.asks_for(*entry, CONFIRM_TOKEN));
                assert_eq!(properties.contains_key(CONFIRM_TOKEN), asked, "{}", domain.name);
            }
            assert_eq!(listed.next().unwrap()["name"], "describe_operation");
        }
    }

    #[test]
    fn a_tool_by_itself_is_the_same_whatever_it_is_listed_as() {
        let flat = listing(exposure(Expose::Flat), Way::Token, Grant::default());
        let domains = exposure(Expose::Domain);
        let whole = listing(Arc::clone(&domains), Way::Token, Grant::default());
        let readers = listing(Arc::clone(&domains), Way::Token, Grant { read_only: true, ..Grant::default() });
        let listed = flat.to_value(Form::Titled).unwrap();
        let entries = domains.catalogue().entries().iter().filter(|entry| flat.shows(entry));
        for (listed, entry) in listed.as_array().unwrap().iter().zip(entries) {
            let alone = whole.alone(entry).unwrap();
            assert_eq!((&alone["name"], &alone["inputSchema"]), (&(*entry.tool.name).into(), &listed["inputSchema"]));
            assert_eq!(readers.alone(entry).is_some(), entry.harmless());
        }
    }

    #[test]
    fn a_blocked_tool_is_not_listed() {
        let exposure = exposure(Expose::Flat);
        let first = exposure.catalogue().entries()[0];
        let blocked = first.tool.name.as_ref();
        let mut rules = crate::policy::Rules::default();
        rules.set(first, crate::policy::Rule::Block);
        let gate = Gate::new(Policy { rules, ..Policy::default() }, Way::None, Arc::default());
        let listing = Listing::new(Arc::clone(&exposure), Arc::new(gate), Arc::new(Principal::local()));
        let value = listing.to_value(Form::Titled).unwrap();
        assert_eq!(value.as_array().unwrap().len(), exposure.presented().len() - 1);
        assert!(value.as_array().unwrap().iter().all(|tool| tool["name"] != blocked));
    }

    #[test]
    fn what_the_gate_asks_for_stands_in_the_schema() {
        let exposure = exposure(Expose::Flat);
        for (way, asked, other) in
            [(Way::Token, CONFIRM_TOKEN, CONFIRMATION), (Way::Phrase, CONFIRMATION, CONFIRM_TOKEN)]
        {
            let gate = Arc::new(Gate::new(Policy::default(), way, Arc::default()));
            let listing = Listing::new(Arc::clone(&exposure), Arc::clone(&gate), Arc::new(Principal::local()));
            let value = listing.to_value(Form::Titled).unwrap();
            for (listed, entry) in value.as_array().unwrap().iter().zip(exposure.catalogue().entries()) {
                let properties = &listed["inputSchema"]["properties"];
                let grave = gate.policy().may_need_approval(*entry);
                let own = entry.tool.takes(asked);
                assert_eq!(properties[asked].is_object(), grave || own, "{entry:?}");
                assert!(properties[other].is_null() || entry.tool.takes(other), "{entry:?}");
            }
        }
    }

    #[test]
    fn other_results_carry_no_mark() {
        let mut plain = ServerResult::ListToolsResult(ListToolsResult::default());
        assert_eq!(take_mark(&mut plain), None);
        assert_eq!(take_mark(&mut ServerResult::empty(())), None);
    }

    #[test]
    fn titles_are_for_those_who_know_them() {
        for (version, form) in [
            (Some(ProtocolVersion::V_2024_11_05), Form::Untitled),
            (Some(ProtocolVersion::V_2025_03_26), Form::Untitled),
            (Some(ProtocolVersion::V_2025_06_18), Form::Titled),
            (Some(ProtocolVersion::V_2026_07_28), Form::Titled),
            (None, Form::Titled),
        ] {
            assert_eq!(Form::of(version.as_ref()), form, "{version:?}");
        }
    }
}
