//! `tools/list` out of the finished entries of the tool tables: no schema is parsed to list it.
//!
//! rmcp has no place for finished JSON. So the handler returns an empty list with a private mark, rmcp
//! completes the message around it, and the transport takes the mark off and puts the entries in. Whoever
//! brings its own transport can leave all that alone and use [`Listing::to_value`].

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use infra_mcp_model::Tool;
use rmcp::model::{ListToolsResult, MetaObject, ProtocolVersion, ServerJsonRpcMessage, ServerResult};
use serde_json::Value;

use crate::catalogue::Catalogue;
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

/// The selected tools as they are listed for one principal.
#[derive(Debug, Clone)]
pub struct Listing {
    catalogue: Arc<Catalogue>,
    gate: Arc<Gate>,
    principal: Arc<Principal>,
    /// The entries in one piece, titled and untitled: made once for all who see the same.
    joined: Arc<[OnceLock<Bytes>; 2]>,
}

impl Listing {
    /// What `principal` may see of `catalogue`, with what `gate` asks of calls besides their arguments.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>, gate: Arc<Gate>, principal: Arc<Principal>) -> Self {
        Self { catalogue, gate, principal, joined: Arc::default() }
    }

    /// The entries as a JSON array.
    ///
    /// # Errors
    /// If an entry is not valid JSON, which the generator rules out.
    pub fn to_value(&self, form: Form) -> serde_json::Result<Value> {
        let entries: Vec<&[u8]> = self.pieces(form).collect();
        serde_json::from_slice(&[b"[", &entries.concat()[..], b"]"].concat())
    }

    /// The entries with the commas between them, in pieces that are parts of the tool tables.
    pub fn pieces(&self, form: Form) -> impl Iterator<Item = &'static [u8]> {
        let visible = self.catalogue.entries().iter().filter(|entry| self.principal.grant().admits(entry));
        visible.enumerate().flat_map(move |(index, entry)| {
            let listing = &entry.tool.listing;
            let comma = if index > 0 { "," } else { "" };
            let title = if form == Form::Titled { listing.title.as_ref() } else { "" };
            let added = self.added(entry.tool);
            [comma, listing.head.as_ref(), title, listing.tail.as_ref(), added, listing.end.as_ref()].map(str::as_bytes)
        })
    }
}

impl Listing {
    /// The property that the gate adds to the input schema of a tool.
    fn added(&self, tool: &Tool) -> &'static str {
        let alone = tool.listing.takes_nothing();
        if self.gate.asks_for(tool, CONFIRM_TOKEN) {
            if alone { TOKEN_ALONE } else { TOKEN }
        } else if self.gate.asks_for(tool, CONFIRMATION) {
            if alone { PHRASE_ALONE } else { PHRASE }
        } else {
            ""
        }
    }

    /// The entries with the commas between them, in one piece.
    fn joined(&self, form: Form) -> Bytes {
        let make = || self.pieces(form).flatten().copied().collect();
        self.joined[usize::from(form == Form::Untitled)].get_or_init(make).clone()
    }
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
    use rmcp::model::{JsonRpcMessage, RequestId, Tool as McpTool};

    use super::*;
    use crate::catalogue::Selection;
    use crate::generated::PROVIDERS;
    use crate::policy::{Policy, Way};

    fn everything() -> Listing {
        let catalogue = Catalogue::select(PROVIDERS, &Selection::default()).unwrap();
        let gate = Gate::new(Policy::default(), Way::None, Arc::default());
        Listing::new(Arc::new(catalogue), Arc::new(gate), Arc::new(Principal::local()))
    }

    #[test]
    fn the_bytes_are_those_of_the_list_as_values() {
        let listing = everything();
        for form in [Form::Titled, Form::Untitled] {
            let mut list = mark(form);
            list.ttl_ms = Some(5);
            let mut result = ServerResult::ListToolsResult(list);
            assert_eq!(take_mark(&mut result), Some(form));
            let id = RequestId::String(r#""tools":[]"#.into());
            let message: ServerJsonRpcMessage = JsonRpcMessage::response(result, id);

            let (before, after) = around(&message);
            let entries: Vec<&[u8]> = listing.pieces(form).collect();
            let spliced = [before, entries.concat(), after].concat();

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
        let value = everything().to_value(Form::Titled).unwrap();
        let tools: Vec<McpTool> = serde_json::from_value(value).unwrap();
        assert!(tools.iter().all(|tool| tool.title.is_some() && tool.annotations.is_some()));
    }

    #[test]
    fn what_the_gate_asks_for_stands_in_the_schema() {
        let catalogue = Arc::new(Catalogue::select(PROVIDERS, &Selection::default()).unwrap());
        for (way, asked, other) in
            [(Way::Token, CONFIRM_TOKEN, CONFIRMATION), (Way::Phrase, CONFIRMATION, CONFIRM_TOKEN)]
        {
            let gate = Arc::new(Gate::new(Policy::default(), way, Arc::default()));
            let listing = Listing::new(Arc::clone(&catalogue), Arc::clone(&gate), Arc::new(Principal::local()));
            let value = listing.to_value(Form::Titled).unwrap();
            for (listed, entry) in value.as_array().unwrap().iter().zip(catalogue.entries()) {
                let properties = &listed["inputSchema"]["properties"];
                let grave = gate.policy().may_need_approval(entry.tool);
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
