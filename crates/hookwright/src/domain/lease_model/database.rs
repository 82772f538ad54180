//! The database of the model: leases, the rows of deliveries, and what transactions do when they commit.

use super::{DATABASE_NOW, Flaw, NOW, Protocol, TERMS, TICK, World};
use crate::domain::lease::{self, Effect, Held, Hold, LateOutcome, LeaseNumber, LeaseRow, Sighting};

/// A lease's row; times are ticks from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Row<const N: usize> {
    pub(super) number: LeaseNumber,
    pub(super) left: u8,
    pub(super) is_ended: bool,
    /// Who took over what stands under it.
    pub(super) adopted_by: Option<LeaseNumber>,
    /// Whether it was renewed since the last tick.
    pub(super) is_fresh: bool,
    /// For how many ticks each node has seen it unchanged.
    pub(super) seen: [u8; N],
}

/// How far a message has come, as the database has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Delivery {
    /// It was not accepted.
    Absent,
    /// It is pending, under a lease or waiting (for so many ticks).
    Pending { lease: Option<LeaseNumber>, attempts: u8, wait: u8 },
    /// It was delivered.
    Done,
}

/// A message's delivery, and what really happened to it, which nobody in the model can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Message {
    pub(super) delivery: Delivery,
    /// Rises whenever the delivery comes under another lease or none, or its lease is adopted.
    pub(super) hold: u8,
    /// Attempts made.
    pub(super) sent: u8,
    /// Which of them are logged: a bit each.
    pub(super) logged: u8,
    /// Whether a sender was told that it is accepted.
    pub(super) is_answered: bool,
    /// Whether anybody was asked to accept it.
    pub(super) is_asked: bool,
    /// The node that a sender waits for.
    pub(super) asked: Option<u8>,
    /// Ticks for which it could have been done but was not.
    pub(super) stuck: u8,
}

/// An outcome to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Outcome {
    pub(super) message: u8,
    /// What its delivery stood under, and the node's own lease.
    pub(super) made_under: LeaseNumber,
    pub(super) own: LeaseNumber,
    pub(super) attempts_before: u8,
    /// Which of the message's attempts it is of.
    pub(super) attempt: u8,
    /// The hold under which the attempt was started.
    pub(super) hold: u8,
    pub(super) is_success: bool,
}

/// What a transaction writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Write {
    /// A message is accepted.
    Append {
        message: u8,
    },
    Outcome(Outcome),
    Claim {
        message: u8,
    },
}

/// How far a transaction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// On its way to the database.
    Sent,
    /// It has passed the guard, and holds its lock.
    Guarded,
    /// It took place; what it stored or claimed for memory came under this hold, after so many attempts.
    Committed(Option<(u8, u8)>),
    /// The guard did not let it in.
    Refused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Transaction {
    pub(super) write: Write,
    pub(super) number: LeaseNumber,
    pub(super) stage: Stage,
    /// Whether it was under way at the last tick.
    pub(super) is_old: bool,
}

impl<const N: usize> Row<N> {
    pub(super) fn new(number: LeaseNumber) -> Row<N> {
        let (left, seen) = (super::LENGTH, [0; N]);
        Row { number, left, is_ended: false, adopted_by: None, is_fresh: true, seen }
    }

    pub(super) fn as_row(&self) -> LeaseRow {
        let expires_at = DATABASE_NOW.after(TICK * u32::from(self.left));
        LeaseRow { number: self.number, expires_at, is_ended: self.is_ended, adopted_by: self.adopted_by }
    }

    /// Whether this node may end it.
    pub(super) fn is_dead_to(&self, node: usize, flaw: Option<Flaw>) -> bool {
        let row = self.as_row();
        let seen = match flaw {
            // As if it had been looked at for ever.
            Some(Flaw::NoSighting) => super::LENGTH,
            _ => self.seen[node],
        };
        let sighting = Sighting::seen(None, &row, NOW - TICK * u32::from(seen));
        sighting.is_dead(&row, NOW, DATABASE_NOW, &TERMS)
    }
}

impl<const N: usize, const M: usize> World<N, M> {
    pub(super) fn row(&self, number: LeaseNumber) -> Option<&Row<N>> {
        self.leases.iter().find(|row| row.number == number)
    }

    pub(super) fn row_mut(&mut self, number: LeaseNumber) -> Option<&mut Row<N>> {
        self.leases.iter_mut().find(|row| row.number == number)
    }

    /// Whether the lease can still be renewed.
    pub(super) fn is_live(&self, number: LeaseNumber) -> bool {
        self.row(number).is_some_and(|row| !row.is_ended)
    }

    /// Whether a transaction holds the lock that the guard takes on this lease.
    pub(super) fn is_locked(&self, number: LeaseNumber) -> bool {
        let all = self.nodes.iter().flat_map(|node| [node.transaction, node.ghost]);
        all.flatten().any(|one| one.stage == Stage::Guarded && one.number == number)
    }

    /// What the guard says to a transaction.
    pub(super) fn guard(&self, protocol: &Protocol<N, M>, number: LeaseNumber) -> Stage {
        let row = self.row(number).map(Row::as_row);
        let lets_in = protocol.flaw == Some(Flaw::NoGuard) || lease::lets_in(row.as_ref(), number);
        if lets_in { Stage::Guarded } else { Stage::Refused }
    }

    /// A transaction that passed the guard commits.
    pub(super) fn commit(&mut self, protocol: &Protocol<N, M>, transaction: &Transaction) -> Stage {
        let number = transaction.number;
        match transaction.write {
            Write::Append { message } => {
                let message = &mut self.messages[usize::from(message)];
                if message.delivery == Delivery::Absent {
                    message.moved(Some(number), 0, 0);
                    return Stage::Committed(Some((message.hold, 0)));
                }
                // It is known by its key, and answered as if it had been stored now.
                let taken_in = protocol.flaw == Some(Flaw::ReplayTakenIn);
                return Stage::Committed(taken_in.then_some((message.hold, 0)));
            }
            Write::Claim { message } => {
                let message = &mut self.messages[usize::from(message)];
                if let Delivery::Pending { lease: None, attempts, wait: 0 } = message.delivery {
                    message.moved(Some(number), attempts, 0);
                    return Stage::Committed(Some((message.hold, attempts)));
                }
            }
            Write::Outcome(outcome) => self.record(protocol, &outcome, number),
        }
        Stage::Committed(None)
    }

    /// What whoever writes under this lease holds.
    pub(super) fn held(&self, own: LeaseNumber) -> Held {
        let adopted = self.leases.iter().filter(|row| row.adopted_by == Some(own));
        Held { own, adopted: adopted.map(|row| row.number).collect() }
    }

    /// A node takes over what stands under an ended lease, and under those that its holder had taken over.
    pub(super) fn adopt(&mut self, node: usize, ended: LeaseNumber) {
        let Some(own) = self.nodes[node].number() else { return };
        for at in 0..self.leases.len() {
            let row = &mut self.leases[at];
            if row.number != ended && row.adopted_by != Some(ended) {
                continue;
            }
            row.adopted_by = Some(own);
            let number = row.number;
            for (message, truth) in self.messages.iter_mut().enumerate() {
                if truth.is_under(number) {
                    truth.hold += 1;
                    self.nodes[node].on_disk[message] = true;
                }
            }
        }
    }

    /// A node reads from disk what waits there for it, unless it has something of the message in memory.
    pub(super) fn load(&mut self, node: usize, message: usize) {
        let Some(own) = self.nodes[node].number() else { return };
        self.nodes[node].on_disk[message] = false;
        let truth = &self.messages[message];
        if let Delivery::Pending { lease: Some(lease), attempts, .. } = truth.delivery
            && self.held(own).has(lease)
        {
            self.nodes[node].waiting[message] = Some((truth.hold, attempts));
        }
    }

    fn record(&mut self, protocol: &Protocol<N, M>, outcome: &Outcome, number: LeaseNumber) {
        let mut held = self.held(number);
        let message = &mut self.messages[usize::from(outcome.message)];
        let bit = 1u8 << outcome.attempt;
        let mut late = LateOutcome {
            hold: Hold { lease: outcome.made_under, own: outcome.own },
            attempts_before: outcome.attempts_before.into(),
            is_logged: message.logged & bit != 0,
        };
        let mut row = match message.delivery {
            Delivery::Pending { lease, attempts, .. } => Some((lease, u16::from(attempts))),
            Delivery::Absent | Delivery::Done => None,
        };
        match protocol.flaw {
            Some(Flaw::OutcomeUnfenced) => {
                row = row.map(|_| (Some(late.hold.lease), late.attempts_before));
                held = Held { own: late.hold.own, adopted: vec![late.hold.lease] };
            }
            Some(Flaw::OutcomeOfAnyLease) => late.hold.own = number,
            _ => {}
        }
        message.logged |= bit;
        match lease::effect(&late, &held, row) {
            Effect::Counts => {
                self.broken.stale |= outcome.hold != message.hold;
                if outcome.is_success {
                    message.delivery = Delivery::Done;
                } else {
                    message.moved(None, outcome.attempts_before + 1, 1);
                }
            }
            Effect::LoggedOnly | Effect::None => {}
        }
    }
}

impl Message {
    pub(super) const NEW: Message = Message {
        delivery: Delivery::Absent,
        hold: 0,
        sent: 0,
        logged: 0,
        is_answered: false,
        is_asked: false,
        asked: None,
        stuck: 0,
    };

    /// Whether anybody who has room may claim it.
    pub(super) fn is_claimable(&self) -> bool {
        matches!(self.delivery, Delivery::Pending { lease: None, wait: 0, .. })
    }

    pub(super) fn is_under(&self, number: LeaseNumber) -> bool {
        matches!(self.delivery, Delivery::Pending { lease: Some(lease), .. } if lease == number)
    }

    fn moved(&mut self, lease: Option<LeaseNumber>, attempts: u8, wait: u8) {
        self.delivery = Delivery::Pending { lease, attempts, wait };
        self.hold += 1;
    }
}
