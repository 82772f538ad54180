//! What the outcome of an attempt does to its delivery, and attempts as they are stored.

use std::time::Duration;

use bytes::Bytes;

use crate::DeliveryStatus;
use crate::domain::attempt::{Attempt, AttemptStatus, Trigger};
use crate::domain::delivery::{GiveUpReason, Transition};
use crate::store::conformance::fixture::{
    Fixture, all, app, at, attempt, key, message, msg, outcome, success,
};
use crate::store::write::Write;

pub(super) async fn an_outcome_ends_the_delivery_or_sets_its_next_time(mut f: Fixture) {
    for number in 1..=3 {
        f.append(message(1, number), &[8, 9]);
    }
    f.write(outcome(success(attempt(1, 1, 9, 101, 1)), Transition::Delivered));
    f.write(outcome(attempt(1, 2, 9, 102, 1), Transition::GivenUp(GiveUpReason::Exhausted)));
    f.write(outcome(attempt(1, 3, 9, 103, 1), Transition::RetryAt(at(60))));
    assert_eq!(f.ready(1, 9).await, []);
    assert_eq!(f.ready(1, 8).await.len(), 3, "other endpoints' deliveries go on");
    let claimed = f.claim(at(60), 10);
    assert_eq!(
        claimed.iter().map(|row| (row.message.id, row.delivery.attempts)).collect::<Vec<_>>(),
        [(msg(3), 1)]
    );
}

pub(super) async fn a_retry_of_a_delivery_that_was_begun_afresh_changes_nothing(mut f: Fixture) {
    f.append(message(1, 1), &[9]);
    f.fail_until(attempt(1, 1, 9, 101, 1), at(60));
    f.claim(at(60), 10);
    f.fail_until(attempt(1, 1, 9, 102, 2), at(120));
    f.write(Write::Resend(key(1, 9, 1)));
    // Attempt 3 was under way when the delivery was begun afresh.
    f.fail_until(attempt(1, 1, 9, 103, 3), at(999));
    assert_eq!(f.ready(1, 9).await, [(msg(1), 0)]);
    assert_eq!(
        f.store
            .attempt_list_by_message(app(1), msg(1), Default::default(), all())
            .await
            .unwrap()
            .page
            .items
            .len(),
        3
    );
}

pub(super) async fn an_outcome_that_comes_twice_is_kept_once(mut f: Fixture) {
    f.append(message(1, 1), &[9]);
    let again = || outcome(attempt(1, 1, 9, 101, 1), Transition::RetryAt(at(60)));
    f.commit([again(), again()]);
    f.write(again());
    let kept =
        f.store.attempt_list_by_message(app(1), msg(1), Default::default(), all()).await.unwrap().page.items;
    assert_eq!(kept, [attempt(1, 1, 9, 101, 1)]);
    assert_eq!(f.claim(at(60), 10)[0].delivery.attempts, 1);
}

pub(super) async fn attempts_are_read_back_as_they_were(mut f: Fixture) {
    let odd = Attempt {
        number: u16::MAX,
        response_code: 0,
        response: Bytes::from_static(b"\x00\xff'\"\n"),
        reason: Some("'; DROP TABLE attempt; -- \u{1f980}".to_owned()),
        duration: Duration::from_micros(1_234_567),
        trigger: Trigger::Manual,
        url: "https://bücher.example/?a=%00".to_owned(),
        next_attempt_at: Some(at(5)),
        ..attempt(1, 1, 9, 101, 1)
    };
    for stored in [odd, success(attempt(1, 1, 9, 102, 2))] {
        f.write(outcome(stored.clone(), Transition::Delivered));
        let read = f.store.attempt_get(app(1), msg(1), stored.id).await.unwrap();
        assert_eq!(read, Some(stored.clone()));
        assert_eq!(f.store.attempt_get(app(2), msg(1), stored.id).await.unwrap(), None);
    }
}

pub(super) async fn the_last_attempt_tells_how_a_delivery_ended(mut f: Fixture) {
    f.configured(1, &[9]);
    f.append(message(1, 1), &[9]);
    let store = f.store.clone();
    let status = async || store.destination_list(app(1), msg(1), all()).await.unwrap().items[0].status;
    assert_eq!(status().await, DeliveryStatus::Pending(None));
    f.fail_until(attempt(1, 1, 9, 101, 1), at(60));
    assert_eq!(status().await, DeliveryStatus::Pending(Some(at(60))));
    f.claim(at(60), 10);
    f.write(outcome(success(attempt(1, 1, 9, 102, 2)), Transition::Delivered));
    assert_eq!(status().await, DeliveryStatus::Ended(AttemptStatus::Success));
    f.write(Write::Resend(key(1, 9, 1)));
    assert_eq!(status().await, DeliveryStatus::Pending(None));
    f.write(outcome(attempt(1, 1, 9, 103, 1), Transition::GivenUp(GiveUpReason::Aborted)));
    assert_eq!(status().await, DeliveryStatus::Ended(AttemptStatus::Fail));
}
