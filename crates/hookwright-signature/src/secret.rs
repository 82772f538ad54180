//! What a sender signs with: a shared secret (`whsec_`) or an Ed25519 private key (`whsk_`).

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::SigningKey;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::encoding;
use crate::error::{GenerateError, ParseSecretError};
use crate::public_key::{self, PublicKey};
use crate::standard::Version;

/// The shortest symmetric secret, in bytes (Standard Webhooks 1.0.0, "Signature scheme": 192 bits).
pub const SYMMETRIC_MIN_BYTES: usize = 24;

/// The longest symmetric secret, in bytes (Standard Webhooks 1.0.0, "Signature scheme": 512 bits).
pub const SYMMETRIC_MAX_BYTES: usize = 64;

/// How many bytes a generated symmetric secret has.
///
/// The specification asks for 24 at least, and Svix generates 24. RFC 2104 section 3 asks for no less than
/// the hash's output, which is 32; they cost nothing more.
pub const GENERATED_SECRET_BYTES: usize = 32;

const SYMMETRIC_PREFIX: &str = "whsec_";
const PRIVATE_PREFIX: &str = "whsk_";
const SEED_BYTES: usize = ed25519_dalek::SECRET_KEY_LENGTH;
const KEY_PAIR_BYTES: usize = ed25519_dalek::KEYPAIR_LENGTH;

/// A key to sign with: a shared secret, or an Ed25519 private key.
///
/// It has no `Display`, its `Debug` shows no key material, comparison takes the same time for every secret of
/// a length, and memory is wiped on drop. [`Secret::expose`] is the one way to its text.
#[derive(Clone)]
pub struct Secret(pub(crate) Kind);

#[derive(Clone)]
pub(crate) enum Kind {
    /// 24 to 64 bytes.
    Symmetric(Zeroizing<Vec<u8>>),
    /// Wipes itself.
    Ed25519(SigningKey),
}

impl Secret {
    /// Reads `whsec_` + base64, `whsk_` + base64, or base64 alone, which Svix takes for a symmetric secret.
    ///
    /// The base64 has the standard alphabet and is canonical; its padding may be missing. A private key is
    /// either the 32 bytes of RFC 8032 or, as Svix and libsodium write it, these and the public key. Space
    /// around the text is not removed.
    ///
    /// # Errors
    ///
    /// [`ParseSecretError`] says which of this does not hold, without quoting the text.
    pub fn parse(text: &str) -> Result<Self, ParseSecretError> {
        if text.starts_with(public_key::PREFIX) {
            return Err(ParseSecretError::PublicKey);
        }
        if let Some(encoded) = text.strip_prefix(PRIVATE_PREFIX) {
            return Self::from_private_key(&encoding::decode_key(encoded).ok_or(ParseSecretError::Encoding)?);
        }
        let encoded = text.strip_prefix(SYMMETRIC_PREFIX).unwrap_or(text);
        Self::from_decoded(encoding::decode_key(encoded).ok_or(ParseSecretError::Encoding)?)
    }

    /// A symmetric secret of these very bytes, for senders that hand out something else than base64.
    ///
    /// # Errors
    ///
    /// [`ParseSecretError::Length`] unless there are 24 to 64 of them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseSecretError> {
        Self::from_decoded(Zeroizing::new(bytes.to_vec()))
    }

    /// A new symmetric secret of [`GENERATED_SECRET_BYTES`].
    ///
    /// # Errors
    ///
    /// [`GenerateError`] if the operating system has no random bytes to give.
    pub fn generate() -> Result<Self, GenerateError> {
        let mut bytes = Zeroizing::new(vec![0; GENERATED_SECRET_BYTES]);
        getrandom::fill(&mut bytes)?;
        Ok(Self(Kind::Symmetric(bytes)))
    }

    /// A new Ed25519 private key.
    ///
    /// # Errors
    ///
    /// [`GenerateError`] if the operating system has no random bytes to give.
    pub fn generate_asymmetric() -> Result<Self, GenerateError> {
        let mut seed = Zeroizing::new([0; SEED_BYTES]);
        getrandom::fill(seed.as_mut_slice())?;
        Ok(Self(Kind::Ed25519(SigningKey::from_bytes(&seed))))
    }

    /// The secret as text, with its prefix, to be stored or shown to its owner: `whsec_…`, or `whsk_…` with
    /// seed and public key (64 bytes), the form that Svix reads. The text is wiped when dropped.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        match &self.0 {
            Kind::Symmetric(bytes) => prefixed(SYMMETRIC_PREFIX, bytes),
            Kind::Ed25519(key) => prefixed(PRIVATE_PREFIX, &*Zeroizing::new(key.to_keypair_bytes())),
        }
    }

    /// What receivers verify with, if this is a private key; `None` if the secret is shared.
    #[must_use]
    pub fn public_key(&self) -> Option<PublicKey> {
        match &self.0 {
            Kind::Symmetric(_) => None,
            Kind::Ed25519(key) => Some(PublicKey::of(key)),
        }
    }

    /// The kind of signature that this secret makes.
    #[must_use]
    pub fn version(&self) -> Version {
        match &self.0 {
            Kind::Symmetric(_) => Version::V1,
            Kind::Ed25519(_) => Version::V1a,
        }
    }

    fn from_decoded(bytes: Zeroizing<Vec<u8>>) -> Result<Self, ParseSecretError> {
        match bytes.len() {
            SYMMETRIC_MIN_BYTES..=SYMMETRIC_MAX_BYTES => Ok(Self(Kind::Symmetric(bytes))),
            length => Err(ParseSecretError::Length { bytes: length }),
        }
    }

    fn from_private_key(bytes: &[u8]) -> Result<Self, ParseSecretError> {
        let wrong_length = ParseSecretError::PrivateKeyLength { bytes: bytes.len() };
        let Some((seed, public)) = bytes.split_first_chunk::<SEED_BYTES>() else {
            return Err(wrong_length);
        };
        if !matches!(bytes.len(), SEED_BYTES | KEY_PAIR_BYTES) {
            return Err(wrong_length);
        }
        let key = SigningKey::from_bytes(seed);
        // Signing under somebody else's public key gives the private key away, so this one is derived anew.
        if !public.is_empty() && public != key.verifying_key().as_bytes() {
            return Err(ParseSecretError::KeyPairMismatch);
        }
        Ok(Self(Kind::Ed25519(key)))
    }
}

impl FromStr for Secret {
    type Err = ParseSecretError;

    /// See [`Secret::parse`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Symmetric(a), Kind::Symmetric(b)) => a.ct_eq(b).into(),
            (Kind::Ed25519(a), Kind::Ed25519(b)) => a.as_bytes().ct_eq(b.as_bytes()).into(),
            _ => false,
        }
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({}, redacted)", self.version())
    }
}

fn prefixed(prefix: &str, bytes: &[u8]) -> Zeroizing<String> {
    // Room for all of it at once, so that growing does not leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(prefix.len() + bytes.len().div_ceil(3) * 4));
    text.push_str(prefix);
    encoding::append(bytes, &mut text);
    text
}
