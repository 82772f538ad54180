//! The protocol of leases as a model, and a search through all that can happen in it: nodes that crash, halt, stop or are cut
//! off, a database that goes and comes back, answers that are lost, transactions that take place late, clocks that lag.
//!
//! Time goes in ticks; all times are kept relative to now, so that there are finitely many states. A node that is neither
//! halted nor cut off does what is due before the next tick; whatever is sent to the database may take until after it.
//! What the nodes and the database decide is decided by `lease.rs`; each of its guards can be left out ([`Flaw`]), and then the
//! search must find what goes wrong.

mod database; // leases, rows, transactions
mod fate; // what befalls them
mod node; // what a node holds and may do
mod steps; // what can happen next
mod time; // what follows from it

mod searches; // what is looked for

use std::time::Duration;

use stateright::{Model, Property};

use self::database::{Message, Row};
use self::node::{Mode, Node};
use self::steps::Step;
use crate::domain::lease::{Moment, Terms};
use crate::domain::time::Timestamp;

const TICK: Duration = Duration::from_secs(1);
/// Ticks of a lease.
const LENGTH: u8 = 3;
const TERMS: Terms = Terms {
    length: Duration::from_secs(3),
    margin: TICK,
    renew_every: TICK,
    renew_within: TICK,
    confirmed_for: TICK,
};
/// What every clock shows, since times are kept relative to it.
const NOW: Moment = Duration::from_secs(1_000);
const DATABASE_NOW: Timestamp = Timestamp::from_micros(1_000_000_000);
/// Ticks within which a delivery is done after the last fault: a lease, and one for what is slow.
const DONE_WITHIN: u8 = LENGTH + 1;

/// A guard that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    /// Transactions write whatever became of their lease.
    NoGuard,
    /// A commit whose answer is lost is taken for failed.
    NoMark,
    /// A commit that was asked about, and had not taken place, may take place afterwards.
    NotBarred,
    /// What a commit stored is taken in though the lease was lost before its answer came.
    TakenInLate,
    /// What was stored before is taken in like what is stored now.
    ReplayTakenIn,
    /// An ended lease is adopted at once, though transactions may be open that passed the guard.
    NotSealed,
    /// Outcomes change whatever they find.
    OutcomeUnfenced,
    /// Outcomes count that were made under an earlier lease of the same node.
    OutcomeOfAnyLease,
    /// Attempts start whatever the node's own clock says.
    NoDeadline,
    /// The node's own clock counts from the answer to a renewal, not from its sending.
    CountedFromAnswer,
    /// The node trusts its clock to run exactly like the database's.
    NoMargin,
    /// Renewals take effect whenever they arrive.
    RenewalAnyTime,
    /// Nobody ends the lease of a node that is dead.
    NoEnd,
    /// A lease is ended as soon as the database's clock says that it is over.
    NoSighting,
}

/// How often what may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Budget {
    /// Crashes, halts, cuts and outages together.
    faults: u8,
    crashes: u8,
    halts: u8,
    cuts: u8,
    outages: u8,
    /// Nodes that are stopped.
    stops: u8,
    /// Attempts that the endpoint does not take.
    failures: u8,
    /// Ticks that a node's clock loses.
    lags: u8,
    /// Attempts, transactions and renewals that take until after a tick.
    slow: u8,
}

/// Which model is searched.
#[derive(Debug, Clone, Copy)]
struct Protocol<const N: usize, const M: usize> {
    budget: Budget,
    flaw: Option<Flaw>,
}

/// What must never happen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Broken {
    /// An outcome changed a delivery that had been under another lease, or none, since its attempt was started.
    stale: bool,
    /// An attempt was started under a lease that had been ended.
    late_start: bool,
}

/// All there is at one time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World<const N: usize, const M: usize> {
    is_up: bool,
    leases: Vec<Row<N>>,
    next_number: u64,
    nodes: [Node<M>; N],
    messages: [Message; M],
    budget: Budget,
    /// Whether a crash, a halt or a cut may have made something twice.
    may_double: bool,
    failures: u8,
    broken: Broken,
}

impl<const N: usize, const M: usize> Model for Protocol<N, M> {
    type State = World<N, M>;
    type Action = Step;

    fn init_states(&self) -> Vec<World<N, M>> {
        let mut world = World {
            is_up: true,
            leases: Vec::new(),
            next_number: 1,
            nodes: [const { Node::NEW }; N],
            messages: [Message::NEW; M],
            budget: self.budget,
            may_double: false,
            failures: 0,
            broken: Broken::default(),
        };
        world.settle(self);
        vec![world]
    }

    fn actions(&self, world: &World<N, M>, steps: &mut Vec<Step>) {
        world.steps(self, steps);
    }

    fn next_state(&self, world: &World<N, M>, step: Step) -> Option<World<N, M>> {
        let mut next = world.clone();
        next.take(self, step);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(DONE_IN_TIME, |_, world: &World<N, M>| {
                world.messages.iter().all(|message| message.stuck <= DONE_WITHIN)
            }),
            Property::always(ACCEPTED_IS_KEPT, |_, world: &World<N, M>| {
                let kept = |message: &Message| message.delivery != database::Delivery::Absent;
                world.messages.iter().all(|message| !message.is_answered || kept(message))
            }),
            Property::always(NO_STALE_OUTCOME, |_, world: &World<N, M>| !world.broken.stale),
            Property::always(NO_LATE_START, |_, world: &World<N, M>| !world.broken.late_start),
            Property::always(NOT_TWICE, |_, world: &World<N, M>| {
                world.may_double || world.messages.iter().all(|message| message.sent <= 1 + world.failures)
            }),
            Property::sometimes(TAKEN_OVER, |_, world: &World<N, M>| {
                // Leased, and adopted by the other, since the first is no more.
                let is_done =
                    |message: &Message| message.delivery == database::Delivery::Done && message.hold == 2;
                world.nodes[0].mode == Mode::Crashed && world.messages.iter().all(is_done)
            }),
            Property::sometimes(LOGGED_LATE, |_, world: &World<N, M>| {
                let is_done = |message: &Message| message.delivery == database::Delivery::Done;
                world
                    .messages
                    .iter()
                    .any(|message| is_done(message) && message.logged == 0b11 && world.failures == 0)
            }),
            Property::sometimes(FOUND_OUT, |_, world: &World<N, M>| {
                let is_waiting = world.nodes.iter().any(|node| node.waiting[0].is_some());
                is_waiting && !world.messages[0].is_answered
            }),
            Property::sometimes(HANDED_OVER, |_, world: &World<N, M>| {
                world.nodes.iter().any(|node| node.mode == Mode::Stopped)
                    && world.messages.iter().any(|message| message.hold > 1 && message.sent == 1)
            }),
        ]
    }
}

const DONE_IN_TIME: &str = "whatever is pending is done in time after the last fault, if a node is left";
const ACCEPTED_IS_KEPT: &str = "what was accepted is on disk";
const NO_STALE_OUTCOME: &str = "no result of a lost lease is recorded as the outcome";
const NO_LATE_START: &str = "no attempt starts under a lease that was ended";
const NOT_TWICE: &str = "nothing is made twice unless a node crashed, was halted or was cut off";
const TAKEN_OVER: &str = "a delivery is done by another node than it was leased to";
const LOGGED_LATE: &str = "an outcome that comes too late is logged";
const FOUND_OUT: &str = "a commit whose answer was lost is found out";
const HANDED_OVER: &str = "a node that stops hands over what waits";
