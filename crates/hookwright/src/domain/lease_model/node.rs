//! A node of the model: what it holds in memory, and what it may do next.

use super::database::{Delivery, Outcome, Stage, Transaction, Write};
use super::{Flaw, NOW, Protocol, TERMS, TICK, World};
use crate::domain::lease::{Duty, LeaseNumber, Permission, Tenure};

/// What becomes of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Mode {
    Running,
    /// The process is halted; its clock runs on.
    Paused,
    /// It was asked to stop.
    Stopping,
    /// It stopped, and ended its lease.
    Stopped,
    Crashed,
}

/// Its connection to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Link {
    Up,
    /// The database went, and took it along.
    Lost,
    /// It alone was cut off.
    Cut,
}

/// A lease as its holder knows it; times are ticks from now on, by its own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Held {
    pub(super) number: LeaseNumber,
    pub(super) left: u8,
    pub(super) renew_in: u8,
    /// Whether its clock has lost a tick since the renewal was sent.
    pub(super) has_lagged: bool,
}

/// A renewal that takes longer than a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Renewal {
    /// Whether it took place, and was let in.
    pub(super) executed: Option<bool>,
    /// Ticks since it was sent, by the node's own clock.
    pub(super) age: u8,
    /// Ticks since then by the database's clock.
    pub(super) waited: u8,
    pub(super) has_lagged: bool,
}

/// An attempt under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Attempt {
    pub(super) outcome: Outcome,
    pub(super) is_old: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Node<const M: usize> {
    pub(super) mode: Mode,
    pub(super) link: Link,
    pub(super) held: Option<Held>,
    pub(super) renewal: Option<Renewal>,
    /// What waits in memory, with its hold and the attempts made before.
    pub(super) waiting: [Option<(u8, u8)>; M],
    /// What it took over, and has not read yet.
    pub(super) on_disk: [bool; M],
    pub(super) under_way: [Option<Attempt>; M],
    /// Outcomes that are not written yet, oldest first.
    pub(super) unwritten: Vec<Outcome>,
    pub(super) transaction: Option<Transaction>,
    /// A transaction that it sent over a connection which is gone: it may still take place, or has.
    pub(super) ghost: Option<Transaction>,
    /// What it knows to have sent, and not how that ended.
    pub(super) unsettled: Option<Write>,
}

impl Held {
    fn as_tenure(&self) -> Tenure {
        Tenure {
            number: self.number,
            over_at: NOW + TICK * u32::from(self.left),
            renew_at: NOW + TICK * u32::from(self.renew_in),
        }
    }

    fn set(&mut self, tenure: &Tenure) {
        let ticks = |to: std::time::Duration| (to.saturating_sub(NOW).as_secs() / TICK.as_secs()) as u8;
        self.left = ticks(tenure.over_at);
        self.renew_in = ticks(tenure.renew_at);
    }
}

impl<const M: usize> Node<M> {
    pub(super) const NEW: Node<M> = Node {
        mode: Mode::Running,
        link: Link::Up,
        held: None,
        renewal: None,
        waiting: [None; M],
        on_disk: [false; M],
        under_way: [None; M],
        unwritten: Vec::new(),
        transaction: None,
        ghost: None,
        unsettled: None,
    };

    /// Whether it works, and is as fast as it should be.
    pub(super) fn is_prompt(&self) -> bool {
        matches!(self.mode, Mode::Running | Mode::Stopping) && self.link == Link::Up
    }

    pub(super) fn number(&self) -> Option<LeaseNumber> {
        self.held.map(|held| held.number)
    }

    pub(super) fn may_start(&self, flaw: Option<Flaw>) -> bool {
        self.mode == Mode::Running
            && self.held.is_some_and(|held| {
                flaw == Some(Flaw::NoDeadline)
                    // The catalog is another matter: here it is always confirmed.
                    || held.as_tenure().permission(NOW, NOW, &flaw_terms(flaw)) == Permission::Granted
            })
    }

    /// What it is to do about its lease, unless a renewal is under way.
    pub(super) fn duty(&self) -> Option<Duty> {
        let held = self.held.filter(|_| self.renewal.is_none())?;
        Some(held.as_tenure().duty(NOW, self.unsettled.is_some()))
    }

    /// Whether it may send a batch now.
    pub(super) fn can_write(&self) -> bool {
        self.is_prompt() && self.transaction.is_none() && self.unsettled.is_none() && self.held.is_some()
    }

    pub(super) fn acquire(&mut self, number: LeaseNumber, flaw: Option<Flaw>) {
        let mut held = Held { number, left: 0, renew_in: 0, has_lagged: false };
        held.set(&Tenure::acquired(number, NOW, &flaw_terms(flaw)));
        self.held = Some(held);
    }

    /// The answer to a renewal, sent so many ticks ago.
    pub(super) fn renewed(&mut self, age: u8, has_lagged: bool, flaw: Option<Flaw>) {
        let Some(held) = &mut self.held else { return };
        let age = if flaw == Some(Flaw::CountedFromAnswer) { 0 } else { age };
        let mut tenure = held.as_tenure();
        tenure.renewed(NOW - TICK * u32::from(age), &flaw_terms(flaw));
        held.set(&tenure);
        held.has_lagged = has_lagged;
    }

    /// Its lease is lost: what waits in memory is forgotten, and what is under way goes on.
    pub(super) fn lose(&mut self) {
        self.held = None;
        self.renewal = None;
        self.waiting = [None; M];
        self.on_disk = [false; M];
    }

    pub(super) fn send(&mut self, write: Write) {
        let Some(held) = self.held else { return };
        let number = held.number;
        self.transaction = Some(Transaction { write, number, stage: Stage::Sent, is_old: false });
    }

    /// Its connection is gone, and with it the answers that are on their way. What had not been committed may be rolled back.
    pub(super) fn disconnect(&mut self, flaw: Option<Flaw>, is_rolled_back: bool) {
        self.renewal = None;
        let Some(transaction) = self.transaction.take() else { return };
        if flaw == Some(Flaw::NoMark) {
            self.put_back(transaction.write);
        } else {
            self.unsettled = Some(transaction.write);
        }
        let may_be = match transaction.stage {
            Stage::Sent | Stage::Guarded => !is_rolled_back,
            Stage::Committed(_) => true,
            Stage::Refused => false,
        };
        // Whatever else it was that is gone by now did not take place.
        self.ghost = may_be.then_some(Transaction { is_old: false, ..transaction });
    }

    /// What was not written is written later, if it is an outcome; whoever asked for anything else asks again.
    fn put_back(&mut self, write: Write) {
        if let Write::Outcome(outcome) = write {
            self.unwritten.insert(0, outcome);
        }
    }

    pub(super) fn crash(&mut self) {
        self.disconnect(None, false);
        // Nobody asks any more what became of it.
        let ghost = self.ghost.filter(|ghost| matches!(ghost.stage, Stage::Sent | Stage::Guarded));
        *self = Node { mode: Mode::Crashed, link: Link::Lost, ghost, ..Node::NEW };
    }

    /// Whether it has anything of a message in memory.
    pub(super) fn has(&self, message: usize) -> bool {
        let is_of_it = |outcome: &Outcome| usize::from(outcome.message) == message;
        self.waiting[message].is_some()
            || self.under_way[message].is_some()
            || self.unwritten.iter().any(is_of_it)
            || self
                .transaction
                .is_some_and(|one| matches!(one.write, Write::Outcome(outcome) if is_of_it(&outcome)))
    }
}

impl<const N: usize, const M: usize> World<N, M> {
    /// A node finds out what became of what it sent: it makes the same mark. If that is there, all took place; else none of it will.
    pub(super) fn settle_commit(&mut self, protocol: &Protocol<N, M>, node: usize) {
        let this = &mut self.nodes[node];
        let Some(write) = this.unsettled.take() else { return };
        let Some(ghost) = this.ghost else { return this.put_back(write) };
        match ghost.stage {
            Stage::Committed(stored) => {
                this.ghost = None;
                if let Write::Append { message } | Write::Claim { message } = write {
                    this.take_in(message, stored, ghost.number, protocol.flaw);
                }
            }
            _ => {
                if protocol.flaw != Some(Flaw::NotBarred) {
                    this.ghost = None;
                }
                this.put_back(write);
            }
        }
    }

    /// An attempt starts.
    pub(super) fn start(&mut self, node: usize, message: usize) {
        let (Some(number), Some((hold, attempts_before))) =
            (self.nodes[node].number(), self.nodes[node].waiting[message].take())
        else {
            return;
        };
        let truth = &self.messages[message];
        let made_under = match truth.delivery {
            Delivery::Pending { lease: Some(lease), .. } => lease,
            _ => number,
        };
        // The delivery may be others' by now, if its node believes in a lease that is lost.
        let made_under = if self.held(number).has(made_under) { made_under } else { number };
        self.broken.late_start |= !self.is_live(number);
        let truth = &mut self.messages[message];
        let outcome = Outcome {
            message: message as u8,
            made_under,
            own: number,
            attempts_before,
            attempt: truth.sent,
            hold,
            is_success: true,
        };
        truth.sent += 1;
        self.nodes[node].under_way[message] = Some(Attempt { outcome, is_old: false });
    }

    /// The answer to a node's transaction arrives.
    pub(super) fn answer(&mut self, protocol: &Protocol<N, M>, node: usize) {
        let Some(Transaction { write, stage, number, .. }) = self.nodes[node].transaction.take() else {
            return;
        };
        let this = &mut self.nodes[node];
        match (write, stage) {
            (Write::Append { message }, stage) => {
                let truth = &mut self.messages[usize::from(message)];
                truth.asked = None;
                if let Stage::Committed(stored) = stage {
                    truth.is_answered = true;
                    this.take_in(message, stored, number, protocol.flaw);
                }
            }
            (Write::Claim { message }, Stage::Committed(claimed)) => {
                this.take_in(message, claimed, number, protocol.flaw);
            }
            (Write::Outcome(outcome), Stage::Refused) => this.unwritten.insert(0, outcome),
            _ => {}
        }
    }
}

impl<const M: usize> Node<M> {
    fn take_in(&mut self, message: u8, stored: Option<(u8, u8)>, under: LeaseNumber, flaw: Option<Flaw>) {
        // Its lease may have been lost meanwhile.
        let is_held = self.number() == Some(under) || flaw == Some(Flaw::TakenInLate);
        if stored.is_some() && is_held {
            self.waiting[usize::from(message)] = stored;
        }
    }
}

fn flaw_terms(flaw: Option<Flaw>) -> crate::domain::lease::Terms {
    match flaw {
        Some(Flaw::NoMargin) => crate::domain::lease::Terms { margin: std::time::Duration::ZERO, ..TERMS },
        _ => TERMS,
    }
}
