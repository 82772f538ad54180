//! What waits to be written: callers push, the writers' threads take all there is.
//!
//! Where there are writers for messages alone, messages wait apart, for whichever of those is free (`message_queue.rs`). All else is
//! taken by one thread, in order.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::error::Error;
use crate::journal::message_queue::{MessageQueue, Waits};
use crate::store::write::{Outcome, Write, Written};

/// Items in one batch at most: the commit of a batch should not take longer than a few syncs.
pub(super) const BATCH_MAX: usize = 1_024;
/// Payload bytes in one batch at most.
pub(super) const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Outcomes in one batch at most. After an outage there are more: all of them at once would take the database longer than it is
/// waited for, again and again.
pub(super) const OUTCOMES_MAX: usize = 2_048;
/// Outcomes wait so long for a batch to go with, so that they cost no sync of their own under load.
const OUTCOME_WAIT: Duration = Duration::from_millis(20);
/// So many outcomes are worth a batch of their own.
const OUTCOMES_ENOUGH: usize = 512;

/// An item to write, and who waits for it.
pub(super) struct Job {
    pub(super) write: Write,
    pub(super) answer: Option<oneshot::Sender<Result<Written, Error>>>,
}

/// What a thread takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Outcomes, and whatever is not left to others.
    First,
    /// New messages, beside others that do the same.
    Messages,
}

/// What waits to be written.
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    /// For those that take messages.
    wake_messages: Condvar,
    /// Whether there are any; else the first takes those too.
    has_message_writers: bool,
    /// Outcomes that are not on disk yet: those that wait, and those that are being written. Beside the lock, since each attempt
    /// asks for it.
    outcomes: AtomicUsize,
    /// Batches whose writing has begun.
    batches: AtomicU64,
}

/// What somebody waits for.
struct Urgent {
    job: Job,
    /// It comes behind so many outcomes.
    behind: usize,
}

struct State {
    /// Somebody waits for these.
    urgent: VecDeque<Urgent>,
    /// And for these, which are new messages, if there are writers for them.
    messages: MessageQueue,
    /// Nobody waits for these.
    outcomes: VecDeque<Outcome>,
    /// How many were taken, but for those that were put back.
    outcomes_taken: usize,
    oldest_outcome: Option<Instant>,
    closed: bool,
    /// Whether the writer sleeps: a wake-up that nobody needs costs a system call.
    asleep: bool,
    failure: Option<String>,
}

impl Queue {
    /// An empty queue, for the first writer and so many that take messages.
    pub(super) fn new(message_writers: usize) -> Queue {
        Queue::with_waits(message_writers, Waits::default())
    }

    /// The same, where messages wait so long for company.
    pub(super) fn with_waits(message_writers: usize, waits: Waits) -> Queue {
        let state = State {
            urgent: VecDeque::new(),
            messages: MessageQueue::new(message_writers, waits),
            outcomes: VecDeque::new(),
            outcomes_taken: 0,
            oldest_outcome: None,
            closed: false,
            asleep: false,
            failure: None,
        };
        Queue {
            state: Mutex::new(state),
            wake: Condvar::new(),
            wake_messages: Condvar::new(),
            has_message_writers: message_writers > 0,
            outcomes: AtomicUsize::new(0),
            batches: AtomicU64::new(0),
        }
    }

    /// How many that take messages sleep.
    #[cfg(test)]
    pub(super) fn messages_asleep(&self) -> usize {
        self.lock().messages.asleep()
    }

    /// Adds an item; `false` if the queue is closed.
    pub(super) fn push(&self, job: Job) -> bool {
        let mut state = self.lock();
        if state.closed {
            return false;
        }
        if self.has_message_writers && matches!(job.write, Write::Append(_)) {
            let wake = state.messages.push(job);
            drop(state);
            if wake {
                self.wake_messages.notify_one();
            }
            return true;
        }
        let behind = state.outcomes_taken + state.outcomes.len();
        state.urgent.push_back(Urgent { job, behind });
        let asleep = state.asleep;
        drop(state);
        if asleep {
            self.wake.notify_one();
        }
        true
    }

    /// Adds an outcome, also to a closed queue: attempts under way end after the last message was taken.
    pub(super) fn push_outcome(&self, outcome: Outcome) {
        let mut state = self.lock();
        state.outcomes.push_back(outcome);
        let count = state.outcomes.len();
        if count == 1 {
            state.oldest_outcome = Some(Instant::now());
        }
        let wake = state.asleep && (count == 1 || count == OUTCOMES_ENOUGH);
        // Under the lock: it must not be written before it is counted.
        self.outcomes.fetch_add(1, Ordering::Relaxed);
        drop(state);
        if wake {
            self.wake.notify_one();
        }
    }

    /// Outcomes that are not on disk yet, also those that are being written: what cannot be written comes back.
    pub(super) fn outcomes(&self) -> usize {
        self.outcomes.load(Ordering::Relaxed)
    }

    /// So many outcomes are on disk, or dropped.
    pub(super) fn outcomes_done(&self, count: usize) {
        self.outcomes.fetch_sub(count, Ordering::Relaxed);
    }

    /// Counts a batch whose writing begins, and gives it its number.
    pub(super) fn begin_batch(&self) -> u64 {
        self.batches.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// The number of the last batch whose writing has begun.
    pub(super) fn batches(&self) -> u64 {
        self.batches.load(Ordering::SeqCst)
    }

    /// Why the last batch was not written, if it was not.
    pub(super) fn failure(&self) -> Option<String> {
        self.lock().failure.clone()
    }

    /// Notes how the last batch went.
    pub(super) fn set_failure(&self, failure: Option<String>) {
        self.lock().failure = failure;
    }

    /// No more items; what waits is still taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
        self.wake_messages.notify_all();
    }

    /// A thread writes no more. If it was the last of its role, those who wait for it are told, by dropping what would have
    /// answered them.
    pub(super) fn leave(&self, role: Role) {
        let mut state = self.lock();
        let left = match role {
            Role::First => state.urgent.drain(..).map(|urgent| urgent.job).collect(),
            Role::Messages => {
                if !state.messages.leave() {
                    return;
                }
                state.messages.clear()
            }
        };
        if role == Role::First || !state.closed {
            state.failure.get_or_insert_with(|| "the writer has ended".to_owned());
            state.closed = true;
        }
        drop(state);
        self.wake.notify_one();
        self.wake_messages.notify_all();
        drop(left);
    }

    /// Waits for something to write and takes it; `None` once the queue is closed and holds nothing for this role.
    pub(super) fn take(&self, role: Role) -> Option<Vec<Job>> {
        match role {
            Role::First => self.take_first(),
            Role::Messages => self.take_messages(),
        }
    }

    fn take_messages(&self) -> Option<Vec<Job>> {
        let mut state = self.lock();
        loop {
            let closed = state.closed;
            let until = match state.messages.take(closed) {
                Ok(batch) => {
                    if state.messages.has_any() && state.messages.has_sleeper() {
                        self.wake_messages.notify_one();
                    }
                    return Some(batch);
                }
                Err(_) if closed => return None,
                Err(until) => until,
            };
            state.messages.sleeps(until);
            state = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                Some(left) => {
                    let woken = self.wake_messages.wait_timeout(state, left);
                    woken.map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state)
                }
                None => self.wake_messages.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
            state.messages.wakes(until);
        }
    }

    /// What was taken is written, or cannot be.
    pub(super) fn wrote(&self, role: Role) {
        if role == Role::Messages {
            self.lock().messages.wrote();
        }
    }

    fn take_first(&self) -> Option<Vec<Job>> {
        let mut state = self.lock();
        loop {
            if !state.urgent.is_empty() || state.outcomes.len() >= OUTCOMES_ENOUGH {
                return Some(self.drain(&mut state));
            }
            let waited = state.oldest_outcome.map(|oldest| oldest.elapsed());
            match waited {
                Some(waited) if waited >= OUTCOME_WAIT || state.closed => {
                    return Some(self.drain(&mut state));
                }
                Some(waited) => {
                    state.asleep = true;
                    let left = OUTCOME_WAIT.saturating_sub(waited);
                    state = self
                        .wake
                        .wait_timeout(state, left)
                        .map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
                }
                None if state.closed => return None,
                None => {
                    state.asleep = true;
                    state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            }
            state.asleep = false;
        }
    }

    /// A writer cannot write now, or can again.
    pub(super) fn set_able(&self, role: Role, able: bool) {
        if role == Role::Messages {
            self.lock().messages.set_able(able);
        }
    }

    /// Takes what somebody waits for, to be refused: nothing of this role is written right now. Outcomes stay, and messages that
    /// another writes.
    pub(super) fn take_to_refuse(&self, role: Role) -> Vec<Job> {
        let mut state = self.lock();
        match role {
            Role::First => state.urgent.drain(..).map(|urgent| urgent.job).collect(),
            Role::Messages if state.messages.can_be_written() => Vec::new(),
            Role::Messages => state.messages.clear(),
        }
    }

    /// Puts outcomes back that could not be written, before all others.
    pub(super) fn put_back(&self, outcomes: Vec<Outcome>) {
        if outcomes.is_empty() {
            return;
        }
        let mut state = self.lock();
        state.outcomes_taken -= outcomes.len();
        for outcome in outcomes.into_iter().rev() {
            state.outcomes.push_front(outcome);
        }
        state.oldest_outcome = Some(Instant::now());
    }

    /// Whether nothing more will come.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn drain(&self, state: &mut State) -> Vec<Job> {
        let mut batch =
            Vec::with_capacity(state.outcomes.len().min(OUTCOMES_MAX) + state.urgent.len().min(BATCH_MAX));
        let mut bytes = 0;
        while batch.len() < OUTCOMES_MAX && bytes < BATCH_BYTES_MAX {
            let Some(outcome) = state.outcomes.pop_front() else { break };
            bytes += outcome.attempt.response.len();
            batch.push(Job { write: Write::Outcome(outcome), answer: None });
        }
        let outcomes = batch.len();
        state.outcomes_taken += outcomes;
        if state.outcomes.is_empty() {
            // Else those that are left have waited long enough.
            state.oldest_outcome = None;
        }
        bytes = 0;
        while batch.len() - outcomes < BATCH_MAX && bytes < BATCH_BYTES_MAX {
            // Whatever waits here may rely on the outcomes that came before it.
            if state.urgent.front().is_none_or(|urgent| urgent.behind > state.outcomes_taken) {
                break;
            }
            let Some(Urgent { job, .. }) = state.urgent.pop_front() else { break };
            if let Write::Append(append) = &job.write {
                bytes += append.message.payload.len();
            }
            batch.push(job);
        }
        batch
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
