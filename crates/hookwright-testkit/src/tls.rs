//! A certificate authority of one test, and the good and bad certificates it signs.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::PrivatePkcs8KeyDer,
};
use tempfile::TempDir;

/// A self-signed certificate authority; who trusts it accepts [`Leaf::Valid`] and nothing else.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pem: String,
    pem_path: PathBuf,
    /// Holds the file of the certificate for as long as the authority lives.
    _directory: TempDir,
}

/// The certificate that a receiver, or a PostgreSQL server, shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// For `localhost` and `127.0.0.1`, and valid now.
    Valid,
    /// For the right names, and over since 2001.
    Expired,
    /// For the right names, and not valid before 2090.
    NotYetValid,
    /// For `elsewhere.example` alone.
    WrongName,
    /// For the right names, signed by itself.
    SelfSigned,
}

impl Authority {
    /// Makes a new authority and writes its certificate to a file.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it makes keys and a file, which no default should")]
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Hookwright test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, new_key()).expect("the parameters are valid");
        let pem = issuer.pem();
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let pem_path = directory.path().join("authority.pem");
        fs::write(&pem_path, &pem).expect("the temporary directory can be written");
        Self { issuer, pem, pem_path, _directory: directory }
    }

    /// The certificate of the authority.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A file with [`pem`](Self::pem), which is gone once the authority is dropped.
    #[must_use]
    pub fn pem_path(&self) -> &Path {
        &self.pem_path
    }

    /// The configuration of a TLS client that trusts this authority alone.
    #[must_use]
    pub fn client_config(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("the authority's own certificate is sound");
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider has both protocol versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(config)
    }

    /// A certificate and its key, both as PEM.
    pub(crate) fn issued(&self, leaf: Leaf) -> (String, String) {
        let (certificate, key) = self.certificate(leaf);
        (certificate.pem(), key.serialize_pem())
    }

    /// The configuration of a TLS server that shows `leaf`.
    pub(crate) fn server_config(&self, leaf: Leaf) -> Arc<ServerConfig> {
        let (certificate, key) = self.certificate(leaf);
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider has both protocol versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .expect("the key belongs to the certificate");
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }

    fn certificate(&self, leaf: Leaf) -> (Certificate, KeyPair) {
        let names = match leaf {
            Leaf::WrongName => vec!["elsewhere.example".to_owned()],
            _ => vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        };
        let mut params = CertificateParams::new(names).expect("the names are valid");
        params.distinguished_name.push(DnType::CommonName, "Hookwright test receiver");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        (params.not_before, params.not_after) = match leaf {
            Leaf::Expired => (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 1, 1)),
            Leaf::NotYetValid => (date_time_ymd(2090, 1, 1), date_time_ymd(2091, 1, 1)),
            _ => (date_time_ymd(2020, 1, 1), date_time_ymd(2089, 1, 1)),
        };
        let key = new_key();
        let certificate = match leaf {
            Leaf::SelfSigned => params.self_signed(&key),
            _ => params.signed_by(&key, &self.issuer),
        };
        (certificate.expect("the parameters are valid"), key)
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("a key can be made")
}

/// Passed explicitly, so that no test depends on which provider some other crate installed for the process.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
