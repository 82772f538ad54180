//! What writing answers, for each kind of item.

use std::sync::Arc;

use crate::domain::delivery::Delivery;
use crate::domain::ids::{ApplicationId, MessageId};
use crate::domain::lease::LeaseNumber;
use crate::domain::message::Message;
use crate::store::write::{KeyPlace, MessagePlace};

/// The answer to one [`Write`](crate::store::write::Write), of the same kind.
#[derive(Debug)]
pub(crate) enum Written {
    Appended(Appended),
    Received(Received),
    /// An outcome, an answer or an expiry was written: nothing to tell.
    Done,
    /// An attempt is logged whose delivery others have by now: it changed and told nothing.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "on SQLite there are no others"))]
    LoggedOnly,
    Resent(Resent),
    Claimed(Vec<Loaded>),
    /// So many rows, or pages of the file, went.
    Removed(u32),
    Swept(Swept),
    Erased(Erased),
    /// The file was looked through up to this part, which comes next; `None`: there is no more.
    Overwritten(Option<u32>),
    /// Keys were looked at up to there; `None`: there are no more.
    LookedAt(Option<KeyPlace>),
    Changed(Changed),
    /// The step is taken, and these deliveries have become ready; `None` if the task had moved since.
    Stepped(Option<Vec<MessageId>>),
    /// Which of the messages are stored; `None` if the event for all had moved since, or one of the applications was changed by
    /// another node since it was routed.
    Broadcast(Option<Vec<bool>>),
}

impl Written {
    /// Whether what was asked for was done, so that it is to be told.
    pub(crate) fn took_effect(&self) -> bool {
        match self {
            Written::LoggedOnly => false,
            Written::Changed(changed) => *changed == Changed::Yes,
            Written::Stepped(ready) => ready.is_some(),
            Written::Appended(appended) => *appended == Appended::Stored,
            Written::Broadcast(stored) => stored.is_some(),
            Written::Resent(resent) => *resent == Resent::Ready,
            _ => true,
        }
    }
}

/// How a batch ended whose answer was lost.
#[derive(Debug)]
pub(crate) enum Settled {
    /// It was committed, and this is what its items are answered.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "on SQLite no answer is lost"))]
    Committed(Vec<Written>),
    /// It was not, and will not be.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "on SQLite no answer is lost"))]
    NotCommitted,
}

/// What became of a message that was to be stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Appended {
    /// It is stored.
    Stored,
    /// Another message of the application has its `eventId`.
    EventIdTaken,
    /// The same request came before and made this message.
    Replayed(MessageId),
    /// The key came before with another request.
    KeyReused,
    /// It is not: its application was changed by another node since it was routed.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite has one node"))]
    Moved,
}

/// What became of a request that was to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    /// It is stored, and so is its message if it has one.
    Stored,
    /// It is not: it had come before.
    Duplicate,
    /// It is not: its application was changed by another node since it was routed.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite has one node"))]
    Moved,
}

/// What became of a message that was to be sent once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resent {
    /// Its delivery has become ready.
    Ready,
    /// Its delivery was ready already.
    WasReady,
    /// The message is not there any more.
    Missing,
    /// Its sender has not said that it is true.
    Held,
}

/// What a slice of an expiry did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Swept {
    /// Messages that went, or whose payload did.
    pub(crate) messages: u32,
    /// Attempts that went, or whose answer did.
    pub(crate) attempts: u32,
    /// Messages that stay as they are for now, since something of them is pending.
    pub(crate) kept: u32,
    /// Where the next slice goes on.
    pub(crate) last: MessagePlace,
    /// Whether there is nothing more to do now.
    pub(crate) is_done: bool,
}

/// What a round of keeping the days did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct DaysKept {
    /// Partitions that were made.
    pub(crate) made: u32,
    /// Partitions that were dropped.
    pub(crate) dropped: u32,
    /// Partitions that are old enough, but stay for now, since something in them is pending.
    pub(crate) waiting: u32,
    /// Whether something was to be made or dropped, and others were in the way.
    pub(crate) is_held_up: bool,
}

/// What a slice of an erasure did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Erased {
    /// Rows that went.
    pub(crate) rows: u32,
    /// Whether there are deleted applications at all, or something else of which the database may have left parts.
    pub(crate) has_any: bool,
    /// The application that the next slice goes on with; `None`: it was the last.
    pub(crate) next: Option<ApplicationId>,
}

impl Default for Swept {
    fn default() -> Swept {
        Swept { messages: 0, attempts: 0, kept: 0, last: MessagePlace::START, is_done: false }
    }
}

/// What became of a catalog change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changed {
    /// It is in force.
    Yes,
    /// What was to be changed is not there.
    Missing,
    /// A uid or name is taken by another.
    Taken,
    /// The identifier is taken by another of the application's hooks for the same event.
    IdentifierTaken,
    /// Somebody else changed it meanwhile: read it again.
    Stale,
}

/// A pending delivery with its message, as it comes from disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Loaded {
    pub(crate) delivery: Delivery,
    pub(crate) message: Arc<Message>,
    /// What it stands under.
    pub(crate) lease: LeaseNumber,
}
