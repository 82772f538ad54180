//! A node of the model: what it holds in memory, and what it may do next.

use super::database::{Delivery, Outcome, Stage, Transaction, Write};
use super::{Flaw, NOW, Protocol, TERMS, TICK, World};
use crate::domain::lease::{Duty, Fence, LeaseNumber, Permission, Tenure};

/// What becomes of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Mode {
    Running,
    /// The process is halted; its clock runs on.
    Paused,
    /// It was asked to stop.
    Stopping,
    /// It stopped, and what it held was given back.
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
    pub(super) fence: Fence,
    pub(super) left: u8,
    pub(super) renew_in: u8,
    pub(super) is_uncertain: bool,
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
    pub(super) under_way: [Option<Attempt>; M],
    /// Outcomes that are not written yet, oldest first.
    pub(super) unwritten: Vec<Outcome>,
    pub(super) transaction: Option<Transaction>,
    /// A transaction that it sent over a connection which is gone: it may still take place.
    pub(super) ghost: Option<Transaction>,
}

impl Held {
    fn as_tenure(&self) -> Tenure {
        Tenure {
            fence: self.fence,
            over_at: NOW + TICK * u32::from(self.left),
            renew_at: NOW + TICK * u32::from(self.renew_in),
            is_uncertain: self.is_uncertain,
        }
    }

    fn set(&mut self, tenure: &Tenure) {
        let ticks = |to: std::time::Duration| (to.saturating_sub(NOW).as_secs() / TICK.as_secs()) as u8;
        self.fence = tenure.fence;
        self.left = ticks(tenure.over_at);
        self.renew_in = ticks(tenure.renew_at);
        self.is_uncertain = tenure.is_uncertain;
    }
}

impl<const M: usize> Node<M> {
    pub(super) const NEW: Node<M> = Node {
        mode: Mode::Running,
        link: Link::Up,
        held: None,
        renewal: None,
        waiting: [None; M],
        under_way: [None; M],
        unwritten: Vec::new(),
        transaction: None,
        ghost: None,
    };

    /// Whether it works, and is as fast as it should be.
    pub(super) fn is_prompt(&self) -> bool {
        matches!(self.mode, Mode::Running | Mode::Stopping) && self.link == Link::Up
    }

    pub(super) fn number(&self) -> Option<LeaseNumber> {
        self.held.map(|held| held.fence.number)
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
        Some(held.as_tenure().duty(NOW))
    }

    /// Whether it may send a batch now.
    pub(super) fn can_write(&self) -> bool {
        self.is_prompt() && self.transaction.is_none() && self.held.is_some_and(|held| !held.is_uncertain)
    }

    pub(super) fn acquire(&mut self, number: LeaseNumber, flaw: Option<Flaw>) {
        let fence = Fence { number, epoch: 0 };
        let mut held = Held { fence, left: 0, renew_in: 0, is_uncertain: false, has_lagged: false };
        held.set(&Tenure::acquired(fence, NOW, &flaw_terms(flaw)));
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
    }

    pub(super) fn send(&mut self, write: Write) {
        let Some(held) = self.held else { return };
        self.transaction = Some(Transaction { write, fence: held.fence, stage: Stage::Sent, is_old: false });
    }

    /// Its connection is gone, and with it the answers that are on their way.
    pub(super) fn disconnect(&mut self, flaw: Option<Flaw>, leaves_ghost: bool) {
        self.renewal = None;
        let Some(transaction) = self.transaction.take() else { return };
        if let Write::Outcome(outcome) = transaction.write {
            self.unwritten.insert(0, outcome);
        }
        if let Some(held) = &mut self.held
            && flaw != Some(Flaw::NoReadBack)
        {
            let mut tenure = held.as_tenure();
            tenure.commit_unknown();
            held.set(&tenure);
        }
        if leaves_ghost && matches!(transaction.stage, Stage::Sent | Stage::Guarded) && self.ghost.is_none() {
            self.ghost = Some(Transaction { is_old: false, ..transaction });
        }
    }

    pub(super) fn crash(&mut self) {
        self.disconnect(None, true);
        let ghost = self.ghost;
        *self = Node { mode: Mode::Crashed, link: Link::Lost, ghost, ..Node::NEW };
    }

    /// Whether it has the delivery of a message, as it stands under its lease after so many attempts.
    ///
    /// What is left of an earlier hold on it says nothing of this one, and will change nothing.
    fn has(&self, message: usize, number: LeaseNumber, attempts: u8, flaw: Option<Flaw>) -> bool {
        let under_way = self.under_way[message].iter().map(|attempt| &attempt.outcome);
        let mut outcomes = under_way.chain(&self.unwritten);
        let is_of_it = |outcome: &Outcome| {
            let is_of_hold = outcome.made_under == number && outcome.attempts_before == attempts;
            usize::from(outcome.message) == message && (is_of_hold || flaw == Some(Flaw::ReadBackLeavesOld))
        };
        let is_known = flaw != Some(Flaw::ReadBackTakesAll);
        self.waiting[message].is_some() || (is_known && outcomes.any(is_of_it))
    }
}

impl<const N: usize, const M: usize> World<N, M> {
    /// A node reads back what stands under its lease, under the next epoch.
    pub(super) fn read_back(&mut self, protocol: &Protocol<N, M>, node: usize) {
        let Some(held) = self.nodes[node].held else { return };
        let number = held.fence.number;
        let Some(row) = self.row_mut(number) else { return };
        row.fence.epoch += 1;
        let epoch = row.fence.epoch;
        let node = &mut self.nodes[node];
        if let Some(held) = &mut node.held {
            let mut tenure = held.as_tenure();
            tenure.read_back(epoch);
            held.set(&tenure);
        }
        for (at, message) in self.messages.iter().enumerate() {
            if let Delivery::Pending { attempts, .. } = message.delivery
                && message.is_under(number)
                && !node.has(at, number, attempts, protocol.flaw)
            {
                node.waiting[at] = Some((message.hold, attempts));
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
        self.broken.late_start |= !self.is_live(number);
        let truth = &mut self.messages[message];
        let outcome = Outcome {
            message: message as u8,
            made_under: number,
            attempts_before,
            attempt: truth.sent,
            hold,
            is_success: true,
        };
        truth.sent += 1;
        self.nodes[node].under_way[message] = Some(Attempt { outcome, is_old: false });
    }

    /// The answer to a node's transaction arrives.
    pub(super) fn answer(&mut self, node: usize) {
        let Some(Transaction { write, stage, fence, .. }) = self.nodes[node].transaction.take() else {
            return;
        };
        let this = &mut self.nodes[node];
        match (write, stage) {
            (Write::Append { message, .. }, stage) => {
                let truth = &mut self.messages[usize::from(message)];
                truth.asked = None;
                if let Stage::Committed(stored) = stage {
                    truth.is_answered = true;
                    this.take_in(message, stored, fence.number);
                }
            }
            (Write::Claim { message }, Stage::Committed(claimed)) => {
                this.take_in(message, claimed, fence.number);
            }
            (Write::Outcome(outcome), Stage::Refused) => this.unwritten.insert(0, outcome),
            (Write::Release { messages }, Stage::Committed(_)) => {
                let released = this.waiting.iter_mut().enumerate();
                released.filter(|(at, _)| messages & (1 << at) != 0).for_each(|(_, one)| *one = None);
            }
            _ => {}
        }
    }
}

impl<const M: usize> Node<M> {
    fn take_in(&mut self, message: u8, stored: Option<(u8, u8)>, under: LeaseNumber) {
        // Its lease may have been lost meanwhile.
        if stored.is_some() && self.number() == Some(under) {
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
