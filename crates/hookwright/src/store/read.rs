//! What can be read: the questions of lists and look-ups, each answered by the backend in use.

use crate::domain::application::Application;
use crate::domain::attempt::{Attempt, AttemptStatus};
use crate::domain::broadcast::Broadcast;
use crate::domain::endpoint::Endpoint;
use crate::domain::endpoint_edit::EndpointRef;
use crate::domain::event_type::EventType;
use crate::domain::health::Health;
use crate::domain::ids::{ApplicationId, AttemptId, EndpointId, MessageId, OrganisationId, TaskId, TokenId};
use crate::domain::inbound::CameWith;
use crate::domain::inbound::Inbound;
use crate::domain::message::Message;
use crate::domain::names::{Channel, EventId, EventTypeName, SessionId, Tag, Uid};
use crate::domain::page::{Page, PageRequest, Searched};
use crate::domain::selection::Reach;
use crate::domain::short_ids::{InboundId, SourceId};
use crate::domain::source::{Source, SourceRef, SourceWithToken};
use crate::domain::task::{Task, TaskKind, TaskState};
use crate::domain::ticket::TicketRef;
use crate::domain::time::Timestamp;
use crate::domain::token::{Token, TokenFilter};
use crate::store::error::StoreError;
use crate::store::write::{Loaded, RequestKey};
use crate::store::{Backend, Store, dispatch};

/// Which messages a list shows; every condition that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageFilter {
    /// One of these event types; empty: any.
    pub event_types: Vec<EventTypeName>,
    /// In this channel.
    pub channel: Option<Channel>,
    /// With this tag.
    pub tag: Option<Tag>,
    /// With this `eventId`.
    pub event_id: Option<EventId>,
    /// With this text somewhere in the payload, byte for byte as it was sent.
    pub text: Option<String>,
    /// Accepted before this.
    pub before: Option<Timestamp>,
    /// Accepted after this.
    pub after: Option<Timestamp>,
}

/// Which attempts a list shows; every condition that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttemptFilter {
    /// What holds of their messages, and of the time they started.
    pub message: MessageFilter,
    /// With this outcome.
    pub status: Option<AttemptStatus>,
    /// Answered with a status code of this hundred (2 for 200 to 299; 0: no answer).
    pub status_class: Option<u8>,
    /// To this endpoint.
    pub endpoint: Option<EndpointId>,
}

/// How far a message has come at one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// Another attempt follows: at once, or at this time.
    Pending(Option<Timestamp>),
    /// The last attempt ended so, and none follows.
    Ended(AttemptStatus),
}

/// How far a message has come at an endpoint it was meant for.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// How far the message has come there.
    pub status: DeliveryStatus,
}

/// A message that was meant for an endpoint, and how far it has come there.
#[derive(Debug, Clone)]
pub struct SentMessage {
    /// The message.
    pub message: Message,
    /// How far it has come.
    pub status: DeliveryStatus,
}

/// How an endpoint has been doing over a span of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EndpointStats {
    /// Attempts that it took.
    pub success: u64,
    /// Attempts that it did not take.
    pub fail: u64,
    /// Messages that wait for a retry.
    pub pending: u64,
    /// Messages that are being sent, or wait for their turn.
    pub sending: u64,
    /// Whether there are more than were counted.
    pub is_partial: bool,
}

/// The span of time that is counted: from `since` up to, but not including, `until`, in steps of 4 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StatsSpan {
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
    /// So many attempts, the newest, and so many messages are counted at most.
    pub(crate) limit: u32,
}

/// A message with its attempts, newest first, for people who look on.
#[derive(Debug, Clone)]
pub struct RecentMessage {
    /// The message.
    pub message: Message,
    /// The name of its application.
    pub application_name: String,
    /// Its attempts, newest first, at most a few.
    pub attempts: Vec<Attempt>,
    /// How many of its deliveries are pending.
    pub pending: u32,
}

/// Which applications a list leaves out; whatever is set holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ApplicationFilter {
    /// Those without any endpoint.
    pub exclude_without_endpoints: bool,
    /// Those that have endpoints, all of them disabled.
    pub exclude_all_disabled: bool,
    /// Those that have endpoints, all of them at Svix Play, where one looks at webhooks in a browser.
    pub exclude_all_play: bool,
}

/// How much a search for applications looks at, for one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SearchBudget {
    pub(crate) applications: u32,
    pub(crate) endpoints: u32,
}

/// Which background tasks a list shows; every condition that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Of this application.
    pub application: Option<ApplicationId>,
    /// Of this kind.
    pub kind: Option<TaskKind>,
    /// In this state.
    pub state: Option<TaskState>,
}

/// A message as background tasks look at it: without its payload, and with how far it has come at one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) message: Message,
    pub(crate) reach: Reach,
}

/// How many deliveries of an endpoint are ready on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReadyCount {
    pub(crate) application: ApplicationId,
    pub(crate) endpoint: EndpointId,
    pub(crate) count: u64,
}

/// Everything configured for one application.
pub(crate) struct ApplicationWithEndpoints {
    pub(crate) application: Application,
    pub(crate) endpoints: Vec<Endpoint>,
}

/// A source as one of its tokens found it.
pub(crate) struct FoundSource {
    pub(crate) source: Source,
    /// From then on the token is good for nothing, if it was replaced.
    pub(crate) ends_at: Option<Timestamp>,
}

/// What an endpoint has failed at since its last success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FoundHealth {
    pub(crate) health: Health,
    /// Whether that is kept; if not, what is kept goes back further than it should.
    pub(crate) is_kept: bool,
}

/// The answer kept for an idempotency key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum KeptFor {
    /// No such key is known.
    Nothing,
    /// This request was answered so.
    SameRequest(Vec<u8>),
    /// The key was used with another request.
    OtherRequest,
}

macro_rules! reads {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        impl Store {
            $($(#[$doc])*
            pub(crate) async fn $name(&self, $($arg: $type),*) -> Result<$answer, StoreError> {
                dispatch!(self, backend => backend.$name($($arg),*).await)
            })*
        }
    };
}

reads! {
    /// Answers if the database can be read.
    ping() -> ();
    /// The application with this id and its endpoints, oldest first.
    application_with_endpoints(id: ApplicationId) -> Option<ApplicationWithEndpoints>;
    /// The id of the application with this uid.
    application_by_uid(organisation: OrganisationId, uid: Uid) -> Option<ApplicationId>;
    /// The application that holds an organisation's operational webhooks.
    operational_application(organisation: OrganisationId) -> Option<ApplicationId>;
    /// An organisation's applications, by id, but for that of its operational webhooks.
    application_list(organisation: OrganisationId, page: PageRequest<ApplicationId>) -> Page<Application>;
    /// The applications that a filter leaves, by id.
    application_search(
        organisation: OrganisationId, filter: ApplicationFilter, budget: SearchBudget, page: PageRequest<ApplicationId>
    ) -> Searched<Application, ApplicationId>;
    /// Whether an application has this endpoint.
    endpoint_is_there(application: ApplicationId, named: EndpointRef) -> bool;
    /// Whether an organisation has any of these event types.
    event_type_is_there(organisation: OrganisationId, names: Vec<EventTypeName>) -> bool;
    /// All event types of an organisation, by name.
    event_types(organisation: OrganisationId) -> Vec<EventType>;
    /// The token whose text has this hash.
    token_by_hash(hash: [u8; 32]) -> Option<Token>;
    /// A token of an organisation.
    token_get(organisation: OrganisationId, id: TokenId) -> Option<Token>;
    /// An organisation's tokens, by id.
    token_list(organisation: OrganisationId, filter: TokenFilter, page: PageRequest<TokenId>) -> Page<Token>;
    /// The tokens for one application that are good now, each with the session it was made for.
    token_list_good(
        organisation: OrganisationId, application: ApplicationId, now: Timestamp
    ) -> Vec<(TokenId, Option<SessionId>)>;
    /// What this ticket lets in to, if it is good.
    ticket_find(ticket: TicketRef, now: Timestamp) -> Option<OrganisationId>;
    /// A source of an organisation, with its token.
    source_get(organisation: OrganisationId, named: SourceRef) -> Option<SourceWithToken>;
    /// An organisation's sources, by id, with their tokens.
    source_list(organisation: OrganisationId, page: PageRequest<SourceId>) -> Page<SourceWithToken>;
    /// The source one of whose tokens has this hash.
    source_by_token(hash: [u8; 32]) -> Option<FoundSource>;
    /// The source whose endpoints this application holds.
    source_by_application(application: ApplicationId) -> Option<Source>;
    /// The sources of all organisations that send on a schedule.
    source_list_cron() -> Vec<Source>;
    /// The log of a source, by id.
    inbound_list(application: ApplicationId, page: PageRequest<InboundId>) -> Page<Inbound>;
    /// A request in the log of a source.
    inbound_get(application: ApplicationId, id: InboundId) -> Option<Inbound>;
    /// The headers of a request in the log.
    inbound_headers(application: ApplicationId, id: InboundId) -> Option<CameWith>;
    /// A message.
    message_get(application: ApplicationId, id: MessageId) -> Option<Message>;
    /// A message without its payload.
    message_head(application: ApplicationId, id: MessageId) -> Option<Message>;
    /// The message of an application that has this `eventId`. It may be gone by now.
    message_by_event_id(application: ApplicationId, event_id: EventId) -> Option<MessageId>;
    /// An application's messages, by id; without their payloads unless `with_payload`.
    message_list(
        application: ApplicationId, filter: MessageFilter, with_payload: bool, page: PageRequest<MessageId>
    ) -> Searched<Message, MessageId>;
    /// The newest messages of an organisation with their attempts, newest first, without their payloads.
    message_recent(organisation: OrganisationId, limit: u32) -> Vec<RecentMessage>;
    /// An attempt.
    attempt_get(application: ApplicationId, message: MessageId, id: AttemptId) -> Option<Attempt>;
    /// A message's attempts, by id.
    attempt_list_by_message(
        application: ApplicationId, message: MessageId, filter: AttemptFilter, page: PageRequest<AttemptId>
    ) -> Searched<Attempt, AttemptId>;
    /// The attempts at an endpoint, by id.
    attempt_list_by_endpoint(
        application: ApplicationId, endpoint: EndpointId, filter: AttemptFilter, page: PageRequest<AttemptId>
    ) -> Searched<Attempt, AttemptId>;
    /// How an endpoint has been doing: its attempts that started in a span, and what is pending of messages from it.
    endpoint_stats(application: ApplicationId, endpoint: EndpointId, span: StatsSpan) -> EndpointStats;
    /// The messages that were meant for an endpoint, by id, each with how far it has come.
    message_list_by_endpoint(
        application: ApplicationId, endpoint: EndpointId, filter: AttemptFilter, page: PageRequest<MessageId>
    ) -> Searched<SentMessage, MessageId>;
    /// The endpoints that a message was meant for, by id, each with how far it has come.
    destination_list(
        application: ApplicationId, message: MessageId, page: PageRequest<EndpointId>
    ) -> Page<Destination>;
    /// The endpoints that failed since their last success.
    health_all() -> Vec<(ApplicationId, EndpointId, Health)>;
    /// What is kept of an endpoint's failures, but without those before its last success: one that another node had, which knew of no
    /// failure, is among its attempts alone. `now` stands for the first failure since that, if there is none yet.
    health_get(application: ApplicationId, endpoint: EndpointId, now: Timestamp) -> Option<FoundHealth>;
    /// How many ready deliveries each endpoint has.
    delivery_ready_counts() -> Vec<ReadyCount>;
    /// The ready deliveries of an endpoint beyond `after`, by message, at most `limit`; none follows the one whose payload
    /// brings the sum to `bytes` or more.
    delivery_load(
        application: ApplicationId, endpoint: EndpointId, after: MessageId, limit: u32, bytes: usize
    ) -> Page<Loaded>;
    /// When the next retry is due, if one waits.
    delivery_next_due() -> Option<Timestamp>;
    /// A background task of an organisation.
    task_get(organisation: OrganisationId, id: TaskId) -> Option<Task>;
    /// An organisation's background tasks, by id.
    task_list(organisation: OrganisationId, filter: TaskFilter, page: PageRequest<TaskId>) -> Page<Task>;
    /// Background tasks that are not over, of all organisations, oldest first, at most `limit`.
    task_running(limit: u32) -> Vec<Task>;
    /// An application's messages beyond `after` and up to `up_to`, oldest first, at most `limit`, each with how far it has come
    /// at an endpoint.
    message_reach(
        application: ApplicationId, endpoint: EndpointId, after: MessageId, up_to: MessageId, limit: u32
    ) -> Vec<Reached>;
    /// Events for all that are not over, oldest first, at most `limit`.
    broadcast_running(limit: u32) -> Vec<Broadcast>;
    /// An organisation's applications beyond `after` that may have an enabled endpoint which wants this event type, by id, at
    /// most `limit`.
    subscribers(
        organisation: OrganisationId, event_type: EventTypeName, after: ApplicationId, limit: u32
    ) -> Vec<ApplicationId>;
    /// What is kept for an idempotency key.
    answer_kept(key: RequestKey, now: Timestamp) -> KeptFor;
}
