//! Time passes in the model, and what the nodes do about leases follows at once.

use super::database::{Delivery, Row};
use super::node::{Mode, Node, Renewal};
use super::{DATABASE_NOW, Flaw, LENGTH, Protocol, TERMS, TICK, World};
use crate::domain::lease::{self, Duty, LeaseNumber};

impl<const N: usize, const M: usize> World<N, M> {
    /// A tick passes. Nodes whose lease is to be renewed do it right after, but for the slow one, which sends it only.
    pub(super) fn tick(&mut self, lagging: Option<usize>, slow: Option<usize>) {
        let spent = self.nodes.iter().filter(|node| node.is_prompt()).map(Node::slow).sum::<u8>();
        self.budget.slow -= spent + u8::from(slow.is_some());
        self.budget.lags -= u8::from(lagging.is_some());
        let is_watched: [bool; N] = std::array::from_fn(|at| self.is_up && self.nodes[at].is_prompt());
        for row in &mut self.leases {
            row.left = row.left.saturating_sub(1);
            for (seen, is_watched) in row.seen.iter_mut().zip(is_watched) {
                // A renewal is seen right when it is made: nobody could see it earlier.
                let before = if row.is_fresh { 0 } else { *seen };
                *seen = if is_watched { (before + 1).min(LENGTH) } else { 0 };
            }
            row.is_fresh = false;
        }
        for (at, node) in self.nodes.iter_mut().enumerate() {
            node.tick(lagging == Some(at));
        }
        let is_left = |node: &Node<M>| node.is_prompt() && node.mode == Mode::Running;
        let is_counted = self.is_up && self.nodes.iter().any(is_left);
        for message in &mut self.messages {
            match &mut message.delivery {
                Delivery::Pending { wait, .. } if *wait > 0 => *wait -= 1,
                Delivery::Pending { .. } if is_counted => message.stuck += 1,
                _ => message.stuck = 0,
            }
        }
        if let Some(slow) = slow
            && self.nodes[slow].duty() == Some(Duty::Renew)
        {
            self.nodes[slow].renewal = Some(Renewal::SENT);
        }
    }

    /// What a node that is prompt does at once: it renews, it ends what is dead, it gives up what was ended, it takes a new lease.
    /// Leases go that were adopted and that nothing stands under.
    pub(super) fn settle(&mut self, protocol: &Protocol<N, M>) {
        if !self.is_up || !self.nodes.iter().any(Node::is_prompt) {
            return;
        }
        for node in 0..N {
            if self.nodes[node].is_prompt()
                && self.nodes[node].duty() == Some(Duty::Renew)
                && self.renew(protocol, node, 0)
            {
                self.nodes[node].renewed(0, false, protocol.flaw);
            }
        }
        for at in 0..self.leases.len() {
            let row = self.leases[at];
            let is_dead = |node: usize| self.nodes[node].is_prompt() && row.is_dead_to(node, protocol.flaw);
            self.leases[at].is_ended |= protocol.flaw != Some(Flaw::NoEnd) && (0..N).any(is_dead);
        }
        let messages = &self.messages;
        self.leases.retain(|row| {
            row.adopted_by.is_none() || messages.iter().any(|message| message.is_under(row.number))
        });
        for at in 0..N {
            let node = &self.nodes[at];
            if !node.is_prompt() {
                continue;
            }
            if node.number().is_some_and(|number| !self.is_live(number)) {
                self.nodes[at].lose();
            }
            let node = &self.nodes[at];
            let is_idle = node.mode != Mode::Running && node.unwritten.is_empty();
            if node.held.is_none() && node.unsettled.is_none() && !is_idle {
                self.acquire(protocol, at);
            }
        }
    }

    pub(super) fn acquire(&mut self, protocol: &Protocol<N, M>, node: usize) {
        let number = LeaseNumber(self.next_number);
        self.next_number += 1;
        self.leases.push(Row::new(number));
        self.nodes[node].acquire(number, protocol.flaw);
    }

    /// A renewal takes place that was sent so many ticks ago, if it is let in.
    pub(super) fn renew(&mut self, protocol: &Protocol<N, M>, node: usize, waited: u8) -> bool {
        let Some(number) = self.nodes[node].number() else { return false };
        let waited = if protocol.flaw == Some(Flaw::RenewalAnyTime) { 0 } else { waited };
        let sent = DATABASE_NOW.before(TICK * u32::from(waited));
        let row = self.row_mut(number);
        let is_renewed =
            lease::renews(row.as_ref().map(|row| row.as_row()).as_ref(), number, sent, DATABASE_NOW, &TERMS);
        if let Some(row) = row.filter(|_| is_renewed) {
            (row.left, row.is_fresh) = (LENGTH, true);
        }
        is_renewed
    }
}

impl Renewal {
    const SENT: Renewal = Renewal { executed: None, age: 0, waited: 0, has_lagged: false };
}

impl<const M: usize> Node<M> {
    /// A tick passes, which its clock may not show.
    fn tick(&mut self, is_lagging: bool) {
        let passed = u8::from(!is_lagging);
        if let Some(held) = &mut self.held {
            held.left = held.left.saturating_sub(passed);
            held.renew_in = held.renew_in.saturating_sub(passed);
            held.has_lagged |= is_lagging;
        }
        if let Some(renewal) = &mut self.renewal {
            renewal.age = (renewal.age + passed).min(LENGTH);
            renewal.has_lagged |= is_lagging;
            renewal.waited = (renewal.waited + 1).min(LENGTH);
        }
        self.transaction.iter_mut().chain(&mut self.ghost).for_each(|one| one.is_old = true);
        self.under_way.iter_mut().flatten().for_each(|one| one.is_old = true);
    }

    /// How much of what it has under way has not outlasted a tick yet.
    pub(super) fn slow(&self) -> u8 {
        let attempts = self.under_way.iter().flatten().filter(|one| !one.is_old).count();
        let transaction = self.transaction.is_some_and(|one| !one.is_old);
        attempts as u8 + u8::from(transaction)
    }
}
