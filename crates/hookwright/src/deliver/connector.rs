//! From a URL to a connection: resolve, check, connect, TLS, with a timeout and a reason of its own for each.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::config::Config;
use crate::deliver::outcome::FailureReason;
use crate::deliver::resolver::Resolver;

/// Outbound TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsSetupError {
    /// The additional certificates cannot be read.
    #[error("the additional CA certificates cannot be read as PEM")]
    ExtraCa,
    /// The TLS library refuses its settings.
    #[error("TLS cannot be set up")]
    Library(#[source] rustls::Error),
}

/// Opens connections for the client's pool.
#[derive(Clone)]
pub(super) struct Connector {
    resolver: Resolver,
    tls: TlsConnector,
    connect_timeout: Duration,
    tls_timeout: Duration,
}

impl Connector {
    pub(super) fn new(config: &Config, resolver: Resolver) -> Result<Connector, TlsSetupError> {
        let tls = TlsConnector::from(Arc::new(tls_config(config)?));
        let (connect_timeout, tls_timeout) = (config.connect_timeout, config.tls_timeout);
        Ok(Connector { resolver, tls, connect_timeout, tls_timeout })
    }

    async fn connect(self, uri: Uri) -> Result<TokioIo<Stream>, FailureReason> {
        let host = uri.host().ok_or(FailureReason::Url)?;
        let is_tls = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let deadline = Instant::now() + self.connect_timeout;
        let addresses = timeout_at(deadline, self.resolver.resolve(host))
            .await
            .map_err(|_| FailureReason::DnsTimeout(self.connect_timeout))??;
        let tcp = self.connect_to_one_of(&addresses, port, deadline).await?;
        // Requests are written whole; waiting for more to send would only delay them.
        tcp.set_nodelay(true).map_err(|error| FailureReason::Connect(error.kind()))?;
        if !is_tls {
            return Ok(TokioIo::new(Stream::Plain(tcp)));
        }
        let bare_host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let name = ServerName::try_from(bare_host.to_owned()).map_err(|_| FailureReason::Url)?;
        match tokio::time::timeout(self.tls_timeout, self.tls.connect(name, tcp)).await {
            Ok(Ok(stream)) => Ok(TokioIo::new(Stream::Tls(Box::new(stream)))),
            Ok(Err(error)) => Err(FailureReason::tls(&error)),
            Err(_) => Err(FailureReason::TlsTimeout(self.tls_timeout)),
        }
    }

    /// Tries each address in turn, with a fair share of the time that is left.
    async fn connect_to_one_of(
        &self,
        addresses: &[IpAddr],
        port: u16,
        deadline: Instant,
    ) -> Result<TcpStream, FailureReason> {
        let mut reason = FailureReason::NoAddress;
        for (tried, address) in addresses.iter().enumerate() {
            let now = Instant::now();
            let left = deadline.saturating_duration_since(now);
            let share = left / u32::try_from(addresses.len() - tried).unwrap_or(1);
            match timeout_at(now + share, TcpStream::connect(SocketAddr::new(*address, port))).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => reason = FailureReason::Connect(error.kind()),
                Err(_) => reason = FailureReason::ConnectTimeout(self.connect_timeout),
            }
        }
        Err(reason)
    }
}

impl tower::Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = FailureReason;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

/// A connection to an endpoint.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, data),
            Stream::Tls(stream) => Pin::new(stream).poll_write(context, data),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write_vectored(context, parts),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(context, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }
}

/// TLS with the operating system's trust, or the roots built in where there is none, and what the operator adds.
fn tls_config(config: &Config) -> Result<ClientConfig, TlsSetupError> {
    // Passed explicitly: a process-wide default would be a choice made for the host program.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsSetupError::Library)?;
    let extra = match &config.extra_ca_pem {
        None => Vec::new(),
        Some(pem) => read_certificates(pem)?,
    };
    let system = rustls_platform_verifier::Verifier::new_with_extra_roots(extra.iter().cloned(), provider);
    if let Ok(verifier) = system {
        let verifying = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        return Ok(verifying.with_no_client_auth());
    }
    tracing::info!("the operating system has no trusted certificates; those built in are used");
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(extra);
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn read_certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsSetupError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(TlsSetupError::ExtraCa),
    }
}
