//! Messages as they are stored.

use bytes::Bytes;

use crate::domain::message::Message;
use crate::domain::names::{Channel, EventId, Tag};
use crate::store::conformance::fixture::{Fixture, app, append, message, msg};
use crate::store::write::{Appended, Written};

fn with_event_id(message: Message, event_id: &str) -> Message {
    Message { event_id: Some(EventId::parse(event_id).unwrap()), ..message }
}

pub(super) async fn a_message_is_read_back_as_it_was(mut f: Fixture) {
    let full = Message {
        channels: vec![Channel::parse("project:1+2").unwrap(), Channel::parse("b").unwrap()],
        tags: vec![Tag::parse("a/b\\c#d").unwrap()],
        payload: Bytes::from((0..=255).cycle().take(100_000).collect::<Vec<u8>>()),
        ..with_event_id(message(1, 1), "event-1")
    };
    let bare = Message { payload: Bytes::new(), ..message(1, 2) };
    for stored in [full, bare] {
        assert_eq!(f.append(stored.clone(), &[]), Appended::Stored);
        assert_eq!(f.store.message_get(app(1), stored.id).await.unwrap(), Some(stored.clone()));
        let head = Message { payload: Bytes::new(), ..stored };
        assert_eq!(f.store.message_head(app(1), head.id).await.unwrap(), Some(head));
    }
    assert_eq!(f.store.message_get(app(2), msg(1)).await.unwrap(), None);
}

pub(super) async fn an_event_id_is_taken_within_its_application_alone(mut f: Fixture) {
    assert_eq!(f.append(with_event_id(message(1, 1), "e"), &[]), Appended::Stored);
    assert_eq!(f.append(with_event_id(message(1, 2), "e"), &[9]), Appended::EventIdTaken);
    assert_eq!(f.append(with_event_id(message(2, 3), "e"), &[]), Appended::Stored);
    assert_eq!(f.store.message_get(app(1), msg(2)).await.unwrap(), None);
    for (application, event_id, found) in
        [(1, "e", Some(msg(1))), (2, "e", Some(msg(3))), (3, "e", None), (1, "E", None), (1, "e1", None)]
    {
        let event_id = EventId::parse(event_id).unwrap();
        assert_eq!(f.store.message_by_event_id(app(application), event_id).await.unwrap(), found);
    }
    assert_eq!(f.ready(1, 9).await, []);
}

pub(super) async fn a_conflict_fails_its_own_item_and_not_the_batch(mut f: Fixture) {
    let batch = [
        append(with_event_id(message(1, 1), "e"), &[9], None),
        append(with_event_id(message(1, 2), "e"), &[9], None),
        append(message(1, 3), &[9], None),
    ];
    let answers: Vec<_> = f.writer.commit(&batch).unwrap();
    let appended = answers.into_iter().map(|written| match written {
        Written::Appended(appended) => appended,
        other => panic!("{other:?}"),
    });
    assert_eq!(appended.collect::<Vec<_>>(), [Appended::Stored, Appended::EventIdTaken, Appended::Stored]);
    assert_eq!(f.ready(1, 9).await, [(msg(1), 0), (msg(3), 0)]);
}
