//! A delivery that ends in this program: what came to a source is given to a closure of the product's, in the place of a request.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use crate::deliver::client::Ended;
use crate::deliver::custom::{BoxError, in_one_line};
use crate::deliver::outcome::FailureReason;
use crate::domain::ids::MessageId;
use crate::domain::inbound::CameWith;
use crate::domain::message::Message;
use crate::domain::names::EventTypeName;
use crate::domain::time::Timestamp;

/// What a handler is given: one event that came to a source, proven and on disk.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct InboundEvent {
    /// Its id: the same each time that the handler is called with it, and no other event has it.
    pub id: MessageId,
    /// What happened, in the provider's words; `inbound` if it says nothing of itself.
    pub event_type: EventTypeName,
    /// The body, byte for byte as it came; of a request without one `{"method", "path", "query"}`, in JSON.
    pub body: Bytes,
    /// The headers it came with, their names in lower case; values that may be credentials are redacted.
    pub headers: Vec<(String, String)>,
    /// When it came.
    pub received_at: Timestamp,
    /// Which time the handler is called with it, from 1.
    pub attempt: u16,
}

impl InboundEvent {
    /// The event that this message is, which a request came with.
    pub(crate) fn of(message: &Message, came_with: &CameWith, attempt: u16) -> InboundEvent {
        InboundEvent {
            id: message.id,
            event_type: message.event_type.clone(),
            body: message.payload.clone(),
            headers: came_with.headers.clone(),
            received_at: message.created_at,
            attempt,
        }
    }

    /// The body, read as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// The first header of this name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

type Handling = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

/// The product's own code for some events of a source.
#[derive(Clone)]
pub(crate) struct Handler {
    call: Arc<dyn Fn(InboundEvent) -> Handling + Send + Sync>,
    /// How long one call may take.
    timeout: Duration,
}

/// The handlers of this program, by the URLs of the endpoints that stand for them.
pub(crate) type Handlers = HashMap<String, Handler>;

impl Handler {
    #[cfg_attr(not(feature = "receive"), expect(dead_code, reason = "an inbox makes them"))]
    pub(crate) fn new<F, E>(
        handle: impl Fn(InboundEvent) -> F + Send + Sync + 'static,
        timeout: Duration,
    ) -> Handler
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let call = move |event| -> Handling {
            let handling = handle(event);
            Box::pin(async move { handling.await.map_err(Into::into) })
        };
        Handler { call: Arc::new(call), timeout }
    }

    /// Calls it with a message. A panic in it fails the attempt, as an error does.
    pub(super) async fn handle(&self, message: &Message, came_with: &CameWith, attempt: u16) -> Ended {
        let event = InboundEvent::of(message, came_with, attempt);
        let handled = AssertUnwindSafe(async { (self.call)(event).await }).catch_unwind();
        let handled = HANDLING.scope((), tokio::time::timeout(self.timeout, handled));
        let reason = match handled.await {
            Ok(Ok(Ok(()))) => {
                let head = Some((StatusCode::OK, HeaderMap::new()));
                return Ended { head, body: Bytes::new(), failure: None };
            }
            Ok(Ok(Err(error))) => in_one_line(&*error),
            Ok(Err(_)) => "it panicked".to_owned(),
            Err(_) => format!("it took longer than {} s", self.timeout.as_secs_f64()),
        };
        Ended::failed(FailureReason::Unhandled(reason))
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

tokio::task_local! {
    /// There while a handler runs.
    static HANDLING: ();
}

/// Whether a handler is asking: what waits for all that is under way would wait for the handler itself.
#[cfg(feature = "testing")]
pub(crate) fn is_handling() -> bool {
    HANDLING.try_with(|()| ()).is_ok()
}

/// What a handler's endpoint has for its URL: nobody else can be given one, since no address policy lets it through.
const SCHEME: &str = "handler:";

/// The URL of the endpoint that stands for a source's handler of this name.
#[cfg_attr(not(feature = "receive"), expect(dead_code, reason = "an inbox makes them"))]
pub(crate) fn url(source: &str, name: &str) -> String {
    format!("{SCHEME}{source}/{name}")
}

/// Whether an endpoint with this URL stands for a handler.
pub(crate) fn is_handler(url: &str) -> bool {
    url.starts_with(SCHEME)
}
