//! What can be wrong with a secret, a key, a message id or a request.
//!
//! No error carries key material: what cannot be parsed is never quoted.

use std::time::Duration;

use thiserror::Error;

use crate::header::MAX_SIGNATURES;
use crate::secret::{SYMMETRIC_MAX_BYTES, SYMMETRIC_MIN_BYTES};
use crate::standard::MESSAGE_ID_MAX_BYTES;

/// Why a request is not proven genuine.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A header of the scheme is absent, so the request is not signed.
    #[error("header `{name}` is missing")]
    MissingHeader {
        /// The header, in lower case.
        name: &'static str,
    },

    /// The message id is not one that a sender may use.
    #[error(transparent)]
    BadId(#[from] MessageIdError),

    /// The timestamp is not a whole number of seconds since 1970 in decimal digits.
    #[error("the timestamp is not a whole number of seconds since 1970")]
    BadTimestamp,

    /// The request was signed too long ago: it was replayed, delayed, or a clock is wrong.
    #[error("the timestamp is {age_seconds} s old, and {} s are tolerated", .tolerance.as_secs())]
    TimestampTooOld {
        /// How long before the receiver's time it was signed, in seconds.
        age_seconds: u64,
        /// What the verifier tolerates.
        tolerance: Duration,
    },

    /// The request claims to have been signed in the future: a clock is wrong.
    #[error("the timestamp is {ahead_seconds} s in the future, and {} s are tolerated", .tolerance.as_secs())]
    TimestampTooNew {
        /// How far it is ahead of the receiver's time, in seconds.
        ahead_seconds: u64,
        /// What the verifier tolerates.
        tolerance: Duration,
    },

    /// Nothing in the signature header is a well formed signature of the kind that the verifier's keys check:
    /// the header is garbage, or the sender signs with `v1a` and the receiver holds a `whsec_` secret.
    #[error("the signature header has no well formed signature of a kind that the key checks")]
    NoUsableSignature,

    /// None of the signatures looked at matched, and more follow than are looked at.
    #[error("the signature header lists more than {MAX_SIGNATURES} signatures, and none of the first match")]
    TooManySignatures,

    /// No signature matches: the secret is another one, or id, timestamp or body were changed on the way.
    #[error("no signature matches: the secret is another one, or the body is not the bytes that were sent")]
    NoMatch,
}

/// Why a text is not a [`Secret`](crate::Secret).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseSecretError {
    /// Neither `whsec_…` nor `whsk_…` nor bare base64, or the base64 is damaged.
    #[error("the secret is not `whsec_` or `whsk_` followed by base64, nor base64 alone")]
    Encoding,

    /// The symmetric secret is too short to be safe, or longer than the scheme allows.
    #[error("the secret has {bytes} bytes, and needs {SYMMETRIC_MIN_BYTES} to {SYMMETRIC_MAX_BYTES}")]
    Length {
        /// How many bytes it decodes to.
        bytes: usize,
    },

    /// The private key is neither a seed nor a seed with its public key.
    #[error("the private key has {bytes} bytes, and needs 32 (seed) or 64 (seed and public key)")]
    PrivateKeyLength {
        /// How many bytes it decodes to.
        bytes: usize,
    },

    /// The public half of the private key is not the one that its seed gives.
    #[error("the two halves of the private key do not belong together")]
    KeyPairMismatch,

    /// A `whpk_` key cannot sign.
    #[error("this is a public key (`whpk_`), and a secret is needed")]
    PublicKey,
}

/// Why a text is not a [`PublicKey`](crate::PublicKey).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParsePublicKeyError {
    /// Not `whpk_…`, or the base64 is damaged.
    #[error("the public key is not `whpk_` followed by base64")]
    Encoding,

    /// An Ed25519 public key has 32 bytes.
    #[error("the public key has {bytes} bytes, and needs 32")]
    Length {
        /// How many bytes it decodes to.
        bytes: usize,
    },

    /// Not a point of the curve, or one of the few under which forged signatures verify.
    #[error("the public key is not a safe Ed25519 key")]
    Invalid,

    /// A secret was given where a public key belongs: it may have reached more people than it should.
    #[error("this is a secret, and a public key (`whpk_`) is needed")]
    Secret,
}

/// Why a text is not a key to verify with.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text holds no key at all.
    #[error("no key was given")]
    Missing,

    /// It does not begin with `whpk_`, and is not a secret either.
    #[error(transparent)]
    Secret(#[from] ParseSecretError),

    /// It begins with `whpk_`, and is not a public key.
    #[error(transparent)]
    PublicKey(#[from] ParsePublicKeyError),
}

/// Why a text may not be a message id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MessageIdError {
    /// A message needs an id.
    #[error("the message id is empty")]
    Empty,

    /// Longer than any id in use.
    #[error("the message id has {bytes} bytes, and may have {MESSAGE_ID_MAX_BYTES}")]
    TooLong {
        /// How many bytes it has.
        bytes: usize,
    },

    /// A full stop would make the signed bytes ambiguous; see the crate's documentation.
    #[error("the message id contains a full stop, which would make the signed content ambiguous")]
    FullStop,

    /// Only visible ASCII survives a header unchanged.
    #[error("byte {position} of the message id is not visible ASCII")]
    NotVisibleAscii {
        /// The first offending byte, counted from 0.
        position: usize,
    },
}

/// The operating system gave no random bytes.
#[derive(Debug, Error)]
#[error("the operating system gave no random bytes")]
pub struct GenerateError {
    #[from]
    source: getrandom::Error,
}
