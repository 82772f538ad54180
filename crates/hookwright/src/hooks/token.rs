//! Calls about access tokens.

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::domain::ids::{ApplicationId, OrganisationId, TokenId};
use crate::domain::names::SessionId;
use crate::domain::page::{Page, PageRequest};
use crate::domain::token::{Token, TokenChange, TokenFilter, TokenSettings};
use crate::error::{Error, Thing};
use crate::hooks::Hooks;

/// A token that was just made, with the text that proves it: the only time it is shown.
pub struct NewToken {
    /// What is kept of it.
    pub token: Token,
    /// The text to send as `Authorization: Bearer …`.
    pub text: Zeroizing<String>,
}

impl Hooks {
    /// Makes an access token. What its scope cannot do is left out of its capabilities.
    pub async fn token_create(&self, settings: TokenSettings) -> Result<NewToken, Error> {
        let (token, text) = self.inner.catalog.token_create(settings).await?;
        Ok(NewToken { token, text })
    }

    /// A token of this organisation, also one that is good for nothing any more.
    pub async fn token_get(&self, organisation: OrganisationId, id: TokenId) -> Result<Token, Error> {
        self.inner.store.token_get(organisation, id).await?.ok_or(Error::NotFound(Thing::Token))
    }

    /// An organisation's tokens, by id, also those that are good for nothing any more.
    pub async fn token_list(
        &self,
        organisation: OrganisationId,
        filter: TokenFilter,
        page: PageRequest<TokenId>,
    ) -> Result<Page<Token>, Error> {
        Ok(self.inner.store.token_list(organisation, filter, page).await?)
    }

    /// Changes a token and gives it as it is then: at once on this node and within seconds on others.
    pub async fn token_update(
        &self,
        organisation: OrganisationId,
        id: TokenId,
        change: TokenChange,
    ) -> Result<Token, Error> {
        self.inner.catalog.token_update(organisation, id, change).await?;
        self.token_get(organisation, id).await
    }

    /// Makes a token good for nothing, at once on this node and within seconds on others.
    pub async fn token_revoke(&self, organisation: OrganisationId, id: TokenId) -> Result<(), Error> {
        self.inner.catalog.token_revoke(organisation, id).await
    }

    /// Makes a token good for nothing once `after` has passed, unless it ends earlier by itself.
    pub async fn token_expire(
        &self,
        organisation: OrganisationId,
        id: TokenId,
        after: Duration,
    ) -> Result<(), Error> {
        self.inner.catalog.token_expire(organisation, id, after).await
    }

    /// Makes the tokens for this application good for nothing once `after` has passed, those that are good now: all of them, or
    /// those that were made for one of these `sessions` if there are any.
    pub async fn tokens_expire(
        &self,
        organisation: OrganisationId,
        application: ApplicationId,
        sessions: &[SessionId],
        after: Duration,
    ) -> Result<(), Error> {
        self.inner.catalog.tokens_expire(organisation, application, sessions, after).await
    }

    /// The token that `text` proves, if it is good now.
    pub async fn token_authenticate(&self, text: &str) -> Result<Option<Arc<Token>>, Error> {
        self.inner.catalog.token_authenticate(text).await
    }
}
