//! Changes of event types.

use crate::catalog::{Catalog, TRIES};
use crate::domain::event_type::{EventType, EventTypeSettings};
use crate::domain::ids::OrganisationId;
use crate::domain::names::EventTypeName;
use crate::error::{Error, Thing};
use crate::store::write::{CatalogWrite, Changed};

impl Catalog {
    pub(crate) async fn event_type_create(
        &self,
        organisation: OrganisationId,
        name: EventTypeName,
        settings: EventTypeSettings,
    ) -> Result<EventType, Error> {
        let now = self.clock.now();
        let event_type = EventType { organisation, name, settings, created_at: now, updated_at: now };
        let write = CatalogWrite::EventTypeInsert(event_type.clone());
        match self.change(write, move |cache| cache.forget_event_types(organisation)).await? {
            Changed::Yes => Ok(event_type),
            _ => Err(Error::Taken { thing: Thing::EventType, field: "name" }),
        }
    }

    pub(crate) async fn event_type_update(
        &self,
        organisation: OrganisationId,
        name: &EventTypeName,
        mut change: impl FnMut(&mut EventTypeSettings) + Send,
    ) -> Result<EventType, Error> {
        let _turn = self.edits.lock().await;
        for _ in 0..TRIES {
            let all = self.event_types(organisation).await?;
            let before = all.get(name).ok_or(Error::NotFound(Thing::EventType))?;
            let mut after = before.clone();
            change(&mut after.settings);
            after.updated_at = self.change_time(before.updated_at);
            let unless_changed_since = before.updated_at;
            let write = CatalogWrite::EventTypeUpdate { event_type: after.clone(), unless_changed_since };
            let changed = self.change(write, move |cache| cache.forget_event_types(organisation)).await?;
            if changed == Changed::Yes {
                return Ok(after);
            }
        }
        Err(Error::Busy(Thing::EventType))
    }

    pub(crate) async fn event_type_delete(
        &self,
        organisation: OrganisationId,
        name: &EventTypeName,
    ) -> Result<(), Error> {
        let write = CatalogWrite::EventTypeDelete(organisation, name.clone());
        match self.change(write, move |cache| cache.forget_event_types(organisation)).await? {
            Changed::Yes => Ok(()),
            _ => Err(Error::NotFound(Thing::EventType)),
        }
    }
}
