//! What receivers of asymmetric signatures verify with: an Ed25519 public key (`whpk_`).

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{PUBLIC_KEY_LENGTH, SigningKey, VerifyingKey};

use crate::encoding;
use crate::error::ParsePublicKeyError;

/// Standard Webhooks 1.0.0, "Signature scheme": secret serialization.
pub(crate) const PREFIX: &str = "whpk_";

/// An Ed25519 public key. It is no secret: `Display` and `Debug` show it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(pub(crate) VerifyingKey);

impl PublicKey {
    /// Reads `whpk_` + base64 of 32 bytes: standard alphabet, canonical, the padding may be missing.
    ///
    /// # Errors
    ///
    /// [`ParsePublicKeyError`] says which of this does not hold. The points of small order are refused: under
    /// them, signatures that nobody made verify.
    pub fn parse(text: &str) -> Result<Self, ParsePublicKeyError> {
        if text.starts_with("whsk_") || text.starts_with("whsec_") {
            return Err(ParsePublicKeyError::Secret);
        }
        let encoded = text.strip_prefix(PREFIX).ok_or(ParsePublicKeyError::Encoding)?;
        let bytes = encoding::decode_key(encoded).ok_or(ParsePublicKeyError::Encoding)?;
        let bytes: &[u8; PUBLIC_KEY_LENGTH] =
            bytes.as_slice().try_into().map_err(|_| ParsePublicKeyError::Length { bytes: bytes.len() })?;
        match VerifyingKey::from_bytes(bytes) {
            Ok(key) if !key.is_weak() => Ok(Self(key)),
            _ => Err(ParsePublicKeyError::Invalid),
        }
    }

    pub(crate) fn of(key: &SigningKey) -> Self {
        Self(key.verifying_key())
    }
}

impl FromStr for PublicKey {
    type Err = ParsePublicKeyError;

    /// See [`PublicKey::parse`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::from(PREFIX);
        encoding::append(self.0.as_bytes(), &mut text);
        f.write_str(&text)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}
