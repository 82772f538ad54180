//! A request comes to a source: it is let in, read, proven, stored, answered; and what it says is on its way then.
//!
//! The order is the promise: nobody learns more than they have shown a right to, and nothing is answered with success that is not on
//! disk.

mod door; // what is seen before the body is read
mod gates; // how many come
mod proving; // who sent it
mod event_type; // what it says happened
mod routes; // where it goes
mod rows; // what the log keeps
mod without_effect; // and of those that change nothing
mod reply;
pub(crate) mod schedule; // what comes of itself

use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::cluster::Node;
use crate::domain::ids::IdGenerator;
use crate::journal::Journal;
use crate::measures::Measures;
use crate::receive::gates::Gates;
use crate::tell::Tell;

#[cfg(feature = "receive")]
pub(crate) use door::ReadEventType;
pub use door::{Door, InboundHead};
pub use reply::InboundReply;

/// What requests to sources are taken with.
pub(crate) struct Parts {
    pub(crate) clock: Clock,
    pub(crate) ids: Arc<IdGenerator>,
    pub(crate) journal: Journal,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) node: Node,
    pub(crate) measures: Arc<Measures>,
    pub(crate) tell: Arc<Tell>,
    /// How long the log keeps requests, unless their source says otherwise.
    pub(crate) retention: Duration,
    /// How long messages are kept: nothing that was forwarded is kept longer.
    pub(crate) message_retention: Duration,
}

/// Takes requests to sources.
pub(crate) struct Receiver {
    parts: Parts,
    gates: Gates,
}

impl Receiver {
    pub(crate) fn new(parts: Parts) -> Receiver {
        Receiver { parts, gates: Gates::default() }
    }
}
