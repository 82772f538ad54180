//! What a change of what is configured makes old on other nodes.

use crate::domain::application::Purpose;
use crate::domain::ids::{ApplicationId, EndpointId, MessageId, OrganisationId};
use crate::domain::short_ids::SourceId;
use crate::domain::time::Timestamp;
use crate::store::write::{CatalogWrite, Write};

/// What is to be forgotten, and told to those whose deliveries it concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing that anybody has in memory.
    Nothing,
    /// An application's settings, or that it is there.
    Application(ApplicationId),
    /// An endpoint is new, or another.
    Endpoint(ApplicationId, EndpointId),
    /// An endpoint is disabled or deleted: what was accepted for it until then ends.
    EndpointOff(ApplicationId, EndpointId, Timestamp),
    /// Which application holds an organisation's operational webhooks.
    Operational(OrganisationId),
    /// An organisation's event types.
    EventTypes(OrganisationId),
    /// A source, its tokens, and the application that holds its endpoints, if that goes with it.
    Source(SourceId, Option<ApplicationId>),
    /// Tokens.
    Tokens,
    /// A message's payload was removed.
    Expunged(ApplicationId, MessageId),
}

/// Whose change it was, and what it makes old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) change: Change,
    /// Whether this node made it, and has told its lanes.
    pub(crate) is_own: bool,
}

#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite has one node"))]
impl Change {
    /// What a write makes old if it takes effect; `None` if it concerns nothing that is in the memory of others.
    pub(crate) fn of(write: &Write) -> Option<Change> {
        match write {
            Write::Catalog(write) => Some(Change::of_catalog(write)),
            Write::ExpungeMessage { application, message, .. } => {
                Some(Change::Expunged(*application, *message))
            }
            _ => None,
        }
    }

    fn of_catalog(write: &CatalogWrite) -> Change {
        match write {
            // That something is not there is kept in memory of one thing alone.
            CatalogWrite::ApplicationInsert(new) if new.purpose == Purpose::Operational => {
                Change::Operational(new.organisation)
            }
            CatalogWrite::OrganisationEnsure(..)
            | CatalogWrite::ApplicationInsert(_)
            | CatalogWrite::TokenInsert { .. } => Change::Nothing,
            CatalogWrite::ApplicationUpdate { application, .. } => Change::Application(application.id),
            CatalogWrite::ApplicationDelete(id, _) => Change::Application(*id),
            CatalogWrite::EventTypeInsert(new) => Change::EventTypes(new.organisation),
            CatalogWrite::EventTypeUpdate { event_type, .. } => Change::EventTypes(event_type.organisation),
            CatalogWrite::EventTypeDelete(organisation, _) => Change::EventTypes(*organisation),
            CatalogWrite::EndpointInsert(new) => Change::Endpoint(new.application, new.id),
            CatalogWrite::EndpointUpdate { endpoint, .. } => match endpoint.disabled {
                None => Change::Endpoint(endpoint.application, endpoint.id),
                Some(_) => Change::EndpointOff(endpoint.application, endpoint.id, endpoint.updated_at),
            },
            // It does not come back, whatever its deliveries are of.
            CatalogWrite::EndpointDelete(application, endpoint) => {
                Change::EndpointOff(*application, *endpoint, Timestamp::MAX)
            }
            CatalogWrite::EndpointDisable { application, endpoint, now, .. } => {
                Change::EndpointOff(*application, *endpoint, *now)
            }
            CatalogWrite::SourceInsert(new) => Change::Source(new.source.id, None),
            CatalogWrite::SourceUpdate { source, .. } => Change::Source(source.id, None),
            // Which application goes with it is in its row.
            CatalogWrite::SourceDelete(source, _) => Change::Source(*source, None),
            CatalogWrite::SourceTokenRotate { new, .. } => Change::Source(new.source, None),
            CatalogWrite::TokenRevoke { .. }
            | CatalogWrite::TokenUpdate { .. }
            | CatalogWrite::TokensExpire { .. } => Change::Tokens,
        }
    }
}
