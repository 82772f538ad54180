//! What comes in: proven, stored, answered.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookwright::domain::event::HookEvent;
use hookwright::domain::page::{Order, PageRequest};
use hookwright::domain::source::{Dedupe, SourceRef};
use hookwright::http::{Method, Request, StatusCode};
use hookwright::testing::SignedRequest;
use hookwright::{Bytes, EventTypeFrom, Hooks, Inbox, Source};
use serde_json::{Value, json};

use super::{Handled, PAID, SECRET, in_memory, send, stripe, text, verdicts};

#[tokio::test]
async fn what_is_proven_is_stored_answered_and_handled_and_nothing_else_is() {
    let (paid, other) = (Handled::default(), Handled::default());
    let inbox = in_memory()
        .source("payments", stripe())
        .on("charge.succeeded", paid.handler())
        .on("charge.failed", other.handler())
        .start()
        .await
        .unwrap();
    let answer = send(&inbox, stripe(), PAID).await;
    assert_eq!((answer.status(), text(&answer)), (StatusCode::OK, "Message received okay."));
    let events = paid.events();
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!((event.body.as_ref(), event.attempt), (PAID.as_bytes(), 1));
    assert_eq!(event.event_type.as_str(), "charge.succeeded");
    assert_eq!(event.json::<Value>().unwrap()["id"], "evt_1");
    assert_eq!(event.header("content-type"), Some("application/json"));

    assert_eq!(send(&inbox, stripe(), PAID).await.status(), 200, "it comes again");
    assert_eq!(send(&inbox, Source::stripe("guessed"), PAID).await.status(), 401);
    let unsigned = Request::post("/").body(Bytes::from_static(PAID.as_bytes())).unwrap();
    assert_eq!(inbox.receive("payments", unsigned).await.status(), 401);
    let got = Request::get("/").body(Bytes::new()).unwrap();
    let answer = inbox.receive("payments", got).await;
    assert_eq!((answer.status().as_u16(), answer.headers()["allow"].to_str().unwrap()), (405, "POST"));
    let large = SignedRequest::of(stripe(), vec![b' '; 1024 * 1024 + 1]).build();
    assert_eq!(inbox.receive("payments", large).await.status(), 413);
    let elsewhere = inbox.hooks().signed_request(stripe(), PAID);
    assert_eq!(inbox.receive("orders", elsewhere).await.status(), 404);
    assert_eq!((paid.count(), other.count()), (1, 0));
    assert_eq!(verdicts(&inbox).await, ["verified", "duplicate", "refused", "refused", "refused", "refused"]);
}

#[tokio::test]
async fn the_row_is_on_disk_before_a_handler_runs() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let place: Arc<Mutex<Option<Inbox>>> = Arc::default();
    let (notes, within) = (Arc::clone(&seen), Arc::clone(&place));
    let inbox = in_memory()
        .source("payments", stripe())
        .on("*", move |_| {
            let (notes, inbox) = (Arc::clone(&notes), within.lock().unwrap().clone().unwrap());
            async move {
                let verdicts = verdicts(&inbox).await;
                notes.lock().unwrap().extend(verdicts);
                Ok::<(), String>(())
            }
        })
        .start()
        .await
        .unwrap();
    *place.lock().unwrap() = Some(inbox.clone());
    send(&inbox, stripe(), PAID).await;
    assert_eq!(*seen.lock().unwrap(), ["verified"]);
    place.lock().unwrap().take();
}

#[tokio::test]
async fn the_event_type_is_read_where_the_product_says() {
    let by_header = Handled::default();
    let by_pointer = Handled::default();
    let by_code = Handled::default();
    let unsaid = Handled::default();
    let source = || Source::token("x-token", SECRET);
    let inbox = in_memory()
        .source("header", source())
        .event_type(EventTypeFrom::header("x-event"))
        .on("order.paid", by_header.handler())
        .source("pointer", source())
        .event_type(EventTypeFrom::pointer("/data/kind"))
        .on("payment.*", by_pointer.handler())
        .source("code", source())
        .event_type(EventTypeFrom::with(|_, body| Some(format!("bytes.{}", body.len()))))
        .on("bytes.*", by_code.handler())
        .source("unsaid", source())
        .event_type(EventTypeFrom::header("x-other"))
        .on("inbound", unsaid.handler())
        .start()
        .await
        .unwrap();
    for name in ["header", "pointer", "code", "unsaid"] {
        let request = SignedRequest::of(source(), PAID).header("x-event", "order.paid").build();
        assert_eq!(inbox.receive(name, request).await.status(), 200);
    }
    let types =
        [by_header, by_pointer, by_code, unsaid].map(|handled| handled.events()[0].event_type.to_string());
    let bytes = format!("bytes.{}", PAID.len());
    assert_eq!(types, ["order.paid", "payment.paid", &bytes, "inbound"]);
}

#[tokio::test]
async fn a_source_is_answered_limited_and_deduplicated_as_it_is_set() {
    let seen = Handled::default();
    let inbox = in_memory()
        .body_limit(PAID.len())
        .source("payments", Source::token("x-token", SECRET))
        .settings(|source| {
            source.methods = vec!["POST".to_owned(), "GET".to_owned()];
            source.answer.status = 202;
            source.answer.body = "Thanks.".to_owned();
            source.dedupe = Dedupe::Body;
        })
        .on("*", seen.handler())
        .start()
        .await
        .unwrap();
    let source = || Source::token("x-token", SECRET);
    for _ in 0..2 {
        let answer = send(&inbox, source(), PAID).await;
        assert_eq!((answer.status().as_u16(), text(&answer)), (202, "Thanks."));
    }
    assert_eq!(seen.count(), 1);
    let got = SignedRequest::of(source(), "").method(Method::GET).to("/hook?user=7").build();
    assert_eq!(inbox.receive("payments", got).await.status(), 202);
    let described = json!({"method": "GET", "path": "/hook", "query": {"user": "7"}});
    assert_eq!(seen.events()[1].json::<Value>().unwrap(), described);
    let larger = SignedRequest::of(source(), format!("{PAID} ")).build();
    assert_eq!(inbox.receive("payments", larger).await.status(), 413);
    let wrong = send(&inbox, Source::token("x-token", "wrong"), PAID).await;
    assert_eq!((wrong.status().as_u16(), text(&wrong)), (403, "Incorrect token in x-token header."));
}

#[tokio::test]
async fn a_handshake_is_answered_by_the_method_that_its_provider_uses_and_is_nothing_to_handle() {
    let seen = Handled::default();
    let inbox = in_memory()
        .source("whatsapp", Source::meta(SECRET, "between-us"))
        .on("*", seen.handler())
        .start()
        .await
        .unwrap();
    let ask = async |token: &str| {
        let query = format!("hub.mode=subscribe&hub.verify_token={token}&hub.challenge=1158201444");
        let request = Request::get(format!("/hook?{query}")).body(Bytes::new()).unwrap();
        inbox.receive("whatsapp", request).await
    };
    let answer = ask("between-us").await;
    assert_eq!((answer.status().as_u16(), text(&answer)), (200, "1158201444"));
    assert_eq!(ask("guessed").await.status(), 403);
    assert_eq!(seen.count(), 0);
}

#[tokio::test]
async fn tokens_are_not_kept_in_the_log_neither_the_one_of_now_nor_those_of_before() {
    let source = |token: &str| Source::token("X-Shop", token);
    let both = source("hunter-new").or(Source::token("X-Old", "hunter-old").or(source("hunter-oldest")));
    let inbox = in_memory().source("payments", both).start().await.unwrap();
    for request in [
        SignedRequest::of(source("hunter-new"), "1").header("x-more", "hunter-oldest"),
        SignedRequest::of(Source::token("X-Old", "hunter-old"), "2").header("x-more", "hunter-new"),
        SignedRequest::of(source("hunter-oldest"), "3").header("x-more", "hunter-old"),
    ] {
        assert_eq!(inbox.receive("payments", request.build()).await.status(), 200);
    }
    let log = inbox.log("payments", PageRequest::first(10, Order::Ascending)).await.unwrap().items;
    assert_eq!(log.len(), 3);
    assert!(log.iter().all(|row| row.headers.contains(&("x-more".to_owned(), "[redacted]".to_owned()))));
    assert!(!format!("{log:?}").contains("hunter"), "{log:?}");
}

#[tokio::test]
async fn a_product_is_told_that_a_source_refuses_what_comes() {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let engine = Hooks::test().on_event(move |event| {
        if let HookEvent::SourceRefused(refusal) = event {
            let _ = tell.send((**refusal).clone());
        }
    });
    let inbox = Inbox::within(engine).source("payments", stripe()).start().await.unwrap();
    for _ in 0..3 {
        assert_eq!(send(&inbox, Source::stripe("guessed"), PAID).await.status(), 401);
    }
    let refusal = told.recv().await.unwrap();
    assert_eq!((refusal.uid.unwrap().as_str(), refusal.status, refusal.refused), ("payments", 401, 1));
    let (hooks, source) = (inbox.hooks(), SourceRef::parse("payments").unwrap());
    let row = hooks.source_log_get(hooks.default_organisation(), &source, refusal.request).await.unwrap();
    assert_eq!(row.reason, Some(refusal.reason));
    inbox.hooks().advance(Duration::from_secs(60)).await;
    assert_eq!(send(&inbox, Source::stripe("guessed"), PAID).await.status(), 401);
    assert_eq!(told.recv().await.unwrap().refused, 3, "those in between are counted");
    inbox.shutdown(Duration::from_secs(10)).await.unwrap();
    assert!(told.recv().await.is_none());
}
