//! The application that holds an organisation's operational webhooks: made when its first endpoint is.

use std::sync::Arc;

use crate::catalog::{ApplicationEntry, Catalog};
use crate::domain::application::{Application, ApplicationSettings, Purpose};
use crate::domain::event_filter::EventFilter;
use crate::domain::ids::{ApplicationId, OrganisationId};
use crate::domain::names::EventTypeName;
use crate::domain::operational::OPERATIONAL_EVENT_TYPES;
use crate::error::{Error, Thing};
use crate::store::write::CatalogWrite;

/// What it is called where names of applications are shown.
const NAME: &str = "operational webhooks";

impl Catalog {
    /// The application that holds an organisation's operational webhooks, if it has any; from memory, but the first time.
    pub(crate) async fn operational(
        &self,
        organisation: OrganisationId,
    ) -> Result<Option<Arc<ApplicationEntry>>, Error> {
        match self.cache.operational(&self.store, organisation).await? {
            Some(id) => self.application_by_id(id).await,
            None => Ok(None),
        }
    }

    /// The same application, which is made if there is none.
    pub(crate) async fn operational_ensure(
        &self,
        organisation: OrganisationId,
    ) -> Result<ApplicationId, Error> {
        if let Some(id) = self.cache.operational(&self.store, organisation).await? {
            return Ok(id);
        }
        let now = self.clock.now();
        let settings = ApplicationSettings { name: NAME.to_owned(), ..ApplicationSettings::default() };
        let (id, purpose) = (self.ids.next(now).into(), Purpose::Operational);
        let made = Application { id, organisation, purpose, settings, created_at: now, updated_at: now };
        // Somebody else may have made it a moment ago: then that one counts.
        let write = CatalogWrite::ApplicationInsert(made);
        self.change(write, move |cache| cache.forget_operational(organisation)).await?;
        let there = self.cache.operational(&self.store, organisation).await?;
        there.ok_or(Error::NotFound(Thing::Application))
    }
}

/// Operational webhooks have event types of their own. No others will come, so that a wildcard must match one of them.
pub(super) fn check_event_types(event_types: &[EventFilter]) -> Result<(), Error> {
    let matches =
        |filter: &EventFilter, name: &str| EventTypeName::parse(name).is_ok_and(|name| filter.matches(&name));
    let is_unknown =
        |filter: &&EventFilter| !OPERATIONAL_EVENT_TYPES.iter().any(|name| matches(filter, name));
    match event_types.iter().find(is_unknown) {
        Some(unknown) => Err(Error::UnknownOperationalEventType(unknown.clone())),
        None => Ok(()),
    }
}
