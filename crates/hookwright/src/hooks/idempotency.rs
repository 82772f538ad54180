//! Calls that answer a repeated request as the first one was answered.

use std::time::Duration;

use chacha20poly1305::aead::Aead;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

use crate::domain::ids::OrganisationId;
use crate::domain::time::Timestamp;
use crate::error::Error;
use crate::hooks::Hooks;
use crate::store::read::KeptFor;
use crate::store::write::{KeptAnswer as StoredAnswer, RequestKey, Write};

/// How long a key that an SDK made up by itself is remembered: as long as it may retry.
const AUTOMATIC_KEY_TTL: Duration = Duration::from_secs(15 * 60);
/// How long a key that a user chose is remembered.
const CHOSEN_KEY_TTL: Duration = Duration::from_secs(12 * 3600);

/// Bytes of a nonce of XChaCha20-Poly1305: so many that random ones never meet.
const NONCE_BYTES: usize = 24;

/// The idempotency key of one request, bound to who sent it where.
pub struct IdempotencyKey {
    stored: RequestKey,
    /// Opens the kept answer; made from the key's text, which is not stored.
    seal: [u8; 32],
}

/// What is known of a request with an idempotency key.
#[derive(Debug, PartialEq, Eq)]
pub enum KeptAnswer {
    /// It is new.
    Nothing,
    /// It came before and was answered with these bytes.
    Repeated(Vec<u8>),
    /// Its key came before with another request.
    OtherRequest,
}

impl IdempotencyKey {
    /// The key `text` of a request by `organisation` with `method`, `path` and `body`, sent at `now`.
    pub fn new(
        organisation: OrganisationId,
        method: &str,
        path: &str,
        text: &str,
        body: &[u8],
        now: Timestamp,
    ) -> IdempotencyKey {
        let bound = |purpose: &[u8]| {
            let mut hash = Sha256::new();
            for part in
                [purpose, organisation.as_bytes(), method.as_bytes(), path.as_bytes(), text.as_bytes()]
            {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
            <[u8; 32]>::from(hash.finalize())
        };
        let ttl = if text.starts_with("auto_") { AUTOMATIC_KEY_TTL } else { CHOSEN_KEY_TTL };
        let stored = RequestKey {
            hash: half(bound(b"lookup")),
            request: half(Sha256::digest(body).into()),
            expires_at: now.after(ttl),
        };
        IdempotencyKey { stored, seal: bound(b"seal") }
    }

    /// What the store keeps of it; for [`Hooks::send`], which keeps the answer in the message's own commit.
    pub fn stored(&self) -> RequestKey {
        self.stored
    }

    /// The answer, sealed: a random nonce, and what only the key's text opens.
    fn sealed(&self, answer: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).ok()?;
        let cipher = XChaCha20Poly1305::new(&self.seal.into());
        let sealed = cipher.encrypt(&XNonce::from(nonce), answer).ok()?;
        Some([nonce.as_slice(), &sealed].concat())
    }

    /// The answer that was sealed with this key; `None` if it was sealed with another.
    fn opened(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        XChaCha20Poly1305::new(&self.seal.into()).decrypt(&XNonce::from(*nonce), sealed).ok()
    }
}

impl Hooks {
    /// What is known of a request with this key.
    pub async fn answer_kept(&self, key: &IdempotencyKey) -> Result<KeptAnswer, Error> {
        let kept = self.inner.store.answer_kept(key.stored, self.inner.clock.now()).await?;
        Ok(match kept {
            KeptFor::Nothing => KeptAnswer::Nothing,
            KeptFor::OtherRequest => KeptAnswer::OtherRequest,
            KeptFor::SameRequest(sealed) => {
                // What does not open was sealed for a request that merely hashes alike.
                key.opened(&sealed).map_or(KeptAnswer::OtherRequest, KeptAnswer::Repeated)
            }
        })
    }

    /// Keeps `answer` for those who repeat the request with this key.
    pub async fn answer_keep(&self, key: &IdempotencyKey, answer: &[u8]) -> Result<(), Error> {
        let sealed = key.sealed(answer).ok_or(Error::Randomness)?;
        let now = self.inner.clock.now();
        self.inner.journal.write(Write::KeepAnswer(StoredAnswer { key: key.stored, sealed, now })).await?;
        Ok(())
    }
}

fn half(hash: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    half
}
