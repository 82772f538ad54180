//! What can happen next in the model, and what comes of it.

use super::database::{Stage, Transaction, Write};
use super::node::{Link, Mode, Node};
use super::{Flaw, Protocol, World};
use crate::domain::lease::LeaseNumber;

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// A tick passes; a node's clock may not show it, and the renewal that a node sends then may take until the next.
    Tick {
        lagging: Option<usize>,
        slow: Option<usize>,
    },
    /// Somebody sends a message to a node.
    Post {
        node: usize,
        message: usize,
    },
    /// The database comes to the guard of a node's transaction, or of its ghost.
    Guard(usize, Of),
    Commit(usize, Of),
    /// A ghost does not take place.
    Vanish(usize),
    /// The database gives up the transaction of a client that it does not hear of, and the connection with it.
    GiveUp(usize),
    Answer(usize),
    /// All of that at once: it matters only for faults what lies in between.
    Whole(usize),
    MakeRenewal(usize),
    AnswerRenewal(usize),
    /// A node finds out how a commit ended.
    Settle(usize),
    /// A node takes over what stands under a lease that was ended.
    Adopt(usize, LeaseNumber),
    /// A node reads from disk what it took over.
    Load(usize, usize),
    Start(usize, usize),
    Finish {
        node: usize,
        message: usize,
        is_success: bool,
    },
    /// A node's oldest outcome is sent.
    Record(usize),
    Claim(usize, usize),
    /// All is written of a node that stops: it ends its lease, and leaves what waits to others.
    Stopped(usize),
    Stop(usize),
    Crash(usize),
    Restart(usize),
    Halt(usize),
    Resume(usize),
    Cut(usize),
    Reconnect(usize),
    Outage,
    Return,
}

/// Which transaction of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Of {
    Connection,
    Ghost,
}

/// The steps that were found, and whether one of them must come before the next tick.
struct Found<'a> {
    steps: &'a mut Vec<Step>,
    is_due: bool,
}

impl Found<'_> {
    fn may(&mut self, step: Step) {
        self.steps.push(step);
    }

    fn must(&mut self, step: Step) {
        self.is_due = true;
        self.steps.push(step);
    }

    fn must_if(&mut self, is_due: bool, step: Step) {
        self.is_due |= is_due;
        self.steps.push(step);
    }
}

impl<const N: usize, const M: usize> World<N, M> {
    /// Everything that can happen next.
    pub(super) fn steps(&self, protocol: &Protocol<N, M>, steps: &mut Vec<Step>) {
        let found = &mut Found { steps, is_due: false };
        for node in 0..N {
            self.steps_of_node(protocol, node, found);
            self.steps_of_fate(node, found);
        }
        if !self.is_up {
            found.may(Step::Return);
        } else if self.budget.faults > 0 && self.budget.outages > 0 {
            found.may(Step::Outage);
        }
        if found.is_due || self.slow() > self.budget.slow {
            return;
        }
        let no_one = std::iter::once(None);
        for lagging in no_one.clone().chain((0..N).map(Some)) {
            if lagging.is_some_and(|node| self.budget.lags == 0 || !self.may_lag(node)) {
                continue;
            }
            for slow in no_one.clone().chain((0..N).map(Some)) {
                if slow.is_none_or(|node| self.budget.slow > self.slow() && self.may_be_slow(node)) {
                    found.may(Step::Tick { lagging, slow });
                }
            }
        }
    }

    fn steps_of_node(&self, protocol: &Protocol<N, M>, at: usize, found: &mut Found<'_>) {
        let node = &self.nodes[at];
        let is_prompt = node.is_prompt() && self.is_up;
        if self.is_up {
            self.steps_of_transactions(at, is_prompt, found);
        }
        // It waits for whoever made the mark and has not committed yet, or is faster.
        if is_prompt && node.unsettled.is_some() {
            found.must(Step::Settle(at));
        }
        if is_prompt && node.mode == Mode::Running && node.number().is_some_and(|own| self.is_live(own)) {
            for row in self.leases.iter().filter(|row| row.as_row().is_adoptable()) {
                if protocol.flaw == Some(Flaw::NotSealed) || !self.is_locked(row.number) {
                    found.must(Step::Adopt(at, row.number));
                }
            }
            for message in (0..M).filter(|message| node.on_disk[*message] && !node.has(*message)) {
                found.must(Step::Load(at, message));
            }
        }
        if matches!(node.mode, Mode::Running | Mode::Stopping) {
            for message in 0..M {
                if let Some(attempt) = node.under_way[message] {
                    let is_due = attempt.is_old && is_prompt;
                    found.must_if(is_due, Step::Finish { node: at, message, is_success: true });
                    if self.budget.failures > 0 {
                        found.may(Step::Finish { node: at, message, is_success: false });
                    }
                } else if node.waiting[message].is_some() && node.may_start(protocol.flaw) {
                    found.must_if(is_prompt, Step::Start(at, message));
                }
            }
        }
        if !is_prompt || !node.can_write() {
            return;
        }
        if !node.unwritten.is_empty() {
            found.must(Step::Record(at));
        } else if node.mode == Mode::Stopping && node.under_way.iter().all(Option::is_none) {
            found.must(Step::Stopped(at));
        }
        if node.may_start(protocol.flaw) {
            for message in (0..M).filter(|message| self.messages[*message].is_claimable()) {
                found.must(Step::Claim(at, message));
            }
            for (message, truth) in self.messages.iter().enumerate() {
                // Nodes are alike: whichever is asked first is the first.
                let is_first = truth.is_asked || message > 0 || at == 0;
                if is_first && !truth.is_answered && truth.asked.is_none() {
                    found.may(Step::Post { node: at, message });
                }
            }
        }
    }

    fn steps_of_transactions(&self, at: usize, is_prompt: bool, found: &mut Found<'_>) {
        let node = &self.nodes[at];
        if let Some(Transaction { stage, is_old, .. }) = node.transaction {
            let is_due = is_old && is_prompt;
            match stage {
                Stage::Sent if self.budget.faults == 0 && is_prompt => found.must_if(is_due, Step::Whole(at)),
                Stage::Sent => found.must_if(is_due, Step::Guard(at, Of::Connection)),
                Stage::Guarded => {
                    found.must_if(is_old, Step::Commit(at, Of::Connection));
                    if !is_prompt {
                        found.may(Step::GiveUp(at));
                    }
                }
                Stage::Committed(_) | Stage::Refused if is_prompt => found.must_if(is_due, Step::Answer(at)),
                Stage::Committed(_) | Stage::Refused => {}
            }
        }
        if let Some(ghost) = node.ghost {
            match ghost.stage {
                Stage::Sent => found.may(Step::Guard(at, Of::Ghost)),
                // The database gives it up long before a lease is over.
                Stage::Guarded => found.must_if(ghost.is_old, Step::Commit(at, Of::Ghost)),
                Stage::Committed(_) | Stage::Refused => {}
            }
            if matches!(ghost.stage, Stage::Sent | Stage::Guarded) {
                found.may(Step::Vanish(at));
            }
        }
        if let Some(renewal) = node.renewal {
            match renewal.executed {
                None => found.must_if(is_prompt && renewal.waited > 0, Step::MakeRenewal(at)),
                Some(_) if is_prompt => found.must_if(renewal.waited > 0, Step::AnswerRenewal(at)),
                Some(_) => {}
            }
        }
    }

    /// What befalls a node.
    fn steps_of_fate(&self, at: usize, found: &mut Found<'_>) {
        let (node, budget) = (&self.nodes[at], &self.budget);
        match node.mode {
            Mode::Running | Mode::Stopping => {
                if budget.faults > 0 {
                    if budget.crashes > 0 {
                        found.may(Step::Crash(at));
                    }
                    if budget.halts > 0 && node.mode == Mode::Running {
                        found.may(Step::Halt(at));
                    }
                    if budget.cuts > 0 && node.link == Link::Up {
                        found.may(Step::Cut(at));
                    }
                }
                if budget.stops > 0 && node.mode == Mode::Running {
                    found.may(Step::Stop(at));
                }
                if self.is_up && node.link != Link::Up {
                    found.must_if(node.link == Link::Lost, Step::Reconnect(at));
                }
            }
            Mode::Paused => found.may(Step::Resume(at)),
            Mode::Crashed => found.may(Step::Restart(at)),
            Mode::Stopped => {}
        }
    }

    fn may_lag(&self, at: usize) -> bool {
        let node = &self.nodes[at];
        node.held.is_some_and(|held| held.left > 0 && !held.has_lagged)
            && node.renewal.is_none_or(|renewal| !renewal.has_lagged)
    }

    /// Whether it would renew its lease right after the next tick.
    fn may_be_slow(&self, at: usize) -> bool {
        let node = &self.nodes[at];
        self.is_up
            && node.is_prompt()
            && node.renewal.is_none()
            && node.held.is_some()
            && node.unsettled.is_none()
    }

    /// How much of what the nodes have under way would take until after the next tick for the first time.
    fn slow(&self) -> u8 {
        self.nodes.iter().filter(|node| node.is_prompt()).map(Node::slow).sum()
    }

    fn transaction_mut(&mut self, at: usize, of: Of) -> &mut Option<Transaction> {
        match of {
            Of::Connection => &mut self.nodes[at].transaction,
            Of::Ghost => &mut self.nodes[at].ghost,
        }
    }

    /// Takes one step, and then those that follow at once.
    pub(super) fn take(&mut self, protocol: &Protocol<N, M>, step: Step) {
        self.take_one(protocol, step);
        self.settle(protocol);
    }

    fn take_one(&mut self, protocol: &Protocol<N, M>, step: Step) {
        match step {
            Step::Tick { lagging, slow } => self.tick(lagging, slow),
            Step::Post { node, message } => {
                self.messages[message].asked = Some(node as u8);
                self.messages[message].is_asked = true;
                self.nodes[node].send(Write::Append { message: message as u8 });
            }
            Step::Guard(node, of) => {
                let number = self.transaction_mut(node, of).map(|one| one.number);
                let Some(stage) = number.map(|number| self.guard(protocol, number)) else { return };
                let one = self.transaction_mut(node, of);
                if let Some(one) = one {
                    one.stage = stage;
                    one.is_old &= of == Of::Connection;
                }
                if of == Of::Ghost && stage == Stage::Refused {
                    *one = None;
                }
            }
            Step::Commit(node, of) => {
                let Some(one) = *self.transaction_mut(node, of) else { return };
                let stage = self.commit(protocol, &one);
                let after = Transaction { stage, ..one };
                // Whoever has not forgotten it finds out that it took place.
                let is_asked_for = of == Of::Connection || self.nodes[node].unsettled.is_some();
                *self.transaction_mut(node, of) = is_asked_for.then_some(after);
            }
            Step::Vanish(node) => self.nodes[node].ghost = None,
            Step::GiveUp(node) => {
                self.nodes[node].disconnect(protocol.flaw, true);
                self.nodes[node].link = Link::Lost;
            }
            Step::Answer(node) => self.answer(protocol, node),
            Step::Whole(node) => {
                for step in [Step::Guard(node, Of::Connection), Step::Commit(node, Of::Connection)] {
                    if self.nodes[node].transaction.is_some_and(|one| one.stage != Stage::Refused) {
                        self.take_one(protocol, step);
                    }
                }
                self.answer(protocol, node);
            }
            Step::MakeRenewal(node) => {
                let waited = self.nodes[node].renewal.map_or(0, |renewal| renewal.waited);
                let executed = self.renew(protocol, node, waited);
                if let Some(renewal) = &mut self.nodes[node].renewal {
                    renewal.executed = Some(executed);
                }
            }
            Step::AnswerRenewal(node) => {
                let renewal = self.nodes[node].renewal.take();
                if let Some(renewal) = renewal.filter(|renewal| renewal.executed == Some(true)) {
                    self.nodes[node].renewed(renewal.age, renewal.has_lagged, protocol.flaw);
                }
            }
            Step::Settle(node) => self.settle_commit(protocol, node),
            Step::Adopt(node, ended) => self.adopt(node, ended),
            Step::Load(node, message) => self.load(node, message),
            Step::Start(node, message) => self.start(node, message),
            Step::Finish { node, message, is_success } => {
                if let Some(mut attempt) = self.nodes[node].under_way[message].take() {
                    attempt.outcome.is_success = is_success;
                    self.budget.failures -= u8::from(!is_success);
                    self.failures += u8::from(!is_success);
                    self.nodes[node].unwritten.push(attempt.outcome);
                }
            }
            Step::Record(node) => {
                let outcome = self.nodes[node].unwritten.remove(0);
                self.nodes[node].send(Write::Outcome(outcome));
            }
            Step::Claim(node, message) => self.nodes[node].send(Write::Claim { message: message as u8 }),
            Step::Stopped(node) => {
                if let Some(row) = self.nodes[node].number().and_then(|number| self.row_mut(number)) {
                    row.is_ended = true;
                }
                let ghost = self.nodes[node].ghost;
                self.nodes[node] = Node { mode: Mode::Stopped, link: Link::Lost, ghost, ..Node::NEW };
            }
            fate => self.befall(protocol, fate),
        }
    }
}
