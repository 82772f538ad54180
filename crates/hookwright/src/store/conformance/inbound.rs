//! Requests to sources: in the log once and whole, known if they come again, gone when it is time.

use std::sync::Arc;

use bytes::Bytes;

use crate::domain::delivery::Transition;
use crate::domain::inbound::{ANOTHER_BODY, CameWith, Inbound, Verdict};
use crate::domain::short_ids::InboundId;
use crate::store::conformance::fixture::{
    Fixture, NOW, all, app, at, attempt, ep, event_type, message, msg, outcome, slice, success,
};
use crate::store::conformance::source::new_source;
use crate::store::write::{
    Append, CatalogWrite, Changed, Copied, InboundKey, Receive, Received, Swept, Write, Written,
};

/// The request that message `number` was made of.
pub(super) fn row(application: u16, number: u16) -> Inbound {
    Inbound {
        application: app(application),
        id: InboundId::of_message(msg(number)),
        received_at: at(number.into()),
        expires_at: at(60),
        verdict: Verdict::Verified,
        status: 200,
        reason: None,
        method: "POST".to_owned(),
        path: "/in/src_1".to_owned(),
        query: Some("a=b".to_owned()),
        headers: vec![("x-a".to_owned(), "b".to_owned()), ("x-a".to_owned(), "\u{e9}".to_owned())],
        message: Some(msg(number)),
        event_type: Some(event_type("book.added")),
        copy_of: None,
        body: message(application, number).payload,
    }
}

fn key(byte: u8) -> Option<InboundKey> {
    Some(InboundKey { hash: [byte; 32], expires_at: at(30) })
}

fn receive(
    f: &mut Fixture,
    row: Inbound,
    keys: impl IntoIterator<Item = InboundKey>,
    endpoints: &[u16],
) -> Received {
    let number = u16::try_from(row.received_at.since(NOW).as_secs()).unwrap();
    let application = u16::from_be_bytes([row.application.as_bytes()[18], row.application.as_bytes()[19]]);
    let append = Append {
        message: Arc::new(message(application, number)),
        endpoints: endpoints.iter().map(|number| ep(*number)).collect(),
        key: None,
        payload_expires_at: None,
        broadcast: None,
        routed_by: None,
    };
    let has_message = row.message.is_some();
    let receive = Receive {
        row: row.into(),
        keys: keys.into_iter().collect(),
        message: has_message.then_some(append),
        is_held: false,
    };
    match f.write(Write::Receive(Box::new(receive))) {
        Written::Received(received) => received,
        other => panic!("{other:?}"),
    }
}

pub(super) async fn log(f: &Fixture, application: u16) -> Vec<Inbound> {
    f.store.inbound_list(app(application), all()).await.unwrap().items
}

pub(super) async fn a_request_is_stored_with_the_message_it_becomes(mut f: Fixture) {
    assert_eq!(receive(&mut f, row(1, 5), key(1), &[9]), Received::Stored);
    let refused = Inbound {
        verdict: Verdict::Refused,
        status: 401,
        reason: Some("no".to_owned()),
        query: None,
        message: None,
        event_type: None,
        body: Bytes::from_static(b"\xff\x00"),
        ..row(1, 6)
    };
    assert_eq!(receive(&mut f, refused.clone(), None, &[]), Received::Stored);
    // What was made of a request without a body is another's payload.
    let described = Inbound { body: Bytes::new(), ..row(1, 7) };
    assert_eq!(receive(&mut f, described.clone(), None, &[]), Received::Stored);
    assert_eq!(log(&f, 1).await, [row(1, 5), refused, described]);
    assert_eq!(f.store.message_get(app(1), msg(5)).await.unwrap(), Some(message(1, 5)));
    assert_eq!(f.ready(1, 9).await, [(msg(5), 0)]);
    let came_with = f.store.inbound_headers(app(1), InboundId::of_message(msg(5))).await.unwrap();
    assert_eq!(came_with, Some(CameWith { headers: row(1, 5).headers, is_described: false }));
    assert_eq!(f.store.inbound_headers(app(2), InboundId::of_message(msg(5))).await.unwrap(), None);
}

pub(super) async fn a_key_that_came_before_makes_a_duplicate_within_its_source_until_it_expires(
    mut f: Fixture,
) {
    assert_eq!(receive(&mut f, row(1, 1), key(1), &[9]), Received::Stored);
    assert_eq!(receive(&mut f, row(1, 2), key(1), &[9]), Received::Duplicate);
    assert_eq!(receive(&mut f, row(2, 3), key(1), &[]), Received::Stored);
    assert_eq!(receive(&mut f, row(1, 4), None, &[]), Received::Stored);
    assert_eq!(f.ready(1, 9).await, [(msg(1), 0)]);
    assert_eq!(f.store.message_get(app(1), msg(2)).await.unwrap(), None);
    assert_eq!(receive(&mut f, row(1, 29), key(1), &[]), Received::Duplicate);
    assert_eq!(log(&f, 1).await, [row(1, 1), row(1, 4)], "a copy leaves no row by itself");
    assert_eq!(receive(&mut f, row(1, 30), key(1), &[]), Received::Stored, "it has expired");
}

pub(super) async fn a_request_with_one_of_several_keys_that_came_before_is_a_copy_and_claims_none(
    mut f: Fixture,
) {
    let keys = |these: &[u8]| these.iter().filter_map(|byte| key(*byte)).collect::<Vec<_>>();
    assert_eq!(receive(&mut f, row(1, 1), keys(&[1, 101]), &[]), Received::Stored);
    assert_eq!(receive(&mut f, row(1, 2), keys(&[2, 101]), &[]), Received::Duplicate);
    assert_eq!(receive(&mut f, row(1, 3), keys(&[1, 102]), &[]), Received::Duplicate);
    assert_eq!(receive(&mut f, row(1, 4), keys(&[2, 102]), &[]), Received::Stored, "both are free");
    let row = Inbound { verdict: Verdict::Duplicate, message: None, ..row(1, 5) };
    f.write(Write::Copied(Box::new(Copied { row, keys: keys(&[3, 101]) })));
    assert_eq!(log(&f, 1).await[2].copy_of, Some(InboundId::of_message(msg(1))));
}

pub(super) async fn a_copy_is_noted_without_its_body_unless_it_is_another_than_that_of_the_first(
    mut f: Fixture,
) {
    receive(&mut f, row(1, 1), key(1), &[9]);
    receive(&mut f, Inbound { body: Bytes::new(), ..row(1, 2) }, key(2), &[]);
    let mut copy = |number: u16, of: u8, body: &Bytes| {
        let row = Inbound {
            verdict: Verdict::Duplicate,
            message: None,
            event_type: None,
            body: body.clone(),
            ..row(1, number)
        };
        let copied = Copied { row: row.clone(), keys: key(of).into_iter().collect() };
        assert!(matches!(f.write(Write::Copied(Box::new(copied))), Written::Done));
        row
    };
    let (same, nothing, another) = (row(1, 1).body, Bytes::new(), Bytes::from_static(b"\xff\x00"));
    let request = |number: u16| Some(InboundId::of_message(msg(number)));
    let mut expected = Vec::new();
    for (number, of, body, copy_of, is_another) in [
        (11, 1, &same, request(1), false),
        (12, 2, &nothing, request(2), false),
        (13, 1, &another, request(1), true),
        (14, 2, &another, request(2), true),
        // The key has gone meanwhile.
        (15, 7, &same, None, false),
    ] {
        let row = copy(number, of, body);
        expected.push(Inbound {
            copy_of,
            reason: is_another.then(|| ANOTHER_BODY.to_owned()),
            body: if is_another { body.clone() } else { Bytes::new() },
            ..row
        });
    }
    assert_eq!(log(&f, 1).await[2..], expected);
    assert_eq!(f.ready(1, 9).await, [(msg(1), 0)]);
    // What was removed from the first one does not come back with a copy.
    f.write(Write::ExpungeMessage { application: app(1), message: msg(1), now: NOW });
    let written = f.write(Write::Copied(Box::new(Copied {
        row: Inbound { message: None, ..row(1, 16) },
        keys: key(1).into_iter().collect(),
    })));
    assert!(matches!(written, Written::Done));
    assert_eq!(log(&f, 1).await[7].body, Bytes::new());
}

pub(super) async fn requests_go_with_their_messages_but_not_while_something_is_pending(mut f: Fixture) {
    receive(&mut f, row(1, 1), key(1), &[9]);
    receive(&mut f, row(1, 2), key(2), &[]);
    receive(&mut f, Inbound { message: None, event_type: None, ..row(1, 3) }, None, &[]);
    receive(&mut f, Inbound { expires_at: at(61), ..row(1, 4) }, None, &[]);
    let expire = |f: &mut Fixture, seconds| match f
        .write(Write::ExpireInbound { now: at(seconds), slice: slice(9) })
    {
        Written::Swept(swept) => swept,
        other => panic!("{other:?}"),
    };
    assert_eq!(expire(&mut f, 59), Swept { is_done: true, ..Swept::default() });
    assert_eq!(expire(&mut f, 60), Swept { messages: 2, kept: 1, is_done: true, ..Swept::default() });
    assert_eq!(
        log(&f, 1).await.iter().map(|row| row.message).collect::<Vec<_>>(),
        [Some(msg(1)), Some(msg(4))]
    );
    assert_eq!(f.store.message_get(app(1), msg(2)).await.unwrap(), None);
    f.write(outcome(success(attempt(1, 1, 9, 101, 1)), Transition::Delivered));
    let swept = expire(&mut f, 3_600);
    assert_eq!((swept.messages, swept.attempts), (2, 1));
    assert_eq!((log(&f, 1).await, f.store.message_get(app(1), msg(1)).await.unwrap()), (vec![], None));
    let mut keys = |seconds| match f.write(Write::ExpireInboundKeys { now: at(seconds), slice: slice(1) }) {
        Written::Removed(removed) => removed,
        other => panic!("{other:?}"),
    };
    assert_eq!([keys(29), keys(30), keys(30), keys(30)], [0, 1, 1, 0]);
}

pub(super) async fn a_deleted_source_takes_its_log_and_keys_along(mut f: Fixture) {
    for number in [1, 2] {
        assert_eq!(f.change(CatalogWrite::SourceInsert(Box::new(new_source(number)))), Changed::Yes);
        receive(&mut f, row(number, 10 + number), key(1), &[]);
    }
    let gone = new_source(1).source.id;
    assert_eq!(f.change(CatalogWrite::SourceDelete(gone, NOW)), Changed::Yes);
    assert_eq!(f.change(CatalogWrite::SourceDelete(gone, NOW)), Changed::Missing);
    let erase = |f: &mut Fixture| match f.write(Write::Erase { now: NOW, from: app(0), slice: slice(100) }) {
        Written::Erased(erased) => erased.rows,
        other => panic!("{other:?}"),
    };
    assert_eq!((erase(&mut f), erase(&mut f)), (3, 0), "log, key and message");
    assert_eq!((log(&f, 1).await.len(), log(&f, 2).await.len()), (0, 1));
}
