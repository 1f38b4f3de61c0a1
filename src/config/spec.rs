//! Documents that take the place of built-in ones: `--spec`.

use std::fmt;
use std::path::PathBuf;

use http::HeaderMap;
use infra_mcp_model::Provider;
use url::Url;

use super::accounts::NamedAccounts;
use super::{Environment, Only, Options, Providers, provider, state};
use crate::error::StartupError;

/// A document that was named for a provider.
#[derive(Debug, Clone)]
pub struct Given {
    /// The provider as it was built in.
    pub provider: &'static Provider,
    /// Where the document is.
    pub place: Place,
}

/// Where a document is.
#[derive(Debug, Clone)]
pub enum Place {
    /// On this machine.
    File(PathBuf),
    /// On a web server.
    Web {
        /// The address.
        address: Url,
        /// What the request carries: the credential of an account where it goes to the address of that, else nothing.
        headers: HeaderMap,
    },
}

/// Without what may be secret.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Web { address, .. } => {
                let mut shown = address.clone();
                shown.set_query(None);
                shown.set_fragment(None);
                write!(f, "{shown}")
            }
        }
    }
}

/// What `--spec` says, one for each time it is given.
///
/// # Errors
/// If it does not say for which provider, or names an address that cannot be one.
pub fn given(options: &Options, environment: &Environment, only: Only) -> Result<Vec<Given>, StartupError> {
    let providers = only.providers();
    let mut documents: Vec<Given> = Vec::with_capacity(options.spec.len());
    for text in &options.spec {
        let (provider, place) = whose(text, &providers)?;
        if documents.iter().any(|other| std::ptr::eq(other.provider, provider)) {
            let problem = format!("there are several for {}.", provider.title);
            return Err(wrong(problem, "Give one for each provider."));
        }
        let place = if place.starts_with("https://") || place.starts_with("http://") {
            web(place, provider, options, environment)?
        } else {
            Place::File(PathBuf::from(place))
        };
        documents.push(Given { provider, place });
    }
    Ok(documents)
}

/// `PROVIDER=PLACE`, or `PLACE` where there is one provider.
fn whose<'t>(text: &'t str, providers: Providers) -> Result<(&'static Provider, &'t str), StartupError> {
    if let Some((name, place)) = text.split_once('=')
        && let Some(provider) = providers.iter().find(|provider| provider.name == name)
    {
        return Ok((provider, place));
    }
    match providers {
        [provider] => Ok((provider, text)),
        _ => {
            let name = providers.first().map_or("PROVIDER", |provider| provider.name.as_ref());
            let problem = format!("{text:?} does not say for which provider it is.");
            Err(wrong(problem, &format!("Write its name in front, such as --spec {name}=FILE.")))
        }
    }
}

fn web(
    text: &str,
    provider: &'static Provider,
    options: &Options,
    environment: &Environment,
) -> Result<Place, StartupError> {
    let address = Url::parse(text).ok().filter(|url| url.has_host());
    let fix = "Give the address of an OpenAPI document, such as https://xo.example.com/rest/v0/docs/swagger.json.";
    let address = address.ok_or_else(|| wrong("this is not the address of a document.".to_owned(), fix))?;
    if !address.username().is_empty() || address.password().is_some() {
        let problem = "the address must not hold a user name or password.".to_owned();
        return Err(wrong(problem, "The credential of the provider is sent where the document is the provider's own."));
    }
    // The names of tools in other flags may be those of the document, and are checked against it later.
    let options = Options { body_as_query: Vec::new(), ..options.clone() };
    let kept = state::directory(&options, environment)?;
    let (providers, named) = ([provider], NamedAccounts::read(&options, environment)?);
    let state_directory = kept.as_deref();
    let given =
        provider::Given { options: &options, environment, providers: &providers, named: &named, state_directory };
    // What there is to warn of is told with the configuration.
    let accounts = provider::accounts(provider, &given, &mut Vec::new())?;
    let own = accounts.into_iter().find(|account| account.base_url().origin() == address.origin());
    let headers = own.map(|account| account.headers().clone()).unwrap_or_default();
    Ok(Place::Web { address, headers })
}

fn wrong(problem: String, fix: &str) -> StartupError {
    StartupError::new("--spec", problem, fix)
}

#[cfg(test)]
mod tests {
    use infra_mcp_model::Authentication;

    use super::*;
    use crate::executor::fixture;

    fn providers() -> [&'static Provider; 2] {
        let provider = |name: &'static str, variable: &'static str| {
            let mut provider = fixture::provider(Vec::new()).clone();
            provider.name = name.into();
            provider.base_url = format!("https://{name}.example").into();
            provider.authentication = Authentication::Bearer;
            provider.environment.token = vec![variable.into()].into();
            &*Box::leak(Box::new(provider))
        };
        [provider("one", "ONE"), provider("two", "TWO")]
    }

    #[test]
    fn the_provider_is_named_where_there_are_several_and_gets_its_own_credential_alone() {
        let environment = Environment::of(&[("ONE", "first-token"), ("TWO", "second-token")]);
        let [one, two] = providers();
        let both = Only::Everything(vec![one, two].leak());
        for (only, text, expected) in [
            (Only::Provider(one), "spec.json", Ok("one spec.json")),
            (Only::Provider(one), "a=b.json", Ok("one a=b.json")),
            (
                Only::Provider(one),
                "one=https://one.example/x?key=1",
                Ok("one https://one.example/x Bearer first-token"),
            ),
            (Only::Provider(one), "https://one.example:8443/x", Ok("one https://one.example:8443/x")),
            (Only::Provider(one), "http://one.example/x", Ok("one http://one.example/x")),
            (both, "two=https://two.example/", Ok("two https://two.example/ Bearer second-token")),
            (both, "two=https://one.example/", Ok("two https://one.example/")),
            (both, "spec.json", Err("which provider")),
            (Only::Provider(one), "two=https://two.example/", Ok("one two=https://two.example/")),
            (Only::Provider(one), "https://me:pw@one.example/", Err("user name or password")),
            (Only::Provider(one), "https://", Err("not the address")),
        ] {
            let options = Options { spec: vec![text.to_owned()], ..Options::default() };
            match (given(&options, &environment, only), expected) {
                (Ok(documents), Ok(expected)) => {
                    let Given { provider, place } = &documents[0];
                    let sent = match place {
                        Place::Web { headers, .. } => headers.get("authorization").map(|value| value.to_str().unwrap()),
                        Place::File(_) => None,
                    };
                    let told = [provider.name.as_ref(), &place.to_string(), sent.unwrap_or("")].join(" ");
                    assert_eq!(told.trim(), expected, "{text}");
                }
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{text}: {error}"),
                (got, expected) => panic!("{text}: {got:?}, not {expected:?}"),
            }
        }
        let twice = Options { spec: vec!["one=a".to_owned(), "one=b".to_owned()], ..Options::default() };
        assert!(given(&twice, &environment, both).is_err());
    }
}
