//! A product's own way: who receives, what is sent, and how.

use std::future::{pending, ready};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookwright::domain::attempt::{Attempt, AttemptStatus};
use hookwright::domain::ids::{ApplicationId, MessageId};
use hookwright::domain::page::{Order, PageRequest};
use hookwright::domain::selection::Selection;
use hookwright::domain::task::{TaskKind, TaskStatus};
use hookwright::hooks::EndpointRef;
use hookwright::{AttemptFilter, BoxError, Bytes, Hooks, Raw, WebhookBody, http};
use hookwright_signature::{VerificationKey, Verifier};
use hookwright_testkit::eventually;
use serde_json::{Value, json};

const HOOK: &str = "https://example.com/hook";

async fn attempts(hooks: &Hooks, application: ApplicationId, message: MessageId) -> Vec<Attempt> {
    let page = PageRequest::first(250, Order::Ascending);
    let filter = AttemptFilter::default();
    hooks.attempt_list_by_message(application, message, filter, page).await.unwrap().page.items
}

/// Sends a message to the owner 42, and returns its attempts so far.
async fn attempts_of_one(hooks: &Hooks) -> Vec<Attempt> {
    let sent = hooks.owner(42).send("book.added", &json!({"id": 7})).await.unwrap();
    let message = sent.message().unwrap();
    attempts(hooks, message.application, message.id).await
}

fn urls(hooks: &Hooks, event: &str) -> Vec<String> {
    hooks.sent(event).into_iter().map(|sent| sent.url).collect()
}

#[tokio::test]
async fn the_product_narrows_who_receives_by_metadata_and_payload() {
    let hooks = Hooks::test()
        .event("book.added", Raw)
        .find_with(|message, endpoint| {
            let payload: Value = serde_json::from_slice(&message.payload).unwrap();
            endpoint.settings.metadata.get("shelf").is_none_or(|shelf| payload["shelf"] == shelf.as_str())
        })
        .start()
        .await
        .unwrap();
    let owner = hooks.owner(42);
    owner.subscribe("book.added", "https://example.com/all").await.unwrap();
    owner.subscribe("book.added", "https://example.com/fantasy").metadata("shelf", "fantasy").await.unwrap();
    owner.send("book.added", &json!({"shelf": "crime"})).await.unwrap();
    assert_eq!(urls(&hooks, "book.added"), ["https://example.com/all"]);
    owner.send("book.added", &json!({"shelf": "fantasy"})).await.unwrap();
    let mut received = urls(&hooks, "book.added");
    received.sort_unstable();
    assert_eq!(
        received,
        ["https://example.com/all", "https://example.com/all", "https://example.com/fantasy"]
    );
}

#[tokio::test]
async fn what_the_product_kept_from_an_endpoint_is_not_recovered_as_missed() {
    let hooks = Hooks::test()
        .event("book.added", Raw)
        .find_with(|message, _| message.payload.as_ref() != b"\"secret\"")
        .start()
        .await
        .unwrap();
    let owner = hooks.owner(42);
    let endpoint = owner.subscribe("book.added", HOOK).await.unwrap();
    owner.send("book.added", "secret").await.unwrap();
    let id = EndpointRef::Id(endpoint.id);
    let off = hookwright::domain::endpoint::DisabledReason::ByRequest;
    hooks.endpoint_update(endpoint.application, &id, |edit| edit.disabled = Some(off)).await.unwrap();
    owner.send("book.added", "missed").await.unwrap();
    hooks.assert_not_sent("book.added");
    let endpoint =
        hooks.endpoint_update(endpoint.application, &id, |edit| edit.disabled = None).await.unwrap();

    let selection = Selection::since(endpoint.created_at);
    let organisation = hooks.default_organisation();
    let task = hooks.task_begin(organisation, &endpoint, TaskKind::Recover, selection).await.unwrap();
    let ended = eventually("the end of the task", async || {
        let task = hooks.task_get(organisation, task.id).await.unwrap();
        if task.status == TaskStatus::Running { Err(task) } else { Ok(task) }
    })
    .await;
    assert_eq!((ended.status, ended.sent), (TaskStatus::Finished, 1));
    hooks.advance(Duration::ZERO).await;
    let payloads: Vec<_> = hooks.sent("book.added").iter().map(|sent| sent.json()).collect();
    assert_eq!(payloads, ["missed"]);
}

#[tokio::test]
async fn the_product_writes_the_body_for_each_endpoint() {
    let hooks = Hooks::test()
        .event("book.added", Raw)
        .serialize_with(|message, endpoint| match endpoint.settings.metadata.get("format") {
            None => Ok(WebhookBody::usual(message, endpoint)),
            Some(_) => Ok(WebhookBody {
                content_type: http::HeaderValue::from_static("text/csv"),
                bytes: Bytes::from_static(b"id\n7\n"),
            }),
        })
        .start()
        .await
        .unwrap();
    let endpoint = hooks.owner(42).subscribe("book.added", HOOK).metadata("format", "csv").await.unwrap();
    hooks.owner(42).subscribe("book.added", "https://example.com/usual").await.unwrap();
    hooks.owner(42).send("book.added", &json!({"id": 7})).await.unwrap();
    for sent in hooks.sent("book.added") {
        let (content_type, body) = match sent.url.as_str() {
            HOOK => ("text/csv", "id\n7\n"),
            _ => ("application/json", r#"{"id":7}"#),
        };
        assert_eq!(
            (&sent.headers["content-type"], &sent.body[..]),
            (&content_type.parse().unwrap(), body.as_bytes())
        );
        if sent.url == HOOK {
            let now = hooks.clock().now().as_seconds().unsigned_abs();
            let verifier = Verifier::new(VerificationKey::from(endpoint.secret.clone()));
            verifier
                .verify_at(|name| sent.headers.get(name), &sent.body, now)
                .expect("its body is what is signed");
        }
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_written_fails_the_attempt_and_it_is_made_again() {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let hooks = Hooks::test()
        .event("book.added", Raw)
        .serialize_with(move |message, endpoint| match counted.fetch_add(1, Ordering::SeqCst) {
            0 => Err("the shelf\nis missing".into()),
            1 => panic!("a mistake of the product's"),
            _ => Ok(WebhookBody::usual(message, endpoint)),
        })
        .start()
        .await
        .unwrap();
    hooks.owner(42).subscribe("book.added", HOOK).await.unwrap();
    let first = attempts_of_one(&hooks).await;
    hooks.advance(Duration::from_secs(3600)).await;
    let all = attempts(&hooks, first[0].application, first[0].message).await;
    let reasons: Vec<_> = all.iter().map(|attempt| attempt.reason.as_deref()).collect();
    assert_eq!(
        reasons,
        [
            Some("the payload could not be serialised: the shelf is missing"),
            Some("the attempt broke off because of an error in this program"),
            None,
        ]
    );
    hooks.assert_sent("book.added", json!({"id": 7}));
}

#[tokio::test]
async fn the_product_delivers_what_the_engine_has_signed() {
    let delivered = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&delivered);
    let hooks = Hooks::test()
        .event("book.added", Raw)
        .deliver_with(move |outgoing| {
            let answer = match outgoing.attempt {
                1 => Err(BoxError::from("the queue is full")),
                2 => http::Response::builder()
                    .status(503)
                    .body(Bytes::from(vec![b'x'; 100_000]))
                    .map_err(BoxError::from),
                _ => Ok(http::Response::new(Bytes::from_static(b"taken"))),
            };
            kept.lock().unwrap().push(outgoing);
            ready(answer)
        })
        .start()
        .await
        .unwrap();
    let endpoint = hooks.owner(42).subscribe("book.added", HOOK).metadata("queue", "blue").await.unwrap();
    let first = attempts_of_one(&hooks).await;
    hooks.advance(Duration::from_secs(3600)).await;

    let delivered = std::mem::take(&mut *delivered.lock().unwrap());
    assert_eq!(delivered.len(), 3);
    for outgoing in &delivered {
        let request = &outgoing.request;
        assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("POST", HOOK));
        assert_eq!(outgoing.endpoint.settings.metadata["queue"], "blue");
        let signed_at: u64 = request.headers()["webhook-timestamp"].to_str().unwrap().parse().unwrap();
        let verifier = Verifier::new(VerificationKey::from(endpoint.secret.clone()));
        verifier.verify_at(|name| request.headers().get(name), request.body(), signed_at).unwrap();
    }
    let all = attempts(&hooks, first[0].application, first[0].message).await;
    let told: Vec<_> =
        all.iter().map(|made| (made.status, made.response_code, made.reason.as_deref())).collect();
    assert_eq!(
        told,
        [
            (AttemptStatus::Fail, 0, Some("the webhook could not be delivered: the queue is full")),
            (AttemptStatus::Fail, 503, Some("the endpoint answered 503 Service Unavailable")),
            (AttemptStatus::Success, 200, None),
        ]
    );
    assert_eq!((all[1].response.len(), &all[2].response[..]), (8 * 1024, &b"taken"[..]));
}

#[tokio::test]
async fn a_deliverer_that_never_returns_or_panics_fails_the_attempt() {
    let mut builder = Hooks::test().event("book.added", Raw).deliver_with(|outgoing| async move {
        match outgoing.attempt {
            1 => pending().await,
            2 => panic!("a mistake of the product's"),
            _ => Ok(http::Response::new(Bytes::new())),
        }
    });
    builder.config_mut().request_timeout = Duration::from_millis(50);
    let hooks = builder.start().await.unwrap();
    hooks.owner(42).subscribe("book.added", HOOK).await.unwrap();
    let first = attempts_of_one(&hooks).await;
    hooks.advance(Duration::from_secs(3600)).await;
    let all = attempts(&hooks, first[0].application, first[0].message).await;
    let reasons: Vec<_> = all.iter().map(|attempt| attempt.reason.as_deref()).collect();
    assert_eq!(
        reasons,
        [
            Some("no answer came within 50 ms"),
            Some("the attempt broke off because of an error in this program"),
            None,
        ]
    );
}
