//! The flags of `--http`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

use super::Options;
use crate::error::StartupError;
use crate::transport::{Certificates, Origins, Proxies};

/// The port unless `--port` says otherwise.
const PORT: u16 = 8100;

/// How long a session may be silent unless `--session-idle` says otherwise: long enough for a person to think.
const SESSION_IDLE: Duration = Duration::from_secs(1800);

/// Where and for whom to serve over HTTP.
#[derive(Debug)]
pub struct HttpConfig {
    /// The address to listen on.
    pub address: SocketAddr,
    /// Which addresses the server goes by and which web pages may call.
    pub origins: Origins,
    /// Which proxies are believed.
    pub proxies: Proxies,
    /// The OAuth issuers that are trusted, each as its tokens spell it.
    pub issuers: Vec<(String, Url)>,
    /// The files of certificate and key.
    pub certificates: Option<(PathBuf, PathBuf)>,
    /// How long a session may be silent.
    pub session_idle: Duration,
    /// Whether scripts get at the tools without MCP.
    pub rest: bool,
}

impl HttpConfig {
    /// Checks the flags; nothing without `--http`.
    ///
    /// # Errors
    /// If one of them is wrong.
    pub(super) fn new(options: &Options) -> Result<Option<Self>, StartupError> {
        if !options.http {
            return Ok(None);
        }
        let certificates = options.tls_cert.clone().zip(options.tls_key.clone());
        Ok(Some(Self {
            address: address(options)?,
            origins: Origins {
                public: options.public_url.as_deref().map(public).transpose()?,
                allowed: options.allow_origin.iter().map(|text| origin(text)).collect::<Result<_, _>>()?,
            },
            proxies: Proxies(options.trust_proxy.iter().map(|text| network(text)).collect::<Result<_, _>>()?),
            issuers: options.oauth_issuer.iter().map(|text| issuer(text)).collect::<Result<_, _>>()?,
            certificates,
            session_idle: options.session_idle.map_or(SESSION_IDLE, Duration::from_secs),
            rest: options.rest,
        }))
    }

    /// Reads certificate and key, where they are named.
    ///
    /// # Errors
    /// If they cannot be used.
    pub fn certificates(&self) -> Result<Option<Certificates>, StartupError> {
        let Some((chain, key)) = &self.certificates else { return Ok(None) };
        Certificates::read(chain.clone(), key.clone()).map(Some).map_err(|error| {
            let fix =
                "Name a PEM file with the certificate chain, server certificate first, and one with its private key.";
            StartupError::new("--tls-cert, --tls-key", error.to_string(), fix)
        })
    }
}

fn address(options: &Options) -> Result<SocketAddr, StartupError> {
    let port = options.port.unwrap_or(PORT);
    let Some(host) = options.host.as_deref() else {
        return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let mut found = (bare, port).to_socket_addrs().map_err(|error| {
        let fix = "Give an address of this machine: 127.0.0.1, ::1, 0.0.0.0 or a host name that stands for one.";
        StartupError::new("--host", format!("{host:?} cannot be listened on: {error}."), fix)
    })?;
    found
        .next()
        .ok_or_else(|| StartupError::new("--host", format!("{host:?} stands for no address."), "Give an IP address."))
}

fn public(text: &str) -> Result<Url, StartupError> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.filter(|url| url.query().is_none() && url.fragment().is_none()).ok_or_else(|| {
        let fix = "Give what users type, such as https://mcp.example.com/mcp, without query.";
        StartupError::new("--public-url", format!("{text:?} is not the address of a web service."), fix)
    })
}

/// An issuer identifier (RFC 8414 section 2). Only one on this machine need not be https.
fn issuer(text: &str) -> Result<(String, Url), StartupError> {
    let wrong = |problem: &str| {
        let fix = "Give the `issuer` of its metadata, letter by letter, such as https://auth.example.com.";
        StartupError::new("--oauth-issuer", format!("{text:?} {problem}"), fix)
    };
    let url = Url::parse(text).map_err(|_| wrong("is no address."))?;
    let bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    match url.scheme() {
        _ if !url.has_host() || !bare => Err(wrong("is no issuer: it has no query, fragment or user name.")),
        "https" => Ok((text.to_owned(), url)),
        "http" if super::is_loopback(&url) => Ok((text.to_owned(), url)),
        _ => Err(wrong("is not https, so anybody on the way could make keys for it.")),
    }
}

fn origin(text: &str) -> Result<url::Origin, StartupError> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.path() == "/");
    let origin = url.map(|url| url.origin()).filter(url::Origin::is_tuple);
    origin.ok_or_else(|| {
        let fix = "An origin is scheme, host and, where it is not the usual one, port: https://app.example.com.";
        StartupError::new("--allow-origin", format!("{text:?} is no origin of web pages."), fix)
    })
}

fn network(text: &str) -> Result<IpNet, StartupError> {
    let single = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>().or_else(|_| single()).map_err(|_| {
        let fix = "Give addresses or networks: 10.0.0.7 or 10.0.0.0/8.";
        StartupError::new("--trust-proxy", format!("{text:?} is no address and no network."), fix)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_checked() {
        let blank = || Options { http: true, ..Options::default() };
        for (options, expected) in [
            (blank(), Ok("127.0.0.1:8100")),
            (Options { host: Some("::1".into()), port: Some(0), ..blank() }, Ok("[::1]:0")),
            (Options { host: Some("[::1]".into()), ..blank() }, Ok("[::1]:8100")),
            (Options { host: Some("no such host".into()), ..blank() }, Err("--host")),
            (Options { public_url: Some("mcp.example.com".into()), ..blank() }, Err("--public-url")),
            (Options { public_url: Some("https://mcp.example.com/mcp?a=1".into()), ..blank() }, Err("--public-url")),
            (Options { allow_origin: vec!["https://app.example.com/page".into()], ..blank() }, Err("--allow-origin")),
            (Options { allow_origin: vec!["*".into()], ..blank() }, Err("--allow-origin")),
            (Options { trust_proxy: vec!["10.0.0.0/8".into(), "::1".into()], ..blank() }, Ok("127.0.0.1:8100")),
            (Options { trust_proxy: vec!["proxy".into()], ..blank() }, Err("--trust-proxy")),
            (Options { oauth_issuer: vec!["https://a.example/t".into()], ..blank() }, Ok("127.0.0.1:8100")),
            (Options { oauth_issuer: vec!["http://127.0.0.1:9".into()], ..blank() }, Ok("127.0.0.1:8100")),
            (Options { oauth_issuer: vec!["http://a.example".into()], ..blank() }, Err("--oauth-issuer")),
            (Options { oauth_issuer: vec!["https://a.example?b".into()], ..blank() }, Err("--oauth-issuer")),
            (Options { oauth_issuer: vec!["https://a@b.example".into()], ..blank() }, Err("--oauth-issuer")),
            (Options { oauth_issuer: vec!["a.example".into()], ..blank() }, Err("--oauth-issuer")),
        ] {
            match (HttpConfig::new(&options), expected) {
                (Ok(Some(config)), Ok(address)) => assert_eq!(config.address.to_string(), address),
                (Err(error), Err(flag)) => assert!(error.to_string().starts_with(flag), "{error}"),
                (got, expected) => panic!("{got:?} instead of {expected:?}"),
            }
        }
        assert!(HttpConfig::new(&Options::default()).unwrap().is_none());
    }
}
