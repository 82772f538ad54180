//! Calls about applications.

use crate::domain::application::{Application, ApplicationRef, ApplicationSettings};
use crate::domain::ids::{ApplicationId, OrganisationId};
use crate::domain::page::{Page, PageRequest, Searched};
use crate::error::Error;
use crate::hooks::Hooks;
use crate::store::read::{ApplicationFilter, SearchBudget};

const SEARCH_BUDGET: SearchBudget = SearchBudget { applications: 10_000, endpoints: 50_000 };

impl Hooks {
    /// Makes an application. Fails with [`Error::Taken`] if another of the organisation has its uid.
    pub async fn application_create(
        &self,
        organisation: OrganisationId,
        settings: ApplicationSettings,
    ) -> Result<Application, Error> {
        self.inner.catalog.application_create(organisation, settings).await
    }

    /// An application of this organisation.
    pub async fn application_get(
        &self,
        organisation: OrganisationId,
        application: &ApplicationRef,
    ) -> Result<Application, Error> {
        Ok(self.inner.catalog.application(organisation, application).await?.application.clone())
    }

    /// An organisation's applications, by id.
    pub async fn application_list(
        &self,
        organisation: OrganisationId,
        page: PageRequest<ApplicationId>,
    ) -> Result<Page<Application>, Error> {
        Ok(self.inner.store.application_list(organisation, page).await?)
    }

    /// An organisation's applications that `filter` leaves, by id.
    ///
    /// Looks at 10,000 applications and 50,000 of their endpoints at most, so that its cost is bounded; if the page is not full
    /// by then, the answer says where the search stopped.
    pub async fn application_search(
        &self,
        organisation: OrganisationId,
        filter: ApplicationFilter,
        page: PageRequest<ApplicationId>,
    ) -> Result<Searched<Application, ApplicationId>, Error> {
        Ok(self.inner.store.application_search(organisation, filter, SEARCH_BUDGET, page).await?)
    }

    /// Changes an application's settings with `change`, which may be called more than once, on newer settings each time.
    pub async fn application_update(
        &self,
        organisation: OrganisationId,
        application: &ApplicationRef,
        change: impl FnMut(&mut ApplicationSettings) + Send,
    ) -> Result<Application, Error> {
        let changed = self.inner.catalog.application_update(organisation, application, change).await?;
        self.inner.dispatch.application_changed(&changed);
        Ok(changed)
    }

    /// Deletes an application with its endpoints, messages and attempts.
    ///
    /// When this returns nobody reads anything of it any more. Its rows are removed at once, a few at a time, and then they
    /// are in the database's files no longer.
    pub async fn application_delete(
        &self,
        organisation: OrganisationId,
        application: &ApplicationRef,
    ) -> Result<(), Error> {
        self.inner.catalog.application_delete(organisation, application).await?;
        self.inner.maintenance.application_deleted();
        Ok(())
    }
}
