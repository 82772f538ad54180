//! Access tokens: made, revoked, and recognised by the hash of their text.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::catalog::Catalog;
use crate::catalog::cache::Cache;
use crate::domain::ids::{ApplicationId, OrganisationId, TokenId};
use crate::domain::time::Timestamp;
use crate::domain::token::{Scope, Token};
use crate::error::{Error, Thing};
use crate::store::write::{CatalogWrite, Changed};

/// What a token's text begins with, so that scanners for leaked secrets can find it.
const PREFIX: &str = "hw_";
/// Random bytes in a token: so many that a fast hash is enough to keep it (there is nothing to guess).
const RANDOM_BYTES: usize = 32;
/// Tokens that expire in one batch.
const EXPIRE_SLICE: usize = 500;

impl Catalog {
    pub(crate) async fn token_create(
        &self,
        name: &str,
        scope: Scope,
        expires_at: Option<Timestamp>,
    ) -> Result<(Token, Zeroizing<String>), Error> {
        let text = new_text()?;
        let now = self.clock.now();
        let token = Token {
            id: self.ids.next(now).into(),
            name: name.to_owned(),
            scope,
            created_at: now,
            expires_at,
            revoked_at: None,
        };
        let write = CatalogWrite::TokenInsert { token: token.clone(), hash: hash(&text) };
        self.journal.change(write).await?;
        Ok((token, text))
    }

    pub(crate) async fn token_revoke(&self, organisation: OrganisationId, id: TokenId) -> Result<(), Error> {
        let write = CatalogWrite::TokenRevoke { organisation, id, now: self.clock.now() };
        match self.change(write, Cache::forget_tokens).await? {
            Changed::Yes => Ok(()),
            _ => Err(Error::NotFound(Thing::Token)),
        }
    }

    pub(crate) async fn tokens_expire(
        &self,
        organisation: OrganisationId,
        application: ApplicationId,
        after: Duration,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let ids = self.store.token_list_good(organisation, application, now).await?;
        for slice in ids.chunks(EXPIRE_SLICE) {
            let at = now.after(after);
            let write = CatalogWrite::TokensExpire { organisation, ids: slice.to_vec(), at };
            self.change(write, Cache::forget_tokens).await?;
        }
        Ok(())
    }

    pub(crate) async fn token_authenticate(&self, text: &str) -> Result<Option<Arc<Token>>, Error> {
        if !text.starts_with(PREFIX) {
            return Ok(None);
        }
        let now = self.clock.now();
        let token = self.cache.token(&self.store, hash(text), now).await?;
        Ok(token.filter(|token| token.is_good(now)))
    }
}

fn new_text() -> Result<Zeroizing<String>, Error> {
    let mut bytes = Zeroizing::new([0; RANDOM_BYTES]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| Error::Randomness)?;
    let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 2 * RANDOM_BYTES));
    text.push_str(PREFIX);
    for byte in bytes.iter() {
        for digit in [byte >> 4, byte & 0xf] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    Ok(text)
}

/// What is looked up instead of the text. The look-up's timing tells about the hash, from which the text cannot be found.
fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}
