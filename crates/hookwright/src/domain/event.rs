//! What a product is told as it happens: the events of its callback, most of which are operational webhooks too.

use std::sync::Arc;

use crate::domain::application::{Application, Metadata, Purpose};
use crate::domain::attempt::Attempt;
use crate::domain::delivery::GiveUpReason;
use crate::domain::endpoint::{DisabledReason, Endpoint};
use crate::domain::ids::{ApplicationId, AttemptId, EndpointId, MessageId, OrganisationId};
use crate::domain::message::Message;
use crate::domain::names::{EventId, EventTypeName, SourceUid, Uid};
use crate::domain::short_ids::{InboundId, SourceId};
use crate::domain::task::Task;
use crate::domain::time::Timestamp;

/// Something that happened to an endpoint, a message on its way to one, a background task, or a source.
///
/// The first three come for every attempt, and only to callbacks. Each of the others is an operational webhook as well, if the
/// organisation has an endpoint for it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum HookEvent {
    /// An endpoint took a message.
    AttemptSucceeded(Arc<AttemptEvent>),
    /// An attempt failed, whether or not another follows.
    AttemptFailed(Arc<AttemptEvent>),
    /// A message will not be sent to an endpoint again of its own accord. Comes after its last [`HookEvent::AttemptFailed`].
    GivenUp(Arc<AttemptEvent>, GiveUpReason),
    /// An attempt has failed for the fourth time, and others follow.
    MessageFailing(Arc<AttemptEvent>),
    /// The last attempt has failed, or the endpoint asked for no other.
    MessageExhausted(Arc<AttemptEvent>),
    /// An endpoint took a message that was told to be failing or exhausted.
    MessageRecovered(Arc<AttemptEvent>),
    /// An endpoint was made.
    EndpointCreated(EndpointEvent),
    /// An endpoint was changed.
    EndpointUpdated(EndpointEvent),
    /// An endpoint was deleted, by itself: those of a deleted application are not told one by one.
    EndpointDeleted(EndpointEvent),
    /// An endpoint that was disabled gets messages again.
    EndpointEnabled(EndpointEvent),
    /// An endpoint gets no more messages.
    EndpointDisabled(EndpointEvent, Disabling),
    /// A background task is over.
    TaskFinished(Box<Task>),
    /// A source has refused a request. Told of each source once a minute at most, with how many there were.
    SourceRefused(Box<RefusalEvent>),
}

/// A request that a source refused, and how many there were since that was told last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalEvent {
    /// Whose the source is.
    pub organisation: OrganisationId,
    /// The source.
    pub source: SourceId,
    /// The product's own name for it.
    pub uid: Option<SourceUid>,
    /// Its name for people.
    pub name: String,
    /// The request, as the source's log has it.
    pub request: InboundId,
    /// What it was answered with.
    pub status: u16,
    /// Why it was refused.
    pub reason: String,
    /// When it came.
    pub received_at: Timestamp,
    /// How many the source has refused since that was told last, this one among them; since the start if it never was.
    pub refused: u64,
}

/// Whose something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The organisation.
    pub organisation: OrganisationId,
    /// The application.
    pub application: ApplicationId,
    /// The product's own name for the application: its owner.
    pub owner: Option<Uid>,
    /// [`Purpose::Operational`] if it is an endpoint for operational webhooks, of which only its being disabled is told.
    pub purpose: Purpose,
}

/// The endpoint that something happened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointEvent {
    /// Whose it is.
    pub origin: Origin,
    /// Its id.
    pub endpoint: EndpointId,
    /// The product's own name for it.
    pub uid: Option<Uid>,
    /// Where its webhooks go.
    pub url: String,
    /// The product's own pairs on it.
    pub metadata: Metadata,
}

/// An attempt that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptEvent {
    /// Where it went.
    pub endpoint: EndpointEvent,
    /// What was sent.
    pub message: MessageId,
    /// The sender's own id for the message.
    pub event_id: Option<EventId>,
    /// What happened that the message tells of.
    pub event_type: EventTypeName,
    /// The attempt.
    pub attempt: AttemptId,
    /// 1 for the first attempt of a delivery, then rising.
    pub number: u16,
    /// The answer's status code; 0 if there was no answer.
    pub response_code: u16,
    /// What went wrong, in words, unless the endpoint took it.
    pub reason: Option<String>,
    /// When the attempt started.
    pub started_at: Timestamp,
    /// When the next one is due, if there is one.
    pub next_attempt_at: Option<Timestamp>,
}

/// Why and how an endpoint was disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disabling {
    /// Why.
    pub reason: DisabledReason,
    /// The status code of the answer that disabled it; 0 if there was no answer, `None` if it was disabled by request.
    pub last_response_code: Option<u16>,
    /// Since when it had failed without one success, if it had.
    pub failing_since: Option<Timestamp>,
}

impl EndpointEvent {
    pub(crate) fn of(application: &Application, endpoint: &Endpoint) -> EndpointEvent {
        EndpointEvent {
            origin: Origin {
                organisation: application.organisation,
                application: application.id,
                owner: application.settings.uid.clone(),
                purpose: application.purpose,
            },
            endpoint: endpoint.id,
            uid: endpoint.settings.uid.clone(),
            url: endpoint.settings.url.clone(),
            metadata: endpoint.settings.metadata.clone(),
        }
    }
}

impl AttemptEvent {
    pub(crate) fn of(
        application: &Application,
        endpoint: &Endpoint,
        message: &Message,
        attempt: &Attempt,
    ) -> AttemptEvent {
        AttemptEvent {
            endpoint: EndpointEvent::of(application, endpoint),
            message: message.id,
            event_id: message.event_id.clone(),
            event_type: message.event_type.clone(),
            attempt: attempt.id,
            number: attempt.number,
            response_code: attempt.response_code,
            reason: attempt.reason.clone(),
            started_at: attempt.started_at,
            next_attempt_at: attempt.next_attempt_at,
        }
    }
}

impl HookEvent {
    /// The organisation that it happened in.
    pub fn organisation(&self) -> OrganisationId {
        match self {
            HookEvent::AttemptSucceeded(attempt)
            | HookEvent::AttemptFailed(attempt)
            | HookEvent::GivenUp(attempt, _)
            | HookEvent::MessageFailing(attempt)
            | HookEvent::MessageExhausted(attempt)
            | HookEvent::MessageRecovered(attempt) => attempt.endpoint.origin.organisation,
            HookEvent::EndpointCreated(endpoint)
            | HookEvent::EndpointUpdated(endpoint)
            | HookEvent::EndpointDeleted(endpoint)
            | HookEvent::EndpointEnabled(endpoint)
            | HookEvent::EndpointDisabled(endpoint, _) => endpoint.origin.organisation,
            HookEvent::TaskFinished(task) => task.organisation,
            HookEvent::SourceRefused(refusal) => refusal.organisation,
        }
    }

    /// What a change of an endpoint is told as.
    pub(crate) fn of_change(
        application: &Application,
        before: &Endpoint,
        after: &Endpoint,
    ) -> Vec<HookEvent> {
        let endpoint = EndpointEvent::of(application, after);
        let mut events = vec![HookEvent::EndpointUpdated(endpoint.clone())];
        match (before.disabled, after.disabled) {
            (None, Some(reason)) => {
                let disabling = Disabling { reason, last_response_code: None, failing_since: None };
                events.push(HookEvent::EndpointDisabled(endpoint, disabling));
            }
            (Some(_), None) => events.push(HookEvent::EndpointEnabled(endpoint)),
            _ => {}
        }
        events
    }
}
