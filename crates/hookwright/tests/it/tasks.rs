//! Background tasks: what each kind sends, once, also when it is interrupted; and how it ends.

use std::time::Duration;

use hookwright::domain::attempt::{AttemptStatus, Trigger};
use hookwright::domain::endpoint::{DisabledReason, Endpoint};
use hookwright::domain::event_type::EventTypeSettings;
use hookwright::domain::ids::MessageId;
use hookwright::domain::selection::{Selection, Standing};
use hookwright::domain::task::{Task, TaskFailure, TaskKind, TaskStatus};
use hookwright::domain::time::Timestamp;
use hookwright::hooks::EndpointRef;
use hookwright::{DeliveryStatus, Error, NewMessage};
use hookwright_testkit::{Receiver, Reply, eventually};

use crate::rig::{Rig, event_type, new_message, to_url};

const LONG_AGO: Timestamp = Timestamp::from_micros(0);

async fn begin(rig: &Rig, endpoint: &Endpoint, kind: TaskKind, selection: Selection) -> Task {
    let endpoint = rig.reread(endpoint).await;
    rig.hooks.task_begin(rig.hooks.default_organisation(), &endpoint, kind, selection).await.unwrap()
}

/// Waits until a task is over, and returns it as it is then.
async fn wait_over(rig: &Rig, task: &Task) -> Task {
    eventually("the end of a task", async || {
        let task = rig.hooks.task_get(rig.hooks.default_organisation(), task.id).await.unwrap();
        if task.status == TaskStatus::Running { Err(task) } else { Ok(task) }
    })
    .await
}

/// Begins a task, waits until it is finished, and returns how many messages it sent.
async fn sent(rig: &Rig, endpoint: &Endpoint, kind: TaskKind, selection: Selection) -> u64 {
    let over = wait_over(rig, &begin(rig, endpoint, kind, selection).await).await;
    assert_eq!(over.status, TaskStatus::Finished);
    over.sent
}

async fn disable(rig: &Rig, endpoint: &Endpoint, disabled: Option<DisabledReason>) {
    rig.update(endpoint, |edit| edit.disabled = disabled).await;
}

#[tokio::test]
async fn recover_sends_what_failed_and_nothing_else() {
    let rig = Rig::start_with(|config| config.retry.schedule.clear()).await;
    let receiver = Receiver::start().await;
    receiver.script([Reply::ok(), Reply::status(500), Reply::status(404), Reply::ok()]);
    let endpoint = rig.endpoint(receiver.url("/")).await;
    let mut messages = Vec::new();
    for _ in 0..3 {
        let message = rig.send("{}").await;
        rig.wait_ended(message.id).await;
        messages.push(message);
    }
    assert_eq!(sent(&rig, &endpoint, TaskKind::Recover, Selection::since(LONG_AGO)).await, 2);
    for (message, count) in messages.iter().zip([1, 2, 2]) {
        let attempts = rig.wait_attempts(message.id, count).await;
        assert_eq!(attempts.len(), count);
        assert_eq!(attempts[count - 1].status, AttemptStatus::Success);
        let trigger = if count == 1 { Trigger::Scheduled } else { Trigger::Manual };
        assert_eq!(attempts[count - 1].trigger, trigger);
        rig.wait_ended(message.id).await;
    }
    assert_eq!(sent(&rig, &endpoint, TaskKind::Recover, Selection::since(LONG_AGO)).await, 0);
    assert_eq!(receiver.count(), 5);
    rig.end().await;
}

#[tokio::test]
async fn what_was_meant_for_a_disabled_endpoint_is_recovered_once_it_is_enabled() {
    let (rig, receiver) = (Rig::start_manual(|_| ()).await, Receiver::start().await);
    receiver.script([Reply::status(500), Reply::ok()]);
    let before = rig.send("{}").await;
    rig.hooks.clock().advance(Duration::from_secs(1));
    let endpoint = rig.endpoint(receiver.url("/")).await;
    let waits = rig.send("{}").await;
    rig.wait_retry(waits.id).await;
    disable(&rig, &endpoint, Some(DisabledReason::ByRequest)).await;
    rig.wait_ended(waits.id).await;
    let missed = rig.send("{}").await;
    let organisation = rig.hooks.default_organisation();
    let disabled = rig.reread(&endpoint).await;
    let selection = Selection::since(LONG_AGO);
    let refused = rig.hooks.task_begin(organisation, &disabled, TaskKind::Recover, selection.clone()).await;
    assert!(matches!(refused, Err(Error::EndpointDisabled)), "{refused:?}");
    disable(&rig, &endpoint, None).await;
    assert_eq!(sent(&rig, &endpoint, TaskKind::Recover, selection).await, 2);
    for message in [&waits, &missed] {
        let last = rig.wait_ended(message.id).await.pop().unwrap();
        assert_eq!(last.status, AttemptStatus::Success);
    }
    assert_eq!(rig.attempts(before.id).await, [], "the endpoint was not there yet");
    rig.end().await;
}

#[tokio::test]
async fn an_endpoint_made_later_gets_what_it_wants_of_what_came_before() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let organisation = rig.hooks.default_organisation();
    for name in ["book.added", "book.lent"] {
        let settings = EventTypeSettings::default();
        rig.hooks.event_type_create(organisation, event_type(name), settings).await.unwrap();
    }
    let wanted = rig.send("{}").await;
    let other = NewMessage { event_type: event_type("book.lent"), ..new_message("{}") };
    let other = rig.send_message(other).await;
    let mut new = to_url(receiver.url("/"));
    new.settings.event_types = vec![event_type("book.added").into()];
    let endpoint = rig.hooks.endpoint_create(rig.application, new).await.unwrap();
    assert_eq!(sent(&rig, &endpoint, TaskKind::Recover, Selection::since(LONG_AGO)).await, 0);
    assert_eq!(sent(&rig, &endpoint, TaskKind::ReplayMissing, Selection::since(LONG_AGO)).await, 1);
    assert_eq!(rig.wait_ended(wanted.id).await.len(), 1);
    assert_eq!(rig.attempts(other.id).await, []);
    assert_eq!(sent(&rig, &endpoint, TaskKind::ReplayMissing, Selection::since(LONG_AGO)).await, 0);
    rig.end().await;
}

#[tokio::test]
async fn bulk_replay_sends_again_what_was_taken_within_its_range() {
    let rig = Rig::start_manual(|config| config.retry.schedule.clear()).await;
    let receiver = Receiver::start().await;
    receiver.script([Reply::ok(), Reply::status(500), Reply::ok()]);
    let endpoint = rig.endpoint(receiver.url("/")).await;
    let mut messages = Vec::new();
    for _ in 0..3 {
        let message = rig.send("{}").await;
        rig.wait_ended(message.id).await;
        messages.push(message);
        rig.hooks.clock().advance(Duration::from_secs(1));
    }
    let range = |first: usize, last: usize| Selection {
        until: Some(messages[last].created_at),
        ..Selection::since(messages[first].created_at)
    };
    let taken = Selection { standing: Some(Standing::Taken), ..range(0, 1) };
    assert_eq!(sent(&rig, &endpoint, TaskKind::BulkReplay, taken).await, 1);
    rig.wait_attempts(messages[0].id, 2).await;
    assert_eq!(sent(&rig, &endpoint, TaskKind::BulkReplay, range(1, 2)).await, 2);
    for message in &messages {
        assert_eq!(rig.wait_attempts(message.id, 2).await.len(), 2);
    }
    assert_eq!(receiver.count(), 6);
    rig.end().await;
}

#[tokio::test]
async fn a_task_that_is_interrupted_goes_on_at_the_next_start_and_sends_each_once() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let mut messages: Vec<MessageId> = Vec::new();
    for _ in 0..700 {
        messages.push(rig.send("{}").await.id);
    }
    let endpoint = rig.endpoint(receiver.url("/")).await;
    let task = begin(&rig, &endpoint, TaskKind::ReplayMissing, Selection::since(LONG_AGO)).await;
    let rig = rig.restart_with(|_| ()).await;
    let over = wait_over(&rig, &task).await;
    assert_eq!((over.status, over.sent), (TaskStatus::Finished, 700));
    for message in messages {
        let attempts = rig.wait_ended(message).await;
        assert_eq!((attempts.len(), attempts[0].status), (1, AttemptStatus::Success));
    }
    rig.end().await;
}

#[tokio::test]
async fn a_task_ends_when_its_endpoint_is_disabled_or_deleted() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let message = rig.send("{}").await;
    let mut endpoint = rig.endpoint(receiver.url("/")).await;
    disable(&rig, &endpoint, Some(DisabledReason::ByRequest)).await;
    // As it was when somebody read it, a moment before it was disabled.
    endpoint.disabled = None;
    let organisation = rig.hooks.default_organisation();
    let selection = Selection::since(LONG_AGO);
    let kind = TaskKind::ReplayMissing;
    let task = rig.hooks.task_begin(organisation, &endpoint, kind, selection.clone()).await.unwrap();
    let over = wait_over(&rig, &task).await;
    assert_eq!((over.status, over.sent), (TaskStatus::Failed(TaskFailure::EndpointDisabled), 0));
    let named = EndpointRef::Id(endpoint.id);
    rig.hooks.endpoint_delete(rig.application, &named).await.unwrap();
    let task = rig.hooks.task_begin(organisation, &endpoint, kind, selection).await.unwrap();
    assert_eq!(wait_over(&rig, &task).await.status, TaskStatus::Failed(TaskFailure::EndpointDeleted));
    assert_eq!(rig.statuses(message.id).await, Vec::<DeliveryStatus>::new());
    rig.end().await;
}
