//! For a product's own tests: an engine in memory whose time stands still and whose webhooks are caught. Feature `testing`.
//!
//! ```
//! use std::time::Duration;
//!
//! use hookwright::{Hooks, Raw};
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let hooks = Hooks::test().event("user.logged_in", Raw).start().await?;
//! hooks.owner(42).subscribe("user.logged_in", "https://example.com/hook").await?;
//!
//! // A call returns once what it caused has happened: the webhook is delivered, or has failed.
//! hooks.owner(42).send("user.logged_in", &json!({"username": "jrrtolkien"})).await?;
//! hooks.assert_sent("user.logged_in", &json!({"username": "jrrtolkien"}));
//!
//! // The endpoint fails once; time passes only when it is told to, and then the retry is made.
//! hooks.answer([503]);
//! hooks.owner(42).send("user.logged_in", &json!({"username": "cslewis"})).await?;
//! assert_eq!(hooks.sent("user.logged_in").len(), 2);
//! hooks.advance(Duration::from_secs(5)).await;
//! assert_eq!(hooks.sent("user.logged_in")[2].attempt, 2);
//! # hooks.shutdown(Duration::ZERO).await?;
//! # Ok(())
//! # }
//! ```

mod expiry; // what time takes away
mod signed; // requests of providers

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::builder::Builder;
use crate::clock::Clock;
use crate::config::DatabaseUrl;
use crate::deliver::{BoxError, Outgoing};
use crate::domain::ids::{EndpointId, MessageId};
use crate::domain::time::Timestamp;
use crate::hooks::Hooks;
use crate::store::write::Write;

pub use signed::{SignedRequest, signed_request};

/// Where the clock stands at the start: 2023-11-14T22:13:20Z.
const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
/// Between two looks whether everything has happened.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// What has not happened by then, in real time, will not.
const PATIENCE: Duration = Duration::from_secs(60);

/// A webhook that was caught: one attempt to deliver it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SentWebhook {
    /// The event.
    pub event: String,
    /// Where it was to go.
    pub url: String,
    /// The endpoint.
    pub endpoint: EndpointId,
    /// The message.
    pub message: MessageId,
    /// Which attempt it was, from 1.
    pub attempt: u16,
    /// The payload as the product sent it.
    pub payload: Bytes,
    /// The request's headers, with the signature.
    pub headers: HeaderMap,
    /// The request's body: the payload, unless the endpoint's format or the product makes something else of it.
    pub body: Bytes,
    /// What was answered.
    pub answer: Answer,
}

impl SentWebhook {
    /// The payload as JSON; `null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap_or_default()
    }
}

/// What a caught webhook is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// This status code, with an empty body.
    Status(u16),
    /// No answer came, for this reason.
    Failure(String),
}

impl From<u16> for Answer {
    fn from(status: u16) -> Answer {
        Answer::Status(status)
    }
}

/// What an engine that catches its webhooks has caught, and what it answers next.
#[derive(Debug, Default)]
pub(crate) struct Capture(Mutex<Captured>);

#[derive(Debug, Default)]
struct Captured {
    sent: Vec<SentWebhook>,
    answers: VecDeque<Answer>,
}

impl Capture {
    fn lock(&self) -> MutexGuard<'_, Captured> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn catch(&self, outgoing: Outgoing) -> Result<Response<Bytes>, BoxError> {
        let mut captured = self.lock();
        let answer = captured.answers.pop_front().unwrap_or(Answer::Status(200));
        let Outgoing { request, message, endpoint, attempt } = outgoing;
        let (head, body) = request.into_parts();
        captured.sent.push(SentWebhook {
            event: message.event_type.as_str().to_owned(),
            url: endpoint.settings.url,
            endpoint: endpoint.id,
            message: message.id,
            attempt,
            payload: message.payload.clone(),
            headers: head.headers,
            body,
            answer: answer.clone(),
        });
        match answer {
            Answer::Failure(reason) => Err(reason.into()),
            Answer::Status(status) => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = StatusCode::from_u16(status)?;
                Ok(response)
            }
        }
    }
}

impl Hooks {
    /// An engine for a test: its database is in memory, its clock stands still, and its webhooks are caught and not sent.
    ///
    /// Each call that sends returns once what it caused has happened. What is caught is answered with 200, unless
    /// [`Hooks::answer`] says otherwise. Retries come after exactly the waits of the schedule.
    pub fn test() -> Builder {
        let mut builder = Hooks::builder(DatabaseUrl::Memory(fastrand::u64(..)));
        builder.config_mut().clock = Clock::manual(START);
        let capture = Arc::new(Capture::default());
        builder.capture = Some(Arc::clone(&capture));
        builder.deliver_with(move |outgoing| std::future::ready(capture.catch(outgoing)))
    }

    /// The webhooks of this event that were caught, in their order, each attempt for itself.
    ///
    /// # Panics
    ///
    /// If the engine is none of [`Hooks::test`].
    #[track_caller]
    pub fn sent(&self, event: &str) -> Vec<SentWebhook> {
        let captured = self.capture().lock();
        captured.sent.iter().filter(|sent| sent.event == event).cloned().collect()
    }

    /// Fails the test unless a webhook of this event with this payload, as JSON, was caught.
    ///
    /// # Panics
    ///
    /// If none was, with what was caught instead; if the engine is none of [`Hooks::test`].
    #[track_caller]
    pub fn assert_sent(&self, event: &str, payload: impl Serialize) {
        let expected = match serde_json::to_value(payload) {
            Ok(expected) => expected,
            Err(error) => panic!("the payload that is expected cannot be written as JSON: {error}"),
        };
        if !self.sent(event).iter().any(|sent| sent.json() == expected) {
            panic!("{}", self.not_sent(event, &expected));
        }
    }

    /// Fails the test if a webhook of this event was caught.
    ///
    /// # Panics
    ///
    /// If one was; if the engine is none of [`Hooks::test`].
    #[track_caller]
    pub fn assert_not_sent(&self, event: &str) {
        let sent = self.sent(event);
        let told: Vec<String> =
            sent.iter().map(|sent| format!("\n  {} to {}", sent.json(), sent.url)).collect();
        assert!(sent.is_empty(), "webhooks of the event {event:?} were sent:{}", told.concat());
    }

    /// The next webhooks are answered so, one after the other: `hooks.answer([500, 500])` lets two attempts fail.
    ///
    /// # Panics
    ///
    /// If the engine is none of [`Hooks::test`].
    #[track_caller]
    pub fn answer(&self, answers: impl IntoIterator<Item = impl Into<Answer>>) {
        self.capture().lock().answers.extend(answers.into_iter().map(Into::into));
    }

    /// Lets so much time pass: what is due meanwhile happens, each at its time, before this returns. Requests to sources whose time is
    /// up are gone from their log then.
    ///
    /// # Panics
    ///
    /// If the engine is none of [`Hooks::test`].
    pub async fn advance(&self, by: Duration) {
        let clock = self.clock().clone();
        self.capture();
        let until = clock.now().after(by);
        while let Some(next) = self.settle().await.filter(|next| *next <= until) {
            // A moment at least, so that whatever it is comes to its end.
            clock.advance(next.since(clock.now()).max(Duration::from_micros(1)));
            self.inner.dispatch.look_around();
        }
        clock.advance(until.since(clock.now()));
        self.inner.dispatch.look_around();
        self.settle().await;
        self.forget_expired().await;
    }

    #[track_caller]
    fn capture(&self) -> &Capture {
        let Some(capture) = &self.inner.capture else {
            panic!(
                "this engine delivers what it is told to; one that catches it is made with `Hooks::test()`"
            )
        };
        capture
    }

    /// Waits until all that can happen now has happened. Gives the time of what comes next, if anything waits for one.
    pub(crate) async fn settle(&self) -> Option<Timestamp> {
        self.inner.capture.as_ref()?;
        self.inner.broadcasts.settled().await;
        for _ in 0..PATIENCE.as_millis() / LOOK_AGAIN.as_millis() {
            // What came of attempts is written with it; so whatever has no row now has ended.
            if self.inner.journal.write(Write::Flush).await.is_err() {
                return None;
            }
            // A row that is due turns ready, and a ready one is due later or goes: read in this order none is overlooked.
            let now = self.clock().now();
            let is_due = self.next_due().await.is_some_and(|due| due <= now);
            let ready = self.inner.store.delivery_ready_counts().await.unwrap_or_default();
            let ready: u64 = ready.iter().map(|ready| ready.count).sum();
            let due = self.next_due().await;
            let timer = self.inner.dispatch.next_timer();
            let snapshot = self.snapshot();
            // What is ready waits for a limit, or for an endpoint that fails to be tried again.
            let is_held_back = snapshot.resident as u64 == ready && timer.is_some_and(|timer| timer > now);
            if !is_due && snapshot.attempts_under_way == 0 && (ready == 0 || is_held_back) {
                return due.into_iter().chain(timer.filter(|_| ready > 0)).min();
            }
            self.inner.dispatch.look_around();
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        panic!(
            "after {} s the engine still has deliveries under way: does a seam never return?",
            PATIENCE.as_secs()
        );
    }

    /// When the next retry is due.
    async fn next_due(&self) -> Option<Timestamp> {
        self.inner.store.delivery_next_due().await.ok().flatten()
    }

    fn not_sent(&self, event: &str, expected: &Value) -> String {
        let mut message = format!("no webhook of the event {event:?} was sent with\n  {expected}");
        let sent = self.sent(event);
        for sent in &sent {
            let _ = write!(message, "\nbut one with\n  {} to {}", sent.json(), sent.url);
        }
        if sent.is_empty() {
            let captured = self.capture().lock();
            let mut others: Vec<&str> = captured.sent.iter().map(|sent| sent.event.as_str()).collect();
            others.sort_unstable();
            others.dedup();
            let others = if others.is_empty() { "nothing".to_owned() } else { others.join(", ") };
            let hint = match self.events().get(event) {
                None => "the event is not declared",
                Some(_) => "has its owner subscribed to it?",
            };
            let _ = write!(message, "\nand no other of it either ({hint}); sent were: {others}");
        }
        message
    }
}
