//! Feature `testing`: what a product's tests see of the engine.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use hookwright::domain::endpoint::DisabledReason;
use hookwright::testing::Answer;
use hookwright::{Builder, Hooks, Raw};
use serde_json::json;

const HOOK: &str = "https://example.com/hook";

fn engine() -> Builder {
    Hooks::test().event("book.added", Raw).event("book.removed", Raw)
}

/// What a failing assertion says.
fn told(check: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(check)).expect_err("it fails");
    panic.downcast_ref::<String>().cloned().unwrap()
}

#[tokio::test]
async fn retries_are_made_when_time_passes_and_not_before() {
    let hooks = engine().start().await.unwrap();
    hooks.owner(42).subscribe("book.added", HOOK).await.unwrap();
    hooks.answer([Answer::from(500), Answer::Failure("the cable is cut".to_owned())]);
    hooks.owner(42).send("book.added", &1).await.unwrap();
    let count = || hooks.sent("book.added").len();
    assert_eq!(count(), 1);
    hooks.advance(Duration::from_millis(4_999)).await;
    assert_eq!(count(), 1, "the first retry comes after 5 s");
    hooks.advance(Duration::from_millis(1)).await;
    assert_eq!(count(), 2);
    hooks.advance(Duration::from_secs(299)).await;
    assert_eq!(count(), 2, "the second retry comes after 5 min");
    hooks.advance(Duration::from_secs(1)).await;
    assert_eq!(count(), 3);
    hooks.advance(Duration::from_secs(7 * 24 * 3600)).await;
    assert_eq!(count(), 3, "it was taken");
}

#[tokio::test]
async fn all_retries_of_a_long_time_happen_each_at_its_own() {
    let hooks = engine().start().await.unwrap();
    hooks.owner(42).subscribe("book.added", HOOK).await.unwrap();
    hooks.answer([500; 100]);
    hooks.owner(42).send("book.added", &1).await.unwrap();
    hooks.advance(Duration::from_secs(2 * 24 * 3600)).await;
    let sent = hooks.sent("book.added");
    let attempts: Vec<u16> = sent.iter().map(|sent| sent.attempt).collect();
    assert_eq!(attempts, [1, 2, 3, 4, 5, 6, 7, 8]);
    let at =
        |index: usize| sent[index].headers["webhook-timestamp"].to_str().unwrap().parse::<u64>().unwrap();
    let waits: Vec<u64> = (1..8).map(|index| at(index) - at(index - 1)).collect();
    assert_eq!(waits, [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000]);
}

#[tokio::test]
async fn many_failing_deliveries_that_wait_for_their_endpoint_do_not_hang_a_test() {
    let hooks = engine().start().await.unwrap();
    let endpoint = hooks.owner(42).subscribe("book.added", HOOK).await.unwrap();
    hooks.answer([500; 30]);
    for number in 0..30 {
        hooks.owner(42).send("book.added", &number).await.unwrap();
    }
    assert!(hooks.sent("book.added").len() < 30, "the endpoint is spared while it fails");
    hooks.advance(Duration::from_secs(24 * 3600)).await;
    let taken = hooks.sent("book.added").iter().filter(|sent| sent.answer == Answer::Status(200)).count();
    assert_eq!(taken, 30);
    assert_eq!(endpoint.disabled, None);
}

#[tokio::test]
async fn an_endpoint_that_answers_410_is_disabled_when_the_call_returns() {
    let hooks = engine().start().await.unwrap();
    hooks.owner(42).subscribe("book.added", HOOK).await.unwrap();
    hooks.answer([410]);
    hooks.owner(42).send("book.added", &1).await.unwrap();
    let subscriptions = hooks.owner(42).subscriptions().await.unwrap();
    assert_eq!(subscriptions[0].disabled, Some(DisabledReason::Gone));
}

#[tokio::test]
async fn an_assertion_that_fails_says_what_was_sent_instead() {
    let hooks = engine().start().await.unwrap();
    hooks.owner(42).subscribe("book.added", HOOK).await.unwrap();
    hooks.owner(42).send("book.added", &json!({"id": 7})).await.unwrap();
    hooks.assert_sent("book.added", json!({"id": 7}));
    hooks.assert_not_sent("book.removed");
    assert_eq!(
        told(|| hooks.assert_sent("book.added", json!({"id": 8}))),
        "no webhook of the event \"book.added\" was sent with\n  {\"id\":8}\nbut one with\n  {\"id\":7} to \
         https://example.com/hook"
    );
    assert_eq!(
        told(|| hooks.assert_sent("book.removed", 1)),
        "no webhook of the event \"book.removed\" was sent with\n  1\nand no other of it either (has its owner subscribed \
         to it?); sent were: book.added"
    );
    assert!(told(|| hooks.assert_sent("book.burned", 1)).contains("the event is not declared"));
    assert_eq!(
        told(|| hooks.assert_not_sent("book.added")),
        "webhooks of the event \"book.added\" were sent:\n  {\"id\":7} to https://example.com/hook"
    );
}

#[tokio::test]
async fn engines_for_tests_share_nothing() {
    let (one, other) = (engine().start().await.unwrap(), engine().start().await.unwrap());
    one.owner(42).subscribe("book.added", HOOK).await.unwrap();
    one.owner(42).send("book.added", &1).await.unwrap();
    assert!(!other.owner(42).send("book.added", &1).await.unwrap().is_sent());
    assert_eq!((one.sent("book.added").len(), other.sent("book.added").len()), (1, 0));
    one.shutdown(Duration::ZERO).await.unwrap();
    other.owner(42).subscribe("book.added", HOOK).await.unwrap();
    assert!(other.owner(42).send("book.added", &1).await.unwrap().is_sent());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_at_the_same_time_have_all_happened_when_they_return() {
    let hooks = engine().start().await.unwrap();
    hooks.owner(42).subscribe("book.added", HOOK).await.unwrap();
    let sends = (0..20).map(|number| {
        let owner = hooks.owner(42);
        tokio::spawn(async move { owner.send("book.added", &number).await.unwrap() })
    });
    for send in sends.collect::<Vec<_>>() {
        send.await.unwrap();
    }
    let mut numbers: Vec<i64> =
        hooks.sent("book.added").iter().map(|sent| sent.json().as_i64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..20).collect::<Vec<i64>>());
}
