//! What has become too old: messages with all they have, payloads, background tasks.

use std::sync::Arc;

use bytes::Bytes;

use crate::domain::attempt::{Attempt, EXPUNGED};
use crate::domain::delivery::Transition;
use crate::domain::ids::TaskId;
use crate::domain::message::Message;
use crate::domain::names::EventId;
use crate::domain::task::{Task, TaskStatus};
use crate::domain::time::Timestamp;
use crate::store::DEFAULT_ORGANISATION;
use crate::store::conformance::fixture::{
    Fixture, all, app, at, attempt, ep, id, message, msg, outcome, slice, success,
};
use crate::store::conformance::task::task;
use crate::store::write::{Append, Appended, MessagePlace, Swept, Write, Written};

fn place(application: u16, message: u16) -> MessagePlace {
    MessagePlace { message: msg(message), application: app(application) }
}

fn swept(written: Written) -> Swept {
    match written {
        Written::Swept(swept) => swept,
        other => panic!("{other:?}"),
    }
}

fn expire(f: &mut Fixture, before: u16, beyond: MessagePlace, rows: u32) -> Swept {
    swept(f.write(Write::ExpireMessages { before: msg(before), beyond, slice: slice(rows) }))
}

/// The numbers of the messages that an application has.
async fn left(f: &Fixture, application: u16) -> Vec<u16> {
    let list = f.store.message_list(app(application), Default::default(), false, all());
    let number =
        |message: &Message| u16::from_be_bytes([message.id.as_bytes()[18], message.id.as_bytes()[19]]);
    list.await.unwrap().page.items.iter().map(number).collect()
}

async fn attempts(f: &Fixture, application: u16, message: u16) -> Vec<Attempt> {
    let filter = Default::default();
    f.store.attempt_list_by_message(app(application), msg(message), filter, all()).await.unwrap().page.items
}

fn append_until(message: Message, payload_expires_at: Timestamp) -> Write {
    let (message, payload_expires_at) = (Arc::new(message), Some(payload_expires_at));
    Write::Append(Append { payload_expires_at, ..Append::plain(message, Vec::new()) })
}

pub(super) async fn old_messages_go_with_all_they_have_oldest_first(mut f: Fixture) {
    let event = |application, number| Message {
        event_id: Some(EventId::parse(&format!("e-{number}")).unwrap()),
        payload: Bytes::from(vec![b'x'; 50_000]),
        ..message(application, number)
    };
    for number in 1..=6 {
        // Two applications, in turn.
        let application = 1 + number % 2;
        f.append(event(application, number), &[9]);
        for attempts in 1..=2 {
            let made = success(attempt(application, number, 9, 100 * attempts + number, attempts));
            f.write(outcome(made, Transition::Delivered));
        }
    }
    let first = expire(&mut f, 5, MessagePlace::START, 3);
    assert_eq!(first, Swept { messages: 3, attempts: 6, kept: 0, last: place(2, 3), is_done: false });
    assert_eq!((left(&f, 1).await, left(&f, 2).await), (vec![4, 6], vec![5]));
    let second = expire(&mut f, 5, first.last, 3);
    assert_eq!(second, Swept { messages: 1, attempts: 2, kept: 0, last: place(1, 4), is_done: true });
    let nothing = expire(&mut f, 5, MessagePlace::START, 3);
    assert_eq!(nothing, Swept { is_done: true, ..Swept::default() });
    assert_eq!((left(&f, 1).await, left(&f, 2).await), (vec![6], vec![5]));
    assert_eq!((attempts(&f, 1, 4).await.len(), attempts(&f, 1, 6).await.len()), (0, 2));
    let at_endpoint =
        f.store.attempt_list_by_endpoint(app(1), ep(9), Default::default(), all()).await.unwrap();
    assert_eq!(at_endpoint.page.items.len(), 2);
    let again = |number, event: u16| Message {
        event_id: Some(EventId::parse(&format!("e-{event}")).unwrap()),
        ..message(1, number)
    };
    assert_eq!(f.append(again(20, 4), &[]), Appended::Stored, "the eventId is free");
    assert_eq!(f.append(again(21, 6), &[]), Appended::EventIdTaken);
}

pub(super) async fn a_message_with_something_pending_stays(mut f: Fixture) {
    for number in 1..=5 {
        f.append(message(1, number), &[7, 8, 9]);
        f.append(message(2, number), &[]);
    }
    for number in [1, 2, 4] {
        for endpoint in [7, 8, 9] {
            let made = success(attempt(1, number, endpoint, 100 * endpoint + number, 1));
            f.write(outcome(made, Transition::Delivered));
        }
    }
    // One waits for a retry, at an endpoint in the middle; number 5 is ready.
    f.write(outcome(success(attempt(1, 3, 7, 703, 1)), Transition::Delivered));
    f.write(outcome(success(attempt(1, 3, 9, 903, 1)), Transition::Delivered));
    f.fail_until(attempt(1, 3, 8, 803, 1), at(600));
    let swept = expire(&mut f, 9, MessagePlace::START, 100);
    assert_eq!((swept.messages, swept.kept, swept.is_done), (8, 2, true));
    assert_eq!((left(&f, 1).await, left(&f, 2).await), (vec![3, 5], vec![]));
    assert_eq!(attempts(&f, 1, 3).await.len(), 3);
    assert_eq!(
        expire(&mut f, 9, swept.last, 100),
        Swept { last: swept.last, is_done: true, ..Swept::default() }
    );
    f.claim(at(600), 10);
    f.write(outcome(success(attempt(1, 3, 8, 813, 2)), Transition::Delivered));
    let swept = expire(&mut f, 9, MessagePlace::START, 100);
    assert_eq!((swept.messages, swept.attempts, swept.kept), (1, 4, 1));
    assert_eq!(left(&f, 1).await, [5]);
}

pub(super) async fn a_message_with_very_many_attempts_goes_slice_by_slice(mut f: Fixture) {
    f.append(message(1, 1), &[]);
    let made = |number| outcome(success(attempt(1, 1, number, number, 1)), Transition::Delivered);
    let batch: Vec<Write> = (1..=250).map(made).collect();
    f.commit(batch);
    let mut slices = 0;
    loop {
        // Time that is up at once, so that each slice does the least it can.
        let slice = crate::store::write::Slice { time: std::time::Duration::ZERO, ..slice(9) };
        let write = Write::ExpireMessages { before: msg(2), beyond: MessagePlace::START, slice };
        slices += 1;
        if swept(f.write(write)).is_done {
            break;
        }
        assert_eq!(left(&f, 1).await, [1], "it goes after all its attempts");
    }
    assert_eq!(slices, 3);
    assert_eq!((left(&f, 1).await, attempts(&f, 1, 1).await.len()), (vec![], 0));
}

pub(super) async fn a_payload_goes_when_it_is_due_and_the_rest_of_the_message_stays(mut f: Fixture) {
    let large = Message { payload: Bytes::from(vec![b'x'; 100_000]), ..message(1, 1) };
    f.write(append_until(large.clone(), at(60)));
    f.write(append_until(message(2, 2), at(61)));
    f.append(message(1, 3), &[]);
    let answered = success(attempt(1, 1, 9, 101, 1));
    let silent = Attempt { response: Bytes::new(), ..attempt(1, 1, 8, 102, 1) };
    for made in [&answered, &silent] {
        f.write(outcome(made.clone(), Transition::Delivered));
    }
    let due = |f: &mut Fixture, seconds| {
        swept(f.write(Write::ExpirePayloads { now: at(seconds), slice: slice(9) }))
    };
    assert_eq!(due(&mut f, 59), Swept { is_done: true, ..Swept::default() });
    assert_eq!(due(&mut f, 60), Swept { messages: 1, attempts: 1, is_done: true, ..Swept::default() });
    assert_eq!(due(&mut f, 60), Swept { is_done: true, ..Swept::default() });
    let emptied = Message { payload: Bytes::new(), ..large };
    assert_eq!(f.store.message_get(app(1), msg(1)).await.unwrap(), Some(emptied));
    assert_eq!(f.store.message_get(app(2), msg(2)).await.unwrap(), Some(message(2, 2)));
    let emptied = Attempt { response: Bytes::from_static(EXPUNGED), ..answered };
    assert_eq!(attempts(&f, 1, 1).await, [emptied, silent]);
    // What goes with its message is not looked for any more.
    assert_eq!(expire(&mut f, 3, MessagePlace::START, 9).messages, 2);
    assert_eq!(due(&mut f, 99), Swept { is_done: true, ..Swept::default() });
}

pub(super) async fn a_payload_that_is_still_to_be_sent_waits(mut f: Fixture) {
    let append = Append {
        message: Arc::new(message(1, 1)),
        endpoints: vec![ep(9)],
        key: None,
        payload_expires_at: Some(at(60)),
        broadcast: None,
        routed_by: None,
    };
    f.write(Write::Append(append));
    let due = |f: &mut Fixture, seconds| {
        swept(f.write(Write::ExpirePayloads { now: at(seconds), slice: slice(9) }))
    };
    assert_eq!(due(&mut f, 60), Swept { kept: 1, is_done: true, ..Swept::default() });
    assert_eq!(f.store.message_get(app(1), msg(1)).await.unwrap(), Some(message(1, 1)));
    f.write(outcome(success(attempt(1, 1, 9, 101, 1)), Transition::Delivered));
    assert_eq!(due(&mut f, 3_600).messages, 1, "after a while");
    assert!(f.store.message_get(app(1), msg(1)).await.unwrap().unwrap().payload.is_empty());
}

pub(super) async fn tasks_that_are_over_go_and_running_ones_stay(mut f: Fixture) {
    f.configured(1, &[9]);
    let over =
        |number, seconds| Task { status: TaskStatus::Finished, updated_at: at(seconds), ..task(1, number) };
    for stored in [over(1, 10), task(1, 2), over(3, 99), over(4, 10), over(5, 10)] {
        f.write(Write::TaskBegin(Box::new(stored)));
    }
    let mut expire = |rows| {
        let below = TaskId::from_bytes(id(5));
        match f.write(Write::ExpireTasks { below, before: at(60), slice: slice(rows) }) {
            Written::Removed(removed) => removed,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!([expire(1), expire(1), expire(1)], [1, 1, 0]);
    let list = f.store.task_list(DEFAULT_ORGANISATION, Default::default(), all()).await.unwrap();
    let left: Vec<TaskId> = list.items.iter().map(|task| task.id).collect();
    assert_eq!(left, [2, 3, 5].map(|number| TaskId::from_bytes(id(number))));
}
