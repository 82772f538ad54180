//! What a product puts in the place of parts of an attempt: its own body, and its own way to send it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderValue;
use http::{Request, Response};

use crate::deliver::client::{Ended, RESPONSE_KEPT};
use crate::deliver::handler::{Handler, Handlers};
use crate::deliver::outcome::FailureReason;
use crate::deliver::render;
use crate::domain::endpoint::Endpoint;
use crate::domain::message::Message;

/// What a product's own code fails with. Its text is kept as the attempt's reason, which the endpoint's owner can read.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What an endpoint gets of a message: a body, and what it is. It is signed and sent as it is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookBody {
    /// The header `content-type`.
    pub content_type: HeaderValue,
    /// The bytes.
    pub bytes: Bytes,
}

impl WebhookBody {
    /// The body that the engine itself would send: the payload as it is, or in the envelope of REST Hooks if the endpoint is set
    /// so.
    pub fn usual(message: &Message, endpoint: &Endpoint) -> WebhookBody {
        render::usual(message, endpoint)
    }

    /// A body of JSON.
    pub fn json(bytes: impl Into<Bytes>) -> WebhookBody {
        WebhookBody { content_type: render::JSON, bytes: bytes.into() }
    }
}

/// A webhook that is ready to be sent.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Outgoing {
    /// The request: its URL, its headers with the signature, its body.
    pub request: Request<Bytes>,
    /// The message that it is of.
    pub message: Arc<Message>,
    /// The endpoint that it goes to.
    pub endpoint: Endpoint,
    /// Which attempt it is, from 1.
    pub attempt: u16,
}

type Rendering = dyn Fn(&Message, &Endpoint) -> Result<WebhookBody, BoxError> + Send + Sync;
type Sending = Pin<Box<dyn Future<Output = Result<Response<Bytes>, BoxError>> + Send>>;
type Transport = dyn Fn(Outgoing) -> Sending + Send + Sync;

/// What a product puts in the place of parts of an attempt, if it does.
#[derive(Clone, Default)]
pub(crate) struct Custom {
    rendering: Option<Arc<Rendering>>,
    transport: Option<Arc<Transport>>,
    handlers: Arc<Handlers>,
}

impl Custom {
    pub(crate) fn set_rendering(
        &mut self,
        rendering: impl Fn(&Message, &Endpoint) -> Result<WebhookBody, BoxError> + Send + Sync + 'static,
    ) {
        self.rendering = Some(Arc::new(rendering));
    }

    pub(crate) fn set_transport<F>(&mut self, transport: impl Fn(Outgoing) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<Response<Bytes>, BoxError>> + Send + 'static,
    {
        self.transport = Some(Arc::new(move |outgoing| Box::pin(transport(outgoing))));
    }

    #[cfg(feature = "receive")]
    pub(crate) fn set_handlers(&mut self, handlers: Handlers) {
        self.handlers = Arc::new(handlers);
    }

    /// The handler that the endpoint with this URL stands for.
    pub(super) fn handler(&self, url: &str) -> Option<&Handler> {
        self.handlers.get(url)
    }

    /// What the endpoint gets of the message.
    pub(super) fn render(
        &self,
        message: &Message,
        endpoint: &Endpoint,
    ) -> Result<WebhookBody, FailureReason> {
        match &self.rendering {
            None => Ok(render::usual(message, endpoint)),
            Some(rendering) => rendering(message, endpoint)
                .map_err(|error| FailureReason::Unserialised(in_one_line(&*error))),
        }
    }

    /// Sends a webhook the product's own way, if it has one; `outgoing` is made only then.
    pub(super) async fn send(&self, outgoing: impl FnOnce() -> Outgoing, timeout: Duration) -> Option<Ended> {
        let transport = self.transport.as_ref()?;
        let sent = tokio::time::timeout(timeout, transport(outgoing())).await;
        Some(match sent {
            Err(_) => Ended::failed(FailureReason::Timeout(timeout)),
            Ok(Err(error)) => Ended::failed(FailureReason::Undelivered(in_one_line(&*error))),
            Ok(Ok(answer)) => {
                let (head, body) = answer.into_parts();
                // Of its own: a slice would keep all of a large answer in memory.
                let kept = Bytes::copy_from_slice(&body[..body.len().min(RESPONSE_KEPT)]);
                Ended { head: Some((head.status, head.headers)), body: kept, failure: None }
            }
        })
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Custom")
            .field("rendering", &self.rendering.is_some())
            .field("transport", &self.transport.is_some())
            .field("handlers", &self.handlers.len())
            .finish()
    }
}

/// The longest text of a product's own error that is kept with an attempt, in characters.
const REASON_MAX: usize = 500;

/// An error as it is kept with an attempt.
pub(super) fn in_one_line(error: &dyn std::error::Error) -> String {
    error.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON_MAX).collect()
}
