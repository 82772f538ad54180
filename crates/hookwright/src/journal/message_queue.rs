//! New messages that wait for one of their own writers, and when a batch of them goes out.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use crate::domain::ids::ApplicationId;
use crate::domain::names::EventId;
use crate::journal::queue::{BATCH_BYTES_MAX, BATCH_MAX, Job};
use crate::store::write::{Append, Write};

/// So many messages wait for nothing.
pub(super) const MESSAGES_ENOUGH: usize = 256;
/// After a batch of so many or more the next one is not begun at once: those who were just answered are about to send again.
pub(super) const MANY: usize = 16;

/// How long messages wait for company. Larger batches cost less: most of what a small one costs the server is its transaction.
#[derive(Clone, Copy)]
pub(super) struct Waits {
    /// At most, while a batch of messages is being written.
    pub(super) written: Duration,
    /// After one of [`MANY`], unless twice as many wait before that.
    pub(super) rest: Duration,
}

impl Default for Waits {
    fn default() -> Waits {
        Waits { written: Duration::from_millis(5), rest: Duration::from_millis(2) }
    }
}

/// Messages that wait, and those who write them.
pub(super) struct MessageQueue {
    waits: Waits,
    jobs: VecDeque<Job>,
    oldest: Option<Instant>,
    /// Writers: all, those that cannot write now, those that write what they took, and those that sleep.
    writers: usize,
    unable: usize,
    writing: usize,
    asleep: usize,
    /// Until when one of those that sleep does so at most.
    watched_until: Option<Instant>,
    /// How many the last batch had, and when it was written.
    last: Option<(usize, Instant)>,
}

impl MessageQueue {
    pub(super) fn new(writers: usize, waits: Waits) -> MessageQueue {
        let (jobs, oldest, watched_until, last) = (VecDeque::new(), None, None, None);
        MessageQueue { waits, jobs, oldest, writers, unable: 0, writing: 0, asleep: 0, watched_until, last }
    }

    /// Adds one, and says whether a writer is to be woken: to take it, or to see to it that it does not wait too long.
    pub(super) fn push(&mut self, job: Job) -> bool {
        self.oldest.get_or_insert_with(Instant::now);
        self.jobs.push_back(job);
        self.asleep > 0
            && self.goes_at(false).is_none_or(|at| self.watched_until.is_none_or(|until| at < until))
    }

    /// When those that wait are to go; `None`: now.
    fn goes_at(&self, is_closed: bool) -> Option<Instant> {
        if self.jobs.len() >= MESSAGES_ENOUGH || is_closed {
            return None;
        }
        let latest = self.oldest? + self.waits.written;
        let at = match self.last {
            _ if self.writing > 0 => latest,
            Some((many, at)) if many >= MANY && self.jobs.len() < 2 * many => {
                latest.min(at + self.waits.rest)
            }
            _ => return None,
        };
        (at > Instant::now()).then_some(at)
    }

    /// Takes a batch if there is one to go; else says until when to sleep at most, if at all.
    pub(super) fn take(&mut self, is_closed: bool) -> Result<Vec<Job>, Option<Instant>> {
        if self.jobs.is_empty() {
            return Err(None);
        }
        if let Some(at) = self.goes_at(is_closed) {
            // One that sleeps is enough.
            return Err(Some(at).filter(|at| self.watched_until.is_none_or(|until| *at < until)));
        }
        let batch = drain(&mut self.jobs);
        self.writing += 1;
        self.last = Some((batch.len(), Instant::now()));
        self.oldest = self.has_any().then(Instant::now);
        Ok(batch)
    }

    /// A writer goes to sleep, until then at most.
    pub(super) fn sleeps(&mut self, until: Option<Instant>) {
        self.asleep += 1;
        if until.is_some() {
            self.watched_until = until;
        }
    }

    /// A writer that slept until then at most has woken.
    pub(super) fn wakes(&mut self, until: Option<Instant>) {
        self.asleep -= 1;
        if until.is_some() && self.watched_until == until {
            self.watched_until = None;
        }
    }

    /// What a writer took is written, or cannot be.
    pub(super) fn wrote(&mut self) {
        self.writing -= 1;
        self.last = self.last.map(|(many, _)| (many, Instant::now()));
    }

    /// A writer cannot write now, or can again.
    pub(super) fn set_able(&mut self, able: bool) {
        self.unable = if able { self.unable - 1 } else { self.unable + 1 };
    }

    /// A writer is gone; answers whether it was the last.
    pub(super) fn leave(&mut self) -> bool {
        self.writers -= 1;
        self.writers == 0
    }

    /// Whether any of the writers can write.
    pub(super) fn can_be_written(&self) -> bool {
        self.unable < self.writers
    }

    pub(super) fn has_any(&self) -> bool {
        !self.jobs.is_empty()
    }

    pub(super) fn has_sleeper(&self) -> bool {
        self.asleep > 0
    }

    /// How many sleep.
    #[cfg(test)]
    pub(super) fn asleep(&self) -> usize {
        self.asleep
    }

    /// Takes all, whatever they wait for.
    pub(super) fn clear(&mut self) -> Vec<Job> {
        self.oldest = None;
        self.jobs.drain(..).collect()
    }
}

/// Takes messages up to a full batch, or up to one that meets another of the batch: keys are claimed in order within a
/// statement, so that two writers never wait for each other, and one that came second would need a statement of its own.
fn drain(messages: &mut VecDeque<Job>) -> Vec<Job> {
    let mut batch = Vec::with_capacity(messages.len().min(BATCH_MAX));
    let (mut keys, mut event_ids, mut bytes) = (HashSet::new(), HashSet::new(), 0);
    while batch.len() < BATCH_MAX && bytes < BATCH_BYTES_MAX {
        let Some(job) = messages.front() else { break };
        if let Write::Append(append) = &job.write {
            let is_known = append.key.as_ref().is_some_and(|key| keys.contains(&key.hash));
            let name = event_id_of(append);
            if is_known || name.as_ref().is_some_and(|name| event_ids.contains(name)) {
                break;
            }
            keys.extend(append.key.as_ref().map(|key| key.hash));
            event_ids.extend(name);
            bytes += append.message.payload.len();
        }
        batch.extend(messages.pop_front());
    }
    batch
}

fn event_id_of(append: &Append) -> Option<(ApplicationId, EventId)> {
    Some((append.message.application, append.message.event_id.clone()?))
}
