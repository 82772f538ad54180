//! What a request to a source is answered.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

/// An answer, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InboundReply {
    /// The status code.
    pub status: u16,
    /// The header `content-type`.
    pub content_type: String,
    /// The body.
    pub body: Bytes,
    /// The header `allow`: the methods that the source takes.
    pub allow: Option<String>,
    /// The header `retry-after`, in seconds.
    pub retry_after: Option<u64>,
}

impl InboundReply {
    /// An answer of one sentence.
    pub(super) fn text(status: u16, sentence: impl Into<String>) -> InboundReply {
        InboundReply {
            status,
            content_type: "text/plain; charset=utf-8".to_owned(),
            body: Bytes::from(sentence.into()),
            allow: None,
            retry_after: None,
        }
    }

    /// There is no such source, or the token is none of its own: the same words for both.
    pub fn not_found() -> InboundReply {
        InboundReply::text(404, "There is no such source.")
    }
}

impl From<InboundReply> for Response<Bytes> {
    fn from(reply: InboundReply) -> Response<Bytes> {
        let mut response = Response::new(reply.body);
        *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
        let headers = response.headers_mut();
        if let Ok(content_type) = HeaderValue::try_from(reply.content_type) {
            headers.insert(CONTENT_TYPE, content_type);
        }
        if let Some(allow) = reply.allow.and_then(|methods| HeaderValue::try_from(methods).ok()) {
            headers.insert(ALLOW, allow);
        }
        if let Some(seconds) = reply.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
