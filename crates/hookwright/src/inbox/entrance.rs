//! A request comes to an inbox: what is seen before its body is read, and then the whole of it.

use std::sync::Arc;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};

use crate::error::Error;
use crate::inbox::Inbox;
use crate::receive::{Door, InboundHead, InboundReply};

/// A request that was let in by its method and rate: its body may be read, up to [`Entrance::body_limit`].
pub struct Entrance<'a> {
    inbox: &'a Inbox,
    door: Door<'a>,
}

impl Inbox {
    /// Takes a whole request to the source of this name, and says what to answer: when it is success, the request is on disk.
    ///
    /// In this order: method, rate, size, proof, body. A name that no source has is answered with 404; what cannot be stored right now
    /// with 503, so that its provider sends it again.
    pub async fn receive(&self, source: &str, request: Request<Bytes>) -> Response<Bytes> {
        let (parts, body) = request.into_parts();
        let url = self.called(&parts);
        match self.enter(source, &parts, url.as_deref()).await {
            Err(response) => response,
            Ok(entrance) if body.len() > entrance.body_limit() => entrance.too_large().await,
            Ok(entrance) => entrance.take(body).await,
        }
    }

    /// The URL that a provider called, for [`Inbox::enter`]: the public URL with the path and query of the request.
    pub fn called(&self, parts: &Parts) -> Option<String> {
        let public = self.shared.public_url.as_ref()?;
        Some(format!("{public}{}", parts.uri.path_and_query().map_or("/", |called| called.as_str())))
    }

    /// Whether it has a source of this name.
    pub fn has_source(&self, source: &str) -> bool {
        self.settled(source).is_ok()
    }

    /// Begins to take a request whose body was not read yet: lets it in, or says what to answer.
    pub async fn enter<'a>(
        &'a self,
        source: &str,
        parts: &'a Parts,
        url: Option<&'a str>,
    ) -> Result<Entrance<'a>, Response<Bytes>> {
        let Ok(settled) = self.settled(source) else {
            tracing::error!("a request came for the source {source:?}, and the inbox has no such source");
            return Err(InboundReply::not_found().into());
        };
        let head = InboundHead {
            source: "",
            token: "",
            method: &parts.method,
            path: parts.uri.path(),
            query: parts.uri.query(),
            url,
            headers: &parts.headers,
        };
        let opened = match self.hooks.inner.publisher.is_open() {
            Ok(()) => {
                let (entry, path) = (Arc::clone(&settled.entry), parts.uri.path().to_owned());
                let event_type = settled.event_type.clone();
                self.hooks.inner.receiver.enter(head, entry, path, event_type).await
            }
            Err(error) => Err(error),
        };
        match opened {
            Ok(Ok(door)) => Ok(Entrance { inbox: self, door }),
            Ok(Err(reply)) => Err(reply.into()),
            Err(error) => Err(unavailable(&error)),
        }
    }
}

impl Entrance<'_> {
    /// How many bytes the body may have.
    pub fn body_limit(&self) -> usize {
        self.inbox.shared.body_limit
    }

    /// Takes the request with its whole body, and says what to answer.
    pub async fn take(self, body: Bytes) -> Response<Bytes> {
        let taken = self.door.take(body).await;
        // In a test the handlers have run when this returns.
        self.inbox.hooks.settled().await;
        answered(taken)
    }

    /// The body has more bytes than are taken: says what to answer.
    pub async fn too_large(self) -> Response<Bytes> {
        let limit = self.body_limit();
        answered(self.door.too_large(limit).await)
    }

    /// The body ended before it was whole: says what to answer, should anybody still listen.
    pub async fn broke_off(self) -> Response<Bytes> {
        answered(self.door.unread(StatusCode::BAD_REQUEST.as_u16(), "The body broke off.").await)
    }
}

fn answered(reply: Result<InboundReply, Error>) -> Response<Bytes> {
    reply.map_or_else(|error| unavailable(&error), Response::from)
}

/// It is not on disk: its provider is told to send it again.
fn unavailable(error: &Error) -> Response<Bytes> {
    tracing::error!(%error, "a request could not be stored");
    let mut response = Response::new(Bytes::from_static(b"This cannot be taken right now. Send it again."));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}
