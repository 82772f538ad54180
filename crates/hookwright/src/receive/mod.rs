//! A request comes to a source: it is let in, read, proven, stored, answered; and what it says is on its way then.
//!
//! The order is the promise: nobody learns more than they have shown a right to, and nothing is answered with success that is not on
//! disk.

mod door; // what is seen before the body is read
mod gates; // how many come
mod proving; // who sent it
mod event_type; // what it says happened
mod rows; // what the log keeps
mod reply;
pub(crate) mod schedule; // what comes of itself

use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::domain::ids::IdGenerator;
use crate::journal::Journal;
use crate::measures::Measures;
use crate::receive::gates::Gates;
use crate::tell::Tell;

#[cfg(feature = "receive")]
pub(crate) use door::ReadEventType;
pub use door::{Door, InboundHead};
pub use reply::InboundReply;

/// Takes requests to sources.
pub(crate) struct Receiver {
    clock: Clock,
    ids: Arc<IdGenerator>,
    journal: Journal,
    catalog: Arc<Catalog>,
    measures: Arc<Measures>,
    tell: Arc<Tell>,
    /// How long the log keeps requests, unless their source says otherwise.
    retention: Duration,
    /// How long messages are kept: nothing that was forwarded is kept longer.
    message_retention: Duration,
    gates: Gates,
}

impl Receiver {
    pub(crate) fn new(
        clock: Clock,
        ids: Arc<IdGenerator>,
        journal: Journal,
        catalog: Arc<Catalog>,
        measures: Arc<Measures>,
        tell: Arc<Tell>,
        retention: Duration,
        message_retention: Duration,
    ) -> Receiver {
        let gates = Gates::default();
        Receiver { clock, ids, journal, catalog, measures, tell, retention, message_retention, gates }
    }
}
