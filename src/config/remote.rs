//! Where `bridge` leads.

use http::HeaderValue;
use url::Url;

use super::Environment;
use super::trust::host;
use crate::error::StartupError;
use crate::executor::{Exception, NetworkOptions, RemoteServer, Trust};

/// Variables that name the address where no flag does.
pub(super) const VARIABLES: [&str; 2] = ["INFRA_MCP_URL", "VERGEOS_MCP_URL"];

/// The remote server that flags and environment name. `trust` is what is accepted in the place of a certificate that an
/// authority vouches for.
///
/// # Errors
/// If there is none, or address or token are unfit.
pub fn remote_server(
    url: Option<&str>,
    token_variable: Option<&str>,
    environment: &Environment,
    mut network: NetworkOptions,
    trust: Option<Trust>,
) -> Result<RemoteServer, StartupError> {
    let fix = "Give the address of an MCP endpoint, such as https://mcp.example.com/mcp.";
    let (named, text) = match url {
        Some(url) => ("--url", url.to_owned()),
        None => environment.first(&VARIABLES.map(Into::into))?.map(|(_, text)| ("--url", text)).ok_or_else(|| {
            let problem = format!("nothing says where to: neither it nor {} is set.", VARIABLES.join(" or "));
            StartupError::new("--url", problem, fix)
        })?,
    };
    let wrong = || StartupError::new(named, format!("{text:?} is not the address of a web service."), fix);
    let mut address = Url::parse(text.trim()).map_err(|_| wrong())?;
    if !matches!(address.scheme(), "http" | "https") || !address.has_host() || !address.username().is_empty() {
        return Err(wrong());
    }
    // An address without a path is that of a server, whose endpoint has the usual name.
    if address.path() == "/" {
        address.set_path("/mcp");
    }
    let exception = trust.zip(host(&address)).map(|(trust, host)| Exception { host, trust });
    network.exceptions.extend(exception);
    let authorization = token_variable.map(|name| token(name, environment)).transpose()?;
    Ok(RemoteServer { network, address, authorization })
}

fn token(variable: &str, environment: &Environment) -> Result<HeaderValue, StartupError> {
    let wrong = |problem: &str| {
        StartupError::new("--token-env", format!("{variable} {problem}"), "Name a variable that holds the token.")
    };
    let token = environment.get(variable)?.ok_or_else(|| wrong("is not set."))?;
    let value = HeaderValue::try_from(format!("Bearer {}", token.trim()));
    let mut value = value.map_err(|_| wrong("holds characters that cannot be sent."))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_and_a_bare_address_means_the_usual_path() {
        let environment =
            Environment::of(&[("VERGEOS_MCP_URL", "http://localhost:3002"), ("T", "abc"), ("BAD", "a\nb")]);
        for (url, variable, expected) in [
            (Some("https://a.example/x"), Some("T"), Ok("https://a.example/x Bearer abc")),
            (Some("https://a.example"), None, Ok("https://a.example/mcp ")),
            (None, None, Ok("http://localhost:3002/mcp ")),
            (Some("ftp://a.example"), None, Err("--url")),
            (Some("https://me@a.example"), None, Err("--url")),
            (None, Some("U"), Err("--token-env: U is not set")),
            (None, Some("BAD"), Err("--token-env: BAD holds")),
        ] {
            let got = remote_server(url, variable, &environment, NetworkOptions::default(), None);
            match (got, expected) {
                (Ok(remote), Ok(expected)) => {
                    let token = remote.authorization.as_ref().map_or("", |value| value.to_str().unwrap());
                    assert_eq!(format!("{} {token}", remote.address), expected);
                }
                (Err(error), Err(part)) => assert!(error.to_string().starts_with(part), "{error}"),
                (got, expected) => panic!("{url:?}: {got:?}, not {expected:?}"),
            }
        }
        let none = remote_server(None, None, &Environment::of(&[]), NetworkOptions::default(), None).unwrap_err();
        assert!(none.to_string().contains("VERGEOS_MCP_URL"), "{none}");
    }
}
