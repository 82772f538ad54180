//! Decides whether a request is genuine.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ed25519_dalek::VerifyingKey;
use subtle::ConstantTimeEq;

use crate::error::{KeyError, VerifyError};
use crate::header::{Candidates, HeaderNames};
use crate::public_key::{self, PublicKey};
use crate::secret::{Kind, Secret};
use crate::standard::{self, Content, Keyed};

/// How far the time of signing may be from the receiver's, in either direction: five minutes, as in the
/// Standard Webhooks libraries.
pub const DEFAULT_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// Checks requests against one key or several. Make it once and share it.
#[derive(Clone)]
pub struct Verifier {
    keys: Vec<VerificationKey>,
    tolerance: Duration,
}

/// What a [`Verifier`] checks with: a shared secret or a public key.
#[derive(Clone)]
pub struct VerificationKey(CheckState);

#[derive(Clone)]
enum CheckState {
    V1(Keyed),
    V1a(VerifyingKey),
}

/// The values of the three headers, as they came.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// The message id.
    pub id: &'a [u8],
    /// The time of signing: seconds since 1970 in digits.
    pub timestamp: &'a [u8],
    /// The list of signatures.
    pub signature: &'a [u8],
}

/// What is known of a genuine request, besides its body.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// The message's id: the same in every attempt to deliver it, so it tells repeated deliveries.
    pub id: String,
    /// When this attempt was signed, in seconds since 1970.
    pub timestamp: u64,
}

impl Verifier {
    /// Checks with this key and the [`DEFAULT_TOLERANCE`].
    pub fn new(key: impl Into<VerificationKey>) -> Self {
        Self { keys: vec![key.into()], tolerance: DEFAULT_TOLERANCE }
    }

    /// Reads one key, or several separated by white space: `whsec_…`, `whpk_…`, base64 alone, `whsk_…`.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if there is none or one of them is not a key.
    pub fn parse(keys: &str) -> Result<Self, KeyError> {
        let mut keys = keys.split_whitespace().map(VerificationKey::from_str);
        let first = Self::new(keys.next().ok_or(KeyError::Missing)??);
        keys.try_fold(first, |verifier, key| Ok(verifier.with_key(key?)))
    }

    /// Accepts what this key signed as well, while a sender moves from one secret to the next.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<VerificationKey>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// How far the time of signing may be from now, in either direction, to the second and inclusive.
    ///
    /// `Duration::MAX` accepts any time, and with it every request that was ever recorded: only for tests.
    #[must_use]
    pub fn with_tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Checks a request that arrives now, by the system's clock.
    ///
    /// `header` gives the value of a header by its name in lower case, for any map of headers:
    /// `|name| headers.get(name)`. The `webhook-` headers are used if all three are there, else the `svix-`
    /// ones; they are never mixed. `body` is exactly the bytes that came.
    ///
    /// # Errors
    ///
    /// [`VerifyError`] says why the request is not proven genuine. Answer all of them alike.
    pub fn verify<V: AsRef<[u8]>>(
        &self,
        header: impl Fn(&'static str) -> Option<V>,
        body: &[u8],
    ) -> Result<Verified, VerifyError> {
        // A clock before 1970 makes every request too new, which is the truth.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        self.verify_at(header, body, now)
    }

    /// Like [`Verifier::verify`] at another time, `now` in seconds since 1970.
    ///
    /// # Errors
    ///
    /// As [`Verifier::verify`].
    pub fn verify_at<V: AsRef<[u8]>>(
        &self,
        header: impl Fn(&'static str) -> Option<V>,
        body: &[u8],
        now: u64,
    ) -> Result<Verified, VerifyError> {
        let mut missing = None;
        for names in HeaderNames::ALL {
            let wanted = [names.id(), names.timestamp(), names.signature()];
            let found = wanted.map(&header);
            if let [Some(id), Some(timestamp), Some(signature)] = &found {
                let parts =
                    Parts { id: id.as_ref(), timestamp: timestamp.as_ref(), signature: signature.as_ref() };
                return self.verify_parts(parts, body, now);
            }
            // The error names what is missing from the headers that the sender began to write.
            if missing.is_none() && found.iter().any(Option::is_some) {
                missing = wanted.iter().zip(&found).find(|(_, value)| value.is_none()).map(|(name, _)| *name);
            }
        }
        Err(VerifyError::MissingHeader { name: missing.unwrap_or(HeaderNames::Standard.id()) })
    }

    /// Checks header values that were taken out of the request before; `now` in seconds since 1970.
    ///
    /// # Errors
    ///
    /// [`VerifyError`], except for missing headers.
    pub fn verify_parts(&self, parts: Parts<'_>, body: &[u8], now: u64) -> Result<Verified, VerifyError> {
        standard::check_id(parts.id)?;
        let timestamp = standard::parse_timestamp(parts.timestamp).ok_or(VerifyError::BadTimestamp)?;
        // The timestamp goes in as it came, not as it was understood: what was signed is text.
        self.check_signature(Content::new(parts.id, parts.timestamp, body), parts.signature)?;
        // Only now: of what nobody signed nothing can be said, not even that it is old.
        self.check_timestamp(timestamp, now)?;
        Ok(Verified { id: parts.id.iter().map(|byte| char::from(*byte)).collect(), timestamp })
    }

    fn check_timestamp(&self, timestamp: u64, now: u64) -> Result<(), VerifyError> {
        let tolerance = self.tolerance;
        if timestamp.abs_diff(now) <= tolerance.as_secs() {
            Ok(())
        } else if timestamp < now {
            Err(VerifyError::TimestampTooOld { age_seconds: now - timestamp, tolerance })
        } else {
            Err(VerifyError::TimestampTooNew { ahead_seconds: timestamp - now, tolerance })
        }
    }

    fn check_signature(&self, content: Content<'_>, header: &[u8]) -> Result<(), VerifyError> {
        let candidates = Candidates::parse(header);
        let mut usable = false;
        for key in &self.keys {
            usable |= key.can_check(&candidates);
            if key.matches(content, &candidates) {
                return Ok(());
            }
        }
        Err(match (candidates.more, usable) {
            (true, _) => VerifyError::TooManySignatures,
            (false, true) => VerifyError::NoMatch,
            (false, false) => VerifyError::NoUsableSignature,
        })
    }
}

impl FromStr for Verifier {
    type Err = KeyError;

    /// See [`Verifier::parse`].
    fn from_str(keys: &str) -> Result<Self, Self::Err> {
        Self::parse(keys)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("keys", &self.keys).field("tolerance", &self.tolerance).finish()
    }
}

impl VerificationKey {
    fn can_check(&self, candidates: &Candidates) -> bool {
        match &self.0 {
            CheckState::V1(_) => !candidates.v1.is_empty(),
            CheckState::V1a(_) => !candidates.v1a.is_empty(),
        }
    }

    fn matches(&self, content: Content<'_>, candidates: &Candidates) -> bool {
        match &self.0 {
            // Without a candidate the body is not hashed at all, and with sixteen it is hashed once.
            CheckState::V1(_) if candidates.v1.is_empty() => false,
            CheckState::V1(keyed) => {
                let expected = keyed.sign(content);
                candidates.v1.iter().any(|candidate| expected.ct_eq(candidate).into())
            }
            CheckState::V1a(key) => {
                candidates.v1a.iter().any(|candidate| standard::matches_ed25519(key, content, candidate))
            }
        }
    }
}

impl FromStr for VerificationKey {
    type Err = KeyError;

    /// Reads one key: `whsec_…`, `whpk_…`, base64 alone (a shared secret), or `whsk_…` (its public half).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with(public_key::PREFIX) {
            Ok(PublicKey::parse(text)?.into())
        } else {
            Ok(Secret::parse(text)?.into())
        }
    }
}

impl From<&Secret> for VerificationKey {
    /// A shared secret checks itself; a private key is checked by its public half, which alone is kept.
    fn from(secret: &Secret) -> Self {
        match &secret.0 {
            Kind::Symmetric(bytes) => Self(CheckState::V1(Keyed::new(bytes))),
            Kind::Ed25519(key) => Self(CheckState::V1a(key.verifying_key())),
        }
    }
}

impl From<Secret> for VerificationKey {
    fn from(secret: Secret) -> Self {
        Self::from(&secret)
    }
}

impl From<PublicKey> for VerificationKey {
    fn from(key: PublicKey) -> Self {
        Self(CheckState::V1a(key.0))
    }
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            CheckState::V1(_) => f.write_str("VerificationKey(v1, redacted)"),
            CheckState::V1a(key) => write!(f, "VerificationKey(v1a, {:?})", PublicKey(*key)),
        }
    }
}
