//! HMAC over the hashes that providers use, and how they write its result.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

/// Which hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Sha1,
    Sha256,
    Sha512,
}

/// How the result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Digits and letters, upper or lower case.
    Hex,
    /// The standard alphabet, padded.
    Base64,
}

/// The longest result: that of SHA-512.
const TAG_MAX_BYTES: usize = 64;

/// A key already mixed in; made once, cloned for each request.
#[derive(Clone)]
pub(super) enum Mac {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
}

impl Mac {
    /// HMAC takes a key of any length; `None` never comes of one.
    pub(super) fn new(algorithm: Algorithm, key: &[u8]) -> Option<Self> {
        match algorithm {
            Algorithm::Sha1 => Hmac::new_from_slice(key).ok().map(Self::Sha1),
            Algorithm::Sha256 => Hmac::new_from_slice(key).ok().map(Self::Sha256),
            Algorithm::Sha512 => Hmac::new_from_slice(key).ok().map(Self::Sha512),
        }
    }

    /// The result over these parts, as if they were joined.
    pub(super) fn tag<'a>(&self, parts: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
        match self {
            Self::Sha1(keyed) => finish(keyed.clone(), parts),
            Self::Sha256(keyed) => finish(keyed.clone(), parts),
            Self::Sha512(keyed) => finish(keyed.clone(), parts),
        }
    }
}

fn finish<'a, M: hmac::Mac>(mut mac: M, parts: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    parts.for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mac(redacted)")
    }
}

impl Encoding {
    pub(super) fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect(),
            Self::Base64 => STANDARD.encode(bytes),
        }
    }

    /// Whether `text` is `tag`, in a time that depends on neither's contents; `None` if it is no encoded text
    /// of that length at all.
    pub(super) fn matches(self, text: &[u8], tag: &[u8]) -> Option<bool> {
        let mut buffer = [0; TAG_MAX_BYTES + 2];
        let length = match self {
            Self::Hex if text.len() == tag.len() * 2 => decode_hex(text, &mut buffer)?,
            Self::Base64 if Some(text.len()) == base64::encoded_len(tag.len(), true) => {
                STANDARD.decode_slice(text, &mut buffer).ok()?
            }
            Self::Hex | Self::Base64 => return None,
        };
        let found = buffer.get(..length)?;
        (found.len() == tag.len()).then(|| found.ct_eq(tag).into())
    }
}

fn digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).unwrap_or('0')
}

fn decode_hex(text: &[u8], out: &mut [u8]) -> Option<usize> {
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let (pairs, _) = text.as_chunks::<2>();
    for (to, [high, low]) in out.iter_mut().zip(pairs) {
        *to = value(*high)? << 4 | value(*low)?;
    }
    Some(pairs.len())
}
