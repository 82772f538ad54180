//! What a product is told: by its callback, and by operational webhooks.

use std::sync::mpsc::{Receiver as Heard, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookwright::domain::delivery::GiveUpReason;
use hookwright::domain::endpoint::DisabledReason;
use hookwright::domain::event::{AttemptEvent, Disabling};
use hookwright::domain::page::{Order, PageRequest};
use hookwright::domain::selection::Selection;
use hookwright::domain::task::{TaskKind, TaskStatus};
use hookwright::hooks::{ApplicationRef, EndpointRef};
use hookwright::{Error, HookEvent, Hooks, NewMessage};
use hookwright_signature::Verifier;
use hookwright_testkit::{Receiver, Reply, eventually};
use serde_json::{Value, json};

use crate::rig::{Rig, START, event_type, new_message, start, to_url};

const DEADLINE: Duration = Duration::from_secs(30);

/// A callback that keeps what it hears, and where it is heard.
fn listener() -> (impl Fn(&HookEvent) + Send + Sync + 'static, Heard<HookEvent>) {
    let (heard, events) = channel();
    let heard = Mutex::new(heard);
    let callback = move |event: &HookEvent| {
        let _ = heard.lock().unwrap().send(event.clone());
    };
    (callback, events)
}

/// The next events, in short.
async fn heard(events: Heard<HookEvent>, count: usize) -> (Vec<String>, Heard<HookEvent>) {
    tokio::task::spawn_blocking(move || {
        let next = (0..count).map(|_| short(&events.recv_timeout(DEADLINE).expect("an event"))).collect();
        (next, events)
    })
    .await
    .unwrap()
}

fn short(event: &HookEvent) -> String {
    let attempt = |attempt: &AttemptEvent| format!("{} {}", attempt.number, attempt.response_code);
    match event {
        HookEvent::AttemptSucceeded(it) => format!("succeeded {}", attempt(it)),
        HookEvent::AttemptFailed(it) => format!("failed {}", attempt(it)),
        HookEvent::GivenUp(it, reason) => format!("given up {} {reason:?}", attempt(it)),
        HookEvent::MessageFailing(it) => format!("failing {}", attempt(it)),
        HookEvent::MessageExhausted(it) => format!("exhausted {}", attempt(it)),
        HookEvent::MessageRecovered(it) => format!("recovered {}", attempt(it)),
        HookEvent::EndpointDisabled(_, Disabling { reason, last_response_code, .. }) => {
            format!("disabled {reason:?} {last_response_code:?}")
        }
        HookEvent::TaskFinished(task) => format!("task {:?} {}", task.status, task.sent),
        other => other.operational_type().unwrap_or("?").to_owned(),
    }
}

#[tokio::test]
async fn a_callback_hears_of_every_attempt_and_of_what_follows_from_it() {
    let (callback, events) = listener();
    let rig = Rig::start_told(|_| (), callback).await;
    let receiver = Receiver::start().await;
    receiver.script([Reply::ok(), Reply::status(500)]);
    let endpoint = rig.endpoint(receiver.url("/")).await;
    let first = rig.send("{}").await;
    let (next, events) = heard(events, 2).await;
    assert_eq!(next, ["endpoint.created", "succeeded 1 200"]);
    rig.wait_ended(first.id).await;
    let second = rig.send("{}").await;
    let (next, events) = heard(events, 6).await;
    assert_eq!(
        next,
        [
            "failed 1 500",
            "failed 2 500",
            "failed 3 500",
            "failed 4 500",
            "given up 4 500 Exhausted",
            "exhausted 4 500"
        ]
    );
    rig.wait_ended(second.id).await;
    receiver.script([Reply::ok()]);
    let message = rig.hooks.message_get(rig.application, second.id).await.unwrap();
    rig.hooks.resend(message, &endpoint).await.unwrap();
    let (next, _) = heard(events, 2).await;
    assert_eq!(next, ["succeeded 1 200", "recovered 1 200"], "a resend of what was exhausted");
    rig.end().await;
}

#[tokio::test]
async fn an_event_says_whose_what_and_where() {
    let (callback, events) = listener();
    let rig = Rig::start_told(|_| (), callback).await;
    let receiver = Receiver::start().await;
    receiver.script([Reply::status(410)]);
    let mut new = to_url(receiver.url("/hook"));
    new.settings.metadata = [("plan".to_owned(), "pro".to_owned())].into();
    let endpoint = rig.hooks.endpoint_create(rig.application, new).await.unwrap();
    let message = rig.send("{}").await;
    let all = tokio::task::spawn_blocking(move || {
        (0..4).map(|_| events.recv_timeout(DEADLINE).unwrap()).collect::<Vec<_>>()
    });
    let all = all.await.unwrap();
    let HookEvent::AttemptFailed(attempt) = &all[1] else { panic!("{all:?}") };
    assert_eq!((attempt.message, attempt.response_code), (message.id, 410));
    assert_eq!(attempt.event_type, event_type("book.added"));
    assert_eq!(attempt.endpoint.endpoint, endpoint.id);
    assert_eq!(attempt.endpoint.url, receiver.url("/hook"));
    assert_eq!(attempt.endpoint.metadata["plan"], "pro");
    assert_eq!(attempt.endpoint.origin.owner.as_ref().unwrap().as_str(), "ann");
    assert_eq!(attempt.endpoint.origin.application, rig.application);
    assert!(matches!(&all[2], HookEvent::GivenUp(_, GiveUpReason::Disabled(DisabledReason::Gone))));
    let HookEvent::EndpointDisabled(told, disabling) = &all[3] else { panic!("{all:?}") };
    assert_eq!((told.endpoint, disabling.reason), (endpoint.id, DisabledReason::Gone));
    assert_eq!(disabling.last_response_code, Some(410));
    assert!(disabling.failing_since.is_some());
    rig.end().await;
}

#[tokio::test]
async fn changes_of_endpoints_and_the_end_of_a_task_are_told() {
    let (callback, events) = listener();
    let rig = Rig::start_told(|_| (), callback).await;
    let receiver = Receiver::start().await;
    let endpoint = rig.endpoint(receiver.url("/")).await;
    let message = rig.send("{}").await;
    rig.wait_ended(message.id).await;
    let organisation = rig.hooks.default_organisation();
    let selection = Selection::since(START);
    let begin = rig.hooks.task_begin(organisation, &endpoint, TaskKind::BulkReplay, selection);
    let task = begin.await.unwrap();
    let (mut next, events) = heard(events, 4).await;
    // The message may arrive before its task is over.
    next[2..].sort();
    assert_eq!(next, ["endpoint.created", "succeeded 1 200", "succeeded 1 200", "task Finished 1"]);
    assert_eq!(rig.hooks.task_get(organisation, task.id).await.unwrap().status, TaskStatus::Finished);
    rig.update(&endpoint, |edit| edit.disabled = Some(DisabledReason::ByRequest)).await;
    rig.update(&endpoint, |edit| edit.settings.description = "new".to_owned()).await;
    rig.update(&endpoint, |edit| edit.disabled = None).await;
    let name = EndpointRef::Id(endpoint.id);
    rig.hooks.endpoint_rotate_secret(rig.application, &name, None, Duration::ZERO).await.unwrap();
    rig.hooks.endpoint_delete(rig.application, &name).await.unwrap();
    let (next, _) = heard(events, 7).await;
    assert_eq!(
        next,
        [
            "endpoint.updated",
            "disabled ByRequest None",
            "endpoint.updated",
            "endpoint.updated",
            "endpoint.enabled",
            "endpoint.updated",
            "endpoint.deleted"
        ]
    );
    rig.end().await;
}

#[tokio::test]
async fn a_callback_that_panics_or_blocks_holds_up_no_delivery() {
    let (waits, goes_on) = channel::<()>();
    let goes_on = Mutex::new(goes_on);
    let told = Arc::new(Mutex::new(Vec::new()));
    let rig = Rig::start_told(|_| (), {
        let told = Arc::clone(&told);
        move |event| {
            told.lock().unwrap().push(short(event));
            if let HookEvent::EndpointCreated(_) = event {
                let _ = goes_on.lock().unwrap().recv();
                panic!("a fault of the product");
            }
        }
    })
    .await;
    let receiver = Receiver::start().await;
    rig.endpoint(receiver.url("/")).await;
    for _ in 0..50 {
        rig.send("{}").await;
    }
    receiver.wait_for(50).await;
    assert_eq!(*told.lock().unwrap(), ["endpoint.created"]);
    drop(waits);
    // Whatever happened until the shutdown is told before it ends.
    rig.end().await;
    assert_eq!(told.lock().unwrap().len(), 51);
}

#[tokio::test]
async fn a_callback_that_never_returns_does_not_hold_up_the_shutdown() {
    let (_never, returns) = channel::<()>();
    let returns = Mutex::new(returns);
    let rig = Rig::start_told(
        |_| (),
        move |_| {
            let _ = returns.lock().unwrap().recv();
        },
    )
    .await;
    rig.endpoint("http://127.0.0.1:9/".to_owned()).await;
    tokio::time::timeout(DEADLINE, rig.hooks.shutdown(Duration::ZERO)).await.expect("a shutdown").unwrap();
}

/// Makes an endpoint for operational webhooks of the default organisation.
async fn operational(hooks: &Hooks, url: String, names: &[&str]) -> hookwright::domain::endpoint::Endpoint {
    let mut new = to_url(url);
    new.settings.event_types = names.iter().map(|name| event_type(name).into()).collect();
    hooks.operational_endpoint_create(hooks.default_organisation(), new).await.unwrap()
}

fn types(receiver: &Receiver) -> Vec<String> {
    let received = receiver.received();
    received.iter().map(|it| it.json()["type"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn failing_exhausted_and_recovered_are_sent_once_each_and_signed() {
    let rig = Rig::start_manual(|config| config.retry.schedule = vec![Duration::from_secs(60); 5]).await;
    let (receiver, own) = (Receiver::start().await, Receiver::start().await);
    let told = operational(&rig.hooks, own.url("/ops"), &[]).await;
    receiver.script([Reply::status(503)]);
    rig.endpoint(receiver.url("/")).await;
    let lost = rig.send("{}").await;
    for number in 1..=6 {
        rig.wait_attempts(lost.id, number).await;
        if number < 6 {
            rig.advance_to_retry(lost.id).await;
        }
    }
    own.wait_for(3).await;
    assert_eq!(types(&own), ["endpoint.created", "message.attempt.failing", "message.attempt.exhausted"]);
    let saved = rig.send("{}").await;
    for number in 1..=4 {
        rig.wait_attempts(saved.id, number).await;
        if number == 4 {
            receiver.script([Reply::ok()]);
        }
        rig.advance_to_retry(saved.id).await;
    }
    let attempts = rig.wait_ended(saved.id).await;
    let received = own.wait_for(5).await;
    assert_eq!(types(&own)[3..], ["message.attempt.failing", "message.attempt.recovered"]);
    let last = attempts.last().unwrap();
    assert_eq!(
        received[4].json()["data"],
        json!({
            "appId": rig.application.to_string(), "appUid": null, "msgId": saved.id.to_string(),
            "msgEventId": null, "endpointId": last.endpoint.to_string(),
            "lastAttempt": {"id": last.id.to_string(), "responseStatusCode": 200,
                            "timestamp": last.started_at.to_string()},
        })
    );
    for webhook in &received {
        let now = rig.hooks.clock().now().as_seconds().unsigned_abs();
        let verifier = Verifier::new(&told.secret).with_tolerance(Duration::from_secs(3_600));
        verifier.verify_at(|name| webhook.header(name), &webhook.body, now).unwrap();
    }
    rig.end().await;
}

#[tokio::test]
async fn what_is_told_is_on_disk_with_what_it_tells_of() {
    let rig = Rig::start().await;
    let (receiver, own) = (Receiver::start().await, Receiver::start().await);
    let gate = own.gate();
    operational(&rig.hooks, own.url("/"), &["endpoint.disabled"]).await;
    receiver.script([Reply::status(410)]);
    let endpoint = rig.endpoint(receiver.url("/")).await;
    rig.send("{}").await;
    gate.wait_entered(1).await;
    assert_eq!(rig.reread(&endpoint).await.disabled, Some(DisabledReason::Gone));
    // The engine ends before the webhook was taken; the next one sends it.
    let rig = rig.restart_with(|_| ()).await;
    gate.release();
    let received = own.wait_for(2).await;
    assert_eq!(received[0].id(), received[1].id());
    let payload = received[1].json();
    assert_eq!(
        (&payload["type"], &payload["data"]["lastStatus"]),
        (&json!("endpoint.disabled"), &json!(410))
    );
    rig.end().await;
}

#[tokio::test]
async fn endpoints_for_operational_webhooks_are_not_told_of_by_themselves() {
    let (callback, events) = listener();
    let rig = Rig::start_told(|_| (), callback).await;
    let (first, second) = (Receiver::start().await, Receiver::start().await);
    second.script([Reply::status(410)]);
    operational(&rig.hooks, first.url("/"), &[]).await;
    let gone = operational(&rig.hooks, second.url("/"), &[]).await;
    let customer = rig.endpoint("http://127.0.0.1:9/".to_owned()).await;
    let organisation = rig.hooks.default_organisation();
    eventually("a disabled endpoint", async || {
        let name = EndpointRef::Id(gone.id);
        let read = rig.hooks.operational_endpoint_get(organisation, &name).await.unwrap();
        read.disabled.ok_or("enabled")
    })
    .await;
    let (next, events) = heard(events, 2).await;
    assert_eq!(next, ["endpoint.created", "disabled Gone Some(410)"]);
    rig.update(&customer, |edit| edit.settings.description = "new".to_owned()).await;
    let (next, _) = heard(events, 1).await;
    assert_eq!(next, ["endpoint.updated"]);
    first.wait_for(2).await;
    assert_eq!(types(&first), ["endpoint.created", "endpoint.updated"]);
    rig.end().await;
}

#[tokio::test]
async fn the_application_of_operational_webhooks_is_reached_by_nobody() {
    let rig = Rig::start().await;
    let own = Receiver::start().await;
    let hidden = operational(&rig.hooks, own.url("/"), &[]).await.application;
    let organisation = rig.hooks.default_organisation();
    let page = PageRequest::first(250, Order::Ascending);
    let listed = rig.hooks.application_list(organisation, page).await.unwrap();
    assert_eq!(listed.items.iter().map(|it| it.id).collect::<Vec<_>>(), [rig.application]);
    let name = ApplicationRef::Id(hidden);
    assert!(matches!(rig.hooks.application_get(organisation, &name).await, Err(Error::NotFound(_))));
    assert!(matches!(rig.hooks.application_delete(organisation, &name).await, Err(Error::NotFound(_))));
    let sent = rig.hooks.send(organisation, &name, new_message("{}"), None).await;
    assert!(matches!(sent, Err(Error::NotFound(_))), "{sent:?}");
    let made = rig.hooks.endpoint_create(hidden, to_url(own.url("/"))).await;
    assert!(matches!(made, Err(Error::NotFound(_))), "{made:?}");
    rig.end().await;
}

#[tokio::test]
async fn an_event_for_all_customers_is_not_for_operational_endpoints() {
    let rig = Rig::start().await;
    let (customer, own) = (Receiver::start().await, Receiver::start().await);
    operational(&rig.hooks, own.url("/"), &[]).await;
    rig.endpoint(customer.url("/")).await;
    let message = NewMessage { event_type: event_type("endpoint.created"), ..new_message("{}") };
    rig.hooks.broadcast(rig.hooks.default_organisation(), message).await.unwrap();
    customer.wait_for(1).await;
    rig.hooks.broadcasts_settled().await;
    let name = EndpointRef::Id(rig.endpoint("http://127.0.0.1:9/".to_owned()).await.id);
    rig.hooks.endpoint_delete(rig.application, &name).await.unwrap();
    let received = own.wait_for(3).await;
    assert!(
        received.iter().all(|it| it.json()["data"]["appId"] == rig.application.to_string()),
        "{received:?}"
    );
    rig.end().await;
}

#[tokio::test]
async fn an_unknown_operational_event_type_is_named_with_those_there_are() {
    let rig = Rig::start().await;
    let mut new = to_url("http://127.0.0.1:9/".to_owned());
    new.settings.event_types = vec![event_type("endpoint.burned").into()];
    let made = rig.hooks.operational_endpoint_create(rig.hooks.default_organisation(), new).await;
    let refused = made.unwrap_err().to_string();
    assert!(
        refused.starts_with("there is no operational event type endpoint.burned; there are"),
        "{refused}"
    );
    assert!(refused.contains("message.attempt.exhausted"), "{refused}");
    rig.end().await;
}

#[tokio::test]
async fn where_nobody_wants_it_nothing_is_stored() {
    let rig = Rig::start().await;
    let own = Receiver::start().await;
    operational(&rig.hooks, own.url("/"), &["endpoint.deleted"]).await;
    let endpoint = rig.endpoint("http://127.0.0.1:9/".to_owned()).await;
    rig.update(&endpoint, |edit| edit.settings.description = "new".to_owned()).await;
    rig.hooks.endpoint_delete(rig.application, &EndpointRef::Id(endpoint.id)).await.unwrap();
    let received = own.wait_for(1).await;
    assert_eq!(received[0].json()["type"], Value::from("endpoint.deleted"));
    let database = rig.hooks.config().database.clone();
    rig.hooks.shutdown(DEADLINE).await.unwrap();
    // What had been stored without being sent would be sent now.
    let mut again = crate::rig::config(&rig.directory);
    again.database = database;
    let hooks = start(again).await;
    assert_eq!(hooks.snapshot().on_disk, 0);
    assert_eq!(own.count(), 1);
    hooks.shutdown(DEADLINE).await.unwrap();
}
