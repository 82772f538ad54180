//! Calls about endpoints.

use std::time::Duration;

use hookwright_signature::Secret;

use crate::domain::endpoint::Endpoint;
use crate::domain::endpoint_edit::{EndpointEdit, EndpointRef, NewEndpoint};
use crate::domain::ids::{ApplicationId, EndpointId};
use crate::domain::page::{Page, PageRequest};
use crate::domain::time::Timestamp;
use crate::error::Error;
use crate::hooks::Hooks;
use crate::store::read::{EndpointStats, StatsSpan};

/// Rows of a kind that statistics count at most.
const COUNTED_MAX: u32 = 10_000;

impl Hooks {
    /// Makes an endpoint.
    ///
    /// Fails with [`Error::Url`] if its URL may not be called, with [`Error::UnknownEventType`] if it filters by an event type
    /// that is not registered, with [`Error::Taken`] if another of the application has its uid.
    pub async fn endpoint_create(
        &self,
        application: ApplicationId,
        new: NewEndpoint,
    ) -> Result<Endpoint, Error> {
        self.inner.policy.check_url(&new.settings.url)?;
        self.inner.catalog.endpoint_create(application, new).await
    }

    /// Whether an endpoint may have this URL; what its host name leads to is checked at each attempt.
    ///
    /// Fails with [`Error::Url`] if it may not.
    pub fn check_url(&self, url: &str) -> Result<(), Error> {
        Ok(self.inner.policy.check_url(url)?)
    }

    /// An endpoint of this application.
    pub async fn endpoint_get(
        &self,
        application: ApplicationId,
        endpoint: &EndpointRef,
    ) -> Result<Endpoint, Error> {
        Ok(self.inner.catalog.endpoint(application, endpoint).await?.endpoint.clone())
    }

    /// An application's endpoints, by id.
    pub async fn endpoint_list(
        &self,
        application: ApplicationId,
        page: PageRequest<EndpointId>,
    ) -> Result<Page<Endpoint>, Error> {
        self.inner.catalog.endpoint_list(application, page).await
    }

    /// Changes an endpoint with `change`, which may be called more than once, on a newer state each time.
    ///
    /// Fails as [`Hooks::endpoint_create`] does.
    pub async fn endpoint_update(
        &self,
        application: ApplicationId,
        endpoint: &EndpointRef,
        mut change: impl FnMut(&mut EndpointEdit) + Send,
    ) -> Result<Endpoint, Error> {
        let policy = &self.inner.policy;
        let checked = |edit: &mut EndpointEdit| {
            let url = edit.settings.url.clone();
            change(edit);
            // A URL that was taken once is checked again at each attempt; here only a new one is.
            if edit.settings.url == url {
                Ok(())
            } else {
                policy.check_url(&edit.settings.url).map_err(Error::from)
            }
        };
        let changed = self.inner.catalog.endpoint_update(application, endpoint, checked).await?;
        self.inner.dispatch.endpoint_changed(&changed);
        Ok(changed)
    }

    /// How an endpoint has been doing from `since` up to, but not including, `until`.
    ///
    /// Counts at most the newest 10,000 attempts and 10,000 pending messages, and says if there are more: the cost is bounded.
    pub async fn endpoint_stats(
        &self,
        application: ApplicationId,
        endpoint: EndpointId,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<EndpointStats, Error> {
        let span = StatsSpan { since, until, limit: COUNTED_MAX };
        Ok(self.inner.store.endpoint_stats(application, endpoint, span).await?)
    }

    /// Deletes an endpoint; what was on its way to it ends.
    pub async fn endpoint_delete(
        &self,
        application: ApplicationId,
        endpoint: &EndpointRef,
    ) -> Result<(), Error> {
        let id = self.inner.catalog.endpoint_delete(application, endpoint).await?;
        self.inner.dispatch.endpoint_deleted(application, id);
        Ok(())
    }

    /// Gives an endpoint a new secret, a fresh one if `secret` is `None`; the old one signs beside it for `grace`.
    pub async fn endpoint_rotate_secret(
        &self,
        application: ApplicationId,
        endpoint: &EndpointRef,
        secret: Option<Secret>,
        grace: Duration,
    ) -> Result<Endpoint, Error> {
        let secret = match secret {
            Some(secret) => secret,
            None => Secret::generate().map_err(|_| Error::Randomness)?,
        };
        let changed = self.inner.catalog.endpoint_rotate_secret(application, endpoint, secret, grace).await?;
        self.inner.dispatch.endpoint_changed(&changed);
        Ok(changed)
    }
}
