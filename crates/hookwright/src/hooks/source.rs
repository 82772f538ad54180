//! Calls about sources: where inbound webhooks come from, and what comes.

use std::future::Future;
use std::time::Duration;

use hookwright_signature::Secret;

use crate::catalog::Confirmer;
use crate::deliver::BoxError;
use crate::domain::endpoint::Endpoint;
use crate::domain::endpoint_edit::{EndpointEdit, EndpointRef, NewEndpoint};
use crate::domain::ids::{ApplicationId, EndpointId, OrganisationId};
use crate::domain::inbound::{Inbound, ReceivedRequest};
use crate::domain::page::{Page, PageRequest};
use crate::domain::short_ids::{InboundId, SourceId};
use crate::domain::source::{SourceRef, SourceSettings, SourceWithToken};
use crate::error::Error;
use crate::hooks::Hooks;
use crate::hooks::endpoint::given_or_fresh;
use crate::hooks::operational::untold;
use crate::hooks::source_log::show;
use crate::receive::{Door, InboundHead, InboundReply};

impl Hooks {
    /// Makes a source, with a token for its URL.
    ///
    /// Fails with [`Error::SourceKind`] if there is no such kind or it cannot be verified, with [`Error::SourceConfig`] if that kind
    /// does not take this configuration, with [`Error::Taken`] if another of the organisation has its uid.
    pub async fn source_create(
        &self,
        organisation: OrganisationId,
        settings: SourceSettings,
    ) -> Result<SourceWithToken, Error> {
        self.check_confirm(&settings)?;
        self.inner.catalog.source_create(organisation, settings).await
    }

    /// A source of this organisation.
    pub async fn source_get(
        &self,
        organisation: OrganisationId,
        source: &SourceRef,
    ) -> Result<SourceWithToken, Error> {
        self.inner.catalog.source_get(organisation, source).await
    }

    /// An organisation's sources, by id.
    pub async fn source_list(
        &self,
        organisation: OrganisationId,
        page: PageRequest<SourceId>,
    ) -> Result<Page<SourceWithToken>, Error> {
        Ok(self.inner.store.source_list(organisation, page).await?)
    }

    /// Changes a source with `change`, which may be called more than once, on newer settings each time.
    ///
    /// Fails as [`Hooks::source_create`] does.
    pub async fn source_update(
        &self,
        organisation: OrganisationId,
        source: &SourceRef,
        mut change: impl FnMut(&mut SourceSettings) + Send,
    ) -> Result<SourceWithToken, Error> {
        // What it does to the settings as they are now; what it does to later ones is the same for what is looked at here.
        let mut settings = self.inner.catalog.source_get(organisation, source).await?.source.settings;
        let before = settings.confirm.clone();
        change(&mut settings);
        if settings.confirm != before {
            self.check_confirm(&settings)?;
        }
        self.inner.catalog.source_update(organisation, source, change).await
    }

    /// Deletes a source with its endpoints, its log and what was forwarded; nothing comes in at its URL from then on.
    pub async fn source_delete(&self, organisation: OrganisationId, source: &SourceRef) -> Result<(), Error> {
        self.inner.catalog.source_delete(organisation, source).await?;
        self.inner.maintenance.application_deleted();
        Ok(())
    }

    /// Gives a source another token for its URL; the one it had is good for `grace`.
    pub async fn source_rotate_token(
        &self,
        organisation: OrganisationId,
        source: &SourceRef,
        grace: Duration,
    ) -> Result<SourceWithToken, Error> {
        self.inner.catalog.source_rotate_token(organisation, source, grace).await
    }

    /// The requests that came to a source, by id.
    pub async fn source_log(
        &self,
        organisation: OrganisationId,
        source: &SourceRef,
        page: PageRequest<InboundId>,
    ) -> Result<Page<Inbound>, Error> {
        let application = self.forwarding(organisation, source).await?;
        let mut log = self.inner.store.inbound_list(application, page).await?;
        log.items.iter_mut().for_each(show);
        Ok(log)
    }

    /// Begins to take a request to a source, before its body is read: lets it in, or says what to answer.
    ///
    /// Nothing but its token, its method and how many come decides. Fails if the database cannot be used.
    pub async fn source_open<'a>(
        &'a self,
        head: InboundHead<'a>,
    ) -> Result<Result<Door<'a>, InboundReply>, Error> {
        self.inner.publisher.is_open()?;
        self.inner.receiver.open(head).await
    }

    /// Makes an endpoint that a source forwards to. Any event types can be filtered by.
    ///
    /// Fails as [`Hooks::endpoint_create`] does.
    pub async fn source_endpoint_create(
        &self,
        organisation: OrganisationId,
        source: &SourceRef,
        new: NewEndpoint,
    ) -> Result<Endpoint, Error> {
        let application = self.forwarding(organisation, source).await?;
        self.inner.policy.check_url(&new.settings.url)?;
        self.inner.catalog.endpoint_create(application, new, |_| Vec::new()).await
    }

    /// An endpoint of a source.
    pub async fn source_endpoint_get(
        &self,
        organisation: OrganisationId,
        source: &SourceRef,
        endpoint: &EndpointRef,
    ) -> Result<Endpoint, Error> {
        let application = self.forwarding(organisation, source).await?;
        Ok(self.inner.catalog.endpoint(application, endpoint).await?.endpoint.clone())
    }

    /// A source's endpoints, by id.
    pub async fn source_endpoint_list(
        &self,
        organisation: OrganisationId,
        source: &SourceRef,
        page: PageRequest<EndpointId>,
    ) -> Result<Page<Endpoint>, Error> {
        let application = self.forwarding(organisation, source).await?;
        self.inner.catalog.endpoint_list(application, page).await
    }

    /// Changes an endpoint of a source with `change`, which may be called more than once, on a newer state each time.
    ///
    /// Fails as [`Hooks::source_endpoint_create`] does.
    pub async fn source_endpoint_update(
        &self,
        organisation: OrganisationId,
        source: &SourceRef,
        endpoint: &EndpointRef,
        change: impl FnMut(&mut EndpointEdit) + Send,
    ) -> Result<Endpoint, Error> {
        let application = self.forwarding(organisation, source).await?;
        let checked = self.checked(change);
        let changed = self.inner.catalog.endpoint_update(application, endpoint, checked, untold).await?;
        self.inner.dispatch.endpoint_changed(&changed);
        Ok(changed)
    }

    /// Deletes an endpoint of a source; what was on its way to it ends.
    pub async fn source_endpoint_delete(
        &self,
        organisation: OrganisationId,
        source: &SourceRef,
        endpoint: &EndpointRef,
    ) -> Result<(), Error> {
        let application = self.forwarding(organisation, source).await?;
        let id = self.inner.catalog.endpoint_delete(application, endpoint, |_| Vec::new()).await?;
        self.inner.dispatch.endpoint_deleted(application, id);
        Ok(())
    }

    /// Gives an endpoint of a source a new secret, a fresh one if `secret` is `None`; the old one signs beside it for `grace`.
    pub async fn source_endpoint_rotate_secret(
        &self,
        organisation: OrganisationId,
        source: &SourceRef,
        endpoint: &EndpointRef,
        secret: Option<Secret>,
        grace: Duration,
    ) -> Result<Endpoint, Error> {
        let application = self.forwarding(organisation, source).await?;
        let secret = given_or_fresh(secret)?;
        let changed =
            self.inner.catalog.endpoint_rotate_secret(application, endpoint, secret, grace, untold).await?;
        self.inner.dispatch.endpoint_changed(&changed);
        Ok(changed)
    }

    /// Has `confirm` say of each request to a source, before it is forwarded, whether it is true, in the place of the source's own
    /// `confirm`.
    ///
    /// It is called off the request's path, with what the log has of the request. An error, or no answer within a minute, is no answer:
    /// it is called again on the schedule of retries. It may be called again for a request that it has answered for, after a crash. Set
    /// it at each start: it is not kept, and what came while it was set waits for it.
    pub fn confirm_source<F, E>(
        &self,
        source: SourceId,
        confirm: impl Fn(ReceivedRequest) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Result<bool, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        self.inner.catalog.confirmers().set(source, Confirmer::new(confirm));
    }

    /// Whether the address policy lets a source's sender be asked where it says.
    fn check_confirm(&self, settings: &SourceSettings) -> Result<(), Error> {
        let Some(confirm) = &settings.confirm else { return Ok(()) };
        self.inner
            .policy
            .check_url(&confirm.url.example())
            .map_err(|why| Error::SourceSetting { field: "confirm", why: why.to_string() })
    }

    /// The application that holds what a source forwards.
    pub(super) async fn forwarding(
        &self,
        organisation: OrganisationId,
        source: &SourceRef,
    ) -> Result<ApplicationId, Error> {
        Ok(self.inner.catalog.source_get(organisation, source).await?.source.application)
    }
}
