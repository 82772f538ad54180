//! What the queue gives to whom.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::domain::attempt::{Attempt, AttemptStatus, Trigger};
use crate::domain::delivery::Transition;
use crate::domain::ids::{ApplicationId, AttemptId, EndpointId, MessageId};
use crate::domain::lease::Hold;
use crate::domain::message::Message;
use crate::domain::names::EventTypeName;
use crate::domain::time::Timestamp;
use crate::journal::message_queue::{MANY, MESSAGES_ENOUGH, Waits};
use crate::journal::queue::{BATCH_MAX, Job, OUTCOMES_MAX, Queue, Role};
use crate::store::write::{Append, HealthChange, Outcome, RequestKey, Write};

fn job() -> Job {
    Job { write: Write::Flush, answer: None }
}

#[test]
fn all_that_waits_is_taken_at_once_and_no_more_than_a_batch() {
    let queue = Queue::new(0);
    for _ in 0..BATCH_MAX + 5 {
        assert!(queue.push(job()));
    }
    assert_eq!(queue.take(Role::First).map(|batch| batch.len()), Some(BATCH_MAX));
    assert_eq!(queue.take(Role::First).map(|batch| batch.len()), Some(5));
}

#[test]
fn a_closed_queue_takes_nothing_and_gives_out_what_it_has() {
    let queue = Queue::new(0);
    assert!(queue.push(job()));
    queue.close();
    assert!(!queue.push(job()));
    assert_eq!(queue.take(Role::First).map(|batch| batch.len()), Some(1));
    assert!(queue.take(Role::First).is_none());
}

#[test]
fn those_who_wait_are_told_when_nobody_writes_any_more() {
    let queue = Queue::new(0);
    let (answer, mut answered) = oneshot::channel();
    assert!(queue.push(Job { answer: Some(answer), ..job() }));
    queue.leave(Role::First);
    assert!(matches!(answered.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
    assert!(!queue.push(job()));
}

fn message(key: Option<u8>) -> Job {
    let message = Message {
        id: MessageId::MIN,
        application: ApplicationId::MIN,
        event_type: EventTypeName::parse("book.added").unwrap(),
        event_id: None,
        channels: Vec::new(),
        tags: Vec::new(),
        payload: Bytes::new(),
        created_at: Timestamp::MIN,
    };
    let key = key.map(|key| RequestKey { hash: [key; 16], request: [0; 16], expires_at: Timestamp::MAX });
    let append = Append { key, ..Append::plain(Arc::new(message), Vec::new()) };
    Job { write: Write::Append(append), answer: None }
}

#[test]
fn messages_wait_for_their_own_writers_and_never_meet_in_a_batch() {
    let queue = Queue::new(2);
    for key in [Some(1), Some(2), None, None, Some(1), Some(3)] {
        assert!(queue.push(message(key)));
    }
    assert!(queue.push(job()));
    assert_eq!(queue.take(Role::Messages).map(|batch| batch.len()), Some(4));
    assert_eq!(queue.take(Role::First).map(|batch| batch.len()), Some(1));
    assert_eq!(queue.take(Role::Messages).map(|batch| batch.len()), Some(2));
    queue.close();
    assert!(queue.take(Role::Messages).is_none() && queue.take(Role::First).is_none());
}

#[test]
fn messages_are_refused_once_none_of_their_writers_can_write() {
    let queue = Queue::new(2);
    assert!(queue.push(message(None)));
    queue.set_able(Role::Messages, false);
    assert!(queue.take_to_refuse(Role::Messages).is_empty(), "the other writes them");
    assert!(queue.take_to_refuse(Role::First).is_empty());
    queue.set_able(Role::Messages, false);
    assert_eq!(queue.take_to_refuse(Role::Messages).len(), 1);
    queue.set_able(Role::Messages, true);
    assert!(queue.push(message(None)));
    assert!(queue.take_to_refuse(Role::Messages).is_empty());
}

#[test]
fn one_writer_of_messages_can_be_lost_and_the_last_one_cannot() {
    let queue = Queue::new(2);
    let (answer, mut answered) = oneshot::channel();
    assert!(queue.push(Job { answer: Some(answer), ..message(None) }));
    queue.close();
    queue.leave(Role::Messages);
    assert!(matches!(answered.try_recv(), Err(oneshot::error::TryRecvError::Empty)));
    queue.leave(Role::Messages);
    assert!(matches!(answered.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
}

#[test]
fn a_sleeping_writer_is_woken() {
    let queue = Arc::new(Queue::new(0));
    let writer = thread::spawn({
        let queue = Arc::clone(&queue);
        move || queue.take(Role::First).map(|batch| batch.len())
    });
    assert!(queue.push(job()));
    assert_eq!(writer.join().unwrap(), Some(1));
}

/// Long enough that nothing goes because of it.
const FOR_EVER: Duration = Duration::from_secs(600);

/// A thread that takes messages, once it sleeps.
fn waiting_writer(queue: &Arc<Queue>) -> thread::JoinHandle<usize> {
    let (before, other) = (queue.messages_asleep(), Arc::clone(queue));
    let waiting = thread::spawn(move || other.take(Role::Messages).map_or(0, |batch| batch.len()));
    while queue.messages_asleep() == before {
        thread::yield_now();
    }
    waiting
}

/// A queue of which one writer writes messages, and the thread of another that waits for some.
fn with_one_writing(written: Duration) -> (Arc<Queue>, thread::JoinHandle<usize>) {
    let queue = Arc::new(Queue::with_waits(2, Waits { written, rest: FOR_EVER }));
    queue.push(message(None));
    assert_eq!(
        queue.take(Role::Messages).map(|batch| batch.len()),
        Some(1),
        "nobody writes: it goes at once"
    );
    let waiting = waiting_writer(&queue);
    (queue, waiting)
}

/// A queue after a batch of so many messages that were written.
fn after_a_batch(many: usize, rest: Duration) -> Arc<Queue> {
    let queue = Arc::new(Queue::with_waits(2, Waits { written: FOR_EVER, rest }));
    (0..many).for_each(|_| assert!(queue.push(message(None))));
    assert_eq!(queue.take(Role::Messages).map(|batch| batch.len()), Some(many));
    queue.wrote(Role::Messages);
    queue
}

#[test]
fn after_many_messages_the_next_wait_until_there_are_twice_as_many() {
    let queue = after_a_batch(MANY, FOR_EVER);
    queue.push(message(None));
    let waiting = waiting_writer(&queue);
    (1..2 * MANY).for_each(|_| assert!(queue.push(message(None))));
    assert_eq!(waiting.join().unwrap(), 2 * MANY);
}

#[test]
fn after_many_messages_the_next_does_not_wait_for_ever() {
    let queue = after_a_batch(MANY, Duration::from_millis(1));
    let waiting = waiting_writer(&queue);
    queue.push(message(None));
    assert_eq!(waiting.join().unwrap(), 1, "nothing came after it");
}

#[test]
fn after_few_messages_the_next_goes_at_once() {
    let queue = after_a_batch(MANY - 1, FOR_EVER);
    queue.push(message(None));
    assert_eq!(queue.take(Role::Messages).map(|batch| batch.len()), Some(1));
}

#[test]
fn whoever_slept_longer_leaves_the_watch_to_whoever_wakes_sooner() {
    let queue = Arc::new(Queue::with_waits(2, Waits { written: FOR_EVER, rest: Duration::from_millis(1) }));
    (0..MANY).for_each(|_| assert!(queue.push(message(None))));
    assert!(queue.take(Role::Messages).is_some());
    let first = waiting_writer(&queue);
    queue.push(message(None));
    queue.wrote(Role::Messages);
    let second = waiting_writer(&queue);
    // One of them takes it once the rest is over; the other waits for what comes.
    while !first.is_finished() && !second.is_finished() {
        thread::yield_now();
    }
    queue.close();
    assert_eq!(first.join().unwrap() + second.join().unwrap(), 1);
}

#[test]
fn messages_wait_for_those_that_are_being_written_and_go_together() {
    let (queue, waiting) = with_one_writing(FOR_EVER);
    queue.push(message(None));
    queue.push(message(None));
    queue.wrote(Role::Messages);
    assert_eq!(queue.take(Role::Messages).map(|batch| batch.len()), Some(2), "the other took neither alone");
    queue.push(message(None));
    queue.close();
    assert_eq!(waiting.join().unwrap(), 1);
}

#[test]
fn many_messages_wait_for_nobody() {
    let (queue, waiting) = with_one_writing(FOR_EVER);
    for _ in 0..MESSAGES_ENOUGH {
        queue.push(message(None));
    }
    assert_eq!(waiting.join().unwrap(), MESSAGES_ENOUGH);
}

#[test]
fn a_message_does_not_wait_for_a_batch_that_takes_long() {
    let (queue, waiting) = with_one_writing(Duration::from_millis(5));
    queue.push(message(None));
    assert_eq!(waiting.join().unwrap(), 1, "nothing came after it, and nothing was written meanwhile");
}

fn outcome() -> Outcome {
    numbered_outcome(0)
}

/// The outcome of an attempt for the message with this number.
pub(crate) fn numbered_outcome(number: u32) -> Outcome {
    let mut message = [0; 20];
    message[..4].copy_from_slice(&number.to_be_bytes());
    let attempt = Attempt {
        id: AttemptId::MIN,
        application: ApplicationId::MIN,
        message: MessageId::from_bytes(message),
        endpoint: EndpointId::MIN,
        number: 1,
        status: AttemptStatus::Success,
        response_code: 200,
        response: Bytes::new(),
        reason: None,
        duration: Duration::ZERO,
        trigger: Trigger::Scheduled,
        url: String::new(),
        started_at: Timestamp::MIN,
        next_attempt_at: None,
    };
    let (transition, health) = (Transition::Delivered, HealthChange::None);
    Outcome { attempt, hold: Hold::ALONE, transition, health, told: Vec::new() }
}

#[test]
fn outcomes_go_before_what_comes_behind_them_and_keep_nobody_else_waiting() {
    let queue = Queue::new(0);
    queue.push_outcome(outcome());
    assert!(queue.push(job()));
    (0..OUTCOMES_MAX + 5).for_each(|_| queue.push_outcome(outcome()));
    assert!(queue.push(job()));
    let taken = |batch: &[Job]| {
        let outcomes = batch.iter().take_while(|job| matches!(job.write, Write::Outcome(_))).count();
        (outcomes, batch.len() - outcomes)
    };
    let first = queue.take(Role::First).unwrap();
    assert_eq!(taken(&first), (OUTCOMES_MAX, 1));
    // Could not be written: what came behind still does.
    let put_back = first.into_iter().filter_map(|job| match job.write {
        Write::Outcome(outcome) => Some(outcome),
        _ => None,
    });
    queue.put_back(put_back.collect());
    assert_eq!(taken(&queue.take(Role::First).unwrap()), (OUTCOMES_MAX, 0));
    assert_eq!(taken(&queue.take(Role::First).unwrap()), (6, 1));
}

#[test]
fn outcomes_count_until_they_are_written() {
    let queue = Queue::new(0);
    (0..3).for_each(|_| queue.push_outcome(outcome()));
    let taken = queue.take(Role::First).unwrap();
    assert_eq!((taken.len(), queue.outcomes()), (3, 3), "they may come back");
    let outcomes = taken.into_iter().filter_map(|job| match job.write {
        Write::Outcome(outcome) => Some(outcome),
        _ => None,
    });
    queue.put_back(outcomes.collect());
    assert_eq!(queue.outcomes(), 3);
    assert_eq!(queue.take(Role::First).map(|batch| batch.len()), Some(3));
    queue.outcomes_done(3);
    assert_eq!(queue.outcomes(), 0);
}
