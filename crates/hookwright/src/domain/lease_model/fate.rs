//! What befalls nodes and the database in the model.

use super::database::Stage;
use super::node::{Link, Mode, Node};
use super::steps::Step;
use super::{Protocol, World};

impl<const N: usize, const M: usize> World<N, M> {
    /// Takes a step that nobody in the model decides about.
    pub(super) fn befall(&mut self, protocol: &Protocol<N, M>, step: Step) {
        let budget = &mut self.budget;
        match step {
            Step::Stop(_) => budget.stops -= 1,
            Step::Crash(_) => budget.crashes -= 1,
            Step::Halt(_) => budget.halts -= 1,
            Step::Cut(_) => budget.cuts -= 1,
            Step::Outage => budget.outages -= 1,
            _ => {}
        }
        budget.faults -=
            u8::from(matches!(step, Step::Crash(_) | Step::Halt(_) | Step::Cut(_) | Step::Outage));
        self.may_double |= matches!(step, Step::Crash(_) | Step::Halt(_) | Step::Cut(_));
        self.messages.iter_mut().for_each(|message| message.stuck = 0);
        match step {
            Step::Stop(node) => self.nodes[node].mode = Mode::Stopping,
            Step::Crash(node) => {
                self.forget_senders(node);
                self.nodes[node].crash();
            }
            Step::Restart(node) => {
                let link = if self.is_up { Link::Up } else { Link::Lost };
                let ghost = self.nodes[node].ghost;
                self.nodes[node] = Node { link, ghost, ..Node::NEW };
            }
            Step::Halt(node) => self.nodes[node].mode = Mode::Paused,
            Step::Resume(node) => self.nodes[node].mode = Mode::Running,
            Step::Cut(node) => {
                self.forget_senders(node);
                self.nodes[node].disconnect(protocol.flaw, false);
                self.nodes[node].link = Link::Cut;
            }
            Step::Reconnect(node) => self.nodes[node].link = Link::Up,
            Step::Outage => {
                self.is_up = false;
                for node in 0..N {
                    self.forget_senders(node);
                    // What had not been committed is rolled back.
                    self.nodes[node].disconnect(protocol.flaw, true);
                    let ghost = &mut self.nodes[node].ghost;
                    *ghost = ghost.filter(|ghost| matches!(ghost.stage, Stage::Committed(_)));
                    if self.nodes[node].link == Link::Up {
                        self.nodes[node].link = Link::Lost;
                    }
                }
            }
            Step::Return => self.is_up = true,
            _ => {}
        }
    }

    /// Those who wait for a node's answer are told that it is not known, and may ask again.
    fn forget_senders(&mut self, node: usize) {
        for message in &mut self.messages {
            if message.asked.is_some_and(|asked| usize::from(asked) == node) {
                message.asked = None;
            }
        }
    }
}
