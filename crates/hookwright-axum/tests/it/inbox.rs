//! An inbox behind axum, in a product that is called over real connections.

use std::sync::{Arc, Mutex};

use axum::Router;
use hookwright::domain::page::{Order, PageRequest};
use hookwright::testing::SignedRequest;
use hookwright::{Hooks, Inbox, Source};
use hookwright_axum::{inbox_route, inbox_router};
use hookwright_testkit::http::{Answer, Client, Method, raw};

use crate::mounting::{listen, serve};

const LIMIT: usize = 200;
const PUBLIC: &str = "https://shop.example";
const PUSH: &str = r#"{"ref": "main"}"#;

fn github() -> Source {
    Source::github("It's a Secret to Everybody")
}

/// An inbox of two sources, and the types of the events that were handled.
async fn inbox() -> (Inbox, Arc<Mutex<Vec<String>>>) {
    let handled: Arc<Mutex<Vec<String>>> = Arc::default();
    let handler = || {
        let handled = Arc::clone(&handled);
        move |event: hookwright::InboundEvent| {
            handled.lock().unwrap().push(event.event_type.to_string());
            std::future::ready(Ok::<(), String>(()))
        }
    };
    let (push, crm) = (handler(), handler());
    let inbox = Inbox::within(Hooks::test())
        .body_limit(LIMIT)
        .public_url(format!("{PUBLIC}/"))
        .source("code", github())
        .on("*", push)
        .source("crm", Source::hubspot("secret"))
        .on("*", crm)
        .start()
        .await
        .unwrap();
    (inbox, handled)
}

async fn send(client: &Client, path: &str, request: SignedRequest) -> Answer {
    let request = request.build();
    let headers: Vec<(&str, &str)> =
        request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    client.request(Method::POST, path, &headers, request.body().clone()).await
}

#[tokio::test]
async fn a_route_takes_what_comes_to_its_source() {
    let (inbox, handled) = inbox().await;
    let client = serve(Router::new().route("/github", inbox_route(inbox.clone(), "code"))).await;
    let push = SignedRequest::of(github(), PUSH).header("x-github-event", "push");
    let taken = send(&client, "/github", push.clone()).await.expect(200);
    assert_eq!(taken.text(), "Message received okay.");
    send(&client, "/github", push.clone().id("another")).await.expect(200);
    send(&client, "/github", SignedRequest::of(Source::github("guessed"), PUSH)).await.expect(401);
    let wrong = client.get("/github").await.expect(405);
    assert_eq!(wrong.header("allow"), Some("POST"));
    send(&client, "/github", SignedRequest::of(github(), vec![b' '; LIMIT + 1])).await.expect(413);
    assert_eq!(*handled.lock().unwrap(), ["push", "push"]);
    let log = inbox.log("code", PageRequest::first(10, Order::Ascending)).await.unwrap().items;
    let rows: Vec<(&str, u16)> = log.iter().map(|row| (row.path.as_str(), row.status)).collect();
    assert_eq!(
        rows,
        [("/github", 200), ("/github", 200), ("/github", 401), ("/github", 405), ("/github", 413)]
    );
}

#[tokio::test]
async fn a_router_has_a_route_for_each_source_below_whatever_it_is_nested() {
    let (inbox, handled) = inbox().await;
    let client = serve(Router::new().nest("/in", inbox_router(inbox))).await;
    send(&client, "/in/code", SignedRequest::of(github(), PUSH).header("x-github-event", "push"))
        .await
        .expect(200);
    let crm = |url: &str| {
        SignedRequest::of(Source::hubspot("secret"), "[]").to(url).at(hookwright::Clock::manual(
            hookwright::domain::time::Timestamp::from_micros(1_700_000_000_000_000),
        )
        .now())
    };
    send(&client, "/in/crm?a=1", crm(&format!("{PUBLIC}/in/crm?a=1"))).await.expect(200);
    send(&client, "/in/crm?a=2", crm(&format!("{PUBLIC}/in/crm?a=1"))).await.expect(401);
    for nobody in ["/in/nothing", "/in/%ff", "/in/%00"] {
        send(&client, nobody, SignedRequest::of(github(), PUSH)).await.expect(404);
    }
    assert_eq!(*handled.lock().unwrap(), ["push", "inbound"]);
}

#[tokio::test]
async fn a_body_that_does_not_say_its_length_is_limited_too() {
    let (inbox, handled) = inbox().await;
    let address = listen(Router::new().route("/github", inbox_route(inbox, "code"))).await;
    for (length, status) in [(LIMIT, "200"), (LIMIT + 1, "413")] {
        let request = SignedRequest::of(github(), vec![b' '; length]).build();
        let mut bytes =
            b"POST /github HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n"
                .to_vec();
        for (name, value) in request.headers() {
            bytes.extend(format!("{name}: {}\r\n", value.to_str().unwrap()).bytes());
        }
        bytes.extend(format!("\r\n{length:x}\r\n{}\r\n0\r\n\r\n", " ".repeat(length)).bytes());
        let answer = String::from_utf8_lossy(&raw(address, &bytes).await).into_owned();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    assert_eq!(handled.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_in_the_log_as_refused() {
    let (inbox, handled) = inbox().await;
    let address = listen(Router::new().route("/github", inbox_route(inbox.clone(), "code"))).await;
    // It says what a chunk has, and then something else.
    let request = b"POST /github HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"a\"}\r\nno chunk\r\n";
    let answer = String::from_utf8_lossy(&raw(address, request).await).into_owned();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let log = inbox.log("code", PageRequest::first(10, Order::Ascending)).await.unwrap().items;
    let rows: Vec<_> = log.iter().map(|row| (row.status, row.reason.as_deref())).collect();
    assert_eq!(rows, [(400, Some("The body broke off."))]);
    assert!(handled.lock().unwrap().is_empty());
}
