//! Where a request really comes from, when a proxy stands between.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

use crate::call::ClientAddress;

/// The proxies whose word about the client address is taken.
#[derive(Debug, Clone, Default)]
pub struct Proxies(pub Vec<IpNet>);

impl Proxies {
    /// The address nearest to us in `X-Forwarded-For` that is no trusted proxy, if the peer is one; else the peer.
    pub(super) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> ClientAddress {
        let mut address = peer.ip().to_canonical();
        // Every proxy appends who spoke to it, so the list is read from its end.
        let forwarded = headers.get_all("x-forwarded-for").iter().rev();
        let mut forwarded = forwarded.flat_map(|value| value.to_str().unwrap_or("?").rsplit(','));
        while self.trusts(address) {
            let Some(before) = forwarded.next().map(|text| text.trim().parse::<IpAddr>()) else { break };
            let Ok(before) = before else { break };
            address = before.to_canonical();
        }
        ClientAddress(address)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let proxies = Proxies(vec!["10.0.0.0/8".parse().unwrap()]);
        for (peer, forwarded, expected) in [
            ("192.0.2.1:1", &["203.0.113.9"][..], "192.0.2.1"),
            ("10.0.0.1:1", &["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1:1", &["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1:1", &["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            ("10.0.0.1:1", &["203.0.113.9", "10.0.0.2"], "203.0.113.9"),
            ("10.0.0.1:1", &["nonsense"], "10.0.0.1"),
            ("10.0.0.1:1", &[], "10.0.0.1"),
            ("[::ffff:10.0.0.1]:1", &["203.0.113.9"], "203.0.113.9"),
        ] {
            let mut headers = HeaderMap::new();
            forwarded.iter().for_each(|value| _ = headers.append("x-forwarded-for", value.parse().unwrap()));
            let client = proxies.client(peer.parse().unwrap(), &headers);
            assert_eq!(client.0, expected.parse::<IpAddr>().unwrap(), "{peer} {forwarded:?}");
        }
    }
}
