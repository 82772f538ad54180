//! `/api/dev/sent`: the webhooks that `hookwright dev --capture-only` has caught instead of sending them, for a product's tests in
//! any language. It is no part of the Svix API, and there is none in `serve`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use hookwright::{BoxError, Outgoing};
use http::StatusCode;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::api::answer;
use crate::api::error::ApiError;
use crate::api::query::{Query, refused};
use crate::auth::OrganisationCaller;
use crate::server::AppState;

/// So many webhooks are kept, the newest; a test that sends more clears them in between.
const KEPT_MAX: usize = 10_000;
/// So long a request waits at most for the webhooks that it asks for.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// What was caught. Clones share it.
#[derive(Clone, Default)]
pub struct SentWebhooks {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    sent: Mutex<VecDeque<Sent>>,
    more: Notify,
}

/// One attempt to deliver a webhook.
struct Sent {
    event: String,
    shown: Value,
}

impl SentWebhooks {
    /// Catches a webhook, and answers 200 in its endpoint's place.
    ///
    /// # Errors
    ///
    /// None: it has the shape of what delivers.
    pub fn catch(&self, outgoing: Outgoing) -> Result<http::Response<Bytes>, BoxError> {
        let event = outgoing.message.event_type.as_str().to_owned();
        let mut sent = self.lock();
        if sent.len() >= KEPT_MAX {
            sent.pop_front();
        }
        sent.push_back(Sent { event, shown: shown(&outgoing) });
        drop(sent);
        self.shared.more.notify_waiters();
        Ok(http::Response::new(Bytes::new()))
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Sent>> {
        self.shared.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, event: Option<&str>) -> Vec<Value> {
        let sent = self.lock();
        let wanted = sent.iter().filter(|sent| event.is_none_or(|event| sent.event == event));
        wanted.map(|sent| sent.shown.clone()).collect()
    }

    /// The webhooks of this event, once there are so many, or as many as there are after a while.
    async fn at_least(&self, event: Option<&str>, count: usize) -> Vec<Value> {
        let enough = async {
            loop {
                // Asked for before looking, so that one that comes in between is noticed.
                let more = self.shared.more.notified();
                let found = self.of(event);
                if found.len() >= count {
                    return found;
                }
                more.await;
            }
        };
        match tokio::time::timeout(WAIT_MAX, enough).await {
            Ok(found) => found,
            Err(_) => self.of(event),
        }
    }
}

fn shown(outgoing: &Outgoing) -> Value {
    let headers: serde_json::Map<String, Value> = outgoing
        .request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    let body = outgoing.request.body();
    let payload: Option<&RawValue> = serde_json::from_slice(&outgoing.message.payload).ok();
    json!({
        "event": outgoing.message.event_type.as_str(),
        "application": outgoing.message.application.to_string(),
        "endpoint": outgoing.endpoint.id.to_string(),
        "message": outgoing.message.id.to_string(),
        "attempt": outgoing.attempt,
        "url": outgoing.request.uri().to_string(),
        "headers": headers,
        "payload": payload,
        "body": String::from_utf8_lossy(body),
    })
}

/// The routes, if webhooks are caught.
pub(super) fn routes(sent: Option<SentWebhooks>) -> Router<AppState> {
    let Some(sent) = sent else { return Router::new() };
    let list = {
        let sent = sent.clone();
        move |_: OrganisationCaller, State(_): State<AppState>, query: Query| list(sent, query)
    };
    let clear = move |_: OrganisationCaller| async move {
        sent.lock().clear();
        StatusCode::NO_CONTENT
    };
    Router::new().route("/api/dev/sent", get(list).delete(clear))
}

/// `?event=` leaves those of one event; `?at_least=` waits until there are so many, for at most ten seconds.
async fn list(sent: SentWebhooks, query: Query) -> Result<Response, ApiError> {
    let event = query.get("event");
    let at_least: usize = query.number("at_least")?.unwrap_or(0);
    if at_least > KEPT_MAX {
        return Err(refused("at_least", format!("must be at most {KEPT_MAX}")));
    }
    let found = sent.at_least(event, at_least).await;
    answer::json(StatusCode::OK, &json!({ "data": found }))
}
