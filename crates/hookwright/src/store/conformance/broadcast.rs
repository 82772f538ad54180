//! Events for all: who wants them, and messages that share a payload.

use std::sync::Arc;

use bytes::Bytes;

use crate::domain::broadcast::Broadcast;
use crate::domain::endpoint::DisabledReason;
use crate::domain::event_filter::EventFilter;
use crate::domain::ids::{ApplicationId, BroadcastId, MessageId, OrganisationId};
use crate::domain::message::Message;
use crate::domain::names::{Channel, Tag};
use crate::store::DEFAULT_ORGANISATION;
use crate::store::conformance::fixture::{
    Fixture, NOW, all, app, at, endpoint, ep, event_type, id, message, msg,
};
use crate::store::read::MessageFilter;
use crate::store::write::{Append, BroadcastStep, CatalogWrite, Changed, Write, Written};

pub(super) fn broadcast(number: u16) -> Broadcast {
    Broadcast {
        id: BroadcastId::from_bytes(id(number)),
        organisation: DEFAULT_ORGANISATION,
        event_type: event_type("book.added"),
        channels: vec![Channel::parse("c").unwrap()],
        tags: vec![Tag::parse("t").unwrap()],
        payload: Bytes::from_static(b"{\"shared\":true}"),
        created_at: NOW,
        cursor: ApplicationId::MIN,
    }
}

/// The message of an application that this event for all becomes.
pub(super) fn shared(broadcast: &Broadcast, application: u16, number: u16) -> Message {
    Message { payload: broadcast.payload.clone(), ..message(application, number) }
}

pub(super) fn step(
    broadcast: &Broadcast,
    before: ApplicationId,
    messages: Vec<Message>,
    cursor: Option<ApplicationId>,
) -> Write {
    let append = |message: Message| Append {
        message: Arc::new(message),
        endpoints: vec![ep(9)],
        key: None,
        payload_expires_at: None,
        broadcast: Some(broadcast.id),
        routed_by: None,
    };
    let messages = messages.into_iter().map(append).collect();
    Write::BroadcastStep(BroadcastStep { broadcast: broadcast.id, before, messages, cursor })
}

fn stored(written: Written) -> Option<Vec<bool>> {
    match written {
        Written::Broadcast(stored) => stored,
        other => panic!("{other:?}"),
    }
}

async fn payload(f: &Fixture, application: u16, number: u16) -> Bytes {
    f.store.message_get(app(application), msg(number)).await.unwrap().unwrap().payload
}

pub(super) async fn who_wants_an_event_type_is_found_as_endpoints_say_it(mut f: Fixture) {
    let wanting = |application: u16, number: u16, filters: &[&str]| {
        let mut new = endpoint(application, number);
        new.settings.event_types = filters.iter().map(|filter| EventFilter::parse(filter).unwrap()).collect();
        new
    };
    let all_filters: [&[&str]; 6] =
        [&[], &["book.added"], &["book.*", "book.added"], &["book.page.*"], &["user.left"], &["bookshop.*"]];
    for (number, filters) in (1..).zip(all_filters) {
        f.configured(number, &[]);
        let new = CatalogWrite::EndpointInsert(Box::new(wanting(number, number, filters)));
        assert_eq!(f.change(new), Changed::Yes);
    }
    let wanted = async |f: &Fixture, name: &str, after, limit| {
        f.store.subscribers(DEFAULT_ORGANISATION, event_type(name), after, limit).await.unwrap()
    };
    let first = ApplicationId::MIN;
    assert_eq!(wanted(&f, "book.added", first, 9).await, [app(1), app(2), app(3)]);
    assert_eq!(wanted(&f, "book.added", app(1), 1).await, [app(2)]);
    assert_eq!(wanted(&f, "book.page.torn", first, 9).await, [app(1), app(3), app(4)]);
    assert_eq!(wanted(&f, "book", first, 9).await, [app(1)]);
    let elsewhere =
        f.store.subscribers(OrganisationId::from_bytes(id(7)), event_type("book.added"), first, 9);
    assert_eq!(elsewhere.await.unwrap(), []);

    let mut changed = wanting(2, 2, &["user.*"]);
    changed.updated_at = at(1);
    let update = |endpoint| CatalogWrite::EndpointUpdate { endpoint, unless_changed_since: NOW };
    assert_eq!(f.change(update(Box::new(changed.clone()))), Changed::Yes);
    assert_eq!(f.change(update(Box::new(wanting(2, 2, &[])))), Changed::Stale);
    assert_eq!(wanted(&f, "book.added", first, 9).await, [app(1), app(3)]);
    assert_eq!(wanted(&f, "user.left", first, 9).await, [app(1), app(2), app(5)]);
    let (reason, now) = (DisabledReason::Gone, at(2));
    f.change(CatalogWrite::EndpointDisable {
        application: app(1),
        endpoint: ep(1),
        reason,
        failing_since: None,
        now,
    });
    f.change(CatalogWrite::EndpointDelete(app(2), ep(2)));
    f.change(CatalogWrite::ApplicationDelete(app(5), at(3)));
    assert_eq!(wanted(&f, "user.left", first, 9).await, []);
    let mut enabled = wanting(1, 1, &[]);
    enabled.updated_at = at(4);
    let enable = CatalogWrite::EndpointUpdate { endpoint: Box::new(enabled), unless_changed_since: at(2) };
    assert_eq!(f.change(enable), Changed::Yes);
    assert_eq!(wanted(&f, "user.left", first, 9).await, [app(1)]);
}

pub(super) async fn an_event_for_all_is_read_back_until_it_is_over(mut f: Fixture) {
    let (first, second) = (broadcast(1), broadcast(2));
    for new in [&first, &second] {
        f.write(Write::Broadcast(Box::new(new.clone())));
    }
    let running = async |f: &Fixture| f.store.broadcast_running(9).await.unwrap();
    assert_eq!(running(&f).await, [first.clone(), second.clone()]);
    assert_eq!(f.store.broadcast_running(1).await.unwrap(), std::slice::from_ref(&first));
    f.write(step(&first, ApplicationId::MIN, vec![shared(&first, 1, 1)], Some(app(1))));
    assert_eq!(running(&f).await, [Broadcast { cursor: app(1), ..first.clone() }, second.clone()]);
    let mut f = f.reopen();
    f.write(step(&first, app(1), Vec::new(), None));
    assert_eq!(running(&f).await, [second]);
}

pub(super) async fn a_step_is_taken_once(mut f: Fixture) {
    let event = broadcast(1);
    f.write(Write::Broadcast(Box::new(event.clone())));
    let first = |message| step(&event, ApplicationId::MIN, vec![message], Some(app(1)));
    assert_eq!(stored(f.write(first(shared(&event, 1, 1)))), Some(vec![true]));
    assert_eq!(stored(f.write(first(shared(&event, 1, 2)))), None);
    assert!(f.store.message_get(app(1), msg(2)).await.unwrap().is_none());
    assert_eq!(f.ready(1, 9).await, [(msg(1), 0)]);
    assert_eq!(stored(f.write(step(&event, app(1), vec![shared(&event, 2, 3)], None))), Some(vec![true]));
    assert_eq!(stored(f.write(step(&event, app(1), vec![shared(&event, 3, 4)], None))), None);
}

pub(super) async fn messages_share_a_payload_wherever_they_are_read(mut f: Fixture) {
    let event = broadcast(1);
    f.write(Write::Broadcast(Box::new(event.clone())));
    let messages = vec![shared(&event, 1, 1), shared(&event, 2, 2)];
    f.write(step(&event, ApplicationId::MIN, messages, None));
    for (application, number) in [(1, 1), (2, 2)] {
        assert_eq!(payload(&f, application, number).await, event.payload);
        let load = f.store.delivery_load(app(application), ep(9), MessageId::MIN, 9, usize::MAX);
        assert_eq!(load.await.unwrap().items[0].message.payload, event.payload);
        for (text, count) in [("shared", 1), ("nowhere", 0)] {
            let filter = MessageFilter { text: Some(text.to_owned()), ..MessageFilter::default() };
            let found = f.store.message_list(app(application), filter, true, all()).await.unwrap().page.items;
            assert_eq!(found.len(), count, "{text}");
            assert!(found.iter().all(|message| message.payload == event.payload));
        }
        let reach = f.store.message_reach(app(application), ep(9), MessageId::MIN, msg(9), 9).await.unwrap();
        assert!(reach[0].reach.has_payload);
    }
    f.fail_until(super::fixture::attempt(1, 1, 9, 20, 1), at(5));
    assert_eq!(f.claim(at(9), 9)[0].message.payload, event.payload);

    f.write(Write::ExpungeMessage { application: app(1), message: msg(1), now: at(9) });
    assert!(payload(&f, 1, 1).await.is_empty());
    let reach = f.store.message_reach(app(1), ep(9), MessageId::MIN, msg(9), 9).await.unwrap();
    assert!(!reach[0].reach.has_payload);
    assert_eq!(payload(&f, 2, 2).await, event.payload, "the other still has it");
}
