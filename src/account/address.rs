//! Where requests go.

use infra_mcp_model::Provider;
use url::Url;

use super::headers::variable;
use crate::error::StartupError;

pub(super) fn base_url(provider: &Provider, given: Option<Url>) -> Result<Url, StartupError> {
    let fail = |problem: &str| {
        let fix = "Give the address up to where the paths of the API begin, such as https://api.example.com/v2.";
        Err(StartupError::new(variable(&provider.environment.base_url, "base URL"), problem, fix))
    };
    let url = match given {
        Some(url) => url,
        None if provider.base_url.is_empty() => {
            return fail(&format!("{} has no fixed address, so one must be given.", provider.title));
        }
        None => match Url::parse(&provider.base_url) {
            Ok(url) => url,
            Err(_) => return fail("this is not a URL."),
        },
    };
    unfit(&url).map_or(Ok(url), fail)
}

/// What keeps an address from being one that requests can go to.
pub(super) fn unfit(url: &Url) -> Option<&'static str> {
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        Some("the address must begin with https:// or http://.")
    } else if !url.username().is_empty() || url.password().is_some() {
        Some("the address must not hold a user name or password.")
    } else if url.query().is_some() || url.fragment().is_some() {
        Some("the address must end with its path, without ? or #.")
    } else {
        None
    }
}

/// The address with the path at which the API begins, unless it ends with that.
pub(super) fn with_path(mut url: Url, path: &str) -> Url {
    let given = url.path().trim_end_matches('/');
    if !path.is_empty() && !given.ends_with(path) {
        let whole = format!("{given}{path}");
        url.set_path(&whole);
    }
    url
}
