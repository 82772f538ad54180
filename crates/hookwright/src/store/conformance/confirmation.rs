//! Held messages: asked about like a delivery, and sent to endpoints in the commit that confirms them.

use std::sync::Arc;

use crate::domain::confirmation::asking_lane;
use crate::domain::delivery::DeliveryKey;
use crate::domain::ids::{EndpointId, MessageId};
use crate::domain::inbound::{Inbound, Verdict};
use crate::domain::time::Timestamp;
use crate::store::conformance::fixture::{Fixture, NO_LIMIT, NOW, app, at, ep, key, message, msg, slice};
use crate::store::conformance::inbound::{log, row};
use crate::store::conformance::source::new_source;
use crate::store::write::{
    Append, Asked, CatalogWrite, Changed, Confirmation, Receive, Received, Resent, Swept, Write, Written,
};

fn lane() -> EndpointId {
    asking_lane(app(1))
}

/// Stores the request that message `number` of application 1 is made of, held.
fn hold(f: &mut Fixture, number: u16) {
    let append = Append::plain(Arc::new(message(1, number)), vec![lane()]);
    let receive =
        Receive { row: row(1, number).into(), keys: Vec::new(), message: Some(append), is_held: true };
    let written = f.write(Write::Receive(Box::new(receive)));
    assert!(matches!(written, Written::Received(Received::Stored)), "{written:?}");
}

fn step(f: &mut Fixture, message_number: u16, number: u16, asked: Asked) -> Changed {
    let message = Arc::new(message(1, message_number));
    let hold = f.hold();
    match f.write(Write::Confirm(Box::new(Confirmation { message, hold, number, asked, routed_by: None }))) {
        Written::Changed(changed) => changed,
        other => panic!("{other:?}"),
    }
}

fn over(verdict: Verdict, reason: Option<&str>, endpoints: &[u16]) -> Asked {
    let endpoints = endpoints.iter().map(|number| ep(*number)).collect();
    Asked::Over { verdict, reason: reason.map(str::to_owned), endpoints }
}

fn again(at: Timestamp) -> Asked {
    Asked::Again { at, reason: "no answer".to_owned() }
}

fn resend(f: &mut Fixture, key: DeliveryKey) -> Resent {
    match f.write(Write::Resend(key)) {
        Written::Resent(resent) => resent,
        other => panic!("{other:?}"),
    }
}

fn asked_at(message: u16) -> DeliveryKey {
    DeliveryKey { application: app(1), endpoint: lane(), message: msg(message) }
}

async fn waits(f: &Fixture) -> Vec<MessageId> {
    let page = f.store.delivery_load(app(1), lane(), MessageId::MIN, 250, NO_LIMIT).await.unwrap();
    page.items.iter().map(|loaded| loaded.message.id).collect()
}

async fn verdict(f: &Fixture, number: usize) -> (Verdict, Option<String>) {
    let row = log(f, 1).await.remove(number);
    (row.verdict, row.reason)
}

/// The messages that a task may look at.
async fn reached(f: &Fixture) -> Vec<MessageId> {
    let read = f.store.message_reach(app(1), ep(9), MessageId::MIN, MessageId::MAX, 9).await.unwrap();
    read.into_iter().map(|reached| reached.message.id).collect()
}

pub(super) async fn a_held_message_goes_to_nobody_until_it_is_confirmed(mut f: Fixture) {
    for number in [1, 2] {
        hold(&mut f, number);
    }
    assert_eq!(waits(&f).await, [msg(1), msg(2)]);
    assert_eq!(verdict(&f, 0).await.0, Verdict::Unconfirmed);
    assert_eq!(resend(&mut f, key(1, 9, 1)), Resent::Held);
    assert_eq!(reached(&f).await, []);
    assert_eq!(step(&mut f, 1, 1, over(Verdict::Confirmed, None, &[8, 9])), Changed::Yes);
    assert_eq!(step(&mut f, 2, 1, over(Verdict::Refused, Some("no"), &[])), Changed::Yes);
    assert_eq!(
        (waits(&f).await, f.ready(1, 8).await, f.ready(1, 9).await),
        (vec![], vec![(msg(1), 0)], vec![(msg(1), 0)])
    );
    assert_eq!(verdict(&f, 0).await, (Verdict::Confirmed, None));
    assert_eq!(verdict(&f, 1).await, (Verdict::Refused, Some("no".to_owned())));
    // It is over: nothing is sent twice.
    assert_eq!(step(&mut f, 1, 1, over(Verdict::Confirmed, None, &[7])), Changed::Missing);
    assert_eq!((f.ready(1, 7).await, reached(&f).await), (vec![], vec![msg(1)]));
    assert_eq!((resend(&mut f, key(1, 7, 1)), resend(&mut f, key(1, 7, 2))), (Resent::Ready, Resent::Held));
    let row = f.store.inbound_get(app(1), log(&f, 1).await[1].id).await.unwrap().unwrap();
    assert_eq!(
        row,
        Inbound { verdict: Verdict::Refused, reason: Some("no".to_owned()), ..super::inbound::row(1, 2) }
    );
}

pub(super) async fn asking_again_is_fenced_and_a_verdict_can_be_reopened_but_not_once_it_is_confirmed(
    mut f: Fixture,
) {
    hold(&mut f, 1);
    assert_eq!(step(&mut f, 1, 1, again(at(9))), Changed::Yes);
    assert_eq!(verdict(&f, 0).await, (Verdict::Unconfirmed, Some("no answer".to_owned())));
    assert_eq!(step(&mut f, 1, 1, again(at(99))), Changed::Missing);
    let claimed = f.claim(at(9), 9);
    assert_eq!((claimed.len(), claimed[0].delivery.attempts, claimed[0].delivery.key), (1, 1, asked_at(1)));
    assert_eq!(step(&mut f, 1, 2, over(Verdict::Unconfirmed, Some("gave up"), &[])), Changed::Yes);
    assert_eq!((waits(&f).await, verdict(&f, 0).await.0), (vec![], Verdict::Unconfirmed));
    assert_eq!(resend(&mut f, asked_at(1)), Resent::Ready);
    assert_eq!((resend(&mut f, asked_at(1)), waits(&f).await), (Resent::WasReady, vec![msg(1)]));
    assert_eq!(step(&mut f, 1, 1, over(Verdict::Confirmed, None, &[9])), Changed::Yes);
    assert_eq!(resend(&mut f, asked_at(1)), Resent::Missing, "it needs no asking any more");
    assert_eq!(verdict(&f, 0).await.0, Verdict::Confirmed);
}

pub(super) async fn what_became_of_asking_goes_with_its_request(mut f: Fixture) {
    assert_eq!(f.change(CatalogWrite::SourceInsert(Box::new(new_source(1)))), Changed::Yes);
    hold(&mut f, 1);
    hold(&mut f, 2);
    step(&mut f, 1, 1, over(Verdict::Refused, Some("no"), &[]));
    let Written::Swept(swept) = f.write(Write::ExpireInbound { now: at(60), slice: slice(9) }) else {
        panic!()
    };
    assert_eq!(swept, Swept { messages: 1, kept: 1, is_done: true, ..Swept::default() });
    // Nothing is left of the first one: another of the same id is not held.
    let append = Append::plain(Arc::new(message(1, 1)), vec![]);
    let receive = Receive { row: row(1, 1).into(), keys: Vec::new(), message: Some(append), is_held: false };
    f.write(Write::Receive(Box::new(receive)));
    assert_eq!(verdict(&f, 0).await, (Verdict::Verified, None));
    f.change(CatalogWrite::SourceDelete(new_source(1).source.id, NOW));
    let Written::Erased(erased) = f.write(Write::Erase { now: NOW, from: app(0), slice: slice(100) }) else {
        panic!()
    };
    assert_eq!(erased.rows, 6, "two requests, two messages, a delivery, and what became of asking");
}
