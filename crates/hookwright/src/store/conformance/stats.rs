//! What is counted of an endpoint.

use crate::domain::attempt::Attempt;
use crate::domain::delivery::{GiveUpReason, Transition};
use crate::domain::ids::{AttemptId, IdGenerator, MessageId};
use crate::domain::message::Message;
use crate::domain::time::Timestamp;
use crate::store::conformance::fixture::{Fixture, app, at, attempt, ep, message, outcome, success};
use crate::store::read::{EndpointStats, StatsSpan};

const ALL: StatsSpan = StatsSpan { since: Timestamp::MIN, until: Timestamp::MAX, limit: 100 };

/// A message that was accepted so many seconds after the start.
fn sent(ids: &IdGenerator, seconds: u64) -> Message {
    let id: MessageId = ids.next(at(seconds)).into();
    Message { id, created_at: at(seconds), ..message(1, 1) }
}

/// An attempt at endpoint 9 that started so many seconds after the start.
fn tried(ids: &IdGenerator, message: &Message, seconds: u64, number: u16) -> Attempt {
    let id: AttemptId = ids.next(at(seconds)).into();
    Attempt { id, message: message.id, started_at: at(seconds), ..attempt(1, 1, 9, 1, number) }
}

/// A message that was taken at the second attempt, one that was not, one that waits for a retry and one that is ready.
fn history(f: &mut Fixture) {
    let ids = IdGenerator::new(1);
    let messages: Vec<Message> = (1..=4).map(|n| sent(&ids, n * 10)).collect();
    for message in &messages {
        f.append(message.clone(), &[8, 9]);
    }
    let [taken, given_up, waiting, _] = messages.as_slice() else { panic!("four") };
    f.write(outcome(tried(&ids, taken, 50, 1), Transition::RetryAt(at(60))));
    assert_eq!(f.claim(at(60), 10).len(), 1);
    let mut end = |attempt, transition| f.write(outcome(attempt, transition));
    end(success(tried(&ids, taken, 60, 2)), Transition::Delivered);
    end(tried(&ids, given_up, 70, 1), Transition::GivenUp(GiveUpReason::Exhausted));
    end(tried(&ids, waiting, 80, 1), Transition::RetryAt(at(900)));
}

pub(super) async fn attempts_and_pending_messages_of_an_endpoint_are_counted_within_a_span(mut f: Fixture) {
    history(&mut f);
    let count = async |since, until, limit| {
        let span = StatsSpan { since, until, limit };
        f.store.endpoint_stats(app(1), ep(9), span).await.unwrap()
    };
    let whole = EndpointStats { success: 1, fail: 3, pending: 1, sending: 1, is_partial: false };
    assert_eq!(count(ALL.since, ALL.until, 100).await, whole);
    let early = EndpointStats { success: 0, fail: 1, ..whole };
    assert_eq!(count(at(0), at(60), 100).await, early, "the end is not part of it");
    let late = EndpointStats { success: 1, fail: 2, pending: 0, sending: 0, is_partial: false };
    assert_eq!(count(at(60), at(61_000), 100).await, late);
    assert_eq!(count(at(900), at(60), 100).await, EndpointStats::default());
    assert_eq!(f.store.endpoint_stats(app(2), ep(9), ALL).await.unwrap(), EndpointStats::default());
    let other = EndpointStats { sending: 4, ..EndpointStats::default() };
    assert_eq!(f.store.endpoint_stats(app(1), ep(8), ALL).await.unwrap(), other);
}

pub(super) async fn no_more_is_counted_than_the_limit(mut f: Fixture) {
    history(&mut f);
    let found = f.store.endpoint_stats(app(1), ep(9), StatsSpan { limit: 2, ..ALL }).await.unwrap();
    // The newest two attempts, and both messages.
    assert_eq!(found, EndpointStats { success: 0, fail: 2, pending: 1, sending: 1, is_partial: true });
}
