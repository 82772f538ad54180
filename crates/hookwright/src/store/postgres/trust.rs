//! Which servers are trusted over TLS: any, or those whose certificate the authorities of a file or of the system have signed.

use std::error::Error as _;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::store::error::StoreError;

/// What is looked at of the server's certificate.
pub(super) enum Trust {
    /// Nothing: the connection is encrypted, whoever answers.
    Anybody,
    /// That the authorities in this file signed it, for whatever host.
    Authorities(PathBuf),
    /// That it is the host's, by the authorities in this file, or else those of the operating system.
    Host(Option<PathBuf>),
}

impl Trust {
    /// What TLS to the server is set up with.
    pub(super) fn config(self) -> Result<ClientConfig, StoreError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().map_err(StoreError::Tls)?;
        Ok(match self {
            Trust::Host(None) => {
                builder.with_platform_verifier().map_err(StoreError::Tls)?.with_no_client_auth()
            }
            Trust::Host(Some(path)) => {
                builder.with_root_certificates(authorities(&path)?).with_no_client_auth()
            }
            Trust::Authorities(path) => {
                let roots = Arc::new(authorities(&path)?);
                let verifier =
                    WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
                let by = Some(verifier.map_err(|_| StoreError::Authorities { path })?);
                let verifier = Arc::new(AnyHost { provider, by });
                builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
            }
            Trust::Anybody => {
                let verifier = Arc::new(AnyHost { provider, by: None });
                builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
            }
        })
    }
}

fn authorities(path: &PathBuf) -> Result<RootCertStore, StoreError> {
    let unreadable = || StoreError::Authorities { path: path.clone() };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|_| unreadable())? {
        roots.add(certificate.map_err(|_| unreadable())?).map_err(|_| unreadable())?;
    }
    if roots.is_empty() { Err(unreadable()) } else { Ok(roots) }
}

/// Takes a certificate of any host, if it is signed as it must be.
#[derive(Debug)]
struct AnyHost {
    provider: Arc<CryptoProvider>,
    /// Who knows the authorities; without, whoever answers is taken, as `sslmode=require` means.
    by: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for AnyHost {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(by) = &self.by else { return Ok(ServerCertVerified::assertion()) };
        match by.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is looked at last: all else is in order.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Why a certificate was refused, if that is why there is no connection.
pub(in crate::store) fn refusal(error: &tokio_postgres::Error) -> Option<&'static str> {
    let broken = error.source()?.downcast_ref::<std::io::Error>()?;
    let Error::InvalidCertificate(why) = broken.get_ref()?.downcast_ref::<Error>()? else { return None };
    Some(match why {
        // An authority may have the name of another, as after its key was made anew.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "none of the authorities that sslrootcert names has signed it"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another host than that of the URL"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "it is not valid yet",
        _ => "it is not one that a server may have",
    })
}
