//! Which domain names can be had. The rule is simple and fixed, so that both answers are easy to get.

use super::Routes;
use super::domains::{Domains, tld};
use super::estate::Estate;
use super::outcome::{Failure, Outcome, answer};
use super::request::{Fields, Request};
use super::zone::is_hostname;
use infra_mcp_model::Method::Post;
use serde_json::json;

pub(super) const ROUTES: Routes = &[
    (Post, "/api/domains/v1/availability", check),
    (Post, "/api/domains/v1/availability/alternatives-from-domain", suggest_from_domain),
    (Post, "/api/domains/v1/availability/alternatives-from-description", suggest_from_description),
];

/// Taken are the domains of the account, names of fewer than four characters, and those with `taken` in them.
pub(super) fn is_available(domains: &Domains, name: &str) -> bool {
    let label = name.split('.').next().unwrap_or_default();
    label.len() >= 4 && !label.contains("taken") && !domains.holds(name)
}

fn check(estate: &mut Estate, request: &Request) -> Outcome {
    let body = request.body();
    let label = body.text("domain")?.to_ascii_lowercase();
    if !is_hostname(&label) || label.contains('.') {
        return Err(body.failure("domain", "The domain must be a name without its TLD."));
    }
    let tlds = body.texts("tlds")?;
    let entry = |name: &str, alternative: bool| {
        json!({
            "domain": name,
            "is_available": is_available(&estate.domains, name),
            "is_alternative": alternative,
            "restriction": null,
        })
    };
    let names = tlds.iter().map(|tld| format!("{label}.{}", tld.trim_start_matches('.').to_ascii_lowercase()));
    let mut entries: Vec<_> = names.map(|name| entry(&name, false)).collect();
    if let ([tld], true) = (tlds.as_slice(), body.flag("with_alternatives", false)?) {
        entries.extend(variants(&label, tld).take(3).map(|name| entry(&name, true)));
    }
    answer(entries)
}

fn suggest_from_domain(_: &mut Estate, request: &Request) -> Outcome {
    let body = request.body();
    let domain = body.text("domain")?.to_ascii_lowercase();
    let label = domain.split('.').next().unwrap_or_default().to_owned();
    let ending = if tld(&domain).is_empty() { "com" } else { tld(&domain) };
    answer(variants(&label, ending).take(limit(&body)?).collect::<Vec<_>>())
}

/// The longest two words of the description make the name.
fn suggest_from_description(_: &mut Estate, request: &Request) -> Outcome {
    let body = request.body();
    let description = body.text("description")?.to_ascii_lowercase();
    let mut words: Vec<&str> = description.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words.truncate(2);
    let label: String = words.concat().chars().take(40).collect();
    let label = if label.is_empty() { "project".to_owned() } else { label };
    answer(variants(&label, "com").take(limit(&body)?).collect::<Vec<_>>())
}

fn variants<'a>(label: &'a str, tld: &'a str) -> impl Iterator<Item = String> + 'a {
    const ENDINGS: &[&str] = &["-online", "-hub", "-studio", "-site", "-works", "-place", "-base", "-yard"];
    let tld = tld.trim_start_matches('.');
    let plain = ENDINGS.iter().map(move |ending| format!("{label}{ending}.{tld}"));
    plain.chain((1..).map(move |number| format!("{label}-{number}.{tld}")))
}

fn limit(body: &Fields<'_>) -> Result<usize, Failure> {
    const MOST: u64 = 50;
    match body.number("limit")? {
        limit @ 1..=MOST => Ok(usize::try_from(limit).unwrap_or(1)),
        _ => Err(body.failure("limit", &format!("The limit must be between 1 and {MOST}."))),
    }
}
