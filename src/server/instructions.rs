//! What a server says to the model of a client about all of its tools.

use super::Server;

/// The most bytes of `instructions` that every client shows to its model.
const LONGEST_INSTRUCTIONS: usize = 2_048;

/// What holds for the tools of every provider.
const GENERAL: &str = "Arguments are checked against the input schema before anything is sent, and an error result \
says what to correct. The annotations of a tool tell whether a call only reads, can destroy something or may be repeated.";

/// What the providers of the selected tools say, as far as it fits, and what holds for all.
pub(super) fn of(server: &Server) -> String {
    let mut text = String::new();
    let mut last = None;
    for entry in server.catalogue.entries() {
        let provider = entry.provider;
        if last == Some(&provider.name) {
            continue;
        }
        last = Some(&provider.name);
        let fits = text.len() + provider.instructions.len() + GENERAL.len() + 2 <= LONGEST_INSTRUCTIONS;
        if !provider.instructions.is_empty() && fits {
            text.push_str(provider.instructions.trim_end());
            text.push_str("\n\n");
        }
    }
    text + GENERAL
}
