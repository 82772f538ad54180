//! Calls about operational webhooks: an organisation's endpoints that are told what becomes of everybody's webhooks.

use std::time::Duration;

use hookwright_signature::Secret;

use crate::domain::endpoint::Endpoint;
use crate::domain::endpoint_edit::{EndpointEdit, EndpointRef, NewEndpoint};
use crate::domain::ids::{ApplicationId, EndpointId, OrganisationId};
use crate::domain::page::{Page, PageRequest};
use crate::error::{Error, Thing};
use crate::hooks::Hooks;
use crate::hooks::endpoint::given_or_fresh;
use crate::store::write::Append;

impl Hooks {
    /// Makes an endpoint for operational webhooks. Its event types are [`OPERATIONAL_EVENT_TYPES`]; no channels reach it.
    ///
    /// Fails as [`Hooks::endpoint_create`] does, but with [`Error::UnknownOperationalEventType`] for another event type.
    ///
    /// [`OPERATIONAL_EVENT_TYPES`]: crate::domain::operational::OPERATIONAL_EVENT_TYPES
    pub async fn operational_endpoint_create(
        &self,
        organisation: OrganisationId,
        new: NewEndpoint,
    ) -> Result<Endpoint, Error> {
        self.inner.policy.check_url(&new.settings.url)?;
        let application = self.inner.catalog.operational_ensure(organisation).await?;
        self.inner.catalog.endpoint_create(application, new, |_| Vec::new()).await
    }

    /// An endpoint for operational webhooks of this organisation.
    pub async fn operational_endpoint_get(
        &self,
        organisation: OrganisationId,
        endpoint: &EndpointRef,
    ) -> Result<Endpoint, Error> {
        let application = self.operational(organisation).await?;
        Ok(self.inner.catalog.endpoint(application, endpoint).await?.endpoint.clone())
    }

    /// An organisation's endpoints for operational webhooks, by id.
    pub async fn operational_endpoint_list(
        &self,
        organisation: OrganisationId,
        page: PageRequest<EndpointId>,
    ) -> Result<Page<Endpoint>, Error> {
        match self.inner.catalog.operational(organisation).await? {
            Some(entry) => self.inner.catalog.endpoint_list(entry.application.id, page).await,
            None => Ok(page.page(Vec::new())),
        }
    }

    /// Changes an endpoint for operational webhooks with `change`, which may be called more than once, on a newer state each time.
    ///
    /// Fails as [`Hooks::operational_endpoint_create`] does.
    pub async fn operational_endpoint_update(
        &self,
        organisation: OrganisationId,
        endpoint: &EndpointRef,
        change: impl FnMut(&mut EndpointEdit) + Send,
    ) -> Result<Endpoint, Error> {
        let application = self.operational(organisation).await?;
        let checked = self.checked(change);
        let changed = self.inner.catalog.endpoint_update(application, endpoint, checked, untold).await?;
        self.inner.dispatch.endpoint_changed(&changed);
        Ok(changed)
    }

    /// Deletes an endpoint for operational webhooks; what was on its way to it ends.
    pub async fn operational_endpoint_delete(
        &self,
        organisation: OrganisationId,
        endpoint: &EndpointRef,
    ) -> Result<(), Error> {
        let application = self.operational(organisation).await?;
        let id = self.inner.catalog.endpoint_delete(application, endpoint, |_| Vec::new()).await?;
        self.inner.dispatch.endpoint_deleted(application, id);
        Ok(())
    }

    /// Gives an endpoint for operational webhooks a new secret, a fresh one if `secret` is `None`; the old one signs beside it for
    /// `grace`.
    pub async fn operational_endpoint_rotate_secret(
        &self,
        organisation: OrganisationId,
        endpoint: &EndpointRef,
        secret: Option<Secret>,
        grace: Duration,
    ) -> Result<Endpoint, Error> {
        let application = self.operational(organisation).await?;
        let secret = given_or_fresh(secret)?;
        let changed =
            self.inner.catalog.endpoint_rotate_secret(application, endpoint, secret, grace, untold).await?;
        self.inner.dispatch.endpoint_changed(&changed);
        Ok(changed)
    }

    /// The application that holds them. One that is not there has no endpoint either.
    async fn operational(&self, organisation: OrganisationId) -> Result<ApplicationId, Error> {
        let entry = self.inner.catalog.operational(organisation).await?;
        entry.map(|entry| entry.application.id).ok_or(Error::NotFound(Thing::Endpoint))
    }
}

/// What is told of a change of such an endpoint: nothing, since it would be told to itself.
pub(super) fn untold(_: &Endpoint, _: &Endpoint) -> Vec<Append> {
    Vec::new()
}
