//! `/api/dev/sent`: the webhooks that `hookwright dev --capture-only` has caught instead of sending them, for a product's tests in
//! any language. It is no part of the Svix API, and there is none in `serve`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use hookwright::{BoxError, Outgoing};
use http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::Notify;

use crate::api::answer;
use crate::api::error::ApiError;
use crate::api::query::{Query, refused};
use crate::auth::OrganisationCaller;
use crate::server::AppState;

/// So many webhooks are kept, the newest; a test that sends more clears them in between.
const KEPT_MAX: usize = 10_000;
/// So many bytes of payloads and bodies are kept.
const KEPT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// So long a request waits at most for the webhooks that it asks for.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// What was caught. Clones share it.
#[derive(Clone, Default)]
pub struct SentWebhooks {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    kept: Mutex<Kept>,
    more: Notify,
}

#[derive(Default)]
struct Kept {
    sent: VecDeque<Arc<Sent>>,
    bytes: usize,
}

/// One attempt to deliver a webhook.
#[derive(Serialize)]
struct Sent {
    event: String,
    application: String,
    endpoint: String,
    message: String,
    attempt: u16,
    url: String,
    headers: BTreeMap<String, String>,
    /// As it was sent, byte for byte.
    payload: Option<Box<RawValue>>,
    body: String,
}

impl Sent {
    fn of(outgoing: &Outgoing) -> Sent {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers = outgoing.request.headers().iter();
        Sent {
            event: outgoing.message.event_type.as_str().to_owned(),
            application: outgoing.message.application.to_string(),
            endpoint: outgoing.endpoint.id.to_string(),
            message: outgoing.message.id.to_string(),
            attempt: outgoing.attempt,
            url: outgoing.request.uri().to_string(),
            headers: headers
                .map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes())))
                .collect(),
            payload: serde_json::from_slice(&outgoing.message.payload).ok(),
            body: text(outgoing.request.body()),
        }
    }

    fn bytes(&self) -> usize {
        self.body.len() + self.payload.as_ref().map_or(0, |payload| payload.get().len())
    }
}

impl SentWebhooks {
    /// Catches a webhook, and answers 200 in its endpoint's place.
    ///
    /// # Errors
    ///
    /// None: it has the shape of what delivers.
    pub fn catch(&self, outgoing: Outgoing) -> Result<http::Response<Bytes>, BoxError> {
        let sent = Arc::new(Sent::of(&outgoing));
        let mut kept = self.lock();
        kept.bytes += sent.bytes();
        kept.sent.push_back(sent);
        while kept.sent.len() > KEPT_MAX || kept.bytes > KEPT_BYTES_MAX {
            let Some(oldest) = kept.sent.pop_front() else { break };
            kept.bytes -= oldest.bytes();
        }
        drop(kept);
        self.shared.more.notify_waiters();
        Ok(http::Response::new(Bytes::new()))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, event: Option<&str>) -> Vec<Arc<Sent>> {
        let kept = self.lock();
        kept.sent.iter().filter(|sent| event.is_none_or(|event| sent.event == event)).cloned().collect()
    }

    /// The webhooks of this event, once there are so many, or as many as there are after a while.
    async fn at_least(&self, event: Option<&str>, count: usize) -> Vec<Arc<Sent>> {
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

/// The routes, if webhooks are caught.
pub(super) fn routes(sent: Option<SentWebhooks>) -> Router<AppState> {
    let Some(sent) = sent else { return Router::new() };
    let listed = sent.clone();
    let list = move |caller: OrganisationCaller, State(state): State<AppState>, query: Query| async move {
        only_the_operator(&caller, &state)?;
        list(listed, query).await
    };
    let clear = move |caller: OrganisationCaller, State(state): State<AppState>| async move {
        only_the_operator(&caller, &state)?;
        *sent.lock() = Kept::default();
        Ok::<_, ApiError>(StatusCode::NO_CONTENT)
    };
    Router::new().route("/api/dev/sent", get(list).delete(clear))
}

/// What is caught is of all organisations.
fn only_the_operator(caller: &OrganisationCaller, state: &AppState) -> Result<(), ApiError> {
    if caller.0 == state.hooks.default_organisation() {
        return Ok(());
    }
    let detail = "insufficient access: only the operator's own organisation sees what is caught";
    Err(ApiError::new(StatusCode::FORBIDDEN, "insufficient_access", detail))
}

/// `?event=` leaves those of one event; `?at_least=` waits until there are so many, for at most ten seconds.
async fn list(sent: SentWebhooks, query: Query) -> Result<Response, ApiError> {
    let event = query.get("event");
    let at_least: usize = query.number("at_least")?.unwrap_or(0);
    if at_least > KEPT_MAX {
        return Err(refused("at_least", format!("must be at most {KEPT_MAX}")));
    }
    let found = sent.at_least(event, at_least).await;
    let data: Vec<&Sent> = found.iter().map(|sent| &**sent).collect();
    answer::json(StatusCode::OK, &BTreeMap::from([("data", data)]))
}
