//! Idempotency keys: claimed with a message, or kept with an answer.

use crate::domain::message::Message;
use crate::domain::names::EventId;
use crate::domain::time::Timestamp;
use crate::store::conformance::fixture::{Fixture, app, append, at, message, msg, slice};
use crate::store::read::KeptFor;
use crate::store::write::{Appended, KeptAnswer, KeyPlace, MessagePlace, RequestKey, Swept, Write, Written};

fn key(first_byte: u8, request: u8, expires_at: Timestamp) -> RequestKey {
    let mut hash = [3; 16];
    hash[0] = first_byte;
    RequestKey { hash, request: [request; 16], expires_at }
}

fn keep(key: RequestKey, sealed: &[u8], now: Timestamp) -> Write {
    Write::KeepAnswer(KeptAnswer { key, sealed: sealed.to_vec(), now })
}

pub(super) async fn a_key_is_claimed_once_and_replayed(mut f: Fixture) {
    let key = Some(key(1, 1, at(100)));
    let batch = [append(message(1, 1), &[9], key), append(message(1, 2), &[9], key)];
    let answers = f.writer.commit(&batch).unwrap();
    assert!(matches!(answers[0], Written::Appended(Appended::Stored)));
    assert!(
        matches!(answers[1], Written::Appended(Appended::Replayed(id)) if id == msg(1)),
        "also in one batch"
    );
    assert_eq!(f.append_with(message(1, 3), &[9], key), Appended::Replayed(msg(1)));
    assert_eq!(f.ready(1, 9).await, [(msg(1), 0)]);
}

pub(super) async fn a_key_with_another_request_is_refused(mut f: Fixture) {
    assert_eq!(f.append_with(message(1, 1), &[], Some(key(1, 1, at(100)))), Appended::Stored);
    assert_eq!(f.append_with(message(1, 2), &[], Some(key(1, 2, at(100)))), Appended::KeyReused);
    assert_eq!(f.store.message_get(app(1), msg(2)).await.unwrap(), None);
}

pub(super) async fn an_expired_key_can_be_used_again(mut f: Fixture) {
    assert_eq!(f.append_with(message(1, 1), &[], Some(key(1, 1, at(50)))), Appended::Stored);
    assert_eq!(f.append_with(message(1, 49), &[], Some(key(1, 2, at(99)))), Appended::KeyReused);
    assert_eq!(f.append_with(message(1, 50), &[], Some(key(1, 2, at(99)))), Appended::Stored);
    assert_eq!(f.append_with(message(1, 51), &[], Some(key(1, 2, at(99)))), Appended::Replayed(msg(50)));
}

pub(super) async fn a_key_is_let_go_when_the_event_id_is_taken(mut f: Fixture) {
    let event = |number| Message { event_id: Some(EventId::parse("e").unwrap()), ..message(1, number) };
    assert_eq!(f.append(event(1), &[]), Appended::Stored);
    assert_eq!(f.append_with(event(2), &[], Some(key(1, 1, at(100)))), Appended::EventIdTaken);
    assert_eq!(f.append_with(message(1, 3), &[], Some(key(1, 2, at(100)))), Appended::Stored);
}

pub(super) async fn keys_of_messages_expire_earliest_first(mut f: Fixture) {
    for number in 1..=3u8 {
        let key = key(number, 1, at(10 * u64::from(number)));
        assert_eq!(f.append_with(message(1, number.into()), &[], Some(key)), Appended::Stored);
    }
    let expire = |now| Write::ExpireMessageKeys { now: at(now), slice: slice(1) };
    assert!(matches!(f.write(expire(20)), Written::Removed(1)));
    assert!(matches!(f.write(expire(20)), Written::Removed(1)));
    assert!(matches!(f.write(expire(20)), Written::Removed(0)));
    assert_eq!(f.append_with(message(1, 4), &[], Some(key(1, 1, at(99)))), Appended::Stored);
    assert_eq!(f.append_with(message(1, 5), &[], Some(key(3, 1, at(99)))), Appended::Replayed(msg(3)));
}

pub(super) async fn a_key_goes_with_its_message(mut f: Fixture) {
    let (first, second) = (Some(key(1, 1, at(100))), Some(key(2, 1, at(100))));
    assert_eq!(f.append_with(message(1, 1), &[], first), Appended::Stored);
    assert_eq!(f.append_with(message(1, 3), &[], second), Appended::Stored);
    let expire = Write::ExpireMessages { before: msg(2), beyond: MessagePlace::START, slice: slice(9) };
    assert!(matches!(f.write(expire), Written::Swept(Swept { messages: 1, .. })));
    assert_eq!(f.append_with(message(1, 4), &[], first), Appended::Stored, "its message is gone");
    assert_eq!(f.append_with(message(1, 5), &[], first), Appended::Replayed(msg(4)));

    let expire = Write::ExpireMessages { before: msg(4), beyond: MessagePlace::START, slice: slice(9) };
    assert!(matches!(f.write(expire), Written::Swept(Swept { messages: 1, .. })));
    let (mut beyond, mut looked_at) = (KeyPlace::START, 0);
    while let Written::LookedAt(Some(last)) = f.write(Write::ForgetKeys { beyond, slice: slice(1) }) {
        (beyond, looked_at) = (last, looked_at + 1);
    }
    assert_eq!(looked_at, 2);
    assert_eq!(f.append_with(message(1, 6), &[], first), Appended::Replayed(msg(4)));
    assert!(matches!(
        f.write(Write::ExpireMessageKeys { now: at(100), slice: slice(9) }),
        Written::Removed(1)
    ));
}

pub(super) async fn keys_of_messages_are_known_after_a_restart(mut f: Fixture) {
    let key = Some(key(1, 1, at(100)));
    assert_eq!(f.append_with(message(1, 1), &[], key), Appended::Stored);
    f = f.reopen();
    assert_eq!(f.append_with(message(1, 2), &[], key), Appended::Replayed(msg(1)));
}

pub(super) async fn an_answer_is_kept_until_it_expires(mut f: Fixture) {
    let (kept, other) = (key(1, 1, at(50)), key(1, 2, at(99)));
    assert_eq!(f.store.answer_kept(kept, at(0)).await.unwrap(), KeptFor::Nothing);
    f.write(keep(kept, b"first", at(0)));
    f.write(keep(kept, b"second", at(1)));
    assert_eq!(f.store.answer_kept(kept, at(49)).await.unwrap(), KeptFor::SameRequest(b"first".to_vec()));
    assert_eq!(f.store.answer_kept(other, at(49)).await.unwrap(), KeptFor::OtherRequest);
    assert_eq!(f.store.answer_kept(kept, at(50)).await.unwrap(), KeptFor::Nothing);
    f.write(keep(other, b"third", at(50)));
    assert_eq!(f.store.answer_kept(other, at(50)).await.unwrap(), KeptFor::SameRequest(b"third".to_vec()));
}

pub(super) async fn keys_expire_by_their_first_byte(mut f: Fixture) {
    for first_byte in [0, 1, 254, 255] {
        f.write(keep(key(first_byte, 1, at(10)), b"old", at(0)));
    }
    let mut young = key(255, 1, at(99));
    young.hash[1] = 9;
    f.write(keep(young, b"young", at(0)));
    let store = f.store.clone();
    // Asked about the time before they expired, so that only those are missing that were removed.
    let left = async |key| store.answer_kept(key, at(0)).await.unwrap() != KeptFor::Nothing;
    for (removed, expected) in [(0, [false, true, true, true]), (255, [false, true, true, false])] {
        f.write(Write::ExpireKeys { first_byte: removed, now: at(10) });
        for (first_byte, expected) in [0, 1, 254, 255].into_iter().zip(expected) {
            assert_eq!(left(key(first_byte, 1, at(10))).await, expected, "{first_byte} after {removed}");
        }
    }
    assert!(left(young).await);
}
