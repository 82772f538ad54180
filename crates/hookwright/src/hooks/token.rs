//! Calls about access tokens.

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::domain::ids::{ApplicationId, OrganisationId, TokenId};
use crate::domain::time::Timestamp;
use crate::domain::token::{Scope, Token};
use crate::error::Error;
use crate::hooks::Hooks;

/// A token that was just made, with the text that proves it: the only time it is shown.
pub struct NewToken {
    /// What is kept of it.
    pub token: Token,
    /// The text to send as `Authorization: Bearer …`.
    pub text: Zeroizing<String>,
}

impl Hooks {
    /// Makes an access token.
    pub async fn token_create(
        &self,
        name: &str,
        scope: Scope,
        expires_at: Option<Timestamp>,
    ) -> Result<NewToken, Error> {
        let (token, text) = self.inner.catalog.token_create(name, scope, expires_at).await?;
        Ok(NewToken { token, text })
    }

    /// An organisation's tokens, oldest first, the revoked ones too.
    pub async fn token_list(&self, organisation: OrganisationId) -> Result<Vec<Token>, Error> {
        Ok(self.inner.store.token_list(organisation).await?)
    }

    /// Makes a token good for nothing, at once on this node and within seconds on others.
    pub async fn token_revoke(&self, organisation: OrganisationId, id: TokenId) -> Result<(), Error> {
        self.inner.catalog.token_revoke(organisation, id).await
    }

    /// Makes all tokens for this application good for nothing once `after` has passed, those that are good now.
    pub async fn tokens_expire(
        &self,
        organisation: OrganisationId,
        application: ApplicationId,
        after: Duration,
    ) -> Result<(), Error> {
        self.inner.catalog.tokens_expire(organisation, application, after).await
    }

    /// The token that `text` proves, if it is good now.
    pub async fn token_authenticate(&self, text: &str) -> Result<Option<Arc<Token>>, Error> {
        self.inner.catalog.token_authenticate(text).await
    }
}
