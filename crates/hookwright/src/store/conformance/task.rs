//! Background tasks: kept as they were, taken a step further once, listed; and what they look at.

use crate::domain::delivery::{GiveUpReason, Transition};
use crate::domain::ids::{MessageId, TaskId};
use crate::domain::message::Message;
use crate::domain::names::{Channel, Tag};
use crate::domain::page::{From, Order, PageRequest};
use crate::domain::selection::{Reach, Selection, Standing};
use crate::domain::task::{Task, TaskFailure, TaskKind, TaskState, TaskStatus};
use crate::store::DEFAULT_ORGANISATION;
use crate::store::conformance::fixture::{
    Fixture, NOW, all, app, at, attempt, ep, event_type, id, key, message, msg, outcome, success,
};
use crate::store::read::TaskFilter;
use crate::store::write::{CatalogWrite, Changed, TaskStep, Write, Written};

/// The task number `number`, of an application's endpoint 9.
pub(super) fn task(application: u16, number: u16) -> Task {
    Task {
        id: TaskId::from_bytes(id(number)),
        organisation: DEFAULT_ORGANISATION,
        application: app(application),
        endpoint: ep(9),
        kind: TaskKind::Recover,
        selection: Selection::since(NOW),
        status: TaskStatus::Running,
        sent: 0,
        up_to: msg(50),
        cursor: msg(1),
        created_at: NOW,
        updated_at: NOW,
    }
}

fn begin(f: &mut Fixture, task: &Task) -> Changed {
    match f.write(Write::TaskBegin(Box::new(task.clone()))) {
        Written::Changed(changed) => changed,
        other => panic!("{other:?}"),
    }
}

fn step(before: &Task, messages: &[u16], cursor: u16, status: TaskStatus) -> Write {
    let messages = messages.iter().map(|number| msg(*number)).collect();
    Write::TaskStep(TaskStep { before: before.clone(), messages, cursor: msg(cursor), status, now: at(7) })
}

fn stepped(written: Written) -> Option<Vec<MessageId>> {
    match written {
        Written::Stepped(ready) => ready,
        other => panic!("{other:?}"),
    }
}

pub(super) async fn tasks_are_read_back_as_they_were(mut f: Fixture) {
    f.configured(1, &[9]);
    let odd = Task {
        kind: TaskKind::BulkReplay,
        selection: Selection {
            until: Some(at(60)),
            event_types: vec![event_type("book.added"), event_type("book.lent")],
            channel: Some(Channel::parse("red").unwrap()),
            tag: Some(Tag::parse("a/b").unwrap()),
            standing: Some(Standing::UnderWay),
            status_class: Some(0),
            ..Selection::since(at(5))
        },
        status: TaskStatus::Failed(TaskFailure::EndpointDeleted),
        sent: 70_000,
        ..task(1, 2)
    };
    let finished = Task { status: TaskStatus::Finished, kind: TaskKind::ReplayMissing, ..task(1, 3) };
    for stored in [task(1, 1), odd, finished] {
        assert_eq!(begin(&mut f, &stored), Changed::Yes);
        assert_eq!(f.store.task_get(DEFAULT_ORGANISATION, stored.id).await.unwrap(), Some(stored.clone()));
        let other = crate::domain::ids::OrganisationId::MAX;
        assert_eq!(f.store.task_get(other, stored.id).await.unwrap(), None);
    }
    assert_eq!(f.store.task_running(10).await.unwrap(), [task(1, 1)]);
    assert_eq!(begin(&mut f, &task(2, 4)), Changed::Missing, "there is no such application");
}

pub(super) async fn a_step_is_taken_once_and_whole(mut f: Fixture) {
    f.configured(1, &[9]);
    for number in 2..=5 {
        f.append(message(1, number), &[]);
    }
    f.write(Write::Resend(key(1, 9, 3)));
    let before = task(1, 1);
    begin(&mut f, &before);
    let first = || step(&before, &[2, 3, 4], 4, TaskStatus::Running);
    let ready = stepped(f.write(first()));
    assert_eq!(ready, Some(vec![msg(2), msg(4)]), "another had made 3 ready");
    assert_eq!(stepped(f.write(first())), None, "it was taken before");
    let after = Task { cursor: msg(4), sent: 2, updated_at: at(7), ..before };
    let stored = f.store.task_get(DEFAULT_ORGANISATION, after.id).await.unwrap();
    assert_eq!(stored, Some(after.clone()));
    assert_eq!(f.ready(1, 9).await, [(msg(2), 0), (msg(3), 0), (msg(4), 0)]);
    assert_eq!(stepped(f.write(step(&after, &[5], 5, TaskStatus::Finished))), Some(vec![msg(5)]));
    let over = Task { cursor: msg(5), sent: 3, status: TaskStatus::Finished, ..after };
    assert_eq!(f.store.task_get(DEFAULT_ORGANISATION, over.id).await.unwrap(), Some(over.clone()));
    assert_eq!(stepped(f.write(step(&over, &[2], 6, TaskStatus::Running))), None, "it is over");
    assert_eq!(f.store.task_running(10).await.unwrap(), []);
}

pub(super) async fn tasks_are_filtered_and_walked_forward_and_back(mut f: Fixture) {
    f.configured(1, &[9]);
    f.configured(2, &[9]);
    for stored in [
        Task { status: TaskStatus::Finished, ..task(1, 1) },
        Task { kind: TaskKind::BulkReplay, ..task(1, 2) },
        task(2, 3),
        Task { status: TaskStatus::Failed(TaskFailure::EndpointDisabled), ..task(2, 4) },
    ] {
        begin(&mut f, &stored);
    }
    let store = f.store.clone();
    let list = async |filter, page| {
        let page = store.task_list(DEFAULT_ORGANISATION, filter, page).await.unwrap();
        (page.items.iter().map(|task| task.id.as_bytes()[19]).collect::<Vec<_>>(), page.done)
    };
    let any = TaskFilter::default;
    assert_eq!(list(any(), all()).await.0, [1, 2, 3, 4]);
    assert_eq!(list(TaskFilter { application: Some(app(2)), ..any() }, all()).await.0, [3, 4]);
    assert_eq!(list(TaskFilter { kind: Some(TaskKind::BulkReplay), ..any() }, all()).await.0, [2]);
    for (state, expected) in
        [(TaskState::Running, vec![2, 3]), (TaskState::Finished, vec![1]), (TaskState::Failed, vec![4])]
    {
        assert_eq!(list(TaskFilter { state: Some(state), ..any() }, all()).await.0, expected);
    }
    let page = |from| PageRequest { limit: 3, order: Order::Descending, from };
    assert_eq!(list(any(), page(None)).await, (vec![4, 3, 2], false));
    let after = From::After(TaskId::from_bytes(id(2)));
    assert_eq!(list(any(), page(Some(after))).await, (vec![1], true));
    let before = From::Before(TaskId::from_bytes(id(1)));
    assert_eq!(list(any(), page(Some(before))).await, (vec![4, 3, 2], true));
    assert_eq!(f.store.task_running(1).await.unwrap()[0].id.as_bytes()[19], 2);
    f.change(CatalogWrite::ApplicationDelete(app(1), at(0)));
    assert_eq!(list(any(), all()).await.0, [3, 4], "tasks go with their application");
}

pub(super) async fn messages_are_read_with_how_far_they_have_come(mut f: Fixture) {
    f.configured(1, &[8, 9]);
    f.append(message(1, 1), &[]);
    for number in 2..=5 {
        f.append(message(1, number), &[9]);
    }
    f.write(outcome(attempt(1, 2, 9, 102, 1), Transition::GivenUp(GiveUpReason::Exhausted)));
    f.fail_until(attempt(1, 3, 9, 103, 1), at(61));
    f.fail_until(attempt(1, 4, 9, 104, 1), at(60));
    assert_eq!(f.claim(at(60), 10).len(), 1);
    f.write(outcome(success(attempt(1, 4, 9, 105, 2)), Transition::Delivered));
    f.append(Message { payload: bytes::Bytes::new(), ..message(1, 6) }, &[8]);
    f.append(message(2, 7), &[9]);
    let store = f.store.clone();
    let read =
        async |after, up_to, limit| store.message_reach(app(1), ep(9), after, up_to, limit).await.unwrap();
    let reach = |standing, response_code| Reach { standing, response_code, has_payload: true };
    let all = read(MessageId::MIN, MessageId::MAX, 10).await;
    let expected = [
        reach(Standing::Missing, None),
        reach(Standing::Failed, Some(500)),
        reach(Standing::Waiting, Some(500)),
        reach(Standing::Taken, Some(200)),
        reach(Standing::UnderWay, None),
        Reach { has_payload: false, ..reach(Standing::Missing, None) },
    ];
    assert_eq!(all.iter().map(|row| row.reach).collect::<Vec<_>>(), expected);
    assert_eq!(all[3].message, Message { payload: bytes::Bytes::new(), ..message(1, 4) });
    let ids = async |after, up_to, limit| {
        read(after, up_to, limit).await.iter().map(|row| row.message.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(msg(1), msg(5), 10).await, [msg(2), msg(3), msg(4), msg(5)]);
    assert_eq!(ids(msg(1), msg(5), 2).await, [msg(2), msg(3)]);
}
