//! Access tokens: made, revoked, and recognised by the hash of their text.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::catalog::Catalog;
use crate::catalog::cache::Cache;
use crate::domain::ids::{ApplicationId, OrganisationId, TokenId};
use crate::domain::names::SessionId;
use crate::domain::token::{RANDOM_BYTES, TEXT_PREFIX, Token, TokenChange, TokenSettings};
use crate::error::{Error, Thing};
use crate::store::write::{CatalogWrite, Changed};

/// Tokens that expire in one batch.
const EXPIRE_SLICE: usize = 500;

const MISSING: Error = Error::NotFound(Thing::Token);

impl Catalog {
    pub(crate) async fn token_create(
        &self,
        mut settings: TokenSettings,
    ) -> Result<(Token, Zeroizing<String>), Error> {
        settings.capabilities = settings.capabilities.within(settings.scope.capabilities());
        let text = random_text(TEXT_PREFIX)?;
        let now = self.clock.now();
        let token = Token { id: self.ids.next(now).into(), settings, created_at: now, revoked_at: None };
        let write = CatalogWrite::TokenInsert { token: token.clone(), hash: hash(&text) };
        self.journal.change(write).await?;
        Ok((token, text))
    }

    pub(crate) async fn token_update(
        &self,
        organisation: OrganisationId,
        id: TokenId,
        mut change: TokenChange,
    ) -> Result<(), Error> {
        if let Some(capabilities) = &mut change.capabilities {
            let token = self.store.token_get(organisation, id).await?.ok_or(MISSING)?;
            *capabilities = capabilities.within(token.settings.scope.capabilities());
        }
        self.change_token(CatalogWrite::TokenUpdate { organisation, id, change }).await
    }

    pub(crate) async fn token_revoke(&self, organisation: OrganisationId, id: TokenId) -> Result<(), Error> {
        self.change_token(CatalogWrite::TokenRevoke { organisation, id, now: self.clock.now() }).await
    }

    pub(crate) async fn token_expire(
        &self,
        organisation: OrganisationId,
        id: TokenId,
        after: Duration,
    ) -> Result<(), Error> {
        let at = self.clock.now().after(after);
        self.change_token(CatalogWrite::TokensExpire { organisation, ids: vec![id], at }).await
    }

    pub(crate) async fn tokens_expire(
        &self,
        organisation: OrganisationId,
        application: ApplicationId,
        sessions: &[SessionId],
        after: Duration,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let sessions: HashSet<&SessionId> = sessions.iter().collect();
        let good = self.store.token_list_good(organisation, application, now).await?;
        let of_sessions = |(id, session): (TokenId, Option<SessionId>)| {
            let ends = sessions.is_empty() || session.is_some_and(|session| sessions.contains(&session));
            ends.then_some(id)
        };
        let ids: Vec<TokenId> = good.into_iter().filter_map(of_sessions).collect();
        for slice in ids.chunks(EXPIRE_SLICE) {
            let at = now.after(after);
            let write = CatalogWrite::TokensExpire { organisation, ids: slice.to_vec(), at };
            self.change(write, Cache::forget_tokens).await?;
        }
        Ok(())
    }

    pub(crate) async fn token_authenticate(&self, text: &str) -> Result<Option<Arc<Token>>, Error> {
        if !text.starts_with(TEXT_PREFIX) {
            return Ok(None);
        }
        let now = self.clock.now();
        let token = self.cache.token(&self.store, hash(text), now).await?;
        Ok(token.filter(|token| token.is_good(now)))
    }

    async fn change_token(&self, write: CatalogWrite) -> Result<(), Error> {
        match self.change(write, Cache::forget_tokens).await? {
            Changed::Yes => Ok(()),
            _ => Err(MISSING),
        }
    }
}

/// A text that cannot be guessed, behind this prefix.
pub(crate) fn random_text(prefix: &str) -> Result<Zeroizing<String>, Error> {
    let mut bytes = Zeroizing::new([0; RANDOM_BYTES]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| Error::Randomness)?;
    let mut text = Zeroizing::new(String::with_capacity(prefix.len() + 2 * RANDOM_BYTES));
    text.push_str(prefix);
    for byte in bytes.iter() {
        for digit in [byte >> 4, byte & 0xf] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    Ok(text)
}

/// What is looked up instead of the text. The look-up's timing tells about the hash, from which the text cannot be found.
pub(crate) fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}
