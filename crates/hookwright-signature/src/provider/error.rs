//! Why a source cannot be configured so, why a request is not proven, and why one cannot be signed.
//!
//! No error quotes a secret or a signature.

use thiserror::Error;

use super::TOLERANCE_SECONDS;

/// Why a kind does not take these fields.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field}: {why}")]
pub struct ConfigError {
    /// The field, as it is written in the configuration.
    pub field: String,
    /// What is wrong, and what to do.
    pub why: String,
}

impl ConfigError {
    pub(super) fn new(field: &str, why: impl Into<String>) -> Self {
        Self { field: field.to_owned(), why: why.into() }
    }
}

/// Why a request is not proven to come from its provider.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refused {
    /// What carries the proof is absent.
    #[error("{place} is missing, so the request is not signed")]
    Missing {
        /// As `header x-hub-signature-256` or `query parameter signature`.
        place: String,
    },
    /// It is there twice, and which of them others read is anybody's guess.
    #[error("{place} is there twice")]
    Twice {
        /// As in [`Refused::Missing`].
        place: String,
    },
    /// It is not written as this kind writes it.
    #[error("{place} is not written as this kind of source writes it")]
    Malformed {
        /// As in [`Refused::Missing`].
        place: String,
    },
    /// The signature is another one.
    #[error(
        "the signature does not match: the secret is another one, or the body is not the bytes that were sent"
    )]
    Mismatch,
    /// It was signed too long ago.
    #[error("the timestamp is {seconds} s old, and {tolerance} s are tolerated")]
    TooOld {
        /// Its age.
        seconds: u64,
        /// What is tolerated.
        tolerance: u64,
    },
    /// It was signed in the future.
    #[error("the timestamp is {seconds} s in the future, and {tolerance} s are tolerated")]
    TooNew {
        /// How far ahead it is.
        seconds: u64,
        /// What is tolerated.
        tolerance: u64,
    },
    /// The token of a `token` source is absent, there twice, or another one.
    #[error("Incorrect token in {header} header.")]
    WrongToken {
        /// The header, as it is configured.
        header: String,
    },
    /// User name or password are others.
    #[error("the user name or the password is another one")]
    WrongPassword,
    /// A handshake with another token than the configured one.
    #[error("the handshake's verify token is another one than the source's verifyToken")]
    WrongVerifyToken,
    /// The scheme signs the URL, and it is not known which one was called.
    #[error("this kind signs the URL, and the public URL of this server is not known: configure it")]
    UnknownUrl,
    /// Sources of this kind send, and receive nothing.
    #[error("a source of this kind receives no requests")]
    ReceivesNothing,
}

impl Refused {
    /// The status to answer: 401, or 403 where a plain token is wrong.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::WrongToken { .. } | Self::WrongVerifyToken => 403,
            _ => 401,
        }
    }

    /// A stable word for logs and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing",
            Self::Twice { .. } => "twice",
            Self::Malformed { .. } => "malformed",
            Self::Mismatch => "mismatch",
            Self::TooOld { .. } => "too_old",
            Self::TooNew { .. } => "too_new",
            Self::WrongToken { .. } => "wrong_token",
            Self::WrongPassword => "wrong_password",
            Self::WrongVerifyToken => "wrong_verify_token",
            Self::UnknownUrl => "unknown_url",
            Self::ReceivesNothing => "receives_nothing",
        }
    }

    /// Whether `stamp` is near enough to `now`, both in seconds since 1970.
    pub(super) fn check_time(stamp: u64, now: i64, tolerance: u64) -> Result<(), Self> {
        let now = u64::try_from(now).unwrap_or(0);
        let seconds = stamp.abs_diff(now);
        if seconds <= tolerance {
            Ok(())
        } else if stamp < now {
            Err(Self::TooOld { seconds, tolerance })
        } else {
            Err(Self::TooNew { seconds, tolerance })
        }
    }
}

impl From<crate::VerifyError> for Refused {
    fn from(error: crate::VerifyError) -> Self {
        use crate::VerifyError as E;
        match error {
            E::MissingHeader { name } => Self::Missing { place: format!("header {name}") },
            E::BadId(_) => Self::Malformed { place: "the header with the message's id".to_owned() },
            E::BadTimestamp => Self::Malformed { place: "the header with the timestamp".to_owned() },
            E::TimestampTooOld { age_seconds, .. } => {
                Self::TooOld { seconds: age_seconds, tolerance: TOLERANCE_SECONDS }
            }
            E::TimestampTooNew { ahead_seconds, .. } => {
                Self::TooNew { seconds: ahead_seconds, tolerance: TOLERANCE_SECONDS }
            }
            E::NoUsableSignature => Self::Malformed { place: "the header with the signature".to_owned() },
            E::TooManySignatures | E::NoMatch => Self::Mismatch,
        }
    }
}

/// Why a request cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignError {
    /// The source has a public key, which only verifies: make it by
    /// [`SourceConfig::parse_signing`](super::SourceConfig::parse_signing).
    #[error("a public key cannot sign: give the private one")]
    PublicKey,
    /// The message's id is one that the scheme does not take.
    #[error(transparent)]
    Id(#[from] crate::MessageIdError),
    /// The scheme signs the URL, and none was given.
    #[error("this kind signs the URL: give it")]
    UnknownUrl,
    /// Requests of this kind carry no proof.
    #[error("requests of this kind are not signed")]
    Unsigned,
}
