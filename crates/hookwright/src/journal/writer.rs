//! The threads that take what waits, write it as one batch, and answer: the first, and on PostgreSQL some for messages alone.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use crate::domain::delivery::DeliveryKey;
use crate::error::Error;
use crate::journal::Committed;
use crate::journal::queue::{Job, Queue, Role};
use crate::measures::Measures;
use crate::store::Writer;
use crate::store::error::StoreError;
use crate::store::write::{Append, Appended, Asked, Changed, Received, Resent, Settled, Write, Written};

/// The wait before outcomes that could not be written are tried again.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(200);
/// So often the last outcomes are tried again at a shutdown; then the attempts will be made once more.
const LAST_TRIES: u32 = 10;

type Answer = Option<oneshot::Sender<Result<Written, Error>>>;

pub(super) fn spawn(
    queue: Arc<Queue>,
    role: Role,
    writer: Writer,
    committed: mpsc::UnboundedSender<Vec<Committed>>,
    measures: Arc<Measures>,
) -> std::io::Result<JoinHandle<()>> {
    let thread = Thread {
        queue,
        role,
        writer,
        committed,
        measures,
        unsettled: None,
        is_writing: false,
        is_unable: false,
    };
    thread::Builder::new().name("hookwright-writer".to_owned()).spawn(move || thread.run())
}

struct Thread {
    queue: Arc<Queue>,
    role: Role,
    writer: Writer,
    committed: mpsc::UnboundedSender<Vec<Committed>>,
    measures: Arc<Measures>,
    /// The number and the items of a batch of which it is not known whether it is committed. Who waited for them was told so.
    unsettled: Option<(u64, Vec<Write>)>,
    /// What the queue counts it among.
    is_writing: bool,
    is_unable: bool,
}

/// However the thread ends, also by a panic, nobody waits for it for ever.
impl Drop for Thread {
    fn drop(&mut self) {
        if self.is_writing {
            self.queue.wrote(self.role);
        }
        if self.is_unable {
            self.queue.set_able(self.role, true);
        }
        self.queue.leave(self.role);
    }
}

impl Thread {
    fn run(mut self) {
        let mut failures_at_the_end = 0;
        loop {
            if !self.settle() {
                break;
            }
            let Some(jobs) = self.queue.take(self.role) else { break };
            let (writes, answers): (Vec<Write>, Vec<Answer>) =
                jobs.into_iter().map(|Job { write, answer }| (write, answer)).unzip();
            let batch = self.queue.begin_batch();
            let started = Instant::now();
            self.is_writing = true;
            let committed = self.writer.commit(&writes);
            self.is_writing = false;
            self.queue.wrote(self.role);
            match committed {
                Ok(written) => {
                    self.measures.commits.increment(1);
                    self.measures.commit_seconds.record(started.elapsed());
                    for took in self.writer.slices() {
                        self.measures.slice_seconds.record(took.elapsed);
                        if let Some(cpu) = took.cpu {
                            self.measures.slice_cpu_seconds.record(cpu);
                        }
                    }
                    // A batch that changes nothing says nothing about a full disk.
                    if writes.iter().any(Write::always_changes) && self.queue.failure().is_some() {
                        self.queue.set_failure(None);
                        tracing::info!("the database takes batches again");
                    }
                    self.succeeded(batch, writes, answers, written);
                }
                Err(failure) if failure.is_of_one_item() && writes.len() > 1 => {
                    tracing::error!(error = %in_full(&failure), "one item of a batch failed; each is written alone");
                    self.write_each(writes, answers);
                }
                Err(failure) => {
                    self.measures.commit_failures.increment(1);
                    let told = in_full(&failure);
                    // It is tried again five times a second: what has been told is not told each time.
                    if self.queue.failure().as_ref() != Some(&told) {
                        tracing::error!(
                            error = %told, batch.items = writes.len(),
                            "the database did not take a batch; messages are refused until it does"
                        );
                    }
                    self.queue.set_failure(Some(told.clone()));
                    let nobody_waited = answers.iter().all(Option::is_none);
                    self.failed(batch, writes, answers, &failure);
                    // Outcomes go first, and may fill batch after batch.
                    if nobody_waited {
                        self.refuse_waiting(&told);
                    }
                    if self.queue.is_closed() {
                        failures_at_the_end += 1;
                        if failures_at_the_end >= LAST_TRIES {
                            break;
                        }
                    }
                    thread::sleep(PAUSE_AFTER_FAILURE);
                }
            }
        }
    }

    /// Tells everybody who waits for this writer, and for no other, that nothing is written right now.
    fn refuse_waiting(&self, failure: &str) {
        for answer in self.queue.take_to_refuse(self.role).into_iter().filter_map(|job| job.answer) {
            let _ = answer.send(Err(Error::NotWritten(failure.to_owned())));
        }
    }

    /// Writes each item as a batch of its own, so that the one that cannot be written harms no other.
    fn write_each(&mut self, writes: Vec<Write>, answers: Vec<Answer>) {
        for (write, answer) in writes.into_iter().zip(answers) {
            let batch = self.queue.begin_batch();
            let alone = [write];
            let result = self.writer.commit(&alone);
            let (writes, answers) = (Vec::from(alone), vec![answer]);
            match result {
                Ok(written) => self.succeeded(batch, writes, answers, written),
                Err(failure) if failure.is_of_one_item() && answers.iter().all(Option::is_none) => {
                    // It would fail for ever. The attempt is not logged, and its delivery is made once more.
                    tracing::error!(error = %in_full(&failure), "an outcome cannot be written and is dropped");
                    self.queue.outcomes_done(outcomes_in(&writes));
                }
                Err(failure) => self.failed(batch, writes, answers, &failure),
            }
        }
    }

    /// Finds out how the last batch ended, if that is not known: nothing is written before. What is asked for meanwhile is
    /// refused. `false` if it cannot be found out and the end has come: the next start reads what there is.
    fn settle(&mut self) -> bool {
        let Some((batch, writes)) = self.unsettled.take() else { return true };
        self.queue.set_able(self.role, false);
        self.is_unable = true;
        let settled = self.settle_batch(batch, writes);
        self.is_unable = false;
        self.queue.set_able(self.role, true);
        settled
    }

    fn settle_batch(&mut self, batch: u64, writes: Vec<Write>) -> bool {
        let answers = writes.iter().map(|_| None).collect();
        let mut failures_at_the_end = 0;
        // They have waited for this batch already.
        self.refuse_waiting(&self.queue.failure().unwrap_or_default());
        loop {
            match self.writer.settle() {
                Ok(Some(Settled::Committed(written))) => {
                    tracing::info!(batch.items = writes.len(), "a batch whose answer was lost is committed");
                    self.queue.set_failure(None);
                    self.succeeded(batch, writes, answers, written);
                    return true;
                }
                Ok(_) => {
                    self.put_back(writes);
                    return true;
                }
                Err(failure) => {
                    self.refuse_waiting(&in_full(&failure));
                    if self.queue.is_closed() {
                        failures_at_the_end += 1;
                        if failures_at_the_end >= LAST_TRIES {
                            self.put_back(writes);
                            return false;
                        }
                    }
                    thread::sleep(PAUSE_AFTER_FAILURE);
                }
            }
        }
    }

    /// Tells the dispatcher of the new messages, and each caller of its own item.
    fn succeeded(&self, batch: u64, writes: Vec<Write>, answers: Vec<Answer>, written: Vec<Written>) {
        self.queue.outcomes_done(outcomes_in(&writes));
        let mut fresh = Vec::new();
        let lease = self.writer.lease();
        let mut accepted = |Append { message, endpoints, .. }| {
            if !endpoints.is_empty() {
                fresh.push(Committed::Message { message, endpoints, batch, lease });
            }
        };
        let (mut ready, mut told) = (Vec::new(), Vec::with_capacity(answers.len()));
        for ((write, answer), written) in writes.into_iter().zip(answers).zip(written) {
            if answer.is_none() {
                ready.extend(ready_on_disk(&write, &written));
            }
            match (write, &written) {
                (Write::Append(append), Written::Appended(Appended::Stored)) => accepted(append),
                (Write::Receive(receive), Written::Received(Received::Stored)) => {
                    receive.message.into_iter().for_each(&mut accepted);
                }
                (Write::BroadcastStep(step), Written::Broadcast(Some(stored))) => {
                    let stored = step.messages.into_iter().zip(stored).filter(|(_, stored)| **stored);
                    stored.for_each(|(append, _)| accepted(append));
                }
                (Write::Confirm(step), Written::Changed(Changed::Yes)) => {
                    if let Asked::Over { endpoints, .. } = step.asked {
                        accepted(Append::plain(step.message, endpoints));
                    }
                }
                (Write::Outcome(outcome), Written::Done) => outcome.told.into_iter().for_each(&mut accepted),
                (Write::Told(_, told), written) if written.took_effect() => {
                    told.into_iter().for_each(&mut accepted);
                }
                _ => {}
            }
            told.extend(answer.map(|answer| (answer, written)));
        }
        fresh.extend(ready);
        // Those who changed something hear of it before anybody is told that it changed. Those who sent a message hear of it
        // after it is on its way: what they send next may be written by another thread, and comes behind it.
        let answer_all = |answers: Vec<(oneshot::Sender<_>, Written)>| {
            for (answer, written) in answers {
                // The caller may have gone; what it asked for is done all the same.
                let _ = answer.send(Ok(written));
            }
        };
        let after = match self.role {
            Role::First => {
                answer_all(told);
                Vec::new()
            }
            Role::Messages => told,
        };
        if !fresh.is_empty() {
            // Nobody listens any more at a shutdown: the deliveries are on disk for the next start.
            let _ = self.committed.send(fresh);
        }
        answer_all(after);
    }

    /// Tells each caller, and keeps the outcomes, for which nobody waits, to be written later; or all of it, until it is known
    /// whether it was written.
    fn failed(&mut self, batch: u64, writes: Vec<Write>, answers: Vec<Answer>, failure: &StoreError) {
        for answer in answers.into_iter().flatten() {
            let _ = answer.send(Err(Error::NotWritten(in_full(failure))));
        }
        if self.writer.is_unsettled() && self.unsettled.is_none() {
            self.unsettled = Some((batch, writes));
        } else {
            self.put_back(writes);
        }
    }

    /// Keeps outcomes that were not written; who waited for anything else was told.
    fn put_back(&self, writes: Vec<Write>) {
        let outcomes = writes.into_iter().filter_map(|write| match write {
            Write::Outcome(outcome) => Some(outcome),
            _ => None,
        });
        self.queue.put_back(outcomes.collect());
    }
}

fn outcomes_in(writes: &[Write]) -> usize {
    writes.iter().filter(|write| matches!(write, Write::Outcome(_))).count()
}

/// Deliveries that an item made ready, and of which its answer would have told.
fn ready_on_disk(write: &Write, written: &Written) -> Vec<Committed> {
    let ready = |key: &DeliveryKey| Committed::ReadyOnDisk {
        application: key.application,
        endpoint: key.endpoint,
        messages: vec![key.message],
    };
    match (write, written) {
        (Write::ClaimDue(_), Written::Claimed(claimed)) => {
            claimed.iter().map(|loaded| ready(&loaded.delivery.key)).collect()
        }
        (Write::Resend(key), Written::Resent(Resent::Ready)) => vec![ready(key)],
        (Write::TaskStep(step), Written::Stepped(Some(messages))) => {
            let (application, endpoint) = (step.before.application, step.before.endpoint);
            vec![Committed::ReadyOnDisk { application, endpoint, messages: messages.clone() }]
        }
        (Write::Told(write, _), written) => ready_on_disk(write, written),
        _ => Vec::new(),
    }
}

/// An error with its causes, in one line.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
