//! What is left of messages and attempts whose content was removed.

use bytes::Bytes;

use crate::domain::attempt::{Attempt, EXPUNGED};
use crate::domain::delivery::{GiveUpReason, Transition};
use crate::domain::ids::AttemptId;
use crate::domain::message::Message;
use crate::store::conformance::fixture::{Fixture, app, at, attempt, id, message, msg, outcome, success};
use crate::store::write::{Changed, Write, Written};

fn changed(written: Written) -> Changed {
    match written {
        Written::Changed(changed) => changed,
        other => panic!("{other:?}"),
    }
}

pub(super) async fn a_message_keeps_everything_but_its_payload_and_its_retries_become_due(mut f: Fixture) {
    f.configured(1, &[8, 9]);
    let large = Message { payload: Bytes::from(vec![b'x'; 100_000]), ..message(1, 1) };
    f.append(large.clone(), &[8, 9]);
    f.append(message(1, 2), &[9]);
    f.fail_until(attempt(1, 1, 9, 101, 1), at(600));
    f.fail_until(attempt(1, 2, 9, 102, 1), at(600));
    let expunge =
        |application| Write::ExpungeMessage { application: app(application), message: msg(1), now: at(60) };
    assert_eq!(changed(f.write(expunge(2))), Changed::Missing, "another application's");
    assert_eq!(changed(f.write(expunge(1))), Changed::Yes);
    assert_eq!(changed(f.write(expunge(1))), Changed::Yes, "once more changes nothing");

    let emptied = Message { payload: Bytes::new(), ..large };
    assert_eq!(f.store.message_get(app(1), msg(1)).await.unwrap(), Some(emptied.clone()));
    assert_eq!(f.store.message_get(app(1), msg(2)).await.unwrap(), Some(message(1, 2)));
    assert_eq!(f.ready(1, 8).await, [(msg(1), 0)], "what was ready stays so");
    assert!(f.claim(at(59), 10).is_empty());
    let claimed = f.claim(at(60), 10);
    assert_eq!(claimed.len(), 1, "the other message's retry waits for its own time");
    assert_eq!((claimed[0].message.as_ref(), claimed[0].delivery.attempts), (&emptied, 1));
    f.write(outcome(attempt(1, 1, 9, 103, 2), Transition::GivenUp(GiveUpReason::PayloadGone)));
    assert_eq!(f.ready(1, 9).await, []);
}

pub(super) async fn an_attempt_keeps_everything_but_what_was_answered(mut f: Fixture) {
    f.append(message(1, 1), &[9]);
    let kept = [attempt(1, 1, 9, 101, 1), success(attempt(1, 1, 9, 102, 2))];
    for attempt in &kept {
        f.write(outcome(attempt.clone(), Transition::Delivered));
    }
    let expunge = |message, number| Write::ExpungeAttempt {
        application: app(1),
        message: msg(message),
        attempt: AttemptId::from_bytes(id(number)),
    };
    assert_eq!(changed(f.write(expunge(2, 101))), Changed::Missing);
    assert_eq!(changed(f.write(expunge(1, 101))), Changed::Yes);
    let read = async |id| f.store.attempt_get(app(1), msg(1), id).await.unwrap().unwrap();
    let emptied = Attempt { response: Bytes::from_static(EXPUNGED), ..kept[0].clone() };
    assert_eq!(read(kept[0].id).await, emptied);
    assert_eq!(read(kept[1].id).await, kept[1]);
}
