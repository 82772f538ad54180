//! Handlers: called until they are done, and what they never take.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookwright::{Error, Hooks, Inbox, Raw};
use hookwright_testkit::eventually;
use serde_json::{Value, json};

use super::{Handled, PAID, dead, in_memory, send, stripe};

#[tokio::test]
async fn a_handler_that_fails_is_called_again_on_the_schedule() {
    let paid = Handled::default();
    let inbox = in_memory().source("payments", stripe()).on("*", paid.handler()).start().await.unwrap();
    paid.fails_with(&["the bank is closed", "still"]);
    assert_eq!(send(&inbox, stripe(), PAID).await.status(), 200, "its provider is not told");
    assert_eq!(paid.count(), 1);
    inbox.hooks().advance(Duration::from_secs(4)).await;
    assert_eq!(paid.count(), 1);
    inbox.hooks().advance(Duration::from_secs(1)).await;
    assert_eq!(paid.count(), 2);
    inbox.hooks().advance(Duration::from_secs(300)).await;
    let events = paid.events();
    assert_eq!(events.iter().map(|event| event.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(events.iter().all(|event| event.id == events[0].id));
    inbox.hooks().advance(Duration::from_secs(48 * 3600)).await;
    assert_eq!(paid.count(), 3, "it was done");
    assert!(dead(&inbox, "*").await.is_empty());
}

#[tokio::test]
async fn what_no_attempt_took_is_a_dead_letter_that_can_be_run_again() {
    let (paid, other) = (Handled::default(), Handled::default());
    let inbox = in_memory()
        .source("payments", stripe())
        .on("charge.succeeded", paid.handler())
        .on_as("mail", "charge.succeeded", other.handler())
        .start()
        .await
        .unwrap();
    paid.fails_with(&["no"; 8]);
    send(&inbox, stripe(), PAID).await;
    inbox.hooks().advance(Duration::from_secs(48 * 3600)).await;
    assert_eq!((paid.count(), other.count()), (8, 1), "the failure of one is none of the other's business");
    let letters = dead(&inbox, "charge.succeeded").await;
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!(letter.reason, "the handler did not take it: no");
    assert_eq!((letter.event.body.as_ref(), letter.event.attempt), (PAID.as_bytes(), 8));
    assert!(dead(&inbox, "mail").await.is_empty());

    paid.fails_with(&["not yet"]);
    inbox.run_again("payments", "charge.succeeded", letter.event.id).await.unwrap();
    assert_eq!(paid.count(), 9);
    assert!(dead(&inbox, "charge.succeeded").await.is_empty(), "it is on its way again");
    inbox.hooks().advance(Duration::from_secs(5)).await;
    assert_eq!((paid.count(), paid.events()[9].id), (10, letter.event.id));
    assert!(dead(&inbox, "charge.succeeded").await.is_empty());
    let unknown = inbox.run_again("payments", "nobody", letter.event.id).await.unwrap_err();
    assert!(matches!(unknown, Error::NotFound(_)), "{unknown}");
}

#[tokio::test]
async fn all_dead_letters_can_be_run_again_at_once() {
    let paid = Handled::default();
    let inbox = in_memory().source("payments", stripe()).on("*", paid.handler()).start().await.unwrap();
    let before = inbox.hooks().clock().now();
    paid.fails_with(&["no"; 16]);
    send(&inbox, stripe(), PAID).await;
    send(&inbox, stripe(), r#"{"id": "evt_2", "type": "charge.failed"}"#).await;
    inbox.hooks().advance(Duration::from_secs(48 * 3600)).await;
    assert_eq!((paid.count(), dead(&inbox, "*").await.len()), (16, 2));
    inbox.run_failed_again("payments", "*", before).await.unwrap();
    eventually("the dead letters are handled", async || match paid.count() {
        18 => Ok(()),
        count => Err(count),
    })
    .await;
}

#[tokio::test]
async fn panics_and_slowness_fail_an_attempt_and_nothing_else() {
    let calls = Arc::new(Mutex::new(0));
    let noted = Arc::clone(&calls);
    let inbox = in_memory()
        .source("payments", stripe())
        .handler_timeout(Duration::from_millis(20))
        .on("charge.failed", move |_| {
            *noted.lock().unwrap() += 1;
            std::future::pending::<Result<(), String>>()
        })
        .on("charge.succeeded", |event| async move {
            if event.attempt < 8 { Err("not yet") } else { panic!("not at all") }
        })
        .start()
        .await
        .unwrap();
    send(&inbox, stripe(), PAID).await;
    send(&inbox, stripe(), r#"{"id": "evt_2", "type": "charge.failed"}"#).await;
    inbox.hooks().advance(Duration::from_secs(48 * 3600)).await;
    let reasons = async |handler| {
        let letters = dead(&inbox, handler).await;
        letters.into_iter().map(|letter| letter.reason).collect::<Vec<_>>()
    };
    assert_eq!(reasons("charge.succeeded").await, ["the handler did not take it: it panicked"]);
    assert_eq!(reasons("charge.failed").await, ["the handler did not take it: it took longer than 0.02 s"]);
    assert_eq!(*calls.lock().unwrap(), 8);
}

#[tokio::test]
async fn an_engine_that_also_sends_may_have_an_inbox() {
    let place: Arc<Mutex<Option<Hooks>>> = Arc::default();
    let sender = Arc::clone(&place);
    let inbox = Inbox::within(Hooks::test().event("order.paid", Raw))
        .source("payments", stripe())
        .on("*", move |event| {
            let hooks = sender.lock().unwrap().clone().unwrap();
            async move {
                let charge = json!({"charge": event.json::<Value>()?["id"]});
                hooks.owner(42).send("order.paid", &charge).await?;
                Ok::<(), hookwright::BoxError>(())
            }
        })
        .start()
        .await
        .unwrap();
    let hooks = inbox.hooks();
    *place.lock().unwrap() = Some(hooks.clone());
    hooks.owner(42).subscribe("order.paid", "https://example.com/hook").await.unwrap();
    send(&inbox, stripe(), PAID).await;
    hooks.assert_sent("order.paid", json!({"charge": "evt_1"}));
    place.lock().unwrap().take();
}
