//! What a call on the engine can fail with.

use crate::deliver::address_policy::UrlError;
use crate::domain::event_filter::EventFilter;
use crate::domain::names::EventTypeName;
use crate::domain::operational::OPERATIONAL_EVENT_TYPES;
use crate::domain::owner::OwnerError;
use crate::domain::payload_schema::{SchemaError, Violation};
use crate::store::error::StoreError;

/// A call on the engine failed. Nothing of it was done, but where a variant says that this is unknown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What the call names is not there, or belongs to somebody else.
    #[error("there is no such {0}")]
    NotFound(Thing),
    /// Another of its siblings has this uid, name or `eventId`.
    #[error("the {field} is taken by another {thing}")]
    Taken {
        /// What there is one of already.
        thing: Thing,
        /// Which of its values must be unique.
        field: &'static str,
    },
    /// An endpoint filters by an event type that is not registered.
    #[error("the event type {0} is not registered")]
    UnknownEventType(EventTypeName),
    /// An endpoint for operational webhooks filters by an event type that they do not have.
    #[error("there is no operational event type {0}; there are {list}", list = OPERATIONAL_EVENT_TYPES.join(", "))]
    UnknownOperationalEventType(EventFilter),
    /// Requests of such a source cannot be verified.
    #[error("a source of the kind {kind:?} cannot be made: {why}")]
    SourceKind {
        /// The kind.
        kind: String,
        /// Why not.
        why: String,
    },
    /// This kind of source does not take this configuration.
    #[error("{field}: {why}")]
    SourceConfig {
        /// The field of the configuration.
        field: String,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// What is set on a source does not go together, or cannot be.
    #[error("{field}: {why}")]
    SourceSetting {
        /// Which setting, as the API writes it.
        field: &'static str,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// No event of this name was declared.
    #[error(
        "the event {event:?} is not declared: declare it with `.event({event:?}, …)` before the engine starts"
    )]
    UndeclaredEvent {
        /// What was given as its name.
        event: String,
    },
    /// There is no owner, or what should name it cannot.
    #[error(transparent)]
    Owner(#[from] OwnerError),
    /// A payload cannot be written as JSON.
    #[error("the payload cannot be written as JSON")]
    Payload(#[source] serde_json::Error),
    /// The application has as many endpoints as it may have.
    #[error("the application has {max} endpoints, which is as many as it may have")]
    TooManyEndpoints {
        /// How many it may have.
        max: usize,
    },
    /// What is set on the application's endpoints takes as much memory as it may take.
    #[error("the application's endpoints take {} KiB in all, which is as much as they may take", max_bytes / 1024)]
    EndpointsTooLarge {
        /// How many bytes it may take.
        max_bytes: usize,
    },
    /// The address policy, or what a URL must be, forbids this endpoint URL.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The idempotency key came before with another request.
    #[error("the idempotency key was used before with another request")]
    KeyReused,
    /// A message to send has an empty payload: stored, it could not be told from one that was removed.
    #[error("the payload is empty")]
    PayloadEmpty,
    /// The payload is not as the newest schema of its event type wants it.
    #[error("the payload does not fit the schema of the event type {event_type}")]
    PayloadRefused {
        /// The event type.
        event_type: EventTypeName,
        /// What is wrong with it, the first few things.
        violations: Vec<Violation>,
    },
    /// Payloads cannot be checked against these schemas.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The message's payload is gone.
    #[error("the message's payload is no longer stored")]
    PayloadGone,
    /// Nothing is forwarded of this request to a source: it was refused, a handshake, or a copy of another.
    #[error("nothing is forwarded of this request")]
    NotForwarded,
    /// The message was made of a request whose sender has not said that it is true.
    #[error("the message's sender has not confirmed it")]
    NotConfirmed,
    /// The endpoint is disabled: what was sent to it now would end at once.
    #[error("the endpoint is disabled")]
    EndpointDisabled,
    /// A new secret or token cannot be made: the operating system has no randomness to give.
    #[error("the operating system gave no random bytes")]
    Randomness,
    /// Others kept changing the same thing at the same time; the same call may succeed later.
    #[error("the {0} is being changed by others at the same time")]
    Busy(Thing),
    /// The engine is shutting down.
    #[error("the engine is shutting down")]
    ShuttingDown,
    /// The database failed; the same call may succeed later.
    #[error("the database cannot be used right now")]
    Store(#[from] StoreError),
    /// The batch this call was in failed, or its answer was lost: whether it was done is unknown.
    #[error("the database could not write right now: {0}")]
    NotWritten(String),
}

/// The kinds of things that calls name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// An application.
    Application,
    /// An event type.
    EventType,
    /// An endpoint.
    Endpoint,
    /// A message.
    Message,
    /// An attempt.
    Attempt,
    /// A source of inbound webhooks.
    Source,
    /// A request that came to a source.
    Request,
    /// A token.
    Token,
    /// A background task.
    Task,
    /// An organisation.
    Organisation,
}

impl std::fmt::Display for Thing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Thing::Application => "application",
            Thing::EventType => "event type",
            Thing::Endpoint => "endpoint",
            Thing::Message => "message",
            Thing::Attempt => "attempt",
            Thing::Source => "source",
            Thing::Request => "request",
            Thing::Token => "token",
            Thing::Organisation => "organisation",
            Thing::Task => "background task",
        })
    }
}
