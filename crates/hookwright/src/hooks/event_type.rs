//! Calls about event types.

use std::sync::Arc;

use crate::domain::event_type::{EventType, EventTypeSettings};
use crate::domain::ids::OrganisationId;
use crate::domain::names::EventTypeName;
use crate::error::{Error, Thing};
use crate::hooks::Hooks;

impl Hooks {
    /// Makes an event type. Fails with [`Error::Taken`] if the organisation has one of that name, with [`Error::Schema`] if
    /// payloads are to be checked against a schema that cannot be used.
    pub async fn event_type_create(
        &self,
        organisation: OrganisationId,
        name: EventTypeName,
        settings: EventTypeSettings,
    ) -> Result<EventType, Error> {
        self.inner.catalog.event_type_create(organisation, name, settings).await
    }

    /// An event type of this organisation.
    pub async fn event_type_get(
        &self,
        organisation: OrganisationId,
        name: &EventTypeName,
    ) -> Result<EventType, Error> {
        let all = self.inner.catalog.event_types_with(organisation, std::iter::once(name)).await?;
        all.get(name).cloned().ok_or(Error::NotFound(Thing::EventType))
    }

    /// All event types of an organisation, by name. There are few, and they are kept in memory.
    pub async fn event_types(
        &self,
        organisation: OrganisationId,
    ) -> Result<Arc<std::collections::BTreeMap<EventTypeName, EventType>>, Error> {
        self.inner.catalog.event_types(organisation).await
    }

    /// Changes an event type's settings with `change`, which may be called more than once, on newer settings each time.
    pub async fn event_type_update(
        &self,
        organisation: OrganisationId,
        name: &EventTypeName,
        change: impl FnMut(&mut EventTypeSettings) + Send,
    ) -> Result<EventType, Error> {
        self.inner.catalog.event_type_update(organisation, name, change).await
    }

    /// Removes an event type for good; endpoints that filter by it keep their filter.
    pub async fn event_type_delete(
        &self,
        organisation: OrganisationId,
        name: &EventTypeName,
    ) -> Result<(), Error> {
        self.inner.catalog.event_type_delete(organisation, name).await
    }
}
