//! What can be written: the items of a batch.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::application::Application;
use crate::domain::attempt::Attempt;
use crate::domain::broadcast::Broadcast;
use crate::domain::delivery::{DeliveryKey, Transition};
use crate::domain::ids::{ApplicationId, AttemptId, BroadcastId, EndpointId, MessageId, TaskId};
use crate::domain::inbound::{Inbound, Verdict};
use crate::domain::lease::Hold;
use crate::domain::message::Message;
use crate::domain::short_ids::SourceId;
use crate::domain::source::{Source, SourceToken};
use crate::domain::task::{Task, TaskStatus};
use crate::domain::ticket::{NewTicket, TicketRef};
use crate::domain::time::Timestamp;

pub(crate) use crate::store::append::Append;
pub(crate) use crate::store::catalog_write::CatalogWrite;
pub(crate) use crate::store::health_change::HealthChange;
pub(crate) use crate::store::written::{
    Appended, Changed, DaysKept, Erased, Loaded, Received, Resent, Settled, Swept, Written,
};

/// One item of a batch.
pub(crate) enum Write {
    /// A message was accepted.
    Append(Append),
    /// A request came to a source.
    Receive(Box<Receive>),
    /// A request came to a source that had come before.
    Copied(Box<Copied>),
    /// An attempt ended.
    Outcome(Outcome),
    /// The sender of a request was asked whether it is true.
    Confirm(Box<Confirmation>),
    /// Somebody asks for a message to be sent once more.
    Resend(DeliveryKey),
    /// Deliveries whose retry is due are taken over by the node that asks.
    ClaimDue(ClaimDue),
    /// A message's payload goes for good; those of its deliveries that wait for a retry become due `now`, to end.
    ExpungeMessage { application: ApplicationId, message: MessageId, now: Timestamp },
    /// What an endpoint answered to an attempt goes for good.
    ExpungeAttempt { application: ApplicationId, message: MessageId, attempt: AttemptId },
    /// An endpoint's pending deliveries of messages up to `up_to` end, at most `limit` of them.
    EndDeliveries { application: ApplicationId, endpoint: EndpointId, up_to: MessageId, limit: u32 },
    /// Nothing that matters, but the disk is written: to see whether that works again.
    Probe,
    /// Nothing: answered once all outcomes that came before it are written.
    Flush,
    /// What is configured changes.
    Catalog(CatalogWrite),
    /// Something is written, and messages that tell of it, if it took effect: both or neither.
    Told(Box<Write>, Vec<Append>),
    /// An answer is kept for the requests that repeat it.
    KeepAnswer(KeptAnswer),
    /// A ticket is made, in the place of another if it says so.
    TicketIssue(NewTicket),
    /// A ticket is good for nothing any more.
    TicketEnd(TicketRef),
    /// A background task begins.
    TaskBegin(Box<Task>),
    /// A background task has gone a step further.
    TaskStep(TaskStep),
    /// An event for all was accepted.
    Broadcast(Box<Broadcast>),
    /// An event for all has become messages of further applications.
    BroadcastStep(BroadcastStep),
    /// Messages below `before` go with all they have, the oldest first, those beyond a place that was reached; not those of
    /// which something is pending.
    ExpireMessages { before: MessageId, beyond: MessagePlace, slice: Slice },
    /// Payloads that are due to go before their messages do go, but for those of which something is pending.
    ExpirePayloads { now: Timestamp, slice: Slice },
    /// Requests to sources go from the log that are due to, with the messages that they became, but for those of which something is
    /// pending.
    ExpireInbound { now: Timestamp, slice: Slice },
    /// Expired keys of requests to sources go, the earliest first.
    ExpireInboundKeys { now: Timestamp, slice: Slice },
    /// Background tasks go that are below `below` and have been over since before `before`.
    ExpireTasks { below: TaskId, before: Timestamp, slice: Slice },
    /// Rows of deleted applications go, from this one on.
    Erase { now: Timestamp, from: ApplicationId, slice: Slice },
    /// Idempotency keys go whose message is gone, among those beyond a place that was reached.
    ForgetKeys { beyond: KeyPlace, slice: Slice },
    /// Expired idempotency keys of messages go, the earliest first.
    ExpireMessageKeys { now: Timestamp, slice: Slice },
    /// Expired idempotency keys of other requests go, among those with `first_byte`.
    ExpireKeys { first_byte: u8, now: Timestamp },
    /// Expired tickets go, of which there are few.
    ExpireTickets { now: Timestamp },
    /// What is left of removed rows in unused parts of the database's file is overwritten, from this part on.
    Overwrite { from: u32, slice: Slice },
    /// Room in the database that nothing uses goes back to the file system, if there is much of it.
    GiveBack { slice: Slice },
}

/// What one item that removes may do before others have their turn: so many rows, or as much as that takes so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) rows: u32,
    pub(crate) time: Duration,
}

/// Where a message stands among those of all applications, by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MessagePlace {
    pub(crate) message: MessageId,
    pub(crate) application: ApplicationId,
}

/// Where an idempotency key of a message stands among all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyPlace {
    pub(crate) expires_at: Timestamp,
    pub(crate) key: [u8; 16],
}

impl MessagePlace {
    /// Before all messages.
    pub(crate) const START: MessagePlace =
        MessagePlace { message: MessageId::MIN, application: ApplicationId::MIN };
}

impl KeyPlace {
    /// Before all keys.
    pub(crate) const START: KeyPlace = KeyPlace { expires_at: Timestamp::MIN, key: [0; 16] };
}

impl Write {
    /// Whether it cannot be written without changing the database.
    pub(crate) fn always_changes(&self) -> bool {
        match self {
            Write::Append(_)
            | Write::Receive(_)
            | Write::Copied(_)
            | Write::Outcome(_)
            | Write::Confirm(_)
            | Write::Probe => true,
            Write::Told(write, _) => write.always_changes(),
            _ => false,
        }
    }

    /// Whether what it removes or replaces is to be overwritten in the file. What every message costs is not: deliveries, keys
    /// and failures are removed with it, and hold nothing that anybody sent.
    pub(crate) fn overwrites(&self) -> bool {
        if let Write::Told(write, _) = self {
            return write.overwrites();
        }
        !matches!(
            self,
            Write::Append(_)
                | Write::Receive(_)
                | Write::Copied(_)
                | Write::ExpireInboundKeys { .. }
                | Write::Outcome(_)
                | Write::Confirm(_)
                | Write::Resend(_)
                | Write::ClaimDue(_)
                | Write::EndDeliveries { .. }
                | Write::Probe
                | Write::Flush
                | Write::KeepAnswer(_)
                | Write::TicketIssue(_)
                | Write::TicketEnd(_)
                | Write::ExpireTickets { .. }
                | Write::TaskStep(_)
                | Write::Broadcast(_)
                | Write::ExpireMessageKeys { .. }
        )
    }

    /// Whether it is one slice of removing, which others wait for.
    pub(crate) fn is_slice(&self) -> bool {
        matches!(
            self,
            Write::ExpireMessages { .. }
                | Write::ExpirePayloads { .. }
                | Write::ExpireInbound { .. }
                | Write::ExpireInboundKeys { .. }
                | Write::ExpireTasks { .. }
                | Write::Erase { .. }
                | Write::ForgetKeys { .. }
                | Write::ExpireMessageKeys { .. }
                | Write::Overwrite { .. }
                | Write::GiveBack { .. }
        )
    }

    /// Whether it removes something that nobody may find in the database's files afterwards.
    pub(crate) fn expunges(&self) -> bool {
        matches!(self, Write::ExpungeMessage { .. } | Write::ExpungeAttempt { .. })
    }
}

/// What a background task has done in one step. It is written whole or not at all, so that a task that goes on after a
/// crash neither leaves a message out nor takes one twice.
pub(crate) struct TaskStep {
    /// The task as it was before: a step of a task that has moved since changes nothing.
    pub(crate) before: Task,
    /// Messages that are sent once more.
    pub(crate) messages: Vec<MessageId>,
    /// The last message that was looked at.
    pub(crate) cursor: MessageId,
    /// How the task goes on.
    pub(crate) status: TaskStatus,
    pub(crate) now: Timestamp,
}

/// Messages that an event for all has become. It is written whole or not at all, so that one that goes on after a crash neither
/// leaves an application out nor makes its message twice.
pub(crate) struct BroadcastStep {
    pub(crate) broadcast: BroadcastId,
    /// Where its cursor was: a step of one that has moved since changes nothing.
    pub(crate) before: ApplicationId,
    pub(crate) messages: Vec<Append>,
    /// The last application that was looked at; `None` once there are no more.
    pub(crate) cursor: Option<ApplicationId>,
}

/// A request to a source to store, and what becomes of it: all of it or nothing.
pub(crate) struct Receive {
    /// What the log keeps of it.
    pub(crate) row: Arc<Inbound>,
    /// What tells it from others, if it was verified: if any of these came before nothing is stored.
    pub(crate) keys: Vec<InboundKey>,
    /// The message that it becomes.
    pub(crate) message: Option<Append>,
    /// Whether that is held until its sender says that it is true: then its one delivery is that to whoever asks.
    pub(crate) is_held: bool,
}

impl Receive {
    /// A request of which nothing is made.
    pub(crate) fn logged(row: Inbound) -> Receive {
        Receive { row: Arc::new(row), keys: Vec::new(), message: None, is_held: false }
    }
}

/// A request that came again, for the log alone.
pub(crate) struct Copied {
    /// What the log keeps of it. Its body is kept only if it is another than that of the first.
    pub(crate) row: Inbound,
    /// What it is known by; the first that is known says which one it is a copy of.
    pub(crate) keys: Vec<InboundKey>,
}

/// What came of asking the sender of a held message.
pub(crate) struct Confirmation {
    pub(crate) message: Arc<Message>,
    /// How it was held as it was asked, as of an [`Outcome`].
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite has one node"))]
    pub(crate) hold: Hold,
    /// How often it has been asked by now.
    pub(crate) number: u16,
    pub(crate) asked: Asked,
    /// By what its endpoints were looked up, as of an [`Append`]: if its application has changed since, nothing is written.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite has one node"))]
    pub(crate) routed_by: Option<i64>,
}

/// How asking goes on.
pub(crate) enum Asked {
    /// There was no answer: it is asked again then.
    Again { at: Timestamp, reason: String },
    /// It is over; what is confirmed goes to these endpoints.
    Over { verdict: Verdict, reason: Option<String>, endpoints: Vec<EndpointId> },
}

/// What a request that comes again is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InboundKey {
    pub(crate) hash: [u8; 32],
    /// From then on it is forgotten.
    pub(crate) expires_at: Timestamp,
}

/// A source to store, with all that belongs to it.
pub(crate) struct NewSource {
    pub(crate) source: Source,
    /// What holds its endpoints.
    pub(crate) application: Application,
    pub(crate) token: NewSourceToken,
}

/// A token of a source to store.
pub(crate) struct NewSourceToken {
    pub(crate) source: SourceId,
    pub(crate) hash: [u8; 32],
    pub(crate) token: SourceToken,
}

/// An idempotency key as it is stored: hashed together with the tenant, method and path it came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestKey {
    /// Hash of tenant, method, path and key.
    pub hash: [u8; 16],
    /// Hash of the request's body.
    pub request: [u8; 16],
    /// From then on the key is forgotten.
    pub expires_at: Timestamp,
}

/// The answer to a request, for those who repeat it.
pub(crate) struct KeptAnswer {
    pub(crate) key: RequestKey,
    /// Sealed with the key's text, which is not stored: whoever reads the database cannot read the answer.
    pub(crate) sealed: Vec<u8>,
    pub(crate) now: Timestamp,
}

/// An attempt that ended, and how its delivery goes on.
pub(crate) struct Outcome {
    pub(crate) attempt: Attempt,
    /// How its delivery was held as it was started: if it is not held any more the attempt is logged, and changes nothing.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite has one node"))]
    pub(crate) hold: Hold,
    pub(crate) transition: Transition,
    /// What is to be kept of the endpoint's failures, if that changed.
    pub(crate) health: HealthChange,
    /// Messages that tell of it.
    pub(crate) told: Vec<Append>,
}

/// Which due deliveries to take over.
pub(crate) struct ClaimDue {
    pub(crate) now: Timestamp,
    /// At most so many.
    pub(crate) limit: u32,
    /// None follows the one whose payload brings the sum to this or more.
    pub(crate) bytes: usize,
}
