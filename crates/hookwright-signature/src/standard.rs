//! What is signed, and how: Standard Webhooks 1.0.0, "Signature scheme".

use std::fmt;

use ed25519_dalek::ed25519::signature::{MultipartSigner, MultipartVerifier};
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::MessageIdError;
use crate::secret::SYMMETRIC_MAX_BYTES;

/// The longest message id, in bytes. Ids in use have about 30; Svix stores at most 256.
pub const MESSAGE_ID_MAX_BYTES: usize = 256;

/// How many digits a timestamp may have: those of `u64::MAX`.
pub(crate) const TIMESTAMP_MAX_DIGITS: usize = 20;

/// The length of a `v1` signature in bytes.
pub(crate) const V1_BYTES: usize = 32;
/// The length of a `v1a` signature in bytes.
pub(crate) const V1A_BYTES: usize = Signature::BYTE_SIZE;

/// The kind of a signature, as it is named in the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Version {
    /// HMAC-SHA256 with a shared secret: `v1`.
    V1,
    /// Ed25519: `v1a`.
    V1a,
}

impl Version {
    /// The name in the header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1a => "v1a",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The bytes that are signed, `{id}.{timestamp}.{body}`, never joined: the body is not copied.
#[derive(Clone, Copy)]
pub(crate) struct Content<'a>([&'a [u8]; 5]);

impl<'a> Content<'a> {
    pub(crate) fn new(id: &'a [u8], timestamp: &'a [u8], body: &'a [u8]) -> Self {
        Self([id, b".", timestamp, b".", body])
    }
}

/// HMAC-SHA256 with the key already mixed in; signing clones it, which costs a copy of two hash states.
#[derive(Clone)]
pub(crate) struct Keyed(Hmac<Sha256>);

impl Keyed {
    /// `key` has at most [`SYMMETRIC_MAX_BYTES`], as every secret.
    pub(crate) fn new(key: &[u8]) -> Self {
        // HMAC fills keys up to the hash's block with zeros (RFC 2104 section 2), and a block has 64 bytes,
        // the maximum of a secret. Filled up here, the constructor cannot fail.
        let mut block = Zeroizing::new([0; SYMMETRIC_MAX_BYTES]);
        for (to, from) in block.iter_mut().zip(key) {
            *to = *from;
        }
        let block: &[u8; SYMMETRIC_MAX_BYTES] = &block;
        Self(Hmac::new(block.into()))
    }

    pub(crate) fn sign(&self, content: Content<'_>) -> [u8; V1_BYTES] {
        let mut mac = self.0.clone();
        for part in content.0 {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// The `v1a` signature; it is deterministic (RFC 8032 section 5.1.6).
pub(crate) fn sign_ed25519(key: &SigningKey, content: Content<'_>) -> [u8; V1A_BYTES] {
    key.multipart_sign(&content.0).to_bytes()
}

/// Whether `signature` is a `v1a` signature of `content`.
pub(crate) fn matches_ed25519(key: &VerifyingKey, content: Content<'_>, signature: &[u8; V1A_BYTES]) -> bool {
    key.multipart_verify(&content.0, &Signature::from_bytes(signature)).is_ok()
}

/// Refuses ids that a header cannot carry, or that make the signed content ambiguous.
pub(crate) fn check_id(id: &[u8]) -> Result<(), MessageIdError> {
    if id.is_empty() {
        return Err(MessageIdError::Empty);
    }
    if id.len() > MESSAGE_ID_MAX_BYTES {
        return Err(MessageIdError::TooLong { bytes: id.len() });
    }
    match id.iter().position(|byte| !byte.is_ascii_graphic() || *byte == b'.') {
        None => Ok(()),
        Some(position) if id.get(position) == Some(&b'.') => Err(MessageIdError::FullStop),
        Some(position) => Err(MessageIdError::NotVisibleAscii { position }),
    }
}

/// Seconds since 1970 in decimal digits and nothing else.
pub(crate) fn parse_timestamp(text: &[u8]) -> Option<u64> {
    if !(1..=TIMESTAMP_MAX_DIGITS).contains(&text.len()) {
        return None;
    }
    text.iter().try_fold(0_u64, |seconds, byte| match byte {
        b'0'..=b'9' => seconds.checked_mul(10)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::Deserialize;

    use super::*;

    /// RFC vectors are arbitrary bytes, so they go in as one part where content has five.
    fn whole(message: &[u8]) -> Content<'_> {
        Content([message, b"", b"", b"", b""])
    }

    fn vectors<'a, T: Deserialize<'a>>(json: &'a str) -> Vec<T> {
        #[derive(Deserialize)]
        struct File<T> {
            vectors: Vec<T>,
        }
        let file: File<T> = serde_json::from_str(json).unwrap();
        assert!(!file.vectors.is_empty());
        file.vectors
    }

    fn bytes(text: &str) -> Vec<u8> {
        STANDARD.decode(text).unwrap()
    }

    #[test]
    fn hmac_agrees_with_rfc_4231() {
        #[derive(Deserialize)]
        struct Vector {
            key: String,
            data: String,
            mac: String,
        }
        for vector in vectors::<Vector>(include_str!("../tests/vectors/rfc4231.json")) {
            let keyed = Keyed::new(&bytes(&vector.key));
            let data = bytes(&vector.data);
            assert_eq!(keyed.sign(whole(&data)).as_slice(), bytes(&vector.mac));
            assert_eq!(keyed.sign(whole(&data)).as_slice(), bytes(&vector.mac), "the state is reusable");
        }
    }

    #[test]
    fn ed25519_agrees_with_rfc_8032() {
        #[derive(Deserialize)]
        struct Vector {
            seed: String,
            public: String,
            message: String,
            signature: String,
        }
        for vector in vectors::<Vector>(include_str!("../tests/vectors/rfc8032.json")) {
            let key = SigningKey::from_bytes(bytes(&vector.seed).as_slice().try_into().unwrap());
            assert_eq!(key.verifying_key().as_bytes().as_slice(), bytes(&vector.public));
            let message = bytes(&vector.message);
            let signature = sign_ed25519(&key, whole(&message));
            assert_eq!(signature.as_slice(), bytes(&vector.signature));
            assert!(matches_ed25519(&key.verifying_key(), whole(&message), &signature));
        }
    }

    #[test]
    fn a_timestamp_is_digits_and_nothing_else() {
        for (text, seconds) in [("0", 0), ("1614265330", 1_614_265_330), ("18446744073709551615", u64::MAX)] {
            assert_eq!(parse_timestamp(text.as_bytes()), Some(seconds));
        }
        for text in [
            "",
            "+1",
            "-1",
            " 1",
            "1 ",
            "1.0",
            "1e9",
            "0x1",
            "18446744073709551616",
            "000000000000000000001",
            "١",
        ] {
            assert_eq!(parse_timestamp(text.as_bytes()), None, "{text:?}");
        }
    }
}
