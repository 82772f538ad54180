//! Lists of what happened: every filter, forward and back.

use crate::domain::attempt::{Attempt, AttemptStatus};
use crate::domain::delivery::Transition;
use crate::domain::ids::{AttemptId, MessageId};
use crate::domain::message::Message;
use crate::domain::names::{Channel, EventId, Tag};
use crate::domain::page::{From, Order, PageRequest};
use crate::store::DEFAULT_ORGANISATION;
use crate::store::conformance::fixture::{
    Fixture, all, app, at, attempt, ep, event_type, id, message, msg, outcome, success,
};
use crate::store::read::{AttemptFilter, DeliveryStatus, MessageFilter};

/// Four messages: 1 is of another type, 2 has a channel, 3 a tag, 4 nothing; another application has a fifth.
fn messages(f: &mut Fixture) {
    let channel = Channel::parse("red").unwrap();
    let tag = Tag::parse("a/b").unwrap();
    for stored in [
        Message { event_type: event_type("book.lent"), ..message(1, 1) },
        Message { channels: vec![Channel::parse("x").unwrap(), channel], ..message(1, 2) },
        Message { tags: vec![tag], ..message(1, 3) },
        message(1, 4),
        message(2, 5),
    ] {
        f.append(stored, &[9]);
    }
}

pub(super) async fn messages_are_filtered_by_every_condition(mut f: Fixture) {
    messages(&mut f);
    let check = async |filter: MessageFilter, expected: &[u16]| {
        let page = f.store.message_list(app(1), filter.clone(), true, all()).await.unwrap().page;
        let ids: Vec<_> = page.items.iter().map(|message| message.id).collect();
        assert_eq!(ids, expected.iter().map(|number| msg(*number)).collect::<Vec<_>>(), "{filter:?}");
        assert!(page.items.iter().all(|message| !message.payload.is_empty()));
    };
    let any = MessageFilter::default;
    check(any(), &[1, 2, 3, 4]).await;
    check(MessageFilter { event_types: vec![event_type("book.lent")], ..any() }, &[1]).await;
    let both = vec![event_type("book.lent"), event_type("book.added")];
    check(MessageFilter { event_types: both, ..any() }, &[1, 2, 3, 4]).await;
    check(MessageFilter { channel: Some(Channel::parse("red").unwrap()), ..any() }, &[2]).await;
    check(MessageFilter { channel: Some(Channel::parse("re").unwrap()), ..any() }, &[]).await;
    check(MessageFilter { tag: Some(Tag::parse("a/b").unwrap()), ..any() }, &[3]).await;
    check(MessageFilter { before: Some(at(3)), ..any() }, &[1, 2]).await;
    check(MessageFilter { after: Some(at(3)), ..any() }, &[4]).await;
    check(MessageFilter { after: Some(at(1)), before: Some(at(3)), ..any() }, &[2]).await;
    let without = f.store.message_list(app(1), any(), false, all()).await.unwrap().page;
    assert!(without.items.iter().all(|message| message.payload.is_empty()));
}

pub(super) async fn messages_are_found_by_their_event_id_and_by_text(mut f: Fixture) {
    messages(&mut f);
    let event_id = EventId::parse("order-7").unwrap();
    let payload = "{\"name\": \"J\u{fc}rgen\"}".into();
    f.append(Message { event_id: Some(event_id), payload, ..message(1, 6) }, &[9]);
    let find = async |filter: MessageFilter| {
        let page = f.store.message_list(app(1), filter, false, all()).await.unwrap().page;
        page.items.iter().map(|message| message.id).collect::<Vec<_>>()
    };
    let event_id =
        |text| MessageFilter { event_id: Some(EventId::parse(text).unwrap()), ..Default::default() };
    assert_eq!(find(event_id("order-7")).await, [msg(6)]);
    assert_eq!(find(event_id("order-8")).await, []);
    let text = |text: &str| MessageFilter { text: Some(text.to_owned()), ..Default::default() };
    assert_eq!(find(text("J\u{fc}rg")).await, [msg(6)]);
    assert_eq!(find(text("j\u{fc}rg")).await, []);
    assert_eq!(find(MessageFilter { event_types: vec![event_type("book.lent")], ..text("rgen") }).await, []);
}

pub(super) async fn messages_are_walked_forward_and_back(mut f: Fixture) {
    messages(&mut f);
    let list = async |order, from: Option<From<MessageId>>| {
        let page = PageRequest { limit: 3, order, from };
        let page = f.store.message_list(app(1), MessageFilter::default(), false, page).await.unwrap().page;
        (page.items.iter().map(|message| message.id).collect::<Vec<_>>(), page.done)
    };
    let (up, down) = (Order::Ascending, Order::Descending);
    assert_eq!(list(up, None).await, (vec![msg(1), msg(2), msg(3)], false));
    assert_eq!(list(up, Some(From::After(msg(3)))).await, (vec![msg(4)], true));
    assert_eq!(list(down, None).await, (vec![msg(4), msg(3), msg(2)], false));
    assert_eq!(list(down, Some(From::After(msg(2)))).await, (vec![msg(1)], true));
    assert_eq!(list(down, Some(From::Before(msg(1)))).await, (vec![msg(4), msg(3), msg(2)], true));
}

pub(super) async fn attempts_are_filtered_by_every_condition(mut f: Fixture) {
    messages(&mut f);
    // Attempts 101 to 104 of messages 1 to 4: two at endpoint 8, two at endpoint 9.
    for stored in [
        attempt(1, 1, 8, 101, 1),
        success(attempt(1, 2, 9, 102, 1)),
        Attempt { response_code: 0, ..attempt(1, 3, 9, 103, 1) },
        Attempt { response_code: 404, ..attempt(1, 4, 8, 104, 1) },
        attempt(2, 5, 9, 105, 1),
    ] {
        f.write(outcome(stored, Transition::Delivered));
    }
    let any = AttemptFilter::default;
    let of = |message| AttemptFilter { message, ..any() };
    let check = async |endpoint, filter: AttemptFilter, expected: &[u16]| {
        let page =
            f.store.attempt_list_by_endpoint(app(1), ep(endpoint), filter.clone(), all()).await.unwrap().page;
        let ids: Vec<_> = page.items.iter().map(|attempt| attempt.id).collect();
        let expected = expected.iter().map(|number| AttemptId::from_bytes(id(*number)));
        assert_eq!(ids, expected.collect::<Vec<_>>(), "{filter:?}");
    };
    check(9, any(), &[102, 103]).await;
    check(8, any(), &[101, 104]).await;
    check(9, AttemptFilter { status: Some(AttemptStatus::Success), ..any() }, &[102]).await;
    check(9, AttemptFilter { status: Some(AttemptStatus::Fail), ..any() }, &[103]).await;
    check(9, AttemptFilter { status_class: Some(0), ..any() }, &[103]).await;
    check(9, AttemptFilter { status_class: Some(2), ..any() }, &[102]).await;
    check(8, AttemptFilter { status_class: Some(4), ..any() }, &[104]).await;
    check(8, of(MessageFilter { event_types: vec![event_type("book.lent")], ..Default::default() }), &[101])
        .await;
    check(
        9,
        of(MessageFilter { channel: Some(Channel::parse("red").unwrap()), ..Default::default() }),
        &[102],
    )
    .await;
    check(9, of(MessageFilter { tag: Some(Tag::parse("a/b").unwrap()), ..Default::default() }), &[103]).await;
    check(9, of(MessageFilter { after: Some(at(102)), ..Default::default() }), &[103]).await;
    check(9, of(MessageFilter { before: Some(at(103)), ..Default::default() }), &[102]).await;
    let elsewhere = AttemptFilter { endpoint: Some(ep(8)), ..any() };
    let page = f.store.attempt_list_by_message(app(1), msg(2), elsewhere, all()).await.unwrap().page;
    assert_eq!(page.items, []);
    let newest = PageRequest { limit: 1, order: Order::Descending, from: None };
    let page = f.store.attempt_list_by_endpoint(app(1), ep(9), any(), newest).await.unwrap().page;
    assert_eq!((page.items[0].message, page.done), (msg(3), false));
}

pub(super) async fn messages_of_an_endpoint_have_their_status(mut f: Fixture) {
    messages(&mut f);
    f.append(message(1, 6), &[8]);
    f.write(outcome(success(attempt(1, 1, 9, 101, 1)), Transition::Delivered));
    f.fail_until(attempt(1, 2, 9, 102, 1), at(60));
    let list = async |filter| {
        let page = f.store.message_list_by_endpoint(app(1), ep(9), filter, all()).await.unwrap().page;
        page.items.iter().map(|sent| (sent.message.id, sent.status)).collect::<Vec<_>>()
    };
    let (pending, taken) = (DeliveryStatus::Pending(None), DeliveryStatus::Ended(AttemptStatus::Success));
    let waiting = DeliveryStatus::Pending(Some(at(60)));
    let expected = [(msg(1), taken), (msg(2), waiting), (msg(3), pending), (msg(4), pending)];
    assert_eq!(list(AttemptFilter::default()).await, expected);
    let ended = AttemptFilter { status: Some(AttemptStatus::Success), ..AttemptFilter::default() };
    assert_eq!(list(ended).await, [(msg(1), taken)]);
    let failed = AttemptFilter { status: Some(AttemptStatus::Fail), ..AttemptFilter::default() };
    assert_eq!(list(failed).await, [], "a failure that is followed by another attempt is no end");
}

pub(super) async fn destinations_are_those_a_message_was_meant_for(mut f: Fixture) {
    f.configured(1, &[7, 8, 9]);
    f.append(message(1, 1), &[8, 9]);
    f.write(outcome(success(attempt(1, 1, 9, 101, 1)), Transition::Delivered));
    let list = async |page| {
        let page = f.store.destination_list(app(1), msg(1), page).await.unwrap();
        (page.items.iter().map(|there| (there.endpoint.id, there.status)).collect::<Vec<_>>(), page.done)
    };
    let expected =
        [(ep(8), DeliveryStatus::Pending(None)), (ep(9), DeliveryStatus::Ended(AttemptStatus::Success))];
    assert_eq!(list(all()).await, (expected.to_vec(), true));
    let first = PageRequest::first(1, Order::Descending);
    assert_eq!(list(first).await, (vec![expected[1]], false));
    let next = PageRequest { limit: 1, order: Order::Descending, from: Some(From::After(ep(9))) };
    assert_eq!(list(next).await, (vec![expected[0]], true));
}

pub(super) async fn the_newest_messages_come_with_their_attempts(mut f: Fixture) {
    f.configured(1, &[8, 9]);
    f.configured(2, &[9]);
    messages(&mut f);
    f.append(message(1, 6), &[8, 9]);
    f.fail_until(attempt(1, 6, 9, 101, 1), at(60));
    f.claim(at(60), 10);
    f.write(outcome(success(attempt(1, 6, 9, 102, 2)), Transition::Delivered));
    let recent = f.store.message_recent(DEFAULT_ORGANISATION, 2).await.unwrap();
    assert_eq!(recent.iter().map(|recent| recent.message.id).collect::<Vec<_>>(), [msg(6), msg(5)]);
    assert_eq!(recent.iter().map(|recent| recent.pending).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(recent[0].attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(recent[1].application_name, "application 2");
    assert!(recent[0].message.payload.is_empty());
}
