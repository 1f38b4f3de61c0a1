//! The tokens that callers over HTTP show.

use std::process::ExitCode;

use chrono::{DateTime, Days, NaiveDate, NaiveTime};
use infra_mcp_model::Access;
use serde_json::json;

use super::{complain, print};
use crate::authentication::tokens::{self, TokenState};
use crate::catalogue::Catalogue;
use crate::config::{Config, Options, TokenCommand};
use crate::error::StartupError;
use crate::near::nearest;
use crate::principal::Grant;
use crate::store::now;
use crate::store::{Revocation, Store, StoreError, TokenRecord};

/// Refuses flags that a token does not know: whoever gives them believes that they hold.
pub(super) fn check_flags(command: &TokenCommand, options: &Options) -> Result<(), StartupError> {
    let servers = options.access.is_some() || !options.tools.is_empty() || !options.exclude_tools.is_empty();
    let tokens = options.read_only || !options.toolsets.is_empty() || !options.scopes.is_empty();
    match command {
        TokenCommand::Create { .. } if servers => Err(StartupError::new(
            "--access, --tools, --exclude-tools",
            "they say what a server serves, not what a token reaches.",
            "Narrow the token with --toolsets, --scopes, --accounts and --read-only, or give these flags to the server.",
        )),
        TokenCommand::List { .. } | TokenCommand::Revoke { .. } if servers || tokens => Err(StartupError::new(
            "--toolsets, --scopes, --read-only, --access, --tools, --exclude-tools",
            "they mean nothing to this sub-command.",
            "Leave them out; what a token reaches is said when it is made.",
        )),
        _ => Ok(()),
    }
}

/// Makes, lists or revokes.
pub(super) fn token(config: &Config, catalogue: &Catalogue, command: &TokenCommand) -> Result<ExitCode, StartupError> {
    match command {
        TokenCommand::Create { name, expires, accounts } => {
            let accounts = accounts_of(config, accounts)?;
            create(config, catalogue, name, (expires.as_deref(), accounts))
        }
        TokenCommand::List { json } => list(config, *json),
        TokenCommand::Revoke { name } => revoke(config, name),
    }
}

fn unusable(error: StoreError) -> StartupError {
    StartupError::new("Tokens", error.to_string(), "Nothing was changed.")
}

/// The accounts that a token is for; none is all of them.
fn accounts_of(config: &Config, names: &[String]) -> Result<Option<Vec<String>>, StartupError> {
    let known: Vec<String> = config.accounts.iter().map(|account| account.path()).collect();
    match names.iter().find(|name| !known.contains(name)) {
        Some(stranger) => {
            let problem = format!("there is no account {stranger:?} here.");
            Err(StartupError::new("--accounts", problem, format!("Name some of {}.", known.join(", "))))
        }
        None => Ok((!names.is_empty()).then(|| names.to_vec())),
    }
}

fn create(
    config: &Config,
    catalogue: &Catalogue,
    name: &str,
    (expires, accounts): (Option<&str>, Option<Vec<String>>),
) -> Result<ExitCode, StartupError> {
    if !tokens::is_name(name) {
        let fix = "Take letters, digits, dots, dashes, underscores and @, at most 64 of them.";
        return Err(StartupError::new("--name", format!("{name:?} cannot be the name of a token."), fix));
    }
    let now = now();
    let expires = expires.map(|text| moment(text, now)).transpose()?;
    let grant = Grant {
        toolsets: config.selection.toolsets.clone(),
        scopes: config.local.grant().scopes.clone(),
        accounts,
        read_only: config.selection.access == Some(Access::Read),
    };
    if !catalogue.entries().iter().any(|entry| grant.admits(entry)) {
        let fix = "The sub-command `list --json` shows every tool with its scope and its toolset.";
        return Err(StartupError::new("--scopes", "no tool of these toolsets has one of these scopes.", fix));
    }
    let (token, hash) = tokens::make().map_err(|_| {
        StartupError::new("Tokens", "the system gives no random numbers.", "Try again once it has started up.")
    })?;
    let store = Store::create(config.state_directory()?).map_err(unusable)?;
    let Grant { toolsets, scopes, accounts, read_only } = grant;
    let record = TokenRecord {
        name: name.to_owned(),
        hash,
        toolsets,
        scopes,
        accounts,
        read_only,
        created: now,
        expires,
        used: None,
        revoked: None,
    };
    if !store.add_token(&record).map_err(unusable)? {
        let fix = "Take another one. A name stands for one token for ever, also after that is revoked.";
        return Err(StartupError::new("--name", format!("there is a token {name:?} already."), fix));
    }
    complain(&format_args!("This is the token {name:?}. It is shown this once; pass it on over a safe way."));
    Ok(print(&format!("{}\n", token.expose())))
}

/// When a token ends: so long from `now`, or with the end of a day. In seconds since 1970-01-01T00:00:00Z.
fn moment(text: &str, now: i64) -> Result<i64, StartupError> {
    let wrong = |problem: &str| {
        let fix = "Give hours (12h), days (30d) or the last day that it is good for (2026-12-31, UTC).";
        StartupError::new("--expires", format!("{text:?} {problem}"), fix)
    };
    let span = |count: &str, unit: i64| count.parse::<u32>().ok().map(|count| now + i64::from(count) * unit);
    let end = match (text.strip_suffix('h'), text.strip_suffix('d')) {
        (Some(hours), _) => span(hours, 3600),
        (_, Some(days)) => span(days, 86_400),
        _ => NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            .and_then(|day| day.checked_add_days(Days::new(1)))
            .map(|day| day.and_time(NaiveTime::MIN).and_utc().timestamp()),
    };
    match end {
        None => Err(wrong("is no time.")),
        Some(end) if end <= now => Err(wrong("is over already.")),
        Some(end) => Ok(end),
    }
}

fn list(config: &Config, json: bool) -> Result<ExitCode, StartupError> {
    let store = Store::existing(config.state_directory()?).map_err(unusable)?;
    let tokens = store.map_or(Ok(Vec::new()), |store| store.tokens()).map_err(unusable)?;
    let now = now();
    if json {
        let tokens: Vec<_> = tokens.iter().map(|token| facts(token, now)).collect();
        return Ok(print(&format!("{:#}\n", serde_json::Value::from(tokens))));
    }
    if tokens.is_empty() {
        complain(&"There are no tokens.");
    }
    Ok(print(&table(&tokens, now)))
}

fn facts(token: &TokenRecord, now: i64) -> serde_json::Value {
    json!({
        "name": token.name,
        "state": TokenState::of(token, now).word(),
        "toolsets": token.toolsets,
        "scopes": token.scopes,
        "accounts": token.accounts,
        "readOnly": token.read_only,
        "created": date_and_time(token.created),
        "expires": token.expires.map(date_and_time),
        "lastUsed": token.used.map(date_and_time),
        "revoked": token.revoked.map(date_and_time),
    })
}

/// A line for every token, with the columns below each other.
fn table(tokens: &[TokenRecord], now: i64) -> String {
    let never = |moment: Option<i64>| moment.map_or_else(|| "never".to_owned(), date_and_time);
    let head = ["NAME", "STATE", "CREATED", "LAST USED", "EXPIRES", "REACHES"].map(str::to_owned);
    let rows = tokens.iter().map(|token| {
        let state = TokenState::of(token, now).word().to_owned();
        let created = date_and_time(token.created);
        [token.name.clone(), state, created, never(token.used), never(token.expires), reach(token)]
    });
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(rows).collect();
    let mut text = String::new();
    for row in rows.iter().skip(usize::from(tokens.is_empty())) {
        for (column, cell) in row.iter().enumerate() {
            let width = rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
            text.push_str(&format!("{cell:width$}  "));
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

fn reach(token: &TokenRecord) -> String {
    let mut reach = Vec::new();
    reach.extend(token.toolsets.as_ref().map(|names| format!("toolsets {}", names.join(", "))));
    reach.extend(token.scopes.as_ref().map(|names| format!("scopes {}", names.join(", "))));
    reach.extend(token.accounts.as_ref().map(|names| format!("accounts {}", names.join(", "))));
    reach.extend(token.read_only.then(|| "read-only".to_owned()));
    if reach.is_empty() { "everything".to_owned() } else { reach.join("; ") }
}

/// RFC 3339, to the second, in UTC.
fn date_and_time(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0).map(|moment| moment.format("%FT%TZ").to_string()).unwrap_or_default()
}

fn revoke(config: &Config, name: &str) -> Result<ExitCode, StartupError> {
    let store = Store::existing(config.state_directory()?).map_err(unusable)?;
    let revoked = store.as_ref().map(|store| store.revoke_token(name, now())).transpose().map_err(unusable)?;
    match revoked.unwrap_or(Revocation::Unknown) {
        Revocation::Done => complain(&format_args!("The token {name:?} is revoked.")),
        Revocation::Before => complain(&format_args!("The token {name:?} was revoked before.")),
        Revocation::Unknown => {
            let names = store.map_or(Ok(Vec::new()), |store| store.tokens()).map_err(unusable)?;
            let problem = match nearest(name, names.iter().map(|token| token.name.as_str())) {
                Some(nearest) => format!("there is no token {name:?}; did you mean {nearest:?}?"),
                None => format!("there is no token {name:?}."),
            };
            return Err(StartupError::new("token revoke", problem, "`token list` shows all of them."));
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T00:00:00Z
    const NOW: i64 = 1_795_219_200;

    #[test]
    fn times_are_spans_or_days() {
        for (text, expected) in [
            ("12h", Some(NOW + 12 * 3600)),
            ("30d", Some(NOW + 30 * 86_400)),
            ("2026-11-21", Some(NOW + 86_400)),
            ("2028-02-29", Some(1_835_481_600)),
            ("2026-11-20", None),
            ("2027-02-29", None),
            ("0d", None),
            ("-1d", None),
            ("30", None),
            ("d", None),
            ("soon", None),
            ("99999999999d", None),
        ] {
            assert_eq!(moment(text, NOW).ok(), expected, "{text}");
        }
        assert_eq!(date_and_time(NOW), "2026-11-21T00:00:00Z");
    }

    #[test]
    fn a_list_shows_states_and_reach() {
        let token = |name: &str| TokenRecord {
            name: name.to_owned(),
            hash: [0; 32],
            toolsets: None,
            scopes: None,
            accounts: None,
            read_only: false,
            created: NOW,
            expires: None,
            used: None,
            revoked: None,
        };
        let narrow = TokenRecord {
            toolsets: Some(vec!["vps".into(), "dns".into()]),
            scopes: Some(vec!["vms:*".into()]),
            read_only: true,
            used: Some(NOW + 1),
            expires: Some(NOW + 86_400),
            ..token("narrow")
        };
        let text = table(&[token("all"), narrow], NOW + 86_400);
        let expected = "\
NAME    STATE    CREATED               LAST USED             EXPIRES               REACHES
all     active   2026-11-21T00:00:00Z  never                 never                 everything
narrow  expired  2026-11-21T00:00:00Z  2026-11-21T00:00:01Z  2026-11-22T00:00:00Z  toolsets vps, dns; scopes vms:*; read-only
";
        assert_eq!(text, expected);
        assert_eq!(table(&[], NOW), "");
    }
}
