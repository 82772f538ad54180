//! A client for the requests that this program makes of its own accord, to servers that its operator named.
//!
//! Webhooks do not go this way: the engine has a client of its own, which calls no address that tenants must not reach.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

/// The client.
pub(crate) type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client that trusts what the operating system trusts, and these certificates (PEM) besides.
///
/// # Errors
///
/// The operating system's certificates cannot be used.
pub(crate) fn http_client(extra_ca_pem: Option<&[u8]>) -> Result<HttpClient, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    // They were seen to be certificates when the configuration was read.
    let extra = CertificateDer::pem_slice_iter(extra_ca_pem.unwrap_or_default()).filter_map(Result::ok);
    let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider))?;
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}
