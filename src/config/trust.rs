//! Which certificates are accepted that no authority vouches for.

use infra_mcp_model::Provider;
use url::{Host, Url};

use super::Options;
use super::accounts::NamedAccounts;
use crate::account::{Account, Remote};
use crate::error::StartupError;
use crate::executor::{Exception, Pin, Trust};

/// What flags say about the certificates of providers.
pub(super) struct Trusted<'o> {
    /// Fingerprints with the provider they are for; none is all of them.
    pins: Vec<(Option<&'o str>, Pin)>,
    /// Providers whose certificates are not checked; none is all of them.
    unchecked: Vec<Option<&'o str>>,
}

impl<'o> Trusted<'o> {
    /// Reads the flags.
    ///
    /// # Errors
    /// If a fingerprint is none, or a provider is not among these.
    pub(super) fn read(options: &'o Options, providers: &[&'static Provider]) -> Result<Self, StartupError> {
        let known = |flag: &str, name: &'o str| match providers.iter().any(|provider| provider.name == name) {
            true => Ok(Some(name)),
            false => {
                let names: Vec<&str> = providers.iter().map(|provider| provider.name.as_ref()).collect();
                let fix = format!("There are {}.", names.join(", "));
                Err(StartupError::new(flag, format!("there is no provider `{name}` here."), fix))
            }
        };
        let pin = |text: &'o String| {
            let (name, digits) = text.split_once('=').map_or((None, text.as_str()), |(name, rest)| (Some(name), rest));
            let digits = digits.parse().map_err(|problem: String| {
                let fix = "`openssl x509 -noout -fingerprint -sha256 -in FILE` prints that of a certificate.";
                StartupError::new("--pin-sha256", problem, fix)
            })?;
            Ok((name.map(|name| known("--pin-sha256", name)).transpose()?.flatten(), digits))
        };
        let unchecked = |text: &'o String| if text == "all" { Ok(None) } else { known("--insecure", text) };
        Ok(Self {
            pins: options.pin_sha256.iter().map(pin).collect::<Result<_, StartupError>>()?,
            unchecked: options.insecure.iter().map(unchecked).collect::<Result<_, _>>()?,
        })
    }

    /// What is accepted of this provider; none where authorities have to vouch for it.
    pub(super) fn of(&self, provider: Option<&str>) -> Option<Trust> {
        let meant = |name: &Option<&str>| name.is_none() || *name == provider;
        let pins: Vec<Pin> = self.pins.iter().filter(|(name, _)| meant(name)).map(|(_, pin)| *pin).collect();
        let unchecked = || self.unchecked.iter().any(meant).then_some(Trust::Anything);
        // Who pins a certificate wants it checked.
        if pins.is_empty() { unchecked() } else { Some(Trust::Pinned(pins)) }
    }

    /// The exceptions for the hosts of these accounts, and sentences about those that are not checked at all. What the
    /// configuration file says about an account wins over the flags.
    ///
    /// # Errors
    /// If a fingerprint in that file is none.
    pub(super) fn exceptions(
        &self,
        accounts: &[Account],
        named: &NamedAccounts,
    ) -> Result<(Vec<Exception>, Vec<String>), StartupError> {
        let (mut exceptions, mut warnings) = (Vec::new(), Vec::new());
        for account in accounts {
            let provider = account.provider().name.as_ref();
            let own = account.name().map_or(Ok(None), |name| named.trust(provider, name))?;
            let (own, trust) = (own.is_some(), own.or_else(|| self.of(Some(provider))));
            let Some(trust) = trust else { continue };
            let urls = [Some(account.base_url()), account.remote().map(Remote::url)];
            for host in urls.into_iter().flatten().filter_map(host) {
                if trust == Trust::Anything {
                    let by = if own { "`insecure`" } else { "--insecure" };
                    warnings.push(unchecked(by, &account.provider().title, &host));
                }
                exceptions.push(Exception { host, trust: trust.clone() });
            }
        }
        Ok((exceptions, warnings))
    }
}

fn unchecked(by: &str, whose: &str, host: &str) -> String {
    format!(
        "{by}: the certificate of {whose} ({host}) is not checked, so whoever is on the way there can read the \
         credential and change every answer. --pin-sha256 trusts one certificate instead."
    )
}

/// The host of an address as a certificate is checked for it.
pub(super) fn host(url: &Url) -> Option<String> {
    match url.host()? {
        Host::Domain(name) => Some(name.to_owned()),
        Host::Ipv4(address) => Some(address.to_string()),
        Host::Ipv6(address) => Some(address.to_string()),
    }
}
