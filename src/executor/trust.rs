//! Which certificates of the other side are accepted: those that authorities vouch for and, of single hosts, those that
//! further ones vouch for, a pinned one or any.

use std::error::Error as StdError;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use ring::digest::{SHA256, digest};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// The SHA-256 of a certificate, by which it is trusted whoever issued it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pin([u8; 32]);

impl Pin {
    /// That of a certificate in DER.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, certificate).as_ref());
        Self(bytes)
    }
}

impl FromStr for Pin {
    type Err = String;

    /// Reads 64 hexadecimal digits, with or without colons between the bytes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
        let wrong = || "a SHA-256 fingerprint has 64 hexadecimal digits, with or without colons.".to_owned();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Pin {
    /// As `openssl x509 -fingerprint` writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02X}", if index == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is accepted of one host in the place of a certificate that an authority vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// Name or address of the host, without brackets.
    pub host: String,
    /// What is accepted.
    pub trust: Trust,
}

/// What is accepted in the place of a certificate that an authority of everybody vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// One of these certificates alone, whatever name and dates stand in it.
    Pinned(Vec<Pin>),
    /// What these authorities vouch for, and what all others do.
    Authorities(Authorities),
    /// Any certificate: whoever is on the way can take the place of the host.
    Anything,
}

/// Certificates of authorities.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorities(pub(super) Vec<CertificateDer<'static>>);

impl Authorities {
    /// Reads a file in PEM form.
    ///
    /// # Errors
    /// If it cannot be read, or holds no certificates or something else.
    pub fn read(file: &Path) -> Result<Self, String> {
        let name = file.display();
        let pem = std::fs::read(file).map_err(|error| format!("the CA file {name} cannot be read: {error}."))?;
        match CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>() {
            Ok(certificates) if certificates.is_empty() => Err(format!("the CA file {name} holds no PEM certificate.")),
            Ok(certificates) => Ok(Self(certificates)),
            Err(_) => Err(format!("the CA file {name} holds something that is no PEM certificate.")),
        }
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} certificates", self.0.len())
    }
}

/// Another certificate than the pinned one.
#[derive(Debug)]
pub(super) struct NotPinned(Pin);

impl fmt::Display for NotPinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "its certificate has the SHA-256 fingerprint {}, which is not the pinned one", self.0)
    }
}

impl StdError for NotPinned {}

impl NotPinned {
    /// What a failed handshake says of this.
    pub(super) fn among(error: &rustls::Error) -> Option<&Self> {
        match error {
            rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) => inner.downcast_ref(),
            _ => None,
        }
    }
}

/// TLS with these exceptions; `more` are certificates of authorities to trust besides those of the system.
pub(super) fn config(more: Vec<CertificateDer<'static>>, exceptions: Vec<Exception>) -> Result<ClientConfig, String> {
    let failed = |error: rustls::Error| format!("certificates cannot be checked: {error}.");
    let crypto = Arc::new(rustls::crypto::ring::default_provider());
    let vouched =
        |by: Vec<CertificateDer<'static>>| Verifier::new_with_extra_roots(by, Arc::clone(&crypto)).map_err(failed);
    let exceptions = exceptions.into_iter().map(|Exception { host, trust }| {
        let check = match trust {
            Trust::Pinned(pins) => Check::Pinned(pins),
            Trust::Authorities(own) => Check::Vouched(vouched([more.clone(), own.0].concat())?),
            Trust::Anything => Check::Nothing,
        };
        Ok((host, check))
    });
    let exceptions = exceptions.collect::<Result<_, String>>()?;
    let checks = Arc::new(Checks { exceptions, authorities: vouched(more.clone())?, crypto: Arc::clone(&crypto) });
    let builder = ClientConfig::builder_with_provider(crypto).with_safe_default_protocol_versions().map_err(failed)?;
    Ok(builder.dangerous().with_custom_certificate_verifier(checks).with_no_client_auth())
}

/// How the certificate of a host is checked.
#[derive(Debug)]
enum Check {
    Nothing,
    Vouched(Verifier),
    Pinned(Vec<Pin>),
}

impl Check {
    fn strictness(&self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Vouched(_) => 1,
            Self::Pinned(_) => 2,
        }
    }
}

#[derive(Debug)]
struct Checks {
    /// By name or address of the host.
    exceptions: Vec<(String, Check)>,
    authorities: Verifier,
    crypto: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Checks {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let host = server.to_str();
        let exceptions = self.exceptions.iter().filter(|(known, _)| known.eq_ignore_ascii_case(&host));
        let vouched = |by: &Verifier| by.verify_server_cert(certificate, intermediates, server, ocsp, now);
        // Where a host is that of several accounts, the stricter wish counts.
        match exceptions.map(|(_, check)| check).max_by_key(|check| check.strictness()) {
            None => vouched(&self.authorities),
            Some(Check::Vouched(authorities)) => vouched(authorities),
            Some(Check::Nothing) => Ok(ServerCertVerified::assertion()),
            Some(Check::Pinned(pins)) => {
                let shown = Pin::of(certificate);
                if pins.contains(&shown) {
                    return Ok(ServerCertVerified::assertion());
                }
                let error = OtherError(Arc::new(NotPinned(shown)));
                Err(rustls::Error::InvalidCertificate(CertificateError::Other(error)))
            }
        }
    }

    // Whichever certificate is accepted: who shows it must have its key.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.crypto.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.crypto.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}
