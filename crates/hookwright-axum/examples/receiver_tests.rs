//! A receiver of webhooks that show a token in a header, and its four tests: the method, a missing token, a wrong one, and a message
//! that is stored while an old one goes.
//!
//! `cargo test --example receiver_tests`

use std::time::Duration;

use axum::Router;
use hookwright::{BoxError, Hooks, InboundEvent, Inbox, InboxBuilder, Source};
use hookwright_axum::inbox_route;
use tokio::net::TcpListener;

/// The header that the token comes in.
const HEADER: &str = "Codeunderscored-Webhook-Token";
/// A random path is no security, and keeps those away who try paths.
const PATH: &str = "/webhooks/code/x6si2ioub15a5xh4/";

/// What is done with a message, which is stored by then.
async fn process_webhook_payload(event: InboundEvent) -> Result<(), BoxError> {
    let _payload: serde_json::Value = event.json()?;
    // Business logic.
    Ok(())
}

/// Messages are kept for a week, as the log of any source is, and removed in the background.
fn receiver(engine: InboxBuilder, token: &str) -> InboxBuilder {
    engine.source("code", Source::token(HEADER, token)).on("*", process_webhook_payload)
}

fn router(inbox: Inbox) -> Router {
    Router::new().route(PATH, inbox_route(inbox, "code"))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let token = std::env::var("CODEUNDERSCORED_WEBHOOK_TOKEN")?;
    let engine = Inbox::within(Hooks::open("sqlite://receiver.db")?);
    let inbox = receiver(engine, &token).start().await?;
    let listener = TcpListener::bind("127.0.0.1:8000").await?;
    axum::serve(listener, router(inbox.clone())).await?;
    inbox.shutdown(Duration::from_secs(10)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use hookwright::domain::inbound::Verdict;
    use hookwright::domain::page::{Order, PageRequest};
    use hookwright::testing::SignedRequest;
    use http::{Method, Request, StatusCode};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    const TOKEN: &str = "abc123";

    async fn start() -> Inbox {
        receiver(Inbox::within(Hooks::test()), TOKEN).start().await.unwrap()
    }

    /// What is answered to a request, and with which words.
    async fn call(inbox: &Inbox, request: Request<impl Into<Body>>) -> (StatusCode, String) {
        let response = router(inbox.clone()).oneshot(request.map(Into::into)).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// A message as its sender makes it, with this token.
    fn message(token: &str, body: &'static str) -> Request<hookwright::Bytes> {
        SignedRequest::of(Source::token(HEADER, token), body).to(PATH).build()
    }

    #[tokio::test]
    async fn bad_method() {
        let request = Request::builder().method(Method::GET).uri(PATH).body(Body::empty()).unwrap();
        let (status, _) = call(&start().await, request).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    }

    #[tokio::test]
    async fn missing_token() {
        let request = Request::post(PATH).body(Body::empty()).unwrap();
        let (status, text) = call(&start().await, request).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert_eq!(text, "Incorrect token in Codeunderscored-Webhook-Token header.");
    }

    #[tokio::test]
    async fn bad_token() {
        let (status, text) = call(&start().await, message("def456", "{}")).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert_eq!(text, "Incorrect token in Codeunderscored-Webhook-Token header.");
    }

    #[tokio::test]
    async fn success_message() {
        let inbox = start().await;
        call(&inbox, message(TOKEN, r#"{"this": "is an old message"}"#)).await;
        inbox.hooks().advance(Duration::from_secs(24 * 24 * 3_600)).await;

        let start = inbox.hooks().clock().now();
        let (status, text) = call(&inbox, message(TOKEN, r#"{"this": "is a message"}"#)).await;
        assert_eq!((status, text.as_str()), (StatusCode::OK, "Message received okay."));
        let log = inbox.log("code", PageRequest::first(10, Order::Ascending)).await.unwrap().items;
        // The old one is not there any more.
        let [row] = &log[..] else { panic!("{log:?}") };
        assert!(row.received_at >= start);
        assert_eq!((row.verdict, &row.body[..]), (Verdict::Verified, &br#"{"this": "is a message"}"#[..]));
    }
}
