//! Which addresses this server goes by and which web pages may call it: the defence against pages that
//! reach into a private network (DNS rebinding).

use std::net::{IpAddr, SocketAddr};

use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, Uri};
use url::{Origin, Url};

/// What `Host` and `Origin` are checked against.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    /// The address this server has for its users, `https://mcp.example.com/mcp`.
    pub public: Option<Url>,
    /// Origins whose web pages may call.
    pub allowed: Vec<Origin>,
}

/// Why a request is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Foreign {
    /// `Host` names somebody else, or nobody.
    Host,
    /// `Origin` is a web page that has no business here.
    Page,
}

impl Foreign {
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Host => {
                "This server does not go by the name in `Host`. Use its address, or start it with --public-url."
            }
            Self::Page => "Web pages of this origin may not call this server. --allow-origin names those that may.",
        }
    }
}

impl Origins {
    /// Checks where a request that arrived at `local` believes to go, and which page it comes from.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap, local: SocketAddr) -> Result<(), Foreign> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = match (hosts.next(), hosts.next(), uri.authority()) {
            (Some(host), None, _) => host.to_str().ok().and_then(|host| host.parse::<Authority>().ok()),
            (None, None, Some(authority)) => Some(authority.clone()),
            _ => None,
        };
        if !host.is_some_and(|host| self.is_ours(host.host(), local)) {
            return Err(Foreign::Host);
        }
        self.check_page(headers, local)
    }

    /// Checks which page a request comes from. Programs that are no browsers name none, and browsers that name none may
    /// still say that it is one of others (Fetch Metadata).
    pub(super) fn check_page(&self, headers: &HeaderMap, local: SocketAddr) -> Result<(), Foreign> {
        let mut origins = headers.get_all(ORIGIN).iter();
        let (Some(origin), None) = (origins.next(), origins.next()) else {
            let unnamed = headers.get("sec-fetch-site").is_some_and(|site| site != "none" && site != "same-origin");
            return if unnamed || headers.contains_key(ORIGIN) { Err(Foreign::Page) } else { Ok(()) };
        };
        let page = origin.to_str().ok().and_then(|text| Url::parse(text).ok());
        let ours = page.is_some_and(|page| {
            let same_port = page.port_or_known_default() == Some(local.port());
            let local_page = same_port && page.host_str().is_some_and(|host| is_loopback_name(host, local));
            local_page || self.answers(&page.origin())
        });
        if ours { Ok(()) } else { Err(Foreign::Page) }
    }

    /// Whether a page of this origin gets the CORS headers that let its scripts read the answer.
    pub(super) fn shares_with(&self, headers: &HeaderMap) -> bool {
        let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
        let origin = origin.and_then(|text| Url::parse(text).ok()).map(|url| url.origin());
        origin.is_some_and(|origin| self.allowed.contains(&origin))
    }

    fn answers(&self, origin: &Origin) -> bool {
        self.allowed.contains(origin) || self.public.as_ref().is_some_and(|public| public.origin() == *origin)
    }

    fn is_ours(&self, host: &str, local: SocketAddr) -> bool {
        let public = self.public.as_ref().and_then(Url::host_str);
        // An address in `Host` cannot have been rebound: it is the one that was connected to.
        is_loopback_name(host, local)
            || literal(host) == Some(local.ip().to_canonical())
            || public.is_some_and(|public| public.eq_ignore_ascii_case(host))
    }
}

/// Whether `host` means this machine and the connection came in on it.
fn is_loopback_name(host: &str, local: SocketAddr) -> bool {
    let loopback = host.eq_ignore_ascii_case("localhost") || literal(host).is_some_and(|ip| ip.is_loopback());
    loopback && local.ip().to_canonical().is_loopback()
}

fn literal(host: &str) -> Option<IpAddr> {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(host: &[&'static str], origin: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        host.iter().for_each(|host| _ = headers.append(HOST, host.parse().unwrap()));
        origin.iter().for_each(|origin| _ = headers.append(ORIGIN, origin.parse().unwrap()));
        headers
    }

    #[test]
    fn strangers_are_told_from_friends() {
        let origins = Origins {
            public: Some(Url::parse("https://mcp.example.com/mcp").unwrap()),
            allowed: vec![Url::parse("https://app.example.com").unwrap().origin()],
        };
        let loopback = "127.0.0.1:8100";
        let outside = "10.0.0.5:8100";
        for (local, host, origin, expected) in [
            (loopback, &["127.0.0.1:8100"][..], &[][..], Ok(())),
            (loopback, &["localhost"], &[], Ok(())),
            (loopback, &["LOCALHOST:1"], &[], Ok(())),
            (loopback, &["[::1]:8100"], &[], Ok(())),
            (loopback, &["mcp.example.com"], &[], Ok(())),
            (loopback, &["evil.example"], &[], Err(Foreign::Host)),
            (loopback, &["127.0.0.1.evil.example"], &[], Err(Foreign::Host)),
            (loopback, &["10.0.0.5"], &[], Err(Foreign::Host)),
            (loopback, &[], &[], Err(Foreign::Host)),
            (loopback, &["localhost", "evil.example"], &[], Err(Foreign::Host)),
            (loopback, &["a b"], &[], Err(Foreign::Host)),
            (outside, &["10.0.0.5:8100"], &[], Ok(())),
            (outside, &["localhost"], &[], Err(Foreign::Host)),
            (outside, &["10.0.0.6"], &[], Err(Foreign::Host)),
            (loopback, &["localhost"], &["http://localhost:8100"], Ok(())),
            (loopback, &["localhost"], &["http://localhost:8101"], Err(Foreign::Page)),
            (loopback, &["localhost"], &["http://evil.example:8100"], Err(Foreign::Page)),
            (loopback, &["localhost"], &["null"], Err(Foreign::Page)),
            (loopback, &["localhost"], &["https://mcp.example.com"], Ok(())),
            (loopback, &["localhost"], &["http://mcp.example.com"], Err(Foreign::Page)),
            (loopback, &["localhost"], &["https://app.example.com"], Ok(())),
            (loopback, &["localhost"], &["https://app.example.com:444"], Err(Foreign::Page)),
            (loopback, &["localhost"], &["https://app.example.com", "https://evil.example"], Err(Foreign::Page)),
            (outside, &["10.0.0.5:8100"], &["http://localhost:8100"], Err(Foreign::Page)),
        ] {
            let answer = origins.check(&Uri::from_static("/mcp"), &headers(host, origin), local.parse().unwrap());
            assert_eq!(answer, expected, "{local} {host:?} {origin:?}");
        }
    }
}
