//! Makes the value of the signature header.

use std::fmt;
use std::io::Write;

use ed25519_dalek::SigningKey;

use crate::encoding;
use crate::error::MessageIdError;
use crate::secret::{Kind, Secret};
use crate::standard::{self, Content, Keyed, Version};

/// Signs with one secret, or with several while receivers move from one to the next.
///
/// Keep it: the work on the keys is done once, and signing then only reads the body.
#[derive(Clone)]
pub struct Signer {
    // Never empty, so no message leaves unsigned.
    keys: Vec<SigningState>,
}

#[derive(Clone)]
enum SigningState {
    V1(Keyed),
    V1a(SigningKey),
}

/// Signs once: the value of the signature header, `v1,…` or `v1a,…`. To sign often, keep a [`Signer`].
///
/// `timestamp` is in seconds since 1970 and must be the one sent; `body` is exactly the bytes sent.
///
/// # Errors
///
/// [`MessageIdError`] if `id` is empty, longer than 256 bytes, or not visible ASCII without a full stop.
pub fn sign(secret: &Secret, id: &str, timestamp: u64, body: &[u8]) -> Result<String, MessageIdError> {
    Signer::new(secret).sign(id, timestamp, body)
}

impl Signer {
    /// A signer with one secret.
    #[must_use]
    pub fn new(secret: &Secret) -> Self {
        Self { keys: vec![SigningState::new(secret)] }
    }

    /// Signs with this secret as well; its signature comes last. Begin with the newest: receivers try the
    /// signatures in order, and look at no more than [`MAX_SIGNATURES`](crate::MAX_SIGNATURES).
    #[must_use]
    pub fn with_secret(mut self, secret: &Secret) -> Self {
        self.keys.push(SigningState::new(secret));
        self
    }

    /// The value of the signature header: one entry for each secret.
    ///
    /// `timestamp` is in seconds since 1970 and must be the one sent; `body` is exactly the bytes sent.
    ///
    /// # Errors
    ///
    /// [`MessageIdError`] if `id` is empty, longer than 256 bytes, or not visible ASCII without a full stop.
    pub fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> Result<String, MessageIdError> {
        let mut header = String::with_capacity(self.keys.iter().map(SigningState::entry_length).sum());
        self.sign_into(&mut header, id, timestamp, body)?;
        Ok(header)
    }

    /// Like [`Signer::sign`], appending to `header`: a buffer that is used again spares the allocation. If it
    /// is not empty, a space comes first.
    ///
    /// # Errors
    ///
    /// As [`Signer::sign`]; `header` is then unchanged.
    pub fn sign_into(
        &self,
        header: &mut String,
        id: &str,
        timestamp: u64,
        body: &[u8],
    ) -> Result<(), MessageIdError> {
        standard::check_id(id.as_bytes())?;
        let mut digits = [0; standard::TIMESTAMP_MAX_DIGITS];
        let content = Content::new(id.as_bytes(), decimal(timestamp, &mut digits), body);
        for key in &self.keys {
            if !header.is_empty() {
                header.push(' ');
            }
            header.push_str(key.version().as_str());
            header.push(',');
            match key {
                SigningState::V1(keyed) => encoding::append(&keyed.sign(content), header),
                SigningState::V1a(key) => encoding::append(&standard::sign_ed25519(key, content), header),
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions = self.keys.iter().map(SigningState::version);
        f.debug_list().entries(versions).finish()
    }
}

impl SigningState {
    fn new(secret: &Secret) -> Self {
        match &secret.0 {
            Kind::Symmetric(bytes) => Self::V1(Keyed::new(bytes)),
            Kind::Ed25519(key) => Self::V1a(key.clone()),
        }
    }

    fn version(&self) -> Version {
        match self {
            Self::V1(_) => Version::V1,
            Self::V1a(_) => Version::V1a,
        }
    }

    /// Space, version, comma and base64.
    fn entry_length(&self) -> usize {
        match self {
            Self::V1(_) => " v1,".len() + standard::V1_BYTES.div_ceil(3) * 4,
            Self::V1a(_) => " v1a,".len() + standard::V1A_BYTES.div_ceil(3) * 4,
        }
    }
}

/// Writes `number` to the buffer, which fits every `u64`, without allocating.
fn decimal(number: u64, buffer: &mut [u8; standard::TIMESTAMP_MAX_DIGITS]) -> &[u8] {
    let mut rest = buffer.as_mut_slice();
    // Cannot fail: the buffer holds the longest number.
    let _ = write!(rest, "{number}");
    let unused = rest.len();
    &buffer[..standard::TIMESTAMP_MAX_DIGITS - unused]
}
