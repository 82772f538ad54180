//! What waits to be written: callers push, the writer's thread takes all there is.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::error::Error;
use crate::store::write::{Outcome, Write, Written};

/// Items in one batch at most: the commit of a batch should not take longer than a few syncs.
const BATCH_MAX: usize = 1_024;
/// Payload bytes in one batch at most.
const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Outcomes wait so long for a batch to go with, so that they cost no sync of their own under load.
const OUTCOME_WAIT: Duration = Duration::from_millis(20);
/// So many outcomes are worth a batch of their own.
const OUTCOMES_ENOUGH: usize = 512;

/// An item to write, and who waits for it.
pub(super) struct Job {
    pub(super) write: Write,
    pub(super) answer: Option<oneshot::Sender<Result<Written, Error>>>,
}

/// What waits to be written.
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    /// Beside the lock, since each attempt asks for it.
    outcomes: AtomicUsize,
    /// Batches whose writing has begun.
    batches: AtomicU64,
}

#[derive(Default)]
struct State {
    /// Somebody waits for these.
    urgent: VecDeque<Job>,
    /// Nobody waits for these.
    outcomes: VecDeque<Outcome>,
    oldest_outcome: Option<Instant>,
    closed: bool,
    /// Whether the writer sleeps: a wake-up that nobody needs costs a system call.
    asleep: bool,
    failure: Option<String>,
}

impl Queue {
    pub(super) fn new() -> Queue {
        Queue {
            state: Mutex::default(),
            wake: Condvar::new(),
            outcomes: AtomicUsize::new(0),
            batches: AtomicU64::new(0),
        }
    }

    /// Adds an item; `false` if the queue is closed.
    pub(super) fn push(&self, job: Job) -> bool {
        let mut state = self.lock();
        if state.closed {
            return false;
        }
        state.urgent.push_back(job);
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
        // Under the lock: whoever takes it out again must not be counted first.
        self.outcomes.fetch_add(1, Ordering::Relaxed);
        drop(state);
        if wake {
            self.wake.notify_one();
        }
    }

    pub(super) fn outcomes(&self) -> usize {
        self.outcomes.load(Ordering::Relaxed)
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
    }

    /// Nobody writes any more: those who wait are told, by dropping what would have answered them.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.failure.get_or_insert_with(|| "the writer has ended".to_owned());
        let left = std::mem::take(&mut state.urgent);
        drop(state);
        drop(left);
    }

    /// Waits for something to write and takes it; `None` once the queue is closed and empty.
    pub(super) fn take(&self) -> Option<Vec<Job>> {
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

    /// Takes what somebody waits for, to be refused: nothing is written right now. Outcomes stay.
    pub(super) fn take_urgent(&self) -> Vec<Job> {
        self.lock().urgent.drain(..).collect()
    }

    /// Puts outcomes back that could not be written, before all others.
    pub(super) fn put_back(&self, outcomes: Vec<Outcome>) {
        let mut state = self.lock();
        self.outcomes.fetch_add(outcomes.len(), Ordering::Relaxed);
        for outcome in outcomes.into_iter().rev() {
            state.outcomes.push_front(outcome);
        }
        if !state.outcomes.is_empty() {
            state.oldest_outcome = Some(Instant::now());
        }
    }

    /// Whether nothing more will come.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn drain(&self, state: &mut State) -> Vec<Job> {
        let outcomes = state.outcomes.len();
        let mut batch = Vec::with_capacity(outcomes + state.urgent.len().min(BATCH_MAX));
        let mut bytes = 0;
        // All outcomes, and first: whatever waits here may rely on those that came before it being written.
        batch.extend(
            state.outcomes.drain(..).map(|outcome| Job { write: Write::Outcome(outcome), answer: None }),
        );
        self.outcomes.fetch_sub(outcomes, Ordering::Relaxed);
        state.oldest_outcome = None;
        while batch.len() - outcomes < BATCH_MAX && bytes < BATCH_BYTES_MAX {
            let Some(job) = state.urgent.pop_front() else { break };
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

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        Job { write: Write::Flush, answer: None }
    }

    #[test]
    fn all_that_waits_is_taken_at_once_and_no_more_than_a_batch() {
        let queue = Queue::new();
        for _ in 0..BATCH_MAX + 5 {
            assert!(queue.push(job()));
        }
        assert_eq!(queue.take().map(|batch| batch.len()), Some(BATCH_MAX));
        assert_eq!(queue.take().map(|batch| batch.len()), Some(5));
    }

    #[test]
    fn a_closed_queue_takes_nothing_and_gives_out_what_it_has() {
        let queue = Queue::new();
        assert!(queue.push(job()));
        queue.close();
        assert!(!queue.push(job()));
        assert_eq!(queue.take().map(|batch| batch.len()), Some(1));
        assert!(queue.take().is_none());
    }

    #[test]
    fn those_who_wait_are_told_when_nobody_writes_any_more() {
        let queue = Queue::new();
        let (answer, mut answered) = oneshot::channel();
        assert!(queue.push(Job { answer: Some(answer), ..job() }));
        queue.abandon();
        assert!(matches!(answered.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
        assert!(!queue.push(job()));
    }

    #[test]
    fn a_sleeping_writer_is_woken() {
        let queue = std::sync::Arc::new(Queue::new());
        let writer = std::thread::spawn({
            let queue = std::sync::Arc::clone(&queue);
            move || queue.take().map(|batch| batch.len())
        });
        assert!(queue.push(job()));
        assert_eq!(writer.join().unwrap(), Some(1));
    }
}
