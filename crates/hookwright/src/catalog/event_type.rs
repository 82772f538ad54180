//! Event types as messages need them, and changes of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use crate::catalog::{Catalog, TRIES};
use crate::domain::event_type::{EventType, EventTypeSettings};
use crate::domain::ids::OrganisationId;
use crate::domain::names::EventTypeName;
use crate::domain::payload_schema::PayloadSchema;
use crate::error::{Error, Thing};
use crate::store::write::{CatalogWrite, Changed};

/// An organisation's event types.
pub(super) struct EventTypes {
    pub(super) by_name: Arc<BTreeMap<EventTypeName, EventType>>,
    /// What payloads are checked against, compiled at the first message that needs it.
    schemas: HashMap<EventTypeName, OnceLock<Option<PayloadSchema>>>,
}

impl EventTypes {
    pub(super) fn new(all: Vec<EventType>) -> EventTypes {
        let validated = all.iter().filter(|event_type| event_type.settings.validated);
        let schemas = validated.map(|event_type| (event_type.name.clone(), OnceLock::new())).collect();
        let by_name = all.into_iter().map(|event_type| (event_type.name.clone(), event_type)).collect();
        EventTypes { by_name: Arc::new(by_name), schemas }
    }

    /// What payloads of this event type are checked against, if they are.
    fn schema(&self, name: &EventTypeName) -> Option<&PayloadSchema> {
        let compile = || {
            let schemas = self.by_name.get(name)?.settings.schemas.as_deref();
            // It could be compiled when it was stored. An older program's idea of it must not stop messages.
            PayloadSchema::compile(schemas)
                .inspect_err(|error| {
                    tracing::error!(event_type = name.as_str(), %error, "payloads are not checked against their schema");
                })
                .ok()
        };
        self.schemas.get(name)?.get_or_init(compile).as_ref()
    }
}

/// Payloads must be checkable if they are to be checked.
fn check_schemas(settings: &EventTypeSettings) -> Result<(), Error> {
    if settings.validated {
        PayloadSchema::compile(settings.schemas.as_deref())?;
    }
    Ok(())
}

impl Catalog {
    /// Fails if payloads of this event type are checked, and this one does not fit.
    pub(crate) async fn check_payload(
        &self,
        organisation: OrganisationId,
        event_type: &EventTypeName,
        payload: &[u8],
    ) -> Result<(), Error> {
        let event_types = self.cache.event_types(&self.store, organisation).await?;
        let Some(schema) = event_types.schema(event_type) else { return Ok(()) };
        match schema.violations(payload) {
            violations if violations.is_empty() => Ok(()),
            violations => Err(Error::PayloadRefused { event_type: event_type.clone(), violations }),
        }
    }

    pub(crate) async fn event_type_create(
        &self,
        organisation: OrganisationId,
        name: EventTypeName,
        settings: EventTypeSettings,
    ) -> Result<EventType, Error> {
        check_schemas(&settings)?;
        let now = self.clock.now();
        let event_type = EventType { organisation, name, settings, created_at: now, updated_at: now };
        let write = CatalogWrite::EventTypeInsert(event_type.clone());
        match self.change(write, move |cache| cache.forget_event_types(organisation)).await? {
            Changed::Yes => Ok(event_type),
            _ => Err(Error::Taken { thing: Thing::EventType, field: "name" }),
        }
    }

    /// Makes the event types that are not there, and offers those again that are archived.
    pub(crate) async fn event_types_ensure(
        &self,
        organisation: OrganisationId,
        names: Vec<EventTypeName>,
    ) -> Result<(), Error> {
        for name in names {
            match self.event_types(organisation).await?.get(&name).map(|known| known.settings.archived) {
                Some(false) => {}
                Some(true) => {
                    self.event_type_update(organisation, &name, |settings| settings.archived = false).await?;
                }
                None => {
                    self.event_type_create(organisation, name, EventTypeSettings::default()).await?;
                }
            }
        }
        Ok(())
    }

    pub(crate) async fn event_type_update(
        &self,
        organisation: OrganisationId,
        name: &EventTypeName,
        mut change: impl FnMut(&mut EventTypeSettings) + Send,
    ) -> Result<EventType, Error> {
        let _turn = self.turn().await?;
        for _ in 0..TRIES {
            let all = self.event_types_with(organisation, std::iter::once(name)).await?;
            let before = all.get(name).ok_or(Error::NotFound(Thing::EventType))?;
            let mut after = before.clone();
            change(&mut after.settings);
            check_schemas(&after.settings)?;
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
