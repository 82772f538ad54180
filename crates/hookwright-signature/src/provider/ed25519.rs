//! Verifies Ed25519 signatures of providers that publish a key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::ed25519::signature::{MultipartSigner, MultipartVerifier};
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};

use super::TOLERANCE_SECONDS;
use super::error::{ConfigError, Refused, SignError};
use super::request::{Inbound, Signed, header};
use super::scheme::{Time, Unit};
use super::template::{Filling, Template};
use crate::encoding;
use crate::secret::Kind;
use crate::standard::{V1A_BYTES, parse_timestamp};
use crate::{PublicKey, Secret};

/// A provider's key, and what it signs.
pub(super) struct Published {
    key: VerifyingKey,
    /// Only where somebody plays the provider.
    private: Option<SigningKey>,
    signature: &'static str,
    template: Template,
    time: Time,
}

impl Published {
    /// `public` is a field's text: the 32 bytes of RFC 8032 in base64.
    pub(super) fn new(
        public: &str,
        signature: &'static str,
        template: Template,
        time: Time,
    ) -> Result<Self, ConfigError> {
        let key = PublicKey::parse(&format!("whpk_{public}")).map_err(|_| {
            ConfigError::new("publicKey", "is not the base64 of a safe Ed25519 public key (32 bytes)")
        })?;
        Ok(Self { key: key.0, private: None, signature, template, time })
    }

    /// `private` is the base64 of the 32 bytes of a private key.
    pub(super) fn signing(
        private: &str,
        signature: &'static str,
        template: Template,
        time: Time,
    ) -> Result<Self, ConfigError> {
        let bad = || ConfigError::new("privateKey", "is not the base64 of an Ed25519 private key (32 bytes)");
        let text = zeroize::Zeroizing::new(format!("whsk_{private}"));
        let secret = Secret::parse(&text).map_err(|_| bad())?;
        let Kind::Ed25519(key) = &secret.0 else { return Err(bad()) };
        let key = key.clone();
        Ok(Self { key: key.verifying_key(), private: Some(key), signature, template, time })
    }

    /// Checks a request; gives its signature.
    pub(super) fn verify(&self, request: &Inbound<'_>, now: i64) -> Result<Option<String>, Refused> {
        let malformed = |name: &str| Refused::Malformed { place: header(name) };
        let text = request.header(self.signature)?;
        let signature: [u8; V1A_BYTES] =
            encoding::decode_signature(text).ok_or_else(|| malformed(self.signature))?;
        let mut time: &[u8] = &[];
        let mut stamp = None;
        if let Time::Header { name, unit } = self.time {
            time = request.header(name)?;
            let read = parse_timestamp(time).ok_or_else(|| malformed(name))?;
            stamp = Some(if unit == Unit::Milliseconds { read / 1000 } else { read });
        }
        let parts = self.parts(request, time);
        if self.key.multipart_verify(&parts, &Signature::from_bytes(&signature)).is_err() {
            return Err(Refused::Mismatch);
        }
        if let Some(stamp) = stamp {
            Refused::check_time(stamp, now, TOLERANCE_SECONDS)?;
        }
        Ok(Some(STANDARD.encode(signature)))
    }

    /// What to send along with a request.
    pub(super) fn sign(&self, request: &Inbound<'_>, now: i64) -> Result<Signed, SignError> {
        let key = self.private.as_ref().ok_or(SignError::PublicKey)?;
        let seconds = now.max(0).unsigned_abs();
        let mut signed = Signed::default();
        let mut time = String::new();
        if let Time::Header { name, unit } = self.time {
            time =
                if unit == Unit::Milliseconds { seconds.saturating_mul(1000) } else { seconds }.to_string();
            signed.headers.push((name.to_owned(), time.clone()));
        }
        let signature = key.multipart_sign(&self.parts(request, time.as_bytes()));
        signed.headers.push((self.signature.to_owned(), STANDARD.encode(signature.to_bytes())));
        Ok(signed)
    }

    fn parts<'a>(&'a self, request: &Inbound<'a>, time: &'a [u8]) -> Vec<&'a [u8]> {
        let filling = Filling {
            body: request.body,
            time,
            method: request.method,
            url: request.url.unwrap_or_default(),
            headers: request.headers,
        };
        self.template.fill(filling).collect()
    }
}
