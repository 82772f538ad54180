//! What can be written of what is configured.

use crate::domain::application::Application;
use crate::domain::endpoint::{DisabledReason, Endpoint};
use crate::domain::event_type::EventType;
use crate::domain::ids::{ApplicationId, EndpointId, OrganisationId, TokenId};
use crate::domain::names::EventTypeName;
use crate::domain::short_ids::SourceId;
use crate::domain::source::Source;
use crate::domain::time::Timestamp;
use crate::domain::token::{Token, TokenChange};
use crate::store::write::{NewSource, NewSourceToken};

/// A change of what is configured.
pub(crate) enum CatalogWrite {
    OrganisationEnsure(OrganisationId, Timestamp),
    ApplicationInsert(Application),
    /// Changes it if it is still as of `unless_changed_since`.
    ApplicationUpdate {
        application: Application,
        unless_changed_since: Timestamp,
    },
    ApplicationDelete(ApplicationId, Timestamp),
    EventTypeInsert(EventType),
    EventTypeUpdate {
        event_type: EventType,
        unless_changed_since: Timestamp,
    },
    EventTypeDelete(OrganisationId, EventTypeName),
    EndpointInsert(Box<Endpoint>),
    EndpointUpdate {
        endpoint: Box<Endpoint>,
        unless_changed_since: Timestamp,
    },
    EndpointDelete(ApplicationId, EndpointId),
    /// Sets why it gets nothing, unless it is disabled already; if it is because it failed since a time, only if what is kept of
    /// its failures still says so.
    EndpointDisable {
        application: ApplicationId,
        endpoint: EndpointId,
        reason: DisabledReason,
        failing_since: Option<Timestamp>,
        now: Timestamp,
    },
    SourceInsert(Box<NewSource>),
    SourceUpdate {
        source: Box<Source>,
        unless_changed_since: Timestamp,
    },
    SourceDelete(SourceId, Timestamp),
    /// The token that the source has ends then.
    SourceTokenRotate {
        new: NewSourceToken,
        now: Timestamp,
        old_ends_at: Timestamp,
    },
    TokenInsert {
        token: Token,
        hash: [u8; 32],
    },
    TokenRevoke {
        organisation: OrganisationId,
        id: TokenId,
        now: Timestamp,
    },
    TokenUpdate {
        organisation: OrganisationId,
        id: TokenId,
        change: TokenChange,
    },
    /// These are good for nothing from `at` on, unless they expire or were revoked earlier.
    TokensExpire {
        organisation: OrganisationId,
        ids: Vec<TokenId>,
        at: Timestamp,
    },
}
