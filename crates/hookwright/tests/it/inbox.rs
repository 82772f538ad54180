//! The inbox of a product: what others send, and the product's own code for it.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookwright::domain::page::{Order, PageRequest};
use hookwright::domain::source::Dedupe;
use hookwright::http::{Method, Request, Response, StatusCode};
use hookwright::testing::SignedRequest;
use hookwright::{
    Bytes, DeadLetter, Error, EventTypeFrom, Hooks, InboundEvent, Inbox, InboxBuilder, InboxError, Raw,
    Source, StartError,
};
use hookwright_testkit::eventually;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rig;

const SECRET: &str = "It's a Secret to Everybody";
const PAID: &str = r#"{"id": "evt_1",  "type": "charge.succeeded", "data": {"kind": "payment.paid"}}"#;

/// What a handler was called with, and what it answers next.
#[derive(Clone, Default)]
struct Handled(Arc<Mutex<(Vec<InboundEvent>, Vec<&'static str>)>>);

type Handling = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

impl Handled {
    /// Notes the event; fails with the next of the reasons, if one is left.
    async fn handle(self, event: InboundEvent) -> Result<(), String> {
        let mut handled = self.0.lock().unwrap();
        handled.0.push(event);
        handled.1.pop().map_or(Ok(()), |reason| Err(reason.to_owned()))
    }

    fn fails_with(&self, reasons: &[&'static str]) {
        self.0.lock().unwrap().1 = reasons.iter().rev().copied().collect();
    }

    fn events(&self) -> Vec<InboundEvent> {
        self.0.lock().unwrap().0.clone()
    }

    fn count(&self) -> usize {
        self.events().len()
    }

    fn handler(&self) -> impl Fn(InboundEvent) -> Handling + use<> {
        let handled = self.clone();
        move |event| Box::pin(handled.clone().handle(event))
    }
}

fn stripe() -> Source {
    Source::stripe(SECRET)
}

/// An inbox in memory, whose time stands still.
fn in_memory() -> InboxBuilder {
    Inbox::within(Hooks::test())
}

/// An inbox on a file.
fn on_file(directory: &TempDir) -> InboxBuilder {
    let mut engine = Hooks::open("sqlite://replaced.db").unwrap();
    *engine.config_mut() = rig::config(directory);
    // Longer than it takes to end one engine.
    engine.config_mut().retry.schedule = vec![Duration::from_secs(1); 3];
    Inbox::within(engine)
}

async fn until(condition: impl Fn() -> bool) {
    eventually("what handlers are called with", async || if condition() { Ok(()) } else { Err(()) }).await;
}

async fn send(inbox: &Inbox, source: Source, body: &'static str) -> Response<Bytes> {
    let request = inbox.hooks().signed_request(source, body);
    inbox.receive("payments", request).await
}

fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

async fn dead(inbox: &Inbox, handler: &str) -> Vec<DeadLetter> {
    let page = PageRequest::first(10, Order::Ascending);
    inbox.dead_letters("payments", handler, page).await.unwrap().page.items
}

/// What the log of the source has, oldest first.
async fn verdicts(inbox: &Inbox) -> Vec<&'static str> {
    let log = inbox.log("payments", PageRequest::first(50, Order::Ascending)).await.unwrap();
    log.items.iter().map(|row| row.verdict.word()).collect()
}

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

#[tokio::test]
async fn what_is_declared_wrong_is_told_at_the_start() {
    let handler = || Handled::default().handler();
    let wrong = async |builder: InboxBuilder| match builder.start().await {
        Err(StartError::Inbox(error)) => error,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it started"),
    };
    let source = || in_memory().source("payments", stripe());
    assert!(matches!(wrong(in_memory().on("*", handler())).await, InboxError::NoSource { .. }));
    assert!(matches!(wrong(in_memory().source("a b", stripe())).await, InboxError::SourceName { .. }));
    assert!(matches!(wrong(source().source("payments", stripe())).await, InboxError::SourceTwice { .. }));
    let twice = source().on("a", handler()).on("a", handler());
    assert!(matches!(wrong(twice).await, InboxError::HandlerTwice { .. }));
    assert!(matches!(wrong(source().on("a*", handler())).await, InboxError::Event { .. }));
    assert!(matches!(wrong(source().on_as("", "a", handler())).await, InboxError::HandlerName { .. }));
    let empty = wrong(in_memory().source("payments", Source::stripe(""))).await.to_string();
    assert_eq!(
        empty,
        "the source \"payments\" cannot be set up: secret: is empty, and with it anybody could sign"
    );
    let unknown = wrong(in_memory().source("payments", Source::of("vapi"))).await.to_string();
    assert!(unknown.contains("not verifiable yet"), "{unknown}");
}

#[tokio::test]
async fn the_next_start_goes_on_with_what_is_left_and_takes_what_is_declared_now() {
    let directory = tempfile::tempdir().unwrap();
    let (paid, gone) = (Handled::default(), Handled::default());
    let inbox = on_file(&directory)
        .source("payments", stripe())
        .on_as("pay", "charge.succeeded", paid.handler())
        .on_as("old", "*", gone.handler())
        .start()
        .await
        .unwrap();
    paid.fails_with(&["the bank is closed"]);
    send(&inbox, stripe(), PAID).await;
    until(|| paid.count() == 1 && gone.count() == 1).await;
    inbox.shutdown(Duration::from_secs(10)).await.unwrap();

    // Another secret beside the old one, one handler for other events as well, and one that is not there any more.
    let both = || Source::stripe("new").or(stripe());
    let inbox = on_file(&directory)
        .source("payments", both())
        .on_as("pay", "*", paid.handler())
        .start()
        .await
        .unwrap();
    until(|| paid.count() == 2).await;
    assert_eq!((paid.events()[1].id, paid.events()[1].attempt), (paid.events()[0].id, 2));
    for (source, body) in [
        (stripe(), r#"{"id": "evt_2", "type": "charge.failed"}"#),
        (Source::stripe("new"), r#"{"id": "evt_3", "type": "charge.failed"}"#),
    ] {
        assert_eq!(send(&inbox, source, body).await.status(), 200);
    }
    assert_eq!(send(&inbox, stripe(), PAID).await.status(), 200, "known also after a restart");
    until(|| paid.count() == 4).await;
    inbox.shutdown(Duration::from_secs(10)).await.unwrap();

    // It is there again, and gets what comes from now on; what was done is not done again.
    let inbox = on_file(&directory)
        .source("payments", Source::stripe("new"))
        .on_as("pay", "*", paid.handler())
        .on_as("old", "*", gone.handler())
        .start()
        .await
        .unwrap();
    assert_eq!(send(&inbox, stripe(), PAID).await.status(), 401, "the old secret is not taken any more");
    let answer = send(&inbox, Source::stripe("new"), r#"{"id": "evt_4", "type": "charge.failed"}"#).await;
    assert_eq!(answer.status(), 200);
    until(|| paid.count() == 5 && gone.count() == 2).await;
    inbox.shutdown(Duration::from_secs(10)).await.unwrap();
    assert_eq!((paid.count(), gone.count()), (5, 2));
    let after = inbox.hooks().signed_request(Source::stripe("new"), PAID);
    assert_eq!(inbox.receive("payments", after).await.status(), 503, "its provider sends it again");
}
